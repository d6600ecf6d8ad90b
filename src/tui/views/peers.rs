//! The peers screen: who do we listen to, who is used.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::{Absent, Contact};
use crate::tui::app::{App, Tab};
use crate::tui::rows::{self, Row};
use crate::tui::views::columns::{self, Cell, Column, Context};
use crate::tui::views::strip;
use crate::tui::widgets::{table, text};

/// Draws the table and the strip below it.
pub fn render(app: &App, tab: &Tab, area: Rect, buffer: &mut Buffer) {
    let context = Context::new(app, tab);
    let rows = rows::rows(app, tab);
    if rows.is_empty() {
        render_empty(&context, area, buffer);
        return;
    }
    let (table_area, strip_area) = split(app, rows.len(), area);
    render_table(&context, &Column::of(app.view.layout), &rows, table_area, buffer);
    if let Some(peer) = tab.selected()
        && let Some(row) = rows.iter().find(|row| row.peer.id == peer.id)
    {
        strip::render(&context, row, strip_area, buffer);
    }
}

/// Draws the whole table and nothing else, for one look: there is no course of anything.
pub fn render_whole(app: &App, tab: &Tab, area: Rect, buffer: &mut Buffer) {
    let context = Context::new(app, tab);
    let rows = rows::rows(app, tab);
    if rows.is_empty() {
        render_empty(&context, area, buffer);
    } else {
        let columns = Column::of(app.view.layout).into_iter();
        let columns: Vec<_> = columns.filter(|column| *column != Column::Trend).collect();
        render_table(&context, &columns, &rows, area, buffer);
    }
}

/// The rows on screen, from top to bottom.
pub fn visible<'a>(app: &'a App, tab: &'a Tab, area: Rect) -> Vec<Row<'a>> {
    let rows = rows::rows(app, tab);
    let height = body(app, rows.len(), area);
    let first = first(tab, &rows, height);
    rows.into_iter().skip(first).take(height).collect()
}

/// Rows that the table has room for.
pub fn height(app: &App, tab: &Tab, area: Rect) -> usize {
    body(app, rows::rows(app, tab).len(), area)
}

fn body(app: &App, rows: usize, area: Rect) -> usize {
    usize::from(split(app, rows, area).0.height.saturating_sub(HEADINGS))
}

/// Whether the strip has room for more than the row itself tells.
pub fn has_strip(app: &App, tab: &Tab, area: Rect) -> bool {
    split(app, rows::rows(app, tab).len(), area).1.height > 2
}

/// The table above, the strip below; the strip gives way where there is little room, and where
/// it would hide rows, down to the one line that says what the row's tally means.
fn split(app: &App, rows: usize, area: Rect) -> (Rect, Rect) {
    let whole = match app.size.1 {
        22.. => 6,
        18.. => 4,
        14.. => 3,
        _ => 0,
    };
    let table = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(HEADINGS);
    let strip = match area.height.saturating_sub(table) {
        0 => whole.min(3),
        left => whole.min(left),
    };
    let strip = strip.min(area.height.saturating_sub(HEADINGS + 3));
    let table = Rect { height: area.height - strip, ..area };
    (table, Rect { y: area.y + table.height, height: strip, ..area })
}

fn first(tab: &Tab, rows: &[Row<'_>], height: usize) -> usize {
    let at = tab.selected().and_then(|peer| rows.iter().position(|r| r.peer.id == peer.id));
    table::first_row(rows.len(), height, at.unwrap_or(tab.cursor.place))
}

fn render_table(
    context: &Context<'_>,
    columns: &[Column],
    rows: &[Row<'_>],
    area: Rect,
    buffer: &mut Buffer,
) {
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| columns.iter().map(|column| column.cell(context, row)).collect())
        .collect();
    let wishes: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let cells = cells.iter().filter_map(|row| row.get(place));
            let widest = cells.map(|cell| text::width(&cell.text)).max().unwrap_or(0);
            column.wish(context, widest)
        })
        .collect();
    let widths = table::fit(&wishes, usize::from(area.width));
    render_headings(context, columns, &widths, area, buffer);

    let body = area.height.saturating_sub(HEADINGS);
    let first = first(context.tab, rows, usize::from(body));
    let selected = context.tab.selected().map(|peer| peer.id);
    let lines = rows.iter().zip(&cells).skip(first).zip(HEADINGS..area.height);
    for ((row, cells), line) in lines {
        let mut style = columns::row_style(context, row);
        let is_selected = Some(row.peer.id) == selected;
        if is_selected {
            style = style.patch(context.theme.selected);
        }
        let mut at = 0;
        for ((column, width), cell) in columns.iter().zip(&widths).zip(cells) {
            if *width == 0 {
                continue;
            }
            let own = cell.style.unwrap_or_default();
            let shown = text::cut(&cell.text, *width, context.app.is_ascii());
            let shown = text::pad(&shown, *width, column.is_right());
            let style = if is_selected { style } else { style.patch(own) };
            at += text::put(buffer, area, (at, line), &shown, style);
            at += text::put(
                buffer,
                area,
                (at, line),
                " ",
                if is_selected { style } else { context.theme.text },
            );
        }
        if is_selected && at < area.width {
            let blank = " ".repeat(usize::from(area.width - at));
            text::put(buffer, area, (at, line), &blank, style);
        }
    }
}

fn render_headings(
    context: &Context<'_>,
    columns: &[Column],
    widths: &[usize],
    area: Rect,
    buffer: &mut Buffer,
) {
    let view = &context.app.view;
    let mark = match (view.reverse, context.app.is_ascii()) {
        (false, false) => "▲",
        (true, false) => "▼",
        (false, true) => "^",
        (true, true) => "v",
    };
    let mut at = 0;
    for (column, width) in columns.iter().zip(widths).filter(|(_, width)| **width > 0) {
        let (title, unit) = column.heading(context);
        let is_sorted = column.order() == Some(view.order);
        let title = if is_sorted { format!("{title}{mark}") } else { title.into() };
        // The name stands behind its tally.
        let title = if *column == Column::Remote { format!(" {title}") } else { title };
        let line = |text: &str| {
            text::pad(&text::cut(text, *width, context.app.is_ascii()), *width, column.is_right())
        };
        let title_end = text::put(buffer, area, (at, 0), &line(&title), context.theme.heading);
        text::put(buffer, area, (at, 1), &line(unit), context.theme.faint);
        at += title_end + 1;
    }
}

/// What stands where the table would be: why there is none.
fn render_empty(context: &Context<'_>, area: Rect, buffer: &mut Buffer) {
    let daemon = context.daemon;
    let sentence = match daemon.associations.value() {
        _ if !context.app.view.filter.is_empty() && !daemon.peers.is_empty() => {
            format!("no row matches the filter `{}`; Esc drops it", context.app.view.filter)
        }
        _ if context.app.view.active_only && !daemon.peers.is_empty() => {
            "no association is reachable; A shows all".into()
        }
        Ok(_) => "it has no associations: no server, peer, pool or clock is configured".into(),
        Err(Absent::NotAskedYet) => match daemon.contact {
            Contact::Answering { .. } => "its associations are still to come".into(),
            _ => "nothing is known of its associations yet".into(),
        },
        Err(why) => format!("its associations are not known: {why}"),
    };
    let lines = text::wrap(&sentence, usize::from(area.width.saturating_sub(4)));
    for (line, row) in lines.iter().zip(1..) {
        text::put(buffer, area, (2, row), line, context.theme.text);
    }
}

/// Lines of headings.
const HEADINGS: u16 = 2;
