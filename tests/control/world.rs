//! A machine, a line and a daemon in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use ntpscope::control::pipeline::{self, Answer, Pipeline, WINDOW};
use ntpscope::control::watcher::{self, Watcher};
use ntpscope::model::Daemon as Snapshot;
use ntpscope::model::question::Unreachable;
use ntpscope::units::{Mono, Now, NtpDuration, NtpTimestamp};

use crate::daemon::{Daemon, Mood};
use crate::line::Line;

/// What is tested, whatever it is.
pub(crate) trait Machine {
    /// What it puts out beside datagrams.
    type Event: std::fmt::Debug;
    fn datagram(&mut self, now: Now, datagram: &[u8]);
    fn unreachable(&mut self, now: Now, why: Unreachable);
    fn wake(&mut self, now: Now);
    fn next_wakeup(&self) -> Option<Mono>;
    fn poll(&mut self) -> Option<Done<Self::Event>>;
    fn in_flight(&self) -> usize;
    /// An event in words that differ when the event does.
    fn words(event: &Self::Event) -> String {
        format!("{event:?}")
    }
}

/// What answers, whatever protocol it speaks.
pub(crate) trait Answerer {
    /// What goes back for a request, and how long after it came.
    fn answer(&mut self, now: Mono, request: &[u8]) -> Vec<(Duration, Vec<u8>)>;
    /// Whether nothing listens.
    fn is_closed(&self) -> bool;
}

impl Answerer for Daemon {
    fn answer(&mut self, now: Mono, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let replies = Self::answer(self, now, request);
        replies.into_iter().map(|reply| (Duration::ZERO, reply)).collect()
    }
    fn is_closed(&self) -> bool {
        self.mood == Mood::Closed
    }
}

/// What a machine put out.
pub(crate) enum Done<E> {
    Send(Vec<u8>),
    Event(E),
}

impl Machine for Pipeline {
    type Event = Answer;
    fn datagram(&mut self, now: Now, datagram: &[u8]) {
        self.handle(now, pipeline::Input::Datagram(datagram));
    }
    fn unreachable(&mut self, now: Now, why: Unreachable) {
        self.handle(now, pipeline::Input::Unreachable(why));
    }
    fn wake(&mut self, now: Now) {
        self.handle(now, pipeline::Input::Wakeup);
    }
    fn next_wakeup(&self) -> Option<Mono> {
        Self::next_wakeup(self)
    }
    fn in_flight(&self) -> usize {
        Self::in_flight(self)
    }
    fn poll(&mut self) -> Option<Done<Answer>> {
        loop {
            match self.poll_output()? {
                pipeline::Output::Send(bytes) => return Some(Done::Send(bytes)),
                pipeline::Output::Answer(answer) => return Some(Done::Event(answer)),
                _ => {}
            }
        }
    }
}

impl Machine for Watcher {
    type Event = Arc<Snapshot>;
    fn datagram(&mut self, now: Now, datagram: &[u8]) {
        self.handle(now, watcher::Input::Datagram(datagram));
    }
    fn unreachable(&mut self, now: Now, why: Unreachable) {
        self.handle(now, watcher::Input::Unreachable(why));
    }
    fn wake(&mut self, now: Now) {
        self.handle(now, watcher::Input::Wakeup);
    }
    fn next_wakeup(&self) -> Option<Mono> {
        Self::next_wakeup(self)
    }
    fn in_flight(&self) -> usize {
        Self::in_flight(self)
    }
    fn poll(&mut self) -> Option<Done<Arc<Snapshot>>> {
        match self.poll_output()? {
            watcher::Output::Send(bytes) => Some(Done::Send(bytes)),
            watcher::Output::Snapshot(snapshot) => Some(Done::Event(snapshot)),
            other => panic!("{other:?} is new"),
        }
    }
    fn words(event: &Arc<Snapshot>) -> String {
        snapshot_words(event)
    }
}

/// What a snapshot says, short enough to be read and different when it is.
pub(crate) fn snapshot_words(event: &Snapshot) -> String {
    let mut all = std::hash::DefaultHasher::new();
    if event.peers.len() < 25 {
        format!("{event:?}").hash(&mut all);
    }
    let rows = event.peers.iter().filter(|peer| peer.row.latest().is_some()).count();
    let (hash, contact) = (all.finish(), &event.contact);
    format!("{rows} of {} rows, {contact:?}, {hash:016x}", event.peers.len())
}

/// What is under way.
enum Cargo {
    Request(Vec<u8>),
    Reply(Vec<u8>),
    Refused,
}

/// A simulated world.
pub(crate) struct World<M: Machine, D = Daemon> {
    pub(crate) machine: M,
    pub(crate) daemon: D,
    pub(crate) line: Line,
    pub(crate) now: Mono,
    /// What the machine put out beside datagrams, dated.
    pub(crate) events: Vec<(Mono, M::Event)>,
    /// When datagrams were sent.
    pub(crate) sent: Vec<Mono>,
    /// Of each datagram sent: opcode, association and length of its data.
    pub(crate) asked: Vec<(u8, u16, usize)>,
    /// Everything that happened, in words: two runs are the same when this is.
    pub(crate) log: Vec<String>,
    /// Wake the machine as often as this although it did not ask.
    pub(crate) early: Option<Duration>,
    under_way: BTreeMap<(Mono, u64), Cargo>,
    serial: u64,
    seed: u64,
    recent: VecDeque<String>,
}

