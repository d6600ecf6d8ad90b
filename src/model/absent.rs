//! Why a value is not there.

use std::fmt;

use crate::model::question::Failure;

/// Why a value is not there: the difference between *not yet* and *never* is what users ask.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Absent {
    /// It was not asked for, or the answer is still on its way.
    NotAskedYet,
    /// This kind of daemon does not have it.
    NotInFamily,
    /// The daemon was asked and left it out: it does not apply now.
    NotGiven,
    /// It is not told over the transport in use; the text says how it can be had.
    Closed {
        /// How to open it, in a clause.
        how: &'static str,
    },
    /// The daemon refused, or no answer came.
    Failed(Failure),
    /// The text cannot be read as what the variable should hold.
    NotDecodable {
        /// What the daemon wrote, control characters replaced.
        text: Box<str>,
    },
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAskedYet => f.write_str("not asked yet"),
            Self::NotInFamily => f.write_str("this kind of daemon does not have it"),
            Self::NotGiven => f.write_str("the daemon gives none now"),
            Self::Closed { how } => write!(f, "not told to us: {how}"),
            Self::Failed(failure) => fmt::Display::fmt(failure, f),
            Self::NotDecodable { text } => write!(f, "not readable: {text}"),
        }
    }
}
