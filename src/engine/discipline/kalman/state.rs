//! One hypothesis of how the local oscillator wanders, and what follows from it.
//!
//! The state is how far true time is ahead of the raw clock (x), how fast that grows (y), and a
//! bias for each of several sources: how much more than true time the source seems ahead, for its
//! path is uneven. The frequency does a random walk of known intensity.

use crate::engine::discipline::kalman::likelihood::Evidence;

/// Most sources that one filter joins.
pub(super) const SLOTS: usize = 10;

/// How many biases are joined fully. Of the others only what each has in common with phase and
/// frequency is kept: given those two they are taken for independent of all other biases, which is
/// nearly so, and a measurement costs as much as there are of them, not their square.
const JOINED: usize = 4;

/// The size of what is joined fully: phase, frequency, biases.
const SIZE: usize = 2 + JOINED;

/// A Gaussian belief of the state.
#[derive(Clone, Debug)]
pub(super) struct State {
    mean: [f64; SIZE],
    covariance: [[f64; SIZE]; SIZE],
    /// How many rows are in use.
    used: usize,
    apart: [Apart; SLOTS - JOINED],
    /// How many of those are in use.
    used_apart: usize,
    /// The variances that biases return to when nothing is heard; zero where a slot is not in use.
    priors: [f64; SLOTS],
    /// How fast biases walk besides, in s²/s.
    walks: [f64; SLOTS],
}

/// A bias that is kept apart.
#[derive(Clone, Copy, Debug, Default)]
struct Apart {
    mean: f64,
    variance: f64,
    /// Its covariances with phase and frequency.
    shared: [f64; 2],
}

/// Where a bias stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In this row of what is joined.
    Row(usize),
    /// At this place of what is kept apart.
    Apart(usize),
}

impl Place {
    fn of(slot: usize) -> Self {
        if slot < JOINED {
            Self::Row(2 + slot)
        } else {
            Self::Apart((slot - JOINED).min(SLOTS - JOINED - 1))
        }
    }
}

/// Covariances of all of the state with one number that depends on it, and the variance of that.
#[derive(Clone, Copy, Debug)]
struct Shared {
    joined: [f64; SIZE],
    apart: [f64; SLOTS - JOINED],
    variance: f64,
}

#[expect(
    clippy::indexing_slicing,
    reason = "rows and columns run to `used`, at most SIZE; places come from `Place::of`"
)]
impl State {
    /// A belief with no sources: the phase in seconds, the frequency in s/s, and their variances.
    pub(super) fn new(phase: (f64, f64), frequency: (f64, f64)) -> Self {
        let mut state = Self {
            mean: [0.0; SIZE],
            covariance: [[0.0; SIZE]; SIZE],
            used: 2,
            apart: [Apart::default(); SLOTS - JOINED],
            used_apart: 0,
            priors: [0.0; SLOTS],
            walks: [0.0; SLOTS],
        };
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
        match Place::of(slot) {
            Place::Row(row) => (self.mean[row], self.covariance[row][row]),
            Place::Apart(place) => (self.apart[place].mean, self.apart[place].variance),
        }
    }

    /// Moves on by `span_s` with a random walk of the frequency of `wander` (s²/s³); biases return
    /// to nothing within `settling_s`, and are as uncertain then as before anything was heard.
    #[expect(clippy::needless_range_loop, reason = "rows and columns of one symmetric matrix")]
    pub(super) fn predict(&mut self, span_s: f64, wander: f64, settling_s: f64) {
        let used = self.used.min(SIZE);
        self.mean[0] += self.mean[1] * span_s;
        let c = &mut self.covariance;
        c[0][0] += span_s * (2.0 * c[0][1] + span_s * c[1][1]) + wander * span_s.powi(3) / 3.0;
        c[0][1] += span_s * c[1][1] + wander * span_s * span_s / 2.0;
        c[1][0] = c[0][1];
        c[1][1] += wander * span_s;
        let kept = (-span_s / settling_s).exp();
        let renewed = -(-2.0 * span_s / settling_s).exp_m1();
        for row in 2..used {
            c[0][row] += span_s * c[1][row];
            self.mean[row] *= kept;
            for column in 0..row {
                // Two biases both lose.
                c[row][column] = c[column][row] * if column < 2 { kept } else { kept * kept };
                c[column][row] = c[row][column];
            }
            c[row][row] *= kept * kept;
            c[row][row] += self.priors[row - 2] * renewed + self.walks[row - 2] * span_s;
        }
        let slots = self.priors.iter().zip(&self.walks).skip(JOINED);
        for (apart, (prior, walk)) in self.apart.iter_mut().zip(slots).take(self.used_apart) {
            let [phase, frequency] = apart.shared;
            apart.shared = [kept * (phase + span_s * frequency), kept * frequency];
            apart.mean *= kept;
            apart.variance *= kept * kept;
            apart.variance += prior * renewed + walk * span_s;
        }
    }

