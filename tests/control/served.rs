//! The serving side against those who mean it ill: a server, the engine behind it and what answers
//! control messages, by their public faces.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ntpscope::config::keys;
use ntpscope::config::ntp_conf::{self, Directive, Placed, remote};
use ntpscope::config::restrict::Flags;
use ntpscope::control::responder::books::Books;
use ntpscope::control::responder::{Admitted, Asker, Responder};
use ntpscope::engine::Engine;
use ntpscope::engine::input::{Input, Received, Stamp};
use ntpscope::engine::mobilize::Applied;
use ntpscope::engine::output::{Output, Socket};
use ntpscope::engine::server::{Arrived, Served, Server, Verdict};
use ntpscope::engine::settings::Settings;
use ntpscope::model::Daemon;
use ntpscope::units::{AssocId, Boot, KeyId, Mode, Mono, Now, NtpDuration, NtpTimestamp, Raw};
use ntpscope::wire::mac::Key;
use ntpscope::wire::mode6::{Message, Opcode};
use ntpscope::wire::packet::{CRYPTO_NAK, Header, Packet, Trailer};

use crate::counted::allocations;

const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 200));
const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 40_000);

/// The longest datagram that IPv4 can carry, in bytes.
const LONGEST: usize = 65_507;

const KEYS: &str = "1 MD5 secretmd5\n2 SHA1 SecretSha1\n3 AES128CMAC SecretAes128\n";

/// A host that serves, at a moment.
struct Host {
    server: Server,
    engine: Engine,
    keys: Vec<Key>,
    nanos: u64,
}

impl Host {
    fn new(conf: &str) -> Self {
        Self::with_keys(conf, KEYS)
    }

    fn with_keys(conf: &str, text: &str) -> Self {
        let nanos = 1_000_000_000_000;
        let mut engine = Engine::new(Settings::default(), [7; 32], &at(nanos));
        let mut server = Server::new([8; 32]);
        let entries = keys::read("keys", text).unwrap();
        let keys: Vec<Key> = entries.iter().map(|entry| entry.key.clone()).collect();
        engine.set_keys(entries);
        let trusted = Directive::TrustedKeys(keys.iter().map(Key::id).collect());
        engine.apply(&at(nanos), &trusted).unwrap();
        let clock = format!("server 127.127.1.0 prefer\n{conf}");
        follow(&mut engine, &mut server, &ntp_conf::read("ntp.conf", &clock).unwrap());
        server.share_keys(&engine);
        let mut host = Self { server, engine, keys, nanos };
        host.wake(Duration::ZERO);
        host
    }

    fn key(&self, id: u32) -> &Key {
        self.keys.iter().find(|key| key.id().get() == id).unwrap()
    }

    fn served(&self) -> Served {
        self.engine.served(&at(self.nanos))
    }

    /// What is sent to whom when so much time has passed.
    fn wake(&mut self, after: Duration) -> Vec<(SocketAddr, Vec<u8>)> {
        self.nanos += u64::try_from(after.as_nanos()).unwrap();
        self.engine.handle(&at(self.nanos), Input::Wakeup);
        self.sent()
    }

    fn sent(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        let outputs = std::iter::from_fn(|| self.engine.poll_output());
        let sent = outputs.filter_map(|output| match output {
            Output::Send(sent) => Some((sent.to, sent.datagram)),
            Output::Fault(fault) => panic!("{fault}"),
            _ => None,
        });
        sent.collect()
    }

    /// What is sent to whom at once when this comes.
    fn take(&mut self, from: SocketAddr, datagram: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
        let (now, served) = (at(self.nanos), self.served());
        let arrived = Arrived { from, to: Some(OURS), at: now.clock, mono: now.mono, datagram };
        match self.server.answer(&served, &arrived) {
            Verdict::Reply(draft) => {
                let mut reply = Vec::new();
                self.server.finish(&draft, now.clock, &mut reply);
                vec![(from, reply)]
            }
            Verdict::Drop | Verdict::Control(_) => Vec::new(),
            Verdict::Engine => {
                let admitted = self.server.access.admission(from.ip(), from.port());
                let stamp = Stamp { raw: now.raw, clock: now.clock, error: NtpDuration::ZERO };
                self.engine.handle(
                    &now,
                    Input::Received(Received {
                        socket: Socket::Ntp,
                        from,
                        to: Some(OURS),
                        stamp,
                        admitted: Some(admitted),
                        datagram,
                    }),
                );
                self.sent()
            }
        }
    }
}

