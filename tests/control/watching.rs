//! A watcher of a daemon that behaves, and of one that comes and goes.

use std::sync::Arc;
use std::time::Duration;

use ntpscope::control::pipeline::Settings;
use ntpscope::control::timing::Timing;
use ntpscope::control::watcher::{Input, Watcher};
use ntpscope::model::daemon::Detail;
use ntpscope::model::statistics::Section;
use ntpscope::model::vars::{peer, system};
use ntpscope::model::{Absent, Contact, Daemon as Snapshot, Dialect, Failure, Interest};
use ntpscope::units::Mono;
use ntpscope::wire::mac::Key;

use crate::daemon::{Daemon, Limiter, Mood, id, ms};
use crate::line::Line;
use crate::world::World;

pub(crate) const ADDRESS: &str = "192.0.2.1:123";

pub(crate) fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A world whose watcher has just been told the address.
pub(crate) fn watch(seed: u8, daemon: Daemon, line: Line) -> World<Watcher> {
    let watcher = Watcher::new(Settings::new(Timing::live(), [seed; 32]));
    let mut world = World::new(seed.into(), watcher, daemon, line);
    world.input(|watcher, now| watcher.handle(now, Input::Address(ADDRESS.parse().unwrap())));
    world
}

pub(crate) fn tell(world: &mut World<Watcher>, input: Input<'_>) {
    world.input(|watcher, now| watcher.handle(now, input));
}

pub(crate) fn latest(world: &World<Watcher>) -> &Arc<Snapshot> {
    &world.events.last().unwrap().1
}

pub(crate) fn rows(snapshot: &Snapshot) -> usize {
    snapshot.peers.iter().filter(|peer| peer.row.latest().is_some()).count()
}

/// Whether every association has a row, and each row is that of its association.
pub(crate) fn is_complete(snapshot: &Snapshot, daemon: &Daemon) -> bool {
    let ids = snapshot.peers.iter().map(|peer| peer.id.get());
    ids.eq(daemon.associations.keys().copied()) && rows(snapshot) == snapshot.peers.len()
}

/// No row stands under another association's id: the daemon's addresses tell.
pub(crate) fn no_row_is_misplaced(snapshot: &Snapshot) {
    for peer in snapshot.peers.iter() {
        let Some(row) = peer.row.latest() else { continue };
        let [high, low] = peer.id.get().to_be_bytes();
        let source: std::net::IpAddr = [10, 9, high, low].into();
        assert_eq!(row.address(&peer::SOURCE), Some(source), "row of {}", peer.id);
    }
}

/// When the list was asked for, repetitions included.
fn lists(world: &World<Watcher>) -> Vec<u64> {
    let all = world.sent.iter().zip(&world.asked);
    all.filter(|(_, asked)| **asked == (1, 0, 0)).map(|(at, _)| at.nanos() / 1_000_000).collect()
}

fn asked_for(world: &World<Watcher>, number: u16) -> usize {
    world.asked.iter().filter(|(_, id, _)| *id == number).count()
}

fn interest(world: &mut World<Watcher>, rows: &[u16], details: Option<u16>, visible: bool) {
    let rows = rows.iter().copied().map(id).collect();
    tell(
        world,
        Input::Interest(Interest {
            rows,
            details: details.map(id),
            visible,
            ..Interest::default()
        }),
    );
}

#[test]
fn nothing_is_sent_before_there_is_an_address() {
    let mut watcher = Watcher::new(Settings::new(Timing::live(), [1; 32]));
    assert!(watcher.poll_output().is_none() && watcher.next_wakeup().is_none());
    watcher.handle(ntpscope::units::Now::default(), Input::Wakeup);
    watcher.handle(ntpscope::units::Now::default(), Input::Refresh);
    assert!(watcher.poll_output().is_none() && watcher.next_wakeup().is_none());
}

