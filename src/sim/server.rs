//! Servers with a character: real packets, answered rightly, wrongly or not at all.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;

use crate::sim::moment::{Moment, Span};
use crate::sim::random::Random;
use crate::sim::truth::Truth;
use crate::units::{
    Leap, Mode, NtpDuration, NtpTimestamp, PollExponent, Precision, RefId, Stratum,
};
use crate::wire::kiss::Kiss;
use crate::wire::packet::{Header, Packet};

/// How a server behaves.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub enum Character {
    /// It tells the truth, but for its own clock's error.
    #[default]
    Truechimer,
    /// It is wrong by this much.
    Falseticker(Span),
    /// It drifts away from a moment on.
    SlowLiar {
        /// When it begins.
        from: Span,
        /// How far it goes in a second.
        per_second: Span,
    },
    /// It says itself that it is not synchronised.
    Unsynchronised,
    /// As a Windows domain controller without a time source: it answers in version 3 and owns
    /// up to ten seconds of root dispersion.
    Windows,
    /// It answers in version 3 whatever it is asked in.
    VersionThree,
    /// Who asks too often is told RATE, or nothing.
    RateLimiting {
        /// The least time between requests, on average.
        every: Span,
        /// How many may come at once.
        burst: u32,
    },
    /// It refuses, with DENY or another code of four letters.
    Denying(String),
    /// It announces a leap second, whether one comes or not.
    LeapAnnouncing,
    /// It spreads the world's leap second over the time before it.
    Smearing(Span),
    /// It never answers.
    Silent,
}

/// What a server is like.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSpec {
    /// How it behaves.
    pub character: Character,
    /// How far from a reference clock.
    pub stratum: u8,
    /// Its reference ID, as letters.
    pub reference: String,
    /// The resolution of its clock, as an exponent of two.
    pub precision: i8,
    /// Its delay to the reference clock.
    pub root_delay: Span,
    /// Its dispersion.
    pub root_dispersion: Span,
    /// The error of its clock.
    pub error: Span,
    /// A slow swing of the error, to each side.
    pub swing: Span,
    /// How long one swing takes.
    pub swing_period: Span,
    /// What it takes to answer.
    pub turnaround: Span,
    /// How much later than it says a reply leaves, on average of an exponential.
    pub lateness: Span,
    /// Whether it tells in the next reply when one really left, to those who ask for that.
    pub interleaves: bool,
}

impl Default for ServerSpec {
    fn default() -> Self {
        let span = |seconds| Span::new(seconds).unwrap_or_default();
        Self {
            character: Character::Truechimer,
            stratum: 1,
            reference: "GPS".to_owned(),
            precision: -24,
            root_delay: Span::default(),
            root_dispersion: span(1e-4),
            error: Span::default(),
            swing: Span::default(),
            swing_period: span(3600.0),
            turnaround: span(2e-5),
            lateness: Span::ZERO,
            interleaves: false,
        }
    }
}

/// A server at work.
#[derive(Clone, Debug)]
pub struct Server {
    spec: ServerSpec,
    random: Random,
    /// What an event added to its error.
    extra: Span,
    /// What each client may still ask, in requests, and since when.
    credit: BTreeMap<IpAddr, (f64, Moment)>,
    /// Requests that came.
    asked: u64,
    /// When replies really left, by the time at which their requests were received.
    left: VecDeque<(NtpTimestamp, NtpTimestamp)>,
}

/// A reply, and when it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// After the request arrived.
    pub after: Duration,
    /// The bytes.
    pub datagram: Vec<u8>,
}

impl Server {
    /// A server of that kind.
    pub fn new(spec: ServerSpec, random: Random) -> Self {
        let (extra, credit) = (Span::ZERO, BTreeMap::new());
        Self { spec, random, extra, credit, asked: 0, left: VecDeque::new() }
    }

    /// What it is like.
    pub const fn spec(&self) -> &ServerSpec {
        &self.spec
    }

    /// Makes it wrong by this much more than it is by its nature.
    pub const fn mislead(&mut self, by: Span) {
        self.extra = by;
    }

    /// Gives it another character.
    pub fn become_like(&mut self, character: Character) {
        self.spec.character = character;
    }

    /// How often it was asked.
    pub const fn asked(&self) -> u64 {
        self.asked
    }

