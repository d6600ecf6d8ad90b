//! What is read and not done yet: one row for each, taken away with what does it.

use crate::config::ntp_conf::{Directive, Flag, Tos};

impl Directive {
    /// The keyword of a directive that nothing follows yet, and why; `None` of any other.
    pub fn pending(&self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Restrict(_) => ("restrict", SERVING),
            Self::Unrestrict(_) => ("unrestrict", SERVING),
            Self::Discard(_) => ("discard", SERVING),
            Self::Mru(_) => ("mru", SERVING),
            Self::Interface(_) => ("interface", SERVING),
            Self::ManycastServer(_) => ("manycastserver", SERVING),
            Self::Flag { flag: Flag::Monitor, is_enabled: true } => ("enable monitor", SERVING),
            Self::Flag { flag: Flag::Monitor, is_enabled: false } => ("disable monitor", SERVING),
            Self::Dscp(_) => ("dscp", SERVING),
            Self::LeapSmearInterval(_) => ("leapsmearinterval", SERVING),
            Self::Association(source) if source.clock().is_some() => ("server", LOCAL_CLOCK),
            Self::Fudge(_) => ("fudge", LOCAL_CLOCK),
            Self::Tos(Tos::Cohort(_)) => ("tos cohort", ORPHANS),
            Self::LeapFile { .. } => ("leapfile", LEAPS),
            Self::StatsDir(_) => ("statsdir", RECORDS),
            Self::Statistics(_) => ("statistics", RECORDS),
            Self::FileSet(_) => ("filegen", RECORDS),
            Self::LogFile(_) => ("logfile", RECORDS),
            Self::PidFile(_) => ("pidfile", RECORDS),
            Self::ControlKey(_) => ("controlkey", CONTROL),
            Self::SetVariable(_) => ("setvar", CONTROL),
            Self::SaveConfigDir(_) => ("saveconfigdir", CONTROL),
            Self::Reset(_) => ("reset", CONTROL),
            _ => return None,
        })
    }
}

const SERVING: &str = "nothing is served to others yet";
const CONTROL: &str = "nobody can ask or change this engine from outside yet";
const RECORDS: &str = "no records are written yet";
const LOCAL_CLOCK: &str = "the local clock is not taken for a source yet";
const ORPHANS: &str = "orphans do not serve each other yet";
const LEAPS: &str = "leap seconds are taken from the sources";
