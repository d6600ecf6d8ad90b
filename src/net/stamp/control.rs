//! The ancillary data of a message: stamps, addresses, what the kernel says of what was sent.
//!
//! It is read as bytes, with every length checked, as what comes from the network is.

use std::net::IpAddr;

use crate::units::NtpTimestamp;

/// What the ancillary data of one message says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::net) struct Ancillary {
    /// The kernel's stamp.
    pub(in crate::net) stamp: Option<NtpTimestamp>,
    /// The address of ours that the datagram came to.
    pub(in crate::net) destination: Option<IpAddr>,
    /// Which of the datagrams that left it is about.
    pub(in crate::net) sent: Option<u32>,
}

impl Ancillary {
    /// Reads what is known and passes over the rest; what is cut off ends it.
    pub(in crate::net) fn parse(mut bytes: &[u8]) -> Self {
        let mut found = Self::default();
        while let Some((header, data, next)) = message(bytes) {
            let (Some(level), Some(kind)) = (int(header, LEVEL), int(header, KIND)) else { break };
            found.take(level, kind, data);
            bytes = next;
        }
        found
    }

    fn take(&mut self, level: i32, kind: i32, data: &[u8]) {
        match (level, kind) {
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPING | libc::SCM_TIMESTAMPNS) => {
                // The first of three is the software's; a hardware's would be by another clock.
                self.stamp = timespec(data).or(self.stamp);
            }
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                // The interface, the address for a reply, the address in the header.
                self.destination = octets::<4>(data, 8).map(IpAddr::from);
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                self.destination = octets::<16>(data, 0).map(IpAddr::from);
            }
            (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) => {
                let [_, _, _, _, origin, ..] = *data else { return };
                if origin == libc::SO_EE_ORIGIN_TIMESTAMPING {
                    self.sent = octets(data, 12).map(u32::from_ne_bytes);
                }
            }
            _ => {}
        }
    }
}

/// Memory for ancillary data, aligned as the kernel's structures are.
#[derive(Debug)]
#[repr(align(8))]
pub(in crate::net) struct Buffer(pub(in crate::net) [u8; CONTROL]);

impl Default for Buffer {
    fn default() -> Self {
        Self([0; CONTROL])
    }
}

/// Writes what makes a reply leave from the address, and on the interface, that a message with the
/// ancillary data `told` came to; how long that is. Nothing where it came to no address of ours
/// alone: then the system chooses.
pub(in crate::net) fn reply_from(told: &[u8], reply: &mut Buffer) -> usize {
    let mut rest = told;
    while let Some((header, data, next)) = message(rest) {
        rest = next;
        let (Some(level), Some(kind)) = (int(header, LEVEL), int(header, KIND)) else { break };
        let mut body = [0; LONGEST_ADDRESS];
        let written = match (level, kind) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                // The interface, the address for a reply, the address in the header: a reply to
                // what was sent to many is the system's to address.
                let (Some(reply_from), Some(sent_to)) =
                    (octets::<4>(data, 4), octets::<4>(data, 8))
                else {
                    break;
                };
                if reply_from != sent_to {
                    return 0;
                }
                put(&mut body, 4, &reply_from);
                12
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                let (Some(sent_to), Some(interface)) =
                    (octets::<16>(data, 0), octets::<4>(data, 16))
                else {
                    break;
                };
                let [first, second, ..] = sent_to;
                if first == 0xff {
                    return 0;
                }
                put(&mut body, 0, &sent_to);
                // Only where the address says nothing without.
                if first == 0xfe && second & 0xc0 == 0x80 {
                    put(&mut body, 16, &interface);
                }
                20
            }
            _ => continue,
        };
        return append(reply, 0, level, kind, body.get(..written).unwrap_or_default());
    }
    0
}

/// Writes what makes a datagram leave from this address of ours; how long that is.
pub(in crate::net) fn leave_from(address: IpAddr, control: &mut Buffer) -> usize {
    let mut body = [0; LONGEST_ADDRESS];
    match address {
        IpAddr::V4(v4) => {
            put(&mut body, 4, &v4.octets());
            let body = body.get(..12).unwrap_or_default();
            append(control, 0, libc::IPPROTO_IP, libc::IP_PKTINFO, body)
        }
        IpAddr::V6(v6) => {
            put(&mut body, 0, &v6.octets());
            append(control, 0, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &body)
        }
    }
}

/// Writes, behind the `length` bytes that are there, what makes the kernel tell when the datagram
/// leaves; how long it all is then.
pub(in crate::net) fn note_departure(control: &mut Buffer, length: usize) -> usize {
    let wanted = libc::SOF_TIMESTAMPING_TX_SOFTWARE.to_ne_bytes();
    append(control, length, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, &wanted)
}

