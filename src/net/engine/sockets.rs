//! The sockets of an engine besides those on its port: one a request, on a random port, and one a
//! peer where the port cannot be had.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd as _;
use std::sync::Arc;

use socket2::{Domain, Protocol, SockRef, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

use crate::engine::output::{Socket, Ticket, Transmission};
use crate::net::engine::News as Told;
use crate::net::engine::groups::Groups;
use crate::net::engine::marking::Marking;
use crate::net::engine::ntp_port::departed;
use crate::net::stamp::{self, Bracket, Queue};
use crate::net::udp::{Failed, RECEIVE_BUFFER, unreachable};
use crate::units::{AssocId, NtpTimestamp};

/// What came out of a socket.
#[derive(Debug)]
pub(super) enum News {
    /// A datagram.
    Arrived(Arrival),
    /// The kernel's word of when a datagram left.
    Left(Departure),
    /// The network's word that nobody listens.
    Refused(Source),
}

/// A datagram that came.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) socket: Socket,
    pub(super) from: SocketAddr,
    pub(super) to: Option<IpAddr>,
    pub(super) stamp: Option<NtpTimestamp>,
    pub(super) bracket: Bracket,
    pub(super) datagram: Vec<u8>,
}

/// A datagram that left.
#[derive(Debug)]
pub(super) struct Departure {
    from: Source,
    number: u32,
    pub(super) stamp: Option<NtpTimestamp>,
    pub(super) bracket: Bracket,
}

/// Where a datagram left.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The socket of a request.
    Request(Ticket),
    /// That of an association with a peer.
    Peer(AssocId),
}

impl Source {
    const fn socket(self) -> Socket {
        match self {
            Self::Request(ticket) => Socket::Request(ticket),
            Self::Peer(association) => Socket::Peer(association),
        }
    }
}

/// The sockets of an engine.
#[derive(Debug)]
pub(super) struct Sockets {
    requests: HashMap<Ticket, Open>,
    /// With the address that each is connected with.
    peers: HashMap<AssocId, (SocketAddr, Lasting)>,
    news: Sender<Told>,
    groups: Groups,
    marking: Marking,
    /// Asks for stamps and does nothing: the kernel begins to stamp a moment after the first socket
    /// asked and ends with the last, so without it the answers to single requests go unstamped.
    _keeps_stamps: Option<socket2::Socket>,
}

/// A socket and the task that listens to it, which ends with it.
#[derive(Debug)]
struct Open {
    socket: Arc<UdpSocket>,
    task: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A socket for many datagrams, with what it sent last: the kernel names those by number.
#[derive(Debug)]
struct Lasting {
    open: Open,
    count: u32,
    sent: VecDeque<(u32, Ticket)>,
}

impl Lasting {
    const fn new(open: Open) -> Self {
        Self { open, count: 0, sent: VecDeque::new() }
    }

    fn send(&mut self, transmission: &Transmission) -> io::Result<Option<NtpTimestamp>> {
        if let Some(ttl) = transmission.ttl {
            hop_limit(&self.open.socket, transmission.to, ttl)?;
        }
        stamp::send(self.open.socket.as_fd(), &transmission.datagram, None)?;
        let number = self.count;
        self.count = self.count.wrapping_add(1);
        self.sent.truncate(MOST_SENT - 1);
        self.sent.push_front((number, transmission.ticket));
        let departed = departed(self.open.socket.as_fd());
        Ok(departed.filter(|(told, _)| *told == number).map(|(_, stamp)| stamp))
    }

    /// Which datagram has this number, when it is still known.
    fn ticket(&self, number: u32) -> Option<Ticket> {
        self.sent.iter().find(|(known, _)| *known == number).map(|(_, ticket)| *ticket)
    }
}

impl Sockets {
    /// None open yet.
    pub(super) fn new(news: Sender<Told>) -> Self {
        let idle = socket2::Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).ok();
        if let Some(socket) = &idle {
            stamp::request(socket.as_fd());
        }
        let (requests, peers) = (HashMap::new(), HashMap::new());
        Self {
            requests,
            peers,
            news,
            groups: Groups::default(),
            marking: Marking::default(),
            _keeps_stamps: idle,
        }
    }

    /// Marks what is sent from now on so.
    pub(super) fn mark(&mut self, marking: Marking) {
        self.marking = marking;
        for (with, lasting) in self.peers.values() {
            marking.put_on(&*lasting.open.socket, with.ip());
        }
    }

