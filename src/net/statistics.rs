//! The writer of statistics files: a thread of its own, so that no disk holds the engine up.
//!
//! What cannot be written is lost, is told once, and is tried again with the next line: a clock goes
//! on being kept when a disk is full.

pub mod generation;

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::config::ntp_conf::records::{Cut, Statistics};
use crate::config::statistics::{self, Archive};
use crate::engine::statistics::Record;
use crate::net::statistics::generation::{Generation, Moment};
use crate::units::NtpTimestamp;

/// Hands records to the thread that writes them. Dropping it waits a moment for the last ones.
#[derive(Debug)]
pub struct Writer {
    orders: Option<SyncSender<Order>>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
}

/// What the thread is to do.
#[derive(Debug)]
enum Order {
    Configure(Box<Archive>),
    Write { record: Box<Record>, at: NtpTimestamp, age: Duration },
}

impl Writer {
    /// Starts the thread. `tell` is called on it when a file cannot be written, once until that
    /// works again.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(tell: impl FnMut(Unwritten) + Send + 'static) -> io::Result<Self> {
        let (orders, taken) = sync_channel(MOST_WAITING);
        let (ends, ended) = sync_channel(1);
        thread::Builder::new().name("statistics".into()).spawn(move || {
            let _ends: SyncSender<()> = ends;
            Desk::new(tell).work(&taken);
        })?;
        Ok(Self { orders: Some(orders), ended })
    }

    /// Writes to these files from now on; those that are open are closed first, so that who moved
    /// one away gets a new one. Whether that was understood; not when too much waits.
    #[must_use = "what is not understood has to be said again"]
    pub fn configure(&self, archive: Archive) -> bool {
        self.order(Order::Configure(archive.into()))
    }

    /// Writes a record that was made `at` this time of the steered clock, when the program had run
    /// for `age`. Whether it will be; not when the disk is so slow that too much waits.
    pub fn write(&self, record: Box<Record>, at: NtpTimestamp, age: Duration) -> bool {
        self.order(Order::Write { record, at, age })
    }

    fn order(&self, order: Order) -> bool {
        match self.orders.as_ref().map(|orders| orders.try_send(order)) {
            Some(Ok(())) => true,
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.orders = None;
        // A disk that hangs is not waited for.
        let _ = self.ended.recv_timeout(LAST_PATIENCE);
    }
}

/// A file that could not be written, or not be linked to.
#[derive(Debug)]
pub struct Unwritten {
    /// What was tried.
    pub operation: Operation,
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is opened.
    Open,
    /// A line is written to it.
    Write,
    /// It is moved out of the way.
    SetAside,
    /// It becomes a link to the current file.
    Link,
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.operation {
            Operation::Open => "open",
            Operation::Write => "write to",
            Operation::SetAside => "move away",
            Operation::Link => "make a link of",
        };
        write!(f, "cannot {what} {}: {}", self.path.display(), self.source)
    }
}

impl std::error::Error for Unwritten {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// The thread's own: the files, and to whom to complain.
struct Desk<T> {
    series: Vec<Series>,
    pid: u32,
    /// Files that were moved out of the way, counted for their names.
    set_aside: u32,
    tell: T,
}

impl<T: FnMut(Unwritten)> Desk<T> {
    fn new(tell: T) -> Self {
        Self { series: Vec::new(), pid: std::process::id(), set_aside: 0, tell }
    }

    fn work(&mut self, orders: &Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            match order {
                Order::Configure(archive) => self.configure(&archive),
                Order::Write { record, at, age } => {
                    let (seconds, _) = at.to_unix(NEAR);
                    let moment = Moment { seconds, age, pid: self.pid };
                    self.write(record.kind(), &record.line(at), &moment);
                }
            }
        }
    }

    fn configure(&mut self, archive: &Archive) {
        self.series.clear();
        if let Some((folder, series)) = archive.written() {
            self.series.extend(series.map(|series| Series::new(folder, series)));
        }
    }

