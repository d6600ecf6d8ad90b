//! The clients screen: who asks the daemon, how often, and who asks too much.
//!
//! First whether the list is all there is and who of it abuses; then the clients; then in words what
//! is known of the one under the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::clients::{Client, ClientList};
use crate::tui::app::{App, Tab};
use crate::tui::clients::{ClientOrder, Haste, limited};
use crate::tui::format;
use crate::tui::views::columns::Context;
use crate::tui::views::frame;
use crate::tui::widgets::table::{self, Wish};
use crate::tui::widgets::text;

pub mod sentences;

/// Draws the screen.
pub fn render(app: &App, tab: &Tab, area: Rect, buffer: &mut Buffer) {
    let context = Context::new(app, tab);
    let parts = Parts::of(&context, area);
    put(&context, &parts.head, area, 0, buffer);
    let head = height_of(&parts.head);
    let table = Rect { y: area.y + head, height: parts.table, ..area };
    render_table(&context, table, buffer);
    put(&context, &parts.foot, area, head + parts.table, buffer);
}

/// Rows that the table has room for.
pub fn height(app: &App, tab: &Tab, area: Rect) -> usize {
    usize::from(Parts::of(&Context::new(app, tab), area).table.saturating_sub(HEADING))
}

/// The clients in sight, from top to bottom.
pub fn visible(app: &App, tab: &Tab, area: Rect) -> Vec<Client> {
    let height = height(app, tab, area);
    tab.clients.rows(first(tab, height)).take(height).collect()
}

fn first(tab: &Tab, height: usize) -> usize {
    table::first_row(tab.clients.len(), height, tab.client_cursor.place)
}

/// Lines with their styles.
type Lines = Vec<(Style, String)>;

/// What stands where.
struct Parts {
    head: Lines,
    table: u16,
    foot: Lines,
}

impl Parts {
    /// Shares out the lines: what matters first, then as many rows as there is room for.
    fn of(context: &Context<'_>, area: Rect) -> Self {
        let room = usize::from(area.width);
        let height = usize::from(area.height);
        let wrapped = |(style, line): (Style, String)| {
            let line = context.app.marks(&line);
            text::wrap(&line, room).into_iter().map(move |line| (style, line))
        };
        let sentences = sentences::head(context).into_iter().map(|(severity, sentence)| {
            let mark = frame::mark(severity, context.app.is_ascii());
            (frame::style(&context.theme, severity), format!("{mark} {sentence}"))
        });
        let mut head: Lines = sentences.flat_map(wrapped).collect();
        head.truncate((height / 2).max(1));
        let mut foot: Lines = Vec::new();
        if height >= LEAST_FOR_FOOT
            && let Some(client) = context.tab.clients.row(context.tab.client_cursor.place)
        {
            foot = sentences::about(context, &client).into_iter().flat_map(wrapped).collect();
            foot.truncate(height.saturating_sub(head.len()) / 3);
        }
        let left = height.saturating_sub(head.len() + foot.len());
        let wanted = context.tab.clients.len().saturating_add(usize::from(HEADING));
        let table = u16::try_from(wanted.min(left)).unwrap_or(u16::MAX);
        Self { head, table, foot }
    }
}

fn height_of(lines: &Lines) -> u16 {
    u16::try_from(lines.len()).unwrap_or(u16::MAX)
}

fn put(context: &Context<'_>, lines: &Lines, area: Rect, first: u16, buffer: &mut Buffer) {
    for ((style, line), row) in lines.iter().zip(first..area.height) {
        let line = text::cut(line, usize::from(area.width), context.app.is_ascii());
        text::put(buffer, area, (0, row), &line, *style);
    }
}

/// The columns, from left to right: client, last, first, packets, interval, mode, version, remark.
const COLUMNS: usize = 8;

/// What they are called, and in which order their clients stand when sorted by them.
const TITLES: [(&str, Option<ClientOrder>); COLUMNS] = [
    ("client", Some(ClientOrder::Address)),
    ("last", Some(ClientOrder::Last)),
    ("first", Some(ClientOrder::First)),
    ("packets", Some(ClientOrder::Count)),
    ("one every", Some(ClientOrder::Interval)),
    ("m", None),
    ("v", None),
    ("", Some(ClientOrder::Dropped)),
];

fn cells(context: &Context<'_>, client: &Client) -> [String; COLUMNS] {
    let age = |age: Option<std::time::Duration>| age.map_or_else(|| "-".into(), format::brief);
    [
        sentences::name(context, client),
        age(client.last),
        age(client.first),
        format::count(client.count),
        age(client.interval),
        client.mode.map_or_else(String::new, |mode| mode.bits().to_string()),
        client.version.map_or_else(String::new, |version| version.to_string()),
        remark(context, client),
    ]
}

