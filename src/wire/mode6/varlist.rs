//! The text of replies: `name=value` items between commas.
//!
//! The grammar is loose because the daemons are: values may be quoted (then commas and line ends
//! belong to them, and there is no escape), missing, or hold bytes outside ASCII. Bytes are read
//! as Latin-1, so no reply is ever unreadable for its encoding.

use std::borrow::Cow;

/// One item of a reply as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// The name, without surrounding blanks.
    pub name: &'a str,
    /// What stands after `=`, quotes included, blanks around it dropped; `None` without a `=`.
    pub value: Option<&'a str>,
}

impl<'a> Item<'a> {
    /// The value without its quotes; empty when there is none.
    pub fn unquoted(&self) -> &'a str {
        unquote(self.value.unwrap_or_default())
    }
}

/// A value without its quotes.
pub fn unquote(value: &str) -> &str {
    let Some(inner) = value.strip_prefix('"') else { return value };
    inner.strip_suffix('"').unwrap_or(inner)
}

/// The text of a reply, each byte one character.
pub fn text(data: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(data) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(data.iter().copied().map(char::from).collect()),
    }
}

/// Reads the items of `text` in order. Items without a name are passed over.
pub fn items(text: &str) -> Items<'_> {
    Items { rest: text }
}

/// Iterator over the items of a reply; see [`items`].
#[derive(Clone, Debug)]
pub struct Items<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        loop {
            let start = self.rest.trim_start_matches(is_separator);
            if start.is_empty() {
                self.rest = start;
                return None;
            }
            let name_len = start.find(['=', ',', '\r', '\n']).unwrap_or(start.len());
            let (name, after) = start.split_at(name_len);
            let (value, rest) = match after.strip_prefix('=') {
                None => (None, after),
                Some(after) => {
                    let value_len = value_len(after);
                    let (value, rest) = after.split_at(value_len);
                    (Some(value.trim_matches(is_blank)), rest)
                }
            };
            self.rest = rest;
            let name = name.trim_matches(is_blank);
            if !name.is_empty() {
                return Some(Item { name, value });
            }
        }
    }
}

/// How far a value reaches: to the comma, which inside quotes does not count.
fn value_len(text: &str) -> usize {
    let blanks = text.len() - text.trim_start_matches([' ', '\t']).len();
    let quoted = text.get(blanks..).and_then(|t| t.strip_prefix('"'));
    let quote_end = quoted.and_then(|inner| inner.find('"')).map_or(0, |end| blanks + end + 2);
    let tail = text.get(quote_end..).unwrap_or_default();
    quote_end + tail.find(',').unwrap_or(tail.len())
}

const fn is_separator(c: char) -> bool {
    matches!(c, ',' | '\0') || is_blank(c)
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(&str, Option<&str>)> {
        items(text).map(|item| (item.name, item.value)).collect()
    }

    #[test]
    fn items_are_separated_by_commas_and_line_ends() {
        assert_eq!(
            pairs("leap=3, stratum=16,\r\nversion=\"ntpd 4.2, x\"\r\n"),
            [("leap", Some("3")), ("stratum", Some("16")), ("version", Some("\"ntpd 4.2, x\""))]
        );
    }

    #[test]
    fn names_may_stand_alone_and_values_be_empty() {
        assert_eq!(pairs("bcast.3=, up, =x,,"), [("bcast.3", Some("")), ("up", None)]);
    }

    #[test]
    fn quotes_keep_commas_and_line_ends() {
        assert_eq!(pairs("a=\"x,\r\ny\", b= 1 "), [("a", Some("\"x,\r\ny\"")), ("b", Some("1"))]);
        assert_eq!(pairs("a=\"open, b=2"), [("a", Some("\"open")), ("b", Some("2"))]);
    }

    #[test]
    fn arrays_keep_their_inner_blanks() {
        assert_eq!(
            pairs("filtdelay= 0.04 0.06, x=1"),
            [("filtdelay", Some("0.04 0.06")), ("x", Some("1"))]
        );
    }

    #[test]
    fn bytes_outside_ascii_are_characters_of_their_own() {
        assert_eq!(text(b"a=\xff\xfe"), "a=\u{ff}\u{fe}");
        assert_eq!(text("a=µ".as_bytes()), "a=\u{c2}\u{b5}");
    }

    #[test]
    fn quotes_come_off() {
        assert_eq!(unquote("\"\""), "");
        assert_eq!(unquote("\"a b\""), "a b");
        assert_eq!(unquote("\"open"), "open");
        assert_eq!(unquote("plain"), "plain");
    }
}
