//! What a few requests found out about a server, whatever sort of daemon it is.

use std::net::SocketAddr;

use crate::units::{Leap, NtpDuration, RefId, Stratum};
use crate::wire::kiss::Kiss;

/// What became of probing a host.
#[derive(Clone, Debug, PartialEq)]
pub struct Probed {
    /// The host, as it was named.
    pub host: String,
    /// What was found, or why it has no address.
    pub found: Result<Found, String>,
}

/// What was found out about a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The address that was asked.
    pub address: SocketAddr,
    /// Its name, where one was looked up and found.
    pub name: Option<String>,
    /// Requests sent to it.
    pub asked: u16,
    /// Replies to them, kisses included.
    pub answered: u16,
    /// Datagrams that could not be read, answered no request, or had times that cannot be.
    pub refused: u64,
    /// Whether the network said that nobody listens, or that there is no way there.
    pub is_unreachable: bool,
    /// The last kiss code that came instead of the time.
    pub kiss: Option<Kiss>,
    /// What the server says of itself; `None` when it never said.
    pub server: Option<Server>,
    /// How its time compares with the system's clock; `None` without a usable sample.
    pub estimate: Option<Estimate>,
}

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Whether it is synchronised, not too far from its reference clock, and of a stratum below 16.
    pub is_synchronised: bool,
    /// The version that it answers in, to a request of version 4.
    pub version: u8,
    /// Its leap indicator.
    pub leap: Leap,
    /// Its stratum; 16 when it names none.
    pub stratum: Stratum,
    /// Its source.
    pub reference_id: RefId,
    /// Its delay to the reference clock.
    pub root_delay: NtpDuration,
    /// Its dispersion to the reference clock.
    pub root_dispersion: NtpDuration,
}

/// How a server's time compares with the system's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// How far the server is ahead of the system's clock.
    pub offset: NtpDuration,
    /// The true time is within ± this of the offset, if the server is right about itself.
    pub bound: NtpDuration,
    /// The part of that which is not the server's: by how much at most the offset differs from what
    /// the server shows.
    pub measured: NtpDuration,
    /// The round trip of the sample with the least.
    pub delay: NtpDuration,
    /// How far the other samples lie from that one (root mean square); `None` when it is alone.
    pub jitter: Option<NtpDuration>,
    /// Samples in it.
    pub samples: u16,
}

/// How probing a host ended, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It answers, and says that it is synchronised.
    Synchronised,
    /// It answers only that it will not.
    Refusing,
    /// It answers, but is not synchronised, or has no times to give.
    Unsynchronised,
    /// It has no address, or does not answer.
    Unreachable,
}

impl Standing {
    /// One word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Synchronised => "synchronised",
            Self::Refusing => "refusing",
            Self::Unsynchronised => "unsynchronised",
            Self::Unreachable => "unreachable",
        }
    }
}

impl Probed {
    /// How it ended.
    pub fn standing(&self) -> Standing {
        let Ok(found) = &self.found else { return Standing::Unreachable };
        let is_synchronised = found.server.is_some_and(|server| server.is_synchronised);
        match found.kiss {
            _ if found.answered == 0 => Standing::Unreachable,
            _ if is_synchronised && found.estimate.is_some() => Standing::Synchronised,
            Some(kiss) if found.server.is_none() && (kiss == Kiss::Rate || kiss.is_refusal()) => {
                Standing::Refusing
            }
            _ => Standing::Unsynchronised,
        }
    }
}

impl Server {
    /// Its source for people: letters at strata 0, 1 and 16, an address else. What stands for an
    /// IPv6 address looks like one of IPv4, as everywhere.
    pub fn source(&self) -> String {
        let is_named = self.stratum <= Stratum::new(1) || self.stratum >= Stratum::UNSYNCHRONISED;
        match self.reference_id.code() {
            Some(code) if is_named => format!(".{code}."),
            _ => self.reference_id.address().to_string(),
        }
    }
}
