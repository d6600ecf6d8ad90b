//! The clock filter's eight samples: offset over delay, and as a table.
//!
//! Queueing can only lengthen a round trip, so good samples lie to the left; a source whose
//! samples fan out to the right has a busy path, one whose samples lie apart at the same delay
//! has an unsteady clock.

use ratatui::style::Style;

use crate::model::vars::peer;
use crate::model::{Absent, Peer, Value};
use crate::tui::views::columns::Context;
use crate::tui::widgets::plot::{Ends, Point, plot};
use crate::tui::widgets::text;
use crate::units::NtpDuration;

/// The samples, as lines.
pub fn lines(context: &Context<'_>, peer: &Peer, room: usize) -> Vec<(Style, String)> {
    let theme = &context.theme;
    let heading = "Filter samples, 1 is the newest; the one with the least delay counts";
    let mut lines = vec![(theme.heading, heading.to_owned())];
    let samples = match samples(peer) {
        Ok(samples) => samples,
        Err(why) => {
            lines.push((theme.faint, format!("  {why}")));
            return lines;
        }
    };
    let table = table(context, &samples);
    if samples.iter().all(Sample::is_empty) {
        lines.push((theme.faint, "  no samples yet".into()));
        return lines;
    }
    let picture = picture(context, &samples, room.saturating_sub(TABLE + 3).min(PLOT));
    for (place, row) in table.into_iter().enumerate() {
        let right = picture.get(place).map_or("", String::as_str);
        let style = if row.is_best { theme.good } else { theme.text };
        lines.push((style, format!("{} {right}", text::pad(&row.text, TABLE, false))));
    }
    lines
}

/// One sample.
struct Sample {
    delay: NtpDuration,
    offset: NtpDuration,
    dispersion: NtpDuration,
}

impl Sample {
    /// Whether its place in the filter was never filled.
    fn is_empty(&self) -> bool {
        self.dispersion >= NtpDuration::from_seconds(15.9)
    }
}

fn samples(peer: &Peer) -> Result<Vec<Sample>, Absent> {
    let array = |variable| match peer.value(variable)? {
        (Value::Samples(samples), _) => Ok(*samples),
        _ => Err(Absent::NotGiven),
    };
    let (delays, offsets) = (array(&peer::FILTER_DELAY)?, array(&peer::FILTER_OFFSET)?);
    let dispersions = array(&peer::FILTER_DISPERSION)?;
    let all = delays.into_iter().zip(offsets).zip(dispersions);
    Ok(all.map(|((delay, offset), dispersion)| Sample { delay, offset, dispersion }).collect())
}

/// A line of the table.
struct Line {
    text: String,
    is_best: bool,
}

fn table(context: &Context<'_>, samples: &[Sample]) -> Vec<Line> {
    let unit = context.format.unit();
    let best = best(samples);
    let line = |place: String, cells: [&str; 3]| {
        let [delay, offset, dispersion] = cells.map(|cell| text::pad(cell, 10, true));
        format!("{place}{delay}{offset}{dispersion}")
    };
    let title = |name: &str| if unit.is_empty() { name.into() } else { format!("{name} {unit}") };
    let titles = [title("delay"), title("offset"), title("disp")];
    let [delay, offset, dispersion] = &titles;
    let first = Line { text: line("   ".into(), [delay, offset, dispersion]), is_best: false };
    let rows = samples.iter().zip(1..).map(|(sample, number)| {
        let is_best = best == Some(number);
        let mark = if is_best { '>' } else { ' ' };
        let place = format!("{mark}{number} ");
        if sample.is_empty() {
            return Line { text: line(place, ["-", "-", "-"]), is_best };
        }
        let delay = context.format.cell(sample.delay, false);
        let offset = context.format.cell(sample.offset, true);
        let dispersion = context.format.cell(sample.dispersion, false);
        Line { text: line(place, [&delay, &offset, &dispersion]), is_best }
    });
    std::iter::once(first).chain(rows).collect()
}

/// The number of the sample with the least delay.
fn best(samples: &[Sample]) -> Option<u8> {
    let filled = samples.iter().zip(1..).filter(|(sample, _)| !sample.is_empty());
    filled.min_by_key(|(sample, _)| sample.delay).map(|(_, number)| number)
}

/// Offset upwards over delay to the right, each sample by its number.
fn picture(context: &Context<'_>, samples: &[Sample], columns: usize) -> Vec<String> {
    if columns < 20 {
        return Vec::new();
    }
    // The newest last, so that it is seen where two fall together.
    let mut points: Vec<_> = samples
        .iter()
        .zip('1'..='8')
        .filter(|(sample, _)| !sample.is_empty())
        .map(|(s, mark)| Point { x: s.delay.seconds(), y: s.offset.seconds(), mark })
        .collect();
    points.reverse();
    let ends = |value: fn(&Point) -> f64| Ends::of(points.iter().map(value));
    let (Some(x), Some(y)) = (ends(|p| p.x), ends(|p| p.y)) else { return Vec::new() };
    let span = |seconds, signed| context.format.span(NtpDuration::from_seconds(seconds), signed);
    let (wall, corner, floor) =
        if context.app.is_ascii() { ('|', '+', "-") } else { ('│', '└', "─") };
    let mut lines = vec![format!("offset {} (top)", span(y.high, true))];
    lines.extend(
        plot(&points, x, y, columns - 1, 5).into_iter().map(|line| format!("{wall}{line}")),
    );
    lines.push(format!("{corner}{}", floor.repeat(columns - 1)));
    lines.push(format!("offset {} (bottom)", span(y.low, true)));
    lines.push(format!("delay {} to {} (right)", span(x.low, false), span(x.high, false)));
    lines
}

/// Columns of the table.
const TABLE: usize = 33;

/// Columns of the picture at most.
const PLOT: usize = 60;
