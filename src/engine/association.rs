//! One association: what is configured, what was heard, how it is polled.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::config::host::HostSpec;
use crate::config::ntp_conf::{self, Family, Options};
use crate::engine::broadcast::Listening;
use crate::engine::filter::ClockFilter;
use crate::engine::input::Stamp;
use crate::engine::interleave::Interleave;
use crate::engine::output::Ticket;
use crate::engine::poll::Poll;
use crate::engine::reference::ReferenceClock;
use crate::engine::symmetric::Symmetric;
use crate::selection::Reason;
use crate::units::{
    AssocId, Leap, Mode, Mono, NtpDuration, NtpTimestamp, PollExponent, Precision, RefId, Stratum,
    Tally,
};
use crate::wire::kiss::Kiss;
use crate::wire::mode6::flash::Flash;
use crate::wire::packet::Header;

/// An association.
#[derive(Clone, Debug)]
pub struct Association {
    /// Its number.
    pub id: AssocId,
    /// What kind it is.
    pub kind: Kind,
    /// Where it came from.
    pub origin: Origin,
    /// The server's address, once it is known. Of a pool there is none.
    pub address: Option<SocketAddr>,
    /// The address of ours that its packets come to, where that is known.
    pub local: Option<IpAddr>,
    /// Its options.
    pub options: Options,
    /// What the server said of itself.
    pub heard: Heard,
    /// How it is polled.
    pub poll: Poll,
    /// Its samples.
    pub filter: ClockFilter,
    /// The tests that the last packet, and the association itself, failed.
    pub flash: Flash,
    /// What selection made of it.
    pub standing: Standing,
    /// The clock that it is with, where it is with one.
    pub clock: Option<ReferenceClock>,
    /// What was counted.
    pub counters: Counters,
    /// The last thing that happened to it.
    pub events: LastEvent,
    /// Samples since it was last cleared.
    pub samples: u32,
    /// How its name fares.
    pub(in crate::engine) naming: Naming,
    /// The request that waits for its reply.
    pub(in crate::engine) pending: Option<Pending>,
    /// The request that was answered last: a second answer to it is a duplicate.
    pub(in crate::engine) answered: Option<Ticket>,
    /// The exchange with a peer.
    pub(in crate::engine) symmetric: Symmetric,
    /// What is known of its broadcasts, where it was found by one.
    pub(in crate::engine) listening: Option<Listening>,
    /// How far the next request to a group goes, as a place among the reaches.
    pub(in crate::engine) reach_step: usize,
    /// The last exchange with a server, for the next that is interleaved.
    pub(in crate::engine) interleave: Interleave,
}

/// Kinds of association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// We ask a server.
    Client,
    /// A name behind which there are many servers; it is not asked itself.
    Pool,
    /// A group whose members are asked all at once; it is not measured itself.
    Manycast,
    /// We listen to what a server sends to everybody.
    BroadcastClient,
    /// We send to everybody.
    Broadcaster,
    /// A clock of this host.
    Reference,
    /// We and the other side tell each other the time (symmetric active).
    Peer,
    /// The same, with one that began (symmetric passive).
    Passive,
}

impl Kind {
    /// What a line with this keyword brings about.
    pub(in crate::engine) const fn of(keyword: ntp_conf::Kind) -> Self {
        match keyword {
            ntp_conf::Kind::Server => Self::Client,
            ntp_conf::Kind::Pool => Self::Pool,
            ntp_conf::Kind::Peer => Self::Peer,
            ntp_conf::Kind::ManycastClient => Self::Manycast,
            ntp_conf::Kind::Broadcast => Self::Broadcaster,
        }
    }

    /// The mode in which we send.
    pub const fn host_mode(self) -> Mode {
        match self {
            Self::Client | Self::Pool | Self::Manycast | Self::Reference => Mode::Client,
            Self::Peer => Mode::SymmetricActive,
            Self::Passive => Mode::SymmetricPassive,
            // ntpd's number for an association that only listens.
            Self::BroadcastClient => Mode::Control,
            Self::Broadcaster => Mode::Broadcast,
        }
    }

    /// Whether the other side is one whose time is measured.
    pub const fn is_measured(self) -> bool {
        !matches!(self, Self::Pool | Self::Manycast | Self::Broadcaster)
    }

    /// Whether both sides tell each other the time.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Peer | Self::Passive)
    }
}

/// Where an association came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What was configured: a name or an address.
    pub host: HostSpec,
    /// The family of addresses wanted.
    pub family: Option<Family>,
    /// The pool or the group that it was found by.
    pub parent: Option<AssocId>,
    /// Whether it came by itself, from a server that nobody named.
    pub is_ephemeral: bool,
    /// When it was mobilised.
    pub since: Mono,
}

/// What a server last said of itself; at the start that of one that is not synchronised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its leap indicator.
    pub leap: Leap,
    /// Its stratum, 16 when it is not synchronised.
    pub stratum: Stratum,
    /// The version of its last packet; 0 before the first.
    pub version: u8,
    /// The mode of its last packet.
    pub mode: Mode,
    /// The poll interval that it named.
    pub poll: PollExponent,
    /// The resolution of its clock.
    pub precision: Precision,
    /// Its delay to the reference clock.
    pub root_delay: NtpDuration,
    /// Its dispersion to the reference clock.
    pub root_dispersion: NtpDuration,
    /// Its source, or what became of the association when it was last cleared.
    pub reference_id: RefId,
    /// When it was last set.
    pub reference: NtpTimestamp,
    /// When it received our last request, by its clock.
    pub receive: NtpTimestamp,
    /// When it sent its last packet, by its clock.
    pub transmit: NtpTimestamp,
    /// When that arrived, by the steered clock.
    pub destination: NtpTimestamp,
    /// When that arrived; `None` before the first.
    pub at: Option<Mono>,
    /// Whether it was authenticated.
    pub is_authentic: bool,
}

