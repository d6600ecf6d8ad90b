//! Names to addresses and back, off the event loop.
//!
//! The system's resolver blocks, so it is called on the runtime's blocking threads, of which there
//! are few; whoever quits does not wait for them.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use dns_lookup::{AddrFamily, AddrInfoHints, LookupError, SockType};
use tokio::task::spawn_blocking;

use crate::config::host::HostSpec;
use crate::model::values::printable;

/// Which address families a name may resolve to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Families {
    /// Either, in the system's order of preference.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// Where a host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Its addresses in the system's order, at least one.
    pub addresses: Vec<SocketAddr>,
    /// Its canonical name, when it was looked up by name.
    pub canonical: Option<String>,
}

/// The addresses of `host` in the system's order.
///
/// # Errors
/// What the resolver said, as one line; among it that there is none of the family wanted.
pub async fn addresses(host: &HostSpec, families: Families) -> Result<Vec<SocketAddr>, String> {
    locate(host, families).await.map(|found| found.addresses)
}

/// The addresses of `host` and its canonical name. An address needs no resolver and has no name.
///
/// # Errors
/// What the resolver said, as one line; among it that there is none of the family wanted.
pub async fn locate(host: &HostSpec, families: Families) -> Result<Located, String> {
    let Some(address) = host.address() else {
        let (name, port) = (host.host().to_owned(), host.port());
        return spawn_blocking(move || look_up(&name, port, families))
            .await
            .unwrap_or_else(|stopped| Err(stopped.to_string()));
    };
    let wanted = match families {
        Families::Any => true,
        Families::V4 => address.is_ipv4(),
        Families::V6 => address.is_ipv6(),
    };
    if wanted {
        let addresses = vec![SocketAddr::new(address, host.port())];
        Ok(Located { addresses, canonical: None })
    } else {
        Err("Address family for hostname not supported".to_owned())
    }
}

fn look_up(name: &str, port: u16, families: Families) -> Result<Located, String> {
    let family = match families {
        Families::Any => 0,
        Families::V4 => AddrFamily::Inet.into(),
        Families::V6 => AddrFamily::Inet6.into(),
    };
    let hints = AddrInfoHints {
        flags: libc::AI_CANONNAME,
        address: family,
        socktype: SockType::DGram.into(),
        ..AddrInfoHints::default()
    };
    let found = dns_lookup::getaddrinfo(Some(name), None, Some(hints)).map_err(reason)?;
    let mut located = Located { addresses: Vec::new(), canonical: None };
    for entry in found.filter_map(Result::ok) {
        let mut address = entry.sockaddr;
        address.set_port(port);
        if !located.addresses.contains(&address) {
            located.addresses.push(address);
        }
        if located.canonical.is_none() {
            located.canonical = entry.canonname.map(|name| printable(&name).into_string());
        }
    }
    if located.addresses.is_empty() {
        return Err("the name has no address".to_owned());
    }
    Ok(located)
}

/// What the resolver said, without the words around it.
fn reason(error: LookupError) -> String {
    let text = io::Error::from(error).to_string();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
    printable(text).into_string()
}

/// The name of `address`, safe to show; `None` when it has none.
pub async fn name(address: IpAddr) -> Option<Arc<str>> {
    spawn_blocking(move || reverse(address)).await.ok().flatten()
}

/// Hands the name of `address` to `take`, on a thread of the resolver's: many names cost the event loop
/// no more than their news.
pub fn name_to(address: IpAddr, take: impl FnOnce(Option<Arc<str>>) + Send + 'static) {
    // Nobody waits for it: a resolver that hangs is left to itself.
    drop(spawn_blocking(move || take(reverse(address))));
}

fn reverse(address: IpAddr) -> Option<Arc<str>> {
    let socket = SocketAddr::new(address, 0);
    let (name, _) = dns_lookup::getnameinfo(&socket, libc::NI_NAMEREQD).ok()?;
    let name: String = printable(&name).chars().take(LONGEST_NAME).collect();
    (!name.is_empty()).then(|| name.into())
}

/// Which addresses have been looked up already, so that each is asked for once.
#[derive(Debug, Default)]
pub struct Asked {
    addresses: HashSet<IpAddr>,
}

impl Asked {
    /// Whether `address` is to be looked up now: the first time, and while there is room.
    pub fn first(&mut self, address: IpAddr) -> bool {
        self.addresses.len() < MOST_NAMES && self.addresses.insert(address)
    }
}

/// The longest name that DNS knows.
const LONGEST_NAME: usize = 255;

/// Addresses whose names are kept; a screen shows far fewer.
const MOST_NAMES: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn addresses_need_no_resolver() {
        let host = "192.0.2.7:99".parse().unwrap();
        let found = block_on(addresses(&host, Families::Any)).unwrap();
        assert_eq!(found, ["192.0.2.7:99".parse().unwrap()]);
        assert!(block_on(addresses(&host, Families::V6)).is_err());
    }

    #[test]
    fn localhost_has_an_address_and_a_name() {
        let found = block_on(addresses(&HostSpec::new("localhost"), Families::V4)).unwrap();
        assert_eq!(found, ["127.0.0.1:123".parse().unwrap()]);
        assert!(block_on(name("127.0.0.1".parse().unwrap())).is_some());
    }
}
