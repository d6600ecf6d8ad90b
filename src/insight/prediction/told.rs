//! The selection of a daemon that has an algorithm of its own and tells the limits that it compares.
//!
//! Sources agree where most of their intervals overlap, trusted ones before others; of those that
//! agree the preferred ones go first. The selected source stays while it can be selected: its scores
//! are not told well enough to say when another overtakes it. Else the one of the least distance
//! follows, a stratum counting as a millisecond.

use super::{Outcome, State};
use crate::insight::selection::Selection;
use crate::model::Daemon;
use crate::model::daemon::Peer;
use crate::model::vars::peer;
use crate::selection::prospect::{Moment, Role, Touch};
use crate::units::{AssocId, NtpDuration, Stratum, Tally};

/// A source as it is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Source {
    id: AssocId,
    /// The ends of its interval; `None` where none is known.
    interval: Option<(NtpDuration, NtpDuration)>,
    stratum: Stratum,
    role: Role,
    /// Whether something besides its role keeps it from being compared.
    is_unfit: bool,
    is_selected: bool,
}

/// The sources of a daemon.
pub(super) fn sources(daemon: &Daemon, selection: &Selection) -> Vec<Source> {
    let source = |there: &Peer| {
        let told = selection.source(there.id)?;
        let role = role(there);
        let row = there.row.latest();
        let text = |variable| row.and_then(|row| row.text(variable));
        // Who is never selected is not examined any further.
        let is_unfit = told.tally == Tally::Reject && text(&peer::SELECTION_LETTER) != Some("N");
        // What was compared is told of those that were; of others there is their last sample.
        let sample = || {
            let offset = there.duration(&peer::OFFSET)?;
            let error = there.duration(&peer::ERROR_BOUND)?;
            Some((offset - error, offset + error))
        };
        let span = told.span.map(|span| (span.low(), span.high()));
        Some(Source {
            id: there.id,
            interval: span.or_else(sample),
            stratum: row.and_then(|row| row.stratum(&peer::STRATUM)).unwrap_or_default(),
            role,
            is_unfit,
            is_selected: told.tally == Tally::SystemPeer,
        })
    };
    daemon.peers.iter().filter_map(|there| source(there)).collect()
}

/// The options that a source is told to be configured with.
fn role(there: &Peer) -> Role {
    let words = there.row.latest().and_then(|row| row.text(&peer::EFFECTIVE_OPTIONS));
    let has = |word: &str| words.is_some_and(|words| words.split_whitespace().any(|w| w == word));
    Role {
        prefer: has("prefer"),
        noselect: has("noselect"),
        trust: has("trust"),
        require: has("require"),
    }
}

/// What the daemon will select among `sources` after `touches`.
pub(super) fn outcome(sources: &[Source], touches: &[Touch], moment: Moment) -> Outcome {
    let left = sources.iter().filter_map(|source| touched(*source, touches, moment));
    let fit: Vec<(Source, (NtpDuration, NtpDuration))> = left
        .filter(|source| !source.is_unfit && !source.role.noselect)
        .filter_map(|source| Some((source, source.interval?)))
        .collect();
    let compared = fit.len();
    let Some((low, high)) = agreed(&fit) else {
        let state = if compared == 0 { State::NoSource } else { State::NoMajority };
        let falsetickers = fit.iter().map(|(source, _)| source.id).collect();
        return Outcome { falsetickers, compared, state, ..Outcome::default() };
    };
    let (agreeing, others): (Vec<_>, Vec<_>) =
        fit.into_iter().partition(|(_, (from, to))| *from <= low && *to >= high);
    let falsetickers = others.iter().map(|(source, _)| source.id).collect();
    let has = |wants: fn(Role) -> bool| agreeing.iter().any(|(source, _)| wants(source.role));
    let is_required = sources.iter().any(|source| source.role.require && !source.role.noselect);
    if is_required && !has(|role| role.require) {
        let state = State::NoneRequired;
        return Outcome { falsetickers, compared, state, ..Outcome::default() };
    }
    let is_choosy = has(|role| role.prefer);
    let chosen: Vec<_> =
        agreeing.iter().filter(|(source, _)| source.role.prefer || !is_choosy).collect();
    let selected = chosen.iter().find(|(source, _)| source.is_selected);
    let least = chosen.iter().map(|(source, _)| source.stratum).min().unwrap_or_default();
    let distance = |(source, (from, to)): &&&(Source, (NtpDuration, NtpDuration))| {
        let strata = f64::from(source.stratum.get() - least.get());
        NtpDuration::from_bits((*to - *from).bits() / 2)
            + NtpDuration::from_seconds(strata * STRATUM_WEIGHT_S)
    };
    let system_peer = selected.or_else(|| chosen.iter().min_by_key(distance));
    Outcome {
        system_peer: system_peer.map(|(source, _)| source.id),
        survivors: chosen.iter().map(|(source, _)| source.id).collect(),
        falsetickers,
        compared,
        state: State::Followed,
    }
}

/// A source after `touches`; `None` where it is not there.
fn touched(mut source: Source, touches: &[Touch], moment: Moment) -> Option<Source> {
    for touch in touches.iter().filter(|touch| touch.association() == Some(source.id)) {
        match touch {
            Touch::Ends(_) => return None,
            Touch::StartsAgain { .. } if moment == Moment::AtFirst => return None,
            Touch::StartsAgain { role, .. } | Touch::Becomes { role, .. } => source.role = *role,
            // Its samples go on to count for some time, until others' are newer.
            Touch::GoesOffline(_) => source.is_unfit |= moment == Moment::Later,
            Touch::Begins { .. } | Touch::Limit(_) => {}
        }
    }
    Some(source)
}

