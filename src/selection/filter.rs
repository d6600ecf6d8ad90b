//! What a filter over all survivors adds to selection: other shares, and sources that it found
//! inconsistent.

use crate::selection::{Explained, Reason, Verdict};
use crate::units::{AssocId, NtpDuration, Tally};

/// What a filter makes of a survivor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Which.
    pub id: AssocId,
    /// Its share in the estimate, in any unit: shares are brought to a sum of 1.
    pub weight: f64,
    /// How much more than the joint estimate it is ahead.
    pub bias: NtpDuration,
    /// The most that its path explains.
    pub prior: NtpDuration,
    /// Whether the bias is beyond that.
    pub is_inconsistent: bool,
}

impl Explained {
    /// With the shares of a filter in place of those of the combine algorithm.
    ///
    /// A survivor that the filter found inconsistent becomes an outlier, as long as a consistent
    /// one is left; was it the system peer, the best of the others is it now. A survivor without a
    /// share has none; without any share at all everything stays as it is.
    #[must_use]
    pub fn with_filter(mut self, shares: &[Share]) -> Self {
        let share_of = |id: AssocId| shares.iter().find(|share| share.id == id);
        let is_inconsistent = |id| share_of(id).is_some_and(|share| share.is_inconsistent);
        let is_used =
            |tally| matches!(tally, Tally::Candidate | Tally::SystemPeer | Tally::PpsPeer);
        let used = || self.verdicts.iter().filter(|verdict| is_used(verdict.tally));
        let weight_of = |id| share_of(id).map_or(0.0, |s| clean(s.weight));
        let has_others = used().any(|verdict| !is_inconsistent(verdict.id));
        let keeps = |id| !(has_others && is_inconsistent(id));
        let total: f64 = used().filter(|v| keeps(v.id)).map(|v| weight_of(v.id)).sum();
        if self.system.is_none() || total <= 0.0 {
            return self;
        }
        let system_peer = self.system.map(|system| system.peer);
        let mut is_peer_lost = false;
        for verdict in self.verdicts.iter_mut().filter(|verdict| is_used(verdict.tally)) {
            match share_of(verdict.id) {
                Some(share) if !keeps(verdict.id) => {
                    is_peer_lost |= system_peer == Some(verdict.id);
                    verdict.tally = Tally::Outlier;
                    verdict.reason = Reason::Inconsistent { bias: share.bias, prior: share.prior };
                    verdict.weight = 0.0;
                }
                _ => verdict.weight = weight_of(verdict.id) / total,
            }
        }
        if is_peer_lost {
            self.promote();
        }
        self
    }

    /// Makes the best of the survivors the system peer.
    fn promote(&mut self) {
        let rank = |metric: Option<f64>| metric.unwrap_or(f64::INFINITY);
        // Beside a pulse there is a system peer already.
        let is_left = |tally| matches!(tally, Tally::Candidate | Tally::SystemPeer);
        let survivors = self.verdicts.iter_mut().filter(|verdict| is_left(verdict.tally));
        let best = survivors.min_by(|a, b| {
            let is_other = |verdict: &Verdict| verdict.tally != Tally::SystemPeer;
            is_other(a).cmp(&is_other(b)).then(rank(a.metric).total_cmp(&rank(b.metric)))
        });
        let Some(best) = best else { return };
        if best.tally != Tally::SystemPeer {
            best.tally = Tally::SystemPeer;
            best.reason = Reason::Best;
        }
        if let Some(system) = &mut self.system {
            system.peer = best.id;
        }
        self.memory.system_peer = Some(best.id);
        self.memory.hop_threshold = NtpDuration::ZERO;
    }
}

fn clean(weight: f64) -> f64 {
    if weight.is_finite() { weight.clamp(0.0, GREATEST) } else { 0.0 }
}

/// No share is greater than this many others, whatever a filter says.
const GREATEST: f64 = 1e12;
