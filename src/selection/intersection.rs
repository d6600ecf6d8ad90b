//! Intersection: the interval that a majority of the correctness intervals agrees on, and who
//! lies outside it.
//!
//! RFC 5905 §11.2.1 after Marzullo and Mills. Differs: midpoints are not counted and an interval
//! that merely overlaps is enough to survive, as in ntpd; the RFC asks for the midpoint inside.

use crate::selection::{Candidate, Edge, Interval, Limits, Reason};
use crate::units::NtpDuration;

/// Half the width of the correctness interval of `candidate`: its root distance, never less than
/// `mindist`, and never nothing.
pub fn half_width(candidate: &Candidate, limits: &Limits) -> NtpDuration {
    candidate.distance.max(limits.mindist).max(NtpDuration::from_bits(1))
}

/// The ends of all correctness intervals in ascending order; where several coincide, lower ends
/// first, then in the order of the candidates. Intervals that merely touch so meet in a point,
/// which is not an interval.
pub fn edges<'a>(candidates: impl Iterator<Item = &'a Candidate>, limits: &Limits) -> Vec<Edge> {
    let mut edges: Vec<Edge> = candidates
        .flat_map(|candidate| {
            let (id, half) = (candidate.id, half_width(candidate, limits));
            [
                Edge { id, at: candidate.offset - half, is_lower: true },
                Edge { id, at: candidate.offset + half, is_lower: false },
            ]
        })
        .collect();
    edges.sort_by_key(|edge| (edge.at, !edge.is_lower));
    edges
}

/// The smallest interval common to more than half of the intervals whose ends are `edges`, with as
/// few of them left out as possible; `None` when no majority has one.
///
/// Differs: a count that is never reached gives no bound here, where ntpd is left with the
/// outermost end.
pub fn intersect(edges: &[Edge]) -> Option<Interval> {
    let candidates = edges.len() / 2;
    // The first end at which each depth is reached; depth 1 at index 0.
    let lows = first_at_depth(edges.iter(), true);
    let highs = first_at_depth(edges.iter().rev(), false);
    (0..candidates.div_ceil(2)).find_map(|allowed| {
        let depth = candidates - allowed;
        let (low, high) = (*lows.get(depth - 1)?, *highs.get(depth - 1)?);
        (high > low).then_some(Interval { low, high, allowed })
    })
}

/// Where, walking along `edges`, each number of open intervals is first reached.
fn first_at_depth<'a>(
    edges: impl Iterator<Item = &'a Edge>,
    opens_at_lower: bool,
) -> Vec<NtpDuration> {
    let mut reached = Vec::new();
    let mut depth = 0_usize;
    for edge in edges {
        if edge.is_lower == opens_at_lower {
            depth += 1;
            if depth > reached.len() {
                reached.push(edge.at);
            }
        } else {
            depth = depth.saturating_sub(1);
        }
    }
    reached
}

/// Why `candidate` does not belong to the majority; `None` when it does.
pub fn outside(
    candidate: &Candidate,
    limits: &Limits,
    interval: Option<Interval>,
) -> Option<Reason> {
    let Some(Interval { low, high, .. }) = interval else {
        return Some(Reason::NoMajority);
    };
    let half = half_width(candidate, limits);
    let (lower, upper) = (candidate.offset - half, candidate.offset + half);
    if lower > high {
        Some(Reason::Outside { gap: lower - high })
    } else if upper < low {
        Some(Reason::Outside { gap: upper - low })
    } else {
        None
    }
}
