//! The commands of a language, ntpq's or ntpdc's, and all that follows from their table alike.

use std::fmt::Write as _;

use crate::line::Candidate;
use crate::line::beginning::{self, Unfound};
use crate::line::completion::matching;
use crate::ntpq::style::Style;

/// How an argument is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it stands.
    Text,
    /// An unsigned number; in ntpq `&N` too, for the Nth association listed.
    Unsigned,
    /// A signed number.
    Signed,
    /// An address, or a name that has one; `-4` and `-6` before it are passed over.
    Address,
    /// `-4` or `-6`.
    Family,
}

/// An argument that a command takes.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// How it is read.
    pub kind: Kind,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it is called in the command's usage.
    pub name: &'static str,
}

/// A row of the table, whose command does what `V` says.
#[derive(Clone, Copy, Debug)]
pub struct Command<V> {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub verb: V,
    /// What it takes, at most [`MAX_PARAMETERS`].
    pub parameters: &'static [Parameter],
    /// What it does, in words.
    pub help: &'static str,
    /// The style that alone has it; `None` where each has.
    pub only: Option<Style>,
}

impl<V> Command<V> {
    /// How it is written.
    pub fn usage(&self) -> String {
        let mut usage = format!("usage: {}", self.name);
        let mut tells_families = false;
        for parameter in self.parameters {
            if parameter.kind == Kind::Address && !tells_families {
                usage.push_str(" [ -4|-6 ]");
                tells_families = true;
            }
            // Writing to a string cannot fail.
            let _ = if parameter.optional {
                write!(usage, " [ {} ]", parameter.name)
            } else {
                write!(usage, " {}", parameter.name)
            };
        }
        usage
    }

    /// What it does and how it is written, as `help` tells it.
    pub fn explanation(&self) -> String {
        format!("function: {}\n{}\n", self.help, self.usage())
    }
}

/// The commands of a language.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary<V: 'static> {
    /// The program whose language it is.
    pub program: &'static str,
    /// Its style: commands that only another has are not of it.
    pub style: Style,
    /// The table, perhaps of more styles than this one.
    pub table: &'static [Command<V>],
    /// Columns that the list of its commands may fill.
    pub screen: usize,
}

impl<V> Vocabulary<V> {
    /// The commands, in the order of the table.
    pub fn commands(&self) -> impl Iterator<Item = &'static Command<V>> + use<V> {
        let style = self.style;
        self.table.iter().filter(move |row| row.only.is_none_or(|only| only == style))
    }

    /// Finds the command called `name`, or the only one whose name begins so.
    ///
    /// # Errors
    /// Why there is no such command.
    pub fn find(&self, name: &str) -> Result<&'static Command<V>, Unfound> {
        beginning::find(self.commands().map(|command| (command.name, command)), name)
    }

    /// What `help` has to say of the command called `name`, or which commands there are.
    ///
    /// # Errors
    /// What is said where there is no such command.
    pub fn help(&self, name: Option<&str>) -> Result<String, String> {
        let Some(name) = name else { return Ok(self.list()) };
        self.find(name)
            .map(Command::explanation)
            .map_err(|why| format!("Command `{name}' is {why}\n"))
    }

    /// The names in columns, read downwards.
    fn list(&self) -> String {
        let mut names: Vec<_> = self.commands().map(|command| command.name).collect();
        names.retain(|name| *name != "?");
        names.sort_unstable();
        let width = names.iter().map(|name| name.len()).max().unwrap_or(0) + 1;
        let rows = names.len().div_ceil(self.screen / width);
        let mut text = format!("{} commands:\n", self.program);
        for row in 0..rows {
            for name in names.iter().skip(row).step_by(rows) {
                // Writing to a string cannot fail.
                let _ = write!(text, "{name:width$}");
            }
            text.push('\n');
        }
        text
    }

    /// Commands that begin with `word`, by name.
    pub fn candidates(&self, word: &str) -> Vec<Candidate> {
        let all = self.commands().map(|command| Candidate::new(command.name, command.help));
        let mut candidates = matching(all, word);
        candidates.sort_by(|one, other| one.text.cmp(&other.text));
        candidates
    }

    /// Whether there may be a secret on `line`: it means to give one, as the command that does
    /// `password` takes it, whether it is written right or not.
    pub fn gives_secret(&self, line: &str, password: &V) -> bool
    where
        V: PartialEq,
    {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let is_meant = match self.find(name) {
            Ok(command) => command.verb == *password,
            Err(_) => name.starts_with("pass") || "passwd".starts_with(name),
        };
        is_meant && words.next().is_some()
    }
}

/// Writes a table of commands, whose verbs are the module's `Verb`: name, verb, arguments (kind,
/// whether it may be left out, name), help, and the style that alone has it.
macro_rules! commands {
    ($(
        $name:literal $verb:expr,
        [$($kind:ident $optional:literal $argument:expr),*],
        $help:literal $(, $only:ident)?;
    )+) => {
        /// All commands, those that only one style has marked as such.
        pub const COMMANDS: &[Command<Verb>] = &[$(Command {
            name: $name,
            verb: $verb,
            parameters: &[$($crate::ntpq::vocabulary::Parameter {
                kind: $crate::ntpq::vocabulary::Kind::$kind,
                optional: $optional,
                name: $argument,
            }),*],
            help: $help,
            only: $crate::ntpq::vocabulary::commands!(@only $($only)?),
        }),+];
    };
    (@only) => { None };
    (@only $only:ident) => { Some(Style::$only) };
}
pub(crate) use commands;

/// The most arguments that a command names.
pub const MAX_PARAMETERS: usize = 4;
