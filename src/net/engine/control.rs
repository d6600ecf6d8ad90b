//! Control messages to a running engine: who asks, from what it is answered, and what is changed.
//!
//! Requests are put aside while time is served and answered when the batch is through: a client's
//! time does not wait for somebody who only looks.

use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::system::kernel::Kernel;
use crate::config::ntp_conf::Directive;
use crate::config::ntp_conf::control::SetVariable;
use crate::config::ntp_conf::printer::Written;
use crate::config::restrict::Flags;
use crate::control::responder::books::{Books, Client, Extra, Interface, Restriction, Visit};
use crate::control::responder::{Admitted, Asker, Responder, What};
use crate::engine::Engine;
use crate::engine::access::{AccessList, Origin};
use crate::engine::mru::Record;
use crate::engine::server::Server;
use crate::engine::snapshot;
use crate::model::clock_loop::Steers;
use crate::model::daemon::Daemon;
use crate::net::batch::Arrived;
use crate::net::engine::interfaces::Listening;
use crate::net::engine::serving::Serving;
use crate::net::engine::traffic::Traffic;
use crate::net::engine::{Driver, surroundings};
use crate::net::stamp::{self, Bracket};
use crate::units::{KeyId, Mono, Now};
use crate::wire::mac::Key;

/// What control messages are answered from, beside the engine.
#[derive(Debug)]
pub(super) struct Control {
    responder: Responder,
    /// The key that changes must be signed with (`controlkey`).
    pub(super) key: Option<KeyId>,
    /// Variables that the configuration adds (`setvar`).
    pub(super) variables: Vec<SetVariable>,
    /// Where configurations may be saved (`saveconfigdir`).
    pub(super) save_folder: Option<PathBuf>,
    /// The configuration as it is followed.
    pub(super) text: Written,
    waiting: Vec<Question>,
    /// The last picture, with when it was taken.
    picture: Option<(Mono, Arc<Daemon>)>,
}

/// A request that waits for the batch to be through.
#[derive(Debug)]
struct Question {
    asker: Asker,
    to: Option<IpAddr>,
    datagram: Vec<u8>,
}

impl Control {
    /// Nobody may change anything yet. `seed` must not be guessed.
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self {
            responder: Responder::new(seed),
            key: None,
            variables: Vec::new(),
            save_folder: None,
            text: Written::default(),
            waiting: Vec::new(),
            picture: None,
        }
    }

    /// Follows a directive about control messages; whether it is one.
    pub(super) fn apply(&mut self, directive: &Directive) -> bool {
        match directive {
            Directive::ControlKey(key) => self.key = Some(*key),
            Directive::SaveConfigDir(folder) => self.save_folder = Some(folder.clone()),
            Directive::SetVariable(variable) => {
                self.variables.retain(|known| known.name != variable.name);
                self.variables.push(variable.clone());
            }
            _ => return false,
        }
        true
    }

    /// Has all as it is before anything is configured.
    pub(super) fn forget_settings(&mut self) {
        (self.key, self.save_folder) = (None, None);
        self.variables.clear();
    }

    /// Puts a request aside.
    pub(super) fn hear(&mut self, arrived: &Arrived<'_>, flags: Flags, access: &AccessList) {
        let from = arrived.from;
        let admitted = admitted(access, from);
        let asker = Asker { from, flags, admitted };
        let datagram = arrived.datagram.to_vec();
        self.waiting.push(Question { asker, to: arrived.to, datagram });
    }

    /// Control messages that came.
    pub(super) const fn received(&self) -> u64 {
        self.responder.counters().received
    }
}

/// What lets somebody in.
fn admitted(access: &AccessList, from: SocketAddr) -> Admitted {
    let entry = access.find(from.ip().to_canonical(), from.port());
    match entry.map(|entry| (entry.origin, entry.selector.mask().is_unspecified())) {
        Some((Origin::Configured { .. }, false)) => Admitted::ByName,
        // Whom we ask has a line of his own only by our asking.
        Some((Origin::Configured { .. }, true) | (Origin::Source, _)) => Admitted::ByDefault,
        Some((Origin::BuiltIn, _)) | None => Admitted::ByNobody,
    }
}

impl<K: Kernel> Driver<K> {
    /// Answers the requests that were put aside, by the socket at this place.
    pub(super) fn answer_control(&mut self, place: usize) {
        let mut replies = Vec::new();
        for question in std::mem::take(&mut self.serving.control.waiting) {
            let now = self.now();
            let daemon = self.picture(&now);
            replies.clear();
            let Question { asker, datagram, .. } = &question;
            let change = self.with_books(&now, |responder, books| {
                responder.handle(&now, asker, datagram, &daemon, books, &mut replies)
            });
            if let Some(change) = change {
                let text = match &change.what {
                    What::Configure(text) => Some(self.configure(text)),
                    What::SaveConfig(name) => Some(self.save_configuration(name)),
                    What::ForgetEvents(association) => {
                        self.engine.forget_events(*association);
                        None
                    }
                };
                self.serving.control.picture = None;
                if let Some(text) = text {
                    self.with_books(&now, |responder, books| {
                        responder.finish(&change, &text, books, &mut replies);
                    });
                }
            }
            for reply in &replies {
                let sent = self.port.answer(place, reply, question.asker.from, question.to);
                self.traffic.replied(question.to, sent.is_ok());
            }
        }
    }

