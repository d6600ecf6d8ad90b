//! Captured packets cut short and with bytes changed.

use ntpscope::wire::mode6::{HEADER_LEN, Message, varlist};
use ntpscope::wire::packet::{self, Packet};

use crate::captures;

#[test]
fn a_control_message_cut_within_header_or_data_is_malformed() {
    for capture in captures::all().iter().filter(|capture| capture.is_control()) {
        for datagram in &capture.datagrams {
            let Ok(whole) = Message::parse(&datagram.bytes) else { continue };
            let data_end = HEADER_LEN + whole.data.len();
            for len in 0..datagram.bytes.len() {
                let cut = Message::parse(&datagram.bytes[..len]);
                assert_eq!(cut.is_ok(), len >= data_end, "{} at {len}", capture.name);
                if let Ok(cut) = cut {
                    assert_eq!(cut.data, whole.data);
                    assert_eq!(cut.trailer.len(), len - data_end);
                }
            }
        }
    }
}

#[test]
fn a_packet_cut_anywhere_is_malformed_or_another_packet() {
    for capture in captures::all().iter().filter(|capture| capture.is_ntp()) {
        for datagram in &capture.datagrams {
            let whole = Packet::parse(&datagram.bytes).unwrap();
            for len in 0..datagram.bytes.len() {
                let bytes = &datagram.bytes[..len];
                let Ok(cut) = Packet::parse(bytes) else { continue };
                assert!(len >= packet::HEADER_LEN && len.is_multiple_of(4));
                assert_eq!(cut.header, whole.header);
                assert_ne!(cut, whole);
                assert_eq!(cut.emit(false), bytes);
            }
        }
    }
}

#[test]
fn a_text_cut_anywhere_keeps_the_items_before_the_cut() {
    for capture in captures::all().iter().filter(|capture| capture.is_control()) {
        for reply in capture.replies() {
            let message = Message::parse(reply).unwrap();
            let text = varlist::text(message.data);
            let items: Vec<_> = varlist::items(&text).collect();
            for (end, _) in text.char_indices() {
                let cut: Vec<_> = varlist::items(&text[..end]).collect();
                let whole = cut.len().saturating_sub(1);
                assert_eq!(cut[..whole], items[..whole], "{} at {end}", capture.name);
            }
        }
    }
}

#[test]
fn any_one_byte_may_be_wrong() {
    for capture in captures::all() {
        for datagram in &capture.datagrams {
            for place in 0..datagram.bytes.len() {
                for value in [0, 0xff, b'"', b',', b'='] {
                    let mut bytes = datagram.bytes.clone();
                    bytes[place] = value;
                    if let Ok(message) = Message::parse(&bytes) {
                        let text = varlist::text(message.data);
                        assert!(varlist::items(&text).count() <= message.data.len());
                    }
                    if let Ok(packet) = Packet::parse(&bytes) {
                        assert_eq!(packet.emit(false), bytes, "{} at {place}", capture.name);
                    }
                }
            }
        }
    }
}
