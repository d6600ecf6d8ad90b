//! `ntpscope demo`: which simulated world is to be looked at.

use clap::Args;

use crate::backend::Pace;
use crate::cli::args::{Arguments, color};
use crate::cli::engine::ListenAddress;
use crate::cli::sim::find;
use crate::config::Rejected;
use crate::config::app::Color;
use crate::config::engine::Algorithm;
use crate::sim::site::Stage;
use crate::units::NtpTimestamp;

/// What `ntpscope demo` was told.
#[derive(Clone, Debug, Args)]
pub struct DemoArguments {
    /// A scenario that is built in, or a file with one, in place of the site of ten servers.
    #[arg(value_name = "SCENARIO")]
    pub scenario: Option<String>,

    /// List the scenarios that are built in.
    #[arg(long)]
    pub list: bool,

    /// Simulated seconds in a real one: 0, 1, 8 or 64.
    #[arg(long, value_name = "N", default_value = "8", value_parser = pace)]
    pub speed: Pace,

    /// Where all chance comes from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Let others' tools ask the simulated daemons by mode 6: our own machine at this address of
    /// the loopback network (127.0.0.10, say), each of the others, in the order of the tabs, at the
    /// next one; on port 123 where none is named.
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub listen: Option<ListenAddress>,

    /// Theme: auto, dark, light, mono, or one of your own in the themes folder.
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,

    /// Draw with ASCII characters only.
    #[arg(long)]
    pub ascii: bool,

    /// When to colour: auto, always or never.
    #[arg(long, value_name = "WHEN", value_parser = color)]
    pub color: Option<Color>,
}

fn pace(text: &str) -> Result<Pace, String> {
    match text {
        "0" => Ok(Pace::Paused),
        "1" => Ok(Pace::Real),
        "8" => Ok(Pace::Eight),
        "64" => Ok(Pace::SixtyFour),
        _ => Err("it is 0, 1, 8 or 64".to_owned()),
    }
}

impl DemoArguments {
    /// `arguments` with what was said of the looks behind the command.
    #[must_use]
    pub fn look(&self, arguments: &Arguments) -> Arguments {
        Arguments {
            theme: self.theme.clone().or_else(|| arguments.theme.clone()),
            ascii: self.ascii || arguments.ascii,
            color: self.color.or(arguments.color),
            ..arguments.clone()
        }
    }

    /// The stage that was asked for; a site begins at `start`.
    ///
    /// # Errors
    /// There is no such scenario, or it is malformed.
    pub fn stage(&self, start: NtpTimestamp) -> Result<Stage, Rejected> {
        let algorithm = Algorithm::default();
        match &self.scenario {
            None => Stage::site(self.seed, algorithm, start),
            Some(name) => Stage::scenario(&find(name)?, self.seed, algorithm),
        }
    }
}
