//! A daemon: a snapshot of all that is known of it.

use std::sync::Arc;
use std::time::Duration;

use crate::model::absent::Absent;
use crate::model::clients::{ClientRecord, ManualEntry};
use crate::model::clock_loop::ClockLoop;
use crate::model::identity::Identity;
use crate::model::mru::Monitored;
use crate::model::part::{Dated, Part};
use crate::model::question::{Failure, Unreachable};
use crate::model::statistics::Statistics;
use crate::model::values::{Value, Values};
use crate::model::vars::{Variable, peer, system};
use crate::selection::Explained;
use crate::units::{AssocId, Mono, NtpDuration, NtpTimestamp};
use crate::wire::Malformed;
use crate::wire::mode6::status::{PeerStatus, SystemStatus};

/// A snapshot of one daemon. Parts are shared between snapshots, so keeping many is cheap.
#[derive(Clone, Debug, Default)]
pub struct Daemon {
    /// Whether it answers, and since when not.
    pub contact: Contact,
    /// Who it is; `None` until it told.
    pub identity: Option<Arc<Identity>>,
    /// How often it was seen to start anew (its association ids all changed).
    pub restarts: u32,
    /// When it was last seen to; `None` while it never was.
    pub restarted: Option<Mono>,
    /// The variables of the system.
    pub system: Part<Values>,
    /// The list of associations and the system's status word.
    pub associations: Part<Associations>,
    /// Its associations, in order of their ids: those of the latest list.
    pub peers: Arc<[Arc<Peer>]>,
    /// How it selected, where it tells that itself; of others it is worked out from variables.
    pub selection: Option<Arc<Explained>>,
    /// Its loop, where it is an engine whose loop we see from within.
    pub clock_loop: Option<Arc<ClockLoop>>,
    /// What it counts and has on its lists, as far as somebody looked at it.
    pub statistics: Arc<Statistics>,
    /// Who asks it for what, where it keeps account and tells.
    pub clients: Part<Vec<ClientRecord>>,
    /// Who asked it most recently, where it keeps a list of that.
    pub monitored: Part<Monitored>,
    /// Times that were entered by hand.
    pub manual: Part<Vec<ManualEntry>>,
    /// The ways on which it can be asked, in an order that stays, once it has answered on more than
    /// one; empty where there is nothing to choose. Exactly one of them is used.
    pub ways: Arc<[Way]>,
}

/// A way on which a daemon can be asked: a protocol and what carries it. What carries the same
/// protocol less well than another way does not count as one of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// What it is called, to stand in a sentence: `chronyd's protocol over its Unix socket`.
    pub name: Box<str>,
    /// Whether what is known of the daemon came on it.
    pub is_used: bool,
    /// Whether it answered when it was last asked; one that is not used is asked seldom.
    pub answers: bool,
}

/// The daemon's list of associations, as READSTAT gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Associations {
    /// The system's status word.
    pub system: SystemStatus,
    /// Associations with their status words, in order of their ids.
    pub list: Vec<(AssocId, PeerStatus)>,
}

/// One association as an operator sees it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// What the daemon calls it for now.
    pub id: AssocId,
    /// Its status word, from the latest list.
    pub status: PeerStatus,
    /// The variables that the peers table shows.
    pub row: Part<Values>,
    /// The other scalars, the filter arrays and the counters: all that is asked only for an
    /// association that somebody looks at, each as its own reply brought it.
    pub details: [Part<Values>; Detail::COUNT],
}

/// The questions of an association's details; each has its place in [`Peer::details`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// The scalars.
    Scalars,
    /// The filter arrays, and the counters that no default reply has.
    Counters,
    /// The variables of the reference clock, where it is one.
    Clock,
}

impl Detail {
    /// How many there are.
    pub const COUNT: usize = 3;

    /// All of them, in the order of [`Peer::details`].
    pub const ALL: [Self; Self::COUNT] = [Self::Scalars, Self::Counters, Self::Clock];
}

impl Peer {
    /// An association of which only the list tells yet.
    pub fn new(id: AssocId, status: PeerStatus) -> Self {
        Self { id, status, row: Part::not_asked(), details: Default::default() }
    }

