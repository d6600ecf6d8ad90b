//! Replies a second: `cargo bench --bench serving` asks ours, chronyd and both ntpds for time as
//! fast as they answer, each for ten seconds in all, on the loopback of a network of its own.
//!
//! The server is held to one core and the asker to another; four sockets keep 64 requests each in
//! flight. What a reply cost is the server's time on its core, as the system counted it, with what
//! the kernel did for it. Wall figures depend on the machine and on the asker, who may be the
//! slower of the two; the ratios of one run are what to quote. The daemons are those that
//! `tests/lab fetch` unpacks.

#![expect(unsafe_code, reason = "many datagrams with one call, as no library offers it")]
#![expect(clippy::disallowed_methods, reason = "a measurement waits and reads the clock")]
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]
#![expect(clippy::indexing_slicing, reason = "the sizes are its own")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made should fail")]

use std::fs;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Says to a copy of this program that it is in a network of its own.
const INSIDE: &str = "NTPSCOPE_BENCH_INSIDE";

/// Rounds, and how long a server is asked in each.
const ROUNDS: usize = 5;
const MEASURED: Duration = Duration::from_secs(2);

/// Requests that are sent with one call.
const WINDOW: usize = 64;
const SOCKETS: usize = 4;

fn main() {
    if std::env::var_os(INSIDE).is_some() {
        return measure();
    }
    let mut inside = Command::new("unshare");
    inside.args(["--user", "--map-root-user", "--net", "--pid", "--fork", "--mount-proc"]);
    inside.args(["sh", "-c", "ip link set lo up && exec taskset -c 1 \"$0\""]);
    let this = std::env::current_exe().unwrap();
    let status = inside.arg(this).env(INSIDE, "1").status().unwrap();
    assert!(status.success(), "{status}");
}

/// A server and what was measured of it.
struct Server {
    name: &'static str,
    command: Vec<String>,
    /// Replies a second, and microseconds of its core a reply, of each round.
    rounds: Vec<(f64, f64)>,
}

/// Ends a server with whatever happens here.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn measure() {
    let folder = std::env::temp_dir().join(format!("ntpscope-serving-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut servers = servers(&folder);
    for _ in 0..ROUNDS {
        for server in &mut servers {
            server.rounds.extend(round(&server.command));
        }
    }
    let (ours, our_cost) = medians(&servers[0].rounds);
    println!("server        replies/s  ours ÷  core µs each  ÷ ours");
    for server in &servers {
        if server.rounds.is_empty() {
            println!("{:12}  did not answer", server.name);
            continue;
        }
        let (rate, cost) = medians(&server.rounds);
        let (faster, dearer) = (ours / rate, cost / our_cost);
        println!("{:12}  {rate:9.0}  {faster:6.2}  {cost:12.2}  {dearer:6.2}", server.name);
    }
    drop(fs::remove_dir_all(&folder));
}

fn servers(folder: &Path) -> Vec<Server> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let peers = std::env::var_os("NTPSCOPE_PEERS_DIR")
        .map_or_else(|| root.join("target/peers"), PathBuf::from);
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let ours = write("ours.conf", "tos orphan 5 orphanwait 1\nrestrict default\n".to_owned());
    let chrony = format!(
        "local stratum 5\nallow all\ncmdport 0\nbindcmdaddress {0}/sock\npidfile {0}/pid\nuser root\n",
        folder.display()
    );
    let chrony = write("chrony.conf", chrony);
    // NTPsec limits whoever has no line of its own.
    let ntp = "tos orphan 5 orphanwait 1\nrestrict default\nrestrict 127.0.0.1\n";
    let ntp = write("ntp.conf", ntp.to_owned());
    let server = |name, program: String, arguments: &[&str]| {
        let words = [program.as_str()].into_iter().chain(arguments.iter().copied());
        Server { name, command: words.map(str::to_owned).collect(), rounds: Vec::new() }
    };
    let peer = |name: &str| peers.join("bin").join(name).display().to_string();
    vec![
        server("ntpscope", env!("CARGO_BIN_EXE_ntpscope").to_owned(), &["run", "-c", &ours]),
        server("chronyd", peer("chronyd"), &["-x", "-d", "-f", &chrony]),
        server("ntpd 4.2.8", peer("ntpd-classic"), &["-n", "-c", &ntp]),
        server("NTPsec", peer("ntpd-ntpsec"), &["-n", "-c", &ntp]),
    ]
}

