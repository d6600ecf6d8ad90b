//! What selection found, in sentences.

use ratatui::style::Style;

use crate::insight::selection::{Basis, Selection, Source, Trouble};
use crate::model::vars::peer;
use crate::model::{Absent, Value};
use crate::selection::{Reason, RoundEnd, Unfit};
use crate::tui::format;
use crate::tui::rows::{self, Row};
use crate::tui::views::columns::Context;
use crate::tui::views::selection::is_false;
use crate::units::{AssocId, NtpDuration, Tally};

/// Whether the sources agree, and who does not.
pub fn head(context: &Context<'_>, selection: &Selection) -> Vec<(Style, String)> {
    let theme = &context.theme;
    let compared = selection.compared();
    let span = |span| context.format.span(span, true);
    let wrong: Vec<_> = selection.sources.iter().filter(|source| is_false(source)).collect();
    let is_own = selection.basis != Basis::RootDistance;
    let mut lines = Vec::new();
    match selection.explained.interval {
        _ if selection.sources.is_empty() => {
            lines.push((theme.text, "there are no sources to select from".into()));
        }
        None if compared <= 1 && is_own => {
            let sentence = format!("no source can be selected: {}", census(context, selection));
            lines.push((theme.warning, sentence));
        }
        None if compared == 0 => {
            let sentence = "no source can be compared: see why below, source by source";
            lines.push((theme.warning, sentence.into()));
        }
        None if selection.basis != Basis::RootDistance && wrong.is_empty() => {
            let sentence = format!(
                "the {compared} intervals share no part, though the daemon calls none of them wrong"
            );
            lines.push((theme.text, sentence));
        }
        None => lines.push((
            theme.bad,
            format!(
                "NO MAJORITY: no more than half of the {compared} intervals share any part, so \
                 nobody can be believed"
            ),
        )),
        Some(_) if compared == 1 && wrong.is_empty() => {
            let sentence = "one source only: it cannot be told whether it is right";
            lines.push((theme.notice, sentence.into()));
        }
        Some(interval) => {
            let agree = compared - selection.outside().count().min(compared);
            let range = format!("between {} and {}", span(interval.low), span(interval.high));
            let (style, sentence) = match wrong.as_slice() {
                [] => (
                    theme.good,
                    format!("all {compared} that were compared agree: the offset lies {range}"),
                ),
                [first, more @ ..] => {
                    let more = match more.len() {
                        0 => String::new(),
                        count => format!(" and {count} more"),
                    };
                    let first = wrong_by(context, first);
                    let others =
                        format!("{agree} of {compared} agree that the offset lies {range}");
                    (theme.warning, format!("WRONG: {first}{more}; {others}"))
                }
            };
            lines.push((style, sentence));
        }
    }
    let is_followed = |source: &Source| matches!(source.tally, Tally::SystemPeer | Tally::PpsPeer);
    if is_own && wrong.len() < compared && !selection.sources.iter().any(is_followed) {
        let sentence = format!("none is selected: {}", census(context, selection));
        lines.push((theme.warning, sentence));
    }
    let differing = selection.sources.iter().filter(|source| source.differs()).count();
    if differing > 0 && !selection.is_told {
        lines.push((
            theme.faint,
            format!(
                "worked out from its variables; its own tally differs for {differing}, marked ?"
            ),
        ));
    }
    lines
}

fn wrong_by(context: &Context<'_>, source: &Source) -> String {
    let name = name(context, source.id);
    match source.gap {
        Some(gap) => format!("{name} by {} or more", magnitude(context, gap)),
        None => name,
    }
}

