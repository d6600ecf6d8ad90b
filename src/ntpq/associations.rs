//! The list of associations and what their status words say.

use serde_json::{Map, Value as Json};

use crate::model::question::Question;
use crate::ntpq::job::{Answer, Job, Step};
use crate::ntpq::record;
use crate::ntpq::session::Session;
use crate::units::AssocId;
use crate::wire::mode6::status::PeerStatus;

/// `associations` and its like.
#[derive(Debug)]
pub struct AssociationList {
    all: bool,
    cached: bool,
}

impl AssociationList {
    /// Lists `all` associations or those that are configured or reachable; the `cached` list is not
    /// asked for anew.
    pub const fn new(all: bool, cached: bool) -> Self {
        Self { all, cached }
    }
}

impl Job for AssociationList {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match answer {
            None if self.cached => print(session, self.all),
            None => return Step::Need(session.ask(vec![Question::associations()])),
            Some(Answer::Replies(replies)) => {
                if let Some(reply) = replies.first()
                    && session.take_associations(reply)
                {
                    print(session, self.all);
                }
            }
            Some(_) => {}
        }
        Step::Done
    }
}

/// Whether the short lists show an association.
pub const fn is_listed(status: PeerStatus, all: bool) -> bool {
    all || status.is_configured() || status.is_reachable()
}

fn print(session: &mut Session, all: bool) {
    if session.associations.is_empty() {
        return session.print("No association ID's in list\n");
    }
    if session.records() {
        return record(session, all);
    }
    session.print("ind assid status  conf reach auth condition  last_event cnt\n");
    session.print("===========================================================\n");
    for (place, (id, status)) in session.associations.clone().into_iter().enumerate() {
        if is_listed(status, all) {
            let condition = match session.settings.version {
                FIRST_VERSION => old_condition(status),
                _ => status.tally().condition(),
            };
            let auth = match (status.is_broadcast(), status.needs_authentication()) {
                (true, true) => "yes",
                (true, false) => "none",
                _ => authentication(status),
            };
            let row = row(place + 1, id, status, condition, auth);
            session.print(&format!("{}\n", row.trim_end_matches(' ')));
        }
    }
}

fn record(session: &mut Session, all: bool) {
    let listed = session.associations.iter().filter(|(_, status)| is_listed(*status, all));
    let listed = listed.map(|(id, status)| Json::Object(record::association(*id, *status)));
    let associations = listed.collect();
    session.record(Map::from_iter([("associations".to_owned(), Json::Array(associations))]));
}

/// The word for whether the association is authenticated.
pub(super) const fn authentication(status: PeerStatus) -> &'static str {
    match (status.needs_authentication(), status.is_authentic()) {
        (true, true) => "ok ",
        (true, false) => "bad",
        (false, _) => "none",
    }
}

/// A row of the list, the first at place 1.
pub(super) fn row(
    place: usize,
    id: AssocId,
    status: PeerStatus,
    condition: &str,
    auth: &str,
) -> String {
    let configured = if status.is_configured() { "yes" } else { "no" };
    let reach = match (status.is_broadcast(), status.is_reachable()) {
        (true, _) => "none",
        (false, true) => "yes",
        (false, false) => "no",
    };
    format!(
        "{place:3} {:5}  {:04x}   {configured:>3}  {reach:>4}  {auth:>4} {condition:>9} {:>11} {:2}",
        id.get(),
        status.bits(),
        last_event(status),
        status.event_count(),
    )
}

/// The tally as ntpq reads it of a daemon of NTP's first version, where two bits held it.
pub const fn old_tally(status: PeerStatus) -> char {
    match status.tally().bits() & 3 {
        0 => ' ',
        1 => '.',
        2 => '+',
        _ => '*',
    }
}

/// The condition in the words of NTP's first version.
const fn old_condition(status: PeerStatus) -> &'static str {
    match status.tally().bits() & 3 {
        0 if !status.is_broadcast() => "insane",
        0 if status.tally().bits() & 4 == 0 => "hi_disp",
        0 => "",
        1 => "sel_cand",
        2 => "sync_cand",
        _ => "sys_peer",
    }
}

/// The version that used the bits of the status word in another way.
pub const FIRST_VERSION: u8 = 1;

/// The word for the last event; this table of ntpq ends earlier than others and has a word of its
/// own.
fn last_event(status: PeerStatus) -> &'static str {
    match status.event() {
        CLOCK_EVENT => "clock_alarm",
        1..=CLOCK_EVENT => status.last_event().map_or("", |event| event.word),
        _ => "",
    }
}

const CLOCK_EVENT: u8 = 11;
