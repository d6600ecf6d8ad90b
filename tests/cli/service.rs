//! `ntpscope run` as a service: whom it tells what, what it writes, what it keeps of its rights, and
//! how it takes a configuration that changes. Everything is of this test's own: sockets, folders and
//! a server.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::duel::Folder;
use crate::engine::reply;
use crate::lab;

/// A server that answers as a true one of stratum 1, until the test is over.
struct Server {
    address: String,
    is_over: Arc<AtomicBool>,
}

impl Server {
    fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        std::thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                let mut request = [0; 128];
                let Ok((48, from)) = socket.recv_from(&mut request) else { continue };
                socket.send_to(&reply(&request), from).unwrap();
            }
        });
        Self { address, is_over }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// A program that runs, and what it says.
struct Service {
    child: Child,
    lines: Receiver<String>,
    /// What was read already.
    told: Vec<String>,
}

impl Service {
    fn start(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, told: Vec::new() }
    }

    /// The next line that has this in it.
    fn wait_for(&mut self, what: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.told.push(line.clone());
                    if line.contains(what) {
                        return line;
                    }
                }
                Err(error) => panic!("no line with {what:?}: {error}; {:#?}", self.told),
            }
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Ends it, and gives back all that it said.
    fn end(mut self) -> Vec<String> {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success(), "{:#?}", self.told);
        let mut told = std::mem::take(&mut self.told);
        told.extend(self.lines.iter());
        told
    }

    /// What the system says of it.
    fn status(&self, name: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {status}")).trim().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn run(words: &[&str]) -> Command {
    let mut command = Command::new(lab::program());
    command.arg("run").args(words).env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
    command
}

/// A service manager. It takes in at once what it is told: a queue that is full loses what comes.
struct Manager(Receiver<String>);

impl Manager {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        let (sender, told) = channel();
        // The thread ends with the test program.
        std::thread::spawn(move || {
            let mut datagram = [0; 512];
            while let Ok(length) = socket.recv(&mut datagram) {
                let text = String::from_utf8(datagram[..length].to_vec()).unwrap();
                if sender.send(text).is_err() {
                    return;
                }
            }
        });
        Self(told)
    }

    /// The next datagram that begins so; the others are passed over.
    fn wait_for(&self, what: &str) -> String {
        let mut passed = Vec::new();
        loop {
            let text = self.0.recv_timeout(PATIENCE);
            let text = text.unwrap_or_else(|error| panic!("no {what}: {error}; {passed:?}"));
            if text.starts_with(what) {
                return text;
            }
            passed.push(text);
        }
    }
}

#[test]
fn a_service_manager_is_told_of_the_start_of_every_reload_and_of_the_end() {
    let (folder, server, second) = (Folder::new(), Server::start(), Server::start());
    let at = |name: &str| folder.0.join(name);
    let manager = Manager::at(&at("notify"));
    let conf = at("ntp.conf");
    let first = format!("server {} iburst\npidfile {}\n", server.address, at("pid").display());
    fs::write(&conf, &first).unwrap();
    let mut command = run(&["-n", "-c", conf.to_str().unwrap()]);
    command.env("NOTIFY_SOCKET", at("notify")).env("WATCHDOG_USEC", "2000000");
    let mut service = Service::start(command);
    manager.wait_for("READY=1\n");
    assert_eq!(fs::read_to_string(at("pid")).unwrap(), format!("{}\n", service.child.id()));
    service.wait_for("127.0.0.1: it answers");
    let status = manager.wait_for("STATUS=follows 127.0.0.1, offset ");
    assert!(status.ends_with(" ms; 1 of 1 sources answer\n"), "{status}");
    manager.wait_for("WATCHDOG=1\n");
    manager.wait_for("WATCHDOG=1\n");

    // What is wrong changes nothing, and is told with its place.
    fs::write(&conf, format!("{first}sevrer b\n")).unwrap();
    service.signal("-HUP");
    let reloading = manager.wait_for("RELOADING=1\nMONOTONIC_USEC=");
    assert!(reloading.trim_end().rsplit('=').next().unwrap().parse::<u64>().is_ok());
    manager.wait_for("READY=1\n");
    let line = service.wait_for("not reloaded, all stays as it is: ");
    assert!(line.contains("ntp.conf, line 3, column 1: `sevrer` is no"), "{line}");

    // What is right is followed: who stays is not asked anew, who comes is.
    fs::write(&conf, format!("{first}server {} iburst\n", second.address)).unwrap();
    service.signal("-HUP");
    manager.wait_for("RELOADING=1\n");
    manager.wait_for("READY=1\n");
    service.wait_for("configuration read anew: of its sources 1 stay, 1 are new");
    service.wait_for("127.0.0.1: it answers");
    manager.wait_for("STATUS=follows 127.0.0.1, offset ");

    fs::write(&conf, format!("server {} iburst\n", second.address)).unwrap();
    service.signal("-HUP");
    service.wait_for("1 stay, 1 are gone; settings changed; `pidfile` is heeded when");
    service.signal("-TERM");
    manager.wait_for("STOPPING=1\n");
    let told = service.end();
    assert!(told.last().unwrap().ends_with(" ended"), "{told:#?}");
    assert!(!at("pid").exists());
}

