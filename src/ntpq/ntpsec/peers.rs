//! The tables of peers in NTPsec's style.

use std::fmt::Write as _;

use crate::model::question::Failure;
use crate::model::reply::Reply;
use crate::model::vars::{Variable, peer};
use crate::ntpq::address::NetAddress;
use crate::ntpq::associations::{FIRST_VERSION, old_tally};
use crate::ntpq::command::Columns;
use crate::ntpq::job::Family;
use crate::ntpq::ntpsec::cook;
use crate::ntpq::ntpsec::names;
use crate::ntpq::ntpsec::scale::{self, Unit};
use crate::ntpq::ntpsec::value::{self, Entry, Value};
use crate::ntpq::session::Session;
use crate::ntpq::text::{cut, printable};
use crate::units::AssocId;
use crate::wire::mode6::status::PeerStatus;

/// The address that is to be looked up for the row of this reply.
pub fn looked_up(reply: &Reply, columns: Columns, session: &Session) -> Option<NetAddress> {
    let row = Row::read(reply, columns, session);
    match row.remote(session) {
        Remote::Address(address) => NetAddress::read(address.as_bytes()),
        Remote::Name(_) => None,
    }
}

/// Prints the table: a row for each association that was answered for, up to the first that was not.
pub fn print(
    session: &mut Session,
    columns: Columns,
    asked: &[AssocId],
    answers: &[Result<Reply, Failure>],
) {
    let slack = slack(session);
    let rule = usize::try_from(RULE + slack).unwrap_or(0);
    let hosts = session.hosts.iter().map(|host| host.chars().count()).max();
    let host_width = hosts.filter(|_| session.has_several_hosts());
    let mut text = String::new();
    if let Some(width) = host_width {
        // Writing to a string cannot fail.
        let _ = write!(text, "{:width$} ", cut("server", width + 1));
    }
    text.push_str(&header(columns, name_width(session)));
    text.push('\n');
    text.push_str(&"=".repeat(host_width.map_or(0, |width| width + 1)));
    text.push_str(&"=".repeat(rule));
    text.push('\n');
    session.print(&text);
    for (id, answer) in asked.iter().zip(answers) {
        match answer {
            Ok(reply) if reply.data().is_empty() => {
                let text = format!("***No information returned for association {id}\n");
                let server = if host_width.is_some() {
                    format!("server={} \n", session.host_name())
                } else {
                    String::new()
                };
                session.complain(&format!("{server}{text}"));
            }
            Ok(reply) => {
                if let Some(width) = host_width {
                    let host = session.host_name();
                    let pad = (width + 1).saturating_sub(host.chars().count());
                    session.print(&format!("{}{:pad$}", end_of(&host, width), ""));
                }
                let row = Row::read(reply, columns, session);
                let text = row.print(columns, *id, PeerStatus::from_bits(reply.status), session);
                session.print(&text);
            }
            Err(failure) => return session.report(failure, *id),
        }
    }
}

/// How many columns more, or fewer, than a terminal of the usual width there are.
fn slack(session: &Session) -> i32 {
    let width = if session.ntpsec.width == 0 { USUAL } else { session.ntpsec.width };
    width.saturating_sub(USUAL).min(MOST_SLACK)
}

fn name_width(session: &Session) -> i32 {
    slack(session).saturating_add(NAME)
}

fn header(columns: Columns, name_width: i32) -> String {
    let width = usize::try_from(name_width).unwrap_or(0);
    let (middle, last) = match columns {
        Columns::NameLast => return NAME_LAST_HEADER.to_owned(),
        Columns::Usual => ("       refid      ", "jitter"),
        Columns::Associations => ("   refid   assid  ", "jitter"),
        Columns::Old => ("       local      ", "  disp"),
    };
    format!("{:width$}{middle}st t when poll reach   delay   offset   {last}", "     remote    ")
}

