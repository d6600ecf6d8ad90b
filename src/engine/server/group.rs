//! Answering those who ask a group for servers (`manycastserver`).
//!
//! Whoever asks is answered by itself, from an address of ours, and only if we can be of use to it:
//! our clock is set, and better than its own, which does not follow ours already.
//!
//! Differs: `tos cohort` lets servers answer that are as good as the client and no better, as
//! ntpd's manual has it; in ntpd another test comes before it, so that it has no effect.

use std::net::IpAddr;

use crate::config::host::HostSpec;
use crate::engine::server::{Served, Server};
use crate::units::Leap;
use crate::wire::packet::Header;

impl Server {
    /// Answers those who ask these groups from now on.
    pub(super) fn serve_groups(&mut self, groups: &[HostSpec]) {
        self.groups.extend(groups.iter().filter_map(HostSpec::address));
    }

    /// Whether requests to this group are answered at all.
    pub(super) fn serves_group(&self, group: IpAddr) -> bool {
        self.groups.contains(&group)
    }
}

impl Served {
    /// Whether whoever sent this request to a group would have a use for us.
    pub(super) fn helps(&self, request: &Header) -> bool {
        let theirs = request.sender_stratum();
        let is_better = self.stratum < theirs || (self.cohort && self.stratum == theirs);
        let follows_us = self.own_ids.contains(&request.reference_id);
        self.leap != Leap::Alarm && is_better && !follows_us
    }
}
