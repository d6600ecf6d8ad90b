//! Who of several sources is right: RFC 5905 §11.2, as pure functions over plain data.
//!
//! It serves the engine, the variables of another daemon, and the question *what if*. The result
//! says of each source why it got its tally: which test, which interval, which round of the
//! cluster algorithm.

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
    /// A pulse per second that needs another source to number its seconds.
    Pulse,
    /// The local clock, used when nothing else is there.
    LocalClock,
    /// A server at the orphan stratum, a candidate for orphan parent.
    Orphan {
        /// The number by which the parent is elected: the lowest wins.
        metric: u32,
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
    /// The precision of the local clock.
    pub precision: Precision,
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
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Who is left, with selection jitter, in order.
    pub left: Vec<(AssocId, NtpDuration)>,
    /// The least jitter of those left.
    pub least_jitter: NtpDuration,
    /// Who is dropped, the worst; `None` in the last round.
    pub dropped: Option<AssocId>,
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
    /// Its share in the combined offset, 0 to 1.
    pub weight: f64,
}

/// Why a source has its tally.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// Tests failed.
    Unfit(Unfit),
    /// Its stratum is worse than the orphan stratum.
    BeyondOrphan,
    /// A local clock, which waits until nothing else is left.
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
    /// It was the system peer and a better one is not better enough yet.
    HeldBack,
    /// It survived, and it is preferred.
    Preferred,
    /// Its pulse per second steers the clock.
    Pulse,
    /// Nothing else is left.
    LastResort,
}

/// What the survivors say together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct System {
    /// Who gives stratum, reference ID and root delay.
    pub peer: AssocId,
    /// The combined offset.
    pub offset: NtpDuration,
    /// The system jitter.
    pub jitter: NtpDuration,
}
