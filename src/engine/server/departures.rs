//! When replies left: told to clients in the next reply (interleaved mode, RFC 9769 §2).
//!
//! A reply cannot tell when it left, for it was written before. So that is kept for a while under
//! the receive timestamp that the reply told, which the client gives back as the origin of its next
//! request. An entry is used once, by the same client; the oldest goes when there are too many, and
//! its client gets a basic reply.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use crate::units::{NtpDuration, NtpTimestamp};

/// The departures of the last replies.
#[derive(Clone, Debug, Default)]
pub(super) struct Departures {
    by_receive: HashMap<NtpTimestamp, (IpAddr, NtpTimestamp)>,
    /// In the order in which they were noted; some may have been used since.
    order: VecDeque<NtpTimestamp>,
}

impl Departures {
    /// Notes a reply by the receive timestamp that it tells; whether it could be: two must not be
    /// called the same.
    pub(super) fn note(
        &mut self,
        receive: NtpTimestamp,
        client: IpAddr,
        transmit: NtpTimestamp,
    ) -> bool {
        if receive.is_never() || transmit.is_never() || self.by_receive.contains_key(&receive) {
            return false;
        }
        if self.order.len() >= MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_receive.remove(&oldest);
        }
        self.by_receive.insert(receive, (client, transmit));
        self.order.push_back(receive);
        true
    }

    /// Learns when a reply really left; how much later that was than it told.
    pub(super) fn correct(
        &mut self,
        receive: NtpTimestamp,
        at: NtpTimestamp,
    ) -> Option<NtpDuration> {
        let (_, transmit) = self.by_receive.get_mut(&receive).filter(|_| !at.is_never())?;
        Some(at - std::mem::replace(transmit, at))
    }

    /// When the reply left that told this receive timestamp to this client; it is forgotten then.
    pub(super) fn take(&mut self, receive: NtpTimestamp, client: IpAddr) -> Option<NtpTimestamp> {
        let (of, _) = self.by_receive.get(&receive)?;
        if *of != client {
            return None;
        }
        self.by_receive.remove(&receive).map(|(_, transmit)| transmit)
    }
}

/// Replies that are remembered: a client comes back within 1024 s or so, and each takes some 100
/// bytes.
const MOST: usize = 8192;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn at(number: u64) -> NtpTimestamp {
        NtpTimestamp::from_bits(number)
    }

    fn client(number: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, number).into()
    }

    #[test]
    fn a_departure_is_told_once_to_its_client_alone() {
        let mut departures = Departures::default();
        assert!(departures.note(at(5), client(1), at(6)));
        assert!(!departures.note(at(5), client(2), at(9)), "it is another's name");
        assert_eq!(departures.correct(at(5), at(7)), Some(NtpDuration::from_bits(1)));
        assert_eq!(departures.correct(at(4), at(8)), None);
        assert_eq!(departures.take(at(5), client(2)), None);
        assert_eq!(departures.take(at(5), client(1)), Some(at(7)));
        assert_eq!(departures.take(at(5), client(1)), None);
        assert!(!departures.note(NtpTimestamp::NEVER, client(1), at(1)));
    }

    #[test]
    fn there_are_never_more_than_some_thousands() {
        let mut departures = Departures::default();
        for number in 1..=3 * MOST as u64 {
            assert!(departures.note(at(number), client(1), at(number + 1)));
            if number % 2 == 0 {
                departures.take(at(number), client(1));
            }
        }
        assert!(departures.by_receive.len() <= MOST && departures.order.len() <= MOST);
        assert!(departures.take(at(3 * MOST as u64 - 1), client(1)).is_some());
        assert!(departures.take(at(1), client(1)).is_none());
    }
}
