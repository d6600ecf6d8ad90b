//! Peers that speak first: who gets an association, who only an answer, and who nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::pair::{Pair, seconds};
use crate::config::keys;
use crate::config::ntp_conf::{Directive, Flag};
use crate::config::restrict::Flags;
use crate::engine::access::Admission;
use crate::engine::association::{Association, Kind};
use crate::engine::output::{Socket, Transmission};
use crate::units::{
    KeyId, Leap, Mode, NtpDuration, NtpTimestamp, PollExponent, Precision, RefId, Stratum,
};
use crate::wire::mac::Key;
use crate::wire::packet::{Header, Packet, Trailer};

/// An engine that serves, with a key, and a peer that it does not know.
struct Caller {
    pair: Pair,
    key: Option<Key>,
    from: SocketAddr,
    ahead_s: f64,
    /// When our last packet came to it.
    received: NtpTimestamp,
    /// Whether its clock is set.
    is_set: bool,
}

const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 200));

impl Caller {
    fn new(seed: u8) -> Self {
        let mut pair = Pair::new(seed);
        let entries = keys::read("keys", "1 MD5 ntpkey-test\n2 SHA1 other\n").unwrap();
        let key = entries[0].key.clone();
        pair.engine.set_keys(entries);
        let now = pair.now();
        let trusted = Directive::TrustedKeys(vec![KeyId::new(1).unwrap()]);
        pair.engine.apply(&now, &trusted).unwrap();
        (pair.admitted, pair.to) = (Some(Admission::default()), Some(OURS));
        let from = SocketAddr::new(Pair::address(9), 123);
        Self {
            pair,
            key: Some(key),
            from,
            ahead_s: 0.02,
            received: NtpTimestamp::NEVER,
            is_set: true,
        }
    }

    fn without_auth(seed: u8) -> Self {
        let mut caller = Self { key: None, ..Self::new(seed) };
        let now = caller.pair.now();
        let flag = Directive::Flag { flag: Flag::Auth, is_enabled: false };
        caller.pair.engine.apply(&now, &flag).unwrap();
        caller
    }

    fn packet(&self, origin: NtpTimestamp) -> Header {
        let ahead = NtpDuration::from_seconds(self.ahead_s - self.pair.error_s());
        Header {
            mode: Mode::SymmetricActive,
            leap: if self.is_set { Leap::None } else { Leap::Alarm },
            stratum: Stratum::new(if self.is_set { 2 } else { 0 }),
            poll: PollExponent::new(6),
            precision: Precision::new(-24),
            reference_id: RefId::new([192, 0, 2, 77]),
            origin,
            receive: if origin.is_never() { NtpTimestamp::NEVER } else { self.received },
            transmit: self.pair.now().clock + ahead,
            ..Header::request(NtpTimestamp::NEVER)
        }
    }

    fn hand(&mut self, header: &Header) -> Vec<u8> {
        let datagram = match &self.key {
            Some(key) => key.seal(header.emit()),
            None => header.emit(),
        };
        self.pair.inject(Socket::Ntp, self.from, &datagram);
        datagram
    }

    fn greet(&mut self) -> Vec<u8> {
        let header = self.packet(NtpTimestamp::NEVER);
        self.hand(&header)
    }

    fn passive(&self) -> Option<&Association> {
        self.pair.engine.associations().find(|association| association.kind == Kind::Passive)
    }

    /// What was sent since the last time that this was asked.
    fn sent(&mut self) -> Vec<Transmission> {
        std::mem::take(&mut self.pair.sent).into_iter().map(|(_, sent)| sent).collect()
    }

    /// Answers the last packet that we sent, as any peer at its turn.
    fn answer(&mut self) {
        let before = self.pair.sent.len();
        while self.pair.sent.len() == before {
            self.pair.run(Duration::from_millis(50));
        }
        let ahead = NtpDuration::from_seconds(self.ahead_s - self.pair.error_s());
        let (at, sent) = self.pair.sent.last().unwrap();
        let since = NtpDuration::from(self.pair.now().mono.since(*at));
        self.received = self.pair.now().clock + ahead + -since;
        let sent = Packet::parse(&sent.datagram).unwrap().header;
        self.pair.run(seconds(1));
        let packet = self.packet(sent.transmit);
        self.hand(&packet);
    }
}

