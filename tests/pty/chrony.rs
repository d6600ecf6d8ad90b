//! A chronyd that stops, starts anew, means harm or refuses, over UDP and over a Unix socket: the
//! screen says which, listens to its user all the while, and recovers by itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ntpscope::wire::cmdmon::{Command, Status};

use crate::chronyd::{Chronyd, Fault, State};
use crate::lab;
use crate::port::Kept;
use crate::terminal::Terminal;

/// A scripted chronyd behind a socket, in a thread of its own.
struct Served {
    script: Arc<Mutex<Chronyd>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// Its socket in the file system.
    path: Option<PathBuf>,
}

/// How often the thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

impl Served {
    /// Over UDP, on this port of loopback.
    fn over_udp(script: &Arc<Mutex<Chronyd>>, port: &Kept) -> Self {
        let socket = port.open();
        socket.set_read_timeout(Some(LOOK)).expect("a time limit");
        Self::serve(script, None, move |script| {
            let mut buffer = [0; 2048];
            let Ok((len, from)) = socket.recv_from(&mut buffer) else { return };
            for reply in answers(script, &buffer[..len]) {
                drop(socket.send_to(&reply, from));
            }
        })
    }

    /// Over a Unix socket of this path.
    fn over_unix(script: &Arc<Mutex<Chronyd>>, path: &Path) -> Self {
        drop(fs::remove_file(path));
        let socket = UnixDatagram::bind(path).expect("a socket in a folder of our own");
        socket.set_read_timeout(Some(LOOK)).expect("a time limit");
        Self::serve(script, Some(path.to_owned()), move |script| {
            let mut buffer = [0; 2048];
            let Ok((len, from)) = socket.recv_from(&mut buffer) else { return };
            let Some(from) = from.as_pathname() else { return };
            for reply in answers(script, &buffer[..len]) {
                drop(socket.send_to(&reply, from));
            }
        })
    }

    fn serve(
        script: &Arc<Mutex<Chronyd>>,
        path: Option<PathBuf>,
        mut turn: impl FnMut(&Mutex<Chronyd>) + Send + 'static,
    ) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let (inside, end) = (Arc::clone(script), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                turn(&inside);
            }
        });
        Self { script: Arc::clone(script), ends, thread: Some(thread), path }
    }

    fn behave(&self, faults: &[Fault]) {
        self.script.lock().expect("the thread did not fail").faults = faults.to_vec();
    }
}

