//! The text of replies as ntpq takes it apart, and its numbers.
//!
//! ntpq's rules for text that is not well formed differ from those of [`crate::wire::mode6::varlist`],
//! which reads as much as it can: ntpq stops at a line end that follows no comma, at an item without
//! a name and at a quote that is not closed. What it prints depends on these rules, so they are kept
//! here for the printers alone.

use std::borrow::Cow;

use crate::ntpq::text::printable;

/// One item of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// The name.
    pub name: &'a [u8],
    /// What follows `=`, quotes included; empty without a `=`.
    pub value: &'a [u8],
}

impl<'a> Item<'a> {
    /// Whether the item is called `name`.
    pub fn is(&self, name: &str) -> bool {
        self.name == name.as_bytes()
    }

    /// The value without the quotes around it, when there are both.
    pub fn unquoted(&self) -> &'a [u8] {
        let inner = self.value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
        inner.unwrap_or(self.value)
    }
}

/// Takes `data` apart. What ntpq says of text that it cannot read is added to `complaints`.
pub fn items<'a>(data: &'a [u8], complaints: &mut Vec<String>) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    let mut rest = data;
    while let Some(start) = rest.iter().position(|byte| !is_blank(*byte) && *byte != b',') {
        rest = rest.get(start..).unwrap_or_default();
        let name_len = rest.iter().position(|b| matches!(b, b'=' | b',') || is_end(*b));
        let (name, after) = rest.split_at(name_len.unwrap_or(rest.len()));
        let name = trim(name);
        if name.is_empty() {
            break;
        }
        let parts = match after.strip_prefix(b"=") {
            None => Some((&[][..], after)),
            Some(after) => split_value(skip_blanks(after)),
        };
        let Some((value, after)) = parts else {
            complaints.push(format!("no closing quote, stop: '{}'", cut(rest)));
            break;
        };
        if name.len() >= MAX_NAME {
            complaints.push(format!("runaway name: '{}'", cut(name)));
        } else if value.len() >= MAX_VALUE {
            complaints.push(format!("runaway value: '{}'", cut(value)));
        } else {
            items.push(Item { name, value });
        }
        match after.strip_prefix(b",") {
            Some(after) => rest = after,
            None => break,
        }
    }
    items
}

/// The value at the start of `text`, blanks after it dropped, and what follows it; `None` when its
/// quote is not closed on the same line.
fn split_value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let quoted = match text.strip_prefix(b"\"") {
        None => 0,
        Some(inner) => {
            let close = inner.iter().position(|byte| *byte == b'"' || is_end(*byte));
            let close = close.filter(|at| inner.get(*at) == Some(&b'"'))?;
            close + 2
        }
    };
    let tail = text.get(quoted..).unwrap_or_default();
    let end = tail.iter().position(|byte| *byte == b',' || is_end(*byte)).unwrap_or(tail.len());
    let (value, after) = text.split_at(quoted + end);
    Some((trim(value), after))
}

/// Blanks and other control characters, but for the byte that ends a text in C.
const fn is_blank(byte: u8) -> bool {
    byte <= b' ' && byte != 0
}

/// Where a name or a value ends besides at a comma.
const fn is_end(byte: u8) -> bool {
    matches!(byte, 0 | b'\r' | b'\n')
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_blank(*byte) || is_end(*byte));
    text.get(start.unwrap_or(text.len())..).unwrap_or_default()
}

fn trim(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

fn cut(text: &[u8]) -> Cow<'_, str> {
    printable(text.get(..SHOWN).unwrap_or(text))
}

/// The tag of an item of a list, and the number of its row: `name.3` is `name` of row 3.
pub fn row_tag<'a>(item: &Item<'a>) -> Option<(&'a str, u32)> {
    let (tag, number) = std::str::from_utf8(item.name).ok()?.split_once('.')?;
    Some((tag, unsigned(number.as_bytes())?))
}

/// The unsigned number in decimal that `text` begins with; a larger one than 64 bits hold stands as
/// the largest.
pub fn leading_unsigned(text: &[u8]) -> Option<u64> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let digits = std::str::from_utf8(text.get(..end)?).ok().filter(|digits| !digits.is_empty())?;
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// An unsigned number in decimal, of at most 32 bits.
pub fn unsigned(text: &[u8]) -> Option<u32> {
    let all_digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| all_digits)?.parse().ok()
}

