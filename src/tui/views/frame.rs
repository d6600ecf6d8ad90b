//! What surrounds every screen: tabs, the sentence on the daemon's state, notices.

use std::net::IpAddr;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::Peer;
use crate::tui::app::{App, Tab};
use crate::tui::theme::Theme;
use crate::tui::verdict::{self, Severity, Verdict, notices};
use crate::tui::views::{change, discipline, left, world};
use crate::tui::widgets::text;
use crate::units::Tally;

/// Where the parts of the frame are.
#[derive(Clone, Copy, Debug)]
pub struct Areas {
    /// How the world stands, when it is simulated.
    pub world: Rect,
    /// That this host's clock is disciplined, when it is.
    pub discipline: Rect,
    /// That changes are armed, or that one is under way.
    pub change: Rect,
    /// That a change was left behind.
    pub left: Rect,
    /// The tabs; no lines when there is one daemon only.
    pub tabs: Rect,
    /// Sentence, facts and notices.
    pub head: Rect,
    /// The screen.
    pub body: Rect,
    /// The line at the bottom.
    pub status: Rect,
}

/// Shares out `area`.
pub fn areas(app: &App, area: Rect) -> Areas {
    let world = app.world.as_ref().map_or(0, |_| world::height(area.height)).min(area.height);
    let discipline = u16::from(app.disciplines).min(area.height - world);
    let change = change::height(app).min(area.height - world - discipline);
    let left = left::height(app).min(area.height - world - discipline - change);
    let top = world + discipline + change + left;
    let tabs = u16::from(app.tabs.len() > 1).min(area.height - top);
    let status = 1.min(area.height - top - tabs);
    let room = area.height - top - tabs - status;
    let wanted = app.tab().map_or(0, |tab| head_lines(app, tab, area.width, area.height).len());
    // The screen itself keeps at least half.
    let head = u16::try_from(wanted).unwrap_or(u16::MAX).min(room.div_ceil(2));
    let line = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    Areas {
        world: line(0, world),
        discipline: line(world, discipline),
        change: line(world + discipline, change),
        left: line(top - left, left),
        tabs: line(top, tabs),
        head: line(top + tabs, head),
        body: line(top + tabs + head, room - head),
        status: line(top + tabs + room, status),
    }
}

/// Draws the frame, without the line at the bottom.
pub fn render(app: &App, areas: &Areas, buffer: &mut Buffer) {
    let theme = app.theme();
    if let Some(world) = &app.world {
        world::render(app, world, areas.world, buffer);
    }
    if app.disciplines {
        discipline::render(app, areas.discipline, buffer);
    }
    change::render_banners(app, areas.change, buffer);
    if areas.left.height > 0 {
        left::render_banner(app, areas.left, buffer);
    }
    render_tabs(app, &theme, areas.tabs, buffer);
    let Some(tab) = app.tab() else {
        text::put(buffer, areas.body, (0, 0), "no daemon was named", theme.text);
        return;
    };
    let lines = head_lines(app, tab, areas.head.width, buffer.area.height);
    for ((style, line), row) in lines.iter().zip(0..) {
        text::put(buffer, areas.head, (0, row), line, *style);
    }
}

/// The lines on top, with their styles.
fn head_lines(app: &App, tab: &Tab, width: u16, height: u16) -> Vec<(Style, String)> {
    let theme = app.theme();
    let room = usize::from(width);
    let verdict = verdict::verdict(app, tab);
    let mut lines = Vec::new();
    let mark = mark(verdict.severity, app.is_ascii());
    let sentence = format!("{mark} {}", verdict.sentence);
    let most = if height < SMALL { 2 } else { 3 };
    for line in text::wrap(&sentence, room).into_iter().take(most) {
        lines.push((style(&theme, verdict.severity), line));
    }
    if height >= SMALL && !verdict.facts.is_empty() {
        let facts = text::join(&verdict.facts, " · ", room.saturating_sub(2));
        let daemon = tab.shown();
        let is_false = |peer: &Arc<Peer>| peer.status.tally() == Tally::Falseticker;
        let is_divided = daemon.contact.is_fresh() && daemon.peers.iter().any(is_false);
        let style = if is_divided { theme.warning } else { theme.faint };
        lines.push((style, format!("  {}", app.marks(&facts))));
    }
    for (severity, notice) in notices::notices(app, tab) {
        let mark = self::mark(severity, app.is_ascii());
        for line in text::wrap(&format!("{mark} {notice}"), room) {
            lines.push((style(&theme, severity), line));
        }
    }
    lines
}

