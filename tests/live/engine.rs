//! The engine beside a real ntpd: both ask the same servers at the same time, see the same offsets
//! and come to the same verdicts, and ours never so much as tries to set the clock.
//!
//! It takes three minutes; with `NTPSCOPE_LIVE_SECONDS=600` ten, of which the last two are judged.

use std::collections::HashMap;
use std::fs;
use std::future::poll_fn;
use std::process::Command;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ntpscope::backend::{Backend as _, Measure, Request, TargetId, Update};
use ntpscope::cli::run::runtime;
use ntpscope::config::engine::{Algorithm, EngineSetup};
use ntpscope::config::host::HostSpec;
use ntpscope::config::ntp_conf::{Association, Kind, Options};
use ntpscope::config::target::TargetSpec;
use ntpscope::model::{Daemon, Interest};
use ntpscope::net::clock::Clock;
use ntpscope::net::network::Network;
use ntpscope::net::resolver::Families;
use ntpscope::units::PollExponent;

use crate::beside::Record;
use crate::lab;

/// The real client of the lab, and what it asks: relays to three that are right and one that is
/// 40 ms ahead, one that never answers, one by IPv6, and those behind its pool.
const CLIENT: &str = "10.77.0.2";
const SOURCES: [&str; 9] = [
    "10.77.0.11",
    "10.77.0.12",
    "10.77.0.13",
    FALSETICKER,
    SILENT,
    "fd77::12",
    "10.77.0.21",
    "10.77.0.22",
    "10.77.0.23",
];
pub(crate) const FALSETICKER: &str = "10.77.0.14";
pub(crate) const SILENT: &str = "10.77.0.15";

/// Paths that are longer one way: by that much their servers seem wrong, and so the one that is
/// followed and those that clustering drops are no matter of chance. None is as uneven as the joint
/// filter calls inconsistent. The last is the delay that the lab begins with.
const PATHS: [(&str, [&str; 4], &str); 5] = [
    ("good2", ["there", "17.4ms", "back", "12.6ms"], "5ms"),
    ("good3", ["there", "23.6ms", "back", "16.4ms"], "20ms"),
    ("pool1", ["there", "4.3ms", "back", "5.7ms"], "2ms"),
    ("pool2", ["there", "5.7ms", "back", "4.3ms"], "3ms"),
    ("pool3", ["there", "12.6ms", "back", "17.4ms"], "4ms"),
];

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
    let _uneven = Uneven::begin();
    let settled = lab::lab(&["wait", "settled", "classic", "--timeout", "300"]);
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

/// The relays with uneven paths, until the test is over.
struct Uneven;

impl Uneven {
    fn begin() -> Self {
        for (relay, settings, _) in PATHS {
            let words = [&["relay", relay][..], &settings].concat();
            let set = lab::lab(&words);
            assert!(set.status.success(), "{relay}: {}", String::from_utf8_lossy(&set.stderr));
        }
        Self
    }
}

impl Drop for Uneven {
    fn drop(&mut self) {
        for (relay, _, delay) in PATHS {
            lab::lab(&["relay", relay, "delay", delay]);
        }
    }
}

/// How long: three minutes, or as is wished.
fn duration() -> Duration {
    let seconds = std::env::var("NTPSCOPE_LIVE_SECONDS");
    let seconds = seconds.map_or(Ok(180), |text| text.parse());
    Duration::from_secs(seconds.expect("NTPSCOPE_LIVE_SECONDS is a number of seconds"))
}

/// The last part of the time, in which verdicts are compared: two minutes of ten.
fn is_judged(elapsed: Duration, length: Duration) -> bool {
    elapsed + length / 5 > length
}

/// In the lab: measures beside the real daemon, asks it what it sees, and judges.
fn compare() {
    let runtime = runtime().expect("a runtime");
    let records = runtime.block_on(record());
    runtime.shutdown_background();
    for (algorithm, record) in &records {
        println!("{algorithm:?}\n{}", record.figures());
    }
    for (_, record) in &records {
        record.judge();
    }
}

/// Both disciplines, each beside the real daemon.
async fn record() -> [(Algorithm, Record); 2] {
    let clock = Clock::start();
    let client = TargetSpec::ControlMessages(HostSpec::new(CLIENT));
    let mut kalman = network(&[client], Algorithm::Kalman, clock);
    let mut classic = network(&[], Algorithm::Ntp, clock);
    let theirs = TargetId::new(0);
    let interest = Interest { visible: true, ..Interest::default() };
    kalman.request(Request::Interest { target: theirs, interest });
    let (start, length) = (clock.now().mono, duration());
    let mut shown: HashMap<Seer, Arc<Daemon>> = HashMap::new();
    let mut records = [Algorithm::Kalman, Algorithm::Ntp].map(|each| (each, Record::new(&SOURCES)));
    let mut next = start;
    while clock.now().mono.since(start) < length {
        let update = poll_fn(|context| match kalman.poll_update(context) {
            Poll::Ready(update) => Poll::Ready((Algorithm::Kalman, update)),
            Poll::Pending => classic.poll_update(context).map(|update| (Algorithm::Ntp, update)),
        });
        if let Ok((algorithm, Update::Daemon { target, daemon })) =
            tokio::time::timeout(Duration::from_secs(1), update).await
        {
            let seer = if target == theirs { Seer::Daemon } else { Seer::Engine(algorithm) };
            shown.insert(seer, daemon);
        }
        let now = clock.now().mono;
        let elapsed = now.since(start);
        // Both begin to know after some samples; what is compared is from when all has settled.
        if now < next || elapsed * 3 < length {
            continue;
        }
        next = now + Duration::from_secs(1);
        for (algorithm, record) in &mut records {
            if let (Some(ours), Some(theirs)) =
                (shown.get(&Seer::Engine(*algorithm)), shown.get(&Seer::Daemon))
            {
                record.see([ours, theirs], is_judged(elapsed, length));
            }
        }
    }
    records
}

/// Who sees the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Seer {
    Engine(Algorithm),
    Daemon,
}

/// An engine that measures the sources, and the daemons that are asked besides.
fn network(hosts: &[TargetSpec], algorithm: Algorithm, clock: Clock) -> Network {
    let network = Network::start(hosts, Families::Any, clock);
    let mut network = network.expect("the system has randomness");
    let measure = Measure::of(SOURCES.map(|server| Association {
        kind: Kind::Server,
        host: HostSpec::new(server),
        family: None,
        options: Options {
            iburst: true,
            minpoll: PollExponent::new(3),
            maxpoll: PollExponent::new(4),
            ..Options::default()
        },
    }));
    let setup = EngineSetup { algorithm, ..(*measure.setup).clone() };
    network.request(Request::Measure(Measure { setup: Arc::new(setup) }));
    network
}
