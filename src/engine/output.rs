//! What an engine wants done.

use std::net::{IpAddr, SocketAddr};

use crate::clock::command::{Command, Held};
use crate::config::host::HostSpec;
use crate::config::ntp_conf::Family;
use crate::engine::settings::Drift;
use crate::engine::statistics::Record;
use crate::units::{AssocId, NtpDuration};

/// What to do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Send a datagram, at once: its time of leaving matters.
    Send(Transmission),
    /// The socket of this request is not needed any more.
    Close(Ticket),
    /// The socket of this association with a peer is not needed any more, or is to be opened anew.
    ClosePeer(AssocId),
    /// Look a name up, and answer with [`Input::Resolved`](super::input::Input::Resolved).
    Resolve(Resolution),
    /// Receive what is sent to port 123, to this group where one is named.
    Listen {
        /// The group.
        group: Option<IpAddr>,
    },
    /// The time is got from this address from now on, or no more: what `restrict source` says holds
    /// for it as long.
    Source {
        /// The address.
        address: IpAddr,
        /// Whether it is got from there.
        is_there: bool,
    },
    /// Steer the clock, and answer with [`Input::Clock`](super::input::Input::Clock).
    Clock(Command),
    /// Something that a person may want to know of happened.
    Event(Event),
    /// Keep this frequency in the drift file.
    Drift(Drift),
    /// Write this to its statistics file, dated by the steered clock. Only kinds that are kept come.
    Statistics(Box<Record>),
    /// The engine found itself in a state that cannot be: it holds the clock and goes on.
    Fault(&'static str),
}

/// A datagram to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmission {
    /// Names it in [`Input::Sent`](super::input::Input::Sent).
    pub ticket: Ticket,
    /// From which socket.
    pub socket: Socket,
    /// Where to.
    pub to: SocketAddr,
    /// The address of ours that it is to come from, where that matters: whoever is answered
    /// expects the one that was asked.
    pub from: Option<IpAddr>,
    /// The hop limit, where it matters.
    pub ttl: Option<u8>,
    /// The bytes.
    pub datagram: Vec<u8>,
}

/// A request, by its number in the order they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// A socket of the driver's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Socket {
    /// One of its own for this request, on a random port, open until it is closed.
    Request(Ticket),
    /// One that stays open for this association with a peer: the one on port 123 where the driver
    /// may have that, else one on a random port. Peers of other programs keep state only for those
    /// who send from port 123.
    Peer(AssocId),
    /// The one on port 123.
    Ntp,
}

/// A name to look up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resolution {
    /// The name.
    pub host: HostSpec,
    /// The family of addresses wanted.
    pub family: Option<Family>,
    /// For whom.
    pub association: AssocId,
}

/// Something that happened, with the codes that ntpd reports for it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Of the system: an event code of a system status word.
    System {
        /// The code.
        code: u8,
        /// What exactly.
        detail: String,
    },
    /// Of an association: an event code of a peer status word.
    Peer {
        /// Which.
        association: AssocId,
        /// The code.
        code: u8,
        /// What exactly.
        detail: String,
    },
    /// A server answers in another version than it was asked in.
    Version {
        /// Which.
        association: AssocId,
        /// The version of our request.
        asked: u8,
        /// The version of its reply.
        answered: u8,
    },
    /// The reference ID of a server says that it spreads a leap second over hours: for that long it
    /// must not be mixed with servers that do not.
    Smearing {
        /// Which.
        association: AssocId,
    },
    /// The leap-seconds file is about to expire, or has: what it says counts no more then.
    LeapTableEnds {
        /// How long it is still good; not positive when it is not.
        left: NtpDuration,
    },
    /// The clock did not take a command.
    Held(Held),
    /// The clock was stepped.
    Stepped {
        /// How far forward.
        by: NtpDuration,
    },
}
