//! One question of mode 7: sent once, its reply put together, waited for and given up.
//!
//! ntpdc sends a question once and waits five seconds for the first datagram and two for each that
//! is missing then; so does this. Nothing is ever sent again by itself: replies carry nothing that
//! tells which request they answer, and a request that changes the daemon may have been done although
//! its answer was lost. For the same reason there is one question at a time, on a socket of its own.
//!
//! Datagrams that are no part of the reply do not make the wait longer, however many come. A reply
//! has at most 128 parts of 500 bytes, so what is kept is bounded by the protocol.

use std::time::Duration;

use crate::model::question::Unreachable;
use crate::units::{Mono, Now, NtpDuration};
use crate::wire::mac::Key;
use crate::wire::mode7::{Items, Progress, Reassembly, Refusal, Request, RequestSize, auth};

/// A question, and how to put it.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is asked.
    pub request: Request,
    /// How long its datagram is.
    pub size: RequestSize,
    /// Who signs it; nobody when there is none.
    pub key: Option<Key>,
    /// What is added to the time in a signed request: the daemon compares it with its own when it
    /// has come.
    pub delay: NtpDuration,
    /// How long to wait for the first datagram.
    pub timeout: Duration,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The daemon did it, and answered this.
    Done(Items),
    /// The daemon refuses.
    Refused(Refusal),
    /// Nothing came.
    Unanswered,
    /// Parts came, others never did.
    Incomplete,
    /// The network says that nobody listens there, or that there is no way.
    Unreachable(Unreachable),
    /// It was not sent: in requests of this size there is no room for the key's digest.
    DigestTooLong,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A datagram came from the daemon's address.
    Datagram(&'a [u8]),
    /// The network says why there is no way.
    Unreachable(Unreachable),
    /// Some time passed.
    Wakeup,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this to the daemon.
    Send(Vec<u8>),
    /// The question has come to its end.
    Ended(Outcome),
}

/// A question on its way.
#[derive(Debug)]
pub struct Exchange {
    reassembly: Reassembly,
    deadline: Option<Mono>,
    outputs: Vec<Output>,
    ignored: u64,
}

impl Exchange {
    /// Puts a question now.
    pub fn new(now: Now, question: &Question) -> Self {
        let Question { request, size, key, delay, timeout } = question;
        let datagram = match key {
            Some(key) => auth::seal(request, *size, key, now.clock + *delay),
            None => Some(request.emit(*size)),
        };
        let mut exchange = Self {
            reassembly: Reassembly::new(request.implementation, request.code),
            deadline: None,
            outputs: Vec::new(),
            ignored: 0,
        };
        match datagram {
            Some(datagram) => {
                exchange.outputs.push(Output::Send(datagram));
                exchange.deadline = Some(now.mono + *timeout);
            }
            None => exchange.outputs.push(Output::Ended(Outcome::DigestTooLong)),
        }
        exchange
    }

    /// Takes in what happened. After the end nothing changes any more.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        let Some(deadline) = self.deadline else { return };
        match input {
            Input::Unreachable(why) => self.end(Outcome::Unreachable(why)),
            // What came too late is not looked at, as by ntpdc.
            _ if now.mono >= deadline => self.end(if self.reassembly.has_begun() {
                Outcome::Incomplete
            } else {
                Outcome::Unanswered
            }),
            Input::Datagram(datagram) => match self.reassembly.add(datagram) {
                Progress::Ignored(_) => self.ignored += 1,
                Progress::Partial => self.deadline = Some(now.mono + BETWEEN),
                Progress::Refused(refusal) => self.end(Outcome::Refused(refusal)),
                Progress::Complete(items) => self.end(Outcome::Done(items)),
            },
            Input::Wakeup => {}
        }
    }

    /// The next thing to be done; `None` when there is nothing to do but to wait.
    pub fn poll_output(&mut self) -> Option<Output> {
        (!self.outputs.is_empty()).then(|| self.outputs.remove(0))
    }

    /// When to wake at the latest; `None` once it has ended.
    pub const fn next_wakeup(&self) -> Option<Mono> {
        self.deadline
    }

    /// Datagrams so far that were no part of the reply.
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }

    fn end(&mut self, outcome: Outcome) {
        self.deadline = None;
        self.outputs.push(Output::Ended(outcome));
    }
}

