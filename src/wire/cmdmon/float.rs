//! The protocol's own floating-point number, and what is carried in it.

use std::f64::consts::LN_2;
use std::fmt;

use crate::units::{NtpDuration, Ppm};
use crate::wire::Malformed;
use crate::wire::reader::Reader;

/// A number of 32 bits: seven of signed exponent above 25 of signed coefficient, with no hidden
/// bit. It is worth coefficient × 2^(exponent − 25), so it has about seven decimal digits.
///
/// The bits are kept as they came, so that nothing is lost between reading and printing; two
/// encodings of one value are not equal. There is no infinity and no not-a-number.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Float(u32);

impl Float {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From its 32 bits.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Its 32 bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The nearest that can be carried, bit for bit as chronyd writes it.
    ///
    /// Not-a-number becomes zero, and so does what is too small; what is too great becomes the
    /// greatest of its sign. From one half up the last bit is cut rather than rounded, as chronyd
    /// cuts it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the exponent is small, the scaled coefficient positive and of at most 26 bits"
    )]
    pub fn new(value: f64) -> Self {
        let magnitude = value.abs();
        if magnitude.is_nan() || magnitude < NEGLIGIBLE {
            return Self::ZERO;
        }
        let is_negative = value < 0.0;
        let most = MOST_COEFFICIENT + u32::from(is_negative);
        if magnitude > BEYOND_RANGE {
            return Self::pack(MOST_EXPONENT, most, is_negative);
        }
        // The logarithm may be a hair off, and below one half it is rounded up: the loop sees to it.
        let mut exponent = (magnitude.ln() / LN_2 + 1.0).trunc() as i32;
        let mut coefficient =
            (magnitude * 2.0_f64.powi(COEFFICIENT_BITS - exponent) + 0.5).floor() as u32;
        while coefficient > most {
            coefficient >>= 1;
            exponent += 1;
        }
        if exponent > MOST_EXPONENT {
            return Self::pack(MOST_EXPONENT, most, is_negative);
        }
        if exponent < LEAST_EXPONENT {
            let missing = LEAST_EXPONENT - exponent;
            if missing > COEFFICIENT_BITS {
                return Self::ZERO;
            }
            coefficient >>= missing;
            exponent = LEAST_EXPONENT;
        }
        Self::pack(exponent, coefficient, is_negative)
    }

    const fn pack(exponent: i32, coefficient: u32, is_negative: bool) -> Self {
        let coefficient = if is_negative { coefficient.wrapping_neg() } else { coefficient };
        let exponent = exponent.cast_unsigned() << COEFFICIENT_BITS;
        Self(exponent | coefficient & COEFFICIENT_MASK)
    }

    /// Its value, exact.
    pub fn value(self) -> f64 {
        let exponent = self.0.cast_signed() >> COEFFICIENT_BITS;
        let coefficient = (self.0 << EXPONENT_BITS).cast_signed() >> EXPONENT_BITS;
        f64::from(coefficient) * 2.0_f64.powi(exponent - COEFFICIENT_BITS)
    }

    pub(super) fn parse(reader: &mut Reader<'_>, field: &'static str) -> Result<Self, Malformed> {
        reader.u32(field).map(Self)
    }

    pub(super) fn emit(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.to_be_bytes());
    }
}

impl fmt::Debug for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.value(), f)
    }
}

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.value(), f)
    }
}

/// A span or an offset in seconds, as fine as it came.
///
/// chronyc prints nanoseconds; an [`NtpDuration`], a quarter of one, would now and then change
/// the last digit, so the number itself is kept. What a positive one means, its field says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seconds(Float);

impl Seconds {
    /// None at all.
    pub const ZERO: Self = Self(Float::ZERO);

    /// From what was carried.
    pub const fn from_float(float: Float) -> Self {
        Self(float)
    }

    /// From seconds; see [`Float::new`] for those that do not fit.
    pub fn new(seconds: f64) -> Self {
        Self(Float::new(seconds))
    }

    /// What was carried.
    pub const fn float(self) -> Float {
        self.0
    }

    /// In seconds, exact and always finite.
    pub fn seconds(self) -> f64 {
        self.0.value()
    }

    /// As a span, to the nearest 2⁻³² s; the sign stays.
    pub fn duration(self) -> NtpDuration {
        NtpDuration::from_seconds(self.seconds())
    }

    pub(super) fn parse(reader: &mut Reader<'_>, field: &'static str) -> Result<Self, Malformed> {
        Float::parse(reader, field).map(Self)
    }

    pub(super) fn emit(self, bytes: &mut Vec<u8>) {
        self.0.emit(bytes);
    }
}

/// A frequency in parts per million, as fine as it came. What a positive one means, its field says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PartsPerMillion(Float);

impl PartsPerMillion {
    /// None at all.
    pub const ZERO: Self = Self(Float::ZERO);

    /// From what was carried.
    pub const fn from_float(float: Float) -> Self {
        Self(float)
    }

    /// From parts per million; see [`Float::new`] for those that do not fit.
    pub fn new(parts_per_million: f64) -> Self {
        Self(Float::new(parts_per_million))
    }

    /// What was carried.
    pub const fn float(self) -> Float {
        self.0
    }

    /// Parts per million, exact and always finite.
    pub fn parts_per_million(self) -> f64 {
        self.0.value()
    }

