//! The engine as a daemon: the one place where engine state becomes what an operator sees.
//!
//! Every variable goes by the table of variables, so the screens, the diagnosis and mode 6 find
//! our own engine where they find ntpd. What did not change stays shared with the last snapshot.

mod counted;
mod served;
mod variables;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::association::Association;
use crate::engine::discipline::{Report, SourceReport, State};
use crate::engine::settings::Algorithm;
use crate::model::absent::Absent;
use crate::model::clock_loop::{self, ClockLoop, LoopSource, Steers};
use crate::model::daemon::{Associations, Contact, Daemon, Detail, Peer};
use crate::model::identity::Identity;
use crate::model::lists::{Interface, Restriction};
use crate::model::mru::Monitored;
use crate::model::part::{Dated, Part};
use crate::model::values::Values;
use crate::selection::Explained;
use crate::units::{Mono, Now, NtpDuration};
use crate::wire::mode6::status::{PeerStatus, SystemStatus};

pub use served::of_server;
use variables::{clock, counters, row, scalars, system_values};

/// The clock that an engine steers, as its driver knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steered {
    /// Which clock.
    pub which: Steers,
    /// How far it is ahead of the system's clock; `None` where there is none to compare with.
    pub ahead_of_system: Option<NtpDuration>,
}

/// Makes snapshots of one engine.
#[derive(Debug)]
pub struct Snapshots {
    last: Daemon,
    around: Values,
    corrections: Values,
    lists: Option<Lists>,
    clients: Part<Monitored>,
}

/// What a driver has on its lists, as it was at one moment.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    /// The addresses that are listened on.
    pub interfaces: Vec<Interface>,
    /// Whom the engine lets do what.
    pub restrictions: Vec<Restriction>,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self::new()
    }
}

impl Snapshots {
    /// Nothing seen yet.
    pub fn new() -> Self {
        let identity = Identity::read(concat!("ntpscope ", env!("CARGO_PKG_VERSION")));
        let last = Daemon { identity: Some(Arc::new(identity)), ..Daemon::default() };
        Self {
            last,
            around: Values::default(),
            corrections: Values::default(),
            lists: None,
            clients: Part::not_asked(),
        }
    }

    /// The driver's lists, which are in the snapshots from the next one on.
    pub fn list(&mut self, lists: Lists) {
        self.lists = Some(lists);
    }

    /// What only the driver knows of the system, such as what the kernel and the sockets tell, to be
    /// in the snapshots from now on in place of what it said before. Where the engine tells the
    /// same, the engine's word holds, but for what `corrections` say.
    pub fn surround(&mut self, around: Values, corrections: Values) {
        (self.around, self.corrections) = (around, corrections);
    }

    /// Those who asked the engine most recently, which are in the snapshots from now on.
    pub fn list_clients(&mut self, clients: Part<Monitored>) {
        self.clients = clients;
    }

    /// `engine` as it is at `now`.
    ///
    /// Dates are by our own wall clock: by the system's where the driver knows it.
    pub fn take(&mut self, engine: &Engine, now: &Now, steered: Steered) -> Daemon {
        self.take_at(engine, now, steered, now.mono)
    }

    /// The same, seen from elsewhere, where the monotonic clock shows `seen`: that of a machine is
    /// slewed with its clock, so ages that are counted by another must begin there.
    pub fn take_at(&mut self, engine: &Engine, now: &Now, steered: Steered, seen: Mono) -> Daemon {
        let wall = now.clock + -steered.ahead_of_system.unwrap_or(NtpDuration::ZERO);
        let dated = Dated { asked: seen, answered: seen, clock: wall };
        let report = engine.report(now);
        let peers: Arc<[Arc<Peer>]> = engine
            .associations()
            .map(|association| Arc::new(self.peer(association, now, dated)))
            .collect();
        let mut system = self.around.clone();
        system.merge(system_values(engine, now, &report));
        system.merge(self.corrections.clone());
        let statistics =
            counted::statistics(&self.last.statistics, &system, dated, &mut self.lists);
        let associations = Associations {
            system: system_status(engine),
            list: peers.iter().map(|peer| (peer.id, peer.status)).collect(),
        };
        self.last = Daemon {
            contact: Contact::Answering { last: seen, round_trip: Duration::ZERO },
            identity: self.last.identity.clone(),
            restarts: 0,
            restarted: None,
            system: self.last.system.renewed(system, dated),
            associations: self.last.associations.renewed(associations, dated),
            peers,
            selection: self.selection(engine),
            clock_loop: Some(self.clock_loop(engine, &report, steered)),
            statistics,
            monitored: self.clients.clone(),
            ..Daemon::default()
        };
        self.last.clone()
    }

