//! Servers that send to everybody, honest and not.

use std::net::SocketAddr;

use super::pair::{Pair, Server, seconds};
use crate::config::keys::{self, Entry};
use crate::config::ntp_conf::{Directive, Flag};
use crate::engine::association::{Association, Kind};
use crate::engine::output::{Output, Socket};
use crate::units::{KeyId, Mode, NtpDuration, PollExponent, Tally};
use crate::wire::packet::Header;

fn entries() -> Vec<Entry> {
    keys::read("keys", "1 MD5 ntpkey-test\n2 SHA1 another-secret\n").unwrap()
}

fn apply(pair: &mut Pair, directives: &[Directive]) {
    for directive in directives {
        let now = pair.now();
        pair.engine.apply(&now, directive).unwrap();
    }
}

/// Listens to all, signed or not; its server is heard, and not configured.
fn trusting(seed: u8, volley: bool) -> Pair {
    let mut pair = Pair::new(seed);
    let open = Directive::Flag { flag: Flag::Auth, is_enabled: false };
    apply(&mut pair, &[open, Directive::BroadcastClient { volley }]);
    pair.servers.insert(Pair::address(1), Server::default());
    pair
}

fn only(pair: &Pair) -> &Association {
    let mut all = pair.engine.associations();
    let first = all.next().expect("there is an association");
    assert!(all.next().is_none());
    first
}

#[test]
fn the_directives_ask_for_the_port_and_the_groups() {
    let mut pair = Pair::new(1);
    let groups = vec!["224.0.1.1".parse().unwrap(), "ff05::101".parse().unwrap()];
    let now = pair.now();
    for directive in
        [Directive::BroadcastClient { volley: true }, Directive::MulticastClient(groups)]
    {
        pair.engine.apply(&now, &directive).unwrap();
    }
    let mut listened = Vec::new();
    while let Some(output) = pair.engine.poll_output() {
        if let Output::Listen { group } = output {
            listened.push(group.map(|group| group.to_string()));
        }
    }
    assert_eq!(listened, [None, Some("224.0.1.1".into()), Some("ff05::101".into())]);
}

#[test]
fn a_server_is_asked_first_and_listened_to_afterwards() {
    let mut pair = trusting(2, true);
    pair.set_error(-0.02);
    pair.run_broadcasting(1, 4, seconds(64));
    let asked = pair.server(1).asked;
    assert!((4..=8).contains(&asked), "{asked}");
    let association = only(&pair);
    assert_eq!(
        (association.kind, association.kind.host_mode()),
        (Kind::BroadcastClient, Mode::Control)
    );
    assert!(!association.is_configured());
    pair.run_broadcasting(1, 4, seconds(3600));
    assert_eq!(pair.server(1).asked, asked, "nobody is asked any more");
    let association = only(&pair);
    assert_eq!(association.poll.reach.register() & 0o376, 0o376, "none was missed");
    assert_eq!(association.standing.tally, Tally::SystemPeer);
    assert_eq!(
        (association.heard.mode, association.options.maxpoll),
        (Mode::Broadcast, PollExponent::new(4))
    );
    // Of its 10 ms half was taken off: the clock is right.
    assert!((association.filter.delay().seconds() - 0.01).abs() < 1e-4);
    assert!(pair.error_s().abs() < 5e-4, "{}", pair.error_s());
}

#[test]
fn without_a_volley_the_delay_is_taken_for_granted() {
    let mut pair = trusting(3, false);
    pair.set_error(-0.02);
    pair.run_broadcasting(1, 4, seconds(3600));
    assert_eq!((pair.server(1).asked, pair.sent.len()), (0, 0));
    // Its way takes 5 ms, of which 2 are known.
    assert!((pair.error_s() + 0.003).abs() < 5e-4, "{}", pair.error_s());
    let mut pair = trusting(4, true);
    apply(&mut pair, &[Directive::BroadcastDelay(NtpDuration::from_seconds(0.01))]);
    pair.set_error(-0.02);
    pair.run_broadcasting(1, 4, seconds(3600));
    assert_eq!(pair.server(1).asked, 0);
    assert!(pair.error_s().abs() < 5e-4, "{}", pair.error_s());
}

