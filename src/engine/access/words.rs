//! The flags in words, and which of them keeps whom from what.

use std::fmt;
use std::net::IpAddr;

use crate::engine::access::{AccessList, Entry, Flags, Origin};

/// A flag and what it says.
#[derive(Clone, Copy, Debug)]
pub struct FlagRow {
    /// The flag.
    pub flag: Flags,
    /// Its word in ntp.conf.
    pub word: &'static str,
    /// What it says of whoever it is for, in a clause.
    pub meaning: &'static str,
}

const fn row(flag: Flags, word: &'static str, meaning: &'static str) -> FlagRow {
    FlagRow { flag, word, meaning }
}

/// Every flag, in the order of the bits.
pub const FLAGS: [FlagRow; 16] = [
    row(Flags::IGNORE, "ignore", "nothing that comes from it is heeded"),
    row(Flags::NOSERVE, "noserve", "its time packets are dropped, answers to our own among them"),
    row(Flags::NOTRUST, "notrust", "its time packets must be authenticated"),
    row(Flags::VERSION, "version", "its packets must be of the current version of NTP"),
    row(Flags::NOPEER, "nopeer", "its packets make no association unless they are authenticated"),
    row(Flags::NOEPEER, "noepeer", "its packets make no association at all"),
    row(Flags::LIMITED, "limited", "it is not answered when it asks too often"),
    row(Flags::NOQUERY, "noquery", "its control messages are dropped"),
    row(Flags::NOMODIFY, "nomodify", "its control messages change nothing"),
    row(Flags::NOTRAP, "notrap", "it sets no traps"),
    row(Flags::LOWPRIOTRAP, "lowpriotrap", "its traps give way to those of others"),
    row(Flags::KOD, "kod", "it is told once in a while when it asks too often"),
    row(Flags::MSSNTP, "mssntp", "its packets are signed for a Windows domain"),
    row(Flags::FLAKE, "flake", "one in ten of its packets is dropped, to test others"),
    row(Flags::NOMRULIST, "nomrulist", "it is not told who else asks"),
    row(Flags::FUZZ, "serverresponse fuzz", "answers to it are fuzzed"),
];

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
    let denying = entry.flags.without(Flags::from_bits(!question.denied_by().bits()));
    if denying == Flags::NONE {
        return format!("{address} may {verb}: {} decides, and does not forbid it", Line(entry));
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
            Origin::Source { .. } => write!(f, "`restrict source`, as it is one of our sources,"),
        }
    }
}