/// A signed number in decimal, of at most 32 bits.
pub fn signed(text: &[u8]) -> Option<i32> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let all_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| all_digits)?.parse().ok()
}

/// An unsigned number as C writes them: hexadecimal after `0x`, octal after `0`, else decimal.
pub fn c_unsigned(text: &[u8]) -> Option<u32> {
    match text {
        [b'0', b'x' | b'X', digits @ ..] => radix(digits, 16),
        [b'0', ..] => radix(text, 8),
        _ => unsigned(text),
    }
}

/// A signed number as C writes them.
pub fn c_signed(text: &[u8]) -> Option<i32> {
    match text {
        [b'0', ..] => c_unsigned(text).and_then(|number| i32::try_from(number).ok()),
        _ => signed(text),
    }
}

fn radix(digits: &[u8], radix: u32) -> Option<u32> {
    let all_digits = digits.iter().all(|digit| char::from(*digit).is_digit(radix));
    let text = std::str::from_utf8(digits).ok().filter(|_| all_digits)?;
    u32::from_str_radix(text, radix).ok()
}

/// Longer names are passed over.
const MAX_NAME: usize = 256;

/// Longer values are passed over.
const MAX_VALUE: usize = 2048;

/// Bytes of bad text that a complaint shows.
const SHOWN: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<(String, String)>, Vec<String>) {
        let mut complaints = Vec::new();
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let items = items(text.as_bytes(), &mut complaints)
            .iter()
            .map(|item| (text_of(item.name), text_of(item.value)))
            .collect();
        (items, complaints)
    }

    fn pairs(text: &str) -> Vec<(String, String)> {
        read(text).0
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    // All of these were put to ntpq 4.2.8p15.
    #[test]
    fn text_is_taken_apart_as_ntpq_does() {
        assert_eq!(pairs("a=1,\r\nb=2\r\n"), owned(&[("a", "1"), ("b", "2")]));
        assert_eq!(pairs("a=1\nb=2, c=3"), owned(&[("a", "1")]));
        assert_eq!(pairs("a, b,c"), owned(&[("a", ""), ("b", ""), ("c", "")]));
        assert_eq!(pairs("a=1,,=,b=2"), owned(&[("a", "1")]));
        assert_eq!(pairs("a=\n1,b=2"), owned(&[("a", "")]));
        assert_eq!(pairs("a=1,\0b=2"), owned(&[("a", "1")]));
        assert_eq!(pairs("a = \u{1}1 ,b=2"), owned(&[("a", "1"), ("b", "2")]));
        assert_eq!(pairs("a=\"q\"junk, b=1"), owned(&[("a", "\"q\"junk"), ("b", "1")]));
        assert_eq!(pairs("x y=1, z=b=2"), owned(&[("x y", "1"), ("z", "b=2")]));
        assert_eq!(pairs("a=\"x\"\n\r, b=2"), owned(&[("a", "\"x\"")]));
    }

    #[test]
    fn what_cannot_be_read_is_complained_of() {
        let (items, complaints) = read("a=\"x,y\", b=\"z");
        assert_eq!(items, owned(&[("a", "\"x,y\"")]));
        assert_eq!(complaints, ["no closing quote, stop: 'b=\"z'"]);
        let long = format!("a=1, {}=5, c=6", "n".repeat(300));
        let (items, complaints) = read(&long);
        assert_eq!(items, owned(&[("a", "1"), ("c", "6")]));
        assert_eq!(complaints, [format!("runaway name: '{}'", "n".repeat(50))]);
    }

    #[test]
    fn numbers_are_read_as_in_c() {
        assert_eq!(c_unsigned(b"0x1f"), Some(31));
        assert_eq!(c_unsigned(b"010"), Some(8));
        assert_eq!(c_unsigned(b"9"), Some(9));
        assert_eq!(c_unsigned(b"08"), None);
        assert_eq!(c_unsigned(b"0x100000000"), None);
        assert_eq!(c_unsigned(b"0x"), None);
        assert_eq!(c_unsigned(b"+1"), None);
        assert_eq!(c_signed(b"-4"), Some(-4));
        assert_eq!(signed(b"2147483648"), None);
        assert_eq!(unsigned(b"4294967295"), Some(u32::MAX));
    }
}
