//! Correctness intervals on one axis of offsets.
//!
//! The axis shows those who agree. A falseticker may be a thousand times further away than they
//! are from each other: drawn to scale it would make one dot of them, so it stands at the edge
//! with its gap in figures.

use crate::insight::selection::{Selection, Source, Span};
use crate::selection::Interval;
use crate::tui::widgets::text;
use crate::units::NtpDuration;

/// An axis of offsets.
#[derive(Clone, Debug)]
pub struct Axis {
    low_s: f64,
    high_s: f64,
    columns: usize,
    interval: Option<Interval>,
    ascii: bool,
}

impl Axis {
    /// For the sources of `selection`; `None` when no interval is known, or there is no room.
    pub fn of(selection: &Selection, columns: usize, ascii: bool) -> Option<Self> {
        let interval = selection.explained.interval;
        let touches =
            |span: &Span| interval.is_none_or(|i| span.low() <= i.high && span.high() >= i.low);
        let compared = || {
            selection.sources.iter().filter(|source| source.is_compared()).filter_map(|s| s.span)
        };
        let all = || selection.sources.iter().filter_map(|source| source.span);
        let mut shown: Vec<Span> = compared().filter(touches).collect();
        if shown.is_empty() {
            shown = all().collect();
        }
        let low_s = shown.iter().map(|span| span.low().seconds()).reduce(f64::min)?;
        let high_s = shown.iter().map(|span| span.high().seconds()).reduce(f64::max)?;
        // What is agreed on keeps a sixth of the axis, however wide some intervals are.
        let (low_s, high_s) = match interval {
            Some(i) => {
                let reach_s = ((i.high - i.low).seconds() * 2.5).max(LEAST_S);
                (low_s.max(i.low.seconds() - reach_s), high_s.min(i.high.seconds() + reach_s))
            }
            None => (low_s, high_s),
        };
        let margin_s = ((high_s - low_s) * 0.04).max(LEAST_S);
        let (low_s, high_s) = (low_s - margin_s, high_s + margin_s);
        (columns > 2).then_some(Self { low_s, high_s, columns, interval, ascii })
    }

    /// The line of one source; `print` writes a gap with its unit.
    pub fn row(&self, source: &Source, print: &dyn Fn(NtpDuration) -> String) -> String {
        let Some(span) = source.span else { return self.blank().into_iter().collect() };
        let (low, high) = (self.place(span.low()), self.place(span.high()));
        let end = self.end();
        let gap = source.gap;
        if high < 0.0 || low >= end {
            let gap = gap.map(print).unwrap_or_default();
            let (before, behind) = if self.ascii { ("<", ">") } else { ("◀", "▶") };
            return if high < 0.0 {
                format!("{before} {gap} below")
            } else {
                text::pad(&format!("{gap} above {behind}"), self.columns, true)
            };
        }
        let mut cells = self.draw(span, low, high, source.is_compared());
        if let Some(gap) = gap {
            let side = if gap > NtpDuration::ZERO { "above" } else { "below" };
            self.write_beside(&mut cells, low, high, &format!("{} {side}", print(gap)));
        }
        cells.into_iter().collect()
    }

    /// Writes a note beside an interval, where there is room.
    fn write_beside(&self, cells: &mut [char], low: f64, high: f64, note: &str) {
        let length = note.chars().count();
        let (first, end) = (self.cell(low), self.cell(high));
        let start = match first.checked_sub(length + 1) {
            Some(start) => start,
            None if end + 1 + length < cells.len() => end + 2,
            None => return,
        };
        for (cell, letter) in cells.iter_mut().skip(start).zip(note.chars()) {
            *cell = letter;
        }
    }

    fn draw(&self, span: Span, low: f64, high: f64, is_compared: bool) -> Vec<char> {
        let mut cells = self.blank();
        let last = self.columns - 1;
        let (first, end) = (self.cell(low), self.cell(high));
        for cell in cells.iter_mut().take(end + 1).skip(first) {
            *cell = match (*cell == self.shade() && is_compared, self.ascii) {
                (true, false) => '═',
                (true, true) => '=',
                (false, false) if is_compared => '─',
                (false, false) => '╌',
                (false, true) if is_compared => '-',
                (false, true) => '.',
            };
        }
        let marks = if self.ascii {
            ['[', ']', '<', '>', 'o']
        } else {
            ['├', '┤', '‹', '›', '●']
        };
        let [left, right, cut_left, cut_right, middle] = marks;
        let mut set = |place: usize, mark| {
            if let Some(cell) = cells.get_mut(place) {
                *cell = mark;
            }
        };
        set(first, if low < 0.0 { cut_left } else { left });
        set(end, if high >= self.end() { cut_right } else { right });
        let offset = self.place(span.offset);
        if offset >= 0.0 && offset < self.end() {
            set(self.cell(offset).min(last), middle);
        }
        cells
    }

