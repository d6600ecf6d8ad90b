//! What the options of a source do.

use std::net::IpAddr;

use super::pair::{Pair, Server, iburst, seconds};
use crate::clock::command::Held;
use crate::config::host::HostSpec;
use crate::config::ntp_conf::{self, Directive, Kind, Options, Tinker, Tos};
use crate::engine::output::Event;
use crate::engine::settings::{Algorithm, Settings};
use crate::selection::Reason;
use crate::units::{AssocId, Mono, NtpDuration, PollExponent, RefId, Tally};

fn reason(pair: &Pair, id: AssocId) -> Option<Reason> {
    pair.association(id).standing.reason
}

/// When packets to a server left, in seconds since the first.
fn sent_s(pair: &Pair, number: u8) -> Vec<f64> {
    let of_it = pair.sent.iter().filter(|(_, sent)| sent.to.ip() == Pair::address(number));
    let times: Vec<Mono> = of_it.map(|(at, _)| *at).collect();
    times.iter().map(|at| at.since(times[0]).as_secs_f64()).collect()
}

#[test]
fn of_too_many_the_preemptible_that_is_of_least_use_goes() {
    let mut pair = Pair::new(1);
    let now = pair.now();
    pair.engine.apply(&now, &Directive::Tos(Tos::Maxclock(3))).unwrap();
    let preempt = || Options { preempt: true, ..iburst() };
    let fixed = pair.serve(1, Server::default(), iburst());
    let good = pair.serve(2, Server::default(), preempt());
    let silent = pair.serve(3, Server { answers: false, ..Server::default() }, preempt());
    let other = pair.serve(4, Server { answers: false, ..Server::default() }, iburst());
    pair.run(seconds(40_000));
    let left: Vec<AssocId> = pair.engine.associations().map(|a| a.id).collect();
    // Who is configured for good stays, though it is silent too; and three are not too many.
    assert_eq!(left, [fixed, good, other]);
    let is_gone = |event: &Event| matches!(event, Event::Peer { association, code: 2, .. } if *association == silent);
    assert!(pair.events.iter().any(is_gone));
}

#[test]
fn preemptible_ones_stay_while_there_is_room() {
    let mut pair = Pair::new(2);
    let preempt = Options { preempt: true, ..iburst() };
    let silent = pair.serve(3, Server { answers: false, ..Server::default() }, preempt);
    pair.run(seconds(40_000));
    assert!(pair.engine.association(silent).is_some());
}

