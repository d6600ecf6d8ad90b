//! The association screen: all there is to know of one association, with unit and meaning.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::daemon::Detail;
use crate::model::status::{PEER_EVENTS, codes};
use crate::model::vars::{Variable, peer};
use crate::model::{Absent, Part, Peer, Value, Values};
use crate::tui::app::{App, Tab};
use crate::tui::format;
use crate::tui::rows::{self, Row};
use crate::tui::views::columns::{self, Context};
use crate::tui::views::{closed, samples, value};
use crate::tui::widgets::text;

pub mod groups;

/// Draws the screen.
pub fn render(app: &App, tab: &Tab, area: Rect, buffer: &mut Buffer) {
    let lines = lines(app, tab, area.width);
    let first = tab.scroll.min(most(lines.len(), area));
    let shown = lines.iter().skip(first).zip(0..area.height);
    for ((style, line), row) in shown {
        let line = text::cut(&app.marks(line), usize::from(area.width), app.is_ascii());
        text::put(buffer, area, (0, row), &line, *style);
    }
    let below = lines.len().saturating_sub(first + usize::from(area.height));
    if below > 0 && area.height > 1 {
        let more = app.marks(&format!(" → {below} more lines "));
        let column = area.width.saturating_sub(u16::try_from(text::width(&more)).unwrap_or(0));
        text::put(buffer, area, (column, area.height - 1), &more, app.theme().bar);
    }
}

/// The most that it can be scrolled by.
pub fn most_scroll(app: &App, tab: &Tab, area: Rect) -> usize {
    most(lines(app, tab, area.width).len(), area)
}

fn most(lines: usize, area: Rect) -> usize {
    lines.saturating_sub(usize::from(area.height))
}

fn lines(app: &App, tab: &Tab, width: u16) -> Vec<(Style, String)> {
    let context = Context::new(app, tab);
    let Some(peer) = tab.selected() else {
        return vec![(context.theme.text, "this association is gone; Esc goes back".into())];
    };
    let row = Row { peer, name: rows::name(app, peer), is_pooled: false };
    let room = usize::from(width);
    let mut lines = Vec::new();
    for (style, line) in head(&context, &row).into_iter().chain(trouble(&context, peer)) {
        lines.extend(text::wrap(&line, room).into_iter().map(|line| (style, line)));
    }
    if !rows::has_statistics(peer) {
        lines.push(blank(&context));
        lines.extend(samples::lines(&context, peer, room));
        lines.extend(clock(&context, peer, room));
    }
    for group in groups::of(peer) {
        lines.push(blank(&context));
        let title = text::wrap(group.title, room).into_iter();
        lines.extend(title.map(|line| (context.theme.heading, line)));
        for variable in group.variables {
            let found = peer.value(variable).map(|(value, _)| value);
            lines.extend(variable_lines(&context, variable, found, (group.name, room)));
        }
    }
    lines.extend(closed(&context, peer, room));
    lines.extend(others(&context, peer));
    lines
}

/// Name, place among the others, tally and status word.
fn head(context: &Context<'_>, row: &Row<'_>) -> Vec<(Style, String)> {
    let theme = &context.theme;
    let status = row.peer.status;
    let all = rows::rows(context.app, context.tab);
    let place = all.iter().position(|other| other.peer.id == row.peer.id).map_or(0, |p| p + 1);
    let title = format!(
        "{} · association {} · {place} of {} · {}",
        row.name,
        row.peer.id,
        all.len(),
        rows::kind_word(rows::kind(row.peer))
    );
    let style = columns::row_style(context, row);
    // Where there is no status word, there is none to be shown.
    let word = if rows::has_statistics(row.peer) {
        String::new()
    } else {
        format!(" {:04x}", status.bits())
    };
    let mut lines = vec![
        (theme.heading, title),
        (style, rows::tally_line(row.peer)),
        (theme.text, format!("status{word}: {}", status_words(row.peer))),
    ];
    match row.peer.value(&peer::FLASH) {
        Err(_) if rows::has_statistics(row.peer) => lines.extend(packet(context, row.peer)),
        Ok((Value::Flash(flash), _)) if !flash.is_ok() => {
            for bit in flash.failed() {
                lines.push((theme.warning, format!("flash {}: {}", bit.word, bit.meaning)));
            }
        }
        Ok(_) => lines.push((theme.text, "flash ok: every test passed".into())),
        Err(why) => lines.push((theme.faint, format!("flash: {why}"))),
    }
    if !context.daemon.contact.is_fresh()
        && let Some(dated) = row.peer.row.dated()
    {
        let age = format::age(context.now.since(dated.answered));
        lines.push((theme.stale, format!("the values below are {age} old")));
    }
    lines
}

