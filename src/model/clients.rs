//! Who asks a daemon for what, and the times that were entered into it by hand.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::model::daemon::Daemon;
use crate::model::mru::{Monitored, MruEntry};
use crate::units::{Mode, NtpDuration, NtpTimestamp, PollExponent};

/// A host that asked a daemon for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRecord {
    /// Its address.
    pub address: IpAddr,
    /// Its NTP packets.
    pub ntp: Service,
    /// Its NTS key establishments.
    pub nts_ke: Service,
    /// Its commands.
    pub commands: Service,
    /// The average interval between its NTP packets since its rate was limited.
    pub limited_interval: Option<PollExponent>,
}

/// What a client asked of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// What came.
    pub hits: u64,
    /// How much of it was dropped to limit its rate.
    pub drops: u64,
    /// The average interval between two, as an exponent of two seconds; `None` when it is not
    /// known.
    pub interval: Option<PollExponent>,
    /// How long ago the last one came; `None` when none did.
    pub last: Option<Duration>,
}

/// A time that somebody entered by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManualEntry {
    /// When it was entered, by the daemon's clock.
    pub when: NtpTimestamp,
    /// How far the time entered was ahead of the clock, with the corrections since taken off.
    pub offset: NtpDuration,
    /// How far the time entered was ahead of the clock then.
    pub original_offset: NtpDuration,
    /// How far it lies from the line through all entries.
    pub residual: NtpDuration,
}

/// The clients of a daemon, in whichever way it keeps account of them; a copy costs nothing.
#[derive(Clone, Debug, Default)]
pub enum ClientList {
    /// None are known.
    #[default]
    Unknown,
    /// Those who asked it most recently, with their last packets.
    Monitored(Arc<Monitored>),
    /// Those who asked it for something, with what they asked for.
    Served(Arc<Vec<ClientRecord>>),
}

/// A client, as far as a daemon tells of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Client {
    /// Its address, and the port that its last packet came from; 0 where that is not told.
    pub address: SocketAddr,
    /// Its packets.
    pub count: u64,
    /// Those of them that were dropped to limit its rate; zero also where that is not told.
    pub dropped: u64,
    /// How long before the list was read its last packet came; `None` when none did.
    pub last: Option<Duration>,
    /// The same of its first packet, where that is told.
    pub first: Option<Duration>,
    /// The average time between two of its packets; `None` when it is not known.
    ///
    /// Differs: ntpq 4.2.8 divides by the packets and not by the intervals between them, so that of
    /// two packets in a minute it says that one came every half minute; NTPsec's ntpq divides as we
    /// do. Rates and what is abuse are judged by this; the other is [`Client::interval_by_packets`].
    pub interval: Option<Duration>,
    /// The time from its first packet to its last, divided by the packets: what ntpq 4.2.8 calls `avgint`;
    /// `None` where that is not told.
    pub interval_by_packets: Option<Duration>,
    /// The mode of its last packet, where that is told.
    pub mode: Option<Mode>,
    /// The version of its last packet, 0 to 7, where that is told.
    pub version: Option<u8>,
    /// What the daemon's restrictions say of it, in the daemon's own bits, where that is told.
    pub restrictions: Option<u16>,
    /// Commands and key establishments, where they are told.
    pub others: u64,
}

