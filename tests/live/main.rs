//! The program on real daemons, over minutes, and where names do not come: what only shows against
//! the world itself.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on should fail; figures are printed for who wants to see them"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};

#[path = "../support/lab.rs"]
mod lab;
#[expect(dead_code, reason = "shared with tests/pty, which needs more of it")]
#[path = "../pty/terminal.rs"]
mod terminal;
#[path = "../support/two.rs"]
mod two;

mod asked;
mod beside;
mod broadcast;
mod chrony;
mod engine;
mod limited;
mod names;
mod once;
mod peer;
mod probe;
mod roles;
mod screen_set;
mod set;

/// The desks of the lab, for one test at a time: what is sent from one is counted by the kernel for
/// all who sit there.
fn desks() -> MutexGuard<'static, ()> {
    static TAKEN: Mutex<()> = Mutex::new(());
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The port of NTP at the lab's `admin`, for one test at a time that listens on it.
fn port_of_admin() -> MutexGuard<'static, ()> {
    static TAKEN: Mutex<()> = Mutex::new(());
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}
