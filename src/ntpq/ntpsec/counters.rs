//! The detail commands in NTPsec's style: `sysinfo`, `sysstats`, `pstats` and the like.
//!
//! Which variables each shows, and how, says [`crate::model::vars::lists::ntpsec`]. All are asked for
//! by name together, and where the daemon does not know one of them, each alone.

use std::fmt::Write as _;

use crate::model::question::{Failure, Question};
use crate::model::reply::Reply;
use crate::model::vars::lists::{Line as Shows, Listing, Shown, ntpsec};
use crate::model::vars::{CookedNtpsec, Scope, Variable};
use crate::ntpq::address::NetAddress;
use crate::ntpq::command::{Counters, Line, Verb};
use crate::ntpq::counters::mode;
use crate::ntpq::job::{Answer, Job, Need, Step};
use crate::ntpq::ntpsec::associations::{Named, Naming};
use crate::ntpq::ntpsec::scale::{self, Unit};
use crate::ntpq::ntpsec::value::{self, Entry, Value, print_real};
use crate::ntpq::ntpsec::{cook, failure, names, reading};
use crate::ntpq::session::Session;
use crate::ntpq::text::{printable, printable_lines};
use crate::units::AssocId;
use crate::wire::mode6::ErrorCode;

/// A detail command.
#[derive(Debug)]
pub struct Details {
    /// What is still to be printed, the first of it at work.
    parts: Vec<Part>,
    /// What names the association, where one is wanted.
    argument: Option<String>,
    naming: Named,
    association: AssocId,
    stage: Stage,
    found: Found,
    looked_up: Vec<NetAddress>,
}

/// One table of a command.
#[derive(Clone, Copy, Debug)]
struct Part {
    listing: &'static Listing,
    /// Whether each value has beside it what was counted over another time.
    has_twins: bool,
    /// Whether only lines that have such twins, or none, belong to it.
    is_split: bool,
}

/// What was asked last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Association,
    All,
    /// Each alone.
    Singly,
    Names,
}

/// What the daemon answered.
#[derive(Debug, Default)]
struct Found {
    entries: Vec<Entry>,
    /// The last answer, as it is printed raw.
    raw: String,
}

impl Details {
    /// The command that `line` says.
    pub fn new(line: &Line) -> Self {
        let part = |listing, has_twins| Part { listing, has_twins, is_split: false };
        let parts = match line.command.verb {
            Verb::Counters(Counters::System) => vec![part(&ntpsec::SYSINFO, false)],
            Verb::Counters(Counters::Kernel) => vec![part(&ntpsec::KERNINFO, false)],
            // What has no twin is asked for apart from what has.
            Verb::Counters(Counters::Packets) => {
                vec![
                    Part { is_split: true, ..part(&ntpsec::SYSSTATS, false) },
                    Part { is_split: true, ..part(&ntpsec::SYSSTATS, true) },
                ]
            }
            Verb::Counters(Counters::Monitor) => vec![part(&ntpsec::MONSTATS, false)],
            Verb::Counters(Counters::Authentication) => vec![part(&ntpsec::AUTHINFO, false)],
            Verb::Counters(Counters::InputOutput) => vec![part(&ntpsec::IOSTATS, false)],
            Verb::Counters(Counters::Timer) => vec![part(&ntpsec::TIMERSTATS, false)],
            Verb::Counters(Counters::TimeSecurity) => vec![part(&ntpsec::NTSINFO, false)],
            Verb::Counters(Counters::SignedTime) => vec![part(&ntpsec::MSSNTPINFO, false)],
            _ => vec![part(&ntpsec::PSTATS, false)],
        };
        let is_of_peer = line.command.verb == Verb::PeerCounters;
        Self {
            parts,
            argument: is_of_peer.then(|| line.text(0).unwrap_or_default().to_owned()),
            naming: Named::default(),
            association: AssocId::SYSTEM,
            stage: Stage::Association,
            found: Found::default(),
            looked_up: Vec::new(),
        }
    }

