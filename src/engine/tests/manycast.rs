//! Groups whose members are asked all at once.

use super::pair::{Pair, Server, seconds};
use crate::config::host::HostSpec;
use crate::config::keys;
use crate::config::ntp_conf::{Directive, Flag, Kind as Wanted, Options, Tos};
use crate::engine::association::Kind;
use crate::engine::output::Socket;
use crate::units::{AssocId, KeyId, Leap, Mode, PollExponent, Tally};

const GROUP: &str = "239.1.2.3";

fn member() -> Server {
    Server { is_member: true, ..Server::default() }
}

fn apply(pair: &mut Pair, directive: &Directive) {
    let now = pair.now();
    pair.engine.apply(&now, directive).unwrap();
}

fn options() -> Options {
    let exponent = PollExponent::new;
    Options { iburst: true, minpoll: exponent(4), maxpoll: exponent(6), ..Options::default() }
}

/// Asks a group of so many members, none of which has to be authenticated.
fn asking(seed: u8, members: u8, options: Options) -> (Pair, AssocId) {
    let mut pair = Pair::new(seed);
    apply(&mut pair, &Directive::Flag { flag: Flag::Auth, is_enabled: false });
    for number in 1..=members {
        pair.servers.insert(Pair::address(number), member());
    }
    let group = pair.add(Wanted::ManycastClient, HostSpec::new(GROUP), options);
    (pair, group)
}

fn found(pair: &Pair) -> Vec<AssocId> {
    pair.engine.associations().filter(|a| a.kind == Kind::Client).map(|a| a.id).collect()
}

fn requests_to_the_group(pair: &Pair) -> Vec<u8> {
    let group = |(_, sent): &&(_, crate::engine::output::Transmission)| sent.to.ip().is_multicast();
    pair.sent.iter().filter(group).map(|(_, sent)| sent.ttl.unwrap()).collect()
}

#[test]
fn members_that_answer_become_sources_with_the_options_of_their_group() {
    let (mut pair, group) = asking(1, 3, options());
    pair.run(seconds(600));
    let prototype = pair.association(group);
    assert_eq!((prototype.kind.host_mode(), prototype.samples), (Mode::Client, 0));
    assert_eq!(found(&pair).len(), 3);
    for id in found(&pair) {
        let source = pair.association(id);
        assert_eq!(source.origin.parent, Some(group));
        assert!(source.options.preempt && source.options.iburst);
        assert_eq!(source.options.maxpoll, PollExponent::new(6));
        assert!(source.standing.tally >= Tally::Candidate, "{:?}", source.standing);
    }
    assert!(pair.error_s().abs() < 5e-4);
}

#[test]
fn a_group_is_asked_farther_and_farther_until_there_are_sources_enough() {
    let (mut pair, _) = asking(2, 0, options());
    pair.run(seconds(300));
    let hops = requests_to_the_group(&pair);
    assert_eq!(hops[..9], [0, 32, 64, 96, 128, 160, 192, 224, 224]);
    let (mut pair, _) = asking(2, 0, Options { ttl: Some(50), ..options() });
    apply(&mut pair, &Directive::Ttl(vec![1, 40, 200]));
    pair.run(seconds(100));
    assert_eq!(requests_to_the_group(&pair)[..4], [1, 40, 50, 50]);
}

#[test]
fn with_enough_sources_only_the_beacon_asks_again() {
    let (mut pair, group) = asking(3, 4, options());
    for tos in [Tos::Maxclock(4), Tos::Minclock(3), Tos::Beacon(20)] {
        apply(&mut pair, &Directive::Tos(tos));
    }
    pair.run(seconds(200));
    let asked = requests_to_the_group(&pair).len();
    assert!(asked <= 3, "{asked}");
    pair.run(seconds(600));
    let hops = requests_to_the_group(&pair);
    assert_eq!(hops.last(), Some(&0), "from near again: {hops:?}");
    assert!(hops.len() <= asked + 3, "{hops:?}");
    assert_eq!(pair.association(group).poll.reach.register(), 0);
}

