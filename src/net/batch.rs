//! Many datagrams with one system call, and replies that leave from the address that was asked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd};

use socket2::{SockAddr, SockAddrStorage};

use crate::net::stamp::control::{self, Ancillary};
use crate::units::NtpTimestamp;

/// Room for datagrams that come together, and for a reply to each. It is taken once; receiving and
/// replying take no more.
pub struct Batch<T> {
    places: Box<[Place<T>]>,
    headers: Box<[libc::mmsghdr]>,
    parts: Box<[libc::iovec]>,
    /// Of each reply that is sent the place that it answers.
    answered: Box<[usize]>,
    filled: usize,
}

/// Room for a datagram and a reply to it.
struct Place<T> {
    from: SockAddrStorage,
    /// The same, once it is known to be an address.
    sender: Option<SockAddr>,
    control: control::Buffer,
    /// To which address it came.
    to: Option<IpAddr>,
    datagram: [u8; ROOM],
    /// What is to be answered.
    answer: Option<T>,
    reply: Vec<u8>,
    source: control::Buffer,
}

/// A datagram that came.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// From where.
    pub from: SocketAddr,
    /// To which address, of ours or of many.
    pub to: Option<IpAddr>,
    /// When, by the kernel.
    pub stamp: Option<NtpTimestamp>,
    /// The bytes; of a longer datagram the first of them.
    pub datagram: &'a [u8],
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Batch<T> {
    /// Empty.
    pub fn new() -> Self {
        let place = || Place {
            from: SockAddrStorage::zeroed(),
            sender: None,
            control: control::Buffer::default(),
            to: None,
            datagram: [0; ROOM],
            reply: Vec::with_capacity(ROOM),
            answer: None,
            source: control::Buffer::default(),
        };
        // SAFETY: both structs hold integers and pointers, for which all bits zero is a value.
        let header = || unsafe { std::mem::zeroed::<libc::mmsghdr>() };
        let part = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
        Self {
            places: (0..PLACES).map(|_| place()).collect(),
            headers: (0..PLACES).map(|_| header()).collect(),
            parts: vec![part; PLACES].into(),
            answered: vec![0; PLACES].into(),
            filled: 0,
        }
    }

    /// Receives what is there, as far as there is room; how many that is.
    ///
    /// # Errors
    /// That there is nothing (`WouldBlock`), or what the network said about an earlier datagram.
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        self.filled = 0;
        let rows = self.places.iter_mut().zip(&mut self.headers).zip(&mut self.parts);
        for ((place, header), part) in rows {
            place.answer = None;
            *part = libc::iovec {
                iov_base: place.datagram.as_mut_ptr().cast(),
                iov_len: place.datagram.len(),
            };
            let header = &mut header.msg_hdr;
            header.msg_name = (&raw mut place.from).cast();
            header.msg_namelen = place.from.size_of();
            header.msg_iov = part;
            header.msg_iovlen = 1;
            header.msg_control = place.control.0.as_mut_ptr().cast();
            header.msg_controllen = place.control.0.len();
            header.msg_flags = 0;
        }
        let count = libc::c_uint::try_from(self.headers.len()).unwrap_or(0);
        let (fd, flags) = (socket.as_raw_fd(), libc::MSG_DONTWAIT);
        let none = std::ptr::null_mut();
        // SAFETY: every header was filled just now with pointers to memory of its own place, which
        // lives until the call is over and is not moved, each with its length.
        let received = unsafe { libc::recvmmsg(fd, self.headers.as_mut_ptr(), count, flags, none) };
        self.filled = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        Ok(self.filled)
    }

    /// Hands every datagram that came to `answer`; where it has one it is kept for [`send`](
    /// Self::send).
    pub fn each(&mut self, mut answer: impl FnMut(Arrived<'_>) -> Option<T>) {
        let rows = self.places.iter_mut().zip(&self.headers).take(self.filled);
        for (place, header) in rows {
            let storage = std::mem::replace(&mut place.from, SockAddrStorage::zeroed());
            // SAFETY: the kernel wrote an address of this length into the storage.
            let sender = unsafe { SockAddr::new(storage, header.msg_hdr.msg_namelen) };
            let Some(from) = place.sender.insert(sender).as_socket() else { continue };
            let told = place.control.0.get(..header.msg_hdr.msg_controllen).unwrap_or_default();
            let ancillary = Ancillary::parse(told);
            place.to = ancillary.destination;
            let length = usize::try_from(header.msg_len).unwrap_or(0);
            let arrived = Arrived {
                from,
                to: ancillary.destination,
                stamp: ancillary.stamp,
                datagram: place.datagram.get(..length).unwrap_or_default(),
            };
            place.answer = answer(arrived);
        }
    }

    /// Sends the replies, each from the address that was asked; how many. `write` writes each right
    /// before it leaves, into the room that it is given; where it gives a name, the kernel is asked
    /// to tell when the reply left, and the name goes to `departing`, in the order of leaving. Of
    /// each that cannot be sent `unsent` is told the address that was asked.
    ///
    /// # Errors
    /// What the system said of one of them; the others were sent, and none of their names is told.
    /// What a full queue had no room for is lost, as a network might have lost it.
    pub fn send(
        &mut self,
        socket: BorrowedFd<'_>,
        departing: &mut Vec<NtpTimestamp>,
        mut write: impl FnMut(&T, &mut Vec<u8>) -> Option<NtpTimestamp>,
        mut unsent: impl FnMut(Option<IpAddr>),
    ) -> io::Result<usize> {
        let mut count = 0;
        let noted_before = departing.len();
        for index in 0..self.filled {
            let (Some(place), Some(received)) =
                (self.places.get_mut(index), self.headers.get(index))
            else {
                break;
            };
            let (Some(answer), Some(sender)) = (&place.answer, &place.sender) else { continue };
            let (name, name_length) = (sender.as_ptr().cast_mut(), sender.len());
            let told = place.control.0.get(..received.msg_hdr.msg_controllen).unwrap_or_default();
            let mut control_length = control::reply_from(told, &mut place.source);
            place.reply.clear();
            if let Some(name) = write(answer, &mut place.reply) {
                control_length = control::note_departure(&mut place.source, control_length);
                departing.push(name);
            }
            let (Some(header), Some(part), Some(answered)) = (
                self.headers.get_mut(count),
                self.parts.get_mut(count),
                self.answered.get_mut(count),
            ) else {
                break;
            };
            *answered = index;
            *part = libc::iovec {
                iov_base: place.reply.as_mut_ptr().cast(),
                iov_len: place.reply.len(),
            };
            let header = &mut header.msg_hdr;
            header.msg_name = name.cast();
            header.msg_namelen = name_length;
            header.msg_iov = part;
            header.msg_iovlen = 1;
            header.msg_control = place.source.0.as_mut_ptr().cast();
            header.msg_controllen = control_length;
            header.msg_flags = 0;
            count += 1;
        }
        self.filled = 0;
        let mut tried = 0;
        let mut failed = None;
        while let Some(rest) = self.headers.get_mut(tried..count).filter(|rest| !rest.is_empty()) {
            let left = libc::c_uint::try_from(rest.len()).unwrap_or(0);
            let (fd, flags) = (socket.as_raw_fd(), libc::MSG_DONTWAIT);
            // SAFETY: the headers hold pointers to memory of a place of its own, which lives until
            // the call is over and is not moved, each with its length.
            let done = unsafe { libc::sendmmsg(fd, rest.as_mut_ptr(), left, flags) };
            match usize::try_from(done) {
                Ok(done) if done > 0 => tried += done,
                _ => {
                    // One that cannot be sent keeps none of the others.
                    failed = failed.or_else(|| Some(io::Error::last_os_error()));
                    let place = self.answered.get(tried).and_then(|place| self.places.get(*place));
                    unsent(place.and_then(|place| place.to));
                    tried += 1;
                }
            }
        }
        if let Some(error) = failed {
            // Which of them left is not certain then: nobody is told a wrong time.
            departing.truncate(noted_before);
            return Err(error);
        }
        Ok(count)
    }
}

