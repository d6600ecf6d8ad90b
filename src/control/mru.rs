//! The walk through a daemon's list of those who asked it most recently.
//!
//! The list may have hundreds of thousands of rows and changes while it is read: a row that is
//! updated moves to its end. So it is read oldest first, a piece at a time; each question names the
//! newest rows that we have, as they were, and the daemon goes on behind the first of them that has
//! not changed since. The list is complete when its end is reached. A nonce, which is asked for
//! first and comes anew with each answer, shows that our address is ours.
//!
//! How much is asked for at once follows the line: from 32 datagrams on twice as much each time, up
//! to 128, while nothing is lost; half as much after a loss, and then little by little more. Of an
//! answer that is not whole, what stands before the gap is used all the same, so that a line that
//! loses one datagram in twenty only slows the walk.
//!
//! A daemon may be busy, wrong or hostile: the number of entries is bounded, so is what comes again
//! and again, and who brings nothing new is left. What was read until then is there and said to be
//! partial.
//!
//! [`MruWalk`] asks one question at a time and knows nothing of how it is sent or what is shown. Its
//! questions are asked once ([`Pipeline::ask_once`](crate::control::pipeline::Pipeline::ask_once)),
//! from one address and port.

pub mod list;
mod text;

use std::fmt;
use std::time::Duration;

use crate::control::mru::list::{MruList, Put};
use crate::control::mru::text::{Amount, Piece};
use crate::model::mru::MruEntry;
use crate::model::{Failure, Question, Reply};
use crate::units::{AssocId, Mono, NtpTimestamp};
use crate::wire::mode6::{ErrorCode, Opcode};

/// A walk through the list of one daemon.
#[derive(Clone, Debug)]
pub struct MruWalk {
    parameters: Vec<String>,
    list: MruList,
    nonce: Option<Nonce>,
    asked: Asked,
    fragments: u32,
    rows: u32,
    /// How many rows the daemon gives at most at once.
    most_rows: u32,
    by_rows: bool,
    has_lost: bool,
    /// What an answer took of late, from the question to its last datagram.
    took: Option<Duration>,
    tally: Tally,
    /// Rows that came, those too that were taken out again.
    received: u64,
    /// Questions of whose entries the daemon knew none.
    misses: u32,
    /// Pieces in a row that brought nothing.
    fruitless: u32,
    /// Questions in a row without an answer that is of use.
    unanswered: u32,
    /// Questions in a row without a single datagram in answer.
    silent: u32,
    /// Questions in a row of whose entries the daemon knew none.
    unknown: u32,
    now: Option<NtpTimestamp>,
    ending: Option<Ending>,
}

/// What was counted on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that came for an address that was known already.
    pub updates: u64,
    /// Questions for a piece.
    pub pieces: u64,
    /// Pieces that did not come whole, or not at all.
    pub lost: u64,
    /// Times the walk began anew, since the daemon knew nothing of what we had.
    pub restarts: u32,
}

#[derive(Clone, Debug)]
struct Nonce {
    text: String,
    /// When it was asked for, or the answer that it came with.
    from: Mono,
}

/// What was asked last.
#[derive(Clone, Debug, Default)]
enum Asked {
    #[default]
    Nothing,
    Nonce,
    /// A piece, naming these entries.
    Piece(Mono, Vec<MruEntry>),
}

/// What to ask next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// For a nonce, in the ordinary way.
    Nonce(Question),
    /// For a piece of the list: once, and the answer is waited for this long.
    Piece(Question, Duration),
}

/// How a walk ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The end of the list was reached, when the daemon's clock showed this.
    Complete(NtpTimestamp),
    /// It was left before, for this reason.
    Partial(Stop),
}

/// Why a walk was left.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Stop {
    /// There was no nonce to be had.
    NoNonce(Failure),
    /// What came as a nonce was none.
    StrangeNonce,
    /// The daemon refused, or did not answer any more.
    Failed(Failure),
    /// The daemon says that it does not know the entries that we named, and we named none.
    NothingNamed,
    /// The daemon forgot its entries faster than they could be read, time and again.
    Forgetful,
    /// Entries change faster than they can be read.
    Busy,
    /// The daemon tells of nothing new and does not come to an end.
    Stalled,
    /// There are more entries than are kept.
    Full,
    /// Whoever wanted the list wants no more of it.
    Interrupted,
}

