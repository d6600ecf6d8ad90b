//! A configuration as text again: what a daemon that runs goes by, written so that reading it gives
//! the same directives.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::config::host::HostSpec;
use crate::config::ntp_conf::clock::Fudge;
use crate::config::ntp_conf::control::{COUNTERS, Unwanted};
use crate::config::ntp_conf::records::FileSet;
use crate::config::ntp_conf::{
    Association, Directive, Discard, Family, Flag, InterfaceAction, InterfacePlace, InterfaceRule,
    Kind, Mru, Options, Placed, Tinker, Tos, read,
};
use crate::config::reload::is_same;
use crate::config::restrict::{Restrict, Selector, Whom};
use crate::units::{KeyId, NtpDuration, RefId};

/// The text of a configuration, with the files that it includes in their places, and what was told
/// besides: on the command line, and since it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    lines: Vec<Line>,
    told: Vec<Told>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    source: Arc<str>,
    text: String,
}

/// A directive that was told, and what it sets.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    directive: Directive,
    subject: Option<String>,
}

impl Written {
    /// Takes in a line of the file `source`.
    pub(super) fn line(&mut self, source: &Arc<str>, text: impl Into<String>) {
        self.lines.push(Line { source: Arc::clone(source), text: text.into() });
    }

    /// Takes in a line of the file `source` as a comment: it is not read, or not again.
    pub(super) fn unread(&mut self, source: &Arc<str>, text: &str) {
        let text = text.trim_start();
        let mark = if text.is_empty() || text.starts_with('#') { "" } else { "# " };
        self.line(source, format!("{mark}{text}"));
    }

    /// That `directive` was told besides and is followed.
    ///
    /// What is taken back by it goes; what sets the same as one that was told before replaces it, so
    /// that it does not grow with what is told again and again.
    pub fn tell(&mut self, directive: &Directive) {
        match directive {
            Directive::Unconfigure(Unwanted::Host { host, .. }) => self.remove(host),
            // By its number it is nothing that a file could name: see `remove`. Counters are none
            // of the configuration, nor is what is left out.
            Directive::Unconfigure(_) | Directive::Reset(_) | Directive::Ignored { .. } => {}
            _ => {
                let mut told = Told { directive: directive.clone(), subject: directive.subject() };
                if let Directive::Fudge(fudge) = &mut told.directive {
                    // It leaves what it does not name as it was told before.
                    for before in &self.told {
                        if let Directive::Fudge(before) = &before.directive
                            && before.clock == fudge.clock
                        {
                            *fudge = fudge.after(before);
                        }
                    }
                }
                self.told.retain(|before| {
                    let is_same = before.directive == told.directive;
                    !is_same && (told.subject.is_none() || before.subject != told.subject)
                });
                self.told.push(told);
            }
        }
    }

    /// Takes over what was told `before`, when this is read in its place, and outlives that: sources,
    /// unless they are among `directives`, which are those of this text.
    pub fn inherit(&mut self, before: &Self, directives: &[Placed]) {
        for told in &before.told {
            let Directive::Association(source) = &told.directive else { continue };
            let is_it = |placed: &Placed| matches!(&placed.directive, Directive::Association(named) if is_same(named, source));
            if !directives.iter().any(is_it) {
                self.tell(&told.directive);
            }
        }
    }

    /// That the association with `host` is gone: the first line that names it goes, or what was told
    /// of it.
    pub fn remove(&mut self, host: &HostSpec) {
        let is_of = |directive: &Directive| matches!(directive, Directive::Association(source) if source.host == *host);
        let names_it = |line: &Line| {
            // Only lines that mention it are read again.
            line.text.contains(host.host()) || line.text.contains("refclock")
        };
        let place = self.lines.iter().position(|line| {
            let says = || read(&line.source, &line.text).unwrap_or_default();
            names_it(line) && says().iter().any(|placed| is_of(&placed.directive))
        });
        if let Some(place) = place {
            self.lines.remove(place);
        } else if let Some(place) = self.told.iter().position(|told| is_of(&told.directive)) {
            self.told.remove(place);
        }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{}", line.text)?;
        }
        if !self.told.is_empty() && !self.lines.iter().any(|line| line.text == TOLD) {
            writeln!(f, "\n{TOLD}")?;
        }
        for told in &self.told {
            writeln!(f, "{}", told.directive)?;
        }
        Ok(())
    }
}

/// What stands before what was told on the command line and at run time.
const TOLD: &str = "# Told besides";

