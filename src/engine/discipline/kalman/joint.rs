//! The joint estimate: all trusted sources observe one oscillator, so one filter takes them all.

use crate::engine::discipline::Measurement;
use crate::engine::discipline::kalman::bank::{Bank, Estimate, Learned};
use crate::engine::discipline::kalman::source::Source;
use crate::engine::discipline::kalman::state::SLOTS;
use crate::units::{NtpDuration, NtpTimestamp, Raw};

/// The estimate of how far true time is ahead of the raw clock, and how fast that grows.
#[derive(Clone, Debug)]
pub(super) struct Joint {
    bank: Bank,
    /// Up to where the bank has moved on.
    at: Raw,
    /// What phases are counted from: a reading of the raw clock and a time.
    origin: (Raw, NtpTimestamp),
    /// Measurements taken in.
    pub(super) count: u32,
    /// Which slots are taken.
    taken: [bool; SLOTS],
}

impl Joint {
    /// Begins with the first measurement of the first source; the frequency is believed to be
    /// `frequency` (s/s) with the variance that goes with it.
    ///
    /// Of the first round trip nobody knows how much of it was queueing: only its half bounds the
    /// error.
    pub(super) fn begin(first: &Measurement, frequency: (f64, f64)) -> Self {
        let variance = (0.5 * first.delay.seconds()).powi(2) + stamp_s(first).powi(2);
        Self {
            bank: Bank::new((0.0, variance), frequency),
            at: first.raw,
            origin: (first.raw, first.source_time),
            count: 1,
            taken: [false; SLOTS],
        }
    }

    /// What the bank says.
    pub(super) const fn estimate(&self) -> &Estimate {
        self.bank.estimate()
    }

    /// How much later `raw` is than the last measurement, in seconds.
    pub(super) const fn age_s(&self, raw: Raw) -> f64 {
        raw.seconds_since(self.at)
    }

    /// How far `time` is ahead of a raw clock that showed `raw`, in seconds from the origin.
    pub(super) fn ahead_s(&self, raw: Raw, time: NtpTimestamp) -> f64 {
        let nanoseconds = raw.nanos().wrapping_sub(self.origin.0.nanos()).cast_signed();
        let elapsed = std::time::Duration::from_nanos(nanoseconds.unsigned_abs());
        let elapsed = NtpDuration::from(elapsed);
        let elapsed = if nanoseconds < 0 { -elapsed } else { elapsed };
        ((time - self.origin.1) - elapsed).seconds()
    }

    /// How far true time is ahead of the raw clock at `raw`, in seconds from the origin.
    pub(super) fn phase_s(&self, raw: Raw) -> f64 {
        let estimate = self.estimate();
        estimate.phase_s + estimate.frequency * self.age_s(raw)
    }

    /// The variance of the phase at `raw`: it grows honestly while nothing is measured.
    pub(super) fn phase_variance(&self, raw: Raw) -> f64 {
        let estimate = self.estimate();
        let age_s = self.age_s(raw).max(0.0);
        let spread = &estimate.spread;
        spread.phase
            + age_s * (2.0 * spread.both + age_s * spread.frequency)
            + estimate.mean_wander * age_s.powi(3) / 3.0
    }

    /// The least variance with which any of the sources is foretold: how well the phase is known
    /// apart from uneven paths.
    pub(super) fn tracking_variance(&self, sources: &[Source]) -> f64 {
        sources
            .iter()
            .filter(|source| source.is_chosen && source.fed.is_some())
            .map(|source| self.bank.expect(source.slot).1)
            .fold(self.estimate().spread.phase, f64::min)
    }

    /// Takes a measurement of `source` in, and says what became of it.
    pub(super) fn feed(&mut self, source: &mut Source, measurement: &Measurement) -> Learned {
        let mut shown_s = self.ahead_s(measurement.raw, measurement.source_time);
        let span_s = measurement.raw.seconds_since(self.at);
        let mut carried_s = 0.0_f64;
        if span_s > 0.0 {
            self.bank.predict(span_s);
            self.at = measurement.raw;
        } else {
            // Replies overtake each other, and some tell of earlier ones: this one is brought up to
            // the estimate's time.
            shown_s -= self.estimate().frequency * span_s;
            if source.lag_s > LATE_S {
                carried_s = span_s * self.estimate().spread.frequency.sqrt();
            }
        }
        if let Some(slot) = source.slot
            && source.bias_prior_s() < SHORTER * source.slot_prior_s
        {
            source.slot_prior_s = source.bias_prior_s();
            let variance = source.slot_prior_s.powi(2);
            self.bank.change(|state| state.correct_bias(slot, variance));
        }
        let delay_s = measurement.delay.seconds();
        let window = source.delays.window(delay_s, stamp_s(measurement).hypot(carried_s));
        let learned = self.bank.learn(source.slot, shown_s, &window);
        source.astray_s = shown_s - self.estimate().phase_s;
        source.half_s = window.half_s;
        self.count = self.count.saturating_add(1);
        source.fed = Some(measurement.number);
        if let Some(slot) = source.slot {
            let bias_s = self.bank.bias(slot).0;
            if source.is_loose {
                let walk = source.walked(bias_s, measurement.raw);
                self.bank.change(|state| state.walk_bias(slot, walk));
            }
            source.bias_s = bias_s;
            source.fed_at = measurement.raw;
        }
        let apart_s = shown_s - self.bank.expect(source.slot).0;
        let excess_s = (delay_s - source.delays.shortest_s()).max(0.0);
        source.note(&learned, apart_s, excess_s);
        learned
    }

