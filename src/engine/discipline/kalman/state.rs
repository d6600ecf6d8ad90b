//! One hypothesis of how the local oscillator wanders, and what follows from it.
//!
//! The state is how far true time is ahead of the raw clock (x), how fast that grows (y), and a
//! bias for each of several sources: how much more than true time the source seems ahead, for its
//! path is uneven. The frequency does a random walk of known intensity.

use crate::engine::discipline::kalman::likelihood::Evidence;

/// Most sources that one filter joins.
pub(super) const SLOTS: usize = 10;

/// The size of the state.
const SIZE: usize = 2 + SLOTS;

/// A Gaussian belief of the state.
#[derive(Clone, Debug)]
pub(super) struct State {
    mean: [f64; SIZE],
    covariance: [[f64; SIZE]; SIZE],
    /// How many rows are in use.
    used: usize,
}

#[expect(
    clippy::indexing_slicing,
    reason = "rows and columns run to `used`, at most SIZE; slots are below SLOTS"
)]
impl State {
    /// A belief with no sources: the phase in seconds, the frequency in s/s, and their variances.
    pub(super) fn new(phase: (f64, f64), frequency: (f64, f64)) -> Self {
        let mut state = Self { mean: [0.0; SIZE], covariance: [[0.0; SIZE]; SIZE], used: 2 };
        state.mean[0] = phase.0;
        state.mean[1] = frequency.0;
        state.covariance[0][0] = phase.1;
        state.covariance[1][1] = frequency.1;
        state
    }

    /// The phase: how far true time is ahead of the raw clock, in seconds.
    pub(super) const fn phase_s(&self) -> f64 {
        self.mean[0]
    }

    /// How fast true time gains on the raw clock, in s/s.
    pub(super) const fn frequency(&self) -> f64 {
        self.mean[1]
    }

    /// Variances of phase and frequency and their covariance.
    pub(super) const fn spread(&self) -> Spread {
        Spread {
            phase: self.covariance[0][0],
            both: self.covariance[0][1],
            frequency: self.covariance[1][1],
        }
    }

    /// The bias in `slot`, in seconds, and its variance.
    pub(super) fn bias(&self, slot: usize) -> (f64, f64) {
        let row = (2 + slot).min(SIZE - 1);
        (self.mean[row], self.covariance[row][row])
    }

    /// Moves on by `span_s` with a random walk of the frequency of `wander` (s²/s³); each bias in
    /// use walks by `bias_walk` (s²/s).
    #[expect(clippy::needless_range_loop, reason = "rows and columns of one symmetric matrix")]
    pub(super) fn predict(&mut self, span_s: f64, wander: f64, bias_walk: f64) {
        let used = self.used.min(SIZE);
        self.mean[0] += self.mean[1] * span_s;
        let c = &mut self.covariance;
        c[0][0] += span_s * (2.0 * c[0][1] + span_s * c[1][1]) + wander * span_s.powi(3) / 3.0;
        c[0][1] += span_s * c[1][1] + wander * span_s * span_s / 2.0;
        c[1][0] = c[0][1];
        c[1][1] += wander * span_s;
        for row in 2..used {
            c[0][row] += span_s * c[1][row];
            c[row][0] = c[0][row];
            if c[row][row] > 0.0 {
                c[row][row] += bias_walk * span_s;
            }
        }
    }

    /// What a source will seem ahead of the raw clock, in seconds, and the variance of that.
    pub(super) fn expect(&self, slot: Option<usize>) -> (f64, f64) {
        let c = &self.covariance;
        slot.map_or((self.mean[0], c[0][0]), |slot| {
            let row = (2 + slot).min(SIZE - 1);
            (self.mean[0] + self.mean[row], c[0][0] + 2.0 * c[0][row] + c[row][row])
        })
    }

    /// Learns from a measurement of the source in `slot`.
    pub(super) fn learn(&mut self, slot: Option<usize>, evidence: &Evidence) {
        let used = self.used.min(SIZE);
        let mut gain = [0.0; SIZE];
        for (row, gain) in gain.iter_mut().enumerate().take(used) {
            *gain = self.covariance[row][0];
            if let Some(slot) = slot {
                *gain += self.covariance[row][(2 + slot).min(SIZE - 1)];
            }
        }
        for row in 0..used {
            self.mean[row] += gain[row] * evidence.slope;
            for column in 0..=row {
                let lost = gain[row] * gain[column] * evidence.curvature;
                self.covariance[row][column] -= lost;
                self.covariance[column][row] = self.covariance[row][column];
            }
        }
        for row in 0..used {
            // Rounding must not make a variance negative; zero is a slot that is not in use.
            if self.covariance[row][row] < 0.0 {
                self.isolate(row, FLOOR);
            }
        }
    }

    /// Begins a bias in `slot` with this variance, independent of all else.
    pub(super) fn begin_bias(&mut self, slot: usize, variance: f64) {
        let row = (2 + slot).min(SIZE - 1);
        self.used = self.used.max(row + 1);
        self.mean[row] = 0.0;
        self.isolate(row, variance);
    }

