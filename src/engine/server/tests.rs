use std::net::Ipv4Addr;

use super::*;
use crate::config::keys::Entry;
use crate::config::ntp_conf::{self, Directive, Flag};
use crate::config::restrict::Selector;
use crate::engine::access::Origin;
use crate::engine::mobilize::Refused;
use crate::wire::packet::HEADER_LEN;

mod group;

const PRECISION: Precision = Precision::new(-24);

fn stamp(seconds: u64) -> NtpTimestamp {
    NtpTimestamp::from_bits(seconds << 32 | 0x8000_0000)
}

fn second(n: u64) -> Mono {
    Mono::from_nanos(n * 1_000_000_000)
}

fn served() -> Served {
    Served {
        leap: Leap::None,
        stratum: Stratum::new(2),
        precision: PRECISION,
        root_delay: NtpDuration::from_seconds(0.25),
        root_dispersion: NtpDuration::from_seconds(0.5),
        growth: 0.125,
        at: second(1),
        reference_id: RefId::new([192, 0, 2, 1]),
        reference: stamp(900),
        smear: None,
        own_ids: Arc::default(),
        cohort: false,
    }
}

fn server() -> Server {
    Server::new([5; 32])
}

fn request(mode: Mode, version: u8) -> Vec<u8> {
    let mut header = Header::request(NtpTimestamp::from_bits(0x1234_5678_9abc_def0));
    header.mode = mode;
    header.version = version;
    header.poll = PollExponent::new(6);
    header.emit()
}

fn arrived(datagram: &[u8], at: u64) -> Arrived<'_> {
    Arrived {
        from: (Ipv4Addr::new(192, 0, 2, 7), 40_000).into(),
        to: Some(Ipv4Addr::new(192, 0, 2, 9).into()),
        at: stamp(1000 + at),
        mono: second(at),
        datagram,
    }
}

/// A verdict, without what a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Reply,
    Drop,
    Control(Flags),
    Engine,
}

/// What a server makes of a datagram, with the reply, if there is one, as it leaves.
fn answer(
    server: &mut Server,
    clock: &Served,
    arrived: &Arrived<'_>,
    sent: NtpTimestamp,
) -> (Told, Vec<u8>) {
    let mut reply = Vec::new();
    let told = match server.answer(clock, arrived) {
        Verdict::Reply(draft) => {
            server.finish(&draft, sent, &mut reply);
            Told::Reply
        }
        Verdict::Drop => Told::Drop,
        Verdict::Control(flags) => Told::Control(flags),
        Verdict::Engine => Told::Engine,
    };
    (told, reply)
}

fn ask(server: &mut Server, datagram: &[u8], at: u64) -> (Told, Vec<u8>) {
    answer(server, &served(), &arrived(datagram, at), stamp(1001 + at))
}

fn restrict(server: &mut Server, flags: Flags) {
    server.access.restrict(Selector::ANY_V4, flags, None, Origin::Configured { line: None });
}

#[test]
fn a_reply_says_what_is_served_and_gives_the_request_back() {
    let (verdict, reply) = ask(&mut server(), &request(Mode::Client, 4), 5);
    assert_eq!(verdict, Told::Reply);
    let header = Packet::parse(&reply).unwrap().header;
    assert_eq!((header.mode, header.version, header.leap), (Mode::Server, 4, Leap::None));
    assert_eq!((header.stratum, header.poll), (Stratum::new(2), PollExponent::new(6)));
    assert_eq!(header.origin.bits(), 0x1234_5678_9abc_def0);
    assert_eq!(header.reference_id, RefId::new([192, 0, 2, 1]));
    assert_eq!(header.root_delay, NtpDuration::from_seconds(0.25));
    assert_eq!(header.root_dispersion, NtpDuration::from_seconds(0.5 + 4.0 * 0.125), "4 s later");
    let difference = |a: NtpTimestamp, b: NtpTimestamp| (a - b).abs().seconds();
    assert!(difference(header.receive, stamp(1005)) < PRECISION.seconds());
    assert!(difference(header.transmit, stamp(1006)) < PRECISION.seconds());
    assert_ne!(header.receive, stamp(1005), "what is below the precision is noise");
    assert_eq!(header.reference, stamp(900));
}

