//! Every number of every report arrives in its variable, with our sign and unit.

use std::time::Duration;

use ntpscope::model::vars::{Variable, peer, system};
use ntpscope::model::{Absent, Daemon as Snapshot, Value};
use ntpscope::units::{Leap, Mode, NtpDuration, PollExponent, Precision, Reach, Stratum, Tally};
use ntpscope::wire::cmdmon::report::{
    AuthMode, ManualSample, SelectOptions, SelectState, SourceMode, SourceState,
};
use ntpscope::wire::cmdmon::{
    AuthData, PartsPerMillion, RtcReport, Seconds, Smoothing, Tracking, UnixTime,
};

use super::{is_complete, latest, s, source, watch};
use crate::chronyd::{Chronyd, State, address, tracking};
use crate::daemon::ms;
use crate::line::Line;

fn told(daemon: Chronyd) -> std::sync::Arc<Snapshot> {
    let mut world = watch(1, daemon, Line::perfect(ms(5)));
    world.run_until(s(2), is_complete);
    world.run_for(s(2));
    latest(&world).clone()
}

fn span(seconds: f64) -> Value {
    Value::Duration(NtpDuration::from_seconds(seconds))
}

fn whole(seconds: u64) -> Value {
    Value::Duration(Duration::from_secs(seconds).into())
}

/// The scripted source's own number, by its field.
fn own(n: u8, field: f64) -> f64 {
    (f64::from(n) + field / 64.0) / 1024.0
}

/// Spans within a nanosecond, frequencies within what seven digits hold, all else alike.
fn assert_same(variable: &Variable, found: &Value, expected: &Value) {
    let near = match (found, expected) {
        (Value::Duration(found), Value::Duration(expected)) => {
            (found.seconds() - expected.seconds()).abs() < 1.5e-9
        }
        (Value::Real(found), Value::Real(expected)) => (found - expected).abs() < 1e-7,
        (Value::Frequency(found), Value::Frequency(expected)) => {
            (found.parts_per_million() - expected.parts_per_million()).abs() < 1e-6
        }
        (found, expected) => found == expected,
    };
    assert!(near, "{}: {found:?} is not {expected:?}", variable.field);
}

fn ppm(parts: f64) -> Value {
    Value::Frequency(ntpscope::units::Ppm::new(parts).unwrap())
}

