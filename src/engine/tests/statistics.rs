//! What is kept for statistics files.

use super::pair::{Pair, Server, iburst, seconds};
use crate::config::ntp_conf::records::{KINDS, Statistics as Kind};
use crate::config::statistics::Kinds;
use crate::engine::settings::{Algorithm, Settings};
use crate::engine::statistics::Record;
use crate::units::NtpTimestamp;

/// An engine after a quarter of an hour with one server, 5 ms ahead.
fn run(algorithm: Algorithm, kinds: Kinds) -> Pair {
    let mut pair = Pair::with(Settings { algorithm, statistics: kinds, ..Settings::default() }, 1);
    pair.set_error(-0.005);
    pair.serve(1, Server::default(), iburst());
    pair.run(seconds(900));
    pair
}

fn of_kind(pair: &Pair, kind: Kind) -> Vec<&Record> {
    pair.records.iter().map(|(_, record)| record).filter(|record| record.kind() == kind).collect()
}

#[test]
fn only_what_is_asked_for_is_recorded() {
    assert!(run(Algorithm::Ntp, Kinds::NONE).records.is_empty());
    let pair = run(Algorithm::Ntp, Kinds::NONE.with(Kind::Peer));
    assert!(!pair.records.is_empty());
    assert_eq!(of_kind(&pair, Kind::Peer).len(), pair.records.len());
}

#[test]
fn each_reply_each_estimate_and_each_update_of_the_loop_is_a_record() {
    for algorithm in [Algorithm::Ntp, Algorithm::Kalman] {
        let pair = run(algorithm, KINDS.into_iter().map(|(_, kind)| kind).collect());
        let association = pair.engine.associations().next().unwrap();
        let raw = of_kind(&pair, Kind::Raw);
        assert_eq!(raw.len() as u64, association.counters.received, "{algorithm:?}");
        let peer = of_kind(&pair, Kind::Peer);
        assert!(peer.len() > 5 && peer.len() <= raw.len(), "{algorithm:?}: {}", peer.len());
        let Some(Record::Peer(last)) = peer.last() else { panic!("no estimate") };
        assert_eq!(Some(last.source), association.address);
        assert!((last.delay.seconds() - 0.01).abs() < 1e-4, "{last:?}");
        // The clock was 5 ms behind and was brought up.
        let Some(Record::Peer(first)) = peer.first() else { panic!("no estimate") };
        assert!((first.offset.seconds() - 0.005).abs() < 1e-3, "{first:?}");
        assert!(last.offset.abs() < first.offset.abs(), "{last:?}");
        let updates = of_kind(&pair, Kind::Loop);
        assert!(updates.len() > 3 && updates.len() <= raw.len(), "{algorithm:?}: {updates:?}");
    }
}

#[test]
fn an_exchange_is_recorded_with_its_own_times_and_not_with_the_random_ones() {
    let pair = run(Algorithm::Ntp, Kinds::NONE.with(Kind::Raw));
    for (at, record) in &pair.records {
        let Record::Raw(raw) = record else { panic!("{record:?}") };
        let s = |later: NtpTimestamp, earlier: NtpTimestamp| (later - earlier).seconds();
        assert!((s(raw.arrived, raw.sent) - 0.01).abs() < 1e-3, "{raw:?}");
        assert!((s(*at, raw.arrived)).abs() < 1e-3, "{raw:?}");
        assert!((s(raw.header.receive, raw.sent) - 0.01).abs() < 0.01, "{raw:?}");
    }
}

#[test]
fn a_loop_that_does_not_steer_is_recorded_at_each_new_estimate() {
    use crate::config::ntp_conf::{Directive, Flag};
    let mut pair = Pair::new(1);
    pair.engine.keep_statistics(Kinds::NONE.with(Kind::Loop));
    let now = pair.now();
    let off = Directive::Flag { flag: Flag::Ntp, is_enabled: false };
    pair.engine.apply(&now, &off).unwrap();
    pair.serve(1, Server::default(), iburst());
    pair.run(seconds(900));
    let count = of_kind(&pair, Kind::Loop).len();
    let samples = usize::try_from(pair.engine.associations().next().unwrap().samples).unwrap();
    assert!(count > 5 && count <= samples, "{count} of {samples}");
}

#[test]
fn what_happens_is_recorded_with_the_status_after_it() {
    let pair = run(Algorithm::Ntp, Kinds::NONE.with(Kind::Protocol));
    let lines: Vec<_> = pair.records.iter().map(|(at, record)| record.line(*at)).collect();
    let has = |what: &str| lines.iter().any(|line| line.contains(what));
    assert!(has(" 0.0.0.0 c016 06 restart started"), "{lines:?}");
    assert!(has(" 81 mobilize "), "{lines:?}");
    assert!(has(" 84 reachable "), "{lines:?}");
    assert!(has(" 8a sys_peer "), "{lines:?}");
    assert!(lines.iter().all(|line| line.split(' ').count() >= 6), "{lines:?}");
}
