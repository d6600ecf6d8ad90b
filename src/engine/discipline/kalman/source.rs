//! One source as the filter knows it.

use std::collections::VecDeque;

use crate::engine::discipline::kalman::bank::Learned;
use crate::engine::discipline::kalman::delays::Delays;
use crate::engine::discipline::kalman::pace::Pace;
use crate::engine::discipline::{Measurement, Role, SourceReport};
use crate::units::{AssocId, NtpDuration, PollExponent, Raw, Tally};

/// One source as the filter knows it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of it")]
pub(super) struct Source {
    pub(super) id: AssocId,
    /// Its last measurements, oldest first: what is fed when selection comes to trust it.
    pub(super) kept: VecDeque<Measurement>,
    /// How old a measurement of it is when it becomes known: peers and interleaved servers take
    /// until the next packet.
    pub(super) lag_s: f64,
    pub(super) delays: Delays,
    pub(super) pace: Pace,
    /// Where its bias stands in the joint state.
    pub(super) slot: Option<usize>,
    /// Whether selection trusts it, and it is among the best.
    pub(super) is_chosen: bool,
    /// Whether selection takes it for a falseticker.
    pub(super) is_false: bool,
    /// Whether it is watched only: selection or the filter itself found it wrong.
    pub(super) is_apart: bool,
    /// How many measurements in a row agreed with the estimate while it was watched.
    agreeing: u32,
    /// The deviation of its bias that the joint state was told, in seconds.
    pub(super) slot_prior_s: f64,
    /// Whether its bias was made loose since it was begun.
    pub(super) is_loose: bool,
    /// How fast its bias walks, as far as that is seen, in s²/s.
    walk: f64,
    /// When it was last fed, on the raw clock.
    pub(super) fed_at: Raw,
    /// Half the width of the window of its last measurement, in seconds.
    pub(super) half_s: f64,
    /// How far its last measurement lay from the estimate, in seconds.
    pub(super) astray_s: f64,
    /// Whether it has been measured often enough to be relied on at the start.
    pub(super) samples: u32,
    pub(super) minpoll: PollExponent,
    pub(super) maxpoll: PollExponent,
    /// The number of the last measurement that was fed.
    pub(super) fed: Option<u64>,
    /// When it was first measured since it was last a new one, on the raw clock.
    pub(super) since: Option<Raw>,
    /// How much it told of late.
    pub(super) information: f64,
    /// How many measurements in a row lay outside their windows, counted with the side they lay on.
    pub(super) outside: i32,
    /// Sums for the asymmetry of its jitter.
    asymmetry: (f64, f64),
    residual_s: f64,
    /// Its bias as last estimated, its deviation, and the most that the path explains, in seconds.
    pub(super) bias_s: f64,
    pub(super) is_inconsistent: bool,
}

impl Source {
    pub(super) fn new(id: AssocId) -> Self {
        Self {
            id,
            kept: VecDeque::with_capacity(KEPT),
            lag_s: 0.0,
            delays: Delays::default(),
            pace: Pace::default(),
            slot: None,
            is_chosen: false,
            is_false: false,
            is_apart: false,
            agreeing: 0,
            slot_prior_s: 0.0,
            is_loose: false,
            walk: 0.0,
            fed_at: Raw::default(),
            half_s: 0.0,
            astray_s: 0.0,
            samples: 0,
            minpoll: PollExponent::new(6),
            maxpoll: PollExponent::new(10),
            fed: None,
            since: None,
            information: 0.0,
            outside: 0,
            asymmetry: (0.0, 0.0),
            residual_s: 0.0,
            bias_s: 0.0,
            is_inconsistent: false,
        }
    }

    /// Keeps a measurement that becomes known `lag_s` seconds after it was made.
    pub(super) fn keep(&mut self, measurement: &Measurement, lag_s: f64) {
        self.lag_s = lag_s.max(0.0);
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(*measurement);
        self.delays.push(measurement.delay.seconds());
        self.samples = self.samples.saturating_add(1);
    }

    /// Takes over what selection says of it.
    pub(super) fn choose(&mut self, role: &Role, is_chosen: bool) {
        self.is_chosen = is_chosen;
        self.is_false = role.tally == Tally::Falseticker;
        (self.minpoll, self.maxpoll) = (role.minpoll, role.maxpoll.max(role.minpoll));
    }

    /// Notes what a measurement told; `apart_s` is how far it lay from the estimate afterwards.
    pub(super) fn note(&mut self, learned: &Learned, apart_s: f64, excess_s: f64) {
        self.residual_s = learned.residual_s;
        self.information += (learned.gained.max(0.0) - self.information) * FRESH;
        let side = if learned.residual_s > 0.0 { 1 } else { -1 };
        self.outside = match learned.outside {
            outside if outside < 0.5 => 0,
            _ if self.outside.signum() == -side => side,
            _ => self.outside.saturating_add(side),
        };
        self.asymmetry.0 += (apart_s * excess_s - self.asymmetry.0) * FRESH;
        self.asymmetry.1 += (excess_s * excess_s - self.asymmetry.1) * FRESH;
    }

