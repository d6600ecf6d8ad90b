//! A reply, from its bytes to a measurement: the tests in their order, each with its counter.
//!
//! RFC 5905 §8 and §9.2. Nothing of an association but a counter and its flash bits changes before
//! the origin timestamp and the authentication are found good: who cannot see our requests, and who
//! does not have the key, can only be counted.

use std::net::{IpAddr, SocketAddr};

use crate::engine::Engine;
use crate::engine::association::{Association, Heard, Pending};
use crate::engine::discipline::Measurement;
use crate::engine::filter::Filtered;
use crate::engine::input::{Received, Stamp};
use crate::engine::interleave::Reply;
use crate::engine::output::{Event, Output, Socket};
use crate::engine::poll::{event, flash_bits};
use crate::engine::timers::Timer;
use crate::units::{
    AssocId, KeyId, Leap, Mode, Mono, Now, NtpDuration, NtpTimestamp, Raw, RefId, Stratum,
};
use crate::wire::mode6::flash::{Flash, SLOW};
use crate::wire::packet::{Header, Packet, Trailer};

impl Engine {
    /// Takes a datagram in.
    pub(in crate::engine) fn receive(&mut self, now: &Now, received: &Received<'_>) {
        self.counters.received += 1;
        if !matches!(received.socket, Socket::Request(_)) {
            self.receive_unasked(now, received);
            return;
        }
        if let Some(id) = self.group_of(received) {
            self.answered_by_member(now, id, received);
            return;
        }
        let Some(id) = self.addressee(received) else {
            self.counters.declined += 1;
            return;
        };
        let Some(association) = self.associations.get_mut(&id) else { return };
        association.counters.received += 1;
        let Ok(packet) = Packet::parse(received.datagram) else {
            association.counters.malformed += 1;
            self.counters.malformed += 1;
            return;
        };
        if packet.header.mode != Mode::Server {
            self.counters.declined += 1;
            return;
        }
        let Some(pending) = self.answered_request(id, received.socket, &packet.header) else {
            return;
        };
        let Some(is_authentic) = self.authenticate(id, &packet, received.datagram) else { return };
        self.accept(id);
        if let Some(kiss) = packet.header.kiss() {
            self.kiss(now, id, kiss, packet.header.poll);
            return;
        }
        self.take_reply(now, id, &packet.header, &Reply { pending, received, is_authentic });
    }

    /// Takes a datagram in that came to a socket for more than one request.
    fn receive_unasked(&mut self, now: &Now, received: &Received<'_>) {
        let Ok(packet) = Packet::parse(received.datagram) else {
            self.counters.malformed += 1;
            return;
        };
        let mode = packet.header.mode;
        if mode == Mode::Broadcast && received.socket == Socket::Ntp {
            self.overhear(now, received, &packet);
            return;
        }
        match self.peer_at(received, mode) {
            Some(id) => self.receive_symmetric(now, id, &packet, received),
            None if mode == Mode::SymmetricActive && received.socket == Socket::Ntp => {
                self.greeted(now, received, &packet);
            }
            None => self.counters.declined += 1,
        }
    }

    /// Whose socket it is, if the datagram came from the server that was asked.
    fn addressee(&self, received: &Received<'_>) -> Option<AssocId> {
        let Socket::Request(ticket) = received.socket else { return None };
        let id = *self.tickets.get(&ticket)?;
        let asked = self.associations.get(&id)?.address?;
        is_from(asked, received).then_some(id)
    }

    /// The request that this answers; `None`, with a test noted, when there is none.
    pub(in crate::engine) fn answered_request(
        &mut self,
        id: AssocId,
        on: Socket,
        header: &Header,
    ) -> Option<Pending> {
        let association = self.associations.get_mut(&id)?;
        let pending = association.pending.filter(|p| on == Socket::Request(p.ticket));
        let Some(pending) = pending else {
            association.fail(flash_bits::DUPLICATE);
            association.counters.old_packet += 1;
            return None;
        };
        let nonces = [Some(pending.nonce), pending.interleaved];
        if !nonces.into_iter().flatten().any(|nonce| answers(header, nonce)) {
            association.fail(flash_bits::BOGUS);
            association.counters.bogus_origin += 1;
            return None;
        }
        Some(pending)
    }

