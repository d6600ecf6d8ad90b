//! Who asked the daemon: `monlist`, which is not sent unless the user said that it may be.
//!
//! One short request brought a daemon to send a hundred packets to whomever the request claimed to
//! be from, which made it the tool of choice for flooding third parties. Daemons since 2010 answer
//! that there is no data, `mrulist` of ntpq does the same safely, and networks take whoever sends this
//! request for somebody who looks for daemons to misuse.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::ntpdc::line::{Line, Value};
use crate::ntpdc::peers::net_address;
use crate::ntpdc::query::{Inquiry, Shape};
use crate::ntpdc::session::Session;
use crate::ntpq::address::NetAddress;
use crate::ntpq::text::cut;
use crate::wire::mode7::monitor::{Heard, HeardOfOld};
use crate::wire::mode7::{Code, Items, Refusal};

/// `monlist`.
///
/// Differs: ntpdc prints an answer to the first form of the request as if it were to the second,
/// unless that was refused before.
#[derive(Debug)]
pub struct MonitorList {
    line: Line,
    code: Code,
    is_automatic: bool,
}

impl MonitorList {
    /// What `line` says: a version of the request, or the second and then the first.
    pub fn new(line: Line) -> Self {
        let version = line.arguments.first().map(|argument| argument.value);
        let (code, is_automatic) = match version {
            Some(Value::Signed(1)) => (Code::MonitorList1, false),
            Some(Value::Signed(version)) if version >= 0 => (Code::MonitorList, false),
            Some(Value::Signed(-1)) | None => (Code::MonitorList1, true),
            Some(_) => (Code::MonitorList, true),
        };
        Self { line, code, is_automatic }
    }

    /// ntpdc takes the version for a family too.
    fn wants(&self, remote: IpAddr) -> bool {
        match self.line.arguments.first().map(|argument| argument.value) {
            Some(Value::Signed(6)) => remote.is_ipv6(),
            Some(Value::Signed(4)) => remote.is_ipv4(),
            _ => true,
        }
    }

    fn rows(&self, items: &Items) -> Vec<Heard> {
        let rows = items.iter().map(match self.code {
            Code::MonitorList1 => Heard::parse,
            _ => Heard::parse_first,
        });
        rows.filter(|row| self.wants(row.remote)).collect()
    }

    fn is_of_old(&self, items: &Items) -> bool {
        self.code == Code::MonitorList && items.item_len() == HeardOfOld::LEN
    }
}

impl Inquiry for MonitorList {
    fn code(&self) -> Code {
        self.code
    }

    fn shape(&self) -> Shape {
        Shape::Many
    }

    fn ask_otherwise(&mut self, refusal: Refusal, _: &Session) -> bool {
        let is_worth_it =
            self.is_automatic && refusal == Refusal::Request && self.code == Code::MonitorList1;
        if is_worth_it {
            self.code = Code::MonitorList;
        }
        is_worth_it
    }

    fn addresses(&self, items: &Items) -> Vec<NetAddress> {
        if self.is_of_old(items) {
            return items.iter().map(|item| net_address(HeardOfOld::parse(item).remote)).collect();
        }
        self.rows(items).iter().map(|row| net_address(row.remote)).collect()
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let mut text = String::new();
        if self.is_of_old(items) {
            text.push_str(HEADER_OF_OLD);
            for row in items.iter().map(HeardOfOld::parse) {
                push_old(&mut text, &row, session);
            }
        } else {
            text.push_str(if self.code == Code::MonitorList1 { HEADER } else { HEADER_FIRST });
            for row in self.rows(items) {
                push_row(&mut text, &row, session);
            }
        }
        session.print(&text);
    }
}

fn push_row(text: &mut String, row: &Heard, session: &Session) {
    let name = session.shell.name_of(net_address(row.remote));
    // Writing to a string cannot fail.
    let _ = match row.local {
        Some(local) => writeln!(
            text,
            "{:<22} {:5} {:<15} {:8} {} {} {:6x} {:6} {:7}",
            cut(&name, 22),
            row.port,
            local.to_string(),
            row.count,
            row.mode,
            row.version,
            row.restrictions,
            row.average_interval,
            row.last_interval
        ),
        None => writeln!(
            text,
            "{:<25} {:5} {:9} {:4} {:2} {:9x} {:9} {:9}",
            cut(&name, 25),
            row.port,
            row.count,
            row.mode,
            row.version,
            row.restrictions,
            row.average_interval,
            row.last_interval
        ),
    };
}

fn push_old(text: &mut String, row: &HeardOfOld, session: &Session) {
    let name = session.shell.name_of(net_address(row.remote));
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{:<20} {:5} {:9} {:4}   {:3} {:9} {:9}",
        cut(&name, 20),
        row.port,
        row.count,
        row.mode,
        row.version,
        row.since_last,
        row.since_first
    );
}

/// What is said where the user did not say that it may be sent.
pub const NOT_ALLOWED: &str = "***monlist is not sent: with a forged sender it has daemons flood \
others, today's answer that there is no data, and networks take it for an attack\n***`mrulist' of \
ntpq tells the same safely; start ntpdc with --monlist to send it to a daemon of your own\n";

const HEADER: &str =
    "remote address          port local address      count m ver rstr avgint  lstint
===============================================================================
";

const HEADER_FIRST: &str = "     address               port     count mode ver rstr avgint  lstint
===============================================================================
";

const HEADER_OF_OLD: &str = "     address          port     count  mode version  lasttime firsttime
======================================================================
";
