//! How long to wait for an answer, and how often to ask again.

use std::time::Duration;

use crate::wire::mode6::Opcode;

/// When a question is sent again, and when it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    first: First,
    between: Option<Duration>,
    resends: u32,
    same_sequence: bool,
    patience: Duration,
}

/// How long the first datagram of an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    /// Always this long.
    Fixed(Duration),
    /// As the round trips so far suggest, twice as long after each resending.
    Measured,
}

impl Timing {
    /// What classic ntpq does: five seconds for the first datagram and three for each further one;
    /// what brought nothing is sent once more as it was, what brought only a part is asked once
    /// more under a new sequence number.
    pub const fn ntpq() -> Self {
        Self {
            first: First::Fixed(Duration::from_secs(5)),
            between: Some(Duration::from_secs(3)),
            resends: 1,
            same_sequence: true,
            patience: Duration::MAX,
        }
    }

    /// For screens: asks again after three times the usual round trip, then twice as late each
    /// time, and gives up after four seconds (longer where round trips are).
    pub const fn live() -> Self {
        Self {
            first: First::Measured,
            between: None,
            resends: 4,
            same_sequence: false,
            patience: Duration::from_secs(4),
        }
    }

    /// The same with another wait: for [`Timing::ntpq`] the time for the first datagram (what its
    /// `timeout` command sets), for [`Timing::live`] the time from first asking to giving up.
    #[must_use]
    pub const fn with_patience(self, patience: Duration) -> Self {
        match self.first {
            First::Fixed(_) => Self { first: First::Fixed(patience), ..self },
            First::Measured => Self { patience, ..self },
        }
    }

    /// How long to wait for the first datagram after the sending number `sending`, from 1.
    pub(super) fn first_wait(&self, sending: u32, round_trip: &RoundTrip) -> Duration {
        match self.first {
            First::Fixed(wait) => wait,
            First::Measured => {
                let doublings = sending.saturating_sub(1).min(16);
                round_trip.wait().saturating_mul(1 << doublings).min(LONGEST_WAIT)
            }
        }
    }

    /// How long to wait for another fragment after one has come.
    pub(super) fn between(&self, round_trip: &RoundTrip) -> Duration {
        self.between.unwrap_or_else(|| round_trip.wait())
    }

    /// Whether a question that was sent `sendings` times, first `waited` ago, deserves another: one
    /// that leaves time for its answer.
    pub(super) fn goes_on(&self, sendings: u32, waited: Duration, round_trip: &RoundTrip) -> bool {
        let patience = self.patience(round_trip);
        sendings <= self.resends && waited < patience / 5 * 4
    }

    /// How long after its first sending a question is given up at the latest.
    pub(super) fn patience(&self, round_trip: &RoundTrip) -> Duration {
        match self.first {
            First::Fixed(_) => self.patience,
            First::Measured => self.patience.max(round_trip.smoothed().saturating_mul(6)),
        }
    }

    /// Whether a question of this kind is sent again by itself.
    ///
    /// What changes the daemon is sent once only, for it may have been done although its answer was
    /// lost.
    ///
    /// Differs: ntpq repeats everything.
    pub(super) const fn repeats(opcode: Opcode) -> bool {
        !matches!(
            opcode,
            Opcode::Configure | Opcode::SaveConfig | Opcode::WriteVariables | Opcode::WriteClock
        )
    }

    /// How long to wait for the first datagram of the answer to what is sent once only: as long as
    /// for all sendings of ntpq, or as for the last of others.
    pub(super) fn only_wait(&self, round_trip: &RoundTrip) -> Duration {
        match self.first {
            First::Fixed(wait) => wait.saturating_mul(1 + self.resends),
            First::Measured => self.first_wait(LAST_SENDING, round_trip),
        }
    }

    /// Whether what brought nothing is sent again under the sequence number that it had.
    pub(super) const fn keeps_sequence(&self) -> bool {
        self.same_sequence
    }
}

/// The smoothed round trip to one daemon (RFC 6298 §2, without the variance).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoundTrip {
    smoothed: Option<Duration>,
}

impl RoundTrip {
    /// Takes in one measurement.
    pub(super) fn measure(&mut self, sample: Duration) {
        self.smoothed = Some(match self.smoothed {
            None => sample,
            Some(smoothed) => (smoothed * 7 + sample) / 8,
        });
    }

    /// The estimate; zero before the first measurement.
    pub(super) fn smoothed(&self) -> Duration {
        self.smoothed.unwrap_or_default()
    }

    /// How long to wait for another fragment of a piece of a list: briefly, once the last has come
    /// and what is missing was lost or overtaken.
    pub(super) fn within_piece(&self, has_end: bool) -> Duration {
        let round_trip = self.smoothed();
        if has_end {
            (round_trip / 4).clamp(Duration::from_millis(5), Duration::from_millis(250))
        } else {
            round_trip.clamp(Duration::from_millis(50), Duration::from_secs(1))
        }
    }

    /// How long a daemon deserves before it is asked again.
    fn wait(&self) -> Duration {
        match self.smoothed {
            None => WAIT_UNMEASURED,
            Some(smoothed) => smoothed.saturating_mul(3).clamp(SHORTEST_WAIT, LONGEST_WAIT),
        }
    }
}

/// The sending whose wait is as long as any.
const LAST_SENDING: u32 = 5;

const WAIT_UNMEASURED: Duration = Duration::from_secs(1);
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_the_measured_round_trip_and_double() {
        let mut round_trip = RoundTrip::default();
        let live = Timing::live();
        assert_eq!(live.first_wait(1, &round_trip), Duration::from_secs(1));
        round_trip.measure(Duration::from_millis(200));
        assert_eq!(live.first_wait(1, &round_trip), Duration::from_millis(600));
        assert_eq!(live.first_wait(3, &round_trip), Duration::from_millis(2400));
        assert_eq!(live.first_wait(99, &round_trip), LONGEST_WAIT);
        for _ in 0..100 {
            round_trip.measure(Duration::from_micros(50));
        }
        assert_eq!(live.first_wait(1, &round_trip), SHORTEST_WAIT);
    }

    #[test]
    fn ntpq_waits_five_seconds_and_asks_twice() {
        let ntpq = Timing::ntpq();
        let round_trip = RoundTrip::default();
        assert_eq!(ntpq.first_wait(2, &round_trip), Duration::from_secs(5));
        assert_eq!(ntpq.between(&round_trip), Duration::from_secs(3));
        assert!(ntpq.goes_on(1, Duration::from_secs(5), &round_trip));
        assert!(!ntpq.goes_on(2, Duration::from_secs(10), &round_trip));
        let quick = ntpq.with_patience(Duration::from_millis(700));
        assert_eq!(quick.first_wait(1, &round_trip), Duration::from_millis(700));
        assert_eq!(quick.between(&round_trip), Duration::from_secs(3));
    }
}
