//! Finding servers by asking a group: its members answer, and those that answer become sources.
//!
//! As ntpd does it: the group stays as an association that is never measured. It is asked from
//! near to far, a step each poll, until there are sources enough, and from near again after so many
//! polls. Those that prove to be of less use than others are let go.

use std::net::{IpAddr, SocketAddr};

use crate::engine::Engine;
use crate::engine::association::Heard;
use crate::engine::broadcast::is_a_host;
use crate::engine::input::Received;
use crate::engine::on_wire::{Verified, header_tests};
use crate::engine::poll::flash_bits;
use crate::units::{AssocId, Mode, Now, Tally};
use crate::wire::kiss::Kiss;
use crate::wire::packet::Packet;

/// How far requests to groups go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Reaches(Vec<u8>);

impl Default for Reaches {
    /// ntpd's: 0, 32, … 224 hops.
    fn default() -> Self {
        Self((0..8).map(|step| step * 32).collect())
    }
}

impl Reaches {
    /// These, from near to far.
    pub(in crate::engine) fn new(hops: &[u8]) -> Self {
        Self(hops.to_vec())
    }

    /// The reach of a step, no further than `most`; the last of all where there are no more.
    fn at(&self, step: usize, most: Option<u8>) -> u8 {
        let reach = self.0.get(step).or_else(|| self.0.last()).copied().unwrap_or(u8::MAX);
        reach.min(most.unwrap_or(u8::MAX))
    }

    const fn last_step(&self) -> usize {
        self.0.len().saturating_sub(1)
    }
}

impl Engine {
    /// Asks a group, if servers are wanted.
    ///
    /// Differs: ntpd goes a step further before the first request, so that its nearest reach is
    /// used by none but the beacon.
    pub(in crate::engine) fn poll_group(&mut self, now: &Now, id: AssocId) {
        let found = self.measured_count();
        let survivors =
            self.associations.values().filter(|a| a.standing.tally >= Tally::Candidate).count();
        let mitigation = &self.mitigation;
        let is_wanted = found <= 2 * mitigation.maxclock
            && (found < mitigation.maxclock || survivors < mitigation.minclock);
        let beacon = mitigation.beacon;
        let last = self.reaches.last_step();
        let Some(association) = self.associations.get_mut(&id) else { return };
        association.poll.last = Some(now.mono);
        association.poll.unreach = association.poll.unreach.saturating_add(1);
        let is_beacon = association.poll.unreach > beacon;
        if is_beacon {
            association.poll.unreach = 0;
            association.reach_step = 0;
        }
        let hops = self.reaches.at(association.reach_step, association.options.ttl);
        if is_wanted || is_beacon {
            association.reach_step = (association.reach_step + 1).min(last);
            self.transmit_request(now, id, Some(hops));
        }
        self.schedule(now, id);
    }

    /// The group whose request this came to, if it is one.
    pub(in crate::engine) fn group_of(&self, received: &Received<'_>) -> Option<AssocId> {
        let crate::engine::output::Socket::Request(ticket) = received.socket else { return None };
        let id = *self.tickets.get(&ticket)?;
        (self.associations.get(&id)?.kind == super::association::Kind::Manycast).then_some(id)
    }

    /// A member of a group answered: it becomes a source, and is asked itself from now on.
    pub(in crate::engine) fn answered_by_member(
        &mut self,
        now: &Now,
        id: AssocId,
        received: &Received<'_>,
    ) {
        let limits = (self.mitigation.floor, self.mitigation.ceiling);
        let Some(association) = self.associations.get_mut(&id) else { return };
        association.counters.received += 1;
        let Some(group) = association.address else { return };
        let required = association.options.key;
        let Ok(packet) = Packet::parse(received.datagram) else {
            association.counters.malformed += 1;
            self.counters.malformed += 1;
            return;
        };
        let from = match (received.from, received.from.ip().to_canonical()) {
            (SocketAddr::V6(_), v4 @ IpAddr::V4(_)) => SocketAddr::new(v4, received.from.port()),
            // With its zone, where it has one.
            (from, _) => from,
        };
        let is_member = from.port() == group.port() && is_a_host(from.ip());
        if packet.header.mode != Mode::Server || !is_member {
            self.counters.declined += 1;
            return;
        }
        if self.answered_request(id, received.socket, &packet.header).is_none() {
            return;
        }
        let verified =
            self.verify(&packet, received.datagram, from.ip(), required, self.requires_auth);
        let Some(association) = self.associations.get_mut(&id) else { return };
        let Some(Verified { key }) = verified else {
            association.fail(flash_bits::AUTHENTICATION);
            association.counters.bad_auth += 1;
            self.counters.bad_auth += 1;
            return;
        };
        if packet.header.kiss().is_some() {
            association.counters.kisses += 1;
            self.counters.kisses += 1;
            return;
        }
        let mut heard = Heard::nothing(Kiss::Initialising, association.options.maxpoll);
        heard.take_over(&packet.header);
        let failed = header_tests(&heard, limits);
        if failed != 0 {
            association.fail(failed);
            association.counters.bad_distance += 1;
            return;
        }
        let is_known = self
            .associations
            .values()
            .any(|other| other.address.is_some_and(|at| at.ip().to_canonical() == from.ip()));
        if is_known || self.measured_count() >= 2 * self.mitigation.maxclock {
            self.counters.declined += 1;
            return;
        }
        self.mobilise_member(now, id, from, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_asked_from_near_to_far_and_no_further_than_told() {
        let reaches = Reaches::default();
        let hops: Vec<u8> = (0..10).map(|step| reaches.at(step, None)).collect();
        assert_eq!(hops, [0, 32, 64, 96, 128, 160, 192, 224, 224, 224]);
        assert_eq!(reaches.at(3, Some(40)), 40);
        assert_eq!(Reaches::new(&[1]).at(5, None), 1);
        assert_eq!((reaches.last_step(), Reaches::new(&[1]).last_step()), (7, 0));
    }
}
