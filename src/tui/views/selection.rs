//! The selection screen: why each source has its tally.
//!
//! First in a sentence whether the sources agree and who does not; then every source's correctness
//! interval on one axis, with the part that the majority agrees on marked; then why the source
//! under the cursor has its tally, and the rounds in which truechimers were dropped.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::insight::selection::{self, Basis, Selection, Source};
use crate::selection::Reason;
use crate::tui::app::{App, Tab};
use crate::tui::rows::{self, Row};
use crate::tui::views::columns::{self, Context};
use crate::tui::views::selection::axis::Axis;
use crate::tui::widgets::table::{self, Wish};
use crate::tui::widgets::text;
use crate::units::Tally;

pub mod axis;
pub mod sentences;

/// Draws the screen.
pub fn render(app: &App, tab: &Tab, area: Rect, buffer: &mut Buffer) {
    let context = Context::new(app, tab);
    let selection = selection::explain(context.daemon);
    let rows = sources(app, tab, &selection);
    let parts = parts(&context, &selection, &rows, area);
    put(&context, &parts.head, area, 0, buffer);
    let table = Rect { y: area.y + parts.head_height(), height: parts.table, ..area };
    render_table(&context, &selection, &rows, table, buffer);
    let below = parts.head_height() + parts.table;
    put(&context, &parts.foot, area, below, buffer);
}

/// Rows that the table has room for.
pub fn height(app: &App, tab: &Tab, area: Rect) -> usize {
    let context = Context::new(app, tab);
    let selection = selection::explain(context.daemon);
    let rows = sources(app, tab, &selection);
    usize::from(parts(&context, &selection, &rows, area).table.saturating_sub(FRAME))
}

/// Lines with their styles.
type Lines = Vec<(Style, String)>;

/// What stands where.
struct Parts {
    head: Lines,
    /// Lines of the table, its heading and its axis among them.
    table: u16,
    foot: Lines,
}

impl Parts {
    fn head_height(&self) -> u16 {
        u16::try_from(self.head.len()).unwrap_or(u16::MAX)
    }
}

/// A row of the peers table with what is known of its selection.
type SourceRow<'a> = (Row<'a>, &'a Source);

/// The rows of the peers table that stand for sources, in its order.
fn sources<'a>(app: &'a App, tab: &'a Tab, selection: &'a Selection) -> Vec<SourceRow<'a>> {
    let source = |row: Row<'a>| Some((selection.source(row.peer.id)?, row));
    rows::rows(app, tab).into_iter().filter_map(source).map(|(source, row)| (row, source)).collect()
}

