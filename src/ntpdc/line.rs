//! How a line becomes a command with its arguments.
//!
//! A line is split at blanks; there is no quoting. Arguments are read by kind before the command
//! runs, in order, so that a wrong one is refused without asking anybody. Names of hosts among them
//! have to be looked up: then reading stops, says which, and begins again once that is known.
//!
//! Differs: `>` and a file send the output there, as the manual says; ntpdc 4.2.8p15 takes both for
//! arguments.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::ntpdc::command::{VOCABULARY, Verb};
use crate::ntpq::address::NetAddress;
use crate::ntpq::vocabulary::{Command, Kind};
use crate::ntpq::{self, reading};

/// A line that was understood.
#[derive(Clone, Debug)]
pub struct Line {
    /// The command.
    pub command: &'static Command<Verb>,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// The file that its output goes to instead of standard output.
    pub redirect: Option<String>,
}

/// An argument as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// As it was written.
    pub text: String,
    /// What it stands for.
    pub value: Value,
}

/// What an argument stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Itself.
    Text,
    /// A number.
    Unsigned(u32),
    /// A number.
    Signed(i32),
    /// An address.
    Address(IpAddr),
    /// Whether IPv6 addresses are meant, else IPv4.
    Ipv6(bool),
}

impl Line {
    /// The text of the argument in `place`.
    pub fn text(&self, place: usize) -> Option<&str> {
        self.arguments.get(place).map(|argument| argument.text.as_str())
    }

    /// The number in `place`.
    pub fn unsigned(&self, place: usize) -> Option<u32> {
        match self.arguments.get(place)?.value {
            Value::Unsigned(number) => Some(number),
            _ => None,
        }
    }

    /// The address in `place`.
    pub fn address(&self, place: usize) -> Option<IpAddr> {
        match self.arguments.get(place)?.value {
            Value::Address(address) => Some(address),
            _ => None,
        }
    }

    /// All addresses among the arguments.
    pub fn addresses(&self) -> Vec<IpAddr> {
        (0..self.arguments.len()).filter_map(|place| self.address(place)).collect()
    }

    /// Whether rows of this family are wanted.
    pub fn wants(&self, is_v6: bool) -> bool {
        match self.arguments.first() {
            Some(Argument { value: Value::Ipv6(v6), .. }) => *v6 == is_v6,
            Some(_) => false,
            None => true,
        }
    }

    /// The arguments as ntpq reads them.
    pub fn arguments_for_ntpq(&self) -> Vec<ntpq::command::Argument> {
        let of = |argument: &Argument| match argument.value {
            Value::Unsigned(number) => ntpq::command::Argument::Unsigned(number),
            Value::Signed(number) => ntpq::command::Argument::Signed(number),
            Value::Ipv6(is_v6) => ntpq::command::Argument::Ipv6(is_v6),
            Value::Text | Value::Address(_) => ntpq::command::Argument::Text(argument.text.clone()),
        };
        self.arguments.iter().map(of).collect()
    }
}

/// Where reading a line came to.
#[derive(Clone, Debug)]
pub enum Read {
    /// There is nothing on it.
    Nothing,
    /// It was understood.
    Line(Line),
    /// It was not; what is printed then.
    Refused(String),
    /// This name has to be looked up first.
    Locate(String),
}

/// Names that were looked up, each with its address where it has one.
#[derive(Clone, Debug, Default)]
pub struct Located {
    known: HashMap<String, Option<IpAddr>>,
}

impl Located {
    /// Keeps the address of `name`.
    pub fn insert(&mut self, name: String, address: Option<IpAddr>) {
        self.known.insert(name, address);
    }
}

/// Reads a line, with the names that were looked up for it.
pub fn read(text: &str, located: &Located) -> Read {
    read_or_stop(text, located).unwrap_or_else(|stop| stop)
}

fn read_or_stop(text: &str, located: &Located) -> Result<Read, Read> {
    let refused = |text: String| Err(Read::Refused(text));
    if text.len() > MAX_LINE {
        return refused(format!("***Command ignored, more than {MAX_LINE} characters:\n{text}\n"));
    }
    let end = text.find(['\n', '\r', '\0']).unwrap_or(text.len());
    let words = text.get(..end).unwrap_or_default().split([' ', '\t']);
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).take(MAX_TOKENS).collect();
    let Some((name, words)) = words.split_first() else { return Ok(Read::Nothing) };
    let command = match VOCABULARY.find(name) {
        Ok(command) => command,
        Err(why) => return refused(format!("***Command `{name}' {why}\n")),
    };
    let mut words = words.iter().copied().peekable();
    let mut arguments = Vec::new();
    for parameter in command.parameters {
        while parameter.kind == Kind::Address && words.next_if(|word| is_family(word)).is_some() {}
        let Some(word) = words.peek() else {
            if parameter.optional {
                break;
            }
            return refused(format!("{}\n", command.usage()));
        };
        if parameter.optional && word.starts_with('>') {
            break;
        }
        let value = value(word, parameter.kind, located)?;
        arguments.push(Argument { text: (*word).to_owned(), value });
        words.next();
    }
    // Options of new associations, flags, and for the rest nobody cares.
    while arguments.len() < MAX_ARGUMENTS
        && let Some(word) = words.next_if(|word| !word.starts_with('>'))
    {
        arguments.push(Argument { text: word.to_owned(), value: Value::Text });
    }
    let redirect = match words.next().and_then(|word| word.strip_prefix('>')) {
        Some("") => match words.next() {
            Some(file) => Some(file.to_owned()),
            None => return refused("***No file for redirect\n".to_owned()),
        },
        file => file.map(str::to_owned),
    };
    Ok(Read::Line(Line { command, arguments, redirect }))
}

