//! The entries that a walk has, each address once, in the daemon's order and in bounded memory.
//!
//! A daemon may list half a million addresses, and a hostile one any number. An entry takes 64
//! bytes here ([`MruRows`]) and its place in the index some 30; they stand in blocks, since one that
//! grows would for a moment be there twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;

use crate::model::mru::MruEntry;
use crate::model::mru::rows::{MruRows, Neighbours, parts};

/// The most entries that a list holds: with the index some 45 MB.
pub const MOST_ENTRIES: usize = 450_000;

/// Entries in the order in which the daemon told of them.
#[derive(Clone, Debug)]
pub struct MruList {
    rows: MruRows,
    index: HashMap<Key, u32>,
    /// Rows that were taken out and can be used again.
    free: Vec<u32>,
    used: u32,
    newest: u32,
    oldest: u32,
}

/// What putting an entry into the list did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// Its address was not known.
    New,
    /// It takes the place of what was known of its address.
    Updated,
    /// It was there as it is.
    Known,
    /// There is no room for it.
    Full,
}

/// An address without its port: the daemon keeps one entry for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    octets: [u8; 16],
    scope: u32,
    is_v4: bool,
}

impl Default for MruList {
    fn default() -> Self {
        Self {
            rows: MruRows::default(),
            index: HashMap::new(),
            free: Vec::new(),
            used: 0,
            newest: NONE,
            oldest: NONE,
        }
    }
}

impl MruList {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The entries, the one that was told last first.
    pub fn newest_first(&self) -> impl Iterator<Item = MruEntry> {
        self.places().filter_map(|place| self.at(place))
    }

    /// The places of the entries, for [`MruList::at`], the one that was told last first. They are
    /// good until the list changes.
    pub fn places(&self) -> impl Iterator<Item = u32> {
        let first = (self.newest != NONE).then_some(self.newest);
        std::iter::successors(first, |place| {
            self.rows.neighbours(*place).map(|row| row.older).filter(|older| *older != NONE)
        })
    }

    /// The entry at a place.
    pub fn at(&self, place: u32) -> Option<MruEntry> {
        self.rows.at(place)
    }

    /// The entries as they are now, to be looked at while the list goes on.
    pub fn rows(&self) -> MruRows {
        self.rows.clone()
    }

    /// What is known of an address.
    pub fn find(&self, address: SocketAddr) -> Option<MruEntry> {
        self.at(*self.index.get(&Key::of(address))?)
    }

    /// Puts an entry in as the newest.
    pub(super) fn put(&mut self, entry: &MruEntry) -> Put {
        let is_full = self.len() >= MOST_ENTRIES;
        match self.index.entry(Key::of(entry.address)) {
            Entry::Occupied(known) => {
                let place = *known.get();
                let is_known = self.at(place).is_some_and(|known| known == *entry);
                self.unlink(place);
                self.write(place, entry);
                if is_known { Put::Known } else { Put::Updated }
            }
            Entry::Vacant(_) if is_full => Put::Full,
            Entry::Vacant(room) => {
                let place = self.free.pop().unwrap_or(self.used);
                if place == self.used {
                    self.used += 1;
                }
                room.insert(place);
                self.write(place, entry);
                Put::New
            }
        }
    }

    /// Takes the entry of an address out.
    pub(super) fn remove(&mut self, address: SocketAddr) {
        if let Some(place) = self.index.remove(&Key::of(address)) {
            self.unlink(place);
            self.rows.vacate(place);
            self.free.push(place);
        }
    }

    /// Takes out what was told after the entry of an address.
    pub(super) fn remove_newer_than(&mut self, address: SocketAddr) {
        let end = self.index.get(&Key::of(address)).copied();
        while self.newest != NONE && Some(self.newest) != end {
            let Some(entry) = self.at(self.newest) else { return };
            self.remove(entry.address);
        }
    }

