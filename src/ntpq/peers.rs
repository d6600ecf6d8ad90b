//! `peers` and its like: a row an association.
//!
//! ntpq asks for the list, then for one association after the other, all of its variables. We ask
//! which daemon it is together with the list, then for all rows together, only for the variables
//! that the columns need; when a daemon does not know one of them, or it is not known which it
//! knows, for all. The rows are printed in order up to the first that was not answered, as ntpq
//! leaves off there.

use serde_json::{Map, Value as Json};

use crate::model::identity::Dialect;
use crate::model::question::{Failure, Question};
use crate::model::reply::Reply;
use crate::model::vars::{Scope, Variable, peer};
use crate::ntpq::address::NetAddress;
use crate::ntpq::associations::is_listed;
use crate::ntpq::command::{Argument, Columns, Line};
use crate::ntpq::job::{Answer, HostName, Job, Located, Need, Step};
use crate::ntpq::ntpsec;
use crate::ntpq::record;
use crate::ntpq::session::{RefIds, Session};
use crate::ntpq::style::Style;
use crate::units::AssocId;
use crate::wire::mode6::ErrorCode;
use crate::wire::mode6::status::PeerStatus;

pub mod row;

use row::Row;

/// A table of peers.
#[derive(Debug)]
pub struct PeerTable {
    columns: Columns,
    all: bool,
    /// Only those with an IPv6 address, or only those without.
    ipv6: Option<bool>,
    stage: Stage,
    asked: Vec<AssocId>,
    answers: Vec<Result<Reply, Failure>>,
    located: Vec<Option<Located>>,
    looked_up: Vec<NetAddress>,
}

/// What was needed last.
#[derive(Debug)]
enum Stage {
    List,
    Rows {
        by_name: bool,
    },
    /// Those of the rows that did not come by name, by their places.
    Again(Vec<usize>),
    Hosts,
    Names,
}

impl PeerTable {
    /// The table that `line` asks for.
    pub fn new(columns: Columns, all: bool, line: &Line) -> Self {
        let ipv6 = match line.arguments.first() {
            Some(Argument::Ipv6(ipv6)) => Some(*ipv6),
            _ => None,
        };
        Self {
            columns,
            all,
            ipv6,
            stage: Stage::List,
            asked: Vec::new(),
            answers: Vec::new(),
            located: Vec::new(),
            looked_up: Vec::new(),
        }
    }
}

impl Job for PeerTable {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match (answer, &mut self.stage) {
            (None, _) => {
                // ntpq has it that `peers` shows digests in the other table only.
                let is_classic = session.style == Style::Classic;
                if is_classic && session.settings.ref_ids == RefIds::Hash && self.is_plain() {
                    self.columns = Columns::Associations;
                }
                let questions = [Some(Question::associations()), session.identity_question()];
                Step::Need(session.ask(questions.into_iter().flatten().collect()))
            }
            (Some(Answer::Replies(replies)), Stage::List) => self.ask_rows(session, &replies),
            (Some(Answer::Replies(replies)), Stage::Rows { by_name }) => {
                let by_name = *by_name;
                self.answers = replies;
                self.ask_again(session, by_name)
            }
            (Some(Answer::Replies(replies)), Stage::Again(places)) => {
                for (place, reply) in places.iter().zip(replies) {
                    if let Some(answer) = self.answers.get_mut(*place) {
                        *answer = reply;
                    }
                }
                self.ask_hosts(session)
            }
            (Some(Answer::Located(located)), Stage::Hosts) => {
                self.located = located;
                self.ask_names(session)
            }
            (Some(Answer::Names(names)), Stage::Names) => {
                session.take_names(&self.looked_up, names);
                self.print(session);
                Step::Done
            }
            (Some(_), _) => Step::Done,
        }
    }
}

impl PeerTable {
    fn is_plain(&self) -> bool {
        self.columns == Columns::Usual && !self.all
    }

    fn ask_rows(&mut self, session: &mut Session, replies: &[Result<Reply, Failure>]) -> Step {
        if let Some(identity) = replies.get(1) {
            session.take_identity(identity);
        }
        if !replies.first().is_some_and(|list| session.take_associations(list)) {
            return Step::Done;
        }
        let all = self.all || session.style == Style::Ntpsec;
        let listed = session.associations.iter().filter(|(_, status)| is_listed(*status, all));
        self.asked = listed.map(|(id, _)| *id).collect();
        if self.asked.is_empty() {
            return self.ask_hosts(session);
        }
        // The names in the table's first column are those of later daemons.
        let dialect = session.dialect.flatten().filter(|dialect| *dialect != Dialect::Xntpd);
        let names = dialect.map(|dialect| self.names(session.style, dialect)).unwrap_or_default();
        self.stage = Stage::Rows { by_name: !names.is_empty() };
        let questions = self.asked.iter().map(|id| Question::variables(*id, names.iter().copied()));
        Step::Need(session.ask(questions.collect()))
    }

