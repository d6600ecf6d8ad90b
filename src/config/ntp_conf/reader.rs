//! Lines as directives.

use std::path::PathBuf;

use crate::config::host::HostSpec;
use crate::config::ntp_conf::arguments::Arguments;
use crate::config::ntp_conf::lexer::Word;
use crate::config::ntp_conf::tokens::Tokens;
use crate::config::ntp_conf::{
    Directive, Flag, Kind, Placed, Tinker, Tos, association, clock, control, key_ids, known,
    records, serving, tokens,
};
use crate::config::{Rejected, shown};
use crate::units::{KeyId, NtpDuration};

/// Reads one line into `directives`.
pub(super) fn read(
    arguments: &mut Arguments<'_>,
    directives: &mut Vec<Placed>,
) -> Result<(), Rejected> {
    let keyword = arguments.expect("a directive", tokens::MANY)?;
    let name = keyword.text.to_ascii_lowercase();
    let directive = match name.as_str() {
        "server" => return association::read(keyword, Kind::Server, arguments, directives),
        "pool" => return association::read(keyword, Kind::Pool, arguments, directives),
        "peer" => return association::read(keyword, Kind::Peer, arguments, directives),
        "broadcast" => return association::read(keyword, Kind::Broadcast, arguments, directives),
        "manycastclient" => {
            return association::read(keyword, Kind::ManycastClient, arguments, directives);
        }
        "tos" => return settings(&name, tokens::MANY, arguments, directives, tos),
        "tinker" => return settings(&name, tokens::MANY, arguments, directives, tinker),
        "enable" => {
            return settings(&name, tokens::MANY, arguments, directives, |a, w, n| {
                flag(a, w, n, true)
            });
        }
        "disable" => {
            return settings(&name, tokens::MANY, arguments, directives, |a, w, n| {
                flag(a, w, n, false)
            });
        }
        "discard" => {
            return settings(&name, tokens::DISCARD, arguments, directives, serving::discard);
        }
        "limit" => return settings(&name, tokens::MANY, arguments, directives, serving::limit),
        "mru" => return settings(&name, tokens::MANY, arguments, directives, serving::mru),
        "driftfile" => return drift_file(keyword, arguments, directives),
        "fudge" => return clock::fudge(keyword, arguments, directives),
        "refclock" => return clock::refclock(keyword, arguments, directives),
        "restrict" | "unrestrict" | "delrestrict" => {
            let directive =
                if name == "restrict" { Directive::Restrict } else { Directive::Unrestrict };
            for restrict in serving::restrict(arguments)? {
                directives.push(arguments.placed(keyword, directive(restrict)));
            }
            return Ok(());
        }
        "trustedkey" => {
            let ids = key_ids::read(arguments)?;
            let count = |placed: &Placed| match &placed.directive {
                Directive::TrustedKeys(ids) => ids.len(),
                _ => 0,
            };
            if directives.iter().map(count).sum::<usize>() + ids.len() > MOST_TRUSTED {
                let reason = "the same keys are trusted again and again".to_owned();
                return Err(arguments.rejected(keyword.column, reason));
            }
            Directive::TrustedKeys(ids)
        }
        "statistics" => {
            let mut notices = Vec::new();
            let kinds = records::statistics(arguments, &mut notices)?;
            if !kinds.is_empty() {
                directives.push(arguments.placed(keyword, Directive::Statistics(kinds)));
            }
            directives.append(&mut notices);
            return Ok(());
        }
        "filegen" => {
            let mut notices = Vec::new();
            if let Some(set) = records::file_set(arguments, &mut notices)? {
                notices.push(arguments.placed(keyword, Directive::FileSet(set)));
            }
            directives.append(&mut notices);
            return Ok(());
        }
        "controlkey" => {
            let Some(id) = KeyId::new(arguments.integer(&name, 0..=65_535)?) else {
                let reason = "key 0 is none, so nobody can change anything";
                directives.push(arguments.ignored(keyword, name.clone(), reason));
                return arguments.end(&name);
            };
            Directive::ControlKey(id)
        }
        _ => single(&name, keyword, arguments)?,
    };
    arguments.end(&name)?;
    directives.push(arguments.placed(keyword, directive));
    Ok(())
}

