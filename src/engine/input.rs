//! What happens to an engine.

use std::net::{IpAddr, SocketAddr};

use crate::clock::command::Outcome;
use crate::engine::access::Admission;
use crate::engine::output::{Resolution, Socket, Ticket};
use crate::units::{Now, NtpDuration, NtpTimestamp, Raw};

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// It is time, or may be: the engine looks what is due.
    Wakeup,
    /// A datagram arrived.
    Received(Received<'a>),
    /// A datagram left, at this time: better known than when it was handed out.
    Sent {
        /// Which.
        ticket: Ticket,
        /// When.
        stamp: Stamp,
    },
    /// A datagram could not be sent, or the network says that nobody listens.
    Unsent {
        /// Which.
        ticket: Ticket,
    },
    /// A name was looked up; no addresses when it has none.
    Resolved {
        /// The question.
        question: Resolution,
        /// The addresses, in the resolver's order, with the port of the question, and with the zone
        /// where one is of no use without.
        addresses: Vec<SocketAddr>,
    },
    /// What [`Output::Listen`](super::output::Output::Listen) asked for cannot be had.
    NotListening {
        /// Why, as a sentence.
        why: String,
    },
    /// The addresses of this host, told at the start and when they change: who gets time from one
    /// of them is in a loop with us.
    OwnAddresses(Vec<IpAddr>),
    /// What became of the latest command to the clock.
    Clock(Outcome),
    /// Somebody else stepped the clock that the engine steers (an offset of `by`), as far as the
    /// driver can tell. In observing mode nobody can.
    ClockStepped {
        /// How far forward.
        by: NtpDuration,
    },
}

/// A moment, read on the raw clock and on the clock that the engine steers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// On the raw clock.
    pub raw: Raw,
    /// On the steered clock.
    pub clock: NtpTimestamp,
    /// How wrong the reading may be (one standard deviation): microseconds for the kernel's, more
    /// for one taken by the program.
    pub error: NtpDuration,
}

impl Stamp {
    /// When a datagram was handed out to be sent, which is about when it leaves.
    pub(in crate::engine) const fn handed_out(now: &Now) -> Self {
        Self { raw: now.raw, clock: now.clock, error: HANDED_OUT_ERROR }
    }
}

/// The error of a time of sending that nobody told.
const HANDED_OUT_ERROR: NtpDuration = NtpDuration::from_bits(429_497);

/// A datagram that arrived.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// On which socket.
    pub socket: Socket,
    /// From where.
    pub from: SocketAddr,
    /// The address of ours that it came to, where the system tells.
    pub to: Option<IpAddr>,
    /// When.
    pub stamp: Stamp,
    /// What restricts whoever sent it, where strangers are served on this socket; `None` where
    /// they are not.
    pub admitted: Option<Admission>,
    /// The bytes.
    pub datagram: &'a [u8],
}
