//! The joint Kalman discipline: every trusted packet of every source tells of one oscillator.
//!
//! It estimates how far true time is ahead of the *raw* clock, which nobody steers, and how fast
//! that grows; separately it moves the steered clock there. So no step or slew of the steered
//! clock, whoever makes it, disturbs the estimate.

mod bank;
mod control;
mod delays;
mod intake;
mod joint;
mod likelihood;
mod pace;
mod source;
mod state;
mod steer;

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::command::{Command, Outcome, Steering};
use crate::engine::discipline::kalman::control::Control;
use crate::engine::discipline::kalman::joint::Joint;
use crate::engine::discipline::kalman::source::Source;
use crate::engine::discipline::kalman::steer::Stage;
use crate::engine::discipline::limits::Limits;
use crate::engine::discipline::{
    Discipline, Disturbance, Measurement, Report, Selected, State, Verdict,
};
use crate::engine::settings::Settings;
use crate::units::{AssocId, Mono, Now, NtpDuration, Ppm, Raw};

/// The joint Kalman discipline.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of its course")]
pub struct Kalman {
    limits: Limits,
    first_step: NtpDuration,
    first_panic_allowed: bool,
    precision_s: f64,
    /// The frequency believed before anything is measured, in s/s, with its variance.
    frequency: (f64, f64),
    /// Whether that was learned before: from the drift file, or ahead of a suspend.
    knows_frequency: bool,
    sources: Vec<Source>,
    joint: Option<Joint>,
    control: Control,
    stage: Stage,
    /// Whether it has converged since it started, or since it last lost the phase.
    is_converged: bool,
    commands: VecDeque<Command>,
    /// The rates in force, as far as we know.
    set: Option<Steering>,
    /// A step was ordered and what came of it is not known yet.
    is_stepping: bool,
    last_step: Option<Mono>,
    next: Option<Mono>,
    /// The interval between measurements of a source that is wished for, in seconds.
    interval_s: f64,
    /// Mean square of the residuals of late, in s².
    jitter: f64,
}

impl Kalman {
    /// A discipline that has seen nothing yet; it sets the frequency of the drift file at once.
    pub fn new(settings: &Settings) -> Self {
        let drift = settings.drift.map(|drift| {
            let skew = drift.skew.map_or(DRIFT_SKEW, |skew| skew.parts_per_million() * 1e-6);
            (drift.frequency.parts_per_million() * 1e-6, skew.max(LEAST_SKEW).powi(2))
        });
        let mut discipline = Self {
            limits: Limits::default(),
            first_step: settings.first_step,
            first_panic_allowed: settings.first_panic_allowed,
            precision_s: settings.precision.seconds(),
            frequency: drift.unwrap_or((0.0, UNKNOWN_SKEW * UNKNOWN_SKEW)),
            knows_frequency: drift.is_some(),
            sources: Vec::new(),
            joint: None,
            control: Control::default(),
            stage: Stage::Waiting,
            is_converged: false,
            commands: VecDeque::new(),
            set: None,
            is_stepping: false,
            last_step: None,
            next: None,
            interval_s: 64.0,
            jitter: 0.0,
        };
        if drift.is_some() {
            discipline.run_at(discipline.frequency.0, 0.0);
        }
        discipline
    }

    /// How far the estimate is ahead of the steered clock, in seconds.
    fn offset_s(&self, now: &Now) -> Option<f64> {
        let joint = self.joint.as_ref()?;
        Some(joint.phase_s(now.raw) - joint.ahead_s(now.raw, now.clock))
    }

    /// The variance of the estimate at `raw`, uneven paths included, in s².
    fn variance(&self, raw: Raw) -> f64 {
        let Some(joint) = self.joint.as_ref() else { return f64::INFINITY };
        // A lone source hides how uneven its path is.
        let hidden_s = match self.sources.iter().find(|s| s.is_chosen && s.fed.is_some()) {
            Some(source) if source.slot.is_none() => source.bias_prior_s(),
            _ => 0.0,
        };
        joint.phase_variance(raw) + hidden_s * hidden_s
    }
}

impl Discipline for Kalman {
    fn limit(&mut self, limits: &Limits) {
        if let (Some(frequency), true) = (limits.frequency, self.joint.is_none()) {
            let skew = LEAST_SKEW.max(DRIFT_SKEW);
            self.frequency = (frequency.parts_per_million() * 1e-6, skew * skew);
            self.knows_frequency = true;
            self.run_at(self.frequency.0, 0.0);
        }
        self.limits = *limits;
    }

