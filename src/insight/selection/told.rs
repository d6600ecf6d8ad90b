//! The selection of a daemon that tells it in its own words.
//!
//! Its algorithm is not ntpd's, so nothing is worked out here: verdicts are the daemon's, and the
//! intervals its own limits. Where it does not tell those, the last samples and their greatest
//! errors are drawn in their place, and called that.

use std::sync::Arc;

use super::{Basis, Selection, Source, Span, Trouble, compared, gap, is_source};
use crate::model::vars::peer;
use crate::model::{Absent, Daemon, Peer};
use crate::selection::{Explained, Interval};
use crate::units::{NtpDuration, Tally};

/// How `daemon` selected, as it tells.
pub(super) fn explain(daemon: &Daemon) -> Selection {
    let mut explained = daemon.selection.clone().unwrap_or_default();
    let basis = basis(daemon);
    let mut sources: Vec<Source> = daemon
        .peers
        .iter()
        .filter(|peer| is_source(peer))
        .map(|peer| source(peer, &explained, &basis))
        .collect();
    if let (Basis::Samples { .. }, None) = (&basis, explained.interval) {
        let interval = common(&sources);
        for source in sources.iter_mut().filter(|source| source.tally == Tally::Falseticker) {
            source.gap = interval.zip(source.span).and_then(|(i, span)| beside(i, span));
        }
        explained = Arc::new(Explained { interval, ..Explained::clone(&explained) });
    }
    Selection { explained, is_told: true, sources, basis }
}

/// Whether the daemon tells the limits that it compared.
fn basis(daemon: &Daemon) -> Basis {
    let limits = || daemon.peers.iter().map(|peer| peer.value(&peer::LOW_LIMIT));
    if limits().any(|limit| limit.is_ok()) {
        return Basis::Limits;
    }
    // That there is none of a source says less than that there is no way to any.
    let is_why = |why: &Absent| !matches!(why, Absent::NotGiven | Absent::NotInFamily);
    match limits().filter_map(Result::err).find(is_why) {
        Some(why) => Basis::Samples { why },
        None => Basis::Limits,
    }
}

fn source(peer: &Peer, explained: &Explained, basis: &Basis) -> Source {
    let verdict = explained.verdicts.iter().find(|verdict| verdict.id == peer.id).copied();
    let limits = || {
        let (low, high) = (peer.duration(&peer::LOW_LIMIT)?, peer.duration(&peer::HIGH_LIMIT)?);
        let distance = NtpDuration::from_bits((high - low).bits() / 2);
        Some(Span { offset: low + distance, distance })
    };
    let sample = || {
        let offset = peer.duration(&peer::OFFSET)?;
        Some(Span { offset, distance: peer.duration(&peer::ERROR_BOUND)? })
    };
    Source {
        id: peer.id,
        tally: peer.status.tally(),
        verdict,
        span: match basis {
            Basis::Samples { .. } => sample(),
            _ => compared(explained, peer.id).or_else(limits),
        },
        gap: verdict.and_then(gap),
        jitter: peer.duration(&peer::JITTER),
        trouble: peer.row.trouble().map(|why| Trouble::Old { why: why.clone() }),
    }
}

/// What the intervals of those that the daemon believes have in common.
fn common(sources: &[Source]) -> Option<Interval> {
    let is_believed = |source: &&Source| source.is_compared() && source.tally != Tally::Falseticker;
    let believed = || sources.iter().filter(is_believed).filter_map(|source| source.span);
    let low = believed().map(Span::low).max()?;
    let high = believed().map(Span::high).min()?;
    (low <= high).then_some(Interval { low, high, allowed: 0 })
}

