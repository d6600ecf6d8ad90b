//! A chronyd that answers as its script says: of any release, over either transport, well or badly.
//!
//! It takes a datagram and gives datagrams, so that it serves in virtual time as well as behind a
//! socket. The order in which it looks at a request is that of chronyd: length, version, command,
//! padding, permission, and only then what is asked.

use std::time::Duration;

use ntpscope::wire::cmdmon::report::MAX_CLIENTS;
use ntpscope::wire::cmdmon::{
    Access, Address, Body, ClientAccesses, ClientRange, Command, LEAST_REQUEST_LEN,
    MOST_REQUEST_LEN, ManualList, Release, Reply, Report, Request, RequestHeader, RequestKey,
    ServerStats, SourceName, Status, VERSION,
};

#[path = "chronyd/state.rs"]
mod state;

pub(crate) use state::{Source, State, address, client, tracking};

/// What carries its datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// UDP, from a host that `cmdallow` lets ask.
    Udp,
    /// The Unix socket.
    Unix,
}

/// What it does wrong. Several may be at work.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Nothing listens.
    Closed,
    /// Nobody is answered.
    Silent,
    /// One command is not answered.
    Mute(Command),
    /// Every `n`th request is not answered.
    DropsEvery(usize),
    /// Only so many requests are answered at once; what comes sooner falls, as `cmdratelimit` has it.
    AnswersAtMost { burst: usize, each: Duration },
    /// Every answer comes twice.
    Twice,
    /// Answers come so much later, each a little less late than the one before: in reverse.
    Backwards(Duration),
    /// One command is answered so much later.
    Slow(Command, Duration),
    /// Everything is refused.
    Refuses(Status),
    /// One command is refused.
    RefusesOne(Command, Status),
    /// These bytes are the answer to everything.
    Garbage(Vec<u8>),
    /// Answers end after so many bytes.
    Truncated(usize),
    /// It claims to have so many sources.
    Claims(u32),
    /// And has them, all alike but for their addresses.
    Endless,
    /// Answers name another sequence number.
    OtherSequence,
    /// Answers name another command.
    OtherCommand,
    /// The report of one command stands in the answers to another.
    Swaps(Command, Command),
    /// It speaks another version of the protocol.
    OtherVersion(u8),
    /// It wants requests of at least this length: it is newer than all we know.
    Wants(usize),
    /// The table of clients never ends.
    ClientsInACircle,
}

/// What was asked of it.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// When, in time since the start.
    pub(crate) at: Duration,
    /// The command.
    pub(crate) command: Command,
    /// The whole request; `None` where it could not be read.
    pub(crate) request: Option<Request>,
    /// Bytes of the datagram.
    pub(crate) len: usize,
    /// Whether any answer went out.
    pub(crate) answered: bool,
}

/// A change of what it knows, made once so many requests were heard.
pub(crate) type Turn = fn(&mut State);

/// The scripted daemon.
#[derive(Clone, Debug)]
pub(crate) struct Chronyd {
    pub(crate) release: Release,
    pub(crate) carrier: Carrier,
    /// The words of `opencommands`; heeded from 4.7 on.
    pub(crate) opened: Vec<&'static str>,
    pub(crate) state: State,
    pub(crate) faults: Vec<Fault>,
    /// All that it was asked.
    pub(crate) heard: Vec<Heard>,
    /// Changes of its state, each with the number of requests heard before it.
    pub(crate) turns: Vec<(usize, Turn)>,
    /// Of the limiter: how many it still answers, and since when.
    tokens: (f64, Duration),
}

impl Chronyd {
    /// One of Debian 12's release, over its Unix socket.
    pub(crate) fn new(state: State) -> Self {
        Self {
            release: Release::new(4, 3),
            carrier: Carrier::Unix,
            opened: Vec::new(),
            state,
            faults: Vec::new(),
            heard: Vec::new(),
            turns: Vec::new(),
            tokens: (0.0, Duration::ZERO),
        }
    }

    /// The same over UDP.
    pub(crate) fn over_udp(mut self) -> Self {
        self.carrier = Carrier::Udp;
        self
    }

    /// The same of another release.
    pub(crate) fn of(mut self, major: u8, minor: u8) -> Self {
        self.release = Release::new(major, minor);
        self
    }

    /// The same with something wrong.
    pub(crate) fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// How often a command was asked.
    pub(crate) fn count(&self, command: Command) -> usize {
        self.heard.iter().filter(|heard| heard.command == command).count()
    }

