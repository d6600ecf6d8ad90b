//! Bytes on the wire and the values they stand for.
//!
//! Every parser is total: any bytes give a value or [`Malformed`], none panics, and no length
//! that a packet claims is believed beyond the bytes that are there.

use std::fmt;

pub mod mode6;

/// Why some bytes are not what they were taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// Fewer bytes than the smallest message of this kind.
    TooShort {
        /// What was being read.
        what: &'static str,
        /// Bytes needed.
        needed: usize,
        /// Bytes there.
        found: usize,
    },
    /// A field claims more bytes than follow it.
    Overrun {
        /// The field that claims.
        field: &'static str,
        /// What it claims.
        claimed: usize,
        /// What is there.
        found: usize,
    },
    /// A field holds a value that the protocol does not allow here.
    Invalid {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u64,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { what, needed, found } => {
                write!(f, "{what} is too short: {found} bytes of at least {needed}")
            }
            Self::Overrun { field, claimed, found } => {
                write!(f, "{field} claims more than is there: {claimed} of {found} bytes")
            }
            Self::Invalid { field, value } => write!(f, "{field} is not valid: {value:#x}"),
        }
    }
}

impl std::error::Error for Malformed {}
