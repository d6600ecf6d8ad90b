//! What is kept from one command to the next.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::control::private::{Outcome, Question};
use crate::model::question::Failure;
use crate::ntpq::job::{Need, Opened};
use crate::ntpq::session::Session as Shell;
use crate::units::{AssocId, NtpDuration};
use crate::wire::mac::Key;
use crate::wire::mode7::{Implementation, Refusal, Request, RequestSize};

/// What is kept from one command to the next.
#[derive(Debug)]
pub struct Session {
    /// What ntpq keeps too: settings, keys, the host, names, what is to be written.
    pub shell: Shell,
    /// What the host was last found to understand.
    pub implementation: Implementation,
    /// How long the requests are that it was last found to take.
    pub size: RequestSize,
    /// Whether a key was chosen by command: then the number 0 means that nothing is signed.
    pub key_chosen: bool,
    /// Whether the user said that `monlist` may be sent.
    pub allows_monlist: bool,
}

impl Session {
    /// A session that has set nothing and talks to nobody.
    pub fn new(program: String, zone: fn() -> TimeZone) -> Self {
        Self {
            shell: Shell::new(program, zone),
            implementation: Implementation::default(),
            size: RequestSize::default(),
            key_chosen: false,
            allows_monlist: false,
        }
    }

    /// Turns to another host, of which nothing is known yet.
    pub fn turn_to(&mut self, host: Opened) {
        self.shell.turn_to(host);
        self.forget_host();
    }

    /// Forgets what the host was found to understand.
    pub fn forget_host(&mut self) {
        self.implementation = Implementation::default();
        self.size = RequestSize::default();
    }

    /// Writes to standard output, or to the file that the command's output goes to.
    pub fn print(&mut self, text: &str) {
        self.shell.print(text);
    }

    /// Writes to standard error.
    pub fn complain(&mut self, text: &str) {
        self.shell.complain(text);
    }

    /// Asks the current host.
    pub fn ask(&self, request: Request, key: Option<Key>) -> Need {
        let milliseconds = f64::from(self.shell.settings.delay_ms);
        Need::AskPrivately(Box::new(Question {
            request,
            size: self.size,
            key,
            delay: NtpDuration::from_milliseconds(milliseconds),
            timeout: self.shell.settings.timeout,
        }))
    }

    /// What is said of a host whose name cannot be one.
    pub fn bad_host(&self) -> String {
        format!("{}: bad hostname/address: Invalid argument\n", self.shell.program)
    }

    /// Says why there is no answer.
    pub fn report(&mut self, outcome: &Outcome) {
        let text = match outcome {
            Outcome::Done(_) => return,
            Outcome::Refused(refusal) => refusal_text(*refusal),
            Outcome::Unanswered => {
                let waited = Duration::ZERO;
                let failure = Failure::Unanswered { attempts: 1, waited };
                return self.shell.report(&failure, AssocId::SYSTEM);
            }
            Outcome::Incomplete => {
                let failure = Failure::Incomplete { attempts: 1 };
                return self.shell.report(&failure, AssocId::SYSTEM);
            }
            Outcome::Unreachable(why) => {
                return self.shell.report(&Failure::Unreachable(*why), AssocId::SYSTEM);
            }
            // Differs: ntpdc says nothing and sends nothing either.
            Outcome::DigestTooLong => {
                "The daemon takes only short requests, without room for this digest".to_owned()
            }
        };
        self.complain(&format!("***{text}\n"));
    }
}

fn refusal_text(refusal: Refusal) -> String {
    match refusal {
        Refusal::Implementation => "Server implementation incompatible with our own".to_owned(),
        Refusal::Request => "Server doesn't implement this request".to_owned(),
        Refusal::Format => {
            "Server reports a format error in the received packet (shouldn't happen)".to_owned()
        }
        Refusal::NoData => "Server reports data not found".to_owned(),
        Refusal::Permission => "Permission denied".to_owned(),
        Refusal::Other(code) => format!("Server returns unknown error code {code}"),
    }
}
