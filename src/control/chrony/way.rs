//! The way over chronyd's own protocol: its Unix socket, over which it takes changes from whoever may
//! use that. Over UDP it refuses them all, and says so.
//!
//! Reading is a look of the [`Watcher`], made anew each time, for nothing of an earlier one may stand
//! in for what is there now. A line may come to several requests, one for each source of a name; each
//! is sent a single time.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::change::{self, Host, Known, Line, Plan, Request};
use super::exchange::{self, Exchange};
use super::told;
use super::{Transport, Watcher};
use crate::control::reconfigure::way::{News, Step, Thought, Way};
use crate::control::watcher::{Input, Output};
use crate::model::change::state::{Check, Entry, Fact, Kind, State, Wanted, Whom};
use crate::model::change::{Answered, Effect, Refusal, Trouble};
use crate::model::question::Unreachable;
use crate::model::{Contact, Daemon, Failure};
use crate::units::{AssocId, Mono, Now};
use crate::wire::cmdmon::change::{AccessRule, Service};
use crate::wire::cmdmon::report::SelectOptions;
use crate::wire::cmdmon::{Address, Body, Change, SourceId, Status};

/// How a chronyd is talked to, and what is known of it beside what it tells.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What carries the datagrams.
    pub transport: Transport,
    /// Where it is; `None` over a Unix socket.
    pub address: Option<SocketAddr>,
    /// Where sequence numbers come from.
    pub seed: [u8; 32],
    /// How long the answer to a change is waited for.
    pub patience: Duration,
    /// The lines of a chrony.conf that the user says it follows.
    pub configured: Option<Vec<Line>>,
}

/// What is wanted of a chronyd.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// A line, thought through.
    Line(Line),
    /// These lines as they are, and no way back: the inverse of an earlier change.
    Exactly(Vec<Line>),
}

/// A chronyd that is read and told.
#[derive(Debug)]
pub struct Chronyd {
    wish: Wish,
    settings: Settings,
    seeds: ChaCha20Rng,
    reading: Option<Watcher>,
    /// As the reading under way shows it so far.
    seen: Option<Arc<Daemon>>,
    /// Whether who is meant by a rule about access is let in: asked with each reading.
    access: Asked,
    exchange: Exchange<Purpose>,
    telling: VecDeque<Request>,
    daemon: Daemon,
    sources: HashMap<AssocId, SourceId>,
    is_allowed: Option<bool>,
    news: VecDeque<News>,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Change,
    Access,
}

/// How far a question is that goes with a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Open,
    /// Answered, or not needed.
    Done(Option<bool>),
}

impl Chronyd {
    /// With a wish that nothing was done for yet.
    pub fn new(wish: Wish, settings: Settings) -> Self {
        let mut seeds = ChaCha20Rng::from_seed(settings.seed);
        let mut seed = [0; 32];
        seeds.fill_bytes(&mut seed);
        Self {
            wish,
            seeds,
            reading: None,
            seen: None,
            access: Asked::Done(None),
            exchange: match settings.transport {
                Transport::Udp => Exchange::new(seed),
                Transport::Unix => Exchange::over_unix(seed),
            },
            settings,
            telling: VecDeque::new(),
            daemon: Daemon::default(),
            sources: HashMap::new(),
            is_allowed: None,
            news: VecDeque::new(),
        }
    }

    /// The rule about access that the wish is about.
    fn rule(&self) -> Option<AccessRule> {
        let lines = match &self.wish {
            Wish::Line(line) => std::slice::from_ref(line),
            Wish::Exactly(lines) => lines,
        };
        lines.iter().find_map(|line| match line {
            Line::Access(rule) => Some(*rule),
            _ => None,
        })
    }

    fn tell_watcher(&mut self, now: Now, input: Input<'_>) {
        if let Some(watcher) = &mut self.reading {
            watcher.handle(now, input);
        }
        self.drain(now);
    }

    fn drain(&mut self, now: Now) {
        if let Some(watcher) = &mut self.reading {
            while let Some(output) = watcher.poll_output() {
                match output {
                    Output::Send(datagram) => self.news.push_back(News::Send(datagram)),
                    Output::Snapshot(daemon) => self.seen = Some(daemon),
                }
            }
        }
        loop {
            self.exchange.run(now);
            let Some(output) = self.exchange.poll_output() else { break };
            match output {
                exchange::Output::Send(datagram) => self.news.push_back(News::Send(datagram)),
                exchange::Output::Answer(answer) => match answer.purpose {
                    Purpose::Change => self.answered(now, answer.reply.status),
                    Purpose::Access => {
                        self.access = Asked::Done(match answer.reply.status {
                            Status::AccessAllowed => Some(true),
                            Status::AccessDenied => Some(false),
                            _ => None,
                        });
                    }
                },
                exchange::Output::Unanswered { purpose: Purpose::Access, .. } => {
                    self.access = Asked::Done(None);
                }
                exchange::Output::Unanswered { purpose: Purpose::Change, failure, .. } => {
                    self.lost(failure);
                }
                exchange::Output::Garbage(_) => {}
            }
        }
        self.finish_reading(now);
    }

