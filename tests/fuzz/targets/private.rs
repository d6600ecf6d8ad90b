//! Whatever a daemon of mode 7 answers, every command of ntpdc comes to an end.

#![no_main]

#[path = "../bodies/private.rs"]
mod private;
#[expect(dead_code, reason = "no target needs all of it")]
#[path = "../bodies/support.rs"]
mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| private::private(bytes));
