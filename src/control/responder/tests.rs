//! Requests as datagrams, answers as their parts put together.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::*;
use crate::config::restrict::Selector;
use crate::control::responder::books::{
    Client, Extra, Interface, OfPicture, Restriction, Visit, behind,
};
use crate::model::clients::{ClientRecord, Service};
use crate::model::daemon::{Associations, Contact};
use crate::model::part::{Dated, Part};
use crate::model::values::{Value, Values};
use crate::model::vars::{clock, peer};
use crate::units::{Mode, Mono, NtpDuration, NtpTimestamp, Stratum};
use crate::wire::mac::Key;
use crate::wire::mode6::auth::{Alignment, Authenticity, sign_request, verify_reply};
use crate::wire::mode6::status::{PeerStatus, SystemStatus};
use crate::wire::mode6::{Progress, Reassembly, association_list};

/// Two keys, the first of which is for changes, and as many clients as a test wants.
#[derive(Debug)]
struct Lists {
    keys: Vec<Key>,
    clients: Vec<Client>,
}

impl Lists {
    fn new() -> Self {
        let key = |id, word, secret| Key::from_text(id, word, secret).unwrap();
        let keys = vec![key(1, "MD5", "secretmd5"), key(2, "SHA1", "SecretSha1")];
        Self { keys, clients: Vec::new() }
    }

    fn with_clients(count: u32) -> Self {
        let client = |n: u32| Client {
            address: SocketAddr::new(std::net::Ipv4Addr::from_bits(0x7f00_0100 + n).into(), 4000),
            local: None,
            first: NtpTimestamp::from_bits(1 << 32),
            last: NtpTimestamp::from_bits(u64::from(100 + n) << 32),
            count: u64::from(n % 7) + 1,
            dropped: 0,
            score: 0.0,
            mode: Mode::Client,
            version: 4,
            flags: if n.is_multiple_of(2) { Flags::LIMITED } else { Flags::NONE },
        };
        Self { clients: (0..count).map(client).collect(), ..Self::new() }
    }
}

impl Books for Lists {
    fn key(&self, id: u32) -> Option<&Key> {
        self.keys.iter().find(|key| key.id().get() == id)
    }
    fn control_key(&self) -> Option<u32> {
        Some(1)
    }
    fn client(&self, address: std::net::IpAddr) -> Option<Client> {
        self.clients.iter().find(|client| client.address.ip() == address).copied()
    }
    fn clients(&self, after: Option<std::net::IpAddr>, visit: &mut Visit<'_, Client>) {
        let _ = behind(&self.clients, after).iter().copied().try_for_each(visit);
    }
    fn variables(&self, visit: &mut Visit<'_, Extra>) {
        let (name, value) = ("place".into(), "here".into());
        let _ = visit(Extra { name, value, is_default: false });
    }
    fn restrictions(&self, visit: &mut Visit<'_, Restriction>) {
        let row = |selector, flags| Restriction { selector, flags, is_source: false, hits: 3 };
        let _ = visit(row(Selector::host("127.0.0.1".parse().unwrap()), Flags::NONE));
        let all = Flags::KOD.with(Flags::LIMITED);
        let _ = visit(row(Selector::ANY_V4.from_ntp_port(), all));
    }
    fn interfaces(&self, visit: &mut Visit<'_, Interface>) {
        for n in 0..20 {
            let address = SocketAddr::new(std::net::Ipv4Addr::new(10, 0, 0, n).into(), 123);
            let interface = Interface::new(address, format!("eth{n}").into(), 0x19);
            if visit(interface) == ControlFlow::Break(()) {
                return;
            }
        }
    }
}

fn at(seconds: u64) -> Now {
    let clock = NtpTimestamp::from_bits((1000 + seconds) << 32);
    Now { mono: Mono::from_nanos(seconds * 1_000_000_000), clock, ..Now::default() }
}