#[test]
fn sixty_rows_are_there_after_three_round_trips() {
    for daemon in [Daemon::classic(1..=60), Daemon::ntpsec(1..=60)] {
        let mut world = watch(1, daemon, Line::perfect(ms(25)));
        assert_eq!(world.asked, [(1, 0, 0), (2, 0, 7), (2, 0, 0)]);
        let took = world.run_until(s(1), |world| is_complete(latest(world), &world.daemon));
        assert_eq!(took, ms(150));
        assert!(world.machine.is_settled());
        no_row_is_misplaced(latest(&world));
        assert!(matches!(latest(&world).contact, Contact::Answering { .. }));
        assert!(latest(&world).system.latest().is_some());
        assert!(latest(&world).clock_at(world.now).is_some());
        // One datagram an association, and its answer is one as well; the rest once, at the start.
        assert_eq!(world.asked.len(), 3 + 60);
        let rows = world.asked.iter().filter(|(_, id, _)| *id > 0);
        assert_eq!(rows.count(), 60);
    }
}

#[test]
fn the_list_is_asked_once_a_second_until_something_is_lost() {
    let mut world = watch(1, Daemon::classic(1..=5), Line::perfect(ms(1)));
    world.run_for(ms(59_500));
    let before = lists(&world);
    assert_eq!(before.len(), 60);
    assert!(before.windows(2).all(|pair| pair[1] - pair[0] == 1000));
    world.line.loss = 100;
    world.run_for(ms(900));
    world.line.loss = 0;
    world.run_for(s(2));
    let start = world.now.nanos() / 1_000_000;
    world.run_for(s(60));
    let after: Vec<_> = lists(&world).into_iter().filter(|at| *at > start).collect();
    assert!(after.windows(2).all(|pair| pair[1] - pair[0] >= 2000), "{after:?}");
    assert!(after.len() >= 28);
}

#[test]
fn a_row_is_asked_for_when_its_status_changes_and_around_its_polls() {
    let mut world = watch(1, Daemon::classic(1..=5), Line::perfect(ms(1)));
    world.run_for(s(5));
    let before = asked_for(&world, 3);
    world.daemon.associations.get_mut(&3).unwrap().status = 0x961a;
    world.daemon.set(3, "offset", "7.5");
    let took = world.run_until(s(2), |world| {
        let peer = latest(world).peer(id(3)).unwrap();
        peer.row.latest().unwrap().duration(&peer::OFFSET).unwrap().milliseconds() > 7.0
    });
    assert!(took <= ms(1100), "{took:?}");
    assert_eq!(asked_for(&world, 3), before + 1);
    let before = world.asked.len();
    world.run_for(s(600));
    let others = world.asked[before..].iter().filter(|(_, id, _)| *id != 0).count();
    // The scripted packets never come again, so that every poll seems overdue: every 8 s.
    assert!((5 * 50..=5 * 80).contains(&others), "{others}");
}

#[test]
fn a_tab_behind_costs_a_list_every_ten_seconds() {
    let mut world = watch(1, Daemon::classic(1..=5), Line::perfect(ms(1)));
    world.run_for(s(5));
    interest(&mut world, &[], None, false);
    world.run_for(s(12));
    world.sent.clear();
    world.asked.clear();
    world.run_for(s(100));
    assert_eq!(world.asked, [(1, 0, 0); 10]);
    interest(&mut world, &[], None, true);
    world.run_for(ms(10));
    assert!(world.asked.len() >= 10 + 6, "everything that is old is asked at once");
}