    /// How far the swing of its error takes its clock ahead.
    pub fn swing(&self, at: Moment) -> NtpDuration {
        if self.spec.swing.seconds().abs() <= 0.0 {
            return NtpDuration::ZERO;
        }
        let turns = at.seconds() / self.spec.swing_period.seconds().max(1e-9);
        let share = (std::f64::consts::TAU * turns).sin();
        NtpDuration::from_seconds(self.spec.swing.seconds() * share)
    }

    /// What its clock shows.
    pub fn time(&self, at: Moment, truth: &Truth) -> NtpTimestamp {
        let mut error_s = self.spec.error.seconds() + self.extra.seconds();
        error_s += self.swing(at).seconds();
        let base = match self.spec.character {
            Character::Falseticker(by) => {
                error_s += by.seconds();
                truth.time(at)
            }
            Character::SlowLiar { from, per_second } => {
                let lied_s = at.since(from.moment()).as_secs_f64();
                error_s += lied_s * per_second.seconds();
                truth.time(at)
            }
            Character::Smearing(over) => truth.smeared(at, over),
            _ => truth.time(at),
        };
        base + NtpDuration::from_seconds(error_s)
    }

    /// Answers a request that arrives at `at` from `from`.
    pub fn answer(
        &mut self,
        at: Moment,
        truth: &Truth,
        from: IpAddr,
        request: &[u8],
    ) -> Option<Reply> {
        self.asked += 1;
        if self.spec.character == Character::Silent {
            return None;
        }
        let request = Packet::parse(request).ok()?.header;
        let mode = match request.mode {
            Mode::Client => Mode::Server,
            Mode::SymmetricActive => Mode::SymmetricPassive,
            _ => return None,
        };
        let after = self.spec.turnaround.duration();
        let mut header = match self.kiss(at, from)? {
            Some(kiss) => kissing(&request, mode, kiss, self.time(at, truth)),
            None => self.telling(at, truth, &request, mode, after),
        };
        let late = self.lateness();
        if self.spec.interleaves && header.kiss().is_none() {
            self.interleave(&request, &mut header, late);
        }
        Some(Reply { after: after + late, datagram: header.emit() })
    }

    /// How much later than it says the next reply leaves.
    fn lateness(&mut self) -> Duration {
        if self.spec.lateness.seconds() <= 0.0 {
            return Duration::ZERO;
        }
        let late_s = self.spec.lateness.seconds() * self.random.exponential();
        Duration::try_from_secs_f64(late_s).unwrap_or_default()
    }

    /// Tells when the last reply left if that is asked for (RFC 9769), and remembers when this one
    /// will, `late` after what it says.
    fn interleave(&mut self, request: &Header, header: &mut Header, late: Duration) {
        let leaves = header.transmit + NtpDuration::from(late);
        let place = self.left.iter().position(|(received, _)| *received == request.origin);
        let asked = place.filter(|_| request.receive != request.transmit);
        if let Some((_, left)) = asked.and_then(|place| self.left.remove(place)) {
            (header.origin, header.transmit) = (request.receive, left);
        }
        self.left.truncate(MOST_LEFT - 1);
        self.left.push_front((header.receive, leaves));
    }

    /// The kiss that this client deserves; `None` inside when it deserves an answer, and outside
    /// when not even a kiss.
    #[expect(clippy::option_option, reason = "silence, a kiss, an answer: told at the only use")]
    fn kiss(&mut self, at: Moment, from: IpAddr) -> Option<Option<Kiss>> {
        match &self.spec.character {
            Character::Denying(code) => {
                Some(Some(RefId::from_code(code).map_or(Kiss::Denied, Kiss::from_reference_id)))
            }
            Character::RateLimiting { every, burst } => {
                let most = f64::from(*burst).max(1.0);
                let (credit, since) = self.credit.get(&from).copied().unwrap_or((most, at));
                let earned = at.since(since).as_secs_f64() / every.seconds().max(1e-9);
                let credit = (credit + earned).min(most);
                let is_allowed = credit >= 1.0;
                let left = if is_allowed { credit - 1.0 } else { credit };
                self.credit.insert(from, (left, at));
                // Most are not even told, so that a flood is not answered by another.
                match (is_allowed, self.random.happens(0.5)) {
                    (true, _) => Some(None),
                    (false, true) => Some(Some(Kiss::Rate)),
                    (false, false) => None,
                }
            }
            _ => Some(None),
        }
    }

