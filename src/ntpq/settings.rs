//! Commands that show or change a setting, or say something, without asking the daemon.

use std::time::Duration;

use crate::line::Secret;
use crate::ntpq::command::{Argument, Line, Verb, vocabulary};
use crate::ntpq::job::{Answer, Family, Job, Need, Step};
use crate::ntpq::keys::{self, MAX_KEY_ID};
use crate::ntpq::session::{RefIds, Session};
use crate::ntpq::style::Style;
use crate::ntpq::variables;
use crate::wire::mac::MAX_DIGEST;

/// One of these commands.
#[derive(Debug)]
pub struct Setting {
    line: Line,
    awaited: Awaited,
}

/// What the user is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Nothing,
    KeyId,
    Secret,
}

impl Setting {
    /// What `line` says.
    pub const fn new(line: Line) -> Self {
        Self { line, awaited: Awaited::Nothing }
    }
}

impl Job for Setting {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        let text = self.line.text(0);
        match self.line.command.verb {
            Verb::Quit => return Step::Quit(0),
            Verb::Host => return self.host(session, answer),
            Verb::Password => return self.password(session, answer),
            Verb::Help => help(session, text),
            Verb::Version => session.print(&format!("{VERSION}\n")),
            Verb::Poll => session.print("poll not implemented yet\n"),
            Verb::Raw => set_raw(session, true),
            Verb::Cooked => set_raw(session, false),
            Verb::HostNames => host_names(session, text),
            Verb::Authenticate => authenticate(session, text),
            Verb::Debug => debug(session, text),
            Verb::RefIds => ref_ids(session, text),
            Verb::KeyType => key_type(session, text, BAD_KEY_TYPE),
            Verb::KeyId => key_id(session, self.line.unsigned(0)),
            Verb::NtpVersion => ntp_version(session, self.line.unsigned(0)),
            Verb::Timeout => timeout(session, self.line.unsigned(0)),
            Verb::Delay => delay(session, self.line.arguments.first()),
            Verb::AddVariables => {
                let mut list = std::mem::take(&mut session.variables);
                variables::add_variables(&mut list, text.unwrap_or_default(), session);
                session.variables = list;
            }
            Verb::RemoveVariables => remove_variables(session, text.unwrap_or_default()),
            Verb::ClearVariables => session.variables.clear(),
            Verb::ShowVariables => show_variables(session),
            _ => {}
        }
        Step::Done
    }
}

impl Setting {
    fn host(&self, session: &mut Session, answer: Option<Answer>) -> Step {
        let arguments = (self.line.text(0), self.line.text(1));
        let (family, host) = match (answer, arguments) {
            (Some(Answer::Opened(opened)), _) => {
                match opened {
                    Ok(host) => {
                        session.turn_to(host);
                        session.print(&format!("current host set to {}\n", session.host_name()));
                    }
                    Err(why) => {
                        if session.refuse_host(&why) {
                            return Step::Quit(1);
                        }
                        session.print(&host_remains(session));
                    }
                }
                return Step::Done;
            }
            (_, (None, _)) => {
                session.print(&host_is(session));
                return Step::Done;
            }
            (_, (Some(host), None)) => (Family::Any, host),
            (_, (Some("-4"), Some(host))) => (Family::V4, host),
            (_, (Some("-6"), Some(host))) => (Family::V6, host),
            (_, (Some(_), Some(_))) => {
                session.print(&host_remains(session));
                return Step::Done;
            }
        };
        Step::Need(Need::Open { host: host.to_owned(), family })
    }

    fn password(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        let typed = match answer {
            Some(Answer::Line(line)) => line.unwrap_or_default(),
            _ => Secret::default(),
        };
        let typed = typed.as_str();
        if self.awaited == Awaited::KeyId {
            session.keys.id = keys::typed_number(typed);
            if session.keys.id == 0 {
                session.print("Keyid must be defined\n");
                return Step::Done;
            }
        } else if session.keys.id == 0 {
            self.awaited = Awaited::KeyId;
            return Step::Need(keys::id_prompt());
        }
        let secret = match (self.line.text(0), self.awaited) {
            (Some(secret), _) => secret,
            (None, Awaited::Secret) => typed,
            (None, _) => {
                self.awaited = Awaited::Secret;
                return Step::Need(session.keys.secret_prompt());
            }
        };
        if secret.is_empty() {
            session.print("Password unchanged\n");
        } else {
            session.keys.set_secret(secret);
        }
        Step::Done
    }
}

/// What is said of the host that is asked.
pub fn host_is(session: &Session) -> String {
    match session.host {
        Some(_) => format!("current host is {}\n", session.host_name()),
        None => "no current host\n".to_owned(),
    }
}

/// What is said where another host was wanted and cannot be asked.
pub fn host_remains(session: &Session) -> String {
    match session.host {
        Some(_) => format!("current host remains {}\n", session.host_name()),
        None => "still no current host\n".to_owned(),
    }
}