fn is_family(word: &str) -> bool {
    matches!(word, "-4" | "-6")
}

fn value(word: &str, kind: Kind, located: &Located) -> Result<Value, Read> {
    let refused = |text: String| Read::Refused(text);
    match kind {
        Kind::Text => Ok(Value::Text),
        Kind::Unsigned => reading::unsigned(word.as_bytes())
            .map(Value::Unsigned)
            .ok_or_else(|| refused(format!("***Illegal unsigned value {word}\n"))),
        Kind::Signed => reading::signed(word.as_bytes())
            .map(Value::Signed)
            .ok_or_else(|| refused(format!("***Illegal integer value {word}\n"))),
        Kind::Family => match word {
            "-6" => Ok(Value::Ipv6(true)),
            "-4" => Ok(Value::Ipv6(false)),
            _ => Err(refused("***Version must be either 4 or 6\n".to_owned())),
        },
        Kind::Address => {
            if let Some(address) = NetAddress::read(word.as_bytes()) {
                return Ok(Value::Address(address.ip));
            }
            match located.known.get(word) {
                Some(Some(address)) => Ok(Value::Address(*address)),
                Some(None) => Err(refused(format!("***Can't find host {word}\n"))),
                None => Err(Read::Locate(word.to_owned())),
            }
        }
    }
}

/// Whether a host is written with a bracket that is not closed, which is no host's name.
pub fn is_unclosed(host: &str) -> bool {
    host.starts_with('[') && !host.contains(']')
}

/// Bytes that a line may have.
const MAX_LINE: usize = 511;

/// Arguments that are read, those that a command does not name among them.
const MAX_ARGUMENTS: usize = 14;

/// Words that are looked at.
const MAX_TOKENS: usize = 18;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        match read(text, &Located::default()) {
            Read::Line(line) => line,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn refused(text: &str) -> String {
        match read(text, &Located::default()) {
            Read::Refused(text) => text,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn arguments_are_read_by_kind() {
        let read = line("addtrap -6 fd00::7 99 -4 fd00::1");
        let address = |text: &str| Some(text.parse().unwrap());
        assert_eq!((read.address(0), read.unsigned(1)), (address("fd00::7"), Some(99)));
        assert_eq!(read.address(2), address("fd00::1"));
        assert_eq!(line("clockstat 127.127.1.0 127.127.20.1").addresses().len(), 2);
        assert!(line("peers -6").wants(true) && !line("peers -6").wants(false));
        assert!(line("peers").wants(false));
        assert_eq!(refused("peers 6"), "***Version must be either 4 or 6\n");
        assert_eq!(refused("trustedkey x"), "***Illegal unsigned value x\n");
        assert_eq!(refused("delay x"), "***Illegal integer value x\n");
        assert_eq!(refused("requestkey"), "usage: requestkey keyid\n");
        assert_eq!(refused("foo"), "***Command `foo' unknown\n");
        assert_eq!(refused("p"), "***Command `p' ambiguous\n");
    }

    #[test]
    fn what_a_command_does_not_name_is_text() {
        let read = line("addserver 192.0.2.1 minpoll 4 maxpoll 6 prefer");
        assert_eq!(read.arguments.len(), 6);
        assert_eq!(read.text(5), Some("prefer"));
        assert_eq!(line("sysinfo what ever").arguments.len(), 2);
    }

    #[test]
    fn names_are_looked_up_in_order() {
        let mut located = Located::default();
        let asked = |located: &Located| match read("showpeer 10.0.0.1 one two", located) {
            Read::Locate(name) => Some(name),
            _ => None,
        };
        assert_eq!(asked(&located).as_deref(), Some("one"));
        located.insert("one".to_owned(), Some("10.0.0.2".parse().unwrap()));
        assert_eq!(asked(&located).as_deref(), Some("two"));
        located.insert("two".to_owned(), None);
        let Read::Refused(text) = read("showpeer one two", &located) else { panic!() };
        assert_eq!(text, "***Can't find host two\n");
    }

    #[test]
    fn output_goes_where_it_is_sent() {
        assert_eq!(line("sysinfo > out").redirect.as_deref(), Some("out"));
        assert_eq!(line("showpeer 10.0.0.1 >out").redirect.as_deref(), Some("out"));
        assert_eq!(refused("peers >"), "***No file for redirect\n");
    }

    #[test]
    fn long_lines_are_refused_and_empty_ones_passed_over() {
        let long = "x".repeat(512);
        let text = refused(&long);
        assert!(text.starts_with("***Command ignored, more than 511 characters:\nxxx"));
        assert!(matches!(read(" \t\n", &Located::default()), Read::Nothing));
    }
}
