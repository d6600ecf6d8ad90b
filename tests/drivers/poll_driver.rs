//! The engine on one thread, with nothing under it but a handful of calls of the C library: for
//! those who embed it, and for simulators that stand in for that library.
//!
//! `poll_driver [--discipline [--simulated]] [--discipline-algorithm ntp|kalman] --minpoll N
//! --maxpoll N SERVER…` asks the SERVERs (IPv4 addresses) until a signal ends it. Without
//! `--discipline` it steers a virtual clock and sets nothing. With `--simulated` the clock is taken
//! for one of a preloaded simulator, and nobody looks whether another program steers it.
//!
//! A simulator may know a network, a clock and a process of its own only within these calls:
//! `socket`, `fcntl`, `connect`, `sendto`, `recvmsg`, `poll`, `close`, `setsockopt`,
//! `clock_gettime`, `clock_adjtime`, `getrandom`. Its time may go on only in `poll`, so nothing here
//! waits elsewhere or polls in a circle; and a queue is read only when it is said to hold
//! something, once for each time.

#![expect(unsafe_code, reason = "it calls the C library itself, as few programs should")]
#![expect(clippy::print_stderr, reason = "what happens is told there")]

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::OsStr;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _, bail, ensure, eyre};
use ntpscope::clock::system::Adjtimex;
use ntpscope::config::host::HostSpec;
use ntpscope::config::ntp_conf::{Association, Directive, Kind, Options};
use ntpscope::engine::Engine;
use ntpscope::engine::input::{Input, Received};
use ntpscope::engine::output::{Event, Output, Socket, Ticket, Transmission};
use ntpscope::engine::settings::{Algorithm, Settings};
use ntpscope::net::discipline::{self, Looked, Permit};
use ntpscope::net::stamp::{self, Bracket, Queue, Stamping};
use ntpscope::net::steered::Steered;
use ntpscope::units::{Boot, Mono, Now, PollExponent};

/// What the command line says.
struct Arguments {
    discipline: bool,
    simulated: bool,
    algorithm: Algorithm,
    minpoll: PollExponent,
    maxpoll: PollExponent,
    servers: Vec<Ipv4Addr>,
}

fn main() -> Result<()> {
    color_eyre::install()?;
    let Some(arguments) = arguments(std::env::args().skip(1))? else {
        eprint!("{HELP}");
        return Ok(());
    };
    let end = Arc::new(AtomicBool::new(false));
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&end))?;
    }
    let preloaded = std::env::var_os("LD_PRELOAD");
    let is_simulated = is_simulated(arguments.simulated, preloaded.as_deref())?;
    let asks = arguments.discipline && !is_simulated;
    let _permit = if asks { Some(permit()?) } else { None };
    // The clocks of a simulator may not be what they will be before its time has begun to go on.
    wait(&mut [], FIRST_WAIT)?;
    let mut driver = Driver::new(&arguments)?;
    while !end.load(Ordering::Relaxed) {
        driver.turn()?;
    }
    Ok(())
}

/// What the words say; `None` when they ask for help.
fn arguments(mut words: impl Iterator<Item = String>) -> Result<Option<Arguments>> {
    let mut arguments = Arguments {
        discipline: false,
        simulated: false,
        algorithm: Algorithm::default(),
        minpoll: PollExponent::new(6),
        maxpoll: PollExponent::new(10),
        servers: Vec::new(),
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| eyre!("{word} wants a value"));
        match word.as_str() {
            "--help" => return Ok(None),
            "--discipline" => arguments.discipline = true,
            "--simulated" => arguments.simulated = true,
            "--discipline-algorithm" => {
                arguments.algorithm = match value()?.as_str() {
                    "ntp" => Algorithm::Ntp,
                    "kalman" => Algorithm::Kalman,
                    other => bail!("an algorithm is ntp or kalman, not {other}"),
                }
            }
            "--minpoll" => arguments.minpoll = PollExponent::new(value()?.parse()?),
            "--maxpoll" => arguments.maxpoll = PollExponent::new(value()?.parse()?),
            server => {
                let address = server.parse().wrap_err_with(|| format!("server {server}"))?;
                arguments.servers.push(address);
            }
        }
    }
    ensure!(!arguments.servers.is_empty(), "name the addresses of servers");
    Ok(Some(arguments))
}

