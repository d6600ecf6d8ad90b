use super::*;
use crate::wire::cmdmon::Report;
use crate::wire::cmdmon::report::testing::{assert_layout, read, words};

/// Captured from chronyd 4.3.
fn captured() -> Vec<u8> {
    words(&[
        0x7f00_0002,
        0,
        0,
        0,
        0x0001_0000,
        0x7f00_0001,
        0,
        0,
        0,
        0x0001_0000,
        0x007b_0004,
        0x0403_01e7,
        0,
        0,
        0x7f7f_0101,
        0,
        0x6b00_ddd8,
        0x14e4_c2e8,
        0xd496_52e8,
        0xe281_df58,
        0xd2fc_8f4f,
        0xe6a4_da59,
        0,
        0x03ff_4b4b,
        33,
        33,
        33,
        30,
        0xffff_ffff,
        0xffff_ffff,
        0xffff_ffff,
    ])
}

fn data(reply: ReplyType, data: &[u8]) -> NtpData {
    match read(reply, data) {
        Ok(Report::NtpData(data)) => *data,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_captured_packet_is_taken_apart_and_written_again() {
    let data = data(ReplyType::NTP_DATA, &captured());
    assert_layout(&captured(), &Report::NtpData(Box::new(data)));
    assert_eq!(
        (data.remote.to_string(), data.local.to_string()),
        ("127.0.0.2".into(), "127.0.0.1".into())
    );
    assert_eq!(data.remote_port, 123);
    let header = data.header;
    assert_eq!((header.leap, header.version, header.mode), (Leap::None, 4, Mode::Server));
    assert_eq!((header.stratum.get(), header.poll.exponent()), (3, 1));
    assert_eq!(header.precision.exponent(), -25);
    assert_eq!(header.reference_id.octets(), [127, 127, 1, 1]);
    assert_eq!(header.reference_time, UnixTime::new(1_795_218_904, 350_536_424));
    let sample = data.sample;
    assert_eq!(format!("{:.12}", sample.offset.seconds()), "0.000000070000");
    assert_eq!(format!("{:.12}", sample.peer_delay.seconds()), "0.000007741000");
    assert_eq!(format!("{:.12}", sample.peer_dispersion.seconds()), "0.000000058804");
    assert_eq!(format!("{:.12}", sample.response_time.seconds()), "0.000039303999");
    assert_eq!(sample.jitter_asymmetry, Float::ZERO);
    assert!(data.tests.passed_all());
    assert_eq!((data.sent_by, data.received_by), (StampedBy::Kernel, StampedBy::Kernel));
    let totals = NtpTotals { sent: 33, received: 33, valid: 33, good: Some(30) };
    assert_eq!((data.totals, data.stamps), (totals, None));
}

#[test]
fn the_newer_layout_says_who_stamped() {
    // The last words as chronyd 4.8 sends them.
    let tail = words(&[1, 2, 3, 4, 5, 6, 7, 8]);
    let bytes = [&captured()[..96], &tail, &[0xff; 16]].concat();
    let data = data(ReplyType::NTP_DATA2, &bytes);
    assert_layout(&bytes, &Report::NtpData(Box::new(data)));
    let totals = NtpTotals { sent: 1, received: 2, valid: 3, good: Some(4) };
    assert_eq!(data.totals, totals);
    let stamps =
        StampTotals { kernel_sent: 5, kernel_received: 6, hardware_sent: 7, hardware_received: 8 };
    assert_eq!(data.stamps, Some(stamps));
}

#[test]
fn an_older_daemon_does_not_count_the_good_ones() {
    let mut bytes = captured();
    bytes[108..112].fill(0xff);
    let data = data(ReplyType::NTP_DATA, &bytes);
    assert_eq!(data.totals.good, None);
    assert_layout(&bytes, &Report::NtpData(Box::new(data)));
}

#[test]
fn a_source_that_has_not_answered_is_read() {
    let mut bytes = captured();
    bytes[20..112].fill(0);
    let data = data(ReplyType::NTP_DATA, &bytes);
    assert_layout(&bytes, &Report::NtpData(Box::new(data)));
    assert_eq!((data.local, data.sent_by), (Address::Unspecified, StampedBy::Nobody));
    assert_eq!(data.tests.failed().count(), 10);
}

#[test]
fn reserved_values_are_kept_or_malformed() {
    for (place, value, error) in
        [(42, 4, "leap at byte 42 is not valid: 0x4"), (44, 8, "mode at byte 44 is not valid: 0x8")]
    {
        let mut bytes = captured();
        bytes[place] = value;
        assert_eq!(read(ReplyType::NTP_DATA, &bytes).unwrap_err().to_string(), error);
    }
    for bits in 0..=255 {
        assert_eq!(StampedBy::from_bits(bits).bits(), bits);
    }
}
