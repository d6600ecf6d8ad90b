use super::*;
use crate::units::KeyId;
use crate::wire::extension::Kind;
use crate::wire::mac::{Algorithm, Key};

/// A server's reply, its fields all different.
const REPLY: [u8; HEADER_LEN] = *b"\x24\x02\x06\xe9\0\0\x01\x80\0\0\x02\x40\xc0\0\x02\x01\
    \xee\xab\x5d\x5c\xea\xa7\xb6\x5e\xee\xab\x5d\x60\x12\x34\x56\x78\
    \xee\xab\x5d\x60\x22\x34\x56\x78\xee\xab\x5d\x60\x32\x34\x56\x78";

fn with_tail(version: u8, tail: &[u8]) -> Vec<u8> {
    let mut bytes = REPLY.to_vec();
    bytes[0] = version << 3 | 4;
    bytes.extend(tail);
    bytes
}

fn trailer(version: u8, tail: &[u8]) -> Result<usize, Malformed> {
    Packet::parse(&with_tail(version, tail)).map(|packet| packet.trailer.len())
}

#[test]
fn a_header_is_taken_apart() {
    let header = Packet::parse(&REPLY).unwrap().header;
    assert_eq!((header.leap, header.version, header.mode), (Leap::None, 4, Mode::Server));
    assert_eq!(header.stratum.get(), 2);
    assert_eq!((header.poll.exponent(), header.precision.exponent()), (6, -23));
    assert_eq!(header.root_delay.short(), 0x180);
    assert_eq!(header.root_dispersion.short(), 0x240);
    assert_eq!(header.reference_id.address().to_string(), "192.0.2.1");
    assert_eq!(header.reference.bits(), 0xeeab_5d5c_eaa7_b65e);
    assert_eq!((header.transmit - header.receive).milliseconds().to_bits(), 62.5_f64.to_bits());
    assert_eq!((header.receive - header.origin).milliseconds().to_bits(), 62.5_f64.to_bits());
}

