//! When the joint filter moves the clock, how fast, and when not.

use super::*;
use crate::engine::settings::Drift;
use crate::units::Ppm;

/// A joint filter, the clock that it steers, and what it did.
struct Course {
    kalman: Kalman,
    clock: Clock,
    at: Mono,
    number: u64,
    /// How fast the raw clock loses against true time, in s/s.
    loses: f64,
    /// What the raw clock lost in a suspend, in seconds.
    lost_s: f64,
    done: Vec<(Mono, Command)>,
}

impl Course {
    fn new(settings: &Settings) -> Self {
        let mut course = Self {
            kalman: Kalman::new(settings),
            clock: Clock::default(),
            at: Mono::default(),
            number: 0,
            loses: 0.0,
            lost_s: 0.0,
            done: Vec::new(),
        };
        course.drain();
        course
    }

    /// One that starts with a clock that is behind.
    fn behind(behind_s: f64) -> Self {
        let mut course = Self::new(&Settings::default());
        course.clock.ahead_s = -behind_s;
        course
    }

    /// One that has converged long ago.
    fn settled() -> Self {
        let mut course = Self::behind(0.01);
        course.follow(7200);
        assert!(course.kalman.report(&course.now()).is_converged);
        assert!(course.error_s().abs() < 1e-3, "{}", course.error_s());
        course.done.clear();
        course
    }

    fn now(&self) -> Now {
        self.clock.at(self.at)
    }

    /// How far true time is ahead of the raw clock, beyond where both began.
    fn gone_s(&self) -> f64 {
        self.loses * self.at.since(Mono::default()).as_secs_f64() + self.lost_s
    }

    /// How far the steered clock is ahead of true time.
    fn error_s(&self) -> f64 {
        (self.now().clock - truth(self.at)).seconds() - self.gone_s()
    }

    fn drain(&mut self) {
        drain(&mut self.kalman, &mut self.clock, self.at, &mut self.done);
    }

    /// Lets time pass.
    fn pass(&mut self, span: Duration) {
        let end = self.at + span;
        while let Some(due) = self.kalman.next_wakeup().filter(|due| *due <= end) {
            self.at = due;
            self.kalman.wakeup(&self.now());
            self.drain();
        }
        self.at = end;
    }

    /// Takes one measurement of `source`, which is ahead of true time by `ahead_s`; the reply, or
    /// the request where that is negative, waited for `queued_s`.
    fn measure(&mut self, source: AssocId, ahead_s: f64, queued_s: f64) {
        self.number += 1;
        let now = self.now();
        let one = measurement(self.number, &now, self.gone_s() + ahead_s - queued_s / 2.0);
        let delay = one.delay + NtpDuration::from_seconds(queued_s.abs());
        self.kalman.measured(&now, &Measurement { source, delay, ..one });
    }

    fn select(&mut self, sources: &[Role]) -> Verdict {
        let verdict = self.kalman.selected(&self.now(), &Selected { sources, system: None });
        self.drain();
        verdict
    }

    /// Two seconds later, a measurement of the one source there is.
    fn sample(&mut self, ahead_s: f64) -> Verdict {
        self.pass(Duration::from_secs(2));
        self.measure(PEER, ahead_s, 0.0);
        self.select(&[role()])
    }

    /// Four of them.
    fn start(&mut self) -> Verdict {
        for _ in 0..3 {
            assert_eq!(self.sample(0.0), Verdict::Ignored);
        }
        self.sample(0.0)
    }

    /// A measurement every 16 s, on a path with short queues.
    fn follow(&mut self, seconds: u32) {
        for number in 0..seconds / 16 {
            self.pass(Duration::from_secs(16));
            let queued_s = 2e-5 * (f64::from(number * 7 % 11) - 5.0);
            self.measure(PEER, 0.0, queued_s);
            self.select(&[role()]);
        }
    }

    fn steps(&self) -> Vec<(Mono, NtpDuration)> {
        let step = |(at, command): &(Mono, Command)| match command {
            Command::Step { by } => Some((*at, *by)),
            _ => None,
        };
        self.done.iter().filter_map(step).collect()
    }

    /// The fastest slew so far, in parts per million, without its sign.
    fn fastest_ppm(&self) -> f64 {
        let slew = |(_, command): &(Mono, Command)| match command {
            Command::Steer(steering) => steering.slew.parts_per_million().abs(),
            _ => 0.0,
        };
        self.done.iter().map(slew).fold(0.0, f64::max)
    }

    fn frequency_ppm(&self) -> f64 {
        self.kalman.report(&self.now()).frequency.parts_per_million()
    }
}