#[test]
fn details_are_asked_for_one_association_and_again_when_it_changes() {
    let mut daemon = Daemon::classic(1..=5);
    daemon.set(2, "srcadr", "127.127.28.0");
    daemon.associations.get_mut(&2).unwrap().is_clock = true;
    for name in ["config", "authentic", "timerec", "timer", "timereach", "sent", "received"] {
        daemon.set(2, name, "1");
    }
    for name in ["badauth", "bogusorg", "oldpkt", "seldisp", "selbroken", "candidate"] {
        daemon.set(2, name, "0");
    }
    let mut world = watch(1, daemon, Line::perfect(ms(1)));
    world.run_for(s(1));
    interest(&mut world, &[], Some(2), true);
    world.run_for(ms(10));
    let detailed = latest(&world).peer(id(2)).unwrap().clone();
    for which in Detail::ALL {
        assert!(detailed.detail(which).latest().is_some(), "{which:?}");
    }
    assert!(
        detailed.detail(Detail::Counters).latest().unwrap().samples(&peer::FILTER_DELAY).is_some()
    );
    assert!(latest(&world).peer(id(1)).unwrap().detail(Detail::Scalars).latest().is_none());
    let before = world.now;
    world.run_for(s(3));
    world.daemon.associations.get_mut(&2).unwrap().status = 0x961a;
    world.daemon.set(2, "reach", "0x7f");
    world.run_for(s(2));
    let again = latest(&world).peer(id(2)).unwrap();
    assert!(Detail::ALL.iter().all(|which| again.detail(*which).dated().unwrap().asked > before));
}

#[test]
fn a_name_that_the_daemon_does_not_know_turns_to_its_defaults() {
    let mut daemon = Daemon::classic(1..=5);
    for association in daemon.associations.values_mut() {
        association.variables.retain(|(name, _)| name != "dispersion");
    }
    let mut world = watch(1, daemon, Line::perfect(ms(1)));
    world.run_for(s(1));
    assert!(is_complete(latest(&world), &world.daemon));
    assert!(world.asked.contains(&(2, 3, 0)));
}

#[test]
fn an_unknown_kind_of_daemon_is_asked_for_its_defaults_only() {
    let mut world = watch(1, Daemon::of("a rock", 1..=5), Line::perfect(ms(1)));
    world.run_for(s(1));
    assert!(is_complete(latest(&world), &world.daemon));
    assert_eq!(latest(&world).identity.as_ref().unwrap().dialect, None);
    assert!(world.asked.iter().all(|(_, id, len)| *id == 0 || *len == 0));
}

#[test]
fn a_silent_daemon_is_called_so_asked_ever_more_seldom_and_found_again() {
    let mut world = watch(1, Daemon::classic(1..=5), Line::perfect(ms(1)));
    world.run_for(s(10));
    world.daemon.mood = Mood::Silent;
    let quiet = world.now;
    let took =
        world.run_until(s(9), |world| matches!(latest(world).contact, Contact::Silent { .. }));
    assert!(took <= s(6), "{took:?}");
    let Contact::Silent { since, last: Some(last) } = latest(&world).contact else { panic!() };
    assert!(last <= quiet && since > last);
    assert_eq!(rows(latest(&world)), 5, "what was known stays");
    world.run_for(s(60));
    let before = world.sent.len();
    world.run_for(s(160));
    assert_eq!(world.sent.len() - before, 40, "one in 4 s while somebody looks");
    interest(&mut world, &[], None, false);
    world.run_for(s(60));
    let before = world.sent.len();
    world.run_for(s(160));
    assert_eq!(world.sent.len() - before, 10, "one in 16 s while nobody does");
    interest(&mut world, &[1, 2, 3, 4, 5], None, true);
    world.daemon.mood = Mood::Well;
    world.run_until(s(5), |world| matches!(latest(world).contact, Contact::Answering { .. }));
    world.run_for(s(3));
    let fresh =
        |peer: &Arc<ntpscope::model::Peer>| world.now.since(peer.row.dated().unwrap().asked);
    assert!(latest(&world).peers.iter().all(|peer| fresh(peer) < s(4)));
    assert_eq!(latest(&world).restarts, 0);
}

#[test]
fn a_silent_daemon_is_not_troubled_at_the_start() {
    let mut daemon = Daemon::classic([1]);
    daemon.mood = Mood::Silent;
    let mut world = watch(1, daemon, Line::perfect(ms(1)));
    world.run_until(s(9), |world| matches!(latest(world).contact, Contact::Silent { .. }));
    assert!(world.sent.len() <= 6, "{:?}", world.asked);
    assert!(world.machine.is_settled());
}

