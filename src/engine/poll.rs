//! When a source is asked, and how often at most.
//!
//! RFC 5905 §13 and what ntpd makes of it: a reach register, bursts, a leaky bucket of headway,
//! backing off from the silent. A discipline may wish for an interval of its own; then the bucket
//! is that of the least interval that servers put up with by default, else that of `minpoll`.

use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore as _;

use crate::config::engine::Algorithm;
use crate::engine::Engine;
use crate::engine::association::{Association, Kind, Pending};
use crate::engine::filter::Filtered;
use crate::engine::input::Stamp;
use crate::engine::output::Output;
use crate::engine::timers::Timer;
use crate::units::{AssocId, Mono, Now, NtpTimestamp, PollExponent, Reach};
use crate::wire::packet::Header;

/// How an association is polled.
#[derive(Clone, Debug, PartialEq)]
pub struct Poll {
    /// The interval that we want, as an exponent.
    pub host_poll: PollExponent,
    /// Which polls were answered.
    pub reach: Reach,
    /// When it became reachable or unreachable; `None` while it never did.
    pub reach_changed: Option<Mono>,
    /// Polls since it was last reachable.
    pub unreach: u32,
    /// When it was last polled; packets of a burst count as one poll.
    pub last: Option<Mono>,
    /// When it is polled next; `None` while its address is not known.
    pub next: Option<Mono>,
    /// The least interval that the server put up with, as far as it told us.
    pub rate_floor: Option<PollExponent>,
    /// The server refused us: it is left alone until then.
    pub stopped_until: Option<Mono>,
    /// Packets left of a burst.
    pub(in crate::engine) burst: u32,
    /// Polls in which a reply starts a burst.
    pub(in crate::engine) retry: u32,
    /// When `rate_floor` was last raised or lowered.
    pub(in crate::engine) floor_since: Option<Mono>,
    /// The interval that is kept because the discipline wishes for it, where it does.
    wished: Option<Duration>,
    throttle: Throttle,
}

impl Poll {
    pub(in crate::engine) fn new(host_poll: PollExponent) -> Self {
        Self {
            host_poll,
            reach: Reach::default(),
            reach_changed: None,
            unreach: 0,
            last: None,
            next: None,
            rate_floor: None,
            stopped_until: None,
            burst: 0,
            retry: 0,
            floor_since: None,
            wished: None,
            throttle: Throttle::default(),
        }
    }

    /// Starts over; what is owed to the server for past packets stays, as does its floor.
    pub(in crate::engine) fn restart(&mut self, host_poll: PollExponent) {
        *self = Self {
            reach_changed: self.reach_changed,
            last: self.last,
            next: self.next,
            rate_floor: self.rate_floor,
            floor_since: self.floor_since,
            stopped_until: self.stopped_until,
            throttle: self.throttle,
            ..Self::new(host_poll)
        };
    }

    /// A reply came that passed all tests; returns whether it was not reachable before.
    pub(in crate::engine) fn answered(&mut self, minpoll: PollExponent) -> bool {
        let was_reachable = self.reach.is_reachable();
        if self.retry > 0 {
            self.retry = 0;
            self.next = None;
            self.burst = if was_reachable {
                let doublings = self.host_poll.exponent() - minpoll.exponent();
                (1_u32 << doublings.clamp(0, 3)) - 1
            } else {
                IBURST - 1
            };
        }
        self.reach = Reach::new(self.reach.register() | 1);
        !was_reachable
    }

    /// A packet is sent: so much headway more is owed.
    pub(in crate::engine) fn throttle_on(&mut self, now: Mono, unit_s: f64) {
        self.throttle.add(now, unit_s);
    }

    /// The headway that is owed to the server for the packets that it was sent.
    pub fn owed(&self, now: Mono) -> Duration {
        Duration::from_secs_f64(self.throttle.level_s(now))
    }

    /// The interval that is really waited between two polls, as the nearest exponent.
    pub fn interval(&self) -> PollExponent {
        self.wished.map_or(self.host_poll, nearest)
    }

    /// The packets of a burst that are still to come; 0 when there is none.
    pub const fn burst_left(&self) -> u32 {
        self.burst
    }
}

