//! What an engine costs with its sockets: `cargo bench --bench sockets` prints the share of a core
//! that 1000 associations at poll 6 take on the real network driver, in some five minutes.
//!
//! The servers are addresses of this machine behind one responder. Each engine runs in a process of
//! its own, all at once, and is asked for the time on the processor that the system counted: without
//! anybody who looks, as `run` does, and with snapshots taken for a screen.

#![expect(clippy::disallowed_methods, reason = "a measurement waits and reads the system's words")]
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made should fail")]

use std::fs;
use std::future::poll_fn;
use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use ntpscope::backend::{Backend as _, Measure, Request, Update};
use ntpscope::cli::run::runtime;
use ntpscope::config::engine::{Algorithm, EngineSetup};
use ntpscope::config::host::HostSpec;
use ntpscope::config::ntp_conf::{Association, Kind, Options};
use ntpscope::net::clock::Clock;
use ntpscope::net::engine::{Setup, start};
use ntpscope::net::network::Network;
use ntpscope::net::resolver::Families;
use ntpscope::units::{PollExponent, Tally};

const ASSOCIATIONS: u32 = 1000;

/// All have been asked some times by then.
const WARM_UP: Duration = Duration::from_secs(160);

/// Two polls of each.
const MEASURED: Duration = Duration::from_secs(128);

/// Says to a copy of this program which engine it is to run, and at which port the servers are.
const ENGINE: &str = "NTPSCOPE_BENCH_ENGINE";

fn main() {
    if let Ok(words) = std::env::var(ENGINE) {
        return run(&words);
    }
    let responder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/responder.py");
    let responder =
        Command::new("python3").arg(responder).stdout(Stdio::piped()).stdin(Stdio::null()).spawn();
    let mut responder = Ended(responder.unwrap());
    let mut port = String::new();
    BufReader::new(responder.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
    println!("associations  algorithm  looked at    heard  core share (%)");
    let this = std::env::current_exe().unwrap();
    let engines: Vec<Ended> = ["ntp no", "ntp yes", "kalman no", "kalman yes"]
        .map(|words| {
            let mut command = Command::new(&this);
            Ended(command.env(ENGINE, format!("{words} {}", port.trim())).spawn().unwrap())
        })
        .into();
    for mut engine in engines {
        assert!(engine.0.wait().unwrap().success());
    }
}

/// A process that does not outlive the measurement.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn run(words: &str) {
    let mut words = words.split(' ');
    let name = words.next().unwrap();
    let is_looked_at = words.next() == Some("yes");
    let port = words.next().unwrap();
    let algorithm = if name == "ntp" { Algorithm::Ntp } else { Algorithm::Kalman };
    let measure = Measure::of((0..ASSOCIATIONS).map(|number| {
        let poll = PollExponent::new(6);
        let address = Ipv4Addr::from_bits(0x7f01_0001 + number);
        Association {
            kind: Kind::Server,
            host: format!("{address}:{port}").parse::<HostSpec>().unwrap(),
            family: None,
            options: Options { minpoll: poll, maxpoll: poll, ..Options::default() },
        }
    }));
    let engine = EngineSetup { algorithm, ..(*measure.setup).clone() };
    let runtime = runtime().unwrap();
    let spent = if is_looked_at {
        runtime.block_on(looked_at(engine))
    } else {
        runtime.block_on(unseen(engine))
    };
    println!(
        "{ASSOCIATIONS:>12}  {name:>9}  {:>9}  {:>7}  {:>14.3}",
        if is_looked_at { "yes" } else { "no" },
        spent.heard.map_or_else(|| "-".into(), |heard| heard.to_string()),
        spent.share * 100.0
    );
}

/// What an engine took.
struct Spent {
    share: f64,
    heard: Option<usize>,
}

async fn unseen(engine: EngineSetup) -> Spent {
    let setup =
        Setup { engine, families: Families::Any, clock: Clock::start(), permit: None, told: None };
    let mut running = start(setup).unwrap();
    let notices = tokio::spawn(async move { while running.notice().await.is_some() {} });
    tokio::time::sleep(WARM_UP).await;
    let (before_s, started) = (on_processor_s(), Instant::now());
    tokio::time::sleep(MEASURED).await;
    let share = (on_processor_s() - before_s) / started.elapsed().as_secs_f64();
    assert!(!notices.is_finished(), "the engine has ended");
    notices.abort();
    Spent { share, heard: None }
}

async fn looked_at(engine: EngineSetup) -> Spent {
    let clock = Clock::start();
    let mut network = Network::start(&[], Families::Any, clock).unwrap();
    network.request(Request::Measure(Measure { setup: Arc::new(engine) }));
    let mut last = None;
    let mut span = WARM_UP;
    let mut share = 0.0;
    for _ in 0..2 {
        let (before_s, started) = (on_processor_s(), Instant::now());
        while let Some(left) = span.checked_sub(started.elapsed()) {
            let update = poll_fn(|context| match network.poll_update(context) {
                Poll::Ready(Update::Daemon { daemon, .. }) => Poll::Ready(Some(daemon)),
                Poll::Ready(_) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            if let Ok(Some(daemon)) = tokio::time::timeout(left, update).await {
                last = Some(daemon);
            }
        }
        share = (on_processor_s() - before_s) / started.elapsed().as_secs_f64();
        span = MEASURED;
    }
    let known = last.unwrap();
    let is_known = |tally: Tally| tally != Tally::Reject;
    let heard = known.peers.iter().filter(|peer| is_known(peer.status.tally())).count();
    assert!(heard * 100 > known.peers.len() * 99, "only {heard} are heard");
    Spent { share, heard: Some(heard) }
}

/// The seconds that this process has had on a processor; the system counts them in hundredths.
fn on_processor_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // Behind the name, which ends with the last parenthesis, the state is the third field.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let seconds = |field: usize| fields.get(field - 3).unwrap().parse::<f64>().unwrap() / 100.0;
    seconds(14) + seconds(15)
}
