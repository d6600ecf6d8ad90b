//! How often things are asked.
//!
//! The list of associations tells with their status words which of them changed, so it is asked
//! often and the associations seldom: after each poll of theirs, and half way between two, so that
//! no poll goes unseen that came when it was not expected (ntpmon asks all of them at twice the
//! rate of the shortest poll for that reason).

use std::time::Duration;

use crate::model::Values;
use crate::model::vars::peer;

/// How the conversation allows to ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Circumstances {
    /// Whether the daemon is on screen.
    pub(super) visible: bool,
    /// Whether anything was ever lost.
    pub(super) lossy: bool,
    /// Whether the daemon limits us.
    pub(super) limited: bool,
}

/// From one question for the list to the next.
pub(super) const fn list_period(circumstances: Circumstances) -> Duration {
    match circumstances {
        Circumstances { visible: false, .. } => Duration::from_secs(10),
        Circumstances { limited: true, .. } => Duration::from_secs(8),
        Circumstances { lossy: true, .. } => Duration::from_secs(2),
        _ => Duration::from_secs(1),
    }
}

/// From one question for the system's variables to the next, unless its status changes: ages are
/// counted from its clock, which may be stepped.
pub(super) const fn system_period(circumstances: Circumstances) -> Duration {
    Duration::from_secs(if circumstances.limited { 16 } else { 8 })
}

/// From one question for counters to the next: those of packets, and everything else, which is
/// looked at more seldom.
pub(super) const fn statistics_period(circumstances: Circumstances, is_soon: bool) -> Duration {
    Duration::from_secs(match (circumstances.limited, is_soon) {
        (false, true) => 4,
        (false, false) => 16,
        (true, true) => 32,
        (true, false) => 128,
    })
}

/// How long to leave what failed `times` in a row.
pub(super) fn failure_gap(times: u32) -> Duration {
    Duration::from_secs(2 << times.min(4))
}

/// From one question for a row that brought `row` to the next; `age` is how long ago the daemon
/// had its last packet from the source.
pub(super) fn row_period(row: &Values, age: Option<Duration>, on_screen: bool) -> Duration {
    let poll = poll_interval(row);
    let half = (poll / 2).clamp(Duration::from_secs(4), SLOWEST);
    if !on_screen {
        return half * 2;
    }
    let to_next_poll = match age.and_then(|age| poll.checked_sub(age)) {
        Some(left) => left + AFTER_POLL,
        // It is overdue: any moment now.
        None => (poll / 8).clamp(Duration::from_secs(2), Duration::from_secs(16)),
    };
    let settling =
        row.reach(&peer::REACH).is_some_and(|reach| !matches!(reach.register(), 0 | 0xff));
    let settled = if settling { (poll / 8).clamp(LEAST, Duration::from_secs(8)) } else { half };
    to_next_poll.min(settled).max(LEAST)
}

/// How often the daemon polls the source: what both sides agree on.
fn poll_interval(row: &Values) -> Duration {
    let exponent = |variable| {
        let poll = row.poll(variable)?;
        (3..=17).contains(&poll.exponent()).then(|| poll.exponent())
    };
    let host = exponent(&peer::HOST_POLL);
    let agreed = match (host, exponent(&peer::PEER_POLL)) {
        (Some(host), Some(other)) => host.min(other),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => 6,
    };
    Duration::from_secs(1 << agreed)
}

/// How long after a poll the daemon has digested its answer.
const AFTER_POLL: Duration = Duration::from_secs(1);
const LEAST: Duration = Duration::from_secs(2);
const SLOWEST: Duration = Duration::from_secs(64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;
    use crate::units::{PollExponent, Reach};

    fn row(poll: i8, reach: u8) -> Values {
        Values::typed([
            (&peer::HOST_POLL, Value::Poll(PollExponent::new(poll))),
            (&peer::REACH, Value::Reach(Reach::new(reach))),
        ])
    }

    fn wait(poll: i8, reach: u8, age: u64) -> u64 {
        row_period(&row(poll, reach), Some(Duration::from_secs(age)), true).as_secs()
    }

    #[test]
    fn a_row_is_asked_for_after_its_poll_and_half_way_between_two() {
        assert_eq!(wait(6, 0xff, 1), 32);
        assert_eq!(wait(6, 0xff, 33), 32);
        assert_eq!(wait(6, 0xff, 60), 5);
        assert_eq!(wait(6, 0xff, 64), 1 + 1);
        assert_eq!(wait(6, 0xff, 70), 8);
        assert_eq!(wait(10, 0xff, 10), 64);
        assert_eq!(wait(10, 0, 9000), 16);
        assert_eq!(wait(3, 0xff, 1), 4);
    }

    #[test]
    fn a_source_that_settles_is_watched_closely() {
        assert_eq!(wait(6, 0x03, 1), 8);
        assert_eq!(wait(4, 0x7f, 1), 2);
    }

    #[test]
    fn absurd_polls_count_as_none() {
        assert_eq!(wait(-1, 0xff, 1), 32);
        assert_eq!(wait(127, 0xff, 1), 32);
    }
}
