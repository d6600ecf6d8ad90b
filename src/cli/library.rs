//! Options as the option library of the classic programs takes them, for ours that stand in for those.
//!
//! Letters may stand together (`-pn`), the value of an option beside it or after it (`-cCMD`,
//! `--command=CMD`), long names be cut while they fit one option only, and the first word that is no
//! option ends the options. Complaints are the library's too.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use crate::line::beginning;

/// What to print when there is nothing to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instead {
    /// The text.
    pub text: String,
    /// Whether the user asked for it: then it goes to standard output and the exit status is 0,
    /// else to standard error and it is 1.
    pub asked_for: bool,
}

impl Instead {
    /// Prints it, and returns the exit status.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn print(&self) -> io::Result<u8> {
        if self.asked_for {
            io::stdout().write_all(self.text.as_bytes()).map(|()| 0)
        } else {
            io::stderr().write_all(self.text.as_bytes()).map(|()| 1)
        }
    }
}

/// Whether a program started as `program` is to be the one called `name`.
pub fn is_called(program: &OsStr, name: &str) -> bool {
    Path::new(program).file_stem() == Some(OsStr::new(name))
}

/// What the program called `name` calls itself in complaints: what it was started as through a link,
/// its name otherwise.
pub fn own_name(program: &OsStr, name: &str) -> String {
    if is_called(program, name) { program.to_string_lossy().into_owned() } else { name.to_owned() }
}

/// How the program called `name` ends that came to this.
pub fn ended(name: &str, outcome: io::Result<u8>) -> ExitCode {
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

/// An option.
#[derive(Clone, Copy, Debug)]
pub struct Described<W> {
    /// Which it is.
    pub which: W,
    /// Its letter.
    pub letter: Option<char>,
    /// Its name.
    pub name: &'static str,
    /// Whether it has a value.
    pub takes: Takes,
    /// Options that it does not go with, by name; the other one need not say so too.
    pub conflicts: &'static [&'static str],
    /// What it does, in words; empty when it is not told of.
    pub help: &'static str,
}

/// Whether an option has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None.
    Nothing,
    /// One.
    Something,
    /// One beside it after `=`, or none.
    Perhaps,
}

/// An option that was given.
struct Found<W: 'static> {
    option: &'static Described<W>,
    value: Option<String>,
}

/// A program with such options.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a, W: 'static> {
    /// What it calls itself.
    pub name: &'a str,
    /// The first line of its help.
    pub title: &'static str,
    /// Its options.
    pub options: &'static [Described<W>],
    /// What follows them in its help.
    pub notes: &'static str,
}

/// The options that were given, each with its value, and the words after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given<W> {
    /// Options in order.
    pub options: Vec<(W, Option<String>)>,
    /// The other words.
    pub rest: Vec<String>,
}

