//! `ntpscope probe`: what it takes, and how its findings are told. Who asks is
//! [`run`](crate::cli::run).

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::num::NonZero;
use std::time::Duration;

use clap::Args;

use crate::cli::args::LookUps;
use crate::cli::exit::{Exit, printed};
use crate::config::app::span;
use crate::config::host::HostSpec;
use crate::model::json::probed::probed as object;
use crate::model::probed::{Found, Probed, Standing};
use crate::selection::distance::MAXDIST_S;
use crate::selection::{Candidate, Explained, Kind, Limits, Memory, Reason, Unfit, select};
use crate::units::{AssocId, Leap, NtpDuration, Precision, Stratum, Tally};

/// Arguments of `probe`.
#[derive(Clone, Debug, Args)]
pub struct ProbeArguments {
    /// Servers to ask: a name, an address or [v6%zone], each with an optional :PORT.
    #[arg(value_name = "HOST", required = true)]
    pub hosts: Vec<HostSpec>,

    /// How many requests each host gets.
    #[arg(long, value_name = "N", default_value = "4", value_parser = samples)]
    pub samples: NonZero<u16>,

    /// From one request to a host to the next, at least 2s.
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = interval)]
    pub interval: Duration,

    /// How long each reply is waited for.
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = span)]
    pub timeout: Duration,

    /// Which addresses and names are looked up.
    #[command(flatten)]
    pub look_ups: LookUps,

    /// Print JSON, an object a host.
    #[arg(long)]
    pub json: bool,
}

/// Reads how many requests are sent.
///
/// # Errors
/// What it may be.
fn samples(text: &str) -> Result<NonZero<u16>, String> {
    let number: Option<NonZero<u16>> = text.parse().ok();
    let wrong = || format!("it is a number from 1 to {MOST_SAMPLES}");
    number.filter(|number| number.get() <= MOST_SAMPLES).ok_or_else(wrong)
}

/// Reads how far apart requests are.
///
/// # Errors
/// What is wrong with it; among it that servers are not to be asked that often.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = span(text)?;
    if interval < LEAST_INTERVAL {
        return Err("it is at least 2s: servers take more for an attack".to_owned());
    }
    Ok(interval)
}

/// Prints what became of the hosts; the result is that of the worst.
pub fn tell(all: &[Probed], is_json: bool, precision: Precision) -> Exit {
    let explained = judge(all, precision);
    let tallies = explained.verdicts.iter().map(|verdict| verdict.tally);
    let text = if is_json {
        let lines = all.iter().zip(tallies);
        let lines: Vec<String> =
            lines.map(|(probed, tally)| object(probed, tally).to_string() + "\n").collect();
        lines.concat()
    } else {
        format!("{}\n{}", table(all, tallies), summary(all, &explained))
    };
    let printed = printed(io::stdout().write_all(text.as_bytes()));
    all.iter().map(|probed| exit(probed.standing())).fold(printed, Exit::max)
}

const fn exit(standing: Standing) -> Exit {
    match standing {
        Standing::Synchronised => Exit::Success,
        Standing::Refusing => Exit::Refused,
        Standing::Unsynchronised => Exit::Unsynchronised,
        Standing::Unreachable => Exit::Unreachable,
    }
}

/// Which host to believe, as a daemon would decide that listened to all of them.
fn judge(all: &[Probed], precision: Precision) -> Explained {
    let candidates: Vec<Candidate> = (1..=u16::MAX)
        .cycle()
        .zip(all)
        .map(|(id, probed)| candidate(AssocId::new(id), probed))
        .collect();
    select(&candidates, &Limits { precision, ..Limits::default() }, &Memory::default())
}

fn candidate(id: AssocId, probed: &Probed) -> Candidate {
    let standing = probed.standing();
    let found = probed.found.as_ref().ok();
    let server = found.and_then(|found| found.server);
    let estimate = found.and_then(|found| found.estimate);
    let distance = estimate.map_or(NtpDuration::ZERO, |estimate| estimate.bound);
    Candidate {
        id,
        offset: estimate.map_or(NtpDuration::ZERO, |estimate| estimate.offset),
        distance,
        jitter: estimate.and_then(|estimate| estimate.jitter).unwrap_or_default(),
        stratum: server.map_or(Stratum::UNSYNCHRONISED, |server| server.stratum),
        leap: server.map_or(Leap::Alarm, |server| server.leap),
        unfit: Unfit {
            stratum: standing != Standing::Synchronised,
            distance: distance.seconds() >= MAXDIST_S,
            unreachable: standing == Standing::Unreachable,
            ..Unfit::default()
        },
        is_preferred: false,
        is_trusted: false,
        kind: Kind::Ordinary,
    }
}

