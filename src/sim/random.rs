//! Chance: one stream for each thing that varies, so that one draw more in one leaves the others.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random {
    generator: ChaCha8Rng,
    /// The second of a pair of normal deviates.
    spare: Option<f64>,
}

/// Which stream of a seed: no two things share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The oscillator of a machine.
    Oscillator(u16),
    /// A server's own doings.
    Server(u16),
    /// The path from one machine to another.
    Path(u16, u16),
    /// What an engine is given.
    Engine(u16),
    /// Timestamps of a machine.
    Stamps(u16),
    /// A test that disturbs.
    Test,
}

impl Stream {
    const fn number(self) -> u64 {
        let (kind, a, b): (u64, u16, u16) = match self {
            Self::Oscillator(a) => (1, a, 0),
            Self::Server(a) => (2, a, 0),
            Self::Path(a, b) => (3, a, b),
            Self::Engine(a) => (4, a, 0),
            Self::Stamps(a) => (5, a, 0),
            Self::Test => (6, 0, 0),
        };
        kind << 32 | (a as u64) << 16 | b as u64
    }
}

impl Random {
    /// A stream of `seed`.
    pub fn new(seed: u64, stream: Stream) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream.number());
        Self { generator, spare: None }
    }

    /// 256 bits.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.generator.fill_bytes(&mut seed);
        seed
    }

    /// Evenly from 0 up to, and without, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub fn uniform(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something with this chance, 0 to 1, happens. Nothing is drawn where it cannot.
    pub fn happens(&mut self, chance: f64) -> bool {
        chance > 0.0 && self.uniform() < chance
    }

    /// Normal with mean 0 and deviation 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (2.0 * self.exponential()).sqrt();
        let angle = std::f64::consts::TAU * self.uniform();
        self.spare = Some(radius * angle.sin());
        radius * angle.cos()
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.uniform()).ln()
    }

    /// Heavy-tailed (Lomax) with scale 1: the greater `shape`, the rarer great values; below 2 the
    /// variance is infinite. At most `1e4`.
    pub fn heavy(&mut self, shape: f64) -> f64 {
        ((1.0 - self.uniform()).powf(-1.0 / shape) - 1.0).min(1e4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut random = Random::new(1, Stream::Test);
        let count = 200_000;
        let mean = |draw: &mut dyn FnMut() -> f64| {
            (0..count).map(|_| draw()).sum::<f64>() / f64::from(count)
        };
        assert!((mean(&mut || random.uniform()) - 0.5).abs() < 0.005);
        assert!((mean(&mut || random.exponential()) - 1.0).abs() < 0.01);
        assert!(mean(&mut || random.normal()).abs() < 0.01);
        assert!((mean(&mut || random.normal().powi(2)) - 1.0).abs() < 0.02);
        assert!((mean(&mut || random.heavy(3.0)) - 0.5).abs() < 0.02);
    }

    #[test]
    fn streams_of_a_seed_differ_and_repeat() {
        let draw = |seed, stream| Random::new(seed, stream).seed();
        assert_eq!(draw(1, Stream::Path(0, 3)), draw(1, Stream::Path(0, 3)));
        assert_ne!(draw(1, Stream::Path(0, 3)), draw(1, Stream::Path(3, 0)));
        assert_ne!(draw(1, Stream::Path(0, 3)), draw(2, Stream::Path(0, 3)));
    }
}
