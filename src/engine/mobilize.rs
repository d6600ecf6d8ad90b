//! Associations come and go: by configuration, by name, or because they are of no use.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::engine::Algorithm;
use crate::config::host::HostSpec;
use crate::config::ntp_conf::clock::ClockAddress;
use crate::config::ntp_conf::control::Unwanted;
use crate::config::ntp_conf::{self, Directive, Flag, Options, Tinker, Tos};
use crate::engine::Engine;
use crate::engine::association::{
    Association, Counters, Heard, Kind, LastEvent, Naming, Origin, Standing,
};
use crate::engine::filter::ClockFilter;
use crate::engine::interleave::Interleave;
use crate::engine::manycast::Reaches;
use crate::engine::output::{Event, Output};
use crate::engine::poll::{Poll, RETRY, UNREACH, event, flash_bits};
use crate::engine::pool::Pool;
use crate::engine::symmetric::Symmetric;
use crate::engine::timers::Timer;
use crate::selection::{Reason, Unfit};
use crate::units::{AssocId, KeyId, Now, PollExponent, Tally};
use crate::wire::kiss::Kiss;
use crate::wire::mode6::flash::Flash;

/// What became of a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Applied {
    /// There is a new association.
    Mobilised(AssocId),
    /// A setting is in force.
    Set,
    /// An association is gone.
    Unconfigured {
        /// The host, as the configuration named it.
        host: HostSpec,
        /// Whether a line of its own stands for it, rather than that of a pool or a packet.
        was_configured: bool,
    },
    /// The keys of this file are wanted: read it and hand them to [`Engine::set_keys`].
    Keys(PathBuf),
    /// The frequency is to be kept in this file: write [`Output::Drift`] there.
    DriftFile(PathBuf),
    /// The leap seconds of this file are wanted: read it and hand them to
    /// [`Engine::set_leap_table`].
    LeapFile {
        /// The file.
        path: PathBuf,
        /// Whether its hash must be right.
        checks_hash: bool,
    },
    /// It is about serving: hand it to [`Server::apply`](crate::engine::server::Server::apply).
    ForServer,
    /// It is a matter of files, of the log or of control messages, which the driver sees to.
    ForDriver,
    /// It is not of our concern.
    Ignored {
        /// Its keyword.
        keyword: String,
        /// Why it is left out.
        reason: &'static str,
    },
}

/// Why a directive is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// There is an association with this server.
    Duplicate(AssocId),
    /// There is no association with this host or of this number.
    Unknown(Unwanted),
    /// There are as many associations as there are numbers.
    Full,
    /// The least poll interval is longer than the greatest.
    PollRange {
        /// The least.
        minpoll: PollExponent,
        /// The greatest.
        maxpoll: PollExponent,
    },
    /// There is no such reference clock, or no driver for it.
    Clock(ClockAddress),
    /// There are so many restrictions that each packet would take too long.
    TooRestricted,
    /// This directive is not followed here.
    Directive(&'static str),
    /// This setting means nothing to the discipline in use.
    Meaningless(&'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate(id) => write!(f, "association {id} has this server"),
            Self::Unknown(Unwanted::Association(id)) => write!(f, "there is no association {id}"),
            Self::Unknown(Unwanted::Host { host, .. }) => {
                write!(f, "there is no association with {host}")
            }
            Self::Full => f.write_str("there are too many associations"),
            Self::PollRange { minpoll, maxpoll } => {
                write!(f, "minpoll {} is above maxpoll {}", minpoll.exponent(), maxpoll.exponent())
            }
            Self::Clock(clock) => write!(f, "there is no reference clock {clock}"),
            Self::TooRestricted => f.write_str("there are too many restrictions"),
            Self::Directive(keyword) => write!(f, "{keyword} is not followed here"),
            Self::Meaningless(setting) => write!(f, "the discipline in use knows no {setting}"),
        }
    }
}

impl std::error::Error for Refused {}