/// What is the matter with a client, in a few words.
fn remark(context: &Context<'_>, client: &Client) -> String {
    let mut words = Vec::new();
    match Haste::of(client) {
        Haste::Abusive => words.push("ABUSES".to_owned()),
        Haste::Fast => words.push("too often".into()),
        Haste::None => {}
    }
    let (is_limited, is_told) = limited(client, sentences::dialect(context));
    match (is_limited, is_told) {
        (true, true) => words.push("limited, told so".into()),
        (true, false) => words.push("limited".into()),
        (false, _) => {}
    }
    if client.dropped > 0 {
        words.push(format!("{} dropped", format::count(client.dropped)));
    }
    if client.others > 0 {
        words.push(format!("{} commands", format::count(client.others)));
    }
    words.join(", ")
}

fn render_table(context: &Context<'_>, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 || context.tab.clients.is_empty() {
        return;
    }
    let height = usize::from(area.height.saturating_sub(HEADING));
    let first = first(context.tab, height);
    let shown: Vec<_> = context.tab.clients.rows(first).take(height).collect();
    let cells: Vec<_> = shown.iter().map(|client| cells(context, client)).collect();
    let titles = titles(context);
    let widths = widths(&titles, &cells, area.width);
    put_cells(context, buffer, (area, 0), &titles, &widths, context.theme.heading);
    for ((client, cells), (row, line)) in shown.iter().zip(&cells).zip((first..).zip(HEADING..)) {
        let mut style = match Haste::of(client) {
            Haste::Abusive => context.theme.bad,
            Haste::Fast => context.theme.warning,
            Haste::None if client.dropped > 0 => context.theme.warning,
            Haste::None => context.theme.text,
        };
        if !context.daemon.contact.is_fresh() {
            style = context.theme.stale;
        }
        let is_selected = row == context.tab.client_cursor.place;
        if is_selected {
            style = style.patch(context.theme.selected);
        }
        let end = put_cells(context, buffer, (area, line), cells, &widths, style);
        if is_selected {
            let rest = " ".repeat(usize::from(area.width.saturating_sub(end)));
            text::put(buffer, area, (end, line), &rest, style);
        }
    }
}

fn titles(context: &Context<'_>) -> [String; COLUMNS] {
    let view = &context.app.view;
    let mark = match (view.client_reverse, context.app.is_ascii()) {
        (false, false) => "▲",
        (true, false) => "▼",
        (false, true) => "^",
        (true, true) => "v",
    };
    TITLES.map(|(title, order)| match order {
        Some(ClientOrder::Dropped) if view.client_order == ClientOrder::Dropped => {
            format!("dropped{mark}")
        }
        Some(order) if order == view.client_order => format!("{title}{mark}"),
        _ => title.into(),
    })
}

fn widths(titles: &[String; COLUMNS], cells: &[[String; COLUMNS]], room: u16) -> Vec<usize> {
    let mut wishes = [Wish { least: 0, whole: 0, rank: 0 }; COLUMNS];
    for (place, (wish, title)) in wishes.iter_mut().zip(titles).enumerate() {
        let widest = cells.iter().filter_map(|row| row.get(place)).map(|cell| text::width(cell));
        // Neither does the table shake when other rows come in sight.
        let least = [20, 6, 6, 8, 9, 1, 1, 0].get(place).copied().unwrap_or(0);
        let whole = widest.max().unwrap_or(0).max(text::width(title)).max(least);
        *wish = match place {
            0 => Wish { least: whole.min(16), whole, rank: 0 },
            // A remark is what one looks for; of a long one the beginning is enough.
            7 => Wish { least: whole.min(14), whole, rank: 3 },
            3 => Wish { least: whole, whole, rank: 1 },
            4 => Wish { least: whole, whole, rank: 2 },
            1 => Wish { least: whole, whole, rank: 4 },
            2 => Wish { least: whole, whole, rank: 6 },
            _ => Wish { least: whole, whole, rank: 5 },
        };
    }
    table::fit(&wishes, usize::from(room))
}

/// Writes cells side by side and returns the column behind them.
fn put_cells(
    context: &Context<'_>,
    buffer: &mut Buffer,
    (area, line): (Rect, u16),
    cells: &[String; COLUMNS],
    widths: &[usize],
    style: Style,
) -> u16 {
    let mut at = 0;
    for (place, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if *width == 0 {
            continue;
        }
        let cell = text::cut(cell, *width, context.app.is_ascii());
        let is_number = (1..7).contains(&place);
        let cell = text::pad(&cell, *width, is_number) + " ";
        at += text::put(buffer, area, (at, line), &cell, style);
    }
    at
}

/// Whether anything is known of clients.
pub fn is_known(context: &Context<'_>) -> bool {
    !matches!(ClientList::of(context.daemon), ClientList::Unknown)
}

/// Lines of the table that are no rows.
const HEADING: u16 = 1;

/// Lines from which on the client under the cursor is described.
const LEAST_FOR_FOOT: usize = 10;
