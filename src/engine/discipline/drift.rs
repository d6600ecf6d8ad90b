//! When the frequency is worth keeping for the next start.
//!
//! As ntpd does it: once an hour at most, and only when it differs from what was kept by more
//! than a threshold, which halves each hour in which nothing was kept.

use std::time::Duration;

use crate::engine::discipline::{Report, State};
use crate::engine::settings::Drift;
use crate::units::{Mono, Ppm};

/// What was kept, and when to look again.
#[derive(Clone, Copy, Debug)]
pub struct DriftKeeper {
    kept: Option<Ppm>,
    threshold_ppm: f64,
    next: Mono,
}

impl DriftKeeper {
    /// Nothing kept but what was `loaded` at the start.
    pub fn new(now: Mono, loaded: Option<Drift>) -> Self {
        Self {
            kept: loaded.map(|drift| drift.frequency),
            threshold_ppm: THRESHOLD_PPM,
            next: now + HOUR,
        }
    }

    /// When to look again.
    pub const fn next_wakeup(&self) -> Mono {
        self.next
    }

    /// What to keep at `now`; `None` when it is not time, when the frequency is not known yet,
    /// or when it is what was kept.
    pub fn due(&mut self, now: Mono, report: &Report) -> Option<Drift> {
        if now < self.next {
            return None;
        }
        self.next = now + HOUR;
        if !report.is_converged || report.state != State::Synchronised {
            return None;
        }
        let frequency = report.frequency;
        let is_known = self.kept.is_some_and(|kept| {
            (kept.parts_per_million() - frequency.parts_per_million()).abs() < self.threshold_ppm
        });
        if is_known {
            self.threshold_ppm /= 2.0;
            return None;
        }
        self.threshold_ppm = THRESHOLD_PPM;
        self.kept = Some(frequency);
        Some(Drift { frequency, skew: report.frequency_error })
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// `wander_threshold` of ntpd.
const THRESHOLD_PPM: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{NtpDuration, PollExponent};

    fn report(frequency_ppm: f64) -> Report {
        Report {
            state: State::Synchronised,
            offset: NtpDuration::ZERO,
            error_bound: None,
            frequency: Ppm::new(frequency_ppm).unwrap(),
            frequency_error: None,
            jitter: NtpDuration::ZERO,
            wander: Ppm::default(),
            time_constant: PollExponent::new(6),
            is_converged: true,
            sources: Vec::new(),
        }
    }

    fn hour(n: u64) -> Mono {
        Mono::from_nanos(n * 3_600_000_000_000)
    }

    #[test]
    fn a_frequency_is_kept_when_it_changed_enough() {
        let mut keeper = DriftKeeper::new(hour(0), None);
        assert_eq!(keeper.due(Mono::from_nanos(5), &report(10.0)), None);
        let kept = keeper.due(hour(1), &report(10.0)).unwrap();
        assert!((kept.frequency.parts_per_million() - 10.0).abs() < 1e-12);
        assert_eq!(keeper.due(hour(1), &report(20.0)), None);
        // The threshold halves: 0.1, 0.05.
        assert_eq!(keeper.due(hour(2), &report(10.06)), None);
        assert!(keeper.due(hour(3), &report(10.06)).is_some());
        assert_eq!(keeper.due(hour(4), &report(10.14)), None);
    }

    #[test]
    fn what_is_not_known_yet_is_not_kept() {
        let mut keeper = DriftKeeper::new(hour(0), None);
        let young = Report { is_converged: false, ..report(10.0) };
        assert_eq!(keeper.due(hour(1), &young), None);
        assert_eq!(keeper.next_wakeup(), hour(2));
    }
}
