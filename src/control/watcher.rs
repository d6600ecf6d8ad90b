//! What to ask a daemon next and when, from what is on screen and what was answered.
//!
//! The list of associations is asked again and again; its status words tell which associations
//! changed. Everything else is asked when it is new, when it changed or will have changed
//! (`cadence`), when somebody looks at it, and most urgent first (`agenda`), within what the
//! [`pipeline`] lets through. A daemon that does not answer is asked
//! for its list only, ever more seldom, until it does. Nothing is ever given up for good.
//!
//! A driver makes a watcher for each daemon, tells it the address once there is one, and then:
//!
//! ```
//! use ntpscope::control::pipeline::Settings;
//! use ntpscope::control::timing::Timing;
//! use ntpscope::control::watcher::{Input, Output, Watcher};
//! use ntpscope::units::Now;
//!
//! let mut watcher = Watcher::new(Settings::new(Timing::live(), [0; 32]));
//! let now = Now::default(); // from the clocks, anew for each input
//! watcher.handle(now, Input::Address("192.0.2.1:123".parse()?));
//! while let Some(output) = watcher.poll_output() {
//!     match output {
//!         Output::Send(datagram) => assert_eq!(datagram.len() % 4, 0), // to that address
//!         Output::Snapshot(_daemon) => {}                              // to whoever draws
//!         _ => {}
//!     }
//! }
//! // Wait for a datagram, or at most until then, and go on with Datagram or Wakeup.
//! assert!(watcher.next_wakeup().is_some());
//! # Ok::<(), std::net::AddrParseError>(())
//! ```

mod agenda;
mod answers;
mod cadence;
mod picture;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use agenda::{Agenda, Purpose};
use cadence::Circumstances;
use picture::Picture;

use crate::control::conversation::{self, Conversation, Phase};
use crate::control::pipeline::{self, Pipeline, Settings, Tally, Ticket};
use crate::model::daemon::Detail;
use crate::model::question::Unreachable;
use crate::model::vars::{self, lists};
use crate::model::{Absent, Contact, Daemon, Interest, Question, Variable};
use crate::units::{AssocId, Mono, Now};
use crate::wire::mac::Key;
use crate::wire::mode6::{INTERFACE_LIST, RESTRICTION_LIST};

/// Watches one daemon.
#[derive(Clone, Debug)]
pub struct Watcher {
    pipeline: Pipeline,
    conversation: Conversation,
    picture: Picture,
    agenda: Agenda,
    asked: BTreeMap<Ticket, Asked>,
    interest: Interest,
    address: Option<SocketAddr>,
    /// What this daemon has shown not to understand.
    quirks: Quirks,
    /// Whether the daemon limited us when that was last looked at.
    limited: bool,
    sends: VecDeque<Vec<u8>>,
    changed: bool,
    wakeup: Option<Mono>,
}

/// A question that is under way.
#[derive(Clone, Debug)]
struct Asked {
    purpose: Purpose,
    at: Mono,
    /// The variables asked for by name; none for the daemon's own choice.
    names: Vec<&'static Variable>,
}

/// What a daemon has shown not to understand.
#[derive(Clone, Copy, Debug, Default)]
struct Quirks {
    /// It does not know one of a row's names, and is asked for its own choice.
    rows_by_default: bool,
    /// Likewise for the scalars among the details.
    scalars_by_default: bool,
    /// Likewise for the counters.
    counters_by_default: bool,
}

/// What happens to a watcher.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// The daemon's address is known, or known to be the same or another one. What is sent goes
    /// there from now on.
    Address(SocketAddr),
    /// There is a socket of this host's to the daemon, so that it needs no address.
    Connected,
    /// The daemon's name has no address; the text says why.
    NoAddress(Box<str>),
    /// A datagram from the daemon's address and port.
    Datagram(&'a [u8]),
    /// The network says that a datagram did not get there.
    Unreachable(Unreachable),
    /// What is on screen has changed.
    Interest(Interest),
    /// Questions that need it are signed with this key from now on; `None` to ask them no more.
    Key(Option<Key>),
    /// Somebody wants everything on screen asked anew.
    Refresh,
    /// Time has passed.
    Wakeup,
}

/// What a watcher wants.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Output {
    /// Send this datagram to the daemon.
    Send(Vec<u8>),
    /// This is what is now known of the daemon.
    Snapshot(Arc<Daemon>),
}