/// Whether the clock is a simulator's: it is said to be, and a library is preloaded. That alone
/// says nothing, as allocators and tracers are preloaded on real machines too.
fn is_simulated(is_said: bool, preloaded: Option<&OsStr>) -> Result<bool> {
    let is_preloaded = preloaded.is_some_and(|library| !library.is_empty());
    ensure!(is_preloaded || !is_said, "--simulated, but LD_PRELOAD names no simulator");
    Ok(is_said)
}

/// The permit to steer the system's clock, after it was watched for some seconds.
fn permit() -> Result<Permit> {
    let mut claim = discipline::claim()?;
    loop {
        match claim.look(&mut Adjtimex)? {
            Looked::Granted(permit) => return Ok(permit),
            Looked::Watching(more) => claim = more,
        }
        wait(&mut [], discipline::BETWEEN_LOOKS)?;
    }
}

/// The engine and what it needs.
struct Driver {
    engine: Engine,
    steered: Steered,
    origin: Mono,
    /// An open socket for each request that waits for its answer.
    open: HashMap<Ticket, Open>,
    step_look: Mono,
    /// Keeps the kernel stamping between two requests.
    _idle: OwnedFd,
}

/// The socket of a request.
struct Open {
    socket: OwnedFd,
    to: SocketAddr,
    stamping: Stamping,
}

impl Driver {
    fn new(arguments: &Arguments) -> Result<Self> {
        let origin = stamp::monotonic();
        let bracket = Bracket::read();
        let mut steered = if arguments.discipline {
            Steered::disciplining(Adjtimex, bracket)?
        } else {
            Steered::observing(bracket)
        };
        let now = steered.now(Mono::default(), Boot::default(), &bracket);
        let settings = Settings {
            algorithm: arguments.algorithm,
            poll_floor: arguments.minpoll,
            ..Settings::default()
        };
        let mut engine = Engine::new(settings, seed()?, &now);
        for server in &arguments.servers {
            let association = Association {
                kind: Kind::Server,
                host: HostSpec::new(server.to_string()),
                family: None,
                options: Options {
                    iburst: true,
                    minpoll: arguments.minpoll,
                    maxpoll: arguments.maxpoll,
                    ..Options::default()
                },
            };
            engine.apply(&now, &Directive::Association(association))?;
        }
        let idle = plain_socket()?;
        stamp::request(idle.as_fd());
        let mut driver = Self {
            engine,
            steered,
            origin,
            open: HashMap::new(),
            step_look: Mono::default(),
            _idle: idle,
        };
        driver.drain()?;
        Ok(driver)
    }

    /// Waits for the next thing and lets the engine act on it.
    fn turn(&mut self) -> Result<()> {
        let now = self.now();
        let house = if self.steered.is_system() { self.step_look } else { now.mono + LONGEST_WAIT };
        let wakeup = self.engine.next_wakeup().map_or(house, |wakeup| wakeup.min(house));
        let tickets: Vec<_> = self.open.keys().copied().collect();
        let sockets = self.open.values();
        let events = libc::POLLIN | libc::POLLPRI;
        let mut polled: Vec<_> = sockets
            .map(|open| libc::pollfd { fd: open.socket.as_raw_fd(), events, revents: 0 })
            .collect();
        wait(&mut polled, wakeup.since(now.mono))?;
        for (ticket, polled) in tickets.into_iter().zip(polled) {
            // What left comes first: the answer to it may be waiting behind.
            if polled.revents & (libc::POLLPRI | libc::POLLERR) != 0 {
                self.departed(ticket)?;
            }
            if polled.revents & libc::POLLIN != 0 {
                self.arrived(ticket)?;
            }
        }
        let now = self.now();
        if self.steered.is_system() && self.step_look <= now.mono {
            self.look_for_steps(&now);
        }
        self.engine.handle(&now, Input::Wakeup);
        self.drain()
    }

