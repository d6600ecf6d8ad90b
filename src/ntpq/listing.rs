//! A list of clients as both ntpqs have it: walked through, then printed or recorded row by row.
//!
//! There may be hundreds of thousands, so they are printed a part at a time: the names in it are
//! looked up, and it is written out, before the next.

use serde_json::{Map, json};

use crate::control::mru::{Ending, MruWalk, Step as WalkStep};
use crate::model::mru::MruEntry;
use crate::model::question::Failure;
use crate::model::reply::Reply;
use crate::ntpq::address::NetAddress;
use crate::ntpq::job::{HostName, Need, Step};
use crate::ntpq::session::Session;
use crate::units::{Mono, NtpTimestamp};

/// A list that is read and then printed.
#[derive(Debug)]
pub(super) struct Listing {
    /// How far it was read.
    pub(super) walk: MruWalk,
    /// Whether it was said who the daemon is.
    has_introduced: bool,
    /// The places of entries that are still to be printed, the last first.
    waiting: Vec<u32>,
    /// Entries that wait for their names.
    named: Vec<MruEntry>,
    looked_up: Vec<NetAddress>,
}

impl Listing {
    /// Nothing is read yet of the entries that `parameters` ask for.
    pub(super) fn new(parameters: Vec<String>) -> Self {
        Self {
            walk: MruWalk::new(parameters),
            has_introduced: false,
            waiting: Vec::new(),
            named: Vec::new(),
            looked_up: Vec::new(),
        }
    }

    /// Has the next step of the walk asked; `None` at its end. With the first piece goes who the
    /// daemon is. Before the first answer has come, `now` is any time, for nothing is old then.
    pub(super) fn ask(&mut self, session: &mut Session, now: Mono) -> Option<Step> {
        Some(Step::Need(match self.walk.next_step(now)? {
            WalkStep::Nonce(question) => {
                let questions = [Some(question), session.identity_question()];
                session.ask(questions.into_iter().flatten().collect())
            }
            WalkStep::Piece(mut question, wait) => {
                question.signed = session.settings.always_sign;
                let dialect = session.dialect.flatten().filter(|_| !self.has_introduced);
                self.has_introduced = true;
                Need::Piece { question, wait, dialect }
            }
        }))
    }

    /// Takes in what else than pieces was asked, and says when it was answered; `None` when nothing
    /// was.
    pub(super) fn take_replies(
        &mut self,
        session: &mut Session,
        replies: Vec<Result<Reply, Failure>>,
    ) -> Option<Mono> {
        let mut replies = replies.into_iter();
        let answer = replies.next()?;
        if let Some(identity) = replies.next() {
            session.take_identity(&identity);
        }
        let at = answer.as_ref().map(|reply| reply.dated.answered).unwrap_or_default();
        self.walk.answered(at, answer, None);
        Some(at)
    }

    /// Takes in the names that [`Listing::print`] needed.
    pub(super) fn take_names(&self, session: &mut Session, names: Vec<HostName>) {
        session.take_names(&self.looked_up, names);
    }

    /// Has the entries at these places printed, in this order.
    pub(super) fn choose(&mut self, mut places: Vec<u32>) {
        places.reverse();
        self.waiting = places;
    }

    /// Prints entries by `row` until something is needed; `None` when all are printed.
    pub(super) fn print(
        &mut self,
        session: &mut Session,
        row: impl Fn(&mut String, &MruEntry, NtpTimestamp, &Session),
    ) -> Option<Step> {
        loop {
            let now = self.walk.now().unwrap_or_default();
            let mut text = String::new();
            for entry in self.named.drain(..) {
                row(&mut text, &entry, now, session);
            }
            session.print(&text);
            let rest = self.waiting.len().saturating_sub(AT_ONCE);
            let places = self.waiting.split_off(rest);
            self.named.extend(places.iter().rev().filter_map(|at| self.walk.list().at(*at)));
            if self.named.is_empty() {
                return None;
            }
            // A name is looked up once for each address, and there may be very many.
            if session.names.len() > MOST_NAMES {
                session.names.clear();
            }
            let addresses = self.named.iter().map(|entry| NetAddress::from(entry.address));
            self.looked_up = session.names_needed(addresses);
            if !self.looked_up.is_empty() {
                return Some(Step::Need(Need::Names(self.looked_up.clone())));
            }
            if !text.is_empty() {
                return Some(Step::Need(Need::Write));
            }
        }
    }

    /// Records the entries at `places`, in this order, and how much of the list they are.
    ///
    /// Differs: no more than [`MOST_RECORDED`] entries are told, with how many there are: the
    /// document is put together in memory.
    pub(super) fn record(&self, session: &mut Session, places: &[u32]) {
        let list = self.walk.list();
        let now = self.walk.now().unwrap_or_default();
        let entries = places.iter().take(MOST_RECORDED).filter_map(|place| list.at(*place));
        let row = |entry: MruEntry| {
            json!({
                "address": NetAddress::from(entry.address).to_string(),
                "port": entry.address.port(),
                "last_s": (now - entry.last).seconds(),
                "average_interval_s": interval_s(&entry),
                "count": entry.count,
                "mode": entry.mode.bits(),
                "version": entry.version,
                "restrictions_bits": entry.restrictions,
                "dropped": entry.dropped,
                "score": f64::from(entry.score),
            })
        };
        let is_complete = matches!(self.walk.ending(), Some(Ending::Complete(_)));
        session.record(Map::from_iter([
            ("complete".to_owned(), is_complete.into()),
            ("entries".to_owned(), list.len().into()),
            ("updates".to_owned(), self.walk.tally().updates.into()),
            ("clients".to_owned(), entries.map(row).collect()),
        ]));
    }
}

/// The average time from one packet to the next in seconds, as ntpq 4.2.8 counts it: by packets, not
/// by gaps.
pub(super) fn interval_s(entry: &MruEntry) -> f64 {
    entry.span().seconds() / f64::from(entry.count.max(1))
}

/// Rows that are printed together.
const AT_ONCE: usize = 256;

/// Names that are kept while the table is printed.
const MOST_NAMES: usize = 8192;

/// Entries in a document.
const MOST_RECORDED: usize = 20_000;
