//! A daemon as JSON: stable names, units in the names, and a reason for every value that is not
//! there.
//!
//! - The top object has a `schema`. Names are added within a version of it, never changed.
//! - A variable goes by its full name and unit: `offset_ms`, `frequency_ppm`, `host_poll_log2_s`.
//!   Numbers are numbers, whatever the daemon wrote; words are those of ntpq, or the protocol's.
//! - A value that is not there is `null`, and `absent` beside it says why under the same name: a
//!   word to test (`why`) and a sentence to show (`text`).
//! - A number that stands for something else (99, 16000) stays a number; `means` says what for.
//! - A timestamp is RFC 3339 text in UTC; its 64 bits are beside it, under the name with `_ntp`.
//!   Registers and flash bits have their number beside them, under the name with `_bits`.
//! - What the table does not know is in `other`, as the daemon wrote it.

pub mod change;
pub mod engine;
mod kept;
pub mod probed;

use std::fmt::Display;
use std::time::Duration;

use serde_json::{Map, Number, Value as Json, json};

use crate::model::absent::Absent;
use crate::model::daemon::{Contact, Daemon, Detail, Peer};
use crate::model::part::{Dated, Part};
use crate::model::question::Failure;
use crate::model::values::{Value, Values, printable};
use crate::model::vars::{Format, Variable, lists, system};
use crate::units::{KeyId, Leap, Mode, Mono, NtpDuration, NtpTimestamp};
use crate::wire::mode6::status::{PeerStatus, SystemStatus, codes};

/// What `schema` says of a daemon.
pub const DAEMON_SCHEMA: &str = "ntpscope/daemon/1";

/// All that is known of `daemon` at `now`.
pub fn daemon(daemon: &Daemon, now: Mono) -> Json {
    let mut top = Map::new();
    let mut absent = Map::new();
    top.insert("schema".into(), DAEMON_SCHEMA.into());
    top.insert("contact".into(), contact(&daemon.contact, now));
    if let Some(identity) = &daemon.identity {
        top.insert("version".into(), (*printable(&identity.version)).into());
        let dialect = identity.dialect.map_or(Json::Null, |dialect| dialect.name().into());
        top.insert("dialect".into(), dialect);
    } else {
        top.insert("version".into(), Json::Null);
        absent.insert("version".into(), reason(&Absent::NotAskedYet));
    }
    top.insert("restarts".into(), daemon.restarts.into());
    match daemon.associations.value() {
        Ok(list) => {
            top.insert("status".into(), system_status(list.system));
        }
        Err(why) => {
            top.insert("status".into(), Json::Null);
            absent.insert("status".into(), reason(&why));
        }
    }
    insert_part(&mut top, &mut absent, "system", &daemon.system, now, |values| {
        variables(values, SYSTEM)
    });
    if let Some(engine) = &daemon.clock_loop {
        top.insert("loop".into(), engine::clock_loop(engine));
    }
    let peers = daemon.peers.iter().map(|one| peer(daemon, one, now)).collect();
    top.insert("peers".into(), Json::Array(peers));
    if is_asked(&daemon.clients) {
        insert_part(&mut top, &mut absent, "clients", &daemon.clients, now, |clients| {
            kept::clients(clients)
        });
    }
    if is_asked(&daemon.manual) {
        insert_part(&mut top, &mut absent, "manual_times", &daemon.manual, now, |entries| {
            kept::manual(entries)
        });
    }
    if !daemon.ways.is_empty() {
        top.insert("ways".into(), daemon.ways.iter().map(kept::way).collect());
    }
    insert_unless_empty(&mut top, "absent", absent);
    Json::Object(top)
}

/// The variables of a daemon that are always listed, there or not.
const SYSTEM: &[&[&Variable]] = &[
    &[&system::VERSION, &system::PROCESSOR, &system::SYSTEM, &system::RELEASE],
    lists::SYSTEM_SUMMARY,
];