    /// Begins a bias of the source that alone has set the phase so far: what was taken for the
    /// phase was the sum of both.
    pub(super) fn split_bias(&mut self, slot: usize, variance: f64) {
        self.begin_bias(slot, variance);
        let row = (2 + slot).min(SIZE - 1);
        self.covariance[0][0] += variance;
        self.covariance[0][row] = -variance;
        self.covariance[row][0] = -variance;
        for other in (2..self.used.min(SIZE)).filter(|other| *other != row) {
            self.covariance[row][other] = 0.0;
            self.covariance[other][row] = 0.0;
        }
    }

    /// Forgets the bias in `slot`.
    pub(super) fn end_bias(&mut self, slot: usize) {
        let row = (2 + slot).min(SIZE - 1);
        self.mean[row] = 0.0;
        self.isolate(row, 0.0);
    }

    /// Makes the bias in `slot` less sure by `variance`.
    pub(super) fn loosen_bias(&mut self, slot: usize, variance: f64) {
        let row = (2 + slot).min(SIZE - 1);
        if self.covariance[row][row] > 0.0 {
            self.covariance[row][row] += variance;
        }
    }

    /// Makes the phase less sure by `phase` (s²) and the frequency by `frequency`.
    pub(super) fn loosen(&mut self, phase: f64, frequency: f64) {
        self.covariance[0][0] += phase;
        self.covariance[1][1] += frequency;
    }

    fn isolate(&mut self, row: usize, variance: f64) {
        for other in 0..SIZE {
            self.covariance[row][other] = 0.0;
            self.covariance[other][row] = 0.0;
        }
        self.covariance[row][row] = variance;
    }
}

/// How unsure phase and frequency are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spread {
    /// Variance of the phase, in s².
    pub phase: f64,
    /// Covariance of both, in s.
    pub both: f64,
    /// Variance of the frequency.
    pub frequency: f64,
}

/// What a variance becomes that rounding made negative.
const FLOOR: f64 = 1e-24;

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() <= 1e-9 * expected.abs(), "{value} {expected}");
    }

    /// Engine reference, vector V15.
    #[test]
    fn one_step_with_a_gaussian_measurement_is_that_of_the_vector() {
        let mut state = State::new((5e-4, 1e-8), (2e-7, 1e-14));
        state.predict(64.0, 1e-18, 0.0);
        let spread = state.spread();
        close(state.phase_s(), 5.128e-4);
        close(spread.phase, 1e-8 + 64.0 * 64.0 * 1e-14 + 1e-18 * 64.0_f64.powi(3) / 3.0);
        close(spread.both, 6.420_48e-13);
        close(spread.frequency, 1.0064e-14);
        let (expected_s, variance) = state.expect(None);
        let (residual_s, sum) = (4.9e-4 - expected_s, variance + 3e-4_f64.powi(2) / 12.0);
        assert!((sum - 1.754_104_738e-8).abs() < 1e-17);
        assert!((spread.phase / sum - 0.572_431_461_1).abs() < 1e-9);
        assert!((residual_s * residual_s / sum - 0.029_635_631).abs() < 1e-8);
        let log = -0.5 * (sum.ln() + residual_s * residual_s / sum);
        assert!((log - 8.914_543_254).abs() < 1e-8);
        let evidence =
            Evidence { slope: residual_s / sum, curvature: 1.0 / sum, log, outside: 0.0 };
        state.learn(None, &evidence);
        let spread = state.spread();
        assert!((state.phase_s() - 4.997_485_626_874e-4).abs() < 1e-15);
        assert!((state.frequency() - 1.991_654_606_432e-7).abs() < 1e-18);
        assert!((spread.phase - 4.293_235_958e-9).abs() < 1e-17);
        assert!((spread.both - 2.745_195_253e-13).abs() < 1e-21);
        assert!((spread.frequency - 1.004_049_937e-14).abs() < 1e-22);
    }

    #[test]
    fn splitting_a_bias_off_leaves_what_the_source_will_show() {
        let mut state = State::new((1e-3, 1e-8), (0.0, 1e-12));
        let before = state.expect(None);
        state.split_bias(0, 1e-6);
        let after = state.expect(Some(0));
        assert!((before.0 - after.0).abs() < 1e-18 && (before.1 - after.1).abs() < 1e-18);
        assert!((state.spread().phase - 1.01e-6).abs() < 1e-15);
    }

    #[test]
    fn two_sources_that_disagree_share_the_difference_by_their_priors() {
        let mut state = State::new((0.0, 1e-10), (0.0, 0.0));
        state.split_bias(0, 1e-6);
        state.begin_bias(1, 4e-6);
        for _ in 0..200 {
            for (slot, shown) in [(0, 0.0), (1, 5e-4)] {
                let (expected, variance) = state.expect(Some(slot));
                let sum = variance + 1e-10;
                let slope = (shown - expected) / sum;
                let evidence = Evidence { slope, curvature: 1.0 / sum, log: 0.0, outside: 0.0 };
                state.learn(Some(slot), &evidence);
            }
        }
        // Of 500 µs between them one fifth is the bias of the one, four fifths of the other.
        assert!((state.phase_s() - 1e-4).abs() < 1e-6, "{}", state.phase_s());
        assert!((state.bias(1).0 - 4e-4).abs() < 1e-6);
    }
}
