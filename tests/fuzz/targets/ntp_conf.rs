//! Any text as a configuration, of a file and told from afar: it is followed as far as it can be,
//! and what is not read has a place in it.

#![no_main]

#[path = "../bodies/ntp_conf.rs"]
mod ntp_conf;
#[expect(dead_code, reason = "no target needs all of it")]
#[path = "../bodies/support.rs"]
mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| ntp_conf::ntp_conf(bytes));