    fn peer(&self, association: &Association, now: &Now, dated: Dated) -> Peer {
        let status = peer_status(association);
        let last = self.last.peer(association.id);
        let new = Peer::new(association.id, status);
        let last = last.map_or(&new, |last| last);
        let mut peer = Peer::new(association.id, status);
        peer.row = last.row.renewed(row(association), dated);
        for (detail, values) in [
            (Detail::Scalars, scalars(association, now)),
            (Detail::Counters, counters(association, now)),
        ] {
            *peer.detail_mut(detail) = last.detail(detail).renewed(values, dated);
        }
        *peer.detail_mut(Detail::Clock) = match &association.clock {
            Some(known) => last.detail(Detail::Clock).renewed(clock(known), dated),
            None => Part::not_asked().failed(Absent::NotInFamily),
        };
        peer
    }

    /// The last selection; `None` before the first.
    fn selection(&self, engine: &Engine) -> Option<Arc<Explained>> {
        let explained = engine.explained();
        if explained.verdicts.is_empty() {
            return None;
        }
        match &self.last.selection {
            Some(same) if **same == *explained => Some(Arc::clone(same)),
            _ => Some(Arc::new(explained.clone())),
        }
    }

    fn clock_loop(&self, engine: &Engine, report: &Report, steered: Steered) -> Arc<ClockLoop> {
        let clock_loop = ClockLoop {
            algorithm: match engine.settings().algorithm {
                Algorithm::Ntp => clock_loop::Algorithm::Ntp,
                Algorithm::Kalman => clock_loop::Algorithm::Kalman,
            },
            steers: steered.which,
            state: word(report.state),
            is_converged: report.is_converged,
            system_offset: steered.ahead_of_system.map(|ahead| report.offset + ahead),
            steered_offset: report.offset,
            error_bound: report.error_bound,
            frequency: report.frequency,
            frequency_error: report.frequency_error,
            jitter: report.jitter,
            wander: report.wander,
            time_constant: report.time_constant,
            held: engine.held().map(|held| held.to_string().into()),
            notice: notice(engine),
            sources: report.sources.iter().map(loop_source).collect(),
        };
        match &self.last.clock_loop {
            Some(same) if **same == clock_loop => Arc::clone(same),
            _ => Arc::new(clock_loop),
        }
    }
}

/// What keeps the loop from acting or from hearing, in words.
fn notice(engine: &Engine) -> Option<Box<str>> {
    if let Some(panic) = engine.system().panic {
        let offset_s = panic.seconds();
        return Some(format!("an offset of {offset_s:+.3} s is beyond the panic threshold").into());
    }
    engine.deaf().map(Into::into)
}

fn loop_source(source: &SourceReport) -> LoopSource {
    LoopSource {
        id: source.source,
        weight: source.weight,
        bias: source.bias,
        bias_prior: source.bias_prior,
        is_inconsistent: source.is_inconsistent,
        asymmetry: source.asymmetry,
        residual: source.residual,
    }
}

/// ntpd's words for the states of its loop.
const fn word(state: State) -> &'static str {
    match state {
        State::NotSet => "NSET",
        State::FrequencySet => "FSET",
        State::Spike => "SPIK",
        State::Frequency => "FREQ",
        State::Synchronised => "SYNC",
    }
}

pub(in crate::engine) fn system_status(engine: &Engine) -> SystemStatus {
    let system = engine.system();
    let followed = system.peer.and_then(|id| engine.association(id));
    let source: u16 = match followed {
        Some(association) if association.clock.is_some() => SOURCE_LOCAL,
        Some(_) => SOURCE_NTP,
        None => 0,
    };
    let (code, count) = system.last_event;
    let events = u16::from(count.min(15)) << 4 | u16::from(code & 15);
    SystemStatus::from_bits(u16::from(system.leap.bits()) << 14 | source << 8 | events)
}

pub(in crate::engine) fn peer_status(association: &Association) -> PeerStatus {
    let flag = |is_set: bool, bit: u16| if is_set { bit } else { 0 };
    let heard = &association.heard;
    let flags = flag(association.is_configured(), 0x80)
        | flag(association.options.key.is_some(), 0x40)
        | flag(heard.is_authentic, 0x20)
        | flag(association.poll.reach.is_reachable(), 0x10)
        // ntpd's bit for one of which nothing is received, not for one that is heard that way.
        | flag(!association.kind.is_measured(), 0x08);
    let select = flags | u16::from(association.standing.tally.bits());
    let events = &association.events;
    let word = u16::from(events.count.min(15)) << 4 | u16::from(events.code & 15);
    PeerStatus::from_bits(select << 8 | word)
}

/// Of a status word: a server over NTP, or a clock of this host.
const SOURCE_NTP: u16 = 6;
const SOURCE_LOCAL: u16 = 5;
