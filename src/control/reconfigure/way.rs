//! A way to talk to a daemon: what differs between control messages and chronyd's own protocol.

use std::fmt;

use crate::model::change::Effect;
use crate::model::change::state::{Check, State};
use crate::model::change::{Answered, Trouble};
use crate::model::question::Unreachable;
use crate::model::{Daemon, Failure};
use crate::selection::prospect::{Role, Touch};
use crate::units::{AssocId, Mono, Now};

/// What the machine of a change needs of a protocol: to read the daemon, to think the wish through,
/// and to send one line once.
///
/// At any time it is either being read or told something, never both. What comes of either is taken
/// with [`Way::poll`].
pub trait Way {
    /// A line as it is sent.
    type Request: Clone + fmt::Debug;

    /// Begins to read all that a change may alter; [`News::Read`] tells what came of it.
    fn read(&mut self, now: Now);

    /// Thinks the wish through, by what was read last.
    ///
    /// # Errors
    /// It makes no sense, or something is missing that nobody may guess.
    fn plan(&self) -> Result<Thought<Self::Request>, Trouble>;

    /// The daemon as it was read last.
    fn daemon(&self) -> &Daemon;

    /// Whether it may be sent at all.
    ///
    /// # Errors
    /// There is no key, or the daemon does not take it, as far as reading has shown that.
    fn permit(&self) -> Result<(), Trouble>;

    /// Sends a line, a single time whatever happens; [`News::Answered`] tells what came of it.
    fn tell(&mut self, now: Now, request: &Self::Request);

    /// A datagram from the daemon.
    fn receive(&mut self, now: Now, datagram: &[u8]);

    /// The network says that a datagram did not get there.
    fn unreachable(&mut self, now: Now, why: Unreachable);

    /// Time has passed.
    fn wake(&mut self, now: Now);

    /// What there is to do or to know; to be called until there is nothing.
    fn poll(&mut self) -> Option<News>;

    /// When to call [`Way::wake`] at the latest; `None` while there is nothing to wait for.
    fn next_wakeup(&self) -> Option<Mono>;
}

/// What comes of talking to a daemon.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// Send this datagram.
    Send(Vec<u8>),
    /// It was read, or could not be.
    Read(Result<State, Failure>),
    /// What came of the line that it was told.
    Answered(Answered),
}

/// A wish, thought through.
#[derive(Clone, Debug)]
pub struct Thought<R> {
    /// What is sent, in this order.
    pub steps: Vec<Step<R>>,
    /// What takes it back, in this order; or why nothing does.
    pub inverse: Result<Vec<Step<R>>, String>,
    /// What it touches.
    pub effects: Vec<Effect>,
    /// What of that its selection depends on.
    pub touches: Vec<Touch>,
    /// How its associations are known to be configured.
    pub roles: Vec<(AssocId, Role)>,
    /// What there is to say of it, in sentences.
    pub words: Vec<String>,
    /// Whether it takes something back: then each line is sent, whatever came of those before.
    pub is_inverse: bool,
    /// Whether the daemon answers before it is done, since it looks a name up.
    pub is_slow: bool,
}

/// One line of a change.
#[derive(Clone, Debug)]
pub struct Step<R> {
    /// As people read it, in one line.
    pub text: String,
    /// As it is sent.
    pub request: R,
    /// What is to be seen once it is done; still so when all of the change is.
    pub checks: Vec<Check>,
}
