//! Any text as a file of keys, of a frequency, of a scenario: it is read, or refused with a place
//! in it.

#![no_main]

#[path = "../bodies/texts.rs"]
mod texts;
#[expect(dead_code, reason = "no target needs all of it")]
#[path = "../bodies/support.rs"]
mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| texts::texts(bytes));
