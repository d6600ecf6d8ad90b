//! What reading back comes to.

use std::time::Duration;

use crate::control::reconfigure::way::{Step, Thought};
use crate::model::change::state::{Check, Difference, State, Wanted};
use crate::model::change::{Answered, Outcome, Preview, Sent, Verdict};

/// What is shown of a change before it is sent to a daemon that is as `state` says.
pub(super) fn preview<R>(thought: &Thought<R>, state: &State) -> Preview {
    let text = |steps: &[Step<R>]| steps.iter().map(|step| step.text.clone()).collect();
    let checks: Vec<Check> = thought.steps.iter().flat_map(|step| step.checks.clone()).collect();
    let holds: Vec<_> = checks.iter().map(|check| check.holds(state)).collect();
    Preview {
        lines: text(&thought.steps),
        inverse: thought.inverse.as_deref().map(text).map_err(Clone::clone),
        effects: thought.effects.clone(),
        touches: thought.touches.clone(),
        roles: thought.roles.clone(),
        words: thought.words.clone(),
        // What runs anew has done so before, and does again.
        is_so_already: !holds.is_empty()
            && holds.iter().all(|holds| *holds == Some(true))
            && !checks.iter().any(|check| matches!(check.wanted, Wanted::Reset(..))),
        checks,
    }
}

/// What has become of a change, of which `sent` was sent.
pub(super) fn of_change<R>(
    sent: &[Sent],
    steps: &[Step<R>],
    before: &State,
    after: Option<&State>,
) -> Outcome {
    let checks = steps.iter().flat_map(|step| &step.checks);
    let checks: Vec<_> =
        checks.map(|check| (check.clone(), after.and_then(|after| check.holds(after)))).collect();
    let Some(after) = after else {
        let verdict = if is_sure_not(sent) { Verdict::NotApplied } else { Verdict::Unknown };
        return Outcome { verdict, checks, difference: None };
    };
    let difference = Difference::between(before, after);
    let unmet = checks.iter().any(|(_, holds)| *holds == Some(false));
    let seen = |(check, holds): &(Check, Option<bool>)| {
        *holds == Some(true) && check.holds(before) != Some(true)
    };
    // A line may be refused for its end and followed for its beginning.
    let is_half = sent.iter().any(is_refused) && !difference.is_empty();
    let met = checks.iter().any(|(_, holds)| *holds == Some(true));
    let is_new = !difference.is_empty() || checks.iter().any(seen);
    let verdict = if unmet && has_restarted(before, after) {
        Verdict::Restarted
    } else if unmet || is_half {
        if is_new { Verdict::Partly } else { Verdict::NotApplied }
    } else if is_sure_not(sent) && !is_new {
        Verdict::NotApplied
    } else if met {
        Verdict::Applied
    } else if sent.iter().any(is_lost) {
        Verdict::Unknown
    } else {
        Verdict::Untold
    };
    Outcome { verdict, checks, difference: Some(difference) }
}

/// Whether all is as it was before the `change`.
pub(super) fn of_inverse(
    sent: &[Sent],
    change: &Outcome,
    before: &State,
    after: Option<&State>,
) -> Outcome {
    let Some(after) = after else {
        return Outcome { verdict: Verdict::Unknown, checks: Vec::new(), difference: None };
    };
    let difference = Difference::between(before, after);
    let is_as_before = difference.is_empty() || difference.is_only_numbers();
    let was_told = change.difference.as_ref().is_some_and(|change| !change.is_empty());
    let accepted = |sent: &Sent| matches!(sent.answer, Some(Answered::Accepted(_)));
    let verdict = if is_as_before && was_told {
        Verdict::Applied
    } else if is_as_before && sent.iter().all(accepted) {
        Verdict::Untold
    } else if is_as_before {
        Verdict::Unknown
    } else if has_restarted(before, after) {
        Verdict::Restarted
    } else if change.difference.as_ref() == Some(&difference) {
        Verdict::NotApplied
    } else {
        Verdict::Partly
    };
    Outcome { verdict, checks: Vec::new(), difference: Some(difference) }
}

/// Whether the daemon started anew between two readings: it has run for less than it should.
pub(super) fn has_restarted(before: &State, after: &State) -> bool {
    let (Some(was), Some(is)) = (before.uptime, after.uptime) else { return false };
    is + SLACK < was + after.read.since(before.read)
}

/// Whether no line can have been followed: each was refused, or none was sent.
fn is_sure_not(sent: &[Sent]) -> bool {
    sent.iter().all(is_refused)
}

const fn is_refused(sent: &Sent) -> bool {
    matches!(sent.answer, Some(Answered::Refused(_)))
}

const fn is_lost(sent: &Sent) -> bool {
    matches!(sent.answer, Some(Answered::Lost(_)))
}

/// Daemons count whole seconds, and count them once in a while.
const SLACK: Duration = Duration::from_secs(3);
