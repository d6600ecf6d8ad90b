//! Which machine does what a command says.

use crate::ntpq::associations::AssociationList;
use crate::ntpq::changes::{Change, ConfigurationFile};
use crate::ntpq::command::{Line, Verb};
use crate::ntpq::counters::Details;
use crate::ntpq::interfaces::interface_table;
use crate::ntpq::job::Job;
use crate::ntpq::mrulist::MruTable;
use crate::ntpq::ntpsec;
use crate::ntpq::peers::PeerTable;
use crate::ntpq::restrictions::restriction_table;
use crate::ntpq::settings::Setting;
use crate::ntpq::several::SeveralReadings;
use crate::ntpq::style::Style;
use crate::ntpq::variables::Reading;

/// The machine for a line.
pub fn job(line: &Line, style: Style) -> Box<dyn Job> {
    if style == Style::Ntpsec
        && let Some(job) = ntpsec::verbs::job(line)
    {
        return job;
    }
    match line.command.verb {
        Verb::Peers { columns, all } => Box::new(PeerTable::new(columns, all, line)),
        Verb::Associations { all, cached } => Box::new(AssociationList::new(all, cached)),
        Verb::ReadList | Verb::ReadVariables | Verb::ClockList | Verb::ClockVariables => {
            Box::new(Reading::new(line))
        }
        Verb::PeerCounters | Verb::Counters(_) => Box::new(Details::new(line)),
        Verb::SeveralLists | Verb::SeveralVariables => Box::new(SeveralReadings::new(line)),
        Verb::Interfaces => Box::new(interface_table()),
        Verb::Restrictions => Box::new(restriction_table()),
        Verb::Configure | Verb::SaveConfiguration | Verb::WriteList | Verb::WriteVariables => {
            Box::new(Change::new(line.clone()))
        }
        Verb::ConfigureFromFile => Box::new(ConfigurationFile::new(line)),
        Verb::Mru => Box::new(MruTable::new(line)),
        _ => Box::new(Setting::new(line.clone())),
    }
}
