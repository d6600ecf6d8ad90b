//! What somebody may go on to write who wants a daemon changed.

use std::collections::BTreeSet;

use crate::config::change::{Completes, VERBS, find};
use crate::config::ntp_conf::clock::ClockAddress;
use crate::control::chrony::change::completion as chronyd;
use crate::model::vars::peer;
use crate::model::{Daemon, Dialect};

/// What the word that begins with `begun` may be, behind `so_far`, the verb and the arguments before
/// it: verbs, or words that make sense for `daemon`, as it is known.
pub fn completions(so_far: &[&str], begun: &str, daemon: &Daemon) -> Vec<String> {
    let dialect = daemon.identity.as_ref().and_then(|identity| identity.dialect);
    let all = match dialect {
        Some(Dialect::Chronyd) => chronyd::words(so_far, &called(daemon)),
        _ => words(so_far, daemon),
    };
    let begins = |word: &String| {
        word.get(..begun.len()).is_some_and(|start| start.eq_ignore_ascii_case(begun))
    };
    all.into_iter().filter(|word| begins(word) && !so_far.contains(&word.as_str())).collect()
}

/// What the next word may be for a daemon that follows lines of ntp.conf.
fn words(so_far: &[&str], daemon: &Daemon) -> Vec<String> {
    match so_far.split_first() {
        None => VERBS.iter().map(|verb| verb.name.to_owned()).collect(),
        Some((verb, arguments)) => match find(verb).map(|verb| verb.completes) {
            Some(Completes::Associations) if arguments.is_empty() => associations(daemon),
            Some(Completes::Clocks(_)) if arguments.is_empty() => clocks(daemon),
            Some(Completes::Clocks(words) | Completes::Words(words)) => owned(words),
            Some(Completes::Options(keywords, _)) if arguments.is_empty() => {
                owned(keywords).into_iter().chain(associations(daemon)).collect()
            }
            Some(Completes::Options(_, options)) => owned(options),
            _ => Vec::new(),
        },
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The names of all associations, their addresses, then their numbers.
fn associations(daemon: &Daemon) -> Vec<String> {
    let mut all = called(daemon);
    all.extend(daemon.peers.iter().map(|peer| peer.id.to_string()));
    all
}

/// The names of all associations, then their addresses.
fn called(daemon: &Daemon) -> Vec<String> {
    let rows = || daemon.peers.iter().filter_map(|peer| peer.row.latest());
    let is_name = |name: &&str| !name.is_empty() && !name.contains('(');
    let names = rows().filter_map(|row| row.text(&peer::SOURCE_HOST)).filter(is_name);
    let addresses = rows().filter_map(|row| row.address(&peer::SOURCE));
    let addresses = addresses.filter(|address| !address.is_unspecified());
    let mut all: Vec<String> = names.map(str::to_owned).collect();
    all.extend(addresses.map(|address| address.to_string()));
    let mut seen = BTreeSet::new();
    all.retain(|word| seen.insert(word.clone()));
    all
}

fn clocks(daemon: &Daemon) -> Vec<String> {
    let rows = daemon.peers.iter().filter_map(|peer| peer.row.latest());
    let addresses = rows.filter_map(|row| row.address(&peer::SOURCE));
    addresses.filter_map(ClockAddress::of).map(|clock| clock.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completion_knows_verbs_words_and_the_daemon() {
        let daemon = Daemon::default();
        assert_eq!(completions(&[], "re", &daemon), ["remove", "restrict", "reset"]);
        assert_eq!(completions(&["tos"], "max", &daemon), ["maxclock", "maxdist"]);
        assert_eq!(completions(&["add", "a"], "min", &daemon), ["minpoll"]);
        assert_eq!(completions(&["reset", "sys"], "s", &daemon), [""; 0]);
        assert_eq!(completions(&["nosuch"], "", &daemon), [""; 0]);
    }
}
