use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::status::PeerStatus;
use crate::model::{Dated, Part, Value, Values};
use crate::units::AssocId;
use crate::wire::cmdmon::Float;
use crate::wire::cmdmon::change::Flags;

fn line(text: &str) -> Line {
    Line::read(text).unwrap_or_else(|why| panic!("{text}: {why}"))
}

/// Two addresses called `pool.example`, one alone, a reference clock `PPS`.
fn daemon() -> Daemon {
    let source = |id: u16, address: &str, host: &str| {
        let mut source = Peer::new(AssocId::new(id), PeerStatus::default());
        let mut row = Values::typed([(&peer::IS_REFERENCE_CLOCK, Value::Flag(address.is_empty()))]);
        if let Ok(address) = address.parse() {
            row.insert(&peer::SOURCE, Ok(Value::Address(address)));
        }
        row.insert(&peer::SOURCE_HOST, Ok(Value::Text(host.into())));
        source.row = Part::answered(row, Dated::default());
        Arc::new(source)
    };
    let peers = vec![
        source(1, "192.0.2.1", "pool.example"),
        source(2, "2001:db8::2", "pool.example"),
        source(3, "192.0.2.3", ""),
        source(4, "", "PPS"),
    ];
    Daemon { peers: peers.into(), ..Daemon::default() }
}

fn source_of(id: AssocId) -> Option<SourceId> {
    let address = |text: &str| SourceId::Address(Address::Ip(text.parse().unwrap()));
    match id.get() {
        1 => Some(address("192.0.2.1")),
        2 => Some(address("2001:db8::2")),
        3 => Some(address("192.0.2.3")),
        4 => Some(SourceId::ReferenceClock(RefId::new(*b"PPS\0"))),
        _ => None,
    }
}

#[test]
fn every_line_is_written_as_it_was_read() {
    for text in [
        "add server ntp1.example minpoll 4 maxpoll 6 key 5 offset 0.1 iburst prefer",
        "add pool pool.example maxsources 6 minsamples 8 xleave offline",
        "add peer 192.0.2.9 port 1123 presend 9 extfield F323",
        "delete pool.example",
        "online",
        "online 192.0.2.1",
        "offline",
        "offline 2001:db8::2",
        "minpoll 192.0.2.1 -2",
        "maxpoll 192.0.2.1 10",
        "maxdelay 192.0.2.1 0.3",
        "maxdelayratio 192.0.2.1 2.5",
        "maxdelaydevratio 192.0.2.1 10",
        "minstratum 192.0.2.1 3",
        "polltarget 192.0.2.1 12",
        "selectopts 192.0.2.1 +noselect -prefer",
        "allow",
        "allow 192.0.2.7",
        "deny all 192.0.2.0/24",
        "cmdallow 2001:db8::/32",
        "cmddeny 2001:db8::1",
        "local stratum 5 distance 0.1 orphan",
        "local off",
        "maxupdateskew 100",
        "reselectdist 0.0001",
        "reselect",
        "refresh",
        "rekey",
        "reset sources",
        "reload sources",
    ] {
        assert_eq!(line(text).to_string(), text);
    }
    assert_eq!(line("server a.b iburst"), line("add SERVER a.b IBURST"));
    assert_eq!(line("local"), line("local stratum 10 distance 1"));
    assert_eq!(line("deny 0.0.0.0/0").to_string(), "deny 0.0.0.0/0");
}

