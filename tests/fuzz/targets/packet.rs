//! An NTP packet is read or refused, and what is read is emitted again.

#![no_main]

#[path = "../bodies/packet.rs"]
mod packet;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| packet::packet(bytes));
