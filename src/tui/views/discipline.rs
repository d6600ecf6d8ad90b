//! What shows that this program disciplines its host's clock: a line on top of every screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::backend::TargetId;
use crate::model::Contact;
use crate::model::clock_loop::{Algorithm, ClockLoop, Steers};
use crate::tui::app::App;
use crate::tui::command::Action;
use crate::tui::format::{Format, Units};
use crate::tui::views::frame::banner;
use crate::tui::widgets::text;
use crate::tui::{keymap, words};

/// Draws the line: how the loop stands now, whatever is frozen or on screen below.
pub fn render(app: &App, area: Rect, buffer: &mut Buffer) {
    let quit = keymap::key_of(Action::Quit, app.place()).map_or_else(String::new, keymap::label);
    let (title, parts) = state(app);
    let is_steering = title == STEERING;
    let parts: Vec<String> = std::iter::once(title.to_owned()).chain(parts).collect();
    let right = if is_steering { format!("{quit} ends it") } else { String::new() };
    banner(app, area, 0, &parts, &right, buffer);
    let theme = app.theme();
    let title = text::cut(title, usize::from(area.width).saturating_sub(2), app.is_ascii());
    text::put(buffer, area, (1, 0), &title, theme.bar.patch(theme.bad));
}

/// Whether the clock is steered, in capitals, and how it stands.
fn state(app: &App) -> (&'static str, Vec<String>) {
    let own = app.tabs.iter().find(|tab| tab.target == TargetId::OWN);
    let Some(own) = own.map(|tab| &tab.latest) else { return (LEFT_ALONE, Vec::new()) };
    match (&own.contact, own.clock_loop.as_deref()) {
        (Contact::Ended { why, .. }, _) => (LEFT_ALONE, vec![why.to_string()]),
        (_, Some(engine)) if engine.steers == Steers::System => match &engine.held {
            Some(why) => (LEFT_ALONE, vec![why.to_string()]),
            None => (STEERING, standing(app, engine)),
        },
        _ => (STEERING, vec!["starting".into()]),
    }
}

fn standing(app: &App, engine: &ClockLoop) -> Vec<String> {
    let algorithm = match engine.algorithm {
        Algorithm::Ntp => "ntp",
        Algorithm::Kalman => "kalman",
    };
    let format = Format { units: Units::Auto, fine: false, ascii: app.is_ascii() };
    let frequency = engine.frequency.parts_per_million();
    let parts = [
        Some(engine.state.to_owned()),
        engine.notice.as_deref().map(str::to_owned),
        (engine.state != "NSET").then(|| words::behind_or_ahead(engine.steered_offset, format)),
        Some(format!("{frequency:+.3} ppm")),
        Some(algorithm.to_owned()),
    ];
    parts.into_iter().flatten().collect()
}

/// The clock is ours.
const STEERING: &str = "DISCIPLINES THIS HOST'S CLOCK";

/// It was to be, and is not.
const LEFT_ALONE: &str = "LEAVES THIS HOST'S CLOCK ALONE";
