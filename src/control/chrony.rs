//! Watches one chronyd over its own protocol, in the shape of [`watcher`](crate::control::watcher).
//!
//! All questions of a refresh are in flight together, so that it takes three round trips at most:
//! first what needs nothing else and the count of sources; then each source by its index; then
//! what is asked by address. Answers are joined by address or reference ID, never by index, for
//! the table of sources may change between two answers. What a transport does not give is absent
//! with how to open it; it is asked for again only seldom.

use std::sync::Arc;

use crate::control::watcher::{Input, Output};
use crate::model::Daemon;
use crate::units::{Mono, Now};

/// What carries the questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// UDP, over which a daemon tells little unless its configuration opens more.
    Udp,
    /// The Unix socket of a daemon on this host, over which it tells all.
    Unix,
}

/// Watches one chronyd.
#[derive(Clone, Debug)]
pub struct Watcher {
    transport: Transport,
    daemon: Arc<Daemon>,
}

impl Watcher {
    /// Watches a daemon that cannot be reached yet. Sequence numbers are drawn from `seed`.
    pub fn new(transport: Transport, seed: [u8; 32]) -> Self {
        let _ = seed;
        Self { transport, daemon: Arc::default() }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        let _ = (now, input, self.transport, &self.daemon);
    }

    /// The next thing to do; to be called until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// When to call [`Watcher::handle`] at the latest; `None` while there is nothing to wait for.
    pub const fn next_wakeup(&self) -> Option<Mono> {
        None
    }

    /// Whether a first picture is complete, or none is to be had.
    pub fn is_settled(&self) -> bool {
        false
    }
}
