//! The peers screen as text, for where there is no terminal.

use std::net::IpAddr;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::backend::Update;
use crate::model::Daemon;
use crate::tui::app::{App, Options};
use crate::tui::event::Event;
use crate::tui::palette::Depth;
use crate::tui::update::update;
use crate::tui::views::{frame, peers};
use crate::tui::widgets::text;
use crate::units::Now;

/// For each of the daemons, which are those of `options.targets` in their order: the sentence on
/// its state and its table, every row, with the names that are known.
pub fn text(
    mut options: Options,
    daemons: &[Arc<Daemon>],
    names: &[(IpAddr, Option<Arc<str>>)],
    now: Now,
) -> String {
    options.capabilities.depth = Depth::Mono;
    let targets = std::mem::take(&mut options.targets);
    let several = targets.len() > 1;
    let mut all = String::new();
    for (target, daemon) in targets.into_iter().zip(daemons) {
        if several {
            if !all.is_empty() {
                all.push('\n');
            }
            let rule = if options.capabilities.ascii { "-" } else { "─" };
            let title = format!("{rule}{rule} {} ", target.label);
            let rest = RULE.saturating_sub(text::width(&title));
            all.extend([&title, &*rule.repeat(rest), "\n"]);
        }
        let id = target.id;
        let rows = u16::try_from(daemon.peers.len()).unwrap_or(u16::MAX - MARGIN);
        let area = Rect::new(0, 0, COLUMNS, rows.saturating_add(MARGIN).min(MOST_ROWS));
        let options = Options { targets: vec![target], ..options.clone() };
        let mut app = App::new(options, (area.width, area.height), now);
        update(
            &mut app,
            now,
            Event::Backend(Update::Daemon { target: id, daemon: daemon.clone() }),
        );
        for (address, name) in names {
            let update_name = Update::Name { address: *address, name: name.clone() };
            update(&mut app, now, Event::Backend(update_name));
        }
        all.push_str(&lines(&app, area));
    }
    all
}

/// What the screen shows, without blanks at the ends of lines and lines at its end.
fn lines(app: &App, area: Rect) -> String {
    let mut buffer = Buffer::empty(area);
    let areas = frame::areas(app, area);
    frame::render(app, &areas, &mut buffer);
    if let Some(tab) = app.tab() {
        peers::render_whole(app, tab, areas.body, &mut buffer);
    }
    let mut text = String::new();
    for y in area.top()..area.bottom() {
        let row: String = (area.left()..area.right())
            .filter_map(|x| buffer.cell((x, y)))
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Wide enough that nothing which fits a line of a report is cut.
const COLUMNS: u16 = 132;

/// Columns of the line above each of several daemons.
const RULE: usize = 80;

/// Lines besides the rows: sentence, facts, notices, headings.
const MARGIN: u16 = 24;

/// The most lines; no daemon has as many associations.
const MOST_ROWS: u16 = 8192;
