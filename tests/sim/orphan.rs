//! Hosts that are left alone, and keep together all the same.

use ntpscope::config::engine::Algorithm;
use ntpscope::engine::settings::Settings;
use ntpscope::engine::system::System;
use ntpscope::sim::host::{Host, Stamps};
use ntpscope::sim::link::{LinkSpec, PathSpec};
use ntpscope::sim::moment::{Moment, Span};
use ntpscope::sim::oscillator::{Oscillator, OscillatorSpec};
use ntpscope::sim::random::{Random, Stream};
use ntpscope::sim::server::{Server, ServerSpec};
use ntpscope::sim::truth::Truth;
use ntpscope::sim::world::{NodeId, World};
use ntpscope::units::{Leap, NtpTimestamp, RefId};
use ntpscope::wire::address_id::address_id;

fn span(seconds: f64) -> Span {
    Span::new(seconds).unwrap()
}

/// Three peers, and a server that nobody asks unless told to.
struct Island {
    world: World,
    server: NodeId,
    hosts: Vec<NodeId>,
}

impl Island {
    /// Three that would be orphans at stratum 6 after two minutes, each a peer of the others.
    fn new(seed: u64, algorithm: Algorithm) -> Self {
        let mut island = Self::silent(seed, algorithm);
        for id in island.hosts.clone() {
            let others = island.hosts.iter().filter(|other| **other != id);
            let peers = others.map(|other| format!("peer {} minpoll 4 maxpoll 5", other.address()));
            let mut lines: Vec<String> = peers.collect();
            lines.push("tos orphan 6 orphanwait 120".to_owned());
            island.world.configure(id, &lines.join("\n")).unwrap();
        }
        island
    }

    /// Three that are told nothing yet.
    fn silent(seed: u64, algorithm: Algorithm) -> Self {
        let truth = Truth::new(NtpTimestamp::from_unix(1_790_000_000, 0), None);
        let mut world = World::new(seed, truth);
        let server = Server::new(ServerSpec::default(), Random::new(seed, Stream::Server(0)));
        let server = world.add_server("gps", server);
        let path =
            PathSpec { delay: Some(span(1e-3)), jitter: Some(span(5e-5)), ..PathSpec::default() };
        let link = LinkSpec { both: path, ..LinkSpec::default() };
        let mut hosts: Vec<NodeId> = Vec::new();
        for (name, ahead_s, frequency_ppm) in
            [("a", 0.02, 5.0), ("b", -0.04, -11.0), ("c", 0.07, 17.0)]
        {
            let place = world.next_node().place();
            let random = |stream| Random::new(seed, stream);
            let oscillator = OscillatorSpec { frequency_ppm, wander: 1e-9, temperature: None };
            let oscillator = Oscillator::new(oscillator, random(Stream::Oscillator(place)));
            let stamps = Stamps { error: span(2e-6), random: random(Stream::Stamps(place)) };
            let settings = Settings { algorithm, ..Settings::default() };
            let seed = random(Stream::Engine(place)).seed();
            let host = Host::new(settings, seed, oscillator, stamps, world.truth(), span(ahead_s));
            let id = world.add_host(name, host);
            world.connect(id, server, &link);
            for other in &hosts {
                world.connect(id, *other, &link);
            }
            world.tell_address(id);
            hosts.push(id);
        }
        Self { world, server, hosts }
    }

    fn run(&mut self, second: u64) {
        self.world.run_until(Moment::from_secs(second));
    }

    fn system(&self, place: usize) -> &System {
        let id = *self.hosts.get(place).unwrap();
        self.world.host(id).unwrap().engine().system()
    }

    /// Stratum and reference ID of all.
    fn seen(&self) -> Vec<(u8, RefId)> {
        let seen = |place| {
            let system = self.system(place);
            (system.stratum.get(), system.reference_id)
        };
        (0..3).map(seen).collect()
    }

    /// The address of one, as a reference ID.
    fn named(&self, place: usize) -> RefId {
        address_id(self.hosts.get(place).unwrap().address())
    }

    fn clocks_s(&mut self) -> Vec<f64> {
        let at = self.world.at();
        let truth = self.world.truth().time(at);
        let hosts = self.hosts.clone();
        let mut shows = |id| self.world.host_mut(id).unwrap().now(at).clock - truth;
        hosts.into_iter().map(|id| shows(id).seconds()).collect()
    }
}