    /// What a source will seem ahead of the raw clock, in seconds, and the variance of that.
    pub(super) fn expect(&self, slot: Option<usize>) -> (f64, f64) {
        let c = &self.covariance;
        match slot.map(Place::of) {
            None => (self.mean[0], c[0][0]),
            Some(Place::Row(row)) => {
                (self.mean[0] + self.mean[row], c[0][0] + 2.0 * c[0][row] + c[row][row])
            }
            Some(Place::Apart(place)) => {
                let apart = &self.apart[place];
                (self.mean[0] + apart.mean, c[0][0] + 2.0 * apart.shared[0] + apart.variance)
            }
        }
    }

    /// Learns from a measurement of the source in `slot`.
    pub(super) fn learn(&mut self, slot: Option<usize>, evidence: &Evidence) {
        let shared = self.shared(slot, 1.0);
        self.update(&shared, evidence.slope, evidence.curvature);
    }

    /// The covariances of all with `phase` times the phase, plus the bias in `slot`.
    #[expect(clippy::needless_range_loop, reason = "rows and columns of one symmetric matrix")]
    fn shared(&self, slot: Option<usize>, phase: f64) -> Shared {
        let used = self.used.min(SIZE);
        let c = &self.covariance;
        let mut shared = Shared {
            joined: [0.0; SIZE],
            apart: [0.0; SLOTS - JOINED],
            variance: phase * phase * c[0][0],
        };
        for row in 0..used {
            shared.joined[row] = phase * c[row][0];
        }
        match slot.map(Place::of) {
            None => {}
            Some(Place::Row(column)) => {
                for row in 0..used {
                    shared.joined[row] += c[row][column];
                }
                shared.variance += 2.0 * phase * c[0][column] + c[column][column];
            }
            Some(Place::Apart(place)) => {
                let apart = &self.apart[place];
                let by = self.regression(apart.shared);
                shared.joined[0] += apart.shared[0];
                shared.joined[1] += apart.shared[1];
                for row in 2..used {
                    shared.joined[row] += c[row][0] * by[0] + c[row][1] * by[1];
                }
                shared.variance += 2.0 * phase * apart.shared[0] + apart.variance;
            }
        }
        let by = self.regression([shared.joined[0], shared.joined[1]]);
        for (covariance, apart) in shared.apart.iter_mut().zip(&self.apart).take(self.used_apart) {
            *covariance = apart.shared[0] * by[0] + apart.shared[1] * by[1];
        }
        if let Some(Place::Apart(place)) = slot.map(Place::of) {
            let apart = &self.apart[place];
            shared.apart[place] = phase * apart.shared[0] + apart.variance;
        }
        shared
    }

    /// How something of these covariances with phase and frequency follows from both.
    fn regression(&self, [phase, frequency]: [f64; 2]) -> [f64; 2] {
        let Spread { phase: p, both, frequency: f } = self.spread();
        let determinant = p * f - both * both;
        if determinant > SINGULAR * p * f {
            [
                (phase * f - frequency * both) / determinant,
                (frequency * p - phase * both) / determinant,
            ]
        } else {
            [phase / p.max(f64::MIN_POSITIVE), 0.0]
        }
    }

