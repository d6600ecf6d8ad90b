//! What servers do, and what the engine makes of it.

use std::net::SocketAddrV6;

use super::pair::{Pair, Server, iburst, seconds};
use crate::config::host::HostSpec;
use crate::config::keys::{self, Entry};
use crate::config::ntp_conf::{Directive, Kind, Options};
use crate::engine::input::Input;
use crate::engine::output::{Event, Output};
use crate::engine::settings::{Algorithm, Settings};
use crate::units::{KeyId, Leap, PollExponent, RefId, Tally};
use crate::wire::address_id::address_id;
use crate::wire::mode6::flash::Flash;

fn entries() -> Vec<Entry> {
    keys::read("keys", "1 MD5 ntpkey-test\n2 SHA1 another-secret\n").unwrap()
}

fn with_keys(seed: u8, trusted: u32) -> Pair {
    let mut pair = Pair::new(seed);
    pair.engine.set_keys(entries());
    let now = pair.now();
    let ids = vec![KeyId::new(trusted).unwrap()];
    pair.engine.apply(&now, &Directive::TrustedKeys(ids)).unwrap();
    pair
}

fn keyed() -> Options {
    Options { key: KeyId::new(1), ..iburst() }
}

#[test]
fn a_reply_that_is_signed_with_the_right_key_is_believed() {
    let mut pair = with_keys(1, 1);
    let key = Some(entries().remove(0).key);
    let id = pair.serve(1, Server { key, ..Server::default() }, keyed());
    pair.run(seconds(60));
    assert_eq!(pair.association(id).standing.tally, Tally::SystemPeer);
    assert!(pair.association(id).heard.is_authentic);
    assert_eq!(pair.sent[0].1.datagram.len(), 68);
}

#[test]
fn a_second_answer_leaves_the_tests_of_the_association_as_they_are() {
    let mut pair = Pair::new(21);
    let id = pair.serve(1, Server { leap: Leap::Alarm, ..Server::default() }, Options::default());
    pair.run(seconds(3));
    let before = pair.association(id).flash.bits();
    assert_eq!(before & 0x0200, 0x0200, "it is not synchronised");
    let request = pair.sent.last().unwrap().1.clone();
    let (_, reply) = pair.server(1).reply(0, &request.datagram).unwrap();
    pair.inject(request.socket, request.to, &reply);
    assert_eq!(pair.association(id).counters.old_packet, 1);
    assert_eq!(pair.association(id).flash.bits() & 0x1fff, before & 0x1e00 | 0x0001);
}

#[test]
fn what_was_counted_of_a_source_stays_counted_when_it_goes() {
    let mut pair = with_keys(20, 1);
    let id = pair.serve(1, Server::default(), iburst());
    pair.run(seconds(60));
    let counted = pair.engine.counters().processed;
    assert_eq!(counted, pair.association(id).counters.processed);
    let now = pair.now();
    assert!(counted > 3 && pair.engine.remove(&now, id));
    assert_eq!(pair.engine.counters().processed, counted);
}

#[test]
fn a_reply_with_a_wrong_code_or_none_is_counted_and_nothing_else() {
    let wrong = Some(entries().remove(1).key);
    let nak = vec![0; 4];
    for (server, options) in [
        (Server { key: wrong.clone(), ..Server::default() }, keyed()),
        (Server::default(), keyed()),
        (Server { trailer: nak, ..Server::default() }, keyed()),
        // A code that is there has to be right, asked for or not.
        (Server { key: wrong, ..Server::default() }, iburst()),
    ] {
        let mut pair = with_keys(2, 1);
        let id = pair.serve(1, server, options);
        pair.run(seconds(600));
        let association = pair.association(id);
        assert!(association.counters.bad_auth > 2, "{:?}", association.counters);
        assert_eq!(association.samples, 0);
        assert!(!association.poll.reach.is_reachable());
        assert_ne!(association.flash, Flash::default());
        let told = pair.events.iter().filter(|e| matches!(e, Event::Peer { code: 12, .. }));
        assert_eq!(told.count(), 1, "told once, however often it happens");
    }
}

#[test]
fn a_kiss_without_the_code_that_is_asked_for_is_not_believed() {
    let mut pair = with_keys(3, 1);
    let id = pair.serve(1, Server { kiss: Some("DENY"), ..Server::default() }, keyed());
    pair.run(seconds(600));
    assert_eq!(pair.association(id).counters.kisses, 0);
    assert!(pair.server(1).asked > 3);
}

#[test]
fn an_untrusted_key_is_no_key() {
    let mut pair = with_keys(4, 2);
    pair.serve(1, Server::default(), keyed());
    pair.run(seconds(600));
    assert_eq!(pair.server(1).asked, 0);
}

