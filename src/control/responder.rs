//! The answering side: mode 6 for any daemon that there is a picture of.
//!
//! A [`Responder`] takes a datagram, who asks ([`Asker`]), the picture ([`Daemon`]) and what only
//! the one who runs the daemon has ([`Books`]), and writes the datagrams of the answer. Opcodes,
//! errors, order and shape of all replies are those of ntpd 4.2.8p15; what NTPsec's ntpq asks beyond
//! is answered as well. What changes something is handed out as a [`Change`]: who runs the daemon
//! carries it out and has [`Responder::finish`] tell the asker what came of it.
//!
//! `Differs:` who is named by no `restrict` line gets no answer unless he is on this host, and whom
//! only a `default` line lets in is answered 16 times at once and then twice a second: replies are
//! longer than requests, and requests come in others' names.
//!
//! A signed request that somebody on its way has copied can be sent again by anybody, at any time,
//! and is obeyed again, as by every ntpd. Nothing in a request is fresh: each ntpq begins to count
//! its sequence at 1, so the same line told by two runs, or told again for want of an answer, is the
//! same datagram to the last bit, and to refuse what was obeyed before would refuse those. What
//! helps is to take no changes from where a copy can come from: `nomodify` on each line that lets
//! others than this host in, for the system lets no packet in from outside that claims to be of the
//! loopback.
//!
//! `Differs:` traps are refused as by NTPsec, for nobody listens to them any more and they are sent
//! to addresses that have not asked. Headers of errors are zero where ntpd leaves what was there.

pub mod books;
mod clients;
mod lists;
mod nonce;
mod reply;
mod throttle;
mod variables;

use std::net::SocketAddr;

use crate::config::restrict::Flags;
use crate::control::responder::books::Books;
use crate::control::responder::clients::Wanted;
use crate::control::responder::nonce::Nonces;
use crate::control::responder::reply::{Envelope, Seal, Text};
use crate::control::responder::throttle::Throttle;
use crate::control::responder::variables::Of;
use crate::model::daemon::{Daemon, Detail, Peer};
use crate::model::vars::system;
use crate::units::{AssocId, Leap, Now};
use crate::wire::mode6::auth::request_mac;
use crate::wire::mode6::varlist::{items, text};
use crate::wire::mode6::{ErrorCode, HEADER_LEN, MAX_DATA, Message, Opcode};

/// Answers control messages.
#[derive(Debug)]
pub struct Responder {
    nonces: Nonces,
    throttle: Throttle,
    counters: Counters,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// From where.
    pub from: SocketAddr,
    /// What is restricted for him.
    pub flags: Flags,
    /// What lets him in.
    pub admitted: Admitted,
}

/// What lets an asker in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Admitted {
    /// Nothing: nobody said who may ask. Only this host itself is answered.
    ByNobody,
    /// A line that is about everybody.
    ByDefault,
    /// A line about him or his network.
    ByName,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Control messages that came.
    pub received: u64,
    /// Those that were no requests, or of somebody who gets no answer.
    pub ignored: u64,
    /// Requests that were not answered because their sender asked too much.
    pub limited: u64,
    /// Requests that were refused with an error.
    pub refused: u64,
    /// Requests whose authentication was wrong.
    pub bad_auth: u64,
}

/// Something that an asker, who may, wants changed.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "whoever runs the daemon has to carry it out"]
pub struct Change {
    /// What.
    pub what: What,
    envelope: Envelope,
}

/// What is to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Lines of configuration are to be followed: at most 468 bytes of any kind.
    Configure(Vec<u8>),
    /// The configuration is to be written to a file of this name, which nobody has looked at yet.
    SaveConfig(String),
    /// The events of an association, or with 0 the system's, were seen by who may make them be
    /// forgotten. The answer is written already.
    ForgetEvents(AssocId),
}

