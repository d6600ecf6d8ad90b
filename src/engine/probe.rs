//! A probe: a few samples of one server, without an association, a clock or a discipline.
//!
//! It has the shape of the engine and shares its inputs, outputs, packet tests and mathematics.
//! Requests go out one at a time and never closer together than [`LEAST_INTERVAL`]; a kiss that
//! asks to be left alone ends the probe. Nothing of a datagram is believed before its origin is
//! the nonce of the request that waits.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::num::NonZero;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::engine::association::Heard;
use crate::engine::input::{Input, Received, Stamp};
use crate::engine::on_wire::{self, Sample};
use crate::engine::output::{Output, Socket, Ticket, Transmission};
use crate::engine::poll::nonce;
use crate::selection::distance::{PHI, Path};
use crate::units::{Mode, Mono, Now, NtpDuration, NtpTimestamp, PollExponent, Precision, Stratum};
use crate::wire::kiss::Kiss;
use crate::wire::packet::{Header, Packet};

/// How a server is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many requests are sent.
    pub samples: NonZero<u16>,
    /// From one request to the next; less than [`LEAST_INTERVAL`] counts as that.
    pub interval: Duration,
    /// How long a reply is waited for.
    pub timeout: Duration,
    /// The resolution of the local clock.
    pub precision: Precision,
}

/// What a probe has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The address that was asked last.
    pub address: SocketAddr,
    /// Requests sent to it.
    pub asked: u16,
    /// Replies to them, kisses included.
    pub answered: u16,
    /// What the server last said of itself; `None` when it said nothing, or nothing but kisses.
    pub heard: Option<Heard>,
    /// Whether that is synchronised: tests 6 and 7 of a packet.
    pub is_synchronised: bool,
    /// The last kiss; `None` when there was none.
    pub kiss: Option<Kiss>,
    /// The estimate; `None` without a usable sample.
    pub estimate: Option<Estimate>,
    /// Datagrams that could not be read, answered no request, or had times that cannot be.
    pub refused: u64,
    /// Whether the network said that nobody listens, or that there is no way there.
    pub is_unreachable: bool,
}

/// What the samples say together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// How far the server is ahead of the local clock: of the sample with the least delay.
    pub offset: NtpDuration,
    /// Half the delay and the root distance of the server, with resolutions, drift and jitter: the
    /// true time is within ± this of the offset, if the server is right about itself.
    pub bound: NtpDuration,
    /// The part of the bound that is not the server's: by how much at most the offset differs from
    /// what the server shows.
    pub measured: NtpDuration,
    /// The round trip of the same sample.
    pub delay: NtpDuration,
    /// How far the other samples lie from it (root mean square), at least the resolution of the
    /// local clock; `None` when it is alone.
    pub jitter: Option<NtpDuration>,
    /// Samples in it.
    pub samples: u16,
}

/// A probe of one server.
#[derive(Debug)]
pub struct Probe {
    plan: Plan,
    random: ChaCha20Rng,
    outputs: VecDeque<Output>,
    address: SocketAddr,
    others: VecDeque<SocketAddr>,
    next_ticket: u64,
    pending: Option<Pending>,
    /// When the next request may leave; `None` when there is none to come.
    next: Option<Mono>,
    asked: u16,
    answered: u16,
    heard: Option<Heard>,
    is_synchronised: bool,
    kiss: Option<Kiss>,
    samples: Vec<(Mono, Sample)>,
    refused: u64,
    is_unreachable: bool,
}

/// A request that waits for its reply.
#[derive(Clone, Copy, Debug)]
struct Pending {
    ticket: Ticket,
    nonce: NtpTimestamp,
    sent: Stamp,
    until: Mono,
}

impl Probe {
    /// A probe that begins at `now`. The first request goes to `address`; the `others` of the same
    /// server are tried one after the other while none has answered. `place` keeps the tickets of
    /// several probes apart; `seed` must be unpredictable.
    pub fn new(
        plan: Plan,
        place: u32,
        seed: [u8; 32],
        (address, others): (SocketAddr, &[SocketAddr]),
        now: &Now,
    ) -> Self {
        let mut probe = Self {
            plan,
            random: ChaCha20Rng::from_seed(seed),
            outputs: VecDeque::new(),
            address,
            others: others.iter().copied().collect(),
            next_ticket: u64::from(place) << 32,
            pending: None,
            next: Some(now.mono),
            asked: 0,
            answered: 0,
            heard: None,
            is_synchronised: false,
            kiss: None,
            samples: Vec::new(),
            refused: 0,
            is_unreachable: false,
        };
        probe.handle(now, &Input::Wakeup);
        probe
    }

    /// Takes in what happened. What belongs to another probe changes nothing.
    pub fn handle(&mut self, now: &Now, input: &Input<'_>) {
        match input {
            Input::Received(received) => self.receive(now, received),
            Input::Sent { ticket, stamp } => {
                if let Some(pending) = self.pending.as_mut().filter(|p| p.ticket == *ticket) {
                    pending.sent = *stamp;
                }
            }
            Input::Unsent { ticket } if self.is_pending(*ticket) => {
                self.close();
                self.is_unreachable = true;
                self.unanswered();
            }
            _ => {}
        }
        if self.pending.is_some_and(|pending| pending.until <= now.mono) {
            self.close();
            self.is_unreachable = false;
            self.unanswered();
        }
        if self.pending.is_none() && self.next.is_some_and(|next| next <= now.mono) {
            self.ask(now);
        }
    }

