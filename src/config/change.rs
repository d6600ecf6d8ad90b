//! What somebody may want changed of a daemon that runs: verbs, and the lines of ntp.conf that they
//! say.
//!
//! One table of verbs, from which help, completion and the wishes come.

use crate::config::Rejected;
use crate::config::ntp_conf::{self, Association, Directive};

/// What is wanted of a daemon.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// A line of configuration, thought through: what has to be told to bring it about, and what
    /// takes it back.
    Line(Line),
    /// An option for an association that is there: it is made again with it and with all that it
    /// has.
    Mark {
        /// Its number, its address or its name.
        whom: String,
        /// The option.
        option: &'static str,
    },
    /// These lines as they are, and no way back: the inverse of an earlier change.
    Exactly(Vec<String>),
}

/// A line of configuration that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    text: String,
    directives: Vec<Directive>,
}

impl Line {
    /// The line that makes this association.
    pub fn of(association: Association) -> Self {
        let directives = vec![Directive::Association(association)];
        Self { text: directives.iter().map(ToString::to_string).collect(), directives }
    }

    /// Reads one line.
    ///
    /// # Errors
    /// What is wrong with it, with the column, counted from 1.
    pub fn read(text: &str) -> Result<Self, Rejected> {
        let rejected = |column, reason: &str| Rejected {
            source: THE_LINE.to_owned(),
            position: Some((1, column)),
            reason: reason.to_owned(),
        };
        let text = text.trim();
        let is_unfit = |c: char| !(c == ' ' || c.is_ascii_graphic());
        if let Some(place) = text.chars().position(is_unfit) {
            let reason = "only printable ASCII is taken in a line, and one line at a time";
            return Err(rejected(place + 1, reason));
        }
        let directives: Vec<_> =
            ntp_conf::read(THE_LINE, text)?.into_iter().map(|placed| placed.directive).collect();
        if directives.is_empty() {
            return Err(rejected(1, "it says nothing"));
        }
        Ok(Self { text: text.to_owned(), directives })
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says, in its order.
    pub fn directives(&self) -> &[Directive] {
        &self.directives
    }
}

/// A verb.
#[derive(Clone, Copy, Debug)]
pub struct Verb {
    /// What it is called.
    pub name: &'static str,
    /// What it takes, as help shows it.
    pub arguments: &'static str,
    /// What it does, in a clause.
    pub help: &'static str,
    /// An example of its arguments.
    pub example: &'static str,
    /// What may stand in the place of its arguments.
    pub completes: Completes,
    says: Says,
}

/// What a verb says in the language of ntp.conf.
#[derive(Clone, Copy, Debug)]
enum Says {
    /// A keyword, with the arguments behind it.
    Keyword(&'static str),
    /// An association: `server`, unless the first argument is another keyword of one.
    Association,
    /// An option for an association that is there.
    Option(&'static str),
    /// The arguments are a line of their own.
    Line,
}

/// What may stand in the place of a verb's arguments.
#[derive(Clone, Copy, Debug)]
pub enum Completes {
    /// Nothing that is known.
    Nothing,
    /// One of the daemon's associations.
    Associations,
    /// One of its clocks, then these words.
    Clocks(&'static [&'static str]),
    /// These words.
    Words(&'static [&'static str]),
    /// The first of these words, or an association; then the second.
    Options(&'static [&'static str], &'static [&'static str]),
}

