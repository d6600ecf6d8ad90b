//! Names of which as much will do as no other begins with.

use std::error::Error;
use std::fmt;

/// Why a word stands for none of several names; it is written as what the word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfound {
    /// No name begins so.
    Unknown,
    /// Several do, and none of them ends there.
    Ambiguous,
}

impl fmt::Display for Unfound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Ambiguous => "ambiguous",
        })
    }
}

impl Error for Unfound {}

/// Finds among `all`, each with its name, what is called `word`, or else the only one whose name
/// begins so.
///
/// # Errors
/// Why there is no such one.
///
/// ```
/// use ntpscope::line::beginning::{Unfound, find};
///
/// let names = || [("host", 1), ("hostnames", 2), ("help", 3)].into_iter();
/// assert_eq!(find(names(), "host"), Ok(1));
/// assert_eq!(find(names(), "hel"), Ok(3));
/// assert_eq!(find(names(), "hos"), Err(Unfound::Ambiguous));
/// assert_eq!(find(names(), "hosts"), Err(Unfound::Unknown));
/// ```
pub fn find<'a, T>(all: impl IntoIterator<Item = (&'a str, T)>, word: &str) -> Result<T, Unfound> {
    let mut found = Err(Unfound::Unknown);
    for (name, one) in all {
        if name == word {
            return Ok(one);
        }
        if name.starts_with(word) {
            found = match found {
                Err(Unfound::Unknown) => Ok(one),
                _ => Err(Unfound::Ambiguous),
            };
        }
    }
    found
}

/// What all of `texts` begin with; `None` where there are none.
///
/// ```
/// use ntpscope::line::beginning::shared;
///
/// assert_eq!(shared(["readlist", "readvar"]), Some("read"));
/// assert_eq!(shared(["é1", "é2", "éa"]), Some("é"));
/// assert_eq!((shared(["a", "b"]), shared([])), (Some(""), None));
/// ```
pub fn shared<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    texts.into_iter().reduce(|shared, text| {
        let same = shared.chars().zip(text.chars()).take_while(|(one, other)| one == other);
        shared.get(..same.map(|(letter, _)| letter.len_utf8()).sum()).unwrap_or_default()
    })
}