    /// What to do next; `None` when that was all.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back if nothing happens before; `None` when the probe is over.
    pub fn next_wakeup(&self) -> Option<Mono> {
        self.pending.map(|pending| pending.until).or(self.next)
    }

    /// What has been found by `now`.
    pub fn finding(&self, now: Mono) -> Finding {
        Finding {
            address: self.address,
            asked: self.asked,
            answered: self.answered,
            heard: self.heard,
            is_synchronised: self.is_synchronised,
            kiss: self.kiss,
            estimate: self.estimate(now),
            refused: self.refused,
            is_unreachable: self.is_unreachable,
        }
    }

    fn is_pending(&self, ticket: Ticket) -> bool {
        self.pending.is_some_and(|pending| pending.ticket == ticket)
    }

    fn ask(&mut self, now: &Now) {
        let nonce = nonce(&mut self.random);
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.asked += 1;
        let sent = Stamp::handed_out(now);
        self.pending = Some(Pending { ticket, nonce, sent, until: now.mono + self.plan.timeout });
        let is_last = self.asked >= self.plan.samples.get();
        let interval = self.plan.interval.max(LEAST_INTERVAL);
        self.next = (!is_last || self.has_others()).then(|| now.mono + interval);
        self.outputs.push_back(Output::Send(Transmission {
            ticket,
            socket: Socket::Request(ticket),
            to: self.address,
            from: None,
            ttl: None,
            datagram: Header::request(nonce).emit(),
        }));
    }

    fn close(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.outputs.push_back(Output::Close(pending.ticket));
        }
    }

    /// Whether there is an address left to try instead of this one.
    fn has_others(&self) -> bool {
        self.answered == 0 && !self.others.is_empty()
    }

    /// A request led to nothing. Another address of a server that has not answered yet is tried
    /// after the same interval, for both may be the same machine.
    fn unanswered(&mut self) {
        if self.answered > 0 {
            return;
        }
        if let Some(address) = self.others.pop_front() {
            self.address = address;
            self.asked = 0;
        } else if self.is_unreachable {
            self.next = None;
        }
    }

    fn receive(&mut self, now: &Now, received: &Received<'_>) {
        let Some(pending) = self.pending else { return };
        if received.socket != Socket::Request(pending.ticket) {
            return;
        }
        let is_ours = |header: &Header| {
            header.mode == Mode::Server
                && on_wire::answers(header, pending.nonce)
                && on_wire::is_from(self.address, received)
        };
        let packet = Packet::parse(received.datagram);
        let Some(header) = packet.ok().map(|packet| packet.header).filter(is_ours) else {
            self.refused += 1;
            return;
        };
        self.close();
        self.answered += 1;
        self.is_unreachable = false;
        if self.asked >= self.plan.samples.get() {
            self.next = None;
        }
        if let Some(kiss) = header.kiss() {
            self.kiss = Some(kiss);
            if kiss == Kiss::Rate || kiss.is_refusal() {
                self.next = None;
            }
            return;
        }
        self.hear(now, &header, (&pending.sent, &received.stamp));
    }

    fn hear(&mut self, now: &Now, header: &Header, stamps: (&Stamp, &Stamp)) {
        let nothing = || Heard::nothing(Kiss::Initialising, PollExponent::new(0));
        let mut heard = self.heard.unwrap_or_else(nothing);
        heard.hear(header, now.mono, stamps.1);
        let limits = (Stratum::new(1), Stratum::UNSYNCHRONISED);
        let is_synchronised = on_wire::header_tests(&heard, limits) == 0;
        if is_synchronised != self.is_synchronised {
            // What a server says before it is synchronised is not mixed with what it says then.
            self.samples.clear();
        }
        self.heard = Some(heard);
        self.is_synchronised = is_synchronised;
        let sample = on_wire::sample(header, stamps, self.plan.precision.seconds(), PHI);
        if on_wire::lacks_times(header) || on_wire::is_impossible(sample.delay) {
            self.refused += 1;
            return;
        }
        self.samples.push((now.mono, sample));
    }

    fn estimate(&self, now: Mono) -> Option<Estimate> {
        let heard = self.heard?;
        let (at, best) = self.samples.iter().min_by_key(|(_, sample)| sample.delay)?;
        let precision = NtpDuration::from_seconds(self.plan.precision.seconds());
        let others = self.samples.len() - 1;
        let squares = self.samples.iter().map(|(_, sample)| {
            let apart_s = (sample.offset - best.offset).seconds();
            apart_s * apart_s
        });
        let count = u16::try_from(self.samples.len()).unwrap_or(u16::MAX);
        let jitter = (others > 0).then(|| {
            let mean = squares.sum::<f64>() / f64::from(count - 1);
            NtpDuration::from_seconds(mean.sqrt()).max(precision)
        });
        let path = Path {
            delay: best.delay.max(NtpDuration::ZERO),
            root_delay: heard.root_delay,
            root_dispersion: heard.root_dispersion,
            jitter: jitter.unwrap_or_default(),
            source_precision: heard.precision,
            precision: self.plan.precision,
            age: NtpDuration::from(now.since(*at)),
        };
        let of_path =
            Path { root_delay: NtpDuration::ZERO, root_dispersion: NtpDuration::ZERO, ..path };
        let distance = |path: Path| path.root_distance(NtpDuration::ZERO) + best.stamp_error;
        Some(Estimate {
            offset: best.offset,
            bound: distance(path),
            measured: distance(of_path),
            delay: best.delay,
            jitter,
            samples: count,
        })
    }
}

/// The least time from one request to the next: what servers put up with.
pub const LEAST_INTERVAL: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