impl Drop for Served {
    /// Ends it: its socket is closed. In the file system it stays, as one that was killed leaves it.
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn answers(script: &Mutex<Chronyd>, request: &[u8]) -> Vec<Vec<u8>> {
    let mut script = script.lock().expect("nobody failed");
    script.heard.clear();
    script.answer(Duration::ZERO, request).into_iter().map(|(_, reply)| reply).collect()
}

fn scripted() -> Chronyd {
    Chronyd::new(State::with_servers(6))
}

fn start(target: &str) -> Terminal {
    let program = lab::program();
    Terminal::start(&[program.to_str().expect("a path in UTF-8"), "-n", target], 24, 100)
}

/// The table, fresh.
fn is_well(screen: &str) -> bool {
    screen.contains("10.9.0.6") && says_well(screen)
}

/// Whether the first line tells of no trouble.
fn says_well(screen: &str) -> bool {
    !TROUBLES.iter().any(|words| screen.contains(words))
}

/// What the screen calls a daemon that is not well.
const TROUBLES: [&str; 6] = [
    "no answer",
    "nothing listens",
    "nobody listens",
    "no such socket",
    "refuse",
    "no control message",
];

/// The user's keys are answered at once, whatever the daemon does. A machine that has much else to do
/// is late now and then, a program that waits for the daemon is late each time.
fn listens(terminal: &mut Terminal) {
    let mut waits = Vec::new();
    while waits.len() < 10 {
        #[expect(clippy::disallowed_methods, reason = "how long a real program takes")]
        let pressed = Instant::now();
        terminal.keys("?");
        terminal.wait_for("help", |screen| screen.contains("Help on"));
        waits.push(pressed.elapsed());
        terminal.keys("\x1b");
        terminal.wait_for("the end of help", |screen| !screen.contains("Help on"));
        if waits.iter().filter(|wait| **wait < Duration::from_millis(200)).count() >= 2 {
            return;
        }
    }
    panic!("{waits:?}");
}

/// Goes through what a daemon can do wrong; after each it is well again.
fn survive(terminal: &mut Terminal, served: &Served) {
    for (what, fault, words) in [
        ("silence", Fault::Silent, "no answer for"),
        ("garbage", Fault::Garbage(b"HTTP/1.1 400 Bad Request".to_vec()), "no control message"),
        ("cut short", Fault::Truncated(21), "command reply is too short"),
        ("refusals", Fault::Refuses(Status::Unauthorised), "not permitted over this transport"),
        ("another version", Fault::OtherVersion(5), "another version of the protocol"),
        ("another's answers", Fault::OtherSequence, "no answer for"),
    ] {
        served.behave(&[fault]);
        terminal.wait_for(what, |screen| {
            screen.lines().next().is_some_and(|first| first.contains(words))
        });
        let screen = terminal.screen().contents();
        assert!(screen.contains("10.9.0.6"), "{what}: old values stay");
        listens(terminal);
        served.behave(&[]);
        terminal.wait_for("the daemon, well again", is_well);
    }
    for (what, faults) in [
        ("a million sources", vec![Fault::Claims(1_000_000)]),
        ("sources without an end", vec![Fault::Claims(u32::MAX), Fault::Endless]),
        ("one command without answers", vec![Fault::Mute(Command::SELECT_DATA)]),
        ("everything twice", vec![Fault::Twice]),
    ] {
        served.behave(&faults);
        terminal.keys("r");
        listens(terminal);
        listens(terminal);
        assert!(terminal.screen().contents().contains("10.9.0.1"), "{what}");
        served.behave(&[]);
        terminal.keys("r");
        terminal.wait_for("the daemon, well again", |screen| {
            is_well(screen) && !screen.contains("11.0.0")
        });
    }
}

#[test]
fn whatever_chronyd_does_over_udp_the_screen_stays_up_and_recovers() {
    let script = Arc::new(Mutex::new(scripted().over_udp()));
    let port = Kept::new();
    let served = Served::over_udp(&script, &port);
    let mut terminal = start(&format!("chrony://{}", port.address()));
    terminal.wait_for("the table", is_well);
    survive(&mut terminal, &served);

    drop(served);
    terminal.wait_for("the closed port", |screen| screen.contains("nothing listens"));
    assert!(terminal.screen().contents().contains("10.9.0.6"), "old values stay");
    listens(&mut terminal);
    let served = Served::over_udp(&script, &port);
    terminal.wait_for("the daemon started anew", is_well);

    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
    drop(served);
}

#[test]
fn whatever_chronyd_does_over_its_socket_the_screen_stays_up_and_recovers() {
    // Short, for the path of a socket may not be long.
    let folder = std::env::temp_dir().join(format!("ntpscope-pty-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for a socket");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let path = folder.join("chronyd.sock");
    let script = Arc::new(Mutex::new(scripted()));
    let served = Served::over_unix(&script, &path);
    let mut terminal = start(&format!("unix://{}", path.display()));
    terminal.wait_for("the table", is_well);
    survive(&mut terminal, &served);

    // Killed: its socket stays behind it.
    assert_eq!(served.path.as_deref(), Some(path.as_path()));
    drop(served);
    terminal.wait_for("the abandoned socket", |screen| screen.contains("nobody listens"));
    listens(&mut terminal);
    fs::remove_file(&path).expect("its socket is there");
    terminal.wait_for("no socket", |screen| screen.contains("no such socket"));
    assert!(terminal.screen().contents().contains("10.9.0.6"), "old values stay");
    let served = Served::over_unix(&script, &path);
    terminal.wait_for("the daemon started anew", is_well);

    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
    drop(served);
    let left: Vec<_> = fs::read_dir(&folder).expect("our folder").flatten().collect();
    assert_eq!(left.len(), 1, "only the daemon's own socket is left: {left:?}");
    fs::remove_dir_all(&folder).expect("our folder");
}
