//! Lines that lose, daemons that stop, start anew, refuse, limit and lie.

use std::time::Duration;

use ntpscope::control::watcher::Input;
use ntpscope::model::question::Unreachable;
use ntpscope::model::vars::{peer, system};
use ntpscope::model::{Absent, Contact, Failure, Interest};
use ntpscope::units::Mono;
use ntpscope::wire::cmdmon::{Command, Status};

use super::{Watcher, World, is_complete, latest, nothing_is_misplaced, s, source, tell, watch};
use crate::chronyd::{Chronyd, Fault, State, address};
use crate::daemon::ms;
use crate::line::Line;

/// More than this no daemon has.
const MOST_SOURCES: usize = 1024;

const SEEDS: std::ops::Range<u8> = 0..12;

/// A world with a complete picture, and then with something wrong.
fn then(daemon: Chronyd, faults: &[Fault]) -> World<Watcher, Chronyd> {
    let mut world = watch(1, daemon, Line::perfect(ms(5)));
    world.run_until(s(2), is_complete);
    world.daemon.faults = faults.to_vec();
    world
}

fn twenty() -> Chronyd {
    Chronyd::new(State::with_servers(20))
}

/// How many datagrams went out in a span of time from now on.
fn sent_in(world: &mut World<Watcher, Chronyd>, span: Duration) -> usize {
    let before = world.sent.len();
    world.run_for(span);
    world.sent.len() - before
}

#[test]
fn every_source_is_shown_though_some_answers_are_lost() {
    for seed in SEEDS {
        // Lost on either way, so of twenty in a hundred more than a third of the answers.
        for (loss, within) in [(5, s(5)), (20, s(30))] {
            for daemon in [twenty(), twenty().over_udp()] {
                let mut world = watch(seed, daemon, Line::bad(seed.into(), loss, ms(50)));
                world.run_until(within, is_complete);
                world.run_for(s(60));
                for (_, snapshot) in &world.events {
                    nothing_is_misplaced(snapshot);
                }
                let lost = |contact: &Contact| matches!(contact, Contact::Silent { .. });
                assert!(!world.events.iter().any(|(_, one)| lost(&one.contact)), "called silent");
            }
        }
    }
}

#[test]
fn two_runs_of_one_seed_are_the_same_and_waking_early_changes_nothing() {
    let run = |seed: u8, early: bool| {
        let mut daemon = twenty();
        daemon.turns.push((200, |state| drop(state.sources.remove(3))));
        let mut world = watch(seed, daemon, Line::bad(seed.into(), 20, ms(100)));
        world.early = early.then_some(ms(37));
        world.run_for(s(12));
        world.daemon.faults.push(Fault::Silent);
        world.run_for(s(12));
        world.daemon.faults.clear();
        world.run_for(s(12));
        world
    };
    for seed in SEEDS {
        let (one, same, early) = (run(seed, false), run(seed, false), run(seed, true));
        assert!(one.log == same.log, "seed {seed}");
        let at = one.log.iter().zip(&early.log).position(|(one, other)| one != other);
        let context = at.map(|at| (&one.log[at.saturating_sub(5)..=at], &early.log[at]));
        assert_eq!(context, None, "seed {seed}");
        assert_eq!(one.log.len(), early.log.len());
    }
}

#[test]
fn one_that_falls_silent_is_said_to_asked_less_and_taken_up_again() {
    for daemon in [twenty(), twenty().over_udp()] {
        let mut world = then(daemon, &[Fault::Silent]);
        let took =
            world.run_until(s(15), |world| matches!(latest(world).contact, Contact::Silent { .. }));
        assert!(took <= s(12), "{took:?}");
        assert_eq!(latest(&world).peers.len(), 20, "old values stay");
        let soon = sent_in(&mut world, s(60));
        assert!(soon <= 60, "{soon} in a minute");
        let late = sent_in(&mut world, s(600));
        assert!((5..=600).contains(&late), "{late} in ten minutes");
        let last = world.daemon.heard.last().unwrap();
        assert!(matches!(last.command, Command::N_SOURCES | Command::TRACKING), "{}", last.command);
        world.daemon.faults.clear();
        let took = world.run_until(s(70), |world| {
            matches!(latest(world).contact, Contact::Answering { .. }) && is_complete(world)
        });
        // Somebody looks at it.
        assert!(took <= s(20), "{took:?}");
    }
}

