//! What is told while a list is read, and a long one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::ops::ControlFlow;

use super::*;
use crate::config::restrict::Flags;
use crate::control::responder::books::{self, Books, Visit};
use crate::control::responder::{Admitted, Asker, Responder};
use crate::model::Daemon;
use crate::units::{Mode, Now, NtpTimestamp};

#[test]
fn the_first_rows_are_told_at_once_and_then_ever_more_at_a_time() {
    let at = |ms: u64| Mono::from_nanos(ms * 1_000_000);
    let shown = |rows| Shown { rows, at: at(1000) };
    assert!(shown(0).is_due(1, at(1000)) && !shown(0).is_due(0, at(9000)));
    assert!(!shown(100).is_due(120, at(1500)) && shown(100).is_due(120, at(2000)));
    assert!(!shown(100).is_due(9000, at(1050)) && shown(100).is_due(126, at(1100)));
}

#[test]
fn a_longer_list_is_left_alone_for_longer() {
    assert_eq!(pause(2), Duration::from_secs(15));
    assert_eq!(pause(10), Duration::from_secs(50));
    assert_eq!(pause(u64::MAX), Duration::from_secs(300));
}

#[test]
fn a_list_that_was_whole_is_shown_until_the_next_is() {
    let dated = |ms: u64| {
        let answered = Mono::from_nanos(ms * 1_000_000);
        Dated { answered, ..Dated::default() }
    };
    let list = |count, reading| Monitored { count, reading, ..Monitored::default() };
    let old = Part::answered(list(5, Reading::Complete), dated(1));
    let shown = in_between(&old, list(2, Reading::UnderWay), dated(2));
    assert_eq!(shown.latest().unwrap().reading, Reading::Again { count: 2 });
    assert_eq!((shown.latest().unwrap().count, shown.dated()), (5, Some(dated(1))));
    let partial = Part::answered(list(5, Reading::UnderWay), dated(1));
    let shown = in_between(&partial, list(2, Reading::UnderWay), dated(2));
    assert_eq!((shown.latest().unwrap().count, shown.dated()), (2, Some(dated(2))));
    let long = Part::answered(list(KEPT + 1, Reading::Complete), dated(1));
    let shown = in_between(&long, list(2, Reading::UnderWay), dated(2));
    assert_eq!(shown.latest().unwrap().count, 2);
}

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
            let mut reader = Reader::start(whose, clock, Part::not_asked());
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
