//! Which machine does what a command says.

use crate::ntpq::associations::AssociationList;
use crate::ntpq::command::{Line, Verb};
use crate::ntpq::counters::Details;
use crate::ntpq::interfaces::InterfaceTable;
use crate::ntpq::job::{Answer, Job, Step};
use crate::ntpq::peers::PeerTable;
use crate::ntpq::session::Session;
use crate::ntpq::settings::Setting;
use crate::ntpq::variables::Reading;

/// The machine for a line.
pub fn job(line: &Line) -> Box<dyn Job> {
    match line.command.verb {
        Verb::Peers { columns, all } => Box::new(PeerTable::new(columns, all, line)),
        Verb::Associations { all, cached } => Box::new(AssociationList::new(all, cached)),
        Verb::ReadList | Verb::ReadVariables | Verb::ClockList | Verb::ClockVariables => {
            Box::new(Reading::new(line))
        }
        Verb::PeerCounters | Verb::Counters(_) => Box::new(Details::new(line)),
        Verb::Interfaces => Box::new(InterfaceTable::default()),
        Verb::Absent => Box::new(NotHere(line.command.name)),
        _ => Box::new(Setting::new(line.clone())),
    }
}

/// A command that is known and not done here.
struct NotHere(&'static str);

impl Job for NotHere {
    fn resume(&mut self, session: &mut Session, _: Option<Answer>) -> Step {
        session.complain(&format!("***Command `{}' is not available in ntpscope yet\n", self.0));
        Step::Done
    }
}
