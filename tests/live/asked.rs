//! `ntpscope run` asked and told by both real ntpqs, beside a real ntpd that is asked the same.
//!
//! All of it happens in a network and among processes of its own, on the loopback.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ntpscope::net::clock::Clock;

use crate::lab;

#[test]
fn both_ntpqs_are_answered_and_obeyed_as_by_ntpd() {
    if std::env::var_os(INSIDE).is_some() {
        return judge();
    }
    let fetched = lab::lab(&["fetch"]);
    let said = String::from_utf8_lossy(&fetched.stderr).into_owned();
    if !lab::available("peers", fetched.status.success().then_some(()).ok_or(said)) {
        return;
    }
    let tried = Command::new("unshare").args(APART).arg("true").status();
    let apart = tried.is_ok_and(|status| status.success()).then_some(());
    if !lab::available("lab", apart.ok_or_else(|| "no namespaces of our own".to_owned())) {
        return;
    }
    let this = std::env::current_exe().expect("this program has a path");
    let output = Command::new("unshare")
        .args(APART)
        .arg(this)
        .args(["--exact", "asked::both_ntpqs_are_answered_and_obeyed_as_by_ntpd", "--nocapture"])
        .env(INSIDE, "yes")
        .output()
        .expect("unshare was started just now");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "the test did not run apart: {said}");
}

/// Says to a copy of this program that it is apart.
const INSIDE: &str = "NTPSCOPE_LIVE_ASKED";

/// A network, users and processes of our own; what is started there ends with it.
const APART: [&str; 3] = ["-Urnmpf", "--mount-proc", "--kill-child"];

/// Apart: asks a real ntpd, then the program, and compares.
fn judge() {
    for words in ["link set lo up", "addr add 10.9.9.1/32 dev lo"] {
        let done = Command::new("ip").args(words.split(' ')).status();
        assert!(done.is_ok_and(|status| status.success()), "ip {words}");
    }
    let folder = Folder::new();
    let mut upstream = folder.ours("server 127.127.1.0 prefer\n", "10.9.9.1", "upstream");
    let mut real = folder.real();
    let theirs = [Ntpq::Classic, Ntpq::Ntpsec].map(|ntpq| reading(&folder, ntpq));
    real.end();
    let mut ours = folder.ours(&folder.conf(), "127.0.0.1", "ours");
    folder.wait_for("an answer of its server", |told| {
        told.split_once("reach=").is_some_and(|(_, reach)| !reach.starts_with("000"))
    });
    folder.wait_for_counters();
    for (ntpq, theirs) in [Ntpq::Classic, Ntpq::Ntpsec].into_iter().zip(theirs) {
        compare(ntpq, &reading(&folder, ntpq), &theirs);
        told(&folder, ntpq);
    }
    saved(&folder);
    clients(&folder);
    ours.end();
    upstream.end();
}

/// What each reading command printed.
fn reading(folder: &Folder, ntpq: Ntpq) -> Vec<(&'static str, String)> {
    let both = [
        "peers",
        "lpeers",
        "apeers",
        "opeers",
        "lopeers",
        "as",
        "lassociations",
        "rv",
        "rl",
        "rv &1",
        "rv &2",
        "pstats &1",
        "cv &2",
        "sysinfo",
        "sysstats",
        "kerninfo",
        "iostats",
        "timerstats",
        "monstats",
        "authinfo",
        "mrulist",
        "mreadvar &1 &2 srcadr,offset",
        "readlist &1",
        "clocklist &2",
        "ifstats",
        "reslist",
    ];
    let own: &[&str] = match ntpq {
        Ntpq::Classic => &[],
        Ntpq::Ntpsec => &["ntsinfo", "rpeers"],
    };
    let commands = both.iter().chain(own).copied();
    commands.map(|command| (command, folder.ask(ntpq, "secretmd5", command))).collect()
}

/// Everything that a real ntpd tells is told, and in the same form.
fn compare(ntpq: Ntpq, ours: &[(&str, String)], theirs: &[(&str, String)]) {
    for ((command, ours), (_, theirs)) in ours.iter().zip(theirs) {
        for sign in ["???", "***", "Unknown variable", "timed out"] {
            assert!(!ours.contains(sign), "{ntpq:?} {command}:\n{ours}");
        }
        let is_unknown = |line: &str| line.trim_end().ends_with(" ?");
        assert!(!ours.lines().any(is_unknown), "{ntpq:?} {command}:\n{ours}");
        assert!(ours.lines().count() > 1, "{ntpq:?} {command}:\n{ours}");
        let (told, real) = (labels(ours), labels(theirs));
        let missing: Vec<_> = real.difference(&told).collect();
        assert!(missing.is_empty(), "{ntpq:?} {command} lacks {missing:?}:\n{ours}\n{theirs}");
    }
}

