//! The first line of the screen: what is the matter with a daemon, in one sentence.
//!
//! A tired reader should need no more than this line to know whether to read on. Losing contact
//! goes before everything else, for then all other values are old.

use std::time::Duration;

use crate::model::status::Selection;
use crate::model::vars::system;
use crate::model::{Absent, Contact, Daemon, Failure, Peer};
use crate::tui::app::{App, Tab};
use crate::tui::{format, rows};
use crate::units::{Leap, Mono, Now, NtpDuration, Stratum};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// All is well.
    Good,
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
    match contact(daemon, now) {
        Some(mut verdict) => {
            if daemon.system.latest().is_some() {
                let last = synchronisation(app, tab);
                verdict.facts = vec![format!("last known: {}", last.sentence)];
            }
            verdict
        }
        None => synchronisation(app, tab),
    }
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
        Contact::Asking { .. } => (Severity::Unknown, "asking", "asked; no answer yet".into()),
        Contact::Silent { since, last: None } => (
            Severity::Bad,
            "silent",
            format!(
                "no answer for {}: stopped, filtered on the way, or told not to answer \
                     (noquery)",
                ago(*since)
            ),
        ),
        Contact::Silent { since, last } => {
            (Severity::Bad, "silent", format!("no answer for {}{}", ago(*since), old(*last)))
        }
        Contact::Unreachable { why, since, last } => {
            (Severity::Bad, "unreachable", format!("{why}, for {}{}", ago(*since), old(*last)))
        }
        Contact::Refusing { why: Failure::Refused(code), since } => (
            Severity::Bad,
            "refuses",
            format!("it answers but refuses to tell, for {}: {code}", ago(*since)),
        ),
        Contact::Refusing { why, since } => (
            Severity::Bad,
            "refuses",
            format!("it answers but refuses to tell, for {}: {why}", ago(*since)),
        ),
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
    let facts = facts(app, daemon, app.shown_now());
    let stratum = values.stratum(&system::STRATUM);
    let alarm = values.leap(&system::LEAP) == Some(Leap::Alarm);
    if alarm || stratum.is_some_and(|s| s >= Stratum::UNSYNCHRONISED) {
        let sentence = format!("NOT SYNCHRONISED: {}", why_not(daemon));
        return Verdict { severity: Severity::Bad, word: "NOT SYNC", sentence, facts };
    }
    let format = app.format(tab);
    let offset = match values.duration(&system::OFFSET) {
        Some(offset) => format!(", offset {}", format.span(offset, true)),
        None => String::new(),
    };
    let Some(peer) = system_peer(daemon) else {
        let sentence = format!("follows no source now; was synchronised before{offset}");
        return Verdict { severity: Severity::Warning, word: "no source", sentence, facts };
    };
    let name = rows::name(app, peer);
    if rows::is_reference_clock(peer) && is_own_clock(peer) {
        let sentence = format!("follows its own clock, {name}: that is no time source");
        return Verdict { severity: Severity::Warning, word: "own clock", sentence, facts };
    }
    let source = peer.row.latest().and_then(|row| {
        row.stratum(&crate::model::vars::peer::STRATUM).map(|s| format!(" (stratum {s})"))
    });
    let sentence = format!("synchronised to {name}{}{offset}", source.unwrap_or_default());
    Verdict { severity: Severity::Good, word: "synchronised", sentence, facts }
}

/// The association that the daemon's clock follows.
pub fn system_peer(daemon: &Daemon) -> Option<&Peer> {
    let by_tally = daemon
        .peers
        .iter()
        .find(|peer| matches!(peer.status.selection(), Selection::SystemPeer | Selection::PpsPeer));
    let by_id = || daemon.peer(daemon.system.latest()?.association(&system::PEER)?);
    by_tally.or_else(by_id).map(|peer| &**peer)
}

/// Whether the source is the undisciplined local clock, 127.127.1.u or what NTPsec calls it.
fn is_own_clock(peer: &Peer) -> bool {
    use crate::model::vars::peer::{SOURCE, SOURCE_HOST};
    let Some(row) = peer.row.latest() else { return false };
    let address = row.address(&SOURCE).map(|address| address.to_string());
    address.is_some_and(|address| address.starts_with("127.127.1."))
        || row.text(&SOURCE_HOST).is_some_and(|host| host.starts_with("LOCAL("))
}

