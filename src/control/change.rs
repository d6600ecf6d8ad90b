//! What a change of a running ntpd comes to, before anything is sent: the lines that make it, the
//! lines that take it back or why there are none, and what it touches.
//!
//! A change is wanted as a line of ntp.conf. What is known of the daemon decides what has to be told
//! it: ntpd says "Config Succeeded" to a `server` line about an association that it has already, and
//! ignores it, so such an association is given up first. Nothing is guessed: where what was before
//! cannot be seen by control messages, and no configuration was given that says it, there is no way
//! back, and that is said.

mod touches;

use std::fmt;
use std::net::IpAddr;

use crate::config::host::HostSpec;
use crate::config::ntp_conf::clock::Fudge;
use crate::config::ntp_conf::control::Unwanted;
use crate::config::ntp_conf::{Association, Directive, Placed};
use crate::config::restrict::{Flags, Restrict, Selector, Whom};
use crate::model::change::Effect;
use crate::model::daemon::{Daemon, Detail, Peer};
use crate::model::values::{Value, Values};
use crate::model::vars::{clock, peer, system};
use crate::units::{AssocId, NtpDuration, RefId};

/// What is known of the daemon that is to be changed.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// As it was seen last.
    pub daemon: &'a Daemon,
    /// Its restrictions, each with its flags; `None` where it did not tell.
    pub restrictions: Option<&'a [(Selector, Flags)]>,
    /// A configuration that the user says it follows; empty where none was given.
    pub configured: &'a [Placed],
}

/// A change, thought through.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What the daemon is to be told, in this order.
    pub lines: Vec<Directive>,
    /// What takes it back, in this order.
    pub inverse: Result<Vec<Directive>, NoInverse>,
    /// What it touches.
    pub effects: Vec<Effect>,
}

/// Why a change cannot be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoInverse {
    /// Options of an association such as its key, `iburst` or `prefer` are not told.
    Options(AssocId),
    /// The list of restrictions was not told.
    Restrictions,
    /// What is set cannot be asked for.
    Setting,
    /// What is reset was counted, and is lost.
    Counters,
}

impl fmt::Display for NoInverse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(association) => write!(
                f,
                "association {association} may have a key, `iburst`, `prefer` or other options, \
                 which control messages do not tell: name an ntp.conf that has its line"
            ),
            Self::Restrictions => f.write_str(
                "the daemon does not tell its restrictions without a key, so what they were before \
                 is not known",
            ),
            Self::Setting => f.write_str(
                "what it is set to now cannot be asked for: name an ntp.conf that sets it",
            ),
            Self::Counters => f.write_str("what was counted is lost"),
        }
    }
}

/// Why a change makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Senseless {
    /// There is no such association.
    NoAssociation(String),
    /// There is no restriction of its own for these addresses.
    NoRestriction(Selector),
    /// A line that daemons do not take while they run, or that says nothing to them.
    NotForRunning(String),
}

impl fmt::Display for Senseless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAssociation(whom) => write!(f, "there is no association {whom}"),
            Self::NoRestriction(selector) => {
                write!(f, "there is no restriction of its own for {selector}")
            }
            Self::NotForRunning(line) => {
                write!(f, "`{line}` is nothing that a running daemon takes")
            }
        }
    }
}

impl std::error::Error for Senseless {}

/// Thinks a change through.
///
/// # Errors
/// It makes no sense for this daemon.
pub fn plan(wanted: &Directive, known: Known<'_>) -> Result<Plan, Senseless> {
    match wanted {
        Directive::Association(association) => Ok(known.associate(association)),
        Directive::Unconfigure(unwanted) => known.part(wanted, unwanted),
        Directive::Restrict(restrict) => Ok(known.restrict(wanted, restrict)),
        Directive::Unrestrict(restrict) => known.unrestrict(wanted, restrict),
        Directive::Fudge(fudge) => known.fudge(wanted, fudge),
        Directive::Reset(_) => Ok(Plan {
            lines: vec![wanted.clone()],
            inverse: Err(NoInverse::Counters),
            effects: Vec::new(),
        }),
        Directive::Ignored { .. }
        | Directive::Include(_)
        | Directive::PidFile(_)
        | Directive::DriftFile(_)
        | Directive::SaveConfigDir(_) => Err(Senseless::NotForRunning(wanted.to_string())),
        _ => Ok(known.set(wanted)),
    }
}

