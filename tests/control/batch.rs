//! The pipeline used for a batch of questions, as the command line does.

use std::time::Duration;

use ntpscope::control::pipeline::{Answer, Pipeline, Settings, Ticket};
use ntpscope::control::timing::Timing;
use ntpscope::model::{Failure, Question};
use ntpscope::units::AssocId;
use ntpscope::wire::mac::Key;
use ntpscope::wire::mode6::auth::Authenticity;
use ntpscope::wire::mode6::{ErrorCode, Opcode};

use crate::daemon::{Daemon, Limiter, Mood, id, ms};
use crate::line::Line;
use crate::world::World;

const NAMES: [&str; 4] = ["srcadr", "offset", "delay", "reach"];

fn world(timing: Timing, daemon: Daemon, line: Line) -> World<Pipeline> {
    let settings = Settings::new(timing, [7; 32]);
    World::new(7, Pipeline::new(settings), daemon, line)
}

fn ask(world: &mut World<Pipeline>, question: Question) -> Ticket {
    world.input(|pipeline, now| pipeline.ask(now, question))
}

fn finish(world: &mut World<Pipeline>, span: Duration) -> Duration {
    world.run_until(span, |world| world.machine.is_idle())
}

fn answer(world: &World<Pipeline>, ticket: Ticket) -> &Answer {
    let mut all = world.events.iter().filter(|(_, answer)| answer.ticket == ticket);
    let (_, answer) = all.next().expect("every question ends");
    assert!(all.next().is_none(), "no question ends twice");
    answer
}

fn failure(world: &World<Pipeline>, ticket: Ticket) -> &Failure {
    answer(world, ticket).result.as_ref().unwrap_err()
}

#[test]
fn sixty_associations_take_three_round_trips() {
    let line = Line::perfect(ms(25));
    let mut daemon = Daemon::classic(1..=60);
    daemon.set(60, "srchost", "\"ntp.example\"");
    let mut world = world(Timing::live(), daemon, line);
    ask(&mut world, Question::associations());
    ask(&mut world, Question::variables(AssocId::SYSTEM, ["version"]));
    finish(&mut world, ms(1000));
    // What the first flight weighed is not forgotten with the second: it proves sooner that there is
    // no limiter.
    let settings = Settings::new(Timing::live(), [8; 32]);
    world.input(|pipeline, _| pipeline.renew(settings));
    let rows: Vec<_> =
        (1..=60).map(|n| ask(&mut world, Question::variables(id(n), NAMES))).collect();
    assert!(world.machine.in_flight() <= 32);
    finish(&mut world, ms(1000));
    assert_eq!(world.now.nanos(), 150_000_000);
    for (n, ticket) in (1..=60).zip(rows) {
        let reply = answer(&world, ticket).result.as_ref().unwrap();
        assert_eq!(reply.item("srcadr").unwrap().value, Some(format!("10.9.0.{n}").as_str()));
        assert_eq!(reply.dated.answered.since(reply.dated.asked), ms(50));
    }
    assert_eq!(world.sent.len(), 62);
}

#[test]
fn a_limiter_that_lets_questions_fall_is_not_insisted_against() {
    let live_and_ntpq = [Timing::live(), Timing::ntpq()];
    let each = live_and_ntpq.map(|timing| [(timing, Limiter::LIMITED), (timing, Limiter::KOD)]);
    for (timing, limiter) in each.into_iter().flatten() {
        let mut daemon = Daemon::ntpsec(1..=60);
        daemon.limiter = Some(limiter);
        let mut world = world(timing, daemon, Line::perfect(ms(5)));
        let tickets: Vec<_> =
            (1..=60).map(|n| ask(&mut world, Question::variables(id(n), NAMES))).collect();
        finish(&mut world, Duration::from_secs(200));
        for ticket in tickets {
            assert!(answer(&world, ticket).result.is_ok(), "{timing:?}");
        }
        assert!(world.machine.is_limited());
        assert!(world.daemon.dropped <= 17, "{} dropped", world.daemon.dropped);
        let after = world.sent.iter().filter(|at| at.nanos() > 1_000_000_000);
        let times: Vec<_> = after.collect();
        assert!(times.windows(2).all(|pair| pair[1].since(*pair[0]) >= ms(2000)));
    }
}

