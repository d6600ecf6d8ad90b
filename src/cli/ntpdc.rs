//! `ntpscope ntpdc`, and the program when it is started through a link called `ntpdc`: ntpdc's own
//! options, and one of ours.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use jiff::tz::TimeZone;

use crate::cli::library::{
    Described, Instead, Program, Takes, ended, is_called, options, own_name,
};
use crate::ntpdc::settings::VERSION;
use crate::ntpdc::{Batch, Options};
use crate::ntpq::Family;

/// Does what `arguments` say, without the program's name, which is `program`. `drive` runs a batch to
/// its end on the network and returns its exit status.
pub fn start(
    program: &OsStr,
    arguments: impl IntoIterator<Item = OsString>,
    drive: impl FnOnce(&mut Batch) -> io::Result<u8>,
) -> ExitCode {
    let name = own_name(program, NAME);
    let outcome = match read(&name, arguments) {
        Ok(mut options) => {
            let is_asked = io::stdin().is_terminal() && io::stderr().is_terminal();
            options.prompts |= is_asked && options.commands.is_empty();
            drive(&mut Batch::new(options, TimeZone::system))
        }
        Err(instead) => instead.print(),
    };
    ended(&name, outcome)
}

/// Whether a program started under this name is to be ntpdc.
pub fn is_ntpdc(program: &OsStr) -> bool {
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
    let described = Program { name: program, title: TITLE, options: OPTIONS, notes: NOTES };
    let given = described.read(arguments)?;
    let mut options = Options { program: program.to_owned(), ..Options::default() };
    let mut family = Family::Any;
    let mut tables = [false; TABLES.len()];
    for (which, value) in given.options {
        match which {
            Which::V4 => family = Family::V4,
            Which::V6 => family = Family::V6,
            Which::Command => options.commands.extend(value),
            Which::Interactive => options.prompts = true,
            Which::Numeric => options.numeric = true,
            Which::Table(table) => {
                if let Some(is_wanted) = tables.get_mut(table) {
                    *is_wanted = true;
                }
            }
            Which::MonitorList => options.allows_monlist = true,
            Which::Help => return Err(described.help()),
            Which::Version => {
                return Err(Instead { text: format!("{VERSION}\n"), asked_for: true });
            }
            Which::Absent(name) => return Err(described.absent(name)),
        }
    }
    // In an order of their own, not as they were given.
    let wanted = TABLES.iter().zip(tables).filter(|(_, is_wanted)| *is_wanted);
    options.commands.extend(wanted.map(|(command, _)| (*command).to_owned()));
    let mut hosts = given.rest;
    if hosts.is_empty() {
        hosts.push(DEFAULT_HOST.to_owned());
    }
    options.hosts = hosts.into_iter().map(|host| (host, family)).collect();
    Ok(options)
}

/// Which option it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    V4,
    V6,
    Command,
    Interactive,
    Numeric,
    /// By its place in [`TABLES`].
    Table(usize),
    MonitorList,
    Help,
    Version,
    Absent(&'static str),
}

/// Commands that have an option, in the order in which they are run.
const TABLES: [&str; 3] = ["listpeers", "peers", "dmpeers"];

options! {
    Which::V4, Some('4'), "ipv4", Nothing, ["ipv6"], "ask IPv4 addresses of names only";
    Which::V6, Some('6'), "ipv6", Nothing, ["ipv4"], "ask IPv6 addresses of names only";
    Which::Command, Some('c'), "command", Something, [], "run this command; may be given several times";
    Which::Absent("debug-level"), Some('d'), "debug-level", Nothing, [], "";
    Which::Absent("set-debug-level"), Some('D'), "set-debug-level", Something, [], "";
    Which::Interactive, Some('i'), "interactive", Nothing, ["command", "listpeers", "peers", "showpeers"], "ask for commands, whatever standard input is";
    Which::Table(0), Some('l'), "listpeers", Nothing, ["command"], "list the associations";
    Which::Numeric, Some('n'), "numeric", Nothing, [], "look up no names of addresses";
    Which::Table(1), Some('p'), "peers", Nothing, ["command"], "print the table of associations";
    Which::Table(2), Some('s'), "showpeers", Nothing, ["command"], "print it with what the selection made of each";
    Which::MonitorList, None, "monlist", Nothing, [], MONITOR_LIST;
    Which::Version, None, "version", Perhaps, [], "print the version of ntpdc that this is like";
    Which::Help, Some('?'), "help", Nothing, [], "print this";
    Which::Help, Some('!'), "more-help", Nothing, [], "";
    Which::Absent("save-opts"), Some('>'), "save-opts", Perhaps, [], "";
    Which::Absent("load-opts"), Some('<'), "load-opts", Something, [], "";
}

