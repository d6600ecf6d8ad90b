//! Addresses as ntpq reads and prints them.
//!
//! A reference clock has an address too, 127.127.type.unit, and is called by its driver's name
//! wherever names are shown.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address with the port that stood beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetAddress {
    /// The address.
    pub ip: IpAddr,
    /// The interface that a link-local address belongs to, by number; 0 is none.
    pub scope: u32,
    /// The port; 123 where none was written.
    pub port: u16,
}

impl NetAddress {
    /// What a value that is not there stands for.
    pub const UNSPECIFIED: Self = Self { ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED), scope: 0, port: 0 };

    /// Reads an address: dotted or IPv6, a port after a colon, brackets around.
    pub fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (host, port) = match text.strip_prefix('[') {
            Some(inner) => {
                let (host, after) = inner.split_once(']')?;
                (host, after.strip_prefix(':'))
            }
            None if text.matches(':').count() == 1 => {
                text.split_once(':').map(|(host, port)| (host, Some(port)))?
            }
            None => (text, None),
        };
        let (host, scope) = match host.split_once('%') {
            Some((host, scope)) => (host, scope.parse().unwrap_or(0)),
            None => (host, 0),
        };
        let ip: IpAddr = host.parse().ok()?;
        if ip.is_ipv4() && scope != 0 {
            return None;
        }
        let port = port.and_then(leading_number).unwrap_or(DEFAULT_PORT);
        Some(Self { ip, scope, port })
    }

    /// Whether it is 0.0.0.0 or ::.
    pub const fn is_unspecified(self) -> bool {
        self.ip.is_unspecified()
    }

    /// The reference clock that it stands for: driver type and unit.
    pub const fn clock(self) -> Option<(u8, u8)> {
        match self.ip {
            IpAddr::V4(ip) => match ip.octets() {
                [127, 127, kind, unit] => Some((kind, unit)),
                _ => None,
            },
            IpAddr::V6(_) => None,
        }
    }

    /// The name of the reference clock that it stands for, such as `LOCAL(0)`.
    pub fn clock_name(self) -> Option<String> {
        let (kind, unit) = self.clock()?;
        Some(match CLOCK_DRIVERS.get(usize::from(kind)) {
            Some(name) => format!("{name}({unit})"),
            None => format!("REFCLK({kind},{unit})"),
        })
    }

    /// With its port, IPv6 in brackets.
    pub fn with_port(self) -> String {
        match self.ip {
            IpAddr::V4(_) => format!("{self}:{}", self.port),
            IpAddr::V6(_) => format!("[{self}]:{}", self.port),
        }
    }
}

impl From<SocketAddr> for NetAddress {
    fn from(address: SocketAddr) -> Self {
        let scope = match address {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(v6) => v6.scope_id(),
        };
        Self { ip: address.ip(), scope, port: address.port() }
    }
}

impl fmt::Display for NetAddress {
    /// Without the port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ip)?;
        if self.scope == 0 { Ok(()) } else { write!(f, "%{}", self.scope) }
    }
}

/// What the `t` column shows for an association of unknown mode: guessed from the local address.
pub const fn type_of_local_address(ip: IpAddr) -> char {
    match ip {
        IpAddr::V4(ip) => match ip.octets() {
            [224..=239, ..] => 'm',
            [.., 255] => 'b',
            [127, 0, 0, 1] => 'l',
            [0, 0, 0, 0..=31] => '-',
            _ => 'u',
        },
        IpAddr::V6(ip) => v6_type(ip),
    }
}

const fn v6_type(ip: Ipv6Addr) -> char {
    if ip.is_multicast() { 'm' } else { 'u' }
}

fn leading_number(text: &str) -> Option<u16> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

const DEFAULT_PORT: u16 = 123;

/// Names of the reference clock drivers of classic ntpd, by type.
const CLOCK_DRIVERS: [&str; 47] = [
    "UNKNOWN",
    "LOCAL",
    "GPS_TRAK",
    "WWV_PST",
    "SPECTRACOM",
    "TRUETIME",
    "IRIG_AUDIO",
    "CHU_AUDIO",
    "GENERIC",
    "GPS_MX4200",
    "GPS_AS2201",
    "GPS_ARBITER",
    "IRIG_TPRO",
    "ATOM_LEITCH",
    "MSF_EES",
    "NOT_USED",
    "GPS_BANC",
    "GPS_DATUM",
    "ACTS_MODEM",
    "WWV_HEATH",
    "GPS_NMEA",
    "GPS_VME",
    "PPS",
    "NOT_USED",
    "NOT_USED",
    "NOT_USED",
    "GPS_HP",
    "MSF_ARCRON",
    "SHM",
    "GPS_PALISADE",
    "GPS_ONCORE",
    "GPS_JUPITER",
    "CHRONOLOG",
    "DUMBCLOCK",
    "ULINK_M320",
    "PCF",
    "WWV_AUDIO",
    "GPS_FG",
    "HOPF_S",
    "HOPF_P",
    "JJY",
    "TT_IRIG",
    "GPS_ZYFER",
    "GPS_RIPENCC",
    "NEOCLK4X",
    "PCI_TSYNC",
    "GPSD_JSON",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        NetAddress::read(text.as_bytes()).map(NetAddress::with_port)
    }

    // As ntpq 4.2.8p15 took them.
    #[test]
    fn addresses_are_read_in_every_form() {
        for (text, printed) in [
            ("1.2.3.4", "1.2.3.4:123"),
            ("1.2.3.4:55", "1.2.3.4:55"),
            ("1.2.3.4:x", "1.2.3.4:123"),
            ("[1.2.3.4]", "1.2.3.4:123"),
            ("::1", "[::1]:123"),
            ("[::1]:55", "[::1]:55"),
            ("FE80::0:1", "[fe80::1]:123"),
            ("fe80::1%9", "[fe80::1%9]:123"),
            ("fe80::1%lo", "[fe80::1]:123"),
            ("::ffff:1.2.3.4", "[::ffff:1.2.3.4]:123"),
        ] {
            assert_eq!(read(text).as_deref(), Some(printed), "{text}");
        }
        for text in ["1.2.3", "x", "1", "0x7f000001", "[::1", "\"1.2.3.4\"", "", "1.2.3.4 "] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn reference_clocks_have_names() {
        let name = |text: &str| NetAddress::read(text.as_bytes()).unwrap().clock_name();
        assert_eq!(name("127.127.1.0").as_deref(), Some("LOCAL(0)"));
        assert_eq!(name("127.127.20.3").as_deref(), Some("GPS_NMEA(3)"));
        assert_eq!(name("127.127.99.3").as_deref(), Some("REFCLK(99,3)"));
        assert_eq!(name("127.0.0.1"), None);
    }
}
