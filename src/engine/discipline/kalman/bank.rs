//! A bank of hypotheses: how strongly the oscillator wanders is learned by trying many values.

use crate::engine::discipline::kalman::likelihood::{Window, judge};
use crate::engine::discipline::kalman::state::{Spread, State};

/// The hypotheses, and how likely each is.
#[derive(Clone, Debug)]
pub(super) struct Bank {
    states: Vec<Hypothesis>,
    estimate: Estimate,
}

#[derive(Clone, Debug)]
struct Hypothesis {
    state: State,
    /// The intensity of the random walk of frequency, in s²/s³.
    wander: f64,
    /// Logarithm of its probability before anything was measured.
    prior: f64,
    /// Logarithm of its probability, up to a constant, with what is long ago forgotten.
    log: f64,
    /// Its probability.
    weight: f64,
}

/// What all hypotheses say together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Estimate {
    /// How far true time is ahead of the raw clock, in seconds.
    pub phase_s: f64,
    /// How fast that grows, in s/s.
    pub frequency: f64,
    /// Variances.
    pub spread: Spread,
    /// The wander, geometric mean of the intensities, in s²/s³.
    pub wander: f64,
    /// The expectation of the intensity, in s²/s³.
    pub mean_wander: f64,
}

/// What became of one measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Learned {
    /// How much more the source was ahead than expected, in seconds.
    pub residual_s: f64,
    /// The probability that it lay outside its window.
    pub outside: f64,
    /// The part of the variance of the expectation that it took away.
    pub gained: f64,
    /// That variance before it, and how much it took away, in s².
    pub variance: (f64, f64),
}

impl Bank {
    /// A bank that believes this phase and frequency, each with its variance.
    pub(super) fn new(phase: (f64, f64), frequency: (f64, f64)) -> Self {
        let states = (0..HYPOTHESES)
            .map(|index| {
                let exponent = LEAST_WANDER + f64::from(index) * WANDER_STEP;
                let prior = -0.5 * ((exponent - LIKELY_WANDER) / LIKELY_SPREAD).powi(2);
                Hypothesis {
                    state: State::new(phase, frequency),
                    wander: 10f64.powf(2.0 * exponent),
                    prior,
                    log: prior,
                    weight: 0.0,
                }
            })
            .collect();
        let mut bank = Self { states, estimate: Estimate::default() };
        bank.weigh();
        bank
    }

    /// What all hypotheses say together.
    pub(super) const fn estimate(&self) -> &Estimate {
        &self.estimate
    }

    /// Moves on by `span_s`.
    pub(super) fn predict(&mut self, span_s: f64) {
        for hypothesis in &mut self.states {
            hypothesis.state.predict(span_s, hypothesis.wander, SETTLING_S);
        }
        self.summarise();
    }

    /// Learns that the source in `slot` seemed `shown_s` ahead of the raw clock.
    pub(super) fn learn(&mut self, slot: Option<usize>, shown_s: f64, window: &Window) -> Learned {
        let mut learned = Learned::default();
        for hypothesis in &mut self.states {
            let (expected_s, variance) = hypothesis.state.expect(slot);
            let evidence = judge(shown_s - expected_s, variance, window);
            learned.residual_s += hypothesis.weight * (shown_s - expected_s);
            learned.outside += hypothesis.weight * evidence.outside;
            let lost = evidence.curvature * variance;
            learned.gained += hypothesis.weight * lost;
            learned.variance.0 += hypothesis.weight * variance;
            learned.variance.1 += hypothesis.weight * lost * variance;
            hypothesis.state.learn(slot, &evidence);
            hypothesis.log =
                MEMORY * hypothesis.log + (1.0 - MEMORY) * hypothesis.prior + evidence.log;
        }
        self.weigh();
        learned
    }

    /// The bias in `slot`, in seconds, and its variance.
    pub(super) fn bias(&self, slot: usize) -> (f64, f64) {
        let (mut mean, mut square) = (0.0, 0.0);
        for hypothesis in &self.states {
            let (bias_s, variance) = hypothesis.state.bias(slot);
            mean += hypothesis.weight * bias_s;
            square += hypothesis.weight * (variance + bias_s * bias_s);
        }
        (mean, square - mean * mean)
    }

    /// What the source in `slot` will seem ahead of the raw clock, in seconds, and the variance.
    pub(super) fn expect(&self, slot: Option<usize>) -> (f64, f64) {
        let (mut mean, mut square) = (0.0, 0.0);
        for hypothesis in &self.states {
            let (expected_s, variance) = hypothesis.state.expect(slot);
            let apart_s = expected_s - self.estimate.phase_s;
            mean += hypothesis.weight * apart_s;
            square += hypothesis.weight * (variance + apart_s * apart_s);
        }
        (self.estimate.phase_s + mean, square - mean * mean)
    }

    /// Changes every hypothesis alike.
    pub(super) fn change(&mut self, change: impl Fn(&mut State)) {
        for hypothesis in &mut self.states {
            change(&mut hypothesis.state);
        }
        self.summarise();
    }

    /// Forgets what was learned of the wander.
    pub(super) fn forget_wander(&mut self) {
        for hypothesis in &mut self.states {
            hypothesis.log = hypothesis.prior;
        }
        self.weigh();
    }

    fn weigh(&mut self) {
        let most = self.states.iter().map(|h| h.log).fold(f64::NEG_INFINITY, f64::max);
        let mut total = 0.0;
        for hypothesis in &mut self.states {
            hypothesis.log -= most;
            hypothesis.weight = hypothesis.log.exp();
            total += hypothesis.weight;
        }
        for hypothesis in &mut self.states {
            hypothesis.weight /= total;
        }
        self.summarise();
    }

    fn summarise(&mut self) {
        let mut sum = Estimate::default();
        for h in &self.states {
            sum.phase_s += h.weight * h.state.phase_s();
            sum.frequency += h.weight * h.state.frequency();
            sum.wander += h.weight * h.wander.ln();
            sum.mean_wander += h.weight * h.wander;
        }
        sum.wander = sum.wander.exp();
        for h in &self.states {
            let spread = h.state.spread();
            let phase_s = h.state.phase_s() - sum.phase_s;
            let frequency = h.state.frequency() - sum.frequency;
            sum.spread.phase += h.weight * (spread.phase + phase_s * phase_s);
            sum.spread.both += h.weight * (spread.both + phase_s * frequency);
            sum.spread.frequency += h.weight * (spread.frequency + frequency * frequency);
        }
        self.estimate = sum;
    }
}

/// How many hypotheses there are.
const HYPOTHESES: u8 = 11;

/// The least wander tried, as a power of ten of s/s per √s, and the step to the next.
const LEAST_WANDER: f64 = -11.0;
const WANDER_STEP: f64 = 0.5;

/// The wander of an ordinary oscillator, as a power of ten, and how many powers others differ.
const LIKELY_WANDER: f64 = -9.0;
const LIKELY_SPREAD: f64 = 1.0;

/// How much of what was learned of the wander a measurement leaves.
const MEMORY: f64 = 0.998;

/// In how many seconds an uneven path becomes another one: months. Slower changes than those of
/// routes, which show otherwise, let an error of all biases together heal.
const SETTLING_S: f64 = 1e7;