    fn write(&mut self, place: u32, entry: &MruEntry) {
        self.rows.put(place, entry, Neighbours { newer: NONE, older: self.newest });
        if !self.rows.set_newer(self.newest, place) {
            self.oldest = place;
        }
        self.newest = place;
    }

    fn unlink(&mut self, place: u32) {
        let Some(Neighbours { newer, older }) = self.rows.neighbours(place) else { return };
        if !self.rows.set_older(newer, older) {
            self.newest = older;
        }
        if !self.rows.set_newer(older, newer) {
            self.oldest = newer;
        }
    }
}

impl Key {
    fn of(address: SocketAddr) -> Self {
        let (octets, scope) = parts(address);
        Self { octets, scope, is_v4: address.is_ipv4() }
    }
}

/// No place.
const NONE: u32 = MruRows::NONE;

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::units::{Mode, NtpTimestamp};

    fn entry(number: u32, last: u64) -> MruEntry {
        MruEntry {
            address: (Ipv4Addr::from_bits(number), 123).into(),
            last: NtpTimestamp::from_bits(last),
            first: NtpTimestamp::from_bits(1),
            count: 1,
            mode: Mode::Client,
            version: 4,
            restrictions: 0x40,
            dropped: 0,
            score: 0.0,
        }
    }

    fn order(list: &MruList) -> Vec<u32> {
        let number = |entry: MruEntry| match entry.address.ip() {
            IpAddr::V4(ip) => ip.to_bits(),
            IpAddr::V6(_) => 0,
        };
        list.newest_first().map(number).collect()
    }

    #[test]
    fn what_is_told_again_moves_to_the_front() {
        let mut list = MruList::default();
        for number in 1..=4 {
            assert_eq!(list.put(&entry(number, 10)), Put::New);
        }
        assert_eq!(order(&list), [4, 3, 2, 1]);
        assert_eq!(list.put(&entry(2, 11)), Put::Updated);
        assert_eq!(list.put(&entry(1, 10)), Put::Known);
        assert_eq!(order(&list), [1, 2, 4, 3]);
        assert_eq!(list.find(entry(2, 0).address).unwrap().last.bits(), 11);
    }

    #[test]
    fn rows_that_are_taken_out_are_used_again() {
        let mut list = MruList::default();
        for number in 1..=5 {
            list.put(&entry(number, 10));
        }
        list.remove(entry(5, 0).address);
        list.remove(entry(1, 0).address);
        assert_eq!(order(&list), [4, 3, 2]);
        list.put(&entry(6, 10));
        list.put(&entry(7, 10));
        assert_eq!(order(&list), [7, 6, 4, 3, 2]);
        assert_eq!(list.used, 5);
        list.remove_newer_than(entry(3, 0).address);
        assert_eq!(order(&list), [3, 2]);
        list.remove_newer_than(entry(99, 0).address);
        assert!(list.is_empty() && list.oldest == NONE);
    }

    #[test]
    fn both_families_and_scopes_are_told_apart() {
        let mut list = MruList::default();
        for text in ["10.0.0.1:5", "[::10.0.0.1]:5", "[fe80::1%2]:5", "[fe80::1%3]:5"] {
            let address: SocketAddr = text.parse().unwrap();
            list.put(&MruEntry { address, ..entry(1, 1) });
            assert_eq!(list.newest_first().next().unwrap().address, address);
        }
        assert_eq!(list.len(), 4);
        list.put(&MruEntry { address: "10.0.0.1:6".parse().unwrap(), ..entry(1, 1) });
        assert_eq!(list.len(), 4, "the port is not part of whom it is about");
    }

    #[test]
    fn a_full_list_takes_no_more_and_still_updates() {
        let mut list = MruList::default();
        let most = u32::try_from(MOST_ENTRIES).unwrap();
        for number in 0..most {
            assert_eq!(list.put(&entry(number, 10)), Put::New);
        }
        assert_eq!(list.put(&entry(most, 10)), Put::Full);
        assert_eq!(list.put(&entry(5, 11)), Put::Updated);
        assert_eq!(list.len(), MOST_ENTRIES);
    }
}
