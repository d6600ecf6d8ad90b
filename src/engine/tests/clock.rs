//! The local clock: when it is followed, when not, and what is told then.

use super::pair::{Pair, Server, iburst, seconds};
use crate::clock::command::Command;
use crate::config::ntp_conf;
use crate::engine::association::Association;
use crate::engine::input::Input;
use crate::engine::mobilize::Refused;
use crate::engine::output::Output;
use crate::engine::settings::{Algorithm, Settings};
use crate::engine::system::System;
use crate::units::{Leap, Mode, NtpDuration, RefId, Stratum, Tally};

fn configure(pair: &mut Pair, conf: &str) -> Result<(), Refused> {
    let now = pair.now();
    for placed in ntp_conf::read("ntp.conf", conf).unwrap() {
        pair.engine.apply(&now, &placed.directive)?;
    }
    pair.handle(Input::Wakeup);
    Ok(())
}

fn with(conf: &str) -> Pair {
    let mut pair = Pair::new(1);
    configure(&mut pair, conf).unwrap();
    pair
}

fn clock(pair: &Pair) -> &Association {
    pair.engine.associations().find(|association| association.clock.is_some()).unwrap()
}

fn shown(system: &System) -> (Leap, u8, RefId) {
    (system.leap, system.stratum.get(), system.reference_id)
}

const LOCAL: RefId = RefId::new([127, 127, 1, 0]);

#[test]
fn it_is_followed_at_once_where_it_is_all_there_is() {
    for algorithm in [Algorithm::Ntp, Algorithm::Kalman] {
        let mut pair = Pair::with(Settings { algorithm, ..Settings::default() }, 1);
        configure(&mut pair, "server 127.127.1.0\nbroadcast 192.0.2.255\n").unwrap();
        pair.run(seconds(2));
        assert_eq!(shown(pair.engine.system()), (Leap::None, 6, LOCAL));
        assert_eq!(pair.engine.system().peer, Some(clock(&pair).id));
        assert_eq!(clock(&pair).standing.tally, Tally::SystemPeer);
        let now = pair.now();
        // A client takes it at once, too.
        assert!(pair.engine.root_dispersion(&now).seconds() < 0.02);
        pair.run(seconds(64 * 7 + 1));
        let association = clock(&pair);
        assert_eq!(association.poll.reach.register(), 0o377);
        assert_eq!(
            (association.kind.host_mode(), association.heard.mode),
            (Mode::Client, Mode::Server)
        );
        assert!(association.filter.offset().seconds().abs() < 1e-9);
        assert_eq!(association.clock.as_ref().unwrap().polls, 8);
        pair.run(seconds(100_000));
        assert_eq!(shown(pair.engine.system()), (Leap::None, 6, LOCAL));
        assert!(pair.engine.root_dispersion(&pair.now()).seconds() < 0.02);
        // Our clock is never told where to go by itself, but that it is set.
        let steers = |line: &&String| line.contains("Steer(") || line.contains("Step");
        let steered: Vec<&String> = pair.log.iter().filter(steers).collect();
        assert!(steered.len() <= 1, "{steered:?}");
        assert!(pair.log.iter().any(|line| line.contains("Status(")));
        assert!(pair.error_s().abs() < 1e-9);
    }
}

#[test]
fn whoever_steps_it_changes_what_is_right() {
    let mut pair = with("server 127.127.1.0\n");
    pair.run(seconds(70));
    let before = pair.log.len();
    pair.handle(Input::ClockStepped { by: NtpDuration::from_seconds(3.5) });
    assert_eq!(shown(pair.engine.system()), (Leap::None, 6, LOCAL));
    assert_eq!(clock(&pair).poll.reach.register(), 0o3);
    assert_eq!(pair.engine.system().steps, 1);
    pair.run(seconds(200));
    assert_eq!(shown(pair.engine.system()), (Leap::None, 6, LOCAL));
    let steered = |line: &String| line.contains("Steer(") || line.contains("Step {");
    assert!(!pair.log[before..].iter().any(steered), "{:?}", &pair.log[before..]);
}

#[test]
fn fudge_says_what_it_is() {
    let mut pair = with("server 127.127.1.3\nfudge 127.127.1.3 stratum 10 refid GONE\n");
    pair.run(seconds(2));
    let three = RefId::new([127, 127, 1, 3]);
    assert_eq!(shown(pair.engine.system()), (Leap::None, 11, three));
    assert_eq!(clock(&pair).heard.reference_id, RefId::from_code("GONE").unwrap());
    // One that claims to be a primary reference is called by its name.
    configure(&mut pair, "fudge 127.127.1.3 stratum 0\n").unwrap();
    pair.run(seconds(70));
    let name = RefId::from_code("GONE").unwrap();
    assert_eq!(shown(pair.engine.system()), (Leap::None, 1, name));
    let unknown = configure(&mut pair, "fudge 127.127.1.0 stratum 4\n");
    assert!(matches!(unknown, Err(Refused::Clock(clock)) if clock.unit == 0), "{unknown:?}");
    let again = configure(&mut pair, "server 127.127.1.3\n");
    assert!(matches!(again, Err(Refused::Duplicate(_))), "{again:?}");
    assert_eq!(clock(&pair).heard.stratum, Stratum::new(0));
}