#[test]
fn statistics_files_say_what_the_program_itself_says() {
    let (folder, server) = (Folder::new(), Server::start());
    let at = |name: &str| folder.0.join(name);
    let conf = at("ntp.conf");
    let text = format!(
        "statsdir {}\nstatistics loopstats peerstats rawstats protostats\n\
         filegen rawstats file raw type none\nserver {} iburst minpoll 3 maxpoll 3\n",
        folder.0.display(),
        server.address
    );
    fs::write(&conf, text).unwrap();
    let service = Service::start(run(&["--json", "-c", conf.to_str().unwrap()]));
    let mut service = service;
    service.wait_for("\"system_peer\"");
    let split = |text: &str| -> Vec<Vec<String>> {
        text.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
    };
    let lines = |name: &str| split(&fs::read_to_string(at(name)).unwrap_or_default());
    while lines("loopstats").len() < 3 || lines("peerstats").len() < 3 {
        let line = service.lines.recv_timeout(PATIENCE).expect("the engine says more");
        service.told.push(line);
    }
    let told = service.end();
    let number = |text: &String| text.parse::<f64>().unwrap();

    // Each file of a day is what its name alone is a link to, until a midnight that came meanwhile.
    let entries = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    let days = |name: &str| -> Vec<String> {
        let of_a_day = |file: &String| file.strip_prefix(name).is_some_and(|d| d.starts_with('.'));
        names.iter().filter(|file| of_a_day(file)).cloned().collect()
    };
    for name in ["loopstats", "peerstats", "protostats"] {
        let last = days(name).pop().unwrap();
        let day = last.rsplit('.').next().unwrap();
        assert!(day.len() == 8 && day.parse::<u32>().unwrap() > 20_260_000, "{day}");
        assert_eq!(lines(name), lines(&last));
    }
    assert!(days("raw").is_empty(), "{names:?}");
    let all = |name: &str| days(name).iter().flat_map(|file| lines(file)).collect::<Vec<_>>();

    let (peer, raw, looped) = (all("peerstats"), lines("raw"), all("loopstats"));
    assert!(peer.iter().all(|line| line.len() == 8 && line[2] == "127.0.0.1"), "{peer:?}");
    assert!(looped.iter().all(|line| line.len() == 7), "{looped:?}");
    assert!(raw.len() >= peer.len());
    for line in &raw {
        assert_eq!(line.len(), 17, "{line:?}");
        assert_eq!((line[2].as_str(), line[16].as_str()), ("127.0.0.1", ".TEST."));
        let times: Vec<f64> = line[4..8].iter().map(number).collect();
        assert!((0.0..10.0).contains(&(times[3] - times[0])), "{line:?}");
        // Seconds since 1900, and the day and second of the line, are the same time.
        let since_1900 = (number(&line[0]) - 15_020.0) * 86_400.0 + number(&line[1]);
        assert!((since_1900 - times[3]).abs() < 10.0, "{line:?}");
    }

    // What was told on stdout at the same time.
    let states = told.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let states: Vec<Value> = states.filter(|state| state.get("peers").is_some()).collect();
    let mut compared = 0;
    for state in &states {
        let of_peer = |name: &str| find(&state["peers"][0], name);
        let (Some(offset_ms), Some(delay_ms)) = (of_peer("offset_ms"), of_peer("delay_ms")) else {
            continue;
        };
        let is_it = |line: &&Vec<String>| {
            (number(&line[4]) * 1e3 - offset_ms).abs() < 1e-5
                && (number(&line[5]) * 1e3 - delay_ms).abs() < 1e-5
        };
        compared += usize::from(peer.iter().any(|line| is_it(&line)));
    }
    assert!(compared > 0, "{states:#?}\n{peer:?}");
    assert!(all("protostats").iter().any(|line| line.contains(&"sys_peer".to_owned())));
}

