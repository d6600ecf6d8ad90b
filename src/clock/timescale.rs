//! A clock as a line over the raw clock: what observing and simulated clocks are made of.

use crate::units::{NtpDuration, NtpTimestamp, Ppm, Raw};

/// Time as a straight line over the raw clock, bent at each change of rate.
#[derive(Clone, Copy, Debug)]
pub struct Timescale {
    /// A reading of the raw clock and what the line shows there.
    anchor: Raw,
    shows: NtpTimestamp,
    /// What the anchor lost to the resolution of a timestamp, in seconds.
    rest_s: f64,
    rate: Ppm,
}

impl Timescale {
    /// A line that shows `time` at `raw` and runs at the rate of the raw clock.
    pub fn new(raw: Raw, time: NtpTimestamp) -> Self {
        Self { anchor: raw, shows: time, rest_s: 0.0, rate: Ppm::default() }
    }

    /// What it shows at `raw`, which may lie before the last bend: the line goes straight back.
    pub fn at(&self, raw: Raw) -> NtpTimestamp {
        self.shows + NtpDuration::from_seconds(self.elapsed_s(raw) + self.rest_s)
    }

    /// How much faster than the raw clock it runs.
    pub const fn rate(&self) -> Ppm {
        self.rate
    }

    /// Bends it at `raw`: from there it runs at `rate` more than the raw clock.
    pub fn bend(&mut self, raw: Raw, rate: Ppm) {
        let elapsed_s = self.elapsed_s(raw) + self.rest_s;
        let whole = NtpDuration::from_seconds(elapsed_s);
        self.rest_s = elapsed_s - whole.seconds();
        self.shows = self.shows + whole;
        self.anchor = raw;
        self.rate = rate;
    }

    /// Moves all of it forward by `by`.
    pub fn step(&mut self, by: NtpDuration) {
        self.shows = self.shows + by;
    }

    fn elapsed_s(&self, raw: Raw) -> f64 {
        raw.seconds_since(self.anchor) * (1.0 + self.rate.parts_per_million() / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bent_line_stays_continuous() {
        let start = NtpTimestamp::from_unix(1_700_000_000, 0);
        let mut scale = Timescale::new(Raw::from_nanos(1_000), start);
        for second in 1_u32..=1000 {
            let raw = Raw::from_nanos(1_000 + u64::from(second) * 1_000_000_000);
            scale.bend(raw, Ppm::new(100.0).unwrap());
        }
        let end = Raw::from_nanos(1_000 + 1_001_000_000_000);
        let gained = (scale.at(end) - start).seconds() - 1001.0;
        // The first second ran at the raw clock's own rate.
        assert!((gained - 0.1).abs() < 2e-9, "{gained}");
        scale.step(NtpDuration::from_seconds(-0.5));
        assert!(((scale.at(end) - start).seconds() - 1000.6).abs() < 2e-9);
    }
}
