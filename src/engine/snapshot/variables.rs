//! The variables of the engine itself and of its associations.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::config::host::NTP_PORT;
use crate::engine::Engine;
use crate::engine::association::{Association, Kind};
use crate::engine::discipline::Report;
use crate::engine::filter::{MAXIMUM_DISPERSION_S, STAGES};
use crate::engine::reference::ReferenceClock;
use crate::model::absent::Absent;
use crate::model::values::{Value, Values, printable};
use crate::model::vars::{Variable, clock, peer, system};
use crate::units::{AssocId, Mode, Now, NtpDuration, NtpTimestamp, PollExponent, RefId, Stratum};

pub(super) fn system_values(engine: &Engine, now: &Now, report: &Report) -> Values {
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
    values.merge(on_request(engine, now));
    values.merge(of_keys(engine));
    values.merge(of_leap_seconds(engine, now));
    values
}

/// What is told of the system only to who asks for it by name.
fn on_request(engine: &Engine, now: &Now) -> Values {
    let system = engine.system();
    let precision = engine.settings().precision;
    let resolution = Value::Duration(NtpDuration::from_seconds(precision.seconds()));
    let uptime =
        Value::Duration(Duration::from_secs(now.mono.since(system.since).as_secs()).into());
    let followed = system.peer.and_then(|id| engine.association(id));
    let address = followed.and_then(|association| association.address);
    let mode = followed.map_or(Mode::Unspecified, |association| association.kind.host_mode());
    let delay = engine.broadcasts.delay().unwrap_or(BROADCAST_DELAY);
    Values::typed([
        (&system::PEER_ADDRESS, Value::Socket(address.unwrap_or(NOBODY))),
        (&system::PEER_MODE, Value::Mode(mode)),
        (&system::BROADCAST_DELAY, Value::Duration(delay)),
        (&system::FUZZ, resolution.clone()),
        (&system::TICK, resolution),
        (&system::LOCK_CLOCK, Value::Flag(!engine.is_steering())),
        (&system::UPTIME, uptime.clone()),
        (&system::STATISTICS_RESET, uptime.clone()),
        (&system::STATISTICS_RESET_TOTAL, uptime.clone()),
        (&system::AUTH_RESET, uptime.clone()),
        (&system::IO_RESET, uptime.clone()),
        (&system::TIMER_RESET, uptime),
    ])
}

/// What is known of leap seconds: from their file, and how one is smeared.
fn of_leap_seconds(engine: &Engine, now: &Now) -> Values {
    let mut values = Values::default();
    if let Some(table) = engine.leap_table() {
        let tai = table.tai_offset_s(now.clock);
        let tai = tai.map(|tai_s| Value::Duration(NtpDuration::from_seconds(f64::from(tai_s))));
        values.insert(&system::TAI, tai.ok_or(Absent::NotGiven));
        let known = table.next(now.clock).or_else(|| table.last());
        date(&mut values, &system::LEAP_SECOND, known.map(|leap| leap.at), now);
        date(&mut values, &system::LEAP_FILE_EXPIRY, Some(table.expires()), now);
    }
    if let Some(smear) = engine.smear(now) {
        let interval = Value::Duration(engine.smear_interval.into());
        values.insert(&system::LEAP_SMEAR_INTERVAL, Ok(interval));
        let offset = Value::Duration(smear.offset(now.clock));
        values.insert(&system::LEAP_SMEAR_OFFSET, Ok(offset));
    }
    values
}

/// A time as a date, in the era that is nearest to now.
fn date(values: &mut Values, variable: &'static Variable, at: Option<NtpTimestamp>, now: &Now) {
    let (near, _) = now.clock.to_unix(NEAR);
    let date = at.and_then(|at| jiff::Timestamp::from_second(at.to_unix(near).0).ok());
    let date = date.map(|at| Value::Date(at.to_zoned(jiff::tz::TimeZone::UTC).datetime()));
    values.insert(variable, date.ok_or(Absent::NotGiven));
}

/// What a reference clock is set to, and how often it was asked.
pub(super) fn clock(clock: &ReferenceClock) -> Values {
    let flags = clock.flags.iter().zip([1, 2, 4, 8]);
    let flags = flags.filter(|(is_set, _)| **is_set).map(|(_, bit)| bit).sum();
    let none = Value::Unsigned(0);
    Values::typed([
        (&clock::DEVICE, text("Undisciplined local clock")),
        (&clock::TIMECODE, text("")),
        (&clock::POLLS, Value::Unsigned(clock.polls)),
        (&clock::NO_REPLY, none.clone()),
        (&clock::BAD_FORMAT, none.clone()),
        (&clock::BAD_DATA, none),
        (&clock::FUDGE_TIME1, Value::Duration(clock.time1)),
        (&clock::FUDGE_TIME2, Value::Duration(clock.time2)),
        (&clock::STRATUM, Value::Stratum(clock.stratum)),
        (&clock::REFERENCE_ID, Value::ReferenceCode(clock.reference_id)),
        (&clock::FLAGS, Value::Unsigned(flags)),
    ])
}

