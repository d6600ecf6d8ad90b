//! A daemon gone wild: it answers anything with anything, whole or in pieces, now, later or never.
//!
//! All of it follows from a seed, so that what it did to a program it can do again.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// The most data that one datagram of a control message carries.
const PIECE: usize = 468;

/// What no terminal may ever get from a daemon.
const HARM: &[&[u8]] = &[
    b"\x1b]0;owned\x07",
    b"\x1b[2J\x1b[31m",
    b"\xc2\x9b31m",
    b"\x9b31m",
    b"\r\n\x08\x08\x7f",
    b"\0",
    b"\xe2\x80\xae",
];

/// Values that are at the edge of what can be read, or beyond it.
const VALUES: &[&str] = &[
    "",
    "0",
    "-1",
    "1e308",
    "-1e999",
    "nan",
    "0x",
    "0xffffffffffffffff",
    "0xeeab5d8d.1d620205",
    "0x00000000.00000000",
    "4294967296",
    "18446744073709551616",
    "-9223372036854775808",
    "255.255.255.255",
    "[ff02::1%99]:65536",
    "\"",
    "\"unterminated",
    "\"a, b=c\"",
    "0.1 0.2 1e99 - x 6 7 8 9",
    "00:00:00:00:00",
    ".....",
    "\"ntpd 4.2.8p15@1.3728-o\"",
    "\"ntpd ntpsec-1.2.2\"",
];

/// Names that daemons use, so that what stands behind them is read.
const NAMES: &[&str] = &[
    "version",
    "processor",
    "system",
    "leap",
    "stratum",
    "precision",
    "rootdelay",
    "rootdisp",
    "refid",
    "reftime",
    "clock",
    "peer",
    "tc",
    "mintc",
    "offset",
    "frequency",
    "sys_jitter",
    "clk_jitter",
    "clk_wander",
    "srcadr",
    "srcport",
    "srchost",
    "dstadr",
    "dstport",
    "hmode",
    "pmode",
    "hpoll",
    "ppoll",
    "reach",
    "unreach",
    "flash",
    "keyid",
    "delay",
    "dispersion",
    "jitter",
    "rec",
    "org",
    "xmt",
    "filtdelay",
    "filtoffset",
    "filtdisp",
    "timecode",
    "device",
    "ss_uptime",
    "ss_received",
    "koffset",
    "kstflags",
    "ktimeconst",
    "authkeys",
    "iostats_reset",
    "mru_depth",
    "nonce",
    "addr.0",
    "last.0",
    "first.0",
    "ct.0",
    "mv.0",
    "rs.0",
    "addr.9",
    "last.9",
    "addr.65535",
    "now",
    "last.newest",
    "flags.0",
    "mask.0",
    "hits.0",
    "up.0",
    "name.0",
    "en.0",
    "ntsclient",
    "nts_cookie_make",
];

/// Such a daemon, on a port of loopback until the test program ends.
#[derive(Clone, Debug)]
pub(crate) struct Wild {
    /// Where it is, with its port.
    pub(crate) address: String,
    /// How many datagrams it was sent.
    pub(crate) asked: Arc<AtomicU64>,
}

impl Wild {
    /// Starts one that does what `seed` makes of it.
    pub(crate) fn start(seed: u64) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
        let address = socket.local_addr().expect("its address").to_string();
        let wild = Self { address, asked: Arc::default() };
        let asked = Arc::clone(&wild.asked);
        let mut mind = Mind { dice: Dice(seed | 1), earlier: Vec::new() };
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                asked.fetch_add(1, Ordering::Relaxed);
                let request = buffer.get(..length).unwrap_or_default();
                for datagram in mind.answer(request) {
                    drop(socket.send_to(&datagram, from));
                }
            }
        });
        wild
    }
}

