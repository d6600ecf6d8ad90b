//! Any sequence of datagrams gives at most one reply, no longer than what came.

use ntpscope::wire::mode6::fragments::MAX_FRAGMENTS;
use ntpscope::wire::mode6::{Message, Progress, Reassembly};

use super::support::Taken;

/// Datagrams, each after its length.
pub(crate) fn reassembly(bytes: &[u8]) {
    let mut reassembly = Reassembly::new();
    let mut replies = 0;
    let mut taken = Taken::new(bytes);
    loop {
        let datagram = taken.counted();
        if datagram.is_empty() {
            break;
        }
        let Ok(message) = Message::parse(datagram) else { continue };
        if let Progress::Complete(reply) = reassembly.add(&message) {
            replies += 1;
            assert!(reply.datagrams <= MAX_FRAGMENTS);
            assert!(reply.data.len() <= bytes.len());
        }
    }
    assert!(replies <= 1);
}
