//! Measuring from the program at a terminal: nothing is asked before a person says so, and what is
//! measured is one more daemon.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ntpscope::net::clock::Clock;

use crate::lab;
use crate::port::Kept;
use crate::terminal::Terminal;

/// A server that answers as a true one of stratum 1, until the test ends, and how often it did.
struct Server {
    address: String,
    answered: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
        let address = socket.local_addr().expect("its address").to_string();
        let answered = Arc::new(AtomicUsize::new(0));
        let (times, clock) = (Arc::clone(&answered), Clock::start());
        std::thread::spawn(move || {
            let mut request = [0; 128];
            while let Ok((length, from)) = socket.recv_from(&mut request) {
                assert_eq!((length, request[0]), (48, 0x23), "a request of version 4");
                let now = clock.now().clock.bits().to_be_bytes();
                let mut reply = vec![0x24, 1, 6, 0xe9, 0, 0, 0, 0, 0, 0, 0, 1];
                reply.extend(b"TEST");
                for time in [&now[..], &request[40..48], &now[..], &now[..]] {
                    reply.extend(time);
                }
                socket.send_to(&reply, from).expect("loopback takes it");
                times.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, answered }
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }
}

fn program() -> String {
    lab::program().to_str().expect("a path in UTF-8").to_owned()
}

/// A row of the peers table with a poll that was answered.
fn is_reached(screen: &str) -> bool {
    screen.contains("self") && screen.lines().any(|l| l.contains(".TEST.") && l.contains('●'))
}

#[test]
fn nothing_is_asked_before_the_answer_is_yes() {
    let server = Server::start();
    let closed = Kept::new();
    let mut terminal = Terminal::start(&[&program(), "-n", &closed.address().to_string()], 24, 80);
    terminal.wait_for("the offer", |screen| {
        screen.contains("nothing listens") && screen.contains("m measures")
    });
    terminal.keys("m");
    terminal.wait_for("the question", |screen| {
        screen.contains("Measure from this program?") && screen.contains("clock is not touched")
    });
    terminal.keys("e");
    terminal.wait_for("the line to type on", |screen| screen.contains("sources:"));
    // Whatever this machine's own configuration names goes first.
    terminal.keys("\x15");
    terminal.keys(&format!("{}\r", server.address));
    terminal.wait_for("what was typed", |screen| screen.contains("as typed"));
    terminal.keys("n");
    terminal.wait_for("no question", |screen| !screen.contains("Measure from this program?"));
    assert_eq!(server.answered(), 0, "nothing was said yes to");
    terminal.keys(&format!(":measure {}\r", server.address));
    terminal.wait_for("the question again", |screen| screen.contains("as typed"));
    terminal.keys("y");
    terminal.wait_for("an answer in the table", is_reached);
    assert!(server.answered() > 0);
    terminal.keys("c");
    terminal.wait_for("the clock", |screen| screen.contains("System clock:"));
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}

#[test]
fn what_a_configuration_names_is_measured_at_once_and_shown_as_self() {
    let server = Server::start();
    let name = format!("ntpscope-measure-{}.conf", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, format!("server {} iburst\n", server.address)).expect("a file");
    let path = file.to_str().expect("a path in UTF-8");
    let mut terminal = Terminal::start(&[&program(), "-n", "-c", path], 24, 80);
    terminal.wait_for("an answer in the table", is_reached);
    // Four answers are enough to be followed; beside another daemon on this host they come a minute
    // apart.
    terminal.wait_within(Duration::from_secs(400), "its being followed", |screen| {
        screen.contains("synchronised to 127.0.0.1")
    });
    assert!(!terminal.screen().contents().contains("DISCIPLINES"));
    for (key, sign) in
        [("v", "agreed on by the majority"), ("c", "Virtual clock:"), ("p\r", "Filter samples")]
    {
        terminal.keys(key);
        terminal.wait_for(sign, |screen| screen.contains(sign));
    }
    terminal.signal("-TERM", "ntpscope");
    terminal.end();
    terminal.assert_given_back();
    std::fs::remove_file(file).expect("the file");
}
