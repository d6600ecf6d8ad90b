//! Under which heading each variable of an association stands.
//!
//! What is asked for in lists stands as the lists do. A daemon that tells more than lists have, of
//! its samples and its selection, has a heading for each subject.

use crate::model::vars::{self, Scope, Variable, lists, peer};
use crate::model::{Absent, Part, Peer, Values};
use crate::tui::rows;

/// A heading and the variables below it.
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// The variables, each in one group only.
    pub variables: Vec<&'static Variable>,
    /// Columns for their names.
    pub name: usize,
}

/// The variables under their headings: all that are asked for, and what was told besides.
pub fn of(peer: &Peer) -> Vec<Group> {
    if rows::has_statistics(peer) {
        return by_subject(peer);
    }
    let arrays = [&peer::FILTER_DELAY, &peer::FILTER_OFFSET, &peer::FILTER_DISPERSION];
    let counters = lists::COUNTERS.iter().copied().filter(|variable| !arrays.contains(variable));
    let listed = |variable: &&'static Variable| {
        lists::ROW.contains(variable)
            || lists::SCALARS.contains(variable)
            || lists::COUNTERS.contains(variable)
    };
    let told = |variable: &&'static Variable| peer.value(variable).is_ok() && !listed(variable);
    let all = vars::table(Scope::Peer).iter().copied();
    let rest = lists::ROW.iter().chain(lists::SCALARS).copied();
    let group = |title, variables| Group { title, variables, name: NAME };
    let groups = [
        group("Counters", counters.collect()),
        group("Measured", MEASURED.to_vec()),
        group("Told", rest.filter(|v| !MEASURED.contains(v)).collect()),
        group("Told unasked", all.filter(told).collect()),
    ];
    let exists =
        |variable: &&'static Variable| !matches!(peer.value(variable), Err(Absent::NotInFamily));
    let existing = |group: Group| Group {
        variables: group.variables.into_iter().filter(exists).collect(),
        ..group
    };
    groups.into_iter().map(existing).filter(|group| !group.variables.is_empty()).collect()
}

/// What is told, by subject; what stands under no heading comes last.
fn by_subject(peer: &Peer) -> Vec<Group> {
    let is_told = |variable: &&'static Variable| match peer.value(variable) {
        Ok(_) | Err(Absent::NotGiven | Absent::Failed(_) | Absent::NotDecodable { .. }) => {
            covers(peer, variable)
        }
        Err(_) => false,
    };
    let mut groups: Vec<Group> = SUBJECTS
        .iter()
        .map(|(title, variables)| Group {
            title,
            variables: variables.iter().copied().filter(is_told).collect(),
            name: LONG_NAME,
        })
        .collect();
    // Of a source without a key or certificates that is most of them.
    let has_value = |variable: &&'static Variable| peer.value(variable).is_ok();
    for group in groups.iter_mut().filter(|group| group.title == AUTHENTICATION) {
        group.variables.retain(has_value);
    }
    let has_heading =
        |variable: &&'static Variable| SUBJECTS.iter().any(|(_, all)| all.contains(variable));
    let all = vars::table(Scope::Peer).iter().copied();
    let rest = all.filter(|variable| is_told(variable) && !has_heading(variable));
    groups.push(Group { title: "Besides", variables: rest.collect(), name: LONG_NAME });
    groups.retain(|group| !group.variables.is_empty());
    groups
}

/// Whether any part of `peer` has something to say on `variable`, were it why it is not there.
fn covers(peer: &Peer, variable: &'static Variable) -> bool {
    let mut parts = std::iter::once(&peer.row).chain(&peer.details).filter_map(Part::latest);
    parts.any(|values: &Values| values.covers(variable))
}

