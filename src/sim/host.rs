//! A simulated machine with an engine: oscillator, clock, and what its engine did.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use crate::clock::Clock as _;
use crate::clock::command::Outcome;
use crate::clock::simulated::Simulated;
use crate::engine::Engine;
use crate::engine::access::Admission;
use crate::engine::input::{Input, Received, Stamp};
use crate::engine::output::{Event, Output, Resolution, Socket, Ticket, Transmission};
use crate::engine::settings::{Drift, Settings};
use crate::sim::moment::{Moment, Span};
use crate::sim::oscillator::Oscillator;
use crate::sim::random::Random;
use crate::sim::server::{LEAST_POLL, Reply};
use crate::sim::truth::Truth;
use crate::units::{Boot, Mode, Mono, Now, NtpDuration, Ppm, Raw, Stratum};
use crate::wire::packet::{Header, Packet};

/// A machine with an engine.
#[derive(Debug)]
pub struct Host {
    engine: Engine,
    oscillator: Oscillator,
    clock: Simulated,
    stamps: Stamps,
    /// What the oscillator ran while the machine was suspended: its raw clock stood still.
    raw_lost_ns: u64,
    /// For how long it was suspended in all.
    suspended: Duration,
    /// Since when it is suspended now, and what its raw clock shows then.
    asleep: Option<(Moment, Raw)>,
    /// Times that the oscillator was made to jump.
    jumps: u32,
    open: BTreeSet<Ticket>,
    wanted: Wanted,
    diary: Diary,
}

/// Timestamps of a machine.
#[derive(Clone, Debug)]
pub struct Stamps {
    /// Their error (one standard deviation).
    pub error: Span,
    /// Where that comes from.
    pub random: Random,
}

/// What an engine wants of its world.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Datagrams to send, now.
    pub transmissions: Vec<Transmission>,
    /// Names to look up.
    pub resolutions: Vec<Resolution>,
}

/// What an engine did.
#[derive(Clone, Debug, Default)]
pub struct Diary {
    /// Datagrams sent.
    pub sent: u64,
    /// Steps of the clock, with when.
    pub steps: Vec<(Moment, NtpDuration)>,
    /// What it told, with when.
    pub events: Vec<(Moment, Event)>,
    /// The frequency that it last wanted to be kept.
    pub drift: Option<Drift>,
    /// States that cannot be.
    pub faults: Vec<&'static str>,
    /// A number made of all that it put out, in order: equal for equal runs. Only kept where
    /// somebody compares runs.
    pub fingerprint: Option<u64>,
}

impl Host {
    /// A machine whose clock is `ahead` of the truth when the world begins.
    pub fn new(
        settings: Settings,
        seed: [u8; 32],
        mut oscillator: Oscillator,
        stamps: Stamps,
        truth: &Truth,
        ahead: Span,
    ) -> Self {
        let raw = oscillator.raw_at(Moment::default());
        let shows = truth.start() + NtpDuration::from_seconds(ahead.seconds());
        let clock = Simulated::new(raw, shows, MONO_START);
        let boot = Boot::from_nanos(MONO_START.nanos());
        let now = Now { mono: MONO_START, raw, boot, clock: shows };
        Self {
            engine: Engine::new(settings, seed, &now),
            oscillator,
            clock,
            stamps,
            raw_lost_ns: 0,
            suspended: Duration::ZERO,
            asleep: None,
            jumps: 0,
            open: BTreeSet::new(),
            wanted: Wanted::default(),
            diary: Diary::default(),
        }
    }

    /// Its engine.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Its engine, to be set up. What it wants then is fetched with [`Host::handle`].
    pub const fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// What its engine did.
    pub const fn diary(&self) -> &Diary {
        &self.diary
    }

    /// Keeps a fingerprint of all that its engine puts out.
    pub const fn keep_fingerprint(&mut self) {
        self.diary.fingerprint = Some(0xcbf2_9ce4_8422_2325);
    }

    /// Its clock.
    pub const fn clock(&self) -> &Simulated {
        &self.clock
    }

    /// Whether it is suspended.
    pub const fn is_asleep(&self) -> bool {
        self.asleep.is_some()
    }

    /// For how long it has slept in all until `at`.
    pub fn slept(&self, at: Moment) -> Duration {
        let this_time = self.asleep.map_or(Duration::ZERO, |(since, _)| at.since(since));
        self.suspended + this_time
    }

