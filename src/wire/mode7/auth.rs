//! Signed requests: the time of sending, the key's number and the digest behind the items.
//!
//! The daemon refuses a request whose time is more than ten seconds from its own, so that one that
//! was overheard is of no use later. With a digest of 16 bytes the tail stands where a request of the
//! fixed size ends; a longer one would not fit there for old daemons, so it follows the items at
//! once, and the daemon tells the two by the length of the whole. No reply is signed.

use crate::units::NtpTimestamp;
use crate::wire::mac::{Key, Mac};
use crate::wire::mode7::{HEADER_LEN, Message, Request, RequestSize};

/// The datagram of `request`, signed with `key` at the time `at`.
///
/// `None` when no daemon that takes requests of this `size` takes a digest of this length.
pub fn seal(request: &Request, size: RequestSize, key: &Key, at: NtpTimestamp) -> Option<Vec<u8>> {
    let mut bytes = request.message(true);
    let end = if key.algorithm().digest_len() <= SHORT_DIGEST {
        size.bytes()
    } else if size == RequestSize::Usual {
        (bytes.len() + TIME_LEN).next_multiple_of(4)
    } else {
        return None;
    };
    // In the smaller sizes the time may take the place of the last items, as ntpdc has it.
    bytes.resize(end, 0);
    bytes.truncate(end.saturating_sub(TIME_LEN));
    bytes.extend(at.bits().to_be_bytes());
    Some(key.seal(bytes))
}

/// The tail of a signed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail<'a> {
    /// When it was sent, by the sender's clock.
    pub at: NtpTimestamp,
    /// Key number and digest.
    pub mac: Mac<'a>,
    /// The bytes that the digest covers.
    pub covered: &'a [u8],
}

/// Finds the tail of a signed request; for the answering side. Whether the digest is right is for
/// [`Mac::is_by`] to say. `None` when the request is not signed or too short for a tail.
pub fn tail(datagram: &[u8]) -> Option<Tail<'_>> {
    let message = Message::parse(datagram).ok().filter(|message| message.authenticated)?;
    let fixed = RequestSize::Usual.bytes();
    let end = if datagram.len() == fixed + 4 + SHORT_DIGEST {
        fixed
    } else {
        let items = usize::from(message.count) * usize::from(message.item_len);
        (HEADER_LEN + items + TIME_LEN).next_multiple_of(4)
    };
    let (covered, mac) = datagram.split_at_checked(end)?;
    let (_, at) = covered.split_last_chunk::<TIME_LEN>()?;
    let at = NtpTimestamp::from_bits(u64::from_be_bytes(*at));
    Some(Tail { at, mac: Mac::parse(mac)?, covered })
}

/// The longest digest that stands at a fixed place.
const SHORT_DIGEST: usize = 16;

/// Bytes of the time.
const TIME_LEN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::mode7::{Code, Implementation};

    const AT: NtpTimestamp = NtpTimestamp::from_bits(0xeeab_5d0f_5b02_6000);

    fn plain() -> Request {
        Request::plain(Implementation::Current, Code::InterfaceStatistics)
    }

    fn key(word: &str) -> Key {
        Key::from_text(1, word, "secretmd5").unwrap()
    }

    // Captured: classic ntpd 4.2.8p15 answered this.
    #[test]
    fn a_short_digest_stands_where_the_fixed_size_ends() {
        let sealed = seal(&plain(), RequestSize::Usual, &key("MD5"), AT).unwrap();
        assert_eq!(sealed.len(), 212);
        assert!(sealed.starts_with(b"\x17\x80\x03\x2c\0\0\0\0"));
        let tail = b"\xee\xab\x5d\x0f\x5b\x02\x60\0\0\0\0\x01\
                     \x30\x06\x91\xa4\x48\xa3\xe2\x01\x14\x6d\x03\x32\xfe\x82\xdd\xa8";
        assert_eq!(&sealed[184..], tail);
    }

    #[test]
    fn a_long_digest_follows_the_items() {
        let sealed = seal(&plain(), RequestSize::Usual, &key("SHA1"), AT).unwrap();
        assert_eq!(sealed.len(), 8 + 8 + 4 + 20);
        let clock = [[1; 3]];
        let odd = Request::with_items(Implementation::Current, Code::ClockInfo, &clock);
        assert_eq!(seal(&odd, RequestSize::Usual, &key("SHA1"), AT).unwrap().len(), 20 + 24);
        assert_eq!(seal(&plain(), RequestSize::Smaller, &key("SHA1"), AT), None);
    }

    #[test]
    fn the_tail_is_found_again_and_covers_all_before_it() {
        let items = [[7; 24]; 2];
        let request = Request::with_items(Implementation::Current, Code::Unconfigure, &items);
        for word in ["MD5", "SHA1", "AES128CMAC"] {
            let sealed = seal(&request, RequestSize::Usual, &key(word), AT).unwrap();
            let found = tail(&sealed).unwrap();
            assert_eq!(found.at, AT);
            assert!(found.mac.is_by(&key(word), found.covered));
            for place in 0..sealed.len() {
                let mut forged = sealed.clone();
                forged[place] ^= 1;
                let forged = tail(&forged);
                let holds = |tail: Tail<'_>| tail.mac.is_by(&key(word), tail.covered);
                assert!(!forged.is_some_and(holds), "{word}: byte {place} does not count");
            }
        }
        assert_eq!(tail(&plain().emit(RequestSize::Usual)), None);
    }

    #[test]
    fn smaller_requests_have_their_tail_at_their_end() {
        let sealed = seal(&plain(), RequestSize::Smallest, &key("MD5"), AT).unwrap();
        assert_eq!(sealed.len(), 48 + 20);
        assert_eq!(&sealed[40..48], &AT.bits().to_be_bytes());
    }
}
