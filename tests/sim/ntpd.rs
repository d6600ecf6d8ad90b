//! The classic loop beside ntpd 4.2.8 itself, measured in the same worlds under a network and clock
//! simulator: RMS true errors of a day.

use ntpscope::config::engine::Algorithm;
use ntpscope::sim::run::Plan;
use ntpscope::sim::shipped::SHIPPED;
use ntpscope::sim::statistics::median;

/// World and RMS error of ntpd, in microseconds.
const NTPD: [(&str, f64); 7] = [
    ("lan4", 2.4),
    ("wan6", 145.0),
    ("rw9p6", 21.0),
    ("rw8", 2270.0),
    ("jit10", 3530.0),
    ("spike", 274.0),
    ("false1of4p6", 107.0),
];

/// How far the median may lie from it.
const TOLERANCE: f64 = 0.25;

const SEEDS: u64 = 9;

#[test]
fn the_classic_loop_keeps_time_as_ntpd_does() {
    for (name, ntpd_us) in NTPD {
        let scenario = SHIPPED.iter().find(|s| s.name == name).unwrap().scenario().unwrap();
        let error_us = |seed| {
            let run = Plan::new(seed, Algorithm::Ntp).run(&scenario, |_, _| {}).unwrap();
            run.statistics.rms().seconds() * 1e6
        };
        let found_us = median((1..=SEEDS).map(error_us)).unwrap();
        assert!(
            (found_us / ntpd_us - 1.0).abs() < TOLERANCE,
            "{name}: {found_us:.1} us, ntpd {ntpd_us} us"
        );
    }
}
