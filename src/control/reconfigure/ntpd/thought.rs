//! A wish thought through for an ntpd that was read: lines, inverse, what is to be seen of both.

use std::sync::Arc;

use crate::config::change::{Line, Wish};
use crate::config::host::HostSpec;
use crate::config::ntp_conf::control::Unwanted;
use crate::config::ntp_conf::{Association, Directive, Flag, Placed};
use crate::config::restrict::{Flags, Restrict, Selector};
use crate::control::change::{self, Known, NoInverse, Plan};
use crate::control::reconfigure::ntpd::{Ntpd, checks, picture};
use crate::control::reconfigure::way::{Step, Thought};
use crate::model::change::{Effect, Trouble};
use crate::model::vars::peer;
use crate::model::{Dialect, Peer};
use crate::units::{AssocId, Mode, Mono};
use crate::wire::mode6::MAX_DATA;
use crate::wire::mode6::auth::Alignment;

impl Ntpd {
    pub(super) fn think(&self) -> Result<Thought<String>, Trouble> {
        let thought = match &self.wish {
            Wish::Line(line) => self.think_line(line)?,
            Wish::Mark { whom, option } => {
                let line = Line::of(self.marked(whom, option)?);
                self.think_line(&line)?
            }
            Wish::Exactly(lines) => Thought {
                steps: lines.iter().map(|line| self.step_of_text(line)).collect(),
                inverse: Err(IS_INVERSE.to_owned()),
                effects: Vec::new(),
                touches: Vec::new(),
                roles: Vec::new(),
                words: Vec::new(),
                is_inverse: true,
                is_slow: true,
            },
        };
        let steps = thought.inverse.iter().flatten().chain(&thought.steps);
        let mut lengths = steps.map(|step| step.request.len());
        let fits = |length: &usize| length + Alignment::blanks_needed(*length) <= MAX_DATA;
        match lengths.find(|length| !fits(length)) {
            Some(length) => Err(Trouble::TooLong(length)),
            None => Ok(thought),
        }
    }

    fn think_line(&self, line: &Line) -> Result<Thought<String>, Trouble> {
        let is_left_out = |one: &Directive| matches!(one, Directive::Ignored { .. });
        if line.directives().iter().any(is_left_out) {
            return Ok(Self::unread(line));
        }
        let configured = self.configured_now(line.directives());
        let known = Known {
            daemon: &self.daemon,
            restrictions: self.restrictions.as_deref(),
            configured: &configured,
        };
        self.take_unrestrict(line)?;
        let mut all = Plan { lines: Vec::new(), inverse: Ok(Vec::new()), effects: Vec::new() };
        for directive in line.directives() {
            let plan = change::plan(directive, known);
            let plan = plan.map_err(|senseless| Trouble::Wish(senseless.to_string()))?;
            all.lines.extend(plan.lines);
            all.effects.extend(plan.effects);
            let inverse = self.monitored(directive).map_or(plan.inverse, |before| Ok(vec![before]));
            // What was done last is undone first.
            all.inverse = match (inverse, all.inverse) {
                (Ok(mut inverse), Ok(earlier)) => {
                    inverse.extend(earlier);
                    Ok(inverse)
                }
                (Err(why), _) | (_, Err(why)) => Err(why),
            };
        }
        let shuts_out = line.directives().iter().any(|directive| self.shuts_out(directive));
        let inverse = match &all.inverse {
            _ if shuts_out => Err(SHUTS_OUT.to_owned()),
            Ok(lines) if !self.lifts_restrictions() && lines.iter().any(is_unrestrict) => {
                Err(NO_UNRESTRICT.to_owned())
            }
            Ok(lines) => Ok(lines.iter().map(|line| self.step(line)).collect()),
            Err(why) => Err(self.why_none(*why)),
        };
        let names = |line: &Directive| match line {
            Directive::Association(association) => association.host.address().is_none(),
            Directive::Unconfigure(Unwanted::Host { host, .. }) => host.address().is_none(),
            _ => false,
        };
        let mut words: Vec<String> =
            all.effects.iter().map(|effect| self.effect_words(*effect)).collect();
        if shuts_out {
            words.push(SHUTS_OUT.to_owned());
        }
        Ok(Thought {
            steps: all.lines.iter().map(|line| self.step(line)).collect(),
            is_inverse: false,
            is_slow: all.lines.iter().any(names),
            inverse,
            words,
            touches: all.touches(&self.daemon),
            roles: known.roles(),
            effects: all.effects,
        })
    }

