//! `ifstats`: the addresses that the daemon listens on. It is told to those who have a key.

use serde_json::{Map, Value as Json, json};

use crate::model::reply::Reply;
use crate::ntpq::address::NetAddress;
use crate::ntpq::job::Step;
use crate::ntpq::ordered_list::OrderedList;
use crate::ntpq::reading::{Item, c_unsigned, row_tag, unsigned};
use crate::ntpq::session::Session;
use crate::ntpq::text::{cut, printable};
use crate::ntpq::variables;
use crate::wire::mode6::INTERFACE_LIST;

/// The table of interfaces.
pub fn interface_table() -> OrderedList {
    OrderedList::new(INTERFACE_LIST, print)
}

/// One interface, as far as it was read.
#[derive(Debug, Default)]
struct Row {
    number: u32,
    fields: usize,
    address: Option<NetAddress>,
    broadcast: Option<NetAddress>,
    name: String,
    enabled: bool,
    flags: u32,
    ttl: Option<u32>,
    multicasts: Option<u32>,
    received: u32,
    sent: u32,
    failed: u32,
    peers: u32,
    uptime: u32,
}

fn print(session: &mut Session, reply: &Reply) -> Step {
    session.print(HEADER);
    let mut rows = Vec::new();
    let mut row = Row::default();
    for item in variables::read_items(reply.data(), session) {
        let Some((tag, number)) = row_tag(&item) else { continue };
        let mut next = Row { number, ..Row::default() };
        let target = if number == row.number { &mut row } else { &mut next };
        if !target.take(tag, &item) {
            continue;
        }
        if number < row.number {
            session.complain(&format!(
                "received if index {number}, have {} of {FIELDS} fields for index {}, aborting.\n",
                row.fields, row.number
            ));
            return Step::Quit(1);
        }
        if number > row.number {
            leave(session, &row, &mut rows);
            row = next;
        }
        row.fields += 1;
        if row.fields >= FIELDS {
            session.print(&row.print());
            rows.push(row.json());
            // A field more prints another row, of that field alone.
            row = Row { number: row.number, fields: row.fields, ..Row::default() };
        }
    }
    leave(session, &row, &mut rows);
    session.record(Map::from_iter([("interfaces".to_owned(), Json::Array(rows))]));
    Step::Done
}

/// Leaves a row, which should be complete by now.
fn leave(session: &mut Session, row: &Row, rows: &mut Vec<Json>) {
    if (1..FIELDS).contains(&row.fields) {
        rows.push(row.json());
    }
    if row.fields < FIELDS {
        let text = format!("Warning: incomplete row with {} (of {FIELDS}) fields\n", row.fields);
        session.print(&text);
    }
}

impl Row {
    /// Takes a value in, and says whether it is one that a row has.
    fn take(&mut self, tag: &str, item: &Item<'_>) -> bool {
        let value = item.value;
        let number = decimal(value);
        let place = match tag {
            "addr" => {
                self.address = NetAddress::read(value);
                return self.address.is_some();
            }
            "bcast" => {
                self.broadcast = NetAddress::read(value);
                return value.is_empty() || self.broadcast.is_some();
            }
            "name" => {
                let fits = (2..MAX_NAME + 2).contains(&value.len());
                let inner = value.get(1..value.len().saturating_sub(1)).unwrap_or_default();
                self.name = printable(inner).into_owned();
                return fits;
            }
            "en" => {
                self.enabled = number.is_some_and(|number| number != 0);
                return number.is_some();
            }
            "flags" => {
                let flags = c_unsigned(value).filter(|_| value.starts_with(b"0x"));
                self.flags = flags.unwrap_or(0);
                return flags.is_some();
            }
            "tl" => self.ttl.insert(0),
            "mc" => self.multicasts.insert(0),
            "rx" => &mut self.received,
            "tx" => &mut self.sent,
            "txerr" => &mut self.failed,
            "pc" => &mut self.peers,
            "up" => &mut self.uptime,
            _ => return false,
        };
        *place = number.unwrap_or(0);
        number.is_some()
    }

    fn json(&self) -> Json {
        let text = |address: &NetAddress| address.with_port();
        json!({
            "number": self.number,
            "name": self.name,
            "address": self.address.as_ref().map(text),
            "broadcast": self.broadcast.as_ref().map(text),
            "enabled": self.enabled,
            "flags_bits": self.flags,
            "ttl": self.ttl,
            "multicast_groups": self.multicasts,
            "received": self.received,
            "sent": self.sent,
            "send_failures": self.failed,
            "peers": self.peers,
            "uptime_s": self.uptime,
        })
    }

