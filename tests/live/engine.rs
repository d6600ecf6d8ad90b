//! The engine beside a real ntpd: both ask the same servers at the same time, see the same offsets
//! and come to the same verdicts, and ours never so much as tries to set the clock.

use std::collections::BTreeMap;
use std::fs;
use std::future::poll_fn;
use std::net::IpAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ntpscope::backend::{Backend as _, Measure, Request, TargetId, Update};
use ntpscope::cli::run::runtime;
use ntpscope::config::host::HostSpec;
use ntpscope::config::ntp_conf::{Association, Kind, Options};
use ntpscope::model::vars::peer;
use ntpscope::model::{Daemon, Interest, Peer};
use ntpscope::net::clock::Clock;
use ntpscope::net::network::Network;
use ntpscope::net::resolver::Families;
use ntpscope::units::PollExponent;

use crate::lab;

/// The real client of the lab, and what it asks: relays to three that are right and one that is
/// 40 ms ahead, one that never answers, one by IPv6, and those behind its pool.
const CLIENT: &str = "10.77.0.2";
const SOURCES: [&str; 9] = [
    "10.77.0.11",
    "10.77.0.12",
    "10.77.0.13",
    "10.77.0.14",
    "10.77.0.15",
    "fd77::12",
    "10.77.0.21",
    "10.77.0.22",
    "10.77.0.23",
];
const FALSETICKER: &str = "10.77.0.14";
const SILENT: &str = "10.77.0.15";

#[test]
fn the_engine_sees_what_a_real_daemon_sees_and_sets_no_clock() {
    if std::env::var_os(INSIDE).is_some() {
        return compare();
    }
    if !lab::available("lab", lab::up()) {
        return;
    }
    let strace = Command::new("strace").arg("-V").output();
    let strace = strace.map(drop).map_err(|error| format!("strace cannot be had: {error}"));
    if !lab::available("lab", strace) {
        return;
    }
    let settled = lab::lab(&["wait", "settled", "classic", "--timeout", "180"]);
    assert!(settled.status.success(), "{}", String::from_utf8_lossy(&settled.stderr));
    let trace = std::env::temp_dir().join(format!("ntpscope-engine-{}", std::process::id()));
    let this = std::env::current_exe().expect("this program has a path");
    let output = Command::new(lab::root().join("tests/lab"))
        .args(["exec", "admin", "strace", "-f", "-qq", "-o"])
        .arg(&trace)
        .args(["-e", "trace=adjtimex,clock_adjtime,clock_settime,settimeofday,socket"])
        .arg(this)
        .args(["--exact", "engine::the_engine_sees_what_a_real_daemon_sees_and_sets_no_clock"])
        .arg("--nocapture")
        .env("NTPSCOPE_LAB_DIR", lab::folder())
        .env(INSIDE, "yes")
        .output()
        .expect("tests/lab can be started: it is part of this repository");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "the test did not run in the lab: {said}");
    let calls = fs::read_to_string(&trace).expect("strace wrote what it saw");
    fs::remove_file(&trace).expect("the trace is ours");
    assert!(calls.contains("socket("), "strace saw nothing: {calls}");
    let clock_calls: Vec<_> =
        calls.lines().filter(|line| line.contains("time(") || line.contains("timex(")).collect();
    assert!(clock_calls.is_empty(), "{clock_calls:?}");
}

/// Says to a copy of this program that it is in the lab.
const INSIDE: &str = "NTPSCOPE_LIVE_ENGINE";

/// How long: three minutes, or as is wished.
fn duration() -> Duration {
    let seconds = std::env::var("NTPSCOPE_LIVE_SECONDS");
    let seconds = seconds.map_or(Ok(180), |text| text.parse());
    Duration::from_secs(seconds.expect("NTPSCOPE_LIVE_SECONDS is a number of seconds"))
}

/// In the lab: measures beside the real daemon, asks it what it sees, and judges.
fn compare() {
    let runtime = runtime().expect("a runtime");
    let record = runtime.block_on(record());
    runtime.shutdown_background();
    println!("{}", record.figures());
    record.judge();
}

