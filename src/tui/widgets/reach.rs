//! The reachability register as eight dots, newest poll on the right.

use crate::units::Reach;

/// Eight marks: full where a poll was answered.
pub fn dots(reach: Reach, ascii: bool) -> String {
    let (answered, missed) = if ascii { ('#', '.') } else { ('●', '·') };
    reach.polls().into_iter().map(|poll| if poll { answered } else { missed }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_poll_is_on_the_right() {
        assert_eq!(dots(Reach::new(0o17), false), "····●●●●");
        assert_eq!(dots(Reach::new(0o376), true), "#######.");
    }
}
