//! What a daemon does not tell over the transport in use: said once for all of it, with how it can
//! be had.

use crate::model::vars::{Variable, peer};
use crate::model::{Absent, Part, Peer, Values};

/// Variables that are closed for one reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// Which: first those that stand in the table, the others in the daemon's order.
    pub variables: Vec<&'static Variable>,
    /// How they can be had, in a clause.
    pub how: &'static str,
}

impl Closed {
    /// Their names, of which at most `most` are spelt out.
    pub fn names(&self, most: usize) -> String {
        let name = |variable: &&Variable| variable.field.replace('_', " ");
        let names: Vec<_> = self.variables.iter().take(most).map(name).collect();
        match self.variables.len() - names.len() {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }
}

/// What of `peer` is closed, each reason once.
pub fn of(peer: &Peer) -> Vec<Closed> {
    let parts = std::iter::once(&peer.row).chain(&peer.details);
    let values = parts.filter_map(Part::latest).flat_map(Values::iter);
    let mut all = gather(values.filter(|(variable, _)| peer.value(variable).is_err()));
    for closed in &mut all {
        closed.variables.sort_by_key(|variable| !IN_TABLE.contains(variable));
    }
    all
}

/// What of `values` is closed, each reason once.
pub fn gather<'a, T>(
    values: impl Iterator<Item = (&'static Variable, Result<T, &'a Absent>)>,
) -> Vec<Closed> {
    let mut all: Vec<Closed> = Vec::new();
    for (variable, value) in values {
        let Err(Absent::Closed { how }) = value else { continue };
        match all.iter_mut().find(|closed| closed.how == *how) {
            Some(closed) if closed.variables.contains(&variable) => {}
            Some(closed) => closed.variables.push(variable),
            None => all.push(Closed { variables: vec![variable], how }),
        }
    }
    all
}

/// Those that one misses in the table of sources.
const IN_TABLE: [&Variable; 2] = [&peer::DELAY, &peer::REFERENCE_ID];
