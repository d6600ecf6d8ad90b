//! The state of a console: what was printed, what is typed, what is awaited. No daemon is known here.

use std::collections::VecDeque;

use unicode_width::UnicodeWidthChar;

use crate::line::{Editor, Hidden, History};
use crate::units::Mono;

/// A console.
#[derive(Clone, Debug, Default)]
pub struct Console {
    /// What was printed and typed, the last of it.
    lines: VecDeque<Line>,
    /// Whether the last line may go on.
    is_unfinished: bool,
    /// Whether what follows takes the place of the last line.
    has_returned: bool,
    /// Lines that there was no room for any more.
    pub forgotten: u64,
    /// The command that is typed.
    pub editor: Editor,
    /// Commands that were entered.
    pub history: History,
    /// A secret that is typed.
    pub secret: Hidden,
    /// Another line that was asked for.
    pub reply: Editor,
    /// Rows of the screen between what is seen and the end.
    pub scroll: usize,
    /// What is awaited.
    pub stage: Stage,
}

/// What is awaited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Somebody who opens it.
    #[default]
    Closed,
    /// That it is open.
    Opening,
    /// A command.
    Ready,
    /// The end of this command, which began then.
    Running(String, Mono),
    /// A line that a command wants.
    Asked {
        /// What stands before it.
        prompt: String,
        /// Whether it is a secret.
        hidden: bool,
        /// The command.
        command: String,
    },
    /// Somebody who begins another session, for this one is over.
    Over,
}

/// A line of what was printed and typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The text, safe to show.
    pub text: String,
    /// What it is.
    pub kind: Kind,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What a command printed.
    Printed,
    /// What it complained of.
    Complaint,
    /// What the user typed.
    Typed,
}

impl Console {
    /// What was printed and typed, from the oldest line to the newest.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.lines.iter()
    }

    /// Takes in what was printed, on a screen of so many columns: who has scrolled back goes on seeing
    /// the same. Of the text nothing is believed: what is no letter becomes a question mark.
    pub fn print(&mut self, text: &str, kind: Kind, columns: usize) {
        let before = (self.scroll > 0).then(|| (self.rows(columns), self.forgotten));
        for letter in text.chars() {
            match letter {
                '\r' => self.has_returned = true,
                '\n' => {
                    if !self.is_unfinished {
                        self.begin(String::new(), kind);
                    }
                    self.is_unfinished = false;
                    self.has_returned = false;
                }
                letter => self.push(letter, kind),
            }
        }
        if let Some((rows, forgotten)) = before {
            // What is forgotten makes room for what is new; nearly all of it are single rows.
            let lost = usize::try_from(self.forgotten - forgotten).unwrap_or(usize::MAX);
            let added = self.rows(columns).saturating_add(lost).saturating_sub(rows);
            self.scroll = self.scroll.saturating_add(added);
        }
    }

    /// Keeps what the user typed.
    pub fn echo(&mut self, text: String) {
        self.begin(text, Kind::Typed);
        self.is_unfinished = false;
    }

    /// Rows that all of it takes on a screen of so many columns.
    pub fn rows(&self, columns: usize) -> usize {
        self.lines.iter().map(|line| rows(&line.text, columns)).sum()
    }

    fn push(&mut self, letter: char, kind: Kind) {
        let is_full = |line: &Line| line.text.len() >= LONGEST_LINE;
        if !self.is_unfinished || self.lines.back().is_none_or(is_full) {
            self.begin(String::new(), kind);
            self.is_unfinished = true;
        }
        let has_returned = std::mem::take(&mut self.has_returned);
        let Some(line) = self.lines.back_mut() else { return };
        if has_returned {
            // What follows takes the place of the line.
            line.text.clear();
            line.kind = kind;
        }
        match letter {
            '\t' => {
                let blanks = TAB - line.text.chars().count() % TAB;
                line.text.extend(std::iter::repeat_n(' ', blanks));
            }
            letter if letter.is_control() || letter.width().is_none_or(|width| width == 0) => {
                line.text.push('?');
            }
            letter => line.text.push(letter),
        }
    }

    fn begin(&mut self, text: String, kind: Kind) {
        if self.lines.len() == MOST_LINES {
            self.lines.pop_front();
            self.forgotten = self.forgotten.saturating_add(1);
        }
        self.lines.push_back(Line { text, kind });
    }
}

