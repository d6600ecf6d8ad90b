use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::model::clients::{ClientRecord, ManualEntry, Service};
use crate::model::daemon::Way;
use crate::model::identity::{Dialect, Identity};
use crate::model::reply::Reply;
use crate::model::vars::{Scope, peer as peer_vars, table};
use crate::units::{AssocId, PollExponent, Ppm};

const SYSTEM_REPLY: &[u8] = include_bytes!("../../../tests/data/replies/ntpd-4.2.8p15-system.txt");
const SERVER_REPLY: &[u8] = include_bytes!("../../../tests/data/replies/ntpd-4.2.8p15-server.txt");
const COUNTERS_REPLY: &[u8] =
    include_bytes!("../../../tests/data/replies/ntpsec-1.2.2-server-counters.txt");

const DIALECT: Option<Dialect> = Some(Dialect::Classic);

fn second(n: u64) -> Mono {
    Mono::from_nanos(n * 1_000_000_000)
}

fn dated_at(n: u64) -> Dated {
    let clock = NtpTimestamp::from_unix(1_795_225_000, 500_000_000);
    Dated { asked: second(n), answered: second(n), clock }
}

/// The values in a captured reply, whose first line is its status word.
fn captured(scope: Scope, file: &[u8]) -> Values {
    let end = file.iter().position(|b| *b == b'\n').unwrap();
    let reply = Reply::new(0, &file[end + 1..], 1, Dated::default());
    Values::decode(scope, DIALECT, &[], &reply)
}

fn text(scope: Scope, text: &str) -> Values {
    let reply = Reply::new(0, text.as_bytes(), 1, Dated::default());
    Values::decode(scope, DIALECT, &[], &reply)
}

fn answering() -> Daemon {
    let mut server = Peer::new(AssocId::new(52448), PeerStatus::from_bits(0xf414));
    server.row = Part::answered(captured(Scope::Peer, SERVER_REPLY), dated_at(10));
    Daemon {
        contact: Contact::Answering { last: second(10), round_trip: Duration::from_micros(250) },
        identity: Some(Arc::new(Identity::read("ntpd 4.2.8p15@1.3728-o"))),
        system: Part::answered(captured(Scope::System, SYSTEM_REPLY), dated_at(10)),
        peers: [Arc::new(server)].into(),
        ..Daemon::default()
    }
}

#[test]
fn a_daemon_is_told_with_units_in_the_names() {
    let json = daemon(&answering(), second(12));
    assert_eq!(json["schema"], "ntpscope/daemon/1");
    assert_eq!(json["dialect"], "ntpd");
    assert_eq!(json["contact"]["state"], "answering");
    assert_eq!(json["contact"]["last_answer_age_s"], 2.0);
    assert_eq!(json["contact"]["round_trip_ms"], 0.25);
    let system = &json["system"];
    assert_eq!(system["age_s"], 2.0);
    assert_eq!(system["answered_at"], "2026-11-21T01:36:40.500000000Z");
    assert_eq!(system["leap"], "none");
    assert_eq!(system["stratum"], 4);
    assert_eq!(system["precision_log2_s"], -24);
    assert_eq!(system["root_dispersion_ms"], 10.161);
    assert_eq!(system["system_jitter_ms"], 0.00006);
    assert_eq!(system["frequency_ppm"], 0.0);
    assert_eq!(system["reference_id"], "127.127.1.0");
    assert_eq!(system["reference_time"], "2026-11-21T01:52:43.011470149Z");
    assert_eq!(system["reference_time_ntp"], "eeab77eb.02efb52c");
    assert_eq!(system["next_leap_second"], "2017-01-01T00:00:00Z");
    assert_eq!(system["tai_offset_s"], 37.0);
    assert_eq!(system["other"], json!({ "foo": "bar" }));
}

#[test]
fn a_peer_is_told_from_all_its_parts() {
    let mut daemon = answering();
    let mut server = (*daemon.peers[0]).clone();
    let counters = captured(Scope::Peer, COUNTERS_REPLY);
    *server.detail_mut(Detail::Counters) = Part::answered(counters, dated_at(11));
    daemon.peers = [Arc::new(server)].into();
    let json = super::daemon(&daemon, second(12));
    let peer = &json["peers"][0];
    assert_eq!(peer["association"], 52448);
    assert_eq!(peer["tally"], "+");
    assert_eq!(peer["status"]["flags"], json!(["conf", "authenb", "auth", "reach"]));
    assert_eq!(peer["status"]["selection"], "candidate");
    assert_eq!(peer["source"], "10.8.0.2");
    assert_eq!(peer["reach"], "377");
    assert_eq!(peer["reach_bits"], 255);
    assert_eq!(peer["flash"], json!([]));
    assert_eq!(peer["host_mode"], "client");
    assert_eq!(peer["host_poll_log2_s"], 3);
    assert_eq!(peer["offset_ms"], 0.027);
    assert_eq!(peer["key_id"], 1);
    assert_eq!(peer["packets_sent"], 16);
    // Learned later than the row was.
    assert_eq!(peer["filter_offset_ms"][0], 2500.03);
    assert_eq!(peer["parts"]["row"]["age_s"], 2.0);
    assert_eq!(peer["parts"]["counters"]["age_s"], 1.0);
    assert_eq!(peer["parts"]["scalars"], Json::Null);
    assert_eq!(peer["last_packet_age_s"], 4.121_453);
}

