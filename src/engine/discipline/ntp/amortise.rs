//! Taking an offset away little by little: the part of the loop that runs between two updates.
//!
//! ntpd moves the clock each second by a fixed share of what is left, 1/(16·2^τ) of it, and the
//! kernel by 1/(4·2^τ). Here the same decay is asked of the clock as a rate that holds for a block
//! of seconds, so that a slow loop need not be woken each second: at the end of a block exactly as
//! much is gone, and within it the two differ by less than a hundred-thousandth of what is left.

use std::time::Duration;

use crate::engine::discipline::limits::MAXIMUM_FREQUENCY;
use crate::units::{Mono, PollExponent};

/// What is left of an offset, and the rate at which it is being taken away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amortiser {
    /// What is left; positive when the clock has to be moved forward, in seconds.
    residual_s: f64,
    /// Seconds of regular operation for which the time constant is still short and the frequency
    /// left alone (`freq_cnt` of ntpd).
    clamp_s: f64,
    /// How it is taken away.
    mode: Mode,
    /// The rate in force, in s/s.
    slew: f64,
    /// Up to when it was accounted for.
    since: Mono,
    /// When the rate has to be worked out anew; `None` when nothing is left.
    until: Option<Mono>,
}

/// Ways of taking an offset away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Not at all.
    Held,
    /// As fast as may be, in a straight line: what `adjtime` does.
    Straight,
    /// By a share each second.
    Decay,
}

impl Amortiser {
    /// Nothing to do, and `clamp` of quick start ahead.
    pub(super) const fn new(now: Mono, clamp: Duration) -> Self {
        Self {
            residual_s: 0.0,
            clamp_s: clamp.as_secs_f64(),
            mode: Mode::Held,
            slew: 0.0,
            since: now,
            until: None,
        }
    }

    /// What is left, in seconds, as of the latest [`account`](Self::account).
    pub(super) const fn residual_s(&self) -> f64 {
        self.residual_s
    }

    /// What is left at `now`, in seconds.
    pub(super) fn residual_at(&self, now: Mono) -> f64 {
        self.residual_s - self.slew * now.since(self.since).as_secs_f64()
    }

    /// Whether the quick start is still on, as of the latest [`account`](Self::account).
    pub(super) fn is_clamped(&self) -> bool {
        self.clamp_s > 0.0
    }

    /// Whether the quick start is still on at `now`.
    pub(super) fn is_clamped_at(&self, now: Mono) -> bool {
        let counted =
            if self.mode == Mode::Decay { now.since(self.since).as_secs_f64() } else { 0.0 };
        self.clamp_s - counted > 0.0
    }

    /// Begins a quick start of that length.
    pub(super) const fn begin_clamp(&mut self, clamp: Duration) {
        self.clamp_s = clamp.as_secs_f64();
    }

    /// Ends the quick start.
    pub(super) const fn end_clamp(&mut self) {
        self.clamp_s = 0.0;
    }

    /// The rate in force, in s/s.
    pub(super) const fn slew(&self) -> f64 {
        self.slew
    }

    /// When the rate has to be worked out anew.
    pub(super) const fn until(&self) -> Option<Mono> {
        self.until
    }

    /// Takes off what was moved until `now`.
    pub(super) fn account(&mut self, now: Mono) {
        let elapsed_s = now.since(self.since).as_secs_f64();
        self.residual_s -= self.slew * elapsed_s;
        if self.mode == Mode::Decay {
            self.clamp_s = (self.clamp_s - elapsed_s).max(0.0);
        }
        self.since = self.since.max(now);
    }

    /// Sets out to take `residual_s` away; to be accounted for before and planned after.
    pub(super) const fn begin(&mut self, residual_s: f64, mode: Mode) {
        self.residual_s = residual_s;
        self.mode = mode;
    }

