//! How the daemon selected, in its own words and by its own limits.

use super::source::Reports;
use super::to_nanosecond;
use crate::selection::{Edge, Explained, Interval, Reason, System, Verdict};
use crate::units::{AssocId, NtpDuration, Reach, Tally};
use crate::wire::cmdmon::report::SourceState;
use crate::wire::cmdmon::{SelectData, SourceData};

/// What the daemon made of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control::chrony) struct Standing {
    /// As a tally code.
    pub(in crate::control::chrony) tally: Tally,
    /// In a word or two.
    pub(in crate::control::chrony) word: &'static str,
    /// Why, in a clause.
    pub(in crate::control::chrony) reason: &'static str,
    /// The letter of its own report.
    pub(in crate::control::chrony) letter: char,
}

/// What the daemon made of a source: by the letter of its selection where it tells that, else by
/// the state that `sources` shows.
pub(in crate::control::chrony) fn standing(
    data: &SourceData,
    select: Option<&SelectData>,
) -> Standing {
    let by_letter = select.and_then(|select| select.state.code());
    let mut standing = match by_letter {
        Some(code) => Standing {
            tally: tally(code.letter),
            word: code.word,
            reason: code.meaning,
            letter: code.letter,
        },
        None => Standing {
            // A letter that is not known here says nothing, the coarse state does.
            letter: match select {
                Some(select) => select.state.letter(),
                None => data.state.character(),
            },
            ..by_state(data.state)
        },
    };
    // A source that was never heard is told to be not synchronised, or not selectable.
    let is_chosen = matches!(standing.letter, 'N' | '*' | '+');
    if data.reach == Reach::default() && standing.tally == Tally::Reject && !is_chosen {
        standing.word = "no answer";
        standing.reason = match data.last_sample {
            None => "it has not answered since it was added",
            Some(_) => "none of its last eight polls was answered",
        };
    }
    standing
}

/// The tally code of a letter of the selection.
const fn tally(letter: char) -> Tally {
    match letter {
        '*' => Tally::SystemPeer,
        '+' => Tally::Candidate,
        // `T`, which agrees with the majority but not with those that are trusted, is no falseticker
        // to the daemon either: its `sources` says that it cannot be selected.
        'x' => Tally::Falseticker,
        'W' | 'P' | 'U' | 'D' | 'L' => Tally::Outlier,
        _ => Tally::Reject,
    }
}

const fn by_state(state: SourceState) -> Standing {
    let (tally, word, reason) = match state {
        SourceState::Selected => (Tally::SystemPeer, "selected", "the clock follows it"),
        SourceState::Combined => {
            (Tally::Candidate, "combined", "it is combined with the selected source")
        }
        SourceState::NotCombined => (
            Tally::Outlier,
            "not combined",
            "it could be selected, but is neither selected nor combined: too far, an outlier, or \
             others are preferred",
        ),
        SourceState::Falseticker => {
            (Tally::Falseticker, "falseticker", "it does not agree with the majority")
        }
        SourceState::Jittery => (Tally::Reject, "too jittery", "its jitter is above maxjitter"),
        SourceState::NotSelectable => (
            Tally::Reject,
            "not selectable",
            "too few measurements, not synchronised, too far, too old, or configured with noselect",
        ),
        SourceState::Other(_) => (Tally::Reject, "not known", "its state is not known here"),
    };
    Standing { tally, word, reason, letter: state.character() }
}

/// The ends of the interval in which the offset lies by a source, in our sign; `None` where none
/// is known.
pub(in crate::control::chrony) fn limits(
    select: &SelectData,
) -> Option<(NtpDuration, NtpDuration)> {
    let (low, high) = (select.low_limit.seconds(), select.high_limit.seconds());
    let is_known = low.abs() > 0.0 || high.abs() > 0.0;
    // The wire's are positive when the local clock is ahead: what is low there is high here.
    is_known.then(|| (to_nanosecond(-high), to_nanosecond(-low)))
}