/// A daemon with two servers, the second of which has a reference clock's variables.
fn picture() -> Daemon {
    let dated = Dated { asked: at(10).mono, answered: at(10).mono, clock: at(10).clock };
    let values = Values::typed([
        (&system::VERSION, Value::Text("ntpscope 0".into())),
        (&system::LEAP, Value::Leap(Leap::None)),
        (&system::STRATUM, Value::Stratum(Stratum::new(2))),
        (&system::CLOCK, Value::Timestamp(at(10).clock)),
        (&system::PEER, Value::Association(AssocId::new(11))),
        (&system::RECEIVED, Value::Unsigned(99)),
    ]);
    let mut list = vec![
        Peer::new(AssocId::new(11), PeerStatus::from_bits(0x961a)),
        Peer::new(AssocId::new(12), PeerStatus::from_bits(0x8011)),
    ];
    for source in &mut list {
        let row = Values::typed([
            (&peer::SOURCE, Value::Address("192.0.2.7".parse().unwrap())),
            (&peer::OFFSET, Value::Duration(NtpDuration::from_milliseconds(-0.25))),
        ]);
        source.row = Part::answered(row, dated);
    }
    let driver = Values::typed([(&clock::DEVICE, Value::Text("a clock".into()))]);
    *list[1].detail_mut(Detail::Clock) = Part::answered(driver, dated);
    let associations = Associations {
        system: SystemStatus::from_bits(0x0618),
        list: list.iter().map(|peer| (peer.id, peer.status)).collect(),
    };
    Daemon {
        contact: Contact::Answering { last: at(10).mono, round_trip: std::time::Duration::ZERO },
        system: Part::answered(values, dated),
        associations: Part::answered(associations, dated),
        peers: list.into_iter().map(Arc::new).collect(),
        ..Daemon::default()
    }
}

fn local() -> Asker {
    let from = "127.0.0.1:4000".parse().unwrap();
    Asker { from, flags: Flags::NONE, admitted: Admitted::ByNobody }
}

fn responder() -> Responder {
    Responder::new([3; 32])
}

fn request(opcode: Opcode, association: u16, data: &[u8]) -> Message<'_> {
    Message::request(opcode, AssocId::new(association), 7, data)
}

/// What came of a request.
#[derive(Debug, PartialEq)]
enum Got {
    Silence,
    Error(ErrorCode),
    Data(u16, String),
    Change(What),
}

fn ask_as(responder: &mut Responder, asker: &Asker, datagram: &[u8], books: &dyn Books) -> Got {
    let mut replies = Vec::new();
    let change = responder.handle(&at(12), asker, datagram, &picture(), books, &mut replies);
    let got = got(&replies);
    match change {
        Some(Change { what: What::ForgetEvents(_), .. }) | None => got,
        Some(change) => {
            assert_eq!(got, Got::Silence);
            Got::Change(change.what)
        }
    }
}

