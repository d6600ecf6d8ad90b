//! The clock of a simulated machine: it does what a kernel does, on numbers.
//!
//! A rate holds until the next command, however long that takes; frequencies are as fine as the
//! kernel's word; a leap second that was announced is carried out at the clock's own midnight.

use crate::clock::Clock;
use crate::clock::command::{Command, Outcome, Status, Steering};
use crate::clock::leap::AnnouncedLeap;
use crate::clock::timescale::Timescale;
use crate::units::{Mono, Now, NtpDuration, NtpTimestamp, Ppm, Raw};

/// A clock over a raw clock that somebody else reads.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// What it shows.
    wall: Timescale,
    /// The monotonic clock: slewed with the other, never stepped.
    monotonic: Timescale,
    monotonic_origin: NtpTimestamp,
    steering: Steering,
    status: Option<Status>,
    leap: Option<AnnouncedLeap>,
}

impl Simulated {
    /// A clock that shows `time` at `raw`, and a monotonic clock that shows `mono` there.
    pub fn new(raw: Raw, time: NtpTimestamp, mono: Mono) -> Self {
        let origin = NtpTimestamp::NEVER;
        let since_origin = NtpDuration::from(mono.since(Mono::default()));
        Self {
            wall: Timescale::new(raw, time),
            monotonic: Timescale::new(raw, origin + since_origin),
            monotonic_origin: origin,
            steering: Steering::default(),
            status: None,
            leap: None,
        }
    }

    /// What the monotonic clock shows at `raw`.
    pub fn mono(&self, raw: Raw) -> Mono {
        let since_origin = self.monotonic.at(raw) - self.monotonic_origin;
        Mono::default() + since_origin.to_std().unwrap_or_default()
    }

    /// When the monotonic clock will show `mono`, if its rate stays.
    ///
    /// It may be off by the resolution of the clocks: look again when the time has come.
    pub fn raw_at(&self, mono: Mono, now: Raw) -> Raw {
        let ahead_s = mono.since(self.mono(now)).as_secs_f64();
        let raw_s = ahead_s / (1.0 + self.total_rate().parts_per_million() / 1e6);
        let ahead = NtpDuration::from_seconds(raw_s).to_std().unwrap_or_default();
        let until = u64::try_from(ahead.as_nanos()).unwrap_or(u64::MAX);
        Raw::from_nanos(now.nanos().saturating_add(until).saturating_add(1))
    }

    /// How much faster than the raw clock it runs.
    pub const fn total_rate(&self) -> Ppm {
        self.wall.rate()
    }

    /// The two parts of its rate.
    pub const fn steering(&self) -> Steering {
        self.steering
    }

    /// What was last told of its quality.
    pub const fn status(&self) -> Option<Status> {
        self.status
    }

    /// Carries out a leap second that is due at `raw`; a step of the clock that nobody is told of.
    pub fn pass(&mut self, raw: Raw) -> Option<NtpDuration> {
        let leap = self.leap?;
        let by = leap.due(self.wall.at(raw))?;
        self.leap = Some(leap.done());
        self.wall.step(by);
        Some(by)
    }

    /// Moves it by `by` behind the back of whoever steers it.
    pub fn disturb(&mut self, by: NtpDuration) {
        self.wall.step(by);
    }

    fn steer(&mut self, raw: Raw, wanted: Steering) -> Steering {
        let frequency = rounded(wanted.frequency, MAX_FREQUENCY_PPM);
        let slew = rounded(wanted.slew, MAX_SLEW_PPM);
        self.steering = Steering { frequency, slew };
        self.wall.bend(raw, self.steering.rate());
        self.monotonic.bend(raw, self.steering.rate());
        self.steering
    }

    fn told(&mut self, now: &Now, status: Status) {
        self.leap = AnnouncedLeap::after(self.leap, status.leap, self.wall.at(now.raw));
        self.status = Some(status);
    }
}

impl Clock for Simulated {
    fn at(&self, raw: Raw) -> NtpTimestamp {
        self.wall.at(raw)
    }

    fn command(&mut self, now: &Now, command: &Command) -> Outcome {
        match *command {
            Command::Steer(wanted) => Outcome::Steered(self.steer(now.raw, wanted)),
            Command::Step { by } => {
                self.wall.step(by);
                Outcome::Stepped { by }
            }
            Command::Status(status) => {
                self.told(now, status);
                Outcome::Told
            }
        }
    }
}

/// As the kernel's frequency word has it: within `limit`, in units of 2⁻¹⁶ ppm.
fn rounded(wanted: Ppm, limit: f64) -> Ppm {
    let clamped = wanted.parts_per_million().clamp(-limit, limit);
    Ppm::new((clamped * WORDS_PER_PPM).round() / WORDS_PER_PPM).unwrap_or_default()
}

