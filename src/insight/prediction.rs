//! What a daemon will select after a change, as far as that can be known before it is made.
//!
//! The daemon's sources are taken as they are now and selected among once more without what the
//! change takes away. What is measured anew is not there at first, and later taken to be as it was;
//! of a new source nothing is known, and that is said. A daemon whose selection is not ntpd's and
//! that tells its own limits is reckoned by its own rules ([`told`]).

mod sentences;
mod told;

use crate::insight::selection::{self, Selection};
use crate::model::Daemon;
use crate::model::daemon::Peer;
use crate::model::vars::peer;
use crate::selection::prospect::{self, Moment, Role, Touch};
use crate::selection::{Candidate, Explained, Reason, select};
use crate::units::{AssocId, Tally};

/// What will be selected after a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// What is selected now, reckoned in the same way.
    pub before: Outcome,
    /// What will be as soon as the change has taken effect.
    pub at_first: Outcome,
    /// What will be once all that starts again was measured and what is not asked any more is old;
    /// `None` where there is neither, for then it is as at first.
    pub later: Option<Outcome>,
    /// Those that are measured anew.
    pub starts_again: Vec<AssocId>,
    /// Those that are not asked any more: what was measured of them counts until it is old.
    pub goes_offline: Vec<AssocId>,
    /// Those that begin: whether they will be selected cannot be known.
    pub begins: Vec<(Box<str>, Role)>,
    /// Who the daemon follows now, where what its variables say would make it another: it has
    /// settings that it does not tell, and what is predicted is as much of a guess.
    pub differs: Option<Differs>,
    /// What the sources are called, safe to show.
    pub names: Vec<(AssocId, Box<str>)>,
}

/// A daemon that follows another source than its variables say that it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differs {
    /// Whom it follows; `None` for nobody.
    pub follows: Option<AssocId>,
    /// Whom it would follow by its variables.
    pub reckoned: Option<AssocId>,
}

/// What is selected at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whom the clock follows.
    pub system_peer: Option<AssocId>,
    /// Those whose offsets count, the system peer among them.
    pub survivors: Vec<AssocId>,
    /// Those that lie outside what a majority agrees on, or of whom no majority agrees.
    pub falsetickers: Vec<AssocId>,
    /// How many sources are compared with each other.
    pub compared: usize,
    /// What that comes to.
    pub state: State,
}

/// What a selection comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// A source is followed.
    Followed,
    /// One is followed because nothing else is left: the local clock, a modem, an orphan parent.
    LastResort,
    /// There is nothing to select from.
    #[default]
    NoSource,
    /// No majority agrees, so nobody can be believed.
    NoMajority,
    /// Fewer survive than are asked for.
    TooFew {
        /// That survive.
        survivors: usize,
        /// That are asked for.
        wanted: usize,
    },
    /// None that is required can be selected.
    NoneRequired,
}

/// What `daemon` will select after a change that comes to `touches`.
///
/// `roles` is what is known from elsewhere of how associations are configured, for ntpd does not
/// tell `prefer` and `true`.
pub fn predict(daemon: &Daemon, roles: &[(AssocId, Role)], touches: &[Touch]) -> Prediction {
    let explained = selection::explain(daemon);
    let tells = daemon.peers.iter().any(|peer| selection::tells_selection(peer));
    let ground = if tells {
        Ground::Told(told::sources(daemon, &explained))
    } else {
        Ground::Variables(variables(daemon, roles))
    };
    let outcome = |touches: &[Touch], moment| match &ground {
        Ground::Told(sources) => told::outcome(sources, touches, moment),
        Ground::Variables(candidates) => reckon(daemon, &explained, candidates, touches, moment),
    };
    let those = |is_it: fn(&Touch) -> bool| -> Vec<AssocId> {
        let meant = touches.iter().filter(|touch| is_it(touch)).filter_map(Touch::association);
        meant.filter(|id| daemon.peer(*id).is_some()).collect()
    };
    let starts_again = those(|touch| matches!(touch, Touch::StartsAgain { .. }));
    let goes_offline = those(|touch| matches!(touch, Touch::GoesOffline(_)));
    let is_over_at_first = starts_again.is_empty() && goes_offline.is_empty();
    let begins = touches.iter().filter_map(|touch| match touch {
        Touch::Begins { host, role } => Some((host.clone(), *role)),
        _ => None,
    });
    let before = outcome(&[], Moment::Later);
    let follows =
        explained.sources.iter().find(|source| is_followed(source.tally)).map(|source| source.id);
    let reckoned = before.system_peer;
    Prediction {
        differs: (follows != reckoned).then_some(Differs { follows, reckoned }),
        at_first: outcome(touches, Moment::AtFirst),
        later: (!is_over_at_first).then(|| outcome(touches, Moment::Later)),
        starts_again,
        goes_offline,
        begins: begins.collect(),
        before,
        names: daemon.peers.iter().map(|peer| (peer.id, name(peer))).collect(),
    }
}

