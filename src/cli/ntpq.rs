//! `ntpscope ntpq`, and the program when it is started through a link called `ntpq`: ntpq's own
//! options, as its option library takes them.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::ExitCode;

use jiff::tz::TimeZone;

use crate::cli::library::{
    Described, Instead, Program, Takes, ended, is_called, options, own_name,
};
use crate::ntpq::settings::VERSION;
use crate::ntpq::{Batch, Family, Options, RefIds, Style};

mod ntpsec;

/// Does what `arguments` say, without the program's name, which is `program`. `drive` runs a batch to
/// its end on the network and returns its exit status.
pub fn start(
    program: &OsStr,
    arguments: impl IntoIterator<Item = OsString>,
    drive: impl FnOnce(&mut Batch) -> io::Result<u8>,
) -> ExitCode {
    let name = own_name(program, NAME);
    let outcome = match read(&name, arguments) {
        Ok(options) => drive(&mut Batch::new(options, TimeZone::system)),
        Err(instead) => instead.print(),
    };
    ended(&name, outcome)
}

/// Whether a program started under this name is to be ntpq.
pub fn is_ntpq(program: &OsStr) -> bool {
    is_called(program, NAME)
}

/// Reads `arguments`, without the program's name; `program` is what it calls itself.
///
/// # Errors
/// Help and version where asked for, otherwise what is wrong.
pub fn read(
    program: &str,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Options, Instead> {
    let (style, arguments) = style(program, arguments)?;
    if style == Style::Ntpsec {
        return ntpsec::read(program, &arguments);
    }
    let described = Program { name: program, title: TITLE, options: OPTIONS, notes: NOTES };
    let given = described.read(arguments)?;
    let mut options = Options { program: program.to_owned(), ..Options::default() };
    let mut family = Family::Any;
    for (which, value) in given.options {
        match which {
            Which::V4 => family = Family::V4,
            Which::V6 => family = Family::V6,
            Which::Command => options.commands.extend(value),
            Which::Peers => options.commands.push(PEERS.to_owned()),
            // As it is without a command; and the style was taken out before.
            Which::Interactive | Which::Style => {}
            Which::Numeric => options.numeric = true,
            Which::Wide => options.wide = true,
            Which::OldRv => options.old_rv = true,
            Which::RefIds => options.ref_ids = ref_ids(&described, &value.unwrap_or_default())?,
            Which::Json => options.json = true,
            Which::Help => return Err(described.help()),
            Which::Version => {
                return Err(Instead { text: format!("{VERSION}\n"), asked_for: true });
            }
            Which::Absent(name) => return Err(described.absent(name)),
        }
    }
    options.hosts = hosts(given.rest, family);
    options.interactive = options.commands.is_empty();
    Ok(options)
}

/// Takes `--style` out of the arguments, and what it says.
///
/// It is looked for before all other options, for it decides which those are; only words that
/// belong to a host follow the first `--`.
fn style(
    program: &str,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<(Style, Vec<OsString>), Instead> {
    let mut words: Vec<OsString> = arguments.into_iter().collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let is_style =
        |word: &OsString| word.to_str().is_some_and(|w| w.split('=').next() == Some(STYLE));
    let Some(at) = words.iter().take(end).position(is_style) else {
        return Ok((Style::default(), words));
    };
    let option = words.remove(at);
    let option = option.to_string_lossy().into_owned();
    let value = match option.split_once('=') {
        Some((_, value)) => Some(value.to_owned()),
        None if at < words.len() => Some(words.remove(at).to_string_lossy().into_owned()),
        None => None,
    };
    let known = Style::ALL.map(Style::word).join(" or ");
    let style = value.as_deref().and_then(Style::read).ok_or_else(|| Instead {
        text: format!("{program}: the style is {known}, not `{}'\n", value.unwrap_or_default()),
        asked_for: false,
    })?;
    Ok((style, words))
}

fn ref_ids(described: &Program<'_, Which>, word: &str) -> Result<RefIds, Instead> {
    match word {
        "hash" | "0" => Ok(RefIds::Hash),
        "ipv4" | "1" => Ok(RefIds::Ipv4),
        _ => {
            let text = format!(
                "{} error:  '{word}' does not match any refid keywords.\n\
                 The valid \"refid\" option keywords are:\n  hash ipv4\n  \
                 or an integer from 0 through 1",
                described.name
            );
            Err(described.wrong(&text))
        }
    }
}

/// Among the hosts `-4` and `-6` say which addresses of those after them will do.
fn hosts(words: Vec<String>, family: Family) -> Vec<(String, Family)> {
    if words.is_empty() {
        return vec![(DEFAULT_HOST.to_owned(), family)];
    }
    let mut family = family;
    let mut hosts = Vec::new();
    for word in words {
        if word.starts_with("-4") {
            family = Family::V4;
        } else if word.starts_with("-6") {
            family = Family::V6;
        } else {
            hosts.push((word, family));
        }
    }
    hosts
}

/// Which option it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    V4,
    V6,
    Command,
    Peers,
    Interactive,
    Numeric,
    Wide,
    OldRv,
    RefIds,
    Json,
    Style,
    Help,
    Version,
    Absent(&'static str),
}

options! {
    Which::V4, Some('4'), "ipv4", Nothing, ["ipv6"], "ask IPv4 addresses of names only";
    Which::V6, Some('6'), "ipv6", Nothing, ["ipv4"], "ask IPv6 addresses of names only";
    Which::Command, Some('c'), "command", Something, [], "run this command; may be given several times";
    Which::Absent("debug-level"), Some('d'), "debug-level", Nothing, [], "";
    Which::Absent("set-debug-level"), Some('D'), "set-debug-level", Something, [], "";
    Which::Interactive, Some('i'), "interactive", Nothing, ["command", "peers"], "read commands, as without -c and -p";
    Which::Numeric, Some('n'), "numeric", Nothing, [], "look up no names of addresses";
    Which::OldRv, None, "old-rv", Nothing, [], "print the status line with named variables too";
    Which::Peers, Some('p'), "peers", Nothing, [], "print the table of peers";
    Which::RefIds, Some('r'), "refid", Something, [], "show reference IDs as hash or ipv4";
    Which::Wide, Some('w'), "wide", Nothing, [], "give long names a line of their own";
    Which::Json, None, "json", Nothing, [], "print JSON with full names and units";
    Which::Style, None, "style", Something, [], "print as this ntpq does: classic, or ntpsec, which\nhas options of its own (--style ntpsec --help)";
    Which::Version, None, "version", Perhaps, [], "print the version of ntpq that this is like";
    Which::Help, Some('?'), "help", Nothing, [], "print this";
    Which::Help, Some('!'), "more-help", Nothing, [], "";
    Which::Absent("save-opts"), Some('>'), "save-opts", Perhaps, [], "";
    Which::Absent("load-opts"), Some('<'), "load-opts", Something, [], "";
}

const NAME: &str = "ntpq";

/// The option that says which ntpq is followed.
const STYLE: &str = "--style";

const PEERS: &str = "peers";

const DEFAULT_HOST: &str = "localhost";

const TITLE: &str = "ntpq - standard NTP query program - Ver. 4.2.8p15";

const NOTES: &str = "HOST is a name, an address or [v6%zone], each with an optional :PORT; localhost when there is none.
The exit status is 0 even when a host does not answer, as ntpq's.";

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Result<Options, Instead> {
        read("ntpq", words.iter().copied().map(OsString::from))
    }

    fn host(name: &str, family: Family) -> (String, Family) {
        (name.to_owned(), family)
    }

    #[test]
    fn letters_may_stand_together_and_order_is_kept() {
        let read = arguments(&["-pn", "-c", "rv 0", "-wcpeers", "--command=as", "--command", "cv"]);
        let read = read.unwrap();
        assert_eq!(read.commands, ["peers", "rv 0", "peers", "as", "cv"]);
        assert!(read.numeric && read.wide && !read.old_rv);
        assert_eq!(read.hosts, [host("localhost", Family::Any)]);
    }

    #[test]
    fn long_names_may_be_cut() {
        let read = arguments(&["--num", "--wid", "--pe", "--refid=hash", "--old-rv"]).unwrap();
        assert!(read.numeric && read.wide && read.old_rv);
        assert_eq!(read.ref_ids, RefIds::Hash);
        assert!(arguments(&["--ver"]).unwrap_err().text.starts_with("ntpq 4.2.8p15@"));
    }

    #[test]
    fn the_first_host_ends_the_options() {
        let read = arguments(&["-4p", "a", "-n", "-6", "b:99", "[::1]:99"]).unwrap();
        assert!(!read.numeric);
        assert_eq!(
            read.hosts,
            [
                host("a", Family::V4),
                host("-n", Family::V4),
                host("b:99", Family::V6),
                host("[::1]:99", Family::V6),
            ]
        );
        assert_eq!(arguments(&["-p", "--", "-4"]).unwrap().hosts, []);
    }

    // The first lines are what ntpq 4.2.8p15 wrote.
    #[test]
    fn complaints_are_ntpqs() {
        for (words, first) in [
            (&["-x"][..], "ntpq: illegal option -- x"),
            (&["--foo"], "ntpq: illegal option -- foo"),
            (&["-c"], "ntpq: The 'command' option requires an argument."),
            (&["--ipv4=3"], "ntpq: The 'ipv4' option cannot have an argument."),
            (&["-6", "-4"], "ntpq error:  the 'ipv4' and 'ipv6' options conflict"),
            (&["-r", "foo"], "ntpq error:  'foo' does not match any refid keywords."),
            (
                &["-i", "-c", "host"],
                "ntpq error:  the 'interactive' and 'command' options conflict",
            ),
        ] {
            let instead = arguments(words).unwrap_err();
            assert!(!instead.asked_for);
            assert_eq!(instead.text.lines().next(), Some(first));
        }
        assert!(arguments(&["host"]).unwrap().interactive);
        assert!(!arguments(&["-p", "host"]).unwrap().interactive);
        assert!(arguments(&["--help"]).unwrap_err().text.contains("-n  --numeric"));
    }

    #[test]
    fn the_style_stands_anywhere_before_the_hosts() {
        for words in [
            &["--style", "ntpsec", "-pu", "host"][..],
            &["-pu", "--style=ntpsec", "host"],
            &["-pu", "host", "--style=ntpsec"],
        ] {
            let read = arguments(words).unwrap();
            assert_eq!(read.style, Style::Ntpsec);
            assert!(read.ntpsec.units);
            assert_eq!(read.commands, ["peers"]);
            assert_eq!(read.hosts, [host("host", Family::Any)]);
        }
        assert_eq!(arguments(&["--style", "classic", "-p"]).unwrap().style, Style::Classic);
        assert_eq!(arguments(&["-p"]).unwrap().style, Style::Classic);
        for words in [&["--style", "x"][..], &["--style"], &["--style="]] {
            let instead = arguments(words).unwrap_err();
            assert!(instead.text.starts_with("ntpq: the style is classic or ntpsec, not `"));
        }
        let instead = arguments(&["--style", "ntpsec", "--help"]).unwrap_err();
        assert!(instead.asked_for && instead.text.contains("--keyfile VALUE"));
    }

    #[test]
    fn a_link_is_known_by_its_name() {
        assert!(is_ntpq(OsStr::new("/usr/bin/ntpq")));
        assert!(!is_ntpq(OsStr::new("/usr/bin/ntpscope")));
        assert_eq!(own_name(OsStr::new("./ntpq"), NAME), "./ntpq");
        assert_eq!(own_name(OsStr::new("ntpscope"), NAME), "ntpq");
    }
}
