//! `ntpscope ntpq`, and the program when it is started through a link called `ntpq`: ntpq's own
//! options, as its option library takes them.
//!
//! Letters may stand together (`-pn`), the value of an option beside it or after it (`-cCMD`,
//! `--command=CMD`), long names be cut while they fit one option only, and the first word that is no
//! option ends the options: what follows are hosts. Complaints are ntpq's too.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use jiff::tz::TimeZone;

use crate::ntpq::{Batch, Family, Options, RefIds};

/// What to print when there is nothing to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instead {
    /// The text.
    pub text: String,
    /// Whether the user asked for it: then it goes to standard output and the exit status is 0,
    /// else to standard error and it is 1.
    pub asked_for: bool,
}

/// Does what `arguments` say, without the program's name, which is `program`. `drive` runs a batch to
/// its end on the network and returns its exit status.
pub fn start(
    program: &OsStr,
    arguments: impl IntoIterator<Item = OsString>,
    drive: impl FnOnce(&mut Batch) -> io::Result<u8>,
) -> ExitCode {
    let name = program_name(program);
    let outcome = match read(&name, arguments) {
        Ok(options) => drive(&mut Batch::new(options, TimeZone::system)),
        Err(Instead { text, asked_for: true }) => {
            io::stdout().write_all(text.as_bytes()).map(|()| 0)
        }
        Err(instead) => io::stderr().write_all(instead.text.as_bytes()).map(|()| 1),
    };
    match outcome {
        Ok(status) => status.into(),
        // Whoever read had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere else to say it.
            drop(writeln!(io::stderr(), "{name}: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether a program started under this name is to be ntpq.
pub fn is_ntpq(program: &OsStr) -> bool {
    Path::new(program).file_stem() == Some(OsStr::new(NAME))
}

/// What the program calls itself in complaints: what it was started as through a link, `ntpq`
/// otherwise.
pub fn program_name(program: &OsStr) -> String {
    if is_ntpq(program) { program.to_string_lossy().into_owned() } else { NAME.to_owned() }
}

/// Reads `arguments`, without the program's name; `program` is what it calls itself.
///
/// # Errors
/// Help and version where asked for, otherwise what is wrong.
pub fn read(
    program: &str,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Options, Instead> {
    let mut words = arguments.into_iter().map(|word| word.to_string_lossy().into_owned());
    let mut reader = Reader {
        program,
        options: Options { program: program.to_owned(), ..Options::default() },
        family: Family::Any,
    };
    let mut hosts = Vec::new();
    while let Some(word) = words.next() {
        if word == "--" {
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            reader.take_long(long, &mut words)?;
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            reader.take_letters(letters, &mut words)?;
        } else {
            hosts.push(word);
            break;
        }
    }
    hosts.extend(words);
    reader.take_hosts(hosts);
    let options = reader.options;
    if options.commands.is_empty() {
        return Err(Instead { text: format!("{program}: {NO_COMMAND}\n"), asked_for: false });
    }
    Ok(options)
}

struct Reader<'a> {
    program: &'a str,
    options: Options,
    family: Family,
}

impl Reader<'_> {
    fn take_long(
        &mut self,
        text: &str,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<(), Instead> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let exact = OPTIONS.iter().find(|option| option.name == name);
        let mut near = OPTIONS.iter().filter(|option| option.name.starts_with(name));
        let option = exact.or_else(|| match (near.next(), near.next()) {
            (Some(option), None) => Some(option),
            _ => None,
        });
        let Some(option) = option else { return Err(self.illegal(name)) };
        let value = match (option.takes, value) {
            (Takes::Nothing, Some(_)) => {
                let text = format!("The '{}' option cannot have an argument.", option.name);
                return Err(self.wrong(&format!("{}: {text}", self.program)));
            }
            (Takes::Something, None) => Some(self.value(option, words)?),
            (_, value) => value,
        };
        self.take(option.which, value)
    }

    fn take_letters(
        &mut self,
        letters: &str,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<(), Instead> {
        for (at, letter) in letters.char_indices() {
            let Some(option) = OPTIONS.iter().find(|option| option.letter == Some(letter)) else {
                return Err(self.illegal(&letter.to_string()));
            };
            if option.takes == Takes::Something {
                let rest = letters.get(at + letter.len_utf8()..).unwrap_or_default();
                let value = match rest {
                    "" => self.value(option, words)?,
                    beside => beside.to_owned(),
                };
                return self.take(option.which, Some(value));
            }
            self.take(option.which, None)?;
        }
        Ok(())
    }

    fn value(
        &self,
        option: &Described,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<String, Instead> {
        words.next().ok_or_else(|| {
            let text = format!("The '{}' option requires an argument.", option.name);
            self.wrong(&format!("{}: {text}", self.program))
        })
    }

    fn take(&mut self, which: Which, value: Option<String>) -> Result<(), Instead> {
        let other = match which {
            Which::V4 => Family::V6,
            Which::V6 => Family::V4,
            _ => Family::Any,
        };
        match which {
            Which::V4 | Which::V6 if self.family == other => {
                let first = if which == Which::V4 { "ipv6" } else { "ipv4" };
                let second = if which == Which::V4 { "ipv4" } else { "ipv6" };
                let (first, second) =
                    if first < second { (first, second) } else { (second, first) };
                let text = format!("the '{first}' and '{second}' options conflict");
                return Err(self.wrong(&format!("{} error:  {text}", self.program)));
            }
            Which::V4 => self.family = Family::V4,
            Which::V6 => self.family = Family::V6,
            Which::Command => self.options.commands.extend(value),
            Which::Peers => self.options.commands.push(PEERS.to_owned()),
            Which::Numeric => self.options.numeric = true,
            Which::Wide => self.options.wide = true,
            Which::OldRv => self.options.old_rv = true,
            Which::RefIds => self.take_ref_ids(&value.unwrap_or_default())?,
            Which::Json => self.options.json = true,
            Which::Help => {
                return Err(Instead { text: help(self.program), asked_for: true });
            }
            Which::Version => {
                let text = format!("{}\n", crate::ntpq::settings::VERSION);
                return Err(Instead { text, asked_for: true });
            }
            Which::Absent(name) => {
                let text =
                    format!("{}: the option '{name}' is not available in ntpscope\n", self.program);
                return Err(Instead { text, asked_for: false });
            }
        }
        Ok(())
    }

    fn take_ref_ids(&mut self, word: &str) -> Result<(), Instead> {
        self.options.ref_ids = match word {
            "hash" | "0" => RefIds::Hash,
            "ipv4" | "1" => RefIds::Ipv4,
            _ => {
                let text = format!(
                    "{} error:  '{word}' does not match any refid keywords.\n\
                     The valid \"refid\" option keywords are:\n  hash ipv4\n  \
                     or an integer from 0 through 1",
                    self.program
                );
                return Err(self.wrong(&text));
            }
        };
        Ok(())
    }

    /// Among the hosts `-4` and `-6` say which addresses of those after them will do.
    fn take_hosts(&mut self, words: Vec<String>) {
        if words.is_empty() {
            self.options.hosts.push((DEFAULT_HOST.to_owned(), self.family));
        }
        for word in words {
            if word.starts_with("-4") {
                self.family = Family::V4;
            } else if word.starts_with("-6") {
                self.family = Family::V6;
            } else {
                self.options.hosts.push((word, self.family));
            }
        }
    }

    fn illegal(&self, name: &str) -> Instead {
        self.wrong(&format!("{}: illegal option -- {name}", self.program))
    }

    fn wrong(&self, what: &str) -> Instead {
        let program = self.program;
        let text = format!(
            "{what}\n{TITLE}\n{}\nTry '{program} --help' for more information.\n",
            usage(program)
        );
        Instead { text, asked_for: false }
    }
}

fn usage(program: &str) -> String {
    format!("Usage:  {program} [ -<flag> [<val>] | --<name>[{{=| }}<val>] ]... [ host ...]")
}

fn help(program: &str) -> String {
    let mut lines = vec![TITLE.to_owned(), usage(program)];
    for option in OPTIONS.iter().filter(|option| !option.help.is_empty()) {
        let letter = option.letter.map_or_else(|| "  ".to_owned(), |letter| format!("-{letter}"));
        let value = if option.takes == Takes::Something { " VALUE" } else { "" };
        let name = format!("--{}{value}", option.name);
        lines.push(format!("  {letter}  {name:18}  {}", option.help));
    }
    lines.push(NOTES.to_owned());
    format!("{}\n", lines.join("\n"))
}

/// An option.
struct Described {
    which: Which,
    letter: Option<char>,
    name: &'static str,
    takes: Takes,
    help: &'static str,
}

/// Which option it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    V4,
    V6,
    Command,
    Peers,
    Numeric,
    Wide,
    OldRv,
    RefIds,
    Json,
    Help,
    Version,
    Absent(&'static str),
}

/// Whether an option has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    Something,
    /// Beside it after `=`, or none.
    Perhaps,
}

macro_rules! options {
    ($($which:expr, $letter:expr, $name:literal, $takes:ident, $help:literal;)+) => {
        const OPTIONS: &[Described] = &[$(Described {
            which: $which,
            letter: $letter,
            name: $name,
            takes: Takes::$takes,
            help: $help,
        }),+];
    };
}

options! {
    Which::V4, Some('4'), "ipv4", Nothing, "ask IPv4 addresses of names only";
    Which::V6, Some('6'), "ipv6", Nothing, "ask IPv6 addresses of names only";
    Which::Command, Some('c'), "command", Something, "run this command; may be given several times";
    Which::Absent("debug-level"), Some('d'), "debug-level", Nothing, "";
    Which::Absent("set-debug-level"), Some('D'), "set-debug-level", Something, "";
    Which::Absent("interactive"), Some('i'), "interactive", Nothing, "";
    Which::Numeric, Some('n'), "numeric", Nothing, "look up no names of addresses";
    Which::OldRv, None, "old-rv", Nothing, "print the status line with named variables too";
    Which::Peers, Some('p'), "peers", Nothing, "print the table of peers";
    Which::RefIds, Some('r'), "refid", Something, "show reference IDs as hash or ipv4";
    Which::Wide, Some('w'), "wide", Nothing, "give long names a line of their own";
    Which::Json, None, "json", Nothing, "print JSON with full names and units";
    Which::Version, None, "version", Perhaps, "print the version of ntpq that this is like";
    Which::Help, Some('?'), "help", Nothing, "print this";
    Which::Help, Some('!'), "more-help", Nothing, "";
    Which::Absent("save-opts"), Some('>'), "save-opts", Perhaps, "";
    Which::Absent("load-opts"), Some('<'), "load-opts", Something, "";
}

const NAME: &str = "ntpq";

const PEERS: &str = "peers";

const DEFAULT_HOST: &str = "localhost";

const TITLE: &str = "ntpq - standard NTP query program - Ver. 4.2.8p15";

const NO_COMMAND: &str =
    "no command: give -p or -c COMMAND (the interactive mode is not available in ntpscope yet)";

const NOTES: &str = "HOST is a name, an address or [v6%zone], each with an optional :PORT; localhost when there is none.
The exit status is 0 even when a host does not answer, as ntpq's.";

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Result<Options, Instead> {
        read("ntpq", words.iter().copied().map(OsString::from))
    }

    fn host(name: &str, family: Family) -> (String, Family) {
        (name.to_owned(), family)
    }

    #[test]
    fn letters_may_stand_together_and_order_is_kept() {
        let read = arguments(&["-pn", "-c", "rv 0", "-wcpeers", "--command=as", "--command", "cv"]);
        let read = read.unwrap();
        assert_eq!(read.commands, ["peers", "rv 0", "peers", "as", "cv"]);
        assert!(read.numeric && read.wide && !read.old_rv);
        assert_eq!(read.hosts, [host("localhost", Family::Any)]);
    }

    #[test]
    fn long_names_may_be_cut() {
        let read = arguments(&["--num", "--wid", "--pe", "--refid=hash", "--old-rv"]).unwrap();
        assert!(read.numeric && read.wide && read.old_rv);
        assert_eq!(read.ref_ids, RefIds::Hash);
        assert!(arguments(&["--ver"]).unwrap_err().text.starts_with("ntpq 4.2.8p15@"));
    }

    #[test]
    fn the_first_host_ends_the_options() {
        let read = arguments(&["-4p", "a", "-n", "-6", "b:99", "[::1]:99"]).unwrap();
        assert!(!read.numeric);
        assert_eq!(
            read.hosts,
            [
                host("a", Family::V4),
                host("-n", Family::V4),
                host("b:99", Family::V6),
                host("[::1]:99", Family::V6),
            ]
        );
        assert_eq!(arguments(&["-p", "--", "-4"]).unwrap().hosts, []);
    }

    // The first lines are what ntpq 4.2.8p15 wrote.
    #[test]
    fn complaints_are_ntpqs() {
        for (words, first) in [
            (&["-x"][..], "ntpq: illegal option -- x"),
            (&["--foo"], "ntpq: illegal option -- foo"),
            (&["-c"], "ntpq: The 'command' option requires an argument."),
            (&["--ipv4=3"], "ntpq: The 'ipv4' option cannot have an argument."),
            (&["-6", "-4"], "ntpq error:  the 'ipv4' and 'ipv6' options conflict"),
            (&["-r", "foo"], "ntpq error:  'foo' does not match any refid keywords."),
            (&["-i"], "ntpq: the option 'interactive' is not available in ntpscope"),
            (
                &["host"],
                "ntpq: no command: give -p or -c COMMAND (the interactive mode is not available in ntpscope yet)",
            ),
        ] {
            let instead = arguments(words).unwrap_err();
            assert!(!instead.asked_for);
            assert_eq!(instead.text.lines().next(), Some(first));
        }
        assert!(arguments(&["--help"]).unwrap_err().text.contains("-n  --numeric"));
    }

    #[test]
    fn a_link_is_known_by_its_name() {
        assert!(is_ntpq(OsStr::new("/usr/bin/ntpq")));
        assert!(!is_ntpq(OsStr::new("/usr/bin/ntpscope")));
        assert_eq!(program_name(OsStr::new("./ntpq")), "./ntpq");
        assert_eq!(program_name(OsStr::new("ntpscope")), "ntpq");
    }
}