/// The exponent whose interval is nearest, by the ratio of the two.
#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn nearest(interval: Duration) -> PollExponent {
    PollExponent::new(interval.as_secs_f64().max(1.0).log2().round().clamp(0.0, 30.0) as i8)
}

/// The leaky bucket of headway: seconds of silence owed to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Throttle {
    level_s: f64,
    at: Mono,
}

impl Throttle {
    fn level_s(&self, now: Mono) -> f64 {
        (self.level_s - now.since(self.at).as_secs_f64()).max(0.0)
    }

    fn add(&mut self, now: Mono, unit_s: f64) {
        self.level_s = self.level_s(now) + unit_s - MINPKT.as_secs_f64();
        self.at = now;
    }

    /// How long to be silent at least.
    fn headway(&self, now: Mono, unit_s: f64) -> Duration {
        let over_s = self.level_s(now) - HEADWAY_UNITS * unit_s;
        Duration::from_secs_f64(over_s.max(0.0)).max(MINPKT)
    }
}

impl Engine {
    /// Polls an association.
    pub(in crate::engine) fn poll(&mut self, now: &Now, id: AssocId) {
        match self.associations.get(&id).map(|association| association.kind) {
            Some(Kind::Manycast) => return self.poll_group(now, id),
            Some(Kind::Broadcaster) => return self.poll_broadcaster(now, id),
            Some(Kind::Reference) => return self.poll_clock(now, id),
            _ => {}
        }
        let around = self.surroundings(now, id);
        let (least, most) = self.poll_range(id);
        let system_poll = self.system.poll.clamp(least, most);
        let bursts = !self.settings.beside_daemon;
        let discipline = &self.discipline;
        let Some(association) = self.associations.get_mut(&id) else { return };
        if association.kind == Kind::Pool || association.address.is_none() {
            return;
        }
        let mut became_unreachable = false;
        if association.poll.burst == 0 {
            let was_reachable = association.poll.reach.is_reachable();
            let poll = &mut association.poll;
            poll.last = Some(now.mono);
            poll.stopped_until = None;
            poll.unreach = poll.unreach.saturating_add(1);
            poll.reach = Reach::new(poll.reach.register() << 1);
            if poll.reach.is_reachable() {
                poll.host_poll = system_poll;
                if !association.options.preempt {
                    poll.unreach = 0;
                }
                if association.options.burst && bursts && poll.retry == 0 && association.is_fit() {
                    association.poll.retry = RETRY;
                }
            } else {
                let offset_now = |m: &_| discipline.offset_now(now, m);
                let _: Filtered = association.filter.push(None, &around, offset_now);
                became_unreachable = was_reachable;
                let poll = &mut association.poll;
                if association.options.iburst && bursts && poll.retry == 0 {
                    poll.retry = RETRY;
                }
                if poll.unreach >= UNREACH {
                    let longer = poll.host_poll.exponent().saturating_add(1);
                    poll.host_poll = PollExponent::new(longer).clamp(least, most);
                }
            }
        } else {
            association.poll.burst -= 1;
        }
        association.poll.retry = association.poll.retry.saturating_sub(1);
        let is_doubtful = association.poll.reach.register() & 0b1110 == 0;
        if became_unreachable {
            association.poll.reach_changed = Some(now.mono);
            self.judge_fitness(now, id);
            self.peer_event(id, event::UNREACHABLE, "no answer to the last eight polls");
        }
        if is_doubtful && self.associations.get(&id).is_some_and(|a| a.samples > 0) {
            self.mark_changed(now);
        }
        if self.has_gone(now, id) {
            return;
        }
        self.ask_in_volley(id);
        self.transmit(now, id);
        self.schedule(now, id);
    }

    /// Whether an association that is of no use has been taken away, or moved elsewhere.
    fn has_gone(&mut self, now: &Now, id: AssocId) -> bool {
        if self.preempt(now, id) || self.replace_in_pool(now, id) || self.drop_silent(now, id) {
            return true;
        }
        self.ask_name_of_silent(now, id);
        false
    }

    fn transmit(&mut self, now: &Now, id: AssocId) {
        match self.associations.get(&id).map(|association| association.kind) {
            Some(Kind::Peer | Kind::Passive) => self.transmit_symmetric(now, id),
            Some(Kind::BroadcastClient | Kind::Reference) => {}
            _ => self.transmit_request(now, id, None),
        }
    }