fn role_of(source: AssocId) -> Role {
    Role { source, tally: Tally::Candidate, ..role() }
}

#[test]
fn the_first_correction_waits_for_four_samples() {
    for behind_s in [0.127, 0.129, -0.127, -0.129] {
        let mut course = Course::behind(behind_s);
        for count in 1..=3 {
            assert_eq!(course.sample(0.0), Verdict::Ignored, "{behind_s} s, {count}");
            assert_eq!(course.done, [], "{behind_s} s, {count}");
        }
        let verdict = course.sample(0.0);
        assert!(!course.done.is_empty());
        // Only what is then beyond 128 ms is a step.
        let steps = course.steps();
        if behind_s.abs() < 0.128 {
            assert_eq!((verdict, steps.len()), (Verdict::Adjusted, 0), "{behind_s} s");
        } else {
            let (_, by) = steps[0];
            assert_eq!((verdict, steps.len()), (Verdict::Stepped { by }, 1), "{behind_s} s");
            assert!((by.seconds() - behind_s).abs() < 1e-3, "{behind_s} s: {by:?}");
        }
        course.pass(Duration::from_secs(15));
        assert!(course.error_s().abs() < 1e-3, "{behind_s} s: {}", course.error_s());
        assert_eq!(course.steps().len(), steps.len(), "{behind_s} s");
    }
}

#[test]
fn samples_of_all_chosen_sources_count_together_and_those_of_others_do_not() {
    let [one, two, false_one] = [1, 2, 9].map(AssocId::new);
    let wrong = Role { tally: Tally::Falseticker, ..role_of(false_one) };
    let mut course = Course::behind(0.2);
    for _ in 0..6 {
        course.pass(Duration::from_secs(2));
        course.measure(false_one, 0.5, 0.0);
        course.select(&[wrong]);
    }
    for source in [one, two, one] {
        course.pass(Duration::from_secs(1));
        course.measure(source, 0.0, 0.0);
        course.select(&[role_of(one), role_of(two), wrong]);
        assert_eq!(course.done, []);
    }
    course.pass(Duration::from_secs(1));
    course.measure(two, 0.0, 0.0);
    course.select(&[role_of(one), role_of(two), wrong]);
    let steps = course.steps();
    assert!(matches!(&steps[..], [(_, by)] if (by.seconds() - 0.2).abs() < 2e-3), "{steps:?}");
}

#[test]
fn a_first_offset_that_is_not_to_be_stepped_is_slewed_as_fast_as_is_safe() {
    let first_step = NtpDuration::from_seconds(10.0);
    for behind_s in [2.0, -2.0] {
        let mut course = Course::new(&Settings { first_step, ..Settings::default() });
        course.clock.ahead_s = -behind_s;
        assert_eq!(course.start(), Verdict::Adjusted);
        course.pass(Duration::from_secs(10));
        // 83 333 ppm take 24 s for it.
        let left_s = -course.error_s() / behind_s * 2.0;
        assert!((left_s - (2.0 - 10.0 / 12.0)).abs() < 0.01, "{behind_s} s: {left_s}");
        course.pass(Duration::from_secs(16));
        assert!(course.error_s().abs() < 1e-3, "{behind_s} s: {}", course.error_s());
        let fastest = course.fastest_ppm();
        assert!((83_332.0..=83_333.5).contains(&fastest), "{behind_s} s: {fastest}");
        assert_eq!(course.steps(), [], "{behind_s} s");
    }
}

#[test]
fn once_converged_no_correction_is_fast() {
    for off_s in [0.1, -0.1] {
        let mut course = Course::settled();
        course.clock.ahead_s += off_s;
        let by = NtpDuration::from_seconds(off_s);
        course.kalman.disturbed(&course.now(), Disturbance::ClockStepped(by));
        // 500 ppm take 200 s.
        course.follow(160);
        let left_s = course.error_s() / off_s * 0.1;
        assert!((0.019..0.05).contains(&left_s), "{off_s} s: {left_s}");
        course.follow(1600);
        assert!(course.error_s().abs() < 1e-3, "{off_s} s: {}", course.error_s());
        let fastest = course.fastest_ppm();
        assert!((499.9..=500.0 + 1e-6).contains(&fastest), "{off_s} s: {fastest}");
        assert_eq!(course.steps(), [], "{off_s} s");
    }
}

