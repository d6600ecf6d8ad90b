//! What the words of a command may become.

use crate::line::{Candidate, Completion, Language};
use crate::ntpdc::command::{self, COMMANDS, Found, Verb};
use crate::ntpq::command::Verb as Shared;
use crate::ntpq::completion::{alternatives, gives_secret, key_types, matching};

/// The language of ntpdc.
#[derive(Clone, Copy, Debug, Default)]
pub struct Commands;

impl Language for Commands {
    fn complete(&self, before: &str) -> Completion {
        let start = before.rfind([' ', '\t']).map_or(0, |blank| blank + 1);
        let (earlier, word) = before.split_at(start);
        let found = |candidates| Completion { start, candidates, wants_associations: false };
        let mut words = earlier.split_whitespace();
        let Some(name) = words.next() else { return found(commands(word)) };
        let Found::One(command) = command::find(name) else { return Completion::default() };
        let place = words.count();
        match command.verb {
            Verb::Help if place == 0 => return found(commands(word)),
            Verb::KeyType if place == 0 => return found(key_types(word)),
            _ => {}
        }
        // An argument called so is like the one before it.
        let own = command.parameters.get(..=place).unwrap_or_default();
        let usage = own.iter().rev().map(|parameter| parameter.name).find(|name| *name != "...");
        let usage = usage.filter(|usage| usage.contains('|'));
        found(usage.map_or_else(Vec::new, |usage| alternatives(usage, word)))
    }

    fn is_secret(&self, line: &str) -> bool {
        gives_secret(line, |name| match command::find(name) {
            Found::One(command) => Some(command.verb == Verb::Shared(Shared::Password)),
            Found::None | Found::Several => None,
        })
    }
}

/// Commands that begin with `word`.
fn commands(word: &str) -> Vec<Candidate> {
    let all = COMMANDS.iter().map(|command| Candidate::new(command.name, command.help));
    let mut candidates = matching(all, word);
    candidates.sort_by(|one, other| one.text.cmp(&other.text));
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(before: &str) -> Vec<String> {
        Commands.complete(before).candidates.into_iter().map(|found| found.text).collect()
    }

    #[test]
    fn commands_and_their_words_are_completed() {
        assert_eq!(texts("loop"), ["loopinfo"]);
        assert_eq!(texts("loopinfo o"), ["oneline"]);
        assert_eq!(texts("help dm"), ["dmpeers"]);
        assert_eq!(texts("keytype m"), ["MD5"]);
        assert_eq!(texts("enable auth m"), ["monitor"]);
        assert_eq!(texts("reset io sys me"), ["mem"]);
        assert_eq!((texts("sysinfo x"), texts("monlist "), texts("s x")), (vec![], vec![], vec![]));
        assert!(Commands.is_secret("passwd x") && !Commands.is_secret("passwd"));
    }
}