/// Numbers that follow from a seed (xorshift64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// One of `0..many`.
    fn below(&mut self, many: usize) -> usize {
        let many = u64::try_from(many.max(1)).unwrap_or(u64::MAX);
        usize::try_from((self.next() >> 11) % many).unwrap_or(0)
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of.get(self.below(of.len())).expect("a list that is not empty")
    }

    fn bytes(&mut self, many: usize) -> Vec<u8> {
        (0..many).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

struct Mind {
    dice: Dice,
    /// Datagrams that answered something else.
    earlier: Vec<Vec<u8>>,
}

impl Mind {
    fn answer(&mut self, request: &[u8]) -> Vec<Vec<u8>> {
        let mut datagrams = match self.dice.below(20) {
            0 => Vec::new(),
            1 => {
                let length = self.dice.below(1500);
                vec![self.dice.bytes(length)]
            }
            2 => self.echoed(request),
            3 => vec![self.refusal(request)],
            4 => self.earlier.iter().take(3).cloned().collect(),
            _ => self.plausible(request),
        };
        match self.dice.below(14) {
            0 => self.flip(&mut datagrams),
            1 => {
                for datagram in &mut datagrams {
                    datagram.truncate(self.dice.below(datagram.len() + 1));
                }
            }
            2 => datagrams.reverse(),
            3 => datagrams.extend(datagrams.clone()),
            4 => drop(datagrams.pop()),
            5 => thread::sleep(Duration::from_millis(self.dice.next() % 80)),
            _ => {}
        }
        if let Some(datagram) = datagrams.first() {
            self.earlier.push(datagram.clone());
            if self.earlier.len() > 16 {
                self.earlier.remove(0);
            }
        }
        datagrams
    }

    /// The question itself, as if it were an answer, with something behind it.
    fn echoed(&mut self, request: &[u8]) -> Vec<Vec<u8>> {
        let mut datagram = request.to_vec();
        if let Some(first) = datagram.get_mut(0) {
            *first |= 0x80;
        }
        if let Some(second) = datagram.get_mut(1) {
            // What chronyd's replies have there, and what makes a control message one.
            *second = if self.dice.below(2) == 0 { 2 } else { *second | 0x80 };
        }
        let length = self.dice.below(600);
        datagram.extend(self.dice.bytes(length));
        vec![datagram]
    }

    fn flip(&mut self, datagrams: &mut [Vec<u8>]) {
        for datagram in datagrams {
            for _ in 0..=self.dice.below(8) {
                let place = self.dice.below(datagram.len());
                if let Some(byte) = datagram.get_mut(place) {
                    *byte ^= 1 << self.dice.below(8);
                }
            }
        }
    }

    fn refusal(&mut self, request: &[u8]) -> Vec<u8> {
        let mut datagram = reply(request, false, 0, b"");
        datagram[1] |= 0x40;
        datagram[4] = self.dice.next().to_le_bytes()[0] % 10;
        datagram
    }

    /// An answer as a daemon could give it, but for what it says.
    fn plausible(&mut self, request: &[u8]) -> Vec<Vec<u8>> {
        let (Some(first), Some(second)) = (request.first(), request.get(1)) else {
            return Vec::new();
        };
        match first & 7 {
            6 => self.control(request, second & 0x1f),
            7 => self.private(request),
            _ => {
                let mut datagram = self.dice.bytes(48);
                datagram[0] = 0x24;
                // The origin is what was sent, so that it is looked at.
                if let (Some(origin), Some(sent)) = (datagram.get_mut(24..32), request.get(40..48))
                {
                    origin.copy_from_slice(sent);
                }
                vec![datagram]
            }
        }
    }

    fn control(&mut self, request: &[u8], opcode: u8) -> Vec<Vec<u8>> {
        let data = match opcode {
            1 => {
                // Not very many: one who loses much asks of each only once in two seconds.
                let many = [0, 1, 2, 3, 3, 4_u16].get(self.dice.below(6)).copied();
                let ids = (1..=many.unwrap_or(1)).map(u16::to_be_bytes);
                ids.flat_map(|[high, low]| [high, low, 0x96, 0x14]).collect()
            }
            _ => self.text(),
        };
        match self.dice.below(8) {
            // Pieces that never come to an end.
            0 => (0..120_usize)
                .map(|n| reply(request, true, (n * PIECE) as u16, &self.dice.bytes(PIECE)))
                .collect(),
            // Pieces that lie over one another.
            1 => data
                .chunks(PIECE)
                .map(|piece| {
                    let more = self.dice.below(2) == 0;
                    reply(request, more, self.dice.next() as u16, piece)
                })
                .collect(),
            _ => whole(request, &data),
        }
    }

    /// Names and values, now and then so many that they fill all that a reply can be.
    fn text(&mut self) -> Vec<u8> {
        let many = if self.dice.below(12) == 0 { 4000 } else { 1 + self.dice.below(40) };
        let mut text = Vec::new();
        for _ in 0..many {
            let name = self.dice.one(NAMES);
            text.extend_from_slice(name.as_bytes());
            if self.dice.below(16) != 0 {
                text.push(b'=');
            }
            match self.dice.below(6) {
                0 => text.extend_from_slice(self.dice.one(HARM)),
                1 => {
                    let digits = self.dice.below(40);
                    text.extend(self.dice.bytes(digits).iter().map(|byte| b'0' + byte % 10));
                }
                2 => {
                    text.push(b'"');
                    text.extend_from_slice(self.dice.one(HARM));
                    text.push(b'"');
                }
                _ => text.extend_from_slice(self.dice.one(VALUES).as_bytes()),
            }
            text.extend_from_slice(b", ");
        }
        text
    }

    /// An answer in mode 7: items of any size, as many as it likes.
    fn private(&mut self, request: &[u8]) -> Vec<Vec<u8>> {
        let many = 1 + self.dice.below(6);
        (0..many)
            .map(|number| {
                let mut datagram = request.get(..8).unwrap_or_default().to_vec();
                let size = [4, 8, 20, 24, 32, 68, 72, 112, 120, 188, 500];
                let size = size.get(self.dice.below(size.len())).copied().unwrap_or(4);
                let items = self.dice.below(500 / size + 2);
                if let [first, second, .., fourth, fifth, sixth, seventh] = datagram.as_mut_slice()
                {
                    let more = if number + 1 < many { 0x40 } else { 0 };
                    *first = 0x80 | more | (*first & 0x3f);
                    *second = number as u8;
                    [*fourth, *fifth] = (items as u16).to_be_bytes();
                    [*sixth, *seventh] = (size as u16).to_be_bytes();
                }
                datagram.extend(self.dice.bytes(items * size));
                datagram
            })
            .collect()
    }
}

/// A whole reply in as many datagrams as it takes, and no more than a reply can be told in.
fn whole(request: &[u8], data: &[u8]) -> Vec<Vec<u8>> {
    let last = data.len().saturating_sub(1) / PIECE;
    data.chunks(PIECE)
        .enumerate()
        .map(|(n, piece)| reply(request, n < last, (n * PIECE) as u16, piece))
        .collect()
}

/// One reply datagram.
fn reply(request: &[u8], more: bool, offset: u16, data: &[u8]) -> Vec<u8> {
    let mut datagram = request.get(..12).unwrap_or(&[0; 12]).to_vec();
    datagram[0] = 0x16;
    datagram[1] = 0x80 | (datagram[1] & 0x1f) | if more { 0x20 } else { 0 };
    datagram[4..6].copy_from_slice(&[0x06, 0x15]);
    datagram[8..10].copy_from_slice(&offset.to_be_bytes());
    datagram[10..12].copy_from_slice(&(data.len() as u16).to_be_bytes());
    datagram.extend(data);
    datagram.resize(datagram.len().next_multiple_of(4), 0);
    datagram
}
