//! The console screen: what was printed, and the line that is typed below it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::line::Editor;
use crate::tui::app::{App, Tab};
use crate::tui::console::{Console, Kind, Line, Stage, broken};
use crate::tui::format;
use crate::tui::theme::Theme;
use crate::tui::update::console::PROMPT;
use crate::tui::widgets::text;

/// Draws the screen.
pub fn render(app: &App, tab: &Tab, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme();
    let console = &tab.console;
    let areas = areas(console, area);
    let columns = usize::from(area.width).max(1);
    let height = usize::from(areas.printed.height);
    let rows = visible(console, columns, height);
    // The first lines stand on top, as in a terminal that was just opened.
    for ((row, kind), y) in rows.iter().rev().zip(0..) {
        text::put(buffer, areas.printed, (0, y), row, style(&theme, *kind));
    }
    if console.scroll > 0 && areas.printed.height > 0 {
        let more = app.marks(&format!(" → {} more lines, PgDn ", console.scroll));
        let column = area.width.saturating_sub(u16::try_from(text::width(&more)).unwrap_or(0));
        text::put(buffer, areas.printed, (column, areas.printed.height - 1), &more, theme.bar);
    }
    render_offer(app, console, areas.offer, buffer);
    let (label, editor) = typed(app, console);
    let look = if editor.is_some() { theme.text } else { theme.faint };
    let width = text::put(buffer, areas.line, (0, 0), &app.marks(&label), look);
    if let Some(editor) = editor {
        let room = usize::from(areas.line.width.saturating_sub(width + 1)).max(1);
        let scroll = editor.input().visual_scroll(room);
        let line: String = editor.text().chars().skip(scroll).collect();
        text::put(buffer, areas.line, (width, 0), &line, theme.accent);
    }
}

/// Where the cursor stands in what is typed.
pub fn cursor(app: &App, tab: &Tab, area: Rect) -> Option<Position> {
    let line = areas(&tab.console, area).line;
    let (label, editor) = typed(app, &tab.console);
    let is_hidden = matches!(tab.console.stage, Stage::Asked { hidden: true, .. });
    if line.height == 0 || (editor.is_none() && !is_hidden) {
        return None;
    }
    let label = text::width(&label);
    let column = editor.map_or(0, |editor| {
        let room = usize::from(line.width).saturating_sub(label + 1).max(1);
        let input = editor.input();
        input.visual_cursor().saturating_sub(input.visual_scroll(room))
    });
    let column = u16::try_from(label + column).ok().filter(|column| *column < line.width)?;
    Some(Position { x: line.x + column, y: line.y })
}

/// Rows that there are for what was printed.
pub fn height(tab: &Tab, area: Rect) -> usize {
    usize::from(areas(&tab.console, area).printed.height)
}

/// The most that it can be scrolled by.
pub fn most_scroll(tab: &Tab, area: Rect) -> usize {
    let rows = tab.console.rows(usize::from(area.width).max(1));
    rows.saturating_sub(height(tab, area))
}

/// Where the parts of the screen are.
struct Areas {
    printed: Rect,
    offer: Rect,
    line: Rect,
}

fn areas(console: &Console, area: Rect) -> Areas {
    let line = 1.min(area.height);
    let offered = console.editor.offer().map_or(0, |offer| offer.candidates.len());
    let offered = u16::try_from(offered).unwrap_or(u16::MAX);
    let offer = offered.min(MOST_OFFERED).min((area.height - line) / 2);
    let printed = area.height - line - offer;
    Areas {
        printed: Rect { height: printed, ..area },
        offer: Rect { y: area.y + printed, height: offer, ..area },
        line: Rect { y: area.y + printed + offer, height: line, ..area },
    }
}

/// The rows in sight, the last first.
fn visible(console: &Console, columns: usize, height: usize) -> Vec<(&str, Kind)> {
    let rows = console.lines().rev().flat_map(|Line { text, kind }| {
        let mut rows: Vec<_> = broken(text, columns).map(|row| (row, *kind)).collect();
        rows.reverse();
        rows
    });
    rows.skip(console.scroll).take(height).collect()
}

/// The words that are offered, the one that was chosen among them in sight.
fn render_offer(app: &App, console: &Console, area: Rect, buffer: &mut Buffer) {
    let Some(offer) = console.editor.offer() else { return };
    let theme = app.theme();
    let height = usize::from(area.height);
    let chosen = offer.chosen.unwrap_or(0);
    let first = (chosen + 1).saturating_sub(height);
    let width = offer.candidates.iter().map(|candidate| text::width(&candidate.text)).max();
    let width = width.unwrap_or(0).min(LONGEST_WORD);
    let shown = offer.candidates.iter().enumerate().skip(first).take(height);
    for ((place, candidate), row) in shown.zip(0..) {
        let word = text::pad(&candidate.text, width, false);
        let mut line = format!(" {word}  {}", candidate.about);
        let is_last = usize::from(row) + 1 == height;
        let left = offer.candidates.len() - place - 1;
        if is_last && left > 0 {
            line = format!(" and {} more", left + 1);
        }
        let line = text::cut(&line, usize::from(area.width), app.is_ascii());
        let line = text::pad(&line, usize::from(area.width), false);
        let is_chosen = offer.chosen == Some(place);
        let look = if is_chosen { theme.selected } else { theme.faint };
        text::put(buffer, area, (0, row), &line, look);
    }
}

/// What stands on the line before what is typed, and what is typed if anything can be.
fn typed<'a>(app: &App, console: &'a Console) -> (String, Option<&'a Editor>) {
    match &console.stage {
        Stage::Closed | Stage::Opening => ("opening the console".to_owned(), None),
        Stage::Over => ("this session is over: Enter begins another".to_owned(), None),
        Stage::Ready => (console.editor.label(PROMPT), Some(&console.editor)),
        Stage::Asked { prompt, hidden: true, .. } => (prompt.clone(), None),
        Stage::Asked { prompt, .. } => (prompt.clone(), Some(&console.reply)),
        Stage::Running(command, since) => {
            let age = format::age(app.now.mono.since(*since));
            (format!("{command} · running {age} · Ctrl-C stops it"), None)
        }
    }
}

const fn style(theme: &Theme, kind: Kind) -> Style {
    match kind {
        Kind::Printed => theme.text,
        Kind::Complaint => theme.notice,
        Kind::Typed => theme.heading,
    }
}

/// Rows for words that are offered.
const MOST_OFFERED: u16 = 10;

/// Columns for a word that is offered.
const LONGEST_WORD: usize = 24;