fn follow(engine: &mut Engine, server: &mut Server, directives: &[Placed]) {
    for placed in directives {
        if let Ok(Applied::ForServer) = engine.apply(&at(1_000_000_000_000), &placed.directive) {
            server.apply(&placed.directive, Some(placed.line)).unwrap();
        }
    }
}

fn at(nanos: u64) -> Now {
    let clock =
        NtpTimestamp::from_unix(1_800_000_000, 0) + NtpDuration::from(Duration::from_nanos(nanos));
    let (mono, raw, boot) =
        (Mono::from_nanos(nanos), Raw::from_nanos(nanos), Boot::from_nanos(nanos));
    Now { mono, raw, boot, clock }
}

fn request(mode: Mode, version: u8) -> Vec<u8> {
    let header = Header::request(NtpTimestamp::from_bits(0x1234_5678_9abc_def0));
    Header { mode, version, ..header }.emit()
}

#[test]
fn answering_allocates_nothing() {
    let mut host = Host::new("");
    let served = host.served();
    let now = at(host.nanos);
    let plain = request(Mode::Client, 4);
    // One who gives back what he was told, so that it is kept when the reply left.
    let mut asking_more = Header::request(NtpTimestamp::from_bits(22));
    asking_more.origin = NtpTimestamp::from_bits(33);
    let requests = [
        host.key(1).seal(plain.clone()),
        host.key(2).seal(plain.clone()),
        host.key(3).seal(plain.clone()),
        [plain.clone(), vec![0, 0, 0, 77], vec![5; 16]].concat(),
        asking_more.emit(),
        plain,
    ];
    let mut reply = Vec::new();
    let mut answers = 0;
    let mut serve = |count: u32| {
        for number in 0..count {
            let client = Ipv4Addr::from_bits(0x0a00_0000 + number % 500);
            let datagram = &requests[number as usize % requests.len()];
            let later = u64::from(number) * 1_000;
            let arrived = Arrived {
                from: SocketAddr::new(client.into(), 40_000),
                to: Some(OURS),
                at: now.clock + NtpDuration::from(Duration::from_nanos(later)),
                mono: now.mono,
                datagram,
            };
            let Verdict::Reply(draft) = host.server.answer(&served, &arrived) else {
                panic!("no reply")
            };
            host.server.finish(&draft, arrived.at, &mut reply);
            answers += 1;
        }
    };
    // Until all clients are known and as many departures are kept as ever are.
    serve(200_000);
    assert_eq!(allocations(|| serve(10_000)), 0);
    assert_eq!(answers, 210_000);
    assert!(allocations(|| drop(std::hint::black_box(Box::new(1)))) > 0, "they are counted");
}

#[test]
fn packets_in_our_own_name_are_not_answered_for_ever() {
    let local: SocketAddr = "127.0.0.1:123".parse().unwrap();
    for (conf, from) in
        [("", SocketAddr::new(OURS, 123)), ("disable auth\n", SocketAddr::new(OURS, 123))]
            .into_iter()
            .chain([("restrict default limited kod\n", local)])
    {
        for (mode, version, end) in (0..8)
            .flat_map(|mode| (1..=4).map(move |version| (mode, version)))
            .flat_map(|(mode, version)| (0..4).map(move |end| (mode, version, end)))
        {
            let mut host = Host::new(conf);
            let mut datagram = request(Mode::from_bits(mode), version);
            match end {
                0 => {}
                1 => datagram.extend(CRYPTO_NAK),
                2 => datagram.extend([[0, 0, 0, 1], [9; 4], [9; 4], [9; 4], [9; 4]].concat()),
                _ => host.key(1).append_to(&mut datagram),
            }
            // Whatever goes to who asked comes back to us, in the same name.
            let mut sent = host.take(from, &datagram);
            let mut count = 0;
            for _ in 0..100 {
                while let Some((to, datagram)) = sent.pop() {
                    if to == from {
                        count += 1;
                        sent.extend(host.take(from, &datagram));
                    }
                    assert!(count <= 5, "{mode} {version} {end} {from}: they answer each other");
                }
                sent.extend(host.wake(Duration::from_secs(8)));
            }
        }
    }
}