/// The number called `name` anywhere within.
fn find(value: &Value, name: &str) -> Option<f64> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| {
            let own = || value.as_f64().or_else(|| find(value, "value"));
            if key == name { own() } else { find(value, name) }
        }),
        Value::Array(values) => values.iter().find_map(|value| find(value, name)),
        _ => None,
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_told_once_and_time_is_kept() {
    let (folder, server) = (Folder::new(), Server::start());
    let conf = folder.0.join("ntp.conf");
    let missing = folder.0.join("missing");
    let text = format!(
        "statsdir {0}\nstatistics peerstats\ndriftfile {0}/drift\n\
         server {1} iburst minpoll 3 maxpoll 3\n",
        missing.display(),
        server.address
    );
    fs::write(&conf, text).unwrap();
    let mut command = run(&["-n", "-c", conf.to_str().unwrap()]);
    let mut service = Service::start({
        command.stderr(Stdio::piped());
        command
    });
    let line = service.wait_for("cannot open ");
    assert!(line.contains("missing/peerstats."), "{line}");
    assert!(line.ends_with(": No such file or directory (os error 2)"), "{line}");
    service.wait_for("the clock follows it");
    let mut stderr = service.child.stderr.take().unwrap();
    fs::create_dir(&missing).unwrap();
    while !missing.join("peerstats").exists() {
        std::thread::yield_now();
    }
    let told = service.end();
    assert_eq!(told.iter().filter(|line| line.contains("cannot open ")).count(), 1, "{told:#?}");
    let mut said = String::new();
    std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
    assert!(said.contains("missing/drift cannot be written by whom this runs as: "), "{said}");
}

#[test]
fn rights_are_given_up() {
    let server = Server::start();
    // Root within a namespace of its own, and nobody outside.
    let mut command = Command::new("unshare");
    command.arg("-Ur").arg(lab::program());
    command.args(["run", "--user", "root", "--source", &server.address]);
    let possible = Command::new("unshare").args(["-Ur", "true"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        return lab::skip("userns", "no user namespaces here");
    }
    let mut service = Service::start(command);
    service.wait_for("started, ");
    // The right to open a port, and no other, for whatever it may execute as well.
    for set in ["CapPrm:", "CapEff:", "CapBnd:"] {
        assert_eq!(service.status(set), format!("{:016x}", 1 << 10), "{set}");
    }
    for set in ["CapInh:", "CapAmb:"] {
        assert_eq!(service.status(set), format!("{:016x}", 0), "{set}");
    }
    assert_eq!(service.status("NoNewPrivs:"), "1");
    service.wait_for("it answers");
    service.end();
}

#[test]
fn root_becomes_whom_it_is_told_to_become_and_others_do_not() {
    let server = Server::start();
    let own = fs::read_to_string("/proc/self/status").unwrap();
    let user = own.lines().find_map(|line| line.strip_prefix("Uid:\t")).unwrap();
    let words = ["--user", "65534:65534", "--source", &server.address];
    if !user.starts_with("0\t") {
        let output = run(&words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot become 65534: this takes to be started as root"), "{said}");
        return;
    }
    let mut service = Service::start(run(&words));
    service.wait_for("started, ");
    for ids in ["Uid:", "Gid:"] {
        assert_eq!(service.status(ids), "65534\t65534\t65534\t65534", "{ids}");
    }
    assert!(["", "65534"].contains(&service.status("Groups:").as_str()));
    let effective = u64::from_str_radix(&service.status("CapEff:"), 16).unwrap();
    assert_eq!(effective & !(1 << 10), 0, "{effective:x}");
    service.wait_for("it answers");
    service.end();
    let output = run(&["--user", "no-such-user", "--source", &server.address]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot give up privileges: there is no user no-such-user"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_unit_file_is_one() {
    let verify = Command::new("systemd-analyze").arg("--version").output();
    if !verify.is_ok_and(|output| output.status.success()) {
        return lab::skip("systemd", "systemd-analyze cannot be had");
    }
    let folder = Folder::new();
    let text = fs::read_to_string(lab::root().join("assets/ntpscope.service")).unwrap();
    let program = lab::program();
    let text = text.replace("/usr/bin/ntpscope", program.to_str().unwrap());
    let unit = folder.0.join("ntpscope.service");
    fs::write(&unit, text).unwrap();
    let output = Command::new("systemd-analyze").arg("verify").arg(&unit).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// How long anything may take here: beside another daemon of this host a server is asked once a
/// minute, and followed after four answers.
const PATIENCE: Duration = Duration::from_secs(400);
