//! A daemon that speaks chronyd's protocol, asked once over UDP or over its socket: what is printed,
//! how it ends, and that nothing of ours stays beside the socket.

use std::fs::{self, Permissions};
use std::io;
use std::net::UdpSocket;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ntpscope::wire::cmdmon::Status;

use crate::duel::Folder;
use crate::lab;
use crate::scripted::{Chronyd, Fault, State};

/// A scripted daemon behind a socket, until it is dropped.
struct Served {
    target: String,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    fn over_udp(daemon: Chronyd) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(TICK)).unwrap();
        let target = format!("chrony://{}", socket.local_addr().unwrap());
        Self::start(target, daemon.over_udp(), move |serve| {
            let mut buffer = [0; 1024];
            let (length, from) = socket.recv_from(&mut buffer)?;
            for answer in serve(buffer.get(..length).unwrap_or_default()) {
                socket.send_to(&answer, from)?;
            }
            Ok(())
        })
    }

    fn over_unix(daemon: Chronyd, path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(TICK)).unwrap();
        Self::start(format!("unix://{}", path.display()), daemon, move |serve| {
            let mut buffer = [0; 1024];
            let (length, from) = socket.recv_from(&mut buffer)?;
            let from = from.as_pathname().expect("a path to answer to").to_owned();
            for answer in serve(buffer.get(..length).unwrap_or_default()) {
                socket.send_to(&answer, &from)?;
            }
            Ok(())
        })
    }

    fn start(
        target: String,
        mut daemon: Chronyd,
        mut turn: impl FnMut(&mut dyn FnMut(&[u8]) -> Vec<Vec<u8>>) -> io::Result<()> + Send + 'static,
    ) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let told = ends.clone();
        let thread = std::thread::spawn(move || {
            let start = Instant::now();
            while !told.load(Ordering::Relaxed) {
                // A timeout, or somebody who has gone meanwhile.
                drop(turn(&mut |datagram| {
                    let answers = daemon.answer(start.elapsed(), datagram);
                    answers.into_iter().map(|(_, answer)| answer).collect()
                }));
            }
        });
        Self { target, ends, thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(lab::program());
    command.args(words).env("XDG_CONFIG_HOME", "/nonexistent").stdin(Stdio::null());
    command
}

