//! Links: how long a datagram takes, and whether it arrives.
//!
//! Each direction of a link is a path of its own, so paths may be uneven, for good or for a while.

use std::time::Duration;

use serde::Deserialize;

use crate::sim::moment::{Moment, Span};
use crate::sim::random::Random;

/// Both directions of a link; what is said of one direction goes before what is said of both.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkSpec {
    /// Both ways.
    pub both: PathSpec,
    /// From the client to the server.
    pub there: PathSpec,
    /// From the server to the client.
    pub back: PathSpec,
}

/// One direction of a link, as far as it is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PathSpec {
    /// What the way takes at least.
    pub delay: Option<Span>,
    /// The mean of an exponential time in queues.
    pub jitter: Option<Span>,
    /// Now and then, a much longer time in queues.
    pub tail: Option<Tail>,
    /// A slow swing of the delay.
    pub swing: Option<Swing>,
    /// The chance that a datagram is lost.
    pub loss: Option<f64>,
    /// The chance that it comes twice.
    pub duplication: Option<f64>,
    /// The chance that it is held back, so that later ones overtake it.
    pub reordering: Option<f64>,
    /// For how long it is held back then.
    pub held_back: Option<Span>,
    /// Times at which it is congested.
    pub congestion: Vec<Congestion>,
}

/// Rare and long times in queues.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// How often, 0 to 1.
    pub chance: f64,
    /// Their scale.
    pub scale: Span,
    /// How rare great ones are: Pareto's exponent.
    pub shape: f64,
}

/// A slow swing of the delay, from nothing to `height` and back: a path that is uneven at times.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swing {
    /// How much is added at most.
    pub height: Span,
    /// How long one swing takes.
    pub period: Span,
}

/// Congestion that comes again and again.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Congestion {
    /// How often it comes.
    pub every: Span,
    /// When in that time it begins.
    pub from: Span,
    /// How long it lasts.
    pub lasting: Span,
    /// The mean of an exponential time in queues that it adds.
    pub jitter: Span,
    /// What it adds at least.
    #[serde(default)]
    pub delay: Span,
    /// The chance that a datagram is lost in it.
    #[serde(default)]
    pub loss: f64,
}

impl Congestion {
    fn is_on(&self, at: Moment) -> bool {
        let within = at.seconds().rem_euclid(self.every.seconds().max(1e-9)) - self.from.seconds();
        (0.0..self.lasting.seconds()).contains(&within)
    }
}

/// One direction of a link at work.
#[derive(Clone, Debug)]
pub struct Path {
    spec: PathSpec,
    random: Random,
    extra_delay: Span,
}

/// When a datagram arrives, after it left: not at all, once or twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// The first.
    pub first: Option<Duration>,
    /// The second.
    pub second: Option<Duration>,
}

impl LinkSpec {
    /// All chances that it names, each of which lies between 0 and 1.
    pub fn chances(&self) -> impl Iterator<Item = f64> {
        [&self.both, &self.there, &self.back].into_iter().flat_map(PathSpec::chances)
    }

    /// The path to the server.
    pub fn there(&self, random: Random) -> Path {
        Path::new(self.there.over(&self.both), random)
    }

    /// The path from the server.
    pub fn back(&self, random: Random) -> Path {
        Path::new(self.back.over(&self.both), random)
    }
}

impl PathSpec {
    fn chances(&self) -> impl Iterator<Item = f64> {
        let congested = self.congestion.iter().map(|congestion| congestion.loss);
        let tail = self.tail.map(|tail| tail.chance);
        let chances = [self.loss, self.duplication, self.reordering, tail];
        chances.into_iter().flatten().chain(congested)
    }

    fn over(&self, other: &Self) -> Self {
        let congestion =
            if self.congestion.is_empty() { &other.congestion } else { &self.congestion };
        Self {
            delay: self.delay.or(other.delay),
            jitter: self.jitter.or(other.jitter),
            tail: self.tail.or(other.tail),
            swing: self.swing.or(other.swing),
            loss: self.loss.or(other.loss),
            duplication: self.duplication.or(other.duplication),
            reordering: self.reordering.or(other.reordering),
            held_back: self.held_back.or(other.held_back),
            congestion: congestion.clone(),
        }
    }
}

impl Path {
    fn new(spec: PathSpec, random: Random) -> Self {
        Self { spec, random, extra_delay: Span::default() }
    }

    /// Another route from now on, which takes `longer` than the first one.
    pub const fn reroute(&mut self, longer: Span) {
        self.extra_delay = longer;
    }

    /// Another chance of loss from now on.
    pub const fn lose(&mut self, chance: f64) {
        self.spec.loss = Some(chance);
    }

