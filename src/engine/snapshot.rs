//! The engine as a daemon: the one place where engine state becomes what an operator sees.
//!
//! Every variable goes by the table of variables, so the screens, the diagnosis and mode 6 find
//! our own engine where they find ntpd. What did not change stays shared with the last snapshot.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::association::{Association, Kind};
use crate::engine::discipline::{Report, SourceReport, State};
use crate::engine::filter::{MAXIMUM_DISPERSION_S, STAGES};
use crate::engine::settings::Algorithm;
use crate::model::absent::Absent;
use crate::model::clock_loop::{self, ClockLoop, LoopSource, Steers};
use crate::model::daemon::{Associations, Contact, Daemon, Detail, Peer};
use crate::model::identity::Identity;
use crate::model::part::{Dated, Part};
use crate::model::values::{Value, Values, printable};
use crate::model::vars::{Variable, peer, system};
use crate::selection::Explained;
use crate::units::{
    AssocId, Mode, Mono, Now, NtpDuration, NtpTimestamp, PollExponent, RefId, Stratum,
};
use crate::wire::mode6::status::{PeerStatus, SystemStatus};

/// The clock that an engine steers, as its driver knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steered {
    /// Which clock.
    pub which: Steers,
    /// How far it is ahead of the system's clock; `None` where there is none to compare with.
    pub ahead_of_system: Option<NtpDuration>,
}

/// Makes snapshots of one engine.
#[derive(Debug)]
pub struct Snapshots {
    last: Daemon,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self::new()
    }
}

impl Snapshots {
    /// Nothing seen yet.
    pub fn new() -> Self {
        let identity = Identity::read(concat!("ntpscope ", env!("CARGO_PKG_VERSION")));
        Self { last: Daemon { identity: Some(Arc::new(identity)), ..Daemon::default() } }
    }

    /// `engine` as it is at `now`.
    ///
    /// Dates are by our own wall clock: by the system's where the driver knows it.
    pub fn take(&mut self, engine: &Engine, now: &Now, steered: Steered) -> Daemon {
        self.take_at(engine, now, steered, now.mono)
    }

    /// The same, seen from elsewhere, where the monotonic clock shows `seen`: that of a machine is
    /// slewed with its clock, so ages that are counted by another must begin there.
    pub fn take_at(&mut self, engine: &Engine, now: &Now, steered: Steered, seen: Mono) -> Daemon {
        let wall = now.clock + -steered.ahead_of_system.unwrap_or(NtpDuration::ZERO);
        let dated = Dated { asked: seen, answered: seen, clock: wall };
        let report = engine.report(now);
        let peers: Arc<[Arc<Peer>]> = engine
            .associations()
            .map(|association| Arc::new(self.peer(association, now, dated)))
            .collect();
        let associations = Associations {
            system: system_status(engine),
            list: peers.iter().map(|peer| (peer.id, peer.status)).collect(),
        };
        self.last = Daemon {
            contact: Contact::Answering { last: seen, round_trip: Duration::ZERO },
            identity: self.last.identity.clone(),
            restarts: 0,
            restarted: None,
            system: self.last.system.renewed(system_values(engine, now, &report), dated),
            associations: self.last.associations.renewed(associations, dated),
            peers,
            selection: self.selection(engine),
            clock_loop: Some(self.clock_loop(engine, &report, steered)),
            ..Daemon::default()
        };
        self.last.clone()
    }

    fn peer(&self, association: &Association, now: &Now, dated: Dated) -> Peer {
        let status = peer_status(association);
        let last = self.last.peer(association.id);
        let new = Peer::new(association.id, status);
        let last = last.map_or(&new, |last| last);
        let mut peer = Peer::new(association.id, status);
        peer.row = last.row.renewed(row(association), dated);
        for (detail, values) in [
            (Detail::Scalars, scalars(association)),
            (Detail::Counters, counters(association, now)),
        ] {
            *peer.detail_mut(detail) = last.detail(detail).renewed(values, dated);
        }
        *peer.detail_mut(Detail::Clock) = Part::not_asked().failed(Absent::NotInFamily);
        peer
    }

    /// The last selection; `None` before the first.
    fn selection(&self, engine: &Engine) -> Option<Arc<Explained>> {
        let explained = engine.explained();
        if explained.verdicts.is_empty() {
            return None;
        }
        match &self.last.selection {
            Some(same) if **same == *explained => Some(Arc::clone(same)),
            _ => Some(Arc::new(explained.clone())),
        }
    }

