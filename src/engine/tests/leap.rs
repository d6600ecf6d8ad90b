//! Leap seconds from a file and from sources: whom to believe, and when others are told.

use super::pair::{Pair, Server, iburst, seconds};
use crate::config::leap_file::LeapTable;
use crate::config::ntp_conf::{self, Directive};
use crate::engine::mobilize::Applied;
use crate::engine::output::Event;
use crate::units::{Leap, NtpDuration, NtpTimestamp};

/// A world that is about to see the end of 2028-12-31, `before_s` seconds later.
fn pair(before_s: f64) -> Pair {
    let mut pair = Pair::new(1);
    let midnight = NtpTimestamp::from_unix(MIDNIGHT, 0);
    pair.set_time(midnight + NtpDuration::from_seconds(-before_s));
    pair
}

/// A server there that announces this.
fn serve(pair: &mut Pair, number: u8, leap: Leap) {
    let ahead_s = pair.error_s();
    pair.serve(number, Server { ahead_s, leap, ..Server::default() }, iburst());
}

/// 2029-01-01T00:00:00Z.
const MIDNIGHT: i64 = 1_861_920_000;

/// The same, in seconds since 1900.
const NTP_MIDNIGHT: i64 = MIDNIGHT + 2_208_988_800;

/// A table with a leap second then, if there is one, that is good until so many days later.
fn table(offset: Option<i32>, days: i64) -> LeapTable {
    let expires = NTP_MIDNIGHT + days * 86_400;
    let leap = offset.map(|offset| format!("{NTP_MIDNIGHT} {offset}\n")).unwrap_or_default();
    let text = format!("#@ {expires}\n2272060800 36\n3692217600 37\n{leap}");
    LeapTable::read("leap", &text, true).unwrap()
}

fn use_table(pair: &mut Pair, table: LeapTable) {
    let now = pair.now();
    pair.engine.set_leap_table(&now, Some(table));
    pair.handle(crate::engine::input::Input::Wakeup);
}

fn ends(pair: &Pair) -> Vec<f64> {
    let days = |event: &Event| match event {
        Event::LeapTableEnds { left } => Some((left.seconds() / 86_400.0).round()),
        _ => None,
    };
    pair.events.iter().filter_map(days).collect()
}

#[test]
fn the_file_of_a_directive_is_asked_for() {
    let mut pair = Pair::new(1);
    let now = pair.now();
    let text = "leapfile /etc/leap ignorehash\n";
    let placed = ntp_conf::read("ntp.conf", text).unwrap();
    let applied = pair.engine.apply(&now, &placed[0].directive).unwrap();
    assert_eq!(applied, Applied::LeapFile { path: "/etc/leap".into(), checks_hash: false });
}

#[test]
fn a_leap_second_of_the_table_is_announced_on_its_last_day() {
    for (offset, leap) in [(38, Leap::Insert), (36, Leap::Delete)] {
        let mut pair = pair(86_400.0 * 3.0);
        serve(&mut pair, 1, Leap::None);
        use_table(&mut pair, table(Some(offset), 200));
        pair.run(seconds(86_400 * 2 - 10));
        assert_eq!(pair.engine.system().leap, Leap::None);
        pair.run(seconds(20));
        assert_eq!((pair.engine.system().leap, pair.engine.leap_announced()), (leap, leap));
        pair.run(seconds(86_400 - 20));
        assert_eq!(pair.engine.system().leap, leap);
        pair.run(seconds(30));
        assert_eq!(pair.engine.system().leap, Leap::None);
        let went = |line: &&String| line.contains("code: 11,");
        assert_eq!(pair.log.iter().filter(went).count(), 1);
    }
}

