//! Who may ask what: ntpd's list of restrictions.
//!
//! An entry is an address with a mask, perhaps for packets from the NTP port only. The entries are
//! tried in ntpd's order, the most particular first: by address downwards, then by mask, then those
//! for the port before those for any. The first that matches decides alone: flags of several
//! entries are never put together. Each family has a default entry that matches whatever no other
//! does.
//!
//! Differs: NTPsec's default entry has `noquery limited`; here it has no flags, as in classic ntpd,
//! for whoever serves says himself to whom.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::units::Mono;

mod words;

pub use words::{FLAGS, FlagRow, Question, why};

/// What a restriction forbids or asks for, as the bits of classic ntpd from 4.2.8p12 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u16);

impl Flags {
    /// Nothing is restricted.
    pub const NONE: Self = Self(0);
    /// `ignore`: nothing is answered or heeded.
    pub const IGNORE: Self = Self(0x0001);
    /// `noserve`: no time packets are heeded, those of our own sources among them.
    pub const NOSERVE: Self = Self(0x0002);
    /// `notrust`: time packets must be authenticated.
    pub const NOTRUST: Self = Self(0x0004);
    /// `version`: only packets of the current version are heeded.
    pub const VERSION: Self = Self(0x0008);
    /// `nopeer`: no association is made without authentication.
    pub const NOPEER: Self = Self(0x0010);
    /// `noepeer`: no association is made at all.
    pub const NOEPEER: Self = Self(0x0020);
    /// `limited`: who asks too often is not answered.
    pub const LIMITED: Self = Self(0x0040);
    /// `noquery`: no control messages are answered.
    pub const NOQUERY: Self = Self(0x0080);
    /// `nomodify`: control messages change nothing.
    pub const NOMODIFY: Self = Self(0x0100);
    /// `notrap`: no traps are set.
    pub const NOTRAP: Self = Self(0x0200);
    /// `lowpriotrap`: traps give way to others.
    pub const LOWPRIOTRAP: Self = Self(0x0400);
    /// `kod`: who is limited is told so once in a while.
    pub const KOD: Self = Self(0x0800);
    /// `mssntp`: packets are signed for Windows domains.
    pub const MSSNTP: Self = Self(0x1000);
    /// `flake`: one packet in ten is dropped, for tests.
    pub const FLAKE: Self = Self(0x2000);
    /// `nomrulist`: the list of clients is not told.
    pub const NOMRULIST: Self = Self(0x4000);
    /// `serverresponse fuzz`: answers are fuzzed.
    pub const FUZZ: Self = Self(0x8000);

    /// From the bits of classic ntpd.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The bits of classic ntpd.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether any of `flags` is set.
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }

    /// With those of `flags` as well.
    #[must_use]
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// Without those of `flags`.
    #[must_use]
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }

    /// The bits as NTPsec and classic ntpd before 4.2.8p12 have them, which know no `noepeer`.
    pub const fn older_bits(self) -> u16 {
        let low = self.0 & 0x001f;
        low | (self.0 >> 1 & 0x7fe0)
    }
}

impl fmt::Display for Flags {
    /// The words of ntp.conf, in the order of the bits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = FLAGS.iter().filter(|row| self.has(row.flag)).map(|row| row.word);
        f.pad(&words.collect::<Vec<_>>().join(" "))
    }
}

/// Whose packets an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Selector {
    /// The address; bits that the mask leaves out are zero.
    address: IpAddr,
    /// The mask, of the same family. Its ones need not be together.
    mask: IpAddr,
    /// Whether only packets from the NTP port are meant.
    pub ntp_port: bool,
}

impl Selector {
    /// Addresses that have those bits of `address` which are set in `mask`; `None` when the two are
    /// of different families.
    pub fn new(address: IpAddr, mask: IpAddr) -> Option<Self> {
        let address = masked(address, mask)?;
        Some(Self { address, mask, ntp_port: false })
    }

    /// Addresses that begin with the same `length` bits; `None` when there are not that many.
    pub fn prefix(address: IpAddr, length: u8) -> Option<Self> {
        Self::new(address, mask_of(address, length)?)
    }

    /// This address alone.
    pub fn host(address: IpAddr) -> Self {
        let mask = all_ones(address);
        Self { address, mask, ntp_port: false }
    }

