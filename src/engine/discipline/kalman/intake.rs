//! Which measurements the filter takes in, and when it gives up what it took in.

use crate::engine::discipline::kalman::Kalman;
use crate::engine::discipline::kalman::joint::Joint;
use crate::engine::discipline::kalman::pace::{self, Need};
use crate::engine::discipline::kalman::source::Source;
use crate::engine::discipline::kalman::state::SLOTS;
use crate::engine::discipline::kalman::steer::Stage;
use crate::engine::discipline::{Measurement, Role};
use crate::units::{AssocId, PollExponent, Tally};

impl Kalman {
    pub(super) fn source_mut(&mut self, id: AssocId) -> &mut Source {
        let found = self.sources.iter().position(|source| source.id == id);
        let index = found.unwrap_or_else(|| {
            self.sources.push(Source::new(id));
            self.sources.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found, or pushed just now")]
        &mut self.sources[index]
    }

    /// Marks the sources that selection trusts: the best ten, or the preferred one alone.
    pub(super) fn choose(&mut self, roles: &[Role]) {
        let mut trusted: Vec<&Role> = roles.iter().filter(|role| is_true(role.tally)).collect();
        if let Some(preferred) = trusted.iter().copied().find(|role| role.is_preferred) {
            trusted = vec![preferred];
        }
        trusted.sort_by_key(|role| (role.tally == Tally::Outlier, role.distance));
        trusted.truncate(SLOTS);
        for source in &mut self.sources {
            source.is_chosen = false;
        }
        for role in roles {
            let is_chosen = trusted.iter().any(|other| other.source == role.source);
            self.source_mut(role.source).choose(role, is_chosen);
        }
    }

    /// Takes in what the chosen sources have measured since the last time, in order; whether
    /// there was anything.
    pub(super) fn feed(&mut self) -> bool {
        if self.drop_turncoats() {
            return true;
        }
        let waits = matches!(self.stage, Stage::Waiting);
        if waits {
            // Everything kept is told again while sources still come to be trusted one by one.
            return self.rebuild(self.frequency);
        }
        let Some(joint) = self.joint.as_ref() else { return self.rebuild(self.frequency) };
        let mut news: Vec<(usize, Measurement)> = Vec::new();
        for (index, source) in self.sources.iter().enumerate().filter(|(_, s)| s.is_chosen) {
            let fresh = source.kept.iter().filter(|kept| {
                source.fed.is_none_or(|fed| kept.number > fed)
                    && joint.age_s(kept.raw) > -OVERTAKEN_S
            });
            news.extend(fresh.map(|kept| (index, *kept)));
        }
        news.sort_by_key(|(_, measurement)| measurement.raw);
        self.tell(&news);
        !news.is_empty()
    }

    /// Begins anew with what is kept of the chosen sources; whether there was anything.
    fn rebuild(&mut self, frequency: (f64, f64)) -> bool {
        self.joint = None;
        self.frequency = frequency;
        let mut kept: Vec<(usize, Measurement)> = Vec::new();
        for (index, source) in self.sources.iter_mut().enumerate() {
            source.start_over();
            if source.is_chosen {
                kept.extend(source.kept.iter().map(|measurement| (index, *measurement)));
            }
        }
        kept.sort_by_key(|(_, measurement)| measurement.raw);
        self.tell(&kept);
        !kept.is_empty()
    }

    /// Feeds these measurements, which are in order.
    fn tell(&mut self, news: &[(usize, Measurement)]) {
        let among = self.sources.iter().filter(|source| source.is_chosen).count() > 1;
        for (index, measurement) in news {
            let Some(source) = self.sources.get_mut(*index) else { continue };
            let Some(joint) = self.joint.as_mut() else {
                self.joint = Some(Joint::begin(source, measurement, self.frequency));
                source.fed = Some(measurement.number);
                continue;
            };
            if among && source.slot.is_none() {
                // Those that have set the phase so far come first: what they told holds a bias.
                let earlier =
                    self.sources.iter_mut().filter(|s| s.fed.is_some() && s.slot.is_none());
                earlier.for_each(|source| joint.give_slot(source));
            }
            let Some(source) = self.sources.get_mut(*index) else { continue };
            if among && source.slot.is_none() {
                joint.give_slot(source);
            }
            let residual_s = joint.feed(source, measurement);
            self.jitter += (residual_s * residual_s - self.jitter) / CLOCK_AVERAGE;
            self.mend();
        }
        self.pace(news);
    }

    /// Looks whether the model broke: several measurements in a row outside their windows.
    fn mend(&mut self) {
        let Some(joint) = self.joint.as_mut() else { return };
        let chosen = self.sources.iter().filter(|source| source.is_chosen).count();
        let astray: Vec<f64> = self.sources.iter().filter_map(Source::astray_s).collect();
        if astray.is_empty() {
            return;
        }
        let is_common = astray.len() * 2 >= chosen;
        for source in &mut self.sources {
            if let Some(residual_s) = source.astray_s() {
                source.outside = 0;
                if !is_common {
                    joint.loosen_bias(source, residual_s * residual_s);
                }
            }
        }
        if is_common {
            let most_s = astray.iter().fold(0.0_f64, |most, residual_s| most.max(residual_s.abs()));
            let frequency = joint.estimate().spread.frequency;
            joint.loosen(most_s * most_s, frequency);
        }
    }

    /// Gives up what falsetickers told; whether all was rebuilt, for one of them had told most.
    fn drop_turncoats(&mut self) -> bool {
        let told: f64 = self.sources.iter().map(|source| source.information).sum();
        let mut is_tainted = false;
        for source in self.sources.iter_mut().filter(|s| s.is_false && s.fed.is_some()) {
            is_tainted |= source.information > 0.5 * told;
            if let Some(joint) = self.joint.as_mut() {
                joint.release(source);
            }
            source.start_over();
        }
        let others = self.sources.iter().any(|source| source.is_chosen && !source.kept.is_empty());
        let Some(joint) = self.joint.as_ref().filter(|_| is_tainted && others) else {
            return false;
        };
        let estimate = joint.estimate();
        let variance = estimate.spread.frequency.max(TAINTED_SKEW * TAINTED_SKEW);
        self.rebuild((estimate.frequency, variance))
    }

    /// Decides how often to ask from now on.
    fn pace(&mut self, news: &[(usize, Measurement)]) {
        let Some(joint) = self.joint.as_ref() else { return };
        let estimate = joint.estimate();
        if !self.sources.iter().any(|source| source.is_chosen) {
            return;
        }
        let scale_s = self
            .sources
            .iter()
            .filter(|source| source.is_chosen)
            .map(|source| source.delays.scale_s())
            .fold(f64::INFINITY, f64::min);
        let need = Need {
            noise: 0.5 * scale_s * scale_s + LEAST_NOISE_S * LEAST_NOISE_S,
            wander: estimate.wander,
            frequency: estimate.spread.frequency,
        };
        self.interval_s = need.interval_s();
        let is_quick = estimate.spread.frequency.sqrt() > QUICK_SKEW;
        for (index, _) in news {
            let Some(source) = self.sources.get_mut(*index) else { continue };
            if is_quick && source.samples < QUICK_SAMPLES {
                source.pace.hurry(QUICK_POLL);
            } else {
                source.pace.decide(self.interval_s, source.minpoll, source.maxpoll);
            }
        }
    }

    /// The poll interval wished for, as the sources allow.
    pub(super) fn time_constant(&self) -> PollExponent {
        let chosen = || self.sources.iter().filter(|source| source.is_chosen);
        let least = chosen().map(|s| s.minpoll).min().unwrap_or(PollExponent::new(6));
        let most = chosen().map(|s| s.maxpoll).max().unwrap_or(PollExponent::new(10));
        pace::exponent(self.interval_s * std::f64::consts::SQRT_2).clamp(least, most.max(least))
    }
}

/// Whether a tally says that a source is right.
const fn is_true(tally: Tally) -> bool {
    !matches!(tally, Tally::Reject | Tally::Falseticker)
}

/// A measurement that replies of other sources have overtaken is taken in when it is no older than
/// this, in seconds.
const OVERTAKEN_S: f64 = 16.0;

/// `CLOCK_AVG` of ntpd: the weight of running means.
const CLOCK_AVERAGE: f64 = 8.0;

/// After a source that told most has turned false the frequency is sure to no more than this.
const TAINTED_SKEW: f64 = 2e-6;

/// The least noise of a measurement, in seconds, whatever the delays look like.
const LEAST_NOISE_S: f64 = 1e-7;

/// While the frequency is less sure than this, sources are asked quickly, up to so many times.
const QUICK_SKEW: f64 = 1e-6;
const QUICK_SAMPLES: u32 = 14;
const QUICK_POLL: PollExponent = PollExponent::new(3);
