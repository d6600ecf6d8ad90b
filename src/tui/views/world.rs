//! What shows that a world is simulated, and what may happen to it. Over a real one nothing of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use crate::backend::{Pace, World};
use crate::tui::app::App;
use crate::tui::command::Action;
use crate::tui::views::frame::banner;
use crate::tui::widgets::text;
use crate::tui::{format, keymap};

/// Lines that it takes of a terminal with so many rows.
pub const fn height(rows: u16) -> u16 {
    if rows >= ROWS_FOR_TWO { 2 } else { 1 }
}

/// Draws the lines that say so, on top of everything: how its time goes and the keys for that,
/// then what happened last. Where there is one line only, it has both as far as they fit.
pub fn render(app: &App, world: &World, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme();
    let pace = match world.pace {
        Pace::Paused => "PAUSED".to_owned(),
        pace => format!("{}×", pace.factor()),
    };
    let title = "SIMULATED";
    let elapsed = format!("{} in", format::age(world.elapsed));
    let latest = world.latest.as_ref().map_or_else(
        || "nothing happened yet".to_owned(),
        |(what, ago)| format!("{what}, {} ago", format::age(*ago)),
    );
    let kind = world.title.to_string();
    let keys = keys(app);
    if area.height < 2 {
        let parts = [title.into(), pace, latest, elapsed];
        banner(app, area, 0, &parts, "", buffer);
    } else {
        banner(app, area, 0, &[title.into(), pace, elapsed, kind], &keys, buffer);
        let second: Vec<_> =
            [latest].into_iter().chain(world.answers.iter().map(ToString::to_string)).collect();
        banner(app, area, 1, &second, "", buffer);
    }
    text::put(buffer, area, (1, 0), title, theme.bar.patch(theme.bad));
}

/// The keys that change it.
fn keys(app: &App) -> String {
    let key = |action| keymap::key_of(action, app.place()).map_or_else(String::new, keymap::label);
    let (slower, faster) = (key(Action::Slower), key(Action::Faster));
    let (pause, incidents) = (key(Action::Pause), key(Action::Incident));
    if app.place().is_asked {
        return String::new();
    }
    format!("{pause} pause  {slower} {faster} speed  {incidents} incidents")
}

/// Draws the list of what may happen over `area`.
pub fn render_incidents(app: &App, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    Clear.render(area, buffer);
    let theme = app.theme();
    let title = " What shall happen to the simulated world? its number; n or Esc closes";
    let title = text::pad(title, usize::from(area.width), false);
    text::put(buffer, area, (0, 0), &title, theme.bar);
    let incidents = app.world.as_ref().map_or(&[][..], |world| &world.incidents);
    for ((incident, number), row) in incidents.iter().zip(1..).zip(1..area.height) {
        let (state, style) =
            if incident.is_on { ("happening; ends it: ", theme.warning) } else { ("", theme.text) };
        let line = app.marks(&format!(" {number}  {state}{}", incident.title));
        text::put(buffer, area, (0, row), &line, style);
    }
}

/// From so many rows on there are two lines.
const ROWS_FOR_TWO: u16 = 20;
