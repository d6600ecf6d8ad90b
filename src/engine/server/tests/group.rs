//! Requests to a group, and what is told while a leap second is being spread.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::config::host::HostSpec;
use crate::config::ntp_conf::Directive;
use crate::engine::smear::Smear;

const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(239, 77, 0, 1));

fn of_group() -> Server {
    let mut server = server();
    let groups = Directive::ManycastServer(vec![HostSpec::new(GROUP.to_string())]);
    server.apply(&groups, None).unwrap();
    server
}

/// Asks as one of this stratum that follows `reference_id` would ask a group.
fn ask_group(
    server: &mut Server,
    told: &Served,
    (group, stratum, reference_id): (IpAddr, u8, RefId),
) -> Told {
    let mut header = Header::request(NtpTimestamp::from_bits(7));
    header.stratum = Stratum::new(stratum);
    header.reference_id = reference_id;
    let bytes = header.emit();
    let arrived = Arrived { to: Some(group), ..arrived(&bytes, 5) };
    let (verdict, reply) = answer(server, told, &arrived, stamp(9));
    assert_eq!(verdict == Told::Reply, !reply.is_empty());
    verdict
}

const NOBODY: RefId = RefId::new([0; 4]);

#[test]
fn a_group_is_answered_by_those_who_were_told_to_and_can_help() {
    let (yes, no) = (Told::Reply, Told::Drop);
    let mut server = of_group();
    let mut ask = |served: &Served, group, stratum, reference_id| {
        ask_group(&mut server, served, (group, stratum, reference_id))
    };
    let good = served();
    assert_eq!(ask(&good, GROUP, 0, NOBODY), yes, "it says nothing of itself");
    assert_eq!(ask(&good, IpAddr::from([239, 77, 0, 2]), 0, NOBODY), no, "another group");
    let found = [1, 2, 3, 15, 16].map(|stratum| ask(&good, GROUP, stratum, NOBODY));
    assert_eq!(found, [no, no, yes, yes, yes]);
    let cohort = Served { cohort: true, ..served() };
    let found = [1, 2, 3].map(|stratum| ask(&cohort, GROUP, stratum, NOBODY));
    assert_eq!(found, [no, yes, yes]);
    let unset = Served { leap: Leap::Alarm, ..served() };
    assert_eq!(ask(&unset, GROUP, 0, NOBODY), no);
    let ours = RefId::new([192, 0, 2, 9]);
    let own = Served { own_ids: Arc::new([ours]), ..served() };
    assert_eq!(ask(&own, GROUP, 3, ours), no, "it follows us");
    assert_eq!(ask(&own, GROUP, 3, NOBODY), yes);
}

#[test]
fn who_was_not_told_to_answers_no_group_and_nobody_gets_a_crypto_nak_by_one() {
    assert_eq!(ask_group(&mut server(), &served(), (GROUP, 0, NOBODY)), Told::Drop);
    let mut server = of_group();
    let key = with_key(&mut server);
    let mut forged = key.seal(request(Mode::Client, 4));
    let sealed = forged.clone();
    *forged.last_mut().unwrap() ^= 1;
    for (bytes, verdict) in [(forged, Told::Drop), (sealed, Told::Reply)] {
        let arrived = Arrived { to: Some(GROUP), ..arrived(&bytes, 5) };
        assert_eq!(answer(&mut server, &served(), &arrived, stamp(9)).0, verdict);
    }
}

#[test]
fn clients_are_told_a_leap_second_bit_by_bit() {
    let day = Duration::from_secs(86_400);
    let end = stamp(1000 + 86_400);
    for (at, expected_s) in
        [(0, 0.0), (21_600, -0.146_446_6), (43_200, -0.5), (64_800, -0.853_553_4)]
    {
        let smear = Smear::new(end, day, Leap::Insert);
        let served = Served { smear: Some(smear), reference: stamp(990 + at), ..served() };
        let bytes = request(Mode::Client, 4);
        let asked = arrived(&bytes, at);
        let (_, reply) = answer(&mut server(), &served, &asked, stamp(1000 + at));
        let header = Packet::parse(&reply).unwrap().header;
        for (told, is) in [
            (header.receive, stamp(1000 + at)),
            (header.transmit, stamp(1000 + at)),
            (header.reference, stamp(990 + at)),
        ] {
            let by_s = (told - is).seconds();
            assert!((by_s - expected_s).abs() < 1e-6, "{at}: {by_s}");
        }
        assert_eq!(header.leap, Leap::None);
        let [first, bytes @ ..] = header.reference_id.octets();
        if at == 0 {
            assert_eq!(header.reference_id, served.reference_id);
        } else {
            // 24 bits with a sign, 22 of them behind the point.
            let [high, middle, low] = bytes;
            let units = i32::from_be_bytes([high, middle, low, 0]) >> 8;
            assert_eq!(first, 254);
            assert!((f64::from(units) / 4_194_304.0 - expected_s).abs() < 1e-6);
        }
    }
}