#[test]
fn the_version_is_echoed_and_nothing_else_is_answered_by_a_server() {
    for version in 1..=4 {
        let (verdict, reply) = ask(&mut server(), &request(Mode::Client, version), 5);
        assert_eq!((verdict, reply[0] >> 3 & 7), (Told::Reply, version));
    }
    for version in [0, 5, 6, 7] {
        let mut bytes = request(Mode::Client, 4);
        bytes[0] = version << 3 | 3;
        assert_eq!(ask(&mut server(), &bytes, 5).0, Told::Drop);
    }
    for mode in [Mode::SymmetricActive, Mode::SymmetricPassive, Mode::Server, Mode::Broadcast] {
        let (verdict, reply) = ask(&mut server(), &request(mode, 4), 5);
        assert_eq!((verdict, reply), (Told::Engine, vec![]));
    }
    for mode in [Mode::Control, Mode::Private] {
        assert_eq!(ask(&mut server(), &request(mode, 2), 5).0, Told::Control(Flags::NONE));
    }
}

#[test]
fn version_1_has_no_modes() {
    let bytes = request(Mode::Unspecified, 1);
    assert_eq!(ask(&mut server(), &bytes, 5).0, Told::Reply);
    let from_port_123 =
        Arrived { from: (Ipv4Addr::new(192, 0, 2, 7), 123).into(), ..arrived(&bytes, 5) };
    let (verdict, _) = answer(&mut server(), &served(), &from_port_123, stamp(9));
    assert_eq!(verdict, Told::Drop, "two of them would answer each other for ever");
    assert_eq!(ask(&mut server(), &request(Mode::Unspecified, 4), 5).0, Told::Drop);
}

#[test]
fn who_is_not_synchronised_says_so() {
    let unset = Served {
        leap: Leap::Alarm,
        stratum: Stratum::UNSYNCHRONISED,
        reference_id: Kiss::Initialising.reference_id(),
        ..served()
    };
    let bytes = request(Mode::Client, 4);
    let (_, reply) = answer(&mut server(), &unset, &arrived(&bytes, 5), stamp(9));
    let header = Packet::parse(&reply).unwrap().header;
    assert_eq!((header.leap, header.stratum), (Leap::Alarm, Stratum::new(0)));
}

#[test]
fn restrictions_are_heeded_in_their_order() {
    let dropped = |flags: Flags, bytes: &[u8]| {
        let mut server = server();
        restrict(&mut server, flags);
        let verdict = ask(&mut server, bytes, 5).0;
        (verdict == Told::Drop, server.counters().restricted)
    };
    let client = request(Mode::Client, 4);
    assert_eq!(dropped(Flags::IGNORE, &client), (true, 1));
    assert_eq!(dropped(Flags::IGNORE, &request(Mode::Control, 2)), (true, 1));
    assert_eq!(dropped(Flags::NOSERVE, &client), (true, 1));
    assert_eq!(dropped(Flags::NOSERVE, &request(Mode::Control, 2)), (false, 0));
    assert_eq!(dropped(Flags::NOTRUST, &client), (true, 1));
    assert_eq!(dropped(Flags::VERSION, &request(Mode::Client, 3)), (true, 0));
    assert_eq!(dropped(Flags::VERSION, &client), (false, 0));
    let mut server = server();
    restrict(&mut server, Flags::FLAKE);
    let answered = (0..1000).filter(|_| ask(&mut server, &client, 5).0 == Told::Reply).count();
    assert!((860..940).contains(&answered), "{answered}");
}

#[test]
fn a_line_for_which_there_is_no_room_is_refused() {
    let mut server = server();
    let line = |number: usize| {
        let text = format!("restrict 10.{}.{}.1", number >> 8, number & 0xff);
        ntp_conf::read("test", &text).unwrap().remove(0).directive
    };
    let followed = (0..16_400).map(|number| server.apply(&line(number), None));
    let followed: Vec<_> = followed.collect();
    let most = followed.iter().take_while(|followed| followed.is_ok()).count();
    assert_eq!(most, 16_384 - 2, "beside the two defaults");
    assert_eq!(followed[most..], vec![Err(Refused::TooRestricted); 16_400 - most]);
    // What is there already can be changed.
    assert_eq!(server.apply(&line(5), None), Ok(()));
}

#[test]
fn nobody_is_answered_who_cannot_have_asked() {
    for (address, port) in [
        ("192.0.2.7", 0),
        ("224.0.1.1", 123),
        ("255.255.255.255", 123),
        ("0.0.0.0", 123),
        ("ff02::1", 5),
    ] {
        let bytes = request(Mode::Client, 4);
        let from = SocketAddr::new(address.parse().unwrap(), port);
        let arrived = Arrived { from, ..arrived(&bytes, 5) };
        let (verdict, reply) = answer(&mut server(), &served(), &arrived, stamp(9));
        assert_eq!((verdict, reply.len()), (Told::Drop, 0), "{from}");
    }
}

