//! The peers screen as text, for where there is no terminal.

use std::net::IpAddr;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::backend::Update;
use crate::model::Daemon;
use crate::tui::app::{App, Options, Target};
use crate::tui::event::Event;
use crate::tui::palette::Depth;
use crate::tui::update::update;
use crate::tui::verdict;
use crate::tui::views::{frame, peers};
use crate::tui::widgets::text;
use crate::units::Now;

/// What there is to print.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// The tables of those daemons that have told something.
    pub tables: String,
    /// A line for each that has not, which says why.
    pub complaints: String,
}

/// For each of the daemons, which are those of `options.targets` in their order: the sentence on
/// its state and its table, every row, with the names that are known.
pub fn print(
    mut options: Options,
    daemons: &[Arc<Daemon>],
    names: &[(IpAddr, Option<Arc<str>>)],
    now: Now,
) -> Printed {
    options.capabilities.depth = Depth::Mono;
    let targets = std::mem::take(&mut options.targets);
    let several = targets.len() > 1;
    let mut printed = Printed::default();
    for (target, daemon) in targets.into_iter().zip(daemons) {
        let label = target.label.clone();
        let app = app(&options, target, daemon, names, now);
        if daemon.associations.latest().is_none() {
            let sentence = app.tab().map(|tab| verdict::verdict(&app, tab).sentence);
            let line = format!("ntpscope: {label}: {}\n", sentence.unwrap_or_default());
            printed.complaints.push_str(&line);
            continue;
        }
        let all = &mut printed.tables;
        if several {
            if !all.is_empty() {
                all.push('\n');
            }
            let rule = if options.capabilities.ascii { "-" } else { "─" };
            let title = format!("{rule}{rule} {label} ");
            let rest = RULE.saturating_sub(text::width(&title));
            all.extend([&title, &*rule.repeat(rest), "\n"]);
        }
        let (columns, rows) = app.size;
        all.push_str(&lines(&app, Rect::new(0, 0, columns, rows)));
    }
    printed
}

/// A screen with room for every row of `daemon`.
fn app(
    options: &Options,
    target: Target,
    daemon: &Arc<Daemon>,
    names: &[(IpAddr, Option<Arc<str>>)],
    now: Now,
) -> App {
    let id = target.id;
    let rows = u16::try_from(daemon.peers.len()).unwrap_or(u16::MAX - MARGIN);
    let rows = rows.saturating_add(MARGIN).min(MOST_ROWS);
    let options = Options { targets: vec![target], ..options.clone() };
    let mut app = App::new(options, (COLUMNS, rows), now);
    // The names first: each that comes to rows puts all of them in order anew.
    for (address, name) in names {
        let name = Update::Name { address: *address, name: name.clone() };
        update(&mut app, now, Event::Backend(name));
    }
    update(&mut app, now, Event::Backend(Update::Daemon { target: id, daemon: daemon.clone() }));
    app
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
