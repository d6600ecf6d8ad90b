//! What an engine does about leap seconds: hears of them, tells of them, lives through them.

use std::time::Duration;

use crate::config::leap_file::LeapTable;
use crate::engine::Engine;
use crate::engine::discipline::Disturbance;
use crate::engine::output::{Event, Output};
use crate::engine::system::system_event;
use crate::engine::timers::Timer;
use crate::units::{Leap, Now, NtpDuration};

/// How long a table of leap seconds is still good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) enum Freshness {
    #[default]
    Good,
    /// Less than four weeks: it is time for a new one.
    Ending,
    Expired,
}

impl Freshness {
    fn of(left: NtpDuration) -> Self {
        if left <= NtpDuration::ZERO {
            Self::Expired
        } else if left < ENDING {
            Self::Ending
        } else {
            Self::Good
        }
    }
}

impl Engine {
    /// Goes by this table of leap seconds from now on, or by none.
    pub fn set_leap_table(&mut self, now: &Now, table: Option<LeapTable>) {
        self.leap.set_table(table);
        self.leap_freshness = Freshness::Good;
        self.look_at_leaps(now);
    }

    /// The table of leap seconds, good or not.
    pub const fn leap_table(&self) -> Option<&LeapTable> {
        self.leap.table()
    }

    /// Hears what most survivors announce, where there are any.
    ///
    /// As ntpd has it, nobody's silence takes a leap second back: the clock has been told.
    pub(in crate::engine) fn hear_leap(&mut self, now: &Now, elected: Option<Leap>) {
        let has_changed = match elected {
            Some(elected) => self.leap.hear(now, elected),
            None => self.leap.hear_again(now),
        };
        self.after_leap(now, has_changed);
    }

    /// A leap second may have gone by, or come near.
    pub(in crate::engine) fn wake_leap(&mut self, now: &Now) {
        if let Some(by) = self.leap.wakeup(now) {
            self.system.steps += 1;
            self.system_event(system_event::LEAP, format!("{:+.0} s", by.seconds()));
            self.discipline.disturbed(now, Disturbance::Leap(by));
            if self.system.leap != Leap::Alarm {
                self.system.leap = Leap::None;
            }
            self.after_discipline(now);
            self.arm_leap(now);
        } else {
            self.look_at_leaps(now);
        }
    }

    fn look_at_leaps(&mut self, now: &Now) {
        let has_changed = self.leap.hear_again(now);
        self.after_leap(now, has_changed);
    }

    fn after_leap(&mut self, now: &Now, has_changed: bool) {
        if has_changed {
            let armed = self.leap.announced();
            if self.system.leap != Leap::Alarm {
                self.system.leap = armed;
            }
            let (code, detail) = match armed {
                Leap::Insert => (system_event::LEAP_ARMED, "a second will be inserted"),
                Leap::Delete => (system_event::LEAP_ARMED, "a second will be left out"),
                _ => (system_event::LEAP_DISARMED, "no leap second is coming any more"),
            };
            self.system_event(code, detail);
        }
        self.judge_leap_table(now);
        self.arm_leap(now);
    }

    fn arm_leap(&mut self, now: &Now) {
        let (next, look) = (self.leap.next_wakeup(), self.leap.next_look(now));
        match next.into_iter().chain(look).min() {
            Some(at) => self.timers.set(Timer::Leap, at),
            None => self.timers.cancel(Timer::Leap),
        }
    }

    /// Says once that the table is about to expire, and once that it has.
    fn judge_leap_table(&mut self, now: &Now) {
        let Some(table) = self.leap.table() else { return };
        let left = table.left(now.clock);
        let freshness = Freshness::of(left);
        if freshness != std::mem::replace(&mut self.leap_freshness, freshness)
            && freshness != Freshness::Good
        {
            self.outputs.push_back(Output::Event(Event::LeapTableEnds { left }));
        }
    }

    /// Whether samples are not to be trusted because of a leap second.
    pub(in crate::engine) fn is_leap_near(&self, now: &Now) -> bool {
        self.leap.is_near(now.mono)
    }

    /// Spreads leap seconds over this long for those who ask us; over nothing when it is zero.
    pub(in crate::engine) const fn set_smear(&mut self, interval: Duration) {
        self.smear_interval = interval;
    }
}

/// A table that is good for less than this is to be replaced.
const ENDING: NtpDuration = NtpDuration::from_bits((28 * 86_400) << 32);