    /// All addresses of the family of `address`.
    pub const fn any(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::ANY_V4,
            IpAddr::V6(_) => Self::ANY_V6,
        }
    }

    /// All addresses of IPv4.
    pub const ANY_V4: Self = {
        let all = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Self { address: all, mask: all, ntp_port: false }
    };

    /// All addresses of IPv6.
    pub const ANY_V6: Self = {
        let all = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        Self { address: all, mask: all, ntp_port: false }
    };

    /// The address, with the bits that the mask leaves out at zero.
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// The mask.
    pub const fn mask(&self) -> IpAddr {
        self.mask
    }

    /// Whether it stands for every address of its family and any port.
    pub const fn is_default(&self) -> bool {
        self.mask.is_unspecified() && !self.ntp_port
    }

    /// The length of the prefix; `None` for a mask whose ones are not together.
    pub fn length(&self) -> Option<u8> {
        let (bits, width) = bits(self.mask);
        let ones = bits.count_ones();
        let together = if ones == 0 { 0 } else { u128::MAX << (128 - ones) };
        let aligned = bits << (128 - width);
        (aligned == together).then(|| u8::try_from(ones).unwrap_or(u8::MAX))
    }

    fn matches(&self, address: IpAddr, port: u16) -> bool {
        masked(address, self.mask) == Some(self.address) && (!self.ntp_port || port == NTP_PORT)
    }

    /// What the list is sorted by, downwards.
    fn rank(&self) -> (u128, u128, bool) {
        (bits(self.address).0, bits(self.mask).0, self.ntp_port)
    }
}

impl fmt::Display for Selector {
    /// As a line of ntp.conf has it: `10.0.0.0 mask 255.0.0.0`, `2001:db8::/32`, `192.0.2.7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = if self.ntp_port { " ntpport" } else { "" };
        match (self.address, self.length()) {
            (IpAddr::V4(_), Some(0)) => write!(f, "-4 default{port}"),
            (IpAddr::V6(_), Some(0)) => write!(f, "-6 default{port}"),
            (address, Some(32)) if address.is_ipv4() => write!(f, "{address}{port}"),
            (address, Some(128)) => write!(f, "{address}{port}"),
            (address, Some(length)) => write!(f, "{address}/{length}{port}"),
            (address, None) => write!(f, "{address} mask {}{port}", self.mask),
        }
    }
}

/// An entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose packets it is about.
    pub selector: Selector,
    /// What is restricted.
    pub flags: Flags,
    /// The most associations with one address that packets may bring about; `None` for any number.
    pub most_peers: Option<u32>,
    /// Where it comes from.
    pub origin: Origin,
    /// Packets that it decided on.
    pub hits: u64,
}

/// Where an entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is there without anybody's doing.
    BuiltIn,
    /// A `restrict` line, with its number where it stands in a file.
    Configured {
        /// The line, counted from 1.
        line: Option<usize>,
    },
    /// The template of `restrict source`, for a source that is asked.
    Source {
        /// When it goes; `None` for as long as the association is there.
        until: Option<Mono>,
    },
}

/// The list of restrictions.
#[derive(Clone, Debug)]
pub struct AccessList {
    /// In the order in which they are tried, family by family.
    entries: Vec<Entry>,
    /// What `restrict source` says.
    template: Option<(Flags, Option<u32>)>,
}

impl Default for AccessList {
    fn default() -> Self {
        Self::new()
    }
}

impl AccessList {
    /// The default entries alone, without any flags.
    pub fn new() -> Self {
        let entry = |selector| Entry {
            selector,
            flags: Flags::NONE,
            most_peers: None,
            origin: Origin::BuiltIn,
            hits: 0,
        };
        let entries = [Selector::ANY_V4, Selector::ANY_V6].map(entry).to_vec();
        Self { entries, template: None }
    }

