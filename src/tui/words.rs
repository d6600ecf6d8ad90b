//! Sentences for what daemons say in letters, numbers and bits.

use crate::model::Value;
use crate::tui::format::Format;
use crate::units::NtpDuration;
use crate::units::Tally;

/// What a tally means for the source, in a sentence.
pub const fn tally(selection: Tally, is_reachable: bool) -> &'static str {
    match selection {
        Tally::Reject if !is_reachable => "not used: none of its last eight polls was answered",
        Tally::Reject => "not used now: not valid for selection (see flash), or not yet",
        Tally::Falseticker => "WRONG: outside what the majority agrees on",
        Tally::Excess => "not used: more candidates than the daemon keeps; nothing is wrong",
        Tally::Outlier => "right but not used: others agree better with each other",
        Tally::Candidate => "used: its offset is part of the combination",
        Tally::Backup => "right but in reserve: more survivors than take part",
        Tally::SystemPeer => "used: the clock follows it (system peer)",
        Tally::PpsPeer => "used: the clock follows its pulse per second",
    }
}

/// A reference ID as ntpq writes it: `.GPS.`, `10.0.0.1`, `LOCAL(0)`.
pub fn reference(value: &Value) -> String {
    match value {
        Value::ReferenceAddress(address) => match address.octets() {
            [127, 127, 1, unit] => format!("LOCAL({unit})"),
            _ => address.to_string(),
        },
        Value::ReferenceCode(code) => match code.code() {
            Some(code) => format!(".{code}."),
            None => "?".into(),
        },
        Value::Text(text) => text.to_string(),
        _ => "?".into(),
    }
}

/// What a reference ID says of the server that gives it: its source, or its state.
pub fn reference_meaning(value: &Value, is_unsynchronised: bool) -> String {
    let text = reference(value);
    let code = match value {
        Value::ReferenceCode(code) => code.code(),
        _ => None,
    };
    if let Some(code) = code.as_deref() {
        if let Some((_, meaning)) = STATES.iter().find(|(state, _)| *state == code) {
            return format!("state {text}: {meaning}");
        }
        if let Some((_, clock)) = CLOCKS.iter().find(|(name, _)| *name == code) {
            return format!("its source is {clock} ({text})");
        }
        let what = if is_unsynchronised { "state" } else { "its source is a clock called" };
        return format!("{what} {text}");
    }
    if text.starts_with("LOCAL(") {
        return format!("its source is its own clock, {text}: no time source at all");
    }
    format!("its own source is {text} (or a hash, if over IPv6)")
}

/// `offset` as a sentence about the clock that was compared with the source.
pub fn slow_or_fast(offset: NtpDuration, format: Format) -> String {
    let by = format.span(offset.abs(), false);
    match offset.bits() {
        0 => "the local clock agrees with it".into(),
        1.. => format!("against it the local clock is {by} slow"),
        _ => format!("against it the local clock is {by} fast"),
    }
}

/// The daemon's own `offset`, the combination of its sources', in words.
pub fn clock_is(offset: NtpDuration, format: Format) -> String {
    let by = format.span(offset.abs(), false);
    match offset.bits() {
        0 => format!("clock off by {by}"),
        1.. => format!("clock {by} slow"),
        _ => format!("clock {by} fast"),
    }
}

/// How far a clock is behind or ahead of the true time, where `offset` is how far that is ahead.
pub fn behind_or_ahead(offset: NtpDuration, format: Format) -> String {
    let by = format.span(offset.abs(), false);
    match offset.bits() {
        0 => "exact as far as can be told".into(),
        1.. => format!("{by} behind"),
        _ => format!("{by} ahead"),
    }
}

/// Whether a server that gives this reference ID has its time from its own clock.
pub fn is_no_time_source(reference: &Value) -> bool {
    match reference {
        Value::ReferenceAddress(address) => matches!(address.octets(), [127, 127, 1, _]),
        Value::ReferenceCode(code) => {
            matches!(code.octets(), [127, 127, 1, _])
                || matches!(code.code().as_deref(), Some("LOCL" | "ORPH"))
        }
        _ => false,
    }
}

