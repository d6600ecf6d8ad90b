//! Who of several sources is right: RFC 5905 §11.2, as pure functions over plain data.
//!
//! It serves the engine, the variables of another daemon, and the question *what if*. The result
//! says of each source why it got its tally: which test, which interval, which round of the
//! cluster algorithm.
//!
//! Candidates come in the order of the configuration, and where two are equal in all that counts
//! the earlier one wins; apart from that the order means nothing. Differs: ntpd walks its list
//! from the newest association to the oldest, so its ties fall the other way round.

pub mod cluster;
pub mod combine;
pub mod distance;
pub mod filter;
pub mod intersection;
pub mod leap;
pub mod prospect;

use crate::selection::cluster::Member;
use crate::units::{AssocId, Leap, NtpDuration, Precision, Stratum, Tally};

/// A source as selection sees it at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Which source.
    pub id: AssocId,
    /// How far it is ahead of the local clock.
    pub offset: NtpDuration,
    /// Its root distance λ, jitter included: the true time is within ± this of `offset`.
    pub distance: NtpDuration,
    /// Its jitter.
    pub jitter: NtpDuration,
    /// Its own stratum.
    pub stratum: Stratum,
    /// Its leap indicator.
    pub leap: Leap,
    /// What keeps it from being considered at all.
    pub unfit: Unfit,
    /// Configured with `prefer`.
    pub is_preferred: bool,
    /// Configured with `true`: never a falseticker, never dropped by clustering.
    pub is_trusted: bool,
    /// What kind of clock stands behind it, where that matters.
    pub kind: Kind,
}

/// Kinds of source that selection treats in different ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Any other.
    #[default]
    Ordinary,
    /// A pulse per second.
    Pulse {
        /// Whether it numbers its seconds itself; one that does not needs a preferred source.
        has_seconds: bool,
    },
    /// The local clock, used when nothing else is there.
    LocalClock,
    /// A clock asked by telephone, used when nothing else is there, before the local clock.
    Modem,
    /// A server at the orphan stratum, a candidate for orphan parent.
    Orphan {
        /// The number by which the parent is elected: the lowest wins.
        metric: u32,
        /// The number of this host on the path to it: while that is lower still, this host is
        /// the parent.
        own_metric: u32,
    },
}

/// Tests of a source that failed: flash bits 10 to 13, and what other daemons have besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent tests; each may fail alone")]
pub struct Unfit {
    /// TEST10: not synchronised, or a stratum that is not accepted.
    pub stratum: bool,
    /// TEST11: too far from the reference clock.
    pub distance: bool,
    /// TEST12: it gets its time from us.
    pub synchronised_to_us: bool,
    /// TEST13: it does not answer.
    pub unreachable: bool,
    /// TEST13 as well: configured with `noselect`.
    pub noselect: bool,
}

impl Unfit {
    /// Whether any test failed.
    pub const fn any(self) -> bool {
        self.stratum
            || self.distance
            || self.synchronised_to_us
            || self.unreachable
            || self.noselect
    }
}

/// What is asked of the result (`tos` in ntp.conf).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Sources that must be left before the clock is touched.
    pub minsane: usize,
    /// Clustering stops at this many.
    pub minclock: usize,
    /// Beyond this many survivors are backups.
    pub maxclock: usize,
    /// The least root distance, and the step of clock-hopping.
    pub mindist: NtpDuration,
    /// The stratum of orphan mode; 16 and above when it is off.
    pub orphan: Stratum,
    /// Whether local and modem clocks have to wait yet (`orphwait` seconds after the start).
    pub reserves_wait: bool,
    /// The precision of the local clock.
    pub precision: Precision,
}

impl Default for Limits {
    /// ntpd's, for a local clock of precision −20.
    fn default() -> Self {
        Self {
            minsane: 1,
            minclock: 3,
            maxclock: 10,
            mindist: NtpDuration::from_seconds(0.001),
            orphan: Stratum::new(17),
            reserves_wait: false,
            precision: Precision::new(-20),
        }
    }
}

/// What selection remembers from one time to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Memory {
    /// The system peer of the last time.
    pub system_peer: Option<AssocId>,
    /// The threshold of clock-hopping; zero when no hop is being held back.
    pub hop_threshold: NtpDuration,
}

