//! A configuration that is read anew while the engine runs.

use super::pair::{Pair, Server, iburst, seconds};
use crate::config::ntp_conf::{Placed, in_order, read};
use crate::config::reload::difference;
use crate::engine::reload::Reloaded;
use crate::units::{AssocId, PollExponent, Tally};

fn conf(text: &str) -> Vec<Placed> {
    in_order(read("ntp.conf", text).unwrap())
}

/// An engine that follows `text` with two servers, after ten minutes.
fn run(text: &str) -> Pair {
    let mut pair = Pair::new(1);
    for number in [1, 2, 3] {
        pair.servers.insert(Pair::address(number), Server::default());
    }
    let now = pair.now();
    for placed in conf(text) {
        pair.engine.apply(&now, &placed.directive).unwrap();
    }
    pair.run(seconds(600));
    pair
}

fn reload(pair: &mut Pair, old: &str, new: &str) -> Reloaded {
    let now = pair.now();
    let (reloaded, refused) = pair.engine.reload(&now, &difference(&conf(old), &conf(new)));
    assert!(refused.is_empty(), "{refused:?}");
    pair.run(seconds(2));
    reloaded
}

fn of(pair: &Pair, number: u8) -> Option<AssocId> {
    let is_it = |address: std::net::SocketAddr| address.ip() == Pair::address(number);
    let mut all = pair.engine.associations();
    all.find(|each| each.address.is_some_and(is_it)).map(|each| each.id)
}

const TWO: &str = "server 192.0.2.1 iburst\nserver 192.0.2.2 iburst\n";

#[test]
fn a_source_that_stays_keeps_its_number_and_its_measurements() {
    let mut pair = run(TWO);
    let first = of(&pair, 1).unwrap();
    let before = pair.association(first).clone();
    assert!(before.samples >= 8 && before.standing.tally >= Tally::Candidate, "{before:?}");
    let new = "tos minsane 1\nserver 192.0.2.3 iburst\nserver 192.0.2.1 iburst\n";
    let reloaded = reload(&mut pair, TWO, new);
    assert_eq!(reloaded, Reloaded { stay: 1, changed: 0, gone: 1, new: 1 });
    assert_eq!(of(&pair, 1), Some(first));
    assert_eq!(of(&pair, 2), None);
    assert!(of(&pair, 3).is_some());
    let after = pair.association(first);
    assert!(after.samples >= before.samples);
    assert_eq!(
        after.poll.reach.register() & before.poll.reach.register(),
        before.poll.reach.register()
    );
    assert!(after.filter.best().is_some());
    pair.run(seconds(60));
    assert!(pair.association(of(&pair, 3).unwrap()).samples > 0, "the new one is asked");
}

#[test]
fn nothing_that_changed_is_nothing_done() {
    let mut pair = run(TWO);
    let before: Vec<_> = pair.engine.associations().map(|each| (each.id, each.samples)).collect();
    let events = pair.events.len();
    assert_eq!(reload(&mut pair, TWO, TWO), Reloaded { stay: 2, changed: 0, gone: 0, new: 0 });
    let after: Vec<_> = pair.engine.associations().map(|each| (each.id, each.samples)).collect();
    assert_eq!(before, after);
    assert_eq!(pair.events.len(), events, "{:?}", &pair.events[events..]);
}

#[test]
fn other_options_are_taken_over_in_place() {
    let mut pair = run(TWO);
    let (first, second) = (of(&pair, 1).unwrap(), of(&pair, 2).unwrap());
    let samples = pair.association(second).samples;
    let new = "server 192.0.2.1 iburst\nserver 192.0.2.2 iburst prefer minpoll 4 maxpoll 4\n";
    let reloaded = reload(&mut pair, TWO, new);
    assert_eq!(reloaded, Reloaded { stay: 1, changed: 1, gone: 0, new: 0 });
    assert_eq!((of(&pair, 1), of(&pair, 2)), (Some(first), Some(second)));
    let changed = pair.association(second);
    assert!(changed.options.prefer && changed.samples >= samples);
    assert_eq!(changed.poll.host_poll, PollExponent::new(4));
    pair.run(seconds(60));
    assert_eq!(pair.association(second).standing.tally, Tally::SystemPeer);
}

