//! Which addresses the time is got from: whoever decides on access goes by it (`restrict source`).

use std::net::{IpAddr, SocketAddr};

use crate::engine::Engine;
use crate::engine::association::Association;
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
