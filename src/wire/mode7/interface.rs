//! What replies tell of the addresses that the daemon listens on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::wire::mode7::fields::{Fields, either};

/// An address that the daemon listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The address.
    pub address: IpAddr,
    /// Where its broadcasts go.
    pub broadcast: IpAddr,
    /// How much of the address is the network's.
    pub mask: IpAddr,
    /// The interface's name, up to where it ends.
    pub name: Vec<u8>,
    /// Bits: what it is and can.
    pub flags: u32,
    /// Time to live of packets to a group, last.
    pub ttl: u32,
    /// How many groups it is in.
    pub groups: u32,
    /// Packets received.
    pub received: u32,
    /// Packets sent.
    pub sent: u32,
    /// Packets that could not be sent.
    pub not_sent: u32,
    /// Since it was opened, in s.
    pub up: u32,
    /// Number of the link, of addresses that are valid there only.
    pub scope: u32,
    /// Its number in the daemon.
    pub number: u32,
    /// How many associations use it.
    pub peers: u32,
    /// Whether packets on it are dropped.
    pub ignores: bool,
    /// What became of it when interfaces were last looked for: 1 it was there, 2 it is new, 3 it is
    /// gone.
    pub action: u8,
}

impl Interface {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        let [address, broadcast, mask] = [(); 3].map(|()| fields.array::<16>());
        let is_v6 = fields.flag();
        let name: [u8; NAME_LEN] = fields.array();
        let [flags, ttl, groups, received, sent, not_sent, up] = [(); 7].map(|()| fields.u32());
        let [scope, _index, number, peers] = [(); 4].map(|()| fields.u32());
        fields.skip::<2>();
        let [ignores, action] = fields.array();
        Self {
            address: place(is_v6, address),
            broadcast: place(is_v6, broadcast),
            mask: place(is_v6, mask),
            name: name.into_iter().take_while(|byte| *byte != 0).collect(),
            flags,
            ttl,
            groups,
            received,
            sent,
            not_sent,
            up,
            scope,
            number,
            peers,
            ignores: ignores != 0,
            action,
        }
    }

    /// Whether a socket is open for broadcasts to it.
    pub const fn takes_broadcasts(&self) -> bool {
        self.flags & BROADCAST_OPEN != 0
    }
}

/// Here both families share their bytes.
fn place(is_v6: bool, bytes: [u8; 16]) -> IpAddr {
    let [a, b, c, d, ..] = bytes;
    either(is_v6, Ipv4Addr::new(a, b, c, d), Ipv6Addr::from(bytes))
}

const NAME_LEN: usize = 32;

const BROADCAST_OPEN: u32 = 0x20;