/// Why one has to ask for it.
const MONITOR_LIST: &str = "let the command monlist be sent: with a forged sender that request has\n\
    daemons flood others, so today's answer that there is no data, and networks\n\
    take whoever sends it for an attacker; mrulist of ntpq tells the same";

const NAME: &str = "ntpdc";

const DEFAULT_HOST: &str = "localhost";

const TITLE: &str = "ntpdc - vendor-specific NTPD control program - Ver. 4.2.8p15";

const NOTES: &str = "HOST is a name, an address or [v6%zone], each with an optional :PORT; localhost when there is none.
Without commands they are read from standard input. Only daemons with `enable mode7`, and old ones, answer.
The exit status is 0 even when a host does not answer, as ntpdc's.";

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Result<Options, Instead> {
        read("ntpdc", words.iter().copied().map(OsString::from))
    }

    #[test]
    fn tables_come_last_and_in_their_own_order() {
        let read = arguments(&["-sln", "-p", "a", "-4"]).unwrap();
        assert_eq!(read.commands, ["listpeers", "peers", "dmpeers"]);
        assert!(read.numeric && !read.allows_monlist && !read.prompts);
        let host = |name: &str| (name.to_owned(), Family::Any);
        assert_eq!(read.hosts, [host("a"), host("-4")]);
    }

    #[test]
    fn letters_may_stand_together_and_names_be_cut() {
        let read = arguments(&["-6ncsysinfo", "--comm=peers", "--monl", "-c", "rv 0"]).unwrap();
        assert_eq!(read.commands, ["sysinfo", "peers", "rv 0"]);
        assert!(read.numeric && read.allows_monlist);
        assert_eq!(read.hosts, [("localhost".to_owned(), Family::V6)]);
    }

    #[test]
    fn complaints_are_those_of_the_library() {
        for (words, first) in [
            (&["-x"][..], "ntpdc: illegal option -- x"),
            (&["-c"], "ntpdc: The 'command' option requires an argument."),
            (&["--ipv4=3"], "ntpdc: The 'ipv4' option cannot have an argument."),
            (&["-6", "-4"], "ntpdc error:  the 'ipv4' and 'ipv6' options conflict"),
            (&["-p", "-c", "x"], "ntpdc error:  the 'peers' and 'command' options conflict"),
            (
                &["-s", "-p", "-l", "-i"],
                "ntpdc error:  the 'interactive' and 'listpeers' options conflict",
            ),
            (&["-d"], "ntpdc: the option 'debug-level' is not available in ntpscope"),
        ] {
            let instead = arguments(words).unwrap_err();
            assert!(!instead.asked_for);
            assert_eq!(instead.text.lines().next(), Some(first));
        }
    }

    #[test]
    fn the_help_says_why_monlist_has_to_be_asked_for() {
        let help = arguments(&["--help"]).unwrap_err();
        assert!(help.asked_for);
        assert!(help.text.contains("--monlist") && help.text.contains("flood others"));
    }

    #[test]
    fn a_link_is_known_by_its_name() {
        assert!(is_ntpdc(OsStr::new("/usr/bin/ntpdc")));
        assert!(!is_ntpdc(OsStr::new("/usr/bin/ntpq")));
        assert_eq!(own_name(OsStr::new("./ntpdc"), NAME), "./ntpdc");
        assert_eq!(own_name(OsStr::new("ntpscope"), NAME), "ntpdc");
    }
}
