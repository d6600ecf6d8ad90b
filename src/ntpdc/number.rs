//! Numbers as ntpdc prints them.

use jiff::Timestamp;

use crate::units::NtpTimestamp;
use crate::wire::mode7::Fixed;

/// How a sign is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Of negative numbers only.
    Negative,
    /// Always.
    Always,
}

/// `value` with `decimals` decimals, half a step rounded away from zero.
pub fn fixed(value: Fixed, decimals: u32, sign: Sign) -> String {
    let prefix = match sign {
        _ if value.bits() < 0 => "-",
        Sign::Negative => "",
        Sign::Always => "+",
    };
    format!("{prefix}{}", magnitude(value.bits().unsigned_abs(), decimals))
}

fn magnitude(bits: u64, decimals: u32) -> String {
    let scale = 10_u128.pow(decimals);
    let scaled = (u128::from(bits) * scale + (1 << 31)) >> 32;
    if decimals == 0 {
        return scaled.to_string();
    }
    let width = decimals as usize;
    format!("{}.{:0width$}", scaled / scale, scaled % scale)
}

/// `value` in six significant digits, as `%g` of C.
#[expect(clippy::cast_sign_loss, reason = "the exponent is between 0 and 5 there")]
pub fn general(value: f64) -> String {
    let scientific = format!("{value:.5e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let Ok(exponent) = exponent.parse::<i32>() else { return scientific };
    match exponent {
        0..=5 => without_zeros(&format!("{value:.*}", (5 - exponent) as usize)).to_owned(),
        -4..0 => {
            without_zeros(&format!("{value:.*}", 5 + exponent.unsigned_abs() as usize)).to_owned()
        }
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", without_zeros(digits), exponent.unsigned_abs())
        }
    }
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// A time as drivers of reference clocks log theirs: the number, then year of the century, day of
/// the year from 0, and time of day at Greenwich.
pub fn day_time(value: Fixed) -> String {
    let bits = value.bits().cast_unsigned();
    let number = magnitude(bits, 6);
    let stamp = NtpTimestamp::from_bits(bits);
    let millisecond = stamp.fraction() / 4_294_967;
    // Before 1970 there was nothing: what seems so is in the era after 2036.
    let since_1970 = stamp.seconds().wrapping_sub(UNIX_EPOCH);
    let at = Timestamp::from_second(since_1970.into()).ok().filter(|_| stamp.seconds() != 0);
    let Some(at) = at else {
        return format!("{number:>17} 00:000:00:00:00.{millisecond:03}");
    };
    let at = jiff::tz::TimeZone::UTC.to_datetime(at);
    let year = at.year().rem_euclid(100);
    let day = at.day_of_year() - 1;
    format!(
        "{number:>17} {year:02}:{day:03}:{:02}:{:02}:{:02}.{millisecond:03}",
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// 1970, in seconds since 1900.
const UNIX_EPOCH: u32 = 2_208_988_800;

#[cfg(test)]
mod tests {
    use super::*;

    fn of_seconds(seconds: f64) -> Fixed {
        #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
        Fixed::from_bits((seconds * 4_294_967_296.0) as i64)
    }

    #[test]
    fn numbers_are_rounded_and_signed() {
        let half = Fixed::from_bits(1 << 31);
        assert_eq!(fixed(half, 0, Sign::Negative), "1");
        assert_eq!(fixed(half, 3, Sign::Always), "+0.500");
        assert_eq!(fixed(Fixed::from_bits(-1), 5, Sign::Negative), "-0.00000");
        assert_eq!(fixed(Fixed::default(), 6, Sign::Always), "+0.000000");
        assert_eq!(fixed(of_seconds(-0.049_988), 6, Sign::Negative), "-0.049988");
        assert_eq!(fixed(of_seconds(9.999_996), 5, Sign::Negative), "10.00000");
        assert_eq!(fixed(Fixed::from_bits(i64::MIN), 1, Sign::Always), "-2147483648.0");
    }

    // As C prints them.
    #[test]
    fn six_digits_count() {
        for (value, text) in [
            (0.0, "0"),
            (16.0, "16"),
            (1e-6, "1e-06"),
            (0.016_001, "0.016001"),
            (1.234_567_89, "1.23457"),
            (-0.000_123_456_7, "-0.000123457"),
            (0.000_099_999_96, "0.0001"),
            (123_456.7, "123457"),
            (999_999.9, "1e+06"),
            (4_294.967_295, "4294.97"),
        ] {
            assert_eq!(general(value), text);
        }
    }

    #[test]
    fn days_are_counted_from_the_first_of_january() {
        assert_eq!(day_time(Fixed::default()), "         0.000000 00:000:00:00:00.000");
        let at = Fixed::from_bits(0xeeab_5d0f_8000_0000_u64.cast_signed());
        assert_eq!(day_time(at), "4004207887.500000 26:323:23:58:07.500");
        let early = Fixed::from_bits(212_175_990 << 32);
        assert_eq!(day_time(early), " 212175990.000000 42:301:00:14:46.000");
    }
}
