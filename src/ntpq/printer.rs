//! How the variables of a reply are printed: as they came, or cooked.
//!
//! Which variables are cooked, and how, is a column of the table of variables. A value that cannot
//! be read as what it should be stands there as it came, with a `?` behind it.

use std::net::IpAddr;

use crate::model::vars::{self, Cooked, Scope};
use crate::ntpq::address::NetAddress;
use crate::ntpq::fixed::{self, Sign};
use crate::ntpq::reading::{Item, c_unsigned};
use crate::ntpq::session::Session;
use crate::ntpq::text::{cut, push_visible, visible};
use crate::wire::mode6::flash::Flash;
use crate::wire::mode6::status::Wording;

/// The reply as it came, but for what could upset a terminal; line ends are the system's.
///
/// Differs: ntpq lets form feeds and vertical tabs through.
pub fn raw(data: &[u8]) -> String {
    let mut text = String::with_capacity(data.len());
    let mut bytes = data.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' if bytes.peek() == Some(&&b'\n') => {}
            b'\n' | b'\t' => text.push(char::from(*byte)),
            _ => push_visible(&mut text, *byte),
        }
    }
    text
}

/// The items cooked, on lines of at most 72 characters where they allow it.
pub fn cooked(items: &[Item<'_>], scope: Scope, session: &Session) -> String {
    let mut text = String::new();
    let mut column = 0;
    for item in items {
        let value = cooked_value(item, scope, session);
        let pair = match value {
            Some(value) => format!("{}={value}", visible(item.name)),
            None => format!("{}={}?", visible(item.name), visible(item.value)),
        };
        if !text.is_empty() {
            if column + pair.len() + 2 > MAX_LINE {
                text.push_str(",\n");
                column = 0;
            } else {
                text.push_str(", ");
                column += 2;
            }
        }
        column += pair.len();
        text.push_str(&pair);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Those addresses in `items` that are shown as names.
pub fn addresses(items: &[Item<'_>]) -> Vec<NetAddress> {
    let named = items.iter().filter(|item| cooked_as(item.name) == Cooked::Host);
    named.filter_map(|item| NetAddress::read(item.value)).collect()
}

/// How the variable called `name` is cooked.
fn cooked_as(name: &[u8]) -> Cooked {
    let Ok(name) = std::str::from_utf8(name) else { return Cooked::Raw };
    let scopes = [Scope::Peer, Scope::System, Scope::Clock];
    let mut rows = scopes.into_iter().filter_map(|scope| vars::find(scope, name));
    let is_cooked = |row: &&vars::Variable| {
        // Of the names that older daemons used ntpq knows these.
        let by_alias = matches!(row.cooked, Cooked::Array | Cooked::Host);
        row.cooked != Cooked::Raw && (row.name == name || by_alias)
    };
    rows.find(is_cooked).map_or(Cooked::Raw, |row| row.cooked)
}

/// The value cooked; `None` when it is not what it should be.
fn cooked_value(item: &Item<'_>, scope: Scope, session: &Session) -> Option<String> {
    let value = item.value;
    Some(match cooked_as(item.name) {
        Cooked::Raw => visible(value),
        Cooked::Signed => {
            let sign = if value.first().is_some_and(u8::is_ascii_digit) { "+" } else { "" };
            format!("{sign}{}", visible(value))
        }
        Cooked::Leap => match c_unsigned(value)? {
            bits @ 0..=3 => format!("{bits:02b}"),
            _ => return None,
        },
        Cooked::Octal => format!("{:03o}", c_unsigned(value)?),
        Cooked::Flash => flash(c_unsigned(value)?),
        Cooked::Timestamp => {
            fixed::print_timestamp(fixed::timestamp(value)?, session.now, &session.zone)
        }
        Cooked::Array => array(item, Sign::Unsigned)?,
        Cooked::SignedArray => array(item, Sign::Always)?,
        Cooked::ReferenceId => reference_id(value, scope)?,
        Cooked::Host => session.name_of(NetAddress::read(value)?),
        Cooked::Address => NetAddress::read(value)?.to_string(),
    })
}

/// The bits in hexadecimal and the words for them, cut where ntpq's buffer ends.
fn flash(bits: u32) -> String {
    let known = Flash::from_bits((bits & 0xffff) as u16);
    let words = if bits == 0 { "ok".to_owned() } else { words_of(known) };
    let text = format!("{bits:02x} {words}");
    let text = text.trim_end_matches(' ');
    if text.len() <= MAX_FLASH {
        return text.to_owned();
    }
    format!("{}{ELLIPSIS}", cut(text, MAX_FLASH - ELLIPSIS.len()))
}

fn words_of(flash: Flash) -> String {
    if flash.is_ok() { String::new() } else { flash.decoded(Wording::Classic) }
}

/// Up to eight numbers in columns of seven; `None` when one is none.
fn array(item: &Item<'_>, sign: Sign) -> Option<String> {
    let numbers = item.value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut columns = Vec::new();
    for number in numbers.take(8) {
        let text = fixed::print_milliseconds(fixed::milliseconds(number)?, 2, sign);
        columns.push(format!("{:>7}", cut(&text, 7)));
    }
    Some(format!(
        "{}{}",
        " ".repeat(ARRAY_COLUMN.saturating_sub(item.name.len())),
        columns.join(" ")
    ))
}

/// A reference clock's name, an address, or up to four letters. A clock writes its letters as an
/// address at times.
fn reference_id(value: &[u8], scope: Scope) -> Option<String> {
    match NetAddress::read(value) {
        Some(address) => match address.ip {
            IpAddr::V4(ip) if scope == Scope::Clock => {
                let letter =
                    |byte| if matches!(byte, b' '..=b'~') { char::from(byte) } else { '?' };
                Some(ip.octets().into_iter().map(letter).collect())
            }
            _ => Some(address.clock_name().unwrap_or_else(|| address.to_string())),
        },
        None if value.len() <= 4 => Some(visible(value)),
        None => None,
    }
}

/// Characters on a line of pairs.
const MAX_LINE: usize = 72;

/// Characters of a flash value.
const MAX_FLASH: usize = 79;

const ELLIPSIS: &str = "...";

/// Where the numbers of arrays begin, so that they stand below each other.
const ARRAY_COLUMN: usize = 11;

#[cfg(test)]
mod tests;