/// The part that most intervals share, those that are trusted before others; `None` when they, or
/// where none is trusted all of them, have no majority.
fn agreed(fit: &[(Source, (NtpDuration, NtpDuration))]) -> Option<(NtpDuration, NtpDuration)> {
    let mut edges: Vec<(NtpDuration, bool, bool)> = fit
        .iter()
        .flat_map(|(source, (low, high))| {
            [(*low, false, source.role.trust), (*high, true, source.role.trust)]
        })
        .collect();
    // At one place a beginning goes before an end: intervals that touch agree.
    edges.sort_unstable();
    let (mut depth, mut trusted) = (0_usize, 0_usize);
    let mut best = (0, 0);
    let mut found = None;
    for (place, (at, is_end, is_trusted)) in edges.iter().enumerate() {
        let step = |count: usize| if *is_end { count.saturating_sub(1) } else { count + 1 };
        depth = step(depth);
        if *is_trusted {
            trusted = step(trusted);
        }
        if !is_end && (trusted, depth) > best {
            best = (trusted, depth);
            let rest = edges.get(place..).unwrap_or_default();
            found = rest.iter().find(|(_, is_end, _)| *is_end).map(|(end, ..)| (*at, *end));
        }
    }
    let trustees = fit.iter().filter(|(source, _)| source.role.trust).count();
    let has_majority = if trustees > 0 { best.0 * 2 > trustees } else { best.1 * 2 > fit.len() };
    found.filter(|_| has_majority)
}

/// What a stratum counts for.
const STRATUM_WEIGHT_S: f64 = 0.001;

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: f64) -> NtpDuration {
        NtpDuration::from_milliseconds(ms)
    }

    fn source(id: u16, low_ms: f64, high_ms: f64) -> Source {
        Source {
            id: AssocId::new(id),
            interval: Some((ms(low_ms), ms(high_ms))),
            stratum: Stratum::new(2),
            role: Role::default(),
            is_unfit: false,
            is_selected: id == 1,
        }
    }

    fn three() -> Vec<Source> {
        vec![source(1, -1.0, 3.0), source(2, 0.0, 2.0), source(3, 50.0, 51.0)]
    }

    fn ids(ids: &[u16]) -> Vec<AssocId> {
        ids.iter().map(|id| AssocId::new(*id)).collect()
    }

    #[test]
    fn the_selected_one_stays_while_it_is_there() {
        let now = outcome(&three(), &[], Moment::Later);
        assert_eq!(now.system_peer, Some(AssocId::new(1)));
        assert_eq!((now.survivors, now.falsetickers), (ids(&[1, 2]), ids(&[3])));
        assert_eq!((now.compared, now.state), (3, State::Followed));
        let left = outcome(&three(), &[Touch::Ends(AssocId::new(3))], Moment::Later);
        assert_eq!(left.system_peer, Some(AssocId::new(1)));
        let left = outcome(&three(), &[Touch::Ends(AssocId::new(1))], Moment::Later);
        assert_eq!((left.system_peer, left.state), (None, State::NoMajority));
    }

    #[test]
    fn without_it_the_nearest_follows_and_a_preferred_one_goes_first() {
        let mut sources = three();
        sources.push(source(4, -2.0, 2.5));
        let ends = Touch::Ends(AssocId::new(1));
        let left = outcome(&sources, std::slice::from_ref(&ends), Moment::Later);
        assert_eq!(left.system_peer, Some(AssocId::new(2)));
        let role = Role { prefer: true, ..Role::default() };
        let becomes = Touch::Becomes { id: AssocId::new(4), role };
        let preferred = outcome(&sources, &[becomes], Moment::Later);
        assert_eq!(preferred.system_peer, Some(AssocId::new(4)));
        assert_eq!(preferred.survivors, ids(&[4]));
        let noselect = Role { noselect: true, ..Role::default() };
        let becomes = Touch::Becomes { id: AssocId::new(1), role: noselect };
        let left = outcome(&sources, &[becomes], Moment::AtFirst);
        assert_eq!((left.system_peer, left.compared), (Some(AssocId::new(2)), 3));
    }

    #[test]
    fn trusted_sources_outvote_and_required_ones_are_waited_for() {
        let trust = Role { trust: true, ..Role::default() };
        let touches = [Touch::Becomes { id: AssocId::new(3), role: trust }];
        let alone = outcome(&three(), &touches, Moment::Later);
        assert_eq!(alone.system_peer, Some(AssocId::new(3)));
        assert_eq!(alone.falsetickers, ids(&[1, 2]));
        let mut sources = three();
        sources[2].role = Role { require: true, ..Role::default() };
        assert_eq!(outcome(&sources, &[], Moment::Later).state, State::NoneRequired);
        assert_eq!(outcome(&[], &[], Moment::Later).state, State::NoSource);
    }

    #[test]
    fn what_is_offline_counts_until_it_is_old() {
        let touches = [Touch::GoesOffline(AssocId::new(1))];
        let at_first = outcome(&three(), &touches, Moment::AtFirst);
        assert_eq!(at_first.system_peer, Some(AssocId::new(1)));
        assert_eq!(outcome(&three(), &touches, Moment::Later).compared, 2);
    }
}