#[test]
fn a_table_wins_over_sources_for_as_long_as_it_is_good() {
    // It knows of none: all sources together are wrong.
    let mut known = pair(86_400.0);
    use_table(&mut known, table(None, 200));
    for number in 1..=3 {
        serve(&mut known, number, Leap::Insert);
    }
    known.run(seconds(7200));
    assert_eq!(known.engine.leap_announced(), Leap::None);
    // It is too old to know.
    let mut expired = pair(86_400.0);
    use_table(&mut expired, table(None, -10));
    for number in 1..=3 {
        serve(&mut expired, number, Leap::Insert);
    }
    expired.run(seconds(7200));
    assert_eq!(expired.engine.leap_announced(), Leap::Insert);
    assert_eq!(ends(&expired), [-9.0]);
}

#[test]
fn a_minority_of_sources_is_not_believed() {
    let mut pair = pair(86_400.0);
    for number in 1..=3 {
        serve(&mut pair, number, if number == 1 { Leap::Insert } else { Leap::None });
    }
    pair.run(seconds(7200));
    assert_eq!(pair.engine.leap_announced(), Leap::None);
    for number in 2..=3 {
        pair.server(number).leap = Leap::Insert;
    }
    pair.run(seconds(7200));
    assert_eq!(pair.engine.leap_announced(), Leap::Insert);
}

#[test]
fn that_a_table_ends_is_told_once_before_and_once_when_it_has() {
    let mut pair = pair(86_400.0 * 40.0);
    use_table(&mut pair, table(None, 0));
    assert!(ends(&pair).is_empty());
    pair.run(seconds(86_400 * 12 + 4000));
    assert_eq!(ends(&pair), [28.0]);
    pair.run(seconds(86_400 * 30));
    assert_eq!(ends(&pair), [28.0, -0.0]);
    // A new one is told of anew, if need be.
    use_table(&mut pair, table(None, 20));
    assert_eq!(ends(&pair).len(), 3);
}

#[test]
fn a_leap_second_is_spread_for_clients_alone_and_is_over_with_it() {
    let mut pair = pair(86_400.0 + 3600.0);
    serve(&mut pair, 1, Leap::None);
    use_table(&mut pair, table(Some(38), 200));
    let now = pair.now();
    let text = "leapsmearinterval 43200\n";
    let placed = ntp_conf::read("ntp.conf", text).unwrap();
    pair.engine.apply(&now, &placed[0].directive).unwrap();
    let told = |pair: &Pair| {
        let served = pair.engine.served(&pair.now());
        (served.leap, served.smear.map(|smear| smear.offset(pair.now().clock).seconds()))
    };
    pair.run(seconds(3600 + 3600));
    // The clock itself is to insert it, but those who ask are not to know.
    assert_eq!(pair.engine.system().leap, Leap::Insert);
    assert_eq!(told(&pair), (Leap::None, None));
    pair.run(seconds(43_200 - 3600 + 21_600));
    let (leap, offset) = told(&pair);
    assert!((offset.unwrap() + 0.5).abs() < 1e-4, "{offset:?}");
    assert_eq!(leap, Leap::None);
    pair.run(seconds(21_599));
    assert!((told(&pair).1.unwrap() + 1.0).abs() < 1e-6);
    // Which second it is, is not sure for a moment.
    let leaps: Vec<Leap> = (0..20)
        .map(|_| {
            pair.run(std::time::Duration::from_millis(250));
            told(&pair).0
        })
        .collect();
    assert!(leaps[..4].contains(&Leap::Alarm) && leaps[12..].iter().all(|l| *l == Leap::None));
    assert_eq!(told(&pair).1, None);
}

#[test]
fn without_a_table_nothing_wakes_for_it() {
    let mut pair = Pair::new(1);
    let now = pair.now();
    let text = "leapsmearinterval 86400\n";
    let placed = ntp_conf::read("ntp.conf", text).unwrap();
    assert!(matches!(placed[0].directive, Directive::LeapSmearInterval(_)));
    assert_eq!(pair.engine.apply(&now, &placed[0].directive), Ok(Applied::Set));
    pair.run(seconds(100_000));
    assert!(pair.sent.is_empty());
}