#[test]
fn it_waits_while_something_better_may_come() {
    let mut pair = with("server 127.127.1.0\nserver 192.0.2.1 iburst\n");
    pair.run(seconds(299));
    assert_eq!(pair.engine.system().peer, None);
    assert_eq!(clock(&pair).standing.tally, Tally::Reject);
    pair.run(seconds(70));
    assert_eq!(shown(pair.engine.system()), (Leap::None, 6, LOCAL));
    // A real server ends it, and the clock is asked no more.
    pair.servers.insert(Pair::address(1), Server::default());
    pair.run(seconds(3000));
    let server = pair.engine.associations().find(|a| a.clock.is_none()).unwrap().id;
    assert_eq!(pair.engine.system().peer, Some(server));
    assert_eq!(pair.engine.system().stratum, Stratum::new(2));
    assert_eq!(clock(&pair).poll.reach.register(), 0);
    // Gone, it is waited for again.
    pair.server(1).answers = false;
    while pair.engine.system().peer.is_some() {
        pair.run(seconds(1));
    }
    pair.run(seconds(290));
    assert_eq!(pair.engine.system().peer, None);
    pair.run(seconds(140));
    assert_eq!(shown(pair.engine.system()), (Leap::None, 6, LOCAL));
}

#[test]
fn one_that_is_preferred_is_followed_whatever_else_there_is() {
    let mut pair = with("server 127.127.1.0 prefer\n");
    pair.serve(1, Server { ahead_s: 0.003, ..Server::default() }, iburst());
    pair.run(seconds(5));
    assert_eq!(shown(pair.engine.system()), (Leap::None, 6, LOCAL));
    pair.run(seconds(10_000));
    assert_eq!(pair.engine.system().peer, Some(clock(&pair).id));
    assert!(pair.error_s().abs() < 1e-6, "{}", pair.error_s());
}

#[test]
fn who_has_one_is_no_orphan() {
    let mut pair = with("tos orphan 8 orphanwait 1\nserver 127.127.1.0\n");
    pair.run(seconds(100));
    assert_eq!(shown(pair.engine.system()), (Leap::None, 6, LOCAL));
    assert!(!pair.engine.system().is_orphan);
    // One whose stratum is no better than that of orphans is of no use.
    let mut pair = with("tos orphan 5 orphanwait 1\nserver 127.127.1.0\n");
    pair.run(seconds(100));
    assert!(pair.engine.system().is_orphan);
    assert_eq!(pair.engine.system().stratum, Stratum::new(5));
}

#[test]
fn it_goes_and_comes_like_any_source() {
    let mut pair = with("server 127.127.1.0\n");
    pair.run(seconds(10));
    let (now, id) = (pair.now(), clock(&pair).id);
    assert!(pair.engine.remove(&now, id));
    pair.run(seconds(5));
    assert_eq!((pair.engine.system().peer, pair.engine.associations().count()), (None, 0));
    configure(&mut pair, "server 127.127.1.0 minpoll 4 maxpoll 4\n").unwrap();
    pair.run(seconds(16 * 8));
    assert_eq!(clock(&pair).poll.reach.register(), 0o377);
    // A step of our clock changes nothing of it.
    pair.set_error(3.0);
    pair.handle(Input::ClockStepped { by: NtpDuration::from_seconds(3.0) });
    assert_eq!(clock(&pair).heard.stratum, Stratum::new(5));
    pair.run(seconds(20));
    assert_eq!(shown(pair.engine.system()), (Leap::None, 6, LOCAL));
}

#[test]
fn other_clocks_have_no_driver() {
    let mut pair = Pair::new(1);
    let now = pair.now();
    let host = crate::config::host::HostSpec::new("127.127.20.0");
    let options = ntp_conf::Options::default();
    let kind = ntp_conf::Kind::Server;
    let wanted = ntp_conf::Association { kind, host, family: None, options };
    assert!(matches!(pair.engine.add(&now, &wanted), Err(Refused::Clock(_))));
    assert!(
        !std::iter::from_fn(|| pair.engine.poll_output())
            .any(|output| matches!(output, Output::Clock(Command::Step { .. }) | Output::Send(_)))
    );
}