    fn print(&self) -> String {
        let with_port = |address: &NetAddress| format!("    {}\n", address.with_port());
        format!(
            "{:3} {:24} {} {:4x} {:3} {:2} {:6} {:6} {:6} {:5} {:8}\n{}{}",
            self.number,
            cut(&self.name, 24),
            if self.enabled { '.' } else { 'D' },
            self.flags,
            self.ttl.unwrap_or(0),
            self.multicasts.unwrap_or(0),
            self.received,
            self.sent,
            self.failed,
            self.peers,
            self.uptime,
            with_port(&self.address.unwrap_or(NetAddress::UNSPECIFIED)),
            self.broadcast.as_ref().map(with_port).unwrap_or_default(),
        )
    }
}

/// The number that a value begins with; a negative one shows as the large number that its bits make.
fn decimal(value: &[u8]) -> Option<u32> {
    let (negative, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    let end = digits.iter().position(|digit| !digit.is_ascii_digit()).unwrap_or(digits.len());
    let number = unsigned(digits.get(..end)?)?;
    Some(if negative { number.wrapping_neg() } else { number })
}

/// Fields that a row has.
const FIELDS: usize = 12;

/// Characters of an interface's name that are kept; a longer one is none.
const MAX_NAME: usize = 32;

const HEADER: &str = "    interface name                                        send
 #  address/broadcast     drop flag ttl mc received sent failed peers   uptime
==============================================================================
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::part::Dated;
    use crate::ntpq::{Output, Stream};
    use jiff::tz::TimeZone;

    fn fields(number: u32, without: &[&str]) -> String {
        let all = [
            ("addr", "10.0.0.1:123"),
            ("bcast", if number == 1 { "" } else { "10.0.0.255:123" }),
            ("en", "1"),
            ("name", "\"eth0\""),
            ("flags", "0x13"),
            ("tl", "0"),
            ("mc", "2"),
            ("rx", "10"),
            ("tx", "-5"),
            ("txerr", "3"),
            ("pc", "1"),
            ("up", "77"),
            ("xyz", "9"),
        ];
        let kept = all.iter().filter(|(tag, _)| !without.contains(tag));
        kept.map(|(tag, value)| format!("{tag}.{number}={value}")).collect::<Vec<_>>().join(", ")
    }

    fn run(text: &str) -> (String, String) {
        let mut session = Session::new("ntpq".into(), || TimeZone::UTC);
        print(&mut session, &Reply::new(0, text.as_bytes(), 1, Dated::default()));
        let (mut out, mut error) = (String::new(), String::new());
        while let Some(Output::Text(stream, text)) = session.poll_output() {
            let to = if stream == Stream::Error { &mut error } else { &mut out };
            to.push_str(&text);
        }
        (out.strip_prefix(HEADER).unwrap().to_owned(), error)
    }

    // As ntpq 4.2.8p15 printed them.
    #[test]
    fn rows_are_printed_when_they_are_complete() {
        let (out, error) = run(&format!("{}, {}\r\n", fields(0, &[]), fields(1, &[])));
        assert_eq!(
            out,
            "  0 eth0                     .   13   0  2     10 4294967291      3     1       77
    10.0.0.1:123
    10.0.0.255:123
  1 eth0                     .   13   0  2     10 4294967291      3     1       77
    10.0.0.1:123
"
        );
        assert_eq!(error, "");
    }

    #[test]
    fn incomplete_rows_are_warned_of() {
        let ntpsec = ["tl", "mc"];
        let (out, _) = run(&format!("{}, {}\r\n", fields(0, &ntpsec), fields(1, &ntpsec)));
        assert_eq!(out, "Warning: incomplete row with 10 (of 12) fields\n".repeat(2));
        assert_eq!(run("").0, "Warning: incomplete row with 0 (of 12) fields\n");
    }

    #[test]
    fn rows_out_of_order_end_the_session() {
        let (_, error) = run(&format!("{}, addr.7=1.2.3.4, rx.0=5", fields(0, &[])));
        assert_eq!(error, "received if index 0, have 1 of 12 fields for index 7, aborting.\n");
    }
}
