//! Who the daemon is, in a few lines.

use crate::model::vars::system;
use crate::model::{Value, Values};
use crate::tui::views::columns::Context;
use crate::tui::{format, words};
use crate::units::{Leap, NtpDuration};

/// A label and a sentence each.
pub fn facts(context: &Context<'_>) -> Vec<(&'static str, String)> {
    let values = context.daemon.system.latest();
    let version = context.daemon.identity.as_ref().map(|identity| identity.version.to_string());
    let all = [
        ("Version", version),
        ("Runs on", values.and_then(machine)),
        ("Running", running(context)),
        ("Gives", values.and_then(|values| gives(context, values))),
    ];
    all.into_iter().filter_map(|(label, fact)| Some((label, fact?))).collect()
}

fn machine(values: &Values) -> Option<String> {
    let parts = [&system::SYSTEM, &system::RELEASE, &system::PROCESSOR];
    let parts: Vec<_> = parts.into_iter().filter_map(|row| values.text(row)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// How long it has run, and since when by our clock.
fn running(context: &Context<'_>) -> Option<String> {
    let statistics = &context.daemon.statistics;
    let (section, value) = statistics.find(&system::UPTIME)?;
    let Value::Duration(uptime) = value else { return None };
    let dated = statistics.section(section).part().dated()?;
    let uptime = uptime.to_std()? + context.now.since(dated.answered);
    let now = context.app.shown_now();
    let began = format::time(now.clock + -NtpDuration::from(uptime), now);
    let restarts = match context.daemon.restarts {
        0 => String::new(),
        1 => "; seen to start anew once".into(),
        times => format!("; seen to start anew {times} times"),
    };
    Some(format!("for {}, since {began}{restarts}", format::age(uptime)))
}

/// What it tells those who ask it.
fn gives(context: &Context<'_>, values: &Values) -> Option<String> {
    let stratum = values.stratum(&system::STRATUM)?;
    let reference = values.get(&system::REFERENCE_ID).ok().map(words::reference);
    let mut parts = vec![match values.leap(&system::LEAP) {
        Some(Leap::Alarm) => format!("no time: not synchronised (stratum {stratum})"),
        _ => format!("time of stratum {stratum}"),
    }];
    parts.extend(reference.map(|reference| format!("reference {reference}")));
    let span = |row| values.duration(row);
    if let (Some(delay), Some(dispersion)) =
        (span(&system::ROOT_DELAY), span(&system::ROOT_DISPERSION))
    {
        let half = NtpDuration::from_seconds(delay.seconds() / 2.0);
        let bound = context.format.span(half + dispersion, false);
        parts.push(format!("root distance {bound}"));
    }
    match values.leap(&system::LEAP) {
        Some(Leap::Insert) => parts.push("a leap second comes".into()),
        Some(Leap::Delete) => parts.push("a second will be left out".into()),
        _ => {}
    }
    Some(parts.join(", "))
}
