//! Reads all of an ntpd that a change may alter.
//!
//! Three flights of questions, each with what the one before showed to be needed: who it is and which
//! associations it has; what each of them is; what its clocks are set to and whom it restricts, which
//! it tells only to who has its key, so that this shows whether it takes ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::restrict::{FLAGS, Flags, Selector};
use crate::control::pipeline::{Answer, Pipeline, Ticket};
use crate::control::reconfigure::ntpd::{key_refused, picture};
use crate::model::change::KeyRefused;
use crate::model::daemon::{Associations, Detail};
use crate::model::vars::{self, Scope, Variable, lists, peer, system};
use crate::model::{
    Contact, Daemon, Dialect, Failure, Identity, Part, Peer, Question, Reply, Values,
};
use crate::units::{AssocId, Now};
use crate::wire::mode6::auth::Authenticity;
use crate::wire::mode6::status::{PeerStatus, SystemStatus};
use crate::wire::mode6::{ErrorCode, RESTRICTION_LIST, association_list};

/// What was read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    /// The daemon.
    pub(super) daemon: Daemon,
    /// More variables of the system.
    pub(super) more: Values,
    /// Whom it restricts; `None` where it did not tell.
    pub(super) restrictions: Option<Vec<(Selector, Flags)>>,
    /// Why it does not take our key, where it does not.
    pub(super) key_refused: Option<KeyRefused>,
}

/// A reading under way.
#[derive(Debug)]
pub(super) struct Reader {
    flight: Flight,
    open: BTreeMap<Ticket, Asked>,
    read: Read,
    peers: BTreeMap<AssocId, Peer>,
    /// How many keys had been looked up in vain before ours was tried.
    not_found: Option<u64>,
    failure: Option<Failure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flight {
    Who,
    What,
    Rest,
    Key,
    Done,
}

/// What a question is for, and with which names it was asked.
#[derive(Clone, Debug)]
struct Asked {
    purpose: Purpose,
    names: Vec<&'static Variable>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    List,
    System,
    More,
    Row(AssocId),
    Clock(AssocId),
    Restrictions,
}

impl Reader {
    /// Begins.
    pub(super) fn start(now: Now, pipeline: &mut Pipeline) -> Self {
        let read = Read {
            daemon: Daemon::default(),
            more: Values::default(),
            restrictions: None,
            key_refused: None,
        };
        let mut new = Self {
            flight: Flight::Who,
            open: BTreeMap::new(),
            read,
            peers: BTreeMap::new(),
            not_found: None,
            failure: None,
        };
        new.ask(now, pipeline, Purpose::List, Vec::new());
        new.ask(now, pipeline, Purpose::System, Vec::new());
        new
    }

    /// Gives it up: what is under way is of no interest any more.
    pub(super) fn withdraw(self, now: Now, pipeline: &mut Pipeline) {
        for ticket in self.open.into_keys() {
            pipeline.withdraw(now, ticket);
        }
    }

    /// What was read, once that is all, or why it could not be.
    pub(super) fn finished(&mut self) -> Option<Result<Read, Failure>> {
        if let Some(failure) = self.failure.take() {
            return Some(Err(failure));
        }
        (self.flight == Flight::Done).then(|| Ok(self.read.clone()))
    }

    /// Takes in how a question ended; `has_key` says whether signed questions can be asked.
    pub(super) fn take(
        &mut self,
        now: Now,
        pipeline: &mut Pipeline,
        has_key: bool,
        answer: Answer,
    ) {
        let Some(asked) = self.open.remove(&answer.ticket) else { return };
        match answer.result {
            Ok(reply) => self.learn(&asked, &reply),
            Err(failure) => {
                self.miss(now, pipeline, &asked, failure, answer.authenticity);
            }
        }
        if self.failure.is_some() {
            for ticket in std::mem::take(&mut self.open).into_keys() {
                pipeline.withdraw(now, ticket);
            }
            return;
        }
        while self.open.is_empty() && self.flight != Flight::Done {
            self.take_off(now, pipeline, has_key);
        }
    }