/// What a row is made of.
#[derive(Debug)]
struct Row {
    entries: Vec<Entry>,
    /// What the second column shows.
    second: String,
    /// Seconds since the last packet, or since the source's clock was set: whichever the daemon
    /// tells last.
    age: Option<i64>,
}

/// What the column of names shows.
enum Remote {
    /// An address, to be looked up.
    Address(String),
    /// A name.
    Name(String),
}

impl Row {
    fn read(reply: &Reply, columns: Columns, session: &Session) -> Self {
        let mut row =
            Self { entries: value::entries(reply.data()), second: String::new(), age: None };
        let second = if columns == Columns::Old { &peer::DESTINATION } else { &peer::REFERENCE_ID };
        for entry in &row.entries {
            if entry.name == second.name {
                row.second.clone_from(&entry.raw);
            }
            if [peer::RECEIVE.name, peer::REFERENCE_TIME.name].contains(&entry.name.as_str()) {
                row.age = age(&entry.value, session.now).or(row.age);
            }
        }
        row
    }

    /// The last in the reply of those called so.
    fn last(&self, variables: &[&Variable]) -> Option<&Entry> {
        let is_called = |entry: &&Entry| variables.iter().any(|v| v.name == entry.name);
        self.entries.iter().rfind(is_called)
    }

    fn integer(&self, variable: &Variable, otherwise: i128) -> i128 {
        let entry = value::find(&self.entries, variable.name);
        entry.and_then(|entry| entry.value.integer()).unwrap_or(otherwise)
    }

    fn text(&self, variable: &Variable) -> Option<String> {
        value::find(&self.entries, variable.name).map(|entry| entry.value.to_string())
    }

    fn remote(&self, session: &Session) -> Remote {
        let source = self.text(&peer::SOURCE);
        let host = self.text(&peer::SOURCE_HOST);
        let is_address = source.as_deref().is_some_and(|source| {
            source != "0.0.0.0" && source != "::" && !source.starts_with("127.127")
        });
        let given = host.clone().filter(|host| session.ntpsec.supplied_names && !host.is_empty());
        match (source, given.filter(|_| is_address)) {
            (_, Some(name)) => Remote::Name(name),
            (Some(source), None) if is_address && session.settings.hostnames => {
                Remote::Address(source)
            }
            (Some(source), None) if is_address => Remote::Name(source),
            (source, None) => Remote::Name(host.or(source).unwrap_or_default()),
        }
    }

    /// The `t` column: by the daemon's mode.
    fn kind(&self) -> char {
        let source = self.text(&peer::SOURCE).unwrap_or_default();
        let is_multicast = source.starts_with("224.");
        let cookies = self.integer(&peer::NTS_COOKIES, -1);
        match self.integer(&peer::HOST_MODE, 0) {
            1 => 's',
            2 => 'S',
            3 if self.text(&peer::SOURCE_HOST).is_some_and(|host| host.contains('(')) => 'l',
            3 if self.second == "POOL" => 'p',
            3 if is_multicast => 'a',
            3 => match u32::try_from(cookies) {
                Ok(cookies) => {
                    let sign = cookies.checked_add(u32::from('0')).and_then(char::from_u32);
                    sign.filter(|sign| !sign.is_control()).unwrap_or('?')
                }
                Err(_) => 'u',
            },
            5 if is_multicast => 'M',
            5 => 'B',
            6 => 'b',
            _ => '?',
        }
    }

    fn poll(&self) -> i128 {
        let exponent = |variable| match self.integer(variable, 0) {
            exponent if exponent < 0 => LEAST_POLL,
            exponent => exponent,
        };
        let exponent = exponent(&peer::PEER_POLL).min(exponent(&peer::HOST_POLL));
        u32::try_from(exponent).ok().and_then(|by| 1_i128.checked_shl(by)).unwrap_or(i128::MAX)
    }

