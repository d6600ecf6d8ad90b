//! What every discipline keeps to, whatever it is told.

mod course;

use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

use super::*;
use crate::engine::discipline::kalman::Kalman;
use crate::engine::discipline::ntp::NtpLoop;
use crate::engine::settings::{Algorithm, Settings};

const PEER: AssocId = AssocId::new(3);

/// The disciplines that there are.
const ALL: [Algorithm; 2] = [Algorithm::Ntp, Algorithm::Kalman];

fn begin(algorithm: Algorithm, now: &Now) -> Box<dyn Discipline> {
    let settings = Settings { algorithm, ..Settings::default() };
    match algorithm {
        Algorithm::Ntp => Box::new(NtpLoop::new(&Limits::default(), &settings, now)),
        Algorithm::Kalman => Box::new(Kalman::new(&settings)),
    }
}

/// A clock that does as it is told, over a raw clock that is true.
#[derive(Debug, Default)]
struct Clock {
    /// What it was ahead of the raw clock when its rate was last set.
    ahead_s: f64,
    set_at: Mono,
    /// Its rate, in s/s.
    rate: f64,
}

impl Clock {
    fn at(&self, mono: Mono) -> Now {
        let ahead_s = self.ahead_s + self.rate * mono.since(self.set_at).as_secs_f64();
        let clock = truth(mono) + NtpDuration::from_seconds(ahead_s);
        Now { mono, raw: Raw::from_nanos(mono.nanos()), clock, ..Now::default() }
    }

    fn take(&mut self, now: Mono, command: &Command) -> Outcome {
        self.ahead_s += self.rate * now.since(self.set_at).as_secs_f64();
        self.set_at = now;
        match *command {
            Command::Steer(steering) => {
                self.rate = steering.rate().parts_per_million() / 1e6;
                Outcome::Steered(steering)
            }
            Command::Step { by } => {
                self.ahead_s += by.seconds();
                Outcome::Stepped { by }
            }
            Command::Status(_) => Outcome::Told,
        }
    }
}

fn truth(mono: Mono) -> NtpTimestamp {
    NtpTimestamp::from_unix(1_800_000_000, 0) + NtpDuration::from(mono.since(Mono::default()))
}

/// What a discipline did: the commands with their times.
fn course(algorithm: Algorithm, seed: u8, is_hasty: bool) -> Vec<(Mono, Command)> {
    let mut clock = Clock::default();
    let mut discipline = begin(algorithm, &clock.at(Mono::default()));
    let mut random = ChaCha20Rng::from_seed([seed; 32]);
    let mut done = Vec::new();
    let mut update = Mono::default();
    for number in 1..=400 {
        update = update + Duration::from_millis(u64::from(2_000 + random.next_u32() % 90_000));
        while let Some(due) = discipline.next_wakeup().filter(|due| *due <= update) {
            if is_hasty {
                let early = Mono::from_nanos(due.nanos() - 1);
                discipline.wakeup(&clock.at(early));
                assert!(discipline.poll_command().is_none(), "a command without cause");
                assert_eq!(discipline.next_wakeup(), Some(due), "{algorithm:?}, seed {seed}");
            }
            discipline.wakeup(&clock.at(due));
            drain(&mut *discipline, &mut clock, due, &mut done);
            assert_ne!(discipline.next_wakeup(), Some(due), "a wake-up that stays due");
        }
        let said_s = said_s(&mut random, update);
        let now = clock.at(update);
        discipline.measured(&now, &measurement(number, &now, said_s));
        assert!(discipline.poll_command().is_none(), "a command before selection");
        let system = selected(&now, said_s, algorithm);
        let role = Role { samples: u32::try_from(number).unwrap_or(u32::MAX), ..role() };
        let selected = Selected { sources: &[role], system: Some(system) };
        discipline.selected(&now, &selected);
        drain(&mut *discipline, &mut clock, update, &mut done);
        // The same again brings nothing.
        discipline.selected(&clock.at(update), &selected);
        let again = discipline.poll_command();
        assert!(again.is_none(), "{algorithm:?}, seed {seed}: the same sample twice: {again:?}");
    }
    done
}

fn drain(
    discipline: &mut dyn Discipline,
    clock: &mut Clock,
    now: Mono,
    done: &mut Vec<(Mono, Command)>,
) {
    while let Some(command) = discipline.poll_command() {
        let outcome = clock.take(now, &command);
        discipline.commanded(&clock.at(now), &outcome);
        done.push((now, command));
    }
}