/// The names of what is told: heads of tables, and what stands before a colon or an equals sign.
fn labels(text: &str) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    for line in text.lines() {
        if ["remote", "refid", "lstint", "assid", "addr/prefix"].iter().any(|w| line.contains(w))
            && !line.contains('=')
        {
            labels.insert(line.split_whitespace().collect::<Vec<_>>().join(" "));
        } else if let Some((label, _)) = line.split_once(": ") {
            labels.insert(label.trim().to_owned());
        } else {
            let names = line.split(", ").filter_map(|item| item.split_once('='));
            labels.extend(names.map(|(name, _)| name.trim().to_owned()));
        }
    }
    labels
}

/// What is told is done when the key is right, and only then.
fn told(folder: &Folder, ntpq: Ntpq) {
    let config = |secret, line: &str| folder.ask(ntpq, secret, &format!(":config {line}"));
    let refused = config("wrong", "server 127.0.0.9");
    assert!(!refused.contains("Succeeded") && refused.contains("***"), "{ntpq:?}: {refused}");
    let see = |command| folder.ask(ntpq, "secretmd5", command);
    assert!(!see("peers").contains("127.0.0.9"), "{ntpq:?}");
    for line in [
        "server 127.0.0.9",
        "restrict 10.9.0.0 mask 255.255.0.0 nomodify limited kod",
        "fudge 127.127.1.0 stratum 11",
        "tos minclock 4",
        "enable monitor",
        "disable auth",
        "enable auth",
    ] {
        let answer = config("secretmd5", line);
        assert!(answer.contains("Config Succeeded"), "{ntpq:?} {line}: {answer}");
    }
    assert!(see("peers").contains("127.0.0.9"), "{ntpq:?}");
    let restrictions = see("reslist");
    assert!(restrictions.contains("10.9.0.0/16"), "{ntpq:?}: {restrictions}");
    assert!(restrictions.contains("nomodify"), "{ntpq:?}: {restrictions}");
    assert!(see("cv &2").contains("stratum=11"), "{ntpq:?}");
    let answer = config("secretmd5", "restrict bogus blah");
    assert!(answer.contains("column 15 syntax error"), "{ntpq:?}: {answer}");
    for line in [
        "unconfig 127.0.0.9",
        "unrestrict 10.9.0.0 mask 255.255.0.0",
        "fudge 127.127.1.0 stratum 9",
    ] {
        let answer = config("secretmd5", line);
        assert!(answer.contains("Config Succeeded"), "{ntpq:?} {line}: {answer}");
    }
    assert!(!see("peers").contains("127.0.0.9"), "{ntpq:?}");
    let restrictions = see("reslist");
    assert!(!restrictions.contains("10.9.0.0"), "{ntpq:?}: {restrictions}");
}

/// What is followed can be saved, once and where it belongs.
fn saved(folder: &Folder) {
    let see = |command: &str| folder.ask(Ntpq::Classic, "secretmd5", command);
    let defaults = see("rv");
    assert!(defaults.contains("told=yes") && !defaults.contains("hidden"), "{defaults}");
    assert!(see("rv 0 hidden").contains("hidden=too"));
    assert!(see(":config server 10.9.9.3 minpoll 5").contains("Succeeded"));
    // Of all that a name may have of the time, the century changes least.
    let answer = see("saveconfig now-%C.conf");
    assert!(answer.contains("Configuration saved to 'now-"), "{answer}");
    assert!(see("saveconfig now-%C.conf").contains("exists"));
    for name in ["../x", "-x", "a/b"] {
        let answer = see(&format!("saveconfig {name}"));
        assert!(answer.contains("rejects unsafe file name"), "{name}: {answer}");
    }
    let is_it = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("now-");
    let files = fs::read_dir(&folder.0).expect("it is ours").filter_map(Result::ok);
    let file = files.into_iter().find(is_it).expect("it was saved");
    let text = fs::read_to_string(file.path()).expect("it can be read");
    for line in ["controlkey 1", "server 10.9.9.1 iburst minpoll 3", "server 10.9.9.3 minpoll 5"] {
        assert!(text.contains(line), "{line} is missing:\n{text}");
    }
}

/// A list of twenty thousand clients is read whole by both.
fn clients(folder: &Folder) {
    let mut request = [0_u8; 48];
    request[0] = 0x23;
    for number in 0..CLIENTS {
        let from = Ipv4Addr::from_bits(0x7f01_0000 + number + 1);
        let socket = UdpSocket::bind(SocketAddr::new(from.into(), 0)).expect("a loopback address");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        request[40..44].copy_from_slice(&(number + 1).to_be_bytes());
        socket.send_to(&request, "127.0.0.1:123").expect("the loopback carries it");
        socket.recv(&mut [0; 64]).expect("it is answered");
    }
    for ntpq in [Ntpq::Classic, Ntpq::Ntpsec] {
        let clock = Clock::start();
        let start = clock.mono();
        let list = folder.ask(ntpq, "secretmd5", "mrulist");
        let rows: BTreeSet<_> = list
            .lines()
            .filter_map(|line| line.split_whitespace().last())
            .filter(|word| word.starts_with("127.1."))
            .collect();
        println!("{ntpq:?}: {} clients in {:?}", rows.len(), clock.mono().since(start));
        let tail: Vec<_> = list.lines().rev().take(5).collect();
        assert_eq!(rows.len(), CLIENTS as usize, "{ntpq:?}: {tail:?}");
    }
}

