//! The strip below the table: what the row under the cursor says, in words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::vars::peer;
use crate::model::{Absent, Value};
use crate::ntpq::interval;
use crate::selection::distance::PHI;
use crate::tui::rows::{self, Row};
use crate::tui::views::association;
use crate::tui::views::closed;
use crate::tui::views::columns::{self, Context};
use crate::tui::widgets::reach::dots;
use crate::tui::widgets::text;
use crate::tui::{format, words};
use crate::units::Tally;
use crate::units::{NtpDuration, Stratum};

/// Draws the strip: a rule with the name, then the lines that fit, the most telling first. Where
/// there is little room the rule goes first, for the row it names is marked in the table.
pub fn render(context: &Context<'_>, row: &Row<'_>, area: Rect, buffer: &mut Buffer) {
    let ascii = context.app.is_ascii();
    let has_rule = area.height > 2;
    if has_rule {
        render_rule(context, row, area, buffer);
    }
    let mut lines = lines(context, row);
    if let (1, Some(flash)) = (area.height, flash(row)) {
        let (sign, word) = (row.peer.status.tally().character(), rows::condition(row.peer));
        let line = format!("{sign} {word}: {flash}");
        lines.insert(0, (context.theme.warning, line));
    }
    lines.truncate(usize::from(area.height - u16::from(has_rule)));
    for ((style, line), place) in lines.iter().zip(u16::from(has_rule)..) {
        let line = text::cut(&context.app.marks(line), usize::from(area.width), ascii);
        text::put(buffer, area, (0, place), &line, *style);
    }
}

fn render_rule(context: &Context<'_>, row: &Row<'_>, area: Rect, buffer: &mut Buffer) {
    let ascii = context.app.is_ascii();
    let rule = if ascii { "-" } else { "─" };
    // Two rows may bear one name.
    let address = row.peer.row.latest().and_then(|values| values.address(&peer::SOURCE));
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    let is_named =
        !address.is_empty() && address != row.name && !rows::is_reference_clock(row.peer);
    let address = if is_named { format!("({address}) ") } else { String::new() };
    let title = format!("{0}{0} {1} {address}", rule, row.name);
    let end = format!(" association {} {rule}{rule}", row.peer.id);
    let width = usize::from(area.width);
    let room = width.saturating_sub(text::width(&end));
    let title = text::cut(&title, room, ascii);
    let fill = rule.repeat(width.saturating_sub(text::width(&title) + text::width(&end)));
    text::put(buffer, area, (0, 0), &format!("{title}{fill}{end}"), context.theme.faint);
}

fn lines(context: &Context<'_>, row: &Row<'_>) -> Vec<(Style, String)> {
    let theme = &context.theme;
    let tally = rows::tally_line(row.peer);
    let mut lines = vec![(columns::row_style(context, row), tally)];
    if let Some(age) = columns::old(context, row) {
        let why = match row.peer.row.trouble() {
            Some(why) => format!(": {why}"),
            None => String::new(),
        };
        lines.push((theme.warning, format!("its values are {} old{why}", format::age(age))));
    }
    if let Some(flash) = flash(row) {
        lines.push((theme.warning, flash));
    }
    lines.push((theme.text, offset(context, row)));
    lines.push((theme.text, reach(context, row)));
    let closed = closed::of(row.peer);
    let mut of_source = source(row);
    if let Some(closed) = &closed {
        of_source.extend(["; not told to us: ", &closed.names(NAMED)]);
    }
    lines.push((theme.text, of_source));
    if rows::has_statistics(row.peer) {
        lines.extend(closed.into_iter().map(|closed| (theme.faint, closed.how)));
        lines.extend(statistics(context, row).map(|line| (theme.faint, line)));
    } else if flash(row).is_none() {
        lines.push((
            theme.faint,
            format!("flash ok: every test passed · {}", association::event(row.peer)),
        ));
    }
    lines
}

