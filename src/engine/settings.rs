//! How an engine is set up before it starts; what ntp.conf says is applied afterwards.

pub use crate::config::drift::Drift;
pub use crate::config::engine::Algorithm;
use crate::config::statistics::Kinds;
use crate::units::{NtpDuration, PollExponent, Precision};

/// How an engine is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How the clock is disciplined.
    pub algorithm: Algorithm,
    /// The precision of the local clock.
    pub precision: Precision,
    /// The frequency that was learned last time, as the drift file has it.
    pub drift: Option<Drift>,
    /// What politeness beside another daemon on this host asks: the least poll interval, and no
    /// bursts.
    pub beside_daemon: bool,
    /// The least poll interval whatever is configured.
    pub poll_floor: PollExponent,
    /// Whether an offset beyond the panic threshold is stepped once, at the start (ntpd's `-g`).
    pub first_panic_allowed: bool,
    /// Above this the clock is stepped before the `kalman` discipline has first converged.
    pub first_step: NtpDuration,
    /// The statistics that are kept from the start.
    pub statistics: Kinds,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            precision: Precision::new(-24),
            drift: None,
            beside_daemon: false,
            poll_floor: PollExponent::new(3),
            first_panic_allowed: true,
            first_step: NtpDuration::from_milliseconds(128.0),
            statistics: Kinds::NONE,
        }
    }
}
