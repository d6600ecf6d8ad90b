//! Reads the clocks, for the cores that must not.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::units::{Boot, Mono, Now, NtpTimestamp, Raw};

/// The machine's clocks, the monotonic one counted from when this was made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is where clocks are read")]
impl Clock {
    /// Starts counting. One clock serves the whole program, so that its readings compare.
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// Both clocks now.
    pub fn now(&self) -> Now {
        let elapsed = self.origin.elapsed().as_nanos();
        let mono = Mono::from_nanos(u64::try_from(elapsed).unwrap_or(u64::MAX));
        let clock = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since_1970) => NtpTimestamp::from_unix_duration(since_1970),
            Err(before_1970) => {
                let back = before_1970.duration();
                NtpTimestamp::from_unix(0, 0) + -crate::units::NtpDuration::from(back)
            }
        };
        Now { mono, raw: Raw::default(), boot: Boot::default(), clock }
    }

    /// When a reading of the monotonic clock will be, for timers.
    pub fn instant(&self, mono: Mono) -> Instant {
        let ahead = std::time::Duration::from_nanos(mono.nanos());
        self.origin.checked_add(ahead).unwrap_or(self.origin)
    }
}