    /// A reply that tells the time.
    fn telling(
        &self,
        at: Moment,
        truth: &Truth,
        request: &Header,
        mode: Mode,
        after: Duration,
    ) -> Header {
        let spec = &self.spec;
        let span = |span: Span| NtpDuration::from_seconds(span.seconds());
        let code = |letters| RefId::from_code(letters).unwrap_or_default();
        let receive = self.time(at, truth);
        let mut header = Header {
            leap: truth.announced(at),
            version: request.version,
            mode,
            stratum: Stratum::new(spec.stratum),
            poll: request.poll.max(LEAST_POLL),
            precision: Precision::new(spec.precision),
            root_delay: span(spec.root_delay),
            root_dispersion: span(spec.root_dispersion),
            reference_id: code(&spec.reference),
            reference: receive + NtpDuration::from_seconds(-REFERENCE_AGE_S),
            origin: request.transmit,
            receive,
            transmit: self.time(at + after, truth),
        };
        match &spec.character {
            Character::Unsynchronised => {
                header.leap = Leap::Alarm;
                header.stratum = Stratum::new(0);
                header.reference_id = code("INIT");
                header.reference = NtpTimestamp::NEVER;
            }
            Character::Windows => {
                header.version = header.version.min(3);
                header.reference_id = code("LOCL");
                header.root_dispersion = NtpDuration::from_seconds(10.0);
                header.precision = Precision::new(-6);
            }
            Character::VersionThree => header.version = header.version.min(3),
            Character::LeapAnnouncing => header.leap = Leap::Insert,
            Character::Smearing(over) => {
                header.leap = Leap::None;
                if truth.is_smearing(at, *over) {
                    header.reference_id = RefId::new([254, 0, 0, 1]);
                }
            }
            _ => {}
        }
        header
    }
}

/// A kiss: it tells no time.
fn kissing(request: &Header, mode: Mode, kiss: Kiss, time: NtpTimestamp) -> Header {
    Header {
        leap: Leap::Alarm,
        version: request.version,
        mode,
        stratum: Stratum::new(0),
        poll: PollExponent::new(request.poll.exponent().max(KISS_POLL)),
        precision: Precision::new(-24),
        root_delay: NtpDuration::ZERO,
        root_dispersion: NtpDuration::ZERO,
        reference_id: kiss.reference_id(),
        reference: NtpTimestamp::NEVER,
        origin: request.transmit,
        // As ntpd does: nothing in it can be taken for a measurement.
        receive: request.transmit,
        transmit: time,
    }
}

/// The least poll interval that a server names, whatever the client's (ntpd's `NTP_MINPOLL`).
pub const LEAST_POLL: PollExponent = PollExponent::new(3);

/// The poll interval that a kiss asks for.
const KISS_POLL: i8 = 6;

/// Replies that are remembered until somebody asks when they left.
const MOST_LEFT: usize = 256;

