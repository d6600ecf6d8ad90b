//! The detail commands: `sysinfo`, `sysstats`, `pstats` and the like.
//!
//! Which variables each shows, and how, says [`crate::model::vars::lists::classic`]. All are asked
//! for by name, as ntpq does, so that a daemon that lacks one refuses us as it refuses ntpq.

use std::collections::HashMap;

use crate::model::question::Question;
use crate::model::reply::Reply;
use crate::model::vars::lists::{self, Listing, Shown, classic};
use crate::model::vars::{Scope, Variable, peer};
use crate::ntpq::address::NetAddress;
use crate::ntpq::command::{Counters, Line, Verb};
use crate::ntpq::fixed;
use crate::ntpq::job::{Answer, Job, Need, Step};
use crate::ntpq::reading::unsigned;
use crate::ntpq::session::Session;
use crate::ntpq::text::printable;
use crate::ntpq::variables;
use crate::units::AssocId;

/// A detail command.
#[derive(Debug)]
pub struct Details {
    listing: &'static Listing,
    number: u32,
    association: AssocId,
    reply: Option<Reply>,
    looked_up: Vec<NetAddress>,
}

impl Details {
    /// The command that `line` says.
    pub fn new(line: &Line) -> Self {
        Self {
            listing: listing(line.command.verb),
            number: line.unsigned(0).unwrap_or(0),
            association: AssocId::SYSTEM,
            reply: None,
            looked_up: Vec::new(),
        }
    }

    fn ask(&mut self, session: &mut Session) -> Step {
        if self.of_peer() {
            match variables::association(session, self.number) {
                Some(AssocId::SYSTEM) => {
                    session.complain("***Invalid association ID 0 specified\n");
                    return Step::Done;
                }
                Some(id) => self.association = id,
                None => return Step::Done,
            }
        }
        let names = self.listing.lines.iter().flat_map(asked_for);
        let names = names.map(|variable| variable.name);
        Step::Need(session.ask(vec![Question::variables(self.association, names)]))
    }

    fn of_peer(&self) -> bool {
        self.listing.lines.iter().any(|line| line.variable.scope == Scope::Peer)
    }

    fn take_reply(&mut self, session: &mut Session, reply: Reply) -> Step {
        let values = Values::read(&reply, self.listing, &mut Vec::new(), &mut Vec::new());
        self.looked_up = session.names_needed(values.addresses.values().copied());
        if self.looked_up.is_empty() {
            self.print(session, &reply);
            return Step::Done;
        }
        self.reply = Some(reply);
        Step::Need(Need::Names(self.looked_up.clone()))
    }

    fn print(&self, session: &mut Session, reply: &Reply) {
        let (mut unreadable, mut malformed) = (Vec::new(), Vec::new());
        let values = Values::read(reply, self.listing, &mut unreadable, &mut malformed);
        for complaint in malformed.iter().chain(&unreadable) {
            session.complain(complaint);
        }
        let scope = if self.of_peer() { Scope::Peer } else { Scope::System };
        if session.records() {
            let asked: Vec<_> = self.listing.lines.iter().flat_map(asked_for).collect();
            return session.record_variables(scope, self.association, &asked, reply);
        }
        if self.listing.with_status {
            let line = variables::status_line(scope, self.association, reply.status);
            session.print(&format!("{line}\n"));
        }
        for line in self.listing.lines {
            if let Some(value) = values.shown(line, session) {
                let width = self.listing.label_width;
                session.print(&format!("{:width$}  {value}\n", line.label));
            }
        }
    }
}

impl Job for Details {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match answer {
            None => return self.ask(session),
            Some(Answer::Replies(replies)) => match replies.into_iter().next() {
                Some(Ok(reply)) => return self.take_reply(session, reply),
                Some(Err(failure)) => session.report(&failure, self.association),
                None => {}
            },
            Some(Answer::Names(names)) => {
                session.take_names(&self.looked_up, names);
                if let Some(reply) = self.reply.take() {
                    self.print(session, &reply);
                }
            }
            Some(_) => {}
        }
        Step::Done
    }
}

const fn listing(verb: Verb) -> &'static Listing {
    match verb {
        Verb::Counters(Counters::System) => &classic::SYSINFO,
        Verb::Counters(Counters::Kernel) => &classic::KERNINFO,
        Verb::Counters(Counters::Packets) => &classic::SYSSTATS,
        Verb::Counters(Counters::Monitor) => &classic::MONSTATS,
        Verb::Counters(Counters::Authentication) => &classic::AUTHINFO,
        Verb::Counters(Counters::InputOutput) => &classic::IOSTATS,
        Verb::Counters(Counters::Timer) => &classic::TIMERSTATS,
        _ => &classic::PSTATS,
    }
}

/// The variables that a line is made of: an address has its port beside it.
fn asked_for(line: &lists::Line) -> impl Iterator<Item = &'static Variable> + use<> {
    [Some(line.variable), port_of(line)].into_iter().flatten()
}

