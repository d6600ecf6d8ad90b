//! `readvar`, `readlist` and their like for clocks.

use crate::model::question::Question;
use crate::model::reply::Reply;
use crate::model::vars::{self, Scope, Variable};
use crate::ntpq::address::NetAddress;
use crate::ntpq::command::{Line, Verb};
use crate::ntpq::job::{Answer, Job, Need, Step};
use crate::ntpq::session::Session;
use crate::ntpq::{printer, reading};
use crate::units::AssocId;
use crate::wire::mode6::status::{ClockStatus, PeerStatus, Status, SystemStatus, Wording};

/// Reads variables and prints them.
#[derive(Debug)]
pub struct Reading {
    verb: Verb,
    association: Option<u32>,
    names: Vec<String>,
    scope: Scope,
    asked: AssocId,
    quiet: bool,
    /// The variables asked for by name.
    named: Vec<&'static Variable>,
    reply: Option<Reply>,
    looked_up: Vec<NetAddress>,
}

impl Reading {
    /// Reads what `line` says.
    pub fn new(line: &Line) -> Self {
        let names = (1..line.arguments.len()).filter_map(|place| line.text(place));
        Self {
            verb: line.command.verb,
            association: line.unsigned(0),
            names: names.map(str::to_owned).collect(),
            scope: Scope::System,
            asked: AssocId::SYSTEM,
            quiet: false,
            named: Vec::new(),
            reply: None,
            looked_up: Vec::new(),
        }
    }

    /// The reading of a peer's `variables`, whose answer is only to be printed.
    pub fn of_peer(
        association: AssocId,
        variables: &[(String, Option<String>)],
        session: &Session,
    ) -> Self {
        let known = variables.iter().filter_map(|(name, _)| vars::find(Scope::Peer, name));
        Self {
            verb: Verb::ReadVariables,
            association: Some(association.get().into()),
            names: Vec::new(),
            scope: Scope::Peer,
            asked: association,
            quiet: !session.settings.old_rv && !variables.is_empty(),
            named: known.collect(),
            reply: None,
            looked_up: Vec::new(),
        }
    }

    /// The association that is read.
    pub const fn association(&self) -> AssocId {
        self.asked
    }

    /// Prints the answer.
    pub fn print(&self, session: &mut Session, reply: &Reply) {
        print(self, session, reply);
    }

    fn ask(&mut self, session: &mut Session) -> Step {
        let Some(asked) = association(session, self.association.unwrap_or(0)) else {
            return Step::Done;
        };
        let of_clock = matches!(self.verb, Verb::ClockList | Verb::ClockVariables);
        self.asked = asked;
        self.scope = match asked {
            _ if of_clock => Scope::Clock,
            AssocId::SYSTEM => Scope::System,
            _ => Scope::Peer,
        };
        let variables = match self.verb {
            Verb::ReadList | Verb::ClockList => session.variables.clone(),
            _ => self.list(session),
        };
        self.quiet = !session.settings.old_rv && !variables.is_empty();
        let known = variables.iter().filter_map(|(name, _)| vars::find(self.scope, name));
        self.named = known.collect();
        let text = request_text(&variables, session);
        let names = (!text.is_empty()).then_some(text.as_str());
        let question = if of_clock {
            Question::clock_variables(asked, names)
        } else {
            Question::variables(asked, names)
        };
        Step::Need(session.ask(vec![question]))
    }

    fn list(&self, session: &mut Session) -> Vec<(String, Option<String>)> {
        let mut list = Vec::new();
        for names in &self.names {
            add_variables(&mut list, names, session);
        }
        list
    }

    fn take_reply(&mut self, session: &mut Session, reply: Reply) -> Step {
        if session.settings.raw || reply.data().is_empty() {
            print(self, session, &reply);
            return Step::Done;
        }
        let items = reading::items(reply.data(), &mut Vec::new());
        self.looked_up = session.names_needed(printer::addresses(&items));
        if self.looked_up.is_empty() {
            print(self, session, &reply);
            return Step::Done;
        }
        self.reply = Some(reply);
        Step::Need(Need::Names(self.looked_up.clone()))
    }
}

impl Job for Reading {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match answer {
            None => return self.ask(session),
            Some(Answer::Replies(replies)) => match replies.into_iter().next() {
                Some(Ok(reply)) => return self.take_reply(session, reply),
                Some(Err(failure)) => session.report(&failure, self.asked),
                None => {}
            },
            Some(Answer::Names(names)) => {
                session.take_names(&self.looked_up, names);
                if let Some(reply) = self.reply.take() {
                    print(self, session, &reply);
                }
            }
            Some(_) => {}
        }
        Step::Done
    }
}

