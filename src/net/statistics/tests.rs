use std::os::unix::fs::MetadataExt as _;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex};

use super::*;
use crate::config::ntp_conf;
use crate::engine::statistics::System;

/// A folder of the test's own, with the complaints about it.
struct Office {
    folder: PathBuf,
    complaints: Arc<Mutex<Vec<String>>>,
}

impl Office {
    fn new(name: &str) -> Self {
        let name = format!("ntpscope-statistics-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self { folder, complaints: Arc::default() }
    }

    fn writer(&self, archive: Archive) -> Writer {
        let complaints = Arc::clone(&self.complaints);
        let writer =
            Writer::start(move |unwritten| complaints.lock().unwrap().push(unwritten.to_string()));
        let writer = writer.unwrap();
        assert!(writer.configure(archive));
        writer
    }

    /// Packets are counted in this folder, and `more` says how.
    fn archive(&self, more: &str) -> Archive {
        archive_in(&self.folder, more)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn lines(&self, name: &str) -> usize {
        fs::read_to_string(self.folder.join(name)).unwrap().lines().count()
    }

    fn links(&self, name: &str) -> u64 {
        fs::metadata(self.folder.join(name)).unwrap().nlink()
    }

    fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap().clone()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Packets are counted in `folder`, and `more` says how.
fn archive_in(folder: &Path, more: &str) -> Archive {
    let text = format!("statsdir {}\nstatistics sysstats\n{more}", folder.display());
    let placed = ntp_conf::read("test", &text).unwrap();
    Archive::of(placed.iter().map(|placed| &placed.directive))
}

/// Noon of 2026-11-21 and so many days later.
fn noon(days: i64) -> NtpTimestamp {
    NtpTimestamp::from_unix(1_795_262_400 + days * 86_400, 0)
}

/// Ends the writer when it has written all, however long that takes on a machine that has much else to
/// do.
fn end(mut writer: Writer) {
    writer.orders = None;
    let ended = writer.ended.recv_timeout(Duration::from_secs(60));
    assert_eq!(ended, Err(RecvTimeoutError::Disconnected));
}

fn write(writer: &Writer, at: NtpTimestamp) {
    let record = Box::new(Record::System(System::default()));
    assert!(writer.write(record, at, Duration::ZERO));
}

#[test]
fn each_day_has_its_file_and_the_name_alone_is_the_current_one() {
    let office = Office::new("day");
    let writer = office.writer(office.archive(""));
    for day in [0, 0, 1] {
        write(&writer, noon(day));
    }
    end(writer);
    assert_eq!(office.names(), ["sysstats", "sysstats.20261121", "sysstats.20261122"]);
    assert_eq!((office.lines("sysstats.20261121"), office.lines("sysstats")), (2, 1));
    assert_eq!((office.links("sysstats.20261121"), office.links("sysstats.20261122")), (1, 2));
    // A program that starts again on the same day goes on with its file.
    let writer = office.writer(office.archive(""));
    write(&writer, noon(1));
    end(writer);
    assert_eq!((office.names().len(), office.lines("sysstats")), (3, 2));
    assert_eq!(office.complaints(), [""; 0]);
}

#[test]
fn a_file_in_the_way_is_kept_under_another_name() {
    let office = Office::new("way");
    fs::write(office.folder.join("sysstats"), "something of somebody's\n").unwrap();
    let writer = office.writer(office.archive(""));
    write(&writer, noon(0));
    end(writer);
    let kept = format!("sysstats.{}C0", std::process::id());
    let names = office.names();
    assert!(names.contains(&kept) && names.len() == 3, "{names:?}");
    assert_eq!(office.lines(&kept), 1);
    assert_eq!(office.links("sysstats"), 2);
}

#[test]
fn without_a_link_and_without_days_there_is_one_file() {
    let office = Office::new("one");
    let statistics = office.archive("filegen sysstats file packets type none");
    let writer = office.writer(statistics);
    for day in 0..3 {
        write(&writer, noon(day));
    }
    end(writer);
    assert_eq!(office.names(), ["packets"]);
    assert_eq!((office.lines("packets"), office.links("packets")), (3, 1));
}

#[test]
fn a_kind_that_is_not_enabled_is_not_written_and_a_new_configuration_begins_anew() {
    let office = Office::new("anew");
    let writer = office.writer(office.archive("disable stats"));
    write(&writer, noon(0));
    assert!(writer.configure(office.archive("")));
    write(&writer, noon(0));
    // Who moves a file away, and then has the configuration read anew, gets a new one.
    while office.names().is_empty() {
        thread::yield_now();
    }
    fs::rename(office.folder.join("sysstats.20261121"), office.folder.join("moved")).unwrap();
    assert!(writer.configure(office.archive("")));
    write(&writer, noon(0));
    end(writer);
    assert_eq!(office.names(), ["moved", "sysstats", "sysstats.20261121"]);
    assert_eq!((office.lines("moved"), office.lines("sysstats")), (1, 1));
}

#[test]
fn a_folder_that_cannot_be_written_is_told_once_until_it_can_be() {
    let office = Office::new("once");
    let missing = office.folder.join("missing");
    let statistics = archive_in(&missing, "");
    let writer = office.writer(statistics);
    for _ in 0..3 {
        write(&writer, noon(0));
    }
    while office.complaints().is_empty() {
        thread::yield_now();
    }
    fs::create_dir(&missing).unwrap();
    write(&writer, noon(0));
    let written = missing.join("sysstats.20261121");
    while !fs::read_to_string(&written).is_ok_and(|text| !text.is_empty()) {
        thread::yield_now();
    }
    end(writer);
    let complaints = office.complaints();
    let path = written.display();
    let expected = format!("cannot open {path}: No such file or directory (os error 2)");
    assert_eq!(complaints, [expected]);
}

#[test]
fn a_full_disk_is_told_once_and_leaves_no_half_of_a_line() {
    let told = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&told);
    let mut desk = Desk::new(move |unwritten: Unwritten| {
        assert_eq!(unwritten.operation, Operation::Write);
        assert_eq!(unwritten.source.raw_os_error(), Some(28));
        *counted.lock().unwrap() += 1;
    });
    // The device that is always full.
    desk.configure(&archive_in(Path::new("/dev"), "filegen sysstats file full type none"));
    let moment = Moment { seconds: 0, age: Duration::ZERO, pid: 1 };
    for _ in 0..5 {
        desk.write(Statistics::System, "1 2 3\n", &moment);
    }
    assert_eq!(*told.lock().unwrap(), 1);
    assert!(desk.series[0].current.as_ref().unwrap().is_torn);
    // There is room again: the next line begins a line of its own.
    let office = Office::new("full");
    let path = office.folder.join("file");
    fs::write(&path, "1 2").unwrap();
    let file = OpenOptions::new().append(true).open(&path).unwrap();
    desk.series[0].current.as_mut().unwrap().file = file;
    desk.write(Statistics::System, "4 5 6\n", &moment);
    assert_eq!(fs::read_to_string(&path).unwrap(), "1 2\n4 5 6\n");
    assert!(!desk.series[0].is_told);
}
