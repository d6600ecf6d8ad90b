//! One task a daemon: finds its address, moves its datagrams, wakes its watcher.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch::Receiver;

use crate::backend::TargetId;
use crate::config::host::HostSpec;
use crate::control::pipeline::Settings;
use crate::control::timing::Timing;
use crate::control::watcher::{Input, Output, Watcher};
use crate::model::question::Unreachable;
use crate::model::{Contact, Interest};
use crate::net::client::wake_at;
use crate::net::clock::Clock;
use crate::net::mailbox::Mailbox;
use crate::net::programs;
use crate::net::resolver::{self, Families};
use crate::net::udp::{RECEIVE_BUFFER, Socket};
use crate::units::Mono;

/// What a task is told; the latest word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// What of the daemon is on screen.
    pub interest: Interest,
    /// How often it was asked to ask again at once.
    pub refreshes: u64,
    /// The way that was chosen last, and how often one was.
    pub choice: (Option<usize>, u64),
}

impl Orders {
    /// Chooses a way by its place.
    pub const fn choose(&mut self, way: usize) {
        self.choice = (Some(way), self.choice.1 + 1);
    }
}

/// A daemon to watch and where to leave what is learned.
#[derive(Debug)]
pub struct Watched {
    /// What the upper layers call it.
    pub target: TargetId,
    /// Where it is.
    pub host: HostSpec,
    /// Which of its addresses will do.
    pub families: Families,
    /// The program's clock.
    pub clock: Clock,
    /// Where snapshots go.
    pub mailbox: Mailbox,
    /// Where sequence numbers come from.
    pub seed: [u8; 32],
}

impl Watched {
    /// Watches until whoever gives the orders is gone.
    pub async fn run(self, mut orders: Receiver<Orders>) {
        let settings = Settings::new(Timing::live(), self.seed);
        let mut watcher = Watcher::new(settings);
        let Some(addresses) = self.resolve(&mut watcher, &mut orders).await else { return };
        let mut conversation = Conversation {
            line: Line::to(&addresses),
            addresses,
            turned: Mono::default(),
            turns: 0,
            searched: false,
        };
        let mut known = Orders::default();
        let mut buffer = [0; RECEIVE_BUFFER];
        watcher.handle(self.clock.now(), Input::Address(conversation.line.address));
        orders.mark_changed();
        loop {
            self.drain(&mut watcher, &mut conversation);
            tokio::select! {
                received = conversation.line.receive(&mut buffer) => {
                    let now = self.clock.now();
                    match received {
                        Ok(datagram) => watcher.handle(now, Input::Datagram(datagram)),
                        Err(why) => watcher.handle(now, Input::Unreachable(why)),
                    }
                }
                () = wake_at(&self.clock, watcher.next_wakeup()) => {
                    watcher.handle(self.clock.now(), Input::Wakeup);
                }
                word = orders.changed() => {
                    if word.is_err() {
                        return;
                    }
                    let new = orders.borrow_and_update().clone();
                    if new.interest != known.interest {
                        watcher.handle(self.clock.now(), Input::Interest(new.interest.clone()));
                    }
                    if new.refreshes != known.refreshes {
                        watcher.handle(self.clock.now(), Input::Refresh);
                    }
                    known = new;
                }
            }
        }
    }

    /// Carries out what the watcher wants.
    fn drain(&self, watcher: &mut Watcher, conversation: &mut Conversation) {
        while let Some(output) = watcher.poll_output() {
            match output {
                Output::Send(datagram) => {
                    if let Err(why) = conversation.line.send(&datagram) {
                        watcher.handle(self.clock.now(), Input::Unreachable(why));
                    }
                }
                Output::Snapshot(daemon) => {
                    let lost = is_lost(&daemon.contact);
                    let never = daemon.contact.last_answer().is_none();
                    let now = self.clock.now();
                    if lost && never && conversation.turn(now.mono) {
                        watcher.handle(now, Input::Address(conversation.line.address));
                        continue;
                    }
                    if lost && !conversation.searched && conversation.is_local() {
                        self.search_programs();
                    }
                    conversation.searched = lost;
                    self.mailbox.daemon(self.target, daemon);
                }
            }
        }
    }

