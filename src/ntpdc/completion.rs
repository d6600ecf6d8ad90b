//! What the words of a command may become.

use crate::line::{Completion, Language};
use crate::ntpdc::command::{VOCABULARY, Verb};
use crate::ntpq::command::Verb as Shared;
use crate::ntpq::completion::{alternatives, key_types};

/// The language of ntpdc.
#[derive(Clone, Copy, Debug, Default)]
pub struct Commands;

impl Language for Commands {
    fn complete(&self, before: &str) -> Completion {
        let start = before.rfind([' ', '\t']).map_or(0, |blank| blank + 1);
        let (earlier, word) = before.split_at(start);
        let found = |candidates| Completion { start, candidates, wants_associations: false };
        let mut words = earlier.split_whitespace();
        let Some(name) = words.next() else { return found(VOCABULARY.candidates(word)) };
        let Ok(command) = VOCABULARY.find(name) else { return Completion::default() };
        let place = words.count();
        match command.verb {
            Verb::Help if place == 0 => return found(VOCABULARY.candidates(word)),
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
        VOCABULARY.gives_secret(line, &Verb::Shared(Shared::Password))
    }
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
