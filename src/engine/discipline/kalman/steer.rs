//! What is done with the estimate: steps, slews, waiting.

use std::time::Duration;

use crate::clock::command::Command;
use crate::engine::discipline::Verdict;
use crate::engine::discipline::kalman::Kalman;
use crate::engine::discipline::kalman::control::{differ, steering};
use crate::units::{Mono, Now, NtpDuration};

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// There are not enough measurements yet to touch the clock.
    Waiting,
    /// The clock has been set, or is being slewed to where it belongs as fast as that is safe.
    Approach,
    /// Corrections are gentle.
    Regular,
    /// An offset beyond the step threshold is being waited out.
    Spike {
        /// Since when.
        since: Mono,
    },
}

impl Kalman {
    /// Moves the clock towards the estimate.
    pub(super) fn steer(&mut self, now: &Now) -> Verdict {
        self.next = None;
        let (Some(offset_s), false) = (self.offset_s(now), self.is_stepping) else {
            return Verdict::Ignored;
        };
        if self.stage == Stage::Waiting && !self.has_enough() {
            return Verdict::Ignored;
        }
        let offset = NtpDuration::from_seconds(offset_s);
        if self.limits.is_panic(offset) && !self.first_panic_allowed {
            self.hold();
            return Verdict::Panic { offset };
        }
        self.first_panic_allowed = false;
        match self.stage {
            Stage::Waiting if offset.abs() > self.first_step => {
                self.stage = Stage::Approach;
                self.step(now, offset)
            }
            Stage::Waiting | Stage::Approach => self.approach(now, offset_s),
            Stage::Regular | Stage::Spike { .. } if self.limits.is_step(offset) => {
                self.wait_out(now, offset)
            }
            Stage::Regular | Stage::Spike { .. } => {
                self.stage = Stage::Regular;
                self.settle(now, offset_s)
            }
        }
    }

    /// Whether the chosen sources have been measured often enough for a first correction.
    fn has_enough(&self) -> bool {
        let samples: u32 =
            self.sources.iter().filter(|s| s.is_chosen && s.fed.is_some()).map(|s| s.samples).sum();
        samples >= FIRST_SAMPLES
    }

    /// Slews fast until the clock is where the estimate cannot tell it from the truth.
    fn approach(&mut self, now: &Now, offset_s: f64) -> Verdict {
        self.stage = Stage::Approach;
        if offset_s.abs() <= 3.0 * self.tracking_s() {
            self.stage = Stage::Regular;
            self.is_converged = true;
            self.control.stop();
            return self.settle(now, offset_s);
        }
        let plan = self.control.approach(offset_s);
        self.follow(now, plan)
    }

    /// Takes an offset away gently.
    fn settle(&mut self, now: &Now, offset_s: f64) -> Verdict {
        let deviation_s = self.tracking_s();
        let enough_s = (ENOUGH * deviation_s).max(LEAST_OFFSET_S);
        let plan = self.control.settle(offset_s, deviation_s, enough_s);
        self.follow(now, plan)
    }

    fn follow(&mut self, now: &Now, plan: super::control::Plan) -> Verdict {
        let frequency = self.joint.as_ref().map_or(0.0, |joint| joint.estimate().frequency);
        self.run_at(frequency, plan.slew);
        self.next = plan.again_s.map(|again_s| now.mono + Duration::from_secs_f64(again_s));
        Verdict::Adjusted
    }

    /// An offset beyond the step threshold must last before it is believed.
    fn wait_out(&mut self, now: &Now, offset: NtpDuration) -> Verdict {
        let since = match self.stage {
            Stage::Spike { since } => since,
            _ => now.mono,
        };
        self.stage = Stage::Spike { since };
        let held_from = self.last_step.map_or(since, |last| since.max(last));
        if now.mono.since(held_from) >= self.limits.stepout {
            self.stage = Stage::Approach;
            return self.step(now, offset);
        }
        self.hold();
        self.next = Some(held_from + self.limits.stepout);
        Verdict::Ignored
    }

    fn step(&mut self, now: &Now, by: NtpDuration) -> Verdict {
        self.hold();
        self.commands.push_back(Command::Step { by });
        self.is_stepping = true;
        self.last_step = Some(now.mono);
        self.next = Some(now.mono + Duration::from_secs(1));
        Verdict::Stepped { by }
    }

    /// Lets the clock run at the frequency estimated, and takes no offset away.
    pub(super) fn hold(&mut self) {
        self.control.stop();
        let frequency = self.joint.as_ref().map_or(self.frequency.0, |j| j.estimate().frequency);
        self.run_at(frequency, 0.0);
    }

    /// Sets the rate of the clock, if it is another than before.
    pub(super) fn run_at(&mut self, frequency: f64, slew: f64) {
        let wanted = steering(frequency, slew);
        if self.set.is_none_or(|set| differ(&set, &wanted)) {
            self.set = Some(wanted);
            self.commands.push_back(Command::Steer(wanted));
        }
    }

    /// Forgets the phase and keeps the frequency, as after a suspend in which the raw clock stood.
    pub(super) fn lose_phase(&mut self) {
        if let Some(joint) = self.joint.take() {
            let estimate = joint.estimate();
            self.frequency =
                (estimate.frequency, 2.0 * estimate.spread.frequency + RESUME_SKEW * RESUME_SKEW);
            self.knows_frequency = true;
        }
        for source in &mut self.sources {
            source.start_over();
            source.kept.clear();
            source.samples = 0;
        }
        self.stage = Stage::Waiting;
        self.is_converged = false;
        self.is_stepping = false;
        self.next = None;
        self.control.stop();
        self.run_at(self.frequency.0, 0.0);
    }

    /// Follows a leap second, by which all times moved against the raw clock.
    pub(super) fn leap(&mut self, by: NtpDuration) {
        if let Some(joint) = self.joint.as_mut() {
            joint.leap(by);
        }
        for measurement in self.sources.iter_mut().flat_map(|source| &mut source.kept) {
            measurement.source_time = measurement.source_time + by;
        }
    }

    /// How well the estimate follows its sources, in seconds: its deviation apart from how uneven
    /// the paths are.
    fn tracking_s(&self) -> f64 {
        self.joint.as_ref().map_or(0.0, |joint| joint.tracking_variance(&self.sources).sqrt())
    }

    /// The interval at which measurements come in, of all sources together, in seconds.
    pub(super) fn update_interval_s(&self) -> f64 {
        let rate: f64 = self
            .sources
            .iter()
            .filter(|source| source.is_chosen)
            .filter_map(|source| source.pace.interval_s())
            .map(f64::recip)
            .sum();
        if rate > 0.0 { 1.0 / rate } else { self.interval_s }
    }
}

/// Samples of the chosen sources, together, before the first correction.
const FIRST_SAMPLES: u32 = 4;

/// An offset of this part of its own deviation is left alone, and any below this many seconds.
const ENOUGH: f64 = 0.01;
const LEAST_OFFSET_S: f64 = 1e-9;

/// What a suspend may have done to the frequency, in s/s: the machine cooled down.
const RESUME_SKEW: f64 = 1e-6;