    /// The host's addresses, at least one, asked for again until there is one. `None` when nobody
    /// gives orders any more.
    async fn resolve(
        &self,
        watcher: &mut Watcher,
        orders: &mut Receiver<Orders>,
    ) -> Option<Vec<SocketAddr>> {
        let mut pause = FIRST_PAUSE;
        loop {
            self.tell(watcher);
            let look_up = resolver::addresses(&self.host, self.families);
            tokio::pin!(look_up);
            let outcome = loop {
                tokio::select! {
                    outcome = &mut look_up => break outcome,
                    word = orders.changed() => word.ok()?,
                }
            };
            let why = match outcome {
                Ok(addresses) if !addresses.is_empty() => return Some(addresses),
                Ok(_) => "the name has no address".into(),
                Err(why) => why.into(),
            };
            watcher.handle(self.clock.now(), Input::NoAddress(why));
            self.tell(watcher);
            let refreshes = orders.borrow_and_update().refreshes;
            let asked_again = orders.wait_for(|orders| orders.refreshes != refreshes);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                word = asked_again => drop(word.ok()?),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Passes on what the watcher knows while there is nobody to ask yet.
    fn tell(&self, watcher: &mut Watcher) {
        while let Some(output) = watcher.poll_output() {
            if let Output::Snapshot(daemon) = output {
                self.mailbox.daemon(self.target, daemon);
            }
        }
    }

    /// Finds out who keeps this host's time, when the daemon here does not answer.
    fn search_programs(&self) {
        let mailbox = self.mailbox.clone();
        // Nobody waits for it: it leaves its news and ends by itself within milliseconds.
        drop(tokio::task::spawn_blocking(move || mailbox.programs(programs::running().into())));
    }
}

/// With which of a host's addresses we talk.
struct Conversation {
    addresses: Vec<SocketAddr>,
    line: Line,
    turned: Mono,
    turns: usize,
    searched: bool,
}

impl Conversation {
    /// Turns to the next address, because this one has never answered: at once while some have not
    /// been tried, later from time to time. Whether there was another to turn to.
    fn turn(&mut self, now: Mono) -> bool {
        let all_tried = self.turns + 1 >= self.addresses.len();
        if self.addresses.len() < 2 || (all_tried && now.since(self.turned) < BETWEEN_TURNS) {
            return false;
        }
        self.turns += 1;
        self.turned = now;
        if let Some(address) = self.addresses.get(self.turns % self.addresses.len()) {
            self.line = Line { address: *address, socket: None };
        }
        true
    }

    fn is_local(&self) -> bool {
        self.line.address.ip().is_loopback()
    }
}

const fn is_lost(contact: &Contact) -> bool {
    matches!(contact, Contact::Silent { .. } | Contact::Unreachable { .. })
}

/// A socket that is opened again after the network failed, for a host that moved from one network
/// to another can use no socket of the old one.
struct Line {
    address: SocketAddr,
    socket: Option<Socket>,
}

impl Line {
    fn to(addresses: &[SocketAddr]) -> Self {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        Self { address: addresses.first().copied().unwrap_or(nowhere), socket: None }
    }

    fn send(&mut self, datagram: &[u8]) -> Result<(), Unreachable> {
        let socket = match &self.socket {
            Some(socket) => socket,
            None => match Socket::connect(self.address) {
                Ok(socket) => self.socket.insert(socket),
                Err(failed) => return Err(failed.unreachable()),
            },
        };
        let sent = socket.send(datagram);
        if matches!(sent, Err(Unreachable::Network | Unreachable::Host)) {
            self.socket = None;
        }
        sent
    }

    async fn receive<'a>(&self, buffer: &'a mut [u8]) -> Result<&'a [u8], Unreachable> {
        match &self.socket {
            Some(socket) => socket.receive(buffer).await,
            None => std::future::pending().await,
        }
    }
}

/// How long to wait before a name is looked up again, at first.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// How long at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long to stay with an address that never answered, once all have been tried.
const BETWEEN_TURNS: Duration = Duration::from_secs(8);
