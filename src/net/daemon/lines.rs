//! The lines to one target: an address or a path each, and a socket once it is needed.

use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::host::HostSpec;
use crate::config::target::TargetSpec;
use crate::control::chrony::Transport;
use crate::control::finder::Kind;
use crate::model::question::Unreachable;
use crate::net::udp;
use crate::net::unix;
use crate::units::Mono;

/// A line, and how it is opened.
pub(super) struct Line {
    pub(super) kind: Kind,
    carrier: Carrier,
}

/// What carries the datagrams. A socket is opened again after it failed: a host that moved from one
/// network to another can use no socket of the old one, and a daemon that started anew listens on a
/// new one of the same path.
enum Carrier {
    Udp { port: u16, conversation: Conversation, socket: Option<udp::Socket> },
    Unix { path: PathBuf, socket: Option<unix::Socket> },
}

/// With which of a host's addresses we talk; none are known at first.
#[derive(Default)]
struct Conversation {
    addresses: Vec<SocketAddr>,
    turned: Mono,
    turns: usize,
}

impl Line {
    /// The lines on which a target may be asked.
    pub(super) fn all(target: &TargetSpec) -> Vec<Self> {
        let socket = target.socket().map(|path| Self {
            kind: Kind::Chronyd(Transport::Unix),
            carrier: Carrier::Unix { path: path.to_owned(), socket: None },
        });
        let udp = |kind| {
            move |port| {
                let conversation = Conversation::default();
                Self { kind, carrier: Carrier::Udp { port, conversation, socket: None } }
            }
        };
        let control_messages = target.control_messages().map(HostSpec::port);
        let chronyd = target.chronyd().as_ref().map(HostSpec::port);
        socket
            .into_iter()
            .chain(control_messages.map(udp(Kind::ControlMessages)))
            .chain(chronyd.map(udp(Kind::Chronyd(Transport::Udp))))
            .collect()
    }

    /// Whether it leads to an address, which has to be found first.
    pub(super) const fn needs_address(&self) -> bool {
        matches!(self.carrier, Carrier::Udp { .. })
    }

    /// Takes in the addresses of the host; the one to talk to.
    pub(super) fn locate(&mut self, addresses: &[SocketAddr]) -> Option<SocketAddr> {
        let Carrier::Udp { port, conversation, socket } = &mut self.carrier else { return None };
        let ours = addresses.iter().map(|address| {
            // The rest of it stays: a link-local address is of no use without its zone.
            let mut address = *address;
            address.set_port(*port);
            address
        });
        *conversation = Conversation { addresses: ours.collect(), ..Conversation::default() };
        *socket = None;
        conversation.address()
    }

    /// Turns to another address, because nobody has ever answered at this one; the new one, if there
    /// was any to turn to.
    pub(super) fn turn(&mut self, now: Mono) -> Option<SocketAddr> {
        let Carrier::Udp { conversation, socket, .. } = &mut self.carrier else { return None };
        if !conversation.turn(now) {
            return None;
        }
        *socket = None;
        conversation.address()
    }

    /// Where control messages go, if they go on this line and that is known.
    pub(super) fn control_messages(&self) -> Option<SocketAddr> {
        match &self.carrier {
            Carrier::Udp { conversation, .. } if self.kind == Kind::ControlMessages => {
                conversation.address()
            }
            _ => None,
        }
    }

    /// Whether it leads to this host.
    pub(super) fn is_local(&self) -> bool {
        match &self.carrier {
            Carrier::Udp { conversation, .. } => {
                conversation.address().is_some_and(|address| address.ip().is_loopback())
            }
            Carrier::Unix { .. } => true,
        }
    }

    pub(super) fn send(&mut self, datagram: &[u8]) -> Result<(), Unreachable> {
        match &mut self.carrier {
            Carrier::Udp { conversation, socket, .. } => {
                let open = if let Some(open) = socket {
                    open
                } else {
                    let address = conversation.address().ok_or(Unreachable::Host)?;
                    let opened = udp::Socket::connect(address);
                    socket.insert(opened.map_err(|failed| failed.unreachable())?)
                };
                let sent = open.send(datagram);
                if matches!(sent, Err(Unreachable::Network | Unreachable::Host)) {
                    *socket = None;
                }
                sent
            }
            Carrier::Unix { path, socket } => {
                let open = match socket {
                    Some(open) => open,
                    None => socket.insert(unix::Socket::connect(path)?),
                };
                let sent = open.send(datagram);
                if sent.is_err() {
                    *socket = None;
                }
                sent
            }
        }
    }

    /// The next datagram's length, or what the network says about the last one sent. Dropping the
    /// future loses nothing.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> Result<usize, Unreachable> {
        match &self.carrier {
            Carrier::Udp { socket: Some(socket), .. } => {
                socket.receive(buffer).await.map(<[u8]>::len)
            }
            Carrier::Unix { socket: Some(socket), .. } => {
                poll_fn(|context| socket.poll_receive(context, buffer)).await
            }
            Carrier::Udp { .. } | Carrier::Unix { .. } => pending().await,
        }
    }
}

impl Conversation {
    fn address(&self) -> Option<SocketAddr> {
        let place = self.turns.checked_rem(self.addresses.len())?;
        self.addresses.get(place).copied()
    }

    /// Turns to the next address, because this one has never answered: at once while some have not
    /// been tried, later from time to time. Whether there was another to turn to.
    fn turn(&mut self, now: Mono) -> bool {
        let all_tried = self.turns + 1 >= self.addresses.len();
        if self.addresses.len() < 2 || (all_tried && now.since(self.turned) < BETWEEN_TURNS) {
            return false;
        }
        self.turns += 1;
        self.turned = now;
        true
    }
}

/// How long to stay with an address that never answered, once all have been tried.
const BETWEEN_TURNS: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(target: &str) -> Vec<Kind> {
        Line::all(&target.parse().unwrap()).iter().map(|line| line.kind).collect()
    }

    #[test]
    fn a_target_is_asked_on_its_lines_and_no_other() {
        let (unix, udp) = (Kind::Chronyd(Transport::Unix), Kind::Chronyd(Transport::Udp));
        assert_eq!(kinds("localhost"), [unix, Kind::ControlMessages, udp]);
        assert_eq!(kinds("time.example"), [Kind::ControlMessages, udp]);
        assert_eq!(kinds("time.example:123"), [Kind::ControlMessages]);
        assert_eq!(kinds("chrony://localhost"), [udp]);
        assert_eq!(kinds("unix:///run/x"), [unix]);
    }

    #[test]
    fn all_addresses_are_tried_at_once_and_then_in_turn() {
        let second = |n: u64| Mono::from_nanos((n + 1000) * 1_000_000_000);
        let host = ["192.0.2.1:123".parse().unwrap(), "[fe80::1%3]:123".parse().unwrap()];
        let mut line = Line::all(&"time.example".parse().unwrap()).pop().unwrap();
        let first = line.locate(&host);
        assert_eq!(first, Some("192.0.2.1:323".parse().unwrap()));
        assert_eq!(line.turn(second(0)), Some("[fe80::1%3]:323".parse().unwrap()));
        assert_eq!(line.turn(second(1)), None);
        assert_eq!(line.turn(second(9)), first);
        let mut alone = Line::all(&"chrony://192.0.2.1".parse().unwrap()).pop().unwrap();
        assert_eq!(alone.locate(&host[..1]), first);
        assert_eq!(alone.turn(second(100)), None);
    }
}
