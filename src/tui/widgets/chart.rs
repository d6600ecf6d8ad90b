//! A course over time as a line with a band around it; what is not known stays blank.

/// One column of dots: the least and the greatest that was told in its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// How far the truth may be off, both ways, where that is known.
    pub bound: Option<f64>,
    /// Whether the line goes on from the column to the left.
    pub is_joined: bool,
}

/// The axis upwards: its ends, which are round numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Axis {
    /// An axis from `low` to `high`, widened to round numbers, at least `least` long.
    pub fn round(low: f64, high: f64, least: f64) -> Self {
        let middle = low.midpoint(high);
        let half = ((high - low) / 2.0).max(least / 2.0);
        let step = round_up(half / 2.0);
        Self {
            low: ((middle - half) / step).floor() * step,
            high: ((middle + half) / step).ceil() * step,
        }
    }

    /// The dot, counted from the top, on which `value` falls among `dots`; clipped to the ends.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a screenful of dots"
    )]
    fn dot(self, value: f64, dots: usize) -> usize {
        let last = dots.saturating_sub(1);
        let part = (self.high - value) / (self.high - self.low);
        ((part * last as f64).round().max(0.0) as usize).min(last)
    }
}

/// The least of 1, 2, 5 times a power of ten that is not less than `value`.
pub fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().find(|step| step * power >= value * (1.0 - 1e-9));
    step.unwrap_or(10.0) * power
}

/// What a cell of a chart shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cell {
    /// Nothing is known.
    #[default]
    Blank,
    /// The line of zero.
    Zero,
    /// Where the truth may be.
    Band,
    /// The line, as this character.
    Line(char),
}

impl Cell {
    /// Its character.
    pub const fn character(self, ascii: bool) -> char {
        match (self, ascii) {
            (Self::Blank, _) => ' ',
            (Self::Zero, false) => '┄',
            (Self::Zero, true) => '-',
            (Self::Band, false) => '░',
            (Self::Band, true) => '.',
            (Self::Line(line), _) => line,
        }
    }
}

/// The line of `rows` that zero falls on; `None` where the axis does not reach it.
pub fn zero_row(axis: Axis, rows: usize, ascii: bool) -> Option<usize> {
    let down = down(ascii);
    (axis.low <= 0.0 && axis.high >= 0.0).then(|| axis.dot(0.0, rows * down) / down)
}

/// Dots that a character has from top to bottom.
const fn down(ascii: bool) -> usize {
    if ascii { 1 } else { 4 }
}

/// Columns of dots that `columns` characters hold.
pub const fn dots_across(columns: usize, ascii: bool) -> usize {
    if ascii { columns } else { columns * 2 }
}

/// Draws `spans`, as many as [`dots_across`] says, in `rows` lines, top line first.
pub fn chart(spans: &[Option<Span>], axis: Axis, rows: usize, ascii: bool) -> Vec<Vec<Cell>> {
    let (across, down) = (dots_across(1, ascii), down(ascii));
    let columns = spans.len().div_ceil(across);
    let dots = rows * down;
    let mut cells = vec![vec![Cell::Blank; columns]; rows];
    let mut patterns = vec![vec![0_u8; columns]; rows];
    if let Some(row) = zero_row(axis, rows, ascii).and_then(|row| cells.get_mut(row)) {
        row.fill(Cell::Zero);
    }
    let mut before: Option<(usize, usize)> = None;
    for (place, span) in spans.iter().enumerate() {
        let Some(span) = span else {
            before = None;
            continue;
        };
        let (top, bottom) = (axis.dot(span.high, dots), axis.dot(span.low, dots));
        if let Some(bound) = span.bound {
            let middle = span.low.midpoint(span.high);
            let first = axis.dot(middle + bound, dots) / down;
            let last = axis.dot(middle - bound, dots) / down;
            let band = cells.iter_mut().take(last + 1).skip(first);
            band.filter_map(|row| row.get_mut(place / across)).for_each(|cell| *cell = Cell::Band);
        }
        let (first, last) = match before.filter(|_| span.is_joined) {
            // A step is drawn as one: the line goes up or down where it happened.
            Some((above, below)) => {
                (top.min(below.saturating_add(1)), bottom.max(above.saturating_sub(1)))
            }
            None => (top, bottom),
        };
        for dot in first..=last {
            let row = patterns.get_mut(dot / down);
            if let Some(pattern) = row.and_then(|row| row.get_mut(place / across)) {
                *pattern |= braille(place % across, dot % down);
            }
        }
        before = Some((top, bottom));
    }
    for (row, patterns) in cells.iter_mut().zip(patterns) {
        for (cell, pattern) in row.iter_mut().zip(patterns) {
            if pattern != 0 {
                let drawn = char::from_u32(0x2800 + u32::from(pattern)).unwrap_or('*');
                *cell = Cell::Line(if ascii { '*' } else { drawn });
            }
        }
    }
    cells
}

/// The bit of a dot in a braille character.
const fn braille(column: usize, row: usize) -> u8 {
    match (column, row) {
        (0, 0) => 0x01,
        (0, 1) => 0x02,
        (0, 2) => 0x04,
        (0, _) => 0x40,
        (_, 0) => 0x08,
        (_, 1) => 0x10,
        (_, 2) => 0x20,
        _ => 0x80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: f64, is_joined: bool) -> Span {
        Span { low: value, high: value, bound: None, is_joined }
    }

    fn text(spans: &[Option<Span>], axis: Axis, rows: usize, ascii: bool) -> Vec<String> {
        let line = |row: Vec<Cell>| row.into_iter().map(|cell| cell.character(ascii)).collect();
        chart(spans, axis, rows, ascii).into_iter().map(line).collect()
    }

    #[test]
    fn a_gap_is_drawn_as_a_gap_and_a_step_as_a_step() {
        let axis = Axis { low: -2.0, high: 2.0 };
        let spans = [Some(at(2.0, false)), Some(at(-1.0, true)), None, Some(at(1.0, false))];
        assert_eq!(text(&spans, axis, 5, true), ["*   ", " * *", "-*--", " *  ", "    "]);
        assert_eq!(text(&spans, axis, 1, false), ["⠱⠐"]);
    }

    #[test]
    fn the_band_is_where_the_truth_may_be() {
        let axis = Axis { low: -2.0, high: 2.0 };
        let span = Span { low: 1.0, high: 1.0, bound: Some(1.0), is_joined: false };
        assert_eq!(text(&[Some(span)], axis, 5, true), [".", "*", ".", " ", " "]);
        let wide = Span { bound: Some(100.0), ..span };
        assert_eq!(text(&[Some(wide)], axis, 3, true), [".", "*", "."]);
    }

    #[test]
    fn the_ends_of_an_axis_are_round() {
        assert_eq!(Axis::round(-0.3, 1.1, 0.0), Axis { low: -0.5, high: 1.5 });
        assert_eq!(Axis::round(7.0, 7.0, 2.0), Axis { low: 6.0, high: 8.0 });
        for (value, up) in [(0.0, 1.0), (0.3, 0.5), (1.0, 1.0), (6.0, 10.0), (20.0, 20.0)] {
            assert!((round_up(value) - up).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn no_room_is_no_trouble() {
        assert_eq!(chart(&[], Axis { low: 0.0, high: 1.0 }, 0, false), Vec::<Vec<Cell>>::new());
        assert_eq!(
            text(&[Some(at(f64::NAN, false))], Axis { low: 0.0, high: 1.0 }, 2, true).len(),
            2
        );
    }
}
