//! Who asked a daemon most recently, as it keeps them: one entry for each address.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::mru::rows::MruRows;
use crate::units::{Mode, NtpDuration, NtpTimestamp};

pub mod rows;

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

/// A daemon's list of those who asked it most recently, as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Monitored {
    /// The entries; copies share them.
    pub rows: MruRows,
    /// How many there are.
    pub count: usize,
    /// What the daemon's clock showed when they were read; `None` while that is not known.
    pub now: Option<NtpTimestamp>,
    /// How far the reading got.
    pub reading: Reading,
    /// How long the reading took so far.
    pub took: Duration,
    /// Questions that it took so far.
    pub questions: u64,
}

/// How far the reading of a list got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// It goes on: these are the entries so far.
    #[default]
    UnderWay,
    /// These are all entries.
    Complete,
    /// There are more, which could not be read, for this reason.
    Partial {
        /// In a clause.
        why: Box<str>,
    },
    /// These were all when they were read; they are being read again.
    Again {
        /// So many so far.
        count: usize,
    },
    /// These were all when they were read; reading them again came to nothing.
    Kept {
        /// In a clause.
        why: Box<str>,
    },
}
