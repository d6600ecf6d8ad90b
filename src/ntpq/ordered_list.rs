//! Lists that are told to those who have a key: one question, and a table.

use crate::model::question::Question;
use crate::model::reply::Reply;
use crate::ntpq::job::{Answer, Job, Step};
use crate::ntpq::keys::{KeyPrompt, Prompted};
use crate::ntpq::session::Session;
use crate::units::AssocId;

/// Asks for a list and prints it.
#[derive(Debug)]
pub struct OrderedList {
    key: KeyPrompt,
    /// What the daemon calls it.
    name: &'static str,
    print: fn(&mut Session, &Reply) -> Step,
}

impl OrderedList {
    /// The list that daemons call `name`, which `print` prints.
    pub fn new(name: &'static str, print: fn(&mut Session, &Reply) -> Step) -> Self {
        Self { key: KeyPrompt::default(), name, print }
    }
}

impl Job for OrderedList {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        let Some(Answer::Replies(replies)) = answer else {
            return match self.key.go_on(session, answer) {
                Prompted::Need(need) => Step::Need(need),
                Prompted::Ready => Step::Need(session.ask(vec![Question::ordered_list(self.name)])),
                Prompted::Failed => Step::Done,
            };
        };
        match replies.into_iter().next() {
            Some(Ok(reply)) => return (self.print)(session, &reply),
            Some(Err(failure)) => session.report(&failure, AssocId::SYSTEM),
            None => {}
        }
        Step::Done
    }
}