impl<T> std::fmt::Debug for Batch<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("filled", &self.filled).finish_non_exhaustive()
    }
}

// SAFETY: the pointers in it are written before each use, to memory that it owns.
unsafe impl<T: Send> Send for Batch<T> {}

/// Datagrams that are taken at once.
pub(in crate::net) const PLACES: usize = 64;

/// Bytes of the longest datagram that is of interest: control messages with a code are no longer.
const ROOM: usize = 1024;

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
    use std::os::fd::AsFd as _;
    use std::time::Duration;

    use super::*;
    use crate::net::stamp;

    /// How long anything may take.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// On the loopback interface what was sent is there, or a moment later where the kernel has much
    /// to do.
    fn receive<T>(batch: &mut Batch<T>, socket: &UdpSocket) -> usize {
        for _ in 0..20_000 {
            match batch.receive(socket.as_fd()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::park_timeout(Duration::from_millis(1));
                }
                received => return received.unwrap(),
            }
        }
        panic!("nothing came")
    }

    /// The loopback's address, of the newer kind where this machine knows it.
    fn loopback() -> IpAddr {
        let newer = IpAddr::from(Ipv6Addr::LOCALHOST);
        let is_known = UdpSocket::bind((newer, 0)).is_ok();
        if is_known { newer } else { Ipv4Addr::LOCALHOST.into() }
    }

    #[test]
    fn replies_leave_from_the_address_that_was_asked() {
        let server = UdpSocket::bind("0.0.0.0:0").unwrap();
        server.set_nonblocking(true).unwrap();
        stamp::request(server.as_fd());
        assert!(stamp::request_destinations(server.as_fd(), true));
        let port = server.local_addr().unwrap().port();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut batch = Batch::new();
        for address in ["127.0.0.2", "127.0.0.9"] {
            client.connect((address, port)).unwrap();
            client.send(b"time?").unwrap();
            assert_eq!(receive(&mut batch, &server), 1);
            batch.each(|arrived| {
                assert_eq!(arrived.datagram, b"time?");
                assert_eq!(arrived.to, address.parse().ok());
                assert_eq!(arrived.from, client.local_addr().unwrap());
                Some(b"now")
            });
            let mut departing = Vec::new();
            let write = |answer: &&[u8; 3], reply: &mut Vec<u8>| {
                reply.extend(*answer);
                Some(NtpTimestamp::from_bits(7))
            };
            let unsent = |to| panic!("no reply from {to:?}");
            assert_eq!(batch.send(server.as_fd(), &mut departing, write, unsent).unwrap(), 1);
            assert_eq!(departing, [NtpTimestamp::from_bits(7)]);
            let mut buffer = [0; 16];
            // A connected socket hears only the address that it asked.
            let length = client.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"now");
        }
    }

    #[test]
    fn what_comes_wears_the_kernels_stamp() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        stamp::request(server.as_fd());
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(server.local_addr().unwrap()).unwrap();
        let mut batch = Batch::<()>::new();
        let mut is_stamped = false;
        // The kernel takes a moment to begin with it.
        for _ in 0..10_000 {
            client.send(b"time?").unwrap();
            assert_eq!(receive(&mut batch, &server), 1);
            batch.each(|arrived| {
                is_stamped |= arrived.stamp.is_some();
                None
            });
            if is_stamped {
                break;
            }
        }
        assert!(is_stamped, "no stamp ever came");
    }

    #[test]
    fn many_come_at_once_and_only_what_has_a_reply_is_answered() {
        let loopback = loopback();
        let server = UdpSocket::bind((loopback, 0)).unwrap();
        server.set_nonblocking(true).unwrap();
        assert!(stamp::request_destinations(server.as_fd(), loopback.is_ipv4()));
        let client = UdpSocket::bind((loopback, 0)).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.connect(server.local_addr().unwrap()).unwrap();
        for number in 0..10_u8 {
            client.send(&[number]).unwrap();
        }
        let mut batch = Batch::new();
        let mut seen = 0;
        while seen < 10 {
            seen += receive(&mut batch, &server);
            batch.each(|arrived| (arrived.datagram[0] % 2 == 0).then(|| arrived.datagram.to_vec()));
            let mut departing = Vec::new();
            let write = |answer: &Vec<u8>, reply: &mut Vec<u8>| {
                reply.extend(answer);
                None
            };
            let unsent = |to| panic!("no reply from {to:?}");
            batch.send(server.as_fd(), &mut departing, write, unsent).unwrap();
            assert!(departing.is_empty());
        }
        let mut buffer = [0; 16];
        let answered: Vec<u8> =
            (0..5).map(|_| client.recv(&mut buffer).map(|_| buffer[0]).unwrap()).collect();
        assert_eq!(answered, [0, 2, 4, 6, 8]);
        let nothing = batch.receive(server.as_fd()).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_reply_that_cannot_be_sent_is_told_and_keeps_none_of_the_others() {
        let server = UdpSocket::bind("0.0.0.0:0").unwrap();
        server.set_nonblocking(true).unwrap();
        assert!(stamp::request_destinations(server.as_fd(), true));
        let port = server.local_addr().unwrap().port();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        for (number, address) in [(1, "127.0.0.2"), (2, "127.0.0.3"), (3, "127.0.0.4")] {
            client.send_to(&[number], (address, port)).unwrap();
        }
        let mut batch = Batch::new();
        let mut seen = 0;
        let mut lost = Vec::new();
        while seen < 3 {
            seen += receive(&mut batch, &server);
            // The first is not answered at all, the second by more than any network carries.
            batch.each(|arrived| arrived.datagram.first().copied().filter(|number| *number != 1));
            let write = |number: &u8, reply: &mut Vec<u8>| {
                reply.resize(if *number == 2 { 70_000 } else { 1 }, *number);
                Some(NtpTimestamp::from_bits(u64::from(*number)))
            };
            let mut departing = Vec::new();
            let sent = batch.send(server.as_fd(), &mut departing, write, |to| lost.push(to));
            assert!(sent.is_ok() || departing.is_empty());
        }
        assert_eq!(lost, ["127.0.0.3".parse().ok()]);
        let mut buffer = [0; 16];
        assert_eq!((client.recv(&mut buffer).unwrap(), buffer[0]), (1, 3));
    }
}
