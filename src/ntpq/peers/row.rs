//! One row of a table of peers.

use std::net::IpAddr;

use crate::model::vars::peer;
use crate::ntpq::address::{NetAddress, type_of_local_address};
use crate::ntpq::associations::{FIRST_VERSION, old_tally};
use crate::ntpq::command::Columns;
use crate::ntpq::fixed::{self, Sign};
use crate::ntpq::interval;
use crate::ntpq::reading::{self, Item, c_signed, c_unsigned};
use crate::ntpq::session::{RefIds, Session};
use crate::ntpq::text::{cut, cut_left, printable, visible};
use crate::units::{AssocId, NtpTimestamp};
use crate::wire::mode6::status::PeerStatus;

/// What a row is made of; times in ntpq's fixed format.
///
/// What a reply leaves out is zero.
///
/// Differs: ntpq keeps the times of the row before for one that has none.
#[derive(Debug)]
pub struct Row {
    /// The address of the other side.
    pub source: NetAddress,
    /// Whether there was one.
    pub has_source: bool,
    /// The name that it was configured with, where it is shown.
    pub name: Option<String>,
    /// The daemon's own address.
    pub local: Option<NetAddress>,
    /// What the second column shows, and how wide ntpq takes it to be.
    second_column: Option<(String, usize)>,
    kind: char,
    host_mode: i32,
    stratum: u32,
    host_poll: i32,
    peer_poll: i32,
    reach: u32,
    delay: u64,
    offset: u64,
    jitter: Option<u64>,
    dispersion: u64,
    received: u64,
    referred: u64,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            source: NetAddress::UNSPECIFIED,
            has_source: false,
            name: None,
            local: None,
            second_column: None,
            kind: '?',
            host_mode: 0,
            stratum: 0,
            host_poll: 0,
            peer_poll: 0,
            reach: 0,
            delay: 0,
            offset: 0,
            jitter: None,
            dispersion: 0,
            received: 0,
            referred: 0,
        }
    }
}

impl Row {
    /// Reads a reply for a table with these columns. What cannot be read is left at zero; what
    /// ntpq says of it is added to `complaints`.
    pub fn read(
        data: &[u8],
        columns: Columns,
        ref_ids: RefIds,
        complaints: &mut Vec<String>,
    ) -> Self {
        let mut row = Self::default();
        let mut unreadable = Vec::new();
        for item in reading::items(data, &mut unreadable) {
            row.take_identity(&item, columns, ref_ids, complaints);
            row.take_measurement(&item, columns);
        }
        complaints.extend(unreadable.iter().map(|why| format!("nextvar: {why}\n")));
        row.kind = row.kind();
        row
    }

    fn take_identity(
        &mut self,
        item: &Item<'_>,
        columns: Columns,
        ref_ids: RefIds,
        complaints: &mut Vec<String>,
    ) {
        let value = item.value;
        if is_called(item, &peer::SOURCE) {
            match NetAddress::read(value) {
                Some(address) => {
                    self.source = address;
                    self.has_source = true;
                }
                None => complaints.push(format!(
                    "malformed {}={}\n",
                    printable(item.name),
                    printable(value)
                )),
            }
        } else if item.is(peer::SOURCE_HOST.name) {
            if columns != Columns::Old && (3..MAX_NAME).contains(&value.len()) {
                let inner = value.get(1..value.len() - 1).unwrap_or_default();
                self.name = Some(printable(inner).into_owned());
            }
        } else if item.is(peer::DESTINATION.name) {
            if let Some(address) = NetAddress::read(value) {
                self.kind = type_of_local_address(address.ip);
                self.local = Some(address);
                if columns == Columns::Old {
                    let text = cut_left(&address.to_string(), SECOND_WIDTH).into_owned();
                    self.second_column = Some(with_width(text));
                }
            }
        } else if item.is(peer::REFERENCE_ID.name) {
            if columns != Columns::Old {
                let as_hash = columns == Columns::Associations || ref_ids == RefIds::Hash;
                self.second_column = reference_id(value, as_hash);
            }
        } else if item.is(peer::FLASH.name)
            && columns != Columns::Old
            && c_unsigned(value).is_some_and(|bits| bits & LOOP != 0)
        {
            self.second_column = Some(with_width("(loop)".to_owned()));
        }
    }

    fn take_measurement(&mut self, item: &Item<'_>, columns: Columns) {
        let value = item.value;
        if item.is(peer::HOST_MODE.name) {
            self.host_mode = c_signed(value).unwrap_or(self.host_mode);
        } else if item.is(peer::STRATUM.name) {
            self.stratum = c_unsigned(value).unwrap_or(self.stratum);
        } else if item.is(peer::HOST_POLL.name) {
            self.host_poll = poll(value).unwrap_or(self.host_poll);
        } else if item.is(peer::PEER_POLL.name) {
            self.peer_poll = poll(value).unwrap_or(self.peer_poll);
        } else if item.is(peer::REACH.name) {
            self.reach = c_unsigned(value).unwrap_or(self.reach);
        } else if item.is(peer::DELAY.name) {
            self.delay = fixed::milliseconds(value).unwrap_or(self.delay);
        } else if item.is(peer::OFFSET.name) {
            self.offset = fixed::milliseconds(value).unwrap_or(self.offset);
        } else if item.is(peer::JITTER.name) && columns != Columns::Old {
            self.jitter = fixed::milliseconds(value).or(self.jitter);
        } else if item.is(peer::DISPERSION.name) || item.is(peer::ROOT_DISPERSION.name) {
            self.dispersion = fixed::milliseconds(value).unwrap_or(self.dispersion);
        } else if item.is(peer::RECEIVE.name) {
            self.received = fixed::timestamp(value).unwrap_or(self.received);
        } else if item.is(peer::REFERENCE_TIME.name) {
            self.referred = fixed::timestamp(value).unwrap_or(0);
        }
    }

