//! A real daemon that stops, starts anew, is held, is replaced by one that refuses: the screen
//! stays up, says which, and recovers by itself.

use std::process::{Command, Stdio};

use crate::lab;
use crate::terminal::Terminal;

/// A server of the lab that clients see through a relay only: nobody minds when it goes away.
const NODE: &str = "good3";
const ADDRESS: &str = "10.77.0.113";

fn start(host: &str) -> Terminal {
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    Terminal::start(&["tests/lab", "exec", "admin", program, "-n", host], 24, 80)
}

fn told(words: &[&str]) {
    let output = lab::lab(words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The row of the server's clock, fresh: synchronised, or just started.
fn answers(screen: &str) -> bool {
    screen.contains("127.127.1.0") && screen.contains("answers in")
}

#[test]
fn a_daemon_that_comes_and_goes_is_followed() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    // Whatever a run before has left.
    drop(lab::lab(&["resume", NODE]));
    drop(lab::lab(&["start", NODE]));
    let mut terminal = start(ADDRESS);
    terminal.wait_for("the table", answers);
    terminal.wait_for("its state", |screen| screen.contains("association "));
    let before = association(&terminal.screen().contents());

    told(&["pause", NODE]);
    terminal.wait_for("silence", |screen| screen.contains("no answer for"));
    assert!(terminal.screen().contents().contains("127.127.1.0"), "old values stay");
    assert!(terminal.screen().contents().contains("old"), "and are called so");
    terminal.keys("?");
    terminal.wait_for("help, while nothing answers", |screen| screen.contains("Help on"));
    terminal.keys("\x1b");
    terminal.wait_for("the end of help", |screen| !screen.contains("Help on"));
    told(&["resume", NODE]);
    terminal.wait_for("an answer after silence", answers);

    told(&["stop", NODE]);
    terminal.wait_for("the closed port", |screen| screen.contains("nothing listens"));
    assert!(terminal.screen().contents().contains("127.127.1.0"), "old values stay");
    told(&["start", NODE]);
    terminal.wait_for("the daemon started anew", |screen| {
        answers(screen) && association(screen).is_some_and(|now| Some(now) != before)
    });

    told(&["stop", NODE]);
    let mut refusing = refuse();
    terminal.wait_for("the daemon that does not answer questions", |screen| {
        screen.contains("no answer for")
    });
    refusing.kill().expect("it can be ended");
    refusing.wait().expect("it ends");
    told(&["start", NODE]);
    terminal.wait_for("the first daemon again", answers);

    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}

#[test]
fn a_start_of_ntpsec_is_told_though_it_gives_the_same_ids_again() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let synced = lab::lab(&["wait", "synced", "good2", "--timeout", "300"]);
    assert!(synced.status.success(), "{}", String::from_utf8_lossy(&synced.stderr));
    let mut terminal = start("10.77.0.112");
    terminal.wait_for("the table", |screen| {
        screen.contains("*LOCAL(0)") && screen.contains("answers in")
    });
    told(&["restart", "good2"]);
    terminal.wait_for("its new start", |screen| screen.contains("started anew"));
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
}

/// The id of the association under the cursor, from the strip.
fn association(screen: &str) -> Option<u16> {
    let mut after = screen.split("association ").skip(1);
    after.find_map(|after| after.split_whitespace().next()?.parse().ok())
}

/// Starts a daemon that answers no question, in the place of the one that was stopped.
fn refuse() -> std::process::Child {
    let folder = lab::target().join("pty");
    std::fs::create_dir_all(&folder).expect("a folder for a configuration");
    let file = folder.join("noquery.conf");
    std::fs::write(&file, "restrict default noquery\nserver 127.127.1.0\n").expect("written");
    Command::new(lab::root().join("tests/lab"))
        .args(["exec", NODE, "ntpd-classic", "-n", "-c"])
        .arg(&file)
        .env("NTPSCOPE_LAB_DIR", lab::folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a daemon can be started")
}

#[test]
fn a_daemon_that_never_answers_questions_is_explained() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let mut terminal = start("10.77.0.7");
    terminal.wait_for("the reasons there may be", |screen| screen.contains("noquery"));
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_host_without_ntpd_names_the_daemon_that_it_has() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    let mut terminal = Terminal::start(&["tests/lab", "exec", "openntpd", program], 24, 80);
    terminal.wait_for("the daemon's name", |screen| {
        screen.contains("OpenNTPD") && screen.contains("control messages")
    });
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_host_with_chronyd_is_asked_by_its_own_protocol() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    let socket = "unix:///run/chrony-chrony/chronyd.sock";
    for target in ["localhost", socket, "10.77.0.4", "chrony://10.77.0.34"] {
        let words = ["tests/lab", "exec", "chrony", program, "-n", target];
        let mut terminal = Terminal::start(&words, 24, 80);
        terminal.wait_for("its sources", |screen| {
            screen.contains("chronyd") && screen.contains("10.77.0.11")
        });
        terminal.keys("q");
        assert_eq!(terminal.end(), 0);
        terminal.assert_given_back();
    }
    let folder = std::fs::read_dir("/run/chrony-chrony").into_iter().flatten().flatten();
    let left: Vec<_> = folder.map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("ntpscope")), "{left:?}");
}

#[test]
fn a_name_without_an_address_is_told_at_once_and_not_on_a_screen() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let mut terminal = start("no-such-host.lab");
    assert_eq!(terminal.end(), 3);
    terminal.assert_given_back();
    let screen = terminal.screen().contents();
    assert!(screen.contains("ntpscope: no-such-host.lab: no address: "), "{screen}");
}

#[test]
fn a_name_without_an_address_beside_one_that_has_is_a_tab_that_says_so() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    let words = ["tests/lab", "exec", "admin", program, "no-such-host.lab", ADDRESS];
    let mut terminal = Terminal::start(&words, 24, 80);
    terminal.wait_for("the resolver's words", |screen| screen.contains("no address"));
    terminal.keys("\t");
    terminal.wait_for("the other daemon", |screen| screen.contains("LOCAL(0)"));
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}
