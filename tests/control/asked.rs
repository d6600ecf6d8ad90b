//! The answering side: by what real clients sent, by our own asking side, and by what nobody should
//! send.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ntpscope::config::restrict::{Flags, Selector};
use ntpscope::control::pipeline::Settings;
use ntpscope::control::responder::books::{Books, Interface, OfPicture, Restriction, Visit};
use ntpscope::control::responder::{Admitted, Asker, Responder, What};
use ntpscope::control::timing::Timing;
use ntpscope::control::watcher::{Input, Watcher};
use ntpscope::model::daemon::{Associations, Detail};
use ntpscope::model::vars::{Scope, peer, system};
use ntpscope::model::{Contact, Daemon, Dated, Dialect, Identity, Part, Peer, Reply, Values};
use ntpscope::units::{AssocId, Mono, Now, NtpDuration, NtpTimestamp};
use ntpscope::wire::mac::Key;
use ntpscope::wire::mode6::auth::{Alignment, sign_request};
use ntpscope::wire::mode6::status::{PeerStatus, SystemStatus};
use ntpscope::wire::mode6::{ErrorCode, Message, Opcode, Progress, Reassembly};
use proptest::prelude::*;

use crate::captures;
use crate::line::Line;
use crate::watching::{ADDRESS, s};
use crate::world::{Answerer, World};

/// The keys of the captures, of which the first is for changes, and thousands more.
struct Keys(Vec<Key>);

impl Keys {
    fn new() -> Self {
        let key = |id, word, secret: &str| Key::from_text(id, word, secret).unwrap();
        let mut keys = vec![key(1, "MD5", "secretmd5"), key(2, "SHA1", "SecretSha1")];
        keys.extend((3..10_000).map(|id| key(id, "MD5", &format!("secret{id}"))));
        Self(keys)
    }
}

impl Books for Keys {
    fn key(&self, id: u32) -> Option<&Key> {
        self.0.get(usize::try_from(id).ok()?.checked_sub(1)?)
    }
    fn control_key(&self) -> Option<u32> {
        Some(1)
    }
    fn restrictions(&self, visit: &mut Visit<'_, Restriction>) {
        let (selector, flags) = (Selector::ANY_V4, Flags::NOMODIFY);
        let _ = visit(Restriction { selector, flags, is_source: false, hits: 1 });
    }
    fn interfaces(&self, visit: &mut Visit<'_, Interface>) {
        let _ = visit(Interface::new("127.0.0.1:123".parse().unwrap(), "lo".into(), 5));
    }
}

fn at(nanos: u64) -> Now {
    let mono = Mono::from_nanos(nanos);
    let clock = CLOCK + NtpDuration::from(mono.since(Mono::default()));
    Now { mono, clock, ..Now::default() }
}

const CLOCK: NtpTimestamp = NtpTimestamp::from_bits(0xeeab_5d8c << 32);