    fn clock_loop(&self, engine: &Engine, report: &Report, steered: Steered) -> Arc<ClockLoop> {
        let clock_loop = ClockLoop {
            algorithm: match engine.settings().algorithm {
                Algorithm::Ntp => clock_loop::Algorithm::Ntp,
                Algorithm::Kalman => clock_loop::Algorithm::Kalman,
            },
            steers: steered.which,
            state: word(report.state),
            is_converged: report.is_converged,
            system_offset: steered.ahead_of_system.map(|ahead| report.offset + ahead),
            steered_offset: report.offset,
            error_bound: report.error_bound,
            frequency: report.frequency,
            frequency_error: report.frequency_error,
            jitter: report.jitter,
            wander: report.wander,
            time_constant: report.time_constant,
            held: engine.held().map(|held| held.to_string().into()),
            notice: notice(engine),
            sources: report.sources.iter().map(loop_source).collect(),
        };
        match &self.last.clock_loop {
            Some(same) if **same == clock_loop => Arc::clone(same),
            _ => Arc::new(clock_loop),
        }
    }
}

/// What keeps the loop from acting or from hearing, in words.
fn notice(engine: &Engine) -> Option<Box<str>> {
    if let Some(panic) = engine.system().panic {
        let offset_s = panic.seconds();
        return Some(format!("an offset of {offset_s:+.3} s is beyond the panic threshold").into());
    }
    engine.deaf().map(Into::into)
}

fn loop_source(source: &SourceReport) -> LoopSource {
    LoopSource {
        id: source.source,
        weight: source.weight,
        bias: source.bias,
        bias_prior: source.bias_prior,
        is_inconsistent: source.is_inconsistent,
        asymmetry: source.asymmetry,
        residual: source.residual,
    }
}

/// ntpd's words for the states of its loop.
const fn word(state: State) -> &'static str {
    match state {
        State::NotSet => "NSET",
        State::FrequencySet => "FSET",
        State::Spike => "SPIK",
        State::Frequency => "FREQ",
        State::Synchronised => "SYNC",
    }
}

fn system_status(engine: &Engine) -> SystemStatus {
    let system = engine.system();
    let source: u16 = if system.peer.is_some() { SOURCE_NTP } else { 0 };
    let (code, count) = system.last_event;
    let events = u16::from(count.min(15)) << 4 | u16::from(code & 15);
    SystemStatus::from_bits(u16::from(system.leap.bits()) << 14 | source << 8 | events)
}

fn system_values(engine: &Engine, now: &Now, report: &Report) -> Values {
    let system = engine.system();
    let settings = engine.settings();
    let root_dispersion = engine.root_dispersion(now);
    let distance_s = system.root_delay.seconds() / 2.0 + root_dispersion.seconds();
    let mut values = Values::typed([
        (&system::VERSION, text(concat!("ntpscope ", env!("CARGO_PKG_VERSION")))),
        (&system::LEAP, Value::Leap(system.leap)),
        (&system::STRATUM, Value::Stratum(system.stratum)),
        (&system::PRECISION, Value::Precision(settings.precision)),
        (&system::ROOT_DELAY, Value::Duration(system.root_delay)),
        (&system::ROOT_DISPERSION, Value::Duration(root_dispersion)),
        (&system::ROOT_DISTANCE, Value::Duration(NtpDuration::from_seconds(distance_s))),
        (&system::CLOCK, Value::Timestamp(now.clock)),
        (&system::PEER, Value::Association(system.peer.unwrap_or(AssocId::SYSTEM))),
        (&system::TIME_CONSTANT, Value::Poll(report.time_constant)),
        (&system::MIN_TIME_CONSTANT, Value::Poll(MINIMUM_TIME_CONSTANT)),
        (&system::OFFSET, Value::Duration(report.offset)),
        (&system::FREQUENCY, Value::Frequency(report.frequency)),
        (&system::SYSTEM_JITTER, Value::Duration(system.jitter)),
        (&system::CLOCK_JITTER, Value::Duration(report.jitter)),
        (&system::CLOCK_WANDER, Value::Frequency(report.wander)),
    ]);
    reference(&mut values, &system::REFERENCE_ID, system.reference_id, system.stratum);
    stamp(&mut values, &system::REFERENCE_TIME, system.reference);
    values
}