    /// Sends a request that tells nothing of us, at most `ttl` hops far where that is said.
    pub(in crate::engine) fn transmit_request(&mut self, now: &Now, id: AssocId, ttl: Option<u8>) {
        self.abandon(id);
        let unit_s = self.throttle_unit_s(id);
        let nonce = nonce(&mut self.random);
        let Some(association) = self.associations.get(&id) else { return };
        let version = association.options.version;
        let mut header = Header { version, ..Header::request(nonce) };
        let interleaved = association.interleaved_nonce(nonce, &mut self.random);
        if let Some((origin, second)) = interleaved {
            (header.origin, header.receive) = (origin, second);
        }
        let interleaved = interleaved.map(|(_, second)| second);
        let Some(ticket) = self.send(id, &header, ttl) else { return };
        let Some(association) = self.associations.get_mut(&id) else { return };
        association.poll.throttle_on(now.mono, unit_s);
        let sent = Stamp::handed_out(now);
        if let Some(answered) = association.answered.take() {
            self.tickets.remove(&answered);
        }
        association.pending =
            Some(Pending { ticket, nonce, interleaved, sent, version, steps: self.system.steps });
        self.timers.set(Timer::Expire(id), now.mono + REPLY_WINDOW);
    }

    /// Gives the request up that waits for its reply, if one does.
    pub(in crate::engine) fn abandon(&mut self, id: AssocId) {
        let Some(association) = self.associations.get_mut(&id) else { return };
        if let Some(pending) = association.pending.take() {
            // A group answers as often as it has members.
            association.counters.unanswered += u64::from(association.kind != Kind::Manycast);
            association.interleave.unanswered();
            self.tickets.remove(&pending.ticket);
            self.timers.cancel(Timer::Expire(id));
            self.outputs.push_back(Output::Close(pending.ticket));
        }
    }

    /// Decides when to ask next (`poll_update` of ntpd).
    ///
    /// Differs: the poll interval that a server names in its reply counts for nothing but in a
    /// kiss: ours was not in the request, so it is none that the two agreed on. Peers tell each
    /// other theirs, and the shorter one holds.
    pub(in crate::engine) fn schedule(&mut self, now: &Now, id: AssocId) {
        let (least, most) = self.poll_range(id);
        let unit_s = self.throttle_unit_s(id);
        let wish = self.wish(id);
        let separation = self.separation();
        let agreed = self.symmetric_poll(id);
        let Some(association) = self.associations.get_mut(&id) else { return };
        if association.kind == Kind::Pool || association.address.is_none() {
            return;
        }
        let is_exact = association.kind == Kind::Reference;
        let poll = &mut association.poll;
        poll.host_poll = poll.host_poll.clamp(least, most);
        poll.wished = wish;
        let mut earliest = now.mono + poll.throttle.headway(now.mono, unit_s);
        if let Some(until) = poll.stopped_until {
            earliest = earliest.max(until);
        }
        let at = if poll.burst > 0 {
            match poll.next {
                Some(next) if next > now.mono => next,
                _ => earliest,
            }
        } else {
            let interval = match wish {
                Some(wish) => stretched(wish, WISH_STRETCH, &mut self.random),
                None if is_exact => poll.host_poll.interval().unwrap_or(LONGEST),
                None if poll.retry > 0 => jittered(least, &mut self.random),
                None => jittered(agreed.unwrap_or(poll.host_poll), &mut self.random),
            };
            let mut at = poll.last.map_or(now.mono, |last| last + interval).max(earliest);
            if poll.throttle.level_s(now.mono) > unit_s && wish.is_none() {
                at = at + MINPKT;
            }
            at
        };
        let at = self.timers.free_slot(id, at, separation);
        poll.next = Some(at);
        self.timers.set(Timer::Poll(id), at);
    }

    /// Asks at the next moment that is free.
    pub(in crate::engine) fn poll_soon(&mut self, now: &Now, id: AssocId) {
        let separation = self.separation();
        let unit_s = self.throttle_unit_s(id);
        let Some(association) = self.associations.get_mut(&id) else { return };
        let poll = &mut association.poll;
        let rested = match poll.last {
            None => now.mono,
            Some(_) => now.mono + poll.throttle.headway(now.mono, unit_s),
        };
        let at =
            self.timers.free_slot(id, rested.max(poll.stopped_until.unwrap_or(rested)), separation);
        poll.next = Some(at);
        self.timers.set(Timer::Poll(id), at);
    }