    /// One of its detail parts.
    pub const fn detail(&self, which: Detail) -> &Part<Values> {
        let [scalars, counters, clock] = &self.details;
        match which {
            Detail::Scalars => scalars,
            Detail::Counters => counters,
            Detail::Clock => clock,
        }
    }

    /// One of its detail parts, to be replaced.
    pub const fn detail_mut(&mut self, which: Detail) -> &mut Part<Values> {
        let [scalars, counters, clock] = &mut self.details;
        match which {
            Detail::Scalars => scalars,
            Detail::Counters => counters,
            Detail::Clock => clock,
        }
    }

    /// The newest value of a peer variable from any part that has it, with when it was learned.
    ///
    /// # Errors
    /// Why no part has it: the reason of the part that was asked for it.
    pub fn value(&self, variable: &'static Variable) -> Result<(&Value, Dated), Absent> {
        let parts = [&self.row, self.detail(Detail::Scalars), self.detail(Detail::Counters)];
        let mut why = Absent::NotAskedYet;
        let mut newest: Option<(&Value, Dated)> = None;
        for part in parts {
            let (Some(values), Some(dated)) = (part.latest(), part.dated()) else {
                if let (Absent::NotAskedYet, Some(trouble)) = (&why, part.trouble()) {
                    why = trouble.clone();
                }
                continue;
            };
            match values.get(variable) {
                Ok(value) if newest.is_none_or(|(_, d)| d.answered < dated.answered) => {
                    newest = Some((value, dated));
                }
                Ok(_) | Err(Absent::NotAskedYet) => {}
                // Another part may have told more of the reason.
                Err(Absent::NotInFamily) if why != Absent::NotAskedYet => {}
                Err(reason) => why = reason,
            }
        }
        newest.ok_or(why)
    }

    /// The newest span of time called `variable`.
    pub fn duration(&self, variable: &'static Variable) -> Option<NtpDuration> {
        match self.value(variable) {
            Ok((Value::Duration(span), _)) => Some(*span),
            _ => None,
        }
    }
}

/// How the conversation with a daemon stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Contact {
    /// Its name is being looked up: before that nothing happens, so it comes first.
    #[default]
    Resolving,
    /// Its name cannot be resolved; the text says why.
    NoAddress {
        /// What the resolver said.
        why: Box<str>,
    },
    /// It was asked and there has been time for no answer yet.
    Asking {
        /// Since when.
        since: Mono,
    },
    /// It answers.
    Answering {
        /// The last answer.
        last: Mono,
        /// How long the last one took.
        round_trip: Duration,
    },
    /// It answers some questions and lets others fall: its rate limiter is at work.
    RateLimited {
        /// The last answer.
        last: Mono,
        /// When the next question goes out.
        resume: Mono,
    },
    /// It is the engine in this process, and it does not run: it could not start, or ended.
    Ended {
        /// Why.
        why: Box<str>,
        /// When what is known of it was new, if anything is.
        last: Option<Mono>,
    },
    /// Nothing comes back.
    Silent {
        /// Since when nothing was answered.
        since: Mono,
        /// The last answer, if there ever was one.
        last: Option<Mono>,
    },
    /// The network says that it cannot be reached, or that nothing listens.
    Unreachable {
        /// What the network says.
        why: Unreachable,
        /// Since when.
        since: Mono,
        /// The last answer, if there ever was one.
        last: Option<Mono>,
    },
    /// It answers, but refuses what is asked.
    Refusing {
        /// The refusal.
        why: Failure,
        /// Since when.
        since: Mono,
        /// The last good answer, if there ever was one.
        last: Option<Mono>,
    },
    /// What comes back is not control messages.
    Garbage {
        /// What is wrong with it.
        why: Malformed,
        /// Since when.
        since: Mono,
        /// The last good answer, if there ever was one.
        last: Option<Mono>,
    },
}

impl Contact {
    /// What may be the matter with a daemon that was never heard, in a clause with the words of
    /// the configurations that make it keep silence.
    pub const WHY_SILENT: &str = "stopped, filtered on the way, told not to answer (noquery) or \
                                  never allowed to (no cmdallow)";

    /// Whether values on screen are as fresh as they can be.
    pub const fn is_fresh(&self) -> bool {
        matches!(self, Self::Answering { .. } | Self::RateLimited { .. })
    }

