//! Symmetric peers that are real daemons: both sides keep an association, and see the same offset.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::IpAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ntpscope::backend::{Backend as _, Measure, Request, TargetId, Update};
use ntpscope::cli::run::runtime;
use ntpscope::config::engine::EngineSetup;
use ntpscope::config::host::HostSpec;
use ntpscope::config::ntp_conf;
use ntpscope::config::target::TargetSpec;
use ntpscope::model::daemon::Detail;
use ntpscope::model::vars::{Variable, peer};
use ntpscope::model::{Daemon, Interest, Peer};
use ntpscope::net::clock::Clock;
use ntpscope::net::network::Network;
use ntpscope::net::resolver::Families;
use ntpscope::units::{Mode, Reach};

use crate::lab;

/// Where we are, by which our peers are configured.
const OURS: &str = "10.77.0.1";
/// The classic ntpd and the chronyd that are our peers, the latter interleaved.
const CLASSIC: &str = "10.77.0.17";
const CHRONY: &str = "10.77.0.18";
/// An ntpd that does not know us.
const STRANGER: &str = "10.77.0.113";
/// A chronyd that is asked interleaved.
const SERVER: &str = "10.77.0.111";

#[test]
fn real_daemons_keep_us_as_their_peer() {
    if std::env::var_os(INSIDE).is_some() {
        return judge();
    }
    if !lab::available("lab", lab::up()) {
        return;
    }
    let _port = crate::port_of_admin();
    let this = std::env::current_exe().expect("this program has a path");
    let output = Command::new(lab::root().join("tests/lab"))
        .args(["exec", "admin"])
        .arg(this)
        .args(["--exact", "peer::real_daemons_keep_us_as_their_peer", "--nocapture"])
        .env("NTPSCOPE_LAB_DIR", lab::folder())
        .env(INSIDE, "yes")
        .output()
        .expect("tests/lab can be started: it is part of this repository");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "the test did not run in the lab: {said}");
}

/// Says to a copy of this program that it is in the lab.
const INSIDE: &str = "NTPSCOPE_LIVE_PEER";

/// How long both sides may take to fill their registers at a poll every 8 to 16 seconds, after a
/// start at which the others may have been waiting for us at longer intervals.
const LENGTH: Duration = Duration::from_secs(150);

/// In the lab: exchanges time with the peers and judges what both sides see.
fn judge() {
    let runtime = runtime().expect("a runtime");
    let (ours, theirs) = runtime.block_on(watch());
    runtime.shutdown_background();
    for address in [CLASSIC, CHRONY, STRANGER, SERVER] {
        let row = find(&ours, address);
        let (offset, delay) = (ms(row, &peer::OFFSET), ms(row, &peer::DELAY));
        println!("{address}: offset {offset:.4} ms, delay {delay:.4} ms");
    }
    // Who answers in mode 1 has an association with us; who has none answers in mode 2.
    for (address, mode) in [
        (CLASSIC, Mode::SymmetricActive),
        (CHRONY, Mode::SymmetricActive),
        (STRANGER, Mode::SymmetricPassive),
        (SERVER, Mode::Server),
    ] {
        let row = find(&ours, address);
        let detail = row.detail(Detail::Scalars);
        let found = detail.latest().and_then(|values| values.mode(&peer::PEER_MODE));
        assert_eq!(found, Some(mode), "{address}");
        // All daemons of this machine have the same clock, and what was measured of it is wrong by half
        // the delay at most.
        let (offset, delay) = (ms(row, &peer::OFFSET), ms(row, &peer::DELAY));
        assert!(offset.abs() < 0.9 + delay / 2.0, "{address}: {offset}, {delay}");
        assert!(delay < 50.0, "{address}: {delay}");
        assert!(reach(row) >= 4, "{address}: {}", reach(row));
    }
    let mirror = find(&theirs, OURS);
    assert!(reach(mirror) >= 4, "{}", reach(mirror));
    let (here, there) = (ms(find(&ours, CLASSIC), &peer::OFFSET), ms(mirror, &peer::OFFSET));
    println!("by ntpd's word {OURS} is {there:.4} ms ahead");
    let delays = [find(&ours, CLASSIC), mirror].map(|row| ms(row, &peer::DELAY));
    let allowed = 0.25 + delays.iter().sum::<f64>() / 2.0;
    assert!((here + there).abs() < allowed, "{here} ms here and {there} ms there, {delays:?}");
}

async fn watch() -> (Arc<Daemon>, Arc<Daemon>) {
    let clock = Clock::start();
    let classic = TargetSpec::ControlMessages(HostSpec::new(CLASSIC));
    let network = Network::start(&[classic], Families::Any, clock);
    let mut network = network.expect("the system has randomness");
    let theirs = TargetId::new(0);
    let interest = Interest { visible: true, ..Interest::default() };
    network.request(Request::Interest { target: theirs, interest });
    let conf = format!(
        "peer {CLASSIC} minpoll 3 maxpoll 4\npeer {CHRONY} minpoll 3 maxpoll 4 xleave\n\
         peer {STRANGER} minpoll 3 maxpoll 4\nserver {SERVER} iburst minpoll 3 maxpoll 4 xleave\n"
    );
    let directives = ntp_conf::read("ntp.conf", &conf).expect("four sources");
    let setup = EngineSetup { directives, listens: true, ..EngineSetup::default() };
    network.request(Request::Measure(Measure { setup: Arc::new(setup) }));
    let mut seen: BTreeMap<TargetId, Arc<Daemon>> = BTreeMap::new();
    let start = clock.now().mono;
    while clock.now().mono.since(start) < LENGTH {
        let update = poll_fn(|context| network.poll_update(context));
        if let Ok(Update::Daemon { target, daemon }) =
            tokio::time::timeout(Duration::from_secs(1), update).await
        {
            seen.insert(target, daemon);
        }
    }
    let mut take = |target| seen.remove(&target).expect("both were seen");
    (take(TargetId::OWN), take(theirs))
}

fn find<'d>(daemon: &'d Daemon, address: &str) -> &'d Peer {
    let address: IpAddr = address.parse().expect("an address");
    let is_it = |peer: &&Arc<Peer>| {
        peer.row.latest().and_then(|row| row.address(&peer::SOURCE)) == Some(address)
    };
    daemon.peers.iter().find(is_it).expect("it has this source")
}

fn ms(peer: &Peer, variable: &'static Variable) -> f64 {
    peer.duration(variable).expect("it is known").milliseconds()
}

/// How many of the last eight polls were answered.
fn reach(peer: &Peer) -> u32 {
    let reach = peer.row.latest().and_then(|row| row.reach(&peer::REACH));
    reach.map(Reach::register).unwrap_or_default().count_ones()
}
