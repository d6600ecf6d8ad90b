//! What holds on any line, for all seeds.

use ntpscope::model::Contact;

use crate::daemon::{Daemon, Limiter, Mood, ms};
use crate::line::Line;
use crate::watching::{busiest, is_complete, latest, no_row_is_misplaced, s, watch};
use crate::world::World;
use ntpscope::control::watcher::Watcher;
use ntpscope::units::Mono;

const SEEDS: std::ops::Range<u8> = 0..24;

/// A stormy minute: loss, repetition, reordering, a restart, a vanished association, silence.
fn storm(seed: u8, early: bool) -> World<Watcher> {
    let mut daemon = Daemon::classic(1..=20);
    daemon.fragment = 100;
    let mut world = watch(seed, daemon, Line::bad(seed.into(), 20, ms(300)));
    world.early = early.then_some(ms(37));
    world.run_for(s(10));
    world.daemon.associations.remove(&7);
    world.run_for(s(5));
    let mut anew = Daemon::classic(30_000..30_010);
    anew.fragment = 100;
    world.daemon = anew;
    world.run_for(s(15));
    world.daemon.mood = Mood::Silent;
    world.run_for(s(15));
    world.daemon.mood = Mood::Well;
    world.run_for(s(20));
    world
}

#[test]
fn two_runs_of_one_seed_are_the_same_and_waking_early_changes_nothing() {
    for seed in SEEDS {
        let one = storm(seed, false);
        let same = storm(seed, false);
        assert!(one.log == same.log, "seed {seed}");
        let early = storm(seed, true);
        let at = one.log.iter().zip(&early.log).position(|(one, other)| one != other);
        let context = at.map(|at| (&one.log[at.saturating_sub(20)..=at], &early.log[at]));
        assert_eq!(context, None, "seed {seed}");
        assert_eq!(one.log.len(), early.log.len());
    }
}

#[test]
fn storms_are_weathered() {
    for seed in SEEDS {
        let mut world = storm(seed, false);
        world.line.loss = 0;
        world.run_until(s(60), |world| is_complete(latest(world), &world.daemon));
        assert_eq!(latest(&world).restarts, 1);
        for (_, snapshot) in &world.events {
            no_row_is_misplaced(snapshot);
        }
    }
}

#[test]
fn all_rows_are_shown_though_a_third_is_lost() {
    for seed in SEEDS {
        for daemon in [Daemon::classic(1..=40), Daemon::ntpsec(1..=40)] {
            let mut world = watch(seed, daemon, Line::bad(seed.into(), 30, ms(50)));
            world.run_until(s(300), |world| is_complete(latest(world), &world.daemon));
        }
    }
}

#[test]
fn a_bad_line_is_not_called_a_limiter_for_long() {
    let mut limited = 0;
    let mut total = 0;
    for seed in SEEDS {
        let mut world = watch(seed, Daemon::classic(1..=40), Line::bad(seed.into(), 30, ms(50)));
        world.run_for(s(600));
        let late = world.events.iter().filter(|(at, _)| at.nanos() > 300_000_000_000);
        for (_, snapshot) in late {
            total += 1;
            limited += usize::from(matches!(snapshot.contact, Contact::RateLimited { .. }));
        }
    }
    assert!(limited * 5 < total, "{limited} of {total}");
}

#[test]
fn a_limiter_behind_a_bad_line_does_not_lock_us_out() {
    for seed in SEEDS {
        let mut daemon = Daemon::ntpsec(1..=30);
        daemon.limiter = Some(if seed % 2 == 0 { Limiter::LIMITED } else { Limiter::KOD });
        let mut world = watch(seed, daemon, Line::bad(seed.into(), 10, ms(50)));
        world.run_until(s(400), |world| is_complete(latest(world), &world.daemon));
        world.run_for(s(300));
        let answers: Vec<_> =
            world.events.iter().filter_map(|(_, s)| s.contact.last_answer()).collect();
        let gap = answers.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap();
        assert!(gap <= s(40), "seed {seed}: {gap:?}");
        let middle = world.sent[world.sent.len() / 2];
        assert!(busiest(&world, middle) <= 40);
    }
}

#[test]
fn one_who_does_not_answer_is_asked_for_its_list_only() {
    for seed in SEEDS {
        let world = storm(seed, false);
        let is_silent = |until: &dyn Fn(Mono) -> bool| {
            let last = world.events.iter().rev().find(|(told, _)| until(*told));
            last.is_some_and(|(_, now)| matches!(now.contact, Contact::Silent { .. }))
        };
        for (at, asked) in world.sent.iter().zip(&world.asked) {
            if is_silent(&|told| told < *at) && is_silent(&|told| told <= *at) {
                assert_eq!(*asked, (1, 0, 0), "seed {seed} at {at:?}");
            }
        }
    }
}