impl Directive {
    /// What it sets, where setting it again makes what it was before forgotten; `None` where each
    /// adds something.
    pub fn subject(&self) -> Option<String> {
        let text = self.to_string();
        let mut words = text.split(' ');
        let first = words.next()?;
        match self {
            Self::Tos(_) | Self::Tinker(_) | Self::Discard(_) | Self::Mru(_) => {
                Some(format!("{first} {}", words.next()?))
            }
            Self::Flag { .. } => Some(format!("flag {}", words.next()?)),
            Self::SetVariable(variable) => Some(format!("setvar {}", variable.name)),
            Self::Fudge(fudge) => Some(format!("fudge {}", fudge.clock)),
            Self::Keys(_)
            | Self::DriftFile(_)
            | Self::BroadcastDelay(_)
            | Self::Ttl(_)
            | Self::LeapFile { .. }
            | Self::LeapSmearInterval(_)
            | Self::StatsDir(_)
            | Self::LogFile(_)
            | Self::PidFile(_)
            | Self::SaveConfigDir(_)
            | Self::ControlKey(_)
            | Self::Dscp(_) => Some(first.to_owned()),
            _ => None,
        }
    }
}

impl fmt::Display for Directive {
    /// As a line of ntp.conf; nothing of one that is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Association(association) => fmt::Display::fmt(association, f),
            Self::Keys(path) => file(f, "keys", path),
            Self::TrustedKeys(ids) => trusted(f, ids),
            Self::DriftFile(path) => file(f, "driftfile", path),
            Self::Tos(setting) => tos(f, setting),
            Self::Tinker(setting) => tinker(f, setting),
            Self::Flag { flag, is_enabled } => {
                let verb = if *is_enabled { "enable" } else { "disable" };
                let flag = match flag {
                    Flag::Ntp => "ntp",
                    Flag::Auth => "auth",
                    Flag::BroadcastClient => "bclient",
                    Flag::Monitor => "monitor",
                    Flag::Statistics => "stats",
                };
                write!(f, "{verb} {flag}")
            }
            Self::BroadcastClient { volley: true } => f.write_str("broadcastclient"),
            Self::BroadcastClient { volley: false } => f.write_str("broadcastclient novolley"),
            Self::MulticastClient(groups) => list(f, "multicastclient", groups),
            Self::ManycastServer(groups) => list(f, "manycastserver", groups),
            Self::BroadcastDelay(delay) => span(f, "broadcastdelay", *delay),
            Self::Ttl(hops) => list(f, "ttl", hops),
            Self::Restrict(line) => restrict(f, "restrict", line),
            Self::Unrestrict(line) => restrict(f, "unrestrict", line),
            Self::Discard(Discard::Average(exponent)) => write!(f, "discard average {exponent}"),
            Self::Discard(Discard::Minimum(seconds)) => write!(f, "discard minimum {seconds}"),
            Self::Discard(Discard::Monitor(seconds)) => write!(f, "discard monitor {seconds}"),
            Self::Mru(Mru::Most(records)) => write!(f, "mru maxdepth {records}"),
            Self::Mru(Mru::Memory(kibibytes)) => write!(f, "mru maxmem {kibibytes}"),
            Self::Mru(Mru::Least(records)) => write!(f, "mru mindepth {records}"),
            Self::Mru(Mru::Age(seconds)) => write!(f, "mru maxage {seconds}"),
            Self::Interface(rule) => fmt::Display::fmt(rule, f),
            Self::Fudge(fudge) => fmt::Display::fmt(fudge, f),
            Self::LeapFile { path, checks_hash } => {
                file(f, "leapfile", path)?;
                f.write_str(if *checks_hash { "" } else { " ignorehash" })
            }
            Self::LeapSmearInterval(interval) => span(f, "leapsmearinterval", *interval),
            Self::StatsDir(path) => file(f, "statsdir", path),
            Self::Statistics(kinds) => {
                let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
                write!(f, "statistics {}", words.join(" "))
            }
            Self::FileSet(set) => fmt::Display::fmt(set, f),
            Self::LogFile(path) => file(f, "logfile", path),
            Self::PidFile(path) => file(f, "pidfile", path),
            Self::SaveConfigDir(path) => file(f, "saveconfigdir", path),
            Self::ControlKey(id) => write!(f, "controlkey {id}"),
            Self::SetVariable(variable) => {
                let default = if variable.is_default { " default" } else { "" };
                write!(f, "setvar {} = {}{default}", variable.name, Quoted(&variable.value))
            }
            Self::Unconfigure(Unwanted::Association(id)) => write!(f, "unconfig {id}"),
            Self::Unconfigure(Unwanted::Host { host, family }) => {
                write!(f, "unconfig {}{}", of_family(*family), Word(&host.to_string()))
            }
            Self::Reset(counters) => {
                f.write_str("reset")?;
                for (word, _) in
                    counters.iter().filter_map(|one| COUNTERS.iter().find(|row| row.1 == *one))
                {
                    write!(f, " {word}")?;
                }
                Ok(())
            }
            Self::Dscp(class) => write!(f, "dscp {class}"),
            Self::Include(path) => file(f, "includefile", path),
            Self::Ignored { .. } => Ok(()),
        }
    }
}

