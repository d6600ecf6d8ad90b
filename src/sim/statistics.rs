//! What a run came to: errors against true time, which no engine knows.

use std::time::Duration;

use crate::sim::moment::{Moment, Span};
use crate::sim::world::NodeId;
use crate::units::{NtpDuration, Ppm, Tally};

/// What is seen of an engine at one moment, beside the truth.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// How far its clock is ahead of true time.
    pub error: NtpDuration,
    /// How much too fast its clock runs, steering and all.
    pub frequency_error: Ppm,
    /// Whether it calls itself synchronised.
    pub is_synchronised: bool,
    /// What it believes that it is behind.
    pub offset: NtpDuration,
    /// The error that it owns up to: its root distance.
    pub bound: NtpDuration,
    /// The state of its discipline, by ntpd's number.
    pub state: u8,
    /// The poll interval that it wishes for, as an exponent of two.
    pub poll: i8,
    /// Its sources with their tallies.
    pub tallies: Vec<(NodeId, Tally)>,
}

/// Statistics of a run.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// Seconds that count.
    samples: u64,
    square_sum_s2: f64,
    worst_s: f64,
    frequency_square_sum: f64,
    settling: [Settling; THRESHOLDS.len()],
    synchronised_at: Option<Moment>,
    /// The states of its discipline in order, each where it changed.
    states: Vec<u8>,
    /// Seconds that count in which it owned up to less than its error, being synchronised.
    dishonest: u64,
    synchronised: u64,
    sources: Vec<Source>,
}

/// A source, and how it was used.
#[derive(Clone, Debug)]
struct Source {
    node: NodeId,
    name: String,
    /// Seconds that count in which it was used.
    used: u64,
    /// Its last tally.
    tally: Tally,
}

/// When a threshold was met for good.
#[derive(Clone, Copy, Debug, Default)]
struct Settling {
    inside_since: Option<Moment>,
    settled: Option<Moment>,
}

impl Statistics {
    /// Of nothing yet, with the names of the sources.
    pub fn of(sources: impl IntoIterator<Item = (NodeId, String)>) -> Self {
        let source = |(node, name)| Source { node, name, used: 0, tally: Tally::default() };
        Self { sources: sources.into_iter().map(source).collect(), ..Self::default() }
    }

    /// Takes in one second; `counts` says whether it is late enough to count as an error.
    pub fn sample(&mut self, at: Moment, sight: &Sight, counts: bool) {
        let error_s = sight.error.seconds();
        for (threshold, settling) in THRESHOLDS.iter().zip(&mut self.settling) {
            settling.sample(at, error_s.abs() < threshold.seconds());
        }
        if sight.is_synchronised && self.synchronised_at.is_none() {
            self.synchronised_at = Some(at);
        }
        if self.states.last() != Some(&sight.state) {
            self.states.push(sight.state);
        }
        for (node, tally) in &sight.tallies {
            for source in self.sources.iter_mut().filter(|source| source.node == *node) {
                source.used += u64::from(counts && is_used(*tally));
                source.tally = *tally;
            }
        }
        if !counts {
            return;
        }
        self.samples += 1;
        self.square_sum_s2 += error_s * error_s;
        self.worst_s = self.worst_s.max(error_s.abs());
        let frequency = sight.frequency_error.parts_per_million() / 1e6;
        self.frequency_square_sum += frequency * frequency;
        self.synchronised += u64::from(sight.is_synchronised);
        self.dishonest += u64::from(sight.is_synchronised && sight.bound < sight.error.abs());
    }

    /// Root mean square of the clock's error.
    pub fn rms(&self) -> Span {
        Span::new((self.square_sum_s2 / self.divisor()).sqrt()).unwrap_or_default()
    }

    /// The clock's greatest error, without its sign.
    pub fn worst(&self) -> Span {
        Span::new(self.worst_s).unwrap_or_default()
    }

    /// Root mean square of the clock's frequency error, in parts per billion.
    pub fn frequency_ppb(&self) -> f64 {
        (self.frequency_square_sum / self.divisor()).sqrt() * 1e9
    }

