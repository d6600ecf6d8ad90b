//! The words behind a keyword, taken one after the other.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::config::Rejected;
use crate::config::ntp_conf::lexer::{Line, Word};
use crate::config::ntp_conf::{Directive, Placed};
use crate::units::{NtpDuration, PollExponent, Ppm, Stratum};

/// What is left of a line.
pub(super) struct Arguments<'a> {
    source: &'a Arc<str>,
    line: &'a Line,
    rest: std::slice::Iter<'a, Word>,
}

impl<'a> Arguments<'a> {
    /// All words of `line`.
    pub(super) fn new(source: &'a Arc<str>, line: &'a Line) -> Self {
        Self { source, line, rest: line.words.iter() }
    }

    /// The next word, if there is one.
    pub(super) fn next(&mut self) -> Option<&'a Word> {
        self.rest.next()
    }

    /// The next word, which is to be `what`.
    pub(super) fn expect(&mut self, what: &str) -> Result<&'a Word, Rejected> {
        self.next().ok_or_else(|| self.rejected(self.line.end, format!("{what} is missing")))
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

    /// All that is left, at least one word, each as `read` has it or with what is wrong with it.
    pub(super) fn all_of<T>(
        &mut self,
        what: &str,
        read: impl Fn(&Word) -> Result<T, String>,
    ) -> Result<Vec<T>, Rejected> {
        let first = self.expect(what)?;
        let words = std::iter::once(first).chain(self.rest.by_ref());
        let read = words.map(|word| read(word).map_err(|reason| (word.column, reason)));
        let all: Result<Vec<T>, (usize, String)> = read.collect();
        all.map_err(|(column, reason)| self.rejected(column, reason))
    }

    /// The next word as yes or no, the value of `name`.
    pub(super) fn boolean(&mut self, name: &str) -> Result<bool, Rejected> {
        let word = self.expect(&format!("the value of `{name}`"))?;
        match word.text.to_ascii_lowercase().as_str() {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            text => {
                let reason = format!("`{name}` is 0 or 1, not `{}`", shown(text));
                Err(self.rejected(word.column, reason))
            }
        }
    }

    /// Fails when there is anything more behind `keyword`.
    pub(super) fn end(&mut self, keyword: &str) -> Result<(), Rejected> {
        match self.next() {
            None => Ok(()),
            Some(word) => {
                let reason = format!("`{keyword}` takes no `{}` here", shown(&word.text));
                Err(self.rejected(word.column, reason))
            }
        }
    }

    /// The next word as a whole number within `range`, the value of `name`.
    pub(super) fn integer(
        &mut self,
        name: &str,
        range: RangeInclusive<u32>,
    ) -> Result<u32, Rejected> {
        let word = self.expect(&format!("the number of `{name}`"))?;
        self.integer_in(name, word.column, &word.text, range)
    }

    /// The `text` at `column` as a whole number within `range`.
    pub(super) fn integer_in(
        &self,
        name: &str,
        column: usize,
        text: &str,
        range: RangeInclusive<u32>,
    ) -> Result<u32, Rejected> {
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let (from, to) = (range.start(), range.end());
            let text = shown(text);
            let reason = format!("`{name}` is a whole number from {from} to {to}, not `{text}`");
            self.rejected(column, reason)
        })
    }

    /// The next word as a number within `range`, the value of `name` in `unit`.
    pub(super) fn real(
        &mut self,
        name: &str,
        unit: &str,
        range: RangeInclusive<f64>,
    ) -> Result<f64, Rejected> {
        let word = self.expect(&format!("the number of `{name}`"))?;
        word.text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let (from, to) = (range.start(), range.end());
            let text = shown(&word.text);
            let reason = format!("`{name}` is from {from} to {to} {unit}, not `{text}`");
            self.rejected(word.column, reason)
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
    pub(super) fn exponent(&mut self, name: &str) -> Result<PollExponent, Rejected> {
        let exponent = self.integer(name, MINPOLL..=MAXPOLL)?;
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

/// A word that is wrong, short and harmless.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST_SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.escape_debug().to_string()
}

/// Characters of a wrong word that a message repeats.
const LONGEST_SHOWN: usize = 40;

/// The shortest interval, as ntpd's `NTP_MINPOLL`.
const MINPOLL: u32 = 3;

/// The longest interval, as ntpd's `NTP_MAXPOLL`.
const MAXPOLL: u32 = 17;

/// No count is larger.
const MOST: u32 = 1_000_000;
