//! A virtual clock laid over the system's: what would happen, seen without touching anything.
//!
//! It runs on the raw clock, which nobody steers, and begins at what the system's clock showed when
//! it was made. From then on two clocks are told apart: the system's goes where its own keeper
//! takes it, this one where the engine steers it.

use crate::clock::Clock;
use crate::clock::command::{Command, Outcome, Status, Steering};
use crate::clock::leap::AnnouncedLeap;
use crate::clock::timescale::Timescale;
use crate::units::{Now, NtpDuration, NtpTimestamp, Ppm, Raw};

/// A virtual clock.
#[derive(Clone, Debug)]
pub struct Observed {
    scale: Timescale,
    steering: Steering,
    stepped: NtpDuration,
    status: Option<Status>,
    leap: Option<AnnouncedLeap>,
}

impl Observed {
    /// A clock that shows at `raw` what the system's showed there, `system`.
    pub fn new(raw: Raw, system: NtpTimestamp) -> Self {
        Self {
            scale: Timescale::new(raw, system),
            steering: Steering::default(),
            stepped: NtpDuration::ZERO,
            status: None,
            leap: None,
        }
    }

    /// How far this clock is ahead of the system's, which showed `system` at `raw`: what is added
    /// to an offset from this one to get the offset from the system's.
    pub fn ahead_of_system(&self, raw: Raw, system: NtpTimestamp) -> NtpDuration {
        self.at(raw) - system
    }

    /// Shows from `raw` on what the system's clock shows, which is `system` there and runs `rate`
    /// faster than the raw clock; the keeper of that clock sees to leap seconds, too.
    pub fn follow_system(&mut self, raw: Raw, system: NtpTimestamp, rate: Ppm) {
        self.scale = Timescale::new(raw, system);
        self.scale.bend(raw, rate);
        self.leap = None;
    }

    /// Goes its own way again from `raw` on, as it is steered.
    pub fn part_from_system(&mut self, raw: Raw) {
        self.scale.bend(raw, self.steering.rate());
    }

    /// How it is steered.
    pub const fn steering(&self) -> Steering {
        self.steering
    }

    /// The sum of its steps so far; positive when it was moved forward.
    pub const fn stepped(&self) -> NtpDuration {
        self.stepped
    }

    /// The status that programs would see; `None` until it was told.
    pub const fn status(&self) -> Option<Status> {
        self.status
    }
}

impl Clock for Observed {
    fn at(&self, raw: Raw) -> NtpTimestamp {
        let shown = self.scale.at(raw);
        let leap = self.leap.and_then(|leap| leap.due(shown));
        leap.map_or(shown, |by| shown + by)
    }

    fn command(&mut self, now: &Now, command: &Command) -> Outcome {
        let shown = self.scale.at(now.raw);
        if let Some((leap, by)) = self.leap.and_then(|leap| Some((leap, leap.due(shown)?))) {
            self.scale.step(by);
            self.leap = Some(leap.done());
        }
        match *command {
            Command::Steer(steering) => {
                self.scale.bend(now.raw, steering.rate());
                self.steering = steering;
                Outcome::Steered(steering)
            }
            Command::Step { by } => {
                self.scale.step(by);
                self.stepped = self.stepped + by;
                Outcome::Stepped { by }
            }
            Command::Status(status) => {
                self.leap = AnnouncedLeap::after(self.leap, status.leap, self.scale.at(now.raw));
                self.status = Some(status);
                Outcome::Told
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Leap;

    fn at(seconds: u64) -> Now {
        Now { raw: Raw::from_nanos(seconds * 1_000_000_000), ..Now::default() }
    }

    fn system(seconds: u32) -> NtpTimestamp {
        NtpTimestamp::from_bits(u64::from(seconds) << 32)
    }

    #[test]
    fn it_goes_its_own_way_and_says_how_far_that_is() {
        let mut clock = Observed::new(at(100).raw, system(1000));
        assert_eq!(clock.at(at(100).raw), system(1000));
        let steering =
            Steering { frequency: Ppm::new(10.0).unwrap(), slew: Ppm::new(90.0).unwrap() };
        assert_eq!(clock.command(&at(100), &Command::Steer(steering)), Outcome::Steered(steering));
        let by = NtpDuration::from_seconds(-0.25);
        assert_eq!(clock.command(&at(110), &Command::Step { by }), Outcome::Stepped { by });
        // Ten seconds at 100 ppm, less the step; the system's clock was meanwhile set back by 2 s.
        let ahead = clock.ahead_of_system(at(110).raw, system(1008));
        assert!((ahead.seconds() - (2.0 + 0.001 - 0.25)).abs() < 1e-9, "{ahead:?}");
        assert_eq!(clock.stepped(), by);
        assert_eq!(clock.steering(), steering);
    }

    #[test]
    fn an_announced_leap_second_is_carried_out_at_midnight() {
        // 2029-01-01T00:00:00Z.
        let midnight = 1_861_920_000;
        let mut clock = Observed::new(at(100).raw, NtpTimestamp::from_unix(midnight - 50, 0));
        let status = Status {
            leap: Leap::Insert,
            maximum_error: NtpDuration::ZERO,
            estimated_error: NtpDuration::ZERO,
        };
        clock.command(&at(100), &Command::Status(status));
        assert_eq!(clock.at(at(149).raw), NtpTimestamp::from_unix(midnight - 1, 0));
        assert_eq!(clock.at(at(150).raw), NtpTimestamp::from_unix(midnight - 1, 0));
        clock.command(&at(152), &Command::Status(Status { leap: Leap::None, ..status }));
        assert_eq!(clock.at(at(153).raw), NtpTimestamp::from_unix(midnight + 2, 0));
        assert_eq!(clock.stepped(), NtpDuration::ZERO);
    }

    #[test]
    fn a_status_is_kept_and_moves_nothing() {
        let mut clock = Observed::new(at(0).raw, system(5));
        let status = Status {
            leap: Leap::Insert,
            maximum_error: NtpDuration::from_seconds(0.5),
            estimated_error: NtpDuration::from_seconds(0.1),
        };
        assert_eq!(clock.command(&at(1), &Command::Status(status)), Outcome::Told);
        assert_eq!(clock.status(), Some(status));
        assert_eq!(clock.at(at(3).raw), system(8));
    }
}
