//! The loop of an engine that steers a clock, beyond what the variables of ntpd say of it.

use crate::units::{AssocId, NtpDuration, PollExponent, Ppm};

/// The loop of an engine.
#[derive(Clone, Debug, PartialEq)]
pub struct ClockLoop {
    /// Which algorithm.
    pub algorithm: Algorithm,
    /// Which clock it steers.
    pub steers: Steers,
    /// Its state, in a word of ntpd's: `NSET`, `FSET`, `SPIK`, `FREQ`, `SYNC`.
    pub state: &'static str,
    /// Whether it has converged since it started.
    pub is_converged: bool,
    /// How far the others are ahead of the system clock: what every program of this host gets.
    /// `None` where the engine has none to compare with.
    pub system_offset: Option<NtpDuration>,
    /// How far the others are ahead of the clock that the loop steers: what it has left to do.
    pub steered_offset: NtpDuration,
    /// The error of both offsets (three standard deviations), where the filter knows it.
    pub error_bound: Option<NtpDuration>,
    /// The frequency correction in force.
    pub frequency: Ppm,
    /// Its error (one standard deviation), where the filter knows it.
    pub frequency_error: Option<Ppm>,
    /// Clock jitter.
    pub jitter: NtpDuration,
    /// Clock wander.
    pub wander: Ppm,
    /// The time constant, as an exponent of two.
    pub time_constant: PollExponent,
    /// Why the clock is left alone, in words; `None` while it is steered.
    pub held: Option<Box<str>>,
    /// The offset that panics, in words; `None` while there is none.
    pub notice: Option<Box<str>>,
    /// What the filter knows of each source.
    pub sources: Vec<LoopSource>,
}

/// The algorithms of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// The PLL/FLL loop of RFC 5905.
    Ntp,
    /// The joint multi-model filter.
    Kalman,
}

/// The clock that a loop steers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steers {
    /// A virtual one; the system's is never touched.
    Virtual,
    /// The system's.
    System,
    /// That of a simulated machine.
    Simulated,
}

/// What a filter knows of a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoopSource {
    /// Which.
    pub id: AssocId,
    /// Its share in the estimate, 0 to 1.
    pub weight: f64,
    /// How much more than the joint estimate it is ahead.
    pub bias: NtpDuration,
    /// The most that its path explains.
    pub bias_prior: NtpDuration,
    /// Whether the bias is beyond that.
    pub is_inconsistent: bool,
    /// Asymmetry of its jitter, −½ to ½.
    pub asymmetry: f64,
    /// How much the last measurement differed from what was expected.
    pub residual: NtpDuration,
}
