//! The watcher of a chronyd, against a scripted one.

mod faults;
mod hostile;
mod rounds;
mod scripted;
mod values;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ntpscope::control::chrony::{Transport, Watcher};
use ntpscope::control::watcher::{Input, Output};
use ntpscope::model::daemon::Detail;
use ntpscope::model::question::Unreachable;
use ntpscope::model::vars::peer;
use ntpscope::model::{Absent, Daemon as Snapshot, Peer, Value};
use ntpscope::units::{Mono, Now};

use crate::chronyd::{Carrier, Chronyd, Fault};
use crate::line::Line;
use crate::world::{Answerer, Done, Machine, World};

impl Machine for Watcher {
    type Event = Arc<Snapshot>;
    fn datagram(&mut self, now: Now, datagram: &[u8]) {
        self.handle(now, Input::Datagram(datagram));
    }
    fn unreachable(&mut self, now: Now, why: Unreachable) {
        self.handle(now, Input::Unreachable(why));
    }
    fn wake(&mut self, now: Now) {
        self.handle(now, Input::Wakeup);
    }
    fn next_wakeup(&self) -> Option<Mono> {
        Self::next_wakeup(self)
    }
    /// Its bound is another than that of mode 6, and has a test of its own.
    fn in_flight(&self) -> usize {
        0
    }
    fn poll(&mut self) -> Option<Done<Arc<Snapshot>>> {
        match self.poll_output()? {
            Output::Send(bytes) => Some(Done::Send(bytes)),
            Output::Snapshot(snapshot) => Some(Done::Event(snapshot)),
            other => panic!("{other:?} is new"),
        }
    }
    fn words(event: &Arc<Snapshot>) -> String {
        crate::world::snapshot_words(event)
    }
}

impl Answerer for Chronyd {
    fn answer(&mut self, now: Mono, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        Self::answer(self, now.since(Mono::default()), request)
    }
    fn is_closed(&self) -> bool {
        self.faults.contains(&Fault::Closed)
    }
}

/// A world whose watcher has just been told that there is a socket to the daemon.
pub(crate) fn watch(seed: u8, daemon: Chronyd, line: Line) -> World<Watcher, Chronyd> {
    let transport = match daemon.carrier {
        Carrier::Udp => Transport::Udp,
        Carrier::Unix => Transport::Unix,
    };
    let watcher = Watcher::new(transport, [seed; 32]);
    let mut world = World::new(seed.into(), watcher, daemon, line);
    tell(&mut world, Input::Connected);
    world
}

pub(crate) fn tell(world: &mut World<Watcher, Chronyd>, input: Input<'_>) {
    world.input(|watcher, now| watcher.handle(now, input));
}

pub(crate) fn latest(world: &World<Watcher, Chronyd>) -> &Arc<Snapshot> {
    &world.events.last().expect("something was told").1
}

pub(crate) fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The source at this address.
pub(crate) fn source(snapshot: &Snapshot, address: IpAddr) -> Option<&Arc<Peer>> {
    let is_it = |one: &&Arc<Peer>| {
        one.row.latest().and_then(|row| row.address(&peer::SOURCE)) == Some(address)
    };
    snapshot.peers.iter().find(is_it)
}

/// Whether every server of the script is there with all that its transport gives, and no other.
pub(crate) fn is_complete(world: &World<Watcher, Chronyd>) -> bool {
    let Some((_, snapshot)) = world.events.last() else { return false };
    let state = &world.daemon.state;
    let is_whole = |one: &crate::chronyd::Source| {
        let Some(address) = one.data.address.ip() else { return true };
        let Some(found) = source(snapshot, address) else { return false };
        let knows = |variable| found.value(variable).is_ok();
        // What the last packet told: none came yet of some.
        let is_packet_told =
            !matches!(found.value(&peer::VALID), Err(Absent::NotAskedYet | Absent::Failed(_)));
        let all = [&peer::SOURCE_HOST, &peer::SAMPLES, &peer::REACH].into_iter();
        let more: &[_] = match world.daemon.carrier {
            Carrier::Udp => &[],
            Carrier::Unix => &[&peer::AUTH_MODE, &peer::SCORE],
        };
        is_packet_told
            && all.chain(more.iter().copied()).all(knows)
            && found.detail(Detail::Scalars).latest().is_some()
    };
    snapshot.peers.len() == state.sources.len()
        && state.sources.iter().all(is_whole)
        && snapshot.system.latest().is_some()
        && snapshot.associations.latest().is_some()
}

/// No value stands under another source's address: the script's numbers tell whose they are.
pub(crate) fn nothing_is_misplaced(snapshot: &Snapshot) {
    for one in snapshot.peers.iter() {
        let Some(IpAddr::V4(address)) = one.row.latest().and_then(|row| row.address(&peer::SOURCE))
        else {
            continue;
        };
        let [10, 9, 0, n] = address.octets() else { continue };
        for (variable, field, sign) in [
            (&peer::OFFSET, 2.0, -1.0),
            (&peer::JITTER, 4.0, 1.0),
            (&peer::ESTIMATED_OFFSET, 7.0, -1.0),
            (&peer::LOW_LIMIT, 10.0, -1.0),
            (&peer::DELAY, 14.0, 1.0),
        ] {
            let Some(span) = one.duration(variable) else { continue };
            let own = sign * (f64::from(n) + field / 64.0) / 1024.0;
            let off = span.seconds() - own;
            assert!(off.abs() < 1e-6, "{} of {address} is {}", variable.field, span.seconds());
        }
        if let Ok((Value::Text(name), _)) = one.value(&peer::SOURCE_HOST) {
            assert_eq!(**name, format!("server{n}.example"), "name of {address}");
        }
    }
}

/// When datagrams went out, those within a few milliseconds of one another taken together.
pub(crate) fn flights(world: &World<Watcher, Chronyd>) -> Vec<(Duration, usize)> {
    let mut flights: Vec<(Duration, usize)> = Vec::new();
    let mut last = None;
    for sent in &world.sent {
        let at = sent.since(Mono::default());
        match flights.last_mut() {
            Some((_, count)) if last.is_some_and(|last| at.saturating_sub(last) <= GAP) => {
                *count += 1;
            }
            _ => flights.push((at, 1)),
        }
        last = Some(at);
    }
    flights
}

/// More than between bursts, less than a round trip.
const GAP: Duration = Duration::from_millis(5);
