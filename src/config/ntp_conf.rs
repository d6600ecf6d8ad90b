//! ntp.conf: directives as values.
//!
//! The same grammar serves a file and a `:config` line. What is known and of no concern here is a
//! [`Directive::Ignored`] with the reason; what is unknown or malformed is an error with its place.

mod arguments;
mod association;
pub mod clock;
pub mod control;
pub mod include;
mod key_ids;
mod known;
mod lexer;
mod pending;
pub mod printer;
mod reader;
pub mod records;
pub mod remote;
mod serving;
mod tokens;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Rejected;
use crate::config::host::HostSpec;
use crate::config::ntp_conf::arguments::Arguments;
use crate::config::ntp_conf::clock::Fudge;
use crate::config::ntp_conf::control::{Counters, SetVariable, Unwanted};
use crate::config::ntp_conf::records::{FileSet, Statistics};
use crate::config::restrict::Restrict;
use crate::units::{KeyId, NtpDuration, PollExponent, Ppm, Stratum};

/// Reads the text of the configuration called `source`.
///
/// What is known and left out is among the directives as [`Directive::Ignored`]; [`notices`] finds
/// it. A line with several settings yields as many directives, each at its own place.
///
/// # Errors
/// The first thing that is unknown or malformed, with its place; then nothing of it is to be used.
pub fn read(source: &str, text: &str) -> Result<Vec<Placed>, Rejected> {
    let mut directives = Vec::new();
    let name = Arc::from(source);
    for line in lexer::lines(source, text) {
        let line = line?;
        if line.ends_all() {
            break;
        }
        reader::read(&mut Arguments::new(&name, &line), &mut directives)?;
    }
    Ok(directives)
}

/// The bytes of the configuration called `source` as the text that [`read`] takes. In comments
/// bytes that are not UTF-8 are replaced.
///
/// # Errors
/// The first such byte anywhere else, with its place.
pub fn decode<'a>(source: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>, Rejected> {
    lexer::decode(source, bytes)
}

/// The directives of one file in the order in which they are followed, which is ntpd's: all that
/// associations depend on comes before them. Those of a kind stay in the order of the file.
pub fn in_order(mut directives: Vec<Placed>) -> Vec<Placed> {
    directives.sort_by_key(|placed| match &placed.directive {
        Directive::Keys(_) | Directive::TrustedKeys(_) => 0,
        Directive::Tos(_) | Directive::Ttl(_) => 1,
        Directive::Tinker(_) => 2,
        Directive::Flag { .. } => 3,
        Directive::Restrict(_)
        | Directive::Unrestrict(_)
        | Directive::Discard(_)
        | Directive::Mru(_)
        | Directive::Interface(_)
        | Directive::DriftFile(_)
        | Directive::BroadcastDelay(_)
        | Directive::ControlKey(_)
        | Directive::SetVariable(_)
        | Directive::SaveConfigDir(_)
        | Directive::Dscp(_)
        | Directive::LeapFile { .. }
        | Directive::LeapSmearInterval(_)
        | Directive::StatsDir(_)
        | Directive::Statistics(_)
        | Directive::FileSet(_)
        | Directive::LogFile(_)
        | Directive::PidFile(_)
        | Directive::Include(_)
        | Directive::Ignored { .. } => 4,
        Directive::BroadcastClient { .. }
        | Directive::MulticastClient(_)
        | Directive::ManycastServer(_) => 5,
        Directive::Association(_) => 6,
        Directive::Unconfigure(_) => 7,
        Directive::Fudge(_) => 8,
        Directive::Reset(_) => 9,
    });
    directives
}

/// Something in a configuration that is known and left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice<'a> {
    /// The file, or what else the line is from.
    pub source: &'a str,
    /// Line, counted from 1.
    pub line: usize,
    /// Column, counted from 1.
    pub column: usize,
    /// What is left out.
    pub keyword: &'a str,
    /// Why.
    pub reason: &'static str,
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, line, column, keyword, reason } = self;
        write!(f, "{source}, line {line}, column {column}: `{keyword}` is left out: {reason}")
    }
}

/// What of `directives` is left out, in their order: what nothing follows yet as well, and what is
/// about serving unless others are served.
pub fn notices(directives: &[Placed], is_serving: bool) -> impl Iterator<Item = Notice<'_>> {
    directives.iter().filter_map(move |placed| {
        let Placed { source, line, column, directive } = placed;
        let (keyword, reason) = match (directive, directive.serving()) {
            (Directive::Ignored { keyword, reason }, _) => (keyword.as_str(), *reason),
            (_, Some(_)) if is_serving => return None,
            // That means nothing for who is not served.
            (Directive::Association(_) | Directive::Tos(_), Some(_)) => return None,
            (_, Some(keyword)) => (keyword, NOBODY_SERVED),
            (directive, None) => directive.pending()?,
        };
        Some(Notice { source, line: *line, column: *column, keyword, reason })
    })
}

