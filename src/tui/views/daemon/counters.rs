//! One section of counters and states: total, rate, and in words what should not be.

use ratatui::style::Style;

use crate::model::statistics::{Counted, Section};
use crate::model::vars::{Variable, system};
use crate::model::{Absent, Value, Values};
use crate::tui::format;
use crate::tui::verdict::Severity;
use crate::tui::views::columns::Context;
use crate::tui::views::daemon::{abnormal, heading};
use crate::tui::views::frame;
use crate::tui::views::lines::Line;
use crate::tui::views::value;
use crate::tui::widgets::text;

/// The lines of a section; none where this daemon has nothing of it.
pub fn lines(context: &Context<'_>, section: Section, room: usize) -> Vec<Line> {
    let counted = context.daemon.statistics.section(section);
    let part = counted.part();
    let Some(values) = part.latest() else {
        let Some(why) = part.trouble().filter(|why| is_telling(why)) else { return Vec::new() };
        let line = vec![(context.theme.warning, format!("not told: {why}"))];
        return heading(context, title(section), &[], None).into_iter().chain([line]).collect();
    };
    let counts = section.counts();
    let mut notes = Vec::new();
    if let Some(Ok(Value::Duration(span))) = counts.since.map(|row| values.get(row))
        && let Some(span) = span.to_std()
    {
        notes.push(format!("counted for {}", format::age(span)));
    }
    if let (Some(span), false) = (counted.span(), counts.counters.is_empty()) {
        notes.push(format!("rates over {}", format::age(span)));
    }
    notes.extend(part.trouble().map(|why| format!("not told anew: {why}")));
    let counters = counts.counters.iter();
    let counters = counters.filter_map(|row| counter(context, counted, values, row, room));
    // How long it has run stands on top.
    let states = counts.states.iter().filter(|row| **row != &system::UPTIME);
    let states = states.filter_map(|row| state(context, values, row, room));
    let rows: Vec<Line> = if counts.since.is_some() || section == Section::Service {
        counters.chain(states).collect()
    } else {
        // Of these the states matter more.
        states.chain(counters).collect()
    };
    if rows.is_empty() {
        return rows;
    }
    heading(context, title(section), &notes, part.dated()).into_iter().chain(rows).collect()
}

/// Whether it is worth saying why something is not there: what a kind of daemon does not have is
/// simply not on its screen.
pub const fn is_telling(why: &Absent) -> bool {
    matches!(why, Absent::Failed(_) | Absent::Closed { .. } | Absent::NotDecodable { .. })
}

fn counter(
    context: &Context<'_>,
    counted: &Counted,
    values: &Values,
    variable: &'static Variable,
    room: usize,
) -> Option<Line> {
    let total = values.unsigned(variable)?;
    let rate = counted.rate(variable);
    let shown_rate = rate.map_or_else(|| "-".into(), format::rate);
    let entry = abnormal::find(variable);
    let growth = entry.and_then(|entry| entry.now(&context.daemon.statistics));
    let (style, remark) = match (entry, growth) {
        (Some(entry), Some(growth)) => {
            let mark = frame::mark(growth.severity, context.app.is_ascii());
            (frame::style(&context.theme, growth.severity), format!("{mark} {} now", entry.word))
        }
        (Some(entry), None) if total > 0 && entry.severity >= Severity::Warning => {
            (context.theme.text, "earlier, not now".into())
        }
        _ if total == 0 => (context.theme.faint, String::new()),
        _ => (context.theme.text, String::new()),
    };
    let style = fresh(context, style);
    let first = format!(
        "  {} {} {}  ",
        label(variable, context),
        text::pad(&format::count(total), TOTAL, true),
        text::pad(&shown_rate, RATE, true)
    );
    let mut line = vec![(style, first.clone())];
    let left = room.saturating_sub(text::width(&first));
    if !remark.is_empty() {
        line.push((style, text::pad(&remark, REMARK.min(left), false)));
    }
    let taken = if remark.is_empty() { 0 } else { text::width(&remark).max(REMARK) + 1 };
    line.extend(meaning(context, variable, left.saturating_sub(taken)).map(|(style, words)| {
        let gap = if remark.is_empty() { "" } else { " " };
        (style, format!("{gap}{words}"))
    }));
    Some(line)
}

fn state(
    context: &Context<'_>,
    values: &Values,
    variable: &'static Variable,
    room: usize,
) -> Option<Line> {
    let found = values.get(variable).ok()?;
    let shown = match found {
        Value::Text(text) => text.to_string(),
        Value::Unsigned(number) if variable.sentinels.is_empty() => format::count(*number),
        found => value::print(context, variable, found),
    };
    let first =
        format!("  {} {}  ", label(variable, context), text::pad(&shown, TOTAL + 1 + RATE, true));
    let left = room.saturating_sub(text::width(&first));
    let mut line = vec![(fresh(context, context.theme.text), first)];
    line.extend(meaning(context, variable, left));
    Some(line)
}

fn label(variable: &Variable, context: &Context<'_>) -> String {
    let name = variable.field.replace('_', " ");
    text::pad(&text::cut(&name, NAME, context.app.is_ascii()), NAME, false)
}

/// What a variable is, where there is room for a good part of it.
fn meaning(context: &Context<'_>, variable: &Variable, left: usize) -> Option<(Style, String)> {
    let is_worth = left >= LEAST_MEANING;
    let cut = || text::cut(variable.meaning, left, context.app.is_ascii());
    is_worth.then(|| (context.theme.faint, context.app.marks(&cut())))
}

/// `style`, or that of what is old.
pub fn fresh(context: &Context<'_>, style: Style) -> Style {
    if context.daemon.contact.is_fresh() { style } else { context.theme.stale }
}

const fn title(section: Section) -> &'static str {
    match section {
        Section::Packets => "Packets",
        Section::Service => "Serving",
        Section::Network => "Network",
        Section::Clients => "List of clients",
        Section::Authentication => "Authentication",
        Section::TimeSecurity => "Network time security",
        Section::Activity => "Sources",
        Section::Kernel => "Kernel clock",
        Section::RealTimeClock => "Real-time clock",
        Section::Smoothing => "Smoothing",
    }
}

/// Columns for a name, a total, a rate and a remark.
const NAME: usize = 29;
const TOTAL: usize = 12;
const RATE: usize = 9;
const REMARK: usize = 20;

/// Columns without which a meaning is of no use.
const LEAST_MEANING: usize = 36;
