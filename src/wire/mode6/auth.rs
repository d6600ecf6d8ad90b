//! Signing and verifying control messages.
//!
//! Where the code stands is what the daemons do not agree on. Classic ntpd and NTPsec up to 1.2.2
//! look for a request's code after the data filled up to a multiple of 8 bytes, later NTPsec to a
//! multiple of 4; a code at the wrong place reads as another key and is refused. Data of suitable
//! length avoids the question: see [`Alignment::is_unambiguous`]. Replies end with their code, so
//! there it is counted from the end.

use crate::wire::mac::{Key, MAC_LENGTHS, Mac};
use crate::wire::mode6::{HEADER_LEN, Message};

/// Where a request's code begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Alignment {
    /// After filling to 8 bytes: classic ntpd, NTPsec up to 1.2.2.
    #[default]
    Eight,
    /// After filling to 4 bytes: NTPsec from 1.2.3.
    Four,
}

impl Alignment {
    /// Whether both alignments put the code of a request with `data_len` bytes of data at the same
    /// place, so that every daemon finds it.
    pub const fn is_unambiguous(data_len: usize) -> bool {
        matches!(data_len % 8, 1..=4)
    }

    /// How many blanks in front of a text of `data_len` bytes make its length unambiguous. Blanks
    /// before a line of configuration are allowed by every daemon, blanks after it are not.
    pub const fn blanks_needed(data_len: usize) -> usize {
        match data_len % 8 {
            0 => 1,
            5 => 4,
            6 => 3,
            7 => 2,
            _ => 0,
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Eight => 8,
            Self::Four => 4,
        }
    }
}

/// The datagram of `request`, signed. A trailer that it has is left out.
pub fn sign_request(request: &Message<'_>, key: &Key, alignment: Alignment) -> Vec<u8> {
    sign(request, key, alignment.bytes())
}

/// The datagram of `reply`, signed. A trailer that it has is left out.
///
/// Replies are filled to 8 bytes by every daemon, errors not at all.
pub fn sign_reply(reply: &Message<'_>, key: &Key) -> Vec<u8> {
    sign(reply, key, if reply.error { 4 } else { Alignment::Eight.bytes() })
}

fn sign(message: &Message<'_>, key: &Key, alignment: usize) -> Vec<u8> {
    let mut bytes = Message { trailer: &[], ..message.clone() }.emit();
    bytes.resize(bytes.len().next_multiple_of(alignment), 0);
    key.seal(bytes)
}

/// What a reply's code says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authenticity {
    /// There is no code, nothing but padding.
    Unsigned,
    /// Four zero bytes in place of a code: the daemon did not accept that of the request.
    Nak,
    /// The code is by our key: the reply is the daemon's.
    Verified,
    /// The code claims another key, this one.
    OtherKey(u32),
    /// The code claims our key and is not by it: the reply was altered, or the secrets differ.
    Forged,
}

/// Judges the code of a reply that was asked for with `key`.
///
/// `reply` is what [`Message::parse`] made of `datagram`. The code covers the bytes before it as
/// they were received, so padding need not be zero.
pub fn verify_reply(datagram: &[u8], reply: &Message<'_>, key: &Key) -> Authenticity {
    let data_end = HEADER_LEN + reply.data.len();
    let mac_len = key.algorithm().mac_len();
    match Mac::at_end(datagram, mac_len) {
        Some((covered, mac)) if covered.len() >= data_end => {
            if mac.key_id != key.id().get() {
                Authenticity::OtherKey(mac.key_id)
            } else if mac.is_by(key, covered) {
                Authenticity::Verified
            } else {
                Authenticity::Forged
            }
        }
        _ if has_nak(datagram, data_end) => Authenticity::Nak,
        _ => Authenticity::Unsigned,
    }
}

/// Finds the code at the end of a request, and the bytes that it covers.
///
/// `mac_len_of` says how long the code of a key is, `None` when there is no such key. For the
/// answering side; whether the code is right is for [`Mac::is_by`] to say. `None` when there is
/// nothing where an [`Alignment`] has the code that could be that of one of our keys: with most
/// hashes the code of a longer message can be made from that of a shorter one, without the secret,
/// so nothing but padding may stand between the data and the code.
pub fn request_mac<'a>(
    datagram: &'a [u8],
    request: &Message<'_>,
    mac_len_of: impl Fn(u32) -> Option<usize>,
) -> Option<(&'a [u8], Mac<'a>)> {
    let data_end = HEADER_LEN + request.data.len();
    let is_place = |at: usize| {
        [Alignment::Four, Alignment::Eight]
            .iter()
            .any(|alignment| at == data_end.next_multiple_of(alignment.bytes()))
    };
    MAC_LENGTHS.into_iter().find_map(|len| {
        let (covered, mac) = Mac::at_end(datagram, len)?;
        (is_place(covered.len()) && mac_len_of(mac.key_id) == Some(len)).then_some((covered, mac))
    })
}

