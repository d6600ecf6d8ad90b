//! Changes that wait for a confirmation: a file for each, with what takes it back.
//!
//! It is written before the first line is sent and locked for as long as somebody waits for the
//! confirmation: one that is not locked was left behind by a program that died. Whoever takes such a
//! change back, or forgets it, locks its file first, so that of two programs only one does.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::{Value as Json, json};

use super::{About, Book, ourselves, rfc3339};
use crate::backend::change::Pending;

/// The file of a change that waits; it is locked until this is dropped.
#[derive(Debug)]
pub struct Waiting {
    path: PathBuf,
    _lock: File,
}

/// The file of a change that was left behind and is in our hands now: it is locked until this is
/// dropped, and nobody else takes the change back or forgets it meanwhile.
#[derive(Debug)]
pub struct Claim {
    pending: Pending,
    path: PathBuf,
    _lock: File,
}

impl Book {
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
        let (uid, user) = ourselves();
        let text = json!({
            "schema": PENDING_SCHEMA,
            "written": rfc3339(about.when),
            "user": user,
            "uid": uid,
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
                    let mut write = || {
                        file.lock()?;
                        file.write_all(format!("{text}\n").as_bytes())?;
                        // It is there for the case that this machine loses its power, too.
                        file.sync_all()
                    };
                    if let Err(error) = write() {
                        // Half of it says nothing to anybody, and would keep its number for ever.
                        drop(fs::remove_file(&path));
                        return Err(error);
                    }
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
        (1..=MOST_PENDING).filter_map(|number| self.read(number)).collect()
    }

    /// The pending change of this number.
    pub fn read(&self, number: u32) -> Option<Pending> {
        let file = File::open(self.path(number)).ok()?;
        let is_in_hand = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        // At once, for whoever wants it whole meanwhile would think it in hand.
        drop(file.unlock());
        Some(Pending { is_in_hand, ..read(&file, number)? })
    }

    /// Takes the pending change of this number in hand; `None` where there is none.
    ///
    /// # Errors
    /// Why that cannot be, in a sentence: among others that somebody else has it in hand.
    pub fn claim(&self, number: u32) -> Result<Option<Claim>, String> {
        let path = self.path(number);
        let told = |error: &io::Error| format!("{}: {error}", path.display());
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(told(&error)),
        };
        lock(&file).map_err(|error| match error {
            TryLockError::WouldBlock => format!(
                "change {number} is in other hands: somebody waits for its confirmation, or is \
                 taking it back"
            ),
            TryLockError::Error(error) => told(&error),
        })?;
        // Between opening and locking it may have been done with, and another may be there by now.
        if !is_still(&file, &path) {
            return Ok(None);
        }
        let pending = read(&file, number);
        Ok(pending.map(|pending| Claim { pending, path, _lock: file }))
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("pending-{number}.json"))
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

impl Claim {
    /// What is written of the change.
    pub const fn pending(&self) -> &Pending {
        &self.pending
    }

    /// That it was taken back, or is to be kept.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn end(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// Locks a file. Whoever only looks whether it is locked has it for an instant, and may finish.
fn lock(file: &File) -> Result<(), TryLockError> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::yield_now(),
            other => return other,
        }
    }
    file.try_lock()
}

/// Whether the file is the one at `path`.
fn is_still(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(there)) = (file.metadata(), fs::metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}

/// What a file says; `None` where it is not as it was written here: then nobody may send a line of it.
fn read(file: &File, number: u32) -> Option<Pending> {
    let mut text = String::new();
    file.take(MOST_READ).read_to_string(&mut text).ok()?;
    let told: Json = serde_json::from_str(&text).ok()?;
    let is_printable =
        |text: &str| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let is_word = |word: &&str| !word.contains(char::is_control);
    let word = |name: &str| told.get(name).and_then(Json::as_str).filter(is_word);
    let lines = |name: &str| -> Option<Vec<String>> {
        let line = |line: &Json| line.as_str().filter(|line| is_printable(line)).map(str::to_owned);
        told.get(name)?.as_array()?.iter().map(line).collect()
    };
    let written = word("written")?.to_owned();
    Some(Pending {
        number,
        when: written.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second),
        written,
        user: word("user").map(str::to_owned),
        host: word("host")?.to_owned(),
        address: word("address").and_then(|address| address.parse().ok()),
        lines: lines("lines")?,
        inverse: lines("inverse")?,
        within: word("within").unwrap_or_default().to_owned(),
        key: told.get("key").and_then(Json::as_u64).and_then(|key| u32::try_from(key).ok()),
        is_in_hand: false,
    })
}

