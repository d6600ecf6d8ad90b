//! The engine: RFC 5905 as a machine without sockets, clocks or chance of its own.
//!
//! Packets, readings of the clocks, names and the doings of the clock come in by
//! [`Engine::handle`]; packets, questions and commands go out by [`Engine::poll_output`], which is
//! to be drained after each input; [`Engine::next_wakeup`] says when to come back if nothing
//! happens before. Waking early changes nothing.

pub mod access;
pub mod association;
mod broadcast;
mod broadcaster;
pub mod discipline;
pub mod filter;
pub mod input;
mod interleave;
mod keyring;
mod kiss;
pub mod leap;
mod leap_second;
mod manycast;
pub mod mobilize;
pub mod mru;
mod naming;
mod on_wire;
mod orphan;
pub mod output;
mod passive;
pub mod poll;
mod pool;
pub mod probe;
pub mod rate;
pub mod reference;
pub mod reload;
mod sending;
pub mod server;
pub mod settings;
pub mod smear;
pub mod snapshot;
pub mod statistics;
mod symmetric;
pub mod system;
mod timers;
mod unconfigure;
mod whereabouts;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::clock::command::{Held, Steering};
use crate::config::engine::Algorithm;
use crate::config::keys::Entry;
use crate::config::ntp_conf::control::Counters as ResetCounters;
use crate::engine::association::Association;
use crate::engine::broadcast::Broadcasts;
use crate::engine::discipline::drift::DriftKeeper;
use crate::engine::discipline::kalman::Kalman;
use crate::engine::discipline::limits::Limits;
use crate::engine::discipline::ntp::NtpLoop;
use crate::engine::discipline::{Discipline, Report};
use crate::engine::input::{Input, Stamp};
use crate::engine::keyring::Keyring;
use crate::engine::leap::LeapWatch;
use crate::engine::leap_second::Freshness;
use crate::engine::manycast::Reaches;
use crate::engine::output::{Output, Ticket};
use crate::engine::pool::Pool;
use crate::engine::settings::Settings;
use crate::engine::statistics::Keeping;
use crate::engine::system::{Mitigation, System, system_event};
use crate::engine::timers::{Timer, Timers};
use crate::selection::{Explained, Memory};
use crate::units::{AssocId, Mono, Now, NtpDuration, RefId};
use crate::wire::address_id::address_id;

/// An engine.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    outputs: VecDeque<Output>,
    random: ChaCha20Rng,
    timers: Timers,
    associations: BTreeMap<AssocId, Association>,
    last_id: u16,
    pools: BTreeMap<AssocId, Pool>,
    /// Whose the requests are that wait, or were answered last.
    tickets: BTreeMap<Ticket, AssocId>,
    tickets_given: u64,
    keys: Keyring,
    limits: Limits,
    mitigation: Mitigation,
    /// Whether the clock is steered (`enable ntp`).
    is_steering: bool,
    /// Since when it is not.
    left_alone: Mono,
    /// The rates of the clock, as it last said.
    steering: Steering,
    /// Whether those who come uncalled must be authenticated (`enable auth`).
    requires_auth: bool,
    /// Whether servers are listened to that broadcast.
    broadcasts: Broadcasts,
    /// Why what is sent to everybody is not heard, if it is not.
    deaf: Option<String>,
    /// How far requests to groups go.
    reaches: Reaches,
    discipline: Box<dyn Discipline>,
    /// The number of the next measurement, over all associations.
    measured: u64,
    drift: DriftKeeper,
    leap: LeapWatch,
    leap_freshness: Freshness,
    /// Over how long a leap second is spread for those who ask us; zero for not at all.
    smear_interval: Duration,
    /// Why the clock did not take our last command.
    held: Option<Held>,
    explained: Explained,
    memory: Memory,
    selected_at: Option<Mono>,
    system: System,
    /// The addresses of this host.
    own_addresses: Vec<IpAddr>,
    /// Reference IDs of those who follow us.
    own_ids: Arc<[RefId]>,
    counters: Counters,
    keeping: Keeping,
    /// Since when there is no system peer.
    orphan_since: Option<Mono>,
    /// Since when nobody is followed but a clock that is kept for that.
    alone_since: Option<Mono>,
    suspended: Suspended,
}

