//! What is kept of changes in the state folder: a log of all that was sent, and of each change that
//! is to be taken back unless somebody confirms it, how that is done.
//!
//! Both are for their owner's eyes only, and there is no secret in them.

mod pending;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy as _;
use serde_json::{Map, Value as Json, json};

pub use pending::{Claim, Waiting};

use crate::backend::change::Pending;
use crate::model::change::{Course, Verdict};
use crate::model::json::change as course_json;
use crate::net::clock::Clock;

/// Where changes are written down.
#[derive(Clone, Debug)]
pub struct Book {
    folder: PathBuf,
}

/// Who changes what, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Seconds since 1970 when it is written.
    pub when: i64,
    /// The daemon, as the user called it.
    pub host: String,
    /// Its address and port.
    pub address: Option<String>,
    /// What it calls itself.
    pub version: Option<String>,
    /// The number of the key that signs.
    pub key: Option<u32>,
}

/// Writes down what is sent, and what takes it back.
#[derive(Debug)]
pub struct Keeper {
    book: Option<Book>,
    taken: Option<Claim>,
    about: About,
    clock: Clock,
    waiting: Option<Waiting>,
}

impl Book {
    /// In the user's state folder; `None` where there is no home.
    pub fn open() -> Option<Self> {
        let base = etcetera::choose_base_strategy().ok()?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Some(Self { folder: state.join("ntpscope") })
    }

    /// Where the log is.
    pub fn log(&self) -> PathBuf {
        self.folder.join("audit.jsonl")
    }

    /// Writes an event of a change to the log, under a lock, so that no other is within it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn enter(&self, about: &About, event: &str, course: &Course) -> io::Result<()> {
        let mut entry = about.json();
        entry.insert("event".to_owned(), event.into());
        let mut told = course_json::course(course);
        for name in ["trouble", "preview", "sent", "outcome", "is_confirmed", "taken_back"] {
            entry.insert(name.to_owned(), told.remove(name).unwrap_or(Json::Null));
        }
        self.append(entry)
    }

    /// Writes to the log that somebody wants to hear no more of a pending change.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn enter_forgotten(&self, about: &About, pending: &Pending) -> io::Result<()> {
        let mut entry = about.json();
        entry.insert("event".to_owned(), "forgotten".into());
        entry.insert("lines".to_owned(), pending.lines.clone().into());
        entry.insert("inverse".to_owned(), pending.inverse.clone().into());
        self.append(entry)
    }

    fn append(&self, entry: Map<String, Json>) -> io::Result<()> {
        self.make_folder()?;
        let mut options = OpenOptions::new();
        let mut log = options.read(true).append(true).create(true).mode(0o600).open(self.log())?;
        log.lock()?;
        // A disk that was full left half a line behind.
        let end = if is_torn(&mut log)? { "\n" } else { "" };
        log.write_all(format!("{end}{}\n", Json::Object(entry)).as_bytes())
    }

    fn make_folder(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)
    }
}

impl Keeper {
    /// Of a change that `about` says whose it is; `taken` is the one that it takes back, which is
    /// forgotten once that is done.
    pub const fn new(book: Option<Book>, taken: Option<Claim>, about: About, clock: Clock) -> Self {
        Self { book, taken, about, clock, waiting: None }
    }

    /// Whether it is what takes back a change that was left behind.
    pub const fn is_restoring(&self) -> bool {
        self.taken.is_some()
    }

    /// Before anything is sent, to a daemon of this `version`.
    ///
    /// # Errors
    /// It cannot be written down: then nothing must be sent.
    pub fn begin(
        &mut self,
        version: Option<String>,
        course: &Course,
        within: Option<Duration>,
    ) -> io::Result<()> {
        self.about.version = version;
        self.about.when = wall(&self.clock);
        let Some(book) = &self.book else {
            return Err(io::Error::other("there is no home, and so no state folder"));
        };
        book.enter(&self.about, "armed", course)?;
        if let (Some(within), Some(preview)) = (within, &course.preview)
            && let Ok(inverse) = &preview.inverse
        {
            let within = humantime::format_duration(within).to_string();
            self.waiting = Some(book.wait(&self.about, &preview.lines, inverse, &within)?);
        }
        Ok(())
    }

    /// When it is over.
    ///
    /// # Errors
    /// What became of it cannot be written down.
    pub fn end(mut self, course: &Course) -> io::Result<()> {
        // That may be long after it began.
        self.about.when = wall(&self.clock);
        let Some(book) = &self.book else { return Ok(()) };
        book.enter(&self.about, "outcome", course)?;
        let is_settled = course.is_settled();
        if let Some(waiting) = self.waiting.filter(|_| is_settled) {
            waiting.end()?;
        }
        let is_done = matches!(course.verdict(), Some(Verdict::Applied | Verdict::Untold));
        self.taken.filter(|_| is_done).map_or(Ok(()), Claim::end)
    }
}