    /// The range of the poll interval of an association, with all that politeness asks.
    pub(in crate::engine) fn poll_range(&self, id: AssocId) -> (PollExponent, PollExponent) {
        let floor = self.floor(id);
        let Some(association) = self.associations.get(&id) else { return (floor, floor) };
        let least = association.options.minpoll.max(floor);
        (least, association.options.maxpoll.max(least))
    }

    /// The least interval, whatever anybody wishes.
    fn floor(&self, id: AssocId) -> PollExponent {
        let own = if self.settings.beside_daemon { BESIDE_DAEMON } else { LEAST };
        let told = self.associations.get(&id).and_then(|a| a.poll.rate_floor);
        self.settings.poll_floor.max(own).max(told.unwrap_or(LEAST))
    }

    /// The interval that the discipline wishes for a source that answers, as far as it is granted.
    fn wish(&self, id: AssocId) -> Option<Duration> {
        // A peer sends when it is its turn, and who broadcasts, too: to ask more brings nothing.
        let asks = |a: &&Association| a.kind == Kind::Client;
        let association = self.associations.get(&id).filter(asks)?;
        if association.poll.reach.register() & RECENT == 0 {
            return None;
        }
        let wish = self.discipline.poll_wish(id)?;
        let (_, most) = self.poll_range(id);
        let is_told = association.poll.rate_floor.is_some() || self.settings.beside_daemon;
        let least = if is_told { self.floor(id).interval()? } else { MINPKT };
        Some(wish.min(most.interval()?).max(least))
    }

    /// What one packet adds to the headway owed, in seconds.
    ///
    /// A discipline that wishes for intervals may wish for short ones at the start, before it has
    /// told any: the burst must not have used up what they need.
    pub(in crate::engine) fn throttle_unit_s(&self, id: AssocId) -> f64 {
        let wishes = self.settings.algorithm == Algorithm::Kalman;
        let unit = if wishes { self.floor(id) } else { self.poll_range(id).0 };
        f64::from(unit.exponent()).exp2()
    }

    /// How far apart packets to different sources are.
    fn separation(&self) -> Duration {
        let count = u32::try_from(self.associations.len()).unwrap_or(u32::MAX).max(1);
        (SEPARATION_SPAN / count).min(SEPARATION)
    }
}

impl Association {
    /// Whether it passes the tests of an association.
    fn is_fit(&self) -> bool {
        self.flash.bits() & flash_bits::ASSOCIATION == 0
    }
}

/// An interval as ntpd has it: up to 6 % longer than the power of two.
fn jittered(poll: PollExponent, random: &mut ChaCha20Rng) -> Duration {
    let interval = poll.interval().unwrap_or(LONGEST);
    let octet = random.next_u32() & 0xff;
    interval + interval / 4096 * octet
}

/// An interval that is up to `share` longer.
fn stretched(interval: Duration, share: f64, random: &mut ChaCha20Rng) -> Duration {
    let part = f64::from(random.next_u32()) / f64::from(u32::MAX);
    interval.min(LONGEST).mul_f64(1.0 + share * part)
}

/// 64 bits that nobody can guess, and that are not all zero.
pub(in crate::engine) fn nonce(random: &mut ChaCha20Rng) -> NtpTimestamp {
    loop {
        let bits = random.next_u64();
        if bits != 0 {
            return NtpTimestamp::from_bits(bits);
        }
    }
}

/// Codes of what happens to an association, as in a peer status word.
pub(in crate::engine) mod event {
    pub(in crate::engine) const MOBILISED: u8 = 1;
    pub(in crate::engine) const DEMOBILISED: u8 = 2;
    pub(in crate::engine) const UNREACHABLE: u8 = 3;
    pub(in crate::engine) const REACHABLE: u8 = 4;
    pub(in crate::engine) const RESTARTED: u8 = 5;
    pub(in crate::engine) const RATE_EXCEEDED: u8 = 7;
    pub(in crate::engine) const DENIED: u8 = 8;
    pub(in crate::engine) const SYSTEM_PEER: u8 = 10;
    pub(in crate::engine) const BAD_AUTH: u8 = 12;
    pub(in crate::engine) const POPCORN: u8 = 13;
    pub(in crate::engine) const INTERLEAVED: u8 = 14;
    pub(in crate::engine) const INTERLEAVE_ERROR: u8 = 15;
}

