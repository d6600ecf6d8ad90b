//! NTP packets as daemons sent them.

use std::fmt::Write as _;

use ntpscope::units::Mode;
use ntpscope::wire::kiss::Kiss;
use ntpscope::wire::packet::{Packet, Trailer};

use crate::captures::{self, Capture};

#[test]
fn captures_read_as_what_they_are() {
    for family in ["classic", "ntpsec"] {
        let mut text = String::new();
        for capture in captures::all() {
            if !capture.is_ntp() || !capture.name.starts_with(family) {
                continue;
            }
            writeln!(text, "{}", capture.name).unwrap();
            for datagram in &capture.datagrams {
                writeln!(text, "  {}", summary(&Packet::parse(&datagram.bytes).unwrap())).unwrap();
            }
        }
        insta::assert_snapshot!(format!("ntp_{family}"), text);
    }
}

#[test]
fn captures_are_emitted_again_byte_for_byte() {
    for capture in captures::all().iter().filter(|capture| capture.is_ntp()) {
        for datagram in &capture.datagrams {
            let packet = Packet::parse(&datagram.bytes).unwrap();
            assert_eq!(packet.emit(false), datagram.bytes, "{}", capture.name);
        }
    }
}

#[test]
fn a_server_repeats_our_version_and_transmit_timestamp() {
    for family in ["classic", "ntpsec"] {
        for version in 1..=4 {
            let capture = Capture::named(&format!("{family}-ntp-v{version}-client"));
            let request = Packet::parse(capture.request()).unwrap().header;
            let reply = Packet::parse(capture.replies().next().unwrap()).unwrap().header;
            assert_eq!((reply.version, reply.mode), (version, Mode::Server));
            assert_eq!(reply.origin, request.transmit);
            assert!((reply.transmit - reply.receive).seconds() >= 0.0);
        }
    }
}

#[test]
fn a_kiss_is_recognised() {
    for name in ["classic-ntp-kiss-rate", "ntpsec-ntp-kiss-rate"] {
        let capture = Capture::named(name);
        let reply = Packet::parse(capture.replies().next().unwrap()).unwrap();
        assert_eq!(reply.header.kiss(), Some(Kiss::Rate));
        assert_eq!(Packet::parse(capture.request()).unwrap().header.kiss(), None);
    }
}

#[test]
fn a_wrong_code_is_answered_with_a_nak_by_one_family_only() {
    let capture = Capture::named("classic-ntp-v4-bad-mac");
    let reply = Packet::parse(capture.replies().next().unwrap()).unwrap();
    assert_eq!(reply.trailer, Trailer::CryptoNak);
    assert_eq!(Capture::named("ntpsec-ntp-v4-bad-mac").replies().count(), 0);
}

fn summary(packet: &Packet<'_>) -> String {
    let header = &packet.header;
    let mut line = format!(
        "v{} {:?} {:?} stratum {} poll {} precision {} root {:.3}+{:.3} ms {}",
        header.version,
        header.mode,
        header.leap,
        header.stratum,
        header.poll.exponent(),
        header.precision.exponent(),
        header.root_delay.milliseconds(),
        header.root_dispersion.milliseconds(),
        header.reference_id.code().unwrap_or_else(|| header.reference_id.address().to_string()),
    );
    for field in &packet.extensions {
        write!(line, " field {:04x} of {}", field.kind.bits(), field.body.len()).unwrap();
    }
    match packet.trailer {
        Trailer::None => {}
        Trailer::CryptoNak => line.push_str(" crypto-NAK"),
        Trailer::Mac(mac) => write!(line, " key {} +{}", mac.key_id, mac.digest.len()).unwrap(),
    }
    line
}