    fn name(&mut self, session: &mut Session, answer: Option<&Answer>) -> Step {
        let Some(argument) = self.argument.clone() else { return self.ask(session) };
        if argument.is_empty() {
            session.complain("usage: pstats assocID\n");
            return Step::Done;
        }
        match self.naming.go_on(session, &[&argument], answer) {
            Naming::Need(step) => step,
            Naming::Wrong => Step::Done,
            Naming::Found(found) => {
                self.association = found.first().copied().unwrap_or(AssocId::SYSTEM);
                self.ask(session)
            }
        }
    }

    fn ask(&mut self, session: &mut Session) -> Step {
        let Some(part) = self.parts.first() else { return Step::Done };
        self.stage = Stage::All;
        let names = part.names();
        let question = Question::variables(self.association, names.iter().copied());
        Step::Need(session.ask(vec![question]))
    }

    fn take(&mut self, session: &mut Session, replies: Vec<Result<Reply, Failure>>) -> Step {
        let Some(part) = self.parts.first().copied() else { return Step::Done };
        if self.stage == Stage::Singly {
            return self.take_singly(session, part, &replies);
        }
        match replies.into_iter().next() {
            Some(Ok(reply)) => {
                self.found = Found {
                    entries: value::entries(reply.data()),
                    raw: printable_lines(reply.data()),
                };
                self.look_up(session, part)
            }
            Some(Err(Failure::Refused(ErrorCode::UnknownVariable))) => {
                failure::forget_key(session);
                session.complain("Unknown variable.  Trying one at a time.\n");
                self.stage = Stage::Singly;
                let one = |name: &&str| Question::variables(self.association, [*name]);
                let questions = part.names().iter().map(one).collect();
                Step::Need(session.ask(questions))
            }
            Some(Err(failure)) => {
                session.report(&failure, self.association);
                self.next(session)
            }
            None => Step::Done,
        }
    }

    /// Puts together what was asked for singly. What the daemon does not know has a mark in place
    /// of its value; anything else that goes wrong ends the program.
    fn take_singly(
        &mut self,
        session: &mut Session,
        part: Part,
        replies: &[Result<Reply, Failure>],
    ) -> Step {
        self.found = Found::default();
        let mark = if part.has_twins { UNKNOWN } else { "?" };
        for (name, reply) in part.names().iter().zip(replies) {
            match reply {
                Ok(reply) => {
                    self.found.entries.extend(value::entries(reply.data()));
                    self.found.raw = printable_lines(reply.data());
                }
                Err(Failure::Refused(ErrorCode::UnknownVariable)) => {
                    failure::forget_key(session);
                    self.found.raw.clear();
                    self.found.entries.push(Entry {
                        name: (*name).to_owned(),
                        value: Value::Text(mark.to_owned()),
                        raw: mark.to_owned(),
                    });
                }
                Err(failure) => {
                    session.report(failure, self.association);
                    return Step::Quit(0);
                }
            }
        }
        self.look_up(session, part)
    }

    fn look_up(&mut self, session: &mut Session, part: Part) -> Step {
        let lines = part.lines().filter(|line| line.shown == Shown::Socket);
        let family = session.ntpsec.family;
        let addresses: Vec<_> = lines
            .filter_map(|line| value::find(&self.found.entries, line.variable.name))
            .filter_map(|entry| names::address(&entry.raw, family))
            .collect();
        self.looked_up = session.names_needed(addresses);
        if self.looked_up.is_empty() || session.settings.raw {
            self.print(session, part);
            return self.next(session);
        }
        self.stage = Stage::Names;
        Step::Need(Need::Names(self.looked_up.clone()))
    }

    fn next(&mut self, session: &mut Session) -> Step {
        if !self.parts.is_empty() {
            self.parts.remove(0);
        }
        self.ask(session)
    }