    /// Begins the next flight.
    fn take_off(&mut self, now: Now, pipeline: &mut Pipeline, has_key: bool) {
        match self.flight {
            Flight::Who => {
                self.flight = Flight::What;
                if let Some(dialect) = self.dialect() {
                    pipeline.set_dialect(dialect);
                }
                self.ask(now, pipeline, Purpose::More, self.askable(MORE));
                let ids: Vec<_> = self.peers.keys().copied().collect();
                for id in ids {
                    let names: Vec<_> = lists::ROW.iter().chain(OF_PEER).copied().collect();
                    self.ask(now, pipeline, Purpose::Row(id), self.askable(&names));
                }
            }
            Flight::What => {
                self.flight = Flight::Rest;
                self.not_found = self.read.more.unsigned(&system::AUTH_KEYS_NOT_FOUND);
                let clocks = self.peers.values().filter(|peer| picture::clock(peer).is_some());
                let clocks: Vec<_> = clocks.map(|peer| peer.id).collect();
                for id in clocks {
                    self.ask(now, pipeline, Purpose::Clock(id), Vec::new());
                }
                if has_key {
                    self.ask(now, pipeline, Purpose::Restrictions, Vec::new());
                }
            }
            Flight::Rest if self.read.key_refused == Some(KeyRefused::Unclear) => {
                self.flight = Flight::Key;
                self.ask(now, pipeline, Purpose::More, self.askable(MORE));
            }
            Flight::Rest | Flight::Key => {
                if self.flight == Flight::Key {
                    self.judge_key();
                }
                self.flight = Flight::Done;
                let peers = std::mem::take(&mut self.peers).into_values();
                self.read.daemon.peers = peers.map(Arc::new).collect();
            }
            Flight::Done => {}
        }
    }

    fn ask(
        &mut self,
        now: Now,
        pipeline: &mut Pipeline,
        purpose: Purpose,
        names: Vec<&'static Variable>,
    ) {
        let words = names.iter().map(|variable| variable.name);
        let question = match purpose {
            Purpose::List => Question::associations(),
            Purpose::System | Purpose::More => Question::variables(AssocId::SYSTEM, words),
            Purpose::Row(id) => Question::variables(id, words),
            Purpose::Clock(id) => Question::clock_variables(id, words),
            Purpose::Restrictions => Question::ordered_list(RESTRICTION_LIST),
        };
        // Nothing is asked by name of who knows none: that would bring the defaults once more.
        if purpose == Purpose::More && names.is_empty() {
            return;
        }
        let ticket = pipeline.ask(now, question);
        self.open.insert(ticket, Asked { purpose, names });
    }

    fn dialect(&self) -> Option<Dialect> {
        self.read.daemon.identity.as_ref().and_then(|identity| identity.dialect)
    }

