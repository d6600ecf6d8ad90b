//! The clients of a daemon as they stand on screen: filtered, sorted, and who of them asks too
//! much.
//!
//! There may be hundreds of thousands, so they are put in order when the list, the order or the
//! filter changes and not when they are drawn, and what is drawn are the few that are in sight.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::time::Duration;

use crate::config::restrict::Flags;
use crate::model::clients::{Client, ClientList};
use crate::model::{Daemon, Dialect};
use crate::tui::app::{App, Names};
use crate::units::Mode;

pub mod filter;

use filter::Filter;

/// In which order clients stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is a column")]
pub enum ClientOrder {
    /// Who was heard last first.
    #[default]
    Last,
    /// Who was first heard longest ago first.
    First,
    Count,
    /// Who asks most quickly first.
    Interval,
    Dropped,
    Address,
}

impl ClientOrder {
    /// All of them, in the order in which a key steps through them.
    pub const ALL: [Self; 6] =
        [Self::Last, Self::Count, Self::Interval, Self::Dropped, Self::First, Self::Address];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::First => "first",
            Self::Count => "count",
            Self::Interval => "interval",
            Self::Dropped => "dropped",
            Self::Address => "address",
        }
    }

    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        let place = Self::ALL.iter().position(|order| *order == self).unwrap_or(0);
        Self::ALL.get(place + 1).copied().unwrap_or_default()
    }
}

/// How quickly a client asks, on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Haste {
    /// No faster than servers mean it.
    None,
    /// Faster than once in 8 s, beyond what a start may take: with a rate limit some of its packets
    /// are dropped.
    Fast,
    /// Faster than once in 2 s: no two packets should ever be so close.
    Abusive,
}

impl Haste {
    /// Of a client. A few packets at once, as at a start, are no haste.
    ///
    /// The limits are those that servers have unless they are told others: a guard time of 2 s, and
    /// 8 s on average, of which 64 s may be used up at once.
    pub fn of(client: &Client) -> Self {
        // Who looks at the daemon asks it much, and no limit of its is about that.
        if matches!(client.mode, Some(Mode::Control | Mode::Private)) {
            return Self::None;
        }
        let Some(interval) = client.interval else { return Self::None };
        let packets = u32::try_from(client.count).unwrap_or(u32::MAX);
        let span = interval.saturating_mul(packets.saturating_sub(1));
        let allowed = span.saturating_add(BURST);
        if AVERAGE.saturating_mul(packets) <= allowed {
            Self::None
        } else if interval < GUARD {
            Self::Abusive
        } else {
            Self::Fast
        }
    }
}

/// Whether the last packet of a client was dropped to limit its rate, and whether it was told so.
pub fn limited(client: &Client, dialect: Option<Dialect>) -> (bool, bool) {
    let Some(bits) = client.restrictions else { return (false, false) };
    let flags = match dialect {
        Some(dialect) if dialect.has_older_bits() => Flags::from_older_bits(bits),
        _ => Flags::from_bits(bits),
    };
    (flags.has(Flags::LIMITED), flags.has(Flags::KOD))
}

/// The clients of one daemon in order.
#[derive(Clone, Debug, Default)]
pub struct Arranged {
    list: ClientList,
    order: ClientOrder,
    reverse: bool,
    filter: String,
    /// Names that were known then: a filter may be of names.
    named: usize,
    /// The places of those that pass the filter, in order.
    places: Vec<u32>,
    hasty: Hasty,
}

/// Who of all clients asks too quickly.
#[derive(Clone, Debug, Default)]
pub struct Hasty {
    /// How many ask faster than once in 2 s.
    pub abusive: usize,
    /// How many others ask too often.
    pub fast: usize,
    /// The worst of those, the quickest first.
    pub worst: Vec<Client>,
}

impl Arranged {
    /// Puts the clients of `daemon` in order, unless they are; whether they were not.
    pub fn follow(&mut self, app: &View<'_>, daemon: &Daemon) -> bool {
        let list = ClientList::of(daemon);
        let named = if app.filter.is_empty() { 0 } else { app.names.known() };
        let is_list = self.list.is_same(&list);
        let is_same = is_list
            && self.order == app.order
            && self.reverse == app.reverse
            && self.filter == app.filter
            && self.named == named;
        if is_same {
            return false;
        }
        if !is_list {
            self.hasty = hasty(&list);
        }
        let filter = Filter::read(app.filter);
        self.places = sorted(&list, app.order, |client| filter.accepts(client, app.names));
        if app.reverse {
            self.places.reverse();
        }
        (self.list, self.order, self.reverse) = (list, app.order, app.reverse);
        (self.filter, self.named) = (app.filter.to_owned(), named);
        true
    }

