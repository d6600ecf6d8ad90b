//! The network as a backend: a task for each daemon that is watched.

use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::watch::{Sender, channel};
use tokio::task::{JoinSet, spawn_blocking};

use crate::backend::change::Signing;
use crate::backend::{Backend, Measure, Request, TargetId, Update};
use crate::config::engine::EngineSetup;
use crate::config::files::Files;
use crate::config::ntp_conf::include::Found;
use crate::config::target::TargetSpec;
use crate::model::{Contact, Daemon, Interest};
use crate::net::change::{Changes, Place, Readers};
use crate::net::clock::Clock;
use crate::net::daemon::{Orders, Watched};
use crate::net::discipline::Permit;
use crate::net::engine::{self, Setup};
use crate::net::left;
use crate::net::mailbox::Mailbox;
use crate::net::offer;
use crate::net::resolver::{self, Families};

/// The daemons that are watched. Dropping it ends its tasks; a resolver that hangs is left to
/// itself.
#[derive(Debug)]
pub struct Network {
    mailbox: Mailbox,
    orders: Vec<Sender<Orders>>,
    tasks: JoinSet<()>,
    /// The engine in this process, once it was told to measure.
    own: JoinSet<()>,
    /// What of it is on screen.
    own_interest: Sender<Interest>,
    names: resolver::Asked,
    clock: Clock,
    families: Families,
    /// How each daemon is asked, and the changes of them that are under way.
    specs: Arc<[TargetSpec]>,
    /// What changes of them take from files, and who reads those.
    files: Vec<Files>,
    readers: Option<Readers>,
    changes: Changes,
    /// The right to steer the system's clock, until the engine that is to do so takes it.
    permit: Option<Permit>,
}

