//! An engine on the real network: sockets, names, timers and a clock around the machine.
//!
//! One task owns it all. Datagrams come from a small task a socket, which reads the clocks right
//! behind each of them, so that it does not matter when the engine comes to it.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinSet, spawn_blocking};

use crate::backend::TargetId;
use crate::clock::system::Adjtimex;
use crate::clock::system::kernel::Kernel;
use crate::config::drift::Drift;
use crate::config::engine::EngineSetup;
use crate::config::host::NTP_PORT;
use crate::config::leap_file::LeapTable;
use crate::config::ntp_conf::Family;
use crate::engine::Engine;
use crate::engine::association::Kind;
use crate::engine::input::{Input, Received};
use crate::engine::mobilize::Applied;
use crate::engine::output::{Event, Output, Resolution, Socket, Transmission};
use crate::engine::settings::Settings;
use crate::engine::snapshot::Snapshots;
use crate::model::Interest;
use crate::net::client::wake_at;
use crate::net::clock::Clock;
use crate::net::discipline::Permit;
use crate::net::engine::leap_file::LeapFile;
use crate::net::engine::looking::Looking;
use crate::net::engine::marking::Marking;
use crate::net::engine::ntp_port::{NtpPort, Sent};
use crate::net::engine::serving::{Named, Serving};
use crate::net::guard::Guard;
use crate::net::mailbox::Mailbox;
use crate::net::own_addresses::{self, Interface};
use crate::net::programs;
use crate::net::resolver::{self, Families};
use crate::net::stamp::{self, Bracket};
use crate::net::steered::{self, Steered};
use crate::net::udp::Failed;
use crate::units::{Mono, Now};

mod access;
mod control;
pub mod drift;
mod files;
mod groups;
mod interfaces;
mod leap_file;
mod looking;
mod marking;
mod notice;
mod ntp_port;
pub mod probe;
mod reload;
mod remote;
mod serving;
mod sockets;
mod statistics;
mod surroundings;
mod traffic;

pub use access::access;
pub use notice::{Notice, Source, StartFailed};
use reload::Configured;
pub use reload::Reloaded;
use sockets::{Departure, Sockets};
use statistics::Office;
use traffic::Traffic;

/// How an engine is started.
#[derive(Debug)]
pub struct Setup {
    /// What files and command line say.
    pub engine: EngineSetup,
    /// Which addresses of names will do, where a source's own line does not say.
    pub families: Families,
    /// The program's clock.
    pub clock: Clock,
    /// The right to steer the system's clock, which is steered if this is there; without it a
    /// virtual one is.
    pub permit: Option<Permit>,
    /// Where its snapshots go, and what the upper layers call it; nowhere when nobody looks.
    pub told: Option<(TargetId, Mailbox)>,
}

impl Setup {
    /// What an engine is to know before it starts. Beside another daemon it is polite, as nobody
    /// needs to ask for.
    fn settings(&self, is_system: bool) -> Settings {
        let mut settings = Settings {
            algorithm: self.engine.algorithm,
            drift: self.engine.drift,
            statistics: self.engine.statistics.kinds(),
            beside_daemon: !is_system
                && self.engine.beside_daemon.unwrap_or_else(|| !programs::running().is_empty()),
            ..Settings::default()
        };
        if let Some(precision) = stamp::precision() {
            settings.precision = precision;
        }
        settings
    }
}

/// An engine that runs. Dropping it ends it; a system's clock is left at its base frequency then.
#[derive(Debug)]
pub struct Running {
    /// What it has to say.
    notices: Receiver<Notice>,
    /// What it is to know of.
    news: Sender<News>,
    /// The one task.
    _tasks: JoinSet<()>,
}

impl Running {
    /// The next thing that a person may want to know of; `None` when the engine has ended, which
    /// by itself it never does.
    ///
    /// Notices that nobody fetches are dropped when there are too many.
    pub async fn notice(&mut self) -> Option<Notice> {
        self.notices.recv().await
    }

    /// Says what of the engine is on screen.
    pub async fn look_at(&self, interest: Interest) {
        // Nobody listens when the engine has ended: then there is nothing to look at.
        drop(self.news.send(News::Interest(interest)).await);
    }
}

/// Starts an engine. Must be called within the runtime.
///
/// # Errors
/// Why it cannot be; no clock was touched.
pub fn start(mut setup: Setup) -> Result<Running, StartFailed> {
    match setup.permit.take() {
        Some(permit) => {
            let guard = Guard::start(Adjtimex).ok_or(StartFailed::NoGuard)?;
            steer(setup, permit, guard, Adjtimex)
        }
        None => begin(setup, Steered::observing(Bracket::read()), None),
    }
}