    /// What goes back for `datagram`, which came at `at`, and after how long each.
    pub(crate) fn answer(&mut self, at: Duration, datagram: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let Ok(header) = RequestHeader::parse(datagram) else { return Vec::new() };
        while let Some(place) = self.turns.iter().position(|(after, _)| self.heard.len() >= *after)
        {
            let (_, turn) = self.turns.remove(place);
            turn(&mut self.state);
        }
        let request = Request::parse(datagram).ok();
        let falls = self.falls(at, &header);
        let replies = if falls { Vec::new() } else { self.answer_in_time(&header, datagram) };
        self.heard.push(Heard {
            at,
            command: header.command,
            request,
            len: datagram.len(),
            answered: !replies.is_empty(),
        });
        replies
    }

    /// Whether a fault lets the request fall.
    fn falls(&mut self, at: Duration, header: &RequestHeader) -> bool {
        let number = self.heard.len() + 1;
        let mut falls = false;
        for fault in &self.faults {
            falls |= match *fault {
                Fault::Closed | Fault::Silent => true,
                Fault::Mute(command) => command == header.command,
                Fault::DropsEvery(n) => number.is_multiple_of(n),
                Fault::AnswersAtMost { burst, each } => {
                    let (left, since) = self.tokens;
                    let gained = at.saturating_sub(since).as_secs_f64() / each.as_secs_f64();
                    #[expect(clippy::cast_precision_loss, reason = "a handful")]
                    let most = burst as f64;
                    let left = if number == 1 { most } else { (left + gained).min(most) };
                    let is_dry = left < 1.0;
                    self.tokens = (if is_dry { left } else { left - 1.0 }, at);
                    is_dry
                }
                _ => false,
            };
        }
        falls
    }

    fn answer_in_time(&self, header: &RequestHeader, datagram: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        if let Some(bytes) = self.faults.iter().find_map(|fault| match fault {
            Fault::Garbage(bytes) => Some(bytes.clone()),
            _ => None,
        }) {
            return vec![(Duration::ZERO, bytes)];
        }
        let Some(mut reply) = self.reply(header, datagram) else { return Vec::new() };
        let mut after = Duration::ZERO;
        let (mut copies, mut most) = (1, usize::MAX);
        for fault in &self.faults {
            match fault {
                Fault::OtherSequence => reply.sequence = !reply.sequence,
                Fault::OtherCommand if reply.command == Command::TRACKING => {
                    reply.command = Command::ACTIVITY;
                }
                Fault::OtherCommand => reply.command = Command::TRACKING,
                Fault::OtherVersion(version) => {
                    reply = Reply::bare(key(header), Status::BadPacketVersion);
                    reply.version = *version;
                }
                Fault::Twice => copies = 2,
                Fault::Truncated(len) => most = *len,
                Fault::Slow(command, late) if *command == header.command => after += *late,
                Fault::Backwards(late) => {
                    let earlier = u32::try_from(self.heard.len() % 1000).unwrap_or_default();
                    after += late.saturating_sub(Duration::from_micros(100) * earlier);
                }
                _ => {}
            }
        }
        let mut bytes = reply.emit();
        bytes.truncate(most);
        vec![(after, bytes); copies]
    }

    /// The reply to one request; `None` where chronyd drops it.
    fn reply(&self, header: &RequestHeader, datagram: &[u8]) -> Option<Reply> {
        if !(LEAST_REQUEST_LEN..=MOST_REQUEST_LEN).contains(&datagram.len()) {
            return None;
        }
        let refuse = |status| Some(Reply::bare(key(header), status));
        if header.version != VERSION {
            return if header.version == 5 { refuse(Status::BadPacketVersion) } else { None };
        }
        let row = header.command.row().filter(|row| row.is_known_to(self.release));
        let Some(row) = row else { return refuse(Status::Invalid) };
        let longest = self.faults.iter().fold(row.request_len(self.release), |longest, fault| {
            if let Fault::Wants(len) = fault { longest.max(*len) } else { longest }
        });
        if datagram.len() < longest {
            return refuse(Status::BadPacketLength);
        }
        if self.carrier == Carrier::Udp && !self.opens(row.access) {
            return refuse(Status::Unauthorised);
        }
        for fault in &self.faults {
            match fault {
                Fault::Refuses(status) => return refuse(*status),
                Fault::RefusesOne(command, status) if *command == header.command => {
                    return refuse(*status);
                }
                _ => {}
            }
        }
        let request = Request::parse(datagram).ok()?;
        let report = self.report(&self.swapped(request.body));
        Some(match report {
            Ok(report) => Reply::success(key(header), report),
            Err(status) => Reply::bare(key(header), status),
        })
    }

    fn opens(&self, access: Access) -> bool {
        let can_be_told = self.release >= Release::new(4, 7);
        let is_told = can_be_told && access.opened_by().iter().any(|w| self.opened.contains(w));
        is_told || access.is_open_by_default()
    }

