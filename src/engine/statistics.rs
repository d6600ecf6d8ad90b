//! What an engine does, as the facts that statistics files keep.
//!
//! The engine makes records of the kinds that it was told to keep, and of no others. How they are
//! written is [`mod@print`]'s matter, and where to the driver's.

pub mod print;

use std::net::{IpAddr, SocketAddr};

use crate::config::ntp_conf::records::Statistics as Kind;
use crate::config::statistics::Kinds;
use crate::engine::Engine;
use crate::engine::association::Association;
use crate::engine::discipline::Report;
use crate::engine::on_wire::Times;
use crate::engine::output::Output;
use crate::engine::server::Server;
use crate::engine::snapshot;
use crate::units::{AssocId, Mono, Now, NtpDuration, NtpTimestamp, PollExponent, Ppm};
use crate::wire::mode6::status::{PeerStatus, SystemStatus};
use crate::wire::packet::Header;

/// A fact for a statistics file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Record {
    /// The loop took an update in.
    Loop(Loop),
    /// A source has a new estimate.
    Peer(Peer),
    /// A packet of a source was believed.
    Raw(Raw),
    /// A reference clock told the time.
    Clock {
        /// Its name, or the address that stands for it.
        source: String,
        /// What it sent.
        time_code: String,
    },
    /// An hour went by.
    System(System),
    /// Something happened to the system.
    SystemEvent {
        /// The system's status word after it.
        status: SystemStatus,
        /// Its code.
        code: u8,
        /// What exactly.
        detail: String,
    },
    /// Something happened to a source.
    PeerEvent {
        /// The source's address, or its name while it has none.
        source: String,
        /// Its status word after it.
        status: PeerStatus,
        /// The code.
        code: u8,
        /// What exactly.
        detail: String,
    },
}

impl Record {
    /// Which kind of file it belongs to.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Loop(_) => Kind::Loop,
            Self::Peer(_) => Kind::Peer,
            Self::Raw(_) => Kind::Raw,
            Self::Clock { .. } => Kind::Clock,
            Self::System(_) => Kind::System,
            Self::SystemEvent { .. } | Self::PeerEvent { .. } => Kind::Protocol,
        }
    }
}

/// How the loop stands after an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loop {
    /// How far the others are ahead of the steered clock: what is left to be corrected.
    pub offset: NtpDuration,
    /// The frequency correction in force, positive when it makes the clock faster.
    pub frequency: Ppm,
    /// How much offsets differ from one to the next (RMS).
    pub jitter: NtpDuration,
    /// How much frequencies do (RMS).
    pub wander: Ppm,
    /// The time constant, as an exponent of two seconds.
    pub time_constant: PollExponent,
}

/// What the clock filter makes of a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peer {
    /// Its address.
    pub source: SocketAddr,
    /// Its status word.
    pub status: PeerStatus,
    /// How far it is ahead of the steered clock.
    pub offset: NtpDuration,
    /// The round trip.
    pub delay: NtpDuration,
    /// How uncertain the estimate is for want of samples and by their age.
    pub dispersion: NtpDuration,
    /// How much its samples differ (RMS).
    pub jitter: NtpDuration,
}

/// An exchange with a source, and the header of its packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Raw {
    /// Its address.
    pub source: SocketAddr,
    /// The address of ours that its packets come to, where that is known.
    pub local: Option<IpAddr>,
    /// T1: when our packet left, by the steered clock. What it said of that is a random number.
    pub sent: NtpTimestamp,
    /// The header of the source's packet. T2 and T3 in it are those that go with the other two
    /// times, where an interleaved packet tells them of an earlier one.
    pub header: Header,
    /// T4: when the source's packet arrived, by the steered clock.
    pub arrived: NtpTimestamp,
}

/// Packets that were counted, since the start or since something else: of those who ask us and of
/// those whom we ask. Versions are those of the packets that came to the port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// The seconds since then.
    pub seconds: u64,
    /// Packets received.
    pub received: u64,
    /// Packets that were for us and that we understood.
    pub processed: u64,
    /// Packets of the current version.
    pub current_version: u64,
    /// Packets of older versions.
    pub old_version: u64,
    /// Those of them of version 1: as a client's, without a mode, as a peer's.
    pub version_1: [u64; 3],
    /// Packets that restrictions dropped.
    pub restricted: u64,
    /// Packets that cannot be read.
    pub bad_length: u64,
    /// Packets whose authentication is missing or wrong.
    pub bad_auth: u64,
    /// Packets that nobody had a use for.
    pub declined: u64,
    /// Requests that came too often.
    pub limited: u64,
    /// Those of them that were told so.
    pub kisses: u64,
}

