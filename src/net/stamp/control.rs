//! The ancillary data of a message: stamps, addresses, what the kernel says of what was sent.
//!
//! It is read as bytes, with every length checked, as what comes from the network is.

use std::net::IpAddr;

use crate::units::NtpTimestamp;

/// What the ancillary data of one message says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ancillary {
    /// The kernel's stamp.
    pub(super) stamp: Option<NtpTimestamp>,
    /// The address of ours that the datagram came to.
    pub(super) destination: Option<IpAddr>,
    /// Which of the datagrams that left it is about.
    pub(super) sent: Option<u32>,
}

impl Ancillary {
    /// Reads what is known and passes over the rest; what is cut off ends it.
    pub(super) fn parse(mut bytes: &[u8]) -> Self {
        let mut found = Self::default();
        while let Some((header, rest)) = bytes.split_at_checked(HEADER) {
            let (Some(length), Some(level), Some(kind)) =
                (word(header, 0), int(header, LEVEL), int(header, KIND))
            else {
                break;
            };
            let Some(data) = length.checked_sub(HEADER).and_then(|length| rest.get(..length))
            else {
                break;
            };
            found.take(level, kind, data);
            let next = length.next_multiple_of(ALIGNMENT);
            bytes = bytes.get(next..).unwrap_or_default();
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