/// Starts an engine that steers the clock of `kernel`.
fn steer<K: Kernel + Send + 'static>(
    setup: Setup,
    permit: Permit,
    guard: Guard,
    kernel: K,
) -> Result<Running, StartFailed> {
    let steered = Steered::disciplining(kernel, Bracket::read()).map_err(StartFailed::Clock)?;
    begin(setup, steered, Some((permit, guard)))
}

fn begin<K: Kernel + Send + 'static>(
    setup: Setup,
    steered: Steered<K>,
    steering: Option<(Permit, Guard)>,
) -> Result<Running, StartFailed> {
    let Built { driver, news, notices } = build(setup, steered, steering)?;
    let told = driver.news.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(driver.run(news));
    Ok(Running { notices, news: told, _tasks: tasks })
}

/// An engine that does not run yet, with what it is told and what it has to say.
struct Built<K: Kernel> {
    driver: Driver<K>,
    news: Receiver<News>,
    notices: Receiver<Notice>,
}

fn build<K: Kernel>(
    setup: Setup,
    mut steered: Steered<K>,
    steering: Option<(Permit, Guard)>,
) -> Result<Built<K>, StartFailed> {
    let seed = crate::net::random::seed().map_err(StartFailed::NoRandomness)?;
    let settings = setup.settings(steered.is_system());
    // It is that daemon's file where one runs.
    let drift_file = setup.engine.drift_file.clone().filter(|_| !settings.beside_daemon);
    let now = steered.now(setup.clock.mono(), stamp::boot(), &Bracket::read());
    let mut engine = Engine::new(settings, seed, &now);
    let (notices, notices_read) = channel(NOTICES);
    engine.set_keys(setup.engine.keys);
    if let Some(table) = setup.engine.leap_table {
        engine.set_leap_table(&now, Some(table));
    }
    let mut serving = Serving::new()?;
    serving.control.text = setup.engine.text;
    for placed in &setup.engine.directives {
        let line = Some(placed.line);
        let followed = match engine.apply(&now, &placed.directive) {
            Ok(Applied::ForServer) => serving.apply(&placed.directive, line),
            Ok(_) => {
                serving.control.apply(&placed.directive);
                Ok(())
            }
            Err(why) => Err(why),
        };
        if let Err(why) = followed {
            // Nobody has fetched the ones before: this one is lost, as `Running` says.
            drop(notices.try_send(Notice::NotFollowed { line, why }));
        }
    }
    serving.server.share_keys(&engine);
    let (news, news_read) = channel(NEWS);
    let marking = Marking::of(&setup.engine.directives);
    let mut sockets = Sockets::new(news.clone());
    sockets.mark(marking);
    let (permit, guard) = steering.unzip();
    let mut driver = Driver {
        engine,
        steered,
        guard,
        _permit: permit,
        clock: setup.clock,
        families: setup.families,
        drift_file,
        sockets,
        port: NtpPort::new(setup.engine.port.unwrap_or(NTP_PORT), marking),
        serving,
        traffic: Traffic::default(),
        may_listen: setup.engine.listens,
        errands: JoinSet::new(),
        look_ups: JoinSet::new(),
        news,
        notices,
        own: Vec::new(),
        snapshots: Snapshots::new(),
        looking: Looking::default(),
        told: setup.told,
        taken: now.mono,
        has_news: true,
        look_at_clock: now.mono,
        look_at_addresses: now.mono,
        look_at_leaps: now.mono + BETWEEN_LEAP_FILES,
        leap_file: LeapFile::of(&setup.engine.directives),
        office: Office::default(),
        configured: Configured { directives: setup.engine.directives, serve: setup.engine.serve },
    };
    driver.begin_to_serve()?;
    driver.configure_statistics(&now, setup.engine.statistics);
    Ok(Built { driver, news: news_read, notices: notices_read })
}

/// What the tasks around an engine tell it.
#[derive(Debug)]
enum News {
    /// Something came out of a socket.
    Socket(sockets::News),
    /// A name was looked up.
    Resolved(Resolution, Vec<SocketAddr>),
    /// The addresses of the host that a line about others names.
    Restricted(Named, Vec<SocketAddr>),
    /// The addresses of this host.
    OwnAddresses(Vec<Interface>),
    /// The configuration was read anew.
    Reload(Box<EngineSetup>),
    /// The leap-seconds file was read anew.
    LeapTable(LeapTable),
    /// The drift file could not be written.
    NoDrift(PathBuf, std::io::Error),
    /// What of the engine is on screen has changed.
    Interest(Interest),
}

