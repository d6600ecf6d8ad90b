//! A change of a running chronyd thought through, before anything is sent: the lines that make it,
//! the lines that take it back or why there are none, and what it touches.
//!
//! chronyd takes changes over its Unix socket only. It tells the addresses, names, keys and selection
//! options of its sources, and who may ask; it does not tell poll limits, corrections and the like,
//! so a source that was given up comes back only by the line of a configuration that the user names.
//! Selection options can be set while a source goes on from 4.4; before, it is given up and added
//! again.

pub mod completion;
mod line;
mod plan;

use std::fmt;

pub use line::{Host, Line, Request};
pub(super) use plan::called;
pub use plan::{Known, NoInverse, Plan, plan};

use crate::model::Value;
use crate::model::daemon::Peer;
use crate::model::vars::peer;

/// Why a change makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Senseless {
    /// It cannot be read: what is wrong.
    Syntax(String),
    /// There is no such command among those that change this daemon.
    NoCommand {
        /// Its name, safe to show.
        name: String,
        /// What does the same here, if anything.
        instead: &'static str,
    },
    /// It has this command, which is not for here.
    NotHere {
        /// Its name, safe to show.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// The daemon has no such source.
    NoSource(String),
    /// It has no way to do that to a source that it has, and what the source's other options are is
    /// not told: it cannot be added again as it was.
    Options(String),
}

impl Senseless {
    /// There is no such command: what does the same, by name.
    fn no_command(name: &str) -> Self {
        let of = |table: &[(&[&str], &'static str)]| {
            table.iter().find(|(names, _)| names.contains(&name)).map(|(_, why)| *why)
        };
        let said = name.escape_debug().to_string();
        match of(NOT_HERE) {
            Some(why) => Self::NotHere { name: said, why },
            None => Self::NoCommand { name: said, instead: of(ELSEWHERE).unwrap_or_default() },
        }
    }
}

impl fmt::Display for Senseless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(why) => f.write_str(why),
            Self::NoCommand { name, instead: "" } => write!(f, "chronyd has no `{name}`"),
            Self::NoCommand { name, instead } => write!(f, "chronyd has no `{name}`: {instead}"),
            Self::NotHere { name, why } => {
                write!(f, "`{name}` is not done from here, for it {why}: chronyc does it")
            }
            Self::NoSource(name) => write!(f, "there is no source {}", name.escape_debug()),
            Self::Options(name) => write!(
                f,
                "this chronyd (before 4.4) cannot change options of a source that it has: {name} \
                 would be given up and added again, and its other options are not told. Name a \
                 chrony.conf that has its line (--config-of FILE), or say `add server {name}` with \
                 all its options"
            ),
        }
    }
}

impl std::error::Error for Senseless {}

/// Commands that others have, or that are not for us, each with what does the same.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &["restrict"],
        "`deny SUBNET` decides who is served, and `cmddeny SUBNET` who may ask over UDP; there are \
         no flags",
    ),
    (
        &["unrestrict", "delrestrict"],
        "`allow SUBNET` decides who is served, and `cmdallow SUBNET` who may ask over UDP",
    ),
    (&["fudge"], "a reference clock is corrected by `offset` in its line of chrony.conf"),
    (
        &["tos"],
        "minsources, maxdistance, maxjitter and combinelimit are lines of chrony.conf; of a running \
         daemon only `reselectdist SECONDS` can be set",
    ),
    (
        &["tinker"],
        "maxchange, maxslewrate and makestep are lines of chrony.conf; of a running daemon only \
         `maxupdateskew PPM` can be set",
    ),
    (
        &["enable", "disable"],
        "sources are turned on and off by `online` and `offline`, serving by `allow` and `deny`",
    ),
    (
        &["leapfile"],
        "it takes leap seconds from `leapsectz` or `leapseclist` of chrony.conf, when it starts",
    ),
    (&["unconfig", "unpeer", "remove"], "`delete HOST` gives a source up"),
];

/// Commands of chronyc's that this program leaves to it, and why.
const NOT_HERE: &[(&[&str], &str)] = &[
    (
        &["makestep", "settime", "manual", "doffset", "dfreq", "trimrtc", "writertc", "smoothtime"],
        "sets a clock",
    ),
    (&["shutdown", "cyclelogs", "dump"], "is the host's affair"),
];