/// Reads what follows `keyword`, in lower case `name`, of a line that says one thing.
fn single(
    name: &str,
    keyword: &Word,
    arguments: &mut Arguments<'_>,
) -> Result<Directive, Rejected> {
    Ok(match name {
        "interface" | "nic" => Directive::Interface(serving::interface(arguments)?),
        "manycastserver" => Directive::ManycastServer(groups(arguments)?),
        "includefile" => Directive::Include(file(name, arguments)?),
        "leapfile" => leap_file(arguments)?,
        "leapsmearinterval" => {
            let seconds = f64::from(arguments.integer(name, 0..=MAX_SMEAR_S)?);
            Directive::LeapSmearInterval(NtpDuration::from_seconds(seconds))
        }
        "statsdir" => Directive::StatsDir(file(name, arguments)?),
        "logfile" => Directive::LogFile(file(name, arguments)?),
        "pidfile" => Directive::PidFile(file(name, arguments)?),
        "saveconfigdir" => Directive::SaveConfigDir(file(name, arguments)?),
        "setvar" => Directive::SetVariable(control::set_variable(arguments)?),
        "unconfig" | "unpeer" => Directive::Unconfigure(control::unwanted(arguments)?),
        "reset" => Directive::Reset(control::reset(arguments)?),
        "dscp" => {
            let class = arguments.integer(name, 0..=63)?;
            Directive::Dscp(u8::try_from(class).unwrap_or(u8::MAX))
        }
        "keys" => Directive::Keys(file(name, arguments)?),
        "broadcastclient" => {
            let word = arguments.next();
            if let Some(word) = word.filter(|word| !word.text.eq_ignore_ascii_case("novolley")) {
                let reason = format!("`{name}` takes no `{}` here", shown(&word.text));
                return Err(arguments.stray(word, tokens::END, reason));
            }
            Directive::BroadcastClient { volley: word.is_none() }
        }
        "multicastclient" => Directive::MulticastClient(groups(arguments)?),
        "ttl" => Directive::Ttl(hops(arguments)?),
        "broadcastdelay" => Directive::BroadcastDelay(arguments.span(name, MAX_DELAY_S)?),
        _ => {
            let Some((reason, shape)) = known::reason(name) else {
                let reason = format!("`{}` is no directive of ntp.conf", shown(&keyword.text));
                return Err(arguments.stray(keyword, tokens::MANY, reason));
            };
            shape.take(name, arguments)?;
            Directive::Ignored { keyword: name.to_owned(), reason }
        }
    })
}

/// `leapfile FILE [checkhash|ignorehash]`.
fn leap_file(arguments: &mut Arguments<'_>) -> Result<Directive, Rejected> {
    let path = file("leapfile", arguments)?;
    let checks_hash = !arguments.next_is("ignorehash");
    if checks_hash {
        arguments.next_is("checkhash");
    }
    Ok(Directive::LeapFile { path, checks_hash })
}

/// Reads the settings of a line one after the other, each as `read` has it.
fn settings<'a>(
    keyword: &str,
    firsts: Tokens,
    arguments: &mut Arguments<'a>,
    directives: &mut Vec<Placed>,
    read: impl Fn(&mut Arguments<'a>, &'a Word, &str) -> Result<Directive, Rejected>,
) -> Result<(), Rejected> {
    let mut word = arguments.expect(&format!("what to {}", verb(keyword)), firsts)?;
    loop {
        let name = word.text.to_ascii_lowercase();
        let directive = read(arguments, word, &name)?;
        directives.push(arguments.placed(word, directive));
        match arguments.next() {
            Some(next) => word = next,
            None => return Ok(()),
        }
    }
}

fn verb(keyword: &str) -> &str {
    if matches!(keyword, "enable" | "disable") { keyword } else { "set" }
}