/// The selection among `sources`.
pub(in crate::control::chrony) fn explained<'a>(
    sources: &(impl Iterator<Item = (AssocId, &'a Reports)> + Clone),
) -> Explained {
    let mut edges = Vec::new();
    for (id, reports) in sources.clone() {
        let compared = reports.select.as_ref().ok().filter(|select| is_compared(select));
        let Some((low, high)) = compared.and_then(limits) else { continue };
        edges.push(Edge { id, at: low, is_lower: true });
        edges.push(Edge { id, at: high, is_lower: false });
    }
    // At one place a beginning goes before an end: intervals that touch agree.
    edges.sort_by_key(|edge| (edge.at, !edge.is_lower));
    let interval = majority(&edges);
    let verdicts = sources
        .clone()
        .map(|(id, reports)| {
            let standing = reports.standing();
            let outside = interval.filter(|_| standing.letter == 'x');
            let reason = match outside.and_then(|interval| gap(&edges, id, interval)) {
                Some(gap) => Reason::Outside { gap },
                None => Reason::Told(standing.reason),
            };
            Verdict { id, tally: standing.tally, reason, weight: 0.0, metric: None }
        })
        .collect();
    let system = sources
        .clone()
        .find(|(_, reports)| reports.standing().tally == Tally::SystemPeer)
        .map(|(peer, reports)| System {
            peer,
            offset: to_nanosecond(-reports.data.adjusted_offset.seconds()),
            jitter: reports.stats.as_ref().map_or(NtpDuration::ZERO, |stats| {
                to_nanosecond(stats.standard_deviation.seconds())
            }),
        });
    Explained { verdicts, edges, interval, system, ..Explained::default() }
}

/// Whether a source got so far that its interval was compared with those of others.
fn is_compared(select: &SelectData) -> bool {
    matches!(select.state.letter(), 'T' | 'x' | 'W' | 'P' | 'U' | 'D' | 'L' | '+' | '*')
}

/// The part that most of the intervals share, if they are more than half.
fn majority(edges: &[Edge]) -> Option<Interval> {
    let compared = edges.len() / 2;
    let (mut depth, mut best) = (0_usize, 0);
    let mut found = None;
    for (place, edge) in edges.iter().enumerate() {
        if !edge.is_lower {
            depth = depth.saturating_sub(1);
            continue;
        }
        depth += 1;
        if depth > best {
            best = depth;
            let end = edges.get(place..)?.iter().find(|edge| !edge.is_lower)?;
            found = Some(Interval { low: edge.at, high: end.at, allowed: compared - depth });
        }
    }
    found.filter(|_| best * 2 > compared)
}

/// How far the interval of `id` lies from the one of the majority: positive when above.
fn gap(edges: &[Edge], id: AssocId, majority: Interval) -> Option<NtpDuration> {
    let end = |is_lower| {
        edges.iter().find(|edge| edge.id == id && edge.is_lower == is_lower).map(|edge| edge.at)
    };
    let (low, high) = (end(true)?, end(false)?);
    if low > majority.high {
        Some(low - majority.high)
    } else if high < majority.low {
        Some(high - majority.low)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::report::SELECT_STATES;

    fn edges(intervals: &[(f64, f64)]) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (id, (low, high)) in (1..).zip(intervals) {
            for (at, is_lower) in [(low, true), (high, false)] {
                let at = NtpDuration::from_seconds(*at);
                edges.push(Edge { id: AssocId::new(id), at, is_lower });
            }
        }
        edges.sort_by_key(|edge| (edge.at, !edge.is_lower));
        edges
    }

    #[test]
    fn the_majority_shares_what_most_of_them_share() {
        let seconds = |interval: Option<Interval>| {
            interval.map(|i| (i.low.seconds(), i.high.seconds(), i.allowed))
        };
        let three = edges(&[(-1.0, 2.0), (1.0, 3.0), (40.0, 41.0)]);
        assert_eq!(seconds(majority(&three)), Some((1.0, 2.0, 1)));
        let last = majority(&three).unwrap();
        assert_eq!(gap(&three, AssocId::new(3), last), Some(NtpDuration::from_seconds(38.0)));
        assert_eq!(gap(&three, AssocId::new(1), last), None);
        assert_eq!(majority(&edges(&[(0.0, 1.0), (2.0, 3.0)])), None, "one of two is no majority");
        let touching = edges(&[(0.0, 1.0), (1.0, 2.0)]);
        assert_eq!(seconds(majority(&touching)), Some((1.0, 1.0, 0)));
        assert_eq!(majority(&[]), None);
    }

    #[test]
    fn every_letter_has_a_tally_and_every_state_the_same_as_its_letters() {
        for code in SELECT_STATES {
            let expected = match code.letter {
                '*' => SourceState::Selected,
                '+' => SourceState::Combined,
                'x' => SourceState::Falseticker,
                '~' => SourceState::Jittery,
                'W' | 'P' | 'U' | 'D' | 'L' => SourceState::NotCombined,
                _ => SourceState::NotSelectable,
            };
            assert_eq!(tally(code.letter), by_state(expected).tally, "{}", code.letter);
        }
    }
}