/// Whether what follows the data is padding and then four zero bytes.
///
/// The daemon fills a reply to 8 bytes before it appends them, an error not at all.
fn has_nak(datagram: &[u8], data_end: usize) -> bool {
    let padded = data_end.next_multiple_of(4);
    let extra = datagram.get(padded..).unwrap_or_default();
    (4..=8).contains(&extra.len()) && extra.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::AssocId;
    use crate::wire::mode6::Opcode;

    fn key() -> Key {
        Key::from_text(1, "MD5", "secretmd5").unwrap()
    }

    fn request(data: &[u8]) -> Message<'_> {
        Message::request(Opcode::ReadOrderedList, AssocId::SYSTEM, 2, data)
    }

    fn judge(datagram: &[u8], key: &Key) -> Authenticity {
        verify_reply(datagram, &Message::parse(datagram).unwrap(), key)
    }

    // Captured: classic ntpd answered this.
    #[test]
    fn a_request_is_signed_after_filling_to_eight_bytes() {
        let signed = sign_request(&request(b"ifstats"), &key(), Alignment::Eight);
        assert_eq!(&signed[..28], b"\x16\x0b\0\x02\0\0\0\0\0\0\0\x07ifstats\0\0\0\0\0\0\0\0\x01");
        assert_eq!(&signed[28..32], b"\x00\xd3\xe1\xb5");
        assert_eq!(signed.len(), 44);
    }

    #[test]
    fn unambiguous_lengths_are_those_where_the_alignments_agree() {
        for len in 0..64 {
            let data = vec![b'x'; len];
            let four = sign_request(&request(&data), &key(), Alignment::Four).len();
            let eight = sign_request(&request(&data), &key(), Alignment::Eight).len();
            assert_eq!(Alignment::is_unambiguous(len), four == eight, "{len}");
            assert!(Alignment::is_unambiguous(len + Alignment::blanks_needed(len)));
        }
    }

    #[test]
    fn a_signed_reply_verifies_with_its_key_only() {
        let reply = Message { response: true, ..request(b"name=1") };
        let signed = sign_reply(&reply, &key());
        assert_eq!(judge(&signed, &key()), Authenticity::Verified);
        let other = Key::from_text(2, "MD5", "secretmd5").unwrap();
        assert_eq!(judge(&signed, &other), Authenticity::OtherKey(1));
        let wrong = Key::from_text(1, "MD5", "other").unwrap();
        assert_eq!(judge(&signed, &wrong), Authenticity::Forged);
        for cut in 1..=4 {
            assert_ne!(judge(&signed[..signed.len() - cut], &key()), Authenticity::Verified);
        }
    }

    #[test]
    fn a_signed_error_has_its_code_right_after_the_header() {
        let error = Message { response: true, error: true, status: 0x0300, ..request(b"") };
        let signed = sign_reply(&error, &key());
        assert_eq!(signed.len(), 32);
        assert_eq!(judge(&signed, &key()), Authenticity::Verified);
    }

    #[test]
    fn the_codes_of_requests_are_found_by_their_keys_length() {
        let lengths = |id| match id {
            1 => Some(20),
            2 => Some(24),
            _ => None,
        };
        for (id, word) in [(1, "MD5"), (2, "SHA1")] {
            let key = Key::from_text(id, word, "x").unwrap();
            for alignment in [Alignment::Four, Alignment::Eight] {
                let signed = sign_request(&request(b"ifstats"), &key, alignment);
                let parsed = Message::parse(&signed).unwrap();
                let (covered, mac) = request_mac(&signed, &parsed, lengths).unwrap();
                assert!(mac.is_by(&key, covered));
            }
        }
        let plain = request(b"ifstats").emit();
        assert!(request_mac(&plain, &Message::parse(&plain).unwrap(), lengths).is_none());
    }

    #[test]
    fn what_is_signed_between_the_data_and_the_code_makes_it_no_code() {
        for (len, extra) in (0..16).flat_map(|len| [4, 8, 12, 56, 64].map(|extra| (len, extra))) {
            let data = vec![b'x'; len];
            let mut longer = request(&data).emit();
            let filled = longer.len().next_multiple_of(8);
            longer.resize(filled + extra, 0x80);
            let longer = key().seal(longer);
            let parsed = Message::parse(&longer).unwrap();
            assert!(request_mac(&longer, &parsed, |_| Some(20)).is_none(), "{len} {extra}");
        }
    }

    #[test]
    fn padding_is_no_nak_and_a_nak_is_no_padding() {
        for len in 0..16 {
            let data = vec![b'x'; len];
            let reply = Message { response: true, ..request(&data) };
            let mut datagram = reply.emit();
            assert_eq!(judge(&datagram, &key()), Authenticity::Unsigned, "{len}");
            datagram.resize((HEADER_LEN + len).next_multiple_of(8) + 4, 0);
            assert_eq!(judge(&datagram, &key()), Authenticity::Nak, "{len}");
        }
        // Captured: a 16-byte error with a stale offset.
        let error = b"\xd6\xcb\0\x06\x01\0\0\0\x05\x7b\0\0\0\0\0\0";
        assert_eq!(judge(error, &key()), Authenticity::Nak);
    }
}