const START: NtpTimestamp = NtpTimestamp::from_bits(0xeeab_5bb6 << 32);
const MOST_STEPS: usize = 2_000_000;

impl<M: Machine, D: Answerer> World<M, D> {
    pub(crate) fn new(seed: u64, machine: M, daemon: D, line: Line) -> Self {
        Self {
            machine,
            daemon,
            line,
            now: Mono::default(),
            events: Vec::new(),
            sent: Vec::new(),
            asked: Vec::new(),
            log: Vec::new(),
            early: None,
            under_way: BTreeMap::new(),
            serial: 0,
            seed,
            recent: VecDeque::new(),
        }
    }

    /// What the clocks show.
    pub(crate) fn clocks(&self) -> Now {
        let elapsed = self.now.since(Mono::default());
        Now { mono: self.now, clock: START + NtpDuration::from(elapsed), ..Now::default() }
    }

    /// Lets the machine take in something at this moment.
    pub(crate) fn input<T>(&mut self, what: impl FnOnce(&mut M, Now) -> T) -> T {
        let now = self.clocks();
        let result = what(&mut self.machine, now);
        self.drain();
        result
    }

    /// Runs for `span`.
    pub(crate) fn run_for(&mut self, span: Duration) {
        let end = self.now + span;
        self.run(end, |_| false);
    }

    /// Runs until `done` holds; fails when it does not within `span`. How long it took.
    pub(crate) fn run_until(&mut self, span: Duration, done: impl Fn(&Self) -> bool) -> Duration {
        let start = self.now;
        self.run(start + span, &done);
        assert!(done(self), "this did not come about within {span:?}");
        self.now.since(start)
    }

    fn run(&mut self, end: Mono, done: impl Fn(&Self) -> bool) {
        let mut next_early = self.early.map(|span| self.now + span);
        for _ in 0..MOST_STEPS {
            if done(self) {
                return;
            }
            let arrival = self.under_way.first_key_value().map(|((at, _), _)| *at);
            let wakeup = self.machine.next_wakeup().map(|at| at.max(self.now));
            let next = [arrival, wakeup, next_early].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = at;
            if arrival == Some(at) {
                self.deliver();
            } else {
                if next_early == Some(at) {
                    next_early = self.early.map(|span| at + span);
                }
                self.input(M::wake);
            }
        }
        panic!("it never rests: {MOST_STEPS} steps until {:?}", self.now);
    }

    fn deliver(&mut self) {
        let Some((_, cargo)) = self.under_way.pop_first() else { return };
        match cargo {
            Cargo::Request(_) if self.daemon.is_closed() => {
                self.launch(Duration::ZERO, || Cargo::Refused);
            }
            Cargo::Request(bytes) => {
                for (after, reply) in self.daemon.answer(self.now, &bytes) {
                    self.launch(after, || Cargo::Reply(reply.clone()));
                }
            }
            Cargo::Reply(bytes) => {
                let head = bytes.get(..12).unwrap_or(&bytes);
                self.note(&format!("gets {} bytes {head:02x?}", bytes.len()));
                self.input(|machine, now| machine.datagram(now, &bytes));
            }
            Cargo::Refused => {
                self.note("is told that the port is closed");
                self.input(|machine, now| machine.unreachable(now, Unreachable::PortClosed));
            }
        }
    }

    fn launch(&mut self, after: Duration, cargo: impl Fn() -> Cargo) {
        for delay in self.line.carry() {
            self.serial += 1;
            self.under_way.insert((self.now + after + delay, self.serial), cargo());
        }
    }

    fn drain(&mut self) {
        while let Some(done) = self.machine.poll() {
            match done {
                Done::Send(bytes) => {
                    self.note(&format!("sends {} bytes {:02x?}", bytes.len(), &bytes[..12]));
                    self.sent.push(self.now);
                    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
                    self.asked.push((bytes[1] & 31, word(6), word(10).into()));
                    self.launch(Duration::ZERO, || Cargo::Request(bytes.clone()));
                }
                Done::Event(event) => {
                    self.note(&format!("tells {}", M::words(&event)));
                    self.events.push((self.now, event));
                }
            }
        }
        assert!(self.machine.poll().is_none(), "no output without input");
        assert!(self.machine.in_flight() <= WINDOW, "never more than {WINDOW} in flight");
    }

    fn note(&mut self, what: &str) {
        let line = format!("{:>12.6} {what}", self.now.since(Mono::default()).as_secs_f64());
        if self.recent.len() == 50 {
            self.recent.pop_front();
        }
        self.recent.push_back(line.chars().take(200).collect());
        self.log.push(line);
    }
}

impl<M: Machine, D> Drop for World<M, D> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}; the last events:", self.seed);
            for line in &self.recent {
                eprintln!("{line}");
            }
        }
    }
}