/// Rows that `text` takes on a screen of so many columns.
fn rows(text: &str, columns: usize) -> usize {
    if text.len() <= columns { 1 } else { broken(text, columns).count() }
}

/// `text` in rows of at most so many columns, broken wherever one is full: tables stay tables.
pub fn broken(text: &str, columns: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let mut taken = 0;
        for (at, letter) in text.char_indices() {
            taken += letter.width().unwrap_or(0);
            if taken > columns && at > 0 {
                let (row, after) = text.split_at(at);
                rest = Some(after);
                return Some(row);
            }
        }
        Some(text)
    })
}

/// Lines that are kept.
pub const MOST_LINES: usize = 10_000;

/// Bytes of a line, about: what is longer goes on in the next.
const LONGEST_LINE: usize = 4096;

/// Columns from one tabulator to the next.
const TAB: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(console: &Console) -> Vec<&str> {
        console.lines().map(|line| line.text.as_str()).collect()
    }

    fn printed(pieces: &[&str]) -> Console {
        let mut console = Console::default();
        for piece in pieces {
            console.print(piece, Kind::Printed, 80);
        }
        console
    }

    #[test]
    fn text_comes_in_pieces_and_stands_in_lines() {
        assert_eq!(texts(&printed(&["a\nb", "c\n", "\nd\n", "e"])), ["a", "bc", "", "d", "e"]);
        assert_eq!(texts(&printed(&["\n\na\n"])), ["", "", "a"]);
        assert_eq!(texts(&printed(&["a\tb\r\nc\n"])), ["a       b", "c"]);
        assert_eq!(texts(&printed(&["12 rows \r", "34 rows \r", "\rdone\n", "x"])), ["done", "x"]);
    }

    #[test]
    fn nothing_that_is_printed_can_steer_a_terminal() {
        let all: String = (0..0x2100).filter_map(char::from_u32).collect();
        let console = printed(&[&all]);
        for line in console.lines() {
            assert!(!line.text.contains(char::is_control), "{:?}", line.text);
        }
        assert_eq!(texts(&printed(&["a\u{1b}[2Jb\u{202e}"])), ["a?[2Jb?"]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut console = Console::default();
        for number in 0..MOST_LINES + 5 {
            console.print(&format!("{number}\n"), Kind::Printed, 80);
        }
        console.print(&"x".repeat(3 * LONGEST_LINE), Kind::Printed, 80);
        assert_eq!((console.lines.len(), console.forgotten), (MOST_LINES, 8));
        assert_eq!(console.rows(80), MOST_LINES - 3 + 3 * LONGEST_LINE.div_ceil(80));
    }

    #[test]
    fn who_has_scrolled_back_goes_on_seeing_the_same() {
        let mut console = printed(&["one\ntwo\nthree\n"]);
        console.scroll = 2;
        console.print("four\nfive is long", Kind::Printed, 8);
        assert_eq!(console.scroll, 5);
        console.print(" and longer", Kind::Printed, 8);
        assert_eq!(console.scroll, 6);
    }

    #[test]
    fn rows_are_broken_where_they_are_full() {
        assert_eq!(broken("abcdef", 4).collect::<Vec<_>>(), ["abcd", "ef"]);
        assert_eq!(broken("", 4).collect::<Vec<_>>(), [""]);
        assert_eq!(broken("日本語", 4).collect::<Vec<_>>(), ["日本", "語"]);
        assert_eq!(broken("日本", 1).collect::<Vec<_>>(), ["日", "本"]);
    }
}