/// Kiss codes and other states that stand where a reference ID would.
const STATES: [(&str, &str); 21] = [
    ("INIT", "no answer from it yet"),
    ("STEP", "the clock was just stepped; starting over"),
    ("RATE", "it says that we ask too often"),
    ("DENY", "it refuses to serve us"),
    ("RSTR", "it refuses to serve us"),
    ("POOL", "stands for a pool of servers; they have rows of their own"),
    ("MCST", "stands for a multicast group"),
    ("BCST", "stands for a broadcast address"),
    ("ACST", "stands for an anycast or manycast address"),
    ("DNS", "its name is being looked up"),
    ("XFAC", "the network path changed; starting over"),
    ("AUTH", "authentication failed"),
    ("AUTO", "Autokey failed"),
    ("CRYP", "cryptographic authentication failed"),
    ("NKEY", "no key for it"),
    ("TIME", "its time is not valid"),
    ("NTS", "network time security is negotiating"),
    ("NTSN", "it does not accept our NTS cookies"),
    ("DROP", "it dropped the association"),
    ("RMOT", "somebody tampers with the association"),
    ("FREQ", "it is measuring its frequency"),
];

/// Clocks that servers of stratum 1 name.
const CLOCKS: [(&str, &str); 20] = [
    ("GPS", "a GPS receiver"),
    ("GNSS", "a satellite receiver"),
    ("GLNS", "a GLONASS receiver"),
    ("GAL", "a Galileo receiver"),
    ("BDS", "a BeiDou receiver"),
    ("PPS", "a pulse per second"),
    ("kPPS", "a pulse per second, taken by the kernel"),
    ("NMEA", "a receiver's serial text"),
    ("SHM", "another program, over shared memory"),
    ("GPSD", "gpsd"),
    ("PTP", "precision time protocol"),
    ("PHC", "a network card's clock"),
    ("ATOM", "an atomic clock"),
    ("IRIG", "an IRIG time code"),
    ("DCF", "the DCF77 radio signal"),
    ("DCFa", "the DCF77 radio signal"),
    ("MSF", "the MSF radio signal"),
    ("WWVB", "the WWVB radio signal"),
    ("LOCL", "its own clock: no time source at all"),
    ("ORPH", "orphan mode: no time source at all"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::RefId;

    fn code(letters: &str) -> Value {
        Value::ReferenceCode(RefId::from_code(letters).unwrap())
    }

    #[test]
    fn reference_ids_look_as_in_ntpq() {
        assert_eq!(reference(&code("GPS")), ".GPS.");
        assert_eq!(reference(&Value::ReferenceAddress([127, 127, 1, 0].into())), "LOCAL(0)");
        assert_eq!(reference(&Value::ReferenceAddress([10, 0, 0, 1].into())), "10.0.0.1");
    }

    #[test]
    fn states_are_not_taken_for_clocks() {
        assert_eq!(reference_meaning(&code("INIT"), true), "state .INIT.: no answer from it yet");
        assert_eq!(reference_meaning(&code("GPS"), false), "its source is a GPS receiver (.GPS.)");
        assert!(reference_meaning(&code("LOCL"), false).contains("no time source"));
    }

    #[test]
    fn the_sign_of_an_offset_is_spelt_out() {
        let sentence = |ms| slow_or_fast(NtpDuration::from_milliseconds(ms), Format::default());
        assert_eq!(sentence(3.2), "against it the local clock is 3.200 ms slow");
        assert_eq!(sentence(-0.5), "against it the local clock is 0.500 ms fast");
        let side = |ms| behind_or_ahead(NtpDuration::from_milliseconds(ms), Format::default());
        assert_eq!((side(3.2), side(-3.2)), ("3.200 ms behind".into(), "3.200 ms ahead".into()));
    }
}