    /// How many pass the filter.
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether none does.
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The clients from the row `first` on.
    pub fn rows(&self, first: usize) -> impl Iterator<Item = Client> {
        self.places.iter().skip(first).filter_map(|place| self.list.at(*place))
    }

    /// The client in a row.
    pub fn row(&self, row: usize) -> Option<Client> {
        self.list.at(*self.places.get(row)?)
    }

    /// In which row a client is.
    pub fn find(&self, address: IpAddr) -> Option<usize> {
        let is_there =
            |place: &u32| self.list.at(*place).is_some_and(|c| c.address.ip() == address);
        self.places.iter().position(is_there)
    }

    /// Who asks too quickly.
    pub const fn hasty(&self) -> &Hasty {
        &self.hasty
    }
}

/// What decides how clients are put in order.
#[derive(Debug)]
pub struct View<'a> {
    order: ClientOrder,
    reverse: bool,
    filter: &'a str,
    names: &'a Names,
}

impl<'a> View<'a> {
    /// As the user wants it.
    pub fn of(app: &'a App) -> Self {
        let view = &app.view;
        Self {
            order: view.client_order,
            reverse: view.client_reverse,
            filter: &view.client_filter,
            names: &app.names,
        }
    }
}

fn hasty(list: &ClientList) -> Hasty {
    let mut hasty = Hasty::default();
    for client in list.places().filter_map(|place| list.at(place)) {
        match Haste::of(&client) {
            Haste::None => continue,
            Haste::Fast => hasty.fast += 1,
            Haste::Abusive => hasty.abusive += 1,
        }
        let at = hasty.worst.partition_point(|worse| worse.interval <= client.interval);
        if at < WORST {
            hasty.worst.insert(at, client);
            hasty.worst.truncate(WORST);
        }
    }
    hasty
}

/// The places of the clients that are wanted, in order.
fn sorted(list: &ClientList, order: ClientOrder, wanted: impl Fn(&Client) -> bool) -> Vec<u32> {
    match order {
        ClientOrder::Last => sorted_by(list, wanted, |client| nanos(client.last)),
        ClientOrder::First => sorted_by(list, wanted, |client| {
            Reverse(client.first.map_or(0, |first| nanos(Some(first))))
        }),
        ClientOrder::Count => sorted_by(list, wanted, |client| Reverse(client.count)),
        ClientOrder::Interval => sorted_by(list, wanted, |client| nanos(client.interval)),
        ClientOrder::Dropped => sorted_by(list, wanted, |client| Reverse(client.dropped)),
        ClientOrder::Address => sorted_by(list, wanted, |client| client.address.ip()),
    }
}

/// The same by a key, which is made once for each: there may be very many.
fn sorted_by<K: Ord>(
    list: &ClientList,
    wanted: impl Fn(&Client) -> bool,
    key: impl Fn(&Client) -> K,
) -> Vec<u32> {
    let clients = list.places().filter_map(|place| Some((list.at(place)?, place)));
    let clients = clients.filter(|(client, _)| wanted(client));
    // All at once: a list that grew while it fills would for a moment be there twice.
    let mut keyed = Vec::with_capacity(list.len());
    keyed.extend(clients.map(|(client, place)| (key(&client), place)));
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, place)| place).collect()
}

