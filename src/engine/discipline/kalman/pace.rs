//! How often to ask: as seldom as the oscillator allows.
//!
//! Between the noise of a measurement (variance R) and the random walk of the frequency (intensity
//! q) lies the time t* = ∛(R/q), where both are equal: asking much more often than that buys
//! little, asking less often loses.

use std::time::Duration;

use crate::units::PollExponent;

/// The interval that is wished for, of one source.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    interval_s: Option<f64>,
}

/// What the interval depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    /// The variance of the noise of an ordinary measurement, in s².
    pub noise: f64,
    /// The wander, in s²/s³.
    pub wander: f64,
    /// The variance of the frequency.
    pub frequency: f64,
}

impl Need {
    /// The interval to wish for, in seconds.
    pub(super) fn interval_s(&self) -> f64 {
        let balance_s = (self.noise / self.wander).cbrt();
        // While the frequency is not known yet, it tells before the wander does.
        let unsure_s = (self.noise / self.frequency.max(1e-30)).sqrt();
        (PART_OF_BALANCE * balance_s).min(PART_OF_UNSURE * unsure_s)
    }
}

impl Pace {
    /// Decides on the interval after a measurement: `interval_s` as the range allows, and at first
    /// what a start that lasts for `age_s` wants, so that its measurements spread evenly over the
    /// logarithm of time.
    pub(super) fn decide(
        &mut self,
        interval_s: f64,
        age_s: f64,
        least: PollExponent,
        most: PollExponent,
    ) {
        let (low, high) = (seconds(least), seconds(most.max(least)));
        let starting_s = (age_s / PARTS_OF_AGE).max(QUICK_S);
        self.interval_s = Some(interval_s.clamp(low, high).min(starting_s));
    }

    /// The interval to keep until the next measurement, in seconds.
    pub(super) const fn interval_s(&self) -> Option<f64> {
        self.interval_s
    }

    /// The same as a span of time.
    pub(super) fn interval(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.interval_s?).ok()
    }
}

/// The largest exponent whose interval does not exceed `interval_s`.
#[expect(clippy::cast_possible_truncation, reason = "clamped")]
pub(super) fn exponent(interval_s: f64) -> PollExponent {
    PollExponent::new((interval_s.max(1.0).log2() + 1e-9).floor().clamp(0.0, 30.0) as i8)
}

/// The interval of an exponent.
pub(super) fn seconds(exponent: PollExponent) -> f64 {
    f64::from(exponent.exponent()).exp2()
}

/// The interval as a part of the time at which noise and wander balance.
const PART_OF_BALANCE: f64 = 0.78;

/// The interval as a part of the time in which an unknown frequency is as bad as the noise.
const PART_OF_UNSURE: f64 = 2.0;

/// At the start the interval is the time since it over this, at least so many seconds.
const PARTS_OF_AGE: f64 = 3.75;
const QUICK_S: f64 = 10.0;
