//! Who asks a daemon for what, and the times that were entered into it by hand.

use std::net::IpAddr;
use std::time::Duration;

use crate::units::{NtpDuration, NtpTimestamp, PollExponent};

/// A host that asked a daemon for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRecord {
    /// Its address.
    pub address: IpAddr,
    /// Its NTP packets.
    pub ntp: Service,
    /// Its NTS key establishments.
    pub nts_ke: Service,
    /// Its commands.
    pub commands: Service,
    /// The average interval between its NTP packets since its rate was limited.
    pub limited_interval: Option<PollExponent>,
}

/// What a client asked of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// What came.
    pub hits: u64,
    /// How much of it was dropped to limit its rate.
    pub drops: u64,
    /// The average interval between two, as an exponent of two seconds; `None` when it is not
    /// known.
    pub interval: Option<PollExponent>,
    /// How long ago the last one came; `None` when none did.
    pub last: Option<Duration>,
}

/// A time that somebody entered by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManualEntry {
    /// When it was entered, by the daemon's clock.
    pub when: NtpTimestamp,
    /// How far the time entered was ahead of the clock, with the corrections since taken off.
    pub offset: NtpDuration,
    /// How far the time entered was ahead of the clock then.
    pub original_offset: NtpDuration,
    /// How far it lies from the line through all entries.
    pub residual: NtpDuration,
}
