//! How what is sent is marked, so that networks may hurry it on (`dscp`).

use std::net::IpAddr;
use std::os::fd::AsFd;

use socket2::SockRef;

use crate::config::ntp_conf::{Directive, Placed};

/// The class of all that is sent: a code point of differentiated services (RFC 2474).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marking(u8);

impl Default for Marking {
    /// Expedited forwarding (RFC 3246), as ntpd has it: queues are what makes time inexact.
    fn default() -> Self {
        Self(46)
    }
}

impl Marking {
    /// The one with this code point, of six bits.
    pub(super) const fn new(code_point: u8) -> Self {
        Self(code_point & 0x3f)
    }

    /// The one that a configuration asks for: the last that it names.
    pub(super) fn of(directives: &[Placed]) -> Self {
        let named = directives.iter().rev().find_map(|placed| match placed.directive {
            Directive::Dscp(code_point) => Some(Self::new(code_point)),
            _ => None,
        });
        named.unwrap_or_default()
    }

    /// Marks what `socket`, which sends to addresses like this one, sends from now on.
    pub(super) fn put_on(self, socket: &impl AsFd, like: IpAddr) {
        let socket = SockRef::from(socket);
        // The lower two bits are for congestion.
        let byte = u32::from(self.0) << 2;
        let marked = match like {
            IpAddr::V4(_) => socket.set_tos_v4(byte),
            IpAddr::V6(_) => socket.set_tclass_v6(byte),
        };
        // What is not marked is sent all the same.
        drop(marked);
    }
}