/// Shares out the lines: the answer first, then as many rows as there are, then the reasons; the
/// rounds get what is left.
fn parts(
    context: &Context<'_>,
    selection: &Selection,
    rows: &[SourceRow<'_>],
    area: Rect,
) -> Parts {
    let room = usize::from(area.width);
    let height = usize::from(area.height);
    let wrapped = |(style, line): (Style, String)| {
        text::wrap(&context.app.marks(&line), room).into_iter().map(move |line| (style, line))
    };
    let mut head = Lines::new();
    for sentence in sentences::head(context, selection) {
        let lines: Lines = wrapped(sentence).collect();
        // A sentence that is cut off says nothing: the first has its place, others what is left.
        if head.is_empty() || head.len() + lines.len() <= height / 4 {
            head.extend(lines);
        }
    }
    head.truncate(height.saturating_sub(LEAST_ROWS).max(1));
    let selected = context.tab.selected().map(|peer| peer.id);
    let mut foot: Lines = rows
        .iter()
        .find(|(row, _)| Some(row.peer.id) == selected)
        .map(|(row, source)| sentences::why(context, selection, row, source))
        .unwrap_or_default()
        .into_iter()
        .flat_map(wrapped)
        .collect();
    let left = height.saturating_sub(head.len());
    foot.truncate(left.saturating_sub(usize::from(FRAME) + LEAST_ROWS.min(rows.len())));
    let wanted = rows.len() + usize::from(FRAME);
    let table = wanted.min(left - foot.len());
    let mut spare = left - foot.len() - table;
    let stand_in: Lines =
        sentences::stand_in(context, selection).into_iter().flat_map(wrapped).collect();
    if stand_in.len() <= spare {
        spare -= stand_in.len();
        foot.extend(stand_in);
    }
    let mut rounds: Lines =
        sentences::rounds(context, selection).into_iter().flat_map(wrapped).collect();
    if spare > 2 && !rounds.is_empty() {
        rounds.insert(0, (context.theme.text, String::new()));
        if rounds.len() > spare {
            rounds.truncate(spare - 1);
            rounds.push((context.theme.faint, "  and more rounds".into()));
        }
        foot.extend(rounds);
    }
    Parts { head, table: u16::try_from(table).unwrap_or(u16::MAX), foot }
}

fn put(context: &Context<'_>, lines: &Lines, area: Rect, first: u16, buffer: &mut Buffer) {
    for ((style, line), row) in lines.iter().zip(first..area.height) {
        let line = text::cut(line, usize::from(area.width), context.app.is_ascii());
        text::put(buffer, area, (0, row), &line, *style);
    }
}

/// The columns, from left to right.
const COLUMNS: usize = 6;

/// The cells of a row but for the axis, which is drawn once its width is known.
fn cells(context: &Context<'_>, row: &Row<'_>, source: &Source) -> [String; COLUMNS] {
    let indent = if row.is_pooled { " " } else { "" };
    let name = format!("{}{indent}{}", source.tally.character(), row.name);
    let cell = |span, signed| context.format.cell(span, signed);
    let (offset, distance) = match source.span {
        Some(span) => (cell(span.offset, true), cell(span.distance, false)),
        None => ("-".into(), "-".into()),
    };
    let share = match source.verdict {
        Some(verdict) if verdict.weight > 0.0 => format!("{:.0} %", verdict.weight * 100.0),
        _ => String::new(),
    };
    let differs = if source.differs() { "?" } else { "" };
    let word = format!("{}{differs}", rows::condition(row.peer));
    [name, word, offset, distance, share, String::new()]
}

/// What the columns are called; there are no shares where none can be known.
fn titles(context: &Context<'_>, selection: &Selection) -> [String; COLUMNS] {
    let unit = context.format.unit();
    let titled = |title: &str| format!("{title} {unit}").trim_end().to_owned();
    let (offset, share) = match selection.basis {
        Basis::RootDistance => ("offset", "share"),
        // The middle between the limits, which is not the offset of the last sample.
        Basis::Limits => ("middle", ""),
        Basis::Samples { .. } => ("offset", ""),
    };
    let plus_minus = context.app.marks("±");
    let (source, tally) = (" source".into(), "tally".into());
    [source, tally, titled(offset), titled(&plus_minus), share.into(), String::new()]
}

fn render_table(
    context: &Context<'_>,
    selection: &Selection,
    rows: &[SourceRow<'_>],
    area: Rect,
    buffer: &mut Buffer,
) {
    if area.height == 0 || rows.is_empty() {
        return;
    }
    let titles = titles(context, selection);
    let cells: Vec<_> = rows.iter().map(|(row, source)| cells(context, row, source)).collect();
    let widths = widths(&titles, &cells, area.width);
    let [.., axis_width] = widths;
    let axis = Axis::of(selection, axis_width, context.app.is_ascii());
    put_cells(buffer, area, 0, &titles, &widths, context.theme.heading, context);

    let last = area.height.saturating_sub(1);
    let height = usize::from(last.saturating_sub(1));
    let selected = context.tab.selected().map(|peer| peer.id);
    let at = rows.iter().position(|(row, _)| Some(row.peer.id) == selected);
    let first = table::first_row(rows.len(), height, at.unwrap_or(0));
    let lines = rows.iter().zip(cells).skip(first).zip(1..last);
    for (((row, source), mut cells), line) in lines {
        let mut style = columns::row_style(context, row);
        if Some(row.peer.id) == selected {
            style = style.patch(context.theme.selected);
        }
        let [.., drawn] = &mut cells;
        *drawn = axis.as_ref().map_or_else(String::new, |axis| {
            axis.row(source, &|gap| context.format.span(gap.abs(), false))
        });
        let end = put_cells(buffer, area, line, &cells, &widths, style, context);
        let rest = " ".repeat(usize::from(area.width.saturating_sub(end)));
        text::put(buffer, area, (end, line), &rest, style);
    }
    if let (Some(axis), true) = (axis, area.height > 2) {
        let scale = axis.scale(&|span| context.format.span(span, true));
        let column = usize::from(area.width).saturating_sub(axis_width);
        let style = context.theme.faint;
        let label = match selection.basis {
            // Whose intervals these are matters more than what the shade means.
            Basis::Samples { .. } => Some("last samples, not its limits".to_owned()),
            _ if selection.explained.interval.is_some() => {
                let mark = if context.app.is_ascii() { ":=" } else { "░═" };
                Some(format!("agreed on by the majority: {mark}"))
            }
            _ => None,
        };
        if let Some(label) = label.filter(|label| text::width(label) + 1 < column) {
            text::put(buffer, area, (1, last), &label, style);
        }
        let column = u16::try_from(column).unwrap_or(u16::MAX);
        text::put(buffer, area, (column, last), &scale, style);
    }
}

/// The width of each column; the axis, which is the last, gets what is left.
fn widths(titles: &[String; COLUMNS], cells: &[[String; COLUMNS]], room: u16) -> [usize; COLUMNS] {
    let room = usize::from(room);
    let mut wishes = [Wish { least: 0, whole: 0, rank: 0 }; COLUMNS];
    for (place, (wish, title)) in wishes.iter_mut().zip(titles).enumerate() {
        let widest = cells.iter().filter_map(|row| row.get(place)).map(|cell| text::width(cell));
        let whole = widest.max().unwrap_or(0).max(text::width(title));
        *wish = match place {
            // Name, offset and axis make the picture; the rest can be read below it.
            0 => Wish { least: whole.min(14), whole: whole.min(room / 4), rank: 0 },
            // A daemon's own words may be long, and stand in full below.
            1 => Wish { least: whole.min(11), whole: whole.min(room / 4), rank: 5 },
            2 => Wish { least: whole, whole, rank: 1 },
            5 => Wish { least: LEAST_AXIS, whole: room, rank: 2 },
            3 => Wish { least: whole, whole, rank: 3 },
            _ => Wish { least: whole, whole, rank: 4 },
        };
    }
    let mut widths = [0; COLUMNS];
    for (width, fitted) in widths.iter_mut().zip(table::fit(&wishes, room)) {
        *width = fitted;
    }
    widths
}

/// Writes cells side by side and returns the column behind them.
fn put_cells(
    buffer: &mut Buffer,
    area: Rect,
    line: u16,
    cells: &[String; COLUMNS],
    widths: &[usize; COLUMNS],
    style: Style,
    context: &Context<'_>,
) -> u16 {
    let mut at = 0;
    for (place, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if *width == 0 {
            continue;
        }
        let is_number = (2..5).contains(&place);
        let cell = text::cut(cell, *width, context.app.is_ascii());
        let gap = if place + 1 < COLUMNS { " " } else { "" };
        let cell = text::pad(&cell, *width, is_number) + gap;
        at += text::put(buffer, area, (at, line), &cell, style);
    }
    at
}

/// Whether the daemon, or the algorithm over its variables, calls a source wrong.
fn is_false(source: &Source) -> bool {
    let is_outside = |reason| matches!(reason, Reason::Outside { .. });
    source.tally == Tally::Falseticker || source.verdict.is_some_and(|v| is_outside(v.reason))
}

/// Lines of the table that are no rows: heading and axis.
const FRAME: u16 = 2;

/// Rows that the reasons leave in sight.
const LEAST_ROWS: usize = 3;

/// Columns without which the axis is of no use.
const LEAST_AXIS: usize = 18;
