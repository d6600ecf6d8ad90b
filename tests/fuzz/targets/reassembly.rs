//! Any sequence of datagrams gives at most one reply, no longer than what came.

#![no_main]

#[path = "../bodies/reassembly.rs"]
mod reassembly;
#[expect(dead_code, reason = "no target needs all of it")]
#[path = "../bodies/support.rs"]
mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| reassembly::reassembly(bytes));
