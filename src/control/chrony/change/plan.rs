//! From a line that is wanted to the lines that make it and those that take it back.

use std::fmt;
use std::net::IpAddr;

use super::{Host, Line, Senseless, is_reference_clock};
use crate::model::change::Effect;
use crate::model::daemon::{Daemon, Peer};
use crate::model::vars::{peer, system};
use crate::selection::prospect::{Role, Touch};
use crate::units::Tally;
use crate::wire::cmdmon::change::{AccessRule, Flags, NewSource, SourceKind, SourceSetting};
use crate::wire::cmdmon::report::SelectOptions;
use crate::wire::cmdmon::{PartsPerMillion, Seconds};

/// What is known of the daemon that is to be changed.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// As it was seen last.
    pub daemon: &'a Daemon,
    /// The lines of a configuration that the user says it follows; `None` where none was given.
    pub configured: Option<&'a [Line]>,
    /// Of a rule about access: whether who is meant is let in now; `None` where that was not asked
    /// or not told.
    pub is_allowed: Option<bool>,
}

/// A change of chronyd, thought through.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What the daemon is to be told, in this order.
    pub lines: Vec<Line>,
    /// What takes it back, in this order.
    pub inverse: Result<Vec<Line>, NoInverse>,
    /// Which sources it touches.
    pub effects: Vec<Effect>,
    /// What of the selection it touches.
    pub touches: Vec<Touch>,
    /// What else is to be known of it: sentences without full stop.
    pub words: Vec<String>,
}

/// Why a change cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoInverse {
    /// What options a source has besides is not told.
    Options(String),
    /// A source of a pool has no line of its own.
    Pooled(String),
    /// A source was on or off, and which is not told.
    Activity,
    /// Rules for parts of the subnet are lost.
    Rules,
    /// Whether who is meant was let in before is not told.
    Access,
    /// What is set cannot be asked for.
    Setting,
    /// What was measured is lost.
    Measurements,
}

impl fmt::Display for NoInverse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(name) => write!(
                f,
                "{name} may have poll limits, corrections or other options, which the daemon does \
                 not tell: name a chrony.conf that has its line (--config-of FILE)"
            ),
            Self::Pooled(name) => write!(
                f,
                "{name} came from a pool and has no line of its own; `refresh` may bring another"
            ),
            Self::Activity => {
                f.write_str("some sources are online and some offline, and which are is not told")
            }
            Self::Rules => f.write_str("rules for parts of the subnet are lost, and are not told"),
            Self::Access => f.write_str("whether they were let in before is not told"),
            Self::Setting => f.write_str(
                "what it is set to now cannot be asked for: name a chrony.conf that sets it \
                 (--config-of FILE)",
            ),
            Self::Measurements => f.write_str("what was measured is lost"),
        }
    }
}

/// Thinks a change through.
///
/// # Errors
/// It makes no sense for this daemon.
pub fn plan(wanted: &Line, known: Known<'_>) -> Result<Plan, Senseless> {
    match wanted {
        Line::Add(source) => Ok(known.add(wanted, source)),
        Line::Delete(host) => known.delete(wanted, host),
        Line::Online(host) => known.activity(wanted, host.as_ref(), true),
        Line::Offline(host) => known.activity(wanted, host.as_ref(), false),
        Line::SelectOptions { host, mask, options } => known.select(wanted, host, *mask, *options),
        Line::Source { host, setting } => known.setting(wanted, host, *setting),
        Line::Access(rule) => Ok(known.access(wanted, rule)),
        Line::Local(_) => {
            let before = |line: &&Line| matches!(line, Line::Local(_));
            Ok(known.set(wanted, before, Line::Local(super::line::local_off())))
        }
        Line::MaxUpdateSkew(_) => {
            let before = |line: &&Line| matches!(line, Line::MaxUpdateSkew(_));
            let default = Line::MaxUpdateSkew(PartsPerMillion::new(MAX_UPDATE_SKEW_PPM));
            Ok(known.set(wanted, before, default))
        }
        Line::ReselectDistance(_) => {
            let before = |line: &&Line| matches!(line, Line::ReselectDistance(_));
            let default = Line::ReselectDistance(Seconds::new(RESELECT_DISTANCE_S));
            Ok(known.set(wanted, before, default))
        }
        // Nothing that lasts: there is nothing to be taken back.
        Line::Reselect | Line::Refresh => Ok(Plan::of(wanted, Ok(Vec::new()))),
        Line::Rekey | Line::ReloadSources => {
            let mut plan = Plan::of(wanted, Err(NoInverse::Setting));
            plan.words.push("what is in its files then counts, whatever that is".into());
            Ok(plan)
        }
        Line::ResetSources => {
            let mut plan = Plan::of(wanted, Err(NoInverse::Measurements));
            let again = |there: &std::sync::Arc<Peer>| Touch::StartsAgain {
                id: there.id,
                role: role(there),
            };
            plan.touches = known.daemon.peers.iter().map(again).collect();
            Ok(plan)
        }
    }
}

