//! `mrulist` in NTPsec's style: who asked the daemon most recently. The walk itself is [`MruWalk`](crate::control::mru::MruWalk)'s.
//!
//! Differs: NTPsec's ntpq prints nothing of a list that it could not read to its end, unless it was
//! interrupted; here what was read is printed, and said to be partial.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::net::IpAddr;

use crate::control::mru::{Ending, Stop};
use crate::model::identity::Dialect;
use crate::model::mru::MruEntry;
use crate::model::question::Failure;
use crate::model::reply::Reply;
use crate::ntpq::address::NetAddress;
use crate::ntpq::command::Line;
use crate::ntpq::job::{Answer, HostName, Job, Step};
use crate::ntpq::listing::Listing;
use crate::ntpq::ntpsec::cook;
use crate::ntpq::ntpsec::value::Value;
use crate::ntpq::session::Session;
use crate::ntpq::text::{printable, printable_lines};
use crate::units::{AssocId, Mono, NtpTimestamp};

/// The table of those who asked.
#[derive(Debug)]
pub struct MruTable {
    argument: String,
    order: Option<Order>,
    listing: Listing,
    /// When the first answer came, and the last.
    began: Option<Mono>,
    ended: Mono,
}

/// By what entries are ordered; without, as the daemon has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    OldestFirst,
    Interval { largest_first: bool },
    Address { largest_first: bool },
    Count { largest_first: bool },
    Score { largest_first: bool },
    Dropped { largest_first: bool },
}

impl MruTable {
    /// What `line` says.
    pub fn new(line: &Line) -> Self {
        Self {
            argument: line.text(0).unwrap_or_default().to_owned(),
            order: None,
            listing: Listing::new(Vec::new()),
            began: None,
            ended: Mono::default(),
        }
    }

    fn begin(&mut self, session: &mut Session) -> Step {
        if !session.ntpsec.direct {
            session.print("Ctrl-C will stop MRU retrieval and display partial results.\n");
        }
        match parameters(&self.argument) {
            Ok((order, parameters)) => {
                self.order = order;
                self.listing = Listing::new(parameters);
                self.go_on(session, Mono::default())
            }
            Err(complaint) => {
                session.complain(&format!("{complaint}\n"));
                Step::Done
            }
        }
    }

    fn go_on(&mut self, session: &mut Session, now: Mono) -> Step {
        self.listing.ask(session, now).unwrap_or_else(|| self.end(session))
    }

    fn take_replies(
        &mut self,
        session: &mut Session,
        replies: Vec<Result<Reply, Failure>>,
    ) -> Step {
        let Some(at) = self.listing.take_replies(session, replies) else { return Step::Done };
        self.began.get_or_insert(at);
        self.go_on(session, at)
    }

    fn take_piece(
        &mut self,
        session: &mut Session,
        at: Mono,
        result: Result<Reply, Failure>,
        part: Option<&Reply>,
    ) -> Step {
        if session.settings.raw
            && let Ok(reply) = &result
        {
            let text = printable_lines(reply.data()).replace(",\r\n", ",\n");
            session.print(&text.replace('\'', "\""));
        }
        self.ended = at;
        self.listing.walk.answered(at, result, part);
        self.go_on(session, at)
    }

    /// Says how the walk ended, and begins the table where there is one.
    fn end(&mut self, session: &mut Session) -> Step {
        let stop = match self.listing.walk.ending() {
            Some(Ending::Partial(stop)) => Some(stop.clone()),
            _ => None,
        };
        if let Some(stop) = stop {
            complain(session, &stop);
            if self.listing.walk.list().is_empty() && stop != Stop::Interrupted {
                return Step::Done;
            }
            if stop != Stop::Interrupted {
                session.complain(&format!("***The list is not complete: {stop}\n"));
            } else if !session.ntpsec.direct && !session.settings.raw {
                session.print(INTERRUPTED);
            }
        }
        if session.records() {
            self.listing.record(session, &self.ordered(false, session.now));
            return Step::Done;
        }
        if !session.settings.raw {
            if !session.ntpsec.direct {
                session.print(HEADER);
            }
            self.listing.choose(self.ordered(session.ntpsec.direct, session.now));
        }
        self.print(session)
    }

    /// The places of all entries, in the order in which they are printed.
    fn ordered(&self, as_they_came: bool, near: i64) -> Vec<u32> {
        let list = self.listing.walk.list();
        let mut places: Vec<u32> = list.places().collect();
        // As they came; and those that are alike stay so, to be printed the other way round.
        places.reverse();
        if as_they_came {
            return places;
        }
        if let Some(order) = self.order {
            places.sort_by(|one, other| match (list.at(*one), list.at(*other)) {
                (Some(one), Some(other)) => order.compare(&one, &other, near),
                _ => std::cmp::Ordering::Equal,
            });
        }
        let is_by_address = self.order == Some(Order::Address { largest_first: false });
        if !is_by_address {
            places.reverse();
        }
        places
    }

