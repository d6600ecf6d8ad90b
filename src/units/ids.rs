//! Identifiers and small enumerations of the protocol.

use std::fmt;
use std::net::Ipv4Addr;

/// The 16-bit name that a daemon gives an association for as long as it runs; 0 is the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssocId(u16);

impl AssocId {
    /// The daemon itself rather than one of its associations.
    pub const SYSTEM: Self = Self(0);

    /// From the number on the wire.
    pub const fn new(id: u16) -> Self {
        Self(id)
    }

    /// The number on the wire.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for AssocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The number of a symmetric key, never 0: that is the absence of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u32);

impl KeyId {
    /// From a number; `None` for 0.
    pub const fn new(id: u32) -> Option<Self> {
        if id == 0 { None } else { Some(Self(id)) }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A reference ID as the four octets on the wire: a clock's or kiss code's letters at strata 0
/// and 1, else the source's IPv4 address or the first octets of the MD5 of its IPv6 address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RefId([u8; 4]);

impl RefId {
    /// From its octets.
    pub const fn new(octets: [u8; 4]) -> Self {
        Self(octets)
    }

    /// From up to four ASCII letters; `None` when longer, empty or not printable.
    pub fn from_code(code: &str) -> Option<Self> {
        let bytes = code.as_bytes();
        let mut octets = [0; 4];
        octets.get_mut(..bytes.len())?.copy_from_slice(bytes);
        (!bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic)).then_some(Self(octets))
    }

    /// Its octets.
    pub const fn octets(self) -> [u8; 4] {
        self.0
    }

    /// As an address.
    pub const fn address(self) -> Ipv4Addr {
        let [a, b, c, d] = self.0;
        Ipv4Addr::new(a, b, c, d)
    }

    /// As letters: trailing zeros dropped; `None` unless the rest is printable ASCII.
    pub fn code(self) -> Option<String> {
        let end = self.0.iter().rposition(|b| *b != 0)? + 1;
        let letters = self.0.get(..end)?;
        letters
            .iter()
            .all(u8::is_ascii_graphic)
            .then(|| letters.iter().copied().map(char::from).collect())
    }
}

/// Distance from a reference clock: 1 is a primary server, 16 means unsynchronised, 0 in a packet
/// means unspecified or a kiss code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stratum(u8);

impl Stratum {
    /// Not synchronised (RFC 5905 MAXSTRAT).
    pub const UNSYNCHRONISED: Self = Self(16);

    /// From the number on the wire.
    pub const fn new(stratum: u8) -> Self {
        Self(stratum)
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Stratum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The leap indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leap {
    /// 0: no leap second is coming.
    None,
    /// 1: the last minute of the month has 61 seconds.
    Insert,
    /// 2: the last minute of the month has 59 seconds.
    Delete,
    /// 3: the clock is not synchronised.
    Alarm,
}

impl Leap {
    /// From the lowest two bits.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::None,
            1 => Self::Insert,
            2 => Self::Delete,
            _ => Self::Alarm,
        }
    }

    /// The two bits.
    pub const fn bits(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Insert => 1,
            Self::Delete => 2,
            Self::Alarm => 3,
        }
    }
}

/// The association mode of a packet (RFC 5905 §7.3, figure 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// 0: reserved; what a daemon reports of an association that has none yet.
    Unspecified,
    /// 1: symmetric active.
    SymmetricActive,
    /// 2: symmetric passive.
    SymmetricPassive,
    /// 3: client.
    Client,
    /// 4: server.
    Server,
    /// 5: broadcast server.
    Broadcast,
    /// 6: control message; as an association's host mode, broadcast client.
    Control,
    /// 7: private use, ntpdc.
    Private,
}

impl Mode {
    /// From the lowest three bits.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 7 {
            0 => Self::Unspecified,
            1 => Self::SymmetricActive,
            2 => Self::SymmetricPassive,
            3 => Self::Client,
            4 => Self::Server,
            5 => Self::Broadcast,
            6 => Self::Control,
            _ => Self::Private,
        }
    }

    /// The three bits.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::SymmetricActive => 1,
            Self::SymmetricPassive => 2,
            Self::Client => 3,
            Self::Server => 4,
            Self::Broadcast => 5,
            Self::Control => 6,
            Self::Private => 7,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enumerations_keep_their_bits() {
        for bits in 0..=7 {
            assert_eq!(Mode::from_bits(bits).bits(), bits);
        }
        for bits in 0..=3 {
            assert_eq!(Leap::from_bits(bits).bits(), bits);
        }
    }

    #[test]
    fn a_reference_id_is_letters_or_an_address() {
        let gps = RefId::from_code("GPS").unwrap();
        assert_eq!(gps.octets(), *b"GPS\0");
        assert_eq!(gps.code().as_deref(), Some("GPS"));
        assert_eq!(RefId::new([10, 0, 0, 1]).code(), None);
        assert_eq!(RefId::new([10, 0, 0, 1]).address().to_string(), "10.0.0.1");
        assert_eq!(RefId::from_code("LOCAL"), None);
        assert_eq!(RefId::from_code("A\u{7}"), None);
    }

    #[test]
    fn key_zero_is_no_key() {
        assert_eq!(KeyId::new(0), None);
        assert_eq!(KeyId::new(7).map(KeyId::get), Some(7));
    }
}
