//! Start, keys, sizes and every way to end.

use std::process::Command;

use crate::lab;
use crate::terminal::Terminal;

/// The classic client daemon of the lab: four sources, a falseticker, one that never answers.
const CLASSIC: &str = "10.77.0.2";

fn start(rows: u16, columns: u16) -> Terminal {
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    Terminal::start(&["tests/lab", "exec", "admin", program, "-n", CLASSIC], rows, columns)
}

fn has_table(screen: &str) -> bool {
    screen.contains("10.77.0.14") && screen.contains("pool.lab") && screen.contains("127.127.1.0")
}

#[test]
fn the_table_is_that_of_ntpq() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let settled = lab::lab(&["wait", "settled", "classic", "--timeout", "300"]);
    assert!(settled.status.success(), "{}", String::from_utf8_lossy(&settled.stderr));
    // Servers come and go in the lab meanwhile, as others of these tests want it.
    for _ in 0..10 {
        let before = table();
        let mut terminal = start(24, 80);
        let remotes: Vec<_> = before.iter().map(|row| row.remote.clone()).collect();
        assert!(remotes.len() >= 8, "{before:?}");
        // The last line is drawn last; before it there may be half a row.
        terminal.wait_for("all of the table", |screen| {
            remotes.iter().all(|remote| screen.contains(remote)) && screen.contains("q quit")
        });
        let screen = terminal.screen().contents();
        if table() != before {
            continue;
        }
        for Row { remote, reference, stratum, is_false } in &before {
            let ours = screen.lines().find(|line| {
                line.get(1..).unwrap_or_default().trim_start_matches([' ', '└']).starts_with(remote)
            });
            let ours = ours.unwrap_or_else(|| panic!("{remote} is not on screen:\n{screen}"));
            assert_eq!(ours.starts_with('x'), *is_false, "{remote}:\n{screen}");
            let ours: Vec<_> = ours.split_whitespace().collect();
            assert!(ours.contains(&&**reference), "{reference} of {remote}:\n{screen}");
            assert!(ours.contains(&&**stratum), "{stratum} of {remote}:\n{screen}");
        }
        assert!(before.iter().any(|row| row.is_false), "the falseticker has its tally");
        terminal.keys("q");
        assert_eq!(terminal.end(), 0);
        terminal.assert_given_back();
        return;
    }
    panic!("the table never stood still");
}

/// What a row of ntpq's table has that numbers of the next second do not change.
#[derive(Debug, PartialEq)]
struct Row {
    remote: String,
    reference: String,
    stratum: String,
    is_false: bool,
}

/// The table that ntpq prints of the classic daemon.
fn table() -> Vec<Row> {
    let told = lab::lab(&["exec", "admin", "ntpq-classic", "-pn", CLASSIC]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let row = |line: &str| {
        let words: Vec<_> = line.get(1..).unwrap_or_default().split_whitespace().collect();
        let [remote, reference, stratum, ..] = words.as_slice() else { panic!("{line}") };
        let [remote, reference, stratum] = [remote, reference, stratum].map(|&word| word.into());
        Row { remote, reference, stratum, is_false: line.starts_with('x') }
    };
    told.lines().skip(2).map(row).collect()
}

#[test]
fn keys_act_and_a_new_size_is_drawn_anew() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let mut terminal = start(24, 80);
    terminal.wait_for("the table", has_table);
    terminal.keys("?");
    terminal.wait_for("help", |screen| screen.contains("Help on"));
    terminal.keys("\x1b");
    terminal.wait_for("the table again", has_table);
    terminal.keys("\r");
    terminal.wait_for("the association", |screen| screen.contains("Filter samples"));
    terminal.keys("\x1b");
    terminal.wait_for("the table again", has_table);
    for (rows, columns) in [(40, 120), (16, 60), (1, 1), (24, 80)] {
        terminal.resize(rows, columns);
        if rows > 1 {
            let wide = usize::from(columns);
            terminal.wait_for("a screen of the new size", |screen| {
                screen.contains("10.77.0.11")
                    && screen.lines().all(|line| line.chars().count() <= wide)
            });
        }
    }
    terminal.wait_for("the table", has_table);
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}

#[test]
fn a_signal_to_end_gives_the_terminal_back() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    for signal in ["-TERM", "-HUP", "-INT"] {
        let mut terminal = start(24, 80);
        terminal.wait_for("the table", has_table);
        assert!(terminal.screen().alternate_screen());
        terminal.signal(signal, "ntpscope");
        terminal.end();
        terminal.assert_given_back();
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_told() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let mut terminal = start(24, 80);
    terminal.wait_for("the table", has_table);
    terminal.keys(":panic\r");
    assert_ne!(terminal.end(), 0);
    terminal.assert_given_back();
    assert!(String::from_utf8_lossy(&terminal.raw).contains("on purpose"));
}

#[test]
fn the_shell_can_stop_it_and_let_it_go_on() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let shell = ["tests/lab", "exec", "admin", "bash", "--norc", "--noprofile", "-i"];
    let mut terminal = Terminal::start(&shell, 24, 80);
    let program = lab::program();
    terminal.keys(&format!("PS1='ready> '; {} -n {CLASSIC}\r", program.display()));
    terminal.wait_for("the table", has_table);
    terminal.keys("\x1a");
    terminal.wait_for("the shell", |screen| screen.contains("Stopped"));
    assert!(!terminal.screen().alternate_screen());
    assert!(!terminal.screen().hide_cursor());
    terminal.keys("echo still $((40+2))\r");
    let has_echo =
        |screen: &str| screen.contains("still 42") && screen.trim_end().ends_with("ready>");
    terminal.wait_for("the shell to echo", has_echo);
    terminal.keys("fg\r");
    terminal.wait_for("the table", has_table);
    assert!(terminal.screen().alternate_screen());
    terminal.keys("q");
    // What is typed before the shell has its terminal back is lost.
    terminal.wait_for("the shell again", |screen| screen.trim_end().ends_with("ready>"));
    terminal.keys("exit\r");
    terminal.end();
    terminal.assert_given_back();
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let program = lab::program();
    // A listener that never answers: one sentence on stderr after the timeout, and no panic.
    let listener = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
    let address = listener.local_addr().expect("its address");
    let line =
        format!("{} --timeout 200ms {address} | true; echo ${{PIPESTATUS[0]}}", program.display());
    let output = Command::new("bash").args(["-c", &line]).output().expect("bash can be started");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "3");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.lines().count() == 1 && said.contains("no answer"), "{said}");
}
