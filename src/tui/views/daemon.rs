//! The daemon screen: what the daemon is and how it fares.
//!
//! First in a sentence what is abnormal *now*: what it refuses, loses or finds wrong, and how
//! quickly. A total says little of a daemon that has run for a year; rates are of the time between
//! its last two answers. Then who it is, and all that it counts, section by section.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::statistics::Section;
use crate::tui::app::{App, Tab};
use crate::tui::format;
use crate::tui::views::columns::Context;
use crate::tui::views::frame;
use crate::tui::views::lines::{Line, put_scrolled};
use crate::tui::widgets::text;

pub mod abnormal;
pub mod counters;
pub mod tables;
pub mod who;

/// Draws the screen.
pub fn render(app: &App, tab: &Tab, area: Rect, buffer: &mut Buffer) {
    let context = Context::new(app, tab);
    put_scrolled(&context, &lines(&context, area.width), area, buffer);
}

/// The most that it can be scrolled by.
pub fn most_scroll(app: &App, tab: &Tab, area: Rect) -> usize {
    lines(&Context::new(app, tab), area.width).len().saturating_sub(usize::from(area.height))
}

fn lines(context: &Context<'_>, width: u16) -> Vec<Line> {
    let room = usize::from(width);
    let mut lines = Vec::new();
    for (severity, sentence) in abnormal::sentences(context) {
        let mark = frame::mark(severity, context.app.is_ascii());
        let sentence = context.app.marks(&format!("{mark} {sentence}"));
        let style = frame::style(&context.theme, severity);
        lines.extend(text::wrap(&sentence, room).into_iter().map(|line| vec![(style, line)]));
    }
    for (label, fact) in who::facts(context) {
        let fact = context.app.marks(&fact);
        let wrapped = text::wrap(&fact, room.saturating_sub(LABEL).max(16));
        for (place, line) in wrapped.into_iter().enumerate() {
            let label = text::pad(if place == 0 { label } else { "" }, LABEL, false);
            lines.push(vec![(context.theme.heading, label), (context.theme.text, line)]);
        }
    }
    for section in Section::ALL {
        lines.extend(counters::lines(context, section, room));
        if section == Section::Network {
            lines.extend(tables::interfaces(context, room));
        }
    }
    lines.extend(tables::restrictions(context, room));
    lines
}

/// A blank line and the heading of what follows, with how old it is.
fn heading(
    context: &Context<'_>,
    title: &str,
    notes: &[String],
    dated: Option<crate::model::Dated>,
) -> [Line; 2] {
    let mut rest = String::new();
    for note in notes {
        rest.push_str(" · ");
        rest.push_str(note);
    }
    if let Some(dated) = dated {
        let age = format::age(context.now.since(dated.answered));
        rest.extend([" · told ", &age, " ago"]);
    }
    let rest = context.app.marks(&rest);
    [Vec::new(), vec![(context.theme.heading, title.to_owned()), (context.theme.faint, rest)]]
}

/// Columns for what a fact is about.
const LABEL: usize = 11;