impl fmt::Display for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keyword = match self.kind {
            Kind::Server => "server",
            Kind::Pool => "pool",
            Kind::Peer => "peer",
            Kind::Broadcast => "broadcast",
            Kind::ManycastClient => "manycastclient",
        };
        write!(f, "{keyword} {}{}", of_family(self.family), Word(&self.host.to_string()))?;
        let options = &self.options;
        let usual = Options::default();
        for word in options.flags() {
            write!(f, " {word}")?;
        }
        if let Some(key) = options.key {
            write!(f, " key {key}")?;
        }
        if options.version != usual.version {
            write!(f, " version {}", options.version)?;
        }
        // A reference clock has other intervals than these where none is named.
        if options.minpoll != usual.minpoll || self.clock().is_some() {
            write!(f, " minpoll {}", options.minpoll.exponent())?;
        }
        if options.maxpoll != usual.maxpoll || self.clock().is_some() {
            write!(f, " maxpoll {}", options.maxpoll.exponent())?;
        }
        if let Some(ttl) = options.ttl {
            write!(f, " ttl {ttl}")?;
        }
        if options.bias != usual.bias {
            write!(f, " bias {}", in_seconds(options.bias))?;
        }
        Ok(())
    }
}

impl fmt::Display for InterfaceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match self.action {
            InterfaceAction::Listen => "listen",
            InterfaceAction::Ignore => "ignore",
            InterfaceAction::Drop => "drop",
        };
        write!(f, "interface {action} ")?;
        match &self.place {
            InterfacePlace::All => f.write_str("all"),
            InterfacePlace::Family(Family::Ipv4) => f.write_str("ipv4"),
            InterfacePlace::Family(Family::Ipv6) => f.write_str("ipv6"),
            InterfacePlace::Wildcard => f.write_str("wildcard"),
            InterfacePlace::Named(name) => write!(f, "{}", Word(name)),
            InterfacePlace::Addresses(address, length) => write!(f, "{address}/{length}"),
        }
    }
}

impl fmt::Display for Fudge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fudge {}", self.clock)?;
        for (name, value) in [("time1", self.time1), ("time2", self.time2)] {
            if let Some(value) = value {
                write!(f, " {name} {}", in_seconds(value))?;
            }
        }
        if let Some(stratum) = self.stratum {
            write!(f, " stratum {stratum}")?;
        }
        if let Some(code) = self.reference_id.and_then(RefId::code) {
            write!(f, " refid {}", Word(&code))?;
        }
        for (number, flag) in (1..).zip(self.flags) {
            if let Some(flag) = flag {
                write!(f, " flag{number} {}", u8::from(flag))?;
            }
        }
        match self.min_jitter {
            Some(jitter) => write!(f, " minjitter {}", in_seconds(jitter)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for FileSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filegen {}", self.of.word())?;
        if let Some(file) = &self.file {
            write!(f, " file {}", Word(file))?;
        }
        if let Some(cut) = self.cut {
            write!(f, " type {}", cut.word())?;
        }
        let words = [(self.link, "link", "nolink"), (self.is_enabled, "enable", "disable")];
        for (is, yes, no) in words {
            if let Some(is) = is {
                write!(f, " {}", if is { yes } else { no })?;
            }
        }
        Ok(())
    }
}

const fn of_family(family: Option<Family>) -> &'static str {
    match family {
        None => "",
        Some(Family::Ipv4) => "-4 ",
        Some(Family::Ipv6) => "-6 ",
    }
}

fn file(f: &mut fmt::Formatter<'_>, keyword: &str, path: &Path) -> fmt::Result {
    write!(f, "{keyword} {}", Word(&path.display().to_string()))
}

fn span(f: &mut fmt::Formatter<'_>, keyword: &str, span: NtpDuration) -> fmt::Result {
    write!(f, "{keyword} {}", in_seconds(span))
}

/// Seconds with no more digits than it takes to say them: what was written as 0.1 is no sum of powers
/// of two.
fn in_seconds(span: NtpDuration) -> f64 {
    let short = (span.seconds() * 1e9).round() / 1e9;
    if NtpDuration::from_seconds(short) == span { short } else { span.seconds() }
}

