//! What of the selection a change touches.

use super::{Effect, Known, Plan, is_with};
use crate::config::ntp_conf::{Association, Directive, Options, Tos};
use crate::model::daemon::Daemon;
use crate::selection::prospect::{Limit, Role, Touch};
use crate::units::AssocId;

impl Plan {
    /// What the plan touches that the daemon's selection depends on.
    pub fn touches(&self, daemon: &Daemon) -> Vec<Touch> {
        let mut touches: Vec<Touch> = self
            .effects
            .iter()
            .filter_map(|effect| match *effect {
                Effect::Begins => self.associations().last().map(|line| Touch::Begins {
                    host: line.host.to_string().into(),
                    role: role(&line.options),
                }),
                Effect::Ends(id) => Some(Touch::Ends(id)),
                Effect::StartsAgain(id) => {
                    let there = daemon.peer(id)?;
                    let line = self.associations().find(|line| is_with(there, &line.host))?;
                    Some(Touch::StartsAgain { id, role: role(&line.options) })
                }
                Effect::LosesSystemPeer(_) => None,
            })
            .collect();
        touches.extend(self.lines.iter().filter_map(|line| match line {
            Directive::Tos(setting) => limit(*setting).map(Touch::Limit),
            _ => None,
        }));
        touches
    }

    fn associations(&self) -> impl Iterator<Item = &Association> {
        self.lines.iter().filter_map(|line| match line {
            Directive::Association(association) => Some(association),
            _ => None,
        })
    }
}

impl Known<'_> {
    /// How selection treats the associations that the given configuration has lines of.
    pub fn roles(&self) -> Vec<(AssocId, Role)> {
        let configured = self.configured.iter().filter_map(|placed| match &placed.directive {
            Directive::Association(association) => Some(association),
            _ => None,
        });
        configured
            .filter_map(|line| Some((self.peer(&line.host)?.id, role(&line.options))))
            .collect()
    }
}

/// How selection treats an association with these options.
const fn role(options: &Options) -> Role {
    let Options { prefer, noselect, trust, .. } = *options;
    Role { prefer, noselect, trust, require: false }
}

const fn limit(setting: Tos) -> Option<Limit> {
    Some(match setting {
        Tos::Minsane(number) => Limit::Minsane(number),
        Tos::Minclock(number) => Limit::Minclock(number),
        Tos::Maxclock(number) => Limit::Maxclock(number),
        Tos::Mindist(distance) => Limit::Mindist(distance),
        Tos::Maxdist(distance) => Limit::Maxdist(distance),
        Tos::Floor(stratum) => Limit::Floor(stratum),
        Tos::Ceiling(stratum) => Limit::Ceiling(stratum),
        Tos::Orphan(stratum) => Limit::Orphan(stratum),
        _ => return None,
    })
}