#[test]
fn a_rate_kiss_raises_the_floor_within_reason_and_the_floor_comes_down_again() {
    let mut pair = Pair::new(5);
    let rate = Server { kiss: Some("RATE"), poll: Some(17), ..Server::default() };
    let id = pair.serve(1, rate, iburst());
    pair.run(seconds(5000));
    assert_eq!(pair.association(id).poll.rate_floor.map(PollExponent::exponent), Some(10));
    assert!(pair.server(1).asked <= 6, "{}", pair.server(1).asked);
    assert_eq!(pair.association(id).samples, 0);
    let server = pair.server(1);
    server.kiss = None;
    server.poll = None;
    pair.run(seconds(86_400 * 5 + 4000));
    assert_eq!(pair.association(id).poll.rate_floor, None);
}

#[test]
fn a_server_that_refuses_is_left_alone_for_a_day() {
    let mut pair = Pair::new(6);
    let id = pair.serve(1, Server { kiss: Some("DENY"), ..Server::default() }, iburst());
    pair.run(seconds(86_000));
    assert_eq!(pair.server(1).asked, 1);
    assert!(pair.association(id).flash.bits() & 0x8 != 0);
    pair.server(1).kiss = None;
    pair.run(seconds(2000));
    assert!(pair.server(1).asked > 1);
    assert!(pair.association(id).poll.reach.is_reachable());
}

#[test]
fn a_reply_in_version_three_is_accepted_and_remarked_once() {
    let mut pair = Pair::new(7);
    let id = pair.serve(1, Server { version: Some(3), ..Server::default() }, iburst());
    pair.run(seconds(3600));
    assert_eq!(pair.association(id).standing.tally, Tally::SystemPeer);
    assert_eq!(pair.association(id).heard.version, 3);
    let told = pair
        .events
        .iter()
        .filter(|e| **e == Event::Version { association: id, asked: 4, answered: 3 });
    assert_eq!(told.count(), 1);
}

#[test]
fn a_server_that_follows_us_is_not_followed() {
    let mut pair = Pair::new(8);
    let ours = "198.51.100.7".parse().unwrap();
    pair.handle(Input::OwnAddresses(vec![ours]));
    let looped = Server { stratum: 3, reference_id: address_id(ours), ..Server::default() };
    let id = pair.serve(1, looped, iburst());
    pair.run(seconds(600));
    assert_eq!(pair.association(id).standing.tally, Tally::Reject);
    assert!(pair.association(id).flash.bits() & 0x800 != 0);
    pair.server(1).reference_id = RefId::new([192, 0, 2, 99]);
    pair.run(seconds(600));
    assert_eq!(pair.association(id).standing.tally, Tally::SystemPeer);
}

#[test]
fn noselect_measures_and_never_follows() {
    let mut pair = Pair::new(9);
    let id = pair.serve(1, Server::default(), Options { noselect: true, ..iburst() });
    pair.run(seconds(3600));
    assert!(pair.association(id).samples > 8);
    assert_eq!(pair.association(id).standing.tally, Tally::Reject);
    assert_eq!(pair.engine.system().peer, None);
}

#[test]
fn a_server_that_is_not_synchronised_gives_no_sample() {
    let mut pair = Pair::new(10);
    let far = Server { root_dispersion_s: 17.0, ..Server::default() };
    let id = pair.serve(1, far, iburst());
    let id_2 = pair.serve(2, Server { stratum: 16, ..Server::default() }, iburst());
    pair.run(seconds(600));
    for id in [id, id_2] {
        assert_eq!(pair.association(id).samples, 0);
        assert!(pair.association(id).counters.bad_distance > 1);
    }
}

#[test]
fn beside_a_daemon_no_server_is_asked_more_often_than_every_64_seconds() {
    let settings =
        Settings { algorithm: Algorithm::Ntp, beside_daemon: true, ..Settings::default() };
    let mut pair = Pair::with(settings, 11);
    let eager = Options { minpoll: PollExponent::new(3), burst: true, ..iburst() };
    pair.serve(1, Server::default(), eager);
    pair.run(seconds(7200));
    assert!(pair.sent.len() > 20, "{}", pair.sent.len());
    for pair in pair.sent.windows(2) {
        assert!(pair[1].0.since(pair[0].0) >= seconds(64));
    }
}

