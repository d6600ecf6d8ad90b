//! Whatever comes back, the watcher of a chronyd neither breaks nor asks without end.

#![no_main]

#[path = "../bodies/chrony_watcher.rs"]
mod chrony_watcher;
#[expect(dead_code, reason = "no target needs all of it")]
#[path = "../bodies/support.rs"]
mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| chrony_watcher::chrony_watcher(bytes));
