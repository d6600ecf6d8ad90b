//! Whether the system's clock may be steered: who else does, and whether we have the right.
//!
//! Two that steer one clock both keep bad time, so in doubt we do not. Nothing here sets anything:
//! the right is read, not tried out.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::system::Adjtimex;
use crate::clock::system::kernel::{Kernel, State};
use crate::model::programs::Program;
use crate::net::programs;
use crate::units::Ppm;

/// The right to steer, for as long as it lives: a lock that other engines of ours see.
#[derive(Debug)]
pub struct Permit {
    /// The locks go with the files.
    locks: Vec<File>,
}

/// Why the system's clock is left alone.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// Another engine of ours holds the lock.
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The lock cannot be taken.
    NoLock {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The capability is missing, or we are root of a container only.
    NoRight,
    /// A program that keeps time runs with the right to set the clock.
    Program {
        /// Which.
        program: Program,
        /// The systemd unit that it belongs to, where it does.
        unit: Option<String>,
    },
    /// The kernel's rate changed while we watched and did nothing.
    RateChanges {
        /// At first.
        from: Ppm,
        /// Then.
        to: Ppm,
    },
    /// The kernel's status changed while we watched and did nothing.
    StatusChanges {
        /// At first, as the kernel's bits.
        from: i32,
        /// Then.
        to: i32,
    },
    /// The kernel's clock cannot be read.
    Unreadable {
        /// The error number.
        errno: i32,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot steer this host's clock: ")?;
        match self {
            Self::Locked { path } => {
                write!(f, "another ntpscope does, and holds {}", path.display())
            }
            Self::NoLock { path, source } => write!(f, "cannot lock {}: {source}", path.display()),
            Self::NoRight => f.write_str(
                "this process may not\nhint: it takes the capability CAP_SYS_TIME on the host \
                 itself, outside of any container",
            ),
            Self::Program { program, unit } => {
                write!(f, "{} does (process {}", program.kind.facts().name, program.pid)?;
                match unit {
                    Some(unit) => write!(f, ", {unit})\nhint: systemctl stop {unit}"),
                    None => write!(f, ")\nhint: end it first"),
                }
            }
            Self::RateChanges { from, to } => write!(
                f,
                "something else does: its rate went from {:.3} to {:.3} ppm while nothing was done",
                from.parts_per_million(),
                to.parts_per_million()
            ),
            Self::StatusChanges { from, to } => write!(
                f,
                "something else does: its status went from {from:#06x} to {to:#06x} while nothing \
                 was done"
            ),
            Self::Unreadable { errno } => {
                write!(f, "cannot read it: {}", io::Error::from_raw_os_error(*errno))
            }
        }
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoLock { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// A lock that is held, while nobody knows yet whether something unknown steers the clock.
#[derive(Debug)]
pub struct Claim {
    permit: Permit,
    /// What was seen last.
    before: Option<State>,
    looks: u32,
}

/// What came of a look.
#[derive(Debug)]
pub enum Looked {
    /// Nothing yet: look again after [`BETWEEN_LOOKS`].
    Watching(Claim),
    /// Nobody touched the clock for [`WATCHED`].
    Granted(Permit),
}

impl Claim {
    const fn new(permit: Permit) -> Self {
        Self { permit, before: None, looks: 0 }
    }

    /// Looks whether something changed the kernel's clock since the last look.
    ///
    /// # Errors
    /// Why the clock is to be left alone; nothing was touched.
    pub fn look(self, kernel: &mut impl Kernel) -> Result<Looked, Refused> {
        let now = kernel.read().map_err(|errno| Refused::Unreadable { errno })?;
        self.before.map_or(Ok(()), |before| unchanged(before, now))?;
        if self.looks == LOOKS {
            return Ok(Looked::Granted(self.permit));
        }
        Ok(Looked::Watching(Self { before: Some(now), looks: self.looks + 1, ..self }))
    }

    /// Looks on until the permit is granted. Must be called within the runtime.
    ///
    /// # Errors
    /// Why the clock is to be left alone; nothing was touched.
    pub async fn watched(self) -> Result<Permit, Refused> {
        self.watched_on(Adjtimex).await
    }

    async fn watched_on(mut self, mut kernel: impl Kernel) -> Result<Permit, Refused> {
        loop {
            match self.look(&mut kernel)? {
                Looked::Granted(permit) => return Ok(permit),
                Looked::Watching(claim) => self = claim,
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

/// Takes the lock, unless a program that is known steers or we have no right to.
///
/// # Errors
/// Why the clock is to be left alone.
pub fn claim() -> Result<Claim, Refused> {
    if !has_right(Path::new("/proc/self")) {
        return Err(Refused::NoRight);
    }
    if let Some(program) = programs::on_this_machine().into_iter().find(may_set_clock) {
        let unit = unit(program.pid);
        return Err(Refused::Program { program, unit });
    }
    let path = lock_path();
    let mut permit = lock(&path)?;
    for place in PLACES.into_iter().map(Path::new).filter(|place| *place != path) {
        permit.respect(place)?;
    }
    Ok(Claim::new(permit))
}

impl Permit {
    /// Sees to it that nobody holds the lock at `path`, nor takes it as long as this permit lives.
    /// Where there is no such file, or none that we may read, nobody is taken to.
    fn respect(&mut self, path: &Path) -> Result<(), Refused> {
        let Ok(file) = File::open(path) else { return Ok(()) };
        if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            return Err(Refused::Locked { path: path.into() });
        }
        self.locks.push(file);
        Ok(())
    }
}

/// Whether nobody touched the kernel's clock between two looks.
///
/// # Errors
/// Somebody did.
fn unchanged(before: State, after: State) -> Result<(), Refused> {
    if before.rate != after.rate {
        return Err(Refused::RateChanges { from: before.rate.ppm(), to: after.rate.ppm() });
    }
    let (from, to) = (before.status.set_by_programs(), after.status.set_by_programs());
    if from != to {
        return Err(Refused::StatusChanges { from: from.bits(), to: to.bits() });
    }
    Ok(())
}

/// Takes the lock at `path`.
pub(super) fn lock(path: &Path) -> Result<Permit, Refused> {
    let failed = |source| Refused::NoLock { path: path.into(), source };
    let mut file =
        File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Refused::Locked { path: path.into() }),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // For people who look into the file; the lock itself does not need it.
    let told = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    told.map_err(failed)?;
    Ok(Permit { locks: vec![file] })
}

/// Where all engines of this machine look: a place that only the right to set the clock goes with,
/// else the folder that a service manager gave us, else the user's own.
fn lock_path() -> PathBuf {
    let run = Path::new("/run");
    let is_ours = File::options().write(true).create(true).truncate(false).open(run.join(LOCK));
    let own = ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"].into_iter().find_map(std::env::var_os);
    match (is_ours, own) {
        (Err(_), Some(own)) => Path::new(&own).join(LOCK),
        _ => run.join(LOCK),
    }
}

fn may_set_clock(program: &Program) -> bool {
    has_right(&Path::new("/proc").join(program.pid.to_string()))
}

/// Whether the process in this folder of `/proc` may set the clock: it has the capability, and in
/// the first user namespace, for in any other it does not count. What we may not see is taken to be
/// so.
fn has_right(process: &Path) -> bool {
    let namespace = fs::read_link(process.join("ns/user"));
    if namespace.is_ok_and(|namespace| namespace != Path::new(FIRST_USER_NAMESPACE)) {
        return false;
    }
    fs::read_to_string(process.join("status")).map_or(true, |status| has_capability(&status))
}

fn has_capability(status: &str) -> bool {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok())
        .is_none_or(|capabilities| capabilities & CAP_SYS_TIME != 0)
}

/// The systemd unit that a process belongs to.
fn unit(pid: u32) -> Option<String> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    unit_in(&groups)
}

fn unit_in(groups: &str) -> Option<String> {
    let parts = groups.lines().flat_map(|line| line.rsplit('/'));
    let mut units = parts.filter(|part| part.ends_with(".service"));
    let unit = units.next()?;
    unit.chars().all(|c| c.is_ascii_graphic()).then(|| unit.to_owned())
}

/// Where engines of ours that run as root, and as a service without its rights, have their lock.
const PLACES: [&str; 2] = ["/run/ntpscope.lock", "/run/ntpscope/ntpscope.lock"];

/// The name of the lock.
const LOCK: &str = "ntpscope.lock";

/// Bit 25: the right to set the clock.
const CAP_SYS_TIME: u64 = 1 << 25;

/// The kernel gives the first user namespace this number, always.
const FIRST_USER_NAMESPACE: &str = "user:[4026531837]";

/// How long the clock is watched.
pub const WATCHED: Duration = Duration::from_millis(3300);

/// How often the clock is looked at before it is taken over, after the first look.
const LOOKS: u32 = 3;

/// From one look to the next: loops that steer a clock every second are seen.
pub const BETWEEN_LOOKS: Duration = WATCHED.checked_div(LOOKS).unwrap();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::system::kernel::{Change, Rate, StatusBits};

    #[test]
    fn the_capability_is_read_from_a_status() {
        assert!(has_capability("Name:\tchronyd\nCapEff:\t0000000002000400\n"));
        assert!(!has_capability("Name:\tchronyd\nCapEff:\t0000000000000400\n"));
        assert!(has_capability("what is this"), "what is not known counts as having it");
    }

    #[test]
    fn a_unit_is_the_last_service_of_a_group() {
        assert_eq!(unit_in("0::/system.slice/chrony.service\n").as_deref(), Some("chrony.service"));
        let user = "0::/user.slice/user-1.slice/user@1.service/app.slice/x.service\n";
        assert_eq!(unit_in(user).as_deref(), Some("x.service"));
        assert_eq!(unit_in("0::/init.scope\n"), None);
        assert_eq!(unit_in("0::/\u{1b}[2Jx.service\n"), None);
    }

    #[test]
    fn a_lock_is_taken_once_and_given_back() {
        let path = std::env::temp_dir().join(format!("ntpscope-lock-{}", std::process::id()));
        let held = lock(&path).unwrap();
        let refused = lock(&path).unwrap_err();
        assert!(matches!(refused, Refused::Locked { .. }), "{refused}");
        // Who has a lock elsewhere, as a service has, respects this one, and has it respected.
        let other = path.with_extension("other");
        let mut elsewhere = lock(&other).unwrap();
        assert!(matches!(elsewhere.respect(&path), Err(Refused::Locked { .. })));
        drop(held);
        elsewhere.respect(&path).unwrap();
        assert!(matches!(lock(&path), Err(Refused::Locked { .. })));
        drop(elsewhere);
        fs::remove_file(&other).unwrap();
        lock(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let nowhere = Path::new("/nonexistent/ntpscope.lock");
        assert!(matches!(lock(nowhere), Err(Refused::NoLock { .. })));
    }

    #[test]
    fn a_clock_that_changes_by_itself_is_somebody_elses() {
        let state = |frequency, bits| State {
            rate: Rate::from_words(10_000, frequency),
            status: StatusBits::from_bits(bits),
        };
        assert!(unchanged(state(5, 0x40), state(5, 0x00)).is_ok(), "the kernel's own doing");
        assert!(matches!(unchanged(state(5, 0), state(6, 0)), Err(Refused::RateChanges { .. })));
        let refused = unchanged(state(5, 0x00), state(5, 0x01)).unwrap_err().to_string();
        assert!(refused.contains("0x0000 to 0x0001"), "{refused}");
    }

    /// A clock that something else steers from the second look on.
    struct Moved(i64);

    impl Kernel for Moved {
        fn read(&mut self) -> Result<State, i32> {
            self.0 += 1;
            let rate = Rate::from_words(10_000, self.0.max(2));
            Ok(State { rate, status: StatusBits::default() })
        }
        fn write(&mut self, _change: Change) -> Result<State, i32> {
            Err(1)
        }
    }

    #[test]
    fn a_clock_is_watched_before_it_is_taken_over() {
        let path = std::env::temp_dir().join(format!("ntpscope-watch-{}", std::process::id()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let watched =
            |from| runtime.block_on(Claim::new(lock(&path).unwrap()).watched_on(Moved(from)));
        assert!(matches!(watched(0), Err(Refused::RateChanges { .. })));
        // The lock was given back with the refusal.
        drop(watched(-10).unwrap());
        fs::remove_file(&path).unwrap();
    }

    /// A kernel that cannot even be read.
    struct Closed;

    impl Kernel for Closed {
        fn read(&mut self) -> Result<State, i32> {
            Err(1)
        }
        fn write(&mut self, _change: Change) -> Result<State, i32> {
            Err(1)
        }
    }

    #[test]
    fn a_refusal_says_who_and_what_to_do() {
        let program = Program { kind: crate::model::programs::ProgramKind::Chronyd, pid: 42 };
        let refused =
            Refused::Program { program: program.clone(), unit: Some("chrony.service".into()) };
        assert_eq!(
            refused.to_string(),
            "cannot steer this host's clock: chronyd does (process 42, chrony.service)\n\
             hint: systemctl stop chrony.service"
        );
        let errno = Closed.read().unwrap_err();
        let refused = Refused::Unreadable { errno }.to_string();
        assert!(refused.contains("not permitted"), "{refused}");
    }
}