    /// Takes in that the likelihood of what `shared` belongs to has this slope and curvature.
    fn update(&mut self, shared: &Shared, slope: f64, curvature: f64) {
        let used = self.used.min(SIZE);
        let gain = &shared.joined;
        for row in 0..used {
            self.mean[row] += gain[row] * slope;
            for column in 0..=row {
                self.covariance[row][column] -= gain[row] * gain[column] * curvature;
                self.covariance[column][row] = self.covariance[row][column];
            }
        }
        for row in 0..used {
            // Rounding must not make a variance negative; zero is a slot that is not in use.
            if self.covariance[row][row] < 0.0 {
                self.isolate(row, FLOOR);
            }
        }
        for (apart, own) in self.apart.iter_mut().zip(&shared.apart).take(self.used_apart) {
            apart.mean += own * slope;
            apart.shared[0] -= own * gain[0] * curvature;
            apart.shared[1] -= own * gain[1] * curvature;
            apart.variance -= own * own * curvature;
            if apart.variance < 0.0 {
                (apart.variance, apart.shared) = (FLOOR, [0.0; 2]);
            }
        }
    }

    /// Begins a bias in `slot` with this variance, independent of all else.
    pub(super) fn begin_bias(&mut self, slot: usize, variance: f64) {
        self.priors[slot.min(SLOTS - 1)] = variance;
        self.walks[slot.min(SLOTS - 1)] = 0.0;
        match Place::of(slot) {
            Place::Row(row) => {
                self.used = self.used.max(row + 1);
                self.mean[row] = 0.0;
                self.isolate(row, variance);
            }
            Place::Apart(place) => {
                self.used_apart = self.used_apart.max(place + 1);
                self.apart[place] = Apart { variance, ..Apart::default() };
            }
        }
    }

    /// Begins a bias of the source that alone has set the phase so far: what was taken for the
    /// phase was the sum of both.
    pub(super) fn split_bias(&mut self, slot: usize, variance: f64) {
        self.begin_bias(slot, variance);
        self.covariance[0][0] += variance;
        match Place::of(slot) {
            Place::Row(row) => {
                self.covariance[0][row] = -variance;
                self.covariance[row][0] = -variance;
            }
            Place::Apart(place) => self.apart[place].shared[0] = -variance,
        }
    }

    /// Changes the variance that the bias in `slot` was begun with, as if it had been this one.
    pub(super) fn correct_bias(&mut self, slot: usize, variance: f64) {
        let place = slot.min(SLOTS - 1);
        let before = std::mem::replace(&mut self.priors[place], variance);
        self.weigh_bias(slot, 1.0 / variance - 1.0 / before);
    }

    /// Forgets the bias in `slot`; where `takes_back` also that it had been taken for small.
    pub(super) fn end_bias(&mut self, slot: usize, takes_back: bool) {
        let prior = std::mem::take(&mut self.priors[slot.min(SLOTS - 1)]);
        self.walks[slot.min(SLOTS - 1)] = 0.0;
        if takes_back && prior > 0.0 {
            self.weigh_bias(slot, -1.0 / prior);
        }
        match Place::of(slot) {
            Place::Row(row) => {
                self.mean[row] = 0.0;
                self.isolate(row, 0.0);
            }
            Place::Apart(place) => self.apart[place] = Apart::default(),
        }
    }

    /// Takes in, or with a negative `precision` takes back, that the bias in `slot` is zero with
    /// this precision (in 1/s²).
    fn weigh_bias(&mut self, slot: usize, precision: f64) {
        let shared = self.shared(Some(slot), 0.0);
        if shared.variance <= 0.0 || precision == 0.0 {
            return;
        }
        // Not more can be taken back than there is.
        let precision = precision.max(-TAKEN_BACK / shared.variance);
        let sum = shared.variance + 1.0 / precision;
        let (mean, _) = self.bias(slot);
        self.update(&shared, -mean / sum, 1.0 / sum);
    }

    /// Makes the bias in `slot` less sure by `variance`: the path may have changed.
    pub(super) fn loosen_bias(&mut self, slot: usize, variance: f64) {
        match Place::of(slot) {
            Place::Row(row) => self.covariance[row][row] += variance,
            Place::Apart(place) => self.apart[place].variance += variance,
        }
    }