    /// From when on the clock was within a threshold, and stayed there for [`STAY`].
    pub fn within(&self, threshold: Span) -> Option<Span> {
        let mut both = THRESHOLDS.iter().zip(&self.settling);
        let (_, settling) = both.find(|(known, _)| **known >= threshold)?;
        Span::new(settling.settled?.seconds())
    }

    /// When it first called itself synchronised.
    pub fn synchronised_at(&self) -> Option<Span> {
        Span::new(self.synchronised_at?.seconds())
    }

    /// The share of the time that counts in which it called itself synchronised, 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "counts of seconds")]
    pub fn synchronised_share(&self) -> f64 {
        self.synchronised as f64 / self.divisor()
    }

    /// The states of its discipline in order.
    pub fn states(&self) -> &[u8] {
        &self.states
    }

    /// Seconds that count in which its clock was further off than it owned up to.
    pub const fn dishonest(&self) -> u64 {
        self.dishonest
    }

    /// The last tally of a source.
    pub fn tally(&self, name: &str) -> Option<Tally> {
        self.source(name).map(|source| source.tally)
    }

    /// The sources with their last tallies.
    pub fn tallies(&self) -> impl Iterator<Item = (&str, Tally)> {
        self.sources.iter().map(|source| (source.name.as_str(), source.tally))
    }

    /// Seconds that count in which a source was used.
    pub fn used(&self, name: &str) -> u64 {
        self.source(name).map_or(0, |source| source.used)
    }

    fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of seconds")]
    const fn divisor(&self) -> f64 {
        if self.samples == 0 { 1.0 } else { self.samples as f64 }
    }
}

impl Settling {
    fn sample(&mut self, at: Moment, is_inside: bool) {
        match (is_inside, self.inside_since) {
            (false, _) => self.inside_since = None,
            (true, None) => self.inside_since = Some(at),
            (true, Some(since)) => {
                if self.settled.is_none() && at.since(since) >= STAY {
                    self.settled = Some(since);
                }
            }
        }
    }
}

/// Whether a source of this tally moves the clock.
pub const fn is_used(tally: Tally) -> bool {
    matches!(tally, Tally::Candidate | Tally::SystemPeer | Tally::PpsPeer)
}

/// The median; `None` of none.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(values, 0.5)
}

/// The value below which a share of all lies, 0 to 1, between two where it must; `None` of none.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places among a few values"
)]
pub fn quantile(values: impl IntoIterator<Item = f64>, share: f64) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let place = values.len().checked_sub(1)? as f64 * share.clamp(0.0, 1.0);
    let lower = *values.get(place.floor() as usize)?;
    let upper = *values.get(place.ceil() as usize)?;
    Some(lower + (upper - lower) * place.fract())
}

/// Errors whose first lasting undercutting is told, the least first.
pub const THRESHOLDS: [Span; 2] = [Span::from_micros(100), Span::from_micros(1000)];

/// How long a clock stays within a threshold before that counts.
pub const STAY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(error_s: f64) -> Sight {
        let bound = NtpDuration::from_milliseconds(1.0);
        Sight {
            error: NtpDuration::from_seconds(error_s),
            bound,
            is_synchronised: true,
            ..Default::default()
        }
    }

    #[test]
    fn a_threshold_is_met_when_it_is_kept() {
        let mut statistics = Statistics::default();
        for second in 0..2000 {
            let error_s = if second < 30 || second == 80 { 0.05 } else { 5e-4 };
            statistics.sample(Moment::from_secs(second), &sight(error_s), second >= 1000);
        }
        let millisecond = Span::from_micros(1000);
        assert_eq!(statistics.within(millisecond), Span::new(81.0));
        assert_eq!(statistics.within(Span::from_micros(100)), None);
        assert!((statistics.rms().seconds() - 5e-4).abs() < 1e-9);
        assert_eq!((statistics.dishonest(), statistics.synchronised_at()), (0, Span::new(0.0)));
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median([]), None);
        assert!(median([3.0, 1.0, 2.0]).is_some_and(|m| (m - 2.0).abs() < 1e-12));
        assert!(median([4.0, 1.0, 2.0, 3.0]).is_some_and(|m| (m - 2.5).abs() < 1e-12));
    }
}