impl Plan {
    fn of(line: &Line, inverse: Result<Vec<Line>, NoInverse>) -> Self {
        Self {
            lines: vec![line.clone()],
            inverse,
            effects: Vec::new(),
            touches: Vec::new(),
            words: Vec::new(),
        }
    }
}

impl Known<'_> {
    /// A source that is to be, with the options that it is to have. chronyd refuses one that it has,
    /// so that is given up first.
    fn add(&self, line: &Line, source: &NewSource) -> Plan {
        let name = source.name.text().unwrap_or_default();
        let Ok(host) = Host::new(name) else { return Plan::of(line, Err(NoInverse::Setting)) };
        let role = role_of(source.flags);
        let there: Vec<&Peer> = host.sources(self.daemon).collect();
        if there.is_empty() {
            return Plan {
                effects: vec![Effect::Begins],
                touches: vec![Touch::Begins { host: name.into(), role }],
                ..Plan::of(line, Ok(vec![Line::Delete(host)]))
            };
        }
        let gone = Line::Delete(host.clone());
        let inverse = self.configured_as(&host).map(|before| vec![gone.clone(), before]);
        let mut plan = Plan {
            lines: vec![gone, line.clone()],
            inverse: inverse.ok_or_else(|| NoInverse::Options(name.to_owned())),
            ..Plan::of(line, Ok(Vec::new()))
        };
        for there in there {
            plan.effects.push(Effect::StartsAgain(there.id));
            plan.effects.extend(loses(there));
            plan.touches.push(Touch::StartsAgain { id: there.id, role });
        }
        plan
    }

    fn delete(&self, line: &Line, host: &Host) -> Result<Plan, Senseless> {
        let mut effects = Vec::new();
        let mut touches = Vec::new();
        for there in self.sources(host)? {
            effects.push(Effect::Ends(there.id));
            effects.extend(loses(there));
            touches.push(Touch::Ends(there.id));
        }
        let before = self.configured_as(host).map(|before| vec![before]);
        let inverse = before.ok_or_else(|| match self.pool_of(host) {
            Some(_) => NoInverse::Pooled(host.to_string()),
            None => NoInverse::Options(host.to_string()),
        });
        Ok(Plan { effects, touches, ..Plan::of(line, inverse) })
    }

    fn activity(&self, line: &Line, host: Option<&Host>, on: bool) -> Result<Plan, Senseless> {
        let system = self.daemon.system.latest();
        let count = |variable| system.and_then(|values| values.unsigned(variable));
        let others = if on {
            [count(&system::ONLINE), count(&system::BURST_ONLINE)]
        } else {
            [count(&system::OFFLINE), count(&system::BURST_OFFLINE)]
        };
        // Which is which is not told: but where there is none of the one kind, all are of the other.
        let are_all_of_the_other = others == [Some(0), Some(0)];
        let back = if on { Line::Offline } else { Line::Online };
        let inverse = if are_all_of_the_other {
            Ok(vec![back(host.cloned())])
        } else {
            Err(NoInverse::Activity)
        };
        let mut plan = Plan::of(line, inverse);
        if !on {
            let sources: Vec<&Peer> = match host {
                Some(host) => self.sources(host)?,
                None => self.daemon.peers.iter().map(|there| &**there).collect(),
            };
            let ntp = sources.into_iter().filter(|there| !is_reference_clock(there));
            plan.touches = ntp.map(|there| Touch::GoesOffline(there.id)).collect();
        } else if let Some(host) = host {
            self.sources(host)?;
        }
        Ok(plan)
    }

    /// Selection options of sources that go on with them, or begin again where that cannot be had.
    fn select(
        &self,
        line: &Line,
        host: &Host,
        mask: SelectOptions,
        options: SelectOptions,
    ) -> Result<Plan, Senseless> {
        let sources = self.sources(host)?;
        if self.can_set_options() == Some(false) {
            return self.add_anew(host, mask, options);
        }
        let mut inverse = Some(Vec::new());
        let mut plan = Plan::of(line, Ok(Vec::new()));
        for there in sources {
            let before = configured_options(there);
            let undone = before.and_then(|before| {
                let options = SelectOptions::from_bits(before.bits() & mask.bits());
                Some(Line::SelectOptions { host: called(there)?, mask, options })
            });
            inverse = inverse.zip(undone).map(|(mut lines, line)| {
                lines.push(line);
                lines
            });
            let bits = before.unwrap_or_default().bits() & !mask.bits() | options.bits();
            let after = role_of_options(SelectOptions::from_bits(bits));
            if after.noselect {
                plan.effects.extend(loses(there));
            }
            plan.touches.push(Touch::Becomes { id: there.id, role: after });
        }
        plan.inverse = inverse.ok_or(NoInverse::Setting);
        plan.words.push("the source goes on: what was measured stays".into());
        Ok(plan)
    }

    /// The same by giving the source up and adding it again, with the options of its line in the
    /// configuration.
    fn add_anew(
        &self,
        host: &Host,
        mask: SelectOptions,
        options: SelectOptions,
    ) -> Result<Plan, Senseless> {
        let Some(Line::Add(before)) = self.configured_as(host) else {
            return Err(Senseless::Options(host.to_string()));
        };
        let flags = before.flags;
        let kept = flags.bits() & !Flags::of_selection(mask).bits();
        let flags = Flags::from_bits(kept).with(Flags::of_selection(options));
        let line = Line::Add(Box::new(NewSource { flags, ..*before }));
        let Line::Add(source) = &line else { return Err(Senseless::Options(host.to_string())) };
        let mut plan = self.add(&line, source);
        plan.words.push(
            "this chronyd (before 4.4) cannot change options of a source that it has, so it is \
             given up and added again: what was measured is lost"
                .into(),
        );
        Ok(plan)
    }

    fn setting(&self, line: &Line, host: &Host, setting: SourceSetting) -> Result<Plan, Senseless> {
        self.sources(host)?;
        let before = match self.configured_as(host) {
            Some(Line::Add(before)) => Ok(before),
            _ => Err(NoInverse::Options(host.to_string())),
        };
        let inverse = before.map(|before| {
            let setting = setting_of(&before, setting);
            vec![Line::Source { host: host.clone(), setting }]
        });
        Ok(Plan::of(line, inverse))
    }

    /// Who may ask. A rule cannot be taken away, only answered by its contrary.
    fn access(&self, line: &Line, rule: &AccessRule) -> Plan {
        let inverse = match self.is_allowed {
            _ if rule.all => Err(NoInverse::Rules),
            None => Err(NoInverse::Access),
            Some(allowed) if allowed == rule.allows => Ok(Vec::new()),
            Some(allowed) => Ok(vec![Line::Access(AccessRule { allows: allowed, ..*rule })]),
        };
        let mut plan = Plan::of(line, inverse);
        if plan.inverse.as_ref().is_ok_and(|lines| !lines.is_empty()) {
            plan.words.push(
                "a rule cannot be taken away, only answered by its contrary: one of its own for \
                 this subnet stays"
                    .into(),
            );
        }
        plan
    }

    /// Something that is set, of which only a configuration can say what it was; without a line in it
    /// it was `default`.
    fn set(&self, line: &Line, is_it: impl Fn(&&Line) -> bool, default: Line) -> Plan {
        let inverse = self.configured.map(|lines| {
            let before = lines.iter().rev().find(|line| is_it(line));
            vec![before.cloned().unwrap_or(default)]
        });
        Plan::of(line, inverse.ok_or(NoInverse::Setting))
    }

    /// The sources that are meant, at least one.
    fn sources<'a>(&'a self, host: &'a Host) -> Result<Vec<&'a Peer>, Senseless> {
        let sources: Vec<_> = host.sources(self.daemon).collect();
        if sources.is_empty() {
            return Err(Senseless::NoSource(host.to_string()));
        }
        Ok(sources)
    }

    /// The line of the configuration that makes the sources that are meant: by their name too, where
    /// they are meant by address.
    fn configured_as(&self, host: &Host) -> Option<Line> {
        let lines = self.configured.unwrap_or_default();
        let called = |name: &str| {
            lines.iter().find(|line| match line {
                Line::Add(source) => {
                    source.name.text().is_some_and(|known| known.eq_ignore_ascii_case(name))
                }
                _ => false,
            })
        };
        if let Some(line) = called(host.text()) {
            return Some(line.clone());
        }
        let line = called(host.sources(self.daemon).find_map(name)?)?;
        // The line of a pool makes many, and brings back more than was given up.
        matches!(line, Line::Add(source) if source.kind != SourceKind::Pool).then(|| line.clone())
    }

    /// The pool that a source meant by its address came from, as far as that shows.
    fn pool_of(&self, host: &Host) -> Option<String> {
        let name = host.sources(self.daemon).find_map(name)?;
        let of_that_name =
            self.daemon.peers.iter().filter(|there| self::name(there) == Some(name)).count();
        (of_that_name > 1 && host.text().parse::<IpAddr>().is_ok()).then(|| name.to_owned())
    }

    /// Whether the daemon can set options of a source that it has, as those from 4.4 on can; `None`
    /// where it does not show.
    fn can_set_options(&self) -> Option<bool> {
        let values = self.daemon.system.latest()?;
        values.unsigned(&system::NTP_HITS)?;
        // The same version counts where time stamps come from.
        Some(values.unsigned(&system::KERNEL_RECEIVE_STAMPS).is_some())
    }
}

