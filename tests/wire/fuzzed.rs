//! The targets of `tests/fuzz` as plain tests: over what is kept in its corpus, and over copies of
//! that which a seeded generator has changed, so that each run tries the same.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

#[path = "../fuzz/bodies/chrony_watcher.rs"]
mod chrony_watcher;
#[path = "../fuzz/bodies/cmdmon.rs"]
mod cmdmon;
#[path = "../fuzz/bodies/control_message.rs"]
mod control_message;
#[path = "../fuzz/bodies/engine.rs"]
mod engine;
#[path = "../fuzz/bodies/mru_walk.rs"]
mod mru_walk;
#[path = "../fuzz/bodies/ntp_conf.rs"]
mod ntp_conf;
#[path = "../fuzz/bodies/packet.rs"]
mod packet;
#[path = "../fuzz/bodies/private.rs"]
mod private;
#[path = "../fuzz/bodies/reassembly.rs"]
mod reassembly;
#[path = "../fuzz/bodies/responder.rs"]
mod responder;
#[path = "../fuzz/bodies/server.rs"]
mod server;
#[path = "../fuzz/bodies/support.rs"]
mod support;
#[path = "../fuzz/bodies/texts.rs"]
mod texts;
#[path = "../fuzz/bodies/varlist.rs"]
mod varlist;

#[test]
fn packets() {
    fuzz("packet", packet::packet, 40_000);
}

#[test]
fn control_messages() {
    fuzz("control_message", control_message::control_message, 40_000);
}

#[test]
fn fragments() {
    fuzz("reassembly", reassembly::reassembly, 40_000);
}

#[test]
fn lists_of_variables() {
    fuzz("varlist", varlist::varlist, 40_000);
}

#[test]
fn walks_through_lists() {
    fuzz("mru_walk", mru_walk::mru_walk, 15_000);
}

#[test]
fn commands_of_chrony() {
    fuzz("cmdmon", cmdmon::cmdmon, 40_000);
}

#[test]
fn watchers_of_chrony() {
    fuzz("chrony_watcher", chrony_watcher::chrony_watcher, 4_000);
}

#[test]
fn private_answers() {
    fuzz("private", private::private, 20_000);
}

#[test]
fn engines() {
    fuzz("engine", engine::engine, 4_000);
}

#[test]
fn servers() {
    fuzz("server", server::server, 4_000);
}

#[test]
fn responders() {
    fuzz("responder", responder::responder, 4_000);
}

#[test]
fn configurations() {
    fuzz("ntp_conf", ntp_conf::ntp_conf, 15_000);
}

#[test]
fn other_texts() {
    fuzz("texts", texts::texts, 15_000);
}

/// Runs a target over its corpus, and over so many changed copies of it.
fn fuzz(name: &str, body: fn(&[u8]), copies: u32) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let mut files: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let kept: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(kept.len() >= 3, "{name} has too little to begin with");
    for (file, bytes) in files.iter().zip(&kept) {
        assert!(bytes.len() <= 1024, "{} is long", file.display());
        attempt(name, body, bytes);
    }
    attempt(name, body, &[]);
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..copies {
        attempt(name, body, &changed(&mut random, &kept));
    }
}

/// Runs it once; a failure shows what made it fail.
fn attempt(name: &str, body: fn(&[u8]), bytes: &[u8]) {
    assert!(catch_unwind(|| body(bytes)).is_ok(), "{name} fails with {bytes:02x?}");
}

/// One of those kept, changed in a few ways.
fn changed(random: &mut ChaCha8Rng, kept: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = kept[below(random, kept.len())].clone();
    for _ in 0..=below(random, 5) {
        let place = below(random, bytes.len() + 1);
        let end = place + below(random, bytes.len() + 1 - place);
        match below(random, 8) {
            0 if place < bytes.len() => bytes[place] ^= 1 << below(random, 8),
            1 if place < bytes.len() => {
                bytes[place] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'\n', b' '][below(random, 8)];
            }
            2 if place < bytes.len() => {
                bytes[place] = bytes[place].wrapping_add(1);
            }
            3 => bytes.truncate(place),
            4 => drop(bytes.drain(place..end)),
            5 => {
                let part = bytes[place..end].to_vec();
                bytes.splice(place..place, part);
            }
            6 => {
                let other = &kept[below(random, kept.len())];
                let from = below(random, other.len() + 1);
                bytes.splice(place.., other[from..].iter().copied());
            }
            _ => {
                let some: Vec<u8> =
                    (0..below(random, 9)).map(|_| random.next_u32().to_be_bytes()[0]).collect();
                bytes.splice(place..place, some);
            }
        }
        bytes.truncate(LONGEST);
    }
    bytes
}

/// A number below `end`.
fn below(random: &mut ChaCha8Rng, end: usize) -> usize {
    random.next_u32() as usize % end.max(1)
}

/// The longest copy, in bytes: more is no other thing.
const LONGEST: usize = 4096;
