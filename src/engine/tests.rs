//! The engine against scripted servers, in virtual time.

mod broadcast;
mod broadcaster;
mod clock;
mod filtered;
mod hostile;
mod leap;
mod manycast;
mod options;
mod orphan;
mod pair;
mod passive;
mod properties;
mod reload;
mod settings;
mod sources;
mod statistics;
mod steering;
mod symmetric;

use pair::{Pair, Server, iburst, seconds};

use crate::units::{Leap, Tally};

#[test]
fn a_clock_behind_is_brought_up_and_the_server_becomes_the_system_peer() {
    let mut pair = Pair::new(1);
    pair.set_error(-0.005);
    let id = pair.serve(1, Server::default(), iburst());
    pair.run(seconds(30));
    assert_eq!(pair.association(id).standing.tally, Tally::SystemPeer);
    assert!((pair.association(id).filter.offset().seconds() - 0.005).abs() < 2e-3);
    pair.run(seconds(7200));
    assert!(pair.error_s().abs() < 5e-4, "{}", pair.error_s());
    assert_eq!(pair.engine.system().stratum.get(), 2);
}

#[test]
fn a_server_that_falls_silent_becomes_unreachable_and_is_asked_less_often() {
    let mut pair = Pair::new(2);
    let id = pair.serve(1, Server::default(), iburst());
    pair.run(seconds(600));
    pair.server(1).answers = false;
    pair.run(seconds(40_000));
    let association = pair.association(id);
    assert!(!association.poll.reach.is_reachable());
    assert_eq!(association.poll.host_poll.exponent(), 10);
    assert_eq!(pair.engine.system().peer, None);
    // The stratum stays, and the error grows.
    assert_eq!(pair.engine.system().stratum.get(), 2);
    assert!(pair.engine.root_dispersion(&pair.now()).seconds() > 0.4);
}

#[test]
fn after_a_suspend_the_engine_starts_over_at_once() {
    let mut pair = Pair::new(3);
    let id = pair.serve(1, Server::default(), iburst());
    pair.run(seconds(7200));
    pair.suspend(seconds(3600));
    pair.set_error(-0.05);
    let asked = pair.server(1).asked;
    // Whatever wakes the engine first tells it.
    pair.handle(crate::engine::input::Input::Wakeup);
    assert_eq!(pair.association(id).samples, 0);
    assert_eq!(pair.engine.system().leap, Leap::Alarm);
    pair.run(seconds(15));
    assert!(pair.server(1).asked >= asked + 5, "{} after {asked}", pair.server(1).asked);
    assert_eq!(pair.association(id).standing.tally, Tally::SystemPeer);
}
