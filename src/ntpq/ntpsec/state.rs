//! What NTPsec's ntpq keeps besides what both keep.

use crate::ntpq::job::Family;
use crate::wire::mac::{Algorithm, Key};
use crate::wire::mode6::DEFAULT_VERSION;

/// What is set, by options at first.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, as in ntpq")]
pub struct State {
    /// Whether numbers have units.
    pub units: bool,
    /// Whether peers are called by the names that the daemon knows them by.
    pub supplied_names: bool,
    /// How wide the table of peers may be.
    pub width: i32,
    /// How wide the terminal is.
    pub terminal: usize,
    /// Which addresses have names.
    pub family: Family,
    /// Which addresses of a host will do.
    pub host_family: Family,
    /// Whether the list of those who asked is printed as it comes.
    pub direct: bool,
    /// Whether commands are read from the user.
    pub is_prompting: bool,
    /// Whether there is a user to type what is asked for.
    pub is_typed: bool,
    /// The version by which status words are read.
    pub version: u8,
    /// The number of the key that signs, as it was given.
    pub key_id: Option<i128>,
    /// What kind of digest is made with a key that is typed.
    pub key_type: String,
    /// The keys of a file, where one was given.
    pub key_file: Option<Vec<Key>>,
    /// Whether the questions that were asked last are signed.
    pub is_signed: bool,
    /// Whether it was said that answers are not signed.
    pub has_warned: bool,
    /// The status word of the last answer.
    pub status: u16,
    /// Says how many bytes of memory the program has used at most.
    pub memory: fn() -> u64,
    /// Where debugging texts would go.
    pub log_file: String,
}

impl Default for State {
    fn default() -> Self {
        Self {
            units: false,
            supplied_names: false,
            width: i32::try_from(NO_TERMINAL).unwrap_or(i32::MAX),
            terminal: NO_TERMINAL,
            family: Family::Any,
            host_family: Family::Any,
            direct: false,
            is_prompting: false,
            is_typed: false,
            version: DEFAULT_VERSION,
            key_id: None,
            key_type: Algorithm::Md5.word().to_owned(),
            key_file: None,
            is_signed: false,
            has_warned: false,
            status: 0,
            memory: || 0,
            log_file: STANDARD_ERROR.to_owned(),
        }
    }
}

/// How wide a terminal is taken to be where there is none.
const NO_TERMINAL: usize = 80;

/// What the log file is called that is none.
pub const STANDARD_ERROR: &str = "<stderr>";

/// What NTPsec's ntpq that this is like calls its version.
pub const VERSION: &str = "ntpsec-1.2.2";
