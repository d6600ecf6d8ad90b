//! What was read of an ntpd as a state that can be compared with another.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::ntp_conf::clock::ClockAddress;
use crate::config::restrict::{Flags, Selector};
use crate::control::reconfigure::ntpd::reader::Read;
use crate::model::change::state::{Entry, Kind, State};
use crate::model::daemon::Detail;
use crate::model::vars::{Variable, clock, peer, system};
use crate::model::{Peer, Value, Values};
use crate::units::{Mode, Mono, NtpDuration, RefId};

/// The state at the time `at`.
pub(super) fn state(read: &Read, at: Mono) -> State {
    let mut entries: Vec<Entry> = read.daemon.peers.iter().map(|peer| association(peer)).collect();
    let restrictions = read.restrictions.as_deref();
    entries.extend(restrictions.unwrap_or_default().iter().map(restriction));
    entries.extend(settings(read));
    let age = |variable| read.more.duration(variable).and_then(NtpDuration::to_std);
    let counters = [
        (SYS, &system::STATISTICS_RESET),
        (AUTH, &system::AUTH_RESET),
        (IO, &system::IO_RESET),
        (TIMER, &system::TIMER_RESET),
    ];
    let counters: Vec<(&'static str, Duration)> =
        counters.iter().filter_map(|(word, row)| Some((*word, age(row)?))).collect();
    let followed = read.daemon.system.latest().and_then(|told| told.association(&system::PEER));
    let followed = followed.and_then(|id| read.daemon.peer(id)).map(|peer| called(peer));
    State {
        read: at,
        entries,
        tells_restrictions: restrictions.is_some(),
        uptime: age(&system::UPTIME),
        counters,
        followed,
    }
}

/// What an association is called in what is said of it: its address, with its name where it has one.
pub(super) fn called(peer: &Peer) -> String {
    match (name(peer), host(peer)) {
        (name, Some(host)) if host != name => format!("{name} ({host})"),
        (name, _) => name,
    }
}

/// The clock that an association is, if it is one.
pub(super) fn clock(peer: &Peer) -> Option<ClockAddress> {
    ClockAddress::of(peer.row.latest()?.address(&peer::SOURCE)?)
}

/// The name that an association was configured with, where it was one.
pub(super) fn host(peer: &Peer) -> Option<String> {
    // NTPsec names the drivers of clocks here.
    let name = peer.row.latest()?.text(&peer::SOURCE_HOST).filter(|_| clock(peer).is_none())?;
    let is_name = !name.is_empty() && name.parse::<IpAddr>().is_err();
    is_name.then(|| name.to_owned())
}

/// The address of an association, or its name, or its number.
fn name(peer: &Peer) -> String {
    let address = match peer.row.latest().map(|row| row.get(&peer::SOURCE)) {
        Some(Ok(Value::Address(address))) if !address.is_unspecified() => Some(address.to_string()),
        Some(Ok(Value::AddressInZone { address, zone })) => Some(format!("{address}%{zone}")),
        _ => None,
    };
    address.or_else(|| host(peer)).unwrap_or_else(|| format!("number {}", peer.id))
}

fn association(peer: &Peer) -> Entry {
    let mut entry = Entry::new(Kind::Association, name(peer));
    entry.host = host(peer);
    entry.id = Some(peer.id);
    entry.is_passing = !peer.status.is_configured();
    let Some(row) = peer.row.latest() else { return entry };
    let mut tell = |name, value: Option<String>| {
        if let Some(value) = value {
            entry = entry.clone().with(name, value);
        }
    };
    tell("mode", row.mode(&peer::HOST_MODE).map(|mode| mode_word(mode).to_owned()));
    tell(KEY, key(row));
    if let Some(told) = peer.detail(Detail::Clock).latest() {
        tell(STRATUM, told.stratum(&clock::STRATUM).map(|stratum| stratum.to_string()));
        tell(REFERENCE_ID, reference_id(told));
        tell(TIME1, Some(time(told, &clock::FUDGE_TIME1)));
        tell(TIME2, Some(time(told, &clock::FUDGE_TIME2)));
        if let Some(bits) = told.unsigned(&clock::FLAGS) {
            for (flag, bit) in FLAGS.iter().zip([1, 2, 4, 8]) {
                tell(flag, Some(u8::from(bits & bit != 0).to_string()));
            }
        }
    } else {
        tell("ttl", row.unsigned(&peer::TTL).map(|hops| hops.to_string()));
        tell("bias", row.duration(&peer::BIAS).map(milliseconds));
    }
    entry
}

fn restriction((selector, flags): &(Selector, Flags)) -> Entry {
    Entry::new(Kind::Restriction, selector.to_string()).with(FLAG_WORDS, flags.to_string())
}

fn settings(read: &Read) -> Vec<Entry> {
    let mut all = Vec::new();
    if let Some(is_on) = monitors(read) {
        let word = if is_on { ON } else { OFF };
        all.push(Entry::new(Kind::Setting, MONITOR).with(VALUE, word));
    }
    // Variables that somebody has set are among those that the daemon tells by itself.
    let others = read.daemon.system.latest().into_iter().flat_map(Values::others);
    all.extend(others.map(|(name, value)| Entry::new(Kind::Setting, name).with(VALUE, value)));
    all
}

/// Whether it lists its clients by configuration; `None` where it does not tell.
pub(super) fn monitors(read: &Read) -> Option<bool> {
    read.more.unsigned(&system::MRU_ENABLED).map(|bits| bits & 1 != 0)
}

fn key(row: &Values) -> Option<String> {
    match row.get(&peer::KEY_ID) {
        Ok(Value::Key(None)) => Some(NONE.to_owned()),
        Ok(Value::Key(Some(id))) => Some(id.to_string()),
        _ => None,
    }
}

/// A clock's letters, which NTPsec writes as an address where the stratum is above 1.
fn reference_id(told: &Values) -> Option<String> {
    match told.get(&clock::REFERENCE_ID) {
        Ok(Value::ReferenceCode(code)) => code.code(),
        Ok(Value::ReferenceAddress(address)) => RefId::new(address.octets()).code(),
        _ => None,
    }
}

/// A correction, which is told when there is one.
fn time(told: &Values, variable: &'static Variable) -> String {
    milliseconds(told.duration(variable).unwrap_or(NtpDuration::ZERO))
}

/// As many digits as every daemon tells.
pub(super) fn milliseconds(span: NtpDuration) -> String {
    format!("{:.3} ms", span.milliseconds())
}

const fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Unspecified => "unspecified",
        Mode::SymmetricActive => "peer",
        Mode::SymmetricPassive => "passive peer",
        Mode::Client => "client",
        Mode::Server => "server",
        Mode::Broadcast => "broadcast",
        Mode::Control => "broadcast client",
        Mode::Private => "private",
    }
}

pub(super) const KEY: &str = "key";
pub(super) const STRATUM: &str = "stratum";
pub(super) const REFERENCE_ID: &str = "reference ID";
pub(super) const TIME1: &str = "time1";
pub(super) const TIME2: &str = "time2";
pub(super) const FLAGS: [&str; 4] = ["flag1", "flag2", "flag3", "flag4"];
pub(super) const FLAG_WORDS: &str = "flags";
pub(super) const VALUE: &str = "value";
pub(super) const MONITOR: &str = "monitor";
pub(super) const ON: &str = "on";
pub(super) const OFF: &str = "off";
pub(super) const NONE: &str = "none";
pub(super) const SYS: &str = "sys";
pub(super) const AUTH: &str = "auth";
pub(super) const IO: &str = "io";
pub(super) const TIMER: &str = "timer";
