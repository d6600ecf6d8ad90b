//! What the kernel keeps of its clock, as plain data, and the door to it.
//!
//! The rate of the clock is two words: microseconds a tick, in steps of 100 ppm, and a fine
//! frequency of 16 bits of fraction. Both are written together, so the clock never runs at half a
//! rate.

use crate::clock::command::Status;
use crate::units::{Leap, NtpDuration, Ppm};

/// The kernel's clock, or a stand-in for it.
pub trait Kernel {
    /// What it is set to.
    ///
    /// # Errors
    /// The error number of the system.
    fn read(&mut self) -> Result<State, i32>;

    /// Changes it, and returns what it is set to afterwards.
    ///
    /// # Errors
    /// The error number of the system; nothing was changed.
    fn write(&mut self, change: Change) -> Result<State, i32>;
}

/// One change, made at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The rate.
    Rate(Rate),
    /// A step forward by whole seconds and nanoseconds, of which there are always less than a
    /// second, and never below zero: −0.25 s is −1 s and 750 000 000 ns.
    Step {
        /// Whole seconds, rounded down.
        seconds: i64,
        /// The rest.
        nanoseconds: u32,
    },
    /// What programs are told.
    Status(Told),
    /// Ends whatever the kernel itself does to the phase: the rest of an `adjtime`, and its own
    /// loop.
    Quiet,
}

/// What the kernel's clock is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The rate.
    pub rate: Rate,
    /// The status bits.
    pub status: StatusBits,
}

/// All that the kernel tells of its clock, to be read and no more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// What it has left to correct; positive: the clock is slow.
    pub offset: NtpDuration,
    /// The rate and the status bits.
    pub state: State,
    /// The greatest error that is possible.
    pub maximum_error: NtpDuration,
    /// The error that is probable.
    pub estimated_error: NtpDuration,
    /// The time constant of its own loop, as an exponent.
    pub time_constant: i64,
    /// How finely it can be read.
    pub precision: NtpDuration,
    /// The greatest frequency that it takes.
    pub tolerance: Ppm,
    /// What it makes of pulses; zero while it sees none.
    pub pulses: Pulses,
}

/// What the kernel makes of pulses, one a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pulses {
    /// The frequency that they demand.
    pub frequency: Ppm,
    /// How much that changes.
    pub stability: Ppm,
    /// How much they scatter.
    pub jitter: NtpDuration,
    /// How long a calibration takes, as an exponent of two seconds.
    pub shift: i32,
    /// Calibrations.
    pub calibrations: i64,
    /// Calibrations that failed.
    pub errors: i64,
    /// Pulses dropped because they scatter too much.
    pub jitter_exceeded: i64,
    /// Calibrations whose frequency changed too much.
    pub stability_exceeded: i64,
}

impl Report {
    /// Whether the kernel sees pulses.
    pub const fn has_pulses(&self) -> bool {
        self.state.status.0 & PULSES != 0
    }
}

/// The rate of the kernel's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    tick_us: i64,
    frequency: i64,
}

impl Rate {
    /// That of the oscillator.
    pub const NOMINAL: Self = Self { tick_us: NOMINAL_TICK_US, frequency: 0 };

    /// From the kernel's two words: microseconds a tick, and parts per million with 16 bits of
    /// fraction.
    pub const fn from_words(tick_us: i64, frequency: i64) -> Self {
        Self { tick_us, frequency }
    }

    /// The words for a rate; positive runs faster. Beyond ±10 % it is the kernel's limit.
    pub fn from_ppm(rate: Ppm) -> Self {
        let ppm = rate.parts_per_million().clamp(-MOST_PPM, MOST_PPM);
        let ticks = (ppm / PPM_PER_TICK).round();
        #[expect(clippy::cast_possible_truncation, reason = "clamped before")]
        Self {
            tick_us: NOMINAL_TICK_US + ticks as i64,
            frequency: ((ppm - ticks * PPM_PER_TICK) * FREQUENCY_SCALE).round() as i64,
        }
    }

    /// Microseconds a tick.
    pub const fn tick_us(self) -> i64 {
        self.tick_us
    }

    /// The fine frequency: parts per million with 16 bits of fraction.
    pub const fn frequency(self) -> i64 {
        self.frequency
    }

    /// How much faster than its oscillator the clock runs.
    #[expect(clippy::cast_precision_loss, reason = "the kernel's words are small")]
    pub fn ppm(self) -> Ppm {
        let ticks = self.tick_us.saturating_sub(NOMINAL_TICK_US) as f64;
        Ppm::new(ticks * PPM_PER_TICK + self.frequency as f64 / FREQUENCY_SCALE).unwrap_or_default()
    }
}

/// The status bits of the kernel's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusBits(i32);

impl StatusBits {
    /// The kernel's own loop is on.
    pub const PLL: Self = Self(0x01);
    /// A leap second is inserted at the end of the day.
    pub const INSERT: Self = Self(0x10);
    /// A leap second is deleted at the end of the day.
    pub const DELETE: Self = Self(0x20);
    /// The clock is not synchronised. The kernel sets it itself when nobody vouches for the clock.
    pub const UNSYNCHRONISED: Self = Self(0x40);

    /// From the kernel's word.
    pub const fn from_bits(bits: i32) -> Self {
        Self(bits)
    }

