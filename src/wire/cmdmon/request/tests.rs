use super::*;
use crate::wire::cmdmon::{COMMANDS, Purpose};

/// Captured: the first request of a conversation with chronyd 4.3.
const COUNT: [u8; 32] = *b"\x06\x01\0\0\0\x0e\0\0\x3a\x41\xe3\xe6\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0\0\0\0\0\0";

fn ipv4() -> Address {
    Address::Ip([127, 0, 0, 2].into())
}

/// One of each that asks.
fn questions() -> Vec<Body> {
    vec![
        Body::Null,
        Body::SourceCount,
        Body::SourceData(1),
        Body::Tracking,
        Body::SourceStats(u32::MAX),
        Body::Rtc,
        Body::ManualList,
        Body::Activity,
        Body::Smoothing,
        Body::ServerStats,
        Body::NtpData(ipv4()),
        Body::SourceName(Address::Unresolved(3)),
        Body::AuthData(Address::Ip("2001:db8::1".parse().unwrap())),
        Body::ClientAccesses(ClientRange { most: 3, least_hits: 4, resets: true, first_index: 2 }),
        Body::SelectData(7),
        Body::CheckAccess(ipv4()),
        Body::CheckCommandAccess(ipv4()),
    ]
}

#[test]
fn a_captured_request_is_taken_apart_and_written_again() {
    let request = Request::parse(&COUNT).unwrap();
    let expected = Request { attempt: 0, sequence: 0x3a41_e3e6, body: Body::SourceCount };
    assert_eq!(request, expected);
    assert_eq!(request.emit(), COUNT);
}

#[test]
fn every_question_survives_the_round_trip() {
    for body in questions() {
        let request = Request { attempt: 2, sequence: 0x0102_0304, body };
        let bytes = request.emit();
        let row = request.body.command().row().unwrap();
        assert_eq!(bytes.len(), request.body.command().request_len(), "{}", row.name);
        assert_eq!(Request::parse(&bytes).as_ref(), Ok(&request));
        assert_eq!(Request::parse(&bytes[..REQUEST_HEADER_LEN + row.data_len]), Ok(request));
    }
}

#[test]
fn every_reading_command_has_a_question() {
    for row in COMMANDS.iter().filter(|row| row.purpose == Purpose::Reading) {
        let found = questions().into_iter().any(|body| body.command() == row.command);
        assert!(found || row.command == Command::LOGON, "{}", row.name);
    }
}

#[test]
fn every_length_short_is_malformed() {
    for body in questions() {
        let command = body.command();
        let data_len = command.row().unwrap().data_len;
        let bytes = Request { attempt: 0, sequence: 1, body }.emit();
        for len in 0..REQUEST_HEADER_LEN + data_len {
            assert!(Request::parse(&bytes[..len]).is_err(), "{command} {len}");
        }
    }
    for len in 0..LEAST_REQUEST_LEN {
        assert!(RequestHeader::parse(&COUNT[..len]).is_err(), "{len}");
    }
    assert!(RequestHeader::parse(&COUNT[..LEAST_REQUEST_LEN]).is_ok());
}

#[test]
fn headers_that_are_not_a_requests_are_malformed() {
    for (place, value, error) in [
        (0, 5, "version at byte 0 is not valid: 0x5"),
        (0, 7, "version at byte 0 is not valid: 0x7"),
        (1, 2, "packet type at byte 1 is not valid: 0x2"),
        (2, 1, "reserved bytes at byte 2 is not valid: 0x100"),
    ] {
        let mut bytes = COUNT;
        bytes[place] = value;
        assert_eq!(Request::parse(&bytes).unwrap_err().to_string(), error);
    }
    let mut other_version = COUNT;
    other_version[0] = 5;
    let header = RequestHeader::parse(&other_version).unwrap();
    assert_eq!((header.version, header.command), (5, Command::N_SOURCES));
}

#[test]
fn padding_can_be_more_but_not_less() {
    let request = Request::parse(&COUNT).unwrap();
    assert_eq!(request.emit_padded(300).len(), 300);
    assert_eq!(request.emit_padded(1), COUNT);
    let null = Request { attempt: 0, sequence: 1, body: Body::Null };
    assert_eq!(null.emit().len(), LEAST_REQUEST_LEN);
}

#[test]
fn a_command_that_is_not_known_is_kept() {
    let mut bytes = COUNT;
    bytes[5] = 200;
    bytes[31] = 7;
    let request = Request::parse(&bytes).unwrap();
    let data = bytes[20..].to_vec();
    assert_eq!(request.body, Body::Other { command: Command::new(200), data });
    assert_eq!(request.emit(), bytes);
}

#[test]
fn a_walk_begins_without_resetting() {
    let range = ClientRange::from_index(5);
    assert_eq!((range.first_index, range.most, range.least_hits, range.resets), (5, 8, 0, false));
}
