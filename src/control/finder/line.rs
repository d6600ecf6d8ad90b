//! One way to a target: a watcher of its protocol, awake or asleep.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::control::chrony::{self, Transport};
use crate::control::pipeline::Settings;
use crate::control::timing::Timing;
use crate::control::watcher::{self, Input, Output};
use crate::model::{Contact, Daemon, Interest};
use crate::units::{Mono, Now};
use crate::wire::mac::Key;

/// A protocol and what carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Control messages (mode 6) over UDP.
    ControlMessages,
    /// chronyd's own protocol.
    Chronyd(Transport),
}

impl Kind {
    /// Which of several that answer at once is used: the least. A Unix socket tells all; control
    /// messages tell more than what chronyd gives over UDP.
    pub(super) const fn preference(self) -> u8 {
        match self {
            Self::Chronyd(Transport::Unix) => 0,
            Self::ControlMessages => 1,
            Self::Chronyd(Transport::Udp) => 2,
        }
    }

    /// Whether both speak one protocol, so that both reach the same daemon.
    pub(super) const fn is_alike(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::ControlMessages, Self::ControlMessages) | (Self::Chronyd(_), Self::Chronyd(_))
        )
    }

    /// Whether nothing is to be expected on it of most hosts.
    pub(super) const fn is_bare(self) -> bool {
        matches!(self, Self::Chronyd(Transport::Udp))
    }

    /// What it is called, to stand in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ControlMessages => "NTP control messages (mode 6)",
            Self::Chronyd(Transport::Udp) => "chronyd's protocol over UDP",
            Self::Chronyd(Transport::Unix) => "chronyd's protocol over its Unix socket",
        }
    }
}

/// What asks on a line: see [`watcher`] for the shape.
pub trait Watch {
    /// Watches whoever answers on a line of this kind, once it has a place.
    fn open(kind: Kind, seed: [u8; 32]) -> Self;
    /// Takes in what happened.
    fn handle(&mut self, now: Now, input: Input<'_>);
    /// The next thing to do.
    fn poll_output(&mut self) -> Option<Output>;
    /// When to wake it at the latest.
    fn next_wakeup(&self) -> Option<Mono>;
    /// Whether a first picture is complete, or none is to be had.
    fn is_settled(&self) -> bool;
}

/// Whatever speaks the protocol of a line.
#[derive(Clone, Debug)]
pub enum Watcher {
    /// Control messages.
    ControlMessages(Box<watcher::Watcher>),
    /// chronyd's own protocol.
    Chronyd(Box<chrony::Watcher>),
}

impl Watch for Watcher {
    fn open(kind: Kind, seed: [u8; 32]) -> Self {
        match kind {
            Kind::ControlMessages => {
                let settings = Settings::new(Timing::live(), seed);
                Self::ControlMessages(Box::new(watcher::Watcher::new(settings)))
            }
            Kind::Chronyd(transport) => {
                Self::Chronyd(Box::new(chrony::Watcher::new(transport, seed)))
            }
        }
    }

    fn handle(&mut self, now: Now, input: Input<'_>) {
        match self {
            Self::ControlMessages(watcher) => watcher.handle(now, input),
            Self::Chronyd(watcher) => watcher.handle(now, input),
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        match self {
            Self::ControlMessages(watcher) => watcher.poll_output(),
            Self::Chronyd(watcher) => watcher.poll_output(),
        }
    }

    fn next_wakeup(&self) -> Option<Mono> {
        match self {
            Self::ControlMessages(watcher) => watcher.next_wakeup(),
            Self::Chronyd(watcher) => watcher.next_wakeup(),
        }
    }

    fn is_settled(&self) -> bool {
        match self {
            Self::ControlMessages(watcher) => watcher.is_settled(),
            Self::Chronyd(watcher) => watcher.is_settled(),
        }
    }
}

/// Where a line leads, as far as is known.
#[derive(Clone, Debug, Default)]
enum Place {
    /// Its name is being looked up.
    #[default]
    Unknown,
    Address(SocketAddr),
    Connected,
    Nowhere(Box<str>),
}

/// One way to a target.
#[derive(Clone, Debug)]
pub(super) struct Line<W> {
    pub(super) kind: Kind,
    /// Nobody while it sleeps: whoever wakes has forgotten what was under way.
    watcher: Option<W>,
    place: Place,
    /// When asking began, since it was woken last.
    pub(super) asked: Mono,
    /// What was last known on it.
    pub(super) daemon: Arc<Daemon>,
    /// Whether anybody ever answered here.
    pub(super) has_answered: bool,
    /// Whether somebody answered when it was last asked.
    pub(super) answers: bool,
}

impl<W: Watch> Line<W> {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            watcher: None,
            place: Place::default(),
            asked: Mono::default(),
            daemon: Arc::default(),
            has_answered: false,
            answers: false,
        }
    }

