//! The text of replies as NTPsec's ntpq takes it apart, and its numbers.
//!
//! That program is written in Python: a value becomes a whole number, a real one or text, whichever
//! it reads as first, and is printed as Python writes such a thing.

use std::fmt::{self, Write as _};

use crate::ntpq::text::printable;

/// What a value was read as.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(i128),
    /// A real number.
    Real(f64),
    /// Anything else.
    Text(String),
}

/// A variable of a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What its value was read as.
    pub value: Value,
    /// The value as it came, without quotes around it.
    pub raw: String,
}

impl Value {
    /// Reads a text without quotes around it.
    pub fn read(text: &str) -> Self {
        integer(text, true)
            .map(Self::Integer)
            .or_else(|| real(text).map(Self::Real))
            .unwrap_or_else(|| Self::Text(text.to_owned()))
    }

    /// A whole number that it is.
    pub const fn integer(&self) -> Option<i128> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// A number that it is.
    #[expect(clippy::cast_precision_loss, reason = "as Python divides whole numbers")]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Real(number) => Some(*number),
            Self::Text(_) => None,
        }
    }

    /// As it would stand in a program: text in quotes.
    pub fn quoted(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            number => number.to_string(),
        }
    }
}

impl fmt::Display for Value {
    /// Text without quotes, and without control characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => f.pad(&number.to_string()),
            Self::Real(number) => f.pad(&print_real(*number)),
            Self::Text(text) => f.pad(&printable(text.as_bytes())),
        }
    }
}

/// The variables of a reply in order, each name once and with the value that it had last.
///
/// Bytes that are not ASCII are dropped, as is zero; commas within quotes do not separate.
pub fn entries(data: &[u8]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for pair in pairs(data) {
        let (name, text) = pair.split_once('=').unwrap_or((&pair, ""));
        let (name, text) = (strip(name), strip(text));
        let value = Value::read(text);
        let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let (value, raw) = match (value, inner) {
            (Value::Text(_), Some(inner)) => (Value::Text(inner.to_owned()), inner),
            (value, _) => (value, text),
        };
        let raw = raw.to_owned();
        match entries.iter_mut().find(|entry| entry.name == name) {
            Some(entry) => (entry.value, entry.raw) = (value, raw),
            None => entries.push(Entry { name: name.to_owned(), value, raw }),
        }
    }
    entries
}

/// The variable called `name`.
pub fn find<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.name == name)
}

fn pairs(data: &[u8]) -> Vec<String> {
    let mut pairs = Vec::new();
    let mut pair = String::new();
    let mut in_quotes = false;
    for byte in data {
        match byte {
            b'"' => {
                in_quotes = !in_quotes;
                pair.push('"');
            }
            b',' if !in_quotes => pairs.push(strip(&std::mem::take(&mut pair)).to_owned()),
            1..127 => pair.push(char::from(*byte)),
            _ => {}
        }
    }
    if !pair.is_empty() {
        pairs.push(strip(&pair).to_owned());
    }
    pairs
}

/// Whether Python takes it for a blank.
pub const fn is_blank(sign: char) -> bool {
    matches!(sign, '\t'..='\r' | '\x1c'..=' ')
}

/// Without blanks at its ends.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// The words between blanks.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_blank).filter(|word| !word.is_empty())
}

/// A whole number as Python reads it: decimal, or with `by_prefix` in the base that its prefix says,
/// with single underscores between digits.
pub fn integer(text: &str, by_prefix: bool) -> Option<i128> {
    let text = strip(text);
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let prefix = digits.get(..2).filter(|_| by_prefix).map(str::to_ascii_lowercase);
    let (base, digits) = match prefix.as_deref() {
        Some("0x") => (16, after_prefix(digits)),
        Some("0o") => (8, after_prefix(digits)),
        Some("0b") => (2, after_prefix(digits)),
        _ => (10, digits),
    };
    let plain = without_underscores(digits)?;
    let is_number = !plain.is_empty() && plain.chars().all(|digit| digit.is_digit(base));
    let has_leading_zero = base == 10 && plain.starts_with('0') && plain.contains(|c| c != '0');
    if !is_number || (by_prefix && has_leading_zero) {
        return None;
    }
    let number = i128::from_str_radix(&plain, base).ok()?;
    Some(if negative { -number } else { number })
}