// Measured of ntpq 4.2.8p15: sent again after 5.0 s as it was, given up at 10.0 s.
#[test]
fn ntpq_waits_five_seconds_and_sends_the_same_once_more() {
    let mut daemon = Daemon::classic([1]);
    daemon.mood = Mood::Silent;
    let mut world = world(Timing::ntpq(), daemon, Line::perfect(ms(1)));
    let ticket = ask(&mut world, Question::associations());
    finish(&mut world, Duration::from_secs(60));
    let times: Vec<_> = world.sent.iter().map(|at| at.nanos() / 1_000_000).collect();
    assert_eq!(times, [0, 5000]);
    let sends: Vec<_> = world.log.iter().filter(|line| line.contains("sends")).collect();
    assert_eq!(sends[0][12..], sends[1][12..], "the same sequence number");
    let waited = Duration::from_secs(10);
    assert_eq!(failure(&world, ticket), &Failure::Unanswered { attempts: 2, waited });
}

// Measured: ntpq of 4.2.8p15 sends again after 3.0 s under the next number, and gives up at 6.0 s.
#[test]
fn ntpq_asks_anew_for_what_came_in_part() {
    let mut daemon = Daemon::classic(1..=5);
    (daemon.mood, daemon.fragment) = (Mood::Stuttering, 8);
    let mut world = world(Timing::ntpq(), daemon, Line::perfect(ms(1)));
    let ticket = ask(&mut world, Question::associations());
    finish(&mut world, Duration::from_secs(60));
    let times: Vec<_> = world.sent.iter().map(|at| at.nanos() / 1_000_000).collect();
    assert_eq!(times, [0, 3002]);
    let sends: Vec<_> = world.log.iter().filter(|line| line.contains("sends")).collect();
    assert_ne!(sends[0][12..], sends[1][12..], "another sequence number");
    assert_eq!(failure(&world, ticket), &Failure::Incomplete { attempts: 2 });
    assert_eq!(world.now.nanos() / 1_000_000, 6004);
}

#[test]
fn a_quick_line_is_asked_again_soon_and_under_another_number() {
    let mut world = world(Timing::live(), Daemon::classic([1]), Line::perfect(ms(2)));
    ask(&mut world, Question::associations());
    finish(&mut world, ms(1000));
    world.daemon.mood = Mood::Silent;
    world.sent.clear();
    let start = world.now;
    let ticket = ask(&mut world, Question::associations());
    finish(&mut world, Duration::from_secs(60));
    let times: Vec<_> = world.sent.iter().map(|at| at.since(start).as_millis()).collect();
    assert_eq!(times, [0, 250, 750, 1750]);
    assert!(matches!(failure(&world, ticket), Failure::Unanswered { attempts: 4, .. }));
    assert_eq!(world.now.since(start), ms(3750));
}

#[test]
fn fragments_may_come_in_any_order_and_twice() {
    for seed in 0..50 {
        let mut daemon = Daemon::classic(1..=300);
        daemon.fragment = 60;
        let mut line = Line::bad(seed, 0, ms(400));
        line.duplication = 40;
        let mut world = world(Timing::live(), daemon, line);
        let ticket = ask(&mut world, Question::associations());
        finish(&mut world, Duration::from_secs(30));
        let reply = answer(&world, ticket).result.as_ref().unwrap();
        assert_eq!((reply.data().len(), reply.datagrams), (1200, 20));
    }
}

#[test]
fn what_comes_late_or_twice_is_counted_and_nothing_else() {
    let mut world = world(Timing::live(), Daemon::classic([1]), Line::perfect(ms(50)));
    let withdrawn = ask(&mut world, Question::associations());
    world.run_for(ms(10));
    world.input(|pipeline, now| pipeline.withdraw(now, withdrawn));
    assert!(world.machine.is_idle());
    world.line.duplication = 100;
    let ticket = ask(&mut world, Question::associations());
    world.run_for(ms(500));
    assert_eq!(world.events.len(), 1);
    assert!(answer(&world, ticket).result.is_ok());
    let tally = world.machine.tally();
    assert_eq!((tally.late, tally.duplicates, tally.answered), (2, 3, 1));
}