    /// Whether the packet is authenticated; `None`, with the test noted, when it has a code that
    /// is wrong, or none where one is asked for. A code that is there has to be right even where
    /// none is asked for.
    pub(in crate::engine) fn authenticate(
        &mut self,
        id: AssocId,
        packet: &Packet<'_>,
        datagram: &[u8],
    ) -> Option<bool> {
        let association = self.associations.get(&id)?;
        let required = association.options.key;
        let from = association.address?.ip();
        let found = self.verify(packet, datagram, from, required, false);
        let association = self.associations.get_mut(&id)?;
        if found.is_none() {
            association.fail(flash_bits::AUTHENTICATION);
            association.counters.bad_auth += 1;
            self.counters.bad_auth += 1;
            let detail = match packet.trailer {
                Trailer::CryptoNak => "the server could not verify our code",
                Trailer::None => "the reply has no code",
                Trailer::Mac(_) => "the code of the reply is wrong",
            };
            self.peer_event_once(id, event::BAD_AUTH, detail);
        }
        found.map(|verified| verified.key.is_some())
    }

    /// By whose key a packet is authenticated; `None` when it has a code that is wrong, one of
    /// another key than `required`, or none where one is asked for.
    pub(in crate::engine) fn verify(
        &self,
        packet: &Packet<'_>,
        datagram: &[u8],
        from: IpAddr,
        required: Option<KeyId>,
        is_required: bool,
    ) -> Option<Verified> {
        match packet.trailer {
            Trailer::None => (required.is_none() && !is_required).then_some(Verified { key: None }),
            Trailer::CryptoNak => None,
            Trailer::Mac(mac) => {
                let key = KeyId::new(mac.key_id)
                    .filter(|found| required.is_none_or(|required| required == *found))
                    .and_then(|found| self.keys.trusted(found, from))
                    .filter(|key| self.keys.is_by(key, &mac, packet.covered(datagram)))?;
                Some(Verified { key: Some(key.id()) })
            }
        }
    }

    /// The reply is ours: its request is done.
    fn accept(&mut self, id: AssocId) {
        let Some(association) = self.associations.get_mut(&id) else { return };
        let Some(pending) = association.pending.take() else { return };
        association.answered = Some(pending.ticket);
        self.timers.cancel(Timer::Expire(id));
        self.outputs.push_back(Output::Close(pending.ticket));
    }

    /// A reply that is ours and no kiss.
    pub(in crate::engine) fn answer(
        &mut self,
        now: &Now,
        id: AssocId,
        header: &Header,
        exchange: &Exchange,
    ) {
        self.record_raw(id, header, &exchange.times);
        let is_interrupted = exchange.is_measured
            || exchange.times.steps != self.system.steps
            || self.is_leap_near(now);
        let precision_s = self.settings.precision.seconds();
        let scale = PathScale { precision_s, phi: self.phi(), number: self.measured };
        let limits = (self.mitigation.floor, self.mitigation.ceiling);
        let maxdist = self.mitigation.maxdist;
        let Some(association) = self.associations.get_mut(&id) else { return };
        if let Some(bit) = association.repeats_or_lacks(header) {
            association.fail(bit);
            return;
        }
        association.flash = Flash::from_bits(association.flash.bits() & flash_bits::ASSOCIATION);
        let asked = exchange.version;
        let is_remarkable = header.version != asked && association.heard.version != header.version;
        let begins_to_smear =
            is_smear(header.reference_id) && !is_smear(association.heard.reference_id);
        association.heard.hear(header, now.mono, &exchange.arrival);
        association.heard.is_authentic = exchange.is_authentic;
        let failed = header_tests(&association.heard, limits);
        let measurement = association.measure(header, exchange, &scale);
        let belongs = measurement.delay <= maxdist && !is_impossible(measurement.delay);
        if failed != 0 {
            association.fail(failed);
            association.counters.bad_distance += 1;
        } else if exchange.is_interleaved && !belongs {
            association.fail(flash_bits::UNSYNCHRONISED);
            self.judge_interleaved(id, false);
        } else if measurement.delay > maxdist {
            association.fail(SLOW);
            association.counters.slow += 1;
        } else if is_impossible(measurement.delay) {
            association.fail(flash_bits::UNSYNCHRONISED);
            association.counters.bad_time += 1;
        } else {
            if exchange.is_interleaved {
                self.judge_interleaved(id, true);
            }
            self.reached(now, id);
            if !is_interrupted {
                self.measured += 1;
                self.take_sample(now, id, measurement);
            }
            self.judge_fitness(now, id);
            self.schedule(now, id);
            self.end_volley(now, id);
        }
        if begins_to_smear {
            self.outputs.push_back(Output::Event(Event::Smearing { association: id }));
        }
        if is_remarkable {
            let answered = header.version;
            self.outputs.push_back(Output::Event(Event::Version {
                association: id,
                asked,
                answered,
            }));
        }
    }

