//! The text of a reply has items, whatever it is.

#![no_main]

#[path = "../bodies/varlist.rs"]
mod varlist;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| varlist::varlist(bytes));