/// Writes a message behind the `filled` bytes that are there; how long it all is then.
fn append(control: &mut Buffer, filled: usize, level: i32, kind: i32, data: &[u8]) -> usize {
    let length = HEADER + data.len();
    let end = filled + length.next_multiple_of(ALIGNMENT);
    let Some(room) = control.0.get_mut(filled..end) else { return filled };
    put(room, 0, &length.to_ne_bytes());
    put(room, LEVEL, &level.to_ne_bytes());
    put(room, KIND, &kind.to_ne_bytes());
    put(room, HEADER, data);
    end
}

/// The first message of ancillary data: its header, its data, and what follows.
fn message(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (header, rest) = bytes.split_at_checked(HEADER)?;
    let length = word(header, 0)?;
    let data = length.checked_sub(HEADER).and_then(|length| rest.get(..length))?;
    let next = bytes.get(length.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
    Some((header, data, next))
}

fn put(bytes: &mut [u8], at: usize, data: &[u8]) {
    if let Some(room) = bytes.get_mut(at..at + data.len()) {
        room.copy_from_slice(data);
    }
}

/// A time of two machine words; `None` for zero, which says that there is none.
fn timespec(data: &[u8]) -> Option<NtpTimestamp> {
    let seconds = i64::from_ne_bytes(octets(data, 0)?);
    let nanoseconds = i64::from_ne_bytes(octets(data, 8)?);
    let nanoseconds = u32::try_from(nanoseconds).ok().filter(|ns| *ns < 1_000_000_000)?;
    (seconds != 0).then(|| NtpTimestamp::from_unix(seconds, nanoseconds))
}

fn word(data: &[u8], at: usize) -> Option<usize> {
    octets(data, at).map(usize::from_ne_bytes)
}

fn int(data: &[u8], at: usize) -> Option<i32> {
    octets(data, at).map(i32::from_ne_bytes)
}

fn octets<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk().copied()
}

/// Length, level and kind, as the system lays them out.
const HEADER: usize = size_of::<libc::cmsghdr>().next_multiple_of(ALIGNMENT);
const LEVEL: usize = std::mem::offset_of!(libc::cmsghdr, cmsg_level);
const KIND: usize = std::mem::offset_of!(libc::cmsghdr, cmsg_type);
const ALIGNMENT: usize = size_of::<usize>();

/// Room for ancillary data: a stamp of three times, an address, an error.
pub(in crate::net) const CONTROL: usize = 512;

/// Bytes of the longest address with its interface.
const LONGEST_ADDRESS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::from((HEADER + data.len()).to_ne_bytes());
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes
    }

    fn words(words: &[i64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    /// All that a message may carry at once.
    fn whole() -> Vec<u8> {
        let mut error = vec![0_u8; 16];
        error[4] = libc::SO_EE_ORIGIN_TIMESTAMPING;
        error[12..].copy_from_slice(&7_u32.to_ne_bytes());
        let times = words(&[1_700_000_000, 250_000_000, 0, 0, 5, 6]);
        let mut bytes =
            message(libc::IPPROTO_IP, libc::IP_PKTINFO, &[1, 0, 0, 0, 9, 9, 9, 9, 192, 0, 2, 1]);
        bytes.extend(message(99, 99, &[1, 2, 3]));
        bytes.extend(message(libc::SOL_SOCKET, libc::SCM_TIMESTAMPING, &times));
        bytes.extend(message(libc::IPPROTO_IP, libc::IP_RECVERR, &error));
        bytes
    }

    #[test]
    fn stamp_address_and_number_are_found_among_others() {
        let found = Ancillary::parse(&whole());
        assert_eq!(found.stamp, Some(NtpTimestamp::from_unix(1_700_000_000, 250_000_000)));
        assert_eq!(found.destination, Some("192.0.2.1".parse().unwrap()));
        assert_eq!(found.sent, Some(7));
    }

    #[test]
    fn a_cut_at_any_length_gives_less_and_never_something_else() {
        let bytes = whole();
        let all = Ancillary::parse(&bytes);
        for length in 0..bytes.len() {
            let found = Ancillary::parse(&bytes[..length]);
            assert!(found.stamp.is_none() || found.stamp == all.stamp, "{length}");
            assert!(found.destination.is_none() || found.destination == all.destination);
            assert!(found.sent.is_none() || found.sent == all.sent);
        }
    }

    #[test]
    fn lengths_that_lie_end_it() {
        for length in [0_usize, 1, HEADER - 1, usize::MAX, usize::MAX - 7, 1 << 40] {
            let mut bytes = whole();
            bytes[..8].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(Ancillary::parse(&bytes), Ancillary::default(), "{length}");
        }
    }

    #[test]
    fn a_time_of_zero_or_with_too_many_nanoseconds_is_none() {
        for times in [[0, 0], [5, 1_000_000_000], [5, -1]] {
            let bytes = message(libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS, &words(&times));
            assert_eq!(Ancillary::parse(&bytes).stamp, None);
        }
    }
}