/// What the daemon says of its sources, counted: `2 too few samples, 1 no answer`.
fn census(context: &Context<'_>, selection: &Selection) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for source in &selection.sources {
        let Some(peer) = context.daemon.peer(source.id) else { continue };
        let word = rows::condition(peer);
        match counts.iter_mut().find(|(other, _)| *other == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let counts: Vec<_> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    counts.join(", ")
}

/// That what is drawn is not what the daemon compared, and how that can be had; `None` where it is.
pub fn stand_in(context: &Context<'_>, selection: &Selection) -> Option<(Style, String)> {
    let Basis::Samples { why } = &selection.basis else { return None };
    let why = match why {
        Absent::Closed { how } => (*how).to_owned(),
        why => why.to_string(),
    };
    let sentence = format!(
        "drawn are last samples ± their greatest errors, not the daemon's own limits: {why}"
    );
    Some((context.theme.notice, sentence))
}

/// Why a source has its tally.
pub fn why(
    context: &Context<'_>,
    selection: &Selection,
    row: &Row<'_>,
    source: &Source,
) -> Vec<(Style, String)> {
    let theme = &context.theme;
    let mut lines = Vec::new();
    if let Some(verdict) = source.verdict {
        let reason = reason(context, selection, source, verdict.reason);
        let style = if is_false(source) { theme.warning } else { theme.text };
        if selection.basis != Basis::RootDistance {
            lines.push((style, told(context, row, source, &reason)));
            lines.extend(choice(row).map(|line| (theme.faint, line)));
        } else if source.differs() {
            let told = format!(
                "{}: the daemon says {}; by its variables it would be {}, for {reason}; what a \
                 daemon does not tell, such as prefer and minclock, or a moment in between may \
                 be why",
                row.name,
                word(source.tally),
                word(verdict.tally)
            );
            lines.push((theme.notice, told));
        } else {
            lines.push((style, format!("{}: {}: {reason}", row.name, word(source.tally))));
        }
    } else {
        let sentence = format!("{}: {}", row.name, rows::tally(row.peer));
        lines.push((theme.text, sentence));
    }
    match &source.trouble {
        Some(Trouble::Missing { variable, why }) => lines.push((
            theme.faint,
            format!(
                "not compared here: its {} is missing: {why}",
                variable.field.replace('_', " ")
            ),
        )),
        Some(Trouble::Old { why }) => {
            lines.push((theme.warning, format!("compared with old values: {why}")));
        }
        None => {}
    }
    lines
}

/// The daemon's own word and reason, and how far out the source is.
fn told(context: &Context<'_>, row: &Row<'_>, source: &Source, reason: &str) -> String {
    let word = rows::condition(row.peer);
    // A word of the daemon's own may have a colon already.
    let colon = if word.contains(':') { ';' } else { ':' };
    let is_said = source.verdict.is_some_and(|v| matches!(v.reason, Reason::Outside { .. }));
    let gap = match source.gap.filter(|_| !is_said) {
        Some(gap) => {
            let side = if gap > NtpDuration::ZERO { "above" } else { "below" };
            format!("; it lies {} {side} what the others share", magnitude(context, gap))
        }
        None => String::new(),
    };
    format!("{}: {word}{colon} {reason}{gap}", row.name)
}

/// What was weighed of a source beside its interval, where the daemon tells that.
fn choice(row: &Row<'_>) -> Option<String> {
    let values = row.peer.row.latest()?;
    let Ok(Value::Real(score)) = values.get(&peer::SCORE) else { return None };
    let options = match values.text(&peer::EFFECTIVE_OPTIONS) {
        None | Some("") => "no options",
        Some(options) => options,
    };
    let age = values.duration(&peer::SELECTION_AGE).and_then(NtpDuration::to_std);
    let age = age.map(|age| format!(" · last sample {} old then", format::age(age)));
    Some(format!(
        "{options} in effect · score {score:.1} (above 10 it is selected instead){}",
        age.unwrap_or_default()
    ))
}

const fn word(tally: Tally) -> &'static str {
    match tally {
        Tally::Falseticker => "falseticker",
        Tally::SystemPeer => "system peer",
        Tally::PpsPeer => "pulse per second",
        Tally::Reject => "rejected",
        other => other.condition(),
    }
}

