//! Clustering: of the truechimers, those that lie close together.
//!
//! RFC 5905 §11.2.2. Round by round the one that the others lie furthest from is dropped, until
//! dropping gains nothing. The sums of offsets and of their squares are carried from round to
//! round as integers, so that a round costs one pass and no rounding piles up.

use crate::selection::intersection::half_width;
use crate::selection::{Candidate, Limits, Reason, Round, RoundEnd};
use crate::units::{AssocId, NtpDuration, Tally};

/// Offsets are told apart up to this distance from the lowest one, 2⁴⁶ units of 2⁻³² s, about four
/// and a half hours: the sums of 65 536 squares stay within 128 bits. Only a source that is
/// trusted blindly can lie further away.
const REACH: i64 = 1 << 46;

/// A truechimer.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its place among the candidates.
    pub index: usize,
    /// Its root distance λ in seconds, never 0.
    pub distance_s: f64,
    /// How far the others lie from it in the last round, in seconds.
    pub select_jitter_s: f64,
    id: AssocId,
    offset: NtpDuration,
    jitter: NtpDuration,
    is_protected: bool,
    /// Its offset above the lowest, in units of 2⁻³² s.
    place: i64,
}

impl Member {
    /// The candidate at `index`.
    pub fn new(index: usize, candidate: &Candidate, limits: &Limits) -> Self {
        Self {
            index,
            distance_s: half_width(candidate, limits).seconds(),
            select_jitter_s: 0.0,
            id: candidate.id,
            offset: candidate.offset,
            jitter: candidate.jitter,
            is_protected: candidate.is_trusted || candidate.is_preferred,
            place: 0,
        }
    }

    /// The candidate at `index` when there is no other: its distance and jitter do not matter.
    pub fn of_last_resort(index: usize, candidate: &Candidate, limits: &Limits) -> Self {
        let nearest =
            Candidate { distance: NtpDuration::ZERO, jitter: NtpDuration::ZERO, ..*candidate };
        Self::new(index, &nearest, limits)
    }
}

/// Drops members until those left are close enough together; they keep their order.
///
/// Returns the rounds, and who was dropped with tally and reason.
pub fn cluster(
    members: &mut Vec<Member>,
    limits: &Limits,
) -> (Vec<Round>, Vec<(Member, Tally, Reason)>) {
    let mut sums = Sums::of(members);
    let (mut rounds, mut dropped) = (Vec::new(), Vec::new());
    while let Some((index, select_jitter_s)) = worst(members, &sums) {
        let Some(worst) = members.get(index).copied() else { break };
        let least_jitter = members.iter().map(|m| m.jitter).min().unwrap_or_default();
        // What is below the resolution of the clock is not seen.
        let visible_s = select_jitter_s.max(limits.precision.seconds());
        let end = if members.len() <= limits.minclock.max(1) {
            RoundEnd::Enough
        } else if visible_s <= least_jitter.seconds() {
            RoundEnd::JitterBound
        } else if worst.is_protected {
            RoundEnd::Protected
        } else {
            RoundEnd::Dropped
        };
        let left = members.len();
        let select_jitter = NtpDuration::from_seconds(select_jitter_s);
        rounds.push(Round { left, worst: worst.id, select_jitter, least_jitter, end });
        if end != RoundEnd::Dropped {
            break;
        }
        let tally = if left > limits.maxclock { Tally::Backup } else { Tally::Outlier };
        let round = rounds.len();
        dropped.push((worst, tally, Reason::Clustered { round, select_jitter, least_jitter }));
        members.remove(index);
        sums.remove(&worst);
    }
    let spread = sums.spread();
    for member in members {
        member.select_jitter_s = spread.around(member).sqrt();
    }
    (rounds, dropped)
}

/// The first with the greatest product of select jitter and root distance, and its select jitter
/// in seconds; `None` when nobody is there.
fn worst(members: &[Member], sums: &Sums) -> Option<(usize, f64)> {
    let spread = sums.spread();
    let mut worst: Option<(usize, f64, f64)> = None;
    for (index, member) in members.iter().enumerate() {
        let variance = spread.around(member);
        // Compared as squares: the root of one is enough.
        let product = variance * member.distance_s * member.distance_s;
        if worst.is_none_or(|(_, _, greatest)| product > greatest) {
            worst = Some((index, variance, product));
        }
    }
    worst.map(|(index, variance, _)| (index, variance.sqrt()))
}

/// Number, sum and sum of squares of the places of those left.
struct Sums {
    count: i128,
    sum: i128,
    squares: i128,
}

impl Sums {
    /// Sets the members' places and sums them up.
    fn of(members: &mut [Member]) -> Self {
        let lowest = members.iter().map(|m| m.offset).min().unwrap_or_default();
        let mut sums = Self { count: 0, sum: 0, squares: 0 };
        for member in members {
            member.place = (member.offset - lowest).bits().min(REACH);
            let place = i128::from(member.place);
            sums.count += 1;
            sums.sum += place;
            sums.squares += place * place;
        }
        sums
    }

    fn remove(&mut self, member: &Member) {
        let place = i128::from(member.place);
        self.count -= 1;
        self.sum -= place;
        self.squares -= place * place;
    }

    #[expect(clippy::cast_precision_loss, reason = "53 bits of a difference are plenty")]
    fn spread(&self) -> Spread {
        let count = self.count.max(1);
        // count² times the variance: exact, where the difference of two rounded sums would not be.
        let scaled = count.saturating_mul(self.squares).saturating_sub(self.sum * self.sum);
        Spread {
            count: count as f64,
            mean: self.sum as f64 / count as f64,
            about_mean: scaled as f64 / count as f64,
        }
    }
}

/// Where the members lie, in units of 2⁻³² s.
struct Spread {
    count: f64,
    mean: f64,
    /// Sum of the squared distances from the mean.
    about_mean: f64,
}

impl Spread {
    /// The square of the root mean square distance of the others from `member`, in s².
    #[expect(clippy::cast_precision_loss, reason = "a place has at most 47 bits")]
    fn around(&self, member: &Member) -> f64 {
        if self.count < 2.0 {
            return 0.0;
        }
        let from_mean = member.place as f64 - self.mean;
        let squares = self.about_mean + self.count * from_mean * from_mean;
        squares / (self.count - 1.0) * UNIT_S * UNIT_S
    }
}

/// 2⁻³² s.
const UNIT_S: f64 = 1.0 / 4_294_967_296.0;
