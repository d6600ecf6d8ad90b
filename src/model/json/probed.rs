//! What probes found, as JSON.

use serde_json::{Value as Json, json};

use crate::model::json::{leap_word, milliseconds_json};
use crate::model::probed::{Estimate, Found, Probed, Server};
use crate::units::{NtpDuration, Tally};

/// What `schema` says of a probe.
pub const PROBE_SCHEMA: &str = "ntpscope/probe/1";

/// What selection made of a host among the others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Judged {
    /// Its tally.
    pub tally: Tally,
    /// Whether it is the one to believe.
    pub is_best: bool,
    /// Whether it differs from others by more than measuring can err, though its own error bound
    /// leaves room for that: then nobody can tell whether it is right.
    pub is_in_doubt: bool,
    /// How far it is at least apart from what most others agree on, where they do: positive when
    /// they are ahead.
    pub apart: Option<NtpDuration>,
}

/// What became of a host, with what selection made of it among the others.
///
/// What is not known is `null`; offsets are positive when the host is ahead of this one.
pub fn probed(probed: &Probed, judged: Judged) -> Json {
    let found = probed.found.as_ref();
    let mut object = json!({
        "schema": PROBE_SCHEMA,
        "host": probed.host,
        "standing": probed.standing().word(),
        "selection": judged.tally.condition(),
        "is_best": judged.is_best,
        "is_in_doubt": judged.is_in_doubt,
        "apart_from_most_ms": judged.apart.map(milliseconds_json),
        "trouble": probed.found.as_ref().err(),
    });
    let parts = [
        found.map_or_else(|_| Json::Null, contact),
        server(found.ok().and_then(|found| found.server.as_ref())),
        estimate(found.ok().and_then(|found| found.estimate.as_ref())),
    ];
    if let Some(object) = object.as_object_mut() {
        for part in parts {
            if let Json::Object(fields) = part {
                object.extend(fields);
            }
        }
    }
    object
}

fn contact(found: &Found) -> Json {
    json!({
        "address": found.address.to_string(),
        "name": found.name,
        "requests": found.asked,
        "replies": found.answered,
        "refused_datagrams": found.refused,
        "is_told_unreachable": found.is_unreachable,
        "kiss": found.kiss.map(|kiss| kiss.to_string()),
    })
}

fn server(server: Option<&Server>) -> Json {
    json!({
        "leap": server.map(|server| leap_word(server.leap)),
        "stratum": server.map(|server| server.stratum.get()),
        "reference_id": server.map(Server::source),
        "version": server.map(|server| server.version),
        "root_delay_ms": server.map(|server| milliseconds_json(server.root_delay)),
        "root_dispersion_ms": server.map(|server| milliseconds_json(server.root_dispersion)),
    })
}

fn estimate(estimate: Option<&Estimate>) -> Json {
    let span = |of: fn(&Estimate) -> NtpDuration| estimate.map(|e| milliseconds_json(of(e)));
    json!({
        "offset_ms": span(|estimate| estimate.offset),
        "error_bound_ms": span(|estimate| estimate.bound),
        "measured_error_ms": span(|estimate| estimate.measured),
        "delay_ms": span(|estimate| estimate.delay),
        "jitter_ms": estimate.and_then(|estimate| estimate.jitter).map(milliseconds_json),
        "samples": estimate.map_or(0, |estimate| estimate.samples),
    })
}