#[test]
fn settings_that_are_not_said_any_more_are_what_they_are_by_default() {
    let old = format!("tos minsane 4 orphan 7\ntinker panic 0 step 0.5\ndisable ntp\n{TWO}");
    let mut pair = run(&old);
    assert!(!pair.engine.is_steering());
    assert_eq!(pair.engine.mitigation().minsane, 4);
    reload(&mut pair, &old, TWO);
    let fresh = Pair::new(1);
    assert!(pair.engine.is_steering());
    assert_eq!(pair.engine.mitigation(), fresh.engine.mitigation());
    assert_eq!(pair.engine.limits(), fresh.engine.limits());
    reload(&mut pair, TWO, &old);
    assert!(!pair.engine.is_steering());
    assert_eq!(pair.engine.limits().panic, None);
}

#[test]
fn the_local_clock_stays_and_is_what_the_new_file_says_of_it() {
    let old = format!("server 127.127.1.0\nfudge 127.127.1.0 stratum 10\n{TWO}");
    let mut pair = run(&old);
    let clock = |pair: &Pair| {
        let mut all = pair.engine.associations();
        all.find_map(|each| Some((each.id, each.clock.as_ref()?.stratum.get()))).unwrap()
    };
    let (id, stratum) = clock(&pair);
    assert_eq!(stratum, 10);
    let reloaded = reload(&mut pair, &old, &format!("server 127.127.1.0\n{TWO}"));
    assert_eq!(reloaded, Reloaded { stay: 3, changed: 0, gone: 0, new: 0 });
    assert_eq!(clock(&pair), (id, 5));
    let new = format!("server 127.127.1.0\nfudge 127.127.1.0 stratum 7\n{TWO}");
    reload(&mut pair, TWO, &new);
    assert_eq!(clock(&pair).1, 7, "one that was there otherwise");
}

#[test]
fn what_came_otherwise_is_left_alone_and_what_went_otherwise_stays_away() {
    let mut pair = run(TWO);
    // As by a control message.
    let added = pair.serve(3, Server::default(), iburst());
    let now = pair.now();
    let second = of(&pair, 2).unwrap();
    assert!(pair.engine.remove(&now, second));
    reload(&mut pair, TWO, "server 192.0.2.1 iburst\n");
    assert_eq!(of(&pair, 3), Some(added));
    assert_eq!((of(&pair, 1).is_some(), of(&pair, 2)), (true, None));
}

#[test]
fn what_was_taken_back_is_there_again_when_the_file_still_names_it() {
    let mut pair = run(TWO);
    for new in [TWO, "server 192.0.2.1 iburst\nserver 192.0.2.2 iburst minpoll 4\n"] {
        let (now, second) = (pair.now(), of(&pair, 2).unwrap());
        assert!(pair.engine.remove(&now, second));
        let reloaded = reload(&mut pair, TWO, new);
        assert_eq!(reloaded, Reloaded { stay: 1, changed: 0, gone: 0, new: 1 });
        assert!(of(&pair, 2).is_some());
    }
    assert_eq!(pair.association(of(&pair, 2).unwrap()).options.minpoll, PollExponent::new(4));
    assert_eq!(pair.engine.associations().count(), 2);
}

#[test]
fn a_source_that_cannot_be_had_is_told_and_the_rest_is_done() {
    let mut pair = run(TWO);
    let now = pair.now();
    let twice = format!("{TWO}server 192.0.2.1\n");
    let (_, refused) = pair.engine.reload(&now, &difference(&conf(TWO), &conf(&twice)));
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].0.line, 3);
    assert!(of(&pair, 1).is_some() && of(&pair, 2).is_some());
}