#[test]
fn a_server_that_answers_nobody_is_listened_to_nevertheless() {
    let mut pair = trusting(5, true);
    pair.server(1).answers = false;
    pair.run_broadcasting(1, 4, seconds(900));
    let association = only(&pair);
    assert_eq!(association.kind, Kind::BroadcastClient);
    assert!((association.filter.delay().seconds() - 0.004).abs() < 1e-6);
    assert_eq!(association.standing.tally, Tally::SystemPeer);
    assert!(pair.server(1).asked <= 5);
}

#[test]
fn only_who_has_a_trusted_key_is_heard_by_default() {
    let mut pair = Pair::new(6);
    pair.engine.set_keys(entries());
    let trusted = Directive::TrustedKeys(vec![KeyId::new(1).unwrap()]);
    apply(&mut pair, &[trusted, Directive::BroadcastClient { volley: true }]);
    for (number, key) in [(1, None), (2, Some(entries().remove(1).key))] {
        pair.servers.insert(Pair::address(number), Server { key, ..Server::default() });
        pair.run_broadcasting(number, 4, seconds(300));
        assert_eq!(pair.engine.associations().count(), 0);
        assert!(pair.sent.is_empty());
    }
    assert!(pair.engine.counters().bad_auth > 30);
    let key = Some(entries().remove(0).key);
    pair.servers.insert(Pair::address(3), Server { key, ..Server::default() });
    pair.run_broadcasting(3, 4, seconds(300));
    let association = only(&pair);
    assert_eq!(association.standing.tally, Tally::SystemPeer);
    assert!(association.heard.is_authentic);
    assert_eq!(association.options.key, KeyId::new(1));
    assert!(pair.sent.iter().all(|(_, sent)| sent.datagram.len() == 68), "the volley is signed");
    // The same address without the key is counted, and changes nothing.
    let (samples, transmit) = (association.samples, association.heard.transmit);
    pair.server(3).key = None;
    pair.run_broadcasting(3, 4, seconds(64));
    let association = only(&pair);
    assert_eq!((association.samples, association.heard.transmit), (samples, transmit));
    assert!(association.counters.bad_auth >= 4);
}

#[test]
fn what_was_sent_before_or_comes_too_early_is_refused() {
    let mut pair = trusting(7, true);
    let first = pair.broadcast_of(1, 4);
    pair.run_broadcasting(1, 4, seconds(600));
    let association = only(&pair);
    let (samples, old) = (association.samples, association.counters.old_packet);
    let last = pair.broadcast_of(1, 4);
    pair.overhear(1, last.clone());
    pair.run(seconds(16));
    for replay in [&first, &last, &last] {
        pair.overhear(1, replay.clone());
        pair.run(seconds(16));
    }
    assert_eq!(only(&pair).samples, samples + 1);
    assert_eq!(only(&pair).counters.old_packet, old + 3);
    // New, but within the interval that it names.
    for _ in 0..5 {
        let datagram = pair.broadcast_of(1, 4);
        pair.overhear(1, datagram);
        pair.run(seconds(2));
    }
    assert_eq!(only(&pair).samples, samples + 2);
    // At another interval than it named first.
    pair.run(seconds(64));
    let datagram = pair.broadcast_of(1, 5);
    pair.overhear(1, datagram);
    pair.run(seconds(2));
    assert_eq!(only(&pair).samples, samples + 2);
}

