//! `mrulist`: who asked the daemon most recently. The walk itself is
//! [`MruWalk`](crate::control::mru::MruWalk)'s.
//!
//! Differs: ntpq prints nothing of a list that it could not read to its end, unless it was
//! interrupted; here what was read is printed, and said to be partial.

use std::cmp::Ordering;
use std::fmt::Write as _;

use crate::control::mru::{Ending, Stop};
use crate::model::mru::MruEntry;
use crate::model::question::Failure;
use crate::model::reply::Reply;
use crate::ntpq::command::{Argument, Line};
use crate::ntpq::job::{Answer, Job, Step};
use crate::ntpq::listing::{Listing, interval_s};
use crate::ntpq::printer;
use crate::ntpq::session::Session;
use crate::units::{AssocId, Mono, NtpTimestamp};

/// The table of those who asked.
#[derive(Debug)]
pub struct MruTable {
    arguments: Vec<String>,
    order: Order,
    listing: Listing,
    /// When the next word on how far it is, is due.
    report: Option<Mono>,
}

/// In which order entries are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Order {
    by: By,
    reversed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum By {
    /// The time since the last packet: as the daemon has them.
    #[default]
    Age,
    Interval,
    Address,
    Count,
}

impl MruTable {
    /// What `line` says.
    pub fn new(line: &Line) -> Self {
        let text = |argument: &Argument| match argument {
            Argument::Text(text) => Some(text.clone()),
            _ => None,
        };
        Self {
            arguments: line.arguments.iter().filter_map(text).collect(),
            order: Order::default(),
            listing: Listing::new(Vec::new()),
            report: None,
        }
    }

    fn begin(&mut self, session: &mut Session) -> Step {
        session.complain("Ctrl-C will stop MRU retrieval and display partial results.\n");
        let mut parameters: Vec<String> = Vec::new();
        let mut length = 0;
        for argument in std::mem::take(&mut self.arguments) {
            let is_passed_on = PASSED_ON.iter().any(|tag| argument.starts_with(tag));
            if is_passed_on && length + argument.len() + 3 <= MAX_PARAMETERS {
                length += argument.len() + 2;
                parameters.push(argument);
            } else if let Some(word) = argument.strip_prefix(SORT) {
                self.order = order(word).unwrap_or(self.order);
            } else if let Some(flag) = restriction(&argument) {
                let parameter = format!("resany={flag:#x}");
                if length + parameter.len() + 3 < MAX_PARAMETERS {
                    length += parameter.len() + 2;
                    parameters.push(parameter);
                }
            } else {
                session.complain(&format!("ignoring unrecognized mrulist parameter: {argument}\n"));
            }
        }
        self.listing = Listing::new(parameters);
        self.go_on(session, Mono::default())
    }

    /// The next question, or the end of the walk.
    fn go_on(&mut self, session: &mut Session, now: Mono) -> Step {
        self.listing.ask(session, now).unwrap_or_else(|| self.end(session))
    }

    fn take_piece(
        &mut self,
        session: &mut Session,
        at: Mono,
        result: Result<Reply, Failure>,
        part: Option<&Reply>,
    ) -> Step {
        if session.settings.raw
            && let Ok(reply) = &result
        {
            session.print_out(&printer::raw(reply.data()));
        }
        self.listing.walk.answered(at, result, part);
        let due = *self.report.get_or_insert(at + REPORT);
        if at >= due && self.listing.walk.ending().is_none() {
            self.report = Some(due + REPORT);
            let (entries, updates) =
                (self.listing.walk.list().len(), self.listing.walk.tally().updates);
            session.complain(&format!("\r{entries} ({updates} updates) "));
        }
        self.go_on(session, at)
    }

    /// Says how the walk ended, and begins the table where there is one.
    fn end(&mut self, session: &mut Session) -> Step {
        let stop = match self.listing.walk.ending() {
            Some(Ending::Partial(stop)) => Some(stop.clone()),
            _ => None,
        };
        if let Some(stop) = &stop {
            complain(session, stop);
            if self.listing.walk.list().is_empty() && *stop != Stop::Interrupted {
                return Step::Done;
            }
        }
        let (entries, updates) =
            (self.listing.walk.list().len(), self.listing.walk.tally().updates);
        session.complain(&format!(
            "\rRetrieved {entries} unique MRU entries and {updates} updates.\n"
        ));
        if let Some(stop) = stop.filter(|stop| *stop != Stop::Interrupted) {
            session.complain(&format!("***The list is not complete: {stop}\n"));
        }
        if session.records() {
            self.listing.record(session, &self.ordered());
            return Step::Done;
        }
        if session.settings.raw {
            return Step::Done;
        }
        session.print_out(HEADER);
        self.listing.choose(self.ordered());
        self.print(session)
    }

    /// The places of all entries, in the order in which they are printed.
    fn ordered(&self) -> Vec<u32> {
        let list = self.listing.walk.list();
        let mut places: Vec<u32> = list.places().collect();
        let Order { by, reversed } = self.order;
        if by == By::Age {
            if reversed {
                places.reverse();
            }
            return places;
        }
        places.sort_by(|one, other| {
            let (Some(one), Some(other)) = (list.at(*one), list.at(*other)) else {
                return Ordering::Equal;
            };
            if reversed { compare(by, &other, &one) } else { compare(by, &one, &other) }
        });
        places
    }

    fn print(&mut self, session: &mut Session) -> Step {
        self.listing.print(session, row).unwrap_or(Step::Done)
    }
}

