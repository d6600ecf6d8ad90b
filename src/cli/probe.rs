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
use crate::model::json::probed::{Judged, probed as object};
use crate::model::probed::{Found, Probed, Standing};
use crate::selection::distance::MAXDIST_S;
use crate::selection::{Candidate, Explained, Kind, Limits, Memory, Reason, Unfit, select};
use crate::units::{AssocId, Leap, NtpDuration, Precision, Stratum, Tally};

mod doubt;

use doubt::{Doubt, Measured, doubts};

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

impl ProbeArguments {
    /// What stands below the options in `--help`.
    pub fn after_help() -> String {
        format!(
            "A sign stands in front of each host: * the best, + agrees with it, x WRONG: outside\n\
             what the majority agrees on, ? nobody can tell: it differs from most others by more\n\
             than measuring can err, but by its own account it could be wrong by that much.\n\
             The exit status says whether every host is there and synchronised, and no more: one\n\
             that is wrong or in doubt says that of itself, too. --json has `selection` and\n\
             `is_in_doubt` for that.\n\n{}",
            Exit::help()
        )
    }
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
    let judgement = judge(all, precision);
    let text = if is_json {
        let lines = all.iter().zip(&judgement.hosts);
        let lines: Vec<String> =
            lines.map(|(probed, judged)| object(probed, *judged).to_string() + "\n").collect();
        lines.concat()
    } else {
        format!("{}\n{}", table(all, &judgement.hosts), summary(all, &judgement))
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

/// What came of comparing hosts.
struct Judgement {
    explained: Explained,
    hosts: Vec<Judged>,
}

/// Which host to believe, as a daemon would decide that listened to all of them; one of which
/// nobody can tell whether it is right is passed over, unless that holds for all.
fn judge(all: &[Probed], precision: Precision) -> Judgement {
    let mut candidates: Vec<Candidate> = (1..=u16::MAX)
        .cycle()
        .zip(all)
        .map(|(id, probed)| candidate(AssocId::new(id), probed))
        .collect();
    let limits = Limits { precision, ..Limits::default() };
    let explained = select(&candidates, &limits, &Memory::default());
    let measured: Vec<Option<Measured>> = all
        .iter()
        .zip(&explained.verdicts)
        .map(|(probed, verdict)| {
            let is_candidate = !matches!(verdict.reason, Reason::Unfit(_) | Reason::Outside { .. });
            let estimate = probed.found.as_ref().ok()?.estimate.filter(|_| is_candidate)?;
            Some(Measured { offset: estimate.offset, error: estimate.measured })
        })
        .collect();
    let doubts = doubts(&measured);
    for (candidate, doubt) in candidates.iter_mut().zip(&doubts) {
        candidate.unfit.noselect |= matches!(doubt, Some(Doubt::Apart(_)));
    }
    let again = select(&candidates, &limits, &Memory::default());
    let hosts = explained.verdicts.iter().zip(&doubts).zip(&again.verdicts);
    let hosts = hosts.map(|((verdict, doubt), again)| Judged {
        tally: verdict.tally,
        is_best: again.tally == Tally::SystemPeer,
        is_in_doubt: doubt.is_some(),
        apart: match doubt {
            Some(Doubt::Apart(apart)) => Some(*apart),
            _ => None,
        },
    });
    Judgement { hosts: hosts.collect(), explained }
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
fn table(all: &[Probed], judged: &[Judged]) -> String {
    let head =
        ["host", "offset", "± bound", "delay", "jitter", "st", "refid", "leap", "v", "replies", ""];
    let mut rows = vec![(' ', head.map(str::to_owned))];
    let sign = |judged: &Judged| match judged {
        Judged { is_in_doubt: true, .. } => IN_DOUBT,
        Judged { is_best: true, .. } => Tally::SystemPeer.character(),
        // Another is the best now.
        Judged { tally: Tally::SystemPeer, .. } => Tally::Candidate.character(),
        Judged { tally, .. } => tally.character(),
    };
    rows.extend(judged.iter().zip(all).map(|(judged, probed)| (sign(judged), row(probed))));
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

/// Which host is best, which are wrong and of which that cannot be told, in words.
fn summary(all: &[Probed], judgement: &Judgement) -> String {
    let mut text = String::new();
    let explained = &judgement.explained;
    let (mut is_split, mut is_divided) = (false, false);
    for ((probed, verdict), judged) in all.iter().zip(&explained.verdicts).zip(&judgement.hosts) {
        let host = &probed.host;
        // Writing to a string cannot fail.
        let _ = match verdict.reason {
            _ if judged.is_best => writeln!(text, "best: {host}"),
            _ if judged.apart.is_some() => text.write_str(&apart(probed, judged)),
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
        is_divided |= judged.is_in_doubt && judged.apart.is_none();
    }
    if is_divided {
        text.push_str(
            "cannot tell: the hosts differ by more than measuring can err, and most agree on \
             nothing; each could be wrong by its own account\n",
        );
    }
    if is_split {
        text.push_str("no best: the hosts contradict each other, and none has a majority\n");
    } else if !judgement.hosts.iter().any(|judged| judged.is_best) {
        text.push_str("no best: none can be used\n");
    }
    text
}

/// Of a host that is apart from most others, though its own error bound leaves room for it.
fn apart(probed: &Probed, judged: &Judged) -> String {
    let estimate = probed.found.as_ref().ok().and_then(|found| found.estimate);
    let (Some(apart), Some(estimate)) = (judged.apart, estimate) else { return String::new() };
    let side = if apart < NtpDuration::ZERO { "ahead of" } else { "behind" };
    format!(
        "cannot tell: {} is at least {} {side} what most agree on, measured to ±{}; but by its own \
         account it could be wrong by {}\n",
        probed.host,
        milliseconds(apart.abs(), ""),
        milliseconds(estimate.measured, ""),
        milliseconds(estimate.bound, "")
    )
}

/// Stands in front of a host of which nobody can tell whether it is right.
const IN_DOUBT: char = '?';

/// Stands for what is not known.
const DASH: &str = "-";

/// The least time from one request to a host to the next; the machine keeps it whatever it is told.
const LEAST_INTERVAL: Duration = Duration::from_secs(2);

/// Requests that one host gets at most.
const MOST_SAMPLES: u16 = 100;
