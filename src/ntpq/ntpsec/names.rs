//! What addresses are called in NTPsec's style: the name that the system has for them, in small
//! letters, whether or not that name has the address.

use crate::ntpq::address::NetAddress;
use crate::ntpq::job::{Family, HostName};
use crate::ntpq::session::Session;
use crate::ntpq::text::printable;

/// The address in `text`, beside which a port may stand, of the family that has names; `None` where
/// there is none.
pub fn address(text: &str, family: Family) -> Option<NetAddress> {
    let (host, _) = split(text);
    let address = NetAddress::read(host.as_bytes())?;
    let is_wanted = match family {
        Family::Any => true,
        Family::V4 => address.ip.is_ipv4(),
        Family::V6 => address.ip.is_ipv6(),
    };
    is_wanted.then_some(address)
}

/// What the address in `text` is called, with the port that stands beside it.
pub fn name(session: &Session, text: &str, family: Family) -> String {
    let (host, port) = split(text);
    let Some(address) = address(text, family) else {
        return format!("DNSFAIL:{}", printable(host.as_bytes()));
    };
    let name = match session.names.get(&address.ip) {
        Some(HostName::Confirmed(name) | HostName::Unconfirmed(name)) => name,
        Some(HostName::None) | None => host,
    };
    format!("{}{}", printable(name.to_lowercase().as_bytes()), printable(port.as_bytes()))
}

/// A host and the port behind it with its colon, which may be none; IPv6 loses its brackets with its
/// port.
pub fn split(text: &str) -> (&str, &str) {
    if text.matches(':').count() == 1 {
        return text.split_at(text.find(':').unwrap_or(text.len()));
    }
    let has_port =
        text.rfind(']').is_some_and(|end| text.get(end..).is_some_and(|t| t.contains(':')));
    match text.rfind(':').filter(|_| has_port) {
        Some(colon) => {
            let (host, port) = text.split_at(colon);
            (host.get(1..host.len().saturating_sub(1)).unwrap_or_default(), port)
        }
        None => (text, ""),
    }
}
