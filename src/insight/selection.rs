//! How a daemon selected among its sources: told by itself where it does, else worked out from its
//! variables.
//!
//! What no variable tells is taken at ntpd's defaults: `prefer`, `true`, `minclock` and the like.
//! So what comes out may differ from the daemon's own tally, and then both are kept.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::vars::{Variable, peer, system};
use crate::model::{Absent, Daemon, Peer, Value};
use crate::selection::distance::Path;
use crate::selection::intersection::half_width;
use crate::selection::{
    Candidate, Explained, Kind, Limits, Memory, Reason, Unfit, Verdict, select,
};
use crate::units::{AssocId, Leap, Mode, NtpDuration, Precision, Reach, Stratum, Tally};

mod told;

/// How a daemon selected.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The result with its reasons.
    pub explained: Arc<Explained>,
    /// Whether the daemon told it; else it was worked out from variables.
    pub is_told: bool,
    /// All associations that stand for a source, in the daemon's order.
    pub sources: Vec<Source>,
    /// What the spans of the sources are.
    pub basis: Basis,
}

/// What the interval of a source is.
#[derive(Clone, Debug, PartialEq)]
pub enum Basis {
    /// Its offset and root distance, as they were compared or would be.
    RootDistance,
    /// The limits that the daemon compared, as it tells them.
    Limits,
    /// The offset of its last sample and the greatest error of that: the daemon compared others,
    /// and does not tell them.
    Samples {
        /// Why not.
        why: Absent,
    },
}

/// One source of a daemon.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Which.
    pub id: AssocId,
    /// The daemon's own tally of it, from its status word.
    pub tally: Tally,
    /// What selection made of it, and why; `None` when it could not be considered.
    pub verdict: Option<Verdict>,
    /// How far it is ahead of the daemon's clock, and its root distance: the true time lies
    /// within ± that of it. `None` when either is not known, or no sample was ever taken.
    pub span: Option<Span>,
    /// How far its interval lies from what the others agree on, where it does: positive when above.
    pub gap: Option<NtpDuration>,
    /// The jitter of its samples.
    pub jitter: Option<NtpDuration>,
    /// Why it could not be considered, or only with old values.
    pub trouble: Option<Trouble>,
}

/// A correctness interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its middle.
    pub offset: NtpDuration,
    /// Half its width.
    pub distance: NtpDuration,
}

impl Span {
    /// Its lower end.
    pub fn low(self) -> NtpDuration {
        self.offset - self.distance
    }

    /// Its upper end.
    pub fn high(self) -> NtpDuration {
        self.offset + self.distance
    }
}

/// What is wrong with what is known of a source.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// A variable without which it cannot be considered is missing.
    Missing {
        /// The variable.
        variable: &'static Variable,
        /// Why.
        why: Absent,
    },
    /// Nothing newer came; it was considered with old values.
    Old {
        /// Why.
        why: Absent,
    },
}

impl Source {
    /// Whether its interval was compared with those of others.
    pub fn is_compared(&self) -> bool {
        if self.verdict.is_some_and(|verdict| matches!(verdict.reason, Reason::Told(_))) {
            return self.span.is_some() && self.tally != Tally::Reject;
        }
        let is_apart =
            |reason| matches!(reason, Reason::Unfit(_) | Reason::BeyondOrphan | Reason::Reserve);
        self.verdict.is_some_and(|verdict| !is_apart(verdict.reason))
    }

    /// Whether the daemon's tally is another than the one that was found here.
    pub fn differs(&self) -> bool {
        self.verdict.is_some_and(|verdict| verdict.tally != self.tally)
    }
}

impl Selection {
    /// The source called `id`.
    pub fn source(&self, id: AssocId) -> Option<&Source> {
        self.sources.iter().find(|source| source.id == id)
    }

    /// Those whose intervals lie outside the one that the majority agrees on.
    pub fn outside(&self) -> impl Iterator<Item = &Source> {
        let is_outside = |verdict: Verdict| match verdict.reason {
            Reason::Outside { .. } => true,
            Reason::Told(_) => verdict.tally == Tally::Falseticker,
            _ => false,
        };
        self.sources.iter().filter(move |source| source.verdict.is_some_and(is_outside))
    }

    /// How many sources were compared with each other.
    pub fn compared(&self) -> usize {
        match self.basis {
            Basis::RootDistance => self.explained.edges.len() / 2,
            _ => self.sources.iter().filter(|source| source.is_compared()).count(),
        }
    }
}