fn reason(context: &Context<'_>, selection: &Selection, source: &Source, reason: Reason) -> String {
    let span = |span: NtpDuration| context.format.span(span, false);
    match reason {
        Reason::Unfit(unfit) => unfit_words(context, source, unfit),
        Reason::BeyondOrphan => "its stratum is not better than the orphan stratum".into(),
        Reason::Reserve => "a clock in reserve, not asked while others are left".into(),
        Reason::Outside { gap } => {
            let side = if gap > NtpDuration::ZERO { "above" } else { "below" };
            let left = selection.explained.interval.map_or(0, |interval| interval.allowed);
            let majority = selection.compared().saturating_sub(left);
            format!(
                "its interval lies {} {side} the one that {majority} of {} agree on",
                magnitude(context, gap),
                selection.compared()
            )
        }
        Reason::NoMajority => "no interval has a majority, so nobody can be believed".into(),
        Reason::Clustered { round, select_jitter, least_jitter } => format!(
            "right, but dropped in round {round}: the others lie {} from it, the steadiest of \
             them jitters by {}",
            span(select_jitter),
            span(least_jitter)
        ),
        Reason::Inconsistent { bias, prior } => format!(
            "it is {} ahead of the others for good; an uneven path explains {}",
            context.format.span(bias, true),
            span(prior)
        ),
        Reason::Survivor => "it survived, and its offset has its share".into(),
        Reason::Best => "it survived, and is the best: least of select jitter by distance and \
                         stratum together"
            .into(),
        Reason::TooFew { survivors } => {
            format!("it survived, but only {survivors} did, fewer than minsane asks for")
        }
        Reason::HeldBack => {
            "it survived and was followed before; another is not better enough to change".into()
        }
        Reason::Preferred => "it survived, and is preferred by configuration".into(),
        Reason::Pulse => "its pulse per second steers the clock".into(),
        Reason::PulseUnused => "its pulse agrees, but nothing numbers its seconds".into(),
        Reason::LastResort => "nobody else is left".into(),
        Reason::Told(clause) => clause.into(),
    }
}

fn unfit_words(context: &Context<'_>, source: &Source, unfit: Unfit) -> String {
    let mut words: Vec<String> = Vec::new();
    if unfit.unreachable {
        words.push("it does not answer".into());
    }
    if unfit.stratum {
        words.push("it is not synchronised, or its stratum is not accepted".into());
    }
    if unfit.distance {
        let far = source.span.map(|span| context.format.span(span.distance, false));
        words.push(match far {
            Some(far) => format!("it is too far from a reference clock, {far}"),
            None => "it is too far from a reference clock, or has too few samples yet".into(),
        });
    }
    if unfit.synchronised_to_us {
        words.push("it gets its time from this daemon".into());
    }
    if unfit.noselect {
        words.push("it is configured with noselect".into());
    }
    format!("not compared: {}", words.join("; "))
}

/// The rounds of the cluster algorithm.
pub fn rounds(context: &Context<'_>, selection: &Selection) -> Vec<(Style, String)> {
    let theme = &context.theme;
    let rounds = &selection.explained.rounds;
    if rounds.len() < 2 && rounds.first().is_none_or(|round| round.left < 2) {
        return Vec::new();
    }
    let heading = "Rounds: who lies furthest from the others is dropped while that gains anything";
    let mut lines = vec![(theme.heading, heading.to_owned())];
    for (round, number) in rounds.iter().zip(1..) {
        let worst = name(context, round.worst);
        let left = round.left;
        let what = match round.end {
            RoundEnd::Dropped => format!("of {left}, {worst} is dropped"),
            RoundEnd::Enough => format!("{left} are left, few enough"),
            RoundEnd::JitterBound => format!("{left} are left, unsteady more than apart"),
            RoundEnd::Protected => format!("{left} are left, {worst} is protected"),
        };
        let jitter = context.format.span(round.select_jitter, false);
        let least = context.format.span(round.least_jitter, false);
        let line = format!("{number}: {what} (select jitter {jitter}, least jitter {least})");
        lines.push((theme.text, line));
    }
    lines
}

fn magnitude(context: &Context<'_>, gap: NtpDuration) -> String {
    context.format.span(gap.abs(), false)
}

fn name(context: &Context<'_>, id: AssocId) -> String {
    match context.daemon.peer(id) {
        Some(peer) => rows::name(context.app, peer).into_owned(),
        None => format!("association {id}"),
    }
}