#[test]
fn who_is_known_by_its_key_is_measured_for_as_long_as_it_speaks() {
    let mut caller = Caller::new(1);
    caller.greet();
    let association = caller.passive().unwrap();
    assert_eq!(association.options.key, KeyId::new(1));
    assert_eq!(association.address, Some(caller.from));
    assert!(!association.is_configured());
    // Nothing leaves at once, and then what ours is, from the address that was asked.
    caller.pair.run(seconds(1));
    assert!(caller.sent().is_empty());
    caller.pair.run(seconds(2));
    let sent = caller.sent();
    let [first] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((first.socket, first.to, first.from), (Socket::Ntp, caller.from, Some(OURS)));
    let packet = Packet::parse(&first.datagram).unwrap();
    assert_eq!(packet.header.mode, Mode::SymmetricPassive);
    let Trailer::Mac(mac) = packet.trailer else { panic!("no code") };
    assert!(mac.is_by(caller.key.as_ref().unwrap(), packet.covered(&first.datagram)));
    caller.answer();
    let offset_s = caller.passive().unwrap().filter.offset().seconds();
    assert!((offset_s - 0.02).abs() < 1e-4, "{offset_s}");
    for _ in 0..8 {
        caller.answer();
    }
    let association = caller.passive().unwrap();
    assert!(association.samples == 9 && association.heard.is_authentic);
    let id = association.id;
    assert_eq!(caller.pair.engine.system().peer, Some(id), "it may be followed");
    assert_eq!(caller.pair.engine.system().stratum, Stratum::new(3));
    // It falls silent.
    caller.pair.run(seconds(64 * 30));
    assert!(caller.passive().is_none());
}

#[test]
fn who_is_not_known_is_answered_and_nothing_of_it_is_kept() {
    let mut caller = Caller { key: None, ..Caller::new(2) };
    let request = caller.packet(NtpTimestamp::NEVER);
    let datagram = caller.hand(&request);
    let sent = caller.sent();
    let [reply] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((reply.to, reply.from), (caller.from, Some(OURS)));
    assert!(reply.datagram.len() <= datagram.len());
    let header = Packet::parse(&reply.datagram).unwrap().header;
    assert_eq!((header.mode, header.origin), (Mode::SymmetricPassive, request.transmit));
    assert_eq!((header.leap, header.stratum), (Leap::Alarm, Stratum::new(0)), "we are not set");
    assert!((header.transmit - caller.pair.now().clock).abs().seconds() < 1e-6);
    assert!(caller.passive().is_none());
}

#[test]
fn a_wrong_code_is_said_to_be_wrong_and_brings_nothing_about() {
    let mut caller = Caller::new(3);
    let entries = keys::read("keys", "1 MD5 wrong\n2 SHA1 other\n").unwrap();
    for entry in entries {
        // The second is there but not trusted.
        caller.key = Some(entry.key);
        let datagram = caller.greet();
        let sent = caller.sent();
        let [reply] = sent.as_slice() else { panic!("{sent:?}") };
        let packet = Packet::parse(&reply.datagram).unwrap();
        assert_eq!(packet.trailer, Trailer::CryptoNak);
        assert!(reply.datagram.len() < datagram.len());
    }
    assert_eq!(caller.pair.engine.counters().bad_auth, 2);
    // What says that our code is wrong is never answered: two of us would do so for ever.
    let mut nak = caller.packet(NtpTimestamp::NEVER).emit();
    nak.extend([0; 4]);
    caller.pair.inject(Socket::Ntp, caller.from, &nak);
    assert!(caller.sent().is_empty() && caller.passive().is_none());
}

#[test]
fn restrictions_decide_who_gets_an_association() {
    let outcome = |auth: bool, has_key: bool, flags: Flags| {
        let mut caller = if auth { Caller::new(4) } else { Caller::without_auth(4) };
        let key = Caller::new(4).key.filter(|_| has_key);
        caller.key = key;
        caller.pair.admitted = Some(Admission { flags, most_peers: None });
        caller.greet();
        (caller.passive().is_some(), caller.sent().len())
    };
    let none = Flags::NONE;
    assert_eq!(outcome(true, true, none), (true, 0));
    assert_eq!(outcome(true, false, none), (false, 1));
    assert_eq!(outcome(false, false, none), (true, 0));
    assert_eq!(outcome(false, true, none), (true, 0));
    // `nopeer` is about those without a key, `noepeer` about all.
    assert_eq!(outcome(false, false, Flags::NOPEER), (false, 1));
    assert_eq!(outcome(false, true, Flags::NOPEER), (true, 0));
    assert_eq!(outcome(false, false, Flags::NOEPEER), (false, 0));
    assert_eq!(outcome(true, true, Flags::NOEPEER), (false, 0));
    // Windows asks for the time in this mode, too, and is answered as by ntpd.
    assert_eq!(outcome(true, false, Flags::NOEPEER), (false, 1));
    assert_eq!(outcome(true, false, Flags::NOEPEER.with(Flags::NOPEER)), (false, 1));
    assert_eq!(outcome(false, false, Flags::NOTRUST), (false, 0));
    assert_eq!(outcome(false, true, Flags::NOTRUST), (true, 0));
}

