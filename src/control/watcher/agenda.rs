//! What there is to ask, and what of it is most urgent.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::control::pipeline::Ticket;
use crate::model::Interest;
use crate::model::daemon::Detail;
use crate::model::statistics::Section;
use crate::units::{AssocId, Mono};

/// What a question is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// The list of associations.
    List,
    /// Who answers.
    Version,
    /// The variables of the system.
    System,
    /// The row of an association.
    Row(AssocId),
    /// Details of an association.
    Detail(AssocId, Detail),
    /// What it counts.
    Counted(Section),
    /// The addresses that it listens on.
    Interfaces,
    /// Whom it lets do what.
    Restrictions,
}

impl Purpose {
    /// What is asked only while somebody looks at what the daemon counts: what control messages
    /// tell of it, what changes most first.
    pub(super) const STATISTICS: [Self; 8] = [
        Self::Counted(Section::Packets),
        Self::Counted(Section::Network),
        Self::Counted(Section::Clients),
        Self::Counted(Section::Authentication),
        Self::Counted(Section::TimeSecurity),
        Self::Counted(Section::Kernel),
        Self::Interfaces,
        Self::Restrictions,
    ];

    /// Whether it is one of those.
    pub(super) const fn is_statistics(self) -> bool {
        matches!(self, Self::Counted(_) | Self::Interfaces | Self::Restrictions)
    }
}

/// One thing to ask again and again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Item {
    /// When it is to be asked; `None` when it is not.
    pub(super) due: Option<Mono>,
    /// How soon a delay matters.
    pub(super) period: Duration,
    /// The question that is under way.
    pub(super) ticket: Option<Ticket>,
    /// When it was last asked.
    pub(super) asked: Option<Mono>,
    /// Whether it ever came to something.
    pub(super) known: bool,
    /// Failures in a row.
    pub(super) failures: u32,
}

impl Item {
    /// It is not to be had of this daemon and not asked again.
    pub(super) const fn leave(&mut self, now: Mono) {
        (self.asked, self.due, self.known) = (Some(now), None, true);
    }
}

/// Everything that there is to ask.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    items: BTreeMap<Purpose, Item>,
    /// Rows on screen with their places; all are while it is not known which.
    on_screen: Option<BTreeMap<AssocId, usize>>,
}

/// How urgent something is; the least is the most urgent.
type Urgency = (u8, usize, Reverse<u128>);

impl Agenda {
    pub(super) fn item(&mut self, purpose: Purpose) -> &mut Item {
        self.items.entry(purpose).or_default()
    }

    pub(super) fn get(&self, purpose: Purpose) -> Option<&Item> {
        self.items.get(&purpose)
    }

    /// Makes something due at `now` unless it is under way or was due earlier.
    pub(super) fn want(&mut self, now: Mono, purpose: Purpose) {
        let item = self.item(purpose);
        item.due = Some(item.due.map_or(now, |due| due.min(now)));
        if item.period.is_zero() {
            item.period = NEW_PERIOD;
        }
    }

    /// Forgets everything about an association; the questions that were under way.
    pub(super) fn remove_association(&mut self, id: AssocId) -> Vec<Ticket> {
        let mut tickets = self.remove_details(id);
        tickets.extend(self.items.remove(&Purpose::Row(id)).and_then(|item| item.ticket));
        tickets
    }

    /// Forgets the details of an association; the questions that were under way.
    pub(super) fn remove_details(&mut self, id: AssocId) -> Vec<Ticket> {
        let details = Detail::ALL.map(|which| Purpose::Detail(id, which));
        let removed = details.iter().filter_map(|purpose| self.items.remove(purpose));
        removed.filter_map(|item| item.ticket).collect()
    }

    /// Takes note of what is on screen.
    pub(super) fn look_at(&mut self, interest: &Interest) {
        let places = interest.rows.iter().enumerate().map(|(place, id)| (*id, place));
        self.on_screen = (!interest.rows.is_empty()).then(|| places.rev().collect());
    }

    /// Whether the row of an association is on screen.
    pub(super) fn is_on_screen(&self, id: AssocId) -> bool {
        self.on_screen.as_ref().is_none_or(|places| places.contains_key(&id))
    }

    /// How many rows are on screen, if that is known.
    pub(super) fn on_screen(&self) -> Option<usize> {
        self.on_screen.as_ref().map(BTreeMap::len)
    }

    /// Whether everything that came up was answered or given up once.
    pub(super) fn is_settled(&self) -> bool {
        let idle = |item: &Item| item.due.is_none() && item.ticket.is_none();
        self.items.values().all(|item| item.known || item.failures > 0 || idle(item))
    }