    /// Adds an entry; one that is there already gets the flags besides its own, as in ntpd.
    ///
    /// Whether there was room: beyond many thousands of entries each packet would cost too much.
    pub fn restrict(
        &mut self,
        selector: Selector,
        flags: Flags,
        most_peers: Option<u32>,
        origin: Origin,
    ) -> bool {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.selector == selector) {
            entry.flags = entry.flags.with(flags);
            entry.most_peers = most_peers.or(entry.most_peers);
            entry.origin = origin;
            return true;
        }
        if self.entries.len() >= MOST_ENTRIES {
            return false;
        }
        let place = self.entries.partition_point(|entry| {
            let v6 = selector.address.is_ipv6();
            match entry.selector.address.is_ipv6().cmp(&v6) {
                std::cmp::Ordering::Equal => entry.selector.rank() > selector.rank(),
                family => family.is_lt(),
            }
        });
        self.entries.insert(place, Entry { selector, flags, most_peers, origin, hits: 0 });
        true
    }

    /// Takes `flags` from an entry; whether there is one.
    pub fn unrestrict(&mut self, selector: Selector, flags: Flags) -> bool {
        let entry = self.entries.iter_mut().find(|entry| entry.selector == selector);
        entry.is_some_and(|entry| {
            entry.flags = entry.flags.without(flags);
            true
        })
    }

    /// Removes an entry; a default entry only loses its flags. Whether there is one.
    pub fn remove(&mut self, selector: Selector) -> bool {
        if selector.is_default() {
            return self.unrestrict(selector, Flags(u16::MAX));
        }
        let before = self.entries.len();
        self.entries.retain(|entry| entry.selector != selector);
        self.entries.len() < before
    }

    /// What sources get that are asked: `restrict source`.
    pub const fn set_template(&mut self, flags: Flags, most_peers: Option<u32>) {
        self.template = Some((flags, most_peers));
    }

    /// A source is asked from now on, or until some time when it is only sought. Where `restrict
    /// source` was not said, or where the address has an entry of its own, nothing changes.
    pub fn add_source(&mut self, address: IpAddr, until: Option<Mono>) {
        let Some((flags, most_peers)) = self.template else { return };
        let selector = Selector::host(address);
        let known = self.entries.iter_mut().find(|entry| entry.selector == selector);
        match known {
            Some(Entry { origin: origin @ Origin::Source { .. }, .. }) => {
                *origin = Origin::Source { until };
            }
            Some(_) => {}
            None => {
                self.restrict(selector, flags, most_peers, Origin::Source { until });
            }
        }
    }

    /// A source is asked no more.
    pub fn remove_source(&mut self, address: IpAddr) {
        let selector = Selector::host(address);
        let is_it = |entry: &Entry| {
            entry.selector == selector && matches!(entry.origin, Origin::Source { .. })
        };
        self.entries.retain(|entry| !is_it(entry));
    }

    /// Drops what was to last until `now` at most.
    pub fn expire(&mut self, now: Mono) {
        let is_over = |entry: &Entry| match entry.origin {
            Origin::Source { until: Some(until) } => until <= now,
            _ => false,
        };
        self.entries.retain(|entry| !is_over(entry));
    }

    /// What is restricted for packets from `address` and `port`; it counts as a hit.
    pub fn admit(&mut self, address: IpAddr, port: u16) -> Flags {
        let Some(place) = self.place(address, port) else { return Flags::NONE };
        let Some(entry) = self.entries.get_mut(place) else { return Flags::NONE };
        entry.hits = entry.hits.saturating_add(1);
        entry.flags
    }

    /// The entry that decides on packets from `address` and `port`.
    pub fn find(&self, address: IpAddr, port: u16) -> Option<&Entry> {
        self.entries.get(self.place(address, port)?)
    }

    fn place(&self, address: IpAddr, port: u16) -> Option<usize> {
        self.entries.iter().position(|entry| entry.selector.matches(address, port))
    }

    /// All entries, those of IPv4 first, each family in the order in which they are tried.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// The bits of an address that are set in `mask`; `None` when the two are of different families.
fn masked(address: IpAddr, mask: IpAddr) -> Option<IpAddr> {
    match (address, mask) {
        (IpAddr::V4(address), IpAddr::V4(mask)) => {
            Some(Ipv4Addr::from_bits(address.to_bits() & mask.to_bits()).into())
        }
        (IpAddr::V6(address), IpAddr::V6(mask)) => {
            Some(Ipv6Addr::from_bits(address.to_bits() & mask.to_bits()).into())
        }
        _ => None,
    }
}

/// An address as a number, and how many bits it has.
const fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits() as u128, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

const fn all_ones(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::BROADCAST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
    }
}

fn mask_of(address: IpAddr, length: u8) -> Option<IpAddr> {
    let (_, width) = bits(address);
    let zeros = width.checked_sub(u32::from(length))?;
    Some(match address {
        IpAddr::V4(_) => Ipv4Addr::from_bits(u32::MAX.checked_shl(zeros).unwrap_or(0)).into(),
        IpAddr::V6(_) => Ipv6Addr::from_bits(u128::MAX.checked_shl(zeros).unwrap_or(0)).into(),
    })
}

/// The port of NTP.
const NTP_PORT: u16 = 123;

/// The most entries of the list.
const MOST_ENTRIES: usize = 16_384;

#[cfg(test)]
mod tests;