/// How long ago a server's clock was last set, in seconds.
const REFERENCE_AGE_S: f64 = 8.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::random::Stream;
    use crate::sim::truth::LeapSecond;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn truth() -> Truth {
        Truth::new(NtpTimestamp::from_unix(1_700_000_000, 0), None)
    }

    fn server(character: Character) -> Server {
        let spec = ServerSpec { character, ..Default::default() };
        Server::new(spec, Random::new(1, Stream::Server(1)))
    }

    fn ask(server: &mut Server, second: u64) -> Option<Header> {
        let request = Header::request(NtpTimestamp::from_bits(0x1234));
        let at = Moment::from_secs(second);
        let reply = server.answer(at, &truth(), CLIENT, &request.emit())?;
        Some(Packet::parse(&reply.datagram).unwrap().header)
    }

    fn error_s(character: Character, second: u64) -> f64 {
        let reply = ask(&mut server(character), second).unwrap();
        (reply.receive - truth().time(Moment::from_secs(second))).seconds()
    }

    #[test]
    fn a_reply_echoes_the_request_and_spans_the_turnaround() {
        let reply = ask(&mut server(Character::Truechimer), 10).unwrap();
        assert_eq!(reply.origin, NtpTimestamp::from_bits(0x1234));
        assert_eq!((reply.mode, reply.version), (Mode::Server, 4));
        assert!(((reply.transmit - reply.receive).seconds() - 2e-5).abs() < 1e-9);
    }

    #[test]
    fn an_interleaved_reply_tells_when_the_one_before_really_left() {
        let lateness = Span::new(0.01).unwrap();
        let spec = ServerSpec { interleaves: true, lateness, ..Default::default() };
        let mut server = Server::new(spec, Random::new(1, Stream::Server(1)));
        let mut ask = |request: Header, second| {
            let at = Moment::from_secs(second);
            let reply = server.answer(at, &truth(), CLIENT, &request.emit()).unwrap();
            let left = truth().time(at + reply.after);
            (Packet::parse(&reply.datagram).unwrap().header, left)
        };
        let nonce = |bits| NtpTimestamp::from_bits(bits);
        let (first, first_left) = ask(Header::request(nonce(1)), 10);
        assert!((first_left - first.transmit).seconds() > 1e-4);
        let request =
            Header { origin: first.receive, receive: nonce(3), ..Header::request(nonce(2)) };
        let (second, _) = ask(request, 20);
        assert_eq!(second.origin, nonce(3));
        assert!((second.transmit - first_left).seconds().abs() < 1e-8);
        assert!((second.receive - first.receive).seconds() > 9.9);
        // Once asked, it is forgotten.
        assert_eq!(ask(request, 30).0.origin, nonce(2));
    }

    #[test]
    fn liars_lie_as_they_are_told_to() {
        let span = |seconds| Span::new(seconds).unwrap();
        assert!(error_s(Character::Truechimer, 9).abs() < 1e-9);
        assert!((error_s(Character::Falseticker(span(0.05)), 9) - 0.05).abs() < 1e-9);
        let slow = || Character::SlowLiar { from: span(100.0), per_second: span(1e-6) };
        assert!(error_s(slow(), 100).abs() < 1e-9);
        assert!((error_s(slow(), 1100) - 1e-3).abs() < 1e-9);
    }

    #[test]
    fn some_do_not_tell_the_time() {
        assert_eq!(ask(&mut server(Character::Silent), 1), None);
        let unsynchronised = ask(&mut server(Character::Unsynchronised), 1).unwrap();
        assert_eq!(unsynchronised.leap, Leap::Alarm);
        let denied = ask(&mut server(Character::Denying("RSTR".into())), 1).unwrap();
        assert_eq!(denied.kiss(), Some(Kiss::Restricted));
        let windows = ask(&mut server(Character::Windows), 1).unwrap();
        assert_eq!(windows.version, 3);
        assert!(windows.root_dispersion > NtpDuration::from_seconds(9.9));
    }

    #[test]
    fn who_asks_too_often_is_kissed_or_ignored() {
        let every = Span::new(60.0).unwrap();
        let mut strict = server(Character::RateLimiting { every, burst: 4 });
        let replies: Vec<_> = (0..100).map(|second| ask(&mut strict, second)).collect();
        let told = replies.iter().flatten().filter(|reply| reply.kiss().is_none()).count();
        let kissed = replies.iter().flatten().filter(|r| r.kiss() == Some(Kiss::Rate)).count();
        assert_eq!(told, 5);
        assert!((30..65).contains(&kissed), "{kissed}");
    }

    #[test]
    fn leap_seconds_are_announced_or_smeared() {
        let leap = LeapSecond { at: Moment::from_secs(1000), is_inserted: true };
        let truth = Truth::new(NtpTimestamp::from_unix(1_700_000_000, 0), Some(leap));
        let over = Span::new(500.0).unwrap();
        let mut replies = [Character::Truechimer, Character::Smearing(over)].map(|character| {
            let request = Header::request(NtpTimestamp::from_bits(1)).emit();
            let at = Moment::from_secs(900);
            let reply = server(character).answer(at, &truth, CLIENT, &request).unwrap();
            Packet::parse(&reply.datagram).unwrap().header
        });
        let [honest, smearing] = &mut replies;
        assert_eq!((honest.leap, smearing.leap), (Leap::Insert, Leap::None));
        assert_eq!(smearing.reference_id.octets()[0], 254);
        assert!((honest.receive - smearing.receive).seconds() > 0.5);
    }
}
