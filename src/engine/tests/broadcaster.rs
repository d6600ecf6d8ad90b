//! Telling everybody the time: when, with what, and not before there is any to tell.

use std::net::IpAddr;
use std::time::Duration;

use super::pair::{Pair, Server, iburst, seconds};
use crate::config::host::HostSpec;
use crate::config::keys;
use crate::config::ntp_conf::{Directive, Kind, Options};
use crate::engine::input::Input;
use crate::engine::output::{Output, Socket, Transmission};
use crate::units::{AssocId, KeyId, Leap, Mode, Mono, NtpTimestamp, PollExponent, Stratum};
use crate::wire::packet::{Header, Packet, Trailer};

const EVERYBODY: &str = "192.0.2.255";

fn options(poll: i8) -> Options {
    Options { minpoll: PollExponent::new(poll), ..Options::default() }
}

fn broadcaster(pair: &mut Pair, to: &str, options: Options) -> AssocId {
    pair.add(Kind::Broadcast, HostSpec::new(to), options)
}

fn sent(pair: &Pair) -> Vec<(Mono, &Transmission, Header)> {
    let header = |sent: &Transmission| Packet::parse(&sent.datagram).unwrap().header;
    let all = pair.sent.iter().map(|(at, sent)| (*at, sent, header(sent)));
    all.filter(|(.., header)| header.mode == Mode::Broadcast).collect()
}

/// Set by a server, and then for as long as this.
fn run(to: &str, options: Options, span: Duration) -> (Pair, AssocId) {
    let mut pair = Pair::new(1);
    pair.serve(1, Server::default(), iburst());
    let id = broadcaster(&mut pair, to, options);
    while pair.engine.system().leap == Leap::Alarm {
        assert!(sent(&pair).is_empty(), "there is no time to tell yet");
        pair.run(seconds(1));
    }
    pair.run(span);
    (pair, id)
}

#[test]
fn the_port_of_ntp_is_opened_for_it() {
    let mut pair = Pair::new(1);
    let now = pair.now();
    let host = HostSpec::new(EVERYBODY);
    let options = Options::default();
    let wanted =
        crate::config::ntp_conf::Association { kind: Kind::Broadcast, host, family: None, options };
    pair.engine.add(&now, &wanted).unwrap();
    let outputs: Vec<Output> = std::iter::from_fn(|| pair.engine.poll_output()).collect();
    assert!(outputs.contains(&Output::Listen { group: None }), "{outputs:?}");
}

#[test]
fn everybody_is_told_the_time_every_interval_once_it_is_known() {
    let (pair, id) = run(EVERYBODY, options(4), seconds(3600));
    let sent = sent(&pair);
    assert!((205..=230).contains(&sent.len()), "{}", sent.len());
    for pair in sent.windows(2) {
        // Never early, for those who listen take that for a replay.
        let gap = pair[1].0.since(pair[0].0).as_secs_f64();
        assert!((16.0..17.3).contains(&gap), "{gap}");
    }
    let (_, last, header) = sent.last().unwrap();
    assert_eq!((last.socket, last.to.to_string().as_str()), (Socket::Ntp, "192.0.2.255:123"));
    assert_eq!((last.ttl, last.from, last.datagram.len()), (None, None, 48));
    assert_eq!((header.leap, header.stratum), (Leap::None, Stratum::new(2)));
    assert_eq!((header.poll, header.version), (PollExponent::new(4), 4));
    assert!(header.origin.is_never() && header.receive.is_never());
    assert!(!header.reference.is_never());
    let association = pair.association(id);
    assert_eq!(association.counters.sent, u64::try_from(sent.len()).unwrap());
    assert_eq!(association.kind.host_mode(), Mode::Broadcast);
    // It is nothing that is measured.
    assert_eq!(pair.engine.explained().verdicts.len(), 1);
    assert_eq!((association.poll.reach.register(), association.samples), (0, 0));
    assert_eq!(association.flash.bits(), 0x1600, "as ntpd shows it");
}

#[test]
fn it_is_shown_with_the_address_of_ours_in_the_network_that_it_sends_to() {
    let own: Vec<IpAddr> = ["127.0.0.1", "::1", "10.0.0.1", "192.0.2.1", "198.51.100.1"]
        .map(|address| address.parse().unwrap())
        .to_vec();
    let mut pair = Pair::new(5);
    let early = broadcaster(&mut pair, EVERYBODY, options(6));
    pair.handle(Input::OwnAddresses(own.clone()));
    assert_eq!(pair.association(early).local, Some(own[3]));
    for (to, expected) in
        [("198.51.100.255", Some(own[4])), ("127.255.255.255", Some(own[0])), ("ff05::101", None)]
    {
        let id = broadcaster(&mut pair, to, options(6));
        pair.run(seconds(2));
        assert_eq!(pair.association(id).local, expected, "{to}");
    }
    pair.handle(Input::OwnAddresses(own[..3].to_vec()));
    assert_eq!(pair.association(early).local, Some(own[2]));
}

