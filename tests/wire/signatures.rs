//! Signed exchanges: what we sign is what the daemons accepted, and what they signed verifies.

use ntpscope::wire::mac::Key;
use ntpscope::wire::mode6::Message;
use ntpscope::wire::mode6::auth::{
    Alignment, Authenticity, request_mac, sign_reply, sign_request, verify_reply,
};
use ntpscope::wire::packet::{Packet, Trailer};

use crate::captures::{self, Capture};

/// The key of this number in the captures.
fn key(id: u32) -> Key {
    let (word, text) = match id {
        1 => ("MD5", "secretmd5"),
        2 => ("SHA1", "SecretSha1"),
        4 => ("AES128CMAC", "000102030405060708090a0b0c0d0e0f"),
        6 => ("SHA256", "longhash"),
        other => panic!("no key {other}"),
    };
    Key::from_text(id, word, text).unwrap()
}

fn judge(reply: &[u8], key: &Key) -> Authenticity {
    verify_reply(reply, &Message::parse(reply).unwrap(), key)
}

#[test]
fn signed_exchanges_are_ours_to_make_and_to_verify() {
    for (name, key_id) in [
        ("classic-config-bad-k1", 1),
        ("classic-ifstats-signed", 1),
        ("classic-restrictions-signed", 1),
        ("classic-saveconfig-k1", 1),
        ("classic-saveconfig-bad-k1", 1),
        ("classic-unsettrap-k1", 1),
        ("ntpsec-ifstats-signed", 1),
        ("ntpsec-readvar-sha256", 6),
        ("ntpsec-restrictions-signed", 1),
        ("ntpsec-settrap-k1", 1),
    ] {
        let capture = Capture::named(name);
        let key = key(key_id);
        let request = Message::parse(capture.request()).unwrap();
        assert_eq!(sign_request(&request, &key, Alignment::Eight), capture.request(), "{name}");
        assert!(capture.replies().count() > 0);
        for reply in capture.replies() {
            assert_eq!(judge(reply, &key), Authenticity::Verified, "{name}");
        }
    }
}

// NTPsec's padding holds stale bytes, so that only classic ntpd's can be made again.
#[test]
fn replies_of_classic_ntpd_are_those_that_we_would_sign() {
    for name in [
        "classic-config-bad-k1",
        "classic-ifstats-signed",
        "classic-restrictions-signed",
        "classic-saveconfig-k1",
        "classic-unsettrap-k1",
    ] {
        for reply in Capture::named(name).replies() {
            assert_eq!(sign_reply(&Message::parse(reply).unwrap(), &key(1)), reply, "{name}");
        }
    }
}

#[test]
fn a_request_aligned_to_four_is_read_as_another_key() {
    let capture = Capture::named("ntpsec-ifstats-four-aligned");
    let request = Message::parse(capture.request()).unwrap();
    assert_eq!(sign_request(&request, &key(1), Alignment::Four), capture.request());
    assert!(!Alignment::is_unambiguous(request.data.len()));
    let reply = capture.replies().next().unwrap();
    assert_eq!(judge(reply, &key(1)), Authenticity::Unsigned);
}

#[test]
fn a_wrong_digest_is_answered_with_four_zero_bytes() {
    for name in ["classic-bad-key", "classic-bad-key-readvar"] {
        let capture = Capture::named(name);
        let reply = capture.replies().next().unwrap();
        assert_eq!(judge(reply, &key(1)), Authenticity::Nak, "{name}");
        let request = Message::parse(capture.request()).unwrap();
        let (covered, mac) =
            request_mac(capture.request(), &request, |id| (id == 1).then_some(20)).unwrap();
        assert!(!mac.is_by(&key(1), covered));
    }
}

#[test]
fn unsigned_replies_are_not_taken_for_signed_ones() {
    for capture in captures::all() {
        let signed = ["signed", "k1", "sha256", "bad-key"].iter().any(|w| capture.name.contains(w));
        if !capture.is_control() || signed {
            continue;
        }
        for reply in capture.replies() {
            let authenticity = judge(reply, &key(1));
            let message = Message::parse(reply).unwrap();
            assert!(
                authenticity == Authenticity::Unsigned
                    || matches!(authenticity, Authenticity::OtherKey(_))
                        && message.trailer.len() >= 20,
                "{}: {authenticity:?}",
                capture.name
            );
        }
    }
}

#[test]
fn keyed_packets_verify_both_ways() {
    for (name, key_id) in [
        ("classic-ntp-v4-md5", 1),
        ("classic-ntp-v4-sha1", 2),
        ("classic-ntp-v4-cmac", 4),
        ("classic-ntp-v4-extension-md5", 1),
        ("ntpsec-ntp-v4-md5", 1),
        ("ntpsec-ntp-v4-sha1", 2),
        ("ntpsec-ntp-v4-sha256", 6),
        ("ntpsec-ntp-v4-cmac", 4),
    ] {
        let capture = Capture::named(name);
        assert!(capture.datagrams.len() == 2, "{name}");
        for datagram in &capture.datagrams {
            let packet = Packet::parse(&datagram.bytes).unwrap();
            let Trailer::Mac(mac) = packet.trailer else { panic!("{name} has no code") };
            assert!(mac.is_by(&key(key_id), packet.covered(&datagram.bytes)), "{name}");
            let bare = Packet { trailer: Trailer::None, ..packet };
            assert_eq!(key(key_id).seal(bare.emit(true)), datagram.bytes, "{name}");
        }
    }
}

// Made with another implementation and accepted by NTPsec's daemon.
#[test]
fn a_cmac_over_a_control_request_is_that_of_the_daemons() {
    let covered = b"\xd6\x08\0\x01\0\0\0\0\0\0\0\x03\x66\x6f\x6f\0";
    let expected = b"\xac\xaa\x5e\xd6\x8b\xde\xf8\x53\x5b\xb5\x11\xe7\x16\xdb\x95\x9b";
    assert!(key(4).digest(covered).matches(expected));
}
