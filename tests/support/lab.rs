//! The lab of real daemons, for the tests that need it, and what to do where it cannot be had.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Whether `what` (lab, peers, faketime) can be had; a test that needs it returns when not.
pub(crate) fn available(what: &str, reason: Result<(), String>) -> bool {
    reason.map_err(|reason| skip(what, &reason)).is_ok()
}

/// Says that a test is skipped because `what` cannot be had.
///
/// Where `NTPSCOPE_REQUIRE` names it, its absence is a failure. Otherwise it is told on stderr and
/// in the list that `tests/run` prints at the end.
pub(crate) fn skip(what: &str, reason: &str) {
    let required = std::env::var("NTPSCOPE_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|word| word == what), "{what} is required: {reason}");
    drop(writeln!(std::io::stderr(), "skipped: {what}: {reason}"));
    if let Ok(list) = std::env::var("NTPSCOPE_SKIPPED") {
        let list = OpenOptions::new().append(true).open(list);
        let told = list.and_then(|mut list| writeln!(list, "{what}: {reason}"));
        assert!(told.is_ok(), "cannot list what was skipped: {told:?}");
    }
}

/// Runs `tests/lab` with `words`.
pub(crate) fn lab(words: &[&str]) -> Output {
    Command::new(root().join("tests/lab"))
        .args(words)
        .env("NTPSCOPE_LAB_DIR", folder())
        .output()
        .expect("tests/lab can be started: it is part of this repository")
}

/// Brings the lab up, once for all tests of this program; why not, where it cannot be had.
///
/// It goes down with `tests/run`, or by `tests/lab down` with the same folder.
pub(crate) fn up() -> Result<(), String> {
    static UP: OnceLock<Result<(), String>> = OnceLock::new();
    UP.get_or_init(|| {
        let output = lab(&["up"]);
        if output.status.success() {
            Ok(())
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(said.lines().last().unwrap_or("tests/lab up failed").to_owned())
        }
    })
    .clone()
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Where this lab's state is: one for the tests, apart from the one that people bring up.
pub(crate) fn folder() -> PathBuf {
    match std::env::var_os("NTPSCOPE_LAB_DIR") {
        Some(folder) => folder.into(),
        None => target().join("lab-tests"),
    }
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The program under test: the one that is shipped where `tests/run` built it.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("NTPSCOPE_BIN")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_ntpscope")), PathBuf::from)
}
