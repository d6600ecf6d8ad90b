//! Which programs on this host keep its time, from the process table.

use std::fs;
use std::path::Path;

use crate::model::programs::{PROGRAMS, Program, ProgramKind};

/// Those that may be the daemon that does not answer here. Processes that vanish meanwhile, or
/// that we may not see, are passed over; those known to live in another network namespace too.
pub fn running() -> Vec<Program> {
    let here = fs::read_link("/proc/self/ns/net").ok();
    let mut found = on_this_machine();
    found.retain(|program| {
        let network = fs::read_link(format!("/proc/{}/ns/net", program.pid)).ok();
        network.is_none() || network == here
    });
    found
}

/// Those in any network namespace, for the clock is one for all of them.
pub fn on_this_machine() -> Vec<Program> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(kind) = kind(&entry.path()) {
            found.push(Program { kind, pid });
        }
    }
    found.sort_by_key(|program| program.pid);
    found
}

fn kind(process: &Path) -> Option<ProgramKind> {
    let comm = fs::read_to_string(process.join("comm")).ok()?;
    let name = comm.trim_end();
    let facts = PROGRAMS.iter().find(|facts| facts.process.contains(&name))?;
    if facts.kind == ProgramKind::Ntpd {
        // OpenNTPD's processes are called ntpd as well, and describe themselves: `ntpd: ntp engine`.
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        if command.starts_with(b"ntpd: ") {
            return Some(ProgramKind::OpenNtpd);
        }
    }
    Some(facts.kind)
}