    /// What its clocks show.
    pub fn now(&mut self, at: Moment) -> Now {
        let raw = self.raw(at);
        self.clock.pass(raw);
        let mono = self.clock.mono(raw);
        let suspended_ns = u64::try_from(self.suspended.as_nanos()).unwrap_or(u64::MAX);
        let boot = Boot::from_nanos(mono.nanos().saturating_add(suspended_ns));
        Now { mono, raw, boot, clock: self.clock.at(raw) }
    }

    fn raw(&mut self, at: Moment) -> Raw {
        if let Some((_, raw)) = self.asleep {
            return raw;
        }
        let raw = self.oscillator.raw_at(at).nanos();
        Raw::from_nanos(raw.saturating_sub(self.raw_lost_ns))
    }

    /// How much too fast its clock runs, steering and all.
    pub fn frequency_error(&mut self, at: Moment) -> Ppm {
        let oscillator = self.oscillator.frequency(at).parts_per_million() / 1e6;
        let steering = self.clock.total_rate().parts_per_million() / 1e6;
        Ppm::new(((1.0 + oscillator) * (1.0 + steering) - 1.0) * 1e6).unwrap_or_default()
    }

    /// When its engine wants to be woken, if it does.
    pub fn due(&self) -> Option<Due> {
        if self.is_asleep() {
            return None;
        }
        let mono = self.engine.next_wakeup()?;
        let rate_bits = self.clock.total_rate().parts_per_million().to_bits();
        Some(Due { mono, rate_bits, raw_lost_ns: self.raw_lost_ns, jumps: self.jumps })
    }

    /// When that is truly, if the rate of its clock stays.
    pub fn moment_of(&mut self, due: Due, at: Moment) -> Moment {
        let now = self.raw(at);
        let raw = self.clock.raw_at(due.mono, now).nanos().saturating_add(self.raw_lost_ns);
        self.oscillator.moment_at(Raw::from_nanos(raw), at)
    }

    /// Tells its engine of something, and carries out what that wants of the clock.
    pub fn handle(&mut self, at: Moment, input: Input<'_>) -> Wanted {
        if !self.is_asleep() {
            let now = self.now(at);
            self.engine.handle(&now, input);
            self.drain(at);
        }
        std::mem::take(&mut self.wanted)
    }

    /// Hands a datagram to its engine, unless it came for a socket that is closed.
    pub fn receive(&mut self, at: Moment, arrival: Arrival<'_>) -> Wanted {
        if self.is_asleep() || !self.is_open(arrival.socket) {
            return Wanted::default();
        }
        let stamp = self.stamp(at);
        let received = Received {
            socket: arrival.socket,
            from: arrival.from,
            to: None,
            stamp,
            admitted: Some(Admission::default()),
            datagram: arrival.datagram,
        };
        self.handle(at, Input::Received(received))
    }

    /// Answers a client, as its engine stands: what a server does that gets its time from others.
    pub fn answer(&mut self, at: Moment, request: &[u8]) -> Option<Reply> {
        if self.is_asleep() {
            return None;
        }
        let request = Packet::parse(request).ok()?.header;
        let now = self.now(at);
        let system = self.engine.system();
        let receive = now.clock;
        let header = Header {
            leap: system.leap,
            version: request.version,
            mode: Mode::Server,
            stratum: Stratum::new(system.stratum.get() % 16),
            poll: request.poll.max(LEAST_POLL),
            precision: self.engine.settings().precision,
            root_delay: system.root_delay,
            root_dispersion: self.engine.root_dispersion(&now),
            reference_id: system.reference_id,
            reference: system.reference,
            origin: request.transmit,
            receive,
            transmit: receive + NtpDuration::from(TURNAROUND),
        };
        Some(Reply { after: TURNAROUND, datagram: header.emit() })
    }

    /// Suspends it.
    pub fn suspend(&mut self, at: Moment) {
        if self.asleep.is_none() {
            let raw = self.raw(at);
            self.asleep = Some((at, raw));
        }
    }

    /// Resumes it: the wall clock has gone on, wrong by `error`.
    pub fn resume(&mut self, at: Moment, error: Span) {
        let Some((since, raw)) = self.asleep.take() else { return };
        let slept = at.since(since);
        self.suspended += slept;
        self.raw_lost_ns = self.oscillator.raw_at(at).nanos().saturating_sub(raw.nanos());
        let by = slept.as_secs_f64() + error.seconds();
        self.clock.disturb(NtpDuration::from_seconds(by));
    }