const CLIENTS: u32 = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ntpq {
    Classic,
    Ntpsec,
}

/// A daemon that runs.
struct Daemon(Child);

impl Daemon {
    fn end(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}

/// A folder that goes away, with configurations, keys and logs.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("ntpscope-asked-{}-{}", std::process::id(), lab::root().display());
        let name: String = name.chars().map(|c| if c == '/' { '-' } else { c }).collect();
        let folder = Self(std::env::temp_dir().join(name));
        drop(fs::remove_dir_all(&folder.0));
        fs::create_dir(&folder.0).expect("a folder for this test");
        for (file, secret) in [("secretmd5.keys", "secretmd5"), ("wrong.keys", "wrong")] {
            fs::write(folder.0.join(file), format!("1 MD5 {secret}\n")).expect("it is ours");
        }
        folder
    }

    fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }

    /// What both daemons are configured with.
    fn conf(&self) -> String {
        let keys = self.path("secretmd5.keys");
        format!(
            "keys {keys}\ntrustedkey 1\ncontrolkey 1\nserver 10.9.9.1 iburst minpoll 3\n\
             server 127.127.1.0 minpoll 3\nfudge 127.127.1.0 stratum 9\n\
             mru maxdepth 30000 maxage 3600\nsaveconfigdir {}\nsetvar told=yes default\nsetvar hidden=too\n",
            self.0.display()
        )
    }

    fn ours(&self, conf: &str, listen: &str, name: &str) -> Daemon {
        let file = self.path(&format!("{name}.conf"));
        fs::write(&file, conf).expect("it is ours");
        let log = fs::File::create(self.path(&format!("{name}.log"))).expect("it is ours");
        let child = Command::new(lab::program())
            .args(["run", "-c", &file, "--listen", listen])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("one more handle"))
            .stderr(log)
            .spawn();
        Daemon(child.expect("the program can be started"))
    }

    /// A real ntpd on the loopback, once it answers.
    fn real(&self) -> Daemon {
        let mut conf = self.conf();
        conf.push_str("interface ignore wildcard\ninterface ignore all\n");
        conf.push_str("interface listen 127.0.0.1\n");
        let file = self.path("real.conf");
        fs::write(&file, conf).expect("it is ours");
        let child = Command::new(peer("ntpd-classic"))
            .args(["-n", "-g", "-c", &file])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let daemon = Daemon(child.expect("the peers have an ntpd"));
        self.wait_for("its first association", |told| told.contains("stratum="));
        self.wait_for_counters();
        daemon
    }

    /// Waits until the counters are a second old: NTPsec's ntpq divides by the age of those that
    /// were begun in this second, and prints a trace instead of a table.
    fn wait_for_counters(&self) {
        let mut said = String::new();
        for _ in 0..60 {
            said = self.ask(Ntpq::Classic, "secretmd5", "rv 0 ss_reset");
            let age = said.split_once("ss_reset=").map(|(_, age)| age.trim().parse::<u32>());
            if age.is_some_and(|age| age.is_ok_and(|seconds| seconds > 0)) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("the counters do not grow old: {said}");
    }

    /// Waits until `rv &1` is as `ok` wants it.
    fn wait_for(&self, what: &str, ok: impl Fn(&str) -> bool) {
        let mut said = String::new();
        for _ in 0..120 {
            said = self.ask(Ntpq::Classic, "secretmd5", "rv &1");
            if ok(&said) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(500));
        }
        panic!("never saw {what}: {said}");
    }

    /// What an ntpq prints for a command, with key 1 and this secret.
    fn ask(&self, ntpq: Ntpq, secret: &str, command: &str) -> String {
        let keys = self.path(&format!("{secret}.keys"));
        let password = format!("passwd {secret}");
        let (program, words) = match ntpq {
            Ntpq::Classic => {
                ("ntpq-classic", vec!["-n", "-c", "keyid 1", "-c", &password, "-c", command])
            }
            Ntpq::Ntpsec => ("ntpq-ntpsec", vec!["-n", "-k", &keys, "-a", "1", "-c", command]),
        };
        let output = Command::new(peer(program))
            .args(words)
            .arg("127.0.0.1")
            .stdin(Stdio::null())
            .output()
            .expect("the peers have both ntpqs");
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        // Writing to a string cannot fail.
        let _ = write!(said, "{}", String::from_utf8_lossy(&output.stderr));
        said
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A program of the peers.
fn peer(program: &str) -> PathBuf {
    let peers = std::env::var_os("NTPSCOPE_PEERS_DIR")
        .map_or_else(|| lab::target().join("peers"), PathBuf::from);
    peers.join("bin").join(program)
}
