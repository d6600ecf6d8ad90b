//! ntp.conf as words with their places.
//!
//! A directive is a line. Blanks part words, `"` holds blanks and `#` together with a word, and `#`
//! anywhere else begins a comment, even in the middle of a word.

use crate::config::Rejected;

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Column of its first character, counted from 1; of its quote where it has one.
    pub column: usize,
    /// Its text without quotes.
    pub text: String,
}

/// The words of a line that has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number, counted from 1.
    pub number: usize,
    /// Its words, at least one.
    pub words: Vec<Word>,
    /// The column behind its last word.
    pub end: usize,
}

/// The lines of the text called `source` that say something.
pub(super) fn lines<'a>(
    source: &'a str,
    text: &'a str,
) -> impl Iterator<Item = Result<Line, Rejected>> + 'a {
    (1..).zip(text.lines()).filter_map(move |(number, text)| {
        let line = line(number, text).map_err(|column| Rejected {
            source: source.to_owned(),
            position: Some((number, column)),
            reason: "a quote that begins here does not end on this line".to_owned(),
        });
        line.transpose()
    })
}

/// The words of a line, if it has any.
///
/// Differs: ntpd ends an open quote silently with its line; here its column is the error.
fn line(number: usize, text: &str) -> Result<Option<Line>, usize> {
    let mut words = Vec::new();
    let mut end = 1;
    let mut characters = (1..).zip(text.chars()).peekable();
    while let Some((column, first)) = characters.next_if(|_| true) {
        if first == '#' {
            break;
        }
        if first.is_whitespace() {
            continue;
        }
        let mut word = Word { column, text: String::new() };
        let mut next = Some((column, first));
        while let Some((place, character)) = next {
            if character == '"' {
                loop {
                    match characters.next() {
                        None => return Err(place),
                        Some((_, '"')) => break,
                        Some((_, quoted)) => word.text.push(quoted),
                    }
                }
            } else {
                word.text.push(character);
            }
            next = characters.next_if(|(_, c)| !c.is_whitespace() && *c != '#');
        }
        end = characters.peek().map_or_else(|| text.chars().count() + 1, |(column, _)| *column);
        words.push(word);
    }
    Ok((!words.is_empty()).then_some(Line { number, words, end }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(usize, usize, String)> {
        let lines: Vec<Line> = lines("ntp.conf", text).map(Result::unwrap).collect();
        let words = lines.into_iter().flat_map(|line| {
            line.words.into_iter().map(move |word| (line.number, word.column, word.text))
        });
        words.collect()
    }

    #[test]
    fn blanks_part_words_and_comments_end_lines() {
        let word = |line, column, text: &str| (line, column, text.to_owned());
        assert_eq!(
            words("# nothing\r\n\n\tserver  a.example # why\r\ntos minsane 3#x\n"),
            [
                word(3, 2, "server"),
                word(3, 10, "a.example"),
                word(4, 1, "tos"),
                word(4, 5, "minsane"),
                word(4, 13, "3"),
            ]
        );
    }

    #[test]
    fn quotes_hold_a_word_together() {
        let word = |column, text: &str| (1, column, text.to_owned());
        assert_eq!(
            words("keys \"/etc/my keys #1\" ü x"),
            [word(1, "keys"), word(6, "/etc/my keys #1"), word(24, "ü"), word(26, "x")]
        );
        assert_eq!(words("keys /etc/\"a b\"c"), [word(1, "keys"), word(6, "/etc/a bc")]);
        assert_eq!(words("keys \"\""), [word(1, "keys"), word(6, "")]);
    }

    #[test]
    fn an_open_quote_is_an_error_where_it_begins() {
        let outcome: Result<Vec<Line>, Rejected> = lines("ntp.conf", "a\n b \"c\nd").collect();
        assert_eq!(
            outcome.unwrap_err().to_string(),
            "ntp.conf, line 2, column 4: a quote that begins here does not end on this line"
        );
    }

    #[test]
    fn what_is_missing_is_missing_behind_the_last_word() {
        let ends: Vec<usize> =
            lines("", "server\nserver  # x\n server a  ").map(|line| line.unwrap().end).collect();
        assert_eq!(ends, [7, 7, 10]);
    }
}
