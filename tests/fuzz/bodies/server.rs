//! A server with restrictions, keys and limits, and the engine behind it, take any packets from
//! anywhere: nothing breaks, nobody is answered who should not be, and nothing grows.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ntpscope::config::{keys, ntp_conf};
use ntpscope::engine::Engine;
use ntpscope::engine::input::{Input, Received, Stamp};
use ntpscope::engine::mobilize::Applied;
use ntpscope::engine::output::{Output, Socket};
use ntpscope::engine::server::{Arrived, Server, Verdict};
use ntpscope::engine::settings::Settings;
use ntpscope::units::{Mode, Now, NtpDuration};
use ntpscope::wire::mac::Key;
use ntpscope::wire::packet::{Packet, Trailer};

use super::support::{Taken, at, outputs};

const CONF: &str = "trustedkey 1 2 3\ndisable auth\nserver 127.127.1.0 prefer\n\
                    peer 192.0.2.1 key 1\nmanycastserver 239.1.2.4\n\
                    restrict default limited kod\nrestrict 192.0.2.1\n\
                    restrict 192.0.2.2 ignore\nrestrict 192.0.2.3 noserve\n\
                    restrict 192.0.2.4 notrust\nrestrict 192.0.2.5 nopeer flake version\n\
                    restrict 192.0.2.6 noepeer\nrestrict 192.0.2.7 noquery limited\n\
                    discard average 1 minimum 1\nmru maxdepth 50 mindepth 10\n";

const KEYS: &str = "1 MD5 fuzzed-1\n2 SHA1 fuzzed-2\n3 AES128CMAC fuzzed-3\n4 MD5 not-trusted\n";

const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 200));
const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(239, 1, 2, 4));

/// Records and associations with peers that there may be at most.
const MOST_RECORDS: usize = 50;
const MOST_PASSIVE: usize = 128;

struct Host {
    server: Server,
    engine: Engine,
    keys: Vec<Key>,
    configured: usize,
    reply: Vec<u8>,
}

/// Packets: from whom, from which port, whither and how often, how long after the one before,
/// length, bytes.
pub(crate) fn server(bytes: &[u8]) {
    let mut nanos = 1_000_000_000_000;
    let mut host = Host::new(&at(nanos));
    let mut strangers = 0;
    let mut taken = Taken::new(bytes);
    while let Some([who, port, way, pace]) = taken.array() {
        let mut datagram = taken.counted().to_vec();
        nanos += u64::from(pace) * u64::from(pace) * 10_000_000;
        if let Some(key) = usize::from(way >> 2 & 7).checked_sub(4) {
            host.keys[key].append_to(&mut datagram);
        }
        let port = match port {
            0 => 0,
            1..=127 => 123,
            _ => 40_000 + u16::from(port),
        };
        let to = [None, Some(OURS), Some(GROUP), Some("192.0.2.255".parse().unwrap())];
        for _ in 0..1 << (way >> 5) {
            let from = SocketAddr::new(address(who, &mut strangers), port);
            host.take(&at(nanos), from, to[usize::from(way & 3)], &datagram);
        }
    }
}

/// An address that is known, one of nobody, or one that is new each time.
fn address(who: u8, strangers: &mut u32) -> IpAddr {
    let named = match who {
        0..8 => return Ipv4Addr::new(192, 0, 2, who).into(),
        8 => return OURS,
        9 => "224.0.1.1",
        10 => "255.255.255.255",
        11 => "0.0.0.0",
        12 => "::",
        13 => "ff02::1",
        14 => "::ffff:192.0.2.2",
        15 => "2001:db8::7",
        16 => "127.0.0.1",
        17 => "::ffff:224.0.1.1",
        _ => {
            *strangers += 1;
            return Ipv4Addr::from_bits(0x0a00_0000 + *strangers).into();
        }
    };
    named.parse().unwrap()
}

/// Whether somebody can have sent from there.
fn is_somebody(from: SocketAddr) -> bool {
    let ip = from.ip().to_canonical();
    let is_broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    from.port() != 0 && !ip.is_multicast() && !ip.is_unspecified() && !is_broadcast
}