/// A line for each host, times in milliseconds.
fn table(all: &[Probed], tallies: impl Iterator<Item = Tally>) -> String {
    let head =
        ["host", "offset", "± bound", "delay", "jitter", "st", "refid", "leap", "v", "replies", ""];
    let mut rows = vec![(' ', head.map(str::to_owned))];
    rows.extend(tallies.zip(all).map(|(tally, probed)| (tally.character(), row(probed))));
    let mut widths = [0; 11];
    for (_, cells) in &rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for (tally, cells) in rows {
        let mut line = String::from(tally);
        for (place, (cell, width)) in cells.iter().zip(widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = match place {
                1..=5 => write!(line, "{cell:>width$}  "),
                _ => write!(line, "{cell:<width$}  "),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row(probed: &Probed) -> [String; 11] {
    let found = match &probed.found {
        Ok(found) => found,
        Err(why) => {
            let mut cells: [String; 11] = std::array::from_fn(|_| DASH.to_owned());
            let [host, .., says] = &mut cells;
            host.clone_from(&probed.host);
            says.clone_from(why);
            return cells;
        }
    };
    let dash = || DASH.to_owned();
    let of_server = |cell: fn(&crate::model::probed::Server) -> String| {
        found.server.as_ref().map_or_else(dash, cell)
    };
    let span = |span: Option<NtpDuration>| span.map_or_else(dash, |span| milliseconds(span, ""));
    let estimate = found.estimate;
    [
        named(probed, found),
        estimate.map_or_else(dash, |e| milliseconds(e.offset, "+")),
        span(estimate.map(|estimate| estimate.bound)),
        span(estimate.map(|estimate| estimate.delay)),
        span(estimate.and_then(|estimate| estimate.jitter)),
        of_server(|server| server.stratum.to_string()),
        of_server(crate::model::probed::Server::source),
        of_server(|server| leap(server.leap).to_owned()),
        of_server(|server| server.version.to_string()),
        format!("{} of {}", found.answered, found.asked),
        remarks(probed.standing(), found),
    ]
}

/// The host as it was named, with the address or the name that belongs to it.
fn named(probed: &Probed, found: &Found) -> String {
    let address = found.address.ip().to_string();
    match &found.name {
        Some(name) => format!("{} ({name})", probed.host),
        None if probed.host.contains(&address) => probed.host.clone(),
        None => format!("{} ({address})", probed.host),
    }
}

fn milliseconds(span: NtpDuration, plus: &str) -> String {
    let number = format!("{:.3} ms", span.milliseconds());
    if plus.is_empty() || number.starts_with('-') { number } else { format!("{plus}{number}") }
}

const fn leap(leap: Leap) -> &'static str {
    match leap {
        Leap::None => "none",
        Leap::Insert => "insert",
        Leap::Delete => "delete",
        Leap::Alarm => "alarm",
    }
}

/// What else there is to say of a host.
fn remarks(standing: Standing, found: &Found) -> String {
    let mut remarks = Vec::new();
    match standing {
        Standing::Unreachable if found.is_unreachable => {
            remarks.push("nobody listens, or there is no way there".to_owned());
        }
        Standing::Unreachable => remarks.push("no answer".to_owned()),
        Standing::Unsynchronised => remarks.push("not synchronised".to_owned()),
        Standing::Refusing => remarks.push("refuses to answer".to_owned()),
        Standing::Synchronised => {}
    }
    if let Some(kiss) = found.kiss {
        let meaning = kiss.meaning().map(|meaning| format!(": {meaning}")).unwrap_or_default();
        remarks.push(format!("kiss {kiss}{meaning}"));
    }
    if found.refused > 0 {
        remarks.push(format!("{} datagrams refused", found.refused));
    }
    remarks.join("; ")
}

/// Which host is best, and which are wrong, in words.
fn summary(all: &[Probed], explained: &Explained) -> String {
    let mut text = String::new();
    let mut is_split = false;
    for (probed, verdict) in all.iter().zip(&explained.verdicts) {
        let host = &probed.host;
        // Writing to a string cannot fail.
        let _ = match verdict.reason {
            _ if verdict.tally == Tally::SystemPeer => writeln!(text, "best: {host}"),
            Reason::Outside { gap } => writeln!(
                text,
                "wrong: {host} is {} outside what the majority agrees on",
                milliseconds(gap.abs(), "")
            ),
            Reason::Unfit(unfit) if unfit.distance && !unfit.stratum => {
                writeln!(text, "unfit: {host} could be wrong by more than {MAXDIST_S} s")
            }
            Reason::NoMajority => {
                is_split = true;
                Ok(())
            }
            _ => Ok(()),
        };
    }
    if is_split {
        text.push_str("no best: the hosts contradict each other, and none has a majority\n");
    } else if explained.system.is_none() {
        text.push_str("no best: none can be used\n");
    }
    text
}

/// Stands for what is not known.
const DASH: &str = "-";

/// The least time from one request to a host to the next; the machine keeps it whatever it is told.
const LEAST_INTERVAL: Duration = Duration::from_secs(2);

/// Requests that one host gets at most.
const MOST_SAMPLES: u16 = 100;
