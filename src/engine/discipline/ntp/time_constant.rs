//! The time constant of the loop, which is also the poll interval it wishes for.
//!
//! While the offset drowns in jitter the interval grows, when it stands out the interval shrinks,
//! and a counter in between keeps it from dancing.

use crate::units::PollExponent;

/// A time constant with its counter.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeConstant {
    exponent: PollExponent,
    counter: i32,
}

impl TimeConstant {
    /// A time constant to begin with.
    pub(super) const fn new(exponent: PollExponent) -> Self {
        Self { exponent, counter: 0 }
    }

    /// The exponent.
    pub(super) const fn exponent(self) -> PollExponent {
        self.exponent
    }

    /// Brings it into the range of the source that is followed.
    pub(super) fn keep_within(&mut self, least: PollExponent, most: PollExponent) {
        self.exponent = self.exponent.max(least).min(most.max(least));
    }

    /// Starts counting anew.
    pub(super) const fn reset(&mut self) {
        self.counter = 0;
    }

    /// Counts an update: `is_quiet` says whether its offset was lost in the jitter.
    pub(super) fn count(&mut self, is_quiet: bool, least: PollExponent, most: PollExponent) {
        let weight = i32::from(self.exponent.exponent());
        if is_quiet {
            self.counter += weight;
            if self.counter > CLOCK_LIMIT {
                self.counter = CLOCK_LIMIT;
                if self.exponent < most {
                    self.counter = 0;
                    self.exponent = PollExponent::new(self.exponent.exponent().saturating_add(1));
                }
            }
        } else {
            self.counter -= 2 * weight;
            if self.counter < -CLOCK_LIMIT {
                self.counter = -CLOCK_LIMIT;
                if self.exponent > least {
                    self.counter = 0;
                    self.exponent = PollExponent::new(self.exponent.exponent().saturating_sub(1));
                }
            }
        }
    }
}

/// `CLOCK_LIMIT`: where the counter turns over.
const CLOCK_LIMIT: i32 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    // Vector V9.
    #[test]
    fn six_quiet_updates_lengthen_it_and_three_loud_ones_shorten_it() {
        let (least, most) = (PollExponent::new(6), PollExponent::new(10));
        let mut constant = TimeConstant::new(least);
        let mut after = |is_quiet| {
            constant.count(is_quiet, least, most);
            (constant.exponent.exponent(), constant.counter)
        };
        let quiet = [
            (6, 6),
            (6, 12),
            (6, 18),
            (6, 24),
            (6, 30),
            (7, 0),
            (7, 7),
            (7, 14),
            (7, 21),
            (7, 28),
            (8, 0),
            (8, 8),
            (8, 16),
            (8, 24),
        ];
        assert_eq!(quiet.map(|_| after(true)), quiet);
        let loud = [(8, 8), (8, -8), (8, -24), (7, 0), (7, -14), (7, -28)];
        assert_eq!(loud.map(|_| after(false)), loud);
    }

    #[test]
    fn it_stays_in_the_range_of_the_source() {
        let (least, most) = (PollExponent::new(4), PollExponent::new(5));
        let mut constant = TimeConstant::new(PollExponent::new(6));
        constant.keep_within(least, most);
        assert_eq!(constant.exponent(), most);
        for _ in 0..100 {
            constant.count(true, least, most);
        }
        assert_eq!((constant.exponent(), constant.counter), (most, CLOCK_LIMIT));
        for _ in 0..100 {
            constant.count(false, least, most);
        }
        assert_eq!((constant.exponent(), constant.counter), (least, -CLOCK_LIMIT));
    }
}