/// The line that a verb of ours says, or a command of chronyc's as it is.
///
/// # Errors
/// What is wrong with it, or what does the same here.
pub fn of_verb(verb: &str, arguments: &[String]) -> Result<Line, Senseless> {
    let verb = verb.to_ascii_lowercase();
    let rest = arguments.join(" ");
    Line::read(&match own_verb(&verb) {
        Some(OwnVerb { says: Says::Added, .. }) => {
            let has_kind =
                |word: &String| line::kinds().any(|kind| kind.eq_ignore_ascii_case(word));
            let kind = if arguments.first().is_some_and(has_kind) { "" } else { "server " };
            format!("add {kind}{rest}")
        }
        Some(OwnVerb { says: Says::Command(command), .. }) => format!("{command} {rest}"),
        Some(OwnVerb { says: Says::Option, name }) => format!("selectopts {rest} +{name}"),
        Some(OwnVerb { says: Says::Line, .. }) => rest,
        None => format!("{verb} {rest}"),
    })
}

/// A verb of ours that is not a command of chronyc's of the same meaning.
struct OwnVerb {
    name: &'static str,
    says: Says,
}

/// What a verb of ours says in the language of chronyc.
#[derive(Clone, Copy)]
enum Says {
    /// A source more: a server unless another kind is said.
    Added,
    /// This command.
    Command(&'static str),
    /// The selection option of its name.
    Option,
    /// The arguments are a line of their own.
    Line,
}

/// The verbs of ours; all other words are commands of chronyc's.
const OWN_VERBS: &[OwnVerb] = &[
    OwnVerb { name: "add", says: Says::Added },
    OwnVerb { name: "remove", says: Says::Command("delete") },
    OwnVerb { name: "prefer", says: Says::Option },
    OwnVerb { name: "noselect", says: Says::Option },
    OwnVerb { name: "trust", says: Says::Option },
    OwnVerb { name: "require", says: Says::Option },
    OwnVerb { name: "config", says: Says::Line },
];

fn own_verb(name: &str) -> Option<&'static OwnVerb> {
    OWN_VERBS.iter().find(|verb| verb.name == name)
}

/// The lines of a chrony.conf that a running daemon can be told, too; the others say nothing here.
pub fn configured(text: &str) -> Vec<Line> {
    let lines = text.lines().map(str::trim);
    // As chronyd has it: a comment has its sign at the beginning.
    let lines = lines.filter(|line| !line.starts_with(['#', '%', '!', ';']));
    lines.filter_map(|line| Line::read(line).ok()).collect()
}

/// Whether a source is a reference clock.
fn is_reference_clock(source: &Peer) -> bool {
    let row = source.row.latest();
    row.is_some_and(|row| row.get(&peer::IS_REFERENCE_CLOCK) == Ok(&Value::Flag(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str]) -> String {
        let arguments: Vec<String> = words[1..].iter().map(|word| (*word).to_owned()).collect();
        of_verb(words[0], &arguments).map_or_else(|why| why.to_string(), |line| line.to_string())
    }

    #[test]
    fn verbs_say_lines_of_chronyc() {
        assert_eq!(said(&["add", "a.b", "iburst"]), "add server a.b iburst");
        assert_eq!(said(&["add", "pool", "a.b"]), "add pool a.b");
        assert_eq!(said(&["remove", "a.b"]), "delete a.b");
        assert_eq!(said(&["noselect", "a.b"]), "selectopts a.b +noselect");
        assert_eq!(said(&["reset", "sources"]), "reset sources");
        assert_eq!(said(&["config", "minpoll a.b 4"]), "minpoll a.b 4");
        assert_eq!(said(&["minpoll", "a.b", "4"]), "minpoll a.b 4");
    }

    #[test]
    fn what_has_no_verb_is_said_by_name_with_what_does_the_same() {
        for (verb, word) in [
            ("restrict", "cmddeny"),
            ("unrestrict", "cmdallow"),
            ("fudge", "offset"),
            ("tos", "minsources"),
            ("tinker", "maxslewrate"),
            ("enable", "online"),
            ("leapfile", "leapsectz"),
        ] {
            let said = said(&[verb, "x"]);
            assert!(said.starts_with(&format!("chronyd has no `{verb}`: ")), "{said}");
            assert!(said.contains(word), "{said}");
        }
        assert_eq!(said(&["bake", "x"]), "chronyd has no `bake`");
        let clock = "`makestep` is not done from here, for it sets a clock: chronyc does it";
        assert_eq!(said(&["makestep"]), clock);
    }

    #[test]
    fn a_configuration_is_read_as_far_as_it_can_be_told() {
        let text = "# pool x\n! server y\npool a.b maxsources 2\ndriftfile /d\n  local stratum 8\n";
        let lines: Vec<String> = configured(text).iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["add pool a.b maxsources 2", "local stratum 8 distance 1"]);
    }
}
