//! Replies to those who ask for time.
//!
//! A reply needs nothing but the request, the lists that a server goes by, and what the engine last
//! had to tell of the clock ([`Served`]): no state is kept for a client but its record in the
//! monitor list. So whoever drives the sockets can answer at once, without the engine, and hand on
//! to it only what is not for a server. Answering allocates nothing.
//!
//! The order of the checks, and what each failure counts as, is ntpd's.

mod departures;
mod group;
mod lag;
mod settings;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

use crate::config::restrict::Flags;
use crate::engine::Engine;
use crate::engine::access::AccessList;
use crate::engine::keyring::Keyring;
use crate::engine::mru::{MonitorList, Seen};
use crate::engine::rate::{Headway, Judgement};
use crate::engine::server::departures::Departures;
use crate::engine::server::lag::Lag;
use crate::engine::smear::Smear;
use crate::engine::statistics::System as Counted;
use crate::engine::symmetric::fuzzed;
use crate::units::{
    KeyId, Leap, Mode, Mono, Now, NtpDuration, NtpTimestamp, PollExponent, Precision, RefId,
    Stratum,
};
use crate::wire::kiss::Kiss;
use crate::wire::mac::Key;
use crate::wire::packet::{CRYPTO_NAK, Header, Packet, Trailer, VERSION};

/// What is told of the clock, as it was at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Served {
    /// The leap indicator; an alarm while the clock follows nobody.
    pub leap: Leap,
    /// The stratum, 16 while it follows nobody.
    pub stratum: Stratum,
    /// How finely it is read.
    pub precision: Precision,
    /// The delay to the reference clock.
    pub root_delay: NtpDuration,
    /// The dispersion to the reference clock, at that moment.
    pub root_dispersion: NtpDuration,
    /// How much that grows, in seconds a second.
    pub growth: f64,
    /// The moment.
    pub at: Mono,
    /// What it follows.
    pub reference_id: RefId,
    /// When it was last set or corrected.
    pub reference: NtpTimestamp,
    /// The leap second that is being spread for clients, if one is.
    pub smear: Option<Smear>,
    /// The reference IDs of those who follow us.
    pub own_ids: Arc<[RefId]>,
    /// Whether requests to a group are answered to those who are as good as we are.
    pub cohort: bool,
}

impl Engine {
    /// What is to be told of the clock at `now`.
    pub fn served(&self, now: &Now) -> Served {
        let system = self.system();
        Served {
            leap: self.leap_told(now.mono),
            stratum: system.stratum,
            precision: self.settings().precision,
            root_delay: system.root_delay,
            root_dispersion: self.root_dispersion(now),
            growth: if system.is_orphan { 0.0 } else { self.phi() },
            at: now.mono,
            reference_id: system.reference_id,
            reference: system.reference,
            smear: self.smear(now),
            own_ids: Arc::clone(&self.own_ids),
            cohort: self.mitigation.cohort,
        }
    }
}

/// A datagram that came to a socket that serves.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// From where.
    pub from: SocketAddr,
    /// The address that it was sent to, where the system tells.
    pub to: Option<IpAddr>,
    /// When, by the clock that is served.
    pub at: NtpTimestamp,
    /// When, by a clock that nobody sets.
    pub mono: Mono,
    /// The bytes.
    pub datagram: &'a [u8],
}

/// What is to be done about a datagram.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// There is a reply, which [`Server::finish`] writes when it is about to leave: to where the
    /// datagram came from, from the address it came to.
    Reply(Draft),
    /// Nothing.
    Drop,
    /// It is a control message, of somebody with these restrictions.
    Control(Flags),
    /// It is for the engine: of a peer, a broadcaster, or an answer.
    Engine,
}

/// A reply but for the time at which it leaves and what depends on that.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    header: Header,
    /// What is done to its times while a leap second is spread.
    smear: Option<Smear>,
    /// Whose time of leaving it tells.
    leaves: Leaves,
    end: End,
}

