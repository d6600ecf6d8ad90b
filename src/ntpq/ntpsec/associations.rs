//! The list of associations in NTPsec's style, and arguments that name one of them.

use crate::model::question::Question;
use crate::model::reply::Reply;
use crate::ntpq::associations::{authentication, row};
use crate::ntpq::job::{Answer, Job, Step};
use crate::ntpq::ntpsec::value;
use crate::ntpq::session::Session;
use crate::units::AssocId;

/// Takes a list in, and says whether there are any associations; complains when not.
pub fn take(session: &mut Session, reply: &Reply) -> bool {
    if !reply.data().len().is_multiple_of(4) {
        session.complain("***Response length should have been a multiple of 4\n");
        return false;
    }
    session.keep_associations(reply.data());
    let is_empty = session.associations.is_empty();
    if is_empty {
        let text = format!("server={} No association IDs returned\n", session.host_name());
        session.print(&text);
    }
    !is_empty
}

/// `associations` and its like, which all list all of them.
#[derive(Debug)]
pub struct AssociationList {
    cached: bool,
}

impl AssociationList {
    /// The `cached` list is not asked for anew.
    pub const fn new(cached: bool) -> Self {
        Self { cached }
    }
}

impl Job for AssociationList {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match answer {
            None if self.cached => print(session),
            None => return Step::Need(session.ask(vec![Question::associations()])),
            Some(Answer::Replies(replies)) => {
                if let Some(reply) = replies.first()
                    && session.take_associations(reply)
                {
                    print(session);
                }
            }
            Some(_) => {}
        }
        Step::Done
    }
}

fn print(session: &mut Session) {
    if session.associations.is_empty() {
        return session.print("No association IDs in list\n");
    }
    session.print(HEADER);
    for (place, (id, status)) in session.associations.clone().into_iter().enumerate() {
        let condition = status.tally().condition();
        let row = row(place + 1, id, status, condition, authentication(status));
        session.print(&format!("{row}\n"));
    }
}

/// Arguments that name associations, one after the other: the list is asked for before each while
/// there is none.
#[derive(Debug, Default)]
pub struct Named {
    /// What each names; `None` where that was nothing.
    found: Vec<Option<AssocId>>,
    has_asked: bool,
}

/// How far that has come.
#[derive(Debug)]
pub enum Naming {
    /// The list is needed; hand in the answer.
    Need(Step),
    /// All were found; association 0 is the daemon.
    Found(Vec<AssocId>),
    /// One was not, and that was said.
    Wrong,
}

impl Named {
    /// Finds what `arguments` name; begins with `None`, goes on with the list that was asked for.
    pub fn go_on(
        &mut self,
        session: &mut Session,
        arguments: &[&str],
        answer: Option<&Answer>,
    ) -> Naming {
        if let Some(Answer::Replies(replies)) = answer
            && let Some(reply) = replies.first()
        {
            session.take_associations(reply);
        }
        while let Some(argument) = arguments.get(self.found.len()) {
            if session.associations.is_empty() && !self.has_asked {
                self.has_asked = true;
                let need = session.ask(vec![Question::associations()]);
                return Naming::Need(Step::Need(need));
            }
            self.has_asked = false;
            let found = association(session, argument);
            if let Err(complaint) = &found {
                session.complain(complaint);
            }
            self.found.push(found.ok());
        }
        let found: Option<Vec<_>> = std::mem::take(&mut self.found).into_iter().collect();
        found.map_or(Naming::Wrong, Naming::Found)
    }
}

/// The association that `text` names: by its number, or as `&N` the Nth of the list.
fn association(session: &Session, text: &str) -> Result<AssocId, String> {
    let list = &session.associations;
    if let Some(place) = text.strip_prefix('&') {
        let place = value::words(place).next().and_then(|word| value::integer(word, false));
        let place = place.ok_or_else(|| "Invalid index literal.\n".to_owned())?;
        if !(0..65_535).contains(&place) {
            return Err(format!("{place} is not a valid association number.\n"));
        }
        let at = usize::try_from(place).ok().and_then(|place| place.checked_sub(1));
        let chosen = at.and_then(|at| list.get(at)).map(|(id, _)| *id);
        return chosen.ok_or_else(|| format!("No such association as {place}.\n"));
    }
    let number = value::words(text).next().and_then(|word| value::integer(word, false));
    let number = number.ok_or_else(|| "Invalid associd literal.\n".to_owned())?;
    if number == 0 {
        return Ok(AssocId::SYSTEM);
    }
    let known = list.iter().find(|(id, _)| i128::from(id.get()) == number);
    known.map(|(id, _)| *id).ok_or_else(|| "Unknown associd.\n".to_owned())
}

const HEADER: &str = "
ind assid status  conf reach auth condition  last_event cnt
===========================================================
";
