//! The course of offset and frequency: time to the right, gaps where nobody knows.

use std::time::Duration;

use ratatui::style::Style;

use crate::model::clock_loop::Steers;
use crate::tui::app::{App, Tab};
use crate::tui::format;
use crate::tui::history::course::{LONGEST_STEP, Reading, Stand};
use crate::tui::views::clock::{answer, tracked};
use crate::tui::views::columns::Context;
use crate::tui::views::lines::Line;
use crate::tui::widgets::chart::{Axis, Cell, Span, chart, dots_across, zero_row};
use crate::tui::widgets::text;
use crate::units::{Mono, NtpDuration, Ppm};

/// The least lines that make sense of: title, three rows and the axis of time, one chart.
pub const LEAST: usize = 5;

/// As many charts as `height` lines have room for, `width` columns wide.
pub fn lines(context: &Context<'_>, width: usize, height: usize) -> Vec<Line> {
    // While the display is frozen the course goes on behind it.
    let is_shown = |reading: &&Reading| reading.from <= context.now;
    let readings: Vec<_> = context.tab.course.readings().filter(is_shown).copied().collect();
    if readings.is_empty() {
        let text = "  no course yet: nothing was told while this was on screen";
        return vec![vec![(context.theme.faint, text.into())]];
    }
    let window = Window::of(context);
    let mut wanted = vec![offset(context)];
    if height > 2 * LEAST_EACH {
        wanted.push(FREQUENCY);
    }
    if height > 3 * LEAST_EACH
        && readings.iter().any(|reading| reading.stand.system_offset.is_some())
    {
        wanted.insert(0, SYSTEM_OFFSET);
    }
    let each = (height.saturating_sub(1) / wanted.len()).min(MOST_EACH);
    let mut lines = Vec::new();
    for quantity in wanted {
        lines.extend(one(context, &quantity, &readings, &window, width, each));
    }
    lines.push(time_axis(context, &window, width));
    lines
}

/// What is drawn.
struct Quantity {
    title: &'static str,
    /// What its sign says.
    sign: &'static str,
    /// Unit of its own; empty for spans of time, which choose one.
    unit: &'static str,
    value: fn(&Stand) -> Option<f64>,
    /// Whether the error is drawn around it.
    has_band: bool,
    /// Whether the axis reaches zero in any case: it is what the value should be.
    from_zero: bool,
    /// The shortest axis.
    least: f64,
}

const FREQUENCY: Quantity = Quantity {
    title: "Frequency correction",
    sign: ", + is sped up",
    unit: "ppm",
    value: |stand| stand.frequency.map(Ppm::parts_per_million),
    has_band: false,
    from_zero: false,
    least: 0.02,
};

const SYSTEM_OFFSET: Quantity = Quantity {
    title: "System clock: offset",
    sign: ", + behind",
    unit: "",
    value: |stand| stand.system_offset.map(NtpDuration::seconds),
    has_band: true,
    from_zero: true,
    least: 1e-7,
};

/// Of the clock that the loop steers, by its name.
fn offset(context: &Context<'_>) -> Quantity {
    let title = match context.daemon.clock_loop.as_ref().map(|engine| engine.steers) {
        Some(Steers::Virtual) => "Virtual clock: offset",
        Some(Steers::System) => "System clock: offset",
        Some(Steers::Simulated) => "Simulated clock: offset",
        None if context.daemon.system.latest().is_some_and(tracked::is_tracked) => {
            "System time, left to correct,"
        }
        None => "Offset",
    };
    Quantity { title, value: |stand| Some(stand.offset.seconds()), ..SYSTEM_OFFSET }
}

/// Which of [`WINDOWS`] is drawn: the one chosen, or the shortest that holds all that is known,
/// within an hour.
pub fn window(app: &App, tab: &Tab) -> usize {
    let now = app.shown_now().mono;
    let reach = tab.course.readings().next().map_or(0, |first| now.since(first.from).as_secs());
    let fitting = WINDOWS.iter().position(|window| *window >= reach);
    app.view.window.unwrap_or_else(|| fitting.unwrap_or(WINDOWS.len()).min(AN_HOUR))
}

/// The time that is drawn, to the left of now.
struct Window {
    now: Mono,
    seconds: f64,
    /// Whether what was told last still holds.
    is_fresh: bool,
}

