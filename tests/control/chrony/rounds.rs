//! How many round trips it takes, what is asked how often, and what becomes of a table that changes.

use std::time::Duration;

use ntpscope::control::watcher::Input;
use ntpscope::model::vars::{peer, system};
use ntpscope::model::{Absent, Contact, Interest, Value};
use ntpscope::units::Tally;
use ntpscope::wire::cmdmon::{Address, Command};

use super::{flights, is_complete, latest, nothing_is_misplaced, s, source, tell, watch};
use crate::chronyd::{Chronyd, Fault, Source, State, address};
use crate::daemon::ms;
use crate::line::Line;

fn sixty() -> State {
    State::with_servers(60)
}

/// The promise: three round trips and this.
const BESIDES: Duration = Duration::from_millis(30);

#[test]
fn sixty_sources_take_three_round_trips() {
    // What UDP gives unless it is told to, and all of it.
    let opened = ["ntpdata", "authdata", "selectdata", "serverstats"];
    let mut open = Chronyd::new(sixty()).over_udp().of(4, 8);
    open.opened.extend(opened);
    for (daemon, questions) in [(Chronyd::new(sixty()).over_udp(), 3), (open, 6)] {
        let mut world = watch(1, daemon, Line::perfect(ms(25)));
        let took = world.run_until(s(2), |world| is_complete(world) && world.machine.is_settled());
        assert!(took <= ms(3 * 50) + BESIDES, "{took:?}");
        nothing_is_misplaced(latest(&world));
        let flights = flights(&world);
        assert!(flights.len() <= 3, "{flights:?}");
        // Two questions a source in one trip, none of them waiting for another.
        assert!(flights[1].1 >= 120, "{flights:?}");
        assert!(matches!(latest(&world).contact, Contact::Answering { .. }));
        let asked: usize = flights.iter().map(|(_, count)| count).sum();
        assert_eq!(asked, world.daemon.heard.len());
        assert!(asked <= questions * 60 + 16, "no question twice: {asked}");
        assert!(world.daemon.heard.iter().all(|heard| heard.answered));
    }
}

#[test]
fn over_a_unix_socket_no_more_is_under_way_than_its_queue_holds() {
    let mut world = watch(1, Chronyd::new(sixty()), Line::perfect(Duration::from_micros(50)));
    let start = world.now;
    while !(is_complete(&world) && world.machine.is_settled()) {
        world.run_for(Duration::from_micros(10));
        assert!(world.machine.in_flight() <= 10, "{} in flight", world.machine.in_flight());
    }
    let took = world.now.since(start);
    assert!(took <= ms(180), "{took:?}");
    nothing_is_misplaced(latest(&world));
}

#[test]
fn names_are_asked_once_and_the_rest_again_and_again() {
    let mut world = watch(1, Chronyd::new(State::with_servers(5)), Line::perfect(ms(1)));
    world.run_for(s(60));
    let count = |command| world.daemon.count(command);
    assert_eq!(count(Command::NTP_SOURCE_NAME), 5);
    for command in [Command::SOURCE_DATA, Command::SOURCESTATS, Command::SELECT_DATA] {
        assert!((5 * 20..=5 * 61).contains(&count(command)), "{command}: {}", count(command));
    }
    let tracking = count(Command::TRACKING);
    assert!((20..=61).contains(&tracking), "{tracking}");
    // Nobody asked for clients, and nothing that could change the daemon is ever sent.
    assert_eq!(count(Command::CLIENT_ACCESSES_BY_INDEX3), 0);
    for heard in &world.daemon.heard {
        let row = heard.command.row().expect("a known command");
        assert_eq!(row.purpose, ntpscope::wire::cmdmon::Purpose::Reading, "{}", heard.command);
    }
}

#[test]
fn one_that_nobody_looks_at_is_asked_little() {
    let mut world = watch(1, Chronyd::new(sixty()), Line::perfect(ms(1)));
    world.run_for(s(5));
    tell(&mut world, Input::Interest(Interest { visible: false, ..Interest::default() }));
    world.run_for(s(20));
    let before = world.sent.len();
    world.run_for(s(600));
    let hidden = world.sent.len() - before;
    assert!(hidden < 60 * 3 * 120, "{hidden}");
    tell(&mut world, Input::Interest(Interest { visible: true, ..Interest::default() }));
    let stale = latest(&world).contact.last_answer();
    world.run_until(s(1), |world| latest(world).contact.last_answer() > stale);
}

