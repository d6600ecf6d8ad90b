//! `CLIENT_ACCESSES_BY_INDEX`: who asked, up to eight in a reply.

use std::time::Duration;

use crate::units::PollExponent;
use crate::wire::Malformed;
use crate::wire::cmdmon::address::Address;
use crate::wire::cmdmon::report::manual::{counted, emit_count, parse_slots};
use crate::wire::cmdmon::time::{emit_age, parse_age};
use crate::wire::reader::Reader;

/// The most clients in a reply.
pub const MAX_CLIENTS: usize = 8;

/// A part of the table of clients.
///
/// The table is a hash table that is enlarged while it is read, so a walk through it may meet a
/// client twice or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAccesses {
    /// Slots in the table, used or not.
    pub table_size: u32,
    /// Where to go on reading.
    pub next_index: u32,
    /// At most [`MAX_CLIENTS`]; more are not written.
    pub clients: Vec<ClientAccess>,
}

impl ClientAccesses {
    /// Where to go on after a reply to a request from index `asked` on; `None` at the end, and
    /// where going on would lead in a circle.
    pub fn goes_on_at(&self, asked: u32) -> Option<u32> {
        Some(self.next_index).filter(|next| *next > asked && *next < self.table_size)
    }

    /// Reads the part; a count beyond the eight slots is malformed.
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let table_size = reader.u32("size of the table")?;
        let next_index = reader.u32("next index")?;
        let position = reader.position();
        let claimed = reader.u32("count of clients")?;
        let slots: [ClientAccess; MAX_CLIENTS] = parse_slots(reader, ClientAccess::parse)?;
        let clients = counted("count of clients", position, claimed, &slots)?;
        Ok(Self { table_size, next_index, clients })
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.table_size.to_be_bytes());
        bytes.extend(self.next_index.to_be_bytes());
        emit_count(self.clients.len(), MAX_CLIENTS, bytes);
        for client in self.clients.iter().take(MAX_CLIENTS) {
            client.emit(bytes);
        }
        let unused = MAX_CLIENTS.saturating_sub(self.clients.len());
        bytes.resize(bytes.len() + unused * CLIENT_LEN, 0);
    }
}

/// A client as `chronyc clients` shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientAccess {
    /// Its address.
    pub address: Address,
    /// Its NTP packets.
    pub ntp: Accesses,
    /// Its NTS key establishments.
    pub nts_ke: Accesses,
    /// Its commands over UDP.
    pub commands: Accesses,
    /// The average interval between its NTP packets since its rate is limited; `None` when it is
    /// not known. Daemons do not limit who keeps to the limit.
    pub limited_ntp_interval: Option<PollExponent>,
}

/// What a client asked of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accesses {
    /// What came.
    pub hits: u32,
    /// How much of it was dropped to limit its rate.
    pub drops: u32,
    /// The average interval, as an exponent of two, in seconds; `None` when it is not known.
    pub interval: Option<PollExponent>,
    /// How long ago the last one came, in whole seconds; `None` when none did.
    pub last: Option<Duration>,
}

impl ClientAccess {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut client =
            Self { address: Address::parse(reader, "address of a client")?, ..Self::default() };
        let Self { ntp, nts_ke, commands, limited_ntp_interval, .. } = &mut client;
        for accesses in [&mut *ntp, nts_ke, commands] {
            accesses.hits = reader.u32("hits of a client")?;
        }
        for accesses in [&mut *ntp, nts_ke, commands] {
            accesses.drops = reader.u32("drops of a client")?;
        }
        for interval in
            [&mut ntp.interval, &mut nts_ke.interval, &mut commands.interval, limited_ntp_interval]
        {
            let exponent = reader.i8("interval of a client")?;
            *interval = (exponent != UNKNOWN_INTERVAL).then(|| PollExponent::new(exponent));
        }
        for accesses in [ntp, nts_ke, commands] {
            accesses.last = parse_age(reader, "age of a client's last hit")?;
        }
        Ok(client)
    }

    fn emit(&self, bytes: &mut Vec<u8>) {
        let services = [&self.ntp, &self.nts_ke, &self.commands];
        self.address.emit(bytes);
        for hits in services.map(|service| service.hits) {
            bytes.extend(hits.to_be_bytes());
        }
        for drops in services.map(|service| service.drops) {
            bytes.extend(drops.to_be_bytes());
        }
        let intervals = services.map(|service| service.interval);
        for interval in intervals.into_iter().chain([self.limited_ntp_interval]) {
            let exponent = interval.map_or(UNKNOWN_INTERVAL, PollExponent::exponent);
            bytes.extend(exponent.to_be_bytes());
        }
        for last in services.map(|service| service.last) {
            emit_age(last, bytes);
        }
    }
}

