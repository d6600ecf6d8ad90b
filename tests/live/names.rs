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

/// How often a time limit may be tried to keep: a machine that has much else to do is late now and
/// then, a program that waits for a name is late for half a minute each time.
const TRIES: usize = 5;

/// What took too long in one try.
type Late = Vec<String>;

/// Fails unless one of several tries was in time with all that it did. `None` is one that cannot be
/// made on this machine, which was told.
fn in_time(mut attempt: impl FnMut() -> Option<Late>) {
    let mut late = Vec::new();
    for _ in 0..TRIES {
        match attempt() {
            None => return,
            Some(what) if what.is_empty() => return,
            Some(what) => late.push(what),
        }
    }
    panic!("too late each time: {late:?}");
}

#[test]
fn a_table_is_shown_while_its_names_hang() {
    in_time(|| {
        let mut screen = Screen::start("127.0.0.1")?;
        // What is on screen is what its lookups hang for.
        screen.shows("the table", |screen| {
            screen.contains("10.77.0.11") && screen.contains("synchronised")
        });
        Some(screen.quits())
    });
}

#[test]
fn a_host_whose_name_hangs_is_said_to_be_looked_up() {
    in_time(|| {
        let mut screen = Screen::start("hangs.example")?;
        screen.shows("what it waits for", |screen| screen.contains("looking up its address"));
        screen.terminal.keys("?");
        screen.shows("help, while the name hangs", |screen| screen.contains("Help on"));
        screen.terminal.keys("?");
        screen.shows("the end of help", |screen| !screen.contains("Help on"));
        Some(screen.quits())
    });
}

#[test]
fn a_table_printed_once_goes_out_without_the_names_that_hang() {
    in_time(|| {
        let printed = once("127.0.0.1")?;
        assert!(printed.text.contains("10.77.0.11"), "{}", printed.text);
        assert_eq!(printed.status, 0);
        // A second for the names, and what it takes to start, to ask and to print.
        Some(printed.late(Duration::from_millis(1800)))
    });
}

#[test]
fn a_host_whose_name_hangs_is_given_up_in_time() {
    in_time(|| {
        let printed = once("--timeout 700ms hangs.example")?;
        assert!(printed.text.contains("no address"), "{}", printed.text);
        assert_eq!(printed.status, 3);
        Some(printed.late(Duration::from_millis(1500)))
    });
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
struct Screen {
    terminal: Terminal,
    late: Late,
}

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
        Some(Self { terminal, late: Vec::new() })
    }

    #[expect(clippy::disallowed_methods, reason = "how long a real program takes")]
    fn shows(&mut self, what: &str, ok: impl Fn(&str) -> bool) {
        let asked = Instant::now();
        self.terminal.wait_for(what, ok);
        self.took(what, asked.elapsed(), AT_ONCE);
    }

    #[expect(clippy::disallowed_methods, reason = "how long a real program takes")]
    fn quits(mut self) -> Late {
        let asked = Instant::now();
        self.terminal.keys("q");
        assert_eq!(self.terminal.end(), 0);
        self.took("quitting", asked.elapsed(), QUICK);
        self.terminal.assert_given_back();
        self.late
    }

    fn took(&mut self, what: &str, took: Duration, limit: Duration) {
        println!("{what} in {took:?}");
        if took >= limit {
            self.late.push(format!("{what} took {took:?}"));
        }
    }
}

/// What the program printed without a terminal.
struct Printed {
    text: String,
    status: u32,
    took: Duration,
}

impl Printed {
    fn late(&self, limit: Duration) -> Late {
        if self.took < limit { Vec::new() } else { vec![format!("it took {:?}", self.took)] }
    }
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
