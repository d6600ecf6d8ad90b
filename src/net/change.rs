//! Changes of the daemons on screen: a task for each that is under way.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;

use crate::backend::TargetId;
use crate::backend::change::{Order, Progress, Wish};
use crate::config::change::find;
use crate::config::host::HostSpec;
use crate::config::target::TargetSpec;
use crate::control::chrony::Transport;
use crate::control::chrony::change::of_verb;
use crate::control::chrony::way::{self, Chronyd};
use crate::control::pipeline;
use crate::control::reconfigure::ntpd::{Ntpd, Settings};
use crate::control::reconfigure::way::Way;
use crate::control::reconfigure::{Input, Reconfigure};
use crate::control::timing::Timing;
use crate::insight::prediction::predict;
use crate::model::change::{Course, Phase, Trouble};
use crate::net::book::{self, About, Book, Keeper};
use crate::net::clock::Clock;
use crate::net::mailbox::Mailbox;
use crate::net::reconfigure::{Change, ChronydAt, Link};
use crate::net::resolver::{self, Families};
use crate::net::{random, udp, unix};

/// The changes under way, at most one of each daemon. Dropping it ends them where they are.
#[derive(Debug, Default)]
pub struct Changes {
    tasks: JoinSet<()>,
    orders: HashMap<TargetId, Sender<Order>>,
}

/// A daemon whose change is ordered, and where the news go.
#[derive(Clone, Debug)]
pub struct Place {
    /// What the upper layers call it.
    pub target: TargetId,
    /// How it is asked, and where it is.
    pub spec: TargetSpec,
    /// Which of its addresses will do.
    pub families: Families,
    /// The program's clock.
    pub clock: Clock,
    /// Where news go.
    pub mailbox: Mailbox,
}

impl Changes {
    /// Follows an order about a daemon. Must be called within the runtime.
    pub fn order(&mut self, place: Place, order: Order) {
        while self.tasks.try_join_next().is_some() {}
        match order {
            Order::Think(wish) => {
                let (sender, receiver) = channel(ORDERS_WAITING);
                // The one before ends when nobody orders it any more.
                self.orders.insert(place.target, sender);
                self.tasks.spawn(place.walk(wish, receiver));
            }
            order => {
                if let Some(sender) = self.orders.get(&place.target) {
                    // One that has ended has nothing left to be ordered.
                    drop(sender.try_send(order));
                }
            }
        }
    }
}

impl Place {
    async fn walk(self, wish: Wish, orders: Receiver<Order>) {
        if let Err(why) = self.begin(wish, orders).await {
            self.fail(why);
        }
    }

    fn fail(&self, why: String) {
        let (phase, trouble) = (Phase::Ended, Some(Trouble::Wish(why)));
        self.tell(Course { phase, trouble, ..Course::default() }, Vec::new());
    }

    /// Writes down what is sent to the daemon at `address`, signed with the key of this number.
    fn keeper(&self, address: Option<SocketAddr>, key: Option<u32>) -> Keeper {
        let about = About {
            when: book::wall(&self.clock),
            host: self.spec.to_string(),
            address: address.map(|address| address.to_string()),
            version: None,
            key,
        };
        Keeper::new(Book::open(), None, about)
    }

    fn tell(&self, course: Course, foreseen: Vec<String>) {
        self.mailbox.change(self.target, Arc::new(Progress { course, foreseen }));
    }