/// A directive and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The file, or what else it is from.
    pub source: Arc<str>,
    /// Line, counted from 1.
    pub line: usize,
    /// Column of its first character, counted from 1.
    pub column: usize,
    /// What it says.
    pub directive: Directive,
}

/// One line of ntp.conf.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Directive {
    /// `server`, `pool`, `peer`, `broadcast`, `manycastclient`.
    Association(Association),
    /// `keys FILE`.
    Keys(PathBuf),
    /// `trustedkey ID…`, ranges written out.
    TrustedKeys(Vec<KeyId>),
    /// `driftfile FILE`.
    DriftFile(PathBuf),
    /// `tos`: one setting.
    Tos(Tos),
    /// `tinker`: one setting.
    Tinker(Tinker),
    /// `enable` or `disable`: one flag.
    Flag {
        /// Which.
        flag: Flag,
        /// Whether it is enabled.
        is_enabled: bool,
    },
    /// `broadcastclient`.
    BroadcastClient {
        /// Whether the delay is measured by requests first (`novolley` says not).
        volley: bool,
    },
    /// `multicastclient GROUP…`: the addresses of the groups.
    MulticastClient(Vec<HostSpec>),
    /// `broadcastdelay SECONDS`: the round trip to servers that broadcast.
    BroadcastDelay(NtpDuration),
    /// `ttl HOPS…`: the reaches of requests to a group, from near to far.
    Ttl(Vec<u8>),
    /// `restrict`.
    Restrict(Restrict),
    /// `unrestrict`: of one that is there these flags are taken, or all of it goes when none is
    /// named; also `delrestrict`.
    Unrestrict(Restrict),
    /// `discard`, and NTPsec's `limit`: one setting.
    Discard(Discard),
    /// `mru`: one setting.
    Mru(Mru),
    /// `interface` or `nic`.
    Interface(InterfaceRule),
    /// `manycastserver GROUP…`: requests to these groups are answered.
    ManycastServer(Vec<HostSpec>),
    /// `fudge`, of the local clock.
    Fudge(Fudge),
    /// `leapfile FILE`: when leap seconds are.
    LeapFile {
        /// The file.
        path: PathBuf,
        /// Whether its hash must be right (`ignorehash` says not).
        checks_hash: bool,
    },
    /// `leapsmearinterval SECONDS`: over how long a leap second is spread for clients; zero for not.
    LeapSmearInterval(NtpDuration),
    /// `statsdir FOLDER`: where statistics are written.
    StatsDir(PathBuf),
    /// `statistics KIND…`: those that are written.
    Statistics(Vec<Statistics>),
    /// `filegen`: the files of one kind of statistics.
    FileSet(FileSet),
    /// `logfile FILE`.
    LogFile(PathBuf),
    /// `pidfile FILE`.
    PidFile(PathBuf),
    /// `saveconfigdir FOLDER`: where the running configuration can be saved.
    SaveConfigDir(PathBuf),
    /// `controlkey ID`: the key of those who may change things.
    ControlKey(KeyId),
    /// `setvar`: a variable of the system that is not one of its own.
    SetVariable(SetVariable),
    /// `unconfig` or `unpeer`: an association goes.
    Unconfigure(Unwanted),
    /// `reset`: counters begin anew.
    Reset(Vec<Counters>),
    /// `dscp`: the class of what is sent, 0 to 63.
    Dscp(u8),
    /// `includefile FILE`: what that file says, in place of this line.
    Include(PathBuf),
    /// A directive, or a part of one, that is known but not of our concern, with the reason.
    Ignored {
        /// Its keyword, with whatever tells it from others of the same.
        keyword: String,
        /// Why it is left out.
        reason: &'static str,
    },
}

/// An association to be mobilised.
#[derive(Clone, Debug, PartialEq)]
pub struct Association {
    /// The keyword.
    pub kind: Kind,
    /// With whom; names are resolved by others.
    pub host: HostSpec,
    /// The address family wanted.
    pub family: Option<Family>,
    /// The options.
    pub options: Options,
}

/// Kinds of association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `server`: a client association.
    Server,
    /// `pool`: a name behind which there are many servers.
    Pool,
    /// `peer`: symmetric active.
    Peer,
    /// `broadcast`: we send.
    Broadcast,
    /// `manycastclient`: servers are found by multicast.
    ManycastClient,
}

/// Families of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// `-4`.
    Ipv4,
    /// `-6`.
    Ipv6,
}

