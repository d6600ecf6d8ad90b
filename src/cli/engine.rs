//! Measuring from here: what the screens and `ntpscope run` take for it. What they do with it is
//! elsewhere.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::LookUps;
use crate::cli::exit::Exit;
use crate::cli::setup;
use crate::cli::sim::algorithm;
use crate::config::Rejected;
use crate::config::engine::{Algorithm, EngineSetup};
use crate::config::host::HostSpec;
use crate::config::ntp_conf::{Directive, Flag};
use crate::model::happened::Happened;
use crate::model::vars::system;
use crate::model::{Daemon, json};
use crate::units::{AssocId, Leap, Now, NtpTimestamp, Stratum, Tally};

/// What is to be measured from here, and which clock is steered by it.
#[derive(Clone, Debug, Default, Args)]
pub struct MeasureArguments {
    /// Measure this source from here; may be given several times.
    #[arg(long, value_name = "HOST")]
    pub source: Vec<HostSpec>,

    /// Measure the sources of this ntp.conf from here, with its keys, drift file and settings.
    #[arg(short = 'c', value_name = "FILE")]
    pub sources_of: Option<PathBuf>,

    /// Listen on this port in place of 123, where the configuration asks to listen: to broadcasts,
    /// and for peers.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,

    /// Steer this host's clock. Without this no clock is touched.
    #[arg(long)]
    pub discipline: bool,

    /// How the clock is disciplined: kalman, or ntp for the loop of ntpd.
    #[arg(long, value_name = "NAME", value_parser = algorithm, default_value = "kalman")]
    pub discipline_algorithm: Algorithm,
}

/// Arguments of `run`.
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    /// What is measured.
    #[command(flatten)]
    pub measured: MeasureArguments,

    /// Which addresses and names are looked up.
    #[command(flatten)]
    pub look_ups: LookUps,

    /// Print JSON, an object a line: what happens, and all that is known whenever that changes
    /// much, at least every 16 s.
    #[arg(long)]
    pub json: bool,
}

impl RunArguments {
    /// What stands below the options in `--help`.
    pub fn after_help() -> String {
        format!(
            "Lines go to stdout, dated in UTC; what is left out of a configuration, to stderr.\n\
             SIGTERM, SIGINT, SIGHUP and SIGQUIT end it in order: a clock that it steered keeps the\n\
             frequency that was measured, without what was added to take an offset away. SIGKILL\n\
             cannot be caught: it leaves the clock at the rate in force. With --discipline SIGTSTP\n\
             (Ctrl-Z) is not followed.\n\n{}",
            Exit::help()
        )
    }
}

impl MeasureArguments {
    /// Whether something is to be measured from here at once.
    pub const fn is_asked(&self) -> bool {
        !self.source.is_empty() || self.sources_of.is_some() || self.discipline
    }

    /// What the engine is started with, and what of the configuration is left out, a sentence each.
    ///
    /// # Errors
    /// A file that cannot be read or is malformed, or no source at all: there are no built-in ones.
    pub fn setup(&self) -> Result<(EngineSetup, Vec<String>), Rejected> {
        let (setup, notices) = setup::engine(self.sources_of.as_deref(), &self.source)?;
        let is_source = |directive: &Directive| {
            matches!(
                directive,
                Directive::Association(_)
                    | Directive::BroadcastClient { .. }
                    | Directive::MulticastClient(_)
                    | Directive::Flag { flag: Flag::BroadcastClient, is_enabled: true }
            )
        };
        if !setup.directives.iter().any(|placed| is_source(&placed.directive)) {
            let reason = match &self.sources_of {
                Some(_) => "it names no source to measure\nhint: name one with --source HOST",
                None => {
                    "there is none to measure\nhint: name one with --source HOST, or a file of \
                     them with -c FILE"
                }
            };
            let file = self.sources_of.as_ref().map(|file| file.display().to_string());
            return Err(Rejected {
                source: file.unwrap_or_else(|| "sources".to_owned()),
                position: None,
                reason: reason.to_owned(),
            });
        }
        let algorithm = self.discipline_algorithm;
        let discipline = self.discipline;
        Ok((
            EngineSetup { discipline, algorithm, listens: true, port: self.port, ..setup },
            notices,
        ))
    }
}

