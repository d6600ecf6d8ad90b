//! Engines that are peers of each other, in simulated worlds: loss, crossing, restarts, forgeries.

use ntpscope::config::engine::Algorithm;
use ntpscope::engine::association::{Association, Kind};
use ntpscope::engine::settings::Settings;
use ntpscope::sim::host::{Host, Stamps};
use ntpscope::sim::link::{LinkSpec, PathSpec};
use ntpscope::sim::moment::{Moment, Span};
use ntpscope::sim::oscillator::{Oscillator, OscillatorSpec};
use ntpscope::sim::random::{Random, Stream};
use ntpscope::sim::run::Plan;
use ntpscope::sim::scenario::Scenario;
use ntpscope::sim::server::{Server, ServerSpec};
use ntpscope::sim::truth::Truth;
use ntpscope::sim::world::{NodeId, World};
use ntpscope::units::{Leap, Mode, NtpTimestamp, PollExponent, RefId, Stratum, Tally};
use ntpscope::wire::packet::Header;

/// One that has a server of its own, and one that has nobody but it.
struct Two {
    world: World,
    seed: u64,
    algorithm: Algorithm,
    upper: NodeId,
    lower: NodeId,
}

/// How two peers are connected, and what they are told.
#[derive(Clone, Default)]
struct Setup {
    path: PathSpec,
    upper: &'static str,
    lower: &'static str,
}

fn span(seconds: f64) -> Span {
    Span::new(seconds).unwrap()
}

fn path() -> PathSpec {
    PathSpec { delay: Some(span(2e-3)), jitter: Some(span(1e-4)), ..PathSpec::default() }
}

fn host(world: &World, seed: u64, place: NodeId, algorithm: Algorithm, ahead_s: f64) -> Host {
    let place = place.place();
    let random = |stream| Random::new(seed, stream);
    let frequency_ppm = if place == 1 { -8.0 } else { 12.0 };
    let oscillator = OscillatorSpec { frequency_ppm, wander: 1e-9, temperature: None };
    let oscillator = Oscillator::new(oscillator, random(Stream::Oscillator(place)));
    let stamps = Stamps { error: span(2e-6), random: random(Stream::Stamps(place)) };
    let settings = Settings { algorithm, ..Settings::default() };
    let seed = random(Stream::Engine(place)).seed();
    Host::new(settings, seed, oscillator, stamps, world.truth(), span(ahead_s))
}

impl Two {
    fn new(seed: u64, algorithm: Algorithm, setup: &Setup) -> Self {
        let truth = Truth::new(NtpTimestamp::from_unix(1_790_000_000, 0), None);
        let mut world = World::new(seed, truth);
        let server = Server::new(ServerSpec::default(), Random::new(seed, Stream::Server(0)));
        let server = world.add_server("gps", server);
        let machine = host(&world, seed, world.next_node(), algorithm, 0.01);
        let upper = world.add_host("upper", machine);
        let machine = host(&world, seed, world.next_node(), algorithm, -0.03);
        let lower = world.add_host("lower", machine);
        let near = LinkSpec { both: path(), ..LinkSpec::default() };
        world.connect(upper, server, &near);
        let between = LinkSpec { both: setup.path.clone(), ..LinkSpec::default() };
        world.connect(lower, upper, &between);
        for id in [upper, lower] {
            world.tell_address(id);
        }
        let mut two = Self { world, seed, algorithm, upper, lower };
        let server = format!("server {} iburst minpoll 4 maxpoll 6\n", server.address());
        let peer = |options: &str, with: NodeId| match options {
            "none" => String::new(),
            options => format!("peer {} minpoll 4 maxpoll 6 {options}\n", with.address()),
        };
        two.configure(upper, &(server + &peer(setup.upper, lower)));
        two.configure(lower, &peer(setup.lower, upper));
        two
    }

    fn configure(&mut self, id: NodeId, conf: &str) {
        if !conf.is_empty() {
            self.world.configure(id, conf).unwrap();
        }
    }

    fn run(&mut self, second: u64) {
        self.world.run_until(Moment::from_secs(second));
        for id in [self.upper, self.lower] {
            let faults = &self.world.host(id).unwrap().diary().faults;
            assert!(faults.is_empty(), "{faults:?}");
        }
    }

    /// The association of `id` with its peer: the last of its associations.
    fn peer(&self, id: NodeId) -> &Association {
        self.world.host(id).unwrap().engine().associations().last().unwrap()
    }

    fn error_s(&mut self, id: NodeId) -> f64 {
        let (at, truth) = (self.world.at(), *self.world.truth());
        let shows = self.world.host_mut(id).unwrap().now(at).clock;
        (shows - truth.time(at)).seconds()
    }