#[test]
fn what_is_wrong_is_said_with_the_word() {
    let why = |text: &str| Line::read(text).unwrap_err().to_string();
    assert_eq!(why("add server"), "after `server` its name or address is missing");
    assert_eq!(why("add refclock PPS"), "`refclock` stands where server, peer or pool is expected");
    assert_eq!(
        why("add server a nopeer"),
        "`nopeer` stands where an option of a source is expected"
    );
    assert_eq!(why("minpoll 192.0.2.1 99"), "`99` stands where a number from -7 to 24 is expected");
    assert_eq!(why("allow 192.0.2.1/24"), "`192.0.2.1/24` has bits set outside the subnet");
    assert_eq!(why("reselect now"), "`now` stands where the end of the line is expected");
    assert!(why("selectopts 192.0.2.1 prefer").starts_with("`prefer` stands where + or -"));
    assert!(why("offset 192.0.2.1 inf").contains("offset"));
    assert!(why("delete \u{1b}[2J").starts_with("`\\u{1b}[2J` is no name"));
    for text in ["", "allow 192.0.2.0/33", "allow ::/129", "maxdelay a nan", "reset", "reset clock"]
    {
        assert!(Line::read(text).is_err(), "{text}");
    }
    // What sets or steps the clock is not among them.
    for text in ["makestep", "settime 12:00", "doffset 1", "dfreq 1", "shutdown", "trimrtc"] {
        assert!(matches!(Line::read(text), Err(Senseless::NotHere { .. })), "{text}");
    }
}

#[test]
fn names_stand_for_all_sources_that_have_them() {
    let changes = |text: &str| -> Result<Vec<Change>, Senseless> {
        Ok(line(text)
            .requests(&daemon(), &source_of)?
            .into_iter()
            .map(|request| request.change)
            .collect())
    };
    let ip = |text: &str| Address::Ip(text.parse().unwrap());
    let both = [ip("192.0.2.1"), ip("2001:db8::2")].map(Change::DeleteSource);
    assert_eq!(changes("delete POOL.example"), Ok(both.into()));
    assert_eq!(changes("delete 192.0.2.3"), Ok(vec![Change::DeleteSource(ip("192.0.2.3"))]));
    assert_eq!(changes("delete 192.0.2.4"), Err(Senseless::NoSource("192.0.2.4".into())));
    let all = Matching { mask: ip("255.255.255.255"), address: ip("192.0.2.3") };
    assert_eq!(changes("offline 192.0.2.3"), Ok(vec![Change::Offline(all)]));
    assert_eq!(changes("online"), Ok(vec![Change::Online(Matching::default())]));
    let clock = changes("selectopts PPS +prefer").unwrap();
    assert!(matches!(
        &clock[..],
        [Change::SelectOptions { address: Address::Unspecified, reference_id, .. }]
            if reference_id.octets() == *b"PPS\0"
    ));
    let local = line("local stratum 5").requests(&daemon(), &source_of).unwrap();
    assert!(matches!(local[0].change, Change::Local(LocalMode { timing: None, .. })));
    assert!(matches!(local[0].otherwise, Some(Change::Local(LocalMode { timing: Some(_), .. }))));
}

#[test]
fn options_of_a_source_become_its_flags_and_values() {
    let Line::Add(source) = line("server a offline nts key 7 maxsamples 32 asymmetry -0.5") else {
        panic!("no source")
    };
    assert_eq!(source.flags, Flags::NTS);
    assert_eq!(
        (source.key.map(|key| key.to_string()), source.samples.1),
        (Some("7".into()), Some(32))
    );
    assert_eq!(source.filtering.asymmetry, Float::new(-0.5));
}

proptest! {
    /// Whatever is typed is read or refused, and what is read comes out as it can be read again.
    #[test]
    fn what_is_read_is_read_again_the_same(text in "(add (server|peer|pool)|delete|minpoll|selectopts|allow|local|[a-z]{1,8})( [ -~]{0,12}){0,4}") {
        if let Ok(read) = Line::read(&text) {
            let again = Line::read(&read.to_string());
            prop_assert_eq!(again.as_ref(), Ok(&read), "{}", read);
        }
    }

    #[test]
    fn numbers_come_back_as_they_were(value in -1e6..1e6, key in 1_u32.., poll in -7_i8..=24) {
        let text = format!("add server a key {key} minpoll {poll} offset {value}");
        let read = line(&text);
        prop_assert_eq!(line(&read.to_string()), read);
    }
}