    fn now(&mut self) -> Now {
        let mono = self.mono();
        // A clock that goes on in a suspend is not among those that are asked for here.
        self.steered.now(mono, Boot::from_nanos(mono.nanos()), &Bracket::read())
    }

    fn mono(&self) -> Mono {
        Mono::default() + stamp::monotonic().since(self.origin)
    }

    fn look_for_steps(&mut self, now: &Now) {
        self.step_look = now.mono + BETWEEN_STEP_LOOKS;
        let origin = self.origin;
        let reread =
            || (Mono::default() + stamp::monotonic().since(origin), Bracket::read().system);
        let (mono, system) = reread();
        if let Some(by) = self.steered.stepped_by_others(mono, system, reread) {
            let now = self.now();
            self.engine.handle(&now, Input::ClockStepped { by });
        }
        if self.engine.report(now).is_converged {
            self.steered.trust();
        }
        if let Some(outcome) = self.steered.end_stale_slew(now) {
            self.engine.handle(now, Input::Clock(outcome));
        }
    }

    fn arrived(&mut self, ticket: Ticket) -> Result<()> {
        let Some(open) = self.open.get(&ticket) else { return Ok(()) };
        let mut buffer = [0; BUFFER];
        let message = stamp::receive(open.socket.as_fd(), &mut buffer, Queue::Arrivals);
        let bracket = Bracket::read();
        match message {
            Ok(message) => {
                let stamp = self.steered.stamp(message.stamp, &bracket);
                let received = Received {
                    socket: Socket::Request(ticket),
                    from: message.from.unwrap_or(open.to),
                    to: message.to,
                    stamp,
                    admitted: None,
                    datagram: buffer.get(..message.length).unwrap_or_default(),
                };
                let now = self.now();
                self.engine.handle(&now, Input::Received(received));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // The network says that nobody listens.
            Err(_) => {
                let now = self.now();
                self.engine.handle(&now, Input::Unsent { ticket });
            }
        }
        self.drain()
    }

    /// Takes the kernel's word of when a request left.
    fn departed(&mut self, ticket: Ticket) -> Result<()> {
        let Some(open) = self.open.get(&ticket) else { return Ok(()) };
        let message = stamp::receive(open.socket.as_fd(), &mut [0; BUFFER], Queue::Departures);
        let bracket = Bracket::read();
        if let Ok(message) = message
            && message.sent.is_some()
            && message.stamp.is_some()
        {
            let stamp = self.steered.stamp(message.stamp, &bracket);
            let now = self.now();
            self.engine.handle(&now, Input::Sent { ticket, stamp });
        }
        self.drain()
    }

    /// Carries out what the engine wants.
    fn drain(&mut self) -> Result<()> {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Send(transmission) => self.send(&transmission)?,
                Output::Close(ticket) => drop(self.open.remove(&ticket)),
                Output::Clock(command) => {
                    let now = self.now();
                    let outcome = self.steered.command(&now, &command);
                    let now = self.now();
                    self.engine.handle(&now, Input::Clock(outcome));
                }
                Output::Event(event) => self.tell(&event),
                Output::Fault(what) => eprintln!("poll_driver: a fault of the engine: {what}"),
                // Addresses need no resolver, one client listens nowhere, and what was learned is
                // not kept.
                _ => {}
            }
        }
        Ok(())
    }

    fn tell(&self, event: &Event) {
        let seconds = self.mono().since(Mono::default()).as_secs_f64();
        eprintln!("{seconds:.3} {event:?}");
    }

    fn send(&mut self, transmission: &Transmission) -> Result<()> {
        let ticket = transmission.ticket;
        if let Entry::Vacant(place) = self.open.entry(ticket)
            && let Ok(open) = open(transmission.to)
        {
            place.insert(open);
        }
        let bracket = Bracket::read();
        let open = self.open.get(&ticket);
        let sent = open.map(|open| stamp::send(open.socket.as_fd(), &transmission.datagram, None));
        let is_told = open.is_some_and(|open| open.stamping == Stamping::Both);
        let now = self.now();
        if !matches!(sent, Some(Ok(()))) {
            self.engine.handle(&now, Input::Unsent { ticket });
            return Ok(());
        }
        let stamp = self.steered.stamp(None, &bracket);
        self.engine.handle(&now, Input::Sent { ticket, stamp });
        // Usually the kernel's word is there at once, and a simulator's is good only now.
        if is_told { self.departed(ticket) } else { Ok(()) }
    }
}

