//! Entries of a monitor list in places, 64 bytes each, in blocks that copies share.
//!
//! A list of half a million entries is read for seconds while somebody looks at it: what is shown of
//! it is a copy, and a copy costs a pointer for each block of four thousand. Whoever goes on writing
//! pays for the blocks that he touches.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Arc;

use crate::model::mru::MruEntry;
use crate::units::{Mode, NtpTimestamp};

/// Entries in places; those next to each other in a list of them know of one another.
#[derive(Clone, Debug, Default)]
pub struct MruRows {
    blocks: Vec<Arc<Vec<Row>>>,
}

/// The places of the entries before and behind one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbours {
    /// Of the one that was told next; [`MruRows::NONE`] for none.
    pub newer: u32,
    /// Of the one that was told before; likewise.
    pub older: u32,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    last: NtpTimestamp,
    first: NtpTimestamp,
    octets: [u8; 16],
    scope: u32,
    count: u32,
    dropped: u32,
    score: f32,
    newer: u32,
    older: u32,
    port: u16,
    restrictions: u16,
    is_v4: bool,
    /// Version and mode, or [`VACANT`].
    kind: u8,
}

impl MruRows {
    /// No place.
    pub const NONE: u32 = u32::MAX;

    /// The entry at a place; `None` where there is none.
    pub fn at(&self, place: u32) -> Option<MruEntry> {
        self.row(place).filter(|row| row.kind != VACANT).map(Row::entry)
    }

    /// The places that have an entry, in no order that means anything.
    pub fn places(&self) -> impl Iterator<Item = u32> {
        self.blocks.iter().zip(0..).flat_map(|(block, number)| {
            let first = number * BLOCK;
            let taken = block.iter().zip(first..).filter(|(row, _)| row.kind != VACANT);
            taken.filter_map(|(_, place)| u32::try_from(place).ok())
        })
    }

    /// Puts an entry at a place, which is one that there is or the next one.
    pub fn put(&mut self, place: u32, entry: &MruEntry, neighbours: Neighbours) {
        let row = Row::new(entry, neighbours);
        let (number, at) = split(place);
        if number == self.blocks.len() {
            self.blocks.push(Arc::new(Vec::with_capacity(BLOCK)));
        }
        if let Some(block) = self.block_mut(number) {
            match block.get_mut(at) {
                Some(slot) => *slot = row,
                None => block.push(row),
            }
        }
    }

    /// Takes the entry of a place away.
    pub fn vacate(&mut self, place: u32) {
        if let Some(row) = self.row_mut(place) {
            row.kind = VACANT;
        }
    }

    /// Who is before and behind the entry at a place; `None` where there is no such place.
    pub fn neighbours(&self, place: u32) -> Option<Neighbours> {
        self.row(place).map(|row| Neighbours { newer: row.newer, older: row.older })
    }

    /// Says who is behind the entry at a place; whether there is such a place.
    pub fn set_newer(&mut self, place: u32, newer: u32) -> bool {
        self.row_mut(place).map(|row| row.newer = newer).is_some()
    }

    /// Says who is before the entry at a place; whether there is such a place.
    pub fn set_older(&mut self, place: u32, older: u32) -> bool {
        self.row_mut(place).map(|row| row.older = older).is_some()
    }

    fn row(&self, place: u32) -> Option<&Row> {
        let (number, at) = split(place);
        self.blocks.get(number)?.get(at)
    }

    fn row_mut(&mut self, place: u32) -> Option<&mut Row> {
        let (number, at) = split(place);
        self.block_mut(number)?.get_mut(at)
    }

    /// A block to be written to: a copy where others have it too, with room for all that goes into
    /// one.
    fn block_mut(&mut self, number: usize) -> Option<&mut Vec<Row>> {
        let block = self.blocks.get_mut(number)?;
        if Arc::strong_count(block) > 1 {
            let mut copy = Vec::with_capacity(BLOCK);
            copy.extend_from_slice(block);
            *block = Arc::new(copy);
        }
        Arc::get_mut(block)
    }
}

impl Row {
    fn new(entry: &MruEntry, neighbours: Neighbours) -> Self {
        let (octets, scope) = parts(entry.address);
        Self {
            last: entry.last,
            first: entry.first,
            octets,
            scope,
            count: entry.count,
            dropped: entry.dropped,
            score: entry.score,
            newer: neighbours.newer,
            older: neighbours.older,
            port: entry.address.port(),
            restrictions: entry.restrictions,
            is_v4: entry.address.is_ipv4(),
            kind: (entry.version & 7) << 3 | entry.mode.bits(),
        }
    }

    fn entry(&self) -> MruEntry {
        let v6 = Ipv6Addr::from(self.octets);
        let address = if self.is_v4 {
            let [.., a, b, c, d] = self.octets;
            SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), self.port).into()
        } else {
            SocketAddrV6::new(v6, self.port, 0, self.scope).into()
        };
        MruEntry {
            address,
            last: self.last,
            first: self.first,
            count: self.count,
            mode: Mode::from_bits(self.kind),
            version: self.kind >> 3,
            restrictions: self.restrictions,
            dropped: self.dropped,
            score: self.score,
        }
    }
}

/// The address in sixteen octets, and the number of the interface that a link-local one belongs to.
pub const fn parts(address: SocketAddr) -> ([u8; 16], u32) {
    match address {
        SocketAddr::V4(v4) => {
            let [a, b, c, d] = v4.ip().octets();
            ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d], 0)
        }
        SocketAddr::V6(v6) => (v6.ip().octets(), v6.scope_id()),
    }
}

const fn split(place: u32) -> (usize, usize) {
    (place as usize / BLOCK, place as usize % BLOCK)
}

/// Rows that are allocated together.
const BLOCK: usize = 4096;

/// Of a place without an entry: no version and mode are this.
const VACANT: u8 = u8::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u32) -> MruEntry {
        MruEntry {
            address: (Ipv4Addr::from_bits(number), 123).into(),
            last: NtpTimestamp::from_bits(2),
            first: NtpTimestamp::from_bits(1),
            count: number,
            mode: Mode::Private,
            version: 7,
            restrictions: 0x40,
            dropped: 0,
            score: 0.0,
        }
    }

    const ALONE: Neighbours = Neighbours { newer: MruRows::NONE, older: MruRows::NONE };

    #[test]
    fn a_row_takes_sixty_four_bytes() {
        assert_eq!(size_of::<Row>(), 64);
    }

    #[test]
    fn copies_share_what_is_not_written_to() {
        let mut rows = MruRows::default();
        let most = u32::try_from(3 * BLOCK).unwrap();
        for place in 0..most {
            rows.put(place, &entry(place), ALONE);
        }
        let copy = rows.clone();
        rows.put(5, &entry(77), ALONE);
        rows.vacate(6);
        rows.put(most, &entry(most), ALONE);
        let shared = rows.blocks.iter().zip(&copy.blocks).filter(|(a, b)| Arc::ptr_eq(a, b));
        assert_eq!(shared.count(), 2);
        assert_eq!((copy.at(5), copy.at(6), copy.at(most)), (Some(entry(5)), Some(entry(6)), None));
        assert_eq!((rows.at(5), rows.at(6)), (Some(entry(77)), None));
        assert_eq!(rows.places().count(), 3 * BLOCK);
        assert!(!rows.places().any(|place| place == 6));
        assert_eq!(rows.at(most), Some(entry(most)));
    }
}
