//! The clock filter: the last eight samples of one association, reduced to one estimate.
//!
//! RFC 5905 §10. Queueing can only lengthen a round trip, so the sample with the least delay is
//! the one whose offset to believe; how far the others lie from it is the jitter. Samples are kept
//! as they were measured and brought to the present by the discipline, which may know how the
//! clock moved since.

use std::collections::VecDeque;
use std::time::Duration;

use crate::engine::discipline::Measurement;
use crate::units::{Mono, NtpDuration, PollExponent};

/// The samples of one association and what they say.
#[derive(Clone, Debug, Default)]
pub struct ClockFilter {
    /// Newest first; `None` stands for a poll that was not answered.
    stages: VecDeque<Option<Stage>>,
    updated: Option<Mono>,
    used: Option<Mono>,
    /// The last candidate was held back as a spike: another one is believed.
    held_back: bool,
    best: Option<Measurement>,
    offset_s: f64,
    delay_s: f64,
    jitter_s: f64,
    dispersion_s: f64,
}

/// One sample of a filter.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// As it was measured.
    pub measurement: Measurement,
    dispersion_s: f64,
    /// Held back as a spike: not used until another one bears it out.
    is_spike: bool,
}

impl Stage {
    /// Its delay, as it was measured.
    pub const fn delay(&self) -> NtpDuration {
        self.measurement.delay
    }

    /// Its dispersion, aged.
    pub fn dispersion(&self) -> NtpDuration {
        NtpDuration::from_seconds(self.dispersion_s)
    }
}

/// What a filter has to know of the world.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Surroundings {
    /// Now.
    pub now: Mono,
    /// Samples are ordered by delay; before the loop has settled the newest comes first.
    pub is_settled: bool,
    /// The poll interval of the association.
    pub poll: PollExponent,
    /// The greatest distance that can be used.
    pub maxdist: NtpDuration,
    /// Older samples count with their dispersion.
    pub allan: PollExponent,
    /// The resolution of the local clock, in seconds.
    pub precision_s: f64,
    /// `PHI`, in s/s.
    pub phi: f64,
}

/// What a sample changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Filtered {
    /// There is a new estimate.
    New,
    /// The best sample was used before, or is older than the one that was.
    Old,
    /// The best sample lies too far from the last estimate; this far, without sign.
    Spike(NtpDuration),
    /// No sample can be used.
    Nothing,
}

impl ClockFilter {
    /// Shifts a sample in, or with `None` a poll without an answer, and looks for the best one.
    /// `offset_now` brings a measurement to the present.
    ///
    /// Differs: ntpd measures its popcorn spikes by a jitter that contains them, so that none is
    /// ever held back, and overwrites the estimate nevertheless. Here the jitter is the one from
    /// before the sample, a spike leaves the estimate alone, and a second one is believed. What
    /// must not lie far back is the last sample, not the last one that was used.
    pub(in crate::engine) fn push(
        &mut self,
        sample: Option<Measurement>,
        around: &Surroundings,
        offset_now: impl Fn(&Measurement) -> NtpDuration,
    ) -> Filtered {
        let heard = self.updated;
        self.age(around);
        self.stages.truncate(STAGES - 1);
        self.stages.push_front(sample.map(|measurement| Stage {
            measurement,
            dispersion_s: measurement.dispersion.seconds(),
            is_spike: false,
        }));
        let ranking = self.ranking(around);
        let usable = ranking.usable(around.maxdist.seconds());
        self.dispersion_s = ranking.dispersion_s();
        let chosen = ranking.chosen(usable, self.used);
        let Some((place, chosen)) = chosen else { return Filtered::Nothing };
        let offset_s = offset_now(&chosen.measurement).seconds();
        let jitter_s = ranking.jitter_s(usable, place, |m| offset_now(m).seconds() - offset_s);
        let jitter_s = jitter_s.max(around.precision_s);
        let epoch = chosen.measurement.arrived;
        let previous_s = self.best.map(|best| offset_now(&best).seconds());
        if let (Some(previous_s), Some(used)) = (previous_s, self.used) {
            if epoch <= used {
                self.estimate(&chosen, offset_s, jitter_s, around.precision_s);
                return Filtered::Old;
            }
            let off_s = (offset_s - previous_s).abs();
            let maxdist_s = around.maxdist.seconds();
            let window = around.poll.interval().unwrap_or(Duration::MAX).saturating_mul(2);
            let is_spike = self.dispersion_s < maxdist_s
                && chosen.dispersion_s < maxdist_s
                && off_s > SGATE * self.jitter_s
                && heard.is_some_and(|heard| epoch.since(heard) < window);
            if is_spike && !self.held_back {
                self.held_back = true;
                self.mark(chosen.measurement.number);
                return Filtered::Spike(NtpDuration::from_seconds(off_s));
            }
        }
        self.held_back = false;
        for stage in self.stages.iter_mut().flatten() {
            stage.is_spike = false;
        }
        self.used = Some(epoch);
        self.estimate(&chosen, offset_s, jitter_s, around.precision_s);
        Filtered::New
    }