/// An engine with all that it needs.
struct Driver<K: Kernel> {
    engine: Engine,
    steered: Steered<K>,
    /// Declared after the clock, so that the lock is given back when the clock has been left alone.
    _permit: Option<Permit>,
    /// Ends a slew when this task hangs.
    guard: Option<Guard>,
    clock: Clock,
    families: Families,
    drift_file: Option<PathBuf>,
    sockets: Sockets,
    port: NtpPort,
    serving: Serving,
    traffic: Traffic,
    /// Port 123 may be opened for peers, and nobody has tried yet.
    may_listen: bool,
    /// Look-ups and files, which take their time. A resolver that hangs is left to itself.
    errands: JoinSet<()>,
    /// Look-ups of names that lines about others name. They go with their configuration.
    look_ups: JoinSet<()>,
    news: Sender<News>,
    notices: Sender<Notice>,
    own: Vec<Interface>,
    snapshots: Snapshots,
    looking: Looking,
    told: Option<(TargetId, Mailbox)>,
    /// When the last snapshot was taken, and whether anything happened since.
    taken: Mono,
    has_news: bool,
    look_at_clock: Mono,
    look_at_addresses: Mono,
    look_at_leaps: Mono,
    leap_file: Option<LeapFile>,
    office: Office,
    configured: Configured,
}

impl<K: Kernel> Driver<K> {
    async fn run(mut self, mut news: Receiver<News>) {
        loop {
            self.keep_house();
            self.drain();
            self.publish();
            let wakeup = self.wakeup();
            tokio::select! {
                Some(news) = news.recv() => {
                    self.take(news);
                    self.has_news = true;
                }
                place = poll_fn(|context| self.port.poll_ready(context)) => {
                    self.serve(place);
                    self.has_news = true;
                }
                () = wake_at(&self.clock, Some(wakeup)) => {
                    let now = self.now();
                    self.traffic.overruns += now.mono.since(wakeup).as_secs();
                    self.engine.handle(&now, Input::Wakeup);
                }
            }
        }
    }

    fn now(&mut self) -> Now {
        self.steered.now(self.clock.mono(), stamp::boot(), &Bracket::read())
    }

    fn wakeup(&self) -> Mono {
        let house = if self.steered.can_be_stepped() {
            self.look_at_clock.min(self.look_at_addresses)
        } else {
            self.look_at_addresses
        };
        let house = self.office.next_count().map_or(house, |count| count.min(house));
        let house = if self.told.is_some() { house.min(self.publish_at()) } else { house };
        self.engine.next_wakeup().map_or(house, |wakeup| wakeup.min(house))
    }

    fn publish_at(&self) -> Mono {
        self.taken + if self.has_news { BETWEEN_SNAPSHOTS } else { OLDEST_SNAPSHOT }
    }

    /// Leaves a snapshot for whoever looks, when it is time.
    fn publish(&mut self) {
        let now = self.now();
        if self.told.is_none() || self.publish_at() > now.mono {
            return;
        }
        (self.taken, self.has_news) = (now.mono, false);
        let daemon = self.snapshot();
        if let Some((target, mailbox)) = &self.told {
            mailbox.daemon(*target, daemon.into());
        }
    }

    /// What is looked at from time to time.
    fn keep_house(&mut self) {
        while self.errands.try_join_next().is_some() {}
        while self.look_ups.try_join_next().is_some() {}
        self.look_up_restricted();
        let now = self.now();
        self.count_statistics(&now);
        if self.look_at_leaps <= now.mono {
            self.look_at_leaps = now.mono + BETWEEN_LEAP_FILES;
            self.look_at_leap_file();
        }
        if self.look_at_addresses <= now.mono {
            self.look_at_addresses = now.mono + BETWEEN_ADDRESSES;
            self.errand(|| own_addresses::list().ok().map(News::OwnAddresses));
        }
        let follows_host = self.engine.has_nothing_but_clocks();
        if let Some(by) = self.steered.follow_system(follows_host, &Bracket::read()) {
            self.engine.handle(&now, Input::ClockStepped { by });
        }
        if self.steered.can_be_stepped() && self.look_at_clock <= now.mono {
            self.look_at_clock = now.mono + BETWEEN_CLOCKS;
            let clock = self.clock;
            let reread = || (clock.mono(), Bracket::read().system);
            let (mono, system) = reread();
            if let Some(by) = self.steered.stepped_by_others(mono, system, reread) {
                let now = self.now();
                self.engine.handle(&now, Input::ClockStepped { by });
            }
            // What a drift file says was learned on this host.
            if self.engine.settings().drift.is_some() || self.engine.report(&now).is_converged {
                self.steered.trust();
            }
            self.renew_guard();
            if let Some(outcome) = self.steered.end_stale_slew(&now) {
                self.tell(Notice::StaleSlew);
                self.engine.handle(&now, Input::Clock(outcome));
            }
        }
    }

