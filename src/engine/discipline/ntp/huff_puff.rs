//! The huff-n'-puff filter: for links that are congested one way for hours.
//!
//! It remembers the least delay of the last hours. A longer one is taken for a queue in the
//! direction that the offset points to, and half of what it is longer is taken off the offset.

use std::collections::VecDeque;
use std::time::Duration;

use crate::engine::discipline::limits::HUFF_PUFF_BUCKET;
use crate::units::Mono;

/// Least delays, each of a quarter of an hour.
#[derive(Clone, Debug)]
pub(super) struct HuffPuff {
    /// Newest first, in seconds; infinite where nothing was measured.
    minima_s: VecDeque<f64>,
    length: usize,
    /// When the newest bucket began.
    began: Mono,
}

impl HuffPuff {
    /// A filter that looks back `window`, with nothing in it.
    pub(super) fn new(window: Duration, now: Mono) -> Self {
        let buckets = window.as_secs() / HUFF_PUFF_BUCKET.as_secs();
        let length = usize::try_from(buckets).unwrap_or(1).clamp(1, MOST_BUCKETS);
        Self { minima_s: VecDeque::from([f64::INFINITY]), length, began: now }
    }

    /// Takes a delay in and returns what `offset_s` is after the correction, in seconds.
    pub(super) fn correct(&mut self, now: Mono, offset_s: f64, delay_s: f64) -> f64 {
        self.turn(now);
        if let Some(newest) = self.minima_s.front_mut() {
            *newest = newest.min(delay_s);
        }
        let least_s = self.minima_s.iter().copied().fold(delay_s, f64::min);
        let half_s = (delay_s - least_s) / 2.0;
        if offset_s > 0.0 { offset_s - half_s } else { offset_s + half_s }
    }

    /// Begins new buckets for the quarters of an hour that went by.
    fn turn(&mut self, now: Mono) {
        for _ in 0..self.length {
            if now.since(self.began) < HUFF_PUFF_BUCKET {
                return;
            }
            self.began = self.began + HUFF_PUFF_BUCKET;
            self.minima_s.push_front(f64::INFINITY);
            self.minima_s.truncate(self.length);
        }
        // All of the window went by: whatever is left of the gap is empty as well.
        if now.since(self.began) >= HUFF_PUFF_BUCKET {
            self.began = now;
        }
    }
}

/// A week: a longer window would only hold on to routes that are gone.
const MOST_BUCKETS: usize = 672;

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(n: u64) -> Mono {
        Mono::from_nanos(n * 60_000_000_000)
    }

    #[test]
    fn half_of_a_longer_delay_is_taken_off_towards_zero() {
        let mut filter = HuffPuff::new(Duration::from_secs(3600), minute(0));
        assert!((filter.correct(minute(1), 0.003, 0.020) - 0.003).abs() < 1e-12);
        assert!((filter.correct(minute(2), 0.050, 0.100) - 0.010).abs() < 1e-12);
        assert!((filter.correct(minute(3), -0.050, 0.100) + 0.010).abs() < 1e-12);
    }

    #[test]
    fn a_delay_is_forgotten_after_the_window() {
        let mut filter = HuffPuff::new(Duration::from_secs(3600), minute(0));
        filter.correct(minute(1), 0.0, 0.020);
        assert!((filter.correct(minute(59), 0.050, 0.100) - 0.010).abs() < 1e-12);
        assert!((filter.correct(minute(61), 0.050, 0.100) - 0.050).abs() < 1e-12);
        assert!((filter.correct(minute(10_000), 0.050, 0.200) - 0.050).abs() < 1e-12);
    }
}