#[test]
fn once_converged_an_offset_is_waited_out_for_300_s_before_a_step() {
    for off_s in [0.5, -0.5] {
        let mut course = Course::settled();
        course.clock.ahead_s += off_s;
        let began = course.at;
        let by = NtpDuration::from_seconds(off_s);
        course.kalman.disturbed(&course.now(), Disturbance::ClockStepped(by));
        course.follow(290);
        assert_eq!(course.kalman.report(&course.now()).state, State::Spike, "{off_s} s");
        // Not by slewing either.
        assert!((course.error_s() - off_s).abs() < 1e-3, "{off_s} s: {}", course.error_s());
        assert_eq!(course.steps(), [], "{off_s} s");
        course.follow(600);
        let steps = course.steps();
        let [(at, by)] = steps[..] else { panic!("{off_s} s: {steps:?}") };
        let waited_s = at.since(began).as_secs_f64();
        assert!((300.0..320.0).contains(&waited_s), "{off_s} s: {waited_s} s");
        assert!((by.seconds() + off_s).abs() < 1e-3, "{off_s} s: {by:?}");
        assert!(course.error_s().abs() < 1e-3, "{off_s} s: {}", course.error_s());
    }
}

#[test]
fn an_offset_that_passes_within_300_s_moves_nothing() {
    let mut course = Course::settled();
    let before_s = course.error_s();
    course.clock.ahead_s += 0.5;
    let by = NtpDuration::from_seconds(0.5);
    course.kalman.disturbed(&course.now(), Disturbance::ClockStepped(by));
    course.follow(240);
    assert_eq!(course.kalman.report(&course.now()).state, State::Spike);
    course.clock.ahead_s -= 0.5;
    course.kalman.disturbed(&course.now(), Disturbance::ClockStepped(-by));
    course.follow(1200);
    assert_eq!(course.kalman.report(&course.now()).state, State::Synchronised);
    assert!((course.error_s() - before_s).abs() < 1e-3, "{}", course.error_s());
    assert_eq!(course.steps(), []);
}

#[test]
fn no_single_packet_brings_about_a_step() {
    for far_s in [0.5, -0.5, 20.0, -20.0] {
        // Neither the first of all, after which nothing more comes,
        let mut course = Course::behind(far_s);
        course.sample(0.0);
        course.pass(Duration::from_secs(7200));
        assert_eq!(course.done, [], "{far_s} s");
        // nor one among the first four,
        let mut course = Course::behind(0.0);
        course.start();
        course.sample(far_s);
        course.pass(Duration::from_secs(7200));
        assert_eq!(course.steps(), [], "{far_s} s");
        // nor a later one, whatever follows it.
        let mut course = Course::settled();
        course.sample(far_s);
        course.pass(Duration::from_secs(7200));
        assert_eq!(course.steps(), [], "{far_s} s");
        assert!(course.error_s().abs() < 5e-3, "{far_s} s: {}", course.error_s());
        course.follow(1600);
        assert_eq!(course.steps(), [], "{far_s} s");
        assert!(course.error_s().abs() < 1e-3, "{far_s} s: {}", course.error_s());
    }
}

#[test]
fn a_clock_that_is_behind_shows_a_positive_offset() {
    for (algorithm, behind_s) in ALL.into_iter().flat_map(|a| [(a, 0.005), (a, -0.005)]) {
        let mut clock = Clock { ahead_s: -behind_s, ..Clock::default() };
        let mut discipline = begin(algorithm, &clock.at(Mono::default()));
        let mut done = Vec::new();
        let mut at = Mono::default();
        for number in 1.. {
            at = at + Duration::from_secs(2);
            let now = clock.at(at);
            let one = measurement(number, &now, 0.0);
            assert!((one.offset.seconds() - behind_s).abs() < 1e-6, "{algorithm:?}");
            discipline.measured(&now, &one);
            let offset = discipline.offset_now(&now, &one).seconds();
            assert!((offset - behind_s).abs() < 1e-6, "{algorithm:?}: {offset}");
            let system =
                SystemEstimate { offset: one.offset, ..selected(&now, 0.0, Algorithm::Kalman) };
            let samples = u32::try_from(number).unwrap();
            let sources = [Role { samples, ..role() }];
            let verdict =
                discipline.selected(&now, &Selected { sources: &sources, system: Some(system) });
            let offset = discipline.report(&now).offset.seconds();
            drain(&mut *discipline, &mut clock, at, &mut done);
            if verdict == Verdict::Adjusted {
                assert!((offset - behind_s).abs() < 1e-4, "{algorithm:?}: {offset}");
                break;
            }
            assert!(number < 10, "{algorithm:?}: nothing is corrected");
        }
        let faster = |(_, command): &(Mono, Command)| match command {
            Command::Steer(steering) => steering.slew.parts_per_million() * behind_s > 0.0,
            _ => false,
        };
        assert!(done.iter().any(faster), "{algorithm:?}, {behind_s} s: {done:?}");
    }
}

