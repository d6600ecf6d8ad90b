//! Changes of the daemons on screen: a task for each that is under way.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;

use crate::backend::TargetId;
use crate::backend::change::{Order, Pending, Progress, Signing, Wish};
use crate::config::Rejected;
use crate::config::change::{self, find};
use crate::config::files::Files;
use crate::config::host::HostSpec;
use crate::config::keys::Entry;
use crate::config::ntp_conf::Placed;
use crate::config::ntp_conf::include::{self, Found};
use crate::config::target::TargetSpec;
use crate::control::chrony::Transport;
use crate::control::chrony::change::{Line, configured, of_verb};
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
use crate::net::left::{self, Whereabouts};
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

/// How files are read, whose permissions and places are no affair of this layer.
#[derive(Clone, Copy, Debug)]
pub struct Readers {
    /// A file of keys, which nobody else may be able to read.
    pub keys: fn(&Path) -> Result<Vec<Entry>, Rejected>,
    /// What of a configuration is at a path.
    pub found: fn(&Path) -> Result<Found, String>,
}

/// A daemon whose change is ordered, and where the news go.
#[derive(Clone, Debug)]
pub struct Place {
    /// What the upper layers call it.
    pub target: TargetId,
    /// How it is asked, and where it is.
    pub spec: TargetSpec,
    /// The same of all daemons that are watched, by their places.
    pub specs: Arc<[TargetSpec]>,
    /// What changes of it take from files, and who reads them.
    pub files: Files,
    /// Who reads them.
    pub readers: Option<Readers>,
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
            Order::Think(_) | Order::Restore { .. } => {
                let (sender, receiver) = channel(ORDERS_WAITING);
                // The one before ends when nobody orders it any more.
                self.orders.insert(place.target, sender);
                self.tasks.spawn(place.walk(order, receiver));
            }
            Order::Forget { .. } => {
                let (_, receiver) = channel(ORDERS_WAITING);
                self.tasks.spawn(place.walk(order, receiver));
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
    async fn walk(self, order: Order, orders: Receiver<Order>) {
        let is_restoring = matches!(order, Order::Restore { .. });
        let begun = match order {
            Order::Think(wish) => self.think(wish, orders).await,
            Order::Restore { number, signing } => self.restore(number, signing, orders).await,
            Order::Forget { number } => return self.forget(number),
            _ => Ok(()),
        };
        if let Err(why) = begun {
            if is_restoring {
                self.tell_left(None);
            }
            self.fail(why);
        }
    }

    fn fail(&self, why: String) {
        let (phase, trouble) = (Phase::Ended, Some(Trouble::Wish(why)));
        self.tell(Course { phase, trouble, ..Course::default() }, Vec::new(), None);
    }

    /// Writes down what is sent to the daemon at `address`, signed with the key of this number.
    fn about(&self, host: String, address: Option<SocketAddr>, key: Option<u32>) -> About {
        About {
            when: book::wall(&self.clock),
            host,
            address: address.map(|address| address.to_string()),
            version: None,
            key,
        }
    }

    fn tell(&self, course: Course, foreseen: Vec<String>, unwritten: Option<String>) {
        self.mailbox.change(self.target, Arc::new(Progress { course, foreseen, unwritten }));
    }

    /// Tells which changes are left behind now.
    fn tell_left(&self, trouble: Option<String>) {
        self.mailbox.left(left::look(&self.specs), trouble.map(Into::into));
    }

    async fn think(&self, wish: Wish, orders: Receiver<Order>) -> Result<(), String> {
        let Some((verb, arguments)) = wish.words.split_first() else {
            return Err("nothing is wanted".to_owned());
        };
        let host = self.spec.to_string();
        let confirm = Some(wish.confirm);
        if let Some(at) = ChronydAt::of(&self.spec) {
            let wanted = of_verb(verb, arguments).map_err(|why| why.to_string())?;
            let link = match at {
                ChronydAt::Socket(path) => Link::Unix(unix_socket(&path)?),
                ChronydAt::Port(host) => Link::Udp(self.connect(&host).await?),
            };
            let keeper =
                Keeper::new(Book::open(), None, self.about(host, link.address(), None), self.clock);
            let wanted = (way::Wish::Line(wanted), self.lines_of_chronyd()?);
            return self.chronyd(wanted, link, confirm, keeper, orders).await;
        }
        let address = self.spec.control_messages().ok_or("it takes no changes")?;
        let verb =
            find(verb).ok_or_else(|| format!("there is no verb `{}`", verb.escape_debug()))?;
        let (arguments, has) = options_now(arguments);
        let wanted = verb.wish(&arguments).map_err(|(line, rejected)| match rejected.position {
            Some((_, column)) => format!("{line}: column {column}: {}", rejected.reason),
            None => rejected.reason,
        })?;
        let socket = self.connect(address).await?;
        let about = self.about(host, Some(socket.address()), key_of(wish.signing.as_ref()));
        let keeper = Keeper::new(Book::open(), None, about, self.clock);
        let configured = self.lines_of_ntpd()?;
        let wanted = Wanted { wish: wanted, configured, has, signing: wish.signing };
        self.ntpd(wanted, socket, confirm, keeper, orders).await
    }

    /// Takes back what was left behind: it is in our hands from here on until this is over.
    async fn restore(
        &self,
        number: u32,
        signing: Option<Signing>,
        orders: Receiver<Order>,
    ) -> Result<(), String> {
        let book = Book::open();
        let claim = book.as_ref().map_or(Ok(None), |book| book.claim(number))?;
        let claim = claim.ok_or_else(|| format!("change {number} is done with already"))?;
        let Pending { host, inverse, .. } = claim.pending().clone();
        match left::whereabouts(claim.pending())? {
            Whereabouts::Socket(path) => {
                let lines: Result<Vec<_>, _> =
                    inverse.iter().map(|line| Line::read(line)).collect();
                let wanted = way::Wish::Exactly(lines.map_err(|why| why.to_string())?);
                let link = Link::Unix(unix_socket(&path)?);
                let keeper =
                    Keeper::new(book, Some(claim), self.about(host, None, None), self.clock);
                self.chronyd((wanted, None), link, None, keeper, orders).await
            }
            Whereabouts::Address(address) => {
                let socket = udp::Socket::connect(address).map_err(|failed| failed.to_string())?;
                let about = self.about(host, Some(address), key_of(signing.as_ref()));
                let keeper = Keeper::new(book, Some(claim), about, self.clock);
                let wish = change::Wish::Exactly(inverse);
                let wanted = Wanted { wish, configured: Vec::new(), has: None, signing };
                self.ntpd(wanted, socket, None, keeper, orders).await
            }
        }
    }

    /// Forgets what was left behind, which is written down.
    fn forget(&self, number: u32) {
        let forgotten = || {
            let book = Book::open().ok_or("there is no home, and so no state folder")?;
            // One that is done with already is forgotten.
            let Some(claim) = book.claim(number)? else { return Ok(()) };
            let Pending { host, address, key, .. } = claim.pending().clone();
            let entered = book.enter_forgotten(&self.about(host, address, key), claim.pending());
            entered.and_then(|()| claim.end()).map_err(|error| error.to_string())
        };
        let forgotten: Result<(), String> = forgotten();
        self.tell_left(forgotten.err().map(|why| format!("it cannot be forgotten: {why}")));
    }

    /// The configuration that was named for the daemon, as it stands now; empty where none was.
    fn lines_of_ntpd(&self) -> Result<Vec<Placed>, String> {
        let (Some(file), Some(readers)) = (&self.files.config_of, self.readers) else {
            return Ok(Vec::new());
        };
        let followed = include::follow(file, readers.found);
        followed.map(|followed| followed.directives).map_err(|rejected| rejected.to_string())
    }

    /// The same of a chronyd; `None` where none was.
    fn lines_of_chronyd(&self) -> Result<Option<Vec<Line>>, String> {
        let Some(file) = &self.files.config_of else { return Ok(None) };
        let text = fs::read_to_string(file);
        let text = text.map_err(|error| format!("{}: cannot be read: {error}", file.display()))?;
        Ok(Some(configured(&text)))
    }

    async fn chronyd(
        &self,
        (wish, configured): (way::Wish, Option<Vec<Line>>),
        link: Link,
        confirm: Option<Duration>,
        keeper: Keeper,
        orders: Receiver<Order>,
    ) -> Result<(), String> {
        let address = link.address();
        let transport = if address.is_some() { Transport::Udp } else { Transport::Unix };
        let seed = seed()?;
        let settings = way::Settings { transport, address, seed, patience: PATIENCE, configured };
        let machine = Reconfigure::new(self.clock.now(), Chronyd::new(wish, settings), confirm);
        self.drive(Change::new(machine, link, self.clock), orders, keeper, confirm).await;
        Ok(())
    }

    async fn ntpd(
        &self,
        wanted: Wanted,
        socket: udp::Socket,
        confirm: Option<Duration>,
        keeper: Keeper,
        orders: Receiver<Order>,
    ) -> Result<(), String> {
        let timing = Timing::live().with_patience(PATIENCE);
        let key = wanted.signing.as_ref().map(|signing| signing.key().key.clone());
        let settings = Settings {
            pipeline: pipeline::Settings { key, ..pipeline::Settings::new(timing, seed()?) },
            patience: PATIENCE,
            configured: wanted.configured,
            has: wanted.has,
            from: socket.local_address().map(|address| address.ip()),
        };
        let way = Ntpd::new(wanted.wish, settings);
        let machine = Reconfigure::new(self.clock.now(), way, confirm);
        let change = Change::new(machine, Link::Udp(socket), self.clock);
        self.drive(change, orders, keeper, confirm).await;
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
        confirm: Option<Duration>,
    ) {
        let mut is_sent = false;
        let mut has_left = false;
        loop {
            let course = change.course().clone();
            let foreseen = course.preview.as_ref().filter(|preview| !preview.touches.is_empty());
            let foreseen = foreseen.map(|preview| {
                let daemon = change.machine().way().daemon();
                predict(daemon, &preview.roles, &preview.touches).sentences()
            });
            let foreseen = foreseen.unwrap_or_default();
            if course.phase == Phase::Ended {
                let unwritten = self.close(keeper, is_sent.then_some(&course));
                return self.tell(course, foreseen, unwritten);
            }
            self.tell(course, foreseen, None);
            tokio::select! {
                () = change.news() => {}
                order = orders.recv(), if !has_left => match order {
                    Some(Order::Send { for_good }) if change.course().phase == Phase::Preview => {
                        let identity = change.machine().way().daemon().identity.as_ref();
                        let version = identity.map(|identity| identity.version.to_string());
                        let within = confirm.filter(|_| !for_good);
                        if let Err(why) = keeper.begin(version, change.course(), within) {
                            self.close(keeper, None);
                            let why = format!("what is about to be sent cannot be written down: {why}");
                            return self.fail(why);
                        }
                        is_sent = true;
                        change.input(if for_good { Input::ArmForGood } else { Input::Arm });
                    }
                    Some(Order::Send { .. }) => {}
                    Some(Order::Keep) => change.input(Input::Confirm),
                    Some(_) => change.input(Input::TakeBack),
                    None if !change.course().phase.is_open() => {
                        self.close(keeper, None);
                        return;
                    }
                    None => {
                        has_left = true;
                        change.input(Input::TakeBack);
                    }
                },
            }
        }
    }

    /// Ends with the book, with what became of it where something was sent; then what was left behind
    /// is in our hands no more. Why it could not be written, if it could not.
    fn close(&self, keeper: Keeper, course: Option<&Course>) -> Option<String> {
        let is_restoring = keeper.is_restoring();
        // Where nothing was sent, dropping it is all there is to do.
        let written = course.map_or(Ok(()), |course| keeper.end(course));
        let unwritten = written.err().map(|why| why.to_string());
        if is_restoring {
            let told = |why: &String| format!("what became of it is not written down: {why}");
            self.tell_left(unwritten.as_ref().map(told));
        }
        unwritten
    }
}

/// What is wanted of an ntpd.
struct Wanted {
    wish: change::Wish,
    /// The configuration that it follows, as far as that is known.
    configured: Vec<Placed>,
    /// The options that the user says the association in question has now.
    has: Option<String>,
    signing: Option<Signing>,
}

fn seed() -> Result<[u8; 32], String> {
    random::seed().map_err(|error| format!("cannot draw a number: {error}"))
}

fn unix_socket(path: &Path) -> Result<unix::Socket, String> {
    unix::Socket::connect(path).map_err(|why| format!("{}: {why}", path.display()))
}

fn key_of(signing: Option<&Signing>) -> Option<u32> {
    signing.map(|signing| signing.key().key.id().get())
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