#[test]
fn nobody_there_from_the_start_is_silence_and_settles() {
    for daemon in [twenty(), twenty().over_udp()] {
        let mut world = watch(1, daemon.with(Fault::Silent), Line::perfect(ms(5)));
        let took = world.run_until(s(15), |world| {
            matches!(latest(world).contact, Contact::Silent { last: None, .. })
        });
        assert!(took <= s(8), "{took:?}");
        assert!(world.machine.is_settled());
        assert!(world.sent.len() <= 8, "{}", world.sent.len());
    }
}

#[test]
fn a_closed_port_is_told_at_once_and_recovered_from() {
    let mut world = then(twenty().over_udp(), &[Fault::Closed]);
    let took = world.run_until(s(5), |world| {
        let why = &latest(world).contact;
        matches!(why, Contact::Unreachable { why: Unreachable::PortClosed, .. })
    });
    assert!(took <= s(3), "{took:?}");
    let sent = sent_in(&mut world, s(60));
    assert!(sent <= 60, "{sent}");
    world.daemon.faults.clear();
    world.run_until(s(20), |world| {
        is_complete(world) && matches!(latest(world).contact, Contact::Answering { .. })
    });
}

#[test]
fn a_socket_that_is_gone_is_told_in_its_own_words() {
    for why in [Unreachable::NoSocket, Unreachable::SocketAbandoned, Unreachable::SocketDenied] {
        let mut world = then(twenty(), &[Fault::Silent]);
        tell(&mut world, Input::Unreachable(why));
        let Contact::Unreachable { why: told, last: Some(_), .. } = latest(&world).contact else {
            panic!("{:?}", latest(&world).contact)
        };
        assert_eq!(told, why);
        assert_eq!(latest(&world).peers.len(), 20, "old values stay");
        world.daemon.faults.clear();
        world.run_until(s(20), |world| matches!(latest(world).contact, Contact::Answering { .. }));
        let restarts = latest(&world).restarts;
        assert_eq!(restarts, u32::from(why != Unreachable::SocketDenied), "{why:?}");
    }
}

#[test]
fn garbage_is_called_so_and_changes_no_value() {
    let garbage = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        vec![],
        vec![6, 2, 0, 0],
        vec![0xff; 520],
        vec![0; 1500],
    ];
    for bytes in garbage {
        let mut world = then(twenty(), &[Fault::Garbage(bytes.clone())]);
        let before = latest(&world).peers.clone();
        world.run_until(s(15), |world| matches!(latest(world).contact, Contact::Garbage { .. }));
        let sent = sent_in(&mut world, s(60));
        assert!(sent <= 120, "{sent}");
        for (one, other) in before.iter().zip(latest(&world).peers.iter()) {
            assert_eq!(one.duration(&peer::OFFSET), other.duration(&peer::OFFSET));
        }
        world.daemon.faults.clear();
        world.run_until(s(30), |world| {
            is_complete(world) && matches!(latest(world).contact, Contact::Answering { .. })
        });
        nothing_is_misplaced(latest(&world));
    }
}

#[test]
fn answers_cut_short_are_no_answers() {
    for len in [0, 7, 20, 27, 28, 29, 31] {
        let mut world = watch(1, twenty().with(Fault::Truncated(len)), Line::perfect(ms(5)));
        world.run_for(s(30));
        let snapshot = latest(&world);
        assert!(snapshot.peers.is_empty() && snapshot.system.latest().is_none(), "{len}");
        assert!(
            matches!(snapshot.contact, Contact::Garbage { .. }),
            "{len}: {:?}",
            snapshot.contact
        );
        assert!(world.sent.len() <= 80, "{len}: {}", world.sent.len());
        world.daemon.faults.clear();
        world.run_until(s(30), is_complete);
    }
}

