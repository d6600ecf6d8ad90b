//! The sockets on the port that is listened on: one for all addresses of a family, or one for each
//! address that was named.
//!
//! What comes is taken in batches by the driver itself, for an answer should not wait for another
//! task. When a datagram left is told by the kernel for those alone of which it matters: what peers
//! and groups are sent, and replies to clients who ask for that time later.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::task::{Context, Poll};

use socket2::{Domain, Protocol, SockRef, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::engine::output::{Ticket, Transmission};
use crate::net::batch::Batch;
use crate::net::engine::groups::Groups;
use crate::net::engine::marking::Marking;
use crate::net::engine::sockets::hop_limit;
use crate::net::stamp::{self, Bracket, Queue};
use crate::net::udp::{Failed, LISTEN};
use crate::units::NtpTimestamp;

/// The sockets on the port.
#[derive(Debug)]
pub(super) struct NtpPort {
    sockets: Vec<Ntp>,
    port: u16,
    marking: Marking,
    /// The addresses were named: no others are opened.
    is_settled: bool,
    /// The socket whose turn is next: a flood to one of them must not silence the others.
    turn: usize,
    /// Names of replies that leave; empty between two uses, kept for its memory.
    departing: Vec<NtpTimestamp>,
}

/// One of them.
#[derive(Debug)]
struct Ntp {
    /// What it is bound to.
    address: SocketAddr,
    socket: UdpSocket,
    /// Datagrams of which the kernel was asked to tell.
    count: u32,
    /// The last of them, newest first: the kernel names them by number.
    sent: VecDeque<(u32, Sent)>,
}

/// A datagram that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// What the engine sent.
    Ticket(Ticket),
    /// A reply, by the receive timestamp that it told.
    Reply(NtpTimestamp),
}

/// When a datagram left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Departure {
    pub(super) sent: Sent,
    pub(super) stamp: NtpTimestamp,
    pub(super) bracket: Bracket,
}

impl NtpPort {
    /// None open yet.
    pub(super) const fn new(port: u16, marking: Marking) -> Self {
        Self {
            sockets: Vec::new(),
            port,
            marking,
            is_settled: false,
            turn: 0,
            departing: Vec::new(),
        }
    }

