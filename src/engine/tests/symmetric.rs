//! Symmetric active associations, packet by packet.

use std::net::SocketAddr;
use std::time::Duration;

use super::pair::{Pair, seconds};
use crate::config::host::HostSpec;
use crate::config::keys;
use crate::config::ntp_conf::{Directive, Kind, Options, Tos};
use crate::engine::association::Association;
use crate::engine::output::{Output, Socket, Transmission};
use crate::units::{
    AssocId, KeyId, Leap, Mode, NtpDuration, NtpTimestamp, PollExponent, Precision, RefId, Stratum,
};
use crate::wire::mac::Key;
use crate::wire::packet::{Header, Packet};

/// An engine and a peer whose packets the test writes itself.
struct Exchange {
    pair: Pair,
    id: AssocId,
    /// How far the peer's clock is ahead.
    ahead_s: f64,
    key: Option<Key>,
    mode: Mode,
    /// When the last packet of ours came to the peer, by its clock.
    received: NtpTimestamp,
}

/// What takes a packet from one to the other.
const WAY: Duration = Duration::from_millis(5);

impl Exchange {
    fn new(seed: u8, options: Options) -> Self {
        let mut pair = Pair::new(seed);
        let host = HostSpec::new(Pair::address(1).to_string());
        let id = pair.add(Kind::Peer, host, options);
        Self {
            pair,
            id,
            ahead_s: 0.02,
            key: None,
            mode: Mode::SymmetricActive,
            received: NtpTimestamp::NEVER,
        }
    }

    fn association(&self) -> &Association {
        self.pair.association(self.id)
    }

    /// Lets the time pass until our next packet leaves.
    fn next_sent(&mut self) -> Header {
        let before = self.pair.sent.len();
        while self.pair.sent.len() == before {
            self.pair.run(Duration::from_millis(100));
        }
        let since = self.pair.now().mono.since(self.pair.sent.last().unwrap().0);
        self.received = self.time(WAY) + -NtpDuration::from(since);
        self.last_sent()
    }

    fn last_sent(&self) -> Header {
        let (_, sent) = self.pair.sent.last().unwrap();
        Packet::parse(&sent.datagram).unwrap().header
    }

    fn transmission(&self) -> &Transmission {
        &self.pair.sent.last().unwrap().1
    }

    /// What the peer's clock shows in a while.
    fn time(&self, later: Duration) -> NtpTimestamp {
        let error = NtpDuration::from_seconds(self.ahead_s - self.pair.error_s());
        self.pair.now().clock + error + NtpDuration::from(later)
    }

    /// A packet that the peer sends now and that gives this back.
    fn packet(&self, origin: NtpTimestamp) -> Header {
        Header {
            mode: self.mode,
            leap: Leap::None,
            stratum: Stratum::new(2),
            poll: PollExponent::new(6),
            precision: Precision::new(-24),
            reference_id: RefId::new([192, 0, 2, 77]),
            origin,
            receive: if origin.is_never() { NtpTimestamp::NEVER } else { self.received },
            transmit: self.time(Duration::ZERO),
            ..Header::request(NtpTimestamp::NEVER)
        }
    }

    /// Hands a packet over that left a moment ago.
    fn hand(&mut self, header: &Header) {
        self.pair.run(WAY);
        let mut datagram = header.emit();
        if let Some(key) = &self.key {
            datagram = key.seal(datagram);
        }
        let from = SocketAddr::new(Pair::address(1), 123);
        self.pair.inject(Socket::Ntp, from, &datagram);
    }

    /// The peer answers our last packet after a while.
    fn answer(&mut self, after: Duration) -> Header {
        let origin = self.last_sent().transmit;
        self.pair.run(after);
        let packet = self.packet(origin);
        self.hand(&packet);
        packet
    }

    fn samples(&self) -> u32 {
        self.association().samples
    }

    fn flash(&self) -> u16 {
        self.association().flash.bits() & 0x1ff
    }
}

#[test]
fn both_sides_give_back_what_the_other_sent_last() {
    let mut exchange = Exchange::new(1, Options::default());
    let first = exchange.next_sent();
    assert_eq!(
        (first.mode, first.origin.bits(), first.receive.bits()),
        (Mode::SymmetricActive, 0, 0)
    );
    assert_eq!(exchange.transmission().socket, Socket::Peer(exchange.id));
    let answer = exchange.answer(seconds(20));
    assert_eq!((exchange.samples(), exchange.flash()), (1, 0));
    let filter = &exchange.association().filter;
    assert!((filter.offset().seconds() - 0.02).abs() < 1e-6, "{:?}", filter.offset());
    assert!((filter.delay().seconds() - 0.01).abs() < 1e-6, "{:?}", filter.delay());
    let arrived = exchange.association().heard.destination;
    let next = exchange.next_sent();
    assert_eq!((next.origin, next.receive), (answer.transmit, arrived));
    // It tells a time, right to the resolution of the clock.
    let now = exchange.pair.now().clock;
    assert!(((now - next.transmit).seconds() - 0.0).abs() < 0.11);
    for _ in 0..8 {
        exchange.answer(seconds(30));
        exchange.next_sent();
    }
    assert_eq!(exchange.samples(), 9);
    assert_eq!(exchange.association().counters.bogus_origin, 0);
}

