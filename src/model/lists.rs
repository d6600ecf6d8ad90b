//! Lists in order: the addresses that a daemon listens on, and whom it lets do what.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::model::reply::Reply;
use crate::model::values::printable;

/// An address that a daemon listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The address and port.
    pub address: SocketAddr,
    /// The name of the network interface; safe to show.
    pub name: Box<str>,
    /// Whether its packets are heeded.
    pub is_enabled: bool,
    /// Packets received.
    pub received: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets that could not be sent.
    pub unsent: u64,
    /// Associations that use it.
    pub associations: u64,
    /// How long it has been used.
    pub up: Duration,
}

/// Whom a daemon lets do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// Whose packets: addresses that have the bits of this one which are set in the mask.
    pub address: IpAddr,
    /// The mask, of the same family.
    pub mask: IpAddr,
    /// Packets that it decided on.
    pub hits: u64,
    /// The daemon's own words for what is restricted, safe to show; empty where nothing is.
    pub words: Box<str>,
}

impl Restriction {
    /// How many leading bits of the address count; `None` where the ones of the mask do not stand
    /// together.
    pub fn prefix(&self) -> Option<u32> {
        let (ones, zeros, width) = match self.mask {
            IpAddr::V4(mask) => {
                (mask.to_bits().leading_ones(), mask.to_bits().trailing_zeros(), 32)
            }
            IpAddr::V6(mask) => {
                (mask.to_bits().leading_ones(), mask.to_bits().trailing_zeros(), 128)
            }
        };
        (ones + zeros.min(width) >= width).then_some(ones)
    }
}

/// The interfaces that a reply lists; rows without an address are passed over.
pub fn interfaces(reply: &Reply) -> Vec<Interface> {
    let row = |row: &Row<'_>| {
        Some(Interface {
            address: row.text("addr").parse().ok()?,
            name: printable(row.text("name")),
            is_enabled: row.number("en") != 0,
            received: row.number("rx"),
            sent: row.number("tx"),
            unsent: row.number("txerr"),
            associations: row.number("pc"),
            up: Duration::from_secs(row.number("up")),
        })
    };
    rows(reply).values().filter_map(row).collect()
}

/// The restrictions that a reply lists; rows without an address and its mask are passed over.
pub fn restrictions(reply: &Reply) -> Vec<Restriction> {
    let row = |row: &Row<'_>| {
        Some(Restriction {
            address: row.text("addr").parse().ok()?,
            mask: row.text("mask").parse().ok()?,
            hits: row.number("hits"),
            words: printable(row.text("flags")),
        })
    };
    rows(reply).values().filter_map(row).collect()
}

/// The values of one row by their tags.
#[derive(Debug, Default)]
struct Row<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Row<'a> {
    fn text(&self, tag: &str) -> &'a str {
        self.0.get(tag).copied().unwrap_or_default()
    }

    /// A count; none where the daemon tells none.
    fn number(&self, tag: &str) -> u64 {
        self.text(tag).parse().unwrap_or(0)
    }
}

/// The rows of a reply: numbers may be left out, and tags that are not known stand between.
fn rows(reply: &Reply) -> BTreeMap<u32, Row<'_>> {
    let mut rows: BTreeMap<u32, Row<'_>> = BTreeMap::new();
    for item in reply.items() {
        let Some((tag, number)) = item.name.split_once('.') else { continue };
        let Ok(number) = number.parse() else { continue };
        rows.entry(number).or_default().0.insert(tag, item.unquoted());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::part::Dated;

    fn reply(text: &str) -> Reply {
        Reply::new(0, text.as_bytes(), 1, Dated::default())
    }

    #[test]
    fn rows_are_read_whatever_stands_between() {
        let found = interfaces(&reply(
            "addr.0=0.0.0.0:123, bcast.0=, xyz.0=1, en.0=0, name.0=\"v4wildcard\", rx.0=2,\r\n\
             tx.0=3, txerr.0=4, pc.0=5, up.0=66, addr.2=[fe80::1]:123, en.2=1, name.2=\"e\x1b0\"",
        ));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].address, "0.0.0.0:123".parse().unwrap());
        assert_eq!((found[0].received, found[0].sent, found[0].unsent), (2, 3, 4));
        assert_eq!((found[0].associations, found[0].up.as_secs()), (5, 66));
        assert!(!found[0].is_enabled && found[1].is_enabled);
        assert_eq!(&*found[1].name, "e·0");
    }

    #[test]
    fn masks_are_prefixes_where_their_ones_stand_together() {
        let found = restrictions(&reply(
            "addr.0=10.0.0.0, mask.0=255.0.0.0, hits.0=7, flags.0=kod limited, addr.1=::, \
             mask.1=::, hits.1=1, flags.1=, addr.2=1.2.3.4, mask.2=255.0.255.0, addr.3=oops",
        ));
        let prefixes: Vec<_> = found.iter().map(Restriction::prefix).collect();
        assert_eq!(prefixes, [Some(8), Some(0), None]);
        assert_eq!((found[0].hits, &*found[0].words), (7, "kod limited"));
    }
}