    /// The kernel's word.
    pub const fn bits(self) -> i32 {
        self.0
    }

    /// Whether all of `other` is set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What only somebody who sets the clock changes: neither the bits that can only be read nor the one
    /// that the kernel sets when nobody vouches for the clock.
    #[must_use]
    pub const fn set_by_programs(self) -> Self {
        Self(self.0 & 0xff & !Self::UNSYNCHRONISED.0)
    }
}

/// What programs are told, in the kernel's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The status bits.
    pub status: StatusBits,
    /// The greatest error that is possible, in microseconds.
    pub maximum_error_us: i64,
    /// The error that is probable, in microseconds.
    pub estimated_error_us: i64,
}

impl From<Status> for Told {
    fn from(status: Status) -> Self {
        let bits = match status.leap {
            Leap::None => StatusBits::default(),
            Leap::Insert => StatusBits::INSERT,
            Leap::Delete => StatusBits::DELETE,
            Leap::Alarm => StatusBits::UNSYNCHRONISED,
        };
        Self {
            status: bits,
            maximum_error_us: microseconds_up(status.maximum_error),
            estimated_error_us: microseconds_up(status.estimated_error),
        }
    }
}

impl Change {
    /// A step forward by `by`.
    pub const fn step(by: NtpDuration) -> Self {
        let fraction = by.bits().cast_unsigned() & 0xffff_ffff;
        let nanoseconds = ((fraction * 1_000_000_000 + (1 << 31)) >> 32) as u32;
        let seconds = by.bits() >> 32;
        if nanoseconds == 1_000_000_000 {
            return Self::Step { seconds: seconds + 1, nanoseconds: 0 };
        }
        Self::Step { seconds, nanoseconds }
    }
}

/// In whole microseconds, never less than it is, never below zero.
fn microseconds_up(span: NtpDuration) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped before")]
    let microseconds = (span.seconds() * 1e6).ceil().clamp(0.0, MOST_ERROR_US) as i64;
    microseconds
}

/// The bits that say that pulses are to be heeded or are there.
const PULSES: i32 = 0x02 | 0x04 | 0x100;

/// Microseconds a tick when the clock runs at the rate of its oscillator: a hundred ticks a second.
pub const NOMINAL_TICK_US: i64 = 10_000;

/// One microsecond a tick more.
const PPM_PER_TICK: f64 = 100.0;

/// The fine frequency has 16 bits of fraction.
pub(super) const FREQUENCY_SCALE: f64 = 65_536.0;

/// The kernel takes 9 000 to 11 000 microseconds a tick.
const MOST_PPM: f64 = 100_000.0;

/// Beyond 16 s the kernel calls the clock unsynchronised by itself.
const MOST_ERROR_US: f64 = 16e6;

#[cfg(test)]
mod tests {
    use super::*;

    fn words(ppm: f64) -> (i64, i64) {
        let rate = Rate::from_ppm(Ppm::new(ppm).unwrap());
        (rate.tick_us(), rate.frequency())
    }

    #[test]
    fn rates_become_the_words_of_the_reference() {
        // Vectors V13; chrony's sign is the other way round.
        assert_eq!(words(1.0), (10_000, 65_536));
        assert_eq!(words(-12.345), (10_000, -809_042));
        assert_eq!(words(-150.0), (9_998, 3_276_800));
        assert_eq!(words(730.25), (10_007, 1_982_464));
        // 499.999 and 500 ppm are 32 767 934 and 32 768 000 in one word; here the tick takes 500 ppm.
        assert_eq!(words(500.0), (10_005, 0));
        assert_eq!(words(499.999), (10_005, -66));
    }

    #[test]
    fn words_say_what_rate_they_are() {
        for ppm in [0.0, 0.5, -12.345, 49.99, 50.01, -150.0, 499.999, 83_333.0, -100_000.0] {
            let rate = Rate::from_ppm(Ppm::new(ppm).unwrap());
            assert!((rate.ppm().parts_per_million() - ppm).abs() < 1e-5, "{ppm}: {rate:?}");
            assert!(rate.frequency().abs() <= 50 * 65_536);
        }
        assert_eq!(words(1e9), (11_000, 0));
        assert_eq!(words(-1e9), (9_000, 0));
    }

    #[test]
    fn a_step_back_counts_its_nanoseconds_forward() {
        let step = |seconds| Change::step(NtpDuration::from_seconds(seconds));
        assert_eq!(step(-0.25), Change::Step { seconds: -1, nanoseconds: 750_000_000 });
        assert_eq!(step(-1.75), Change::Step { seconds: -2, nanoseconds: 250_000_000 });
        assert_eq!(step(2.5), Change::Step { seconds: 2, nanoseconds: 500_000_000 });
        assert_eq!(
            Change::step(NtpDuration::from_bits(-1)),
            Change::Step { seconds: 0, nanoseconds: 0 }
        );
    }

    #[test]
    fn errors_are_told_in_whole_microseconds_rounded_up() {
        let status = Status {
            leap: Leap::Delete,
            maximum_error: NtpDuration::from_seconds(0.001_000_1),
            estimated_error: NtpDuration::from_seconds(-3.0),
        };
        let told = Told::from(status);
        assert_eq!((told.maximum_error_us, told.estimated_error_us), (1_001, 0));
        assert_eq!(told.status, StatusBits::DELETE);
    }
}
