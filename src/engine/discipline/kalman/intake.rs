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
        let heard = |source: &Source| source.is_chosen || source.is_apart;
        for (index, source) in self.sources.iter().enumerate().filter(|(_, s)| heard(s)) {
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
        let interval_s = self.update_interval_s();
        let among = self.sources.iter().filter(|source| source.is_chosen).count() > 1;
        for (index, measurement) in news {
            let Some(source) = self.sources.get_mut(*index) else { continue };
            let Some(joint) = self.joint.as_mut() else {
                self.joint = Some(Joint::begin(measurement, self.frequency));
                source.fed = Some(measurement.number);
                continue;
            };
            if source.is_apart {
                let seen = joint.watch(source, measurement);
                if source.watch(measurement.raw, seen) {
                    source.rejoin();
                }
                continue;
            }
            if among && source.slot.is_none() {
                self.give_slots(*index);
            }
            let (Some(joint), Some(source)) = (self.joint.as_mut(), self.sources.get_mut(*index))
            else {
                continue;
            };
            let learned = joint.feed(source, measurement);
            let square = learned.residual_s * learned.residual_s;
            self.jitter += (square - self.jitter) / CLOCK_AVERAGE;
            self.control.adapt(interval_s, learned.variance);
            self.part_with(*index);
            self.mend();
        }
        self.pace(news);
    }

    /// Gives the source at `index` a bias of its own.
    fn give_slots(&mut self, index: usize) {
        let Some(joint) = self.joint.as_mut() else { return };
        // Those that have set the phase so far come first: what they told holds a bias.
        let earlier = |source: &&mut Source| {
            source.fed.is_some() && source.slot.is_none() && !source.is_apart
        };
        self.sources.iter_mut().filter(earlier).for_each(|source| joint.give_slot(source));
        if !joint.has_room()
            && let Some(idle) = self.sources.iter_mut().find(|s| !s.is_chosen && s.slot.is_some())
        {
            joint.release(idle, false);
        }
        if let Some(source) = self.sources.get_mut(index)
            && source.slot.is_none()
        {
            joint.give_slot(source);
        }
    }

    /// Parts with a source whose bias is greater than an uneven path explains, and surely so.
    fn part_with(&mut self, index: usize) {
        let Some((joint, source)) = self.joint.as_ref().zip(self.sources.get(index)) else {
            return;
        };
        let Some((bias_s, deviation_s)) = joint.bias(source) else { return };
        if bias_s.abs() - SURELY * deviation_s > 3.0 * source.bias_prior_s() {
            self.part(index, bias_s, true);
        }
    }

    /// Looks whether the model broke: several measurements in a row outside their windows.
    ///
    /// Where most of the sources lean to one side it is the estimate that is wrong, not their
    /// paths: were each bias made loose in its turn, all of them would take the error over, and it
    /// would stay for good. A source that is alone in that has a new path, or is wrong.
    fn mend(&mut self) {
        let broken = |source: &Source| source.broken_s();
        let Some(broken_s) = self.sources.iter().find_map(broken) else { return };
        let told = self.sources.iter().filter(|source| source.is_told());
        let leans =
            |source: &&Source| source.outside != 0 && (source.outside > 0) == (broken_s > 0.0);
        if told.clone().filter(leans).count() * 2 > told.count() {
            self.doubt(broken_s);
            return;
        }
        for index in 0..self.sources.len() {
            let Some(source) = self.sources.get(index) else { return };
            let Some(broken_s) = source.broken_s() else { continue };
            let astray_s = source.astray_s;
            if astray_s.abs() - source.half_s > 3.0 * source.bias_prior_s() {
                self.part(index, astray_s, false);
            }
            if let (Some(joint), Some(source)) = (self.joint.as_mut(), self.sources.get_mut(index))
                && source.broken_s().is_some()
            {
                joint.loosen_bias(source, broken_s);
                source.outside = 0;
            }
        }
    }

    /// Parts with the source at `index` for its bias, as long as those that are left outnumber
    /// those that were parted with. Where most lean to one side, parted with or not, they are right.
    fn part(&mut self, index: usize, bias_s: f64, takes_back: bool) {
        let chosen = || self.sources.iter().filter(|source| source.is_chosen);
        let left = chosen().filter(|source| !source.is_apart).count().saturating_sub(1);
        let apart = chosen().filter(|source| source.is_apart).count() + 1;
        let is_minority = apart < left || (apart == left && left > 1);
        if !is_minority {
            let leans = |(place, source): &(usize, &Source)| {
                let is_far = source.bias_s.abs() > 3.0 * source.bias_prior_s();
                *place == index || (is_far && (source.bias_s > 0.0) == (bias_s > 0.0))
            };
            let sources = self.sources.iter().enumerate();
            let leaning = sources.filter(|(_, source)| source.is_chosen).filter(leans).count();
            if leaning * 2 > chosen().count() {
                self.doubt(bias_s);
            }
            return;
        }
        if let (Some(joint), Some(source)) = (self.joint.as_mut(), self.sources.get_mut(index)) {
            joint.release(source, takes_back);
            source.part();
            source.bias_s = bias_s;
            source.is_inconsistent = true;
        }
    }

    /// Begins to learn phase and biases anew: the estimate may be wrong by `by_s`.
    fn doubt(&mut self, by_s: f64) {
        let Some(joint) = self.joint.as_mut() else { return };
        joint.loosen(by_s * by_s, joint.estimate().spread.frequency);
        for source in &mut self.sources {
            joint.restore_bias(source);
            source.rejoin();
        }
    }

    /// Gives up what falsetickers told; whether all was rebuilt, for one of them had told all.
    fn drop_turncoats(&mut self) -> bool {
        let told: f64 = self.sources.iter().map(|source| source.information).sum();
        if !self.sources.iter().any(|source| source.is_chosen && !source.kept.is_empty()) {
            return false;
        }
        let (mut is_tainted, mut is_lost) = (false, false);
        for source in
            self.sources.iter_mut().filter(|s| s.is_false && s.fed.is_some() && !s.is_apart)
        {
            is_tainted |= source.information > 0.5 * told;
            is_lost |= source.slot.is_none();
            if let Some(joint) = self.joint.as_mut() {
                joint.release(source, true);
            }
            source.part();
        }
        if !self.sources.iter().any(Source::is_told) {
            self.sources.iter_mut().filter(|source| source.is_chosen).for_each(Source::rejoin);
        }
        let Some(joint) = self.joint.as_mut().filter(|_| is_tainted) else { return false };
        let skew = TAINTED_SKEW * TAINTED_SKEW;
        if !is_lost {
            joint.loosen(0.0, skew);
            return false;
        }
        let estimate = joint.estimate();
        let frequency = (estimate.frequency, estimate.spread.frequency.max(skew));
        self.rebuild(frequency)
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
        let wanted_s = need.interval_s();
        self.interval_s *= (wanted_s / self.interval_s).powf(FRESH);
        for (index, measurement) in news {
            let Some(source) = self.sources.get_mut(*index) else { continue };
            let since = *source.since.get_or_insert(measurement.raw);
            let age_s = measurement.raw.seconds_since(since);
            let is_unsure = source.outside != 0;
            let wanted_s = if is_unsure { 0.0 } else { self.interval_s };
            source.pace.decide(wanted_s, age_s, source.minpoll, source.maxpoll);
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

/// A bias is surely greater than a bound when it is by so many deviations.
const SURELY: f64 = 2.0;

/// After a source that told most has turned false the frequency is sure to no more than this.
const TAINTED_SKEW: f64 = 2e-6;

/// The share of the newest wish in the interval, geometrically.
const FRESH: f64 = 0.2;

/// The least noise of a measurement, in seconds, whatever the delays look like.
const LEAST_NOISE_S: f64 = 1e-7;

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

    /// What a filter made of sources of these delays that err as `error_s` says of source and
    /// second, one after the other every 16 s.
    fn course(delays_s: &[f64], rounds: u64, error_s: impl Fn(u16, u64) -> f64) -> (Kalman, f64) {
        let mut kalman = Kalman::new(&Settings::default());
        let count = u16::try_from(delays_s.len()).unwrap();
        let roles: Vec<Role> = (1..=count).map(role).collect();
        let selected = Selected { sources: &roles, system: None };
        let mut number = 0;
        for round in 0..rounds {
            for (source, delay_s) in (1..).zip(delays_s) {
                number += 1;
                let second = 10 + round * 16 + u64::from(source);
                let uneven_s = 2e-5 * f64::from(u16::try_from((number * 7) % 11).unwrap());
                let queued_s = if number % 2 == 0 { uneven_s } else { -uneven_s };
                let error_s = error_s(source, second) + queued_s / 2.0;
                let one = measured(number, source, second, delay_s + uneven_s, error_s);
                kalman.measured(&now(second), &one);
                let _ = kalman.selected(&now(second), &selected);
                while kalman.poll_command().is_some() {}
            }
        }
        let end = now(10 + rounds * 16 + u64::from(count));
        let offset_s = kalman.offset_s(&end).unwrap();
        (kalman, offset_s)
    }

    fn report_of(kalman: &Kalman, source: u16) -> crate::engine::discipline::SourceReport {
        let id = AssocId::new(source);
        kalman.sources.iter().find(|s| s.id == id).unwrap().report(1.0)
    }

    #[test]
    fn a_source_that_drifts_away_becomes_inconsistent_and_drags_nobody_along() {
        let lie_s = |source, second: u64| {
            if source == 2 {
                1e-5 * f64::from(u32::try_from(second.max(1200) - 1200).unwrap())
            } else {
                0.0
            }
        };
        let (kalman, offset_s) = course(&[0.01, 0.02, 0.03], 200, lie_s);
        let report = report_of(&kalman, 2);
        assert!(report.is_inconsistent, "{report:?}");
        assert!(report.bias > report.bias_prior && report.weight < 1e-9, "{report:?}");
        assert!(!report_of(&kalman, 1).is_inconsistent && !report_of(&kalman, 3).is_inconsistent);
        assert!(offset_s.abs() < 3e-4, "{offset_s}");
    }

    #[test]
    fn a_source_that_was_inconsistent_is_believed_again_when_it_agrees() {
        let lie_s = |source, second| match second {
            1200..1800 if source == 1 => 0.08,
            _ => 0.0,
        };
        let (kalman, offset_s) = course(&[0.02, 0.02, 0.03, 0.01], 108, lie_s);
        assert!(report_of(&kalman, 1).is_inconsistent);
        assert!(offset_s.abs() < 2e-4, "{offset_s}");
        let (kalman, offset_s) = course(&[0.02, 0.02, 0.03, 0.01], 130, lie_s);
        let report = report_of(&kalman, 1);
        assert!(!report.is_inconsistent && report.weight > 0.0, "{report:?}");
        assert!(offset_s.abs() < 2e-4, "{offset_s}");
    }

    #[test]
    fn of_two_sources_that_disagree_neither_is_called_inconsistent() {
        let lie_s = |source, second| if source == 2 && second > 1200 { 0.05 } else { 0.0 };
        let (kalman, _) = course(&[0.02, 0.02], 120, lie_s);
        assert!(!report_of(&kalman, 1).is_inconsistent && !report_of(&kalman, 2).is_inconsistent);
    }

    #[test]
    fn near_sources_outweigh_far_ones_on_uneven_paths() {
        let uneven_s = |source, _| if source > 2 { 1e-3 } else { 0.0 };
        let (_, offset_s) = course(&[6e-4, 6e-4, 0.025, 0.025, 0.025, 0.025, 0.025], 60, uneven_s);
        assert!(offset_s.abs() < 3e-5, "{offset_s}");
    }
}