impl Window {
    fn of(context: &Context<'_>) -> Self {
        let seconds = WINDOWS.get(window(context.app, context.tab)).copied();
        #[expect(clippy::cast_precision_loss, reason = "a week of seconds")]
        let seconds = seconds.unwrap_or(3600) as f64;
        Self { now: context.now, seconds, is_fresh: context.daemon.contact.is_fresh() }
    }

    /// Which of `count` columns `at` falls into; negative to the left of all.
    #[expect(clippy::cast_precision_loss, reason = "a screenful of columns")]
    fn column(&self, at: Mono, count: usize) -> f64 {
        let ago = self.now.since(at).as_secs_f64();
        ((1.0 - ago / self.seconds) * count as f64).floor()
    }
}

/// The readings as columns of dots.
fn spans(
    quantity: &Quantity,
    readings: &[Reading],
    window: &Window,
    count: usize,
) -> Vec<Option<Span>> {
    let mut spans: Vec<Option<Span>> = vec![None; count];
    let last = readings.len().saturating_sub(1);
    let mut next = readings.iter().skip(1);
    for (place, reading) in readings.iter().enumerate() {
        let following = next.next();
        let Some(value) = (quantity.value)(&reading.stand) else { continue };
        let until = match following {
            Some(next) if !next.is_after_gap => next.from,
            None if place == last
                && window.is_fresh
                && window.now.since(reading.until) < LONGEST_STEP =>
            {
                window.now
            }
            _ => reading.until,
        };
        let (first, end) = (window.column(reading.from, count), window.column(until, count));
        if end < 0.0 {
            continue;
        }
        let bound = reading.stand.bound.filter(|_| quantity.has_band).map(NtpDuration::seconds);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
        let (from, to) = (first.max(0.0) as usize, end as usize);
        for (column, span) in spans.iter_mut().enumerate().take(to.saturating_add(1)).skip(from) {
            let is_joined = column > from || !reading.is_after_gap;
            match span {
                Some(span) => {
                    span.low = span.low.min(value);
                    span.high = span.high.max(value);
                    span.bound = bound.or(span.bound);
                }
                None => *span = Some(Span { low: value, high: value, bound, is_joined }),
            }
        }
    }
    spans
}

/// Title, picture with the numbers of its axis.
fn one(
    context: &Context<'_>,
    quantity: &Quantity,
    readings: &[Reading],
    window: &Window,
    width: usize,
    height: usize,
) -> Vec<Line> {
    let theme = &context.theme;
    let ascii = context.app.is_ascii();
    let columns = width.saturating_sub(AXIS + 1);
    let mut spans = spans(quantity, readings, window, dots_across(columns, ascii));
    let (axis, is_band_inside) = axis(quantity, &spans);
    if !is_band_inside {
        spans.iter_mut().flatten().for_each(|span| span.bound = None);
    }
    let (factor, unit) = unit(quantity, axis, ascii);
    let error = |span: NtpDuration| answer::format(context).span(span, false);
    let latest = readings.last().and_then(|reading| reading.stand.bound).map(error);
    let band = match latest.filter(|_| quantity.has_band) {
        Some(bound) if is_band_inside => {
            format!(" · {} error ±{bound}", Cell::Band.character(ascii))
        }
        Some(bound) => format!(" · error ±{bound}: off the chart"),
        None => String::new(),
    };
    let title = context.app.marks(&format!("{} in {unit}{}{band}", quantity.title, quantity.sign));
    let mut lines = vec![vec![(theme.heading, text::cut(&title, width, ascii))]];
    let rows = height.saturating_sub(1);
    let step = (axis.high - axis.low) * factor;
    let zero = zero_row(axis, rows, ascii);
    let picture = chart(&spans, axis, rows, ascii);
    for (row, cells) in picture.into_iter().enumerate() {
        let value = match row {
            row if zero == Some(row) => Some(0.0),
            0 => Some(axis.high),
            row if row + 1 == rows => Some(axis.low),
            row if zero.is_none() && rows % 2 == 1 && row == rows / 2 => {
                Some(axis.low.midpoint(axis.high))
            }
            _ => None,
        };
        let label = value.map_or_else(String::new, |value| number(value * factor, step));
        let mark = if ascii {
            "|"
        } else if value.is_some() {
            "┤"
        } else {
            "│"
        };
        let label = text::pad(&label, AXIS, true);
        let mut line = vec![(theme.faint, format!("{label}{mark}"))];
        line.extend(pieces(context, &cells));
        lines.push(line);
    }
    lines
}