    /// Whether nothing comes back, or nothing gets there.
    pub const fn is_lost(&self) -> bool {
        matches!(self, Self::Silent { .. } | Self::Unreachable { .. })
    }

    /// The last good answer, if there ever was one.
    pub const fn last_answer(&self) -> Option<Mono> {
        match self {
            Self::Answering { last, .. } | Self::RateLimited { last, .. } => Some(*last),
            Self::Silent { last, .. }
            | Self::Unreachable { last, .. }
            | Self::Refusing { last, .. }
            | Self::Ended { last, .. }
            | Self::Garbage { last, .. } => *last,
            _ => None,
        }
    }
}

impl Daemon {
    /// The association called `id`.
    pub fn peer(&self, id: AssocId) -> Option<&Arc<Peer>> {
        self.peers.iter().find(|peer| peer.id == id)
    }

    /// What the daemon's own clock shows at `now`, from its last reading and our time since.
    ///
    /// `None` while it has not told. Half the round trip is taken as the way back.
    pub fn clock_at(&self, now: Mono) -> Option<NtpTimestamp> {
        let (clock, dated) = self.clock_reading()?;
        let read = middle(dated);
        Some(clock + NtpDuration::from(now.since(read)))
    }

    /// How far the daemon's clock is ahead of ours, and the error of saying so (half the round
    /// trip). `None` while it has not told.
    pub fn clock_difference(&self) -> Option<(NtpDuration, NtpDuration)> {
        let (clock, dated) = self.clock_reading()?;
        let half = dated.answered.since(dated.asked) / 2;
        let ahead = (clock + NtpDuration::from(half)) - dated.clock;
        Some((ahead, NtpDuration::from(half)))
    }

    /// How long ago, by the daemon's own clock, it received the last packet of `peer`.
    ///
    /// Our monotonic clock counts on from the daemon's answer, so neither a clock that differs from
    /// ours nor an answer that is late makes the age wrong. Where the daemon tells ages rather than
    /// times, ours counts on from those: they are whole seconds, and of its last good sample.
    pub fn age(&self, peer: &Peer, now: Mono) -> Option<Duration> {
        if let Ok((Value::Duration(age), dated)) = peer.value(&peer::SAMPLE_AGE) {
            return age.to_std().map(|age| age + now.since(dated.answered));
        }
        let clock = self.clock_at(now)?;
        let received = match peer.value(&peer::RECEIVE) {
            Ok((Value::Timestamp(stamp), _)) => *stamp,
            _ => match peer.value(&peer::REFERENCE_TIME) {
                Ok((Value::Timestamp(stamp), _)) => *stamp,
                _ => return None,
            },
        };
        (clock - received).to_std()
    }

    fn clock_reading(&self) -> Option<(NtpTimestamp, Dated)> {
        let clock = self.system.latest()?.timestamp(&system::CLOCK)?;
        Some((clock, self.system.dated()?))
    }
}

/// Half way between question and answer: when the daemon probably read its clock.
fn middle(dated: Dated) -> Mono {
    dated.asked + dated.answered.since(dated.asked) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(seconds: u32) -> NtpTimestamp {
        NtpTimestamp::from_bits(u64::from(seconds) << 32)
    }

    #[test]
    fn ages_count_on_the_daemons_clock_from_its_last_answer() {
        let second = |n: u64| Mono::from_nanos(n * 1_000_000_000);
        let dated = Dated { asked: second(10), answered: second(12), clock: stamp(5011) };
        let system = Values::typed([(&system::CLOCK, Value::Timestamp(stamp(1000)))]);
        let row = Values::typed([(&peer::RECEIVE, Value::Timestamp(stamp(990)))]);
        let mut source = Peer::new(AssocId::new(1), PeerStatus::default());
        source.row = Part::answered(row, dated);
        let daemon = Daemon { system: Part::answered(system, dated), ..Daemon::default() };
        assert_eq!(daemon.age(&source, second(11)), Some(Duration::from_secs(10)));
        assert_eq!(daemon.age(&source, second(31)), Some(Duration::from_secs(30)));
        let (ahead, error) = daemon.clock_difference().unwrap();
        assert_eq!(ahead, NtpDuration::from_seconds(-4010.0));
        assert_eq!(error, NtpDuration::from_seconds(1.0));
    }
}
