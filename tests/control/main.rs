//! The asking side against a scripted daemon on a simulated line, in virtual time.
//!
//! Every run has a seed; a run that fails prints it with the last events. The properties that hold
//! for all seeds are in `properties.rs`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says why"
)]

mod answered;
mod asked;
mod batch;
#[expect(dead_code, reason = "shared with tests that need more of it")]
#[path = "../wire/captures.rs"]
mod captures;
mod chrony;
#[expect(dead_code, reason = "shared with tests that need more of it")]
#[path = "../support/chronyd.rs"]
mod chronyd;
mod clients;
mod counted;
mod daemon;
mod hostile;
mod line;
mod mru;
mod properties;
mod reconfigure;
mod served;
mod watching;
mod world;
