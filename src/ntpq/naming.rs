//! Finds out what associations are called, for whoever types a command and is to choose one.
//!
//! It says nothing and changes nothing of what commands refer to: a list that was obtained stays, so
//! that `&1` is what it was.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::question::{Failure, Question};
use crate::model::reply::Reply;
use crate::model::vars::{self, peer};
use crate::ntpq::completion::Known;
use crate::ntpq::job::{Answer, Need};
use crate::ntpq::session::Session;
use crate::ntpq::text::printable;
use crate::units::AssocId;
use crate::wire::mode6::association_list;
use crate::wire::mode6::status::PeerStatus;

/// What associations are called.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Seconds since 1970 when they were asked.
    asked: i64,
    names: HashMap<AssocId, String>,
}

/// The questions, in their order: the list where there is none and which daemon it is, then what
/// each is called.
#[derive(Debug, Default)]
pub struct Naming {
    asked: Option<Vec<AssocId>>,
}

impl Naming {
    /// Begins with `None`, goes on with what was answered; `None` when nothing more is needed.
    pub fn go_on(&mut self, session: &mut Session, answer: Option<Answer>) -> Option<Need> {
        let replies = match answer {
            None => {
                session.sources = Some(Sources { asked: session.now, ..Sources::default() });
                let list = session.associations.is_empty().then(Question::associations);
                let questions: Vec<_> =
                    [list, session.identity_question()].into_iter().flatten().collect();
                if !questions.is_empty() {
                    return Some(ask(session, questions));
                }
                Vec::new()
            }
            Some(Answer::Replies(replies)) => replies,
            Some(_) => return None,
        };
        if let Some(asked) = self.asked.take() {
            take_names(session, &asked, &replies);
            return None;
        }
        let mut replies = replies.iter();
        if session.associations.is_empty()
            && let Some(Ok(list)) = replies.next()
        {
            let list = association_list(list.data());
            session.associations =
                list.map(|(id, word)| (id, PeerStatus::from_bits(word))).collect();
            session.associations.sort_by_key(|(id, _)| *id);
        }
        if session.dialect.is_none()
            && let Some(identity) = replies.next()
        {
            session.take_identity(identity);
        }
        let asked: Vec<_> = session.associations.iter().map(|(id, _)| *id).take(MOST).collect();
        let dialect = session.dialect.flatten()?;
        let names = vars::names(&[&peer::SOURCE, &peer::SOURCE_HOST], dialect);
        if asked.is_empty() || names.is_empty() {
            return None;
        }
        let question = |id: &AssocId| Question::variables(*id, names.iter().copied());
        let need = ask(session, asked.iter().map(question).collect());
        self.asked = Some(asked);
        Some(need)
    }
}

/// Asks, and waits not as long as for what was commanded.
fn ask(session: &mut Session, questions: Vec<Question>) -> Need {
    let mut need = session.ask(questions);
    if let Need::Ask(flight) = &mut need {
        flight.timeout = flight.timeout.min(PATIENCE);
    }
    need
}

fn take_names(session: &mut Session, asked: &[AssocId], replies: &[Result<Reply, Failure>]) {
    let Some(sources) = &mut session.sources else { return };
    for (id, reply) in asked.iter().zip(replies) {
        let Ok(reply) = reply else { continue };
        let value = |variable: &vars::Variable| {
            let item = reply.item(variable.name)?;
            Some(printable(item.unquoted().as_bytes()).into_owned()).filter(|name| !name.is_empty())
        };
        if let Some(name) = value(&peer::SOURCE_HOST).or_else(|| value(&peer::SOURCE)) {
            sources.names.insert(*id, name);
        }
    }
}

/// What is known for completing what is typed in `session`.
pub fn known(session: &Session) -> Known {
    let fresh = |sources: &&Sources| session.now.saturating_sub(sources.asked) < FRESH_S;
    let names = session.sources.as_ref().filter(fresh).map(|sources| {
        let name = |id: &AssocId| sources.names.get(id).cloned().unwrap_or_default();
        session.associations.iter().map(|(id, _)| (*id, name(id))).collect()
    });
    Known {
        style: session.style,
        associations: names,
        dialect: session.dialect.flatten(),
        listed: session.variables.iter().map(|(name, _)| name.clone()).collect(),
    }
}

/// How long an answer may take before it is asked for once more.
const PATIENCE: Duration = Duration::from_secs(1);

/// Associations that are asked what they are called: more nobody chooses from.
const MOST: usize = 200;

/// Seconds for which what was answered is taken to be so.
const FRESH_S: i64 = 60;
