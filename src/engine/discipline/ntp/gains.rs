//! How much of an offset goes where: the gains of ntpd's own loop and of the kernel's.

use crate::units::PollExponent;

/// Whose gains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gains {
    /// Those of RFC 5905, in ntpd.
    Daemon,
    /// Those of Linux, whose `SHIFT_PLL` is 2 in place of 4.
    Kernel,
}

/// What an update brings to the frequency.
#[derive(Clone, Copy, Debug)]
pub(super) struct Update {
    /// The offset.
    pub(super) offset_s: f64,
    /// What was left of the last one.
    pub(super) residual_s: f64,
    /// How long ago the last update was.
    pub(super) elapsed_s: f64,
    /// The poll interval that the loop is tuned to.
    pub(super) time_constant: PollExponent,
    /// The Allan intercept.
    pub(super) allan: PollExponent,
}

impl Gains {
    /// How many poll intervals it takes until an offset has decayed to 1/e.
    pub(super) const fn decay(self) -> f64 {
        match self {
            Self::Daemon => 16.0,
            Self::Kernel => 4.0,
        }
    }

    /// By how much `update` changes the frequency, in s/s: the offset's lasting at all (PLL), and
    /// its growing where polls are rare (FLL).
    pub(super) fn frequency_change(self, update: &Update) -> f64 {
        let interval_s = seconds(update.time_constant);
        let (by_difference, span_s) = match self {
            Self::Daemon => {
                let grown_s = update.offset_s - update.residual_s;
                let fll = grown_s / interval_s.max(update.elapsed_s) * CLOCK_FLL;
                let is_rare = update.time_constant >= update.allan;
                (if is_rare { fll } else { 0.0 }, update.elapsed_s.min(seconds(update.allan)))
            }
            Self::Kernel => {
                let fll = update.offset_s / (KERNEL_FLL * update.elapsed_s);
                let is_rare = update.elapsed_s > KERNEL_MAXIMUM_S;
                let longest_s = 2.0 * self.decay() * interval_s;
                (if is_rare { fll } else { 0.0 }, update.elapsed_s.min(longest_s))
            }
        };
        by_difference + update.offset_s * span_s / (4.0 * self.decay() * interval_s).powi(2)
    }
}

fn seconds(exponent: PollExponent) -> f64 {
    f64::from(exponent.exponent()).exp2()
}

/// `CLOCK_FLL`: the share of the FLL in the frequency.
const CLOCK_FLL: f64 = 0.25;

/// `SHIFT_FLL` of the kernel, as a divisor.
const KERNEL_FLL: f64 = 4.0;

/// `MAXSEC` of the kernel: beyond this it learns from differences, in seconds.
const KERNEL_MAXIMUM_S: f64 = 2048.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn change_ppm(gains: Gains, time_constant: i8, elapsed_s: f64, residual_s: f64) -> f64 {
        let update = Update {
            offset_s: 1e-3,
            residual_s,
            elapsed_s,
            time_constant: PollExponent::new(time_constant),
            allan: PollExponent::new(11),
        };
        gains.frequency_change(&update) * 1e6
    }

    // Vector V8: what an offset of a millisecond does to a frequency of 10 ppm.
    #[test]
    fn an_offset_changes_the_frequency_as_in_ntpd_and_in_the_kernel() {
        for (gains, time_constant, elapsed_s, residual_s, wanted_ppm) in [
            (Gains::Daemon, 6, 64.0, 0.0, 10.003_814_697),
            (Gains::Daemon, 10, 1024.0, 0.0, 10.000_238_419),
            (Gains::Daemon, 12, 4096.0, 0.2e-3, 10.048_857_927),
            (Gains::Kernel, 6, 64.0, 0.0, 10.061_035_156),
        ] {
            let ppm = 10.0 + change_ppm(gains, time_constant, elapsed_s, residual_s);
            assert!((ppm - wanted_ppm).abs() < 1e-9, "{time_constant}: {ppm}");
        }
    }

    #[test]
    fn a_long_silence_weighs_no_more_than_the_kernel_lets_it() {
        let bounded = change_ppm(Gains::Kernel, 6, 512.0, 0.0);
        assert!((change_ppm(Gains::Kernel, 6, 2000.0, 0.0) - bounded).abs() < 1e-12);
        let beyond = change_ppm(Gains::Kernel, 6, 4000.0, 0.0);
        assert!((beyond - bounded - 1e3 / 16_000.0).abs() < 1e-9, "{beyond}");
    }
}