    /// Whether its measurements tell something: selection trusts it, and so does the filter.
    pub(super) const fn is_told(&self) -> bool {
        self.is_chosen && !self.is_apart
    }

    /// By how much more it was ahead than expected when several measurements in a row lay outside
    /// their windows on the same side; in seconds.
    pub(super) fn broken_s(&self) -> Option<f64> {
        (self.is_told() && self.outside.abs() >= IN_A_ROW).then_some(self.residual_s)
    }

    /// From now on its bias may walk.
    pub(super) fn loosen(&mut self) {
        if !self.is_loose {
            self.walk = 0.0;
        }
        self.is_loose = true;
    }

    /// How fast its bias seems to walk, now that it has become `bias_s` by a measurement at `at`.
    ///
    /// Of what a filter sees walk, noise is a part: less than that is believed, so that a walk that
    /// is not borne out ends by itself.
    pub(super) fn walked(&mut self, bias_s: f64, at: Raw) -> f64 {
        let span_s = at.seconds_since(self.fed_at).max(1.0);
        let seen = BELIEVED * (bias_s - self.bias_s).powi(2) / span_s;
        self.walk += WALK_FRESH * (seen - self.walk);
        self.walk
    }

    /// From now on it is watched only.
    pub(super) fn part(&mut self) {
        self.is_apart = true;
        self.since = None;
        self.agreeing = 0;
        self.information = 0.0;
        self.outside = 0;
    }

    /// From now on its measurements tell something again.
    pub(super) fn rejoin(&mut self) {
        self.is_apart = false;
        self.is_inconsistent = false;
        self.outside = 0;
    }

    /// Notes how far a measurement lay from the estimate while it was watched, and by how much it
    /// may for reasons of its own; whether it has agreed long enough.
    pub(super) fn watch(&mut self, at: Raw, (apart_s, window_s): (f64, f64)) -> bool {
        self.residual_s = apart_s - self.bias_s;
        if self.residual_s.abs() > 3.0 * self.bias_prior_s() + window_s {
            // It is another one now, and asked as a new one is.
            self.since = Some(at);
            self.bias_s = apart_s;
        } else {
            self.bias_s += 0.5 * self.residual_s;
        }
        self.astray_s = apart_s;
        let agrees = apart_s.abs() <= 3.0 * self.bias_prior_s() + window_s
            && self.bias_s.abs() <= 2.0 * self.bias_prior_s();
        self.agreeing = if agrees { self.agreeing + 1 } else { 0 };
        self.is_inconsistent = self.bias_s.abs() > 3.0 * self.bias_prior_s();
        self.is_chosen && self.agreeing >= IN_A_ROW.unsigned_abs()
    }

    /// Forgets what the filter was told by it.
    pub(super) fn start_over(&mut self) {
        self.slot = None;
        self.fed = None;
        self.since = None;
        self.information = 0.0;
        self.outside = 0;
        self.bias_s = 0.0;
        self.is_inconsistent = false;
        self.is_apart = false;
    }

    /// The most that an uneven path explains (one standard deviation), in seconds.
    pub(super) fn bias_prior_s(&self) -> f64 {
        UNEVEN * self.delays.shortest_s().max(0.0)
    }

    /// What is known of it, with its share in all that was told.
    pub(super) fn report(&self, information: f64) -> SourceReport {
        let (product, square) = self.asymmetry;
        let asymmetry = if square > 0.0 { (product / square).clamp(-0.5, 0.5) } else { 0.0 };
        let weight = if self.is_chosen && information > 0.0 { self.information } else { 0.0 };
        SourceReport {
            source: self.id,
            weight: weight / information.max(f64::MIN_POSITIVE),
            bias: NtpDuration::from_seconds(self.bias_s),
            bias_prior: NtpDuration::from_seconds(3.0 * self.bias_prior_s()),
            is_inconsistent: self.is_inconsistent,
            asymmetry,
            residual: NtpDuration::from_seconds(self.residual_s),
        }
    }
}

/// Measurements kept of a source.
pub(super) const KEPT: usize = 8;

/// The bias that a path may have, as a part of its shortest round trip.
const UNEVEN: f64 = 0.1;

/// So many measurements outside their windows, one after the other and on one side, are not chance.
const IN_A_ROW: i32 = 3;

/// The part of a walk seen that is believed, and the share of the newest measurement in it.
const BELIEVED: f64 = 0.7;
const WALK_FRESH: f64 = 0.3;

/// The share of the newest measurement in running means.
const FRESH: f64 = 0.1;
