//! The vectors of the reference implementations, the rules one by one, and what holds for any
//! input.

use proptest::prelude::*;

use super::filter::Share;
use super::*;

mod force;

fn s(seconds: f64) -> NtpDuration {
    NtpDuration::from_seconds(seconds)
}

fn near(left: NtpDuration, right_s: f64) -> bool {
    (left.seconds() - right_s).abs() < 1e-9
}

fn candidate(id: u16, offset_s: f64, distance_s: f64) -> Candidate {
    Candidate {
        id: AssocId::new(id),
        offset: s(offset_s),
        distance: s(distance_s),
        jitter: s(0.0001),
        stratum: Stratum::new(2),
        leap: Leap::None,
        unfit: Unfit::default(),
        is_preferred: false,
        is_trusted: false,
        kind: Kind::Ordinary,
    }
}

fn run(candidates: &[Candidate]) -> Explained {
    select(candidates, &Limits::default(), &Memory::default())
}

fn tallies(explained: &Explained) -> String {
    explained.verdicts.iter().map(|verdict| verdict.tally.character()).collect()
}

fn reason(explained: &Explained, index: usize) -> Reason {
    explained.verdicts[index].reason
}

/// Numbers candidates from 1 on by (offset, root distance).
fn intervals(list: &[(f64, f64)]) -> Vec<Candidate> {
    (1..).zip(list).map(|(id, (offset, distance))| candidate(id, *offset, *distance)).collect()
}

#[track_caller]
fn intersects(list: &[(f64, f64)], expected: Option<(f64, f64, usize)>, truechimers: &str) {
    let explained = run(&intervals(list));
    match (explained.interval, expected) {
        (None, None) => {}
        (Some(found), Some((low, high, allowed))) => {
            assert!(near(found.low, low) && near(found.high, high), "{found:?}");
            assert_eq!(found.allowed, allowed);
        }
        (found, _) => unreachable!("{found:?}, not {expected:?}"),
    }
    let seen: String =
        tallies(&explained).chars().map(|c| if c == 'x' { 'x' } else { '+' }).collect();
    assert_eq!(seen, truechimers);
}

#[test]
fn the_intersections_are_those_of_the_reference() {
    intersects(
        &[(0.010, 0.020), (0.012, 0.015), (0.008, 0.010), (0.011, 0.012), (0.100, 0.010)],
        Some((-0.001, 0.018, 1)),
        "++++x",
    );
    intersects(&[(0.0, 0.01), (0.05, 0.01)], None, "xx");
    intersects(&[(0.0, 0.01), (0.005, 0.01), (0.05, 0.01)], Some((-0.005, 0.010, 1)), "++x");
    // A wide interval around a narrow one lets everybody pass that touches the wide one.
    intersects(&[(0.0, 0.1), (0.0, 0.001), (0.05, 0.01)], Some((-0.001, 0.060, 1)), "+++");
    // A point is no interval.
    intersects(&[(0.0, 0.01), (0.02, 0.01)], None, "xx");
    intersects(&[(0.03, 0.02)], Some((0.010, 0.050, 0)), "+");
    // Two against two is no majority.
    intersects(&[(0.0, 0.01), (0.001, 0.01), (0.05, 0.01), (0.051, 0.01)], None, "xxxx");
}

fn cluster_vector() -> Vec<Candidate> {
    let rows = [
        (0.0010, 0.0004, 0.020, 2),
        (0.0012, 0.0003, 0.015, 2),
        (0.0030, 0.0002, 0.030, 1),
        (0.0009, 0.0005, 0.012, 3),
        (-0.0020, 0.0002, 0.050, 2),
    ];
    let make = |(id, (offset, jitter, distance, stratum)): (u16, (f64, f64, f64, u8))| Candidate {
        jitter: s(jitter),
        stratum: Stratum::new(stratum),
        ..candidate(id, offset, distance)
    };
    (1..).zip(rows).map(make).collect()
}