async fn record() -> Record {
    let clock = Clock::start();
    let client = HostSpec::new(CLIENT);
    let network = Network::start(&[client], Families::Any, clock);
    let mut network = network.expect("the system has randomness");
    let theirs = TargetId::new(0);
    let interest = Interest { visible: true, ..Interest::default() };
    network.request(Request::Interest { target: theirs, interest });
    network.request(Request::Measure(Measure::of(SOURCES.map(|server| Association {
        kind: Kind::Server,
        host: HostSpec::new(server),
        family: None,
        options: Options {
            iburst: true,
            minpoll: PollExponent::new(3),
            maxpoll: PollExponent::new(4),
            ..Options::default()
        },
    }))));
    let (start, length) = (clock.now().mono, duration());
    let mut both: BTreeMap<TargetId, Arc<Daemon>> = BTreeMap::new();
    let mut record = Record::default();
    let mut next = start;
    while clock.now().mono.since(start) < length {
        let update = poll_fn(|context| network.poll_update(context));
        if let Ok(Update::Daemon { target, daemon }) =
            tokio::time::timeout(Duration::from_secs(1), update).await
        {
            both.insert(target, daemon);
        }
        let now = clock.now().mono;
        if now < next {
            continue;
        }
        next = now + Duration::from_secs(1);
        let elapsed = now.since(start);
        // Both begin to know after some samples; verdicts are compared when all has settled.
        if elapsed * 3 > length
            && let (Some(ours), Some(theirs)) = (both.get(&TargetId::OWN), both.get(&theirs))
        {
            record.see(ours, theirs, elapsed + VERDICTS > length);
        }
    }
    record
}

/// The last part of the time, in which verdicts are compared.
const VERDICTS: Duration = Duration::from_secs(60);

/// What both saw.
#[derive(Default)]
struct Record {
    sources: BTreeMap<IpAddr, Source>,
}

/// What both saw of one source, in milliseconds.
#[derive(Default)]
struct Source {
    offsets: [Vec<f64>; 2],
    jitters: [Vec<f64>; 2],
    tallies: [BTreeMap<char, u32>; 2],
}

impl Record {
    fn see(&mut self, ours: &Daemon, theirs: &Daemon, judges: bool) {
        for server in SOURCES {
            let address: IpAddr = server.parse().expect("an address");
            let (Some(ours), Some(theirs)) = (find(ours, address), find(theirs, address)) else {
                continue;
            };
            let source = self.sources.entry(address).or_default();
            for (place, seen) in [ours, theirs].into_iter().enumerate() {
                if let Some(offset) = seen.duration(&peer::OFFSET) {
                    source.offsets[place].push(offset.milliseconds());
                }
                if let Some(jitter) = seen.duration(&peer::JITTER) {
                    source.jitters[place].push(jitter.milliseconds());
                }
                if judges {
                    let tally = seen.status.tally().character();
                    *source.tallies[place].entry(tally).or_default() += 1;
                }
            }
        }
    }

    fn figures(&self) -> String {
        let line = |(address, source): (&IpAddr, &Source)| {
            let [ours, theirs] = source.offsets.each_ref().map(|all| median(all));
            let jitter = source.jitter();
            let tallies = &source.tallies;
            format!(
                "{address}: offset {ours:.4} and {theirs:.4} ms, jitter {jitter:.4} ms, {tallies:?}"
            )
        };
        self.sources.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn judge(&self) {
        for server in SOURCES.into_iter().filter(|server| *server != SILENT) {
            let address: IpAddr = server.parse().expect("an address");
            let source = self.sources.get(&address).expect("both have this source");
            let [ours, theirs] = source.offsets.each_ref().map(|all| median(all));
            let apart = (ours - theirs).abs();
            let allowed = 0.05 + source.jitter();
            assert!(apart < allowed, "{server}: {ours} and {theirs} ms, allowed {allowed}");
            let [ours, theirs] = source.tallies.each_ref().map(usual);
            assert!(ours.is_some(), "{server}: no verdict");
            // Which of several equals leads is a matter of a microsecond; who is false is not.
            let is_false = (ours == Some('x'), theirs == Some('x'));
            assert_eq!(is_false, (server == FALSETICKER, server == FALSETICKER), "{server}");
            let is_used = |tally| matches!(tally, Some('*' | '+' | '-' | '#' | 'o'));
            assert_eq!(is_used(ours), is_used(theirs), "{server}: {ours:?} and {theirs:?}");
        }
        let leaders = |place: usize| {
            self.sources
                .values()
                .filter(|source| usual(&source.tallies[place]) == Some('*'))
                .count()
        };
        assert_eq!((leaders(0), leaders(1)), (1, 1), "each follows one");
    }
}

impl Source {
    /// The larger of both jitters.
    fn jitter(&self) -> f64 {
        let [ours, theirs] = self.jitters.each_ref().map(|all| median(all));
        ours.max(theirs)
    }
}

fn find(daemon: &Daemon, address: IpAddr) -> Option<&Arc<Peer>> {
    daemon
        .peers
        .iter()
        .find(|peer| peer.row.latest().and_then(|row| row.address(&peer::SOURCE)) == Some(address))
}

/// The tally that was seen most.
fn usual(tallies: &BTreeMap<char, u32>) -> Option<char> {
    tallies.iter().max_by_key(|(_, times)| **times).map(|(tally, _)| *tally)
}

/// The middle one; zero of none.
fn median(all: &[f64]) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
