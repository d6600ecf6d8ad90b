//! The table of commands, and how a line becomes one of them.
//!
//! Any prefix of a name that fits no other command will do. Arguments are read by kind before the
//! command runs, so that a wrong one is refused without asking anybody.

use crate::ntpq::reading;
use crate::ntpq::style::Style;
use crate::ntpq::vocabulary::{Command, Kind, MAX_PARAMETERS, Vocabulary, commands};

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Lists the commands or explains one.
    Help,
    /// Shows or sets how long to wait.
    Timeout,
    /// Shows or sets a delay that nothing uses any more.
    Delay,
    /// Shows or changes the host.
    Host,
    /// Nothing, and never did.
    Poll,
    /// Gives the current key its secret.
    Password,
    /// Shows or sets whether names are shown.
    HostNames,
    /// Shows or sets a level of debugging texts.
    Debug,
    /// Ends the session.
    Quit,
    /// Shows or chooses the current key.
    KeyId,
    /// Shows the version.
    Version,
    /// Prints variables as they come.
    Raw,
    /// Prints variables made readable.
    Cooked,
    /// Shows or sets whether every request is signed.
    Authenticate,
    /// Shows or sets the NTP version to claim.
    NtpVersion,
    /// Shows or chooses how secrets are used.
    KeyType,
    /// Shows or sets how reference IDs are shown.
    RefIds,
    /// Lists associations.
    Associations {
        /// Those too that are neither configured nor reachable.
        all: bool,
        /// As last listed, without asking.
        cached: bool,
    },
    /// Adds to the list of variables.
    AddVariables,
    /// Takes from the list of variables.
    RemoveVariables,
    /// Empties the list of variables.
    ClearVariables,
    /// Shows the list of variables.
    ShowVariables,
    /// Reads the variables on the list.
    ReadList,
    /// Reads the variables that are named.
    ReadVariables,
    /// Reads the variables on the list, of a clock.
    ClockList,
    /// Reads the variables that are named, of a clock.
    ClockVariables,
    /// Prints counters of an association.
    PeerCounters,
    /// Prints one of the tables about the daemon.
    Counters(Counters),
    /// Prints associations as a table.
    Peers {
        /// Which columns.
        columns: Columns,
        /// Those too that are neither configured nor reachable.
        all: bool,
    },
    /// Prints the interfaces.
    Interfaces,
    /// Prints the access restrictions.
    Restrictions,
    /// Reads the variables on the list, of several peers.
    SeveralLists,
    /// Reads variables of several peers.
    SeveralVariables,
    /// Writes the variables on the list.
    WriteList,
    /// Writes variables.
    WriteVariables,
    /// Has the daemon write its configuration to a file.
    SaveConfiguration,
    /// Changes the daemon's configuration by a line.
    Configure,
    /// Changes the daemon's configuration by the lines of a file.
    ConfigureFromFile,
    /// Prints who asked the daemon most recently.
    Mru,
    /// Has the list of those who asked printed as it comes, or no longer.
    Direct,
    /// Shows numbers with units, or no longer.
    Units,
    /// Shows or sets where debugging texts go.
    LogFile,
    /// Loses answers on purpose, or no longer.
    Flaky {
        /// Whether to begin with it.
        begins: bool,
    },
}

impl Verb {
    /// Whether it may change the daemon, or has it write a file.
    pub const fn changes_daemon(self) -> bool {
        matches!(
            self,
            Self::WriteList
                | Self::WriteVariables
                | Self::SaveConfiguration
                | Self::Configure
                | Self::ConfigureFromFile
        )
    }
}

/// The columns of a table of peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Reference ID and jitter.
    Usual,
    /// Reference ID, association ID and jitter.
    Associations,
    /// Local address and dispersion.
    Old,
    /// Reference ID and jitter, the name of the source last.
    NameLast,
}

/// The tables about the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counters {
    /// Its state.
    System,
    /// The kernel's loop.
    Kernel,
    /// Its packets.
    Packets,
    /// The list of those who asked.
    Monitor,
    /// Keys and digests.
    Authentication,
    /// Its sockets.
    InputOutput,
    /// Its timer.
    Timer,
    /// Network time security.
    TimeSecurity,
    /// Signed time for members of a domain.
    SignedTime,
}