    fn stratum(&self, id: NodeId) -> u8 {
        self.world.host(id).unwrap().engine().system().stratum.get()
    }
}

fn number(count: u64) -> f64 {
    u32::try_from(count).unwrap().into()
}

const BOTH: [Algorithm; 2] = [Algorithm::Ntp, Algorithm::Kalman];

#[test]
fn the_one_without_a_server_follows_its_peer_which_does_not_follow_it() {
    for algorithm in BOTH {
        let setup = Setup { path: path(), ..Setup::default() };
        let mut two = Two::new(1, algorithm, &setup);
        two.run(20_000);
        assert_eq!((two.stratum(two.upper), two.stratum(two.lower)), (2, 3), "{algorithm:?}");
        let (below, above) = (two.peer(two.lower), two.peer(two.upper));
        assert_eq!(below.standing.tally, Tally::SystemPeer, "{algorithm:?}");
        // It follows us: to follow it would be a loop.
        assert_eq!(above.flash.bits() & 0x0800, 0x0800, "{algorithm:?}");
        assert_eq!(above.standing.tally, Tally::Reject, "{algorithm:?}");
        assert_eq!(above.poll.reach.register() >> 1, 0x7f, "{algorithm:?}");
        for side in [below, above] {
            assert_eq!(side.counters.bogus_origin, 0, "{algorithm:?}");
            assert!(side.samples > 200, "{algorithm:?}: {}", side.samples);
            assert!((side.filter.delay().seconds() - 4e-3).abs() < 5e-4, "{algorithm:?}");
        }
        let error_s = two.error_s(two.lower);
        assert!(error_s.abs() < 5e-4, "{algorithm:?}: {error_s}");
    }
}

#[test]
fn lost_doubled_and_overtaken_packets_do_not_part_them() {
    for (algorithm, seed) in BOTH.into_iter().zip(2..) {
        let path = PathSpec {
            loss: Some(0.3),
            duplication: Some(0.1),
            reordering: Some(0.2),
            held_back: Some(span(40.0)),
            ..path()
        };
        let mut two = Two::new(seed, algorithm, &Setup { path, ..Setup::default() });
        two.run(30_000);
        for id in [two.upper, two.lower] {
            let peer = two.peer(id);
            // Of the peer's packets 56 % come in time; few of those bring no sample.
            let share = f64::from(peer.samples) / number(peer.counters.sent);
            assert!(share > 0.4, "{algorithm:?}: {} of {}", peer.samples, peer.counters.sent);
            assert!(peer.counters.old_packet > 10, "{algorithm:?}");
        }
        let error_s = two.error_s(two.lower);
        assert!(error_s.abs() < 1e-3, "{algorithm:?}: {error_s}");
        assert_eq!(two.stratum(two.lower), 3, "{algorithm:?}");
    }
}

#[test]
fn either_side_may_start_over() {
    let mut two = Two::new(4, Algorithm::Kalman, &Setup { path: path(), ..Setup::default() });
    two.run(5000);
    let upper = host(&two.world, 99, two.upper, two.algorithm, 0.5);
    two.world.replace(two.upper, upper);
    let conf = format!(
        "server 10.0.0.1 iburst minpoll 4 maxpoll 6\npeer {} minpoll 4 maxpoll 6\n",
        two.lower.address()
    );
    let upper = two.upper;
    two.world.tell_address(upper);
    two.configure(upper, &conf);
    two.run(5600);
    assert!(two.peer(upper).samples > 3, "{}", two.peer(upper).samples);
    let before = two.peer(two.lower).samples;
    two.run(6600);
    assert!(two.peer(two.lower).samples > before + 8);
    two.run(16_000);
    let error_s = two.error_s(two.lower);
    assert!(error_s.abs() < 1e-3, "{error_s}");
}

