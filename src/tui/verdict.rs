//! The first line of the screen: what is the matter with a daemon, in one sentence.
//!
//! A tired reader should need no more than this line to know whether to read on. Losing contact
//! goes before everything else, for then all other values are old.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::TargetId;
use crate::model::clock_loop::Steers;
use crate::model::vars::{self, system};
use crate::model::{Absent, Contact, Daemon, Dated, Failure, Peer};
use crate::tui::app::{App, Tab};
use crate::tui::history::course::root_distance;
use crate::tui::{format, rows, words};
use crate::units::Tally;
use crate::units::{Leap, Mono, Now, NtpDuration, Stratum};

pub mod notices;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// All is well.
    Good,
    /// All was well when that was last told.
    Old,
    /// Not known yet.
    Unknown,
    /// Worth knowing.
    Notice,
    /// Worth looking into.
    Warning,
    /// Wrong.
    Bad,
}

/// What is the matter.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// How bad it is.
    pub severity: Severity,
    /// A word or two, for a tab.
    pub word: &'static str,
    /// The sentence.
    pub sentence: String,
    /// What else belongs to it, for a second line, the most telling first.
    pub facts: Vec<String>,
}

/// What is the matter with the daemon of `tab`.
pub fn verdict(app: &App, tab: &Tab) -> Verdict {
    let daemon = tab.shown();
    let now = app.shown_now();
    if let (TargetId::OWN, Contact::Asking { .. }) = (tab.target, &daemon.contact) {
        return Verdict {
            severity: Severity::Unknown,
            word: "starting",
            sentence: if app.disciplines {
                "starting to measure, and to discipline this host's clock".into()
            } else {
                "starting to measure; this host's clock is not touched".into()
            },
            facts: Vec::new(),
        };
    }
    let then = synchronisation(app, tab);
    if let Some(mut verdict) = contact(daemon, now) {
        if daemon.system.latest().is_some() {
            verdict.facts = vec![format!("last known: {}", then.sentence)];
        }
        return verdict;
    }
    let is_on_screen = app.tab().is_some_and(|on| on.target == tab.target);
    match out_of_date(daemon, now.mono, is_on_screen) {
        Some(old) => dated(then, &old),
        None => then,
    }
}

/// The same verdict as one of a while ago.
fn dated(verdict: Verdict, old: &str) -> Verdict {
    let (severity, word) = match verdict.severity {
        Severity::Good | Severity::Notice => (Severity::Old, "old news"),
        other => (other, verdict.word),
    };
    Verdict { severity, word, sentence: format!("{old}: {}", verdict.sentence), ..verdict }
}

/// Says how old the answers are that a verdict rests on, when the daemon answers, but not what it
/// is asked for: for longer than twice as long as they should stay without another.
fn out_of_date(daemon: &Daemon, now: Mono, is_on_screen: bool) -> Option<String> {
    let is_limited = matches!(daemon.contact, Contact::RateLimited { .. });
    // The system's variables are asked for only while they are on screen.
    let (list, system) = match (is_on_screen, is_limited) {
        (true, false) => (8, Some(16)),
        (true, true) => (24, Some(40)),
        (false, _) => (24, None),
    };
    let age = |dated: Option<Dated>| dated.map(|dated| now.since(dated.answered));
    let older = |age: Option<Duration>, most: u64| age.filter(|age| age.as_secs() > most);
    let list = older(age(daemon.associations.dated()), list);
    let system = system.and_then(|most| older(age(daemon.system.dated()), most));
    let (age, trouble, what) = match (list, system) {
        (None, None) => return None,
        (Some(list), system) if Some(list) >= system => {
            (list, daemon.associations.trouble(), "list of sources")
        }
        (_, system) => (system?, daemon.system.trouble(), "state"),
    };
    let why = trouble.map(|why| format!(" ({why})")).unwrap_or_default();
    Some(format!("last answer on its {what} {} ago{why}", format::age(age)))
}

