//! What becomes of the error if all sources were lost now.

use std::time::Duration;

use crate::model::clock_loop::ClockLoop;
use crate::selection::distance::PHI;
use crate::units::NtpDuration;

/// How an error grows while nothing corrects it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Growth {
    /// By this part of the time that passes, as RFC 5905 takes every clock to drift.
    Bound {
        /// The error now.
        now: NtpDuration,
    },
    /// By the error of the frequency and its random walk, as a filter knows them.
    Estimate {
        /// The error now, three standard deviations.
        now: NtpDuration,
        /// The error of the frequency, one standard deviation, seconds per second.
        frequency: f64,
        /// The variance that the frequency gains in a second.
        walk: f64,
    },
}

impl Growth {
    /// Of an engine's loop; `None` when it does not know its own error.
    ///
    /// The wander is the RMS change of the frequency from one update to the next, and these are a
    /// time constant apart.
    pub fn of(engine: &ClockLoop) -> Option<Self> {
        let frequency = engine.frequency_error?.parts_per_million() * 1e-6;
        let wander = engine.wander.parts_per_million() * 1e-6;
        let between = engine.time_constant.interval()?.as_secs_f64().max(1.0);
        let walk = wander * wander / between;
        Some(Self::Estimate { now: engine.error_bound?, frequency, walk })
    }

    /// The error after `time` without any source.
    pub fn after(self, time: Duration) -> NtpDuration {
        let t = time.as_secs_f64();
        match self {
            Self::Bound { now } => now + NtpDuration::from_seconds(PHI * t),
            Self::Estimate { now, frequency, walk } => {
                let one = now.seconds() / 3.0;
                let variance = one * one + (frequency * t).powi(2) + walk * t.powi(3) / 3.0;
                NtpDuration::from_seconds(3.0 * variance.sqrt())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(growth: Growth, seconds: u64) -> f64 {
        growth.after(Duration::from_secs(seconds)).milliseconds()
    }

    #[test]
    fn a_bound_grows_by_15_ppm() {
        let growth = Growth::Bound { now: NtpDuration::from_milliseconds(3.5) };
        assert!((after(growth, 0) - 3.5).abs() < 1e-6);
        assert!((after(growth, 3600) - 57.5).abs() < 1e-6);
        assert!((after(growth, 86_400) - 1299.5).abs() < 1e-3);
    }

    #[test]
    fn an_estimate_grows_with_the_errors_of_the_frequency() {
        let now = NtpDuration::from_milliseconds(0.3);
        let growth = Growth::Estimate { now, frequency: 1e-8, walk: 1e-18 };
        assert!((after(growth, 0) - 0.3).abs() < 1e-6);
        // 3·√(0.1² + 0.036² + 0.1247²) ms
        assert!((after(growth, 3600) - 0.491_6).abs() < 1e-3, "{}", after(growth, 3600));
        assert!(after(growth, 86_400) > 10.0);
    }
}