impl MruWalk {
    /// Nothing is read yet. `parameters`, such as `mincount=3`, say which entries are wanted.
    pub fn new(parameters: Vec<String>) -> Self {
        Self {
            parameters,
            list: MruList::default(),
            nonce: None,
            asked: Asked::Nothing,
            fragments: FIRST_FRAGMENTS,
            rows: FIRST_ROWS,
            most_rows: MOST_ROWS,
            by_rows: false,
            has_lost: false,
            took: None,
            tally: Tally::default(),
            received: 0,
            misses: 0,
            fruitless: 0,
            unanswered: 0,
            silent: 0,
            unknown: 0,
            now: None,
            ending: None,
        }
    }

    /// What was read so far.
    pub const fn list(&self) -> &MruList {
        &self.list
    }

    /// What was counted so far.
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// How it ended; `None` while it goes on.
    pub const fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// The time that ages are counted from: the daemon's clock at the end of the list, before that
    /// when the last row that came was written.
    pub const fn now(&self) -> Option<NtpTimestamp> {
        self.now
    }

    /// Leaves the list as it is.
    pub fn interrupt(&mut self) {
        self.stop(Stop::Interrupted);
    }

    /// What to ask now; `None` when the walk has ended. Each question is answered before the next
    /// is asked for.
    pub fn next_step(&mut self, now: Mono) -> Option<Step> {
        if self.ending.is_some() {
            return None;
        }
        let nonce = match &self.nonce {
            Some(nonce) if now.since(nonce.from) < NONCE_LASTS => nonce.text.clone(),
            _ => {
                self.asked = Asked::Nonce;
                return Some(Step::Nonce(question(Opcode::RequestNonce, Vec::new())));
            }
        };
        let amount =
            if self.by_rows { Amount::Rows(self.rows) } else { Amount::Fragments(self.fragments) };
        let mut known = self.landmarks();
        // How many of the newest are wanted is said once: the daemon would count anew each time.
        let is_said = |parameter: &&String| known.is_empty() || !parameter.starts_with(RECENT);
        let parameters: Vec<String> = self.parameters.iter().filter(is_said).cloned().collect();
        let (text, named) = text::question(&nonce, amount, &parameters, &known);
        known.truncate(named);
        self.asked = Asked::Piece(now, known);
        self.tally.pieces += 1;
        Some(Step::Piece(question(Opcode::ReadMru, text.into_bytes()), self.wait()))
    }

    /// Takes in the answer to what was asked last; `part` is the beginning of one that is not
    /// whole.
    pub fn answered(&mut self, now: Mono, result: Result<Reply, Failure>, part: Option<&Reply>) {
        match std::mem::take(&mut self.asked) {
            Asked::Nothing => {}
            Asked::Nonce => self.take_nonce(result),
            Asked::Piece(asked, named) => match result {
                Ok(reply) => {
                    self.took = Some(now.since(asked));
                    let rows = self.list.len();
                    self.take_piece(asked, &named, text::read(reply.text()));
                    self.ask_for_more(self.list.len() > rows);
                }
                Err(Failure::Refused(code)) => self.refused(code, &named),
                Err(failure @ (Failure::Unanswered { .. } | Failure::Incomplete { .. })) => {
                    self.ask_for_less(matches!(failure, Failure::Incomplete { .. }));
                    match part {
                        Some(part) => {
                            let text = text::whole_items(part.text());
                            // What a broken answer says of its end may be broken as well.
                            let piece = Piece { end: None, ..text::read(text) };
                            self.take_piece(asked, &named, piece);
                        }
                        None => self.unanswered(failure),
                    }
                }
                Err(failure) => self.stop(Stop::Failed(failure)),
            },
        }
    }

    fn take_nonce(&mut self, result: Result<Reply, Failure>) {
        match result {
            Err(failure @ (Failure::Unanswered { .. } | Failure::Incomplete { .. }))
                if !self.list.is_empty() =>
            {
                self.unanswered(failure);
            }
            Err(failure) => self.stop(Stop::NoNonce(failure)),
            Ok(reply) => match text::read(reply.text()).nonce {
                Some(text) => self.nonce = Some(Nonce { text, from: reply.dated.asked }),
                None => self.stop(Stop::StrangeNonce),
            },
        }
    }

