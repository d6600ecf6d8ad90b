//! What of ntp.conf is known and of no concern here, each with the reason.
//!
//! The directives of ntpd 4.2.8 and of NTPsec 1.2, and those that older files still hold. A word
//! that is in none of these lists is a mistake.

/// Why `keyword`, in lower case, is left out; `None` when there is no such directive.
pub(super) fn reason(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "ntpsigndsocket" => "nothing is signed for Windows domains",
        "extra" => "where to listen is told on the command line",
        "pollskewlist" => "intervals are spread by chance already",
        "requestkey" => "mode 7 is not spoken",
        "trap" => "traps are not sent",
        "logconfig" => "what is logged is decided where the log is read",
        "phone" | "device" => REFERENCE_CLOCKS,
        "nts" => NTS_SERVING,
        "crypto" | "keysdir" | "automax" | "revoke" | "autokey" => AUTOKEY,
        "rlimit" | "mdnstries" | "user" | "nonvolatile" | "simulate" | "tick" | "authdelay"
        | "memlock" | "end" => MACHINE,
        _ => return None,
    })
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
        "stats" => "what is recorded is decided by `statistics` and `filegen`",
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