#[test]
fn forged_packets_change_nothing_but_counters() {
    let run = |forges: bool| {
        let mut two = Two::new(5, Algorithm::Kalman, &Setup { path: path(), ..Setup::default() });
        let mut random = Random::new(two.seed, Stream::Test);
        for second in (400..12_000).step_by(7) {
            two.run(second);
            if !forges {
                continue;
            }
            let now = two.world.truth().time(two.world.at());
            // From no origin at all to one that is a microsecond off the true one.
            let guess = now.bits() - u64::from(u32::from_be_bytes([random.seed()[0], 1, 2, 3]));
            let origin = if second % 2 == 0 { 0 } else { guess };
            let forged = Header {
                mode: Mode::SymmetricActive,
                leap: Leap::None,
                stratum: Stratum::new(1),
                poll: PollExponent::new(17),
                reference_id: RefId::new([10, 9, 9, 9]),
                origin: NtpTimestamp::from_bits(origin),
                receive: NtpTimestamp::from_bits(now.bits() + (1 << 34)),
                transmit: NtpTimestamp::from_bits(now.bits() + (1 << 34)),
                ..Header::request(NtpTimestamp::NEVER)
            };
            let (upper, lower) = (two.upper, two.lower);
            two.world.forge(upper, lower, forged.emit());
            two.world.forge(lower, upper, forged.emit());
        }
        let peer = two.peer(two.lower);
        let seen = (peer.samples, peer.counters.bogus_origin, peer.heard.poll);
        let error_s = two.error_s(two.lower);
        (seen, error_s)
    };
    let ((samples, bogus, poll), error_s) = run(false);
    let ((forged_samples, forged_bogus, forged_poll), forged_error_s) = run(true);
    assert_eq!((forged_samples, forged_poll, bogus), (samples, poll, 0));
    assert!(forged_bogus > 500, "{forged_bogus}");
    // The errors of stamps are drawn for forged packets too, so they are not the same in both runs.
    assert!((error_s - forged_error_s).abs() < 3e-5, "{error_s} and {forged_error_s}");
}

#[test]
fn a_peer_that_does_not_know_us_is_measured_like_a_server() {
    let setup = Setup { path: path(), upper: "none", lower: "" };
    let mut two = Two::new(6, Algorithm::Kalman, &setup);
    two.run(10_000);
    let peer = two.peer(two.lower);
    assert_eq!(peer.heard.mode, Mode::SymmetricPassive);
    assert_eq!(peer.standing.tally, Tally::SystemPeer);
    let error_s = two.error_s(two.lower);
    assert!(error_s.abs() < 5e-4, "{error_s}");
}

#[test]
fn a_peer_that_takes_strangers_keeps_an_association_with_us_for_as_long_as_we_speak() {
    for algorithm in BOTH {
        let setup = Setup { path: path(), upper: "none", lower: "" };
        let mut two = Two::new(20, algorithm, &setup);
        two.configure(two.upper, "disable auth\n");
        two.run(10_000);
        let (ours, theirs) = (two.peer(two.lower), two.peer(two.upper));
        assert_eq!((ours.kind, theirs.kind), (Kind::Peer, Kind::Passive), "{algorithm:?}");
        assert_eq!(
            (ours.heard.mode, theirs.heard.mode),
            (Mode::SymmetricPassive, Mode::SymmetricActive)
        );
        assert_eq!(ours.standing.tally, Tally::SystemPeer, "{algorithm:?}");
        for side in [ours, theirs] {
            assert!(side.samples > 100, "{algorithm:?}: {}", side.samples);
            assert!((side.filter.delay().seconds() - 4e-3).abs() < 5e-4, "{algorithm:?}");
        }
        let offsets = [ours, theirs].map(|side| side.filter.offset().seconds());
        assert!(offsets.iter().all(|offset| offset.abs() < 1e-3), "{offsets:?}");
        let error_s = two.error_s(two.lower);
        assert!(error_s.abs() < 5e-4, "{algorithm:?}: {error_s}");
        two.world.cut(two.lower, true);
        two.run(10_000 + 64 * 40);
        let upper = two.world.host(two.upper).unwrap().engine();
        assert_eq!(upper.associations().count(), 1, "{algorithm:?}");
    }
}

#[test]
fn interleaved_peers_tell_when_their_last_packets_left() {
    for algorithm in BOTH {
        let setup = Setup { path: path(), upper: "xleave", lower: "xleave" };
        let mut two = Two::new(7, algorithm, &setup);
        two.run(20_000);
        for id in [two.upper, two.lower] {
            let peer = two.peer(id);
            let interleaved = number(peer.counters.interleaved);
            assert!(interleaved > f64::from(peer.samples) * 0.7, "{algorithm:?}: {interleaved}");
            assert_eq!(peer.counters.interleave_errors, 0, "{algorithm:?}");
            assert!((peer.filter.delay().seconds() - 4e-3).abs() < 5e-4, "{algorithm:?}");
        }
        let error_s = two.error_s(two.lower);
        assert!(error_s.abs() < 5e-4, "{algorithm:?}: {error_s}");
    }
}

