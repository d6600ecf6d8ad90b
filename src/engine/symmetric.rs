//! Symmetric associations: two hosts that tell each other the time, each when it is its
//! turn.
//!
//! RFC 5905 §8 and §9.2. Nobody answers here: either side sends at its own pace, and gives back as
//! origin what the other sent last. So packets cross, and one that is lost leaves both sides with
//! an origin that is not the last any more.
//!
//! Differs: RFC 5905 and ntpd compare the origin with the one timestamp sent last, and a packet
//! that fails moves what is given back nevertheless (so that anybody may break the exchange), or
//! does not (so that it never comes together again after two packets crossed). Here the last few
//! transmit timestamps are remembered: a packet that gives back one of them comes from somebody who
//! has seen it. What a packet says that gives back nothing of ours is kept apart, as the beginning
//! of an exchange that may come to be, and given back only while nothing better is heard.
//!
//! A transmit timestamp has to be a time here, as the other side measures with it, so it cannot be
//! a random number as in a client's request. It is hard to guess nevertheless: the moment of
//! sending is drawn at random within parts of a second and more, and so is all below the resolution
//! of the clock.
//!
//! With `xleave` packets tell when the one before them really left, as RFC 9769 §4 and ntpd have
//! it: the origin is then the time at which the other side received our last packet, which it told
//! us. That is only done while packets alternate, or times would be matched that do not belong
//! together; and no more once the other side does not take it up.

use std::collections::VecDeque;
use std::net::SocketAddr;

use rand_chacha::rand_core::RngCore as _;

use crate::engine::Engine;
use crate::engine::association::{Association, Kind};
use crate::engine::input::{Received, Stamp};
use crate::engine::on_wire::{Exchange, Times, is_from};
use crate::engine::output::{Output, Ticket};
use crate::engine::poll::flash_bits;
use crate::units::{AssocId, Leap, Mode, Now, NtpTimestamp, PollExponent, Precision, Stratum};
use crate::wire::kiss::Kiss;
use crate::wire::packet::{Header, Packet};

/// What is remembered of an exchange with a peer.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Symmetric {
    /// Packets of ours, newest first.
    sent: VecDeque<Sent>,
    /// The last packet that gave back a timestamp of ours.
    valid: Option<Echo>,
    /// The last packet since then that did not.
    initial: Option<Echo>,
    /// Packets sent since the last valid one came.
    unanswered: u32,
    /// Interleaved packets sent since the last one came.
    futile: u32,
}

/// A packet that was sent.
#[derive(Clone, Copy, Debug)]
struct Sent {
    ticket: Ticket,
    /// What it carried as its transmit timestamp.
    transmit: NtpTimestamp,
    /// When it left.
    stamp: Stamp,
    version: u8,
    /// How often the steered clock had been stepped.
    steps: u64,
    /// What it gave back: in which form, and when that had come.
    echo: Option<Echo>,
    is_answered: bool,
}

/// What our next packet gives back.
#[derive(Clone, Copy, Debug)]
struct Echo {
    /// The transmit timestamp of the peer's packet.
    transmit: NtpTimestamp,
    /// When the peer received our last packet, by its word.
    receive: NtpTimestamp,
    /// When its packet arrived.
    arrived: Stamp,
    /// How often the steered clock had been stepped.
    steps: u64,
}

/// What a packet of a peer tells of.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// Of the packet of ours that it gives back.
    Basic(Sent),
    /// Of our last packet, and of when its own before the last left; that came at this time.
    Interleaved(Sent, Stamp),
}

/// The three timestamps of a packet to a peer.
#[derive(Clone, Copy, Debug)]
struct Stamps {
    origin: NtpTimestamp,
    receive: NtpTimestamp,
    transmit: NtpTimestamp,
}

impl Symmetric {
    /// Notes when a packet left; whether it is known.
    pub(in crate::engine) fn left(&mut self, ticket: Ticket, stamp: Stamp) -> bool {
        let sent = self.sent.iter_mut().find(|sent| sent.ticket == ticket);
        sent.map(|sent| sent.stamp = stamp).is_some()
    }

    /// A packet did not get through; whether it was known.
    pub(in crate::engine) fn lose(&mut self, ticket: Ticket) -> bool {
        let before = self.sent.len();
        self.sent.retain(|sent| sent.ticket != ticket);
        self.sent.len() < before
    }

    /// Notes a packet that is for everybody, so that nobody gives it back; returns the ticket of one
    /// that is forgotten for it.
    pub(in crate::engine) fn broadcast(
        &mut self,
        ticket: Ticket,
        transmit: NtpTimestamp,
        stamp: Stamp,
        steps: u64,
    ) -> Option<Ticket> {
        let (version, echo, is_answered) = (0, None, false);
        self.remember(Sent { ticket, transmit, stamp, version, steps, echo, is_answered })
    }

