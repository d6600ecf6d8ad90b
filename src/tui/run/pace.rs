//! How often to draw.

use std::collections::VecDeque;
use std::time::Duration;

use crate::units::Mono;

/// Why something on screen has changed; the greater goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// The world told something, or time went on.
    World,
    /// The user did something and waits for the answer.
    User,
}

/// At most thirty drawings a second.
///
/// What the world tells waits a thirtieth of a second after the last drawing. A user is answered
/// at once, however much the world tells, as long as there were fewer than thirty drawings in the
/// second before; a user who is quicker than that waits as the world does.
#[derive(Debug, Default)]
pub(super) struct Pace {
    latest: VecDeque<Mono>,
}

impl Pace {
    /// When to draw what has changed for `cause`; `now` or earlier means at once.
    pub(super) fn next(&self, cause: Cause, now: Mono) -> Mono {
        let Some(last) = self.latest.back() else { return now };
        let spaced = *last + SPACE;
        let oldest = self.latest.front().filter(|_| self.latest.len() == MOST);
        match (cause, oldest) {
            (Cause::User, Some(oldest)) => spaced.min(*oldest + Duration::from_secs(1)),
            (Cause::User, None) => now,
            (Cause::World, _) => spaced,
        }
    }

    /// It was drawn.
    pub(super) fn drawn(&mut self, now: Mono) {
        if self.latest.len() == MOST {
            self.latest.pop_front();
        }
        self.latest.push_back(now);
    }
}

/// Drawings a second.
const MOST: usize = 30;

/// A thirtieth of a second and a little, so that no second ever holds more.
const SPACE: Duration = Duration::from_millis(34);

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Mono {
        Mono::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn a_world_that_floods_is_drawn_thirty_times_a_second_at_most() {
        let mut pace = Pace::default();
        let mut drawn = 0;
        for now in (0..1000).map(ms) {
            if pace.next(Cause::World, now) <= now {
                pace.drawn(now);
                drawn += 1;
            }
        }
        assert!((25..=30).contains(&drawn), "{drawn}");
    }

    #[test]
    fn a_user_is_answered_at_once_while_the_world_floods() {
        let mut pace = Pace::default();
        for now in (0..5000).map(ms) {
            let key = now.nanos() % ms(170).nanos() == 0;
            let cause = if key { Cause::User } else { Cause::World };
            let at = pace.next(cause, now);
            if at <= now {
                pace.drawn(now);
            }
            let late = at.since(now);
            assert!(!key || late <= Duration::from_millis(20), "{late:?} at {now:?}");
        }
    }
}
