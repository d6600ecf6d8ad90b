//! An engine and the servers that it asks, in virtual time.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::clock::command::{Command, Outcome};
use crate::config::host::HostSpec;
use crate::config::ntp_conf::{self, Options};
use crate::engine::Engine;
use crate::engine::access::Admission;
use crate::engine::association::Association;
use crate::engine::input::{Input, Received, Stamp};
use crate::engine::output::{Event, Output, Socket, Transmission};
use crate::engine::settings::{Algorithm, Settings};
use crate::engine::statistics::Record;
use crate::units::{
    AssocId, Boot, Leap, Mode, Mono, Now, NtpDuration, NtpTimestamp, Ppm, Precision, Raw, RefId,
    Stratum,
};
use crate::wire::mac::Key;
use crate::wire::packet::{Header, Packet};

/// A server, as a script: what it answers, changed by the test at will.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// How far its clock is ahead of the truth.
    pub ahead_s: f64,
    /// The way there and back.
    pub delay: Duration,
    /// Whether it answers.
    pub answers: bool,
    /// The version of its replies; that of the request when `None`.
    pub version: Option<u8>,
    pub stratum: u8,
    pub leap: Leap,
    pub reference_id: RefId,
    /// A kiss in place of the time, by its code.
    pub kiss: Option<&'static str>,
    /// The poll interval that it names.
    pub poll: Option<i8>,
    /// What it signs with.
    pub key: Option<Key>,
    /// What is added behind a reply that is not signed.
    pub trailer: Vec<u8>,
    pub root_dispersion_s: f64,
    /// Whether it answers requests to the group.
    pub is_member: bool,
    /// Requests that came.
    pub asked: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            ahead_s: 0.0,
            delay: Duration::from_millis(10),
            answers: true,
            version: None,
            stratum: 1,
            leap: Leap::None,
            reference_id: RefId::from_code("GPS").unwrap(),
            kiss: None,
            poll: None,
            key: None,
            trailer: Vec::new(),
            root_dispersion_s: 0.001,
            is_member: false,
            asked: 0,
        }
    }
}

/// An engine, its clock and its servers.
pub(super) struct Pair {
    pub engine: Engine,
    pub servers: BTreeMap<IpAddr, Server>,
    pub names: BTreeMap<String, Vec<IpAddr>>,
    /// What the engine put out, as text with the time: two runs are equal when these are.
    pub log: Vec<String>,
    pub events: Vec<Event>,
    /// What was kept for statistics files, with the steered clock's time.
    pub records: Vec<(NtpTimestamp, Record)>,
    pub sent: Vec<(Mono, Transmission)>,
    pub steps: Vec<(Mono, NtpDuration)>,
    pub resolved: u64,
    /// The truth, in nanoseconds since the start: the raw clock is the truth.
    now_ns: u64,
    boot_ahead_ns: u64,
    /// What the steered clock is ahead of the truth, where it was last bent, and its rate.
    error_s: f64,
    bent_ns: u64,
    rate: Ppm,
    arrivals: BTreeMap<(u64, u64), (Socket, SocketAddr, Vec<u8>)>,
    queued: u64,
    /// What restricts those whose datagrams are injected, and the address of ours that they ask.
    pub admitted: Option<Admission>,
    pub to: Option<IpAddr>,
    /// Wakes the engine this often for nothing.
    pub early: Option<Duration>,
    early_at: u64,
}

impl Pair {
    pub(super) fn new(seed: u8) -> Self {
        Self::with(Settings { algorithm: Algorithm::Ntp, ..Settings::default() }, seed)
    }

    pub(super) fn with(settings: Settings, seed: u8) -> Self {
        let now = Now {
            mono: Mono::from_nanos(START_NS),
            raw: Raw::from_nanos(START_NS),
            boot: Boot::from_nanos(START_NS),
            clock: truth(START_NS),
        };
        Self {
            engine: Engine::new(settings, [seed; 32], &now),
            servers: BTreeMap::new(),
            names: BTreeMap::new(),
            log: Vec::new(),
            events: Vec::new(),
            records: Vec::new(),
            sent: Vec::new(),
            steps: Vec::new(),
            resolved: 0,
            now_ns: START_NS,
            boot_ahead_ns: 0,
            error_s: 0.0,
            bent_ns: START_NS,
            rate: Ppm::default(),
            arrivals: BTreeMap::new(),
            queued: 0,
            admitted: None,
            to: None,
            early: None,
            early_at: START_NS,
        }
    }

