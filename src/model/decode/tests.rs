use super::*;

fn ms(text: &str) -> Option<f64> {
    match decode(Format::Milliseconds, text) {
        Ok(Value::Duration(span)) => Some((span.milliseconds() * 1e6).round() / 1e6),
        _ => None,
    }
}

fn seconds_of(text: &str) -> Option<f64> {
    match decode(Format::Seconds, text) {
        Ok(Value::Duration(span)) => Some(span.seconds()),
        _ => None,
    }
}

#[test]
fn numbers_that_are_none_are_told_apart_from_numbers() {
    assert_eq!(ms("-0.014"), Some(-0.014));
    assert_eq!(ms("1e3"), Some(1000.0));
    for hostile in ["nan", "inf", "-infinity", "1.2.3", "0x1", "--1", "1,2", "٣"] {
        assert_eq!(ms(hostile), None, "{hostile}");
        let refused = decode(Format::Milliseconds, hostile);
        assert!(matches!(refused, Err(Absent::NotDecodable { .. })), "{hostile}");
    }
    assert_eq!(decode(Format::Milliseconds, "  "), Err(Absent::NotGiven));
    assert_eq!(decode(Format::Milliseconds, "\"\""), Err(Absent::NotGiven));
    let most = decode(Format::Milliseconds, "1e300");
    assert_eq!(most, Ok(Value::Duration(NtpDuration::from_bits(i64::MAX))));
}

#[test]
fn integers_out_of_range_are_not_cut_down() {
    for (format, text) in [
        (Format::Unsigned, "18446744073709551616"),
        (Format::Unsigned, "-1"),
        (Format::Bits, "0x10000000000000000"),
        (Format::Bits, "0x+1"),
        (Format::Port, "65536"),
        (Format::Association, "65536"),
        (Format::Stratum, "256"),
        (Format::Mode, "8"),
        (Format::Leap, "4"),
        (Format::Poll, "128"),
        (Format::Precision, "-129"),
        (Format::Flash, "0x10000"),
        (Format::Key, "4294967296"),
        (Format::ExponentSeconds, "64"),
        (Format::Timestamp, "0x100000000.00000000"),
        (Format::Timestamp, "0x+1.0"),
        (Format::Timestamp, "eeab5d88"),
    ] {
        let decoded = decode(format, text);
        assert_eq!(decoded, Err(Absent::NotDecodable { text: text.into() }), "{format:?}");
    }
}

#[test]
fn a_span_that_wrapped_below_zero_is_negative() {
    assert_eq!(seconds_of("77"), Some(77.0));
    assert_eq!(seconds_of("4294967290"), Some(-6.0));
    assert_eq!(seconds_of("18446744073709551610"), Some(-6.0));
    assert_eq!(seconds_of("0.123"), Some(NtpDuration::from_seconds(0.123).seconds()));
    assert!(seconds_of("9000000000000000000").is_some_and(|s| s > 2e9));
}

#[test]
fn never_and_nobody_are_not_given() {
    for (format, text) in [
        (Format::Timestamp, "0x00000000.00000000"),
        (Format::Timestamp, "-"),
        (Format::Timestamp, "0-Jan-0 00:00:00"),
        (Format::Date, "1970-01-01T00:00Z"),
        (Format::AddressPort, "0.0.0.0:0"),
        (Format::AddressPort, "\"[::]:0\""),
    ] {
        assert_eq!(decode(format, text), Err(Absent::NotGiven), "{text}");
    }
}

#[test]
fn timestamps_of_every_age_are_read() {
    let stamp = |text| match decode(Format::Timestamp, text) {
        Ok(Value::Timestamp(stamp)) => Some(stamp.bits()),
        _ => None,
    };
    assert_eq!(stamp("0xeeab5d88.ea3cdc2a"), Some(0xeeab_5d88_ea3c_dc2a));
    assert_eq!(stamp("eeab5d88.ea3cdc2a"), Some(0xeeab_5d88_ea3c_dc2a));
    let moon = NtpTimestamp::from_unix(635_603_696, 0).bits();
    assert_eq!(stamp("21-Feb-90 12:34:56"), Some(moon));
    assert_eq!(stamp("\"21-Feb-1990 12:34:56\""), Some(moon));
    assert_eq!(stamp("29-Feb-1990 12:34:56"), None);
    assert_eq!(stamp("21-Feb-32768 12:34:56"), None);
}

