//! A world: machines, the paths between them, and true time.
//!
//! What happens is a queue of events in order of true time, equal times in the order in which
//! they were foreseen, so a run depends on nothing but its seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::config::Rejected;
use crate::config::ntp_conf::{self, Placed};
use crate::engine::input::Input;
use crate::engine::output::{Resolution, Socket, Transmission};
use crate::sim::host::{Arrival, Due, Host, Wanted};
use crate::sim::link::{LinkSpec, Path};
use crate::sim::moment::{Moment, Span};
use crate::sim::random::{Random, Stream};
use crate::sim::server::{Reply, Server};
use crate::sim::truth::Truth;
use crate::units::{Mode, NtpDuration, Ppm};

/// A world.
#[derive(Debug)]
pub struct World {
    seed: u64,
    truth: Truth,
    at: Moment,
    queue: BinaryHeap<Reverse<Foreseen>>,
    /// Events foreseen so far.
    foreseen: u64,
    nodes: Vec<Node>,
    paths: BTreeMap<(NodeId, NodeId), Path>,
    /// Machines that are cut off.
    cut: BTreeSet<NodeId>,
    /// Wakes engines before their time.
    nudge: Option<(Random, Span)>,
    /// Engines that were woken again and again at one moment, and how often.
    spinning: u32,
}

/// A machine of a world, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u16);

impl NodeId {
    /// Its place.
    pub const fn place(self) -> u16 {
        self.0
    }

    /// Its address.
    pub fn address(self) -> IpAddr {
        let [high, low] = self.0.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(10, high, low, 1))
    }

    /// The machine at an address.
    pub fn at(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(v4) => match v4.octets() {
                [10, high, low, 1] => Some(Self(u16::from_be_bytes([high, low]))),
                _ => None,
            },
            IpAddr::V6(_) => None,
        }
    }
}

/// A machine.
#[derive(Debug)]
struct Node {
    name: String,
    machine: Machine,
    /// When its engine is to be woken, and what that was worked out from.
    alarm: Option<Moment>,
    cause: Option<Due>,
    /// The number of that alarm.
    alarms: u64,
}

/// Kinds of machine.
#[derive(Debug)]
enum Machine {
    Host(Box<Host>),
    Server(Box<Server>),
}

/// Something that will happen.
#[derive(Debug)]
struct Foreseen {
    at: Moment,
    number: u64,
    what: What,
}

/// What will happen.
#[derive(Debug)]
enum What {
    /// An engine is to be woken, if its alarm is still this one.
    Wake { node: NodeId, alarm: u64 },
    /// An engine is woken for nothing.
    Nudge { node: NodeId },
    /// A datagram arrives.
    Arrive { from: NodeId, to: NodeId, socket: Socket, is_request: bool, datagram: Vec<u8> },
    /// A server's reply leaves.
    Leave { from: NodeId, to: NodeId, socket: Socket, datagram: Vec<u8> },
    /// A name was looked up.
    Resolved { node: NodeId, question: Resolution },
    /// A machine wakes from its sleep.
    Resume { node: NodeId, error: Span },
}

impl PartialEq for Foreseen {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Foreseen {}

impl PartialOrd for Foreseen {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Foreseen {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl World {
    /// A world without machines.
    pub const fn new(seed: u64, truth: Truth) -> Self {
        Self {
            seed,
            truth,
            at: Moment::from_nanos(0),
            queue: BinaryHeap::new(),
            foreseen: 0,
            nodes: Vec::new(),
            paths: BTreeMap::new(),
            cut: BTreeSet::new(),
            nudge: None,
            spinning: 0,
        }
    }

    /// The place that the next machine gets.
    pub fn next_node(&self) -> NodeId {
        NodeId(u16::try_from(self.nodes.len()).unwrap_or(u16::MAX))
    }

    /// Adds a machine with an engine.
    pub fn add_host(&mut self, name: &str, host: Host) -> NodeId {
        self.add(name, Machine::Host(Box::new(host)))
    }

    /// Adds a server.
    pub fn add_server(&mut self, name: &str, server: Server) -> NodeId {
        self.add(name, Machine::Server(Box::new(server)))
    }

    fn add(&mut self, name: &str, machine: Machine) -> NodeId {
        let id = self.next_node();
        self.nodes.push(Node {
            name: name.to_owned(),
            machine,
            alarm: None,
            cause: None,
            alarms: 0,
        });
        id
    }

