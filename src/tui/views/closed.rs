//! What a daemon does not tell over the transport in use: said once for all of it, with how it can
//! be had.

use crate::model::vars::{Variable, peer};
use crate::model::{Absent, Part, Peer, Values};

/// Variables that are closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// Which: first those that stand in the table, the others in the daemon's order.
    pub variables: Vec<&'static Variable>,
    /// How they can be had, in a clause.
    pub how: String,
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

/// What of `peer` is closed; `None` when nothing is.
pub fn of(peer: &Peer) -> Option<Closed> {
    let parts = std::iter::once(&peer.row).chain(&peer.details);
    let values = parts.filter_map(Part::latest).flat_map(Values::iter);
    let mut closed = gather(values.filter(|(variable, _)| peer.value(variable).is_err()))?;
    closed.variables.sort_by_key(|variable| !IN_TABLE.contains(variable));
    Some(closed)
}

/// What of `values` is closed; `None` when nothing is.
pub fn gather<'a, T>(
    values: impl Iterator<Item = (&'static Variable, Result<T, &'a Absent>)>,
) -> Option<Closed> {
    let mut variables: Vec<&'static Variable> = Vec::new();
    let mut hows: Vec<&'static str> = Vec::new();
    for (variable, value) in values {
        let Err(Absent::Closed { how }) = value else { continue };
        if !variables.contains(&variable) {
            variables.push(variable);
        }
        if !hows.contains(how) {
            hows.push(how);
        }
    }
    let how = hows.split_first().map(|(first, others)| merged(first, others))?;
    Some(Closed { variables, how })
}

/// One sentence for several that differ in a word, with all those words; else all of them.
fn merged(first: &str, others: &[&str]) -> String {
    let is_word = |c: char| c.is_alphanumeric();
    let mut front = first.len();
    let mut back = first.len();
    for other in others {
        let same = first.chars().zip(other.chars()).take_while(|(a, b)| a == b);
        front = front.min(same.map(|(c, _)| c.len_utf8()).sum());
        let same = first.chars().rev().zip(other.chars().rev()).take_while(|(a, b)| a == b);
        back = back.min(same.map(|(c, _)| c.len_utf8()).sum());
    }
    // Whole words only.
    let prefix = first.get(..front).unwrap_or_default().trim_end_matches(is_word);
    let suffix = first.get(first.len() - back..).unwrap_or_default().trim_start_matches(is_word);
    let differing = |text: &&str| {
        let rest = text.get(prefix.len()..text.len().checked_sub(suffix.len())?)?;
        rest.chars().all(is_word).then(|| rest.to_owned())
    };
    let all = std::iter::once(&first).chain(others);
    match all.clone().map(differing).collect::<Option<Vec<_>>>() {
        _ if others.is_empty() => first.to_owned(),
        Some(words) => format!("{prefix}{}{suffix}", words.join(" ")),
        None => all.copied().collect::<Vec<_>>().join("; "),
    }
}

/// Those that one misses in the table of sources.
const IN_TABLE: [&Variable; 2] = [&peer::DELAY, &peer::REFERENCE_ID];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_that_differ_in_a_word_become_one() {
        let open = ["open it with `let ab`, soon", "open it with `let cb`, soon"];
        assert_eq!(merged(open[0], &open[1..]), "open it with `let ab cb`, soon");
        assert_eq!(merged(open[0], &[]), open[0]);
        let [one, other] = ["open it with a key", "ask as root or so"];
        assert_eq!(merged(one, &[other]), "open it with a key; ask as root or so");
        assert_eq!(merged("µ a", &["µ b"]), "µ a b");
    }

    #[test]
    fn each_variable_is_named_once_and_what_is_there_is_not() {
        let gone = Absent::Closed { how: "ask `a`" };
        let other = Absent::Closed { how: "ask `b`" };
        let none = Absent::NotGiven;
        let values: [(_, Result<(), _>); 5] = [
            (&peer::DELAY, Err(&gone)),
            (&peer::OFFSET, Ok(())),
            (&peer::DELAY, Err(&gone)),
            (&peer::JITTER, Err(&none)),
            (&peer::REFERENCE_ID, Err(&other)),
        ];
        let closed = gather(values.into_iter()).unwrap();
        assert_eq!(closed.names(9), "delay, reference id");
        assert_eq!(closed.names(1), "delay and 1 more");
        assert_eq!(closed.how, "ask `a b`");
    }
}
