//! Minutes on NTPsec daemons that limit the rate, with their clients on screen: never locked out,
//! never called down, every row shown and none of them old, and the list of clients complete.
//!
//! What is asserted is measured, not asked of the cores: a desk of the lab is a network of its own,
//! so the kernel's count of datagrams sent there is what our program sent, and an address of its
//! own, so no other test adds to the score that the limiter keeps of it.

use std::collections::VecDeque;
use std::fs;
use std::future::poll_fn;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ntpscope::backend::{Backend as _, Request, TargetId, Update};
use ntpscope::cli::run::runtime;
use ntpscope::config::target::TargetSpec;
use ntpscope::model::mru::Reading;
use ntpscope::model::{Contact, Daemon, Interest};
use ntpscope::net::clock::Clock;
use ntpscope::net::network::Network;
use ntpscope::net::resolver::Families;
use ntpscope::units::Mono;

use crate::lab;
use crate::terminal::Terminal;

/// The limited node of the lab.
const FEW: &str = "10.77.0.6";

#[test]
fn minutes_on_limited_daemons_lose_nothing() {
    if let Ok(address) = std::env::var(WATCHED) {
        return watch(&address);
    }
    if !lab::available("lab", lab::up()) {
        return;
    }
    let _desks = crate::desks();
    let many = many();
    // All at the same time, so that it takes minutes once.
    std::thread::scope(|scope| {
        scope.spawn(|| at_desk("desk1", FEW));
        scope.spawn(|| at_desk("desk2", &many));
        screens_stay("desk3", &many);
    });
}

/// The program on a terminal, with both daemons in tabs.
fn screens_stay(desk: &str, many: &str) {
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    let words = ["tests/lab", "exec", desk, program, "-n", FEW, many];
    let mut terminal = Terminal::start(&words, 84, 110);
    terminal.wait_for("an answer", |screen| screen.contains("LOCAL(0)"));
    let clock = Clock::start();
    for (key, row) in [("2", "10.77.1.60"), ("1", "10.77.0.12")] {
        let end = clock.now().mono + duration() / 2;
        terminal.keys(key);
        terminal.wait_within(duration(), "the end of the time or trouble", |screen| {
            clock.now().mono >= end || LOST.iter().any(|word| screen.contains(word))
        });
        let screen = terminal.screen().contents();
        assert!(!LOST.iter().any(|word| screen.contains(word)), "called down:\n{screen}");
        assert!(screen.contains(row), "no row {row}:\n{screen}");
    }
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
}

/// What the screens say of a daemon that is not there any more, or refuses.
const LOST: [&str; 5] =
    ["no answer for", "nothing listens", "cannot be reached", "refuses", "no control message"];

/// What must hold of a run.
#[derive(Clone, Copy)]
struct Limits {
    /// How many associations there are.
    rows: usize,
    /// The age that no row may reach once all are known: one question in two seconds, up to half of
    /// them about something else.
    oldest: Duration,
    /// The longest time without any answer.
    longest_gap: Duration,
}

impl Limits {
    const FEW: Self = Self { rows: 3, oldest: Duration::from_secs(30), longest_gap: LONGEST_GAP };
    const MANY: Self =
        Self { rows: 60, oldest: Duration::from_secs(240), longest_gap: LONGEST_GAP };
}

/// The score that the first questions bring about takes this long to fall below the limit: 36 of
/// them make 1.8, and 20 s · ln 1.8 are 12 s.
const LONGEST_GAP: Duration = Duration::from_secs(20);

/// The most datagrams in twenty seconds to a daemon that limits us: 0.8 a second.
const MOST_IN_TWENTY_SECONDS: u64 = 16;

/// How long to watch: five minutes, for a limiter's score takes a minute to show what was wrong.
fn duration() -> Duration {
    let seconds = std::env::var("NTPSCOPE_LIVE_SECONDS");
    let seconds = seconds.map_or(Ok(300), |text| text.parse());
    Duration::from_secs(seconds.expect("NTPSCOPE_LIVE_SECONDS is a number of seconds"))
}

