//! From the estimate to the rate of the clock.
//!
//! The frequency is always corrected in full. The offset is taken away exponentially and gently:
//! a correction δ at every update, T seconds apart, costs δ/√(2τT) of frequency, and what has not
//! been taken away yet δ·√(τ/2T) of time. Until the clock has first converged it is slewed along a
//! line instead, as fast as a stall of the program allows.

use crate::clock::command::Steering;
use crate::units::Ppm;

/// How the offset is being taken away.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Control {
    /// The rate of the line that is followed before the clock has converged, in s/s.
    line: f64,
    /// The time constant of corrections, in seconds, once there was a measurement to derive it from.
    constant_s: Option<f64>,
}

/// A rate, and how long to keep it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    /// What to add to the frequency, in s/s.
    pub slew: f64,
    /// When to look again, in seconds; `None` when nothing is left to do.
    pub again_s: Option<f64>,
}

impl Control {
    /// Adapts the time constant to a measurement, of which there is one every `interval_s`, that
    /// took the second of these variances from the first.
    ///
    /// Where a measurement hardly tells anything new, corrections follow the noise rather than the
    /// oscillator, and better do so slowly; where the wander rules they are quick.
    pub(super) fn adapt(&mut self, interval_s: f64, (before, lost): (f64, f64)) {
        let left = (before - lost).max(0.0);
        let wanted_s =
            CONSTANT * interval_s * left / lost.max(LEAST_LOSS * left).max(f64::MIN_POSITIVE);
        let wanted_s = wanted_s.clamp(QUICKEST * interval_s, SLOWEST * interval_s);
        let constant_s = self.constant_s.get_or_insert(wanted_s);
        *constant_s *= (wanted_s / *constant_s).powf(FRESH);
    }

    /// The rate by which `offset_s` is taken away once the clock has converged, from an estimate
    /// that is sure to `deviation_s`; less than `enough_s` is not worth it.
    pub(super) fn settle(&mut self, offset_s: f64, deviation_s: f64, enough_s: f64) -> Plan {
        self.line = 0.0;
        if offset_s.abs() < enough_s {
            return Plan { slew: 0.0, again_s: None };
        }
        // Measurements that bear the estimate out leave less than its deviation to be taken away.
        let hurry = (offset_s.abs() / (HURRY * deviation_s).max(f64::MIN_POSITIVE)).max(1.0);
        let constant_s = (self.constant_s.unwrap_or_default() / hurry).max(LEAST_CONSTANT_S);
        let tick_s = (constant_s / TICKS).max(1.0);
        let slew = offset_s * -(-tick_s / constant_s).exp_m1() / tick_s;
        Plan { slew: slew.clamp(-GENTLE, GENTLE), again_s: Some(tick_s) }
    }

    /// The rate by which `offset_s` is taken away before the clock has converged.
    ///
    /// A line of a few seconds, once. Should the program stall in the midst of it, whoever drives
    /// the clock ends the slew.
    pub(super) fn approach(&mut self, offset_s: f64) -> Plan {
        let least = offset_s.abs() / LINE_S;
        self.line = self.line.max(least).min(FAST);
        let left_s = (offset_s.abs() / self.line.max(f64::MIN_POSITIVE)).max(1.0);
        Plan { slew: (offset_s / left_s).clamp(-FAST, FAST), again_s: Some(left_s.min(1.0)) }
    }

    /// Forgets a line that was begun.
    pub(super) const fn stop(&mut self) {
        self.line = 0.0;
    }
}

/// As a command, with rates in s/s; a frequency that no oscillator has is limited.
pub(super) fn steering(frequency: f64, slew: f64) -> Steering {
    let parts = |rate: f64| Ppm::new(rate * 1e6).unwrap_or_default();
    Steering { frequency: parts(frequency.clamp(-GENTLE, GENTLE)), slew: parts(slew) }
}

/// Whether two commands differ by more than the resolution of a clock.
pub(super) fn differ(one: &Steering, other: &Steering) -> bool {
    let apart = |a: Ppm, b: Ppm| (a.parts_per_million() - b.parts_per_million()).abs();
    apart(one.frequency, other.frequency) > RESOLUTION_PPM
        || apart(one.slew, other.slew) > RESOLUTION_PPM
}

/// The fastest slew of a clock that has converged, and the greatest frequency correction, in s/s.
const GENTLE: f64 = 500e-6;

/// The fastest slew before that: chrony's, one twelfth.
const FAST: f64 = 83_333e-6;

/// The time constant of corrections in intervals between measurements, where a measurement takes
/// half the variance away; and its bounds.
const CONSTANT: f64 = 0.3;
const QUICKEST: f64 = 0.05;
const SLOWEST: f64 = 10.0;

/// An offset of so many deviations of the estimate is taken away faster, and larger ones yet more.
const HURRY: f64 = 1.3;

/// The least part of a variance that a measurement is taken to remove.
const LEAST_LOSS: f64 = 1e-3;

/// The share of the newest measurement in the time constant, geometrically.
const FRESH: f64 = 0.1;

/// The shortest time constant, in seconds: a stall of a minute overshoots by twice the offset.
const LEAST_CONSTANT_S: f64 = 20.0;

/// How many rates approximate an exponential within its time constant.
const TICKS: f64 = 16.0;

/// The length of the line before the clock has converged, in seconds.
const LINE_S: f64 = 8.0;

/// The resolution of the kernel's frequency word is 2⁻¹⁶ ppm.
const RESOLUTION_PPM: f64 = 1.6e-5;