    /// The port.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// The addresses that are listened on.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets.iter().map(|ntp| ntp.address)
    }

    /// The socket for all addresses of a family, where there is one.
    pub(super) fn wildcard(&self, is_ipv4: bool) -> Option<&UdpSocket> {
        let is_it =
            |ntp: &&Ntp| ntp.address.ip().is_unspecified() && ntp.address.is_ipv4() == is_ipv4;
        self.sockets.iter().find(is_it).map(|ntp| &ntp.socket)
    }

    /// Whether there is a socket from which that address can be reached.
    pub(super) fn reaches(&self, to: IpAddr) -> bool {
        self.sockets.iter().any(|ntp| ntp.reaches(to))
    }

    /// Marks all that is sent from now on so.
    pub(super) fn mark(&mut self, marking: Marking) {
        self.marking = marking;
        for ntp in &self.sockets {
            marking.put_on(&ntp.socket, ntp.address.ip());
        }
    }

    /// Listens on these addresses, and from then on [`open_all`](Self::open_all) opens no others.
    ///
    /// # Errors
    /// One of them cannot be had.
    pub(super) fn open_only(&mut self, addresses: &[SocketAddr]) -> Result<(), Failed> {
        self.is_settled = true;
        addresses.iter().try_for_each(|address| self.open(*address))
    }

    /// Listens on all addresses of both families where that is not done yet; returns what could
    /// not be had. IPv6 that this host does not have is not missed, nor, where addresses were named,
    /// a family of which that was not done.
    pub(super) fn open_all(&mut self) -> Vec<Failed> {
        let any = [IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::UNSPECIFIED)];
        let missing = any.into_iter().filter(|any| self.wildcard(any.is_ipv4()).is_none());
        let missing: Vec<_> = missing.map(|any| SocketAddr::new(any, self.port)).collect();
        if self.is_settled {
            let source = || io::Error::other("only the addresses that were named are listened on");
            let failed = |address| Failed { operation: LISTEN, address, source: source() };
            let has_none = missing.len() == any.len();
            return missing.first().copied().filter(|_| has_none).map(failed).into_iter().collect();
        }
        let mut troubles = Vec::new();
        for address in missing {
            let is_missed = |failed: &Failed| {
                address.is_ipv4() || failed.source.kind() == io::ErrorKind::AddrInUse
            };
            troubles.extend(self.open(address).err().filter(is_missed));
        }
        troubles
    }

    /// Listens on an address.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn open(&mut self, address: SocketAddr) -> Result<(), Failed> {
        let failed = |source| Failed { operation: LISTEN, address, source };
        let domain = Domain::for_address(address);
        let socket = socket2::Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))
            .map_err(failed)?;
        if address.is_ipv6() {
            socket.set_only_v6(true).map_err(failed)?;
        }
        socket.bind(&address.into()).map_err(failed)?;
        // Room for a burst of requests, as far as the system grants it.
        drop(socket.set_recv_buffer_size(RECEIVE_QUEUE));
        self.marking.put_on(&socket, address.ip());
        stamp::request_destinations(socket.as_fd(), address.is_ipv4());
        stamp::request_of_arrivals(socket.as_fd());
        let socket = UdpSocket::from_std(socket.into()).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        self.sockets.push(Ntp { address, socket, count: 0, sent: VecDeque::new() });
        Ok(())
    }

    /// Which socket has something to be taken.
    pub(super) fn poll_ready(&self, context: &mut Context<'_>) -> Poll<usize> {
        let turn = self.turn.min(self.sockets.len());
        let (after, first) = self.sockets.split_at(turn);
        let in_turn = (turn..).zip(first).chain((0..).zip(after));
        let mut ready = in_turn.filter(|(_, ntp)| ntp.socket.poll_recv_ready(context).is_ready());
        ready.next().map_or(Poll::Pending, |(place, _)| Poll::Ready(place))
    }

    /// Takes what has come to the socket at this place; how many datagrams.
    pub(super) fn receive<T>(&mut self, place: usize, batch: &mut Batch<T>) -> usize {
        self.turn = place + 1;
        let Some(ntp) = self.sockets.get(place) else { return 0 };
        let fd = ntp.socket.as_fd();
        loop {
            match ntp.socket.try_io(Interest::READABLE, || batch.receive(fd)) {
                Ok(count) => return count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return 0,
                // The network's word about an earlier reply: it is nobody's loss here.
                Err(error) if crate::net::udp::unreachable(&error).is_some() => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return 0,
            }
        }
    }

    /// Sends the replies of a batch by the socket that it came by, each as `write` writes it. Of each
    /// that cannot be sent `unsent` is told the address that was asked.
    pub(super) fn reply<T>(
        &mut self,
        place: usize,
        batch: &mut Batch<T>,
        write: impl FnMut(&T, &mut Vec<u8>) -> Option<NtpTimestamp>,
        unsent: impl FnMut(Option<IpAddr>),
    ) {
        let Self { sockets, departing, .. } = self;
        let Some(ntp) = sockets.get_mut(place) else { return };
        if batch.send(ntp.socket.as_fd(), departing, write, unsent).is_err() {
            departing.clear();
            ntp.count_anew();
        }
        departing.drain(..).for_each(|name| ntp.note(Sent::Reply(name)));
    }

    /// Sends a reply by the socket at this place, from the address that was asked.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn answer(
        &self,
        place: usize,
        datagram: &[u8],
        to: SocketAddr,
        from: Option<IpAddr>,
    ) -> io::Result<()> {
        let Some(ntp) = self.sockets.get(place) else { return Ok(()) };
        // What was sent to many is answered from an address of our own.
        let from = from.filter(|from| !from.is_multicast());
        stamp::send_from(ntp.socket.as_fd(), datagram, to, from)
    }

    /// Sends a datagram of the engine's at once, to a group by every interface, and returns the
    /// kernel's stamp where it is there already. With `is_broadcast` it may go to everybody on a
    /// network, and no other may: a request with such a sender is forged.
    ///
    /// # Errors
    /// What the system says, or that there is no socket for that family.
    pub(super) fn send(
        &mut self,
        transmission: &Transmission,
        is_broadcast: bool,
        groups: &mut Groups,
    ) -> io::Result<Option<NtpTimestamp>> {
        let Transmission { to, from, .. } = *transmission;
        let suits = |ntp: &&mut Ntp| match from {
            Some(from) if !ntp.address.ip().is_unspecified() => ntp.address.ip() == from,
            _ => ntp.reaches(to.ip()),
        };
        let Some(ntp) = self.sockets.iter_mut().find(suits) else {
            return Err(io::Error::from(io::ErrorKind::NotConnected));
        };
        let is_to_group = to.ip().is_multicast();
        // Anywhere else it would stay for the replies that the socket sends afterwards.
        if let Some(ttl) = transmission.ttl.filter(|_| is_to_group) {
            hop_limit(&ntp.socket, to, ttl)?;
        }
        let is_broadcast = is_broadcast && to.is_ipv4() && !is_to_group;
        if is_broadcast {
            SockRef::from(&ntp.socket).set_broadcast(true)?;
        }
        let (fd, datagram) = (ntp.socket.as_fd(), &transmission.datagram);
        let (mut copies, mut has_failed) = (0, false);
        let mut send = || {
            let sent = stamp::send_noted(fd, datagram, to, from);
            copies += usize::from(sent.is_ok());
            has_failed |= sent.is_err();
            sent
        };
        let done = if is_to_group { groups.send(&ntp.socket, to.ip(), send) } else { send() };
        if is_broadcast {
            SockRef::from(&ntp.socket).set_broadcast(false)?;
        }
        if has_failed {
            // The kernel may have counted it or not: no datagram gets the stamp of another.
            ntp.count_anew();
            return done.map(|()| None);
        }
        for _ in 0..copies {
            ntp.note(Sent::Ticket(transmission.ticket));
        }
        let number = ntp.count.wrapping_sub(1);
        Ok(departed(ntp.socket.as_fd()).filter(|(told, _)| *told == number).map(|(_, at)| at))
    }

    /// The next datagram of which the kernel tells when it left.
    pub(super) fn departure(&mut self, place: usize) -> Option<Departure> {
        let ntp = self.sockets.get_mut(place)?;
        if ntp.sent.is_empty() {
            return None;
        }
        loop {
            let (number, stamp) = departed(ntp.socket.as_fd())?;
            let found = ntp.sent.iter().position(|(known, _)| *known == number);
            if let Some((_, sent)) = found.and_then(|place| ntp.sent.remove(place)) {
                return Some(Departure { sent, stamp, bracket: Bracket::read() });
            }
        }
    }
}

impl Ntp {
    /// Whether that address can be reached from the one that this is bound to.
    fn reaches(&self, to: IpAddr) -> bool {
        let bound = self.address.ip();
        bound.is_ipv4() == to.is_ipv4()
            && (bound.is_unspecified() || bound.is_loopback() == to.is_loopback())
    }

    fn note(&mut self, sent: Sent) {
        self.sent.truncate(MOST_SENT - 1);
        self.sent.push_front((self.count, sent));
        self.count = self.count.wrapping_add(1);
    }

    fn count_anew(&mut self) {
        stamp::count_anew(self.socket.as_fd());
        self.count = 0;
        self.sent.clear();
    }
}

/// The kernel's word of a datagram that has left, when it is there already.
pub(super) fn departed(socket: BorrowedFd<'_>) -> Option<(u32, NtpTimestamp)> {
    let message = stamp::receive(socket, &mut [0; 64], Queue::Departures).ok()?;
    Some((message.sent?, message.stamp?))
}

/// Datagrams that are remembered until the kernel tells when they left.
const MOST_SENT: usize = 256;

/// Bytes of datagrams that may wait to be taken: some thousands of requests.
const RECEIVE_QUEUE: usize = 1 << 20;
