//! The console at a terminal: on a real daemon, on one that never answers, on a simulated one.

use std::net::UdpSocket;

use crate::lab;
use crate::terminal::Terminal;

/// The classic client daemon of the lab.
const CLASSIC: &str = "10.77.0.2";

fn program() -> String {
    lab::program().to_str().expect("a path in UTF-8").to_owned()
}

/// Whether the console awaits a command.
fn is_ready(screen: &str) -> bool {
    screen.lines().any(|line| line.trim_end() == "ntpq>")
}

#[test]
fn a_real_daemon_is_asked_anything() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let settled = lab::lab(&["wait", "settled", "classic", "--timeout", "300"]);
    assert!(settled.status.success(), "{}", String::from_utf8_lossy(&settled.stderr));
    let program = program();
    let words = ["tests/lab", "exec", "admin", &program, "-n", CLASSIC];
    let mut terminal = Terminal::start(&words, 24, 80);
    terminal.wait_for("the table", |screen| screen.contains("10.77.0.14"));
    terminal.keys(">");
    terminal.wait_for("the console", is_ready);
    terminal.keys("rv\r");
    terminal.wait_for("variables", |screen| {
        screen.contains("associd=0 status=") && screen.contains("mintc=3") && is_ready(screen)
    });
    terminal.keys("pe\r");
    terminal.wait_for("peers", |screen| {
        screen.lines().any(|line| line.get(1..).is_some_and(|row| row.starts_with("10.77.0.14 ")))
            && is_ready(screen)
    });
    terminal.keys("rv 10.77.0.14\tsrca\t\r");
    terminal
        .wait_for("one of them", |screen| screen.contains("srcadr=10.77.0.14") && is_ready(screen));
    terminal.keys("mrulist sort=-c\t\r");
    terminal
        .wait_for("who asked", |screen| screen.contains("unique MRU entries") && is_ready(screen));
    terminal.keys(":config server 10.77.0.99\r");
    terminal.wait_for("a refusal", |screen| {
        screen.contains("changes are made by `:set` on the other screens")
    });
    // It tells those with a key alone.
    terminal.keys("ifstats\r");
    terminal.wait_for("a question", |screen| screen.contains("\nKeyid:"));
    terminal.keys("9\r");
    terminal.wait_for("another", |screen| screen.contains("\nMD5 Password:"));
    terminal.keys("Sw0rdfish\r");
    terminal.wait_for("the answer to a wrong key", |screen| {
        screen.contains("***Server disallowed request") && is_ready(screen)
    });
    terminal.keys("\x10\x10\x10");
    terminal.wait_for("an earlier command", |screen| screen.contains("ntpq> mrulist"));
    terminal.keys("\x03");
    terminal.wait_for("an empty line", is_ready);
    terminal.keys("quit\r");
    terminal.wait_for("the table again", |screen| screen.contains("Enter details"));
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
    assert!(!String::from_utf8_lossy(&terminal.raw).contains("Sw0rd"));
}

#[test]
fn a_command_that_is_not_answered_is_stopped() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
    let address = socket.local_addr().expect("its address").to_string();
    let mut terminal = Terminal::start(&[&program(), "-n", &address], 16, 60);
    terminal.wait_for("the table", |screen| screen.contains("q quit"));
    terminal.keys(">");
    terminal.wait_for("the console", is_ready);
    for stop in ["\x03", "\x1b"] {
        terminal.keys("rv\r");
        terminal.wait_for("a command at work", |screen| screen.contains("rv · running"));
        terminal.keys(stop);
        terminal.wait_for("the next line", is_ready);
    }
    terminal.keys("\x1b");
    terminal.wait_for("the table again", |screen| screen.contains("q quit"));
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}

#[test]
fn a_simulated_daemon_answers_from_its_picture() {
    let mut terminal = Terminal::start(&[&program(), "demo", "--speed", "64"], 40, 120);
    terminal.wait_for("a clock that converged", |screen| screen.contains("● synchronised to"));
    terminal.keys(">");
    terminal.wait_for("the console", is_ready);
    terminal.keys("peers\r");
    terminal.wait_for("its sources", |screen| screen.contains("st t when poll reach"));
    terminal.wait_for("the next line", is_ready);
    terminal.keys("\x14");
    terminal.wait_for("the console of the next", |screen| {
        !screen.contains("st t when poll reach") && is_ready(screen)
    });
    terminal.keys("rv 0 stra\t\r");
    terminal.wait_for("its stratum", |screen| screen.contains("stratum=1"));
    terminal.keys("\x04q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}
