//! A line that loses, delays, repeats and reorders.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// One direction is like the other.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// How many of a hundred datagrams are lost.
    pub(crate) loss: u32,
    /// How many of a hundred arrive twice.
    pub(crate) duplication: u32,
    /// The least time under way, one way.
    pub(crate) delay: Duration,
    /// How much longer it may take; enough of it reorders.
    pub(crate) spread: Duration,
    generator: ChaCha8Rng,
}

impl Line {
    /// A perfect line of this one-way delay.
    pub(crate) fn perfect(delay: Duration) -> Self {
        let generator = ChaCha8Rng::seed_from_u64(0);
        Self { loss: 0, duplication: 0, delay, spread: Duration::ZERO, generator }
    }

    /// A bad line.
    pub(crate) fn bad(seed: u64, loss: u32, spread: Duration) -> Self {
        let generator = ChaCha8Rng::seed_from_u64(seed);
        Self { loss, duplication: 10, delay: Duration::from_millis(20), spread, generator }
    }

    /// When copies of a datagram that is sent now arrive.
    pub(crate) fn carry(&mut self) -> Vec<Duration> {
        let mut arrivals = Vec::new();
        let copies = if self.generator.next_u32() % 100 < self.duplication { 2 } else { 1 };
        for _ in 0..copies {
            let lost = self.generator.next_u32() % 100 < self.loss;
            let more = self.generator.next_u64() % (nanoseconds(self.spread) + 1);
            if !lost {
                arrivals.push(self.delay + Duration::from_nanos(more));
            }
        }
        arrivals
    }
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