#[test]
fn answers_to_other_questions_never_get_in() {
    for fault in [Fault::OtherSequence, Fault::OtherCommand] {
        let mut world = watch(1, twenty().with(fault.clone()), Line::perfect(ms(5)));
        world.run_for(s(30));
        let snapshot = latest(&world);
        assert!(snapshot.peers.is_empty(), "{fault:?}");
        assert!(snapshot.system.latest().is_none(), "{fault:?}");
        assert!(snapshot.identity.is_none(), "{fault:?}");
        assert!(!matches!(snapshot.contact, Contact::Answering { .. }), "{fault:?}");
        assert!(world.sent.len() <= 60, "{fault:?}: {}", world.sent.len());
    }
}

#[test]
fn answers_that_come_twice_late_and_in_reverse_do_no_harm() {
    for faults in [
        vec![Fault::Twice],
        vec![Fault::Backwards(ms(100))],
        vec![Fault::Twice, Fault::Backwards(ms(60))],
        vec![Fault::Slow(Command::N_SOURCES, ms(400))],
        vec![Fault::Slow(Command::SELECT_DATA, ms(700))],
        vec![Fault::Slow(Command::NTP_DATA, ms(700)), Fault::Twice],
    ] {
        let mut daemon = twenty();
        daemon.faults.clone_from(&faults);
        let mut world = watch(1, daemon, Line::perfect(ms(5)));
        world.run_until(s(6), is_complete);
        world.run_for(s(30));
        for (_, snapshot) in &world.events {
            nothing_is_misplaced(snapshot);
        }
        assert!(matches!(latest(&world).contact, Contact::Answering { .. }), "{faults:?}");
    }
}

#[test]
fn one_command_without_an_answer_costs_only_its_own_values() {
    for (mute, gone) in [
        (Command::SELECT_DATA, &peer::HIGH_LIMIT),
        (Command::NTP_DATA, &peer::DELAY),
        (Command::AUTH_DATA, &peer::AUTH_MODE),
        (Command::SOURCESTATS, &peer::JITTER),
        (Command::NTP_SOURCE_NAME, &peer::SOURCE_HOST),
    ] {
        let mut daemon = twenty().over_udp().of(4, 8).with(Fault::Mute(mute));
        daemon.opened.extend(["ntpdata", "authdata", "selectdata", "serverstats"]);
        let mut world = watch(1, daemon, Line::perfect(ms(5)));
        world.run_for(s(20));
        let snapshot = latest(&world);
        assert!(matches!(snapshot.contact, Contact::Answering { .. }), "{mute}");
        assert_eq!(snapshot.peers.len(), 20, "{mute}");
        for n in 1..=20 {
            let one = source(snapshot, address(n)).unwrap();
            for variable in [
                &peer::OFFSET,
                &peer::JITTER,
                &peer::SOURCE_HOST,
                &peer::DELAY,
                &peer::AUTH_MODE,
                &peer::HIGH_LIMIT,
            ] {
                let found = one.value(variable);
                assert_eq!(
                    found.is_err(),
                    std::ptr::eq(variable, gone),
                    "{mute}: {}",
                    variable.field
                );
            }
        }
        let in_a_minute = sent_in(&mut world, s(60));
        assert!(in_a_minute < 20 * 5 * 60, "{mute}: {in_a_minute}");
        world.daemon.faults.clear();
        world.run_until(s(90), is_complete);
    }
}

#[test]
fn one_command_refused_says_why_in_its_own_values() {
    for (command, status) in [
        (Command::SELECT_DATA, Status::Invalid),
        (Command::NTP_DATA, Status::Failed),
        (Command::AUTH_DATA, Status::Unauthorised),
        (Command::SERVER_STATS, Status::Invalid),
    ] {
        let daemon = twenty().with(Fault::RefusesOne(command, status));
        let mut world = watch(1, daemon, Line::perfect(ms(5)));
        world.run_for(s(10));
        let snapshot = latest(&world);
        assert!(matches!(snapshot.contact, Contact::Answering { .. }), "{command}");
        let one = source(snapshot, address(4)).unwrap();
        let why = match command {
            Command::SELECT_DATA => one.value(&peer::SCORE).map(|_| ()),
            Command::NTP_DATA => one.value(&peer::DELAY).map(|_| ()),
            Command::AUTH_DATA => one.value(&peer::AUTH_MODE).map(|_| ()),
            _ => snapshot.system.latest().unwrap().get(&system::NTP_HITS).map(|_| ()),
        };
        let why = why.unwrap_err();
        assert!(
            !matches!(why, Absent::NotAskedYet | Absent::NotGiven),
            "{command} {status:?}: {why:?}"
        );
        assert!(one.value(&peer::OFFSET).is_ok());
    }
}