fn help(session: &mut Session, name: Option<&str>) {
    match vocabulary(Style::Classic).help(name) {
        Ok(text) => session.print(&text),
        Err(complaint) => session.complain(&complaint),
    }
}

fn set_raw(session: &mut Session, raw: bool) {
    session.settings.raw = raw;
    session.print(if raw { "Output set to raw\n" } else { "Output set to cooked\n" });
}

fn host_names(session: &mut Session, word: Option<&str>) {
    match word {
        None if session.settings.hostnames => session.print("hostnames being shown\n"),
        None => session.print("hostnames not being shown\n"),
        Some("yes") => session.settings.hostnames = true,
        Some("no") => session.settings.hostnames = false,
        Some(_) => session.complain("What?\n"),
    }
}

fn authenticate(session: &mut Session, word: Option<&str>) {
    match word {
        None if session.settings.always_sign => {
            session.print("authenticated requests being sent\n");
        }
        None => session.print("unauthenticated requests being sent\n"),
        Some("yes") => session.settings.always_sign = true,
        Some("no") => session.settings.always_sign = false,
        Some(_) => session.complain("What?\n"),
    }
}

fn debug(session: &mut Session, word: Option<&str>) {
    match word {
        None => return session.print(&format!("debug level is {}\n", session.settings.debug)),
        Some("no") => session.settings.debug = 0,
        Some("more") => session.settings.debug += 1,
        Some("less") => session.settings.debug -= 1,
        Some(_) => return session.print("What?\n"),
    }
    session.print(&format!("debug level set to {}\n", session.settings.debug));
}

fn ref_ids(session: &mut Session, word: Option<&str>) {
    let verb = match word {
        None => "is",
        Some("hash") => {
            session.settings.ref_ids = RefIds::Hash;
            "set to"
        }
        Some("ipv4") => {
            session.settings.ref_ids = RefIds::Ipv4;
            "set to"
        }
        Some(_) => return session.print("What?\n"),
    };
    let word = match session.settings.ref_ids {
        RefIds::Hash => "hash",
        RefIds::Ipv4 => "ipv4",
    };
    session.print(&format!("drefid value {verb} {word}\n"));
}

/// Shows or chooses how secrets are used; `complaint` is what is said of a word that names no way.
pub fn key_type(session: &mut Session, word: Option<&str>, complaint: &str) {
    let Some(word) = word else {
        let algorithm = session.keys.algorithm;
        return session.print(&format!(
            "keytype is {algorithm} with {} octet digests\n",
            algorithm.digest_len()
        ));
    };
    if !session.keys.set_algorithm(word) {
        if let Some((name, octets)) = keys::too_long(word) {
            session.complain(&format!(
                "key type {name} {octets} octet digests are too big, max {MAX_DIGEST}\n"
            ));
        }
        session.print(complaint);
    }
}

fn key_id(session: &mut Session, id: Option<u32>) {
    match id {
        None if session.keys.id == 0 => session.print("no keyid defined\n"),
        None => session.print(&format!("keyid is {}\n", session.keys.id)),
        Some(id) => {
            if id > MAX_KEY_ID {
                session.print("Invalid key identifier\n");
            }
            session.keys.id = id;
        }
    }
}

fn ntp_version(session: &mut Session, version: Option<u32>) {
    match version {
        None => {
            let text = format!("NTP version being claimed is {}\n", session.settings.version);
            session.print(&text);
        }
        Some(version @ 1..=4) => session.settings.version = (version & 7) as u8,
        Some(_) => session.complain("versions 1 to 4, please\n"),
    }
}

fn timeout(session: &mut Session, milliseconds: Option<u32>) {
    match milliseconds {
        None => {
            let text = format!("primary timeout {} ms\n", session.settings.timeout.as_millis());
            session.print(&text);
        }
        Some(ms) => session.settings.timeout = Duration::from_millis(u64::from(ms)),
    }
}

fn delay(session: &mut Session, argument: Option<&Argument>) {
    match argument {
        Some(Argument::Signed(ms)) => session.settings.delay_ms = *ms,
        _ => session.print(&format!("delay {} ms\n", session.settings.delay_ms.cast_unsigned())),
    }
}

fn remove_variables(session: &mut Session, names: &str) {
    for item in variables::read_items(names.as_bytes(), session) {
        let name = String::from_utf8_lossy(item.name);
        match session.variables.iter().position(|(known, _)| *known == name) {
            Some(place) => {
                session.variables.remove(place);
            }
            None => session.complain(&format!("Variable `{name}' not found\n")),
        }
    }
}

fn show_variables(session: &mut Session) {
    if session.variables.is_empty() {
        return session.print("No variables on list\n");
    }
    let line = |(name, value): &(String, Option<String>)| {
        format!("{name}={}\n", value.as_deref().unwrap_or_default())
    };
    let text: String = session.variables.iter().map(line).collect();
    session.print(&text);
}

/// The ntpq that this prints like, as it calls itself.
pub const VERSION: &str = "ntpq 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)";

const BAD_KEY_TYPE: &str =
    "keytype is not valid. Type \"help keytype\" for the available digest types.\n";
