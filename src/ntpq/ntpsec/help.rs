//! `help` in NTPsec's style: the list of commands in columns, as Python lays it out.
//!
//! Differs: what a command does is told in words of our own.

use std::fmt::Write as _;

use crate::line::beginning::{self, Unfound};
use crate::ntpq::command::Verb;
use crate::ntpq::ntpsec::line::{END_OF_INPUT, commands};
use crate::ntpq::session::Session;
use crate::ntpq::text::printable;
use crate::ntpq::vocabulary::Command;

/// Prints the list, or what there is to say of one command.
pub fn print(session: &mut Session, topic: Option<&str>) {
    let Some(topic) = topic else {
        return session.print(&list());
    };
    let exact = commands().find(|command| command.name == topic);
    let told = commands().filter(|command| has_text(command));
    let found = match exact {
        Some(exact) => Some(exact),
        None => match beginning::find(told.map(|command| (command.name, command)), topic) {
            Ok(near) => Some(near),
            Err(Unfound::Unknown) => None,
            Err(why @ Unfound::Ambiguous) => {
                let topic = printable(topic.as_bytes());
                return session.complain(&format!("Command `{topic}' is {why}.\n"));
            }
        },
    };
    let name = found.map_or(topic, |command| command.name);
    let text = match found.filter(|command| !command.name.contains([':', '-'])) {
        Some(command) if has_text(command) => command.explanation(),
        Some(command) => format!("{}\n", command.help),
        None => format!("*** No help on {}\n", printable(name.as_bytes())),
    };
    session.print(&text);
}

/// Whether there is more than a sentence on it.
pub fn has_text(command: &Command<Verb>) -> bool {
    command.name != END_OF_INPUT && command.name != "logfile"
}

/// The names in as few rows as they fit into, read downwards.
fn list() -> String {
    let listed = commands().filter(|command| command.name != LATER);
    let mut names: Vec<&str> = listed.map(|command| command.name).collect();
    names.sort_unstable();
    let mut rows = 1;
    let widths = loop {
        let columns = names.chunks(rows);
        let width = |column: &[&str]| column.iter().map(|name| name.len()).max().unwrap_or(0);
        let widths: Vec<usize> = columns.map(width).collect();
        let all: usize = widths.iter().map(|width| width + BETWEEN).sum();
        if all <= SCREEN + BETWEEN || rows >= names.len() {
            break widths;
        }
        rows += 1;
    };
    let mut text = format!("\n{HEADER}\n{}\n", "=".repeat(HEADER.len()));
    for row in 0..rows {
        let cells = names.iter().skip(row).step_by(rows).zip(&widths);
        let cells: Vec<_> = cells.map(|(name, width)| format!("{name:width$}")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", cells.join("  "));
    }
    text.push('\n');
    text
}

const HEADER: &str = "Documented commands (type help <topic>):";

/// A command that NTPsec's ntpq has since 1.2.3, which is in no list of 1.2.2's.
pub const LATER: &str = "mssntpinfo";

const SCREEN: usize = 79;

const BETWEEN: usize = 2;