    /// Connects a client with a server.
    pub fn connect(&mut self, client: NodeId, server: NodeId, link: &LinkSpec) {
        let random = |from: NodeId, to: NodeId| Random::new(self.seed, Stream::Path(from.0, to.0));
        let (there, back) = (random(client, server), random(server, client));
        self.paths.insert((client, server), link.there(there));
        self.paths.insert((server, client), link.back(back));
    }

    /// Applies lines of ntp.conf to the engine of a machine.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn configure(&mut self, id: NodeId, conf: &str) -> Result<(), Rejected> {
        let at = self.at;
        let source = format!("ntp.conf of {}", self.name(id));
        let placed = ntp_conf::read(&source, conf)?;
        let Some(host) = self.host_mut(id) else { return Ok(()) };
        for Placed { line, column, directive, .. } in placed {
            let now = host.now(at);
            host.engine_mut().apply(&now, &directive).map_err(|refused| Rejected {
                source: source.clone(),
                position: Some((line, column)),
                reason: refused.to_string(),
            })?;
        }
        self.attend(id);
        Ok(())
    }

    /// Wakes engines for nothing from now on, on average as often as `every` says.
    pub fn nudge(&mut self, every: Span) {
        let mut random = Random::new(self.seed, Stream::Test);
        for place in 0..self.nodes.len() {
            let node = NodeId(u16::try_from(place).unwrap_or(u16::MAX));
            let first = every.seconds() * random.exponential();
            self.foresee(self.at + after(first), What::Nudge { node });
        }
        self.nudge = Some((random, every));
    }

    /// What the time truly is.
    pub const fn truth(&self) -> &Truth {
        &self.truth
    }

    /// How far it has come.
    pub const fn at(&self) -> Moment {
        self.at
    }

    /// The machine of that name.
    pub fn named(&self, name: &str) -> Option<NodeId> {
        let place = self.nodes.iter().position(|node| node.name == name)?;
        u16::try_from(place).ok().map(NodeId)
    }

    /// The name of a machine.
    pub fn name(&self, id: NodeId) -> &str {
        self.nodes.get(usize::from(id.0)).map_or("", |node| &node.name)
    }

    /// The name of the machine at an address.
    pub fn name_at(&self, address: IpAddr) -> Option<&str> {
        let node = self.nodes.get(usize::from(NodeId::at(address)?.0))?;
        Some(&node.name)
    }

    /// The machine with an engine called `id`.
    pub fn host(&self, id: NodeId) -> Option<&Host> {
        match &self.nodes.get(usize::from(id.0))?.machine {
            Machine::Host(host) => Some(host),
            Machine::Server(_) => None,
        }
    }

    /// The machine with an engine called `id`, to be changed; [`World::attend`] to it afterwards.
    pub fn host_mut(&mut self, id: NodeId) -> Option<&mut Host> {
        match &mut self.nodes.get_mut(usize::from(id.0))?.machine {
            Machine::Host(host) => Some(host),
            Machine::Server(_) => None,
        }
    }

    /// The server called `id`.
    pub fn server(&self, id: NodeId) -> Option<&Server> {
        match &self.nodes.get(usize::from(id.0))?.machine {
            Machine::Server(server) => Some(server),
            Machine::Host(_) => None,
        }
    }

    /// The server called `id`, to be changed.
    pub fn server_mut(&mut self, id: NodeId) -> Option<&mut Server> {
        match &mut self.nodes.get_mut(usize::from(id.0))?.machine {
            Machine::Server(server) => Some(server),
            Machine::Host(_) => None,
        }
    }

    /// The path from one machine to another, to be changed.
    pub fn path_mut(&mut self, from: NodeId, to: NodeId) -> Option<&mut Path> {
        self.paths.get_mut(&(from, to))
    }

    /// Whether an engine was woken again and again without time passing.
    pub const fn is_spinning(&self) -> bool {
        self.spinning >= MOST_SPINS
    }

    /// Lets all happen until `end`, and `end` be now.
    pub fn run_until(&mut self, end: Moment) {
        while let Some(Reverse(next)) = self.queue.peek() {
            if next.at > end {
                break;
            }
            let Some(Reverse(next)) = self.queue.pop() else { break };
            self.at = self.at.max(next.at);
            self.happen(next.what);
        }
        self.at = self.at.max(end);
    }

