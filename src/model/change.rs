//! The course of a change of a running daemon as plain data: what a screen draws, a command prints
//! and a book keeps. What walks it is `control::reconfigure`.

pub mod state;

use std::fmt;
use std::time::Duration;

use crate::model::change::state::{Check, Difference};
use crate::model::question::Failure;
use crate::selection::prospect::{Role, Touch};
use crate::units::{AssocId, Mono};
use crate::wire::mode6::{ErrorCode, MAX_DATA};

/// All that is known of a change, from the wish to the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// How far it is.
    pub phase: Phase,
    /// Why nothing was sent, where it ended before that.
    pub trouble: Option<Trouble>,
    /// What is to be sent and what it comes to; `None` while the daemon is being read.
    pub preview: Option<Preview>,
    /// What was sent so far, with the answers.
    pub sent: Vec<Sent>,
    /// What reading back showed; `None` before that, or where nothing could be read.
    pub outcome: Option<Outcome>,
    /// Whether the user has confirmed it, where that was waited for.
    pub is_confirmed: bool,
    /// How it was taken back, where it was.
    pub back: Option<TakenBack>,
}

/// How far a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The daemon is asked for what has to be known first.
    Reading,
    /// It is thought through and waits to be armed. Nothing that changes anything was sent.
    Preview,
    /// The lines are being sent.
    Applying,
    /// The daemon is asked what has become of it.
    ReadingBack,
    /// It waits for a confirmation until this moment; without one it is taken back.
    Confirming(Mono),
    /// The inverse is being sent.
    TakingBack,
    /// The daemon is asked whether all is as it was.
    ReadingAgain,
    /// It is over.
    Ended,
}

impl Phase {
    /// Whether something may have been changed that nobody has taken back or confirmed yet: whoever
    /// leaves now leaves something behind.
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Applying
                | Self::ReadingBack
                | Self::Confirming(_)
                | Self::TakingBack
                | Self::ReadingAgain
        )
    }
}

/// Why nothing was sent that would have changed anything.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// The daemon could not be read.
    Unread(Failure),
    /// The wish cannot be followed: why, in a sentence.
    Wish(String),
    /// Options of an association are needed that the daemon does not tell: the host.
    Options(String),
    /// There is no key to sign with.
    NoKey,
    /// The daemon does not take the key.
    Key(KeyRefused),
    /// A line has more bytes than a request holds: so many.
    TooLong(usize),
    /// It was to be taken back unless it is confirmed, and there is no way back: why.
    NoWayBack(String),
}

/// Why a daemon does not take a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefused {
    /// It knows the key, and it is not the one for changes (`controlkey`).
    NotForControl,
    /// It looked the number up in vain: it has no such key, or does not trust it (`trustedkey`).
    Unknown,
    /// It has a key of this number: with another secret or type, or one that it does not trust.
    Secret,
    /// One of these; it does not tell which.
    Unclear,
}

/// What a change comes to, before it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The exact lines, in the order in which they will be sent.
    pub lines: Vec<String>,
    /// What takes it back, in this order; or why nothing does.
    pub inverse: Result<Vec<String>, String>,
    /// What it touches.
    pub effects: Vec<Effect>,
    /// What of that the daemon's selection depends on, to reckon it from.
    pub touches: Vec<Touch>,
    /// How its associations are known to be configured, which it does not tell.
    pub roles: Vec<(AssocId, Role)>,
    /// The same and more in sentences.
    pub words: Vec<String>,
    /// What reading back is to show.
    pub checks: Vec<Check>,
    /// Whether all of that is so already, as far as it is told.
    pub is_so_already: bool,
}

/// What a change touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// An association begins.
    Begins,
    /// This association ends.
    Ends(AssocId),
    /// This association starts again from reach 0, under another number.
    StartsAgain(AssocId),
    /// The daemon loses its system peer, for a while at least.
    LosesSystemPeer(AssocId),
}

/// A line that was sent, once.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The line.
    pub text: String,
    /// What came of it; `None` while that is awaited.
    pub answer: Option<Answered>,
}

/// What came of a line that was sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// The daemon says that it has done it, in these words. That proves nothing.
    Accepted(String),
    /// It says that it has not.
    Refused(Refusal),
    /// No answer came: it may have been done or not.
    Lost(Failure),
}

/// Why a daemon did not do what it was told, by its own words.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// It takes no changes from our address (`restrict … nomodify`).
    NoModify(String),
    /// It does not understand the line: the column, from 1, where it tells one.
    Syntax {
        /// Column of the line as it is shown, from 1.
        column: Option<usize>,
        /// What it said, safe to show.
        text: String,
    },
    /// The key is not taken.
    Key(KeyRefused),
    /// An error code.
    Code(ErrorCode),
    /// Other words, safe to show.
    Other(String),
}

/// What reading back showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The sum of it.
    pub verdict: Verdict,
    /// What was to be seen, and whether it was; `None` where the daemon does not tell.
    pub checks: Vec<(Check, Option<bool>)>,
    /// How the daemon differs from what it was; `None` where it could not be read.
    pub difference: Option<Difference>,
}

