//! The lists that are told to those who have a key, in NTPsec's style: interfaces and restrictions.
//!
//! A row that lacks something, or has a sign in it that is not to be expected, is left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::question::Question;
use crate::model::reply::Reply;
use crate::ntpq::command::{Line, Verb};
use crate::ntpq::job::{Answer, Job, Step};
use crate::ntpq::keys::Prompted;
use crate::ntpq::ntpsec::keys::KeyPrompt;
use crate::ntpq::ntpsec::value::{self, Value};
use crate::ntpq::session::Session;
use crate::ntpq::text::{cut, printable_lines};
use crate::units::AssocId;
use crate::wire::mode6::{INTERFACE_LIST, RESTRICTION_LIST};

/// Asks for a list and prints it.
#[derive(Debug)]
pub struct List {
    key: KeyPrompt,
    is_interfaces: bool,
}

impl List {
    /// The list that `line` asks for.
    pub fn new(line: &Line) -> Self {
        Self { key: KeyPrompt::new(), is_interfaces: line.command.verb == Verb::Interfaces }
    }

    fn print(&self, session: &mut Session, reply: &Reply) {
        if session.settings.raw {
            return session.print(&format!("{}\n", printable_lines(reply.data())));
        }
        let (header, row): (_, fn(u32, &Fields) -> Option<String>) =
            if self.is_interfaces { (INTERFACES, interface) } else { (RESTRICTIONS, restriction) };
        let mut text = header.to_owned();
        for (number, fields) in &rows(reply.data()) {
            let row = row(*number, fields);
            text.push_str(&row.filter(|row| is_plain(row, self.is_interfaces)).unwrap_or_default());
        }
        session.print(&text);
    }
}

impl Job for List {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        let Some(Answer::Replies(replies)) = answer else {
            let name = if self.is_interfaces { INTERFACE_LIST } else { RESTRICTION_LIST };
            return match self.key.go_on(session, answer) {
                Prompted::Need(need) => Step::Need(need),
                Prompted::Ready => Step::Need(session.ask(vec![Question::ordered_list(name)])),
                Prompted::Failed => Step::Done,
            };
        };
        match replies.into_iter().next() {
            Some(Ok(reply)) => self.print(session, &reply),
            Some(Err(failure)) => session.report(&failure, AssocId::SYSTEM),
            None => {}
        }
        Step::Done
    }
}

/// The values of one row.
#[derive(Debug, Default)]
struct Fields(BTreeMap<String, Value>);

impl Fields {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// The rows by number, `name.3` being `name` of row 3.
fn rows(data: &[u8]) -> BTreeMap<u32, Fields> {
    let mut rows: BTreeMap<u32, Fields> = BTreeMap::new();
    for entry in value::entries(data) {
        let numbered = entry.name.split_once('.');
        let Some((name, Ok(number))) = numbered.map(|(name, n)| (name, n.parse())) else {
            continue;
        };
        rows.entry(number).or_default().0.insert(name.to_owned(), entry.value);
    }
    rows
}

fn interface(number: u32, fields: &Fields) -> Option<String> {
    let whole = |name: &str| match fields.get(name)? {
        Value::Integer(number) => Some(*number),
        #[expect(clippy::cast_possible_truncation, reason = "as Python cuts a real number")]
        Value::Real(number) => Some(*number as i128),
        Value::Text(_) => None,
    };
    let name = fields.get("name")?.to_string();
    let is_enabled = fields.get("en").is_some_and(is_true);
    let mut text = format!(
        "{number:3} {:24} {} {:4x} {:6} {:6} {:6} {:5} {:8}\n    {}\n",
        cut(&name, 24),
        if is_enabled { '.' } else { 'D' },
        fields.get("flags")?.integer()?,
        whole("rx")?,
        whole("tx")?,
        whole("txerr")?,
        whole("pc")?,
        whole("up")?,
        fields.get("addr")?,
    );
    if let Some(broadcast) = fields.get("bcast").filter(|value| is_true(value)) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    {broadcast}");
    }
    Some(text)
}

/// Whether Python takes it for true.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Integer(number) => *number != 0,
        Value::Real(number) => number.abs() > 0.0 || number.is_nan(),
        Value::Text(text) => !text.is_empty(),
    }
}

fn restriction(_: u32, fields: &Fields) -> Option<String> {
    let mask = fields.get("mask")?.to_string();
    let (separator, base) = if mask.contains(':') { (':', 16) } else { ('.', 10) };
    let mut ones = 0;
    for part in mask.split(separator).filter(|part| !part.is_empty()) {
        ones += u32::from_str_radix(part, base).ok()?.count_ones();
    }
    Some(format!(
        "{:>10} {}/{ones}\n           {}\n",
        fields.get("hits")?,
        fields.get("addr")?,
        fields.get("flags")?
    ))
}

/// Whether a row has only such signs in it as are to be expected.
fn is_plain(row: &str, of_interface: bool) -> bool {
    let more = if of_interface { "/.:[] \\%\n" } else { "/.: \n" };
    row.chars().all(|sign| sign.is_ascii_alphanumeric() || more.contains(sign))
}

const INTERFACES: &str = "    interface name                                  send
 #  address/broadcast     drop flag received sent failed peers   uptime
 ==========================================================================
";

const RESTRICTIONS: &str = "   hits    addr/prefix or addr mask
           restrictions
========================================================================
";