    /// The address of the server with this number.
    pub(super) fn address(number: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, number))
    }

    /// Adds a server and an association with it.
    pub(super) fn serve(&mut self, number: u8, server: Server, options: Options) -> AssocId {
        self.servers.insert(Self::address(number), server);
        let host = HostSpec::new(Self::address(number).to_string());
        self.add(ntp_conf::Kind::Server, host, options)
    }

    pub(super) fn add(
        &mut self,
        kind: ntp_conf::Kind,
        host: HostSpec,
        options: Options,
    ) -> AssocId {
        let now = self.now();
        let wanted = ntp_conf::Association { kind, host, family: None, options };
        let id = self.engine.add(&now, &wanted).unwrap();
        self.drain();
        id
    }

    pub(super) fn server(&mut self, number: u8) -> &mut Server {
        self.servers.get_mut(&Self::address(number)).unwrap()
    }

    pub(super) fn association(&self, id: AssocId) -> &Association {
        self.engine.association(id).unwrap()
    }

    /// How far the steered clock is ahead of the truth, in seconds.
    pub(super) fn error_s(&self) -> f64 {
        self.error_s + since_s(self.bent_ns, self.now_ns) * self.rate.parts_per_million() / 1e6
    }

    pub(super) fn set_error(&mut self, error_s: f64) {
        self.error_s += error_s - self.error_s();
    }

    /// Lets the clock show this; returns how far it is ahead of the truth then, as servers are to
    /// be that agree with it.
    pub(super) fn set_time(&mut self, time: NtpTimestamp) -> f64 {
        let error_s = (time - truth(self.now_ns)).seconds();
        self.set_error(error_s);
        error_s
    }

    pub(super) fn now(&self) -> Now {
        Now {
            mono: Mono::from_nanos(self.now_ns),
            raw: Raw::from_nanos(self.now_ns),
            boot: Boot::from_nanos(self.now_ns + self.boot_ahead_ns),
            clock: truth(self.now_ns) + NtpDuration::from_seconds(self.error_s()),
        }
    }

    pub(super) fn handle(&mut self, input: Input<'_>) {
        let now = self.now();
        self.engine.handle(&now, input);
        self.drain();
    }

    /// Suspends the machine: the boot clock alone goes on.
    pub(super) fn suspend(&mut self, span: Duration) {
        self.boot_ahead_ns += nanos(span);
    }

    /// Hands the engine a datagram.
    pub(super) fn inject(&mut self, socket: Socket, from: SocketAddr, datagram: &[u8]) {
        let stamp = self.stamp();
        let (to, admitted) = (self.to, self.admitted);
        let received = Received { socket, from, to, stamp, admitted, datagram };
        self.handle(Input::Received(received));
    }

    /// What a server sends to everybody now.
    pub(super) fn broadcast_of(&self, number: u8, poll: i8) -> Vec<u8> {
        let server = &self.servers[&Self::address(number)];
        let time = truth(self.now_ns) + NtpDuration::from_seconds(server.ahead_s);
        let header = Header {
            leap: server.leap,
            mode: Mode::Broadcast,
            stratum: Stratum::new(server.stratum),
            poll: crate::units::PollExponent::new(poll),
            precision: Precision::new(-24),
            root_dispersion: NtpDuration::from_seconds(server.root_dispersion_s),
            reference_id: server.reference_id,
            reference: time + NtpDuration::from_seconds(-16.0),
            ..Header::request(time)
        };
        match &server.key {
            Some(key) => key.seal(header.emit()),
            None => header.emit(),
        }
    }

    /// Lets a server send to everybody for a while, at its interval.
    pub(super) fn run_broadcasting(&mut self, number: u8, poll: i8, span: Duration) {
        let end = self.now_ns + nanos(span);
        while self.now_ns < end {
            let datagram = self.broadcast_of(number, poll);
            self.overhear(number, datagram);
            self.run(Duration::from_secs(1 << poll));
        }
    }

    /// Lets a datagram of this server come to everybody, after its way.
    pub(super) fn overhear(&mut self, number: u8, datagram: Vec<u8>) {
        let address = Self::address(number);
        self.queued += 1;
        let due = self.now_ns + nanos(self.servers[&address].delay / 2);
        let arrival = (Socket::Ntp, SocketAddr::new(address, 123), datagram);
        self.arrivals.insert((due, self.queued), arrival);
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, span: Duration) {
        let end = self.now_ns + nanos(span);
        for _ in 0..MOST_STEPS {
            let wakeup = self.engine.next_wakeup().map_or(u64::MAX, Mono::nanos);
            let arrival = self.arrivals.keys().next().map_or(u64::MAX, |(at, _)| *at);
            let early = self.early.map_or(u64::MAX, |_| self.early_at);
            let next = wakeup.min(arrival).min(early);
            if next > end {
                self.now_ns = end;
                return;
            }
            self.now_ns = self.now_ns.max(next);
            if early == next {
                self.early_at = self.now_ns + nanos(self.early.unwrap_or_default());
            }
            if arrival == next {
                let (_, (socket, from, datagram)) = self.arrivals.pop_first().unwrap();
                self.inject(socket, from, &datagram);
            } else {
                self.handle(Input::Wakeup);
            }
        }
        panic!("the engine does not let time pass: {:?}", self.log.iter().rev().take(50));
    }

    fn stamp(&self) -> Stamp {
        let now = self.now();
        Stamp { raw: now.raw, clock: now.clock, error: NtpDuration::from_seconds(1e-6) }
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            self.log.push(format!("{} {output:?}", self.now_ns));
            match output {
                Output::Send(transmission) => self.send(transmission),
                Output::Clock(command) => {
                    let outcome = self.command(&command);
                    let now = self.now();
                    self.engine.handle(&now, Input::Clock(outcome));
                }
                Output::Resolve(question) => {
                    self.resolved += 1;
                    let addresses =
                        self.names.get(question.host.host()).cloned().unwrap_or_default();
                    let port = question.host.port();
                    let addresses =
                        addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
                    let now = self.now();
                    self.engine.handle(&now, Input::Resolved { question, addresses });
                }
                Output::Event(event) => self.events.push(event),
                Output::Fault(fault) => panic!("{fault}"),
                Output::Close(_)
                | Output::ClosePeer(_)
                | Output::Source { .. }
                | Output::Listen { .. }
                | Output::Drift(_) => {}
                Output::Statistics(record) => self.records.push((self.now().clock, *record)),
            }
        }
    }

    fn command(&mut self, command: &Command) -> Outcome {
        match *command {
            Command::Steer(steering) => {
                self.error_s = self.error_s();
                self.bent_ns = self.now_ns;
                self.rate = steering.rate();
                Outcome::Steered(steering)
            }
            Command::Step { by } => {
                self.error_s += by.seconds();
                self.steps.push((Mono::from_nanos(self.now_ns), by));
                Outcome::Stepped { by }
            }
            Command::Status(_) => Outcome::Told,
        }
    }

    fn send(&mut self, transmission: Transmission) {
        let now = self.now();
        let stamp = self.stamp();
        self.engine.handle(&now, Input::Sent { ticket: transmission.ticket, stamp });
        let at = self.now_ns;
        let to = transmission.to;
        for (ip, server) in &mut self.servers {
            let is_asked = to.ip() == *ip || to.ip().is_multicast() && server.is_member;
            if is_asked && let Some((delay, reply)) = server.reply(at, &transmission.datagram) {
                self.queued += 1;
                let from = SocketAddr::new(*ip, to.port());
                let arrival = (transmission.socket, from, reply);
                self.arrivals.insert((at + nanos(delay), self.queued), arrival);
            }
        }
        self.sent.push((now.mono, transmission));
    }
}

