//! What chronyd is to do, as a line of the language of its own tool.
//!
//! A line is read from the words that chronyc takes and written in the same words, so that what is
//! shown before it is sent is what can be typed anywhere else. Sources are named by address or by the
//! name that they were configured with; which requests a line comes to depends on the sources that
//! the daemon has when it is sent.

mod commands;
mod new_source;
mod words;

use std::fmt;

pub(super) use commands::{COMMANDS, Takes};
pub(super) use new_source::{kinds, options, takes_value};
use words::Words;

use crate::control::chrony::change::Senseless;
use crate::model::daemon::{Daemon, Peer};
use crate::model::vars::peer;
use crate::units::{AssocId, RefId};
use crate::wire::cmdmon::change::{
    AccessRule, LocalMode, LocalTiming, Matching, NewSource, Service, SourceSetting,
};
use crate::wire::cmdmon::report::SelectOptions;
use crate::wire::cmdmon::{Address, Change, PartsPerMillion, Seconds, SourceId};

/// Something that chronyd is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line {
    /// `add server|peer|pool NAME OPTIONS…`.
    Add(Box<NewSource>),
    /// `delete HOST`: all sources of that name.
    Delete(Host),
    /// `online [HOST]`: to be asked again.
    Online(Option<Host>),
    /// `offline [HOST]`: to be asked no longer.
    Offline(Option<Host>),
    /// `minpoll HOST N` and its like.
    Source {
        /// Whose.
        host: Host,
        /// What.
        setting: SourceSetting,
    },
    /// `selectopts HOST +OPTION -OPTION…`; from 4.4.
    SelectOptions {
        /// Whose.
        host: Host,
        /// Those that are set, and those that are taken away.
        mask: SelectOptions,
        /// Those of them that are set.
        options: SelectOptions,
    },
    /// `allow|deny|cmdallow|cmddeny [all] [SUBNET]`.
    Access(AccessRule),
    /// `local [stratum N] [distance S] [orphan]`, or `local off`.
    Local(LocalMode),
    /// `maxupdateskew PPM`.
    MaxUpdateSkew(PartsPerMillion),
    /// `reselectdist SECONDS`.
    ReselectDistance(Seconds),
    /// `reselect`.
    Reselect,
    /// `refresh`: names are looked up again.
    Refresh,
    /// `rekey`: key files are read again.
    Rekey,
    /// `reset sources`: what was measured is forgotten.
    ResetSources,
    /// `reload sources`: folders of sources are read again.
    ReloadSources,
}

/// A source as a line names it: its address, its name, a reference clock's letters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(String);

