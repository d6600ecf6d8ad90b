//! What somebody may go on to write who wants a chronyd changed: from the tables that its lines are
//! read by.

use super::line::{COMMANDS, Takes, kinds, options, takes_value};
use super::{OWN_VERBS, OwnVerb, Says, own_verb};
use crate::wire::cmdmon::report::SelectOptions;

/// What the next word may be behind `so_far`, the verb and the arguments before it, of a daemon whose
/// `sources` are called so.
pub fn words(so_far: &[&str], sources: &[String]) -> Vec<String> {
    let Some((verb, arguments)) = so_far.split_first() else {
        let own = OWN_VERBS.iter().map(|verb| verb.name);
        let others = COMMANDS.iter().map(|command| command.name);
        return own
            .chain(others.filter(|name| own_verb(name).is_none()))
            .map(str::to_owned)
            .collect();
    };
    let takes = match own_verb(&verb.to_ascii_lowercase()) {
        Some(OwnVerb { says: Says::Added, .. }) => Takes::NewSource,
        Some(OwnVerb { says: Says::Command(command), .. }) => takes_of(command),
        Some(OwnVerb { says: Says::Option, .. }) => Takes::Source,
        Some(OwnVerb { says: Says::Line, .. }) => {
            return match arguments.split_first() {
                None => COMMANDS.iter().map(|command| command.name.to_owned()).collect(),
                Some((command, arguments)) => behind(takes_of(command), arguments, sources),
            };
        }
        None => takes_of(verb),
    };
    behind(takes, arguments, sources)
}

fn takes_of(command: &str) -> Takes {
    let known = COMMANDS.iter().find(|known| known.name.eq_ignore_ascii_case(command));
    known.map_or(Takes::Nothing, |known| known.takes)
}

/// What the word behind these arguments may be.
fn behind(takes: Takes, arguments: &[&str], sources: &[String]) -> Vec<String> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let is_first = arguments.is_empty();
    match takes {
        Takes::NewSource => new_source(arguments, sources),
        Takes::Source | Takes::SelectOptions if is_first => sources.to_vec(),
        Takes::SelectOptions => {
            let all = SelectOptions::from_bits(u16::MAX);
            all.words().flat_map(|word| [format!("+{word}"), format!("-{word}")]).collect()
        }
        Takes::Word(words) if is_first => owned(words),
        Takes::Words(words, valued) => match arguments.last() {
            Some(last) if valued.contains(last) => Vec::new(),
            _ => owned(words),
        },
        Takes::Nothing | Takes::Source | Takes::Word(_) => Vec::new(),
    }
}

/// The same of a new source: its kind, which may be left out, its name, its options.
fn new_source(arguments: &[&str], sources: &[String]) -> Vec<String> {
    let has_kind = arguments.first().is_some_and(|first| kinds().any(|kind| kind == *first));
    let named = arguments.get(usize::from(has_kind)..).unwrap_or_default();
    match named.split_last() {
        // One that is there is made again.
        None if has_kind => sources.to_vec(),
        None => kinds().map(str::to_owned).chain(sources.iter().cloned()).collect(),
        Some((last, before)) if !before.is_empty() && takes_value(last) => Vec::new(),
        Some(_) => options().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::chrony::change::of_verb;

    fn offered(so_far: &[&str]) -> Vec<String> {
        words(so_far, &["a.b".to_owned(), "192.0.2.1".to_owned()])
    }

    #[test]
    fn every_verb_that_is_offered_is_one_that_can_be_read() {
        let verbs = offered(&[]);
        assert!(
            verbs.iter().any(|verb| verb == "cmdallow")
                && verbs.iter().any(|verb| verb == "remove")
        );
        for verb in &verbs {
            assert_eq!(verbs.iter().filter(|other| *other == verb).count(), 1, "{verb}");
            let arguments = match verb.as_str() {
                "add" => "server a.b",
                "config" => "refresh",
                "reset" | "reload" => "sources",
                "selectopts" => "a.b +prefer",
                "allow" | "deny" | "cmdallow" | "cmddeny" => "all",
                "local" | "offline" | "online" | "reselect" | "refresh" | "rekey" => "",
                "maxupdateskew" | "reselectdist" => "1",
                "delete" | "remove" | "prefer" | "noselect" | "trust" | "require" => "a.b",
                _ => "a.b 7",
            };
            let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
            assert!(of_verb(verb, &arguments).is_ok(), "{verb} {arguments:?}");
        }
        // What it cannot do is not offered.
        for verb in ["restrict", "unrestrict", "fudge", "tos", "tinker", "enable", "leapfile"] {
            assert!(!verbs.iter().any(|offered| offered == verb), "{verb}");
        }
    }

    #[test]
    fn what_is_offered_behind_a_verb_can_be_read_there() {
        assert_eq!(offered(&["remove"]), ["a.b", "192.0.2.1"]);
        assert_eq!(offered(&["remove", "a.b"]), [""; 0]);
        assert_eq!(offered(&["add"]), ["server", "peer", "pool", "a.b", "192.0.2.1"]);
        assert_eq!(offered(&["add", "pool", "a.b", "maxpoll"]), [""; 0]);
        assert_eq!(offered(&["reset"]), ["sources"]);
        assert_eq!(offered(&["local", "stratum"]), [""; 0]);
        assert_eq!(offered(&["config", "minpoll"]), ["a.b", "192.0.2.1"]);
        assert_eq!(offered(&["nosuch"]), [""; 0]);
        for option in offered(&["add", "a.b"]) {
            let value = if option == "extfield" { "F323" } else { "7" };
            let value = takes_value(&option).then_some(value);
            // Each of its numbers takes a seven, but for two.
            let value = if option == "version" || option == "certset" { Some("4") } else { value };
            let words = ["a.b", &option].into_iter().chain(value).map(str::to_owned);
            let read = of_verb("add", &words.collect::<Vec<_>>());
            assert!(read.is_ok() || option == "asymmetry", "{option}: {read:?}");
        }
        for option in offered(&["selectopts", "a.b"]) {
            assert!(of_verb("selectopts", &["a.b".to_owned(), option]).is_ok());
        }
    }
}
