//! NTP timestamps: 32 bits of seconds since 1900, wrapping every 136 years, and 32 of fraction.

use std::ops::{Add, Sub};
use std::time::Duration;

use crate::units::NtpDuration;

/// A point in time as the protocol writes it (RFC 5905 §6). All zero means *never* or *unknown*.
///
/// Differences are taken modulo 2⁶⁴, so they are right across the end of an era (2036) as long
/// as the two points lie within 68 years of each other. There is no order: which of two wrapped
/// points comes first only a difference can say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NtpTimestamp(u64);

impl NtpTimestamp {
    /// The reserved value *never*.
    pub const NEVER: Self = Self(0);

    /// From its 64 bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Its 64 bits: seconds above, fraction below.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// From seconds and nanoseconds since 1970, as the system's clock counts.
    #[expect(clippy::cast_sign_loss, reason = "wrapping into the era is the definition")]
    pub const fn from_unix(seconds: i64, nanoseconds: u32) -> Self {
        let era_seconds = (seconds.wrapping_add(UNIX_EPOCH) as u64) & 0xffff_ffff;
        Self((era_seconds << 32) | (((nanoseconds as u64) << 32) / 1_000_000_000))
    }

    /// From the time since 1970.
    pub fn from_unix_duration(since_1970: Duration) -> Self {
        #[expect(clippy::cast_possible_wrap, reason = "wraps into the era in any case")]
        Self::from_unix(since_1970.as_secs() as i64, since_1970.subsec_nanos())
    }

    /// Seconds since 1970 and nanoseconds, in the era nearest to `near` (seconds since 1970).
    pub fn to_unix(self, near: i64) -> (i64, u32) {
        let pivot = Self::from_unix(near, 0);
        #[expect(clippy::cast_possible_wrap, reason = "a wrapped difference is signed")]
        let ahead = (self.0 >> 32).wrapping_sub(pivot.0 >> 32) as u32 as i32;
        let nanoseconds = ((self.fraction() * 1_000_000_000) >> 32) as u32;
        (near.saturating_add(i64::from(ahead)), nanoseconds)
    }

    /// Whether this is the reserved value *never*.
    pub const fn is_never(self) -> bool {
        self.0 == 0
    }

    /// Seconds within the era.
    pub const fn seconds(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Fraction of a second, in units of 2⁻³² s.
    pub const fn fraction(self) -> u64 {
        self.0 & 0xffff_ffff
    }
}

impl Sub for NtpTimestamp {
    type Output = NtpDuration;

    /// How much later `self` is than `rhs`.
    fn sub(self, rhs: Self) -> NtpDuration {
        NtpDuration::from_bits(self.0.wrapping_sub(rhs.0).cast_signed())
    }
}

impl Add<NtpDuration> for NtpTimestamp {
    type Output = Self;

    fn add(self, rhs: NtpDuration) -> Self {
        Self(self.0.wrapping_add(rhs.bits().cast_unsigned()))
    }
}

/// Seconds from 1900 to 1970.
const UNIX_EPOCH: i64 = 2_208_988_800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_cross_the_end_of_an_era() {
        let before = NtpTimestamp::from_bits(0xffff_ffff_8000_0000);
        let after = NtpTimestamp::from_bits(0x0000_0001_0000_0000);
        assert_eq!((after - before).seconds().to_bits(), 1.5_f64.to_bits());
        assert_eq!(before + (after - before), after);
    }

    #[test]
    fn unix_time_survives_the_round_trip_in_either_era() {
        for seconds in [0, 1_795_219_164, 2_085_978_495, 2_085_978_497, 4_000_000_000] {
            let stamp = NtpTimestamp::from_unix(seconds, 250_000_000);
            assert_eq!(stamp.to_unix(seconds + 1000), (seconds, 250_000_000));
        }
    }

    #[test]
    fn a_captured_reference_time_reads_as_ntpq_printed_it() {
        // eeab5d5c.eaa7b65e was printed as 2026-11-20T23:59:24.916Z.
        let stamp = NtpTimestamp::from_bits(0xeeab_5d5c_eaa7_b65e);
        let (seconds, nanoseconds) = stamp.to_unix(1_700_000_000);
        assert_eq!((seconds, nanoseconds / 1_000_000), (1_795_219_164, 916));
    }
}