    fn print(&self, session: &mut Session, part: Part) {
        if session.settings.raw {
            return session.print(&self.found.raw);
        }
        let mut text = String::new();
        if part.listing.with_status {
            let scope =
                if self.association == AssocId::SYSTEM { Scope::System } else { Scope::Peer };
            let status = reading::status(scope, session.ntpsec.status);
            text = format!("associd={} {status},\n", self.association);
        }
        let mut periods = Periods::of(part.has_twins);
        for line in part.lines() {
            let label = format!("{:width$}", line.label, width = part.listing.label_width);
            if let Some(value) = value::find(&self.found.entries, line.variable.name) {
                let twin = line.variable.twin().filter(|_| part.has_twins);
                let twin = twin.and_then(|twin| value::find(&self.found.entries, twin.name));
                let shown = if part.has_twins {
                    counted(line, &label, [Some(value), twin], &mut periods)
                } else {
                    shown(line, &label, value, &mut periods, session)
                };
                text.push_str(&shown);
            }
        }
        session.print(&text);
    }
}

impl Job for Details {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match (answer, self.stage) {
            (answer, Stage::Association) => self.name(session, answer.as_ref()),
            (Some(Answer::Replies(replies)), _) => self.take(session, replies),
            (Some(Answer::Names(found)), _) => {
                session.take_names(&self.looked_up, found);
                if let Some(part) = self.parts.first().copied() {
                    self.print(session, part);
                }
                self.next(session)
            }
            _ => Step::Done,
        }
    }
}

impl Part {
    fn lines(self) -> impl Iterator<Item = &'static Shows> {
        let belongs =
            move |line: &&Shows| !self.is_split || line.variable.twin().is_some() == self.has_twins;
        self.listing.lines.iter().filter(belongs)
    }

    /// What is asked for: the values, and behind them their twins.
    fn names(self) -> Vec<&'static str> {
        let variables = self.lines().map(|line| line.variable);
        let twins = self.lines().filter_map(|line| line.variable.twin());
        let twins = twins.filter(|_| self.has_twins);
        variables.chain(twins).map(|variable| variable.name).collect()
    }
}

/// Over which time counts are: for a count and for its twin.
#[derive(Debug)]
struct Periods([Option<f64>; 2]);

impl Periods {
    const fn of(has_twins: bool) -> Self {
        Self(if has_twins { [None, None] } else { [Some(1.0), None] })
    }
}

/// A line of a table.
fn shown(
    line: &Shows,
    label: &str,
    entry: &Entry,
    periods: &mut Periods,
    session: &Session,
) -> String {
    let value = &entry.value;
    let text = match (line.shown, value) {
        (Shown::Mode, Value::Integer(number)) => {
            let number = u32::try_from(*number).unwrap_or(u32::MAX);
            return format!("{label}  {}\n", mode(number));
        }
        (Shown::Uptime | Shown::Packets, _) => {
            return counted(line, label, [Some(entry), None], periods);
        }
        (Shown::Socket | Shown::Host, _) if session.settings.hostnames => {
            names::name(session, &entry.raw, session.ntpsec.family)
        }
        (Shown::Text, Value::Text(text)) if text.is_empty() => return String::new(),
        (Shown::Text, Value::Integer(0)) => return String::new(),
        (Shown::Timestamp, Value::Text(text)) => {
            cook::date(text, session.now).unwrap_or_else(|| value.to_string())
        }
        (Shown::Leap, Value::Integer(bits @ 0..=3)) => format!("{bits:02b}"),
        (Shown::Number, _) if session.ntpsec.units => scaled(line.variable, &entry.raw),
        _ => value.to_string(),
    };
    format!("{label:>13} {text:>13}\n")
}

/// A number with its unit, where it has one.
fn scaled(variable: &Variable, raw: &str) -> String {
    let unit = match variable.cooked_ntpsec {
        CookedNtpsec::Milliseconds => Some(Unit::MILLISECOND),
        CookedNtpsec::Seconds => Some(Unit::SECOND),
        CookedNtpsec::Ppm => Some(Unit::PPM),
        _ => None,
    };
    let scaled = unit.and_then(|unit| scale::scaled(raw, unit, Some(8)));
    printable(scaled.as_deref().unwrap_or(raw).as_bytes()).into_owned()
}