#[test]
fn the_worse_ones_are_let_go_when_there_are_too_many() {
    let (mut pair, _) = asking(4, 8, options());
    apply(&mut pair, &Directive::Tos(Tos::Maxclock(4)));
    for (number, ahead_s) in [(7, 0.4), (8, -0.3)] {
        pair.server(number).ahead_s = ahead_s;
    }
    pair.run(seconds(60));
    assert_eq!(found(&pair).len(), 8, "twice as many as wanted are tried");
    pair.run(seconds(7200));
    let left: Vec<_> = found(&pair).iter().map(|id| pair.association(*id).address).collect();
    assert!((4..8).contains(&left.len()), "{left:?}");
    for number in [7, 8] {
        let liar = std::net::SocketAddr::new(Pair::address(number), 123);
        assert!(!left.contains(&Some(liar)), "{left:?}");
    }
}

#[test]
fn a_member_that_falls_silent_is_forgotten_and_found_again() {
    let (mut pair, _) = asking(5, 3, options());
    pair.run(seconds(300));
    pair.server(2).answers = false;
    pair.run(seconds(2400));
    assert_eq!(found(&pair).len(), 2);
    pair.server(2).answers = true;
    pair.run(seconds(600));
    assert_eq!(found(&pair).len(), 3);
}

#[test]
fn a_flood_of_members_makes_no_more_than_twice_the_sources_wanted() {
    let (mut pair, _) = asking(6, 200, options());
    pair.run(seconds(64));
    assert_eq!(found(&pair).len(), 20);
    assert!(pair.engine.counters().declined >= 180);
}

#[test]
fn a_member_has_to_be_authenticated_and_worth_it() {
    let entries = keys::read("keys", "1 MD5 ntpkey-test\n2 SHA1 another-secret\n").unwrap();
    let mut pair = Pair::new(7);
    pair.engine.set_keys(entries.clone());
    apply(&mut pair, &Directive::TrustedKeys(vec![KeyId::new(1).unwrap()]));
    let keys = [None, Some(entries[1].key.clone()), Some(entries[0].key.clone())];
    for (number, key) in (1..).zip(keys) {
        pair.servers.insert(Pair::address(number), Server { key, ..member() });
    }
    let key = Some(entries[0].key.clone());
    let alarm = Server { leap: Leap::Alarm, key: key.clone(), ..member() };
    pair.servers.insert(Pair::address(4), alarm);
    pair.servers.insert(Pair::address(5), Server { stratum: 15, key: key.clone(), ..member() });
    pair.servers.insert(Pair::address(6), Server { kiss: Some("DENY"), key, ..member() });
    let options = Options { key: KeyId::new(1), ..options() };
    let group = pair.add(Wanted::ManycastClient, HostSpec::new(GROUP), options);
    pair.run(seconds(300));
    let found = found(&pair);
    assert_eq!(found.len(), 1);
    let source = pair.association(found[0]);
    assert_eq!(source.address.map(|at| at.ip()), Some(Pair::address(3)));
    assert!(source.heard.is_authentic);
    let counters = pair.association(group).counters;
    assert!(counters.bad_auth > 3 && counters.bad_distance > 3 && counters.kisses > 3);
}

#[test]
fn who_does_not_know_the_request_makes_no_source() {
    let (mut pair, group) = asking(8, 0, options());
    pair.run(seconds(1));
    let (_, request) = pair.sent.last().unwrap().clone();
    let mut reply = pair_reply(&request.datagram);
    reply[24..32].copy_from_slice(&[7; 8]);
    let from = std::net::SocketAddr::new(Pair::address(9), 123);
    pair.inject(request.socket, from, &reply);
    pair.inject(Socket::Ntp, from, &pair_reply(&request.datagram));
    let elsewhere = std::net::SocketAddr::new(Pair::address(9), 5000);
    pair.inject(request.socket, elsewhere, &pair_reply(&request.datagram));
    assert!(found(&pair).is_empty());
    assert_eq!(pair.association(group).counters.bogus_origin, 1);
    // Half a minute later nobody can answer any more.
    pair.run(seconds(10));
    pair.inject(request.socket, from, &pair_reply(&request.datagram));
    assert!(found(&pair).is_empty());
}

fn pair_reply(request: &[u8]) -> Vec<u8> {
    member().reply(1_500_000_000_000, request).unwrap().1
}
