//! What of ntp.conf is known and of no concern here, each with the reason.
//!
//! The directives of ntpd 4.2.8 and of NTPsec 1.2, and those that older files still hold. A word
//! that is in none of these lists is a mistake.

use crate::config::ntp_conf::arguments::Arguments;
use crate::config::ntp_conf::association;
use crate::config::ntp_conf::tokens::{self, Tokens};
use crate::config::{Rejected, shown};

/// Why `keyword`, in lower case, is left out, and what follows it; `None` when there is no such
/// directive.
pub(super) fn reason(keyword: &str) -> Option<(&'static str, Shape)> {
    Some(match keyword {
        "ntpsigndsocket" => ("nothing is signed for Windows domains", Shape::Text),
        "extra" => ("where to listen is told on the command line", Shape::Anything),
        "pollskewlist" => ("intervals are spread by chance already", Shape::Anything),
        "requestkey" => ("mode 7 is not spoken", Shape::Integer),
        "trap" => ("traps are not sent", Shape::Trap),
        "logconfig" => ("what is logged is decided where the log is read", Shape::LogClasses),
        "phone" => (REFERENCE_CLOCKS, Shape::Texts),
        "device" => (REFERENCE_CLOCKS, Shape::Anything),
        "nts" => (NTS_SERVING, Shape::Anything),
        "crypto" | "autokey" => (AUTOKEY, Shape::Anything),
        "keysdir" | "ident" => (AUTOKEY, Shape::Text),
        "automax" | "revoke" => (AUTOKEY, Shape::Integer),
        "rlimit" => (MACHINE, Shape::Limits),
        "mdnstries" => (MACHINE, Shape::Integer),
        "nonvolatile" | "tick" | "authdelay" => (MACHINE, Shape::Number),
        "user" | "simulate" | "memlock" => (MACHINE, Shape::Anything),
        _ => return None,
    })
}

/// What follows a directive that is left out; a mistake in it is one all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Whatever.
    Anything,
    /// A word.
    Text,
    /// Words, at least one.
    Texts,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Classes of the log, at least one.
    LogClasses,
    /// Names of limits, each with a whole number.
    Limits,
    /// An address, then `port` or `interface` with what they name.
    Trap,
}