/// How far `span` lies beside `interval`; `None` when they touch.
fn beside(interval: Interval, span: Span) -> Option<NtpDuration> {
    if span.low() > interval.high {
        Some(span.low() - interval.high)
    } else if span.high() < interval.low {
        Some(span.high() - interval.low)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::selection;
    use crate::model::status::PeerStatus;
    use crate::model::vars::Variable;
    use crate::model::{Dated, Part, Value, Values};
    use crate::selection::{Edge, Reason, Verdict};
    use crate::units::AssocId;

    fn ms(ms: f64) -> NtpDuration {
        NtpDuration::from_milliseconds(ms)
    }

    /// A source by its tally, the offset of its last sample and that sample's error, in ms.
    fn peer(id: u16, tally: Tally, sample: Option<(f64, f64)>, limits: Option<(f64, f64)>) -> Peer {
        let status = PeerStatus::from_bits(0x9000 | u16::from(tally.bits()) << 8);
        let mut row = Values::typed([(&peer::SELECTION, Value::Text("a word".into()))]);
        let mut put = |variable: &'static Variable, value: Option<f64>, why: Absent| {
            row.insert(variable, value.map(|value| Value::Duration(ms(value))).ok_or(why));
        };
        put(&peer::OFFSET, sample.map(|(offset, _)| offset), Absent::NotGiven);
        put(&peer::ERROR_BOUND, sample.map(|(_, error)| error), Absent::NotGiven);
        let closed = || Absent::Closed { how: "ask otherwise" };
        put(&peer::LOW_LIMIT, limits.map(|(low, _)| low), closed());
        put(&peer::HIGH_LIMIT, limits.map(|(_, high)| high), closed());
        let mut peer = Peer::new(AssocId::new(id), status);
        peer.row = Part::answered(row, Dated::default());
        peer
    }

    fn daemon(peers: Vec<Peer>, has_edges: bool) -> Daemon {
        let mut explained = Explained::default();
        for peer in &peers {
            let (id, tally) = (peer.id, peer.status.tally());
            let reason = Reason::Told("a clause");
            explained.verdicts.push(Verdict { id, tally, reason, weight: 0.0, metric: None });
            let ends = [&peer::LOW_LIMIT, &peer::HIGH_LIMIT].map(|row| peer.duration(row));
            if let ([Some(low), Some(high)], true) = (ends, has_edges && tally != Tally::Reject) {
                explained.edges.push(Edge { id, at: low, is_lower: true });
                explained.edges.push(Edge { id, at: high, is_lower: false });
            }
        }
        let peers = peers.into_iter().map(Arc::new).collect();
        Daemon { peers, selection: Some(Arc::new(explained)), ..Daemon::default() }
    }

    #[test]
    fn the_daemons_own_limits_are_drawn_where_it_tells_them() {
        let daemon = daemon(
            vec![
                peer(1, Tally::SystemPeer, Some((0.1, 9.0)), Some((-1000.0, 3000.0))),
                peer(2, Tally::Reject, Some((0.2, 9.0)), Some((-2000.0, 2000.0))),
                peer(3, Tally::Reject, None, None),
            ],
            true,
        );
        let selection = selection::explain(&daemon);
        assert!(selection.is_told);
        assert_eq!(selection.basis, Basis::Limits);
        assert_eq!(selection.compared(), 1, "what is rejected was not compared");
        let spans: Vec<_> = selection.sources.iter().map(|source| source.span).collect();
        let span = |offset, distance| Some(Span { offset: ms(offset), distance: ms(distance) });
        assert_eq!(spans, [span(1000.0, 2000.0), span(0.0, 2000.0), None]);
        assert!(selection.sources.iter().all(|source| !source.differs()));
        assert!(selection.explained.rounds.is_empty());
    }

    #[test]
    fn without_them_the_last_samples_stand_in_and_say_so() {
        let daemon = daemon(
            vec![
                peer(1, Tally::SystemPeer, Some((0.1, 1.0)), None),
                peer(2, Tally::Candidate, Some((0.5, 1.0)), None),
                peer(3, Tally::Falseticker, Some((40.0, 1.0)), None),
                peer(4, Tally::Reject, Some((7.0, 1.0)), None),
            ],
            false,
        );
        let selection = selection::explain(&daemon);
        let why = Absent::Closed { how: "ask otherwise" };
        assert_eq!(selection.basis, Basis::Samples { why });
        assert_eq!((selection.compared(), selection.outside().count()), (3, 1));
        let interval = selection.explained.interval.unwrap();
        assert_eq!((interval.low, interval.high), (ms(0.5) - ms(1.0), ms(0.1) + ms(1.0)));
        let gaps: Vec<_> = selection.sources.iter().map(|source| source.gap).collect();
        let gap = ms(40.0) - ms(1.0) - (ms(0.1) + ms(1.0));
        assert_eq!(gaps, [None, None, Some(gap), None]);
    }

    #[test]
    fn nothing_is_worked_out_before_the_daemon_told() {
        let unheard = peer(1, Tally::Reject, None, None);
        let daemon = Daemon { peers: [Arc::new(unheard)].into(), ..Daemon::default() };
        let selection = selection::explain(&daemon);
        assert!(selection.is_told);
        assert_eq!(selection.sources[0].verdict, None);
        assert_eq!((selection.compared(), selection.explained.interval), (0, None));
    }
}