#[test]
fn packets_that_cross_or_come_after_a_loss_are_measured_all_the_same() {
    let mut exchange = Exchange::new(2, Options::default());
    let first = exchange.next_sent();
    exchange.answer(seconds(10));
    let received = exchange.received;
    // The peer sends once more before it has heard of our second packet: they cross.
    exchange.next_sent();
    exchange.received = received;
    let crossing = exchange.packet(first.transmit);
    exchange.hand(&crossing);
    assert_eq!((exchange.samples(), exchange.flash()), (2, 0));
    // It is given back, so the peer, which compares with what it sent last, is content.
    assert_eq!(exchange.next_sent().origin, crossing.transmit);
    exchange.answer(seconds(5));
    assert_eq!(exchange.samples(), 3);
    // What was overtaken is worth nothing any more.
    let old = exchange.packet(first.transmit);
    exchange.hand(&old);
    assert_eq!((exchange.samples(), exchange.flash()), (3, 0x002));
    assert_eq!(exchange.association().counters.bogus_origin, 1);
}

#[test]
fn a_copy_or_a_replay_gives_no_sample() {
    let mut exchange = Exchange::new(3, Options::default());
    exchange.next_sent();
    let first = exchange.answer(seconds(5));
    exchange.hand(&first);
    assert_eq!((exchange.samples(), exchange.flash()), (1, 0x001));
    let second = exchange.answer(seconds(5));
    assert_eq!(exchange.samples(), 2);
    // The one before the last, once more: it gives back what is known, but is older.
    exchange.hand(&first);
    assert_eq!((exchange.samples(), exchange.flash()), (2, 0x002));
    assert_eq!(exchange.next_sent().origin, second.transmit);
    assert_eq!(exchange.association().counters.old_packet, 1);
}

#[test]
fn an_exchange_begins_with_whoever_speaks_first_and_again_after_a_restart() {
    let mut exchange = Exchange::new(4, Options::default());
    let hello = exchange.packet(NtpTimestamp::NEVER);
    exchange.hand(&hello);
    assert_eq!((exchange.samples(), exchange.flash()), (0, 0x004));
    assert_eq!(exchange.next_sent().origin, hello.transmit);
    exchange.answer(seconds(1));
    let valid = exchange.next_sent().origin;
    // The peer starts over and has forgotten us.
    let hello = exchange.packet(NtpTimestamp::NEVER);
    exchange.hand(&hello);
    assert_eq!(exchange.next_sent().origin, valid);
    assert_eq!(exchange.next_sent().origin, hello.transmit);
    exchange.answer(seconds(1));
    assert_eq!(exchange.samples(), 2);
}

#[test]
fn who_has_not_seen_our_packets_disturbs_nothing() {
    let mut exchange = Exchange::new(5, Options::default());
    exchange.next_sent();
    for round in 0..20_u64 {
        let answer = exchange.answer(seconds(3));
        for guess in [0, 1, round + 2] {
            let spoofed = exchange.packet(NtpTimestamp::from_bits(guess));
            exchange.hand(&spoofed);
        }
        assert_eq!(exchange.next_sent().origin, answer.transmit);
    }
    assert_eq!(exchange.samples(), 20);
    // Other addresses and other modes are none of its business.
    let counters = exchange.association().counters;
    let origin = exchange.last_sent().transmit;
    let mut packet = exchange.packet(origin);
    let elsewhere = SocketAddr::new(Pair::address(1), 1123);
    exchange.pair.inject(Socket::Ntp, elsewhere, &packet.emit());
    for mode in [Mode::Client, Mode::Server, Mode::Broadcast, Mode::Unspecified] {
        packet.mode = mode;
        exchange.hand(&packet);
    }
    assert_eq!(exchange.association().counters, counters);
}

#[test]
fn a_step_of_our_clock_begins_the_exchange_anew() {
    let mut exchange = Exchange::new(6, Options::default());
    exchange.next_sent();
    exchange.answer(seconds(3));
    exchange.next_sent();
    let by = NtpDuration::from_seconds(5.0);
    exchange.pair.set_error(5.0);
    exchange.pair.handle(crate::engine::input::Input::ClockStepped { by });
    exchange.answer(seconds(1));
    assert_eq!(exchange.samples(), 0);
    // What is given back was received by the clock as it is now.
    let next = exchange.next_sent();
    let since = (next.transmit - next.receive).seconds();
    assert!(next.receive.is_never() || (0.0..70.0).contains(&since), "{since}");
    exchange.answer(seconds(1));
    assert_eq!(exchange.samples(), 1);
}

