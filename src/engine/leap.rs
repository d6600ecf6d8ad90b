//! Leap seconds: from what the sources announce to the moment at which one goes by.
//!
//! A leap second is believed when most of the survivors announce it, and only on the last day of
//! June or December. The clock itself carries it out at its midnight, as a kernel does; what is to
//! be done here is to tell it, to keep away from measurements around it, and to tell the
//! discipline when it is over.
//!
//! Differs: ntpd believes an announcement for the end of any month, days ahead. Leap seconds were
//! only ever at the ends of June and December, and an announcement that errs does harm.

use std::time::Duration;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use crate::units::{Leap, Mono, Now, NtpDuration, NtpTimestamp};

/// The leap second that is to come, if one is.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeapWatch {
    pending: Option<Pending>,
    /// When the last one went by.
    passed: Option<Mono>,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    kind: Leap,
    /// When it goes by, if the clock goes on as it does.
    at: Mono,
}

impl LeapWatch {
    /// Hears what most survivors announce; see
    /// [`vote`](crate::selection::leap::vote). Whether that changes what is to be
    /// announced by ourselves.
    ///
    /// Just before and after the leap nothing changes any more: sources do not take their
    /// announcement back at the same moment.
    pub fn hear(&mut self, now: &Now, elected: Leap) -> bool {
        if self.is_near(now.mono) {
            return false;
        }
        let before = self.announced();
        self.pending = match elected {
            Leap::Insert | Leap::Delete => time_to_midnight(now.clock).map(|left| {
                let early = if elected == Leap::Delete { SECOND } else { Duration::ZERO };
                Pending { kind: elected, at: now.mono + left.saturating_sub(early) }
            }),
            Leap::None | Leap::Alarm => None,
        };
        self.announced() != before
    }

    /// What the clock and the clients are to be told.
    pub fn announced(&self) -> Leap {
        self.pending.map_or(Leap::None, |pending| pending.kind)
    }

    /// Whether a leap second is so near that measurements are not to be trusted.
    pub fn is_near(&self, now: Mono) -> bool {
        let is_soon = self.pending.is_some_and(|pending| pending.at.since(now) < GUARD);
        is_soon || self.passed.is_some_and(|at| now.since(at) < GUARD)
    }

    /// When to call [`wakeup`](Self::wakeup).
    pub fn next_wakeup(&self) -> Option<Mono> {
        self.pending.map(|pending| pending.at)
    }

    /// How far the clock and all time have moved, when a leap second has just gone by: −1 s when
    /// one was inserted.
    pub fn wakeup(&mut self, now: &Now) -> Option<NtpDuration> {
        let pending = self.pending.filter(|pending| pending.at <= now.mono)?;
        self.pending = None;
        self.passed = Some(now.mono);
        let second = NtpDuration::from_seconds(1.0);
        Some(if pending.kind == Leap::Delete { second } else { -second })
    }

    /// Whether a step by `by` that was seen at `now` is nothing but the leap second.
    pub fn explains(&self, now: Mono, by: NtpDuration) -> bool {
        self.is_near(now) && (by.abs() - NtpDuration::from_seconds(1.0)).abs() < TOLERANCE
    }
}

/// How long until the end of this day, if leap seconds may be at its end.
fn time_to_midnight(clock: NtpTimestamp) -> Option<Duration> {
    let (seconds, nanoseconds) = clock.to_unix(IN_2027);
    let day = date(1970, 1, 1).checked_add(seconds.div_euclid(DAY_S).days()).ok()?;
    let left_s = u64::try_from(DAY_S - seconds.rem_euclid(DAY_S)).ok()?;
    let left = Duration::from_secs(left_s).saturating_sub(Duration::from_nanos(nanoseconds.into()));
    ends_a_half(day).then_some(left)
}

fn ends_a_half(day: Date) -> bool {
    matches!((day.month(), day.day()), (6, 30) | (12, 31))
}

const SECOND: Duration = Duration::from_secs(1);

/// How far from a leap second measurements are trusted again; as in chrony.
const GUARD: Duration = Duration::from_secs(5);

/// How exactly a step has to be a second to be a leap.
const TOLERANCE: NtpDuration = NtpDuration::from_bits(1 << 29);

const DAY_S: i64 = 86_400;

/// A moment of our days, in seconds since 1970, by which the era of a timestamp is told.
const IN_2027: i64 = 1_800_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// `seconds` before the midnight that ends 2028-12-31, `uptime` seconds after the start.
    fn before_midnight(seconds: i64, uptime: u64) -> Now {
        Now {
            mono: Mono::from_nanos(uptime * 1_000_000_000),
            clock: NtpTimestamp::from_unix(MIDNIGHT - seconds, 0),
            ..Now::default()
        }
    }

    /// 2029-01-01T00:00:00Z.
    const MIDNIGHT: i64 = 1_861_920_000;

    #[test]
    fn only_the_last_day_of_a_half_year_has_one() {
        let mut watch = LeapWatch::default();
        assert!(!watch.hear(&before_midnight(86_401, 0), Leap::Insert));
        assert_eq!(watch.announced(), Leap::None);
        assert!(watch.hear(&before_midnight(86_400, 1), Leap::Insert));
        assert_eq!(watch.announced(), Leap::Insert);
        assert!(!watch.hear(&before_midnight(80_000, 6_401), Leap::Insert));
        assert!(watch.hear(&before_midnight(70_000, 16_401), Leap::None));
        assert_eq!((watch.announced(), watch.next_wakeup()), (Leap::None, None));
        assert!(!watch.hear(&before_midnight(-10, 86_411), Leap::Insert));
        assert_eq!(watch.announced(), Leap::None);
    }

    #[test]
    fn it_goes_by_at_midnight_and_measurements_keep_away() {
        let mut watch = LeapWatch::default();
        watch.hear(&before_midnight(100, 1000), Leap::Insert);
        assert!(!watch.is_near(before_midnight(6, 1094).mono));
        assert!(watch.is_near(before_midnight(4, 1096).mono));
        // What a source says now comes too late to be heard.
        assert!(!watch.hear(&before_midnight(4, 1096), Leap::None));
        assert_eq!(watch.wakeup(&before_midnight(1, 1099)), None);
        let by = NtpDuration::from_seconds(-1.0);
        assert!(watch.explains(before_midnight(0, 1100).mono, by));
        assert_eq!(watch.wakeup(&before_midnight(1, 1100)), Some(by));
        assert_eq!(watch.wakeup(&before_midnight(1, 1100)), None);
        assert!(watch.is_near(before_midnight(-3, 1104).mono));
        assert!(!watch.is_near(before_midnight(-4, 1105).mono));
        assert!(!watch.explains(before_midnight(-4, 1105).mono, by));
        assert!(!watch.explains(before_midnight(0, 1100).mono, NtpDuration::from_seconds(3.0)));
    }

    #[test]
    fn a_deleted_second_goes_by_a_second_earlier() {
        let mut watch = LeapWatch::default();
        watch.hear(&before_midnight(100, 1000), Leap::Delete);
        assert_eq!(watch.next_wakeup(), Some(before_midnight(1, 1099).mono));
        let by = watch.wakeup(&before_midnight(1, 1099));
        assert_eq!(by, Some(NtpDuration::from_seconds(1.0)));
    }
}
