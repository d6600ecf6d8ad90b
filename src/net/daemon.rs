//! One task a target: finds its address, moves the datagrams of its lines, wakes whoever asks on
//! them.

mod addresses;
mod clients;
mod lines;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch::Receiver;

use addresses::Addresses;
use clients::{Reader, Whose};
use lines::Line;

use crate::backend::TargetId;
use crate::backend::change::Signing;
use crate::config::target::TargetSpec;
use crate::control::clients::left;
use crate::control::finder::{Finder, Input, Kind, Output};
use crate::control::watcher;
use crate::model::mru::Monitored;
use crate::model::question::Unreachable;
use crate::model::{Contact, Daemon, Dialect, Interest, Part};
use crate::net::client::wake_at;
use crate::net::clock::Clock;
use crate::net::mailbox::Mailbox;
use crate::net::programs;
use crate::net::resolver::Families;
use crate::net::udp::RECEIVE_BUFFER;

/// What a task is told; the latest word counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Orders {
    /// What of the daemon is on screen.
    pub interest: Interest,
    /// The key for questions that need one.
    pub signing: Option<Signing>,
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

/// A target to watch and where to leave what is learned.
#[derive(Debug)]
pub struct Watched {
    /// What the upper layers call it.
    pub target: TargetId,
    /// How it is asked, and where it is.
    pub spec: TargetSpec,
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
        let lines = Line::all(&self.spec);
        let kinds: Vec<Kind> = lines.iter().map(|line| line.kind).collect();
        let mut asked = Asked {
            finder: Finder::new(&kinds, self.seed),
            lines,
            searched: false,
            shown: Arc::default(),
            reader: None,
            clients: Part::not_asked(),
            is_settled: false,
        };
        // What is wanted first: the first questions depend on it.
        let mut known = orders.borrow_and_update().clone();
        self.obey(&mut asked, &Orders::default(), &known);
        for place in 0..asked.lines.len() {
            if asked.lines.get(place).is_some_and(|line| !line.needs_address()) {
                self.tell(&mut asked, place, watcher::Input::Connected);
            }
        }
        let mut addresses = self.spec.host().map(|host| Addresses::of(host.clone(), self.families));
        let mut buffers = [[0; RECEIVE_BUFFER]; 3];
        loop {
            self.drain(&mut asked);
            if asked.follow_clients(&known.interest, self.clock) {
                self.mailbox.daemon(self.target, asked.picture());
            }
            tokio::select! {
                (place, received) = receive(&asked.lines, &mut buffers) => {
                    let input = match received {
                        Ok(length) => {
                            let buffer = buffers.get(place).and_then(|buffer| buffer.get(..length));
                            watcher::Input::Datagram(buffer.unwrap_or_default())
                        }
                        Err(why) => watcher::Input::Unreachable(why),
                    };
                    self.tell(&mut asked, place, input);
                }
                () = wake_at(&self.clock, asked.finder.next_wakeup()) => {
                    asked.finder.handle(self.clock.now(), Input::Wakeup);
                }
                found = next(&mut addresses) => self.locate(&mut asked, &found),
                list = read(&mut asked.reader) => {
                    asked.clients = list;
                    self.mailbox.daemon(self.target, asked.picture());
                }
                word = orders.changed() => {
                    if word.is_err() {
                        return;
                    }
                    let new = orders.borrow_and_update().clone();
                    self.obey(&mut asked, &known, &new);
                    if new.refreshes != known.refreshes {
                        if let Some(addresses) = &mut addresses {
                            addresses.hurry();
                        }
                        if let Some(reader) = &asked.reader {
                            reader.hurry();
                        }
                    }
                    known = new;
                }
            }
        }
    }

    /// Takes in new orders.
    fn obey(&self, asked: &mut Asked, known: &Orders, new: &Orders) {
        let finder = &mut asked.finder;
        if new.interest != known.interest {
            finder.handle(self.clock.now(), Input::Interest(new.interest.clone()));
        }
        if new.signing != known.signing {
            let key = new.signing.as_ref().map(|signing| signing.key().key.clone());
            finder.handle(self.clock.now(), Input::Key(key));
        }
        if new.refreshes != known.refreshes {
            finder.handle(self.clock.now(), Input::Refresh);
        }
        if let (Some(way), true) = (new.choice.0, new.choice != known.choice) {
            finder.handle(self.clock.now(), Input::Choose(way));
        }
    }

    /// Something happened on a line.
    fn tell(&self, asked: &mut Asked, place: usize, input: watcher::Input<'_>) {
        asked.finder.handle(self.clock.now(), Input::Line(place, input));
    }

    /// Where the target is has been found, or cannot be.
    fn locate(&self, asked: &mut Asked, found: &Result<Vec<SocketAddr>, Box<str>>) {
        for place in 0..asked.lines.len() {
            let Some(line) = asked.lines.get_mut(place).filter(|line| line.needs_address()) else {
                continue;
            };
            let input = match found {
                Ok(addresses) => line.locate(addresses).map(watcher::Input::Address),
                Err(why) => Some(watcher::Input::NoAddress(why.clone())),
            };
            if let Some(input) = input {
                self.tell(asked, place, input);
            }
        }
    }

    /// Carries out what the finder wants.
    fn drain(&self, asked: &mut Asked) {
        let mut news = false;
        while let Some(output) = asked.finder.poll_output() {
            match output {
                Output::Send(place, datagram) => {
                    let line = asked.lines.get_mut(place);
                    if let Some(Err(why)) = line.map(|line| line.send(&datagram)) {
                        self.tell(asked, place, watcher::Input::Unreachable(why));
                    }
                }
                Output::Turn(place) => {
                    let now = self.clock.now();
                    let line = asked.lines.get_mut(place);
                    if let Some(address) = line.and_then(|line| line.turn(now.mono)) {
                        self.tell(asked, place, watcher::Input::Address(address));
                    }
                }
                Output::Snapshot(daemon) => {
                    asked.shown = daemon;
                    news = true;
                }
            }
        }
        if !asked.is_settled && asked.finder.is_settled() {
            asked.is_settled = true;
            self.mailbox.settled(self.target);
            news = true;
        }
        if news {
            let lost = asked.shown.contact.is_lost();
            if lost && !asked.searched && asked.lines.iter().any(Line::is_local) {
                self.search_programs();
            }
            asked.searched = lost;
            self.mailbox.daemon(self.target, asked.picture());
        }
    }

    /// Finds out who keeps this host's time, when the daemon here does not answer.
    fn search_programs(&self) {
        let mailbox = self.mailbox.clone();
        // Nobody waits for it: it leaves its news and ends by itself within milliseconds.
        drop(tokio::task::spawn_blocking(move || mailbox.programs(programs::running().into())));
    }
}