    /// The `t` column: by the daemon's mode, or guessed from its own address.
    fn kind(&self) -> char {
        let source = self.source;
        match self.host_mode {
            1 => 's',
            2 => 'S',
            3 if source.clock().is_some() => 'l',
            3 if source.is_unspecified() => 'p',
            3 if source.ip.is_multicast() => 'a',
            3 => 'u',
            5 if source.ip.is_multicast() => 'M',
            5 => 'B',
            6 => 'b',
            _ => self.kind,
        }
    }

    /// What the first column says when several hosts are asked.
    pub fn server(&self, columns: Columns, session: &Session) -> String {
        let width = session.host_width;
        match self.local.filter(|_| columns != Columns::Old) {
            Some(local) if !session.settings.hostnames || local.is_unspecified() => {
                cut_left(&local.to_string(), width).into_owned()
            }
            Some(local) if local.clock().is_some() => session.name_of(local),
            Some(local) => cut(&session.name_of(local), width).to_owned(),
            None if session.host.as_ref().is_some_and(|host| host.numeric) => {
                cut_left(&session.host_name(), width).into_owned()
            }
            None => session.host_name(),
        }
    }

    /// The row, from the tally on.
    pub fn print(
        &self,
        columns: Columns,
        id: AssocId,
        status: PeerStatus,
        session: &Session,
    ) -> String {
        let tally = match session.settings.version {
            FIRST_VERSION => old_tally(status),
            _ => status.tally().character(),
        };
        let name = self.name.clone().unwrap_or_else(|| session.name_of(self.source));
        let (second, width) = self.second_column.clone().unwrap_or_default();
        let remote = if session.settings.wide && name.len() > NAME_WIDTH {
            let before = if session.has_several_hosts() { session.host_width + 1 } else { 0 };
            format!("{tally}{name}\n{:indent$}", "", indent = before + NAME_WIDTH + 2)
        } else {
            format!("{tally}{:NAME_WIDTH$} ", cut(&name, NAME_WIDTH))
        };
        let second = match columns {
            Columns::Associations => {
                format!("{second}{:pad$}{:<6}", "", id.get(), pad = 9_usize.saturating_sub(width))
            }
            Columns::Usual | Columns::Old | Columns::NameLast => {
                format!("{second}{:pad$}", "", pad = SECOND_WIDTH.saturating_sub(width))
            }
        };
        let poll = 1_i32.wrapping_shl(self.host_poll.min(self.peer_poll).cast_unsigned());
        let (delay, offset) = (self.delay, self.offset);
        let last = self.jitter.unwrap_or(self.dispersion);
        format!(
            "{remote}{second} {:2} {} {:>4} {:>4}  {:3o}  {:>7} {:>8} {:>7}\n",
            self.stratum,
            self.kind,
            cut(&interval::print(self.age(session.now)), 4),
            cut(&interval::print(i64::from(poll)), 4),
            self.reach,
            cut(&fixed::print_milliseconds(delay, 3, Sign::Unsigned), 7),
            cut(&fixed::print_milliseconds(offset, 3, Sign::Always), 7),
            cut(&fixed::print_milliseconds(last, 3, Sign::Unsigned), 7),
        )
    }

    /// Seconds since the last packet, by our clock; where none came, since the source's clock was
    /// set.
    fn age(&self, now: i64) -> i64 {
        let now = NtpTimestamp::from_unix(now, 0).seconds();
        let seconds = |bits: u64| NtpTimestamp::from_bits(bits).seconds();
        let last = match (seconds(self.received), seconds(self.referred)) {
            (0, 0) => return 0,
            (0, referred) => referred,
            (received, _) => received,
        };
        i64::from(now) - i64::from(last)
    }
}

fn is_called(item: &Item<'_>, variable: &crate::model::Variable) -> bool {
    item.is(variable.name) || variable.aliases.iter().any(|alias| item.is(alias))
}

/// A poll exponent; a negative one is taken for the least that there is.
fn poll(value: &[u8]) -> Option<i32> {
    c_signed(value).map(|exponent| if exponent < 0 { MIN_POLL } else { exponent })
}

/// The reference ID as a column shows it; `None` when it is neither letters nor an address.
fn reference_id(value: &[u8], as_hash: bool) -> Option<(String, usize)> {
    if value.is_empty() {
        return Some((String::new(), 0));
    }
    if value.len() <= 4 {
        return Some((format!(".{}.", visible(value)), value.len() + 2));
    }
    let address = NetAddress::read(value)?;
    if address.is_unspecified() {
        return Some(with_width("0.0.0.0".to_owned()));
    }
    let text = address.clock_name().unwrap_or_else(|| match address.ip {
        IpAddr::V4(ip) if as_hash => format!("{:x}", ip.to_bits()),
        _ => address.to_string(),
    });
    Some(with_width(text))
}

fn with_width(text: String) -> (String, usize) {
    let width = text.len();
    (text, width)
}

/// The flash bit of a source that is synchronised to us.
const LOOP: u32 = 0x800;

const NAME_WIDTH: usize = 15;

const SECOND_WIDTH: usize = 15;

const MAX_NAME: usize = 256;

const MIN_POLL: i32 = 3;
