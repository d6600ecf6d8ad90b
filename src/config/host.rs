//! HOST as users write it: a name, an address or `[v6%zone]`, each with an optional `:PORT`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use crate::config::Rejected;

/// The port of NTP.
pub const NTP_PORT: u16 = 123;

/// A host to talk to: not resolved, for that takes time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostSpec {
    host: String,
    port: u16,
}

impl HostSpec {
    /// A host on the NTP port.
    pub fn new(host: impl Into<String>) -> Self {
        Self { host: host.into(), port: NTP_PORT }
    }

    /// The same host on another port.
    #[must_use]
    pub fn on_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The name or address, without brackets; a zone stays with its address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The zone of an IPv6 address, a name or number of an interface: `eth0` of `fe80::1%eth0`. Its
    /// number is for the system to tell.
    pub fn zone(&self) -> Option<&str> {
        let (address, zone) = self.host.split_once('%')?;
        address.parse::<Ipv6Addr>().is_ok().then_some(zone)
    }

    /// The address, when it is one and has no zone.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl HostSpec {
    /// Reads a host, and its port apart where one was written.
    ///
    /// # Errors
    /// What is no host, or no port.
    pub fn with_port(text: &str) -> Result<(Self, Option<u16>), Rejected> {
        let rejected = |reason: &str| Rejected {
            source: format!("host `{}`", text.escape_debug()),
            position: None,
            reason: reason.to_owned(),
        };
        if let Some((scheme, _)) = text.split_once("://") {
            let scheme = scheme.escape_debug();
            let reason = format!(
                "`{scheme}://` says how a daemon is watched; here a plain HOST[:PORT] is meant"
            );
            return Err(rejected(&reason));
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, after) = rest.split_once(']').ok_or_else(|| rejected("`[` has no `]`"))?;
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return Err(rejected("only `:PORT` may follow `]`")),
            }
        } else if text.matches(':').count() == 1 {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            (host, Some(port))
        } else {
            (text, None)
        };
        if host.is_empty() {
            return Err(rejected("the name is empty"));
        }
        if host.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(rejected("a name has no blanks and no control characters"));
        }
        if host.contains(['/', '[', ']']) {
            return Err(rejected("a name has no `/` and no brackets"));
        }
        let (address, zone) = host.split_once('%').unwrap_or((host, "none"));
        if host.contains(':') && address.parse::<Ipv6Addr>().is_err() {
            return Err(rejected("only an IPv6 address has several colons, and this is none"));
        }
        if host.contains(':') && zone.is_empty() {
            return Err(rejected("the zone behind `%` has no name"));
        }
        if zone.contains(':') {
            return Err(rejected("the name of a zone has no colon"));
        }
        let port = match port.map(str::parse) {
            None => None,
            Some(Ok(port)) if port > 0 => Some(port),
            Some(_) => return Err(rejected("a port is a number from 1 to 65535")),
        };
        Ok((Self { host: host.to_owned(), port: port.unwrap_or(NTP_PORT) }, port))
    }

    /// As it is written with its port, even where that is NTP's.
    pub fn with_its_port(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for HostSpec {
    type Err = Rejected;

    fn from_str(text: &str) -> Result<Self, Rejected> {
        Self::with_port(text).map(|(host, _)| host)
    }
}

impl fmt::Display for HostSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.port == NTP_PORT {
            f.write_str(&self.host)
        } else {
            f.write_str(&self.with_its_port())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, u16) {
        let spec: HostSpec = text.parse().unwrap();
        assert_eq!(spec.to_string().parse::<HostSpec>().unwrap(), spec);
        (spec.host().to_owned(), spec.port())
    }

    #[test]
    fn names_addresses_and_ports_are_told_apart() {
        assert_eq!(read("time.example"), ("time.example".into(), 123));
        assert_eq!(read("time.example:1123"), ("time.example".into(), 1123));
        assert_eq!(read("192.0.2.1"), ("192.0.2.1".into(), 123));
        assert_eq!(read("192.0.2.1:5"), ("192.0.2.1".into(), 5));
        assert_eq!(read("::1"), ("::1".into(), 123));
        assert_eq!(read("2001:db8::7"), ("2001:db8::7".into(), 123));
        assert_eq!(read("[2001:db8::7]:99"), ("2001:db8::7".into(), 99));
        assert_eq!(read("[fe80::1%eth0]"), ("fe80::1%eth0".into(), 123));
        assert_eq!(read("fe80::1%eth0"), ("fe80::1%eth0".into(), 123));
        assert_eq!(read("[fe80::1%2]:99"), ("fe80::1%2".into(), 99));
        let zone = |text: &str| text.parse::<HostSpec>().unwrap().zone().map(str::to_owned);
        assert_eq!(zone("fe80::1%eth0").as_deref(), Some("eth0"));
        assert_eq!((zone("fe80::1"), zone("odd%name")), (None, None));
    }

    #[test]
    fn what_is_no_host_says_why() {
        for text in [
            "",
            "[::1",
            "[::1]x",
            "a:0",
            "a:65536",
            "a:",
            ":123",
            "a b",
            "a\u{1b}[2J",
            "a:b:c",
            "[a:1]:2",
            "fe80::1%",
            "ntp://a",
            "chrony://[::1]:323",
            "unix:///run/chrony/chronyd.sock",
        ] {
            let error = text.parse::<HostSpec>().unwrap_err().to_string();
            assert!(!error.contains('\u{1b}'), "{error:?}");
            assert!(error.starts_with("host `"), "{error}");
        }
    }
}