    /// What becomes of a datagram that leaves at `at`.
    pub fn travel(&mut self, at: Moment) -> Arrivals {
        let congested = self.spec.congestion.iter().find(|one| one.is_on(at)).copied();
        // Drawn for every datagram in the same order, so that a loss changes nothing for others.
        let first = self.delay(at, congested);
        let lost = self.random.happens(self.spec.loss.unwrap_or(0.0))
            || self.random.happens(congested.map_or(0.0, |one| one.loss));
        let twice = self.random.happens(self.spec.duplication.unwrap_or(0.0));
        if lost {
            return Arrivals::default();
        }
        let second = twice.then(|| self.delay(at, congested));
        Arrivals { first: Some(first), second }
    }

    fn delay(&mut self, at: Moment, congested: Option<Congestion>) -> Duration {
        let spec = &self.spec;
        let span = |span: Option<Span>| span.map_or(0.0, Span::seconds);
        let mut delay_s = span(spec.delay) + self.extra_delay.seconds();
        delay_s += span(spec.jitter) * self.random.exponential();
        if let Some(tail) = spec.tail
            && self.random.happens(tail.chance)
        {
            delay_s += tail.scale.seconds() * self.random.heavy(tail.shape);
        }
        if let Some(swing) = spec.swing {
            let turns = at.seconds() / swing.period.seconds().max(1e-9);
            let share = 0.5 - 0.5 * (std::f64::consts::TAU * turns).cos();
            delay_s += swing.height.seconds() * share;
        }
        if let Some(congestion) = congested {
            delay_s += congestion.delay.seconds()
                + congestion.jitter.seconds() * self.random.exponential();
        }
        if self.random.happens(spec.reordering.unwrap_or(0.0)) {
            delay_s += span(spec.held_back);
        }
        Duration::try_from_secs_f64(delay_s).unwrap_or_default().max(LEAST)
    }
}

/// Nothing arrives before it left.
const LEAST: Duration = Duration::from_nanos(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::random::Stream;

    fn span(seconds: f64) -> Span {
        Span::new(seconds).unwrap()
    }

    fn there(spec: PathSpec) -> Path {
        LinkSpec { both: spec, ..Default::default() }.there(Random::new(1, Stream::Test))
    }

    fn mean_s(path: &mut Path, at: Moment) -> f64 {
        let sum: f64 =
            (0..10_000).filter_map(|_| path.travel(at).first).map(|d| d.as_secs_f64()).sum();
        sum / 1e4
    }

    #[test]
    fn a_direction_goes_before_both() {
        let spec = LinkSpec {
            both: PathSpec {
                delay: Some(span(0.01)),
                jitter: Some(span(0.001)),
                ..Default::default()
            },
            back: PathSpec { delay: Some(span(0.02)), ..Default::default() },
            ..Default::default()
        };
        let random = || Random::new(1, Stream::Test);
        assert!((mean_s(&mut spec.there(random()), Moment::default()) - 0.011).abs() < 1e-4);
        assert!((mean_s(&mut spec.back(random()), Moment::default()) - 0.021).abs() < 1e-4);
    }

    #[test]
    fn loss_and_duplication_come_as_often_as_told() {
        let mut path =
            there(PathSpec { loss: Some(0.25), duplication: Some(0.1), ..Default::default() });
        let fates: Vec<_> = (0..20_000).map(|_| path.travel(Moment::default())).collect();
        let lost = fates.iter().filter(|fate| fate.first.is_none()).count();
        let twice = fates.iter().filter(|fate| fate.second.is_some()).count();
        assert!(lost.abs_diff(5000) < 250, "{lost}");
        assert!(twice.abs_diff(1500) < 150, "{twice}");
    }

    #[test]
    fn congestion_keeps_its_hours() {
        let congestion = Congestion {
            every: span(3600.0),
            from: span(3000.0),
            lasting: span(600.0),
            jitter: span(0.02),
            delay: Span::default(),
            loss: 0.0,
        };
        let mut path = there(PathSpec { congestion: vec![congestion], ..Default::default() });
        assert!(mean_s(&mut path, Moment::from_secs(2999)) < 1e-8);
        assert!((mean_s(&mut path, Moment::from_secs(3600 + 3001)) - 0.02).abs() < 1e-3);
        assert!(mean_s(&mut path, Moment::from_secs(7200)) < 1e-8);
    }

    #[test]
    fn a_route_may_change_and_a_path_swing() {
        let swing = Swing { height: span(0.004), period: span(1000.0) };
        let mut path = there(PathSpec { swing: Some(swing), ..Default::default() });
        assert!((mean_s(&mut path, Moment::from_secs(500)) - 0.004).abs() < 1e-9);
        path.reroute(span(0.001));
        assert!((mean_s(&mut path, Moment::from_secs(1000)) - 0.001).abs() < 1e-9);
    }
}