/// A target that is asked.
struct Asked {
    finder: Finder,
    lines: Vec<Line>,
    /// Whether it was found out who else keeps this host's time since it was lost.
    searched: bool,
    /// What is known of it.
    shown: Arc<Daemon>,
    /// What reads its list of clients, while somebody looks at that.
    reader: Option<Reader>,
    /// The list as far as it was read.
    clients: Part<Monitored>,
    /// Whether a first picture is complete, or none is to be had.
    is_settled: bool,
}

impl Asked {
    /// All that is known of it, its list of clients too.
    fn picture(&self) -> Arc<Daemon> {
        if self.clients.latest().is_none() && self.reader.is_none() {
            return Arc::clone(&self.shown);
        }
        Arc::new(Daemon { monitored: self.clients.clone(), ..Daemon::clone(&self.shown) })
    }

    /// Has the list of clients read while somebody looks at it, of a daemon that keeps one; whether
    /// that alters the picture.
    fn follow_clients(&mut self, interest: &Interest, clock: Clock) -> bool {
        let is_wanted = interest.visible && interest.clients;
        let whose = is_wanted.then(|| self.whose()).flatten();
        let before = self.reader.as_ref().map(|reader| reader.whose);
        if before == whose {
            return false;
        }
        if self.reader.take().is_some() {
            self.clients = left(&self.clients);
        }
        let is_other = before.is_some() && whose.is_some();
        if is_other || self.clients.latest().is_some_and(|list| list.count > KEPT) {
            self.clients = Part::not_asked();
        }
        let is_limited = self.is_limited();
        self.reader =
            whose.and_then(|whose| Reader::start(whose, clock, is_limited, self.clients.clone()));
        before.is_some()
    }

    fn is_limited(&self) -> bool {
        matches!(self.shown.contact, Contact::RateLimited { .. })
    }

    /// Whose list could be read now.
    fn whose(&self) -> Option<Whose> {
        // What limits us may be what reads the list: it goes on, as slowly as it must.
        let is_answering =
            matches!(self.shown.contact, Contact::Answering { .. }) || self.is_limited();
        let dialect = self.shown.identity.as_ref()?.dialect?;
        let keeps_list = is_answering && dialect != Dialect::Chronyd;
        let address = self.lines.iter().find_map(Line::control_messages)?;
        keeps_list.then_some(Whose { address, dialect })
    }
}

/// The next part of a list that is read; none while none is.
async fn read(reader: &mut Option<Reader>) -> Part<Monitored> {
    match reader {
        Some(reader) => reader.next().await,
        None => std::future::pending().await,
    }
}

/// The longest list that is kept while nobody looks at it.
const KEPT: usize = 100_000;

/// Waits for what comes next on any of `lines`, at most three, each with a buffer: on which, and
/// how long it is. Dropping the future loses nothing.
async fn receive(
    lines: &[Line],
    buffers: &mut [[u8; RECEIVE_BUFFER]; 3],
) -> (usize, Result<usize, Unreachable>) {
    let [first, second, third] = buffers;
    tokio::select! {
        received = receive_on(lines.first(), first) => (0, received),
        received = receive_on(lines.get(1), second) => (1, received),
        received = receive_on(lines.get(2), third) => (2, received),
    }
}

async fn receive_on(line: Option<&Line>, buffer: &mut [u8]) -> Result<usize, Unreachable> {
    match line {
        Some(line) => line.receive(buffer).await,
        None => std::future::pending().await,
    }
}

/// The next outcome of looking for addresses; none of a target that needs none.
async fn next(addresses: &mut Option<Addresses>) -> Result<Vec<SocketAddr>, Box<str>> {
    match addresses {
        Some(addresses) => addresses.next().await,
        None => std::future::pending().await,
    }
}
