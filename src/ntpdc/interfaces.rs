//! The addresses that the daemon listens on: `ifstats`, `ifreload`.

use std::fmt::Write as _;

use crate::ntpdc::query::{Inquiry, Shape};
use crate::ntpdc::session::Session;
use crate::ntpq::text::{cut, printable};
use crate::wire::mode7::interface::Interface;
use crate::wire::mode7::{Code, Items};

/// `ifstats` and `ifreload`.
#[derive(Debug)]
pub struct Interfaces {
    code: Code,
}

impl Interfaces {
    /// As this request brings them.
    pub const fn new(code: Code) -> Self {
        Self { code }
    }
}

impl Inquiry for Interfaces {
    fn code(&self) -> Code {
        self.code
    }

    fn shape(&self) -> Shape {
        Shape::Many
    }

    fn has_older_form(&self) -> bool {
        false
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let mut text = HEADER.to_owned();
        for item in items.iter() {
            push_rows(&mut text, &Interface::parse(item));
        }
        session.print(&text);
    }
}

fn push_rows(text: &mut String, interface: &Interface) {
    let action = match interface.action {
        1 => '.',
        2 => '+',
        3 => '-',
        _ => '?',
    };
    let ignores = if interface.ignores { 'D' } else { 'E' };
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{:2} {action} {:>48} A {ignores} {:>12} {:03x} {:3} {:2} {:5} {:5} {:5} {:2} {:3} {:7}",
        interface.number.cast_signed(),
        interface.address.to_string(),
        cut(&printable(&interface.name), 12),
        interface.flags,
        interface.ttl,
        interface.groups,
        interface.received,
        interface.sent,
        interface.not_sent,
        interface.scope,
        interface.peers,
        interface.up,
    );
    let _ = writeln!(text, "     {:>48} M", interface.mask.to_string());
    if interface.address.is_ipv4() && interface.takes_broadcasts() {
        let _ = writeln!(text, "     {:>48} B", interface.broadcast.to_string());
    }
}

const HEADER: &str = concat!(
    " # A                           Address/Mask/Broadcast T E      IF name Flg  TL #M ",
    " recv  sent  drop  S  PC  uptime\n",
    "======================================================================",
    "============================================\n"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_as_long_as_the_header() {
        let lens: Vec<_> = HEADER.lines().map(str::len).collect();
        assert_eq!(lens, [114, 114]);
    }
}