impl Responder {
    /// A responder. `seed` must not be guessed: nonces are made from it.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            nonces: Nonces::new(seed),
            throttle: Throttle::default(),
            counters: Counters::default(),
        }
    }

    /// What was counted.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Answers a datagram, and returns what is to be changed for it.
    ///
    /// `now` is of the daemon: its monotonic clock is that of the picture's dates. The datagrams
    /// of the answer are put behind those that `replies` holds; all go to where the request came
    /// from.
    pub fn handle(
        &mut self,
        now: &Now,
        asker: &Asker,
        datagram: &[u8],
        daemon: &Daemon,
        books: &dyn Books,
        replies: &mut Vec<Vec<u8>>,
    ) -> Option<Change> {
        self.counters.received += 1;
        let Some(request) = header(datagram).filter(|_| asker.is_heard()) else {
            self.counters.ignored += 1;
            return None;
        };
        let address = asker.from.ip();
        let is_limited = asker.admitted == Admitted::ByDefault && !asker.is_local();
        if is_limited && !self.throttle.admits(address, now.mono) {
            self.counters.limited += 1;
            return None;
        }
        let before = replies.len();
        let leap = daemon.associations.latest().map_or(Leap::Alarm, |list| list.system.leap());
        let mut envelope = Envelope {
            version: request.version,
            opcode: request.opcode,
            sequence: request.sequence,
            association: request.association,
            leap,
            seal: Seal::None,
        };
        let told = match Message::parse(datagram) {
            Ok(request) if datagram.len().is_multiple_of(4) && request.data.len() <= MAX_DATA => {
                envelope.seal = self.judge(datagram, &request, books);
                let whole = Asked { now, asker, request: &request, daemon, books };
                self.answer(&whole, &envelope)
            }
            _ => Err(ErrorCode::BadFormat),
        };
        let key = envelope.key(books);
        let change = match told {
            Ok(Told::Text(status, text)) => {
                envelope.reply(status, &text.finish(), key, replies);
                Self::seen(&envelope, books)
            }
            Ok(Told::Bytes(status, bytes)) => {
                envelope.reply(status, &bytes, key, replies);
                Self::seen(&envelope, books)
            }
            Ok(Told::Later(what)) => Some(Change { what, envelope }),
            Ok(Told::Nothing) => None,
            Err(code) => {
                self.counters.refused += 1;
                replies.push(envelope.error(code, key));
                None
            }
        };
        if is_limited {
            let bytes = replies.iter().skip(before).map(Vec::len).sum();
            self.throttle.charge(address, now.mono, bytes);
        }
        change
    }

    /// The answer to the asker of `change`: `text` says what came of it.
    pub fn finish(
        &mut self,
        change: &Change,
        text: &str,
        books: &dyn Books,
        replies: &mut Vec<Vec<u8>>,
    ) {
        let mut data: Vec<u8> =
            text.trim_end().bytes().map(|byte| if byte.is_ascii() { byte } else { b'?' }).collect();
        data.extend(b"\r\n");
        change.envelope.reply(0, &data, change.envelope.key(books), replies);
    }

    /// Whose the request is, by its code.
    fn judge(&mut self, datagram: &[u8], request: &Message<'_>, books: &dyn Books) -> Seal {
        let mac_len = |id| books.key(id).map(|key| key.algorithm().mac_len());
        match request_mac(datagram, request, mac_len) {
            Some((covered, mac))
                if books.key(mac.key_id).is_some_and(|key| mac.is_by(key, covered)) =>
            {
                Seal::Key(mac.key_id)
            }
            None if request.trailer.len() < LEAST_MAC => Seal::None,
            _ => {
                self.counters.bad_auth += 1;
                Seal::Refused
            }
        }
    }

    /// Reading with the key that changes need makes events be forgotten.
    fn seen(envelope: &Envelope, books: &dyn Books) -> Option<Change> {
        let reads = matches!(envelope.opcode, Opcode::ReadStatus | Opcode::ReadVariables);
        (reads && envelope.may_change(books)).then(|| Change {
            what: What::ForgetEvents(envelope.association),
            envelope: envelope.clone(),
        })
    }

    fn answer(&mut self, asked: &Asked<'_>, envelope: &Envelope) -> Result<Told, ErrorCode> {
        let Asked { request, daemon, books, .. } = *asked;
        let may_change = || {
            if envelope.may_change(books) { Ok(()) } else { Err(ErrorCode::Permission) }
        };
        match request.opcode {
            Opcode::Unspecified if request.association == AssocId::SYSTEM => {
                Ok(Told::Text(system_status(daemon), Text::default()))
            }
            Opcode::Unspecified => Ok(Told::Text(asked.peer()?.status.bits(), Text::default())),
            Opcode::ReadStatus if request.association == AssocId::SYSTEM => {
                Ok(Told::Bytes(system_status(daemon), associations(daemon)))
            }
            Opcode::ReadStatus => {
                let peer = asked.peer()?;
                Ok(Told::Text(peer.status.bits(), variables::read(Of::Peer(peer), &[], books)?))
            }
            Opcode::ReadVariables if request.association == AssocId::SYSTEM => {
                let of = Of::System(daemon, asked.now);
                Ok(Told::Text(system_status(daemon), variables::read(of, request.data, books)?))
            }
            Opcode::ReadVariables => {
                let peer = asked.peer()?;
                Ok(Told::Text(
                    peer.status.bits(),
                    variables::read(Of::Peer(peer), request.data, books)?,
                ))
            }
            Opcode::ReadClock => {
                let peer = asked.clock()?;
                // What drivers count as events is not kept.
                Ok(Told::Text(0, variables::read(Of::Clock(peer), request.data, books)?))
            }
            Opcode::WriteVariables => {
                may_change()?;
                Err(asked.unwritable())
            }
            Opcode::WriteClock => Err(ErrorCode::Permission),
            Opcode::Configure => {
                may_change()?;
                asked.configure()
            }
            Opcode::SaveConfig => {
                may_change()?;
                Ok(asked.save_config())
            }
            Opcode::ReadOrderedList => {
                may_change()?;
                Ok(Told::Text(0, lists::read(request.data, books)?))
            }
            Opcode::RequestNonce => {
                let mut text = Text::default();
                text.item("nonce", &self.nonces.make(asked.asker.from, asked.now.mono));
                Ok(Told::Text(0, text))
            }
            Opcode::ReadMru => self.clients(asked),
            Opcode::SetTrap | Opcode::UnsetTrap | Opcode::TrapMessage | Opcode::Unassigned(_) => {
                Err(ErrorCode::BadOpcode)
            }
        }
    }

    /// Who has no nonce of ours learns nothing, not even that he was heard.
    fn clients(&mut self, asked: &Asked<'_>) -> Result<Told, ErrorCode> {
        if asked.asker.flags.has(Flags::NOMRULIST) {
            return Err(ErrorCode::Permission);
        }
        let (from, now) = (asked.asker.from, asked.now);
        let wanted = Wanted::read(asked.request.data);
        if !self.nonces.is_valid(&wanted.nonce, from, now.mono) {
            self.counters.ignored += 1;
            return Ok(Told::Nothing);
        }
        let clock = asked.daemon.clock_at(now.mono).unwrap_or(now.clock);
        let nonce = self.nonces.make(from, now.mono);
        Ok(Told::Text(0, wanted.answer(asked.books, &nonce, clock)?))
    }
}