    /// The row, from the tally on.
    fn print(
        &self,
        columns: Columns,
        id: AssocId,
        status: PeerStatus,
        session: &Session,
    ) -> String {
        let tally = match session.ntpsec.version {
            FIRST_VERSION => old_tally(status),
            _ => status.tally().character(),
        };
        let mut row = String::new();
        if columns != Columns::NameLast {
            row.push_str(&self.print_name(tally, session));
            row.push_str(&self.print_second(columns, id));
        }
        let last = match columns {
            Columns::Old => &[&peer::ROOT_DISPERSION, &peer::DISPERSION][..],
            _ if value::find(&self.entries, peer::JITTER.name).is_some() => &[&peer::JITTER],
            _ => &[&peer::ROOT_DISPERSION, &peer::DISPERSION],
        };
        let delay = value::find(&self.entries, peer::DELAY.name);
        // Daemons that count in nanoseconds write six digits behind the point.
        let is_fine = delay.is_some_and(|delay| {
            let raw = delay.raw.as_bytes();
            raw.len().checked_sub(7).and_then(|at| raw.get(at)) == Some(&b'.')
        });
        let number = |variables: &[&Variable]| number(self.last(variables), is_fine, session);
        // Writing to a string cannot fail.
        let _ = writeln!(
            row,
            " {:2} {} {:>4} {:>4}  {:3o} {} {} {}",
            self.integer(&peer::STRATUM, NO_STRATUM),
            self.kind(),
            cut(&interval(self.age.map_or(0, i128::from)), 4),
            cut(&interval(self.poll()), 4),
            self.integer(&peer::REACH, 0),
            number(&[&peer::DELAY]),
            number(&[&peer::OFFSET]),
            number(last),
        );
        row
    }

    fn print_name(&self, tally: char, session: &Session) -> String {
        let name = match self.remote(session) {
            Remote::Address(address) => names::name(session, &address, Family::Any),
            Remote::Name(name) => name,
        };
        let width = name_width(session);
        let length = i32::try_from(name.chars().count()).unwrap_or(i32::MAX);
        if session.settings.wide && length > width {
            let indent = usize::try_from(width + 2).unwrap_or(0);
            return format!("{tally}{name}\n{:indent$}", "");
        }
        // A width below zero is a width all the same, and leaves no room for letters.
        let room = usize::try_from(width).unwrap_or(0);
        let filled = usize::try_from(width.unsigned_abs()).unwrap_or(0);
        format!("{tally}{:filled$} ", cut(&name, room))
    }

    fn print_second(&self, columns: Columns, id: AssocId) -> String {
        let plain = printable(self.second.as_bytes());
        let is_address = plain.contains(['.', ':']);
        let dotted = if is_address { plain.into_owned() } else { format!(".{plain}.") };
        let is_short = columns != Columns::Associations || dotted.len() < SECOND - ID;
        let shown = if is_short { dotted.as_str() } else { "..." };
        let text = end_of(shown, SECOND);
        if columns == Columns::Associations {
            let pad = (SECOND + 1 - ID).saturating_sub(shown.len());
            format!("{text}{:pad$}{:<6}", "", id.get())
        } else {
            let pad = SECOND.saturating_sub(shown.len());
            format!("{text}{:pad$}", "")
        }
    }
}

/// Whole seconds from a timestamp to `now`; `None` where it is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "as Python cuts a number of seconds"
)]
fn age(value: &Value, now: i64) -> Option<i64> {
    let Value::Text(text) = value else { return None };
    let stamp = cook::timestamp(text)?;
    Some((now as f64 - cook::unix_seconds(stamp, now)) as i64)
}

/// A span in the largest unit that keeps the number short. What was rounded on the way is not
/// rounded off.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "as Python divides and cuts"
)]
fn interval(seconds: i128) -> String {
    if seconds <= 0 {
        return "-".to_owned();
    }
    if seconds <= 2048 {
        return seconds.to_string();
    }
    let minutes = (seconds as f64 + 29.0) / 60.0;
    if minutes <= 300.0 {
        return format!("{}m", minutes as i64);
    }
    let hours = (minutes + 29.0) / 60.0;
    if hours <= 96.0 {
        return format!("{}h", hours as i64);
    }
    format!("{}d", ((hours + 11.0) / 24.0) as i128)
}