    /// The reading is over once all has been answered or nobody answers.
    fn finish_reading(&mut self, now: Now) {
        let Some(watcher) = &self.reading else { return };
        let Asked::Done(is_allowed) = self.access else { return };
        if !watcher.is_settled() {
            return;
        }
        let daemon = self.seen.take();
        let sources = watcher.sources();
        self.reading = None;
        let daemon = match daemon.as_deref() {
            Some(daemon) if daemon.contact.is_fresh() => daemon.clone(),
            other => {
                let failure = other.map_or(Failure::Withdrawn, failure);
                self.news.push_back(News::Read(Err(failure)));
                return;
            }
        };
        self.daemon = daemon;
        self.sources = sources;
        self.is_allowed = is_allowed;
        self.news.push_back(News::Read(Ok(self.state(now))));
    }

    /// What was read, as far as changes alter it.
    fn state(&self, now: Now) -> State {
        let mut state = told::state(&self.daemon, now.mono);
        state.tells_restrictions = self.is_allowed.is_some();
        if let (Some(rule), Some(is_allowed)) = (self.rule(), self.is_allowed) {
            let access = if is_allowed { ALLOWED } else { DENIED };
            let entry = Entry::new(Kind::Restriction, subject(&rule)).with(ACCESS, access);
            state.entries.push(entry);
        }
        state
    }

    fn think(&self, line: &Line) -> Result<Thought<Line>, Trouble> {
        let known = Known {
            daemon: &self.daemon,
            configured: self.settings.configured.as_deref(),
            is_allowed: self.is_allowed,
        };
        let plan = change::plan(line, known).map_err(|why| Trouble::Wish(why.to_string()))?;
        let Plan { lines, inverse, effects, touches, words } = plan;
        let mut sentences: Vec<String> = effects.iter().map(|e| self.effect_words(*e)).collect();
        sentences.extend(words);
        // Only the last of several lines about one source is still seen in the end.
        let last = lines.len().saturating_sub(1);
        let steps = |lines: &[Line], last: usize| -> Vec<Step<Line>> {
            let step = |(place, line): (usize, &Line)| Step {
                text: line.to_string(),
                request: line.clone(),
                checks: if place == last { checks(line) } else { Vec::new() },
            };
            lines.iter().enumerate().map(step).collect()
        };
        Ok(Thought {
            steps: steps(&lines, last),
            is_inverse: false,
            is_slow: lines.iter().any(is_slow),
            inverse: match inverse {
                Ok(lines) => Ok(steps(&lines, lines.len().saturating_sub(1))),
                Err(why) => Err(why.to_string()),
            },
            effects,
            touches,
            // It tells them itself.
            roles: Vec::new(),
            words: sentences,
        })
    }

    fn effect_words(&self, effect: Effect) -> String {
        let called = |id: AssocId| {
            let source = self.daemon.peer(id);
            let name = source.and_then(|source| change::called(source));
            name.map_or_else(|| format!("number {id}"), |host| host.to_string())
        };
        match effect {
            Effect::Begins => "a source begins, from reach 0".to_owned(),
            Effect::Ends(id) => format!("the source {} ends", called(id)),
            Effect::StartsAgain(id) => format!(
                "the source {} is given up and added again: it starts from reach 0",
                called(id)
            ),
            Effect::LosesSystemPeer(id) => format!(
                "the daemon follows {} now, and has nobody to follow, or somebody else, until it \
                 has selected again",
                called(id)
            ),
        }
    }

    /// Sends the next of the requests that a line comes to; whether there was one.
    fn send_next(&mut self, now: Now) -> bool {
        let Some(request) = self.telling.front() else { return false };
        let body = Body::Change(request.change.clone());
        self.exchange.ask_once(now, Purpose::Change, body, self.settings.patience);
        true
    }

    /// The request that was sent was answered.
    fn answered(&mut self, now: Now, status: Status) {
        let Some(request) = self.telling.pop_front() else { return };
        if let (Status::Invalid, Some(otherwise)) = (status, request.otherwise) {
            // Refused as unknown, so nothing was done: the same as other versions have it.
            self.telling.push_front(Request::from(otherwise));
            self.send_next(now);
            return;
        }
        if status != Status::Success {
            self.telling.clear();
            let refusal = refusal(&request.change, status);
            self.news.push_back(News::Answered(Answered::Refused(Refusal::Other(refusal))));
        } else if !self.send_next(now) {
            self.news.push_back(News::Answered(Answered::Accepted(status.to_string())));
        }
    }