impl Watcher {
    /// Watches a daemon whose address is not known yet; it is on screen until an interest says
    /// otherwise.
    pub fn new(settings: Settings) -> Self {
        Self {
            pipeline: Pipeline::new(settings),
            conversation: Conversation::new(),
            picture: Picture::default(),
            agenda: Agenda::default(),
            asked: BTreeMap::new(),
            interest: Interest { visible: true, ..Interest::default() },
            address: None,
            quirks: Quirks::default(),
            limited: false,
            sends: VecDeque::new(),
            changed: false,
            wakeup: None,
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        match input {
            Input::Address(address) => self.begin(now, address),
            // Mode 6 goes over UDP alone.
            Input::Connected => {}
            Input::NoAddress(why) => {
                self.withdraw_all(now);
                self.conversation.no_address(why);
                self.changed = true;
            }
            Input::Datagram(bytes) => self.pipeline.handle(now, pipeline::Input::Datagram(bytes)),
            Input::Unreachable(why) => {
                self.pipeline.handle(now, pipeline::Input::Unreachable(why));
                self.conversation.unreachable(now.mono, why);
                self.changed = true;
            }
            Input::Interest(interest) => self.look_at(now, interest),
            Input::Key(key) => self.take_key(now, key),
            Input::Refresh => self.agenda.refresh(now.mono, REFRESH_LEAST),
            Input::Wakeup => self.pipeline.handle(now, pipeline::Input::Wakeup),
        }
        self.settle(now);
    }

    /// The next thing to do; to be called until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(datagram) = self.sends.pop_front() {
            return Some(Output::Send(datagram));
        }
        if !self.changed {
            return None;
        }
        self.changed = false;
        Some(Output::Snapshot(self.picture.snapshot(self.conversation.contact())))
    }

    /// When to call [`Watcher::handle`] at the latest; `None` while there is nothing to wait for.
    pub const fn next_wakeup(&self) -> Option<Mono> {
        self.wakeup
    }

    /// Whether a first picture is complete: everything that was to be asked has been answered or
    /// given up, or the daemon does not answer at all. For those who want one look only.
    pub fn is_settled(&self) -> bool {
        match self.conversation.phase() {
            Phase::Away => matches!(self.conversation.contact(), Contact::NoAddress { .. }),
            Phase::Asking => false,
            Phase::Lost => true,
            Phase::Talking => self.agenda.is_settled() && self.picture.has_all_rows(),
        }
    }

    /// What came and went so far.
    pub const fn tally(&self) -> Tally {
        self.pipeline.tally()
    }

    /// Questions under way.
    pub fn in_flight(&self) -> usize {
        self.pipeline.in_flight()
    }

    /// There is an address. Another one than before means another daemon.
    fn begin(&mut self, now: Now, address: SocketAddr) {
        if self.address == Some(address) && self.conversation.phase() != Phase::Away {
            return;
        }
        self.withdraw_all(now);
        if self.address.replace(address).is_some_and(|old| old != address) {
            self.picture = Picture::default();
            self.agenda = Agenda::default();
            self.agenda.look_at(&self.interest);
            self.quirks = Quirks::default();
            self.pipeline.forget_daemon();
        }
        self.conversation.begin(now.mono);
        for purpose in [Purpose::List, Purpose::Version, Purpose::System] {
            self.agenda.want(now.mono, purpose);
        }
        self.changed = true;
    }

    fn look_at(&mut self, now: Now, interest: Interest) {
        if let Some(old) =
            self.interest.details.filter(|_| self.interest.details != interest.details)
        {
            for ticket in self.agenda.remove_details(old) {
                self.withdraw(now, ticket);
            }
        }
        let comes_in_sight = interest.visible && !self.interest.visible;
        self.interest = interest;
        self.agenda.look_at(&self.interest);
        if comes_in_sight && self.conversation.phase() == Phase::Lost {
            // The probe that is under way would be waited for as long as when nobody looked.
            self.withdraw_all(now);
            self.plan_probe(now.mono);
            return;
        }
        if let Some(id) = self.interest.details {
            self.want_details(now.mono, id);
        }
        self.want_statistics(now.mono);
        let period = cadence::list_period(self.circumstances());
        let list = self.agenda.item(Purpose::List);
        if let (Some(due), Some(asked), Phase::Talking) =
            (list.due, list.asked, self.conversation.phase())
        {
            list.due = Some(due.min(asked + period));
        }
    }

    /// Asks for the details of an association, unless they are newer than its row.
    fn want_details(&mut self, now: Mono, id: AssocId) {
        let Some(peer) = self.picture.peer(id) else { return };
        let row = peer.row.dated().map(|dated| dated.answered);
        let is_clock = self.picture.is_reference_clock(id);
        for which in Detail::ALL {
            let known = peer.detail(which).dated().map(|dated| dated.answered);
            let wanted = which != Detail::Clock || is_clock;
            if wanted && (known.is_none() || known < row) {
                self.agenda.want(now, Purpose::Detail(id, which));
            }
        }
    }

    /// What needs a key is asked with this one, as if it had not been asked before.
    fn take_key(&mut self, now: Now, key: Option<Key>) {
        for purpose in [Purpose::Interfaces, Purpose::Restrictions] {
            let item = std::mem::take(self.agenda.item(purpose));
            if let Some(ticket) = item.ticket {
                self.withdraw(now, ticket);
            }
        }
        self.pipeline.set_key(key);
        if let Some(dialect) = self.picture.dialect() {
            self.pipeline.set_dialect(dialect);
        }
        self.want_statistics(now.mono);
    }

    /// Has what the daemon counts asked from now on, if somebody looks at it; what was asked before
    /// goes on in its own time.
    fn want_statistics(&mut self, now: Mono) {
        if !self.interest.statistics {
            return;
        }
        for purpose in Purpose::STATISTICS {
            let item = self.agenda.item(purpose);
            let is_new = item.due.is_none() && item.ticket.is_none() && item.asked.is_none();
            if is_new {
                self.agenda.want(now, purpose);
            }
        }
    }

    /// Brings everything up to `now`.
    fn settle(&mut self, now: Now) {
        loop {
            while let Some(output) = self.pipeline.poll_output() {
                match output {
                    pipeline::Output::Send(datagram) => self.sends.push_back(datagram),
                    pipeline::Output::Answer(answer) => self.take_answer(now, answer),
                    pipeline::Output::Garbage(why) => {
                        self.changed |= self.conversation.garbage(now.mono, why);
                    }
                }
            }
            let was_limited = std::mem::replace(&mut self.limited, self.pipeline.is_limited());
            if self.limited && !was_limited {
                // What fell is asked again in an order that suits the screen.
                self.withdraw_all(now);
                self.changed = true;
            }
            self.judge_silence(now);
            if !self.ask(now) {
                break;
            }
        }
        if self.pipeline.is_limited() {
            self.conversation.limited(self.pipeline.free_at());
        } else {
            self.conversation.unlimited();
        }
        self.wakeup = self.find_wakeup(now.mono);
    }

    /// A limiter explains silence only for so long.
    fn judge_silence(&mut self, now: Now) {
        let Some(last) = self.conversation.last_answer() else { return };
        if self.silence_judged().is_some_and(|at| at <= now.mono) {
            self.pipeline.forget_limits();
            self.conversation.lose(last);
            self.withdraw_all(now);
            self.plan_probe(now.mono);
            self.changed = true;
        }
    }

    /// When silence is called so although the daemon limits us, if no answer comes before.
    fn silence_judged(&self) -> Option<Mono> {
        let limited = self.pipeline.is_limited() && self.conversation.phase() == Phase::Talking;
        let unexplained = self.pipeline.unexplained_silence() >= UNEXPLAINED;
        let last = self.conversation.last_answer().filter(|_| limited && unexplained)?;
        Some(last + EXPLAINED_FOR)
    }

    /// Asks what is due, as far as there is room; whether anything was asked.
    fn ask(&mut self, now: Now) -> bool {
        let room = self.pipeline.room(now);
        if room == 0 {
            return false;
        }
        let due = self.agenda.due(now.mono, |purpose| self.is_wanted(purpose));
        let chosen: Vec<_> = due.into_iter().take(room).collect();
        for purpose in &chosen {
            self.ask_one(now, *purpose);
        }
        !chosen.is_empty()
    }

    fn ask_one(&mut self, now: Now, purpose: Purpose) {
        let names = self.names(purpose);
        if let Purpose::Counted(section) = purpose
            && names.is_empty()
        {
            // An empty question would bring something else.
            self.picture.counted_failed(section, Absent::NotInFamily);
            self.agenda.item(purpose).leave(now.mono);
            self.changed = true;
            return;
        }
        let question = question(purpose, &names);
        let phase = self.conversation.phase();
        let ticket = match (phase, purpose) {
            (Phase::Lost, _) => {
                let failed = self.conversation.failed_probes();
                let wait = conversation::probe_gap(failed, self.is_awaited());
                self.pipeline.ask_once(now, question, wait)
            }
            // Whether anybody answers shows from the list.
            (Phase::Asking, Purpose::Version | Purpose::System) => {
                self.pipeline.ask_once(now, question, FIRST_WAIT)
            }
            _ => self.pipeline.ask(now, question),
        };
        self.asked.insert(ticket, Asked { purpose, at: now.mono, names });
        let item = self.agenda.item(purpose);
        item.ticket = Some(ticket);
        item.asked = Some(now.mono);
        item.due = None;
    }

    /// The variables to ask for by name; none where the daemon's own choice is safer.
    fn names(&self, purpose: Purpose) -> Vec<&'static Variable> {
        let Some(dialect) = self.picture.dialect() else { return Vec::new() };
        let quirks = self.quirks;
        let (list, by_default) = match purpose {
            Purpose::Row(_) => (lists::ROW, quirks.rows_by_default),
            Purpose::Detail(_, Detail::Scalars) => (lists::SCALARS, quirks.scalars_by_default),
            Purpose::Detail(_, Detail::Counters) => (lists::COUNTERS, quirks.counters_by_default),
            Purpose::Counted(section) => return section.askable(dialect),
            _ => return Vec::new(),
        };
        if by_default { Vec::new() } else { vars::askable(list, dialect) }
    }

    /// Whether something may be asked now.
    fn is_wanted(&self, purpose: Purpose) -> bool {
        match self.conversation.phase() {
            Phase::Away => false,
            Phase::Lost => purpose == Purpose::List,
            Phase::Asking => {
                matches!(purpose, Purpose::List | Purpose::Version | Purpose::System)
            }
            Phase::Talking => match purpose {
                Purpose::List => true,
                _ if !self.interest.visible => false,
                Purpose::Version | Purpose::System => true,
                // Names can be asked only of a daemon whose dialect is known.
                Purpose::Row(_) => self.is_identified(),
                Purpose::Detail(id, _) => self.is_identified() && self.interest.details == Some(id),
                Purpose::Counted(_) | Purpose::Interfaces | Purpose::Restrictions => {
                    self.is_identified() && self.interest.statistics
                }
            },
        }
    }

    /// Whether the daemon has told who it is, or will not.
    fn is_identified(&self) -> bool {
        self.picture.daemon().identity.is_some()
            || self.agenda.get(Purpose::Version).is_some_and(|version| version.known)
    }

    fn circumstances(&self) -> Circumstances {
        Circumstances {
            visible: self.interest.visible,
            lossy: self.pipeline.tally().lost > 0,
            limited: self.pipeline.is_limited(),
        }
    }

    /// Whether somebody waits for the daemon to come back: one that refuses, or whatever else answers
    /// in its place, will do so in a second as well.
    const fn is_awaited(&self) -> bool {
        let is_away = matches!(
            self.conversation.contact(),
            Contact::Silent { .. } | Contact::Unreachable { .. }
        );
        self.interest.visible && is_away
    }

    fn plan_probe(&mut self, now: Mono) {
        let failed = self.conversation.failed_probes().saturating_sub(1);
        let gap = conversation::probe_gap(failed, self.is_awaited());
        let list = self.agenda.item(Purpose::List);
        let due = list.asked.map_or(now, |asked| asked + gap);
        list.due = Some(due.max(now));
        list.period = gap;
    }

    /// Takes back everything that is under way; it is due again at once.
    fn withdraw_all(&mut self, now: Now) {
        let all = std::mem::take(&mut self.asked);
        for (ticket, asked) in all {
            self.pipeline.withdraw(now, ticket);
            let item = self.agenda.item(asked.purpose);
            item.ticket = None;
            item.due = Some(now.mono);
        }
    }

    fn withdraw(&mut self, now: Now, ticket: Ticket) {
        self.asked.remove(&ticket);
        self.pipeline.withdraw(now, ticket);
    }

    fn find_wakeup(&self, now: Mono) -> Option<Mono> {
        let wanted = |purpose| self.is_wanted(purpose);
        // What is due already waits for an answer, a deadline, or for the limiter.
        let limiter = Some(self.pipeline.free_at()).filter(|at| *at > now);
        let limiter = limiter.filter(|_| !self.agenda.due(now, wanted).is_empty());
        let next = self.agenda.next_due(now, wanted);
        let all = [self.pipeline.next_wakeup(), self.silence_judged(), limiter, next];
        all.into_iter().flatten().min()
    }
}

/// What to ask for a purpose.
fn question(purpose: Purpose, names: &[&'static Variable]) -> Question {
    let names = names.iter().map(|variable| variable.name);
    match purpose {
        Purpose::List => Question::associations(),
        Purpose::Version => Question::variables(AssocId::SYSTEM, [vars::system::VERSION.name]),
        Purpose::System => Question::variables(AssocId::SYSTEM, []),
        Purpose::Detail(id, Detail::Clock) => Question::clock_variables(id, []),
        Purpose::Row(id) | Purpose::Detail(id, _) => Question::variables(id, names),
        Purpose::Counted(_) => Question::variables(AssocId::SYSTEM, names),
        Purpose::Interfaces => Question::ordered_list(INTERFACE_LIST),
        Purpose::Restrictions => Question::ordered_list(RESTRICTION_LIST),
    }
}

/// How long the first questions beside the list are waited for.
const FIRST_WAIT: Duration = Duration::from_secs(4);
/// Nothing is asked anew by request more often.
const REFRESH_LEAST: Duration = Duration::from_secs(1);
/// So many requests in a row that no limiter explains, over so long: it is silent.
const UNEXPLAINED: usize = 4;
const EXPLAINED_FOR: Duration = Duration::from_secs(12);
