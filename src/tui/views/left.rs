//! A change that was left behind: what it is, and what can be done about it; and the line on every
//! screen that keeps it in mind.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::backend::change::{Left, Pending};
use crate::tui::app::{App, Overlay, Screen};
use crate::tui::command::Action;
use crate::tui::update::left;
use crate::tui::views::change;
use crate::tui::widgets::text;
use crate::tui::{format, keymap};

/// Lines that keep in mind on every screen that something was left behind.
pub fn height(app: &App) -> u16 {
    u16::from(left::here(app).next().is_some())
}

/// Draws that line.
pub fn render_banner(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme();
    let style = theme.warning.add_modifier(Modifier::REVERSED | Modifier::BOLD);
    let column = text::put(buffer, area, (0, 0), " LEFT BEHIND ", style);
    let room = usize::from(area.width.saturating_sub(column));
    let said = text::cut(&app.marks(&banner(app)), room, app.is_ascii());
    text::put(buffer, area, (column, 0), &text::pad(&said, room, false), theme.notice);
}

fn banner(app: &App) -> String {
    let all: Vec<&Left> = left::here(app).collect();
    let key = keymap::key_of(Action::LeftBehind, app.place()).unwrap_or_default();
    // There every key is a letter of what is typed.
    let escape = if app.screen() == Screen::Console { "Esc and " } else { "" };
    match all.as_slice() {
        [one] => format!(
            " a change of {} was neither kept nor taken back: {escape}{key} shows it",
            one.change.host
        ),
        _ => format!(
            " {} changes were neither kept nor taken back: {escape}{key} shows them",
            all.len()
        ),
    }
}

/// Draws the change of this number and what can be done about it.
pub fn render(app: &App, number: u32, area: Rect, buffer: &mut Buffer) {
    let numbers: Vec<u32> = left::here(app).map(|left| left.change.number).collect();
    let Some(left) = left::here(app).find(|left| left.change.number == number) else { return };
    let place = numbers.iter().position(|other| *other == number).map_or(1, |place| place + 1);
    let which =
        if numbers.len() > 1 { format!(" ({place} of {})", numbers.len()) } else { String::new() };
    let title = format!(" A change of {} was left behind{which}", left.change.host);
    let scroll = app.left.scroll;
    change::draw(app, &title, &lines(app, &left.change), scroll, &keys(app), area, buffer);
}

/// The most that it can be scrolled by.
pub fn most_scroll(app: &App, area: Rect) -> usize {
    let Some(Overlay::Left(number)) = app.overlay else { return 0 };
    let Some(left) = left::here(app).find(|left| left.change.number == number) else { return 0 };
    let lines = change::wrapped(app, &lines(app, &left.change), usize::from(area.width));
    lines.len().saturating_sub(usize::from(area.height.saturating_sub(2)))
}

fn keys(app: &App) -> String {
    let key = |action| keymap::key_of(action, app.place()).map(keymap::label).unwrap_or_default();
    format!(
        "{} take it back   {} keep it for good   {} later",
        key(Action::TakeBack),
        key(Action::KeepLeft),
        key(Action::No)
    )
}

fn lines(app: &App, change: &Pending) -> Vec<(Style, String)> {
    let theme = app.theme();
    let mut lines = vec![
        (
            theme.warning,
            "It was sent, and ntpscope ended before anybody kept it or it was taken back.".into(),
        ),
        (theme.text, made(app, change)),
        (theme.heading, "Sent:".into()),
    ];
    lines.extend(change.lines.iter().map(|line| (theme.accent, format!("  {line}"))));
    lines.push((theme.heading, "Taken back by:".into()));
    lines.extend(change.inverse.iter().map(|line| (theme.accent, format!("  {line}"))));
    let what = match change.key {
        Some(key) => format!(
            "Nothing is sent yet. To take it back its key is asked for ({key} signed it), and all is \
             shown once more. A daemon that has started anew since has forgotten it by itself."
        ),
        None => "Nothing is sent yet: to take it back all is shown once more. A daemon that has \
                 started anew since has forgotten it by itself."
            .into(),
    };
    lines.push((theme.text, what));
    lines
}

/// When it was made, by whom, and to which daemon.
fn made(app: &App, change: &Pending) -> String {
    let at = change.written.replace('T', " ").replace('Z', " UTC");
    let ago = change.when.and_then(|when| {
        let (now, _) = app.now.clock.to_unix(when);
        let seconds = u64::try_from(now.checked_sub(when)?).ok()?;
        Some(format!(", {} ago", format::age(Duration::from_secs(seconds))))
    });
    let by = change.user.as_ref().map(|user| format!(" by {user}"));
    let place = change.address.map(|address| address.to_string());
    let place = place.filter(|place| !place.contains(&change.host));
    let place = place.map(|place| format!(" at {place}"));
    format!(
        "Made {at}{}{} to {}{}; it was to be kept within {}.",
        ago.unwrap_or_default(),
        by.unwrap_or_default(),
        change.host,
        place.unwrap_or_default(),
        change.within
    )
}
