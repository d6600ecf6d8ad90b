//! What replies tell of access restrictions, and the names of their flags.
//!
//! With 4.2.8p12 a flag came in between and most of the others moved up by a bit. Nothing in a reply
//! tells which numbers it has; ntpdc takes its own, so that of 4.2.8p15 misreads older daemons. A
//! daemon that takes the longer form of a request has the newer numbers.

use std::net::IpAddr;

use crate::wire::mode7::fields::{Fields, either};

/// A row of the list of restrictions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// Whom it is about.
    pub address: IpAddr,
    /// How much of the address counts.
    pub mask: IpAddr,
    /// How many packets it was applied to.
    pub count: u32,
    /// What is not allowed, in [`Numbering`].
    pub flags: u16,
    /// To which packets it applies: see [`match_flags`].
    pub match_flags: u16,
}

impl Restriction {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        let (address, mask) = (fields.v4(), fields.v4());
        let count = fields.u32();
        let (flags, match_flags) = (fields.u16(), fields.u16());
        let is_v6 = fields.flag();
        fields.skip::<4>();
        Self {
            address: either(is_v6, address, fields.v6()),
            mask: either(is_v6, mask, fields.v6()),
            count,
            flags,
            match_flags,
        }
    }
}

/// Which bit stands for which flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Numbering {
    /// Of xntpd.
    Oldest,
    /// Of 4.2.8p11 and before.
    Older,
    /// Of 4.2.8p12 and later.
    Current,
}

impl Numbering {
    /// The bit of the flag called `name`; `None` when there is none here.
    pub fn bit(self, name: &str) -> Option<u16> {
        self.flags().find(|(known, _)| *known == name).map(|(_, bit)| bit)
    }

    /// The flags and their bits, in the order in which they are listed.
    pub fn flags(self) -> impl Iterator<Item = (&'static str, u16)> {
        let place = match self {
            Self::Oldest => 0,
            Self::Older => 1,
            Self::Current => 2,
        };
        FLAGS
            .iter()
            .filter_map(move |(name, bits)| Some((*name, *bits.get(place)?)))
            .filter(|(_, bit)| *bit != 0)
    }
}

/// Names of flags, each with its bits in the three numberings; 0 where there is none.
const FLAGS: [(&str, [u16; 3]); 12] = [
    ("ignore", [0x001, 0x0001, 0x0001]),
    ("noserve", [0x002, 0x0002, 0x0002]),
    ("notrust", [0x004, 0x0004, 0x0004]),
    ("noquery", [0x008, 0x0040, 0x0080]),
    ("nomodify", [0x010, 0x0080, 0x0100]),
    ("nopeer", [0x020, 0x0010, 0x0010]),
    ("notrap", [0x040, 0x0100, 0x0200]),
    ("lptrap", [0x080, 0x0200, 0x0400]),
    ("limited", [0x100, 0x0020, 0x0040]),
    ("version", [0, 0x0008, 0x0008]),
    ("kod", [0, 0x0400, 0x0800]),
    ("flake", [0, 0x1000, 0x2000]),
];

/// To which packets a restriction applies.
pub mod match_flags {
    /// The daemon's own addresses.
    pub const INTERFACE: u16 = 0x1000;
    /// Packets from the NTP port only.
    pub const NTP_PORT: u16 = 0x2000;
    /// Sources, for which the daemon made it by itself.
    pub const SOURCE: u16 = 0x4000;
    /// Their names, in the order in which they are listed.
    pub const NAMES: [(&str, u16); 3] =
        [("ntpport", NTP_PORT), ("interface", INTERFACE), ("source", SOURCE)];
}
