//! Whether to measure from this program: what would be asked of whom, and what is left alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use crate::backend::TargetId;
use crate::config::ntp_conf::Kind;
use crate::tui::app::{App, Plan};
use crate::tui::command::Action;
use crate::tui::keymap;
use crate::tui::widgets::text;

/// Draws the question over `area`; what must be known before an answer is never cut off.
pub fn render(app: &App, plan: &Plan, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    Clear.render(area, buffer);
    let theme = app.theme();
    let width = usize::from(area.width);
    let is_running = app.tabs.iter().any(|tab| tab.target == TargetId::OWN);
    let title = if is_running {
        " Measure anew from this program, in place of what is measured now?"
    } else {
        " Measure from this program?"
    };
    text::put(buffer, area, (0, 0), &text::pad(title, width, false), theme.bar);
    let below = wrapped(app, conditions(app, plan), width);
    let room = usize::from(area.height).saturating_sub(1 + below.len());
    let lines = sources(app, plan, width, room).into_iter().chain(below);
    for ((style, line), row) in lines.zip(1..area.height) {
        text::put(buffer, area, (0, row), &line, style);
    }
}

fn wrapped(app: &App, lines: Vec<(Style, String)>, width: usize) -> Vec<(Style, String)> {
    let wrap = |(style, line): (Style, String)| {
        let lines = text::wrap(&app.marks(&line), width.saturating_sub(1).max(8));
        lines.into_iter().map(move |line| (style, format!(" {line}")))
    };
    lines.into_iter().flat_map(wrap).collect()
}

/// The sources, each with the file that names it; as many as there is room for.
fn sources(app: &App, plan: &Plan, width: usize, room: usize) -> Vec<(Style, String)> {
    let theme = app.theme();
    let mut lines = Vec::new();
    if plan.sources.is_empty() {
        let nothing = "No source is named in this host's own configuration.".to_owned();
        lines.push((theme.notice, nothing));
    } else {
        let what = "These would be asked for the time:".to_owned();
        lines.push((theme.text, what));
    }
    let mut lines = wrapped(app, lines, width);
    let left = room.saturating_sub(lines.len());
    let most = if plan.sources.len() > left { left.saturating_sub(1) } else { left };
    for (source, path) in plan.sources.iter().take(most) {
        let kind = match source.kind {
            Kind::Pool => "pool",
            Kind::Peer => "peer",
            Kind::Broadcast => "broadcast",
            Kind::ManycastClient => "manycast",
            Kind::Server => "server",
        };
        let origin = match path {
            Some(path) => format!("named in {}", path.display()),
            None => "as typed".into(),
        };
        let host = text::pad(&source.host.to_string(), HOST, false);
        let line = text::cut(&format!("   {kind:<9} {host} {origin}"), width, app.is_ascii());
        lines.push((theme.accent, line));
    }
    let hidden = plan.sources.len().saturating_sub(most);
    if hidden > 0 {
        lines.push((theme.text, format!("   and {hidden} more")));
    }
    lines
}

/// What is sent, what is left alone, who else is there, and the keys.
fn conditions(app: &App, plan: &Plan) -> Vec<(Style, String)> {
    let theme = app.theme();
    let mut lines = Vec::new();
    if let Some(offer) = &app.offer {
        for (path, why) in &offer.unreadable {
            lines.push((theme.notice, format!("{} cannot be read: {why}", path.display())));
        }
        let names: Vec<_> = offer
            .beside
            .iter()
            .map(|program| format!("{} (pid {})", program.kind.facts().name, program.pid))
            .collect();
        let sent = "NTP client packets, as any client sends them";
        lines.push(if names.is_empty() {
            let often = "a few at the start, then one in 64 s to 17 min to each";
            (theme.text, format!("What is sent: {sent}: {often}."))
        } else {
            (
                theme.notice,
                format!(
                    "What is sent: {sent}. {} keeps this host's time, and the same servers would \
                     see both: no bursts, and at most one poll in 64 s to each.",
                    names.join(", ")
                ),
            )
        });
    }
    let not_touched = "what is steered is a virtual clock laid over it. Nobody is served, and \
                       nothing is sent before you say yes.";
    lines.push(if app.disciplines {
        let ends = "This host's clock is DISCIPLINED now. Yes ENDS that: it is left at its frequency, \
                    and from then on";
        (theme.bad, format!("{ends} {not_touched}"))
    } else {
        (theme.text, format!("This host's clock is not touched: {not_touched}"))
    });
    if let Some(trouble) = &plan.trouble {
        lines.push((theme.bad, trouble.clone()));
    }
    lines.push((theme.heading, keys(app, plan)));
    lines
}

fn keys(app: &App, plan: &Plan) -> String {
    let key = |action| keymap::key_of(action, app.place()).map(keymap::label).unwrap_or_default();
    let (yes, no, edit) = (key(Action::Yes), key(Action::No), key(Action::Edit));
    if plan.sources.is_empty() {
        format!("{edit} type sources   {no} leave it")
    } else {
        format!("{yes} yes, measure   {edit} other sources   {no} no, leave it")
    }
}

/// Columns for the name of a source.
const HOST: usize = 30;
