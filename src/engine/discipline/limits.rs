//! The thresholds that both disciplines keep: what is a step, what is panic, how long to wait.
//!
//! They are ntpd's, at its defaults, and `tinker` sets them.

use std::time::Duration;

use crate::config::ntp_conf::Tinker;
use crate::units::{NtpDuration, PollExponent, Ppm};

/// The thresholds of a discipline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Beyond this a clock that is behind is stepped forward; `None` for never.
    pub step_forward: Option<NtpDuration>,
    /// Beyond this a clock that is ahead is stepped back, as a positive span; `None` for never.
    pub step_back: Option<NtpDuration>,
    /// Beyond this the clock is left alone; `None` for never.
    pub panic: Option<NtpDuration>,
    /// How long an offset beyond the step threshold has to last before it is believed, and how
    /// long the frequency is measured at the start.
    pub stepout: Duration,
    /// The Allan intercept: from this poll interval on, frequency is better learned from
    /// differences of offsets than from offsets.
    pub allan: PollExponent,
    /// How fast the error of a clock left alone may grow; never negative.
    pub dispersion: Ppm,
    /// The frequency to begin with, in place of the drift file's; positive speeds the clock up.
    pub frequency: Option<Ppm>,
    /// The window of the huff-n'-puff filter; `None` when it is off.
    pub huff_puff: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            step_forward: Some(NtpDuration::from_milliseconds(128.0)),
            step_back: Some(NtpDuration::from_milliseconds(128.0)),
            panic: Some(NtpDuration::from_seconds(1000.0)),
            stepout: LEAST_STEPOUT,
            allan: PollExponent::new(11),
            dispersion: Ppm::new(15.0).unwrap_or_default(),
            frequency: None,
            huff_puff: None,
        }
    }
}

impl Limits {
    /// Takes one setting of `tinker` over.
    ///
    /// A zero switches a step or the panic off; a stepout shorter than 300 s, and a window of
    /// huff-n'-puff shorter than 900 s, are raised to that, as ntpd does.
    pub fn apply(&mut self, setting: &Tinker) {
        match *setting {
            Tinker::Step(threshold) => {
                self.step_forward = threshold_of(threshold);
                self.step_back = threshold_of(threshold);
            }
            Tinker::StepForward(threshold) => self.step_forward = threshold_of(threshold),
            Tinker::StepBack(threshold) => self.step_back = threshold_of(threshold),
            Tinker::Panic(threshold) => self.panic = threshold_of(threshold),
            Tinker::Stepout(span) => {
                self.stepout = span.to_std().unwrap_or_default().max(LEAST_STEPOUT);
            }
            Tinker::Allan(intercept) => self.allan = intercept,
            Tinker::Dispersion(rate) => self.dispersion = rate,
            Tinker::Frequency(frequency) => self.frequency = Some(frequency),
            Tinker::HuffPuff(window) => {
                self.huff_puff = Some(window.to_std().unwrap_or_default().max(HUFF_PUFF_BUCKET));
            }
        }
    }

    /// Whether an offset of `offset` is beyond the step threshold of its direction.
    pub fn is_step(&self, offset: NtpDuration) -> bool {
        let beyond = |threshold: Option<NtpDuration>, by: NtpDuration| {
            threshold.is_some_and(|threshold| by > threshold)
        };
        beyond(self.step_forward, offset) || beyond(self.step_back, -offset)
    }

    /// Whether an offset of `offset` is beyond the panic threshold.
    pub fn is_panic(&self, offset: NtpDuration) -> bool {
        self.panic.is_some_and(|threshold| offset.abs() > threshold)
    }
}

/// A threshold as `tinker` has it: zero switches it off.
fn threshold_of(span: NtpDuration) -> Option<NtpDuration> {
    (span > NtpDuration::ZERO).then_some(span)
}

/// `CLOCK_MINSTEP` of ntpd: the shortest stepout, and how long its quick start lasts.
pub const LEAST_STEPOUT: Duration = Duration::from_secs(300);

/// `HUFFPUFF`: what one bucket of the filter covers, and the shortest window.
pub const HUFF_PUFF_BUCKET: Duration = Duration::from_secs(900);

/// `NTP_MAXFREQ`: beyond this no oscillator is corrected, in s/s.
pub const MAXIMUM_FREQUENCY: f64 = 500e-6;

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(span: f64) -> NtpDuration {
        NtpDuration::from_seconds(span)
    }

    #[test]
    fn each_direction_has_its_own_step_threshold() {
        let mut limits = Limits::default();
        assert!(!limits.is_step(seconds(0.1279)));
        assert!(limits.is_step(seconds(0.129)) && limits.is_step(seconds(-0.129)));
        limits.apply(&Tinker::StepBack(seconds(2.0)));
        assert!(limits.is_step(seconds(0.129)) && !limits.is_step(seconds(-1.9)));
        limits.apply(&Tinker::StepForward(NtpDuration::ZERO));
        assert!(!limits.is_step(seconds(900.0)) && limits.is_step(seconds(-2.1)));
        limits.apply(&Tinker::Step(NtpDuration::ZERO));
        assert!(!limits.is_step(seconds(-900.0)));
    }

    #[test]
    fn zero_switches_the_panic_off() {
        let mut limits = Limits::default();
        assert!(limits.is_panic(seconds(-1000.1)) && !limits.is_panic(seconds(999.9)));
        limits.apply(&Tinker::Panic(NtpDuration::ZERO));
        assert!(!limits.is_panic(seconds(1e6)));
    }

    #[test]
    fn short_windows_are_raised() {
        let mut limits = Limits::default();
        limits.apply(&Tinker::Stepout(seconds(10.0)));
        limits.apply(&Tinker::HuffPuff(seconds(60.0)));
        assert_eq!(limits.stepout, Duration::from_secs(300));
        assert_eq!(limits.huff_puff, Some(Duration::from_secs(900)));
        limits.apply(&Tinker::Stepout(seconds(900.0)));
        limits.apply(&Tinker::HuffPuff(seconds(7200.0)));
        assert_eq!(limits.stepout, Duration::from_secs(900));
        assert_eq!(limits.huff_puff, Some(Duration::from_secs(7200)));
    }
}
