//! What if: the candidates of a daemon after a change of its configuration.
//!
//! Plain data about what is touched, and a pure function from the candidates there are to those that
//! there will be. A source that is measured anew is not there at first; later it is taken to be as
//! it was. Of a new one nothing is known, so it never becomes a candidate here.

use crate::selection::{Candidate, Limits};
use crate::units::{AssocId, Leap, NtpDuration, Stratum};

/// What a change touches that the selection depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touch {
    /// An association begins, of which nothing is measured yet.
    Begins {
        /// With whom, safe to show.
        host: Box<str>,
        /// How selection is to treat it.
        role: Role,
    },
    /// An association ends.
    Ends(AssocId),
    /// An association is given up and begun again: it is measured anew.
    StartsAgain {
        /// Which.
        id: AssocId,
        /// How selection is to treat it from then on.
        role: Role,
    },
    /// An association goes on, and is treated in another way.
    Becomes {
        /// Which.
        id: AssocId,
        /// How.
        role: Role,
    },
    /// An association goes on, but is not asked any more: what was measured grows old.
    GoesOffline(AssocId),
    /// What is asked of the selection.
    Limit(Limit),
}

/// How selection treats a source by its configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Role {
    /// Preferred to those that are not.
    pub prefer: bool,
    /// Measured, never selected.
    pub noselect: bool,
    /// Taken for right whatever others say (`true` of ntpd, `trust` of chronyd).
    pub trust: bool,
    /// Nothing is followed unless one of these can be (`require` of chronyd).
    pub require: bool,
}

/// One thing that is asked of the selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Survivors that must be left before the clock is touched.
    Minsane(usize),
    /// Clustering stops at this many.
    Minclock(usize),
    /// Beyond this many survivors are backups.
    Maxclock(usize),
    /// The least root distance, and the step of clock-hopping.
    Mindist(NtpDuration),
    /// The root distance from which on a source is unfit.
    Maxdist(NtpDuration),
    /// The least stratum that is accepted.
    Floor(Stratum),
    /// The first stratum that is not accepted.
    Ceiling(Stratum),
    /// The stratum of orphan mode; 16 and above when it is off.
    Orphan(Stratum),
}

/// When after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// As soon as it has taken effect: nothing that is measured anew has answered.
    AtFirst,
    /// Once all that is measured anew has been, provided that it is as it was.
    Later,
}

impl Touch {
    /// Which association it is about, of those that are there.
    pub const fn association(&self) -> Option<AssocId> {
        match self {
            Self::Ends(id)
            | Self::GoesOffline(id)
            | Self::StartsAgain { id, .. }
            | Self::Becomes { id, .. } => Some(*id),
            Self::Begins { .. } | Self::Limit(_) => None,
        }
    }
}

impl Role {
    /// `candidate` in this role.
    #[must_use]
    pub const fn taken_by(self, mut candidate: Candidate) -> Candidate {
        candidate.is_preferred = self.prefer;
        candidate.is_trusted = self.trust;
        candidate.unfit.noselect = self.noselect;
        candidate
    }
}

/// The candidates that `touches` leave of these, in their order.
pub fn candidates(candidates: &[Candidate], touches: &[Touch], moment: Moment) -> Vec<Candidate> {
    let after = |candidate: &Candidate| {
        let mut after = Some(*candidate);
        for touch in touches {
            after = after.and_then(|candidate| touched(candidate, touch, moment));
        }
        after
    };
    candidates.iter().filter_map(after).collect()
}

/// The limits that `touches` leave of these.
pub fn limits(limits: &Limits, touches: &[Touch]) -> Limits {
    let mut after = *limits;
    for touch in touches {
        let Touch::Limit(limit) = touch else { continue };
        match *limit {
            Limit::Minsane(number) => after.minsane = number,
            Limit::Minclock(number) => after.minclock = number,
            Limit::Maxclock(number) => after.maxclock = number,
            Limit::Mindist(distance) => after.mindist = distance,
            Limit::Orphan(stratum) => after.orphan = stratum,
            // Tests of the candidates.
            Limit::Maxdist(_) | Limit::Floor(_) | Limit::Ceiling(_) => {}
        }
    }
    after
}

/// What `touch` leaves of a candidate.
fn touched(mut candidate: Candidate, touch: &Touch, moment: Moment) -> Option<Candidate> {
    match touch {
        Touch::Ends(id) if *id == candidate.id => return None,
        Touch::StartsAgain { id, role } if *id == candidate.id => {
            if moment == Moment::AtFirst {
                return None;
            }
            candidate = role.taken_by(candidate);
        }
        Touch::Becomes { id, role } if *id == candidate.id => candidate = role.taken_by(candidate),
        // Its reach runs out with the polls that are not made.
        Touch::GoesOffline(id) if *id == candidate.id && moment == Moment::Later => {
            candidate.unfit.unreachable = true;
        }
        Touch::Limit(Limit::Maxdist(most)) => {
            candidate.unfit.distance = candidate.distance >= *most;
        }
        Touch::Limit(Limit::Floor(floor)) => {
            candidate.unfit.stratum = is_unsynchronised(&candidate) || candidate.stratum < *floor;
        }
        Touch::Limit(Limit::Ceiling(ceiling)) => {
            candidate.unfit.stratum =
                is_unsynchronised(&candidate) || candidate.stratum >= *ceiling;
        }
        _ => {}
    }
    Some(candidate)
}

