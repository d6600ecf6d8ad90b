//! What the upper layers see of the world: requests in, snapshots and events out.
//!
//! Implemented by the network, by a simulated site, by a replay. Nothing here waits: requests are
//! handed over, updates are polled for as a future is.

pub mod change;
pub mod console;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::config::engine::EngineSetup;
use crate::config::ntp_conf::{Association, Directive, Placed};
use crate::model::programs::Program;
use crate::model::{Daemon, Interest};
use crate::units::{Now, NtpTimestamp};

/// A daemon that is watched, by its place in the order they were named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(u16);

impl TargetId {
    /// The engine in this process, once it was told to measure; a daemon like any other.
    pub const OWN: Self = Self(u16::MAX);

    /// From its place.
    pub const fn new(place: u16) -> Self {
        Self(place)
    }

    /// Its place.
    pub const fn place(self) -> u16 {
        self.0
    }
}

/// What can be asked of the world.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Request {
    /// What of a daemon is on screen has changed.
    Interest {
        /// The daemon.
        target: TargetId,
        /// What is on screen.
        interest: Interest,
    },
    /// Sign questions to a daemon that need it with this key from now on; `None` to ask them no
    /// more. Reading is all that it is used for.
    Key {
        /// The daemon.
        target: TargetId,
        /// The key, as the user gave it.
        signing: Option<change::Signing>,
    },
    /// Read the file of keys that was named for a daemon; they come as [`Update::Keys`]. Sent only
    /// when somebody is about to arm changes.
    Keys {
        /// The daemon.
        target: TargetId,
    },
    /// Ask a daemon again now, within what politeness allows.
    Refresh {
        /// The daemon.
        target: TargetId,
    },
    /// Ask a daemon on another of its ways from now on, where it has several; on the one that is
    /// used already, or one that there is not, means nothing.
    Way {
        /// The daemon.
        target: TargetId,
        /// The place of the way in [`Daemon::ways`].
        way: usize,
    },
    /// Look up the name of an address; the answer comes as [`Update::Name`].
    Name(IpAddr),
    /// Start the engine in this process, in place of one that runs already; its snapshots come as
    /// those of [`TargetId::OWN`]. Sent only after the user's explicit decision.
    Measure(Measure),
    /// Let simulated time run at another pace; means nothing to a world that is real.
    Pace(Pace),
    /// Let the incident at this place of [`World::incidents`] happen, or end when it lasts.
    Incident(u8),
    /// Something about a change of a daemon.
    Change {
        /// The daemon.
        target: TargetId,
        /// What.
        order: change::Order,
    },
    /// Something for the console of a daemon.
    Console {
        /// The daemon.
        target: TargetId,
        /// What.
        input: console::Input,
    },
}

/// What the engine in this process is to measure, and how.
#[derive(Clone, Debug, Default)]
pub struct Measure {
    /// Sources, settings and keys.
    pub setup: Arc<EngineSetup>,
}

impl Measure {
    /// Of `associations` only, on a virtual clock.
    pub fn of(associations: impl IntoIterator<Item = Association>) -> Self {
        let source: Arc<str> = Arc::from("the user");
        let placed = |(line, association)| Placed {
            source: Arc::clone(&source),
            line,
            column: 1,
            directive: Directive::Association(association),
        };
        let directives = (1..).zip(associations).map(placed).collect();
        Self { setup: Arc::new(EngineSetup { directives, ..EngineSetup::default() }) }
    }
}

impl PartialEq for Measure {
    /// Keys are not compared: whoever may do so could try them out.
    fn eq(&self, other: &Self) -> bool {
        self.setup.directives == other.setup.directives
            && self.setup.discipline == other.setup.discipline
            && self.setup.algorithm == other.setup.algorithm
    }
}

/// How fast simulated time runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pace {
    /// Not at all.
    Paused,
    /// As fast as real time.
    #[default]
    Real,
    /// Eight seconds in one.
    Eight,
    /// Sixty-four seconds in one.
    SixtyFour,
}