    /// As a frequency of the program's, **the sign as it came**: chronyd's is positive when a
    /// clock runs fast, [`Ppm`]'s when it must be sped up.
    pub fn ppm(self) -> Ppm {
        Ppm::new(self.parts_per_million()).unwrap_or_default()
    }

    pub(super) fn parse(reader: &mut Reader<'_>, field: &'static str) -> Result<Self, Malformed> {
        Float::parse(reader, field).map(Self)
    }

    pub(super) fn emit(self, bytes: &mut Vec<u8>) {
        self.0.emit(bytes);
    }
}

const EXPONENT_BITS: i32 = 7;
const COEFFICIENT_BITS: i32 = 25;
const COEFFICIENT_MASK: u32 = (1 << COEFFICIENT_BITS) - 1;
/// The greatest coefficient; a negative one may be greater by one.
const MOST_COEFFICIENT: u32 = (1 << (COEFFICIENT_BITS - 1)) - 1;
const MOST_EXPONENT: i32 = 63;
const LEAST_EXPONENT: i32 = -64;
/// Below the least that can be carried, by far.
const NEGLIGIBLE: f64 = 1e-100;
/// Above the greatest that can be carried, by far.
const BEYOND_RANGE: f64 = 1e100;

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers beside their bits as chronyd sent them or as its arithmetic gives them.
    const KNOWN: [(f64, u32); 23] = [
        (0.0, 0),
        (1.0, 0x0480_0000),
        (3.0, 0x06c0_0000),
        (10.0, 0x0aa0_0000),
        (0.001, 0xf083_126f),
        (0.5, 0x0280_0000),
        (-1.0, 0x0300_0000),
        (-0.25, 0xff00_0000),
        (-3.0, 0x0740_0000),
        (0.3, 0x0099_999a),
        (-0.3, 0x0166_6666),
        (0.6, 0x0299_9999),
        (-0.6, 0x0366_6667),
        (2000.0, 0x18fa_0000),
        (1e-9, 0xc889_705f),
        (1.0 / 3.0, 0x00aa_aaab),
        (2e18, 0x7cde_0b6b),
        (1e30, 0x7eff_ffff),
        (-1e300, 0x7f00_0000),
        (5e-20, 0x82ec_1e4a),
        (1e-25, 0x8000_003d),
        (-1e-40, 0),
        // So near to a power of two that its logarithm is that of one.
        (-f64::from_bits(0x3bf0_0000_0000_0001), 0x8300_0000),
    ];

    #[test]
    fn numbers_are_written_as_chronyd_writes_them() {
        for (value, bits) in KNOWN {
            assert_eq!(Float::new(value).bits(), bits, "{value}: {:08x}", Float::new(value).bits());
        }
        for nothing in [f64::NAN, -0.0, f64::MIN_POSITIVE, -1e-101] {
            assert_eq!(Float::new(nothing), Float::ZERO, "{nothing}");
        }
        assert_eq!(Float::new(f64::INFINITY).bits(), 0x7eff_ffff);
        assert_eq!(Float::new(f64::NEG_INFINITY).bits(), 0x7f00_0000);
    }

    #[test]
    fn captured_numbers_read_as_chronyc_printed_them() {
        for (bits, printed) in [
            (0x0683_c650, "2.058979034"),
            (0xf8d0_702a, "0.025444109"),
            (0xdf63_b180, "-0.000002329"),
            (0xd4ff_a82f, "0.000000119"),
            (0x0000_0000, "0.000000000"),
            (0xf53a_caab, "-0.006018321"),
        ] {
            assert_eq!(format!("{:.9}", Float::from_bits(bits)), printed, "{bits:08x}");
        }
    }

    #[test]
    fn the_ends_of_the_range_are_finite() {
        assert_eq!(
            Float::from_bits(0x7eff_ffff).value().to_bits(),
            4_611_685_743_549_480_960_f64.to_bits()
        );
        assert_eq!(
            Float::from_bits(0x7f00_0000).value().to_bits(),
            (-4_611_686_018_427_387_904_f64).to_bits()
        );
        assert_eq!(Float::from_bits(0x8000_0001).value().to_bits(), 2.0_f64.powi(-89).to_bits());
        assert_eq!(Float::from_bits(0x8000_0000).value().to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn what_is_read_is_written_again_and_read_the_same() {
        // A step that is prime, so that every exponent and all sorts of coefficients occur.
        for bits in (0..=u32::MAX).step_by(65_537) {
            let value = Float::from_bits(bits).value();
            assert_eq!(Float::new(value).value().to_bits(), value.to_bits(), "{bits:08x}");
        }
    }

    #[test]
    fn a_quantity_keeps_more_than_a_span_does() {
        let offset = Seconds::from_float(Float::from_bits(0xc136_3814));
        assert!((offset.seconds() + 9.175_936e-11).abs() < 1e-16);
        assert_eq!(offset.duration(), NtpDuration::ZERO);
        assert_eq!(Seconds::new(1.5).duration().seconds().to_bits(), 1.5_f64.to_bits());
        let frequency = PartsPerMillion::new(-12.5);
        assert_eq!(frequency.ppm().parts_per_million().to_bits(), (-12.5_f64).to_bits());
    }

    #[test]
    fn it_is_shown_as_its_value() {
        assert_eq!(format!("{:?} {}", Seconds::new(0.25), Float::new(-3.0)), "Seconds(0.25) -3");
    }
}