fn status_words(peer: &Peer) -> String {
    let status = peer.status;
    let event = event(peer);
    let mut words = vec![if status.is_configured() { "configured" } else { "not configured" }];
    let is_clock = rows::has_statistics(peer) && rows::is_reference_clock(peer);
    words.extend((!is_clock).then(|| {
        match (status.needs_authentication(), status.is_authentic()) {
            _ if is_authentication_closed(peer) => "whether it is authenticated is not told to us",
            (true, true) => "authentication required and ok",
            (true, false) if !is_heard(peer) => "authentication required",
            (true, false) => "authentication required and FAILED",
            (false, true) => "authenticated",
            (false, false) => "no authentication",
        }
    }));
    words.push(if status.is_reachable() { "reachable" } else { "NOT reachable" });
    if status.is_broadcast() {
        words.push("broadcast");
    }
    if !rows::has_statistics(peer) {
        words.push(&event);
    }
    words.join(", ")
}

/// Whether the daemon keeps to itself how its packets are authenticated.
fn is_authentication_closed(peer: &Peer) -> bool {
    matches!(peer.value(&peer::AUTHENTICATED), Err(Absent::Closed { .. }))
        && peer.value(&peer::AUTH_MODE).is_err()
}

/// Whether the daemon says of a last packet whether it was authentic, if it says so of any.
fn is_heard(peer: &Peer) -> bool {
    !rows::has_statistics(peer) || peer.value(&peer::PEER_MODE).is_ok()
}

/// What the last packet failed in, where that is told in words.
fn packet(context: &Context<'_>, peer: &Peer) -> Option<(Style, String)> {
    Some(match rows::failed_tests(peer)? {
        "" => (context.theme.text, "its last packet passed every test".into()),
        failed => (context.theme.warning, format!("its last packet failed: {failed}")),
    })
}

/// The last event of an association.
pub fn event(peer: &Peer) -> String {
    match codes::find(&PEER_EVENTS, peer.status.event()) {
        Some(event) => format!("last event {}: {}", event.word, event.meaning),
        None => "no event yet".into(),
    }
}

/// Which of its parts are missing or old, and why.
fn trouble(context: &Context<'_>, peer: &Peer) -> Vec<(Style, String)> {
    let parts = [
        ("the row", &peer.row),
        ("details", peer.detail(Detail::Scalars)),
        ("filter samples and counters", peer.detail(Detail::Counters)),
    ];
    let mut lines = Vec::new();
    for (name, part) in parts {
        let Some(why) = part.trouble() else { continue };
        let is_wanted = match why {
            // There is no such part of a daemon without a filter.
            Absent::NotAskedYet => !rows::has_statistics(peer) || name == "details",
            Absent::Closed { .. } | Absent::NotInFamily => false,
            _ => true,
        };
        if !is_wanted {
            continue;
        }
        let (style, why) = match (why, part.dated()) {
            (Absent::NotAskedYet, _) => (context.theme.faint, "asked for, not here yet".into()),
            (why, Some(dated)) => {
                let age = format::age(context.now.since(dated.answered));
                (context.theme.warning, format!("{why}; what is shown is {age} old"))
            }
            (why, None) => (context.theme.warning, why.to_string()),
        };
        lines.push((style, format!("{name}: {why}")));
    }
    lines
}

