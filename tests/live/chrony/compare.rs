//! Whether what chronyc printed is what we told before or after.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::columns::{About, Column, Reading, Report, Unknown};

/// A report's lines, each in its columns.
pub(super) type Lines = Vec<Vec<String>>;

/// A number on chronyc's side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) command: &'static str,
    /// Which source or client; empty for the daemon's own.
    pub(super) whose: String,
    pub(super) name: &'static str,
}

/// What came of a comparison.
pub(super) struct Outcome {
    /// Each number, and what is wrong with it.
    pub(super) fields: Vec<(Key, Option<String>)>,
    /// Names of those that had a value somewhere.
    pub(super) known: BTreeSet<&'static str>,
}

/// Compares the lines of a report with two looks.
pub(super) fn compare(report: &Report, lines: &Lines, before: &Json, after: &Json) -> Outcome {
    let mut outcome = Outcome { fields: Vec::new(), known: BTreeSet::new() };
    assert!(!lines.is_empty(), "chronyc printed nothing of {}", report.command);
    for line in lines {
        let text = line.join(",");
        assert_eq!(line.len(), report.width, "{} has other columns: {text}", report.command);
        let whose = match report.about {
            About::System => String::new(),
            About::Sources(place) => line[place].clone(),
            About::Clients => line[0].clone(),
        };
        // One without an address has a number instead, which no other program can know.
        if whose.starts_with("ID#") {
            continue;
        }
        let (one, other) = (find(report, &whose, before), find(report, &whose, after));
        for column in report.columns {
            let key = Key { command: report.command, whose: whose.clone(), name: column.name };
            let complaint = match (one, other) {
                (Some(one), Some(other)) => {
                    let (one, other) = (inside(one, column.name), inside(other, column.name));
                    if !one.is_null() && !other.is_null() {
                        outcome.known.insert(column.name);
                    }
                    differs(column, line, one, other)
                }
                _ => Some("it is not there".to_owned()),
            };
            let complaint = complaint.map(|why| format!("{key:?}: {why}\n    {text}"));
            outcome.fields.push((key, complaint));
        }
    }
    outcome
}

/// Whose values a line is about.
fn find<'a>(report: &Report, whose: &str, look: &'a Json) -> Option<&'a Json> {
    let among = |all: &'a Json, names: &[&str]| {
        let all = all.as_array()?;
        all.iter().find(|one| names.iter().any(|name| one[*name] == whose))
    };
    match report.about {
        About::System => Some(&look["system"]),
        About::Sources(_) => {
            among(&look["peers"], &["source"]).or_else(|| among(&look["peers"], &["source_host"]))
        }
        About::Clients => among(&look["clients"]["list"], &["address"]),
    }
}

fn inside<'a>(object: &'a Json, path: &str) -> &'a Json {
    path.split('/').fold(object, |object, name| &object[name])
}

/// What is wrong with a column, if anything is.
fn differs(column: &Column, line: &[String], before: &Json, after: &Json) -> Option<String> {
    let printed = &*line[column.place];
    if column.unknown.holds(line) {
        let both = before.is_null() || after.is_null();
        return (!both).then(|| format!("{printed} means nothing; we have {before}, {after}"));
    }
    let is_so = match column.reading {
        Reading::Moving(scale) => lies_between(printed, scale, before, after),
        _ => [before, after].iter().any(|ours| column.is(line, ours)),
    };
    (!is_so).then(|| format!("{printed} is not {before}, nor {after}"))
}

/// Whether a number lies between ours, to the last digit printed.
fn lies_between(printed: &str, scale: f64, before: &Json, after: &Json) -> bool {
    let (Some(one), Some(other)) = (before.as_f64(), after.as_f64()) else { return false };
    let Ok(number) = printed.parse::<f64>() else { return false };
    let (one, other) = (one * scale, other * scale);
    let decimals = printed.split_once('.').map_or(0, |(_, digits)| digits.len());
    let digit = 10_f64.powi(-i32::try_from(decimals).expect("a few digits"));
    let slack = if decimals == 0 { 0.0 } else { digit };
    (one.min(other) - slack..=one.max(other) + slack).contains(&number)
}

