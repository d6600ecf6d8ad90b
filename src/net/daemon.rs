//! One task a daemon: finds its address, moves its datagrams, wakes its watcher.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Receiver;

use crate::backend::TargetId;
use crate::config::host::HostSpec;
use crate::control::pipeline::Settings;
use crate::control::timing::Timing;
use crate::control::watcher::{Input, Output, Watcher};
use crate::model::question::Unreachable;
use crate::model::{Contact, Daemon, Interest};
use crate::net::client::wake_at;
use crate::net::clock::Clock;
use crate::net::mailbox::Mailbox;
use crate::net::programs;
use crate::net::resolver::{self, Families};
use crate::net::udp::{RECEIVE_BUFFER, Socket};

/// What a task is told; the latest word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// What of the daemon is on screen.
    pub interest: Interest,
    /// How often it was asked to ask again at once.
    pub refreshes: u64,
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
        let mut turn = 0;
        loop {
            let Some(addresses) = self.resolve(&mut orders).await else { return };
            let Some(address) = addresses.get(turn % addresses.len()) else { return };
            let alone = addresses.len() == 1;
            match self.converse(*address, alone, &mut orders).await {
                Ended::NoOrders => return,
                Ended::NeverAnswered => turn += 1,
            }
        }
    }

    /// The host's addresses, at least one, asked for again until there is one. `None` when nobody
    /// gives orders any more.
    async fn resolve(&self, orders: &mut Receiver<Orders>) -> Option<Vec<SocketAddr>> {
        let mut pause = FIRST_PAUSE;
        loop {
            let look_up = resolver::addresses(&self.host, self.families);
            tokio::pin!(look_up);
            let outcome = loop {
                tokio::select! {
                    outcome = &mut look_up => break outcome,
                    word = orders.changed() => word.ok()?,
                }
            };
            match outcome {
                Ok(addresses) if !addresses.is_empty() => return Some(addresses),
                Ok(_) => self.publish(Contact::NoAddress { why: "the name has no address".into() }),
                Err(why) => self.publish(Contact::NoAddress { why: why.into() }),
            }
            let refreshes = orders.borrow_and_update().refreshes;
            let refreshed = orders.wait_for(|orders| orders.refreshes != refreshes);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                word = refreshed => drop(word.ok()?),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn publish(&self, contact: Contact) {
        self.mailbox.daemon(self.target, Arc::new(Daemon { contact, ..Daemon::default() }));
    }

    /// Talks to one address, and when it is not the only one only as long as it has not shown to
    /// be the wrong one.
    async fn converse(
        &self,
        address: SocketAddr,
        alone: bool,
        orders: &mut Receiver<Orders>,
    ) -> Ended {
        let settings = Settings::new(Timing::live(), self.seed);
        let mut watcher = Watcher::new(self.clock.now(), settings);
        let mut known = orders.borrow_and_update().clone();
        watcher.handle(self.clock.now(), Input::Interest(known.interest.clone()));
        let mut line = Line { address, socket: None };
        let mut buffer = [0; RECEIVE_BUFFER];
        let mut searched = false;
        loop {
            while let Some(output) = watcher.poll_output() {
                match output {
                    Output::Send(datagram) => {
                        if let Err(why) = line.send(&datagram) {
                            watcher.handle(self.clock.now(), Input::Unreachable(why));
                        }
                    }
                    Output::Snapshot(daemon) => {
                        let lost = is_lost(&daemon.contact);
                        let never = daemon.contact.last_answer().is_none();
                        if lost && never && !alone {
                            return Ended::NeverAnswered;
                        }
                        if lost && !searched && address.ip().is_loopback() {
                            self.search_programs();
                        }
                        searched = lost;
                        self.mailbox.daemon(self.target, daemon);
                    }
                    _ => {}
                }
            }
            let wakeup = watcher.next_wakeup();
            tokio::select! {
                received = line.receive(&mut buffer) => {
                    let now = self.clock.now();
                    match received {
                        Ok(datagram) => watcher.handle(now, Input::Datagram(datagram)),
                        Err(why) => watcher.handle(now, Input::Unreachable(why)),
                    }
                }
                () = wake_at(&self.clock, wakeup) => {
                    watcher.handle(self.clock.now(), Input::Wakeup);
                }
                word = orders.changed() => {
                    if word.is_err() {
                        return Ended::NoOrders;
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

    /// Finds out who keeps this host's time, when the daemon here does not answer.
    fn search_programs(&self) {
        let mailbox = self.mailbox.clone();
        // Nobody waits for it: it leaves its news and ends by itself within milliseconds.
        drop(tokio::task::spawn_blocking(move || mailbox.programs(programs::running().into())));
    }
}

/// Why a conversation is over.
enum Ended {
    /// Nobody gives orders any more.
    NoOrders,
    /// This address never answered and there are others.
    NeverAnswered,
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
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
