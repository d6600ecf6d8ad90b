//! The lists: addresses that are listened on, and whom the daemon lets do what.

use crate::model::lists::{Interface, Restriction};
use crate::model::{Absent, Failure, Part};
use crate::tui::format;
use crate::tui::views::columns::Context;
use crate::tui::views::daemon::counters::{fresh, is_telling};
use crate::tui::views::daemon::heading;
use crate::tui::views::lines::Line;
use crate::tui::widgets::text;

/// The addresses that are listened on.
pub fn interfaces(context: &Context<'_>, room: usize) -> Vec<Line> {
    let part = &context.daemon.statistics.interfaces;
    let title = "Interfaces";
    let list = match list(context, title, part) {
        Ok(list) => list,
        Err(lines) => return lines,
    };
    let address = |row: &Interface| row.address.to_string();
    let widest = list.iter().map(|row| text::width(&address(row))).max().unwrap_or(0);
    let width = widest.clamp(7, room.saturating_sub(NUMBERS).max(7));
    let notes = [format!("{} addresses", list.len())];
    let mut lines: Vec<Line> = heading(context, title, &notes, part.dated()).into();
    let cells = |cells: [&str; 7]| {
        let [address, received, sent, failed, sources, up, name] = cells;
        let address = text::cut(address, width, context.app.is_ascii());
        format!(
            "  {} {received:>10} {sent:>10} {failed:>7} {sources:>7} {up:>9}  {name}",
            text::pad(&address, width, false)
        )
    };
    let titles = ["address", "received", "sent", "not sent", "sources", "up", "interface"];
    lines.push(vec![(context.theme.heading, cells(titles))]);
    for row in list {
        let up = format::age(row.up);
        let name =
            if row.is_enabled { row.name.to_string() } else { format!("{}, ignored", row.name) };
        let [received, sent, unsent, sources] =
            [row.received, row.sent, row.unsent, row.associations].map(format::count);
        let line = cells([&address(row), &received, &sent, &unsent, &sources, &up, &name]);
        let style = match row {
            Interface { unsent: 1.., .. } => context.theme.warning,
            Interface { is_enabled: false, .. } => context.theme.faint,
            _ => context.theme.text,
        };
        lines.push(vec![(fresh(context, style), line)]);
    }
    lines
}

/// Whom the daemon lets do what.
pub fn restrictions(context: &Context<'_>, room: usize) -> Vec<Line> {
    let part = &context.daemon.statistics.restrictions;
    let title = "Restrictions";
    let list = match list(context, title, part) {
        Ok(list) => list,
        Err(lines) => return lines,
    };
    let notes = [format!("{} entries, the narrowest that fits counts", list.len())];
    let mut lines: Vec<Line> = heading(context, title, &notes, part.dated()).into();
    let widest = list.iter().map(|row| text::width(&whom(row))).max().unwrap_or(0);
    let width = widest.clamp(4, room.saturating_sub(40).max(10));
    for row in list {
        let whom = text::cut(&whom(row), width, context.app.is_ascii());
        let words = if row.words.is_empty() { "everything is allowed" } else { &row.words };
        let first =
            format!("  {} {:>10} hits  ", text::pad(&whom, width, false), format::count(row.hits));
        let indent = text::width(&first);
        let style = fresh(context, context.theme.text);
        let wrapped = text::wrap(words, room.saturating_sub(indent).max(10));
        for (place, words) in wrapped.into_iter().enumerate() {
            let first = if place == 0 { first.clone() } else { " ".repeat(indent) };
            lines.push(vec![(style, first + &words)]);
        }
    }
    lines
}

/// Whose packets: `10.0.0.0/8`, or `everybody (IPv4)`.
fn whom(row: &Restriction) -> String {
    let family = if row.address.is_ipv4() { "IPv4" } else { "IPv6" };
    match row.prefix() {
        Some(0) => format!("everybody ({family})"),
        Some(32) if row.address.is_ipv4() => row.address.to_string(),
        Some(128) => row.address.to_string(),
        Some(length) => format!("{}/{length}", row.address),
        None => format!("{} mask {}", row.address, row.mask),
    }
}

/// The list of a part, or what stands in its place.
fn list<'a, T>(
    context: &Context<'_>,
    title: &str,
    part: &'a Part<Vec<T>>,
) -> Result<&'a Vec<T>, Vec<Line>> {
    if let Some(list) = part.latest() {
        return Ok(list);
    }
    let Some(why) = part.trouble().filter(|why| is_telling(why)) else { return Err(Vec::new()) };
    let sentence = match why {
        Absent::Failed(Failure::NoKey) => {
            "  needs a key: it is told only to those who sign their question; ! takes one"
                .to_owned()
        }
        why => format!("  not told: {why}"),
    };
    let line = vec![(context.theme.notice, sentence)];
    Err(heading(context, title, &[], None).into_iter().chain([line]).collect())
}

/// Columns for everything but the address.
const NUMBERS: usize = 62;
