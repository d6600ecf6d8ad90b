//! The addresses and interfaces of this host, asked of the kernel by netlink (`RTM_GETADDR`,
//! `RTM_GETLINK`): what stands under `/sys` may be those of another network namespace.
//!
//! Who gets time from one of the addresses is in a loop with us.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// An interface, with one of its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interface {
    /// An address of it.
    pub address: IpAddr,
    /// Its number.
    pub index: u32,
}

/// What an interface is called, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// The system's bits (`IFF_UP` and those behind it).
    pub flags: u32,
}

/// The addresses of all interfaces, in order, each with its interface.
///
/// # Errors
/// The kernel does not tell.
pub fn list() -> io::Result<Vec<Interface>> {
    let mut addresses = dump(libc::RTM_GETADDR, &[0; ADDRESS], (libc::RTM_NEWADDR, address))?;
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

/// All interfaces by their numbers.
///
/// # Errors
/// The kernel does not tell.
pub fn links() -> io::Result<BTreeMap<u32, Link>> {
    let links = dump(libc::RTM_GETLINK, &[0; LINK], (libc::RTM_NEWLINK, link))?;
    Ok(links.into_iter().collect())
}

/// Which messages are wanted, and what is in the body of one.
type Wanted<T> = (u16, fn(&[u8]) -> Option<T>);

/// Asks for a list of everything of a kind, by a message of this kind and with this body.
fn dump<T>(kind: u16, body: &[u8], wanted: Wanted<T>) -> io::Result<Vec<T>> {
    let netlink = Domain::from(libc::AF_NETLINK);
    let mut socket = Socket::new(netlink, Type::RAW, Some(Protocol::from(libc::NETLINK_ROUTE)))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(&request(kind, body))?;
    let mut found = Vec::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = socket.read(&mut buffer)?;
        if take(buffer.get(..length).unwrap_or_default(), wanted, &mut found) {
            return Ok(found);
        }
    }
}

/// A request for a list: a header of sixteen bytes, of which the last eight may be zero, and the
/// body.
fn request(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + body.len()).unwrap_or(0).to_ne_bytes();
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_DUMP).unwrap_or(0).to_ne_bytes();
    let mut bytes: Vec<u8> = length.into_iter().chain(kind.to_ne_bytes()).chain(flags).collect();
    bytes.resize(HEADER, 0);
    bytes.extend(body);
    bytes
}

/// Takes what is wanted out of one part of the answer; whether it was the last.
fn take<T>(mut bytes: &[u8], (wanted, read): Wanted<T>, found: &mut Vec<T>) -> bool {
    while let Some((header, _)) = bytes.split_at_checked(HEADER) {
        let (Some(length), Some(kind)) = (number(header, 0), short(header, 4)) else { return true };
        let Ok(length) = usize::try_from(length) else { return true };
        let Some(body) = bytes.get(HEADER..length) else { return true };
        match i32::from(kind) {
            libc::NLMSG_DONE | libc::NLMSG_ERROR => return true,
            _ if kind == wanted => found.extend(read(body)),
            _ => {}
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    false
}

/// The interface and its own address in one address message.
fn address(body: &[u8]) -> Option<Interface> {
    let index = number(body, INDEX)?;
    let mut found = None;
    for attribute in attributes(body.get(ADDRESS..)?) {
        let (kind, data) = attribute?;
        // On a line between two hosts IFA_ADDRESS is the other end and IFA_LOCAL ours.
        if kind == libc::IFA_LOCAL || (kind == libc::IFA_ADDRESS && found.is_none()) {
            found = match data.len() {
                4 => data.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
                16 => data.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
                _ => None,
            };
        }
    }
    found.map(|address| Interface { address, index })
}

/// The interface in one link message, with its number.
fn link(body: &[u8]) -> Option<(u32, Link)> {
    let (index, flags) = (number(body, INDEX)?, number(body, FLAGS)?);
    for attribute in attributes(body.get(LINK..)?) {
        let (kind, data) = attribute?;
        if kind == libc::IFLA_IFNAME {
            let name = data.strip_suffix(&[0]).unwrap_or(data);
            return Some((index, Link { name: String::from_utf8_lossy(name).into_owned(), flags }));
        }
    }
    None
}

/// The kinds and values of attributes; `None` for one that is not whole, and nothing behind it.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = Option<(u16, &[u8])>> {
    std::iter::from_fn(move || {
        let (length, kind) = (short(bytes, 0)?, short(bytes, 2)?);
        let length = usize::from(length);
        let data = bytes.get(4..length);
        let next = bytes.get(length.next_multiple_of(4)..).filter(|_| data.is_some());
        bytes = next.unwrap_or_default();
        Some(data.map(|data| (kind, data)))
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_ne_bytes)
}

/// Length of a message's header, and of what begins an address message and a link message.
const HEADER: usize = 16;
const ADDRESS: usize = 8;
const LINK: usize = 16;

/// Where the number of the interface stands in those, and its flags in the latter.
const INDEX: usize = 4;
const FLAGS: usize = 8;

/// The kernel sends at most this much at once.
const BUFFER: usize = 32_768;

/// The kernel answers at once, or not at all.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted<Interface> = (libc::RTM_NEWADDR, address);

    #[test]
    fn the_loopback_is_among_our_addresses() {
        let addresses = list().unwrap();
        let loopback = Interface { address: "127.0.0.1".parse().unwrap(), index: 1 };
        assert!(addresses.contains(&loopback), "{addresses:?}");
        let links = links().unwrap();
        assert_eq!(links[&1].name, "lo");
        assert_eq!(links[&1].flags & 0x8, 0x8, "the loopback says that it is one");
        assert!(addresses.iter().all(|one| links.contains_key(&one.index)));
    }

    #[test]
    fn a_message_that_is_cut_or_lies_about_its_length_ends_the_list() {
        let mut message = vec![0; HEADER + ADDRESS];
        message.extend(8_u16.to_ne_bytes());
        message.extend(libc::IFA_LOCAL.to_ne_bytes());
        message.extend([192, 0, 2, 7]);
        message[HEADER + INDEX..HEADER + ADDRESS].copy_from_slice(&9_u32.to_ne_bytes());
        let length = u32::try_from(message.len()).unwrap();
        message[..4].copy_from_slice(&length.to_ne_bytes());
        message[4..6].copy_from_slice(&libc::RTM_NEWADDR.to_ne_bytes());
        let mut found = Vec::new();
        assert!(!take(&message, WANTED, &mut found));
        let address = "192.0.2.7".parse().unwrap();
        assert_eq!(found, [Interface { address, index: 9 }]);
        for cut in 0..message.len() {
            let mut found = Vec::new();
            take(&message[..cut], WANTED, &mut found);
            assert!(found.is_empty());
        }
        for lie in [0_u32, 3, 15, u32::MAX] {
            let mut message = message.clone();
            message[..4].copy_from_slice(&lie.to_ne_bytes());
            assert!(take(&message, WANTED, &mut Vec::new()), "{lie}");
        }
    }
}