fn tos(arguments: &mut Arguments<'_>, word: &Word, name: &str) -> Result<Directive, Rejected> {
    Ok(Directive::Tos(match name {
        "minsane" => Tos::Minsane(arguments.count(name, 0)?),
        "minclock" => Tos::Minclock(arguments.count(name, 1)?),
        "maxclock" => Tos::Maxclock(arguments.count(name, 1)?),
        "mindist" => Tos::Mindist(arguments.span(name, MAX_SPAN_S)?),
        "maxdist" => Tos::Maxdist(arguments.span(name, MAX_SPAN_S)?),
        "floor" => Tos::Floor(arguments.stratum(name, 0)?),
        "ceiling" => Tos::Ceiling(arguments.stratum(name, 1)?),
        "orphan" => Tos::Orphan(arguments.stratum(name, 1)?),
        "orphanwait" => Tos::OrphanWait(arguments.span(name, MAX_SPAN_S)?),
        "cohort" => Tos::Cohort(arguments.boolean(name)?),
        "beacon" => Tos::Beacon(arguments.integer(name, 0..=u32::MAX)?),
        _ => return ignored(arguments, word, name, known::tos(name), "tos"),
    }))
}

fn tinker(arguments: &mut Arguments<'_>, word: &Word, name: &str) -> Result<Directive, Rejected> {
    Ok(Directive::Tinker(match name {
        "step" => Tinker::Step(arguments.span(name, MAX_SPAN_S)?),
        "stepfwd" => Tinker::StepForward(arguments.span(name, MAX_SPAN_S)?),
        "stepback" => Tinker::StepBack(arguments.span(name, MAX_SPAN_S)?),
        "panic" => Tinker::Panic(arguments.span(name, MAX_SPAN_S)?),
        "stepout" => Tinker::Stepout(arguments.span(name, MAX_SPAN_S)?),
        "allan" => Tinker::Allan(arguments.exponent(name, tokens::NUMBER)?),
        "dispersion" => Tinker::Dispersion(arguments.frequency(name, 0.0..=MAX_FREQUENCY_PPM)?),
        "freq" => {
            let range = -MAX_FREQUENCY_PPM..=MAX_FREQUENCY_PPM;
            Tinker::Frequency(arguments.frequency(name, range)?)
        }
        "huffpuff" => Tinker::HuffPuff(arguments.span(name, MAX_SPAN_S)?),
        _ => return ignored(arguments, word, name, known::tinker(name), "tinker"),
    }))
}

/// A setting with one value that is known and left out, when there is a `reason`.
pub(super) fn ignored(
    arguments: &mut Arguments<'_>,
    word: &Word,
    name: &str,
    reason: Option<&'static str>,
    keyword: &str,
) -> Result<Directive, Rejected> {
    let Some(reason) = reason else {
        let reason = format!("`{}` is nothing that `{keyword}` sets", shown(&word.text));
        let firsts = if keyword == "discard" { tokens::DISCARD } else { tokens::MANY };
        return Err(arguments.unlisted(word, firsts, reason));
    };
    arguments.expect(&format!("the value of `{name}`"), known::value(name))?;
    Ok(Directive::Ignored { keyword: format!("{keyword} {name}"), reason })
}

fn flag(
    arguments: &Arguments<'_>,
    word: &Word,
    name: &str,
    is_enabled: bool,
) -> Result<Directive, Rejected> {
    let flag = match name {
        "ntp" => Flag::Ntp,
        "auth" => Flag::Auth,
        "bclient" => Flag::BroadcastClient,
        "monitor" => Flag::Monitor,
        "stats" => Flag::Statistics,
        _ => {
            let verb = if is_enabled { "enable" } else { "disable" };
            let Some(reason) = known::flag(name) else {
                let reason = format!("`{}` is nothing to {verb}", shown(&word.text));
                return Err(arguments.unlisted(word, tokens::MANY, reason));
            };
            return Ok(Directive::Ignored { keyword: format!("{verb} {name}"), reason });
        }
    };
    Ok(Directive::Flag { flag, is_enabled })
}

