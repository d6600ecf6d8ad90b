//! What a daemon keeps account of besides its sources: clients, times that were entered by hand; and
//! the ways on which it can be asked.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::{milliseconds_json, ntp_text, rfc3339, seconds_json};
use crate::model::clients::{ClientRecord, ManualEntry, Service};
use crate::model::daemon::Way;
use crate::units::PollExponent;

/// Clients in the daemon's order.
pub(super) fn clients(clients: &[ClientRecord]) -> Map<String, Json> {
    let one = |client: &ClientRecord| {
        json!({
            "address": client.address.to_string(),
            "ntp": service(client.ntp),
            "nts_ke": service(client.nts_ke),
            "commands": service(client.commands),
            "limited_interval_log2_s": exponent(client.limited_interval),
        })
    };
    Map::from_iter([("list".to_owned(), clients.iter().map(one).collect())])
}

fn service(service: Service) -> Json {
    let age = |age: Duration| seconds_json(age);
    json!({
        "hits": service.hits,
        "drops": service.drops,
        "interval_log2_s": exponent(service.interval),
        "last_age_s": service.last.map_or(Json::Null, age),
    })
}

fn exponent(exponent: Option<PollExponent>) -> Json {
    exponent.map_or(Json::Null, |exponent| exponent.exponent().into())
}

/// Times that were entered by hand, oldest first; offsets are positive when the clock was slow.
pub(super) fn manual(entries: &[ManualEntry]) -> Map<String, Json> {
    let one = |entry: &ManualEntry| {
        json!({
            "when": rfc3339(entry.when),
            "when_ntp": ntp_text(entry.when),
            "offset_ms": milliseconds_json(entry.offset),
            "original_offset_ms": milliseconds_json(entry.original_offset),
            "residual_ms": milliseconds_json(entry.residual),
        })
    };
    Map::from_iter([("list".to_owned(), entries.iter().map(one).collect())])
}

/// A way on which a daemon can be asked.
pub(super) fn way(way: &Way) -> Json {
    json!({ "name": way.name, "is_used": way.is_used, "answers": way.answers })
}