/// A limited NTPsec with sixty associations, started anew, so that it remembers no score of a run
/// just before; its address.
fn many() -> String {
    let started = lab::lab(&["many", "ntpsec", "60", "limited"]);
    let said = String::from_utf8_lossy(&started.stdout).into_owned();
    let mut words = said.split_whitespace();
    let (Some(name), Some(address)) = (words.next(), words.next()) else {
        panic!("{}", String::from_utf8_lossy(&started.stderr))
    };
    let anew = lab::lab(&["restart", name]);
    assert!(anew.status.success(), "{}", String::from_utf8_lossy(&anew.stderr));
    let answers = lab::lab(&["wait", "answers", name]);
    assert!(answers.status.success(), "{}", String::from_utf8_lossy(&answers.stderr));
    address.to_owned()
}

/// Says to a copy of this program that it is at a desk, and whom to watch.
const WATCHED: &str = "NTPSCOPE_LIVE_WATCHED";

/// Watches `address` from a desk of the lab: this test is run there once more, and then does what it
/// is about.
fn at_desk(desk: &str, address: &str) {
    let this = std::env::current_exe().expect("this program has a path");
    let output = Command::new(lab::root().join("tests/lab"))
        .args(["exec", desk])
        .arg(this)
        .args(["--exact", "limited::minutes_on_limited_daemons_lose_nothing", "--nocapture"])
        .env("NTPSCOPE_LAB_DIR", lab::folder())
        .env(WATCHED, address)
        .output()
        .expect("tests/lab can be started: it is part of this repository");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "the test did not run at {desk}: {said}");
}

/// At a desk: watches `address` and judges what happened.
fn watch(address: &str) {
    let record = record(address);
    println!("{}", record.figures());
    record.judge(if address == FEW { Limits::FEW } else { Limits::MANY });
}

/// Watches `address` as the screens do and writes down what happens.
fn record(address: &str) -> Record {
    let clock = Clock::start();
    let mut record = Record::default();
    let runtime = runtime().expect("a runtime");
    runtime.block_on(async {
        let before = datagrams_sent();
        let host: TargetSpec = format!("ntp://{address}").parse().expect("an address");
        let network = Network::start(&[host], Families::Any, clock);
        let mut network = network.expect("the system has randomness");
        let interest = Interest { visible: true, clients: true, ..Interest::default() };
        network.request(Request::Interest { target: TargetId::new(0), interest });
        let end = clock.now().mono + duration();
        while clock.now().mono < end {
            let update = poll_fn(|context| network.poll_update(context));
            let update = tokio::time::timeout(BETWEEN_COUNTS, update).await;
            if let Ok(Update::Daemon { daemon, .. }) = update {
                record.see(clock.now().mono, daemon);
            }
            record.count(clock.now().mono, datagrams_sent() - before);
        }
    });
    record
}

/// How often the kernel's count is looked at.
const BETWEEN_COUNTS: Duration = Duration::from_millis(100);

/// How many datagrams were ever sent in this network namespace.
fn datagrams_sent() -> u64 {
    let counters = fs::read_to_string("/proc/self/net/snmp").expect("the kernel counts");
    let mut lines = counters.lines().filter(|line| line.starts_with("Udp:"));
    let (names, values) = (lines.next(), lines.next());
    let (names, values) = (names.expect("names of counters"), values.expect("counters"));
    let place = names.split_whitespace().position(|name| name == "OutDatagrams");
    let value = values.split_whitespace().nth(place.expect("datagrams sent are counted"));
    value.expect("as many counters as names").parse().expect("a number")
}

/// What is remembered of a run.
#[derive(Default)]
struct Record {
    latest: Arc<Daemon>,
    /// Everything but an answering daemon, after its first answer.
    lost: Vec<String>,
    last_answer: Option<Mono>,
    longest_gap: Duration,
    /// When all rows were known for the first time.
    complete: Option<Mono>,
    /// The oldest that a row was since.
    oldest: Duration,
    limited_since: Option<Mono>,
    limited_times: u32,
    counts: VecDeque<(Mono, u64)>,
    sent: u64,
    most: u64,
    most_limited: u64,
    end: Mono,
}

