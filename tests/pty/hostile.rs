//! A daemon that means harm, or is broken: garbage, lies about lengths, text made to upset a
//! terminal. The screen stays up, says what it can, and recovers when the daemon does.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ntpscope::tui::command::{Action, COMMANDS};

use crate::lab;
use crate::terminal::{PATIENCE, Terminal};
use crate::untamed::Wild;

/// What the false daemon does with a request.
type Manner = fn(&[u8]) -> Vec<Vec<u8>>;

/// A daemon on a port of loopback whose manner can be changed.
struct Daemon {
    address: String,
    manner: Arc<AtomicUsize>,
    /// Requests answered in the present manner.
    answered: Arc<AtomicUsize>,
}

const MANNERS: &[(&str, Manner)] = &[
    ("decent", |request| decent(request, "10.0.0.1", "10.0.0.9")),
    ("garbage", |_| vec![b"HTTP/1.1 400 Bad Request\r\n\r\nnot what you think".to_vec()]),
    ("truncated", |request| {
        decent(request, "10.0.0.1", "10.0.0.9")
            .into_iter()
            .map(|d| d[..d.len().min(7)].to_vec())
            .collect()
    }),
    ("count beyond the end", |request| {
        let mut datagrams = decent(request, "10.0.0.1", "10.0.0.9");
        for datagram in &mut datagrams {
            datagram[10..12].copy_from_slice(&u16::MAX.to_be_bytes());
        }
        datagrams
    }),
    ("a million fragments", |request| {
        (0..200_u16).map(|n| reply(request, true, n.wrapping_mul(468), &[b'x'; 468])).collect()
    }),
    ("escape sequences", |request| {
        decent(request, "\x1b]0;owned\x07\x1b[2J\x1b[31mred", "\u{9b}31m\x1bPq\x07")
    }),
    ("long names", |request| {
        let long = "n".repeat(4096);
        match request[1] & 0x1f {
            1 => decent(request, "10.0.0.1", "10.0.0.9"),
            _ => fragments(request, format!("{long}=1, srcadr=10.0.0.1, refid={long}").as_bytes()),
        }
    }),
    ("not UTF-8", |request| match request[1] & 0x1f {
        1 => decent(request, "10.0.0.1", "10.0.0.9"),
        _ => fragments(
            request,
            b"srcadr=\xff\xfe\xc3(, refid=\xf0\x9f, stratum=\x80, version=\"\xed\xa0\x80\"",
        ),
    }),
    ("only refusals", |request| {
        let mut datagram = reply(request, false, 0, b"");
        datagram[1] |= 0x40;
        datagram[2 + 2] = 1;
        vec![datagram]
    }),
    // The last, for on a busy machine some of so many answers are lost, and whoever loses answers
    // asks less for a while.
    ("as many associations as there are", |request| match request[1] & 0x1f {
        1 => {
            let ids: Vec<u8> =
                (1..=3700_u16).flat_map(|id| [id.to_be_bytes(), [0x96, 0x14]].concat()).collect();
            fragments(request, &ids)
        }
        _ => decent(request, "10.0.0.1", "10.0.0.9"),
    }),
];

impl Daemon {
    fn start() -> Self {
        let manner = Arc::new(AtomicUsize::new(0));
        let chosen = Arc::clone(&manner);
        let answered = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&answered);
        let address = served(move |request| {
            let (_, manner) = MANNERS[chosen.load(Ordering::Relaxed)];
            count.fetch_add(1, Ordering::Relaxed);
            manner(request)
        });
        Self { address, manner, answered }
    }

    fn behave(&self, name: &str) {
        let place = MANNERS.iter().position(|(manner, _)| *manner == name).expect("a manner");
        self.manner.store(place, Ordering::Relaxed);
        self.answered.store(0, Ordering::Relaxed);
    }

    fn has_answered(&self, requests: usize) -> bool {
        self.answered.load(Ordering::Relaxed) >= requests
    }
}

