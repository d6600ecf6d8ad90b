//! Commands at the prompts of ntpq and ntpdc: edited, completed, found again, interrupted.

use std::net::UdpSocket;

use crate::lab;
use crate::terminal::Terminal;

/// The classic client daemon of the lab.
const CLASSIC: &str = "10.77.0.2";

/// What a shell says of a terminal that is as it should be, in one line.
const SANE: &str =
    "stty -a | tr ' ;' '\\n\\n' | grep -xE -- '-?(icanon|echo|isig|opost)' | xargs echo";

/// A host that never answers.
fn silent() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
    let address = socket.local_addr().expect("its address").to_string();
    (socket, address)
}

/// `words` behind the program, and what the terminal is like when that has ended.
fn run(words: &str) -> Terminal {
    let line = format!("{} {words}; echo status $?; {SANE}", lab::program().display());
    Terminal::start(&["bash", "-c", &line], 24, 80)
}

fn is_prompt(screen: &str) -> bool {
    screen
        .trim_end()
        .lines()
        .last()
        .is_some_and(|line| matches!(line.trim_end(), "ntpq>" | "ntpdc>"))
}

/// Waits until the program has ended with this status and left the terminal as it was.
fn ended(terminal: &mut Terminal, status: u32) {
    let said = format!("status {status}\n");
    terminal.wait_for("the end", |screen| screen.contains(&said));
    terminal.wait_for("a sane terminal", |screen| {
        screen.trim_end().ends_with("isig icanon echo opost")
            || screen.trim_end().ends_with("opost isig icanon echo")
    });
    terminal.end();
    terminal.assert_given_back();
}

#[test]
fn a_line_is_edited_completed_and_found_again() {
    let (_socket, host) = silent();
    let mut terminal = run(&format!("ntpq -n {host}"));
    terminal.wait_for("the prompt", is_prompt);
    terminal.keys("keytx\x7fyp\t");
    terminal.wait_for("a command", |screen| screen.contains("ntpq> keytype"));
    terminal.keys("\r");
    terminal.wait_for("its answer", |screen| screen.contains("keytype is MD5"));
    terminal.keys("sys\t");
    terminal.wait_for("what it may be", |screen| {
        screen.contains("sysinfo   print the daemon's state") && screen.contains("sysstats  ")
    });
    terminal.keys("\t\x15hostnames n\t\r\x10");
    terminal.wait_for("the line before", |screen| {
        screen.trim_end().ends_with("hostnames no \nntpq> hostnames no")
    });
    terminal.keys("\x15\x12keyt");
    terminal
        .wait_for("a line that was searched", |screen| screen.contains("(search)`keyt': keytype"));
    terminal.keys("\x03\x03");
    terminal.wait_for("an empty line", is_prompt);
    terminal.keys("\x04");
    ended(&mut terminal, 0);
}

#[test]
fn an_interrupt_ends_a_command_and_not_the_program() {
    let (_socket, host) = silent();
    for (program, command) in [("ntpq", "rv"), ("ntpdc", "sysinfo")] {
        let mut terminal = run(&format!("{program} -n {host}"));
        terminal.wait_for("the prompt", is_prompt);
        terminal.keys(&format!("{command}\r"));
        terminal.wait_for("a command at work", |screen| screen.trim_end().ends_with(command));
        terminal.keys("\x03");
        terminal.wait_for("the next prompt", is_prompt);
        terminal.keys("host\r");
        terminal.wait_for("its answer", |screen| screen.contains("current host is 127.0.0.1"));
        terminal.wait_for("the next prompt", is_prompt);
        terminal.keys("abc\x03");
        terminal
            .wait_for("an empty line", |screen| screen.contains("> abc^C") && is_prompt(screen));
        terminal.keys("quit\r");
        ended(&mut terminal, 0);
    }
}

