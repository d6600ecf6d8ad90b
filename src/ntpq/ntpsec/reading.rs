//! `readvar`, `readlist` and their like for clocks and for several peers.

use crate::model::question::{Failure, Question};
use crate::model::reply::Reply;
use crate::model::vars::Scope;
use crate::ntpq::command::{Line, Verb};
use crate::ntpq::job::{Answer, Job, Step};
use crate::ntpq::ntpsec::associations::{Named, Naming};
use crate::ntpq::ntpsec::cook::{self, Manner};
use crate::ntpq::ntpsec::value::{self, Entry};
use crate::ntpq::session::Session;
use crate::ntpq::text::printable_lines;
use crate::units::AssocId;
use crate::wire::mode6::MAX_DATA;
use crate::wire::mode6::status::{ClockStatus, PeerStatus, Status, SystemStatus, Wording};

/// Reads variables and prints them.
#[derive(Debug)]
pub struct Reading {
    command: &'static str,
    verb: Verb,
    words: Vec<String>,
    naming: Named,
    scope: Scope,
    asked: Vec<AssocId>,
    /// Whether variables were named.
    has_names: bool,
}

impl Reading {
    /// Reads what `line` says.
    pub fn new(line: &Line) -> Self {
        let words = value::words(line.text(0).unwrap_or_default());
        Self {
            command: line.command.name,
            verb: line.command.verb,
            words: words.map(str::to_owned).collect(),
            naming: Named::default(),
            scope: Scope::System,
            asked: Vec::new(),
            has_names: false,
        }
    }

    const fn is_of_several(&self) -> bool {
        matches!(self.verb, Verb::SeveralLists | Verb::SeveralVariables)
    }

    /// How many words name associations.
    const fn ends(&self) -> usize {
        if self.is_of_several() { 2 } else { 1 }
    }

    fn name(&mut self, session: &mut Session, answer: Option<&Answer>) -> Step {
        if self.is_of_several() && self.words.len() < self.ends() {
            if self.words.is_empty() {
                session.complain(usage(self.command));
            }
            return Step::Done;
        }
        let words: Vec<&str> = self.words.iter().take(self.ends()).map(String::as_str).collect();
        match self.naming.go_on(session, &words, answer) {
            Naming::Need(step) => step,
            Naming::Wrong => Step::Done,
            Naming::Found(found) => self.ask(session, &found),
        }
    }

    fn ask(&mut self, session: &mut Session, found: &[AssocId]) -> Step {
        let first = found.first().copied().unwrap_or(AssocId::SYSTEM);
        let last = found.last().copied().unwrap_or(first);
        self.asked = chosen(session, first, last);
        if self.asked.is_empty() {
            return Step::Done;
        }
        let of_clock = matches!(self.verb, Verb::ClockList | Verb::ClockVariables);
        if self.verb == Verb::ClockVariables && first == AssocId::SYSTEM {
            session.complain("This command requires the association ID of a clock.\n");
            return Step::Done;
        }
        self.scope = match first {
            _ if of_clock => Scope::Clock,
            _ if self.is_of_several() => Scope::Peer,
            AssocId::SYSTEM => Scope::System,
            _ => Scope::Peer,
        };
        let names: Vec<String> = match self.verb {
            Verb::ReadList | Verb::ClockList | Verb::SeveralLists => {
                session.variables.iter().map(|(name, _)| name.clone()).collect()
            }
            _ => self.words.iter().skip(self.ends()).cloned().collect(),
        };
        self.has_names = !names.is_empty();
        let text = names.join(",");
        if text.len() > MAX_DATA {
            // Differs: NTPsec's ntpq then waits in vain for an answer to what it has not asked.
            let text = format!("***Internal error! Data too large ({})\n", text.len());
            session.complain(&text);
            return Step::Done;
        }
        let names = || (!text.is_empty()).then_some(text.as_str());
        let question = |id: &AssocId| {
            if of_clock {
                Question::clock_variables(*id, names())
            } else {
                Question::variables(*id, names())
            }
        };
        let questions = self.asked.iter().map(question).collect();
        Step::Need(session.ask(questions))
    }

