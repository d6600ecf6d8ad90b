//! What replies tell of those who are told of events.

use std::net::IpAddr;

use crate::wire::mode7::fields::{Fields, either};

/// Somebody who is told of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The daemon's address towards them.
    pub local: IpAddr,
    /// Whether the place of an IPv4 address of the daemon's is empty: of IPv6 traps too, which is
    /// what ntpdc goes by.
    pub is_wildcard: bool,
    /// Their address.
    pub remote: IpAddr,
    /// Their port.
    pub port: u16,
    /// Number of the next message.
    pub sequence: u16,
    /// Since it was last set, in s.
    pub since_set: u32,
    /// Since it was first set, in s.
    pub since_first: u32,
    /// How often it was set anew.
    pub resets: u32,
    /// Bits: see [`Trap::is_configured`] and [`Trap::is_low_priority`].
    pub flags: u32,
}

impl Trap {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        let (local, remote) = (fields.v4(), fields.v4());
        let (port, sequence) = (fields.u16(), fields.u16());
        let [since_set, since_first, resets, flags] = [(); 4].map(|()| fields.u32());
        let is_v6 = fields.flag();
        Self {
            is_wildcard: local.is_unspecified(),
            local: either(is_v6, local, fields.v6()),
            remote: either(is_v6, remote, fields.v6()),
            port,
            sequence,
            since_set,
            since_first,
            resets,
            flags,
        }
    }

    /// Whether it is configured rather than asked for.
    pub const fn is_configured(&self) -> bool {
        self.flags & 4 != 0
    }

    /// Whether it gives way to others.
    pub const fn is_low_priority(&self) -> bool {
        self.flags & 2 != 0
    }
}
