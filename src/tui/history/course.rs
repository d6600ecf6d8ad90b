//! The course of a daemon's clock: how its loop stood over time, with the gaps in which nobody knows.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::clock_loop::ClockLoop;
use crate::model::vars::system;
use crate::model::{Daemon, Values};
use crate::tui::verdict;
use crate::units::{Mono, NtpDuration, Ppm};

/// How the loop stood, and from when to when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The first answer that told it.
    pub from: Mono,
    /// The last one that did.
    pub until: Mono,
    /// Whether what came before may have been something else meanwhile.
    pub is_after_gap: bool,
    /// What was told.
    pub stand: Stand,
}

/// How the loop stood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stand {
    /// How far the others are ahead of the clock that the loop steers.
    pub offset: NtpDuration,
    /// How far they are ahead of the system clock, where the loop steers another one.
    pub system_offset: Option<NtpDuration>,
    /// The error of both; the root distance where no better is known.
    pub bound: Option<NtpDuration>,
    /// The frequency correction in force.
    pub frequency: Option<Ppm>,
}

impl Stand {
    /// Of `daemon` now; `None` while it says of itself that it has no time.
    fn of(daemon: &Daemon) -> Option<Self> {
        let values = daemon.system.latest()?;
        if let Some(engine) = &daemon.clock_loop {
            return Self::of_loop(daemon, engine);
        }
        if verdict::is_unsynchronised(daemon) {
            return None;
        }
        Some(Self {
            offset: own_offset(values)?,
            system_offset: None,
            bound: root_distance(values).filter(|_| verdict::has_bound(daemon)),
            frequency: values.frequency(&system::FREQUENCY),
        })
    }

    /// An engine's loop is worth seeing while it converges: it says itself how wrong it may be.
    fn of_loop(daemon: &Daemon, engine: &ClockLoop) -> Option<Self> {
        let is_set = engine.is_converged || verdict::system_peer(daemon).is_some();
        is_set.then_some(Self {
            offset: engine.steered_offset,
            system_offset: engine.system_offset,
            bound: engine.error_bound,
            frequency: Some(engine.frequency),
        })
    }
}

/// How far the true time is ahead of the clock by the daemon's own account: its combined offset, or
/// what it has left to correct.
pub fn own_offset(values: &Values) -> Option<NtpDuration> {
    values.duration(&system::OFFSET).or_else(|| values.duration(&system::SYSTEM_TIME))
}

/// Half the root delay and the root dispersion, as the daemon told them (RFC 5905 §11.2).
///
/// Of a daemon that tells what it has left to correct, they bound the error of its own idea of the
/// time; what is left comes on top for those who read the clock.
pub fn root_distance(values: &Values) -> Option<NtpDuration> {
    let delay = values.duration(&system::ROOT_DELAY)?;
    let dispersion = values.duration(&system::ROOT_DISPERSION)?;
    let left = values.duration(&system::SYSTEM_TIME).unwrap_or_default();
    Some(NtpDuration::from_bits(delay.bits() / 2) + dispersion + left.abs())
}

/// The course, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Course {
    readings: VecDeque<Reading>,
    /// Whether something made the next reading no continuation of the last.
    is_broken: bool,
    restarts: u32,
}

impl Course {
    /// All that is kept, oldest first.
    pub fn readings(&self) -> impl DoubleEndedIterator<Item = &Reading> {
        self.readings.iter()
    }

    /// Takes note of what `daemon` tells now.
    ///
    /// One reading for each time that something changed; it holds as long as answers say the same,
    /// and no longer: what lies between two answers too far apart is a gap.
    pub fn record(&mut self, daemon: &Daemon) {
        if daemon.restarts != self.restarts {
            self.restarts = daemon.restarts;
            self.is_broken = true;
        }
        let (Some(stand), Some(dated)) = (Stand::of(daemon), daemon.system.dated()) else {
            self.is_broken = true;
            return;
        };
        let at = dated.answered;
        let last = self.readings.back_mut();
        let is_late = last.as_ref().is_none_or(|last| at.since(last.until) > LONGEST_STEP);
        let is_after_gap = self.is_broken || is_late;
        match last {
            // News of the peers bring the same answer on the clock again.
            Some(last) if at <= last.until => {
                if last.from == last.until {
                    last.stand = stand;
                }
                return;
            }
            Some(last) if last.stand == stand && !is_after_gap => {
                last.until = at;
                return;
            }
            _ => {}
        }
        self.is_broken = false;
        self.readings.push_back(Reading { from: at, until: at, is_after_gap, stand });
        if self.readings.len() > KEPT {
            self.thin();
        }
    }