    /// Prints one after the other; the first that failed ends it.
    fn print(&self, session: &mut Session, replies: &[Result<Reply, Failure>]) {
        for (place, (id, reply)) in self.asked.iter().zip(replies).enumerate() {
            if place > 0 {
                session.print("\n");
            }
            match reply {
                Ok(reply) => self.print_one(session, *id, reply),
                Err(failure) => return session.report(failure, *id),
            }
        }
    }

    fn print_one(&self, session: &mut Session, id: AssocId, reply: &Reply) {
        if session.records() {
            return session.record_variables(self.scope, id, &[], reply);
        }
        let prefix = session.host_prefix();
        session.print(&prefix);
        let entries = value::entries(reply.data());
        if entries.is_empty() {
            let of_clock = if self.scope == Scope::Clock { " clock" } else { "" };
            return session.print(&if id == AssocId::SYSTEM {
                format!("No system{of_clock} variables returned\n")
            } else {
                format!("No information returned for{of_clock} association {id}\n")
            });
        }
        let is_quiet = self.verb == Verb::ReadVariables && self.has_names;
        if !is_quiet {
            session.print(&format!("associd={id} "));
        }
        let text = variables(session, self.scope, self.has_names, reply, &entries);
        session.print(&text);
    }
}

impl Job for Reading {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match answer {
            Some(Answer::Replies(replies)) if !self.asked.is_empty() => {
                self.print(session, &replies);
                Step::Done
            }
            answer => self.name(session, answer.as_ref()),
        }
    }
}

/// All numbers from `first` to `last`, up to the first that is no association's: the daemon refuses
/// that one, and no more are printed.
fn chosen(session: &Session, first: AssocId, last: AssocId) -> Vec<AssocId> {
    let is_known = |id: AssocId| {
        id == AssocId::SYSTEM || session.associations.iter().any(|(known, _)| *known == id)
    };
    let mut has_ended = false;
    let numbers = (first.get()..=last.get()).map(AssocId::new);
    numbers.take_while(|id| !std::mem::replace(&mut has_ended, !is_known(*id))).collect()
}

/// What is said where no associations are named; each command has its own words and line ends.
fn usage(command: &str) -> &'static str {
    match command {
        "mreadlist" => "usage: mreadlist assocIDlow assocIDhigh\n\n",
        "mrl" => "usage: mrl assocIDlow assocIDhigh\n",
        "mreadvar" => "usage: mreadvar assocIDlow assocIDhigh  [ name=value[,...] ]\n",
        _ => "usage: mrv assocIDlow assocIDhigh [name=value[,...]]\n",
    }
}

/// The variables of a reply as they are printed, raw or cooked, unless `quiet` after their status.
pub fn variables(
    session: &Session,
    scope: Scope,
    quiet: bool,
    reply: &Reply,
    entries: &[Entry],
) -> String {
    let (status, text) = if session.settings.raw {
        let text = printable_lines(reply.data()).replace(",\r\n", ",\n");
        (format!("status=0x{:04x},\n", reply.status), text)
    } else {
        let status = format!("{},\n", status(scope, reply.status));
        (status, cook::cooked(entries, manner(session)))
    };
    let status = if quiet { "" } else { &status };
    format!("{status}{}", text.replace('\'', "\""))
}

/// How variables are shown now.
pub const fn manner(session: &Session) -> Manner {
    Manner {
        units: session.ntpsec.units,
        width: session.ntpsec.terminal.saturating_sub(MARGIN),
        now: session.now,
    }
}

/// A status word and what it says, without the end of the line.
pub fn status(scope: Scope, word: u16) -> String {
    let status = match scope {
        Scope::System => Status::System(SystemStatus::from_bits(word)),
        Scope::Peer => Status::Peer(PeerStatus::from_bits(word)),
        Scope::Clock => Status::Clock(ClockStatus::from_bits(word)),
    };
    format!("status={word:04x} {}", status.decoded(Wording::NtpSec))
}

/// Columns of a terminal that stay free.
const MARGIN: usize = 2;
