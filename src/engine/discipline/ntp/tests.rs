//! The loop beside the vectors of ntpd's arithmetic, its table of states, and a clock to steer.

use std::time::Duration;

use super::*;
use crate::engine::settings::Drift;
use crate::units::{NtpTimestamp, Precision, Raw, Tally};

const PEER: AssocId = AssocId::new(7);

/// A clock that runs at a rate against the raw clock, in seconds.
struct Line {
    anchor: Raw,
    shows_s: f64,
    rate: f64,
}

impl Line {
    fn at(&self, raw: Raw) -> f64 {
        self.shows_s + raw.seconds_since(self.anchor) * (1.0 + self.rate)
    }

    fn bend(&mut self, raw: Raw, rate: f64) {
        self.shows_s = self.at(raw);
        self.anchor = raw;
        self.rate = rate;
    }
}

/// A loop with the clock that it steers, an oscillator that runs `drift` s/s too slow, and a
/// source that knows better.
struct Bench {
    discipline: NtpLoop,
    clock: Line,
    drift: f64,
    at_s: f64,
    most: PollExponent,
    /// Each step with its time.
    steps: Vec<(f64, NtpDuration)>,
    steered: Vec<f64>,
}

impl Bench {
    fn new(limits: &Limits, settings: &Settings, behind_s: f64, drift: f64) -> Self {
        let mut this = Self {
            discipline: NtpLoop::new(limits, settings, &Now::default()),
            clock: Line { anchor: Raw::from_nanos(0), shows_s: -behind_s, rate: 0.0 },
            drift,
            at_s: 0.0,
            most: PollExponent::new(10),
            steps: Vec::new(),
            steered: Vec::new(),
        };
        this.drain();
        this
    }

    fn raw(&self) -> Raw {
        Raw::from_nanos(nanos(self.at_s * (1.0 - self.drift)))
    }

    fn now(&self) -> Now {
        Now {
            mono: Mono::from_nanos(nanos(self.at_s)),
            raw: self.raw(),
            clock: start() + NtpDuration::from_seconds(self.clock.at(self.raw())),
            ..Now::default()
        }
    }

    /// How far true time is ahead of the clock.
    fn error_s(&self) -> f64 {
        self.at_s - self.clock.at(self.raw())
    }

    fn drain(&mut self) {
        while let Some(command) = self.discipline.poll_command() {
            let outcome = match command {
                Command::Steer(steering) => {
                    self.steered.push(self.at_s);
                    self.clock.bend(self.raw(), steering.rate().parts_per_million() / 1e6);
                    Outcome::Steered(steering)
                }
                Command::Step { by } => {
                    self.steps.push((self.at_s, by));
                    self.clock.shows_s += by.seconds();
                    Outcome::Stepped { by }
                }
                Command::Status(_) => Outcome::Told,
            };
            let now = self.now();
            self.discipline.commanded(&now, &outcome);
        }
    }

    /// Lets time pass until `at_s`.
    fn run_until(&mut self, at_s: f64) {
        while let Some(wake) = self.discipline.next_wakeup() {
            let wake_s = Duration::from_nanos(wake.nanos()).as_secs_f64();
            if wake_s > at_s {
                break;
            }
            self.at_s = wake_s;
            let now = self.now();
            self.discipline.wakeup(&now);
            self.drain();
            assert!(self.discipline.next_wakeup() != Some(wake), "a wake-up that stays due");
        }
        self.at_s = at_s;
    }

    /// An update by `offset_s` at `at_s`.
    fn update(&mut self, at_s: f64, offset_s: f64) -> Verdict {
        self.run_until(at_s);
        let now = self.now();
        let system = SystemEstimate {
            peer: PEER,
            offset: NtpDuration::from_seconds(offset_s),
            jitter: NtpDuration::ZERO,
            epoch: now.mono,
        };
        let role = Role {
            source: PEER,
            tally: Tally::SystemPeer,
            is_preferred: false,
            samples: 8,
            distance: NtpDuration::from_milliseconds(10.0),
            minpoll: PollExponent::new(6),
            maxpoll: self.most,
        };
        let verdict =
            self.discipline.selected(&now, &Selected { sources: &[role], system: Some(system) });
        self.drain();
        verdict
    }

    /// An update by what a perfect source says.
    fn measure(&mut self, at_s: f64) -> Verdict {
        self.run_until(at_s);
        self.update(at_s, self.error_s())
    }

