//! How long after it was written a reply leaves.
//!
//! A reply tells when it leaves, and is written before. What lies in between is much the same from
//! reply to reply, so it is learned from those of which the kernel tells when they left, and added
//! beforehand: without that clients would take half of it for an offset.

use crate::units::NtpDuration;

/// The median of what replies were late, learned step by step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lag {
    seconds: f64,
    step: f64,
}

impl Default for Lag {
    fn default() -> Self {
        Self { seconds: 0.0, step: FIRST_STEP_S }
    }
}

impl Lag {
    /// What to add to the time at which a reply is written.
    pub(super) fn expected(self) -> NtpDuration {
        NtpDuration::from_seconds(self.seconds)
    }

    /// A reply left so much later than was expected.
    ///
    /// Each goes into it by its sign alone, so those that were interrupted count no more than
    /// others, and the middle is what comes out.
    pub(super) fn learn(&mut self, late: NtpDuration) {
        let late_s = late.seconds();
        let step = self.step.min(late_s.abs());
        self.seconds = (self.seconds + step.copysign(late_s)).clamp(0.0, MOST_S);
        self.step = (self.step * SHRINKS).max(LAST_STEP_S);
    }
}

/// What takes longer than this was an interruption.
const MOST_S: f64 = 100e-6;

/// The steps by which it is learned: large at first.
const FIRST_STEP_S: f64 = 1e-6;
const LAST_STEP_S: f64 = 30e-9;
const SHRINKS: f64 = 0.95;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is expected after replies that left so many nanoseconds after they were written.
    fn learned(lates_ns: impl IntoIterator<Item = f64>) -> f64 {
        let mut lag = Lag::default();
        for late_ns in lates_ns {
            lag.learn(NtpDuration::from_seconds(late_ns * 1e-9) - lag.expected());
        }
        lag.expected().seconds() * 1e9
    }

    #[test]
    fn it_comes_to_the_middle_and_interruptions_do_not_move_it() {
        let usual = (0..1000).map(|n| 1500.0 + f64::from(n % 7) * 50.0);
        let late = usual.map(|late| if late > 1790.0 { 40_000.0 } else { late });
        let learned_ns = learned(late);
        assert!((1550.0..1800.0).contains(&learned_ns), "{learned_ns}");
    }

    #[test]
    fn it_is_never_negative_and_never_much() {
        assert!(learned([-5e9; 100]).abs() < 1e-9);
        assert!(learned((0..100_000).map(|_| 5e9)) <= 100_001.0);
    }
}
