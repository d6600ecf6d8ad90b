//! Which rows are shown: words, and tests on fields.
//!
//! `tally:x reach<377 st>3 offset>5ms` — blanks mean *and*. A test names a field, one of
//! `: = < >`, and a value; anything else is text that the name, the address, the reference ID or
//! the word for the tally must contain. A test that cannot be read is text too, so that typing it
//! letter by letter never shows an error.

use std::time::Duration;

use crate::model::vars::{Variable, peer};
use crate::model::{Daemon, Value};
use crate::tui::rows::{Row, condition, kind};
use crate::tui::words;
use crate::units::Tally;
use crate::units::{Mono, NtpDuration};

/// A filter, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Text(String),
    Test(Field, Sign, f64),
    Tally(char),
    Kind(char),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Stratum,
    Reach,
    When,
    Span(&'static Variable),
}

/// How a field is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "nothing to add")]
pub enum Sign {
    Equal,
    Less,
    Greater,
}

impl Sign {
    /// From the sign that was typed: `<`, `>`, or anything else for equal.
    pub const fn read(sign: char) -> Self {
        match sign {
            '<' => Self::Less,
            '>' => Self::Greater,
            _ => Self::Equal,
        }
    }

    /// Whether what was `found` is so to `value`.
    pub fn holds(self, found: f64, value: f64) -> bool {
        match self {
            Self::Equal => (found - value).abs() < 1e-9,
            Self::Less => found < value,
            Self::Greater => found > value,
        }
    }
}

impl Filter {
    /// Reads what was typed.
    pub fn read(text: &str) -> Self {
        let term = |word: &str| test(word).unwrap_or_else(|| Term::Text(word.to_lowercase()));
        Self { terms: text.split_whitespace().map(term).collect() }
    }

    /// Whether `row` passes every term.
    pub fn accepts(&self, row: &Row<'_>, daemon: &Daemon, now: Mono) -> bool {
        self.terms.iter().all(|term| match term {
            Term::Text(text) => contains(row, text),
            Term::Tally(tally) => row.peer.status.tally().character() == *tally,
            Term::Kind(letter) => kind(row.peer) == *letter,
            Term::Test(field, sign, value) => {
                let found = measure(*field, row, daemon, now);
                found.is_some_and(|found| sign.holds(found, *value))
            }
        })
    }
}

fn contains(row: &Row<'_>, text: &str) -> bool {
    let values = row.peer.row.latest();
    let address = values.and_then(|v| v.address(&peer::SOURCE)).map(|a| a.to_string());
    let reference = values.and_then(|v| v.get(&peer::REFERENCE_ID).ok()).map(words::reference);
    row.name.to_lowercase().contains(text)
        || address.is_some_and(|address| address.contains(text))
        || reference.is_some_and(|reference| reference.to_lowercase().contains(text))
        || row.peer.status.tally().condition().contains(text)
        || condition(row.peer).contains(text)
}

fn test(word: &str) -> Option<Term> {
    let at = word.find([':', '=', '<', '>'])?;
    let (name, rest) = word.split_at(at);
    let mut rest = rest.chars();
    let sign = Sign::read(rest.next()?);
    let value = rest.as_str();
    let field = match name {
        "tally" => {
            let word = Tally::ALL
                .into_iter()
                .find(|s| value.len() > 1 && s.condition().starts_with(value));
            let letter = word.map(Tally::character).or_else(|| value.chars().next());
            return Some(Term::Tally(letter.unwrap_or(' ')));
        }
        "t" | "type" => return value.chars().next().map(Term::Kind),
        "st" | "stratum" => Field::Stratum,
        "reach" => Field::Reach,
        "when" => Field::When,
        "offset" => Field::Span(&peer::OFFSET),
        "delay" => Field::Span(&peer::DELAY),
        "jitter" => Field::Span(&peer::JITTER),
        "disp" | "dispersion" => Field::Span(&peer::DISPERSION),
        _ => return None,
    };
    let number = match field {
        Field::Reach => f64::from(u8::from_str_radix(value, 8).ok()?),
        Field::Stratum => value.parse().ok()?,
        Field::When => seconds(value, 1.0)?,
        Field::Span(_) => seconds(value, 1e-3)?,
    };
    Some(Term::Test(field, sign, number))
}

/// A span with its unit, in seconds; a bare number is in units of `bare` seconds.
pub fn seconds(text: &str, bare: f64) -> Option<f64> {
    let split = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "" => bare,
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    number.parse().ok().filter(|n: &f64| n.is_finite()).map(|n| n * factor)
}

/// The field in the unit that [`test`] reads; spans without their sign.
fn measure(field: Field, row: &Row<'_>, daemon: &Daemon, now: Mono) -> Option<f64> {
    let values = row.peer.row.latest()?;
    match field {
        Field::Stratum => values.stratum(&peer::STRATUM).map(|s| f64::from(s.get())),
        Field::Reach => values.reach(&peer::REACH).map(|r| f64::from(r.register())),
        Field::When => daemon.age(row.peer, now).as_ref().map(Duration::as_secs_f64),
        Field::Span(variable) => match row.peer.value(variable) {
            Ok((Value::Duration(span), _)) => Some(NtpDuration::abs(*span).seconds()),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_words_are_told_apart() {
        let filter =
            Filter::read("tally:x tally:cand reach<377 st>3 offset>5ms gps 10.0 reach<9 foo:1");
        assert_eq!(
            filter.terms,
            [
                Term::Tally('x'),
                Term::Tally('+'),
                Term::Test(Field::Reach, Sign::Less, 255.0),
                Term::Test(Field::Stratum, Sign::Greater, 3.0),
                Term::Test(Field::Span(&peer::OFFSET), Sign::Greater, 0.005),
                Term::Text("gps".into()),
                Term::Text("10.0".into()),
                Term::Text("reach<9".into()),
                Term::Text("foo:1".into()),
            ]
        );
    }

    #[test]
    fn a_bare_number_is_in_the_tables_unit() {
        assert_eq!(seconds("5", 1e-3), Some(0.005));
        assert_eq!(seconds("2m", 1.0), Some(120.0));
        assert_eq!(seconds("5parsec", 1.0), None);
        assert_eq!(seconds("inf", 1.0), None);
    }
}
