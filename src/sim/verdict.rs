//! Verdicts: named limits, and what a run made of them.

use serde::Deserialize;

use crate::sim::moment::Span;
use crate::sim::run::Run;
use crate::sim::statistics::median;
use crate::units::Tally;

/// What is expected of a run. What is not said is not checked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The greatest error of the clock.
    pub offset_max: Option<Span>,
    /// Root mean square of the error, in every run.
    pub rms_max: Option<Span>,
    /// The same, for the median over the seeds; checked from [`MEDIAN_SEEDS`] seeds on.
    pub rms_median: Option<Span>,
    /// Root mean square of the frequency error in every run, in parts per billion.
    pub frequency_max_ppb: Option<f64>,
    /// The same, for the median over the seeds.
    pub frequency_median_ppb: Option<f64>,
    /// When it calls itself synchronised at the latest.
    pub sync_by: Option<Span>,
    /// When it is within 1 ms, and stays there for a minute, at the latest.
    pub millisecond_by: Option<Span>,
    /// When it is within 100 µs, and stays there for a minute, at the latest.
    pub hundred_microseconds_by: Option<Span>,
    /// Requests that it may send, in every run.
    pub packets_max: Option<u64>,
    /// The same, for the median over the seeds.
    pub packets_median: Option<u64>,
    /// Requests that it may send to a server.
    pub packets_to: Vec<(String, u64)>,
    /// Servers that are not used in any second that counts, and are called falsetickers at the
    /// end.
    pub falsetickers_rejected: Vec<String>,
    /// Servers that are not used in any second that counts.
    pub unused: Vec<String>,
    /// Servers that are used at the end.
    pub used: Vec<String>,
    /// Whether nothing may be believed: it is not synchronised in any second that counts.
    pub nobody_believed: bool,
    /// The least share of the time that counts in which it is synchronised, 0 to 1.
    pub synchronised_min: Option<f64>,
    /// Steps of the clock.
    pub steps_min: Option<usize>,
    /// Steps of the clock.
    pub steps_max: Option<usize>,
    /// Whether it must own up to at least its true error at all times that count.
    pub bound_honest: bool,
    /// What it must have told, each as a part of an event's text.
    pub remarks: Vec<String>,
    /// The states of its discipline in order, by ntpd's numbers.
    pub states: Option<Vec<u8>>,
}

/// What became of one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The limit's name.
    pub limit: &'static str,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Whether it was kept.
    pub is_kept: bool,
}

