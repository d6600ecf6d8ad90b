//! What is kept of changes in the state folder: a log of all that was sent, and of each change that
//! is to be taken back unless somebody confirms it, how that is done.
//!
//! Both are for their owner's eyes only, and there is no secret in them. What is pending is written
//! before the first line is sent and locked for as long as somebody waits for the confirmation: a
//! file that is not locked was left behind by a program that died.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy as _;
use serde_json::{Map, Value as Json, json};

use crate::model::change::{Course, Verdict};
use crate::model::json::change as course_json;
use crate::net::clock::Clock;

/// Where changes are written down.
#[derive(Clone, Debug)]
pub struct Book {
    folder: PathBuf,
}

/// A change that waits for a confirmation, or was left behind by a program that did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub number: u32,
    /// When it was written, as RFC 3339 text.
    pub written: String,
    /// The daemon, as the user called it.
    pub host: String,
    /// What was to be sent.
    pub lines: Vec<String>,
    /// What takes it back.
    pub inverse: Vec<String>,
    /// How long after it was made it was to be taken back, in words.
    pub within: String,
    /// The number of the key.
    pub key: Option<u32>,
    /// Whether somebody still waits for its confirmation.
    pub is_awaited: bool,
}

/// The file of a change that waits; it is locked until this is dropped.
#[derive(Debug)]
pub struct Waiting {
    path: PathBuf,
    _lock: File,
}

/// Who changes what, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Seconds since 1970.
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
    pending: Option<u32>,
    about: About,
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

    /// Writes an event of a change to the log, with one call, so that no other is within it.
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
        let mut log = OpenOptions::new().append(true).create(true).mode(0o600).open(self.log())?;
        let line = format!("{}\n", Json::Object(entry));
        log.write_all(line.as_bytes())
    }

    /// Writes down what takes a change back, before it is made.
    ///
    /// # Errors
    /// The file cannot be written: then the change must not be made.
    pub fn wait(
        &self,
        about: &About,
        lines: &[String],
        inverse: &[String],
        within: &str,
    ) -> io::Result<Waiting> {
        self.make_folder()?;
        let text = json!({
            "schema": PENDING_SCHEMA,
            "written": rfc3339(about.when),
            "host": about.host,
            "address": about.address,
            "lines": lines,
            "inverse": inverse,
            "within": within,
            "key": about.key,
        });
        for number in 1..=MOST_PENDING {
            let path = self.path(number);
            let mut options = OpenOptions::new();
            match options.write(true).create_new(true).mode(0o600).open(&path) {
                Ok(mut file) => {
                    file.lock()?;
                    file.write_all(format!("{text}\n").as_bytes())?;
                    // It is there for the case that this machine loses its power, too.
                    file.sync_all()?;
                    return Ok(Waiting { path, _lock: file });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("too many changes are pending: take them back, or forget them"))
    }

    /// The changes that wait, or were left behind, by their numbers.
    pub fn pending(&self) -> Vec<Pending> {
        let mut all: Vec<Pending> =
            (1..=MOST_PENDING).filter_map(|number| self.read(number)).collect();
        all.sort_by_key(|pending| pending.number);
        all
    }

    /// The pending change of this number.
    pub fn read(&self, number: u32) -> Option<Pending> {
        let file = File::open(self.path(number)).ok()?;
        let is_awaited = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        let mut text = String::new();
        (&file).take(MOST_READ).read_to_string(&mut text).ok()?;
        let told: Json = serde_json::from_str(&text).ok()?;
        let word =
            |name: &str| told.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let lines = |name: &str| {
            let all = told.get(name).and_then(Json::as_array).into_iter().flatten();
            all.filter_map(Json::as_str).map(str::to_owned).collect()
        };
        Some(Pending {
            number,
            written: word("written"),
            host: word("host"),
            lines: lines("lines"),
            inverse: lines("inverse"),
            within: word("within"),
            key: told.get("key").and_then(Json::as_u64).and_then(|key| u32::try_from(key).ok()),
            is_awaited,
        })
    }

    /// Removes the pending change of this number.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget(&self, number: u32) -> io::Result<()> {
        fs::remove_file(self.path(number))
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("pending-{number}.json"))
    }

    fn make_folder(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)
    }
}

