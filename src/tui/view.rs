//! From state to cells: the frame of every screen, and which view fills its middle.
//!
//! On top what matters most, the sentence on the daemon's state; at the bottom one line on the
//! conversation with it; between them the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::model::clients::Client;
use crate::tui::app::{App, Overlay, Screen, Tab};
use crate::tui::views::{
    association, change, clients, clock, console, daemon, frame, help, left, peers, question,
    selection, status, world,
};
use crate::units::AssocId;

/// Draws everything.
pub fn render(app: &App, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return;
    }
    let areas = frame::areas(app, area);
    frame::render(app, &areas, buffer);
    if let Some(tab) = app.tab() {
        match app.screen() {
            Screen::Peers => peers::render(app, tab, areas.body, buffer),
            Screen::Association => association::render(app, tab, areas.body, buffer),
            Screen::Clock => clock::render(app, tab, areas.body, buffer),
            Screen::Console => console::render(app, tab, areas.body, buffer),
            Screen::Selection => selection::render(app, tab, areas.body, buffer),
            Screen::Daemon => daemon::render(app, tab, areas.body, buffer),
            Screen::Clients => clients::render(app, tab, areas.body, buffer),
        }
    }
    status::render(app, areas.status, buffer);
    match &app.overlay {
        Some(Overlay::Help { scroll, text }) => {
            help::render(app, *scroll, text, areas.body, buffer);
        }
        Some(Overlay::Measure(plan)) => question::render(app, plan, areas.body, buffer),
        Some(Overlay::Incidents) => world::render_incidents(app, areas.body, buffer),
        Some(Overlay::Arm(arming)) => change::render_arming(app, arming, areas.body, buffer),
        Some(Overlay::Left(number)) => left::render(app, *number, areas.body, buffer),
        Some(Overlay::Change) => {
            if let Some(tab) = app.tab() {
                change::render(app, tab, areas.body, buffer);
            }
        }
        Some(Overlay::Prompt(_)) | None => {}
    }
}

/// Where the terminal's cursor stands: in the line that is typed, if there is one.
pub fn cursor(app: &App, area: Rect) -> Option<Position> {
    let areas = frame::areas(app, area);
    if let (Screen::Console, None, Some(tab)) = (app.screen(), &app.overlay, app.tab()) {
        return console::cursor(app, tab, areas.body);
    }
    status::cursor(app, areas.status)
}

/// The associations whose rows are on screen, from top to bottom.
pub fn visible_rows(app: &App, tab: &Tab) -> Vec<AssocId> {
    peers::visible(app, tab, body(app)).into_iter().map(|row| row.peer.id).collect()
}

/// The clients on screen, from top to bottom.
pub fn visible_clients(app: &App, tab: &Tab) -> Vec<Client> {
    clients::visible(app, tab, body(app))
}

/// Whether there is a strip below the table that shows details of the row under the cursor.
pub fn has_strip(app: &App, tab: &Tab) -> bool {
    peers::has_strip(app, tab, body(app))
}

/// Lines that a page has.
pub fn page(app: &App) -> isize {
    let height = match app.screen() {
        _ if matches!(app.overlay, Some(Overlay::Help { .. })) => help::height(body(app)),
        Screen::Peers => app.tab().map_or(0, |tab| peers::height(app, tab, body(app))),
        Screen::Selection => app.tab().map_or(0, |tab| selection::height(app, tab, body(app))),
        Screen::Clients => app.tab().map_or(0, |tab| clients::height(app, tab, body(app))),
        Screen::Association | Screen::Clock | Screen::Daemon => usize::from(body(app).height),
        Screen::Console => app.tab().map_or(0, |tab| console::height(tab, body(app))),
    };
    isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1)
}

/// The most that help can be scrolled by.
pub fn help_scroll(app: &App, text: &str) -> usize {
    help::most_scroll(app, text, body(app))
}

/// The most that the dialogue of a change can be scrolled by.
pub fn change_scroll(app: &App) -> usize {
    app.tab().map_or(0, |tab| change::most_scroll(app, tab, body(app)))
}

/// The most that the dialogue of a change that was left behind can be scrolled by.
pub fn left_scroll(app: &App) -> usize {
    left::most_scroll(app, body(app))
}

/// Which span of time charts of `tab` have, by its place among those there are.
pub fn window(app: &App, tab: &Tab) -> usize {
    clock::charts::window(app, tab)
}

/// The most that the screen can be scrolled by, where it is one of lines.
pub fn most_scroll(app: &App) -> usize {
    let Some(tab) = app.tab() else { return 0 };
    match app.screen() {
        Screen::Peers | Screen::Selection | Screen::Clients => 0,
        Screen::Association => association::most_scroll(app, tab, body(app)),
        Screen::Console => console::most_scroll(tab, body(app)),
        Screen::Clock => clock::most_scroll(app, tab, body(app)),
        Screen::Daemon => daemon::most_scroll(app, tab, body(app)),
    }
}

fn body(app: &App) -> Rect {
    let (columns, rows) = app.size;
    frame::areas(app, Rect::new(0, 0, columns, rows)).body
}