    fn take_piece(&mut self, asked: Mono, named: &[MruEntry], piece: Piece) {
        self.is_heard();
        if let Some(text) = piece.nonce {
            self.nonce = Some(Nonce { text, from: asked });
        }
        let is_resumed = piece.older.and_then(|(address, last)| {
            named.iter().find(|entry| entry.address == address && entry.last == last)
        });
        match is_resumed {
            // What we have behind that row has changed or is gone: what is still there comes again.
            Some(entry) => self.list.remove_newer_than(entry.address),
            None if !named.is_empty() => return self.bear_fruit(false),
            None => {}
        }
        self.unknown = 0;
        let mut is_new = false;
        for entry in &piece.entries {
            self.received += 1;
            self.now = Some(entry.last);
            match self.list.put(entry) {
                Put::New => is_new = true,
                Put::Updated => {
                    is_new = true;
                    self.tally.updates += 1;
                }
                Put::Known => self.tally.updates += 1,
                Put::Full => return self.stop(Stop::Full),
            }
        }
        if let Some(end) = piece.end {
            // Where rows were lost or mixed up on the way, the last is not the one that it should be.
            let newest = self.list.newest_first().next().map(|entry| entry.last);
            if end.newest.is_none_or(|last| piece.entries.is_empty() || newest == Some(last)) {
                self.now = Some(end.now);
                self.ending = Some(Ending::Complete(end.now));
                return;
            }
        }
        if self.received > 3 * self.list.len() as u64 + SPARE_ROWS {
            return self.stop(Stop::Busy);
        }
        self.bear_fruit(is_new);
    }

    fn bear_fruit(&mut self, is_new: bool) {
        self.fruitless = if is_new { 0 } else { self.fruitless + 1 };
        if self.fruitless > MOST_FRUITLESS {
            self.stop(Stop::Stalled);
        }
    }

    const fn is_heard(&mut self) {
        self.unanswered = 0;
        self.silent = 0;
    }

    fn unanswered(&mut self, failure: Failure) {
        self.unanswered += 1;
        // Of whom something comes, though it is of no use, there is more to hope for.
        let is_silent = matches!(failure, Failure::Unanswered { .. });
        self.silent = if is_silent { self.silent + 1 } else { 0 };
        if self.silent > MOST_SILENT || self.unanswered > MOST_UNANSWERED {
            return self.stop(Stop::Failed(failure));
        }
        // A nonce that the daemon takes no more is met with silence too.
        if self.unanswered.is_multiple_of(2) {
            self.nonce = None;
        }
    }

    fn refused(&mut self, code: ErrorCode, named: &[MruEntry]) {
        self.is_heard();
        match code {
            ErrorCode::UnknownVariable if named.is_empty() => self.stop(Stop::NothingNamed),
            ErrorCode::UnknownVariable => {
                for entry in named {
                    self.list.remove(entry.address);
                }
                self.unknown += 1;
                self.misses += 1;
                if self.misses > MOST_MISSES {
                    return self.stop(Stop::Forgetful);
                }
                if self.unknown > MOST_UNKNOWN || self.list.is_empty() {
                    self.list = MruList::default();
                    self.unknown = 0;
                    self.tally.restarts += 1;
                    if self.tally.restarts > MOST_RESTARTS {
                        self.stop(Stop::Forgetful);
                    }
                }
            }
            // A daemon from before there were datagrams to count.
            ErrorCode::BadValue if !self.by_rows => self.by_rows = true,
            ErrorCode::BadValue if self.rows > 2 => {
                self.most_rows = self.rows / 2;
                self.rows = self.most_rows;
            }
            code => self.stop(Stop::Failed(Failure::Refused(code))),
        }
    }

    /// The entries to name: the newest ones and then fewer and fewer of the older, since those who
    /// ask often have changed by now. The more often the daemon knew none, the farther back.
    fn landmarks(&self) -> Vec<MruEntry> {
        let stride = 1_usize << (6 * self.unknown).min(24);
        let mut next = 0;
        let mut gap = stride;
        let mut found = Vec::new();
        for (place, at) in self.list.places().enumerate() {
            if place == next {
                found.extend(self.list.at(at));
                if found.len() > MOST_LANDMARKS {
                    break;
                }
                next += gap;
                gap = if place < 2 * stride { gap } else { gap * 2 };
            }
        }
        found
    }