/// A request with all that it is answered from.
#[derive(Clone, Copy)]
struct Asked<'a> {
    now: &'a Now,
    asker: &'a Asker,
    request: &'a Message<'a>,
    daemon: &'a Daemon,
    books: &'a dyn Books,
}

/// What is told.
enum Told {
    /// Items, with a status word.
    Text(u16, Text),
    /// Something else.
    Bytes(u16, Vec<u8>),
    /// What comes of a change, when that is known.
    Later(What),
    /// Nothing.
    Nothing,
}

impl<'a> Asked<'a> {
    fn peer(&self) -> Result<&'a Peer, ErrorCode> {
        let peer = self.daemon.peer(self.request.association);
        peer.map(|peer| &**peer).ok_or(ErrorCode::UnknownAssociation)
    }

    /// The reference clock that is meant: with 0 the one that is followed, else the first.
    fn clock(&self) -> Result<&'a Peer, ErrorCode> {
        let is_clock = |peer: &&Peer| peer.detail(Detail::Clock).latest().is_some();
        if self.request.association != AssocId::SYSTEM {
            return self.peer().ok().filter(is_clock).ok_or(ErrorCode::UnknownAssociation);
        }
        let followed = self.daemon.system.latest().and_then(|all| all.association(&system::PEER));
        let followed = followed.and_then(|id| self.daemon.peer(id)).map(|peer| &**peer);
        let first = || self.daemon.peers.iter().map(|peer| &**peer).find(is_clock);
        followed.filter(is_clock).or_else(first).ok_or(ErrorCode::UnknownAssociation)
    }

    /// Why a variable cannot be written: none can. Of a name that does not exist that is said.
    fn unwritable(&self) -> ErrorCode {
        let data = text(self.request.data);
        match items(&data).next() {
            Some(item)
                if self.request.association == AssocId::SYSTEM
                    && !Of::System(self.daemon, self.now).knows(item.name, self.books) =>
            {
                ErrorCode::UnknownVariable
            }
            _ => ErrorCode::Permission,
        }
    }

    fn configure(&self) -> Result<Told, ErrorCode> {
        if self.request.association != AssocId::SYSTEM {
            return Err(ErrorCode::BadValue);
        }
        if self.asker.flags.has(Flags::NOMODIFY) {
            return Ok(line("runtime configuration prohibited by restrict ... nomodify"));
        }
        Ok(Told::Later(What::Configure(self.request.data.to_vec())))
    }

    fn save_config(&self) -> Told {
        if self.asker.flags.has(Flags::NOMODIFY) {
            return line("saveconfig prohibited by restrict ... nomodify");
        }
        match text(self.request.data).trim_end_matches('\0') {
            "" => Told::Nothing,
            name => Told::Later(What::SaveConfig(name.to_owned())),
        }
    }
}