impl System {
    /// What `server` and `engine` have counted together since they began. What the one hands to the
    /// other both have received.
    pub fn counted(server: &Server, engine: &Engine, now: &Now) -> Self {
        let (theirs, ours) = (server.counters(), engine.counters());
        Self {
            seconds: now.mono.since(engine.system().since).as_secs(),
            received: (theirs.received + ours.received).saturating_sub(theirs.handed_on),
            processed: theirs.processed + ours.processed,
            current_version: theirs.current_version,
            old_version: theirs.old_version,
            version_1: theirs.version_1,
            restricted: theirs.restricted,
            bad_length: theirs.bad_length + ours.malformed,
            bad_auth: theirs.bad_auth + ours.bad_auth,
            declined: theirs.declined + ours.declined,
            limited: theirs.limited,
            kisses: theirs.kisses,
        }
    }

    /// What was counted after `before`.
    #[must_use]
    pub const fn since(&self, before: &Self) -> Self {
        let [client, unspecified, symmetric] = self.version_1;
        let [client_before, unspecified_before, symmetric_before] = before.version_1;
        Self {
            seconds: self.seconds.saturating_sub(before.seconds),
            received: self.received.saturating_sub(before.received),
            processed: self.processed.saturating_sub(before.processed),
            current_version: self.current_version.saturating_sub(before.current_version),
            old_version: self.old_version.saturating_sub(before.old_version),
            version_1: [
                client.saturating_sub(client_before),
                unspecified.saturating_sub(unspecified_before),
                symmetric.saturating_sub(symmetric_before),
            ],
            restricted: self.restricted.saturating_sub(before.restricted),
            bad_length: self.bad_length.saturating_sub(before.bad_length),
            bad_auth: self.bad_auth.saturating_sub(before.bad_auth),
            declined: self.declined.saturating_sub(before.declined),
            limited: self.limited.saturating_sub(before.limited),
            kisses: self.kisses.saturating_sub(before.kisses),
        }
    }
}

/// Which records an engine makes, and what it needs to make each once.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct Keeping {
    kinds: Kinds,
    /// When the system peer's sample was taken that an unsteered loop was last recorded with.
    seen: Option<Mono>,
}

impl Keeping {
    /// These, from the start.
    pub(in crate::engine) const fn of(kinds: Kinds) -> Self {
        Self { kinds, seen: None }
    }

    /// Whether this estimate is another than the last.
    pub(in crate::engine) fn is_new(&mut self, epoch: Mono) -> bool {
        self.seen.replace(epoch) != Some(epoch)
    }
}

impl Engine {
    /// Makes records of these kinds from now on, as [`Output::Statistics`].
    pub const fn keep_statistics(&mut self, kinds: Kinds) {
        self.keeping.kinds = kinds;
    }

    fn record(&mut self, kind: Kind, record: impl FnOnce(&Self) -> Option<Record>) {
        if self.keeping.kinds.contains(kind)
            && let Some(record) = record(self)
        {
            self.outputs.push_back(Output::Statistics(Box::new(record)));
        }
    }

    /// The loop took an update in.
    pub(in crate::engine) fn record_loop(&mut self, report: &Report) {
        self.record(Kind::Loop, |_| {
            let Report { offset, frequency, jitter, wander, time_constant, .. } = *report;
            Some(Record::Loop(Loop { offset, frequency, jitter, wander, time_constant }))
        });
    }

    /// A source has a new estimate.
    pub(in crate::engine) fn record_peer(&mut self, id: AssocId) {
        self.record(Kind::Peer, |engine| {
            let association = engine.associations.get(&id)?;
            let filter = &association.filter;
            Some(Record::Peer(Peer {
                source: association.address?,
                status: snapshot::peer_status(association),
                offset: filter.offset(),
                delay: filter.delay(),
                dispersion: filter.dispersion(),
                jitter: filter.jitter(),
            }))
        });
    }

    /// A packet of a source is believed.
    pub(in crate::engine) fn record_raw(&mut self, id: AssocId, header: &Header, times: &Times) {
        self.record(Kind::Raw, |engine| {
            let association = engine.associations.get(&id)?;
            Some(Record::Raw(Raw {
                source: association.address?,
                local: association.local,
                sent: times.sent.clock,
                header: Header { receive: times.receive, transmit: times.transmit, ..*header },
                arrived: times.arrived.clock,
            }))
        });
    }

    /// Something happened to the system.
    pub(in crate::engine) fn record_system_event(&mut self, code: u8, detail: &str) {
        self.record(Kind::Protocol, |engine| {
            let (status, detail) = (snapshot::system_status(engine), detail.to_owned());
            Some(Record::SystemEvent { status, code, detail })
        });
    }

    /// Something happened to a source.
    pub(in crate::engine) fn record_peer_event(&mut self, id: AssocId, code: u8, detail: &str) {
        self.record(Kind::Protocol, |engine| {
            let association = engine.associations.get(&id)?;
            let status = snapshot::peer_status(association);
            let (source, detail) = (label(association), detail.to_owned());
            Some(Record::PeerEvent { source, status, code, detail })
        });
    }
}

/// What stands for a source: its address, or its name while it has none.
fn label(association: &Association) -> String {
    match association.address {
        Some(address) => print::address(address),
        None => association.origin.host.host().to_owned(),
    }
}

#[cfg(test)]
mod tests;