#[test]
fn one_that_refuses_everything_is_said_to() {
    for status in [Status::Unauthorised, Status::Failed, Status::Invalid] {
        let mut world = watch(1, twenty().with(Fault::Refuses(status)), Line::perfect(ms(5)));
        world.run_for(s(20));
        let contact = &latest(&world).contact;
        assert!(
            matches!(contact, Contact::Refusing { why: Failure::Declined(found), .. } if *found == status),
            "{contact:?}"
        );
        let sent = sent_in(&mut world, s(60));
        assert!(sent <= 90, "{sent}");
        world.daemon.faults.clear();
        world.run_until(s(70), is_complete);

        let mut world = then(twenty(), &[Fault::Refuses(status)]);
        world.run_until(s(30), |world| matches!(latest(world).contact, Contact::Refusing { .. }));
        assert_eq!(latest(&world).peers.len(), 20, "old values stay");
    }
}

#[test]
fn another_version_of_the_protocol_is_named() {
    for version in [5, 4] {
        let daemon = twenty().over_udp().with(Fault::OtherVersion(version));
        let mut world = watch(1, daemon, Line::perfect(ms(5)));
        world.run_for(s(20));
        let contact = &latest(&world).contact;
        let Contact::Refusing { why: why @ Failure::Declined(Status::BadPacketVersion), .. } =
            contact
        else {
            panic!("{contact:?}")
        };
        assert!(why.to_string().contains("version"), "{why}");
    }
    let mut world = watch(1, twenty().with(Fault::Wants(10_000)), Line::perfect(ms(5)));
    world.run_for(s(20));
    let contact = &latest(&world).contact;
    assert!(
        matches!(
            contact,
            Contact::Refusing { why: Failure::Declined(Status::BadPacketLength), .. }
        ),
        "{contact:?}"
    );
    assert!(world.daemon.heard.iter().all(|heard| heard.len <= 860), "more is never answered");
}

#[test]
fn access_that_is_withdrawn_shows_and_returns() {
    // With `cmddeny` chronyd answers nothing any more.
    let mut world = then(twenty().over_udp(), &[Fault::Silent]);
    world.run_until(s(15), |world| {
        matches!(latest(world).contact, Contact::Silent { last: Some(_), .. })
    });
    world.daemon.faults.clear();
    world.run_until(s(20), |world| matches!(latest(world).contact, Contact::Answering { .. }));
    // With `opencommands` taken back it refuses, command by command.
    let refused: Vec<_> = [Command::SOURCESTATS, Command::SELECT_DATA]
        .map(|command| Fault::RefusesOne(command, Status::Unauthorised))
        .into();
    world.daemon.faults = refused;
    world.run_for(s(10));
    assert!(matches!(latest(&world).contact, Contact::Answering { .. }));
    let asked = world.daemon.count(Command::SOURCESTATS);
    world.run_for(s(60));
    assert!(world.daemon.count(Command::SOURCESTATS) - asked <= 4, "it is asked seldom");
    world.daemon.faults.clear();
    world.run_for(s(70));
    let one = source(latest(&world), address(2)).unwrap();
    let age = world.now.since(one.row.dated().unwrap().answered);
    assert!(age <= s(5), "{age:?}");
}

