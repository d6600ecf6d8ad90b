//! Which programs on this host keep its time, from the process table.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::model::programs::{PROGRAMS, Program, ProgramKind};

/// Those that may be the daemon that does not answer here. Processes that vanish meanwhile, or
/// that we may not see, are passed over; those known to live in another network namespace too.
pub fn running() -> Vec<Program> {
    let here = fs::read_link("/proc/self/ns/net").ok();
    let mut found = on_this_machine();
    found.retain(|program| match fs::read_link(format!("/proc/{}/ns/net", program.pid)) {
        Ok(network) => Some(network) == here,
        // Of a process that has ended meanwhile there is nothing to be read.
        Err(error) => error.kind() == ErrorKind::PermissionDenied,
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
        if let Some(kind) = kind(&entry.path())
            && is_alive(&entry.path())
        {
            found.push(Program { kind, pid });
        }
    }
    found.sort_by_key(|program| program.pid);
    found
}

/// Whether a process is more than what stays of one that has ended, until its parent asks how.
fn is_alive(process: &Path) -> bool {
    let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
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

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_process_that_has_ended_is_not_alive_though_its_entry_is_left() {
        // Not called like a daemon, for other tests look for those of this host meanwhile.
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let process = Path::new("/proc").join(child.id().to_string());
        assert!(is_alive(&process));
        // It ends with its input; nobody has asked how it ended yet.
        drop(child.stdin.take());
        let ends = (0..20_000).any(|_| {
            std::thread::park_timeout(Duration::from_millis(1));
            !is_alive(&process)
        });
        assert!(ends && process.join("comm").exists());
        child.wait().unwrap();
        assert!(!is_alive(&process));
    }
}