/// What has become of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was done: all of it that can be seen.
    Applied,
    /// It was not done, whatever the daemon said.
    NotApplied,
    /// Some of it was done and some was not.
    Partly,
    /// The daemon took it, and nothing that it tells could show whether it was done.
    Untold,
    /// Nobody knows: no answer came, and the daemon cannot be read.
    Unknown,
    /// The daemon has started anew meanwhile: what it was told before that is forgotten.
    Restarted,
}

/// How a change was taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenBack {
    /// Why.
    pub why: Why,
    /// The lines of the inverse that were sent, with the answers.
    pub sent: Vec<Sent>,
    /// Whether all is as it was: [`Verdict::Applied`] when it is. `None` until that was read.
    pub outcome: Option<Outcome>,
}

impl TakenBack {
    /// Why none of the inverse was sent, once that is known.
    pub fn needless(&self) -> Option<&'static str> {
        let is_needless = self.outcome.is_some() && self.sent.is_empty();
        is_needless.then_some("nothing was sent: the daemon has started anew meanwhile")
    }
}

/// Why a change is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nobody confirmed it in time.
    NotConfirmed,
    /// Somebody wanted it.
    Asked,
}

impl Default for Course {
    /// At its beginning.
    fn default() -> Self {
        Self {
            phase: Phase::Reading,
            trouble: None,
            preview: None,
            sent: Vec::new(),
            outcome: None,
            is_confirmed: false,
            back: None,
        }
    }
}

impl Course {
    /// The verdict on the change itself, once there is one.
    pub fn verdict(&self) -> Option<Verdict> {
        self.outcome.as_ref().map(|outcome| outcome.verdict)
    }

    /// The refusal of a line, if one was refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.sent.iter().find_map(|sent| match &sent.answer {
            Some(Answered::Refused(refusal)) => Some(refusal),
            _ => None,
        })
    }

    /// Whether nothing of a change that is over is left to be taken back: it was confirmed, never
    /// made, or taken back.
    pub fn is_settled(&self) -> bool {
        match &self.back {
            Some(back) => matches!(
                back.outcome.as_ref().map(|outcome| outcome.verdict),
                Some(Verdict::Applied | Verdict::Untold | Verdict::Restarted)
            ),
            None => self.phase == Phase::Ended,
        }
    }

    /// How long there is to confirm.
    pub fn left(&self, now: Mono) -> Option<Duration> {
        match self.phase {
            Phase::Confirming(until) => Some(until.since(now)),
            _ => None,
        }
    }
}

impl fmt::Display for KeyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotForControl => {
                "the daemon knows the key, but it is not the one for changes (`controlkey`)"
            }
            Self::Unknown => {
                "the daemon has no key of this number, or does not trust it (`trustedkey`)"
            }
            Self::Secret => {
                "wrong key: the daemon has one of this number, with another secret or type, or one \
                 that it does not trust (`trustedkey`)"
            }
            Self::Unclear => {
                "the daemon does not take the key: it has none of this number, does not trust it, \
                 has another secret or type, or has another one for changes (`controlkey`)"
            }
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(failure) => write!(f, "the daemon cannot be read: {failure}"),
            Self::Wish(why) => f.write_str(why),
            Self::Options(host) => write!(
                f,
                "which options {host} has now is not told by the daemon, and they are needed to \
                 make it again"
            ),
            Self::NoKey => f.write_str("changes are signed, and no key was given"),
            Self::Key(why) => fmt::Display::fmt(why, f),
            Self::TooLong(bytes) => {
                write!(f, "a line has {bytes} bytes, and a request holds no more than {MAX_DATA}")
            }
            Self::NoWayBack(why) => write!(f, "it cannot be taken back: {why}"),
        }
    }
}

impl std::error::Error for Trouble {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unread(failure) => Some(failure),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoModify(_) => {
                f.write_str("it takes no changes from this address (`restrict ... nomodify`)")
            }
            Self::Syntax { column: Some(column), text } => write!(f, "column {column}: {text}"),
            Self::Syntax { column: None, text } | Self::Other(text) => f.write_str(text),
            Self::Key(why) => fmt::Display::fmt(why, f),
            Self::Code(code) => fmt::Display::fmt(code, f),
        }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(text) => write!(f, "the daemon says: {text}"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::Lost(failure) => write!(f, "not answered: {failure}"),
        }
    }
}

impl Verdict {
    /// In one word, as JSON and the audit log have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NotApplied => "not_applied",
            Self::Partly => "partly",
            Self::Untold => "untold",
            Self::Unknown => "unknown",
            Self::Restarted => "restarted",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Applied => "applied: reading back shows it",
            Self::NotApplied => "not applied: reading back shows nothing of it",
            Self::Partly => "partly applied",
            Self::Untold => "taken by the daemon, which tells nothing that could prove it",
            Self::Unknown => "unknown: the daemon cannot be read",
            Self::Restarted => "gone: the daemon has started anew and forgotten what it was told",
        })
    }
}