/// What there is to select from.
enum Ground {
    /// As the daemon's variables say.
    Variables(Vec<Candidate>),
    /// As the daemon, which selects otherwise, tells.
    Told(Vec<told::Source>),
}

/// The candidates that the variables of `daemon` make, in the roles that are known.
fn variables(daemon: &Daemon, roles: &[(AssocId, Role)]) -> Vec<Candidate> {
    let precision = selection::limits(daemon).precision;
    let sources = daemon.peers.iter().filter(|peer| selection::is_source(peer));
    let candidates = sources.filter_map(|peer| selection::candidate(daemon, peer, precision).ok());
    let in_role = |candidate: Candidate| {
        let role = roles.iter().find(|(id, _)| *id == candidate.id).map(|(_, role)| *role);
        role.map_or(candidate, |role| role.taken_by(candidate))
    };
    candidates.map(in_role).collect()
}

/// Selects as ntpd does.
fn reckon(
    daemon: &Daemon,
    now: &Selection,
    there: &[Candidate],
    touches: &[Touch],
    moment: Moment,
) -> Outcome {
    let limits = prospect::limits(&selection::limits(daemon), touches);
    let left = prospect::candidates(there, touches, moment);
    let explained = select(&left, &limits, &selection::memory(&now.sources));
    outcome(&explained, limits.minsane)
}

/// What `explained` comes to.
fn outcome(explained: &Explained, wanted: usize) -> Outcome {
    let of = |tallies: &[Tally]| {
        let verdicts = explained.verdicts.iter();
        verdicts.filter(|v| tallies.contains(&v.tally)).map(|v| v.id).collect::<Vec<_>>()
    };
    let survivors = of(&[Tally::SystemPeer, Tally::PpsPeer, Tally::Candidate]);
    let has = |is_it: fn(&Reason) -> bool| explained.verdicts.iter().any(|v| is_it(&v.reason));
    let compared = explained.edges.len() / 2;
    let state = if explained.system.is_some() {
        let is_last = has(|reason| *reason == Reason::LastResort);
        if is_last { State::LastResort } else { State::Followed }
    } else if has(|reason| matches!(reason, Reason::TooFew { .. })) {
        State::TooFew { survivors: survivors.len(), wanted }
    } else if compared > 0 {
        State::NoMajority
    } else {
        State::NoSource
    };
    Outcome {
        system_peer: explained.system.map(|system| system.peer),
        survivors,
        falsetickers: of(&[Tally::Falseticker]),
        compared,
        state,
    }
}

const fn is_followed(tally: Tally) -> bool {
    matches!(tally, Tally::SystemPeer | Tally::PpsPeer)
}

/// What a source is called: the name it was configured with, else its address.
fn name(there: &Peer) -> Box<str> {
    let row = there.row.latest();
    let host = row.and_then(|row| row.text(&peer::SOURCE_HOST)).filter(|host| !host.is_empty());
    let address = || row.and_then(|row| row.address(&peer::SOURCE)).map(|a| a.to_string());
    let name = host.map(str::to_owned).or_else(address);
    name.unwrap_or_else(|| format!("association {}", there.id)).into()
}

#[cfg(test)]
mod tests;
