//! What a word that is typed may become.

/// A language whose lines are typed.
pub trait Language {
    /// What the word at the end of `before` may become; `before` is the line up to the cursor.
    fn complete(&self, before: &str) -> Completion;

    /// Whether there is something on this line that must not be kept.
    fn is_secret(&self, line: &str) -> bool;
}

/// What the last word of a text may become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Where in the text the word begins, in bytes.
    pub start: usize,
    /// What it may become.
    pub candidates: Vec<Candidate>,
    /// Whether there would be more if it were known which associations there are.
    pub wants_associations: bool,
}

/// Something that a word may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The word.
    pub text: String,
    /// What it is, for the user; empty where the word says all.
    pub about: String,
    /// Whether more belongs to the same word, so that no blank follows.
    pub goes_on: bool,
}

impl Candidate {
    /// A whole word.
    pub fn new(text: impl Into<String>, about: impl Into<String>) -> Self {
        Self { text: text.into(), about: about.into(), goes_on: false }
    }

    /// A word of which this is but the beginning.
    pub fn beginning(text: impl Into<String>, about: impl Into<String>) -> Self {
        Self { goes_on: true, ..Self::new(text, about) }
    }
}

/// `candidates` as lines of at most `columns` columns: one below the other where something is to be
/// said of each, side by side otherwise; at most `most` lines, the last of which tells how many are
/// left out.
pub fn lines(candidates: &[Candidate], columns: usize, most: usize) -> Vec<String> {
    let width = candidates.iter().map(|candidate| candidate.text.chars().count()).max();
    let width = width.unwrap_or(0) + 2;
    let side_by_side = candidates.iter().all(|candidate| candidate.about.is_empty());
    let in_line = if side_by_side { (columns / width).max(1) } else { 1 };
    let mut lines: Vec<String> = candidates
        .chunks(in_line)
        .map(|chunk| {
            let word = |candidate: &Candidate| {
                let Candidate { text, about, .. } = candidate;
                format!("{text:width$}{about}")
            };
            let line: String = chunk.iter().map(word).collect();
            line.trim_end().chars().take(columns).collect()
        })
        .collect();
    if lines.len() > most {
        lines.truncate(most.saturating_sub(1));
        let left = candidates.len() - lines.len() * in_line;
        lines.push(format!("and {left} more"));
    }
    lines
}

/// Those of `candidates` that begin with `word`.
pub fn matching(candidates: impl Iterator<Item = Candidate>, word: &str) -> Vec<Candidate> {
    candidates.filter(|candidate| candidate.text.starts_with(word)).collect()
}

/// Lines in no language: nothing completes them, and none is kept, for they answer a question.
#[derive(Clone, Copy, Debug)]
pub struct NoLanguage;

impl Language for NoLanguage {
    fn complete(&self, _: &str) -> Completion {
        Completion::default()
    }

    fn is_secret(&self, _: &str) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<Candidate> {
        words.iter().map(|word| Candidate::new(*word, "")).collect()
    }

    #[test]
    fn words_stand_side_by_side_unless_something_is_said_of_them() {
        assert_eq!(lines(&words(&["as", "cv", "rv"]), 9, 9), ["as  cv", "rv"]);
        let told = [Candidate::new("1", "one"), Candidate::new("22", "two, by far too long")];
        assert_eq!(lines(&told, 12, 9), ["1   one", "22  two, by "]);
        let many: Vec<_> = (0..50).map(|n| n.to_string()).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(lines(&words(&many), 8, 3), ["0   1", "2   3", "and 46 more"]);
    }
}