#[test]
fn what_udp_does_not_give_is_asked_seldom_and_said_to_be_closed() {
    let mut world = watch(1, Chronyd::new(State::with_servers(8)).over_udp(), Line::perfect(ms(5)));
    world.run_until(s(1), is_complete);
    let snapshot = latest(&world);
    let one = source(snapshot, address(3)).unwrap();
    for variable in [
        &peer::DELAY,
        &peer::PACKET_OFFSET,
        &peer::LOW_LIMIT,
        &peer::SCORE,
        &peer::AUTH_MODE,
        &peer::REFERENCE_ID,
    ] {
        let why = one.value(variable).unwrap_err();
        assert!(matches!(why, Absent::Closed { how } if how.contains("opencommands")), "{why:?}");
    }
    let why = snapshot.system.latest().unwrap().get(&system::NTP_HITS).unwrap_err();
    assert!(matches!(why, Absent::Closed { how } if how.contains("serverstats")), "{why:?}");
    // The state that `sources` shows has to do.
    assert_eq!(source(snapshot, address(1)).unwrap().status.tally(), Tally::SystemPeer);
    assert_eq!(source(snapshot, address(2)).unwrap().status.tally(), Tally::Candidate);
    assert!(one.value(&peer::ERROR_BOUND).is_ok());

    world.run_for(s(600));
    for command in
        [Command::SELECT_DATA, Command::NTP_DATA, Command::AUTH_DATA, Command::SERVER_STATS]
    {
        let asked = world.daemon.count(command);
        // Once for each source at first, for nobody knows; then one question a minute.
        assert!((1..=8 + 11).contains(&asked), "{command}: {asked}");
        assert!(asked >= 9, "{command} was never asked for again: {asked}");
    }
}

#[test]
fn what_is_opened_later_is_told_from_then_on_and_only_that() {
    let daemon = Chronyd::new(State::with_servers(3)).over_udp().of(4, 8);
    let mut world = watch(1, daemon, Line::perfect(ms(5)));
    world.run_until(s(1), is_complete);
    assert!(source(latest(&world), address(2)).unwrap().value(&peer::DELAY).is_err());
    world.daemon.opened = vec!["ntpdata"];
    world.run_until(s(120), |world| {
        let all = (1..=3).filter_map(|n| source(latest(world), address(n)));
        all.filter(|one| one.value(&peer::DELAY).is_ok()).count() == 3
    });
    nothing_is_misplaced(latest(&world));
    let one = source(latest(&world), address(2)).unwrap();
    assert!(matches!(one.value(&peer::AUTH_MODE), Err(Absent::Closed { .. })));
    // And closed again: old values stay with their age, or the reason stands there; none is new.
    world.daemon.opened.clear();
    world.run_for(s(130));
    assert!(matches!(latest(&world).contact, Contact::Answering { .. }));
}

#[test]
fn a_table_that_shifts_between_two_questions_mixes_nothing_up() {
    // Somewhere in each part of a round, at the beginning, in the middle, at the end.
    for after in [2, 3, 10, 20, 30, 31, 40, 60, 90, 110, 150] {
        for turn in TURNS {
            let mut daemon = Chronyd::new(State::with_servers(20));
            daemon.turns.push((after, *turn));
            let mut world = watch(1, daemon, Line::perfect(ms(25)));
            let took = world.run_until(s(10), is_complete);
            for (_, snapshot) in &world.events {
                nothing_is_misplaced(snapshot);
            }
            assert!(took <= s(6), "{after}: {took:?}");
        }
    }
}

/// What may become of a table of sources.
const TURNS: &[fn(&mut State)] = &[
    |state| drop(state.sources.remove(0)),
    |state| drop(state.sources.remove(10)),
    |state| drop(state.sources.pop()),
    |state| state.sources.reverse(),
    |state| state.sources.insert(0, Source::server(77)),
    |state| state.sources.push(Source::server(77)),
    |state| state.sources[5] = Source::server(78),
    |state| state.sources.clear(),
    |state| state.sources.truncate(1),
];

#[test]
fn a_source_keeps_its_name_for_as_long_as_it_is_there_and_gives_it_to_no_other() {
    let mut world = watch(1, Chronyd::new(State::with_servers(10)), Line::perfect(ms(5)));
    world.run_until(s(1), is_complete);
    let id = |world: &_, n| source(latest(world), address(n)).map(|one| one.id);
    let before: Vec<_> = (1..=10).map(|n| id(&world, n).unwrap()).collect();
    world.daemon.state.sources.reverse();
    world.daemon.state.sources.remove(0);
    world.run_until(s(10), is_complete);
    assert_eq!(id(&world, 10), None);
    for n in 1..=9_u8 {
        assert_eq!(id(&world, n), Some(before[usize::from(n) - 1]), "{n}");
    }
    world.daemon.state.sources.push(Source::server(10));
    world.daemon.state.sources.push(Source::server(11));
    world.run_until(s(10), is_complete);
    let new = id(&world, 11).unwrap();
    assert!(!before.contains(&new), "{new} was another's");
}

