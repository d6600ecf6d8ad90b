//! `ntpscope sim`: a simulated world as fast as it goes, and what an engine made of it.

use std::fs;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

use clap::Args;

use crate::cli::exit::{Exit, printed};
use crate::cli::sim::told::Told;
use crate::config::Rejected;
use crate::config::engine::Algorithm;
use crate::sim::moment::Moment;
use crate::sim::run::{Plan, Run};
use crate::sim::scenario::Scenario;
use crate::sim::shipped::{SHIPPED, Shipped};
use crate::sim::statistics::Sight;
use crate::sim::verdict::Verdict;

mod told;

/// What `ntpscope sim` was told.
#[derive(Clone, Debug, Args)]
pub struct SimArguments {
    /// A scenario that is built in, or a file with one.
    #[arg(value_name = "SCENARIO|FILE", required_unless_present = "list")]
    pub scenario: Option<String>,

    /// List the scenarios that are built in.
    #[arg(long)]
    pub list: bool,

    /// Where all chance comes from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Run this many seeds, and tell their medians.
    #[arg(long, value_name = "N", default_value = "1")]
    pub seeds: NonZero<u16>,

    /// How the clock is disciplined: ntp or kalman.
    #[arg(long, value_name = "NAME", default_value = "kalman", value_parser = algorithm)]
    pub discipline_algorithm: Algorithm,

    /// Print what is seen each second, as comma-separated values.
    #[arg(long, conflicts_with_all = ["json", "seeds"])]
    pub csv: bool,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Reads how a clock is disciplined.
///
/// # Errors
/// What it may be.
pub fn algorithm(text: &str) -> Result<Algorithm, String> {
    match text {
        "ntp" => Ok(Algorithm::Ntp),
        "kalman" => Ok(Algorithm::Kalman),
        _ => Err("it is ntp or kalman".to_owned()),
    }
}

const fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Ntp => "ntp",
        Algorithm::Kalman => "kalman",
    }
}

/// Runs what was asked for and prints it.
pub fn run(arguments: &SimArguments) -> Exit {
    if arguments.list {
        return list();
    }
    let name = arguments.scenario.as_deref().unwrap_or_default();
    let done = find(name).and_then(|scenario| {
        if arguments.csv { trace(arguments, &scenario) } else { tell(arguments, name, &scenario) }
    });
    done.unwrap_or_else(|rejected| {
        drop(writeln!(io::stderr(), "ntpscope: {rejected}"));
        Exit::Usage
    })
}

/// Prints the scenarios that are built in, one a line.
pub fn list() -> Exit {
    let widest = SHIPPED.iter().map(|shipped| shipped.name.len()).max().unwrap_or(0);
    let lines = SHIPPED.iter().map(|shipped| {
        let title = shipped.scenario().map_or_else(|error| error.to_string(), |s| s.title);
        format!("{:<widest$}  {title}\n", shipped.name)
    });
    printed(io::stdout().write_all(lines.collect::<String>().as_bytes()))
}

/// The scenario called `name`, or the one in the file of that name.
///
/// # Errors
/// There is neither, or it is malformed.
pub fn find(name: &str) -> Result<Scenario, Rejected> {
    if let Some(shipped) = Shipped::named(name) {
        return shipped.scenario();
    }
    let file = PathBuf::from(name);
    let text = fs::read_to_string(&file).map_err(|error| Rejected {
        source: format!("scenario `{}`", name.escape_debug()),
        position: None,
        reason: match error.kind() {
            io::ErrorKind::NotFound => {
                "it is neither built in nor a file\nhint: `ntpscope sim --list` lists those built in"
                    .to_owned()
            }
            _ => format!("cannot be read: {error}"),
        },
    })?;
    Scenario::read(name, &text)
}

/// Prints one run second by second.
fn trace(arguments: &SimArguments, scenario: &Scenario) -> Result<Exit, Rejected> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut outcome = out.write_all(CSV_HEADER.as_bytes());
    let plan = Plan::new(arguments.seed, arguments.discipline_algorithm);
    plan.run(scenario, |at, sight| {
        if outcome.is_ok() {
            outcome = out.write_all(row(at, sight).as_bytes());
        }
    })?;
    Ok(printed(outcome.and_then(|()| out.flush())))
}

fn row(at: Moment, sight: &Sight) -> String {
    let mut line = format!(
        "{},{:.9},{:.6},{:.9},{:.9},{},{},{}",
        at.seconds(),
        sight.error.seconds(),
        sight.frequency_error.parts_per_million(),
        sight.offset.seconds(),
        sight.bound.seconds(),
        u8::from(sight.is_synchronised),
        sight.state,
        sight.poll,
    );
    line.push(',');
    // One character each, in the order of the scenario.
    line.extend(sight.tallies.iter().map(|(_, tally)| tally.character()));
    line.push('\n');
    line
}

/// Runs all seeds and prints what came of them.
fn tell(arguments: &SimArguments, name: &str, scenario: &Scenario) -> Result<Exit, Rejected> {
    let count = u64::from(arguments.seeds.get());
    let seeds: Vec<u64> = (0..count).map(|n| arguments.seed.wrapping_add(n)).collect();
    let runs = run_all(scenario, arguments.discipline_algorithm, &seeds)?;
    let limits = scenario.limits(arguments.discipline_algorithm);
    let judged: Vec<Vec<Verdict>> = runs.iter().map(|run| limits.judge(run)).collect();
    let medians = limits.judge_medians(&runs);
    let is_kept = judged.iter().flatten().chain(&medians).all(|verdict| verdict.is_kept);
    let algorithm = algorithm_name(arguments.discipline_algorithm);
    let title = &scenario.title;
    let told = Told { name, title, algorithm, from: scenario.measure_from, runs, judged, medians };
    let text = if arguments.json { format!("{}\n", told.json()) } else { told.table() };
    let printed = printed(io::stdout().write_all(text.as_bytes()));
    Ok(if is_kept { printed } else { printed.max(Exit::Missed) })
}

/// Runs seeds side by side, as many at once as there are processors.
fn run_all(scenario: &Scenario, algorithm: Algorithm, seeds: &[u64]) -> Result<Vec<Run>, Rejected> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = seeds.len().div_ceil(threads).max(1);
    let run = |seed: &u64| Plan::new(*seed, algorithm).run(scenario, |_, _| {});
    let parts: Vec<Result<Vec<Run>, Rejected>> = thread::scope(|scope| {
        let started: Vec<_> = seeds
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().map(run).collect()))
            .collect();
        started.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let runs: Result<Vec<Vec<Run>>, Rejected> = parts.into_iter().collect();
    Ok(runs?.into_iter().flatten().collect())
}

/// What is told of each second.
const CSV_HEADER: &str = "time_s,error_s,frequency_error_ppm,offset_s,error_bound_s,\
    is_synchronised,state,poll,sources\n";
