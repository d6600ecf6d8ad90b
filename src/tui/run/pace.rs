//! How often to draw.

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

/// At most thirty drawings a second, unless a user is quicker than that.
///
/// The first few drawings are made at once: at the start everything is news, and somebody waits.
/// What the world tells waits a thirtieth of a second after the last drawing; a tenth while a user
/// is at work, so that drawings are left for the answers. A key is answered at once, whatever the
/// world tells; when keys come in a flood, as often as a terminal can show.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<Mono>,
    last_of_user: Option<Mono>,
    /// How often was drawn, as far as it matters.
    drawn: u8,
}

impl Pace {
    /// When to draw what has changed for `cause`; `now` or earlier means at once.
    pub(super) fn next(&self, cause: Cause, now: Mono) -> Mono {
        let Some(last) = self.last else { return now };
        if self.drawn < AT_THE_START {
            return now;
        }
        let is_user_at_work = self.last_of_user.is_some_and(|user| now.since(user) < AT_WORK);
        last + match cause {
            Cause::User => BETWEEN_ANSWERS,
            Cause::World if is_user_at_work => BESIDE_A_USER,
            Cause::World => BETWEEN_NEWS,
        }
    }

    /// It was drawn for `cause`.
    pub(super) fn drawn(&mut self, cause: Cause, now: Mono) {
        self.last = Some(now);
        self.drawn = self.drawn.saturating_add(1);
        if cause == Cause::User {
            self.last_of_user = Some(now);
        }
    }
}

/// Drawings that are made at once: nothing known, the list, the rows, the names.
const AT_THE_START: u8 = 6;

/// A thirtieth of a second and a little, so that no second ever holds more.
const BETWEEN_NEWS: Duration = Duration::from_millis(34);

/// Between drawings of news while a user is at work.
const BESIDE_A_USER: Duration = Duration::from_millis(100);

/// How long after an answer a user is taken to be at work.
const AT_WORK: Duration = Duration::from_secs(1);

/// Between two answers: what would be drawn in between nobody sees.
const BETWEEN_ANSWERS: Duration = Duration::from_millis(8);

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Mono {
        Mono::from_nanos(ms * 1_000_000)
    }

    /// Runs `seconds` of a world that tells something each millisecond and a user who presses a
    /// key every `between` ms: drawings a second, and the longest wait of a key.
    fn flood(seconds: u64, between: u64) -> (u64, Duration) {
        let mut pace = Pace::default();
        let (mut drawn, mut longest, mut pressed) = (0, Duration::ZERO, None);
        for now in (0..seconds * 1000).map(ms) {
            if now.nanos() % ms(between).nanos() == 0 {
                pressed.get_or_insert(now);
            }
            let cause = if pressed.is_some() { Cause::User } else { Cause::World };
            if pace.next(cause, now) <= now {
                pace.drawn(cause, now);
                drawn += 1;
                longest = pressed.take().map_or(longest, |then| now.since(then).max(longest));
            }
        }
        (drawn / seconds, longest)
    }

    #[test]
    fn a_world_that_floods_is_drawn_thirty_times_a_second_at_most() {
        let (drawn, _) = flood(10, 1_000_000);
        assert!((25..=30).contains(&drawn), "{drawn}");
    }

    #[test]
    fn a_user_is_answered_at_once_while_the_world_floods() {
        for between in [20, 33, 34, 50, 70, 101, 170, 1001, 1500] {
            let (drawn, longest) = flood(10, between);
            assert!(longest <= Duration::from_millis(20), "{longest:?} at {between}");
            assert!(drawn <= 30 || between < 33, "{drawn} at {between}");
        }
    }
}