#[test]
fn packets_of_any_length_bring_no_more_than_they_are() {
    let mut host = Host::new("disable auth\n");
    let lengths = || (0..=300).chain([1471, 1472, 1473, LONGEST - 1, LONGEST]);
    for length in lengths() {
        for first in 0..=u8::MAX {
            let mut datagram = vec![0x5a; length];
            datagram.iter_mut().take(1).for_each(|byte| *byte = first);
            for (to, reply) in host.take(CLIENT, &datagram) {
                assert_eq!(to, CLIENT);
                assert!(reply.len() <= length, "{} for {length}", reply.len());
            }
        }
        host.wake(Duration::from_secs(1));
    }
    // A control message that claims more than there is, or more than there may be.
    let mut responder = Responder::new([3; 32]);
    for length in lengths() {
        for count in [u16::MAX, 469, u16::try_from(length).unwrap()] {
            let mut datagram = vec![0x16, 2, 0, 7, 0, 0, 0, 0, 0, 0];
            datagram.extend(count.to_be_bytes());
            datagram.resize(length, b'a');
            let replies = ask(&mut responder, host.nanos, CLIENT, Admitted::ByName, &datagram);
            assert!(replies.concat().len() <= length.max(12), "{length} {count}");
        }
    }
}

/// Nothing that could be changed or listed.
struct Nothing;

impl Books for Nothing {}

fn ask(
    responder: &mut Responder,
    nanos: u64,
    from: SocketAddr,
    admitted: Admitted,
    datagram: &[u8],
) -> Vec<Vec<u8>> {
    let asker = Asker { from, flags: Flags::NONE, admitted };
    let (now, daemon) = (at(nanos), Daemon::default());
    let mut replies = Vec::new();
    let change = responder.handle(&now, &asker, datagram, &daemon, &Nothing, &mut replies);
    assert_eq!(change, None);
    replies
}

fn control(opcode: Opcode, data: &[u8]) -> Vec<u8> {
    Message::request(opcode, AssocId::SYSTEM, 7, data).emit()
}

#[test]
fn a_flood_of_control_messages_gets_sixteen_answers_and_two_a_second() {
    let mut responder = Responder::new([3; 32]);
    let messages = [
        control(Opcode::ReadStatus, &[]),
        control(Opcode::RequestNonce, &[]),
        control(Opcode::ReadVariables, b"no_such_variable"),
        control(Opcode::ReadOrderedList, b"ifstats"),
        control(Opcode::Unassigned(13), &[]),
    ];
    let networks: [fn(u16) -> IpAddr; 2] = [
        |_| Ipv4Addr::new(192, 0, 2, 7).into(),
        |host| std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 1, host, 0, host, 1).into(),
    ];
    for address in networks {
        let mut answers = 0;
        let mut bytes = 0;
        // 1000 a second for 50 seconds.
        for number in 0..50_000_u16 {
            let from = SocketAddr::new(address(number), 1024 + number % 999);
            let nanos = 1_000_000_000_000 + u64::from(number) * 1_000_000;
            let message = &messages[usize::from(number) % messages.len()];
            let replies = ask(&mut responder, nanos, from, Admitted::ByDefault, message);
            answers += usize::from(!replies.is_empty());
            bytes += replies.concat().len();
        }
        assert!((114..=116).contains(&answers), "{answers}");
        assert!(bytes <= 51 * 8192, "{bytes}");
    }
}

#[test]
fn mode_7_is_never_answered() {
    let mut host = Host::new("restrict default\n");
    let mut responder = Responder::new([3; 32]);
    for version in 0..8 {
        for (implementation, code) in (0..4).flat_map(|i| (0..=u8::MAX).map(move |c| (i, c))) {
            for first in [0x07, 0x87, 0xc7] {
                let mut datagram = vec![first | version << 3, 0, implementation, code];
                datagram.resize(192, 0);
                assert_eq!(host.take(CLIENT, &datagram), []);
                let local = "127.0.0.1:4000".parse().unwrap();
                let replies = ask(&mut responder, host.nanos, local, Admitted::ByName, &datagram);
                assert!(replies.is_empty());
            }
        }
    }
}