impl<W: Copy> Program<'_, W> {
    /// Reads `arguments`, without the program's name.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read(&self, arguments: impl IntoIterator<Item = OsString>) -> Result<Given<W>, Instead> {
        let mut words = arguments.into_iter().map(|word| word.to_string_lossy().into_owned());
        let mut found: Vec<Found<W>> = Vec::new();
        let mut rest = Vec::new();
        while let Some(word) = words.next() {
            if word == "--" {
                break;
            }
            if let Some(long) = word.strip_prefix("--") {
                found.push(self.read_long(long, &mut words)?);
            } else if let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty()) {
                found.extend(self.read_letters(letters, &mut words)?);
            } else {
                rest.push(word);
                break;
            }
        }
        rest.extend(words);
        self.check(&found)?;
        let options = found.into_iter().map(|found| (found.option.which, found.value)).collect();
        Ok(Given { options, rest })
    }

    /// Refuses options that do not go together: of all given, the first in the table that says so.
    fn check(&self, found: &[Found<W>]) -> Result<(), Instead> {
        let is_given = |name: &str| found.iter().any(|found| found.option.name == name);
        for option in self.options.iter().filter(|option| is_given(option.name)) {
            if let Some(other) = option.conflicts.iter().find(|name| is_given(name)) {
                let text = format!("the '{}' and '{other}' options conflict", option.name);
                return Err(self.wrong(&format!("{} error:  {text}", self.name)));
            }
        }
        Ok(())
    }

    fn read_long(
        &self,
        text: &str,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<Found<W>, Instead> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let options = self.options.iter().map(|option| (option.name, option));
        let option = beginning::find(options, name).map_err(|_| self.illegal(name))?;
        let value = match (option.takes, value) {
            (Takes::Nothing, Some(_)) => {
                let text = format!("The '{}' option cannot have an argument.", option.name);
                return Err(self.wrong(&format!("{}: {text}", self.name)));
            }
            (Takes::Something, None) => Some(self.value(option, words)?),
            (_, value) => value,
        };
        Ok(Found { option, value })
    }

    fn read_letters(
        &self,
        letters: &str,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<Vec<Found<W>>, Instead> {
        let mut found = Vec::new();
        for (at, letter) in letters.char_indices() {
            let option = self.options.iter().find(|option| option.letter == Some(letter));
            let Some(option) = option else { return Err(self.illegal(&letter.to_string())) };
            if option.takes == Takes::Something {
                let value = match letters.get(at + letter.len_utf8()..) {
                    None | Some("") => self.value(option, words)?,
                    Some(beside) => beside.to_owned(),
                };
                found.push(Found { option, value: Some(value) });
                break;
            }
            found.push(Found { option, value: None });
        }
        Ok(found)
    }

    fn value(
        &self,
        option: &Described<W>,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<String, Instead> {
        words.next().ok_or_else(|| {
            let text = format!("The '{}' option requires an argument.", option.name);
            self.wrong(&format!("{}: {text}", self.name))
        })
    }

    fn illegal(&self, name: &str) -> Instead {
        self.wrong(&format!("{}: illegal option -- {name}", self.name))
    }

    /// What is said of arguments that are wrong in this way.
    pub fn wrong(&self, what: &str) -> Instead {
        let text = format!(
            "{what}\n{}\n{}\nTry '{} --help' for more information.\n",
            self.title,
            self.usage(),
            self.name
        );
        Instead { text, asked_for: false }
    }

    /// What is said of an option that is known and not to be had.
    pub fn absent(&self, option: &str) -> Instead {
        let text = format!("{}: the option '{option}' is not available in ntpscope\n", self.name);
        Instead { text, asked_for: false }
    }

    /// What is printed when it is asked for.
    pub fn help(&self) -> Instead {
        let mut lines = vec![self.title.to_owned(), self.usage()];
        for option in self.options.iter().filter(|option| !option.help.is_empty()) {
            let letter =
                option.letter.map_or_else(|| "  ".to_owned(), |letter| format!("-{letter}"));
            let value = if option.takes == Takes::Something { " VALUE" } else { "" };
            let name = format!("--{}{value}", option.name);
            let mut parts = option.help.lines();
            lines.push(format!("  {letter}  {name:18}  {}", parts.next().unwrap_or_default()));
            lines.extend(parts.map(|part| format!("{:26}{part}", "")));
        }
        lines.push(self.notes.to_owned());
        Instead { text: format!("{}\n", lines.join("\n")), asked_for: true }
    }

    fn usage(&self) -> String {
        let name = self.name;
        format!("Usage:  {name} [ -<flag> [<val>] | --<name>[{{=| }}<val>] ]... [ host ...]")
    }
}

/// Writes a table of options, a row each.
macro_rules! options {
    ($($which:expr, $letter:expr, $name:literal, $takes:ident, $conflicts:expr, $help:expr;)+) => {
        const OPTIONS: &[Described<Which>] = &[$(Described {
            which: $which,
            letter: $letter,
            name: $name,
            takes: Takes::$takes,
            conflicts: &$conflicts,
            help: $help,
        }),+];
    };
}
pub(in crate::cli) use options;