impl Server {
    pub(super) fn reply(&mut self, at_ns: u64, datagram: &[u8]) -> Option<(Duration, Vec<u8>)> {
        self.asked += 1;
        if !self.answers {
            return None;
        }
        let request = Packet::parse(datagram).unwrap().header;
        let middle = truth(at_ns + nanos(self.delay / 2)) + NtpDuration::from_seconds(self.ahead_s);
        let mut header = Header {
            leap: self.leap,
            version: self.version.unwrap_or(request.version),
            mode: match request.mode {
                Mode::SymmetricActive => Mode::SymmetricPassive,
                _ => Mode::Server,
            },
            stratum: Stratum::new(self.stratum),
            precision: Precision::new(-24),
            root_dispersion: NtpDuration::from_seconds(self.root_dispersion_s),
            reference_id: self.reference_id,
            reference: middle + NtpDuration::from_seconds(-16.0),
            origin: request.transmit,
            receive: middle,
            transmit: middle,
            ..request
        };
        if let Some(poll) = self.poll {
            header.poll = crate::units::PollExponent::new(poll);
        }
        if let Some(kiss) = self.kiss {
            header.leap = Leap::Alarm;
            header.stratum = Stratum::new(0);
            header.reference_id = RefId::from_code(kiss).unwrap();
        }
        let mut bytes = header.emit();
        match &self.key {
            Some(key) => bytes = key.seal(bytes),
            None => bytes.extend(&self.trailer),
        }
        Some((self.delay, bytes))
    }
}

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn iburst() -> Options {
    Options { iburst: true, ..Options::default() }
}

fn truth(ns: u64) -> NtpTimestamp {
    NtpTimestamp::from_unix(EPOCH_S, 0) + NtpDuration::from(Duration::from_nanos(ns))
}

#[expect(clippy::cast_precision_loss, reason = "a run lasts days, not years")]
fn since_s(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / 1e9
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap()
}

const START_NS: u64 = 1_000_000_000_000;

/// Shortly before the era ends: all runs of more than a few minutes cross into the next.
const EPOCH_S: i64 = 2_085_978_496 - 1_000 - 300;

const MOST_STEPS: usize = 2_000_000;
