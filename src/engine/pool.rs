//! Pools: a name behind which there are many servers, of which some are used.
//!
//! As chrony does it: twice as many are asked as are wanted, the first that answer are kept, and
//! one that proves to be of no use is replaced by another. The pool itself stays as an association
//! that is never asked, so that its servers have a place to be shown below.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::engine::Engine;
use crate::selection::Reason;
use crate::units::{AssocId, Now};

/// The servers that a pool knows of.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Pool {
    /// Not tried yet.
    untried: VecDeque<SocketAddr>,
    /// Of no use lately, the oldest first.
    useless: VecDeque<SocketAddr>,
}

impl Engine {
    /// Takes the addresses of a pool over and tries some of them.
    pub(in crate::engine) fn pool_resolved(
        &mut self,
        now: &Now,
        parent: AssocId,
        addresses: &[SocketAddr],
    ) {
        let Some(pool) = self.pools.get_mut(&parent) else { return };
        let is_new = |address: &&SocketAddr| !pool.useless.contains(address);
        pool.untried = addresses.iter().filter(is_new).copied().collect();
        if pool.untried.is_empty() {
            // All that there are were of no use: they get another chance.
            pool.untried = addresses.iter().copied().collect();
            pool.useless.clear();
        }
        self.fill_pool(now, parent);
    }

    /// Mobilises servers of a pool while too few answer.
    fn fill_pool(&mut self, now: &Now, parent: AssocId) {
        loop {
            let (answering, all) = self.children(parent);
            let is_full = answering >= MAXSOURCES || all >= TENTATIVE;
            if is_full || self.measured_count() >= self.mitigation.maxclock {
                return;
            }
            let next = self.pools.get_mut(&parent).and_then(|pool| pool.untried.pop_front());
            let Some(address) = next else { break };
            self.mobilise_child(now, parent, address);
        }
        self.ask_name_later(now, parent);
    }

    /// A server answered for the first time, or again: when enough do, the others are let go.
    pub(in crate::engine) fn answered_in_pool(&mut self, now: &Now, id: AssocId) {
        let Some(parent) = self.parent(id).filter(|parent| self.pools.contains_key(parent)) else {
            return;
        };
        if self.children(parent).0 < MAXSOURCES {
            return;
        }
        let silent: Vec<AssocId> = self
            .associations
            .values()
            .filter(|a| a.origin.parent == Some(parent) && !a.poll.reach.is_reachable())
            .filter(|a| a.id != id && a.samples == 0)
            .map(|a| a.id)
            .collect();
        for id in silent {
            self.demobilise(now, id, "the pool has enough servers that answer");
        }
    }

    /// A server of a pool refused us: it is dropped at once.
    pub(in crate::engine) fn refused_in_pool(&mut self, now: &Now, id: AssocId) {
        self.replace(now, id, "it refuses us");
    }

    /// Replaces a server of a pool that has been of no use for too long; whether it did.
    pub(in crate::engine) fn replace_in_pool(&mut self, now: &Now, id: AssocId) -> bool {
        let is_pooled = self.parent(id).is_some_and(|parent| self.pools.contains_key(&parent));
        let Some(association) = self.associations.get_mut(&id) else { return false };
        if !is_pooled || association.poll.burst > 0 {
            return false;
        }
        let is_silent = !association.poll.reach.is_reachable() && association.poll.unreach > 1;
        let is_bad = is_silent
            || match association.standing.reason {
                Some(Reason::Outside { .. } | Reason::Inconsistent { .. }) => true,
                Some(Reason::Unfit(unfit)) => {
                    association.samples > 0 && (unfit.stratum || unfit.distance)
                }
                _ => false,
            };
        association.standing.bad = if is_bad { association.standing.bad + 1 } else { 0 };
        let limit = if is_silent { MOST_UNANSWERED } else { MOST_BAD };
        if association.standing.bad < limit {
            return false;
        }
        self.replace(now, id, "the pool has better ones");
        true
    }

    fn replace(&mut self, now: &Now, id: AssocId, why: &str) {
        let Some(association) = self.associations.get(&id) else { return };
        let (address, parent) = (association.address, association.origin.parent);
        self.demobilise(now, id, why);
        let Some(parent) = parent.filter(|parent| self.pools.contains_key(parent)) else { return };
        if let (Some(pool), Some(address)) = (self.pools.get_mut(&parent), address) {
            pool.useless.push_back(address);
            if pool.useless.len() > REMEMBERED {
                pool.useless.pop_front();
            }
        }
        self.fill_pool(now, parent);
    }

    fn parent(&self, id: AssocId) -> Option<AssocId> {
        self.associations.get(&id)?.origin.parent
    }

    /// How many servers of a pool answer, and how many it has in all.
    fn children(&self, parent: AssocId) -> (usize, usize) {
        let children = self.associations.values().filter(|a| a.origin.parent == Some(parent));
        children.fold((0, 0), |(answering, all), child| {
            (answering + usize::from(child.poll.reach.is_reachable()), all + 1)
        })
    }

    /// Associations that are measured.
    pub(in crate::engine) fn measured_count(&self) -> usize {
        self.associations.values().filter(|a| a.kind.is_measured()).count()
    }
}

/// Servers of a pool that are used: chrony's `maxsources`.
const MAXSOURCES: usize = 4;

/// Servers of a pool that are tried at once.
const TENTATIVE: usize = 2 * MAXSOURCES;

/// Polls in a row in which a server was of no use, before it is replaced.
const MOST_BAD: u32 = 4;

/// The same for one that does not answer, whose reach register has to run empty first.
const MOST_UNANSWERED: u32 = 2;

/// Useless servers that are remembered.
const REMEMBERED: usize = 32;
