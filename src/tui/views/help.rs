//! Help: every command that works here, from the one table, and what the signs mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use crate::model::Peer;
use crate::tui::app::App;
use crate::tui::command::{self, Group};
use crate::tui::widgets::text;
use crate::tui::words;
use crate::tui::{keymap, legend, rows};
use crate::units::Tally;

/// Draws help over `area`.
pub fn render(app: &App, scroll: usize, search: &str, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    Clear.render(area, buffer);
    let theme = app.theme();
    let lines = lines(app, search, area.width);
    let height = height(area);
    let first = scroll.min(lines.len().saturating_sub(height));
    let last = (first + height).min(lines.len());
    let found = if search.is_empty() { String::new() } else { format!(" with `{search}`") };
    let title = format!(
        " Help on {}{found}: lines {}-{last} of {}; j k scroll, Esc closes, :help TEXT searches",
        app.screen().facts().title,
        (first + 1).min(last),
        lines.len()
    );
    let title = text::pad(&title, usize::from(area.width), false);
    text::put(buffer, area, (0, 0), &title, theme.bar);
    for ((style, line), row) in lines.iter().skip(first).take(height).zip(1..) {
        text::put(buffer, area, (0, row), line, *style);
    }
}

/// Lines of help that fit.
pub const fn height(area: Rect) -> usize {
    area.height.saturating_sub(1) as usize
}

/// The most that it can be scrolled by.
pub fn most_scroll(app: &App, search: &str, area: Rect) -> usize {
    lines(app, search, area.width).len().saturating_sub(height(area))
}

fn lines(app: &App, search: &str, width: u16) -> Vec<(Style, String)> {
    let theme = app.theme();
    let room = usize::from(width);
    let matches = |text: &str| text.to_lowercase().contains(&search.to_lowercase());
    let legend = || {
        let entries = legend::SIGNS.iter().chain(&legend::WORDS).flat_map(|entry| {
            let key = format!("{:<11} {}", entry.sign, entry.here);
            let is_found = matches(&key) || matches(entry.meaning);
            if is_found { self::entry(&key, entry.meaning, room, LEGEND) } else { Vec::new() }
        });
        let body: Vec<_> = entries.map(|line| (theme.text, line)).collect();
        let heading = (!body.is_empty()).then(|| (theme.heading, legend::HEADING.to_owned()));
        heading.into_iter().chain(body)
    };
    let is_first = app.tab().is_some_and(|tab| tab.shown().peers.iter().any(|p| applies(p)));
    let mut lines = Vec::new();
    lines.extend(is_first.then(legend).into_iter().flatten());
    for group in Group::ALL {
        let mut body = Vec::new();
        for command in command::at(app.place()).filter(|command| command.group == group) {
            let keys: Vec<_> = command.keys.iter().map(|key| keymap::label(key)).collect();
            let keys =
                if command.action == command::Action::Tab { "1-9".into() } else { keys.join(" ") };
            let name = match command.argument {
                "" => format!(":{}", command.name),
                argument => format!(":{} {argument}", command.name),
            };
            let help = format!("{} ({name})", command.help);
            if matches(&keys) || matches(&help) {
                body.extend(
                    entry(&keys, &help, room, KEYS).into_iter().map(|line| (theme.text, line)),
                );
            }
        }
        if !body.is_empty() {
            lines.push((theme.heading, group.title().to_owned()));
            lines.append(&mut body);
        }
    }
    let signs: Vec<_> = signs(app)
        .into_iter()
        .filter(|(sign, meaning)| matches(sign) || matches(meaning))
        .flat_map(|(sign, meaning)| entry(&sign, &meaning, room, KEYS))
        .collect();
    if !signs.is_empty() {
        lines.push((theme.heading, "What the signs mean".into()));
        lines.extend(signs.into_iter().map(|line| (theme.text, line)));
    }
    lines.extend((!is_first).then(legend).into_iter().flatten());
    lines
}

/// Whether the daemon has words of its own for what it makes of a source, as the legend has them.
fn applies(peer: &Peer) -> bool {
    rows::has_statistics(peer)
}

/// A line of two columns, its continuation below its text.
fn entry(key: &str, meaning: &str, room: usize, columns: usize) -> Vec<String> {
    let wrapped = text::wrap(meaning, room.saturating_sub(INDENT + columns + 1).max(16));
    let keys = std::iter::once(key).chain(std::iter::repeat(""));
    let join = |(key, line)| format!("{:INDENT$}{} {line}", "", text::pad(key, columns, false));
    keys.zip(wrapped).map(join).collect()
}

fn signs(app: &App) -> Vec<(String, String)> {
    let tallies = Tally::ALL.into_iter().rev().map(|selection| {
        let sign = selection.character();
        let sign = if sign == ' ' { "blank".into() } else { sign.to_string() };
        (format!("{sign:<5} {}", selection.condition()), words::tally(selection, true).into())
    });
    let columns = COLUMNS.into_iter().map(|(sign, meaning)| {
        let ascii = |text: &str| text.replace('…', "..").replace('·', ".");
        if app.is_ascii() { (ascii(sign), ascii(meaning)) } else { (sign.into(), meaning.into()) }
    });
    tallies.chain(columns).collect()
}

/// What columns say, and what is often misread.
const COLUMNS: [(&str, &str); 8] = [
    (
        "reach",
        "the last eight polls as bits, in octal: 377 is eight answers; it does not say that the \
         source is right or used",
    ),
    ("when", "seconds since the last packet; ! when that is more than twice the poll interval"),
    ("offset", "source minus local: positive means that the local clock is slow"),
    ("refid", "what the server itself follows, or its state (.INIT. .RATE. .STEP. …)"),
    ("st", "distance from a reference clock, not quality; 16 is not synchronised"),
    ("jitter 0.000", "with no reach there are no samples: zeros are not a perfect clock"),
    ("…   -   ?", "not asked yet; not given; failed or not readable (Enter says why)"),
    ("·", "not told to us over this transport (Enter says how to have it)"),
];

/// Blanks in front of each line.
const INDENT: usize = 1;

/// Columns for keys.
const KEYS: usize = 16;

/// Columns for a sign and what stands for it.
const LEGEND: usize = 20;