impl Engine {
    /// Follows a directive, of a file or of a `:config` line alike.
    ///
    /// # Errors
    /// Why it is not followed; nothing changed then.
    pub fn apply(&mut self, now: &Now, directive: &Directive) -> Result<Applied, Refused> {
        match directive {
            Directive::Association(association) => {
                self.add(now, association).map(Applied::Mobilised)
            }
            Directive::Keys(file) => Ok(Applied::Keys(file.clone())),
            Directive::TrustedKeys(ids) => {
                self.keys.trust(ids);
                Ok(Applied::Set)
            }
            Directive::DriftFile(file) => Ok(Applied::DriftFile(file.clone())),
            Directive::Tos(setting) => {
                self.apply_tos(setting);
                self.arm_orphan(now);
                self.mark_changed(now);
                Ok(Applied::Set)
            }
            // It finds uneven paths by itself.
            Directive::Tinker(Tinker::HuffPuff(_))
                if self.settings.algorithm == Algorithm::Kalman =>
            {
                Err(Refused::Meaningless("huffpuff"))
            }
            Directive::Tinker(setting) => {
                self.limits.apply(setting);
                self.discipline.limit(&self.limits);
                self.after_discipline(now);
                Ok(Applied::Set)
            }
            Directive::Flag { flag: Flag::Ntp, is_enabled } => {
                self.enable_steering(now, *is_enabled);
                Ok(Applied::Set)
            }
            Directive::Flag { flag: Flag::Auth, is_enabled } => {
                self.requires_auth = *is_enabled;
                Ok(Applied::Set)
            }
            Directive::Flag { flag: Flag::BroadcastClient, is_enabled: false } => {
                self.ignore_broadcasts(now);
                Ok(Applied::Set)
            }
            Directive::Flag { flag: Flag::BroadcastClient, is_enabled: true } => {
                self.listen_to_broadcasts(true);
                Ok(Applied::Set)
            }
            Directive::BroadcastClient { volley } => {
                self.listen_to_broadcasts(*volley);
                Ok(Applied::Set)
            }
            Directive::MulticastClient(groups) => {
                self.listen_to_groups(groups);
                Ok(Applied::Set)
            }
            Directive::BroadcastDelay(delay) => {
                self.set_broadcast_delay(*delay);
                Ok(Applied::Set)
            }
            Directive::Ttl(hops) => {
                self.reaches = Reaches::new(hops);
                Ok(Applied::Set)
            }
            Directive::Flag { flag: Flag::Monitor, .. }
            | Directive::Restrict(_)
            | Directive::Unrestrict(_)
            | Directive::Discard(_)
            | Directive::Mru(_)
            | Directive::Interface(_) => Ok(Applied::ForServer),
            Directive::ManycastServer(groups) => {
                self.join_groups(groups);
                Ok(Applied::ForServer)
            }
            Directive::Unconfigure(unwanted) => self.unconfigure(now, unwanted),
            Directive::Fudge(fudge) => self.fudge(now, fudge),
            Directive::LeapFile { path, checks_hash } => {
                Ok(Applied::LeapFile { path: path.clone(), checks_hash: *checks_hash })
            }
            Directive::LeapSmearInterval(interval) => {
                self.set_smear(interval.to_std().unwrap_or_default());
                Ok(Applied::Set)
            }
            Directive::Flag { flag: Flag::Statistics, .. }
            | Directive::StatsDir(_)
            | Directive::Statistics(_)
            | Directive::FileSet(_)
            | Directive::LogFile(_)
            | Directive::PidFile(_)
            | Directive::SaveConfigDir(_)
            | Directive::ControlKey(_)
            | Directive::SetVariable(_)
            | Directive::Reset(_)
            | Directive::Dscp(_)
            | Directive::Include(_) => Ok(Applied::ForDriver),
            Directive::Ignored { keyword, reason } => {
                Ok(Applied::Ignored { keyword: keyword.clone(), reason })
            }
        }
    }