#[test]
fn the_frequency_of_the_drift_file_is_set_at_once_and_believed() {
    for ppm in [20.0, -37.5] {
        let frequency = Ppm::new(ppm).unwrap();
        let drift = Some(Drift { frequency, skew: None });
        let mut course = Course::new(&Settings { drift, ..Settings::default() });
        course.loses = ppm * 1e-6;
        let set = matches!(&course.done[..], [(_, Command::Steer(steering))]
            if steering.frequency == frequency && steering.slew == Ppm::default());
        assert!(set, "{:?}", course.done);
        assert_eq!(course.kalman.report(&course.now()).state, State::FrequencySet);
        assert!((course.frequency_ppm() - ppm).abs() < 1e-6);
        // The clock runs right from then on: samples that differ by a millisecond in two seconds do
        // not bend it.
        course.pass(Duration::from_secs(600));
        assert!(course.error_s().abs() < 1e-5, "{}", course.error_s());
        for queued_s in [1e-3, -1e-3, 1e-3, -1e-3, 0.0, 4e-4, -6e-4] {
            course.pass(Duration::from_secs(2));
            course.measure(PEER, 0.0, queued_s);
            course.select(&[role()]);
            assert!((course.frequency_ppm() - ppm).abs() < 3.0, "{}", course.frequency_ppm());
        }
        course.follow(7200);
        assert!((course.frequency_ppm() - ppm).abs() < 0.3, "{}", course.frequency_ppm());
        assert_eq!(course.steps(), []);
    }
}

#[test]
fn a_suspend_loses_the_phase_and_keeps_the_frequency() {
    for lost_s in [0.08, -0.08, 90.0] {
        let mut course = Course::behind(0.0);
        course.loses = 20e-6;
        course.follow(7200);
        let before_ppm = course.frequency_ppm();
        assert!((before_ppm - 20.0).abs() < 0.3, "{before_ppm}");
        course.lost_s = lost_s;
        let slept = NtpDuration::from_seconds(7200.0);
        course.kalman.disturbed(&course.now(), Disturbance::Suspended(slept));
        course.drain();
        course.done.clear();
        let report = course.kalman.report(&course.now());
        assert!(!report.is_converged && report.error_bound.is_none(), "{report:?}");
        assert_eq!(report.state, State::FrequencySet, "{lost_s} s");
        assert!((course.frequency_ppm() - before_ppm).abs() < 1e-3, "{}", course.frequency_ppm());
        // The start is made again: four samples, and then at once.
        let verdict = course.start();
        let is_far = lost_s.abs() > 0.128;
        assert_eq!(matches!(verdict, Verdict::Stepped { .. }), is_far, "{lost_s} s");
        course.pass(Duration::from_secs(9));
        assert!(course.error_s().abs() < 1e-3, "{lost_s} s: {}", course.error_s());
        assert!((course.frequency_ppm() - before_ppm).abs() < 3.0, "{}", course.frequency_ppm());
        course.follow(1600);
        assert!(course.error_s().abs() < 1e-4, "{lost_s} s: {}", course.error_s());
        assert_eq!(course.steps().len(), usize::from(is_far), "{lost_s} s");
    }
}

#[test]
fn who_is_preferred_is_fed_alone() {
    let ids = [1, 2, 3].map(AssocId::new);
    let roles = |preferred: Option<AssocId>| {
        ids.map(|id| Role { is_preferred: Some(id) == preferred, ..role_of(id) })
    };
    let weights = |course: &Course| -> Vec<f64> {
        let sources = course.kalman.report(&course.now()).sources;
        ids.iter()
            .map(|id| sources.iter().find(|source| source.source == *id).unwrap().weight)
            .collect()
    };
    let mut course = Course::behind(0.0);
    let run = |course: &mut Course, preferred| {
        for _ in 0..200 {
            for (id, ahead_s) in ids.into_iter().zip([0.0, 1e-4, 0.004]) {
                course.pass(Duration::from_secs(5));
                course.measure(id, ahead_s, 0.0);
                course.select(&roles(preferred));
            }
        }
    };
    run(&mut course, Some(ids[2]));
    assert!((course.error_s() - 0.004).abs() < 1e-4, "{}", course.error_s());
    let shares = weights(&course);
    assert!(shares[0] + shares[1] < 1e-9 && (shares[2] - 1.0).abs() < 1e-9, "{shares:?}");
    // Without it all of them are.
    let mut course = Course::behind(0.0);
    run(&mut course, None);
    assert!(weights(&course).iter().all(|share| *share > 0.05), "{:?}", weights(&course));
    assert!((2e-4..0.0035).contains(&course.error_s()), "{}", course.error_s());
}