#[test]
fn dates_of_both_families_are_the_same() {
    let date = DateTime::constant(2017, 1, 1, 0, 0, 0, 0);
    assert_eq!(decode(Format::Date, "201701010000"), Ok(Value::Date(date)));
    assert_eq!(decode(Format::Date, "2017-01-01T00:00Z"), Ok(Value::Date(date)));
    let odd = decode(Format::Date, "soon");
    assert_eq!(odd, Ok(Value::Text("soon".into())));
    assert_eq!(decode(Format::Date, "20170101000é"), Ok(Value::Text("20170101000é".into())));
}

#[test]
fn registers_are_read_in_any_base() {
    let reach = |text| match decode(Format::Reach, text) {
        Ok(Value::Reach(reach)) => Some(reach.to_string()),
        _ => None,
    };
    for text in ["0xff", "255", "377", "0377"] {
        assert_eq!(reach(text).as_deref(), Some("377"), "{text}");
    }
    assert_eq!(reach("037").as_deref(), Some("37"));
    assert_eq!(reach("0").as_deref(), Some("0"));
    assert_eq!(reach("0x100"), None);
    assert_eq!(reach("400"), None);
    assert_eq!(decode(Format::Leap, "11"), Ok(Value::Leap(Leap::Alarm)));
    assert_eq!(decode(Format::Leap, "01"), Ok(Value::Leap(Leap::Insert)));
    assert_eq!(decode(Format::Key, "0xffff0001"), Ok(Value::Key(KeyId::new(0xffff_0001))));
}

#[test]
fn addresses_keep_their_zone() {
    let plain = decode(Format::Address, "fd08::2");
    assert_eq!(plain, Ok(Value::Address("fd08::2".parse().unwrap())));
    let address = "fe80::1".parse().unwrap();
    for zone in ["6", "eth0"] {
        let text = format!("fe80::1%{zone}");
        assert_eq!(
            decode(Format::Address, &text),
            Ok(Value::AddressInZone { address, zone: zone.into() })
        );
        let socket = decode(Format::AddressPort, &format!("[{text}]:123"));
        assert!(matches!(socket, Ok(Value::Socket(s)) if s.ip() == address && s.port() == 123));
    }
    assert!(decode(Format::Address, "fe80::1%\u{1b}[2J").is_err());
    assert!(decode(Format::Address, "10.0.0.1%eth0").is_err());
    let quoted = decode(Format::AddressPort, "\"127.127.1.0:123\"");
    assert_eq!(quoted, Ok(Value::Socket("127.127.1.0:123".parse().unwrap())));
    assert!(decode(Format::AddressPort, "[fd08::2]:99999").is_err());
}

#[test]
fn reference_ids_are_addresses_or_letters() {
    let decoded = |text| decode(Format::ReferenceId, text);
    assert_eq!(decoded("10.8.0.1"), Ok(Value::ReferenceAddress([10, 8, 0, 1].into())));
    assert_eq!(decoded("LOCL"), Ok(Value::ReferenceCode(RefId::new(*b"LOCL"))));
    assert_eq!(decoded("PPS"), Ok(Value::ReferenceCode(RefId::new(*b"PPS\0"))));
    assert!(decoded("LOCAL(0)").is_err());
    assert!(decoded("\u{ff}\u{fe}").is_err());
}

#[test]
fn samples_come_from_the_end_and_only_whole() {
    let first = |text| match decode(Format::Samples, text) {
        Ok(Value::Samples([first, ..])) => Some((first.milliseconds() * 100.0).round() / 100.0),
        _ => None,
    };
    assert_eq!(first(" 0.04 0.06 0.08 0.05 0.06 0.06 0.05 0.07"), Some(0.04));
    let garbage = "@4\u{f3}=\u{fd}\u{7f} 0.00 0.00 0. 16000.00 2.00 3.00 4.00 5.00 6.00 7.00 8.00";
    assert_eq!(first(garbage), Some(16000.0));
    assert_eq!(first("1.00 2.00 3.00 4.00 5.00 6.00 7.00 8.0"), None, "cut within a number");
    assert_eq!(first("1.00 2.00 3.00 4.00\"\u{83} 5.00 6.00 7.00 8.00 9.00"), None);
    assert_eq!(first("1.00 2.00"), None);
    assert_eq!(first("nan nan nan nan nan nan nan nan"), None);
}

#[test]
fn the_kernels_status_is_words_either_way() {
    let words = Ok(Value::Text("pll unsync nano".into()));
    assert_eq!(decode(Format::KernelStatus, "\"pll unsync nano\""), words);
    assert_eq!(decode(Format::KernelStatus, "8257"), words);
    assert_eq!(decode(Format::KernelStatus, "0x2041"), words);
}