    /// Makes an association.
    ///
    /// # Errors
    /// Why it is not made.
    pub fn add(&mut self, now: &Now, wanted: &ntp_conf::Association) -> Result<AssocId, Refused> {
        let kind = Kind::of(wanted.kind);
        if let Some(clock) = wanted.clock() {
            return self.add_clock(now, wanted, clock);
        }
        let Options { minpoll, maxpoll, .. } = wanted.options;
        if minpoll > maxpoll {
            return Err(Refused::PollRange { minpoll, maxpoll });
        }
        let is_same = |other: &&Association| {
            other.is_configured() && other.kind == kind && other.origin.host == wanted.host
        };
        if let Some(same) = self.associations.values().find(is_same) {
            // A name may stand for many servers: asked for twice, it gives two of them.
            if kind == Kind::Pool || wanted.host.address().is_some() {
                return Err(Refused::Duplicate(same.id));
            }
        }
        let origin = Origin {
            host: wanted.host.clone(),
            family: wanted.family,
            parent: None,
            is_ephemeral: false,
            since: now.mono,
        };
        let mut options = wanted.options.clone();
        if kind == Kind::Peer {
            // A peer sends when it is its turn: a burst would bring no more answers.
            (options.burst, options.iburst) = (false, false);
        }
        let id = self.mobilise(now, kind, origin, options)?;
        if kind == Kind::Pool {
            self.pools.insert(id, Pool::default());
            self.ask_name(now, id);
            return Ok(id);
        }
        if kind == Kind::Broadcaster {
            // It sends from the port of NTP, which is open then.
            self.outputs.push_back(Output::Listen { group: None });
        }
        match wanted.host.address() {
            Some(ip) => self.begin(now, id, SocketAddr::new(ip, wanted.host.port())),
            None => self.ask_name(now, id),
        }
        Ok(id)
    }

    /// Adds a server with ntpd's default options but `iburst`.
    ///
    /// # Errors
    /// Why it is not added.
    pub fn add_server(&mut self, now: &Now, host: HostSpec) -> Result<AssocId, Refused> {
        let options = Options { iburst: true, ..Options::default() };
        let kind = ntp_conf::Kind::Server;
        self.add(now, &ntp_conf::Association { kind, host, family: None, options })
    }

    /// Takes an association away, a pool with all its servers. Whether there was one.
    pub fn remove(&mut self, now: &Now, id: AssocId) -> bool {
        if !self.associations.contains_key(&id) {
            return false;
        }
        let of_it = |a: &&Association| a.origin.parent == Some(id);
        let children: Vec<AssocId> =
            self.associations.values().filter(of_it).map(|a| a.id).collect();
        for child in children {
            self.demobilise(now, child, "its pool is gone");
        }
        self.demobilise(now, id, "it is not wanted any more");
        true
    }

    /// Makes an association with a server of a pool.
    pub(in crate::engine) fn mobilise_child(
        &mut self,
        now: &Now,
        parent: AssocId,
        address: SocketAddr,
    ) {
        let Some(pool) = self.associations.get(&parent) else { return };
        if self.associations.values().any(|other| other.address == Some(address)) {
            return;
        }
        let host = pool.origin.host.clone();
        let family = pool.origin.family;
        let origin =
            Origin { host, family, parent: Some(parent), is_ephemeral: false, since: now.mono };
        let options = pool.options.clone();
        if let Ok(id) = self.mobilise(now, Kind::Client, origin, options) {
            self.begin(now, id, address);
        }
    }

    /// Makes an association with a member of a group, which may be let go for a better one.
    pub(in crate::engine) fn mobilise_member(
        &mut self,
        now: &Now,
        group: AssocId,
        address: SocketAddr,
        key: Option<KeyId>,
    ) {
        let Some(prototype) = self.associations.get(&group) else { return };
        let Origin { host, family, .. } = prototype.origin.clone();
        let origin =
            Origin { host, family, parent: Some(group), is_ephemeral: false, since: now.mono };
        let options = Options { preempt: true, key, ..prototype.options.clone() };
        if let Ok(id) = self.mobilise(now, Kind::Client, origin, options) {
            self.begin(now, id, address);
        }
    }

