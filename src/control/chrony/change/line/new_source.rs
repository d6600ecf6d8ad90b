//! A source with its options, as a configuration and `add` have it.

use std::fmt;

use super::Host;
use super::words::{Words, shown, stray};
use crate::control::chrony::change::Senseless;
use crate::units::{KeyId, PollExponent, Stratum};
use crate::wire::cmdmon::change::{Flags, NewSource, SourceKind};
use crate::wire::cmdmon::report::SourceName;
use crate::wire::cmdmon::{Float, Seconds};

/// Kinds of source.
const KINDS: [(&str, SourceKind); 3] =
    [("server", SourceKind::Server), ("peer", SourceKind::Peer), ("pool", SourceKind::Pool)];

/// Options that are there or are not.
const FLAGS: [(&str, Flags); 12] = [
    ("auto_offline", Flags::AUTO_OFFLINE),
    ("burst", Flags::BURST),
    ("copy", Flags::COPY),
    ("iburst", Flags::IBURST),
    ("ipv4", Flags::IPV4),
    ("ipv6", Flags::IPV6),
    ("noselect", Flags::NOSELECT),
    ("nts", Flags::NTS),
    ("prefer", Flags::PREFER),
    ("require", Flags::REQUIRE),
    ("trust", Flags::TRUST),
    ("xleave", Flags::INTERLEAVED),
];

/// Extension fields by their numbers.
const FIELDS: [(&str, Flags); 2] =
    [("F323", Flags::MONOTONIC_ROOT_FIELD), ("F324", Flags::NETWORK_CORRECTION_FIELD)];

/// An option that takes away what is there without it, and one with a word behind it.
const OFFLINE: &str = "offline";
const EXTENSION_FIELD: &str = "extfield";

/// An option that has a value.
struct Row {
    name: &'static str,
    read: fn(&mut Words<'_>, &mut NewSource) -> Result<(), Senseless>,
    show: fn(&NewSource) -> String,
}

/// Makes the rows: name; where it is kept; how it is read; how that is shown.
macro_rules! rows {
    ($($name:literal: $source:ident => $place:expr;
       $words:ident => $value:expr; $kept:ident => $shown:expr)+) => {
        &[$(Row {
            name: $name,
            read: |$words, $source| {
                $place = $value;
                Ok(())
            },
            show: |$source| {
                let $kept = &$place;
                $shown
            },
        }),+]
    };
}

/// Options that have a value.
static ROWS: &[Row] = rows! {
    "port": s => s.port; w => w.whole(1..=u16::MAX)?; port => port.to_string()
    "minpoll": s => s.polling.min; w => w.poll()?; poll => poll.exponent().to_string()
    "maxpoll": s => s.polling.max; w => w.poll()?; poll => poll.exponent().to_string()
    "polltarget": s => s.polling.target; w => w.whole(6..=60)?; target => target.to_string()
    "presend": s => s.polling.presend_from; w => PollExponent::new(w.whole(-7..=100)?);
        poll => poll.exponent().to_string()
    "minstratum": s => s.min_stratum; w => Stratum::new(w.whole(0..=15)?);
        stratum => stratum.to_string()
    "version": s => s.version; w => w.whole(1..=4)?; version => version.to_string()
    "maxsources": s => s.max_sources; w => w.whole(1..=16)?; most => most.to_string()
    "minsamples": s => s.samples.0; w => Some(w.whole(1..=64)?); samples => optional(*samples)
    "maxsamples": s => s.samples.1; w => Some(w.whole(1..=64)?); samples => optional(*samples)
    "key": s => s.key; w => KeyId::new(w.whole(1..=u32::MAX)?); key => optional(*key)
    "ntsport": s => s.nts_port; w => w.whole(1..=u16::MAX)?; port => port.to_string()
    "certset": s => s.certificate_set; w => w.whole(0..=u32::MAX)?; set => set.to_string()
    "maxdelay": s => s.filtering.max_delay; w => Seconds::new(w.number("seconds")?);
        span => shown(span.float())
    "maxdelayratio": s => s.filtering.max_delay_ratio; w => Float::new(w.number("ratio")?);
        ratio => shown(*ratio)
    "maxdelaydevratio": s => s.filtering.max_delay_deviation_ratio;
        w => Float::new(w.number("ratio")?); ratio => shown(*ratio)
    "maxdelayquant": s => s.filtering.max_delay_quantile; w => Float::new(w.number("quantile")?);
        quantile => shown(*quantile)
    "mindelay": s => s.filtering.min_delay; w => Seconds::new(w.number("seconds")?);
        span => shown(span.float())
    "asymmetry": s => s.filtering.asymmetry; w => Float::new(w.number("asymmetry")?);
        asymmetry => shown(*asymmetry)
    "offset": s => s.filtering.offset; w => Seconds::new(w.number("seconds")?);
        span => shown(span.float())
    "filter": s => s.filter_length; w => w.whole(1..=100)?; length => length.to_string()
    "maxunreach": s => s.max_unreachable; w => w.whole(0..=i32::MAX)?; most => most.to_string()
};

/// The words of the kinds.
pub(in crate::control::chrony::change) fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(word, _)| *word)
}

