//! The exchanges with one daemon: questions into datagrams, datagrams into answers.
//!
//! A question may be sent several times before it is answered. Each sending is an attempt with a
//! sequence number of its own (but see [`Timing::ntpq`]), and an answer to any of them will do, so
//! that a daemon that is slower than expected is not asked in vain. What belongs to no open
//! question is counted and otherwise ignored. When to send is not decided here but by the
//! [`pipeline`](crate::control::pipeline), which knows what the daemon bears.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::control::auth::{Signer, weaker};
use crate::control::sequence::{Sequences, Use};
use crate::control::timing::{RoundTrip, Timing};
use crate::model::{Dated, Dialect, Failure, Question, Reply};
use crate::units::{Mono, Now, NtpTimestamp};
use crate::wire::Malformed;
use crate::wire::mac::Key;
use crate::wire::mode6::auth::{Alignment, Authenticity};
use crate::wire::mode6::fragments::MAX_LIST_FRAGMENTS;
use crate::wire::mode6::{DEFAULT_VERSION, ErrorCode, Message, Opcode, Progress, Reassembly};

/// What a question is known by until it is answered; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

impl Ticket {
    pub(super) const fn new(number: u64) -> Self {
        Self(number)
    }
}

/// How to talk to a daemon.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long to wait and how often to ask.
    pub timing: Timing,
    /// The version number to claim; every daemon takes 1 to 4 and ntpq claims 2.
    pub version: u8,
    /// The key to sign questions with that need it.
    pub key: Option<Key>,
    /// Where sequence numbers come from: random bytes from the system, or a number in tests.
    pub seed: [u8; 32],
}

impl Settings {
    /// Without a key, claiming version 2.
    pub const fn new(timing: Timing, seed: [u8; 32]) -> Self {
        Self { timing, version: DEFAULT_VERSION, key: None, seed }
    }
}

/// What came and went, as counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Datagrams sent.
    pub sent: u64,
    /// Questions that were answered, refusals included.
    pub answered: u64,
    /// Attempts without an answer in time.
    pub lost: u64,
    /// Datagrams that repeat an answer or a part of one.
    pub duplicates: u64,
    /// Answers to questions that were no longer open.
    pub late: u64,
    /// Control messages that answer nothing that was asked here.
    pub strays: u64,
    /// Answers that name another association than the question; taken as they are, like ntpq.
    pub mismatched: u64,
    /// Datagrams that are no control message.
    pub garbage: u64,
    /// Replies whose code is not by our key.
    pub forged: u64,
}

/// One daemon's open questions.
#[derive(Clone, Debug)]
pub(super) struct Session {
    timing: Timing,
    version: u8,
    signer: Option<Signer>,
    sequences: Sequences,
    round_trip: RoundTrip,
    exchanges: BTreeMap<Ticket, Exchange>,
    /// Deadlines of the exchanges that are under way.
    deadlines: BTreeSet<(Mono, Ticket)>,
    tally: Tally,
}

/// One question on its way to an answer.
#[derive(Clone, Debug)]
struct Exchange {
    question: Question,
    attempts: Vec<Attempt>,
    /// How often it was sent, in vain or not, since it was last sure to be heard.
    sendings: u32,
    /// How often it was sent in all.
    total: u32,
    first_sent: Option<Mono>,
    /// When to do something about it; `None` while it waits to be sent.
    deadline: Option<Mono>,
    /// Sent only once, and then waited for this long.
    once: Option<Duration>,
    alignment: Alignment,
    /// Whether the other alignment has been turned to.
    turned: bool,
}

/// One sequence number under which a question was sent.
#[derive(Clone, Debug)]
struct Attempt {
    sequence: u16,
    sent: Mono,
    /// Whether it was sent more than once, which leaves open what was answered.
    repeated: bool,
    reassembly: Reassembly,
    authenticity: Option<Authenticity>,
}

/// What a datagram brought.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Received {
    /// A question is answered.
    Answered(Answer),
    /// A question is to be sent again at once, in another form.
    SendAgain(Ticket),
    /// Part of an answer, or something of no use.
    Nothing,
    /// Not a control message that a daemon could have sent to us.
    Garbage(Malformed),
}

/// How a question ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Which question.
    pub ticket: Ticket,
    /// The reply, or why there is none.
    pub result: Result<Reply, Failure>,
    /// What the reply's code says of it, when the question was signed; the least that any of its
    /// datagrams deserves. A forged datagram is never part of a reply.
    pub authenticity: Option<Authenticity>,
    /// The beginning of a piece of the list of those who asked, where the rest of it was lost.
    pub part: Option<Reply>,
}

/// What is to be done about a question whose answer is overdue.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Overdue {
    /// Send it again.
    Again(Ticket),
    /// It is given up.
    Ended(Answer),
    /// The same, of a piece of a list, of which nothing came.
    LostPiece(Answer),
}

