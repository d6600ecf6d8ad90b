//! Kisses: what a server says instead of the time, and what is done about it.
//!
//! RFC 5905 §7.4. A kiss that comes here answers a request of ours, and is authenticated where the
//! association has a key; nothing of its timestamps is believed.

use std::time::Duration;

use crate::engine::Engine;
use crate::engine::poll::{event, flash_bits};
use crate::units::{AssocId, Now, PollExponent};
use crate::wire::kiss::Kiss;
use crate::wire::mode6::flash::Flash;

impl Engine {
    /// Acts on a kiss. `named` is the poll interval that came with it.
    pub(in crate::engine) fn kiss(
        &mut self,
        now: &Now,
        id: AssocId,
        kiss: Kiss,
        named: PollExponent,
    ) {
        let (least, _) = self.poll_range(id);
        let Some(association) = self.associations.get_mut(&id) else { return };
        association.counters.kisses += 1;
        self.counters.kisses += 1;
        association.poll.burst = 0;
        association.poll.retry = 0;
        match kiss {
            Kiss::Rate => {
                let slower = PollExponent::new(least.exponent().saturating_add(1));
                let floor = slower.max(named).min(HIGHEST_FLOOR).max(least);
                association.poll.rate_floor = Some(floor);
                association.poll.floor_since = Some(now.mono);
                association.poll.host_poll = association.poll.host_poll.max(floor);
                let detail = format!("asked at most every 2^{} s from now on", floor.exponent());
                self.peer_event(id, event::RATE_EXCEEDED, detail);
                self.schedule(now, id);
            }
            Kiss::Denied | Kiss::Restricted => {
                let own = association.flash.bits() & flash_bits::ASSOCIATION;
                association.flash = Flash::from_bits(own | flash_bits::DENIED);
                let is_configured = association.is_configured();
                self.peer_event(id, event::DENIED, format!("it answers {kiss}"));
                if is_configured {
                    self.stop(now, id);
                } else {
                    self.refused_in_pool(now, id);
                }
            }
            // Not synchronised yet, or news of modes that we do not use: asked on as before.
            _ => self.schedule(now, id),
        }
    }

    /// Leaves a server alone for a day.
    fn stop(&mut self, now: &Now, id: AssocId) {
        if let Some(association) = self.associations.get_mut(&id) {
            association.poll.stopped_until = Some(now.mono + DAY);
            self.schedule(now, id);
        }
    }

    /// Lowers the floor that a RATE raised, a step for each day without another.
    pub(in crate::engine) fn decay_rate_floor(&mut self, now: &Now, id: AssocId) {
        let Some(association) = self.associations.get_mut(&id) else { return };
        let minpoll = association.options.minpoll;
        let poll = &mut association.poll;
        let (Some(floor), Some(since)) = (poll.rate_floor, poll.floor_since) else { return };
        if now.mono.since(since) >= DAY {
            let lower = PollExponent::new(floor.exponent() - 1);
            poll.rate_floor = (lower > minpoll).then_some(lower);
            poll.floor_since = poll.rate_floor.map(|_| now.mono);
        }
    }
}

const DAY: Duration = Duration::from_secs(86_400);

/// No kiss makes us ask more seldom than this: with 17 one packet would silence us for 36 hours.
const HIGHEST_FLOOR: PollExponent = PollExponent::new(10);
