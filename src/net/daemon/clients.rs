//! Drives what reads a daemon's list of clients while somebody looks at it, from a port of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::control::clients::{ClientsReader, Input, Output};
use crate::model::mru::Monitored;
use crate::model::question::Unreachable;
use crate::model::{Dialect, Part};
use crate::net::client::wake_at;
use crate::net::clock::Clock;
use crate::net::random;
use crate::net::udp::{RECEIVE_BUFFER, Socket};

/// Whose list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) address: SocketAddr,
    pub(super) dialect: Dialect,
}

/// A list that is read again and again. Dropping it ends that.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) whose: Whose,
    list: watch::Receiver<Part<Monitored>>,
    hurry: Arc<Notify>,
    _task: JoinSet<()>,
}

impl Reader {
    /// Begins to read; `known` is what was read before, and `is_limited` says whether the daemon is
    /// known to limit us. `None` when the system has no randomness to begin with.
    pub(super) fn start(
        whose: Whose,
        clock: Clock,
        is_limited: bool,
        known: Part<Monitored>,
    ) -> Option<Self> {
        let seed = random::seed().ok()?;
        let reader = ClientsReader::new(whose.dialect, is_limited, known.clone(), seed);
        let (told, list) = watch::channel(known);
        let hurry = Arc::new(Notify::new());
        let mut task = JoinSet::new();
        let address = whose.address;
        task.spawn(
            Task { address, clock, told, hurry: Arc::clone(&hurry), socket: None }.run(reader),
        );
        Some(Self { whose, list, hurry, _task: task })
    }

    /// Has the list read again soon.
    pub(super) fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// The list, once more of it was read. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Part<Monitored> {
        if self.list.changed().await.is_err() {
            // The task never ends before this is dropped.
            std::future::pending::<()>().await;
        }
        self.list.borrow_and_update().clone()
    }
}

struct Task {
    address: SocketAddr,
    clock: Clock,
    told: watch::Sender<Part<Monitored>>,
    hurry: Arc<Notify>,
    /// Of the reading under way.
    socket: Option<Socket>,
}

impl Task {
    async fn run(mut self, mut reader: ClientsReader) {
        let mut buffer = [0; RECEIVE_BUFFER];
        reader.handle(self.clock.now(), Input::Wakeup);
        loop {
            while let Some(output) = reader.poll_output() {
                match output {
                    Output::Send(datagram) => {
                        if let Err(why) = self.send(&datagram) {
                            reader.handle(self.clock.now(), Input::Unreachable(why));
                        }
                    }
                    Output::News(list) => drop(self.told.send_replace(list)),
                }
            }
            if reader.is_resting() {
                self.socket = None;
            }
            tokio::select! {
                received = receive(self.socket.as_ref(), &mut buffer) => {
                    let input = match received {
                        Ok(datagram) => Input::Datagram(datagram),
                        Err(why) => Input::Unreachable(why),
                    };
                    reader.handle(self.clock.now(), input);
                }
                () = wake_at(&self.clock, reader.next_wakeup()) => {
                    reader.handle(self.clock.now(), Input::Wakeup);
                }
                () = self.hurry.notified() => reader.handle(self.clock.now(), Input::Hurry),
            }
        }
    }

    fn send(&mut self, datagram: &[u8]) -> Result<(), Unreachable> {
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => {
                let socket =
                    Socket::connect(self.address).map_err(|failed| failed.unreachable())?;
                none.insert(socket)
            }
        };
        socket.send(datagram)
    }
}

async fn receive<'a>(
    socket: Option<&Socket>,
    buffer: &'a mut [u8],
) -> Result<&'a [u8], Unreachable> {
    match socket {
        Some(socket) => socket.receive(buffer).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