fn peer_status(association: &Association) -> PeerStatus {
    let flag = |is_set: bool, bit: u16| if is_set { bit } else { 0 };
    let heard = &association.heard;
    let flags = flag(association.is_configured(), 0x80)
        | flag(association.options.key.is_some(), 0x40)
        | flag(heard.is_authentic, 0x20)
        | flag(association.poll.reach.is_reachable(), 0x10)
        | flag(heard.mode == Mode::Broadcast, 0x08);
    let select = flags | u16::from(association.standing.tally.bits());
    let events = &association.events;
    let word = u16::from(events.count.min(15)) << 4 | u16::from(events.code & 15);
    PeerStatus::from_bits(select << 8 | word)
}

/// What the peers table shows.
fn row(association: &Association) -> Values {
    let heard = &association.heard;
    let (poll, filter) = (&association.poll, &association.filter);
    // Our requests name none, so what a server names is no more than the least that it allows.
    let peer_poll = match association.kind {
        Kind::Peer | Kind::Passive => heard.poll,
        _ => heard.poll.max(poll.interval()),
    };
    let mut values = Values::typed([
        (&peer::LEAP, Value::Leap(heard.leap)),
        (&peer::STRATUM, Value::Stratum(heard.stratum)),
        (&peer::REACH, Value::Reach(poll.reach)),
        (&peer::HOST_MODE, Value::Mode(association.kind.host_mode())),
        // What is waited, not what would be without the wishes of the discipline: by this it shows
        // whether an answer is overdue.
        (&peer::HOST_POLL, Value::Poll(poll.interval())),
        (&peer::PEER_POLL, Value::Poll(peer_poll)),
        (&peer::FLASH, Value::Flash(association.flash)),
        (&peer::OFFSET, Value::Duration(filter.offset())),
        (&peer::DELAY, Value::Duration(filter.delay())),
        (&peer::DISPERSION, Value::Duration(filter.dispersion())),
        (&peer::JITTER, Value::Duration(filter.jitter())),
    ]);
    let host = &association.origin.host;
    source(&mut values, association.address, host.zone());
    if host.address().is_none() && host.zone().is_none() {
        values.insert(&peer::SOURCE_HOST, Ok(text(association.origin.host.host())));
    }
    if let Some(clock) = &association.clock {
        values.insert(&peer::REFERENCE_ID, Ok(Value::ReferenceCode(clock.reference_id)));
    } else if association.kind == Kind::Pool {
        values.insert(&peer::REFERENCE_ID, Ok(Value::ReferenceCode(POOL)));
    } else {
        reference(&mut values, &peer::REFERENCE_ID, heard.reference_id, heard.stratum);
    }
    stamp(&mut values, &peer::REFERENCE_TIME, heard.reference);
    stamp(&mut values, &peer::RECEIVE, heard.destination);
    values
}

/// The other single values.
fn scalars(association: &Association) -> Values {
    let heard = &association.heard;
    let port =
        association.address.map_or_else(|| association.origin.host.port(), |found| found.port());
    let mut values = Values::typed([
        (&peer::SOURCE_PORT, Value::Unsigned(port.into())),
        (&peer::PRECISION, Value::Precision(heard.precision)),
        (&peer::ROOT_DELAY, Value::Duration(heard.root_delay)),
        (&peer::ROOT_DISPERSION, Value::Duration(heard.root_dispersion)),
        (&peer::UNREACH, Value::Unsigned(association.poll.unreach.into())),
        (&peer::PEER_MODE, Value::Mode(heard.mode)),
        (&peer::KEY_ID, Value::Key(association.options.key)),
        (&peer::BIAS, Value::Duration(association.options.bias)),
        (&peer::CONFIGURED, Value::Flag(association.is_configured())),
        (&peer::AUTHENTIC, Value::Flag(heard.is_authentic)),
    ]);
    stamp(&mut values, &peer::TRANSMIT, heard.transmit);
    values
}