#[test]
fn a_secret_that_is_typed_appears_nowhere() {
    let (_socket, host) = silent();
    for (program, change) in [("ntpq", ":config x"), ("ntpdc", "readkeys")] {
        let mut terminal = run(&format!("{program} -n {host}"));
        terminal.wait_for("the prompt", is_prompt);
        terminal.keys(&format!("keyid 7\r{change}\r"));
        terminal.wait_for("the question", |screen| screen.trim_end().ends_with("MD5 Password:"));
        terminal.keys("Sw0rdfish\r");
        // Behind the line end the request is under way, which nobody answers.
        terminal.wait_for("the request", |screen| {
            screen.lines().last().is_some_and(|line| !line.contains("Password"))
        });
        terminal.keys("\x03");
        terminal.wait_for("the next prompt", is_prompt);
        terminal.keys("passwd Herr1ng\r");
        terminal.wait_for("the next prompt", is_prompt);
        terminal.keys("\x10");
        let last = format!("> {change}");
        terminal.wait_for("the command before", |screen| screen.trim_end().ends_with(&last));
        terminal.keys("\x03\x12Herr");
        terminal.wait_for("no such line", |screen| screen.contains("(no line with)`Herr'"));
        terminal.keys("\x03\x03\x04");
        ended(&mut terminal, 0);
        let raw = String::from_utf8_lossy(&terminal.raw).into_owned();
        assert!(!raw.contains("Sw0rd"), "{raw}");
    }
}

#[test]
fn a_signal_at_a_prompt_gives_the_terminal_back() {
    let (_socket, host) = silent();
    for (program, keys) in [("ntpq", ""), ("ntpdc", ""), ("ntpq", "keyid 7\r:config x\r")] {
        let mut terminal = run(&format!("{program} -n {host}"));
        terminal.wait_for("the prompt", is_prompt);
        terminal.keys(keys);
        if !keys.is_empty() {
            terminal
                .wait_for("the question", |screen| screen.trim_end().ends_with("MD5 Password:"));
        }
        terminal.signal("-TERM", "ntpscope");
        ended(&mut terminal, 143);
    }
}

#[test]
fn a_terminal_that_can_do_little_gets_plain_lines() {
    let (_socket, host) = silent();
    let line = format!("TERM=dumb {} ntpq -n {host}", lab::program().display());
    let mut terminal = Terminal::start(&["bash", "-c", &line], 24, 80);
    terminal.wait_for("the prompt", is_prompt);
    terminal.keys("keyt\r");
    terminal.wait_for("its answer", |screen| screen.contains("keytype is MD5"));
    terminal.keys("quit\r");
    assert_eq!(terminal.end(), 0);
    assert!(!terminal.raw.contains(&0x1b), "{}", String::from_utf8_lossy(&terminal.raw));
}

#[test]
fn associations_are_completed_with_their_names() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let settled = lab::lab(&["wait", "settled", "classic", "--timeout", "300"]);
    assert!(settled.status.success(), "{}", String::from_utf8_lossy(&settled.stderr));
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    let words = ["tests/lab", "exec", "admin", program, "ntpq", "-n", CLASSIC];
    let mut terminal = Terminal::start(&words, 24, 80);
    terminal.wait_for("the prompt", is_prompt);
    terminal.keys("rv 10.77.0.14\t");
    terminal.wait_for("the association of that name", |screen| {
        let line = screen.trim_end().lines().last().unwrap_or_default();
        let id = line.strip_prefix("ntpq> rv ").unwrap_or_default();
        id.parse::<u16>().is_ok()
    });
    terminal.keys("srca\t\r");
    terminal.wait_for("its address", |screen| screen.contains("srcadr=10.77.0.14"));
    terminal.keys("pstats &\t");
    terminal.wait_for("places and names", |screen| {
        screen.contains("10.77.0.11") && screen.lines().any(|line| line.starts_with("&1  "))
    });
    terminal.keys("\x03quit\r");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}
