//! What `restrict` lines hold: whose packets, and what is restricted for them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::host::{HostSpec, NTP_PORT};
use crate::config::ntp_conf::Family;

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

    /// From the bits as NTPsec and classic ntpd before 4.2.8p12 have them.
    pub const fn from_older_bits(bits: u16) -> Self {
        Self(bits & 0x001f | (bits & 0x7fe0) << 1)
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
    ntp_port: bool,
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

    /// The same, but only for packets from the NTP port.
    #[must_use]
    pub const fn from_ntp_port(self) -> Self {
        Self { ntp_port: true, ..self }
    }

    /// Whether only packets from the NTP port are meant.
    pub const fn is_for_ntp_port(&self) -> bool {
        self.ntp_port
    }

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

    /// Whether packets from `address` and `port` are meant.
    pub fn matches(&self, address: IpAddr, port: u16) -> bool {
        masked(address, self.mask) == Some(self.address) && (!self.ntp_port || port == NTP_PORT)
    }

    /// What a list of them is sorted by, downwards: the most particular goes first.
    pub fn rank(&self) -> (u128, u128, bool) {
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

/// A flag and what it says.
#[derive(Clone, Copy, Debug)]
pub struct FlagRow {
    /// The flag.
    pub flag: Flags,
    /// Its word in ntp.conf.
    pub word: &'static str,
    /// What it says of whoever it is for, in a clause.
    pub meaning: &'static str,
}

const fn row(flag: Flags, word: &'static str, meaning: &'static str) -> FlagRow {
    FlagRow { flag, word, meaning }
}

/// Every flag, in the order of the bits.
pub const FLAGS: [FlagRow; 16] = [
    row(Flags::IGNORE, "ignore", "nothing that comes from it is heeded"),
    row(Flags::NOSERVE, "noserve", "its time packets are dropped, answers to our own among them"),
    row(Flags::NOTRUST, "notrust", "its time packets must be authenticated"),
    row(Flags::VERSION, "version", "its packets must be of the current version of NTP"),
    row(Flags::NOPEER, "nopeer", "its packets make no association unless they are authenticated"),
    row(Flags::NOEPEER, "noepeer", "its packets make no association at all"),
    row(Flags::LIMITED, "limited", "it is not answered when it asks too often"),
    row(Flags::NOQUERY, "noquery", "its control messages are dropped"),
    row(Flags::NOMODIFY, "nomodify", "its control messages change nothing"),
    row(Flags::NOTRAP, "notrap", "it sets no traps"),
    row(Flags::LOWPRIOTRAP, "lowpriotrap", "its traps give way to those of others"),
    row(Flags::KOD, "kod", "it is told once in a while when it asks too often"),
    row(Flags::MSSNTP, "mssntp", "its packets are signed for a Windows domain"),
    row(Flags::FLAKE, "flake", "one in ten of its packets is dropped, to test others"),
    row(Flags::NOMRULIST, "nomrulist", "it is not told who else asks"),
    row(Flags::FUZZ, "serverresponse fuzz", "answers to it are fuzzed"),
];

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

/// A `restrict` line.
#[derive(Clone, Debug, PartialEq)]
pub struct Restrict {
    /// Whose packets.
    pub whom: Whom,
    /// What is restricted.
    pub flags: Flags,
    /// `ippeerlimit`: the most associations with one address that packets may bring about; `None`
    /// for any number.
    pub most_peers: Option<u32>,
}

/// Whom a `restrict` line is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Whom {
    /// `default`: all whom no other line is about, of one family or of both.
    Default(Option<Family>),
    /// `source`: every source that is asked, while it is.
    Source,
    /// An address, or all that share some of its bits.
    Addresses(Selector),
    /// All addresses of a name, which are for others to find.
    Named {
        /// The name.
        host: HostSpec,
        /// The family of addresses wanted.
        family: Option<Family>,
        /// Whether only packets from the NTP port are meant.
        ntp_port: bool,
    },
}

impl Whom {
    /// What it comes to for one of the addresses of the name; `None` where there is no name.
    pub fn at(&self, address: IpAddr) -> Option<Self> {
        let Self::Named { ntp_port, .. } = self else { return None };
        let selector = Selector::host(address);
        Some(Self::Addresses(if *ntp_port { selector.from_ntp_port() } else { selector }))
    }

    /// Those whom it is about, as far as that is known without looking a name up; nothing for the
    /// sources.
    pub fn selectors(&self) -> Vec<Selector> {
        match self {
            Self::Default(None) => vec![Selector::ANY_V4, Selector::ANY_V6],
            Self::Default(Some(Family::Ipv4)) => vec![Selector::ANY_V4],
            Self::Default(Some(Family::Ipv6)) => vec![Selector::ANY_V6],
            Self::Addresses(selector) => vec![*selector],
            Self::Source | Self::Named { .. } => Vec::new(),
        }
    }
}
