//! Becoming an orphan, and ceasing to be one.

use super::pair::{Pair, Server, iburst, seconds};
use crate::config::ntp_conf::{Directive, Tos};
use crate::engine::input::Input;
use crate::engine::system::System;
use crate::units::{Leap, NtpDuration, RefId, Stratum};

fn tos(pair: &mut Pair, setting: Tos) {
    let now = pair.now();
    pair.engine.apply(&now, &Directive::Tos(setting)).unwrap();
    pair.handle(Input::Wakeup);
}

fn shown(system: &System) -> (Leap, u8, String) {
    let id = system.reference_id;
    let id = if id == RefId::new([127, 0, 0, 1]) {
        "127.0.0.1".to_owned()
    } else {
        id.code().unwrap_or_default()
    };
    (system.leap, system.stratum.get(), id)
}

#[test]
fn who_finds_nobody_in_time_pretends_to_a_stratum_of_its_own() {
    let mut pair = Pair::new(1);
    tos(&mut pair, Tos::Orphan(Stratum::new(5)));
    pair.run(seconds(299));
    assert_eq!(shown(pair.engine.system()), (Leap::Alarm, 16, "INIT".into()));
    pair.run(seconds(2));
    assert_eq!(shown(pair.engine.system()), (Leap::None, 5, "127.0.0.1".into()));
    // It claims no error, however long that lasts: that is the point of it.
    pair.run(seconds(100_000));
    assert_eq!(pair.engine.root_dispersion(&pair.now()), NtpDuration::ZERO);
    tos(&mut pair, Tos::Orphan(Stratum::new(1)));
    assert_eq!(shown(pair.engine.system()), (Leap::None, 1, "LOOP".into()));
    tos(&mut pair, Tos::Orphan(Stratum::new(16)));
    assert_eq!(shown(pair.engine.system()), (Leap::Alarm, 16, "INIT".into()));
}

#[test]
fn without_orphan_mode_nothing_of_the_kind_happens() {
    let mut pair = Pair::new(2);
    tos(&mut pair, Tos::OrphanWait(NtpDuration::from_seconds(1.0)));
    pair.run(seconds(1000));
    assert_eq!(shown(pair.engine.system()), (Leap::Alarm, 16, "INIT".into()));
}

#[test]
fn a_server_puts_an_end_to_it_and_the_wait_begins_anew_when_it_is_lost() {
    let mut pair = Pair::new(3);
    tos(&mut pair, Tos::Orphan(Stratum::new(6)));
    tos(&mut pair, Tos::OrphanWait(NtpDuration::from_seconds(30.0)));
    pair.run(seconds(31));
    assert_eq!(pair.engine.system().stratum.get(), 6);
    let id = pair.serve(1, Server::default(), iburst());
    pair.run(seconds(3600));
    let system = pair.engine.system();
    assert_eq!((system.peer, system.stratum.get(), system.leap), (Some(id), 2, Leap::None));
    pair.server(1).answers = false;
    while pair.engine.system().peer.is_some() {
        pair.run(seconds(1));
    }
    pair.run(seconds(28));
    assert_eq!(pair.engine.system().stratum.get(), 2);
    pair.run(seconds(3));
    assert_eq!(shown(pair.engine.system()), (Leap::None, 6, "127.0.0.1".into()));
}

#[test]
fn sources_at_the_orphan_stratum_wait_and_those_below_it_are_not_followed() {
    let mut pair = Pair::new(4);
    tos(&mut pair, Tos::Orphan(Stratum::new(6)));
    // The number of this host is not known, so anybody's is lower.
    let below = pair.serve(9, Server { stratum: 7, ..Server::default() }, iburst());
    let orphan = pair.serve(7, Server { stratum: 6, ..Server::default() }, iburst());
    let other = pair.serve(8, Server { stratum: 6, ..Server::default() }, iburst());
    pair.run(seconds(200));
    assert_eq!(pair.engine.system().peer, Some(orphan));
    assert_eq!(pair.engine.system().stratum.get(), 7);
    let better = pair.serve(10, Server { stratum: 3, ..Server::default() }, iburst());
    pair.run(seconds(200));
    assert_eq!(pair.engine.system().peer, Some(better));
    // With a lower number of our own we would be the parent.
    pair.server(10).answers = false;
    pair.handle(Input::OwnAddresses(vec![Pair::address(1)]));
    pair.run(seconds(4000));
    assert_eq!(pair.engine.system().peer, None);
    assert_eq!(pair.engine.system().stratum.get(), 6);
    for id in [below, orphan, other] {
        assert!(pair.association(id).poll.reach.is_reachable());
    }
}
