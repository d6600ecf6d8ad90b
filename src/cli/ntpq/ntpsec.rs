//! The options of NTPsec's ntpq, which `--style ntpsec` has: as Python's `getopt` takes them.
//!
//! Differs: what is said of the options, where they are wrong or help is asked for, is in words of
//! our own after the first line.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};

use crate::cli::library::{Described, Instead, Takes, options};
use crate::config::{self, keys::Entry};
use crate::line::beginning::{self, Unfound};
use crate::ntpq::ntpsec::state::VERSION;
use crate::ntpq::ntpsec::value;
use crate::ntpq::{Family, Options, Style};

/// Reads `arguments`, without the program's name; `program` is what it calls itself.
///
/// # Errors
/// Help and version where asked for, otherwise what is wrong.
pub(super) fn read(program: &str, arguments: &[OsString]) -> Result<Options, Instead> {
    let words = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let Given { options: given, rest } = split(words)?;
    let mut options =
        Options { program: program.to_owned(), style: Style::Ntpsec, ..Options::default() };
    options.ntpsec.memory = most_memory;
    if let Some(columns) = terminal_columns() {
        options.ntpsec.terminal = columns;
        options.ntpsec.width = i32::try_from(columns).unwrap_or(i32::MAX);
    }
    for (which, text) in given {
        match which {
            Which::V4 => options.ntpsec.family = Family::V4,
            Which::V6 => options.ntpsec.family = Family::V6,
            Which::KeyId => options.ntpsec.key_id = Some(number("-a", &text)?),
            Which::KeyFile => {
                let keys = keys(&text)?.into_iter().map(|entry| entry.key);
                options.ntpsec.key_file = Some(keys.collect());
            }
            Which::Command => options.commands.push(text),
            Which::Peers => options.commands.push(PEERS.to_owned()),
            Which::Numeric => (options.numeric, options.ntpsec.supplied_names) = (true, false),
            Which::Names => (options.numeric, options.ntpsec.supplied_names) = (false, true),
            Which::NamesOrNumbers => {
                (options.numeric, options.ntpsec.supplied_names) = (true, true);
            }
            Which::Wide => options.wide = true,
            Which::Width => {
                let width = number("-W", &text)?;
                let edge = if width < 0 { i32::MIN } else { i32::MAX };
                options.ntpsec.width = i32::try_from(width).unwrap_or(edge);
            }
            Which::Units => options.ntpsec.units = true,
            Which::Json => options.json = true,
            Which::Help => return Err(help()),
            Which::Version => {
                return Err(Instead { text: format!("ntpq {VERSION}\n"), asked_for: true });
            }
            Which::LogFile => options.ntpsec.log_file = text,
            // There are no debugging texts; the style was taken out before.
            Which::Debug | Which::DebugLevel | Which::Style => {}
        }
    }
    options.ntpsec.host_family = take_hosts(&mut options, rest)?;
    options.interactive = options.commands.is_empty();
    options.ntpsec.is_typed = io::stdin().is_terminal();
    Ok(options)
}

/// Bytes of memory that the program has used at most, as the kernel counts them; 0 where it does not
/// tell.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map_or(0, |kib| kib << 10)
}

/// How wide the terminal is that is written to, or said to be; `None` where there is none.
fn terminal_columns() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let said = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let measured = || crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns));
    said.filter(|columns| *columns > 0).or_else(measured)
}

/// Among the hosts `-4` and `-6` say which addresses will do, of all of them.
///
/// NTPsec's ntpq takes its list of words apart while it reads it, so that after each of these a
/// word is left out.
fn take_hosts(options: &mut Options, mut words: Vec<String>) -> Result<Family, Instead> {
    let mut family = Family::Any;
    let mut at = 0;
    let mut hosts = Vec::new();
    while let Some(word) = words.get(at).cloned() {
        if !word.starts_with('-') {
            hosts.push(word);
        } else if word.ends_with('4') {
            family = Family::V4;
            words.remove(0);
        } else if word.ends_with('6') {
            family = Family::V6;
            words.remove(0);
        } else {
            let text = "ntpq: unexpected option-like thing.\n".to_owned();
            return Err(Instead { text, asked_for: false });
        }
        at += 1;
    }
    if words.is_empty() {
        hosts.push(DEFAULT_HOST.to_owned());
    }
    options.hosts = hosts.into_iter().map(|host| (host, family)).collect();
    Ok(family)
}

/// The keys in a file.
fn keys(file: &str) -> Result<Vec<Entry>, Instead> {
    let text = std::fs::read_to_string(file).map_err(|_| Instead {
        text: format!("ntpq: {file} nonexistent or unreadable"),
        asked_for: false,
    })?;
    config::keys::read(file, &text)
        .map_err(|rejected| Instead { text: format!("ntpq: {rejected}\n"), asked_for: false })
}

fn number(option: &str, text: &str) -> Result<i128, Instead> {
    value::integer(text, false)
        .ok_or_else(|| wrong(&format!("Error: {option} parameter '{text}' not a number")))
}