#[test]
fn clustering_and_combining_are_those_of_the_reference() {
    let explained = run(&cluster_vector());
    assert_eq!(tallies(&explained), "*+-+-");
    let [first, second, last] = explained.rounds.as_slice() else {
        unreachable!("{:?}", explained.rounds)
    };
    assert_eq!((first.left, first.worst, first.end), (5, AssocId::new(5), RoundEnd::Dropped));
    assert!(near(first.select_jitter, 0.003_628_016) && near(first.least_jitter, 0.0002));
    assert_eq!((second.left, second.worst, second.end), (4, AssocId::new(3), RoundEnd::Dropped));
    assert!(near(second.select_jitter, 0.001_970_618));
    assert_eq!((last.left, last.end), (3, RoundEnd::Enough));
    let metric = |index: usize| explained.verdicts[index].metric.unwrap();
    assert!((metric(0) - 0.002_003_162).abs() < 1e-9);
    assert!((metric(1) - 0.002_003_824).abs() < 1e-9);
    assert!((metric(3) - 0.003_002_683).abs() < 1e-9);
    let system = explained.system.unwrap();
    assert_eq!(system.peer, AssocId::new(1));
    assert!(near(system.offset, 0.001_025), "{system:?}");
    assert!(near(system.jitter, 0.000_206_155), "{system:?}");
    assert_eq!(explained.memory.system_peer, Some(AssocId::new(1)));
    assert!(matches!(reason(&explained, 4), Reason::Clustered { round: 1, .. }));
    assert!(matches!(reason(&explained, 2), Reason::Clustered { round: 2, .. }));
    assert_eq!((reason(&explained, 0), reason(&explained, 1)), (Reason::Best, Reason::Survivor));
}

#[test]
fn nobody_says_nothing() {
    assert_eq!(run(&[]), Explained::default());
}

#[test]
fn a_falseticker_is_told_by_how_much_it_is_out() {
    let explained =
        run(&intervals(&[(0.0, 0.01), (0.005, 0.01), (0.1, 0.01), (-0.1, 0.01), (0.002, 0.01)]));
    assert_eq!(tallies(&explained), "++xx*");
    let Reason::Outside { gap } = reason(&explained, 2) else { unreachable!() };
    assert!(near(gap, 0.09 - 0.01), "{gap:?}");
    let Reason::Outside { gap } = reason(&explained, 3) else { unreachable!() };
    assert!(near(gap, -0.09 - -0.005), "{gap:?}");
}

#[test]
fn the_unfit_are_not_compared() {
    let mut candidates = intervals(&[(0.0, 0.01), (0.1, 0.01), (0.101, 0.01)]);
    candidates[1].unfit.unreachable = true;
    candidates[2].unfit.distance = true;
    let explained = run(&candidates);
    assert_eq!(tallies(&explained), "*  ");
    assert_eq!(explained.edges.len(), 2);
    assert_eq!(reason(&explained, 1), Reason::Unfit(candidates[1].unfit));
}

#[test]
fn a_source_that_is_trusted_blindly_is_no_falseticker_and_is_not_dropped() {
    let mut candidates = intervals(&[(0.0, 0.01), (0.0, 0.01), (0.0, 0.01), (0.0, 0.01)]);
    candidates.push(Candidate { is_trusted: true, ..candidate(9, 5.0, 0.01) });
    let explained = run(&candidates);
    assert!(matches!(explained.verdicts[4].tally, Tally::Candidate | Tally::SystemPeer));
    assert_eq!(explained.rounds.last().unwrap().end, RoundEnd::Protected);
}

#[test]
fn a_preferred_survivor_speaks_alone() {
    let mut candidates = cluster_vector();
    candidates[3].is_preferred = true;
    let explained = run(&candidates);
    assert_eq!(explained.verdicts[3].tally, Tally::SystemPeer);
    assert_eq!(reason(&explained, 3), Reason::Preferred);
    let system = explained.system.unwrap();
    assert_eq!((system.offset, system.jitter), (s(0.0009), s(0.0005)));
    let weights: Vec<_> = explained.verdicts.iter().map(|v| v.weight > 0.5).collect();
    assert_eq!(weights, [false, false, false, true, false]);
    // Outside the majority it has no say.
    candidates[3].offset = s(1.0);
    let explained = run(&candidates);
    assert_eq!(explained.verdicts[3].tally, Tally::Falseticker);
    assert_ne!(explained.system.unwrap().peer, candidates[3].id);
}

#[test]
fn clustering_stops_at_a_preferred_source() {
    let mut candidates = cluster_vector();
    candidates[4].is_preferred = true;
    let explained = run(&candidates);
    assert_eq!(tallies(&explained), "++++*");
    assert_eq!(explained.rounds.last().unwrap().end, RoundEnd::Protected);
}

