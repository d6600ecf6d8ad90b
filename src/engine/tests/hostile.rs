//! What anybody can send, to every socket there is, from every address that is known.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::pair::{Pair, Server, iburst, seconds};
use crate::config::host::HostSpec;
use crate::config::keys;
use crate::config::ntp_conf::{Directive, Kind, Options};
use crate::engine::association::{Association, Kind as Role};
use crate::engine::output::Socket;
use crate::units::{KeyId, Leap, Mode, NtpDuration, NtpTimestamp, PollExponent, RefId, Stratum};
use crate::wire::packet::{Header, Packet};

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

/// A packet that tells a time and gives this back.
fn telling(pair: &Pair, mode: Mode, origin: NtpTimestamp) -> Header {
    let clock = pair.now().clock;
    Header {
        mode,
        leap: Leap::None,
        stratum: Stratum::new(1),
        reference_id: RefId::from_code("GPS").unwrap(),
        poll: PollExponent::new(6),
        origin,
        receive: clock,
        ..Header::request(clock)
    }
}

fn from(number: u8) -> SocketAddr {
    SocketAddr::new(Pair::address(number), 123)
}

fn of_kind(pair: &Pair, kind: Role) -> &Association {
    pair.engine.associations().find(|association| association.kind == kind).unwrap()
}

#[test]
fn a_reply_that_gives_nothing_back_is_none() {
    let mut pair = Pair::new(12);
    let id = pair.serve(1, Server { answers: false, ..Server::default() }, iburst());
    for _ in 0..600 {
        pair.run(seconds(1));
        let Some((_, request)) = pair.sent.last().cloned() else { continue };
        let sent = Packet::parse(&request.datagram).unwrap().header.transmit;
        for origin in [0, 1, sent.bits() ^ 1, sent.bits().swap_bytes()] {
            let reply = telling(&pair, Mode::Server, NtpTimestamp::from_bits(origin));
            pair.inject(request.socket, request.to, &reply.emit());
        }
    }
    let association = pair.association(id);
    assert!(association.counters.bogus_origin >= 40, "{:?}", association.counters);
    assert!(association.samples == 0 && !association.poll.reach.is_reachable());
}

#[test]
fn signed_packets_that_are_sent_again_are_only_counted() {
    let mut pair = everything(13);
    let key = pair.servers[&Pair::address(2)].key.clone().unwrap();
    pair.run_broadcasting(2, 4, seconds(200));
    let broadcast = pair.broadcast_of(2, 4);
    pair.inject(Socket::Ntp, from(2), &broadcast);
    let of_peer = key.seal(telling(&pair, Mode::SymmetricActive, NtpTimestamp::NEVER).emit());
    pair.inject(Socket::Ntp, from(4), &of_peer);
    let seen = |pair: &Pair, kind| {
        let association = of_kind(pair, kind);
        (association.samples, association.heard)
    };
    let (listener, peer) = (seen(&pair, Role::BroadcastClient), seen(&pair, Role::Peer));
    let old = of_kind(&pair, Role::BroadcastClient).counters.old_packet;
    assert!(listener.0 > 0);
    for _ in 0..50 {
        pair.run(Duration::from_millis(100));
        pair.inject(Socket::Ntp, from(2), &broadcast);
        pair.inject(Socket::Ntp, from(4), &of_peer);
    }
    assert_eq!(seen(&pair, Role::BroadcastClient), listener);
    assert_eq!(seen(&pair, Role::Peer), peer);
    assert_eq!(of_kind(&pair, Role::BroadcastClient).counters.old_packet, old + 50);
}

#[test]
fn packets_of_any_length_change_nothing() {
    let mut attacks = Vec::new();
    for length in (0..140).chain([1471, 1472, 1473, 65_506, 65_507]) {
        for mode in 1..=7 {
            let mut bytes = vec![0x5a; length];
            bytes.iter_mut().take(1).for_each(|first| *first = 0x20 | mode);
            attacks.push(Attack { from: mode % 5, matter: Matter::Bytes(bytes), after_ms: 50 });
        }
    }
    assert_eq!(run(14, &attacks, false), run(14, &attacks, true));
}

/// A peer that has never answered is told what a stranger in its name says, for that may be the
/// beginning of an exchange; it goes no further.
#[test]
fn a_flood_of_guesses_to_the_port_changes_no_measurement_and_no_selection() {
    let course = |is_attacked: bool| {
        let mut pair = Pair::new(11);
        pair.serve(1, Server::default(), iburst());
        let peer = HostSpec::new(Pair::address(4).to_string());
        let peer = pair.add(Kind::Peer, peer, Options::default());
        for _ in 0..600 {
            pair.run(seconds(1));
            // What we sent lately is not what is guessed, but as near as a stranger can know.
            for guess in 0..if is_attacked { 20 } else { 0 } {
                let ago = NtpDuration::from_seconds(-f64::from(guess) * 0.05 - 0.0001);
                for mode in [Mode::Server, Mode::SymmetricPassive] {
                    let datagram = telling(&pair, mode, pair.now().clock + ago).emit();
                    for (socket, number) in
                        [(Socket::Ntp, 1), (Socket::Ntp, 4), (Socket::Peer(peer), 4)]
                    {
                        pair.inject(socket, from(number), &datagram);
                    }
                }
            }
        }
        let standing = |a: &Association| (a.id, a.samples, a.standing.tally, a.filter.offset());
        let standings: Vec<_> = pair.engine.associations().map(standing).collect();
        pair.log.retain(|line| !line.contains("socket: Peer("));
        (pair.log, standings)
    };
    let (quiet, attacked) = (course(false), course(true));
    assert!(quiet.1.iter().any(|(_, samples, ..)| *samples > 10), "{:?}", quiet.1);
    assert_eq!(quiet, attacked);
}