#[test]
fn what_is_not_there_says_why() {
    let json = daemon(&answering(), second(12));
    let peer = &json["peers"][0];
    assert_eq!(peer["source_host"], Json::Null);
    assert_eq!(peer["absent"]["source_host"]["why"], "not_given");
    assert_eq!(peer["nts_cookies"], Json::Null);
    assert_eq!(peer["absent"]["nts_cookies"]["why"], "not_in_family");
    assert_eq!(json["status"], Json::Null);
    assert_eq!(json["absent"]["status"]["why"], "not_asked_yet");

    let silent = Failure::Unanswered { attempts: 3, waited: Duration::from_secs(6) };
    let mut stale = answering();
    stale.system = stale.system.failed(Absent::Failed(silent.clone()));
    let json = daemon(&stale, second(20));
    assert_eq!(json["system"]["stratum"], 4, "old values stay");
    assert_eq!(json["system"]["trouble"]["why"], "unanswered");
    assert_eq!(json["system"]["trouble"]["text"], "no answer to 3 requests in 6.0 s");

    let nothing = Daemon {
        system: Part::not_asked().failed(Absent::Failed(silent)),
        contact: Contact::Silent { since: second(14), last: None },
        ..Daemon::default()
    };
    let json = daemon(&nothing, second(20));
    assert_eq!(json["contact"], json!({ "state": "silent", "since_s": 6.0 }));
    assert_eq!(json["system"], Json::Null);
    assert_eq!(json["absent"]["system"]["why"], "unanswered");
    assert_eq!(json["version"], Json::Null);
    assert_eq!(json["peers"], json!([]));
}

#[test]
fn numbers_that_stand_for_something_else_say_for_what() {
    let values =
        text(Scope::Peer, "ppoll=99, stratum=16, leap=3, pmode=0, keyid=0, dispersion=16000.000");
    let json = Json::Object(variables(&values, &[]));
    assert_eq!(json["peer_poll_log2_s"], 99);
    assert_eq!(json["dispersion_ms"], 16000.0);
    assert_eq!(json["leap"], "alarm");
    assert_eq!(json["key_id"], 0);
    let means = json["means"].as_object().unwrap();
    assert_eq!(means["peer_poll_log2_s"], "not noted");
    assert_eq!(means["key_id"], "not authenticated");
    assert_eq!(means.len(), 6);
}

#[test]
fn hostile_text_stays_one_string() {
    let values = text(Scope::System, "version=\"a\u{1b}[2J\\\"}{\", offset=nan, x\u{7}y=1\u{9b}");
    let json = Json::Object(variables(&values, &[]));
    let printed = json.to_string();
    assert!(!printed.chars().any(char::is_control), "{printed}");
    assert_eq!(json["offset_ms"], Json::Null);
    assert_eq!(json["absent"]["offset_ms"]["why"], "not_decodable");
    assert_eq!(serde_json::from_str::<Json>(&printed).unwrap(), json);
}

#[test]
fn names_of_variables_collide_with_no_other_name() {
    let names = |scope| -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for row in table(scope) {
            let name = row.json_name();
            match row.format {
                Format::Timestamp => assert!(names.insert(format!("{name}_ntp"))),
                Format::Reach | Format::Flash => assert!(names.insert(format!("{name}_bits"))),
                _ => {}
            }
            assert!(names.insert(name));
        }
        names
    };
    let shared = ["absent", "means", "other", "age_s", "answered_at", "trouble"];
    let of_a_peer = ["association", "tally", "status", "last_packet_age_s", "clock", "parts"];
    for scope in [Scope::System, Scope::Peer, Scope::Clock] {
        assert!(shared.iter().all(|name| !names(scope).contains(*name)), "{scope:?}");
    }
    assert!(of_a_peer.iter().all(|name| !names(Scope::Peer).contains(*name)));
}

