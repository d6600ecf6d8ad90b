//! The monitor list: who sends us packets, the most recent first.
//!
//! It has a bounded number of records in one block of memory, chained by age and found by address,
//! so that a packet costs the same however many there are, and a flood of made-up addresses grows
//! nothing. When all are in use ntpd's rules say which is given up: the oldest, if it is old enough
//! or if chance will have it; else the newcomer is not recorded.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::config::restrict::Flags;
use crate::engine::rate::Bucket;
use crate::units::{Mode, Mono, NtpTimestamp};

/// How much is kept (`mru`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `maxdepth`, or what `maxmem` has room for: the most records.
    pub most: usize,
    /// `mindepth`: up to this many nothing is given up.
    pub least: usize,
    /// `maxage`: a record this old, in seconds, gives way to a newcomer when there are more than
    /// `mindepth`.
    pub most_age_s: u32,
    /// `monitor` of `discard`: the age in seconds at which the oldest surely gives way when all are
    /// in use; below that with the odds of its age to this.
    pub sure_age_s: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { most: MOST_MEMORY / BYTES_EACH, least: 600, most_age_s: 64, sure_age_s: 3000 }
    }
}

impl Limits {
    /// The records that `kibibytes` of memory have room for (`maxmem`).
    pub const fn of_memory(kibibytes: usize) -> usize {
        kibibytes.saturating_mul(1024) / BYTES_EACH
    }
}

/// What is known of an address that sends us packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The address.
    pub address: IpAddr,
    /// The port of its last packet.
    pub port: u16,
    /// Our address that it was sent to.
    pub local: IpAddr,
    /// When its first packet came, by the clock that is served.
    pub first: NtpTimestamp,
    /// When its last packet came.
    pub last: NtpTimestamp,
    /// The same by a clock that nobody sets.
    pub seen: Mono,
    /// Its packets.
    pub count: u64,
    /// Those of them that were dropped to limit its rate.
    pub dropped: u64,
    /// Mode of its last packet.
    pub mode: Mode,
    /// Version of its last packet.
    pub version: u8,
    /// Restrictions that bit on its last packet.
    pub flags: Flags,
    /// How often it may ask.
    pub bucket: Bucket,
}

/// A packet as the list records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// From where.
    pub address: IpAddr,
    /// From which port.
    pub port: u16,
    /// To which of our addresses.
    pub local: IpAddr,
    /// When, by the clock that is served.
    pub at: NtpTimestamp,
    /// When, by a clock that nobody sets.
    pub mono: Mono,
    /// Its mode.
    pub mode: Mode,
    /// Its version.
    pub version: u8,
}

/// The list.
#[derive(Clone, Debug)]
pub struct MonitorList {
    limits: Limits,
    slots: Vec<Slot>,
    places: HashMap<IpAddr, usize>,
    newest: Option<usize>,
    oldest: Option<usize>,
    counters: Counters,
}

/// What became of the packets that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The most records there ever were.
    pub peak: usize,
    /// Packets of addresses that had a record.
    pub renewed: u64,
    /// Addresses that got a new record.
    pub added: u64,
    /// Addresses that got the record of one that was too old.
    pub replaced_old: u64,
    /// Addresses that got the record of another for want of room.
    pub replaced_full: u64,
    /// Packets of addresses for which there was no room.
    pub unrecorded: u64,
}

/// A record and its neighbours by age.
#[derive(Clone, Debug)]
struct Slot {
    record: Record,
    newer: Option<usize>,
    older: Option<usize>,
}

