//! `--discipline` at a terminal, refused: the program runs in a user namespace of its own, from which
//! nobody can set this machine's clock.

use std::process::{Command, Stdio};

use crate::lab;
use crate::terminal::Terminal;

/// Whether a program can be kept from the clock.
fn can_be_kept_off() -> Result<(), String> {
    let tried = Command::new("unshare").args(["-Ur", "true"]).stderr(Stdio::null()).status();
    match tried {
        Ok(status) if status.success() => Ok(()),
        _ => Err("`unshare -Ur` makes no user namespace".to_owned()),
    }
}

fn program() -> String {
    lab::program().to_str().expect("a path in UTF-8").to_owned()
}

#[test]
fn without_the_right_it_is_refused_in_the_shell_and_no_screen_is_drawn() {
    if !lab::available("userns", can_be_kept_off()) {
        return;
    }
    let program = program();
    for words in [
        ["unshare", "-Ur", &program, "--discipline", "--source", "127.0.0.1:9"],
        ["unshare", "-Ur", &program, "--discipline", "-c", "tests/data/ntp_conf/one-source.conf"],
    ] {
        let mut terminal = Terminal::start(&words, 24, 80);
        assert_eq!(terminal.end(), 1);
        terminal.assert_given_back();
        let said = String::from_utf8_lossy(&terminal.raw).into_owned();
        assert!(!said.contains("\u{1b}[?1049h"), "no screen: {said}");
        assert!(said.contains("cannot steer this host's clock: this process may not"), "{said}");
        assert!(said.contains("hint: it takes the capability CAP_SYS_TIME"), "{said}");
    }
}

#[test]
fn nothing_to_measure_is_a_mistake_before_anything_is_looked_at() {
    if !lab::available("userns", can_be_kept_off()) {
        return;
    }
    let mut terminal = Terminal::start(&["unshare", "-Ur", &program(), "--discipline"], 24, 80);
    assert_eq!(terminal.end(), 2);
    let said = String::from_utf8_lossy(&terminal.raw).into_owned();
    assert!(said.contains("there is none to measure"), "{said}");
    assert!(!said.contains("watching"), "{said}");
}
