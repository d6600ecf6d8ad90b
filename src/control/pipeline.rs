//! Several questions in flight to one daemon, no faster than it bears.
//!
//! A question is handed in and gets a [`Ticket`]; its answer, whatever it is, comes out under that
//! ticket, in any order. At most [`WINDOW`] questions are under way; the rest wait in the order in
//! which they were asked, those to be repeated first. Where a limiter shows (NTPsec's, most of all), all
//! sending stops for a while and goes on at a pace that it allows, repetitions included.
//!
//! A batch uses this directly: [`Pipeline::ask`] all that is to be known, drive until
//! [`Pipeline::is_idle`].

mod limiter;

use std::collections::VecDeque;
use std::time::Duration;

use limiter::Limiter;

use crate::control::session::{Overdue, Received, Session};
use crate::model::question::Unreachable;
use crate::model::{Dialect, Failure, Question};
use crate::units::{Mono, Now};
use crate::wire::Malformed;
use crate::wire::mac::Key;

pub use crate::control::session::{Answer, Settings, Tally, Ticket};

/// The most questions under way to one daemon.
pub const WINDOW: usize = 32;

/// Questions and answers of one daemon.
#[derive(Clone, Debug)]
pub struct Pipeline {
    session: Session,
    limiter: Limiter,
    /// Those that wait to be sent, or to be sent again.
    queue: VecDeque<Ticket>,
    outputs: VecDeque<Output>,
    last_ticket: u64,
}

/// What happens to a pipeline.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// A datagram from the daemon's address and port.
    Datagram(&'a [u8]),
    /// The network says that a datagram did not get there.
    Unreachable(Unreachable),
    /// Time has passed.
    Wakeup,
}

/// What a pipeline wants.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Send this datagram to the daemon.
    Send(Vec<u8>),
    /// A question is answered or given up.
    Answer(Answer),
    /// Something came that is no control message.
    Garbage(Malformed),
}

impl Pipeline {
    /// With nothing asked.
    pub fn new(settings: Settings) -> Self {
        Self {
            session: Session::new(settings),
            limiter: Limiter::new(),
            queue: VecDeque::new(),
            outputs: VecDeque::new(),
            last_ticket: 0,
        }
    }

    /// With nothing asked, beside another conversation with the same daemon: what limits us counts
    /// both. `is_limited` says whether the other has found that it does.
    pub fn beside(settings: Settings, is_limited: bool) -> Self {
        Self { limiter: Limiter::beside(is_limited), ..Self::new(settings) }
    }

    /// Turns to other settings with nothing asked, mindful of what the daemon's limiter has seen of
    /// us and let pass.
    pub fn renew(&mut self, settings: Settings) {
        self.session = Session::new(settings);
        self.queue.clear();
        self.outputs.clear();
    }

    /// Asks a question, at once where that is allowed, repeated until it is answered or given up.
    pub fn ask(&mut self, now: Now, question: Question) -> Ticket {
        self.hand_in(now, question, None)
    }

    /// Asks a question only once, and waits so long for the answer.
    pub fn ask_once(&mut self, now: Now, question: Question, wait: Duration) -> Ticket {
        self.hand_in(now, question, Some(wait))
    }

