//! What holds for all seeds and against everybody.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::pair::{Pair, Server, iburst, seconds};
use crate::config::host::HostSpec;
use crate::config::ntp_conf::{Kind, Options};
use crate::engine::input::Input;
use crate::engine::output::Socket;
use crate::units::{Leap, NtpDuration};

/// An hour with three servers, one of them wrong.
fn hour(seed: u8, early: Option<Duration>) -> Vec<String> {
    let mut pair = Pair::new(seed);
    pair.early = early;
    pair.set_error(-0.03);
    for (number, ahead_s) in [(1, 0.0), (2, 0.001), (3, 0.5)] {
        pair.serve(number, Server { ahead_s, ..Server::default() }, iburst());
    }
    pair.run(seconds(3600));
    pair.log
}

#[test]
fn nothing_is_put_out_without_a_cause() {
    let mut pair = Pair::new(1);
    pair.run(seconds(86_400));
    assert!(pair.log.len() <= 2, "{:?}", pair.log);
    assert!(pair.engine.next_wakeup().is_none());
}

#[test]
fn a_reply_after_a_step_in_mid_flight_is_discarded() {
    let mut pair = Pair::new(2);
    let slow = Server { delay: Duration::from_millis(800), ..Server::default() };
    let id = pair.serve(1, slow, iburst());
    pair.run(Duration::from_millis(400));
    assert_eq!(pair.sent.len(), 1);
    let by = NtpDuration::from_seconds(5.0);
    pair.set_error(5.0);
    pair.handle(Input::ClockStepped { by });
    pair.run(seconds(1));
    assert_eq!(pair.association(id).samples, 0);
    assert_eq!(pair.engine.system().leap, Leap::Alarm);
    pair.run(seconds(60));
    assert!(pair.association(id).samples > 3);
    assert!((pair.steps[0].1.seconds() + 5.0).abs() < 0.01, "{:?}", pair.steps);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn two_runs_of_a_seed_are_identical_and_waking_early_changes_nothing(
        seed in any::<u8>(),
        every_ms in 50_u64..5_000,
    ) {
        let plain = hour(seed, None);
        prop_assert_eq!(&plain, &hour(seed, None));
        prop_assert_eq!(&plain, &hour(seed, Some(Duration::from_millis(every_ms))));
    }

    #[test]
    fn hostile_packets_change_nothing_but_counters(
        seed in any::<u8>(),
        packets in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..200), 0_u64..40_000, any::<bool>()),
            1..60,
        ),
    ) {
        let run = |attacked: bool| {
            let mut pair = Pair::new(seed);
            let id = pair.serve(1, Server::default(), iburst());
            let from = SocketAddr::new(Pair::address(1), 123);
            for (bytes, after_ms, is_shaped) in &packets {
                pair.run(Duration::from_millis(*after_ms));
                if !attacked {
                    continue;
                }
                let mut bytes = bytes.clone();
                if *is_shaped {
                    // A reply by its looks, and the true request's fields in the wrong places.
                    bytes.resize(48, 0);
                    bytes[0] = 0x24;
                    bytes[1] = 1;
                }
                let ticket = pair.sent.last().map(|(_, sent)| sent.ticket);
                let socket = ticket.map_or(Socket::Ntp, Socket::Request);
                pair.inject(socket, from, &bytes);
                pair.inject(Socket::Ntp, from, &bytes);
                let other = SocketAddr::new(Pair::address(9), 123);
                pair.inject(socket, other, &bytes);
            }
            pair.run(seconds(10));
            let samples = pair.association(id).samples;
            (pair.log, samples)
        };
        prop_assert_eq!(run(false), run(true));
    }

    #[test]
    fn hostile_packets_in_the_name_of_a_peer_change_nothing_but_counters(
        seed in any::<u8>(),
        xleave in any::<bool>(),
        packets in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..200), 0_u64..40_000, 0_u8..4),
            1..60,
        ),
    ) {
        let run = |attacked: bool| {
            let mut pair = Pair::new(seed);
            pair.servers.insert(Pair::address(1), Server::default());
            let host = HostSpec::new(Pair::address(1).to_string());
            let options = Options { xleave, ..Options::default() };
            let id = pair.add(Kind::Peer, host, options);
            let from = SocketAddr::new(Pair::address(1), 123);
            // Until the first exchange anybody may begin one.
            pair.run(seconds(80));
            for (bytes, after_ms, shape) in &packets {
                pair.run(Duration::from_millis(*after_ms));
                if !attacked {
                    continue;
                }
                let mut bytes = bytes.clone();
                if *shape > 0 {
                    bytes.resize(48, 0);
                    // Active, passive, or a server's.
                    bytes[0] = [0x21, 0x22, 0x24][usize::from(*shape) - 1];
                }
                for socket in [Socket::Ntp, Socket::Peer(id)] {
                    pair.inject(socket, from, &bytes);
                }
            }
            pair.run(seconds(100));
            let association = pair.association(id);
            (association.samples, association.heard, association.poll.clone(), pair.log)
        };
        prop_assert_eq!(run(false), run(true));
    }

    #[test]
    fn a_duplicate_or_a_replay_is_only_counted(seed in any::<u8>(), late_ms in 0_u64..100_000) {
        let mut pair = Pair::new(seed);
        let id = pair.serve(1, Server::default(), iburst());
        pair.run(seconds(200));
        let (_, request) = pair.sent.last().cloned().unwrap();
        let reply = pair.server(1).clone().reply(1_200_000_000_000, &request.datagram);
        let (_, reply) = reply.unwrap();
        pair.run(Duration::from_millis(late_ms));
        let before = pair.association(id).clone();
        pair.inject(Socket::Request(request.ticket), request.to, &reply);
        let after = pair.association(id);
        prop_assert_eq!(after.samples, before.samples);
        prop_assert_eq!(&after.poll, &before.poll);
        prop_assert_eq!(after.heard, before.heard);
    }
}
