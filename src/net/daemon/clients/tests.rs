//! A long list, from a socket.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::ops::ControlFlow;
use std::time::Duration;

use super::*;
use crate::config::restrict::Flags;
use crate::control::responder::books::{self, Books, Visit};
use crate::control::responder::{Admitted, Asker, Responder};
use crate::model::Daemon;
use crate::model::mru::Reading;
use crate::units::{Mode, Now, NtpTimestamp};

/// A daemon with a long list of clients, each of which asked once.
struct Long {
    rows: Vec<books::Client>,
    places: HashMap<IpAddr, usize>,
}

impl Long {
    fn of(count: u32) -> Self {
        let row = |number: u32| {
            let at = NtpTimestamp::from_bits(u64::from(number) << 32 | 1);
            books::Client {
                address: (Ipv4Addr::from_bits(0x0a00_0000 + number), 123).into(),
                local: None,
                first: at,
                last: at,
                count: 1,
                dropped: 0,
                score: 0.0,
                mode: Mode::Client,
                version: 4,
                flags: Flags::NONE,
            }
        };
        let rows: Vec<_> = (1..=count).map(row).collect();
        let places = rows.iter().zip(0..).map(|(row, place)| (row.address.ip(), place)).collect();
        Self { rows, places }
    }

    /// Answers whoever asks at the address that is returned, for as long as this process lives.
    fn serve(self) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut responder = Responder::new([3; 32]);
            let daemon = Daemon::default();
            let (mut datagram, mut replies) = ([0; 1500], Vec::new());
            while let Ok((length, from)) = socket.recv_from(&mut datagram) {
                let asker = Asker { from, flags: Flags::NONE, admitted: Admitted::ByName };
                let now = Now { clock: NtpTimestamp::from_bits(1 << 60), ..Now::default() };
                let request = &datagram[..length];
                replies.clear();
                let change = responder.handle(&now, &asker, request, &daemon, &self, &mut replies);
                assert!(change.is_none());
                for reply in &replies {
                    socket.send_to(reply, from).unwrap();
                }
            }
        });
        address
    }
}

impl Books for Long {
    fn client(&self, address: IpAddr) -> Option<books::Client> {
        self.rows.get(*self.places.get(&address)?).copied()
    }

    fn clients(&self, after: Option<IpAddr>, visit: &mut Visit<'_, books::Client>) {
        let first = after.and_then(|after| self.places.get(&after)).map_or(0, |place| place + 1);
        let _: ControlFlow<()> = self.rows[first..].iter().copied().try_for_each(visit);
    }
}

#[test]
fn fifty_thousand_clients_come_and_the_first_within_a_second() {
    const ALL: u32 = 50_000;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let whose = Whose { address: Long::of(ALL).serve(), dialect: Dialect::Classic };
        // A machine that has much else to do is late now and then, but not each time.
        let mut late = Vec::new();
        let (mut reader, first) = loop {
            let clock = Clock::start();
            let began = clock.mono();
            let mut reader = Reader::start(whose, clock, false, Part::not_asked()).unwrap();
            let first = reader.next().await;
            let took = clock.mono().since(began);
            let list = first.latest().unwrap();
            assert!(list.count > 0 && list.reading == Reading::UnderWay, "{}", list.count);
            if took < Duration::from_secs(1) {
                break (reader, first);
            }
            late.push(took);
            assert!(late.len() < 5, "the first rows took {late:?}");
        };
        let mut told = 1;
        let all = loop {
            let part = reader.next().await;
            told += 1;
            if part.latest().is_some_and(|list| list.reading == Reading::Complete) {
                break part;
            }
        };
        let list = all.latest().unwrap();
        assert_eq!(list.count, 50_000);
        let mut found: Vec<_> =
            list.rows.places().filter_map(|place| list.rows.at(place)).collect();
        found.sort_unstable_by_key(|entry| entry.last.bits());
        assert_eq!(found.len(), 50_000);
        let expected =
            (1..=ALL).map(|number| IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + number)));
        assert!(found.iter().map(|entry| entry.address.ip()).eq(expected));
        // What was shown first is still what it was.
        assert_eq!(first.latest().unwrap().rows.places().count(), first.latest().unwrap().count);
        assert!(told < 100, "{told} times");
    });
}
