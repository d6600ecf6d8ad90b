//! Key numbers as `trustedkey` lists them: `ID`, `FIRST ... LAST`, or either in parentheses.

use crate::config::Rejected;
use crate::config::ntp_conf::arguments::Arguments;
use crate::config::ntp_conf::association::KEY_IDS;
use crate::config::ntp_conf::lexer::Word;
use crate::config::ntp_conf::tokens;
use crate::units::KeyId;

/// The numbers that are left of a line, at least one, in order and each once.
pub(super) fn read(arguments: &mut Arguments<'_>) -> Result<Vec<KeyId>, Rejected> {
    let mut list = List::default();
    let mut word = arguments.expect("a key's number", tokens::KEYS)?;
    loop {
        for (column, token) in tokens(word) {
            list.take(column, token, arguments)?;
        }
        match arguments.next() {
            Some(next) => word = next,
            None => break,
        }
    }
    list.finish(arguments)
}

/// A list as far as it is read.
#[derive(Default)]
struct List {
    /// First and last of each range; of a number alone twice the same.
    ranges: Vec<(u32, u32)>,
    /// The number before, which may begin a range.
    last: Option<u32>,
    /// The column of the dots of a range that has no end yet.
    dots: Option<usize>,
    /// The column of a parenthesis that is open.
    open: Option<usize>,
    /// The column of the number or the dots that came last.
    at: usize,
}

impl List {
    fn take(
        &mut self,
        column: usize,
        token: &str,
        arguments: &Arguments<'_>,
    ) -> Result<(), Rejected> {
        if !matches!(token, "(" | ")") {
            self.at = column;
        }
        match token {
            "(" if self.open.is_none() && self.dots.is_none() => {
                self.open = Some(column);
                self.last = None;
            }
            ")" if self.open.is_some() && self.dots.is_none() => {
                self.open = None;
                self.last = None;
            }
            "..." if self.last.is_some() && self.dots.is_none() => self.dots = Some(column),
            _ => {
                let number = arguments.integer_in("trustedkey", column, token, KEY_IDS);
                let number = number.map_err(|rejected| {
                    let called = tokens::token(token);
                    arguments.stray_at(column, called, self.expected(), rejected.reason)
                })?;
                let begun = self.last.take().filter(|_| self.dots.take().is_some());
                self.last = begun.is_none().then_some(number);
                let first = begun.unwrap_or(number);
                if number < first {
                    let reason = format!("the range from {first} to {number} is empty");
                    return Err(arguments.rejected(column, reason));
                }
                if begun.is_some() {
                    // The number before begins this range.
                    self.ranges.pop();
                }
                self.ranges.push((first, number));
            }
        }
        Ok(())
    }

    /// What ntpd expects next.
    const fn expected(&self) -> tokens::Tokens {
        match (self.open, self.dots, self.last) {
            (_, Some(_), _) | (Some(_), None, None) => tokens::INTEGER,
            (Some(_), None, Some(_)) => tokens::ELLIPSIS,
            (None, None, _) if self.ranges.is_empty() => tokens::KEYS,
            (None, None, _) => tokens::END,
        }
    }

    fn finish(mut self, arguments: &Arguments<'_>) -> Result<Vec<KeyId>, Rejected> {
        if let Some(column) = self.dots {
            let reason = "the range has no end".to_owned();
            return Err(arguments.stray_at(
                column,
                tokens::END.to_owned(),
                tokens::INTEGER,
                reason,
            ));
        }
        if let Some(column) = self.open {
            let ended =
                arguments.ended_after(self.at, tokens::CLOSING, "`(` has no `)`".to_owned());
            return Err(Rejected {
                position: arguments.rejected(column, String::new()).position,
                ..ended
            });
        }
        self.ranges.sort_unstable();
        let mut ids = Vec::new();
        let mut next = 0;
        for (first, last) in self.ranges {
            // However often ranges overlap, each number is there once.
            ids.extend((first.max(next)..=last).filter_map(KeyId::new));
            next = next.max(last.saturating_add(1));
        }
        Ok(ids)
    }
}

/// A word in its tokens: parentheses stand for themselves.
fn tokens(word: &Word) -> impl Iterator<Item = (usize, &str)> {
    let mut column = word.column;
    word.text.split_inclusive(['(', ')']).flat_map(move |piece| {
        let before = piece.strip_suffix(['(', ')']).unwrap_or(piece);
        let parenthesis = piece.get(before.len()..).unwrap_or_default();
        let start = column;
        column += piece.chars().count();
        [(start, before), (start + before.chars().count(), parenthesis)]
            .into_iter()
            .filter(|(_, token)| !token.is_empty())
    })
}
