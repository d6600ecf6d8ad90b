//! What a daemon told, typed by the variable table.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::model::absent::Absent;
use crate::model::identity::Dialect;
use crate::model::reply::Reply;
use crate::model::vars::{self, Format, Scope, Served, Variable};
use crate::units::{
    AssocId, KeyId, Leap, Mode, NtpDuration, NtpTimestamp, PollExponent, Ppm, Precision, Reach,
    RefId, Stratum,
};
use crate::wire::mode6::flash::Flash;
use crate::wire::mode6::varlist::unquote;

/// A value of one of the formats of the table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A count, or bits, or a port.
    Unsigned(u64),
    /// A signed number.
    Signed(i64),
    /// A real number.
    Real(f64),
    /// A flag.
    Flag(bool),
    /// A span of time, whatever unit it was written in.
    Duration(NtpDuration),
    /// A frequency.
    Frequency(Ppm),
    /// A poll interval.
    Poll(PollExponent),
    /// A clock's resolution.
    Precision(Precision),
    /// A point in time, never *never*: that is [`Absent::NotGiven`].
    Timestamp(NtpTimestamp),
    /// A leap indicator.
    Leap(Leap),
    /// An association mode.
    Mode(Mode),
    /// A stratum.
    Stratum(Stratum),
    /// A reachability register.
    Reach(Reach),
    /// Flash bits.
    Flash(Flash),
    /// An association.
    Association(AssocId),
    /// A key; `None` for unauthenticated.
    Key(Option<KeyId>),
    /// A reference ID that was written as an address.
    ReferenceAddress(Ipv4Addr),
    /// A reference ID that was written as letters.
    ReferenceCode(RefId),
    /// An address.
    Address(IpAddr),
    /// An address with port.
    Socket(SocketAddr),
    /// Eight samples, newest first.
    Samples([NtpDuration; 8]),
    /// Text without quotes, control characters replaced: safe to show.
    Text(Box<str>),
}

/// The variables of one system, peer or clock.
///
/// Known variables stand typed beside each other; names that the table does not have are kept as
/// text, so that nothing a daemon says is lost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    known: Vec<(&'static Variable, Result<Value, Absent>)>,
    others: Vec<(Box<str>, Box<str>)>,
    missing: Option<Missing>,
}

/// How a variable that is not there is accounted for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Missing {
    dialect: Option<Dialect>,
    defaults_asked: bool,
}

impl Values {
    /// Decodes the items of `reply`.
    ///
    /// `asked` are the variables that were asked for by name, none for the daemon's own choice;
    /// they decide why an absent one is absent. A name that occurs twice keeps its last value.
    pub fn decode(
        scope: Scope,
        dialect: Option<Dialect>,
        asked: &[&'static Variable],
        reply: &Reply,
    ) -> Self {
        let mut values = Self {
            known: Vec::with_capacity(asked.len()),
            others: Vec::new(),
            missing: Some(Missing { dialect, defaults_asked: asked.is_empty() }),
        };
        for variable in asked {
            values.known.push((variable, Err(Absent::NotGiven)));
        }
        for item in reply.items() {
            let text = item.value.unwrap_or_default();
            match vars::find(scope, item.name) {
                Some(row) => values.insert(row, decode(row.format_of(dialect), text)),
                None => values.others.push((printable(item.name), printable(unquote(text)))),
            }
        }
        values
    }

    /// From values that were never text: another protocol's, or our own engine's.
    pub fn typed(values: impl IntoIterator<Item = (&'static Variable, Value)>) -> Self {
        let mut all = Self::default();
        for (row, value) in values {
            all.insert(row, Ok(value));
        }
        all
    }

    /// Puts or replaces one value.
    pub fn insert(&mut self, variable: &'static Variable, value: Result<Value, Absent>) {
        match self.known.iter_mut().find(|(row, _)| *row == variable) {
            Some((_, old)) => *old = value,
            None => self.known.push((variable, value)),
        }
    }

    /// The value of `variable`, or why there is none.
    pub fn get(&self, variable: &'static Variable) -> Result<&Value, Absent> {
        match self.known.iter().find(|(row, _)| *row == variable) {
            Some((_, Ok(value))) => Ok(value),
            Some((_, Err(why))) => Err(why.clone()),
            None => Err(self.why_missing(variable)),
        }
    }

    /// Whether `variable` was answered or at least asked for by name here.
    pub fn covers(&self, variable: &'static Variable) -> bool {
        self.known.iter().any(|(row, _)| *row == variable)
    }

    /// Every known variable, in the daemon's order (those asked for by name first).
    pub fn iter(&self) -> impl Iterator<Item = (&'static Variable, Result<&Value, &Absent>)> {
        self.known.iter().map(|(row, value)| (*row, value.as_ref()))
    }

    /// Names that the table does not have, with their text; safe to show.
    pub fn others(&self) -> impl Iterator<Item = (&str, &str)> {
        self.others.iter().map(|(name, text)| (&**name, &**text))
    }

    fn why_missing(&self, variable: &Variable) -> Absent {
        let Some(missing) = self.missing else { return Absent::NotInFamily };
        match missing.dialect.map(|d| variable.served_by(d)) {
            Some(Served::Never) => Absent::NotInFamily,
            Some(Served::Default | Served::WhenSet) | None if missing.defaults_asked => {
                Absent::NotGiven
            }
            _ => Absent::NotAskedYet,
        }
    }
}

/// Typed access: the value, or `None` when it is absent or of another type.
macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident: $variant:ident => $type:ty;)+) => {
        impl Values {
            $($(#[$doc])*
            pub fn $name(&self, variable: &'static Variable) -> Option<$type> {
                match self.get(variable) {
                    Ok(Value::$variant(value)) => Some(*value),
                    _ => None,
                }
            })+
        }
    };
}

