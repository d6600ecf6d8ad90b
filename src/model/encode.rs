//! From a value to its text on the wire, as the variable's format says: the way back of
//! [`decode`](crate::model::decode).
//!
//! Names, units and shapes are those of classic ntpd, so that every ntpq reads them. Only digits
//! are more: spans and frequencies have six decimals, or three where the others are zero.

use std::fmt::Write as _;

use crate::model::absent::Absent;
use crate::model::identity::Dialect;
use crate::model::values::Value;
use crate::model::vars::{self, Format, Scope, Served, Variable};
use crate::units::{KeyId, NtpDuration};

/// Whose names an asker of ours may use: those of both ntpqs.
const SPOKEN: [Dialect; 3] = [Dialect::Classic, Dialect::NtpsecTo1_2_2, Dialect::Ntpsec];

/// The row that an asker calls `name`; `None` when we do not know it.
///
/// Known is every name that classic ntpd or NTPsec answers with, whether or not there is a value.
pub fn known(scope: Scope, name: &str) -> Option<&'static Variable> {
    let row = vars::table(scope).iter().copied().find(|row| row.name == name)?;
    SPOKEN.iter().any(|dialect| row.served_by(*dialect) != Served::Never).then_some(row)
}

/// The rows of the default reply, in its order.
pub fn defaults(scope: Scope) -> impl Iterator<Item = &'static Variable> {
    let is_default = |row: &&'static Variable| {
        matches!(row.served_by(Dialect::Ntpscope), Served::Default | Served::WhenSet)
    };
    vars::table(scope).iter().copied().filter(is_default)
}

/// The text of `variable`; `None` when there is nothing to tell, and the variable is left out.
///
/// A time that never was is told as zero, as by the daemons.
pub fn encode(variable: &Variable, value: Result<&Value, &Absent>) -> Option<String> {
    let format = variable.format_of(Some(Dialect::Ntpscope));
    match value {
        // Told only when they say something.
        Ok(Value::Duration(span))
            if *span == NtpDuration::ZERO
                && variable.served_by(Dialect::Ntpscope) == Served::WhenSet =>
        {
            None
        }
        Ok(value) => Some(text(format, value)),
        Err(Absent::NotGiven) if format == Format::Timestamp => Some(timestamp(0)),
        Err(_) => None,
    }
}

/// The text of a value.
pub fn text(format: Format, value: &Value) -> String {
    match value {
        Value::Unsigned(bits) if format == Format::Bits => format!("{bits:#x}"),
        Value::Unsigned(number) => number.to_string(),
        Value::Signed(number) => number.to_string(),
        Value::Real(number) => decimals(*number),
        Value::Flag(is_set) => u8::from(*is_set).to_string(),
        Value::Duration(span) => duration(format, *span),
        Value::Frequency(frequency) => decimals(frequency.parts_per_million()),
        Value::Poll(poll) => poll.exponent().to_string(),
        Value::Precision(precision) => precision.exponent().to_string(),
        Value::Timestamp(stamp) => timestamp(stamp.bits()),
        Value::Date(date) => date.strftime("%Y%m%d%H%M").to_string(),
        Value::Leap(leap) => leap.bits().to_string(),
        Value::Mode(mode) => mode.bits().to_string(),
        Value::Stratum(stratum) => stratum.get().to_string(),
        Value::Reach(reach) => format!("{:#x}", reach.register()),
        Value::Flash(flash) => format!("{:#x}", flash.bits()),
        Value::Association(association) => association.get().to_string(),
        Value::Key(key) => key.map_or(0, KeyId::get).to_string(),
        Value::ReferenceAddress(address) => address.to_string(),
        Value::ReferenceCode(reference_id) => {
            reference_id.code().unwrap_or_else(|| reference_id.address().to_string())
        }
        Value::Address(address) => address.to_string(),
        Value::AddressInZone { address, zone } => format!("{address}%{zone}"),
        Value::Socket(socket) => socket.to_string(),
        Value::Samples(samples) => {
            let mut text = String::new();
            for sample in samples {
                // Writing to a string cannot fail.
                let _ = write!(text, " {}", unsigned_zero(format!("{:.3}", sample.milliseconds())));
            }
            text
        }
        Value::Text(text) => quoted(text),
    }
}

/// Text in double quotes. There is no escape, so a quote becomes an apostrophe; what is no
/// printable ASCII becomes a question mark.
pub fn quoted(text: &str) -> String {
    let safe = text.chars().map(|c| match c {
        '"' => '\'',
        ' '..='~' => c,
        _ => '?',
    });
    std::iter::once('"').chain(safe).chain(std::iter::once('"')).collect()
}

/// An NTP timestamp of these bits.
pub fn timestamp(bits: u64) -> String {
    format!("{:#010x}.{:08x}", bits >> 32, bits & u64::from(u32::MAX))
}

fn duration(format: Format, span: NtpDuration) -> String {
    match format {
        Format::Seconds if span.bits() & i64::from(u32::MAX) == 0 => {
            (span.bits() >> 32).to_string()
        }
        Format::Seconds => decimals(span.seconds()),
        Format::ExponentSeconds => format!("{:.0}", span.seconds().log2()),
        _ => decimals(span.milliseconds()),
    }
}

/// Six decimals, or three where the others are zero.
fn decimals(number: f64) -> String {
    let text = unsigned_zero(format!("{number:.6}"));
    text.strip_suffix("000").map_or_else(|| text.clone(), str::to_owned)
}

