//! A resolver that hangs: neither the screen nor quitting waits for it, and a table printed once
//! waits for names no longer than it says.
//!
//! The program runs in a network of its own (`tests/site/netbox`) whose resolver takes every
//! question and answers none, beside a frozen daemon none of whose sources has a known name.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::lab;
use crate::terminal::Terminal;

/// How long a screen may take from the program's start.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How long quitting may take, the end of the network around the program included.
const QUICK: Duration = Duration::from_millis(500);

#[test]
fn a_table_is_shown_while_its_names_hang() {
    let Some(mut terminal) = Screen::start("127.0.0.1") else { return };
    terminal.shows("the table", |screen| screen.contains("10.77.0.11"));
    // What is on screen is what its lookups hang for.
    assert!(terminal.0.screen().contents().contains("synchronised"));
    terminal.quits();
}

#[test]
fn a_host_whose_name_hangs_is_said_to_be_looked_up() {
    let Some(mut terminal) = Screen::start("hangs.example") else { return };
    terminal.shows("what it waits for", |screen| screen.contains("looking up its address"));
    terminal.0.keys("?");
    terminal.shows("help, while the name hangs", |screen| screen.contains("Help on"));
    terminal.0.keys("?");
    terminal.shows("the end of help", |screen| !screen.contains("Help on"));
    terminal.quits();
}

#[test]
fn a_table_printed_once_goes_out_without_the_names_that_hang() {
    let Some(printed) = once("127.0.0.1") else { return };
    assert!(printed.text.contains("10.77.0.11"), "{}", printed.text);
    assert_eq!(printed.status, 0);
    // A second for the names, and what it takes to start, to ask and to print.
    assert!(printed.took < Duration::from_millis(1800), "it took {:?}", printed.took);
}

#[test]
fn a_host_whose_name_hangs_is_given_up_in_time() {
    let Some(printed) = once("--timeout 700ms hangs.example") else { return };
    assert!(printed.text.contains("no address"), "{}", printed.text);
    assert_eq!(printed.status, 3);
    assert!(printed.took < Duration::from_millis(1500), "it took {:?}", printed.took);
}

/// Starts the frozen daemon and makes sure that names hang, then says so.
fn script(rest: &str) -> String {
    let site = lab::root().join("tests/site/frozen.py");
    let capture = lab::root().join("tests/data/frozen/ntpsec.json");
    format!(
        "set -eu
        folder=$(mktemp -d)
        trap 'rm -r \"$folder\"' EXIT
        python3 '{}' '{}' </dev/null >\"$folder/ready\" 2>\"$folder/trouble\" &
        n=0
        until grep -q ready \"$folder/ready\"; do
            sleep 0.02; n=$((n + 1)); [ $n -lt 500 ] || {{ cat \"$folder/trouble\" >&2; exit 1; }}
        done
        for name in hangs.example 10.77.0.11; do
            s=0; timeout 0.3 getent hosts $name || s=$?
            [ $s = 124 ] || {{ echo \"$name does not hang: $s\" >&2; exit 1; }}
        done
        program='{}'
        {rest}\n",
        site.display(),
        capture.display(),
        lab::program().display(),
    )
}

/// Whether there are networks of one's own here; told as skipped when not.
fn is_possible() -> bool {
    let tried = Command::new(lab::root().join(NETBOX)).arg("true").output();
    let tried = tried.expect("tests/site/netbox can be started: it is part of this repository");
    let said = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
    let is_skipped = tried.status.code() == Some(SKIPPED);
    assert!(tried.status.success() || is_skipped, "{said}");
    lab::available("lab", if is_skipped { Err(said) } else { Ok(()) })
}

const NETBOX: &str = "tests/site/netbox";

/// How a helper says that this machine cannot do it.
const SKIPPED: i32 = 77;

/// The program on a terminal.
struct Screen(Terminal);

impl Screen {
    fn start(words: &str) -> Option<Self> {
        if !is_possible() {
            return None;
        }
        let netbox = lab::root().join(NETBOX);
        let netbox = netbox.to_str().expect("a path in UTF-8");
        let script = script(&format!("echo now; read line; \"$program\" {words}"));
        let words = [netbox, "--deaf-resolver", "sh", "-c", &script];
        let mut terminal = Terminal::start(&words, 24, 80);
        terminal.wait_for("the daemon", |screen| screen.contains("now"));
        terminal.keys("\n");
        Some(Self(terminal))
    }

    fn shows(&mut self, what: &str, ok: impl Fn(&str) -> bool) {
        self.0.wait_within(AT_ONCE, what, ok);
    }

    #[expect(clippy::disallowed_methods, reason = "how long a real program takes")]
    fn quits(mut self) {
        let asked = Instant::now();
        self.0.keys("q");
        assert_eq!(self.0.end(), 0);
        let took = asked.elapsed();
        println!("quits in {took:?}");
        assert!(took < QUICK, "quitting took {took:?}");
        self.0.assert_given_back();
    }
}

/// What the program printed without a terminal.
struct Printed {
    text: String,
    status: u32,
    took: Duration,
}

fn once(words: &str) -> Option<Printed> {
    if !is_possible() {
        return None;
    }
    let output = Command::new(lab::root().join(NETBOX))
        .args(["--deaf-resolver", "sh", "-c"])
        .arg(script(&format!(
            "export XDG_CONFIG_HOME=/nonexistent
            before=$(date +%s%N); s=0; \"$program\" {words} 2>&1 || s=$?
            echo \"ended $s $((($(date +%s%N) - before) / 1000000))\""
        )))
        .output()
        .expect("tests/site/netbox can be started: it is part of this repository");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{said}");
    let end = text.lines().last().and_then(|line| line.strip_prefix("ended "));
    let (status, took) = end.and_then(|end| end.split_once(' ')).expect("how it ended");
    let took = Duration::from_millis(took.parse().expect("milliseconds"));
    println!("printed in {took:?}");
    Some(Printed { status: status.parse().expect("a status"), took, text })
}
