//! Text that must fit: cut with a mark, padded, wrapped, all by the width that a terminal gives it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `room` columns; what is cut is marked, never silent.
pub fn cut(text: &str, room: usize, ascii: bool) -> String {
    if text.width() <= room {
        return text.into();
    }
    let mark = if ascii { "~" } else { "…" };
    let Some(room) = room.checked_sub(1) else { return String::new() };
    let mut taken = 0;
    let mut end = 0;
    for (at, letter) in text.char_indices() {
        taken += letter.width().unwrap_or(0);
        if taken > room {
            break;
        }
        end = at + letter.len_utf8();
    }
    text.get(..end).unwrap_or_default().to_owned() + mark
}

/// `text` in at most `room` columns; what is cut is in front.
pub fn cut_front(text: &str, room: usize, ascii: bool) -> String {
    if text.width() <= room {
        return text.into();
    }
    let turned = |text: &str| text.chars().rev().collect::<String>();
    turned(&cut(&turned(text), room, ascii))
}

/// `text` with blanks in front or behind so that it takes `room` columns.
pub fn pad(text: &str, room: usize, right: bool) -> String {
    let blanks = " ".repeat(room.saturating_sub(text.width()));
    if right { blanks + text } else { text.to_owned() + &blanks }
}

/// `text` in lines of at most `room` columns, broken between words where there are some.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if room == 0 {
        return lines;
    }
    let mut line = String::new();
    for word in text.split(' ') {
        let gap = usize::from(!line.is_empty());
        if line.width() + gap + word.width() <= room {
            if gap > 0 {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for letter in word.chars() {
            if line.width() + letter.width().unwrap_or(0) > room {
                lines.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    lines.push(line);
    lines
}

/// As many of `parts` as fit `room` columns, with `between` between them; the first in any case.
pub fn join(parts: &[String], between: &str, room: usize) -> String {
    let mut joined = String::new();
    for part in parts {
        if joined.is_empty() {
            joined.push_str(part);
        } else if joined.width() + between.width() + part.width() <= room {
            joined.push_str(between);
            joined.push_str(part);
        }
    }
    joined
}

/// Writes `text` at the beginning of the line `row` of `area`, cut to its width, and returns the
/// columns it took. Nothing happens outside of `area`.
pub fn put(buffer: &mut Buffer, area: Rect, at: (u16, u16), text: &str, style: Style) -> u16 {
    let (column, row) = at;
    let area = area.intersection(buffer.area);
    if row >= area.height || column >= area.width {
        return 0;
    }
    let room = usize::from(area.width - column);
    let (x, y) = (area.x + column, area.y + row);
    let (end, _) = buffer.set_stringn(x, y, text, room, style);
    end - x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_is_marked() {
        assert_eq!(cut("time.example.net", 8, false), "time.ex…");
        assert_eq!(cut("time.example.net", 8, true), "time.ex~");
        assert_eq!(cut("time", 4, false), "time");
        assert_eq!(cut("time", 0, false), "");
        assert_eq!(cut("日本語", 4, false), "日…");
        assert_eq!(width(&cut("日本語", 5, false)), 5);
    }

    #[test]
    fn columns_stay_aligned_whatever_the_letters() {
        for text in ["a", "日", "e\u{301}e\u{301}", ""] {
            assert_eq!(width(&pad(text, 6, false)), 6);
            assert_eq!(width(&pad(text, 6, true)), 6);
        }
    }

    #[test]
    fn lines_break_between_words_and_inside_long_ones() {
        assert_eq!(wrap("no answer for 12 s", 10), ["no answer", "for 12 s"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
        assert!(wrap("x", 0).is_empty());
    }
}