    fn measured(&mut self, now: &Now, measurement: &Measurement) {
        let lag_s = now.raw.seconds_since(measurement.raw);
        self.source_mut(measurement.source).keep(measurement, lag_s);
    }

    fn offset_now(&self, now: &Now, measurement: &Measurement) -> NtpDuration {
        let elapsed_s = now.raw.seconds_since(measurement.raw);
        let frequency = match &self.joint {
            Some(joint) => joint.estimate().frequency,
            None => self.frequency.0,
        };
        let elapsed =
            NtpDuration::from_seconds(elapsed_s) + NtpDuration::from_seconds(elapsed_s * frequency);
        (measurement.source_time + elapsed) - now.clock
    }

    fn selected(&mut self, now: &Now, selected: &Selected<'_>) -> Verdict {
        self.choose(selected.sources);
        if self.feed() { self.steer(now) } else { Verdict::Ignored }
    }

    fn wakeup(&mut self, now: &Now) -> Verdict {
        match self.next {
            Some(next) if now.mono >= next => self.steer(now),
            _ => Verdict::Ignored,
        }
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.next
    }

    fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    fn commanded(&mut self, now: &Now, outcome: &Outcome) {
        match outcome {
            Outcome::Stepped { .. } => {
                self.is_stepping = false;
                self.last_step = Some(now.mono);
            }
            Outcome::Steered(steering) => self.set = Some(*steering),
            Outcome::Told => {}
            Outcome::Held(_) => {
                self.is_stepping = false;
                self.set = None;
            }
        }
    }

    fn forget(&mut self, source: AssocId) {
        if let Some(index) = self.sources.iter().position(|other| other.id == source) {
            let mut gone = self.sources.swap_remove(index);
            if let Some(joint) = self.joint.as_mut() {
                joint.release(&mut gone, false);
            }
        }
    }

    fn disturbed(&mut self, now: &Now, disturbance: Disturbance) {
        match disturbance {
            Disturbance::Suspended(_) => self.lose_phase(),
            // The raw clock is what it was: the offset follows by itself.
            Disturbance::ClockStepped(_) | Disturbance::LeftAlone(_) => {
                self.next = self.joint.as_ref().map(|_| now.mono);
            }
            Disturbance::Leap(by) => self.leap(by),
        }
    }

    fn poll_wish(&self, source: AssocId) -> Option<Duration> {
        self.sources.iter().find(|other| other.id == source)?.pace.interval()
    }

    fn report(&self, now: &Now) -> Report {
        let estimate = self.joint.as_ref().map(Joint::estimate);
        let information: f64 =
            self.sources.iter().filter(|s| s.is_chosen).map(|s| s.information).sum();
        let wander = estimate.map_or(0.0, |e| (e.mean_wander * self.interval_s).sqrt());
        let set = self.set.unwrap_or_default();
        let parts = |rate: f64| Ppm::new(rate * 1e6).unwrap_or_default();
        Report {
            state: self.state(),
            offset: NtpDuration::from_seconds(self.offset_s(now).unwrap_or(0.0)),
            error_bound: estimate
                .map(|_| NtpDuration::from_seconds(3.0 * self.variance(now.raw).sqrt())),
            frequency: set.frequency,
            frequency_error: estimate.map(|e| parts(e.spread.frequency.sqrt())),
            jitter: NtpDuration::from_seconds(self.jitter.sqrt().max(self.precision_s)),
            wander: parts(wander),
            time_constant: self.time_constant(),
            is_converged: self.is_converged,
            sources: self.sources.iter().map(|source| source.report(information)).collect(),
        }
    }
}

impl Kalman {
    /// The state by ntpd's names.
    fn state(&self) -> State {
        match self.stage {
            Stage::Waiting if self.joint.is_some() => State::Frequency,
            Stage::Waiting if self.knows_frequency => State::FrequencySet,
            Stage::Waiting => State::NotSet,
            Stage::Spike { .. } => State::Spike,
            Stage::Approach | Stage::Regular => State::Synchronised,
        }
    }
}

/// The deviation of the frequency in a drift file that does not tell it, in s/s.
const DRIFT_SKEW: f64 = 1e-6;

/// No frequency learned before is believed better than this, in s/s.
const LEAST_SKEW: f64 = 1e-8;

/// The deviation of the frequency of an oscillator that nobody has measured, in s/s.
const UNKNOWN_SKEW: f64 = 100e-6;