/// The words of the options.
pub(in crate::control::chrony::change) fn options() -> impl Iterator<Item = &'static str> {
    let flags = FLAGS.iter().map(|(word, _)| *word);
    flags.chain(ROWS.iter().map(|row| row.name)).chain([OFFLINE, EXTENSION_FIELD])
}

/// Whether a value stands behind this option.
pub(in crate::control::chrony::change) fn takes_value(option: &str) -> bool {
    option == EXTENSION_FIELD || ROWS.iter().any(|row| row.name == option)
}

/// Reads a source of the kind that the word `kind` says: its name, then its options.
pub(super) fn read(kind: &str, words: &mut Words<'_>) -> Result<NewSource, Senseless> {
    let known = KINDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(kind));
    let (_, kind) = known.ok_or_else(|| stray(kind, "server, peer or pool"))?;
    let name = Host::new(words.expect("its name or address")?)?;
    let mut source = NewSource::new(*kind, SourceName::new(name.text().as_bytes()));
    while let Some(word) = words.next() {
        let option = word.to_ascii_lowercase();
        if option == OFFLINE {
            source.flags = Flags::from_bits(source.flags.bits() & !Flags::ONLINE.bits());
        } else if option == EXTENSION_FIELD {
            let number = words.expect("F323 or F324")?;
            let field = FIELDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(number));
            let (_, flag) = field.ok_or_else(|| stray(number, "F323 or F324"))?;
            source.flags = source.flags.with(*flag);
        } else if let Some((_, flag)) = FLAGS.iter().find(|(name, _)| *name == option) {
            source.flags = source.flags.with(*flag);
        } else if let Some(row) = ROWS.iter().find(|row| row.name == option) {
            (row.read)(words, &mut source)?;
        } else {
            return Err(stray(word, "an option of a source"));
        }
    }
    Ok(source)
}

/// A source as it is read: only what differs from the defaults.
pub(super) struct Shown<'a>(pub(super) &'a NewSource);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.0;
        let kind = KINDS.iter().find(|(_, kind)| *kind == source.kind).map_or("", |(word, _)| word);
        write!(f, "{kind} {}", source.name.text().unwrap_or("?"))?;
        let plain = NewSource::new(source.kind, source.name.clone());
        for row in ROWS {
            let value = (row.show)(source);
            if value != (row.show)(&plain) {
                write!(f, " {} {value}", row.name)?;
            }
        }
        for (name, flag) in FLAGS {
            if source.flags.contains(flag) {
                write!(f, " {name}")?;
            }
        }
        for (number, flag) in FIELDS {
            if source.flags.contains(flag) {
                write!(f, " {EXTENSION_FIELD} {number}")?;
            }
        }
        f.write_str(if source.flags.contains(Flags::ONLINE) { "" } else { " offline" })
    }
}

fn optional(number: Option<impl fmt::Display>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}
