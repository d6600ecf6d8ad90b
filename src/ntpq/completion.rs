//! What the words of a command may become: commands, associations, variables and other words.

use crate::line::completion::matching;
use crate::line::{Candidate, Completion, Language};
use crate::model::identity::Dialect;
use crate::model::vars::{self, Scope, Served};
use crate::ntpq::command::{Verb, vocabulary};
use crate::ntpq::keys;
use crate::ntpq::mrulist;
use crate::ntpq::style::Style;
use crate::ntpq::vocabulary::{Command, Kind};
use crate::units::AssocId;

/// What is known of the daemon that commands are typed for.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Whose commands are typed.
    pub style: Style,
    /// Its associations in the order of its list, each with what it is called; `None` when they were
    /// not listed.
    pub associations: Option<Vec<(AssocId, String)>>,
    /// Which dialect it speaks, where that is known.
    pub dialect: Option<Dialect>,
    /// The variables on the session's own list.
    pub listed: Vec<String>,
}

impl Language for Known {
    fn complete(&self, before: &str) -> Completion {
        let start = before.rfind(BLANKS).map_or(0, |blank| blank + 1);
        let (earlier, word) = before.split_at(start);
        let mut words = earlier.split_whitespace();
        let Some(name) = words.next() else {
            return Completion {
                start,
                candidates: vocabulary(self.style).candidates(word),
                ..Completion::default()
            };
        };
        let Ok(command) = vocabulary(self.style).find(name) else {
            return Completion::default();
        };
        let arguments: Vec<&str> = words.collect();
        // Behind a `>` stands a file, and behind `:config` a language of its own.
        if word.starts_with('>') || arguments.iter().any(|word| word.starts_with('>')) {
            return Completion::default();
        }
        self.argument(command, &arguments, word, start)
    }

    fn is_secret(&self, line: &str) -> bool {
        vocabulary(self.style).gives_secret(line, &Verb::Password)
    }
}

impl Known {
    /// What the argument `word` of `command` may become, which begins at `start`.
    fn argument(
        &self,
        command: &Command<Verb>,
        arguments: &[&str],
        word: &str,
        start: usize,
    ) -> Completion {
        let place = arguments.len();
        let plain = |candidates| Completion { start, candidates, wants_associations: false };
        if command.verb == Verb::Mru {
            return plain(mru_options(word));
        }
        let Some(parameter) = command.parameters.get(place) else { return Completion::default() };
        match command.verb {
            Verb::Help => plain(vocabulary(self.style).candidates(word)),
            Verb::KeyType => plain(key_types(word)),
            _ if parameter.kind == Kind::Unsigned && parameter.name.starts_with(ASSOCIATION) => {
                self.associations(word, start)
            }
            _ if parameter.name.contains('|') => plain(alternatives(parameter.name, word)),
            verb => match self.names(verb, arguments) {
                Some(names) => listed(&names, word, start),
                None => Completion::default(),
            },
        }
    }

    /// Associations whose id, place or name begins with `word`.
    fn associations(&self, word: &str, start: usize) -> Completion {
        let Some(known) = &self.associations else {
            return Completion { start, wants_associations: true, ..Completion::default() };
        };
        let candidate = |(place, (id, name)): (usize, &(AssocId, String))| {
            if word.starts_with('&') {
                let text = format!("&{}", place + 1);
                return text
                    .starts_with(word)
                    .then(|| Candidate::new(text, format!("{id}  {name}")));
            }
            let text = id.to_string();
            let is_meant = text.starts_with(word) || name.starts_with(word);
            is_meant.then(|| Candidate::new(text, name.clone()))
        };
        let mut candidates: Vec<_> = known.iter().enumerate().filter_map(candidate).collect();
        if word.is_empty() {
            candidates.insert(0, Candidate::new("0", "the daemon itself"));
        }
        Completion { start, candidates, wants_associations: false }
    }

    /// The names that an argument of `verb` may have behind `arguments`; `None` where it has none.
    fn names(&self, verb: Verb, arguments: &[&str]) -> Option<Vec<Candidate>> {
        let of = |scope| self.variables(scope).collect();
        Some(match verb {
            Verb::RemoveVariables => {
                self.listed.iter().map(|name| Candidate::new(name, "")).collect()
            }
            Verb::ReadVariables | Verb::WriteVariables if arguments.first() == Some(&"0") => {
                of(Scope::System)
            }
            Verb::ReadVariables | Verb::WriteVariables | Verb::SeveralVariables => of(Scope::Peer),
            Verb::ClockVariables => of(Scope::Clock),
            Verb::AddVariables => {
                let mut names: Vec<Candidate> = Vec::new();
                let scopes = [Scope::System, Scope::Peer, Scope::Clock];
                for candidate in scopes.into_iter().flat_map(|scope| self.variables(scope)) {
                    if names.iter().all(|known| known.text != candidate.text) {
                        names.push(candidate);
                    }
                }
                names
            }
            _ => return None,
        })
    }

    /// The variables of a scope that the daemon may know.
    fn variables(&self, scope: Scope) -> impl Iterator<Item = Candidate> {
        let dialect = self.dialect;
        let is_known = move |variable: &&&vars::Variable| {
            dialect.is_none_or(|dialect| variable.served_by(dialect) != Served::Never)
        };
        let table = vars::table(scope).iter().filter(is_known);
        table.map(|variable| Candidate::new(variable.name, variable.meaning))
    }
}

/// Algorithms that begin with `word`.
pub fn key_types(word: &str) -> Vec<Candidate> {
    let words = keys::USABLE.iter().map(|usable| Candidate::new(usable.word(), ""));
    matching(words, &word.to_ascii_uppercase())
}