#[test]
fn no_more_associations_than_allowed_are_made_with_one_address() {
    let mut caller = Caller::new(5);
    caller.pair.admitted = Some(Admission { flags: Flags::NONE, most_peers: Some(2) });
    for port in 1000..1010 {
        caller.from.set_port(port);
        caller.greet();
    }
    assert_eq!(caller.pair.engine.associations().count(), 2);
    assert_eq!(caller.pair.engine.counters().declined, 8);
    caller.pair.admitted = Some(Admission { flags: Flags::NONE, most_peers: Some(0) });
    caller.from = SocketAddr::new(Pair::address(10), 123);
    caller.greet();
    assert_eq!(caller.pair.engine.associations().count(), 2);
}

#[test]
fn who_is_not_served_or_tells_no_usable_stratum_brings_nothing_about() {
    let mut caller = Caller::new(6);
    caller.pair.admitted = None;
    caller.greet();
    caller.pair.admitted = Some(Admission::default());
    caller.pair.to = Some("224.0.1.1".parse().unwrap());
    caller.greet();
    caller.pair.to = Some(OURS);
    for address in ["224.0.1.1:123", "255.255.255.255:123", "192.0.2.9:0", "0.0.0.0:123"] {
        let from = std::mem::replace(&mut caller.from, address.parse().unwrap());
        caller.greet();
        caller.from = from;
    }
    for stratum in [15, 16, 200] {
        let header =
            Header { stratum: Stratum::new(stratum), ..caller.packet(NtpTimestamp::NEVER) };
        caller.hand(&header);
    }
    assert!(caller.sent().is_empty() && caller.passive().is_none());
    assert_eq!(caller.pair.engine.counters().declined, 9);
    // Who is not set itself may follow us.
    let unset = caller.packet(NtpTimestamp::NEVER);
    let unset = Header { leap: Leap::Alarm, stratum: Stratum::new(0), ..unset };
    caller.hand(&unset);
    assert!(caller.passive().is_some());
}

#[test]
fn replays_and_guesses_bring_no_sample_and_end_with_four_packets() {
    let mut caller = Caller::new(7);
    let first = caller.greet();
    for second in 0..64 * 40 {
        caller.pair.run(seconds(1));
        if second < 200 {
            // Somebody heard the first packet, and knows nothing of what we send.
            caller.pair.inject(Socket::Ntp, caller.from, &first);
            let guess = caller.packet(NtpTimestamp::from_bits(second + 1));
            let keyless = guess.emit();
            caller.pair.inject(Socket::Ntp, caller.from, &keyless);
        }
    }
    assert!(caller.passive().is_none());
    assert_eq!(caller.sent().len(), 4);
    // Once more it begins anew: a replay can do no more than that.
    caller.pair.inject(Socket::Ntp, caller.from, &first);
    assert_eq!(caller.passive().unwrap().samples, 0);
}

#[test]
fn who_answers_is_kept_though_its_clock_is_not_set() {
    let mut caller = Caller { is_set: false, ..Caller::new(10) };
    caller.greet();
    let id = caller.passive().unwrap().id;
    for _ in 0..8 {
        caller.answer();
    }
    let association = caller.passive().unwrap();
    assert_eq!((association.id, association.samples), (id, 0), "it is the same all the time");
    assert!(!association.poll.reach.is_reachable());
}

#[test]
fn a_flood_from_ten_thousand_addresses_does_not_grow_without_end() {
    let mut caller = Caller::without_auth(8);
    let mut most = 0;
    for number in 0..10_000_u32 {
        caller.from = SocketAddr::new(Ipv4Addr::from(0x0a00_0000 + number).into(), 123);
        caller.greet();
        most = most.max(caller.pair.engine.associations().count());
        caller.pair.run(Duration::from_millis(1));
    }
    assert_eq!(most, 128);
    // The others are answered all the same.
    assert!(caller.sent().len() >= 10_000 - 128);
    caller.pair.run(seconds(64 * 8));
    assert_eq!(caller.pair.engine.associations().count(), 0);
}

#[test]
fn a_configured_peer_is_not_mobilised_a_second_time_and_passive_ones_hear_no_replies() {
    let mut caller = Caller::new(9);
    caller.greet();
    let passive = caller.passive().unwrap().id;
    // Mode 2 is not for one that is passive itself: two such would not end.
    let header =
        Header { mode: Mode::SymmetricPassive, ..caller.packet(NtpTimestamp::from_bits(1)) };
    caller.hand(&header);
    assert_eq!(caller.pair.association(passive).counters.received, 1);
    let host = crate::config::host::HostSpec::new(caller.from.ip().to_string());
    let options = crate::config::ntp_conf::Options { key: KeyId::new(1), ..Default::default() };
    let peer = caller.pair.add(crate::config::ntp_conf::Kind::Peer, host, options);
    caller.hand(&header);
    let header = caller.packet(NtpTimestamp::NEVER);
    caller.hand(&header);
    assert_eq!(caller.pair.association(peer).counters.received, 2);
    assert_eq!(caller.pair.engine.associations().count(), 2);
}
