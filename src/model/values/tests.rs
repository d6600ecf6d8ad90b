use proptest::prelude::*;

use super::*;
use crate::model::part::Dated;
use crate::model::vars::{clock, peer, system};

fn values(text: &str, dialect: Dialect, asked: &[&'static Variable]) -> Values {
    let reply = Reply::new(0, text.as_bytes(), 1, Dated::default());
    Values::decode(Scope::Peer, Some(dialect), asked, &reply)
}

#[test]
fn a_classic_reply_is_typed_by_the_table() {
    let text = "srcadr=10.8.0.2, stratum=6, reach=0xff, hpoll=4, refid=LOCL, \
                rec=0xeeab5d88.ea3cdc2a, offset=0.014, flash=0x400, keyid=0, \
                filtdelay= 0.04 0.06 0.08 0.05 0.06 0.06 0.05 0.07, odd=1";
    let values = values(text, Dialect::Classic, &[]);
    assert_eq!(values.address(&peer::SOURCE), Some("10.8.0.2".parse().unwrap()));
    assert_eq!(values.reach(&peer::REACH).unwrap().to_string(), "377");
    assert_eq!(values.duration(&peer::OFFSET), Some(NtpDuration::from_milliseconds(0.014)));
    assert_eq!(values.get(&peer::KEY_ID), Ok(&Value::Key(None)));
    let delays = values.samples(&peer::FILTER_DELAY).unwrap();
    assert_eq!(delays[7], NtpDuration::from_milliseconds(0.07));
    assert_eq!(values.others().collect::<Vec<_>>(), [("odd", "1")]);
}

#[test]
fn an_absent_value_says_why() {
    let defaults =
        values("offset=1.0, rec=0x00000000.00000000, delay=x\u{1b}[2J", Dialect::Classic, &[]);
    assert_eq!(defaults.get(&peer::STRATUM), Err(Absent::NotGiven));
    assert_eq!(defaults.get(&peer::NTS_COOKIES), Err(Absent::NotInFamily));
    assert_eq!(defaults.get(&peer::ORIGIN), Err(Absent::NotAskedYet));
    assert_eq!(defaults.get(&peer::RECEIVE), Err(Absent::NotGiven));
    assert_eq!(defaults.get(&peer::DELAY), Err(Absent::NotDecodable { text: "x·[2J".into() }));
    let named = values("offset=1.0", Dialect::Classic, &[&peer::OFFSET, &peer::BIAS]);
    assert_eq!(named.get(&peer::BIAS), Err(Absent::NotGiven));
    assert_eq!(named.get(&peer::DELAY), Err(Absent::NotAskedYet));
}

#[test]
fn corrupted_sample_arrays_yield_their_last_eight_numbers() {
    let text = "filtdelay=^ 0.07 0. 0.08 1.00 2.00 3.00 4.00 5.00 6.00 7.00 8.00";
    let samples = values(text, Dialect::NtpsecTo1_2_2, &[]).samples(&peer::FILTER_DELAY);
    assert_eq!(samples.map(|s| s[0]), Some(NtpDuration::from_milliseconds(1.0)));
    let comma = "filtdelay=@4,\u{f3}x 1.00 2.00 3.00 4.00 5.00 6.00 7.00 8.00, pmode=4, up";
    let values = values(comma, Dialect::NtpsecTo1_2_2, &[]);
    let samples = values.samples(&peer::FILTER_DELAY);
    assert_eq!(samples.map(|s| s[0]), Some(NtpDuration::from_milliseconds(1.0)));
    assert_eq!(values.others().collect::<Vec<_>>(), [("up", "")]);
}

#[test]
fn what_could_upset_a_terminal_is_replaced() {
    assert_eq!(&*printable("a\u{1b}[2Jb\u{202e}c\u{9b}d"), "a·[2Jb·c·d");
}

/// A file of `tests/data/replies`: which question it answers, and the reply.
macro_rules! captured {
    ($($scope:ident $dialect:ident $name:literal;)+) => {
        [$((
            $name,
            Scope::$scope,
            Dialect::$dialect,
            include_bytes!(concat!("../../../tests/data/replies/", $name, ".txt")).as_slice(),
        )),+]
    };
}

static CAPTURED: [(&str, Scope, Dialect, &[u8]); 23] = captured! {
    System Classic "ntpd-4.2.8p15-system";
    System Classic "ntpd-4.2.8p15-system-starting";
    System Classic "ntpd-4.2.8p15-sysinfo";
    System Classic "ntpd-4.2.8p15-kernel";
    System Classic "ntpd-4.2.8p15-monitor";
    Peer Classic "ntpd-4.2.8p15-server";
    Peer Classic "ntpd-4.2.8p15-server-scalars";
    Peer Classic "ntpd-4.2.8p15-server-counters";
    Peer Classic "ntpd-4.2.8p15-silent";
    Peer Classic "ntpd-4.2.8p15-pool";
    Peer Classic "ntpd-4.2.8p15-link-local-row";
    Clock Classic "ntpd-4.2.8p15-clock";
    System NtpsecTo1_2_2 "ntpsec-1.2.2-system";
    System NtpsecTo1_2_2 "ntpsec-1.2.2-sysinfo";
    System NtpsecTo1_2_2 "ntpsec-1.2.2-kernel";
    System NtpsecTo1_2_2 "ntpsec-1.2.2-monitor";
    Peer NtpsecTo1_2_2 "ntpsec-1.2.2-server";
    Peer NtpsecTo1_2_2 "ntpsec-1.2.2-server-scalars";
    Peer NtpsecTo1_2_2 "ntpsec-1.2.2-server-counters";
    Peer NtpsecTo1_2_2 "ntpsec-1.2.2-silent";
    Peer NtpsecTo1_2_2 "ntpsec-1.2.2-pool";
    Peer NtpsecTo1_2_2 "ntpsec-1.2.2-refclock-counters";
    Clock NtpsecTo1_2_2 "ntpsec-1.2.2-clock";
};

fn captured_reply(file: &[u8]) -> Reply {
    let end = file.iter().position(|b| *b == b'\n').unwrap();
    let status = std::str::from_utf8(&file[..end]).unwrap().strip_prefix("status=").unwrap();
    let status = u16::from_str_radix(status, 16).unwrap();
    Reply::new(status, &file[end + 1..], 1, Dated::default())
}

fn captured(name: &str) -> Values {
    let (_, scope, dialect, file) = CAPTURED.iter().find(|(n, ..)| *n == name).unwrap();
    Values::decode(*scope, Some(*dialect), &[], &captured_reply(file))
}

fn ms(values: &Values, variable: &'static Variable) -> f64 {
    (values.duration(variable).unwrap().milliseconds() * 1e6).round() / 1e6
}

#[test]
fn all_that_real_daemons_said_is_in_the_table_and_readable() {
    for (name, scope, dialect, file) in CAPTURED {
        let reply = captured_reply(file);
        let values = Values::decode(scope, Some(dialect), &[], &reply);
        for (variable, value) in values.iter() {
            let readable = !matches!(value, Err(Absent::NotDecodable { .. }));
            assert!(readable, "{name}: {} {value:?}", variable.name);
            let served = variable.served_by(dialect);
            assert_ne!(served, Served::Never, "{name}: {}", variable.name);
        }
        let others: Vec<_> = values.others().filter(|(name, _)| *name != "foo").collect();
        assert_eq!(others, [], "{name}");
    }
}

#[test]
fn default_replies_hold_what_the_table_says() {
    for (name, scope, dialect, file) in CAPTURED {
        let default = ["-system", "-server", "-silent", "-pool", "-clock"];
        if !default.iter().any(|kind| name.ends_with(kind)) {
            continue;
        }
        let values = Values::decode(scope, Some(dialect), &[], &captured_reply(file));
        for row in vars::table(scope) {
            match row.served_by(dialect) {
                Served::Default => assert!(values.covers(row), "{name} lacks {}", row.name),
                Served::Never | Served::OnRequest => {
                    assert!(!values.covers(row), "{name} has {}", row.name);
                }
                Served::WhenSet | Served::Sometimes => {}
            }
        }
    }
}

#[test]
fn captured_values_are_what_the_daemons_meant() {
    let system = captured("ntpd-4.2.8p15-system");
    assert_eq!(system.leap(&system::LEAP), Some(Leap::None));
    assert_eq!(system.association(&system::PEER), Some(AssocId::new(52447)));
    let date = DateTime::constant(2017, 1, 1, 0, 0, 0, 0);
    assert_eq!(system.get(&system::LEAP_SECOND), Ok(&Value::Date(date)));
    let ntpsec = captured("ntpsec-1.2.2-system");
    assert_eq!(ntpsec.get(&system::LEAP_SECOND), Ok(&Value::Date(date)));
    assert_eq!(system.others().collect::<Vec<_>>(), [("foo", "bar")]);

    let starting = captured("ntpd-4.2.8p15-system-starting");
    assert_eq!(starting.get(&system::REFERENCE_TIME), Err(Absent::NotGiven));
    assert_eq!(starting.get(&system::LEAP_SECOND), Err(Absent::NotGiven));
    assert_eq!(starting.get(&system::UPTIME), Err(Absent::NotAskedYet));
    assert_eq!(starting.get(&system::ROOT_DISTANCE), Err(Absent::NotInFamily));

    let peer = captured("ntpd-4.2.8p15-link-local-row");
    assert_eq!(peer.address(&peer::SOURCE), Some("fe80::6ca8:1aff:fed4:dee9".parse().unwrap()));
    let source = peer.get(&peer::SOURCE);
    assert!(matches!(source, Ok(Value::AddressInZone { zone, .. }) if &**zone == "3"));

    let none = captured("ntpsec-1.2.2-sysinfo");
    assert_eq!(none.get(&system::PEER_ADDRESS), Err(Absent::NotGiven));
    assert_eq!(none.mode(&system::PEER_MODE), Some(Mode::Unspecified));

    let clock = captured("ntpsec-1.2.2-clock");
    assert_eq!(clock.unsigned(&clock::POLLS), Some(13));
    assert_eq!(clock.text(&clock::NAME), Some("LOCAL"));
    assert_eq!(clock.text(&clock::TIMECODE), Some(""));
}

#[test]
fn the_same_quantity_is_the_same_from_either_family() {
    let (classic, ntpsec) = (captured("ntpd-4.2.8p15-kernel"), captured("ntpsec-1.2.2-kernel"));
    for row in [&system::KERNEL_MAXIMUM_ERROR, &system::KERNEL_ESTIMATED_ERROR] {
        assert!((ms(&classic, row) - 16000.0).abs() < 1e-9);
        assert!((ms(&ntpsec, row) - 16000.0).abs() < 1e-9);
    }
    assert!((ms(&classic, &system::KERNEL_PRECISION) - 0.001).abs() < 1e-9);
    assert!((ms(&ntpsec, &system::KERNEL_PRECISION) - 0.001).abs() < 1e-9);
    let server = captured("ntpsec-1.2.2-server");
    assert!((ms(&server, &peer::BIAS) - 2500.0).abs() < 1e-9, "configured as 2.5 s");
    assert!(ms(&server, &peer::OFFSET) > 2500.0);
}

#[test]
fn samples_survive_the_garbage_in_front_of_them() {
    let server = captured("ntpsec-1.2.2-server-counters");
    let first = |row| (server.samples(row).unwrap()[0].milliseconds() * 100.0).round() / 100.0;
    assert!((first(&peer::FILTER_DELAY) - 0.07).abs() < 1e-9);
    assert!((first(&peer::FILTER_OFFSET) - 2500.03).abs() < 1e-9);
    assert!(first(&peer::FILTER_DISPERSION).abs() < 1e-9);
    let silent = captured("ntpsec-1.2.2-silent");
    let empty = silent.samples(&peer::FILTER_DISPERSION).unwrap();
    assert!(empty.iter().all(|s| (s.seconds() - 16.0).abs() < 1e-9));
}

proptest! {
    #[test]
    fn no_reply_upsets_the_decoder(data in prop::collection::vec(any::<u8>(), 0..600)) {
        let reply = Reply::new(0, data, 1, Dated::default());
        for scope in [Scope::System, Scope::Peer, Scope::Clock] {
            for dialect in [None, Some(Dialect::Classic), Some(Dialect::NtpsecTo1_2_2)] {
                let _ = Values::decode(scope, dialect, &[], &reply);
            }
        }
    }

    #[test]
    fn no_value_of_a_known_name_upsets_the_decoder(
        row in 0_usize..400, text in "(\\PC|[0-9.+eExX:%-]){0,40}",
    ) {
        let rows = [system::ALL, peer::ALL, clock::ALL].concat();
        let row = rows[row % rows.len()];
        let reply = Reply::new(0, format!("{}={text}", row.name).into_bytes(), 1, Dated::default());
        for dialect in Dialect::ALL {
            let values = Values::decode(row.scope, Some(dialect), &[], &reply);
            if let Err(Absent::NotDecodable { text }) = values.get(row) {
                prop_assert!(!text.chars().any(char::is_control));
            }
        }
    }
}