impl Record {
    fn see(&mut self, now: Mono, daemon: Arc<Daemon>) {
        if self.last_answer.is_some() && !daemon.contact.is_fresh() {
            self.lost.push(format!("{:?} {:?}", now.since(Mono::default()), daemon.contact));
        }
        self.last_answer = daemon.contact.last_answer().or(self.last_answer);
        let limited = matches!(daemon.contact, Contact::RateLimited { .. });
        self.limited_times += u32::from(limited && self.limited_since.is_none());
        self.limited_since = limited.then(|| self.limited_since.unwrap_or(now));
        let all = daemon.associations.latest().is_some_and(|known| !known.list.is_empty());
        if self.complete.is_none() && all && rows(&daemon) == daemon.peers.len() {
            self.complete = Some(now);
        }
        self.latest = daemon;
    }

    fn count(&mut self, now: Mono, sent: u64) {
        self.end = now;
        self.sent = sent;
        self.counts.push_back((now, sent));
        while self.counts.get(1).is_some_and(|(at, _)| now.since(*at) >= TWENTY_SECONDS) {
            self.counts.pop_front();
        }
        let since = |start: Mono| {
            let first = self.counts.iter().find(|(at, _)| *at >= start);
            first.map_or(0, |(_, before)| sent - before)
        };
        self.most = self.most.max(since(Mono::default()));
        if let Some(start) = self.limited_since {
            self.most_limited = self.most_limited.max(since(start));
        }
        if let Some(last) = self.last_answer {
            self.longest_gap = self.longest_gap.max(now.since(last));
        }
        if self.complete.is_some() {
            self.oldest = self.oldest.max(oldest(&self.latest, now));
        }
    }

    fn figures(&self) -> String {
        format!(
            "{:?}: {} of {} rows, all after {:?}, then none older than {:?}; limited {} times; longest gap \
             {:?}; {} datagrams, at most {} in 20 s, {} while limited; lost: {:?}",
            self.end.since(Mono::default()),
            rows(&self.latest),
            self.latest.peers.len(),
            self.complete.map(|at| at.since(Mono::default())),
            self.oldest,
            self.limited_times,
            self.longest_gap,
            self.sent,
            self.most,
            self.most_limited,
            self.lost,
        )
    }

    fn judge(&self, limits: Limits) {
        assert!(self.last_answer.is_some(), "it never answered");
        assert!(self.lost.is_empty(), "called down: {:?}", self.lost);
        assert_eq!(self.latest.peers.len(), limits.rows, "its associations");
        assert_eq!(rows(&self.latest), limits.rows, "rows that are known");
        let clients = self.latest.monitored.latest().expect("a list of clients");
        let is_whole = matches!(
            clients.reading,
            Reading::Complete | Reading::Again { .. } | Reading::Kept { .. }
        );
        assert!(is_whole && clients.count > 0, "{} clients: {:?}", clients.count, clients.reading);
        assert!(self.oldest <= limits.oldest, "a row was {:?} old", self.oldest);
        let gap = self.longest_gap;
        assert!(gap <= limits.longest_gap, "nothing was answered for {gap:?}");
        let most = self.most_limited;
        assert!(most <= MOST_IN_TWENTY_SECONDS, "{most} datagrams in 20 s while limited");
    }
}

const TWENTY_SECONDS: Duration = Duration::from_secs(20);

/// How many associations are shown with their variables.
fn rows(daemon: &Daemon) -> usize {
    daemon.peers.iter().filter(|peer| peer.row.latest().is_some()).count()
}

/// The age of the row that is longest as it was.
fn oldest(daemon: &Daemon, now: Mono) -> Duration {
    let ages = daemon.peers.iter().filter_map(|peer| Some(now.since(peer.row.dated()?.answered)));
    ages.max().unwrap_or_default()
}
