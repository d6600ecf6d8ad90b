//! Leap voting: a leap second is believed when most of the survivors announce it.

use crate::selection::{Candidate, Explained};
use crate::units::{Leap, Tally};

/// The leap second that more than half of the survivors announce, else [`Leap::None`].
///
/// A reference clock (stratum 0) speaks for all of them, as in ntpd. Whether the announcement fits
/// the calendar is for the caller to see.
pub fn vote(candidates: &[Candidate], explained: &Explained) -> Leap {
    let survivors = || {
        let pairs = candidates.iter().zip(&explained.verdicts);
        pairs.filter(|(_, verdict)| is_survivor(verdict.tally)).map(|(candidate, _)| candidate)
    };
    let all = survivors().count();
    let votes = |leap: Leap| {
        let voters = || survivors().filter(|candidate| candidate.leap == leap);
        let by_clock = voters().any(|candidate| candidate.stratum.get() == 0);
        if by_clock { all } else { voters().count() }
    };
    let (insert, delete) = (votes(Leap::Insert), votes(Leap::Delete));
    if insert > delete && insert > all / 2 {
        Leap::Insert
    } else if delete > insert && delete > all / 2 {
        Leap::Delete
    } else {
        Leap::None
    }
}

const fn is_survivor(tally: Tally) -> bool {
    matches!(tally, Tally::Candidate | Tally::SystemPeer | Tally::PpsPeer)
}