/// What to say when the daemon does not answer as it should; `None` when it does.
fn contact(daemon: &Daemon, now: Now) -> Option<Verdict> {
    let ago = |since: Mono| format::age(now.mono.since(since));
    let old = |last: Option<Mono>| match last {
        Some(last) => format!(" (last answer {}); values below are old", format::moment(last, now)),
        None => String::new(),
    };
    let (severity, word, sentence) = match &daemon.contact {
        Contact::Answering { .. } | Contact::RateLimited { .. } => return None,
        Contact::Resolving => (Severity::Unknown, "resolving", "looking up its address".into()),
        Contact::NoAddress { why } => {
            (Severity::Bad, "no address", format!("its name has no address: {why}"))
        }
        Contact::Ended { why, last } => {
            (Severity::Bad, "ended", format!("it measures no more: {why}{}", old(*last)))
        }
        Contact::Asking { .. } => (Severity::Unknown, "asking", "asked; no answer yet".into()),
        Contact::Silent { since, last: None } => (
            Severity::Bad,
            "silent",
            format!("no answer for {}: {}", ago(*since), Contact::WHY_SILENT),
        ),
        Contact::Silent { since, last } => {
            (Severity::Bad, "silent", format!("no answer for {}{}", ago(*since), old(*last)))
        }
        Contact::Unreachable { why, since, last } => {
            let why = why.to_string();
            // What is so, for how long, and then what follows from it.
            let (what, follows) = why.split_at(why.find(": ").unwrap_or(why.len()));
            let sentence = format!("{what}, for {}{follows}{}", ago(*since), old(*last));
            (Severity::Bad, "unreachable", sentence)
        }
        Contact::Refusing { why, since, last } => {
            let why = match why {
                Failure::Refused(code) => code.to_string(),
                Failure::Declined(status) => status.to_string(),
                why => why.to_string(),
            };
            let sentence =
                format!("it answers but refuses to tell, for {}: {why}{}", ago(*since), old(*last));
            (Severity::Bad, "refuses", sentence)
        }
        Contact::Garbage { why, since, last } => (
            Severity::Bad,
            "garbage",
            format!(
                "what comes back is no control message, for {}: {why}{}",
                ago(*since),
                old(*last)
            ),
        ),
    };
    Some(Verdict { severity, word, sentence, facts: Vec::new() })
}

/// Whether and to whom the daemon is synchronised.
fn synchronisation(app: &App, tab: &Tab) -> Verdict {
    let daemon = tab.shown();
    let Some(values) = daemon.system.latest() else {
        return Verdict {
            severity: Severity::Unknown,
            word: "asking",
            sentence: match daemon.system.value() {
                Err(why @ (Absent::Failed(_) | Absent::NotDecodable { .. })) => {
                    format!("it answers, but its own variables are missing: {why}")
                }
                _ => "it answers; its own variables are still to come".into(),
            },
            facts: Vec::new(),
        };
    };
    let facts = facts(app, tab);
    if is_unsynchronised(daemon) {
        let sentence = format!("NOT SYNCHRONISED: {}", why_not(daemon));
        return Verdict { severity: Severity::Bad, word: "NOT SYNC", sentence, facts };
    }
    let format = app.format(tab);
    let left = values.duration(&system::SYSTEM_TIME);
    let offset = match (observed(daemon).or(left), values.duration(&system::OFFSET)) {
        // The loop's own offset is that of a clock which no program gets.
        (Some(offset), _) => format!(", system {}", words::clock_is(offset, format)),
        (None, Some(offset)) => format!(", {}", words::clock_is(offset, format)),
        (None, None) => String::new(),
    };
    let Some(peer) = system_peer(daemon) else {
        if let Some(reference) = own_reference(daemon) {
            let answering = daemon.peers.iter().filter(|peer| peer.status.is_reachable()).count();
            let sources = match (daemon.peers.len(), answering) {
                (0, _) => "it has no sources".to_owned(),
                (1, 0) => "its only source does not answer".into(),
                (sources, 0) => format!("none of its {sources} sources answers"),
                (sources, _) => {
                    format!("{answering} of {sources} sources answer, none is followed")
                }
            };
            let sentence =
                format!("follows its own clock, {reference}: that is no time source; {sources}");
            return Verdict { severity: Severity::Warning, word: "own clock", sentence, facts };
        }
        let sentence = format!("follows no source now; was synchronised before{offset}");
        return Verdict { severity: Severity::Warning, word: "no source", sentence, facts };
    };
    let name = rows::name(app, peer);
    if rows::is_own_clock(peer) {
        let sentence = format!("follows its own clock, {name}: that is no time source");
        return Verdict { severity: Severity::Warning, word: "own clock", sentence, facts };
    }
    let source = peer
        .row
        .latest()
        .and_then(|row| row.stratum(&vars::peer::STRATUM).map(|s| format!(" (stratum {s})")));
    let sentence = format!("synchronised to {name}{}{offset}", source.unwrap_or_default());
    Verdict { severity: Severity::Good, word: "in sync", sentence, facts }
}

