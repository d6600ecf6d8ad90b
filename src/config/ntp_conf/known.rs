//! What of ntp.conf is known and of no concern here, each with the reason.
//!
//! The directives of ntpd 4.2.8 and of NTPsec 1.2, and those that older files still hold. A word
//! that is in none of these lists is a mistake.

use std::net::Ipv4Addr;

/// Why `keyword`, in lower case, is left out; `None` when there is no such directive.
pub(super) fn reason(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "leapsmearinterval" | "ntpsigndsocket" | "extra" | "pollskewlist" => SERVING,
        "requestkey" | "controlkey" | "trap" | "setvar" | "saveconfigdir" => CONTROL,
        "statsdir" | "statistics" | "filegen" | "logfile" | "logconfig" => RECORDS,
        "refclock" | "fudge" | "phone" | "device" => REFERENCE_CLOCKS,
        "nts" => NTS,
        "crypto" | "keysdir" | "automax" | "revoke" | "autokey" => AUTOKEY,
        "leapfile" => "leap seconds are taken from the sources",
        "includefile" => "other files are not followed: name its sources here",
        "unconfig" | "unpeer" | "reset" => "it is for a daemon that runs",
        "pidfile" | "rlimit" | "mdnstries" | "dscp" | "user" | "nonvolatile" | "simulate"
        | "tick" | "authdelay" | "memlock" | "end" => MACHINE,
        _ => return None,
    })
}

/// Why the option `word` of an association, in lower case, is left out, and how many words of
/// argument it has; `None` when there is no such option.
pub(super) fn option(word: &str) -> Option<(&'static str, usize)> {
    Some(match word {
        "autokey" => (AUTOKEY, 0),
        "xmtnonce" => ("every request has a random transmit timestamp", 0),
        "mode" | "subtype" => (REFERENCE_CLOCKS, 1),
        _ => return None,
    })
}

/// Why the setting `word` of `tos`, in lower case, is left out.
pub(super) fn tos(word: &str) -> Option<&'static str> {
    Some(match word {
        "cohort" | "bcpollbstep" | "basedate" => SERVING,
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
        "mode7" => SERVING,
        "stats" => RECORDS,
        "unpeer_crypto_early" | "crypto_early" => AUTOKEY,
        "peer_clear_digest_early" | "unpeer_crypto_nak_early" | "unpeer_digest_early" => {
            "no packet that cannot be trusted ends an association here"
        }
        _ => return None,
    })
}

/// The name of the driver that `address` stands for, empty for a type without one; `None` when it is
/// no reference clock's.
pub(super) fn driver(address: Ipv4Addr) -> Option<&'static str> {
    let [127, 127, kind, _] = address.octets() else { return None };
    Some(DRIVERS.get(usize::from(kind)).copied().unwrap_or_default())
}

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

/// Why what is about serving is left out.
pub(super) const SERVING: &str = "nothing is served to others yet";
const CONTROL: &str = "nobody can ask or change this engine from outside yet";
const RECORDS: &str = "no records are written yet";
const MACHINE: &str = "it is a matter between ntpd and its system";
const AUTOKEY: &str = "Autokey is broken and not spoken";

/// Why a reference clock is left out.
pub(super) const REFERENCE_CLOCKS: &str = "reference clocks are not read yet";

/// Why a source with NTS is left out.
pub(super) const NTS: &str =
    "NTS is not spoken yet, and a source that is to be authenticated is not asked without";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_clocks_are_called_by_their_drivers() {
        let named = |a, b, c, d| driver(Ipv4Addr::new(a, b, c, d));
        assert_eq!(named(127, 127, 1, 0), Some("LOCAL"));
        assert_eq!(named(127, 127, 20, 3), Some("NMEA"));
        assert_eq!(named(127, 127, 28, 2), Some("SHM"));
        assert_eq!(named(127, 127, 46, 0), Some("GPSD"));
        assert_eq!(named(127, 127, 200, 0), Some(""));
        assert_eq!(named(127, 0, 0, 1), None);
        assert_eq!(named(192, 0, 2, 1), None);
    }
}