#[test]
fn without_as_many_survivors_as_asked_for_the_clock_is_left_alone() {
    let limits = Limits { minsane: 4, ..Limits::default() };
    let explained = select(&cluster_vector(), &limits, &Memory::default());
    assert_eq!(explained.system, None);
    assert_eq!(tallies(&explained), "++-+-");
    assert_eq!(reason(&explained, 0), Reason::TooFew { survivors: 3 });
    assert!(explained.verdicts.iter().all(|verdict| verdict.weight.abs() < 1e-12));
    assert_eq!(explained.memory, Memory::default());
}

#[test]
fn beyond_maxclock_the_dropped_are_backups() {
    let candidates: Vec<_> =
        (1..=12_u16).map(|id| candidate(id, f64::from(id) * 0.001, 0.5)).collect();
    let explained = run(&candidates);
    let count = |tally| explained.verdicts.iter().filter(|v| v.tally == tally).count();
    assert_eq!((count(Tally::Backup), count(Tally::Outlier)), (2, 7));
}

#[test]
fn clustering_ends_when_the_sources_own_jitter_is_the_greater_part() {
    let noisy = |c: &Candidate| Candidate { jitter: s(0.002), ..*c };
    let candidates: Vec<_> = cluster_vector().iter().map(noisy).collect();
    let explained = run(&candidates);
    assert_eq!(explained.rounds.len(), 2);
    assert_eq!(explained.rounds[1].end, RoundEnd::JitterBound);
}

/// Two sources of which the second becomes the better by a hair.
fn rivals(apart_s: f64) -> Vec<Candidate> {
    let worse = Candidate { stratum: Stratum::new(3), ..candidate(1, 0.0, 0.01) };
    vec![worse, candidate(2, apart_s, 0.01)]
}

#[test]
fn a_small_gain_makes_no_hop_at_first_and_a_lasting_one_does() {
    let mut memory = Memory { system_peer: Some(AssocId::new(1)), ..Memory::default() };
    let mut peers = Vec::new();
    for _ in 0..4 {
        let explained = select(&rivals(0.0003), &Limits::default(), &memory);
        peers.push(explained.memory.system_peer.unwrap().get());
        if peers.len() == 1 {
            assert_eq!(reason(&explained, 0), Reason::HeldBack);
            assert_eq!(reason(&explained, 1), Reason::Best);
            assert_eq!(tallies(&explained), "*+");
        }
        memory = explained.memory;
    }
    // Thresholds of 1 ms and 0.5 ms hold it back, 0.25 ms does not.
    assert_eq!(peers, [1, 1, 2, 2]);
    assert_eq!(memory.hop_threshold, NtpDuration::ZERO);
    let memory = Memory { system_peer: Some(AssocId::new(1)), ..Memory::default() };
    let explained = select(&rivals(0.0011), &Limits::default(), &memory);
    assert_eq!(tallies(&explained), "+*");
}

#[test]
fn a_system_peer_that_did_not_survive_is_not_kept() {
    let mut candidates = rivals(0.0003);
    candidates[0].unfit.unreachable = true;
    let memory = Memory { system_peer: Some(AssocId::new(1)), hop_threshold: s(0.001) };
    let explained = select(&candidates, &Limits::default(), &memory);
    assert_eq!(tallies(&explained), " *");
    assert_eq!(explained.memory.hop_threshold, NtpDuration::ZERO);
}

#[test]
fn the_spread_is_taken_around_the_peer_that_was_kept() {
    let memory = Memory { system_peer: Some(AssocId::new(1)), ..Memory::default() };
    let mut candidates = rivals(0.0003);
    candidates[0].distance = s(0.02);
    let system = select(&candidates, &Limits::default(), &memory).system.unwrap();
    assert_eq!(system.peer, AssocId::new(1));
    assert!(near(system.offset, 0.0002), "{system:?}");
    let expected = (2.0_f64 / 3.0 * 0.0003 * 0.0003 + 0.0003 * 0.0003).sqrt();
    assert!(near(system.jitter, expected), "{system:?}");
}

fn local(id: u16) -> Candidate {
    let kind = Kind::LocalClock;
    Candidate { kind, stratum: Stratum::new(10), ..candidate(id, 0.0, 0.01) }
}

