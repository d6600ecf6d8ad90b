//! Intersection and clustering beside their definitions, worked out the long way.

use super::*;

/// The intersection by trying all ends: from the lowest to the highest that enough intervals hold,
/// ends included, with as few falsetickers as possible.
fn intersect_by_force(list: &[(i64, i64)]) -> Option<(i64, i64, usize)> {
    let holding = |at: i64| list.iter().filter(|(low, high)| (*low..=*high).contains(&at)).count();
    (0..list.len().div_ceil(2)).find_map(|allowed| {
        let is_held = |at: &i64| holding(*at) >= list.len() - allowed;
        let low = list.iter().map(|(low, _)| *low).filter(is_held).min()?;
        let high = list.iter().map(|(_, high)| *high).filter(is_held).max()?;
        (high > low).then_some((low, high, allowed))
    })
}

/// Clustering by the letter: every sum anew in every round. Who is dropped, in that order.
fn cluster_by_force(candidates: &[Candidate], limits: &Limits) -> Vec<AssocId> {
    let mut left: Vec<&Candidate> = candidates.iter().collect();
    let mut dropped = Vec::new();
    while left.len() > limits.minclock.max(1) {
        let select_jitter_s = |from: &Candidate| {
            let squares: f64 =
                left.iter().map(|c| (c.offset.seconds() - from.offset.seconds()).powi(2)).sum();
            (squares / f64::from(u32::try_from(left.len()).unwrap() - 1)).sqrt()
        };
        let product =
            |c: &Candidate| select_jitter_s(c) * intersection::half_width(c, limits).seconds();
        let worst = (0..left.len())
            .reduce(|a, b| if product(left[b]) > product(left[a]) { b } else { a })
            .unwrap();
        let least_s = left.iter().map(|c| c.jitter.seconds()).fold(f64::INFINITY, f64::min);
        if select_jitter_s(left[worst]).max(limits.precision.seconds()) <= least_s {
            break;
        }
        dropped.push(left.remove(worst).id);
    }
    dropped
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_intersection_is_the_one_that_trying_all_ends_finds(
        list in proptest::collection::vec((-40..40_i64, 1..25_i64), 0..12),
    ) {
        // Few and small numbers, so that ends coincide often; the least distance is beyond them.
        let limits = Limits { mindist: NtpDuration::ZERO, ..Limits::default() };
        let span = |n: i64| NtpDuration::from_bits(n << 20);
        let candidates = numbered(list.iter().map(|(middle, half)| Candidate {
            offset: span(*middle),
            distance: span(*half),
            ..candidate(0, 0.0, 0.01)
        }).collect());
        let ends: Vec<_> = list.iter().map(|(middle, half)| (middle - half, middle + half)).collect();
        let expected = intersect_by_force(&ends);
        let found = select(&candidates, &limits, &Memory::default());
        let interval = found.interval.map(|i| (i.low, i.high, i.allowed));
        prop_assert_eq!(interval, expected.map(|(low, high, n)| (span(low), span(high), n)));
        for (verdict, (low, high)) in found.verdicts.iter().zip(&ends) {
            let is_false = expected.is_none_or(|(least, most, _)| *low > most || *high < least);
            prop_assert_eq!(verdict.tally == Tally::Falseticker, is_false, "{:?}", verdict);
        }
    }

    /// Offsets and distances without a pattern, so that rounding decides nothing.
    #[test]
    fn clustering_drops_whom_summing_anew_each_round_drops(
        rows in proptest::collection::vec((0.0..0.004_f64, 0.005..0.05_f64, 1e-6..2e-3_f64), 1..25),
        minclock in 0..6_usize,
    ) {
        let limits = Limits { minclock, maxclock: 50, ..Limits::default() };
        let candidates = numbered(rows.iter().map(|(offset_s, distance_s, jitter_s)| Candidate {
            jitter: s(*jitter_s),
            ..candidate(0, *offset_s, *distance_s)
        }).collect());
        let found = select(&candidates, &limits, &Memory::default());
        let dropped = found.rounds.iter().filter(|round| round.end == RoundEnd::Dropped);
        let dropped: Vec<_> = dropped.map(|round| round.worst).collect();
        prop_assert_eq!(dropped, cluster_by_force(&candidates, &limits));
    }
}
