//! The codecs against packets that real daemons sent, and against bytes that nobody would send.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should fail where it stands"
)]

mod captures;
mod cmdmon;
mod control;
mod damage;
mod fuzzed;
mod packets;
mod private;
mod properties;
mod signatures;
