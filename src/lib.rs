//! ntpscope: watch, question and explain NTP daemons from a terminal.
//!
//! The layers, from the bottom; each imports only what stands above it in this list, which
//! `tests/layering.rs` holds them to:
//!
//! | layer | what |
//! |---|---|
//! | [`units`] | values with a unit or a range |
//! | [`wire`] | bytes on the wire and the values they stand for |

pub mod units;
pub mod wire;