/// Answers on a port of loopback, whose address is returned, as `answer` says; until the test program
/// ends.
pub(crate) fn served(mut answer: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
    let address = socket.local_addr().expect("its address").to_string();
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if length >= 12 {
                for datagram in answer(&buffer[..length]) {
                    drop(socket.send_to(&datagram, from));
                }
            }
        }
    });
    address
}

/// One reply datagram.
fn reply(request: &[u8], more: bool, offset: u16, data: &[u8]) -> Vec<u8> {
    let mut datagram = request[..12].to_vec();
    datagram[0] = 0x16;
    datagram[1] = 0x80 | (request[1] & 0x1f) | if more { 0x20 } else { 0 };
    datagram[4..6].copy_from_slice(&[0x06, 0x15]);
    datagram[8..10].copy_from_slice(&offset.to_be_bytes());
    let count = u16::try_from(data.len()).expect("data of one datagram");
    datagram[10..12].copy_from_slice(&count.to_be_bytes());
    datagram.extend(data);
    datagram.resize(datagram.len().next_multiple_of(4), 0);
    datagram
}

/// A whole reply in as many datagrams as it takes.
pub(crate) fn fragments(request: &[u8], data: &[u8]) -> Vec<Vec<u8>> {
    let last = data.len().saturating_sub(1) / 468;
    data.chunks(468)
        .enumerate()
        .map(|(n, chunk)| {
            let offset = u16::try_from(n * 468).expect("an offset");
            reply(request, n < last, offset, chunk)
        })
        .collect()
}

/// What a daemon with one association says.
pub(crate) fn decent(request: &[u8], source: &str, reference: &str) -> Vec<Vec<u8>> {
    let association = u16::from_be_bytes([request[6], request[7]]);
    match (request[1] & 0x1f, association) {
        (1, _) => fragments(request, &[0x00, 0x07, 0x96, 0x14]),
        (2, 0) => fragments(
            request,
            format!(
                "version=\"ntpd 4.2.8p15@1.3728-o\", leap=0, stratum=3, refid={reference}, \
                 clock=0xeeab5d8d.1d620205, reftime=0xeeab5d7c.ea2f75c5, peer=7, offset=0.1, \
                 rootdelay=1.0, rootdisp=2.0"
            )
            .as_bytes(),
        ),
        (2, _) => fragments(
            request,
            format!(
                "srcadr={source}, stratum=2, refid={reference}, hmode=3, pmode=4, hpoll=6, ppoll=6, \
                 reach=0xff, delay=1.5, offset=0.25, jitter=0.01, rec=0xeeab5d88.ea3cdc2a, \
                 flash=0x0, srchost=\"{source}\""
            )
            .as_bytes(),
        ),
        _ => vec![reply(request, false, 0, b"")],
    }
}

#[test]
fn whatever_a_daemon_says_the_screen_stays_up_and_recovers() {
    let daemon = Daemon::start();
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    let mut terminal = Terminal::start(&[program, "-n", &daemon.address], 24, 80);
    let healthy = |screen: &str| screen.contains("10.0.0.1") && screen.contains("answers in");
    terminal.wait_for("the table", healthy);
    for (name, _) in MANNERS.iter().skip(1) {
        let before = terminal.raw.len();
        daemon.behave(name);
        terminal.keys("rk");
        terminal.wait_for(name, |screen| match *name {
            "garbage" | "truncated" | "count beyond the end" => {
                screen.contains("no control message") || screen.contains("no answer for")
            }
            "a million fragments" => screen.contains("no answer") || screen.contains("longer than"),
            "only refusals" => screen.contains("refuse"),
            _ => daemon.has_answered(4) && screen.contains("answers in"),
        });
        if matches!(*name, "escape sequences" | "long names" | "not UTF-8") {
            // Everything the daemon says is on this screen.
            terminal.keys("\r");
            terminal.wait_for("the association", |screen| {
                screen.contains("association 7") && daemon.has_answered(8)
            });
            for page in 0..6 {
                terminal.keys("\x1b[6~");
                terminal.wait_for("a page of it", |screen| {
                    page == 0 || screen.contains("association 7")
                });
            }
            terminal.keys("\x1b");
            terminal.wait_for("the peers again", |screen| screen.contains("reach 8 polls"));
        }
        // It still listens to its user.
        terminal.keys("?");
        terminal.wait_for("help", |screen| screen.contains("Help on"));
        terminal.keys("\x1b");
        terminal.wait_for("the end of help", |screen| !screen.contains("Help on"));
        let written = terminal.raw.get(before..).unwrap_or_default();
        for harm in [&b"\x1b]0;owned"[..], b"\x1b[31mred", b"\x1bPq", b"\xc2\x9b"] {
            let found = written.windows(harm.len()).any(|bytes| bytes == harm);
            assert!(!found, "{name}: {harm:?} reached the terminal");
        }
        daemon.behave("decent");
        terminal.keys("rk");
        terminal.wait_within(PATIENCE * 3, "the table, after what went before", healthy);
    }
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}