/// The line through its samples.
fn statistics(context: &Context<'_>, row: &Row<'_>) -> Option<String> {
    let values = row.peer.row.latest()?;
    let samples = values.unsigned(&peer::SAMPLES).filter(|samples| *samples > 0)?;
    let over = values.duration(&peer::SPAN)?.to_std()?;
    let skew = values.frequency(&peer::SKEW)?.parts_per_million();
    let jitter = values.duration(&peer::JITTER)?;
    Some(format!(
        "{samples} samples over {}: jitter {}, slope known to {skew:.3} ppm",
        format::age(over),
        context.format.span(jitter, false)
    ))
}

/// What it fails in, with the meaning of the first test; `None` when nothing.
fn flash(row: &Row<'_>) -> Option<String> {
    if let Some(failed) = rows::failed_tests(row.peer).filter(|failed| !failed.is_empty()) {
        return Some(format!("its last packet failed: {failed}"));
    }
    let Ok((Value::Flash(flash), _)) = row.peer.value(&peer::FLASH) else { return None };
    let first = flash.failed().next()?;
    let others = flash.failed().count() - 1;
    let more = if others > 0 { format!(" (+{others} more: Enter)") } else { String::new() };
    Some(format!("flash {}: {}{more}", first.word, first.meaning))
}

fn offset(context: &Context<'_>, row: &Row<'_>) -> String {
    if rows::is_own_clock(row.peer) {
        return "it is the daemon's own clock, compared with itself: its zeros say nothing".into();
    }
    if columns::has_no_sample(row) {
        let zeros = "no samples yet: its zeros are not measurements";
        let nothing = "no samples yet: there is nothing to compare the clock with";
        return if row.peer.duration(&peer::OFFSET).is_some() { zeros } else { nothing }.into();
    }
    let Some(offset) = row.peer.duration(&peer::OFFSET) else {
        return "its offset is not known".into();
    };
    if row.peer.status.tally() == Tally::Falseticker {
        let claim = words::clock_is(offset, context.format).replacen("clock", "clock is", 1);
        return format!("it says the {claim}; the others deny that");
    }
    let mut line = words::slow_or_fast(offset, context.format);
    if let Some(distance) = root_distance(context, row) {
        let distance = context.format.span(distance, false);
        line.extend([", ±", &distance, " by its root distance"]);
    } else if let Some(bound) = row.peer.duration(&peer::ERROR_BOUND) {
        let bound = context.format.span(bound, false);
        line.extend([", wrong by at most ", &bound]);
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
    let line = format!("reach {reach} {dots}");
    let age = columns::seconds_since_packet(context, row);
    if let Some(age) = age.filter(|_| columns::is_overdue(context, row)) {
        let poll = columns::poll(row).unwrap_or_default();
        let what = if rows::has_statistics(row.peer) { "good sample" } else { "packet" };
        return format!(
            "OVERDUE: last {what} {age} s ago, polled every {} s · {line}",
            interval::print(poll)
        );
    }
    format!("{line} {} of the last 8 polls answered", reach.answered())
}

/// Whom it is, and whom it follows itself.
fn source(row: &Row<'_>) -> String {
    let values = row.peer.row.latest();
    let stratum = values.and_then(|values| values.stratum(&peer::STRATUM));
    let unsynchronised = stratum.is_some_and(|s| s >= Stratum::UNSYNCHRONISED);
    let kind = rows::kind_word(rows::kind(row.peer));
    let stratum = match stratum {
        Some(_) if unsynchronised => "stratum 16: it is not synchronised, or never answered".into(),
        Some(stratum) if stratum.get() == 0 && !rows::is_reference_clock(row.peer) => {
            "stratum not known yet".into()
        }
        Some(stratum) => format!("stratum {stratum}"),
        None => "stratum not known".into(),
    };
    let reference = match row.peer.value(&peer::REFERENCE_ID) {
        Ok((value, _)) => format!("; {}", words::reference_meaning(value, unsynchronised)),
        // Said once for all that is closed.
        Err(Absent::Closed { .. } | Absent::NotInFamily) => String::new(),
        Err(Absent::NotGiven) if columns::has_no_sample(row) => String::new(),
        Err(why) => format!("; its source: {why}"),
    };
    format!("{kind}, {stratum}{reference}")
}

/// How many of the variables that are closed are named.
const NAMED: usize = 2;
