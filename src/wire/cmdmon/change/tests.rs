use super::*;
use crate::units::{KeyId, PollExponent, Stratum};
use crate::wire::cmdmon::report::SourceName;
use crate::wire::cmdmon::{Body, COMMANDS, Purpose, REQUEST_HEADER_LEN, Request};

fn ipv4(last: u8) -> Address {
    Address::Ip([127, 0, 0, last].into())
}

fn matching() -> Matching {
    Matching { mask: Address::Ip([255; 4].into()), address: ipv4(2) }
}

/// One of each.
fn changes() -> Vec<Change> {
    let setting = |setting| Change::Source { address: ipv4(2), setting };
    let rule = |service, allows, all| {
        Change::Access(AccessRule { service, allows, all, address: ipv4(0), prefix: 8 })
    };
    let local =
        LocalMode { on: true, stratum: 5, distance: Seconds::new(1.0), orphan: true, timing: None };
    let timing = LocalTiming {
        activate: Seconds::new(0.1),
        wait_synced: Seconds::new(60.0),
        wait_unsynced: Seconds::new(300.0),
    };
    let mut changes = vec![
        Change::Online(Matching::default()),
        Change::Offline(matching()),
        Change::Burst { sources: matching(), good: 2, most: 4 },
        setting(SourceSetting::MinPoll(PollExponent::new(-2))),
        setting(SourceSetting::MaxPoll(PollExponent::new(10))),
        setting(SourceSetting::MaxDelay(Seconds::new(0.5))),
        setting(SourceSetting::MaxDelayRatio(Float::new(2.0))),
        setting(SourceSetting::MaxDelayDeviationRatio(Float::new(10.0))),
        setting(SourceSetting::MinStratum(Stratum::new(3))),
        setting(SourceSetting::PollTarget(8)),
        Change::Dump,
        Change::MaxUpdateSkew(PartsPerMillion::new(100.0)),
        Change::SetTime(UnixTime::new(1_795_219_023, 500_000_000)),
        Change::Local(local),
        Change::Local(LocalMode { timing: Some(timing), ..local }),
        Change::Manual(ManualMode::Reset),
        Change::Rekey,
        Change::DeleteSource(ipv4(2)),
        Change::WriteRtc,
        Change::TrimRtc,
        Change::AdjustFrequency(PartsPerMillion::new(-3.0)),
        Change::AdjustOffset(Seconds::new(0.25)),
        Change::AdjustOffsetMicroseconds { seconds: -1, microseconds: -250_000 },
        Change::CycleLogs,
        Change::DeleteManual(3),
        Change::MakeStep,
        Change::StepPolicy { updates: -1, threshold: Seconds::new(1.0) },
        Change::Reselect,
        Change::ReselectDistance(Seconds::new(1e-4)),
        Change::SmoothTime(SmoothTime::Activate),
        Change::Refresh,
        Change::Shutdown,
        Change::OnOffline,
        Change::AddSource(Box::new(every_option())),
        Change::ResetSources,
        Change::ReloadSources,
        Change::SelectOptions {
            address: Address::Unspecified,
            reference_id: RefId::new(*b"PPS\0"),
            mask: SelectOptions::from_bits(0b1110),
            options: SelectOptions::from_bits(0b1010),
        },
        Change::SourceOffset {
            address: ipv4(2),
            reference_id: RefId::default(),
            offset: Seconds::new(0.001),
        },
    ];
    for service in [Service::Time, Service::Commands] {
        for allows in [false, true] {
            changes.extend([false, true].map(|all| rule(service, allows, all)));
        }
    }
    changes
}

/// A source of which no option is the default, nor equal to another.
fn every_option() -> NewSource {
    NewSource {
        kind: SourceKind::Pool,
        name: SourceName::new(b"pool.example"),
        port: 1123,
        polling: Polling {
            min: PollExponent::new(-1),
            max: PollExponent::new(7),
            presend_from: PollExponent::new(9),
            target: 20,
        },
        min_stratum: Stratum::new(2),
        version: 3,
        max_sources: 5,
        samples: (Some(6), Some(64)),
        key: KeyId::new(77),
        nts_port: 4461,
        filtering: Filtering {
            max_delay: Seconds::new(0.1),
            max_delay_ratio: Float::new(2.0),
            max_delay_deviation_ratio: Float::new(4.0),
            max_delay_quantile: Float::new(0.9),
            min_delay: Seconds::new(0.001),
            asymmetry: Float::new(0.5),
            offset: Seconds::new(-0.002),
        },
        flags: Flags::from_bits(0xffff_ffff),
        filter_length: 11,
        certificate_set: 12,
        max_unreachable: 13,
    }
}