#[test]
fn a_closed_port_is_told_at_once_and_found_open_again() {
    let mut world = watch(1, Daemon::classic(1..=5), Line::perfect(ms(1)));
    world.run_for(s(10));
    world.daemon.mood = Mood::Closed;
    world.run_until(s(2), |world| matches!(latest(world).contact, Contact::Unreachable { .. }));
    world.run_for(s(60));
    assert!(matches!(latest(&world).contact, Contact::Unreachable { last: Some(_), .. }));
    world.daemon.mood = Mood::Well;
    world.run_until(s(5), |world| matches!(latest(world).contact, Contact::Answering { .. }));
}

#[test]
fn what_is_no_daemon_is_told_from_a_silent_one() {
    for mood in [Mood::Garbage, Mood::Echo, Mood::Lying] {
        let mut world = watch(1, Daemon::classic(1..=5), Line::perfect(ms(1)));
        world.daemon.mood = mood;
        world.run_until(s(1), |world| matches!(latest(world).contact, Contact::Garbage { .. }));
        world.run_for(s(100));
        // Fragments without end are a refusal of sorts.
        let contact = &latest(&world).contact;
        assert!(matches!(contact, Contact::Garbage { .. } | Contact::Refusing { .. }), "{mood:?}");
        assert!(world.sent.len() < 20);
        world.daemon.mood = Mood::Well;
        world.run_until(s(17), |world| is_complete(latest(world), &world.daemon));
    }
}

#[test]
fn a_daemon_that_refuses_everything_is_told_and_asked_seldom() {
    let mut daemon = Daemon::classic(1..=5);
    daemon.mood = Mood::Refusing(7);
    let mut world = watch(1, daemon, Line::perfect(ms(1)));
    world.run_for(s(100));
    assert!(matches!(latest(&world).contact, Contact::Refusing { .. }));
    assert!(world.sent.len() < 15, "{:?}", world.asked);
    world.daemon.mood = Mood::Well;
    world.run_until(s(17), |world| is_complete(latest(world), &world.daemon));
}

#[test]
fn a_daemon_that_starts_anew_keeps_nothing_of_before() {
    let mut world = watch(1, Daemon::classic(1..=5), Line::perfect(ms(1)));
    world.run_for(s(5));
    world.daemon = Daemon::ntpsec(40_000..40_007);
    world.run_until(s(2), |world| is_complete(latest(world), &world.daemon));
    world.run_for(s(1));
    assert_eq!(latest(&world).restarts, 1);
    let dialect = latest(&world).identity.as_ref().unwrap().dialect;
    assert_eq!(dialect, Some(Dialect::NtpsecTo1_2_2));
    no_row_is_misplaced(latest(&world));
}

#[test]
fn an_association_that_vanishes_is_no_error() {
    let mut world = watch(1, Daemon::classic(1..=5), Line::perfect(ms(100)));
    world.run_for(s(5));
    // The list still shows it; asking for it fails; the next list shows it no longer.
    world.daemon.associations.get_mut(&4).unwrap().status = 0x961a;
    world.run_until(s(3), |world| asked_for(world, 4) == 3 || world.asked.last().unwrap().1 == 4);
    world.daemon.associations.remove(&4);
    world.run_until(s(3), |world| is_complete(latest(world), &world.daemon));
    for (_, snapshot) in &world.events {
        let quarrels = snapshot.peers.iter().filter_map(|peer| peer.row.trouble());
        assert!(
            quarrels.eq(snapshot
                .peers
                .iter()
                .filter(|peer| peer.row.latest().is_none())
                .map(|_| &Absent::NotAskedYet))
        );
    }
}

