//! Readings of the clocks and of the times at which datagrams came and went.
//!
//! The kernel stamps datagrams by the system's clock, which others may steer; filters want the raw
//! clock. A [`Bracket`], readings of one clock around a reading of the other, carries a stamp from
//! one to the other, with its width as the error. Where the kernel stamps nothing, the time at
//! which the program came to it is taken, and is said to be that much worse.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd};

use socket2::{SockAddr, SockAddrStorage};

use crate::units::{Boot, Mono, NtpDuration, NtpTimestamp, Ppm, Precision, Raw};

pub(in crate::net) mod control;

use control::Ancillary;

/// The raw clock now.
pub fn raw() -> Raw {
    Raw::from_nanos(nanos(read(libc::CLOCK_MONOTONIC_RAW)))
}

/// The monotonic clock now, by its own origin.
pub fn monotonic() -> Mono {
    Mono::from_nanos(nanos(read(libc::CLOCK_MONOTONIC)))
}

/// The clock that counts on in a suspend, now.
pub fn boot() -> Boot {
    Boot::from_nanos(nanos(read(libc::CLOCK_BOOTTIME)))
}

/// The system's clock now.
pub fn system() -> NtpTimestamp {
    timestamp(read(libc::CLOCK_REALTIME))
}

/// The precision of the system's clock: the least by which two readings of it differed, as a power
/// of two. `None` when it stood still, as a simulated one may.
pub fn precision() -> Option<Precision> {
    let mut least_s = f64::INFINITY;
    let mut before = system();
    for _ in 0..READINGS {
        let now = system();
        let advance_s = (now - before).seconds();
        if advance_s > 0.0 {
            least_s = least_s.min(advance_s);
        }
        before = now;
    }
    // A clock is not finer than a nanosecond, whatever two readings of it say.
    let exponent = least_s.max(1e-9).log2().round();
    #[expect(clippy::cast_possible_truncation, reason = "between −30 and 0")]
    (least_s < 1.0).then(|| Precision::new(exponent as i8))
}

/// What two clocks showed at the same moment, nearly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// The raw clock.
    pub raw: Raw,
    /// The system's clock.
    pub system: NtpTimestamp,
    /// How far apart the two moments may be: half the time that reading took.
    pub error: NtpDuration,
}

impl Bracket {
    /// Reads both clocks: the tightest of a few attempts, for one may be interrupted.
    pub fn read() -> Self {
        let mut best = Self::once();
        for _ in 1..ATTEMPTS {
            let next = Self::once();
            if next.error < best.error {
                best = next;
            }
        }
        best
    }

    fn once() -> Self {
        let before = raw().nanos();
        let system = system();
        let width = raw().nanos().saturating_sub(before);
        let error = NtpDuration::from(std::time::Duration::from_nanos(width / 2));
        Self { raw: Raw::from_nanos(before + width / 2), system, error }
    }

    /// When the system's clock, which runs `rate` faster than the raw one, showed `stamp`.
    ///
    /// `None` for a stamp that lies ahead, or further back than a datagram waits: the clock was
    /// stepped in between, or the stamp is none of this clock.
    pub fn raw_of(&self, stamp: NtpTimestamp, rate: Ppm) -> Option<Raw> {
        let ago_s = (self.system - stamp).seconds();
        if !(-SLACK_S..LONGEST_WAIT_S).contains(&ago_s) {
            return None;
        }
        let ago_raw_ns = ago_s / (1.0 + rate.parts_per_million() / 1e6) * 1e9;
        #[expect(clippy::cast_possible_truncation, reason = "at most seconds")]
        let nanos = self.raw.nanos().checked_add_signed(-(ago_raw_ns.round() as i64))?;
        Some(Raw::from_nanos(nanos))
    }
}

/// Which stamps the kernel puts on the datagrams of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamping {
    /// On those that come and on those that go.
    Both,
    /// On those that come.
    Arrivals,
    /// On none.
    Nothing,
}

/// Asks for the kernel's stamps, and for as many as it will give.
pub fn request(socket: BorrowedFd<'_>) -> Stamping {
    request_of(socket, libc::SOF_TIMESTAMPING_TX_SOFTWARE)
}

/// Asks for stamps of what comes, and of those datagrams that go for which [`send_noted`] asks:
/// whoever answers many does not want to read of each when it left.
pub fn request_of_arrivals(socket: BorrowedFd<'_>) -> Stamping {
    request_of(socket, 0)
}

/// Begins to count what leaves from 0 again; what the kernel has to tell of it is forgotten.
pub fn count_anew(socket: BorrowedFd<'_>) {
    set(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, 0);
    while receive(socket, &mut [0; 64], Queue::Departures).is_ok() {}
    request_of_arrivals(socket);
}

fn request_of(socket: BorrowedFd<'_>, departures: libc::c_uint) -> Stamping {
    let flags = libc::SOF_TIMESTAMPING_RX_SOFTWARE
        | departures
        | libc::SOF_TIMESTAMPING_SOFTWARE
        | libc::SOF_TIMESTAMPING_OPT_ID
        | libc::SOF_TIMESTAMPING_OPT_TSONLY;
    if set(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, flags.cast_signed()) {
        Stamping::Both
    } else if set(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1) {
        Stamping::Arrivals
    } else {
        Stamping::Nothing
    }
}

/// Asks to be told to which of our addresses datagrams come; `false` when that cannot be had.
pub fn request_destinations(socket: BorrowedFd<'_>, is_ipv4: bool) -> bool {
    if is_ipv4 {
        set(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)
    } else {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)
    }
}