    /// Works out the rate from here on; `frequency` is what runs besides, in s/s, and `gain` how
    /// many poll intervals the decay takes.
    pub(super) fn plan(&mut self, time_constant: PollExponent, gain: f64, frequency: f64) {
        let (slew, block_s) = match self.mode {
            _ if self.residual_s.abs() < NEGLIGIBLE_S => (0.0, None),
            Mode::Held => (0.0, None),
            Mode::Straight => {
                let slew = MAXIMUM_FREQUENCY.copysign(self.residual_s);
                (slew, Some(self.residual_s / slew))
            }
            Mode::Decay => {
                let (seconds, decay_s) = if self.is_clamped() {
                    (1, CLAMP_DECAY_S)
                } else {
                    let interval_s = f64::from(time_constant.exponent()).exp2();
                    (block_seconds(time_constant), gain * interval_s)
                };
                let keep = 1.0 - 1.0 / decay_s;
                let length_s = f64::from(seconds);
                let slew = self.residual_s * (1.0 - keep.powi(seconds)) / length_s;
                (slew, Some(length_s))
            }
        };
        // What both do together is bounded, and the correction of the frequency has the right of
        // way.
        self.slew = slew.clamp(
            (-MAXIMUM_FREQUENCY - frequency).min(0.0),
            (MAXIMUM_FREQUENCY - frequency).max(0.0),
        );
        self.until = block_s.map(|seconds| self.since + Duration::from_secs_f64(seconds));
    }

    /// The clock runs at this rate instead of the one that was worked out, in s/s.
    pub(super) const fn correct(&mut self, slew: f64) {
        self.slew = slew;
    }
}

/// The straight slew of a first start, to be taken off what was measured before its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstSlew {
    /// When it began.
    pub(super) from: Mono,
    /// How far it moves the clock forward, in seconds.
    pub(super) by_s: f64,
}

impl FirstSlew {
    /// What of it happens between two times, in seconds.
    pub(super) fn between(&self, earlier: Mono, later: Mono) -> f64 {
        self.gone_s(later) - self.gone_s(earlier)
    }

    fn gone_s(&self, at: Mono) -> f64 {
        let most_s = MAXIMUM_FREQUENCY * at.since(self.from).as_secs_f64();
        self.by_s.clamp(-most_s, most_s)
    }
}

/// Seconds for which one rate may hold: a 32nd of the poll interval.
fn block_seconds(time_constant: PollExponent) -> i32 {
    1 << (i32::from(time_constant.exponent()) - 5).clamp(0, 10)
}

/// The time constant of the decay in the quick start, in seconds.
const CLAMP_DECAY_S: f64 = 32.0;

/// Below this nothing is left to take away, in seconds: less than a clock shows.
const NEGLIGIBLE_S: f64 = 1e-10;

#[cfg(test)]
mod tests {
    use super::*;

    const TC6: PollExponent = PollExponent::new(6);

    fn second(n: u64) -> Mono {
        Mono::from_nanos(n * 1_000_000_000)
    }

    fn close(value: f64, wanted: f64) {
        assert!((value / wanted - 1.0).abs() < 1e-9, "{value:e}, wanted {wanted:e}");
    }

    /// Runs it as its wake-ups say and returns what is left at `end`.
    fn run(amortiser: &mut Amortiser, time_constant: PollExponent, end: Mono) -> f64 {
        while let Some(until) = amortiser.until().filter(|until| *until <= end) {
            amortiser.account(until);
            amortiser.plan(time_constant, 16.0, 0.0);
        }
        amortiser.residual_at(end)
    }

    // Vector V8: what a millisecond shrinks to at a poll exponent of 6.
    #[test]
    fn a_millisecond_decays_as_ntpd_has_it() {
        let mut amortiser = Amortiser::new(second(0), Duration::ZERO);
        amortiser.begin(1e-3, Mode::Decay);
        amortiser.plan(TC6, 16.0, 0.0);
        close(run(&mut amortiser, TC6, second(64)), 9.393_843_759_618e-4);
        close(run(&mut amortiser, TC6, second(1024)), 3.676_997_394_113e-4);
    }

