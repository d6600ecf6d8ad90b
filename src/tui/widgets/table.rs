//! Which columns of a table fit, and how wide each is.

/// What a column would like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Columns without which it is of no use.
    pub least: usize,
    /// Columns that show it whole.
    pub whole: usize,
    /// How soon it gets its place: those with the lowest number first.
    pub rank: u8,
}

/// The width of each column in `room`, in the order of `wishes`; 0 for one that has no place.
///
/// A column is there with at least what it needs, or not at all. One column of blanks stands
/// between two. What is left goes to those that are not whole yet, the most important first.
pub fn fit(wishes: &[Wish], room: usize) -> Vec<usize> {
    let mut widths = vec![0; wishes.len()];
    let mut left = room + 1;
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|place| wishes.get(*place).map(|wish| wish.rank));
    for place in &order {
        if let (Some(wish), Some(width)) = (wishes.get(*place), widths.get_mut(*place))
            && wish.least < left
        {
            *width = wish.least;
            left -= wish.least + 1;
        }
    }
    for place in &order {
        if let (Some(wish), Some(width)) = (wishes.get(*place), widths.get_mut(*place))
            && *width > 0
        {
            let more = wish.whole.saturating_sub(*width).min(left);
            *width += more;
            left -= more;
        }
    }
    widths
}

/// The first of `count` rows to show in `height` lines so that row `cursor` is among them, as
/// near to the middle as the ends allow.
pub fn first_row(count: usize, height: usize, cursor: usize) -> usize {
    cursor.saturating_sub(height / 2).min(count.saturating_sub(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn wish(least: usize, whole: usize, rank: u8) -> Wish {
        Wish { least, whole, rank }
    }

    #[test]
    fn the_least_important_column_goes_first() {
        let wishes = [wish(10, 20, 0), wish(5, 5, 2), wish(8, 8, 1)];
        assert_eq!(fit(&wishes, 25), [10, 5, 8]);
        assert_eq!(fit(&wishes, 24), [15, 0, 8]);
        assert_eq!(fit(&wishes, 18), [12, 5, 0], "a lesser one may still fit");
        assert_eq!(fit(&wishes, 9), [0, 0, 8]);
        assert_eq!(fit(&wishes, 0), [0, 0, 0]);
    }

    #[test]
    fn what_is_left_makes_columns_whole() {
        let wishes = [wish(10, 20, 0), wish(5, 9, 2)];
        assert_eq!(fit(&wishes, 28), [20, 7]);
        assert_eq!(fit(&wishes, 100), [20, 9]);
    }

    #[test]
    fn the_cursor_is_always_in_sight() {
        for count in 0..12 {
            for height in 1..12 {
                for cursor in 0..count {
                    let first = first_row(count, height, cursor);
                    assert!((first..first + height).contains(&cursor));
                }
            }
        }
        assert_eq!(first_row(100, 10, 50), 45);
        assert_eq!(first_row(100, 10, 99), 90);
    }
}
