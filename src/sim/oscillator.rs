//! An oscillator: how a machine's raw clock runs against true time.
//!
//! Its frequency is a constant, a random walk and a swing with the temperature. It is drawn a
//! second at a time, ahead of need, so what it does depends on nothing but its seed.

use std::collections::VecDeque;

use serde::Deserialize;

use crate::sim::moment::{Moment, Span};
use crate::sim::random::Random;
use crate::units::{Ppm, Raw};

/// What an oscillator is like.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OscillatorSpec {
    /// How much too fast it runs, in parts per million.
    pub frequency_ppm: f64,
    /// The random walk of its frequency, in s/s per √s.
    pub wander: f64,
    /// Its swing with the temperature.
    pub temperature: Option<Temperature>,
}

/// A swing of the frequency with the temperature.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Temperature {
    /// How far to each side, in parts per million.
    pub amplitude_ppm: f64,
    /// How long one swing takes.
    pub period: Span,
}

/// An oscillator at work.
#[derive(Clone, Debug)]
pub struct Oscillator {
    spec: OscillatorSpec,
    random: Random,
    /// The random part of the frequency, in s/s.
    walk: f64,
    /// Added by an event, in s/s.
    jump: f64,
    /// Seconds of true time in order, the first of them the `first`-th of the world.
    cells: VecDeque<Cell>,
    first: u64,
}

/// One second of true time.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// The raw clock at its beginning, in nanoseconds.
    raw_ns: f64,
    /// How much too fast it runs, in s/s.
    rate: f64,
}

impl Oscillator {
    /// An oscillator whose raw clock shows [`RAW_START`] when the world begins.
    pub fn new(spec: OscillatorSpec, random: Random) -> Self {
        let mut oscillator =
            Self { spec, random, walk: 0.0, jump: 0.0, cells: VecDeque::new(), first: 0 };
        #[expect(clippy::cast_precision_loss, reason = "a round number")]
        let raw_ns = RAW_START.nanos() as f64;
        let rate = oscillator.rate(0);
        oscillator.cells.push_back(Cell { raw_ns, rate });
        oscillator
    }

    /// What the raw clock shows at `moment`, which must not lie more than an hour before the
    /// latest moment that was asked for.
    pub fn raw_at(&mut self, moment: Moment) -> Raw {
        let cell = self.cell(moment.nanos() / NANOS);
        #[expect(clippy::cast_precision_loss, reason = "less than a second")]
        let within = (moment.nanos() % NANOS) as f64;
        #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "positive")]
        Raw::from_nanos((cell.raw_ns + within * (1.0 + cell.rate)).round() as u64)
    }

    /// When the raw clock will show `raw`, at or after `from`.
    pub fn moment_at(&mut self, raw: Raw, from: Moment) -> Moment {
        #[expect(clippy::cast_precision_loss, reason = "100 days are exact to the nanosecond")]
        let target = raw.nanos() as f64;
        let mut second = from.nanos() / NANOS;
        // A guess saves walking through the hours until a distant deadline.
        let here = self.cell(second);
        let ahead = (target - here.raw_ns) / 1e9 * (1.0 - MOST_OFF) - 1.0;
        if ahead > 1.0 {
            #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "> 1")]
            let ahead = ahead.min(FURTHEST_S) as u64;
            second += ahead;
        }
        for _ in 0..MOST_STEPS {
            let next = self.cell(second + 1);
            if next.raw_ns > target {
                break;
            }
            second += 1;
        }
        let cell = self.cell(second);
        let within = ((target - cell.raw_ns) / (1.0 + cell.rate)).ceil().clamp(0.0, 1e9);
        #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "clamped")]
        Moment::from_nanos(second * NANOS + within as u64).max(from)
    }

    /// How much too fast it runs at `moment`.
    pub fn frequency(&mut self, moment: Moment) -> Ppm {
        Ppm::new(self.cell(moment.nanos() / NANOS).rate * 1e6).unwrap_or_default()
    }

    /// Makes it run faster by `by` from the second after `moment` on.
    pub fn jump(&mut self, moment: Moment, by: Ppm) {
        let by = by.parts_per_million() / 1e6;
        let second = moment.nanos() / NANOS;
        self.cell(second);
        self.jump += by;
        let keep = usize::try_from(second - self.first).unwrap_or(0);
        let mut gained_ns = 0.0;
        for cell in self.cells.iter_mut().skip(keep + 1) {
            cell.raw_ns += gained_ns;
            cell.rate += by;
            gained_ns += by * 1e9;
        }
    }

