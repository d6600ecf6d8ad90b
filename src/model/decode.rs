//! From the text of one variable to its value, as the variable's format says.
//!
//! The text is hostile: whatever it holds, the outcome is a value in range, or why there is none.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use jiff::civil::DateTime;

use crate::model::absent::Absent;
use crate::model::values::{Value, printable};
use crate::model::vars::Format;
use crate::units::{
    AssocId, KeyId, Leap, Mode, NtpDuration, NtpTimestamp, PollExponent, Ppm, Precision, Reach,
    RefId, Stratum,
};
use crate::wire::mode6::flash::Flash;
use crate::wire::mode6::varlist::unquote;

/// Reads `text` as `format` says.
///
/// An empty text, *never* and *no address* are [`Absent::NotGiven`]; what cannot be read is
/// [`Absent::NotDecodable`] and keeps its text.
pub fn decode(format: Format, text: &str) -> Result<Value, Absent> {
    let bare = unquote(text).trim();
    if bare.is_empty() && format != Format::Text {
        return Err(Absent::NotGiven);
    }
    match value(format, bare) {
        Some(Value::Timestamp(stamp)) if stamp.is_never() => Err(Absent::NotGiven),
        Some(Value::Date(date)) if date == DateTime::constant(1970, 1, 1, 0, 0, 0, 0) => {
            Err(Absent::NotGiven)
        }
        Some(Value::Socket(socket)) if socket.ip().is_unspecified() && socket.port() == 0 => {
            Err(Absent::NotGiven)
        }
        Some(value) => Ok(value),
        None => Err(Absent::NotDecodable { text: printable(text) }),
    }
}

fn value(format: Format, bare: &str) -> Option<Value> {
    Some(match format {
        Format::Unsigned | Format::Kibibytes => Value::Unsigned(bare.parse().ok()?),
        Format::Port => Value::Unsigned(bare.parse::<u16>().ok()?.into()),
        Format::Bits => Value::Unsigned(bits(bare)?),
        Format::Signed => Value::Signed(bare.parse().ok()?),
        Format::Real => Value::Real(real(bare)?),
        Format::Flag => Value::Flag(bits(bare)? != 0),
        Format::Milliseconds => Value::Duration(NtpDuration::from_milliseconds(real(bare)?)),
        Format::Seconds => Value::Duration(seconds(bare)?),
        Format::ExponentSeconds => {
            let exponent = bare.parse::<i32>().ok().filter(|e| (-32..=31).contains(e))?;
            Value::Duration(NtpDuration::from_seconds(f64::from(exponent).exp2()))
        }
        Format::Ppm => Value::Frequency(Ppm::new(real(bare)?)?),
        Format::Poll => Value::Poll(PollExponent::new(bare.parse().ok()?)),
        Format::Precision => Value::Precision(Precision::new(bare.parse().ok()?)),
        Format::Timestamp => Value::Timestamp(timestamp(bare)?),
        Format::Date => date(bare).map_or_else(|| Value::Text(printable(bare)), Value::Date),
        Format::Leap => Value::Leap(leap(bare)?),
        Format::Mode => Value::Mode(Mode::from_bits(bare.parse().ok().filter(|m| *m <= 7)?)),
        Format::Stratum => Value::Stratum(Stratum::new(bare.parse().ok()?)),
        Format::Reach => Value::Reach(reach(bare)?),
        Format::Flash => Value::Flash(Flash::from_bits(bits(bare)?.try_into().ok()?)),
        Format::Association => Value::Association(AssocId::new(bare.parse().ok()?)),
        Format::Key => Value::Key(KeyId::new(bits(bare)?.try_into().ok()?)),
        Format::ReferenceId => reference_id(bare)?,
        Format::Address => address(bare)?,
        Format::AddressPort => Value::Socket(socket(bare)?),
        Format::Samples => Value::Samples(samples(bare)?),
        Format::KernelStatus => Value::Text(match bits(bare) {
            Some(status) => kernel_words(status).into(),
            None => printable(bare),
        }),
        Format::Text => Value::Text(printable(bare)),
    })
}

/// Decimal, or hexadecimal after `0x`.
fn bits(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => hexadecimal(digits),
        None => text.parse().ok(),
    }
}

/// Hexadecimal digits and nothing else; the library's parser takes a sign as well.
fn hexadecimal(digits: &str) -> Option<u64> {
    let all_digits = digits.bytes().all(|b| b.is_ascii_hexdigit());
    u64::from_str_radix(digits, 16).ok().filter(|_| all_digits)
}

fn real(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Seconds. A daemon subtracts two readings without a sign, so that a poll which is overdue
/// shows up as 2³² or 2⁶⁴ less the delay; no real span is that long.
fn seconds(text: &str) -> Option<NtpDuration> {
    let whole = match text.parse::<u64>() {
        Ok(wide) if wide > u64::from(u32::MAX) => Some(wide.cast_signed()),
        Ok(narrow) => u32::try_from(narrow).ok().map(|n| i64::from(n.cast_signed())),
        Err(_) => None,
    };
    match whole {
        Some(seconds) => {
            let bits = i128::from(seconds) << 32;
            let clamped = bits.clamp(i64::MIN.into(), i64::MAX.into());
            i64::try_from(clamped).ok().map(NtpDuration::from_bits)
        }
        None => real(text).map(NtpDuration::from_seconds),
    }
}

/// `0xSSSSSSSS.FFFFFFFF` with or without the prefix, or a date of RT-11's as RFC 1305 has it.
fn timestamp(text: &str) -> Option<NtpTimestamp> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let Some((seconds, fraction)) = digits.split_once('.') else { return rt11(text) };
    let seconds = u32::try_from(hexadecimal(seconds)?).ok()?;
    let fraction = u32::try_from(hexadecimal(fraction)?).ok()?;
    Some(NtpTimestamp::from_bits(u64::from(seconds) << 32 | u64::from(fraction)))
}