impl Default for MonitorList {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl MonitorList {
    /// An empty list.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            slots: Vec::new(),
            places: HashMap::new(),
            newest: None,
            oldest: None,
            counters: Counters::default(),
        }
    }

    /// Changes how much is kept. Where that is less than there is, nothing is added, and nothing
    /// that is there is forgotten for it, as in ntpd.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// How much is kept.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Records that there are.
    pub const fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// What was counted.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Bytes that so many records take, with all that belongs to them.
    pub const fn bytes_of(records: usize) -> usize {
        records.saturating_mul(BYTES_EACH)
    }

    /// Records a packet; `chance` is any number, each as likely.
    ///
    /// The record as it is then, and how long ago the packet before was; `None` for that of a new
    /// one, and for all of it where there is no room.
    pub fn record(
        &mut self,
        packet: Seen,
        chance: u32,
    ) -> Option<(&mut Record, Option<std::time::Duration>)> {
        if let Some(place) = self.places.get(&packet.address).copied() {
            self.unlink(place);
            self.link_newest(place);
            let record = &mut self.slots.get_mut(place)?.record;
            let elapsed = packet.mono.since(record.seen);
            record.renew(packet);
            self.counters.renewed += 1;
            return Some((record, Some(elapsed)));
        }
        let place = self.make_room(packet, chance)?;
        self.places.insert(packet.address, place);
        self.link_newest(place);
        let record = &mut self.slots.get_mut(place)?.record;
        Some((record, None))
    }

    /// A place for a newcomer: a new one, or that of the oldest. `None` when it is not recorded.
    fn make_room(&mut self, packet: Seen, chance: u32) -> Option<usize> {
        let age_s = self.oldest().map_or(0, |oldest| packet.mono.since(oldest.seen).as_secs());
        let is_old = self.len() >= self.limits.least && age_s > u64::from(self.limits.most_age_s);
        let is_full = self.len() >= self.limits.most.max(1);
        if !is_old && !is_full {
            self.slots.push(Slot { record: Record::new(packet), newer: None, older: None });
            self.counters.added += 1;
            self.counters.peak = self.counters.peak.max(self.len());
            return Some(self.len() - 1);
        }
        // Odds of the age to the sure one, in whole numbers.
        let sure = u64::from(self.limits.sure_age_s.max(1));
        if !is_old && u64::from(chance) * sure >= age_s << 32 {
            self.counters.unrecorded += 1;
            return None;
        }
        let replaced =
            if is_old { &mut self.counters.replaced_old } else { &mut self.counters.replaced_full };
        *replaced += 1;
        let place = self.oldest?;
        self.unlink(place);
        let record = &mut self.slots.get_mut(place)?.record;
        self.places.remove(&record.address);
        *record = Record::new(packet);
        Some(place)
    }

    /// The record of `address`.
    pub fn find(&self, address: IpAddr) -> Option<&Record> {
        self.slots.get(*self.places.get(&address)?).map(|slot| &slot.record)
    }

    /// The record that was not renewed for longest.
    pub fn oldest(&self) -> Option<&Record> {
        self.slots.get(self.oldest?).map(|slot| &slot.record)
    }

    /// All records, the oldest first.
    pub fn oldest_first(&self) -> impl Iterator<Item = &Record> {
        self.walk(self.oldest)
    }

    /// The records that are newer than that of `address`, the oldest of them first; nothing when
    /// there is no such record.
    pub fn newer_than(&self, address: IpAddr) -> impl Iterator<Item = &Record> {
        let place = self.places.get(&address).and_then(|place| self.slots.get(*place));
        self.walk(place.and_then(|slot| slot.newer))
    }

    fn walk(&self, from: Option<usize>) -> impl Iterator<Item = &Record> {
        let slot = |place: usize| self.slots.get(place);
        std::iter::successors(from.and_then(slot), move |at| at.newer.and_then(slot))
            .map(|slot| &slot.record)
    }

    /// Forgets everybody.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.places.clear();
        (self.newest, self.oldest) = (None, None);
    }

    fn unlink(&mut self, place: usize) {
        let Some(Slot { newer, older, .. }) = self.slots.get(place) else { return };
        let (newer, older) = (*newer, *older);
        match newer.and_then(|newer| self.slots.get_mut(newer)) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        match older.and_then(|older| self.slots.get_mut(older)) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn link_newest(&mut self, place: usize) {
        let before = self.newest.replace(place);
        match before.and_then(|before| self.slots.get_mut(before)) {
            Some(slot) => slot.newer = Some(place),
            None => self.oldest = Some(place),
        }
        if let Some(slot) = self.slots.get_mut(place) {
            (slot.newer, slot.older) = (None, before);
        }
    }
}

impl Record {
    const fn new(packet: Seen) -> Self {
        let Seen { address, port, local, at, mono, mode, version } = packet;
        Self {
            address,
            port,
            local,
            first: at,
            last: at,
            seen: mono,
            count: 1,
            dropped: 0,
            mode,
            version,
            flags: Flags::NONE,
            bucket: Bucket::new(),
        }
    }