impl Host {
    /// From graphic ASCII.
    ///
    /// # Errors
    /// It is empty, too long, or has anything else in it.
    pub fn new(text: &str) -> Result<Self, Senseless> {
        let is_graphic = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > MOST_NAME || !is_graphic {
            return Err(Senseless::Syntax(format!(
                "`{}` is no name and no address",
                text.escape_debug()
            )));
        }
        Ok(Self(text.to_owned()))
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether `source` is meant.
    pub fn is(&self, source: &Peer) -> bool {
        let Some(row) = source.row.latest() else { return false };
        let address = self.0.parse().ok();
        let named = row.text(&peer::SOURCE_HOST);
        (address.is_some() && row.address(&peer::SOURCE) == address)
            || named.is_some_and(|name| name.eq_ignore_ascii_case(&self.0))
    }

    /// The sources that are meant, in the daemon's order.
    pub fn sources<'a>(&'a self, daemon: &'a Daemon) -> impl Iterator<Item = &'a Peer> {
        daemon.peers.iter().map(|peer| &**peer).filter(|source| self.is(source))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One request, and what may be tried in its place by a daemon of another version: it refuses what
/// it does not know as invalid, and does nothing then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The request.
    pub change: Change,
    /// The same for other versions.
    pub otherwise: Option<Change>,
}

impl From<Change> for Request {
    fn from(change: Change) -> Self {
        Self { change, otherwise: None }
    }
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn read(text: &str) -> Result<Self, Senseless> {
        let mut words = Words::of(text);
        let name = words.next().unwrap_or_default().to_ascii_lowercase();
        let line = if let Some(command) = commands::find(&name) {
            (command.read)(&mut words)?
        } else if kinds().any(|kind| kind == name) {
            // As a configuration has it.
            Self::Add(Box::new(new_source::read(&name, &mut words)?))
        } else {
            return Err(Senseless::no_command(&name));
        };
        words.end()?;
        Ok(line)
    }

    /// The requests that the line comes to for a daemon with these sources, each of which its
    /// reports call as `source_of` says.
    ///
    /// # Errors
    /// It has no such source.
    pub fn requests(
        &self,
        daemon: &Daemon,
        source_of: &dyn Fn(AssocId) -> Option<SourceId>,
    ) -> Result<Vec<Request>, Senseless> {
        let each = |host: &Host, change: &dyn Fn(Address, RefId) -> Change| {
            let sources = host.sources(daemon).filter_map(|source| source_of(source.id));
            let requests: Vec<Request> = sources
                .map(|source| match source {
                    SourceId::Address(address) => change(address, RefId::default()).into(),
                    SourceId::ReferenceClock(letters) => {
                        change(Address::Unspecified, letters).into()
                    }
                })
                .collect();
            if requests.is_empty() {
                return Err(Senseless::NoSource(host.to_string()));
            }
            Ok(requests)
        };
        let matching = |host: &Option<Host>, change: fn(Matching) -> Change| match host {
            None => Ok(vec![change(Matching::default()).into()]),
            Some(host) => each(host, &|address, _| change(only(address))),
        };
        match self {
            Self::Add(source) => Ok(vec![Change::AddSource(source.clone()).into()]),
            Self::Delete(host) => each(host, &|address, _| Change::DeleteSource(address)),
            Self::Online(host) => matching(host, Change::Online),
            Self::Offline(host) => matching(host, Change::Offline),
            Self::Source { host, setting } => {
                each(host, &|address, _| Change::Source { address, setting: *setting })
            }
            Self::SelectOptions { host, mask, options } => each(host, &|address, reference_id| {
                Change::SelectOptions { address, reference_id, mask: *mask, options: *options }
            }),
            Self::Access(rule) => Ok(vec![Change::Access(*rule).into()]),
            Self::Local(mode) => {
                let timed = LocalMode { timing: Some(LocalTiming::default()), ..*mode };
                Ok(vec![Request {
                    change: Change::Local(LocalMode { timing: None, ..*mode }),
                    otherwise: Some(Change::Local(timed)),
                }])
            }
            Self::MaxUpdateSkew(skew) => Ok(vec![Change::MaxUpdateSkew(*skew).into()]),
            Self::ReselectDistance(span) => Ok(vec![Change::ReselectDistance(*span).into()]),
            Self::Reselect => Ok(vec![Change::Reselect.into()]),
            Self::Refresh => Ok(vec![Change::Refresh.into()]),
            Self::Rekey => Ok(vec![Change::Rekey.into()]),
            Self::ResetSources => Ok(vec![Change::ResetSources.into()]),
            Self::ReloadSources => Ok(vec![Change::ReloadSources.into()]),
        }
    }
}

impl fmt::Display for Line {
    /// As it can be read again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(source) => write!(f, "add {}", new_source::Shown(source)),
            Self::Delete(host) => write!(f, "delete {host}"),
            Self::Online(None) => f.write_str("online"),
            Self::Online(Some(host)) => write!(f, "online {host}"),
            Self::Offline(None) => f.write_str("offline"),
            Self::Offline(Some(host)) => write!(f, "offline {host}"),
            Self::Source { host, setting } => match setting {
                SourceSetting::MinPoll(poll) => write!(f, "minpoll {host} {}", poll.exponent()),
                SourceSetting::MaxPoll(poll) => write!(f, "maxpoll {host} {}", poll.exponent()),
                SourceSetting::MaxDelay(span) => {
                    write!(f, "maxdelay {host} {}", words::shown(span.float()))
                }
                SourceSetting::MaxDelayRatio(ratio) => {
                    write!(f, "maxdelayratio {host} {}", words::shown(*ratio))
                }
                SourceSetting::MaxDelayDeviationRatio(ratio) => {
                    write!(f, "maxdelaydevratio {host} {}", words::shown(*ratio))
                }
                SourceSetting::MinStratum(stratum) => write!(f, "minstratum {host} {stratum}"),
                SourceSetting::PollTarget(target) => write!(f, "polltarget {host} {target}"),
            },
            Self::SelectOptions { host, mask, options } => {
                write!(f, "selectopts {host}")?;
                for word in mask.words() {
                    let is_set = options.words().any(|set| set == word);
                    write!(f, " {}{word}", if is_set { '+' } else { '-' })?;
                }
                Ok(())
            }
            Self::Access(rule) => words::show_rule(rule, f),
            Self::Local(LocalMode { on: false, .. }) => f.write_str("local off"),
            Self::Local(mode) => {
                let distance = words::shown(mode.distance.float());
                write!(f, "local stratum {} distance {distance}", mode.stratum)?;
                f.write_str(if mode.orphan { " orphan" } else { "" })
            }
            Self::MaxUpdateSkew(skew) => write!(f, "maxupdateskew {}", words::shown(skew.float())),
            Self::ReselectDistance(span) => {
                write!(f, "reselectdist {}", words::shown(span.float()))
            }
            Self::Reselect => f.write_str("reselect"),
            Self::Refresh => f.write_str("refresh"),
            Self::Rekey => f.write_str("rekey"),
            Self::ResetSources => f.write_str("reset sources"),
            Self::ReloadSources => f.write_str("reload sources"),
        }
    }
}

/// This address and no other.
fn only(address: Address) -> Matching {
    let mask = match address {
        Address::Ip(std::net::IpAddr::V4(_)) => Address::Ip([255; 4].into()),
        Address::Ip(std::net::IpAddr::V6(_)) => Address::Ip([255; 16].into()),
        other => other,
    };
    Matching { mask, address }
}

/// The poll exponents that chronyd takes.
const POLLS: std::ops::RangeInclusive<i8> = -7..=24;

/// Bytes of a name at most: the field on the wire has one more for its end.
const MOST_NAME: usize = 255;

/// Serving time without a source is turned off.
pub(super) fn local_off() -> LocalMode {
    LocalMode::default()
}

/// The services of the access commands, by their names.
const SERVICES: [(&str, Service, bool); 4] = [
    ("allow", Service::Time, true),
    ("deny", Service::Time, false),
    ("cmdallow", Service::Commands, true),
    ("cmddeny", Service::Commands, false),
];

#[cfg(test)]
mod tests;
