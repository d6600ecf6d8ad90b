//! Powers of two: poll intervals and clock precision are carried as exponents.

use std::time::Duration;

/// A poll interval as an exponent of two, in seconds. RFC 5905 allows 4 to 17; daemons report
/// others (NTPsec says 99 before the first packet), so any 8-bit value is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PollExponent(i8);

impl PollExponent {
    /// From the exponent.
    pub const fn new(exponent: i8) -> Self {
        Self(exponent)
    }

    /// The exponent.
    pub const fn exponent(self) -> i8 {
        self.0
    }

    /// The interval; `None` for an exponent outside 0 to 31, which no daemon keeps to.
    pub fn interval(self) -> Option<Duration> {
        let exponent = u32::try_from(self.0).ok().filter(|e| *e < 32)?;
        Some(Duration::from_secs(1 << exponent))
    }
}

/// The resolution of a clock as an exponent of two, in seconds; −20 is about a microsecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Precision(i8);

impl Precision {
    /// From the exponent.
    pub const fn new(exponent: i8) -> Self {
        Self(exponent)
    }

    /// The exponent.
    pub const fn exponent(self) -> i8 {
        self.0
    }

    /// In seconds.
    pub fn seconds(self) -> f64 {
        f64::from(self.0).exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sane_exponents_are_intervals() {
        assert_eq!(PollExponent::new(6).interval(), Some(Duration::from_secs(64)));
        assert_eq!(PollExponent::new(99).interval(), None);
        assert_eq!(PollExponent::new(-1).interval(), None);
    }

    #[test]
    fn precision_is_a_power_of_two_seconds() {
        assert!((Precision::new(-20).seconds() - 9.536_743e-7).abs() < 1e-12);
    }
}
