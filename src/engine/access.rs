//! Who may ask what: ntpd's list of restrictions.
//!
//! An entry is an address with a mask, perhaps for packets from the NTP port only. The entries are
//! tried in ntpd's order, the most particular first: by address downwards, then by mask, then those
//! for the port before those for any. The first that matches decides alone: flags of several
//! entries are never put together. Each family has a default entry that matches whatever no other
//! does.
//!
//! Differs: NTPsec's default entry has `noquery limited`; here it has no flags, as in classic ntpd,
//! for whoever serves says himself to whom.

use std::net::IpAddr;

use crate::config::restrict::{Flags, Selector};

mod words;

pub use words::{Question, why};

/// An entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose packets it is about.
    pub selector: Selector,
    /// What is restricted.
    pub flags: Flags,
    /// The most associations with one address that packets may bring about; `None` for any number.
    pub most_peers: Option<u32>,
    /// Where it comes from.
    pub origin: Origin,
    /// Packets that it decided on.
    pub hits: u64,
}

/// What the entry that decides on a packet says of its sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// What is restricted.
    pub flags: Flags,
    /// The most associations with its address that its packets may bring about; `None` for any
    /// number.
    pub most_peers: Option<u32>,
}

/// Where an entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is there without anybody's doing.
    BuiltIn,
    /// A `restrict` line, with its number where it stands in a file.
    Configured {
        /// The line, counted from 1.
        line: Option<usize>,
    },
    /// The template of `restrict source`, for a source that is asked.
    Source,
}

/// The list of restrictions.
#[derive(Clone, Debug)]
pub struct AccessList {
    /// In the order in which they are tried, family by family.
    entries: Vec<Entry>,
    /// What `restrict source` says.
    template: Option<(Flags, Option<u32>)>,
}

impl Default for AccessList {
    fn default() -> Self {
        Self::new()
    }
}

impl AccessList {
    /// The default entries alone, without any flags.
    pub fn new() -> Self {
        let entry = |selector| Entry {
            selector,
            flags: Flags::NONE,
            most_peers: None,
            origin: Origin::BuiltIn,
            hits: 0,
        };
        let entries = [Selector::ANY_V4, Selector::ANY_V6].map(entry).to_vec();
        Self { entries, template: None }
    }

    /// Adds an entry; one that is there already gets the flags besides its own, as in ntpd.
    ///
    /// Whether there was room: beyond many thousands of entries each packet would cost too much.
    pub fn restrict(
        &mut self,
        selector: Selector,
        flags: Flags,
        most_peers: Option<u32>,
        origin: Origin,
    ) -> bool {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.selector == selector) {
            entry.flags = entry.flags.with(flags);
            entry.most_peers = most_peers.or(entry.most_peers);
            entry.origin = origin;
            return true;
        }
        if self.entries.len() >= MOST_ENTRIES {
            return false;
        }
        let place = self.entries.partition_point(|entry| {
            let v6 = selector.address().is_ipv6();
            match entry.selector.address().is_ipv6().cmp(&v6) {
                std::cmp::Ordering::Equal => entry.selector.rank() > selector.rank(),
                family => family.is_lt(),
            }
        });
        self.entries.insert(place, Entry { selector, flags, most_peers, origin, hits: 0 });
        true
    }

    /// Takes `flags` from an entry; whether there is one.
    pub fn unrestrict(&mut self, selector: Selector, flags: Flags) -> bool {
        let entry = self.entries.iter_mut().find(|entry| entry.selector == selector);
        entry.is_some_and(|entry| {
            entry.flags = entry.flags.without(flags);
            true
        })
    }

    /// Removes an entry; a default entry only loses its flags. Whether there is one.
    pub fn remove(&mut self, selector: Selector) -> bool {
        if selector.is_default() {
            return self.unrestrict(selector, Flags::from_bits(u16::MAX));
        }
        let before = self.entries.len();
        self.entries.retain(|entry| entry.selector != selector);
        self.entries.len() < before
    }

    /// What sources get that are asked: `restrict source`.
    pub const fn set_template(&mut self, flags: Flags, most_peers: Option<u32>) {
        self.template = Some((flags, most_peers));
    }

    /// A source is asked from now on. Where `restrict source` was not said, or where the address
    /// has an entry of its own, nothing changes.
    pub fn add_source(&mut self, address: IpAddr) {
        let Some((flags, most_peers)) = self.template else { return };
        let selector = Selector::host(address);
        if !self.entries.iter().any(|entry| entry.selector == selector) {
            self.restrict(selector, flags, most_peers, Origin::Source);
        }
    }

    /// A source is asked no more.
    pub fn remove_source(&mut self, address: IpAddr) {
        let selector = Selector::host(address);
        let is_it = |entry: &Entry| entry.selector == selector && entry.origin == Origin::Source;
        self.entries.retain(|entry| !is_it(entry));
    }

    /// What is restricted for packets from `address` and `port`; it counts as a hit.
    pub fn admit(&mut self, address: IpAddr, port: u16) -> Flags {
        let Some(place) = self.place(address, port) else { return Flags::NONE };
        let Some(entry) = self.entries.get_mut(place) else { return Flags::NONE };
        entry.hits = entry.hits.saturating_add(1);
        entry.flags
    }

    /// The entry that decides on packets from `address` and `port`.
    pub fn find(&self, address: IpAddr, port: u16) -> Option<&Entry> {
        self.entries.get(self.place(address, port)?)
    }

    /// What is to be known of the sender of a packet that was admitted; it counts as no hit.
    pub fn admission(&self, address: IpAddr, port: u16) -> Admission {
        self.find(address, port).map_or_else(Admission::default, |entry| Admission {
            flags: entry.flags,
            most_peers: entry.most_peers,
        })
    }

    fn place(&self, address: IpAddr, port: u16) -> Option<usize> {
        self.entries.iter().position(|entry| entry.selector.matches(address, port))
    }

    /// Whether the rate of anybody is limited.
    pub fn limits_rates(&self) -> bool {
        self.entries.iter().any(|entry| entry.flags.has(Flags::LIMITED))
    }

    /// All entries, those of IPv4 first, each family in the order in which they are tried.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// The most entries of the list.
const MOST_ENTRIES: usize = 16_384;

#[cfg(test)]
mod tests;