/// The samples, and what was counted.
fn counters(association: &Association, now: &Now) -> Values {
    let (counters, filter) = (&association.counters, &association.filter);
    let mut delays = [NtpDuration::ZERO; STAGES];
    let mut offsets = [NtpDuration::ZERO; STAGES];
    let mut dispersions = [NtpDuration::from_seconds(MAXIMUM_DISPERSION_S); STAGES];
    let places = delays.iter_mut().zip(&mut offsets).zip(&mut dispersions);
    for (((delay, offset), dispersion), stage) in places.zip(filter.stages()) {
        let Some(stage) = stage else { continue };
        *delay = stage.delay();
        *offset = stage.measurement.offset;
        *dispersion = stage.dispersion();
    }
    let mut values = Values::typed([
        (&peer::FILTER_DELAY, Value::Samples(delays)),
        (&peer::FILTER_OFFSET, Value::Samples(offsets)),
        (&peer::FILTER_DISPERSION, Value::Samples(dispersions)),
        (&peer::SENT, Value::Unsigned(counters.sent)),
        (&peer::RECEIVED, Value::Unsigned(counters.received)),
        (&peer::BAD_AUTHENTICATION, Value::Unsigned(counters.bad_auth)),
        (&peer::BOGUS_ORIGIN, Value::Unsigned(counters.bogus_origin)),
        (&peer::DUPLICATE, Value::Unsigned(counters.old_packet)),
        (&peer::HEADERS_REJECTED, Value::Unsigned(counters.bad_distance)),
        (&peer::KISSES_RECEIVED, Value::Unsigned(counters.kisses)),
        (&peer::CANDIDATE, Value::Unsigned(association.standing.tally.bits().into())),
    ]);
    whole_seconds(
        &mut values,
        &peer::TIME_RECEIVED,
        association.heard.at.map(|at| now.mono.since(at)),
    );
    let next = association.poll.next.map(|next| next.since(now.mono));
    whole_seconds(&mut values, &peer::NEXT_POLL, next);
    values
}

/// An address, with its zone where it is of no use without: as it was configured, else its number.
fn source(values: &mut Values, address: Option<SocketAddr>, zone: Option<&str>) {
    let value = match address {
        Some(SocketAddr::V6(address)) if address.scope_id() != 0 => Value::AddressInZone {
            address: *address.ip(),
            zone: zone.map_or_else(|| address.scope_id().to_string().into(), Into::into),
        },
        Some(address) => Value::Address(address.ip()),
        None => Value::Address(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
    };
    values.insert(&peer::SOURCE, Ok(value));
}

/// A reference ID: letters where the stratum says that it is no address.
fn reference(
    values: &mut Values,
    variable: &'static Variable,
    reference_id: RefId,
    stratum: Stratum,
) {
    let is_code = !(2..16).contains(&stratum.get()) && reference_id.code().is_some();
    let value = if is_code {
        Value::ReferenceCode(reference_id)
    } else {
        Value::ReferenceAddress(reference_id.address())
    };
    values.insert(variable, Ok(value));
}

fn stamp(values: &mut Values, variable: &'static Variable, stamp: NtpTimestamp) {
    let value = if stamp.is_never() { Err(Absent::NotGiven) } else { Ok(Value::Timestamp(stamp)) };
    values.insert(variable, value);
}

/// Whole seconds, as ntpd tells ages: they would change in every snapshot otherwise.
fn whole_seconds(values: &mut Values, variable: &'static Variable, span: Option<Duration>) {
    let value = span.map(|span| Value::Duration(Duration::from_secs(span.as_secs()).into()));
    values.insert(variable, value.ok_or(Absent::NotGiven));
}

fn text(text: &str) -> Value {
    Value::Text(printable(text))
}

/// `MINPOLL`: what clients have to keep to.
const MINIMUM_TIME_CONSTANT: PollExponent = PollExponent::new(3);

/// Of a status word: a server over NTP.
const SOURCE_NTP: u16 = 6;

/// What ntpd shows as the reference ID of a pool.
const POOL: RefId = RefId::new(*b"POOL");

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV6;

    use super::*;

    #[test]
    fn the_zone_of_an_address_is_shown_as_it_was_configured_else_as_its_number() {
        let address = SocketAddrV6::new("fe80::7".parse().unwrap(), 123, 0, 3).into();
        for (zone, shown) in [(Some("eth0"), "eth0"), (None, "3")] {
            let mut values = Values::typed([]);
            source(&mut values, Some(address), zone);
            match values.get(&peer::SOURCE) {
                Ok(Value::AddressInZone { zone, .. }) => assert_eq!(&**zone, shown),
                other => panic!("{other:?}"),
            }
        }
    }
}
