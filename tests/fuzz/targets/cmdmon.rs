//! A command or its answer is read or refused, and what is read is written and read the same.

#![no_main]

#[path = "../bodies/cmdmon.rs"]
mod cmdmon;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| cmdmon::cmdmon(bytes));