    pub(in crate::engine) fn mobilise(
        &mut self,
        now: &Now,
        kind: Kind,
        origin: Origin,
        options: Options,
    ) -> Result<AssocId, Refused> {
        let id = self.next_id().ok_or(Refused::Full)?;
        let reason = match kind {
            Kind::Pool => Kiss::Pool,
            // ntpd's code for it, whatever it is called elsewhere.
            Kind::Manycast => Kiss::Anycast,
            Kind::Broadcaster => Kind::shown_for(origin.host.address()),
            _ => Kiss::Initialising,
        };
        let association = Association {
            id,
            kind,
            origin,
            address: None,
            local: None,
            heard: Heard::nothing(reason, options.maxpoll),
            poll: Poll::new(options.minpoll),
            options,
            filter: ClockFilter::default(),
            flash: Flash::from_bits(flash_bits::UNHEARD),
            standing: Standing::default(),
            clock: None,
            counters: Counters::default(),
            events: LastEvent::default(),
            samples: 0,
            naming: Naming::default(),
            pending: None,
            answered: None,
            symmetric: Symmetric::default(),
            listening: None,
            reach_step: 0,
            interleave: Interleave::default(),
        };
        let host = association.origin.host.to_string();
        self.associations.insert(id, association);
        self.peer_event(id, event::MOBILISED, host);
        if self.timers.at(Timer::Drift).is_none() {
            self.timers.set(Timer::Drift, self.drift.next_wakeup().max(now.mono));
        }
        self.mark_changed(now);
        Ok(id)
    }

    pub(in crate::engine) fn begin(&mut self, now: &Now, id: AssocId, address: SocketAddr) {
        self.move_to(id, address);
        self.poll_soon(now, id);
    }

    /// A number that no association has.
    fn next_id(&mut self) -> Option<AssocId> {
        for _ in 0..u16::MAX {
            self.last_id = self.last_id.wrapping_add(1);
            let id = AssocId::new(self.last_id);
            if id != AssocId::SYSTEM && !self.associations.contains_key(&id) {
                return Some(id);
            }
        }
        None
    }

    /// Takes an association away.
    pub(in crate::engine) fn demobilise(&mut self, now: &Now, id: AssocId, why: &str) {
        self.abandon(id);
        self.restart_symmetric(id);
        self.close_peer(id);
        self.peer_event(id, event::DEMOBILISED, why);
        let Some(gone) = self.associations.remove(&id) else { return };
        if let Some(address) = gone.address {
            self.leave(address.ip());
        }
        if let Some(answered) = gone.answered {
            self.tickets.remove(&answered);
        }
        for timer in [Timer::Poll(id), Timer::Expire(id), Timer::Resolve(id)] {
            self.timers.cancel(timer);
        }
        self.pools.remove(&id);
        self.discipline.forget(id);
        self.after_discipline(now);
        if self.memory.system_peer == Some(id) {
            self.memory.system_peer = None;
        }
        self.mark_changed(now);
    }

    /// Takes a preemptible association away that is of less use than the others, if there are too
    /// many; whether it did.
    pub(in crate::engine) fn preempt(&mut self, now: &Now, id: AssocId) -> bool {
        let Some(association) = self.associations.get(&id) else { return false };
        let is_idle = association.options.preempt && association.poll.unreach >= UNREACH;
        let count = self.measured_count();
        if !is_idle || count <= self.mitigation.maxclock {
            return false;
        }
        let score = score(association);
        let preemptible = self.associations.values().filter(|a| a.options.preempt);
        if preemptible.map(self::score).min().is_some_and(|least| score > least) {
            return false;
        }
        self.demobilise(now, id, "there are better ones");
        true
    }

    /// Forgets what was measured of an association (`peer_clear` of ntpd).
    pub(in crate::engine) fn clear(&mut self, now: &Now, id: AssocId, reason: Kiss) {
        self.abandon(id);
        self.restart_symmetric(id);
        let (least, _) = self.poll_range(id);
        let Some(association) = self.associations.get_mut(&id) else { return };
        association.heard = Heard::nothing(reason, association.options.maxpoll);
        association.poll.restart(least);
        association.filter.clear();
        association.interleave.restart();
        association.know_clock();
        association.standing = Standing::default();
        association.samples = 0;
        self.discipline.forget(id);
        self.peer_event(id, event::RESTARTED, reason.meaning().unwrap_or_default());
        self.mark_changed(now);
    }

