//! How NTPsec's ntpq makes a command of a line.
//!
//! A name is of letters, digits and underscores; what follows it is one argument, which the command
//! takes apart itself. Any beginning of a name that fits no other will do.

use crate::line::beginning;
use crate::ntpq::command::{Argument, Line, Verb, vocabulary};
use crate::ntpq::ntpsec::help;
use crate::ntpq::ntpsec::value::strip;
use crate::ntpq::style::Style;
use crate::ntpq::vocabulary::Command;

/// Reads a line: `Ok(None)` when there is nothing on it, an error as it is printed.
pub fn read(line: &str) -> Result<Option<Line>, String> {
    let line = match line.strip_prefix(CONFIG.written) {
        Some(rest) => format!("{}{rest}", CONFIG.called),
        None if line.starts_with(FROM_FILE.written) => {
            line.replace(FROM_FILE.written, FROM_FILE.called)
        }
        None => line.to_owned(),
    };
    let line = strip(&line);
    if line.is_empty() {
        return Ok(None);
    }
    let asked_for_help = line.strip_prefix('?').map(|rest| format!("help {rest}"));
    let line = asked_for_help.as_deref().unwrap_or(line);
    if line.starts_with('!') {
        return Err(format!("Command `{line}' is unknown\n"));
    }
    let (name, rest) = split(line);
    if let Some(command) = exactly(name) {
        return Ok(Some(understood(command, strip(rest))));
    }
    let found = beginning::find(commands().map(|command| (command.name, command)), name);
    let command = found.map_err(|why| format!("***Command `{name}' {why}\n"))?;
    // The name stands in place of its beginning wherever that is found on the line.
    //
    // Differs: where the name has a hyphen in it, NTPsec's ntpq does this for ever.
    let line = line.replace(name, command.name);
    let rest = strip(line.get(command.name.len()..).unwrap_or_default());
    if command.verb == Verb::Help && !rest.is_empty() {
        // Help that is asked for by a beginning of its name is particular about what it is for.
        let topics = commands().filter(|topic| help::has_text(topic));
        let topic = beginning::find(topics.map(|topic| (topic.name, topic)), rest);
        let topic = topic.map_err(|why| format!("Command `{rest}' is {why}\n"))?;
        return Ok(Some(understood(command, topic.name)));
    }
    Ok(Some(understood(command, rest)))
}

fn understood(command: &'static Command<Verb>, argument: &str) -> Line {
    let argument = (!argument.is_empty()).then(|| Argument::Text(argument.to_owned()));
    Line {
        command,
        arguments: argument.into_iter().collect(),
        redirect: None,
        warnings: String::new(),
    }
}

/// The commands.
pub fn commands() -> impl Iterator<Item = &'static Command<Verb>> {
    // A question mark is no name, only what a line may begin with.
    vocabulary(Style::Ntpsec).commands().filter(|command| command.name != "?")
}

fn exactly(name: &str) -> Option<&'static Command<Verb>> {
    let named = |wanted: &str| commands().find(|command| command.name == wanted);
    [CONFIG, FROM_FILE]
        .iter()
        .find(|odd| odd.called == name)
        .and_then(|odd| named(odd.written))
        .or_else(|| named(name))
}

fn split(line: &str) -> (&str, &str) {
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
    line.split_at(end)
}

/// A name that is none, since it has other signs in it than letters: what is made of it.
#[derive(Clone, Copy)]
struct Odd {
    written: &'static str,
    called: &'static str,
}

const CONFIG: Odd = Odd { written: ":config", called: "hot_config" };

const FROM_FILE: Odd = Odd { written: "config-from-file", called: "config_from_file" };

/// What the end of the input is taken for.
pub const END_OF_INPUT: &str = "EOF";

#[cfg(test)]
mod tests {
    use super::*;

    fn name_and_argument(line: &str) -> (&'static str, String) {
        let line = read(line).unwrap().unwrap();
        (line.command.name, line.text(0).unwrap_or_default().to_owned())
    }

    // As NTPsec's ntpq 1.2.2 understood them.
    #[test]
    fn lines_are_read_as_ntpsec_reads_them() {
        for (line, name, argument) in [
            (" rv  &1 offset ", "rv", "&1 offset"),
            ("rv&1", "rv", "&1"),
            ("as", "associations", ""),
            ("readv 0 readv", "readvar", "0 readvar"),
            (":config tos  minsane 1", ":config", "tos  minsane 1"),
            ("hot_config x", ":config", "x"),
            ("config-from-file a", "config-from-file", "a"),
            ("?rv", "help", "rv"),
            ("?", "help", ""),
            ("rv > /dev/null", "rv", "> /dev/null"),
        ] {
            assert_eq!(name_and_argument(line), (name, argument.to_owned()), "{line}");
        }
        for (line, error) in [
            ("p", "***Command `p' ambiguous\n"),
            ("&1", "***Command `' ambiguous\n"),
            ("foo x", "***Command `foo' unknown\n"),
            (":configtos", "***Command `hot_configtos' unknown\n"),
            ("saveconfig x", "***Command `saveconfig' unknown\n"),
            ("!ls", "Command `!ls' is unknown\n"),
        ] {
            assert_eq!(read(line).unwrap_err(), error);
        }
        assert!(read(" \t").unwrap().is_none());
    }
}