#[test]
fn a_server_that_is_not_synchronised_or_kisses_gives_no_time() {
    let mut pair = trusting(8, true);
    pair.server(1).stratum = 0;
    pair.run_broadcasting(1, 4, seconds(64));
    pair.server(1).stratum = 15;
    pair.run_broadcasting(1, 4, seconds(64));
    assert_eq!(pair.engine.associations().count(), 0);
    pair.server(1).stratum = 1;
    pair.run_broadcasting(1, 4, seconds(300));
    let samples = only(&pair).samples;
    pair.server(1).leap = crate::units::Leap::Alarm;
    pair.run_broadcasting(1, 4, seconds(64));
    assert_eq!(only(&pair).samples, samples);
    assert_ne!(only(&pair).flash.bits() & 0x20, 0, "its stratum says so");
}

#[test]
fn a_server_that_falls_silent_is_forgotten_and_found_again() {
    let mut pair = trusting(9, true);
    pair.run_broadcasting(1, 4, seconds(600));
    let before = only(&pair).id;
    pair.run(seconds(150));
    assert!(!only(&pair).poll.reach.is_reachable(), "{:?}", only(&pair).poll);
    pair.run(seconds(150));
    assert_eq!(pair.engine.associations().count(), 0);
    pair.run_broadcasting(1, 4, seconds(300));
    assert_ne!(only(&pair).id, before);
    assert_eq!(only(&pair).standing.tally, Tally::SystemPeer);
    apply(&mut pair, &[Directive::Flag { flag: Flag::BroadcastClient, is_enabled: false }]);
    pair.run_broadcasting(1, 4, seconds(64));
    assert_eq!(pair.engine.associations().count(), 0);
}

#[test]
fn what_leaves_later_than_it_says_tells_by_how_much_in_the_next() {
    let mut pair = trusting(10, true);
    let mut before = None;
    let mut ran = 0;
    while ran < 1600 {
        let mut bytes = pair.broadcast_of(1, 4);
        // It says 3 ms less than the time at which it leaves, and the next tells that time.
        let left = crate::wire::packet::Packet::parse(&bytes).unwrap().header.transmit;
        let said = left + NtpDuration::from_seconds(-0.003);
        bytes[40..48].copy_from_slice(&said.bits().to_be_bytes());
        if let Some(before) = before.replace(left) {
            let origin: crate::units::NtpTimestamp = before;
            bytes[24..32].copy_from_slice(&origin.bits().to_be_bytes());
        }
        pair.overhear(1, bytes);
        pair.run(seconds(16));
        ran += 16;
    }
    assert!(pair.error_s().abs() < 5e-4, "{}", pair.error_s());
    assert!((only(&pair).filter.delay().seconds() - 0.01).abs() < 2e-3);
}

#[test]
fn a_flood_makes_no_more_associations_than_there_are_places() {
    let mut pair = trusting(11, true);
    for host in 0..2000_u32 {
        let [.., high, low] = host.to_be_bytes();
        let from = SocketAddr::from(([198, 18, high, low], 123));
        let bytes = pair.broadcast_of(1, 4);
        pair.inject(Socket::Ntp, from, &bytes);
    }
    assert_eq!(pair.engine.associations().count(), 10);
    pair.run(seconds(600));
    assert_eq!(pair.engine.associations().count(), 0, "none of them was ever heard again");
    // Nobody of the air can be one of ours.
    for from in ["224.0.1.1:123", "0.0.0.0:123", "255.255.255.255:123", "10.0.0.1:0"] {
        let bytes = pair.broadcast_of(1, 4);
        pair.inject(Socket::Ntp, from.parse().unwrap(), &bytes);
        assert_eq!(pair.engine.associations().count(), 0, "{from}");
    }
}

#[test]
fn nothing_is_heard_unless_told() {
    let mut pair = Pair::new(12);
    pair.servers.insert(Pair::address(1), Server::default());
    let header = Header { mode: Mode::Broadcast, ..Header::request(pair.now().clock) };
    pair.inject(Socket::Ntp, SocketAddr::new(Pair::address(1), 123), &header.emit());
    pair.run_broadcasting(1, 4, seconds(64));
    assert_eq!(pair.engine.associations().count(), 0);
    assert!(pair.engine.counters().declined >= 5);
}
