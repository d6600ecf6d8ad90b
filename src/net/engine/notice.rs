//! What an engine on the network has to say, and why it does not start.

use std::fmt;
use std::path::PathBuf;

use crate::clock::system::Failed as ClockFailed;
use crate::engine::mobilize;
use crate::engine::output::Event;
use crate::net::udp::Failed;

/// What a running engine has to say.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// Something happened.
    Event(Event),
    /// The engine found itself in a state that cannot be; it holds the clock and goes on.
    Fault(&'static str),
    /// The machine did not do its part.
    Trouble(Failed),
    /// The drift file cannot be written.
    Drift {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A slew was ended because it was forgotten.
    StaleSlew,
    /// A directive is not followed.
    NotFollowed {
        /// Its line.
        line: usize,
        /// Why.
        why: mobilize::Refused,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(Event::System { detail, .. }) => f.write_str(detail),
            Self::Event(Event::Peer { association, detail, .. }) => {
                write!(f, "association {association}: {detail}")
            }
            Self::Event(Event::Version { association, asked, answered }) => {
                write!(
                    f,
                    "association {association}: asked in version {asked}, it answers in {answered}"
                )
            }
            Self::Event(Event::Smearing { association }) => {
                write!(
                    f,
                    "association {association}: by its reference ID it smears a leap second; do \
                     not mix it with servers that do not"
                )
            }
            Self::Event(Event::Held(held)) => write!(f, "the clock was left alone: {held}"),
            Self::Event(Event::Stepped { by }) => {
                write!(f, "the clock was stepped by {:+.6} s", by.seconds())
            }
            Self::Fault(what) => write!(f, "a fault of the engine, which holds the clock: {what}"),
            Self::Trouble(failed) => failed.fmt(f),
            Self::Drift { path, source } => write!(f, "cannot write {}: {source}", path.display()),
            Self::NotFollowed { line, why } => write!(f, "line {line} is not followed: {why}"),
            Self::StaleSlew => f.write_str("a slew that was forgotten was ended"),
        }
    }
}

/// Why an engine cannot be started.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartFailed {
    /// The system has no randomness to give.
    NoRandomness(std::io::Error),
    /// The system gives no thread that would end a slew if the engine hung.
    NoGuard,
    /// The system's clock cannot be steered.
    Clock(ClockFailed),
}

impl fmt::Display for StartFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRandomness(source) => write!(f, "the system gives no randomness: {source}"),
            Self::NoGuard => f.write_str(
                "cannot steer this host's clock: the system gives no thread to guard it",
            ),
            Self::Clock(failed) => failed.fmt(f),
        }
    }
}

impl std::error::Error for StartFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoRandomness(source) => Some(source),
            Self::NoGuard => None,
            Self::Clock(failed) => Some(failed),
        }
    }
}
