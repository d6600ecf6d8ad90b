//! Which addresses the time is got from: whoever decides on access goes by it (`restrict source`).
//! And which of ours it is told from to everybody.

use std::net::{IpAddr, SocketAddr};

use crate::engine::Engine;
use crate::engine::association::{Association, Kind};
use crate::engine::output::Output;
use crate::units::AssocId;

impl Engine {
    /// An association is with this address from now on.
    pub(in crate::engine) fn move_to(&mut self, id: AssocId, address: SocketAddr) {
        let Some(association) = self.associations.get_mut(&id) else { return };
        let before = association.address.replace(address);
        if before.is_some_and(|before| before.ip() == address.ip()) {
            return;
        }
        if let Some(before) = before {
            self.leave(before.ip());
        }
        if self.associations.get(&id).is_some_and(Association::is_with_a_host) {
            let address = address.ip();
            self.outputs.push_back(Output::Source { address, is_there: true });
        }
    }

    /// The addresses that the time is got from.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let with_a_host = self.associations.values().filter(|a| a.is_with_a_host());
        with_a_host.filter_map(|association| Some(association.address?.ip()))
    }

    /// Notes which address of ours each association has that sends to everybody: the one in the
    /// network that it sends to, as ntpd has it. The system chooses, and nothing comes back by which
    /// it could be seen.
    pub(in crate::engine) fn locate_broadcasters(&mut self) {
        let own = &self.own_addresses;
        for association in self.associations.values_mut() {
            if association.kind == Kind::Broadcaster {
                association.local = association.address.and_then(|to| nearest(own, to.ip()));
            }
        }
    }

    /// An association with this address is gone; there may be others.
    pub(in crate::engine) fn leave(&mut self, address: IpAddr) {
        let is_with =
            |a: &Association| a.is_with_a_host() && a.address.is_some_and(|at| at.ip() == address);
        if !self.associations.values().any(is_with) {
            self.outputs.push_back(Output::Source { address, is_there: false });
        }
    }
}

impl Association {
    /// Whether it is with one host on the network, of which packets come.
    pub(in crate::engine) fn is_with_a_host(&self) -> bool {
        self.kind.is_measured() && self.clock.is_none()
    }
}

/// The address of ours that has most in common with `to`; of several the first.
fn nearest(own: &[IpAddr], to: IpAddr) -> Option<IpAddr> {
    let of_family = own
        .iter()
        .filter(|own| own.is_ipv4() == to.is_ipv4() && own.is_loopback() == to.is_loopback());
    of_family.copied().min_by_key(|own| match (own, to) {
        (IpAddr::V4(own), IpAddr::V4(to)) => u128::from(own.to_bits() ^ to.to_bits()),
        (IpAddr::V6(own), IpAddr::V6(to)) => own.to_bits() ^ to.to_bits(),
        _ => u128::MAX,
    })
}