    fn print(&mut self, session: &mut Session) -> Step {
        self.listing.print(session, row).unwrap_or_else(|| {
            self.sum_up(session);
            Step::Done
        })
    }

    /// How much was read, how long that took and what it cost.
    fn sum_up(&self, session: &mut Session) {
        let slots = self.listing.walk.list().len() as u64 + self.listing.walk.tally().updates;
        let took = self.ended.since(self.began.unwrap_or(self.ended)).as_secs_f64();
        let figures = format!("{slots} slots in {took:.3} seconds\n");
        let mut text = String::new();
        if !session.ntpsec.direct && !session.settings.raw {
            text = format!("# Collected {figures}");
        }
        let megabytes = (session.ntpsec.memory)() >> 20;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# Processed {figures}# Used {megabytes} megabytes of memory");
        session.print(&text);
    }
}

impl Job for MruTable {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match answer {
            None => self.begin(session),
            Some(Answer::Replies(replies)) => self.take_replies(session, replies),
            Some(Answer::Piece { result, part, at }) => {
                self.take_piece(session, at, result, part.as_ref())
            }
            Some(Answer::Interrupted) => {
                self.listing.walk.interrupt();
                self.end(session)
            }
            Some(Answer::Names(names)) => {
                self.listing.take_names(session, names);
                self.print(session)
            }
            Some(Answer::Written) => self.print(session),
            Some(_) => Step::Done,
        }
    }
}

/// What NTPsec's ntpq says where it gives up.
fn complain(session: &mut Session, stop: &Stop) {
    match stop {
        Stop::NoNonce(failure) | Stop::Failed(failure) => {
            session.report(failure, AssocId::SYSTEM);
        }
        Stop::StrangeNonce => session.complain("***Unexpected nonce response format\n"),
        Stop::Forgetful => session.complain(FORGETFUL),
        _ => {}
    }
}

/// The order of the table, and what the daemon is told of which entries are wanted.
fn parameters(text: &str) -> Result<(Option<Order>, Vec<String>), String> {
    let mut order = None;
    let mut marked = 0;
    let mut words: Vec<(String, String)> = Vec::new();
    let mut odd = None;
    for item in text.split(' ').filter(|item| !item.is_empty()) {
        let (name, value) = item.split_once('=').unwrap_or((item, "True"));
        let (name, value) = (name.trim(), value.trim());
        let unquoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let value = Value::read(unquoted.unwrap_or(value));
        match name {
            "sort" => order = Some(value),
            "kod" => marked |= KOD,
            "limited" => marked |= LIMITED,
            // How much is asked for at once is the walk's to say.
            "frags" => {}
            _ if PASSED_ON.contains(&name) || is_entry(name) => {
                words.retain(|(known, _)| known != name);
                words.push((name.to_owned(), print(name, &value)));
            }
            _ => odd = odd.or_else(|| Some(name.to_owned())),
        }
    }
    let order = match order {
        None => None,
        Some(word) => read_order(&word.to_string())
            .map_err(|()| format!("***Sort order {word} is not implemented"))?,
    };
    if let Some(odd) = odd {
        return Err(format!("***Unknown parameter '{}'", printable(odd.as_bytes())));
    }
    if marked != 0 {
        let place = words.iter().position(|(name, _)| name == "resany");
        let known = place.map(|place| words.remove(place).1).unwrap_or_default();
        let known = u16::from_str_radix(known.trim_start_matches("0x"), 16).unwrap_or(0);
        words.push(("resany".to_owned(), format!("{:#x}", known | marked)));
    }
    Ok((order, words.into_iter().map(|(name, value)| format!("{name}={value}")).collect()))
}

/// Whether it names an entry to go on from: `addr.3`, `last.3`.
fn is_entry(name: &str) -> bool {
    let number = name.strip_prefix("addr.").or_else(|| name.strip_prefix("last."));
    number.is_some_and(|number| number.parse().is_ok_and(|number: u8| number < 16))
}

fn print(name: &str, value: &Value) -> String {
    match (name, value) {
        ("resall" | "resany", Value::Integer(bits)) => format!("{bits:#x}"),
        (_, value) => value.to_string(),
    }
}

fn read_order(word: &str) -> Result<Option<Order>, ()> {
    let (largest_first, name) = match word.strip_prefix('-') {
        Some(name) => (true, name),
        None => (false, word),
    };
    Ok(Some(match name {
        "lstint" if largest_first => Order::OldestFirst,
        "lstint" => return Ok(None),
        "avgint" => Order::Interval { largest_first },
        "addr" => Order::Address { largest_first },
        "count" => Order::Count { largest_first },
        "score" => Order::Score { largest_first },
        "drop" => Order::Dropped { largest_first },
        _ => return Err(()),
    }))
}