fn port_of(line: &lists::Line) -> Option<&'static Variable> {
    match line.shown {
        Shown::Host if *line.variable == peer::SOURCE => Some(&peer::SOURCE_PORT),
        Shown::Host => Some(&peer::DESTINATION_PORT),
        _ => None,
    }
}

/// What a reply has for the lines of a listing.
struct Values<'a> {
    texts: HashMap<&'static str, &'a [u8]>,
    addresses: HashMap<&'static str, NetAddress>,
}

impl<'a> Values<'a> {
    fn read(
        reply: &'a Reply,
        listing: &Listing,
        unreadable: &mut Vec<String>,
        malformed: &mut Vec<String>,
    ) -> Self {
        let mut values = Self { texts: HashMap::new(), addresses: HashMap::new() };
        let mut complaints = Vec::new();
        for item in crate::ntpq::reading::items(reply.data(), &mut complaints) {
            for line in listing.lines {
                let name = line.variable.name;
                if port_of(line).is_some_and(|port| item.is(port.name)) {
                    let address = values.addresses.entry(name).or_insert(NetAddress::UNSPECIFIED);
                    let port = unsigned(item.value).map(|number| (number & 0xffff) as u16);
                    address.port = port.unwrap_or(address.port);
                } else if item.is(name) && matches!(line.shown, Shown::Host | Shown::Socket) {
                    match NetAddress::read(item.value) {
                        Some(address) => {
                            values.addresses.insert(name, address);
                        }
                        None => {
                            malformed.push(format!("malformed {name}={}\n", printable(item.value)));
                        }
                    }
                } else if item.is(name) {
                    values.texts.insert(name, item.unquoted());
                }
            }
        }
        unreadable.extend(complaints.iter().map(|why| format!("nextvar: {why}\n")));
        values
    }

    /// What a line shows; `None` when the reply has nothing for it.
    fn shown(&self, line: &lists::Line, session: &Session) -> Option<String> {
        let name = line.variable.name;
        let text = || self.texts.get(name).copied();
        match line.shown {
            Shown::Host | Shown::Socket => {
                let address = self.addresses.get(name).copied();
                Some(session.name_with_port(address.unwrap_or(NetAddress::UNSPECIFIED)))
            }
            Shown::Mode => text().and_then(unsigned).map(mode),
            Shown::Leap => text().and_then(unsigned).map(|bits| format!("{:02b}", bits & 3)),
            Shown::Timestamp => text().map(|text| {
                let bits = fixed::timestamp(text).unwrap_or(0);
                fixed::print_timestamp(bits, session.now, &session.zone)
            }),
            Shown::Text | Shown::Number | Shown::Uptime | Shown::Packets => {
                text().map(|text| printable(text).into_owned())
            }
        }
    }
}

/// The word for a mode.
pub fn mode(number: u32) -> String {
    let word = usize::try_from(number).ok().and_then(|number| MODES.get(number));
    word.map_or_else(|| format!("mode#{number}"), |word| (*word).to_owned())
}

/// Modes as ntpq calls them.
const MODES: [&str; 9] = [
    "unspec",
    "sym_active",
    "sym_passive",
    "client",
    "server",
    "broadcast",
    "control",
    "private",
    "bclient",
];

#[cfg(test)]
mod tests {
    use crate::ntpq::batch::tests::World;

    // As ntpq 4.2.8p15 printed them.
    #[test]
    fn the_daemons_state_is_labelled() {
        let text = "peeradr=10.8.0.2:123, peermode=4, leap=0, stratum=4, precision=-23, \
                    refid=127.127.1.0, reftime=0xeeab5d9e.00000000, bcastdelay=-50.000";
        let mut world = World { variables: vec![(0, 0x0615, text)], ..World::default() };
        let ran = world.run(&["sysinfo"]);
        assert_eq!(
            ran.out,
            "associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,
system peer:        10.8.0.2:123
system peer mode:   server
leap indicator:     00
stratum:            4
log2 precision:     -23
reference ID:       127.127.1.0
reference time:     eeab5d9e.00000000  Sat, Nov 21 2026  0:00:30.000
broadcast delay:    -50.000
"
        );
    }

    #[test]
    fn an_address_has_its_port_beside_it() {
        let text = "srcadr=fd08::9, srcport=99, dstadr=127.127.1.0, dstport=5, sent=\"7\"";
        let mut world = World { variables: vec![(10, 0x9014, text)], ..World::default() };
        let ran = world.run(&["pstats 10", "pstats 0", "pstats 11"]);
        assert_eq!(
            ran.out,
            "associd=10 status=9014 conf, reach, sel_reject, 1 event, reachable,
remote host:           [fd08::9]:99
local address:         127.127.1.0:5
packets sent:          7


"
        );
        assert_eq!(
            ran.error,
            "***Invalid association ID 0 specified\n***Association ID 11 unknown to server\n"
        );
    }
}