impl Keeper {
    /// Of a change that `about` says whose it is; `pending` is the number of the one that it takes
    /// back.
    pub const fn new(book: Option<Book>, pending: Option<u32>, about: About) -> Self {
        Self { book, pending, about, waiting: None }
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
    pub fn end(self, course: &Course) -> io::Result<()> {
        let Some(book) = &self.book else { return Ok(()) };
        book.enter(&self.about, "outcome", course)?;
        let is_settled = course.is_settled();
        if let Some(waiting) = self.waiting.filter(|_| is_settled) {
            waiting.end()?;
        }
        let verdict = course.verdict();
        match self.pending {
            Some(number) if matches!(verdict, Some(Verdict::Applied | Verdict::Untold)) => {
                book.forget(number)
            }
            _ => Ok(()),
        }
    }
}

impl Waiting {
    /// That there is nothing to take back any more.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn end(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

impl fmt::Display for Pending {
    /// What it is, and what takes it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, written, host, within, .. } = self;
        writeln!(f, "{number}  {host}, {written}, to be confirmed within {within}")?;
        for (title, lines) in [("sent", &self.lines), ("back", &self.inverse)] {
            lines.iter().try_for_each(|line| writeln!(f, "   {title}  {}", line.escape_debug()))?;
        }
        if self.is_awaited {
            writeln!(f, "   somebody still waits for its confirmation")?;
        }
        Ok(())
    }
}

impl About {
    fn json(&self) -> Map<String, Json> {
        let uid = fs::metadata("/proc/self").map(|own| own.uid()).ok();
        let user = uid.and_then(|uid| user(Path::new("/etc/passwd"), uid));
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

/// What `schema` says of a pending change.
const PENDING_SCHEMA: &str = "ntpscope/pending/1";

/// So many changes may wait at a time.
const MOST_PENDING: u32 = 99;

/// Bytes of a file that are read.
const MOST_READ: u64 = 1 << 16;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn book(name: &str) -> Book {
        let folder =
            std::env::temp_dir().join(format!("ntpscope-book-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        Book { folder }
    }

    fn about() -> About {
        About {
            when: 1_795_219_200,
            host: "time1".to_owned(),
            address: Some("192.0.2.1:123".to_owned()),
            version: None,
            key: Some(5),
        }
    }

    #[test]
    fn what_is_pending_is_locked_while_somebody_waits_and_stays_when_he_dies() {
        let book = book("pending");
        assert_eq!(book.pending(), []);
        let (lines, inverse) = (["server a".to_owned()], ["unconfig a".to_owned()]);
        let waiting = book.wait(&about(), &lines, &inverse, "5s").unwrap();
        let mode = fs::metadata(&waiting.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let one = book.read(1).unwrap();
        assert!(one.is_awaited);
        assert_eq!((one.lines.as_slice(), one.inverse.as_slice()), (&lines[..], &inverse[..]));
        assert_eq!((one.key, one.written.as_str()), (Some(5), "2026-11-21T00:00:00Z"));
        // Whoever dies lets go of the lock and of nothing else.
        drop(waiting);
        assert!(!book.read(1).unwrap().is_awaited);
        let second = book.wait(&about(), &lines, &inverse, "5s").unwrap();
        assert_eq!(book.pending().len(), 2);
        second.end().unwrap();
        book.forget(1).unwrap();
        assert_eq!(book.pending(), []);
        fs::remove_dir_all(&book.folder).unwrap();
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
    fn a_user_is_found_by_his_number() {
        let file = std::env::temp_dir().join(format!("ntpscope-accounts-{}", std::process::id()));
        fs::write(&file, "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:\n").unwrap();
        assert_eq!(user(&file, 1000).as_deref(), Some("ann"));
        assert_eq!(user(&file, 7), None);
        fs::remove_file(&file).unwrap();
    }
}
