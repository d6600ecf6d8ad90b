//! Text that people write and what it says: hosts on a command line, settings in a file.
//!
//! Nothing here opens a file or a socket; text comes in, values or [`Rejected`] go out.

pub mod app;
pub mod change;
pub mod drift;
pub mod engine;
pub mod files;
pub mod host;
pub mod keys;
pub mod leap_file;
pub mod ntp_conf;
pub mod own_sources;
pub mod reload;
pub mod restrict;
pub mod statistics;
pub mod target;

use std::fmt;

/// Why something that a person wrote cannot be used, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Where it was written: a file's name, or what of the command line.
    pub source: String,
    /// Line and column, from 1, where the text has them.
    pub position: Option<(usize, usize)>,
    /// What is wrong.
    pub reason: String,
}

impl Rejected {
    /// That it cannot be used and where, without a word of what is written there: for who may name a
    /// file but not see it.
    pub fn place(&self) -> String {
        match self.position {
            Some((line, column)) => {
                format!("cannot use {}: line {line}, column {column}", self.source)
            }
            None => format!("cannot use {}", self.source),
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => {
                write!(f, "{}, line {line}, column {column}: {}", self.source, self.reason)
            }
            None => write!(f, "{}: {}", self.source, self.reason),
        }
    }
}

impl std::error::Error for Rejected {}

/// A word that is wrong as a message repeats it: not all of a long one, and harmless.
fn shown(word: &str) -> String {
    shortened(word, MOST_SHOWN)
}

/// The same, with no more than its first `most` characters.
fn shortened(word: &str, most: usize) -> String {
    let mut short: String = word.chars().take(most).collect();
    if short.len() < word.len() {
        short.push('…');
    }
    short.escape_debug().to_string()
}

/// Characters of a wrong word that a message repeats.
const MOST_SHOWN: usize = 40;