    fn hand_in(&mut self, now: Now, question: Question, once: Option<Duration>) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket::new(self.last_ticket);
        if self.session.has_key_for(&question) {
            self.session.open(ticket, question, once);
            self.queue.push_back(ticket);
            self.settle(now);
        } else {
            self.end(ticket, Failure::NoKey);
        }
        ticket
    }

    /// Takes a question back. There will be no answer under its ticket, unless one waits already.
    pub fn withdraw(&mut self, now: Now, ticket: Ticket) {
        if self.session.withdraw(now.mono, ticket) {
            self.queue.retain(|waiting| *waiting != ticket);
            self.settle(now);
        }
    }

    /// Tells which kind of daemon it is, once that is known: where it looks for codes, and whether
    /// it limits its clients.
    pub fn set_dialect(&mut self, dialect: Dialect) {
        self.session.set_dialect(dialect);
        self.limiter.suspect(dialect.is_ntpsec());
    }

    /// Signs questions that need it with another key from now on, or asks them no more. How the
    /// daemon likes its signatures has to be said again ([`Pipeline::set_dialect`]).
    pub fn set_key(&mut self, key: Option<Key>) {
        self.session.set_key(key);
    }

    /// Forgets that the daemon limits us: it is silent rather.
    pub fn forget_limits(&mut self) {
        self.limiter.forget();
    }

    /// Forgets what was learned of the daemon: it has started anew, or is another.
    pub fn forget_daemon(&mut self) {
        self.limiter = Limiter::new();
        self.session.forget_daemon();
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        match input {
            Input::Datagram(datagram) => self.receive(now, datagram),
            Input::Unreachable(why) => {
                let under_way: Vec<_> = self.session.under_way().collect();
                for ticket in under_way {
                    self.session.withdraw(now.mono, ticket);
                    self.end(ticket, Failure::Unreachable(why));
                }
            }
            Input::Wakeup => {}
        }
        self.settle(now);
    }

    /// The next thing to do; to be called until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Pipeline::handle`] at the latest; `None` while there is nothing to wait for.
    pub fn next_wakeup(&self) -> Option<Mono> {
        let deadline = self.session.next_deadline();
        let waits_for_limiter = !self.queue.is_empty() && self.session.in_flight() < WINDOW;
        let sending = waits_for_limiter.then(|| self.limiter.free_at());
        [deadline, sending].into_iter().flatten().min()
    }

    /// How many more questions would be sent at once if they were asked now.
    pub fn room(&self, now: Now) -> usize {
        let busy = self.session.in_flight() + self.queue.len();
        WINDOW.saturating_sub(busy).min(self.limiter.allowance(now.mono))
    }

    /// When the limiter lets the next question out; in the past when it does now.
    pub fn free_at(&self) -> Mono {
        self.limiter.free_at()
    }

    /// Whether nothing is asked any more.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.session.in_flight() == 0
    }

    /// Whether the daemon is taken to limit us.
    pub const fn is_limited(&self) -> bool {
        self.limiter.is_limited()
    }

    /// How many of the last requests fell although no limiter explains it.
    pub fn unexplained_silence(&self) -> usize {
        self.limiter.unexplained()
    }

    /// Questions under way.
    pub fn in_flight(&self) -> usize {
        self.session.in_flight()
    }

    /// The smoothed round trip; zero before the first answer.
    pub fn round_trip(&self) -> Duration {
        self.session.round_trip()
    }

    /// What came and went so far.
    pub const fn tally(&self) -> Tally {
        self.session.tally()
    }

    fn receive(&mut self, now: Now, datagram: &[u8]) {
        match self.session.receive(now, datagram) {
            Received::Answered(answer) => {
                self.limiter.answered(now.mono, answer.ticket);
                self.queue.retain(|waiting| *waiting != answer.ticket);
                self.outputs.push_back(Output::Answer(answer));
            }
            Received::SendAgain(ticket) => {
                self.limiter.answered(now.mono, ticket);
                self.queue.retain(|waiting| *waiting != ticket);
                self.queue.push_front(ticket);
            }
            Received::Nothing => {}
            Received::Garbage(why) => self.outputs.push_back(Output::Garbage(why)),
        }
    }

    /// Brings everything up to `now`: what is overdue, what may go out.
    fn settle(&mut self, now: Now) {
        let overdue = self.session.overdue(now.mono, self.limiter.is_slow());
        let mut again = VecDeque::new();
        for item in overdue {
            match item {
                Overdue::Again(ticket) => {
                    self.limiter.overdue(ticket);
                    again.push_back(ticket);
                }
                // Pieces are asked for one after the other: two that fall are no sign of a limiter.
                Overdue::LostPiece(answer) if !self.limiter.is_suspected() => {
                    self.outputs.push_back(Output::Answer(answer));
                }
                Overdue::Ended(answer) | Overdue::LostPiece(answer) => {
                    // Who answered in part limits nobody.
                    match answer.part {
                        Some(_) => self.limiter.answered(now.mono, answer.ticket),
                        None => self.limiter.overdue(answer.ticket),
                    }
                    self.outputs.push_back(Output::Answer(answer));
                }
            }
        }
        if self.limiter.recognise(now.mono) {
            again.extend(self.session.suspend_all());
            again.make_contiguous().sort_unstable();
        }
        while let Some(ticket) = again.pop_back() {
            self.queue.push_front(ticket);
        }
        while self.session.in_flight() < WINDOW && self.limiter.free_at() <= now.mono {
            let Some(ticket) = self.queue.pop_front() else { break };
            if let Some(datagram) = self.session.send(now.mono, ticket, self.limiter.is_slow()) {
                self.limiter.sent(now.mono, ticket);
                self.outputs.push_back(Output::Send(datagram));
            }
        }
    }

    fn end(&mut self, ticket: Ticket, failure: Failure) {
        let answer = Answer { ticket, result: Err(failure), authenticity: None, part: None };
        self.outputs.push_back(Output::Answer(answer));
    }
}
