//! Changes that were left behind by programs that died: of which daemon each is, and how that daemon
//! is reached to have it taken back.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::backend::TargetId;
use crate::backend::change::{Left, Pending};
use crate::config::host::HostSpec;
use crate::config::target::TargetSpec;
use crate::net::book::Book;
use crate::net::reconfigure::ChronydAt;

/// Where the daemon is that a pending change was made to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// At this address: the one that it had then, for its name may lead elsewhere by now.
    Address(SocketAddr),
    /// A chronyd on this Unix socket.
    Socket(PathBuf),
}

/// The changes that were left behind, each with which of `specs` was changed.
pub fn look(specs: &[TargetSpec]) -> Arc<[Left]> {
    let all = Book::open().map(|book| book.pending()).unwrap_or_default();
    let left = all.into_iter().filter(|pending| !pending.is_in_hand);
    let told = left.map(|change| {
        let place = specs.iter().position(|spec| is_of(&change, spec));
        let target = place.and_then(|place| u16::try_from(place).ok()).map(TargetId::new);
        Left { change, target }
    });
    told.collect()
}

/// Where the change is taken back.
///
/// # Errors
/// What it was made to is not told, or is not there any more: why, in a sentence.
pub fn whereabouts(pending: &Pending) -> Result<Whereabouts, String> {
    if let Some(address) = pending.address {
        return Ok(Whereabouts::Address(address));
    }
    match pending.host.parse().ok().as_ref().and_then(ChronydAt::of) {
        Some(ChronydAt::Socket(path)) => Ok(Whereabouts::Socket(path)),
        _ => Err(format!("{} is not on a Unix socket any more", pending.host.escape_debug())),
    }
}

/// Whether it is a change of the daemon that is asked as `spec` says.
fn is_of(pending: &Pending, spec: &TargetSpec) -> bool {
    match whereabouts(pending) {
        Ok(Whereabouts::Socket(path)) => {
            matches!(ChronydAt::of(spec), Some(ChronydAt::Socket(there)) if there == path)
        }
        Ok(Whereabouts::Address(address)) => {
            // A chronyd that is here by now was not changed.
            let host = spec.control_messages().filter(|_| ChronydAt::of(spec).is_none());
            let named = pending.host.parse::<TargetSpec>().ok();
            let is_called_so = named.is_some_and(|named| named.control_messages() == host);
            host.is_some_and(|host| is_called_so || is_at(host, address))
        }
        Err(_) => false,
    }
}

/// Whether the host is written as this address.
fn is_at(host: &HostSpec, address: SocketAddr) -> bool {
    host.address() == Some(address.ip()) && host.port() == address.port()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(host: &str, address: Option<&str>) -> Pending {
        Pending {
            number: 1,
            written: String::new(),
            when: None,
            user: None,
            host: host.to_owned(),
            address: address.map(|address| address.parse().unwrap()),
            lines: Vec::new(),
            inverse: Vec::new(),
            within: String::new(),
            key: None,
            is_in_hand: false,
        }
    }

    fn is_of(host: &str, address: Option<&str>, spec: &str) -> bool {
        super::is_of(&pending(host, address), &spec.parse().unwrap())
    }

    #[test]
    fn a_change_belongs_to_the_daemon_that_is_called_so_or_is_at_its_address() {
        let at = Some("192.0.2.7:123");
        for spec in ["time1", "ntp://time1", "192.0.2.7"] {
            assert!(is_of("time1", at, spec), "{spec}");
        }
        for spec in ["time2", "time1:1123", "192.0.2.8", "192.0.2.7:1123", "chrony://time1"] {
            assert!(!is_of("time1", at, spec), "{spec}");
        }
    }

    #[test]
    fn a_change_over_a_socket_belongs_to_that_socket() {
        let socket = "unix:///nowhere/chronyd.sock";
        assert!(is_of(socket, None, socket));
        assert!(!is_of(socket, None, "unix:///elsewhere/chronyd.sock"));
        assert!(!is_of(socket, None, "localhost"));
        // What was told to an ntpd is nothing for a chronyd, however both are called.
        assert!(!is_of(socket, Some("127.0.0.1:123"), socket));
        assert!(whereabouts(&pending("time1", None)).is_err());
    }
}