/// Values as a real daemon told them: the status word, and what is behind the first line of a file.
fn told(scope: Scope, file: &str) -> (u16, Values) {
    let path = format!("{}/tests/data/replies/{file}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    let (status, data) = text.split_once('\n').unwrap();
    let status = u16::from_str_radix(status.strip_prefix("status=").unwrap(), 16).unwrap();
    let reply = Reply::new(status, data.as_bytes(), 1, Dated::default());
    (status, Values::decode(scope, Some(Dialect::Classic), &[], &reply))
}

/// A real daemon with its server, put together from what it told.
fn picture() -> Daemon {
    let dated = Dated { asked: Mono::default(), answered: Mono::default(), clock: CLOCK };
    let (status, values) = told(Scope::System, "ntpd-4.2.8p15-system");
    let (word, row) = told(Scope::Peer, "ntpd-4.2.8p15-server");
    let (_, counters) = told(Scope::Peer, "ntpd-4.2.8p15-server-counters");
    let mut list = Vec::new();
    for id in [101, 102, 103] {
        let mut source = Peer::new(AssocId::new(id), PeerStatus::from_bits(word));
        source.row = Part::answered(row.clone(), dated);
        *source.detail_mut(Detail::Counters) = Part::answered(counters.clone(), dated);
        list.push(Arc::new(source));
    }
    let associations = Associations {
        system: SystemStatus::from_bits(status),
        list: list.iter().map(|peer| (peer.id, peer.status)).collect(),
    };
    Daemon {
        contact: Contact::Answering { last: Mono::default(), round_trip: Duration::ZERO },
        identity: Some(Arc::new(Identity::read(values.text(&system::VERSION).unwrap()))),
        system: Part::answered(values, dated),
        associations: Part::answered(associations, dated),
        peers: list.into(),
        ..Daemon::default()
    }
}

fn local() -> Asker {
    let from = "127.0.0.1:4000".parse().unwrap();
    Asker { from, flags: Flags::NONE, admitted: Admitted::ByNobody }
}

fn ask(responder: &mut Responder, datagram: &[u8], books: &dyn Books) -> Vec<Vec<u8>> {
    let mut replies = Vec::new();
    let change = responder.handle(&at(0), &local(), datagram, &picture(), books, &mut replies);
    if let Some(change) = change.filter(|change| !matches!(change.what, What::ForgetEvents(_))) {
        responder.finish(&change, "Config Succeeded", books, &mut replies);
    }
    replies
}

fn together(replies: &[Vec<u8>]) -> Result<Vec<u8>, Option<ErrorCode>> {
    let mut whole = Reassembly::default();
    for reply in replies {
        match whole.add(&Message::parse(reply).unwrap()) {
            Progress::Complete(reply) => return Ok(reply.data),
            Progress::Refused(code) => return Err(Some(code)),
            Progress::NeedsMore => {}
            other => panic!("{other:?}"),
        }
    }
    Err(None)
}

/// What real daemons answer, as far as it is a matter of the protocol.
#[test]
fn captured_requests_are_answered_in_the_shape_in_which_they_were() {
    let books = Keys::new();
    let mut compared = 0;
    for capture in captures::all() {
        let is_control = capture.name.starts_with("classic-") && !capture.is_ntp();
        // A nonce is good for nobody else, traps are refused otherwise, and the picture has neither
        // the association nor the clock that were asked about.
        let is_other = ["mru", "trap", "readclock", "readvar-peer", "readstat"];
        if !is_control || is_other.iter().any(|word| capture.name.contains(word)) {
            continue;
        }
        let theirs = Message::parse(capture.replies().next().unwrap()).unwrap();
        let replies = ask(&mut Responder::new([1; 32]), capture.request(), &books);
        let ours = Message::parse(&replies[0]).unwrap();
        let name = &capture.name;
        let header = |m: &Message<'_>| (m.version, m.opcode, m.sequence, m.association, m.response);
        // One request was asked again with another sequence.
        if name != "classic-readvar-sys-all" {
            assert_eq!(header(&ours), header(&theirs), "{name}");
        }
        assert_eq!(ours.error_code(), theirs.error_code(), "{name}");
        assert_eq!(ours.data.is_empty(), theirs.data.is_empty(), "{name}");
        if theirs.error {
            assert_eq!(replies[0].len(), capture.replies().next().unwrap().len(), "{name}");
            assert_eq!((ours.offset, ours.status & 0xff), (0, 0), "{name}");
        }
        compared += 1;
    }
    assert!(compared >= 14, "{compared} captures");
}

#[test]
fn captured_clients_without_a_nonce_of_ours_hear_nothing() {
    for capture in captures::all().iter().filter(|c| c.name.starts_with("classic-mru")) {
        assert_eq!(
            ask(&mut Responder::new([1; 32]), capture.request(), &Keys::new()),
            Vec::<Vec<u8>>::new()
        );
    }
}

#[test]
fn what_a_real_daemon_told_is_told_on_unchanged() {
    let daemon = picture();
    for (scope, association, file) in
        [(Scope::System, 0, "ntpd-4.2.8p15-system"), (Scope::Peer, 101, "ntpd-4.2.8p15-server")]
    {
        let (_, before) = told(scope, file);
        let request =
            Message::request(Opcode::ReadVariables, AssocId::new(association), 1, b"").emit();
        let replies = ask(&mut Responder::new([1; 32]), &request, &Keys::new());
        let data = together(&replies).unwrap();
        let reply = Reply::new(0, data, 1, Dated::default());
        let after = Values::decode(scope, Some(Dialect::Classic), &[], &reply);
        for (row, value) in before.iter() {
            // The clock goes on, and arrays have a digit more.
            if *row == system::CLOCK {
                continue;
            }
            assert_eq!(after.get(row).ok(), value.ok(), "{}", row.name);
        }
        let others = |values: &Values| {
            values.others().map(|(a, b)| (a.to_owned(), b.to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(others(&after), others(&before));
    }
    assert_eq!(daemon.peers.len(), 3);
}

/// A picture that answers.
struct Answering {
    responder: Responder,
    daemon: Daemon,
}

impl Answerer for Answering {
    fn answer(&mut self, now: Mono, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let now = at(now.nanos());
        let books = OfPicture { daemon: &self.daemon, now: now.mono };
        let mut replies = Vec::new();
        let change =
            self.responder.handle(&now, &local(), request, &self.daemon, &books, &mut replies);
        assert_eq!(change, None);
        replies.into_iter().map(|reply| (Duration::ZERO, reply)).collect()
    }
    fn is_closed(&self) -> bool {
        false
    }
}

#[test]
fn our_own_asking_side_sees_the_picture_that_is_answered_from() {
    let daemon = picture();
    let answering = Answering { responder: Responder::new([1; 32]), daemon: daemon.clone() };
    let watcher = Watcher::new(Settings::new(Timing::live(), [4; 32]));
    let line = Line::perfect(Duration::from_millis(5));
    let mut world = World::new(4, watcher, answering, line);
    world.input(|watcher, now| watcher.handle(now, Input::Address(ADDRESS.parse().unwrap())));
    world.run_until(s(5), |world| {
        let seen = world.events.last();
        seen.is_some_and(|(_, seen)| {
            seen.peers.len() == 3 && seen.peers.iter().all(|peer| peer.row.latest().is_some())
        })
    });
    let (_, seen) = world.events.last().unwrap();
    assert_eq!(
        seen.associations.latest().unwrap().list,
        daemon.associations.latest().unwrap().list
    );
    for (ours, theirs) in seen.peers.iter().zip(daemon.peers.iter()) {
        for row in [&peer::SOURCE, &peer::OFFSET, &peer::REFERENCE_ID, &peer::FLASH, &peer::REACH] {
            assert_eq!(
                ours.value(row).map(|(value, _)| value),
                theirs.value(row).map(|(value, _)| value),
                "{}",
                row.name
            );
        }
    }
    let clock = seen.clock_at(world.now).unwrap();
    let expected = daemon.clock_at(world.now).unwrap();
    assert!((clock - expected).abs() < NtpDuration::from_milliseconds(20.0));
}

#[test]
fn every_one_of_ten_thousand_keys_is_told_from_the_others() {
    let books = Keys::new();
    let request = Message::request(Opcode::Configure, AssocId::SYSTEM, 7, b"enable auth");
    let mut responder = Responder::new([1; 32]);
    for key in books.0.iter().step_by(97).chain(books.0.last()) {
        let datagram = sign_request(&request, key, Alignment::Eight);
        let mut replies = Vec::new();
        let change =
            responder.handle(&at(0), &local(), &datagram, &picture(), &books, &mut replies);
        assert_eq!(change.is_some(), key.id().get() == 1, "{}", key.id());
    }
}

fn datagrams() -> impl Strategy<Value = Vec<u8>> {
    let random = prop::collection::vec(any::<u8>(), 0..600);
    // Most random bytes are no control message, so most of these are.
    let likely = (
        prop::sample::select(vec![0x0e_u8, 0x16, 0x26, 0xd6, 0x36]),
        prop_oneof![8 => 0_u8..32, 1 => any::<u8>()],
        prop_oneof![Just(0_u16), Just(101), any::<u16>()],
        prop_oneof![9 => Just(0_u16), 1 => any::<u16>()],
        "[a-z_.,= 0-9x\"]{0,40}",
        prop::collection::vec(any::<u8>(), 0..40),
    )
        .prop_map(|(first, second, association, offset, text, trailer)| {
            let mut bytes = vec![first, second, 0, 7, 0, 0];
            bytes.extend(association.to_be_bytes());
            bytes.extend(offset.to_be_bytes());
            bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend(text.bytes());
            bytes.extend(trailer);
            bytes
        });
    prop_oneof![random, likely]
}

proptest! {
    #[test]
    fn whatever_comes_changes_nothing_and_answers_are_bounded(
        datagram in datagrams(),
        host in any::<u32>(),
        admitted in prop::sample::select(vec![
            Admitted::ByNobody, Admitted::ByDefault, Admitted::ByName,
        ]),
    ) {
        let address = IpAddr::V4(Ipv4Addr::from_bits(host));
        let asker = Asker { from: SocketAddr::new(address, 4000), flags: Flags::NONE, admitted };
        let books = Keys(vec![Key::from_text(1, "MD5", "secretmd5").unwrap()]);
        let mut replies = Vec::new();
        let mut responder = Responder::new([1; 32]);
        let change =
            responder.handle(&at(0), &asker, &datagram, &picture(), &books, &mut replies);
        prop_assert_eq!(change, None);
        if admitted == Admitted::ByNobody && !address.is_loopback() {
            prop_assert!(replies.is_empty());
        }
        prop_assert!(replies.len() <= 8);
        for reply in &replies {
            let message = Message::parse(reply).unwrap();
            prop_assert!(message.response && reply.len() <= 504);
            prop_assert_eq!(message.version, datagram[0] >> 3 & 7);
        }
    }

    #[test]
    fn a_request_cut_or_damaged_anywhere_changes_nothing(cut in 0_usize..60, bit in 0_usize..480) {
        let books = Keys(vec![Key::from_text(1, "MD5", "secretmd5").unwrap()]);
        let request = Message::request(Opcode::Configure, AssocId::SYSTEM, 7, b"server 192.0.2.9");
        let signed = sign_request(&request, &books.0[0], Alignment::Eight);
        let mut damaged = signed.clone();
        if let Some(byte) = damaged.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        for datagram in [&signed[..cut.min(signed.len() - 1)], &damaged] {
            if datagram == signed {
                continue;
            }
            let mut replies = Vec::new();
            let change = Responder::new([1; 32])
                .handle(&at(0), &local(), datagram, &picture(), &books, &mut replies);
            prop_assert_eq!(change, None);
        }
    }
}
