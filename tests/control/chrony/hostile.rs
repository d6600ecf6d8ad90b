//! Whatever comes, in whatever order: nothing breaks, nothing grows, and no lie stays.

use ntpscope::control::chrony::Watcher;
use ntpscope::control::watcher::Input;
use ntpscope::model::Contact;
use ntpscope::wire::cmdmon::{COMMANDS, Request};
use proptest::prelude::*;

use super::{World, is_complete, latest, nothing_is_misplaced, s, tell, watch};
use crate::chronyd::{Chronyd, State};
use crate::daemon::ms;
use crate::line::Line;

/// A datagram that somebody made up.
#[derive(Clone, Debug)]
struct Forged {
    /// The version, packet type and reserved bytes; mostly those of a reply.
    start: Option<[u8; 4]>,
    /// Which of the requests it claims to answer, from the newest; none for a number drawn.
    answers: Option<usize>,
    sequence: u32,
    command: Option<u16>,
    reply: u16,
    status: u16,
    data: Vec<u8>,
}

fn forged() -> impl Strategy<Value = Forged> {
    let command = prop_oneof![
        Just(None),
        (0..COMMANDS.len()).prop_map(|place| { Some(COMMANDS[place].command.number()) }),
        any::<u16>().prop_map(Some)
    ];
    let start = prop_oneof![4 => Just(None), 1 => any::<[u8; 4]>().prop_map(Some)];
    let answers = prop_oneof![4 => (0..200_usize).prop_map(Some), 1 => Just(None)];
    let status = prop_oneof![3 => Just(0), 1 => 0..25_u16, 1 => any::<u16>()];
    let data = proptest::collection::vec(any::<u8>(), 0..600);
    (start, answers, any::<u32>(), command, 0..30_u16, status, data).prop_map(
        |(start, answers, sequence, command, reply, status, data)| Forged {
            start,
            answers,
            sequence,
            command,
            reply,
            status,
            data,
        },
    )
}

/// Puts it on the wire, with a sequence number that is really under way where it claims to answer.
fn emit(forged: &Forged, world: &World<Watcher, Chronyd>) -> Vec<u8> {
    let heard: Vec<&Request> =
        world.daemon.heard.iter().rev().filter_map(|heard| heard.request.as_ref()).collect();
    let request = forged.answers.and_then(|place| heard.get(place));
    let own = request.map(|request| (request.sequence, request.body.command()));
    let (sequence, command) =
        own.map_or((forged.sequence, 0), |(sequence, command)| (sequence, command.number()));
    let command = forged.command.unwrap_or(command);
    // Of the type that goes with the command every other time.
    let known = ntpscope::wire::cmdmon::Command::new(command).row();
    let fitting = known.and_then(|row| row.replies.last()).map(|reply| reply.number());
    let reply =
        if forged.reply.is_multiple_of(2) { fitting.unwrap_or(forged.reply) } else { forged.reply };
    let mut bytes = forged.start.unwrap_or([6, 2, 0, 0]).to_vec();
    for word in [command, reply, forged.status, 0, 0, 0] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(sequence.to_be_bytes());
    bytes.extend([0; 8]);
    bytes.extend(&forged.data);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_datagram_upsets_it(
        all in proptest::collection::vec((forged(), 0..400_u64), 1..60),
        raw in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..20),
        is_unix in any::<bool>(),
    ) {
        let daemon = Chronyd::new(State::with_servers(4));
        let daemon = if is_unix { daemon } else { daemon.over_udp() };
        let mut world = watch(1, daemon, Line::perfect(ms(20)));
        let lies = all.len();
        for (forged, pause) in all {
            world.run_for(ms(pause));
            let datagram = emit(&forged, &world);
            tell(&mut world, Input::Datagram(&datagram));
        }
        for bytes in raw {
            tell(&mut world, Input::Datagram(&bytes));
        }
        // Each lie can make it ask, but not without end: the greatest lie is about how many there
        // are, and holds until the next honest count.
        let most = (lies + 40) * 6 * 1024;
        prop_assert!(world.sent.len() <= most, "{}", world.sent.len());
        world.run_until(s(90), |world| {
            is_complete(world) && matches!(latest(world).contact, Contact::Answering { .. })
        });
        world.run_for(s(70));
        prop_assert!(is_complete(&world));
        nothing_is_misplaced(latest(&world));
    }

    #[test]
    fn replies_to_others_change_nothing(all in proptest::collection::vec(forged(), 1..60)) {
        let mut world = watch(1, Chronyd::new(State::with_servers(4)), Line::perfect(ms(20)));
        world.run_until(s(1), is_complete);
        let mut quiet = watch(1, Chronyd::new(State::with_servers(4)), Line::perfect(ms(20)));
        quiet.run_until(s(1), is_complete);
        let under_way = |sequence: u32, world: &World<Watcher, Chronyd>| {
            let mut heard = world.daemon.heard.iter().filter_map(|heard| heard.request.as_ref());
            heard.any(|request| request.sequence == sequence)
        };
        for mut forged in all {
            forged.answers = None;
            forged.start = None;
            world.run_for(ms(50));
            quiet.run_for(ms(50));
            if !under_way(forged.sequence, &world) {
                let datagram = emit(&forged, &world);
                tell(&mut world, Input::Datagram(&datagram));
            }
        }
        world.run_for(s(3));
        quiet.run_for(s(3));
        prop_assert_eq!(&world.sent, &quiet.sent);
        prop_assert_eq!(format!("{:?}", latest_of(&world.events)), format!("{:?}", latest_of(&quiet.events)));
    }
}

fn latest_of<T, E>(events: &[(T, E)]) -> Option<&E> {
    events.last().map(|(_, event)| event)
}