#[test]
fn another_address_is_another_daemon() {
    let mut world = watch(1, Daemon::classic(1..=5), Line::perfect(ms(1)));
    world.run_for(s(5));
    tell(&mut world, Input::Address(ADDRESS.parse().unwrap()));
    assert_eq!(rows(latest(&world)), 5);
    tell(&mut world, Input::NoAddress("no such name".into()));
    world.run_for(s(60));
    assert!(matches!(latest(&world).contact, Contact::NoAddress { .. }));
    let before = world.sent.len();
    world.run_for(s(60));
    assert_eq!(world.sent.len(), before);
    world.daemon = Daemon::ntpsec(7..=9);
    tell(&mut world, Input::Address("192.0.2.2:123".parse().unwrap()));
    assert_eq!(latest(&world).peers.len(), 0);
    world.run_for(s(1));
    assert!(is_complete(latest(&world), &world.daemon));
    assert_eq!(latest(&world).restarts, 0);
}

#[test]
fn refreshing_asks_for_what_is_on_screen_once_a_second_at_most() {
    let mut world = watch(1, Daemon::classic(1..=5), Line::perfect(ms(1)));
    world.run_for(ms(5500));
    interest(&mut world, &[2, 3], None, true);
    world.asked.clear();
    for _ in 0..10 {
        tell(&mut world, Input::Refresh);
        world.run_for(ms(10));
    }
    let rows: Vec<_> =
        world.asked.iter().filter(|(_, id, _)| *id > 0).map(|asked| asked.1).collect();
    assert_eq!(rows, [2, 3]);
}

/// The most datagrams in any 20 s from `start` on.
pub(crate) fn busiest(world: &World<Watcher>, start: Mono) -> usize {
    let sent: Vec<_> = world.sent.iter().filter(|at| **at > start).collect();
    let in_window =
        |from: &Mono| sent.iter().filter(|at| **at >= from && at.since(*from) < s(20)).count();
    sent.iter().map(|from| in_window(from)).max().unwrap_or(0)
}

#[test]
fn five_minutes_with_a_limiter() {
    let sizes = [1, 4, 12, 60, 200];
    let both = sizes.map(|size| [(size, Limiter::LIMITED), (size, Limiter::KOD)]);
    for (associations, limiter) in both.into_iter().flatten() {
        let mut daemon = Daemon::ntpsec(1..=associations);
        daemon.limiter = Some(limiter);
        let mut world = watch(1, daemon, Line::perfect(ms(2)));
        world.run_for(s(120));
        let start = world.now;
        world.run_for(s(400));
        let limited = matches!(latest(&world).contact, Contact::RateLimited { .. });
        assert!(world.daemon.dropped < 40, "{} dropped", world.daemon.dropped);
        assert!(is_complete(latest(&world), &world.daemon));
        assert!(!limited || busiest(&world, start) <= 16);
        assert!(limited || associations < 60);
        for (at, snapshot) in &world.events {
            assert!(
                snapshot.contact.is_fresh() || at.nanos() < 10_000_000,
                "{:?}",
                snapshot.contact
            );
        }
        let answers: Vec<_> =
            world.events.iter().filter_map(|(_, s)| s.contact.last_answer()).collect();
        let gap = answers.windows(2).map(|pair| pair[1].since(pair[0])).max();
        assert!(gap <= Some(s(16)), "never locked out: {gap:?}");
    }
}

/// A daemon that tells all that `dialect` counts.
fn counting() -> Daemon {
    let mut daemon = Daemon::classic(1..=2);
    for variable in Section::ALL.iter().flat_map(|section| section.askable(Dialect::Classic)) {
        daemon.system.push((variable.name.to_owned(), "7".to_owned()));
    }
    daemon
}

fn look_at_statistics(world: &mut World<Watcher>, statistics: bool) {
    let interest = Interest { visible: true, statistics, ..Interest::default() };
    tell(world, Input::Interest(interest));
}

