//! A signed span of time.
//!
//! The sign convention of the whole program: an **offset is positive when the other clock is
//! ahead** of the one it is compared with (RFC 5905 §8, θ), so a positive offset means that the
//! local clock is slow.

use std::ops::{Add, Neg, Sub};
use std::time::Duration;

/// A signed span of time in units of 2⁻³² s, the resolution of an NTP timestamp.
///
/// Arithmetic saturates at ±68 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NtpDuration(i64);

impl NtpDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From a count of 2⁻³² s.
    pub const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    /// The count of 2⁻³² s.
    pub const fn bits(self) -> i64 {
        self.0
    }

    /// From seconds; saturates, and not-a-number becomes zero.
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, which is what we want")]
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * TWO_POW_32).round() as i64)
    }

    /// From milliseconds, the unit of offsets and delays in control messages.
    pub fn from_milliseconds(milliseconds: f64) -> Self {
        Self::from_seconds(milliseconds / 1e3)
    }

    /// In seconds.
    #[expect(clippy::cast_precision_loss, reason = "53 bits of a span are plenty")]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / TWO_POW_32
    }

    /// In milliseconds.
    pub fn milliseconds(self) -> f64 {
        self.seconds() * 1e3
    }

    /// From the 32-bit short form of root delay and root dispersion (16 bits of seconds).
    pub const fn from_short(short: u32) -> Self {
        Self((short as i64) << 16)
    }

    /// In the 32-bit short form; negative spans become zero, long ones its greatest value.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    pub fn short(self) -> u32 {
        (self.0 >> 16).clamp(0, i64::from(u32::MAX)) as u32
    }

    /// The span without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// As a standard duration; `None` when negative.
    pub fn to_std(self) -> Option<Duration> {
        let bits = u64::try_from(self.0).ok()?;
        let nanoseconds = ((bits & 0xffff_ffff) * 1_000_000_000) >> 32;
        Some(Duration::from_secs(bits >> 32) + Duration::from_nanos(nanoseconds))
    }
}

impl From<Duration> for NtpDuration {
    fn from(span: Duration) -> Self {
        let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX).saturating_mul(1 << 32);
        let fraction = (i64::from(span.subsec_nanos()) << 32) / 1_000_000_000;
        Self(seconds.saturating_add(fraction))
    }
}

impl Add for NtpDuration {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl Sub for NtpDuration {
    type Output = Self;
    fn sub(self, rhs: Self) -> Self {
        Self(self.0.saturating_sub(rhs.0))
    }
}

impl Neg for NtpDuration {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

const TWO_POW_32: f64 = 4_294_967_296.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_survive_the_round_trip() {
        for seconds in [0.0, 1.0, -1.5, 0.000_001, 68.25] {
            assert!((NtpDuration::from_seconds(seconds).seconds() - seconds).abs() < 3e-10);
        }
    }

    #[test]
    fn absurd_spans_saturate() {
        assert_eq!(NtpDuration::from_seconds(1e300).bits(), i64::MAX);
        assert_eq!(NtpDuration::from_seconds(f64::NAN), NtpDuration::ZERO);
        assert_eq!(-NtpDuration::from_bits(i64::MIN), NtpDuration::from_bits(i64::MAX));
    }

    #[test]
    fn the_short_form_has_sixteen_bits_of_fraction() {
        assert_eq!(NtpDuration::from_short(0x0001_8000).seconds().to_bits(), 1.5_f64.to_bits());
        assert_eq!(NtpDuration::from_seconds(1.5).short(), 0x0001_8000);
        assert_eq!(NtpDuration::from_seconds(-1.0).short(), 0);
        assert_eq!(NtpDuration::from_seconds(1e9).short(), u32::MAX);
    }

    #[test]
    fn standard_durations_convert_both_ways() {
        let span = Duration::new(3, 500_000_000);
        assert_eq!(NtpDuration::from(span).to_std(), Some(span));
        assert_eq!(NtpDuration::from_seconds(-0.1).to_std(), None);
    }
}