    /// Moves on with all times by `by`, as in a leap second.
    pub(super) fn leap(&mut self, by: NtpDuration) {
        self.origin.1 = self.origin.1 + by;
    }

    /// Makes phase and frequency less sure after something broke the model.
    pub(super) fn loosen(&mut self, phase: f64, frequency: f64) {
        self.bank.change(|state| state.loosen(phase, frequency));
        self.bank.forget_wander();
    }

    /// Makes the bias of a source less sure: its path may have changed by `change_s`. That it is
    /// small tells nothing of the phase any more.
    pub(super) fn loosen_bias(&mut self, source: &mut Source, change_s: f64) {
        if let Some(slot) = source.slot {
            self.bank.change(|state| state.loosen_bias(slot, change_s * change_s));
            source.loosen();
        }
    }

    /// Forgets what was learned of the bias of a source.
    pub(super) fn restore_bias(&mut self, source: &mut Source) {
        if let Some(slot) = source.slot {
            source.slot_prior_s = source.bias_prior_s();
            let variance = source.slot_prior_s.powi(2);
            self.bank.change(|state| state.begin_bias(slot, variance));
            source.bias_s = 0.0;
            source.is_loose = false;
        }
    }

    /// Watches a source that tells nothing: how far its measurement lies from the estimate, and by
    /// how much it may for reasons other than a bias, in seconds.
    pub(super) fn watch(&self, source: &mut Source, measurement: &Measurement) -> (f64, f64) {
        let shown_s = self.ahead_s(measurement.raw, measurement.source_time);
        let window = source.delays.window(measurement.delay.seconds(), stamp_s(measurement));
        source.fed = Some(measurement.number);
        let sure_s = self.phase_variance(measurement.raw).sqrt().min(source.bias_prior_s());
        (shown_s - self.phase_s(measurement.raw), window.half_s + 3.0 * window.edge_s.hypot(sure_s))
    }

    /// What is known of the bias of a source: it, and its deviation, in seconds.
    pub(super) fn bias(&self, source: &Source) -> Option<(f64, f64)> {
        let (bias_s, variance) = self.bank.bias(source.slot?);
        Some((bias_s, variance.max(0.0).sqrt()))
    }

    /// Whether there is room for the bias of one more source.
    pub(super) fn has_room(&self) -> bool {
        self.taken.iter().any(|taken| !taken)
    }

    /// Gives a source's slot back; where `takes_back` the estimate is as if its path had never been
    /// taken for even. A bias that was made loose had no say in that.
    pub(super) fn release(&mut self, source: &mut Source, takes_back: bool) {
        let takes_back = takes_back && !source.is_loose;
        if let Some(slot) = source.slot.take() {
            self.bank.change(|state| state.end_bias(slot, takes_back));
            if let Some(taken) = self.taken.get_mut(slot) {
                *taken = false;
            }
        }
        source.bias_s = 0.0;
    }

    /// Gives `source` a bias in the state. The first to get one has set the phase alone so far.
    pub(super) fn give_slot(&mut self, source: &mut Source) {
        let is_first = self.taken.iter().all(|taken| !taken);
        let Some(slot) = self.taken.iter().position(|taken| !taken) else { return };
        if let Some(taken) = self.taken.get_mut(slot) {
            *taken = true;
        }
        source.slot_prior_s = source.bias_prior_s();
        let variance = source.slot_prior_s.powi(2);
        self.bank.change(|state| {
            if is_first {
                state.split_bias(slot, variance);
            } else {
                state.begin_bias(slot, variance);
            }
        });
        source.slot = Some(slot);
        source.is_loose = false;
    }
}

/// The error of a measurement's timestamps (one standard deviation), in seconds.
/// A source whose measurements become known later than this does not answer at once.
const LATE_S: f64 = 1.0;

fn stamp_s(measurement: &Measurement) -> f64 {
    let quantum = measurement.source_precision.seconds() / 12f64.sqrt();
    measurement.stamp_error.seconds().hypot(quantum).max(1e-9)
}

/// A path is taken for shorter than it had seemed below this part.
const SHORTER: f64 = 0.9;