/// What follows a prefix; one underscore may stand behind that.
fn after_prefix(digits: &str) -> &str {
    let digits = digits.get(2..).unwrap_or_default();
    digits.strip_prefix('_').unwrap_or(digits)
}

/// `None` when an underscore does not stand between two digits.
fn without_underscores(digits: &str) -> Option<String> {
    let is_wrong = digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
    (!is_wrong).then(|| digits.replace('_', ""))
}

/// A real number as Python reads it.
pub fn real(text: &str) -> Option<f64> {
    let text = strip(text);
    if text.contains('_') {
        let parts: Vec<&str> = text.split('_').collect();
        let between = parts.windows(2).all(|pair| match pair {
            [left, right] => {
                left.ends_with(|c: char| c.is_ascii_digit())
                    && right.starts_with(|c: char| c.is_ascii_digit())
            }
            _ => false,
        });
        return if between { parts.concat().parse().ok() } else { None };
    }
    text.parse().ok()
}

/// A real number as Python prints it: the shortest digits that read as the same number.
pub fn print_real(number: f64) -> String {
    if !number.is_finite() {
        let text = if number.is_nan() { "nan" } else { "inf" };
        return if number.is_sign_negative() && !number.is_nan() {
            format!("-{text}")
        } else {
            text.to_owned()
        };
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let text = number.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// A text as Python would write it in a program.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::from(quote);
    for sign in text.chars() {
        match sign {
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            ' '..='~' => {
                if sign == quote || sign == '\\' {
                    quoted.push('\\');
                }
                quoted.push(sign);
            }
            other => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\x{:02x}", u32::from(other));
            }
        }
    }
    quoted.push(quote);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    // As Python 3.11 has them.
    #[test]
    fn numbers_are_read_as_python_reads_them() {
        for (text, number) in [
            ("0", Some(0)),
            ("00", Some(0)),
            ("010", None),
            ("0x1F", Some(31)),
            ("0x_f", Some(15)),
            ("0b11", Some(3)),
            ("0o17", Some(15)),
            ("-0x5", Some(-5)),
            (" +7\n", Some(7)),
            ("1_000", Some(1000)),
            ("1__0", None),
            ("_1", None),
            ("", None),
            ("0x", None),
            ("--1", None),
        ] {
            assert_eq!(integer(text, true), number, "{text}");
        }
        assert_eq!(integer("010", false), Some(10));
        assert_eq!(integer("0x1", false), None);
        for (text, printed) in [
            ("010", "10.0"),
            ("0.000", "0.0"),
            ("-0.0", "-0.0"),
            ("1e5", "100000.0"),
            ("1e16", "1e+16"),
            ("123456789012345678", "1.2345678901234568e+17"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1_0.5", "10.5"),
            ("NaN", "nan"),
            ("-Infinity", "-inf"),
            (".5", "0.5"),
            ("5.", "5.0"),
        ] {
            assert_eq!(real(text).map(print_real).as_deref(), Some(printed), "{text}");
        }
        for text in ["", ".", "1._5", "0x10", "1.2.3", "_1.0"] {
            assert_eq!(real(text), None, "{text}");
        }
    }

    #[test]
    fn replies_are_taken_apart_as_python_takes_them() {
        let read = |text: &str| -> Vec<(String, String)> {
            entries(text.as_bytes())
                .into_iter()
                .map(|entry| (entry.name, entry.value.quoted()))
                .collect()
        };
        let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        assert_eq!(
            read("a=1, b=\"x,y\",\r\nc=0x10, a=2.50\r\n"),
            owned(&[("a", "2.5"), ("b", "'x,y'"), ("c", "16")])
        );
        assert_eq!(read("\r\n"), owned(&[("", "''")]));
        assert_eq!(read(""), owned(&[]));
        assert_eq!(
            read("a,=,b=\u{e9}it's \\ \x1b"),
            owned(&[("a", "''"), ("", "''"), ("b", "\"it's \\\\ \\x1b\"")])
        );
        assert_eq!(read("a=\"\x1b[2J\""), owned(&[("a", "'\\x1b[2J'")]));
    }
}
