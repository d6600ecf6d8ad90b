//! Requests in flight and the replies to them.
//!
//! A request is sent again under the sequence number that it had, for any answer to it will do. How
//! many are in flight follows what comes back: a daemon may limit its clients (`cmdratelimit`), and
//! then it drops what is too much without a word.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::control::timing::{RoundTrip, Timing};
use crate::model::{Dated, Failure};
use crate::units::{Mono, Now};
use crate::wire::Malformed;
use crate::wire::cmdmon::{
    Body, MOST_REQUEST_LEN, Reply, ReplyHeader, Request, RequestKey, Status,
};

/// The requests to one daemon.
#[derive(Clone, Debug)]
pub(super) struct Exchange<P> {
    timing: Timing,
    round_trip: RoundTrip,
    sequences: ChaCha20Rng,
    /// What was sent and is not answered yet, by sequence number.
    open: BTreeMap<u32, Open<P>>,
    /// What is to be sent as soon as there is room.
    waiting: VecDeque<(P, Body)>,
    /// Requests that may be in flight, now and ever.
    window: usize,
    most: usize,
    /// When the window was last made smaller.
    narrowed: Mono,
    /// How much of a burst is left, and when the next may begin.
    burst: usize,
    next_burst: Mono,
    /// The least length of requests, for daemons that want more padding than those known.
    least_len: usize,
    outputs: VecDeque<Output<P>>,
}

/// A request in flight.
#[derive(Clone, Debug)]
struct Open<P> {
    purpose: P,
    body: Body,
    first: Mono,
    sent: Mono,
    due: Mono,
    sendings: u32,
    /// The least length when it was last sent.
    least_len: usize,
}

/// What becomes of requests.
#[derive(Clone, Debug)]
pub(super) enum Output<P> {
    /// Send this.
    Send(Vec<u8>),
    /// Answered.
    Answer(Answer<P>),
    /// Given up.
    Unanswered {
        /// What it was for.
        purpose: P,
        /// When it was first sent.
        asked: Mono,
        /// How often, and for how long it was waited.
        failure: Failure,
    },
    /// Something came that is no reply, or a reply that cannot be read.
    Garbage(Malformed),
}

/// A reply to a request of ours.
#[derive(Clone, Debug)]
pub(super) struct Answer<P> {
    /// What it was for.
    pub(super) purpose: P,
    /// What came.
    pub(super) reply: Reply,
    /// When it was asked and answered.
    pub(super) dated: Dated,
    /// How long it took.
    pub(super) round_trip: Duration,
}