    /// Says to the guard that this task lives, and how the clock is to be left if it does not.
    fn renew_guard(&self) {
        if let (Some(guard), Some((in_force, base))) = (&self.guard, self.steered.rates()) {
            guard.renew(in_force, base);
        }
    }

    fn take(&mut self, news: News) {
        match news {
            News::Socket(sockets::News::Arrived(arrival)) => {
                let stamp = self.steered.stamp(arrival.stamp, &arrival.bracket);
                let now = self.now();
                let received = Received {
                    socket: arrival.socket,
                    from: arrival.from,
                    to: arrival.to,
                    stamp,
                    admitted: None,
                    datagram: &arrival.datagram,
                };
                self.engine.handle(&now, Input::Received(received));
            }
            News::Socket(sockets::News::Left(departure)) => self.left(&departure),
            News::Socket(sockets::News::Refused(source)) => {
                if let Some(ticket) = self.sockets.refused(source) {
                    let now = self.now();
                    self.engine.handle(&now, Input::Unsent { ticket });
                }
            }
            News::Resolved(question, addresses) => {
                let now = self.now();
                self.engine.handle(&now, Input::Resolved { question, addresses });
            }
            News::Restricted(named, addresses) => {
                if let Err((line, why)) = self.serving.apply_at(&named, &addresses) {
                    self.tell(Notice::NotFollowed { line, why });
                }
            }
            News::OwnAddresses(interfaces) => {
                if interfaces != self.own {
                    self.sockets.groups().interfaces.clone_from(&interfaces);
                    self.serving.know_interfaces(&interfaces);
                    let now = self.clock.mono();
                    self.traffic.know(&interfaces, self.port.addresses(), now);
                    self.join_groups();
                    let addresses = interfaces.iter().map(|interface| interface.address);
                    let addresses = addresses.collect();
                    self.own = interfaces;
                    let now = self.now();
                    self.engine.handle(&now, Input::OwnAddresses(addresses));
                }
            }
            News::Reload(setup) => self.reload(*setup),
            News::LeapTable(table) => self.take_leap_table(table),
            News::NoDrift(path, source) => self.tell(Notice::Drift { path, source }),
            News::Interest(interest) => self.look_at(interest),
        }
    }

    /// Marks what is sent from now on so.
    fn mark(&mut self, marking: Marking) {
        self.sockets.mark(marking);
        self.port.mark(marking);
    }

    /// Joins the groups that are listened to where that is not done yet.
    fn join_groups(&mut self) {
        let sockets = [true, false].map(|is_ipv4| self.port.wildcard(is_ipv4));
        for failed in self.sockets.groups().join(sockets, self.port.port()) {
            self.not_listening(failed);
        }
    }

    fn left(&mut self, departure: &Departure) {
        if let Some(ticket) = self.sockets.ticket(departure) {
            let stamp = self.steered.stamp(departure.stamp, &departure.bracket);
            let now = self.now();
            self.engine.handle(&now, Input::Sent { ticket, stamp });
        }
    }

