//! What changes a daemon: `:config`, `saveconfig`, `writevar` and `writelist`. All of it needs a key.
//!
//! Differs: ntpq sends a change again when no answer comes, though it may have been made and only
//! the answer lost. Here it is sent once, and the answer waited for as long as ntpq waits for both;
//! what is then printed is the same.

use serde_json::Map;

use crate::model::question::{Failure, Question};
use crate::model::reply::Reply;
use crate::model::vars::Scope;
use crate::ntpq::command::{Line, Verb};
use crate::ntpq::job::{Answer, Job, Need, Step};
use crate::ntpq::keys::{KeyPrompt, Prompted};
use crate::ntpq::reading::leading_unsigned;
use crate::ntpq::session::Session;
use crate::ntpq::text::{printable, printable_lines};
use crate::ntpq::variables;
use crate::units::AssocId;
use crate::wire::mode6::MAX_DATA;

/// One change, and what the daemon says to it.
#[derive(Debug)]
pub struct Change {
    line: Line,
    key: KeyPrompt,
    association: AssocId,
    /// What is sent, once that is known.
    text: String,
}

impl Change {
    /// The change that `line` says.
    pub const fn new(line: Line) -> Self {
        Self { line, key: KeyPrompt::new(), association: AssocId::SYSTEM, text: String::new() }
    }

    /// Finds out what to send; whether there is anything.
    fn prepare(&mut self, session: &mut Session) -> bool {
        let verb = self.line.command.verb;
        if matches!(verb, Verb::WriteVariables | Verb::WriteList) {
            let number = self.line.unsigned(0).unwrap_or(0);
            let Some(association) = variables::association(session, number) else { return false };
            self.association = association;
            let list = match self.line.text(1) {
                None => session.variables.clone(),
                Some(text) => {
                    let mut list = Vec::new();
                    variables::add_variables(&mut list, text, session);
                    list
                }
            };
            self.text = variables::request_text(&list, session);
        } else {
            self.line.text(0).unwrap_or_default().clone_into(&mut self.text);
        }
        fits(session, self.text.len())
    }

    fn question(&self) -> Question {
        let data = self.text.as_bytes();
        match self.line.command.verb {
            Verb::SaveConfiguration => Question::save_configuration(data),
            Verb::WriteVariables | Verb::WriteList => {
                Question::write_variables(self.association, data)
            }
            _ => Question::configure(data),
        }
    }

    fn print(&self, session: &mut Session, reply: &Reply) {
        match self.line.command.verb {
            Verb::SaveConfiguration if reply.data().is_empty() => {
                session.print("(no response message, curiously)");
            }
            Verb::SaveConfiguration => {
                record_answer(session, &self.text, reply.data());
                session.print(&printable_lines(reply.data()));
            }
            Verb::WriteVariables | Verb::WriteList if reply.data().is_empty() => {
                record_answer(session, &self.text, reply.data());
                let text = format!("{}done! (no data returned)\n", session.host_prefix());
                session.print(&text);
            }
            Verb::WriteVariables | Verb::WriteList => {
                let is_system = self.association == AssocId::SYSTEM;
                let scope = if is_system { Scope::System } else { Scope::Peer };
                variables::print_reply(session, scope, self.association, &[], false, reply);
            }
            _ => print_configured(session, &self.text, reply.data()),
        }
    }
}

impl Job for Change {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        let answer = match answer {
            None if !self.prepare(session) => return Step::Done,
            Some(Answer::Replies(replies)) => replies.into_iter().next(),
            typed => {
                return match self.key.go_on(session, typed) {
                    Prompted::Need(need) => Step::Need(need),
                    Prompted::Ready => Step::Need(session.ask(vec![self.question()])),
                    Prompted::Failed => Step::Done,
                };
            }
        };
        match answer {
            Some(Ok(reply)) => self.print(session, &reply),
            Some(Err(failure)) => session.report(&failure, self.association),
            None => {}
        }
        Step::Done
    }
}

/// Whether a text of this length can be sent; complains when not.
fn fits(session: &mut Session, length: usize) -> bool {
    let fits = length <= MAX_DATA;
    if !fits {
        session.complain(&format!("***Internal error!  qsize ({length}) too large\n"));
    }
    fits
}

/// Prints what the daemon says to a line of configuration, and shows the place that it complains of.
fn print_configured(session: &mut Session, line: &str, answer: &[u8]) {
    record_answer(session, line, answer);
    let answer = answer.strip_suffix(b"\n").unwrap_or(answer);
    let column = answer.strip_prefix(b"column ").and_then(leading_unsigned);
    let column = column.and_then(|column| usize::try_from(column).ok());
    if let Some(column) = column.filter(|column| *column <= line.len() + 1) {
        let place = "_".repeat(column);
        if session.settings.interactive {
            // Below the line as the user typed it behind the prompt.
            session.print_out(&format!("{BEHIND_PROMPT}{place}^\n"));
        } else {
            session.print_out(&format!("{}\n{place}^\n", printable_lines(line.as_bytes())));
        }
    }
    session.print_out(&format!("{}\n", printable_lines(answer)));
}

