//! Reply types: how the data of a reply is laid out.

use std::fmt;

use crate::wire::cmdmon::command::Release;

/// A layout of a reply by its number; those known have a name here and a row in [`REPLY_TYPES`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyType(u16);

impl ReplyType {
    /// No data: what changes are answered with, and every refusal.
    pub const NULL: Self = Self(1);
    /// A count of sources.
    pub const N_SOURCES: Self = Self(2);
    /// A source.
    pub const SOURCE_DATA: Self = Self(3);
    /// The clock.
    pub const TRACKING: Self = Self(5);
    /// Statistics of a source.
    pub const SOURCESTATS: Self = Self(6);
    /// The real-time clock.
    pub const RTC: Self = Self(7);
    /// Counts of sources by activity.
    pub const ACTIVITY: Self = Self(12);
    /// The smoothing of served time.
    pub const SMOOTHING: Self = Self(13);
    /// Server statistics, five counters: up to 3.5.
    pub const SERVER_STATS: Self = Self(14);
    /// A source's last packet.
    pub const NTP_DATA: Self = Self(16);
    /// What entering a time by hand did.
    pub const MANUAL_TIMESTAMP2: Self = Self(17);
    /// The times entered by hand.
    pub const MANUAL_LIST2: Self = Self(18);
    /// A name.
    pub const NTP_SOURCE_NAME: Self = Self(19);
    /// A source's authentication.
    pub const AUTH_DATA: Self = Self(20);
    /// Clients.
    pub const CLIENT_ACCESSES_BY_INDEX3: Self = Self(21);
    /// Server statistics with NTS: 4.0 and 4.1.
    pub const SERVER_STATS2: Self = Self(22);
    /// A source's selection.
    pub const SELECT_DATA: Self = Self(23);
    /// Server statistics with the interleaved mode: 4.2 and 4.3.
    pub const SERVER_STATS3: Self = Self(24);
    /// Server statistics in 64 bits, with where timestamps come from: from 4.4.
    pub const SERVER_STATS4: Self = Self(25);
    /// A source's last packet, with where timestamps come from: from 4.6.
    pub const NTP_DATA2: Self = Self(26);

    /// From the number on the wire.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// What is known of it; `None` of a number not known here.
    pub fn row(self) -> Option<&'static ReplyTypeRow> {
        REPLY_TYPES.iter().find(|row| row.reply == self)
    }
}

impl fmt::Debug for ReplyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ReplyType {
    /// Its name in the protocol, or its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row() {
            Some(row) => f.pad(row.name),
            None => f.pad(&format!("reply type {}", self.0)),
        }
    }
}

/// A row of [`REPLY_TYPES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyTypeRow {
    /// The type.
    pub reply: ReplyType,
    /// Its name in the protocol.
    pub name: &'static str,
    /// Bytes of the whole reply, header and all; a reply is never shorter.
    pub len: usize,
    /// The first version that sends it.
    pub since: Release,
}

const fn row(
    reply: ReplyType,
    name: &'static str,
    len: usize,
    major: u8,
    minor: u8,
) -> ReplyTypeRow {
    ReplyTypeRow { reply, name, len, since: Release::new(major, minor) }
}

/// The reply types, by number. What is older than 4.0 and has not changed says 4.0.
pub const REPLY_TYPES: &[ReplyTypeRow] = &[
    row(ReplyType::NULL, "NULL", 28, 4, 0),
    row(ReplyType::N_SOURCES, "N_SOURCES", 32, 4, 0),
    row(ReplyType::SOURCE_DATA, "SOURCE_DATA", 76, 4, 0),
    row(ReplyType::TRACKING, "TRACKING", 104, 4, 0),
    row(ReplyType::SOURCESTATS, "SOURCESTATS", 84, 4, 0),
    row(ReplyType::RTC, "RTC", 56, 4, 0),
    row(ReplyType::ACTIVITY, "ACTIVITY", 48, 4, 0),
    row(ReplyType::SMOOTHING, "SMOOTHING", 52, 4, 0),
    row(ReplyType::SERVER_STATS, "SERVER_STATS", 48, 2, 3),
    row(ReplyType::NTP_DATA, "NTP_DATA", 152, 4, 0),
    row(ReplyType::MANUAL_TIMESTAMP2, "MANUAL_TIMESTAMP2", 40, 4, 0),
    row(ReplyType::MANUAL_LIST2, "MANUAL_LIST2", 416, 4, 0),
    row(ReplyType::NTP_SOURCE_NAME, "NTP_SOURCE_NAME", 284, 4, 0),
    row(ReplyType::AUTH_DATA, "AUTH_DATA", 52, 4, 0),
    row(ReplyType::CLIENT_ACCESSES_BY_INDEX3, "CLIENT_ACCESSES_BY_INDEX3", 520, 4, 0),
    row(ReplyType::SERVER_STATS2, "SERVER_STATS2", 60, 4, 0),
    row(ReplyType::SELECT_DATA, "SELECT_DATA", 76, 4, 0),
    row(ReplyType::SERVER_STATS3, "SERVER_STATS3", 72, 4, 2),
    row(ReplyType::SERVER_STATS4, "SERVER_STATS4", 196, 4, 4),
    row(ReplyType::NTP_DATA2, "NTP_DATA2", 172, 4, 6),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_each_type_once() {
        assert!(REPLY_TYPES.is_sorted_by(|a, b| a.reply < b.reply));
        for row in REPLY_TYPES {
            assert_eq!(row.reply.to_string(), row.name);
            assert_eq!(ReplyType::new(row.reply.number()), row.reply);
        }
        assert_eq!(format!("{:?}", ReplyType::new(27)), "reply type 27");
    }
}