impl<P: Copy> Exchange<P> {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self {
            timing: Timing::live(),
            round_trip: RoundTrip::default(),
            sequences: ChaCha20Rng::from_seed(seed),
            open: BTreeMap::new(),
            waiting: VecDeque::new(),
            window: MOST_IN_FLIGHT,
            most: MOST_IN_FLIGHT,
            narrowed: Mono::default(),
            burst: BURST,
            next_burst: Mono::default(),
            least_len: 0,
            outputs: VecDeque::new(),
        }
    }

    /// The same over a Unix socket, whose queues are short: what has no room in the daemon's, or its
    /// answer in ours, is lost.
    pub(super) fn over_unix(seed: [u8; 32]) -> Self {
        Self { window: MOST_QUEUED, most: MOST_QUEUED, ..Self::new(seed) }
    }

    /// Asks as soon as there is room.
    pub(super) fn ask(&mut self, purpose: P, body: Body) {
        self.waiting.push_back((purpose, body));
    }

    /// Asks once at once and waits no longer than `patience`.
    pub(super) fn ask_once(&mut self, now: Now, purpose: P, body: Body, patience: Duration) {
        self.begin(now, purpose, body, now.mono + patience, ENOUGH);
    }

    /// Sends a request for the first time.
    fn begin(&mut self, now: Now, purpose: P, body: Body, due: Mono, sendings: u32) {
        let sequence = self.sequence();
        let (first, sent, least_len) = (now.mono, now.mono, self.least_len);
        self.open.insert(sequence, Open { purpose, body, first, sent, due, sendings, least_len });
        self.send(sequence, 0);
    }

    /// Takes back everything.
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.waiting.clear();
    }

    /// Another daemon than before: what was learned of its habits is no longer true.
    pub(super) fn forget_daemon(&mut self) {
        self.clear();
        self.round_trip = RoundTrip::default();
        self.window = self.most;
        self.least_len = 0;
    }

    /// Whether nothing is under way or waits.
    pub(super) fn is_idle(&self) -> bool {
        self.open.is_empty() && self.waiting.is_empty()
    }

    /// Requests under way.
    pub(super) fn in_flight(&self) -> usize {
        self.open.len()
    }

    /// Whether fewer are let out than a daemon without limits would take.
    pub(super) const fn is_narrow(&self) -> bool {
        self.window < if self.most < NARROW { self.most } else { NARROW }
    }

    pub(super) fn poll_output(&mut self) -> Option<Output<P>> {
        self.outputs.pop_front()
    }

    /// A datagram came.
    pub(super) fn datagram(&mut self, now: Now, bytes: &[u8]) {
        let header = match ReplyHeader::parse(bytes) {
            Ok(header) => header,
            Err(why) => return self.outputs.push_back(Output::Garbage(why)),
        };
        let Some(open) = self.open.get(&header.sequence) else { return };
        if open.body.command() != header.command {
            return;
        }
        let reply = match Reply::parse(bytes) {
            Ok(reply) => reply,
            // Nothing better will come of asking again.
            Err(why) => {
                let Some(open) = self.open.remove(&header.sequence) else { return };
                let failure = Failure::Unreadable(why.clone());
                self.outputs.push_back(Output::Garbage(why));
                let purpose = open.purpose;
                return self.outputs.push_back(Output::Unanswered {
                    purpose,
                    asked: open.first,
                    failure,
                });
            }
        };
        let key = RequestKey { command: open.body.command(), sequence: header.sequence };
        let Some(open) = self.open.remove(&header.sequence).filter(|_| reply.answers(key)) else {
            return;
        };
        if reply.status == Status::BadPacketLength && open.least_len < MOST_REQUEST_LEN {
            // A daemon that is newer than this program, with longer replies: what else is in
            // flight meets with the same.
            self.least_len = MOST_REQUEST_LEN;
            return self.waiting.push_front((open.purpose, open.body));
        }
        let round_trip = now.mono.since(open.sent);
        if open.sendings == 1 {
            self.round_trip.measure(round_trip);
        }
        self.window = (self.window + 1).min(self.most);
        let dated = Dated { asked: open.first, answered: now.mono, clock: now.clock };
        let purpose = open.purpose;
        self.outputs.push_back(Output::Answer(Answer { purpose, reply, dated, round_trip }));
    }

    /// Sends what there is room for, again what was not answered, and gives up what never was.
    pub(super) fn run(&mut self, now: Now) {
        let late: Vec<u32> =
            self.open.iter().filter(|(_, open)| open.due <= now.mono).map(|(s, _)| *s).collect();
        for sequence in late {
            self.send_again_or_give_up(now, sequence);
        }
        if self.next_burst <= now.mono {
            self.burst = BURST;
        }
        while self.burst > 0 && self.open.len() < self.window {
            let Some((purpose, body)) = self.waiting.pop_front() else { break };
            let due = now.mono + self.timing.first_wait(1, &self.round_trip);
            self.begin(now, purpose, body, due, 1);
            self.burst -= 1;
            self.next_burst = now.mono + PAUSE;
        }
    }

    /// When there is something to do at the latest.
    pub(super) fn next_wakeup(&self) -> Option<Mono> {
        let due = self.open.values().map(|open| open.due).min();
        let has_room = !self.waiting.is_empty() && self.open.len() < self.window;
        [due, has_room.then_some(self.next_burst)].into_iter().flatten().min()
    }

    fn send_again_or_give_up(&mut self, now: Now, sequence: u32) {
        let Some(open) = self.open.get_mut(&sequence) else { return };
        let waited = now.mono.since(open.first);
        if open.sendings < ENOUGH && self.timing.goes_on(open.sendings, waited, &self.round_trip) {
            open.sendings += 1;
            open.sent = now.mono;
            let patience = self.timing.patience(&self.round_trip);
            let wait = self.timing.first_wait(open.sendings, &self.round_trip);
            open.due = now.mono + wait.min(patience.saturating_sub(waited).max(LEAST_WAIT));
            let attempt = u16::try_from(open.sendings - 1).unwrap_or(u16::MAX);
            self.send(sequence, attempt);
        } else if let Some(open) = self.open.remove(&sequence) {
            let attempts = if open.sendings == ENOUGH { 1 } else { open.sendings };
            self.outputs.push_back(Output::Unanswered {
                purpose: open.purpose,
                asked: open.first,
                failure: Failure::Unanswered { attempts, waited },
            });
        }
        // What is lost together is one reason to be more careful, not many.
        if now.mono.since(self.narrowed) >= BETWEEN_NARROWINGS {
            self.narrowed = now.mono;
            self.window = (self.open.len().min(self.window) / 2).max(LEAST_IN_FLIGHT);
        }
    }

    fn send(&mut self, sequence: u32, attempt: u16) {
        if let Some(open) = self.open.get_mut(&sequence) {
            open.least_len = self.least_len;
            let request = Request { attempt, sequence, body: open.body.clone() };
            self.outputs.push_back(Output::Send(request.emit_padded(self.least_len)));
        }
    }

    /// A number that is not in use; nobody can foresee it.
    fn sequence(&mut self) -> u32 {
        loop {
            let sequence = self.sequences.next_u32();
            if !self.open.contains_key(&sequence) {
                return sequence;
            }
        }
    }
}

