//! Commands that show or change a setting, or say something, without asking the daemon.

use crate::ntpdc::command::{VOCABULARY, Verb};
use crate::ntpdc::line::Line;
use crate::ntpdc::session::Session;
use crate::ntpq;
use crate::ntpq::job::{Answer, Job, Step};
use crate::ntpq::settings::{Setting as Shared, key_type};
use crate::ntpq::style::Style;

/// One of these commands.
#[derive(Debug)]
pub struct Setting {
    line: Line,
}

impl Setting {
    /// What `line` says.
    pub const fn new(line: Line) -> Self {
        Self { line }
    }
}

impl Job<Session> for Setting {
    fn resume(&mut self, session: &mut Session, _: Option<Answer>) -> Step {
        let text = self.line.text(0);
        match self.line.command.verb {
            Verb::Help => help(session, text),
            Verb::Version => session.print(&format!("{VERSION}\n")),
            Verb::KeyType => key_type(&mut session.shell, text, BAD_KEY_TYPE),
            Verb::KeyId => key_id(session, self.line.unsigned(0)),
            _ => {}
        }
        Step::Done
    }
}

/// A command that ntpq has too.
#[derive(Debug)]
pub struct SameAsNtpq {
    job: Shared,
}

impl SameAsNtpq {
    /// What `line` says, which in ntpq is the command called `name`; `None` where that has none.
    pub fn new(line: &Line) -> Option<Self> {
        let command = ntpq::command::vocabulary(Style::Classic).find(line.command.name).ok()?;
        let job = Shared::new(ntpq::command::Line {
            command,
            arguments: line.arguments_for_ntpq(),
            redirect: None,
            warnings: String::new(),
        });
        Some(Self { job })
    }
}

impl Job<Session> for SameAsNtpq {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        if let Some(Answer::Opened(Ok(_))) = &answer {
            session.forget_host();
        }
        self.job.resume(&mut session.shell, answer)
    }
}

fn help(session: &mut Session, name: Option<&str>) {
    match VOCABULARY.help(name) {
        Ok(text) => session.print(&text),
        Err(complaint) => session.complain(&complaint),
    }
}

fn key_id(session: &mut Session, id: Option<u32>) {
    match id {
        None => match session.shell.keys.id {
            0 if session.key_chosen => session.print("no keyid will be sent\n"),
            0 => session.print("no keyid defined\n"),
            id => session.print(&format!("keyid is {id}\n")),
        },
        Some(id) => {
            session.shell.keys.id = id;
            session.key_chosen = true;
        }
    }
}

/// The ntpdc that this prints like, as it calls itself.
pub const VERSION: &str = "ntpdc 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)";

const BAD_KEY_TYPE: &str = "keytype must be 'md5' or a digest type provided by OpenSSL\n";
