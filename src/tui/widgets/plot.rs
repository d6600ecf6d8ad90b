//! Points on a plane of characters, with the least and the greatest value on each axis.

/// A point: its place on both axes and what marks it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Upwards.
    pub y: f64,
    /// The mark.
    pub mark: char,
}

/// The ends of an axis: at least as far apart as makes a difference visible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ends {
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

impl Ends {
    /// Of all values; `None` when there are none.
    pub fn of(values: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        low.is_finite().then_some(Self { low, high })
    }

    /// Where `value` lies among `count` places.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a screenful of places"
    )]
    fn place(self, value: f64, count: usize) -> usize {
        let span = self.high - self.low;
        let part = if span > 0.0 { (value - self.low) / span } else { 0.5 };
        ((part * count.saturating_sub(1) as f64).round() as usize).min(count.saturating_sub(1))
    }
}

/// Draws `points` in `columns` × `rows` characters, top line first. Where two fall together the
/// later one is seen.
pub fn plot(points: &[Point], x: Ends, y: Ends, columns: usize, rows: usize) -> Vec<String> {
    let mut lines = vec![vec![' '; columns]; rows];
    for point in points {
        let row = rows.saturating_sub(1).saturating_sub(y.place(point.y, rows));
        let column = x.place(point.x, columns);
        if let Some(cell) = lines.get_mut(row).and_then(|line| line.get_mut(column)) {
            *cell = point.mark;
        }
    }
    lines.into_iter().map(|line| line.into_iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_axes_are_the_edges_of_the_plane() {
        let points = [Point { x: 1.0, y: -1.0, mark: '1' }, Point { x: 3.0, y: 1.0, mark: '2' }];
        let x = Ends::of(points.iter().map(|p| p.x)).unwrap();
        let y = Ends::of(points.iter().map(|p| p.y)).unwrap();
        assert_eq!(plot(&points, x, y, 5, 3), ["    2", "     ", "1    "]);
    }

    #[test]
    fn points_without_spread_stand_in_the_middle() {
        let point = [Point { x: 7.0, y: 7.0, mark: 'o' }];
        let ends = Ends { low: 7.0, high: 7.0 };
        assert_eq!(plot(&point, ends, ends, 3, 3), ["   ", " o ", "   "]);
        assert_eq!(plot(&point, ends, ends, 0, 0), Vec::<String>::new());
        assert_eq!(Ends::of(std::iter::empty()), None);
    }
}