impl Order {
    /// How two entries stand, where the last is printed first.
    fn compare(self, one: &MruEntry, other: &MruEntry, near: i64) -> std::cmp::Ordering {
        let (falls, ordering) = match self {
            Self::OldestFirst => (true, (one.last - other.last).bits().cmp(&0)),
            Self::Interval { largest_first } => {
                (!largest_first, interval_s(one, near).total_cmp(&interval_s(other, near)))
            }
            Self::Address { .. } => (false, address(one).cmp(&address(other))),
            Self::Count { largest_first } => (!largest_first, one.count.cmp(&other.count)),
            Self::Score { largest_first } => (!largest_first, one.score.total_cmp(&other.score)),
            Self::Dropped { largest_first } => (!largest_first, one.dropped.cmp(&other.dropped)),
        };
        if falls { ordering.reverse() } else { ordering }
    }
}

/// IPv4 before IPv6, each by number.
fn address(entry: &MruEntry) -> (bool, Reverse<()>, IpAddr) {
    (entry.address.is_ipv6(), Reverse(()), entry.address.ip())
}

/// The average time from one packet to the next, as entries are ordered by: by packets, not by gaps.
fn interval_s(entry: &MruEntry, near: i64) -> f64 {
    active_s(entry, near) / f64::from(entry.count.max(1))
}

/// The time from the first packet to the last, as it comes of two rounded numbers of seconds: what
/// is equal and what is not depends on it.
fn active_s(entry: &MruEntry, near: i64) -> f64 {
    cook::unix_seconds(entry.last, near) - cook::unix_seconds(entry.first, near)
}

fn row(text: &mut String, entry: &MruEntry, now: NtpTimestamp, session: &Session) {
    let mark = match entry.restrictions {
        flags if flags & KOD != 0 => 'K',
        flags if flags & LIMITED != 0 => 'L',
        _ => '.',
    };
    let score = f64::from(entry.score);
    let score = match score {
        score if score > 100_000.0 => format!("{score:8.1}"),
        score if score > 10_000.0 => format!("{score:8.2}"),
        score if score.abs() > 0.0 => format!("{score:8.3}"),
        _ => "-".to_owned(),
    };
    let tells_drops = matches!(
        session.dialect.flatten(),
        Some(Dialect::NtpsecBefore1_2 | Dialect::NtpsecTo1_2_2 | Dialect::Ntpsec)
    );
    let dropped = if tells_drops { format!("{:4}", entry.dropped) } else { "-".to_owned() };
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{} {:4x} {mark} {} {} {:6} {score:>8} {dropped:>6} {:>5} {}",
        times(entry, now, session),
        entry.restrictions,
        entry.mode.bits(),
        entry.version,
        entry.count,
        entry.address.port(),
        name(session, entry.address.into()),
    );
}

/// How long ago the last packet came, and how often packets come; where rows are printed as they
/// come, the day and second of the last packet and how long packets have come.
#[expect(clippy::cast_possible_truncation, reason = "as Python cuts a real number")]
fn times(entry: &MruEntry, now: NtpTimestamp, session: &Session) -> String {
    let active_s = active_s(entry, session.now);
    if session.ntpsec.direct {
        let (last, _) = entry.last.to_unix(session.now);
        let (day, second) = (last.div_euclid(DAY) + EPOCH_DAY, last.rem_euclid(DAY));
        return format!("{day:5} {second:5} {:6}", active_s as i64);
    }
    let ago_s = cook::unix_seconds(now, session.now) - cook::unix_seconds(entry.last, session.now);
    let age = (ago_s + 0.5) as i64;
    let gaps = f64::from(entry.count) - 1.0;
    let average = if entry.count == 1 { 0.0 } else { active_s / gaps };
    let average = if average > 5.0 || entry.count == 1 {
        format!("{:6}", (average + 0.5) as i64)
    } else if average >= 1.0 {
        format!("{average:6.2}")
    } else {
        format!("{average:6.3}")
    };
    format!("{age:7} {average}")
}

/// What an address is called: its name, in brackets where that has another address.
fn name(session: &Session, address: NetAddress) -> String {
    let known = session.names.get(&address.ip).filter(|_| session.settings.hostnames);
    match known {
        Some(HostName::Confirmed(name)) => printable(name.to_lowercase().as_bytes()).into_owned(),
        Some(HostName::Unconfirmed(name)) => {
            format!("{address} ({})", printable(name.to_lowercase().as_bytes()))
        }
        Some(HostName::None) | None => address.to_string(),
    }
}

/// Parameters that the daemon is told as they are.
const PASSED_ON: [&str; 10] = [
    "mincount",
    "mindrop",
    "minscore",
    "resall",
    "resany",
    "maxlstint",
    "minlstint",
    "laddr",
    "recent",
    "limit",
];

/// The bits of a restriction of NTPsec's, whichever daemon is asked.
const LIMITED: u16 = 0x20;
const KOD: u16 = 0x400;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The modified Julian day that 1970 began with.
const EPOCH_DAY: i64 = 40_587;

const HEADER: &str = " lstint avgint rstr r m v  count    score   drop rport remote address
=====================================================================
";

const INTERRUPTED: &str =
    "mrulist retrieval interrupted by operator.\nDisplaying partial client list.\n";

const FORGETFUL: &str = "***No response, probably high-traffic server with low MRU limit\n";