accessors! {
    /// A count, bits or a port.
    unsigned: Unsigned => u64;
    /// A span of time.
    duration: Duration => NtpDuration;
    /// A frequency.
    frequency: Frequency => Ppm;
    /// A poll interval.
    poll: Poll => PollExponent;
    /// A clock's resolution.
    precision: Precision => Precision;
    /// A point in time.
    timestamp: Timestamp => NtpTimestamp;
    /// A leap indicator.
    leap: Leap => Leap;
    /// An association mode.
    mode: Mode => Mode;
    /// A stratum.
    stratum: Stratum => Stratum;
    /// A reachability register.
    reach: Reach => Reach;
    /// Flash bits.
    flash: Flash => Flash;
    /// An association.
    association: Association => AssocId;
    /// An address.
    address: Address => IpAddr;
    /// Eight samples, newest first.
    samples: Samples => [NtpDuration; 8];
}

impl Values {
    /// Text, safe to show.
    pub fn text(&self, variable: &'static Variable) -> Option<&str> {
        match self.get(variable) {
            Ok(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Text from outside with every control character, and every character that could reorder or
/// hide others, replaced by `·`.
pub fn printable(text: &str) -> Box<str> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
    };
    text.chars().map(|c| if hidden(c) { '·' } else { c }).collect()
}

/// Reads `text` as `format` says.
fn decode(format: Format, text: &str) -> Result<Value, Absent> {
    let bare = unquote(text).trim();
    if bare.is_empty() && format != Format::Text {
        return Err(Absent::NotGiven);
    }
    let value = match format {
        Format::Unsigned | Format::Kibibytes | Format::Port => {
            bare.parse().ok().map(Value::Unsigned)
        }
        Format::Bits => bits(bare).map(Value::Unsigned),
        Format::Signed => bare.parse().ok().map(Value::Signed),
        Format::Real => real(bare).map(Value::Real),
        Format::Flag => bits(bare).map(|bits| Value::Flag(bits != 0)),
        Format::Milliseconds => {
            real(bare).map(|ms| Value::Duration(NtpDuration::from_milliseconds(ms)))
        }
        Format::Seconds => real(bare).map(|s| Value::Duration(NtpDuration::from_seconds(s))),
        Format::Ppm => real(bare).and_then(Ppm::new).map(Value::Frequency),
        Format::Poll => bare.parse().ok().map(|e| Value::Poll(PollExponent::new(e))),
        Format::Precision => bare.parse().ok().map(|e| Value::Precision(Precision::new(e))),
        Format::Timestamp => match timestamp(bare) {
            Some(stamp) if stamp.is_never() => return Err(Absent::NotGiven),
            stamp => stamp.map(Value::Timestamp),
        },
        Format::Leap => small(bare, 3).map(|bits| Value::Leap(Leap::from_bits(bits))),
        Format::Mode => small(bare, 7).map(|bits| Value::Mode(Mode::from_bits(bits))),
        Format::Stratum => bare.parse().ok().map(|s| Value::Stratum(Stratum::new(s))),
        Format::Reach => bits(bare)
            .and_then(|bits| u8::try_from(bits).ok())
            .map(|bits| Value::Reach(Reach::new(bits))),
        Format::Flash => bits(bare)
            .and_then(|bits| u16::try_from(bits).ok())
            .map(|bits| Value::Flash(Flash::from_bits(bits))),
        Format::Association => bare.parse().ok().map(|id| Value::Association(AssocId::new(id))),
        Format::Key => bare.parse().ok().map(|id| Value::Key(KeyId::new(id))),
        Format::ReferenceId => reference_id(bare),
        Format::Address => bare.parse().ok().map(Value::Address),
        Format::AddressPort => bare.parse().ok().map(Value::Socket),
        Format::Samples => samples(bare).map(Value::Samples),
        Format::Text | Format::Date => Some(Value::Text(printable(bare))),
    };
    value.ok_or_else(|| Absent::NotDecodable { text: printable(text) })
}

fn bits(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn real(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn small(text: &str, most: u8) -> Option<u8> {
    text.parse().ok().filter(|number| *number <= most)
}

/// `0xSSSSSSSS.FFFFFFFF`, with or without the prefix.
fn timestamp(text: &str) -> Option<NtpTimestamp> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let (seconds, fraction) = digits.split_once('.')?;
    let seconds = u32::from_str_radix(seconds, 16).ok()?;
    let fraction = u32::from_str_radix(fraction, 16).ok()?;
    Some(NtpTimestamp::from_bits(u64::from(seconds) << 32 | u64::from(fraction)))
}

fn reference_id(text: &str) -> Option<Value> {
    match text.parse() {
        Ok(address) => Some(Value::ReferenceAddress(address)),
        Err(_) => RefId::from_code(text).map(Value::ReferenceCode),
    }
}

/// The last eight numbers: NTPsec 1.2.2 puts bytes of other arrays in front of them.
fn samples(text: &str) -> Option<[NtpDuration; 8]> {
    let numbers: Vec<_> = text.split_ascii_whitespace().filter_map(real).collect();
    let last = numbers.last_chunk::<8>()?;
    Some(last.map(NtpDuration::from_milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::part::Dated;
    use crate::model::vars::peer;

    fn values(text: &str, dialect: Dialect, asked: &[&'static Variable]) -> Values {
        let reply = Reply::new(0, text.as_bytes(), 1, Dated::default());
        Values::decode(Scope::Peer, Some(dialect), asked, &reply)
    }

    #[test]
    fn a_classic_reply_is_typed_by_the_table() {
        let text = "srcadr=10.8.0.2, stratum=6, reach=0xff, hpoll=4, refid=LOCL, \
                    rec=0xeeab5d88.ea3cdc2a, offset=0.014, flash=0x400, keyid=0, \
                    filtdelay= 0.04 0.06 0.08 0.05 0.06 0.06 0.05 0.07, odd=1";
        let values = values(text, Dialect::Classic, &[]);
        assert_eq!(values.address(&peer::SOURCE), Some("10.8.0.2".parse().unwrap()));
        assert_eq!(values.reach(&peer::REACH).unwrap().to_string(), "377");
        assert_eq!(values.duration(&peer::OFFSET), Some(NtpDuration::from_milliseconds(0.014)));
        assert_eq!(values.get(&peer::KEY_ID), Ok(&Value::Key(None)));
        let delays = values.samples(&peer::FILTER_DELAY).unwrap();
        assert_eq!(delays[7], NtpDuration::from_milliseconds(0.07));
        assert_eq!(values.others().collect::<Vec<_>>(), [("odd", "1")]);
    }

    #[test]
    fn an_absent_value_says_why() {
        let defaults =
            values("offset=1.0, rec=0x00000000.00000000, delay=x\u{1b}[2J", Dialect::Classic, &[]);
        assert_eq!(defaults.get(&peer::STRATUM), Err(Absent::NotGiven));
        assert_eq!(defaults.get(&peer::NTS_COOKIES), Err(Absent::NotInFamily));
        assert_eq!(defaults.get(&peer::ORIGIN), Err(Absent::NotAskedYet));
        assert_eq!(defaults.get(&peer::RECEIVE), Err(Absent::NotGiven));
        assert_eq!(defaults.get(&peer::DELAY), Err(Absent::NotDecodable { text: "x·[2J".into() }));
        let named = values("offset=1.0", Dialect::Classic, &[&peer::OFFSET, &peer::BIAS]);
        assert_eq!(named.get(&peer::BIAS), Err(Absent::NotGiven));
        assert_eq!(named.get(&peer::DELAY), Err(Absent::NotAskedYet));
    }

    #[test]
    fn corrupted_sample_arrays_yield_their_last_eight_numbers() {
        let text = "filtdelay=^ 0.07 0. 0.08 1.00 2.00 3.00 4.00 5.00 6.00 7.00 8.00";
        let samples = values(text, Dialect::NtpsecTo1_2_2, &[]).samples(&peer::FILTER_DELAY);
        assert_eq!(samples.map(|s| s[0]), Some(NtpDuration::from_milliseconds(1.0)));
    }

    #[test]
    fn what_could_upset_a_terminal_is_replaced() {
        assert_eq!(&*printable("a\u{1b}[2Jb\u{202e}c\u{9b}d"), "a·[2Jb·c·d");
    }
}