fn record_answer(session: &mut Session, sent: &str, answer: &[u8]) {
    if session.records() {
        let answer = printable_lines(answer.trim_ascii_end());
        let mut fields = Map::new();
        fields.insert("sent".into(), sent.into());
        fields.insert("answer".into(), answer.into());
        session.record(fields);
    }
}

/// `config-from-file`: the lines of a file, one after the other.
///
/// Comments and blanks at the ends of lines are not sent, nor what is then empty: the daemon would
/// refuse them.
#[derive(Debug)]
pub struct ConfigurationFile {
    name: String,
    key: KeyPrompt,
    lines: Vec<Vec<u8>>,
    /// The line at work, from 0.
    at: usize,
    /// How often it failed.
    failures: u32,
}

impl ConfigurationFile {
    /// The file that `line` names.
    pub fn new(line: &Line) -> Self {
        Self {
            name: line.text(0).unwrap_or_default().to_owned(),
            key: KeyPrompt::new(),
            lines: Vec::new(),
            at: 0,
            failures: 0,
        }
    }

    /// Sends the next line that there is something on; the end of the file is said.
    fn send(&mut self, session: &mut Session) -> Step {
        while self.lines.get(self.at).is_some_and(Vec::is_empty) {
            self.at += 1;
        }
        match self.lines.get(self.at).map(Vec::len) {
            None => {
                session.print_out("Done sending file\n");
                Step::Done
            }
            Some(length) if !fits(session, length) => self.fail(session, true),
            Some(_) => self.prompt(session, None),
        }
    }

    fn prompt(&mut self, session: &mut Session, typed: Option<Answer>) -> Step {
        match self.key.go_on(session, typed) {
            Prompted::Need(need) => Step::Need(need),
            Prompted::Ready => {
                let line = self.lines.get(self.at).map(Vec::as_slice).unwrap_or_default();
                Step::Need(session.ask(vec![Question::configure(line)]))
            }
            Prompted::Failed => self.fail(session, true),
        }
    }

    /// A line could not be sent, or was not answered well: ntpq tries three times and then leaves
    /// the rest. What went out and was not answered is not sent again.
    fn fail(&mut self, session: &mut Session, was_kept: bool) -> Step {
        self.failures += 1;
        if was_kept && self.failures < ATTEMPTS {
            return self.send(session);
        }
        let line = self.lines.get(self.at).map(Vec::as_slice).unwrap_or_default();
        session.print_out(&format!(
            "Line No: {} query failed: {}\nSubsequent lines not sent.\n",
            self.at + 1,
            printable_lines(line)
        ));
        Step::Done
    }

    fn take(&mut self, session: &mut Session, answer: &Result<Reply, Failure>) -> Step {
        let reply = match answer {
            Ok(reply) => reply,
            Err(failure) => {
                for _ in self.failures..ATTEMPTS {
                    session.report(failure, AssocId::SYSTEM);
                }
                self.failures = ATTEMPTS;
                return self.fail(session, false);
            }
        };
        let line = self.lines.get(self.at).map(Vec::as_slice).unwrap_or_default();
        let (line, answer) = (printable_lines(line), reply.data().trim_ascii_end());
        record_answer(session, &line, answer);
        let number = self.at + 1;
        session.print_out(&format!("Line No: {number} {}: {line}\n", printable_lines(answer)));
        self.at += 1;
        self.failures = 0;
        self.send(session)
    }
}

impl Job for ConfigurationFile {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match answer {
            None => Step::Need(Need::Read(self.name.clone())),
            Some(Answer::Read(Ok(text))) => {
                session.print_out("Sending configuration file, one line at a time.\n");
                self.lines = lines(&text);
                self.send(session)
            }
            Some(Answer::Read(Err(_))) => {
                let name = printable(self.name.as_bytes());
                session.print_out(&format!("ERROR!! Couldn't open file: {name}\n"));
                Step::Done
            }
            Some(Answer::Replies(replies)) => match replies.first() {
                Some(answer) => self.take(session, answer),
                None => Step::Done,
            },
            typed => self.prompt(session, typed),
        }
    }
}

/// The lines of a file as they are sent: without comments and without blanks at their ends. One that
/// is longer than ntpq reads at once is several.
fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    let pieces = text.split_inclusive(|byte| *byte == b'\n').flat_map(|line| line.chunks(MAX_LINE));
    pieces
        .map(|line| {
            let line = line.split(|byte| *byte == b'#').next().unwrap_or_default();
            let end = line.iter().rposition(|byte| *byte > b' ').map_or(0, |last| last + 1);
            line.get(..end).unwrap_or_default().to_vec()
        })
        .collect()
}

/// As wide as `ntpq> :config`, as ntpq has it.
const BEHIND_PROMPT: &str = "             *";

