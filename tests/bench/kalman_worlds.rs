//! Days in small worlds: how well the `kalman` discipline keeps time, with nothing around it.
//!
//! An oscillator that does a random walk of frequency, links with exponential delays, sources whose
//! roles are given rather than selected: a day takes milliseconds. It prints, for each world and
//! over the seeds, median and 95 % interval of the RMS true time error in microseconds from 20 000 s
//! on, RMS frequency error in ppb, and packets. `kalman_worlds [WORLD…] [--seeds N]`.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index into a few dozen values"
)]

#[path = "../support/worlds.rs"]
mod worlds;

use std::process::ExitCode;

use worlds::{Outcome, World};

fn main() -> ExitCode {
    let mut seeds = 30;
    let mut names = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--seeds" {
            seeds = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(seeds);
        } else {
            names.push(argument);
        }
    }
    println!(
        "{:13} {:>9} {:>17} {:>8} {:>8} {:>8} {:>8} {:>6} {:>6} reach",
        "world", "RMS us", "95 %", "max us", "freq ppb", "packets", "1ms s", "100us", "inside"
    );
    for world in World::all() {
        if names.is_empty() || names.iter().any(|name| name == world.name) {
            print(&world, seeds);
        }
    }
    ExitCode::SUCCESS
}

fn print(world: &World, seeds: u64) {
    let outcomes: Vec<Outcome> = (1..=seeds).map(|seed| world.run(seed)).collect();
    let sorted = |pick: fn(&Outcome) -> f64| {
        let mut values: Vec<f64> = outcomes.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let at = |values: &[f64], part: f64| {
        let index = ((values.len() - 1) as f64 * part).round() as usize;
        values.get(index).copied().unwrap_or(f64::NAN)
    };
    let rms = sorted(|o| o.rms_s * 1e6);
    println!(
        "{:13} {:9.3} {:8.3}–{:8.3} {:8.1} {:8.1} {:8.0} {:8.0} {:6.0} {:6.3} {}",
        world.name,
        at(&rms, 0.5),
        at(&rms, 0.025),
        at(&rms, 0.975),
        at(&sorted(|o| o.max_s * 1e6), 0.5),
        at(&sorted(|o| o.frequency * 1e9), 0.5),
        at(&sorted(|o| f64::from(o.packets)), 0.5),
        at(&sorted(|o| f64::from(o.millisecond_s)), 0.5),
        at(&sorted(|o| f64::from(o.tenth_s)), 0.5),
        at(&sorted(|o| o.inside), 0.5),
        world.reach,
    );
}
