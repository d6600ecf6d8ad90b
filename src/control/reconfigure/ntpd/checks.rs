//! What is to be seen of an ntpd once it has followed a line.

use crate::config::host::HostSpec;
use crate::config::ntp_conf::clock::Fudge;
use crate::config::ntp_conf::control::{Counters, SetVariable, Unwanted};
use crate::config::ntp_conf::{Association, Directive, Flag, Options};
use crate::config::restrict::{FLAGS, Flags, Restrict};
use crate::control::reconfigure::ntpd::picture;
use crate::model::change::state::{Check, Fact, Kind, Wanted, Whom};
use crate::model::{Daemon, Peer};
use crate::units::{AssocId, Mono, RefId};

/// What is to be seen once `line` was followed by a daemon that was as `daemon` says at the time
/// `read`.
pub(super) fn of(line: &Directive, daemon: &Daemon, read: Mono) -> Vec<Check> {
    match line {
        Directive::Association(association) => of_association(association, daemon),
        Directive::Unconfigure(unwanted) => vec![of_unwanted(unwanted, daemon)],
        Directive::Restrict(restrict) => of_restrict(line, restrict, |name| {
            let flags = Check { whom: restriction(name), wanted: words(restrict.flags) };
            vec![Check { whom: restriction(name), wanted: Wanted::There }, flags]
        }),
        Directive::Unrestrict(restrict) => of_restrict(line, restrict, |name| {
            let wanted = match restrict.flags {
                Flags::NONE => Wanted::Gone,
                flags => Wanted::NoWords(picture::FLAG_WORDS, flag_words(flags)),
            };
            vec![Check { whom: restriction(name), wanted }]
        }),
        Directive::Fudge(fudge) => of_fudge(fudge),
        Directive::Flag { flag: Flag::Monitor, is_enabled } => {
            let word = if *is_enabled { picture::ON } else { picture::OFF };
            vec![of_setting(picture::MONITOR, word)]
        }
        Directive::SetVariable(SetVariable { name, value, is_default: true }) => {
            vec![of_setting(name, value)]
        }
        Directive::Reset(counters) => {
            counters.iter().map(|one| of_counters(*one, line, read)).collect()
        }
        _ => vec![untold(&format!("`{line}`"))],
    }
}

/// What nothing shows that the daemon tells.
pub(super) fn untold(what: &str) -> Check {
    let wanted = Wanted::Untold(format!("nothing that the daemon tells shows {what}"));
    Check { whom: Whom::Named(Kind::Setting, what.to_owned()), wanted }
}

/// The association with a host, by its name or its address.
fn find<'a>(daemon: &'a Daemon, host: &HostSpec) -> impl Iterator<Item = &'a Peer> {
    let name = canonical(host);
    daemon.peers.iter().map(|peer| &**peer).filter(move |there| {
        let called = picture::called(there);
        called == name
            || called.split(' ').next() == Some(&*name)
            || picture::host(there).is_some_and(|host| host.eq_ignore_ascii_case(&name))
    })
}

/// A host as a state calls it.
fn canonical(host: &HostSpec) -> String {
    host.address().map_or_else(|| host.host().to_owned(), |address| address.to_string())
}

fn of_association(association: &Association, daemon: &Daemon) -> Vec<Check> {
    let name = canonical(&association.host);
    let than: Vec<AssocId> = find(daemon, &association.host).map(|peer| peer.id).collect();
    let whom = || Whom::Named(Kind::Association, name.clone());
    let options = &association.options;
    let key = options.key.map_or_else(|| picture::NONE.to_owned(), |key| key.to_string());
    let mut all = vec![Check { whom: whom(), wanted: Wanted::Anew(than) }];
    // Clocks have none.
    if association.clock().is_none() {
        let wanted = Wanted::Fact(Fact { name: picture::KEY, value: key });
        all.push(Check { whom: whom(), wanted });
    }
    let hidden = hidden(options);
    if !hidden.is_empty() {
        all.push(untold(&format!("`{}` of an association", hidden.join(" "))));
    }
    all
}