/// Every verb, in the order in which help lists them.
pub const VERBS: &[Verb] = &[
    Verb {
        name: "add",
        arguments: "[server|pool|peer|broadcast] HOST [OPTION]...",
        help: "a new source; one that is there is made again with these options and no others",
        example: "add 192.0.2.7 iburst minpoll 4",
        says: Says::Association,
        completes: Completes::Options(ASSOCIATIONS, OPTIONS),
    },
    Verb {
        name: "remove",
        arguments: "ASSOCIATION",
        help: "a source less, by its number, address or name",
        example: "remove ntp3.example.net",
        says: Says::Keyword("unconfig"),
        completes: Completes::Associations,
    },
    Verb {
        name: "prefer",
        arguments: "ASSOCIATION",
        help: "the source is followed wherever it can be; it is made again for that",
        example: "prefer 192.0.2.7 --has iburst",
        says: Says::Option("prefer"),
        completes: Completes::Associations,
    },
    Verb {
        name: "noselect",
        arguments: "ASSOCIATION",
        help: "the source is measured and never followed; it is made again for that",
        example: "noselect 192.0.2.7 --config-of ntp.conf",
        says: Says::Option("noselect"),
        completes: Completes::Associations,
    },
    Verb {
        name: "restrict",
        arguments: "ADDRESS [mask MASK] [FLAG]...",
        help: "flags more for whoever has such an address",
        example: "restrict 192.0.2.0 mask 255.255.255.0 noquery",
        says: Says::Keyword("restrict"),
        completes: Completes::Words(FLAGS),
    },
    Verb {
        name: "unrestrict",
        arguments: "ADDRESS [mask MASK] [FLAG]...",
        help: "flags less; without a flag the whole restriction goes",
        example: "unrestrict 192.0.2.0 mask 255.255.255.0 noquery",
        says: Says::Keyword("unrestrict"),
        completes: Completes::Words(FLAGS),
    },
    Verb {
        name: "fudge",
        arguments: "CLOCK SETTING VALUE...",
        help: "settings of a reference clock: time1, time2, stratum, refid, flag1 to flag4",
        example: "fudge 127.127.28.0 time1 0.005",
        says: Says::Keyword("fudge"),
        completes: Completes::Clocks(&[
            "time1",
            "time2",
            "stratum",
            "refid",
            "flag1",
            "flag2",
            "flag3",
            "flag4",
            "minjitter",
        ]),
    },
    Verb {
        name: "tos",
        arguments: "SETTING VALUE...",
        help: "settings of the selection: minsane, minclock, maxclock, mindist, maxdist...",
        example: "tos minsane 2",
        says: Says::Keyword("tos"),
        completes: Completes::Words(&[
            "minsane",
            "minclock",
            "maxclock",
            "mindist",
            "maxdist",
            "floor",
            "ceiling",
            "orphan",
            "orphanwait",
            "cohort",
            "beacon",
        ]),
    },
    Verb {
        name: "tinker",
        arguments: "SETTING VALUE...",
        help: "settings of the loop: step, panic, stepout, allan, dispersion, freq, huffpuff",
        example: "tinker step 0.2",
        says: Says::Keyword("tinker"),
        completes: Completes::Words(&[
            "step",
            "stepfwd",
            "stepback",
            "panic",
            "stepout",
            "allan",
            "dispersion",
            "freq",
            "huffpuff",
        ]),
    },
    Verb {
        name: "enable",
        arguments: "FLAG...",
        help: "flags of the daemon on: auth, bclient, monitor, ntp...",
        example: "enable monitor",
        says: Says::Keyword("enable"),
        completes: Completes::Words(DAEMON_FLAGS),
    },
    Verb {
        name: "disable",
        arguments: "FLAG...",
        help: "the same off",
        example: "disable monitor",
        says: Says::Keyword("disable"),
        completes: Completes::Words(DAEMON_FLAGS),
    },
    Verb {
        name: "reset",
        arguments: "COUNTERS...",
        help: "counters begin anew: allpeers, auth, ctl, io, mem, sys, timer",
        example: "reset sys io",
        says: Says::Keyword("reset"),
        completes: Completes::Words(&["allpeers", "auth", "ctl", "io", "mem", "sys", "timer"]),
    },
    Verb {
        name: "leapfile",
        arguments: "FILE",
        help: "another leap second file, by its path on the daemon's host",
        example: "leapfile /usr/share/zoneinfo/leap-seconds.list",
        says: Says::Keyword("leapfile"),
        completes: Completes::Nothing,
    },
    Verb {
        name: "config",
        arguments: "LINE",
        help: "any other line of ntp.conf",
        example: "config 'setvar site = \"second floor\" default'",
        says: Says::Line,
        completes: Completes::Nothing,
    },
];

/// The verb of this name.
pub fn find(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name.eq_ignore_ascii_case(name))
}

impl Verb {
    /// What is wanted by this verb with these arguments.
    ///
    /// # Errors
    /// What is wrong with the line that it makes, with the column, and that line.
    pub fn wish(&self, arguments: &[String]) -> Result<Wish, (String, Rejected)> {
        let missing = |reason: &str| Rejected {
            source: self.name.to_owned(),
            position: None,
            reason: reason.to_owned(),
        };
        if arguments.is_empty() {
            let what = format!("it takes {}", self.arguments);
            return Err((String::new(), missing(&what)));
        }
        if let Says::Option(option) = self.says {
            let [whom] = arguments else {
                return Err((String::new(), missing("it takes one association and nothing else")));
            };
            return Ok(Wish::Mark { whom: whom.clone(), option });
        }
        let text = self.line(arguments);
        Line::read(&text).map(Wish::Line).map_err(|rejected| (text, rejected))
    }