impl Column {
    /// Whether the text in its place is this value.
    fn is(&self, line: &[String], ours: &Json) -> bool {
        let printed = &*line[self.place];
        let word = |pairs: &[(&str, &str)], text: &str| {
            let found = pairs.iter().find(|(theirs, _)| *theirs == text);
            found.map(|(_, ours)| (*ours).to_owned())
        };
        match self.reading {
            Reading::Number(scale) => ours.as_f64().is_some_and(|ours| {
                let decimals = printed.split_once('.').map_or(0, |(_, digits)| digits.len());
                unsigned_zero(&format!("{:.decimals$}", ours * scale)) == unsigned_zero(printed)
            }),
            Reading::Moving(scale) => lies_between(printed, scale, ours, ours),
            Reading::Words(pairs) => word(pairs, printed).is_some_and(|word| *ours == word),
            Reading::Flag(yes) => *ours == (printed == yes),
            Reading::Same => *ours == printed,
            Reading::Octal => {
                let register = |text: &str| u8::from_str_radix(text, 8).ok();
                let ours = ours.as_str().and_then(register);
                ours.is_some() && ours == register(printed)
            }
            Reading::Hexadecimal => {
                let Ok(number) = u32::from_str_radix(printed, 16) else { return false };
                let octets = number.to_be_bytes();
                let letters: String =
                    octets.iter().take_while(|b| **b != 0).map(|b| char::from(*b)).collect();
                *ours == std::net::Ipv4Addr::from(octets).to_string() || *ours == letters
            }
            Reading::Time => {
                let Some(ours) =
                    ours.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok())
                else {
                    return false;
                };
                let Some((seconds, nanoseconds)) = printed.split_once('.') else { return false };
                let number = |text: &str| text.parse::<i128>().expect("a number");
                let theirs = number(seconds) * 1_000_000_000 + number(nanoseconds);
                (ours.as_nanosecond() - theirs).abs() <= 1
            }
            Reading::Options(pairs) => {
                let letters = line[self.place..self.place + OPTION_COLUMNS].iter();
                let words: Vec<_> = letters.filter_map(|letter| word(pairs, letter)).collect();
                *ours == words.join(" ")
            }
            Reading::Groups(count) => *ours == line[self.place..self.place + count].join(" "),
        }
    }

    /// Whether the daemons of the lab need not have a value for it: there is no NTS.
    pub(super) fn is_seldom(&self) -> bool {
        self.name.contains("nts_")
            || self.name.contains("key_establishment")
            || matches!(self.name, "commands/interval_log2_s" | "limited_interval_log2_s")
    }

    /// Whether another report tells the same, so that it is known though this one is closed.
    pub(super) fn has_another_source(&self) -> bool {
        self.name == "selection_state"
    }
}

impl Unknown {
    fn holds(self, line: &[String]) -> bool {
        match self {
            Self::Never => false,
            Self::When(place, text) => line[place] == text,
            Self::Unless(place, text) => line[place] != text,
            Self::Both(one, other, text) => line[one] == text && line[other] == text,
        }
    }
}

/// A zero is printed with and without a sign.
fn unsigned_zero(text: &str) -> &str {
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|byte| matches!(byte, b'0' | b'.')) => rest,
        _ => text,
    }
}

/// Columns that `selectdata` has for options: one is not in use.
const OPTION_COLUMNS: usize = 5;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::columns::REPORTS;
    use super::*;

    /// A line of `sources` and what we would tell of it.
    fn falseticker() -> (Lines, Json) {
        let line = "^,x,10.77.0.14,2,3,177,4,-0.040053513,-0.040053514,0.000630196";
        let look = json!({ "peers": [{
            "source": "10.77.0.14", "tally": "x", "host_mode": "client", "stratum": 2,
            "host_poll_log2_s": 3, "reach": "177", "since_last_sample_s": 4.0,
            "offset_ms": 40.053_513, "measured_offset_ms": 40.053_514, "error_bound_ms": 0.630_196,
        }]});
        (vec![line.split(',').map(str::to_owned).collect()], look)
    }

    fn complaints(look: &Json) -> Vec<&'static str> {
        let (lines, _) = falseticker();
        let outcome = compare(&REPORTS[0], &lines, look, look);
        assert_eq!(outcome.fields.len(), REPORTS[0].columns.len());
        let wrong = outcome.fields.into_iter().filter(|(_, complaint)| complaint.is_some());
        wrong.map(|(key, _)| key.name).collect()
    }

    #[test]
    fn a_comparison_finds_what_is_wrong() {
        let (_, good) = falseticker();
        assert!(complaints(&good).is_empty());
        for (name, wrong) in [
            ("offset_ms", json!(-40.053_513)),
            ("offset_ms", json!(40.053_514)),
            ("measured_offset_ms", json!(40.053_513)),
            ("offset_ms", Json::Null),
            ("error_bound_ms", json!(-0.630_196)),
            ("tally", json!("*")),
            ("reach", json!("077")),
            ("since_last_sample_s", json!(5.0)),
            ("stratum", json!(3)),
        ] {
            let mut look = good.clone();
            look["peers"][0][name] = wrong;
            assert_eq!(complaints(&look), [name]);
        }
        let nobody = json!({ "peers": [] });
        assert_eq!(complaints(&nobody).len(), REPORTS[0].columns.len());
    }

    #[test]
    fn a_number_that_goes_on_lies_between_two_looks() {
        let two = |one: f64, other: f64| lies_between("0.000002", 1e-3, &json!(one), &json!(other));
        assert!(two(0.001, 0.003) && two(0.003, 0.001) && two(0.002, 0.002));
        assert!(!two(0.004, 0.005) && !two(-0.002, -0.002));
        assert!(!lies_between("7", 1.0, &json!(8), &json!(9)));
        assert!(!lies_between("7", 1.0, &Json::Null, &json!(9)));
    }
}
