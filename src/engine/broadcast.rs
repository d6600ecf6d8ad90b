//! Listening to servers that send the time to everybody (RFC 5905 §8, mode 5).
//!
//! One packet says how far its sender is ahead less what it took to come. That is measured once:
//! the first acceptable packet mobilises an association that asks its sender like any client (the
//! volley), and what it learns is compared with the next packet that comes. From then on it only
//! listens. As anybody can send to everybody, packets have to be authenticated unless `disable
//! auth` says otherwise.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::config::host::HostSpec;
use crate::config::ntp_conf::Options;
use crate::engine::Engine;
use crate::engine::association::{Association, Kind, Origin};
use crate::engine::discipline::Measurement;
use crate::engine::input::Received;
use crate::engine::on_wire::{Verified, header_tests};
use crate::engine::output::Output;
use crate::engine::poll::{UNREACH, event, flash_bits};
use crate::units::{AssocId, Mono, Now, NtpDuration, NtpTimestamp, PollExponent, Stratum};
use crate::wire::mode6::flash::Flash;
use crate::wire::packet::{Header, Packet};

/// Whether, and how, servers are listened to that nobody named.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Broadcasts {
    /// Whether they are (`broadcastclient`, `multicastclient`).
    is_enabled: bool,
    /// Whether the delay is taken for granted (`novolley`).
    skips_volley: bool,
    /// The round trip to them, where it is told (`broadcastdelay`).
    delay: Option<NtpDuration>,
}

impl Broadcasts {
    /// The round trip to them, where it is told.
    pub(in crate::engine) const fn delay(&self) -> Option<NtpDuration> {
        self.delay
    }
}

/// What is known of a server that is listened to.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Listening {
    stage: Stage,
    /// When it sent the last packet that was believed, by its clock.
    transmit: NtpTimestamp,
    /// When that came.
    at: Mono,
    /// By how much its packets leave later than they say, where it tells (`xleave`).
    lateness: NtpDuration,
    /// Polls of the volley.
    asked: u32,
}

/// How far it is known what its packets take.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// It is asked as by any client.
    Volley,
    /// The next packet is compared with what it answered; its round trip then was this.
    Calibration(NtpDuration),
    /// The round trip that goes with what its packets take.
    Settled(NtpDuration),
}

impl Broadcasts {
    /// Whether servers may be found by what they send to everybody.
    pub(in crate::engine) const fn is_enabled(&self) -> bool {
        self.is_enabled
    }
}

impl Engine {
    /// Listens to broadcasts from now on.
    pub(in crate::engine) fn listen_to_broadcasts(&mut self, volley: bool) {
        self.broadcasts.is_enabled = true;
        self.broadcasts.skips_volley = !volley;
        self.outputs.push_back(Output::Listen { group: None });
    }

    /// Listens to what is sent to these groups as well.
    pub(in crate::engine) fn listen_to_groups(&mut self, groups: &[HostSpec]) {
        self.broadcasts.is_enabled = true;
        self.join_groups(groups);
    }

    /// Receives what is sent to these groups.
    pub(in crate::engine) fn join_groups(&mut self, groups: &[HostSpec]) {
        for group in groups.iter().filter_map(HostSpec::address) {
            self.outputs.push_back(Output::Listen { group: Some(group) });
        }
    }

    /// Hears no more broadcasts, and lets those go that were heard.
    pub(in crate::engine) fn ignore_broadcasts(&mut self, now: &Now) {
        self.broadcasts.is_enabled = false;
        let heard = self.associations.values().filter(|a| a.listening.is_some());
        let ids: Vec<AssocId> = heard.map(|association| association.id).collect();
        for id in ids {
            self.demobilise(now, id, "broadcasts are not listened to any more");
        }
    }

    /// Takes the round trip to servers that broadcast for this; none, for not known.
    pub(in crate::engine) fn set_broadcast_delay(&mut self, delay: NtpDuration) {
        self.broadcasts.delay = (delay > NtpDuration::ZERO).then_some(delay);
    }

    /// Takes in what was sent to everybody.
    pub(in crate::engine) fn overhear(
        &mut self,
        now: &Now,
        received: &Received<'_>,
        packet: &Packet<'_>,
    ) {
        let is_for_us_alone = received.to.is_some_and(|to| self.own_addresses.contains(&to));
        let is_spoken = VERSIONS.contains(&packet.header.version);
        if !self.broadcasts.is_enabled || is_for_us_alone || !is_spoken {
            self.counters.declined += 1;
            return;
        }
        match self.listener(received.from) {
            Some(id) => self.hear_again(now, id, received, packet),
            None => self.hear_first(now, received, packet),
        }
    }

