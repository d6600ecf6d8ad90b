//! Mode 7: what a real daemon answered, and what nobody would answer.

use std::path::Path;
use std::{fs, iter};

use ntpscope::wire::mode7::clock::{Clock, Debugging};
use ntpscope::wire::mode7::counters::{
    AuthenticationInfo, ControlStatistics, IoStatistics, MemoryStatistics, SystemStatistics,
    TimerStatistics,
};
use ntpscope::wire::mode7::fragments::Ignored;
use ntpscope::wire::mode7::interface::Interface;
use ntpscope::wire::mode7::monitor::{Heard, HeardOfOld};
use ntpscope::wire::mode7::peer::{Details, Listed, Statistics, Summary};
use ntpscope::wire::mode7::restrict::Restriction;
use ntpscope::wire::mode7::system::{Kernel, Loop, System};
use ntpscope::wire::mode7::trap::Trap;
use ntpscope::wire::mode7::{
    Code, HEADER_LEN, Implementation, Items, Message, Progress, Reassembly, Refusal, auth,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

/// A reply as it was captured, and the items that the capturing program made of it.
struct Captured {
    implementation: Implementation,
    code: Code,
    error: Option<Refusal>,
    datagrams: Vec<Vec<u8>>,
    items: Vec<Vec<u8>>,
}

impl Captured {
    fn waiting(&self) -> Reassembly {
        Reassembly::new(self.implementation, self.code)
    }
}

/// Every captured reply.
fn captured() -> Vec<Captured> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/frozen/private.json");
    let capture: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut found = Vec::new();
    for (implementation, parts) in capture.as_object().unwrap() {
        let implementation = Implementation::from_bits(implementation.parse().unwrap());
        let lists = parts["lists"].as_object().unwrap().iter();
        let named = parts["named"].as_object().unwrap().iter();
        let named = named.flat_map(|(code, replies)| {
            iter::repeat(code).zip(replies.as_object().unwrap().values())
        });
        for (code, reply) in lists.chain(named) {
            let of = |name: &str| {
                let list = reply[name].as_array().unwrap().iter();
                list.map(|text| hex(text.as_str().unwrap())).collect::<Vec<_>>()
            };
            found.push(Captured {
                implementation,
                code: Code::from_bits(code.parse().unwrap()),
                error: Refusal::from_bits(u8::try_from(reply["error"].as_u64().unwrap()).unwrap()),
                datagrams: of("datagrams"),
                items: of("items"),
            });
        }
    }
    assert!(found.len() > 30, "only {} replies", found.len());
    found
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// The reply to these datagrams in this order.
fn reply(waiting: &mut Reassembly, datagrams: &[Vec<u8>]) -> Option<Items> {
    let mut whole = None;
    for datagram in datagrams {
        if let Progress::Complete(items) = waiting.add(datagram) {
            whole = Some(items);
        }
    }
    whole
}

#[test]
fn captured_datagrams_are_emitted_as_they_came() {
    for captured in captured() {
        for datagram in &captured.datagrams {
            let message = Message::parse(datagram).unwrap();
            assert_eq!(message.emit(), *datagram);
            assert_eq!(
                (message.implementation, message.code),
                (captured.implementation, captured.code)
            );
            assert_eq!(message.refusal, captured.error);
        }
    }
}

#[test]
fn captured_replies_are_put_together_from_either_end() {
    for captured in captured() {
        if let Some(error) = captured.error {
            let progress = captured.waiting().add(&captured.datagrams[0]);
            assert_eq!(progress, Progress::Refused(error));
            continue;
        }
        let forwards = reply(&mut captured.waiting(), &captured.datagrams).unwrap();
        let backwards: Vec<_> = captured.datagrams.iter().rev().cloned().collect();
        assert_eq!(reply(&mut captured.waiting(), &backwards), Some(forwards.clone()));
        assert_eq!(forwards.iter().map(<[u8]>::to_vec).collect::<Vec<_>>(), captured.items);
        let len = captured.code.reply_len().of(captured.implementation);
        assert_eq!(forwards.item_len(), usize::from(len), "{:?}", captured.code);
    }
}

#[test]
fn a_datagram_that_is_cut_is_no_part_of_a_reply() {
    for captured in captured().iter().filter(|captured| captured.error.is_none()) {
        let datagram = captured.datagrams.last().unwrap();
        for len in 0..datagram.len() {
            let progress = captured.waiting().add(&datagram[..len]);
            let expected = if len < HEADER_LEN { Ignored::Unreadable } else { Ignored::Overrun };
            assert_eq!(progress, Progress::Ignored(expected), "{:?} cut to {len}", captured.code);
        }
    }
}

#[test]
fn items_say_what_the_daemon_had() {
    let captured = captured();
    let item = |code| {
        let is_it = |captured: &&Captured| {
            captured.code == code && captured.implementation == Implementation::Current
        };
        captured.iter().find(is_it).unwrap().items.clone()
    };
    let summaries: Vec<_> = item(Code::PeerListSummary).iter().map(|i| Summary::parse(i)).collect();
    let remotes: Vec<_> = summaries.iter().map(|peer| peer.remote.to_string()).collect();
    for remote in ["10.8.0.2", "fd08::2", "10.8.0.77", "10.8.0.255", "10.9.9.9", "127.127.1.0"] {
        assert!(remotes.iter().any(|known| known == remote), "{remote} in {remotes:?}");
    }
    let listed: Vec<_> = item(Code::PeerList).iter().map(|i| Listed::parse(i)).collect();
    let same = listed.iter().map(|peer| peer.remote.to_string()).collect::<Vec<_>>();
    assert_eq!(same, remotes);
    assert!(listed.iter().all(|peer| peer.port == 123));
    let keyed = Details::parse(&item(Code::PeerInfo)[0]);
    assert_eq!(
        (keyed.remote.to_string().as_str(), keyed.key_id, keyed.version),
        ("10.8.0.2", 1, 4)
    );
    let clock = Clock::parse(&item(Code::ClockInfo)[0]);
    assert_eq!((clock.kind, &clock.reference_id), (1, b"LOCL"));
    let trap = Trap::parse(&item(Code::Traps)[0]);
    assert!(trap.is_configured() && trap.port == 18447);
    let restrictions: Vec<_> =
        item(Code::Restrictions).iter().map(|i| Restriction::parse(i)).collect();
    assert!(restrictions.iter().any(|row| row.address.is_ipv6()));
    let loopback = item(Code::InterfaceStatistics)
        .iter()
        .map(|i| Interface::parse(i))
        .find(|i| i.address.to_string() == "127.0.0.1");
    assert_eq!(loopback.unwrap().name, b"lo");
    assert_eq!(AuthenticationInfo::parse(&item(Code::AuthenticationInfo)[0]).stored, 3);
}

/// Every layout over the same bytes; what they make of them, in words.
fn read_all(item: &[u8]) -> String {
    format!(
        "{:?}",
        (
            (
                Listed::parse(item),
                Summary::parse(item),
                Details::parse(item),
                Statistics::parse(item)
            ),
            (System::parse(item), Loop::parse(item), Kernel::parse(item)),
            (
                SystemStatistics::parse(item),
                IoStatistics::parse(item),
                TimerStatistics::parse(item)
            ),
            (AuthenticationInfo::parse(item), ControlStatistics::parse(item)),
            (MemoryStatistics::parse(item), Clock::parse(item), Debugging::parse(item)),
            (Restriction::parse(item), Heard::parse(item), Heard::parse_first(item)),
            (HeardOfOld::parse(item), Interface::parse(item), Trap::parse(item)),
        )
    )
}

/// A datagram that is often nearly part of the reply to a question about interfaces.
fn datagram() -> impl Strategy<Value = Vec<u8>> {
    let header = (any::<[u8; 3]>(), 0..6_u8, any::<bool>(), 0..40_u16, 0..40_u16);
    (header, vec(any::<u8>(), 0..700)).prop_map(|((wild, sequence, more, count, len), body)| {
        let [choice, other, error] = wild;
        let message = Message {
            response: choice & 7 != 0,
            more,
            version: if choice & 0x18 == 0 { other & 7 } else { 2 },
            authenticated: choice & 0x60 == 0,
            sequence,
            implementation: if choice & 0x80 == 0 {
                Implementation::Current
            } else {
                Implementation::from_bits(other)
            },
            code: Code::InterfaceStatistics,
            refusal: Refusal::from_bits(if error < 16 { error } else { 0 }),
            count,
            reserved: u8::from(other == 0),
            item_len: len,
            body: &body,
        };
        message.emit()
    })
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_none(bytes in vec(any::<u8>(), 0..600)) {
        if let Ok(message) = Message::parse(&bytes) {
            prop_assert_eq!(message.emit(), bytes.clone());
            if let Ok(items) = message.items() {
                prop_assert!(items.len() <= message.body.len());
            }
        }
        let _ = auth::tail(&bytes);
    }

    #[test]
    fn any_datagrams_give_at_most_one_reply(datagrams in vec(datagram(), 0..30)) {
        let mut waiting = Reassembly::new(Implementation::Current, Code::InterfaceStatistics);
        let mut whole = 0;
        for datagram in &datagrams {
            if let Progress::Complete(items) = waiting.add(datagram) {
                whole += 1;
                prop_assert!(items.iter().count() == items.count());
                prop_assert!(items.count() * items.item_len() <= 128 * 500);
                prop_assert!(items.iter().all(|item| item.len() == items.item_len()));
            }
        }
        prop_assert!(whole <= 1);
    }

    #[test]
    fn order_and_duplicates_change_nothing(
        order in vec(0..5_usize, 0..12),
        rest in Just([0, 1, 2, 3, 4]).prop_shuffle(),
    ) {
        let part = |place: usize| {
            let [low, ..] = place.to_le_bytes();
            let body = [low; 6];
            Message {
                response: true,
                more: place < 4,
                version: 2,
                authenticated: false,
                sequence: low,
                implementation: Implementation::Old,
                code: Code::PeerList,
                refusal: None,
                count: 2,
                reserved: 0,
                item_len: 3,
                body: &body,
            }
            .emit()
        };
        let mut waiting = Reassembly::new(Implementation::Old, Code::PeerList);
        let sent: Vec<_> = order.into_iter().chain(rest).map(part).collect();
        let items = reply(&mut waiting, &sent).unwrap();
        let all: Vec<u8> = items.iter().flatten().copied().collect();
        let expected: Vec<u8> = (0..5).flat_map(|place| [place; 6]).collect();
        prop_assert_eq!(all, expected);
    }

    #[test]
    fn what_an_item_does_not_have_is_zero(item in vec(any::<u8>(), 0..400)) {
        let mut filled = item.clone();
        filled.resize(400, 0);
        prop_assert_eq!(read_all(&item), read_all(&filled));
    }
}