    /// The variables that the columns are made of, as far as `dialect` knows them.
    fn names(&self, style: Style, dialect: Dialect) -> Vec<&'static str> {
        let own = match self.columns {
            Columns::Old => OLD_COLUMNS,
            Columns::Usual | Columns::Associations | Columns::NameLast => USUAL_COLUMNS,
        };
        let more = match style {
            Style::Classic => &[],
            Style::Ntpsec => NTPSEC_COLUMNS,
        };
        let mut names = Vec::new();
        for variable in COLUMNS.iter().chain(own).chain(more) {
            if variable.is_known_to(dialect) && !names.contains(&variable.name) {
                names.push(variable.name);
            }
        }
        names
    }

    fn ask_again(&mut self, session: &mut Session, by_name: bool) -> Step {
        let is_due = |answer: &Result<Reply, Failure>| match answer {
            Ok(reply) => reply.data().is_empty(),
            Err(failure) => *failure == Failure::Refused(ErrorCode::UnknownVariable),
        };
        let due = self.answers.iter().enumerate().filter(|(_, answer)| by_name && is_due(answer));
        let places: Vec<_> = due.map(|(place, _)| place).collect();
        if places.is_empty() {
            return self.ask_hosts(session);
        }
        let ids = places.iter().filter_map(|place| self.asked.get(*place));
        let questions = ids.map(|id| Question::variables(*id, [])).collect();
        self.stage = Stage::Again(places);
        Step::Need(session.ask(questions))
    }

    fn ask_hosts(&mut self, session: &mut Session) -> Step {
        if !session.has_several_hosts() || session.style == Style::Ntpsec {
            return self.ask_names(session);
        }
        self.stage = Stage::Hosts;
        Step::Need(Need::Locate(session.hosts.clone()))
    }

    fn ask_names(&mut self, session: &mut Session) -> Step {
        let hosts = self.located.iter().flatten();
        let mut needed = match self.columns {
            // The widths of this table are those of the names, shown or not.
            Columns::Old => hosts
                .filter(|host| host.canonical.is_none())
                .map(|host| host.address)
                .filter(|address| !session.names.contains_key(&address.ip))
                .collect(),
            _ => session.names_needed(hosts.map(|host| host.address)),
        };
        let rows = self.answers.iter().map_while(|answer| answer.as_ref().ok());
        // Where no names are shown, none are needed, and the rows are read only to be printed.
        for reply in rows.take_while(|_| session.settings.hostnames) {
            if session.style == Style::Ntpsec {
                let address = ntpsec::peers::looked_up(reply, self.columns, session);
                for address in session.names_needed(address) {
                    if !needed.contains(&address) {
                        needed.push(address);
                    }
                }
                continue;
            }
            let row =
                Row::read(reply.data(), self.columns, session.settings.ref_ids, &mut Vec::new());
            let remote = (row.name.is_none()).then_some(row.source);
            let local = row.local.filter(|_| session.has_several_hosts());
            for address in session.names_needed(remote.into_iter().chain(local)) {
                if !needed.contains(&address) {
                    needed.push(address);
                }
            }
        }
        if needed.is_empty() {
            self.print(session);
            return Step::Done;
        }
        self.looked_up = needed;
        self.stage = Stage::Names;
        Step::Need(Need::Names(self.looked_up.clone()))
    }

    fn record(&self, session: &mut Session) {
        let mut peers = Vec::new();
        for (id, answer) in self.asked.iter().zip(&self.answers) {
            match answer {
                Ok(reply) => {
                    let status = PeerStatus::from_bits(reply.status);
                    let mut peer = record::association(*id, status);
                    let row = Row::read(reply.data(), self.columns, RefIds::Ipv4, &mut Vec::new());
                    let remote = row.name.unwrap_or_else(|| session.name_of(row.source));
                    peer.insert("remote".into(), remote.into());
                    let variables = session.variables(Scope::Peer, &[], reply);
                    peer.insert("variables".into(), Json::Object(variables));
                    peers.push(Json::Object(peer));
                }
                Err(failure) => session.report(failure, *id),
            }
        }
        session.record(Map::from_iter([("peers".to_owned(), Json::Array(peers))]));
    }

    fn print(&self, session: &mut Session) {
        if session.records() {
            return self.record(session);
        }
        if session.style == Style::Ntpsec {
            return ntpsec::peers::print(session, self.columns, &self.asked, &self.answers);
        }
        self.measure_hosts(session);
        let (title, header) = match self.columns {
            Columns::Usual | Columns::NameLast => ("server (local)", USUAL_HEADER),
            Columns::Associations => ("server (local)", ASSOCIATIONS_HEADER),
            Columns::Old => ("server", OLD_HEADER),
        };
        let mut rule = RULE.to_owned();
        if session.has_several_hosts() {
            let width = session.host_width;
            session.print(&format!("{title:width$.width$} "));
            rule.push_str(&"=".repeat(width + 1));
        }
        session.print(&format!("{header}\n{rule}\n"));
        for (id, answer) in self.asked.iter().zip(&self.answers) {
            match answer {
                Ok(reply) if !reply.data().is_empty() => self.print_row(session, *id, reply),
                Ok(_) => {
                    let text = format!("***No information returned for association {id}\n");
                    let prefix = session.host_prefix();
                    return session.complain(&format!("{prefix}{text}"));
                }
                Err(failure) => return session.report(failure, *id),
            }
        }
    }

    fn print_row(&self, session: &mut Session, id: AssocId, reply: &Reply) {
        let mut complaints = Vec::new();
        let row = Row::read(reply.data(), self.columns, session.settings.ref_ids, &mut complaints);
        for complaint in &complaints {
            session.complain(complaint);
        }
        if session.has_several_hosts() {
            let name = row.server(self.columns, session);
            session.print(&format!("{name:width$} ", width = session.host_width));
        }
        let is_wanted = |ipv6| row.has_source && row.source.ip.is_ipv6() == ipv6;
        if self.ipv6.is_none_or(is_wanted) {
            let status = PeerStatus::from_bits(reply.status);
            let text = row.print(self.columns, id, status, session);
            session.print(&text);
        }
    }

    /// Makes the column that tells hosts apart wide enough for all of them.
    fn measure_hosts(&self, session: &mut Session) {
        for (host, located) in session.hosts.clone().iter().zip(&self.located) {
            let Some(located) = located else {
                session.complain(&format!("***Can't find host {host}\n"));
                continue;
            };
            let name = match (self.columns, &located.canonical) {
                (Columns::Old, Some(name)) => name.clone(),
                (Columns::Old, None) => match session.names.get(&located.address.ip) {
                    Some(HostName::Confirmed(name) | HostName::Unconfirmed(name)) => name.clone(),
                    Some(HostName::None) | None => located.address.to_string(),
                },
                _ => session.name_of(located.address),
            };
            session.host_width = session.host_width.max(name.len());
        }
    }
}

