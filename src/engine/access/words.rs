//! Which flag keeps whom from what, in words.

use std::fmt;
use std::net::IpAddr;

use crate::config::restrict::{FLAGS, Flags};
use crate::engine::access::{AccessList, Entry, Origin};

/// What somebody may want of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// The time.
    Time,
    /// How we are: control messages that read.
    Control,
    /// Changes by control messages.
    Change,
    /// Who else asks.
    Clients,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Time, Self::Control, Self::Change, Self::Clients];

    /// The flags that deny it.
    const fn denied_by(self) -> Flags {
        match self {
            Self::Time => Flags::IGNORE.with(Flags::NOSERVE),
            Self::Control => Flags::IGNORE.with(Flags::NOQUERY),
            Self::Change => Flags::IGNORE.with(Flags::NOQUERY).with(Flags::NOMODIFY),
            Self::Clients => Flags::IGNORE.with(Flags::NOQUERY).with(Flags::NOMRULIST),
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::Time => "ask for time",
            Self::Control => "ask how we are",
            Self::Change => "change anything",
            Self::Clients => "ask who else asks",
        }
    }
}

/// Whether `address` may ask `question`, and which line says so, in a sentence.
pub fn why(list: &AccessList, address: IpAddr, question: Question) -> String {
    let verb = question.verb();
    // The entry for any port: whoever is meant may choose another port than NTP's.
    let Some(entry) = list.find(address, 0) else {
        return format!("{address} may {verb}: nothing restricts it");
    };
    // The time is for everybody, the rest for this host alone, unless somebody says otherwise.
    let is_own = question == Question::Time || address.is_loopback();
    if entry.origin == Origin::BuiltIn && !is_own {
        return format!("{address} may not {verb}: no `restrict` line lets it");
    }
    let denying = entry.flags.without(Flags::from_bits(!question.denied_by().bits()));
    if denying == Flags::NONE {
        let condition = match question {
            Question::Change => ", with the control key",
            Question::Time if entry.flags.has(Flags::NOTRUST) => ", with a key that is trusted",
            Question::Time if entry.flags.has(Flags::LIMITED) => ", but not too often",
            _ => "",
        };
        let line = Line(entry);
        return format!("{address} may {verb}{condition}: {line} decides, and does not forbid it");
    }
    let reasons: Vec<_> = FLAGS
        .iter()
        .filter(|row| denying.has(row.flag))
        .map(|row| format!("`{}`, {}", row.word, row.meaning))
        .collect();
    format!("{address} may not {verb}: {} has {}", Line(entry), reasons.join("; "))
}

/// An entry as whoever wrote it would find it again.
struct Line<'a>(&'a Entry);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { selector, origin, .. } = self.0;
        match origin {
            Origin::BuiltIn => write!(f, "the default entry `{selector}`"),
            Origin::Configured { line: Some(line) } => {
                write!(f, "line {line}, `restrict {selector}`,")
            }
            Origin::Configured { line: None } => write!(f, "`restrict {selector}`"),
            Origin::Source => write!(f, "`restrict source`, as it is one of our sources,"),
        }
    }
}