#[test]
fn peers_agree_on_the_shorter_interval() {
    let options = Options { minpoll: PollExponent::new(4), ..Options::default() };
    let mut exchange = Exchange::new(7, options);
    exchange.next_sent();
    let mut waits = Vec::new();
    for poll in [4, 5, 3] {
        for _ in 0..10 {
            let origin = exchange.last_sent().transmit;
            let packet = Header { poll: PollExponent::new(poll), ..exchange.packet(origin) };
            exchange.hand(&packet);
            let before = exchange.pair.sent.last().unwrap().0;
            assert_eq!(exchange.next_sent().poll, exchange.association().poll.host_poll);
            waits.push(exchange.pair.sent.last().unwrap().0.since(before).as_secs());
        }
    }
    // We would wait 64 s by ourselves, and never less than 16.
    let expected = [16, 32, 16];
    for (waits, least) in waits.chunks(10).zip(expected) {
        assert!(waits.iter().all(|wait| (least..=least + 2).contains(wait)), "{waits:?}");
    }
}

#[test]
fn a_key_is_asked_for_and_used() {
    let entries = keys::read("keys", "1 MD5 ntpkey-test\n").unwrap();
    let key = || entries[0].key.clone();
    let options = Options { key: KeyId::new(1), ..Options::default() };
    let mut exchange = Exchange::new(8, options);
    exchange.pair.engine.set_keys(entries.clone());
    let now = exchange.pair.now();
    let trusted = Directive::TrustedKeys(vec![KeyId::new(1).unwrap()]);
    exchange.pair.engine.apply(&now, &trusted).unwrap();
    exchange.next_sent();
    assert_eq!(exchange.transmission().datagram.len(), 68);
    exchange.answer(seconds(1));
    assert_eq!((exchange.samples(), exchange.flash()), (0, 0x010));
    // Nor is the beginning of an exchange taken from a stranger.
    let hello = exchange.packet(NtpTimestamp::NEVER);
    exchange.hand(&hello);
    assert!(exchange.next_sent().origin.is_never());
    exchange.key = Some(key());
    exchange.answer(seconds(1));
    assert_eq!((exchange.samples(), exchange.association().heard.is_authentic), (1, true));
}

#[test]
fn a_peer_that_keeps_no_state_answers_passively_and_may_refuse() {
    let mut exchange = Exchange::new(9, Options::default());
    exchange.mode = Mode::SymmetricPassive;
    for _ in 0..4 {
        exchange.next_sent();
        exchange.answer(Duration::ZERO);
    }
    assert_eq!(exchange.samples(), 4);
    assert_eq!(exchange.association().heard.mode, Mode::SymmetricPassive);
    let origin = exchange.next_sent().transmit;
    let kiss = Header {
        leap: Leap::Alarm,
        stratum: Stratum::new(0),
        reference_id: RefId::from_code("RATE").unwrap(),
        poll: PollExponent::new(8),
        ..exchange.packet(origin)
    };
    // Who has not seen the request cannot refuse it.
    let forged = Header { origin: NtpTimestamp::from_bits(7), ..kiss };
    exchange.hand(&forged);
    assert_eq!(exchange.association().counters.kisses, 0);
    exchange.hand(&kiss);
    assert_eq!(exchange.association().poll.rate_floor, Some(PollExponent::new(8)));
}

#[test]
fn the_tests_that_an_association_fails_are_known_with_its_packet() {
    let mut exchange = Exchange::new(12, Options::default());
    exchange.next_sent();
    // A selection has just been: the next is a second away.
    let now = exchange.pair.now();
    let again = Directive::Tos(Tos::Minsane(1));
    exchange.pair.engine.apply(&now, &again).unwrap();
    exchange.pair.handle(crate::engine::input::Input::Wakeup);
    assert_eq!(exchange.association().flash.bits(), 0x1600);
    let first = exchange.answer(Duration::ZERO);
    assert_eq!(exchange.association().flash.bits(), 0x0400, "one sample is not enough");
    exchange.hand(&first);
    assert_eq!(exchange.association().flash.bits(), 0x0401);
}

#[test]
fn a_peer_that_follows_us_is_in_a_loop_with_us() {
    let mut exchange = Exchange::new(10, Options::default());
    let ours = Pair::address(200);
    exchange.pair.handle(crate::engine::input::Input::OwnAddresses(vec![ours]));
    exchange.next_sent();
    let origin = exchange.last_sent().transmit;
    let packet = Header {
        reference_id: crate::wire::address_id::address_id(ours),
        stratum: Stratum::new(3),
        ..exchange.packet(origin)
    };
    exchange.hand(&packet);
    exchange.pair.run(seconds(2));
    assert_eq!(exchange.samples(), 1);
    assert_eq!(exchange.association().flash.bits() & 0x0800, 0x0800);
    assert_eq!(exchange.pair.engine.system().peer, None);
}

#[test]
fn an_association_that_ends_closes_its_socket() {
    let mut exchange = Exchange::new(11, Options::default());
    exchange.next_sent();
    let (now, id) = (exchange.pair.now(), exchange.id);
    assert!(exchange.pair.engine.remove(&now, id));
    let outputs: Vec<Output> = std::iter::from_fn(|| exchange.pair.engine.poll_output()).collect();
    assert!(outputs.contains(&Output::ClosePeer(id)), "{outputs:?}");
}