/// A heading and what stands under it.
type Subject = (&'static str, &'static [&'static Variable]);

/// The subjects: what one looks for first comes first.
const SUBJECTS: [Subject; 7] = [
    (
        "Measured: offset is the last sample's, less what the clock was corrected by since; \
         measured offset is as it was found",
        &[
            &peer::OFFSET,
            &peer::MEASURED_OFFSET,
            &peer::ERROR_BOUND,
            &peer::DELAY,
            &peer::SAMPLE_AGE,
            &peer::REACH,
            &peer::HOST_POLL,
        ],
    ),
    (
        "The line through its samples: estimated offset is where it stands now, jitter is how \
         far the samples scatter about it",
        &[
            &peer::ESTIMATED_OFFSET,
            &peer::OFFSET_ERROR,
            &peer::JITTER,
            &peer::SAMPLES,
            &peer::RUNS,
            &peer::SPAN,
            &peer::RESIDUAL_FREQUENCY,
            &peer::SKEW,
        ],
    ),
    (
        "Selection",
        &[
            &peer::SELECTION,
            &peer::SELECTION_REASON,
            &peer::SELECTION_LETTER,
            &peer::LOW_LIMIT,
            &peer::HIGH_LIMIT,
            &peer::SCORE,
            &peer::CONFIGURED_OPTIONS,
            &peer::EFFECTIVE_OPTIONS,
            &peer::SELECTION_AGE,
            &peer::SELECTION_LEAP,
        ],
    ),
    (
        "The source",
        &[
            &peer::SOURCE,
            &peer::SOURCE_PORT,
            &peer::SOURCE_HOST,
            &peer::DESTINATION,
            &peer::IS_REFERENCE_CLOCK,
            &peer::HOST_MODE,
            &peer::STRATUM,
            &peer::REFERENCE_ID,
            &peer::LEAP,
            &peer::ROOT_DELAY,
            &peer::ROOT_DISPERSION,
            &peer::REFERENCE_TIME,
            &peer::PRECISION,
        ],
    ),
    (
        "Last packet",
        &[
            &peer::PACKET_OFFSET,
            &peer::PACKET_DISPERSION,
            &peer::PACKET_TESTS,
            &peer::FAILED_TESTS,
            &peer::RESPONSE_TIME,
            &peer::JITTER_ASYMMETRY,
            &peer::PEER_MODE,
            &peer::PACKET_VERSION,
            &peer::PACKET_STRATUM,
            &peer::PACKET_POLL,
            &peer::IS_INTERLEAVED,
            &peer::SENT_STAMP,
            &peer::RECEIVED_STAMP,
        ],
    ),
    (
        AUTHENTICATION,
        &[
            &peer::AUTHENTICATED,
            &peer::AUTH_MODE,
            &peer::KEY_ID,
            &peer::KEY_ALGORITHM,
            &peer::KEY_LENGTH,
            &peer::NTS_KEY,
            &peer::NTS_COOKIES,
            &peer::COOKIE_LENGTH,
            &peer::ESTABLISHMENT_AGE,
            &peer::ESTABLISHMENT_ATTEMPTS,
            &peer::NTS_NAKS,
        ],
    ),
    (
        "Counters",
        &[
            &peer::SENT,
            &peer::RECEIVED,
            &peer::VALID,
            &peer::GOOD,
            &peer::KERNEL_SENT,
            &peer::KERNEL_RECEIVED,
            &peer::HARDWARE_SENT,
            &peer::HARDWARE_RECEIVED,
        ],
    ),
];

/// What one looks for first.
const MEASURED: [&Variable; 9] = [
    &peer::OFFSET,
    &peer::DELAY,
    &peer::JITTER,
    &peer::DISPERSION,
    &peer::ROOT_DELAY,
    &peer::ROOT_DISPERSION,
    &peer::REACH,
    &peer::RECEIVE,
    &peer::FLASH,
];

/// The heading of what is there only of sources that are authenticated.
const AUTHENTICATION: &str = "Authentication";

/// Columns for the name of a variable.
pub const NAME: usize = 20;

/// And of one that tells an estimate from what it is an estimate of.
const LONG_NAME: usize = 24;