    /// Whether it is of a kind that takes restrictions back while it runs.
    fn lifts_restrictions(&self) -> bool {
        let identity = self.daemon.identity.as_ref();
        identity
            .and_then(|identity| identity.dialect)
            .is_some_and(|dialect| dialect.is_ntpsec() || dialect == Dialect::Ntpscope)
    }

    fn take_unrestrict(&self, line: &Line) -> Result<(), Trouble> {
        if line.directives().iter().any(is_unrestrict) && !self.lifts_restrictions() {
            return Err(Trouble::Wish(NO_UNRESTRICT.to_owned()));
        }
        Ok(())
    }

    /// The flag of the list of clients as it is, which is told where others are not.
    fn monitored(&self, wanted: &Directive) -> Option<Directive> {
        let Directive::Flag { flag: Flag::Monitor, .. } = wanted else { return None };
        Some(Directive::Flag { flag: Flag::Monitor, is_enabled: self.monitors? })
    }

    /// A line of which something is known to the daemon only.
    fn unread(line: &Line) -> Thought<String> {
        let step = Step {
            text: line.text().to_owned(),
            request: line.text().to_owned(),
            checks: vec![checks::untold(&format!("`{}`", line.text()))],
        };
        Thought {
            steps: vec![step],
            inverse: Err(NOT_THOUGHT.to_owned()),
            effects: Vec::new(),
            touches: Vec::new(),
            roles: Vec::new(),
            words: vec![NOT_THOUGHT.to_owned()],
            is_inverse: false,
            is_slow: true,
        }
    }

    fn step(&self, line: &Directive) -> Step<String> {
        let text = line.to_string();
        Step { request: text.clone(), text, checks: checks::of(line, &self.daemon, self.read_at()) }
    }

    /// A line that was written earlier.
    fn step_of_text(&self, text: &str) -> Step<String> {
        let line = Line::read(text).ok();
        let checks = match line.as_ref().map(Line::directives) {
            Some([one]) => checks::of(one, &self.daemon, self.read_at()),
            _ => vec![checks::untold(&format!("`{text}`"))],
        };
        Step { text: text.to_owned(), request: text.to_owned(), checks }
    }

    fn read_at(&self) -> Mono {
        self.daemon.system.dated().map(|dated| dated.answered).unwrap_or_default()
    }

    /// The configuration, and before it what the user says of the association in question.
    fn configured_now(&self, wanted: &[Directive]) -> Vec<Placed> {
        let said = wanted.iter().filter_map(|directive| {
            let there = match directive {
                Directive::Association(association) => self.find(association.host.host()),
                Directive::Unconfigure(Unwanted::Host { host, .. }) => self.find(host.host()),
                Directive::Unconfigure(Unwanted::Association(id)) => self.find(&id.to_string()),
                _ => None,
            };
            let association = self.as_said(there?)?;
            let source = Arc::from("what the user says");
            let directive = Directive::Association(association);
            Some(Placed { source, line: 1, column: 1, directive })
        });
        said.chain(self.configured.iter().cloned()).collect()
    }

    /// An association with the options that the user says it has.
    fn as_said(&self, there: &Peer) -> Option<Association> {
        let options = self.has.as_ref()?;
        let keyword = match there.row.latest().and_then(|row| row.mode(&peer::HOST_MODE)) {
            Some(Mode::SymmetricActive) => "peer",
            Some(Mode::Broadcast) => "broadcast",
            _ if is_pool(there) => "pool",
            _ => "server",
        };
        let host = written(there);
        match Line::read(&format!("{keyword} {host} {options}")).ok()?.directives() {
            [Directive::Association(association)] => Some(association.clone()),
            _ => None,
        }
    }