#[test]
fn sources_that_come_and_go_for_a_day_never_share_a_name() {
    let mut world = watch(1, Chronyd::new(State::with_servers(4)), Line::perfect(ms(1)));
    let mut owners = std::collections::BTreeMap::new();
    for n in 5..=200_u8 {
        world.daemon.state.sources.rotate_left(1);
        world.daemon.state.sources[0] = Source::server(n);
        world.run_until(s(10), is_complete);
        for one in latest(&world).peers.iter() {
            let address = one.row.latest().unwrap().address(&peer::SOURCE);
            let owner = owners.entry(one.id).or_insert(address);
            assert_eq!(*owner, address, "{} is another's", one.id);
        }
    }
}

#[test]
fn no_sources_at_all_are_a_complete_picture() {
    let mut world = watch(1, Chronyd::new(State::with_servers(0)), Line::perfect(ms(25)));
    let took = world.run_until(s(1), |world| world.machine.is_settled() && is_complete(world));
    assert!(took <= ms(130), "{took:?}");
    assert!(latest(&world).peers.is_empty());
    world.daemon.state.sources.push(Source::server(1));
    world.run_until(s(10), is_complete);
}

#[test]
fn clocks_and_sources_without_an_address_have_a_row() {
    let mut state = State::with_servers(2);
    state.sources.insert(0, Source::clock(*b"PPS\0"));
    state.sources.insert(0, Source::clock(*b"GPS\0"));
    state.sources.push(Source::unheard(Address::Unresolved(7), "nowhere.example"));
    state.sources.push(Source::unheard(Address::Unresolved(8), "nowhere.example"));
    state.sources.push(Source::unheard(address(9).into(), "silent.example"));
    let mut world = watch(1, Chronyd::new(state), Line::perfect(ms(25)));
    let rows = |world: &super::World<super::Watcher, Chronyd>| {
        world.events.last().map_or(0, |(_, snapshot)| {
            snapshot.peers.iter().filter(|peer| peer.row.latest().is_some()).count()
        })
    };
    world.run_until(s(1), |world| rows(world) == 7 && world.machine.is_settled());
    let snapshot = latest(&world);
    let text = |variable| {
        let texts = snapshot.peers.iter().filter_map(|one| match one.value(variable) {
            Ok((Value::Text(text), _)) => Some(text.to_string()),
            _ => None,
        });
        texts.collect::<Vec<_>>()
    };
    let hosts = text(&peer::SOURCE_HOST);
    for host in ["GPS", "PPS", "nowhere.example", "silent.example"] {
        assert!(hosts.iter().any(|found| found == host), "{host} in {hosts:?}");
    }
    assert_eq!(hosts.iter().filter(|host| *host == "nowhere.example").count(), 2);
    let silent = source(snapshot, address(9)).unwrap();
    for variable in [&peer::OFFSET, &peer::JITTER, &peer::MEASURED_OFFSET, &peer::SAMPLE_AGE] {
        assert_eq!(silent.value(variable).unwrap_err(), Absent::NotGiven, "{}", variable.field);
    }
    let clocks: Vec<_> = snapshot
        .peers
        .iter()
        .filter(|one| matches!(one.value(&peer::IS_REFERENCE_CLOCK), Ok((Value::Flag(true), _))))
        .collect();
    assert_eq!(clocks.len(), 2);
    for clock in clocks {
        assert!(clock.value(&peer::SOURCE).is_err());
        assert_eq!(clock.value(&peer::DELAY).unwrap_err(), Absent::NotInFamily);
    }
    // Nothing is asked by the address that stands for a clock's letters.
    let asked = world.daemon.heard.iter().filter(|heard| !heard.answered).count();
    assert_eq!(asked, 0);
    let ids: std::collections::BTreeSet<_> = snapshot.peers.iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), 7);
}

#[test]
fn a_name_that_gets_its_address_becomes_that_source() {
    let mut state = State::with_servers(2);
    state.sources.push(Source::unheard(Address::Unresolved(7), "server3.example"));
    let mut world = watch(1, Chronyd::new(state), Line::perfect(ms(5)));
    world.run_for(s(5));
    world.daemon.state.sources[2] = Source::server(3);
    world.run_until(s(10), is_complete);
    nothing_is_misplaced(latest(&world));
}

