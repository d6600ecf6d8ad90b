//! The addresses of this host, asked of the kernel by netlink (`RTM_GETADDR`).
//!
//! Who gets time from one of them is in a loop with us.

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

/// The addresses of all interfaces, in order, each with its interface.
///
/// # Errors
/// The kernel does not tell.
pub fn list() -> io::Result<Vec<Interface>> {
    let netlink = Domain::from(libc::AF_NETLINK);
    let mut socket = Socket::new(netlink, Type::RAW, Some(Protocol::from(libc::NETLINK_ROUTE)))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(&request())?;
    let mut addresses = Vec::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = socket.read(&mut buffer)?;
        if take(buffer.get(..length).unwrap_or_default(), &mut addresses) {
            break;
        }
    }
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

/// A request for a list of all addresses: header and an empty address message.
fn request() -> [u8; HEADER + ADDRESS] {
    let mut bytes = [0; HEADER + ADDRESS];
    let length = u32::try_from(bytes.len()).unwrap_or(0).to_ne_bytes();
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_DUMP).unwrap_or(0).to_ne_bytes();
    let kind = libc::RTM_GETADDR.to_ne_bytes();
    let fields = length.into_iter().chain(kind).chain(flags);
    for (byte, field) in bytes.iter_mut().zip(fields) {
        *byte = field;
    }
    bytes
}

/// Takes the addresses out of one part of the answer; whether it was the last.
fn take(mut bytes: &[u8], addresses: &mut Vec<Interface>) -> bool {
    while let Some((header, _)) = bytes.split_at_checked(HEADER) {
        let (Some(length), Some(kind)) = (number(header, 0), short(header, 4)) else { return true };
        let Ok(length) = usize::try_from(length) else { return true };
        let Some(body) = bytes.get(HEADER..length) else { return true };
        match i32::from(kind) {
            libc::NLMSG_DONE | libc::NLMSG_ERROR => return true,
            _ if kind == libc::RTM_NEWADDR => addresses.extend(address(body)),
            _ => {}
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    false
}

/// The interface and its own address in one address message.
fn address(body: &[u8]) -> Option<Interface> {
    let index = number(body, INDEX)?;
    let mut attributes = body.get(ADDRESS..)?;
    let mut found = None;
    while let (Some(length), Some(kind)) = (short(attributes, 0), short(attributes, 2)) {
        let length = usize::from(length);
        let data = attributes.get(4..length)?;
        // On a line between two hosts IFA_ADDRESS is the other end and IFA_LOCAL ours.
        if kind == libc::IFA_LOCAL || (kind == libc::IFA_ADDRESS && found.is_none()) {
            found = match data.len() {
                4 => data.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
                16 => data.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
                _ => None,
            };
        }
        attributes = attributes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found.map(|address| Interface { address, index })
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_ne_bytes)
}

/// Length of a message's header, and of what begins an address message.
const HEADER: usize = 16;
const ADDRESS: usize = 8;

/// Where the number of the interface stands in that.
const INDEX: usize = 4;

/// The kernel sends at most this much at once.
const BUFFER: usize = 32_768;

/// The kernel answers at once, or not at all.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_among_our_addresses() {
        let addresses = list().unwrap();
        let loopback = Interface { address: "127.0.0.1".parse().unwrap(), index: 1 };
        assert!(addresses.contains(&loopback), "{addresses:?}");
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
        assert!(!take(&message, &mut found));
        let address = "192.0.2.7".parse().unwrap();
        assert_eq!(found, [Interface { address, index: 9 }]);
        for cut in 0..message.len() {
            let mut found = Vec::new();
            take(&message[..cut], &mut found);
            assert!(found.is_empty());
        }
        for lie in [0_u32, 3, 15, u32::MAX] {
            let mut message = message.clone();
            message[..4].copy_from_slice(&lie.to_ne_bytes());
            assert!(take(&message, &mut Vec::new()), "{lie}");
        }
    }
}
