//! What came of runs, as a table and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::sim::moment::Span;
use crate::sim::run::Run;
use crate::sim::statistics::{Statistics, quantile};
use crate::sim::verdict::Verdict;

/// All that came of a scenario's runs.
#[derive(Clone, Debug)]
pub(super) struct Told<'a> {
    /// The scenario.
    pub(super) name: &'a str,
    /// What it is about.
    pub(super) title: &'a str,
    /// How the clock was disciplined.
    pub(super) algorithm: &'static str,
    /// From when on errors count.
    pub(super) from: Span,
    /// The runs.
    pub(super) runs: Vec<Run>,
    /// What became of the limits in each.
    pub(super) judged: Vec<Vec<Verdict>>,
    /// What became of those about medians.
    pub(super) medians: Vec<Verdict>,
}

impl Told<'_> {
    /// For people.
    pub(super) fn table(&self) -> String {
        let (seeds, body) = match self.runs.as_slice() {
            [run] => (format!("seed {}", run.seed), single(run)),
            runs => (format!("{} seeds", runs.len()), several(runs)),
        };
        let Self { name, title, algorithm, from, .. } = self;
        let verdicts = self.verdicts();
        format!("{name}: {title}\n{algorithm}, {seeds}, errors from {from} on\n\n{body}{verdicts}")
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let runs = self.runs.iter().zip(&self.judged);
        json!({
            "schema": "ntpscope-sim-1",
            "scenario": self.name,
            "title": self.title,
            "algorithm": self.algorithm,
            "measured_from_s": self.from.seconds(),
            "runs": runs.map(|(run, judged)| object(run, judged)).collect::<Vec<_>>(),
            "medians": self.medians.iter().map(verdict).collect::<Vec<_>>(),
        })
    }

    /// The limits: each once, with the runs that missed it.
    fn verdicts(&self) -> String {
        let mut rows: Vec<[String; 4]> = Vec::new();
        let several = self.runs.len() > 1;
        for (run, judged) in self.runs.iter().zip(&self.judged) {
            // Of many runs only what is wrong is told one by one.
            for verdict in judged.iter().filter(|verdict| !several || !verdict.is_kept) {
                let seed = if several { format!(" (seed {})", run.seed) } else { String::new() };
                rows.push(cells(verdict, &seed));
            }
        }
        rows.extend(self.medians.iter().map(|verdict| cells(verdict, "")));
        let missed = rows.iter().filter(|[.., word]| word == MISSED).count();
        if rows.is_empty() {
            return "\nall limits kept\n".to_owned();
        }
        let head = ["limit", "expected", "found", ""].map(str::to_owned);
        let table = columns(std::iter::once(&head).chain(&rows));
        let sum = match missed {
            0 => "all limits kept".to_owned(),
            1 => "1 limit missed".to_owned(),
            count => format!("{count} limits missed"),
        };
        format!("\n{table}\n{sum}\n")
    }
}

fn cells(verdict: &Verdict, seed: &str) -> [String; 4] {
    let word = if verdict.is_kept { "kept" } else { MISSED };
    let limit = format!("{}{seed}", verdict.limit);
    [limit, verdict.expected.clone(), verdict.found.clone(), word.to_owned()]
}

/// One run.
fn single(run: &Run) -> String {
    let statistics = &run.statistics;
    let after =
        |span: Option<Span>| span.map_or_else(|| "never".to_owned(), |span| span.to_string());
    let within = |micros| after(statistics.within(Span::from_micros(micros)));
    let each = run.packets_to.iter().map(|(name, count)| format!("{count} to {name}"));
    let steps = run.steps.iter().map(|(at, by)| {
        let by = Span::new(by.seconds()).unwrap_or_default();
        format!("{by} at {:.1} s", at.seconds())
    });
    let states = statistics.states().iter().map(u8::to_string);
    let sources = statistics.tallies().map(|(name, tally)| format!("{}{name}", tally.character()));
    let rows = [
        ("true error", format!("rms {}, at most {}", statistics.rms(), statistics.worst())),
        ("frequency error", format!("rms {:.1} ppb", statistics.frequency_ppb())),
        ("synchronised", format!("after {}", after(statistics.synchronised_at()))),
        ("stays within", format!("1 ms after {}, 100 us after {}", within(1000), within(100))),
        ("requests", format!("{}: {}", run.packets, joined(each, ", "))),
        ("steps", joined(steps, ", ")),
        ("states", joined(states, " ")),
        ("sources", joined(sources, "  ")),
    ];
    columns(&rows.map(|(label, value)| [label.to_owned(), value]))
}

fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    let text = parts.collect::<Vec<_>>().join(between);
    if text.is_empty() { "none".to_owned() } else { text }
}

/// Several runs, one a line, then their median and the interval in which 95 % of them lie.
fn several(runs: &[Run]) -> String {
    let head = ["seed", "rms", "max", "freq. rms", "to 1 ms", "to 100 us", "requests"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(runs.iter().map(|run| line(run.seed.to_string(), |figure| figure.of(run))));
    for (label, share) in [("median", 0.5), ("2.5 %", 0.025), ("97.5 %", 0.975)] {
        rows.push(line(label.to_owned(), |figure| {
            quantile(runs.iter().filter_map(|run| figure.of(run)), share)
        }));
    }
    columns(&rows)
}

fn line(label: String, value: impl Fn(Figure) -> Option<f64>) -> [String; 7] {
    let cell =
        |figure: Figure| value(figure).map_or_else(|| "never".to_owned(), |v| figure.show(v));
    let [rms, max, frequency, millisecond, hundred, requests] = Figure::ALL.map(cell);
    [label, rms, max, frequency, millisecond, hundred, requests]
}

/// What is told of each of several runs.
#[derive(Clone, Copy, Debug)]
enum Figure {
    Rms,
    Worst,
    Frequency,
    Millisecond,
    HundredMicroseconds,
    Requests,
}

impl Figure {
    const ALL: [Self; 6] = [
        Self::Rms,
        Self::Worst,
        Self::Frequency,
        Self::Millisecond,
        Self::HundredMicroseconds,
        Self::Requests,
    ];

    /// Its value in a run, in seconds, parts per billion or a count; `None` for never.
    fn of(self, run: &Run) -> Option<f64> {
        let statistics: &Statistics = &run.statistics;
        let within = |micros| statistics.within(Span::from_micros(micros)).map(Span::seconds);
        match self {
            Self::Rms => Some(statistics.rms().seconds()),
            Self::Worst => Some(statistics.worst().seconds()),
            Self::Frequency => Some(statistics.frequency_ppb()),
            Self::Millisecond => within(1000),
            Self::HundredMicroseconds => within(100),
            #[expect(clippy::cast_precision_loss, reason = "a count of packets")]
            Self::Requests => Some(run.packets as f64),
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::Frequency => format!("{value:.0} ppb"),
            Self::Requests => format!("{value:.0}"),
            _ => Span::new(value).unwrap_or_default().to_string(),
        }
    }
}

/// Rows of cells, each column as wide as it needs.
fn columns<'a, const N: usize>(rows: impl IntoIterator<Item = &'a [String; N]> + Clone) -> String {
    let widths: Vec<usize> = (0..N)
        .map(|place| {
            let cells = rows.clone().into_iter().filter_map(|row| row.get(place));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, " {cell:<width$} ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn object(run: &Run, judged: &[Verdict]) -> Value {
    let statistics = &run.statistics;
    let within = |micros| statistics.within(Span::from_micros(micros)).map(Span::seconds);
    let tallies = statistics
        .tallies()
        .map(|(name, tally)| (name.to_owned(), Value::from(tally.character().to_string())));
    json!({
        "seed": run.seed,
        "error_rms_s": statistics.rms().seconds(),
        "error_max_s": statistics.worst().seconds(),
        "frequency_error_rms_ppb": statistics.frequency_ppb(),
        "synchronised_after_s": statistics.synchronised_at().map(Span::seconds),
        "within_1ms_after_s": within(1000),
        "within_100us_after_s": within(100),
        "requests": run.packets,
        "requests_to": run.packets_to,
        "steps": run.steps.iter().map(|(at, by)| json!({
            "time_s": at.seconds(),
            "by_s": by.seconds(),
        })).collect::<Vec<_>>(),
        "states": statistics.states(),
        "tallies": tallies.collect::<serde_json::Map<_, _>>(),
        "limits": judged.iter().map(verdict).collect::<Vec<_>>(),
    })
}

fn verdict(verdict: &Verdict) -> Value {
    json!({
        "limit": verdict.limit,
        "expected": verdict.expected,
        "found": verdict.found,
        "is_kept": verdict.is_kept,
    })
}

const MISSED: &str = "MISSED";