    pub(in crate::engine) fn reached(&mut self, now: &Now, id: AssocId) {
        let (least, _) = self.poll_range(id);
        let Some(association) = self.associations.get_mut(&id) else { return };
        let is_back = association.poll.answered(least);
        if self.settings.beside_daemon {
            association.poll.burst = 0;
        }
        association.naming.back_off = None;
        if is_back {
            association.poll.reach_changed = Some(now.mono);
        }
        self.decay_rate_floor(now, id);
        if is_back {
            self.peer_event(id, event::REACHABLE, "it answers");
            self.answered_in_pool(now, id);
        }
    }

    pub(in crate::engine) fn take_sample(
        &mut self,
        now: &Now,
        id: AssocId,
        measurement: Measurement,
    ) {
        let around = self.surroundings(now, id);
        self.discipline.measured(now, &measurement);
        let discipline = &self.discipline;
        let Some(association) = self.associations.get_mut(&id) else { return };
        association.counters.processed += 1;
        self.counters.processed += 1;
        association.samples = association.samples.saturating_add(1);
        let offset_now = |m: &_| discipline.offset_now(now, m);
        let filtered = association.filter.push(Some(measurement), &around, offset_now);
        match filtered {
            Filtered::New => self.record_peer(id),
            Filtered::Spike(off) => {
                let detail = format!("{:.6} s from the others", off.seconds());
                self.peer_event(id, event::POPCORN, detail);
            }
            Filtered::Old | Filtered::Nothing => {}
        }
        self.after_discipline(now);
        self.mark_changed(now);
    }
}

/// By whose key a packet is authenticated, if it is.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Verified {
    pub key: Option<KeyId>,
}

/// Whether a reference ID is one with which servers that spread a leap second mark the time that
/// they change (ntpd's `leapsmearinterval`). One in 256 of the hashes of IPv6 addresses is alike.
const fn is_smear(reference_id: RefId) -> bool {
    matches!(reference_id.octets(), [254, ..])
}

/// A packet that is ours to take, and what it tells of.
pub(in crate::engine) struct Exchange {
    /// The version of what it answers.
    pub version: u8,
    /// When it came.
    pub arrival: Stamp,
    /// Whether it is authenticated.
    pub is_authentic: bool,
    /// The four times that it completes.
    pub times: Times,
    /// Whether one of them is that of an earlier packet.
    pub is_interleaved: bool,
    /// Whether the sample was taken before, less exactly.
    pub is_measured: bool,
    /// How much the raw clock is too slow, in s/s, where the answer may have been long in coming.
    pub frequency: Option<f64>,
}

/// The four times of an exchange.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Times {
    /// T1: when a packet of ours left.
    pub sent: Stamp,
    /// T2: when that was received.
    pub receive: NtpTimestamp,
    /// T3: when a packet of the other side left.
    pub transmit: NtpTimestamp,
    /// T4: when that arrived.
    pub arrived: Stamp,
    /// When that was, for whoever asks how old it is.
    pub at: Mono,
    /// How often the steered clock had been stepped at the first of our two times.
    pub steps: u64,
}

/// What errors are measured with.
struct PathScale {
    precision_s: f64,
    phi: f64,
    number: u64,
}

impl Association {
    /// Notes tests that the packet failed, beside those of the association.
    pub(in crate::engine) fn fail(&mut self, bits: u16) {
        let own = self.flash.bits() & flash_bits::ASSOCIATION;
        self.flash = Flash::from_bits(own | bits);
    }

    /// The test that fails because a timestamp is missing or was there before.
    fn repeats_or_lacks(&mut self, header: &Header) -> Option<u16> {
        if lacks_times(header) {
            self.counters.bad_time += 1;
            return Some(flash_bits::UNSYNCHRONISED);
        }
        if header.transmit == self.heard.transmit {
            self.counters.old_packet += 1;
            return Some(flash_bits::DUPLICATE);
        }
        None
    }