/// All that is known of one association.
pub fn peer(daemon: &Daemon, peer: &Peer, now: Mono) -> Json {
    let mut object = Map::new();
    object.insert("association".into(), peer.id.get().into());
    object.insert("tally".into(), peer.status.tally().character().to_string().into());
    object.insert("status".into(), peer_status(peer.status));
    let age = daemon.age(peer, now).map_or(Json::Null, seconds_json);
    object.insert("last_packet_age_s".into(), age);

    let mut fields = Fields::default();
    let mut parts = Map::new();
    for (name, part, rows) in [
        ("row", &peer.row, lists::ROW),
        ("scalars", peer.detail(Detail::Scalars), lists::SCALARS),
        ("counters", peer.detail(Detail::Counters), lists::COUNTERS),
    ] {
        if name == "row" || is_asked(part) {
            for row in rows {
                fields.insert_result(row, peer.value(row).map(|(value, _)| value));
            }
            parts.insert(name.into(), dated(part, now));
        }
        if let Some(values) = part.latest() {
            for (row, _) in values.iter() {
                fields.insert_result(row, peer.value(row).map(|(value, _)| value));
            }
            fields.insert_others(values);
        }
    }
    let clock = peer.detail(Detail::Clock);
    if is_asked(clock) {
        insert_part(&mut object, &mut fields.absent, "clock", clock, now, |values| {
            variables(values, &[lists::CLOCK])
        });
    }
    fields.append_to(&mut object);
    object.insert("parts".into(), Json::Object(parts));
    Json::Object(object)
}

/// Whether anybody asked for a part, or has it.
const fn is_asked<T>(part: &Part<T>) -> bool {
    !matches!(part.trouble(), Some(Absent::NotAskedYet))
}

