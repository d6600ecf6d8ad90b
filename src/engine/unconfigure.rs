//! Associations that a configuration takes back.

use std::net::SocketAddr;

use crate::config::ntp_conf::Family;
use crate::config::ntp_conf::control::Unwanted;
use crate::engine::Engine;
use crate::engine::association::Association;
use crate::engine::mobilize::{Applied, Refused};
use crate::units::Now;

impl Engine {
    /// Takes the association away that is meant; of several with a host the first.
    pub(in crate::engine) fn unconfigure(
        &mut self,
        now: &Now,
        unwanted: &Unwanted,
    ) -> Result<Applied, Refused> {
        let id = match unwanted {
            Unwanted::Association(id) => Some(*id),
            Unwanted::Host { host, family } => {
                let is_meant = |association: &&Association| {
                    let address = association.address;
                    let is_of_family = match (family, address) {
                        (Some(Family::Ipv4), Some(address)) => address.is_ipv4(),
                        (Some(Family::Ipv6), Some(address)) => address.is_ipv6(),
                        _ => true,
                    };
                    let is_there = host.address().is_some_and(|wanted| {
                        address == Some(SocketAddr::new(wanted, host.port()))
                    });
                    is_of_family && (association.origin.host == *host || is_there)
                };
                // A pool's name stands for all its servers: the pool itself goes.
                let meant = || self.associations.values().filter(is_meant);
                let configured = meant().find(|association| association.is_configured());
                configured.or_else(|| meant().next()).map(|association| association.id)
            }
        };
        let origin = id.and_then(|id| self.associations.get(&id)).map(|gone| gone.origin.clone());
        match (id, origin) {
            (Some(id), Some(origin)) if self.remove(now, id) => Ok(Applied::Unconfigured {
                host: origin.host,
                was_configured: origin.parent.is_none() && !origin.is_ephemeral,
            }),
            _ => Err(Refused::Unknown(unwanted.clone())),
        }
    }
}
