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
                    && joint.age_s(kept.raw) + source.lag_s > -OVERTAKEN_S
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
                self.joint = Some(Joint::begin(measurement, self.frequency));
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
    ///
    /// Where half of the sources lean to one side it is the estimate that is wrong, not their
    /// paths: were each bias made loose in its turn, all of them would take the error over, and it
    /// would stay for good.
    fn mend(&mut self) {
        let Some(joint) = self.joint.as_mut() else { return };
        let Some(astray_s) = self.sources.iter().find_map(Source::astray_s) else { return };
        let chosen = self.sources.iter().filter(|source| source.is_chosen);
        let leans =
            |source: &&Source| source.outside != 0 && (source.outside > 0) == (astray_s > 0.0);
        let is_common = chosen.clone().filter(leans).count() * 2 >= chosen.count();
        if is_common {
            let frequency = joint.estimate().spread.frequency;
            joint.loosen(astray_s * astray_s, frequency);
            for source in &mut self.sources {
                source.outside = 0;
                joint.restore_bias(source);
            }
            return;
        }
        for source in &mut self.sources {
            if let Some(residual_s) = source.astray_s() {
                source.outside = 0;
                joint.loosen_bias(source, residual_s * residual_s);
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::discipline::{Discipline as _, Selected};
    use crate::engine::settings::Settings;
    use crate::units::{Boot, Mono, Now, NtpDuration, NtpTimestamp, Raw};

    const EPOCH: u64 = 1_700_000_000;

    fn now(second: u64) -> Now {
        let nanoseconds = second * 1_000_000_000;
        Now {
            mono: Mono::from_nanos(nanoseconds),
            raw: Raw::from_nanos(nanoseconds),
            boot: Boot::from_nanos(nanoseconds),
            clock: NtpTimestamp::from_unix((EPOCH + second).cast_signed(), 0),
        }
    }

    /// A measurement of a source that is right but for `error_s`, by a clock that is right.
    fn measured(number: u64, source: u16, second: u64, delay_s: f64, error_s: f64) -> Measurement {
        let now = now(second);
        let offset = NtpDuration::from_seconds(error_s);
        Measurement {
            source: AssocId::new(source),
            number,
            arrived: now.mono,
            raw: now.raw,
            source_time: now.clock + offset,
            offset,
            delay: NtpDuration::from_seconds(delay_s),
            stamp_error: NtpDuration::from_seconds(2e-6),
            dispersion: NtpDuration::from_seconds(1e-6),
            source_precision: NtpDuration::from_seconds(1e-7),
        }
    }

    fn role(source: u16) -> Role {
        Role {
            source: AssocId::new(source),
            tally: Tally::Candidate,
            is_preferred: false,
            samples: 8,
            distance: NtpDuration::from_milliseconds(5.0),
            minpoll: PollExponent::new(3),
            maxpoll: PollExponent::new(4),
        }
    }

    #[test]
    fn a_wrong_start_is_not_put_down_to_the_paths_of_all_sources() {
        let mut kalman = Kalman::new(&Settings::default());
        let delays_s = [0.5e-3, 5e-3, 20e-3, 1e-3, 2e-3, 3e-3, 4e-3, 5e-3];
        let roles: Vec<Role> = (1..=8).map(role).collect();
        let selected = Selected { sources: &roles, system: None };
        let mut number = 0;
        for round in 0..24_u64 {
            for (source, delay_s) in (1_u16..).zip(delays_s) {
                number += 1;
                let second = 10 + round * 8 + u64::from(source % 8);
                // The first rounds come from a machine that is too busy to stamp in time.
                let late_s = if round < 3 { 5e-3 } else { f64::from(source) * 2e-6 };
                let one = measured(number, source, second, delay_s + late_s, -late_s / 2.0);
                let at = now(second);
                kalman.measured(&at, &one);
                let _ = kalman.selected(&at, &selected);
                while kalman.poll_command().is_some() {}
            }
        }
        let end = now(10 + 24 * 8);
        let offset = kalman.offset_s(&end).unwrap();
        assert!(offset.abs() < 2e-4, "{offset}");
    }
}
