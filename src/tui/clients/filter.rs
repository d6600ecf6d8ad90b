//! Which clients are shown: words, and tests on fields.
//!
//! `rate>1 count>100 last<60 dropped>0 v:3` — blanks mean *and*. A test names a field, one of
//! `: = < >`, and a value; anything else is text that the address or the name must contain. A test
//! that cannot be read is text too, so that typing it letter by letter never shows an error.

use crate::model::clients::Client;
use crate::tui::app::Names;
use crate::tui::clients::Haste;
use crate::tui::rows::filter::{Sign, seconds};

/// A filter, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Text(String),
    Test(Field, Sign, f64),
    /// Those who ask too quickly, or abuse.
    Haste(Haste),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Count,
    Rate,
    Interval,
    Last,
    First,
    Dropped,
    Mode,
    Version,
}

impl Filter {
    /// Reads what was typed.
    pub fn read(text: &str) -> Self {
        let term = |word: &str| test(word).unwrap_or_else(|| Term::Text(word.to_lowercase()));
        Self { terms: text.split_whitespace().map(term).collect() }
    }

    /// Whether `client` passes every term.
    pub fn accepts(&self, client: &Client, names: &Names) -> bool {
        self.terms.iter().all(|term| match term {
            Term::Text(text) => {
                let address = client.address.ip();
                address.to_string().contains(text)
                    || names.of(address).is_some_and(|name| name.to_lowercase().contains(text))
            }
            Term::Haste(least) => Haste::of(client) >= *least,
            Term::Test(field, sign, value) => {
                measure(*field, client).is_some_and(|found| sign.holds(found, *value))
            }
        })
    }
}

fn test(word: &str) -> Option<Term> {
    match word {
        "fast" => return Some(Term::Haste(Haste::Fast)),
        "abusive" => return Some(Term::Haste(Haste::Abusive)),
        _ => {}
    }
    let at = word.find([':', '=', '<', '>'])?;
    let (name, rest) = word.split_at(at);
    let mut rest = rest.chars();
    let sign = Sign::read(rest.next()?);
    let value = rest.as_str();
    let field = match name {
        "count" => Field::Count,
        "rate" => Field::Rate,
        "interval" => Field::Interval,
        "last" => Field::Last,
        "first" => Field::First,
        "dropped" => Field::Dropped,
        "m" | "mode" => Field::Mode,
        "v" | "version" => Field::Version,
        _ => return None,
    };
    let number = match field {
        Field::Interval | Field::Last | Field::First => seconds(value, 1.0)?,
        _ => value.parse().ok().filter(|number: &f64| number.is_finite())?,
    };
    Some(Term::Test(field, sign, number))
}

/// The field in the unit that [`test`] reads.
#[expect(clippy::cast_precision_loss, reason = "counts are compared with what somebody typed")]
fn measure(field: Field, client: &Client) -> Option<f64> {
    match field {
        Field::Count => Some(client.count as f64),
        Field::Dropped => Some(client.dropped as f64),
        Field::Rate => client.rate(),
        Field::Interval => client.interval.map(|span| span.as_secs_f64()),
        Field::Last => client.last.map(|span| span.as_secs_f64()),
        Field::First => client.first.map(|span| span.as_secs_f64()),
        Field::Mode => client.mode.map(|mode| f64::from(mode.bits())),
        Field::Version => client.version.map(f64::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_words_are_told_apart() {
        let filter = Filter::read("rate>0.5 last<2m v:3 abusive 10.0 count>x ::1");
        assert_eq!(
            filter.terms,
            [
                Term::Test(Field::Rate, Sign::Greater, 0.5),
                Term::Test(Field::Last, Sign::Less, 120.0),
                Term::Test(Field::Version, Sign::Equal, 3.0),
                Term::Haste(Haste::Abusive),
                Term::Text("10.0".into()),
                Term::Text("count>x".into()),
                Term::Text("::1".into()),
            ]
        );
    }
}
