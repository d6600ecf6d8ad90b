//! Groups: joined on every interface, and asked by every interface.
//!
//! A host with several networks has servers in any of them, and the system's routes know of one
//! way at most to an address that is in all of them.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{InterfaceIndexOrAddress, SockRef};
use tokio::net::UdpSocket;

use crate::net::own_addresses::{self, Interface};
use crate::net::udp::Failed;

/// The groups that are listened to, and the interfaces of this host as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) wanted: BTreeSet<IpAddr>,
    pub(super) interfaces: Vec<Interface>,
    /// Those that were told to be out of reach.
    complained: BTreeSet<IpAddr>,
}

impl Groups {
    /// Joins all groups on all interfaces where that is not done yet, with the sockets of IPv4 and
    /// IPv6. Returns those that no interface could join, each once.
    pub(super) fn join(&mut self, sockets: [Option<&UdpSocket>; 2], port: u16) -> Vec<Failed> {
        let mut failed = Vec::new();
        let [v4, v6] = sockets;
        for group in &self.wanted {
            let Some(socket) = (if group.is_ipv4() { v4 } else { v6 }) else { continue };
            let indices = self.indices(group.is_ipv4());
            let results: Vec<_> = indices.map(|index| join(socket, *group, index)).collect();
            let is_joined = results.iter().any(Result::is_ok);
            if !is_joined
                && let Some(source) = results.into_iter().find_map(Result::err)
                && self.complained.insert(*group)
            {
                let address = SocketAddr::new(*group, port);
                failed.push(Failed { operation: "join the group", address, source });
            }
        }
        failed
    }

    /// Does `send`, which sends a datagram to a group, by every interface but the loopback.
    ///
    /// # Errors
    /// It could not be sent by any of them.
    pub(super) fn send(
        &mut self,
        socket: &UdpSocket,
        to: IpAddr,
        mut send: impl FnMut() -> io::Result<()>,
    ) -> io::Result<()> {
        if self.interfaces.is_empty() {
            // The first request comes before anybody has told.
            self.interfaces = own_addresses::list().unwrap_or_default();
        }
        let mut result = None;
        let mut seen = BTreeSet::new();
        for Interface { index, address } in &self.interfaces {
            let is_way = address.is_ipv4() == to.is_ipv4() && !address.is_loopback();
            if !is_way || !seen.insert(*index) {
                continue;
            }
            let by = SockRef::from(socket);
            let chosen = match address {
                IpAddr::V4(address) => by.set_multicast_if_v4(address),
                IpAddr::V6(_) => by.set_multicast_if_v6(*index),
            };
            let done = chosen.and_then(|()| send());
            result = match (result, done) {
                (Some(Ok(())), _) | (_, Ok(())) => Some(Ok(())),
                (_, Err(error)) => Some(Err(error)),
            };
        }
        // Without any that is known the system has to know the way.
        result.unwrap_or_else(send)
    }

    /// The numbers of the interfaces with addresses of a family.
    fn indices(&self, is_ipv4: bool) -> impl Iterator<Item = u32> {
        let alike = self.interfaces.iter().filter(move |i| i.address.is_ipv4() == is_ipv4);
        alike.map(|interface| interface.index).collect::<BTreeSet<_>>().into_iter()
    }
}

/// Joins a group on one interface; nothing happens where that is done already.
fn join(socket: &UdpSocket, group: IpAddr, index: u32) -> io::Result<()> {
    let socket = SockRef::from(socket);
    let joined = match group {
        IpAddr::V4(group) => {
            socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index))
        }
        IpAddr::V6(group) => socket.join_multicast_v6(&group, index),
    };
    match joined {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(()),
        other => other,
    }
}
