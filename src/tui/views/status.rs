//! The line at the bottom: what is typed, what came of it, or how the conversation stands.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::backend::TargetId;
use crate::model::Contact;
use crate::tui::app::{App, Overlay, Prompt, Purpose, Screen, Tab};
use crate::tui::command::{Action, Command, Scope};
use crate::tui::widgets::text;
use crate::tui::{command, format, keymap, rows};

/// Draws the line.
pub fn render(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme();
    let width = usize::from(area.width);
    if let Some(Overlay::Prompt(prompt)) = &app.overlay {
        let label = label(prompt.purpose);
        let room = width.saturating_sub(text::width(label) + 1);
        let scroll = prompt.input.visual_scroll(room.max(1));
        let typed: String = prompt.input.value().chars().skip(scroll).collect();
        let line = text::pad(&format!("{label}{typed}"), width, false);
        text::put(buffer, area, (0, 0), &line, theme.accent);
        // What is said of what is typed, as what it may be: behind it, as far as there is room.
        if let Some(message) = &app.message {
            let column = text::width(label) + text::width(&typed) + GAP;
            let room = width.saturating_sub(column);
            let said = text::cut(&app.marks(message), room, app.is_ascii());
            let column = u16::try_from(column).unwrap_or(u16::MAX);
            text::put(buffer, area, (column, 0), &said, theme.notice);
        }
        return;
    }
    let left = match (&app.message, app.tab()) {
        (Some(message), _) => message.clone(),
        (None, Some(tab)) => conversation(app, tab),
        (None, None) => String::new(),
    };
    let left = app.marks(&left);
    let hints = hints(app, width.saturating_sub(text::width(&left) + 3));
    let room = width.saturating_sub(text::width(&hints) + 2);
    let left = text::pad(&text::cut(&left, room, app.is_ascii()), room, false);
    text::put(buffer, area, (0, 0), &format!(" {left}{hints} "), theme.bar);
}

/// Where the cursor stands in what is typed.
pub fn cursor(app: &App, area: Rect) -> Option<Position> {
    let Some(Overlay::Prompt(Prompt { purpose, input, .. })) = &app.overlay else { return None };
    let label = text::width(label(*purpose));
    let room = usize::from(area.width).saturating_sub(label + 1).max(1);
    let column =
        label + input.visual_cursor() - input.visual_scroll(room).min(input.visual_cursor());
    let column = u16::try_from(column).ok().filter(|column| *column < area.width)?;
    (area.height > 0).then_some(Position { x: area.x + column, y: area.y })
}

const fn label(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Command => ":",
        Purpose::Filter => "filter: ",
        Purpose::Sources => "sources: ",
    }
}

/// Who answers and how quickly, and what is unusual about the display.
fn conversation(app: &App, tab: &Tab) -> String {
    let daemon = tab.shown();
    let mut parts = Vec::new();
    if app.frozen.is_some() {
        let updates = if tab.behind == 1 { "update" } else { "updates" };
        parts.push(format!("FROZEN, {} {updates} behind", tab.behind));
    }
    let label = text::cut(&tab.label, LABEL, app.is_ascii());
    parts.push(match daemon.identity.as_ref() {
        Some(identity) => format!("{label}: {}", short(&identity.version)),
        None => label,
    });
    if let Contact::Answering { last, round_trip } = &daemon.contact
        && tab.target != TargetId::OWN
    {
        let age = app.shown_now().mono.since(*last);
        parts.push(match age.as_secs() {
            0..=3 => format!("answers in {}", format::wait(*round_trip)),
            _ => format!("last answer {} ago", format::age(age)),
        });
    }
    match daemon.restarts {
        0 => {}
        1 => parts.push("restarted once".into()),
        times => parts.push(format!("restarted {times} times")),
    }
    if !app.view.filter.is_empty() && app.screen() != Screen::Clients {
        let shown = rows::rows(app, tab).len();
        parts.push(format!("filter `{}`: {shown} of {}", app.view.filter, daemon.peers.len()));
    }
    parts.join(" · ")
}

/// The version without what was built when and where.
fn short(version: &str) -> String {
    let end = version.find(['@', '(']).unwrap_or(version.len());
    let text = version.get(..end).unwrap_or_default().trim();
    text::cut(text, 24, true)
}

/// Keys worth knowing here, as many as fit, help and quit first of all.
fn hints(app: &App, room: usize) -> String {
    let mut hints = String::new();
    // What is typed on a console are letters.
    let is_key = |command: &&'static Command| {
        app.screen() != Screen::Console || command.scope == Scope::On(Screen::Console)
    };
    let here =
        || command::at(app.place()).filter(|command| !command.hint.is_empty()).filter(is_key);
    if app.place().is_asked || matches!(app.overlay, Some(Overlay::Arm(_))) {
        // The question names its keys itself.
        return String::new();
    }
    let vital = |hint: &str| matches!(hint, "help" | "quit" | "back");
    let mut chosen: Vec<_> = here().filter(|c| vital(c.hint)).collect();
    chosen.extend(here().filter(|c| !vital(c.hint)));
    for command in chosen {
        if command.hint == "back" && app.screens.len() == 1 && app.view.filter.is_empty() {
            continue;
        }
        if command.action == Action::Clock && app.screen() == Screen::Clock
            || command.action == Action::Selection && app.screen() == Screen::Selection
            || command.action == Action::Daemon && app.screen() == Screen::Daemon
            || command.action == Action::Clients && app.screen() == Screen::Clients
        {
            continue;
        }
        let Some(key) = command.keys.first() else { continue };
        let hint = format!(" {} {}", keymap::label(key), command.hint);
        if text::width(&hints) + text::width(&hint) + 1 > room {
            break;
        }
        hints.push_str(&hint);
    }
    hints
}

/// Blanks between what is typed, with the cursor behind it, and what is said of it.
const GAP: usize = 3;

/// Columns for the name of a daemon.
const LABEL: usize = 30;