/// How far the sources are ahead of the system clock, where an engine only observes that.
fn observed(daemon: &Daemon) -> Option<NtpDuration> {
    let engine = daemon.clock_loop.as_ref()?;
    engine.system_offset.filter(|_| engine.steers == Steers::Virtual)
}

/// Whether the daemon says that it has no time to tell.
pub fn is_unsynchronised(daemon: &Daemon) -> bool {
    let stratum = daemon.system.latest().and_then(|values| values.stratum(&system::STRATUM));
    leap(daemon) == Some(Leap::Alarm)
        || stratum.is_some_and(|stratum| stratum >= Stratum::UNSYNCHRONISED)
}

/// The latest that is known of its leap indicator: the list of associations tells it too, and is
/// asked for of daemons that are not on screen.
fn leap(daemon: &Daemon) -> Option<Leap> {
    let told = daemon.system.latest().and_then(|values| values.leap(&system::LEAP));
    let answered = |dated: Option<Dated>| dated.map(|dated| dated.answered);
    match daemon.associations.latest() {
        Some(list) if answered(daemon.associations.dated()) > answered(daemon.system.dated()) => {
            Some(list.system.leap())
        }
        _ => told,
    }
}

/// The association that the daemon's clock follows.
pub fn system_peer(daemon: &Daemon) -> Option<&Peer> {
    let by_tally = daemon
        .peers
        .iter()
        .find(|peer| matches!(peer.status.tally(), Tally::SystemPeer | Tally::PpsPeer));
    let by_id = || daemon.peer(daemon.system.latest()?.association(&system::PEER)?);
    by_tally.or_else(by_id).map(|peer| &**peer)
}

fn why_not(daemon: &Daemon) -> String {
    let sources = daemon.peers.len();
    let reachable = daemon.peers.iter().filter(|peer| peer.status.is_reachable()).count();
    let false_tickers =
        daemon.peers.iter().filter(|p| p.status.tally() == Tally::Falseticker).count();
    match (sources, reachable) {
        (0, _) if daemon.associations.latest().is_none() => "its sources are not known yet".into(),
        (0, _) => "it has no sources".into(),
        (1, 0) => "its only source does not answer".into(),
        (_, 0) => format!("none of its {sources} sources answers"),
        _ if system_peer(daemon).is_none() && told_reason(daemon).is_some() => {
            let reason = told_reason(daemon).unwrap_or_default();
            let wrong = match false_tickers {
                0 => String::new(),
                number => format!(" ({number} false)"),
            };
            format!("{reachable} of {sources} sources answer{wrong}, none is selected: {reason}")
        }
        _ if false_tickers > 0 => format!(
            "{reachable} of {sources} sources answer, but they disagree ({false_tickers} false)"
        ),
        _ if system_peer(daemon).is_some() => "a source was found; its clock is being set".into(),
        _ => format!("{reachable} of {sources} sources answer, none is selected (yet)"),
    }
}

/// What the daemon says itself of most of the sources that answer and are not called wrong; `None`
/// where it has no words of its own, or calls all of them wrong.
fn told_reason(daemon: &Daemon) -> Option<&str> {
    let is_meant = |peer: &&Arc<Peer>| {
        let is_told = peer.row.latest().is_some_and(|row| row.covers(&vars::peer::SELECTION));
        is_told && peer.status.is_reachable() && peer.status.tally() != Tally::Falseticker
    };
    let words: Vec<&str> =
        daemon.peers.iter().filter(is_meant).map(|peer| rows::condition(peer)).collect();
    let count = |word: &str| words.iter().filter(|other| **other == word).count();
    words.iter().copied().max_by_key(|word| count(word))
}

/// The reference ID of a daemon that serves the time of its own clock; `None` when it does not.
pub fn own_reference(daemon: &Daemon) -> Option<String> {
    let reference = daemon.system.latest()?.get(&system::REFERENCE_ID).ok()?;
    let is_own = !is_unsynchronised(daemon) && words::is_no_time_source(reference);
    is_own.then(|| words::reference(reference))
}