#[test]
fn a_local_clock_waits_until_nobody_is_left() {
    let mut candidates = vec![local(1), candidate(2, 0.3, 0.01)];
    let explained = run(&candidates);
    assert_eq!(tallies(&explained), " *");
    assert_eq!(reason(&explained, 0), Reason::Reserve);
    candidates[1].unfit.unreachable = true;
    let explained = run(&candidates);
    assert_eq!((tallies(&explained).as_str(), reason(&explained, 0)), ("* ", Reason::LastResort));
    assert!((explained.verdicts[0].weight - 1.0).abs() < 1e-12);
    // Not so early, and not where more are asked for.
    let early = Limits { reserves_wait: true, ..Limits::default() };
    assert_eq!(tallies(&select(&candidates, &early, &Memory::default())), "  ");
    let sane = Limits { minsane: 2, ..Limits::default() };
    assert_eq!(tallies(&select(&candidates, &sane, &Memory::default())), "+ ");
    // Preferred, it is a source like any other; a modem goes before it.
    candidates[0].is_preferred = true;
    candidates[1].unfit = Unfit::default();
    assert_eq!(tallies(&run(&candidates)), "xx");
    let modem = Candidate { kind: Kind::Modem, ..local(3) };
    assert_eq!(tallies(&run(&[local(1), modem])), " *");
}

fn orphan(id: u16, metric: u32) -> Candidate {
    let kind = Kind::Orphan { metric, own_metric: 50 };
    Candidate { kind, stratum: Stratum::new(6), ..candidate(id, 0.0, 0.01) }
}

#[test]
fn the_orphan_with_the_lowest_number_is_parent_when_nobody_else_is_left() {
    let limits = Limits { orphan: Stratum::new(6), ..Limits::default() };
    let select = |candidates: &[Candidate]| select(candidates, &limits, &Memory::default());
    let explained = select(&[orphan(1, 40), orphan(2, 30), orphan(3, 60)]);
    assert_eq!((tallies(&explained).as_str(), reason(&explained, 1)), (" * ", Reason::LastResort));
    // Ours is lower: we are the parent.
    assert_eq!(tallies(&select(&[orphan(1, 60)])), " ");
    assert_eq!(tallies(&select(&[orphan(1, 40), candidate(2, 0.0, 0.01)])), " *");
    let beyond = Candidate { stratum: Stratum::new(7), ..candidate(4, 0.0, 0.01) };
    let explained = select(&[beyond]);
    assert_eq!((tallies(&explained).as_str(), reason(&explained, 0)), (" ", Reason::BeyondOrphan));
    assert_eq!(explained.system, None);
}

fn pulse(has_seconds: bool) -> Candidate {
    let kind = Kind::Pulse { has_seconds };
    Candidate { kind, stratum: Stratum::new(0), ..candidate(7, 0.000_01, 0.002) }
}

#[test]
fn a_pulse_needs_somebody_to_number_its_seconds() {
    let mut candidates = vec![pulse(false), candidate(1, 0.0002, 0.01), candidate(2, 0.0, 0.01)];
    let explained = run(&candidates);
    assert_eq!(reason(&explained, 0), Reason::PulseUnused);
    assert_eq!(explained.verdicts[0].tally, Tally::Outlier);
    candidates[1].is_preferred = true;
    let explained = run(&candidates);
    assert_eq!(tallies(&explained), "o*+");
    let system = explained.system.unwrap();
    assert_eq!((system.peer, system.offset), (AssocId::new(7), s(0.000_01)));
    // Nearly half a second off, nobody knows which second it is.
    candidates[1].offset = s(0.45);
    candidates[1].distance = s(0.5);
    assert_eq!(reason(&run(&candidates), 0), Reason::PulseUnused);
    let explained = run(&[pulse(true), candidate(1, 0.0002, 0.01)]);
    assert_eq!(explained.verdicts[0].tally, Tally::PpsPeer);
    let none_asked = Limits { minsane: 0, ..Limits::default() };
    assert_eq!(tallies(&select(&[pulse(false)], &none_asked, &Memory::default())), "o");
    assert_eq!(tallies(&run(&[pulse(false)])), "-");
}

