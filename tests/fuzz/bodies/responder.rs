//! Control messages of anybody to a daemon with keys, clients and restrictions: nothing breaks,
//! nothing changes without the key for that, and strangers get no more than is allowed.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ntpscope::config::ntp_conf;
use ntpscope::config::restrict::{Flags, Selector};
use ntpscope::control::responder::books::{Books, Client, Interface, Restriction, Visit, behind};
use ntpscope::control::responder::{Admitted, Asker, Responder, What};
use ntpscope::engine::Engine;
use ntpscope::engine::settings::Settings;
use ntpscope::engine::snapshot::{Snapshots, Steered};
use ntpscope::model::clock_loop::Steers;
use ntpscope::model::daemon::Daemon;
use ntpscope::units::{AssocId, Mode, NtpTimestamp};
use ntpscope::wire::mac::Key;
use ntpscope::wire::mode6::auth::{Alignment, sign_request};
use ntpscope::wire::mode6::{Message, Opcode};

use super::support::{Taken, at, outputs};

const CONF: &str = "server 127.127.1.0\nserver 192.0.2.1 iburst\npeer 192.0.2.3\n";

/// The key that changes need, and another.
const CONTROL_KEY: u32 = 21;
const OTHER_KEY: u32 = 22;

/// The longest datagram: a header, all the data that one carries, filled, and a code.
const LONGEST: usize = 504;

/// A nonce that is given without a key.
const LONGEST_NONCE: usize = 48;

struct Lists {
    keys: [Key; 2],
    clients: Vec<Client>,
}

impl Lists {
    fn new() -> Self {
        let key = |id, word, secret| Key::from_text(id, word, secret).unwrap();
        let client = |n: u32| Client {
            address: SocketAddr::new(Ipv4Addr::from_bits(0x0a00_0000 + n).into(), 4000),
            local: None,
            first: NtpTimestamp::from_bits(1 << 32),
            last: NtpTimestamp::from_bits(u64::from(100 + n) << 32),
            count: u64::from(n) + 1,
            dropped: u64::from(n % 3),
            score: f64::from(n),
            mode: Mode::Client,
            version: 4,
            flags: Flags::LIMITED,
        };
        Self {
            keys: [key(CONTROL_KEY, "MD5", "may-change"), key(OTHER_KEY, "SHA1", "may-not")],
            clients: (0..300).map(client).collect(),
        }
    }
}

impl Books for Lists {
    fn key(&self, id: u32) -> Option<&Key> {
        self.keys.iter().find(|key| key.id().get() == id)
    }

    fn control_key(&self) -> Option<u32> {
        Some(CONTROL_KEY)
    }

    fn client(&self, address: IpAddr) -> Option<Client> {
        self.clients.iter().find(|client| client.address.ip() == address).copied()
    }

    fn clients(&self, after: Option<IpAddr>, visit: &mut Visit<'_, Client>) {
        let _ = behind(&self.clients, after).iter().copied().try_for_each(visit);
    }

    fn restrictions(&self, visit: &mut Visit<'_, Restriction>) {
        for n in 0..200 {
            let selector = Selector::host(Ipv4Addr::new(192, 0, 2, n).into());
            let row = Restriction { selector, flags: Flags::KOD, is_source: false, hits: 3 };
            if visit(row).is_break() {
                return;
            }
        }
    }

    fn interfaces(&self, visit: &mut Visit<'_, Interface>) {
        let (address, name) = ("[2001:db8::1]:123".parse().unwrap(), "\"odd, name=1\r\n".into());
        let broadcast = Some("192.0.2.255:123".parse().unwrap());
        let _ = visit(Interface { broadcast, ..Interface::new(address, name, u32::MAX) });
    }
}

/// What a stranger was sent.
#[derive(Default)]
struct Account {
    answers: usize,
    bytes: usize,
    longest: usize,
}