/// What else one wants to know of the daemon's clock: bound of the error, age, stratum.
fn facts(app: &App, tab: &Tab) -> Vec<String> {
    let daemon = tab.shown();
    let Some(values) = daemon.system.latest() else { return Vec::new() };
    let format = app.format_of(daemon);
    let mut facts = vec![census(daemon)];
    if let Some(distance) = root_distance(values) {
        facts.push(match without_time(app, daemon) {
            // Its root distance may be zero then, which bounds nothing.
            _ if is_unsynchronised(daemon) => "error unknown".into(),
            // The headline says it of our daemon's own clock.
            _ if system_peer(daemon).is_some_and(rows::is_own_clock) => "error unknown".into(),
            _ if system_peer(daemon).is_none() && own_reference(daemon).is_some() => {
                "error unknown".into()
            }
            Some(source) => format!("error unknown: {source} follows itself"),
            None => format!("error at most {}", format.span(distance, false)),
        });
    }
    if let Some(set) = since_set(app, tab) {
        facts.push(format!("set {set}"));
    }
    match values.stratum(&system::STRATUM) {
        Some(stratum) if stratum.get() == 0 => facts.push("no stratum of its own".into()),
        Some(stratum) => facts.push(format!("own stratum {stratum}")),
        None => {}
    }
    if let Some(frequency) = values.frequency(&system::FREQUENCY) {
        facts.push(format!("frequency {:+.3} ppm", frequency.parts_per_million()));
    }
    facts
}

/// When the clock was last corrected: how long ago, or at what time where it is not known what the
/// daemon's clock shows now. `None` while nothing was told.
pub fn since_set(app: &App, tab: &Tab) -> Option<String> {
    let daemon = tab.shown();
    let now = app.shown_now();
    let set = daemon.system.latest()?.timestamp(&system::REFERENCE_TIME)?;
    // A daemon of this host steers the clock that we read.
    let clock = daemon.clock_at(now.mono).or_else(|| tab.is_local.then_some(now.clock));
    Some(match clock {
        // A clock that was just stepped may be behind its own reference time.
        Some(clock) => {
            format!("{} ago", format::age((clock - set).to_std().unwrap_or(Duration::ZERO)))
        }
        None => format!("{} by its clock", format::time(set, now)),
    })
}

/// The system peer's name, when its time comes from no time source either.
pub fn without_time<'a>(app: &'a App, daemon: &'a Daemon) -> Option<Cow<'a, str>> {
    let peer = system_peer(daemon)?;
    is_without_time(peer).then(|| rows::name(app, peer))
}

/// Whether a source has its time from no time source.
fn is_without_time(peer: &Peer) -> bool {
    let reference = peer.value(&vars::peer::REFERENCE_ID);
    reference.is_ok_and(|(value, _)| words::is_no_time_source(value))
}

/// Whether what the clock follows is a time source, so that a root distance bounds its error.
pub fn has_bound(daemon: &Daemon) -> bool {
    !is_unsynchronised(daemon)
        && match system_peer(daemon) {
            Some(peer) => !rows::is_own_clock(peer) && !is_without_time(peer),
            None => own_reference(daemon).is_none(),
        }
}

/// How many sources there are and what became of them.
fn census(daemon: &Daemon) -> String {
    let count = |wanted: &[Tally]| {
        daemon.peers.iter().filter(|peer| wanted.contains(&peer.status.tally())).count()
    };
    let used = count(&[Tally::SystemPeer, Tally::PpsPeer, Tally::Candidate]);
    let false_tickers = match count(&[Tally::Falseticker]) {
        0 => String::new(),
        number => format!(", {number} FALSE"),
    };
    let alone = match (used, daemon.peers.iter().filter(|peer| is_comparable(peer)).count()) {
        (1, 1) => ": nothing to compare it with",
        _ => "",
    };
    format!("{used} of {} sources used{false_tickers}{alone}", daemon.peers.len())
}

/// Whether a source answers, so that others can be compared with it.
fn is_comparable(peer: &Peer) -> bool {
    peer.status.is_reachable() && !rows::is_own_clock(peer)
}
