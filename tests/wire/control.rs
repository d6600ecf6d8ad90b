//! Control messages as daemons sent them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ntpscope::units::AssocId;
use ntpscope::wire::Malformed;
use ntpscope::wire::mode6::status::{ClockStatus, PeerStatus, Status, SystemStatus, Wording};
use ntpscope::wire::mode6::{Message, Opcode, Progress, Reassembly, association_list, varlist};

use crate::captures::{self, Capture};

#[test]
fn captures_read_as_what_they_are() {
    let mut texts = BTreeMap::<_, String>::new();
    for capture in captures::all().iter().filter(|capture| capture.is_control()) {
        let (family, name) = capture.name.split_once('-').unwrap();
        let topic = match capture.request()[1] {
            0..=5 => "variables",
            10..=12 => "lists",
            _ => "changes",
        };
        let text = texts.entry(format!("{topic}_{family}")).or_default();
        writeln!(text, "{name}").unwrap();
        for datagram in &capture.datagrams {
            writeln!(text, "  {}", summary(&datagram.bytes)).unwrap();
        }
    }
    for (name, text) in texts {
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn captures_are_emitted_again_byte_for_byte() {
    for capture in captures::all().iter().filter(|capture| capture.is_control()) {
        for datagram in &capture.datagrams {
            let Ok(message) = Message::parse(&datagram.bytes) else {
                assert_eq!(capture.name, "classic-count-too-big");
                continue;
            };
            let mut expected = datagram.bytes.clone();
            if capture.name == "classic-unaligned-len" {
                expected.resize(expected.len().next_multiple_of(4), 0);
            }
            assert_eq!(message.emit(), expected, "{}", capture.name);
        }
    }
}

#[test]
fn a_count_beyond_the_datagram_is_named() {
    let capture = Capture::named("classic-count-too-big");
    assert_eq!(
        Message::parse(capture.request()),
        Err(Malformed::Overrun { field: "count", position: 12, claimed: 40, found: 4 })
    );
}

#[test]
fn the_association_list_is_pairs() {
    let capture = Capture::named("classic-readstat-assoc-0");
    let reply = Message::parse(capture.replies().next().unwrap()).unwrap();
    let list: Vec<_> = association_list(reply.data).collect();
    assert_eq!(list.len(), 7);
    assert_eq!(list[0], (AssocId::new(0xe12d), 0x8811));
    assert_eq!(list[6], (AssocId::new(0xe127), 0x9014));
}

#[test]
fn replies_of_several_datagrams_come_together() {
    for (name, last_item) in [
        ("classic-readvar-many", "io_sent"),
        ("classic-readvar-peer", "filtdisp"),
        ("ntpsec-readvar-many", "io_sent"),
    ] {
        let capture = Capture::named(name);
        let mut reply = Reassembly::new();
        let messages: Vec<_> = capture.replies().map(|r| Message::parse(r).unwrap()).collect();
        let (last, first) = messages.split_last().unwrap();
        for message in first {
            assert_eq!(reply.add(message), Progress::NeedsMore);
        }
        let Progress::Complete(whole) = reply.add(last) else { panic!("{name} is not whole") };
        assert_eq!(whole.datagrams, messages.len());
        let text = varlist::text(&whole.data);
        assert!(text.ends_with("\r\n"));
        assert_eq!(varlist::items(&text).last().unwrap().name, last_item, "{name}");
    }
}

#[test]
fn a_daemon_may_answer_twice() {
    let capture = Capture::named("classic-unsettrap-k1");
    let replies: Vec<_> = capture.replies().map(|r| Message::parse(r).unwrap()).collect();
    assert!(replies[0].error && !replies[1].error);
    assert_eq!(replies[0].sequence, replies[1].sequence);
}

/// A datagram in a line or two: what a person would want to know of it.
fn summary(datagram: &[u8]) -> String {
    let message = match Message::parse(datagram) {
        Ok(message) => message,
        Err(error) => return format!("{error}"),
    };
    let mut line = format!(
        "{} v{} {:?} #{:04x} assoc {}",
        if message.response { "reply" } else { "request" },
        message.version,
        message.opcode,
        message.sequence,
        message.association
    );
    if let Some(code) = message.error_code() {
        write!(line, ": {code}").unwrap();
    } else if let Some(status) = status(&message) {
        write!(line, " [{}]", status.decoded(Wording::Classic)).unwrap();
    }
    if message.more || message.offset != 0 {
        let more = if message.more { ", more" } else { "" };
        write!(line, " from {}{more}", message.offset).unwrap();
    }
    let text = varlist::text(message.data);
    let names: Vec<_> = varlist::items(&text).map(|item| item.name).collect();
    match names.as_slice() {
        _ if message.opcode == Opcode::ReadStatus && message.response => {
            let list = association_list(message.data).map(|(id, word)| format!("{id}:{word:04x}"));
            write!(line, " {}", list.collect::<Vec<_>>().join(" ")).unwrap();
        }
        _ if message.opcode == Opcode::Configure => write!(line, " {text:?}").unwrap(),
        [] => {}
        [only] => write!(line, " {only}").unwrap(),
        [first, .., last] => write!(line, " {first} … {last}, {} items", names.len()).unwrap(),
    }
    if !message.trailer.is_empty() {
        write!(line, " +{}", message.trailer.len()).unwrap();
    }
    line
}

/// The status word of a reply that has one.
fn status(message: &Message<'_>) -> Option<Status> {
    let word = message.status;
    let is_system = message.association == AssocId::SYSTEM;
    match message.opcode {
        _ if !message.response => None,
        Opcode::ReadClock => Some(Status::Clock(ClockStatus::from_bits(word))),
        Opcode::Unspecified | Opcode::ReadStatus | Opcode::ReadVariables if is_system => {
            Some(Status::System(SystemStatus::from_bits(word)))
        }
        Opcode::ReadStatus | Opcode::ReadVariables => {
            Some(Status::Peer(PeerStatus::from_bits(word)))
        }
        _ => None,
    }
}