#[test]
fn who_asks_too_often_is_told_once_and_then_not_answered() {
    let mut server = server();
    restrict(&mut server, Flags::LIMITED.with(Flags::KOD));
    let bytes = request(Mode::Client, 4);
    let mut kisses = Vec::new();
    for at in 0..=31 {
        let (verdict, reply) = ask(&mut server, &bytes, at);
        if let (Told::Reply, Ok(packet)) = (verdict, Packet::parse(&reply))
            && packet.header.kiss() == Some(Kiss::Rate)
        {
            assert_eq!(
                packet.header.transmit.bits(),
                0x1234_5678_9abc_def0,
                "our time is not told"
            );
            kisses.push(at);
        }
    }
    assert_eq!(kisses, [13, 22, 31]);
    let counters = server.counters();
    assert_eq!((counters.processed, counters.limited, counters.kisses), (13, 19, 3));
    let record = server.monitor.oldest().unwrap();
    assert_eq!((record.count, record.dropped), (32, 19));
    assert_eq!(record.flags, Flags::LIMITED.with(Flags::KOD));
}

#[test]
fn without_the_monitor_only_those_are_recorded_whose_rate_is_limited() {
    let bytes = request(Mode::Client, 4);
    let mut server = server();
    assert_eq!(server.monitored(), [true, false]);
    ask(&mut server, &bytes, 5);
    assert_eq!(server.monitor.len(), 1);
    server.apply(&Directive::Flag { flag: Flag::Monitor, is_enabled: false }, None).unwrap();
    assert_eq!(ask(&mut server, &bytes, 5).0, Told::Reply);
    assert!(server.monitor.is_empty() && server.monitored() == [false, false]);
    restrict(&mut server, Flags::LIMITED);
    assert_eq!([5, 5].map(|at| ask(&mut server, &bytes, at).0), [Told::Reply, Told::Drop]);
    assert_eq!((server.monitor.len(), server.monitored()), (1, [false, true]));
    server.forget_settings();
    assert_eq!(server.monitored(), [true, false]);
}

#[test]
fn without_limited_nobody_is_limited_and_without_kod_nobody_is_told() {
    let bytes = request(Mode::Client, 4);
    let mut server = server();
    for _ in 0..100 {
        assert_eq!(ask(&mut server, &bytes, 5).0, Told::Reply);
    }
    restrict(&mut server, Flags::LIMITED);
    assert_eq!(ask(&mut server, &bytes, 5), (Told::Drop, vec![]));
    assert_eq!(server.counters().kisses, 0);
}

fn with_key(server: &mut Server) -> Key {
    let key = Key::from_text(7, "SHA1", "secret").unwrap();
    let mut keys = Keyring::default();
    keys.replace(vec![Entry { key: key.clone(), addresses: Vec::new() }]);
    keys.trust(&[key.id()]);
    server.keys = Arc::new(keys);
    key
}

#[test]
fn an_authentic_request_gets_an_authentic_reply_of_the_same_length() {
    let mut server = server();
    let key = with_key(&mut server);
    restrict(&mut server, Flags::NOTRUST);
    let sealed = key.seal(request(Mode::Client, 4));
    let (verdict, reply) = ask(&mut server, &sealed, 5);
    assert_eq!((verdict, reply.len()), (Told::Reply, sealed.len()));
    let packet = Packet::parse(&reply).unwrap();
    let Trailer::Mac(mac) = packet.trailer else { panic!("no code") };
    assert!(mac.is_by(&key, packet.covered(&reply)));
}

#[test]
fn a_wrong_code_gets_a_crypto_nak_and_no_code() {
    let mut server = server();
    let key = with_key(&mut server);
    let mut forged = key.seal(request(Mode::Client, 4));
    *forged.last_mut().unwrap() ^= 1;
    let (verdict, reply) = ask(&mut server, &forged, 5);
    assert_eq!((verdict, reply.len()), (Told::Reply, HEADER_LEN + 4));
    assert_eq!(Packet::parse(&reply).unwrap().trailer, Trailer::CryptoNak);
    assert_eq!(server.counters().bad_auth, 1);
    // A key that is there but not trusted is none.
    let other = Key::from_text(8, "SHA1", "secret").unwrap().seal(request(Mode::Client, 4));
    assert_eq!(ask(&mut server, &other, 50).1.len(), HEADER_LEN + 4);
}