/// How `daemon` selected.
pub fn explain(daemon: &Daemon) -> Selection {
    if daemon.peers.iter().any(|peer| tells_selection(peer)) {
        return told::explain(daemon);
    }
    let limits = limits(daemon);
    let mut candidates = Vec::new();
    let mut sources = Vec::new();
    for peer in daemon.peers.iter().filter(|peer| is_source(peer)) {
        let found = candidate(daemon, peer, limits.precision);
        let trouble = match &found {
            Err((variable, why)) => Some(Trouble::Missing { variable, why: why.clone() }),
            Ok(_) => peer.row.trouble().map(|why| Trouble::Old { why: why.clone() }),
        };
        let candidate = found.ok();
        // Without a sample, offset and jitter are zeros that mean nothing.
        let is_measured = peer.duration(&peer::DISPERSION).is_some_and(|d| d < NO_SAMPLES);
        sources.push(Source {
            id: peer.id,
            tally: peer.status.tally(),
            verdict: None,
            span: candidate.filter(|_| is_measured).map(|candidate| Span {
                offset: candidate.offset,
                distance: half_width(&candidate, &limits),
            }),
            gap: None,
            jitter: candidate.map(|candidate| candidate.jitter),
            trouble,
        });
        candidates.extend(candidate);
    }
    let (explained, is_told) = match &daemon.selection {
        Some(told) => (Arc::clone(told), true),
        None => (Arc::new(select(&candidates, &limits, &memory(&sources))), false),
    };
    for source in &mut sources {
        source.verdict = explained.verdicts.iter().find(|v| v.id == source.id).copied();
        // The interval that was compared, where it is known: variables may be newer.
        source.span = compared(&explained, source.id).or(source.span);
        source.gap = source.verdict.and_then(gap);
    }
    Selection { explained, is_told, sources, basis: Basis::RootDistance }
}

/// Whether the daemon has its own words for what it makes of its sources: then its algorithm is
/// another than ours, and nothing is worked out.
pub(super) fn tells_selection(peer: &Peer) -> bool {
    peer.row.latest().is_some_and(|row| row.covers(&peer::SELECTION))
}

/// The gap that a verdict tells.
const fn gap(verdict: Verdict) -> Option<NtpDuration> {
    match verdict.reason {
        Reason::Outside { gap } => Some(gap),
        _ => None,
    }
}

/// The interval of a source as the algorithm saw it.
fn compared(explained: &Explained, id: AssocId) -> Option<Span> {
    let end = |is_lower| {
        let is_it = |edge: &&crate::selection::Edge| edge.id == id && edge.is_lower == is_lower;
        explained.edges.iter().find(is_it).map(|edge| edge.at)
    };
    let (low, high) = (end(true)?, end(false)?);
    let distance = NtpDuration::from_bits((high - low).bits() / 2);
    Some(Span { offset: low + distance, distance })
}

/// The limits of a daemon, as far as it tells.
pub(super) fn limits(daemon: &Daemon) -> Limits {
    let defaults = Limits::default();
    let precision = match daemon.system.latest().map(|values| values.get(&system::PRECISION)) {
        Some(Ok(Value::Precision(precision))) => *precision,
        _ => defaults.precision,
    };
    Limits { precision, ..defaults }
}

/// The system peer that the daemon has: it is kept against others that are hardly better.
pub(super) fn memory(sources: &[Source]) -> Memory {
    let peer = sources.iter().find(|source| source.tally == Tally::SystemPeer);
    Memory { system_peer: peer.map(|source| source.id), hop_threshold: NtpDuration::ZERO }
}

/// Whether an association stands for a source: not for a pool or manycast group of them, not for
/// those that the daemon broadcasts to.
pub(super) fn is_source(peer: &Peer) -> bool {
    let Some(row) = peer.row.latest() else { return true };
    let address = row.address(&peer::SOURCE);
    let is_group = address.is_some_and(|a| a.is_unspecified() || a.is_multicast());
    let is_pool = match row.get(&peer::REFERENCE_ID) {
        Ok(Value::ReferenceCode(code)) => code.octets() == *b"POOL",
        _ => false,
    };
    !is_group && !is_pool && row.mode(&peer::HOST_MODE) != Some(Mode::Broadcast)
}

