use std::net::{Ipv6Addr, SocketAddrV6};

use super::*;
use crate::engine::statistics::print::address;
use crate::units::{Mode, Precision, RefId, Stratum};

/// 2026-11-21, 03:04:05.678 UTC.
fn moment() -> NtpTimestamp {
    NtpTimestamp::from_unix(1_795_230_245, 678_900_000)
}

fn seconds(seconds: f64) -> NtpDuration {
    NtpDuration::from_seconds(seconds)
}

fn raw() -> Raw {
    Raw {
        source: SocketAddr::from(([192, 0, 2, 1], 123)),
        local: Some(IpAddr::from([192, 0, 2, 9])),
        sent: NtpTimestamp::from_bits(0xe8fe_8d80_0000_0000),
        header: Header {
            mode: Mode::Server,
            stratum: Stratum::new(1),
            poll: PollExponent::new(6),
            precision: Precision::new(-23),
            root_delay: seconds(0.000_5),
            root_dispersion: seconds(0.001_25),
            reference_id: RefId::from_code("PPS").unwrap(),
            receive: NtpTimestamp::from_bits(0xe8fe_8d80_4000_0000),
            ..Header::request(NtpTimestamp::from_bits(0xe8fe_8d80_4010_0000))
        },
        arrived: NtpTimestamp::from_bits(0xe8fe_8d80_ffff_ffff),
    }
}

#[test]
fn the_loop_is_one_line_of_seven_columns() {
    let record = Record::Loop(Loop {
        offset: seconds(-0.000_123_456),
        frequency: Ppm::new(-12.345_678_9).unwrap(),
        jitter: seconds(0.000_045_678),
        wander: Ppm::new(0.001_234).unwrap(),
        time_constant: PollExponent::new(6),
    });
    let line = "61365 11045.678 -0.000123456 -12.345679 0.000045678 0.001234 6\n";
    assert_eq!(record.line(moment()), line);
    assert_eq!(record.kind(), Kind::Loop);
}

#[test]
fn a_source_is_one_line_with_its_status_in_hexadecimal() {
    let record = Record::Peer(Peer {
        source: SocketAddr::from(([192, 0, 2, 1], 123)),
        status: PeerStatus::from_bits(0x963a),
        offset: seconds(0.001),
        delay: seconds(0.02),
        dispersion: seconds(0.9375),
        jitter: seconds(0.000_5),
    });
    let line = "61365 11045.678 192.0.2.1 963a 0.001000000 0.020000000 0.937500000 0.000500000\n";
    assert_eq!(record.line(moment()), line);
}

#[test]
fn an_exchange_is_its_four_times_and_the_header() {
    let line = "61365 11045.678 192.0.2.1 192.0.2.9 3908996480.000000000 3908996480.250000000 \
                3908996480.250244141 3908996481.000000000 0 4 4 1 6 -23 0.000488 0.001236 .PPS.\n";
    // In a packet both are counted in 65536ths of a second.
    let on_wire = |s| NtpDuration::from_short(seconds(s).short());
    let header =
        Header { root_delay: on_wire(0.000_5), root_dispersion: on_wire(0.001_25), ..raw().header };
    assert_eq!(Record::Raw(Raw { header, ..raw() }).line(moment()), line);
    let header = Header { stratum: Stratum::new(3), ..header };
    let far = Raw { header, local: None, ..raw() };
    let line = Record::Raw(far).line(moment());
    assert_eq!(line.split(' ').nth(3), Some("-"));
    assert!(line.ends_with(" 3 6 -23 0.000488 0.001236 80.80.83.0\n"), "{line}");
}

