//! Carries a change of a running daemon: datagrams and timers for the machine that walks it.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt as _;
use std::path::PathBuf;

use crate::config::host::HostSpec;
use crate::config::target::TargetSpec;
use crate::control::reconfigure::way::Way;
use crate::control::reconfigure::{Input, Output, Reconfigure};
use crate::model::change::Course;
use crate::model::question::Unreachable;
use crate::net::client::wake_at;
use crate::net::clock::Clock;
use crate::net::{udp, unix};

/// A change under way, and what carries it.
#[derive(Debug)]
pub struct Change<W: Way> {
    machine: Reconfigure<W>,
    link: Link,
    clock: Clock,
}

/// What carries the datagrams to a daemon.
#[derive(Debug)]
pub enum Link {
    /// A socket of its own towards one address.
    Udp(udp::Socket),
    /// A Unix socket.
    Unix(unix::Socket),
}

/// Where a chronyd takes requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChronydAt {
    /// Its Unix socket.
    Socket(PathBuf),
    /// Its port, on which it takes none that changes anything, and says so.
    Port(HostSpec),
}

impl ChronydAt {
    /// Where the chronyd is that is meant; `None` where none is. On this host it is the one whose
    /// socket is there, if nothing was said of how it is to be asked.
    pub fn of(target: &TargetSpec) -> Option<Self> {
        let socket = target.socket().filter(|path| {
            let is_named = matches!(target, TargetSpec::Socket(_));
            is_named || std::fs::metadata(path).is_ok_and(|what| what.file_type().is_socket())
        });
        match (socket, target) {
            (Some(path), _) => Some(Self::Socket(path.to_owned())),
            (None, TargetSpec::Chronyd(host)) => Some(Self::Port(host.clone())),
            (None, _) => None,
        }
    }
}

impl<W: Way> Change<W> {
    /// A change that has begun, over this link.
    pub const fn new(machine: Reconfigure<W>, link: Link, clock: Clock) -> Self {
        Self { machine, link, clock }
    }

    /// The machine.
    pub const fn machine(&self) -> &Reconfigure<W> {
        &self.machine
    }

    /// All that is known of the change.
    pub const fn course(&self) -> &Course {
        self.machine.course()
    }

    /// Hands something over to the machine at this moment; what comes of it is sent with the next
    /// [`Change::news`].
    pub fn input(&mut self, input: Input<'_>) {
        self.machine.handle(self.clock.now(), input);
    }

    /// Goes on until there is something new in the course of it. Dropping the future loses nothing.
    pub async fn news(&mut self) {
        let mut buffer = [0; udp::RECEIVE_BUFFER];
        loop {
            while let Some(output) = self.machine.poll_output() {
                match output {
                    Output::Send(datagram) => {
                        if let Err(why) = self.link.send(&datagram) {
                            self.machine.handle(self.clock.now(), Input::Unreachable(why));
                        }
                    }
                    Output::Course => return,
                }
            }
            tokio::select! {
                received = self.link.receive(&mut buffer) => {
                    let now = self.clock.now();
                    match received {
                        Ok(datagram) => self.machine.handle(now, Input::Datagram(datagram)),
                        Err(why) => self.machine.handle(now, Input::Unreachable(why)),
                    }
                }
                () = wake_at(&self.clock, self.machine.next_wakeup()) => {
                    self.machine.handle(self.clock.now(), Input::Wakeup);
                }
            }
        }
    }
}

impl Link {
    /// Where the daemon is; `None` of a Unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Udp(socket) => Some(socket.address()),
            Self::Unix(_) => None,
        }
    }

    fn send(&self, datagram: &[u8]) -> Result<(), Unreachable> {
        match self {
            Self::Udp(socket) => socket.send(datagram),
            Self::Unix(socket) => socket.send(datagram),
        }
    }

    async fn receive<'a>(&self, buffer: &'a mut [u8]) -> Result<&'a [u8], Unreachable> {
        match self {
            Self::Udp(socket) => socket.receive(buffer).await,
            Self::Unix(socket) => {
                let length = poll_fn(|context| socket.poll_receive(context, buffer)).await?;
                Ok(buffer.get(..length).unwrap_or_default())
            }
        }
    }
}
