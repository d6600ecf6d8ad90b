//! What is read and not done yet: one row for each, taken away with what does it.

use crate::config::ntp_conf::{Association, Directive, Flag, Kind, Tos};

impl Directive {
    /// The keyword of a directive that means that others are served; `None` of any other.
    pub fn serving(&self) -> Option<&'static str> {
        Some(match self {
            Self::Restrict(_) => "restrict",
            Self::Unrestrict(_) => "unrestrict",
            Self::Discard(_) => "discard",
            Self::Mru(_) => "mru",
            Self::Interface(_) => "interface",
            Self::ManycastServer(_) => "manycastserver",
            Self::Flag { flag: Flag::Monitor, is_enabled: true } => "enable monitor",
            Self::Flag { flag: Flag::Monitor, is_enabled: false } => "disable monitor",
            Self::Association(Association { kind: Kind::Broadcast, .. }) => "broadcast",
            // Nobody but others has a use for the time of this host's own clock.
            Self::Association(source) if source.clock().is_some() => "server of the local clock",
            Self::LeapSmearInterval(_) => "leapsmearinterval",
            Self::Tos(Tos::Orphan(_)) => "tos orphan",
            _ => return None,
        })
    }

    /// The keyword of a directive that nothing follows yet, and why; `None` of any other.
    pub fn pending(&self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::LogFile(_) => ("logfile", LOG),
            _ => return None,
        })
    }
}

/// Whoever looks for the file has to be told where it is now.
const LOG: &str = "what happens is told on stdout, which systemd has in its journal \
                   (`journalctl -u ntpscope`); redirect stdout to have it in a file";
