//! Frequency offsets.

/// A relative frequency in parts per million; positive when the clock must be sped up, as ntpd's
/// `frequency` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Ppm(f64);

impl Ppm {
    /// From parts per million; `None` when not finite.
    pub fn new(parts_per_million: f64) -> Option<Self> {
        parts_per_million.is_finite().then_some(Self(parts_per_million))
    }

    /// Parts per million.
    pub const fn parts_per_million(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_frequencies_exist() {
        assert!(Ppm::new(f64::NAN).is_none());
        assert!(Ppm::new(f64::INFINITY).is_none());
        assert_eq!(
            Ppm::new(-12.5).map(|f| f.parts_per_million().to_bits()),
            Some((-12.5_f64).to_bits())
        );
    }
}