impl Limits {
    /// The servers that it names.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        let lists = [&self.falsetickers_rejected, &self.unused, &self.used];
        let listed = lists.into_iter().flatten().map(String::as_str);
        listed.chain(self.packets_to.iter().map(|(name, _)| name.as_str()))
    }

    /// What one run made of them.
    pub fn judge(&self, run: &Run) -> Vec<Verdict> {
        let mut verdicts = self.judge_clock(run);
        verdicts.extend(self.judge_sources(run));
        verdicts.extend(self.judge_doings(run));
        verdicts
    }

    /// What several runs made of those that are about medians.
    pub fn judge_medians(&self, runs: &[Run]) -> Vec<Verdict> {
        if runs.len() < MEDIAN_SEEDS {
            return Vec::new();
        }
        let of = |value: fn(&Run) -> f64| median(runs.iter().map(value)).unwrap_or(f64::INFINITY);
        let rms = Span::new(of(|run| run.statistics.rms().seconds()));
        let frequency = of(|run| run.statistics.frequency_ppb());
        #[expect(clippy::cast_precision_loss, reason = "a count of packets")]
        let packets = of(|run| run.packets as f64);
        let verdicts = [
            self.rms_median.map(|limit| at_most("rms_median", limit, rms)),
            self.frequency_median_ppb
                .map(|limit| at_most_number("frequency_median_ppb", limit, frequency)),
            #[expect(clippy::cast_precision_loss, reason = "a count of packets")]
            self.packets_median
                .map(|limit| at_most_number("packets_median", limit as f64, packets)),
        ];
        verdicts.into_iter().flatten().collect()
    }

    fn judge_clock(&self, run: &Run) -> Vec<Verdict> {
        let statistics = &run.statistics;
        let within = |micros| statistics.within(Span::from_micros(micros));
        let spans = [
            ("offset_max", self.offset_max, Some(statistics.worst())),
            ("rms_max", self.rms_max, Some(statistics.rms())),
            ("sync_by", self.sync_by, statistics.synchronised_at()),
            ("millisecond_by", self.millisecond_by, within(1000)),
            ("hundred_microseconds_by", self.hundred_microseconds_by, within(100)),
        ];
        let spans = spans.into_iter();
        let mut verdicts: Vec<Verdict> =
            spans.filter_map(|(name, limit, found)| Some(at_most(name, limit?, found))).collect();
        let frequency = self.frequency_max_ppb;
        verdicts.extend(
            frequency.map(|limit| {
                at_most_number("frequency_max_ppb", limit, statistics.frequency_ppb())
            }),
        );
        verdicts.extend(self.synchronised_min.map(|least| {
            let found = statistics.synchronised_share();
            let (expected, text) = (format!("at least {least}"), format!("{found:.4}"));
            verdict("synchronised_min", expected, text, found >= least)
        }));
        if self.nobody_believed {
            let found = statistics.synchronised_share();
            let text = format!("synchronised {:.1} % of the time", found * 100.0);
            verdicts.push(verdict("nobody_believed", "never".into(), text, found <= 0.0));
        }
        if self.bound_honest {
            let found = statistics.dishonest();
            let text = format!("{found} s beyond it");
            verdicts.push(verdict("bound_honest", "never beyond".into(), text, found == 0));
        }
        verdicts
    }

    fn judge_sources(&self, run: &Run) -> Vec<Verdict> {
        let statistics = &run.statistics;
        let told = |name: &str, is_kept, limit, expected: &str| {
            let tally = statistics
                .tally(name)
                .map_or_else(|| "none".to_owned(), |tally| format!("`{}`", tally.character()));
            let found = format!("{name}: {tally}, used {} s", statistics.used(name));
            verdict(limit, format!("{name} {expected}"), found, is_kept)
        };
        let mut verdicts = Vec::new();
        for name in &self.falsetickers_rejected {
            let is_caught = statistics.tally(name) == Some(Tally::Falseticker);
            let is_kept = is_caught && statistics.used(name) == 0;
            verdicts.push(told(name, is_kept, "falsetickers_rejected", "rejected"));
        }
        for name in &self.unused {
            verdicts.push(told(name, statistics.used(name) == 0, "unused", "never used"));
        }
        for name in &self.used {
            let is_kept = statistics.tally(name).is_some_and(crate::sim::statistics::is_used);
            verdicts.push(told(name, is_kept, "used", "used at the end"));
        }
        verdicts
    }

    fn judge_doings(&self, run: &Run) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        let count = |name, limit: u64, found: u64| {
            verdict(name, format!("at most {limit}"), found.to_string(), found <= limit)
        };
        verdicts.extend(self.packets_max.map(|most| count("packets_max", most, run.packets)));
        for (name, most) in &self.packets_to {
            let found = run.packets_to.get(name).copied().unwrap_or(0);
            let expected = format!("{name}: at most {most}");
            verdicts.push(verdict("packets_to", expected, found.to_string(), found <= *most));
        }
        let steps = run.steps.len();
        verdicts.extend(self.steps_min.map(|least| {
            verdict("steps_min", format!("at least {least}"), steps.to_string(), steps >= least)
        }));
        verdicts.extend(self.steps_max.map(|most| {
            verdict("steps_max", format!("at most {most}"), steps.to_string(), steps <= most)
        }));
        for remark in &self.remarks {
            let is_kept = run.remarks.iter().any(|told| told.contains(remark.as_str()));
            let found = if is_kept { "told" } else { "not told" };
            verdicts.push(verdict("remarks", format!("`{remark}`"), found.into(), is_kept));
        }
        verdicts.extend(self.states.as_ref().map(|states| {
            let found = run.statistics.states();
            let (expected, text) = (format!("{states:?}"), format!("{found:?}"));
            verdict("states", expected, text, found == states.as_slice())
        }));
        verdicts.extend(
            run.faults
                .iter()
                .map(|fault| verdict("faults", "none".into(), (*fault).to_owned(), false)),
        );
        verdicts
    }
}

const fn verdict(limit: &'static str, expected: String, found: String, is_kept: bool) -> Verdict {
    Verdict { limit, expected, found, is_kept }
}

fn at_most(limit: &'static str, most: Span, found: Option<Span>) -> Verdict {
    let text = found.map_or_else(|| "never".to_owned(), |found| found.to_string());
    let is_kept = found.is_some_and(|found| found <= most);
    verdict(limit, format!("at most {most}"), text, is_kept)
}

fn at_most_number(limit: &'static str, most: f64, found: f64) -> Verdict {
    verdict(limit, format!("at most {most}"), format!("{found:.1}"), found <= most)
}

/// Seeds from which on medians are worth a verdict.
pub const MEDIAN_SEEDS: usize = 10;