    /// The line below the rows: both ends of the axis, with units, and where zero is.
    pub fn scale(&self, print: &dyn Fn(NtpDuration) -> String) -> String {
        let span = |seconds| print(NtpDuration::from_seconds(seconds));
        let (low, high) = (span(self.low_s), span(self.high_s));
        let left = self.columns.saturating_sub(text::width(&low));
        if left <= text::width(&high) {
            return low;
        }
        let mut line: Vec<char> = (low.clone() + &text::pad(&high, left, true)).chars().collect();
        let zero = self.place(NtpDuration::ZERO);
        if zero >= 0.0
            && let at = self.cell(zero)
            && at > text::width(&low) + 1
            && at + text::width(&high) + 2 < self.columns
            && let Some(cell) = line.get_mut(at)
        {
            *cell = '0';
        }
        line.into_iter().collect()
    }

    /// Cells with nothing but what is agreed on, and zero: the daemon's own clock.
    fn blank(&self) -> Vec<char> {
        let mut cells = vec![' '; self.columns];
        let zero = self.place(NtpDuration::ZERO);
        if zero >= 0.0
            && let Some(cell) = cells.get_mut(self.cell(zero))
        {
            *cell = if self.ascii { '|' } else { '┊' };
        }
        if let Some(interval) = self.interval {
            let (first, last) =
                (self.cell(self.place(interval.low)), self.cell(self.place(interval.high)));
            for cell in cells.iter_mut().take(last + 1).skip(first) {
                *cell = self.shade();
            }
        }
        cells
    }

    const fn shade(&self) -> char {
        if self.ascii { ':' } else { '░' }
    }

    /// Where an offset lies, in columns from the left end; beyond the ends if it does.
    fn place(&self, offset: NtpDuration) -> f64 {
        (offset.seconds() - self.low_s) / (self.high_s - self.low_s) * self.end()
    }

    /// The right end, as a place.
    #[expect(clippy::cast_precision_loss, reason = "screens are not that wide")]
    const fn end(&self) -> f64 {
        self.columns as f64
    }

    /// The cell of a place, the nearest one for a place beyond the ends.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not below 0")]
    fn cell(&self, place: f64) -> usize {
        (place.max(0.0) as usize).min(self.columns - 1)
    }
}

/// The least half width of an axis: a nanosecond.
const LEAST_S: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::selection::{Basis, explain};
    use crate::model::Daemon;
    use crate::selection::{Explained, Reason, Verdict};
    use crate::units::{AssocId, Tally};

    fn ms(value: f64) -> NtpDuration {
        NtpDuration::from_milliseconds(value)
    }

    fn source(offset_ms: f64, distance_ms: f64, reason: Reason) -> Source {
        let (id, tally) = (AssocId::new(1), Tally::Candidate);
        let span = Span { offset: ms(offset_ms), distance: ms(distance_ms) };
        Source {
            id,
            tally,
            verdict: Some(Verdict { id, tally, reason, weight: 0.0, metric: None }),
            span: Some(span),
            gap: match reason {
                Reason::Outside { gap } => Some(gap),
                _ => None,
            },
            jitter: None,
            trouble: None,
        }
    }

    fn axis(sources: &[Source], columns: usize) -> Option<Axis> {
        let interval = Some(Interval { low: ms(-1.0), high: ms(1.0), allowed: 0 });
        let explained = Explained { interval, ..Explained::default() };
        let selection = Selection {
            explained: explained.into(),
            is_told: true,
            sources: sources.to_vec(),
            basis: Basis::RootDistance,
        };
        Axis::of(&selection, columns, true)
    }

    fn print(span: NtpDuration) -> String {
        format!("{:.1} ms", span.milliseconds().abs())
    }

    #[test]
    fn intervals_stand_to_scale_and_those_far_away_in_figures() {
        let narrow = source(0.0, 1.0, Reason::Best);
        let wide = source(2.0, 3.0, Reason::Survivor);
        let far = source(90.0, 1.0, Reason::Outside { gap: ms(88.0) });
        let near = source(-2.9, 0.5, Reason::Outside { gap: ms(-1.4) });
        let sources = [narrow, wide, far, near];
        let axis = axis(&sources, 30).unwrap();
        let rows: Vec<_> = sources.iter().map(|source| axis.row(source, &print)).collect();
        let [narrow, wide, far, near] = rows.as_slice() else { unreachable!() };
        assert_eq!(narrow, " [===o====]                   ");
        assert_eq!(wide, " [=========----o------------] ");
        assert_eq!(far, "               88.0 ms above >");
        assert_eq!(near, "< 1.4 ms below");
        assert!(axis.scale(&print).starts_with("1.2 ms"));
    }

    #[test]
    fn without_intervals_or_room_there_is_none() {
        assert!(axis(&[], 30).is_none());
        assert!(axis(&[source(0.0, 1.0, Reason::Best)], 2).is_none());
        let nothing = explain(&Daemon::default());
        assert!(Axis::of(&nothing, 30, false).is_none());
    }
}