/// The tabs: number and sign of each, then names and words as far as there is room: first of the
/// one on screen, then of those with which something is the matter, then of its neighbours.
fn render_tabs(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let verdicts: Vec<Verdict> = app.tabs.iter().map(|tab| verdict::verdict(app, tab)).collect();
    let tabs = app.tabs.iter().zip(&verdicts).zip(1..);
    let mut titles: Vec<Title<'_>> =
        tabs.map(|((tab, verdict), number)| Title::new(app, tab, verdict, number)).collect();
    let mut left = usize::from(area.width).saturating_sub(titles.iter().map(Title::width).sum());
    let mut order: Vec<usize> = (0..titles.len()).collect();
    order.sort_by_key(|place| {
        let is_wrong = verdicts.get(*place).is_some_and(|v| v.severity >= Severity::Notice);
        let distance = place.abs_diff(app.current);
        (distance > 0, !is_wrong, distance)
    });
    // The one on screen has all it can, before any other has more than its number.
    let current = order.first().copied().into_iter();
    for place in current.chain(order.iter().copied()).chain(order.iter().copied()) {
        if let Some(title) = titles.get_mut(place) {
            title.grow(&mut left, app.is_ascii(), place == app.current);
        }
    }
    // The tab on screen is always in sight.
    let reach = |first: usize| {
        let shown = titles.iter().take(app.current + 1).skip(first);
        shown.map(Title::width).sum::<usize>() <= usize::from(area.width)
    };
    let first = (0..app.current).find(|first| reach(*first)).unwrap_or(app.current);
    let mut column = 0;
    for (place, (title, verdict)) in titles.iter().zip(&verdicts).enumerate().skip(first) {
        let is_current = place == app.current;
        let style = if is_current { theme.bar } else { style(theme, verdict.severity) };
        column += text::put(buffer, area, (column, 0), &title.text(), style);
    }
}

/// What a tab shows of itself.
struct Title<'a> {
    number: usize,
    mark: &'static str,
    /// What its daemon is called, which may be an address.
    label: &'a str,
    is_address: bool,
    word: &'a str,
    /// The name as far as it is shown; empty while there is no room for it.
    name: String,
    has_word: bool,
}

impl<'a> Title<'a> {
    fn new(app: &App, tab: &'a Tab, verdict: &'a Verdict, number: usize) -> Self {
        Self {
            number,
            mark: mark(verdict.severity, app.is_ascii()),
            label: &tab.label,
            is_address: tab.label.parse::<IpAddr>().is_ok(),
            word: verdict.word,
            name: String::new(),
            has_word: false,
        }
    }

    fn text(&self) -> String {
        let Self { number, mark, word, .. } = self;
        match (self.name.as_str(), self.has_word) {
            ("", _) => format!(" {number}{mark}"),
            (name, false) => format!(" {number} {mark} {name} "),
            (name, true) => format!(" {number} {mark} {name}: {word} "),
        }
    }

    fn width(&self) -> usize {
        text::width(&self.text())
    }

    /// Takes what of the columns `left` it can use: for its name, then for its word. Only where it
    /// must have one is the name cut for want of room.
    fn grow(&mut self, left: &mut usize, ascii: bool, must: bool) {
        if self.name.is_empty() {
            let wanted = text::width(self.label).min(MOST_LABEL);
            // Blanks around number, sign and name.
            let room = left.saturating_sub(3).min(wanted);
            if room == 0 || (room < wanted && !must) {
                return;
            }
            // Names differ in front, addresses at the end.
            self.name = if self.is_address {
                text::cut_front(self.label, room, ascii)
            } else {
                text::cut(self.label, room, ascii)
            };
            *left = left.saturating_sub(text::width(&self.name) + 3);
        } else if !self.has_word {
            let wanted = text::width(self.word) + 2;
            self.has_word = wanted <= *left;
            *left -= if self.has_word { wanted } else { 0 };
        }
    }
}

/// A line on top of everything: the first of `parts` that fit, `right` at its end.
pub fn banner(app: &App, area: Rect, row: u16, parts: &[String], right: &str, buffer: &mut Buffer) {
    let room = usize::from(area.width).saturating_sub(2 + text::width(right) + 1);
    let line = text::join(parts, " · ", room);
    let line = text::cut(&app.marks(&line), room, app.is_ascii());
    let line = format!(" {} {right} ", text::pad(&line, room, false));
    text::put(buffer, area, (0, row), &line, app.theme().bar);
}

/// The sign of a severity.
pub const fn mark(severity: Severity, ascii: bool) -> &'static str {
    match (severity, ascii) {
        (Severity::Good, false) => "●",
        (Severity::Unknown | Severity::Old, false) => "○",
        (Severity::Notice, false) => "◆",
        (Severity::Warning, false) => "▲",
        (Severity::Bad, false) => "✖",
        (Severity::Good, true) => "=",
        (Severity::Unknown | Severity::Old, true) => "?",
        (Severity::Notice, true) => "i",
        (Severity::Warning, true) => "!",
        (Severity::Bad, true) => "X",
    }
}

/// The look of a severity.
pub const fn style(theme: &Theme, severity: Severity) -> Style {
    match severity {
        Severity::Good => theme.good,
        Severity::Unknown => theme.text,
        Severity::Old => theme.stale,
        Severity::Notice => theme.notice,
        Severity::Warning => theme.warning,
        Severity::Bad => theme.bad,
    }
}

/// Below so many lines the head gives up what can be missed.
const SMALL: u16 = 14;

/// Columns for the name of a daemon in its tab, at most.
const MOST_LABEL: usize = 24;
