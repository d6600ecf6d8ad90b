//! Records as lines of ntpd's statistics files, which `ntpviz` and older scripts read.
//!
//! The two families differ in little. Frequencies have NTPsec's six decimals, T1 is the time at
//! which our packet left, as NTPsec has it, for what the packet said is random; `rawstats` and
//! `sysstats` have the columns of 4.2.8, as NTPsec's further ones stand behind them and nothing
//! that reads either needs them.
//!
//! Differs: 4.2.8 has the packets that it sends in `rawstats` as well, with all that a reply would
//! have to say still zero. Here, as in NTPsec, each line is an exchange.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use crate::engine::statistics::{Loop, Peer, Raw, Record, System};
use crate::units::{NtpTimestamp, RefId, Stratum};
use crate::wire::mode6::status::codes::{self, Code};

impl Record {
    /// The line for what was recorded `at` this time of the steered clock, with its end.
    pub fn line(&self, at: NtpTimestamp) -> String {
        let mut line = date(at);
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Loop(record) => print_loop(&mut line, record),
            Self::Peer(record) => print_peer(&mut line, record),
            Self::Raw(record) => print_raw(&mut line, record),
            Self::Clock { source, time_code } => {
                write!(line, " {} {}", plain(source), plain(time_code))
            }
            Self::System(record) => print_system(&mut line, record),
            Self::SystemEvent { status, code, detail } => {
                let words = event_words(&codes::SYSTEM_EVENTS, *code, detail);
                write!(line, " 0.0.0.0 {:04x} {code:02x} {words}", status.bits())
            }
            Self::PeerEvent { source, status, code, detail } => {
                let words = event_words(&codes::PEER_EVENTS, *code, detail);
                let of_peer = code | PEER_EVENT;
                write!(line, " {} {:04x} {of_peer:02x} {words}", plain(source), status.bits())
            }
        };
        line.push('\n');
        line
    }
}

/// The day as a Modified Julian Date, and the seconds since midnight UTC. Cut off, not rounded: a
/// day has no second 86400.
fn date(at: NtpTimestamp) -> String {
    let (seconds, nanoseconds) = at.to_unix(NEAR);
    let day = seconds.div_euclid(DAY_S) + UNIX_EPOCH_MJD;
    let second = seconds.rem_euclid(DAY_S);
    format!("{day} {second}.{:03}", nanoseconds / 1_000_000)
}

fn print_loop(line: &mut String, record: &Loop) -> std::fmt::Result {
    write!(
        line,
        " {:.9} {:.6} {:.9} {:.6} {}",
        record.offset.seconds(),
        record.frequency.parts_per_million(),
        record.jitter.seconds(),
        record.wander.parts_per_million(),
        record.time_constant.exponent()
    )
}

fn print_peer(line: &mut String, record: &Peer) -> std::fmt::Result {
    write!(
        line,
        " {} {:x} {:.9} {:.9} {:.9} {:.9}",
        address(record.source),
        record.status.bits(),
        record.offset.seconds(),
        record.delay.seconds(),
        record.dispersion.seconds(),
        record.jitter.seconds()
    )
}

fn print_raw(line: &mut String, record: &Raw) -> std::fmt::Result {
    let local = record.local.map_or_else(|| "-".to_owned(), |local| local.to_string());
    write!(line, " {} {local}", address(record.source))?;
    let header = &record.header;
    for time in [record.sent, header.receive, header.transmit, record.arrived] {
        write!(line, " {}", timestamp(time))?;
    }
    let stratum = header.sender_stratum();
    write!(
        line,
        " {} {} {} {stratum} {} {} {:.6} {:.6} {}",
        header.leap.bits(),
        header.version,
        header.mode.bits(),
        header.poll.exponent(),
        header.precision.exponent(),
        header.root_delay.seconds(),
        header.root_dispersion.seconds(),
        reference(header.reference_id, stratum)
    )
}

fn print_system(line: &mut String, record: &System) -> std::fmt::Result {
    let counts = [
        record.seconds,
        record.received,
        record.processed,
        record.current_version,
        record.old_version,
        record.restricted,
        record.bad_length,
        record.bad_auth,
        record.declined,
        record.limited,
        record.kisses,
    ];
    counts.into_iter().try_for_each(|count| write!(line, " {count}"))
}

/// An address without its port, with its zone where it is of no use without.
pub(super) fn address(address: SocketAddr) -> String {
    let ip = address.ip().to_canonical();
    match (ip, address) {
        (IpAddr::V6(ip), SocketAddr::V6(v6)) if v6.scope_id() != 0 => {
            format!("{ip}%{}", v6.scope_id())
        }
        (ip, _) => ip.to_string(),
    }
}

/// Seconds since 1900, within their era, with nine decimals.
fn timestamp(time: NtpTimestamp) -> String {
    let nanoseconds = (u128::from(time.bits()) * BILLION + (1 << 31)) >> 32;
    format!("{}.{:09}", nanoseconds / BILLION, nanoseconds % BILLION)
}

/// A reference ID: letters at stratum 1, an address elsewhere.
///
/// Differs: ntpd writes the octets of letters as they came; here one that is no letter is a `?`,
/// so that no server has a say in how many columns a line has.
fn reference(id: RefId, stratum: Stratum) -> String {
    if stratum > Stratum::new(1) {
        return id.address().to_string();
    }
    let letters = id.octets().into_iter().take_while(|octet| *octet != 0);
    let letter = |octet: u8| if octet.is_ascii_graphic() { char::from(octet) } else { '?' };
    format!(".{}.", letters.map(letter).collect::<String>())
}

/// ntpd's word for an event, and what was said of it.
fn event_words(table: &'static [Code], code: u8, detail: &str) -> String {
    let word = codes::find(table, code).map_or("unknown", |found| found.word);
    if detail.is_empty() { word.to_owned() } else { format!("{word} {}", plain(detail)) }
}

/// A text that stays on its line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The bit by which ntpd tells an event of a peer from one of the system.
const PEER_EVENT: u8 = 0x80;

const BILLION: u128 = 1_000_000_000;

const DAY_S: i64 = 86_400;

/// 1970-01-01 as a Modified Julian Date.
const UNIX_EPOCH_MJD: i64 = 40_587;

/// The era that dates lie in: 68 years to both sides of 2027.
const NEAR: i64 = 1_800_000_000;
