//! What holds whatever the seed.

use std::time::Duration;

use ntpscope::config::engine::Algorithm;
use ntpscope::sim::moment::Span;
use ntpscope::sim::run::{Plan, Run};
use ntpscope::sim::scenario::Scenario;
use ntpscope::sim::shipped::SHIPPED;

/// A world in which much happens in little time.
const BUSY: &str = r#"(
    title: "all at once",
    duration: "3h",
    client: (
        behind: "300ms",
        oscillator: (frequency_ppm: -35, wander: 1e-8),
        minpoll: 4, maxpoll: 7, stamps: "3us",
    ),
    link: (both: (delay: "4ms", jitter: "1ms", loss: 0.1, duplication: 0.05, reordering: 0.05, held_back: "30ms")),
    servers: [
        (name: "a"),
        (name: "b", server: (character: SlowLiar(from: "30min", per_second: "50us"))),
        (name: "c", server: (character: RateLimiting(every: "60s", burst: 4))),
        (name: "d"),
    ],
    events: [
        (at: "40min", what: Step("-2s")),
        (at: "70min", what: Lost("a")),
        (at: "80min", what: Suspend(lasting: "20min", error: "-900ms")),
        (at: "110min", what: Back("a")),
        (at: "130min", what: Frequency(8)),
        (at: "150min", what: Wrong(server: "d", by: "400ms")),
    ],
)"#;

fn run(seed: u64, algorithm: Algorithm, nudge: Option<f64>) -> Run {
    let scenario = Scenario::read("busy", BUSY).unwrap();
    let nudge = nudge.and_then(Span::new);
    let plan = Plan { fingerprint: true, nudge, ..Plan::new(seed, algorithm) };
    let run = plan.run(&scenario, |_, _| {}).unwrap();
    assert!(run.faults.is_empty(), "seed {seed} {algorithm:?}: {:?}", run.faults);
    assert!(run.packets > 100, "seed {seed} {algorithm:?}: {} packets", run.packets);
    run
}

const BOTH: [Algorithm; 2] = [Algorithm::Ntp, Algorithm::Kalman];

#[test]
fn two_runs_of_a_seed_are_identical() {
    for algorithm in BOTH {
        for seed in 0..3 {
            let (once, twice) = (run(seed, algorithm, None), run(seed, algorithm, None));
            assert_eq!(once.fingerprint, twice.fingerprint, "seed {seed} {algorithm:?}");
            assert_ne!(once.fingerprint, run(seed + 100, algorithm, None).fingerprint);
        }
    }
}

#[test]
fn waking_early_changes_nothing() {
    for algorithm in BOTH {
        for seed in 0..3 {
            let plain = run(seed, algorithm, None);
            let nudged = run(seed, algorithm, Some(1.7));
            assert_eq!(plain.steps, nudged.steps, "seed {seed} {algorithm:?}");
            assert_eq!(plain.packets, nudged.packets, "seed {seed} {algorithm:?}");
            assert_eq!(plain.fingerprint, nudged.fingerprint, "seed {seed} {algorithm:?}");
        }
    }
}

#[test]
fn no_two_steps_are_closer_than_stepout_but_at_the_start() {
    for algorithm in BOTH {
        for seed in 0..6 {
            check_steps(&run(seed, algorithm, None), &format!("seed {seed} {algorithm:?}"));
        }
    }
}

/// Checks every scenario that ships, whole and cut short, each with seeds of its own: nothing puts
/// the engine in a state that cannot be, waking it early changes nothing, and its steps are rare.
fn check_shipped(algorithm: Algorithm) {
    for (place, shipped) in (0..).zip(SHIPPED) {
        let mut scenario = shipped.scenario().unwrap();
        let whole = scenario.duration;
        let short = [90.0, 700.0, 5_000.0].map(|seconds| Span::new(seconds).unwrap());
        for (number, length) in (0..).zip(short.into_iter().chain([whole])) {
            scenario.duration = if length.seconds() < whole.seconds() { length } else { whole };
            let seed = 1_000 + 10 * place + number;
            let what = format!("{} {algorithm:?} seed {seed}, {length}", shipped.name);
            let plain = Plan { fingerprint: true, ..Plan::new(seed, algorithm) };
            let nudged = Plan { nudge: Span::new(3.3), ..plain };
            let run = |plan: Plan| plan.run(&scenario, |_, _| {}).unwrap();
            let (once, woken) = (run(plain), run(nudged));
            assert!(once.faults.is_empty(), "{what}: {:?}", once.faults);
            assert_eq!(once.fingerprint, run(plain).fingerprint, "{what}: twice");
            assert_eq!(once.steps, woken.steps, "{what}: woken");
            assert_eq!(once.packets, woken.packets, "{what}: woken");
            assert_eq!(once.fingerprint, woken.fingerprint, "{what}: woken");
            check_steps(&once, &what);
        }
    }
}

#[test]
fn whatever_ships_holds_to_this_with_the_joint_filter() {
    check_shipped(Algorithm::Kalman);
}

#[test]
fn whatever_ships_holds_to_this_with_the_classic_loop() {
    check_shipped(Algorithm::Ntp);
}

fn check_steps(run: &Run, what: &str) {
    let late = run.steps.iter().filter(|(at, _)| at.seconds() > START_S);
    let times: Vec<_> = late.map(|(at, _)| *at).collect();
    for pair in times.windows(2) {
        let [first, second] = pair else { continue };
        let apart = second.since(*first);
        assert!(apart >= STEPOUT, "{what}: {:?}", run.steps);
    }
}

/// How long a start may take.
const START_S: f64 = 300.0;

/// ntpd's default; a little less, for it is counted by a clock that runs fast or slow.
const STEPOUT: Duration = Duration::from_millis(299_500);
