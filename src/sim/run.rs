//! A run: a scenario with a seed, from beginning to end.

use std::collections::BTreeMap;

use crate::config::Rejected;
use crate::config::engine::Algorithm;
use crate::engine::output::Event as Told;
use crate::engine::settings::{Drift, Settings};
use crate::sim::host::{Host, Stamps};
use crate::sim::incident::Event;
use crate::sim::moment::{Moment, Span};
use crate::sim::oscillator::Oscillator;
use crate::sim::random::{Random, Stream};
use crate::sim::scenario::{CLIENT, Scenario};
use crate::sim::server::Server;
use crate::sim::sight::sight;
use crate::sim::statistics::{Sight, Statistics};
use crate::sim::truth::{LeapSecond, Truth};
use crate::sim::world::{NodeId, World};
use crate::units::{NtpDuration, NtpTimestamp, Ppm};

/// How a scenario is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Where all chance comes from.
    pub seed: u64,
    /// How the clock is disciplined.
    pub algorithm: Algorithm,
    /// Whether a fingerprint of all outputs is kept, to compare runs.
    pub fingerprint: bool,
    /// How often the engine is woken for nothing, on average; `None` for never.
    pub nudge: Option<Span>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// Errors, and who was used.
    pub statistics: Statistics,
    /// Requests sent.
    pub packets: u64,
    /// Requests that reached each server.
    pub packets_to: BTreeMap<String, u64>,
    /// Steps of the clock.
    pub steps: Vec<(Moment, NtpDuration)>,
    /// What the engine told, as text, with when.
    pub remarks: Vec<String>,
    /// States that cannot be.
    pub faults: Vec<&'static str>,
    /// Equal for equal runs, where it was wanted.
    pub fingerprint: Option<u64>,
}

impl Plan {
    /// A plain run.
    pub const fn new(seed: u64, algorithm: Algorithm) -> Self {
        Self { seed, algorithm, fingerprint: false, nudge: None }
    }

    /// Runs `scenario`, telling `watch` what is seen each second.
    ///
    /// # Errors
    /// The further lines of ntp.conf are wrong.
    pub fn run(
        &self,
        scenario: &Scenario,
        mut watch: impl FnMut(Moment, &Sight),
    ) -> Result<Run, Rejected> {
        let (mut world, client) = self.world(scenario)?;
        let mut events: Vec<&Event> = scenario.events.iter().collect();
        events.sort_by(|a, b| b.at.seconds().total_cmp(&a.at.seconds()));
        let sources = scenario.servers.iter().map(|source| source.name.clone());
        let placed = sources.filter_map(|name| Some((world.named(&name)?, name)));
        let mut statistics = Statistics::of(placed.collect::<Vec<_>>());
        let mut faults = Vec::new();
        let end = scenario.duration.moment();
        let mut at = Moment::default();
        while at < end && faults.is_empty() {
            at = at + SECOND;
            while let Some(event) = events.pop_if(|event| event.at.moment() <= at) {
                world.run_until(event.at.moment());
                event.what.befall(&mut world, client);
            }
            world.run_until(at);
            if world.is_spinning() {
                faults.push("the engine is due again and again at one moment");
            }
            if world.host(client).is_some_and(|host| !host.is_asleep()) {
                let seen = sight(&mut world, client);
                let counts = at >= scenario.measure_from.moment();
                statistics.sample(at, &seen, counts);
                watch(at, &seen);
            }
        }
        Ok(self.conclude(scenario, &world, client, statistics, faults))
    }

    fn conclude(
        &self,
        scenario: &Scenario,
        world: &World,
        client: NodeId,
        statistics: Statistics,
        mut faults: Vec<&'static str>,
    ) -> Run {
        let mut run = Run { seed: self.seed, statistics, ..Run::default() };
        for source in &scenario.servers {
            let asked = world.named(&source.name).and_then(|id| world.server(id));
            run.packets_to.insert(source.name.clone(), asked.map_or(0, Server::asked));
        }
        let Some(host) = world.host(client) else { return run };
        let diary = host.diary();
        faults.extend(&diary.faults);
        run.packets = diary.sent;
        run.steps.clone_from(&diary.steps);
        run.remarks = diary.events.iter().map(|(at, told)| remark(*at, told)).collect();
        run.fingerprint = diary.fingerprint;
        run.faults = faults;
        run
    }

    /// The world of `scenario` at its beginning, and the machine whose engine is tried.
    ///
    /// # Errors
    /// The further lines of ntp.conf are wrong.
    pub fn world(&self, scenario: &Scenario) -> Result<(World, NodeId), Rejected> {
        let unix = scenario.start_unix().unwrap_or_default();
        let leap = scenario
            .leap
            .map(|leap| LeapSecond { at: leap.at.moment(), is_inserted: leap.is_inserted });
        let truth = Truth::new(NtpTimestamp::from_unix(unix, 0), leap);
        let mut world = World::new(self.seed, truth);
        let client = world.next_node();
        let mut host = self.client(scenario, client, &truth);
        if self.fingerprint {
            host.keep_fingerprint();
        }
        world.add_host(CLIENT, host);
        let mut addresses = Vec::new();
        for source in &scenario.servers {
            let stream = Stream::Server(world.next_node().place());
            let server = Server::new(source.server.clone(), Random::new(self.seed, stream));
            let id = world.add_server(&source.name, server);
            world.connect(client, id, source.link.as_ref().unwrap_or(&scenario.link));
            addresses.push(id.address());
        }
        let conf = scenario
            .conf(|place| addresses.get(place).map_or_else(String::new, ToString::to_string));
        world.configure(client, &conf)?;
        if let Some(every) = self.nudge {
            world.nudge(every);
        }
        Ok((world, client))
    }

    fn client(&self, scenario: &Scenario, id: NodeId, truth: &Truth) -> Host {
        let spec = &scenario.client;
        let place = id.place();
        let random = |stream| Random::new(self.seed, stream);
        let drift = spec.drift_ppm.and_then(Ppm::new);
        let settings = Settings {
            algorithm: self.algorithm,
            drift: drift.map(|frequency| Drift { frequency, skew: None }),
            ..Settings::default()
        };
        let oscillator = Oscillator::new(spec.oscillator, random(Stream::Oscillator(place)));
        let stamps = Stamps { error: spec.stamps, random: random(Stream::Stamps(place)) };
        let seed = random(Stream::Engine(place)).seed();
        let ahead = Span::new(-spec.behind.seconds()).unwrap_or_default();
        Host::new(settings, seed, oscillator, stamps, truth, ahead)
    }
}

/// An event in words.
fn remark(at: Moment, told: &Told) -> String {
    let at_s = at.seconds();
    match told {
        Told::System { code, detail } => format!("{at_s:.3} s: system, event {code}: {detail}"),
        Told::Peer { association, code, detail } => {
            format!("{at_s:.3} s: association {association}, event {code}: {detail}")
        }
        Told::Version { association, asked, answered } => format!(
            "{at_s:.3} s: association {association} answers version {asked} in version {answered}"
        ),
        Told::Smearing { association } => {
            format!("{at_s:.3} s: association {association} smears a leap second")
        }
        Told::LeapTableEnds { left } => {
            format!("{at_s:.3} s: the leap-seconds file is good for {:.0} s", left.seconds())
        }
        Told::Held(held) => format!("{at_s:.3} s: clock held: {held:?}"),
        Told::Stepped { by } => format!("{at_s:.3} s: clock stepped by {:.6} s", by.seconds()),
    }
}

const SECOND: std::time::Duration = std::time::Duration::from_secs(1);
