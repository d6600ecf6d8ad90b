//! What an engine on the network has to say, and why it does not start.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::clock::system::Failed as ClockFailed;
use crate::engine::mobilize;
use crate::engine::output::Event;
use crate::model::happened::Happened;
use crate::net::engine::Reloaded;
use crate::net::statistics::Unwritten;
use crate::net::udp::Failed;
use crate::units::AssocId;
use crate::wire::mode6::status::codes::{self, Code};

/// What a running engine has to say.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// Something happened.
    Event {
        /// What.
        event: Event,
        /// The source that it is about, when it is about one that is known.
        source: Option<Source>,
    },
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
    /// Who asks for time on these addresses is answered.
    Serving(Vec<SocketAddr>),
    /// Clients are not answered where they were to be, and why.
    NotServing(String),
    /// The configuration that was read anew is followed.
    Reloaded(Reloaded),
    /// A statistics file cannot be written; it is tried again with each line.
    Statistics(Unwritten),
    /// No statistics can be written: the system gives no thread for it.
    NoStatistics(std::io::Error),
    /// The disk is so slow that lines of statistics are lost.
    StatisticsLost,
    /// A slew was ended because it was forgotten.
    StaleSlew,
    /// A directive is not followed.
    NotFollowed {
        /// Its line; `None` when it came in a control message.
        line: Option<usize>,
        /// Why.
        why: mobilize::Refused,
    },
}

/// A source as a person knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it was called in the configuration.
    pub host: Box<str>,
    /// Its address, once it is known.
    pub address: Option<SocketAddr>,
}

impl Notice {
    /// The same, to be told.
    pub fn happened(&self) -> Happened {
        let about =
            |about: &'static str, text: String| Happened { about, text, ..Happened::default() };
        match self {
            Self::Event { event, source } => {
                let happened = happened(event);
                let address = source.as_ref().and_then(|source| source.address);
                let host = source.as_ref().map(|source| source.host.clone());
                Happened { host, address, ..happened }
            }
            Self::Fault(what) => {
                about("trouble", format!("a fault of the engine, which holds the clock: {what}"))
            }
            Self::Trouble(failed) => {
                let hint = failed.hint().map(|hint| format!("\nhint: {hint}"));
                about("trouble", format!("{failed}{}", hint.unwrap_or_default()))
            }
            Self::Drift { path, source } => {
                about("trouble", format!("cannot write {}: {source}", path.display()))
            }
            Self::NotServing(why) => about("trouble", format!("clients are not answered: {why}")),
            Self::Reloaded(reloaded) => about("program", reloaded.sentence()),
            Self::Statistics(unwritten) => about("trouble", unwritten.to_string()),
            Self::NoStatistics(source) => {
                about("trouble", format!("no statistics are written: {source}"))
            }
            Self::StatisticsLost => about(
                "trouble",
                "lines of statistics are lost: too many wait for the disk".to_owned(),
            ),
            Self::NotFollowed { line, why } => {
                let line = line.map_or_else(|| "a line".to_owned(), |line| format!("line {line}"));
                about("config", format!("{line} is not followed: {why}"))
            }
            Self::Serving(addresses) => {
                let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                about("program", format!("answers clients on {}", addresses.join(", ")))
            }
            Self::StaleSlew => about("clock", "a slew that was forgotten was ended".to_owned()),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.happened().sentence(false))
    }
}

/// The association that an event is about.
pub(super) const fn association(event: &Event) -> Option<AssocId> {
    match event {
        Event::Peer { association, .. }
        | Event::Version { association, .. }
        | Event::Smearing { association } => Some(*association),
        _ => None,
    }
}

fn happened(event: &Event) -> Happened {
    let word = |table: &'static [Code], code| codes::find(table, code).map(|found| found.word);
    let (about, event_word, text) = match event {
        Event::System { code, detail } => {
            ("system", word(&codes::SYSTEM_EVENTS, *code), detail.clone())
        }
        Event::Peer { code, detail, .. } => {
            ("source", word(&codes::PEER_EVENTS, *code), detail.clone())
        }
        Event::Version { asked, answered, .. } => {
            ("source", None, format!("asked in version {asked}, it answers in {answered}"))
        }
        Event::Smearing { .. } => (
            "source",
            None,
            "by its reference ID it smears a leap second; do not mix it with servers that do not"
                .to_owned(),
        ),
        Event::LeapTableEnds { left } => {
            let days = left.seconds().abs() / 86_400.0;
            let text = if left.seconds() > 0.0 {
                format!("the leap-seconds file is good for {days:.0} more days: get a new one")
            } else {
                format!(
                    "the leap-seconds file expired {days:.0} days ago: sources are believed in its \
                     place"
                )
            };
            ("system", None, text)
        }
        Event::Held(held) => ("clock", None, format!("the clock was left alone: {held}")),
        Event::Stepped { by } => {
            ("clock", None, format!("the clock was stepped by {:+.6} s", by.seconds()))
        }
    };
    let association = association(event);
    Happened { about, event: event_word, association, text, ..Happened::default() }
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
    /// An address that was to be listened on cannot be had.
    Listen(Failed),
}

impl fmt::Display for StartFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRandomness(source) => write!(f, "the system gives no randomness: {source}"),
            Self::NoGuard => f.write_str(
                "cannot steer this host's clock: the system gives no thread to guard it",
            ),
            Self::Clock(failed) => failed.fmt(f),
            Self::Listen(failed) => {
                failed.fmt(f)?;
                failed.hint().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
            }
        }
    }
}

impl std::error::Error for StartFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoRandomness(source) => Some(source),
            Self::NoGuard => None,
            Self::Clock(failed) => Some(failed),
            Self::Listen(failed) => Some(failed),
        }
    }
}
