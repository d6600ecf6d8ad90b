//! How the conversation with a daemon stands: the machine behind [`Contact`].
//!
//! A daemon is called silent only when everything that was asked since some moment stayed without
//! an answer, and never while its rate limiter explains that.

use std::time::Duration;

use crate::model::question::Unreachable;
use crate::model::{Contact, Failure};
use crate::units::Mono;
use crate::wire::Malformed;

/// The state of the conversation, and what it was derived from.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    contact: Contact,
    /// The last good answer.
    last: Option<Mono>,
    /// How long it took.
    round_trip: Duration,
    /// Probes in vain since contact was lost.
    failed: u32,
    /// What came since the last good answer and was no control message.
    garbage: Option<(Malformed, Mono)>,
}

/// What may be asked in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing: there is nobody to ask.
    Away,
    /// First questions.
    Asking,
    /// Anything.
    Talking,
    /// Only whether it is there again.
    Lost,
}

impl Conversation {
    pub(super) const fn new() -> Self {
        Self {
            contact: Contact::Resolving,
            last: None,
            round_trip: Duration::ZERO,
            failed: 0,
            garbage: None,
        }
    }

    pub(super) const fn contact(&self) -> &Contact {
        &self.contact
    }

    pub(super) const fn phase(&self) -> Phase {
        match self.contact {
            Contact::Resolving | Contact::NoAddress { .. } => Phase::Away,
            Contact::Asking { .. } => Phase::Asking,
            Contact::Answering { .. } | Contact::RateLimited { .. } => Phase::Talking,
            _ => Phase::Lost,
        }
    }

    /// The last good answer.
    pub(super) const fn last_answer(&self) -> Option<Mono> {
        self.last
    }

    /// Probes in vain since contact was lost.
    pub(super) const fn failed_probes(&self) -> u32 {
        self.failed
    }

    /// There is an address to ask, for the first time or another than before.
    pub(super) fn begin(&mut self, now: Mono) {
        *self = Self { contact: Contact::Asking { since: now }, ..Self::new() };
    }

    /// There is no address to ask.
    pub(super) fn no_address(&mut self, why: Box<str>) {
        self.contact = Contact::NoAddress { why };
    }

    /// A good answer came. `resume` is when the limiter allows the next question, if it is one.
    pub(super) fn answered(&mut self, now: Mono, round_trip: Duration, resume: Option<Mono>) {
        self.last = Some(now);
        self.round_trip = round_trip;
        self.failed = 0;
        self.garbage = None;
        self.contact = match resume {
            Some(resume) => Contact::RateLimited { last: now, resume },
            None => Contact::Answering { last: now, round_trip },
        };
    }

    /// The limiter was recognised, or allows the next question at another time.
    pub(super) fn limited(&mut self, resume: Mono) {
        if let (Some(last), Phase::Talking | Phase::Asking) = (self.last, self.phase()) {
            self.contact = Contact::RateLimited { last, resume };
        }
    }

    /// The limiter is at work no longer.
    pub(super) fn unlimited(&mut self) {
        if let Contact::RateLimited { last, .. } = self.contact {
            self.contact = Contact::Answering { last, round_trip: self.round_trip };
        }
    }

    /// A question failed; whether it says more than that one answer was lost: nothing has been
    /// answered since it was first sent at `asked`.
    pub(super) fn unanswered(&mut self, asked: Mono) -> bool {
        if self.last.is_some_and(|last| last >= asked) {
            return false;
        }
        self.lose(asked);
        true
    }

    /// Nothing has been answered since `asked`.
    pub(super) fn lose(&mut self, asked: Mono) {
        self.count_failure();
        let (since, last) = (self.lost_since(asked), self.last);
        self.contact = match &self.garbage {
            Some((why, at)) if *at >= asked => Contact::Garbage { why: why.clone(), since, last },
            _ => Contact::Silent { since, last },
        };
    }

    /// The network said that a datagram did not get there.
    pub(super) fn unreachable(&mut self, now: Mono, why: Unreachable) {
        if self.phase() != Phase::Away {
            let (since, last) = (self.lost_since(now), self.last);
            self.contact = Contact::Unreachable { why, since, last };
        }
    }

    /// A probe that the network turned back.
    pub(super) const fn count_failure(&mut self) {
        self.failed = self.failed.saturating_add(1);
    }

    /// The list of associations was refused; whether it is all that can be had: nothing else has
    /// been answered of late.
    pub(super) fn refused(&mut self, now: Mono, why: Failure) -> bool {
        self.garbage = None;
        if self.last.is_some_and(|last| now.since(last) < REFUSED_AFTER) {
            return false;
        }
        self.count_failure();
        let (since, last) = (self.lost_since(now), self.last);
        self.contact = Contact::Refusing { why, since, last };
        true
    }

    /// Something came that is no control message; whether that says anything new.
    pub(super) fn garbage(&mut self, now: Mono, why: Malformed) -> bool {
        self.garbage = Some((why.clone(), now));
        if !matches!(self.phase(), Phase::Asking | Phase::Lost) {
            return false;
        }
        let contact = Contact::Garbage { why, since: self.lost_since(now), last: self.last };
        let is_new = self.contact != contact;
        self.contact = contact;
        is_new
    }

    /// Since when contact has been lost, whatever it was called; `now` when it is lost only now.
    const fn lost_since(&self, now: Mono) -> Mono {
        match self.contact {
            Contact::Silent { since, .. }
            | Contact::Unreachable { since, .. }
            | Contact::Refusing { since, .. }
            | Contact::Garbage { since, .. } => since,
            _ => now,
        }
    }
}

/// A refusal of the list is a refusal of everything when nothing else was answered for so long.
const REFUSED_AFTER: Duration = Duration::from_secs(6);

/// From one probe of a daemon that does not answer to the next, after `failed` in vain. Where
/// somebody waits for it, one small datagram in 4 s troubles nobody, not even a daemon that limits us.
pub(super) fn probe_gap(failed: u32, is_awaited: bool) -> Duration {
    Duration::from_secs(1 << failed.min(if is_awaited { 2 } else { 4 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_slow_down_to_one_in_four_seconds_where_awaited_and_else_in_sixteen() {
        let gaps = |awaited| (0..6).map(|n| probe_gap(n, awaited).as_secs()).collect::<Vec<_>>();
        assert_eq!(gaps(true), [1, 2, 4, 4, 4, 4]);
        assert_eq!(gaps(false), [1, 2, 4, 8, 16, 16]);
    }
}
