//! The words behind a keyword, taken one after the other.

use std::cell::Cell;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::config::ntp_conf::lexer::{Line, Word};
use crate::config::ntp_conf::tokens::{self, Tokens};
use crate::config::ntp_conf::{Directive, Placed};
use crate::config::{Rejected, shown};
use crate::units::{NtpDuration, PollExponent, Ppm, Stratum};

/// What is left of a line.
pub(super) struct Arguments<'a> {
    source: &'a Arc<str>,
    line: &'a Line,
    rest: std::slice::Iter<'a, Word>,
    misplaced: Cell<Option<Misplaced>>,
}

/// A word where ntpd expects another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misplaced {
    /// Column of the last word that was read, counted from 0.
    pub column: usize,
    /// What ntpd calls the word.
    pub unexpected: String,
    /// What ntpd expects.
    pub expecting: Tokens,
}

impl<'a> Arguments<'a> {
    /// All words of `line`.
    pub(super) fn new(source: &'a Arc<str>, line: &'a Line) -> Self {
        Self { source, line, rest: line.words.iter(), misplaced: Cell::new(None) }
    }

    /// The next word, if there is one.
    pub(super) fn next(&mut self) -> Option<&'a Word> {
        self.rest.next()
    }

    /// The next word, which is to be `what`; ntpd expects `tokens`.
    pub(super) fn expect(&mut self, what: &str, tokens: Tokens) -> Result<&'a Word, Rejected> {
        self.next().ok_or_else(|| self.ended(tokens, format!("{what} is missing")))
    }

    /// That the line ends where ntpd expects `tokens`.
    pub(super) fn ended(&self, tokens: Tokens, reason: String) -> Rejected {
        let column = self.line.words.last().map_or(1, |word| word.column);
        self.ended_after(column, tokens, reason)
    }

    /// The same where what ntpd read last is the part of a word at `column`.
    pub(super) fn ended_after(&self, column: usize, tokens: Tokens, reason: String) -> Rejected {
        self.misplace(column, tokens::END.to_owned(), tokens);
        self.rejected(self.line.end, reason)
    }

    /// That `word` is wrong where ntpd expects `tokens`.
    pub(super) fn stray(&self, word: &Word, tokens: Tokens, reason: String) -> Rejected {
        self.stray_at(word.column, tokens::token_of(word), tokens, reason)
    }

    /// The same of a part of a word, which ntpd calls `token`.
    pub(super) fn stray_at(
        &self,
        column: usize,
        token: String,
        tokens: Tokens,
        reason: String,
    ) -> Rejected {
        // It is of the right kind then, and its value is wrong.
        if !tokens::may_be(&token, tokens) {
            self.misplace(column, token, tokens);
        }
        self.rejected(column, reason)
    }

    /// That `word` is not in a list whose first word ntpd expects to be one of `tokens`.
    pub(super) fn unlisted(&self, word: &Word, tokens: Tokens, reason: String) -> Rejected {
        let is_first = self.line.words.get(1).is_some_and(|first| first.column == word.column);
        self.stray(word, if is_first { tokens } else { tokens::END }, reason)
    }

    fn misplace(&self, column: usize, unexpected: String, expecting: Tokens) {
        let column = column.saturating_sub(1);
        self.misplaced.set(Some(Misplaced { column, unexpected, expecting }));
    }

    /// What was misplaced when reading failed; nothing when a value was wrong.
    pub(super) fn misplaced(&self) -> Option<Misplaced> {
        self.misplaced.take()
    }

    /// Whether the next word is `expected`, whatever its case; it is taken then.
    pub(super) fn next_is(&mut self, expected: &str) -> bool {
        let is_next =
            self.rest.as_slice().first().is_some_and(|w| w.text.eq_ignore_ascii_case(expected));
        if is_next {
            self.rest.next();
        }
        is_next
    }

    /// All that is left, at least one word, each as `read` has it or with what is wrong with it;
    /// ntpd expects the first to be one of `tokens`.
    pub(super) fn all_of<T>(
        &mut self,
        what: &str,
        tokens: Tokens,
        read: impl Fn(&Word) -> Result<T, String>,
    ) -> Result<Vec<T>, Rejected> {
        let first = self.expect(what, tokens)?;
        let words = std::iter::once(first).chain(self.rest.by_ref());
        let read = words.map(|word| read(word).map_err(|reason| (word, reason)));
        let all: Result<Vec<T>, (&Word, String)> = read.collect();
        all.map_err(|(word, reason)| self.unlisted(word, tokens, reason))
    }

    /// The next word as yes or no, the value of `name`.
    pub(super) fn boolean(&mut self, name: &str) -> Result<bool, Rejected> {
        let word = self.expect(&format!("the value of `{name}`"), tokens::BOOLEAN)?;
        match word.text.to_ascii_lowercase().as_str() {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            text => {
                let reason = format!("`{name}` is 0 or 1, not `{}`", shown(text));
                Err(self.stray(word, tokens::BOOLEAN, reason))
            }
        }
    }

    /// Fails when there is anything more behind `keyword`.
    pub(super) fn end(&mut self, keyword: &str) -> Result<(), Rejected> {
        match self.next() {
            None => Ok(()),
            Some(word) => {
                let reason = format!("`{keyword}` takes no `{}` here", shown(&word.text));
                Err(self.stray(word, tokens::END, reason))
            }
        }
    }

    /// The next word as a whole number within `range`, the value of `name`.
    pub(super) fn integer(
        &mut self,
        name: &str,
        range: RangeInclusive<u32>,
    ) -> Result<u32, Rejected> {
        self.whole(name, tokens::INTEGER, range)
    }

    /// The same where ntpd expects `tokens`.
    pub(super) fn whole(
        &mut self,
        name: &str,
        tokens: Tokens,
        range: RangeInclusive<u32>,
    ) -> Result<u32, Rejected> {
        let word = self.expect(&format!("the number of `{name}`"), tokens)?;
        within(name, &word.text, range).map_err(|reason| self.stray(word, tokens, reason))
    }

    /// The part `text`, at `column`, of a word as a whole number within `range`.
    pub(super) fn integer_in(
        &self,
        name: &str,
        column: usize,
        text: &str,
        range: RangeInclusive<u32>,
    ) -> Result<u32, Rejected> {
        within(name, text, range)
            .map_err(|reason| self.stray_at(column, tokens::token(text), tokens::INTEGER, reason))
    }

    /// The next word as a number within `range`, the value of `name` in `unit`.
    pub(super) fn real(
        &mut self,
        name: &str,
        unit: &str,
        range: RangeInclusive<f64>,
    ) -> Result<f64, Rejected> {
        let word = self.expect(&format!("the number of `{name}`"), tokens::NUMBER)?;
        word.text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let (from, to) = (range.start(), range.end());
            let text = shown(&word.text);
            let reason = format!("`{name}` is from {from} to {to} {unit}, not `{text}`");
            self.stray(word, tokens::NUMBER, reason)
        })
    }

    /// The next word as a span of up to `most` seconds, the value of `name`.
    pub(super) fn span(&mut self, name: &str, most: f64) -> Result<NtpDuration, Rejected> {
        self.real(name, "seconds", 0.0..=most).map(NtpDuration::from_seconds)
    }

    /// The next word as a frequency of up to `most` parts per million, the value of `name`.
    pub(super) fn frequency(
        &mut self,
        name: &str,
        range: RangeInclusive<f64>,
    ) -> Result<Ppm, Rejected> {
        // Within the range it is finite.
        Ok(Ppm::new(self.real(name, "parts per million", range)?).unwrap_or_default())
    }

    /// The next word as the exponent of an interval, the value of `name`.
    pub(super) fn exponent(
        &mut self,
        name: &str,
        tokens: Tokens,
    ) -> Result<PollExponent, Rejected> {
        let exponent = self.whole(name, tokens, MINPOLL..=MAXPOLL)?;
        Ok(PollExponent::new(i8::try_from(exponent).unwrap_or(i8::MAX)))
    }

    /// The next word as a stratum from `least` to 16, the value of `name`.
    pub(super) fn stratum(&mut self, name: &str, least: u32) -> Result<Stratum, Rejected> {
        let stratum = self.integer(name, least..=u32::from(Stratum::UNSYNCHRONISED.get()))?;
        Ok(Stratum::new(u8::try_from(stratum).unwrap_or(u8::MAX)))
    }

    /// The next word as a count from `least`, the value of `name`.
    pub(super) fn count(&mut self, name: &str, least: u32) -> Result<usize, Rejected> {
        let count = self.integer(name, least..=MOST)?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// What is wrong at `column` of the line.
    pub(super) fn rejected(&self, column: usize, reason: String) -> Rejected {
        Rejected {
            source: self.source.to_string(),
            position: Some((self.line.number, column)),
            reason,
        }
    }

    /// A directive that stands at `word`.
    pub(super) fn placed(&self, word: &Word, directive: Directive) -> Placed {
        let source = Arc::clone(self.source);
        Placed { source, line: self.line.number, column: word.column, directive }
    }

    /// That what stands at `word` is left out.
    pub(super) fn ignored(&self, word: &Word, keyword: String, reason: &'static str) -> Placed {
        self.placed(word, Directive::Ignored { keyword, reason })
    }
}

/// `text` as a whole number within `range`, the value of `name`, or why it is not.
fn within(name: &str, text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let (from, to) = (range.start(), range.end());
        format!("`{name}` is a whole number from {from} to {to}, not `{}`", shown(text))
    })
}

/// The shortest interval, as ntpd's `NTP_MINPOLL`.
const MINPOLL: u32 = 3;

/// The longest interval, as ntpd's `NTP_MAXPOLL`.
const MAXPOLL: u32 = 17;

/// No count is larger.
const MOST: u32 = 1_000_000;