/// Asks a server for a while; `None` when it does not answer.
fn round(command: &[String]) -> Option<(f64, f64)> {
    let mut server = Command::new("taskset");
    server.args(["-c", "0"]).args(command).stdin(Stdio::null());
    let server = Ended(server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?);
    let id = server.0.id();
    let mut askers: Vec<Asker> = (0..SOCKETS).map(|_| Asker::new()).collect();
    let deadline = Instant::now() + Duration::from_secs(8);
    while !askers[0].is_answered() {
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_millis(1500));
    let before = core_seconds(id);
    let (start, mut replies) = (Instant::now(), 0);
    while start.elapsed() < MEASURED {
        for asker in &mut askers {
            asker.fill();
        }
        for asker in &mut askers {
            replies += asker.drain();
        }
    }
    let elapsed_s = start.elapsed().as_secs_f64();
    // Whole hundredths of a second are all that the system counts in.
    let core_us = (core_seconds(id) - before) * 1e6;
    (replies > 0).then(|| {
        let replies = f64::from(replies);
        (replies / elapsed_s, core_us / replies)
    })
}

/// The time that a process has had on a core.
fn core_seconds(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let after = stat.rsplit(')').next().unwrap();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

/// A socket with requests in flight.
struct Asker {
    socket: UdpSocket,
    requests: Vec<[u8; 48]>,
    in_flight: usize,
    heard: Instant,
}

impl Asker {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect("127.0.0.1:123").unwrap();
        socket.set_nonblocking(true).unwrap();
        let request = |number: usize| {
            let mut request = [0; 48];
            request[0] = 0x23;
            request[40..48].copy_from_slice(&(number as u64 + 1).to_be_bytes());
            request
        };
        let requests = (0..WINDOW).map(request).collect();
        Self { socket, requests, in_flight: 0, heard: Instant::now() }
    }

    /// Whether a single request is answered by a clock that is set.
    fn is_answered(&self) -> bool {
        drop(self.socket.send(&self.requests[0]));
        std::thread::sleep(Duration::from_millis(20));
        let mut reply = [0; 64];
        let mut is_set = false;
        while self.socket.recv(&mut reply).is_ok() {
            is_set = reply[0] >> 6 != 3 && reply[1] != 0;
        }
        is_set
    }

    /// Sends as many requests as there is room for, in flight.
    fn fill(&mut self) {
        let count = WINDOW - self.in_flight;
        if count < WINDOW / 2 && self.heard.elapsed() < Duration::from_millis(5) {
            return;
        }
        // What has not come by now is lost.
        let count = if count < WINDOW / 2 { WINDOW } else { count };
        let mut parts: Vec<libc::iovec> = self.requests[..count]
            .iter_mut()
            .map(|request| libc::iovec { iov_base: request.as_mut_ptr().cast(), iov_len: 48 })
            .collect();
        let mut headers = headers(&mut parts);
        let length = u32::try_from(headers.len()).unwrap();
        // SAFETY: the headers point at parts, and those at requests, all of which outlive the call.
        let sent = unsafe {
            libc::sendmmsg(
                self.socket.as_raw_fd(),
                headers.as_mut_ptr(),
                length,
                libc::MSG_DONTWAIT,
            )
        };
        self.in_flight = (self.in_flight + usize::try_from(sent).unwrap_or(0)).min(WINDOW);
        self.heard = Instant::now();
    }

    /// Takes the replies that are there; how many.
    fn drain(&mut self) -> u32 {
        let mut replies = vec![[0_u8; 64]; WINDOW];
        let mut parts: Vec<libc::iovec> = replies
            .iter_mut()
            .map(|reply| libc::iovec { iov_base: reply.as_mut_ptr().cast(), iov_len: 64 })
            .collect();
        let mut headers = headers(&mut parts);
        let length = u32::try_from(headers.len()).unwrap();
        let (fd, none) = (self.socket.as_raw_fd(), std::ptr::null_mut());
        // SAFETY: the headers point at parts, and those at replies, all of which outlive the call.
        let got =
            unsafe { libc::recvmmsg(fd, headers.as_mut_ptr(), length, libc::MSG_DONTWAIT, none) };
        let got = u32::try_from(got).unwrap_or(0);
        if got > 0 {
            self.heard = Instant::now();
        }
        self.in_flight = self.in_flight.saturating_sub(usize::try_from(got).unwrap());
        got
    }
}

fn headers(parts: &mut [libc::iovec]) -> Vec<libc::mmsghdr> {
    let header = |part: &mut libc::iovec| {
        // SAFETY: the struct holds integers and pointers, for which all bits zero is a value.
        let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
        header.msg_hdr.msg_iov = part;
        header.msg_hdr.msg_iovlen = 1;
        header
    };
    parts.iter_mut().map(header).collect()
}

/// The medians of both figures.
fn medians(rounds: &[(f64, f64)]) -> (f64, f64) {
    let median = |mut figures: Vec<f64>| {
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
    };
    (median(rounds.iter().map(|r| r.0).collect()), median(rounds.iter().map(|r| r.1).collect()))
}
