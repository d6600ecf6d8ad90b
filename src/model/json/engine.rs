//! What an engine tells besides what every daemon does, as JSON: its loop, and what happened.

use serde_json::{Map, Value as Json, json};

use crate::model::clock_loop::{Algorithm, ClockLoop, Steers};
use crate::model::happened::Happened;
use crate::model::json::{milliseconds_json, number_json, rfc3339};
use crate::units::{NtpDuration, NtpTimestamp, Ppm};

/// What `schema` says of an event.
pub const EVENT_SCHEMA: &str = "ntpscope/event/1";

/// What happened, by the clock's reading at that time.
pub fn happened(happened: &Happened, at: NtpTimestamp) -> Json {
    json!({
        "schema": EVENT_SCHEMA,
        "time": rfc3339(at),
        "about": happened.about,
        "event": happened.event,
        "association": happened.association.map(crate::units::AssocId::get),
        "host": happened.host,
        "address": happened.address.map(|address| address.to_string()),
        "text": happened.text,
    })
}

/// An engine's loop. Offsets are positive when the others are ahead.
pub(super) fn clock_loop(engine: &ClockLoop) -> Json {
    let span = |span: Option<NtpDuration>| span.map(milliseconds_json);
    let ppm = |frequency: Ppm| number_json(frequency.parts_per_million());
    let sources = engine.sources.iter().map(|source| {
        json!({
            "association": source.id.get(),
            "weight": number_json(source.weight),
            "bias_ms": milliseconds_json(source.bias),
            "bias_prior_ms": milliseconds_json(source.bias_prior),
            "is_inconsistent": source.is_inconsistent,
        })
    });
    let mut object = Map::new();
    let fields = json!({
        "algorithm": match engine.algorithm {
            Algorithm::Ntp => "ntp",
            Algorithm::Kalman => "kalman",
        },
        "steers": match engine.steers {
            Steers::Virtual => "virtual_clock",
            Steers::System => "system_clock",
            Steers::Simulated => "simulated_clock",
        },
        "state": engine.state,
        "is_converged": engine.is_converged,
        "held": engine.held,
        "notice": engine.notice,
        "system_clock_offset_ms": span(engine.system_offset),
        "steered_clock_offset_ms": milliseconds_json(engine.steered_offset),
        "error_3_sigma_ms": span(engine.error_bound),
        "frequency_ppm": ppm(engine.frequency),
        "frequency_error_ppm": engine.frequency_error.map(ppm),
        "jitter_ms": milliseconds_json(engine.jitter),
        "wander_ppm": ppm(engine.wander),
        "time_constant_log2_s": engine.time_constant.exponent(),
        "sources": sources.collect::<Vec<_>>(),
    });
    if let Json::Object(fields) = fields {
        object.extend(fields);
    }
    Json::Object(object)
}
