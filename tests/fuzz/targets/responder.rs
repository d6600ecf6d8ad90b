//! Control messages of anybody to a daemon with keys, clients and restrictions: nothing breaks,
//! nothing changes without the key for that, and strangers get no more than is allowed.

#![no_main]

#[path = "../bodies/responder.rs"]
mod responder;
#[expect(dead_code, reason = "no target needs all of it")]
#[path = "../bodies/support.rs"]
mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| responder::responder(bytes));
