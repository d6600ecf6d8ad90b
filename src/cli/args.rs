//! Arguments: what the user asked for.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::cli::demo::DemoArguments;
use crate::cli::engine::{MeasureArguments, RunArguments};
use crate::cli::exit::Exit;
use crate::cli::probe::ProbeArguments;
use crate::cli::set::SetArguments;
use crate::cli::sim::SimArguments;
use crate::config::app::{Color, span};
use crate::config::files::Files;
use crate::config::target::TargetSpec;

/// Watch, question and explain NTP daemons.
///
/// With a terminal, a live table of each HOST's peers; without one, the table once.
/// With no HOST, the daemon on this host. Nothing is changed anywhere, and no clock is touched but
/// with --discipline.
#[derive(Clone, Debug, Parser)]
#[command(version, max_term_width = 100, args_conflicts_with_subcommands = true,
    after_help = Exit::help(), disable_help_subcommand = true)]
pub struct Arguments {
    /// Daemons to look at: a name, an address or [v6%zone], by whichever protocol they answer;
    /// with :PORT, ntp:// or chrony:// by that one only; unix:// and a path by chronyd's socket.
    #[arg(value_name = "HOST")]
    pub hosts: Vec<TargetSpec>,

    /// What is measured from here, as the tab `self`.
    #[command(flatten)]
    pub measured: MeasureArguments,

    /// Which addresses and names are looked up.
    #[command(flatten)]
    pub look_ups: LookUps,

    /// What changes take from files, once they are armed on screen.
    #[command(flatten)]
    pub files: FileArguments,

    /// Print JSON once, whatever stdout is.
    #[arg(long)]
    pub json: bool,

    /// How long to wait for answers where no screen is drawn, such as 2s or 500ms.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub timeout: Option<Duration>,

    /// Settings file to read instead of the one in the configuration folder.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Theme: auto, dark, light, mono, or one of your own in the themes folder.
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,

    /// Draw with ASCII characters only.
    #[arg(long)]
    pub ascii: bool,

    /// When to colour: auto, always or never.
    #[arg(long, value_name = "WHEN", value_parser = color)]
    pub color: Option<Color>,

    /// Print the settings in force and where each comes from, and exit.
    #[arg(long)]
    pub print_config: bool,

    /// What to do instead of watching.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Which addresses and names are looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct LookUps {
    /// Use IPv4 addresses of names only.
    #[arg(short = '4', conflicts_with = "ipv6")]
    pub ipv4: bool,

    /// Use IPv6 addresses of names only.
    #[arg(short = '6')]
    pub ipv6: bool,

    /// Look up no names of addresses.
    #[arg(short = 'n', long)]
    pub numeric: bool,
}

/// What changes of daemons take from files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct FileArguments {
    /// Keys for changes, in ntpd's or chronyd's format; /dev/fd/N for a descriptor. A file that
    /// others can read is refused.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,

    /// Number of the key, the daemon's `controlkey`. Without a file its secret is asked for.
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u32).range(1..))]
    pub key: Option<u32>,

    /// An ntp.conf that the daemon follows, for what it does not tell: keys, iburst, prefer...
    #[arg(long, value_name = "FILE")]
    pub config_of: Option<PathBuf>,
}

impl FileArguments {
    /// The same as settings have it.
    pub fn files(&self) -> Files {
        let Self { keys, key, config_of } = self.clone();
        Files { keys, key, config_of }
    }
}

/// Commands besides watching. A host that is called like one goes behind `--`.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Question daemons as ntpq does, with its options, texts and exit status.
    #[command(disable_help_flag = true)]
    Ntpq {
        /// Options and hosts as ntpq takes them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Question daemons as ntpdc does, in mode 7, which only old ones speak and those told to.
    #[command(disable_help_flag = true)]
    Ntpdc {
        /// Options and hosts as ntpdc takes them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Look at a simulated site: no network, no privileges, no clock touched.
    Demo(DemoArguments),
    /// Try an engine in a simulated world, as fast as it goes; no network, no clock touched.
    Sim(SimArguments),
    /// Ask each HOST for the time a few times, touching no clock: is it there, is it synchronised,
    /// how far is it ahead?
    #[command(after_help = ProbeArguments::after_help())]
    Probe(ProbeArguments),
    /// Run the engine without a screen: what happens is told line by line, until a signal ends it.
    #[command(after_help = RunArguments::after_help())]
    Run(RunArguments),
    /// Change a running daemon: shown first, proved by reading back, and taken back where wanted.
    #[command(after_help = SetArguments::after_help())]
    Set(SetArguments),
}

/// Why there are no [`Arguments`] to act on: what to print, and how to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instead {
    /// The text.
    pub text: String,
    /// [`Exit::Success`] when the user asked for the text: then it belongs on stdout.
    pub exit: Exit,
}

