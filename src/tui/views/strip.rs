//! The strip below the table: what the row under the cursor says, in words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::Value;
use crate::model::vars::peer;
use crate::ntpq::interval;
use crate::tui::rows::{self, Row};
use crate::tui::views::association;
use crate::tui::views::columns::{self, Context};
use crate::tui::widgets::reach::dots;
use crate::tui::widgets::text;
use crate::tui::words;
use crate::units::{NtpDuration, Stratum};

/// Draws the strip: a rule with the name, then the lines that fit, the most telling first.
pub fn render(context: &Context<'_>, row: &Row<'_>, area: Rect, buffer: &mut Buffer) {
    let ascii = context.app.is_ascii();
    let rule = if ascii { "-" } else { "─" };
    let title = format!("{0}{0} {1} ", rule, row.name);
    let end = format!(" association {} {rule}{rule}", row.peer.id);
    let width = usize::from(area.width);
    let room = width.saturating_sub(text::width(&end));
    let title = text::cut(&title, room, ascii);
    let fill = rule.repeat(width.saturating_sub(text::width(&title) + text::width(&end)));
    text::put(buffer, area, (0, 0), &format!("{title}{fill}{end}"), context.theme.faint);
    for ((style, line), place) in lines(context, row).iter().zip(1..) {
        let line = text::cut(&context.app.marks(line), width, ascii);
        text::put(buffer, area, (0, place), &line, *style);
    }
}

fn lines(context: &Context<'_>, row: &Row<'_>) -> Vec<(Style, String)> {
    let theme = &context.theme;
    let status = row.peer.status;
    let selection = status.selection();
    let tally = words::tally(selection, status.is_reachable());
    let tally = format!("{} {}: {tally}", selection.tally(), selection.condition());
    let mut lines = vec![(columns::row_style(context, row), tally)];
    if let Some(flash) = flash(row) {
        lines.push((theme.warning, flash));
    }
    lines.push((theme.text, offset(context, row)));
    lines.push((theme.text, reach(context, row)));
    lines.push((theme.text, source(row)));
    if flash(row).is_none() {
        lines.push((
            theme.faint,
            format!("flash ok: every test passed · {}", association::event(row.peer)),
        ));
    }
    lines
}

/// What it fails in, with the meaning of the first test; `None` when nothing.
fn flash(row: &Row<'_>) -> Option<String> {
    let Ok((Value::Flash(flash), _)) = row.peer.value(&peer::FLASH) else { return None };
    let first = flash.failed().next()?;
    let others = flash.failed().count() - 1;
    let more = if others > 0 { format!(" (+{others} more: Enter)") } else { String::new() };
    Some(format!("flash {}: {}{more}", first.word, first.meaning))
}

fn offset(context: &Context<'_>, row: &Row<'_>) -> String {
    if columns::has_no_sample(row) {
        return "no samples yet: its zeros are not measurements".into();
    }
    let Some(offset) = row.peer.duration(&peer::OFFSET) else {
        return "its offset is not known".into();
    };
    let mut line = words::slow_or_fast(offset, context.format);
    if let Some(distance) = root_distance(context, row) {
        let distance = context.format.span(distance, false);
        line.extend([" · may be wrong by ", &distance, " (root distance)"]);
    }
    line
}

/// How far the source's time may be from the truth: RFC 5905 §11.2, root distance.
fn root_distance(context: &Context<'_>, row: &Row<'_>) -> Option<NtpDuration> {
    let span = |variable| row.peer.duration(variable);
    let delays = span(&peer::ROOT_DELAY)? + span(&peer::DELAY)?;
    let age = context.daemon.age(row.peer, context.now).unwrap_or_default();
    let drift = NtpDuration::from_seconds(PHI * age.as_secs_f64());
    let jitter = span(&peer::JITTER).unwrap_or_default();
    let half = NtpDuration::from_bits(delays.bits() / 2);
    Some(half + span(&peer::ROOT_DISPERSION)? + span(&peer::DISPERSION)? + drift + jitter)
}

fn reach(context: &Context<'_>, row: &Row<'_>) -> String {
    let Some(reach) = row.peer.row.latest().and_then(|values| values.reach(&peer::REACH)) else {
        return "whether it answers is not known".into();
    };
    let dots = dots(reach, context.app.is_ascii());
    let mut line =
        format!("reach {reach} {dots} {} of the last 8 polls answered", reach.answered());
    let age = columns::seconds_since_packet(context, row);
    if let Some(age) = age.filter(|age| columns::is_overdue(*age, row)) {
        let poll = columns::poll(row).unwrap_or_default();
        line = format!(
            "OVERDUE: last packet {} s ago, polled every {} s · {line}",
            age,
            interval::print(poll)
        );
    }
    line
}

fn source(row: &Row<'_>) -> String {
    let values = row.peer.row.latest();
    let stratum = values.and_then(|values| values.stratum(&peer::STRATUM));
    let unsynchronised = stratum.is_some_and(|s| s >= Stratum::UNSYNCHRONISED);
    let kind = rows::kind_word(rows::kind(row.peer));
    let stratum = match stratum {
        Some(_) if unsynchronised => "stratum 16: it is not synchronised, or never answered".into(),
        Some(stratum) => format!("stratum {stratum}"),
        None => "stratum not known".into(),
    };
    let reference = match row.peer.value(&peer::REFERENCE_ID) {
        Ok((value, _)) => words::reference_meaning(value, unsynchronised),
        Err(why) => format!("its source: {why}"),
    };
    format!("{kind}, {stratum}; {reference}")
}

/// RFC 5905 PHI: how fast an undisciplined clock may drift, seconds per second.
const PHI: f64 = 15e-6;
