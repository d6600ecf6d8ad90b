//! Commands that show or change a setting, or say something, without asking the daemon.

use std::fmt::Write as _;

use crate::ntpdc::command::{self, COMMANDS, Found, Verb};
use crate::ntpdc::line::Line;
use crate::ntpdc::session::Session;
use crate::ntpq;
use crate::ntpq::job::{Answer, Job, Step};
use crate::ntpq::keys;
use crate::ntpq::settings::Setting as Shared;
use crate::wire::mac::MAX_DIGEST;

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
            Verb::KeyType => key_type(session, text),
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
        let ntpq::command::Found::One(command) = ntpq::command::find(line.command.name) else {
            return None;
        };
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
    let Some(name) = name else {
        return session.print(&list_of_commands());
    };
    match command::find(name) {
        Found::One(command) => {
            session.print(&format!("function: {}\n{}\n", command.help, command.usage()));
        }
        Found::None => session.complain(&format!("Command `{name}' is unknown\n")),
        Found::Several => session.complain(&format!("Command `{name}' is ambiguous\n")),
    }
}

/// The names in columns, read downwards.
fn list_of_commands() -> String {
    let mut names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
    names.retain(|name| *name != "?");
    names.sort_unstable();
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0) + 1;
    let rows = names.len().div_ceil(SCREEN_WIDTH / width);
    let mut text = "ntpdc commands:\n".to_owned();
    for row in 0..rows {
        for name in names.iter().skip(row).step_by(rows) {
            // Writing to a string cannot fail.
            let _ = write!(text, "{name:width$}");
        }
        text.push('\n');
    }
    text
}

fn key_type(session: &mut Session, word: Option<&str>) {
    let Some(word) = word else {
        let algorithm = session.shell.keys.algorithm;
        return session.print(&format!(
            "keytype is {algorithm} with {} octet digests\n",
            algorithm.digest_len()
        ));
    };
    if !session.shell.keys.set_algorithm(word) {
        if let Some((name, octets)) = keys::too_long(word) {
            session.complain(&format!(
                "key type {name} {octets} octet digests are too big, max {MAX_DIGEST}\n"
            ));
        }
        session.print("keytype must be 'md5' or a digest type provided by OpenSSL\n");
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

/// Columns that the list of commands may fill.
const SCREEN_WIDTH: usize = 78;