    /// Forgets everything.
    pub(in crate::engine) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The sample that is believed.
    pub const fn best(&self) -> Option<&Measurement> {
        self.best.as_ref()
    }

    /// Its offset, as it was brought to the present when the last sample came.
    pub fn offset(&self) -> NtpDuration {
        NtpDuration::from_seconds(self.offset_s)
    }

    /// Its delay, at least the resolution of our clock.
    pub fn delay(&self) -> NtpDuration {
        NtpDuration::from_seconds(self.delay_s)
    }

    /// RMS of how far the other samples lie from the best one; at least the resolution of our
    /// clock.
    pub fn jitter(&self) -> NtpDuration {
        NtpDuration::from_seconds(self.jitter_s)
    }

    /// How uncertain the estimate is for want of samples and by their age; 16 s without any.
    pub fn dispersion(&self) -> NtpDuration {
        NtpDuration::from_seconds(if self.stages.is_empty() {
            MAXIMUM_DISPERSION_S
        } else {
            self.dispersion_s
        })
    }

    /// When the last sample, or the lack of one, was taken in.
    pub const fn updated(&self) -> Option<Mono> {
        self.updated
    }

    /// When the sample arrived that was last new.
    pub const fn used(&self) -> Option<Mono> {
        self.used
    }

    /// The samples, newest first; `None` stands for a poll without an answer.
    pub fn stages(&self) -> impl Iterator<Item = Option<&Stage>> {
        self.stages.iter().map(Option::as_ref)
    }

    /// Adds the drift of the time since the last sample to the dispersion of all that are kept.
    fn age(&mut self, around: &Surroundings) {
        let since = self.updated.map_or(Duration::ZERO, |updated| around.now.since(updated));
        self.updated = Some(around.now);
        let grown_s = around.phi * since.as_secs_f64();
        for stage in self.stages.iter_mut().flatten() {
            stage.dispersion_s = (stage.dispersion_s + grown_s).min(MAXIMUM_DISPERSION_S);
        }
    }

    fn ranking(&self, around: &Surroundings) -> Ranking {
        let allan = around.allan.interval().unwrap_or(Duration::MAX);
        let mut places: Vec<Place> = (0..STAGES)
            .map(|at| {
                let Some(stage) = self.stages.get(at).copied().flatten() else {
                    return Place { distance_s: MAXIMUM_DISPERSION_S, stage: None };
                };
                let delay_s = stage.measurement.delay.seconds().max(around.precision_s);
                let age = around.now.since(stage.measurement.arrived);
                let distance_s = if stage.dispersion_s >= MAXIMUM_DISPERSION_S {
                    MAXIMUM_DISPERSION_S
                } else if age > allan {
                    delay_s + stage.dispersion_s
                } else {
                    delay_s
                };
                Place { distance_s, stage: Some(stage) }
            })
            .collect();
        if around.is_settled {
            // Stable: of two that are equal the newer one comes first.
            places.sort_by(|a, b| a.distance_s.total_cmp(&b.distance_s));
        }
        Ranking { places }
    }