#[test]
fn clients_are_walked_through_when_they_are_wanted() {
    let mut state = State::with_servers(2);
    let mut clients: Vec<_> = (1..=250).map(crate::chronyd::client).collect();
    for empty in [0, 7, 8, 100, 249] {
        clients[empty].address = Address::Unspecified;
    }
    state.clients = Some(clients);
    let mut world = watch(1, Chronyd::new(state), Line::perfect(ms(25)));
    world.run_until(s(1), is_complete);
    assert_eq!(world.daemon.count(Command::CLIENT_ACCESSES_BY_INDEX3), 0);
    let interest = Interest { visible: true, clients: true, ..Interest::default() };
    tell(&mut world, Input::Interest(interest));
    let took = world.run_until(s(5), |world| latest(world).clients.latest().is_some());
    assert!(took <= s(1), "{took:?}");
    let found = latest(&world).clients.latest().unwrap();
    assert_eq!(found.len(), 245);
    let first =
        found.iter().find(|one| one.address == std::net::IpAddr::from([10, 7, 0, 2])).unwrap();
    assert_eq!((first.ntp.hits, first.ntp.drops, first.commands.hits), (2001, 201, 2002));
    assert_eq!(first.ntp.last, Some(s(21)));
    assert_eq!(first.limited_interval, None);
    // And no counter was reset.
    for heard in &world.daemon.heard {
        if let Some(ntpscope::wire::cmdmon::Body::ClientAccesses(range)) =
            heard.request.as_ref().map(|request| &request.body)
        {
            assert!(!range.resets);
        }
    }
    world.daemon.state.clients = None;
    world.run_for(s(120));
    assert!(latest(&world).clients.trouble().is_some(), "it keeps no account any longer");
}

#[test]
fn one_look_that_wants_clients_waits_for_them() {
    let interest = || Interest { visible: true, clients: true, ..Interest::default() };
    // Told so before the first answer, in the middle of the first round, and after it.
    for after in [ms(0), ms(12), ms(25), ms(200)] {
        for daemon in [Chronyd::new(sixty()), Chronyd::new(sixty()).over_udp()] {
            let is_told = daemon.carrier == crate::chronyd::Carrier::Unix;
            let mut world = watch(1, daemon, Line::perfect(ms(5)));
            world.run_for(after);
            tell(&mut world, Input::Interest(interest()));
            let took = world.run_until(s(3), |world| world.machine.is_settled());
            assert!(took <= s(1), "{took:?}");
            let clients = &latest(&world).clients;
            if is_told {
                assert_eq!(clients.latest().map(Vec::len), Some(3), "{after:?}");
            } else {
                assert!(matches!(clients.trouble(), Some(Absent::Closed { .. })), "{after:?}");
            }
        }
    }
}

#[test]
fn a_restart_is_told_and_everything_is_as_the_new_daemon_says() {
    let mut world = watch(1, Chronyd::new(State::with_servers(6)), Line::perfect(ms(5)));
    world.run_until(s(1), is_complete);
    let mut anew = State::with_servers(4);
    anew.tracking.reference_time = ntpscope::wire::cmdmon::UnixTime::NEVER;
    anew.server_stats.ntp_hits = 1;
    anew.server_stats.command_hits = 1;
    world.daemon.state = anew;
    world.run_until(s(30), |world| latest(world).restarts == 1 && is_complete(world));
    nothing_is_misplaced(latest(&world));
    world.run_for(s(120));
    assert_eq!(latest(&world).restarts, 1);
}

#[test]
fn a_release_is_told_from_what_it_answers() {
    for (minor, words) in [
        (0, &["4.0"][..]),
        (1, &["4.1"]),
        (2, &["4.2"]),
        (3, &["4.3"]),
        (4, &["4.4"]),
        (5, &["4.5"]),
        (6, &["4.6"]),
        (7, &["4.7"]),
        (8, &["4.7", "4.8"]),
    ] {
        let daemon = Chronyd::new(State::with_servers(2)).of(4, minor);
        let mut world = watch(1, daemon, Line::perfect(ms(5)));
        world.run_until(s(1), is_complete);
        world.run_for(s(30));
        let version = &latest(&world).identity.as_ref().unwrap().version;
        assert!(version.starts_with("chronyd"), "{version}");
        assert!(
            words.iter().any(|word| version.contains(word)) || covers(version, minor),
            "{version} of 4.{minor}"
        );
    }
}

/// Whether a range of releases holds 4.`minor`.
fn covers(version: &str, minor: u8) -> bool {
    let found = version.split("4.").skip(1);
    let numbers: Vec<u8> =
        found.filter_map(|rest| rest.get(..1).and_then(|digit| digit.parse().ok())).collect();
    match numbers[..] {
        [first, last] => (first..=last).contains(&minor),
        [first] => version.contains("later") && first <= minor,
        _ => false,
    }
}

#[test]
fn one_newer_than_all_gets_more_padding() {
    let daemon = Chronyd::new(State::with_servers(3)).of(4, 8).with(Fault::Wants(640));
    let mut world = watch(1, daemon, Line::perfect(ms(5)));
    world.run_until(s(2), is_complete);
    let before = world.daemon.heard.len();
    world.run_for(s(10));
    assert!(world.daemon.heard[before..].iter().all(|heard| heard.len >= 640), "it is remembered");
}