    /// Sends a datagram at once, from a new socket where it is a request, and returns the kernel's
    /// stamp where it is there already.
    pub(super) fn send(
        &mut self,
        transmission: &Transmission,
    ) -> Result<Option<NtpTimestamp>, Failed> {
        let to = transmission.to;
        let failed = |operation| move |source| Failed { operation, address: to, source };
        match transmission.socket {
            Socket::Request(ticket) => {
                let open = match self.requests.entry(ticket) {
                    Entry::Occupied(open) => open.into_mut(),
                    Entry::Vacant(place) => {
                        let socket = for_request(to, self.marking)?;
                        place.insert(listened(socket, Source::Request(ticket), &self.news, to)?)
                    }
                };
                if let Some(ttl) = transmission.ttl {
                    hop_limit(&open.socket, to, ttl).map_err(failed(SEND))?;
                }
                if to.ip().is_multicast() {
                    // It is answered by the members of the group, so the socket is not connected.
                    let (fd, datagram) = (open.socket.as_fd(), &transmission.datagram);
                    self.groups
                        .send(&open.socket, to.ip(), || stamp::send(fd, datagram, Some(to)))
                        .map_err(failed(SEND))?;
                } else {
                    stamp::send(open.socket.as_fd(), &transmission.datagram, None)
                        .map_err(failed(SEND))?;
                }
                Ok(departed(open.socket.as_fd()).map(|(_, stamp)| stamp))
            }
            Socket::Peer(association) => {
                let lasting = self.of_peer(association, to)?;
                lasting.send(transmission).map_err(failed(SEND))
            }
            Socket::Ntp => Err(failed(SEND)(io::Error::from(io::ErrorKind::NotConnected))),
        }
    }

    /// The socket of an association with the peer at `to`, opened where there is none.
    fn of_peer(&mut self, association: AssocId, to: SocketAddr) -> Result<&mut Lasting, Failed> {
        let is_other = self.peers.get(&association).is_some_and(|(with, _)| *with != to);
        if is_other {
            self.peers.remove(&association);
        }
        match self.peers.entry(association) {
            Entry::Occupied(open) => Ok(&mut open.into_mut().1),
            Entry::Vacant(place) => {
                let source = Source::Peer(association);
                let socket = for_request(to, self.marking)?;
                let open = listened(socket, source, &self.news, to)?;
                Ok(&mut place.insert((to, Lasting::new(open))).1)
            }
        }
    }

    /// Closes the socket of an association with a peer, where it has one of its own.
    pub(super) fn close_peer(&mut self, association: AssocId) {
        self.peers.remove(&association);
    }

    /// Which datagram nobody wanted to have, as far as that can be told.
    pub(super) fn refused(&self, source: Source) -> Option<Ticket> {
        match source {
            Source::Request(ticket) => Some(ticket),
            Source::Peer(association) => {
                self.peers.get(&association)?.1.sent.front().map(|(_, ticket)| *ticket)
            }
        }
    }

    /// Closes the socket of a request.
    pub(super) fn close(&mut self, ticket: Ticket) {
        self.requests.remove(&ticket);
    }

    /// Which request left, when it is still known.
    pub(super) fn ticket(&self, departure: &Departure) -> Option<Ticket> {
        match departure.from {
            Source::Request(ticket) => self.requests.contains_key(&ticket).then_some(ticket),
            Source::Peer(association) => self.peers.get(&association)?.1.ticket(departure.number),
        }
    }

    /// The groups that are listened to and sent to.
    pub(super) const fn groups(&mut self) -> &mut Groups {
        &mut self.groups
    }
}

/// A socket for one request to `to`: on a random port, connected so that the kernel drops what
/// comes from elsewhere and tells what ICMP says.
fn for_request(to: SocketAddr, marking: Marking) -> Result<socket2::Socket, Failed> {
    let failed = |operation| move |source| Failed { operation, address: to, source };
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let domain = Domain::for_address(to);
    let socket = socket2::Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))
        .map_err(failed(OPEN))?;
    socket.bind(&SocketAddr::new(any, 0).into()).map_err(failed(OPEN))?;
    marking.put_on(&socket, any);
    if !to.ip().is_multicast() {
        socket.connect(&to.into()).map_err(failed(SEND))?;
    }
    Ok(socket)
}

