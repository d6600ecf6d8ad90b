//! Programs on this host that keep its time, known by their process name.
//!
//! When nothing answers here, the reason is usually that a daemon runs which cannot be asked, or not
//! by us.

/// A kind of program that disciplines a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProgramKind {
    /// ntpd, classic or NTPsec.
    Ntpd,
    /// chronyd.
    Chronyd,
    /// systemd-timesyncd.
    Timesyncd,
    /// OpenNTPD, whose process is called ntpd too.
    OpenNtpd,
    /// ntpd-rs.
    NtpdRs,
}

/// A running program that keeps time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What it is.
    pub kind: ProgramKind,
    /// Its process id.
    pub pid: u32,
}

/// What there is to know about a kind of program.
#[derive(Clone, Copy, Debug)]
pub struct ProgramFacts {
    /// The kind.
    pub kind: ProgramKind,
    /// Its name as people write it.
    pub name: &'static str,
    /// Names of its process, as the system cuts them (15 characters).
    pub process: &'static [&'static str],
    /// What it means that nothing is answered while it runs, in a sentence or two.
    pub silence: &'static str,
}

/// The kinds known, in the order in which they are looked for.
pub const PROGRAMS: [ProgramFacts; 5] = [
    ProgramFacts {
        kind: ProgramKind::Chronyd,
        name: "chronyd",
        process: &["chronyd"],
        silence: "chronyd keeps this host's time but does not answer here. Its socket is for root and \
                  its own user: try `sudo`, or `unix:///path` where it has it elsewhere; its port \
                  may be closed (`cmdport 0`).",
    },
    ProgramFacts {
        kind: ProgramKind::Timesyncd,
        name: "systemd-timesyncd",
        process: &["systemd-timesyn"],
        silence: "systemd-timesyncd keeps this host's time. It is a simple client that cannot be \
                  asked over the network. Ask it with `timedatectl timesync-status`.",
    },
    ProgramFacts {
        kind: ProgramKind::NtpdRs,
        name: "ntpd-rs",
        process: &["ntp-daemon"],
        silence: "ntpd-rs keeps this host's time and does not speak NTP control messages (mode 6). \
                  Ask it with `ntp-ctl status`.",
    },
    ProgramFacts {
        kind: ProgramKind::OpenNtpd,
        name: "OpenNTPD",
        process: &["openntpd"],
        silence: "OpenNTPD keeps this host's time and does not speak NTP control messages \
                  (mode 6). Ask it with `ntpctl -s all`.",
    },
    ProgramFacts {
        kind: ProgramKind::Ntpd,
        name: "ntpd",
        process: &["ntpd"],
        silence: "ntpd runs on this host but does not answer: its configuration may refuse \
                  questions (`restrict … noquery`, `restrict 127.0.0.1`), or it is just starting.",
    },
];

impl ProgramKind {
    /// What there is to know about it.
    pub fn facts(self) -> &'static ProgramFacts {
        const { assert!(!PROGRAMS.is_empty()) };
        PROGRAMS.iter().find(|facts| facts.kind == self).unwrap_or(&PROGRAMS[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_facts() {
        for facts in &PROGRAMS {
            assert_eq!(facts.kind.facts().name, facts.name);
            assert!(facts.process.iter().all(|name| name.len() <= 15));
        }
    }
}
