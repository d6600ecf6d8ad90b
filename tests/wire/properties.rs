//! What holds for all bytes, texts and orders.

use ntpscope::units::AssocId;
use ntpscope::wire::mac::Key;
use ntpscope::wire::mode6::auth::{Authenticity, request_mac, sign_reply, verify_reply};
use ntpscope::wire::mode6::fragments::{MAX_FRAGMENTS, Reply};
use ntpscope::wire::mode6::{
    HEADER_LEN, MAX_DATA, Message, Opcode, Progress, Reassembly, association_list, varlist,
};
use ntpscope::wire::packet::Packet;
use proptest::collection::vec;
use proptest::prelude::*;

/// Bytes that are often nearly a message: the first one is of the right mode half of the time.
fn datagram(first: u8) -> impl Strategy<Value = Vec<u8>> {
    (any::<bool>(), vec(any::<u8>(), 0..600)).prop_map(move |(likely, mut bytes)| {
        if likely && let Some(byte) = bytes.first_mut() {
            *byte = first;
        }
        bytes
    })
}

/// A control message whose count fits more often than chance would have it.
fn control_datagram() -> impl Strategy<Value = Vec<u8>> {
    (datagram(0x16), any::<bool>()).prop_map(|(mut bytes, fits)| {
        if fits && bytes.len() >= HEADER_LEN {
            let count = u16::try_from(bytes.len() - HEADER_LEN).unwrap();
            bytes[10..12].copy_from_slice(&(count / 2).to_be_bytes());
        }
        bytes
    })
}

/// A packet with fields behind its header more often than chance would have it.
fn packet_datagram() -> impl Strategy<Value = Vec<u8>> {
    let header = vec(any::<u8>(), 47);
    let fields = vec((any::<u16>(), 1..20_usize), 0..4);
    let end = prop_oneof![Just(0), Just(4), Just(20), Just(24), 0..30_usize];
    (any::<u8>(), header, fields, end).prop_map(|(first, header, fields, end)| {
        let mut bytes = vec![first];
        bytes.extend(header);
        for (kind, words) in fields {
            bytes.extend(kind.to_be_bytes());
            bytes.extend(u16::try_from(words * 4).unwrap().to_be_bytes());
            bytes.resize(bytes.len() + words * 4 - 4, 0x55);
        }
        bytes.resize(bytes.len() + end, 0);
        bytes
    })
}

/// A reply cut into up to 32 fragments, and an order to deliver them in, some more than once.
fn delivery() -> impl Strategy<Value = (Vec<u8>, Vec<usize>, Vec<usize>)> {
    vec(any::<u8>(), MAX_FRAGMENTS..2000).prop_flat_map(|data| {
        let cuts = vec(1..data.len(), 0..MAX_FRAGMENTS).prop_map(|mut cuts| {
            cuts.sort_unstable();
            cuts.dedup();
            cuts.insert(0, 0);
            cuts
        });
        (Just(data), cuts).prop_flat_map(|(data, mut cuts)| {
            cuts.truncate(MAX_FRAGMENTS);
            let fragments = cuts.len();
            let every_one = Just((0..fragments).collect::<Vec<_>>());
            let again = vec(0..fragments, 0..10);
            let order = (every_one, again).prop_map(|(every, again)| [every, again].concat());
            (Just(data), Just(cuts), order.prop_shuffle())
        })
    })
}

fn key() -> Key {
    Key::from_text(1, "SHA1", "secret").unwrap()
}