/// How far the clocks are from each other at most.
fn apart_s(clocks_s: &[f64]) -> f64 {
    let least = clocks_s.iter().copied().fold(f64::INFINITY, f64::min);
    clocks_s.iter().copied().fold(f64::NEG_INFINITY, f64::max) - least
}

const LOOPBACK: RefId = RefId::new([127, 0, 0, 1]);

#[test]
fn the_lowest_address_is_parent_and_the_others_follow_it() {
    for algorithm in [Algorithm::Ntp, Algorithm::Kalman] {
        let mut island = Island::new(1, algorithm);
        island.run(119);
        assert!((0..3).all(|place| island.system(place).leap == Leap::Alarm), "{algorithm:?}");
        island.run(10_000);
        let parent = island.named(0);
        assert_eq!(island.seen(), [(6, LOOPBACK), (7, parent), (7, parent)], "{algorithm:?}");
        for place in 0..3 {
            assert_eq!(island.system(place).leap, Leap::None, "{algorithm:?}");
            assert_eq!(island.system(place).peer.is_none(), place == 0, "{algorithm:?}");
        }
        let clocks_s = island.clocks_s();
        assert!(apart_s(&clocks_s) < 1e-3, "{algorithm:?}: {clocks_s:?}");
    }
}

#[test]
fn a_server_ends_the_mode_for_all_and_its_loss_brings_it_back() {
    let mut island = Island::new(2, Algorithm::Kalman);
    island.run(3000);
    // The last of them finds a server.
    let (last, server) = (*island.hosts.get(2).unwrap(), island.server);
    let conf = format!("server {} iburst minpoll 4 maxpoll 5\n", server.address());
    island.world.configure(last, &conf).unwrap();
    island.run(12_000);
    let above = island.named(2);
    assert_eq!(island.seen(), [(3, above), (3, above), (2, address_id(server.address()))]);
    assert!((0..3).all(|place| island.system(place).leap == Leap::None));
    let clocks_s = island.clocks_s();
    assert!(clocks_s.iter().all(|error_s| error_s.abs() < 1e-3), "{clocks_s:?}");
    island.world.cut(server, true);
    island.run(30_000);
    let parent = island.named(0);
    assert_eq!(island.seen(), [(6, LOOPBACK), (7, parent), (7, parent)]);
    let clocks_s = island.clocks_s();
    assert!(apart_s(&clocks_s) < 1e-3, "{clocks_s:?}");
}

#[test]
fn who_loses_the_parent_follows_the_next() {
    let mut island = Island::new(3, Algorithm::Kalman);
    island.run(5000);
    let gone = *island.hosts.first().unwrap();
    island.world.cut(gone, true);
    island.run(12_000);
    let parent = island.named(1);
    assert_eq!(island.seen(), [(6, LOOPBACK), (6, LOOPBACK), (7, parent)]);
    island.world.cut(gone, false);
    island.run(25_000);
    let parent = island.named(0);
    assert_eq!(island.seen(), [(6, LOOPBACK), (7, parent), (7, parent)]);
}

#[test]
fn a_client_of_two_orphans_follows_the_one_with_the_lower_address() {
    for algorithm in [Algorithm::Ntp, Algorithm::Kalman] {
        let mut island = Island::silent(4, algorithm);
        let [first, second, client] = island.hosts[..] else { panic!("there are three") };
        // The two do not know of each other, and their clocks are 60 ms apart.
        for id in [first, second] {
            island.world.configure(id, "tos orphan 6 orphanwait 30\n").unwrap();
        }
        let servers: String = [first, second]
            .map(|id| format!("server {} minpoll 4 maxpoll 5\n", id.address()))
            .concat();
        let conf = format!("{servers}tos orphan 6 orphanwait 120\n");
        island.world.configure(client, &conf).unwrap();
        island.run(5000);
        let parent = island.named(0);
        assert_eq!(island.seen(), [(6, LOOPBACK), (6, LOOPBACK), (7, parent)], "{algorithm:?}");
        let clocks_s = island.clocks_s();
        assert!((clocks_s[0] - clocks_s[2]).abs() < 2e-3, "{algorithm:?}: {clocks_s:?}");
        // One that is lost makes room for the other, and takes its place again when it is back.
        island.world.cut(first, true);
        island.run(10_000);
        assert_eq!(island.seen()[2], (7, island.named(1)), "{algorithm:?}");
        island.world.cut(first, false);
        island.run(16_000);
        assert_eq!(island.seen()[2], (7, island.named(0)), "{algorithm:?}");
    }
}
