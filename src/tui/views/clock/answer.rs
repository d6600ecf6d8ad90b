//! The first lines: how the clock stands, and by how much it could be wrong.

use ratatui::style::Style;

use crate::model::Values;
use crate::model::clock_loop::{ClockLoop, Steers};
use crate::model::vars::system;
use crate::selection::distance::PHI;
use crate::tui::format::{self, Format, Units};
use crate::tui::history::course::root_distance;
use crate::tui::views::columns::Context;
use crate::tui::{rows, verdict, words};
use crate::units::NtpDuration;

/// The sentences with their looks.
pub fn sentences(context: &Context<'_>) -> Vec<(Style, String)> {
    let Some(values) = context.daemon.system.latest() else {
        return vec![(context.theme.faint, "nothing is known of its clock yet".into())];
    };
    let style =
        if context.daemon.contact.is_fresh() { context.theme.text } else { context.theme.stale };
    if let Some(engine) = &context.daemon.clock_loop {
        return of_engine(context, engine, style);
    }
    let why = nothing_known(context);
    let is_compared = !verdict::is_unsynchronised(context.daemon)
        && match verdict::system_peer(context.daemon) {
            Some(peer) => !rows::is_own_clock(peer),
            None => verdict::own_reference(context.daemon).is_none(),
        };
    if let (Some(why), false) = (&why, is_compared) {
        return vec![(context.theme.warning, format!("Clock: {why}"))];
    }
    let Some(stands) = stands(context, values) else {
        return vec![(context.theme.warning, "Clock: the daemon does not tell its offset".into())];
    };
    if let Some(why) = why {
        return vec![(context.theme.warning, format!("{stands}; but {why}"))];
    }
    let wrong = match bound(context) {
        Some(bound) => {
            format!("; wrong by at most {}", format(context).span(bound, false))
        }
        None => "; by how much it could be wrong it does not tell".into(),
    };
    vec![(style, format!("{stands}{wrong}"))]
}

/// How the clock stands by the daemon's own account, which is one of two: the offset that it found
/// when it last corrected its clock, or what it has left to correct now.
fn stands(context: &Context<'_>, values: &Values) -> Option<String> {
    let side = |offset| words::behind_or_ahead(offset, format(context));
    if let Some(offset) = values.duration(&system::OFFSET) {
        let updated = match updated(context) {
            Some(age) => format!("{age} ago, when last corrected"),
            None => "when last corrected".into(),
        };
        return Some(format!("Clock: {} {updated}", side(offset)));
    }
    let left = values.duration(&system::SYSTEM_TIME)?;
    let what = "what its daemon takes for the true time (system time)";
    Some(match left.bits() {
        0 => format!("System clock: exactly at {what}"),
        1.. => format!("System clock: {} {what}", side(left)),
        _ => format!("System clock: {} of {what}", side(left)),
    })
}

/// Of an engine, which tells the clock it steers from the one that programs get.
fn of_engine(context: &Context<'_>, engine: &ClockLoop, style: Style) -> Vec<(Style, String)> {
    if engine.state == "NSET" && verdict::system_peer(context.daemon).is_none() {
        let sentence = match engine.steers {
            Steers::Virtual => {
                "System clock: not compared with any source yet; it is not touched in any case"
            }
            Steers::System => "System clock: not compared with any source yet",
            Steers::Simulated => "Simulated clock: not compared with any source yet",
        };
        return vec![(context.theme.warning, sentence.into())];
    }
    let format = format(context);
    let give_or_take = match engine.error_bound {
        Some(bound) => format!(" ±{}", format.span(bound, false)),
        None => String::new(),
    };
    let side = |offset| words::behind_or_ahead(offset, format);
    let steered = side(engine.steered_offset);
    let left = "what the loop has left to do";
    let sentences = match engine.steers {
        Steers::Virtual => {
            let system = engine.system_offset.map_or_else(|| "not known".into(), side);
            vec![
                format!(
                    "System clock: {system}{give_or_take} — what every program on this host gets"
                ),
                format!("Virtual clock: {steered}{give_or_take} — {left}"),
            ]
        }
        Steers::System => {
            vec![format!("System clock: {steered}{give_or_take} — {left}; this program steers it")]
        }
        Steers::Simulated => vec![format!("Simulated clock: {steered}{give_or_take} — {left}")],
    };
    let styles = [style].into_iter().chain(std::iter::repeat(context.theme.text));
    styles.zip(sentences).collect()
}

/// Why nobody knows how wrong the clock is; `None` when it is known.
pub fn nothing_known(context: &Context<'_>) -> Option<String> {
    let daemon = context.daemon;
    if verdict::is_unsynchronised(daemon) {
        return Some("not synchronised; by how much it is wrong nobody knows".into());
    }
    let is_itself = match verdict::system_peer(daemon) {
        Some(peer) => rows::is_own_clock(peer),
        None => verdict::own_reference(daemon).is_some(),
    };
    if is_itself {
        let why = "it follows itself, and zeros are no measurement; by how much it is wrong \
                   nobody knows";
        return Some(why.into());
    }
    let source = verdict::without_time(context.app, daemon)?;
    Some(format!(
        "{source} follows its own clock, which is no time source; by how much either is wrong \
         nobody knows"
    ))
}

/// The error at most, as the daemon told it and grown since.
pub fn bound(context: &Context<'_>) -> Option<NtpDuration> {
    let told = root_distance(context.daemon.system.latest()?)?;
    let since = context.now.since(context.daemon.system.dated()?.answered);
    Some(told + NtpDuration::from_seconds(PHI * since.as_secs_f64()))
}

/// How long ago the clock was corrected.
fn updated(context: &Context<'_>) -> Option<String> {
    let updated = context.daemon.system.latest()?.timestamp(&system::REFERENCE_TIME)?;
    let age = (context.daemon.clock_at(context.now)? - updated).to_std().unwrap_or_default();
    Some(format::age(age))
}

/// Spans wear the unit that suits them here, for they range from nanoseconds to days; a unit that
/// was chosen is kept.
pub fn format(context: &Context<'_>) -> Format {
    match context.format.units {
        Units::Milliseconds => Format { units: Units::Auto, ..context.format },
        _ => context.format,
    }
}