    /// How long to wait for an answer to begin.
    fn wait(&self) -> Duration {
        let usual = self.took.map_or(FIRST_WAIT, |took| took.saturating_mul(3));
        let wait = usual.max(SHORTEST_WAIT).saturating_mul(1 << self.silent.min(4));
        wait.min(LONGEST_WAIT)
    }

    fn ask_for_more(&mut self, was_useful: bool) {
        if self.by_rows {
            let more = (self.rows / 32).max(1);
            self.rows = (self.rows + more).min(self.most_rows);
        } else if self.has_lost {
            self.fragments = (self.fragments + (self.fragments / 4).max(1)).min(MOST_FRAGMENTS);
        } else if was_useful || self.fragments < FIRST_FRAGMENTS {
            self.fragments = (self.fragments * 2).min(MOST_FRAGMENTS);
        }
    }

    /// After a loss. Where the beginning came there is no use in very small pieces, for each takes
    /// a round trip.
    fn ask_for_less(&mut self, came_in_part: bool) {
        self.tally.lost += 1;
        self.has_lost = true;
        let least = match self.unanswered {
            // It was the question perhaps that was lost.
            0 if !came_in_part => (USEFUL_FRAGMENTS / 2).min(self.fragments),
            _ if came_in_part => USEFUL_FRAGMENTS.min(self.fragments),
            _ => 2,
        };
        self.fragments = (self.fragments / 2).max(least);
        self.rows = (self.rows / 2).max(2);
    }

    fn stop(&mut self, why: Stop) {
        if self.ending.is_none() {
            self.ending = Some(Ending::Partial(why));
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNonce(failure) => write!(f, "no nonce: {failure}"),
            Self::StrangeNonce => f.write_str("no nonce: the answer has none"),
            Self::Failed(failure) => fmt::Display::fmt(failure, f),
            Self::NothingNamed => f.write_str("the daemon refuses to begin"),
            Self::Forgetful => {
                f.write_str("the daemon forgets entries faster than they can be read")
            }
            Self::Busy => f.write_str("entries change faster than they can be read"),
            Self::Stalled => f.write_str("the daemon comes to no end and tells nothing new"),
            Self::Full => {
                write!(f, "no more than {} entries are kept", list::MOST_ENTRIES)
            }
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

fn question(opcode: Opcode, data: Vec<u8>) -> Question {
    Question { opcode, association: AssocId::SYSTEM, data, signed: false }
}

/// Datagrams and rows that are asked for first; the rows that fit as many datagrams at the least.
/// The parameter that says from how many entries before its end on the list is wanted.
const RECENT: &str = "recent=";

const FIRST_FRAGMENTS: u32 = 32;
const FIRST_ROWS: u32 = 96;

/// Datagrams and rows that a daemon gives at most at once.
const MOST_FRAGMENTS: u32 = 128;
const MOST_ROWS: u32 = 256;

/// Datagrams of which the beginning is worth a question on a line that loses one in twenty.
const USEFUL_FRAGMENTS: u32 = 32;

/// Daemons take a nonce for 16 s.
const NONCE_LASTS: Duration = Duration::from_secs(12);

/// How long an answer may take before one has been timed, and at the least and the most.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Questions in a row that may stay without a datagram in answer, which is some 10 s of them; and
/// without an answer that is of use: where one datagram in five is lost, every third is.
const MOST_SILENT: u32 = 5;
const MOST_UNANSWERED: u32 = 20;

/// Pieces in a row that may bring nothing new.
const MOST_FRUITLESS: u32 = 8;

/// Questions in a row whose entries may all be unknown before the walk begins anew: with ever
/// wider steps the last reaches back through a million entries.
const MOST_UNKNOWN: u32 = 4;

/// Times a walk may begin anew.
const MOST_RESTARTS: u32 = 8;

/// Questions in all whose entries may be unknown.
const MOST_MISSES: u32 = 1000;

/// Rows that may come beyond three for each entry, however short the list is.
const SPARE_ROWS: u64 = 100_000;

/// Entries that are looked out for naming; not all of them find room.
const MOST_LANDMARKS: usize = 9;

#[cfg(test)]
mod tests;
