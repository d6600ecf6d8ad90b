//! True time: what nobody in a simulated world can read.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use serde::Deserialize;

/// A moment of true time, in nanoseconds since the world began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// From nanoseconds since the beginning.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// From whole seconds since the beginning.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(NANOS))
    }

    /// Nanoseconds since the beginning.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// In seconds since the beginning.
    #[expect(clippy::cast_precision_loss, reason = "100 days are exact to the nanosecond")]
    pub const fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add<Duration> for Moment {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// A span of time as a scenario writes it: `"1.5us"`, `"-20ms"`, `"6h"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(f64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0.0);

    /// From seconds; `None` when not finite.
    pub fn new(seconds: f64) -> Option<Self> {
        seconds.is_finite().then_some(Self(seconds))
    }

    /// From microseconds.
    pub const fn from_micros(microseconds: u32) -> Self {
        Self(microseconds as f64 / 1e6)
    }

    /// In seconds, negative where it is.
    pub const fn seconds(self) -> f64 {
        self.0
    }

    /// As a duration; nothing when negative.
    pub fn duration(self) -> Duration {
        Duration::try_from_secs_f64(self.0).unwrap_or_default()
    }

    /// That long after the beginning.
    pub fn moment(self) -> Moment {
        Moment::default() + self.duration()
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bad =
            || format!("`{}` is no span of time such as \"1.5ms\" or \"6h\"", text.escape_debug());
        let text = text.trim();
        let end = text.rfind(|c: char| c.is_ascii_digit() || c == '.').map_or(0, |last| last + 1);
        let (number, unit) = text.split_at_checked(end).ok_or_else(bad)?;
        let number: f64 = number.parse().map_err(|_| bad())?;
        let unit = UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(bad)?;
        Self::new(number * unit.1).ok_or_else(bad)
    }
}

impl fmt::Display for Span {
    /// In the unit that leaves the fewest digits before the point, but at least one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        let (unit, scale) = match size {
            s if s < 1e-6 => ("ns", 1e9),
            s if s < 1e-3 => ("us", 1e6),
            s if s < 1.0 => ("ms", 1e3),
            _ => ("s", 1.0),
        };
        let value = self.0 * scale;
        let digits = match value.abs() {
            v if v < 10.0 => 2,
            v if v < 100.0 => 1,
            _ => 0,
        };
        f.pad(&format!("{value:.digits$} {unit}"))
    }
}

const UNITS: [(&str, f64); 7] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("min", 60.0),
    ("h", 3600.0),
    ("d", 86_400.0),
];

const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_sign_and_unit() {
        let read = |text: &str| Span::try_from(text.to_owned()).map(Span::seconds);
        for (text, seconds) in
            [("1.5us", 1.5e-6), ("-20ms", -0.02), ("6h", 21_600.0), ("0s", 0.0), ("90 min", 5400.0)]
        {
            assert!((read(text).unwrap() - seconds).abs() < 1e-12, "{text}");
        }
        for bad in ["", "ms", "5", "5 parsecs", "1e999s", "--5s", "NaNs", "ä"] {
            assert!(read(bad).unwrap_err().contains("is no span"), "{bad}");
        }
    }

    #[test]
    fn spans_are_shown_in_a_fitting_unit() {
        let shown = |seconds| Span::new(seconds).unwrap().to_string();
        assert_eq!(shown(1.54e-6), "1.54 us");
        assert_eq!(shown(-0.0123), "-12.3 ms");
        assert_eq!(shown(0.0), "0.00 ns");
        assert_eq!(shown(4000.0), "4000 s");
    }
}
