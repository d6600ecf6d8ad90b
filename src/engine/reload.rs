//! A configuration that was read anew: the difference is applied to an engine that runs.

use crate::config::ntp_conf::{self, Directive, Flag, Placed};
use crate::config::reload::Difference;
use crate::engine::Engine;
use crate::engine::association::{Association, Kind};
use crate::engine::discipline::limits::Limits;
use crate::engine::interleave::Interleave;
use crate::engine::manycast::Reaches;
use crate::engine::mobilize::Refused;
use crate::engine::system::Mitigation;
use crate::units::{AssocId, Now};

/// What became of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Those that are as they were.
    pub stay: usize,
    /// Those that got other options.
    pub changed: usize,
    /// Those that went.
    pub gone: usize,
    /// Those that came.
    pub new: usize,
}

impl Engine {
    /// Follows a configuration that was read anew. Sources that are in it still keep what was
    /// measured of them; those that came otherwise, as by a control message, are left alone. What
    /// is not said any more is as if it had never been said.
    ///
    /// With it come the directives that cannot be followed. What is not of the engine's concern is
    /// left to the driver.
    pub fn reload(
        &mut self,
        now: &Now,
        difference: &Difference,
    ) -> (Reloaded, Vec<(Placed, Refused)>) {
        let mut refused = self.retake_settings(now, &difference.settings);
        let mut reloaded = Reloaded::default();
        let mut claimed: Vec<AssocId> = Vec::new();
        for wanted in difference.stay.iter().chain(&difference.changed) {
            claimed.extend(self.configured(wanted, &claimed));
        }
        for unwanted in &difference.gone {
            if let Some(id) = self.configured(unwanted, &claimed) {
                self.remove(now, id);
                reloaded.gone += 1;
            }
        }
        let mut claimed: Vec<AssocId> = Vec::new();
        let mut missing = Vec::new();
        for wanted in &difference.stay {
            match self.configured(wanted, &claimed) {
                Some(id) => {
                    claimed.push(id);
                    reloaded.stay += 1;
                }
                None => missing.push(wanted),
            }
        }
        for wanted in &difference.changed {
            match self.configured(wanted, &claimed) {
                Some(id) => {
                    claimed.push(id);
                    self.change_options(now, id, &wanted.options);
                    reloaded.changed += 1;
                }
                None => missing.push(wanted),
            }
        }
        // What was taken back meanwhile, as by a control message, is there again: the file says so.
        for wanted in missing {
            // Why one cannot be had was told when its line was new.
            if let Ok(id) = self.add(now, wanted) {
                claimed.push(id);
                reloaded.new += 1;
            }
        }
        for placed in &difference.new {
            let Directive::Association(wanted) = &placed.directive else { continue };
            // It may have come otherwise before, as by a control message.
            if let Some(id) = self.configured(wanted, &claimed) {
                claimed.push(id);
                self.change_options(now, id, &wanted.options);
                reloaded.changed += 1;
                continue;
            }
            match self.add(now, wanted) {
                Ok(id) => {
                    claimed.push(id);
                    reloaded.new += 1;
                }
                Err(why) => refused.push((placed.clone(), why)),
            }
        }
        // What is said of a clock is said when it is there.
        self.forget_fudges(now);
        let fudges = difference.settings.iter().filter(|placed| is_fudge(&placed.directive));
        refused.extend(fudges.filter_map(|placed| self.take_up(now, placed)));
        (reloaded, refused)
    }

    /// The association that a line brought about, if it is there still and none of `others`; the
    /// one with the same options where there are several.
    fn configured(&self, wanted: &ntp_conf::Association, others: &[AssocId]) -> Option<AssocId> {
        let kind = if wanted.clock().is_some() { Kind::Reference } else { Kind::of(wanted.kind) };
        let is_meant = |association: &&Association| {
            association.is_configured()
                && kind == association.kind
                && association.origin.host == wanted.host
                && association.origin.family == wanted.family
                && !others.contains(&association.id)
        };
        let mut meant = self.associations.values().filter(is_meant);
        let same = meant.clone().find(|association| association.options == wanted.options);
        same.or_else(|| meant.next()).map(|association| association.id)
    }

