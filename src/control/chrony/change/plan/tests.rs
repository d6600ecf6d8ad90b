use std::sync::Arc;

use super::*;
use crate::model::status::PeerStatus;
use crate::model::{Absent, Dated, Part, Value, Values};
use crate::units::AssocId;

/// Follows 192.0.2.1, called a.example; has 192.0.2.2, preferred; two of pool.example; a clock PPS.
fn daemon(is_new: bool) -> Daemon {
    let source = |id: u16, tally: Tally, address: &str, host: &str, options: Option<&str>| {
        let status = PeerStatus::from_bits(0x9000 | u16::from(tally.bits()) << 8);
        let mut source = Peer::new(AssocId::new(id), status);
        let mut row = Values::typed([(&peer::IS_REFERENCE_CLOCK, Value::Flag(address.is_empty()))]);
        if let Ok(address) = address.parse() {
            row.insert(&peer::SOURCE, Ok(Value::Address(address)));
        }
        if !host.is_empty() {
            row.insert(&peer::SOURCE_HOST, Ok(Value::Text(host.into())));
        }
        if let Some(options) = options {
            row.insert(&peer::CONFIGURED_OPTIONS, Ok(Value::Text(options.into())));
        }
        source.row = Part::answered(row, Dated::default());
        Arc::new(source)
    };
    let peers = vec![
        source(1, Tally::SystemPeer, "192.0.2.1", "a.example", Some("")),
        source(2, Tally::Candidate, "192.0.2.2", "", Some("prefer")),
        source(3, Tally::Candidate, "192.0.2.3", "pool.example", None),
        source(4, Tally::Candidate, "192.0.2.4", "pool.example", Some("")),
        source(5, Tally::Reject, "", "PPS", Some("noselect")),
    ];
    let mut told = Values::typed([
        (&system::NTP_HITS, Value::Unsigned(1)),
        (&system::ONLINE, Value::Unsigned(4)),
        (&system::OFFLINE, Value::Unsigned(0)),
        (&system::BURST_ONLINE, Value::Unsigned(0)),
        (&system::BURST_OFFLINE, Value::Unsigned(0)),
    ]);
    let stamps = if is_new { Ok(Value::Unsigned(1)) } else { Err(Absent::NotInFamily) };
    told.insert(&system::KERNEL_RECEIVE_STAMPS, stamps);
    Daemon {
        peers: peers.into(),
        system: Part::answered(told, Dated::default()),
        ..Daemon::default()
    }
}

fn line(text: &str) -> Line {
    Line::read(text).unwrap()
}

const CONF: &[&str] = &[
    "server a.example iburst minpoll 4",
    "server 192.0.2.2 prefer key 5",
    "pool pool.example maxsources 2",
    "local stratum 8",
];

fn thought(wanted: &str, is_new: bool, has_conf: bool) -> Result<Plan, Senseless> {
    let lines: Vec<Line> = CONF.iter().map(|text| line(text)).collect();
    let configured = has_conf.then_some(&lines[..]);
    let daemon = daemon(is_new);
    plan(&line(wanted), Known { daemon: &daemon, configured, is_allowed: Some(false) })
}

