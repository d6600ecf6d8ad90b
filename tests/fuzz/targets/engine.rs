//! An engine with a source of each kind takes any packets on any of its sockets, at any pace: it
//! goes on, and nobody who has no key brings another source in.

#![no_main]

#[path = "../bodies/engine.rs"]
mod engine;
#[expect(dead_code, reason = "no target needs all of it")]
#[path = "../bodies/support.rs"]
mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| engine::engine(bytes));