/// Reads the arguments, the program's name first.
///
/// # Errors
/// Help and version where asked for; otherwise what is wrong in one sentence, a hint below it.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, Instead> {
    let words: Vec<OsString> = arguments.into_iter().collect();
    Arguments::try_parse_from(&words).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            Instead { text: error.to_string(), exit: Exit::Success }
        }
        _ => {
            let text = sentence(&error.to_string(), &of_command(&words));
            Instead { text, exit: Exit::Usage }
        }
    })
}

/// The name of the command among the words of a command line, with a blank before it; empty where
/// there is none.
fn of_command(words: &[OsString]) -> String {
    let named = words.get(1).and_then(|word| word.to_str()).unwrap_or_default();
    let command = Arguments::command();
    let is_one = command.get_subcommands().any(|command| command.get_name() == named);
    if is_one { format!(" {named}") } else { String::new() }
}

/// The first sentence of what clap says: without `error: `, usage and help.
fn sentence(text: &str, command: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let line: Vec<&str> = paragraph.lines().map(str::trim).collect();
    let line = line.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    format!("ntpscope: {line}\nhint: `ntpscope{command} --help` lists what there is\n")
}

/// Reads when to colour.
///
/// # Errors
/// What it may be.
pub fn color(text: &str) -> Result<Color, String> {
    match text {
        "auto" => Ok(Color::Auto),
        "always" => Ok(Color::Always),
        "never" => Ok(Color::Never),
        _ => Err("it is auto, always or never".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Result<Arguments, Instead> {
        read(std::iter::once("ntpscope").chain(words.iter().copied()).map(OsString::from))
    }

    #[test]
    fn hosts_and_options_mix() {
        let read = arguments(&["-n", "a.example", "[::1]:99", "--timeout", "2s", "-4"]).unwrap();
        assert_eq!(read.hosts.len(), 2);
        assert_eq!(read.look_ups, LookUps { ipv4: true, ipv6: false, numeric: true });
        assert_eq!(read.timeout, Some(Duration::from_secs(2)));
    }

    #[test]
    fn sources_are_measured_and_hosts_are_only_looked_at() {
        let read = arguments(&["--source", "a", "--source", "b:1123", "-c", "ntp.conf"]).unwrap();
        assert!(read.measured.is_asked() && read.hosts.is_empty());
        assert_eq!(read.measured.source.len(), 2);
        assert!(!arguments(&["a", "b"]).unwrap().measured.is_asked());
        assert!(!read.measured.discipline);
        assert_eq!(arguments(&["--source", "bad host"]).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn ntpq_takes_its_own_options() {
        let read = arguments(&["ntpq", "-pn", "-c", "rv 0", "host"]).unwrap();
        let Some(Command::Ntpq { arguments }) = read.command else { panic!("not ntpq") };
        assert_eq!(arguments, ["-pn", "-c", "rv 0", "host"]);
    }

    #[test]
    fn a_host_may_be_called_like_a_command() {
        let read = arguments(&["--", "ntpq"]).unwrap();
        assert!(read.command.is_none());
        assert_eq!(read.hosts, ["ntpq".parse::<TargetSpec>().unwrap()]);
    }

    #[test]
    fn what_is_wrong_is_said_in_one_sentence() {
        for words in [
            &["--nonsense"][..],
            &["host:99999"],
            &["--timeout", "soon"],
            &["--timeout", "0s"],
            &["--color", "blue"],
            &["-4", "-6"],
            &["bad host"],
        ] {
            let instead = arguments(words).unwrap_err();
            assert_eq!(instead.exit, Exit::Usage);
            assert_eq!(instead.text.lines().count(), 2, "{}", instead.text);
            assert!(instead.text.starts_with("ntpscope: "), "{}", instead.text);
        }
    }

    #[test]
    fn whoever_mistypes_a_command_is_sent_to_the_help_that_lists_its_options() {
        for (words, help) in [
            (&["set", "--nonsense"][..], "`ntpscope set --help`"),
            (&["probe"], "`ntpscope probe --help`"),
            (&["--nonsense", "set"], "`ntpscope --help`"),
        ] {
            let text = arguments(words).unwrap_err().text;
            assert!(text.contains(help), "{words:?}: {text}");
        }
    }

    #[test]
    fn help_is_no_error() {
        let instead = arguments(&["--help"]).unwrap_err();
        assert_eq!(instead.exit, Exit::Success);
        assert!(instead.text.contains("Exit codes:"));
    }
}
