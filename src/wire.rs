//! Bytes on the wire and the values they stand for.
//!
//! Every parser is total: any bytes give a value or [`Malformed`], none panics, and no length
//! that a packet claims is believed beyond the bytes that are there.

use std::fmt;

pub mod address_id;
pub mod cmdmon;
pub mod extension;
pub mod kiss;
pub mod mac;
pub mod mode6;
pub mod mode7;
pub mod packet;
pub mod reader;

/// Why some bytes are not what they were taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// The bytes end before or within a field that has to be there.
    TooShort {
        /// What was being read.
        what: &'static str,
        /// The field that is missing or cut.
        field: &'static str,
        /// Where the field begins, in bytes from the start.
        position: usize,
        /// Bytes the field needs.
        needed: usize,
        /// Bytes left for it.
        found: usize,
    },
    /// A field claims more bytes than follow it.
    Overrun {
        /// The field that claims.
        field: &'static str,
        /// Where the claimed bytes would begin.
        position: usize,
        /// What it claims.
        claimed: usize,
        /// What is there.
        found: usize,
    },
    /// A field holds a value that the protocol does not allow here.
    Invalid {
        /// The field.
        field: &'static str,
        /// Where it stands, in bytes from the start.
        position: usize,
        /// Its value.
        value: u64,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { what, field, position, needed, found } => {
                let bytes = if *needed == 1 { "byte" } else { "bytes" };
                let are = if *found == 1 { "is" } else { "are" };
                write!(
                    f,
                    "{what} is too short: {field} at byte {position} needs {needed} {bytes}, \
                     {found} {are} there"
                )
            }
            Self::Overrun { field, position, claimed, found } => write!(
                f,
                "{field} claims more than is there: {claimed} of {found} bytes at byte {position}"
            ),
            Self::Invalid { field, position, value } => {
                write!(f, "{field} at byte {position} is not valid: {value:#x}")
            }
        }
    }
}

impl std::error::Error for Malformed {}