/// What a source was called when it was configured.
fn name(source: &Peer) -> Option<&str> {
    source.row.latest()?.text(&peer::SOURCE_HOST)
}

/// How a source is named in a line: by its address, a reference clock by its letters.
pub(in crate::control::chrony) fn called(source: &Peer) -> Option<Host> {
    let address = source.row.latest()?.address(&peer::SOURCE);
    let text = address.map(|address| address.to_string());
    Host::new(&text.or_else(|| name(source).map(str::to_owned))?).ok()
}

/// The daemon loses whom it follows.
fn loses(source: &Peer) -> Option<Effect> {
    (source.status.tally() == Tally::SystemPeer).then_some(Effect::LosesSystemPeer(source.id))
}

/// The selection options that a source was given; `None` where they are not told.
fn configured_options(source: &Peer) -> Option<SelectOptions> {
    let words = source.row.latest()?.text(&peer::CONFIGURED_OPTIONS)?;
    let all = SelectOptions::from_bits(0xf).words().zip(0..);
    let set = all.filter(|(word, _)| words.split_whitespace().any(|w| w == *word));
    Some(SelectOptions::from_bits(set.fold(0, |bits, (_, place)| bits | 1 << place)))
}

fn role(source: &Peer) -> Role {
    role_of_options(configured_options(source).unwrap_or_default())
}