    fn estimate(&mut self, chosen: &Stage, offset_s: f64, jitter_s: f64, precision_s: f64) {
        self.best = Some(chosen.measurement);
        self.offset_s = offset_s;
        self.delay_s = chosen.measurement.delay.seconds().max(precision_s);
        self.jitter_s = jitter_s;
    }

    fn mark(&mut self, number: u64) {
        for stage in self.stages.iter_mut().flatten() {
            stage.is_spike |= stage.measurement.number == number;
        }
    }
}

/// The stages in the order of their worth.
struct Ranking {
    places: Vec<Place>,
}

#[derive(Clone, Copy)]
struct Place {
    distance_s: f64,
    stage: Option<Stage>,
}

impl Ranking {
    /// How many of the first can be used: two of any distance, more only within `maxdist_s`.
    fn usable(&self, maxdist_s: f64) -> usize {
        let mut usable = 0;
        for place in &self.places {
            let is_far = place.distance_s >= MAXIMUM_DISPERSION_S
                || (usable >= 2 && place.distance_s >= maxdist_s);
            if !is_far {
                usable += 1;
            }
        }
        usable
    }

    fn dispersion_s(&self) -> f64 {
        // Summed from the least on, as Horner does: each place counts half of the one before.
        self.places.iter().rev().fold(0.0, |sum, place| {
            let dispersion_s = place.stage.map_or(MAXIMUM_DISPERSION_S, |s| s.dispersion_s);
            FWEIGHT * (sum + dispersion_s)
        })
    }

    /// The best sample that is no spike, or else the best one, with its place; none from before
    /// `used`, the one that was used last, as long as there is another.
    ///
    /// Differs: when ntpd has settled it orders samples by delay, and so goes back to one from
    /// before its first slew.
    fn chosen(&self, usable: usize, used: Option<Mono>) -> Option<(usize, Stage)> {
        let samples =
            || self.usable_places(usable).filter_map(|(at, place)| Some((at, place.stage?)));
        let is_past = |stage: &Stage| used.is_some_and(|used| stage.measurement.arrived < used);
        let mut recent = samples().filter(|(_, stage)| !is_past(stage));
        let Some(first) = recent.next() else { return samples().next() };
        if !first.1.is_spike {
            return Some(first);
        }
        recent.find(|(_, stage)| !stage.is_spike).or(Some(first))
    }

    fn jitter_s(&self, usable: usize, chosen: usize, off_s: impl Fn(&Measurement) -> f64) -> f64 {
        let mut others = 0_u32;
        let mut sum = 0.0;
        for (at, place) in self.usable_places(usable) {
            let Some(stage) = place.stage else { continue };
            if at != chosen {
                others += 1;
                sum += off_s(&stage.measurement).powi(2);
            }
        }
        if others == 0 { 0.0 } else { (sum / f64::from(others)).sqrt() }
    }

    fn usable_places(&self, usable: usize) -> impl Iterator<Item = (usize, &Place)> {
        let near = |place: &&Place| place.distance_s < MAXIMUM_DISPERSION_S;
        self.places.iter().filter(near).take(usable).enumerate()
    }
}

/// `NTP_SHIFT`: samples that a filter keeps.
pub const STAGES: usize = 8;

/// `NTP_FWEIGHT`.
const FWEIGHT: f64 = 0.5;

/// `CLOCK_SGATE`: a spike is more than this many jitters away.
const SGATE: f64 = 3.0;

/// `MAXDISPERSE`, in seconds: nothing is known.
pub(in crate::engine) const MAXIMUM_DISPERSION_S: f64 = 16.0;

#[cfg(test)]
mod tests;