#[test]
fn a_header_survives_the_round_trip() {
    assert_eq!(Packet::parse(&REPLY).unwrap().emit(false), REPLY);
    let request = Header::request(NtpTimestamp::from_bits(0x0123_4567_89ab_cdef)).emit();
    assert_eq!(request[..4], [0x23, 0, 0, 0x20]);
    assert_eq!(request[40..], [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
    assert_eq!(Packet::parse(&request).unwrap().header.emit(), request);
}

#[test]
fn every_length_short_is_malformed_and_named() {
    for len in 0..HEADER_LEN {
        assert!(Packet::parse(&REPLY[..len]).is_err(), "{len}");
    }
    assert_eq!(
        Packet::parse(&REPLY[..20]).unwrap_err().to_string(),
        "NTP packet is too short: reference timestamp at byte 16 needs 8 bytes, 4 are there"
    );
}

#[test]
fn reserved_versions_and_modes_are_malformed() {
    for version in [0, 5, 6, 7] {
        assert!(Packet::parse(&with_tail(version, &[])).is_err(), "version {version}");
    }
    for mode in [6, 7] {
        let mut bytes = REPLY;
        bytes[0] = 0x20 | mode;
        assert!(Packet::parse(&bytes).is_err(), "mode {mode}");
    }
}

#[test]
fn root_dispersion_is_never_understated() {
    let mut header = Packet::parse(&REPLY).unwrap().header;
    header.root_dispersion = NtpDuration::from_bits(1);
    assert_eq!(header.emit()[8..12], [0, 0, 0, 1]);
    header.root_dispersion = NtpDuration::from_bits(i64::MAX);
    assert_eq!(header.emit()[8..12], [0xff; 4]);
    header.root_dispersion = NtpDuration::from_bits(-5);
    assert_eq!(header.emit()[8..12], [0; 4]);
}

#[test]
fn version_four_ends_in_nothing_a_nak_or_a_code() {
    let mac = |len: usize| vec![1; len];
    assert_eq!(trailer(4, &[]), Ok(0));
    assert_eq!(trailer(4, &[0; 4]), Ok(4));
    assert_eq!(trailer(4, &mac(20)), Ok(20));
    assert_eq!(trailer(4, &mac(24)), Ok(24));
    for len in [1, 2, 3, 4, 8, 12, 16, 21, 22] {
        assert!(trailer(4, &mac(len)).is_err(), "{len}");
    }
}

#[test]
fn what_follows_older_headers_is_a_code_of_any_length() {
    for version in 1..=3 {
        for len in [8, 16, 20, 24, 36, 68, 72] {
            assert_eq!(trailer(version, &vec![1; len]), Ok(len), "{version} {len}");
        }
        assert_eq!(trailer(version, &[0; 4]), Ok(4));
        assert!(trailer(version, &[1; 4]).is_err());
        assert!(trailer(version, &[1; 6]).is_err());
    }
}

#[test]
fn extension_fields_stand_before_the_code() {
    let mut tail = Vec::new();
    Extension { kind: Kind::NtsUniqueId, body: &[7; 32] }.emit(16, &mut tail);
    Extension { kind: Kind::Other(0x1234), body: &[8; 12] }.emit(16, &mut tail);
    for end in [&[1; 20][..], &[1; 24]] {
        let bytes = with_tail(4, &[&tail, end].concat());
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.extensions.len(), 2);
        assert_eq!(packet.extensions[0].kind, Kind::NtsUniqueId);
        assert_eq!(packet.extensions[1].body, [8; 12]);
        assert_eq!(packet.trailer.len(), end.len());
        assert_eq!(packet.covered(&bytes).len(), bytes.len() - end.len());
        assert_eq!(packet.emit(false), bytes);
    }
    // Without a code 16 bytes at the end are nothing, and with a NAK behind them a code.
    assert!(Packet::parse(&with_tail(4, &tail)).is_err());
    let taken_for_a_code = with_tail(4, &[&tail, &[0; 4][..]].concat());
    assert_eq!(Packet::parse(&taken_for_a_code).unwrap().trailer.len(), 20);
    for (end, expected) in [(&[][..], Trailer::None), (&[0; 4], Trailer::CryptoNak)] {
        let bytes = with_tail(4, &[&tail[..36], end].concat());
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!((packet.extensions.len(), packet.trailer), (1, expected));
        assert_eq!(packet.emit(false), bytes);
    }
}

#[test]
fn the_last_field_without_a_code_is_filled_to_28_bytes() {
    let fields = vec![Extension { kind: Kind::ChecksumComplement, body: &[0; 4] }; 2];
    let packet = Packet { extensions: fields, ..Packet::parse(&REPLY).unwrap() };
    assert_eq!(packet.emit(false).len(), HEADER_LEN + 16 + 28);
    assert_eq!(packet.emit(true).len(), HEADER_LEN + 16 + 16);
}

// Found by fuzzing.
#[test]
fn the_last_field_before_a_nak_may_be_24_bytes() {
    let mut tail = Vec::new();
    Extension { kind: Kind::Other(1), body: &[9; 20] }.emit(extension::MIN_LEN, &mut tail);
    tail.extend([0; 4]);
    let bytes = with_tail(4, &tail);
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!((packet.extensions.len(), packet.trailer), (1, Trailer::CryptoNak));
    assert_eq!(packet.emit(false), bytes);
}

#[test]
fn a_code_verifies_over_header_and_extensions() {
    for algorithm in Algorithm::ALL {
        let key = Key::new(KeyId::new(3).unwrap(), algorithm, b"secret").unwrap();
        let fields = vec![Extension { kind: Kind::ChecksumComplement, body: &[0; 12] }];
        let packet = Packet { extensions: fields, ..Packet::parse(&REPLY).unwrap() };
        let sealed = key.seal(packet.emit(true));
        let parsed = Packet::parse(&sealed).unwrap();
        let Trailer::Mac(mac) = parsed.trailer else { panic!("{:?}", parsed.trailer) };
        assert!(mac.is_by(&key, parsed.covered(&sealed)));
        assert_eq!(parsed.extensions, packet.extensions);
    }
}

#[test]
fn only_a_servers_unsynchronised_reply_of_stratum_0_is_a_kiss() {
    let mut header = Packet::parse(&REPLY).unwrap().header;
    header.reference_id = RefId::new(*b"RATE");
    assert_eq!(header.kiss(), None);
    header.stratum = Stratum::new(0);
    assert_eq!(header.kiss(), None);
    header.leap = Leap::Alarm;
    assert_eq!(header.kiss(), Some(Kiss::Rate));
    header.mode = Mode::Client;
    assert_eq!(header.kiss(), None);
}
