//! Readings of the clocks that only go forward, made from numbers so that tests can invent them.

use std::ops::Add;
use std::time::Duration;

use crate::units::NtpTimestamp;

/// A reading of the monotonic clock, in nanoseconds since an origin of the program's own.
///
/// Deadlines and ages are counted in it. It may be slewed by whoever steers the system's clock;
/// filters use [`Raw`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

impl Mono {
    /// From nanoseconds since the origin.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the origin.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// A reading of the raw monotonic clock, which nobody slews, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Raw(u64);

impl Raw {
    /// From nanoseconds since the origin.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the origin.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// How much later this is than `earlier`, in seconds by the raw clock; negative when it is
    /// earlier.
    #[expect(clippy::cast_precision_loss, reason = "a span of 100 days is exact to the nanosecond")]
    pub const fn seconds_since(self, earlier: Self) -> f64 {
        self.0.wrapping_sub(earlier.0).cast_signed() as f64 / 1e9
    }
}

/// A reading of the clock that counts on while the machine is suspended, in nanoseconds: its
/// advance over [`Mono`] tells of a suspend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Boot(u64);

impl Boot {
    /// From nanoseconds since the origin.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the origin.
    pub const fn nanos(self) -> u64 {
        self.0
    }
}

/// What the clocks showed when an input arrived: every core is told, none looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock: deadlines, ages.
    pub mono: Mono,
    /// The raw monotonic clock, which nobody slews: the time scale of filters.
    pub raw: Raw,
    /// The clock that counts on in a suspend.
    pub boot: Boot,
    /// The wall clock: what packets and people are told. For an engine it is the clock that it
    /// steers: the system's when it disciplines that, else its own virtual one.
    pub clock: NtpTimestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_never_go_negative() {
        let early = Mono::from_nanos(5);
        let late = early + Duration::from_nanos(7);
        assert_eq!(late.since(early), Duration::from_nanos(7));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(Mono::from_nanos(u64::MAX) + Duration::MAX, Mono::from_nanos(u64::MAX));
    }
}