/// Asks for stamps and starts to listen.
fn listened(
    socket: socket2::Socket,
    source: Source,
    news: &Sender<Told>,
    address: SocketAddr,
) -> Result<Open, Failed> {
    stamp::request(socket.as_fd());
    let socket = UdpSocket::from_std(socket.into());
    let socket =
        socket.map_err(|source| Failed { operation: OPEN, address, source }).map(Arc::new)?;
    let task = tokio::spawn(listen(Arc::clone(&socket), source, news.clone()));
    Ok(Open { socket, task })
}

/// Sets how many routers what is sent next may pass.
pub(super) fn hop_limit(socket: &UdpSocket, to: SocketAddr, hops: u8) -> io::Result<()> {
    let socket = SockRef::from(socket);
    match (to.ip(), to.ip().is_multicast()) {
        (IpAddr::V4(_), true) => socket.set_multicast_ttl_v4(hops.into()),
        (IpAddr::V4(_), false) => socket.set_ttl_v4(hops.into()),
        (IpAddr::V6(_), true) => socket.set_multicast_hops_v6(hops.into()),
        (IpAddr::V6(_), false) => socket.set_unicast_hops_v6(hops.into()),
    }
}

/// Passes on all that comes out of a socket, for as long as somebody takes it.
async fn listen(socket: Arc<UdpSocket>, source: Source, news: Sender<Told>) {
    let mut buffer = [0; RECEIVE_BUFFER];
    let either = Interest::READABLE | Interest::ERROR;
    while socket.ready(either).await.is_ok() {
        // What left comes first: the answer to it may be waiting behind.
        for (queue, interest) in
            [(Queue::Departures, Interest::ERROR), (Queue::Arrivals, Interest::READABLE)]
        {
            let taken = take(&socket, source, queue, interest, &mut buffer, &news).await;
            if taken.is_err() {
                return;
            }
        }
    }
}

/// Takes all out of one queue.
///
/// # Errors
/// Nobody takes the news any more.
async fn take(
    socket: &UdpSocket,
    source: Source,
    queue: Queue,
    interest: Interest,
    buffer: &mut [u8],
    news: &Sender<Told>,
) -> Result<(), Gone> {
    loop {
        let received = socket.try_io(interest, || stamp::receive(socket.as_fd(), buffer, queue));
        let bracket = Bracket::read();
        let told = match (received, queue, source) {
            (Ok(message), Queue::Arrivals, _) => {
                let Some(from) = message.from else { continue };
                let datagram = buffer.get(..message.length).unwrap_or_default().to_vec();
                let own = || socket.local_addr().ok().map(|address| address.ip());
                let to = message.to.or_else(|| own().filter(|own| !own.is_unspecified()));
                let (socket, stamp) = (source.socket(), message.stamp);
                News::Arrived(Arrival { socket, from, to, stamp, bracket, datagram })
            }
            (Ok(message), Queue::Departures, _) => {
                let (Some(number), stamp @ Some(_)) = (message.sent, message.stamp) else {
                    continue;
                };
                News::Left(Departure { from: source, number, stamp, bracket })
            }
            (Err(error), ..) if unreachable(&error).is_some() => News::Refused(source),
            (Err(error), ..) if error.kind() == io::ErrorKind::WouldBlock => {
                // An error that waits wakes only the one queue, and is had by asking for it.
                let error = match queue {
                    Queue::Departures => socket.take_error().ok().flatten(),
                    Queue::Arrivals => None,
                };
                match error.as_ref().and_then(unreachable) {
                    Some(_) => News::Refused(source),
                    None => return Ok(()),
                }
            }
            // What says nothing about the destination is passed over.
            (Err(_), ..) => return Ok(()),
        };
        news.send(Told::Socket(told)).await.map_err(|_| Gone)?;
    }
}

/// The engine has ended.
struct Gone;

/// What was attempted.
pub(super) const SEND: &str = "send to";
const OPEN: &str = "open a socket to";

/// Datagrams to a peer that are remembered until the kernel tells when they left.
const MOST_SENT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_marked() {
        let marked = |to: &str, code_point| {
            for_request(to.parse().unwrap(), Marking::new(code_point)).unwrap()
        };
        assert_eq!(marked("127.0.0.1:9", 46).tos_v4().unwrap(), 46 << 2);
        assert_eq!(marked("127.0.0.1:9", 0).tos_v4().unwrap(), 0);
        if std::net::UdpSocket::bind("[::1]:0").is_ok() {
            assert_eq!(marked("[::1]:9", 10).tclass_v6().unwrap(), 10 << 2);
        }
    }
}