impl About {
    fn json(&self) -> Map<String, Json> {
        let (uid, user) = ourselves();
        let daemon = json!({ "host": self.host, "address": self.address, "version": self.version });
        Map::from_iter([
            ("schema".to_owned(), AUDIT_SCHEMA.into()),
            ("when".to_owned(), rfc3339(self.when).into()),
            ("user".to_owned(), user.into()),
            ("uid".to_owned(), uid.into()),
            ("daemon".to_owned(), daemon),
            ("key".to_owned(), self.key.into()),
        ])
    }
}

/// The number and the name of the user that we are, as far as the system tells.
fn ourselves() -> (Option<u32>, Option<String>) {
    let uid = fs::metadata("/proc/self").map(|own| own.uid()).ok();
    (uid, uid.and_then(|uid| user(Path::new("/etc/passwd"), uid)))
}

/// Whether a file ends within a line.
fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// The name of a user in a file of the system's accounts.
fn user(accounts: &Path, uid: u32) -> Option<String> {
    let text = fs::read_to_string(accounts).ok()?;
    let uid = uid.to_string();
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(uid.as_str())).then(|| name.to_owned())
    })
}

/// Seconds since 1970, by the wall clock.
pub fn wall(clock: &Clock) -> i64 {
    clock.now().clock.to_unix(NEAR).0
}

fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|at| at.to_string()).unwrap_or_default()
}

/// A second of this program's time: 2026-11-21.
const NEAR: i64 = 1_795_219_200;

/// What `schema` says of an entry of the log.
const AUDIT_SCHEMA: &str = "ntpscope/audit/1";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    pub(super) fn about() -> About {
        About {
            when: 1_795_219_200,
            host: "time1".to_owned(),
            address: Some("192.0.2.1:123".to_owned()),
            version: None,
            key: Some(5),
        }
    }

    pub(super) fn book(name: &str) -> Book {
        let folder =
            std::env::temp_dir().join(format!("ntpscope-book-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        Book { folder }
    }

    #[test]
    fn the_log_grows_by_a_line_an_event_that_its_owner_alone_can_read() {
        let book = book("log");
        let course = Course::default();
        book.enter(&about(), "armed", &course).unwrap();
        book.enter(&about(), "outcome", &course).unwrap();
        let text = fs::read_to_string(book.log()).unwrap();
        let events: Vec<Json> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0]["event"], "armed");
        assert_eq!(events[1]["daemon"]["address"], "192.0.2.1:123");
        assert_eq!(events[1]["key"], 5);
        let mode = fs::metadata(book.log()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_dir_all(&book.folder).unwrap();
    }

    #[test]
    fn each_entry_is_dated_when_it_is_written() {
        let book = book("dated");
        let long_ago = About { when: 0, ..about() };
        let mut keeper = Keeper::new(Some(book.clone()), None, long_ago, Clock::start());
        keeper.begin(None, &Course::default(), None).unwrap();
        keeper.end(&Course::default()).unwrap();
        let text = fs::read_to_string(book.log()).unwrap();
        assert_eq!(text.matches("\"when\":\"2").count(), 2, "{text}");
        fs::remove_dir_all(&book.folder).unwrap();
    }

    #[test]
    fn an_entry_behind_half_a_line_has_a_line_of_its_own() {
        let book = book("torn");
        book.make_folder().unwrap();
        fs::write(book.log(), "{\"schema\":\"ntpsc").unwrap();
        book.enter(&about(), "armed", &Course::default()).unwrap();
        book.enter(&about(), "outcome", &Course::default()).unwrap();
        let text = fs::read_to_string(book.log()).unwrap();
        let whole = text.lines().skip(1).map(serde_json::from_str::<Json>);
        assert_eq!(whole.flatten().count(), 2, "{text}");
        fs::remove_dir_all(&book.folder).unwrap();
    }

    #[test]
    fn a_user_is_found_by_his_number() {
        let file = std::env::temp_dir().join(format!("ntpscope-accounts-{}", std::process::id()));
        fs::write(&file, "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:\n").unwrap();
        assert_eq!(user(&file, 1000).as_deref(), Some("ann"));
        assert_eq!(user(&file, 7), None);
        fs::remove_file(&file).unwrap();
    }
}
