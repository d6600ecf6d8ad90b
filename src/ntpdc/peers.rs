//! The lists of associations: `listpeers`, `peers`, `dmpeers`.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::ntpdc::line::Line;
use crate::ntpdc::number::{self, Sign};
use crate::ntpdc::query::{Inquiry, Shape};
use crate::ntpdc::session::Session;
use crate::ntpq::address::NetAddress;
use crate::ntpq::counters::mode;
use crate::ntpq::text::cut;
use crate::wire::mode7::peer::{Listed, Summary, flags};
use crate::wire::mode7::{Code, Items};

/// `listpeers`.
#[derive(Debug)]
pub struct List {
    line: Line,
}

impl List {
    /// What `line` says.
    pub const fn new(line: Line) -> Self {
        Self { line }
    }

    fn rows(&self, items: &Items) -> Vec<Listed> {
        let rows = items.iter().map(Listed::parse);
        rows.filter(|row| self.line.wants(row.remote.is_ipv6())).collect()
    }
}

impl Inquiry for List {
    fn code(&self) -> Code {
        Code::PeerList
    }

    fn shape(&self) -> Shape {
        Shape::Many
    }

    fn addresses(&self, items: &Items) -> Vec<NetAddress> {
        self.rows(items).iter().map(|row| net_address(row.remote)).collect()
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let mut text = String::new();
        for row in self.rows(items) {
            let name = session.shell.name_of(net_address(row.remote));
            let address = row.remote.to_string();
            // Writing to a string cannot fail.
            let _ = write!(text, "{:<12} {name}", mode(row.host_mode.into()));
            if name != address {
                let _ = write!(text, " ({address})");
            }
            text.push('\n');
        }
        session.print(&text);
    }
}

/// `peers` and `dmpeers`.
#[derive(Debug)]
pub struct Table {
    line: Line,
    by_selection: bool,
}

impl Table {
    /// What `line` says; `by_selection` tells what the first column is about.
    pub const fn new(line: Line, by_selection: bool) -> Self {
        Self { line, by_selection }
    }

    fn rows(&self, items: &Items) -> Vec<Summary> {
        let rows = items.iter().map(Summary::parse);
        rows.filter(|row| self.line.wants(row.remote.is_ipv6())).collect()
    }

    fn tally(&self, row: &Summary) -> char {
        if row.flags & flags::SYSTEM_PEER != 0 {
            return '*';
        }
        if self.by_selection {
            return match row.flags {
                flags if flags & flags::SHORT_LIST != 0 => '+',
                flags if flags & flags::CANDIDATE != 0 => '.',
                _ => ' ',
            };
        }
        match row.host_mode {
            1 => '+',
            2 => '-',
            3 => '=',
            5 => '^',
            8 => '~',
            _ => ' ',
        }
    }
}

impl Inquiry for Table {
    fn code(&self) -> Code {
        Code::PeerListSummary
    }

    fn shape(&self) -> Shape {
        Shape::Many
    }

    fn addresses(&self, items: &Items) -> Vec<NetAddress> {
        self.rows(items).iter().map(|row| net_address(row.remote)).collect()
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let mut text = HEADER.to_owned();
        for row in self.rows(items) {
            let name = session.shell.name_of(net_address(row.remote));
            let local = row.local.to_string();
            let poll = row.peer_poll.min(row.host_poll).clamp(MIN_POLL, MAX_POLL);
            let delay = number::fixed(row.delay, 5, Sign::Negative);
            let offset = number::fixed(row.offset, 6, Sign::Always);
            let dispersion = number::fixed(row.dispersion, 5, Sign::Negative);
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{}{:<15} {:<15} {:2} {:4}  {:3o} {:>7} {:>9} {:>7}",
                self.tally(&row),
                cut(&name, 15),
                cut(&local, 15),
                row.stratum,
                1_u32 << poll,
                row.reach,
                cut(&delay, 7),
                cut(&offset, 9),
                cut(&dispersion, 7),
            );
        }
        session.print(&text);
    }
}

/// An address without a port, for its name.
pub fn net_address(ip: IpAddr) -> NetAddress {
    NetAddress { ip, scope: 0, port: 0 }
}

const HEADER: &str = "     remote           local      st poll reach  delay   offset    disp
=======================================================================
";

/// The least poll exponent that is shown.
const MIN_POLL: i8 = 3;

/// The greatest one.
const MAX_POLL: i8 = 17;
