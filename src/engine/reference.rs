//! Reference clocks, which are asked without a network: so far the local clock, `127.127.1.u`.
//!
//! The local clock is this host's own, taken for a reference so that others have one to follow when
//! nothing better is there. It is by definition right: offset 0, and nothing is steered by it, nor
//! is anything upset where somebody steps it.
//!
//! Differs: ntpd waits 300 s before it follows one that is not preferred, even where there is
//! nothing else that could come. Here it waits only while another source is configured. Nor does
//! what is served by it begin with the dispersion of a clock filter that has just started.

use std::net::{Ipv4Addr, SocketAddr};

use crate::config::host::NTP_PORT;
use crate::config::ntp_conf::clock::{ClockAddress, Fudge};
use crate::config::ntp_conf::{self, Options};
use crate::engine::Engine;
use crate::engine::association::{Association, Heard, Kind, Origin};
use crate::engine::discipline::Measurement;
use crate::engine::filter::Filtered;
use crate::engine::input::Stamp;
use crate::engine::mobilize::{Applied, Refused};
use crate::engine::poll::event;
use crate::units::{AssocId, Leap, Mode, Now, NtpDuration, NtpTimestamp, Reach, RefId, Stratum};
use crate::wire::address_id::address_id;

/// A reference clock of an association.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceClock {
    /// Its address, which says by what driver it is read.
    pub address: ClockAddress,
    /// Its stratum; what is served by it is one more.
    pub stratum: Stratum,
    /// What it calls itself.
    pub reference_id: RefId,
    /// Added to what it tells.
    pub time1: NtpDuration,
    /// Of the driver's own use.
    pub time2: NtpDuration,
    /// Of the driver's own use.
    pub flags: [bool; 4],
    /// How often it was asked.
    pub polls: u64,
}

impl ReferenceClock {
    /// The local clock of this number, as ntpd has it.
    const fn local(address: ClockAddress) -> Self {
        Self {
            address,
            stratum: Stratum::new(5),
            reference_id: RefId::new(*b"LOCL"),
            time1: NtpDuration::ZERO,
            time2: NtpDuration::ZERO,
            flags: [false; 4],
            polls: 0,
        }
    }

    fn fudge(&mut self, fudge: &Fudge) {
        self.time1 = fudge.time1.unwrap_or(self.time1);
        self.time2 = fudge.time2.unwrap_or(self.time2);
        self.stratum = fudge.stratum.unwrap_or(self.stratum);
        self.reference_id = fudge.reference_id.unwrap_or(self.reference_id);
        for (flag, set) in self.flags.iter_mut().zip(fudge.flags) {
            *flag = set.unwrap_or(*flag);
        }
    }
}

impl Association {
    /// What is known of a clock before it was asked.
    pub(in crate::engine) fn know_clock(&mut self) {
        let Some(clock) = &self.clock else { return };
        self.heard.stratum = clock.stratum;
        self.heard.reference_id = clock.reference_id;
        self.heard.mode = Mode::Server;
        self.heard.root_dispersion = LOCAL_DISPERSION;
    }

    /// What those who follow us are told that we follow, where it is this.
    pub(in crate::engine) fn told_as(&self) -> RefId {
        let is_primary = self.clock.is_some() && self.heard.stratum == Stratum::new(0);
        match self.address.filter(|_| !is_primary) {
            Some(address) => address_id(address.ip()),
            None => self.heard.reference_id,
        }
    }
}

impl Engine {
    /// Makes an association with a reference clock.
    ///
    /// # Errors
    /// Why it is not made.
    pub(in crate::engine) fn add_clock(
        &mut self,
        now: &Now,
        wanted: &ntp_conf::Association,
        address: ClockAddress,
    ) -> Result<AssocId, Refused> {
        if let Some(same) = self.clock_at(address) {
            return Err(Refused::Duplicate(same));
        }
        if !address.is_local() {
            return Err(Refused::Clock(address));
        }
        let Options { minpoll, maxpoll, .. } = wanted.options;
        if minpoll > maxpoll {
            return Err(Refused::PollRange { minpoll, maxpoll });
        }
        let origin = Origin {
            host: wanted.host.clone(),
            family: None,
            parent: None,
            is_ephemeral: false,
            since: now.mono,
        };
        let options = Options { burst: false, iburst: false, ..wanted.options.clone() };
        let id = self.mobilise(now, Kind::Reference, origin, options)?;
        let precision = self.settings.precision;
        if let Some(association) = self.associations.get_mut(&id) {
            association.clock = Some(ReferenceClock::local(address));
            // As ntpd has it: it is on no network but this host's own.
            association.local = Some(Ipv4Addr::LOCALHOST.into());
            association.heard.precision = precision;
            association.know_clock();
        }
        self.begin(now, id, SocketAddr::new(address.address(), NTP_PORT));
        Ok(id)
    }

