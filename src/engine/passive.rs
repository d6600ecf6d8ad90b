//! Peers that speak to us first (RFC 5905 §8, symmetric passive).
//!
//! Who tells us the time unasked, and is known by its key or needs none, gets an association for as
//! long as it keeps speaking: we tell it the time in return, measure it, and may follow it. Who is
//! not known well enough for that is answered like a client, without anything being kept of it.

use crate::config::host::HostSpec;
use crate::config::ntp_conf::Options;
use crate::config::restrict::Flags;
use crate::engine::Engine;
use crate::engine::access::Admission;
use crate::engine::association::{Association, Kind, Origin};
use crate::engine::broadcast::is_a_host;
use crate::engine::input::Received;
use crate::engine::on_wire::Verified;
use crate::engine::output::{Output, Socket, Ticket, Transmission};
use crate::engine::symmetric::fuzzed;
use crate::units::{AssocId, KeyId, Leap, Mode, Now, PollExponent};
use crate::wire::packet::{CRYPTO_NAK, Header, Packet, Trailer, VERSION};

use rand_chacha::rand_core::RngCore as _;

impl Engine {
    /// A packet in mode 1 of somebody who is not known.
    pub(in crate::engine) fn greeted(
        &mut self,
        now: &Now,
        received: &Received<'_>,
        packet: &Packet<'_>,
    ) {
        let from = received.from;
        let is_for_us = received.to.is_none_or(is_a_host) && is_a_host(from.ip());
        let Some(admitted) = received.admitted.filter(|_| is_for_us && from.port() != 0) else {
            self.counters.declined += 1;
            return;
        };
        let is = |flag| admitted.flags.has(flag);
        let Some(Verified { key }) =
            self.verify(packet, received.datagram, from.ip(), None, is(Flags::NOTRUST))
        else {
            self.counters.bad_auth += 1;
            if matches!(packet.trailer, Trailer::Mac(_)) {
                self.answer_passively(now, received, packet, Seal::Nak);
            }
            return;
        };
        let is_known = key.is_some() || !(self.requires_auth || is(Flags::NOPEER));
        // It denies an association and nothing else: whoever gets none in any case is answered.
        if is_known && is(Flags::NOEPEER) {
            self.counters.declined += 1;
            return;
        }
        if !is_known || self.passive_count() >= MOST_PASSIVE {
            self.answer_passively(now, received, packet, key.map_or(Seal::None, Seal::Key));
            return;
        }
        match self.welcome(now, received, &packet.header, (key, admitted)) {
            Some(id) => self.receive_symmetric(now, id, packet, received),
            None => self.counters.declined += 1,
        }
    }

    /// Makes an association with whoever sent a packet; `None` where that is not to be.
    fn welcome(
        &mut self,
        now: &Now,
        received: &Received<'_>,
        header: &Header,
        (key, admitted): (Option<KeyId>, Admission),
    ) -> Option<AssocId> {
        let (from, mitigation) = (received.from, &self.mitigation);
        let is_set = header.leap != Leap::Alarm;
        let stratum = header.sender_stratum();
        // One that is not set may follow us.
        let is_out = stratum < mitigation.floor || stratum >= mitigation.ceiling;
        let alike = |a: &&Association| a.address.is_some_and(|at| at.ip() == from.ip());
        let count = self.associations.values().filter(alike).count();
        let is_full = admitted.most_peers.is_some_and(|most| count >= most as usize);
        if (is_set && is_out) || is_full {
            return None;
        }
        let host = from.to_string().parse::<HostSpec>().ok()?;
        let least = header.poll.clamp(LEAST_POLL, MOST_POLL);
        let options = Options {
            key,
            version: header.version.clamp(1, VERSION),
            minpoll: least,
            maxpoll: MOST_POLL,
            ..Options::default()
        };
        let origin =
            Origin { host, family: None, parent: None, is_ephemeral: true, since: now.mono };
        let id = self.mobilise(now, Kind::Passive, origin, options).ok()?;
        if let Some(association) = self.associations.get_mut(&id) {
            association.local = received.to;
            // As if it had been asked now: the first packet leaves a moment later, as ntpd's does.
            association.poll.last = Some(now.mono);
        }
        self.begin(now, id, from);
        Some(id)
    }

    fn passive_count(&self) -> usize {
        self.associations.values().filter(|a| a.kind == Kind::Passive).count()
    }

    /// Answers a peer of whom nothing is kept: what a server does, by another name.
    fn answer_passively(
        &mut self,
        now: &Now,
        received: &Received<'_>,
        packet: &Packet<'_>,
        seal: Seal,
    ) {
        let precision = self.settings.precision;
        let request = &packet.header;
        let receive = fuzzed(received.stamp.clock, precision, self.random.next_u64());
        let transmit = fuzzed(now.clock, precision, self.random.next_u64());
        let mut header = Header {
            leap: self.leap_told(now.mono),
            version: request.version.min(VERSION),
            mode: Mode::SymmetricPassive,
            poll: request.poll.max(LEAST_POLL),
            origin: request.transmit,
            receive,
            transmit,
            ..self.told(now)
        };
        if let Some(smear) = self.smear(now) {
            smear.change(&mut header);
        }
        let mut datagram = header.emit();
        match seal {
            Seal::None => {}
            Seal::Nak => datagram.extend(CRYPTO_NAK),
            Seal::Key(id) => {
                let Some(key) = self.keys.trusted(id, received.from.ip()) else { return };
                self.keys.seal(key, &mut datagram);
            }
        }
        let ticket = Ticket(self.tickets_given);
        self.tickets_given += 1;
        self.outputs.push_back(Output::Send(Transmission {
            ticket,
            socket: Socket::Ntp,
            to: received.from,
            from: received.to,
            ttl: None,
            datagram,
        }));
    }
}

impl Association {
    /// Whether it is one with a peer that spoke to us first and does not take up what we tell it.
    ///
    /// Differs: ntpd sends ten packets in vain to whoever spoke once. Here it is four until an
    /// answer has shown that it was who it said.
    pub(in crate::engine) fn is_unproven(&self) -> bool {
        self.kind == Kind::Passive && self.heard.at.is_none() && self.poll.unreach > UNPROVEN_POLLS
    }
}

/// How an answer ends.
#[derive(Clone, Copy)]
enum Seal {
    /// With the header.
    None,
    /// With the code of this key.
    Key(KeyId),
    /// By saying that the code of the packet could not be verified.
    Nak,
}

/// Associations with peers that spoke first, at most.
///
/// Differs: ntpd makes as many as there are. Beyond these a peer is answered all the same, but not
/// measured.
const MOST_PASSIVE: usize = 128;

/// Packets sent to a peer of which nothing came that gives one of ours back.
const UNPROVEN_POLLS: u32 = 4;

/// The intervals at which peers that spoke first are sent to, at least and at most.
const LEAST_POLL: PollExponent = PollExponent::new(3);
const MOST_POLL: PollExponent = PollExponent::new(10);