/// What the daemon tells of the clock itself, where the source is one.
fn clock(context: &Context<'_>, peer: &Peer, room: usize) -> Vec<(Style, String)> {
    let part = peer.detail(Detail::Clock);
    if !rows::is_reference_clock(peer) {
        return Vec::new();
    }
    let mut lines = vec![blank(context), (context.theme.heading, "Reference clock".into())];
    match part.value() {
        Ok(values) => {
            for (variable, found) in values.iter() {
                let found = found.map_err(Clone::clone);
                lines.extend(variable_lines(context, variable, found, (groups::NAME, room)));
            }
        }
        Err(Absent::NotAskedYet) => lines.push((context.theme.faint, "not asked yet".into())),
        Err(why) => lines.push((context.theme.warning, why.to_string())),
    }
    lines
}

/// One variable: full name, value with unit, wire name and meaning, in columns for the name and
/// for all.
fn variable_lines(
    context: &Context<'_>,
    variable: &'static Variable,
    found: Result<&Value, Absent>,
    (columns, room): (usize, usize),
) -> Vec<(Style, String)> {
    let theme = &context.theme;
    let (style, shown) = match found {
        Ok(found) => (theme.text, value::print(context, variable, found)),
        Err(Absent::NotAskedYet) => (theme.faint, "not asked yet".into()),
        Err(Absent::NotGiven) => (theme.faint, "none now".into()),
        Err(why) => (theme.warning, why.to_string()),
    };
    let ascii = context.app.is_ascii();
    let name = text::cut(&variable.field.replace('_', " "), columns, ascii);
    let meaning = format!("{}: {}", variable.name, variable.meaning);
    let first = format!("{} {}", text::pad(&name, columns, false), text::pad(&shown, VALUE, false));
    let left = room.saturating_sub(text::width(&first) + 1);
    if !context.app.view.wide && left >= LEAST_MEANING {
        return vec![(style, format!("{first} {}", text::cut(&meaning, left, ascii)))];
    }
    let wrapped = text::wrap(&meaning, room.saturating_sub(4).max(1));
    let below = wrapped.into_iter().map(|line| (theme.faint, format!("    {line}")));
    std::iter::once((style, first)).chain(below).collect()
}

/// What is not told over the transport in use, and how it can be had: once, not line by line.
fn closed(context: &Context<'_>, peer: &Peer, room: usize) -> Vec<(Style, String)> {
    let theme = &context.theme;
    let Some(closed) = closed::of(peer) else { return Vec::new() };
    let mut lines = vec![blank(context), (theme.heading, "Not told to us".into())];
    let wrap = |text: &str| text::wrap(text, room.saturating_sub(2).max(1)).into_iter();
    lines.extend(wrap(&closed.how).map(|line| (theme.notice, format!("  {line}"))));
    let names = closed.names(usize::MAX);
    lines.extend(wrap(&names).map(|line| (theme.faint, format!("  {line}"))));
    lines
}

/// Names that the table does not have: nothing that a daemon says is lost.
fn others(context: &Context<'_>, peer: &Peer) -> Vec<(Style, String)> {
    let parts = std::iter::once(&peer.row).chain(&peer.details);
    let mut lines: Vec<(Style, String)> = parts
        .filter_map(Part::latest)
        .flat_map(Values::others)
        .map(|(name, text)| (context.theme.text, format!("{name} = {text}")))
        .collect();
    if !lines.is_empty() {
        let heading = "What this program does not know".to_owned();
        lines.insert(0, (context.theme.heading, heading));
        lines.insert(0, blank(context));
    }
    lines
}

fn blank(context: &Context<'_>) -> (Style, String) {
    (context.theme.text, String::new())
}

/// Columns for its value.
const VALUE: usize = 18;

/// Columns without which its meaning stands on a line of its own.
const LEAST_MEANING: usize = 20;