    /// When the last packet left, unless our clock was stepped since.
    pub(in crate::engine) fn last_departure(&self, steps: u64) -> Option<NtpTimestamp> {
        self.sent.front().filter(|sent| sent.steps == steps).map(|sent| sent.stamp.clock)
    }

    /// What to give back in the next packet. While the peer does not take up what it was given,
    /// every other packet gives back what may be the beginning of a new exchange: after a restart
    /// the peer knows nothing else, but anybody may have sent it.
    fn echo(&self, steps: u64) -> Option<&Echo> {
        let is_restarting = self.unanswered > 1 && self.unanswered.is_multiple_of(2);
        let first =
            if is_restarting { [&self.initial, &self.valid] } else { [&self.valid, &self.initial] };
        // A time before a step of our clock would be a lie after it.
        first.into_iter().flatten().find(|echo| echo.steps == steps)
    }

    fn remember(&mut self, sent: Sent) -> Option<Ticket> {
        self.unanswered = self.unanswered.saturating_add(1);
        self.sent.push_front(sent);
        if self.sent.len() > MOST_SENT {
            self.sent.pop_back().map(|sent| sent.ticket)
        } else {
            None
        }
    }

    /// The timestamps of the next packet, whose own time is `transmit`; whether it is interleaved.
    fn stamps(&self, transmit: NtpTimestamp, steps: u64, xleave: bool) -> (Stamps, bool) {
        let never = NtpTimestamp::NEVER;
        let Some(echo) = self.echo(steps) else {
            return (Stamps { origin: never, receive: never, transmit }, false);
        };
        let receive = echo.arrived.clock;
        if let Some(before) = self.alternating(echo, steps).filter(|_| xleave) {
            let transmit = before.stamp.clock;
            return (Stamps { origin: echo.receive, receive, transmit }, true);
        }
        (Stamps { origin: echo.transmit, receive, transmit }, false)
    }

    /// Our last packet, if it was the only one between two of the peer's, so that both sides mean
    /// the same one. At the beginning, when nothing was valid yet, the peer has to have received
    /// the only one that there was.
    fn alternating(&self, echo: &Echo, steps: u64) -> Option<&Sent> {
        let before = self.sent.front().filter(|sent| sent.steps == steps)?;
        let is_beginning = self.valid.is_none() && self.sent.len() == 1;
        let is_turn = is_beginning || self.unanswered == 0 && self.is_single(before);
        let is_promising = self.futile < MOST_FUTILE && !before.stamp.clock.is_never();
        (is_turn && is_promising && !echo.receive.is_never()).then_some(before)
    }

    /// Whether no other packet gave back the same as this one.
    fn is_single(&self, sent: &Sent) -> bool {
        let given = |sent: &Sent| sent.echo.map(|echo| echo.arrived.clock);
        let same = self.sent.iter().filter(|other| given(other) == given(sent));
        sent.echo.is_some() && same.count() == 1
    }

    /// What `header` tells of; `None` when it gives back nothing of ours, or what was taken before
    /// and comes again out of its turn.
    fn answered(&self, header: &Header, last: NtpTimestamp, xleave: bool) -> Option<Answer> {
        if let Some(sent) = self.sent.iter().find(|sent| sent.transmit == header.origin) {
            // The second packet to give it back was sent after the first, or it is a replay.
            let is_later = (header.transmit - last).seconds() > 0.0;
            return (!sent.is_answered || is_later).then_some(Answer::Basic(*sent));
        }
        let sent = self.sent.front().filter(|sent| xleave && self.is_single(sent))?;
        let given = sent.echo?.arrived;
        let is_answer = given.clock == header.origin && !header.receive.is_never();
        (is_answer && !sent.is_answered).then_some(Answer::Interleaved(*sent, given))
    }

    /// A valid packet came: nothing sent before what it gives back will be answered any more.
    /// Returns the tickets of all that.
    fn accept(&mut self, answered: &Sent, echo: Echo) -> Vec<Ticket> {
        self.unanswered = 0;
        self.valid = Some(echo);
        self.initial = None;
        let place = self.sent.iter().position(|sent| sent.ticket == answered.ticket);
        let kept = place.map_or(self.sent.len(), |place| place + 1);
        let gone = self.sent.split_off(kept).iter().map(|sent| sent.ticket).collect();
        if let (Some(_), Some(sent)) = (place, self.sent.back_mut()) {
            sent.is_answered = true;
        }
        gone
    }
}

