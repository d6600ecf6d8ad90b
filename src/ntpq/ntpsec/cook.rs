//! Variables as NTPsec's ntpq cooks them: dates, flags and units where the table of variables says
//! so, all else as Python writes it, on lines that fit the terminal.
//!
//! Differs: where a value is not of the kind that its name tells, NTPsec's ntpq ends with a Python
//! trace; here the value stands as it came.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::vars::{self, CookedNtpsec, Scope};
use crate::ntpq::fixed;
use crate::ntpq::ntpsec::scale::{self, Unit};
use crate::ntpq::ntpsec::value::{self, Entry, Value};
use crate::ntpq::text::printable;
use crate::units::NtpTimestamp;
use crate::wire::mode6::flash::Flash;
use crate::wire::mode6::status::Wording;

/// How variables are shown.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Whether numbers have units.
    pub units: bool,
    /// Characters on a line.
    pub width: usize,
    /// Seconds since 1970: dates are those nearest to it.
    pub now: i64,
}

/// The variables cooked, with what separates them and a line end.
pub fn cooked(entries: &[Entry], manner: Manner) -> String {
    let mut text = String::new();
    let mut column = 0;
    for entry in entries {
        let item = format!("{}, ", item(entry, manner));
        let length = item.chars().count();
        if column + length > manner.width {
            // In place of the blank behind the one before.
            text.pop();
            text.push('\n');
            column = 0;
        }
        column += length;
        text.push_str(&item);
    }
    text.truncate(text.len().saturating_sub(", ".len()));
    text.push('\n');
    text
}

fn item(entry: &Entry, manner: Manner) -> String {
    let form = cooked_as(&entry.name);
    let name = printable(entry.name.as_bytes());
    let value = cooked_value(entry, form, manner).unwrap_or_else(|| entry.value.quoted());
    if form == CookedNtpsec::Array {
        format!("{name:>ARRAY_NAME$} ={value}")
    } else {
        format!("{name}={value}")
    }
}

/// How the variable called `name` is cooked, whatever it is about.
fn cooked_as(name: &str) -> CookedNtpsec {
    let scopes = [Scope::Peer, Scope::System, Scope::Clock];
    let mut rows = scopes.into_iter().filter_map(|scope| vars::find(scope, name));
    let is_cooked = |row: &&vars::Variable| {
        // Of older names it knows these.
        let by_alias = row.cooked_ntpsec == CookedNtpsec::Array;
        row.cooked_ntpsec != CookedNtpsec::Value && (row.name == name || by_alias)
    };
    rows.find(is_cooked).map_or(CookedNtpsec::Value, |row| row.cooked_ntpsec)
}

/// The value cooked; `None` when it is not what it should be.
fn cooked_value(entry: &Entry, form: CookedNtpsec, manner: Manner) -> Option<String> {
    let scaled = |unit| {
        if manner.units { scale::scaled(&entry.raw, unit, None) } else { None }
            .map(|text| printable(text.as_bytes()).into_owned())
    };
    match (form, &entry.value) {
        (CookedNtpsec::Text, value) => Some(value.to_string()),
        (CookedNtpsec::Milliseconds, _) => scaled(Unit::MILLISECOND),
        (CookedNtpsec::Seconds, _) => scaled(Unit::SECOND),
        (CookedNtpsec::Ppm, _) => scaled(Unit::PPM),
        (CookedNtpsec::Leap, Value::Integer(bits @ 0..=3)) => Some(format!("{bits:02b}")),
        (CookedNtpsec::Octal, Value::Integer(bits)) => Some(format!("{bits:03o}")),
        (CookedNtpsec::Flash, Value::Integer(bits)) => Some(flash(*bits)),
        (CookedNtpsec::Timestamp, Value::Text(text)) => date(text, manner.now),
        (CookedNtpsec::Array, value) => Some(array(value, manner.units)),
        _ => None,
    }
}

fn array(value: &Value, units: bool) -> String {
    let text = value.to_string();
    let together = if units { scale::scaled_together(&text) } else { None };
    together.unwrap_or_else(|| value::words(&text).collect::<Vec<_>>().join("\t"))
}

/// The bits in hexadecimal and the words for them.
fn flash(bits: i128) -> String {
    let words = if bits == 0 {
        "ok".to_owned()
    } else {
        let known = Flash::from_bits(u16::try_from(bits & 0xffff).unwrap_or(0));
        if known.is_ok() { String::new() } else { known.decoded(Wording::NtpSec) }
    };
    if words.is_empty() { format!("{bits:02x}") } else { format!("{bits:02x} {words}") }
}