#[test]
fn what_says_that_our_code_is_wrong_is_no_request() {
    let mut server = server();
    let mut nak = request(Mode::Client, 4);
    nak.extend(CRYPTO_NAK);
    assert_eq!(ask(&mut server, &nak, 5), (Told::Drop, vec![]));
    assert_eq!((server.counters().restricted, server.counters().bad_auth), (1, 0));
}

#[test]
fn who_asks_too_often_with_a_key_is_told_in_a_way_that_it_believes() {
    let mut server = server();
    let key = with_key(&mut server);
    restrict(&mut server, Flags::LIMITED.with(Flags::KOD));
    let sealed = key.seal(request(Mode::Client, 4));
    ask(&mut server, &sealed, 5);
    let (_, reply) = ask(&mut server, &sealed, 5);
    let packet = Packet::parse(&reply).unwrap();
    assert_eq!(packet.header.kiss(), Some(Kiss::Rate));
    let Trailer::Mac(mac) = packet.trailer else { panic!("{:?}", packet.trailer) };
    assert!(mac.is_by(&key, packet.covered(&reply)));
    // Whose code is wrong gets none of ours, whatever it asks to have signed.
    let mut server = self::server();
    with_key(&mut server);
    restrict(&mut server, Flags::LIMITED.with(Flags::KOD));
    let mut forged = sealed;
    *forged.last_mut().unwrap() ^= 1;
    ask(&mut server, &forged, 5);
    let (_, reply) = ask(&mut server, &forged, 5);
    let packet = Packet::parse(&reply).unwrap();
    assert_eq!((packet.header.kiss(), packet.trailer), (Some(Kiss::Rate), Trailer::None));
}

#[test]
fn no_reply_is_longer_than_its_request() {
    let mut server = server();
    let key = with_key(&mut server);
    for len in 0..200 {
        let mut bytes = request(Mode::Client, 4);
        bytes.resize(len, 0x5a);
        let (verdict, reply) = ask(&mut server, &bytes, 5);
        assert!(reply.len() <= len, "{len}");
        assert_eq!(verdict == Told::Reply, !reply.is_empty());
    }
    let sealed = key.seal(request(Mode::Client, 3));
    assert!(ask(&mut server, &sealed, 5).1.len() <= sealed.len());
}

#[test]
fn a_client_that_asks_so_is_told_when_the_reply_before_left() {
    let mut server = server();
    let ask = |server: &mut Server, [origin, receive, transmit]: [u64; 3], at: u64| {
        let mut request = Header::request(NtpTimestamp::from_bits(transmit));
        request.origin = NtpTimestamp::from_bits(origin);
        request.receive = NtpTimestamp::from_bits(receive);
        let bytes = request.emit();
        let mut reply = Vec::new();
        let Verdict::Reply(draft) = server.answer(&served(), &arrived(&bytes, at)) else {
            panic!("no reply")
        };
        let name = server.finish(&draft, stamp(2000 + at), &mut reply);
        (Packet::parse(&reply).unwrap().header, name)
    };
    let (first, name) = ask(&mut server, [0, 0, 11], 5);
    assert_eq!((first.origin.bits(), name), (11, Some(first.receive)));
    let left = stamp(2006);
    server.left(first.receive, left);
    let (second, name) = ask(&mut server, [first.receive.bits(), 21, 22], 15);
    assert_eq!((second.origin.bits(), second.transmit), (21, left));
    assert_eq!(name, Some(second.receive));
    server.is_quiet = false;
    let (third, name) = ask(&mut server, [second.receive.bits(), 31, 32], 25);
    assert_eq!((third.origin.bits(), name), (31, None), "of a crowd nothing is noted");
    server.is_quiet = true;
    let (again, _) = ask(&mut server, [second.receive.bits(), 41, 42], 35);
    assert_eq!(again.origin.bits(), 42, "it is told once");
    let (odd, _) = ask(&mut server, [again.receive.bits(), 51, 51], 45);
    assert_eq!(odd.origin.bits(), 51, "which of the two it gave back could not be told");
    let (fourth, _) = ask(&mut server, [odd.receive.bits(), 61, 62], 55);
    assert_eq!(fourth.origin.bits(), 61, "the kernel told nothing of it");
    assert!((fourth.transmit - stamp(2045)).seconds().abs() < 1e-3);
    server.forget_departures();
    let (fifth, _) = ask(&mut server, [fourth.receive.bits(), 71, 72], 65);
    assert_eq!(fifth.origin.bits(), 72, "the clock was set since");
}