/// How often ntpq tries a line.
const ATTEMPTS: u32 = 3;

/// Bytes of a line that are read at once.
const MAX_LINE: usize = 511;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ntpq::batch::tests::{Ran, World, classic};
    use crate::wire::mode6::{ErrorCode, Opcode};

    fn run(world: &mut World, commands: &[&str]) -> Ran {
        let key = ["keyid 1", "passwd secretmd5"];
        let all: Vec<&str> = key.iter().chain(commands).copied().collect();
        world.run(&all)
    }

    fn silence() -> Result<&'static str, Failure> {
        Err(Failure::Unanswered { attempts: 1, waited: Duration::from_secs(10) })
    }

    // As ntpq 4.2.8p15 printed them; the lines between commands are empty.
    #[test]
    fn a_line_is_sent_and_its_fault_is_pointed_at() {
        let mut world = classic();
        world.changes = vec![
            Ok("Config Succeeded\r\n"),
            Ok("column 5 syntax error, unexpected T_String, expecting T_EOC\r\n"),
            Ok("column 99 syntax error\r\n"),
            Ok("\u{1b}[2Ja\rb\r\n"),
        ];
        let ran = run(
            &mut world,
            &[":config server 1.2.3.4", ":config bogus thing", ":config x", ":config x"],
        );
        assert_eq!(
            ran.out.trim_start_matches('\n'),
            "Config Succeeded\r\n\nbogus thing\n_____^\ncolumn 5 syntax error, unexpected \
             T_String, expecting T_EOC\r\n\ncolumn 99 syntax error\r\n\n?[2Ja?b\r\n"
        );
        assert_eq!(world.flights[0], [(Opcode::Configure, 0, "server 1.2.3.4".to_owned())]);
    }

    #[test]
    fn what_is_too_long_is_not_sent() {
        let mut world = classic();
        let ran = run(&mut world, &[&format!(":config {}", "x".repeat(469))]);
        assert_eq!(ran.error, "***Internal error!  qsize (469) too large\n");
        assert!(world.flights.is_empty());
    }

    #[test]
    fn a_file_is_sent_line_by_line_until_one_is_refused() {
        let mut world = classic();
        world.files = vec![("f", "a b # c\n#\n\n \t\nd \"e#f\"\n\tg\nh")];
        world.changes = vec![
            Ok("Config Succeeded\r\n"),
            Ok("column 2 syntax error\r\n"),
            Err(Failure::Refused(ErrorCode::Permission)),
        ];
        let ran = run(&mut world, &["config-from-file f", "config-from-file nosuch"]);
        assert_eq!(
            ran.out.trim_start_matches('\n'),
            "Sending configuration file, one line at a time.\n\
             Line No: 1 Config Succeeded: a b\n\
             Line No: 5 column 2 syntax error: d \"e\n\
             Line No: 6 query failed: \tg\nSubsequent lines not sent.\n\
             \nERROR!! Couldn't open file: nosuch\n"
        );
        assert_eq!(ran.error, "***Server disallowed request (authentication?)\n".repeat(3));
        assert_eq!(world.flights.len(), 3, "what is refused is not sent again");
    }

    #[test]
    fn what_is_not_answered_is_never_sent_again() {
        let mut world = classic();
        world.files = vec![("f", "a\nb")];
        world.changes = vec![silence()];
        let commands = ["config-from-file f", ":config a", "saveconfig x", "writevar 0 a=1"];
        let ran = run(&mut world, &commands);
        assert_eq!(world.flights.len(), commands.len());
        assert!(ran.out.contains("Line No: 1 query failed: a\nSubsequent lines not sent.\n"));
        assert_eq!(ran.error.matches("***Request timed out").count(), 6);
    }

    #[test]
    fn without_a_key_nothing_is_sent() {
        let mut world = classic();
        world.files = vec![("f", "a")];
        let ran = world.run(&[":config x", "config-from-file f"]);
        assert_eq!(ran.error, "Invalid key identifier\n".repeat(4));
        assert!(world.flights.is_empty());
    }

    #[test]
    fn variables_are_written_from_the_list_or_the_line() {
        let mut world = classic();
        world.changes = vec![Ok(""), Ok("leap=1\r\n"), Ok("")];
        let commands =
            ["addvars a=1,b", "writelist", "writevar &2 c=3", "writevar 0 d", "writevar 70000 a=1"];
        let ran = run(&mut world, &commands);
        let changes = world.flights.iter().flatten().filter(|(op, ..)| *op != Opcode::ReadStatus);
        let sent: Vec<_> = changes.map(|(_, id, text)| (*id, text.as_str())).collect();
        assert_eq!(sent, [(0, "a=1,b"), (29384, "c=3"), (0, "d")]);
        assert_eq!(ran.out.matches("done! (no data returned)\n").count(), 2);
        assert!(ran.out.contains("associd=29384 status=0615 "));
        assert!(ran.error.contains("***Invalid association ID 70000 specified\n"));
    }
}
