//! From replies as daemons write them to verdicts.

use super::*;
use crate::model::status::PeerStatus;
use crate::model::vars::Scope;
use crate::model::{Dated, Part, Reply, Values};

/// A source by its status word and its reply; an empty one never came.
fn source(id: u16, status: u16, reply: &str) -> Arc<Peer> {
    let mut peer = Peer::new(AssocId::new(id), PeerStatus::from_bits(status));
    if !reply.is_empty() {
        let dated = Dated::default();
        let reply = Reply::new(0, reply.as_bytes(), 1, dated);
        peer.row = Part::answered(Values::decode(Scope::Peer, None, &[], &reply), dated);
    }
    Arc::new(peer)
}

fn good(id: u16, status: u16, offset_ms: f64) -> Arc<Peer> {
    let address = format!("srcadr=10.0.0.{id}, leap=0, stratum=2, refid=10.9.9.9, reach=0xff");
    let rest = "delay=4.000, rootdelay=1.000, rootdisp=2.000, dispersion=1.000, jitter=0.100";
    source(id, status, &format!("{address}, hmode=3, flash=0x0, offset={offset_ms}, {rest}"))
}

fn daemon(peers: Vec<Arc<Peer>>) -> Daemon {
    Daemon { peers: peers.into(), ..Daemon::default() }
}

fn tallies(selection: &Selection) -> String {
    let tally = |s: &Source| s.verdict.map_or('?', |verdict| verdict.tally.character());
    selection.sources.iter().map(tally).collect()
}

#[test]
fn variables_of_another_daemon_are_enough_to_explain_its_tallies() {
    let selection = explain(&daemon(vec![
        good(1, 0x961a, 0.1),
        good(2, 0x941a, 0.2),
        good(3, 0x911a, 80.0),
        source(
            4,
            0x8011,
            "srcadr=10.0.0.4, leap=3, stratum=16, refid=INIT, reach=0x0, hmode=3, \
                           flash=0x1600, dispersion=15937.5",
        ),
        source(5, 0x8811, "srcadr=0.0.0.0, refid=POOL, hmode=3, reach=0x0, flash=0x1600"),
    ]));
    assert!(!selection.is_told);
    assert_eq!(tallies(&selection), "*+x ", "a pool is no source");
    assert!(selection.sources.iter().all(|source| !source.differs()));
    let first = selection.source(AssocId::new(1)).unwrap();
    // (4 + 1) / 2 + 2 + 0.1 ms, and two precisions of a microsecond.
    let distance = first.span.unwrap().distance.milliseconds();
    assert!((distance - 4.6019).abs() < 1e-3, "{distance}");
    let Reason::Outside { gap } = selection.sources[2].verdict.unwrap().reason else {
        unreachable!()
    };
    assert!((gap.milliseconds() - (80.0 - 4.6019 - (0.1 + 4.6019))).abs() < 1e-2, "{gap:?}");
    assert_eq!(selection.sources[3].span, None);
    assert!(selection.sources[3].verdict.unwrap().weight.abs() < 1e-12);
}

#[test]
fn the_daemons_word_stays_beside_ours_when_they_differ() {
    let selection = explain(&daemon(vec![good(1, 0x931a, 0.1), good(2, 0x961a, 0.2)]));
    let differing: Vec<_> = selection.sources.iter().map(Source::differs).collect();
    assert_eq!(differing, [true, false]);
    assert_eq!(selection.sources[0].tally, Tally::Outlier);
    assert_eq!(selection.sources[0].verdict.unwrap().tally, Tally::Candidate);
}

#[test]
fn a_source_that_cannot_be_considered_says_which_variable_is_missing() {
    let part = "srcadr=10.0.0.2, stratum=2, reach=0xff, hmode=3, flash=0x0, offset=0.1, delay=1.0";
    let selection = explain(&daemon(vec![source(1, 0x961a, ""), source(2, 0x941a, part)]));
    assert_eq!(tallies(&selection), "??");
    let missing = |place: usize| match &selection.sources[place].trouble {
        Some(Trouble::Missing { variable, .. }) => variable.name,
        other => unreachable!("{other:?}"),
    };
    assert_eq!((missing(0), missing(1)), ("delay", "rootdelay"));
}

#[test]
fn tests_are_read_from_flash_bits_and_clocks_from_addresses() {
    let with = |text: &str| source(1, 0x9014, text);
    let failed = |text: &str| unfit(&with(text), Leap::None, Some(Stratum::new(2)));
    assert!(failed("reach=0xff, flash=0x400").distance);
    assert!(failed("reach=0xff, flash=0x800").synchronised_to_us);
    assert!(failed("reach=0xff, flash=0x1000").noselect);
    assert!(!failed("reach=0xff, flash=0x1000").unreachable);
    assert!(failed("reach=0x0, flash=0x1000").unreachable);
    assert!(!failed("reach=0xff, flash=0x0").any());
    assert!(unfit(&with("reach=0xff"), Leap::Alarm, None).stratum);
    assert_eq!(kind(&with("srcadr=127.127.1.0")), Kind::LocalClock);
    assert_eq!(kind(&with("srcadr=127.127.22.0")), Kind::Pulse { has_seconds: false });
    assert_eq!(kind(&with("srcadr=10.0.0.1")), Kind::Ordinary);
}

#[test]
fn what_a_daemon_tells_of_its_selection_is_taken_as_it_is() {
    let told = Explained {
        verdicts: vec![Verdict {
            id: AssocId::new(1),
            tally: Tally::Outlier,
            reason: Reason::NoMajority,
            weight: 0.0,
            metric: None,
        }],
        ..Explained::default()
    };
    let selection = Some(Arc::new(told));
    let peers = vec![good(1, 0x931a, 0.1)].into();
    let selection = explain(&Daemon { peers, selection, ..Daemon::default() });
    assert!(selection.is_told && !selection.sources[0].differs());
    assert_eq!(tallies(&selection), "-");
}