/// A datagram that came, or one of ours that the kernel tells the time of.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// How many bytes of it were received.
    pub length: usize,
    /// From where.
    pub from: Option<SocketAddr>,
    /// To which address of ours, where that is told.
    pub to: Option<IpAddr>,
    /// When, by the kernel, where it says so.
    pub stamp: Option<NtpTimestamp>,
    /// Which of the datagrams that left, counted from 0, when it is about one of those.
    pub sent: Option<u32>,
}

/// The queues of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// What came.
    Arrivals,
    /// What the kernel tells of what left.
    Departures,
}

/// Takes the next message from a queue.
///
/// # Errors
/// That there is none (`WouldBlock`, for a socket that does not block), or what the network said about
/// an earlier datagram.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8], queue: Queue) -> io::Result<Message> {
    let mut control = control::Buffer::default();
    let mut storage = SockAddrStorage::zeroed();
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let flags = match queue {
        Queue::Arrivals => 0,
        Queue::Departures => libc::MSG_ERRQUEUE,
    };
    // SAFETY: the struct holds integers and pointers, for which all bits zero is a value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = (&raw mut storage).cast();
    header.msg_namelen = storage.size_of();
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = control.0.len();
    // SAFETY: every pointer in the header is to memory that lives until the call is over, with its
    // length beside it.
    let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) };
    let length = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    let from = (header.msg_namelen > 0)
        // SAFETY: the kernel wrote an address of this length into the storage.
        .then(|| unsafe { SockAddr::new(storage, header.msg_namelen) }.as_socket())
        .flatten();
    let told = control.0.get(..header.msg_controllen).unwrap_or_default();
    let ancillary = Ancillary::parse(told);
    Ok(Message {
        length,
        from,
        to: ancillary.destination,
        stamp: ancillary.stamp,
        sent: ancillary.sent,
    })
}

/// Sends a datagram at once to `to`, from the address `from` of ours where that is named, and asks
/// the kernel to tell when it leaves.
///
/// # Errors
/// What the system says.
pub fn send_noted(
    socket: BorrowedFd<'_>,
    datagram: &[u8],
    to: SocketAddr,
    from: Option<IpAddr>,
) -> io::Result<()> {
    send_with(socket, datagram, to, from, control::note_departure)
}

/// Sends a datagram at once to `to`, from the address `from` of ours where that is named.
///
/// # Errors
/// What the system says.
pub fn send_from(
    socket: BorrowedFd<'_>,
    datagram: &[u8],
    to: SocketAddr,
    from: Option<IpAddr>,
) -> io::Result<()> {
    send_with(socket, datagram, to, from, |_, length| length)
}

/// Sends a datagram; `add` adds to the ancillary data, which are that long, and says how long they
/// are then.
fn send_with(
    socket: BorrowedFd<'_>,
    datagram: &[u8],
    to: SocketAddr,
    from: Option<IpAddr>,
    add: impl FnOnce(&mut control::Buffer, usize) -> usize,
) -> io::Result<()> {
    let mut control = control::Buffer::default();
    let addressed = from.map_or(0, |from| control::leave_from(from, &mut control));
    let control_length = add(&mut control, addressed);
    let name = SockAddr::from(to);
    let mut part =
        libc::iovec { iov_base: datagram.as_ptr().cast_mut().cast(), iov_len: datagram.len() };
    // SAFETY: the struct holds integers and pointers, for which all bits zero is a value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = name.as_ptr().cast_mut().cast();
    header.msg_namelen = name.len();
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = control_length;
    // SAFETY: every pointer in the header is to memory that lives until the call is over, with its
    // length beside it; the system only reads what is sent.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, 0) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sends a datagram at once, to `to`, or to whom the socket is connected with.
///
/// # Errors
/// What the system says.
pub fn send(socket: BorrowedFd<'_>, datagram: &[u8], to: Option<SocketAddr>) -> io::Result<()> {
    let address = to.map(SockAddr::from);
    let (name, length) = match &address {
        Some(address) => (address.as_ptr().cast(), address.len()),
        None => (std::ptr::null(), 0),
    };
    // SAFETY: both pointers are to memory that lives until the call is over, with their lengths;
    // no address is a null pointer of length zero.
    let sent = unsafe {
        libc::sendto(socket.as_raw_fd(), datagram.as_ptr().cast(), datagram.len(), 0, name, length)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn set(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    option: libc::c_int,
    value: libc::c_int,
) -> bool {
    let length = libc::socklen_t::try_from(size_of_val(&value)).unwrap_or(0);
    // SAFETY: the pointer is to an integer that lives until the call is over, with its length.
    let done = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), length)
    };
    done == 0
}

fn read(clock: libc::clockid_t) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a whole `timespec`. A clock that does not exist leaves it zero.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time
}

/// Nanoseconds since the origin of a clock that is never set, so never negative.
fn nanos(time: libc::timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

fn timestamp(time: libc::timespec) -> NtpTimestamp {
    NtpTimestamp::from_unix(time.tv_sec, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Readings by which the precision is told.
const READINGS: usize = 1000;

/// How often a bracket is tried.
const ATTEMPTS: usize = 4;

/// A stamp may lie this much ahead of a reading made after it: clocks are read through caches.
const SLACK_S: f64 = 1e-4;

/// A datagram that waited longer in the socket's queue is stamped with nothing useful.
const LONGEST_WAIT_S: f64 = 4.0;

#[cfg(test)]
mod tests;
