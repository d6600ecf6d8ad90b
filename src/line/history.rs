//! Lines that were entered, the last of them.

use std::collections::VecDeque;

/// Lines that were entered, in memory alone.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The newest last.
    lines: VecDeque<String>,
}

impl History {
    /// Keeps a line, unless there is nothing on it or it is the same as the last.
    pub fn push(&mut self, line: &str) {
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == MOST_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    /// The line so many before the last, which is 0.
    pub fn ago(&self, ago: usize) -> Option<&str> {
        let place = self.lines.len().checked_sub(ago + 1)?;
        self.lines.get(place).map(String::as_str)
    }

    /// The newest line with `text` in it, from the one `ago` before the last on: how many before the
    /// last it is.
    pub fn find(&self, text: &str, ago: usize) -> Option<usize> {
        let older = self.lines.iter().rev().enumerate().skip(ago);
        older.filter(|(_, line)| line.contains(text)).map(|(ago, _)| ago).next()
    }
}

/// Lines that are kept.
const MOST_LINES: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_each_once_in_a_row() {
        let mut history = History::default();
        for number in 0..MOST_LINES + 10 {
            history.push(&format!("rv {number}"));
        }
        for line in ["", "  ", "as", "as"] {
            history.push(line);
        }
        assert_eq!(history.lines.len(), MOST_LINES);
        assert_eq!((history.ago(0), history.ago(1)), (Some("as"), Some("rv 509")));
        assert_eq!((history.ago(MOST_LINES - 1), history.ago(MOST_LINES)), (Some("rv 11"), None));
        assert_eq!((history.find("rv", 0), history.find("rv", 2)), (Some(1), Some(2)));
        assert_eq!(history.find("rv 5 ", 0), None);
    }
}