/// Cells of one look together.
fn pieces(context: &Context<'_>, cells: &[Cell]) -> Line {
    let ascii = context.app.is_ascii();
    let look = |cell: &Cell| -> Style {
        match cell {
            Cell::Line(_) => context.theme.accent,
            Cell::Band | Cell::Zero | Cell::Blank => context.theme.faint,
        }
    };
    let mut line = Line::new();
    for cell in cells {
        let (style, character) = (look(cell), cell.character(ascii));
        match line.last_mut() {
            Some((last, piece)) if *last == style => piece.push(character),
            _ => line.push((style, character.into())),
        }
    }
    line
}

/// The axis for `spans`, and whether their band has room on it.
fn axis(quantity: &Quantity, spans: &[Option<Span>]) -> (Axis, bool) {
    let known = || spans.iter().flatten();
    let mut low = known().fold(f64::INFINITY, |low, span| low.min(span.low));
    let mut high = known().fold(f64::NEG_INFINITY, |high, span| high.max(span.high));
    if low > high {
        (low, high) = (0.0, 0.0);
    }
    if quantity.from_zero {
        (low, high) = (low.min(0.0), high.max(0.0));
    }
    let widest = known().filter_map(|span| span.bound).fold(0.0, f64::max);
    let room = low.abs().max(high.abs()) * 4.0;
    let is_inside = widest > 0.0 && widest <= room;
    if is_inside {
        (low, high) = known().fold((low, high), |(low, high), span| {
            let bound = span.bound.unwrap_or(0.0);
            (low.min(span.low - bound), high.max(span.high + bound))
        });
    }
    (Axis::round(low, high, quantity.least), is_inside)
}

/// The unit of an axis and what seconds are multiplied with for it.
fn unit(quantity: &Quantity, axis: Axis, ascii: bool) -> (f64, &'static str) {
    if !quantity.unit.is_empty() {
        return (1.0, quantity.unit);
    }
    match axis.low.abs().max(axis.high.abs()) {
        most if most >= 1.0 => (1.0, "s"),
        most if most >= 1e-3 => (1e3, "ms"),
        _ if ascii => (1e6, "us"),
        _ => (1e6, "µs"),
    }
}

/// `value` with as many decimals as tell the ends of an axis `span` long apart.
fn number(value: f64, span: f64) -> String {
    let decimals = match span.abs() {
        span if span >= 20.0 => 0,
        span if span >= 2.0 => 1,
        span if span >= 0.2 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let is_zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    if is_zero { text.trim_start_matches('-').into() } else { text }
}

/// An age without the smaller unit where that is zero.
pub fn round_age(span: Duration) -> String {
    let age = format::age(span);
    let parts: Vec<_> = age.split(' ').collect();
    match parts[..] {
        [number, unit, "00" | "0", _] => format!("{number} {unit}"),
        _ => age,
    }
}

/// The line below: how long ago left, middle and right were.
fn time_axis(context: &Context<'_>, window: &Window, width: usize) -> Line {
    let columns = width.saturating_sub(AXIS + 1);
    let ago = |part: f64| {
        let span = Duration::from_secs_f64(window.seconds * part);
        format!("{} ago", round_age(span))
    };
    let (left, middle) = (ago(1.0), ago(0.5));
    let mut line = text::pad("", AXIS + 1, false) + &left;
    let half = (AXIS + 1 + columns / 2).saturating_sub(text::width(&middle) / 2);
    if half > text::width(&line) + 1 {
        line = text::pad(&line, half, false) + &middle;
    }
    let end = width.saturating_sub("now".len());
    if end > text::width(&line) {
        line = text::pad(&line, end, false) + "now";
    }
    vec![(context.theme.faint, line)]
}

/// Spans of time that can be drawn, in seconds.
pub const WINDOWS: [u64; 12] =
    [60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400, 604_800];

/// The place of an hour among them.
const AN_HOUR: usize = 6;

/// Columns for the numbers of an axis.
const AXIS: usize = 8;

/// Lines of one chart at least: title and three rows.
const LEAST_EACH: usize = 4;

/// And at most.
const MOST_EACH: usize = 17;
