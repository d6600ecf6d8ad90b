//! Leap seconds from a file and from sources: whom to believe, and when others are told.

use std::time::Duration;

use super::pair::{Pair, Server, iburst, seconds};
use crate::config::leap_file::LeapTable;
use crate::config::ntp_conf::{self, Directive};
use crate::engine::input::Input;
use crate::engine::mobilize::Applied;
use crate::engine::output::Event;
use crate::engine::server::{Arrived, Server as Answering, Verdict};
use crate::engine::settings::{Algorithm, Settings};
use crate::units::{Leap, NtpDuration, NtpTimestamp};
use crate::wire::packet::{Header, Packet};

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
    pair.handle(Input::Wakeup);
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
            pair.run(Duration::from_millis(250));
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

/// What somebody is told who asks now.
fn asked(pair: &Pair, server: &mut Answering) -> Header {
    let now = pair.now();
    let request = Header::request(NtpTimestamp::from_bits(7)).emit();
    let arrived = Arrived {
        from: (Pair::address(77), 40_000).into(),
        to: Some(Pair::address(200)),
        at: now.clock,
        mono: now.mono,
        datagram: &request,
    };
    let Verdict::Reply(draft) = server.answer(&pair.engine.served(&now), &arrived) else {
        panic!("no reply")
    };
    let mut reply = Vec::new();
    server.finish(&draft, now.clock, &mut reply);
    Packet::parse(&reply).unwrap().header
}

/// A world whose kernels carry a leap second out, ours and those of its servers.
struct World {
    pair: Pair,
    server: Answering,
    kind: Leap,
    /// How far our clock was ahead of the raw one, that knows no leap seconds.
    base_s: f64,
    has_gone: bool,
}

impl World {
    fn new(algorithm: Algorithm, kind: Leap, before_s: f64) -> Self {
        let mut pair = Pair::with(Settings { algorithm, ..Settings::default() }, 3);
        let start = NtpTimestamp::from_unix(MIDNIGHT, 0) + NtpDuration::from_seconds(-before_s);
        let base_s = pair.set_time(start);
        Self { pair, server: Answering::new([1; 32]), kind, base_s, has_gone: false }
    }

    /// Lets time pass in steps, and the leap second when the clock says so.
    fn run(&mut self, step: Duration, count: usize, mut look: impl FnMut(f64, Header)) {
        let (early_s, by_s) = if self.kind == Leap::Insert { (0, -1.0) } else { (1, 1.0) };
        let due = NtpTimestamp::from_unix(MIDNIGHT - early_s, 0);
        for _ in 0..count {
            self.pair.run(step);
            if !self.has_gone && (self.pair.now().clock - due).seconds() >= 0.0 {
                self.has_gone = true;
                self.pair.set_error(self.pair.error_s() + by_s);
                self.pair.servers.values_mut().for_each(|server| server.ahead_s += by_s);
                let by = NtpDuration::from_seconds(by_s);
                self.pair.handle(Input::ClockStepped { by });
            }
            let told = asked(&self.pair, &mut self.server);
            let raw = self.pair.now().clock + NtpDuration::from_seconds(-self.pair.error_s());
            let uniform = raw + NtpDuration::from_seconds(self.base_s);
            look((told.transmit - uniform).seconds(), told);
        }
    }
}