fn text(lines: &[Line]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

fn back(wanted: &str, has_conf: bool) -> Result<Vec<String>, NoInverse> {
    thought(wanted, true, has_conf).unwrap().inverse.map(|lines| text(&lines))
}

fn is(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn a_source_comes_and_goes_again_by_name() {
    let plan = thought("add server b.example iburst", true, false).unwrap();
    assert_eq!(text(&plan.lines), ["add server b.example iburst"]);
    assert_eq!(plan.inverse, Ok(vec![line("delete b.example")]));
    assert_eq!(plan.effects, [Effect::Begins]);
    assert!(matches!(&plan.touches[..], [Touch::Begins { .. }]));
    // One that is there begins again.
    let plan = thought("add server 192.0.2.1 prefer", true, false).unwrap();
    assert_eq!(text(&plan.lines), ["delete 192.0.2.1", "add server 192.0.2.1 prefer"]);
    assert_eq!(plan.inverse, Err(NoInverse::Options("192.0.2.1".into())));
    let id = AssocId::new(1);
    assert_eq!(plan.effects, [Effect::StartsAgain(id), Effect::LosesSystemPeer(id)]);
}

#[test]
fn what_was_given_up_comes_back_by_its_line() {
    assert_eq!(back("delete a.example", true), Ok(is(&["add server a.example minpoll 4 iburst"])));
    assert_eq!(back("delete 192.0.2.1", true), Ok(is(&["add server a.example minpoll 4 iburst"])));
    assert_eq!(back("delete 192.0.2.1", false), Err(NoInverse::Options("192.0.2.1".into())));
    assert_eq!(back("delete pool.example", true), Ok(is(&["add pool pool.example maxsources 2"])));
    assert_eq!(back("delete 192.0.2.3", true), Err(NoInverse::Pooled("192.0.2.3".into())));
    let id = AssocId::new(1);
    let plan = thought("delete 192.0.2.1", true, true).unwrap();
    assert_eq!(plan.effects, [Effect::Ends(id), Effect::LosesSystemPeer(id)]);
    assert_eq!(plan.touches, [Touch::Ends(id)]);
    let nobody = thought("delete 192.0.2.99", true, true);
    assert_eq!(nobody, Err(Senseless::NoSource("192.0.2.99".into())));
}

#[test]
fn options_go_back_to_those_that_are_told() {
    assert_eq!(
        back("selectopts 192.0.2.2 +noselect -prefer", false),
        Ok(is(&["selectopts 192.0.2.2 -noselect +prefer"]))
    );
    assert_eq!(back("selectopts PPS -noselect", false), Ok(is(&["selectopts PPS +noselect"])));
    assert_eq!(back("selectopts 192.0.2.3 +prefer", false), Err(NoInverse::Setting));
    let plan = thought("selectopts a.example +noselect", true, false).unwrap();
    assert_eq!(plan.effects, [Effect::LosesSystemPeer(AssocId::new(1))]);
    let role = Role { noselect: true, ..Role::default() };
    assert_eq!(plan.touches, [Touch::Becomes { id: AssocId::new(1), role }]);
}

#[test]
fn before_4_4_a_source_is_given_up_for_its_options() {
    let plan = thought("selectopts 192.0.2.2 +noselect -prefer", false, true).unwrap();
    assert_eq!(text(&plan.lines), ["delete 192.0.2.2", "add server 192.0.2.2 key 5 noselect"]);
    assert_eq!(
        text(&plan.inverse.unwrap()),
        ["delete 192.0.2.2", "add server 192.0.2.2 key 5 prefer"]
    );
    assert!(plan.words[0].contains("before 4.4"));
    let unknown = thought("selectopts 192.0.2.2 +noselect", false, false);
    assert_eq!(unknown, Err(Senseless::Options("192.0.2.2".into())));
}

#[test]
fn sources_go_on_and_off_while_all_are_the_same() {
    assert_eq!(back("offline 192.0.2.1", false), Ok(is(&["online 192.0.2.1"])));
    assert_eq!(back("offline", false), Ok(is(&["online"])));
    assert_eq!(back("online", false), Err(NoInverse::Activity));
    let plan = thought("offline", true, false).unwrap();
    assert_eq!(plan.touches.len(), 4, "not the reference clock");
}

#[test]
fn settings_go_back_to_what_the_configuration_says() {
    assert_eq!(back("minpoll 192.0.2.1 6", true), Ok(is(&["minpoll 192.0.2.1 4"])));
    assert_eq!(back("maxpoll 192.0.2.1 6", true), Ok(is(&["maxpoll 192.0.2.1 10"])));
    assert!(matches!(back("maxpoll 192.0.2.1 6", false), Err(NoInverse::Options(_))));
    assert_eq!(back("local off", true), Ok(is(&["local stratum 8 distance 1"])));
    assert_eq!(back("maxupdateskew 5", true), Ok(is(&["maxupdateskew 1000"])));
    assert_eq!(back("reselectdist 1", false), Err(NoInverse::Setting));
    assert_eq!(back("reset sources", true), Err(NoInverse::Measurements));
    assert_eq!(back("reselect", false), Ok(is(&[])));
    assert_eq!(back("allow 192.0.2.0/24", false), Ok(is(&["deny 192.0.2.0/24"])));
    assert_eq!(back("deny 192.0.2.0/24", false), Ok(is(&[])));
    assert_eq!(back("allow all 192.0.2.0/24", false), Err(NoInverse::Rules));
}
