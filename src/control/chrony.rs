//! Watches one chronyd over its own protocol, in the shape of [`watcher`](crate::control::watcher).
//!
//! All questions of a refresh are in flight together, so that it takes three round trips at most:
//! first whether anybody is there and how many sources there are; then each source by its index;
//! then what is asked by address. Answers are joined by address or reference ID, never by index,
//! for the table of sources may change between two answers. What a transport does not give is
//! absent with how to open it; it is asked for again only seldom.

mod access;
pub mod change;
mod dialect;
mod exchange;
mod picture;
mod round;
mod told;
pub mod way;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use access::Access;
use exchange::{Answer, Exchange};
use picture::Picture;
use round::{Purpose, Round};

use crate::control::conversation::{self, Conversation, Phase};
use crate::control::watcher::{Input, Output};
use crate::model::question::Unreachable;
use crate::model::{Absent, Contact, Dated, Failure, Interest};
use crate::units::{AssocId, Mono, Now};
use crate::wire::cmdmon::{SourceId, Status};

/// What carries the questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// UDP, over which a daemon tells little unless its configuration opens more.
    Udp,
    /// The Unix socket of a daemon on this host, over which it tells all.
    Unix,
}

/// Watches one chronyd.
#[derive(Clone, Debug)]
pub struct Watcher {
    exchange: Exchange<Purpose>,
    conversation: Conversation,
    picture: Picture,
    round: Option<Round>,
    access: Access,
    interest: Interest,
    address: Option<SocketAddr>,
    transport: Transport,
    /// Sources that the daemon had when it was last asked.
    count: u32,
    /// When the next round begins, or the next probe of a daemon that is lost.
    due: Option<Mono>,
    /// When the last round began.
    begun: Mono,
    /// Rounds that ended since contact was made.
    rounds: u32,
    /// Rounds in a row in which the table of sources changed.
    unsettled: u32,
    /// When what changes seldom was last asked, and clients.
    slow_asked: Option<Mono>,
    clients_asked: Option<Mono>,
    /// Whether the daemon's socket was found without it since it last answered.
    ended: bool,
    sends: VecDeque<Vec<u8>>,
    changed: bool,
    /// When the last snapshot was due to something that came.
    shown: Mono,
    /// Whether anything came since.
    news: bool,
    wakeup: Option<Mono>,
}