    fn lost(&mut self, failure: Failure) {
        self.telling.clear();
        self.news.push_back(News::Answered(Answered::Lost(failure)));
    }
}

impl Way for Chronyd {
    type Request = Line;

    fn read(&mut self, now: Now) {
        let mut seed = [0; 32];
        self.seeds.fill_bytes(&mut seed);
        self.seen = None;
        self.access = match self.rule() {
            None => Asked::Done(None),
            Some(rule) => {
                let body = match rule.service {
                    Service::Time => Body::CheckAccess(first_of(&rule)),
                    Service::Commands => Body::CheckCommandAccess(first_of(&rule)),
                };
                self.exchange.ask(Purpose::Access, body);
                Asked::Open
            }
        };
        self.reading = Some(Watcher::new(self.settings.transport, seed));
        let input = match self.settings.address {
            Some(address) => Input::Address(address),
            None => Input::Connected,
        };
        self.tell_watcher(now, input);
    }

    fn plan(&self) -> Result<Thought<Line>, Trouble> {
        match &self.wish {
            Wish::Line(line) => self.think(line),
            Wish::Exactly(lines) => {
                let step = |(place, line): (usize, &Line)| Step {
                    text: line.to_string(),
                    request: line.clone(),
                    checks: exact_checks(line, lines.get(place + 1..).unwrap_or_default()),
                };
                Ok(Thought {
                    steps: lines.iter().enumerate().map(step).collect(),
                    inverse: Err(IS_INVERSE.to_owned()),
                    effects: Vec::new(),
                    touches: Vec::new(),
                    roles: Vec::new(),
                    words: Vec::new(),
                    is_inverse: true,
                    is_slow: lines.iter().any(is_slow),
                })
            }
        }
    }

    fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    fn permit(&self) -> Result<(), Trouble> {
        match self.settings.transport {
            Transport::Unix => Ok(()),
            // It would refuse; that is known before anything is sent.
            Transport::Udp => Err(Trouble::Wish(ONLY_OVER_UNIX.to_owned())),
        }
    }

    fn tell(&mut self, now: Now, request: &Line) {
        match request.requests(&self.daemon, &|id| self.sources.get(&id).copied()) {
            Ok(requests) => self.telling = requests.into(),
            Err(why) => {
                let refusal = Refusal::Other(why.to_string());
                self.news.push_back(News::Answered(Answered::Refused(refusal)));
                return;
            }
        }
        self.send_next(now);
        self.drain(now);
    }

    fn receive(&mut self, now: Now, datagram: &[u8]) {
        self.exchange.datagram(now, datagram);
        self.tell_watcher(now, Input::Datagram(datagram));
    }

    fn unreachable(&mut self, now: Now, why: Unreachable) {
        if !self.telling.is_empty() {
            self.exchange.clear();
            self.lost(Failure::Unreachable(why));
        }
        if self.access == Asked::Open {
            self.exchange.clear();
            self.access = Asked::Done(None);
        }
        self.tell_watcher(now, Input::Unreachable(why));
    }

    fn wake(&mut self, now: Now) {
        self.tell_watcher(now, Input::Wakeup);
    }

