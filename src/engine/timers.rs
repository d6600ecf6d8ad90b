//! The deadlines of an engine, in one ordered queue.
//!
//! Whatever has to happen later has one place here, so that an engine sleeps until the first of
//! them and does nothing for the others: no association costs anything per second.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::units::{AssocId, Mono};

/// What is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::engine) enum Timer {
    /// An association is polled.
    Poll(AssocId),
    /// A request of an association has waited long enough for its reply.
    Expire(AssocId),
    /// A name is looked up.
    Resolve(AssocId),
    /// Sources are selected.
    Select,
    /// This host becomes an orphan.
    Orphan,
    /// The discipline acts.
    Discipline,
    /// A leap second goes by.
    Leap,
    /// The frequency is kept, if it changed.
    Drift,
}

/// Deadlines by time, at most one of each kind.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Timers {
    queue: BTreeSet<(Mono, Timer)>,
    set: BTreeMap<Timer, Mono>,
}

impl Timers {
    /// Sets a deadline, in place of the one it had.
    pub(in crate::engine) fn set(&mut self, timer: Timer, at: Mono) {
        if let Some(before) = self.set.insert(timer, at) {
            self.queue.remove(&(before, timer));
        }
        self.queue.insert((at, timer));
    }

    /// Takes a deadline away.
    pub(in crate::engine) fn cancel(&mut self, timer: Timer) {
        if let Some(before) = self.set.remove(&timer) {
            self.queue.remove(&(before, timer));
        }
    }

    /// Takes out what is due first at `now`; `None` when nothing is.
    pub(in crate::engine) fn pop_due(&mut self, now: Mono) -> Option<Timer> {
        let (at, timer) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.queue.pop_first();
        self.set.remove(&timer);
        Some(timer)
    }

    /// The first deadline.
    pub(in crate::engine) fn next(&self) -> Option<Mono> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// When something is to happen.
    pub(in crate::engine) fn at(&self, timer: Timer) -> Option<Mono> {
        self.set.get(&timer).copied()
    }

    /// The first moment from `from` on that keeps `separation` from the polls of all associations
    /// but `id`. After a few tries it takes what it has: being a little crowded does no harm.
    pub(in crate::engine) fn free_slot(
        &self,
        id: AssocId,
        from: Mono,
        separation: Duration,
    ) -> Mono {
        let mut slot = from;
        for _ in 0..SLOT_TRIES {
            let span = u64::try_from(separation.as_nanos()).unwrap_or(u64::MAX);
            let low = Mono::from_nanos(slot.nanos().saturating_sub(span).saturating_add(1));
            let taken = self
                .queue
                .range((low, Timer::Poll(AssocId::SYSTEM))..)
                .take_while(|(at, _)| *at < slot + separation)
                .filter(|(_, timer)| matches!(timer, Timer::Poll(other) if *other != id))
                .last();
            match taken {
                Some((at, _)) => slot = *at + separation,
                None => break,
            }
        }
        slot
    }
}

const SLOT_TRIES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::from_nanos(millis * 1_000_000)
    }

    fn poll(id: u16) -> Timer {
        Timer::Poll(AssocId::new(id))
    }

    #[test]
    fn the_last_deadline_set_counts_and_the_first_due_comes_first() {
        let mut timers = Timers::default();
        timers.set(poll(1), at(50));
        timers.set(Timer::Select, at(20));
        timers.set(poll(1), at(10));
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!(timers.pop_due(at(9)), None);
        assert_eq!(timers.pop_due(at(60)), Some(poll(1)));
        assert_eq!(timers.pop_due(at(60)), Some(Timer::Select));
        assert_eq!((timers.pop_due(at(60)), timers.next()), (None, None));
        timers.set(Timer::Drift, at(5));
        timers.cancel(Timer::Drift);
        assert_eq!((timers.at(Timer::Drift), timers.next()), (None, None));
    }

    #[test]
    fn polls_of_different_sources_are_kept_apart() {
        let mut timers = Timers::default();
        let apart = Duration::from_millis(200);
        timers.set(poll(1), at(1000));
        timers.set(poll(2), at(1200));
        timers.set(Timer::Select, at(1500));
        assert_eq!(timers.free_slot(AssocId::new(3), at(950), apart), at(1400));
        assert_eq!(timers.free_slot(AssocId::new(3), at(1400), apart), at(1400));
        assert_eq!(timers.free_slot(AssocId::new(3), at(700), apart), at(700));
        // Its own deadline is not in its way.
        assert_eq!(timers.free_slot(AssocId::new(2), at(1200), apart), at(1200));
    }
}