    /// Those of `rows` that can be asked by name; none of a daemon of an unknown kind.
    fn askable(&self, rows: &[&'static Variable]) -> Vec<&'static Variable> {
        self.dialect().map(|dialect| vars::askable(rows, dialect)).unwrap_or_default()
    }

    fn learn(&mut self, asked: &Asked, reply: &Reply) {
        let dialect = self.dialect();
        let decode = |scope| Values::decode(scope, dialect, &asked.names, reply);
        let daemon = &mut self.read.daemon;
        match asked.purpose {
            Purpose::List => {
                let pairs = association_list(reply.data()).filter(|(id, _)| *id != AssocId::SYSTEM);
                let list: Vec<_> =
                    pairs.map(|(id, word)| (id, PeerStatus::from_bits(word))).collect();
                self.peers = list.iter().map(|(id, word)| (*id, Peer::new(*id, *word))).collect();
                let system = SystemStatus::from_bits(reply.status);
                daemon.associations = Part::answered(Associations { system, list }, reply.dated);
            }
            Purpose::System => {
                // Who it is decides how the rest is to be read.
                let version = Values::decode(Scope::System, None, &[], reply);
                let identity = version.text(&system::VERSION).map(Identity::read);
                let dialect = identity.as_ref().and_then(|identity| identity.dialect);
                let values = Values::decode(Scope::System, dialect, &[], reply);
                daemon.identity = identity.map(Arc::new);
                daemon.system = Part::answered(values, reply.dated);
                let round_trip = reply.dated.answered.since(reply.dated.asked);
                daemon.contact = Contact::Answering { last: reply.dated.answered, round_trip };
            }
            Purpose::More => self.read.more = decode(Scope::System),
            Purpose::Row(id) => {
                let row = decode(Scope::Peer);
                if let Some(peer) = self.peers.get_mut(&id) {
                    // Whoever works out a selection from it looks for the rest among the details.
                    *peer.detail_mut(Detail::Scalars) = Part::answered(row.clone(), reply.dated);
                    peer.row = Part::answered(row, reply.dated);
                }
            }
            Purpose::Clock(id) => {
                let clock = decode(Scope::Clock);
                if let Some(peer) = self.peers.get_mut(&id) {
                    *peer.detail_mut(Detail::Clock) = Part::answered(clock, reply.dated);
                }
            }
            Purpose::Restrictions => self.read.restrictions = Some(restrictions(reply)),
        }
    }

    /// Takes in that something is not told. What nothing can be done without ends the reading.
    fn miss(
        &mut self,
        now: Now,
        pipeline: &mut Pipeline,
        asked: &Asked,
        failure: Failure,
        authenticity: Option<Authenticity>,
    ) {
        let refused = |code| failure == Failure::Refused(code);
        match asked.purpose {
            Purpose::Row(id) if refused(ErrorCode::UnknownAssociation) => {
                self.peers.remove(&id);
            }
            Purpose::Row(_) if refused(ErrorCode::UnknownVariable) && !asked.names.is_empty() => {
                self.ask(now, pipeline, asked.purpose, Vec::new());
            }
            Purpose::List | Purpose::System | Purpose::Row(_) => self.failure = Some(failure),
            Purpose::Restrictions if refused(ErrorCode::Permission) => {
                self.read.key_refused = Some(key_refused(authenticity));
            }
            // They are told where they can be, and looked at where they are told.
            Purpose::More | Purpose::Clock(_) | Purpose::Restrictions => {}
        }
    }

    /// Tells a wrong secret from a number that the daemon does not know: it counts those that it has
    /// looked up in vain, of which one was ours. Where it counts more at once nobody can tell.
    fn judge_key(&mut self) {
        let after = self.read.more.unsigned(&system::AUTH_KEYS_NOT_FOUND);
        self.read.key_refused = Some(match (self.not_found, after) {
            (Some(before), Some(after)) if after == before => KeyRefused::Secret,
            (Some(_), Some(_)) => KeyRefused::Unknown,
            _ => KeyRefused::Unclear,
        });
    }
}

/// The restrictions of a reply that were configured, and so can be taken back.
fn restrictions(reply: &Reply) -> Vec<(Selector, Flags)> {
    let mut rows: BTreeMap<u32, [Option<&str>; 3]> = BTreeMap::new();
    for item in reply.items() {
        let Some((tag, number)) = item.name.rsplit_once('.') else { continue };
        let Some(place) = ["addr", "mask", "flags"].iter().position(|known| *known == tag) else {
            continue;
        };
        let Ok(number) = number.parse() else { continue };
        if let Some(slot) = rows.entry(number).or_default().get_mut(place) {
            *slot = item.value;
        }
    }
    let rows = rows.into_values().filter_map(|row| {
        let [Some(address), Some(mask), flags] = row else { return None };
        let selector = Selector::new(address.trim().parse().ok()?, mask.trim().parse().ok()?)?;
        let words: Vec<&str> = flags.unwrap_or_default().split_whitespace().collect();
        // Those come and go with the interfaces and the sources of the daemon.
        if words.contains(&"interface") || words.contains(&"source") {
            return None;
        }
        let selector = if words.contains(&"ntpport") { selector.from_ntp_port() } else { selector };
        let known = FLAGS.iter().filter(|row| words.contains(&row.word));
        Some((selector, known.fold(Flags::NONE, |flags, row| flags.with(row.flag))))
    });
    rows.collect()
}

/// What of an association a change alters, beside what the selection is worked out from.
const OF_PEER: &[&Variable] =
    &[&peer::KEY_ID, &peer::TTL, &peer::REFERENCE_CLOCK_MODE, &peer::BIAS];

/// What of the system is not told by default, and either altered by a change or shows a new start.
const MORE: &[&Variable] = &[
    &system::UPTIME,
    &system::STATISTICS_RESET,
    &system::AUTH_RESET,
    &system::IO_RESET,
    &system::TIMER_RESET,
    &system::MRU_ENABLED,
    &system::AUTH_KEYS_NOT_FOUND,
];