    /// Halves the resolution of the older half; gaps stay gaps.
    fn thin(&mut self) {
        let half = self.readings.len() / 2;
        let newer = self.readings.split_off(half);
        let mut older = VecDeque::with_capacity(half);
        for (place, reading) in self.readings.drain(..).enumerate() {
            match older.back_mut() {
                Some(Reading { until, stand, .. }) if place % 2 == 1 && !reading.is_after_gap => {
                    (*until, *stand) = (reading.until, reading.stand);
                }
                _ => older.push_back(reading),
            }
        }
        older.extend(newer);
        self.readings = older;
    }
}

/// How far apart answers may be that are taken to tell of one course: a limited daemon is asked
/// this seldom.
pub const LONGEST_STEP: Duration = Duration::from_secs(45);

/// Readings kept of each daemon.
const KEPT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dated, Part, Value};
    use crate::units::{Leap, Stratum};

    /// A daemon whose clock is `offset` ms behind, as it told at `second`.
    fn daemon(second: u64, offset: f64, leap: Leap) -> Daemon {
        let answered = Mono::from_nanos(second * 1_000_000_000);
        let dated = Dated { asked: answered, answered, ..Dated::default() };
        let values = Values::typed([
            (&system::LEAP, Value::Leap(leap)),
            (&system::STRATUM, Value::Stratum(Stratum::new(2))),
            (&system::OFFSET, Value::Duration(NtpDuration::from_milliseconds(offset))),
            (&system::ROOT_DELAY, Value::Duration(NtpDuration::from_milliseconds(4.0))),
            (&system::ROOT_DISPERSION, Value::Duration(NtpDuration::from_milliseconds(1.0))),
        ]);
        Daemon { system: Part::answered(values, dated), ..Daemon::default() }
    }

    fn spans(course: &Course) -> Vec<(u64, u64, bool)> {
        let second = |mono: Mono| mono.nanos() / 1_000_000_000;
        course.readings().map(|r| (second(r.from), second(r.until), r.is_after_gap)).collect()
    }

    #[test]
    fn a_reading_holds_while_answers_say_the_same_and_no_longer() {
        let mut course = Course::default();
        for (second, offset) in [(0, 1.0), (10, 1.0), (10, 1.0), (20, 2.0), (100, 2.0)] {
            course.record(&daemon(second, offset, Leap::None));
        }
        assert_eq!(spans(&course), [(0, 10, true), (20, 20, false), (100, 100, true)]);
        let bound = course.readings().next().and_then(|reading| reading.stand.bound);
        assert!(bound.is_some_and(|bound| (bound.milliseconds() - 3.0).abs() < 1e-6));
    }

    #[test]
    fn there_is_a_gap_where_the_daemon_had_no_time_or_started_anew() {
        let mut course = Course::default();
        course.record(&daemon(0, 1.0, Leap::None));
        course.record(&daemon(10, 1.0, Leap::Alarm));
        course.record(&daemon(20, 1.0, Leap::None));
        course.record(&Daemon { restarts: 1, ..daemon(30, 1.0, Leap::None) });
        assert_eq!(spans(&course), [(0, 0, true), (20, 20, true), (30, 30, true)]);
    }

    #[test]
    fn what_is_kept_is_bounded_and_reaches_back_to_the_start() {
        let mut course = Course::default();
        for second in 0..10_000_u32 {
            course.record(&daemon(second.into(), f64::from(second), Leap::None));
        }
        let spans = spans(&course);
        assert!((KEPT / 2..=KEPT).contains(&spans.len()), "{}", spans.len());
        assert_eq!(spans.first().map(|first| first.0), Some(0));
        assert_eq!(spans.last(), Some(&(9999, 9999, false)));
        assert!(spans.iter().skip(1).all(|(_, _, is_after_gap)| !is_after_gap));
        assert!(spans.windows(2).all(|pair| pair[1].0 - pair[0].1 <= 1), "no holes");
    }
}