#[test]
fn a_pool_keeps_four_that_answer_and_replaces_one_that_stops() {
    let mut pair = Pair::new(12);
    let all: Vec<_> = (1..=12).map(Pair::address).collect();
    for (number, address) in (1_u8..).zip(&all) {
        let answers = number != 2;
        pair.servers.insert(*address, Server { answers, ..Server::default() });
    }
    pair.names.insert("pool.example".to_owned(), all);
    let parent = pair.add(Kind::Pool, HostSpec::new("pool.example"), iburst());
    pair.run(seconds(600));
    let children = |pair: &Pair| -> Vec<_> {
        let of_it = |a: &&crate::engine::association::Association| a.origin.parent == Some(parent);
        pair.engine.associations().filter(of_it).filter_map(|a| a.address).collect()
    };
    let first = children(&pair);
    assert!((4..=8).contains(&first.len()), "{first:?}");
    assert!(!first.iter().any(|address| address.ip() == Pair::address(2)));
    for address in &first {
        pair.servers.get_mut(&address.ip()).unwrap().answers = false;
    }
    pair.run(seconds(40_000));
    let second = children(&pair);
    assert!(second.len() >= 4, "{second:?}");
    assert!(second.iter().all(|address| !first.contains(address)), "{second:?}");
    // A refusal ends it at once.
    let gone = second[0];
    pair.servers.get_mut(&gone.ip()).unwrap().kiss = Some("DENY");
    pair.run(seconds(2200));
    assert!(!children(&pair).contains(&gone));
}

#[test]
fn a_named_server_that_moved_is_found_again() {
    let mut pair = Pair::new(13);
    pair.servers.insert(Pair::address(1), Server::default());
    pair.servers.insert(Pair::address(2), Server::default());
    pair.names.insert("time.example".to_owned(), vec![Pair::address(1)]);
    let id = pair.add(Kind::Server, HostSpec::new("time.example"), iburst());
    pair.run(seconds(600));
    assert_eq!(pair.association(id).address.unwrap().ip(), Pair::address(1));
    pair.server(1).answers = false;
    pair.names.insert("time.example".to_owned(), vec![Pair::address(2)]);
    pair.run(seconds(3600));
    assert_eq!(pair.association(id).address.unwrap().ip(), Pair::address(2));
    assert!(pair.association(id).poll.reach.is_reachable());
    assert!(pair.resolved < 20, "{}", pair.resolved);
}

#[test]
fn a_falseticker_is_found_out() {
    let mut pair = Pair::new(14);
    let ids: Vec<_> = (1..=4)
        .map(|number| {
            let ahead_s = if number == 4 { 0.2 } else { 0.0 };
            pair.serve(number, Server { ahead_s, ..Server::default() }, iburst())
        })
        .collect();
    pair.run(seconds(3600));
    assert_eq!(pair.association(ids[3]).standing.tally, Tally::Falseticker);
    assert!(pair.error_s().abs() < 1e-3);
}

#[test]
fn an_address_on_the_link_keeps_its_zone_to_the_wire() {
    let mut pair = Pair::new(77);
    let host: HostSpec = "fe80::7%eth0".parse().unwrap();
    let now = pair.now();
    let wanted = crate::config::ntp_conf::Association {
        kind: Kind::Server,
        host,
        family: None,
        options: iburst(),
    };
    pair.engine.add(&now, &wanted).unwrap();
    let Some(question) = std::iter::from_fn(|| pair.engine.poll_output()).find_map(|output| {
        if let Output::Resolve(question) = output { Some(question) } else { None }
    }) else {
        panic!("the number of its zone is asked for")
    };
    let address = SocketAddrV6::new("fe80::7".parse().unwrap(), 123, 0, 3).into();
    pair.handle(Input::Resolved { question, addresses: vec![address] });
    pair.run(seconds(2));
    assert_eq!(pair.sent.last().map(|(_, sent)| sent.to), Some(address));
}

#[test]
fn which_addresses_the_time_is_got_from_is_told_as_they_come_and_go() {
    let mut pair = Pair::new(60);
    let told = |pair: &Pair| -> Vec<String> {
        let lines = pair.log.iter().filter_map(|line| line.split_once(" Source "));
        lines.map(|(_, rest)| rest.to_owned()).collect()
    };
    let first = pair.serve(1, Server::default(), iburst());
    let peer = pair.add(Kind::Peer, HostSpec::new("192.0.2.1"), Options::default());
    pair.add(Kind::Server, HostSpec::new("127.127.1.0"), Options::default());
    pair.add(Kind::Broadcast, HostSpec::new("192.0.2.255"), Options::default());
    let here = "{ address: 192.0.2.1, is_there: true }";
    assert_eq!(told(&pair), [here, here]);
    let now = pair.now();
    pair.engine.remove(&now, first);
    pair.handle(Input::Wakeup);
    assert_eq!(told(&pair).len(), 2, "the peer is still there");
    pair.engine.remove(&now, peer);
    pair.handle(Input::Wakeup);
    assert_eq!(told(&pair)[2..], ["{ address: 192.0.2.1, is_there: false }"]);
}
