//! Leap seconds, as a kernel carries them out: announced by a status, done at the clock's midnight.

use crate::units::{Leap, NtpDuration, NtpTimestamp};

/// A leap second that was announced to a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AnnouncedLeap {
    kind: Leap,
    /// The midnight, in seconds since 1970 by the clock; `None` when it is over and the
    /// announcement has not been taken back yet.
    at: Option<i64>,
}

impl AnnouncedLeap {
    /// What stands after a status said `leap` while the clock showed `clock`; `before` is what
    /// stood until then.
    pub(super) fn after(before: Option<Self>, leap: Leap, clock: NtpTimestamp) -> Option<Self> {
        match (leap, before) {
            (Leap::None | Leap::Alarm, _) => None,
            (kind, Some(announced)) if announced.kind == kind => Some(announced),
            (kind, _) => Some(Self { kind, at: Some(next_midnight(clock)) }),
        }
    }

    /// How far the clock has to move because of it, when it shows `clock` without having moved.
    pub(super) fn due(self, clock: NtpTimestamp) -> Option<NtpDuration> {
        let at = self.at?;
        let (seconds, _) = clock.to_unix(at);
        let (due, by_s) = match self.kind {
            Leap::Insert => (at, -1.0),
            Leap::Delete => (at - 1, 1.0),
            Leap::None | Leap::Alarm => return None,
        };
        (seconds >= due).then(|| NtpDuration::from_seconds(by_s))
    }

    /// The same when the clock has moved.
    pub(super) const fn done(self) -> Self {
        Self { at: None, ..self }
    }
}

/// The end of the day of `clock`, in seconds since 1970.
fn next_midnight(clock: NtpTimestamp) -> i64 {
    let (seconds, _) = clock.to_unix(IN_2027);
    (seconds.div_euclid(DAY_S) + 1) * DAY_S
}

const DAY_S: i64 = 86_400;

/// A moment of our days, in seconds since 1970, by which the era of a timestamp is told.
const IN_2027: i64 = 1_800_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_holds_for_one_midnight_in_either_era() {
        // 2016-12-31 and 2040-06-30, an hour before midnight.
        for evening in [1_483_225_200_i64, 2_224_710_000] {
            let at = |seconds: i64| NtpTimestamp::from_unix(evening + seconds, 0);
            let leap = AnnouncedLeap::after(None, Leap::Insert, at(0)).unwrap();
            assert_eq!(leap.due(at(3599)), None);
            assert_eq!(leap.due(at(3600)), Some(NtpDuration::from_seconds(-1.0)));
            let again = AnnouncedLeap::after(Some(leap.done()), Leap::Insert, at(3599)).unwrap();
            assert_eq!(again.due(at(3600 + 86_400)), None);
            assert_eq!(AnnouncedLeap::after(Some(again), Leap::None, at(3601)), None);
            let deleted = AnnouncedLeap::after(None, Leap::Delete, at(0)).unwrap();
            assert_eq!(deleted.due(at(3598)), None);
            assert_eq!(deleted.due(at(3599)), Some(NtpDuration::from_seconds(1.0)));
        }
    }
}