#[test]
fn clients_ways_and_times_entered_by_hand_are_told() {
    let ms = NtpDuration::from_milliseconds;
    let client = ClientRecord {
        address: "10.77.0.254".parse().unwrap(),
        ntp: Service {
            hits: 98,
            drops: 1,
            interval: Some(PollExponent::new(-2)),
            last: Some(Duration::from_secs(7)),
        },
        nts_ke: Service::default(),
        commands: Service { hits: u64::MAX, ..Service::default() },
        limited_interval: None,
    };
    let entry = ManualEntry {
        when: NtpTimestamp::from_unix(1_795_225_000, 500_000_000),
        offset: ms(-1.5),
        original_offset: ms(40.0),
        residual: ms(0.25),
    };
    let way = |name: &str, is_used| Way { name: name.into(), is_used, answers: true };
    let told = Daemon {
        clients: Part::answered(vec![client], dated_at(10)),
        manual: Part::answered(vec![entry], dated_at(11)),
        ways: [way("this way", true), way("that way", false)].into(),
        ..answering()
    };
    let json = daemon(&told, second(12));
    let client = &json["clients"]["list"][0];
    assert_eq!(json["clients"]["age_s"], 2.0);
    assert_eq!(client["address"], "10.77.0.254");
    let ntp = json!({ "hits": 98, "drops": 1, "interval_log2_s": -2, "last_age_s": 7.0 });
    assert_eq!(client["ntp"], ntp);
    assert_eq!(client["commands"]["hits"], u64::MAX);
    assert_eq!(client["nts_ke"]["last_age_s"], Json::Null);
    assert_eq!(client["limited_interval_log2_s"], Json::Null);
    let entry = &json["manual_times"]["list"][0];
    assert_eq!(entry["when"], "2026-11-21T01:36:40.500000000Z");
    let offsets = ["offset_ms", "original_offset_ms", "residual_ms"].map(|name| &entry[name]);
    assert_eq!(offsets, [&json!(-1.5), &json!(40.0), &json!(0.25)]);
    assert_eq!(json["ways"][1], json!({ "name": "that way", "is_used": false, "answers": true }));

    let json = daemon(&answering(), second(12));
    for name in ["clients", "manual_times", "ways"] {
        assert!(json.get(name).is_none(), "{name} was not asked for");
    }
}

#[test]
fn what_is_closed_says_how_it_can_be_had() {
    let closed = || Absent::Closed { how: "ask as root" };
    let mut source = Peer::new(AssocId::new(1), PeerStatus::from_bits(0x9600));
    let mut row = Values::typed([
        (&peer_vars::SELECTION, Value::Text("selected".into())),
        (&peer_vars::SAMPLES, Value::Unsigned(6)),
        (&peer_vars::SKEW, Value::Frequency(Ppm::new(2.51).unwrap())),
        (&peer_vars::ERROR_BOUND, Value::Duration(NtpDuration::from_milliseconds(0.25))),
    ]);
    row.insert(&peer_vars::LOW_LIMIT, Err(closed()));
    source.row = Part::answered(row, dated_at(10));
    let told = Daemon {
        peers: [Arc::new(source)].into(),
        clients: Part::not_asked().failed(closed()),
        ..answering()
    };
    let json = daemon(&told, second(12));
    let peer = &json["peers"][0];
    assert_eq!(peer["selection"], "selected");
    assert_eq!(peer["samples"], 6);
    assert_eq!(peer["skew_ppm"], 2.51);
    assert_eq!(peer["error_bound_ms"], 0.25);
    assert_eq!(peer["low_limit_ms"], Json::Null);
    let why = json!({ "why": "closed", "text": "not told to us: ask as root" });
    assert_eq!(peer["absent"]["low_limit_ms"], why);
    assert_eq!(json["clients"], Json::Null);
    assert_eq!(json["absent"]["clients"], why);
}

#[test]
fn eras_are_told_apart() {
    let last = NtpTimestamp::from_bits(0xffff_ffff_8000_0000);
    assert_eq!(rfc3339(last), "2036-02-07T06:28:15.500000000Z");
    let next = NtpTimestamp::from_bits(0x0000_0001_8000_0000);
    assert_eq!(rfc3339(next), "2036-02-07T06:28:17.500000000Z");
    assert_eq!(rfc3339(NtpTimestamp::NEVER), Json::Null);
}

#[test]
fn spans_come_out_as_they_were_written() {
    for written in ["0.000001", "0.014", "-0.066", "15937.500000", "2500.026163", "0.1"] {
        let values = text(Scope::Peer, &format!("offset={written}"));
        let value = values.get(&peer_vars::OFFSET).unwrap();
        let expected: f64 = written.parse().unwrap();
        assert_eq!(value_json(&peer_vars::OFFSET, value), json!(expected));
    }
}
