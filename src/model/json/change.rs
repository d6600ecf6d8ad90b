//! The course of a change of a running daemon.

use serde_json::{Map, Value as Json, json};

use crate::model::change::state::{Changed, Check, Difference, Entry};
use crate::model::change::{
    Answered, Course, Outcome, Phase, Preview, Refusal, Sent, TakenBack, Trouble, Why,
};
use crate::units::AssocId;

/// What `schema` says of a change.
pub const CHANGE_SCHEMA: &str = "ntpscope/change/1";

/// All that is known of a change. There is no secret in it.
pub fn course(course: &Course) -> Map<String, Json> {
    let object = json!({
        "schema": CHANGE_SCHEMA,
        "phase": phase(course.phase),
        "trouble": course.trouble.as_ref().map(trouble),
        "preview": course.preview.as_ref().map(preview),
        "sent": course.sent.iter().map(sent).collect::<Vec<_>>(),
        "outcome": course.outcome.as_ref().map(outcome),
        "is_confirmed": course.is_confirmed,
        "taken_back": course.back.as_ref().map(taken_back),
    });
    match object {
        Json::Object(object) => object,
        _ => Map::new(),
    }
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Reading => "reading",
        Phase::Preview => "preview",
        Phase::Applying => "applying",
        Phase::ReadingBack => "reading_back",
        Phase::Confirming(_) => "confirming",
        Phase::TakingBack => "taking_back",
        Phase::ReadingAgain => "reading_again",
        Phase::Ended => "ended",
    }
}

fn trouble(trouble: &Trouble) -> Json {
    let kind = match trouble {
        Trouble::Unread(_) => "unread",
        Trouble::Wish(_) => "wish",
        Trouble::Options(_) => "options_not_told",
        Trouble::NoKey => "no_key",
        Trouble::Key(_) => "key_refused",
        Trouble::TooLong(_) => "too_long",
        Trouble::NoWayBack(_) => "no_way_back",
    };
    json!({ "kind": kind, "text": trouble.to_string() })
}

fn preview(preview: &Preview) -> Json {
    let Preview { lines, inverse, words, checks, is_so_already, .. } = preview;
    json!({
        "lines": lines,
        "inverse": inverse.as_ref().ok(),
        "why_no_inverse": inverse.as_ref().err(),
        "effects": words,
        "checks": checks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "is_so_already": is_so_already,
    })
}

/// A line that was sent, with its answer.
pub fn sent(sent: &Sent) -> Json {
    let (kind, text) = match &sent.answer {
        None => ("awaited", None),
        Some(Answered::Accepted(text)) => ("accepted", Some(text.clone())),
        Some(Answered::Refused(refusal)) => (refused(refusal), Some(refusal.to_string())),
        Some(Answered::Lost(failure)) => ("lost", Some(failure.to_string())),
    };
    let column = match &sent.answer {
        Some(Answered::Refused(Refusal::Syntax { column, .. })) => *column,
        _ => None,
    };
    json!({ "line": sent.text, "answer": kind, "answer_text": text, "column": column })
}

const fn refused(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NoModify(_) => "nomodify",
        Refusal::Syntax { .. } => "syntax",
        Refusal::Key(_) => "key_refused",
        Refusal::Code(_) | Refusal::Other(_) => "refused",
    }
}

fn outcome(outcome: &Outcome) -> Json {
    let check = |(check, holds): &(Check, Option<bool>)| json!({ "check": check.to_string(), "holds": holds });
    json!({
        "verdict": outcome.verdict.word(),
        "checks": outcome.checks.iter().map(check).collect::<Vec<_>>(),
        "difference": outcome.difference.as_ref().map(difference),
    })
}

fn difference(difference: &Difference) -> Json {
    let entries = |entries: &[Entry]| entries.iter().map(entry).collect::<Vec<_>>();
    let changed = |changed: &Changed| {
        json!({
            "kind": changed.kind.to_string(),
            "name": changed.name,
            "fact": changed.fact,
            "before": changed.before,
            "after": changed.after,
        })
    };
    let followed = difference.followed.as_ref();
    json!({
        "came": entries(&difference.came),
        "went": entries(&difference.went),
        "changed": difference.changed.iter().map(changed).collect::<Vec<_>>(),
        "followed": followed.map(|(before, after)| json!({ "before": before, "after": after })),
    })
}

fn entry(entry: &Entry) -> Json {
    let facts = entry.facts.iter().map(|fact| (fact.name.to_owned(), fact.value.clone().into()));
    json!({
        "kind": entry.kind.to_string(),
        "name": entry.name,
        "host": entry.host,
        "association": entry.id.map(AssocId::get),
        "facts": facts.collect::<Map<String, Json>>(),
    })
}

fn taken_back(back: &TakenBack) -> Json {
    let why = match back.why {
        Why::NotConfirmed => "not_confirmed",
        Why::Asked => "asked",
    };
    json!({
        "why": why,
        "sent": back.sent.iter().map(sent).collect::<Vec<_>>(),
        "outcome": back.outcome.as_ref().map(outcome),
    })
}
