//! The clock screen: is my clock right, and by how much could it be wrong?
//!
//! Two clocks must never be taken for one another. The *system clock* is what every program on a
//! host gets; where an engine only observes, it steers a *virtual clock* instead, and what its loop
//! has left to do says nothing of the system's. So each has its name in front of its offset.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::{App, Tab};
use crate::tui::views::columns::Context;
use crate::tui::views::lines::{Line, put_line, put_scrolled};
use crate::tui::widgets::text;

pub mod answer;
pub mod charts;
pub mod facts;
pub mod holdover;
pub mod tracked;

/// Draws the screen.
pub fn render(app: &App, tab: &Tab, area: Rect, buffer: &mut Buffer) {
    let context = Context::new(app, tab);
    if area.width >= WIDE {
        render_wide(&context, area, buffer);
        return;
    }
    let mut lines = facts(&context, area.width);
    let room = usize::from(area.height).saturating_sub(lines.len());
    let charts = charts::lines(&context, usize::from(area.width), room.max(charts::LEAST));
    lines.extend(charts);
    put_scrolled(&context, &lines, area, buffer);
}

/// What is so in words on the left, its course on the right.
fn render_wide(context: &Context<'_>, area: Rect, buffer: &mut Buffer) {
    let left = Rect { width: area.width / 2 - 1, ..area };
    let right = Rect { x: area.x + area.width / 2 + 1, width: area.width.div_ceil(2) - 1, ..area };
    put_scrolled(context, &facts(context, left.width), left, buffer);
    let charts = charts::lines(context, usize::from(right.width), usize::from(right.height));
    for (line, row) in charts.iter().zip(0..right.height) {
        put_line(line, right, row, buffer);
    }
}

/// The most that it can be scrolled by.
pub fn most_scroll(app: &App, tab: &Tab, area: Rect) -> usize {
    let context = Context::new(app, tab);
    let (width, charts) =
        if area.width >= WIDE { (area.width / 2 - 1, 0) } else { (area.width, charts::LEAST) };
    (facts(&context, width).len() + charts).saturating_sub(usize::from(area.height))
}

/// The answer first, then what it rests on.
fn facts(context: &Context<'_>, width: u16) -> Vec<Line> {
    let room = usize::from(width);
    let mut lines = Vec::new();
    for (style, sentence) in answer::sentences(context) {
        let sentence = context.app.marks(&sentence);
        lines.extend(text::wrap(&sentence, room).into_iter().map(|line| vec![(style, line)]));
    }
    for (label, fact) in facts::facts(context) {
        let fact = context.app.marks(&fact);
        let wrapped = text::wrap(&fact, room.saturating_sub(LABEL).max(16));
        for (place, line) in wrapped.into_iter().enumerate() {
            let label = text::pad(if place == 0 { label } else { "" }, LABEL, false);
            lines.push(vec![(context.theme.heading, label), (context.theme.text, line)]);
        }
    }
    lines
}

/// Columns from which on the charts stand beside the facts.
const WIDE: u16 = 110;

/// Columns for what a fact is about.
const LABEL: usize = 11;