    /// Has the responder do something for which it needs the keys and lists.
    pub(super) fn with_books<T>(
        &mut self,
        now: &Now,
        answer: impl FnOnce(&mut Responder, &dyn Books) -> T,
    ) -> T {
        let open: Vec<_> = self.port.addresses().collect();
        let Self { engine, serving, traffic, .. } = self;
        let Serving { server, control, listening, .. } = serving;
        let Control { responder, key, variables, .. } = control;
        let (control_key, now) = (*key, now.mono);
        let books = Records {
            engine,
            server,
            traffic,
            open: &open,
            listening,
            control_key,
            variables,
            now,
        };
        answer(responder, &books)
    }

    /// The engine as it is, or was a moment ago.
    fn picture(&mut self, now: &Now) -> Arc<Daemon> {
        if let Some((taken, daemon)) = &self.serving.control.picture
            && now.mono.since(*taken) < OLDEST_PICTURE
        {
            return Arc::clone(daemon);
        }
        let daemon = Arc::new(self.snapshot());
        self.serving.control.picture = Some((now.mono, Arc::clone(&daemon)));
        daemon
    }

    /// The engine as it is, with all that only its driver knows.
    pub(super) fn snapshot(&mut self) -> Daemon {
        let bracket = Bracket::read();
        let now = self.steered.now(self.clock.mono(), stamp::boot(), &bracket);
        let which = if self.steered.is_system() { Steers::System } else { Steers::Virtual };
        let ahead_of_system = Some(self.steered.ahead_of_system(&bracket));
        let seen = snapshot::Steered { which, ahead_of_system };
        let mut around = snapshot::of_server(&self.serving.server, &self.engine, &now);
        around.merge(surroundings::values(&self.traffic, &self.engine, &self.serving.server));
        surroundings::add_control(&mut around, &self.serving.control);
        self.snapshots.surround(around, surroundings::since_reset(&self.traffic, now.mono));
        self.list(&now);
        self.list_clients(&now);
        self.snapshots.take(&self.engine, &now, seen)
    }
}

/// The keys and lists of an engine that runs.
struct Records<'a> {
    engine: &'a Engine,
    server: &'a Server,
    traffic: &'a Traffic,
    open: &'a [SocketAddr],
    listening: &'a Listening,
    control_key: Option<KeyId>,
    variables: &'a [SetVariable],
    now: Mono,
}

impl Records<'_> {
    fn row(&self, record: &Record) -> Client {
        let age_s = self.now.since(record.seen).as_secs();
        let left_s = u64::from(record.bucket.seconds()).saturating_sub(age_s);
        let average_s = f64::from(1_u32 << self.server.headway.average.min(30));
        Client {
            address: SocketAddr::new(record.address, record.port),
            local: Some(record.local),
            first: record.first,
            last: record.last,
            count: record.count,
            dropped: record.dropped,
            score: f64::from(u32::try_from(left_s).unwrap_or(u32::MAX)) / average_s,
            mode: record.mode,
            version: record.version,
            flags: record.flags,
        }
    }
}

impl Books for Records<'_> {
    fn key(&self, id: u32) -> Option<&Key> {
        self.server.key(id)
    }

    fn control_key(&self) -> Option<u32> {
        self.control_key.map(KeyId::get)
    }

    fn variables(&self, visit: &mut Visit<'_, Extra>) {
        for variable in self.variables {
            let SetVariable { name, value, is_default } = variable.clone();
            if visit(Extra { name, value, is_default }).is_break() {
                return;
            }
        }
    }

    fn client(&self, address: IpAddr) -> Option<Client> {
        self.server.monitor.find(address).map(|record| self.row(record))
    }

    fn clients(&self, after: Option<IpAddr>, visit: &mut Visit<'_, Client>) {
        let mut show = |record: &Record| visit(self.row(record));
        let _: ControlFlow<()> = match after {
            Some(after) => self.server.monitor.newer_than(after).try_for_each(&mut show),
            None => self.server.monitor.oldest_first().try_for_each(&mut show),
        };
    }

    fn restrictions(&self, visit: &mut Visit<'_, Restriction>) {
        for entry in self.server.access.entries() {
            let row = Restriction {
                selector: entry.selector,
                flags: entry.flags,
                is_source: entry.origin == Origin::Source,
                hits: entry.hits,
            };
            if visit(row).is_break() {
                return;
            }
        }
    }

    fn interfaces(&self, visit: &mut Visit<'_, Interface>) {
        for row in self.traffic.rows(self.engine, self.open, self.listening, self.now) {
            if visit(row).is_break() {
                return;
            }
        }
    }
}

/// Who asks much gets the same picture for so long.
const OLDEST_PICTURE: Duration = Duration::from_millis(50);
