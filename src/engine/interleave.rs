//! Interleaved requests: a reply tells when the one before it really left.
//!
//! RFC 9769 §3. A server cannot write the time of sending into a packet that it has not sent yet;
//! in the interleaved form it gives that of its reply before, as its kernel saw it leave. Such a
//! request gives back the server's own time of receiving the last one, which tells nothing of us,
//! and carries a second random number by which its answer is told from a basic one. A server that
//! knows nothing of it answers in the basic form, which is as good as ever.

use rand_chacha::ChaCha20Rng;

use crate::engine::Engine;
use crate::engine::association::{Association, Pending};
use crate::engine::input::Received;
use crate::engine::on_wire::{Exchange, Times};
use crate::engine::poll::{event, nonce};
use crate::units::{AssocId, Now, NtpTimestamp};
use crate::wire::packet::Header;

/// What is remembered for the next interleaved exchange with a server.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Interleave {
    previous: Option<Previous>,
    /// Requests that were not answered in a row.
    unanswered: u32,
    /// Interleaved replies in a row whose times cannot be.
    errors: u32,
}

/// An exchange whose reply may have left later than it said.
#[derive(Clone, Copy, Debug)]
struct Previous {
    /// Its times, the last but one as the reply told it.
    times: Times,
    /// Whether the reply gave a sample by itself.
    is_measured: bool,
}

impl Interleave {
    /// What an interleaved request gives back; `None` while the next request has to be a basic one.
    fn origin(&self) -> Option<NtpTimestamp> {
        let is_promising = self.unanswered < MOST_UNANSWERED && self.errors < MOST_ERRORS;
        self.previous.filter(|_| is_promising).map(|previous| previous.times.receive)
    }

    /// A request was answered; by this exchange the next reply is measured.
    const fn answered(&mut self, exchange: Previous) {
        self.unanswered = 0;
        self.previous = Some(exchange);
    }

    /// A request was not answered.
    pub(in crate::engine) const fn unanswered(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// Begins anew: the server, or what is known of it, is another one.
    pub(in crate::engine) fn restart(&mut self) {
        *self = Self::default();
    }
}

impl Association {
    /// What the next request gives back and its second nonce, where it is an interleaved one;
    /// `first` is its nonce for a basic answer.
    pub(in crate::engine) fn interleaved_nonce(
        &self,
        first: NtpTimestamp,
        random: &mut ChaCha20Rng,
    ) -> Option<(NtpTimestamp, NtpTimestamp)> {
        let origin = self.interleave.origin().filter(|_| self.options.xleave)?;
        // Two that are equal would make it a basic request.
        let second = std::iter::repeat_with(|| nonce(random)).find(|second| *second != first)?;
        Some((origin, second))
    }
}

impl Engine {
    /// Takes a reply in, which tells of this exchange, or of the one before where it is interleaved.
    pub(in crate::engine) fn take_reply(
        &mut self,
        now: &Now,
        id: AssocId,
        header: &Header,
        reply: &Reply<'_, '_>,
    ) {
        let Reply { pending, received, is_authentic } = *reply;
        let Some(association) = self.associations.get_mut(&id) else { return };
        association.local = received.to.or(association.local);
        let before = association.samples;
        let current = Times {
            sent: pending.sent,
            receive: header.receive,
            transmit: header.transmit,
            arrived: received.stamp,
            at: now.mono,
            steps: pending.steps,
        };
        let is_interleaved = pending.interleaved == Some(header.origin);
        let previous = association.interleave.previous.filter(|_| is_interleaved);
        let exchange = Exchange {
            version: pending.version,
            arrival: received.stamp,
            is_authentic,
            times: previous
                .map_or(current, |before| Times { transmit: header.transmit, ..before.times }),
            is_interleaved,
            is_measured: previous.is_some_and(|previous| previous.is_measured),
            frequency: None,
        };
        self.answer(now, id, header, &exchange);
        let Some(association) = self.associations.get_mut(&id) else { return };
        if association.options.xleave && !header.receive.is_never() {
            let is_measured = !is_interleaved && association.samples > before;
            association.interleave.answered(Previous { times: current, is_measured });
        }
    }

    /// The times of an interleaved packet belong together, or cannot.
    pub(in crate::engine) fn judge_interleaved(&mut self, id: AssocId, is_possible: bool) {
        let Some(association) = self.associations.get_mut(&id) else { return };
        association.interleave.errors =
            if is_possible { 0 } else { association.interleave.errors.saturating_add(1) };
        if !is_possible {
            association.counters.interleave_errors += 1;
            self.peer_event_once(id, event::INTERLEAVE_ERROR, "its times do not belong together");
            return;
        }
        association.counters.interleaved += 1;
        if association.counters.interleaved == 1 {
            self.peer_event(id, event::INTERLEAVED, "it tells when its last packet left");
        }
    }
}

/// A reply, the request that it answers, and whether it is authenticated.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Reply<'r, 'd> {
    pub pending: Pending,
    pub received: &'r Received<'d>,
    pub is_authentic: bool,
}

/// After so many requests without an answer a server is asked in the basic form: what it keeps of
/// us may be what it does not answer.
const MOST_UNANSWERED: u32 = 4;

/// After so many errors a server is not asked for what it cannot do.
const MOST_ERRORS: u32 = 4;