    const fn renew(&mut self, packet: Seen) {
        self.port = packet.port;
        self.local = packet.local;
        self.last = packet.at;
        self.seen = packet.mono;
        self.count = self.count.saturating_add(1);
        self.mode = packet.mode;
        self.version = packet.version;
        self.flags = Flags::NONE;
    }
}

/// Memory that the list takes by default, ntpd's.
const MOST_MEMORY: usize = 1 << 20;

/// Bytes of a record with all that belongs to it; a test holds it to that.
const BYTES_EACH: usize = 192;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn host(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(0x0a00_0000 + number).into()
    }

    fn seen(number: u32, second: u64) -> Seen {
        Seen {
            address: host(number),
            port: 123,
            local: host(0),
            at: NtpTimestamp::from_bits(second << 32),
            mono: Mono::from_nanos(second * 1_000_000_000),
            mode: Mode::Client,
            version: 4,
        }
    }

    fn small() -> MonitorList {
        MonitorList::new(Limits { most: 3, least: 2, most_age_s: 64, sure_age_s: 3000 })
    }

    fn order(list: &MonitorList) -> Vec<IpAddr> {
        list.oldest_first().map(|record| record.address).collect()
    }

    #[test]
    fn a_packet_moves_its_sender_to_the_front() {
        let mut list = MonitorList::default();
        for number in [1, 2, 3, 1] {
            list.record(seen(number, 5), 0).unwrap();
        }
        assert_eq!(order(&list), [host(2), host(3), host(1)]);
        assert_eq!(list.find(host(1)).map(|record| record.count), Some(2));
        let (record, elapsed) = list.record(seen(2, 9), 0).unwrap();
        assert_eq!((record.count, elapsed), (2, Some(std::time::Duration::from_secs(4))));
        assert_eq!(order(&list), [host(3), host(1), host(2)]);
        let newer: Vec<_> = list.newer_than(host(3)).map(|record| record.address).collect();
        assert_eq!(newer, [host(1), host(2)]);
        assert_eq!(list.newer_than(host(77)).count(), 0);
    }

    #[test]
    fn an_old_record_gives_way_before_more_memory_is_taken() {
        let mut list = small();
        for (number, second) in [(1, 0), (2, 10), (3, 70)] {
            list.record(seen(number, second), u32::MAX).unwrap();
        }
        assert_eq!(order(&list), [host(2), host(3)], "the first was 70 s old");
        list.record(seen(4, 72), u32::MAX).unwrap();
        assert_eq!(order(&list), [host(2), host(3), host(4)], "the second only 62");
    }

    #[test]
    fn when_all_are_in_use_chance_decides_by_the_age_of_the_oldest() {
        let mut list = small();
        for number in 1..=3 {
            list.record(seen(number, 0), 0).unwrap();
        }
        // After 30 s the odds are 1 in 100.
        let hundredth = u32::MAX / 100;
        assert!(list.record(seen(4, 30), hundredth + 50).is_none());
        assert_eq!((list.counters().unrecorded, list.len()), (1, 3));
        assert!(list.record(seen(4, 30), hundredth - 50).is_some());
        assert_eq!(order(&list), [host(2), host(3), host(4)]);
        assert!(list.find(host(1)).is_none());
    }

    #[test]
    fn a_flood_of_addresses_grows_nothing() {
        let mut list = MonitorList::default();
        for number in 0..1_000_000 {
            list.record(
                seen(number, u64::from(number) / 100_000),
                number.wrapping_mul(2_654_435_761),
            );
        }
        assert_eq!(list.len(), Limits::default().most);
        assert_eq!(order(&list).len(), list.len());
        let slot = size_of::<Slot>() + size_of::<(IpAddr, usize)>() * 2;
        assert!(slot <= BYTES_EACH, "{slot} bytes each");
    }

    #[test]
    fn an_empty_list_stays_usable() {
        let mut list = MonitorList::new(Limits { most: 0, ..Limits::default() });
        list.record(seen(1, 0), 0).unwrap();
        list.clear();
        assert!(list.is_empty() && list.oldest().is_none());
        list.record(seen(2, 1), 0).unwrap();
        assert_eq!(order(&list), [host(2)]);
        assert_eq!(list.counters().peak, 1);
    }
}