impl Attempt {
    /// Whether nothing of an answer has come.
    const fn is_silent(&self) -> bool {
        self.reassembly.datagrams() == 0
    }
}

impl Session {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            timing: settings.timing,
            version: settings.version,
            signer: settings.key.map(Signer::new),
            sequences: Sequences::new(settings.seed),
            round_trip: RoundTrip::default(),
            exchanges: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            tally: Tally::default(),
        }
    }

    pub(super) const fn tally(&self) -> Tally {
        self.tally
    }

    /// Signs what needs it with another key, or with none, from now on.
    pub(super) fn set_key(&mut self, key: Option<Key>) {
        self.signer = key.map(Signer::new);
    }

    pub(super) fn set_dialect(&mut self, dialect: Dialect) {
        if let Some(signer) = &mut self.signer {
            signer.set_dialect(dialect);
        }
    }

    pub(super) const fn forget_daemon(&mut self) {
        if let Some(signer) = &mut self.signer {
            signer.forget();
        }
    }

    /// Whether a question can be asked at all.
    pub(super) const fn has_key_for(&self, question: &Question) -> bool {
        !question.signed || self.signer.is_some()
    }

    /// Takes in a question; nothing is sent yet. With `once` it will be sent a single time and
    /// waited for that long.
    pub(super) fn open(&mut self, ticket: Ticket, question: Question, once: Option<Duration>) {
        let alignment =
            self.signer.as_ref().map_or_else(Alignment::default, Signer::first_alignment);
        let exchange = Exchange {
            question,
            attempts: Vec::new(),
            sendings: 0,
            total: 0,
            first_sent: None,
            deadline: None,
            once,
            alignment,
            turned: false,
        };
        self.exchanges.insert(ticket, exchange);
    }

    /// The datagram that asks an open question, again or for the first time. With `patient` its
    /// answer gets its time however long ago the question was first asked.
    pub(super) fn send(&mut self, now: Mono, ticket: Ticket, patient: bool) -> Option<Vec<u8>> {
        let exchange = self.exchanges.get_mut(&ticket)?;
        let keeps = self.timing.keeps_sequence();
        let silent = exchange.attempts.last_mut().filter(|a| keeps && a.is_silent());
        let sequence = if let Some(attempt) = silent {
            attempt.repeated = true;
            attempt.sent = now;
            attempt.sequence
        } else {
            let sequence = self.sequences.assign(now, ticket);
            exchange.attempts.push(Attempt {
                sequence,
                sent: now,
                repeated: false,
                reassembly: match exchange.question.opcode {
                    Opcode::ReadMru => Reassembly::with_most(MAX_LIST_FRAGMENTS),
                    _ => Reassembly::new(),
                },
                authenticity: None,
            });
            sequence
        };
        exchange.sendings += 1;
        exchange.total += 1;
        let first = *exchange.first_sent.get_or_insert(now);
        let wait = exchange.once.unwrap_or_else(|| {
            if Timing::repeats(exchange.question.opcode) {
                self.timing.first_wait(exchange.sendings, &self.round_trip)
            } else {
                self.timing.only_wait(&self.round_trip)
            }
        });
        let mut deadline = now + wait;
        if !patient && exchange.once.is_none() {
            let soonest = now + self.timing.first_wait(1, &self.round_trip);
            deadline = deadline.min(first + self.timing.patience(&self.round_trip)).max(soonest);
        }
        set_deadline(&mut self.deadlines, ticket, exchange, Some(deadline));
        self.tally.sent += 1;
        let question = &exchange.question;
        let request =
            Message::request(question.opcode, question.association, sequence, &question.data);
        let request = Message { version: self.version, ..request };
        Some(match &self.signer {
            Some(signer) if question.signed => signer.sign(&request, exchange.alignment),
            _ => request.emit(),
        })
    }

    /// Takes in a datagram from the daemon.
    pub(super) fn receive(&mut self, now: Now, datagram: &[u8]) -> Received {
        let message = match self.check(datagram) {
            Ok(message) => message,
            Err(why) => {
                self.tally.garbage += 1;
                return Received::Garbage(why);
            }
        };
        let ticket = match self.sequences.find(message.sequence) {
            Some(Use::Active(ticket)) => ticket,
            Some(Use::Answered) => {
                self.tally.duplicates += 1;
                return Received::Nothing;
            }
            Some(Use::Abandoned) => {
                self.tally.late += 1;
                return Received::Nothing;
            }
            None => {
                self.tally.strays += 1;
                return Received::Nothing;
            }
        };
        self.take_in(now, ticket, &message, datagram)
    }

    /// Whether a datagram can be a reply at all (the client's rules of ntpq).
    fn check<'a>(&self, datagram: &'a [u8]) -> Result<Message<'a>, Malformed> {
        let invalid = |field, position, value| Malformed::Invalid { field, position, value };
        let message = Message::parse(datagram)?;
        if message.version != self.version {
            return Err(invalid("version", 0, u64::from(message.version)));
        }
        if !message.response {
            return Err(invalid("response flag", 1, 0));
        }
        if !datagram.len().is_multiple_of(4) {
            return Err(invalid("length", 0, datagram.len() as u64));
        }
        Ok(message)
    }

    fn take_in(
        &mut self,
        now: Now,
        ticket: Ticket,
        message: &Message<'_>,
        datagram: &[u8],
    ) -> Received {
        let Some(exchange) = self.exchanges.get_mut(&ticket) else { return Received::Nothing };
        if message.opcode != exchange.question.opcode {
            self.tally.strays += 1;
            return Received::Nothing;
        }
        let mut attempts = exchange.attempts.iter_mut().enumerate();
        let Some((index, attempt)) = attempts.find(|(_, a)| a.sequence == message.sequence) else {
            return Received::Nothing;
        };
        if let Some(signer) = self.signer.as_ref().filter(|_| exchange.question.signed) {
            let verdict = signer.judge(datagram, message);
            if verdict == Authenticity::Forged {
                self.tally.forged += 1;
                return Received::Nothing;
            }
            attempt.authenticity =
                Some(attempt.authenticity.map_or(verdict, |so_far| weaker(so_far, verdict)));
        }
        if message.association != exchange.question.association {
            self.tally.mismatched += 1;
        }
        let is_first = attempt.is_silent();
        let progress = attempt.reassembly.add(message);
        if is_first && !attempt.repeated && !matches!(progress, Progress::Discarded(_)) {
            self.round_trip.measure(now.mono.since(attempt.sent));
        }
        let authenticity = attempt.authenticity;
        let asked = attempt.sent;
        let result = match progress {
            Progress::NeedsMore => {
                self.wait_for_more(now.mono, ticket);
                return Received::Nothing;
            }
            Progress::Discarded(_) => {
                self.tally.duplicates += 1;
                return Received::Nothing;
            }
            Progress::Refused(ErrorCode::Permission) if self.turn(now.mono, ticket) => {
                return Received::SendAgain(ticket);
            }
            Progress::Refused(code) => Err(Failure::Refused(code)),
            Progress::TooLong => Err(Failure::TooLong),
            Progress::Complete(whole) => {
                let dated = Dated { asked, answered: now.mono, clock: now.clock };
                let datagrams = u16::try_from(whole.datagrams).unwrap_or(u16::MAX);
                Ok(Reply::new(whole.status, whole.data, datagrams, dated))
            }
        };
        self.tally.answered += 1;
        self.finish(now.mono, ticket, Some(index), result.is_ok());
        Received::Answered(Answer { ticket, result, authenticity, part: None })
    }

    /// What there is of a piece of a list that has not come whole.
    fn beginning(&self, now: Mono, ticket: Ticket) -> Option<Reply> {
        let exchange = self.exchanges.get(&ticket)?;
        if exchange.question.opcode != Opcode::ReadMru {
            return None;
        }
        let attempt = exchange.attempts.iter().find(|attempt| !attempt.is_silent())?;
        let beginning = attempt.reassembly.beginning()?;
        let clock = NtpTimestamp::NEVER;
        let dated = Dated { asked: attempt.sent, answered: now, clock };
        let datagrams = u16::try_from(beginning.datagrams).unwrap_or(u16::MAX);
        Some(Reply::new(beginning.status, beginning.data, datagrams, dated))
    }

    /// Gives the next fragment its time.
    fn wait_for_more(&mut self, now: Mono, ticket: Ticket) {
        let Some(exchange) = self.exchanges.get_mut(&ticket) else { return };
        if exchange.question.opcode == Opcode::ReadMru {
            // The fragments of a piece come in one go, and what is there of it can be used.
            let has_end = exchange.attempts.iter().any(|attempt| attempt.reassembly.has_end());
            let wait = self.round_trip.within_piece(has_end);
            return set_deadline(&mut self.deadlines, ticket, exchange, Some(now + wait));
        }
        let later = now + self.timing.between(&self.round_trip);
        // ntpq starts its shorter wait anew at each fragment; a measured wait is never shortened.
        let anew = self.timing.keeps_sequence();
        let deadline = exchange.deadline.map(|old| if anew { later } else { old.max(later) });
        set_deadline(&mut self.deadlines, ticket, exchange, deadline);
    }

    /// Prepares a refused question for the other place of its code; whether that is worth it.
    fn turn(&mut self, now: Mono, ticket: Ticket) -> bool {
        let (Some(exchange), Some(signer)) = (self.exchanges.get_mut(&ticket), &self.signer) else {
            return false;
        };
        if !exchange.question.signed || exchange.turned {
            return false;
        }
        let len = exchange.question.data.len();
        let Some(other) = signer.other_alignment(exchange.alignment, len) else { return false };
        exchange.alignment = other;
        exchange.turned = true;
        for attempt in exchange.attempts.drain(..) {
            self.sequences.retire(now, attempt.sequence, true);
        }
        set_deadline(&mut self.deadlines, ticket, exchange, None);
        true
    }

    /// Ends a question. `answered` is the attempt that brought the answer.
    fn finish(&mut self, now: Mono, ticket: Ticket, answered: Option<usize>, accepted: bool) {
        let Some(mut exchange) = self.exchanges.remove(&ticket) else { return };
        set_deadline(&mut self.deadlines, ticket, &mut exchange, None);
        for (index, attempt) in exchange.attempts.iter().enumerate() {
            let is_the_one = answered == Some(index);
            self.sequences.retire(now, attempt.sequence, is_the_one);
        }
        if let Some(signer) = self.signer.as_mut().filter(|_| accepted && exchange.question.signed)
        {
            signer.accepted(exchange.alignment, exchange.question.data.len());
        }
    }

    /// The questions whose deadline has passed; each is taken out or waits to be sent again.
    /// With `patient` only the number of sendings ends a question, not the time: they go slowly.
    pub(super) fn overdue(&mut self, now: Mono, patient: bool) -> Vec<Overdue> {
        let mut all = Vec::new();
        while let Some((_, ticket)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            let Some(exchange) = self.exchanges.get_mut(&ticket) else {
                self.deadlines.pop_first();
                continue;
            };
            set_deadline(&mut self.deadlines, ticket, exchange, None);
            self.tally.lost += 1;
            let waited = now.since(exchange.first_sent.unwrap_or(now));
            let partial = exchange.attempts.iter().any(|attempt| !attempt.is_silent());
            let opcode = exchange.question.opcode;
            let repeatable = exchange.once.is_none() && Timing::repeats(opcode);
            let counted = if patient { Duration::ZERO } else { waited };
            if repeatable && self.timing.goes_on(exchange.sendings, counted, &self.round_trip) {
                all.push(Overdue::Again(ticket));
                continue;
            }
            let attempts = exchange.total;
            let failure = if partial {
                Failure::Incomplete { attempts }
            } else {
                Failure::Unanswered { attempts, waited }
            };
            let part = self.beginning(now, ticket);
            self.finish(now, ticket, None, false);
            let is_lost = opcode == Opcode::ReadMru && part.is_none();
            let answer = Answer { ticket, result: Err(failure), authenticity: None, part };
            all.push(if is_lost { Overdue::LostPiece(answer) } else { Overdue::Ended(answer) });
        }
        all
    }

    /// Takes back a question; what comes for it will be late. Whether it was open.
    pub(super) fn withdraw(&mut self, now: Mono, ticket: Ticket) -> bool {
        let was_open = self.exchanges.contains_key(&ticket);
        self.finish(now, ticket, None, false);
        was_open
    }

    /// Suspends every question that is under way, as if it had not been sent, in the order in
    /// which they were asked; answers that still come are taken.
    pub(super) fn suspend_all(&mut self) -> Vec<Ticket> {
        let mut suspended = Vec::new();
        for (ticket, exchange) in &mut self.exchanges {
            exchange.sendings = 0;
            if exchange.deadline.is_some() {
                set_deadline(&mut self.deadlines, *ticket, exchange, None);
                suspended.push(*ticket);
            }
        }
        suspended
    }

    /// The questions that are under way, sent and neither answered nor overdue.
    pub(super) fn under_way(&self) -> impl Iterator<Item = Ticket> {
        self.deadlines.iter().map(|(_, ticket)| *ticket)
    }

    /// How many are under way.
    pub(super) fn in_flight(&self) -> usize {
        self.deadlines.len()
    }

    /// When the first of them is overdue.
    pub(super) fn next_deadline(&self) -> Option<Mono> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The smoothed round trip; zero before the first answer.
    pub(super) fn round_trip(&self) -> Duration {
        self.round_trip.smoothed()
    }
}

/// Changes a deadline and keeps the order of deadlines in step.
fn set_deadline(
    deadlines: &mut BTreeSet<(Mono, Ticket)>,
    ticket: Ticket,
    exchange: &mut Exchange,
    deadline: Option<Mono>,
) {
    if let Some(old) = exchange.deadline {
        deadlines.remove(&(old, ticket));
    }
    exchange.deadline = deadline;
    if let Some(new) = deadline {
        deadlines.insert((new, ticket));
    }
}
