//! Commands that show or change a setting, or say something, in NTPsec's style.

use std::time::Duration;

use crate::ntpq::command::{Line, Verb};
use crate::ntpq::job::{Answer, Family, Job, Need, Step};
use crate::ntpq::keys::Prompted;
use crate::ntpq::ntpsec::hosts::{self, Taken};
use crate::ntpq::ntpsec::keys::KeyPrompt;
use crate::ntpq::ntpsec::line::END_OF_INPUT;
use crate::ntpq::ntpsec::state::{STANDARD_ERROR, VERSION};
use crate::ntpq::ntpsec::value::{self, Value};
use crate::ntpq::ntpsec::{help, keys};
use crate::ntpq::session::Session;
use crate::ntpq::settings::{host_is, host_remains};
use crate::ntpq::text::printable;

/// One of these commands.
#[derive(Debug)]
pub struct Setting {
    line: Line,
    key: KeyPrompt,
}

impl Setting {
    /// What `line` says.
    pub const fn new(line: Line) -> Self {
        Self { line, key: KeyPrompt::new() }
    }

    fn host(&self, session: &mut Session, answer: Option<Answer>) -> Step {
        let mut words = value::words(self.line.text(0).unwrap_or_default()).peekable();
        let family = match words.peek() {
            Some(&"-4") => Some(Family::V4),
            Some(&"-6") => Some(Family::V6),
            _ => None,
        };
        if let Some(family) = family {
            session.ntpsec.host_family = family;
            words.next();
        }
        let host = words.next();
        if let (Some(host), Some(answer)) = (host, answer) {
            match hosts::take(session, host, answer) {
                Taken::Open => {
                    session.print(&format!("current host set to {}\n", session.host_name()));
                    return Step::Done;
                }
                Taken::Unknown => {}
                Taken::Failed => return Step::Quit(0),
            }
        } else if let Some(host) = host {
            let family = session.ntpsec.host_family;
            return Step::Need(Need::Open { host: host.to_owned(), family });
        }
        let is_asked = self.line.text(0).is_none();
        session.print(&if is_asked { host_is(session) } else { host_remains(session) });
        Step::Done
    }
}

impl Job for Setting {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        let text = self.line.text(0);
        match self.line.command.verb {
            Verb::Host => return self.host(session, answer),
            Verb::Password => {
                return match self.key.go_on(session, answer) {
                    Prompted::Need(need) => Step::Need(need),
                    Prompted::Ready | Prompted::Failed => Step::Done,
                };
            }
            Verb::Quit => {
                if self.line.command.name == END_OF_INPUT {
                    session.print("\n");
                }
                // Among commands of the command line it ends nothing.
                return if session.ntpsec.is_prompting { Step::Quit(0) } else { Step::Done };
            }
            Verb::Help => help::print(session, text),
            Verb::Version => session.print(&format!("{VERSION}\n")),
            Verb::Poll => session.complain("WARNING: poll not implemented yet\n"),
            Verb::Units => session.ntpsec.units = !session.ntpsec.units,
            Verb::Direct => direct(session),
            Verb::HostNames => host_names(session, text),
            Verb::Authenticate => authenticate(session, text),
            Verb::Debug => debug(session, text),
            Verb::LogFile => log_file(session, text),
            Verb::KeyType => key_type(session, text),
            Verb::KeyId => key_id(session, text),
            Verb::NtpVersion => ntp_version(session, text),
            Verb::Timeout => timeout(session, text),
            Verb::Delay => delay(session, text),
            Verb::Flaky { begins: true } => flaky(session, text),
            Verb::AddVariables => add_variables(session, text),
            Verb::RemoveVariables => remove_variables(session, text),
            Verb::ClearVariables => session.variables.clear(),
            Verb::ShowVariables => show_variables(session),
            // `writelist` and `writevar` do nothing there, and we lose no answers.
            _ => {}
        }
        Step::Done
    }
}

/// The number that an argument is; complains when it is none.
fn number(session: &mut Session, text: &str) -> Option<i128> {
    let number = value::integer(text, false);
    if number.is_none() {
        session.complain("What?\n");
    }
    number
}

fn direct(session: &mut Session) {
    session.ntpsec.direct = !session.ntpsec.direct;
    let word = if session.ntpsec.direct { "on" } else { "off" };
    session.print(&format!("Direct mode is {word}\n"));
}

fn host_names(session: &mut Session, word: Option<&str>) {
    let chosen = match word {
        None => None,
        Some("yes") => Some((true, false)),
        Some("no") => Some((false, false)),
        Some("hostnum") => Some((false, true)),
        Some("hostname") => Some((true, true)),
        Some(_) => {
            session.print("What?\n");
            None
        }
    };
    if let Some((resolved, supplied)) = chosen {
        session.settings.hostnames = resolved;
        session.ntpsec.supplied_names = supplied;
    }
    let word = |is_shown| if is_shown { "being" } else { "not being" };
    session.print(&format!(
        "resolved hostnames {} shown\nsupplied hostnames {} shown\n",
        word(session.settings.hostnames),
        word(session.ntpsec.supplied_names)
    ));
}

