//! From names to addresses, and from addresses that fell silent back to names.
//!
//! A name is looked up when its association has no address, and again when the address that it
//! had does not answer any more: servers move. Each look-up that leads nowhere doubles the wait
//! for the next.

use std::net::SocketAddr;
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::association::{Association, Kind};
use crate::engine::output::{Output, Resolution};
use crate::engine::timers::Timer;
use crate::units::{AssocId, Now};
use crate::wire::kiss::Kiss;

impl Engine {
    /// Asks for the addresses of an association.
    pub(in crate::engine) fn ask_name(&mut self, now: &Now, id: AssocId) {
        let Some(association) = self.associations.get_mut(&id) else { return };
        if association.naming.is_asked {
            return;
        }
        association.naming.is_asked = true;
        association.naming.asked = Some(now.mono);
        self.timers.cancel(Timer::Resolve(id));
        let origin = &association.origin;
        self.outputs.push_back(Output::Resolve(Resolution {
            host: origin.host.clone(),
            family: origin.family,
            association: id,
        }));
    }

    /// Asks for the addresses again, after a wait that doubles.
    pub(in crate::engine) fn ask_name_later(&mut self, now: &Now, id: AssocId) {
        let Some(association) = self.associations.get_mut(&id) else { return };
        let first = if association.kind == Kind::Pool { FIRST_WAIT_POOL } else { FIRST_WAIT };
        let naming = &mut association.naming;
        if naming.is_asked || self.timers.at(Timer::Resolve(id)).is_some() {
            return;
        }
        let wait = naming.back_off.map_or(first, |wait| (wait * 2).min(LONGEST_WAIT));
        naming.back_off = Some(wait);
        self.timers.set(Timer::Resolve(id), now.mono + wait);
    }

    /// A source with a name does not answer: it may have moved.
    pub(in crate::engine) fn ask_name_of_silent(&mut self, now: &Now, id: AssocId) {
        let Some(association) = self.associations.get(&id) else { return };
        let is_silent = !association.poll.reach.is_reachable()
            && association.poll.burst == 0
            && association.poll.unreach >= SILENT;
        if is_silent && association.is_named() {
            self.ask_name_later(now, id);
        }
    }

    /// The addresses of a name.
    pub(in crate::engine) fn resolved(
        &mut self,
        now: &Now,
        question: &Resolution,
        addresses: &[SocketAddr],
    ) {
        let id = question.association;
        let taken: Vec<SocketAddr> = self
            .associations
            .values()
            .filter(|other| other.id != id)
            .filter_map(|other| other.address)
            .collect();
        let Some(association) = self.associations.get_mut(&id) else { return };
        if association.origin.host != question.host || !association.naming.is_asked {
            return;
        }
        association.naming.is_asked = false;
        if addresses.is_empty() {
            self.ask_name_later(now, id);
            return;
        }
        if association.kind == Kind::Pool {
            self.pool_resolved(now, id, addresses);
            return;
        }
        if association.poll.reach.is_reachable() {
            return;
        }
        let current = association.address;
        let is_free = |at: &&SocketAddr| Some(**at) != current && !taken.contains(at);
        let moved = addresses.iter().find(is_free).copied();
        let address = match (current, moved) {
            (_, Some(address)) => address,
            // It is where it was, and silent.
            (Some(_), None) => return,
            // Others have all of its addresses: two of a name are two sources only with two.
            (None, None) => {
                self.ask_name_later(now, id);
                return;
            }
        };
        self.move_to(id, address);
        if current.is_some() {
            self.close_peer(id);
            self.clear(now, id, Kiss::InterfaceChanged);
            if let Some(association) = self.associations.get_mut(&id) {
                association.poll.last = None;
            }
        }
        self.poll_soon(now, id);
    }
}

impl Association {
    /// Whether it was configured by a name that can be looked up again.
    fn is_named(&self) -> bool {
        self.is_configured() && self.origin.host.address().is_none()
    }
}

/// Polls without an answer after which a name is looked up again.
const SILENT: u32 = 8;

const FIRST_WAIT: Duration = Duration::from_secs(2);

/// A pool that has run out of servers asks less eagerly.
const FIRST_WAIT_POOL: Duration = Duration::from_secs(64);

const LONGEST_WAIT: Duration = Duration::from_secs(4096);