/// A timestamp as it is written in replies: `0x`, eight hexadecimal digits, a point, eight more.
/// What follows them does not count.
pub fn timestamp(text: &str) -> Option<NtpTimestamp> {
    let digits = text.strip_prefix("0x")?;
    let (seconds, rest) = digits.split_at_checked(8)?;
    let (fraction, _) = rest.strip_prefix('.')?.split_at_checked(8)?;
    let read = |digits: &str| {
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u64::from_str_radix(digits, 16).ok().filter(|_| is_hex)
    };
    Some(NtpTimestamp::from_bits(read(seconds)? << 32 | read(fraction)?))
}

/// A timestamp in seconds since 1970, of the possible ones that nearest to `now`, by way of whole
/// nanoseconds.
#[expect(clippy::cast_precision_loss, reason = "as NTPsec's library has it")]
pub fn unix_seconds(stamp: NtpTimestamp, now: i64) -> f64 {
    let nanoseconds = (stamp.fraction() * 1_000_000_000 + (1 << 31)) >> 32;
    stamp.to_unix(now).0 as f64 + nanoseconds as f64 * 1e-9
}

/// A timestamp in hexadecimal and as a date; `None` when it is none.
pub fn date(text: &str, now: i64) -> Option<String> {
    let stamp = timestamp(text)?;
    let (unix, milliseconds) = fixed::moment(stamp, now);
    let date = Timestamp::from_second(unix).ok()?.to_zoned(TimeZone::UTC);
    let date = date.strftime("%Y-%m-%dT%H:%M:%S");
    Some(format!("{:08x}.{:08x} {date}.{milliseconds:03}Z", stamp.seconds(), stamp.fraction()))
}

/// Characters that the names of arrays are brought to.
const ARRAY_NAME: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_219_200;

    fn cook(text: &str, units: bool) -> String {
        let entries = value::entries(text.as_bytes());
        cooked(&entries, Manner { units, width: 78, now: NOW })
    }

    // As NTPsec's ntpq 1.2.2 printed them.
    #[test]
    fn variables_are_cooked_as_ntpsec_cooks_them() {
        assert_eq!(
            cook("leap=0, reach=0x7, flash=0x400, refid=127.127.1.0, keyid=1", false),
            "leap=00, reach=007, flash=400 peer_dist, refid=127.127.1.0, keyid=1\n"
        );
        assert_eq!(
            cook("flash=0, rootdelay=0.000, precision=-23, processor=\"x86_64\"", false),
            "flash=00 ok, rootdelay=0.0, precision=-23, processor=\"x86_64\"\n".replace('"', "'")
        );
        assert_eq!(
            cook("rootdelay=0.000, frequency=0.000000, offset=0.021617", true),
            "rootdelay=0us, frequency=0ppt, offset=21.617us\n"
        );
        assert_eq!(
            cook("keyid=1, filtdelay=0.07 0.08 1.00, pmode=4", false),
            "keyid=1,  filtdelay =0.07\t0.08\t1.00, pmode=4\n"
        );
        assert_eq!(
            cook("reftime=0xeeab5d5c.eaa7b65e", false),
            "reftime=eeab5d5c.eaa7b65e 2026-11-20T23:59:24.916Z\n"
        );
        assert_eq!(cook("leap=9, reach=x, reftime=5", false), "leap=9, reach='x', reftime=5\n");
    }

    #[test]
    fn dates_are_the_nearest() {
        let date = |text| date(text, NOW);
        assert_eq!(
            date("0x00000000.00000000").as_deref(),
            Some("00000000.00000000 2036-02-07T06:28:16.000Z")
        );
        assert_eq!(
            date("0xeeab5d5c.ffffffff").as_deref(),
            Some("eeab5d5c.ffffffff 2026-11-20T23:59:25.000Z")
        );
        assert_eq!(date("0xeeab5d5c"), None);
        assert_eq!(date("eeab5d5c.00000000"), None);
    }

    #[test]
    fn what_does_not_fit_begins_a_line() {
        let long = "x".repeat(80);
        assert_eq!(cook(&format!("a=\"{long}\", b=1"), false), format!("\na='{long}',\nb=1\n"));
    }
}
