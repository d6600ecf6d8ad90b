//! Watches one real daemon with nothing but a socket, and says how the conversation went.
//!
//! `cargo run --example watch -- ADDRESS:PORT SECONDS [quiet]`: a line for each change of contact,
//! then the counts. With `quiet`, only the counts. It fails when the daemon was ever called down,
//! or when rows are missing at the end.

#![expect(
    clippy::disallowed_methods,
    reason = "a driver reads the clocks that the machines do not"
)]
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use color_eyre::eyre::{Result, WrapErr, ensure, eyre};
use ntpscope::control::pipeline::Settings;
use ntpscope::control::timing::Timing;
use ntpscope::control::watcher::{Input, Output, Watcher};
use ntpscope::model::question::Unreachable;
use ntpscope::model::{Contact, Daemon};
use ntpscope::units::{Mono, Now, NtpTimestamp};

/// What is remembered of a run.
#[derive(Default)]
struct Record {
    word: &'static str,
    lost: u32,
    all_rows: Option<Duration>,
    longest_gap: Duration,
    last_answer: Option<Mono>,
    sent: VecDeque<Instant>,
    busiest: usize,
    limited_since: Option<Instant>,
    busiest_limited: usize,
    latest: Option<Arc<Daemon>>,
}

fn main() -> Result<()> {
    color_eyre::install()?;
    let mut words = std::env::args().skip(1);
    let target = words.next().ok_or_else(|| eyre!("an address and port, please"))?;
    let seconds: u64 = words.next().unwrap_or_else(|| "300".into()).parse()?;
    let quiet = words.next().is_some();
    let address = target.parse().wrap_err("an address with its port")?;
    let socket = UdpSocket::bind(if target.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" })?;
    socket.connect(target.as_str())?;

    let start = Instant::now();
    let now = || Now {
        mono: Mono::default() + start.elapsed(),
        clock: NtpTimestamp::from_unix_duration(
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        ),
        ..Now::default()
    };
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&std::process::id().to_ne_bytes());
    let mut watcher = Watcher::new(Settings::new(Timing::live(), seed));
    watcher.handle(now(), Input::Address(address));
    let mut record = Record::default();
    let mut buffer = [0; 2048];
    while start.elapsed() < Duration::from_secs(seconds) {
        while let Some(output) = watcher.poll_output() {
            match output {
                Output::Send(datagram) => {
                    record.sends(Instant::now());
                    // A refusal of an earlier datagram is told on the next call.
                    if let Err(error) = socket.send(&datagram) {
                        watcher.handle(now(), Input::Unreachable(unreachable(error.kind())));
                    }
                }
                Output::Snapshot(daemon) => record.sees(start.elapsed(), daemon, quiet),
                _ => {}
            }
        }
        let wait = watcher.next_wakeup().map_or(Duration::from_secs(1), |at| at.since(now().mono));
        socket.set_read_timeout(Some(wait.max(Duration::from_micros(100))))?;
        match socket.recv(&mut buffer) {
            Ok(len) => {
                watcher.handle(now(), Input::Datagram(buffer.get(..len).unwrap_or_default()));
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                watcher.handle(now(), Input::Wakeup);
            }
            Err(error) => watcher.handle(now(), Input::Unreachable(unreachable(error.kind()))),
        }
    }
    record.report(&watcher)
}

fn unreachable(kind: ErrorKind) -> Unreachable {
    match kind {
        ErrorKind::ConnectionRefused => Unreachable::PortClosed,
        ErrorKind::NetworkUnreachable => Unreachable::Network,
        ErrorKind::PermissionDenied => Unreachable::NotPermitted,
        _ => Unreachable::Host,
    }
}

impl Record {
    fn sends(&mut self, at: Instant) {
        self.sent.push_back(at);
        while self.sent.front().is_some_and(|first| at - *first > Duration::from_secs(20)) {
            self.sent.pop_front();
        }
        self.busiest = self.busiest.max(self.sent.len());
        if let Some(since) = self.limited_since {
            let since = self.sent.iter().filter(|at| **at > since).count();
            self.busiest_limited = self.busiest_limited.max(since);
        }
    }

    fn sees(&mut self, elapsed: Duration, daemon: Arc<Daemon>, quiet: bool) {
        let word = match &daemon.contact {
            Contact::Answering { .. } => "answering",
            Contact::RateLimited { .. } => "rate-limited",
            Contact::Asking { .. } | Contact::Resolving => "asking",
            _ => "lost",
        };
        if let Some(answer) = daemon.contact.last_answer() {
            self.longest_gap =
                self.longest_gap.max(self.last_answer.map_or(Duration::ZERO, |l| answer.since(l)));
            self.last_answer = Some(answer);
        }
        if word != self.word {
            if !quiet {
                println!("{:9.3} {:?}", elapsed.as_secs_f64(), daemon.contact);
            }
            self.lost += u32::from(word == "lost");
            self.limited_since = (word == "rate-limited").then(Instant::now);
        }
        self.word = word;
        if self.all_rows.is_none()
            && rows(&daemon) == daemon.peers.len()
            && !daemon.peers.is_empty()
        {
            self.all_rows = Some(elapsed);
        }
        self.latest = Some(daemon);
    }

    fn report(&self, watcher: &Watcher) -> Result<()> {
        let daemon = self.latest.as_ref().ok_or_else(|| eyre!("nothing was seen"))?;
        println!("version        {}", daemon.identity.as_ref().map_or("?", |i| &i.version));
        println!("rows           {} of {}", rows(daemon), daemon.peers.len());
        println!("all rows after {:?}", self.all_rows);
        println!("longest gap    {:?}", self.longest_gap);
        println!("called lost    {} times", self.lost);
        println!("busiest 20 s   {}, {} while limited", self.busiest, self.busiest_limited);
        println!("{:?}", watcher.tally());
        ensure!(self.lost == 0, "the daemon was called down");
        ensure!(rows(daemon) == daemon.peers.len(), "rows are missing");
        Ok(())
    }
}

fn rows(daemon: &Daemon) -> usize {
    daemon.peers.iter().filter(|peer| peer.row.latest().is_some()).count()
}
