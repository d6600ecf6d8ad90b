//! Any sequence of datagrams gives at most one reply, no longer than what came.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ntpscope::wire::mode6::fragments::MAX_FRAGMENTS;
use ntpscope::wire::mode6::{Message, Progress, Reassembly};

fuzz_target!(|datagrams: Vec<Vec<u8>>| {
    let mut reassembly = Reassembly::new();
    let mut replies = 0;
    for datagram in &datagrams {
        let Ok(message) = Message::parse(datagram) else { continue };
        if let Progress::Complete(reply) = reassembly.add(&message) {
            replies += 1;
            assert!(reply.datagrams <= MAX_FRAGMENTS);
            assert!(reply.data.len() <= datagrams.iter().map(Vec::len).sum());
        }
    }
    assert!(replies <= 1);
});