impl Network {
    /// Starts to watch `specs`, which become the targets 0, 1, … in their order. Must be called
    /// within the runtime.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn start(specs: &[TargetSpec], families: Families, clock: Clock) -> std::io::Result<Self> {
        let mut network = Self {
            mailbox: Mailbox::default(),
            orders: Vec::with_capacity(specs.len()),
            tasks: JoinSet::new(),
            own: JoinSet::new(),
            own_interest: channel(Interest::default()).0,
            clock,
            families,
            names: resolver::Asked::default(),
            specs: specs.into(),
            files: Vec::new(),
            readers: None,
            changes: Changes::default(),
            permit: None,
        };
        for (place, spec) in (0..).zip(specs) {
            let watched = Watched {
                target: TargetId::new(place),
                spec: spec.clone(),
                families,
                clock,
                mailbox: network.mailbox.clone(),
                seed: crate::net::random::seed()?,
            };
            let (sender, receiver) = channel(Orders::default());
            network.orders.push(sender);
            network.tasks.spawn(watched.run(receiver));
        }
        Ok(network)
    }

    /// Whether a first picture of `target` is complete, or none is to be had, as of the newest
    /// snapshot or one before. For those who look once.
    pub fn is_settled(&self, target: TargetId) -> bool {
        self.mailbox.is_settled(target)
    }

    /// Lets the next engine that is asked to discipline steer the system's clock.
    pub fn permit(&mut self, permit: Permit) {
        self.permit = Some(permit);
    }

    /// Offers to measure in this process, once this host's configuration has been read, by `found`.
    /// Must be called within the runtime.
    pub fn offer(&self, found: fn(&Path) -> Result<Found, String>) {
        let mailbox = self.mailbox.clone();
        // Nobody waits for it: it leaves its news and ends by itself within milliseconds.
        drop(spawn_blocking(move || mailbox.offer(offer::look(found).into())));
    }

    /// Lets changes of the daemons take from files what `files` say, in the order of the daemons.
    pub fn files(&mut self, files: Vec<Files>, readers: Readers) {
        self.files = files;
        self.readers = Some(readers);
    }

    fn files_of(&self, target: TargetId) -> Files {
        self.files.get(usize::from(target.place())).cloned().unwrap_or_default()
    }

    /// Reads the file of keys that was named for a daemon.
    fn read_keys(&self, target: TargetId) {
        let (Some(file), Some(readers)) = (self.files_of(target).keys, self.readers) else {
            return;
        };
        let mailbox = self.mailbox.clone();
        // Nobody waits for it: a descriptor may take its time, and the screens go on.
        drop(spawn_blocking(move || {
            let keys = (readers.keys)(&file);
            let keys = keys.map(|keys| keys.into_iter().map(Signing::with).collect());
            mailbox.keys(target, keys.map_err(|why| why.to_string().into()));
        }));
    }

    /// Tells of the changes that programs left behind which died.
    pub fn tell_left(&self) {
        self.mailbox.left(left::look(&self.specs), None);
    }

    /// Starts the engine in this process, in place of one that runs: a system's clock that it
    /// steered is left at its base frequency.
    fn measure(&mut self, measure: &Measure) {
        self.own.abort_all();
        let given = EngineSetup::clone(&measure.setup);
        // Whoever only looks steers no clock of the system's, and writes no file.
        let permit = self.permit.take().filter(|_| given.discipline);
        let drift_file = given.drift_file.filter(|_| permit.is_some());
        let setup = Setup {
            engine: EngineSetup { discipline: permit.is_some(), drift_file, ..given },
            clock: self.clock,
            families: self.families,
            permit,
            told: Some((TargetId::OWN, self.mailbox.clone())),
        };
        let (mailbox, clock) = (self.mailbox.clone(), self.clock);
        let mut looked_at = self.own_interest.subscribe();
        looked_at.mark_changed();
        self.own.spawn(async move {
            let (why, last) = match engine::start(setup) {
                Ok(mut running) => {
                    // What it has to say is in its snapshots; the notices are for those without.
                    loop {
                        tokio::select! {
                            notice = running.notice() => {
                                if notice.is_none() {
                                    break;
                                }
                            }
                            Ok(()) = looked_at.changed() => {
                                let interest = looked_at.borrow_and_update().clone();
                                running.look_at(interest).await;
                            }
                        }
                    }
                    ("an error in the engine ended it".to_owned(), Some(clock.mono()))
                }
                Err(failed) => (failed.to_string(), None),
            };
            let contact = Contact::Ended { why: why.into(), last };
            mailbox.daemon(TargetId::OWN, Daemon { contact, ..Daemon::default() }.into());
        });
    }

    fn order(&self, target: TargetId, change: impl FnOnce(&mut Orders)) {
        if let Some(orders) = self.orders.get(usize::from(target.place())) {
            orders.send_modify(change);
        }
    }
}

impl Backend for Network {
    fn request(&mut self, request: Request) {
        match request {
            Request::Interest { target: TargetId::OWN, interest } => {
                self.own_interest.send_replace(interest);
            }
            Request::Interest { target, interest } => {
                self.order(target, |orders| orders.interest = interest);
            }
            Request::Key { target, signing } => {
                self.order(target, |orders| orders.signing = signing);
            }
            Request::Keys { target } => self.read_keys(target),
            Request::Refresh { target } => self.order(target, |orders| orders.refreshes += 1),
            Request::Way { target, way } => self.order(target, |orders| orders.choose(way)),
            Request::Name(address) => {
                if self.names.first(address) {
                    let mailbox = self.mailbox.clone();
                    resolver::name_to(address, move |name| mailbox.name(address, name));
                }
            }
            Request::Measure(measure) => self.measure(&measure),
            Request::Change { target, order } => {
                if let Some(spec) = self.specs.get(usize::from(target.place())) {
                    let place = Place {
                        target,
                        spec: spec.clone(),
                        specs: Arc::clone(&self.specs),
                        files: self.files_of(target),
                        readers: self.readers,
                        families: self.families,
                        clock: self.clock,
                        mailbox: self.mailbox.clone(),
                    };
                    self.changes.order(place, order);
                }
            }
            // This world is real, and consoles are `net::consoles`'.
            Request::Pace(_) | Request::Incident(_) | Request::Console { .. } => {}
        }
        while self.tasks.try_join_next().is_some() {}
    }

    fn poll_update(&mut self, context: &mut Context<'_>) -> Poll<Update> {
        self.mailbox.poll(context)
    }
}