    async fn begin(&self, wish: Wish, orders: Receiver<Order>) -> Result<(), String> {
        let Some((verb, arguments)) = wish.words.split_first() else {
            return Err("nothing is wanted".to_owned());
        };
        let seed = random::seed().map_err(|error| format!("cannot draw a number: {error}"))?;
        let confirm = Some(wish.confirm);
        if let Some(at) = ChronydAt::of(&self.spec) {
            let wanted = of_verb(verb, arguments).map_err(|why| why.to_string())?;
            let (link, address) = match at {
                ChronydAt::Socket(path) => {
                    let socket = unix::Socket::connect(&path).map_err(|why| why.to_string())?;
                    (Link::Unix(socket), None)
                }
                ChronydAt::Port(host) => {
                    let socket = self.connect(&host).await?;
                    let address = socket.address();
                    (Link::Udp(socket), Some(address))
                }
            };
            let transport = if address.is_some() { Transport::Udp } else { Transport::Unix };
            let settings =
                way::Settings { transport, address, seed, patience: PATIENCE, configured: None };
            let way = Chronyd::new(way::Wish::Line(wanted), settings);
            let machine = Reconfigure::new(self.clock.now(), way, confirm);
            let keeper = self.keeper(address, None);
            self.drive(Change::new(machine, link, self.clock), orders, keeper, wish.confirm).await;
            return Ok(());
        }
        let host = self.spec.control_messages().ok_or("it takes no changes")?;
        let verb =
            find(verb).ok_or_else(|| format!("there is no verb `{}`", verb.escape_debug()))?;
        let (arguments, has) = options_now(arguments);
        let wish_of =
            verb.wish(&arguments).map_err(|(line, rejected)| match rejected.position {
                Some((_, column)) => format!("{line}: column {column}: {}", rejected.reason),
                None => rejected.reason,
            })?;
        let socket = self.connect(host).await?;
        let timing = Timing::live().with_patience(PATIENCE);
        let key = wish.signing.as_ref().map(|signing| signing.key().key.clone());
        let settings = Settings {
            pipeline: pipeline::Settings { key, ..pipeline::Settings::new(timing, seed) },
            patience: PATIENCE,
            configured: Vec::new(),
            has,
            from: socket.local_address().map(|address| address.ip()),
        };
        let key = settings.pipeline.key.as_ref().map(|key| key.id().get());
        let keeper = self.keeper(Some(socket.address()), key);
        let way = Ntpd::new(wish_of, settings);
        let machine = Reconfigure::new(self.clock.now(), way, confirm);
        let change = Change::new(machine, Link::Udp(socket), self.clock);
        self.drive(change, orders, keeper, wish.confirm).await;
        Ok(())
    }

    async fn connect(&self, host: &HostSpec) -> Result<udp::Socket, String> {
        let found = resolver::addresses(host, self.families).await;
        let addresses = found.map_err(|why| format!("cannot find {host}: {why}"))?;
        let address = addresses.first().copied();
        let address = address.ok_or_else(|| format!("{host} has no address"))?;
        udp::Socket::connect(address).map_err(|failed| failed.to_string())
    }

    /// Carries the change to its end. Whoever orders nothing any more has left: what was sent and is
    /// not confirmed is taken back.
    async fn drive<W: Way>(
        &self,
        mut change: Change<W>,
        mut orders: Receiver<Order>,
        mut keeper: Keeper,
        confirm: Duration,
    ) {
        let mut is_sent = false;
        let mut has_left = false;
        loop {
            let course = change.course().clone();
            let ended = course.phase == Phase::Ended;
            let foreseen = course.preview.as_ref().filter(|preview| !preview.touches.is_empty());
            let foreseen = foreseen.map(|preview| {
                let daemon = change.machine().way().daemon();
                predict(daemon, &preview.roles, &preview.touches).sentences()
            });
            self.tell(course, foreseen.unwrap_or_default());
            if ended {
                if is_sent {
                    // What became of it is on screen in any case.
                    drop(keeper.end(change.course()));
                }
                return;
            }
            tokio::select! {
                () = change.news() => {}
                order = orders.recv(), if !has_left => match order {
                    Some(Order::Send { for_good }) if change.course().phase == Phase::Preview => {
                        let identity = change.machine().way().daemon().identity.as_ref();
                        let version = identity.map(|identity| identity.version.to_string());
                        let within = Some(confirm).filter(|_| !for_good);
                        if let Err(why) = keeper.begin(version, change.course(), within) {
                            let why = format!("what is about to be sent cannot be written down: {why}");
                            return self.fail(why);
                        }
                        is_sent = true;
                        change.input(if for_good { Input::ArmForGood } else { Input::Arm });
                    }
                    Some(Order::Send { .. }) => {}
                    Some(Order::Keep) => change.input(Input::Confirm),
                    Some(Order::TakeBack | Order::Think(_)) => change.input(Input::TakeBack),
                    None if !change.course().phase.is_open() => return,
                    None => {
                        has_left = true;
                        change.input(Input::TakeBack);
                    }
                },
            }
        }
    }
}

/// The arguments without `--has OPTIONS…`, and those options: what the user says that the association
/// has now, to the end of the line.
fn options_now(arguments: &[String]) -> (Vec<String>, Option<String>) {
    match arguments.iter().position(|word| word == "--has") {
        None => (arguments.to_vec(), None),
        Some(place) => {
            let (before, after) = arguments.split_at(place);
            (before.to_vec(), Some(after.get(1..).unwrap_or_default().join(" ")))
        }
    }
}

/// How long each answer is waited for.
const PATIENCE: Duration = Duration::from_secs(4);

/// Orders that wait for their turn; more mean that somebody leans on a key.
const ORDERS_WAITING: usize = 8;
