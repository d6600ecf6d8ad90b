//! Hosts of which nobody can say whether they are right.
//!
//! Selection takes every host at its word: one that owns up to a great root distance agrees with
//! almost anything. What was measured is known better. Half the round trip bounds what a path can
//! be asymmetric by, so two hosts that both have the true time cannot differ by more than both
//! measurements can err. Where they do, one of them is wrong, whatever their root distances leave
//! room for.

use crate::units::NtpDuration;

/// What was measured of a host: its offset, and by how much at most that differs from what the host
/// really shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    /// The offset.
    pub(super) offset: NtpDuration,
    /// Its greatest error.
    pub(super) error: NtpDuration,
}

/// Why it cannot be told whether a host is right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Doubt {
    /// Most others agree on something else, so much ahead of it (behind, when negative) at least.
    Apart(NtpDuration),
    /// The hosts differ, and most agree on nothing.
    Divided,
}

/// The doubts in each host; `None` in `hosts` stands for one that is no candidate.
pub(super) fn doubts(hosts: &[Option<Measured>]) -> Vec<Option<Doubt>> {
    let known: Vec<Measured> = hosts.iter().copied().flatten().collect();
    let (low, high, count) = most_agreed(&known);
    let doubt = |host: &Measured| {
        if count == known.len() {
            return None;
        }
        if count * 2 <= known.len() {
            return Some(Doubt::Divided);
        }
        let (from, to) = interval(host);
        match () {
            () if to < low => Some(Doubt::Apart(low - to)),
            () if from > high => Some(Doubt::Apart(high - from)),
            () => None,
        }
    };
    hosts.iter().map(|host| host.as_ref().and_then(doubt)).collect()
}

/// Where most of the intervals overlap, and how many do.
fn most_agreed(known: &[Measured]) -> (NtpDuration, NtpDuration, usize) {
    let holds = |at: NtpDuration| {
        let is_in = |host: &&Measured| {
            let (from, to) = interval(host);
            from <= at && at <= to
        };
        known.iter().filter(is_in).count()
    };
    // The most is reached first at the lower end of some interval, and ends at the next upper end.
    let lows = known.iter().map(|host| interval(host).0);
    let best = lows.map(|low| (holds(low), low)).max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    let Some((count, low)) = best else { return (NtpDuration::ZERO, NtpDuration::ZERO, 0) };
    let highs = known.iter().map(|host| interval(host).1).filter(|high| *high >= low);
    (low, highs.min().unwrap_or(low), count)
}

fn interval(host: &Measured) -> (NtpDuration, NtpDuration) {
    (host.offset - host.error, host.offset + host.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offsets and errors in milliseconds; an error below nothing stands for no candidate.
    fn found(hosts: &[(f64, f64)]) -> Vec<Option<Doubt>> {
        let span = NtpDuration::from_milliseconds;
        let measured = hosts.iter().map(|(offset, error)| {
            (*error >= 0.0).then(|| Measured { offset: span(*offset), error: span(*error) })
        });
        doubts(&measured.collect::<Vec<_>>())
    }

    #[test]
    fn one_that_measures_apart_from_most_is_in_doubt() {
        // Two of four are no majority.
        let divided = Some(Doubt::Divided);
        let two_of_four = [(0.0, 1.0), (0.5, 1.0), (0.0, -1.0), (40.0, 1.0), (-30.0, 1.0)];
        assert_eq!(found(&two_of_four), [divided, divided, None, divided, divided]);
        let doubts = found(&[(0.0, 1.0), (0.5, 1.0), (0.2, 3.0), (40.0, 1.0), (0.0, -1.0)]);
        let Some(Doubt::Apart(apart)) = doubts[3] else { panic!("{doubts:?}") };
        assert!((apart.milliseconds() + 38.0).abs() < 1e-6, "{apart:?}");
        assert_eq!((doubts[0], doubts[1], doubts[2], doubts[4]), (None, None, None, None));
    }

    #[test]
    fn what_the_paths_explain_is_no_doubt() {
        assert_eq!(found(&[(0.0, 5.0), (9.0, 4.5), (4.0, 0.5)]), [None; 3]);
        assert_eq!(found(&[(0.0, 5.0)]), [None]);
        assert_eq!(found(&[]), []);
        assert_eq!(found(&[(0.0, 1.0), (3.0, 1.0)]), [Some(Doubt::Divided); 2]);
    }
}
