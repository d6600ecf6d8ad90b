//! Who asked a daemon most recently, as it keeps them: one entry for each address.

use std::net::SocketAddr;

use crate::units::{Mode, NtpDuration, NtpTimestamp};

/// One address that a daemon heard of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MruEntry {
    /// The address, and the port that its last packet came from.
    pub address: SocketAddr,
    /// When the last packet came, by the daemon's clock.
    pub last: NtpTimestamp,
    /// When the first packet came, by the daemon's clock.
    pub first: NtpTimestamp,
    /// How many packets came.
    pub count: u32,
    /// The mode of the last packet.
    pub mode: Mode,
    /// The version of the last packet, 0 to 7.
    pub version: u8,
    /// What the daemon's restrictions say of it, in the daemon's own bits.
    pub restrictions: u16,
    /// How many of its packets were dropped; NTPsec tells, zero elsewhere.
    pub dropped: u32,
    /// How near it is to being limited, in packets a second; NTPsec tells, zero elsewhere.
    pub score: f32,
}

impl MruEntry {
    /// The time from the first packet to the last; negative where the daemon's clock was set back
    /// between.
    pub fn span(&self) -> NtpDuration {
        self.last - self.first
    }
}