impl Known<'_> {
    /// An association that is to be, with the options that it is to have.
    fn associate(&self, wanted: &Association) -> Plan {
        let line = Directive::Association(wanted.clone());
        let Some(there) = self.peer(&wanted.host) else {
            return Plan {
                lines: vec![line],
                inverse: Ok(vec![unconfigure(&wanted.host)]),
                effects: vec![Effect::Begins],
            };
        };
        let gone = gone(there, &wanted.host);
        let before = self.configured(there, &wanted.host).ok_or(NoInverse::Options(there.id));
        let again = unconfigure(&address_of(there).unwrap_or_else(|| wanted.host.clone()));
        let inverse = before.map(|before| vec![again, before]);
        let mut effects = vec![Effect::StartsAgain(there.id)];
        effects.extend(self.loses(there.id));
        Plan { lines: vec![gone, line], inverse, effects }
    }

    /// An association that is to go.
    fn part(&self, line: &Directive, unwanted: &Unwanted) -> Result<Plan, Senseless> {
        let (there, host) = match unwanted {
            Unwanted::Association(id) => {
                let there = self.daemon.peers.iter().find(|peer| peer.id == *id);
                let there =
                    there.ok_or_else(|| Senseless::NoAssociation(format!("number {id}")))?;
                (&**there, host_of(there))
            }
            Unwanted::Host { host, .. } => {
                let there = self.peer(host);
                let there =
                    there.ok_or_else(|| Senseless::NoAssociation(format!("with {host}")))?;
                (there, Some(host.clone()))
            }
        };
        let before = host.and_then(|host| self.configured(there, &host));
        let inverse = before.map(|before| vec![before]).ok_or(NoInverse::Options(there.id));
        let mut effects = vec![Effect::Ends(there.id)];
        effects.extend(self.loses(there.id));
        Ok(Plan { lines: vec![line.clone()], inverse, effects })
    }

    /// Flags that are to be added to a restriction, which is made where it is not there.
    fn restrict(&self, line: &Directive, restrict: &Restrict) -> Plan {
        let inverse = self.restrictions.ok_or(NoInverse::Restrictions).and_then(|list| {
            let selectors = restrict.whom.selectors();
            if selectors.is_empty() {
                // Of a name, or of the sources: which entries that makes is for the daemon.
                return Err(NoInverse::Setting);
            }
            let undone = selectors.into_iter().filter_map(|selector| {
                let flags = match flags_of(list, selector) {
                    None => Flags::NONE,
                    Some(before) => match restrict.flags.without(before) {
                        Flags::NONE => return None,
                        added => added,
                    },
                };
                Some(Directive::Unrestrict(of(selector, flags)))
            });
            Ok(undone.collect())
        });
        Plan { lines: vec![line.clone()], inverse, effects: Vec::new() }
    }

    /// Flags that are to be taken from a restriction, or all of it where none is named.
    fn unrestrict(&self, line: &Directive, restrict: &Restrict) -> Result<Plan, Senseless> {
        let mut undone = Vec::new();
        let mut inverse = Err(NoInverse::Restrictions);
        if let Some(list) = self.restrictions {
            for selector in restrict.whom.selectors() {
                let before = flags_of(list, selector).ok_or(Senseless::NoRestriction(selector))?;
                let taken = if restrict.flags == Flags::NONE {
                    before
                } else {
                    before.without(before.without(restrict.flags))
                };
                undone.push(Directive::Restrict(of(selector, taken)));
            }
            inverse = if undone.is_empty() { Err(NoInverse::Setting) } else { Ok(undone) };
        }
        Ok(Plan { lines: vec![line.clone()], inverse, effects: Vec::new() })
    }

    /// What is to be said of a reference clock, which tells most of what was said of it.
    fn fudge(&self, line: &Directive, fudge: &Fudge) -> Result<Plan, Senseless> {
        let host = HostSpec::new(fudge.clock.to_string());
        let there = self.peer(&host);
        let there = there.ok_or_else(|| Senseless::NoAssociation(format!("with {host}")))?;
        let inverse = there.detail(Detail::Clock).latest().and_then(|told| fudged(fudge, told));
        Ok(Plan {
            lines: vec![line.clone()],
            inverse: inverse.map(|before| vec![before]).ok_or(NoInverse::Setting),
            effects: Vec::new(),
        })
    }

    /// Something that is set, of which only a configuration can say what it was.
    fn set(&self, line: &Directive) -> Plan {
        let subject = line.subject();
        let mut before = self.configured.iter().rev().map(|placed| &placed.directive);
        let before = before.find(|before| subject.is_some() && before.subject() == subject);
        Plan {
            lines: vec![line.clone()],
            inverse: before.map(|before| vec![before.clone()]).ok_or(NoInverse::Setting),
            effects: Vec::new(),
        }
    }

    /// The association with a host, by its name or its address.
    fn peer(&self, host: &HostSpec) -> Option<&Peer> {
        self.daemon.peers.iter().map(|peer| &**peer).find(|there| is_with(there, host))
    }

    /// The line of the configuration that makes the association with a host.
    fn configured_as(&self, host: &HostSpec) -> Option<Directive> {
        let is_it = |directive: &&Directive| matches!(directive, Directive::Association(association) if association.host == *host);
        self.configured.iter().map(|placed| &placed.directive).find(is_it).cloned()
    }

    /// The line of the configuration that makes an association, which is with this host: the line
    /// may have its name where others say its address.
    fn configured(&self, there: &Peer, host: &HostSpec) -> Option<Directive> {
        let names = [Some(host.clone()), host_of(there), address_of(there)];
        names.into_iter().flatten().find_map(|host| self.configured_as(&host))
    }

    fn loses(&self, association: AssocId) -> Option<Effect> {
        let followed = self.daemon.system.latest()?.association(&system::PEER)?;
        (followed == association).then_some(Effect::LosesSystemPeer(association))
    }
}

