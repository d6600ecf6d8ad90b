//! Addresses, and what else tells sources apart.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::units::RefId;
use crate::wire::Malformed;
use crate::wire::reader::Reader;

/// An address of twenty bytes: sixteen for the address, then the family, which says how many of
/// them count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// None: of a reference clock, of a source not answered yet, of *all sources* in a request.
    #[default]
    Unspecified,
    /// An address.
    Ip(IpAddr),
    /// A source whose name is not resolved yet; the number stands for it until then.
    Unresolved(u32),
    /// A family that is not known here.
    Other {
        /// The family: 4 or more.
        family: u16,
        /// All sixteen bytes.
        octets: [u8; 16],
    },
}

impl Address {
    /// The address, where there is one.
    pub const fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(ip),
            _ => None,
        }
    }

    /// Reads the twenty bytes; those that the family does not use are not looked at.
    pub(super) fn parse(reader: &mut Reader<'_>, field: &'static str) -> Result<Self, Malformed> {
        let octets: [u8; 16] = reader.array(field)?;
        let family = reader.u16(field)?;
        reader.u16(field)?;
        let [a, b, c, d, ..] = octets;
        Ok(match family {
            0 => Self::Unspecified,
            1 => Self::Ip(Ipv4Addr::new(a, b, c, d).into()),
            2 => Self::Ip(Ipv6Addr::from(octets).into()),
            3 => Self::Unresolved(u32::from_be_bytes([a, b, c, d])),
            _ => Self::Other { family, octets },
        })
    }

    pub(super) fn emit(self, bytes: &mut Vec<u8>) {
        let mut octets = [0; 16];
        let family = match self {
            Self::Unspecified => 0,
            Self::Ip(IpAddr::V4(v4)) => {
                fill(&mut octets, v4.octets());
                1
            }
            Self::Ip(IpAddr::V6(v6)) => {
                octets = v6.octets();
                2
            }
            Self::Unresolved(id) => {
                fill(&mut octets, id.to_be_bytes());
                3
            }
            Self::Other { family, octets: kept } => {
                octets = kept;
                family
            }
        };
        bytes.extend(octets);
        bytes.extend(family.to_be_bytes());
        bytes.extend([0; 2]);
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}

impl fmt::Display for Address {
    /// As chronyc prints it; unknown families by their number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unspecified => f.pad("[UNSPEC]"),
            Self::Ip(ip) => f.pad(&ip.to_string()),
            Self::Unresolved(id) => f.pad(&format!("ID#{id:010}")),
            Self::Other { family, .. } => f.pad(&format!("[family {family}]")),
        }
    }
}

/// What a source is known by in every report: its index may have changed between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceId {
    /// An NTP server or peer.
    Address(Address),
    /// A reference clock, by the letters of its reference ID.
    ReferenceClock(RefId),
}

impl SourceId {
    /// From a report that has both, of which a reference clock has no address.
    pub(super) const fn of(address: Address, reference_id: RefId) -> Self {
        match address {
            Address::Unspecified => Self::ReferenceClock(reference_id),
            address => Self::Address(address),
        }
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::ReferenceClock(id) => match id.code() {
                Some(letters) => f.pad(&letters),
                None => f.pad(&format!("{:08X}", u32::from_be_bytes(id.octets()))),
            },
        }
    }
}

fn fill(octets: &mut [u8; 16], start: [u8; 4]) {
    if let Some(first) = octets.first_chunk_mut() {
        *first = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPV4: &[u8; 20] = b"\x7f\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0";
    const UNRESOLVED: &[u8; 20] = b"\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\x03\0\0";

    fn read(bytes: &[u8]) -> Result<Address, Malformed> {
        Address::parse(&mut Reader::new("test", bytes), "address")
    }

    fn written(address: Address) -> Vec<u8> {
        let mut bytes = Vec::new();
        address.emit(&mut bytes);
        bytes
    }

    #[test]
    fn captured_addresses_are_read_and_written() {
        for (bytes, text) in [(IPV4, "127.0.0.2"), (UNRESOLVED, "ID#0000000001")] {
            let address = read(bytes).unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(written(address), bytes);
        }
    }

    #[test]
    fn every_family_survives_the_round_trip() {
        for address in [
            Address::Unspecified,
            Address::Ip("192.0.2.1".parse().unwrap()),
            Address::Ip("2001:db8::1".parse().unwrap()),
            Address::Unresolved(u32::MAX),
            Address::Other { family: 4, octets: [9; 16] },
            Address::Other { family: u16::MAX, octets: [0; 16] },
        ] {
            assert_eq!(read(&written(address)), Ok(address));
        }
    }

    #[test]
    fn every_length_short_is_malformed() {
        for len in 0..20 {
            assert!(read(&IPV4[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn what_the_family_does_not_use_is_not_looked_at() {
        let mut bytes = *IPV4;
        bytes[4..16].fill(0xaa);
        bytes[18..].fill(0xaa);
        assert_eq!(read(&bytes), read(IPV4));
        bytes[17] = 0;
        assert_eq!(read(&bytes), Ok(Address::Unspecified));
    }

    #[test]
    fn they_are_shown_as_chronyc_shows_them() {
        for (address, text) in [
            (Address::Unspecified, "[UNSPEC]"),
            (Address::Ip("2001:db8::1".parse().unwrap()), "2001:db8::1"),
            (Address::Unresolved(7), "ID#0000000007"),
            (Address::Other { family: 9, octets: [1; 16] }, "[family 9]"),
        ] {
            assert_eq!(address.to_string(), text);
        }
        assert_eq!(format!("{:>9}|", Address::from(IpAddr::from([10, 0, 0, 1]))), " 10.0.0.1|");
    }

    #[test]
    fn a_reference_clock_is_known_by_its_letters() {
        let tst = RefId::new(*b"TST7");
        assert_eq!(SourceId::of(Address::Unspecified, tst).to_string(), "TST7");
        let ip = Address::from(IpAddr::from([127, 0, 0, 2]));
        assert_eq!(SourceId::of(ip, tst), SourceId::Address(ip));
        assert_eq!(SourceId::ReferenceClock(RefId::new([0, 1, 2, 0xff])).to_string(), "000102FF");
    }
}