    /// Cuts a machine off, or connects it again.
    pub fn cut(&mut self, id: NodeId, is_cut: bool) {
        if is_cut {
            self.cut.insert(id);
        } else {
            self.cut.remove(&id);
        }
    }

    /// Whether a machine is cut off.
    pub fn is_cut(&self, id: NodeId) -> bool {
        self.cut.contains(&id)
    }

    /// Looks what the engine of a machine wants after it was changed from outside.
    pub fn attend(&mut self, id: NodeId) {
        let at = self.at;
        if let Some(host) = self.host_mut(id) {
            let wanted = host.handle(at, Input::Wakeup);
            self.carry_out(id, wanted);
        }
    }

    /// Suspends a machine for a while; its clock is off by `error` afterwards.
    pub fn suspend(&mut self, id: NodeId, lasting: Span, error: Span) {
        let at = self.at;
        if let Some(host) = self.host_mut(id) {
            host.suspend(at);
            self.foresee(at + lasting.duration(), What::Resume { node: id, error });
        }
    }

    /// Steps the clock of a machine behind its engine's back.
    pub fn step_clock(&mut self, id: NodeId, by: Span) {
        let at = self.at;
        if let Some(host) = self.host_mut(id) {
            let wanted = host.step(at, NtpDuration::from_seconds(by.seconds()));
            self.carry_out(id, wanted);
        }
    }

    /// Tells the engine of a machine what its address is, by which it knows who follows it.
    pub fn tell_address(&mut self, id: NodeId) {
        let at = self.at;
        if let Some(host) = self.host_mut(id) {
            let wanted = host.handle(at, Input::OwnAddresses(vec![id.address()]));
            self.carry_out(id, wanted);
        }
    }

    /// Has a datagram come to a machine's port 123 that somebody else sent in the name of `from`.
    pub fn forge(&mut self, from: NodeId, to: NodeId, datagram: Vec<u8>) {
        let (at, socket) = (self.at, Socket::Ntp);
        self.foresee(at, What::Arrive { from, to, socket, is_request: true, datagram });
    }

    /// Puts a machine in the place of another, which is gone with all that it knew.
    pub fn replace(&mut self, id: NodeId, host: Host) {
        if let Some(node) = self.nodes.get_mut(usize::from(id.0)) {
            node.machine = Machine::Host(Box::new(host));
            (node.alarm, node.cause) = (None, None);
            node.alarms += 1;
        }
    }

    /// Makes the oscillator of a machine run faster.
    pub fn jump_frequency(&mut self, id: NodeId, by: Ppm) {
        let at = self.at;
        if let Some(host) = self.host_mut(id) {
            host.jump(at, by);
            self.attend(id);
        }
    }

    fn foresee(&mut self, at: Moment, what: What) {
        self.foreseen += 1;
        self.queue.push(Reverse(Foreseen { at, number: self.foreseen, what }));
    }

    fn happen(&mut self, what: What) {
        let at = self.at;
        match what {
            What::Wake { node, alarm } => self.wake(node, alarm),
            What::Nudge { node } => self.nudged(node),
            What::Arrive { from, to, socket, is_request, datagram } => {
                self.arrive(from, to, socket, is_request, &datagram);
            }
            What::Leave { from, to, socket, datagram } => {
                self.post(from, to, socket, false, datagram);
            }
            What::Resolved { node, question } => {
                let address = question
                    .host
                    .address()
                    .or_else(|| self.named(question.host.host()).map(NodeId::address));
                let port = question.host.port();
                let addresses = address.map(|ip| SocketAddr::new(ip, port)).into_iter().collect();
                if let Some(host) = self.host_mut(node) {
                    let wanted = host.handle(at, Input::Resolved { question, addresses });
                    self.carry_out(node, wanted);
                }
            }
            What::Resume { node, error } => {
                if let Some(host) = self.host_mut(node) {
                    host.resume(at, error);
                    self.attend(node);
                }
            }
        }
    }