impl Job for MruTable {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match answer {
            None => self.begin(session),
            Some(Answer::Replies(replies)) => match self.listing.take_replies(session, replies) {
                Some(at) => self.go_on(session, at),
                None => Step::Done,
            },
            Some(Answer::Piece { result, part, at }) => {
                self.take_piece(session, at, result, part.as_ref())
            }
            Some(Answer::Interrupted) => {
                self.listing.walk.interrupt();
                session.print_out(INTERRUPTED);
                self.end(session)
            }
            Some(Answer::Names(names)) => {
                self.listing.take_names(session, names);
                self.print(session)
            }
            Some(Answer::Written) => self.print(session),
            Some(_) => Step::Done,
        }
    }
}

/// What ntpq says where it gives up.
fn complain(session: &mut Session, stop: &Stop) {
    match stop {
        Stop::NoNonce(failure) => {
            session.report(failure, AssocId::SYSTEM);
            session.complain("nonce request failed\n");
        }
        Stop::Failed(failure) => session.report(failure, AssocId::SYSTEM),
        Stop::NothingNamed => {
            session.complain("CERR_UNKNOWNVAR from ntpd but no priors given.\n");
        }
        Stop::Forgetful => session.complain(FORGETFUL),
        _ => {}
    }
}

/// What is wanted of entries that a restriction marks.
fn restriction(word: &str) -> Option<u16> {
    match word {
        "limited" => Some(LIMITED),
        "kod" => Some(KOD),
        _ => None,
    }
}

fn order(word: &str) -> Option<Order> {
    let (reversed, name) = match word.strip_prefix('-') {
        Some(name) => (true, name),
        None => (false, word),
    };
    let (_, by, _) = ORDERS.iter().find(|(known, ..)| *known == name)?;
    Some(Order { by: *by, reversed })
}

/// The words for orders, each with what it means; the reversed ones follow.
pub fn orders() -> impl Iterator<Item = (String, String)> {
    let plain = ORDERS.iter().map(|(name, _, about)| ((*name).to_owned(), (*about).to_owned()));
    let turned =
        |(name, _, about): &(&str, By, &str)| (format!("-{name}"), format!("{about}, reversed"));
    plain.chain(ORDERS.iter().map(turned))
}

fn compare(by: By, one: &MruEntry, other: &MruEntry) -> Ordering {
    match by {
        By::Age => Ordering::Equal,
        By::Interval => {
            let intervals = interval_s(one).total_cmp(&interval_s(other));
            intervals.then_with(|| (other.last - one.last).bits().cmp(&0))
        }
        By::Address => one.address.ip().cmp(&other.address.ip()),
        By::Count => one.count.cmp(&other.count),
    }
}

/// Rounded as ntpq rounds, which is up for what lies in the middle and towards zero below it.
#[expect(clippy::cast_possible_truncation, reason = "cut at the end of the range, as it should be")]
fn rounded(seconds: f64) -> i32 {
    (seconds + 0.5) as i32
}

fn row(text: &mut String, entry: &MruEntry, now: NtpTimestamp, session: &Session) {
    let mark = match entry.restrictions {
        flags if flags & KOD != 0 => 'K',
        flags if flags & LIMITED != 0 => 'L',
        _ => '.',
    };
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "{:6} {:6} {:4x} {mark} {} {} {:6} {:5} ",
        rounded((now - entry.last).seconds()),
        rounded(interval_s(entry)),
        entry.restrictions,
        entry.mode.bits(),
        entry.version,
        entry.count,
        entry.address.port(),
    );
    let address = entry.address.into();
    let _ = match session.known_name(address) {
        Some(name) => writeln!(text, "{name}"),
        None => writeln!(text, "{address}"),
    };
}

/// Parameters that the daemon is told as they are. ntpq knows one of them by its first letters.
const PASSED_ON: [&str; 5] = ["resall=", "resany=", "mincount=", "laddr=", "maxlst"];

/// What an order is said behind.
pub const SORT: &str = "sort=";

const ORDERS: [(&str, By, &str); 4] = [
    ("lstint", By::Age, "by the time since the last packet"),
    ("avgint", By::Interval, "by the average time between packets"),
    ("addr", By::Address, "by address"),
    ("count", By::Count, "by the number of packets"),
];

/// What the command takes, each with what it means.
pub const OPTIONS: [(&str, &str); 8] = [
    (SORT, "in this order"),
    ("limited", "only those whose rate is limited"),
    ("kod", "only those who are told to slow down"),
    ("mincount=", "only those with so many packets"),
    ("laddr=", "only those who asked this local address"),
    ("resall=", "only those with all of these restrictions, as 0x…"),
    ("resany=", "only those with one of these restrictions, as 0x…"),
    ("maxlstint=", "only those heard within so many seconds"),
];

/// What ntpq 4.2.8p15 takes the bits of a restriction for, whichever daemon it asks.
const LIMITED: u16 = 0x40;
const KOD: u16 = 0x800;

/// Characters that the parameters may have together, with what separates and ends them.
const MAX_PARAMETERS: usize = 128;

/// From one word on how far it is to the next.
const REPORT: std::time::Duration = std::time::Duration::from_secs(5);

const HEADER: &str = "lstint avgint rstr r m v  count rport remote address
==============================================================================
";

const INTERRUPTED: &str =
    "mrulist retrieval interrupted by operator.\nDisplaying partial client list.\n";

const FORGETFUL: &str = "Giving up after 8 restarts from the beginning.
With high-traffic NTP servers, this can occur if the
MRU list is limited to less than about 16 seconds' of
entries.  See the 'mru' ntp.conf directive to adjust.
";
