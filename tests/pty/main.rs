//! The program in a real pseudo-terminal, on real daemons: what a user at a terminal would see.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should fail"
)]

#[expect(dead_code, unused_imports, reason = "shared with tests/control, which needs all of it")]
#[path = "../support/chronyd.rs"]
mod chronyd;
#[path = "../support/lab.rs"]
mod lab;
#[path = "../support/port.rs"]
mod port;
mod terminal;
#[expect(
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "bytes that may be anything, and may come late"
)]
#[path = "../support/wild.rs"]
mod untamed;

mod chrony;
mod console;
mod contact;
mod counted;
mod demo;
mod discipline;
mod hostile;
mod life;
mod made_up;
mod measure;
mod prompt;
mod slow;