    /// Forgets what was measured of all.
    pub(in crate::engine) fn clear_all(&mut self, now: &Now, reason: Kiss) {
        let measured = |a: &&Association| a.kind.is_measured();
        let ids: Vec<AssocId> = self.associations.values().filter(measured).map(|a| a.id).collect();
        for id in ids {
            self.clear(now, id, reason);
        }
    }

    /// Asks everybody as soon as may be, at the least interval and with a burst where that is
    /// allowed.
    pub(in crate::engine) fn ask_all_again(&mut self, now: &Now) {
        let ids: Vec<AssocId> = self.associations.keys().copied().collect();
        for id in ids {
            let (least, _) = self.poll_range(id);
            let bursts = !self.settings.beside_daemon;
            let Some(association) = self.associations.get_mut(&id) else { continue };
            let asks = association.kind.is_measured() && association.kind != Kind::BroadcastClient;
            if !asks || association.address.is_none() {
                continue;
            }
            association.poll.host_poll = least;
            association.poll.burst = 0;
            let bursts = bursts && association.kind == Kind::Client;
            association.poll.retry = if bursts { RETRY } else { 0 };
            self.poll_soon(now, id);
        }
    }

    /// Reports what happened to an association.
    pub(in crate::engine) fn peer_event(
        &mut self,
        id: AssocId,
        code: u8,
        detail: impl Into<String>,
    ) {
        let Some(association) = self.associations.get_mut(&id) else { return };
        let count = (association.events.count + 1).min(15);
        association.events = LastEvent { code, count };
        let detail = detail.into();
        self.record_peer_event(id, code, &detail);
        self.outputs.push_back(Output::Event(Event::Peer { association: id, code, detail }));
    }

    /// Reports what happened to an association, unless that was the last that was reported: what
    /// anybody can provoke is told once.
    pub(in crate::engine) fn peer_event_once(&mut self, id: AssocId, code: u8, detail: &str) {
        if self.associations.get(&id).is_some_and(|a| a.events.code != code) {
            self.peer_event(id, code, detail);
        }
    }

    pub(in crate::engine) fn apply_tos(&mut self, setting: &Tos) {
        let mitigation = &mut self.mitigation;
        match *setting {
            Tos::Minsane(count) => mitigation.minsane = count,
            Tos::Minclock(count) => mitigation.minclock = count,
            Tos::Maxclock(count) => mitigation.maxclock = count,
            Tos::Mindist(distance) => mitigation.mindist = distance,
            Tos::Maxdist(distance) => mitigation.maxdist = distance,
            Tos::Floor(stratum) => mitigation.floor = stratum,
            Tos::Ceiling(stratum) => mitigation.ceiling = stratum,
            Tos::Orphan(stratum) => mitigation.orphan = stratum,
            Tos::OrphanWait(wait) => mitigation.orphan_wait = wait,
            Tos::Cohort(is_on) => mitigation.cohort = is_on,
            Tos::Beacon(polls) => mitigation.beacon = polls,
        }
    }
}

/// How much a preemptible association is worth, 0 to 6, as ntpd counts.
fn score(association: &Association) -> u32 {
    let unfit = match association.standing.reason {
        Some(Reason::Unfit(unfit)) => unfit,
        Some(_) => Unfit::default(),
        None => Unfit {
            stratum: true,
            distance: true,
            synchronised_to_us: true,
            unreachable: true,
            noselect: false,
        },
    };
    let tally = association.standing.tally;
    [
        !unfit.stratum,
        !unfit.unreachable && !unfit.noselect,
        !unfit.synchronised_to_us,
        !unfit.distance,
        tally >= Tally::Outlier,
        tally != Tally::Excess && tally != Tally::Backup,
    ]
    .into_iter()
    .map(u32::from)
    .sum()
}
