//! Reads the clocks, for the cores that must not.

use std::time::{Duration, Instant};

use crate::net::stamp;
use crate::units::{Mono, Now};

/// The machine's clocks, the monotonic one counted from when this was made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    /// The same moment as the system counts it.
    origin_mono: Mono,
}

#[expect(clippy::disallowed_methods, reason = "this is where clocks are read")]
impl Clock {
    /// Starts counting. One clock serves the whole program, so that its readings compare.
    pub fn start() -> Self {
        Self { origin: Instant::now(), origin_mono: stamp::monotonic() }
    }

    /// All clocks now; `clock` is the system's.
    pub fn now(&self) -> Now {
        Now { mono: self.mono(), raw: stamp::raw(), boot: stamp::boot(), clock: stamp::system() }
    }

    /// The monotonic clock now.
    pub fn mono(&self) -> Mono {
        let elapsed = stamp::monotonic().since(self.origin_mono);
        Mono::default() + elapsed
    }

    /// When a reading of the monotonic clock will be, for timers.
    pub fn instant(&self, mono: Mono) -> Instant {
        let ahead = Duration::from_nanos(mono.nanos());
        self.origin.checked_add(ahead).unwrap_or(self.origin)
    }
}