fn got(replies: &[Vec<u8>]) -> Got {
    let mut whole = Reassembly::default();
    for reply in replies {
        let message = Message::parse(reply).unwrap();
        assert!(message.response && message.sequence == 7);
        if message.error {
            assert_eq!((message.offset, message.data.len(), replies.len()), (0, 0, 1));
        }
        match whole.add(&message) {
            Progress::Complete(reply) => {
                return Got::Data(reply.status, String::from_utf8(reply.data).unwrap());
            }
            Progress::Refused(code) => return Got::Error(code),
            Progress::NeedsMore => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(replies.is_empty(), "an answer is whole");
    Got::Silence
}

fn ask(request: &Message<'_>) -> Got {
    ask_as(&mut responder(), &local(), &request.emit(), &Lists::new())
}

fn ask_signed(request: &Message<'_>, alignment: Alignment) -> Got {
    let lists = Lists::new();
    let datagram = sign_request(request, &lists.keys[0], alignment);
    ask_as(&mut responder(), &local(), &datagram, &lists)
}

#[test]
fn associations_are_listed_with_their_status_words() {
    let mut replies = Vec::new();
    let datagram = request(Opcode::ReadStatus, 0, b"").emit();
    let lists = Lists::new();
    responder().handle(&at(12), &local(), &datagram, &picture(), &lists, &mut replies);
    let message = Message::parse(&replies[0]).unwrap();
    assert_eq!((message.status, message.leap, message.version), (0x0618, Leap::None, 2));
    let pairs: Vec<_> = association_list(message.data).collect();
    assert_eq!(pairs, [(AssocId::new(11), 0x961a), (AssocId::new(12), 0x8011)]);
}

#[test]
fn variables_come_by_default_or_by_name_in_the_order_of_the_table() {
    assert_eq!(
        ask(&request(Opcode::ReadVariables, 0, b"")),
        Got::Data(
            0x0618,
            "version=\"ntpscope 0\", leap=0, stratum=2, clock=0x000003f4.00000000,\r\npeer=11\r\n"
                .into()
        )
    );
    let named = request(Opcode::ReadVariables, 0, b"ss_received,stratum,leap,stratum");
    assert_eq!(ask(&named), Got::Data(0x0618, "leap=0, stratum=2, ss_received=99\r\n".into()));
    let added = request(Opcode::ReadVariables, 0, b"place,leap");
    assert_eq!(ask(&added), Got::Data(0x0618, "leap=0, place=here\r\n".into()));
    let valued = request(Opcode::ReadVariables, 0, b" stratum = 5 , leap");
    assert_eq!(ask(&valued), Got::Data(0x0618, "leap=0, stratum=2\r\n".into()));
    for opcode in [Opcode::ReadVariables, Opcode::ReadStatus] {
        assert_eq!(
            ask(&request(opcode, 11, b"")),
            Got::Data(0x961a, "srcadr=192.0.2.7, offset=-0.250\r\n".into())
        );
    }
    let clock = Got::Data(0, "device=\"a clock\"\r\n".into());
    assert_eq!(ask(&request(Opcode::ReadClock, 0, b"")), clock);
    assert_eq!(ask(&request(Opcode::ReadClock, 12, b"device")), clock);
}

#[test]
fn what_is_known_and_has_no_value_is_left_out() {
    let without = Got::Data(0x0618, String::new());
    assert_eq!(ask(&request(Opcode::ReadVariables, 0, b"tai,nts_client_send")), without);
}

#[test]
fn the_list_of_names_is_one_datagram_of_names_that_are_known() {
    for (association, name) in [(0, "sys_var_list"), (11, "peer_var_list")] {
        let Got::Data(_, list) = ask(&request(Opcode::ReadVariables, association, name.as_bytes()))
        else {
            panic!("{name} is known");
        };
        assert!(list.len() <= MAX_DATA && list.len() > 300, "{list}");
        let names = list.trim_end().split_once('=').unwrap().1.trim_matches('"');
        let asked = request(Opcode::ReadVariables, association, names.as_bytes());
        assert!(matches!(ask(&asked), Got::Data(..)), "{names}");
    }
}

#[test]
fn refusals_are_those_of_ntpd() {
    for (request, code) in [
        (request(Opcode::ReadVariables, 0, b"nosuchvar"), ErrorCode::UnknownVariable),
        (request(Opcode::ReadVariables, 0, b"leap,offset,x"), ErrorCode::UnknownVariable),
        (request(Opcode::ReadVariables, 11, b"sys_jitter"), ErrorCode::UnknownVariable),
        (request(Opcode::ReadVariables, 13, b""), ErrorCode::UnknownAssociation),
        (request(Opcode::ReadStatus, 13, b""), ErrorCode::UnknownAssociation),
        (request(Opcode::ReadClock, 11, b""), ErrorCode::UnknownAssociation),
        (request(Opcode::WriteVariables, 0, b"leap=1"), ErrorCode::Permission),
        (request(Opcode::WriteClock, 12, b"x=1"), ErrorCode::Permission),
        (request(Opcode::Configure, 0, b"server 192.0.2.9"), ErrorCode::Permission),
        (request(Opcode::SaveConfig, 0, b"x"), ErrorCode::Permission),
        (request(Opcode::ReadOrderedList, 0, b""), ErrorCode::Permission),
        (request(Opcode::SetTrap, 0, b""), ErrorCode::BadOpcode),
        (request(Opcode::TrapMessage, 0, b""), ErrorCode::BadOpcode),
        (request(Opcode::UnsetTrap, 0, b""), ErrorCode::BadOpcode),
        (request(Opcode::Unassigned(13), 0, b""), ErrorCode::BadOpcode),
    ] {
        assert_eq!(ask(&request), Got::Error(code), "{request:?}");
    }
    for (request, code) in [
        (request(Opcode::WriteVariables, 0, b"leap=1"), ErrorCode::Permission),
        (request(Opcode::WriteVariables, 0, b"place=there"), ErrorCode::Permission),
        (request(Opcode::WriteVariables, 11, b"leap=1"), ErrorCode::Permission),
        (request(Opcode::WriteVariables, 0, b"nosuchvar=1"), ErrorCode::UnknownVariable),
        (request(Opcode::WriteClock, 12, b"x=1"), ErrorCode::Permission),
        (request(Opcode::Configure, 11, b"x"), ErrorCode::BadValue),
        (request(Opcode::ReadOrderedList, 0, b"nosuchlist"), ErrorCode::UnknownVariable),
    ] {
        assert_eq!(ask_signed(&request, Alignment::Eight), Got::Error(code), "{request:?}");
    }
}

#[test]
fn a_request_for_nothing_tells_a_status_word() {
    let ask = |association| ask(&request(Opcode::Unspecified, association, b""));
    assert_eq!(ask(0), Got::Data(0x0618, String::new()));
    assert_eq!(ask(12), Got::Data(0x8011, String::new()));
    assert_eq!(ask(13), Got::Error(ErrorCode::UnknownAssociation));
}

#[test]
fn changes_are_handed_out_and_answered_when_they_are_done() {
    for alignment in [Alignment::Eight, Alignment::Four] {
        let config = request(Opcode::Configure, 0, b"server 192.0.2.9");
        let text = b"server 192.0.2.9".to_vec();
        assert_eq!(ask_signed(&config, alignment), Got::Change(What::Configure(text)));
        let save = request(Opcode::SaveConfig, 0, b"../x");
        assert_eq!(ask_signed(&save, alignment), Got::Change(What::SaveConfig("../x".into())));
    }
    let (lists, mut responder, mut replies) = (Lists::new(), responder(), Vec::new());
    let config = request(Opcode::Configure, 0, b"server 192.0.2.9");
    let datagram = sign_request(&config, &lists.keys[0], Alignment::Eight);
    let change =
        responder.handle(&at(12), &local(), &datagram, &picture(), &lists, &mut replies).unwrap();
    responder.finish(&change, "Config Succeeded", &lists, &mut replies);
    assert_eq!(got(&replies), Got::Data(0, "Config Succeeded\r\n".into()));
    let reply = Message::parse(&replies[0]).unwrap();
    assert_eq!(verify_reply(&replies[0], &reply, &lists.keys[0]), Authenticity::Verified);
}

/// Two runs of ntpq that say the same send the same bytes, so these are no replay to be refused.
#[test]
fn what_is_told_twice_is_done_twice() {
    let (lists, mut responder) = (Lists::new(), responder());
    let config = request(Opcode::Configure, 0, b"server 192.0.2.9");
    let datagram = sign_request(&config, &lists.keys[0], Alignment::Eight);
    for _ in 0..2 {
        let told = Got::Change(What::Configure(b"server 192.0.2.9".to_vec()));
        assert_eq!(ask_as(&mut responder, &local(), &datagram, &lists), told);
    }
}

#[test]
fn only_the_control_key_allows_changes_and_every_key_signs() {
    let lists = Lists::new();
    let config = request(Opcode::Configure, 0, b"server 192.0.2.9");
    let other = sign_request(&config, &lists.keys[1], Alignment::Eight);
    let mut replies = Vec::new();
    let mut responder = responder();
    assert_eq!(responder.handle(&at(12), &local(), &other, &picture(), &lists, &mut replies), None);
    let reply = Message::parse(&replies[0]).unwrap();
    assert_eq!(reply.error_code(), Some(ErrorCode::Permission));
    assert_eq!(verify_reply(&replies[0], &reply, &lists.keys[1]), Authenticity::Verified);
    // Every damage to a signed request makes it a stranger's.
    let signed = sign_request(&config, &lists.keys[0], Alignment::Eight);
    for at_byte in 12..signed.len() {
        let mut damaged = signed.clone();
        damaged[at_byte] ^= 0x10;
        replies.clear();
        let change =
            responder.handle(&at(12), &local(), &damaged, &picture(), &lists, &mut replies);
        assert_eq!(change, None, "{at_byte}");
        assert_eq!(replies.len(), 1);
        assert_eq!(replies[0].len(), 16, "{at_byte}");
    }
}

#[test]
fn a_wrong_code_on_a_question_is_answered_with_a_nak() {
    let lists = Lists::new();
    let wrong = Key::from_text(1, "MD5", "other").unwrap();
    let asked = request(Opcode::ReadVariables, 0, b"stratum");
    let datagram = sign_request(&asked, &wrong, Alignment::Eight);
    let mut replies = Vec::new();
    responder().handle(&at(12), &local(), &datagram, &picture(), &lists, &mut replies);
    let reply = Message::parse(&replies[0]).unwrap();
    assert_eq!(reply.data, b"stratum=2\r\n");
    assert_eq!(verify_reply(&replies[0], &reply, &lists.keys[0]), Authenticity::Nak);
}

#[test]
fn lists_in_order_need_the_key_and_may_be_long() {
    let Got::Data(0, text) =
        ask_signed(&request(Opcode::ReadOrderedList, 0, b""), Alignment::Eight)
    else {
        panic!("the local addresses are a list");
    };
    assert!(text.len() > 2 * MAX_DATA);
    for item in ["addr.19=10.0.0.19:123", "bcast.19=,", "name.19=\"eth19\"", "flags.19=0x19"] {
        assert!(text.contains(item), "{item}");
    }
    let restrictions = request(Opcode::ReadOrderedList, 0, b"addr_restrictions");
    let Got::Data(0, text) = ask_signed(&restrictions, Alignment::Four) else {
        panic!("the restrictions are a list");
    };
    assert_eq!(
        text.replace("\r\n", " ").replace("  ", " "),
        "addr.0=127.0.0.1, mask.0=255.255.255.255, hits.0=3, flags.0=, addr.1=0.0.0.0, \
         mask.1=0.0.0.0, hits.1=3, flags.1=ntpport limited kod "
    );
}

#[test]
fn restrictions_keep_their_word() {
    let books = Lists::new();
    let ask = |flags, datagram: &[u8]| {
        ask_as(&mut responder(), &Asker { flags, ..local() }, datagram, &books)
    };
    let read = request(Opcode::ReadVariables, 0, b"leap").emit();
    assert_eq!(ask(Flags::NOQUERY, &read), Got::Silence);
    assert_eq!(ask(Flags::IGNORE, &read), Got::Silence);
    assert!(matches!(ask(Flags::NOMODIFY, &read), Got::Data(..)));
    let config = request(Opcode::Configure, 0, b"x");
    let config = sign_request(&config, &books.keys[0], Alignment::Eight);
    assert_eq!(
        ask(Flags::NOMODIFY, &config),
        Got::Data(0, "runtime configuration prohibited by restrict ... nomodify\r\n".into())
    );
    let mru = request(Opcode::ReadMru, 0, b"").emit();
    assert_eq!(ask(Flags::NOMRULIST, &mru), Got::Error(ErrorCode::Permission));
    assert_eq!(ask(Flags::NONE, &mru), Got::Silence);
}

#[test]
fn who_is_let_in_by_nobody_hears_nothing_and_by_default_not_much() {
    let books = Lists::new();
    let mut responder = responder();
    let read = request(Opcode::ReadVariables, 0, b"leap").emit();
    let from = "192.0.2.7:4000".parse().unwrap();
    let mut answers = |admitted| {
        let asker = Asker { from, flags: Flags::NONE, admitted };
        let answered = |_: &i32| ask_as(&mut responder, &asker, &read, &books) != Got::Silence;
        (0..100).filter(answered).count()
    };
    assert_eq!(answers(Admitted::ByNobody), 0);
    assert_eq!(answers(Admitted::ByDefault), 16);
    assert_eq!(answers(Admitted::ByName), 100);
    let nowhere = Asker { from: "127.0.0.1:0".parse().unwrap(), ..local() };
    assert_eq!(ask_as(&mut responder, &nowhere, &read, &books), Got::Silence);
    assert_eq!(responder.counters().limited, 84);
    assert_eq!(responder.counters().received, 301);
}

#[test]
fn what_is_no_request_gets_no_answer() {
    let read = request(Opcode::ReadVariables, 0, b"leap");
    let silent = |message: &Message<'_>| {
        ask_as(&mut responder(), &local(), &message.emit(), &Lists::new()) == Got::Silence
    };
    assert!(silent(&Message { response: true, ..read.clone() }));
    assert!(silent(&Message { error: true, ..read.clone() }));
    assert!(silent(&Message { more: true, ..read.clone() }));
    assert!(silent(&Message { offset: 4, ..read.clone() }));
    for version in 0..8 {
        let is_silent = silent(&Message { version, ..read.clone() });
        assert_eq!(is_silent, !(1..=4).contains(&version), "{version}");
    }
    let whole = read.emit();
    for len in 0..whole.len() {
        let got = ask_as(&mut responder(), &local(), &whole[..len], &Lists::new());
        let expected = if len < 12 { Got::Silence } else { Got::Error(ErrorCode::BadFormat) };
        assert_eq!(got, expected, "{len}");
    }
}

#[test]
fn no_length_of_a_text_is_too_much() {
    for len in [469, 1000, 65_532, 65_535] {
        let data = vec![b'a'; len];
        let message = request(Opcode::Configure, 0, &data);
        assert_eq!(ask(&message), Got::Error(ErrorCode::BadFormat), "{len}");
        assert_eq!(ask_signed(&message, Alignment::Eight), Got::Error(ErrorCode::BadFormat));
    }
    let data = vec![b'a'; MAX_DATA];
    let message = request(Opcode::Configure, 0, &data);
    assert!(matches!(ask_signed(&message, Alignment::Eight), Got::Change(_)));
}

/// The rows that a reader gets who goes on like ntpq, and how many questions he had.
fn read_all(lists: &Lists, question: &str) -> (Vec<String>, usize) {
    let mut responder = responder();
    let mut nonce = String::new();
    let (mut rows, mut prior, mut questions) = (Vec::new(), String::new(), 0);
    for _ in 0..2_000 {
        if nonce.is_empty() {
            let datagram = request(Opcode::RequestNonce, 0, b"").emit();
            let mut replies = Vec::new();
            responder.handle(&at(12), &local(), &datagram, &picture(), lists, &mut replies);
            assert!(replies.concat().len() <= 48, "who was never heard of gets little");
            let Got::Data(_, text) = got(&replies) else { panic!("a nonce is given") };
            nonce = text.trim_end().strip_prefix("nonce=").unwrap().to_owned();
        }
        let data = format!("nonce={nonce}, {question}{prior}");
        let datagram = request(Opcode::ReadMru, 0, data.as_bytes()).emit();
        let Got::Data(0, text) = ask_as(&mut responder, &local(), &datagram, lists) else {
            panic!("rows are given");
        };
        questions += 1;
        let value = |name: &str| items(&text).find(|i| i.name == name).map(|i| i.unquoted());
        nonce = value("nonce").unwrap().to_owned();
        for row in 0.. {
            let Some(address) = value(&format!("addr.{row}")) else { break };
            let last = value(&format!("last.{row}")).unwrap();
            rows.push(address.to_owned());
            prior = format!(", addr.0={address}, last.0={last}");
        }
        if value("now").is_some() {
            return (rows, questions);
        }
    }
    panic!("the list has an end");
}

#[test]
fn a_long_list_of_clients_is_read_piece_by_piece() {
    let lists = Lists::with_clients(5_000);
    let (rows, questions) = read_all(&lists, "frags=32");
    assert_eq!(rows.len(), 5_000);
    assert_eq!(rows[4_999], lists.clients[4_999].address.to_string());
    assert!(questions < 80, "{questions}");
    let (rows, _) = read_all(&lists, "limit=90");
    assert_eq!(rows.len(), 5_000);
    assert_eq!(read_all(&lists, "frags=32, recent=10").0.len(), 10);
    assert_eq!(read_all(&lists, "frags=32, resany=0x40").0.len(), 2_500);
    assert_eq!(read_all(&lists, "frags=32, mincount=7").0.len(), 714);
    assert_eq!(read_all(&lists, "frags=32, laddr=192.0.2.1").0.len(), 0);
    assert_eq!(read_all(&Lists::new(), "frags=32").0.len(), 0);
}

#[test]
fn a_reader_whose_rows_have_all_changed_is_told_so() {
    let lists = Lists::with_clients(3);
    let mut responder = responder();
    let nonce = responder.nonces.make(local().from, at(12).mono);
    let mut ask = |rest: &str| {
        let data = format!("nonce={nonce}, {rest}");
        let datagram = request(Opcode::ReadMru, 0, data.as_bytes()).emit();
        ask_as(&mut responder, &local(), &datagram, &lists)
    };
    let [first, second] = ["127.0.1.0:4000", "127.0.1.1:4000"];
    assert_eq!(
        ask(&format!("frags=4, addr.0={first}, last.0=0x00000064.00000001")),
        Got::Error(ErrorCode::UnknownVariable)
    );
    // The second that is named is as it was.
    let Got::Data(_, text) = ask(&format!(
        "frags=4, addr.0={second}, last.0=0x00000001.00000000, addr.1={first}, \
         last.1=0x00000064.00000000"
    )) else {
        panic!("rows are given");
    };
    assert!(text.starts_with("last.older=0x00000064.00000000, addr.older=127.0.1.0:4000,"));
    assert!(text.contains("addr.0=127.0.1.1:4000") && text.contains("now="));
    // One row by its name.
    let Got::Data(_, text) = ask(&format!("limit=1, addr.0={second}, last.0=0x00000065.00000000"))
    else {
        panic!("the row is given");
    };
    assert!(text.contains("addr.0=127.0.1.1:4000") && !text.contains("addr.1"), "{text}");
    for bad in ["", "frags=0", "limit=0", "limit=257", "frags=129", "frags=x"] {
        assert_eq!(ask(bad), Got::Error(ErrorCode::BadValue), "{bad}");
    }
    let Got::Data(_, text) = ask("frags=1") else { panic!("a nonce is given") };
    assert!(!text.contains("addr.") && !text.contains("now="), "{text}");
}

#[test]
fn a_picture_alone_has_its_clients() {
    let client = |host: u8, age_s| ClientRecord {
        address: std::net::Ipv4Addr::new(10, 0, 0, host).into(),
        ntp: Service {
            hits: 9,
            drops: 1,
            interval: None,
            last: Some(std::time::Duration::from_secs(age_s)),
        },
        nts_ke: Service::default(),
        commands: Service::default(),
        limited_interval: None,
    };
    let clients = vec![client(1, 5), client(2, 50), client(3, 20)];
    let daemon = Daemon { clients: Part::answered(clients, Dated::default()), ..picture() };
    let books = OfPicture { daemon: &daemon, now: at(12).mono };
    let mut order = Vec::new();
    books.clients(None, &mut |client| {
        order.push(client.address.ip().to_string());
        ControlFlow::Continue(())
    });
    assert_eq!(order, ["10.0.0.2", "10.0.0.3", "10.0.0.1"]);
    let mut newer = 0;
    books.clients(Some("10.0.0.3".parse().unwrap()), &mut |client| {
        assert_eq!((client.count, client.dropped), (9, 1));
        newer += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(newer, 1);
    assert!(books.key(1).is_none() && books.control_key().is_none());
}

#[test]
fn what_a_picture_lacks_is_not_known_rather_than_without_a_value() {
    let daemon = picture();
    let books = OfPicture { daemon: &daemon, now: at(12).mono };
    let ask = |names: &[u8], books: &dyn Books| {
        let datagram = request(Opcode::ReadVariables, 0, names).emit();
        ask_as(&mut responder(), &local(), &datagram, books)
    };
    let told = |text: &str| Got::Data(0x0618, text.to_owned());
    assert_eq!(ask(b"stratum", &books), told("stratum=2\r\n"));
    assert_eq!(ask(b"stratum,precision", &books), Got::Error(ErrorCode::UnknownVariable));
    assert_eq!(ask(b"stratum,precision", &Lists::new()), told("stratum=2\r\n"));
}