#[test]
fn a_leap_second_that_most_announce_is_told_on_its_day_gone_through_and_over() {
    for (algorithm, kind, by_s) in [
        (Algorithm::Ntp, Leap::Insert, -1.0),
        (Algorithm::Kalman, Leap::Insert, -1.0),
        (Algorithm::Ntp, Leap::Delete, 1.0),
    ] {
        let mut world = World::new(algorithm, kind, 86_400.0 + 7200.0);
        for number in 1..=3 {
            // They announce it too early, and for too long.
            serve(&mut world.pair, number, if number == 3 { Leap::None } else { kind });
        }
        world.run(seconds(60), 10, |_, _| {});
        world.run(seconds(60), 109, |off_s, told| {
            assert_eq!(told.leap, Leap::None, "the day before");
            assert!(off_s.abs() < 1e-3, "{off_s}");
        });
        world.run(seconds(60), 20, |_, _| {});
        world.run(seconds(60), 1420, |off_s, told| {
            assert_eq!(told.leap, kind);
            assert!(off_s.abs() < 1e-3, "{off_s}");
        });
        let mut leaps = Vec::new();
        world.run(Duration::from_millis(100), 600 + 200, |off_s, told| {
            leaps.push(told.leap);
            let is_right = off_s.abs() < 1e-3 || (off_s - by_s).abs() < 1e-3;
            assert!(told.leap == Leap::Alarm || is_right, "{off_s} {:?}", told.leap);
        });
        leaps.dedup();
        assert_eq!(leaps, [kind, Leap::Alarm, Leap::None], "{algorithm:?}");
        world.run(seconds(60), 300, |off_s, told| {
            assert_eq!(told.leap, Leap::None, "{algorithm:?}");
            assert!((off_s - by_s).abs() < 1e-3, "{algorithm:?}: {off_s}");
        });
        assert_eq!(world.pair.engine.leap_announced(), Leap::None);
        assert!(world.pair.engine.system().peer.is_some());
        assert_eq!(world.pair.steps, [], "nobody but the kernel steps for it");
        let has = |what: &str| world.pair.log.iter().any(|line| line.contains(what));
        assert!(has(&format!("Status(Status {{ leap: {kind:?},")), "the kernel was told");
        let last = world.pair.log.iter().rfind(|line| line.contains("Status(Status")).unwrap();
        assert!(last.contains("leap: None"), "{last}");
        assert!(!has("by somebody else"));
    }
}

/// The kernel's midnight and the one that was reckoned are some milliseconds apart.
#[test]
fn a_leap_second_that_is_spread_is_told_without_a_jump_whenever_exactly_it_goes() {
    for late_s in [-0.05, 0.0, 0.05] {
        let mut world = World::new(Algorithm::Ntp, Leap::Insert, 43_200.0 + 600.0);
        serve(&mut world.pair, 1, Leap::None);
        use_table(&mut world.pair, table(Some(38), 200));
        let now = world.pair.now();
        let placed = ntp_conf::read("ntp.conf", "leapsmearinterval 43200\n").unwrap();
        world.pair.engine.apply(&now, &placed[0].directive).unwrap();
        world.run(seconds(60), 9, |off_s, told| {
            assert!(told.leap != Leap::Insert && off_s.abs() < 1e-3);
        });
        let mut before_s = 0.0;
        let mut look = |off_s: f64, told: Header| {
            if told.leap == Leap::Alarm {
                return;
            }
            assert_eq!(told.leap, Leap::None);
            let change_s = off_s - before_s;
            assert!((-0.06..0.06).contains(&change_s), "{late_s}: {before_s} {off_s}");
            assert!((-1.06..=0.06).contains(&off_s), "{late_s}: {off_s}");
            before_s = off_s;
        };
        world.run(seconds(60), 720, &mut look);
        world.run(seconds(1), 56, &mut look);
        // Too near now to reckon it anew.
        world.pair.set_error(world.pair.error_s() - late_s);
        world.run(Duration::from_millis(10), 1000, &mut look);
        world.run(seconds(60), 10, &mut look);
        assert!((before_s + 1.0).abs() < 0.06, "{late_s}: {before_s}");
    }
}

#[test]
fn what_most_announced_comes_though_nobody_is_heard_any_more() {
    let mut pair = pair(43_200.0);
    for number in 1..=3 {
        serve(&mut pair, number, Leap::Insert);
    }
    pair.run(seconds(3600));
    pair.servers.values_mut().for_each(|server| server.answers = false);
    pair.run(seconds(43_200 - 3600 - 60));
    assert_eq!(pair.engine.system().peer, None);
    assert_eq!(
        (pair.engine.leap_announced(), pair.engine.system().leap),
        (Leap::Insert, Leap::Insert)
    );
    pair.run(seconds(62));
    let went = |line: &&String| line.contains("code: 11,");
    assert_eq!(pair.log.iter().filter(went).count(), 1);
    assert_eq!(pair.engine.leap_announced(), Leap::None);
    // It was for that one night.
    pair.set_time(NtpTimestamp::from_unix(MIDNIGHT + 180 * 86_400, 0));
    pair.run(seconds(86_400 * 2));
    assert_eq!(pair.engine.leap_announced(), Leap::None);
}