impl Engine {
    /// The association with a peer from whose address a packet came in a mode that it answers to:
    /// to either of the symmetric ones if we began, else to the active one.
    pub(in crate::engine) fn peer_at(
        &self,
        received: &Received<'_>,
        mode: Mode,
    ) -> Option<AssocId> {
        let hears = |kind| match mode {
            Mode::SymmetricActive => matches!(kind, Kind::Peer | Kind::Passive),
            Mode::SymmetricPassive => kind == Kind::Peer,
            _ => false,
        };
        let is_peer = |association: &&Association| {
            let is_at = |address: SocketAddr| is_from(address, received);
            hears(association.kind) && association.address.is_some_and(is_at)
        };
        let mut peers = self.associations.values().filter(is_peer);
        // One that was configured comes before one that came by itself.
        let first = peers.next()?;
        let other = peers.find(|_| first.kind == Kind::Passive);
        Some(other.unwrap_or(first).id)
    }

    /// Takes a packet of a peer in.
    pub(in crate::engine) fn receive_symmetric(
        &mut self,
        now: &Now,
        id: AssocId,
        packet: &Packet<'_>,
        received: &Received<'_>,
    ) {
        let header = &packet.header;
        let steps = self.system.steps;
        let Some(association) = self.associations.get_mut(&id) else { return };
        let xleave = association.options.xleave;
        association.counters.received += 1;
        // The first interleaved packet has nothing to tell yet.
        if header.transmit.is_never() && !xleave {
            association.fail(flash_bits::UNSYNCHRONISED);
            association.counters.bad_time += 1;
            return;
        }
        if header.transmit == association.heard.transmit && !header.transmit.is_never() {
            association.fail(flash_bits::DUPLICATE);
            association.counters.old_packet += 1;
            return;
        }
        let last = association.heard.transmit;
        let answered = association.symmetric.answered(header, last, xleave);
        let answered = answered.filter(|_| !header.transmit.is_never());
        if answered.is_none() && (header.origin.is_never() || header.transmit.is_never()) {
            // The peer has heard nothing of us yet.
            association.fail(flash_bits::UNSYNCHRONISED);
        } else if answered.is_none() {
            association.fail(flash_bits::BOGUS);
            association.counters.bogus_origin += 1;
        }
        let (transmit, receive) = (header.transmit, header.receive);
        let echo = Echo { transmit, receive, arrived: received.stamp, steps };
        let Some(answer) = answered else {
            self.begin_exchange(id, packet, received, echo);
            return;
        };
        let Some(is_authentic) = self.authenticate(id, packet, received.datagram) else { return };
        let Some(association) = self.associations.get_mut(&id) else { return };
        let (sent, arrived, is_interleaved) = match answer {
            Answer::Basic(sent) => (sent, received.stamp, false),
            Answer::Interleaved(sent, before) => (sent, before, true),
        };
        if is_interleaved {
            association.symmetric.futile = 0;
        }
        association.local = received.to.or(association.local);
        let gone = association.symmetric.accept(&sent, echo);
        self.forget_tickets(&gone);
        if let Some(kiss) = kiss_of(header) {
            self.kiss(now, id, kiss, header.poll);
            return;
        }
        let exchange = Exchange {
            version: sent.version,
            arrival: received.stamp,
            is_authentic,
            times: Times {
                sent: sent.stamp,
                receive,
                transmit,
                arrived,
                at: now.mono,
                steps: sent.echo.map_or(sent.steps, |echo| sent.steps.min(echo.steps)),
            },
            is_interleaved,
            is_measured: false,
            frequency: Some(self.steering.frequency.parts_per_million() * 1e-6),
        };
        self.answer(now, id, header, &exchange);
        self.schedule(now, id);
    }

    /// Keeps what may be the beginning of an exchange. Anybody may have sent it: where it is not
    /// authenticated as it has to be, that is counted and no more.
    fn begin_exchange(
        &mut self,
        id: AssocId,
        packet: &Packet<'_>,
        received: &Received<'_>,
        echo: Echo,
    ) {
        let Some(association) = self.associations.get(&id) else { return };
        let (required, from) = (association.options.key, received.from.ip());
        let verified = self.verify(packet, received.datagram, from, required, false);
        let Some(association) = self.associations.get_mut(&id) else { return };
        if verified.is_some() {
            association.symmetric.initial = Some(echo);
        } else {
            association.fail(flash_bits::AUTHENTICATION);
            association.counters.bad_auth += 1;
            self.counters.bad_auth += 1;
        }
    }