proptest! {
    #[test]
    fn control_messages_survive_any_bytes(bytes in control_datagram()) {
        if let Ok(message) = Message::parse(&bytes) {
            let again = message.emit();
            prop_assert!(again.starts_with(&bytes));
            prop_assert!(again.len() - bytes.len() < 4, "nothing but padding is added");
            prop_assert!(association_list(message.data).count() <= bytes.len() / 4);
            let _ = verify_reply(&bytes, &message, &key());
            let _ = request_mac(&bytes, &message, |_| Some(20));
            let _ = Reassembly::new().add(&message);
        }
    }

    #[test]
    fn packets_survive_any_bytes(bytes in prop_oneof![datagram(0x24), packet_datagram()]) {
        if let Ok(packet) = Packet::parse(&bytes) {
            prop_assert!(packet.covered(&bytes).len() >= 48);
            prop_assert_eq!(packet.emit(false), bytes);
        }
    }

    #[test]
    fn requests_are_read_back(
        sequence: u16,
        association: u16,
        opcode in 0..32_u8,
        data in vec(any::<u8>(), 0..=MAX_DATA),
    ) {
        let opcode = Opcode::from_bits(opcode);
        let message = Message::request(opcode, AssocId::new(association), sequence, &data);
        let bytes = message.emit();
        prop_assert_eq!(bytes.len() % 4, 0);
        let read = Message::parse(&bytes).unwrap();
        prop_assert_eq!(Message { trailer: &[], ..read }, message);
    }

    #[test]
    fn a_signed_reply_verifies_whole_and_not_altered(
        data in vec(any::<u8>(), 0..=MAX_DATA),
        place: prop::sample::Index,
        flip in 1..=255_u8,
    ) {
        let request = Message::request(Opcode::Configure, AssocId::SYSTEM, 1, &data);
        let mut signed = sign_reply(&Message { response: true, ..request }, &key());
        let reply = Message::parse(&signed).unwrap();
        prop_assert_eq!(verify_reply(&signed, &reply, &key()), Authenticity::Verified);
        let place = place.index(signed.len());
        signed[place] ^= flip;
        if let Ok(reply) = Message::parse(&signed) {
            prop_assert_ne!(verify_reply(&signed, &reply, &key()), Authenticity::Verified);
        }
    }

    #[test]
    fn a_reply_comes_together_in_any_order((data, cuts, order) in delivery()) {
        let mut reassembly = Reassembly::new();
        let mut whole = None;
        for index in order {
            let start = cuts[index];
            let end = cuts.get(index + 1).copied();
            let fragment = &data[start..end.unwrap_or(data.len())];
            let message = Message {
                response: true,
                more: end.is_some(),
                offset: u16::try_from(start).unwrap(),
                status: 7,
                ..Message::request(Opcode::ReadMru, AssocId::SYSTEM, 9, fragment)
            };
            match reassembly.add(&message) {
                Progress::Complete(reply) => {
                    prop_assert_eq!(whole.replace(reply), None, "complete but once");
                }
                Progress::NeedsMore | Progress::Discarded(_) => {}
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(whole, Some(Reply { data, status: 7, datagrams: cuts.len() }));
    }

    #[test]
    fn any_text_has_items(bytes in vec(any::<u8>(), 0..300)) {
        let text = varlist::text(&bytes);
        prop_assert_eq!(text.chars().count(), bytes.len());
        for item in varlist::items(&text) {
            prop_assert!(!item.name.is_empty());
            prop_assert!(!item.name.contains(['=', ',', '\r', '\n']));
            prop_assert!(item.unquoted().len() <= item.value.unwrap_or_default().len());
        }
    }

    #[test]
    fn items_are_read_as_they_were_written(
        pairs in vec(("[a-z_.0-9]{1,12}", prop_oneof![
            "[!#-+./-~]([ !#-+./-~]{0,20}[!#-+./-~])?",
            "\"[ -!#-~\r\n]{0,30}\"",
            Just(String::new()),
        ]), 0..12),
        breaks in vec(any::<bool>(), 12),
    ) {
        let mut text = String::new();
        for ((name, value), line_break) in pairs.iter().zip(breaks) {
            let separator = if line_break { ",\r\n" } else { ", " };
            text.extend([name.as_str(), "=", value.as_str(), separator]);
        }
        let read: Vec<_> = varlist::items(&text)
            .map(|item| (item.name.to_owned(), item.value.unwrap_or("?").to_owned()))
            .collect();
        prop_assert_eq!(read, pairs);
    }
}