fn authenticate(session: &mut Session, word: Option<&str>) {
    match word {
        None => {}
        Some("yes") => session.settings.always_sign = true,
        Some("no") => session.settings.always_sign = false,
        Some(_) => session.complain("What?\n"),
    }
    let not = if session.settings.always_sign { "" } else { "un" };
    session.print(&format!("{not}authenticated requests being sent\n"));
}

fn debug(session: &mut Session, word: Option<&str>) {
    let level = session.settings.debug;
    session.settings.debug = match word {
        None => level,
        Some("more") => level.saturating_add(1),
        Some("less") => level.saturating_sub(1).max(0),
        Some("no") => 0,
        Some(text) => {
            number(session, text).and_then(|number| i64::try_from(number).ok()).unwrap_or(level)
        }
    };
    session.print(&format!("debug level is {}\n", session.settings.debug));
}

/// Differs: there are no debugging texts here, so no file is opened for them; it is only remembered.
fn log_file(session: &mut Session, name: Option<&str>) {
    match name {
        None => {
            let name = Value::Text(session.ntpsec.log_file.clone()).quoted();
            session.print(&format!("{name}\n"));
        }
        Some(name) => {
            name.clone_into(&mut session.ntpsec.log_file);
            if name != STANDARD_ERROR {
                let name = printable(name.as_bytes());
                session.print(&format!("Logfile set to {name}\n"));
            }
        }
    }
}

fn key_type(session: &mut Session, word: Option<&str>) {
    let Some(word) = word else {
        return session.print(&format!("Keytype: {}\n", session.ntpsec.key_type));
    };
    if let Some(name) = keys::known_type(word) {
        session.ntpsec.key_type = name;
    } else {
        let word = printable(word.as_bytes());
        session.complain(&format!("Keytype {word} is not supported by openSSL or ntpq.\n\n"));
    }
}

fn key_id(session: &mut Session, text: Option<&str>) {
    if let Some(text) = text
        && let Some(id) = number(session, text)
    {
        session.ntpsec.key_id = Some(id);
    }
    let text = match session.ntpsec.key_id {
        None => "no keyid defined\n".to_owned(),
        Some(id) => format!("keyid is {id}\n"),
    };
    session.print(&text);
}

fn ntp_version(session: &mut Session, text: Option<&str>) {
    if let Some(text) = text
        && let Some(version) = number(session, text)
    {
        // It is only how status words are read: requests go on to claim the usual version.
        match u8::try_from(version) {
            Ok(version @ 1..=4) => session.ntpsec.version = version,
            _ => session.complain("versions 1 to 4, please\n"),
        }
    }
    session.print(&format!("NTP version being claimed is {}\n", session.ntpsec.version));
}

fn timeout(session: &mut Session, text: Option<&str>) {
    if let Some(text) = text
        && let Some(milliseconds) = number(session, text)
    {
        let milliseconds = u64::try_from(milliseconds.max(0)).unwrap_or(u64::MAX);
        session.settings.timeout = Duration::from_millis(milliseconds);
    }
    session.print(&format!("primary timeout {} ms\n", session.settings.timeout.as_millis()));
}

fn delay(session: &mut Session, text: Option<&str>) {
    let Some(text) = text else {
        return session.print(&format!("delay {} ms\n", session.settings.delay_ms));
    };
    let number = value::integer(text, false).and_then(|number| i32::try_from(number).ok());
    if let Some(number) = number {
        session.settings.delay_ms = number;
    }
    if number.is_none_or(|number| number < 0) {
        session.print("Huh?");
    }
}

/// Differs: NTPsec's ntpq then throws some of the answers away; here none is lost.
fn flaky(session: &mut Session, text: Option<&str>) {
    let share = value::real(text.unwrap_or_default());
    if !share.is_some_and(|share| share > 0.0 && share < 1.0) {
        session.print("Flakiness must be a (positive) float less than 1.");
    }
}

fn add_variables(session: &mut Session, text: Option<&str>) {
    let Some(text) = text else {
        return session.complain("usage: addvars name[=value][,...]\n\n");
    };
    for item in text.split(',') {
        let (name, value) = match item.split_once('=') {
            Some((name, value)) if !value.contains('=') => (name, value::strip(value)),
            _ => (item, ""),
        };
        let name = value::strip(name);
        let value = (!value.is_empty()).then(|| value.to_owned());
        match session.variables.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = value,
            None => session.variables.push((name.to_owned(), value)),
        }
    }
}

fn remove_variables(session: &mut Session, text: Option<&str>) {
    let Some(text) = text else {
        return session.complain("usage: rmvars name[,...]\n\n");
    };
    for name in text.split(',') {
        if let Some(place) = session.variables.iter().position(|(known, _)| known == name) {
            session.variables.remove(place);
        } else {
            let name = printable(name.as_bytes());
            session.complain(&format!("{name} is not in the variable list\n"));
        }
    }
}

fn show_variables(session: &mut Session) {
    if session.variables.is_empty() {
        return session.print("No variables on list.\n");
    }
    let line = |(name, value): &(String, Option<String>)| match value {
        Some(value) => format!("{name}={value}\n"),
        None => format!("{name}\n"),
    };
    let text: String = session.variables.iter().map(line).collect();
    session.print(&text);
}