#[test]
fn interleaved_peers_find_together_again_after_losses() {
    let path = PathSpec { loss: Some(0.2), duplication: Some(0.1), ..path() };
    let setup = Setup { path, upper: "xleave", lower: "xleave" };
    // How soon two fall back into step is a matter of chance: what counts is the mean.
    let mut counts = Vec::new();
    for (seed, algorithm) in (8..14).flat_map(|seed| BOTH.map(|algorithm| (seed, algorithm))) {
        let mut two = Two::new(seed, algorithm, &setup);
        two.run(30_000);
        for id in [two.upper, two.lower] {
            let peer = two.peer(id);
            let share = f64::from(peer.samples) / number(peer.counters.sent);
            assert!(share > 0.5, "{} of {}", peer.samples, peer.counters.sent);
            counts.push(number(peer.counters.interleaved));
        }
        let error_s = two.error_s(two.lower);
        assert!(error_s.abs() < 1e-3, "{algorithm:?}, seed {seed}: {error_s}");
    }
    let runs: f64 = counts.iter().map(|_| 1.0).sum();
    let mean = counts.iter().sum::<f64>() / runs;
    assert!(mean > 50.0, "{counts:?}");
}

#[test]
fn who_alone_would_interleave_goes_back_to_the_basic_form() {
    let setup = Setup { path: path(), upper: "", lower: "xleave" };
    let mut two = Two::new(9, Algorithm::Kalman, &setup);
    two.run(20_000);
    for id in [two.upper, two.lower] {
        let peer = two.peer(id);
        assert_eq!(peer.counters.interleaved, 0);
        assert!(peer.samples > 200, "{}", peer.samples);
    }
    // Four packets were tried, and not taken.
    assert!(two.peer(two.upper).counters.bogus_origin <= 6);
    let error_s = two.error_s(two.lower);
    assert!(error_s.abs() < 5e-4, "{error_s}");
}

#[test]
fn a_scenario_may_have_peers() {
    let text = r#"(title: "a peer", duration: "3h", servers: [(name: "a", is_peer: true)],
        client: (behind: "20ms", minpoll: 4, maxpoll: 6), link: (both: (delay: "1ms")))"#;
    let scenario = Scenario::read("peer.ron", text).unwrap();
    for algorithm in BOTH {
        let (mut world, client) = Plan::new(1, algorithm).world(&scenario).unwrap();
        world.run_until(Moment::from_secs(10_800));
        let association = world.host(client).unwrap().engine().associations().next().unwrap();
        assert_eq!(association.heard.mode, Mode::SymmetricPassive);
        assert_eq!(association.standing.tally, Tally::SystemPeer);
        assert!(association.filter.offset().seconds().abs() < 1e-3, "{algorithm:?}");
    }
}

/// A client of one server whose replies leave 200 µs later than they say on average: its error, in
/// seconds RMS, and how many replies were interleaved.
fn with_late_server(algorithm: Algorithm, interleaves: bool, options: &str) -> (f64, u64) {
    let truth = Truth::new(NtpTimestamp::from_unix(1_790_000_000, 0), None);
    let mut world = World::new(10, truth);
    let spec = ServerSpec { lateness: span(2e-4), interleaves, ..ServerSpec::default() };
    let server = Server::new(spec, Random::new(10, Stream::Server(0)));
    let server = world.add_server("gps", server);
    let machine = host(&world, 10, world.next_node(), algorithm, 0.01);
    let client = world.add_host("client", machine);
    let quiet =
        PathSpec { delay: Some(span(1e-4)), jitter: Some(span(2e-6)), ..PathSpec::default() };
    world.connect(client, server, &LinkSpec { both: quiet, ..LinkSpec::default() });
    let conf = format!("server {} iburst minpoll 4 maxpoll 5 {options}\n", server.address());
    world.configure(client, &conf).unwrap();
    let mut squares = 0.0;
    for second in 10_000..40_000 {
        let at = Moment::from_secs(second);
        world.run_until(at);
        let shows = world.host_mut(client).unwrap().now(at).clock;
        squares += (shows - truth.time(at)).seconds().powi(2);
    }
    let association = world.host(client).unwrap().engine().associations().next().unwrap();
    let counters = association.counters;
    assert_eq!((counters.bogus_origin, counters.interleave_errors), (0, 0));
    ((squares / 30_000.0).sqrt(), counters.interleaved)
}

#[test]
fn interleaved_requests_take_the_error_of_late_replies_away() {
    for algorithm in BOTH {
        let (basic_s, none) = with_late_server(algorithm, true, "");
        let (deaf_s, deaf) = with_late_server(algorithm, false, "xleave");
        let (interleaved_s, all) = with_late_server(algorithm, true, "xleave");
        assert_eq!((none, deaf), (0, 0), "{algorithm:?}");
        assert!(all > 800, "{algorithm:?}: {all}");
        assert!(interleaved_s < basic_s / 2.0, "{algorithm:?}: {interleaved_s} and {basic_s}");
        // Who asks for what cannot be had loses nothing.
        assert!((deaf_s / basic_s - 1.0).abs() < 0.5, "{algorithm:?}: {deaf_s} and {basic_s}");
    }
}