/// `21-Feb-90 12:34:56` in UTC; years below 72 belong to this century. A lone `-`, like the year
/// 0, is never.
fn rt11(text: &str) -> Option<NtpTimestamp> {
    if text == "-" {
        return Some(NtpTimestamp::NEVER);
    }
    let (date, time) = text.split_once(' ').unwrap_or((text, "0:0:0"));
    let mut parts = date.splitn(3, '-');
    let day = small(parts.next()?)?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)?;
    let year: i16 = match parts.next()?.parse::<u16>().ok()? {
        0 => return Some(NtpTimestamp::NEVER),
        short @ 1..72 => short + 2000,
        short @ 72..100 => short + 1900,
        whole => whole,
    }
    .try_into()
    .ok()?;
    let mut parts = time.splitn(3, ':');
    let (hour, minute, second) =
        (small(parts.next()?)?, small(parts.next()?)?, small(parts.next()?)?);
    let date = DateTime::new(year, i8::try_from(month).ok()? + 1, day, hour, minute, second, 0);
    let instant = date.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(NtpTimestamp::from_unix(instant.as_second(), 0))
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A number of one or two digits.
fn small(digits: &str) -> Option<i8> {
    digits.parse().ok().filter(|_| digits.len() <= 2 && !digits.starts_with(['+', '-']))
}

/// `202012280000` as ntpd writes dates, `2020-12-28T00:00Z` as NTPsec does.
fn date(text: &str) -> Option<DateTime> {
    let only_digits: String = match text.strip_suffix('Z') {
        Some(dashed) => dashed.split(['-', 'T', ':']).collect(),
        None => text.into(),
    };
    if only_digits.len() != 12 || !only_digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |range| only_digits.get(range).and_then(small);
    let year = only_digits.get(..4)?.parse().ok()?;
    DateTime::new(year, number(4..6)?, number(6..8)?, number(8..10)?, number(10..12)?, 0, 0).ok()
}

/// 0 to 3, or two binary digits as ntpq prints them.
fn leap(text: &str) -> Option<Leap> {
    let bits = match text {
        "10" => 2,
        "11" => 3,
        _ => text.parse().ok().filter(|bits| *bits <= 3)?,
    };
    Some(Leap::from_bits(bits))
}

/// Hexadecimal after `0x`, octal after `0` or when it cannot be decimal, else decimal.
fn reach(text: &str) -> Option<Reach> {
    let register = match bits(text).and_then(|bits| u8::try_from(bits).ok()) {
        Some(register) if !text.starts_with('0') || text.starts_with("0x") => register,
        _ => u8::from_str_radix(text, 8).ok()?,
    };
    Some(Reach::new(register))
}

fn reference_id(text: &str) -> Option<Value> {
    match text.parse() {
        Ok(address) => Some(Value::ReferenceAddress(address)),
        Err(_) => RefId::from_code(text).map(Value::ReferenceCode),
    }
}

/// An address, in brackets or not, with or without the zone that a link-local one needs.
fn address(text: &str) -> Option<Value> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    if let Some((address, zone)) = bare.split_once('%') {
        let address: Ipv6Addr = address.parse().ok()?;
        let named = !zone.is_empty() && zone.bytes().all(|b| b.is_ascii_graphic());
        return named.then(|| Value::AddressInZone { address, zone: zone.into() });
    }
    bare.parse::<IpAddr>().ok().map(Value::Address)
}

/// An address with its port; without one the port is 0. Zones that are not numbers are dropped.
fn socket(text: &str) -> Option<SocketAddr> {
    if let Ok(socket) = text.parse() {
        return Some(socket);
    }
    let (bare, port) = match text.rsplit_once("]:") {
        Some((bracketed, port)) => (bracketed.strip_prefix('[')?, port.parse().ok()?),
        None => (text, 0),
    };
    match address(bare)? {
        Value::Address(address) => Some(SocketAddr::new(address, port)),
        Value::AddressInZone { address, .. } => Some(SocketAddr::new(address.into(), port)),
        _ => None,
    }
}

/// The last eight words, each a number.
///
/// NTPsec 1.2.2 puts garbage and other arrays in front of them. Where its buffer ends within the
/// array it cuts the last number short; such an array is worth nothing, for its places are not
/// certain any more.
fn samples(text: &str) -> Option<[NtpDuration; 8]> {
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    let last = words.last_chunk::<8>()?;
    let decimals = |word: &str| word.split_once('.').map(|(_, decimals)| decimals.len());
    let [first, .., end] = last;
    if decimals(end) < decimals(first) {
        return None;
    }
    let mut samples = [NtpDuration::ZERO; 8];
    for (sample, word) in samples.iter_mut().zip(last) {
        *sample = NtpDuration::from_milliseconds(real(word)?);
    }
    Some(samples)
}

/// The words that ntpd writes for the bits of the kernel's clock status.
pub fn kernel_words(status: u64) -> String {
    let set = KERNEL_STATUS.iter().enumerate().filter(|(bit, _)| status >> bit & 1 == 1);
    let words: Vec<_> = set.map(|(_, word)| *word).collect();
    words.join(" ")
}

/// The bits of the kernel's clock status, lowest first.
const KERNEL_STATUS: [&str; 16] = [
    "pll",
    "ppsfreq",
    "ppstime",
    "fll",
    "ins",
    "del",
    "unsync",
    "freqhold",
    "ppssignal",
    "ppsjitter",
    "ppswander",
    "ppserror",
    "clockerr",
    "nano",
    "mode=fll",
    "src=B",
];

#[cfg(test)]
mod tests;
