//! Ports of loopback that stay whose they are: one that was free a moment ago may be anybody's.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use socket2::{Domain, Socket, Type};

/// A port on which nobody listens unless this opens it, for as long as this is held.
///
/// Its own socket hears one other port alone, so that the kernel tells everybody else that the port
/// is closed, and gives it to nobody.
#[derive(Debug)]
pub(crate) struct Kept {
    address: SocketAddr,
    _socket: UdpSocket,
}

impl Kept {
    pub(crate) fn new() -> Self {
        let socket = shared(0);
        socket.connect((Ipv4Addr::LOCALHOST, DISCARD)).expect("loopback has a way to itself");
        Self { address: socket.local_addr().expect("its address"), _socket: socket }
    }

    /// Where it is, with its port.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A socket that hears whoever asks on this port, until it is dropped.
    #[allow(dead_code, clippy::allow_attributes, reason = "some tests want it closed alone")]
    pub(crate) fn open(&self) -> UdpSocket {
        shared(self.address.port())
    }
}

/// A socket on a port of loopback, any where it is 0, that another may be on as well.
fn shared(port: u16) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("it may be shared");
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()).expect("a port on loopback");
    socket.into()
}

/// A port from which nobody sends.
const DISCARD: u16 = 9;