/// Bytes of a slot.
const CLIENT_LEN: usize = 60;

const UNKNOWN_INTERVAL: i8 = 127;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::report::testing::{assert_layout, read, words, written};
    use crate::wire::cmdmon::{ReplyType, Report};

    /// Captured from chronyd 4.3: the clients of a lab's server, then five empty slots.
    fn captured() -> Vec<u8> {
        let mut data = words(&[
            16,
            16,
            2, //
            0x0a4d_000a,
            0,
            0,
            0,
            0x0001_0000,
            60,
            0,
            0,
            0,
            0,
            0,
            0x017f_7f7f,
            0,
            0xffff_ffff,
            0xffff_ffff, //
            0x7f00_0001,
            0,
            0,
            0,
            0x0001_0000,
            0,
            0,
            1,
            0,
            0,
            0,
            0x7f7f_7f7f,
            0xffff_ffff,
            0xffff_ffff,
            0,
        ]);
        data.resize(492, 0);
        data
    }

    fn clients(data: &[u8]) -> Result<ClientAccesses, Malformed> {
        match read(ReplyType::CLIENT_ACCESSES_BY_INDEX3, data)? {
            Report::ClientAccesses(clients) => Ok(clients),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn captured_clients_are_taken_apart_and_written_again() {
        let part = clients(&captured()).unwrap();
        assert_layout(&captured(), &Report::ClientAccesses(part.clone()));
        assert_eq!((part.table_size, part.next_index), (16, 16));
        let [relay, local] = part.clients[..] else { panic!("{part:?}") };
        assert_eq!(relay.address.to_string(), "10.77.0.10");
        let ntp = Accesses {
            hits: 60,
            drops: 0,
            interval: Some(PollExponent::new(1)),
            last: Some(Duration::ZERO),
        };
        assert_eq!(relay.ntp, ntp);
        assert_eq!((relay.commands, relay.limited_ntp_interval), (Accesses::default(), None));
        assert_eq!(local.commands.hits, 1);
        assert_eq!(local.commands.last, Some(Duration::ZERO));
        assert_eq!(local.ntp, Accesses::default());
    }

    #[test]
    fn every_field_has_a_place_of_its_own() {
        let slot: Vec<u32> = (1..=10).collect();
        let data = [
            words(&[100, 9, 1]),
            b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\x02\0\0".to_vec(),
            words(&slot[..6]),
            vec![1, 2, 3, 0xfc],
            words(&slot[7..]),
            vec![0; 7 * 60],
        ]
        .concat();
        let part = clients(&data).unwrap();
        assert_layout(&data, &Report::ClientAccesses(part.clone()));
        let client = part.clients[0];
        assert_eq!(client.address.to_string(), "2001:db8::1");
        for (service, number) in [(client.ntp, 1), (client.nts_ke, 2), (client.commands, 3)] {
            assert_eq!((service.hits, service.drops), (number, number + 3));
            assert_eq!(service.last, Some(Duration::from_secs(u64::from(number) + 7)));
            assert_eq!(
                service.interval.map(|i| i32::from(i.exponent())),
                i32::try_from(number).ok()
            );
        }
        assert_eq!(client.limited_ntp_interval, Some(PollExponent::new(-4)));
    }

    #[test]
    fn a_count_beyond_the_slots_is_malformed() {
        for count in [9, 0x8000_0000, u32::MAX] {
            let mut data = captured();
            data[8..12].copy_from_slice(&count.to_be_bytes());
            let value = u64::from(count);
            let error = Malformed::Invalid { field: "count of clients", position: 8, value };
            assert_eq!(clients(&data), Err(error));
        }
        let overfull = ClientAccesses {
            table_size: 0,
            next_index: 0,
            clients: vec![ClientAccess::default(); 20],
        };
        assert_eq!(written(&Report::ClientAccesses(overfull)).len(), 492);
    }

    #[test]
    fn a_walk_goes_forwards_and_ends() {
        let part = |next_index| ClientAccesses { table_size: 16, next_index, clients: vec![] };
        assert_eq!(part(8).goes_on_at(0), Some(8));
        assert_eq!(part(16).goes_on_at(8), None);
        assert_eq!(part(u32::MAX).goes_on_at(8), None);
        assert_eq!(part(8).goes_on_at(8), None, "in a circle");
        assert_eq!(part(3).goes_on_at(8), None, "backwards");
    }
}
