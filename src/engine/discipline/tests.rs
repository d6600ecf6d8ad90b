//! What every discipline keeps to, whatever it is told.

use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

use super::*;
use crate::engine::discipline::ntp::NtpLoop;
use crate::engine::settings::Settings;

const PEER: AssocId = AssocId::new(3);

/// What a discipline did: the commands with their times.
fn course(seed: u8, is_hasty: bool) -> Vec<(Mono, Command)> {
    let limits = Limits::default();
    let mut discipline: Box<dyn Discipline> =
        Box::new(NtpLoop::new(&limits, &Settings::default(), &at(Mono::default())));
    let mut random = ChaCha20Rng::from_seed([seed; 32]);
    let mut done = Vec::new();
    let mut update = Mono::default();
    for _ in 0..400 {
        update = update + Duration::from_millis(u64::from(2_000 + random.next_u32() % 90_000));
        while let Some(due) = discipline.next_wakeup().filter(|due| *due <= update) {
            if is_hasty {
                let early = Mono::from_nanos(due.nanos() - 1);
                discipline.wakeup(&at(early));
                assert!(discipline.poll_command().is_none(), "a command without cause");
                assert_eq!(discipline.next_wakeup(), Some(due), "seed {seed}");
            }
            discipline.wakeup(&at(due));
            drain(&mut *discipline, due, &mut done);
            assert_ne!(discipline.next_wakeup(), Some(due), "a wake-up that stays due");
        }
        let selected = selected(&mut random, update);
        let role = role();
        discipline.selected(&at(update), &Selected { sources: &[role], system: Some(selected) });
        drain(&mut *discipline, update, &mut done);
        // The same again brings nothing.
        discipline.selected(&at(update), &Selected { sources: &[role], system: Some(selected) });
        assert!(discipline.poll_command().is_none(), "the same sample used twice");
    }
    done
}

fn drain(discipline: &mut dyn Discipline, now: Mono, done: &mut Vec<(Mono, Command)>) {
    while let Some(command) = discipline.poll_command() {
        let outcome = match command {
            Command::Steer(steering) => Outcome::Steered(steering),
            Command::Step { by } => Outcome::Stepped { by },
            Command::Status(_) => Outcome::Told,
        };
        discipline.commanded(&at(now), &outcome);
        done.push((now, command));
    }
}

/// Mostly small offsets, now and then one that is beyond the step threshold, and then for a while.
fn selected(random: &mut ChaCha20Rng, epoch: Mono) -> SystemEstimate {
    let is_far = epoch.nanos() / 1_000_000_000_000 % 3 == 2 || random.next_u32().is_multiple_of(9);
    let unit = f64::from(random.next_u32()) / f64::from(u32::MAX) - 0.5;
    let offset_s = if is_far { 2.0 * unit } else { 0.02 * unit };
    SystemEstimate {
        peer: PEER,
        offset: NtpDuration::from_seconds(offset_s),
        jitter: NtpDuration::from_milliseconds(1.0),
        epoch,
    }
}

fn role() -> Role {
    Role {
        source: PEER,
        tally: Tally::SystemPeer,
        is_preferred: false,
        samples: 8,
        distance: NtpDuration::from_milliseconds(10.0),
        minpoll: PollExponent::new(6),
        maxpoll: PollExponent::new(10),
    }
}

fn at(mono: Mono) -> Now {
    Now { mono, raw: Raw::from_nanos(mono.nanos()), ..Now::default() }
}

#[test]
fn waking_early_changes_nothing_and_two_runs_are_the_same() {
    for seed in 0..20 {
        let patient = course(seed, false);
        assert!(patient.len() > 100, "seed {seed}: {} commands", patient.len());
        assert_eq!(patient, course(seed, false), "seed {seed}");
        assert_eq!(patient, course(seed, true), "seed {seed}");
    }
}

#[test]
fn no_two_steps_are_closer_than_stepout() {
    let mut all = 0;
    for seed in 0..20 {
        let done = course(seed, false);
        let steps: Vec<Mono> = done
            .iter()
            .filter(|(_, command)| matches!(command, Command::Step { .. }))
            .map(|(at, _)| *at)
            .collect();
        all += steps.len();
        for pair in steps.windows(2) {
            let [first, second] = pair else { continue };
            assert!(second.since(*first) >= Limits::default().stepout, "seed {seed}: {steps:?}");
        }
    }
    assert!(all > 20, "only {all} steps");
}

#[test]
fn no_rate_goes_beyond_what_an_oscillator_may_need() {
    for seed in 0..20 {
        for (_, command) in course(seed, false) {
            let Command::Steer(steering) = command else { continue };
            assert!(steering.frequency.parts_per_million().abs() <= 500.0 + 1e-9);
            let total = steering.frequency.parts_per_million() + steering.slew.parts_per_million();
            assert!(total.abs() <= 500.0 + 1e-9, "seed {seed}: {steering:?}");
        }
    }
}