/// The kernel takes no more as a frequency.
const MAX_FREQUENCY_PPM: f64 = 500.0;

/// The kernel takes ticks of 9 to 11 ms.
const MAX_SLEW_PPM: f64 = 99_500.0;

const WORDS_PER_PPM: f64 = 65_536.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Leap;

    const START: i64 = 1_700_000_000;

    fn raw(seconds: u64) -> Raw {
        Raw::from_nanos(seconds * 1_000_000_000)
    }

    fn at(clock: &Simulated, seconds: u64) -> Now {
        let raw = raw(seconds);
        Now { raw, mono: clock.mono(raw), clock: clock.at(raw), ..Now::default() }
    }

    fn ppm(value: f64) -> Ppm {
        Ppm::new(value).unwrap()
    }

    fn clock() -> Simulated {
        Simulated::new(raw(0), NtpTimestamp::from_unix(START, 0), Mono::from_nanos(7))
    }

    #[test]
    fn a_slew_goes_on_until_the_next_command() {
        let mut clock = clock();
        let steering = Steering { frequency: ppm(-10.0), slew: ppm(500.0) };
        let outcome = clock.command(&at(&clock, 0), &Command::Steer(steering));
        assert_eq!(outcome, Outcome::Steered(steering));
        let gained = |clock: &Simulated, seconds: u64| {
            #[expect(clippy::cast_precision_loss, reason = "a few thousand seconds")]
            let passed = seconds as f64;
            (clock.at(raw(seconds)) - NtpTimestamp::from_unix(START, 0)).seconds() - passed
        };
        assert!((gained(&clock, 10_000) - 4.9).abs() < 1e-8);
        let still = Steering { slew: Ppm::default(), ..steering };
        clock.command(&at(&clock, 10_000), &Command::Steer(still));
        assert!((gained(&clock, 20_000) - 4.8).abs() < 1e-8);
        assert_eq!(clock.steering(), still);
    }

    #[test]
    fn the_monotonic_clock_is_slewed_and_not_stepped() {
        let mut clock = clock();
        clock.command(&at(&clock, 0), &Command::Step { by: NtpDuration::from_seconds(-5.0) });
        assert!(clock.mono(raw(1)).nanos().abs_diff(1_000_000_007) < 2);
        let slew = Steering { slew: ppm(50_000.0), ..Steering::default() };
        clock.command(&at(&clock, 1), &Command::Steer(slew));
        let mono = clock.mono(raw(3)).nanos();
        assert!(mono.abs_diff(3_100_000_007) < 3, "{mono}");
        let due = clock.raw_at(Mono::from_nanos(3_100_000_007), raw(2));
        assert!(due.nanos().abs_diff(3_000_000_000) < 4, "{due:?}");
        assert!(clock.mono(due) >= Mono::from_nanos(3_100_000_005));
    }

    #[test]
    fn frequencies_are_as_coarse_as_the_kernels() {
        let mut clock = clock();
        let wanted = Steering { frequency: ppm(1.000_01), slew: ppm(2e6) };
        let Outcome::Steered(had) = clock.command(&at(&clock, 0), &Command::Steer(wanted)) else {
            panic!("not steered")
        };
        assert!((had.frequency.parts_per_million() - 1.000_015_258_789).abs() < 1e-9);
        assert!((had.slew.parts_per_million() - MAX_SLEW_PPM).abs() < 1e-9);
    }

    #[test]
    fn an_announced_leap_second_happens_once_at_midnight() {
        let mut clock = clock();
        let status = |leap| {
            Command::Status(Status {
                leap,
                maximum_error: NtpDuration::ZERO,
                estimated_error: NtpDuration::ZERO,
            })
        };
        clock.command(&at(&clock, 0), &status(Leap::Insert));
        // 1 700 000 000 is 22:13:20, midnight 6400 s later.
        assert_eq!(clock.pass(raw(6399)), None);
        assert_eq!(clock.pass(raw(6400)), Some(NtpDuration::from_seconds(-1.0)));
        assert_eq!(clock.at(raw(6400)).to_unix(START).0, START + 6399);
        clock.command(&at(&clock, 6401), &status(Leap::Insert));
        assert_eq!(clock.pass(raw(6401 + 86_400)), None);
        clock.command(&at(&clock, 100_000), &status(Leap::None));
        clock.command(&at(&clock, 100_000), &status(Leap::Delete));
        assert_eq!(clock.pass(raw(6400 + 2 * 86_400 - 1)), None);
        assert_eq!(clock.pass(raw(6400 + 2 * 86_400)), Some(NtpDuration::from_seconds(1.0)));
    }
}