/// How long to wait for another part after one has come.
const BETWEEN: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::mode7::{Code, Implementation, Message};

    const TIMEOUT: Duration = Duration::from_secs(5);

    fn question() -> Question {
        Question {
            request: Request::plain(Implementation::Current, Code::LoopInfo),
            size: RequestSize::Usual,
            key: None,
            delay: NtpDuration::ZERO,
            timeout: TIMEOUT,
        }
    }

    fn at(milliseconds: u64) -> Now {
        let mono = Mono::default() + Duration::from_millis(milliseconds);
        Now { mono, ..Now::default() }
    }

    fn part(sequence: u8, more: bool) -> Vec<u8> {
        Message {
            response: true,
            more,
            version: 2,
            authenticated: false,
            sequence,
            implementation: Implementation::Current,
            code: Code::LoopInfo,
            refusal: None,
            count: 1,
            reserved: 0,
            item_len: 4,
            body: b"item",
        }
        .emit()
    }

    fn started() -> Exchange {
        let mut exchange = Exchange::new(at(0), &question());
        let Some(Output::Send(datagram)) = exchange.poll_output() else { panic!() };
        assert_eq!(datagram.len(), 192);
        assert_eq!(exchange.poll_output(), None);
        exchange
    }

    fn ended(exchange: &mut Exchange) -> Outcome {
        let Some(Output::Ended(outcome)) = exchange.poll_output() else { panic!("goes on") };
        assert_eq!((exchange.poll_output(), exchange.next_wakeup()), (None, None));
        outcome
    }

    #[test]
    fn a_reply_in_parts_is_put_together() {
        let mut exchange = started();
        exchange.handle(at(10), Input::Datagram(&part(1, false)));
        assert_eq!(exchange.next_wakeup(), Some(at(2010).mono));
        exchange.handle(at(20), Input::Datagram(&part(0, true)));
        let Outcome::Done(items) = ended(&mut exchange) else { panic!() };
        assert_eq!(items.count(), 2);
    }

    #[test]
    fn silence_is_waited_for_as_long_as_asked() {
        let mut exchange = started();
        exchange.handle(at(4999), Input::Wakeup);
        assert_eq!(exchange.poll_output(), None);
        exchange.handle(at(5000), Input::Wakeup);
        assert_eq!(ended(&mut exchange), Outcome::Unanswered);
    }

    #[test]
    fn what_is_missing_is_waited_for_two_seconds() {
        let mut exchange = started();
        exchange.handle(at(4000), Input::Datagram(&part(0, true)));
        exchange.handle(at(5999), Input::Wakeup);
        assert_eq!(exchange.poll_output(), None);
        exchange.handle(at(6000), Input::Wakeup);
        assert_eq!(ended(&mut exchange), Outcome::Incomplete);
    }

    #[test]
    fn garbage_makes_no_wait_longer() {
        let mut exchange = started();
        for millisecond in 0..5000 {
            exchange.handle(at(millisecond), Input::Datagram(b"\x97\0\x03\x01\0\0\0\0"));
        }
        assert_eq!(exchange.ignored(), 5000);
        assert_eq!(exchange.next_wakeup(), Some(at(5000).mono));
        exchange.handle(at(5000), Input::Datagram(&part(0, false)));
        assert_eq!(ended(&mut exchange), Outcome::Unanswered);
        exchange.handle(at(5001), Input::Datagram(&part(0, false)));
        assert_eq!(exchange.poll_output(), None);
    }

    #[test]
    fn what_the_network_says_ends_it() {
        let mut exchange = started();
        exchange.handle(at(1), Input::Unreachable(Unreachable::PortClosed));
        assert_eq!(ended(&mut exchange), Outcome::Unreachable(Unreachable::PortClosed));
    }

    #[test]
    fn a_signed_question_tells_the_time_it_will_come_at() {
        let key = Key::from_literal(1, "MD5", "secret").ok();
        let delay = NtpDuration::from_seconds(0.5);
        let mut exchange = Exchange::new(at(0), &Question { key, delay, ..question() });
        let Some(Output::Send(datagram)) = exchange.poll_output() else { panic!() };
        let tail = auth::tail(&datagram).unwrap();
        assert_eq!(tail.at - at(0).clock, delay);
    }

    #[test]
    fn a_digest_without_room_is_not_sent() {
        let key = Key::from_literal(1, "SHA1", "secret").ok();
        let size = RequestSize::Smaller;
        let mut exchange = Exchange::new(at(0), &Question { size, key, ..question() });
        assert_eq!(ended(&mut exchange), Outcome::DigestTooLong);
    }
}