fn is_unsynchronised(candidate: &Candidate) -> bool {
    candidate.leap == Leap::Alarm || candidate.stratum >= Stratum::UNSYNCHRONISED
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::selection::{Explained, Kind, Memory, Reason, Unfit, select};
    use crate::units::Tally;

    fn source(id: u16, offset_ms: f64, distance_ms: f64) -> Candidate {
        Candidate {
            id: AssocId::new(id),
            offset: NtpDuration::from_milliseconds(offset_ms),
            distance: NtpDuration::from_milliseconds(distance_ms),
            jitter: NtpDuration::from_milliseconds(0.1),
            stratum: Stratum::new(2),
            leap: Leap::None,
            unfit: Unfit::default(),
            is_preferred: false,
            is_trusted: false,
            kind: Kind::Ordinary,
        }
    }

    fn after(candidates: &[Candidate], touches: &[Touch]) -> Explained {
        let limits = limits(&Limits::default(), touches);
        let left = super::candidates(candidates, touches, Moment::Later);
        select(&left, &limits, &Memory::default())
    }

    fn tally(explained: &Explained, id: u16) -> Option<Tally> {
        explained.verdicts.iter().find(|v| v.id == AssocId::new(id)).map(|v| v.tally)
    }

    #[test]
    fn what_starts_again_is_away_at_first_and_as_it_was_later() {
        let there = [source(1, 0.0, 5.0), source(2, 1.0, 5.0)];
        let role = Role { prefer: true, ..Role::default() };
        let touches = [Touch::StartsAgain { id: AssocId::new(2), role }];
        let at_first = candidates(&there, &touches, Moment::AtFirst);
        assert_eq!(at_first, [there[0]]);
        let later = candidates(&there, &touches, Moment::Later);
        assert_eq!(later, [there[0], Candidate { is_preferred: true, ..there[1] }]);
        assert_eq!(tally(&after(&there, &touches), 2), Some(Tally::SystemPeer));
    }

    #[test]
    fn roles_and_limits_take_effect() {
        let there = [source(1, 0.0, 5.0), source(2, 1.0, 5.0), source(3, 90.0, 5.0)];
        let role = Role { noselect: true, ..Role::default() };
        let becomes = |id, role| Touch::Becomes { id: AssocId::new(id), role };
        let left = after(&there, &[becomes(1, role)]);
        assert_eq!(tally(&left, 1), Some(Tally::Reject));
        assert_eq!(left.system, None, "the other two do not agree");
        // And back.
        let unfit = Candidate { unfit: Unfit { noselect: true, ..Unfit::default() }, ..there[0] };
        let back = after(&[unfit, there[1], there[2]], &[becomes(1, Role::default())]);
        assert_eq!(tally(&back, 1), Some(Tally::SystemPeer));
        let trusted = Role { trust: true, ..Role::default() };
        assert_ne!(tally(&after(&there, &[becomes(3, trusted)]), 3), Some(Tally::Falseticker));
        assert_eq!(after(&there, &[Touch::Limit(Limit::Minsane(3))]).system, None);
        let near = Limit::Maxdist(NtpDuration::from_milliseconds(4.0));
        assert_eq!(tally(&after(&there, &[Touch::Limit(near)]), 2), Some(Tally::Reject));
        let ceiling = [Touch::Limit(Limit::Ceiling(Stratum::new(2)))];
        assert_eq!(tally(&after(&there, &ceiling), 2), Some(Tally::Reject));
        let ended = after(&there, &[Touch::Ends(AssocId::new(2)), Touch::Ends(AssocId::new(3))]);
        assert_eq!(ended.verdicts.len(), 1);
        let offline = [Touch::GoesOffline(AssocId::new(1))];
        assert_eq!(candidates(&there, &offline, Moment::AtFirst), there);
        assert_eq!(tally(&after(&there, &offline), 1), Some(Tally::Reject));
    }

    proptest! {
        /// The majority's interval was found without it, and is found again.
        #[test]
        fn giving_up_a_falseticker_makes_no_truechimer_false(
            sources in prop::collection::vec((-50.0..50.0, 1.0..20.0), 2..12),
        ) {
            let sources: Vec<Candidate> = (1..).zip(&sources)
                .map(|(id, (offset, distance))| source(id, *offset, *distance))
                .collect();
            let before = after(&sources, &[]);
            let is_false = |explained: &Explained, id| {
                explained.verdicts.iter().any(|verdict| {
                    verdict.id == id && verdict.tally == Tally::Falseticker
                })
            };
            for verdict in &before.verdicts {
                if !matches!(verdict.reason, Reason::Outside { .. }) {
                    continue;
                }
                let left = after(&sources, &[Touch::Ends(verdict.id)]);
                prop_assert!(left.interval.is_some());
                for other in sources.iter().filter(|other| other.id != verdict.id) {
                    prop_assert_eq!(is_false(&before, other.id), is_false(&left, other.id));
                }
            }
        }

        /// Nobody is there who was not, and a change of nothing changes nothing.
        #[test]
        fn nothing_comes_from_nowhere(
            sources in prop::collection::vec((-50.0..50.0, 1.0..20.0), 0..8),
            ended in prop::collection::vec(1_u16..12, 0..4),
        ) {
            let sources: Vec<Candidate> = (1..).zip(&sources)
                .map(|(id, (offset, distance))| source(id, *offset, *distance))
                .collect();
            prop_assert_eq!(&candidates(&sources, &[], Moment::AtFirst), &sources);
            let touches: Vec<Touch> =
                ended.iter().map(|id| Touch::Ends(AssocId::new(*id))).collect();
            let left = candidates(&sources, &touches, Moment::Later);
            let expected = sources.iter().filter(|c| {
                !touches.iter().any(|touch| touch.association() == Some(c.id))
            });
            prop_assert_eq!(left, expected.copied().collect::<Vec<_>>());
        }
    }
}