#[test]
fn what_a_daemon_counts_is_asked_while_somebody_looks_and_politely() {
    let mut world = watch(1, counting(), Line::perfect(ms(1)));
    world.run_for(s(10));
    // Named variables of the system: their names are data; the version is asked so, too.
    let asked = |world: &World<Watcher>| {
        world
            .asked
            .iter()
            .filter(|(opcode, id, data)| (*opcode, *id) == (2, 0) && *data > 7)
            .count()
    };
    assert_eq!(asked(&world), 0);
    look_at_statistics(&mut world, true);
    world.run_for(ms(300));
    // Packets, network, clients, authentication, kernel.
    assert_eq!(asked(&world), 5);
    let packets = |world: &World<Watcher>| {
        latest(world).statistics.section(Section::Packets).part().latest().is_some()
    };
    assert!(packets(&world));
    world.run_for(s(60));
    // Packets every 4 s; the others once more for their rates, and then every 16 s.
    let sixty_seconds = asked(&world) - 5;
    assert!((15 + 4 * 3..=15 + 4 * 5).contains(&sixty_seconds), "{sixty_seconds}");
    assert!(latest(&world).statistics.rate(&system::RECEIVED).is_some());
    look_at_statistics(&mut world, false);
    let before = asked(&world);
    world.run_for(s(60));
    assert_eq!(asked(&world), before);
    assert!(packets(&world), "what was known stays");
}

#[test]
fn lists_that_need_a_key_are_not_asked_without_one() {
    let mut world = watch(1, counting(), Line::perfect(ms(1)));
    look_at_statistics(&mut world, true);
    world.run_for(s(40));
    assert!(world.asked.iter().all(|(opcode, ..)| *opcode != 11), "nothing was sent");
    let no_key = Some(Absent::Failed(Failure::NoKey));
    let statistics = &latest(&world).statistics;
    assert_eq!(statistics.interfaces.trouble().cloned(), no_key);
    assert_eq!(statistics.restrictions.trouble().cloned(), no_key);
    assert!(matches!(latest(&world).contact, Contact::Answering { .. }));
}

#[test]
fn lists_that_need_a_key_are_asked_once_there_is_one_and_no_more_without_it() {
    let key = Key::from_text(1, "MD5", "secretmd5").unwrap();
    let mut daemon = counting();
    daemon.key = Some(key.clone());
    let mut world = watch(1, daemon, Line::perfect(ms(1)));
    let lists =
        |world: &World<Watcher>| world.asked.iter().filter(|(code, ..)| *code == 11).count();
    look_at_statistics(&mut world, true);
    world.run_for(s(10));
    assert_eq!(lists(&world), 0);
    tell(&mut world, Input::Key(Some(key)));
    // Soon enough that what was refused is not asked again.
    world.run_for(s(2));
    assert_eq!(lists(&world), 2);
    let statistics = &latest(&world).statistics;
    assert_eq!(statistics.interfaces.latest().map(Vec::len), Some(1));
    assert!(matches!(statistics.restrictions.trouble(), Some(Absent::Failed(Failure::Refused(_)))));
    tell(&mut world, Input::Key(None));
    let before = lists(&world);
    world.run_for(s(100));
    assert_eq!(lists(&world), before);
    let no_key = Absent::Failed(Failure::NoKey);
    assert_eq!(latest(&world).statistics.interfaces.trouble(), Some(&no_key));
}

#[test]
fn a_daemon_that_does_not_know_a_section_is_not_asked_for_it_again() {
    let mut world = watch(1, Daemon::classic(1..=2), Line::perfect(ms(1)));
    look_at_statistics(&mut world, true);
    world.run_for(s(60));
    let named =
        world.asked.iter().filter(|(opcode, id, data)| (*opcode, *id) == (2, 0) && *data > 7);
    assert_eq!(named.count(), 5);
    let part = latest(&world).statistics.section(Section::Packets).part().clone();
    assert_eq!(part.trouble(), Some(&Absent::NotInFamily));
}