/// An argument as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Text.
    Text(String),
    /// An unsigned number.
    Unsigned(u32),
    /// The Nth association listed, from 1; 0 is the daemon.
    Listed(u32),
    /// A signed number.
    Signed(i32),
    /// Whether IPv6 addresses are meant, else IPv4.
    Ipv6(bool),
}

/// A line that was understood.
#[derive(Clone, Debug)]
pub struct Line {
    /// The command.
    pub command: &'static Command<Verb>,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// The file that its output goes to instead of standard output.
    pub redirect: Option<String>,
    /// What to say before it runs, on standard error.
    pub warnings: String,
}

impl Line {
    /// The text argument in `place`.
    pub fn text(&self, place: usize) -> Option<&str> {
        match self.arguments.get(place) {
            Some(Argument::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The unsigned argument in `place`.
    pub fn unsigned(&self, place: usize) -> Option<u32> {
        match self.arguments.get(place) {
            Some(Argument::Unsigned(number)) => Some(*number),
            _ => None,
        }
    }
}

/// Reads a line: `Ok(None)` when there is nothing on it, an error as it is printed.
pub fn read(line: &str) -> Result<Option<Line>, String> {
    let tokens = tokens(line)?;
    let Some((name, rest)) = tokens.split_first() else { return Ok(None) };
    let found = vocabulary(Style::Classic).find(name);
    let command = found.map_err(|why| format!("***Command `{name}' {why}\n"))?;
    let extra = rest.iter().skip(MAX_PARAMETERS);
    let warnings: Vec<_> = extra.map(|token| format!("***Extra arg `{token}' ignored\n")).collect();
    let warnings = warnings.concat();
    let with_warnings = |text: String| format!("{warnings}{text}");
    let mut arguments = Vec::new();
    for (place, parameter) in command.parameters.iter().enumerate() {
        let Some(token) = rest.get(place) else {
            if parameter.optional {
                break;
            }
            return Err(with_warnings(format!("{}\n", command.usage())));
        };
        if parameter.optional && token.starts_with('>') {
            break;
        }
        arguments.push(argument(token, parameter.kind).map_err(with_warnings)?);
    }
    let redirect = match rest.get(arguments.len()) {
        Some(token) if token.starts_with('>') => {
            let name = token.get(1..).filter(|name| !name.is_empty());
            let name = name.or_else(|| rest.get(arguments.len() + 1).map(String::as_str));
            Some(
                name.ok_or_else(|| with_warnings("***No file for redirect\n".to_owned()))?
                    .to_owned(),
            )
        }
        _ => None,
    };
    Ok(Some(Line { command, arguments, redirect, warnings }))
}

/// The commands that `style` has.
pub const fn vocabulary(style: Style) -> Vocabulary<Verb> {
    Vocabulary { program: "ntpq", style, table: COMMANDS, screen: 76 }
}

fn argument(token: &str, kind: Kind) -> Result<Argument, String> {
    match kind {
        // Addresses are ntpdc's.
        Kind::Text | Kind::Address => Ok(Argument::Text(token.to_owned())),
        Kind::Unsigned => match token.strip_prefix('&') {
            Some(digits) => reading::unsigned(digits.as_bytes())
                .map(Argument::Listed)
                .ok_or_else(|| format!("***Association index `{token}' invalid/undecodable\n")),
            None => reading::unsigned(token.as_bytes())
                .map(Argument::Unsigned)
                .ok_or_else(|| format!("***Illegal unsigned value {token}\n")),
        },
        Kind::Signed => reading::signed(token.as_bytes())
            .map(Argument::Signed)
            .ok_or_else(|| format!("***Illegal integer value {token}\n")),
        Kind::Family => match token {
            "-6" => Ok(Argument::Ipv6(true)),
            "-4" => Ok(Argument::Ipv6(false)),
            _ => Err("***Version must be either 4 or 6\n".to_owned()),
        },
    }
}

/// Splits a line at blanks. A token that begins with `"` reaches to the next one, which then, as in
/// ntpq, begins another; after a first token that begins with `:` the rest of the line is one.
fn tokens(line: &str) -> Result<Vec<String>, String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = line;
    let mut space = 0;
    while tokens.len() < MAX_TOKENS {
        rest = rest.trim_start_matches([' ', '\t']);
        let end = rest.find(['\n', '\r', '\0']).unwrap_or(rest.len());
        rest = rest.get(..end).unwrap_or_default();
        if rest.is_empty() || rest == "\"" {
            break;
        }
        let is_config = tokens.len() == 1 && tokens.first().is_some_and(|t| t.starts_with(':'));
        let (token, after) = match rest.strip_prefix('"') {
            _ if is_config => (rest, ""),
            Some(inner) => split_quoted(inner),
            None => rest.split_at(rest.find(['"', ' ', '\t']).unwrap_or(rest.len())),
        };
        space += token.len() + 1;
        if space > MAX_LINE {
            return Err(format!("***Line `{line}' is too big\n"));
        }
        tokens.push(token.to_owned());
        rest = after;
    }
    Ok(tokens)
}

/// The quoted text, and the rest from the closing quote on. One character is taken in any case.
fn split_quoted(inner: &str) -> (&str, &str) {
    let first = inner.chars().next().map_or(0, char::len_utf8);
    let tail = inner.get(first..).unwrap_or_default();
    inner.split_at(first + tail.find('"').unwrap_or(tail.len()))
}

/// Tokens that are looked at.
const MAX_TOKENS: usize = 1 + MAX_PARAMETERS + 2;

/// Bytes that the tokens of a line may fill.
const MAX_LINE: usize = 512;

commands! {
    "?" Verb::Help, [Text true "command"], "list the commands, or explain one";
    "help" Verb::Help, [Text true "command"], "list the commands, or explain one";
    "timeout" Verb::Timeout, [Unsigned true "msec"], "show or set how long to wait for an answer";
    "delay" Verb::Delay, [Signed true "msec"], "show or set a delay, which mode 6 has no use for";
    "host" Verb::Host, [Text true "-4|-6", Text true "hostname"], "show the host, or turn to another";
    "poll" Verb::Poll, [Unsigned true "n", Text true "verbose"], "nothing";
    "passwd" Verb::Password, [Text true ""], "give the current key its secret";
    "hostnames" Verb::HostNames, [Text true "yes|no"], "show or set whether addresses are shown as names";
    "debug" Verb::Debug, [Text true "no|more|less"], "show or set the level of debugging texts";
    "quit" Verb::Quit, [], "end";
    "exit" Verb::Quit, [], "end";
    "keyid" Verb::KeyId, [Unsigned true "key#"], "show or choose the key that signs requests";
    "drefid" Verb::RefIds, [Text true "hash|ipv4"], "show or set how reference IDs are shown", Classic;
    "version" Verb::Version, [], "show the version of ntpq that this is like";
    "raw" Verb::Raw, [], "print variables as the daemon wrote them";
    "cooked" Verb::Cooked, [], "print variables made readable";
    "authenticate" Verb::Authenticate, [Text true "yes|no"], "show or set whether every request is signed";
    "ntpversion" Verb::NtpVersion, [Unsigned true "version number"], "show or set the NTP version to claim";
    "keytype" Verb::KeyType, [Text true "digest-name"], "show or choose how secrets are used: AES128CMAC, MD5 or SHA1";
    "saveconfig" Verb::SaveConfiguration, [Text false "filename"], "have the daemon write its configuration to a file", Classic;
    "associations" Verb::Associations { all: false, cached: false }, [], "list the associations and their status";
    "passociations" Verb::Associations { all: false, cached: true }, [], "list the associations as last obtained";
    "lassociations" Verb::Associations { all: true, cached: false }, [], "list all associations, clients too";
    "lpassociations" Verb::Associations { all: true, cached: true }, [], "list all associations as last obtained";
    "addvars" Verb::AddVariables, [Text false "name[=value][,...]"], "add variables to the list";
    "rmvars" Verb::RemoveVariables, [Text false "name[,...]"], "take variables from the list";
    "clearvars" Verb::ClearVariables, [], "empty the list of variables";
    "showvars" Verb::ShowVariables, [], "show the list of variables";
    "readlist" Verb::ReadList, [Unsigned true "assocID"], "read the variables on the list";
    "rl" Verb::ReadList, [Unsigned true "assocID"], "read the variables on the list";
    "writelist" Verb::WriteList, [Unsigned true "assocID"], "write the variables on the list";
    "readvar" Verb::ReadVariables, [Unsigned true "assocID", Text true "varname1", Text true "varname2", Text true "varname3"], "read variables of the daemon or of a peer";
    "rv" Verb::ReadVariables, [Unsigned true "assocID", Text true "varname1", Text true "varname2", Text true "varname3"], "read variables of the daemon or of a peer";
    "writevar" Verb::WriteVariables, [Unsigned false "assocID", Text false "name=value,[...]"], "write variables of the daemon or of a peer";
    "mreadlist" Verb::SeveralLists, [Unsigned false "assocIDlow", Unsigned false "assocIDhigh"], "read the variables on the list, of several peers";
    "mrl" Verb::SeveralLists, [Unsigned false "assocIDlow", Unsigned false "assocIDhigh"], "read the variables on the list, of several peers";
    "mreadvar" Verb::SeveralVariables, [Unsigned false "assocIDlow", Unsigned false "assocIDhigh", Text true "name=value[,...]"], "read variables of several peers";
    "mrv" Verb::SeveralVariables, [Unsigned false "assocIDlow", Unsigned false "assocIDhigh", Text true "name=value[,...]"], "read variables of several peers";
    "clocklist" Verb::ClockList, [Unsigned true "assocID"], "read the variables on the list, of a clock";
    "cl" Verb::ClockList, [Unsigned true "assocID"], "read the variables on the list, of a clock";
    "clockvar" Verb::ClockVariables, [Unsigned true "assocID", Text true "name=value[,...]"], "read variables of a clock";
    "cv" Verb::ClockVariables, [Unsigned true "assocID", Text true "name=value[,...]"], "read variables of a clock";
    "pstats" Verb::PeerCounters, [Unsigned false "assocID"], "print the counters of a peer";
    "peers" Verb::Peers { columns: Columns::Usual, all: false }, [Family true "-4|-6"], "print the peers";
    "apeers" Verb::Peers { columns: Columns::Associations, all: false }, [Family true "-4|-6"], "print the peers with their association IDs";
    "lpeers" Verb::Peers { columns: Columns::Usual, all: true }, [Family true "-4|-6"], "print all peers, clients too";
    "opeers" Verb::Peers { columns: Columns::Old, all: false }, [Family true "-4|-6"], "print the peers with the local address that each is asked from";
    "lopeers" Verb::Peers { columns: Columns::Old, all: true }, [Family true "-4|-6"], "print all peers, clients too, with their local addresses";
    ":config" Verb::Configure, [Text false "<configuration command line>"], "change the daemon's configuration by a line";
    "config-from-file" Verb::ConfigureFromFile, [Text false "<configuration filename>"], "change the daemon's configuration by the lines of a file";
    "mrulist" Verb::Mru, [Text true "tag=value", Text true "tag=value", Text true "tag=value", Text true "tag=value"], "print who asked the daemon most recently";
    "ifstats" Verb::Interfaces, [], "print the addresses that the daemon listens on";
    "reslist" Verb::Restrictions, [], "print the daemon's access restrictions";
    "sysinfo" Verb::Counters(Counters::System), [], "print the daemon's state";
    "kerninfo" Verb::Counters(Counters::Kernel), [], "print the state of the kernel's loop";
    "sysstats" Verb::Counters(Counters::Packets), [], "print the daemon's uptime and its counts of packets";
    "monstats" Verb::Counters(Counters::Monitor), [], "print the size of the list of those who asked";
    "authinfo" Verb::Counters(Counters::Authentication), [], "print the counts of keys and digests";
    "iostats" Verb::Counters(Counters::InputOutput), [], "print the counts of input and output";
    "timerstats" Verb::Counters(Counters::Timer), [], "print the counts of the timer";
    "ntsinfo" Verb::Counters(Counters::TimeSecurity), [], "print the counts of network time security", Ntpsec;
    "mssntpinfo" Verb::Counters(Counters::SignedTime), [], "print the counts of signed time for members of a domain", Ntpsec;
    "rpeers" Verb::Peers { columns: Columns::NameLast, all: true }, [], "print the peers with their names last", Ntpsec;
    "units" Verb::Units, [], "show numbers with units, or no longer", Ntpsec;
    "direct" Verb::Direct, [], "print the list of those who asked as it comes, or no longer", Ntpsec;
    "logfile" Verb::LogFile, [Text true "filename"], "show or set where debugging texts go", Ntpsec;
    "doflake" Verb::Flaky { begins: true }, [Text false "probability"], "lose answers on purpose", Ntpsec;
    "noflake" Verb::Flaky { begins: false }, [], "lose no more answers", Ntpsec;
    "EOF" Verb::Quit, [], "end, as the end of the input does", Ntpsec;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(line: &str) -> String {
        read(line).unwrap_err()
    }

    #[test]
    fn a_prefix_will_do_when_it_is_of_one_name_only() {
        assert_eq!(read("as").unwrap().unwrap().command.name, "associations");
        assert_eq!(read(" host ").unwrap().unwrap().command.name, "host");
        assert_eq!(error("p"), "***Command `p' ambiguous\n");
        assert_eq!(error("foo x"), "***Command `foo' unknown\n");
        assert_eq!(error("#c"), "***Command `#c' unknown\n");
        assert!(read(" \t").unwrap().is_none());
    }

    #[test]
    fn arguments_are_read_by_kind() {
        let line = read("rv 5 offset,leap delay").unwrap().unwrap();
        assert_eq!(line.unsigned(0), Some(5));
        assert_eq!((line.text(1), line.text(2)), (Some("offset,leap"), Some("delay")));
        assert_eq!(read("rv &2").unwrap().unwrap().arguments, [Argument::Listed(2)]);
        assert_eq!(error("rv -1"), "***Illegal unsigned value -1\n");
        assert_eq!(error("rv &x"), "***Association index `&x' invalid/undecodable\n");
        assert_eq!(error("peers 4"), "***Version must be either 4 or 6\n");
        assert_eq!(error("delay x"), "***Illegal integer value x\n");
        assert_eq!(error("pstats"), "usage: pstats assocID\n");
        let line = read("rv 0 a b c d e").unwrap().unwrap();
        assert_eq!(line.warnings, "***Extra arg `d' ignored\n***Extra arg `e' ignored\n");
    }

    #[test]
    fn quotes_and_redirections_are_ntpqs() {
        assert_eq!(error("\"rv\" 1"), "***Illegal unsigned value  1\n");
        assert_eq!(read("rv \"1\"").unwrap().unwrap().unsigned(0), Some(1));
        assert_eq!(read("rv > out").unwrap().unwrap().redirect.as_deref(), Some("out"));
        assert_eq!(read("rv 0 >out").unwrap().unwrap().redirect.as_deref(), Some("out"));
        assert_eq!(error("rv >"), "***No file for redirect\n");
        assert_eq!(read(":config a  b \"c\"").unwrap().unwrap().text(0), Some("a  b \"c\""));
        assert!(error(&format!("rv {}", "x".repeat(600))).ends_with("is too big\n"));
    }

    #[test]
    fn every_command_has_its_help() {
        for command in COMMANDS {
            assert!(!command.help.is_empty() && command.parameters.len() <= MAX_PARAMETERS);
        }
        let rv = vocabulary(Style::Classic).find("rv").unwrap();
        assert_eq!(rv.usage(), "usage: rv [ assocID ] [ varname1 ] [ varname2 ] [ varname3 ]");
    }
}