    fn write(&mut self, kind: Statistics, line: &str, moment: &Moment) {
        let Some(series) = self.series.iter_mut().find(|series| series.kind == kind) else {
            return;
        };
        let mut unwritten = Vec::new();
        if !series.is_current(moment) {
            unwritten = series.turn(moment, &mut self.set_aside);
        }
        unwritten.extend(series.append(line).err());
        let was_told = std::mem::replace(&mut series.is_told, !unwritten.is_empty());
        if !was_told {
            unwritten.into_iter().for_each(&mut self.tell);
        }
    }
}

/// The files of one kind, of which one is written.
#[derive(Debug)]
struct Series {
    kind: Statistics,
    /// Their name without what tells them apart.
    base: PathBuf,
    cut: Cut,
    is_linked: bool,
    current: Option<Current>,
    /// Whether it was told that they cannot be written.
    is_told: bool,
}

/// The file that is written.
#[derive(Debug)]
struct Current {
    path: PathBuf,
    file: File,
    generation: Generation,
    /// Its last line has no end: there was no room for all of it.
    is_torn: bool,
}

impl Series {
    fn new(folder: &Path, series: &statistics::Series) -> Self {
        Self {
            kind: series.of,
            base: folder.join(&series.name),
            cut: series.cut,
            is_linked: series.is_linked,
            current: None,
            is_told: false,
        }
    }

    fn is_current(&self, moment: &Moment) -> bool {
        self.current.as_ref().is_some_and(|current| current.generation.covers(moment))
    }

    /// Begins a new file; while that cannot be opened, the one before is written on. What could
    /// not be done is given back.
    fn turn(&mut self, moment: &Moment, set_aside: &mut u32) -> Vec<Unwritten> {
        let generation = Generation::at(self.cut, moment);
        let path = with_suffix(&self.base, generation.suffix());
        let mut unwritten = Vec::new();
        if path != self.base {
            unwritten.extend(self.make_way(moment.pid, set_aside).err());
        }
        match OpenOptions::new().append(true).create(true).open(&path) {
            Err(source) => {
                let operation = Operation::Open;
                unwritten.push(Unwritten { operation, path, source });
            }
            Ok(file) => {
                if self.is_linked && path != self.base {
                    unwritten.extend(link(&path, &self.base).err());
                }
                self.current = Some(Current { path, file, generation, is_torn: false });
            }
        }
        unwritten
    }

    /// The name alone is to become a link: another link goes, a file of its own is kept under
    /// another name.
    fn make_way(&self, pid: u32, set_aside: &mut u32) -> Result<(), Unwritten> {
        let result = match fs::symlink_metadata(&self.base) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(there) if there.is_symlink() || is_linked_to(&there) => fs::remove_file(&self.base),
            Ok(there) if there.is_file() => {
                let kept = with_suffix(&self.base, &format!(".{pid}C{set_aside}"));
                *set_aside += 1;
                fs::rename(&self.base, kept)
            }
            Ok(_) => Err(io::Error::other("it is no regular file")),
        };
        let operation = Operation::SetAside;
        result.map_err(|source| Unwritten { operation, path: self.base.clone(), source })
    }

    fn append(&mut self, line: &str) -> Result<(), Unwritten> {
        // That it could not be opened was told before.
        let Some(current) = &mut self.current else { return Ok(()) };
        let written = if std::mem::take(&mut current.is_torn) {
            current.file.write_all(format!("\n{line}").as_bytes())
        } else {
            current.file.write_all(line.as_bytes())
        };
        written.map_err(|source| {
            current.is_torn = true;
            Unwritten { operation: Operation::Write, path: current.path.clone(), source }
        })
    }
}

/// Links `base` to the current file; who made such a link before has done it for us.
fn link(path: &Path, base: &Path) -> Result<(), Unwritten> {
    match fs::hard_link(path, base) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(Unwritten { operation: Operation::Link, path: base.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn is_linked_to(there: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    there.is_file() && there.nlink() > 1
}

fn with_suffix(base: &Path, suffix: &str) -> PathBuf {
    let mut name = base.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Records that may wait for the disk.
const MOST_WAITING: usize = 1024;

/// How long the end waits for the last lines.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// The era that dates lie in: 68 years to both sides of 2027.
const NEAR: i64 = 1_800_000_000;

#[cfg(test)]
mod tests;