/// Opens a socket to `to`.
fn open(to: SocketAddr) -> io::Result<Open> {
    let socket = plain_socket()?;
    let stamping = stamp::request(socket.as_fd());
    let address = socket2::SockAddr::from(to);
    // SAFETY: the pointer is to an address that lives until the call is over, with its length.
    let connected =
        unsafe { libc::connect(socket.as_raw_fd(), address.as_ptr().cast(), address.len()) };
    checked(connected)?;
    Ok(Open { socket, to, stamping })
}

/// A socket that does not block, opened with no flags: what there is to set is set by `fcntl`.
fn plain_socket() -> io::Result<OwnedFd> {
    // SAFETY: no pointers are passed.
    let socket = checked(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0) })?;
    // SAFETY: the descriptor was opened just now and belongs to nobody else.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: no pointers are passed.
    checked(unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: no pointers are passed.
    checked(unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) })?;
    Ok(socket)
}

/// Waits until one of `polled` is ready, a signal comes, or `at_most` has passed.
fn wait(polled: &mut [libc::pollfd], at_most: Duration) -> io::Result<()> {
    // At least a millisecond: whatever the engine says, this does not turn in a circle.
    let milliseconds = at_most.as_micros().div_ceil(1000).clamp(1, 60_000);
    let milliseconds = i32::try_from(milliseconds).unwrap_or(1);
    let count = libc::nfds_t::try_from(polled.len()).unwrap_or(0);
    // SAFETY: the pointer is to so many descriptors, which the call marks.
    let ready = unsafe { libc::poll(polled.as_mut_ptr(), count, milliseconds) };
    match checked(ready) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// Bytes that nobody can guess, from the one function that simulators know.
fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    // SAFETY: the pointer is to so many bytes, which the call fills.
    let filled = unsafe { libc::getrandom(seed.as_mut_ptr().cast(), seed.len(), 0) };
    match usize::try_from(filled) {
        Ok(filled) if filled == seed.len() => Ok(seed),
        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The time before the first reading.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// How long to wait when nothing is due.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How often the system's clock is looked at for steps of others, when we steer it.
const BETWEEN_STEP_LOOKS: Duration = Duration::from_secs(1);

/// The largest datagram that is read whole.
const BUFFER: usize = 2048;

const HELP: &str = "\
Usage: poll_driver [OPTIONS] SERVER...

Asks the SERVERs (IPv4 addresses) until a signal ends it.

  --discipline                  steer the system's clock, not a virtual one
  --simulated                   the clock is one of a simulator in LD_PRELOAD: do not look whether
                                another program steers it. Never on a real clock
  --discipline-algorithm NAME   kalman or ntp
  --minpoll N, --maxpoll N      the range of the poll interval, as exponents of two
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preloaded_library_alone_spares_no_check() {
        let library = Some(OsStr::new("libjemalloc.so"));
        assert!(!is_simulated(false, library).unwrap());
        assert!(!is_simulated(false, None).unwrap());
        assert!(is_simulated(true, library).unwrap());
        assert!(is_simulated(true, None).is_err());
        assert!(is_simulated(true, Some(OsStr::new(""))).is_err());
    }

    #[test]
    fn simulated_has_to_be_said() {
        let read = |line: &str| {
            arguments(line.split(' ').map(str::to_owned)).unwrap().map(|read| read.simulated)
        };
        assert_eq!(read("--discipline 192.0.2.1"), Some(false));
        assert_eq!(read("--discipline --simulated 192.0.2.1"), Some(true));
        assert_eq!(read("--help"), None);
    }
}
