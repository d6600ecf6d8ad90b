//! What must be said beside the first line: limits, clocks that differ, restarts, other ways to ask,
//! programs.

use std::time::Duration;

use crate::backend::TargetId;
use crate::model::{Contact, Daemon};
use crate::tui::app::{App, Tab};
use crate::tui::command::Action;
use crate::tui::verdict::{Severity, observed};
use crate::tui::{format, keymap};
use crate::units::NtpDuration;

/// What else must be said beside the first line: limits, clocks that differ, restarts, programs.
pub fn notices(app: &App, tab: &Tab) -> Vec<(Severity, String)> {
    let daemon = tab.shown();
    let now = app.shown_now();
    let mut notices = Vec::new();
    if let Contact::RateLimited { last, resume } = &daemon.contact {
        let wait = resume.since(now.mono).as_secs();
        let last = format::age(now.mono.since(*last));
        notices.push((
            Severity::Notice,
            format!(
                "rate-limited by the daemon: asking less; last answer {last} ago, next in {wait} s"
            ),
        ));
    }
    let restarted = daemon.restarted.map(|at| now.mono.since(at));
    if let Some(age) = restarted.filter(|age| *age < NEW_START) {
        let age = format::age(age);
        notices.push((
            Severity::Warning,
            format!("started anew {age} ago: its association ids changed"),
        ));
    }
    // A virtual clock differs from this host's on purpose; the headline tells of it by name.
    if observed(daemon).is_none()
        && let Some(difference) = clock_difference(app, daemon)
    {
        notices.push((Severity::Warning, difference));
    }
    if let Some(program) = other_programs(app, tab) {
        notices.push((Severity::Notice, program));
    }
    if let Some(ways) = other_ways(app, daemon) {
        notices.push((Severity::Notice, ways));
    }
    if let Some(offer) = offer(app, tab) {
        notices.push((Severity::Notice, offer));
    }
    notices
}

/// Says that the daemon's clock and ours differ, when they do by more than can be told.
fn clock_difference(app: &App, daemon: &Daemon) -> Option<String> {
    let (ahead, error) = daemon.clock_difference()?;
    let error = error + NtpDuration::from(STAMP_ERROR);
    if ahead.abs() <= error {
        return None;
    }
    let format = app.format_of(daemon);
    let side = if ahead > NtpDuration::ZERO { "ahead of" } else { "behind" };
    Some(format!(
        "the daemon's clock is {} {side} this host's (±{})",
        brief(ahead.abs(), format),
        brief(error, format)
    ))
}

/// A span for a sentence about clocks: whole days matter more than their microseconds.
fn brief(span: NtpDuration, format: format::Format) -> String {
    match span.to_std() {
        Some(std) if std >= Duration::from_secs(60) => format::age(std),
        _ => format::Format { units: format::Units::Auto, ..format }.span(span, false),
    }
}

/// Which other program keeps this host's time, when the daemon that was asked is on this host
/// and does not answer.
fn other_programs(app: &App, tab: &Tab) -> Option<String> {
    if !tab.is_local || tab.shown().contact.is_fresh() {
        return None;
    }
    let program = app.programs.first()?;
    Some(format!("{} (pid {})", program.kind.facts().silence, program.pid))
}

/// That the daemon can be asked in another way as well, and the key that does.
fn other_ways(app: &App, daemon: &Daemon) -> Option<String> {
    let used = daemon.ways.iter().find(|way| way.is_used)?;
    let others = daemon.ways.iter().filter(|way| !way.is_used && way.answers);
    let others: Vec<_> = others.map(|way| &*way.name).collect();
    let key = keymap::key_of(Action::Way, app.place()).map(keymap::label)?;
    let others = (!others.is_empty()).then(|| others.join(", "))?;
    Some(format!("asked by {}; also answers in another way: {others} ({key})", used.name))
}

/// Offers to measure where no daemon of this host answers.
fn offer(app: &App, tab: &Tab) -> Option<String> {
    let offer = app.offer.as_ref()?;
    let daemon = tab.shown();
    let is_measuring = app.tabs.iter().any(|tab| tab.target == TargetId::OWN);
    let is_lost = matches!(daemon.contact, Contact::Silent { .. } | Contact::Unreachable { .. });
    if !tab.is_local || is_measuring || !is_lost {
        return None;
    }
    let key = keymap::key_of(Action::Measure, app.place()).map(keymap::label)?;
    let mut files: Vec<_> = offer.sources.iter().map(|source| &source.path).collect();
    files.sort_unstable();
    files.dedup();
    let what = match (offer.sources.len(), files.first()) {
        (0, _) | (_, None) => "sources that you type".to_owned(),
        (1, Some(file)) => format!("the source in {}", file.display()),
        (number, Some(file)) if files.len() == 1 => {
            format!("the {number} sources in {}", file.display())
        }
        (number, Some(_)) => format!("the {number} sources in {} files here", files.len()),
    };
    Some(format!("{key} measures {what} from this program: it asks first, and touches no clock"))
}

/// How long a new start of the daemon is news.
const NEW_START: Duration = Duration::from_secs(60);

/// How much a stamp may be off for having been taken by a program that had to wake up first.
const STAMP_ERROR: Duration = Duration::from_micros(200);
