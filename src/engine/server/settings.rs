//! What a server is told by directives about serving.

use crate::config::ntp_conf::{Directive, Discard, Flag, Mru};
use crate::config::restrict::{Flags, Restrict, Whom};
use crate::engine::access::{AccessList, Origin};
use crate::engine::mobilize::Refused;
use crate::engine::mru::Limits;
use crate::engine::rate::Headway;
use crate::engine::server::Server;

impl Server {
    /// Follows a directive about serving; `line` is where it stands. Names of hosts are for the
    /// driver to look up: until then such a line restricts nobody.
    ///
    /// # Errors
    /// There is no room for another restriction.
    pub fn apply(&mut self, directive: &Directive, line: Option<usize>) -> Result<(), Refused> {
        match directive {
            Directive::Restrict(restrict) => {
                let Restrict { flags, most_peers, .. } = *restrict;
                if restrict.whom == Whom::Source {
                    self.access.set_template(flags, most_peers);
                }
                for selector in restrict.whom.selectors() {
                    let origin = Origin::Configured { line };
                    if !self.access.restrict(selector, flags, most_peers, origin) {
                        return Err(Refused::TooRestricted);
                    }
                }
            }
            Directive::Unrestrict(restrict) => {
                for selector in restrict.whom.selectors() {
                    if restrict.flags == Flags::NONE {
                        self.access.remove(selector);
                    } else {
                        self.access.unrestrict(selector, restrict.flags);
                    }
                }
            }
            Directive::Flag { flag: Flag::Monitor, is_enabled } => {
                self.is_monitoring = *is_enabled;
                if self.monitored() == [false; 2] {
                    self.monitor.clear();
                }
            }
            Directive::Discard(Discard::Average(average)) => self.headway.average = *average,
            Directive::Discard(Discard::Minimum(minimum)) => self.headway.minimum = *minimum,
            Directive::Discard(Discard::Monitor(sure_age_s)) => {
                let limits = self.monitor.limits();
                self.monitor.set_limits(Limits { sure_age_s: *sure_age_s, ..limits });
            }
            Directive::Mru(setting) => {
                let limits = self.monitor.limits();
                self.monitor.set_limits(match *setting {
                    Mru::Most(most) => Limits { most, ..limits },
                    Mru::Memory(kibibytes) => {
                        Limits { most: Limits::of_memory(kibibytes), ..limits }
                    }
                    Mru::Least(least) => Limits { least, ..limits },
                    Mru::Age(most_age_s) => Limits { most_age_s, ..limits },
                });
            }
            Directive::ManycastServer(groups) => self.serve_groups(groups),
            _ => {}
        }
        Ok(())
    }

    /// Has all as it is before any directive. Who asked is still known.
    pub fn forget_settings(&mut self) {
        self.access = AccessList::new();
        self.headway = Headway::default();
        self.groups.clear();
        self.monitor.set_limits(Limits::default());
        self.is_monitoring = true;
    }

    /// Who is recorded: whether everybody is, and whether there are some whose rate is limited.
    pub fn monitored(&self) -> [bool; 2] {
        [self.is_monitoring, self.access.limits_rates()]
    }
}
