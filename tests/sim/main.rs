//! Engines in simulated worlds: every scenario that ships keeps its limits, and what must hold for
//! every seed does.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should fail")]

mod holdover;
mod measured;
mod ntpd;
mod orphan;
mod program;
mod properties;
mod reach;
mod rejected;
mod site;
mod symmetric;

use ntpscope::config::engine::Algorithm;
use ntpscope::sim::run::{Plan, Run};
use ntpscope::sim::shipped::{SHIPPED, Shipped};
use ntpscope::sim::verdict::MEDIAN_SEEDS;

/// Runs a scenario and returns what was missed of its limits, with what is needed to see it again.
fn missed(shipped: Shipped, seed: u64, algorithm: Algorithm) -> Vec<String> {
    let scenario = shipped.scenario().unwrap();
    let run = Plan::new(seed, algorithm).run(&scenario, |_, _| {}).unwrap();
    let verdicts = scenario.limits(algorithm).judge(&run);
    let missed = verdicts.iter().filter(|verdict| !verdict.is_kept);
    let name = shipped.name;
    let mut lines: Vec<String> = missed
        .map(|v| {
            format!(
                "{name} {algorithm:?} seed {seed}: {} {}, found {}",
                v.limit, v.expected, v.found
            )
        })
        .collect();
    if !lines.is_empty() {
        lines.extend(last_events(&run));
    }
    lines
}

/// What the engine told last.
fn last_events(run: &Run) -> impl Iterator<Item = String> {
    let skipped = run.remarks.len().saturating_sub(50);
    run.remarks.iter().skip(skipped).map(|told| format!("    {told}"))
}

/// Checks every `of`-th scenario from `part` on, so that tests share the work.
fn check(part: usize, of: usize, seed: u64, algorithm: Algorithm) {
    let mine = SHIPPED.iter().skip(part).step_by(of);
    let lines: Vec<String> = mine.flat_map(|shipped| missed(*shipped, seed, algorithm)).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn scenarios_keep_their_limits_first_part() {
    check(0, 2, 1, Algorithm::Kalman);
}

#[test]
fn scenarios_keep_their_limits_second_part() {
    check(1, 2, 1, Algorithm::Kalman);
}

#[test]
fn scenarios_keep_their_limits_with_the_classic_loop() {
    check(0, 1, 1, Algorithm::Ntp);
}

#[test]
fn scenarios_keep_their_medians_with_the_classic_loop() {
    let mut lines = Vec::new();
    for shipped in SHIPPED {
        let scenario = shipped.scenario().unwrap();
        let run = |seed| Plan::new(seed, Algorithm::Ntp).run(&scenario, |_, _| {}).unwrap();
        let runs: Vec<Run> = (1..=MEDIAN_SEEDS as u64).map(run).collect();
        let verdicts = scenario.limits(Algorithm::Ntp).judge_medians(&runs);
        let missed = verdicts.iter().filter(|verdict| !verdict.is_kept);
        lines.extend(missed.map(|verdict| format!("{}: {verdict:?}", shipped.name)));
    }
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn at_least_twenty_scenarios_ship() {
    assert!(SHIPPED.len() >= 20);
}
