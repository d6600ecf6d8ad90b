//! A datagram socket connected to one daemon.

use std::fmt;
use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::SockRef;
use tokio::net::UdpSocket;

use crate::model::question::Unreachable;

/// The machine, or what lies between it and a daemon, did not do its part.
#[derive(Debug)]
pub struct Failed {
    /// What was attempted.
    pub operation: &'static str,
    /// Towards whom.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.operation, self.address, self.source)
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Failed {
    /// What may be done about a port that cannot be had; `None` of anything else.
    pub fn hint(&self) -> Option<&'static str> {
        if self.operation != LISTEN {
            return None;
        }
        match self.source.kind() {
            io::ErrorKind::AddrInUse => Some(
                "another program has this port, a time daemon perhaps: end it, or choose another \
                 port with --port, or behind the address of --listen",
            ),
            io::ErrorKind::PermissionDenied => Some(
                "ports below 1024 need CAP_NET_BIND_SERVICE: run as root, or choose another port \
                 with --port, or behind the address of --listen",
            ),
            _ => None,
        }
    }

    /// What it says about the destination.
    pub fn unreachable(&self) -> Unreachable {
        unreachable(&self.source).unwrap_or(Unreachable::Network)
    }
}

/// A socket that talks to one address and hears only it.
#[derive(Debug)]
pub struct Socket {
    socket: UdpSocket,
    address: SocketAddr,
}

impl Socket {
    /// Opens a socket on a port of the system's choice and connects it, so that the kernel drops
    /// what comes from elsewhere and tells what ICMP says.
    pub fn connect(address: SocketAddr) -> Result<Self, Failed> {
        let failed = |operation| move |source| Failed { operation, address, source };
        let any: IpAddr = match address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = std::net::UdpSocket::bind((any, 0)).map_err(failed("open a socket to"))?;
        socket.set_nonblocking(true).map_err(failed("open a socket to"))?;
        socket.connect(address).map_err(failed("reach"))?;
        let socket = UdpSocket::from_std(socket).map_err(failed("open a socket to"))?;
        Ok(Self { socket, address })
    }

    /// From where, as the system has chosen it; `None` where it does not tell.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// Whom it talks to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends one datagram at once. A full send buffer loses it, as the network might have.
    pub fn send(&self, datagram: &[u8]) -> Result<(), Unreachable> {
        // Not through the runtime: it would refuse until it has once heard that there is room.
        match SockRef::from(&self.socket).send(datagram) {
            Ok(_) => Ok(()),
            Err(error) => unreachable(&error).map_or(Ok(()), Err),
        }
    }

    /// The next datagram, or what the network says about the last one sent, if it comes within some
    /// tens of microseconds.
    ///
    /// An answer of a hundred datagrams is sent faster than a thread falls asleep and wakes up, and
    /// each time it sleeps costs both it and the sender that has to wake it more than to look again.
    pub fn receive_soon<'a>(&self, buffer: &'a mut [u8]) -> Option<Result<&'a [u8], Unreachable>> {
        let socket = SockRef::from(&self.socket);
        for _ in 0..MOST_LOOKS {
            match (&*socket).read(buffer) {
                Ok(length) => return Some(Ok(buffer.get(..length).unwrap_or_default())),
                // Whoever else has something to do on this processor, the daemon perhaps, does it.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => {
                    if let Some(why) = unreachable(&error) {
                        return Some(Err(why));
                    }
                }
            }
        }
        None
    }

    /// Waits for the next datagram, or for what the network says about the last one sent.
    ///
    /// Errors that say nothing about the destination are passed over. Dropping the future loses
    /// nothing.
    pub async fn receive<'a>(&self, buffer: &'a mut [u8]) -> Result<&'a [u8], Unreachable> {
        loop {
            // Not by `poll_recv`, which is not woken by what ICMP says.
            match self.socket.recv(buffer).await {
                Ok(length) => return Ok(buffer.get(..length).unwrap_or_default()),
                Err(error) => {
                    if let Some(why) = unreachable(&error) {
                        return Err(why);
                    }
                }
            }
        }
    }
}

/// What was attempted, of a port to receive on.
pub const LISTEN: &str = "listen on";

/// Why a destination cannot be reached at all, from the error of connecting to it.
pub fn unreachable(error: &io::Error) -> Option<Unreachable> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(Unreachable::PortClosed),
        io::ErrorKind::HostUnreachable => Some(Unreachable::Host),
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Some(Unreachable::Network),
        io::ErrorKind::PermissionDenied => Some(Unreachable::NotPermitted),
        _ => None,
    }
}

/// How often is looked for a datagram that may come soon.
const MOST_LOOKS: u32 = 64;

/// The largest datagram that is read whole; control messages have at most 508 bytes.
pub const RECEIVE_BUFFER: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn a_closed_port_is_told_by_the_network() {
        // Its socket hears one other port alone, and keeps everybody else from this one.
        let kept = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        kept.connect("127.0.0.1:9").unwrap();
        let vacant = kept.local_addr().unwrap();
        let outcome = block_on(async {
            let socket = Socket::connect(vacant).unwrap();
            socket.send(b"anyone there?").unwrap();
            socket.receive(&mut [0; 64]).await.map(<[u8]>::to_vec)
        });
        assert_eq!(outcome, Err(Unreachable::PortClosed));
    }

    #[test]
    fn datagrams_go_there_and_back() {
        let echo = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        echo.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        let address = echo.local_addr().unwrap();
        let answer = block_on(async {
            let socket = Socket::connect(address).unwrap();
            socket.send(b"ping").unwrap();
            let mut buffer = [0; 16];
            let (length, from) = echo.recv_from(&mut buffer).unwrap();
            echo.send_to(&buffer[..length], from).unwrap();
            socket.receive(&mut [0; 16]).await.map(<[u8]>::to_vec)
        });
        assert_eq!(answer, Ok(b"ping".to_vec()));
    }
}
