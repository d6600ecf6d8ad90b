//! What an answer needs beyond the picture of a daemon: its keys and its lists.
//!
//! Whoever runs a daemon has these and nobody else. Lists can be long, so they are walked where
//! they are and never copied.

use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;

use crate::config::restrict::{Flags, Selector};
use crate::model::daemon::Daemon;
use crate::units::{Mode, Mono, NtpDuration, NtpTimestamp};
use crate::wire::mac::Key;

/// The keys and lists of one daemon. Without any, nothing can be changed and lists are empty.
pub trait Books {
    /// The key with this number, if it is trusted.
    fn key(&self, _id: u32) -> Option<&Key> {
        None
    }

    /// The number of the key that changes must be signed with; `None` when nobody may change
    /// anything.
    fn control_key(&self) -> Option<u32> {
        None
    }

    /// Whether picture and books show all that there is: what has no value there has none.
    fn are_whole(&self) -> bool {
        true
    }

    /// Shows the variables that the configuration adds to `visit`.
    fn variables(&self, _visit: &mut Visit<'_, Extra>) {}

    /// What is kept of the client at `address`.
    fn client(&self, _address: IpAddr) -> Option<Client> {
        None
    }

    /// Shows the clients to `visit`, those first that were not heard for longest, until it breaks
    /// off: all of them, or those that were heard after the one at `after`.
    fn clients(&self, _after: Option<IpAddr>, _visit: &mut Visit<'_, Client>) {}

    /// Shows the restrictions to `visit`: those of IPv4 first, each family as it is tried.
    fn restrictions(&self, _visit: &mut Visit<'_, Restriction>) {}

    /// Shows the local addresses to `visit`.
    fn interfaces(&self, _visit: &mut Visit<'_, Interface>) {}
}

/// What is shown the entries of a list, one after another.
pub type Visit<'a, T> = dyn FnMut(T) -> ControlFlow<()> + 'a;

/// A variable of the system that is in no table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    /// Its name.
    pub name: String,
    /// Its value, as it is told.
    pub value: String,
    /// Whether it is told to who asks for none by name.
    pub is_default: bool,
}

/// A client: a row of `mrulist`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Client {
    /// Its address, and the port of its last packet.
    pub address: SocketAddr,
    /// Our address that it was sent to; `None` where that is not known.
    pub local: Option<IpAddr>,
    /// When its first packet came, by the daemon's clock.
    pub first: NtpTimestamp,
    /// When its last packet came.
    pub last: NtpTimestamp,
    /// Its packets.
    pub count: u64,
    /// Those of them that were dropped to limit its rate.
    pub dropped: u64,
    /// How much too often it asks, as NTPsec scores it: packets a second, averaged.
    pub score: f64,
    /// Mode of its last packet.
    pub mode: Mode,
    /// Version of its last packet.
    pub version: u8,
    /// Restrictions that bit on its last packet.
    pub flags: Flags,
}

/// A restriction: a row of `reslist`.
#[derive(Clone, Debug, PartialEq)]
pub struct Restriction {
    /// Whose packets.
    pub selector: Selector,
    /// What is restricted.
    pub flags: Flags,
    /// Whether it is there for a source that is asked, and not by a line of its own.
    pub is_source: bool,
    /// Packets that it decided on.
    pub hits: u64,
}

impl Restriction {
    /// What is restricted, in the words of the configuration.
    pub fn words(&self) -> String {
        let mut words = String::new();
        for (is_set, word) in
            [(self.selector.is_for_ntp_port(), "ntpport"), (self.is_source, "source")]
        {
            if is_set {
                words.push_str(word);
                words.push(' ');
            }
        }
        words.push_str(&self.flags.to_string());
        words.truncate(words.trim_end().len());
        words
    }
}

/// A local address: a row of `ifstats`.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// The address, with the port that is listened on.
    pub address: SocketAddr,
    /// Where broadcasts are sent to, if they are.
    pub broadcast: Option<SocketAddr>,
    /// Whether its packets are heeded.
    pub is_enabled: bool,
    /// Name of the interface.
    pub name: Box<str>,
    /// What kind it is, as ntpd's bits.
    pub flags: u32,
    /// Time to live of what was last sent to a group, in hops.
    pub ttl: u8,
    /// Groups that it is a member of.
    pub groups: u32,
    /// Packets received.
    pub received: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets that could not be sent.
    pub unsent: u64,
    /// Associations that use it.
    pub associations: usize,
    /// How long it has been used, in seconds.
    pub up_s: u64,
}

impl Interface {
    /// An address of the interface with this name and ntpd's bits for its kind, which is listened on
    /// and which nothing has come to or left from yet.
    pub const fn new(address: SocketAddr, name: Box<str>, flags: u32) -> Self {
        Self {
            address,
            broadcast: None,
            is_enabled: true,
            name,
            flags,
            ttl: 0,
            groups: 0,
            received: 0,
            sent: 0,
            unsent: 0,
            associations: 0,
            up_s: 0,
        }
    }
}

/// Those of `rows` that [`Books::clients`] shows: all, or those behind the one at `after`; none when
/// there is no such one.
pub fn behind(rows: &[Client], after: Option<IpAddr>) -> &[Client] {
    let Some(after) = after else { return rows };
    let mut parts = rows.splitn(2, |row| row.address.ip() == after);
    parts.nth(1).unwrap_or_default()
}

/// The books of a daemon that is known by its picture alone, such as one of a simulated site: its
/// clients are those of the picture, other lists are empty, and it has no keys.
#[derive(Clone, Copy, Debug)]
pub struct OfPicture<'a> {
    /// The picture.
    pub daemon: &'a Daemon,
    /// When it is looked at.
    pub now: Mono,
}

impl OfPicture<'_> {
    /// The clients with their last packets, those first that were not heard for longest.
    fn rows(&self) -> Vec<Client> {
        let (Some(clients), Some(clock)) =
            (self.daemon.clients.latest(), self.daemon.clock_at(self.now))
        else {
            return Vec::new();
        };
        let row = |record: &crate::model::clients::ClientRecord| {
            let last = clock + -NtpDuration::from(record.ntp.last?);
            Some(Client {
                address: SocketAddr::new(record.address, 0),
                local: None,
                first: last,
                last,
                count: record.ntp.hits,
                dropped: record.ntp.drops,
                score: 0.0,
                mode: Mode::Client,
                version: 4,
                flags: Flags::NONE,
            })
        };
        let mut rows: Vec<_> = clients.iter().filter_map(row).collect();
        rows.sort_by_key(|row| (clock - row.last, row.address));
        rows.reverse();
        rows
    }
}

impl Books for OfPicture<'_> {
    fn are_whole(&self) -> bool {
        false
    }

    fn client(&self, address: IpAddr) -> Option<Client> {
        self.rows().into_iter().find(|row| row.address.ip() == address)
    }

    fn clients(&self, after: Option<IpAddr>, visit: &mut Visit<'_, Client>) {
        // Whether all were wanted is for the one who was shown them to know.
        let _ = behind(&self.rows(), after).iter().copied().try_for_each(visit);
    }
}