/// The options that an association has and no daemon tells.
fn hidden(options: &Options) -> Vec<&'static str> {
    let usual = Options::default();
    let values = [
        (options.version != usual.version, "version"),
        (options.minpoll != usual.minpoll, "minpoll"),
        (options.maxpoll != usual.maxpoll, "maxpoll"),
    ];
    let values = values.into_iter().filter(|(is_set, _)| *is_set).map(|(_, word)| word);
    options.flags().chain(values).collect()
}

fn of_unwanted(unwanted: &Unwanted, daemon: &Daemon) -> Check {
    let whom = match unwanted {
        Unwanted::Association(id) => {
            let name = daemon.peer(*id).map(|peer| picture::called(peer)).unwrap_or_default();
            Whom::Number(*id, name)
        }
        // By its number, for another with this host may be made afterwards.
        Unwanted::Host { host, .. } => find(daemon, host).next().map_or_else(
            || Whom::Named(Kind::Association, canonical(host)),
            |peer| Whom::Number(peer.id, picture::called(peer)),
        ),
    };
    Check { whom, wanted: Wanted::Gone }
}

fn of_restrict(
    line: &Directive,
    restrict: &Restrict,
    check: impl Fn(&str) -> Vec<Check>,
) -> Vec<Check> {
    let selectors = restrict.whom.selectors();
    if selectors.is_empty() {
        return vec![untold(&format!("`{line}`"))];
    }
    selectors.iter().flat_map(|selector| check(&selector.to_string())).collect()
}

fn restriction(name: &str) -> Whom {
    Whom::Named(Kind::Restriction, name.to_owned())
}

fn words(flags: Flags) -> Wanted {
    match flags {
        Flags::NONE => Wanted::There,
        flags => Wanted::Words(picture::FLAG_WORDS, flag_words(flags)),
    }
}

fn flag_words(flags: Flags) -> Vec<&'static str> {
    // The one of two words is told in other ways by each daemon.
    let rows = FLAGS.iter().filter(|row| flags.has(row.flag) && !row.word.contains(' '));
    rows.map(|row| row.word).collect()
}

fn of_setting(name: &str, value: &str) -> Check {
    let wanted = Wanted::Fact(Fact { name: picture::VALUE, value: value.to_owned() });
    Check { whom: Whom::Named(Kind::Setting, name.to_owned()), wanted }
}

fn of_fudge(fudge: &Fudge) -> Vec<Check> {
    let facts = [
        (picture::STRATUM, fudge.stratum.map(|stratum| stratum.to_string())),
        (picture::REFERENCE_ID, fudge.reference_id.and_then(RefId::code)),
        (picture::TIME1, fudge.time1.map(picture::milliseconds)),
        (picture::TIME2, fudge.time2.map(picture::milliseconds)),
    ];
    let flags = picture::FLAGS.into_iter().zip(fudge.flags);
    let flags = flags.map(|(name, flag)| (name, flag.map(|flag| u8::from(flag).to_string())));
    let set = facts.into_iter().chain(flags).filter_map(|(name, value)| Some((name, value?)));
    let whom = || Whom::Named(Kind::Association, fudge.clock.to_string());
    let mut all: Vec<_> = set
        .map(|(name, value)| Check { whom: whom(), wanted: Wanted::Fact(Fact { name, value }) })
        .collect();
    if fudge.min_jitter.is_some() {
        all.push(untold("`minjitter` of a clock"));
    }
    all
}

fn of_counters(counters: Counters, line: &Directive, read: Mono) -> Check {
    let word = match counters {
        Counters::System => picture::SYS,
        Counters::Authentication => picture::AUTH,
        Counters::Io => picture::IO,
        Counters::Timer => picture::TIMER,
        Counters::AllPeers | Counters::Control | Counters::Memory => {
            return untold(&format!("`{line}`"));
        }
    };
    let whom = Whom::Named(Kind::Setting, word.to_owned());
    Check { whom, wanted: Wanted::Reset(word, read) }
}