    /// Steps its clock behind its engine's back, and tells the engine as a driver that watches
    /// the clock would.
    pub fn step(&mut self, at: Moment, by: NtpDuration) -> Wanted {
        self.now(at);
        self.clock.disturb(by);
        self.handle(at, Input::ClockStepped { by })
    }

    /// Makes its oscillator run faster by `by`.
    pub fn jump(&mut self, at: Moment, by: Ppm) {
        self.oscillator.jump(at, by);
        self.jumps += 1;
    }

    fn drain(&mut self, at: Moment) {
        for _ in 0..MOST_OUTPUTS {
            let Some(output) = self.engine.poll_output() else { return };
            self.diary.note(&output);
            match output {
                Output::Send(transmission) => self.send(at, transmission),
                Output::Close(ticket) => {
                    self.open.remove(&ticket);
                }
                Output::ClosePeer(_)
                | Output::Listen { .. }
                | Output::Source { .. }
                | Output::Statistics(_) => {}
                Output::Resolve(resolution) => self.wanted.resolutions.push(resolution),
                Output::Clock(command) => {
                    let now = self.now(at);
                    let outcome = self.clock.command(&now, &command);
                    if let Outcome::Stepped { by } = outcome {
                        self.diary.steps.push((at, by));
                    }
                    let now = self.now(at);
                    self.engine.handle(&now, Input::Clock(outcome));
                }
                Output::Event(event) => self.diary.events.push((at, event)),
                Output::Drift(drift) => self.diary.drift = Some(drift),
                Output::Fault(fault) => self.diary.faults.push(fault),
            }
        }
        self.diary.faults.push("the engine does not stop putting out");
    }

    fn send(&mut self, at: Moment, transmission: Transmission) {
        self.diary.sent += 1;
        if let Socket::Request(ticket) = transmission.socket {
            self.open.insert(ticket);
        }
        let ticket = transmission.ticket;
        self.wanted.transmissions.push(transmission);
        let stamp = self.stamp(at);
        let now = self.now(at);
        self.engine.handle(&now, Input::Sent { ticket, stamp });
    }

    fn is_open(&self, socket: Socket) -> bool {
        match socket {
            Socket::Request(ticket) => self.open.contains(&ticket),
            Socket::Peer(_) | Socket::Ntp => true,
        }
    }

    fn stamp(&mut self, at: Moment) -> Stamp {
        let now = self.now(at);
        let error_s = self.stamps.error.seconds();
        let error = NtpDuration::from_seconds(error_s);
        if error_s <= 0.0 {
            return Stamp { raw: now.raw, clock: now.clock, error };
        }
        let wrong_s = error_s * self.stamps.random.normal();
        #[expect(clippy::cast_possible_truncation, reason = "a few microseconds")]
        let off = (wrong_s * 1e9).round() as i64;
        let raw = Raw::from_nanos(now.raw.nanos().saturating_add_signed(off));
        Stamp { raw, clock: self.clock.at(raw), error }
    }
}

/// When an engine wants to be woken, with all that its true time depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    mono: Mono,
    rate_bits: u64,
    raw_lost_ns: u64,
    jumps: u32,
}

/// A datagram on arrival.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The socket that it came to.
    pub socket: Socket,
    /// Whence.
    pub from: SocketAddr,
    /// The bytes.
    pub datagram: &'a [u8],
}

impl Diary {
    /// Mixes an output into the fingerprint.
    fn note(&mut self, output: &Output) {
        let Some(fingerprint) = self.fingerprint else { return };
        let mut mixer = Mixer(fingerprint);
        // Writing to the mixer cannot fail.
        let _ = write!(mixer, "{output:?}");
        self.fingerprint = Some(mixer.0);
    }
}

/// Fowler, Noll and Vo's hash of what is written to it.
struct Mixer(u64);

impl fmt::Write for Mixer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

/// What every monotonic clock shows when the world begins.
pub const MONO_START: Mono = Mono::from_nanos(500_000_000_000);

/// What it takes to answer.
const TURNAROUND: Duration = Duration::from_micros(30);

/// Outputs to one input; more is a fault.
const MOST_OUTPUTS: usize = 100_000;