/// The keys, and how often they were used.
fn of_keys(engine: &Engine) -> Values {
    let uses = engine.keys.uses();
    let count = |counter: &AtomicU64| Value::Unsigned(counter.load(Ordering::Relaxed));
    let both = |[digest, cmac]: &[AtomicU64; 2]| {
        Value::Unsigned(digest.load(Ordering::Relaxed) + cmac.load(Ordering::Relaxed))
    };
    let [signed_digest, signed_cmac] = &uses.signed;
    let [checked_digest, checked_cmac] = &uses.checked;
    let [wrong_digest, wrong_cmac] = &uses.wrong;
    Values::typed([
        (&system::AUTH_DELAY, Value::Duration(NtpDuration::ZERO)),
        (&system::AUTH_KEYS, Value::Unsigned(engine.keys.len() as u64)),
        (&system::AUTH_FREE_KEYS, Value::Unsigned(0)),
        (&system::AUTH_KEY_LOOKUPS, count(&uses.lookups)),
        (&system::AUTH_KEYS_NOT_FOUND, count(&uses.not_found)),
        // Every key is at hand, and none has a lifetime.
        (&system::AUTH_KEYS_UNCACHED, Value::Unsigned(0)),
        (&system::AUTH_KEYS_EXPIRED, Value::Unsigned(0)),
        (&system::AUTH_ENCRYPTIONS, both(&uses.signed)),
        (&system::AUTH_DIGEST_ENCRYPTIONS, count(signed_digest)),
        (&system::AUTH_CMAC_ENCRYPTIONS, count(signed_cmac)),
        (&system::AUTH_DECRYPTIONS, both(&uses.checked)),
        (&system::AUTH_DIGEST_DECRYPTIONS, count(checked_digest)),
        (&system::AUTH_CMAC_DECRYPTIONS, count(checked_cmac)),
        (&system::AUTH_DIGEST_FAILS, count(wrong_digest)),
        (&system::AUTH_CMAC_FAILS, count(wrong_cmac)),
    ])
}

/// What the peers table shows.
pub(super) fn row(association: &Association) -> Values {
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
pub(super) fn scalars(association: &Association, now: &Now) -> Values {
    let heard = &association.heard;
    let is_clock = association.clock.is_some();
    let elsewhere = if is_clock { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED }.into();
    let headway = Duration::from_secs(association.poll.owed(now.mono).as_secs());
    let port =
        association.address.map_or_else(|| association.origin.host.port(), |found| found.port());
    let mut values = Values::typed([
        (&peer::SOURCE_PORT, Value::Unsigned(port.into())),
        (&peer::DESTINATION, Value::Address(association.local.unwrap_or(elsewhere))),
        (&peer::DESTINATION_PORT, Value::Unsigned(own_port(association).into())),
        (&peer::HEADWAY, Value::Duration(headway.into())),
        (&peer::AUTHENTICATION_OFF, Value::Flag(association.options.key.is_none())),
        (&peer::PRECISION, Value::Precision(heard.precision)),
        (&peer::ROOT_DELAY, Value::Duration(heard.root_delay)),
        (&peer::ROOT_DISPERSION, Value::Duration(heard.root_dispersion)),
        (&peer::UNREACH, Value::Unsigned(association.poll.unreach.into())),
        (&peer::PEER_MODE, Value::Mode(heard.mode)),
        (&peer::KEY_ID, Value::Key(association.options.key)),
        (&peer::BIAS, Value::Duration(association.options.bias)),
        // What NTPsec tells where a source is not asked by way of NTS.
        (&peer::NTS_COOKIES, Value::Signed(-1)),
        (&peer::CONFIGURED, Value::Flag(association.is_configured())),
        (&peer::AUTHENTIC, Value::Flag(heard.is_authentic)),
    ]);
    stamp(&mut values, &peer::TRANSMIT, heard.transmit);
    if is_clock {
        // The mode of its driver.
        values.insert(&peer::TTL, Ok(Value::Unsigned(0)));
    } else if let (Some(hops), true) = (association.options.ttl, is_to_many(association.kind)) {
        values.insert(&peer::TTL, Ok(Value::Unsigned(hops.into())));
    }
    values
}

/// The samples, and what was counted.
pub(super) fn counters(association: &Association, now: &Now) -> Values {
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
    // As ntpd does, from its beginning while nothing was heard.
    let heard = association.heard.at.unwrap_or(association.origin.since);
    whole_seconds(&mut values, &peer::TIME_RECEIVED, Some(now.mono.since(heard)));
    // What is overdue is due now.
    let next = association.poll.next.map_or(Duration::ZERO, |next| next.since(now.mono));
    whole_seconds(&mut values, &peer::NEXT_POLL, Some(next));
    let changed = association.poll.reach_changed.unwrap_or(association.origin.since);
    whole_seconds(&mut values, &peer::TIME_REACHABLE, Some(now.mono.since(changed)));
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

/// Whether what is sent goes to many, as far as its `ttl` says.
const fn is_to_many(kind: Kind) -> bool {
    matches!(kind, Kind::Manycast | Kind::Broadcaster)
}

/// The port of ours that packets of an association leave from; 0 where each leaves from another.
const fn own_port(association: &Association) -> u16 {
    match association.kind {
        Kind::Client | Kind::Pool | Kind::Manycast => 0,
        _ => NTP_PORT,
    }
}

/// Whole seconds, as ntpd tells ages: they would change in every snapshot otherwise.
fn whole_seconds(values: &mut Values, variable: &'static Variable, span: Option<Duration>) {
    let value = span.map(|span| Value::Duration(Duration::from_secs(span.as_secs()).into()));
    values.insert(variable, value.ok_or(Absent::NotGiven));
}

fn text(text: &str) -> Value {
    Value::Text(printable(text))
}

/// In seconds from 1970: where eras are counted from before the clock is known, 2026.
const NEAR: i64 = 1_767_225_600;

/// What ntpd tells where there is no system peer.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What ntpd tells of the delay of broadcasts while it measures it.
const BROADCAST_DELAY: NtpDuration = NtpDuration::from_bits(-214_748_365);

/// `MINPOLL`: what clients have to keep to.
const MINIMUM_TIME_CONSTANT: PollExponent = PollExponent::new(3);

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