#[test]
fn a_limiter_is_not_fought_and_everything_is_learned_in_the_end() {
    for (burst, each, within) in [(8, ms(250), s(120)), (16, ms(100), s(60)), (50, ms(62), s(40))] {
        let limited = twenty().over_udp().with(Fault::AnswersAtMost { burst, each });
        let mut world = watch(1, limited, Line::perfect(ms(5)));
        let took = world.run_until(within, |world| {
            let all = (1..=20).filter_map(|n| source(latest(world), address(n)));
            all.filter(|one| one.value(&peer::OFFSET).is_ok()).count() == 20
        });
        world.run_for(s(300));
        let silent = world.events.iter().filter(|(_, one)| {
            matches!(one.contact, Contact::Silent { .. } | Contact::Unreachable { .. })
        });
        assert_eq!(silent.count(), 0, "{burst} and one each {each:?} is not silence ({took:?})");
        // It goes on from what is answered, so few fall for each that is.
        let sent = sent_in(&mut world, s(300));
        let answered = s(300).as_millis() / each.as_millis();
        let most = usize::try_from(answered).unwrap() * 4;
        assert!(sent <= most, "{sent} of which {answered} can be answered");
    }
}

#[test]
fn a_million_sources_are_not_believed() {
    for claimed in [1_000_000, u32::MAX, 100_000] {
        for endless in [false, true] {
            let mut daemon = twenty().with(Fault::Claims(claimed));
            if endless {
                daemon.faults.push(Fault::Endless);
            }
            let mut world = watch(1, daemon, Line::perfect(ms(1)));
            world.run_for(s(4));
            let peers = latest(&world).peers.len();
            assert!(peers <= MOST_SOURCES, "{peers}");
            assert!(endless || peers >= 20, "those that are there are shown: {peers}");
            let early = world.sent.len();
            // Two rounds of six questions a source.
            assert!(early <= 2 * 6 * MOST_SOURCES + 100, "{early} datagrams in 4 s");
        }
    }
    // And where there are fewer than claimed, it is not hammered for ever.
    let daemon = twenty().with(Fault::Claims(u32::MAX));
    let mut world = watch(1, daemon, Line::perfect(ms(1)));
    world.run_for(s(10));
    let sent = sent_in(&mut world, s(60));
    // Three questions each of a few more than there were, in each of thirty rounds.
    assert!(sent <= 30 * 3 * 200, "{sent} datagrams in a minute for twenty sources");
}

#[test]
fn a_table_of_clients_without_an_end_ends() {
    let mut world = watch(1, twenty().with(Fault::ClientsInACircle), Line::perfect(ms(1)));
    world.run_until(s(1), is_complete);
    let interest = Interest { visible: true, clients: true, ..Interest::default() };
    tell(&mut world, Input::Interest(interest));
    world.run_for(s(30));
    let asked = world.daemon.count(Command::CLIENT_ACCESSES_BY_INDEX3);
    // Four walks of as many parts as hold all clients that are kept.
    assert!(asked <= 4 * 9000, "{asked}");
    assert!(latest(&world).clients.latest().is_none_or(|clients| clients.len() <= 65_536));
    assert!(matches!(latest(&world).contact, Contact::Answering { .. }));
}

#[test]
fn a_report_of_another_kind_is_not_taken_for_the_one_asked() {
    for (one, other) in [
        (Command::SOURCE_DATA, Command::SOURCESTATS),
        (Command::SELECT_DATA, Command::SOURCE_DATA),
        (Command::SOURCESTATS, Command::SELECT_DATA),
    ] {
        let mut world = watch(1, twenty().with(Fault::Swaps(one, other)), Line::perfect(ms(5)));
        world.run_for(s(20));
        nothing_is_misplaced(latest(&world));
        assert!(world.sent.len() <= 20 * 5 * 22, "{one}: {}", world.sent.len());
        world.daemon.faults.clear();
        world.run_until(s(70), is_complete);
    }
}

#[test]
fn ages_do_not_grow_while_it_answers() {
    let mut world = watch(1, twenty(), Line::bad(3, 5, ms(20)));
    world.run_until(s(10), is_complete);
    let mut oldest = Duration::ZERO;
    for _ in 0..120 {
        world.run_for(s(1));
        let dates = latest(&world).peers.iter().filter_map(|one| one.row.dated());
        let age = dates.map(|dated| world.now.since(dated.answered)).max();
        oldest = oldest.max(age.unwrap_or_default());
    }
    assert!(oldest <= s(12), "{oldest:?}");
    assert!(world.now > Mono::default());
}