    pub(super) const fn is_awake(&self) -> bool {
        self.watcher.is_some()
    }

    /// Whether it was asked and there has been time for no answer yet.
    pub(super) fn is_asking(&self) -> bool {
        self.is_awake() && matches!(self.daemon.contact, Contact::Asking { .. })
    }

    /// Whether it leads nowhere yet.
    pub(super) fn is_resolving(&self) -> bool {
        self.is_awake() && self.daemon.contact == Contact::Resolving
    }

    /// Whether nothing is known of who answers on it yet.
    pub(super) fn is_open(&self) -> bool {
        self.is_asking() || self.is_resolving()
    }

    /// Whether somebody answers now.
    pub(super) fn is_answering(&self) -> bool {
        self.is_awake() && self.daemon.contact.is_fresh()
    }

    /// Whether it is known that nobody answers, or not as it should.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.is_awake() && !self.is_open() && !self.daemon.contact.is_fresh()
    }

    /// When it has been asked for long enough, where another line answers.
    pub(super) fn rests_at(&self) -> Mono {
        self.asked + FIRST_SECONDS
    }

    /// Whether there is nothing to wait for on it.
    pub(super) fn is_settled(&self) -> bool {
        self.watcher.as_ref().is_none_or(Watch::is_settled)
    }

    /// Asks from now on; a line that is awake goes on as it was.
    pub(super) fn wake(
        &mut self,
        now: Now,
        seed: [u8; 32],
        interest: &Interest,
        key: Option<&Key>,
    ) {
        if self.is_awake() {
            return;
        }
        let mut watcher = W::open(self.kind, seed);
        watcher.handle(now, Input::Interest(interest.clone()));
        if let Some(key) = key {
            watcher.handle(now, Input::Key(Some(key.clone())));
        }
        match &self.place {
            Place::Unknown => {}
            Place::Address(address) => watcher.handle(now, Input::Address(*address)),
            Place::Connected => watcher.handle(now, Input::Connected),
            Place::Nowhere(why) => watcher.handle(now, Input::NoAddress(why.clone())),
        }
        self.daemon = Arc::default();
        self.asked = now.mono;
        self.watcher = Some(watcher);
    }

    /// Asks nothing more.
    pub(super) fn sleep(&mut self) {
        self.watcher = None;
    }

    /// Takes in what happened on it. A line that sleeps only learns where it leads.
    pub(super) fn handle(&mut self, now: Now, input: Input<'_>) {
        match &input {
            Input::Address(address) => {
                self.place = Place::Address(*address);
                self.asked = now.mono;
            }
            Input::Connected => {
                self.place = Place::Connected;
                self.asked = now.mono;
            }
            Input::NoAddress(why) => self.place = Place::Nowhere(why.clone()),
            _ => {}
        }
        if let Some(watcher) = &mut self.watcher {
            watcher.handle(now, input);
        }
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.watcher.as_mut()?.poll_output()
    }

    pub(super) fn next_wakeup(&self) -> Option<Mono> {
        self.watcher.as_ref()?.next_wakeup()
    }

    /// Takes in a snapshot of its watcher's.
    pub(super) fn learn(&mut self, daemon: Arc<Daemon>) {
        if daemon.contact.is_fresh() {
            self.has_answered = true;
            self.answers = true;
        } else if !matches!(daemon.contact, Contact::Asking { .. } | Contact::Resolving) {
            self.answers = false;
        }
        self.daemon = daemon;
    }
}

/// How long nobody needs to answer before asking is given up, where somebody answers otherwise.
const FIRST_SECONDS: Duration = Duration::from_secs(4);
