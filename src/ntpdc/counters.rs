//! The tables of counters: `sysstats`, `memstats`, `iostats`, `timerstats`, `authinfo`, `ctlstats`.

use std::fmt::Write as _;

use crate::ntpdc::query::{Inquiry, Shape};
use crate::ntpdc::session::Session;
use crate::wire::mode7::counters::{
    AuthenticationInfo, ControlStatistics, HASH_SIZE, IoStatistics, MemoryStatistics,
    SystemStatistics, TimerStatistics,
};
use crate::wire::mode7::{Code, Items};

/// One of these tables.
#[derive(Debug)]
pub struct Counters {
    code: Code,
}

impl Counters {
    /// The table that this request brings.
    pub const fn new(code: Code) -> Self {
        Self { code }
    }
}

impl Inquiry for Counters {
    fn code(&self) -> Code {
        self.code
    }

    fn shape(&self) -> Shape {
        Shape::One
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let Some(item) = items.iter().next() else { return };
        let text = match self.code {
            Code::SystemStatistics => packets(&SystemStatistics::parse(item)),
            Code::MemoryStatistics => memory(&MemoryStatistics::parse(item)),
            Code::IoStatistics => input_output(&IoStatistics::parse(item)),
            Code::TimerStatistics => timer(&TimerStatistics::parse(item)),
            Code::AuthenticationInfo => authentication(&AuthenticationInfo::parse(item)),
            Code::ControlStatistics => control(&ControlStatistics::parse(item)),
            _ => return,
        };
        session.print(&text);
    }
}

/// Labels in a column of this width, each with its number.
fn table<const N: usize>(width: usize, rows: [(&str, u32); N]) -> String {
    rows.map(|(label, value)| format!("{label:<width$}{value}\n")).concat()
}

fn packets(counted: &SystemStatistics) -> String {
    table(
        24,
        [
            ("time since restart:", counted.up),
            ("time since reset:", counted.since_reset),
            ("packets received:", counted.received),
            ("packets processed:", counted.processed),
            ("current version:", counted.current_version),
            ("previous version:", counted.old_version),
            ("declined:", counted.declined),
            ("access denied:", counted.denied),
            ("bad length or format:", counted.bad_length),
            ("bad authentication:", counted.bad_authentication),
            ("rate exceeded:", counted.rate_exceeded),
        ],
    )
}

fn memory(counted: &MemoryStatistics) -> String {
    let mut text = table(
        22,
        [
            ("time since reset:", counted.since_reset),
            ("total peer memory:", counted.total.into()),
            ("free peer memory:", counted.free.into()),
            ("calls to findpeer:", counted.lookups),
            ("new peer allocations:", counted.allocations),
            ("peer demobilizations:", counted.demobilizations),
        ],
    );
    text.push_str("hash table counts:   ");
    for (place, count) in (1..=HASH_SIZE).zip(counted.hash_counts) {
        let gap = match place % 8 {
            0 if place < HASH_SIZE => "\n                     ",
            _ => "",
        };
        // Writing to a string cannot fail.
        let _ = write!(text, "{count:4}{gap}");
    }
    text.push('\n');
    text
}

fn input_output(counted: &IoStatistics) -> String {
    table(
        22,
        [
            ("time since reset:", counted.since_reset),
            ("receive buffers:", counted.receive_buffers.into()),
            ("free receive buffers:", counted.free_buffers.into()),
            ("used receive buffers:", counted.used_buffers.into()),
            ("low water refills:", counted.refills.into()),
            ("dropped packets:", counted.dropped),
            ("ignored packets:", counted.ignored),
            ("received packets:", counted.received),
            ("packets sent:", counted.sent),
            ("packets not sent:", counted.not_sent),
            ("interrupts handled:", counted.interrupts),
            ("received by int:", counted.received_by_interrupt),
        ],
    )
}

fn timer(counted: &TimerStatistics) -> String {
    table(
        19,
        [
            ("time since reset:", counted.since_reset),
            ("alarms handled:", counted.alarms),
            ("alarm overruns:", counted.overruns),
            ("calls to transmit:", counted.transmits),
        ],
    )
}

fn authentication(counted: &AuthenticationInfo) -> String {
    table(
        22,
        [
            ("time since reset:", counted.since_reset),
            ("stored keys:", counted.stored),
            ("free keys:", counted.free),
            ("key lookups:", counted.lookups),
            ("keys not found:", counted.not_found),
            ("uncached keys:", counted.uncached),
            ("encryptions:", counted.encryptions),
            ("decryptions:", counted.decryptions),
            ("expired keys:", counted.expired),
        ],
    )
}

fn control(counted: &ControlStatistics) -> String {
    table(
        24,
        [
            ("time since reset:", counted.since_reset),
            ("requests received:", counted.requests),
            ("responses sent:", counted.responses),
            ("fragments sent:", counted.fragments),
            ("async messages sent:", counted.asynchronous),
            ("error msgs sent:", counted.errors),
            ("total bad pkts:", counted.bad),
            ("packet too short:", counted.too_short),
            ("response on input:", counted.input_responses),
            ("fragment on input:", counted.input_fragments),
            ("error set on input:", counted.input_errors),
            ("bad offset on input:", counted.bad_offset),
            ("bad version packets:", counted.bad_version),
            ("data in pkt too short:", counted.data_too_short),
            ("unknown op codes:", counted.bad_opcode),
        ],
    )
}