#[test]
fn a_burst_sends_up_to_eight_packets_at_a_poll_and_shifts_reach_once() {
    let options = Options {
        burst: true,
        minpoll: PollExponent::new(4),
        maxpoll: PollExponent::new(8),
        ..Options::default()
    };
    let mut pair = Pair::new(3);
    let id = pair.serve(1, Server::default(), options);
    pair.run(seconds(20_000));
    let before = sent_s(&pair, 1).len();
    let reach = pair.association(id).poll.reach.register();
    assert_eq!(reach, 0xff);
    pair.run(seconds(4000));
    let sent = sent_s(&pair, 1);
    let gaps: Vec<f64> = sent[before..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    // Two seconds inside a burst, a poll interval between them.
    let inside = gaps.iter().filter(|gap| **gap < 3.0).count();
    let between = gaps.iter().filter(|gap| **gap >= 3.0).count();
    assert!(gaps.iter().all(|gap| (1.99..300.0).contains(gap)), "{gaps:?}");
    assert!((8..40).contains(&between), "{gaps:?}");
    assert!(inside > 2 * between && inside <= 7 * (between + 1), "{inside} and {between}");
}

#[test]
fn a_burst_is_sent_to_nobody_who_is_silent() {
    let options = Options { burst: true, ..Options::default() };
    let mut pair = Pair::new(4);
    pair.serve(1, Server { answers: false, ..Server::default() }, options);
    pair.run(seconds(4000));
    let gaps = sent_s(&pair, 1);
    assert!(gaps.windows(2).all(|pair| pair[1] - pair[0] >= 63.0), "{gaps:?}");
}

#[test]
fn who_is_preferred_is_followed_though_others_are_nearer() {
    for algorithm in [Algorithm::Ntp, Algorithm::Kalman] {
        let mut pair = Pair::with(Settings { algorithm, ..Settings::default() }, 5);
        let near = |ahead_s| Server { ahead_s, ..Server::default() };
        let far =
            Server { delay: std::time::Duration::from_millis(80), ahead_s: 0.004, ..near(0.0) };
        for (number, ahead_s) in [(1, 0.0), (2, 1e-4)] {
            pair.serve(number, near(ahead_s), iburst());
        }
        let preferred = pair.serve(3, far, Options { prefer: true, ..iburst() });
        pair.run(seconds(20_000));
        assert_eq!(pair.engine.system().peer, Some(preferred), "{algorithm:?}");
        assert_eq!(reason(&pair, preferred), Some(Reason::Preferred), "{algorithm:?}");
        // It alone is followed, wherever the others are.
        assert!((pair.error_s() - 0.004).abs() < 5e-4, "{algorithm:?}: {}", pair.error_s());
        // But not when it is wrong.
        pair.server(3).ahead_s = 0.4;
        pair.run(seconds(80_000));
        let tally = pair.association(preferred).standing.tally;
        assert_eq!(tally, Tally::Falseticker, "{algorithm:?}");
        assert!(pair.error_s().abs() < 2e-3, "{algorithm:?}: {}", pair.error_s());
    }
}

#[test]
fn who_is_called_true_is_no_falseticker() {
    let run = |trust: bool| {
        let mut pair = Pair::new(6);
        for number in [1, 2, 3] {
            pair.serve(number, Server::default(), iburst());
        }
        let odd = Server { ahead_s: 0.06, ..Server::default() };
        let id = pair.serve(4, odd, Options { trust, ..iburst() });
        pair.run(seconds(2000));
        pair.association(id).standing.tally
    };
    assert_eq!(run(false), Tally::Falseticker);
    assert!(run(true) >= Tally::Candidate);
}

#[test]
fn who_is_not_to_be_selected_is_measured_and_no_more() {
    let mut pair = Pair::new(7);
    let id = pair.serve(1, Server::default(), Options { noselect: true, ..iburst() });
    pair.run(seconds(2000));
    assert!(pair.association(id).samples > 8);
    assert!(matches!(reason(&pair, id), Some(Reason::Unfit(unfit)) if unfit.noselect));
    assert_eq!(pair.engine.system().peer, None);
}

#[test]
fn a_panic_leaves_the_clock_alone_until_the_offset_is_sane_again() {
    for algorithm in [Algorithm::Ntp, Algorithm::Kalman] {
        let settings = Settings { algorithm, first_panic_allowed: false, ..Settings::default() };
        let mut pair = Pair::with(settings, 8);
        pair.serve(1, Server { ahead_s: 2000.0, ..Server::default() }, iburst());
        pair.run(seconds(7200));
        let panic_s = pair.engine.system().panic.unwrap().seconds();
        assert!((panic_s - 2000.0).abs() < 1.0, "{algorithm:?}: {panic_s}");
        assert!(pair.steps.is_empty(), "{algorithm:?}");
        assert!(pair.error_s().abs() < 0.1, "{algorithm:?}: {}", pair.error_s());
        let told = |event: &&Event| matches!(event, Event::System { code: 7, .. });
        assert_eq!(pair.events.iter().filter(told).count(), 1, "{algorithm:?}: told once");
        // A panic and a clock that is held by others do not hide each other.
        pair.handle(crate::engine::input::Input::Clock(crate::clock::command::Outcome::Held(
            Held::Disabled,
        )));
        assert_eq!(pair.engine.held(), Some(Held::Disabled), "{algorithm:?}");
        assert!(pair.engine.system().panic.is_some(), "{algorithm:?}");
        pair.server(1).ahead_s = 0.0;
        pair.run(seconds(20_000));
        assert_eq!(pair.engine.system().panic, None, "{algorithm:?}");
        assert!(pair.error_s().abs() < 5e-3, "{algorithm:?}: {}", pair.error_s());
        // With `tinker panic 0` it would have been believed.
        let now = pair.now();
        pair.engine.apply(&now, &Directive::Tinker(Tinker::Panic(NtpDuration::ZERO))).unwrap();
        pair.server(1).ahead_s = 2000.0;
        pair.run(seconds(20_000));
        assert!((pair.error_s() - 2000.0).abs() < 0.1, "{algorithm:?}: {}", pair.error_s());
    }
}

#[test]
fn sources_of_ipv6_are_asked_and_named_by_a_hash() {
    let mut pair = Pair::new(9);
    let address: IpAddr = "2001:db8::7".parse().unwrap();
    pair.servers.insert(address, Server { stratum: 2, ..Server::default() });
    let id = pair.add(Kind::Server, HostSpec::new("2001:db8::7"), iburst());
    pair.run(seconds(600));
    assert_eq!(pair.association(id).address.map(|found| found.ip()), Some(address));
    assert_eq!(pair.engine.system().peer, Some(id));
    let named = pair.engine.system().reference_id;
    assert_eq!(named, crate::wire::address_id::address_id(address));
    assert_ne!(named, RefId::new([0x20, 1, 0x0d, 0xb8]));
    // By name too, and in the family that is asked for.
    pair.servers.insert("2001:db8::8".parse().unwrap(), Server::default());
    pair.names.insert("six.example".into(), vec!["2001:db8::8".parse().unwrap()]);
    let wanted = ntp_conf::Association {
        kind: Kind::Server,
        host: HostSpec::new("six.example"),
        family: Some(ntp_conf::Family::Ipv6),
        options: iburst(),
    };
    let now = pair.now();
    let named = pair.engine.add(&now, &wanted).unwrap();
    pair.handle(crate::engine::input::Input::Wakeup);
    pair.run(seconds(60));
    assert!(pair.association(named).poll.reach.is_reachable());
}
