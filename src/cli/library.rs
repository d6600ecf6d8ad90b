//! Options as the option library of the classic programs takes them, for ours that stand in for those.
//!
//! Letters may stand together (`-pn`), the value of an option beside it or after it (`-cCMD`,
//! `--command=CMD`), long names be cut while they fit one option only, and the first word that is no
//! option ends the options. Complaints are the library's too.

use std::ffi::OsString;

/// What to print when there is nothing to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instead {
    /// The text.
    pub text: String,
    /// Whether the user asked for it: then it goes to standard output and the exit status is 0,
    /// else to standard error and it is 1.
    pub asked_for: bool,
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
    /// Options that it does not go with, by name.
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
                let option = self.read_long(long, &mut words)?;
                self.add(&mut found, option)?;
            } else if let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty()) {
                for option in self.read_letters(letters, &mut words)? {
                    self.add(&mut found, option)?;
                }
            } else {
                rest.push(word);
                break;
            }
        }
        rest.extend(words);
        let options = found.into_iter().map(|found| (found.option.which, found.value)).collect();
        Ok(Given { options, rest })
    }

    /// Adds an option unless it does not go with one before.
    fn add(&self, found: &mut Vec<Found<W>>, added: Found<W>) -> Result<(), Instead> {
        let option = added.option;
        let conflict = found.iter().map(|found| found.option).find(|other| {
            other.conflicts.contains(&option.name) || option.conflicts.contains(&other.name)
        });
        if let Some(other) = conflict {
            // The library names first the one that says so.
            let place = |name| self.options.iter().position(|option| option.name == name);
            let says = |one: &Described<W>, other: &str| one.conflicts.contains(&other);
            let by_order = place(option.name) < place(other.name);
            let is_first = match (says(option, other.name), says(other, option.name)) {
                (true, true) => by_order,
                (is_first, _) => is_first,
            };
            let (first, second) =
                if is_first { (option.name, other.name) } else { (other.name, option.name) };
            let text = format!("the '{first}' and '{second}' options conflict");
            return Err(self.wrong(&format!("{} error:  {text}", self.name)));
        }
        found.push(added);
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
        let exact = self.options.iter().find(|option| option.name == name);
        let mut near = self.options.iter().filter(|option| option.name.starts_with(name));
        let option = exact.or_else(|| match (near.next(), near.next()) {
            (Some(option), None) => Some(option),
            _ => None,
        });
        let Some(option) = option else { return Err(self.illegal(name)) };
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
