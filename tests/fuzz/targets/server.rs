//! A server with restrictions, keys and limits, and the engine behind it, take any packets from
//! anywhere: nothing breaks, nobody is answered who should not be, and nothing grows.

#![no_main]

#[path = "../bodies/server.rs"]
mod server;
#[expect(dead_code, reason = "no target needs all of it")]
#[path = "../bodies/support.rs"]
mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| server::server(bytes));