/// What was counted of all packets, by ntpd's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets received.
    pub received: u64,
    /// Packets that nobody asked for, or not of whom they come from.
    pub declined: u64,
    /// Packets that cannot be read.
    pub malformed: u64,
    /// Packets whose authentication is missing or wrong.
    pub bad_auth: u64,
    /// Packets that gave a sample.
    pub processed: u64,
    /// Kisses.
    pub kisses: u64,
}

impl Engine {
    /// An engine that knows no sources yet. `seed` feeds all that must not be guessed; in
    /// production it comes from the system.
    pub fn new(settings: Settings, seed: [u8; 32], now: &Now) -> Self {
        let limits = Limits::default();
        let discipline: Box<dyn Discipline> = match settings.algorithm {
            Algorithm::Ntp => Box::new(NtpLoop::new(&limits, &settings, now)),
            Algorithm::Kalman => Box::new(Kalman::new(&settings)),
        };
        let mut this = Self {
            outputs: VecDeque::new(),
            random: ChaCha20Rng::from_seed(seed),
            timers: Timers::default(),
            associations: BTreeMap::new(),
            last_id: 0,
            pools: BTreeMap::new(),
            tickets: BTreeMap::new(),
            tickets_given: 0,
            keys: Keyring::default(),
            limits,
            mitigation: Mitigation::new(settings.precision),
            is_steering: true,
            left_alone: now.mono,
            steering: Steering::default(),
            requires_auth: true,
            broadcasts: Broadcasts::default(),
            deaf: None,
            reaches: Reaches::default(),
            discipline,
            measured: 0,
            drift: DriftKeeper::new(now.mono, settings.drift),
            leap: LeapWatch::default(),
            leap_freshness: Freshness::default(),
            smear_interval: Duration::ZERO,
            held: None,
            explained: Explained::default(),
            memory: Memory::default(),
            selected_at: None,
            system: System::new(now),
            own_addresses: Vec::new(),
            own_ids: Arc::default(),
            counters: Counters::default(),
            keeping: Keeping::of(settings.statistics),
            orphan_since: Some(now.mono),
            alone_since: Some(now.mono),
            suspended: Suspended::new(now),
            settings,
        };
        this.system_event(system_event::RESTARTED, "started");
        this.after_discipline(now);
        this
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: &Now, input: Input<'_>) {
        if let Some(span) = self.suspended.notice(now) {
            self.suspended(now, span);
        }
        match input {
            Input::Wakeup => {}
            Input::Received(received) => self.receive(now, &received),
            Input::Sent { ticket, stamp } => {
                self.left(ticket, stamp);
            }
            Input::Unsent { ticket } => self.unsent(ticket),
            Input::Resolved { question, addresses } => self.resolved(now, &question, &addresses),
            Input::NotListening { why } => self.deaf = Some(why),
            Input::OwnAddresses(addresses) => self.know_own_addresses(now, &addresses),
            Input::Clock(outcome) => self.commanded(now, &outcome),
            Input::ClockStepped { by } => self.clock_stepped(now, by),
        }
        while let Some(timer) = self.timers.pop_due(now.mono) {
            self.act(now, timer);
        }
    }

    /// What to do next; `None` when that was all.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Wakeup`].
    pub fn next_wakeup(&self) -> Option<Mono> {
        self.timers.next()
    }

    /// How it was set up.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The associations, in the order of their numbers.
    pub fn associations(&self) -> impl Iterator<Item = &Association> {
        self.associations.values()
    }

    /// The association with this number.
    pub fn association(&self, id: AssocId) -> Option<&Association> {
        self.associations.get(&id)
    }

    /// The system variables.
    pub const fn system(&self) -> &System {
        &self.system
    }

    /// The last selection, with all its reasons.
    pub const fn explained(&self) -> &Explained {
        &self.explained
    }

    /// How the discipline stands.
    pub fn report(&self, now: &Now) -> Report {
        self.discipline.report(now)
    }

    /// The thresholds of the discipline.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What is asked of sources.
    pub const fn mitigation(&self) -> &Mitigation {
        &self.mitigation
    }

    /// What was counted of all packets.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether the clock is steered (`enable ntp`).
    pub const fn is_steering(&self) -> bool {
        self.is_steering
    }

    /// Why the clock did not take our last command, if it did not.
    pub const fn held(&self) -> Option<Held> {
        self.held
    }

    /// Why what is sent to everybody is not heard though it is to be, if it is not.
    pub fn deaf(&self) -> Option<&str> {
        self.deaf.as_deref()
    }

    /// The leap second that is to come, as clients are told.
    pub fn leap_announced(&self) -> crate::units::Leap {
        self.leap.announced()
    }