    /// The line of ntp.conf that it says with these arguments.
    fn line(&self, arguments: &[String]) -> String {
        let words = arguments.iter().map(|word| quoted(word));
        let words: Vec<String> = words.collect();
        match self.says {
            Says::Keyword(keyword) => format!("{keyword} {}", words.join(" ")),
            Says::Association => {
                let is_keyword = arguments.first().is_some_and(|word| {
                    ASSOCIATIONS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
                });
                let keyword = if is_keyword { "" } else { "server " };
                format!("{keyword}{}", words.join(" "))
            }
            Says::Option(_) | Says::Line => arguments.join(" "),
        }
    }
}

/// A word as the grammar takes it: in quotes where there are blanks in it.
fn quoted(word: &str) -> String {
    if word.contains(' ') && !word.contains('"') { format!("\"{word}\"") } else { word.to_owned() }
}

/// The keywords of associations.
const ASSOCIATIONS: &[&str] = &["server", "pool", "peer", "broadcast", "manycastclient"];

/// The options of one.
const OPTIONS: &[&str] = &[
    "iburst", "burst", "prefer", "noselect", "true", "key", "minpoll", "maxpoll", "version",
    "xleave", "preempt", "ttl", "bias",
];

/// The words of `restrict`.
const FLAGS: &[&str] = &[
    "mask",
    "ignore",
    "kod",
    "limited",
    "lowpriotrap",
    "mssntp",
    "noepeer",
    "nomodify",
    "nomrulist",
    "nopeer",
    "noquery",
    "noserve",
    "notrap",
    "notrust",
    "ntpport",
    "version",
];

/// The flags of `enable` and `disable` that are taken from afar.
const DAEMON_FLAGS: &[&str] = &["auth", "bclient", "calibrate", "kernel", "monitor", "ntp"];

/// Where a line is from that somebody wants told.
const THE_LINE: &str = "the line";

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &[&str]) -> Result<String, String> {
        let arguments: Vec<String> = words[1..].iter().map(|word| (*word).to_owned()).collect();
        match find(words[0]).unwrap().wish(&arguments) {
            Ok(Wish::Line(line)) => Ok(line.text().to_owned()),
            Ok(other) => Ok(format!("{other:?}")),
            Err((line, rejected)) => Err(format!("{line}: {rejected}")),
        }
    }

    #[test]
    fn every_verb_says_a_line_by_its_example() {
        for verb in VERBS {
            let example = verb.example.split(" --").next().unwrap();
            let words: Vec<&str> = if verb.name == "config" {
                vec!["config", example.trim_start_matches("config ").trim_matches('\'')]
            } else {
                example.split(' ').collect()
            };
            assert_eq!(words[0], verb.name);
            let said = text(&words);
            assert!(said.is_ok(), "{}: {said:?}", verb.name);
            assert!(!verb.help.is_empty() && !verb.arguments.is_empty());
        }
    }

    #[test]
    fn verbs_become_lines() {
        assert_eq!(text(&["add", "192.0.2.1", "iburst"]).unwrap(), "server 192.0.2.1 iburst");
        assert_eq!(text(&["add", "pool", "a.example"]).unwrap(), "pool a.example");
        assert_eq!(text(&["remove", "4711"]).unwrap(), "unconfig 4711");
        assert_eq!(text(&["leapfile", "/a b"]).unwrap(), "leapfile \"/a b\"");
        assert_eq!(text(&["config", "tos minsane 2"]).unwrap(), "tos minsane 2");
    }

    #[test]
    fn mistakes_have_their_column_before_anything_is_sent() {
        let said = text(&["add", "192.0.2.1", "minpol", "4"]).unwrap_err();
        assert!(
            said.starts_with("server 192.0.2.1 minpol 4: the line, line 1, column 18:"),
            "{said}"
        );
        assert!(text(&["add"]).unwrap_err().contains("it takes [server|pool|peer|broadcast]"));
        assert!(text(&["prefer", "a", "b"]).is_err());
        assert!(text(&["config", "tos minsane 2\nreset sys"]).unwrap_err().contains("column 14"));
    }

    #[test]
    fn lines_are_read_before_they_are_sent() {
        let wrong = Line::read("server a minpol 4").unwrap_err();
        assert_eq!(wrong.position, Some((1, 10)));
        assert_eq!(Line::read("tos minsane 2\u{7}").unwrap_err().position, Some((1, 14)));
        assert!(Line::read("  # nothing").is_err());
        assert_eq!(Line::read(" tos minsane 2 ").unwrap().text(), "tos minsane 2");
    }
}