    /// The sample of a reply: its offset on the steered clock, its delay on the raw one.
    fn measure(&self, header: &Header, exchange: &Exchange, scale: &PathScale) -> Measurement {
        let times = &exchange.times;
        let told = Header { receive: times.receive, transmit: times.transmit, ..*header };
        let stamps = (&times.sent, &times.arrived);
        let bias = self.options.bias;
        let sample = match exchange.frequency {
            Some(frequency) => unhurried_sample(&told, stamps, scale, frequency),
            None => sample(&told, stamps, scale.precision_s, scale.phi),
        };
        Measurement {
            source: self.id,
            number: scale.number,
            arrived: times.at,
            raw: sample.raw,
            source_time: sample.source_time + bias,
            offset: sample.offset + bias,
            delay: sample.delay,
            stamp_error: sample.stamp_error,
            dispersion: sample.dispersion,
            source_precision: sample.source_precision,
        }
    }
}

/// What the four times of an exchange say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::engine) struct Sample {
    /// The middle of the exchange on the raw clock.
    pub raw: Raw,
    /// What the server's clock showed then.
    pub source_time: NtpTimestamp,
    /// How far the server is ahead of the clock that the stamps show.
    pub offset: NtpDuration,
    /// The round trip on the raw clock, without the time that the server took.
    pub delay: NtpDuration,
    /// How wrong the offset may be because of the stamps (one standard deviation).
    pub stamp_error: NtpDuration,
    /// How wrong it may be because of the resolutions and drifts of both clocks.
    pub dispersion: NtpDuration,
    /// The resolution of the server's clock.
    pub source_precision: NtpDuration,
}

/// The sample of a reply to a request that left at the first of `stamps`; it arrived at the
/// second. `precision_s` is the resolution of the local clock, `phi` its drift at most, in s/s.
pub(in crate::engine) fn sample(
    header: &Header,
    (t1, t4): (&Stamp, &Stamp),
    precision_s: f64,
    phi: f64,
) -> Sample {
    let round_trip_s = t4.raw.seconds_since(t1.raw);
    let inside = header.transmit - header.receive;
    let delay = NtpDuration::from_seconds(round_trip_s - inside.seconds());
    let source_precision_s = header.precision.seconds().min(1.0);
    let dispersion_s = precision_s + source_precision_s + phi * delay.seconds().max(precision_s);
    Sample {
        raw: middle(t1.raw, t4.raw),
        source_time: header.receive + halved(inside),
        offset: on_wire_offset(header, t1, t4),
        delay,
        stamp_error: NtpDuration::from_seconds(t1.error.seconds().hypot(t4.error.seconds()) / 2.0),
        dispersion: NtpDuration::from_seconds(dispersion_s),
        source_precision: NtpDuration::from_seconds(source_precision_s),
    }
}

/// The sample of an answer that may have been long in coming, while the raw clock ran `frequency`
/// too slow.
///
/// Differs: what the frequencies of both clocks differ by in that time, ntpd takes for delay, and
/// does not for dispersion. Here the round trip is one on the clock that our frequency is steered
/// to, and how far that may be off is in the dispersion.
fn unhurried_sample(
    header: &Header,
    stamps: (&Stamp, &Stamp),
    scale: &PathScale,
    frequency: f64,
) -> Sample {
    let (t1, t4) = stamps;
    let elapsed_s = t4.raw.seconds_since(t1.raw);
    let unknown_s = FREQUENCY_DIFFERENCE * elapsed_s.abs();
    let sample = sample(header, stamps, scale.precision_s, scale.phi);
    let delay_s = sample.delay.seconds() + elapsed_s * frequency;
    // No more than what the clocks may differ by: then there was no delay to be seen.
    let is_by_frequency = (-unknown_s..scale.precision_s).contains(&delay_s);
    let delay_s = if is_by_frequency { scale.precision_s } else { delay_s };
    let dispersion_s = scale.phi * elapsed_s.abs();
    Sample {
        delay: NtpDuration::from_seconds(delay_s),
        dispersion: sample.dispersion + NtpDuration::from_seconds(dispersion_s),
        ..sample
    }
}