/// Lines that NTPsec's and the classic ntpd wrote of a server of stratum 1.
#[test]
fn lines_of_real_daemons_come_out_as_they_are() {
    let time = |seconds: u64, nanoseconds: u64| {
        let fraction = ((nanoseconds << 32) + 500_000_000) / 1_000_000_000;
        NtpTimestamp::from_bits(seconds << 32 | fraction)
    };
    let received = |sent_ns, server_ns, arrived_ns| Raw {
        source: SocketAddr::from(([10, 9, 0, 2], 123)),
        local: Some(IpAddr::from([10, 9, 0, 1])),
        sent: time(4_004_262_655, sent_ns),
        header: Header {
            receive: time(4_004_262_655, server_ns),
            transmit: time(4_004_262_655, server_ns),
            root_delay: NtpDuration::ZERO,
            root_dispersion: NtpDuration::from_short(1),
            reference_id: RefId::from_code("TEST").unwrap(),
            ..raw().header
        },
        arrived: time(4_004_262_655, arrived_ns),
    };
    let line = "61365 54655.205 10.9.0.2 10.9.0.1 4004262655.205368497 4004262655.205635548 \
                4004262655.205635548 4004262655.205689932 0 4 4 1 6 -23 0.000000 0.000015 .TEST.";
    let at = time(4_004_262_655, 205_700_000);
    let raw = received(205_368_497, 205_635_548, 205_689_932);
    assert_eq!(Record::Raw(raw).line(at).trim_end(), line);
    let record = Record::Peer(Peer {
        source: SocketAddr::from(([127, 127, 1, 1], 123)),
        status: PeerStatus::from_bits(0x9014),
        offset: NtpDuration::ZERO,
        delay: NtpDuration::ZERO,
        dispersion: seconds(7.937_500_03),
        jitter: seconds(0.000_000_06),
    });
    let at = time(4_004_262_526, 32_500_000);
    let line = "61365 54526.032 127.127.1.1 9014 0.000000000 0.000000000 7.937500030 0.000000060";
    assert_eq!(record.line(at).trim_end(), line);
    let record = Record::Loop(Loop {
        offset: seconds(0.000_037_513),
        frequency: Ppm::default(),
        jitter: seconds(0.000_013_263),
        wander: Ppm::default(),
        time_constant: PollExponent::new(3),
    });
    let at = time(4_004_262_661, 197_900_000);
    let line = "61365 54661.197 0.000037513 0.000000 0.000013263 0.000000 3";
    assert_eq!(record.line(at).trim_end(), line);
}

#[test]
fn no_server_has_a_say_in_how_many_columns_a_line_has() {
    for octets in [*b"A B\n", [7, 0, 0, 0], [0; 4], *b"\x7f\xff\t\r"] {
        let header = Header { reference_id: RefId::new(octets), ..raw().header };
        let line = Record::Raw(Raw { header, ..raw() }).line(moment());
        assert_eq!(line.split_ascii_whitespace().count(), 17, "{line:?}");
        assert_eq!(line.lines().count(), 1);
    }
    let (source, time_code) = ("LOCAL(0)".to_owned(), "one\ntwo\u{1b}[2J".to_owned());
    let line = Record::Clock { source, time_code }.line(moment());
    assert_eq!(line, "61365 11045.678 LOCAL(0) one two [2J\n");
}

#[test]
fn events_have_the_codes_and_words_of_ntpd() {
    let status = SystemStatus::from_bits(0xc016);
    let record = Record::SystemEvent { status, code: 6, detail: "started".into() };
    assert_eq!(record.line(moment()), "61365 11045.678 0.0.0.0 c016 06 restart started\n");
    let (status, source) = (PeerStatus::from_bits(0x801a), "192.0.2.1".to_owned());
    let record = Record::PeerEvent { source, status, code: 10, detail: String::new() };
    assert_eq!(record.line(moment()), "61365 11045.678 192.0.2.1 801a 8a sys_peer\n");
    assert_eq!(record.kind(), Kind::Protocol);
}

#[test]
fn an_hour_of_packets_is_thirteen_columns() {
    let counted = System {
        seconds: 3600,
        received: 10,
        processed: 9,
        current_version: 8,
        old_version: 7,
        version_1: [3, 2, 1],
        restricted: 6,
        bad_length: 5,
        bad_auth: 4,
        declined: 3,
        limited: 2,
        kisses: 1,
    };
    let line = "61365 11045.678 3600 10 9 8 7 6 5 4 3 2 1\n";
    assert_eq!(Record::System(counted).line(moment()), line);
    let later = System { seconds: 7201, received: 12, ..counted };
    let between = System { seconds: 3601, received: 2, ..System::default() };
    assert_eq!(later.since(&counted), between);
}

#[test]
fn a_day_ends_before_its_second_86400_and_an_era_where_it_should() {
    let record = Record::System(System::default());
    let begins = |at, with: &str| {
        let line = record.line(at);
        assert!(line.starts_with(with), "{line}");
    };
    begins(NtpTimestamp::from_unix(1_795_219_199, 999_900_000), "61364 86399.999 ");
    begins(NtpTimestamp::from_unix(1_795_219_200, 0), "61365 0.000 ");
    // The first era ends at 2036-02-07 06:28:16.
    begins(NtpTimestamp::from_unix(2_085_978_496, 500_000_000), "64730 23296.500 ");
}

#[test]
fn addresses_have_no_port_and_keep_their_zone() {
    let link: Ipv6Addr = "fe80::1".parse().unwrap();
    assert_eq!(address(SocketAddrV6::new(link, 123, 0, 2).into()), "fe80::1%2");
    let mapped: Ipv6Addr = "::ffff:192.0.2.1".parse().unwrap();
    assert_eq!(address(SocketAddrV6::new(mapped, 123, 0, 0).into()), "192.0.2.1");
}
