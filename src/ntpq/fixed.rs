//! Times and timestamps in ntpq's own arithmetic: 32 bits of seconds, 32 of fraction.
//!
//! ntpq reads milliseconds into this format and prints them out of it, digit by digit, so a value
//! that a daemon wrote with three decimals comes out as it went in, and one with more is rounded as
//! ntpq rounds it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::ntpq::reading::signed;
use crate::units::NtpTimestamp;

/// Reads seconds: `[-|+]digits[.digits]`, blanks around.
pub fn seconds(text: &[u8]) -> Option<u64> {
    let text = trimmed(text);
    let (negative, digits) = split_sign(text);
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = digits.split_at(point.unwrap_or(digits.len()));
    let fraction = fraction.get(1..).unwrap_or_default();
    fixed(negative, whole, fraction)
}

/// Reads milliseconds, in the same form.
pub fn milliseconds(text: &[u8]) -> Option<u64> {
    let text = trimmed(text);
    let (negative, digits) = split_sign(text);
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = digits.split_at(point.unwrap_or(digits.len()));
    if !whole.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let fraction = fraction.get(1..).unwrap_or_default();
    if whole.is_empty() && point.is_none() {
        return None;
    }
    let (seconds, rest) = whole.split_at(whole.len().saturating_sub(3));
    let mut decimals = vec![b'0'; 3_usize.saturating_sub(whole.len())];
    decimals.extend(rest);
    decimals.extend(fraction);
    let seconds = if seconds.is_empty() { b"0" } else { seconds };
    fixed(negative, seconds, &decimals)
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// Leading blanks go; what follows a blank is not looked at.
fn trimmed(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(text.len());
    let text = text.get(start..).unwrap_or_default();
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Nine decimals are read, the rest only has to be digits. Seconds wrap at 2³².
fn fixed(negative: bool, whole: &[u8], fraction: &[u8]) -> Option<u64> {
    let all_digits = whole.iter().chain(fraction).all(u8::is_ascii_digit);
    if !all_digits || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digit = |byte: &u8| u64::from(byte.wrapping_sub(b'0'));
    let seconds = whole.iter().fold(0_u64, |n, byte| n.wrapping_mul(10).wrapping_add(digit(byte)));
    let read = fraction.get(..9).unwrap_or(fraction);
    let numerator = read.iter().fold(0_u64, |n, byte| n * 10 + digit(byte));
    let denominator = read.iter().fold(1_u64, |n, _| n * 10);
    let scaled = numerator << 32;
    let rounds_up = (scaled % denominator) * 2 > denominator;
    let bits = (seconds << 32).wrapping_add(scaled / denominator + u64::from(rounds_up));
    Some(if negative { bits.wrapping_neg() } else { bits })
}

/// How a sign is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// None: a negative value shows as the large number that its bits make.
    Unsigned,
    /// Always one.
    Always,
}

/// `bits` in milliseconds with `decimals` decimals, rounded.
pub fn print_milliseconds(bits: u64, decimals: u32, sign: Sign) -> String {
    let (prefix, magnitude) = match sign {
        Sign::Unsigned => ("", bits),
        Sign::Always if bits >> 63 != 0 => ("-", bits.wrapping_neg()),
        Sign::Always => ("+", bits),
    };
    let scale = 10_u128.pow(decimals);
    let scaled = (u128::from(magnitude) * 1000 * scale + (1 << 31)) >> 32;
    let width = decimals as usize;
    format!("{prefix}{}.{:0width$}", scaled / scale, scaled % scale)
}

/// Reads a timestamp in any of the forms that daemons ever wrote: hexadecimal with or without `0x`,
/// decimal seconds, or a calendar date in quotes.
pub fn timestamp(text: &[u8]) -> Option<u64> {
    match text {
        [b'0', b'x' | b'X', rest @ ..] => hexadecimal(rest),
        [b'"', rest @ ..] => {
            let end = rest.iter().position(|byte| *byte == b'"').unwrap_or(rest.len());
            calendar(rest.get(..end)?)
        }
        [b'A'..=b'F' | b'a'..=b'f', ..] => hexadecimal(text),
        _ => seconds(text).or_else(|| calendar(text)),
    }
}

/// Eight digits, perhaps a point, eight digits; nothing but a blank may follow.
fn hexadecimal(text: &[u8]) -> Option<u64> {
    let text = trimmed(text);
    let (high, rest) = text.split_at_checked(8)?;
    let low = rest.strip_prefix(b".").unwrap_or(rest);
    let digits: Vec<u8> = [high, low].concat();
    let valid = low.len() == 8 && digits.iter().all(u8::is_ascii_hexdigit);
    u64::from_str_radix(std::str::from_utf8(&digits).ok().filter(|_| valid)?, 16).ok()
}

/// `d-Mmm-yyyy hh:mm:ss` in UTC, as RT-11 wrote dates; `-` is never.
fn calendar(text: &[u8]) -> Option<u64> {
    if text.first() == Some(&b'-') {
        return Some(0);
    }
    let text = std::str::from_utf8(text).ok()?;
    let (date, time) = text.split_once(' ')?;
    let mut date = date.splitn(3, '-');
    let day = signed(date.next()?.as_bytes())?;
    let month = date.next()?;
    let month = MONTHS.iter().zip(1_i8..).find(|(name, _)| **name == month)?.1;
    let year = match signed(date.next()?.as_bytes())? {
        0 => return Some(0),
        year @ 1..72 => year + 2000,
        year @ 72..100 => year + 1900,
        year => year,
    };
    let mut time = time.splitn(3, ':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let day = i8::try_from(day).ok()?;
    let civil =
        jiff::civil::DateTime::new(i16::try_from(year).ok()?, month, day, hour, minute, second, 0)
            .ok()?;
    let at = TimeZone::UTC.to_timestamp(civil).ok()?;
    Some(NtpTimestamp::from_unix(at.as_second(), 0).bits())
}

/// A timestamp as both ntpqs take it for a date: seconds since 1970, in the era that is nearest to
/// `now`, and milliseconds.
pub fn moment(stamp: NtpTimestamp, now: i64) -> (i64, u64) {
    let milliseconds = stamp.fraction() / 4_294_967;
    if milliseconds < 1000 {
        return (stamp.to_unix(now).0, milliseconds);
    }
    // The seconds wrap before they are placed in an era.
    let next = NtpTimestamp::from_bits(stamp.bits().wrapping_add(1 << 32));
    (next.to_unix(now).0, milliseconds - 1000)
}

/// A timestamp as ntpq prints it: its bits in hexadecimal and its date in `zone`, in the era that
/// is nearest to `now` (seconds since 1970).
pub fn print_timestamp(bits: u64, now: i64, zone: &TimeZone) -> String {
    let stamp = NtpTimestamp::from_bits(bits);
    if stamp.is_never() {
        return "(no time)".to_owned();
    }
    let (unix, millisecond) = moment(stamp, now);
    let hexadecimal = format!("{:08x}.{:08x}", stamp.seconds(), stamp.fraction());
    let Ok(at) = Timestamp::from_second(unix) else { return hexadecimal };
    let at = zone.to_datetime(at);
    let weekday = usize::from(at.weekday().to_sunday_zero_offset().unsigned_abs());
    let month = usize::from(at.month().unsigned_abs()).wrapping_sub(1);
    format!(
        "{hexadecimal}  {}, {} {:2} {:4} {:2}:{:02}:{:02}.{millisecond:03}",
        WEEKDAYS.get(weekday).unwrap_or(&""),
        MONTHS.get(month).unwrap_or(&""),
        at.day(),
        at.year(),
        at.hour(),
        at.minute(),
        at.second(),
    )
}

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_219_230;

    fn ms(text: &str, sign: Sign) -> String {
        print_milliseconds(milliseconds(text.as_bytes()).unwrap(), 3, sign)
    }

    fn date(text: &str, zone: &TimeZone) -> String {
        print_timestamp(timestamp(text.as_bytes()).unwrap(), NOW, zone)
    }

    // Every pair was printed so by ntpq 4.2.8p15.
    #[test]
    fn milliseconds_come_out_as_they_went_in() {
        for (text, printed) in [
            ("0.014", "+0.014"),
            ("0", "+0.000"),
            ("1.5", "+1.500"),
            ("+1.5", "+1.500"),
            ("-0.0005", "-0.000"),
            ("-123456.789", "-123456.789"),
        ] {
            assert_eq!(ms(text, Sign::Always), printed);
        }
        assert_eq!(ms("999.9999", Sign::Unsigned), "1000.000");
        assert_eq!(ms("12345.678", Sign::Unsigned), "12345.678");
        assert_eq!(ms("-1.5", Sign::Unsigned), "4294967295998.500");
        assert_eq!(milliseconds(b"abc"), None);
        assert_eq!(milliseconds(b"1e3"), None);
        assert_eq!(milliseconds(b""), None);
        let two = |text: &str| {
            print_milliseconds(milliseconds(text.as_bytes()).unwrap(), 2, Sign::Unsigned)
        };
        assert_eq!(two("1.005"), "1.00");
        assert_eq!(two("2.345"), "2.34");
    }

    #[test]
    fn every_three_decimal_value_survives() {
        for thousandths in 0..20_000 {
            let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
            assert_eq!(ms(&text, Sign::Unsigned), text);
        }
    }

    #[test]
    fn timestamps_are_read_in_every_form() {
        for (text, bits) in [
            ("0xeeab5d9e.00000000", 0xeeab_5d9e_0000_0000),
            ("eeab5d9e.00000000", 0xeeab_5d9e_0000_0000),
            ("0xeeab5d9e00000000", 0xeeab_5d9e_0000_0000),
            ("0xeeab5d9e.00000000 x", 0xeeab_5d9e_0000_0000),
            ("1.5", 0x0000_0001_8000_0000),
            ("-1", 0xffff_ffff_0000_0000),
            ("\"20-Nov-2026 23:59:56\"", 0xeeab_5d7c_0000_0000),
            ("\"-\"", 0),
        ] {
            assert_eq!(timestamp(text.as_bytes()), Some(bits), "{text}");
        }
        for text in ["0x12345678", "x", "", "0x0.0", "0xeeab5d9e.000000001", "31-Foo-2026 0:0:0"] {
            assert_eq!(timestamp(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn dates_are_placed_in_the_nearest_era() {
        for (text, printed) in [
            ("0xeeab5d8d.1d620205", "eeab5d8d.1d620205  Sat, Nov 21 2026  0:00:13.114"),
            ("0x83aa7e80.fffffffe", "83aa7e80.fffffffe  Thu, Jan  1 1970  0:00:01.000"),
            ("0x83aa7e7f.ffffffff", "83aa7e7f.ffffffff  Thu, Jan  1 1970  0:00:00.000"),
            ("0x80000000.00000000", "80000000.00000000  Sat, Jan 20 1968  3:14:08.000"),
            ("0x7fffffff.00000000", "7fffffff.00000000  Sat, Jan 20 1968  3:14:07.000"),
            ("0xffffffff.ffffffff", "ffffffff.ffffffff  Thu, Feb  7 2036  6:28:16.000"),
            ("0x01000000.00000000", "01000000.00000000  Tue, Aug 19 2036 10:48:32.000"),
            ("0", "(no time)"),
        ] {
            assert_eq!(date(text, &TimeZone::UTC), printed);
        }
    }

    #[test]
    fn dates_are_local_and_know_summer_time() {
        // The rules rather than a name, so that the test needs no zone files.
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        for (unix, printed) in [
            (1_793_512_799, "Sun, Nov  1 2026  1:59:59.000"),
            (1_793_516_399, "Sun, Nov  1 2026  1:59:59.000"),
            (1_793_516_400, "Sun, Nov  1 2026  2:00:00.000"),
            (1_772_953_199, "Sun, Mar  8 2026  1:59:59.000"),
            (1_772_953_200, "Sun, Mar  8 2026  3:00:00.000"),
        ] {
            let bits = NtpTimestamp::from_unix(unix, 0).bits();
            assert_eq!(print_timestamp(bits, NOW, &zone)[19..], *printed, "{unix}");
        }
    }
}