/// The result, with the reasons.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explained {
    /// One for each candidate, in their order.
    pub verdicts: Vec<Verdict>,
    /// The ends of the correctness intervals, sorted as the algorithm walked them.
    pub edges: Vec<Edge>,
    /// The intersection that a majority agrees on.
    pub interval: Option<Interval>,
    /// The rounds of the cluster algorithm, the last of which dropped nobody.
    pub rounds: Vec<Round>,
    /// What the survivors say together; `None` when there are none, or fewer than `minsane`.
    pub system: Option<System>,
    /// What to remember for the next time.
    pub memory: Memory,
}

/// An interval of offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its lower end.
    pub low: NtpDuration,
    /// Its upper end.
    pub high: NtpDuration,
    /// How many falsetickers had to be allowed to find it.
    pub allowed: usize,
}

/// An end of a correctness interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Whose.
    pub id: AssocId,
    /// Where.
    pub at: NtpDuration,
    /// Whether the interval begins here.
    pub is_lower: bool,
}

/// One round of the cluster algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// How many are in it.
    pub left: usize,
    /// Who has the greatest product of select jitter and root distance.
    pub worst: AssocId,
    /// How far the others lie from that one (root mean square).
    pub select_jitter: NtpDuration,
    /// The least jitter of those in it.
    pub least_jitter: NtpDuration,
    /// Whether the worst is dropped, or why the rounds end here.
    pub end: RoundEnd,
}

/// How a round of the cluster algorithm ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundEnd {
    /// The worst is dropped, and there is another round.
    Dropped,
    /// No more than `minclock` are left.
    Enough,
    /// Dropping would gain nothing: the sources' own jitter is the greater part.
    JitterBound,
    /// The worst is configured with `prefer` or `true`.
    Protected,
}

/// What became of one candidate, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Which source.
    pub id: AssocId,
    /// Its tally.
    pub tally: Tally,
    /// Why.
    pub reason: Reason,
    /// Its share in the system offset, 0 to 1. The shares sum up to 1 when there is a system.
    pub weight: f64,
    /// What survivors are ranked by, the least is best: select jitter times root distance (s²)
    /// plus stratum times `mindist` (s). `None` for all others.
    pub metric: Option<f64>,
}

/// Why a source has its tally.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// Tests failed.
    Unfit(Unfit),
    /// Its stratum is worse than the orphan stratum.
    BeyondOrphan,
    /// A local or modem clock or an orphan parent, which waits until nothing else is left.
    Reserve,
    /// Its interval lies outside the one that the majority agrees on, by this much: positive when
    /// it lies above.
    Outside {
        /// The gap.
        gap: NtpDuration,
    },
    /// No interval has a majority, so nobody can be believed.
    NoMajority,
    /// The cluster algorithm dropped it in this round, counted from 1.
    Clustered {
        /// The round.
        round: usize,
        /// How far the others lie from it.
        select_jitter: NtpDuration,
        /// The least jitter of those that were left.
        least_jitter: NtpDuration,
    },
    /// The filter found it inconsistent with the others by more than an uneven path explains.
    Inconsistent {
        /// The bias that was estimated.
        bias: NtpDuration,
        /// The most that its path explains.
        prior: NtpDuration,
    },
    /// It survived.
    Survivor,
    /// It survived, and it is the best of the survivors.
    Best,
    /// It survived, but fewer did than `minsane` asks for, so the clock is left alone.
    TooFew {
        /// The survivors.
        survivors: usize,
    },
    /// It was the system peer and a better one is not better enough yet.
    HeldBack,
    /// It survived, and it is preferred.
    Preferred,
    /// Its pulse per second steers the clock.
    Pulse,
    /// Its pulse agrees with the majority, but it is not used: there is an earlier one, or nothing
    /// numbers its seconds, or the clock is further off than 0.4 s.
    PulseUnused,
    /// Nothing else is left.
    LastResort,
    /// What another daemon's own selection says of it, in a clause.
    Told(&'static str),
}

/// What the survivors say together (RFC 5905 §11.2.3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct System {
    /// Who gives stratum, reference ID and root delay.
    pub peer: AssocId,
    /// The combined offset.
    pub offset: NtpDuration,
    /// The system jitter.
    pub jitter: NtpDuration,
}