#[test]
fn a_source_is_told_as_it_is() {
    let n = 5_u8;
    let snapshot = told(Chronyd::new(State::with_servers(6)).of(4, 8));
    let one = source(&snapshot, address(n)).unwrap();
    assert_eq!(one.status.tally(), Tally::Candidate);
    let reference = ntpscope::units::RefId::new([192, 0, 2, n]);
    let stamp = ntpscope::units::NtpTimestamp::from_unix(1_795_218_005, 500_000_000);
    let expected: &[(&'static Variable, Value)] = &[
        // SOURCE_DATA: chronyd's are positive when the local clock is ahead.
        (&peer::SOURCE, Value::Address(address(n))),
        (&peer::SOURCE_HOST, Value::Text("server5.example".into())),
        (&peer::HOST_POLL, Value::Poll(PollExponent::new(9))),
        (&peer::STRATUM, Value::Stratum(Stratum::new(6))),
        (&peer::REACH, Value::Reach(Reach::new(5))),
        (&peer::HOST_MODE, Value::Mode(Mode::Client)),
        (&peer::IS_REFERENCE_CLOCK, Value::Flag(false)),
        (&peer::SAMPLE_AGE, whole(5)),
        (&peer::MEASURED_OFFSET, span(-own(n, 1.0))),
        (&peer::OFFSET, span(-own(n, 2.0))),
        (&peer::ERROR_BOUND, span(own(n, 3.0))),
        // SOURCESTATS, likewise.
        (&peer::SAMPLES, Value::Unsigned(9)),
        (&peer::RUNS, Value::Unsigned(7)),
        (&peer::SPAN, whole(300)),
        (&peer::JITTER, span(own(n, 4.0))),
        (&peer::RESIDUAL_FREQUENCY, ppm(-own(n, 5.0))),
        (&peer::SKEW, ppm(own(n, 6.0))),
        (&peer::ESTIMATED_OFFSET, span(-own(n, 7.0))),
        (&peer::OFFSET_ERROR, span(own(n, 8.0))),
        // SELECT_DATA, likewise: what is low there is high here.
        (&peer::AUTHENTICATED, Value::Flag(true)),
        (&peer::SELECTION_LEAP, Value::Leap(Leap::None)),
        (&peer::CONFIGURED_OPTIONS, Value::Text("noselect trust".into())),
        (&peer::EFFECTIVE_OPTIONS, Value::Text("noselect trust".into())),
        (&peer::SELECTION_AGE, whole(6)),
        (&peer::SCORE, Value::Real(0.625)),
        (&peer::LOW_LIMIT, span(-own(n, 10.0))),
        (&peer::HIGH_LIMIT, span(own(n, 9.0))),
        (&peer::SELECTION, Value::Text("combined".into())),
        // NTP_DATA: chronyd's is positive when the local clock is behind, as ours.
        (&peer::DESTINATION, Value::Address([10, 8, 0, 1].into())),
        (&peer::SOURCE_PORT, Value::Unsigned(1005)),
        (&peer::LEAP, Value::Leap(Leap::None)),
        (&peer::PACKET_VERSION, Value::Unsigned(4)),
        (&peer::PEER_MODE, Value::Mode(Mode::Server)),
        (&peer::PACKET_STRATUM, Value::Stratum(Stratum::new(6))),
        (&peer::PACKET_POLL, Value::Poll(PollExponent::new(6))),
        (&peer::PRECISION, Value::Precision(Precision::new(-20))),
        (&peer::ROOT_DELAY, span(own(n, 11.0))),
        (&peer::ROOT_DISPERSION, span(own(n, 12.0))),
        (&peer::REFERENCE_ID, Value::ReferenceAddress(reference.address())),
        (&peer::REFERENCE_TIME, Value::Timestamp(stamp)),
        (&peer::PACKET_OFFSET, span(own(n, 13.0))),
        (&peer::DELAY, span(own(n, 14.0))),
        (&peer::PACKET_DISPERSION, span(own(n, 15.0))),
        (&peer::RESPONSE_TIME, span(own(n, 16.0))),
        (&peer::JITTER_ASYMMETRY, Value::Real(-0.25)),
        (&peer::PACKET_TESTS, Value::Text("111 111 1111".into())),
        (&peer::IS_INTERLEAVED, Value::Flag(false)),
        (&peer::SENT_STAMP, Value::Text("kernel".into())),
        (&peer::RECEIVED_STAMP, Value::Text("hardware".into())),
        (&peer::SENT, Value::Unsigned(540)),
        (&peer::RECEIVED, Value::Unsigned(530)),
        (&peer::VALID, Value::Unsigned(520)),
        (&peer::GOOD, Value::Unsigned(510)),
        (&peer::KERNEL_SENT, Value::Unsigned(501)),
        (&peer::KERNEL_RECEIVED, Value::Unsigned(502)),
        (&peer::HARDWARE_SENT, Value::Unsigned(503)),
        (&peer::HARDWARE_RECEIVED, Value::Unsigned(504)),
        // AUTH_DATA.
        (&peer::AUTH_MODE, Value::Text("none".into())),
    ];
    for (variable, expected) in expected {
        let found = one.value(variable);
        let (found, _) = found.unwrap_or_else(|why| panic!("{}: {why:?}", variable.field));
        assert_same(variable, found, expected);
    }
}

#[test]
fn authentication_is_told_by_key_and_by_nts() {
    let mut state = State::with_servers(3);
    let keyed = AuthData {
        mode: AuthMode::SymmetricKey,
        key_type: 13,
        key_id: 47,
        key_bits: 128,
        ..state.sources[0].auth
    };
    state.sources[1].auth = keyed;
    state.sources[2].auth = AuthData {
        mode: AuthMode::Nts,
        key_type: 15,
        key_id: 3,
        key_bits: 256,
        establishment_attempts: 2,
        last_establishment: Some(s(3600)),
        cookies: 7,
        cookie_len: 100,
        naks: 1,
    };
    let snapshot = told(Chronyd::new(state));
    let key = ntpscope::units::KeyId::new(47);
    for (n, variable, expected) in [
        (2, &peer::AUTH_MODE, Value::Text("symmetric key".into())),
        (2, &peer::KEY_ID, Value::Key(key)),
        (2, &peer::KEY_ALGORITHM, Value::Text("AES128".into())),
        (2, &peer::KEY_LENGTH, Value::Unsigned(128)),
        (3, &peer::AUTH_MODE, Value::Text("NTS".into())),
        (3, &peer::KEY_ALGORITHM, Value::Text("AES-SIV-CMAC-256".into())),
        (3, &peer::KEY_LENGTH, Value::Unsigned(256)),
        (3, &peer::NTS_KEY, Value::Unsigned(3)),
        (3, &peer::ESTABLISHMENT_AGE, whole(3600)),
        (3, &peer::ESTABLISHMENT_ATTEMPTS, Value::Unsigned(2)),
        (3, &peer::NTS_COOKIES, Value::Signed(7)),
        (3, &peer::COOKIE_LENGTH, Value::Unsigned(100)),
        (3, &peer::NTS_NAKS, Value::Unsigned(1)),
    ] {
        let one = source(&snapshot, address(n)).unwrap();
        let found = one.value(variable);
        let (found, _) = found.unwrap_or_else(|why| panic!("{}: {why:?}", variable.field));
        assert_same(variable, found, &expected);
    }
}

#[test]
fn the_clock_is_told_as_it_is() {
    let mut state = State::with_servers(1);
    state.rtc = Some(RtcReport {
        reference_time: UnixTime::new(1_795_218_000, 0),
        samples: 8,
        runs: 3,
        span: s(900),
        offset: Seconds::new(1.25),
        frequency: PartsPerMillion::new(-2.5),
    });
    state.smoothing = Some(Smoothing {
        flags: 3,
        offset: Seconds::new(0.5),
        frequency: PartsPerMillion::new(4.0),
        wander: PartsPerMillion::new(0.25),
        last_update: Seconds::new(16.0),
        remaining: Seconds::new(32.0),
    });
    let snapshot = told(Chronyd::new(state).of(4, 8));
    let values = snapshot.system.latest().unwrap();
    let reference = ntpscope::units::RefId::new([10, 9, 0, 1]);
    let stamp = ntpscope::units::NtpTimestamp::from_unix(1_795_218_948, 320_109_969);
    let rtc = ntpscope::units::NtpTimestamp::from_unix(1_795_218_000, 0);
    let selected = source(&snapshot, address(1)).unwrap().id;
    for (variable, expected) in [
        (&system::LEAP, Value::Leap(Leap::None)),
        (&system::STRATUM, Value::Stratum(Stratum::new(3))),
        (&system::REFERENCE_ID, Value::ReferenceAddress(reference.address())),
        (&system::REFERENCE_ADDRESS, Value::Address(address(1))),
        (&system::REFERENCE_TIME, Value::Timestamp(stamp)),
        (&system::PEER, Value::Association(selected)),
        // Positive when the clock is behind: as it came.
        (&system::SYSTEM_TIME, span(-2.5e-6)),
        // It came positive when the clock was ahead.
        (&system::LAST_OFFSET, span(-3.5e-6)),
        (&system::RMS_OFFSET, span(4.5e-6)),
        // It came positive when the clock ran fast; ours is what is added to it.
        (&system::FREQUENCY, ppm(5.5)),
        (&system::RESIDUAL_FREQUENCY, ppm(-0.125)),
        (&system::SKEW, ppm(0.25)),
        (&system::ROOT_DELAY, span(0.0075)),
        (&system::ROOT_DISPERSION, span(0.00085)),
        (&system::UPDATE_INTERVAL, span(64.5)),
        (&system::ONLINE, Value::Unsigned(1)),
        (&system::OFFLINE, Value::Unsigned(1)),
        (&system::BURST_ONLINE, Value::Unsigned(2)),
        (&system::BURST_OFFLINE, Value::Unsigned(3)),
        (&system::UNRESOLVED, Value::Unsigned(4)),
        (&system::NTP_HITS, Value::Unsigned(1001)),
        (&system::COMMAND_HITS, Value::Unsigned(1002)),
        (&system::NTP_DROPS, Value::Unsigned(1003)),
        (&system::COMMAND_DROPS, Value::Unsigned(1004)),
        (&system::LOG_DROPS, Value::Unsigned(1005)),
        (&system::KEY_ESTABLISHMENTS, Value::Unsigned(1006)),
        (&system::KEY_ESTABLISHMENT_DROPS, Value::Unsigned(1007)),
        (&system::AUTHENTICATED_HITS, Value::Unsigned(1008)),
        (&system::INTERLEAVED_HITS, Value::Unsigned(1009)),
        (&system::STAMPS_HELD, Value::Unsigned(1010)),
        (&system::STAMP_SPAN, whole(1011)),
        (&system::DAEMON_RECEIVE_STAMPS, Value::Unsigned(1012)),
        (&system::DAEMON_SEND_STAMPS, Value::Unsigned(1013)),
        (&system::KERNEL_RECEIVE_STAMPS, Value::Unsigned(1014)),
        (&system::KERNEL_SEND_STAMPS, Value::Unsigned(1015)),
        (&system::HARDWARE_RECEIVE_STAMPS, Value::Unsigned(1016)),
        (&system::HARDWARE_SEND_STAMPS, Value::Unsigned(1017)),
        (&system::SMOOTHING_ACTIVE, Value::Flag(true)),
        (&system::SMOOTHING_LEAP_ONLY, Value::Flag(true)),
        (&system::SMOOTHING_OFFSET, span(0.5)),
        (&system::SMOOTHING_FREQUENCY, ppm(4.0)),
        (&system::SMOOTHING_WANDER, Value::Real(0.25)),
        (&system::SMOOTHING_AGE, span(16.0)),
        (&system::SMOOTHING_REMAINING, span(32.0)),
        (&system::RTC_REFERENCE_TIME, Value::Timestamp(rtc)),
        (&system::RTC_SAMPLES, Value::Unsigned(8)),
        (&system::RTC_RUNS, Value::Unsigned(3)),
        (&system::RTC_SPAN, whole(900)),
        (&system::RTC_OFFSET, span(1.25)),
        (&system::RTC_FREQUENCY, ppm(-2.5)),
    ] {
        let found = values.get(variable);
        let found = found.unwrap_or_else(|why| panic!("{}: {why:?}", variable.field));
        assert_same(variable, found, &expected);
    }
}

#[test]
fn layouts_that_lack_a_number_say_that_this_daemon_has_none() {
    let snapshot = told(Chronyd::new(State::with_servers(2)).of(4, 0));
    let values = snapshot.system.latest().unwrap();
    assert_eq!(values.get(&system::AUTHENTICATED_HITS), Ok(&Value::Unsigned(1008)));
    for variable in [&system::INTERLEAVED_HITS, &system::STAMP_SPAN, &system::KERNEL_SEND_STAMPS] {
        assert_eq!(values.get(variable), Err(Absent::NotInFamily), "{}", variable.field);
    }
    let one = source(&snapshot, address(1)).unwrap();
    for variable in [&peer::GOOD, &peer::KERNEL_SENT, &peer::HARDWARE_RECEIVED] {
        assert_eq!(one.value(variable).unwrap_err(), Absent::NotInFamily, "{}", variable.field);
    }
    assert_eq!(one.value(&peer::VALID).unwrap().0, &Value::Unsigned(120));
}

#[test]
fn times_entered_by_hand_are_told_in_our_sign() {
    let mut state = State::with_servers(1);
    state.manual = vec![ManualSample {
        when: UnixTime::new(1_795_218_000, 0),
        slewed_offset: Seconds::new(0.25),
        original_offset: Seconds::new(-0.5),
        residual: Seconds::new(0.125),
    }];
    let snapshot = told(Chronyd::new(state));
    let [entry] = &snapshot.manual.latest().unwrap()[..] else { panic!("one was entered") };
    assert_eq!(entry.offset, NtpDuration::from_seconds(-0.25));
    assert_eq!(entry.original_offset, NtpDuration::from_seconds(0.5));
    assert!((entry.residual.seconds().abs() - 0.125).abs() < 1e-9);
}

#[test]
fn each_letter_and_each_state_has_its_tally() {
    let letters = [
        (b'*', Tally::SystemPeer),
        (b'+', Tally::Candidate),
        (b'x', Tally::Falseticker),
        (b'T', Tally::Reject),
        (b'D', Tally::Outlier),
        (b'L', Tally::Outlier),
        (b'P', Tally::Outlier),
        (b'U', Tally::Outlier),
        (b'W', Tally::Outlier),
        (b'N', Tally::Reject),
        (b'M', Tally::Reject),
        (b's', Tally::Reject),
        (b'r', Tally::Reject),
        (b'd', Tally::Reject),
        (b'~', Tally::Reject),
        (b'w', Tally::Reject),
        (b'S', Tally::Reject),
        (b'O', Tally::Reject),
    ];
    let mut state = State::with_servers(u8::try_from(letters.len()).unwrap());
    for (source, (letter, _)) in state.sources.iter_mut().zip(letters) {
        source.selection.state = SelectState::from_bits(letter);
    }
    let snapshot = told(Chronyd::new(state.clone()));
    let mut words = Vec::new();
    for (n, (letter, tally)) in (1..).zip(letters) {
        let one = source(&snapshot, address(n)).unwrap();
        assert_eq!(one.status.tally(), tally, "{}", char::from(letter));
        for variable in [&peer::SELECTION, &peer::SELECTION_REASON] {
            let Ok((Value::Text(text), _)) = one.value(variable) else { panic!("no words") };
            words.push(text.to_string());
        }
    }
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), 36, "each has its own words");

    let states = [
        (SourceState::Selected, Tally::SystemPeer),
        (SourceState::Combined, Tally::Candidate),
        (SourceState::NotCombined, Tally::Outlier),
        (SourceState::Falseticker, Tally::Falseticker),
        (SourceState::NotSelectable, Tally::Reject),
        (SourceState::Jittery, Tally::Reject),
        (SourceState::Other(99), Tally::Reject),
    ];
    for (source, (state, _)) in state.sources.iter_mut().zip(states) {
        source.data.state = state;
    }
    let snapshot = told(Chronyd::new(state).over_udp());
    for (n, (state, tally)) in (1..).zip(states) {
        let one = source(&snapshot, address(n)).unwrap();
        assert_eq!(one.status.tally(), tally, "{state:?}");
    }
}

