//! A datagram socket connected to a daemon's socket in the file system.

mod place;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixDatagram as Blocking;
use std::path::Path;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::ReadBuf;
use tokio::net::UnixDatagram;

use place::Place;

use crate::model::question::Unreachable;

/// A socket that exchanges datagrams with the one at a path.
///
/// The daemon answers to the path that ours is bound to, which is made for it and goes with it.
#[derive(Debug)]
pub struct Socket {
    /// Goes before its place does.
    socket: UnixDatagram,
    _place: Place,
}

impl Socket {
    /// Connects to the socket at `path`. Must be called within the runtime.
    ///
    /// # Errors
    /// Why it is not to be reached.
    pub fn connect(path: &Path) -> Result<Self, Unreachable> {
        match fs::metadata(path) {
            Ok(what) if !what.file_type().is_socket() => return Err(Unreachable::SocketUnfit),
            Ok(_) => {}
            Err(error) => return Err(unreachable(&error).unwrap_or(Unreachable::NoSocket)),
        }
        let (socket, place) = open(path).map_err(|error| match error.kind() {
            // Of the socket itself more is known than that.
            io::ErrorKind::NotFound => Unreachable::NoSocket,
            _ => unreachable(&error).unwrap_or(Unreachable::NoReplyPath),
        })?;
        Ok(Self { socket, _place: place })
    }

    /// Sends a datagram at once. A queue that is full loses it, as a network might have.
    ///
    /// # Errors
    /// Nobody listens any more: a socket of that name will be another one.
    pub fn send(&self, datagram: &[u8]) -> Result<(), Unreachable> {
        // Not through the runtime: it would refuse until it has once heard that there is room.
        match SockRef::from(&self.socket).send(datagram) {
            Ok(_) => Ok(()),
            Err(error) => unreachable(&error).map_or(Ok(()), Err),
        }
    }

    /// The length of the next datagram, once it is there; otherwise the task is woken when it is.
    ///
    /// # Errors
    /// Nobody listens any more.
    pub fn poll_receive(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Unreachable>> {
        loop {
            let mut read = ReadBuf::new(buffer);
            match ready!(self.socket.poll_recv(context, &mut read)) {
                Ok(()) => return Poll::Ready(Ok(read.filled().len())),
                Err(error) => {
                    if let Some(why) = unreachable(&error) {
                        return Poll::Ready(Err(why));
                    }
                }
            }
        }
    }
}

/// A socket that is connected to the one at `path`, and what it is bound to.
fn open(path: &Path) -> io::Result<(UnixDatagram, Place)> {
    let place = Place::beside(path)?;
    let socket = Blocking::bind(place.path())?;
    socket.connect(path)?;
    // Only now: before, anybody could have sent to it.
    place.let_all_write()?;
    socket.set_nonblocking(true)?;
    Ok((UnixDatagram::from_std(socket)?, place))
}

/// Why a socket is not to be reached, from the error of talking to it; `None` of an error that does
/// not say.
fn unreachable(error: &io::Error) -> Option<Unreachable> {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Some(Unreachable::NoSocket),
        io::ErrorKind::PermissionDenied => Some(Unreachable::SocketDenied),
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::NotConnected => Some(Unreachable::SocketAbandoned),
        _ if error.raw_os_error() == Some(libc::EPROTOTYPE) => Some(Unreachable::SocketUnfit),
        _ => None,
    }
}
