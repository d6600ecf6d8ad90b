//! A walk through a list of whatever is answered: it asks for what can be asked, keeps each address
//! once, and once it has ended it asks no more.

#![no_main]

#[path = "../bodies/mru_walk.rs"]
mod mru_walk;
#[expect(dead_code, reason = "no target needs all of it")]
#[path = "../bodies/support.rs"]
mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| mru_walk::mru_walk(bytes));