fn why_not(daemon: &Daemon) -> String {
    let sources = daemon.peers.len();
    let reachable = daemon.peers.iter().filter(|peer| peer.status.is_reachable()).count();
    let false_tickers =
        daemon.peers.iter().filter(|p| p.status.selection() == Selection::Falseticker).count();
    match (sources, reachable) {
        (0, _) if daemon.associations.latest().is_none() => "its sources are not known yet".into(),
        (0, _) => "it has no sources".into(),
        (1, 0) => "its only source does not answer".into(),
        (_, 0) => format!("none of its {sources} sources answers"),
        _ if false_tickers > 0 => format!(
            "{reachable} of {sources} sources answer, but they disagree ({false_tickers} false)"
        ),
        _ if system_peer(daemon).is_some() => "a source was found; its clock is being set".into(),
        _ => format!("{reachable} of {sources} sources answer, none is selected (yet)"),
    }
}

/// What else one wants to know of the daemon's clock: bound of the error, age, stratum.
fn facts(app: &App, daemon: &Daemon, now: Now) -> Vec<String> {
    let Some(values) = daemon.system.latest() else { return Vec::new() };
    let format = app.format_of(daemon);
    let mut facts = Vec::new();
    let delay = values.duration(&system::ROOT_DELAY);
    if let (Some(delay), Some(dispersion)) = (delay, values.duration(&system::ROOT_DISPERSION)) {
        let distance = NtpDuration::from_bits(delay.bits() / 2) + dispersion;
        facts.push(format!("true error at most {}", format.span(distance, false)));
    }
    facts.push(census(daemon));
    let updated = values.timestamp(&system::REFERENCE_TIME);
    if let (Some(clock), Some(updated)) = (daemon.clock_at(now.mono), updated) {
        // A clock that was just stepped may be behind its own reference time.
        let age = (clock - updated).to_std().unwrap_or(Duration::ZERO);
        facts.push(format!("set {} ago", format::age(age)));
    }
    if let Some(stratum) = values.stratum(&system::STRATUM) {
        facts.push(format!("own stratum {stratum}"));
    }
    if let Some(frequency) = values.frequency(&system::FREQUENCY) {
        facts.push(format!("frequency {:+.3} ppm", frequency.parts_per_million()));
    }
    facts
}

/// How many sources there are and what became of them.
fn census(daemon: &Daemon) -> String {
    let count = |wanted: &[Selection]| {
        daemon.peers.iter().filter(|peer| wanted.contains(&peer.status.selection())).count()
    };
    let used = count(&[Selection::SystemPeer, Selection::PpsPeer, Selection::Candidate]);
    let false_tickers = match count(&[Selection::Falseticker]) {
        0 => String::new(),
        number => format!(", {number} FALSE"),
    };
    format!("{used} of {} sources used{false_tickers}", daemon.peers.len())
}

/// What else must be said beside the first line: limits, clocks that differ, restarts, programs.
pub fn notices(app: &App, tab: &Tab) -> Vec<(Severity, String)> {
    let daemon = tab.shown();
    let now = app.shown_now();
    let mut notices = Vec::new();
    if let Contact::RateLimited { last, resume } = &daemon.contact {
        let wait = resume.since(now.mono).as_secs();
        let last = format::age(now.mono.since(*last));
        notices.push((
            Severity::Notice,
            format!(
                "rate-limited by the daemon: asking less; last answer {last} ago, next \
                     question in {wait} s"
            ),
        ));
    }
    if let Some(difference) = clock_difference(app, daemon) {
        notices.push((Severity::Warning, difference));
    }
    if let Some(program) = other_programs(app, tab) {
        notices.push((Severity::Notice, program));
    }
    notices
}

/// Says that the daemon's clock and ours differ, when they do by more than can be told.
fn clock_difference(app: &App, daemon: &Daemon) -> Option<String> {
    let (ahead, error) = daemon.clock_difference()?;
    let error = error + NtpDuration::from(STAMP_ERROR);
    if ahead.abs() <= error {
        return None;
    }
    let format = app.format_of(daemon);
    let side = if ahead > NtpDuration::ZERO { "ahead of" } else { "behind" };
    Some(format!(
        "the daemon's clock is {} {side} this host's (±{})",
        brief(ahead.abs(), format),
        brief(error, format)
    ))
}

/// A span for a sentence about clocks: whole days matter more than their microseconds.
fn brief(span: NtpDuration, format: format::Format) -> String {
    match span.to_std() {
        Some(std) if std >= Duration::from_secs(60) => format::age(std),
        _ => format::Format { units: format::Units::Auto, ..format }.span(span, false),
    }
}

/// Which other program keeps this host's time, when the daemon that was asked is on this host
/// and does not answer.
fn other_programs(app: &App, tab: &Tab) -> Option<String> {
    if !tab.is_local || tab.shown().contact.is_fresh() {
        return None;
    }
    let program = app.programs.first()?;
    Some(format!("{} (pid {})", program.kind.facts().silence, program.pid))
}

/// How much a stamp may be off for having been taken by a program that had to wake up first.
const STAMP_ERROR: Duration = Duration::from_micros(200);
