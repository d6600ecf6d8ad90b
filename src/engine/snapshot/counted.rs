//! What an engine counts, in the sections in which it is shown.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::snapshot::Lists;
use crate::model::part::Dated;
use crate::model::statistics::{Section, Statistics};
use crate::model::values::Values;

/// The statistics after `last`, from the engine's own variables of this moment; those as they were
/// where they are new enough: rates need some time between two counts.
pub(super) fn statistics(
    last: &Arc<Statistics>,
    system: &Values,
    dated: Dated,
    lists: &mut Option<Lists>,
) -> Arc<Statistics> {
    let counted = |section: &Section| {
        let variables = section.counts().variables();
        let told = variables.filter_map(|row| Some((row, system.get(row).ok()?.clone())));
        (*section, Values::typed(told))
    };
    let is_due = Section::ALL.iter().all(|section| {
        let known = last.section(*section).part().dated();
        known.is_none_or(|known| dated.answered.since(known.answered) >= BETWEEN_COUNTS)
    });
    if !is_due && lists.is_none() {
        return Arc::clone(last);
    }
    let mut statistics = Statistics::clone(last);
    if is_due {
        for (section, values) in Section::ALL.iter().map(counted) {
            if values.iter().next().is_some() {
                statistics.section_mut(section).renew(values, dated);
            }
        }
    }
    if let Some(lists) = lists.take() {
        statistics.interfaces = statistics.interfaces.renewed(lists.interfaces, dated);
        statistics.restrictions = statistics.restrictions.renewed(lists.restrictions, dated);
    }
    Arc::new(statistics)
}

/// From one count to the next.
const BETWEEN_COUNTS: Duration = Duration::from_secs(4);