#[test]
fn refusals_and_closed_ports_end_a_question_at_once() {
    let mut world = world(Timing::ntpq(), Daemon::classic([1]), Line::perfect(ms(1)));
    let gone = ask(&mut world, Question::variables(id(9), NAMES));
    let unknown = ask(&mut world, Question::variables(id(1), ["nosuchvar"]));
    let unsigned = ask(&mut world, Question::ordered_list("ifstats"));
    finish(&mut world, ms(100));
    let refused = |code| Failure::Refused(code);
    assert_eq!(failure(&world, gone), &refused(ErrorCode::UnknownAssociation));
    assert_eq!(failure(&world, unknown), &refused(ErrorCode::UnknownVariable));
    assert_eq!(failure(&world, unsigned), &Failure::NoKey);
    world.daemon.mood = Mood::Refusing(7);
    let prohibited = ask(&mut world, Question::associations());
    finish(&mut world, ms(100));
    assert_eq!(failure(&world, prohibited), &refused(ErrorCode::Prohibited));
    world.daemon.mood = Mood::Closed;
    let closed = ask(&mut world, Question::associations());
    finish(&mut world, ms(100));
    assert!(matches!(failure(&world, closed), Failure::Unreachable(_)));
}

#[test]
fn the_place_of_the_code_is_found_out_and_remembered() {
    for four in [false, true] {
        let key = Key::from_text(1, "MD5", "secretmd5").unwrap();
        let mut daemon = Daemon::ntpsec([1]);
        (daemon.four, daemon.key) = (four, Some(key.clone()));
        let settings = Settings { key: Some(key), ..Settings::new(Timing::live(), [7; 32]) };
        let pipeline = Pipeline::new(settings);
        let mut world = World::new(7, pipeline, daemon, Line::perfect(ms(1)));
        for round in 0..2 {
            let ticket = ask(&mut world, Question::ordered_list("ifstats"));
            finish(&mut world, ms(100));
            let answer = answer(&world, ticket);
            assert!(answer.result.is_ok());
            assert_eq!(answer.authenticity, Some(Authenticity::Verified));
            assert_eq!(world.sent.len(), round + if four { 2 } else { 1 });
        }
    }
}

#[test]
fn a_reply_with_a_bad_code_is_no_reply() {
    let key = Key::from_text(1, "SHA1", "secret").unwrap();
    let mut daemon = Daemon::classic([1]);
    (daemon.key, daemon.forges) = (Some(key.clone()), true);
    let settings = Settings { key: Some(key), ..Settings::new(Timing::live(), [7; 32]) };
    let mut world = World::new(7, Pipeline::new(settings), daemon, Line::perfect(ms(1)));
    let ticket = ask(&mut world, Question::ordered_list("ifstats"));
    finish(&mut world, Duration::from_secs(20));
    assert!(matches!(failure(&world, ticket), Failure::Unanswered { .. }));
    assert!(world.machine.tally().forged == 3);
}

#[test]
fn what_changes_the_daemon_is_not_repeated_by_itself() {
    let key = Key::from_text(1, "SHA1", "secret").unwrap();
    let mut daemon = Daemon::classic([1]);
    daemon.mood = Mood::Silent;
    let settings = Settings { key: Some(key), ..Settings::new(Timing::live(), [7; 32]) };
    let mut world = World::new(7, Pipeline::new(settings), daemon, Line::perfect(ms(1)));
    let configure = Question {
        opcode: Opcode::Configure,
        association: AssocId::SYSTEM,
        data: b"restrict 10.0.0.1 nomodify".to_vec(),
        signed: true,
    };
    ask(&mut world, configure);
    finish(&mut world, Duration::from_secs(20));
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn lies_about_lengths_bring_nothing_and_end() {
    for mood in [Mood::Lying, Mood::Garbage, Mood::Echo] {
        let mut daemon = Daemon::classic([1]);
        daemon.mood = mood;
        let mut world = world(Timing::live(), daemon, Line::perfect(ms(1)));
        let ticket = ask(&mut world, Question::associations());
        finish(&mut world, Duration::from_secs(20));
        assert!(matches!(
            failure(&world, ticket),
            Failure::Unanswered { .. } | Failure::TooLong | Failure::Incomplete { .. }
        ));
    }
}