/// A line with a time or a count, and with its twin where there are such.
fn counted(
    line: &Shows,
    label: &str,
    values: [Option<&Entry>; 2],
    periods: &mut Periods,
) -> String {
    let has_twins = periods.0[1].is_some() || values[1].is_some();
    let values = values.iter().take(if has_twins { 2 } else { 1 });
    let mut text = format!("{label:<13}");
    let mut rates = String::new();
    for (value, period) in values.zip(&mut periods.0) {
        let value = value.map(|entry| &entry.value);
        // Writing to a string cannot fail.
        let _ = if line.shown == Shown::Uptime {
            let (seconds, shown) = time(value);
            *period = seconds;
            write!(text, " {shown:>13}")
        } else if line.shown == Shown::Packets {
            let (count, rate, unit) = rate(value, *period);
            let _ = write!(rates, " {rate:>10}{unit:<3}");
            write!(text, " {count:>13}")
        } else {
            let shown = value.map_or_else(|| UNKNOWN.to_owned(), Value::to_string);
            write!(text, " {shown:>13}")
        };
    }
    format!("{text}{rates}\n")
}

/// A span in days, hours, minutes and seconds, with the seconds that it is.
#[expect(clippy::cast_possible_truncation, reason = "as Python cuts a real number")]
fn time(value: Option<&Value>) -> (Option<f64>, String) {
    let Some(seconds) = value.and_then(Value::number).filter(|seconds| seconds.is_finite()) else {
        return (None, UNKNOWN.to_owned());
    };
    let whole = seconds.round_ties_even();
    let all = whole as i64;
    let days = if all >= DAY { format!("{}D ", all / DAY) } else { String::new() };
    let rest = all.rem_euclid(DAY);
    let text = format!("{days}{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    (Some(whole), text)
}

/// A count, how many of it there were in a second or how many seconds one took, and which of both.
#[expect(clippy::cast_precision_loss, reason = "as Python divides whole numbers")]
fn rate(value: Option<&Value>, period: Option<f64>) -> (String, String, &'static str) {
    let Some(count) = value.and_then(Value::integer) else {
        return (UNKNOWN.to_owned(), String::new(), "");
    };
    let packets = count as f64;
    match period {
        // Differs: in no time at all Python divides by zero, which ends it.
        Some(period) if count != 0 && period.abs() > 0.0 => {
            if packets > period {
                let rate = (packets / period).round_ties_even();
                (count.to_string(), print_real(rate), "p/s")
            } else {
                let rate = (period / packets).round_ties_even();
                (count.to_string(), print_real(rate), "s/p")
            }
        }
        _ => (count.to_string(), String::new(), ""),
    }
}

/// What stands for a value that the daemon does not tell.
const UNKNOWN: &str = "???";

/// Seconds of a day.
const DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    // As NTPsec's ntpq 1.2.2 printed them.
    #[test]
    fn spans_and_rates_are_pythons() {
        let shown = |seconds: f64| time(Some(&Value::Real(seconds))).1;
        for (seconds, printed) in [
            (0.0, "00:00:00"),
            (86_399.0, "23:59:59"),
            (200_000.5, "2D 07:33:20"),
            (-5.0, "23:59:55"),
            (2.5, "00:00:02"),
            (3.5, "00:00:04"),
        ] {
            assert_eq!(shown(seconds), printed);
        }
        assert_eq!(time(Some(&Value::Text("x".into()))), (None, "???".into()));
        let shown = |count, period| {
            let (count, rate, unit) = rate(Some(&Value::Integer(count)), period);
            format!("{count} {rate} {unit}")
        };
        assert_eq!(shown(5, Some(90.0)), "5 18.0 s/p");
        assert_eq!(shown(97, Some(90.0)), "97 1.0 p/s");
        assert_eq!(shown(138, Some(90.0)), "138 2.0 p/s");
        assert_eq!(shown(0, Some(90.0)), "0  ");
        assert_eq!(shown(4, None), "4  ");
        assert_eq!(shown(4, Some(0.0)), "4  ");
    }
}