/// What selection would see of `peer`; else which variable is missing, and why.
pub(super) fn candidate(
    daemon: &Daemon,
    peer: &Peer,
    precision: Precision,
) -> Result<Candidate, (&'static Variable, Absent)> {
    let span = |variable| match peer.value(variable) {
        Ok((Value::Duration(span), _)) => Ok(*span),
        Ok(_) => Err((variable, Absent::NotGiven)),
        Err(why) => Err((variable, why)),
    };
    let values = peer.row.latest();
    let leap = values.and_then(|row| row.leap(&peer::LEAP)).unwrap_or(Leap::None);
    let stratum = values
        .and_then(|row| row.stratum(&peer::STRATUM))
        .ok_or((&peer::STRATUM, Absent::NotAskedYet));
    let unfit = unfit(peer, leap, stratum.as_ref().ok().copied());
    let mut candidate = Candidate {
        id: peer.id,
        offset: NtpDuration::ZERO,
        distance: NtpDuration::ZERO,
        jitter: NtpDuration::ZERO,
        stratum: Stratum::UNSYNCHRONISED,
        leap,
        unfit,
        is_preferred: false,
        is_trusted: false,
        kind: kind(peer),
    };
    let measured = || {
        let read = peer.row.dated().and_then(|dated| daemon.age(peer, dated.answered));
        let path = Path {
            delay: span(&peer::DELAY)?,
            root_delay: span(&peer::ROOT_DELAY)?,
            root_dispersion: span(&peer::ROOT_DISPERSION)?,
            jitter: span(&peer::JITTER)?,
            source_precision: match peer.value(&peer::PRECISION) {
                Ok((Value::Precision(of_source), _)) => *of_source,
                // A hair beside the rest, and not asked for.
                _ => precision,
            },
            precision,
            age: read.map(NtpDuration::from).unwrap_or_default(),
        };
        Ok((span(&peer::OFFSET)?, path, stratum.clone()?))
    };
    match measured() {
        Ok((offset, path, stratum)) => {
            candidate.offset = offset;
            candidate.distance = path.root_distance(NtpDuration::ZERO);
            candidate.jitter = path.jitter;
            candidate.stratum = stratum;
        }
        // Who is unfit is not compared, whatever else of it is known.
        Err(_) if unfit.any() && values.is_some() => {}
        Err(missing) => return Err(missing),
    }
    Ok(candidate)
}

/// Which tests of selection it fails: as its flash bits say, else as far as can be seen.
fn unfit(peer: &Peer, leap: Leap, stratum: Option<Stratum>) -> Unfit {
    let values = peer.row.latest();
    let reach = values.and_then(|row| row.reach(&peer::REACH));
    let is_silent = !peer.status.is_reachable() || reach == Some(Reach::default());
    match peer.value(&peer::FLASH) {
        Ok((Value::Flash(flash), _)) => {
            let failed = |mask| flash.bits() & mask != 0;
            Unfit {
                stratum: failed(0x0200),
                distance: failed(0x0400),
                synchronised_to_us: failed(0x0800),
                unreachable: is_silent,
                // The same bit: who answers and yet has it is not to be selected.
                noselect: failed(0x1000) && !is_silent,
            }
        }
        _ => Unfit {
            stratum: leap == Leap::Alarm || stratum.is_some_and(|s| s >= Stratum::new(15)),
            unreachable: is_silent,
            ..Unfit::default()
        },
    }
}

/// What kind of clock it is, by the number of the driver in its address or the name that NTPsec
/// gives it.
fn kind(peer: &Peer) -> Kind {
    let values = peer.row.latest();
    let driver = match values.and_then(|row| row.address(&peer::SOURCE)) {
        Some(IpAddr::V4(address)) => match address.octets() {
            [127, 127, driver, _] => Some(driver),
            _ => None,
        },
        _ => None,
    };
    let host = values.and_then(|row| row.text(&peer::SOURCE_HOST)).unwrap_or_default();
    match driver {
        Some(1) => Kind::LocalClock,
        Some(18) => Kind::Modem,
        Some(22) => Kind::Pulse { has_seconds: false },
        _ if host.starts_with("LOCAL(") => Kind::LocalClock,
        _ if host.starts_with("MODEM(") => Kind::Modem,
        _ if host.starts_with("PPS(") => Kind::Pulse { has_seconds: false },
        _ => Kind::Ordinary,
    }
}

/// Dispersion from which on no sample was taken yet: with one it is 7.94 s, without 15.94 or 16 s.
const NO_SAMPLES: NtpDuration = NtpDuration::from_bits(15 << 32);

#[cfg(test)]
mod tests;