/// What `mrulist` takes, as far as it begins with `word`.
fn mru_options(word: &str) -> Vec<Candidate> {
    if word.starts_with(mrulist::SORT) {
        let orders = mrulist::orders();
        let orders =
            orders.map(|(order, about)| Candidate::new(format!("{}{order}", mrulist::SORT), about));
        return matching(orders, word);
    }
    let options = mrulist::OPTIONS.iter().map(|(option, about)| {
        if option.ends_with('=') {
            Candidate::beginning(*option, *about)
        } else {
            Candidate::new(*option, *about)
        }
    });
    matching(options, word)
}

/// Of a list with commas between, the last item: those of `names` that it may become. Behind a `=`
/// stands a value.
fn listed(names: &[Candidate], word: &str, start: usize) -> Completion {
    let item = word.rfind(',').map_or(0, |comma| comma + 1);
    let begun = word.get(item..).unwrap_or_default();
    if begun.contains('=') {
        return Completion::default();
    }
    let candidates = matching(names.iter().cloned(), begun);
    // More may follow behind a comma.
    let candidates =
        candidates.into_iter().map(|candidate| Candidate { goes_on: true, ..candidate });
    Completion { start: start + item, candidates: candidates.collect(), wants_associations: false }
}

/// Those of the words in `usage`, with bars between, that begin with `word`.
pub fn alternatives(usage: &str, word: &str) -> Vec<Candidate> {
    let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let words = usage.split('|').filter(is_word).map(|word| Candidate::new(word, ""));
    matching(words, word)
}

/// What separates words.
const BLANKS: [char; 2] = [' ', '\t'];

/// How the names of those parameters begin that are associations.
const ASSOCIATION: &str = "assocID";

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let named = |id, name: &str| (AssocId::new(id), name.to_owned());
        Known {
            style: Style::Classic,
            associations: Some(vec![named(29383, "ntp1.example"), named(29384, "192.0.2.7")]),
            listed: vec!["offset".into()],
            dialect: None,
        }
    }

    fn texts(before: &str) -> Vec<String> {
        known().complete(before).candidates.into_iter().map(|found| found.text).collect()
    }

    #[test]
    fn commands_are_completed_and_explained() {
        assert_eq!(texts("mr"), ["mreadlist", "mreadvar", "mrl", "mrulist", "mrv"]);
        assert_eq!(texts("host"), ["host", "hostnames"]);
        assert_eq!(texts("help hos"), ["host", "hostnames"]);
        assert_eq!(texts("  sysi"), ["sysinfo"]);
        let found = known().complete("readl");
        assert_eq!(found.candidates[0].about, "read the variables on the list");
        assert_eq!((texts("foo x"), texts("p x")), (vec![], vec![]));
    }

    #[test]
    fn associations_are_found_by_id_place_and_name() {
        assert_eq!(texts("rv "), ["0", "29383", "29384"]);
        assert_eq!(texts("pstats 29384"), ["29384"]);
        assert_eq!(texts("readv ntp1"), ["29383"]);
        assert_eq!(texts("rv &"), ["&1", "&2"]);
        let found = known().complete("rv &2");
        assert_eq!(found.candidates, [Candidate::new("&2", "29384  192.0.2.7")]);
        assert_eq!(texts("mrv 29383 2"), ["29383", "29384"]);
        assert!(Known::default().complete("rv ").wants_associations);
        assert!(!Known::default().complete("rv 0 o").wants_associations);
    }

    #[test]
    fn variables_are_those_of_what_is_read() {
        assert_eq!(texts("rv 0 stra"), ["stratum"]);
        assert!(
            texts("rv 0 ").contains(&"leap".into()) && !texts("rv 0 ").contains(&"reach".into())
        );
        assert_eq!(texts("rv &1 offset,rea"), ["reach"]);
        assert_eq!(known().complete("rv &1 offset,rea").start, "rv &1 offset,".len());
        assert_eq!(texts("addvars offset=1"), [""; 0]);
        assert_eq!(texts("rmvars o"), ["offset"]);
        assert!(texts("cv 0 ").contains(&"timecode".into()));
        let names = texts("addvars ");
        let twice = names.iter().filter(|name| *name == "offset").count();
        assert_eq!(twice, 1, "each name once");
    }

    #[test]
    fn a_daemon_is_not_offered_what_it_does_not_know() {
        let old = Known { dialect: Some(Dialect::Xntpd), ..known() };
        let before = "rv &1 srch";
        assert_eq!((old.complete(before).candidates.len(), texts(before).len()), (0, 1));
    }

    #[test]
    fn words_of_arguments_are_completed() {
        assert_eq!(texts("hostnames "), ["yes", "no"]);
        assert_eq!(texts("drefid h"), ["hash"]);
        assert_eq!(texts("keytype s"), ["SHA1"]);
        assert_eq!(texts("peers -"), ["-4", "-6"]);
        assert_eq!(texts("mrulist limited sort=-a"), ["sort=-avgint", "sort=-addr"]);
        assert_eq!(texts("mrulist mi"), ["mincount="]);
        assert_eq!(
            (texts("rv >"), texts("rv > fi"), texts(":config se")),
            (vec![], vec![], vec![])
        );
    }

    #[test]
    fn a_line_with_a_secret_is_known() {
        for line in ["passwd x", "passw x", " passwd  x y", "password x", "pas x"] {
            assert!(known().is_secret(line), "{line}");
        }
        for line in ["passwd", "passociations >x", "rv 1", "", "peers -4", ":config x"] {
            assert!(!known().is_secret(line), "{line}");
        }
    }
}