    /// Carries out what the engine wants.
    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Send(transmission) => self.send(&transmission),
                Output::Close(ticket) => self.sockets.close(ticket),
                Output::ClosePeer(association) => self.sockets.close_peer(association),
                Output::Resolve(resolution) => self.resolve(resolution),
                Output::Listen { group } => {
                    for failed in self.port.open_all() {
                        self.not_listening(failed);
                    }
                    self.sockets.groups().wanted.extend(group);
                    self.join_groups();
                }
                Output::Source { address, is_there } => {
                    let access = &mut self.serving.server.access;
                    if is_there {
                        access.add_source(address);
                    } else {
                        access.remove_source(address);
                    }
                }
                Output::Clock(command) => {
                    let now = self.now();
                    let outcome = self.steered.command(&now, &command);
                    self.renew_guard();
                    let now = self.now();
                    self.engine.handle(&now, Input::Clock(outcome));
                }
                Output::Event(event) => self.tell_event(event),
                Output::Drift(drift) => self.keep(drift),
                Output::Statistics(record) => self.keep_record(record),
                Output::Fault(what) => self.tell(Notice::Fault(what)),
            }
        }
    }

    fn send(&mut self, transmission: &Transmission) {
        let ticket = transmission.ticket;
        if matches!(transmission.socket, Socket::Peer(_)) && std::mem::take(&mut self.may_listen) {
            // Where it cannot be had, a random port does: the peer answers, but keeps no state.
            for failed in self.port.open_all() {
                self.tell(Notice::Trouble(failed));
            }
        }
        let before = Bracket::read();
        let is_on_port = match transmission.socket {
            Socket::Request(_) => false,
            Socket::Peer(_) => self.port.reaches(transmission.to.ip()),
            Socket::Ntp => true,
        };
        let sent = if is_on_port {
            let address = transmission.to;
            let failed = |source| Failed { operation: sockets::SEND, address, source };
            let is_broadcast = self.engine.associations().any(|association| {
                association.kind == Kind::Broadcaster && association.address == Some(address)
            });
            self.port.send(transmission, is_broadcast, self.sockets.groups()).map_err(failed)
        } else {
            self.sockets.send(transmission)
        };
        match sent {
            Ok(kernel) => {
                self.traffic.transmits += 1;
                let kernel = steered::left_after(kernel, &before);
                let after = if kernel.is_some() { Bracket::read() } else { before };
                let stamp = self.steered.stamp(kernel, &after);
                let now = self.now();
                self.engine.handle(&now, Input::Sent { ticket, stamp });
            }
            Err(failed) => {
                self.traffic.not_sent += 1;
                let now = self.now();
                self.engine.handle(&now, Input::Unsent { ticket });
                // A route that is missing is an everyday matter, and the engine tells of it by
                // reach; that we have no sockets is not.
                if failed.operation != sockets::SEND {
                    self.tell(Notice::Trouble(failed));
                }
            }
        }
    }

    /// What was to be listened to cannot be: it is told, and shown for as long as the engine runs.
    fn not_listening(&mut self, failed: Failed) {
        let now = self.now();
        self.engine.handle(&now, Input::NotListening { why: failed.to_string() });
        self.tell(Notice::Trouble(failed));
    }

    /// Which addresses of a name will do, where its own line may say.
    const fn families_of(&self, family: Option<Family>) -> Families {
        match family {
            Some(Family::Ipv4) => Families::V4,
            Some(Family::Ipv6) => Families::V6,
            None => self.families,
        }
    }

    fn resolve(&mut self, resolution: Resolution) {
        let families = self.families_of(resolution.family);
        let news = self.news.clone();
        self.errands.spawn(async move {
            let found = resolver::addresses(&resolution.host, families).await;
            let news = news.send(News::Resolved(resolution, found.unwrap_or_default())).await;
            // The engine is gone when nobody listens.
            drop(news);
        });
    }

    fn keep(&mut self, drift: Drift) {
        if let Some(path) = self.drift_file.clone() {
            self.errand(move || {
                let source = drift::write(&path, drift).err()?;
                Some(News::NoDrift(path, source))
            });
        }
    }

    /// Does something that may take its time, on another thread.
    fn errand(&mut self, errand: impl FnOnce() -> Option<News> + Send + 'static) {
        let news = self.news.clone();
        self.errands.spawn(async move {
            if let Ok(Some(result)) = spawn_blocking(errand).await {
                // The engine is gone when nobody listens.
                drop(news.send(result).await);
            }
        });
    }

    fn tell_event(&self, event: Event) {
        let association = notice::association(&event).and_then(|id| self.engine.association(id));
        let source = association.map(|association| Source {
            host: association.origin.host.to_string().into(),
            address: association.address,
        });
        self.tell(Notice::Event { event, source });
    }

    fn tell(&self, notice: Notice) {
        // Nobody has fetched the ones before: this one is lost, as `Running` says.
        drop(self.notices.try_send(notice));
    }
}

/// How often this host's addresses are asked for.
const BETWEEN_ADDRESSES: Duration = Duration::from_secs(60);

/// How often the leap-seconds file is read: as often as ntpd does.
const BETWEEN_LEAP_FILES: Duration = Duration::from_secs(86_400);

/// How often the system's clock is looked at for steps of others, when we steer it.
const BETWEEN_CLOCKS: Duration = Duration::from_secs(1);

/// How often what is shown is taken anew when something happened.
const BETWEEN_SNAPSHOTS: Duration = Duration::from_millis(200);

/// How often at least: offsets and error bounds move by themselves.
const OLDEST_SNAPSHOT: Duration = Duration::from_secs(1);

/// Notices that may wait to be fetched.
const NOTICES: usize = 256;

/// Datagrams and answers that may wait for the engine.
const NEWS: usize = 256;

#[cfg(test)]
mod tests;
