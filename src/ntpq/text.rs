//! How ntpq writes bytes that may not be text, and columns.
//!
//! Differs: where ntpq passes control characters of a daemon on to the terminal (pool names,
//! counters, complaints), we put `?` in their place, one for one, so that columns keep their width.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `bytes` with everything but printable ASCII replaced by `?`.
pub fn printable(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.bytes().all(is_printable) => Cow::Borrowed(text),
        _ => bytes.iter().map(|b| if is_printable(*b) { char::from(*b) } else { '?' }).collect(),
    }
}

/// `bytes` of several lines with everything but printable ASCII, tabs and line ends replaced by `?`.
///
/// A carriage return stays where it ends a line with a line feed or stands last, as daemons end
/// their texts; alone it would have a terminal write over what stands there.
pub fn printable_lines(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut bytes = bytes.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let stays = match byte {
            b'\n' | b'\t' => true,
            b'\r' => matches!(bytes.peek(), None | Some(b'\n')),
            byte => is_printable(byte),
        };
        text.push(if stays { char::from(byte) } else { '?' });
    }
    text
}

/// `bytes` with everything but printable ASCII written out as `cat -v` does: `^A`, `M-a`.
pub fn visible(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        push_visible(&mut text, *byte);
    }
    text
}

/// Appends `byte` as `cat -v` writes it.
pub fn push_visible(text: &mut String, byte: u8) {
    if byte & 0x80 != 0 {
        text.push_str("M-");
    }
    match byte & 0x7f {
        low @ 0..0x20 => {
            text.push('^');
            text.push(char::from(low + b'@'));
        }
        0x7f => text.push_str("^?"),
        low => text.push(char::from(low)),
    }
}

/// The first `width` characters.
pub fn cut(text: &str, width: usize) -> &str {
    text.char_indices().nth(width).map_or(text, |(at, _)| text.get(..at).unwrap_or(text))
}

/// `text` cut to `width` on its left, where a `_` then stands: the ends of addresses tell them apart.
pub fn cut_left(text: &str, width: usize) -> Cow<'_, str> {
    let excess = text.chars().count().saturating_sub(width);
    if excess == 0 || width < 2 {
        return Cow::Borrowed(text);
    }
    let mut short = String::from("_");
    // Writing to a string cannot fail.
    let _ = write!(short, "{}", text.chars().skip(excess + 1).collect::<String>());
    Cow::Owned(short)
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_stay() {
        let all: Vec<u8> = (0..=255).collect();
        for text in [printable(&all).into_owned(), visible(&all)] {
            assert!(text.bytes().all(is_printable));
        }
        assert_eq!(visible(b"a\x01\x7f\xff\x80\x9b"), "a^A^?M-^?M-^@M-^[");
        assert_eq!(printable(b"evil\x1b[2J\xff"), "evil?[2J?");
        assert_eq!(printable_lines(b"a\r\nb\tc\rd\x1b\xe9\r"), "a\r\nb\tc?d??\r");
    }

    #[test]
    fn columns_are_cut_where_ntpq_cuts_them() {
        assert_eq!(cut("pool.invalid.example", 15), "pool.invalid.ex");
        assert_eq!(cut_left("fd08::2:3:4:5", 9), "_:2:3:4:5");
        assert_eq!(cut_left("fd08::2", 9), "fd08::2");
    }
}