    // V8: the first three seconds, which make one block and a half at this time constant.
    #[test]
    fn a_block_takes_away_what_its_seconds_would() {
        let mut amortiser = Amortiser::new(second(0), Duration::ZERO);
        amortiser.begin(1e-3, Mode::Decay);
        amortiser.plan(PollExponent::new(4), 16.0, 0.0);
        close(amortiser.slew(), 1e-3 / 256.0);
        amortiser.plan(TC6, 16.0, 0.0);
        let (first, second_one, third) = (9.765_625e-7, 9.756_088_256_836e-7, 9.746_560_826_898e-7);
        close(amortiser.slew() * 2.0, first + second_one);
        assert_eq!(amortiser.until(), Some(second(2)));
        amortiser.account(second(2));
        amortiser.plan(TC6, 16.0, 0.0);
        let fourth = (1e-3 - first - second_one - third) / 1024.0;
        close(amortiser.slew() * 2.0, third + fourth);
    }

    #[test]
    fn the_kernel_takes_four_times_as_much() {
        let mut amortiser = Amortiser::new(second(0), Duration::ZERO);
        amortiser.begin(1e-3, Mode::Decay);
        amortiser.plan(PollExponent::new(4), 4.0, 0.0);
        close(amortiser.slew(), 1e-3 / 64.0);
    }

    // V8: the quick start.
    #[test]
    fn the_quick_start_takes_a_32nd_each_second() {
        let mut amortiser = Amortiser::new(second(0), Duration::from_secs(300));
        amortiser.begin(10e-3, Mode::Decay);
        for wanted in [3.125e-4, 3.027_343_750e-4, 2.932_739_258_e-4] {
            amortiser.plan(TC6, 16.0, 0.0);
            assert!((amortiser.slew() - wanted).abs() < 1e-13, "{:e}", amortiser.slew());
            amortiser.account(amortiser.until().unwrap());
        }
        assert!(amortiser.is_clamped());
        amortiser.account(second(300));
        assert!(!amortiser.is_clamped());
    }

    #[test]
    fn a_late_wakeup_counts_what_the_clock_did_meanwhile() {
        let mut amortiser = Amortiser::new(second(0), Duration::from_secs(300));
        amortiser.begin(10e-3, Mode::Decay);
        amortiser.plan(TC6, 16.0, 0.0);
        amortiser.account(second(10));
        assert!((amortiser.residual_s() - (10e-3 - 10.0 * 3.125e-4)).abs() < 1e-15);
    }

    #[test]
    fn both_corrections_together_stay_within_500_ppm() {
        let mut amortiser = Amortiser::new(second(0), Duration::from_secs(300));
        amortiser.begin(0.1, Mode::Decay);
        amortiser.plan(TC6, 16.0, 400e-6);
        assert!((amortiser.slew() - 100e-6).abs() < 1e-12);
        amortiser.begin(-0.1, Mode::Decay);
        amortiser.plan(TC6, 16.0, 400e-6);
        assert!((amortiser.slew() + 900e-6).abs() < 1e-12);
    }

    #[test]
    fn a_first_slew_is_known_in_all_its_parts() {
        let slew = FirstSlew { from: second(100), by_s: -0.01 };
        for (earlier, later, wanted_s) in
            [(0, 90, 0.0), (0, 110, -0.005), (105, 110, -0.0025), (0, 500, -0.01), (120, 500, 0.0)]
        {
            let found_s = slew.between(second(earlier), second(later));
            assert!((found_s - wanted_s).abs() < 1e-12, "{earlier} to {later}: {found_s}");
        }
    }

    #[test]
    fn a_straight_slew_ends_by_itself() {
        let mut amortiser = Amortiser::new(second(0), Duration::ZERO);
        amortiser.begin(-0.01, Mode::Straight);
        amortiser.plan(TC6, 16.0, 0.0);
        assert_eq!(amortiser.until(), Some(second(20)));
        assert!(run(&mut amortiser, TC6, second(25)).abs() < 1e-12);
        assert_eq!(amortiser.until(), None);
        assert!(amortiser.slew().abs() < 1e-20);
    }
}