/// A span to be sorted by; what is not known comes last.
fn nanos(span: Option<Duration>) -> u64 {
    span.map_or(u64::MAX, |span| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

/// The time that should lie between two packets at the least, and on average, and how much of that
/// may be used up at once.
const GUARD: Duration = Duration::from_secs(2);
const AVERAGE: Duration = Duration::from_secs(8);
const BURST: Duration = Duration::from_secs(64);

/// Of the worst clients so many are named.
const WORST: usize = 3;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::mru::rows::{MruRows, Neighbours};
    use crate::model::mru::{Monitored, MruEntry};
    use crate::units::NtpTimestamp;

    fn client(count: u64, span_s: f64) -> Client {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let gaps = (count - 1).max(1) as f64;
        Client {
            address: "192.0.2.1:123".parse().unwrap(),
            count,
            dropped: 0,
            last: None,
            first: None,
            interval: (count > 1).then(|| Duration::from_secs_f64(span_s / gaps)),
            interval_by_packets: None,
            mode: None,
            version: None,
            restrictions: None,
            others: 0,
        }
    }

    #[test]
    fn a_burst_at_the_start_is_no_abuse_and_going_on_so_is() {
        assert_eq!(Haste::of(&client(1, 0.0)), Haste::None);
        assert_eq!(Haste::of(&client(8, 0.1)), Haste::None, "what a start may take");
        assert_eq!(Haste::of(&client(12, 11.0)), Haste::Abusive);
        assert_eq!(Haste::of(&client(100, 250.0)), Haste::Fast);
        assert_eq!(Haste::of(&client(100, 99.0 * 8.0)), Haste::None);
        assert_eq!(Haste::of(&client(1000, 999.0 * 64.0)), Haste::None);
        assert_eq!(Haste::of(&client(u64::MAX, 1.0)), Haste::Abusive);
        let looks = Client { mode: Some(Mode::Control), ..client(1000, 10.0) };
        assert_eq!(Haste::of(&looks), Haste::None);
    }

    fn list() -> Daemon {
        let mut rows = MruRows::default();
        let second = |second: u64| NtpTimestamp::from_bits((1000 + second) << 32);
        for (place, (address, count, first, last)) in
            (0..).zip([("10.0.0.9", 5, 0, 90), ("10.0.0.1", 500, 50, 99), ("::1", 2, 20, 60)])
        {
            let entry = MruEntry {
                address: std::net::SocketAddr::new(address.parse().unwrap(), 123),
                last: second(last),
                first: second(first),
                count,
                mode: Mode::Client,
                version: 4,
                restrictions: 0x40,
                dropped: 0,
                score: 0.0,
            };
            let alone = Neighbours { newer: MruRows::NONE, older: MruRows::NONE };
            rows.put(place, &entry, alone);
        }
        let list = Monitored { rows, count: 3, now: Some(second(100)), ..Monitored::default() };
        let dated = crate::model::Dated::default();
        Daemon { monitored: crate::model::Part::answered(list, dated), ..Daemon::default() }
    }

    #[test]
    fn they_are_sorted_as_asked_and_found_again() {
        let daemon = list();
        let names = Names::default();
        let order = |order: ClientOrder, reverse: bool, filter: &str| {
            let mut arranged = Arranged::default();
            arranged.follow(&View { order, reverse, filter, names: &names }, &daemon);
            let hosts: Vec<_> = arranged.rows(0).map(|c| c.address.ip().to_string()).collect();
            for (row, host) in hosts.iter().enumerate() {
                assert_eq!(arranged.find(host.parse().unwrap()), Some(row));
            }
            hosts.join(" ")
        };
        assert_eq!(order(ClientOrder::Last, false, ""), "10.0.0.1 10.0.0.9 ::1");
        assert_eq!(order(ClientOrder::Last, true, ""), "::1 10.0.0.9 10.0.0.1");
        assert_eq!(order(ClientOrder::First, false, ""), "10.0.0.9 ::1 10.0.0.1");
        assert_eq!(order(ClientOrder::Count, false, ""), "10.0.0.1 10.0.0.9 ::1");
        assert_eq!(order(ClientOrder::Interval, false, ""), "10.0.0.1 10.0.0.9 ::1");
        assert_eq!(order(ClientOrder::Address, false, ""), "10.0.0.1 10.0.0.9 ::1");
        assert_eq!(order(ClientOrder::Count, false, "count<100"), "10.0.0.9 ::1");
        assert_eq!(order(ClientOrder::Count, false, "10.0.0"), "10.0.0.1 10.0.0.9");
    }

    #[test]
    fn who_asks_too_quickly_is_counted_over_all() {
        let mut arranged = Arranged::default();
        let names = Names::default();
        let order = ClientOrder::default();
        arranged.follow(&View { order, reverse: false, filter: "zzz", names: &names }, &list());
        assert!(arranged.is_empty());
        let hasty = arranged.hasty();
        assert_eq!((hasty.abusive, hasty.fast, hasty.worst.len()), (1, 0, 1));
    }

    #[test]
    fn fifty_thousand_are_put_in_order_within_a_moment() {
        let mut rows = MruRows::default();
        for place in 0..50_000_u32 {
            let entry = MruEntry {
                address: (std::net::Ipv4Addr::from_bits(place.wrapping_mul(2_654_435_761)), 1)
                    .into(),
                last: NtpTimestamp::from_bits(u64::from(place.wrapping_mul(40_503)) << 20),
                first: NtpTimestamp::from_bits(1),
                count: place,
                mode: Mode::Client,
                version: 4,
                restrictions: 0,
                dropped: 0,
                score: 0.0,
            };
            rows.put(place, &entry, Neighbours { newer: MruRows::NONE, older: MruRows::NONE });
        }
        let list = ClientList::Monitored(Arc::new(Monitored {
            rows,
            count: 50_000,
            now: Some(NtpTimestamp::from_bits(u64::MAX >> 1)),
            ..Monitored::default()
        }));
        let places = sorted(&list, ClientOrder::Count, |_| true);
        assert_eq!((places.len(), places.first()), (50_000, Some(&49_999)));
    }
}
