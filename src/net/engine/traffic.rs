//! What came and went, by the address of ours that it came to.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::config::ntp_conf::InterfaceAction;
use crate::control::responder::books;
use crate::engine::Engine;
use crate::engine::association::Kind;
use crate::net::engine::interfaces::Listening;
use crate::net::own_addresses::{self, Interface, Link};
use crate::units::Mono;

/// The counts. Counting takes no memory beyond what the addresses take.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    addresses: BTreeMap<IpAddr, Counts>,
    /// What came to no address of ours, such as to everybody on a network.
    others: Counts,
    /// What came to addresses that are not listened on.
    pub(super) ignored: u64,
    /// Times that input woke the driver, and those of them that brought something.
    pub(super) wakeups: u64,
    pub(super) useful_wakeups: u64,
    /// Datagrams of the engine's own that were sent.
    pub(super) transmits: u64,
    /// And those that could not be.
    pub(super) not_sent: u64,
    /// Seconds that the driver was late for the engine.
    pub(super) overruns: u64,
    pub(super) begun: Begun,
}

/// Since when counters run that were reset; the others run from the start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Begun {
    pub(super) system: Option<Mono>,
    pub(super) io: Option<Mono>,
    pub(super) timer: Option<Mono>,
    pub(super) authentication: Option<Mono>,
}

/// The counts of an address.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    received: u64,
    sent: u64,
    unsent: u64,
    /// Since when it is known.
    since: Mono,
    index: u32,
}

impl Traffic {
    /// Takes over what interfaces there are, and which sockets are `open` on the port; counts of
    /// addresses that stay are kept.
    pub(super) fn know(
        &mut self,
        interfaces: &[Interface],
        open: impl Iterator<Item = SocketAddr>,
        now: Mono,
    ) {
        let of_interfaces = interfaces.iter().map(|interface| (interface.address, interface.index));
        // The loopback has more addresses than are told of it.
        let bound = open.map(|address| address.ip()).filter(|bound| !bound.is_unspecified());
        let mut addresses = BTreeMap::new();
        for (address, index) in bound.map(|bound| (bound, 0)).chain(of_interfaces) {
            let known = self.addresses.get(&address).copied();
            let new = Counts { since: now, ..Counts::default() };
            addresses.insert(address, Counts { index, ..known.unwrap_or(new) });
        }
        self.addresses = addresses;
    }

    /// Counts what came and went from zero again.
    pub(super) fn reset_io(&mut self) {
        for counts in self.addresses.values_mut().chain([&mut self.others]) {
            *counts = Counts { since: counts.since, index: counts.index, ..Counts::default() };
        }
        (self.ignored, self.wakeups, self.useful_wakeups) = (0, 0, 0);
    }

    /// Counts what the engine's timers brought about from zero again.
    pub(super) const fn reset_timer(&mut self) {
        (self.transmits, self.not_sent, self.overruns) = (0, 0, 0);
    }

    /// A datagram came to `to`.
    pub(super) fn received(&mut self, to: Option<IpAddr>) {
        self.counts(to).received += 1;
    }

    /// A datagram was sent from `from`, or could not be.
    pub(super) fn replied(&mut self, from: Option<IpAddr>, is_sent: bool) {
        let counts = self.counts(from);
        if is_sent {
            counts.sent += 1;
        } else {
            counts.unsent += 1;
        }
    }

    /// A reply that was counted as sent could not be.
    pub(super) fn not_replied(&mut self, from: Option<IpAddr>) {
        let counts = self.counts(from);
        counts.sent = counts.sent.saturating_sub(1);
        counts.unsent += 1;
    }

    fn counts(&mut self, address: Option<IpAddr>) -> &mut Counts {
        match address.and_then(|address| self.addresses.get_mut(&address.to_canonical())) {
            Some(counts) => counts,
            None => &mut self.others,
        }
    }

    /// Datagrams that were received, sent and not sent by the sockets on the port.
    pub(super) fn sums(&self) -> (u64, u64, u64) {
        let all = self.addresses.values().chain([&self.others]);
        all.fold((0, 0, 0), |(received, sent, unsent), counts| {
            (received + counts.received, sent + counts.sent, unsent + counts.unsent)
        })
    }

    /// The local addresses that are listened on, as they are told: first those that stand for all of
    /// a family. `open` are the sockets on the port, `listening` says which of the addresses of such
    /// a one are heeded.
    pub(super) fn rows(
        &self,
        engine: &Engine,
        open: &[SocketAddr],
        listening: &Listening,
        now: Mono,
    ) -> Vec<books::Interface> {
        let links = own_addresses::links().unwrap_or_default();
        let mut rows = Vec::with_capacity(self.addresses.len() + open.len());
        let wildcard = |any: IpAddr| open.iter().find(|address| address.ip() == any);
        let any_v4 = wildcard(Ipv4Addr::UNSPECIFIED.into());
        let any_v6 = wildcard(Ipv6Addr::UNSPECIFIED.into());
        for (any, name, flags, counts) in [
            (any_v6, "v6wildcard", WILDCARD | UP, Counts::default()),
            (any_v4, "v4wildcard", WILDCARD | BROADCAST | UP, self.others),
        ] {
            rows.extend(any.map(|any| row(*any, name, flags, &counts, now)));
        }
        for (address, counts) in &self.addresses {
            let any = if address.is_ipv4() { any_v4 } else { any_v6 };
            let bound = open.iter().find(|bound| bound.ip() == *address);
            let Some(port) = bound.or(any).map(SocketAddr::port) else { continue };
            let action = listening.action(*address);
            if action == InterfaceAction::Ignore {
                continue;
            }
            let known = links.get(&counts.index);
            let (name, flags) = known.map_or(("?", UP), |link| (&*link.name, flags(link)));
            let mut row = row(SocketAddr::new(*address, port), name, flags, counts, now);
            row.is_enabled = action == InterfaceAction::Listen;
            let here = engine.associations().filter(|one| one.local == Some(*address));
            for association in here {
                row.associations += 1;
                // What others than peers are sent leaves from sockets of its own.
                if matches!(association.kind, Kind::Client) {
                    row.received += association.counters.received;
                    row.sent += association.counters.sent;
                    row.unsent += association.counters.unsent;
                }
            }
            rows.push(row);
        }
        rows
    }
}

fn row(
    address: SocketAddr,
    name: &str,
    flags: u32,
    counts: &Counts,
    now: Mono,
) -> books::Interface {
    books::Interface {
        received: counts.received,
        sent: counts.sent,
        unsent: counts.unsent,
        up_s: now.since(counts.since).as_secs(),
        ..books::Interface::new(address, name.into(), flags)
    }
}

/// ntpd's bits for what the system says of an interface.
fn flags(link: &Link) -> u32 {
    let is_set = |(theirs, ours): &(u32, u32)| if link.flags & theirs == 0 { 0 } else { *ours };
    FLAGS.iter().map(is_set).sum()
}

/// Bits of the system for an interface, each with ntpd's.
const FLAGS: [(u32, u32); 5] =
    [(0x1, UP), (0x10, 0x2), (0x8, 0x4), (0x2, BROADCAST), (0x1000, 0x10)];

const UP: u32 = 0x1;
const BROADCAST: u32 = 0x8;
const WILDCARD: u32 = 0x80;