/// What the transmit timestamp of a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaves {
    /// Nothing: it is no time.
    Untold,
    /// When it leaves itself; where there is a client, that may be asked more exactly later.
    Itself(Option<IpAddr>),
    /// When the one before left, at this time; as above.
    Before(NtpTimestamp, Option<IpAddr>),
}

/// What follows the header of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Nothing,
    Code(KeyId),
    CryptoNak,
}

/// What was counted, by ntpd's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerCounters {
    /// Packets of any kind.
    pub received: u64,
    /// Those of them that were left to the engine.
    pub handed_on: u64,
    /// Requests that were answered.
    pub processed: u64,
    /// Packets of the current version.
    pub current_version: u64,
    /// Packets of older versions.
    pub old_version: u64,
    /// Those of them of version 1: as a client's, without a mode, as a peer's.
    pub version_1: [u64; 3],
    /// Packets of no version, or that cannot be read.
    pub bad_length: u64,
    /// Packets that restrictions dropped.
    pub restricted: u64,
    /// Requests whose authentication was missing or wrong.
    pub bad_auth: u64,
    /// Packets that nobody here has a use for.
    pub declined: u64,
    /// Requests that came too often.
    pub limited: u64,
    /// Those of them that were told so.
    pub kisses: u64,
}

/// Answers those who ask for time.
#[derive(Debug)]
pub struct Server {
    /// Who may ask.
    pub access: AccessList,
    /// Who asked.
    pub monitor: MonitorList,
    /// How often one may ask.
    pub headway: Headway,
    /// Whether it is asked of each reply when exactly it left, for which there is no time where
    /// many come at once.
    pub is_quiet: bool,
    /// Whether clients are answered; the other packets are judged in any case.
    pub is_serving: bool,
    /// Whether everybody is recorded who sends packets (`enable monitor`), or only those whose rate
    /// is limited.
    is_monitoring: bool,
    departures: Departures,
    lag: Lag,
    counters: ServerCounters,
    /// What was counted, here and by the engine, when that was last to begin anew.
    pub(in crate::engine) before: Counted,
    keys: Arc<Keyring>,
    /// Groups whose requests are answered.
    groups: BTreeSet<IpAddr>,
    random: ChaCha20Rng,
}

