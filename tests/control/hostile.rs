//! What a hostile daemon can do: nothing.

use ntpscope::control::watcher::{Input, Watcher};
use ntpscope::model::{Absent, Contact, Failure, Interest};
use ntpscope::wire::mode6::Message;
use proptest::prelude::*;

use crate::daemon::{Daemon, id, ms};
use crate::line::Line;
use crate::watching::{latest, s, tell, watch};
use crate::world::World;

#[test]
fn as_many_associations_as_fit_a_reply_are_bearable() {
    let mut world = watch(1, Daemon::classic(1..=3700), Line::perfect(ms(1)));
    world.run_for(s(60));
    assert_eq!(latest(&world).peers.len(), 3700);
    assert!(latest(&world).peers.iter().all(|peer| peer.row.latest().is_some()));
    let before = world.sent.len();
    world.run_for(s(600));
    let rate = (world.sent.len() - before) / 600;
    assert!(rate <= 10, "{rate} a second");
}

#[test]
fn a_list_longer_than_a_reply_can_be_is_refused() {
    let mut world = watch(1, Daemon::classic(1..=5000), Line::perfect(ms(1)));
    world.run_for(s(30));
    assert_eq!(latest(&world).peers.len(), 0);
    assert!(matches!(latest(&world).contact, Contact::Answering { .. }));
    let why = Absent::Failed(Failure::TooLong);
    assert_eq!(latest(&world).associations.trouble(), Some(&why));
    assert!(world.sent.len() < 30, "{}", world.sent.len());
}

#[test]
fn names_and_values_may_be_of_any_length() {
    let mut daemon = Daemon::classic(1..=3);
    let long = "x".repeat(4096);
    daemon.system.push((long.clone(), format!("\"{long}\u{1b}[2J\"")));
    daemon.set(2, "srchost", &format!("\"{long}\r\n\t\u{7f}\""));
    daemon.set(2, "offset", &"9".repeat(900));
    daemon.set(2, "reach", "0xffffffffffffffffffff");
    daemon.set(2, "hpoll", "-128");
    daemon.set(2, "rec", "0xffffffff.ffffffff");
    let mut world = watch(1, daemon, Line::perfect(ms(1)));
    let details = Some(id(2));
    tell(
        &mut world,
        Input::Interest(Interest { rows: vec![], details, visible: true, ..Interest::default() }),
    );
    world.run_for(s(100));
    assert!(matches!(latest(&world).contact, Contact::Answering { .. }));
    assert!(latest(&world).peer(id(2)).unwrap().row.latest().is_some());
    let (_, text) = latest(&world).system.latest().unwrap().others().next().unwrap();
    assert!(!text.contains('\u{1b}'));
}

/// A datagram that answers what was last asked, and lies.
fn forge(world: &World<Watcher>, header: &[u8], data: &[u8]) -> Vec<u8> {
    let sent = world.log.iter().rev().find(|line| line.contains("sends")).unwrap();
    let bytes = sent.split(['[', ']']).nth(1).unwrap();
    let mut bytes: Vec<u8> =
        bytes.split(", ").map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    bytes[1] |= 0x80 | header[0] & 0x60;
    bytes[4..12].copy_from_slice(&header[..8]);
    bytes.extend(data);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_datagram_upsets_it(
        all in proptest::collection::vec(
            (any::<[u8; 8]>(), proptest::collection::vec(any::<u8>(), 0..600), any::<bool>()), 1..40),
    ) {
        let mut world = watch(1, Daemon::classic(1..=3), Line::perfect(ms(1)));
        for (header, data, ours) in all {
            world.run_for(ms(200));
            let datagram = if ours { forge(&world, &header, &data) } else { data };
            let _ = Message::parse(&datagram);
            tell(&mut world, Input::Datagram(&datagram));
        }
        world.run_until(s(60), |world| world.machine.is_settled() && latest(world).peers.len() == 3);
    }
}
