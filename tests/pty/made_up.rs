//! What no real daemon does on demand: the screens over a made-up one, which needs no lab.

use std::time::{Duration, Instant};

use crate::terminal::Terminal;

/// The driver, which `cargo test` builds beside the tests; `cargo test --test pty` alone does not.
fn start(scene: &str) -> Terminal {
    let tests = std::env::current_exe().expect("the tests are a file");
    let folder = tests.parent().and_then(|deps| deps.parent()).expect("cargo's folders");
    let driver = folder.join("examples").join("screens");
    let driver = driver.to_str().expect("a path in UTF-8");
    Terminal::start(&[driver, scene], 24, 80)
}

fn has_help(screen: &str) -> bool {
    screen.contains("Help on Peers")
}

/// How long the program takes to open and to close its help, the longer of both.
fn answered(terminal: &mut Terminal) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "how long a real program takes")]
    let pressed = Instant::now();
    terminal.keys("?");
    terminal.wait_for("help", has_help);
    let opened = pressed.elapsed();
    terminal.keys("?");
    terminal.wait_for("the table", |screen| !has_help(screen));
    opened.max(pressed.elapsed().saturating_sub(opened))
}

#[test]
fn keys_are_answered_while_the_world_floods() {
    let mut terminal = start("flood");
    terminal.wait_for("the table", |screen| screen.contains("refid"));
    // Twenty milliseconds is the promise; code that is not optimised, on a machine that is shared,
    // keeps it most of the time, and on one that is overloaded now and then.
    let mut rounds = Vec::new();
    while rounds.last().is_none_or(|typical| *typical >= Duration::from_millis(40)) {
        assert!(rounds.len() < 10, "keys are answered after {rounds:?}");
        let mut waits: Vec<_> = (0..20).map(|_| answered(&mut terminal)).collect();
        waits.sort();
        rounds.push(waits[waits.len() / 2]);
    }
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}

#[test]
fn one_that_was_stopped_from_outside_takes_the_terminal_again() {
    let mut terminal = start("site");
    terminal.wait_for("the table", |screen| screen.contains("refid"));
    // There is no shell here that could continue it, so the kernel ignores the stop.
    terminal.keys("\x1a");
    terminal.wait_for("the table after Ctrl-Z", |screen| screen.contains("refid"));
    terminal.signal("-STOP", "screens");
    terminal.signal("-CONT", "screens");
    terminal.keys("?");
    terminal.wait_for("help", has_help);
    terminal.keys("qq");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
    let taken = b"\x1b[?1049h";
    let times = terminal.raw.windows(taken.len()).filter(|bytes| bytes == taken).count();
    assert!(times >= 2, "taken again");
}