    fn state(&self) -> State {
        self.discipline.state
    }
}

fn start() -> NtpTimestamp {
    NtpTimestamp::from_unix(1_800_000_000, 0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "of short runs")]
fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

fn plain(behind_s: f64, drift: f64) -> Bench {
    Bench::new(&Limits::default(), &Settings::default(), behind_s, drift)
}

fn with_drift_file(frequency_ppm: f64, behind_s: f64, drift: f64) -> Bench {
    let drift_file = Drift { frequency: Ppm::new(frequency_ppm).unwrap(), skew: None };
    let settings = Settings { drift: Some(drift_file), ..Settings::default() };
    Bench::new(&Limits::default(), &settings, behind_s, drift)
}

/// A loop in regular operation whose quick start is over.
fn settled(time_constant: i8, frequency: f64, residual_s: f64) -> NtpLoop {
    let mut discipline = NtpLoop::new(&Limits::default(), &Settings::default(), &Now::default());
    discipline.amortiser = Amortiser::new(Mono::from_nanos(0), Duration::ZERO);
    discipline.enter(Mono::from_nanos(0), State::Synchronised, residual_s, Mode::Decay);
    discipline.frequency = frequency;
    discipline.time_constant = TimeConstant::new(PollExponent::new(time_constant));
    discipline
}

// V8: clock jitter after updates of 1.0, 0.4, −0.2 and 0.1 ms, and wander after 10 → 10.5 → 10.2 →
// 10.9 ppm.
#[test]
fn jitter_and_wander_are_averaged_over_eight() {
    let mut bench = plain(0.0, 0.0);
    bench.discipline = settled(6, 0.0, 0.0);
    bench.discipline.precision_s = 1e-6;
    bench.discipline.jitter_s = 1e-6;
    let wanted =
        [3.535_546_280_280e-4, 3.929_068_154_474e-4, 4.243_569_192_577e-4, 4.108_758_274_183e-4];
    for ((at_s, offset_s), wanted) in
        [(64.0, 1e-3), (128.0, 0.4e-3), (192.0, -0.2e-3), (256.0, 0.1e-3)].into_iter().zip(wanted)
    {
        bench.update(at_s, offset_s);
        let jitter_s = bench.discipline.jitter_s;
        // The vector has exact offsets; ours have the resolution of a timestamp.
        assert!((jitter_s / wanted - 1.0).abs() < 1e-6, "{jitter_s:e}");
    }
    let mut wander = 0.0;
    for (change, wanted) in [
        (0.5e-6, 1.767_766_952_966e-7),
        (-0.3e-6, 1.964_529_205_688e-7),
        (0.7e-6, 3.082_523_823_914e-7),
    ] {
        wander = smoothed(wander, change);
        assert!((wander / wanted - 1.0).abs() < 1e-9, "{wander:e}");
    }
}

#[test]
fn a_clock_that_is_behind_shows_a_positive_offset_and_is_sped_up() {
    for behind_s in [0.005, -0.005] {
        let mut bench = plain(behind_s, 0.0);
        assert_eq!(bench.measure(10.0), Verdict::Adjusted);
        let report = bench.discipline.report(&bench.now());
        assert!((report.offset.seconds() - behind_s).abs() < 1e-9);
        assert!(bench.discipline.amortiser.slew() * behind_s > 0.0);
        bench.run_until(30.0);
        assert!(bench.error_s().abs() < 1e-8, "{}", bench.error_s());
    }
    let mut bench = with_drift_file(0.0, 0.005, 0.0);
    bench.measure(10.0);
    assert!(bench.discipline.report(&bench.now()).offset > NtpDuration::ZERO);
    bench.run_until(200.0);
    assert!(bench.error_s() > 0.0 && bench.error_s() < 1e-4);
}

#[test]
fn a_first_start_slews_measures_the_frequency_and_settles() {
    let mut bench = plain(0.010, 50e-6);
    let mut states = vec![bench.state()];
    for poll in 1..40_u32 {
        bench.measure(f64::from(poll) * 64.0);
        if states.last() != Some(&bench.state()) {
            states.push(bench.state());
        }
    }
    assert_eq!(states, [State::NotSet, State::Frequency, State::Synchronised]);
    assert!(bench.steps.is_empty());
    let frequency = bench.discipline.report(&bench.now()).frequency.parts_per_million();
    assert!((frequency - 50.0).abs() < 2.0, "{frequency}");
    assert!(bench.error_s().abs() < 1e-3);
}