/// Options of an association, at ntpd's defaults.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own in ntp.conf")]
pub struct Options {
    /// `burst`: several packets at each poll.
    pub burst: bool,
    /// `iburst`: several packets while it is not reachable.
    pub iburst: bool,
    /// `prefer`.
    pub prefer: bool,
    /// `noselect`: measured, never used.
    pub noselect: bool,
    /// `true`: never a falseticker.
    pub trust: bool,
    /// `preempt`: may be dropped for a better one.
    pub preempt: bool,
    /// `xleave`: interleaved.
    pub xleave: bool,
    /// `key`.
    pub key: Option<KeyId>,
    /// `version`, 1 to 4.
    pub version: u8,
    /// `minpoll`.
    pub minpoll: PollExponent,
    /// `maxpoll`.
    pub maxpoll: PollExponent,
    /// `ttl`, of manycast and multicast.
    pub ttl: Option<u8>,
    /// `bias`: added to each offset, for a path known to be uneven.
    pub bias: NtpDuration,
}

impl Options {
    /// The words of those that are set and take no value.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> + use<> {
        let flags = [
            (self.burst, "burst"),
            (self.iburst, "iburst"),
            (self.prefer, "prefer"),
            (self.noselect, "noselect"),
            (self.trust, "true"),
            (self.preempt, "preempt"),
            (self.xleave, "xleave"),
        ];
        flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, word)| word)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            burst: false,
            iburst: false,
            prefer: false,
            noselect: false,
            trust: false,
            preempt: false,
            xleave: false,
            key: None,
            version: 4,
            minpoll: PollExponent::new(6),
            maxpoll: PollExponent::new(10),
            ttl: None,
            bias: NtpDuration::ZERO,
        }
    }
}

/// One setting of `tos`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Tos {
    /// `minsane`.
    Minsane(usize),
    /// `minclock`.
    Minclock(usize),
    /// `maxclock`.
    Maxclock(usize),
    /// `mindist`.
    Mindist(NtpDuration),
    /// `maxdist`.
    Maxdist(NtpDuration),
    /// `floor`: the least stratum that is accepted.
    Floor(Stratum),
    /// `ceiling`: the first stratum that is not.
    Ceiling(Stratum),
    /// `orphan`.
    Orphan(Stratum),
    /// `orphanwait`.
    OrphanWait(NtpDuration),
    /// `beacon`.
    Beacon(u32),
    /// `cohort`: whether those who ask a group are answered by servers of their own stratum, too.
    Cohort(bool),
}

/// One setting of `tinker`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Tinker {
    /// `step`: both directions; zero for never.
    Step(NtpDuration),
    /// `stepfwd`.
    StepForward(NtpDuration),
    /// `stepback`.
    StepBack(NtpDuration),
    /// `panic`; zero for never.
    Panic(NtpDuration),
    /// `stepout`.
    Stepout(NtpDuration),
    /// `allan`.
    Allan(PollExponent),
    /// `dispersion`: growth of uncertainty.
    Dispersion(Ppm),
    /// `freq`: the frequency to begin with.
    Frequency(Ppm),
    /// `huffpuff`: length of the window.
    HuffPuff(NtpDuration),
}

/// One setting of `discard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discard {
    /// `average`: the headway that clients should keep on average, as an exponent of two seconds.
    Average(u8),
    /// `minimum`: the least headway, in seconds.
    Minimum(u32),
    /// `monitor`: the age in seconds at which the oldest record surely gives way to a newcomer.
    Monitor(u32),
}

/// One setting of `mru`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mru {
    /// `maxdepth`: the most records.
    Most(usize),
    /// `maxmem`: the same by the memory that they take, in KiB.
    Memory(usize),
    /// `mindepth`: up to this many no record gives way.
    Least(usize),
    /// `maxage`: seconds after which a record gives way to a newcomer.
    Age(u32),
}

/// Which of this host's addresses are listened on: the last rule that fits one decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceRule {
    /// What is done.
    pub action: InterfaceAction,
    /// Where.
    pub place: InterfacePlace,
}

/// What is done at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InterfaceAction {
    /// `listen`: packets are heeded.
    Listen,
    /// `ignore`: no socket is opened.
    Ignore,
    /// `drop`: what comes is not heeded.
    Drop,
}

/// Which addresses a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterfacePlace {
    /// `all`.
    All,
    /// `ipv4` or `ipv6`: all of a family.
    Family(Family),
    /// `wildcard`: what comes to an address that has no socket of its own.
    Wildcard,
    /// Those of interfaces: a name, or a pattern as in a shell (`eth*`, `en[op]?`), whatever the
    /// case of its letters.
    Named(String),
    /// This address, or all that begin with the same bits.
    Addresses(IpAddr, u8),
}

/// Flags of `enable` and `disable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flag {
    /// `ntp`: whether the clock is steered.
    Ntp,
    /// `auth`: whether new peers must be authenticated.
    Auth,
    /// `bclient`: whether broadcasts are listened to.
    BroadcastClient,
    /// `monitor`: whether the monitor list is kept.
    Monitor,
    /// `stats`: whether statistics are written.
    Statistics,
}

/// Why a directive about others is left out where none are served.
const NOBODY_SERVED: &str = "nobody is served from here";

#[cfg(test)]
mod tests;
