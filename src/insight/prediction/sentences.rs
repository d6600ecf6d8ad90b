//! A prediction in plain words.

use std::fmt;

use super::{Differs, Outcome, Prediction, State};
use crate::selection::prospect::Role;
use crate::units::AssocId;

impl fmt::Display for Prediction {
    /// The sentences, each on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentences().join("\n"))
    }
}

impl Prediction {
    /// What is predicted, what it depends on, and what cannot be known: a sentence each, without its
    /// full stop.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        match &self.later {
            None => sentences.extend(self.changes(&self.before, &self.at_first, "")),
            Some(later) if self.starts_again.is_empty() => {
                let offline = self.list(&self.goes_offline);
                sentences.extend(self.changes(&self.before, &self.at_first, "at first "));
                let then = format!("once what was measured of {offline} is old, ");
                sentences.extend(self.changes(&self.at_first, later, &then));
            }
            Some(later) => {
                let again = self.list(&self.starts_again);
                let (verb, as_it_was) = if self.starts_again.len() == 1 {
                    ("is", "it is")
                } else {
                    ("are", "they are")
                };
                let at_first = format!("while {again} {verb} measured anew, ");
                sentences.extend(self.changes(&self.before, &self.at_first, &at_first));
                let then = format!("after about four answers, if {as_it_was} as before, ");
                sentences.extend(self.changes(&self.at_first, later, &then));
            }
        }
        for (host, role) in &self.begins {
            sentences.push(begins(host, *role));
        }
        sentences.extend(self.differs.map(|differs| self.doubt(differs)));
        sentences
    }

    /// Whether the change leaves the clock to itself where it was steered before, be it for a while.
    pub fn loses_the_clock(&self) -> bool {
        let is_steered =
            |outcome: &Outcome| matches!(outcome.state, State::Followed | State::LastResort);
        is_steered(&self.before)
            && !(is_steered(&self.at_first) && self.later.as_ref().is_none_or(is_steered))
    }

    /// What changes from one outcome to another, each sentence after `moment`.
    fn changes(&self, from: &Outcome, to: &Outcome, moment: &str) -> Vec<String> {
        let mut sentences = vec![format!("{moment}{}", self.followed(from, to))];
        let newly: Vec<AssocId> =
            to.falsetickers.iter().filter(|id| !from.falsetickers.contains(id)).copied().collect();
        if !newly.is_empty() && to.state != State::NoMajority {
            let what = if newly.len() == 1 { "a falseticker" } else { "falsetickers" };
            let becomes = if newly.len() == 1 { "becomes" } else { "become" };
            sentences.push(format!("{moment}{} {becomes} {what}", self.list(&newly)));
        }
        if to.compared < from.compared {
            let (left, all) = (to.compared, from.compared);
            match left {
                1 => sentences.push(format!(
                    "{moment}1 of {all} sources left: nothing would show that it is wrong"
                )),
                2 => sentences.push(format!(
                    "{moment}2 of {all} sources left: no majority can outvote a falseticker"
                )),
                _ => {}
            }
        }
        sentences
    }

    /// Who is followed.
    fn followed(&self, from: &Outcome, to: &Outcome) -> String {
        let Some(peer) = to.system_peer else {
            let still = if from.state == to.state { "still " } else { "" };
            return match to.state {
                State::NoMajority => format!(
                    "{still}no majority of the {} sources left agrees: none is followed and the \
                     clock runs free",
                    to.compared
                ),
                State::TooFew { survivors, wanted } => format!(
                    "{still}fewer sources survive than are asked for ({survivors} of {wanted}): \
                     none is followed and the clock runs free"
                ),
                State::NoneRequired => format!(
                    "{still}no source that is required can be selected: none is followed and the \
                     clock runs free"
                ),
                _ => format!("{still}no source is left: the clock runs free"),
            };
        };
        let name = self.name(peer);
        let last = if to.state == State::LastResort { ", as the last resort" } else { "" };
        if from.system_peer == Some(peer) {
            format!("{name} stays the system peer{last}")
        } else {
            format!("{name} becomes the system peer{last}")
        }
    }

    fn doubt(&self, Differs { follows, reckoned }: Differs) -> String {
        let whom = |peer: Option<AssocId>| peer.map_or_else(|| "none".into(), |id| self.name(id));
        format!(
            "the daemon follows {} where by what it tells it would follow {}: it has settings that \
             it does not tell, such as prefer or tos, so this is a guess",
            whom(follows),
            whom(reckoned)
        )
    }

    fn list(&self, ids: &[AssocId]) -> String {
        let names: Vec<String> = ids.iter().map(|id| self.name(*id)).collect();
        match names.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        }
    }

    fn name(&self, id: AssocId) -> String {
        let name = self.names.iter().find(|(known, _)| *known == id).map(|(_, name)| &**name);
        name.map_or_else(|| format!("association {id}"), str::to_owned)
    }
}

/// What can be said of a source of which nothing is measured.
fn begins(host: &str, role: Role) -> String {
    if role.noselect {
        return format!("{host} is measured and never selected (noselect)");
    }
    let role = if role.prefer {
        "; if it survives it becomes the system peer, for it is preferred"
    } else if role.trust {
        "; it counts as right whatever the others say"
    } else {
        ""
    };
    format!("what {host} will tell is not known before it is measured{role}")
}