impl Asker {
    /// Whether he is on this host.
    fn is_local(&self) -> bool {
        self.from.ip().to_canonical().is_loopback()
    }

    /// Whether he is answered at all.
    fn is_heard(&self) -> bool {
        self.from.port() != 0
            && !self.flags.has(Flags::NOQUERY.with(Flags::IGNORE))
            && (self.admitted != Admitted::ByNobody || self.is_local())
    }
}

impl Envelope {
    /// The key that the reply is signed with.
    fn key<'a>(&self, books: &'a dyn Books) -> Option<&'a crate::wire::mac::Key> {
        match self.seal {
            Seal::Key(id) => books.key(id),
            Seal::None | Seal::Refused => None,
        }
    }

    /// Whether the request is signed with the key that changes need.
    fn may_change(&self, books: &dyn Books) -> bool {
        matches!(self.seal, Seal::Key(id) if books.control_key() == Some(id))
    }
}

/// The header of a datagram that is a request of a version that is spoken, whatever follows it.
fn header(datagram: &[u8]) -> Option<Message<'static>> {
    let mut alone = *datagram.first_chunk::<HEADER_LEN>()?;
    // Data that is not there is found later, and answered.
    let [.., high, low] = &mut alone;
    (*high, *low) = (0, 0);
    let header = Message::parse(&alone).ok()?;
    let is_request = !header.response && !header.error && !header.more && header.offset == 0;
    let header = Message { data: &[], trailer: &[], ..header };
    (is_request && (1..=4).contains(&header.version)).then_some(header)
}

fn line(text: &str) -> Told {
    let mut bytes = text.as_bytes().to_vec();
    bytes.extend(b"\r\n");
    Told::Bytes(0, bytes)
}

fn system_status(daemon: &Daemon) -> u16 {
    daemon.associations.latest().map_or(0, |list| list.system.bits())
}

/// The binary list of associations.
fn associations(daemon: &Daemon) -> Vec<u8> {
    let pair = |peer: &std::sync::Arc<Peer>| {
        let [a, b] = peer.id.get().to_be_bytes();
        let [c, d] = peer.status.bits().to_be_bytes();
        [a, b, c, d]
    };
    daemon.peers.iter().flat_map(pair).collect()
}

/// The shortest code with its key number: what is shorter is no code.
const LEAST_MAC: usize = 20;

#[cfg(test)]
mod tests;