fn list(f: &mut fmt::Formatter<'_>, keyword: &str, items: &[impl fmt::Display]) -> fmt::Result {
    f.write_str(keyword)?;
    items.iter().try_for_each(|item| write!(f, " {item}"))
}

/// Key numbers, runs of them as ranges.
fn trusted(f: &mut fmt::Formatter<'_>, ids: &[KeyId]) -> fmt::Result {
    f.write_str("trustedkey")?;
    for run in ids.chunk_by(|a, b| a.get().checked_add(1) == Some(b.get())) {
        match run {
            [first, _, .., last] => write!(f, " ({first} ... {last})")?,
            _ => run.iter().try_for_each(|id| write!(f, " {id}"))?,
        }
    }
    Ok(())
}

fn tos(f: &mut fmt::Formatter<'_>, setting: &Tos) -> fmt::Result {
    match *setting {
        Tos::Minsane(count) => write!(f, "tos minsane {count}"),
        Tos::Minclock(count) => write!(f, "tos minclock {count}"),
        Tos::Maxclock(count) => write!(f, "tos maxclock {count}"),
        Tos::Mindist(distance) => span(f, "tos mindist", distance),
        Tos::Maxdist(distance) => span(f, "tos maxdist", distance),
        Tos::Floor(stratum) => write!(f, "tos floor {stratum}"),
        Tos::Ceiling(stratum) => write!(f, "tos ceiling {stratum}"),
        Tos::Orphan(stratum) => write!(f, "tos orphan {stratum}"),
        Tos::OrphanWait(wait) => span(f, "tos orphanwait", wait),
        Tos::Cohort(is_set) => write!(f, "tos cohort {}", u8::from(is_set)),
        Tos::Beacon(polls) => write!(f, "tos beacon {polls}"),
    }
}

fn tinker(f: &mut fmt::Formatter<'_>, setting: &Tinker) -> fmt::Result {
    match *setting {
        Tinker::Step(threshold) => span(f, "tinker step", threshold),
        Tinker::StepForward(threshold) => span(f, "tinker stepfwd", threshold),
        Tinker::StepBack(threshold) => span(f, "tinker stepback", threshold),
        Tinker::Panic(threshold) => span(f, "tinker panic", threshold),
        Tinker::Stepout(wait) => span(f, "tinker stepout", wait),
        Tinker::Allan(exponent) => write!(f, "tinker allan {}", exponent.exponent()),
        Tinker::Dispersion(growth) => write!(f, "tinker dispersion {}", growth.parts_per_million()),
        Tinker::Frequency(frequency) => write!(f, "tinker freq {}", frequency.parts_per_million()),
        Tinker::HuffPuff(window) => span(f, "tinker huffpuff", window),
    }
}

fn restrict(f: &mut fmt::Formatter<'_>, keyword: &str, line: &Restrict) -> fmt::Result {
    write!(f, "{keyword} ")?;
    match &line.whom {
        Whom::Default(family) => write!(f, "{}default", of_family(*family))?,
        Whom::Source => f.write_str("source")?,
        Whom::Addresses(selector) => addresses(f, selector)?,
        Whom::Named { host, family, ntp_port } => {
            let port = if *ntp_port { " ntpport" } else { "" };
            write!(f, "{}{}{port}", of_family(*family), Word(&host.to_string()))?;
        }
    }
    if let Some(most) = line.most_peers {
        write!(f, " ippeerlimit {most}")?;
    }
    let flags = line.flags.to_string();
    if flags.is_empty() { Ok(()) } else { write!(f, " {flags}") }
}

/// With a mask, which every ntpd reads, rather than a prefix.
fn addresses(f: &mut fmt::Formatter<'_>, selector: &Selector) -> fmt::Result {
    let (address, mask) = (selector.address(), selector.mask());
    write!(f, "{address}")?;
    if *selector != Selector::host(address) && *selector != Selector::host(address).from_ntp_port()
    {
        write!(f, " mask {mask}")?;
    }
    f.write_str(if selector.is_for_ntp_port() { " ntpport" } else { "" })
}

/// A word, in quotes where it would be several or none without.
struct Word<'a>(&'a str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = |character: char| character.is_whitespace() || character == '#';
        if self.0.is_empty() || self.0.contains(parts) {
            write!(f, "{}", Quoted(self.0))
        } else {
            f.write_str(self.0)
        }
    }
}

/// A word in quotes. There is no word with a quote in it, for the grammar has no way to write one.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

#[cfg(test)]
mod tests;