#[test]
fn a_first_start_far_off_steps_once() {
    let mut bench = plain(-37.5, -20e-6);
    assert!(matches!(bench.measure(10.0), Verdict::Stepped { .. }));
    assert_eq!(bench.state(), State::Frequency);
    assert!(bench.error_s().abs() < 1e-8);
    for poll in 1..40_u32 {
        bench.measure(10.0 + f64::from(poll) * 64.0);
    }
    assert_eq!(bench.state(), State::Synchronised);
    assert_eq!(bench.steps.len(), 1);
    let frequency = bench.discipline.report(&bench.now()).frequency.parts_per_million();
    assert!((frequency + 20.0).abs() < 1.0, "{frequency}");
}

#[test]
fn a_frequency_so_wrong_that_it_takes_a_step_is_measured_all_the_same() {
    let mut bench = plain(0.010, 450e-6);
    let mut states = vec![bench.state()];
    for at_s in [10.0, 74.0, 138.0, 202.0, 266.0] {
        bench.measure(at_s);
        states.push(bench.state());
    }
    assert_eq!(states[1..], [State::Frequency; 5]);
    assert!(matches!(bench.measure(330.0), Verdict::Stepped { .. }));
    assert_eq!((states[0], bench.state()), (State::NotSet, State::Synchronised));
    assert_eq!(bench.steps.len(), 1);
    let frequency = bench.discipline.report(&bench.now()).frequency.parts_per_million();
    assert!((frequency - 450.0).abs() < 1.0, "{frequency}");
    assert!(bench.error_s().abs() < 1e-8);
}

#[test]
fn the_first_slew_is_taken_off_what_was_measured_before_it() {
    let mut bench = plain(0.010, 0.0);
    bench.measure(10.0);
    let early = Measurement {
        source: PEER,
        number: 1,
        arrived: Mono::from_nanos(nanos(9.0)),
        raw: Raw::default(),
        source_time: start(),
        offset: NtpDuration::from_seconds(0.010),
        delay: NtpDuration::ZERO,
        stamp_error: NtpDuration::ZERO,
        dispersion: NtpDuration::ZERO,
        source_precision: NtpDuration::ZERO,
    };
    let late = Measurement { arrived: Mono::from_nanos(nanos(40.0)), ..early };
    for (at_s, left_s) in [(10.0, 0.010), (20.0, 0.005), (30.0, 0.0), (500.0, 0.0)] {
        bench.run_until(at_s);
        let now = bench.now();
        let offset_s = bench.discipline.offset_now(&now, &early).seconds();
        assert!((offset_s - left_s).abs() < 1e-8, "at {at_s}: {offset_s}");
        assert!((bench.error_s() - left_s).abs() < 1e-8, "at {at_s}: {}", bench.error_s());
    }
    let now = bench.now();
    assert_eq!(bench.discipline.offset_now(&now, &late), late.offset);
}

#[test]
fn after_a_suspend_it_starts_as_quickly_as_with_a_drift_file() {
    let mut bench = in_operation();
    bench.clock.shows_s -= 0.08;
    let now = bench.now();
    let span = NtpDuration::from_seconds(7200.0);
    bench.discipline.disturbed(&now, Disturbance::Suspended(span));
    bench.drain();
    let report = bench.discipline.report(&now);
    assert_eq!((report.state, report.is_converged), (State::FrequencySet, false));
    assert_eq!(report.time_constant, PollExponent::new(6));
    assert_eq!(bench.measure(2112.0), Verdict::Adjusted);
    assert_eq!(bench.state(), State::Synchronised);
    // 500 ppm bring 80 ms down to 16 in 128 s; then a 32nd goes each second.
    bench.run_until(2400.0);
    assert!(bench.error_s().abs() < 2e-4, "{}", bench.error_s());
}

