//! What the time truly is, leap seconds and all.

use std::time::Duration;

use crate::sim::moment::{Moment, Span};
use crate::units::{Leap, NtpDuration, NtpTimestamp};

/// True time as clocks ought to show it.
#[derive(Clone, Copy, Debug)]
pub struct Truth {
    start: NtpTimestamp,
    leap: Option<LeapSecond>,
}

/// A leap second that comes in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeapSecond {
    /// The moment at which clocks are set back, or forward.
    pub at: Moment,
    /// Whether a second comes in; otherwise one is left out.
    pub is_inserted: bool,
}

impl Truth {
    /// A world that begins at `start`.
    pub const fn new(start: NtpTimestamp, leap: Option<LeapSecond>) -> Self {
        Self { start, leap }
    }

    /// When it began.
    pub const fn start(&self) -> NtpTimestamp {
        self.start
    }

    /// What a right clock shows. In an inserted second it shows the one before once more.
    pub fn time(&self, at: Moment) -> NtpTimestamp {
        let passed = NtpDuration::from(Duration::from_nanos(at.nanos()));
        let leap = match self.leap {
            Some(leap) if at >= leap.at => leap.by(),
            _ => NtpDuration::ZERO,
        };
        self.start + passed + leap
    }

    /// What right servers announce: in the day before a leap second, that it comes.
    pub fn announced(&self, at: Moment) -> Leap {
        match self.leap {
            Some(leap) if at < leap.at && leap.at.since(at) <= DAY => {
                if leap.is_inserted {
                    Leap::Insert
                } else {
                    Leap::Delete
                }
            }
            _ => Leap::None,
        }
    }

    /// What a clock shows that spreads the leap second over the time before it.
    pub fn smeared(&self, at: Moment, over: Span) -> NtpTimestamp {
        let Some(leap) = self.leap.filter(|_| self.is_smearing(at, over)) else {
            return self.time(at);
        };
        let share = 1.0 - leap.at.since(at).as_secs_f64() / over.seconds();
        let done = 0.5 - 0.5 * (std::f64::consts::PI * share).cos();
        self.time(at) + NtpDuration::from_seconds(done * leap.by().seconds())
    }

    /// Whether such a clock is off the truth on purpose.
    pub fn is_smearing(&self, at: Moment, over: Span) -> bool {
        self.leap.is_some_and(|leap| at < leap.at && leap.at.since(at) < over.duration())
    }
}

impl LeapSecond {
    /// How far clocks are moved.
    fn by(self) -> NtpDuration {
        NtpDuration::from_seconds(if self.is_inserted { -1.0 } else { 1.0 })
    }
}

const DAY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_second_is_announced_and_smeared_before_it_comes() {
        let start = NtpTimestamp::from_unix(1_700_000_000, 0);
        let leap = LeapSecond { at: Moment::from_secs(200_000), is_inserted: true };
        let truth = Truth::new(start, Some(leap));
        assert_eq!(truth.announced(Moment::from_secs(100_000)), Leap::None);
        assert_eq!(truth.announced(Moment::from_secs(199_999)), Leap::Insert);
        assert_eq!(truth.announced(Moment::from_secs(200_000)), Leap::None);
        let shown = |second| (truth.time(Moment::from_secs(second)) - start).seconds();
        assert!((shown(200_000) - 199_999.0).abs() < 1e-9);
        let smear = |second| {
            let at = Moment::from_secs(second);
            (truth.smeared(at, Span::new(10_000.0).unwrap()) - truth.time(at)).seconds()
        };
        assert!(smear(180_000).abs() < 1e-9);
        assert!((smear(195_000) + 0.5).abs() < 1e-9);
        assert!((smear(199_999) + 1.0).abs() < 1e-6);
        assert!(smear(200_000).abs() < 1e-9);
    }
}