/// A line of what happened, dated by the clock's reading at that time, in UTC.
pub fn dated(at: NtpTimestamp, what: &str) -> String {
    let (seconds, nanoseconds) = at.to_unix(NEAR);
    let date = jiff::Timestamp::new(seconds, nanoseconds.min(999_999_999).cast_signed())
        .map(|date| date.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
    format!("{} {what}\n", date.unwrap_or_else(|_| "unknown".to_owned()))
}

/// How what happens is told.
#[derive(Clone, Copy, Debug)]
pub struct Telling {
    /// As JSON, an object a line.
    pub json: bool,
    /// With addresses only, where they are known.
    pub numeric: bool,
}

impl Telling {
    /// The line of what happened.
    pub fn happened(self, at: NtpTimestamp, what: &Happened) -> String {
        if self.json {
            return json::engine::happened(what, at).to_string() + "\n";
        }
        dated(at, &what.sentence(self.numeric))
    }

    /// The line of what happened to the program itself.
    pub fn program(self, at: NtpTimestamp, text: &str) -> String {
        let what = Happened { about: "program", text: text.to_owned(), ..Happened::default() };
        self.happened(at, &what)
    }
}

/// What of an engine's state makes a line of its own when it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    state: Option<&'static str>,
    is_converged: bool,
    held: Option<Box<str>>,
    leap: Option<Leap>,
    stratum: Option<Stratum>,
    tallies: Vec<(AssocId, Tally)>,
}

impl Standing {
    /// That of a snapshot.
    pub fn of(daemon: &Daemon) -> Self {
        let engine = daemon.clock_loop.as_deref();
        let values = daemon.system.latest();
        Self {
            state: engine.map(|engine| engine.state),
            is_converged: engine.is_some_and(|engine| engine.is_converged),
            held: engine.and_then(|engine| engine.held.clone()),
            leap: values.and_then(|values| values.leap(&system::LEAP)),
            stratum: values.and_then(|values| values.stratum(&system::STRATUM)),
            tallies: daemon.peers.iter().map(|peer| (peer.id, peer.status.tally())).collect(),
        }
    }
}

/// All that is known of an engine at `now`, as a line of JSON.
pub fn state(daemon: &Daemon, now: Now) -> String {
    let mut object = json::daemon(daemon, now.mono);
    if let Some(object) = object.as_object_mut() {
        object.insert("host".into(), OWN.into());
        object.insert("time".into(), json::rfc3339(now.clock));
    }
    format!("{object}\n")
}

/// What the engine in this process is called.
const OWN: &str = "self";

/// The era that dates lie in: 68 years to both sides of 2027.
const NEAR: i64 = 1_800_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_with_its_date() {
        let at = NtpTimestamp::from_unix(1_700_000_000, 250_000_001);
        assert_eq!(dated(at, "it began"), "2023-11-14T22:13:20.250Z it began\n");
    }

    #[test]
    fn nothing_to_measure_is_a_mistake() {
        let arguments = MeasureArguments {
            discipline_algorithm: Algorithm::Ntp,
            ..MeasureArguments::default()
        };
        let rejected = arguments.setup().unwrap_err().to_string();
        assert!(rejected.starts_with("sources: there is none to measure\nhint: "), "{rejected}");
        let source = vec![HostSpec::new("192.0.2.1")];
        let (setup, _) = MeasureArguments { source, ..arguments }.setup().unwrap();
        assert_eq!((setup.algorithm, setup.discipline), (Algorithm::Ntp, false));
    }
}