impl Host {
    fn new(now: &Now) -> Self {
        let mut engine = Engine::new(Settings::default(), [7; 32], now);
        let mut server = Server::new([8; 32]);
        let entries = keys::read("keys", KEYS).unwrap();
        let keys = entries.iter().map(|entry| entry.key.clone()).collect();
        engine.set_keys(entries);
        for placed in ntp_conf::read("ntp.conf", CONF).unwrap() {
            if engine.apply(now, &placed.directive).unwrap() == Applied::ForServer {
                server.apply(&placed.directive, Some(placed.line)).unwrap();
            }
        }
        server.share_keys(&engine);
        engine.handle(now, Input::OwnAddresses(vec![OURS]));
        outputs(&mut engine);
        let configured = engine.associations().count();
        Self { server, engine, keys, configured, reply: Vec::new() }
    }

    fn take(&mut self, now: &Now, from: SocketAddr, to: Option<IpAddr>, datagram: &[u8]) {
        self.engine.handle(now, Input::Wakeup);
        outputs(&mut self.engine);
        let served = self.engine.served(now);
        let arrived = Arrived { from, to, at: now.clock, mono: now.mono, datagram };
        let verdict = self.server.answer(&served, &arrived);
        let sent = match verdict {
            Verdict::Reply(draft) => {
                self.server.finish(&draft, now.clock, &mut self.reply);
                Some(self.reply.clone())
            }
            Verdict::Engine => {
                assert!(is_somebody(from));
                self.hand_on(now, &arrived)
            }
            Verdict::Control(_) => {
                assert!(is_somebody(from));
                let mode = Mode::from_bits(datagram[0]);
                assert!(matches!(mode, Mode::Control | Mode::Private));
                None
            }
            Verdict::Drop => None,
        };
        if let Some(sent) = sent {
            check(&arrived, &sent);
            // One who is in our name hears nothing that he would answer.
            let own = SocketAddr::new(OURS, 123);
            let back = Arrived { from: own, to: Some(OURS), datagram: &sent, ..arrived };
            match self.server.answer(&served, &back) {
                Verdict::Reply(_) | Verdict::Control(_) => panic!("a reply is answered"),
                Verdict::Engine => assert_eq!(self.hand_on(now, &back), None),
                Verdict::Drop => {}
            }
        }
        assert!(self.server.monitor.len() <= MOST_RECORDS);
        assert!(self.engine.associations().count() <= self.configured + MOST_PASSIVE);
    }

    /// What the engine says to it at once.
    fn hand_on(&mut self, now: &Now, arrived: &Arrived<'_>) -> Option<Vec<u8>> {
        let Arrived { from, to, datagram, .. } = *arrived;
        let admitted = self.server.access.admission(from.ip().to_canonical(), from.port());
        let received = Received {
            socket: Socket::Ntp,
            from,
            to,
            stamp: Stamp { raw: now.raw, clock: now.clock, error: NtpDuration::ZERO },
            admitted: Some(admitted),
            datagram,
        };
        self.engine.handle(now, Input::Received(received));
        let mut sent = outputs(&mut self.engine).into_iter().filter_map(|output| match output {
            Output::Send(sent) if sent.to == from && sent.socket == Socket::Ntp => {
                Some(sent.datagram)
            }
            _ => None,
        });
        let first = sent.next();
        assert_eq!(sent.next(), None);
        first
    }
}

/// Whether a datagram may be answered like this.
fn check(arrived: &Arrived<'_>, reply: &[u8]) {
    assert!(is_somebody(arrived.from), "{}", arrived.from);
    assert!(reply.len() <= arrived.datagram.len(), "it is longer than what it answers");
    let asked = Packet::parse(arrived.datagram).unwrap();
    let told = Packet::parse(reply).unwrap();
    let expected = match asked.header.mode {
        Mode::SymmetricActive => Mode::SymmetricPassive,
        Mode::Client => Mode::Server,
        Mode::Unspecified if asked.header.version == 1 && arrived.from.port() != 123 => {
            Mode::Server
        }
        other => panic!("{other:?} is answered"),
    };
    assert_eq!(told.header.mode, expected);
    assert_eq!(told.header.version, asked.header.version);
    if told.trailer != Trailer::None {
        assert_ne!(asked.trailer, Trailer::None);
    }
}