impl Shape {
    /// Takes what follows `keyword`.
    pub(super) fn take(self, keyword: &str, arguments: &mut Arguments<'_>) -> Result<(), Rejected> {
        match self {
            Self::Anything => while arguments.next().is_some() {},
            Self::Text => drop(arguments.expect(&format!("what `{keyword}` names"), tokens::TEXT)?),
            Self::Texts => {
                arguments.all_of(&format!("what `{keyword}` names"), tokens::TEXT, |_| Ok(()))?;
            }
            Self::Integer => drop(arguments.integer(keyword, 0..=u32::MAX)?),
            Self::Number => {
                let word =
                    arguments.expect(&format!("the number of `{keyword}`"), tokens::NUMBER)?;
                if !word.text.parse::<f64>().is_ok_and(f64::is_finite) {
                    let reason = format!("`{keyword}` is a number, not `{}`", shown(&word.text));
                    return Err(arguments.stray(word, tokens::NUMBER, reason));
                }
            }
            Self::LogClasses => {
                arguments.all_of("what to log", tokens::TEXT, |word| {
                    let is_known = is_log_class(&word.text.to_ascii_lowercase());
                    is_known
                        .then_some(())
                        .ok_or_else(|| format!("`{}` is nothing that is logged", shown(&word.text)))
                })?;
            }
            Self::Limits => {
                let mut word = Some(arguments.expect("what to limit", tokens::RLIMIT)?);
                while let Some(limit) = word {
                    let name = limit.text.to_ascii_lowercase();
                    if !matches!(name.as_str(), "memlock" | "stacksize" | "filenum") {
                        let reason = format!("`{}` is nothing to limit", shown(&limit.text));
                        return Err(arguments.unlisted(limit, tokens::RLIMIT, reason));
                    }
                    let number = arguments.expect("the limit", tokens::INTEGER)?;
                    if number.text.parse::<i64>().is_err() {
                        let reason =
                            format!("`{name}` is a whole number, not `{}`", shown(&number.text));
                        return Err(arguments.stray(number, tokens::INTEGER, reason));
                    }
                    word = arguments.next();
                }
            }
            Self::Trap => {
                let word = arguments.expect("where to send traps", tokens::TEXT)?;
                association::host(word, None, arguments)?;
                while let Some(word) = arguments.next() {
                    match word.text.to_ascii_lowercase().as_str() {
                        "port" => drop(arguments.integer("port", 1..=65_535)?),
                        "interface" => drop(arguments.expect("the interface", tokens::TEXT)?),
                        _ => {
                            let reason = format!("`trap` takes no `{}` here", shown(&word.text));
                            return Err(arguments.stray(word, tokens::END, reason));
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether `word`, in lower case, says what is to be logged: `=`, `+` or `-`, a class and a kind.
fn is_log_class(word: &str) -> bool {
    let class = word.strip_prefix(['=', '+', '-']).unwrap_or(word);
    let kind = ["clock", "peer", "sync", "sys", "all"].into_iter().find_map(|name| {
        let kind = class.strip_prefix(name)?;
        Some(matches!(
            kind,
            "all" | "info" | "events" | "event" | "status" | "statistics" | "stats"
        ))
    });
    kind.unwrap_or(class.is_empty() && !word.is_empty()) || class == "all"
}

/// What ntpd expects behind the setting `name`, in lower case, that is left out.
pub(super) fn value(name: &str) -> Tokens {
    match name {
        "basedate" => tokens::TEXT,
        "tick" => tokens::NUMBER,
        _ => tokens::INTEGER,
    }
}

/// Why the option `word` of an association, in lower case, is left out, and how many words of
/// argument it has; `None` when there is no such option.
pub(super) fn option(word: &str) -> Option<(&'static str, usize)> {
    Some(match word {
        "autokey" => (AUTOKEY, 0),
        "xmtnonce" => ("every request has a random transmit timestamp", 0),
        "mode" | "subtype" | "path" | "ppspath" | "baud" | "refid" | "stratum" | "time1"
        | "time2" | "flag1" | "flag2" | "flag3" | "flag4" => ("it is for reference clocks", 1),
        "ident" => (AUTOKEY, 1),
        "expire" => ("an association stays for as long as it is of use", 1),
        _ => return None,
    })
}

/// Why the setting `word` of `tos`, in lower case, is left out.
pub(super) fn tos(word: &str) -> Option<&'static str> {
    Some(match word {
        "bcpollbstep" => "how far a broadcast's interval may grow is the engine's to decide",
        "basedate" => "the era is told by the system's clock",
        "maxdisp" => "a sample that old is of no weight already",
        _ => return None,
    })
}

/// Why the setting `word` of `tinker`, in lower case, is left out.
pub(super) fn tinker(word: &str) -> Option<&'static str> {
    (word == "tick").then_some(MACHINE)
}

/// Why the flag `word` of `enable` and `disable`, in lower case, is left out.
pub(super) fn flag(word: &str) -> Option<&'static str> {
    Some(match word {
        "calibrate" | "pps" => REFERENCE_CLOCKS,
        "kernel" => "the loop is the program's own, never the kernel's",
        "mode7" => "mode 7 is not spoken",
        "unpeer_crypto_early" | "crypto_early" => AUTOKEY,
        "peer_clear_digest_early" | "unpeer_crypto_nak_early" | "unpeer_digest_early" => {
            "no packet that cannot be trusted ends an association here"
        }
        _ => return None,
    })
}

/// Why the statistics `word`, in lower case, are never written.
pub(super) fn statistics(word: &str) -> Option<&'static str> {
    Some(match word {
        "cryptostats" => AUTOKEY,
        "timingstats" => "it is for those who debug ntpd",
        "usestats" => "what the program takes of the machine is the system's to count",
        "ntsstats" | "ntskestats" | "ntskelog" => NTS_SERVING,
        _ => return None,
    })
}

/// The name of the driver of this type, empty where there is none.
pub(super) fn driver(kind: u8) -> &'static str {
    DRIVERS.get(usize::from(kind)).copied().unwrap_or_default()
}

/// The type of the driver that NTPsec calls by this name.
pub(super) fn driver_called(name: &str) -> Option<u8> {
    let (_, kind) = CALLED.iter().find(|(called, _)| called.eq_ignore_ascii_case(name))?;
    Some(*kind)
}

/// The names of NTPsec's drivers and their types.
const CALLED: [(&str, u8); 15] = [
    ("local", 1),
    ("spectracom", 4),
    ("truetime", 5),
    ("generic", 8),
    ("arbiter", 11),
    ("modem", 18),
    ("nmea", 20),
    ("pps", 22),
    ("hpgps", 26),
    ("shm", 28),
    ("trimble", 29),
    ("oncore", 30),
    ("jjy", 40),
    ("zyfer", 42),
    ("gpsd", 46),
];

/// Reference clock drivers by their type, the third number of their address.
const DRIVERS: [&str; 47] = [
    "",
    "LOCAL",
    "TRAK",
    "PST",
    "WWVB",
    "TRUETIME",
    "IRIG",
    "CHU",
    "PARSE",
    "MX4200",
    "AS2201",
    "ARBITER",
    "TPRO",
    "LEITCH",
    "EES",
    "",
    "BANCOMM",
    "DATUM",
    "ACTS",
    "HEATH",
    "NMEA",
    "VME",
    "PPS",
    "PTB",
    "USNO",
    "",
    "HP",
    "ARCRON",
    "SHM",
    "PALISADE",
    "ONCORE",
    "JUPITER",
    "CHRONOLOG",
    "DUMBCLOCK",
    "ULINK",
    "PCF",
    "WWV",
    "FG",
    "HOPF_S",
    "HOPF_P",
    "JJY",
    "TT560",
    "ZYFER",
    "RIPENCC",
    "NEOCLOCK4X",
    "TSYNCPCI",
    "GPSD",
];

const MACHINE: &str = "it is a matter between ntpd and its system";
const AUTOKEY: &str = "Autokey is broken and not spoken";

/// Why a reference clock is left out.
pub(super) const REFERENCE_CLOCKS: &str = "reference clocks are not read yet";

const NTS_SERVING: &str = "NTS is not spoken yet";

/// Why a source with NTS is left out.
pub(super) const NTS: &str =
    "NTS is not spoken yet, and a source that is to be authenticated is not asked without";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_clocks_are_called_by_their_drivers() {
        assert_eq!(
            (driver(1), driver(20), driver(28), driver(46)),
            ("LOCAL", "NMEA", "SHM", "GPSD")
        );
        assert_eq!((driver(0), driver(200)), ("", ""));
        for (name, kind) in CALLED {
            assert_eq!(driver_called(&name.to_uppercase()), Some(kind));
            assert!(!driver(kind).is_empty(), "{name}");
        }
        assert_eq!(driver_called("sundial"), None);
    }
}
