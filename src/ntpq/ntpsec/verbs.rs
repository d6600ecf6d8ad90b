//! Which machine does what a command says in NTPsec's style.

use crate::ntpq::command::{Line, Verb};
use crate::ntpq::job::Job;
use crate::ntpq::ntpsec::associations::AssociationList;
use crate::ntpq::ntpsec::config::{Configure, ConfigureFromFile};
use crate::ntpq::ntpsec::counters::Details;
use crate::ntpq::ntpsec::lists::List;
use crate::ntpq::ntpsec::mrulist::MruTable;
use crate::ntpq::ntpsec::reading::Reading;
use crate::ntpq::ntpsec::settings::Setting;

/// The machine for a line; `None` where both styles have the same.
pub fn job(line: &Line) -> Option<Box<dyn Job>> {
    Some(match line.command.verb {
        Verb::Associations { cached, .. } => Box::new(AssociationList::new(cached)),
        Verb::ReadList
        | Verb::ReadVariables
        | Verb::ClockList
        | Verb::ClockVariables
        | Verb::SeveralLists
        | Verb::SeveralVariables => Box::new(Reading::new(line)),
        Verb::Interfaces | Verb::Restrictions => Box::new(List::new(line)),
        Verb::Counters(_) | Verb::PeerCounters => Box::new(Details::new(line)),
        Verb::Mru => Box::new(MruTable::new(line)),
        Verb::Peers { .. } | Verb::Raw | Verb::Cooked => return None,
        Verb::Configure => Box::new(Configure::new(line)),
        Verb::ConfigureFromFile => Box::new(ConfigureFromFile::new(line)),
        _ => Box::new(Setting::new(line.clone())),
    })
}