#[test]
fn the_selection_is_chronyds_own() {
    let mut state = State::with_servers(4);
    for (source, (letter, low, high)) in state.sources.iter_mut().zip([
        (b'*', -0.001, 0.003),
        (b'+', 0.001, 0.004),
        (b'x', -0.045, -0.040),
        (b'N', 0.0, 0.0),
    ]) {
        source.selection.state = SelectState::from_bits(letter);
        source.selection.low_limit = Seconds::new(low);
        source.selection.high_limit = Seconds::new(high);
        source.selection.configured = SelectOptions::default();
    }
    let snapshot = told(Chronyd::new(state.clone()));
    let explained = snapshot.selection.as_ref().expect("the daemon tells it");
    let interval = explained.interval.expect("two of three agree");
    assert!((interval.low.seconds() + 0.003).abs() < 1e-8, "{interval:?}");
    assert!((interval.high.seconds() + 0.001).abs() < 1e-8, "{interval:?}");
    assert_eq!(explained.edges.len(), 6, "one has no limits");
    let id = |n| source(&snapshot, address(n)).unwrap().id;
    let verdict = |n| explained.verdicts.iter().find(|verdict| verdict.id == id(n)).unwrap();
    assert_eq!(verdict(1).tally, Tally::SystemPeer);
    assert_eq!(verdict(3).tally, Tally::Falseticker);
    let ends: Vec<f64> = explained
        .edges
        .iter()
        .filter(|edge| edge.id == id(3))
        .map(|edge| edge.at.seconds())
        .collect();
    assert!((ends[0] - 0.040).abs() < 1e-8 && (ends[1] - 0.045).abs() < 1e-8, "{ends:?}");
    assert_eq!(explained.system.as_ref().map(|system| system.peer), Some(id(1)));

    let over_udp = told(Chronyd::new(state).over_udp());
    let explained = over_udp.selection.as_ref().expect("its states are told");
    assert!(explained.edges.is_empty() && explained.interval.is_none());
    assert_eq!(explained.verdicts.len(), 4);
}