/// Variables that every table needs.
const COLUMNS: &[&Variable] = &[
    &peer::SOURCE,
    &peer::DESTINATION,
    &peer::STRATUM,
    &peer::HOST_POLL,
    &peer::PEER_POLL,
    &peer::REACH,
    &peer::DELAY,
    &peer::OFFSET,
    &peer::DISPERSION,
    &peer::RECEIVE,
    &peer::REFERENCE_TIME,
    &peer::HOST_MODE,
    &peer::FLASH,
];

/// Variables of the tables that show a reference ID.
const USUAL_COLUMNS: &[&Variable] = &[&peer::REFERENCE_ID, &peer::JITTER, &peer::SOURCE_HOST];

/// Variables of the table that shows a local address.
const OLD_COLUMNS: &[&Variable] = &[];

/// Variables that NTPsec's tables need besides.
const NTPSEC_COLUMNS: &[&Variable] = &[&peer::SOURCE_HOST, &peer::NTS_COOKIES];

const USUAL_HEADER: &str =
    "     remote           refid      st t when poll reach   delay   offset  jitter";
const ASSOCIATIONS_HEADER: &str =
    "     remote       refid   assid  st t when poll reach   delay   offset  jitter";
const OLD_HEADER: &str =
    "     remote           local      st t when poll reach   delay   offset    disp";
const RULE: &str = "==============================================================================";