/// Whether an association is with this host.
fn is_with(there: &Peer, host: &HostSpec) -> bool {
    let Some(row) = there.row.latest() else { return false };
    let address = |address: IpAddr| row.address(&peer::SOURCE) == Some(address);
    host.address().map_or_else(
        || row.text(&peer::SOURCE_HOST).is_some_and(|name| name.eq_ignore_ascii_case(host.host())),
        address,
    )
}

/// What an association was configured with: a name, or else its address.
fn host_of(there: &Peer) -> Option<HostSpec> {
    let row = there.row.latest()?;
    let name = row.text(&peer::SOURCE_HOST).filter(|name| !name.is_empty());
    let name = name.map(str::to_owned);
    name.or_else(|| row.address(&peer::SOURCE).map(|address| address.to_string()))
        .map(HostSpec::new)
}

/// The address of an association; `None` of a pool, or of a name that has none yet.
fn address_of(there: &Peer) -> Option<HostSpec> {
    let address = there.row.latest()?.address(&peer::SOURCE)?;
    (!address.is_unspecified()).then(|| HostSpec::new(address.to_string()))
}

/// What gives up an association with this host that is to be made again.
///
/// Not by its name: ntpd gives up the one with the name at once, then looks the name up and gives up
/// whatever has one of its addresses by then, which is the one that was made again.
fn gone(there: &Peer, host: &HostSpec) -> Directive {
    match address_of(there) {
        Some(_) if host.address().is_some() => unconfigure(host),
        Some(address) => unconfigure(&address),
        None => Directive::Unconfigure(Unwanted::Association(there.id)),
    }
}

fn unconfigure(host: &HostSpec) -> Directive {
    Directive::Unconfigure(Unwanted::Host { host: host.clone(), family: None })
}

/// What sets a clock to what it tells, as far as `fudge` sets it; `None` where it does not tell that.
fn fudged(fudge: &Fudge, told: &Values) -> Option<Directive> {
    // A correction is told when there is one.
    let time = |variable| told.duration(variable).unwrap_or(NtpDuration::ZERO);
    let bits = told.unsigned(&clock::FLAGS);
    let mut before = Fudge::new(fudge.clock);
    before.time1 = fudge.time1.map(|_| time(&clock::FUDGE_TIME1));
    before.time2 = fudge.time2.map(|_| time(&clock::FUDGE_TIME2));
    if fudge.stratum.is_some() {
        before.stratum = Some(told.stratum(&clock::STRATUM)?);
    }
    if fudge.reference_id.is_some() {
        before.reference_id = Some(match told.get(&clock::REFERENCE_ID) {
            Ok(Value::ReferenceCode(code)) => *code,
            // NTPsec writes letters so where the stratum is above 1.
            Ok(Value::ReferenceAddress(address)) => RefId::new(address.octets()),
            _ => return None,
        });
    }
    for ((was, is), bit) in before.flags.iter_mut().zip(fudge.flags).zip([1, 2, 4, 8]) {
        if is.is_some() {
            *was = Some(bits? & bit != 0);
        }
    }
    if fudge.min_jitter.is_some() {
        before.min_jitter = Some(told.duration(&clock::MINIMUM_JITTER)?);
    }
    Some(Directive::Fudge(before))
}

fn flags_of(list: &[(Selector, Flags)], selector: Selector) -> Option<Flags> {
    list.iter().find(|(known, _)| *known == selector).map(|(_, flags)| *flags)
}

/// A restriction of these addresses by these flags.
const fn of(selector: Selector, flags: Flags) -> Restrict {
    Restrict { whom: Whom::Addresses(selector), flags, most_peers: None }
}

#[cfg(test)]
mod tests;