    /// Gives a source, and those that were found by it, other options.
    fn change_options(&mut self, now: &Now, id: AssocId, options: &ntp_conf::Options) {
        let of_it = |a: &&Association| a.id == id || a.origin.parent == Some(id);
        let ids: Vec<AssocId> = self.associations.values().filter(of_it).map(|a| a.id).collect();
        for id in ids {
            let Some(association) = self.associations.get_mut(&id) else { continue };
            let preempt = association.options.preempt && association.origin.parent.is_some();
            if association.options.xleave != options.xleave {
                association.interleave = Interleave::default();
            }
            association.options = options.clone();
            association.options.preempt |= preempt;
            if association.kind == Kind::Peer {
                // A peer sends when it is its turn: a burst would bring no more answers.
                (association.options.burst, association.options.iburst) = (false, false);
            }
            self.schedule(now, id);
        }
        self.mark_changed(now);
    }

    /// Sets everything to what these say, and to what it is by default where they do not.
    fn retake_settings(&mut self, now: &Now, settings: &[Placed]) -> Vec<(Placed, Refused)> {
        let directives = || settings.iter().map(|placed| &placed.directive);
        let mut limits = Limits::default();
        let before = self.mitigation;
        self.mitigation = Mitigation::new(self.settings.precision);
        let (mut steers, mut requires_auth, mut hears) = (true, true, false);
        let (mut delay, mut smear) = (None, None);
        let mut reaches = Reaches::default();
        let mut trusted = Vec::new();
        for directive in directives() {
            match directive {
                Directive::Tinker(setting) => limits.apply(setting),
                Directive::Tos(setting) => self.apply_tos(setting),
                Directive::TrustedKeys(ids) => trusted.extend(ids),
                Directive::Ttl(hops) => reaches = Reaches::new(hops),
                Directive::BroadcastDelay(span) => delay = Some(*span),
                Directive::LeapSmearInterval(span) => smear = span.to_std(),
                Directive::BroadcastClient { .. } | Directive::MulticastClient(_) => hears = true,
                Directive::Flag { flag: Flag::Ntp, is_enabled } => steers = *is_enabled,
                Directive::Flag { flag: Flag::Auth, is_enabled } => requires_auth = *is_enabled,
                Directive::Flag { flag: Flag::BroadcastClient, is_enabled } => hears = *is_enabled,
                _ => {}
            }
        }
        self.keys.trust_only(&trusted);
        self.requires_auth = requires_auth;
        self.reaches = reaches;
        self.set_broadcast_delay(delay.unwrap_or_default());
        self.set_smear(smear.unwrap_or_default());
        if limits != self.limits {
            self.limits = limits;
            self.discipline.limit(&self.limits);
            self.after_discipline(now);
        }
        if self.mitigation != before {
            self.arm_orphan(now);
            self.mark_changed(now);
        }
        self.enable_steering(now, steers);
        if !hears {
            self.ignore_broadcasts(now);
        }
        // The rest is followed as at the start.
        let is_taken = |directive: &Directive| {
            matches!(
                directive,
                Directive::Tinker(_)
                    | Directive::Tos(_)
                    | Directive::TrustedKeys(_)
                    | Directive::Ttl(_)
                    | Directive::BroadcastDelay(_)
                    | Directive::LeapSmearInterval(_)
                    | Directive::Flag { flag: Flag::Ntp | Flag::Auth, .. }
                    // It is no part of the state of a file.
                    | Directive::Unconfigure(_)
                    | Directive::Reset(_)
            )
        };
        let is_left =
            |placed: &&Placed| !is_taken(&placed.directive) && !is_fudge(&placed.directive);
        let rest = settings.iter().filter(is_left);
        rest.filter_map(|placed| self.take_up(now, placed)).collect()
    }

    /// Follows a directive as at the start; with why not, if not.
    fn take_up(&mut self, now: &Now, placed: &Placed) -> Option<(Placed, Refused)> {
        let why = self.apply(now, &placed.directive).err()?;
        Some((placed.clone(), why))
    }
}

const fn is_fudge(directive: &Directive) -> bool {
    matches!(directive, Directive::Fudge(_))
}