/// A number in eight columns.
fn number(entry: Option<&Entry>, is_fine: bool, session: &Session) -> String {
    if session.ntpsec.units {
        let raw = entry.map_or(".", |entry| &entry.raw);
        let scaled = scale::scaled(raw, Unit::MILLISECOND, Some(NUMBER));
        return printable(scaled.as_deref().unwrap_or(raw).as_bytes()).into_owned();
    }
    let Some(entry) = entry else { return format!("{:>NUMBER$}", ".") };
    match entry.value.number() {
        Some(number) => fitted(number, is_fine),
        None => format!("{:>NUMBER$}", entry.value),
    }
}

/// With as many digits behind the point as there is room for: at most four of a fine number, else
/// three.
fn fitted(number: f64, is_fine: bool) -> String {
    if number.is_nan() {
        return format!("{:>NUMBER$}", "nan");
    }
    let most = if is_fine { 4 } else { 3 };
    // The sign takes the place of a digit.
    let (size, digits) = if number >= 0.0 { (number, 7) } else { (-number, 6) };
    let mut bound = if is_fine { 1e-4 } else { 1e-3 } * 10_f64.powi(digits);
    for decimals in (1..=most).rev() {
        if size < bound {
            return format!("{number:NUMBER$.decimals$}");
        }
        bound *= 10.0;
    }
    format!("{:NUMBER$.0}", number.trunc())
}

/// The end of a text, with a `-` before it where something is missing.
fn end_of(text: &str, width: usize) -> String {
    let excess = text.chars().count().saturating_sub(width);
    if excess == 0 {
        return text.to_owned();
    }
    format!("-{}", text.chars().skip(excess + 1).collect::<String>())
}

/// Columns of a terminal of the usual width.
const USUAL: i32 = 80;

/// Columns of the line below the header there.
const RULE: i32 = 79;

/// Columns that the names are given at most besides.
const MOST_SLACK: i32 = 24;

/// Columns of the names.
const NAME: i32 = 15;

/// Columns of the reference ID or the local address.
const SECOND: usize = 15;

/// Those of them that an association's number takes.
const ID: usize = 7;

/// Columns of a number.
const NUMBER: usize = 8;

const NO_STRATUM: i128 = 20;

const LEAST_POLL: i128 = 4;

const NAME_LAST_HEADER: &str =
    " st t when poll reach   delay   offset   jitter refid           T remote";

#[cfg(test)]
mod tests {
    use super::*;

    // As NTPsec's ntpq 1.2.2 printed them.
    #[test]
    fn numbers_have_as_many_digits_as_there_is_room_for() {
        for (number, is_fine, printed) in [
            (0.0657, true, "  0.0657"),
            (999.99999, true, "1000.0000"),
            (1000.0, true, "1000.000"),
            (62.5726, true, " 62.5726"),
            (15937.5, true, "15937.50"),
            (1_234_567.0, true, " 1234567"),
            (-99.99, true, "-99.9900"),
            (-100.0, true, "-100.000"),
            (-0.0, true, " -0.0000"),
            (0.021, false, "   0.021"),
            (9999.0, false, "9999.000"),
            (16000.0, false, "16000.00"),
            (-1000.0, false, "-1000.00"),
            (-100_000.0, false, " -100000"),
        ] {
            assert_eq!(fitted(number, is_fine), printed, "{number}");
        }
    }

    #[test]
    fn spans_are_as_short_as_can_be() {
        for (seconds, printed) in [
            (0, "-"),
            (2048, "2048"),
            (2049, "34m"),
            (4096, "68m"),
            (18_001, "5h"),
            (345_600, "4d"),
            (1 << 20, "12d"),
            (1 << 99, "7335940973542993857347584d"),
        ] {
            assert_eq!(interval(seconds), printed);
        }
    }
}
