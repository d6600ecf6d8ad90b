//! Mitigation: who of the survivors is the system peer, and what they say together.
//!
//! RFC 5905 §11.2.3, with ntpd's rules against hopping from clock to clock, for preferred sources
//! and for pulses per second.

use crate::selection::cluster::Member;
use crate::selection::{Candidate, Kind, Limits, Memory, Reason, System, Verdict, mark};
use crate::units::{NtpDuration, Tally};

/// A pulse is believed only while the clock is within this of the second it marks.
const PULSE_RANGE_S: f64 = 0.4;

/// Who is left after clustering.
pub struct Survivors<'a> {
    /// All candidates.
    pub candidates: &'a [Candidate],
    /// Those that are left.
    pub members: &'a [Member],
    /// Whether the only one left is there because there is nobody else.
    pub is_last_resort: bool,
}

/// Chooses the system peer, combines the offsets, and writes tally, reason and weight of the
/// survivors into `verdicts`.
///
/// `pulse` is the place of the first pulse per second that agrees with the majority.
pub fn mitigate(
    survivors: &Survivors<'_>,
    pulse: Option<usize>,
    limits: &Limits,
    memory: &Memory,
    verdicts: &mut [Verdict],
) -> (Option<System>, Memory) {
    let members = survivors.members;
    let pick = pick(survivors, limits, verdicts);
    let is_sane = !members.is_empty() && members.len() >= limits.minsane;
    for member in members {
        let reason = if !is_sane {
            Reason::TooFew { survivors: members.len() }
        } else if survivors.is_last_resort {
            Reason::LastResort
        } else if pick.is_some_and(|pick| pick.index == member.index) {
            Reason::Best
        } else {
            Reason::Survivor
        };
        mark(verdicts, member.index, Tally::Candidate, reason);
    }
    let pick = pick.filter(|_| is_sane);
    // The last one found, as in ntpd; it has a say only where the rest is sane.
    let preferred = members
        .iter()
        .rfind(|m| survivors.candidate(m).is_some_and(|c| c.is_preferred))
        .filter(|_| is_sane);
    let mut hop_threshold = NtpDuration::ZERO;
    let mut system = None;
    if let Some(preferred) = preferred {
        let reason = if survivors.is_last_resort { Reason::LastResort } else { Reason::Preferred };
        mark(verdicts, preferred.index, Tally::SystemPeer, reason);
        system = alone(survivors.candidate(preferred), preferred.index, verdicts);
    } else if let Some(pick) = pick {
        let (peer, threshold) = without_hop(survivors, pick, limits, memory);
        hop_threshold = threshold;
        let reason = match verdicts.get(peer.index) {
            Some(verdict) if peer.index == pick.index => verdict.reason,
            _ => Reason::HeldBack,
        };
        mark(verdicts, peer.index, Tally::SystemPeer, reason);
        system = combined(survivors, peer, verdicts);
    }
    if let Some((index, candidate)) = pulse.and_then(|i| Some((i, survivors.candidates.get(i)?))) {
        // Differs: without survivors ntpd compares the system offset of the last time.
        let offset = system.map_or(candidate.offset, |system| system.offset);
        let has_seconds = candidate.kind == Kind::Pulse { has_seconds: true };
        let is_numbered =
            has_seconds || preferred.is_some() || (system.is_none() && limits.minsane == 0);
        if is_numbered && offset.seconds().abs() < PULSE_RANGE_S {
            hop_threshold = NtpDuration::ZERO;
            mark(verdicts, index, Tally::PpsPeer, Reason::Pulse);
            system = alone(Some(candidate), index, verdicts);
        }
    }
    let memory = Memory { system_peer: system.map(|system| system.peer), hop_threshold };
    (system, memory)
}

impl Survivors<'_> {
    fn candidate(&self, member: &Member) -> Option<&Candidate> {
        self.candidates.get(member.index)
    }

    fn offset_s(&self, member: &Member) -> f64 {
        self.candidate(member).map_or(0.0, |candidate| candidate.offset.seconds())
    }
}

