//! Leap seconds: from what is announced to the moment at which one goes by.
//!
//! A table of leap seconds is believed for as long as it is good, whatever sources say. Without one
//! a leap second is believed when most of the survivors announce it, and only on the last day of
//! June or December. The clock itself carries it out at its midnight, as a kernel does; what is to
//! be done here is to tell it, to keep away from measurements around it, and to tell the
//! discipline when it is over.
//!
//! Differs: ntpd believes an announcement of sources for the end of any month, days ahead. Leap
//! seconds were only ever at the ends of June and December, and an announcement that errs does harm.

use std::time::Duration;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use crate::config::leap_file::LeapTable;
use crate::units::{Leap, Mono, Now, NtpDuration, NtpTimestamp};

/// The leap second that is to come, if one is.
#[derive(Clone, Debug, Default)]
pub struct LeapWatch {
    /// What a leap-seconds file says.
    table: Option<LeapTable>,
    /// What most sources last announced.
    elected: Option<Leap>,
    pending: Option<Pending>,
    /// When the last one went by.
    passed: Option<Mono>,
}

/// A leap second that is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coming {
    /// Whether a second is inserted or deleted.
    pub kind: Leap,
    /// The midnight at whose end it is, in UTC.
    pub at: NtpTimestamp,
    /// How long it is until then.
    pub left: Duration,
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
        self.elected = Some(elected);
        let coming = self.coming(now.clock).filter(|coming| coming.left <= ANNOUNCED);
        self.pending = coming.map(|coming| {
            let early = if coming.kind == Leap::Delete { SECOND } else { Duration::ZERO };
            Pending { kind: coming.kind, at: now.mono + coming.left.saturating_sub(early) }
        });
        self.announced() != before
    }

    /// Hears nothing new, but time went by or the table is another one. What sources announced
    /// holds until that second has gone by, though none of them is heard any more.
    pub fn hear_again(&mut self, now: &Now) -> bool {
        let elected = self.pending.and(self.elected);
        self.hear(now, elected.unwrap_or(Leap::None))
    }

    /// The next leap second that is known of when the clock shows `clock`.
    pub fn coming(&self, clock: NtpTimestamp) -> Option<Coming> {
        if let Some(table) = self.in_force(clock) {
            let next = table.next(clock)?;
            let left = (next.at - clock).to_std()?;
            return Some(Coming { kind: next.kind, at: next.at, left });
        }
        let kind = self.elected.filter(|elected| matches!(elected, Leap::Insert | Leap::Delete))?;
        let left = time_to_midnight(clock)?;
        Some(Coming { kind, at: clock + NtpDuration::from(left), left })
    }

    /// The table, while it is good.
    fn in_force(&self, clock: NtpTimestamp) -> Option<&LeapTable> {
        self.table.as_ref().filter(|table| table.left(clock) > NtpDuration::ZERO)
    }

    /// The table, good or not.
    pub const fn table(&self) -> Option<&LeapTable> {
        self.table.as_ref()
    }

    /// Goes by this table from now on.
    pub fn set_table(&mut self, table: Option<LeapTable>) {
        self.table = table;
    }

    /// What the clock and the clients are to be told.
    pub fn announced(&self) -> Leap {
        self.pending.map_or(Leap::None, |pending| pending.kind)
    }

    /// Whether a leap second is so near that measurements are not to be trusted.
    pub fn is_near(&self, now: Mono) -> bool {
        self.is_within(now, GUARD)
    }

    /// Whether one is less than `span` away, to come or gone by.
    pub fn is_within(&self, now: Mono, span: Duration) -> bool {
        let is_soon = self.pending.is_some_and(|pending| pending.at.since(now) < span);
        is_soon || self.has_passed_by(now, span)
    }

    /// Whether one has gone by less than `span` ago.
    pub fn has_passed_by(&self, now: Mono, span: Duration) -> bool {
        self.passed.is_some_and(|at| now.since(at) < span)
    }

    /// When to call [`wakeup`](Self::wakeup).
    pub fn next_wakeup(&self) -> Option<Mono> {
        self.pending.map(|pending| pending.at)
    }

    /// When to look again what the table says, if the clock shows `now`.
    pub fn next_look(&self, now: &Now) -> Option<Mono> {
        self.table.as_ref()?;
        let left = self.coming(now.clock).map(|coming| coming.left.saturating_sub(ANNOUNCED));
        let until = left.filter(|left| !left.is_zero()).unwrap_or(BETWEEN_LOOKS);
        Some(now.mono + until.min(BETWEEN_LOOKS))
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

/// How long before it comes a leap second is announced, and the clock told: on its last day, for
/// then the clock expects it at its next midnight.
const ANNOUNCED: Duration = Duration::from_secs(86_400);

/// How often the table is looked at, in case the clock was set.
const BETWEEN_LOOKS: Duration = Duration::from_secs(3600);

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
