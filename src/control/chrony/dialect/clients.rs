//! Clients, and times that were entered by hand.

use super::to_nanosecond;
use crate::model::clients::{ClientRecord, ManualEntry, Service};
use crate::wire::cmdmon::ManualList;
use crate::wire::cmdmon::report::{Accesses, ClientAccess};

/// A client; `None` for one whose address is of a family that is not known here.
pub(in crate::control::chrony) fn client(client: &ClientAccess) -> Option<ClientRecord> {
    Some(ClientRecord {
        address: client.address.ip()?,
        ntp: service(client.ntp),
        nts_ke: service(client.nts_ke),
        commands: service(client.commands),
        limited_interval: client.limited_ntp_interval,
    })
}

fn service(accesses: Accesses) -> Service {
    Service {
        hits: accesses.hits.into(),
        drops: accesses.drops.into(),
        interval: accesses.interval,
        last: accesses.last,
    }
}

/// The times entered by hand, oldest first.
pub(in crate::control::chrony) fn manual(list: &ManualList) -> Vec<ManualEntry> {
    let entry = |sample: &crate::wire::cmdmon::report::ManualSample| ManualEntry {
        when: sample.when.timestamp(),
        // Positive on the wire when the local clock is ahead.
        offset: to_nanosecond(-sample.slewed_offset.seconds()),
        original_offset: to_nanosecond(-sample.original_offset.seconds()),
        residual: to_nanosecond(sample.residual.seconds()),
    };
    list.samples.iter().map(entry).collect()
}
