//! Drift files: the frequency that a discipline learned, kept for its next start.
//!
//! ntpd's holds one number, chrony's two (frequency and skew) and counts a clock that is *fast* as
//! positive where ntpd counts the correction, so the number of numbers decides the sign.

use crate::config::{Rejected, shown};
use crate::units::Ppm;

/// A frequency learned before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// The frequency; positive speeds the clock up.
    pub frequency: Ppm,
    /// How sure that is, one standard deviation; `None` when the file does not tell.
    pub skew: Option<Ppm>,
}

impl Drift {
    /// Reads the text of the drift file called `source`, ntpd's or chrony's.
    ///
    /// # Errors
    /// There is no number, something else, or a frequency that no clock has.
    pub fn read(source: &str, text: &str) -> Result<Self, Rejected> {
        let mut words = Words::new(source, text);
        let first = words.number("the frequency", -MAX_FREQUENCY_PPM..=MAX_FREQUENCY_PPM)?;
        let Some(first) = first else {
            return Err(words.rejected(1, 1, "there is no frequency in it".to_owned()));
        };
        let skew = words.number("the skew", 0.0..=MAX_SKEW_PPM)?;
        if let Some((line, column, word)) = words.next() {
            let reason = format!(
                "a drift file holds one number, or two, and nothing like `{}`",
                shown(word)
            );
            return Err(words.rejected(line, column, reason));
        }
        let sign = if skew.is_some() { -1.0 } else { 1.0 };
        let frequency = Ppm::new(sign * first).unwrap_or_default();
        Ok(Self { frequency, skew: skew.and_then(Ppm::new) })
    }

    /// The text of a drift file, ntpd's: parts per million to the third decimal.
    pub fn print(&self) -> String {
        let frequency = self.frequency.parts_per_million();
        // Adding nothing turns a zero with a minus sign into one without.
        let rounded = (frequency * 1e3).round() / 1e3 + 0.0;
        format!("{rounded:.3}\n")
    }
}

/// The words of a text with their places.
struct Words<'a> {
    source: &'a str,
    rest: std::vec::IntoIter<(usize, usize, &'a str)>,
}

impl<'a> Words<'a> {
    fn new(source: &'a str, text: &'a str) -> Self {
        let lines = (1..).zip(text.lines());
        let words: Vec<_> = lines
            .flat_map(|(line, text)| placed(text).map(move |(column, word)| (line, column, word)))
            .collect();
        Self { source, rest: words.into_iter() }
    }

    fn next(&mut self) -> Option<(usize, usize, &'a str)> {
        self.rest.next()
    }

    /// The next word as a number within `range`, in parts per million; `None` at the end.
    fn number(
        &mut self,
        what: &str,
        range: std::ops::RangeInclusive<f64>,
    ) -> Result<Option<f64>, Rejected> {
        let Some((line, column, word)) = self.next() else { return Ok(None) };
        let reason = match word.parse::<f64>() {
            Ok(number) if range.contains(&number) => return Ok(Some(number)),
            Ok(_) => format!(
                "{what} is within {} to {} parts per million, and this is {word}",
                range.start(),
                range.end()
            ),
            Err(_) => format!("{what} is a number, and this is `{}`", shown(word)),
        };
        Err(self.rejected(line, column, reason))
    }

    fn rejected(&self, line: usize, column: usize, reason: String) -> Rejected {
        Rejected { source: self.source.to_owned(), position: Some((line, column)), reason }
    }
}

/// The words of a line, each with its column, counted in characters from 1.
pub(super) fn placed(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut column = 1;
    line.split(|c: char| c.is_whitespace()).filter_map(move |word| {
        let start = column;
        column += word.chars().count() + 1;
        (!word.is_empty()).then_some((start, word))
    })
}

/// Beyond this no clock is steered (ntpd's `NTP_MAXFREQ`).
const MAX_FREQUENCY_PPM: f64 = 500.0;

/// A skew above this says nothing any more.
const MAX_SKEW_PPM: f64 = 1e6;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(f64, Option<f64>), String> {
        Drift::read("drift", text)
            .map(|drift| {
                let skew = drift.skew.map(Ppm::parts_per_million);
                (drift.frequency.parts_per_million(), skew)
            })
            .map_err(|rejected| rejected.to_string())
    }

    #[test]
    fn one_number_is_a_correction_and_two_are_an_error_with_its_skew() {
        let (frequency, skew) = read("-12.345\n").unwrap();
        assert!((frequency + 12.345).abs() < 1e-12 && skew.is_none());
        let (frequency, skew) = read("           12.345678             0.012300\n").unwrap();
        assert!((frequency + 12.345_678).abs() < 1e-12);
        assert!((skew.unwrap() - 0.0123).abs() < 1e-12);
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        for (text, said) in [
            ("", "drift, line 1, column 1: there is no frequency in it"),
            ("fast\n", "drift, line 1, column 1: the frequency is a number, and this is `fast`"),
            (
                "\n  500.001\n",
                "drift, line 2, column 3: the frequency is within -500 to 500 parts per million, \
                 and this is 500.001",
            ),
            (
                "NaN",
                "drift, line 1, column 1: the frequency is within -500 to 500 parts per million, \
                 and this is NaN",
            ),
            (
                "1.0 -2.0",
                "drift, line 1, column 5: the skew is within 0 to 1000000 parts per million, and \
                 this is -2.0",
            ),
            (
                "1.0 2.0\n3.0",
                "drift, line 2, column 1: a drift file holds one number, or two, and nothing like \
                 `3.0`",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), said);
        }
    }

    #[test]
    fn what_is_printed_reads_back_to_the_third_decimal() {
        for (ppm, text) in [(0.0, "0.000\n"), (-0.0001, "0.000\n"), (17.123_45, "17.123\n")] {
            let drift = Drift { frequency: Ppm::new(ppm).unwrap(), skew: None };
            assert_eq!(drift.print(), text);
            assert!((read(text).unwrap().0 - ppm).abs() <= 0.0005);
        }
    }
}