const fn role_of_options(options: SelectOptions) -> Role {
    Role {
        prefer: options.prefer(),
        noselect: options.noselect(),
        trust: options.trust(),
        require: options.require(),
    }
}

const fn role_of(flags: Flags) -> Role {
    Role {
        prefer: flags.contains(Flags::PREFER),
        noselect: flags.contains(Flags::NOSELECT),
        trust: flags.contains(Flags::TRUST),
        require: flags.contains(Flags::REQUIRE),
    }
}

/// What `source` has of the kind that `setting` is.
const fn setting_of(source: &NewSource, setting: SourceSetting) -> SourceSetting {
    match setting {
        SourceSetting::MinPoll(_) => SourceSetting::MinPoll(source.polling.min),
        SourceSetting::MaxPoll(_) => SourceSetting::MaxPoll(source.polling.max),
        SourceSetting::MaxDelay(_) => SourceSetting::MaxDelay(source.filtering.max_delay),
        SourceSetting::MaxDelayRatio(_) => {
            SourceSetting::MaxDelayRatio(source.filtering.max_delay_ratio)
        }
        SourceSetting::MaxDelayDeviationRatio(_) => {
            SourceSetting::MaxDelayDeviationRatio(source.filtering.max_delay_deviation_ratio)
        }
        SourceSetting::MinStratum(_) => SourceSetting::MinStratum(source.min_stratum),
        SourceSetting::PollTarget(_) => {
            SourceSetting::PollTarget(source.polling.target.cast_signed())
        }
    }
}

/// What chronyd has where its configuration says nothing.
const MAX_UPDATE_SKEW_PPM: f64 = 1000.0;
const RESELECT_DISTANCE_S: f64 = 1e-4;

#[cfg(test)]
mod tests;