impl Heard {
    /// Nothing yet, for this reason.
    pub(in crate::engine) fn nothing(reason: Kiss, maxpoll: PollExponent) -> Self {
        Self {
            leap: Leap::Alarm,
            stratum: Stratum::UNSYNCHRONISED,
            version: 0,
            mode: Mode::Unspecified,
            poll: maxpoll,
            precision: Precision::new(0),
            root_delay: NtpDuration::ZERO,
            root_dispersion: NtpDuration::ZERO,
            reference_id: reason.reference_id(),
            reference: NtpTimestamp::NEVER,
            receive: NtpTimestamp::NEVER,
            transmit: NtpTimestamp::NEVER,
            destination: NtpTimestamp::NEVER,
            at: None,
            is_authentic: false,
        }
    }

    /// Takes over what a packet says that is believed, and when it came.
    pub(in crate::engine) fn hear(&mut self, header: &Header, at: Mono, stamp: &Stamp) {
        self.take_over(header);
        self.destination = stamp.clock;
        self.at = Some(at);
    }

    /// Takes over what a header says.
    pub(in crate::engine) fn take_over(&mut self, header: &Header) {
        self.leap = header.leap;
        self.stratum = header.sender_stratum();
        self.version = header.version;
        self.mode = header.mode;
        self.poll = header.poll;
        self.precision = header.precision;
        self.root_delay = header.root_delay;
        self.root_dispersion = header.root_dispersion;
        self.reference_id = header.reference_id;
        self.reference = header.reference;
        self.receive = header.receive;
        self.transmit = header.transmit;
    }
}

/// What selection made of an association.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Its tally.
    pub tally: Tally,
    /// Why; `None` before the first selection.
    pub reason: Option<Reason>,
    /// Its share in the combined offset, 0 to 1.
    pub weight: f64,
    /// Its root distance then.
    pub distance: NtpDuration,
    /// Selections in a row in which it was of no use.
    pub(in crate::engine) bad: u32,
}

/// What was counted of an association since it was mobilised, by ntpd's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets sent.
    pub sent: u64,
    /// Packets received.
    pub received: u64,
    /// Packets that gave a sample.
    pub processed: u64,
    /// Packets whose authentication is missing or wrong.
    pub bad_auth: u64,
    /// Packets that answer no request of ours.
    pub bogus_origin: u64,
    /// Packets that repeat one received before.
    pub old_packet: u64,
    /// Packets that cannot be read.
    pub malformed: u64,
    /// Packets of a server that is not synchronised or too far from its reference clock.
    pub bad_distance: u64,
    /// Packets refused for a time that cannot be: missing, or before its cause.
    pub bad_time: u64,
    /// Packets that took too long.
    pub slow: u64,
    /// Packets that told when the one before them left.
    pub interleaved: u64,
    /// Those among them that told a time that cannot be.
    pub interleave_errors: u64,
    /// Kisses.
    pub kisses: u64,
    /// Packets that could not be sent, or for which nobody listened.
    pub unsent: u64,
    /// Requests that nobody answered in time.
    pub unanswered: u64,
    /// Times that it was a candidate of selection.
    pub candidate: u64,
}

/// The last thing that happened to an association.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastEvent {
    /// Its code, as in a peer status word; 0 before the first.
    pub code: u8,
    /// How many there were since it was last asked about, up to 15.
    pub count: u8,
}

/// How the name of an association fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Naming {
    /// An answer is awaited.
    pub is_asked: bool,
    /// How long to wait before the next question; grows while questions lead nowhere.
    pub back_off: Option<Duration>,
    /// When it was last asked for.
    pub asked: Option<Mono>,
}

/// A request that waits for its reply.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Pending {
    pub ticket: Ticket,
    /// What the reply has to give back as its origin.
    pub nonce: NtpTimestamp,
    /// What an interleaved reply has to give back instead, where one was asked for.
    pub interleaved: Option<NtpTimestamp>,
    /// When it left.
    pub sent: Stamp,
    /// The version that it was sent with.
    pub version: u8,
    /// How often the steered clock had been stepped.
    pub steps: u64,
}

impl Association {
    /// Its root distance at `now`: the true time is within ± this of its offset.
    ///
    /// Differs: RFC 5905 takes the dispersion of the filter in; ntpd takes the precisions instead,
    /// and so do we, for parity of what is shown. The filter's dispersion is a test of its own.
    pub(in crate::engine) fn root_distance(&self, now: Mono, around: &Scale) -> NtpDuration {
        let age = self.filter.updated().map_or(Duration::ZERO, |updated| now.since(updated));
        let distance_s =
            f64::midpoint(self.filter.delay().seconds(), self.heard.root_delay.seconds())
                + self.heard.precision.seconds().min(1.0)
                + around.precision_s
                + around.phi * age.as_secs_f64()
                + self.heard.root_dispersion.seconds()
                + self.filter.jitter().seconds();
        NtpDuration::from_seconds(distance_s).max(around.mindist)
    }

    /// Whether it was configured itself, rather than found.
    pub const fn is_configured(&self) -> bool {
        self.origin.parent.is_none() && !self.origin.is_ephemeral
    }
}

/// What root distances are measured with.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Scale {
    /// The resolution of the local clock, in seconds.
    pub precision_s: f64,
    /// `PHI`, in s/s.
    pub phi: f64,
    /// The least root distance.
    pub mindist: NtpDuration,
}