/// The first survivor with the least metric; the metrics go into `verdicts`.
fn pick<'a>(
    survivors: &Survivors<'a>,
    limits: &Limits,
    verdicts: &mut [Verdict],
) -> Option<&'a Member> {
    let mut best: Option<(&Member, f64)> = None;
    for member in survivors.members {
        let stratum = survivors.candidate(member).map_or(0, |candidate| candidate.stratum.get());
        let metric = member.select_jitter_s * member.distance_s
            + f64::from(stratum) * limits.mindist.seconds();
        if let Some(verdict) = verdicts.get_mut(member.index) {
            verdict.metric = Some(metric);
        }
        if best.is_none_or(|(_, least)| metric < least) {
            best = Some((member, metric));
        }
    }
    best.map(|(member, _)| member)
}

/// `pick`, or the old system peer while both differ by too little to bother; and the threshold to
/// remember. It halves each time a hop is held back, so that a lasting difference wins at last.
///
/// Differs: ntpd keeps the old one even when it did not survive.
fn without_hop<'a>(
    survivors: &Survivors<'a>,
    pick: &'a Member,
    limits: &Limits,
    memory: &Memory,
) -> (&'a Member, NtpDuration) {
    let is_old = |m: &&Member| survivors.candidate(m).map(|c| c.id) == memory.system_peer;
    let old = survivors.members.iter().find(is_old).filter(|old| old.index != pick.index);
    let Some(old) = old else { return (pick, NtpDuration::ZERO) };
    let apart_s = (survivors.offset_s(pick) - survivors.offset_s(old)).abs();
    let threshold = if memory.hop_threshold <= NtpDuration::ZERO {
        limits.mindist
    } else {
        NtpDuration::from_bits(memory.hop_threshold.bits() / 2)
    };
    if apart_s < limits.mindist.seconds() && apart_s < threshold.seconds() {
        (old, threshold)
    } else {
        (pick, NtpDuration::ZERO)
    }
}

/// What one source says alone; it gets all the weight.
fn alone(candidate: Option<&Candidate>, index: usize, verdicts: &mut [Verdict]) -> Option<System> {
    let candidate = candidate?;
    for verdict in verdicts.iter_mut() {
        verdict.weight = 0.0;
    }
    verdicts.get_mut(index)?.weight = 1.0;
    let jitter = candidate.jitter.max(NtpDuration::ZERO);
    Some(System { peer: candidate.id, offset: candidate.offset, jitter })
}

/// The mean of all offsets, weighted by the inverse of their root distances, and their spread
/// around the offset of `peer`.
///
/// Differs: ntpd takes the spread around its pick even when it kept the old peer; RFC 5905 adds
/// the jitter of the system peer, ntpd its select jitter, as here.
fn combined(survivors: &Survivors<'_>, peer: &Member, verdicts: &mut [Verdict]) -> Option<System> {
    let candidate = survivors.candidate(peer)?;
    let total: f64 = survivors.members.iter().map(|m| 1.0 / m.distance_s).sum();
    let (mut above_s, mut variance) = (0.0, 0.0);
    for member in survivors.members {
        let weight = 1.0 / member.distance_s / total;
        // Relative to the peer, so that a great offset costs no digits.
        let apart_s = survivors.offset_s(member) - candidate.offset.seconds();
        above_s += weight * apart_s;
        variance += weight * apart_s * apart_s;
        if let Some(verdict) = verdicts.get_mut(member.index) {
            verdict.weight = weight;
        }
    }
    let jitter_s = (variance + peer.select_jitter_s * peer.select_jitter_s).sqrt();
    Some(System {
        peer: candidate.id,
        offset: candidate.offset + NtpDuration::from_seconds(above_s),
        jitter: NtpDuration::from_seconds(jitter_s),
    })
}