/// By how much the source errs: mostly little, now and then more than the step threshold, and
/// then for a while.
fn said_s(random: &mut ChaCha20Rng, at: Mono) -> f64 {
    let is_far = at.nanos() / 1_000_000_000_000 % 3 == 2;
    let is_spike = random.next_u32().is_multiple_of(9);
    let unit = f64::from(random.next_u32()) / f64::from(u32::MAX) - 0.5;
    let spike_s = if is_spike { 2.0 * unit } else { 0.02 * unit };
    if is_far { 0.7 + spike_s } else { spike_s }
}

fn measurement(number: u64, now: &Now, said_s: f64) -> Measurement {
    let half = Duration::from_millis(10);
    let back_s = half.as_secs_f64();
    let source_time = truth(now.mono) + NtpDuration::from_seconds(said_s - back_s);
    let half_ns = u64::try_from(half.as_nanos()).unwrap();
    Measurement {
        source: PEER,
        number,
        arrived: now.mono,
        raw: Raw::from_nanos(now.raw.nanos() - half_ns),
        source_time,
        offset: truth(now.mono) + NtpDuration::from_seconds(said_s) - now.clock,
        delay: NtpDuration::from_seconds(2.0 * back_s),
        stamp_error: NtpDuration::from_seconds(1e-6),
        dispersion: NtpDuration::from_seconds(1e-6),
        source_precision: NtpDuration::from_seconds(1e-7),
    }
}

fn selected(now: &Now, said_s: f64, algorithm: Algorithm) -> SystemEstimate {
    // The loop is given offsets that no steering takes away: it has to bear that too.
    let offset = match algorithm {
        Algorithm::Ntp => NtpDuration::from_seconds(said_s),
        Algorithm::Kalman => truth(now.mono) + NtpDuration::from_seconds(said_s) - now.clock,
    };
    SystemEstimate {
        peer: PEER,
        offset,
        jitter: NtpDuration::from_milliseconds(1.0),
        epoch: now.mono,
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

#[test]
fn waking_early_changes_nothing_and_two_runs_are_the_same() {
    for (algorithm, seed) in courses() {
        let patient = course(algorithm, seed, false);
        assert!(patient.len() > 100, "{algorithm:?}, seed {seed}: {} commands", patient.len());
        assert_eq!(patient, course(algorithm, seed, false), "{algorithm:?}, seed {seed}");
        assert_eq!(patient, course(algorithm, seed, true), "{algorithm:?}, seed {seed}");
    }
}

#[test]
fn no_two_steps_are_closer_than_stepout() {
    for algorithm in ALL {
        let mut all = 0;
        for seed in 0..20 {
            let done = course(algorithm, seed, false);
            let steps: Vec<Mono> = done
                .iter()
                .filter(|(_, command)| matches!(command, Command::Step { .. }))
                .map(|(at, _)| *at)
                .collect();
            all += steps.len();
            for pair in steps.windows(2) {
                let [first, second] = pair else { continue };
                let apart = second.since(*first);
                assert!(apart >= Limits::default().stepout, "{algorithm:?}, {seed}: {steps:?}");
            }
        }
        assert!(all > 20, "{algorithm:?}: only {all} steps");
    }
}

#[test]
fn no_rate_goes_beyond_what_an_oscillator_may_need() {
    for (algorithm, seed) in courses() {
        // Before it has converged, and after a step, the joint filter may slew as fast as chrony.
        let most = match algorithm {
            Algorithm::Ntp => 500.0,
            Algorithm::Kalman => 500.0 + 1e6 / 12.0,
        };
        for (_, command) in course(algorithm, seed, false) {
            let Command::Steer(steering) = command else { continue };
            let frequency = steering.frequency.parts_per_million();
            assert!(frequency.abs() <= 500.0 + 1e-9, "{algorithm:?}, {seed}: {steering:?}");
            let total = frequency + steering.slew.parts_per_million();
            assert!(total.abs() <= most + 1e-9, "{algorithm:?}, {seed}: {steering:?}");
        }
    }
}

fn courses() -> impl Iterator<Item = (Algorithm, u8)> {
    ALL.into_iter().flat_map(|algorithm| (0..20).map(move |seed| (algorithm, seed)))
}
