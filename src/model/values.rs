//! What a daemon told, typed by the variable table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use jiff::civil::DateTime;

use crate::model::absent::Absent;
use crate::model::decode::decode;
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
    /// A date in UTC.
    Date(DateTime),
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
    /// An address that is of use only with the network interface it belongs to.
    AddressInZone {
        /// The address.
        address: Ipv6Addr,
        /// The interface's name or number; graphic ASCII.
        zone: Box<str>,
    },
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
        let mut cut_off = None;
        for item in reply.items() {
            let text = item.value.unwrap_or_default();
            if let Some(row) = vars::find(scope, item.name) {
                let value = decode(row.format_of(dialect), text);
                cut_off = (row.format == Format::Samples && value.is_err()).then_some(row);
                values.insert(row, value);
            } else if let Some(row) = cut_off
                && let (Ok(value), None) = (decode(row.format, item.name), item.value)
            {
                // The garbage that NTPsec 1.2.2 writes in front of an array had a comma in it.
                values.insert(row, Ok(value));
            } else {
                values.others.push((printable(item.name), printable(unquote(text))));
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

    /// Takes in all of `others`: of what both have, theirs.
    pub fn merge(&mut self, others: Self) {
        for (row, value) in others.known {
            self.insert(row, value);
        }
        self.others.extend(others.others);
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
            Some(Served::Default | Served::WhenSet | Served::Sometimes) | None
                if missing.defaults_asked =>
            {
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
    /// Eight samples, newest first.
    samples: Samples => [NtpDuration; 8];
}

impl Values {
    /// An address; its zone, if it has one, is in the value only.
    pub fn address(&self, variable: &'static Variable) -> Option<IpAddr> {
        match self.get(variable) {
            Ok(Value::Address(address)) => Some(*address),
            Ok(Value::AddressInZone { address, .. }) => Some((*address).into()),
            _ => None,
        }
    }

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

#[cfg(test)]
mod tests;
