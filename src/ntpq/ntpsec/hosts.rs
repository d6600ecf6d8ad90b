//! Turning to a host, as NTPsec's ntpq tells of it.

use crate::ntpq::job::{Answer, NotOpened, Opened};
use crate::ntpq::session::Session;
use crate::ntpq::text::printable;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The host is asked from now on.
    Open,
    /// It has no address.
    Unknown,
    /// The system has no way to it; the program ends.
    Failed,
}

/// Takes the answer to the need for `host`, which keeps the name that the user gave it.
pub fn take(session: &mut Session, host: &str, answer: Answer) -> Taken {
    match answer {
        Answer::Opened(Ok(opened)) => {
            session.turn_to(Opened { name: host.to_owned(), ..opened });
            Taken::Open
        }
        Answer::Opened(Err(NotOpened::Unresolved(why))) => {
            let (host, text) = (printable(host.as_bytes()), printable(why.as_bytes()));
            let text = text.trim_end();
            session.complain(&format!("ntpq: standard-mode lookup of {host} failed, {text}\n"));
            if TRIED_AGAIN.contains(&text) {
                session.complain(&format!("ntpq: ndp lookup failed, {text}\n"));
            }
            Taken::Unknown
        }
        Answer::Opened(Err(NotOpened::NoWay(why))) => {
            let number = NUMBERS.iter().find(|(words, _)| *words == why).map_or(0, |(_, n)| *n);
            let host = printable(host.as_bytes());
            session.complain(&format!("Error connecting to {host}: {why} [{number}]\n"));
            Taken::Failed
        }
        _ => Taken::Unknown,
    }
}

/// The resolver's words after which the name is looked up once more.
const TRIED_AGAIN: [&str; 2] = ["Name or service not known", "No address associated with hostname"];

/// The system's words for having no way to a host, and its numbers for them.
const NUMBERS: [(&str, u16); 5] = [
    ("Permission denied", 13),
    ("Invalid argument", 22),
    ("Cannot assign requested address", 99),
    ("Network is unreachable", 101),
    ("No route to host", 113),
];