impl ClientList {
    /// That of `daemon`.
    pub fn of(daemon: &Daemon) -> Self {
        let monitored = daemon.monitored.latest_shared().map(Arc::clone);
        let served = daemon.clients.latest_shared().map(Arc::clone);
        match (monitored, served) {
            (Some(monitored), _) => Self::Monitored(monitored),
            (None, Some(served)) => Self::Served(served),
            (None, None) => Self::Unknown,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Unknown => 0,
            Self::Monitored(list) => list.count,
            Self::Served(list) => list.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is the very list that `other` is.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unknown, Self::Unknown) => true,
            (Self::Monitored(one), Self::Monitored(other)) => Arc::ptr_eq(one, other),
            (Self::Served(one), Self::Served(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// The places of the clients, for [`ClientList::at`], in no order that means anything.
    pub fn places(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Unknown => Box::new(std::iter::empty()),
            Self::Monitored(list) => Box::new(list.rows.places()),
            Self::Served(list) => Box::new((0..).take(list.len())),
        }
    }

    /// The client at a place.
    pub fn at(&self, place: u32) -> Option<Client> {
        match self {
            Self::Unknown => None,
            Self::Monitored(list) => Some(Client::of_entry(&list.rows.at(place)?, list.now)),
            Self::Served(list) => list.get(usize::try_from(place).ok()?).map(Client::of_record),
        }
    }
}

impl Client {
    /// An entry of a monitor list that was read when the daemon's clock showed `now`.
    fn of_entry(entry: &MruEntry, now: Option<NtpTimestamp>) -> Self {
        let age = |then: NtpTimestamp| {
            // A daemon's clock may have been set back since.
            now.map(|now| (now - then).to_std().unwrap_or_default())
        };
        let gaps = entry.count.saturating_sub(1);
        let span = entry.span().to_std();
        Self {
            address: entry.address,
            count: entry.count.into(),
            dropped: entry.dropped.into(),
            last: age(entry.last),
            first: age(entry.first),
            interval: span.and_then(|span| span.checked_div(gaps)),
            interval_by_packets: span.and_then(|span| span.checked_div(entry.count)),
            mode: Some(entry.mode),
            version: Some(entry.version),
            restrictions: Some(entry.restrictions),
            others: 0,
        }
    }

    fn of_record(record: &ClientRecord) -> Self {
        let seconds = |poll: PollExponent| f64::from(poll.exponent()).exp2();
        Self {
            address: SocketAddr::new(record.address, 0),
            count: record.ntp.hits,
            dropped: record.ntp.drops,
            last: record.ntp.last,
            first: None,
            interval: record
                .ntp
                .interval
                .and_then(|poll| Duration::try_from_secs_f64(seconds(poll)).ok()),
            interval_by_packets: None,
            mode: None,
            version: None,
            restrictions: None,
            others: record.nts_ke.hits.saturating_add(record.commands.hits),
        }
    }

    /// Packets a second on average; `None` when that is not known.
    pub fn rate(&self) -> Option<f64> {
        let interval_s = self.interval?.as_secs_f64();
        Some(1.0 / interval_s.max(1e-6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_over_the_gaps_between_packets() {
        let second = |second: u64| NtpTimestamp::from_bits(second << 32);
        let entry = MruEntry {
            address: "192.0.2.1:123".parse().unwrap(),
            last: second(164),
            first: second(100),
            count: 2,
            mode: Mode::Client,
            version: 4,
            restrictions: 0,
            dropped: 0,
            score: 0.0,
        };
        let client = Client::of_entry(&entry, Some(second(174)));
        let seconds = Duration::from_secs;
        assert_eq!(client.interval, Some(seconds(64)));
        assert_eq!(client.interval_by_packets, Some(seconds(32)), "as ntpq divides");
        assert_eq!((client.last, client.first), (Some(seconds(10)), Some(seconds(74))));
        assert!((client.rate().unwrap() - 1.0 / 64.0).abs() < 1e-9);
        let once = MruEntry { count: 1, first: second(164), ..entry };
        assert_eq!(Client::of_entry(&once, None).interval, None);
        let set_back = MruEntry { first: second(200), ..entry };
        assert_eq!(Client::of_entry(&set_back, Some(second(150))).interval, None);
    }

    #[test]
    fn whatever_a_daemon_keeps_becomes_one_kind_of_client() {
        let record = ClientRecord {
            address: "::1".parse().unwrap(),
            ntp: Service {
                hits: 9,
                drops: 4,
                interval: Some(PollExponent::new(-1)),
                last: Some(Duration::from_secs(3)),
            },
            nts_ke: Service::default(),
            commands: Service { hits: 2, ..Service::default() },
            limited_interval: None,
        };
        let list = ClientList::Served(Arc::new(vec![record]));
        let client = list.places().find_map(|place| list.at(place)).unwrap();
        assert_eq!((list.len(), client.count, client.dropped, client.others), (1, 9, 4, 2));
        assert!((client.rate().unwrap() - 2.0).abs() < 1e-9);
        assert!(list.is_same(&list.clone()) && !list.is_same(&ClientList::Unknown));
    }
}