/// The variables in `values` and those of `expected`, as an object with `absent`, `means` and
/// `other` where there is something to say.
pub fn variables(values: &Values, expected: &[&[&'static Variable]]) -> Map<String, Json> {
    let mut fields = Fields::default();
    for row in expected.iter().copied().flatten() {
        fields.insert_result(row, values.get(row));
    }
    for (row, value) in values.iter() {
        fields.insert_result(row, value.map_err(Clone::clone));
    }
    fields.insert_others(values);
    let mut object = Map::new();
    fields.append_to(&mut object);
    object
}

/// Variables on their way into an object.
#[derive(Default)]
struct Fields {
    values: Map<String, Json>,
    absent: Map<String, Json>,
    means: Map<String, Json>,
    other: Map<String, Json>,
}

impl Fields {
    /// Puts a variable in unless it is in already.
    fn insert_result(&mut self, row: &'static Variable, value: Result<&Value, Absent>) {
        let name = row.json_name();
        if self.values.contains_key(&name) {
            return;
        }
        match value {
            Ok(value) => self.insert(row, name, value),
            Err(why) => {
                self.absent.insert(name.clone(), reason(&why));
                self.values.insert(name, Json::Null);
            }
        }
    }

    fn insert(&mut self, row: &'static Variable, name: String, value: &Value) {
        if let Some(means) = number(row, value).and_then(|number| row.sentinel(number)) {
            self.means.insert(name.clone(), means.into());
        }
        let beside = match value {
            Value::Timestamp(stamp) => Some(("_ntp", ntp_text(*stamp).into())),
            Value::Reach(reach) => Some(("_bits", reach.register().into())),
            Value::Flash(flash) => Some(("_bits", flash.bits().into())),
            _ => None,
        };
        if let Some((suffix, exact)) = beside {
            let name_beside = format!("{name}{suffix}");
            self.values.insert(name, value_json(row, value));
            self.values.insert(name_beside, exact);
        } else {
            self.values.insert(name, value_json(row, value));
        }
    }

    fn insert_others(&mut self, values: &Values) {
        for (name, text) in values.others() {
            self.other.insert(name.into(), text.into());
        }
    }

    fn append_to(self, object: &mut Map<String, Json>) {
        object.extend(self.values);
        insert_unless_empty(object, "means", self.means);
        insert_unless_empty(object, "other", self.other);
        insert_unless_empty(object, "absent", self.absent);
    }
}

fn insert_unless_empty(object: &mut Map<String, Json>, name: &str, inner: Map<String, Json>) {
    if !inner.is_empty() {
        object.insert(name.into(), Json::Object(inner));
    }
}

/// A part with its age, or `null` and the reason.
fn insert_part<T>(
    object: &mut Map<String, Json>,
    absent: &mut Map<String, Json>,
    name: &str,
    part: &Part<T>,
    now: Mono,
    body: impl FnOnce(&T) -> Map<String, Json>,
) {
    match part.value() {
        Ok(value) => {
            let mut inner = body(value);
            if let Json::Object(dated) = dated(part, now) {
                inner.extend(dated);
            }
            object.insert(name.into(), Json::Object(inner));
        }
        Err(why) => {
            object.insert(name.into(), Json::Null);
            absent.insert(name.into(), reason(&why));
        }
    }
}

/// How old a part is, and why it is not newer when the last attempt to ask failed.
fn dated<T>(part: &Part<T>, now: Mono) -> Json {
    let mut object = Map::new();
    if let Some(Dated { answered, clock, .. }) = part.dated() {
        object.insert("age_s".into(), seconds_json(now.since(answered)));
        object.insert("answered_at".into(), rfc3339(clock));
    }
    if let Some(trouble) = part.trouble() {
        object.insert("trouble".into(), reason(trouble));
    }
    Json::Object(object)
}

fn contact(contact: &Contact, now: Mono) -> Json {
    let (state, since, why): (_, _, Option<&dyn Display>) = match contact {
        Contact::Resolving => ("resolving", None, None),
        Contact::NoAddress { why } => ("no_address", None, Some(why)),
        Contact::Ended { why, .. } => ("ended", None, Some(why)),
        Contact::Asking { since } => ("asking", Some(since), None),
        Contact::Answering { .. } => ("answering", None, None),
        Contact::RateLimited { .. } => ("rate_limited", None, None),
        Contact::Silent { since, .. } => ("silent", Some(since), None),
        Contact::Unreachable { why, since, .. } => ("unreachable", Some(since), Some(why)),
        Contact::Refusing { why, since, .. } => ("refusing", Some(since), Some(why)),
        Contact::Garbage { why, since, .. } => ("garbage", Some(since), Some(why)),
    };
    let mut object = Map::new();
    object.insert("state".into(), state.into());
    if let Some(since) = since {
        object.insert("since_s".into(), seconds_json(now.since(*since)));
    }
    if let Some(last) = contact.last_answer() {
        object.insert("last_answer_age_s".into(), seconds_json(now.since(last)));
    }
    if let Contact::Answering { round_trip, .. } = contact {
        object.insert("round_trip_ms".into(), milliseconds_json((*round_trip).into()));
    }
    if let Some(why) = why {
        object.insert("text".into(), why.to_string().into());
    }
    Json::Object(object)
}

/// The system's status word in words.
pub fn system_status(status: SystemStatus) -> Json {
    json!({
        "word": format!("{:04x}", status.bits()),
        "leap": leap_word(status.leap()),
        "source": codes::find(&codes::SOURCES, status.source()).map(|source| source.word),
        "events": status.event_count(),
        "last_event": status.last_event().map(|event| event.word),
    })
}

/// A peer's status word in words.
pub fn peer_status(status: PeerStatus) -> Json {
    json!({
        "word": format!("{:04x}", status.bits()),
        "flags": status.flags().map(|flag| flag.word).collect::<Vec<_>>(),
        "selection": status.tally().condition(),
        "events": status.event_count(),
        "last_event": status.last_event().map(|event| event.word),
    })
}

/// Why a value is not there: a word to test and a sentence to show.
pub fn reason(why: &Absent) -> Json {
    let word = match why {
        Absent::NotAskedYet => "not_asked_yet",
        Absent::NotInFamily => "not_in_family",
        Absent::NotGiven => "not_given",
        Absent::NotDecodable { .. } | Absent::Failed(Failure::Unreadable(_)) => "not_decodable",
        Absent::Closed { .. } => "closed",
        Absent::Failed(Failure::Refused(_) | Failure::Declined(_)) => "refused",
        Absent::Failed(Failure::NoKey) => "no_key",
        Absent::Failed(_) => "unanswered",
    };
    json!({ "why": word, "text": why.to_string() })
}

/// A value in the unit that its row's name in JSON promises.
pub fn value_json(row: &Variable, value: &Value) -> Json {
    match value {
        Value::Unsigned(number) => (*number).into(),
        Value::Signed(number) => (*number).into(),
        Value::Flag(flag) => (*flag).into(),
        Value::Stratum(stratum) => stratum.get().into(),
        Value::Poll(poll) => poll.exponent().into(),
        Value::Precision(precision) => precision.exponent().into(),
        Value::Association(id) => id.get().into(),
        Value::Key(key) => key.map_or(0, KeyId::get).into(),
        Value::Real(number) => number_json(*number),
        Value::Frequency(frequency) => number_json(frequency.parts_per_million()),
        Value::Duration(span) => match row.format {
            Format::Seconds | Format::ExponentSeconds => number_json(round(span.seconds(), 1e9)),
            _ => milliseconds_json(*span),
        },
        Value::Samples(samples) => samples.iter().copied().map(milliseconds_json).collect(),
        Value::Timestamp(stamp) => rfc3339(*stamp),
        Value::Date(date) => format!("{date:.0}Z").into(),
        Value::Leap(leap) => leap_word(*leap).into(),
        Value::Mode(mode) => mode_word(*mode).into(),
        Value::Reach(reach) => format!("{:03o}", reach.register()).into(),
        Value::Flash(flash) => flash.failed().map(|bit| Json::from(bit.word)).collect(),
        Value::ReferenceAddress(address) => address.to_string().into(),
        Value::ReferenceCode(code) => code.code().into(),
        Value::Address(address) => address.to_string().into(),
        Value::AddressInZone { address, zone } => format!("{address}%{zone}").into(),
        Value::Socket(socket) => socket.to_string().into(),
        Value::Text(text) => (**text).into(),
    }
}

/// The number that sentinels are compared with; milliseconds for the spans that are told so.
fn number(row: &Variable, value: &Value) -> Option<f64> {
    match value {
        Value::Leap(leap) => Some(leap.bits().into()),
        Value::Mode(mode) => Some(mode.bits().into()),
        Value::Samples(_) => None,
        other => value_json(row, other).as_f64(),
    }
}

/// A span in milliseconds, to the nanosecond that daemons write at most: what is kept in units of
/// 2⁻³² s comes out as it was written.
fn milliseconds_json(span: NtpDuration) -> Json {
    number_json(round(span.milliseconds(), 1e6))
}

fn seconds_json(span: Duration) -> Json {
    number_json(round(span.as_secs_f64(), 1e6))
}

fn round(number: f64, steps: f64) -> f64 {
    (number * steps).round() / steps
}

/// A number; `null` were it not finite, which no value is.
fn number_json(number: f64) -> Json {
    Number::from_f64(number).map_or(Json::Null, Json::Number)
}

/// The 64 bits as ntpq prints them.
fn ntp_text(stamp: NtpTimestamp) -> String {
    format!("{:08x}.{:08x}", stamp.seconds(), stamp.fraction())
}

/// A time in RFC 3339 and UTC; eras are told apart by taking it between 1968 and 2104. `null` for
/// the timestamp that means never.
pub fn rfc3339(stamp: NtpTimestamp) -> Json {
    let (seconds, nanoseconds) = stamp.to_unix(SECOND_ERA);
    match i32::try_from(nanoseconds).map(|ns| jiff::Timestamp::new(seconds, ns)) {
        Ok(Ok(instant)) if !stamp.is_never() => format!("{instant:.9}").into(),
        _ => Json::Null,
    }
}

/// When the second era begins, in 2036.
const SECOND_ERA: i64 = 2_085_978_496;

const fn leap_word(leap: Leap) -> &'static str {
    match leap {
        Leap::None => "none",
        Leap::Insert => "insert",
        Leap::Delete => "delete",
        Leap::Alarm => "alarm",
    }
}

const fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Unspecified => "unspecified",
        Mode::SymmetricActive => "symmetric_active",
        Mode::SymmetricPassive => "symmetric_passive",
        Mode::Client => "client",
        Mode::Server => "server",
        Mode::Broadcast => "broadcast",
        Mode::Control => "broadcast_client",
        Mode::Private => "private",
    }
}

#[cfg(test)]
mod tests;