    /// The cell of a second, drawn if need be.
    fn cell(&mut self, second: u64) -> Cell {
        let place = usize::try_from(second.saturating_sub(self.first)).unwrap_or(usize::MAX);
        while self.cells.len() <= place {
            let Some(last) = self.cells.back().copied() else { break };
            let number = self.first + self.cells.len() as u64;
            self.walk += self.spec.wander * self.random.normal();
            let rate = self.rate(number);
            let raw_ns = last.raw_ns + 1e9 * (1.0 + last.rate);
            self.cells.push_back(Cell { raw_ns, rate });
        }
        let found = self.cells.get(place).or_else(|| self.cells.back()).copied();
        if place > KEPT * 2 {
            self.cells.drain(..KEPT);
            self.first += KEPT as u64;
        }
        found.unwrap_or(Cell { raw_ns: 0.0, rate: 0.0 })
    }

    /// The rate in a second, with the walk as it is now.
    fn rate(&self, second: u64) -> f64 {
        let swing = self.spec.temperature.map_or(0.0, |temperature| {
            #[expect(clippy::cast_precision_loss, reason = "seconds of a simulated world")]
            let turns = second as f64 / temperature.period.seconds();
            temperature.amplitude_ppm / 1e6 * (std::f64::consts::TAU * turns).sin()
        });
        self.spec.frequency_ppm / 1e6 + self.walk + swing + self.jump
    }
}

/// What every raw clock shows when the world begins.
pub const RAW_START: Raw = Raw::from_nanos(1_000 * NANOS);

/// Oscillators further off than this, in s/s, are not expected; the search only takes longer.
const MOST_OFF: f64 = 1e-3;

/// Longer than any interval between polls, in seconds.
const FURTHEST_S: f64 = 1e6;

/// Seconds that the search for a moment may walk.
const MOST_STEPS: usize = 100_000;

/// Seconds of the past that are kept at least.
const KEPT: usize = 4096;

const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::random::Stream;

    fn oscillator(spec: OscillatorSpec, seed: u64) -> Oscillator {
        Oscillator::new(spec, Random::new(seed, Stream::Oscillator(0)))
    }

    #[test]
    fn a_frequency_is_what_it_says() {
        let mut fast = oscillator(OscillatorSpec { frequency_ppm: 10.0, ..Default::default() }, 1);
        let raw = fast.raw_at(Moment::from_secs(86_400));
        assert!((raw.seconds_since(RAW_START) - 86_400.864).abs() < 1e-8);
        let back = fast.moment_at(raw, Moment::from_secs(5));
        assert!(back.nanos().abs_diff(86_400 * NANOS) <= 1, "{back:?}");
    }

    #[test]
    fn a_deadline_is_never_met_early() {
        let spec = OscillatorSpec { frequency_ppm: -80.0, wander: 1e-7, ..Default::default() };
        let mut wandering = oscillator(spec, 3);
        for step in 1..2000_u64 {
            let deadline = Raw::from_nanos(RAW_START.nanos() + step * 7_777_777_777);
            let moment = wandering.moment_at(deadline, Moment::from_nanos((step - 1) * 7 * NANOS));
            let late = wandering.raw_at(moment).nanos().checked_sub(deadline.nanos());
            assert!(late.is_some_and(|late| late <= 2), "{step}: {late:?}");
        }
    }

    #[test]
    fn the_walk_grows_with_the_root_of_time() {
        let spec = OscillatorSpec { wander: 1e-9, ..Default::default() };
        let square = |seed| {
            let ppm = oscillator(spec, seed).frequency(Moment::from_secs(10_000));
            (ppm.parts_per_million() * 1e-6).powi(2)
        };
        let rms = ((0..200).map(square).sum::<f64>() / 200.0).sqrt();
        assert!((rms / 1e-7 - 1.0).abs() < 0.15, "{rms}");
    }

    #[test]
    fn asking_in_another_order_changes_nothing() {
        let spec = OscillatorSpec { wander: 1e-8, ..Default::default() };
        let mut ahead = oscillator(spec, 9);
        ahead.frequency(Moment::from_secs(3000));
        let mut stepwise = oscillator(spec, 9);
        for second in 0..3000 {
            let moment = Moment::from_secs(second);
            assert_eq!(stepwise.raw_at(moment), ahead.raw_at(moment));
        }
    }

    #[test]
    fn a_jump_bends_what_was_drawn_ahead() {
        let mut plain = oscillator(OscillatorSpec::default(), 1);
        plain.frequency(Moment::from_secs(1000));
        plain.jump(Moment::from_secs(99), Ppm::new(5.0).unwrap());
        let raw = plain.raw_at(Moment::from_secs(1100));
        assert!((raw.seconds_since(RAW_START) - 1100.005).abs() < 2e-9, "{raw:?}");
    }

    #[test]
    fn temperature_swings_the_frequency() {
        let temperature =
            Some(Temperature { amplitude_ppm: 0.5, period: Span::new(4000.0).unwrap() });
        let mut warm = oscillator(OscillatorSpec { temperature, ..Default::default() }, 1);
        let ppm = warm.frequency(Moment::from_secs(1000)).parts_per_million();
        assert!((ppm - 0.5).abs() < 1e-6, "{ppm}");
    }
}
