//! A world whose daemons can be asked by others' tools: control messages to a socket of each are
//! answered from its picture.
//!
//! There is nothing but the picture, so nothing can be changed, whoever asks and with what key.
//! This host alone is answered.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use crate::backend::{Backend, Request, TargetId, Update};
use crate::config::restrict::Flags;
use crate::control::responder::books::OfPicture;
use crate::control::responder::{Admitted, Asker, Responder};
use crate::model::daemon::{Contact, Daemon};
use crate::net::random;
use crate::net::udp::{Failed, LISTEN};
use crate::units::Now;

/// A world whose daemons answer.
pub struct Answered<B> {
    world: B,
    /// Reads the clocks of the program.
    clock: Box<dyn Fn() -> Now>,
    desks: Vec<Desk>,
    /// Where they are, in words.
    at: Box<str>,
}

/// Where the questions to one daemon come.
#[derive(Debug)]
pub(super) struct Desk {
    target: TargetId,
    socket: UdpSocket,
    responder: Responder,
    picture: Arc<Daemon>,
    replies: Vec<Vec<u8>>,
}

impl<B: fmt::Debug> fmt::Debug for Answered<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answered")
            .field("world", &self.world)
            .field("desks", &self.desks)
            .finish_non_exhaustive()
    }
}

impl<B: Backend> Answered<B> {
    /// Has the daemons of `world` answer: the first of `targets` at `first`, each other one at the
    /// next address, on the same port. `clock` reads the clocks of the program.
    ///
    /// # Errors
    /// One of the addresses is not of the loopback network, or cannot be had.
    pub fn open(
        world: B,
        targets: impl IntoIterator<Item = TargetId>,
        first: SocketAddr,
        clock: Box<dyn Fn() -> Now>,
    ) -> io::Result<Self> {
        let mut desks = Vec::new();
        let mut address = first;
        for target in targets {
            if !desks.is_empty() {
                address = next(address).filter(|next| next.ip().is_loopback()).ok_or_else(|| {
                    not_here(format_args!(
                        "there is no address of the loopback network for each daemon from {} on",
                        first.ip()
                    ))
                })?;
            }
            if !address.ip().is_loopback() {
                return Err(not_here(format_args!(
                    "{} is not of the loopback network: simulated daemons answer this host alone, \
                     as at 127.0.0.10",
                    address.ip()
                )));
            }
            desks.push(Desk::open(target, address)?);
        }
        let at = if desks.len() > 1 {
            format!("ntpq is answered at {} to {}, port {}", first.ip(), address.ip(), first.port())
        } else {
            format!("ntpq is answered at {}, port {}", first.ip(), first.port())
        };
        Ok(Self { world, clock, desks, at: at.into() })
    }
}

impl Desk {
    /// Opens one for the daemon at `address`.
    pub(super) fn open(target: TargetId, address: SocketAddr) -> io::Result<Self> {
        let failed = |source: io::Error| {
            let kind = source.kind();
            let failed = Failed { operation: LISTEN, address, source };
            let hint = failed.hint().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
            io::Error::new(kind, format!("{failed}{hint}"))
        };
        let socket = std::net::UdpSocket::bind(address).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let socket = UdpSocket::from_std(socket).map_err(failed)?;
        let responder = Responder::new(random::seed()?);
        Ok(Self { target, socket, responder, picture: Arc::default(), replies: Vec::new() })
    }

    /// Whose it is.
    pub(super) const fn target(&self) -> TargetId {
        self.target
    }

    /// Where questions come.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// What is answered from, from now on.
    pub(super) fn show(&mut self, picture: &Arc<Daemon>) {
        self.picture = Arc::clone(picture);
    }

    /// Answers what has come; whether there may be more.
    pub(super) fn answer(&mut self, now: &Now, context: &mut Context<'_>) -> bool {
        let mut room = [0; ROOM];
        for _ in 0..MOST_AT_ONCE {
            let mut datagram = ReadBuf::new(&mut room);
            let from = match self.socket.poll_recv_from(context, &mut datagram) {
                Poll::Pending => return false,
                // The network says something of an earlier reply.
                Poll::Ready(Err(_)) => continue,
                Poll::Ready(Ok(from)) => from,
            };
            // Who cannot be reached in the simulated world is silent in this one.
            if !matches!(self.picture.contact, Contact::Answering { .. }) {
                continue;
            }
            let asker = Asker { from, flags: Flags::NONE, admitted: Admitted::ByNobody };
            let books = OfPicture { daemon: &self.picture, now: now.mono };
            self.replies.clear();
            // Nothing is changed: there is no key that could have signed it.
            let _nothing = self.responder.handle(
                now,
                &asker,
                datagram.filled(),
                &self.picture,
                &books,
                &mut self.replies,
            );
            for reply in &self.replies {
                // What finds no room is lost, as a network might have lost it.
                drop(self.socket.try_send_to(reply, from));
            }
        }
        true
    }
}

impl<B: Backend> Backend for Answered<B> {
    fn request(&mut self, request: Request) {
        self.world.request(request);
    }

    fn poll_update(&mut self, context: &mut Context<'_>) -> Poll<Update> {
        let now = self.world.time((self.clock)());
        let mut is_more = false;
        for desk in &mut self.desks {
            is_more |= desk.answer(&now, context);
        }
        if is_more {
            context.waker().wake_by_ref();
        }
        let mut update = std::task::ready!(self.world.poll_update(context));
        match &mut update {
            Update::Daemon { target, daemon } => {
                for desk in self.desks.iter_mut().filter(|desk| desk.target == *target) {
                    desk.show(daemon);
                }
            }
            Update::World(world) => Arc::make_mut(world).answers = Some(self.at.clone()),
            _ => {}
        }
        Poll::Ready(update)
    }

    fn time(&self, now: Now) -> Now {
        self.world.time(now)
    }
}

/// The address after this one, on the same port.
fn next(address: SocketAddr) -> Option<SocketAddr> {
    let ip: IpAddr = match address.ip() {
        IpAddr::V4(v4) => std::net::Ipv4Addr::from_bits(v4.to_bits().checked_add(1)?).into(),
        IpAddr::V6(v6) => std::net::Ipv6Addr::from_bits(v6.to_bits().checked_add(1)?).into(),
    };
    Some(SocketAddr::new(ip, address.port()))
}

fn not_here(what: fmt::Arguments<'_>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.to_string())
}

/// Bytes of the longest request that is of interest.
const ROOM: usize = 1024;

/// Requests to one daemon that are answered before anything else has its turn.
const MOST_AT_ONCE: usize = 64;
