//! A real chronyd that is held, ends, starts anew, loses its socket and withdraws access, over both
//! transports: what the program says of it, and how soon.

use std::future::poll_fn;
use std::io::{BufRead as _, BufReader, Write as _, stdin};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ntpscope::backend::{Backend as _, Request, TargetId, Update};
use ntpscope::cli::run::runtime;
use ntpscope::model::question::Unreachable;
use ntpscope::model::{Contact, Interest};
use ntpscope::net::clock::Clock;
use ntpscope::net::network::Network;
use ntpscope::net::resolver::Families;

use crate::lab;

/// A chronyd that no other test of these asks for its sources.
const NODE: &str = "peer-chrony";
const SOCKET: &str = "/run/chrony-peer-chrony/chronyd.sock";

/// Says to a copy of this program that it is in the lab, and whom to watch.
const WATCHED: &str = "NTPSCOPE_CHRONY_WATCHED";

#[test]
fn a_chronyd_that_comes_and_goes_is_followed_over_both_transports() {
    if let Ok(target) = std::env::var(WATCHED) {
        return watch(&target);
    }
    if !lab::available("lab", lab::up()) {
        return;
    }
    for (from, target) in [("admin", "chrony://10.77.0.18"), (NODE, UNIX)] {
        // Whatever a run before has left.
        drop(lab::lab(&["resume", NODE]));
        drop(lab::lab(&["start", NODE]));
        told(&["wait", "answers", NODE]);
        let mut inside = start(from, target);
        let mut said = BufReader::new(inside.stdout.take().expect("it was asked for")).lines();
        let mut tell = inside.stdin.take().expect("it was asked for");
        for Step { what, act, .. } in steps(target) {
            act();
            writeln!(tell, "{what}").expect("it listens");
            let seen = said.by_ref().map_while(Result::ok).find(|line| line.contains(SEEN));
            let seen = seen.unwrap_or_else(|| panic!("{target} {what}: it was not seen in time"));
            println!("{seen}");
        }
        let ended = inside.wait().expect("it ends");
        assert!(ended.success(), "{target}");
    }
}

/// This test once more, in the lab, where it watches: what happens to the daemon is done out here.
fn start(from: &str, target: &str) -> Child {
    let this = std::env::current_exe().expect("this program has a path");
    Command::new(lab::root().join("tests/lab"))
        .args(["exec", from])
        .arg(this)
        .args([
            "--exact",
            "chrony::unkind::a_chronyd_that_comes_and_goes_is_followed_over_both_transports",
        ])
        .arg("--nocapture")
        .env("NTPSCOPE_LAB_DIR", lab::folder())
        .env(WATCHED, target)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tests/lab can be started: it is part of this repository")
}

/// What the one inside says when it has seen what was done.
const SEEN: &str = "seen: ";

fn steps(target: &str) -> impl Iterator<Item = &'static Step> {
    BOTH.iter().chain(if target == UNIX { OVER_UNIX } else { OVER_UDP })
}

const UNIX: &str = "unix:///run/chrony-peer-chrony/chronyd.sock";

fn told(words: &[&str]) {
    let output = lab::lab(words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A command of chronyc's over the daemon's socket.
fn chronyc(words: &str) {
    let script = format!("chronyc -h {SOCKET} {words}");
    told(&["exec", NODE, "sh", "-c", &script]);
}

/// What is done to the daemon, and what has to be said of it then.
struct Step {
    what: &'static str,
    act: fn(),
    /// Within what time.
    within: Duration,
    is_so: fn(&Contact) -> bool,
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn answers(contact: &Contact) -> bool {
    matches!(contact, Contact::Answering { .. })
}

const fn is_silent(contact: &Contact) -> bool {
    matches!(contact, Contact::Silent { last: Some(_), .. })
}

/// The same on both ways.
const BOTH: &[Step] = &[
    Step { what: "answers", act: || (), within: seconds(5), is_so: answers },
    Step { what: "is held", act: || told(&["pause", NODE]), within: seconds(12), is_so: is_silent },
    Step { what: "goes on", act: || told(&["resume", NODE]), within: seconds(20), is_so: answers },
];

const OVER_UDP: &[Step] = &[
    Step {
        what: "has ended",
        act: || told(&["stop", NODE]),
        within: seconds(6),
        is_so: |contact| {
            matches!(contact, Contact::Unreachable { why: Unreachable::PortClosed, .. })
        },
    },
    Step {
        what: "starts anew",
        act: || told(&["start", NODE]),
        within: seconds(20),
        is_so: answers,
    },
    Step {
        what: "withdraws access",
        act: || chronyc("cmddeny all"),
        // After what was lost before it may be asked only every eight seconds, and four have to
        // pass without an answer.
        within: seconds(16),
        is_so: is_silent,
    },
    Step {
        what: "gives access",
        act: || chronyc("cmdallow all"),
        within: seconds(20),
        is_so: answers,
    },
];

const OVER_UNIX: &[Step] = &[
    Step {
        what: "has ended",
        act: || told(&["stop", NODE]),
        within: seconds(6),
        // It removes its socket when it ends in order.
        is_so: |contact| {
            let why = [Unreachable::NoSocket, Unreachable::SocketAbandoned];
            matches!(contact, Contact::Unreachable { why: found, .. } if why.contains(found))
        },
    },
    Step {
        what: "starts anew",
        act: || told(&["start", NODE]),
        within: seconds(20),
        is_so: answers,
    },
    Step {
        what: "is killed",
        act: || told(&["exec", NODE, "sh", "-c", "kill -9 $(cat /run/chrony-peer-chrony.pid)"]),
        within: seconds(6),
        is_so: |contact| {
            matches!(contact, Contact::Unreachable { why: Unreachable::SocketAbandoned, .. })
        },
    },
    Step {
        what: "has left no socket",
        act: || told(&["exec", NODE, "rm", SOCKET]),
        within: seconds(20),
        is_so: |contact| matches!(contact, Contact::Unreachable { why: Unreachable::NoSocket, .. }),
    },
    Step {
        what: "starts again",
        act: || told(&["start", NODE]),
        within: seconds(20),
        is_so: answers,
    },
];

/// In the lab: watches `target` through all that happens to it.
fn watch(target: &str) {
    let clock = Clock::start();
    runtime().expect("a runtime").block_on(async {
        let hosts = [target.parse().expect("a target")];
        let network = Network::start(&hosts, Families::Any, clock);
        let mut network = network.expect("the system has randomness");
        let interest = Interest { visible: true, ..Interest::default() };
        network.request(Request::Interest { target: TargetId::new(0), interest });
        let mut contact = Contact::default();
        let mut peers = 0;
        for Step { what, within, is_so, .. } in steps(target) {
            let mut done = String::new();
            stdin().read_line(&mut done).expect("it was told what was done");
            assert_eq!(done.trim(), *what);
            let start = clock.now().mono;
            loop {
                let left = within.saturating_sub(clock.now().mono.since(start));
                assert!(!left.is_zero(), "{target} {what}, but after {within:?} is {contact:?}");
                let update = poll_fn(|context| network.poll_update(context));
                if let Ok(Update::Daemon { daemon, .. }) = tokio::time::timeout(left, update).await
                {
                    contact = daemon.contact.clone();
                    peers = peers.max(daemon.peers.len());
                    assert_eq!(daemon.peers.len(), peers, "{what}: old values stay");
                    if is_so(&contact) {
                        break;
                    }
                }
            }
            println!("{SEEN}{target} {what}: {:?}", clock.now().mono.since(start));
        }
        assert!(peers > 0, "it has a peer");
    });
}
