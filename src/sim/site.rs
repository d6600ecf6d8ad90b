//! Worlds to be looked at: a machine of our own, the servers around it, and what may befall them.

use crate::config::Rejected;
use crate::config::engine::Algorithm;
use crate::engine::settings::Settings;
use crate::sim::host::{Host, Stamps};
use crate::sim::incident::Incident;
use crate::sim::link::{LinkSpec, PathSpec};
use crate::sim::moment::{Moment, Span};
use crate::sim::oscillator::{Oscillator, OscillatorSpec, Temperature};
use crate::sim::random::{Random, Stream};
use crate::sim::run::Plan;
use crate::sim::scenario::{CLIENT, Scenario, SourceSpec};
use crate::sim::server::{Server, ServerSpec};
use crate::sim::truth::Truth;
use crate::sim::world::{NodeId, World};
use crate::units::NtpTimestamp;

/// A world with all that is needed to look at it.
#[derive(Debug)]
pub struct Stage {
    /// What it is a simulation of, in a few words.
    pub title: String,
    /// The world.
    pub world: World,
    /// The machine that the program pretends to run on.
    pub client: NodeId,
    /// The other machines, in the order in which they are shown.
    pub watched: Vec<NodeId>,
    /// What may happen on a key.
    pub incidents: Vec<Prepared>,
    /// What happens by itself, in order.
    pub script: Vec<Cue>,
}

/// An incident with its end.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What it is, in a few words.
    pub title: String,
    /// What happens.
    pub begin: Vec<Incident>,
    /// What undoes it; nothing where it is over at once.
    pub end: Vec<Incident>,
}

/// Something that happens by itself.
#[derive(Clone, Debug)]
pub struct Cue {
    /// When.
    pub at: Moment,
    /// What.
    pub what: Act,
}

/// What a script may have happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// The incident at this place begins, or ends when it lasts.
    Toggle(usize),
    /// Something that has no key.
    Befall(Incident),
}

impl Stage {
    /// A site of ten servers in two areas: in each two with a receiver of their own, and three
    /// below them. Ours is a machine in the northern area that begins with a clock 0.2 s slow.
    ///
    /// # Errors
    /// Never; its configuration is held to be right by a test.
    pub fn site(seed: u64, algorithm: Algorithm, start: NtpTimestamp) -> Result<Self, Rejected> {
        let mut builder =
            Builder { seed, algorithm, world: World::new(seed, Truth::new(start, None)) };
        let ours = OscillatorSpec {
            frequency_ppm: 12.0,
            wander: 1e-9,
            temperature: Some(Temperature { amplitude_ppm: 0.05, period: seconds(7200.0) }),
        };
        let client = builder.host(CLIENT, NORTH, ours, seconds(-0.2));
        let mut primaries = Vec::new();
        let mut secondaries = Vec::new();
        for area in [NORTH, SOUTH] {
            for (number, reference) in [(1, "GPS"), (2, "PPS")] {
                primaries.push(builder.primary(
                    &format!("gps{number}.{}", area.name),
                    area,
                    reference,
                ));
            }
            for number in 1..=3_u8 {
                let off = f64::from(number) * 7.0 - 11.0 + area.warmth;
                let oscillator =
                    OscillatorSpec { frequency_ppm: off, wander: 1e-9, temperature: None };
                let ahead = seconds(off / 1e4);
                let name = format!("ntp{number}.{}", area.name);
                secondaries.push((builder.host(&name, area, oscillator, ahead).0, area));
            }
        }
        for (id, area) in &secondaries {
            builder.sources(*id, *area, &primaries)?;
        }
        let own: Vec<_> = secondaries
            .iter()
            .chain(primaries.iter().filter(|(id, _)| builder.world.name(*id).starts_with("gps1")))
            .copied()
            .collect();
        builder.sources(client.0, client.1, &own)?;
        let mut watched: Vec<_> = primaries.iter().chain(&secondaries).copied().collect();
        watched.sort_by_key(|(id, area)| (area.name, *id));
        Ok(Self {
            title: "a site of ten servers in two areas".to_owned(),
            world: builder.world,
            client: client.0,
            watched: watched.into_iter().map(|(id, _)| id).collect(),
            incidents: site_incidents(),
            script: site_script(),
        })
    }

    /// The names of the machines that are watched, in their order.
    pub fn names(&self) -> Vec<String> {
        self.watched.iter().map(|node| self.world.name(*node).to_owned()).collect()
    }

    /// A scenario, with its own events as the script.
    ///
    /// # Errors
    /// Its lines of ntp.conf are wrong.
    pub fn scenario(
        scenario: &Scenario,
        seed: u64,
        algorithm: Algorithm,
    ) -> Result<Self, Rejected> {
        let (world, client) = Plan::new(seed, algorithm).world(scenario)?;
        let servers = &scenario.servers;
        let watched = servers.iter().filter_map(|source| world.named(&source.name)).collect();
        let mut script: Vec<Cue> = scenario
            .events
            .iter()
            .map(|event| Cue { at: event.at.moment(), what: Act::Befall(event.what.clone()) })
            .collect();
        script.sort_by_key(|cue| cue.at);
        let name =
            |source: Option<&SourceSpec>| source.map_or("", |source| &source.name).to_owned();
        let (first, last) = (&name(servers.first()), &name(servers.last()));
        let incidents =
            vec![lies(last, 0.05), lost(first), stepped(-0.4), rerouted(last), lossy(last)];
        Ok(Self { title: scenario.title.clone(), world, client, watched, incidents, script })
    }
}