    /// How far an association is ahead of the steered clock now; `None` before its first sample.
    pub fn offset_of(&self, now: &Now, id: AssocId) -> Option<NtpDuration> {
        let association = self.associations.get(&id)?;
        let best = association.filter.best()?;
        if association.clock.is_some() {
            return Some(NtpDuration::ZERO);
        }
        Some(self.discipline.offset_now(now, best))
    }

    /// Uses these keys in place of those before; which of them are trusted, `trustedkey` says.
    pub fn set_keys(&mut self, entries: Vec<Entry>) {
        self.keys.replace(entries);
    }

    /// Counts the events of an association, or with 0 the system's, from zero again: who may make
    /// that happen has seen them.
    pub fn forget_events(&mut self, id: AssocId) {
        match self.associations.get_mut(&id) {
            Some(association) => association.events.count = 0,
            None if id == AssocId::SYSTEM => self.system.last_event.1 = 0,
            None => {}
        }
    }

    /// Lets counters begin anew, as far as they are the engine's.
    pub fn reset_counters(&mut self, which: ResetCounters) {
        match which {
            ResetCounters::AllPeers => {
                for association in self.associations.values_mut() {
                    association.counters = association::Counters::default();
                }
            }
            ResetCounters::Authentication => self.keys.reset(),
            _ => {}
        }
    }

    fn act(&mut self, now: &Now, timer: Timer) {
        match timer {
            Timer::Poll(id) => self.poll(now, id),
            Timer::Expire(id) => self.abandon(id),
            Timer::Resolve(id) => self.ask_name(now, id),
            Timer::Select => self.select(now),
            Timer::Orphan => self.orphan(now),
            Timer::Discipline => self.wake_discipline(now),
            Timer::Leap => self.wake_leap(now),
            Timer::Drift => self.keep_drift(now),
        }
    }

    fn pending_of(&mut self, ticket: Ticket) -> Option<&mut association::Pending> {
        let id = self.tickets.get(&ticket)?;
        let pending = self.associations.get_mut(id)?.pending.as_mut()?;
        (pending.ticket == ticket).then_some(pending)
    }

    /// A datagram left.
    fn left(&mut self, ticket: Ticket, stamp: Stamp) {
        let Some(id) = self.tickets.get(&ticket) else { return };
        let Some(association) = self.associations.get_mut(id) else { return };
        if !association.symmetric.left(ticket, stamp)
            && let Some(pending) = self.pending_of(ticket)
        {
            pending.sent = stamp;
        }
    }

    /// A datagram did not get through.
    fn unsent(&mut self, ticket: Ticket) {
        let Some(id) = self.tickets.get(&ticket).copied() else { return };
        if let Some(association) = self.associations.get_mut(&id)
            && association.symmetric.lose(ticket)
        {
            association.counters.unsent += 1;
            self.tickets.remove(&ticket);
        } else if self.pending_of(ticket).is_some() {
            if let Some(association) = self.associations.get_mut(&id) {
                association.counters.unsent += 1;
            }
            self.abandon(id);
        }
    }

    /// Who follows an address of ours, follows us. A loopback address says nothing: everybody has
    /// it.
    fn know_own_addresses(&mut self, now: &Now, addresses: &[IpAddr]) {
        self.own_addresses = addresses.to_vec();
        self.own_ids =
            addresses.iter().filter(|ip| !ip.is_loopback()).map(|ip| address_id(*ip)).collect();
        self.locate_broadcasters();
        self.mark_changed(now);
    }
}

/// Notices that the machine was suspended: the boot clock went on, the monotonic one did not.
#[derive(Clone, Copy, Debug)]
struct Suspended {
    ahead_ns: u64,
}

impl Suspended {
    fn new(now: &Now) -> Self {
        Self { ahead_ns: now.boot.nanos().saturating_sub(now.mono.nanos()) }
    }

    /// How long it was suspended since it was last asked about; `None` when it was not.
    fn notice(&mut self, now: &Now) -> Option<Duration> {
        let ahead_ns = now.boot.nanos().saturating_sub(now.mono.nanos());
        let span = Duration::from_nanos(ahead_ns.saturating_sub(self.ahead_ns));
        if span < SHORTEST_SUSPEND {
            return None;
        }
        self.ahead_ns = ahead_ns;
        Some(span)
    }
}

/// Both clocks are read one after the other, so they seem to part by what lies in between.
const SHORTEST_SUSPEND: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests;