#[test]
fn a_clock_that_follows_nothing_says_so() {
    let mut state = State::with_servers(0);
    state.tracking = Tracking {
        reference_id: ntpscope::units::RefId::new([0; 4]),
        address: ntpscope::wire::cmdmon::Address::Unspecified,
        stratum: Stratum::new(0),
        leap: Leap::Alarm,
        reference_time: UnixTime::NEVER,
        ..tracking()
    };
    let snapshot = told(Chronyd::new(state));
    let values = snapshot.system.latest().unwrap();
    assert_eq!(values.get(&system::LEAP), Ok(&Value::Leap(Leap::Alarm)));
    assert_eq!(values.get(&system::REFERENCE_ADDRESS), Err(Absent::NotGiven));
    assert_eq!(values.get(&system::REFERENCE_TIME), Err(Absent::NotGiven));
}

#[test]
fn a_peer_is_told_from_a_server() {
    let mut state = State::with_servers(2);
    state.sources[1].data.mode = SourceMode::Peer;
    let snapshot = told(Chronyd::new(state));
    let mode =
        |n| source(&snapshot, address(n)).unwrap().value(&peer::HOST_MODE).unwrap().0.clone();
    assert_eq!(mode(1), Value::Mode(Mode::Client));
    assert_eq!(mode(2), Value::Mode(Mode::SymmetricActive));
}