    /// Lets the bias in `slot` walk by `walk` (s²/s) from now on.
    pub(super) fn walk_bias(&mut self, slot: usize, walk: f64) {
        self.walks[slot.min(SLOTS - 1)] = walk;
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

/// Phase and frequency that hang together more closely are not told from each other.
const SINGULAR: f64 = 1e-9;

/// The greatest part of what is known of a bias that can be taken back.
const TAKEN_BACK: f64 = 0.98;

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
        state.predict(64.0, 1e-18, 1e5);
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

    /// Lets each of `biases_s` show itself often, each with a prior of its own.
    fn shown(biases_s: &[f64]) -> State {
        let mut state = State::new((0.0, 1e-8), (0.0, 1e-12));
        for slot in 0..biases_s.len() {
            let variance = prior(slot);
            if slot == 0 {
                state.split_bias(slot, variance);
            } else {
                state.begin_bias(slot, variance);
            }
        }
        for _ in 0..300 {
            for (slot, bias_s) in biases_s.iter().enumerate() {
                state.predict(8.0, 1e-18, 1e12);
                let (expected_s, variance) = state.expect(Some(slot));
                let sum = variance + 1e-10;
                let slope = (bias_s - expected_s) / sum;
                let evidence = Evidence { slope, curvature: 1.0 / sum, log: 0.0, outside: 0.0 };
                state.learn(Some(slot), &evidence);
            }
        }
        state
    }

    fn prior(slot: usize) -> f64 {
        [1e-7, 4e-6, 1e-6, 9e-6, 2e-6, 1e-6, 5e-6, 3e-6].get(slot).copied().unwrap_or(1e-6)
    }

    #[test]
    fn biases_that_are_kept_apart_weigh_as_much_as_those_joined() {
        let biases_s = [0.0, 1e-3, -4e-4, 2e-3, 3e-4, 8e-4, -1e-3, 5e-4];
        let state = shown(&biases_s);
        let weights = || (0..biases_s.len()).map(|slot| prior(slot).recip());
        let total: f64 = weights().sum();
        let mean_s: f64 = biases_s.iter().zip(weights()).map(|(b, w)| b * w).sum::<f64>() / total;
        let deviation_s = total.recip().sqrt();
        assert!((state.phase_s() - mean_s).abs() < 0.02 * deviation_s, "{}", state.phase_s());
        let spread_s = state.spread().phase.sqrt();
        assert!((spread_s / deviation_s - 1.0).abs() < 0.05, "{spread_s} {deviation_s}");
        for (slot, bias_s) in biases_s.iter().enumerate() {
            let expected_s = state.expect(Some(slot)).0;
            assert!((expected_s - bias_s).abs() < 3e-6, "{slot}: {expected_s}");
        }
    }

    #[test]
    fn a_bias_that_ends_takes_back_what_it_was_taken_for() {
        let biases_s = [3e-3, 1e-3, -4e-4, 2e-3, 3e-4, 8e-4];
        for gone in [0, 5] {
            let mut state = shown(&biases_s);
            state.end_bias(gone, true);
            let left = || (0..biases_s.len()).filter(|slot| *slot != gone);
            let total: f64 = left().map(|slot| prior(slot).recip()).sum();
            let mean_s: f64 = left().map(|slot| biases_s[slot] / prior(slot)).sum::<f64>() / total;
            let off_s = state.phase_s() - mean_s;
            assert!(off_s.abs() < 0.1 * total.recip().sqrt(), "{gone}: {off_s}");
        }
    }

    #[test]
    fn a_bias_that_walks_takes_a_change_over() {
        for slot in [1, 5] {
            let mut state = shown(&[0.0; 6]);
            let before_s = state.phase_s();
            state.loosen_bias(slot, 1e-6);
            state.walk_bias(slot, 1e-9);
            for step in 1..=20 {
                state.predict(1000.0, 1e-18, 1e12);
                for (source, shown_s) in [(0, 0.0), (2, 0.0), (slot, 1e-3 * f64::from(step))] {
                    let (expected_s, variance) = state.expect(Some(source));
                    let sum = variance + 1e-8;
                    let slope = (shown_s - expected_s) / sum;
                    let evidence = Evidence { slope, curvature: 1.0 / sum, log: 0.0, outside: 0.0 };
                    state.learn(Some(source), &evidence);
                }
            }
            assert!((state.bias(slot).0 - 0.02).abs() < 1e-3, "{:?}", state.bias(slot));
            assert!((state.phase_s() - before_s).abs() < 3e-4, "{}", state.phase_s());
        }
    }
}