fn ours(words: &[&str]) -> Output {
    command(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn socket_in(folder: &Folder) -> PathBuf {
    folder.0.join("chronyd.sock")
}

fn daemon() -> Chronyd {
    Chronyd::new(State::with_servers(3))
}

#[test]
fn it_is_printed_over_udp_and_over_its_socket() {
    let folder = Folder::new();
    let path = socket_in(&folder);
    for served in [Served::over_udp(daemon()), Served::over_unix(daemon(), &path)] {
        let output = ours(&["-n", &served.target]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        let table = text(&output.stdout);
        let is_row = |line: &&str| line.get(1..).is_some_and(|row| row.starts_with("10.9.0."));
        assert_eq!(table.lines().filter(is_row).count(), 3, "{table}");

        let output = ours(&["--json", &served.target]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(object["host"], served.target.as_str());
        assert_eq!(object["peers"].as_array().map(Vec::len), Some(3), "{object}");
        // Clients are told over the socket only, and else why not.
        let is_socket = served.target.starts_with("unix:");
        let clients = object["clients"]["list"].as_array().map(Vec::len);
        assert_eq!(clients, is_socket.then_some(3), "{object}");
        assert_eq!(object["absent"]["clients"].is_object(), !is_socket, "{object}");
        assert_eq!(names(&folder.0), ["chronyd.sock"]);
    }
}

#[test]
fn what_it_does_instead_of_answering_is_told_and_is_the_exit_status() {
    let why = Status::Unauthorised;
    for (fault, code, says) in [
        (Fault::Silent, 3, "no answer for"),
        (Fault::Garbage(vec![0xff; 40]), 3, "what comes back is no"),
        (Fault::Refuses(why), 4, "refuses to tell"),
    ] {
        let served = Served::over_udp(daemon().with(fault.clone()));
        let output = ours(&["-n", "--timeout", "5s", &served.target]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{fault:?}: {output:?}");
        assert!(said.contains(says), "{fault:?}: {said}");
        assert!(said.starts_with(&format!("ntpscope: {}: ", served.target)), "{said}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn a_socket_that_cannot_be_used_is_told() {
    let folder = Folder::new();
    let path = socket_in(&folder);
    let target = format!("unix://{}", path.display());
    let says = |words: &str| {
        let output = ours(&["-n", &target]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(said.contains(words), "{said}");
    };
    says("there is no such socket");
    drop(UnixDatagram::bind(&path).unwrap());
    says("nobody listens on that socket");
    fs::remove_file(&path).unwrap();
    fs::write(&path, "").unwrap();
    says("no socket that a daemon takes questions on");
    assert_eq!(names(&folder.0), ["chronyd.sock"]);
}

#[test]
fn a_user_without_the_right_to_the_socket_is_told_so() {
    let folder = Folder::new();
    let place = folder.0.join("closed");
    fs::create_dir(&place).unwrap();
    let served = Served::over_unix(daemon(), &place.join("chronyd.sock"));
    let mut asking = if fs::metadata("/proc/self").unwrap().uid() == 0 {
        // Root is refused nothing, so somebody else asks, from where everybody may read.
        fs::set_permissions(&folder.0, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&place, Permissions::from_mode(0o700)).unwrap();
        let program = folder.0.join("ntpscope");
        fs::copy(lab::program(), &program).unwrap();
        let mut asking = Command::new("setpriv");
        asking.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        asking
    } else {
        fs::set_permissions(&place, Permissions::from_mode(0o500)).unwrap();
        Command::new(lab::program())
    };
    let asking = asking.args(["-n", &served.target]).env("XDG_CONFIG_HOME", "/nonexistent");
    let output = match asking.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => return lab::skip("setpriv", &error.to_string()),
    };
    fs::set_permissions(&place, Permissions::from_mode(0o700)).unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(said.contains("not permitted to use its socket"), "{said}");
    assert!(said.contains("root"), "{said}");
}

#[test]
fn a_signal_ends_a_look_and_leaves_nothing() {
    let folder = Folder::new();
    let path = socket_in(&folder);
    let served = Served::over_unix(daemon().with(Fault::Silent), &path);
    for signal in ["INT", "TERM", "HUP"] {
        // Whoever starts the tests may ignore signals, as nohup does, and what is ignored is
        // inherited.
        let program = lab::program();
        let mut child = Command::new("env")
            .arg("--default-signal=INT,TERM,HUP")
            .arg(program)
            .args(["-n", "--timeout", "60s", &served.target])
            .env("XDG_CONFIG_HOME", "/nonexistent")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let bound = || names(&folder.0).iter().any(|name| name.starts_with("ntpscope."));
        wait_until(&mut child, bound);
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.signal().is_some(), "{signal}: {ended:?}");
        assert_eq!(names(&folder.0), ["chronyd.sock"], "{signal}");
    }
}

/// Waits for something that `child` does.
fn wait_until(child: &mut Child, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none() && start.elapsed() < PATIENCE, "it has not come: {ended:?}");
        std::thread::yield_now();
    }
}

#[test]
fn targets_are_for_watching_and_told_so_elsewhere() {
    for (words, code) in [
        (&["probe", "chrony://127.0.0.1"][..], 2),
        (&["run", "--source", "unix:///run/chrony/chronyd.sock"], 2),
        (&["ntpq", "-p", "chrony://127.0.0.1"], 0),
    ] {
        let output = ours(words);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
        assert!(said.contains("says how a daemon is watched"), "{words:?}: {said}");
        assert!(output.stdout.is_empty(), "{words:?}: {output:?}");
    }
}

/// How often the daemon's thread looks whether it is to end.
const TICK: Duration = Duration::from_millis(20);

/// For a program to start.
const PATIENCE: Duration = Duration::from_secs(120);