impl Watcher {
    /// Watches a daemon that cannot be reached yet; it is on screen until an interest says
    /// otherwise. Sequence numbers are drawn from `seed`.
    pub fn new(transport: Transport, seed: [u8; 32]) -> Self {
        Self {
            exchange: match transport {
                Transport::Udp => Exchange::new(seed),
                Transport::Unix => Exchange::over_unix(seed),
            },
            conversation: Conversation::new(),
            picture: Picture::default(),
            round: None,
            access: Access::over(transport),
            interest: Interest { visible: true, ..Interest::default() },
            address: None,
            transport,
            count: 0,
            due: None,
            begun: Mono::default(),
            rounds: 0,
            unsettled: 0,
            slow_asked: None,
            clients_asked: None,
            ended: false,
            sends: VecDeque::new(),
            changed: false,
            shown: Mono::default(),
            news: false,
            wakeup: None,
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        match input {
            Input::Address(address) => self.begin(now, Some(address)),
            Input::Connected => self.begin(now, None),
            Input::NoAddress(why) => {
                self.stop();
                self.due = None;
                self.conversation.no_address(why);
                self.changed = true;
            }
            Input::Datagram(bytes) => self.exchange.datagram(now, bytes),
            Input::Unreachable(why) => self.unreachable(now, why),
            Input::Interest(interest) => self.look_at(now, interest),
            Input::Refresh => {
                if self.conversation.phase() != Phase::Away && self.round.is_none() {
                    let soonest = self.begun + REFRESH_LEAST;
                    self.due = Some(now.mono.max(soonest));
                    self.slow_asked = None;
                }
            }
            // Its protocol knows no keys.
            Input::Key(_) | Input::Wakeup => {}
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
            Phase::Talking => {
                let knows_clients = !self.interest.clients || self.clients_asked.is_some();
                let is_still = self.round.is_none() || self.unsettled == 0;
                self.rounds > 0 && is_still && knows_clients
            }
        }
    }

    /// What the daemon's reports call its sources, by the names of ours.
    fn sources(&self) -> HashMap<AssocId, SourceId> {
        self.picture.sources()
    }

    /// Requests under way.
    pub fn in_flight(&self) -> usize {
        self.exchange.in_flight()
    }

    /// There is a way to the daemon. Another address than before means another daemon.
    fn begin(&mut self, now: Now, address: Option<SocketAddr>) {
        if self.address == address && self.conversation.phase() != Phase::Away {
            return;
        }
        if self.address.is_some() && self.address != address {
            self.picture = Picture::default();
            self.exchange.forget_daemon();
        }
        self.address = address;
        self.stop();
        self.conversation.begin(now.mono);
        self.start_round(now);
        self.changed = true;
    }

    /// Ends the round, however far it got, and forgets what may be another after a silence.
    fn stop(&mut self) {
        self.exchange.clear();
        self.round = None;
        self.rounds = 0;
        self.access = Access::over(self.transport);
        (self.slow_asked, self.clients_asked) = (None, None);
    }

    fn unreachable(&mut self, now: Now, why: Unreachable) {
        if self.conversation.phase() == Phase::Away {
            return;
        }
        let is_end = matches!(why, Unreachable::NoSocket | Unreachable::SocketAbandoned);
        self.ended |= is_end && self.conversation.last_answer().is_some();
        self.conversation.count_failure();
        self.conversation.unreachable(now.mono, why);
        self.lose(now);
    }

    /// The daemon does not answer: from now on it is only asked whether it is there again.
    fn lose(&mut self, now: Now) {
        self.stop();
        let gap = conversation::probe_gap(self.conversation.failed_probes(), self.interest.visible);
        self.due = Some(now.mono + gap);
        self.changed = true;
    }

    fn look_at(&mut self, now: Now, interest: Interest) {
        let comes_in_sight = interest.visible && !self.interest.visible;
        let wants_clients = interest.clients && !self.interest.clients;
        self.interest = interest;
        if let Some(round) = self.round.as_mut().filter(|_| wants_clients) {
            round.want_clients();
        }
        if self.round.is_none()
            && self.conversation.phase() != Phase::Away
            && (comes_in_sight || wants_clients)
        {
            self.due = Some(now.mono);
        }
    }

    /// Brings everything up to `now`.
    fn settle(&mut self, now: Now) {
        loop {
            self.begin_what_is_due(now);
            self.ask();
            self.exchange.run(now);
            let mut anything = false;
            while let Some(output) = self.exchange.poll_output() {
                anything = true;
                match output {
                    exchange::Output::Send(datagram) => self.sends.push_back(datagram),
                    exchange::Output::Answer(answer) => self.answered(now, answer),
                    exchange::Output::Unanswered { purpose, asked, failure } => {
                        self.unanswered(now, purpose, asked, failure);
                    }
                    exchange::Output::Garbage(why) => {
                        self.changed |= self.conversation.garbage(now.mono, why);
                    }
                }
            }
            if !anything && !self.end_round(now) {
                break;
            }
        }
        self.show_progress(now);
        let wakeups = [self.exchange.next_wakeup(), self.due, self.progress_due()];
        self.wakeup = wakeups.into_iter().flatten().min();
    }

    fn begin_what_is_due(&mut self, now: Now) {
        if self.due.is_none_or(|due| due > now.mono) || self.round.is_some() {
            return;
        }
        match self.conversation.phase() {
            Phase::Lost if self.exchange.is_idle() => {
                let failed = self.conversation.failed_probes();
                let wait = conversation::probe_gap(failed, self.interest.visible);
                let purpose = Purpose::Count;
                self.exchange.ask_once(now, purpose, purpose.body(), wait);
                self.due = None;
            }
            Phase::Away | Phase::Lost => self.due = None,
            Phase::Asking | Phase::Talking => self.start_round(now),
        }
    }

    fn start_round(&mut self, now: Now) {
        let elapsed =
            |last: Option<Mono>, period| last.is_none_or(|last| now.mono.since(last) >= period);
        let slow = if self.interest.statistics { LOOKED_AT } else { SLOW };
        let is_slow = self.interest.visible && elapsed(self.slow_asked, slow);
        let with_clients = self.interest.clients && elapsed(self.clients_asked, CLIENTS);
        self.picture.begin_round();
        self.access.renew(now.mono);
        self.round = Some(Round::new(self.count, self.interest.visible, is_slow, with_clients));
        self.begun = now.mono;
        self.due = None;
    }

    /// Asks what the round wants and can be asked by now.
    fn ask(&mut self) {
        let Some(round) = &mut self.round else { return };
        let is_talking = match self.conversation.phase() {
            Phase::Asking => false,
            Phase::Talking => true,
            Phase::Away | Phase::Lost => return,
        };
        for purpose in round.wanted(is_talking, &mut self.access, &self.picture) {
            self.exchange.ask(purpose, purpose.body());
        }
    }

    /// Ends the round when all of it has been answered or given up; whether it did.
    fn end_round(&mut self, now: Now) -> bool {
        let is_over = self.exchange.is_idle() && self.conversation.phase() == Phase::Talking;
        let Some(round) = self.round.take_if(|_| is_over) else { return false };
        self.count = round.count();
        self.access.explain(&mut self.picture);
        let mut is_same = true;
        if let Some(dated) = round.counted() {
            is_same = self.picture.end_round(self.count);
            self.picture.listed(dated);
        }
        if let Some((clients, dated)) = round.clients() {
            self.picture.clients(clients, dated);
        }
        if round.is_with_clients() {
            self.clients_asked = Some(now.mono);
        }
        if round.is_slow() {
            self.slow_asked = Some(now.mono);
        }
        self.rounds = self.rounds.saturating_add(1);
        self.unsettled =
            if is_same || self.unsettled >= MOST_UNSETTLED { 0 } else { self.unsettled + 1 };
        let period = match (self.interest.visible, self.exchange.is_narrow()) {
            _ if self.unsettled > 0 => UNSETTLED,
            (false, _) => HIDDEN,
            (true, true) => NARROW,
            (true, false) => PERIOD,
        };
        self.due = Some((self.begun + period).max(now.mono + LEAST_PAUSE));
        self.changed = true;
        self.shown = now.mono;
        self.news = false;
        true
    }

    /// When to show what a slow round has brought so far, if it has brought anything new.
    fn progress_due(&self) -> Option<Mono> {
        let round = self.round.as_ref().filter(|round| self.news && round.knows_sources())?;
        round.counted().map(|_| self.shown.max(self.begun) + PROGRESS)
    }

    /// Shows it.
    fn show_progress(&mut self, now: Now) {
        if self.progress_due().is_none_or(|due| due > now.mono) {
            return;
        }
        let Some(round) = &self.round else { return };
        let Some(dated) = round.counted() else { return };
        self.access.explain(&mut self.picture);
        self.picture.end_round(round.count());
        self.picture.listed(dated);
        self.changed = true;
        self.shown = now.mono;
        self.news = false;
    }

    fn answered(&mut self, now: Now, answer: Answer<Purpose>) {
        let Answer { purpose, reply, dated, round_trip } = answer;
        self.news = true;
        let is_opened = self.access.learned(purpose.command(), reply.status, now.mono);
        self.picture.releases_mut().learn(purpose.command(), reply.status, &reply.report);
        let is_basic = matches!(purpose, Purpose::Count | Purpose::Tracking);
        if is_basic && !reply.status.is_answer() {
            self.refused(now, purpose, reply.status, dated);
            return;
        }
        let was_away = self.conversation.phase() != Phase::Talking;
        // A refusal is no good answer: were it one, a daemon that refuses everything would seem
        // to be well.
        if !access::is_refusal(reply.status) {
            self.conversation.answered(now.mono, round_trip, None);
            if was_away {
                self.contact_made(now);
            }
        }
        if let Some(round) = &mut self.round {
            if is_opened || was_away {
                round.open();
            }
            round.take(&mut self.picture, purpose, reply, dated);
        }
        self.changed |= was_away;
    }

    /// The daemon answers, for the first time or again.
    fn contact_made(&mut self, now: Now) {
        if std::mem::take(&mut self.ended) {
            self.picture.restarted(now.mono);
        }
        if self.round.is_none() {
            self.start_round(now);
        }
    }

    /// The clock, or the count of sources, is refused.
    fn refused(&mut self, now: Now, purpose: Purpose, status: Status, dated: Dated) {
        let why = access::why(purpose.command(), status);
        match &mut self.round {
            Some(round) => round.refused(&mut self.picture, purpose, why, dated),
            None => self.picture.unlisted(why),
        }
        let all = self.round.as_ref().is_none_or(Round::is_refused);
        let failure = Failure::Declined(status);
        if all && self.conversation.refused(now.mono, failure) {
            self.lose(now);
        }
    }

    fn unanswered(&mut self, now: Now, purpose: Purpose, asked: Mono, failure: Failure) {
        let is_unreadable = matches!(failure, Failure::Unreadable(_));
        if let Some(round) = &mut self.round {
            round.failed(&mut self.picture, purpose, &Absent::Failed(failure));
        }
        if is_unreadable && self.conversation.phase() == Phase::Talking {
            return;
        }
        if self.conversation.unanswered(asked) {
            self.lose(now);
        }
    }
}

/// From the beginning of one round to that of the next, of a daemon on screen.
const PERIOD: Duration = Duration::from_secs(2);

/// Of one that seems to limit us, or is behind a bad network.
const NARROW: Duration = Duration::from_secs(8);

/// Of one in a tab behind.
const HIDDEN: Duration = Duration::from_secs(10);

/// When the table of sources changed while it was read.
const UNSETTLED: Duration = Duration::from_millis(100);

/// Such rounds in a row.
const MOST_UNSETTLED: u32 = 2;

/// Between the end of a round and the next.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// What changes seldom is asked this often.
const SLOW: Duration = Duration::from_secs(8);

/// The same while somebody looks at what the daemon counts.
const LOOKED_AT: Duration = Duration::from_secs(4);

/// Clients are asked this often.
const CLIENTS: Duration = Duration::from_secs(10);

/// How soon the user can have everything anew.
const REFRESH_LEAST: Duration = Duration::from_millis(500);

/// A round that lasts longer shows what it has brought so far.
const PROGRESS: Duration = Duration::from_millis(250);