impl Server {
    /// A server that answers everybody. `seed` feeds all that must not be guessed.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            access: AccessList::new(),
            monitor: MonitorList::default(),
            headway: Headway::default(),
            is_quiet: true,
            is_serving: true,
            is_monitoring: true,
            departures: Departures::default(),
            lag: Lag::default(),
            counters: ServerCounters::default(),
            before: Counted::default(),
            keys: Arc::default(),
            groups: BTreeSet::new(),
            random: ChaCha20Rng::from_seed(seed),
        }
    }

    /// What was counted since the start.
    pub const fn counters(&self) -> &ServerCounters {
        &self.counters
    }

    /// Lets what is counted here and by `engine` begin anew, as far as it is not since the start.
    pub fn reset_counters(&mut self, engine: &Engine, now: &Now) {
        self.before = Counted::counted(self, engine, now);
    }

    /// The key with this number, if it is trusted.
    pub fn key(&self, id: u32) -> Option<&Key> {
        KeyId::new(id).and_then(|id| self.keys.of_client(id))
    }

    /// The keys of `engine`, those that it trusts.
    pub fn share_keys(&mut self, engine: &Engine) {
        self.keys = Arc::new(engine.keys.clone());
    }

    /// The reply called `name` left at this time, by the clock that is served: better known than
    /// when it was written.
    pub fn left(&mut self, name: NtpTimestamp, at: NtpTimestamp) {
        if let Some(late) = self.departures.correct(name, at) {
            self.lag.learn(late);
        }
    }

    /// Forgets when replies left: the clock was set, and those times are none of it.
    pub fn forget_departures(&mut self) {
        self.departures = Departures::default();
    }

    /// Judges a datagram.
    pub fn answer(&mut self, served: &Served, arrived: &Arrived<'_>) -> Verdict {
        self.counters.received += 1;
        let Arrived { from, datagram, .. } = *arrived;
        if from.port() == 0 {
            self.counters.bad_length += 1;
            return Verdict::Drop;
        }
        let address = from.ip().to_canonical();
        if is_nobody(address) {
            self.counters.restricted += 1;
            return Verdict::Drop;
        }
        let flags = self.access.admit(address, from.port());
        if flags.has(Flags::IGNORE) {
            self.counters.restricted += 1;
            return Verdict::Drop;
        }
        let first = datagram.first().copied().unwrap_or_default();
        if matches!(Mode::from_bits(first), Mode::Control | Mode::Private) {
            return Verdict::Control(flags);
        }
        if flags.has(Flags::NOSERVE) || (flags.has(Flags::FLAKE) && self.flakes()) {
            self.counters.restricted += 1;
            return Verdict::Drop;
        }
        if !self.count_version(first >> 3 & 7, flags) {
            return Verdict::Drop;
        }
        if first >> 3 & 7 == 1 {
            self.count_version_1(Mode::from_bits(first));
        }
        let Ok(packet) = Packet::parse(datagram) else {
            self.counters.bad_length += 1;
            return Verdict::Drop;
        };
        let Some(mode) = mode_asked(&packet.header, from.port()) else {
            self.counters.bad_length += 1;
            return Verdict::Drop;
        };
        if flags.has(Flags::NOTRUST) && packet.trailer == Trailer::None {
            self.counters.restricted += 1;
            return Verdict::Drop;
        }
        let judgement = self.record(arrived, address, mode, packet.header.version, flags);
        if judgement != Judgement::Fair {
            return self.limit(arrived, &packet, mode, judgement, flags);
        }
        if mode != Mode::Client {
            self.counters.handed_on += 1;
            return Verdict::Engine;
        }
        if !self.is_serving {
            self.counters.declined += 1;
            return Verdict::Drop;
        }
        let group = arrived.to.filter(IpAddr::is_multicast);
        if group.is_some_and(|group| !self.serves_group(group)) {
            self.counters.restricted += 1;
            return Verdict::Drop;
        }
        if group.is_some() && !served.helps(&packet.header) {
            self.counters.declined += 1;
            return Verdict::Drop;
        }
        self.serve(served, arrived, &packet, flags)
    }

    /// Answers a request that is answered.
    fn serve(
        &mut self,
        served: &Served,
        arrived: &Arrived<'_>,
        packet: &Packet<'_>,
        flags: Flags,
    ) -> Verdict {
        let end = match self.authenticate(packet, arrived.datagram) {
            Authentic::By(key) => End::Code(key),
            Authentic::No if flags.has(Flags::NOTRUST) => {
                self.counters.bad_auth += 1;
                return Verdict::Drop;
            }
            Authentic::No => End::Nothing,
            Authentic::Wrong => {
                self.counters.bad_auth += 1;
                if arrived.to.is_some_and(|to| to.is_multicast()) {
                    return Verdict::Drop;
                }
                // What is longer than the request is not sent: a crypto-NAK never is.
                let leaves = Leaves::Itself(None);
                return Verdict::Reply(self.draft(served, arrived, packet, leaves, End::CryptoNak));
            }
            Authentic::Refused => {
                self.counters.restricted += 1;
                return Verdict::Drop;
            }
        };
        self.counters.processed += 1;
        let (request, client) = (&packet.header, arrived.from.ip().to_canonical());
        // Who gives back when we received a request of his asks when the reply to it left.
        let before = self.departures.take(request.origin, client);
        let before = before.filter(|_| request.receive != request.transmit);
        let client = (request.version == VERSION).then_some(client);
        let leaves = match before {
            Some(before) => Leaves::Before(before, client),
            None => Leaves::Itself(client),
        };
        Verdict::Reply(self.draft(served, arrived, packet, leaves, end))
    }

    fn draft(
        &mut self,
        served: &Served,
        arrived: &Arrived<'_>,
        packet: &Packet<'_>,
        leaves: Leaves,
        end: End,
    ) -> Draft {
        let request = &packet.header;
        let age_s = arrived.mono.since(served.at).as_secs_f64();
        let grown = NtpDuration::from_seconds(served.growth * age_s);
        let is_set = served.stratum < Stratum::UNSYNCHRONISED;
        let is_interleaved = matches!(leaves, Leaves::Before(..));
        let header = Header {
            leap: served.leap,
            version: request.version.min(VERSION),
            mode: Mode::Server,
            stratum: if is_set { served.stratum } else { Stratum::new(0) },
            poll: request.poll.max(LEAST_POLL),
            precision: served.precision,
            root_delay: served.root_delay,
            root_dispersion: served.root_dispersion + grown,
            reference_id: served.reference_id,
            reference: served.reference,
            origin: if is_interleaved { request.receive } else { request.transmit },
            receive: self.fuzzed(arrived.at, served.precision),
            transmit: NtpTimestamp::NEVER,
        };
        Draft { header, smear: served.smear, leaves, end }
    }

    /// Writes a reply that leaves at once; `sent` is the time now. The name of the reply, where
    /// [`left`](Self::left) is to be told when exactly it left.
    pub fn finish(
        &mut self,
        draft: &Draft,
        sent: NtpTimestamp,
        reply: &mut Vec<u8>,
    ) -> Option<NtpTimestamp> {
        let mut header = draft.header;
        // Without the kernel's being asked it leaves sooner than those of which that is known.
        let lag = if self.is_quiet { self.lag.expected() } else { NtpDuration::ZERO };
        let leaving = self.fuzzed(sent + lag, header.precision);
        let (transmit, client) = match draft.leaves {
            Leaves::Untold => (header.transmit, None),
            Leaves::Itself(client) => (leaving, client),
            Leaves::Before(before, client) => (before, client),
        };
        header.transmit = transmit;
        if let Some(smear) = &draft.smear {
            smear.change(&mut header);
        }
        reply.clear();
        header.append_to(reply);
        match draft.end {
            End::Nothing => {}
            End::Code(key) => {
                if let Some(key) = self.keys.of_client(key) {
                    self.keys.seal(key, reply);
                }
            }
            End::CryptoNak => reply.extend(CRYPTO_NAK),
        }
        let name = header.receive;
        let client = client.filter(|_| self.is_quiet)?;
        self.departures.note(name, client, leaving).then_some(name)
    }

    /// A request that comes too often: it is told so now and then, else nothing.
    ///
    /// Differs: ntpd signs a kiss with whatever key the request names, before it has looked whether
    /// the request is by that key, so that anybody can have one signed.
    fn limit(
        &mut self,
        arrived: &Arrived<'_>,
        packet: &Packet<'_>,
        mode: Mode,
        judgement: Judgement,
        flags: Flags,
    ) -> Verdict {
        self.counters.limited += 1;
        let is_told = judgement == Judgement::Kiss && flags.has(Flags::KOD);
        if !is_told || !matches!(mode, Mode::Client | Mode::SymmetricActive) {
            return Verdict::Drop;
        }
        self.counters.kisses += 1;
        let request = &packet.header;
        // Who asks with a key believes nothing without it.
        let end = match self.authenticate(packet, arrived.datagram) {
            Authentic::By(key) => End::Code(key),
            Authentic::No | Authentic::Wrong | Authentic::Refused => End::Nothing,
        };
        let mode = if mode == Mode::Client { Mode::Server } else { Mode::SymmetricPassive };
        let header = Header {
            leap: Leap::Alarm,
            version: request.version.min(VERSION),
            mode,
            stratum: Stratum::new(0),
            poll: request.poll.max(LEAST_POLL),
            reference_id: Kiss::Rate.reference_id(),
            origin: request.transmit,
            // Nothing of our clock is told.
            receive: request.transmit,
            transmit: request.transmit,
            ..*request
        };
        Verdict::Reply(Draft { header, smear: None, leaves: Leaves::Untold, end })
    }

    /// Records the packet in the monitor list, and says whether it came too soon.
    fn record(
        &mut self,
        arrived: &Arrived<'_>,
        address: IpAddr,
        mode: Mode,
        version: u8,
        flags: Flags,
    ) -> Judgement {
        let seen = Seen {
            address,
            port: arrived.from.port(),
            local: arrived.to.unwrap_or_else(|| unspecified(address)),
            at: arrived.at,
            mono: arrived.mono,
            mode,
            version,
        };
        if !self.is_monitoring && !flags.has(Flags::LIMITED) {
            return Judgement::Fair;
        }
        let headway = self.headway;
        // For whom there is no room, nothing is known.
        let Some((record, elapsed)) = self.monitor.record(seen, self.random.next_u32()) else {
            return Judgement::Fair;
        };
        let Some(elapsed) = elapsed else { return Judgement::Fair };
        let judgement = record.bucket.fill(elapsed, headway);
        if judgement == Judgement::Fair || !flags.has(Flags::LIMITED) {
            return Judgement::Fair;
        }
        record.dropped = record.dropped.saturating_add(1);
        record.flags = Flags::LIMITED;
        if judgement == Judgement::Kiss && flags.has(Flags::KOD) {
            record.flags = record.flags.with(Flags::KOD);
        }
        judgement
    }

    fn authenticate(&self, packet: &Packet<'_>, datagram: &[u8]) -> Authentic {
        match packet.trailer {
            Trailer::None => Authentic::No,
            Trailer::CryptoNak => Authentic::Refused,
            Trailer::Mac(mac) => {
                let is_right = |key: &&Key| self.keys.is_by(key, &mac, packet.covered(datagram));
                let key = KeyId::new(mac.key_id).and_then(|id| self.keys.of_client(id));
                key.filter(is_right).map_or(Authentic::Wrong, |key| Authentic::By(key.id()))
            }
        }
    }

    /// Counts the version of a packet; whether it is one that is heeded.
    const fn count_version(&mut self, version: u8, flags: Flags) -> bool {
        match version {
            VERSION => self.counters.current_version += 1,
            1..VERSION if !flags.has(Flags::VERSION) => self.counters.old_version += 1,
            _ => {
                self.counters.bad_length += 1;
                return false;
            }
        }
        true
    }

    const fn count_version_1(&mut self, mode: Mode) {
        let [client, unspecified, symmetric] = &mut self.counters.version_1;
        match mode {
            Mode::Client => *client += 1,
            Mode::Unspecified => *unspecified += 1,
            Mode::SymmetricActive => *symmetric += 1,
            _ => {}
        }
    }

    /// One in ten.
    fn flakes(&mut self) -> bool {
        self.random.next_u32() < u32::MAX / 10
    }

    /// A time whose digits below the precision are noise: they say nothing, and so nobody can
    /// foresee them.
    fn fuzzed(&mut self, stamp: NtpTimestamp, precision: Precision) -> NtpTimestamp {
        fuzzed(stamp, precision, self.random.next_u32().into())
    }
}

/// Whether a request is authenticated.
enum Authentic {
    /// By this key.
    By(KeyId),
    /// It has no code.
    No,
    /// Its code is wrong, or of a key that is not trusted.
    Wrong,
    /// It says that a code of ours could not be verified, which is no request.
    Refused,
}

/// As whom a packet asks; `None` where that makes no sense. Version 1 had no modes: what comes from
/// another port than NTP's is a client's.
fn mode_asked(header: &Header, port: u16) -> Option<Mode> {
    match (header.mode, header.version) {
        (Mode::Unspecified, 1) if port != NTP_PORT => Some(Mode::Client),
        (Mode::Unspecified, _) => None,
        (mode, _) => Some(mode),
    }
}

/// The address that stands for none of a family.
const fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// Whether an address is one that nobody can send from.
fn is_nobody(address: IpAddr) -> bool {
    address.is_multicast()
        || address.is_unspecified()
        || matches!(address, IpAddr::V4(v4) if v4.is_broadcast())
}

/// The least poll interval that clients are told.
const LEAST_POLL: PollExponent = PollExponent::new(3);

/// The port of NTP.
const NTP_PORT: u16 = 123;

#[cfg(test)]
mod tests;