/// What `schema` says of a pending change.
const PENDING_SCHEMA: &str = "ntpscope/pending/1";

/// So many changes may wait at a time.
const MOST_PENDING: u32 = 99;

/// Bytes of a file that are read.
const MOST_READ: u64 = 1 << 16;

/// How many times it is tried to lock a file that somebody may only look at.
const TRIES: u32 = 1000;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::net::book::tests::{about, book};

    #[test]
    fn what_is_pending_is_locked_while_somebody_waits_and_stays_when_he_dies() {
        let book = book("pending");
        assert_eq!(book.pending(), []);
        let (lines, inverse) = (["server a".to_owned()], ["unconfig a".to_owned()]);
        let waiting = book.wait(&about(), &lines, &inverse, "5s").unwrap();
        let mode = fs::metadata(&waiting.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let one = book.read(1).unwrap();
        assert!(one.is_in_hand);
        assert_eq!((one.lines.as_slice(), one.inverse.as_slice()), (&lines[..], &inverse[..]));
        assert_eq!((one.key, one.written.as_str()), (Some(5), "2026-11-21T00:00:00Z"));
        assert_eq!((one.when, one.address), (Some(about().when), "192.0.2.1:123".parse().ok()));
        assert!(book.claim(1).unwrap_err().contains("in other hands"));
        // Whoever dies lets go of the lock and of nothing else.
        drop(waiting);
        assert!(!book.read(1).unwrap().is_in_hand);
        let second = book.wait(&about(), &lines, &inverse, "5s").unwrap();
        assert_eq!(book.pending().len(), 2);
        second.end().unwrap();
        book.claim(1).unwrap().unwrap().end().unwrap();
        assert_eq!(book.pending(), []);
        fs::remove_dir_all(&book.folder).unwrap();
    }

    #[test]
    fn of_many_only_one_has_it_in_hand() {
        let book = book("claims");
        drop(book.wait(&about(), &["a".to_owned()], &["b".to_owned()], "5s").unwrap());
        let claims: Vec<_> = thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| book.claim(1))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(claims.iter().filter(|claim| matches!(claim, Ok(Some(_)))).count(), 1);
        assert_eq!(claims.iter().filter(|claim| claim.is_err()).count(), 7);
        assert!(book.read(1).unwrap().is_in_hand);
        // Let go of, it is there for the next; done with, for nobody.
        drop(claims);
        book.claim(1).unwrap().unwrap().end().unwrap();
        assert!(book.claim(1).unwrap().is_none() && book.read(1).is_none());
        fs::remove_dir_all(&book.folder).unwrap();
    }

    #[test]
    fn a_file_that_is_not_as_it_was_written_is_no_change() {
        let book = book("strange");
        book.make_folder().unwrap();
        for text in [
            "",
            "{}",
            "[1]",
            r#"{"written":"x","host":"a","lines":["b"],"inverse":["c\u001b[2J"]}"#,
            r#"{"written":"x","host":"a","lines":["b"],"inverse":[1]}"#,
            r#"{"written":"x","host":"a\n","lines":["b"],"inverse":["c"]}"#,
        ] {
            fs::write(book.path(3), text).unwrap();
            assert!(book.read(3).is_none() && book.claim(3).unwrap().is_none(), "{text}");
        }
        fs::write(book.path(3), r#"{"written":"x","host":"a","lines":["b"],"inverse":["c"]}"#)
            .unwrap();
        let read = book.read(3).unwrap();
        assert_eq!((read.when, read.user, read.key), (None, None, None));
        fs::remove_dir_all(&book.folder).unwrap();
    }
}