/// Puts a site together.
struct Builder {
    seed: u64,
    algorithm: Algorithm,
    world: World,
}

/// A part of the site.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Area {
    name: &'static str,
    /// Makes its oscillators differ from the others', in parts per million.
    warmth: f64,
}

const NORTH: Area = Area { name: "north", warmth: 0.0 };
const SOUTH: Area = Area { name: "south", warmth: 3.5 };

impl Builder {
    fn random(&self, stream: Stream) -> Random {
        Random::new(self.seed, stream)
    }

    fn host(
        &mut self,
        name: &str,
        area: Area,
        oscillator: OscillatorSpec,
        ahead: Span,
    ) -> (NodeId, Area) {
        let place = self.world.next_node().place();
        let settings = Settings { algorithm: self.algorithm, ..Settings::default() };
        let oscillator = Oscillator::new(oscillator, self.random(Stream::Oscillator(place)));
        let stamps =
            Stamps { error: Span::from_micros(2), random: self.random(Stream::Stamps(place)) };
        let seed = self.random(Stream::Engine(place)).seed();
        let host = Host::new(settings, seed, oscillator, stamps, self.world.truth(), ahead);
        (self.world.add_host(name, host), area)
    }

    fn primary(&mut self, name: &str, area: Area, reference: &str) -> (NodeId, Area) {
        let place = self.world.next_node().place();
        let spec = ServerSpec {
            reference: reference.to_owned(),
            swing: seconds(1.5e-6),
            swing_period: seconds(900.0 + 200.0 * f64::from(place)),
            ..ServerSpec::default()
        };
        let server = Server::new(spec, self.random(Stream::Server(place)));
        (self.world.add_server(name, server), area)
    }

    /// Lets a machine have these sources.
    fn sources(
        &mut self,
        client: NodeId,
        area: Area,
        sources: &[(NodeId, Area)],
    ) -> Result<(), Rejected> {
        for (source, other) in sources {
            self.world.connect(client, *source, &link(area == *other));
        }
        let addresses = sources.iter().map(|(source, _)| source.address());
        let lines =
            addresses.map(|address| format!("server {address} iburst minpoll 4 maxpoll 6\n"));
        self.world.configure(client, &lines.collect::<String>())
    }
}

/// A link within an area, or between the two, which is a little longer southwards.
fn link(is_near: bool) -> LinkSpec {
    let both = |delay_s, jitter_s| PathSpec {
        delay: Some(seconds(delay_s)),
        jitter: Some(seconds(jitter_s)),
        ..PathSpec::default()
    };
    if is_near {
        return LinkSpec { both: both(3e-4, 4e-5), ..LinkSpec::default() };
    }
    LinkSpec {
        both: both(0.012, 8e-4),
        back: PathSpec { delay: Some(seconds(0.0123)), ..PathSpec::default() },
        ..LinkSpec::default()
    }
}

fn site_incidents() -> Vec<Prepared> {
    vec![
        lies("gps1.south", 0.08),
        lost("ntp1.north"),
        stepped(-0.4),
        rerouted("ntp2.south"),
        lossy("ntp2.north"),
        Prepared {
            title: "gps1.north drifts away by 10 us/s".to_owned(),
            begin: vec![Incident::Drifts {
                server: "gps1.north".to_owned(),
                per_second: seconds(1e-5),
            }],
            end: vec![Incident::Drifts { server: "gps1.north".to_owned(), per_second: Span::ZERO }],
        },
        Prepared {
            title: "this host's crystal warms by 2 ppm".to_owned(),
            begin: vec![Incident::Frequency(2.0)],
            end: vec![Incident::Frequency(-2.0)],
        },
    ]
}

/// At eight times the pace of real time all of it passes in two minutes: it converges, a server
/// lies and is caught, one is lost, the clock is stepped.
fn site_script() -> Vec<Cue> {
    let cue = |second, place| Cue { at: Moment::from_secs(second), what: Act::Toggle(place) };
    vec![cue(240, 0), cue(400, 1), cue(560, 2), cue(720, 0), cue(800, 1)]
}

fn lies(server: &str, by_s: f64) -> Prepared {
    let wrong = |by_s| Incident::Wrong { server: server.to_owned(), by: seconds(by_s) };
    let title = format!("{server} lies by {:.0} ms", by_s * 1e3);
    Prepared { title, begin: vec![wrong(by_s)], end: vec![wrong(0.0)] }
}

fn lost(server: &str) -> Prepared {
    Prepared {
        title: format!("{server} is cut off"),
        begin: vec![Incident::Lost(server.to_owned())],
        end: vec![Incident::Back(server.to_owned())],
    }
}

fn stepped(by_s: f64) -> Prepared {
    Prepared {
        title: format!("somebody steps this host's clock by {by_s} s"),
        begin: vec![Incident::Step(seconds(by_s))],
        end: Vec::new(),
    }
}

fn rerouted(server: &str) -> Prepared {
    let route = |back_s| Incident::Reroute {
        server: server.to_owned(),
        there: Span::ZERO,
        back: seconds(back_s),
    };
    let title = format!("the way back from {server} takes 6 ms more");
    Prepared { title, begin: vec![route(0.006)], end: vec![route(0.0)] }
}

fn lossy(server: &str) -> Prepared {
    let loss = |chance| Incident::Loss { server: server.to_owned(), chance };
    let title = format!("half of all datagrams of {server} are lost");
    Prepared { title, begin: vec![loss(0.5)], end: vec![loss(0.0)] }
}

fn seconds(seconds: f64) -> Span {
    Span::new(seconds).unwrap_or_default()
}