/// Keys that show something, each as it is typed: none that leaves, or does anything but show.
fn shows() -> Vec<&'static str> {
    let leaves = [Action::Quit, Action::Suspend, Action::Panic, Action::Measure, Action::Yes];
    let commands = COMMANDS.iter().filter(|command| !leaves.contains(&command.action));
    let keys = commands.flat_map(|command| command.keys.iter().copied());
    let typed = keys.filter_map(|key| match key {
        "enter" => Some("\r"),
        "esc" => Some("\x1b"),
        "space" => Some(" "),
        "tab" => Some("\t"),
        "pagedown" => Some("\x1b[6~"),
        "pageup" => Some("\x1b[5~"),
        "down" => Some("\x1b[B"),
        "up" => Some("\x1b[A"),
        _ => (key.len() == 1).then_some(key),
    });
    typed.collect()
}

/// The most memory that process `id` had in use, in MiB.
fn peak_mib(id: u32) -> u64 {
    let told = std::fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let peak = told.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kib = peak.trim().strip_suffix(" kB").and_then(|kib| kib.parse::<u64>().ok());
    kib.expect("a number").div_ceil(1024)
}

#[test]
fn a_daemon_gone_wild_and_a_hand_gone_wild_are_borne() {
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    let keys = shows();
    assert!(keys.len() > 30, "{keys:?}");
    for seed in 1..=4_usize {
        let wild = Wild::start(seed as u64);
        let address = match seed {
            4 => format!("chrony://{}", wild.address),
            _ => wild.address.clone(),
        };
        let (rows, columns) = [(24, 80), (40, 120), (16, 60)][seed % 3];
        let mut terminal = Terminal::start(&[program, "-n", &address], rows, columns);
        terminal.wait_for("the screen", |screen| screen.contains("127.0.0.1"));
        let mut place = seed * 7919;
        for _ in 0..250 {
            place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_041);
            terminal.keys(keys[(place >> 33) % keys.len()]);
            #[expect(clippy::disallowed_methods, reason = "as fast as a key that is held repeats")]
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let id = terminal.child.process_id().expect("it runs");
        let peak = peak_mib(id);
        assert!(peak <= 64, "seed {seed}: {peak} MiB");
        assert!(wild.asked.load(Ordering::Relaxed) > 2, "seed {seed}: it asked hardly anything");
        // It still listens: what is typed now may be text, but a terminal is always drawn anew.
        let before = terminal.raw.len();
        terminal.keys("\x0c");
        terminal.resize(rows + 1, columns + 1);
        terminal.wait_for("the screen again", |screen| !screen.trim().is_empty());
        terminal.signal("-TERM", "ntpscope");
        terminal.end();
        assert!(terminal.raw.len() > before, "seed {seed}: it draws no more");
        for harm in [&b"\x1b]0;owned"[..], b"\xc2\x9b", b"\xe2\x80\xae", b"\x07", b"\x7f"] {
            let found = terminal.raw.windows(harm.len()).any(|bytes| bytes == harm);
            assert!(!found, "seed {seed}: {harm:?} reached the terminal");
        }
        terminal.assert_given_back();
    }
}
