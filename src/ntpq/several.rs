//! `mreadlist` and `mreadvar`: variables of several associations, those from one to another in the
//! list. All are asked together and printed in order.

use crate::model::question::{Failure, Question};
use crate::model::reply::Reply;
use crate::ntpq::address::NetAddress;
use crate::ntpq::command::{Line, Verb};
use crate::ntpq::job::{Answer, Job, Need, Step};
use crate::ntpq::printer;
use crate::ntpq::reading;
use crate::ntpq::session::Session;
use crate::ntpq::variables::{self, Reading};
use crate::units::AssocId;

/// Reads variables of several associations and prints them.
#[derive(Debug)]
pub struct SeveralReadings {
    verb: Verb,
    ends: (u32, u32),
    names: Option<String>,
    is_listed: bool,
    readings: Vec<Reading>,
    replies: Vec<Result<Reply, Failure>>,
    looked_up: Vec<NetAddress>,
}

impl SeveralReadings {
    /// Reads what `line` says.
    pub fn new(line: &Line) -> Self {
        Self {
            verb: line.command.verb,
            ends: (line.unsigned(0).unwrap_or(0), line.unsigned(1).unwrap_or(0)),
            names: line.text(2).map(str::to_owned),
            is_listed: false,
            readings: Vec::new(),
            replies: Vec::new(),
            looked_up: Vec::new(),
        }
    }

    fn ask(&mut self, session: &mut Session) -> Step {
        if session.associations.is_empty() && !self.is_listed {
            self.is_listed = true;
            return Step::Need(session.ask(vec![Question::associations()]));
        }
        let Some(chosen) = self.chosen(session) else { return Step::Done };
        let variables = match &self.names {
            None => session.variables.clone(),
            Some(names) => {
                let mut list = Vec::new();
                variables::add_variables(&mut list, names, session);
                list
            }
        };
        let text = variables::request_text(&variables, session);
        self.readings =
            chosen.iter().map(|id| Reading::of_peer(*id, &variables, session)).collect();
        let names = || (!text.is_empty()).then_some(text.as_str());
        let questions = chosen.iter().map(|id| Question::variables(*id, names())).collect();
        Step::Need(session.ask(questions))
    }

    /// The associations in question; complains when an end is not in the list.
    fn chosen(&self, session: &mut Session) -> Option<Vec<AssocId>> {
        let mut places = Vec::new();
        for number in [self.ends.0, self.ends.1] {
            // Number 0, the daemon elsewhere, is no association here.
            let id = u16::try_from(number).ok().filter(|id| *id != 0).map(AssocId::new);
            let Some(id) = id else {
                let text = format!("***Invalid association ID {number} specified\n");
                session.complain(&text);
                return None;
            };
            places.push((id, session.associations.iter().position(|(known, _)| *known == id)));
        }
        for (id, place) in &places {
            if place.is_none() {
                session.complain(&format!("***Association ID {id} not found in list\n"));
                return None;
            }
        }
        let places: Vec<usize> = places.iter().filter_map(|(_, place)| *place).collect();
        let (from, to) = (*places.iter().min()?, *places.iter().max()?);
        Some(session.associations.get(from..=to)?.iter().map(|(id, _)| *id).collect())
    }

    fn take_replies(
        &mut self,
        session: &mut Session,
        replies: Vec<Result<Reply, Failure>>,
    ) -> Step {
        self.replies = replies;
        if !session.settings.raw {
            let addresses =
                self.replies.iter().filter_map(|reply| reply.as_ref().ok()).flat_map(|reply| {
                    printer::addresses(&reading::items(reply.data(), &mut Vec::new()))
                });
            self.looked_up = session.names_needed(addresses);
        }
        if self.looked_up.is_empty() {
            self.print(session);
            return Step::Done;
        }
        Step::Need(Need::Names(self.looked_up.clone()))
    }

    /// Prints one after the other; the first that failed ends it.
    fn print(&self, session: &mut Session) {
        let is_separated = self.verb == Verb::SeveralLists;
        for (place, (reading, reply)) in self.readings.iter().zip(&self.replies).enumerate() {
            if is_separated && place > 0 {
                session.print("\n");
            }
            match reply {
                Ok(reply) => reading.print(session, reply),
                Err(failure) => return session.report(failure, reading.association()),
            }
        }
    }
}

impl Job for SeveralReadings {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match answer {
            None => return self.ask(session),
            Some(Answer::Replies(replies)) if self.readings.is_empty() => {
                if let Some(reply) = replies.first() {
                    session.take_associations(reply);
                }
                return self.ask(session);
            }
            Some(Answer::Replies(replies)) => return self.take_replies(session, replies),
            Some(Answer::Names(names)) => {
                session.take_names(&self.looked_up, names);
                self.print(session);
            }
            Some(_) => {}
        }
        Step::Done
    }
}
