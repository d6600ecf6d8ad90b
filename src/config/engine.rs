//! All that is told to an engine before it starts, from files and the command line alike.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::drift::Drift;
use crate::config::keys::Entry;
use crate::config::leap_file::LeapTable;
use crate::config::ntp_conf::Placed;
use crate::config::ntp_conf::printer::Written;
use crate::config::statistics::Archive;

/// What an engine is started with.
#[derive(Clone, Debug, Default)]
pub struct EngineSetup {
    /// What the configuration says, then the sources of the command line.
    pub directives: Vec<Placed>,
    /// The text of the configuration, for who wants to save it as it runs.
    pub text: Written,
    /// The keys of the configured key file, trusted or not.
    pub keys: Vec<Entry>,
    /// The leap seconds of the configured file, if it can be used.
    pub leap_table: Option<LeapTable>,
    /// Where the frequency is kept; nowhere when the configuration names no file.
    pub drift_file: Option<PathBuf>,
    /// What that file said; `None` when there is none yet.
    pub drift: Option<Drift>,
    /// Whether another time daemon runs on this host, where that has been looked up by somebody who
    /// may see more; whoever starts the engine looks himself where it has not.
    pub beside_daemon: Option<bool>,
    /// Whether the system's clock is steered; otherwise a virtual one, laid over it.
    pub discipline: bool,
    /// The port that is listened on, where it is not 123.
    pub port: Option<u16>,
    /// Whether others are answered, and where.
    pub serve: Serve,
    /// Whether that port may be opened where the configuration has a use for it.
    pub listens: bool,
    /// What is written to statistics files.
    pub statistics: Archive,
    /// How the clock is disciplined.
    pub algorithm: Algorithm,
}

/// Whether those who ask for time are answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Serve {
    /// Nobody is: nothing is listened on but what sources need.
    #[default]
    Nobody,
    /// On all addresses of this host, on the port of NTP or the one that is named in its place.
    Everywhere,
    /// On these addresses alone; one that cannot be had is an error.
    At(Vec<SocketAddr>),
}

/// How the clock is disciplined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// The PLL/FLL loop of RFC 5905, as ntpd behaves.
    Ntp,
    /// The joint multi-model filter over all sources.
    #[default]
    Kalman,
}