/// Messages: of whom, what is done to it, how long after the one before, length, bytes.
pub(crate) fn responder(bytes: &[u8]) {
    let (daemon, books) = (picture(), Lists::new());
    let mut responder = Responder::new([9; 32]);
    let start = 1_000_000_000;
    let mut nanos = start;
    let mut nonce = String::new();
    let mut accounts: BTreeMap<u128, Account> = BTreeMap::new();
    let mut taken = Taken::new(bytes);
    while let Some([who, way, pace]) = taken.array() {
        nanos += u64::from(pace) * u64::from(pace) * 1_000_000;
        let asker = asker(who);
        let key = [None, None, Some(CONTROL_KEY), Some(OTHER_KEY)][usize::from(way & 3)];
        let datagram = made(taken.counted(), way, key.and_then(|id| books.key(id)), &nonce);
        let mut replies = Vec::new();
        let now = at(nanos);
        let change = responder.handle(&now, &asker, &datagram, &daemon, &books, &mut replies);
        let is_local = asker.from.ip().to_canonical().is_loopback();
        let is_heard = asker.from.port() != 0
            && !asker.flags.has(Flags::NOQUERY)
            && (is_local || asker.admitted != Admitted::ByNobody);
        assert!(is_heard || (replies.is_empty() && change.is_none()));
        if asker.admitted == Admitted::ByDefault && !is_local {
            let account = accounts.entry(network(asker.from.ip())).or_default();
            let bytes: usize = replies.iter().map(Vec::len).sum();
            account.answers += usize::from(!replies.is_empty());
            account.longest = account.longest.max(bytes);
            account.bytes += bytes;
            let seconds = usize::try_from((nanos - start) / 1_000_000_000).unwrap() + 1;
            assert!(account.answers <= 16 + 2 * seconds, "{} answers", account.answers);
            // A long answer is paid for afterwards.
            assert!(account.bytes <= 8192 * (1 + seconds) + account.longest);
        }
        if let Some(change) = change {
            assert_eq!(key, Some(CONTROL_KEY), "{change:?}");
            if let What::Configure(text) = &change.what {
                let answer = ntp_conf::remote::read("request", text).answer();
                responder.finish(&change, &answer, &books, &mut replies);
                assert!(!replies.is_empty());
            }
        }
        check(&datagram, key, &replies, &mut nonce);
    }
}

/// A daemon as it is seen by those who ask.
fn picture() -> Daemon {
    let now = at(500_000_000);
    let mut engine = Engine::new(Settings::default(), [7; 32], &now);
    for placed in ntp_conf::read("ntp.conf", CONF).unwrap() {
        engine.apply(&now, &placed.directive).unwrap();
    }
    outputs(&mut engine);
    let steered = Steered { which: Steers::Virtual, ahead_of_system: None };
    Snapshots::new().take(&engine, &now, steered)
}

fn asker(who: u8) -> Asker {
    let ip: IpAddr = match who & 7 {
        0 => Ipv4Addr::LOCALHOST.into(),
        1 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, who.into()).into(),
        host => Ipv4Addr::new(192, 0, 2, host).into(),
    };
    let admitted = match who >> 3 & 3 {
        0 => Admitted::ByNobody,
        1 => Admitted::ByName,
        _ => Admitted::ByDefault,
    };
    let (flags, port) = match who >> 5 {
        0 => (Flags::NOQUERY, 4000),
        1 => (Flags::NOMODIFY, 4000),
        2 => (Flags::NOMRULIST, 4000),
        3 => (Flags::NONE, 0),
        _ => (Flags::NONE, 4000),
    };
    Asker { from: SocketAddr::new(ip, port), flags, admitted }
}

/// The datagram as it came, or the request that its first bytes and its text stand for; with the
/// last nonce, and signed.
fn made(bytes: &[u8], way: u8, key: Option<&Key>, nonce: &str) -> Vec<u8> {
    let text;
    let request = match bytes {
        [opcode, association, data @ ..] if way & 4 != 0 => {
            let opcode = Opcode::from_bits(*opcode);
            text = if way & 8 == 0 {
                data.to_vec()
            } else {
                [format!("nonce={nonce}, ").as_bytes(), data].concat()
            };
            Message::request(opcode, AssocId::new(u16::from(*association)), 7, &text)
        }
        _ => match Message::parse(bytes) {
            Ok(message) if key.is_some() => message,
            _ => return bytes.to_vec(),
        },
    };
    match key {
        Some(key) if way & 16 == 0 => sign_request(&request, key, Alignment::Eight),
        Some(key) => sign_request(&request, key, Alignment::Four),
        None => request.emit(),
    }
}

/// Whose purse it is: that of an address, or of a network of 64 bits.
fn network(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits() >> 64 << 64,
    }
}

/// Replies are whole, and answer what was asked; a nonce among them is kept.
fn check(datagram: &[u8], key: Option<u32>, replies: &[Vec<u8>], nonce: &mut String) {
    for reply in replies {
        assert!(reply.len() <= LONGEST, "{} bytes", reply.len());
        let told = Message::parse(reply).unwrap();
        assert!(told.response && datagram.len() >= 12);
        assert_eq!((datagram[0] & 0x3f, datagram[1]), (reply[0] & 0x3f, reply[1] & 0x1f));
        assert_eq!(datagram[2..4], reply[2..4]);
        if told.opcode == Opcode::RequestNonce && !told.error {
            assert!(
                key.is_some()
                    || reply.len() <= LONGEST_NONCE + 4 * usize::from(datagram.len() > 24)
            );
            let text = String::from_utf8_lossy(told.data);
            if let Some(given) = text.trim_end().strip_prefix("nonce=") {
                given.clone_into(nonce);
            }
        }
    }
}