    fn wake(&mut self, id: NodeId, alarm: u64) {
        let at = self.at;
        let Some(node) = self.nodes.get_mut(usize::from(id.0)) else { return };
        if node.alarms != alarm {
            return;
        }
        let was_due = node.alarm.take();
        self.attend(id);
        // An alarm at this very moment again and again would stop time.
        let next = self.nodes.get(usize::from(id.0)).and_then(|node| node.alarm);
        let spins = was_due.is_some() && next.is_some_and(|next| next.since(at) < SPIN);
        self.spinning = if spins && !self.is_spinning() { self.spinning + 1 } else { 0 };
    }

    fn nudged(&mut self, id: NodeId) {
        self.attend(id);
        if let Some((random, every)) = &mut self.nudge {
            let next = every.seconds() * random.exponential();
            let at = self.at + after(next);
            self.foresee(at, What::Nudge { node: id });
        }
    }

    fn arrive(&mut self, from: NodeId, to: NodeId, socket: Socket, is_request: bool, bytes: &[u8]) {
        let (at, truth) = (self.at, self.truth);
        let Some(node) = self.nodes.get_mut(usize::from(to.0)) else { return };
        match &mut node.machine {
            Machine::Server(server) => {
                if let Some(reply) = server.answer(at, &truth, from.address(), bytes) {
                    self.reply(to, from, socket, reply);
                }
            }
            Machine::Host(host) if is_request && is_of(Mode::Client, bytes) => {
                if let Some(reply) = host.answer(at, bytes) {
                    self.reply(to, from, socket, reply);
                }
            }
            Machine::Host(host) => {
                let from = SocketAddr::new(from.address(), NTP_PORT);
                let socket = if is_request { Socket::Ntp } else { socket };
                let wanted = host.receive(at, Arrival { socket, from, datagram: bytes });
                self.carry_out(to, wanted);
            }
        }
    }

    fn reply(&mut self, from: NodeId, to: NodeId, socket: Socket, reply: Reply) {
        let Reply { after, datagram } = reply;
        self.foresee(self.at + after, What::Leave { from, to, socket, datagram });
    }

    /// Sends a datagram on its way.
    fn post(
        &mut self,
        from: NodeId,
        to: NodeId,
        socket: Socket,
        is_request: bool,
        datagram: Vec<u8>,
    ) {
        let at = self.at;
        if self.cut.contains(&from) || self.cut.contains(&to) {
            return;
        }
        let Some(path) = self.paths.get_mut(&(from, to)) else { return };
        let arrivals = path.travel(at);
        if let Some(delay) = arrivals.second {
            let datagram = datagram.clone();
            self.foresee(at + delay, What::Arrive { from, to, socket, is_request, datagram });
        }
        if let Some(delay) = arrivals.first {
            self.foresee(at + delay, What::Arrive { from, to, socket, is_request, datagram });
        }
    }

    /// Does what an engine wants, and sets its alarm anew.
    fn carry_out(&mut self, id: NodeId, wanted: Wanted) {
        for Transmission { socket, to, datagram, .. } in wanted.transmissions {
            if let Some(to) = NodeId::at(to.ip()) {
                self.post(id, to, socket, true, datagram);
            }
        }
        for question in wanted.resolutions {
            self.foresee(self.at + LOOK_UP, What::Resolved { node: id, question });
        }
        self.set_alarm(id);
    }

    /// Sets an alarm for when the engine wants to be woken. It stays as it is while that is the
    /// same, so that looking more often changes nothing, not even a rounding.
    fn set_alarm(&mut self, id: NodeId) {
        let at = self.at;
        let Some(Node { machine: Machine::Host(host), alarm, cause, alarms, .. }) =
            self.nodes.get_mut(usize::from(id.0))
        else {
            return;
        };
        let due = host.due();
        if *cause == due && (alarm.is_some() || due.is_none()) {
            return;
        }
        *cause = due;
        *alarm = due.map(|due| host.moment_of(due, at));
        *alarms += 1;
        let number = *alarms;
        if let Some(at) = *alarm {
            self.foresee(at, What::Wake { node: id, alarm: number });
        }
    }
}

/// Whether a datagram is of that mode.
fn is_of(mode: Mode, datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| Mode::from_bits(*first) == mode)
}

fn after(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

const NTP_PORT: u16 = 123;

/// What looking a name up takes.
const LOOK_UP: Duration = Duration::from_millis(20);

/// Alarms closer than this to each other are suspicious.
const SPIN: Duration = Duration::from_micros(1);

/// Suspicious alarms in a row that prove it.
const MOST_SPINS: u32 = 10_000;