/// Zero has no sign.
fn unsigned_zero(text: String) -> String {
    match text.strip_prefix('-') {
        Some(bare) if bare.bytes().all(|byte| matches!(byte, b'0' | b'.')) => bare.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::decode::decode;
    use crate::model::vars::{peer, system};
    use crate::units::{
        AssocId, Leap, Mode, NtpTimestamp, PollExponent, Ppm, Precision, Reach, RefId, Stratum,
    };
    use crate::wire::mode6::flash::Flash;

    fn ms(milliseconds: f64) -> Value {
        Value::Duration(NtpDuration::from_milliseconds(milliseconds))
    }

    #[test]
    fn every_kind_of_value_is_read_back_as_it_was() {
        let samples = [1.0, -0.25, 16000.0, 0.0, 2.5, 3.125, -4.0, 0.5];
        let cases = [
            (Format::Unsigned, Value::Unsigned(7), "7"),
            (Format::Bits, Value::Unsigned(0x2001), "0x2001"),
            (Format::Signed, Value::Signed(-3), "-3"),
            (Format::Flag, Value::Flag(true), "1"),
            (Format::Milliseconds, ms(-12.5), "-12.500"),
            (Format::Seconds, ms(37000.0), "37"),
            (Format::ExponentSeconds, ms(16000.0), "4"),
            (Format::Ppm, Value::Frequency(Ppm::new(-0.0125).unwrap()), "-0.012500"),
            (Format::Poll, Value::Poll(PollExponent::new(6)), "6"),
            (Format::Precision, Value::Precision(Precision::new(-24)), "-24"),
            (
                Format::Timestamp,
                Value::Timestamp(NtpTimestamp::from_bits(0x00ab_5bb6_5f62_6bb6)),
                "0x00ab5bb6.5f626bb6",
            ),
            (
                Format::Date,
                Value::Date(jiff::civil::date(2016, 12, 28).at(0, 5, 0, 0)),
                "201612280005",
            ),
            (Format::Leap, Value::Leap(Leap::Alarm), "3"),
            (Format::Mode, Value::Mode(Mode::Server), "4"),
            (Format::Stratum, Value::Stratum(Stratum::new(16)), "16"),
            (Format::Reach, Value::Reach(Reach::new(0o377)), "0xff"),
            (Format::Flash, Value::Flash(Flash::from_bits(0x1400)), "0x1400"),
            (Format::Association, Value::Association(AssocId::new(0xe12d)), "57645"),
            (Format::Key, Value::Key(KeyId::new(9)), "9"),
            (Format::Key, Value::Key(None), "0"),
            (Format::ReferenceId, Value::ReferenceCode(RefId::new(*b"INIT")), "INIT"),
            (Format::ReferenceId, Value::ReferenceAddress([192, 0, 2, 7].into()), "192.0.2.7"),
            (Format::Address, Value::Address("2001:db8::1".parse().unwrap()), "2001:db8::1"),
            (
                Format::Address,
                Value::AddressInZone { address: "fe80::1".parse().unwrap(), zone: "eth0".into() },
                "fe80::1%eth0",
            ),
            (
                Format::AddressPort,
                Value::Socket("[2001:db8::1]:123".parse().unwrap()),
                "[2001:db8::1]:123",
            ),
            (
                Format::Samples,
                Value::Samples(samples.map(NtpDuration::from_milliseconds)),
                " 1.000 -0.250 16000.000 0.000 2.500 3.125 -4.000 0.500",
            ),
            (Format::Text, Value::Text("ntpd 4, x".into()), "\"ntpd 4, x\""),
        ];
        for (format, value, expected) in cases {
            let written = text(format, &value);
            assert_eq!(written, expected, "{format:?}");
            assert_eq!(decode(format, &written), Ok(value), "{format:?}");
        }
    }

    #[test]
    fn spans_have_three_decimals_or_six() {
        for (number, expected) in [
            (0.0, "0.000"),
            (-0.000_000_1, "0.000"),
            (0.000_123, "0.000123"),
            (1.5, "1.500"),
            (-2.123_4, "-2.123400"),
            (16_000.0, "16000.000"),
        ] {
            assert_eq!(decimals(number), expected);
        }
    }

    #[test]
    fn text_cannot_leave_its_quotes() {
        assert_eq!(quoted("a\"b, c=1\r\n·"), "\"a'b, c=1???\"");
    }

    #[test]
    fn what_never_was_is_zero_and_what_is_not_there_is_left_out() {
        let absent = || Err(&Absent::NotGiven);
        assert_eq!(
            encode(&system::REFERENCE_TIME, absent()).as_deref(),
            Some("0x00000000.00000000")
        );
        assert_eq!(encode(&system::TAI, absent()), None);
        assert_eq!(encode(&peer::OFFSET, Ok(&ms(0.0))).as_deref(), Some("0.000"));
        assert_eq!(encode(&peer::BIAS, Ok(&ms(0.0))), None);
        assert_eq!(encode(&peer::BIAS, Ok(&ms(2.0))).as_deref(), Some("2.000"));
    }

    #[test]
    fn names_of_both_daemons_are_known_and_no_others() {
        for name in ["ss_numctlreq", "rootdist", "koffset", "nts_client_send", "bcastdelay"] {
            assert!(known(Scope::System, name).is_some(), "{name}");
        }
        // Of chronyd, of xntpd, another name of one, none at all.
        for name in ["last_offset", "state", "phase", "nosuchvar", ""] {
            assert!(known(Scope::System, name).is_none(), "{name}");
        }
        let names: Vec<_> = defaults(Scope::System).map(|row| row.name).collect();
        assert!(names.starts_with(&["version", "processor", "system", "leap", "stratum"]));
        assert!(!names.contains(&"rootdist"));
    }
}