    /// The association that listens to `from`.
    fn listener(&self, from: SocketAddr) -> Option<AssocId> {
        let listens = |a: &&Association| a.listening.is_some() && a.address == Some(from);
        self.associations.values().find(listens).map(|association| association.id)
    }

    /// A broadcast of a server that is not listened to yet.
    fn hear_first(&mut self, now: &Now, received: &Received<'_>, packet: &Packet<'_>) {
        let from = received.from;
        let header = &packet.header;
        let Some(Verified { key }) =
            self.verify(packet, received.datagram, from.ip(), None, self.requires_auth)
        else {
            self.counters.bad_auth += 1;
            return;
        };
        let is_taken = |a: &Association| a.address.is_some_and(|at| at.ip() == from.ip());
        let is_full = self.measured_count() >= self.mitigation.maxclock;
        if is_full
            || from.port() == 0
            || !is_a_host(from.ip())
            || !tells_time(header, (self.mitigation.floor, self.mitigation.ceiling))
            || !POLLS.contains(&header.poll.exponent())
            || self.associations.values().any(is_taken)
        {
            self.counters.declined += 1;
            return;
        }
        let Ok(host) = from.to_string().parse::<HostSpec>() else { return };
        let options = Options {
            iburst: true,
            preempt: true,
            key,
            version: header.version,
            minpoll: header.poll,
            maxpoll: header.poll,
            ..Options::default()
        };
        let origin =
            Origin { host, family: None, parent: None, is_ephemeral: true, since: now.mono };
        let Ok(id) = self.mobilise(now, Kind::Client, origin, options) else { return };
        let told = self.broadcasts.delay;
        let volley = told.is_none() && !self.broadcasts.skips_volley;
        if let Some(association) = self.associations.get_mut(&id) {
            association.counters.received += 1;
            association.listening = Some(Listening {
                stage: Stage::Volley,
                transmit: header.transmit,
                at: now.mono,
                lateness: NtpDuration::ZERO,
                asked: 0,
            });
        }
        self.begin(now, id, from);
        if !volley {
            self.settle(id, Stage::Settled(told.unwrap_or(DEFAULT_DELAY)));
            self.hear_sample(now, id, received, packet);
        }
    }

    /// Another broadcast of a server that is listened to.
    fn hear_again(&mut self, now: &Now, id: AssocId, received: &Received<'_>, packet: &Packet<'_>) {
        let Some(association) = self.associations.get_mut(&id) else { return };
        association.counters.received += 1;
        let required = association.options.key;
        let from = received.from.ip();
        let verified = self.verify(packet, received.datagram, from, required, self.requires_auth);
        let Some(association) = self.associations.get_mut(&id) else { return };
        if verified.is_none() {
            association.fail(flash_bits::AUTHENTICATION);
            association.counters.bad_auth += 1;
            self.counters.bad_auth += 1;
            self.peer_event_once(id, event::BAD_AUTH, "a broadcast has no code or a wrong one");
            return;
        }
        if let Some(bit) = association.refuses(now.mono, &packet.header) {
            association.fail(bit);
            return;
        }
        self.hear_sample(now, id, received, packet);
    }