#[test]
fn requests_in_parts_are_not_put_together() {
    let mut responder = Responder::new([3; 32]);
    let request = Message::request(Opcode::ReadVariables, AssocId::SYSTEM, 7, b"leap,stratum");
    for (offset, more) in [(0, true), (4, true), (4, false), (8, false), (u16::MAX, false)] {
        let part = Message { offset, more, ..request.clone() };
        let replies = ask(&mut responder, 1, CLIENT, Admitted::ByName, &part.emit());
        assert!(replies.is_empty(), "{offset} {more}");
    }
    assert!(!ask(&mut responder, 1, CLIENT, Admitted::ByName, &request.emit()).is_empty());
}

#[test]
fn as_many_keys_as_there_are_numbers_are_read_and_used() {
    let mut text = String::new();
    for id in 1..=65_535 {
        let kind = ["MD5", "SHA1", "AES128CMAC"][id % 3];
        writeln!(text, "{id} {kind} secret-{id}").unwrap();
    }
    let mut host = Host::with_keys("", &text);
    assert_eq!(host.keys.len(), 65_535);
    for id in (1..=65_535).step_by(997).chain([10_000, 65_535]) {
        let key = Key::from_text(
            id,
            ["MD5", "SHA1", "AES128CMAC"][id as usize % 3],
            &format!("secret-{id}"),
        )
        .unwrap();
        let sealed = key.seal(request(Mode::Client, 4));
        let (_, reply) = host.take(CLIENT, &sealed).pop().unwrap();
        let packet = Packet::parse(&reply).unwrap();
        let Trailer::Mac(mac) = packet.trailer else { panic!("no code with key {id}") };
        assert!(mac.is_by(&key, packet.covered(&reply)) && reply.len() == sealed.len());
        // The code of one key in the name of another.
        let mut forged = sealed;
        let other = KeyId::new(id % 65_535 + 1).unwrap().get();
        forged[48..52].copy_from_slice(&other.to_be_bytes());
        let (_, reply) = host.take(CLIENT, &forged).pop().unwrap();
        assert_eq!(Packet::parse(&reply).unwrap().trailer, Trailer::CryptoNak);
    }
}

#[test]
fn a_configuration_of_64_kib_is_read_whichever_way_it_comes() {
    const SIZE: usize = 65_536;
    let mut lines = String::new();
    for number in 0_u32.. {
        let address = Ipv4Addr::from_bits(0x0a00_0000 + number);
        let line = format!("restrict {address} nomodify\n");
        if lines.len() + line.len() > SIZE {
            break;
        }
        lines += &line;
    }
    let count = lines.lines().count();
    let texts = [
        (lines, count),
        ("x".repeat(SIZE), 0),
        (format!("server {}", "y".repeat(SIZE - 7)), 0),
        (format!("server 192.0.2.1 {}", "iburst ".repeat(SIZE / 7 - 4)), 0),
        ("\"".repeat(SIZE), 0),
        (format!("restrict default {}", "limited ".repeat(SIZE / 8 - 4)), 0),
        ("# \n".repeat(SIZE / 3), 0),
        ("tos minsane 1\n".repeat(SIZE / 14), 0),
        ("mru ".repeat(SIZE / 4), 0),
        ("\n".repeat(SIZE), 0),
    ];
    for (text, restrictions) in &texts {
        assert!(text.len() <= SIZE && text.len() > SIZE - 64);
        let mut local = Host::new("");
        let own = local.server.access.entries().len();
        match ntp_conf::read("ntp.conf", text) {
            Ok(directives) => {
                follow(&mut local.engine, &mut local.server, &ntp_conf::in_order(directives));
            }
            Err(rejected) => assert!(rejected.to_string().len() < SIZE + 1000),
        }
        let told = remote::read("request", text.as_bytes());
        let mut remote = Host::new("");
        follow(&mut remote.engine, &mut remote.server, told.directives());
        let answer = told.answer();
        assert!(!answer.is_empty() && answer.len() < SIZE + 1000, "{}", answer.len());
        if *restrictions > 0 {
            assert_eq!(answer, "Config Succeeded");
            for host in [&local, &remote] {
                assert_eq!(host.server.access.entries().len(), own + restrictions);
            }
        }
        // It goes on serving.
        assert!(local.take(CLIENT, &request(Mode::Client, 4)).len() <= 1);
        assert!(remote.take(CLIENT, &request(Mode::Client, 4)).len() <= 1);
    }
    let longer = "x".repeat(SIZE + 1);
    assert_eq!(remote::read("request", longer.as_bytes()).directives(), []);
}