impl Pace {
    /// Simulated seconds in a real one.
    pub const fn factor(self) -> u32 {
        match self {
            Self::Paused => 0,
            Self::Real => 1,
            Self::Eight => 8,
            Self::SixtyFour => 64,
        }
    }
}

/// What the world tells.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Update {
    /// A newer snapshot of a daemon; older ones that nobody fetched are dropped.
    Daemon {
        /// The daemon.
        target: TargetId,
        /// All that is known of it.
        daemon: Arc<Daemon>,
    },
    /// How a change of a daemon goes.
    Change {
        /// The daemon.
        target: TargetId,
        /// How.
        progress: Arc<change::Progress>,
    },
    /// The keys of the file that was named for a daemon, or why there are none, in a sentence.
    Keys {
        /// The daemon.
        target: TargetId,
        /// Them.
        keys: Result<Vec<change::Signing>, Box<str>>,
    },
    /// The changes that were left behind, as they stand now.
    Left {
        /// All of them, by their numbers.
        all: Arc<[change::Left]>,
        /// Why one of them cannot be forgotten, where that was wanted.
        trouble: Option<Box<str>>,
    },
    /// The name of an address, safe to show; `None` when it has none.
    Name {
        /// The address.
        address: IpAddr,
        /// Its name.
        name: Option<Arc<str>>,
    },
    /// The programs on this host that keep its time.
    Programs(Arc<[Program]>),
    /// This world can measure in this process, and this is what it would measure.
    Offer(Arc<Offer>),
    /// This world is simulated, and this is how it stands. Comes first of all, and again with
    /// each change of it.
    World(Arc<World>),
    /// News of the console of a daemon.
    Console {
        /// The daemon.
        target: TargetId,
        /// What.
        news: console::News,
    },
}

/// What the engine in this process could measure without being given any source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offer {
    /// Sources that this host's own configuration names, in its order; empty when it names none.
    pub sources: Vec<Offered>,
    /// Files that could not be read, each with the reason in a sentence.
    pub unreadable: Vec<(PathBuf, Box<str>)>,
    /// Programs on this host that keep its time and ask the same servers: beside them the engine
    /// sends no bursts and polls each server at most once in 64 s.
    pub beside: Vec<Program>,
}

/// A source that this host's own configuration names.
#[derive(Clone, Debug, PartialEq)]
pub struct Offered {
    /// The file that names it.
    pub path: PathBuf,
    /// The source.
    pub association: Association,
}

/// How a simulated world stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    /// What it is a simulation of, in a few words.
    pub title: Box<str>,
    /// How fast its time runs.
    pub pace: Pace,
    /// How long it has run, in its own time.
    pub elapsed: Duration,
    /// The true time in it.
    pub truth: NtpTimestamp,
    /// What may happen on a key, in the order of the keys 1, 2, ….
    pub incidents: Vec<Incident>,
    /// What happened last and how long ago in its own time; `None` while nothing did.
    pub latest: Option<(Box<str>, Duration)>,
    /// Where others' tools can ask its daemons, in a few words; `None` when they cannot.
    pub answers: Option<Box<str>>,
}

/// Something that may happen in a simulated world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// What it is, in a few words: `a server lies by 50 ms`.
    pub title: Box<str>,
    /// Whether it is happening; its key ends it then.
    pub is_on: bool,
}

/// A world to look at.
pub trait Backend {
    /// Hands a request over; it never waits.
    fn request(&mut self, request: Request);

    /// The next update, when there is one; otherwise the task is woken when there is.
    fn poll_update(&mut self, context: &mut Context<'_>) -> Poll<Update>;

    /// What this world's clocks show when those of the program show `now`; snapshots are dated by
    /// them. A simulated world has its own; its monotonic part never runs backwards.
    fn time(&self, now: Now) -> Now {
        now
    }
}