    /// A broadcast that is what it says: takes over what it tells of its sender, and its time
    /// where it is known what it took to come.
    fn hear_sample(
        &mut self,
        now: &Now,
        id: AssocId,
        received: &Received<'_>,
        packet: &Packet<'_>,
    ) {
        let header = &packet.header;
        let limits = (self.mitigation.floor, self.mitigation.ceiling);
        let is_interrupted = self.is_leap_near(now);
        let frequency = self.steering.frequency;
        let unknown = if self.system.is_settled { SETTLED_RATE } else { UNKNOWN_RATE };
        let most = self.mitigation.maxdist;
        let (number, precision_s, phi) =
            (self.measured, self.settings.precision.seconds(), self.phi());
        let Some(association) = self.associations.get_mut(&id) else { return };
        let Some(listening) = association.listening.as_mut() else { return };
        listening.note(now.mono, header);
        if listening.stage == Stage::Volley {
            return;
        }
        let sent = header.transmit + listening.lateness;
        let bare = sent - received.stamp.clock;
        if let Stage::Calibration(volley) = listening.stage {
            let way = association.filter.best().map(|best| {
                let age_s = received.stamp.raw.seconds_since(best.raw);
                let rate = frequency.parts_per_million() / 1e6;
                let shows = best.source_time + NtpDuration::from_seconds(age_s * (1.0 + rate));
                let error_s = 3.0 * association.filter.jitter().seconds() + age_s * unknown;
                (shows - sent, NtpDuration::from_seconds(error_s))
            });
            listening.stage = Stage::Settled(calibrated(volley, way, most));
        }
        let Stage::Settled(delay) = listening.stage else { return };
        let way = NtpDuration::from_seconds(delay.seconds() / 2.0);
        association.flash = Flash::from_bits(association.flash.bits() & flash_bits::ASSOCIATION);
        association.heard.hear(header, now.mono, &received.stamp);
        association.heard.is_authentic = association.options.key.is_some();
        let failed = header_tests(&association.heard, limits);
        if failed != 0 {
            association.fail(failed);
            association.counters.bad_distance += 1;
            return;
        }
        let source_precision_s = header.precision.seconds().min(1.0);
        let bias = association.options.bias;
        let measurement = Measurement {
            source: id,
            number,
            arrived: now.mono,
            raw: received.stamp.raw,
            source_time: sent + way + bias,
            offset: bare + way + bias,
            delay,
            stamp_error: received.stamp.error,
            dispersion: NtpDuration::from_seconds(
                precision_s + source_precision_s + phi * delay.seconds(),
            ),
            source_precision: NtpDuration::from_seconds(source_precision_s),
        };
        self.reached(now, id);
        if !is_interrupted {
            self.measured += 1;
            self.take_sample(now, id, measurement);
        }
        self.judge_fitness(now, id);
    }

    /// Ends the volley when it has answered what was asked, after a reply.
    pub(in crate::engine) fn end_volley(&mut self, now: &Now, id: AssocId) {
        let scale = self.scale();
        let maxdist = self.mitigation.maxdist;
        let Some(association) = self.associations.get(&id) else { return };
        let is_on = association.listening.is_some_and(|l| l.stage == Stage::Volley);
        let is_near = association.root_distance(now.mono, &scale) < maxdist
            && association.filter.dispersion() < maxdist;
        if is_on && is_near && association.poll.burst_left() == 0 {
            let delay = association.filter.delay();
            self.settle(id, Stage::Calibration(delay));
            self.schedule(now, id);
        }
    }

    /// Gives the volley up when nobody answers: then the delay is taken for granted.
    pub(in crate::engine) fn ask_in_volley(&mut self, id: AssocId) {
        let told = self.broadcasts.delay;
        let Some(association) = self.associations.get_mut(&id) else { return };
        let is_silent = association.samples == 0;
        let Some(listening) = association.listening.as_mut() else { return };
        listening.asked = listening.asked.saturating_add(1);
        if listening.stage == Stage::Volley && is_silent && listening.asked > VOLLEY_POLLS {
            self.settle(id, Stage::Settled(told.unwrap_or(DEFAULT_DELAY)));
        }
    }

    /// From now on it is only listened to.
    fn settle(&mut self, id: AssocId, stage: Stage) {
        self.abandon(id);
        let Some(association) = self.associations.get_mut(&id) else { return };
        association.kind = Kind::BroadcastClient;
        association.options.iburst = false;
        association.poll.burst = 0;
        association.poll.retry = 0;
        if let Some(listening) = association.listening.as_mut() {
            listening.stage = stage;
        }
    }

    /// Takes an association away that came by itself, or was found in a group, and fell silent;
    /// whether it did.
    ///
    /// Differs: ntpd keeps them until there are more than `maxclock`. They come back by
    /// themselves.
    pub(in crate::engine) fn drop_silent(&mut self, now: &Now, id: AssocId) -> bool {
        let Some(association) = self.associations.get(&id) else { return false };
        let parent = association.origin.parent.and_then(|parent| self.associations.get(&parent));
        let is_found = parent.is_some_and(|parent| parent.kind == Kind::Manycast);
        let is_silent =
            !association.poll.reach.is_reachable() && association.poll.unreach >= UNREACH;
        let is_useless =
            (is_found || association.origin.is_ephemeral) && is_silent || association.is_unproven();
        if is_useless {
            self.demobilise(now, id, "nothing is heard of it any more");
        }
        is_useless
    }
}

impl Listening {
    /// Keeps what tells the next packet from a repeated one, and how late packets leave.
    ///
    /// Differs: ntpd takes an interleaved packet for a measurement of the packet before it, exact
    /// but an interval old. What the one before was late by is taken for this one, too: that of a
    /// driver's queue hardly changes, and nothing has to be measured in the past.
    fn note(&mut self, now: Mono, header: &Header) {
        if !header.origin.is_never() {
            let lateness = header.origin - self.transmit;
            if (0.0..MOST_LATENESS_S).contains(&lateness.seconds()) {
                self.lateness = lateness;
            }
        }
        self.transmit = header.transmit;
        self.at = now;
    }
}