    fn poll(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    fn next_wakeup(&self) -> Option<Mono> {
        let reading = self.reading.as_ref().and_then(Watcher::next_wakeup);
        [reading, self.exchange.next_wakeup()].into_iter().flatten().min()
    }
}

/// Why a daemon could not be read.
fn failure(daemon: &Daemon) -> Failure {
    match &daemon.contact {
        Contact::Unreachable { why, .. } => Failure::Unreachable(*why),
        Contact::Refusing { why, .. } => why.clone(),
        Contact::Garbage { why, .. } => Failure::Unreadable(why.clone()),
        _ => Failure::Unanswered { attempts: 1, waited: Duration::ZERO },
    }
}

/// What a refusal says, in this command's terms.
fn refusal(change: &Change, status: Status) -> String {
    match (status, change) {
        (Status::Unauthorised, _) => ONLY_OVER_UNIX.to_owned(),
        (Status::Invalid, _) => {
            format!("{status} (`{}`)", change.command().row().map_or("?", |row| row.name))
        }
        (Status::Failed, Change::AddSource(_)) => {
            format!("{status}: an option or the name is not taken, or the key is not there")
        }
        _ => status.to_string(),
    }
}

/// What is to be seen once `line` is done.
fn checks(line: &Line) -> Vec<Check> {
    let association = |name: &str, wanted| Check {
        whom: Whom::Named(Kind::Association, name.to_owned()),
        wanted,
    };
    match line {
        Line::Add(source) => {
            let name = source.name.text().unwrap_or_default();
            let options = source.flags.selection();
            let mut checks = vec![association(name, Wanted::There)];
            let set: Vec<_> = options.words().collect();
            if !set.is_empty() {
                checks.push(association(name, Wanted::Words(OPTIONS, set)));
            }
            checks
        }
        Line::Delete(host) => vec![association(host.text(), Wanted::Gone)],
        Line::SelectOptions { host, mask, options } => {
            let (set, taken): (Vec<_>, Vec<_>) =
                mask.words().partition(|word| options.words().any(|set| set == *word));
            let mut checks = Vec::new();
            if !set.is_empty() {
                checks.push(association(host.text(), Wanted::Words(OPTIONS, set)));
            }
            if !taken.is_empty() {
                checks.push(association(host.text(), Wanted::NoWords(OPTIONS, taken)));
            }
            checks
        }
        Line::Access(rule) => {
            let value = if rule.allows { ALLOWED } else { DENIED }.to_owned();
            let fact = Fact { name: ACCESS, value };
            let whom = Whom::Named(Kind::Restriction, subject(rule));
            vec![Check { whom, wanted: Wanted::Fact(fact) }]
        }
        Line::Online(None) => vec![counted(OFFLINE)],
        Line::Offline(None) => vec![counted(ONLINE)],
        line => vec![Check {
            whom: Whom::Named(Kind::Setting, String::new()),
            wanted: Wanted::Untold(format!("what `{line}` does")),
        }],
    }
}

/// What is to be seen of a line of an inverse once those `behind` it are done, too: a source that is
/// given up and comes again is there, with the options that it is to have and no others.
fn exact_checks(line: &Line, behind: &[Line]) -> Vec<Check> {
    let adds = |line: &Line, host: &Host| match line {
        Line::Add(source) => source.name.text().is_some_and(|name| name == host.text()),
        _ => false,
    };
    let mut checks = match line {
        Line::Delete(host) if behind.iter().any(|later| adds(later, host)) => Vec::new(),
        line => checks(line),
    };
    if let Line::Add(source) = line {
        let set = source.flags.selection();
        let others: Vec<_> = SelectOptions::from_bits(!set.bits()).words().collect();
        let whom = Whom::Named(Kind::Association, source.name.text().unwrap_or_default().into());
        if !others.is_empty() {
            checks.push(Check { whom, wanted: Wanted::NoWords(OPTIONS, others) });
        }
    }
    checks
}

/// That no source is of this kind.
fn counted(kind: &'static str) -> Check {
    let fact = Fact { name: kind, value: "0".to_owned() };
    Check { whom: Whom::Named(Kind::Setting, SOURCES.to_owned()), wanted: Wanted::Fact(fact) }
}

/// Who is meant by a rule, and what for.
fn subject(rule: &AccessRule) -> String {
    let line = Line::Access(AccessRule { allows: true, all: false, ..*rule }).to_string();
    let whom = line.split_once(' ').map_or("all", |(_, whom)| whom).to_owned();
    match rule.service {
        Service::Time => format!("of {whom} to the time"),
        Service::Commands => format!("of {whom} to commands"),
    }
}

/// The first address that a rule is about.
const fn first_of(rule: &AccessRule) -> Address {
    match rule.address {
        Address::Unspecified => Address::Ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        address => address,
    }
}

/// Whether what comes of a line may be seen only after a name was looked up.
fn is_slow(line: &Line) -> bool {
    match line {
        Line::Add(source) => source.name.text().is_some_and(|name| name.parse::<IpAddr>().is_err()),
        _ => false,
    }
}

/// Names of facts.
pub(super) const OPTIONS: &str = "options";
pub(super) const ONLINE: &str = "online";
pub(super) const OFFLINE: &str = "offline";
const ACCESS: &str = "access";

/// The entry of the sources all together.
pub(super) const SOURCES: &str = "sources";

const ALLOWED: &str = "allowed";
const DENIED: &str = "denied";

const ONLY_OVER_UNIX: &str = "chronyd takes changes over its Unix socket only, on its own host, from \
                              root and its own user";

const IS_INVERSE: &str = "these lines take something back, and nothing takes them back";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_source_that_comes_again_it_is_looked_for_what_is_there_in_the_end() {
        let lines = ["delete a.b", "add server a.b noselect", "delete c.d"];
        let lines = lines.map(|line| Line::read(line).unwrap());
        let said = |place: usize| -> Vec<String> {
            let checks = exact_checks(&lines[place], &lines[place + 1..]);
            checks.iter().map(ToString::to_string).collect()
        };
        assert_eq!(said(0), [""; 0]);
        assert_eq!(
            said(1),
            [
                "association a.b is there",
                "association a.b has noselect",
                "association a.b has no prefer trust require"
            ]
        );
        assert_eq!(said(2), ["association c.d is gone"]);
    }
}