    /// Asks for another source's data in a source's stead.
    fn swapped(&self, body: Body) -> Body {
        let command = body.command();
        for fault in &self.faults {
            let Fault::Swaps(one, other) = fault else { continue };
            let (Body::SourceData(index) | Body::SourceStats(index) | Body::SelectData(index)) =
                body
            else {
                continue;
            };
            let instead = if command == *one { *other } else { continue };
            return match instead {
                Command::SOURCE_DATA => Body::SourceData(index),
                Command::SOURCESTATS => Body::SourceStats(index),
                _ => Body::SelectData(index),
            };
        }
        body
    }

    fn report(&self, body: &Body) -> Result<Report, Status> {
        Ok(match body {
            Body::Null => Report::Nothing,
            Body::SourceCount => Report::SourceCount(self.claimed()),
            Body::SourceData(index) => Report::SourceData(self.source(*index)?.data),
            Body::SourceStats(index) => Report::SourceStats(self.source(*index)?.stats),
            Body::SelectData(index) => Report::SelectData(self.source(*index)?.selection),
            Body::Tracking => Report::Tracking(self.state.tracking),
            Body::Activity => Report::Activity(self.state.activity),
            Body::ServerStats => Report::ServerStats(self.server_stats()),
            Body::NtpData(address) => {
                let mut data = self.source_at(*address)?.packet;
                if self.release < Release::new(4, 6) {
                    data.stamps = None;
                }
                if self.release < Release::new(4, 3) {
                    data.totals.good = None;
                }
                Report::NtpData(Box::new(data))
            }
            Body::SourceName(address) => {
                let name = &self.source_at(*address)?.name;
                Report::SourceName(SourceName::new(name.as_bytes()))
            }
            Body::AuthData(address) => Report::AuthData(self.source_at(*address)?.auth),
            Body::ManualList => {
                Report::ManualList(ManualList { samples: self.state.manual.clone() })
            }
            Body::Rtc => Report::Rtc(self.state.rtc.ok_or(Status::NoRtc)?),
            Body::Smoothing => Report::Smoothing(self.state.smoothing.ok_or(Status::NotEnabled)?),
            Body::ClientAccesses(range) => Report::ClientAccesses(self.clients(*range)?),
            // It changes nothing for anybody, and does not say so where it should.
            _ => return Err(Status::Failed),
        })
    }

    fn claimed(&self) -> u32 {
        let count = u32::try_from(self.state.sources.len()).unwrap_or(u32::MAX);
        self.faults.iter().fold(count, |count, fault| match fault {
            Fault::Claims(claimed) => *claimed,
            _ => count,
        })
    }

    fn source(&self, index: u32) -> Result<Source, Status> {
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        if let Some(source) = self.state.sources.get(place) {
            return Ok(source.clone());
        }
        if self.faults.contains(&Fault::Endless) {
            let [_, b, c, d] = index.to_be_bytes();
            return Ok(Source::server(d).at(Address::Ip([11, b, c, d].into())));
        }
        Err(Status::NoSuchSource)
    }

    fn source_at(&self, address: Address) -> Result<Source, Status> {
        let is_it =
            |source: &&Source| source.stats.address == address && address != Address::Unspecified;
        if let Some(source) = self.state.sources.iter().find(is_it) {
            return Ok(source.clone());
        }
        if self.faults.contains(&Fault::Endless) {
            return Ok(Source::server(0).at(address));
        }
        Err(Status::NoSuchSource)
    }

    /// The counters as far as this release tells them.
    fn server_stats(&self) -> ServerStats {
        let mut stats = self.state.server_stats;
        if self.release < Release::new(4, 4) {
            stats.stamps = None;
        }
        if self.release < Release::new(4, 2) {
            stats.interleaved = None;
        }
        stats
    }

    fn clients(&self, range: ClientRange) -> Result<ClientAccesses, Status> {
        let all = self.state.clients.as_ref().ok_or(Status::Inactive)?;
        let size = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let most = usize::try_from(range.most).unwrap_or(usize::MAX).min(MAX_CLIENTS);
        let first = usize::try_from(range.first_index).unwrap_or(usize::MAX);
        let mut next_index = range.first_index;
        let mut clients = Vec::new();
        for client in all.iter().skip(first) {
            if clients.len() == most {
                break;
            }
            next_index += 1;
            if client.address != Address::Unspecified {
                clients.push(*client);
            }
        }
        if self.faults.contains(&Fault::ClientsInACircle) {
            let (table_size, next_index) = (u32::MAX, range.first_index.wrapping_add(1));
            return Ok(ClientAccesses { table_size, next_index, clients: vec![client(1); 8] });
        }
        Ok(ClientAccesses { table_size: size, next_index, clients })
    }
}

fn key(header: &RequestHeader) -> RequestKey {
    RequestKey { command: header.command, sequence: header.sequence }
}
