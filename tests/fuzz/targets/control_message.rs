//! A control message is read or refused, and what is read is emitted again.

#![no_main]

#[path = "../bodies/control_message.rs"]
mod control_message;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| control_message::control_message(bytes));