/// What was given.
struct Given {
    /// The options in order, each with its value; nothing where it has none.
    options: Vec<(Which, String)>,
    /// The words from the first that is no option.
    rest: Vec<String>,
}

/// The options in order, each with its value, and the words from the first that is none.
fn split(words: Vec<String>) -> Result<Given, Instead> {
    let mut words = words.into_iter().peekable();
    let mut given = Vec::new();
    while let Some(word) = words.next_if(|word| word.starts_with('-') && word != "-") {
        if word == "--" {
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let option = long_option(name)?;
            let value = match (option.takes, value) {
                (Takes::Something, None) => words
                    .next()
                    .ok_or_else(|| wrong(&format!("option --{} requires argument", option.name)))?,
                (Takes::Something, Some(value)) => value,
                (_, None) => String::new(),
                (_, Some(_)) => {
                    let text = format!("option --{} must not have an argument", option.name);
                    return Err(wrong(&text));
                }
            };
            given.push((option.which, value));
            continue;
        }
        let letters = word.get(1..).unwrap_or_default();
        for (at, letter) in letters.char_indices() {
            let option = OPTIONS.iter().find(|option| option.letter == Some(letter));
            let option =
                option.ok_or_else(|| wrong(&format!("option -{letter} not recognized")))?;
            if option.takes != Takes::Something {
                given.push((option.which, String::new()));
                continue;
            }
            let beside = letters.get(at + letter.len_utf8()..).filter(|text| !text.is_empty());
            let value = beside.map(str::to_owned).or_else(|| words.next());
            let value =
                value.ok_or_else(|| wrong(&format!("option -{letter} requires argument")))?;
            given.push((option.which, value));
            break;
        }
    }
    Ok(Given { options: given, rest: words.collect() })
}

fn long_option(name: &str) -> Result<&'static Described<Which>, Instead> {
    let options = OPTIONS.iter().map(|option| (option.name, option));
    beginning::find(options, name).map_err(|why| {
        let why = match why {
            Unfound::Unknown => "not recognized",
            Unfound::Ambiguous => "not a unique prefix",
        };
        wrong(&format!("option --{name} {why}"))
    })
}

fn wrong(what: &str) -> Instead {
    Instead { text: format!("{what}\n{}", usage()), asked_for: false }
}

fn help() -> Instead {
    Instead { text: usage(), asked_for: true }
}

fn usage() -> String {
    let mut lines = vec![String::new(), USAGE.to_owned()];
    for option in OPTIONS.iter().filter(|option| !option.help.is_empty()) {
        let letter = option.letter.map_or_else(|| "  ".to_owned(), |letter| format!("-{letter}"));
        let value = if option.takes == Takes::Something { " VALUE" } else { "" };
        let name = format!("--{}{value}", option.name);
        lines.push(format!("  {letter}  {name:26}  {}", option.help));
    }
    format!("{}\n", lines.join("\n"))
}

/// Which option it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    V4,
    V6,
    KeyId,
    Command,
    Debug,
    DebugLevel,
    Help,
    KeyFile,
    Numeric,
    Peers,
    Names,
    NamesOrNumbers,
    Version,
    Wide,
    Width,
    Units,
    LogFile,
    Json,
    Style,
}

options! {
    Which::V4, Some('4'), "ipv4", Nothing, [], "look up names of IPv4 addresses only";
    Which::V6, Some('6'), "ipv6", Nothing, [], "look up names of IPv6 addresses only";
    Which::KeyId, Some('a'), "authentication", Something, [], "sign with the key of this number";
    Which::Command, Some('c'), "command", Something, [], "run this command; may be given several times";
    Which::Debug, Some('d'), "debug", Nothing, [], "";
    Which::DebugLevel, Some('D'), "set-debug-level", Something, [], "";
    Which::Help, Some('h'), "help", Nothing, [], "print this";
    Which::KeyFile, Some('k'), "keyfile", Something, [], "take keys from this file";
    Which::Numeric, Some('n'), "numeric", Nothing, [], "look up no names of addresses";
    Which::Peers, Some('p'), "peers", Nothing, [], "print the table of peers";
    Which::Names, Some('s'), "srcname", Nothing, [], "call peers as they were configured, else by their names";
    Which::NamesOrNumbers, Some('S'), "srcnumber", Nothing, [], "call peers as they were configured, else by their addresses";
    Which::Version, Some('V'), "version", Nothing, [], "print the version of ntpq that this is like";
    Which::Wide, Some('w'), "wide", Nothing, [], "give long names a line of their own";
    Which::Width, Some('W'), "width", Something, [], "take the terminal to be this wide";
    Which::Units, Some('u'), "units", Nothing, [], "print numbers with units";
    Which::LogFile, Some('l'), "logfile", Something, [], "";
    Which::Json, None, "json", Nothing, [], "print JSON with full names and units";
    Which::Style, None, "style", Something, [], "print as this ntpq does: classic or ntpsec";
}

const PEERS: &str = "peers";

const DEFAULT_HOST: &str = "localhost";

const USAGE: &str = "Usage: ntpscope ntpq --style ntpsec [options] [host ...]";