/// The association called `number`; complains when there can be none.
pub fn association(session: &mut Session, number: u32) -> Option<AssocId> {
    let id = u16::try_from(number).ok().map(AssocId::new);
    if id.is_none() {
        session.complain(&format!("***Invalid association ID {number} specified\n"));
    }
    id
}

/// Adds the variables in `text`, `name[=value]` between commas, to `list`, each name once.
pub fn add_variables(list: &mut Vec<(String, Option<String>)>, text: &str, session: &mut Session) {
    for item in read_items(text.as_bytes(), session) {
        let name = String::from_utf8_lossy(item.name).into_owned();
        let value = String::from_utf8_lossy(item.value).into_owned();
        let value = (!value.is_empty()).then_some(value);
        if let Some(known) = list.iter_mut().find(|(known, _)| *known == name) {
            known.1 = value;
        } else if list.len() < MAX_VARIABLES {
            list.push((name, value));
        } else {
            return session.complain("Variable list full\n");
        }
    }
}

/// Takes `data` apart and passes on what there is to complain of.
pub fn read_items<'a>(data: &'a [u8], session: &mut Session) -> Vec<reading::Item<'a>> {
    let mut complaints = Vec::new();
    let items = reading::items(data, &mut complaints);
    for complaint in complaints {
        session.complain(&format!("nextvar: {complaint}\n"));
    }
    items
}

/// The line that decodes a status word, without the end of the line.
pub fn status_line(scope: Scope, association: AssocId, word: u16) -> String {
    let status = match scope {
        Scope::System => Status::System(SystemStatus::from_bits(word)),
        Scope::Peer => Status::Peer(PeerStatus::from_bits(word)),
        Scope::Clock => Status::Clock(ClockStatus::from_bits(word)),
    };
    let decoded = status.decoded(Wording::Classic);
    format!("associd={association} status={word:04x} {decoded},")
}

/// The names, with their values, as they are asked for; what does not fit is left out.
pub fn request_text(variables: &[(String, Option<String>)], session: &mut Session) -> String {
    let mut text = String::new();
    for (name, value) in variables {
        let mut item = name.clone();
        if let Some(value) = value {
            item.push('=');
            item.push_str(value);
        }
        let separator = if text.is_empty() { "" } else { "," };
        if text.len() + separator.len() + item.len() > MAX_REQUEST {
            session.complain(&format!("***Ignoring variables starting with `{name}'\n"));
            break;
        }
        text.push_str(separator);
        text.push_str(&item);
    }
    text
}

fn print(reading: &Reading, session: &mut Session, reply: &Reply) {
    let id = reading.asked;
    if reply.data().is_empty() {
        let prefix = session.host_prefix();
        let of_clock = if reading.scope == Scope::Clock { " clock" } else { "" };
        return session.print(&if id == AssocId::SYSTEM {
            format!("{prefix}No system{of_clock} variables returned\n")
        } else {
            format!("{prefix}No information returned for{of_clock} association {id}\n")
        });
    }
    print_reply(session, reading.scope, id, &reading.named, reading.quiet, reply);
}

/// Prints the variables of a reply about association `id`, and first its status unless `quiet`.
/// `named` are those that were asked for by name.
pub fn print_reply(
    session: &mut Session,
    scope: Scope,
    id: AssocId,
    named: &[&'static Variable],
    quiet: bool,
    reply: &Reply,
) {
    if session.records() {
        return session.record_variables(scope, id, named, reply);
    }
    let prefix = session.host_prefix();
    session.print(&prefix);
    if session.settings.raw {
        if !quiet {
            session.print(&format!("associd={id} status=0x{:04x},\n", reply.status));
        }
        return session.print(&printer::raw(reply.data()));
    }
    if !quiet {
        session.print(&format!("{}\n", status_line(scope, id, reply.status)));
    }
    let items = read_items(reply.data(), session);
    let text = printer::cooked(&items, scope, session);
    session.print(&text);
}

/// Variables that a list holds.
const MAX_VARIABLES: usize = 128;

/// Bytes that a request holds.
const MAX_REQUEST: usize = crate::wire::mode6::MAX_DATA;