    /// An association that is there, with all that it has and `option` besides.
    fn marked(&self, whom: &str, option: &str) -> Result<Association, Trouble> {
        let there = self
            .find(whom)
            .ok_or_else(|| Trouble::Wish(format!("there is no association {whom}")))?;
        let host = written(there);
        if self.has.is_some() && self.as_said(there).is_none() {
            return Err(Trouble::Wish(format!("{host} cannot have such options")));
        }
        let hosts =
            [HostSpec::new(host.clone()), HostSpec::new(address(there).unwrap_or_default())];
        let configured = self.configured.iter().find_map(|placed| match &placed.directive {
            Directive::Association(association) if hosts.contains(&association.host) => {
                Some(association.clone())
            }
            _ => None,
        });
        let association = self.as_said(there).or(configured);
        let association = association.ok_or_else(|| Trouble::Options(picture::called(there)))?;
        let text = format!("{association} {option}");
        match Line::read(&text).as_ref().map(Line::directives) {
            Ok([Directive::Association(association)]) => Ok(association.clone()),
            _ => Err(Trouble::Wish(format!("`{text}` is no line that makes an association"))),
        }
    }

    /// An association by its number, its address or its name.
    fn find(&self, whom: &str) -> Option<&Peer> {
        let id = whom.parse().ok().map(AssocId::new);
        let host = HostSpec::new(whom);
        let called = |there: &Peer| match host.address() {
            Some(wanted) => {
                there.row.latest().and_then(|row| row.address(&peer::SOURCE)) == Some(wanted)
            }
            None => picture::host(there).is_some_and(|name| name.eq_ignore_ascii_case(whom)),
        };
        let peers = || self.daemon.peers.iter().map(|there| &**there);
        let by_id = peers().find(|there| Some(there.id) == id);
        by_id.or_else(|| peers().find(|there| called(there)))
    }

    fn called(&self, id: AssocId) -> String {
        self.daemon.peer(id).map_or_else(|| format!("number {id}"), |there| picture::called(there))
    }

    fn effect_words(&self, effect: Effect) -> String {
        match effect {
            Effect::Begins => "an association begins, from reach 0".to_owned(),
            Effect::Ends(id) => format!("the association {} ends", self.called(id)),
            Effect::StartsAgain(id) => format!(
                "the association {} is given up and made again: it starts from reach 0, under \
                 another number",
                self.called(id)
            ),
            Effect::LosesSystemPeer(id) => format!(
                "the daemon follows {} now, and has nobody to follow, or somebody else, until it \
                 has selected again",
                self.called(id)
            ),
        }
    }

    /// Why there is no way back, and what would make one.
    fn why_none(&self, why: NoInverse) -> String {
        match why {
            NoInverse::Options(id) => {
                format!("which options {} has is not told by the daemon", self.called(id))
            }
            why => why.to_string(),
        }
    }

    /// Whether after this line we could read or change nothing any more.
    fn shuts_out(&self, line: &Directive) -> bool {
        let (Directive::Restrict(restrict), Some(from)) = (line, self.from) else { return false };
        let forbidding = Flags::IGNORE.with(Flags::NOQUERY).with(Flags::NOMODIFY);
        let Restrict { whom, flags, .. } = restrict;
        // We do not ask from the port of NTP.
        let ours = |selector: &Selector| selector.matches(from, 0);
        let known = self.restrictions.as_deref().unwrap_or_default();
        let deciding = known.iter().map(|(selector, _)| *selector).filter(ours);
        let deciding = deciding.max_by_key(Selector::rank);
        flags.has(forbidding)
            && whom
                .selectors()
                .iter()
                .filter(|selector| ours(selector))
                .any(|new| deciding.is_none_or(|deciding| new.rank() >= deciding.rank()))
    }
}

fn is_pool(there: &Peer) -> bool {
    address(there).is_none() && picture::host(there).is_some()
}

/// The address of an association; `None` of a pool, or of a name that has none yet.
fn address(there: &Peer) -> Option<String> {
    let address = there.row.latest()?.address(&peer::SOURCE)?;
    (!address.is_unspecified()).then(|| address.to_string())
}

/// What a line calls an association: its name where it was configured with one.
fn written(there: &Peer) -> String {
    picture::host(there).or_else(|| address(there)).unwrap_or_default()
}

const fn is_unrestrict(line: &Directive) -> bool {
    matches!(line, Directive::Unrestrict(_))
}

const NO_UNRESTRICT: &str = "a daemon of this kind takes no `unrestrict`: flags that were added stay \
                             until it starts anew";

const IS_INVERSE: &str = "these lines take something back, and nothing takes them back";

const NOT_THOUGHT: &str = "this line, or a part of it, is known to the daemon only: what it alters \
                           is not foreseen, and what takes it back is not known";

const SHUTS_OUT: &str = "it would shut us out: after it nothing can be read, changed or taken back \
                         from here";
