//! What anybody can send, to every socket there is, from every address that is known.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::pair::{Pair, Server, iburst, seconds};
use crate::config::host::HostSpec;
use crate::config::keys;
use crate::config::ntp_conf::{Directive, Kind, Options};
use crate::engine::output::Socket;
use crate::units::{KeyId, PollExponent};

/// A packet of somebody who has no key.
#[derive(Clone, Debug)]
struct Attack {
    /// From which address: a server's, a sender's to everybody, a group's member's, a stranger's.
    from: u8,
    /// What it is made of.
    matter: Matter,
    /// How long after the one before.
    after_ms: u64,
}

#[derive(Clone, Debug)]
enum Matter {
    /// Any bytes, of any length.
    Bytes(Vec<u8>),
    /// A packet by its looks, of this mode, with anything in its fields and behind them.
    Shaped(u8, Vec<u8>),
    /// What the sender to everybody sends, with one byte changed.
    Changed(usize, u8),
    /// The same without its code, or with part of it.
    Cut(usize),
}

fn matter() -> impl Strategy<Value = Matter> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..240);
    prop_oneof![
        bytes().prop_map(Matter::Bytes),
        (0_u8..8, bytes()).prop_map(|(mode, bytes)| Matter::Shaped(mode, bytes)),
        (0_usize..68, 1..=255_u8).prop_map(|(at, by)| Matter::Changed(at, by)),
        (0_usize..68).prop_map(Matter::Cut),
    ]
}

fn attacks() -> impl Strategy<Value = Vec<Attack>> {
    let attack = (0_u8..5, matter(), 0_u64..20_000);
    let attack = attack.prop_map(|(from, matter, after_ms)| Attack { from, matter, after_ms });
    proptest::collection::vec(attack, 1..40)
}

/// An engine with a source of each kind, all of them with keys but the plain server.
fn everything(seed: u8) -> Pair {
    let mut pair = Pair::new(seed);
    let entries = keys::read("keys", "1 MD5 ntpkey-test\n").unwrap();
    let key = Some(entries[0].key.clone());
    pair.engine.set_keys(entries);
    for directive in [
        Directive::TrustedKeys(vec![KeyId::new(1).unwrap()]),
        Directive::BroadcastClient { volley: true },
    ] {
        let now = pair.now();
        pair.engine.apply(&now, &directive).unwrap();
    }
    pair.serve(1, Server::default(), iburst());
    let signs = Server { key, ..Server::default() };
    pair.servers.insert(Pair::address(2), signs.clone());
    pair.servers.insert(Pair::address(3), Server { is_member: true, ..signs });
    let keyed = Options { key: KeyId::new(1), maxpoll: PollExponent::new(6), ..iburst() };
    pair.add(Kind::ManycastClient, HostSpec::new("239.1.2.3"), keyed.clone());
    pair.add(Kind::Peer, HostSpec::new(Pair::address(4).to_string()), keyed);
    pair
}

/// What an engine does with its sources for some minutes, attacked or not; that it tells of wrong
/// codes is left out, and its counters never were in.
fn run(seed: u8, attacks: &[Attack], is_attacked: bool) -> (Vec<String>, u64) {
    let mut pair = everything(seed);
    pair.run_broadcasting(2, 4, seconds(100));
    for Attack { from, matter, after_ms } in attacks {
        pair.run(Duration::from_millis(*after_ms));
        let mut bytes = pair.broadcast_of(2, 4);
        if !is_attacked {
            continue;
        }
        match matter {
            Matter::Bytes(any) => bytes.clone_from(any),
            Matter::Shaped(mode, any) => {
                let length = any.len().clamp(48, 240) / 4 * 4;
                bytes.clone_from(any);
                bytes.resize(length, 1);
                bytes[0] = 0x20 | mode;
                bytes[1] = 1;
            }
            Matter::Changed(at, by) => bytes[*at] ^= by,
            Matter::Cut(length) => bytes.truncate(*length),
        }
        let from = SocketAddr::new(Pair::address(*from + 1), 123);
        let mut sockets = vec![Socket::Ntp];
        sockets.extend(pair.sent.iter().rev().take(4).map(|(_, sent)| sent.socket));
        for socket in sockets {
            pair.inject(socket, from, &bytes);
        }
    }
    pair.run_broadcasting(2, 4, seconds(100));
    let samples = pair.engine.associations().map(|a| u64::from(a.samples)).sum();
    let is_of_codes = |line: &String| line.contains("code: 12");
    pair.log.retain(|line| !is_of_codes(line));
    (pair.log, samples)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn who_has_no_key_changes_nothing_but_counters(seed in any::<u8>(), attacks in attacks()) {
        let (quiet, attacked) = (run(seed, &attacks, false), run(seed, &attacks, true));
        prop_assert!(quiet.1 > 10, "there is something to disturb");
        prop_assert_eq!(quiet, attacked);
    }
}