#[test]
fn a_drift_file_skips_the_measuring() {
    let mut bench = with_drift_file(30.0, 0.050, 30e-6);
    assert_eq!(bench.state(), State::FrequencySet);
    bench.measure(10.0);
    assert_eq!(bench.state(), State::Synchronised);
    bench.run_until(250.0);
    assert!(bench.error_s().abs() < 1e-4, "{}", bench.error_s());
    let mut far = with_drift_file(30.0, 2.0, 30e-6);
    assert!(matches!(far.measure(10.0), Verdict::Stepped { .. }));
    assert_eq!(far.state(), State::Synchronised);
    let mut absurd = with_drift_file(700.0, 0.0, 0.0);
    assert_eq!(absurd.state(), State::NotSet);
    assert!(absurd.discipline.poll_command().is_none());
}

/// A loop in regular operation at about 2000 s, on a clock that is right.
fn in_operation() -> Bench {
    let mut bench = with_drift_file(0.0, 0.0, 0.0);
    for poll in 1..=32_u32 {
        bench.measure(f64::from(poll) * 64.0);
    }
    assert!(bench.discipline.report(&bench.now()).is_converged);
    bench
}

#[test]
fn a_spike_is_held_and_forgotten() {
    let mut bench = in_operation();
    assert_eq!(bench.update(2112.0, 0.5), Verdict::Ignored);
    assert_eq!(bench.state(), State::Spike);
    let steered = bench.steered.len();
    assert_eq!(bench.update(2176.0, 0.5), Verdict::Ignored);
    assert_eq!(bench.steered.len(), steered);
    assert_eq!(bench.update(2240.0, 0.0001), Verdict::Adjusted);
    assert_eq!(bench.state(), State::Synchronised);
    assert!(bench.steps.is_empty());
}

#[test]
fn what_lasts_beyond_the_stepout_is_stepped() {
    let mut bench = in_operation();
    // The last update that was accepted came at 2048 s.
    for at_s in [2112.0, 2176.0, 2240.0, 2304.0, 2347.9] {
        assert_eq!(bench.update(at_s, -0.5), Verdict::Ignored, "at {at_s}");
    }
    assert!(matches!(bench.update(2348.0, -0.5), Verdict::Stepped { .. }));
    assert_eq!(bench.state(), State::Synchronised);
    // Another one has to wait as long again.
    for at_s in [2412.0, 2476.0, 2647.9] {
        assert_eq!(bench.update(at_s, 0.5), Verdict::Ignored, "at {at_s}");
    }
    assert!(matches!(bench.update(2648.0, 0.5), Verdict::Stepped { .. }));
}

#[test]
fn panic_leaves_the_clock_alone_but_for_the_first_time() {
    let mut bench = plain(5000.0, 0.0);
    assert!(matches!(bench.measure(10.0), Verdict::Stepped { .. }));
    let panic = bench.update(400.0, 1001.0);
    assert_eq!(panic, Verdict::Panic { offset: NtpDuration::from_seconds(1001.0) });
    assert_eq!(bench.steps.len(), 1);
    let settings = Settings { first_panic_allowed: false, ..Settings::default() };
    let mut strict = Bench::new(&Limits::default(), &settings, -5000.0, 0.0);
    assert!(matches!(strict.measure(10.0), Verdict::Panic { .. }));
    assert!(strict.steps.is_empty());
}

#[test]
fn without_a_step_threshold_everything_is_slewed() {
    let limits = Limits { step_forward: None, step_back: None, ..Limits::default() };
    let mut bench = Bench::new(&limits, &Settings::default(), 0.4, 0.0);
    assert_eq!(bench.measure(10.0), Verdict::Adjusted);
    bench.run_until(250.0);
    assert!((bench.error_s() - 0.4 + 240.0 * 500e-6).abs() < 1e-6);
}

#[test]
fn the_same_sample_is_not_used_twice() {
    let mut bench = in_operation();
    let now = bench.now();
    let system = SystemEstimate {
        peer: PEER,
        offset: NtpDuration::from_milliseconds(50.0),
        jitter: NtpDuration::ZERO,
        epoch: now.mono,
    };
    let verdict = bench.discipline.selected(&now, &Selected { sources: &[], system: Some(system) });
    assert_eq!(verdict, Verdict::Ignored);
    let nothing = bench.discipline.selected(&now, &Selected { sources: &[], system: None });
    assert_eq!(nothing, Verdict::Ignored);
}