#[test]
fn a_leap_second_needs_more_than_half_of_the_survivors() {
    use Leap::{Delete, Insert, None};
    let announce = |leaps: &[Leap], stratum: u8| {
        let mut candidates: Vec<_> = (1..)
            .zip(leaps)
            .map(|(id, leap)| Candidate { leap: *leap, ..candidate(id, 0.0, 0.01) })
            .collect();
        candidates[0].stratum = Stratum::new(stratum);
        leap::vote(&candidates, &run(&candidates))
    };
    assert_eq!(announce(&[Insert, None], 2), None);
    assert_eq!(announce(&[Insert, Insert, None], 2), Insert);
    assert_eq!(announce(&[Delete, Delete, Insert], 2), Delete);
    assert_eq!(announce(&[Insert, None, None], 0), Insert);
    assert_eq!(announce(&[Insert], 2), Insert);
    // A falseticker has no vote.
    let mut candidates = intervals(&[(0.0, 0.01), (0.0, 0.01), (1.0, 0.01)]);
    candidates[2].leap = Insert;
    candidates[1].leap = Insert;
    assert_eq!(leap::vote(&candidates, &run(&candidates)), None);
}

fn share(id: u16, weight: f64, is_inconsistent: bool) -> Share {
    let id = AssocId::new(id);
    Share { id, weight, bias: s(0.004), prior: s(0.001), is_inconsistent }
}

#[test]
fn a_filter_puts_its_shares_in_and_drops_whom_it_cannot_explain() {
    let explained = run(&cluster_vector());
    let shares = [share(1, 6.0, true), share(2, 3.0, false), share(4, 1.0, false)];
    let filtered = explained.clone().with_filter(&shares);
    assert_eq!(tallies(&filtered), "-*-+-");
    let expected = Reason::Inconsistent { bias: s(0.004), prior: s(0.001) };
    assert_eq!(reason(&filtered, 0), expected);
    assert_eq!(filtered.system.unwrap().peer, AssocId::new(2));
    assert_eq!(filtered.memory.system_peer, Some(AssocId::new(2)));
    let weights: Vec<_> = filtered.verdicts.iter().map(|v| (v.weight * 100.0).round()).collect();
    assert_eq!(format!("{weights:?}"), "[0.0, 75.0, 0.0, 25.0, 0.0]");
    // With nobody else left, the inconsistent ones stay; without shares all stays as it was.
    let all = [share(1, 1.0, true), share(2, 1.0, true), share(4, 2.0, true)];
    assert_eq!(tallies(&explained.clone().with_filter(&all)), "*+-+-");
    assert_eq!(explained.clone().with_filter(&[]), explained);
    assert_eq!(explained.clone().with_filter(&[share(1, f64::NAN, false)]), explained);
}

fn any_span() -> impl Strategy<Value = NtpDuration> {
    prop_oneof![
        8 => (-0.05..0.05_f64).prop_map(s),
        1 => any::<i64>().prop_map(NtpDuration::from_bits),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0)].prop_map(NtpDuration::from_bits),
    ]
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let kind = prop_oneof![
        12 => Just(Kind::Ordinary),
        1 => any::<bool>().prop_map(|has_seconds| Kind::Pulse { has_seconds }),
        1 => Just(Kind::LocalClock),
        1 => Just(Kind::Modem),
        1 => (0..9_u32).prop_map(|metric| Kind::Orphan { metric, own_metric: 5 }),
    ];
    let rare = || proptest::bool::weighted(0.05);
    (any_span(), any_span(), any_span(), 0..17_u8, kind, rare(), rare(), rare()).prop_map(
        |(offset, distance, jitter, stratum, kind, unreachable, is_preferred, is_trusted)| {
            Candidate {
                offset,
                distance,
                jitter,
                stratum: Stratum::new(stratum),
                kind,
                unfit: Unfit { unreachable, ..Unfit::default() },
                is_preferred,
                is_trusted,
                ..candidate(0, 0.0, 0.01)
            }
        },
    )
}

fn numbered(list: Vec<Candidate>) -> Vec<Candidate> {
    (1..).zip(list).map(|(id, c)| Candidate { id: AssocId::new(id), ..c }).collect()
}

fn any_candidates(most: usize) -> impl Strategy<Value = Vec<Candidate>> {
    proptest::collection::vec(any_candidate(), 0..most).prop_map(numbered)
}

fn any_limits() -> impl Strategy<Value = Limits> {
    (0..4_usize, 0..6_usize, 0..12_usize, any_span(), 0..20_u8, any::<i8>()).prop_map(
        |(minsane, minclock, maxclock, mindist, orphan, precision)| Limits {
            minsane,
            minclock,
            maxclock,
            mindist,
            orphan: Stratum::new(orphan),
            reserves_wait: false,
            precision: Precision::new(precision),
        },
    )
}