/// Decides which of `candidates` to believe, and what they say together (RFC 5905 §11.2).
///
/// Every candidate gets its verdict every time. Differs: ntpd keeps the old tallies while the
/// system peer has no new sample.
pub fn select(candidates: &[Candidate], limits: &Limits, memory: &Memory) -> Explained {
    let mut verdicts: Vec<Verdict> = candidates.iter().map(|c| verdict(c, limits)).collect();
    let considered = || {
        let standing = |verdict: &Verdict| verdict.reason == Reason::NoMajority;
        candidates.iter().zip(&verdicts).enumerate().filter(move |(_, (_, v))| standing(v))
    };
    let edges = intersection::edges(considered().map(|(_, (candidate, _))| candidate), limits);
    let interval = intersection::intersect(&edges);
    let mut members = Vec::new();
    let mut pulses = Vec::new();
    let mut outside = Vec::new();
    for (index, (candidate, _)) in considered() {
        match intersection::outside(candidate, limits, interval) {
            Some(reason) if !candidate.is_trusted => outside.push((index, reason)),
            _ => {
                if matches!(candidate.kind, Kind::Pulse { .. }) {
                    pulses.push(index);
                }
                if candidate.kind != (Kind::Pulse { has_seconds: false }) {
                    members.push(Member::new(index, candidate, limits));
                }
            }
        }
    }
    for (index, reason) in outside {
        mark(&mut verdicts, index, Tally::Falseticker, reason);
    }
    for index in &pulses {
        mark(&mut verdicts, *index, Tally::Outlier, Reason::PulseUnused);
    }
    let is_last_resort = members.is_empty();
    if is_last_resort {
        members.extend(last_resort(candidates, limits));
    }
    let (rounds, dropped) = cluster::cluster(&mut members, limits);
    for (member, tally, reason) in dropped {
        mark(&mut verdicts, member.index, tally, reason);
    }
    let survivors = combine::Survivors { candidates, members: &members, is_last_resort };
    let (system, memory) =
        combine::mitigate(&survivors, pulses.first().copied(), limits, memory, &mut verdicts);
    Explained { verdicts, edges, interval, rounds, system, memory }
}

/// The verdict on a candidate before it is compared with others: [`Reason::NoMajority`] on all
/// that are to be compared.
fn verdict(candidate: &Candidate, limits: &Limits) -> Verdict {
    let (tally, reason) = if candidate.unfit.any() {
        (Tally::Reject, Reason::Unfit(candidate.unfit))
    } else if matches!(candidate.kind, Kind::Orphan { .. }) {
        (Tally::Reject, Reason::Reserve)
    } else if candidate.stratum >= limits.orphan {
        (Tally::Reject, Reason::BeyondOrphan)
    } else if matches!(candidate.kind, Kind::LocalClock | Kind::Modem) && !candidate.is_preferred {
        (Tally::Reject, Reason::Reserve)
    } else {
        (Tally::Falseticker, Reason::NoMajority)
    };
    Verdict { id: candidate.id, tally, reason, weight: 0.0, metric: None }
}

/// Whom to follow when nobody is left: a modem clock, the local clock, the orphan parent.
fn last_resort(candidates: &[Candidate], limits: &Limits) -> Option<Member> {
    let fit = || candidates.iter().enumerate().filter(|(_, candidate)| !candidate.unfit.any());
    let reserve = |kind| {
        let is_it = |c: &Candidate| c.kind == kind && !c.is_preferred && c.stratum < limits.orphan;
        fit().find(|(_, c)| is_it(c) && !limits.reserves_wait)
    };
    let parent = || {
        let rank = |candidate: &Candidate| match candidate.kind {
            Kind::Orphan { metric, own_metric } => (metric < own_metric).then_some(metric),
            _ => None,
        };
        let ranked = fit().filter_map(|(index, c)| rank(c).map(|metric| (metric, index, c)));
        ranked.min_by_key(|(metric, ..)| *metric).map(|(_, index, c)| (index, c))
    };
    let (index, candidate) =
        reserve(Kind::Modem).or_else(|| reserve(Kind::LocalClock)).or_else(parent)?;
    Some(Member::of_last_resort(index, candidate, limits))
}

fn mark(verdicts: &mut [Verdict], index: usize, tally: Tally, reason: Reason) {
    if let Some(verdict) = verdicts.get_mut(index) {
        verdict.tally = tally;
        verdict.reason = reason;
    }
}

#[cfg(test)]
mod tests;
