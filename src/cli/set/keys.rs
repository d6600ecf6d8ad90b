//! The key that signs changes: from a file that nobody else can read, a descriptor, or typed without
//! an echo. It is wiped from memory when it is dropped, and stands in no log, book or history.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::config::Rejected;
use crate::config::files::Files;
use crate::config::keys::{self, Entry};

/// The key that `files` name, or one of this type that is typed; `None` where they name none.
///
/// # Errors
/// A file that others can read, or that is no file of keys; no such key in it; no key that was typed.
pub fn chosen(files: &Files, kind: &str) -> Result<Option<Entry>, Rejected> {
    match (&files.keys, files.key) {
        (Some(file), id) => choose(file, id).map(Some),
        (None, Some(id)) => typed(id, kind).map(Some),
        (None, None) => Ok(None),
    }
}

/// The keys of a file.
///
/// # Errors
/// Others can read it, or it is no file of keys.
pub fn all(file: &Path) -> Result<Vec<Entry>, Rejected> {
    let (name, text) = read(file)?;
    keys::read(&name, &text)
}

fn choose(file: &Path, id: Option<u32>) -> Result<Entry, Rejected> {
    let entries = all(file)?;
    let name = called(file);
    let numbers: Vec<String> = entries.iter().map(|entry| entry.key.id().to_string()).collect();
    let rejected = |reason: String| Rejected { source: name.clone(), position: None, reason };
    let has = format!(
        "it has {}",
        if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") }
    );
    let mut entries = entries.into_iter();
    if let Some(id) = id {
        let found = entries.find(|entry| entry.key.id().get() == id);
        return found.ok_or_else(|| rejected(format!("there is no key {id} in it: {has}")));
    }
    match (entries.next(), entries.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(rejected(format!("which key is to sign? {has}\nhint: say --key ID"))),
    }
}

fn called(file: &Path) -> String {
    if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() }
}

/// What a file is called and what is in it.
fn read(file: &Path) -> Result<(String, Zeroizing<String>), Rejected> {
    let name = called(file);
    let rejected = |reason: String| Rejected { source: name.clone(), position: None, reason };
    let unreadable = |error: io::Error| rejected(format!("cannot be read: {error}"));
    // With room from the start, for what is moved when it grows is not wiped.
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    if file == Path::new("-") {
        io::stdin().take(MOST_READ).read_to_string(&mut text).map_err(unreadable)?;
        return Ok((name, text));
    }
    let opened = File::open(file).map_err(unreadable)?;
    let about = opened.metadata().map_err(unreadable)?;
    let mode = about.permissions().mode() & 0o777;
    if about.is_file() && !is_descriptor(file) && mode & OF_OTHERS != 0 {
        return Err(rejected(format!(
            "others than its owner can read or write it (mode {mode:04o}), so these keys are no \
             secret\nhint: chmod 600 {}",
            file.display()
        )));
    }
    opened.take(MOST_READ).read_to_string(&mut text).map_err(unreadable)?;
    Ok((name, text))
}

/// Whether a path is one of our own descriptors: whoever opened it has seen to it who may read it.
fn is_descriptor(file: &Path) -> bool {
    let folder = file.parent().and_then(|folder| fs::canonicalize(folder).ok());
    let own = fs::canonicalize("/proc/self/fd").ok();
    folder.is_some() && folder == own
}

/// The key of this number, of which the secret is typed.
fn typed(id: u32, kind: &str) -> Result<Entry, Rejected> {
    let rejected = |reason: &str| Rejected {
        source: "the key".to_owned(),
        position: None,
        reason: reason.to_owned(),
    };
    if !io::stdin().is_terminal() {
        return Err(rejected(
            "its secret is asked for on a terminal, and there is none\nhint: name a file of keys \
             (--keys FILE), or a descriptor (--keys /dev/fd/3)",
        ));
    }
    let prompt = format!("secret of key {id} ({}): ", kind.escape_debug());
    let secret = rpassword::prompt_password(prompt);
    let secret = Zeroizing::new(secret.map_err(|_| rejected("nothing was typed"))?);
    keys::typed(id, kind, &secret)
}

/// What group and others may do.
const OF_OTHERS: u32 = 0o077;

/// Bytes that are made room for.
const ROOM: usize = 1 << 16;

/// Bytes of a file that are read: no more than there is room for.
const MOST_READ: u64 = 1 << 16;
