//! What the round trips of one source tell: the shortest there is, and how much longer they get.

use std::collections::VecDeque;

use crate::engine::discipline::kalman::likelihood::Window;

/// The round trips of one source over its last measurements.
#[derive(Clone, Debug, Default)]
pub(super) struct Delays {
    seen: VecDeque<f64>,
    shortest_s: f64,
    scale_s: f64,
}

impl Delays {
    /// Takes a round trip in.
    pub(super) fn push(&mut self, delay_s: f64) {
        if self.seen.len() == KEPT {
            self.seen.pop_front();
        }
        self.seen.push_back(delay_s);
        self.cut_at_route_change();
        self.shortest_s = self.seen.iter().copied().fold(f64::INFINITY, f64::min);
        self.scale_s = self.scale();
    }

    /// The shortest round trip seen, in seconds.
    pub(super) const fn shortest_s(&self) -> f64 {
        self.shortest_s
    }

    /// How long a packet queues in one direction, on average and apart from bursts, in seconds.
    pub(super) const fn scale_s(&self) -> f64 {
        self.scale_s
    }

    /// By how much the shortest seen is expected to exceed the shortest possible, in seconds.
    ///
    /// The sum of two exponential delays stays below z with a probability of about z²/2 of the
    /// scale squared, so the least of n is Rayleigh distributed.
    #[expect(clippy::cast_precision_loss, reason = "at most 256")]
    pub(super) fn shortfall_s(&self) -> f64 {
        SHORTFALL * self.scale_s * (2.0 / self.seen.len().max(1) as f64).sqrt()
    }

    /// Where the true offset may lie after a round trip of `delay_s` whose timestamps are wrong by
    /// `stamp_s` (one standard deviation).
    pub(super) fn window(&self, delay_s: f64, stamp_s: f64) -> Window {
        let shortfall_s = self.shortfall_s();
        let half_s = 0.5 * ((delay_s - self.shortest_s).max(0.0) + shortfall_s);
        Window {
            half_s,
            edge_s: (EDGE * shortfall_s).hypot(stamp_s),
            wide_s: (0.5 * delay_s.abs()).max(10.0 * half_s).max(10.0 * stamp_s),
        }
    }

    /// A change of route that made the path longer shows in a minimum that is not reached again.
    fn cut_at_route_change(&mut self) {
        if self.seen.len() <= 24 {
            return;
        }
        let recent = self.seen.iter().rev().take(16).copied().fold(f64::INFINITY, f64::min);
        if recent - self.shortest_s > ROUTE_CHANGE * 2.0 * self.scale_s {
            self.seen.drain(..self.seen.len() - 16);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "at most 256")]
    fn scale(&self) -> f64 {
        let mut excess: Vec<f64> = self.seen.iter().map(|delay| delay - self.shortest_s).collect();
        let count = excess.len();
        let mean = excess.iter().sum::<f64>() / count.max(1) as f64;
        let (_, median, _) = excess.select_nth_unstable_by(count / 2, f64::total_cmp);
        let seen = 0.5 * mean.min(BURSTY * *median);
        // A few round trips do not tell yet; they are taken for somewhat uneven.
        let guess = GUESS * self.shortest_s.abs();
        let trust = (count as f64 - 1.0) / (count as f64 - 1.0 + GUESS_WEIGHT);
        (trust * seen + (1.0 - trust) * guess).max(LEAST)
    }
}

/// Round trips kept.
const KEPT: usize = 256;

/// The mean of a Rayleigh distribution over its scale, √(π/2), times ½·√2: what Gamma order
/// statistics leave of it.
const SHORTFALL: f64 = 0.886;

/// The deviation of the shortfall over its mean, halved as its share of the window is.
const EDGE: f64 = 0.26;

/// A route is taken for changed at this many mean excesses.
const ROUTE_CHANGE: f64 = 1.5;

/// The mean of undisturbed round trips is at most this many medians; more comes from bursts.
const BURSTY: f64 = 1.5;

/// Before there are measurements: the queueing as a part of the shortest round trip, and how many
/// measurements that is worth.
const GUESS: f64 = 0.1;
const GUESS_WEIGHT: f64 = 2.0;

/// The least queueing that is told from none, in seconds.
const LEAST: f64 = 1e-9;