/// `driftfile [FILE [THRESHOLD]]`: without a file nothing is kept.
fn drift_file(
    keyword: &Word,
    arguments: &mut Arguments<'_>,
    directives: &mut Vec<Placed>,
) -> Result<(), Rejected> {
    let Some(word) = arguments.next() else {
        let reason = "it names no file, so no frequency is kept";
        directives.push(arguments.ignored(keyword, "driftfile".to_owned(), reason));
        return Ok(());
    };
    let path = path("driftfile", word, arguments)?;
    directives.push(arguments.placed(keyword, Directive::DriftFile(path)));
    if let Some(word) = arguments.next() {
        if word.text.parse::<f64>().is_err() {
            let reason = format!("`driftfile` takes no `{}` here", shown(&word.text));
            return Err(arguments.stray(word, tokens::END, reason));
        }
        let reason = "when to write is the engine's to decide";
        directives.push(arguments.ignored(word, "driftfile threshold".to_owned(), reason));
    }
    arguments.end("driftfile")
}

fn file(name: &str, arguments: &mut Arguments<'_>) -> Result<PathBuf, Rejected> {
    let word = arguments.expect(&format!("the file of `{name}`"), tokens::TEXT)?;
    path(name, word, arguments)
}

fn path(name: &str, word: &Word, arguments: &Arguments<'_>) -> Result<PathBuf, Rejected> {
    if word.text.is_empty() || word.text.contains('\0') {
        let reason = format!("the file of `{name}` has no name");
        return Err(arguments.rejected(word.column, reason));
    }
    Ok(PathBuf::from(&word.text))
}

/// The groups of `multicastclient`; NTP's own when none is named.
fn groups(arguments: &mut Arguments<'_>) -> Result<Vec<HostSpec>, Rejected> {
    let mut groups = Vec::new();
    while let Some(word) = arguments.next() {
        let host = association::host(word, None, arguments)?;
        if !host.address().is_some_and(|address| address.is_multicast()) {
            let reason = format!("`{}` is no multicast address", shown(&word.text));
            return Err(arguments.rejected(word.column, reason));
        }
        groups.push(host);
    }
    if groups.is_empty() {
        groups.extend(NTP_GROUPS.map(HostSpec::new));
    }
    Ok(groups)
}

/// The hop limits of `ttl`, of which there are one to eight.
fn hops(arguments: &mut Arguments<'_>) -> Result<Vec<u8>, Rejected> {
    let mut word = arguments.expect("the hop limit of `ttl`", tokens::INTEGER)?;
    let mut hops = Vec::new();
    loop {
        if hops.len() == MOST_TTLS {
            let reason = format!("`ttl` takes at most {MOST_TTLS} hop limits");
            return Err(arguments.rejected(word.column, reason));
        }
        let limit = arguments.integer_in("ttl", word.column, &word.text, 0..=255);
        let limit = limit.map_err(|rejected| {
            let tokens = if hops.is_empty() { tokens::INTEGER } else { tokens::END };
            arguments.stray(word, tokens, rejected.reason)
        })?;
        hops.push(u8::try_from(limit).unwrap_or(u8::MAX));
        match arguments.next() {
            Some(next) => word = next,
            None => return Ok(hops),
        }
    }
}

/// The groups that are NTP's by assignment: the one of IPv4, and that of IPv6 within a site.
const NTP_GROUPS: [&str; 2] = ["224.0.1.1", "ff05::101"];

/// So many numbers of trusted keys are held: four times as many as there are, so that a short text
/// cannot take much memory.
const MOST_TRUSTED: usize = 262_144;

/// ntpd's `MAX_TTL`.
const MOST_TTLS: usize = 8;

/// No span is longer: about 30 years, so that a "never" written as a large number passes.
const MAX_SPAN_S: f64 = 1e9;

/// No smear is longer: a week.
const MAX_SMEAR_S: u32 = 604_800;

/// No datagram is on its way for longer.
const MAX_DELAY_S: f64 = 16.0;

/// Beyond this no clock is steered.
const MAX_FREQUENCY_PPM: f64 = 500.0;