#[test]
fn waking_early_changes_nothing() {
    let mut patient = plain(0.02, 10e-6);
    let mut hasty = plain(0.02, 10e-6);
    for poll in 1..60_u32 {
        let at_s = f64::from(poll) * 64.0;
        patient.measure(at_s);
        for early in 0..20_u32 {
            hasty.at_s = at_s - 64.0 + f64::from(early) * 3.17;
            let due = hasty.discipline.next_wakeup();
            let now = hasty.now();
            if due.is_none_or(|due| due > now.mono) {
                hasty.discipline.wakeup(&now);
                assert_eq!(hasty.discipline.next_wakeup(), due);
                assert!(hasty.discipline.poll_command().is_none());
            } else {
                hasty.run_until(hasty.at_s);
            }
        }
        hasty.measure(at_s);
        assert_eq!(patient.error_s().to_bits(), hasty.error_s().to_bits(), "at {at_s}");
    }
    assert_eq!(patient.steered, hasty.steered);
}

#[test]
fn a_step_by_somebody_else_is_taken_back_at_once() {
    let mut bench = in_operation();
    bench.clock.shows_s += 30.0;
    let by = NtpDuration::from_seconds(30.0);
    let now = bench.now();
    bench.discipline.disturbed(&now, Disturbance::ClockStepped(by));
    bench.drain();
    assert!(matches!(bench.measure(2112.0), Verdict::Stepped { .. }));
    // But not twice within the stepout.
    let now = bench.now();
    bench.discipline.disturbed(&now, Disturbance::Suspended(by));
    assert_eq!(bench.update(2176.0, 30.0), Verdict::Ignored);
    assert_eq!(bench.steps.len(), 1);
}

#[test]
fn the_huff_n_puff_filter_keeps_congestion_out() {
    let limits = Limits { huff_puff: Some(Duration::from_secs(7200)), ..Limits::default() };
    let mut bench = Bench::new(&limits, &Settings::default(), 0.0, 0.0);
    for (at_s, delay_ms) in [(64.0, 20.0), (128.0, 120.0)] {
        bench.run_until(at_s);
        let now = bench.now();
        let measurement = Measurement {
            source: PEER,
            number: 1,
            arrived: now.mono,
            raw: now.raw,
            source_time: now.clock,
            offset: NtpDuration::ZERO,
            delay: NtpDuration::from_milliseconds(delay_ms),
            stamp_error: NtpDuration::ZERO,
            dispersion: NtpDuration::ZERO,
            source_precision: NtpDuration::ZERO,
        };
        bench.discipline.measured(&now, &measurement);
        let system = SystemEstimate {
            peer: PEER,
            offset: NtpDuration::from_milliseconds(60.0),
            jitter: NtpDuration::ZERO,
            epoch: now.mono,
        };
        let corrected_s = bench.discipline.huffed(now.mono, &system);
        let wanted_s = if delay_ms > 100.0 { 0.010 } else { 0.060 };
        assert!((corrected_s - wanted_s).abs() < 1e-9, "{corrected_s}");
    }
}

#[test]
fn a_clock_that_refuses_is_asked_again() {
    let mut bench = in_operation();
    bench.run_until(2112.0);
    let now = bench.now();
    let system = SystemEstimate {
        peer: PEER,
        offset: NtpDuration::from_milliseconds(20.0),
        jitter: NtpDuration::ZERO,
        epoch: now.mono,
    };
    bench.discipline.selected(&now, &Selected { sources: &[], system: Some(system) });
    let first = bench.discipline.poll_command().unwrap();
    let refused = Outcome::Held(crate::clock::command::Held::NotPermitted);
    bench.discipline.commanded(&now, &refused);
    let left_s = bench.discipline.report(&now).offset.seconds();
    bench.run_until(2120.0);
    // Nothing was moved, so nothing is counted, and the same is asked for again.
    assert!((bench.error_s()).abs() < 1e-3);
    assert!((left_s - 0.020).abs() < 1e-9);
    assert!(matches!(first, Command::Steer(_)));
    assert!(bench.steered.iter().any(|at_s| *at_s > 2112.0));
}

#[test]
fn polls_grow_longer_on_a_quiet_clock() {
    let mut bench = in_operation();
    bench.discipline.precision_s = Precision::new(-20).seconds();
    for poll in 1..=60_u32 {
        let jitter_s = if poll % 2 == 0 { 2e-4 } else { -2e-4 };
        bench.update(2048.0 + f64::from(poll) * 64.0, jitter_s);
    }
    assert_eq!(bench.discipline.time_constant.exponent(), PollExponent::new(10));
}
