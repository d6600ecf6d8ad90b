//! Changing the daemon's configuration, in NTPsec's style.

use serde_json::Map;

use crate::model::question::Question;
use crate::ntpq::command::Line;
use crate::ntpq::job::{Answer, Job, Need, Step};
use crate::ntpq::keys::Prompted;
use crate::ntpq::ntpsec::keys::KeyPrompt;
use crate::ntpq::ntpsec::value;
use crate::ntpq::session::Session;
use crate::ntpq::text::{printable, printable_lines};
use crate::units::AssocId;
use crate::wire::mode6::MAX_DATA;

/// `:config`: one line, and what the daemon says to it.
#[derive(Debug)]
pub struct Configure {
    line: String,
    key: KeyPrompt,
}

impl Configure {
    /// The change that `line` says.
    pub fn new(line: &Line) -> Self {
        Self { line: line.text(0).unwrap_or_default().to_owned(), key: KeyPrompt::new() }
    }

    fn print(&self, session: &mut Session, answer: &str) {
        record(session, &self.line, answer);
        let mut text = String::new();
        let column = answer.strip_prefix("column ").and_then(|rest| {
            rest.find(" syntax error").and_then(|end| rest.get(..end)?.parse::<usize>().ok())
        });
        if let Some(column) = column {
            if column <= self.line.chars().count() {
                let line = printable_lines(self.line.as_bytes());
                let place = "_".repeat(column.saturating_sub(1));
                text = format!("{line}\n{place}");
            }
            text.push_str("^\n");
        }
        session.print(&format!("{text}{answer}\n"));
    }
}

impl Job for Configure {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        let answer = match answer {
            Some(Answer::Replies(replies)) => replies.into_iter().next(),
            typed => {
                return match self.key.go_on(session, typed) {
                    Prompted::Need(need) => Step::Need(need),
                    Prompted::Ready if !fits(session, self.line.len()) => Step::Done,
                    Prompted::Ready => {
                        let question = Question::configure(self.line.as_bytes());
                        Step::Need(session.ask(vec![question]))
                    }
                    Prompted::Failed => Step::Done,
                };
            }
        };
        match answer {
            Some(Ok(reply)) => match said(reply.data()) {
                Some(answer) => self.print(session, &answer),
                None => session.complain(NOTHING_SAID),
            },
            Some(Err(failure)) => session.report(&failure, AssocId::SYSTEM),
            None => {}
        }
        Step::Done
    }
}

/// `config-from-file`: a whole file at once. Whatever goes wrong with that ends the program.
#[derive(Debug)]
pub struct ConfigureFromFile {
    name: String,
}

impl ConfigureFromFile {
    /// The file that `line` names.
    pub fn new(line: &Line) -> Self {
        Self { name: line.text(0).unwrap_or_default().to_owned() }
    }
}

impl Job for ConfigureFromFile {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match answer {
            None => Step::Need(Need::Read(self.name.clone())),
            Some(Answer::Read(Ok(text))) if !fits(session, text.len()) => Step::Done,
            Some(Answer::Read(Ok(text))) => {
                Step::Need(session.ask(vec![Question::configure(&text)]))
            }
            Some(Answer::Replies(replies)) => match replies.into_iter().next() {
                Some(Ok(reply)) => {
                    let Some(answer) = said(reply.data()) else {
                        session.complain(NOTHING_SAID);
                        return Step::Quit(0);
                    };
                    record(session, &self.name, &answer);
                    let word = if answer == "Config Succeeded" { "True" } else { "False" };
                    session.print(&format!("{word}\n"));
                    Step::Done
                }
                Some(Err(failure)) => {
                    session.report(&failure, AssocId::SYSTEM);
                    Step::Quit(0)
                }
                None => Step::Done,
            },
            Some(_) => {
                let name = printable(self.name.as_bytes()).into_owned();
                session.complain(&format!("Could not read {name}\n"));
                Step::Done
            }
        }
    }
}

/// What the daemon said, up to the first zero and without blanks at the end; `None` when it said
/// nothing, which is taken for a refusal.
fn said(data: &[u8]) -> Option<String> {
    if data.is_empty() {
        return None;
    }
    let text = data.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = printable_lines(text);
    Some(text.trim_end_matches(value::is_blank).to_owned())
}

/// Differs: NTPsec's ntpq then waits in vain for an answer to what it has not sent.
fn fits(session: &mut Session, length: usize) -> bool {
    let fits = length <= MAX_DATA;
    if !fits {
        session.complain(&format!("***Internal error! Data too large ({length})\n"));
    }
    fits
}

fn record(session: &mut Session, sent: &str, answer: &str) {
    let fields = [("sent", sent), ("answer", answer)];
    session.record(Map::from_iter(fields.map(|(name, text)| (name.to_owned(), text.into()))));
}

const NOTHING_SAID: &str = "***Server disallowed request (authentication?)\n\n";
