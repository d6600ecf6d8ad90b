//! Telling everybody the time, unasked (RFC 5905 §8, mode 5): on a network or in a group.
//!
//! A packet leaves every interval for as long as our clock is set; nobody answers, and nothing is
//! measured. With `xleave` each also tells when the one before it really left.
//!
//! Differs: what `ttl` says is the hop limit itself, as ntpd's manual has it; ntpd takes it for a
//! place in the list of the directive `ttl`.

use std::net::IpAddr;

use rand_chacha::rand_core::RngCore as _;

use crate::engine::Engine;
use crate::engine::association::Kind;
use crate::engine::input::Stamp;
use crate::engine::symmetric::fuzzed;
use crate::units::{AssocId, Leap, Mode, Now, NtpTimestamp};
use crate::wire::kiss::Kiss;
use crate::wire::packet::Header;

impl Kind {
    /// What ntpd shows as the source of an association that sends to everybody at `address`.
    pub(in crate::engine) const fn shown_for(address: Option<IpAddr>) -> Kiss {
        match address {
            Some(address) if address.is_multicast() => Kiss::Manycast,
            _ => Kiss::Broadcast,
        }
    }
}

impl Engine {
    /// It is time for the next packet to everybody.
    pub(in crate::engine) fn poll_broadcaster(&mut self, now: &Now, id: AssocId) {
        let Some(association) = self.associations.get_mut(&id) else { return };
        association.poll.last = Some(now.mono);
        self.locate_broadcasters();
        if self.system.leap != Leap::Alarm {
            self.broadcast(now, id);
        }
        self.schedule(now, id);
    }

    fn broadcast(&mut self, now: &Now, id: AssocId) {
        let told = self.told(now);
        let steps = self.system.steps;
        let transmit = fuzzed(now.clock, self.settings.precision, self.random.next_u64());
        let Some(association) = self.associations.get(&id) else { return };
        let is_to_group = association.address.is_some_and(|to| to.ip().is_multicast());
        let ttl = association.options.ttl.or_else(|| is_to_group.then_some(DEFAULT_HOPS));
        let before = association.symmetric.last_departure(steps);
        let header = Header {
            version: association.options.version,
            mode: Mode::Broadcast,
            poll: association.poll.host_poll,
            origin: before.filter(|_| association.options.xleave).unwrap_or(NtpTimestamp::NEVER),
            receive: NtpTimestamp::NEVER,
            transmit,
            ..told
        };
        let Some(ticket) = self.send(id, &header, ttl) else { return };
        let Some(association) = self.associations.get_mut(&id) else { return };
        let stamp = Stamp::handed_out(now);
        if let Some(gone) = association.symmetric.broadcast(ticket, transmit, stamp, steps) {
            self.tickets.remove(&gone);
        }
    }
}

/// How far what is sent to a group goes where nothing else is said, by ntpd's manual.
const DEFAULT_HOPS: u8 = 127;
