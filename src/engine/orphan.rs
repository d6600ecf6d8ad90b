//! Orphan mode: hosts that are left alone keep together, though nobody knows what the time is.
//!
//! ntpd's, beyond RFC 5905. Who has been without a system peer for long enough pretends to a stratum
//! of its own, far below all that have a real source. Those who see several such orphans follow the
//! one with the lowest number, which is that of its address; the one that has the lowest itself
//! follows nobody and is the parent of all.

use std::time::Duration;

use crate::engine::Engine;
use crate::engine::association::Association;
use crate::engine::system::system_event;
use crate::engine::timers::Timer;
use crate::selection::Kind;
use crate::units::{Leap, Mono, Now, NtpDuration, RefId, Stratum};
use crate::wire::address_id::address_id;
use crate::wire::kiss::Kiss;

impl Engine {
    /// Sees to it that this host becomes an orphan when it is time, or ceases to be one.
    pub(in crate::engine) fn arm_orphan(&mut self, now: &Now) {
        match self.orphan_at() {
            Some(at) if !self.system.is_orphan => self.timers.set(Timer::Orphan, at.max(now.mono)),
            Some(_) => self.orphan(now),
            None => {
                self.timers.cancel(Timer::Orphan);
                self.adopt(now);
            }
        }
    }

    /// When this host is an orphan if it finds nobody before; `None` while it has a system peer,
    /// and without orphan mode.
    fn orphan_at(&self) -> Option<Mono> {
        let is_on = self.mitigation.orphan < Stratum::UNSYNCHRONISED;
        self.orphan_since.filter(|_| is_on).map(|since| since + self.orphan_wait())
    }

    /// Nobody was found in time.
    pub(in crate::engine) fn orphan(&mut self, now: &Now) {
        if self.orphan_at().is_none_or(|at| at > now.mono) {
            return;
        }
        let stratum = self.mitigation.orphan;
        let system = &mut self.system;
        system.is_orphan = true;
        if system.leap == Leap::Alarm {
            system.leap = self.leap.announced();
        }
        system.stratum = stratum;
        system.reference_id = if stratum > Stratum::new(1) {
            RefId::new([127, 0, 0, 1])
        } else {
            Kiss::Orphan.reference_id()
        };
        system.offset = NtpDuration::ZERO;
        system.root_delay = NtpDuration::ZERO;
        let detail = format!("an orphan at stratum {}", stratum.get());
        self.system_event(system_event::NO_PEER, detail);
        self.mark_changed(now);
    }

    /// This host is an orphan no more.
    pub(in crate::engine) fn adopt(&mut self, now: &Now) {
        self.timers.cancel(Timer::Orphan);
        if self.system.is_orphan {
            let peer = self.system.peer;
            self.system.reset(now, Kiss::Initialising);
            self.system.peer = peer;
        }
    }

    /// There is nobody to follow from now on.
    pub(in crate::engine) fn lose_peer(&mut self, now: &Now) {
        self.orphan_since = Some(now.mono);
        self.alone_since.get_or_insert(now.mono);
        self.arm_orphan(now);
    }

    fn orphan_wait(&self) -> Duration {
        self.mitigation.orphan_wait.to_std().unwrap_or_default()
    }

    /// Whether there was somebody to follow not so long ago, or may yet be: what is kept for the
    /// time without has to wait.
    pub(in crate::engine) fn is_waiting_for_peer(&self, now: &Now) -> bool {
        let is_waiting = |since| now.mono.since(since) < self.orphan_wait();
        self.alone_since.is_none_or(is_waiting) && !self.has_nothing_but_clocks()
    }
}

impl Association {
    /// What selection is to take it for: a candidate for orphan parent at the orphan stratum. The
    /// number of this host is that of its address on the way there, where that is known.
    pub(in crate::engine) fn selection_kind(&self, orphan: Stratum, own_ids: &[RefId]) -> Kind {
        if self.clock.is_some() {
            return Kind::LocalClock;
        }
        let is_orphan = self.heard.stratum == orphan && orphan < Stratum::UNSYNCHRONISED;
        let Some(address) = self.address.filter(|_| is_orphan) else { return Kind::Ordinary };
        let number = |id: RefId| u32::from_be_bytes(id.octets());
        let own = match self.local {
            Some(local) => Some(number(address_id(local))),
            None => own_ids.iter().copied().map(number).min(),
        };
        let metric = number(address_id(address.ip()));
        Kind::Orphan { metric, own_metric: own.unwrap_or(u32::MAX) }
    }
}