    /// Those of `wanted` that are due and not under way, the most urgent first.
    pub(super) fn due(&self, now: Mono, wanted: impl Fn(Purpose) -> bool) -> Vec<Purpose> {
        let due = self
            .items
            .iter()
            .filter(|(_, item)| item.ticket.is_none() && item.due.is_some_and(|due| due <= now));
        let mut due: Vec<_> = due
            .filter(|(purpose, _)| wanted(**purpose))
            .map(|(purpose, item)| (self.urgency(now, *purpose, item), *purpose))
            .collect();
        due.sort_unstable();
        due.into_iter().map(|(_, purpose)| purpose).collect()
    }

    /// When the next of `wanted` that is not due at `now` will be.
    pub(super) fn next_due(&self, now: Mono, wanted: impl Fn(Purpose) -> bool) -> Option<Mono> {
        let open = self.items.iter().filter(|(_, item)| item.ticket.is_none());
        let wanted = open.filter(|(purpose, _)| wanted(**purpose));
        wanted.filter_map(|(_, item)| item.due).filter(|due| *due > now).min()
    }

    /// Makes due what is on screen, unless it was asked for a moment ago.
    pub(super) fn refresh(&mut self, now: Mono, least: Duration) {
        let on_screen = &self.on_screen;
        for (purpose, item) in &mut self.items {
            let shown = match purpose {
                Purpose::Row(id) => on_screen.as_ref().is_none_or(|all| all.contains_key(id)),
                Purpose::Version => false,
                Purpose::List
                | Purpose::System
                | Purpose::Detail(..)
                | Purpose::Counted(_)
                | Purpose::Interfaces
                | Purpose::Restrictions => true,
            };
            let is_old = item.asked.is_none_or(|asked| now.since(asked) >= least);
            if shown && is_old && item.ticket.is_none() {
                item.due = Some(now);
            }
        }
    }

    /// First what is not known yet in the order of its use, then what is late in relation to how
    /// soon that matters. The list comes before the rows, but only when it is late: rows on screen
    /// go first while little can be asked.
    fn urgency(&self, now: Mono, purpose: Purpose, item: &Item) -> Urgency {
        let late = item.due.map_or(Duration::ZERO, |due| now.since(due));
        let place = |id| match &self.on_screen {
            None => Some(0),
            Some(places) => places.get(&id).copied(),
        };
        let class = match purpose {
            Purpose::List if !item.known || late >= item.period => Some((0, 0)),
            Purpose::Version => Some((1, 0)),
            Purpose::Row(id) if !item.known => place(id).map(|place| (2, place)),
            Purpose::System if !item.known => Some((3, 0)),
            Purpose::Detail(..) if !item.known => Some((4, 0)),
            purpose if purpose.is_statistics() && !item.known => Some((4, 1)),
            _ => None,
        };
        let lateness = late.as_millis() * 1000 / item.period.as_millis().max(1);
        let (class, place) = class.unwrap_or((5, 0));
        (class, place, Reverse(lateness))
    }
}

/// How soon a delay matters before it is known how often something changes.
const NEW_PERIOD: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::from_nanos(seconds * 1_000_000_000)
    }

    fn row(number: u16) -> Purpose {
        Purpose::Row(AssocId::new(number))
    }

    #[test]
    fn what_is_not_known_comes_first_and_rows_in_the_order_of_the_screen() {
        let mut agenda = Agenda::default();
        for purpose in [row(1), row(2), row(3), Purpose::System, Purpose::Version, Purpose::List] {
            agenda.want(at(1), purpose);
        }
        let rows = vec![AssocId::new(3), AssocId::new(1)];
        agenda.look_at(&Interest { rows, details: None, visible: true, ..Interest::default() });
        let order = agenda.due(at(1), |_| true);
        let expected = [Purpose::List, Purpose::Version, row(3), row(1), Purpose::System, row(2)];
        assert_eq!(order, expected);
    }

    #[test]
    fn what_is_known_is_asked_by_how_late_it_is() {
        let mut agenda = Agenda::default();
        for (purpose, due, period) in [(row(1), 1, 60), (row(2), 5, 4), (Purpose::List, 9, 2)] {
            let item = agenda.item(purpose);
            (item.due, item.period, item.known) =
                (Some(at(due)), Duration::from_secs(period), true);
        }
        assert_eq!(agenda.due(at(10), |_| true), [row(2), Purpose::List, row(1)]);
        assert_eq!(agenda.due(at(12), |_| true), [Purpose::List, row(2), row(1)]);
        assert_eq!(agenda.next_due(at(5), |_| true), Some(at(9)));
    }
}