    /// Sends a packet to a peer.
    pub(in crate::engine) fn transmit_symmetric(&mut self, now: &Now, id: AssocId) {
        let unit_s = self.throttle_unit_s(id);
        let own = fuzzed(now.clock, self.settings.precision, self.random.next_u64());
        let steps = self.system.steps;
        let told = self.told(now);
        let Some(association) = self.associations.get(&id) else { return };
        let version = association.options.version;
        let xleave = association.options.xleave;
        let echo = association.symmetric.echo(steps).copied();
        let (stamps, is_interleaved) = association.symmetric.stamps(own, steps, xleave);
        let Stamps { origin, receive, transmit } = stamps;
        let header = Header {
            version,
            mode: association.kind.host_mode(),
            poll: association.poll.host_poll,
            origin,
            receive,
            transmit,
            ..told
        };
        let Some(ticket) = self.send(id, &header, None) else { return };
        let Some(association) = self.associations.get_mut(&id) else { return };
        if association.symmetric.unanswered > 0 {
            association.counters.unanswered += 1;
        }
        association.poll.throttle_on(now.mono, unit_s);
        let stamp = Stamp::handed_out(now);
        if is_interleaved {
            association.symmetric.futile = association.symmetric.futile.saturating_add(1);
        }
        let sent = Sent { ticket, transmit, stamp, version, steps, echo, is_answered: false };
        if let Some(gone) = association.symmetric.remember(sent) {
            self.tickets.remove(&gone);
        }
    }

    /// Begins the exchange with a peer anew.
    pub(in crate::engine) fn restart_symmetric(&mut self, id: AssocId) {
        let Some(association) = self.associations.get_mut(&id) else { return };
        let before = std::mem::take(&mut association.symmetric);
        let gone: Vec<Ticket> = before.sent.iter().map(|sent| sent.ticket).collect();
        self.forget_tickets(&gone);
    }

    /// Has the socket of an association with a peer closed: it ends, or its address is another one.
    pub(in crate::engine) fn close_peer(&mut self, id: AssocId) {
        if self.associations.get(&id).is_some_and(|association| association.kind == Kind::Peer) {
            self.outputs.push_back(Output::ClosePeer(id));
        }
    }

    fn forget_tickets(&mut self, gone: &[Ticket]) {
        for ticket in gone {
            self.tickets.remove(ticket);
        }
    }

    /// What we tell of our clock; the times and all that belongs to the association are missing.
    pub(in crate::engine) fn told(&self, now: &Now) -> Header {
        let system = &self.system;
        Header {
            leap: system.leap,
            stratum: Stratum::new(system.stratum.get() % 16),
            precision: self.settings.precision,
            root_delay: system.root_delay,
            root_dispersion: self.root_dispersion(now),
            reference_id: system.reference_id,
            reference: system.reference,
            ..Header::request(NtpTimestamp::NEVER)
        }
    }

    /// The interval at which a peer is sent to: the shorter one of what both want.
    pub(in crate::engine) fn symmetric_poll(&self, id: AssocId) -> Option<PollExponent> {
        let association = self.associations.get(&id).filter(|a| a.kind.is_symmetric())?;
        let (least, _) = self.poll_range(id);
        let theirs = association.heard.poll.max(least);
        Some(association.poll.host_poll.min(theirs))
    }
}

/// A kiss in a reply of a peer that keeps nothing of us, which is a server's by another name.
fn kiss_of(header: &Header) -> Option<Kiss> {
    let is_kiss = header.mode == Mode::SymmetricPassive
        && header.leap == Leap::Alarm
        && header.stratum == Stratum::new(0);
    let kiss = Kiss::from_reference_id(header.reference_id);
    (is_kiss && matches!(kiss, Kiss::Rate | Kiss::Denied | Kiss::Restricted)).then_some(kiss)
}

/// A time with all that is below the resolution of the clock taken from `random`.
pub(in crate::engine) fn fuzzed(
    time: NtpTimestamp,
    precision: Precision,
    random: u64,
) -> NtpTimestamp {
    let meaning = u32::from(precision.exponent().clamp(-31, -1).unsigned_abs());
    let noise = u64::from(u32::MAX >> meaning);
    let bits = time.bits() & !noise | random & noise;
    NtpTimestamp::from_bits(if bits == 0 { 1 } else { bits })
}

/// After so many interleaved packets without any in return a peer is taken for one that does not
/// know them.
const MOST_FUTILE: u32 = 4;

/// Packets of ours that are remembered: as many as may be on their way, or lost in a row.
const MOST_SENT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fuzzed_time_is_right_to_the_resolution_and_random_below() {
        let time = NtpTimestamp::from_bits(0x1234_5678_9abc_def0);
        let fuzz = |exponent, random| fuzzed(time, Precision::new(exponent), random).bits();
        assert_eq!(fuzz(-24, 0), 0x1234_5678_9abc_de00);
        assert_eq!(fuzz(-24, u64::MAX), 0x1234_5678_9abc_deff);
        assert_eq!(fuzz(-31, u64::MAX), 0x1234_5678_9abc_def1);
        assert_eq!(fuzz(-40, u64::MAX), 0x1234_5678_9abc_def1);
        assert_eq!(fuzz(10, 0), 0x1234_5678_8000_0000);
        assert_eq!(fuzzed(NtpTimestamp::NEVER, Precision::new(-20), 0).bits(), 1);
    }
}
