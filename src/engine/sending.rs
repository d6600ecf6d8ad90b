//! Handing packets of associations out: sealed, numbered, by the socket that their kind has.

use crate::engine::Engine;
use crate::engine::association::Kind;
use crate::engine::output::{Output, Socket, Ticket, Transmission};
use crate::units::AssocId;
use crate::wire::packet::Header;

impl Engine {
    /// Sends what an association says to its address, at most `ttl` hops far where that is said,
    /// with the code of its key where it has one. The ticket is the association's from then on.
    ///
    /// `None` when nothing was sent: it has no address, or its key is not there. Without that
    /// nobody would believe what it says, nor could an answer be believed.
    pub(in crate::engine) fn send(
        &mut self,
        id: AssocId,
        header: &Header,
        ttl: Option<u8>,
    ) -> Option<Ticket> {
        let association = self.associations.get_mut(&id)?;
        let to = association.address?;
        let mut datagram = header.emit();
        if let Some(key_id) = association.options.key {
            let key = match association.kind {
                // That a key is some servers' alone is about what they send us.
                Kind::Broadcaster => self.keys.of_client(key_id),
                _ => self.keys.trusted(key_id, to.ip()),
            };
            let Some(key) = key else {
                association.counters.unsent += 1;
                return None;
            };
            self.keys.seal(key, &mut datagram);
        }
        association.counters.sent += 1;
        let ticket = Ticket(self.tickets_given);
        let (socket, from) = match association.kind {
            Kind::Peer => (Socket::Peer(id), None),
            Kind::Passive => (Socket::Ntp, association.local),
            Kind::Broadcaster => (Socket::Ntp, None),
            _ => (Socket::Request(ticket), None),
        };
        self.tickets_given += 1;
        self.tickets.insert(ticket, id);
        let transmission = Transmission { ticket, socket, to, from, ttl, datagram };
        self.outputs.push_back(Output::Send(transmission));
        Some(ticket)
    }
}