    /// Follows what `fudge` says of a clock.
    ///
    /// # Errors
    /// There is no such clock.
    pub(in crate::engine) fn fudge(
        &mut self,
        now: &Now,
        fudge: &Fudge,
    ) -> Result<Applied, Refused> {
        let id = self.clock_at(fudge.clock).ok_or(Refused::Clock(fudge.clock))?;
        if let Some(association) = self.associations.get_mut(&id) {
            if let Some(clock) = &mut association.clock {
                clock.fudge(fudge);
            }
            association.know_clock();
        }
        self.mark_changed(now);
        Ok(Applied::Set)
    }

    /// Has all clocks as they are before anything is said of them.
    pub(in crate::engine) fn forget_fudges(&mut self, now: &Now) {
        for association in self.associations.values_mut() {
            if let Some(clock) = &mut association.clock {
                *clock =
                    ReferenceClock { polls: clock.polls, ..ReferenceClock::local(clock.address) };
                association.know_clock();
            }
        }
        self.mark_changed(now);
    }

    fn clock_at(&self, address: ClockAddress) -> Option<AssocId> {
        let is_it = |clock: &ReferenceClock| clock.address == address;
        let at = |a: &&Association| a.clock.as_ref().is_some_and(is_it);
        self.associations.values().find(at).map(|association| association.id)
    }

    /// Asks a clock. The local one answers only while nobody else is followed, as in ntpd.
    pub(in crate::engine) fn poll_clock(&mut self, now: &Now, id: AssocId) {
        let is_asked = self.system.peer.is_none_or(|peer| peer == id);
        let around = self.surroundings(now, id);
        let (number, precision) = (self.measured, self.settings.precision);
        let Some(association) = self.associations.get_mut(&id) else { return };
        let Some(clock) = &mut association.clock else { return };
        let was_reachable = association.poll.reach.is_reachable();
        association.poll.last = Some(now.mono);
        association.poll.unreach = association.poll.unreach.saturating_add(1);
        let register = association.poll.reach.register() << 1;
        association.counters.sent += 1;
        let zero = |_: &Measurement| NtpDuration::ZERO;
        if is_asked {
            clock.polls += 1;
            association.poll.reach = Reach::new(register | 1);
            association.poll.unreach = 0;
            association.counters.received += 1;
            association.counters.processed += 1;
            association.samples = association.samples.saturating_add(1);
            let stamp = Stamp { raw: now.raw, clock: now.clock, error: NtpDuration::ZERO };
            association.heard = Heard {
                leap: Leap::None,
                precision,
                reference: now.clock,
                receive: NtpTimestamp::NEVER,
                transmit: now.clock,
                destination: stamp.clock,
                at: Some(now.mono),
                ..association.heard
            };
            association.know_clock();
            let measurement = Measurement {
                source: id,
                number,
                arrived: now.mono,
                raw: now.raw,
                source_time: now.clock,
                offset: NtpDuration::ZERO,
                delay: NtpDuration::ZERO,
                stamp_error: NtpDuration::ZERO,
                dispersion: NtpDuration::from_seconds(precision.seconds()),
                source_precision: NtpDuration::from_seconds(precision.seconds()),
            };
            let _: Filtered = association.filter.push(Some(measurement), &around, zero);
        } else {
            association.poll.reach = Reach::new(register);
            if register & RECENT == 0 {
                let _: Filtered = association.filter.push(None, &around, zero);
            }
        }
        let is_reachable = association.poll.reach.is_reachable();
        match (was_reachable, is_reachable) {
            (false, true) => self.peer_event(id, event::REACHABLE, "it answers"),
            (true, false) => {
                self.peer_event(id, event::UNREACHABLE, "others are followed");
            }
            _ => {}
        }
        self.mark_changed(now);
        self.schedule(now, id);
    }

    /// Whether the local clock is all that there is and will be: nothing else was configured that
    /// could give the time.
    pub fn has_nothing_but_clocks(&self) -> bool {
        let gives_time = |a: &Association| a.is_configured() && a.kind != Kind::Broadcaster;
        let mut given = self.associations.values().filter(|a| gives_time(a)).peekable();
        given.peek().is_some()
            && given.all(|association| association.kind == Kind::Reference)
            && !self.broadcasts.is_enabled()
    }

    /// Whether this is an association with the local clock.
    pub(in crate::engine) fn is_local_clock(&self, id: AssocId) -> bool {
        let clock = self.associations.get(&id).and_then(|a| a.clock.as_ref());
        clock.is_some_and(|clock| clock.address.is_local())
    }
}

/// The error of the local clock, by ntpd's word.
const LOCAL_DISPERSION: NtpDuration = NtpDuration::from_bits(42_949_673);

/// Polls without an answer after which the filter is told.
const RECENT: u8 = 0x0f;
