//! What a daemon counts and has on its lists: what is asked only while somebody looks at it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::absent::Absent;
use crate::model::identity::Dialect;
use crate::model::lists::{Interface, Restriction};
use crate::model::part::{Dated, Part};
use crate::model::values::{Value, Values};
use crate::model::vars::lists::counted::{self, Counts};
use crate::model::vars::{self, Variable};

/// Counters and states that are told together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Packets, and what became of them.
    Packets,
    /// What a daemon with commands of its own tells of serving.
    Service,
    /// The sockets, their buffers, and the daemon's timer.
    Network,
    /// The list of clients.
    Clients,
    /// Keys and how often they were used.
    Authentication,
    /// Network time security.
    TimeSecurity,
    /// How many of its sources it polls.
    Activity,
    /// The kernel's clock loop.
    Kernel,
    /// The real-time clock.
    RealTimeClock,
    /// How served time is kept smooth.
    Smoothing,
}

impl Section {
    /// How many there are.
    pub const COUNT: usize = 10;

    /// All of them, those first that one looks at first.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Packets,
        Self::Service,
        Self::Network,
        Self::Clients,
        Self::Authentication,
        Self::TimeSecurity,
        Self::Activity,
        Self::Kernel,
        Self::RealTimeClock,
        Self::Smoothing,
    ];

    /// What it holds.
    pub const fn counts(self) -> &'static Counts {
        match self {
            Self::Packets => &counted::PACKETS,
            Self::Service => &counted::SERVICE,
            Self::Network => &counted::NETWORK,
            Self::Clients => &counted::CLIENTS,
            Self::Authentication => &counted::AUTHENTICATION,
            Self::TimeSecurity => &counted::TIME_SECURITY,
            Self::Activity => &counted::ACTIVITY,
            Self::Kernel => &counted::KERNEL,
            Self::RealTimeClock => &counted::REAL_TIME_CLOCK,
            Self::Smoothing => &counted::SMOOTHING,
        }
    }

    /// The names to ask of `dialect` in one question; none where it has nothing of this section.
    pub fn askable(self, dialect: Dialect) -> Vec<&'static Variable> {
        let all: Vec<_> = self.counts().variables().collect();
        vars::askable(&all, dialect)
    }
}

/// All that a daemon counts and has on its lists.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    sections: BTreeMap<Section, Counted>,
    /// The addresses it listens on.
    pub interfaces: Part<Vec<Interface>>,
    /// Whom it lets do what, in the order in which the entries are tried.
    pub restrictions: Part<Vec<Restriction>>,
}

impl Statistics {
    /// One section.
    pub fn section(&self, section: Section) -> &Counted {
        self.sections.get(&section).unwrap_or(&NOT_ASKED)
    }

    /// One section, to be changed.
    pub fn section_mut(&mut self, section: Section) -> &mut Counted {
        self.sections.entry(section).or_default()
    }

    /// What a variable of any section is now, with the section.
    pub fn find(&self, variable: &'static Variable) -> Option<(Section, &Value)> {
        Section::ALL.into_iter().find_map(|section| {
            let values = self.section(section).part().latest()?;
            Some((section, values.get(variable).ok()?))
        })
    }

    /// How quickly a counter of any section grows, in counts a second.
    pub fn rate(&self, variable: &'static Variable) -> Option<f64> {
        Section::ALL.into_iter().find_map(|section| self.section(section).rate(variable))
    }
}

/// One section as it was told last, and as it was told before that: rates are of the time between.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    latest: Part<Values>,
    before: Option<(Arc<Values>, Dated)>,
}

impl Counted {
    /// The latest, or why there is none.
    pub const fn part(&self) -> &Part<Values> {
        &self.latest
    }

    /// Takes in an answer.
    pub fn renew(&mut self, values: Values, dated: Dated) {
        self.before = self.latest.latest_shared().cloned().zip(self.latest.dated());
        self.latest = self.latest.renewed(values, dated);
    }

    /// Takes in why there is no newer answer.
    pub fn fail(&mut self, why: Absent) {
        self.latest = self.latest.failed(why);
    }

    /// The time that rates are of: between the last two answers.
    pub fn span(&self) -> Option<Duration> {
        let (_, before) = self.before.as_ref()?;
        let span = self.latest.dated()?.answered.since(before.answered);
        (!span.is_zero()).then_some(span)
    }

    /// How quickly a counter grew between the last two answers, in counts a second.
    ///
    /// `None` while there is one answer only, and when the counter was reset in between: it is less
    /// than it was.
    pub fn rate(&self, variable: &'static Variable) -> Option<f64> {
        let (before, _) = self.before.as_ref()?;
        let more =
            self.latest.latest()?.unsigned(variable)?.checked_sub(before.unsigned(variable)?)?;
        #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
        let more = more as f64;
        Some(more / self.span()?.as_secs_f64())
    }
}

/// Of which nothing is known.
static NOT_ASKED: Counted = Counted { latest: Part::not_asked(), before: None };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::vars::system;
    use crate::units::Mono;

    fn dated(seconds: u64) -> Dated {
        let at = Mono::from_nanos(seconds * 1_000_000_000);
        Dated { asked: at, answered: at, ..Dated::default() }
    }

    fn received(count: u64) -> Values {
        Values::typed([(&system::RECEIVED, Value::Unsigned(count))])
    }

    #[test]
    fn rates_are_of_the_time_between_the_last_two_answers() {
        let mut statistics = Statistics::default();
        let rate = |statistics: &Statistics| statistics.rate(&system::RECEIVED);
        statistics.section_mut(Section::Packets).renew(received(100), dated(10));
        assert_eq!(rate(&statistics), None, "one answer is no rate");
        statistics.section_mut(Section::Packets).renew(received(150), dated(14));
        assert!((rate(&statistics).unwrap() - 12.5).abs() < 1e-9);
        statistics.section_mut(Section::Packets).renew(received(150), dated(18));
        assert!(rate(&statistics).unwrap().abs() < 1e-9);
        statistics.section_mut(Section::Packets).renew(received(3), dated(22));
        assert_eq!(rate(&statistics), None, "it was reset");
        statistics.section_mut(Section::Packets).fail(Absent::NotGiven);
        let (section, value) = statistics.find(&system::RECEIVED).unwrap();
        assert_eq!((section, value), (Section::Packets, &Value::Unsigned(3)));
    }

    #[test]
    fn every_section_has_its_place() {
        for section in Section::ALL {
            let mut statistics = Statistics::default();
            statistics.section_mut(section).renew(received(1), dated(1));
            assert_eq!(statistics.find(&system::RECEIVED).unwrap().0, section);
        }
    }
}