/// Bits of the variable `flash`.
pub(in crate::engine) mod flash_bits {
    pub(in crate::engine) const DUPLICATE: u16 = 0x0001;
    pub(in crate::engine) const BOGUS: u16 = 0x0002;
    pub(in crate::engine) const UNSYNCHRONISED: u16 = 0x0004;
    pub(in crate::engine) const DENIED: u16 = 0x0008;
    pub(in crate::engine) const AUTHENTICATION: u16 = 0x0010;
    pub(in crate::engine) const STRATUM: u16 = 0x0020;
    pub(in crate::engine) const HEADER: u16 = 0x0040;
    pub(in crate::engine) const PEER_STRATUM: u16 = 0x0200;
    pub(in crate::engine) const PEER_DISTANCE: u16 = 0x0400;
    pub(in crate::engine) const PEER_LOOP: u16 = 0x0800;
    pub(in crate::engine) const PEER_UNREACHABLE: u16 = 0x1000;
    pub(in crate::engine) const ASSOCIATION: u16 =
        PEER_STRATUM | PEER_DISTANCE | PEER_LOOP | PEER_UNREACHABLE;
    /// What an association fails of which nothing was heard, and always one that is not measured.
    pub(in crate::engine) const UNHEARD: u16 = PEER_STRATUM | PEER_DISTANCE | PEER_UNREACHABLE;
}

/// `NTP_UNREACH`: polls without a reply before the interval grows.
pub(in crate::engine) const UNREACH: u32 = 10;

/// `NTP_RETRY`: polls in which a reply starts a burst.
pub(in crate::engine) const RETRY: u32 = 3;

/// `NTP_IBURST`: packets of an initial burst.
const IBURST: u32 = 6;

/// `NTP_MINPKT`: the least time between two packets to one server.
const MINPKT: Duration = Duration::from_secs(2);

/// Units of headway that may be owed: `NTP_SHIFT` less one.
const HEADWAY_UNITS: f64 = 7.0;

/// Within this a reply is waited for.
const REPLY_WINDOW: Duration = Duration::from_secs(5);

/// Polls of which one was answered lately, as bits of the reach register: a wish is for a source
/// that answers.
const RECENT: u8 = 0x0f;

/// `NTP_MINPOLL`: what servers put up with by default.
const LEAST: PollExponent = PollExponent::new(3);

/// What is left to us beside a daemon that asks the same servers.
const BESIDE_DAEMON: PollExponent = PollExponent::new(6);

/// An interval that none exceeds.
const LONGEST: Duration = Duration::from_secs(1 << 17);

/// How much longer than wished an interval is at most, so that sources do not march in step.
const WISH_STRETCH: f64 = 0.05;

/// Packets to different sources are this far apart, as chrony's are.
const SEPARATION: Duration = Duration::from_millis(200);

/// All sources have a packet in this time where they are too many for that.
const SEPARATION_SPAN: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;

    #[test]
    fn an_interval_is_up_to_six_percent_longer_than_its_power_of_two() {
        let mut random = ChaCha20Rng::from_seed([7; 32]);
        let drawn: Vec<u64> =
            (0..4000).map(|_| jittered(PollExponent::new(6), &mut random).as_secs()).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&64), Some(&67)));
        let longest = (0..4000).map(|_| jittered(PollExponent::new(10), &mut random).as_secs());
        assert_eq!(longest.max(), Some(1087));
    }

    #[test]
    fn eight_quick_packets_use_the_headway_up() {
        let mut throttle = Throttle::default();
        let now = Mono::from_nanos(5);
        for sent in 1..=8_u32 {
            throttle.add(now, 64.0);
            assert!((throttle.level_s(now) - f64::from(62 * sent)).abs() < 1e-9);
            let headway = if sent == 8 { 48 } else { 2 };
            assert_eq!(throttle.headway(now, 64.0), Duration::from_secs(headway));
        }
        assert_eq!(throttle.headway(now + Duration::from_secs(48), 64.0), MINPKT);
    }
}
