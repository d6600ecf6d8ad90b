//! What the upper layers see of the world: requests in, snapshots and events out.
//!
//! Implemented by the network, by a simulated site, by a replay. Nothing here waits: requests are
//! handed over, updates are polled for as a future is.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::model::programs::Program;
use crate::model::{Daemon, Interest};

/// A daemon that is watched, by its place in the order they were named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(u16);

impl TargetId {
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// What of a daemon is on screen has changed.
    Interest {
        /// The daemon.
        target: TargetId,
        /// What is on screen.
        interest: Interest,
    },
    /// Ask a daemon again now, within what politeness allows.
    Refresh {
        /// The daemon.
        target: TargetId,
    },
    /// Look up the name of an address; the answer comes as [`Update::Name`].
    Name(IpAddr),
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
    /// The name of an address, safe to show; `None` when it has none.
    Name {
        /// The address.
        address: IpAddr,
        /// Its name.
        name: Option<Arc<str>>,
    },
    /// The programs on this host that keep its time.
    Programs(Arc<[Program]>),
}

/// A world to look at.
pub trait Backend {
    /// Hands a request over; it never waits.
    fn request(&mut self, request: Request);

    /// The next update, when there is one; otherwise the task is woken when there is.
    fn poll_update(&mut self, context: &mut Context<'_>) -> Poll<Update>;
}
