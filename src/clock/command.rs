//! What can be asked of a clock, and what it did, as data.

use std::fmt;

use crate::units::{Leap, NtpDuration, Ppm};

/// What an engine wants of the clock that it steers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Run at another rate from now on.
    Steer(Steering),
    /// Show another time at once: `by` more, which is less when negative.
    Step {
        /// How far forward.
        by: NtpDuration,
    },
    /// Tell the system how good the clock is.
    Status(Status),
}

/// The rate of a clock, against the raw clock: the sum of two.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Steering {
    /// What the oscillator needs to run true, for good; positive speeds the clock up.
    pub frequency: Ppm,
    /// What is added for a while to take an offset away; positive moves the clock forward. Whoever
    /// sets it takes it back in time; when the program ends, `frequency` alone is left.
    pub slew: Ppm,
}

impl Steering {
    /// Both together.
    pub fn rate(self) -> Ppm {
        let sum = self.frequency.parts_per_million() + self.slew.parts_per_million();
        Ppm::new(sum).unwrap_or_default()
    }
}

/// What programs may know of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The leap second at the end of the day, or that the clock is not synchronised.
    pub leap: Leap,
    /// The greatest error that is possible.
    pub maximum_error: NtpDuration,
    /// The error that is probable (one standard deviation).
    pub estimated_error: NtpDuration,
}

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The clock runs at this rate now: the one wanted, as finely as the clock takes it.
    Steered(Steering),
    /// The clock was stepped.
    Stepped {
        /// How far forward.
        by: NtpDuration,
    },
    /// The status was taken.
    Told,
    /// The clock was left alone.
    Held(Held),
}

/// Why a clock was left alone.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Held {
    /// It is not to be steered for now (`disable ntp`).
    Disabled,
    /// The right to set it is missing.
    NotPermitted,
    /// Something else changed its rate or status since our last write: two must not steer.
    Interference {
        /// The frequency that was found.
        found: Ppm,
        /// The frequency that we had set.
        expected: Ppm,
    },
    /// The system refused, with this error number.
    System {
        /// The number, as `errno` gives it.
        errno: i32,
    },
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("it is not to be steered for now"),
            Self::NotPermitted => f.write_str("there is no right to set the clock"),
            Self::Interference { found, expected } => write!(
                f,
                "something else steers the clock: its rate is {:+.3} ppm where {:+.3} was set",
                found.parts_per_million(),
                expected.parts_per_million()
            ),
            Self::System { errno } => write!(f, "the system refused with error {errno}"),
        }
    }
}