#[test]
fn nobody_is_told_anything_while_the_clock_is_not_set() {
    let mut pair = Pair::new(2);
    broadcaster(&mut pair, EVERYBODY, options(3));
    pair.run(seconds(3600));
    assert!(sent(&pair).is_empty());
}

#[test]
fn a_group_is_told_as_far_as_said() {
    for (ttl, hops) in [(None, 127), (Some(1), 1), (Some(255), 255)] {
        let (pair, id) = run("224.0.1.1", Options { ttl, ..options(6) }, seconds(300));
        assert_eq!(sent(&pair).last().unwrap().1.ttl, Some(hops));
        assert_eq!(pair.association(id).heard.reference_id.code().as_deref(), Some("MCST"));
    }
    let (pair, id) = run(EVERYBODY, options(6), seconds(10));
    assert_eq!(pair.association(id).heard.reference_id.code().as_deref(), Some("BCST"));
}

#[test]
fn with_xleave_each_packet_tells_when_the_one_before_left() {
    let (pair, _) = run(EVERYBODY, Options { xleave: true, ..options(4) }, seconds(600));
    let sent = sent(&pair);
    assert!(sent[0].2.origin.is_never());
    for pair in sent.windows(2) {
        let late = (pair[1].2.origin - pair[0].2.transmit).seconds();
        assert!(late.abs() < 1e-6, "{late}");
    }
    assert!(sent.iter().all(|(.., header)| header.receive == NtpTimestamp::NEVER));
}

#[test]
fn a_key_signs_and_without_it_nothing_leaves() {
    let key = KeyId::new(1);
    let (pair, id) = run(EVERYBODY, Options { key, ..options(4) }, seconds(100));
    assert!(sent(&pair).is_empty());
    assert!(pair.association(id).counters.unsent > 3);
    let mut pair = Pair::new(3);
    let entries = keys::read("keys", "1 AES128CMAC 0123456789abcdef0123456789abcdef\n").unwrap();
    let secret = entries[0].key.clone();
    pair.engine.set_keys(entries);
    let now = pair.now();
    pair.engine.apply(&now, &Directive::TrustedKeys(vec![key.unwrap()])).unwrap();
    pair.serve(1, Server::default(), iburst());
    broadcaster(&mut pair, EVERYBODY, Options { key, version: 3, ..options(4) });
    pair.run(seconds(100));
    let sent = sent(&pair);
    let (_, last, header) = sent.last().unwrap();
    let packet = Packet::parse(&last.datagram).unwrap();
    let Trailer::Mac(mac) = packet.trailer else { panic!("no code") };
    assert!(mac.is_by(&secret, packet.covered(&last.datagram)));
    assert_eq!(header.version, 3);
}

#[test]
fn one_that_ends_sends_no_more() {
    let (mut pair, id) = run(EVERYBODY, options(3), seconds(100));
    let before = sent(&pair).len();
    let now = pair.now();
    assert!(pair.engine.remove(&now, id));
    pair.run(seconds(100));
    assert_eq!(sent(&pair).len(), before);
}

#[test]
fn a_listener_of_ours_measures_what_a_sender_of_ours_tells() {
    let (pair, _) = run(EVERYBODY, Options { xleave: true, ..options(4) }, seconds(400));
    let told: Vec<(Mono, Vec<u8>)> =
        sent(&pair).iter().map(|(at, sent, _)| (*at, sent.datagram.clone())).collect();
    let mut listener = Pair::new(4);
    let now = listener.now();
    for directive in [
        Directive::BroadcastClient { volley: false },
        Directive::Flag { flag: crate::config::ntp_conf::Flag::Auth, is_enabled: false },
    ] {
        listener.engine.apply(&now, &directive).unwrap();
    }
    for (at, datagram) in told {
        let wait = at.since(listener.now().mono);
        listener.run(wait);
        listener.inject(Socket::Ntp, (Pair::address(50), 123).into(), &datagram);
    }
    let association = listener.engine.associations().next().unwrap();
    assert!(association.samples > 20, "{}", association.samples);
    assert_eq!(association.heard.stratum, Stratum::new(2));
}