/// What holds for whatever goes in.
fn check(candidates: &[Candidate], explained: &Explained, limits: &Limits) {
    let ids = |of: &[Candidate]| of.iter().map(|c| c.id).collect::<Vec<_>>();
    let verdicts: Vec<_> = explained.verdicts.iter().map(|v| v.id).collect();
    assert_eq!(verdicts, ids(candidates));
    let sum: f64 = explained.verdicts.iter().map(|v| v.weight).sum();
    let expected = f64::from(u8::from(explained.system.is_some()));
    assert!((sum - expected).abs() < 1e-9, "weights sum up to {sum}");
    assert!(explained.verdicts.iter().all(|v| (0.0..=1.000_001).contains(&v.weight)));
    assert_eq!(explained.memory.system_peer, explained.system.map(|system| system.peer));
    for (candidate, verdict) in candidates.iter().zip(&explained.verdicts) {
        let is_survivor =
            matches!(verdict.tally, Tally::Candidate | Tally::SystemPeer | Tally::PpsPeer);
        assert!(is_survivor || verdict.weight.abs() < 1e-12);
        let is_reserve = matches!(verdict.reason, Reason::LastResort | Reason::TooFew { .. });
        if is_survivor && !candidate.is_trusted && !is_reserve {
            let interval = explained.interval.unwrap();
            let half = intersection::half_width(candidate, limits);
            assert!(candidate.offset + half >= interval.low);
            assert!(candidate.offset - half <= interval.high);
        }
    }
    let peers = explained.verdicts.iter().filter(|v| v.tally == Tally::SystemPeer).count();
    assert!(peers <= 1);
    if let Some(system) = explained.system {
        let lowest = candidates.iter().map(|c| c.offset).min().unwrap();
        let highest = candidates.iter().map(|c| c.offset).max().unwrap();
        // A hair of rounding: 53 bits of up to 68 years.
        let hair = NtpDuration::from_bits(4096);
        assert!(system.offset >= lowest - hair && system.offset <= highest + hair);
        assert!(system.jitter >= NtpDuration::ZERO);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_goes_in_the_result_is_whole(
        candidates in any_candidates(40),
        limits in any_limits(),
        old in 0..40_u16,
        hop_threshold in any_span(),
    ) {
        let memory = Memory { system_peer: Some(AssocId::new(old)), hop_threshold };
        let explained = select(&candidates, &limits, &memory);
        check(&candidates, &explained, &limits);
        prop_assert_eq!(&explained, &select(&candidates, &limits, &memory));
        let shares: Vec<_> = (0..40).map(|id| share(id, f64::from(id), id % 3 == 0)).collect();
        let filtered = explained.with_filter(&shares);
        check(&candidates, &filtered, &limits);
    }

    /// Where no two are equal in offset, jitter or distance, their order means nothing.
    #[test]
    fn the_order_of_candidates_decides_only_ties(
        rows in proptest::collection::btree_map(-50_000..50_000_i32, (1_000..90_000_i32, 1..90_000_i32), 1..30),
        turn in 0..30_usize,
    ) {
        let micro = |n: i32| s(f64::from(n) * 1e-6);
        let list = rows.iter().map(|(offset, (distance, jitter))| Candidate {
            offset: micro(*offset),
            distance: micro(*distance),
            jitter: micro(*jitter),
            ..candidate(0, 0.0, 0.01)
        });
        let candidates = numbered(list.collect());
        let mut turned = candidates.clone();
        turned.reverse();
        turned.rotate_left(turn % candidates.len());
        let (one, other) = (run(&candidates), run(&turned));
        prop_assert_eq!(one.interval, other.interval);
        prop_assert_eq!(&one.rounds, &other.rounds);
        for verdict in &one.verdicts {
            let same = other.verdicts.iter().find(|v| v.id == verdict.id).unwrap();
            prop_assert_eq!((verdict.tally, verdict.reason), (same.tally, same.reason));
            prop_assert!((verdict.weight - same.weight).abs() < 1e-9);
        }
    }
}

#[test]
fn a_thousand_candidates_are_as_good_as_five() {
    let each = |id: u16| Candidate { jitter: s(1e-6), ..candidate(id, f64::from(id) * 1e-5, 0.05) };
    let candidates: Vec<_> = (1..=1000).map(each).collect();
    let explained = run(&candidates);
    check(&candidates, &explained, &Limits::default());
    assert_eq!(explained.rounds.len(), 998);
}
