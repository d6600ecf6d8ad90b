//! Spreading a leap second for those who ask us (ntpd's `leapsmearinterval`).
//!
//! Clients that know nothing of leap seconds get a time that is a second off at the end of the day,
//! reached so slowly that they follow: half a cosine over the interval before it. Only what is told
//! to clients is changed, never our clock; and the reference ID says that it is, and by how much,
//! for such a time must not be mixed with the true one.
//!
//! Differs: ntpd spreads a second that is left out in the same direction as one that is inserted,
//! and works the offset out once a second. Around the second itself, when it depends on
//! milliseconds whether our clock was set already, clients are told that we do not know.

use std::f64::consts::PI;
use std::time::Duration;

use crate::engine::Engine;
use crate::units::{Leap, Mono, Now, NtpDuration, NtpTimestamp, RefId};
use crate::wire::packet::Header;

/// A leap second that is being spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Smear {
    /// The midnight at which it is over.
    end: NtpTimestamp,
    /// How long before that it begins.
    interval: Duration,
    kind: Leap,
}

impl Smear {
    /// Of the leap second at `end`, over `interval`.
    pub const fn new(end: NtpTimestamp, interval: Duration, kind: Leap) -> Self {
        Self { end, interval, kind }
    }

    /// What is added to the time when the clock shows `clock`; zero before and afterwards.
    pub fn offset(&self, clock: NtpTimestamp) -> NtpDuration {
        let interval_s = self.interval.as_secs_f64();
        let left_s = (self.end - clock).seconds();
        if !(0.0..=interval_s).contains(&left_s) || interval_s <= 0.0 {
            return NtpDuration::ZERO;
        }
        let part = 1.0 - left_s / interval_s;
        let whole = (1.0 - (PI * part).cos()) / 2.0;
        NtpDuration::from_seconds(if self.kind == Leap::Delete { whole } else { -whole })
    }

    /// Changes what a reply tells of our clock.
    pub(in crate::engine) fn change(&self, header: &mut Header) {
        let offset = self.offset(header.receive);
        header.transmit = header.transmit + self.offset(header.transmit);
        header.receive = header.receive + offset;
        if offset != NtpDuration::ZERO {
            // By the same, so that our clock was not set after it was read.
            header.reference = header.reference + offset;
            header.reference_id = reference_id(offset);
        }
    }
}

/// A reference ID that tells of an offset: 254, then its lowest 24 bits in units of 2⁻²² s.
fn reference_id(offset: NtpDuration) -> RefId {
    let units = (offset.bits() + (1 << 9)) >> 10;
    let [.., high, middle, low] = units.to_be_bytes();
    RefId::new([254, high, middle, low])
}

impl Engine {
    /// The leap second that is being spread for those who ask us, if one is.
    pub(in crate::engine) fn smear(&self, now: &Now) -> Option<Smear> {
        if self.smear_interval.is_zero() || self.leap.has_passed_by(now.mono, AFTERMATH) {
            return None;
        }
        let coming = self.leap.coming(now.clock).filter(|c| c.left <= self.smear_interval)?;
        Some(Smear::new(coming.at, self.smear_interval, coming.kind))
    }

    /// The leap indicator that is told to those who ask us.
    pub(in crate::engine) fn leap_told(&self, mono: Mono) -> Leap {
        let is_known = self.system.leap != Leap::Alarm;
        if self.leap.is_within(mono, HANDOVER) {
            Leap::Alarm
        } else if is_known && !self.smear_interval.is_zero() {
            Leap::None
        } else {
            self.system.leap
        }
    }
}

/// So long before and after a leap second nobody is told the time for sure.
const HANDOVER: Duration = Duration::from_secs(1);

/// So long after a leap second our clock may show the end of its day once more: when exactly it
/// goes by is reckoned beforehand.
const AFTERMATH: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(left_s: f64) -> NtpTimestamp {
        END + NtpDuration::from_seconds(-left_s)
    }

    const END: NtpTimestamp = NtpTimestamp::from_unix(1_861_920_000, 0);
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn a_second_is_spread_by_half_a_cosine() {
        let smear = Smear::new(END, DAY, Leap::Insert);
        // -(1 - cos(pi * (t - L + W) / W)) / 2, worked out apart from this.
        for (left_s, expected_s) in [
            (86_401.0, 0.0),
            (86_400.0, 0.0),
            (64_800.0, -0.146_446_609_406_726_24),
            (43_200.0, -0.5),
            (21_600.0, -0.853_553_390_593_273_8),
            (3600.0, -0.995_722_430_686_905_2),
            (0.0, -1.0),
            (-0.001, 0.0),
        ] {
            let found_s = smear.offset(at(left_s)).seconds();
            assert!((found_s - expected_s).abs() < 1e-9, "{left_s}: {found_s}");
        }
        let deleted = Smear::new(END, DAY, Leap::Delete).offset(at(43_200.0));
        assert!((deleted.seconds() - 0.5).abs() < 1e-9);
        let never = Smear::new(END, Duration::ZERO, Leap::Insert);
        assert_eq!(never.offset(END), NtpDuration::ZERO);
    }

    #[test]
    fn what_is_told_never_goes_backwards_and_hardly_slower() {
        let smear = Smear::new(END, DAY, Leap::Insert);
        let told = |left_s| at(left_s) + smear.offset(at(left_s));
        for step in 0..864 {
            let left_s = 86_400.0 - 100.0 * f64::from(step);
            let passed_s = (told(left_s - 100.0) - told(left_s)).seconds();
            assert!((99.998..=100.0).contains(&passed_s), "{left_s}: {passed_s}");
        }
    }

    #[test]
    fn the_reference_id_tells_by_how_much() {
        for (offset_s, octets) in [
            (-0.5, [254, 0xe0, 0, 0]),
            (-1.0, [254, 0xc0, 0, 0]),
            (0.5, [254, 0x20, 0, 0]),
            (-0.25, [254, 0xf0, 0, 0]),
            (-1.0 / 4_194_304.0, [254, 0xff, 0xff, 0xff]),
        ] {
            let found = reference_id(NtpDuration::from_seconds(offset_s));
            assert_eq!(found, RefId::new(octets), "{offset_s}");
        }
    }

    #[test]
    fn a_reply_is_changed_in_all_that_it_tells_of_our_clock() {
        let smear = Smear::new(END, DAY, Leap::Insert);
        let clock = at(43_200.0);
        let original = Header {
            receive: clock,
            transmit: clock,
            reference: at(43_300.0),
            reference_id: RefId::new([192, 0, 2, 1]),
            ..Header::request(END)
        };
        let mut header = original;
        smear.change(&mut header);
        let by = |changed: NtpTimestamp, from: NtpTimestamp| (changed - from).seconds();
        for moved_s in [
            by(header.receive, original.receive),
            by(header.transmit, original.transmit),
            by(header.reference, original.reference),
        ] {
            assert!((moved_s + 0.5).abs() < 1e-6, "{moved_s}");
        }
        assert_eq!(header.reference_id, RefId::new([254, 0xe0, 0, 0]));
        let mut before = Header { receive: at(90_000.0), transmit: at(90_000.0), ..original };
        let same = before;
        smear.change(&mut before);
        assert_eq!(before, same);
    }
}