/// The most requests in flight: those of 60 sources in one trip.
const MOST_IN_FLIGHT: usize = 320;

/// The most over a Unix socket: Linux lets eleven datagrams wait there (`net.unix.max_dgram_qlen`)
/// unless the system was told otherwise.
const MOST_QUEUED: usize = 8;

/// The fewest: were there one only, each that is lost would stop everything.
const LEAST_IN_FLIGHT: usize = 4;

/// Below this many the daemon is taken to limit us, or the network to be bad.
const NARROW: usize = 16;

/// Requests that go out at once: more would overflow a daemon's receive buffer.
const BURST: usize = 64;

/// How long to wait before the next burst.
const PAUSE: Duration = Duration::from_millis(2);

/// The window is halved at most this often.
const BETWEEN_NARROWINGS: Duration = Duration::from_millis(500);

const LEAST_WAIT: Duration = Duration::from_millis(50);

/// Sendings of what is sent once only.
const ENOUGH: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::Report;

    fn at(milliseconds: u64) -> Now {
        Now { mono: Mono::from_nanos(milliseconds * 1_000_000), ..Now::default() }
    }

    /// The requests that went out since this was last asked.
    fn sent(exchange: &mut Exchange<u32>) -> Vec<Request> {
        let mut requests = Vec::new();
        while let Some(output) = exchange.poll_output() {
            if let Output::Send(bytes) = output {
                requests.push(Request::parse(&bytes).unwrap());
            }
        }
        requests
    }

    fn asked(number: u32) -> Exchange<u32> {
        let mut exchange = Exchange::new([7; 32]);
        for index in 0..number {
            exchange.ask(index, Body::SourceData(index));
        }
        exchange
    }

    #[test]
    fn many_go_out_in_bursts_and_none_waits_for_another() {
        let mut exchange = asked(200);
        let mut counts = Vec::new();
        for now in 0.. {
            exchange.run(at(now));
            counts.push(sent(&mut exchange).len());
            if exchange.in_flight() == 200 {
                break;
            }
        }
        assert_eq!(counts, [64, 0, 64, 0, 64, 0, 8]);
    }

    #[test]
    fn a_reply_counts_only_for_the_question_that_it_answers() {
        let mut exchange = asked(1);
        exchange.run(at(0));
        let request = sent(&mut exchange).remove(0);
        let mut other = request.clone();
        other.sequence ^= 1;
        for (body, sequence) in
            [(Body::SourceData(0), other.sequence), (Body::Tracking, request.sequence)]
        {
            let key = RequestKey::from(&Request { attempt: 0, sequence, body });
            let foreign = Reply::bare(key, Status::NoSuchSource).emit();
            exchange.datagram(at(1), &foreign);
            assert!(exchange.poll_output().is_none());
        }
        let reply = Reply::success(RequestKey::from(&request), Report::Nothing);
        exchange.datagram(at(20), &reply.emit());
        let Some(Output::Answer(answer)) = exchange.poll_output() else { panic!("no answer") };
        assert_eq!(answer.round_trip, Duration::from_millis(20));
        assert!(exchange.is_idle());
        exchange.datagram(at(21), &reply.emit());
        assert!(exchange.poll_output().is_none(), "the same once more");
    }

    #[test]
    fn what_is_not_answered_is_sent_again_then_given_up() {
        let mut exchange = asked(1);
        let mut times = Vec::new();
        for now in 0..10_000 {
            exchange.run(at(now));
            while let Some(output) = exchange.poll_output() {
                match output {
                    Output::Send(_) => times.push(now),
                    Output::Unanswered { failure, .. } => {
                        assert!(matches!(failure, Failure::Unanswered { attempts: 3, .. }));
                        assert!(exchange.is_idle() && now < 4_500);
                        assert_eq!(times, [0, 1000, 3000]);
                        return;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        panic!("waited for ever");
    }

    #[test]
    fn a_daemon_that_wants_more_padding_gets_it() {
        let mut exchange = asked(1);
        exchange.run(at(0));
        let request = sent(&mut exchange).remove(0);
        let refusal = Reply::bare(RequestKey::from(&request), Status::BadPacketLength).emit();
        exchange.datagram(at(1), &refusal);
        exchange.run(at(2));
        let Some(Output::Send(longer)) = exchange.poll_output() else { panic!("not sent") };
        assert_eq!(longer.len(), MOST_REQUEST_LEN);
        let again = Request::parse(&longer).unwrap();
        exchange.datagram(
            at(3),
            &Reply::bare(RequestKey::from(&again), Status::BadPacketLength).emit(),
        );
        assert!(matches!(exchange.poll_output(), Some(Output::Answer(_))), "no more than once");
    }

    #[test]
    fn losses_narrow_the_window_and_answers_widen_it() {
        let mut exchange = asked(100);
        exchange.run(at(0));
        exchange.run(at(2));
        assert_eq!(sent(&mut exchange).len(), 100);
        exchange.run(at(1100));
        assert_eq!(exchange.window, 50);
        let again = sent(&mut exchange);
        assert_eq!(again.len(), 100);
        for request in &again {
            let reply = Reply::bare(RequestKey::from(request), Status::NoSuchSource).emit();
            exchange.datagram(at(1200), &reply);
        }
        assert_eq!(exchange.window, 150);
    }

    #[test]
    fn what_cannot_be_read_is_told_and_not_asked_again() {
        let mut exchange = asked(1);
        exchange.run(at(0));
        let request = sent(&mut exchange).remove(0);
        let mut reply = Reply::success(RequestKey::from(&request), Report::Nothing).emit();
        // A reply of a source without its source.
        reply.splice(6..8, [0, 3]);
        exchange.datagram(at(1), &reply);
        assert!(matches!(exchange.poll_output(), Some(Output::Garbage(_))));
        assert!(matches!(
            exchange.poll_output(),
            Some(Output::Unanswered { failure: Failure::Unreadable(_), .. })
        ));
        exchange.datagram(at(1), b"\x06");
        assert!(matches!(exchange.poll_output(), Some(Output::Garbage(_))));
    }
}