/// Whether a datagram comes from the server at `asked`.
pub(in crate::engine) fn is_from(asked: SocketAddr, received: &Received<'_>) -> bool {
    asked.port() == received.from.port()
        && asked.ip().to_canonical() == received.from.ip().to_canonical()
}

/// Whether a reply answers the request with this `nonce`: who has not seen it cannot know it.
pub(in crate::engine) fn answers(header: &Header, nonce: NtpTimestamp) -> bool {
    header.origin == nonce && !header.origin.is_never()
}

/// Whether one of the times is missing that a sample is made of.
pub(in crate::engine) const fn lacks_times(header: &Header) -> bool {
    header.transmit.is_never() || header.receive.is_never()
}

/// Whether a delay is so far below zero that it is no error of a stamp, but a time that cannot be.
pub(in crate::engine) fn is_impossible(delay: NtpDuration) -> bool {
    delay.seconds() < -IMPOSSIBLE_S
}

/// ((T2 − T1) + (T3 − T4)) / 2, in whole numbers: exact across eras and for any size.
fn on_wire_offset(header: &Header, t1: &Stamp, t4: &Stamp) -> NtpDuration {
    let there = header.receive - t1.clock;
    let back = header.transmit - t4.clock;
    let sum = i128::from(there.bits()) + i128::from(back.bits());
    NtpDuration::from_bits(i64::try_from(sum / 2).unwrap_or(i64::MAX))
}

/// Tests 6 and 7, as flash bits.
pub(in crate::engine) fn header_tests(heard: &Heard, (floor, ceiling): (Stratum, Stratum)) -> u16 {
    let mut failed = 0;
    if heard.leap == Leap::Alarm || heard.stratum < floor || heard.stratum >= ceiling {
        failed |= flash_bits::STRATUM;
    }
    let distance_s = heard.root_delay.seconds() / 2.0 + heard.root_dispersion.seconds();
    // An interleaved packet tells when an earlier one was sent, but when the last one was received.
    let is_later_than = |time| (heard.reference - time).seconds() > REFERENCE_SLACK_S;
    let is_set_later = !heard.reference.is_never()
        && is_later_than(heard.transmit)
        && (heard.receive.is_never() || is_later_than(heard.receive));
    if distance_s >= super::filter::MAXIMUM_DISPERSION_S || is_set_later {
        failed |= flash_bits::HEADER;
    }
    failed
}

fn halved(span: NtpDuration) -> NtpDuration {
    NtpDuration::from_bits(span.bits() / 2)
}

fn middle(from: Raw, to: Raw) -> Raw {
    let half = to.nanos().wrapping_sub(from.nanos()).cast_signed() / 2;
    Raw::from_nanos(from.nanos().wrapping_add_signed(half))
}

/// A delay this far below zero is no error of a stamp, but a time that cannot be.
const IMPOSSIBLE_S: f64 = 1e-3;

/// What the frequencies of two clocks may differ by, as neither is steered further than 500 ppm.
const FREQUENCY_DIFFERENCE: f64 = 1e-3;

/// A reference time may be this much later than the transmit time: it is not read with it.
const REFERENCE_SLACK_S: f64 = 1.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(bits: u64) -> Stamp {
        let clock = NtpTimestamp::from_bits(bits);
        Stamp { raw: Raw::default(), clock, error: NtpDuration::ZERO }
    }

    fn offset_s(t1: u64, t2: u64, t3: u64, t4: u64) -> f64 {
        let mut header = Header::request(NtpTimestamp::from_bits(t3));
        header.receive = NtpTimestamp::from_bits(t2);
        on_wire_offset(&header, &stamp(t1), &stamp(t4)).seconds()
    }

    #[test]
    fn offsets_agree_with_the_reference_within_an_era_and_across_its_end() {
        let plain = offset_s(
            0xe8fe_8d80_0000_0000,
            0xe8fe_8d80_4000_0000,
            0xe8fe_8d80_4010_0000,
            0xe8fe_8d80_2000_0000,
        );
        assert!((plain - 0.187_622_070_312_5).abs() < 1e-12, "{plain}");
        let across = offset_s(
            0xffff_ffff_f000_0000,
            0x0000_0000_1000_0000,
            0x0000_0000_1001_0000,
            0x0000_0000_0000_0000,
        );
        assert!((across - 0.093_757_629_394_531_25).abs() < 1e-12, "{across}");
    }
}