impl Association {
    /// The test that an authenticated broadcast fails, counted, if it fails one: that of being new,
    /// and that of coming when it says.
    fn refuses(&mut self, now: Mono, header: &Header) -> Option<u16> {
        let listening = self.listening?;
        if header.transmit.is_never() {
            self.counters.bad_time += 1;
            return Some(flash_bits::UNSYNCHRONISED);
        }
        // Differs: ntpd believes a step back at once (`bcpollbstep 0`), and so a replay. Here who
        // stepped back is silent until its association is gone.
        let is_old = (header.transmit - listening.transmit).seconds() <= 0.0;
        let is_early = now.since(listening.at) + SLACK < interval(header.poll);
        if is_old || is_early {
            self.counters.old_packet += 1;
            return Some(flash_bits::DUPLICATE);
        }
        if header.poll != self.options.minpoll {
            self.counters.bad_distance += 1;
            return Some(flash_bits::HEADER);
        }
        None
    }
}

/// The round trip that goes with what a broadcast takes: that of the volley, or as much more or
/// less as this one took, by `way` and its error.
///
/// Differs: ntpd always takes what the first one took, with all that it waited on its way, and
/// while the clock is being slewed the error of that, too.
fn calibrated(
    volley: NtpDuration,
    way: Option<(NtpDuration, NtpDuration)>,
    most: NtpDuration,
) -> NtpDuration {
    let Some((way, error)) = way else { return volley };
    let both = NtpDuration::from_seconds(2.0 * way.seconds());
    let is_alike = (way.seconds() - volley.seconds() / 2.0).abs() <= error.seconds();
    if is_alike { volley } else { both.clamp(NtpDuration::ZERO, most) }
}

/// Whether the sender is synchronised and near enough to its reference clock.
fn tells_time(header: &Header, (floor, ceiling): (Stratum, Stratum)) -> bool {
    let mut heard = super::association::Heard::nothing(
        crate::wire::kiss::Kiss::Initialising,
        PollExponent::new(0),
    );
    heard.take_over(header);
    !header.transmit.is_never() && header_tests(&heard, (floor, ceiling)) == 0
}

/// Whether an address can be that of a server.
pub(in crate::engine) fn is_a_host(ip: IpAddr) -> bool {
    let is_everybody = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    !(ip.is_multicast() || ip.is_unspecified() || is_everybody)
}

fn interval(poll: PollExponent) -> Duration {
    poll.interval().unwrap_or_default()
}

/// Versions that are spoken.
const VERSIONS: std::ops::RangeInclusive<u8> = 1..=4;

/// Intervals at which servers broadcast, as exponents.
const POLLS: std::ops::RangeInclusive<i8> = 3..=17;

/// The round trip that is taken for granted when nothing is known (ntpd's `DEFBROADDELAY`).
const DEFAULT_DELAY: NtpDuration = NtpDuration::from_bits(17_179_869);

/// Polls of a volley that nobody answers.
const VOLLEY_POLLS: u32 = 4;

/// A broadcast may come this much early: servers send by whole seconds.
const SLACK: Duration = Duration::from_secs(3);

/// How wrong the rate of our clock may be before it is settled, and afterwards, in s/s.
const UNKNOWN_RATE: f64 = 1e-4;
const SETTLED_RATE: f64 = 2e-6;

/// No packet waits longer for its leave, in seconds.
const MOST_LATENESS_S: f64 = 1.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_of_broadcasts_is_that_of_others_unless_it_is_clearly_another() {
        let ms = NtpDuration::from_milliseconds;
        let most = ms(1500.0);
        let round_trip_ms = |way: Option<(f64, f64)>| {
            let way = way.map(|(way, error)| (ms(way), ms(error)));
            calibrated(ms(4.0), way, most).milliseconds()
        };
        for (way, expected_ms) in [
            (None, 4.0),
            (Some((2.5, 1.0)), 4.0),
            (Some((-0.5, 3.0)), 4.0),
            // A network that keeps what is for everybody until all are awake.
            (Some((102.0, 1.0)), 204.0),
            (Some((-5.0, 1.0)), 0.0),
            (Some((1e4, 1.0)), 1500.0),
        ] {
            assert!((round_trip_ms(way) - expected_ms).abs() < 1e-6, "{way:?}");
        }
    }
}
