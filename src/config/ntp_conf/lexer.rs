//! ntp.conf as words with their places.
//!
//! A directive is a line. Blanks part words, `"` holds blanks and `#` together with a word, and `#`
//! anywhere else begins a comment, even in the middle of a word.

use std::borrow::Cow;

use crate::config::Rejected;

/// The text of the configuration called `source`. In comments bytes that are not UTF-8 do no harm
/// and are replaced; older files have names in them in whatever encoding was at hand.
///
/// # Errors
/// The first such byte anywhere else, with its place.
pub(super) fn decode<'a>(source: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>, Rejected> {
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let Err(error) = std::str::from_utf8(line) else { continue };
        let (good, _) = line.split_at(error.valid_up_to());
        let good = String::from_utf8_lossy(good);
        if !has_comment(&good) {
            return Err(Rejected {
                source: source.to_owned(),
                position: Some((number, good.chars().count() + 1)),
                reason: "a byte that is not UTF-8 is taken in comments only".to_owned(),
            });
        }
    }
    Ok(String::from_utf8_lossy(bytes))
}

/// Whether a comment begins in this text of one line.
fn has_comment(text: &str) -> bool {
    let mut is_quoted = false;
    text.chars().any(|character| {
        is_quoted ^= character == '"';
        character == '#' && !is_quoted
    })
}

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Column of its first character, counted from 1; of its quote where it has one.
    pub column: usize,
    /// Its text without quotes.
    pub text: String,
    /// Whether any of it is quoted, which makes it no keyword and no number to ntpd.
    pub is_quoted: bool,
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

impl Line {
    /// Whether nothing behind this line is read (`end`).
    pub(super) fn ends_all(&self) -> bool {
        self.words.first().is_some_and(|word| word.text.eq_ignore_ascii_case("end"))
    }
}

/// The lines of the text called `source` that say something.
pub(super) fn lines<'a>(
    source: &'a str,
    text: &'a str,
) -> impl Iterator<Item = Result<Line, Rejected>> + 'a {
    (1..)
        .zip(text.lines())
        .filter_map(move |(number, text)| line_of(source, number, text).transpose())
}

/// What line `number` of the configuration called `source` says, if it says something.
pub(super) fn line_of(source: &str, number: usize, text: &str) -> Result<Option<Line>, Rejected> {
    line(number, text).map_err(|column| Rejected {
        source: source.to_owned(),
        position: Some((number, column)),
        reason: "a quote that begins here does not end on this line".to_owned(),
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
        let mut word = Word { column, text: String::new(), is_quoted: false };
        let mut next = Some((column, first));
        while let Some((place, character)) = next {
            if character == '"' {
                word.is_quoted = true;
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

    #[test]
    fn bytes_that_are_not_utf_8_are_for_comments() {
        let text = decode("c", b"server a # J\xfcrgen's\n# \xe9\xff\ntos minsane 1").unwrap();
        assert_eq!(words(&text).len(), 5, "{text}");
        let said = |bytes: &[u8]| decode("c", bytes).unwrap_err().to_string();
        let reason = "a byte that is not UTF-8 is taken in comments only";
        assert_eq!(said(b"# x\nserver \xc3\xbc\xff #"), format!("c, line 2, column 9: {reason}"));
        assert_eq!(said(b"keys \"#\xff\""), format!("c, line 1, column 8: {reason}"));
        assert_eq!(said(b"\xff# x"), format!("c, line 1, column 1: {reason}"));
    }
}
