//! What has to be done when a configuration is read anew: the difference between two of them.

use crate::config::ntp_conf::{Association, Directive, Placed};

/// What two configurations differ in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Sources that are in both, as they were.
    pub stay: Vec<Association>,
    /// Sources that are in both, with options that changed: as they are now.
    pub changed: Vec<Association>,
    /// Sources that are only in the old one.
    pub gone: Vec<Association>,
    /// Sources that are only in the new one, with their places in it.
    pub new: Vec<Placed>,
    /// All else that the new one says, in the order in which it is followed.
    pub settings: Vec<Placed>,
    /// Whether that is something else than before.
    pub has_other_settings: bool,
    /// What changed and is only heeded when the program starts.
    pub at_start: Vec<&'static str>,
}

/// What `new` has otherwise than `old`. Both are in the order in which they are followed.
///
/// A source is known by its keyword, its host and its family. One that is there several times, as
/// a name for many servers may be, is as often the same as it is in both.
pub fn difference(old: &[Placed], new: &[Placed]) -> Difference {
    let mut difference = Difference::default();
    let mut left: Vec<&Association> = old.iter().filter_map(source).collect();
    let mut unmatched: Vec<(&Placed, &Association)> = Vec::new();
    // Those that are the same to the last option find each other first.
    for placed in new {
        let Some(wanted) = source(placed) else { continue };
        match left.iter().position(|known| *known == wanted) {
            Some(place) => {
                left.remove(place);
                difference.stay.push(wanted.clone());
            }
            None => unmatched.push((placed, wanted)),
        }
    }
    for (placed, wanted) in unmatched {
        match left.iter().position(|known| is_same(known, wanted)) {
            Some(place) => {
                left.remove(place);
                difference.changed.push(wanted.clone());
            }
            None => difference.new.push(placed.clone()),
        }
    }
    difference.gone = left.into_iter().cloned().collect();
    let settings = |all: &[Placed]| -> Vec<Directive> {
        all.iter()
            .filter(|placed| source(placed).is_none())
            .map(|placed| placed.directive.clone())
            .collect()
    };
    difference.has_other_settings = settings(old) != settings(new);
    difference.settings = new.iter().filter(|placed| source(placed).is_none()).cloned().collect();
    difference.at_start = at_start(old, new);
    difference
}

/// Whether two lines mean the same source, whatever their options.
pub fn is_same(one: &Association, other: &Association) -> bool {
    one.kind == other.kind && one.host == other.host && one.family == other.family
}

const fn source(placed: &Placed) -> Option<&Association> {
    match &placed.directive {
        Directive::Association(association) => Some(association),
        _ => None,
    }
}

/// What changed of that which is only heeded at the start, by keyword.
fn at_start(old: &[Placed], new: &[Placed]) -> Vec<&'static str> {
    let pid_files = |all: &[Placed]| -> Vec<Directive> {
        let directives = all.iter().map(|placed| &placed.directive);
        directives.filter(|directive| matches!(directive, Directive::PidFile(_))).cloned().collect()
    };
    if pid_files(old) == pid_files(new) { Vec::new() } else { vec!["pidfile"] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ntp_conf::{in_order, read};

    fn conf(text: &str) -> Vec<Placed> {
        in_order(read("ntp.conf", text).unwrap())
    }

    /// The hosts that stay, that changed, that are gone and that are new.
    fn hosts(old: &str, new: &str) -> [Vec<String>; 4] {
        let difference = difference(&conf(old), &conf(new));
        let named = |all: &[Association]| all.iter().map(|each| each.host.to_string()).collect();
        let new: Vec<Association> = difference.new.iter().filter_map(source).cloned().collect();
        [named(&difference.stay), named(&difference.changed), named(&difference.gone), named(&new)]
    }

    fn expect(old: &str, new: &str, expected: [&[&str]; 4]) {
        assert_eq!(hosts(old, new), expected.map(<[&str]>::to_vec), "{old:?} to {new:?}");
    }

    #[test]
    fn sources_stay_go_and_come_wherever_they_stand() {
        expect("server a\nserver b", "server a\nserver b", [&["a", "b"], &[], &[], &[]]);
        expect(
            "server a iburst\nserver b\n",
            "# a comment\nserver c\ntos minsane 2\nserver a iburst",
            [&["a"], &[], &["b"], &["c"]],
        );
        expect("", "server a", [&[], &[], &[], &["a"]]);
        expect("server a", "", [&[], &[], &["a"], &[]]);
    }

    #[test]
    fn options_that_change_leave_the_source_what_it_is() {
        expect("server a", "server a prefer minpoll 4", [&[], &["a"], &[], &[]]);
        expect("server a key 1", "server a key 2", [&[], &["a"], &[], &[]]);
        // Another kind, and another family, is another source.
        expect("server a", "peer a", [&[], &[], &["a"], &["a"]]);
        expect("server -4 a", "server -6 a", [&[], &[], &["a"], &["a"]]);
        expect("server a", "server a:1123", [&[], &[], &["a"], &["a:1123"]]);
    }

    #[test]
    fn a_name_that_is_there_twice_is_counted() {
        expect("server a\nserver a", "server a", [&["a"], &[], &["a"], &[]]);
        expect(
            "server a\nserver a",
            "server a prefer\nserver a\nserver a",
            [&["a", "a"], &[], &[], &["a"]],
        );
        expect("server a\nserver a key 1", "server a key 2\nserver a", [&["a"], &["a"], &[], &[]]);
    }

    #[test]
    fn settings_are_those_of_the_new_one_and_are_told_when_they_change() {
        let (old, moved) = (conf("tos minsane 2\nserver a"), conf("\n\ntos minsane 2\nserver a"));
        assert!(!difference(&old, &moved).has_other_settings, "lines moved, and that was all");
        let other = conf("tos minsane 3\ntinker step 1\nserver a");
        let found = difference(&old, &other);
        assert!(found.has_other_settings);
        assert_eq!(found.settings.len(), 2);
        assert!(found.at_start.is_empty());
        let found = difference(&old, &conf("tos minsane 2\nserver a\npidfile /run/x.pid"));
        assert_eq!(found.at_start, ["pidfile"]);
    }
}
