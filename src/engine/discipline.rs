//! The clock discipline: from measurements to the rate of a clock.
//!
//! Two stand behind one interface: the PLL/FLL loop of RFC 5905 §11.3 and a joint Kalman filter
//! over all sources. Selection stands in front of both. Neither reads a clock: measurements come
//! with readings of the raw clock and of the clock that is steered.

pub mod drift;
pub mod kalman;
pub mod limits;
pub mod ntp;

use std::time::Duration;

use crate::clock::command::{Command, Outcome};
use crate::engine::discipline::limits::Limits;
use crate::units::{AssocId, Mono, Now, NtpDuration, NtpTimestamp, PollExponent, Ppm, Raw, Tally};

/// A measurement of one source that passed the packet tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// Which source.
    pub source: AssocId,
    /// Its place in the order of arrival, over all sources.
    pub number: u64,
    /// When it arrived.
    pub arrived: Mono,
    /// The middle between request and reply, on the raw clock.
    pub raw: Raw,
    /// The source's time at that moment.
    pub source_time: NtpTimestamp,
    /// How far the source was ahead of the steered clock as that showed at that moment.
    pub offset: NtpDuration,
    /// The round trip without the server's own time, by the raw clock; may be negative by a hair.
    pub delay: NtpDuration,
    /// The error of the local timestamps (one standard deviation).
    pub stamp_error: NtpDuration,
    /// The error that the precisions of both clocks allow, and the drift in between.
    pub dispersion: NtpDuration,
    /// The resolution of the source's clock.
    pub source_precision: NtpDuration,
}

/// What selection made of the sources.
#[derive(Clone, Copy, Debug)]
pub struct Selected<'a> {
    /// All sources that could be measured.
    pub sources: &'a [Role],
    /// What the survivors say together, when they say anything.
    pub system: Option<SystemEstimate>,
}

/// One source after selection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Role {
    /// Which.
    pub source: AssocId,
    /// Its tally.
    pub tally: Tally,
    /// Whether it alone is to be followed.
    pub is_preferred: bool,
    /// Samples taken of it since it was last cleared.
    pub samples: u32,
    /// Its root distance.
    pub distance: NtpDuration,
    /// The range of its poll interval.
    pub minpoll: PollExponent,
    /// The range of its poll interval.
    pub maxpoll: PollExponent,
}

/// What the survivors say together (RFC 5905 §11.2.3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SystemEstimate {
    /// The system peer.
    pub peer: AssocId,
    /// The combined offset.
    pub offset: NtpDuration,
    /// The system jitter.
    pub jitter: NtpDuration,
    /// When the system peer's sample was taken: a new one moves this on.
    pub epoch: Mono,
}

/// What a discipline did with an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Nothing: it waits, or there is nothing new.
    Ignored,
    /// The clock is being corrected gently.
    Adjusted,
    /// The clock is being stepped.
    Stepped {
        /// How far forward.
        by: NtpDuration,
    },
    /// The offset is beyond the panic threshold: the clock is left alone.
    Panic {
        /// The offset.
        offset: NtpDuration,
    },
}

/// What upset the time scales.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Disturbance {
    /// The machine was suspended for about this long: phases are unknown, the frequency is kept.
    Suspended(NtpDuration),
    /// Somebody else stepped the steered clock; the raw clock is what it was.
    ClockStepped(NtpDuration),
    /// Steering begins again after the steered clock was left alone for this long.
    LeftAlone(NtpDuration),
    /// A leap second went by: the time of the sources and the steered clock both moved by this
    /// against the raw clock, back for one that was inserted. Offsets are what they were.
    Leap(NtpDuration),
}

/// States of a discipline, by ntpd's names and numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// 1: never set.
    NotSet,
    /// 2: the frequency came from the drift file.
    FrequencySet,
    /// 3: an offset beyond the step threshold is being waited out.
    Spike,
    /// 4: the frequency is being measured.
    Frequency,
    /// 5: in regular operation.
    Synchronised,
}

/// How a discipline stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Its state.
    pub state: State,
    /// How far the others are ahead of the steered clock now: the correction still pending.
    pub offset: NtpDuration,
    /// The error of `offset` (three standard deviations), where the filter knows it.
    pub error_bound: Option<NtpDuration>,
    /// The frequency correction in force.
    pub frequency: Ppm,
    /// The error of that (one standard deviation), where the filter knows it.
    pub frequency_error: Option<Ppm>,
    /// Clock jitter.
    pub jitter: NtpDuration,
    /// Clock wander, as ntpd has it: RMS change of frequency from one update to the next.
    pub wander: Ppm,
    /// The time constant, which is the poll interval wished for.
    pub time_constant: PollExponent,
    /// Whether it has converged since it started.
    pub is_converged: bool,
    /// What the filter knows of each source.
    pub sources: Vec<SourceReport>,
}

/// What a filter knows of a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceReport {
    /// Which.
    pub source: AssocId,
    /// Its share in the estimate, 0 to 1.
    pub weight: f64,
    /// Its estimated bias: how much more it is ahead than the joint estimate.
    pub bias: NtpDuration,
    /// The most that its path explains (three standard deviations of the prior).
    pub bias_prior: NtpDuration,
    /// Whether the bias is beyond that.
    pub is_inconsistent: bool,
    /// Asymmetry of its jitter, −½ to ½.
    pub asymmetry: f64,
    /// What the last measurement differed from the prediction.
    pub residual: NtpDuration,
}

/// A clock discipline.
pub trait Discipline: std::fmt::Debug + Send {
    /// Keeps these thresholds from now on.
    fn limit(&mut self, limits: &Limits);

    /// Takes a measurement in, whatever selection will make of its source.
    fn measured(&mut self, now: &Now, measurement: &Measurement);

    /// What `measurement` says of the steered clock now: its offset, or more where the discipline
    /// knows how the clock moved since.
    fn offset_now(&self, now: &Now, measurement: &Measurement) -> NtpDuration;

    /// Acts on what selection found.
    fn selected(&mut self, now: &Now, selected: &Selected<'_>) -> Verdict;

    /// Acts on the passing of time.
    fn wakeup(&mut self, now: &Now) -> Verdict;

    /// When it wants to act next.
    fn next_wakeup(&self) -> Option<Mono>;

    /// The next command to the clock, until there is none.
    fn poll_command(&mut self) -> Option<Command>;

    /// Learns what became of a command.
    fn commanded(&mut self, now: &Now, outcome: &Outcome);

    /// A source is gone, or starts anew.
    fn forget(&mut self, source: AssocId);

    /// Something upset the time scales.
    fn disturbed(&mut self, now: &Now, disturbance: Disturbance);

    /// The interval until the next question that it wishes for a source, where it has one of its
    /// own: any length, a quick start of two seconds as well as 1000 s. The engine keeps to it
    /// within the source's `maxpoll` and what politeness asks; `None` leaves it to the time constant.
    fn poll_wish(&self, source: AssocId) -> Option<Duration>;

    /// How it stands.
    fn report(&self, now: &Now) -> Report;
}

#[cfg(test)]
mod tests;
