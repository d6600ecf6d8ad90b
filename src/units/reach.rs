//! The reachability register.

use std::fmt;

/// Which of the last eight polls were answered: a shift register, newest poll in the lowest bit.
///
/// It is shown in octal, as every NTP tool does: `377` is eight answers in a row. It says that
/// packets came back, not that the source is right or used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reach(u8);

impl Reach {
    /// From the register.
    pub const fn new(register: u8) -> Self {
        Self(register)
    }

    /// The register.
    pub const fn register(self) -> u8 {
        self.0
    }

    /// Whether any of the last eight polls was answered.
    pub const fn is_reachable(self) -> bool {
        self.0 != 0
    }

    /// The last eight polls, oldest first; `true` where an answer came.
    pub fn polls(self) -> [bool; 8] {
        std::array::from_fn(|i| self.0 >> (7 - i) & 1 == 1)
    }

    /// How many of the last eight polls were answered.
    pub const fn answered(self) -> u32 {
        self.0.count_ones()
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:o}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_in_octal_and_honours_width() {
        assert_eq!(format!("{:>3}|{}", Reach::new(0xff), Reach::new(7)), "377|7");
        assert_eq!(format!("{:>3}", Reach::new(0o17)), " 17");
    }

    #[test]
    fn the_newest_poll_comes_last() {
        assert_eq!(Reach::new(0b0000_0101).polls()[5..], [true, false, true]);
        assert_eq!(Reach::new(0b0000_0101).answered(), 2);
    }
}