fn request(change: Change) -> Request {
    Request { attempt: 0, sequence: 0x4c83_0f78, body: Body::Change(change) }
}

#[test]
fn every_change_survives_the_round_trip() {
    for change in changes() {
        let command = change.command();
        let request = request(change);
        let bytes = request.emit();
        let data_end = REQUEST_HEADER_LEN + command.row().unwrap().data_len;
        assert_eq!(bytes.len(), command.request_len(), "{command}");
        assert!(bytes[data_end..].iter().all(|byte| *byte == 0), "{command}");
        assert_eq!(Request::parse(&bytes[..data_end]).as_ref(), Ok(&request));
        for len in REQUEST_HEADER_LEN..data_end {
            assert!(Request::parse(&bytes[..len]).is_err(), "{command} {len}");
        }
    }
}

#[test]
fn every_changing_command_has_its_change() {
    for row in COMMANDS.iter().filter(|row| row.purpose == Purpose::Changing) {
        assert!(changes().iter().any(|change| change.command() == row.command), "{}", row.name);
    }
}

// Captured: chronyd 4.3 did it.
#[test]
fn a_captured_new_source_is_one_with_the_defaults() {
    let mut source = NewSource::new(SourceKind::Server, SourceName::new(b"127.0.0.9"));
    source.flags = source.flags.with(Flags::IBURST);
    let bytes = request(Change::AddSource(Box::new(source))).emit();
    assert_eq!(bytes.len(), 372);
    assert_eq!(bytes[..24], *b"\x06\x01\0\0\0\x40\0\0\x4c\x83\x0f\x78\0\0\0\0\0\0\0\0\0\0\0\x01");
    assert_eq!(bytes[24..36], *b"127.0.0.9\0\0\0");
    let options = [
        123,
        6,
        10,
        100,
        0,
        8,
        4,
        4,
        0xffff_ffff,
        0xffff_ffff,
        0,
        4460,
        0x06c0_0000,
        0,
        0x0aa0_0000,
        0,
        0x0480_0000,
        0,
        5,
        0,
        0,
        0,
        0_u32,
    ];
    let options: Vec<u8> = options.iter().flat_map(|word| word.to_be_bytes()).collect();
    assert_eq!(bytes[280..], options);
}

#[test]
fn numbers_without_a_meaning_are_malformed() {
    for (change, last_byte_of, value) in [
        (Change::Manual(ManualMode::On), 4, 3),
        (Change::SmoothTime(SmoothTime::Reset), 4, 2),
        (Change::AddSource(Box::new(every_option())), 4, 4),
        (Change::AddSource(Box::new(every_option())), 4, 0),
    ] {
        let mut bytes = request(change).emit();
        bytes[REQUEST_HEADER_LEN + last_byte_of - 1] = value;
        assert!(matches!(Request::parse(&bytes), Err(Malformed::Invalid { .. })), "{value}");
    }
    let poll = SourceSetting::MinPoll(PollExponent::new(1));
    let mut bytes = request(Change::Source { address: ipv4(2), setting: poll }).emit();
    bytes[40] = 1;
    assert_eq!(
        Request::parse(&bytes).unwrap_err().to_string(),
        "poll at byte 40 is not valid: 0x1000001"
    );
}

#[test]
fn selection_options_are_written_in_two_ways() {
    let change = Change::SelectOptions {
        address: Address::Unspecified,
        reference_id: RefId::default(),
        mask: SelectOptions::from_bits(0b1111),
        options: SelectOptions::from_bits(0b0101),
    };
    let bytes = request(change).emit();
    assert_eq!(bytes[44..52], [0, 0, 0, 0x0f, 0, 0, 0, 0x30], "noselect and trust");
}

#[test]
fn flags_are_a_set() {
    let flags = Flags::ONLINE.with(Flags::NTS);
    assert!(flags.contains(Flags::NTS) && !flags.contains(Flags::IBURST));
    assert!(!flags.contains(Flags::NTS.with(Flags::IBURST)));
    for bits in 0..16 {
        let options = SelectOptions::from_bits(bits);
        assert_eq!(Flags::of_selection(options).selection(), options);
    }
}
