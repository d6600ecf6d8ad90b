//! Measuring from here: what the screens and `ntpscope run` take for it. What they do with it is
//! elsewhere.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::backend::{Offer, Offered};
use crate::cli::args::LookUps;
use crate::cli::exit::Exit;
use crate::cli::privileges::Account;
use crate::cli::setup;
use crate::cli::sim::algorithm;
use crate::config::Rejected;
use crate::config::engine::{Algorithm, EngineSetup, Serve};
use crate::config::host::{HostSpec, NTP_PORT};
use crate::config::ntp_conf::{Directive, Flag, Placed, Tos};
use crate::model::happened::Happened;
use crate::model::values::Values;
use crate::model::vars::{peer, system};
use crate::model::{Daemon, json};
use crate::units::{AssocId, Leap, Now, NtpTimestamp, Reach, Stratum, Tally};

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

    /// Answer those who ask for time on this address, and on its port where one is named in place of
    /// 123; may be given several times. 0.0.0.0 and :: stand for all addresses of a family.
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub listen: Vec<ListenAddress>,

    /// Steer this host's clock. Without this no clock is touched.
    #[arg(long)]
    pub discipline: bool,

    /// How the clock is disciplined: kalman, or ntp for the loop of ntpd.
    #[arg(long, value_name = "NAME", value_parser = algorithm, default_value = "kalman")]
    pub discipline_algorithm: Algorithm,
}

/// An address to listen on, perhaps with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    address: IpAddr,
    port: Option<u16>,
}

impl ListenAddress {
    /// With its port, or with this one where it names none.
    pub fn with_port(self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address, self.port.unwrap_or(port))
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            let port = Some(address.port()).filter(|port| *port != 0);
            return Ok(Self { address: address.ip(), port: Some(port.ok_or("port 0 is none")?) });
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let address = bare.parse().map_err(|_| {
            "it is no address of this host; as in 192.0.2.7, 0.0.0.0:1123 or [::1]:123".to_owned()
        })?;
        Ok(Self { address, port: None })
    }
}

/// What starts an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starts {
    /// A screen: it answers others only when the command line says so.
    Screen,
    /// A service: it answers others also when its configuration speaks of them.
    Service,
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

    /// Run as this user once all files are read, by name or number, when started as root. Whoever
    /// it runs as, it keeps no right but to open ports, and with --discipline to set the clock.
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub user: Option<Account>,

    /// Say what this address may ask of us by the configuration, and which line says so, and do
    /// nothing else.
    #[arg(long, value_name = "ADDRESS")]
    pub why: Option<IpAddr>,

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
             SIGTERM, SIGINT and SIGQUIT end it in order: a clock that it steered keeps the frequency\n\
             that was measured, without what was added to take an offset away. SIGKILL cannot be\n\
             caught: it leaves the clock at the rate in force. With -c, SIGHUP has the files read\n\
             anew: sources that stay in them keep their measurements, and wrong files change nothing;\n\
             without, SIGHUP ends it too. Without -c and --source the sources of this host's own\n\
             configuration are measured: those of ntpsec, ntp, chrony and timesyncd. With --discipline\n\
             SIGTSTP (Ctrl-Z) is not followed.\n\n\
             A service manager is told by NOTIFY_SOCKET and WATCHDOG_USEC (Type=notify of systemd).\n\n{}",
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
    pub fn setup(&self, starts: Starts) -> Result<(EngineSetup, Vec<String>), Rejected> {
        self.setup_beside(starts, Offer::default)
    }

    /// The same; where neither a file nor a source is named, what `own` finds is measured: the
    /// sources of this host's own configuration.
    ///
    /// # Errors
    /// A file that cannot be read or is malformed, or no source at all.
    pub fn setup_beside(
        &self,
        starts: Starts,
        own: impl FnOnce() -> Offer,
    ) -> Result<(EngineSetup, Vec<String>), Rejected> {
        let serve = |directives: &[Placed]| self.serve(starts, directives);
        let (mut setup, mut notices) =
            setup::engine(self.sources_of.as_deref(), &self.source, serve)?;
        if self.sources_of.is_none() && self.source.is_empty() {
            let own = own();
            let unreadable = own.unreadable.iter();
            notices.extend(
                unreadable.map(|(path, why)| format!("{} cannot be read: {why}", path.display())),
            );
            for (line, Offered { path, association }) in (1..).zip(own.sources) {
                let source = path.display().to_string();
                let notice = format!("no source is named: those of {source} are measured");
                if !notices.contains(&notice) {
                    notices.push(notice);
                }
                let directive = Directive::Association(association);
                setup.text.tell(&directive);
                let source = source.into();
                setup.directives.push(Placed { source, line, column: 1, directive });
            }
        }
        let is_source = |directive: &Directive| {
            matches!(
                directive,
                Directive::Association(_)
                    | Directive::BroadcastClient { .. }
                    | Directive::MulticastClient(_)
                    | Directive::Flag { flag: Flag::BroadcastClient, is_enabled: true }
                    // Who is left alone keeps time for others.
                    | Directive::Tos(Tos::Orphan(_))
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

impl MeasureArguments {
    /// Where those who ask are answered: where the command line says, else everywhere if a service
    /// has a configuration that says who may ask, or that others are to be told the time.
    fn serve(&self, starts: Starts, directives: &[Placed]) -> Serve {
        if !self.listen.is_empty() {
            let port = self.port.unwrap_or(NTP_PORT);
            return Serve::At(self.listen.iter().map(|at| at.with_port(port)).collect());
        }
        let speaks = directives.iter().any(|placed| placed.directive.serving().is_some());
        if starts == Starts::Service && speaks { Serve::Everywhere } else { Serve::Nobody }
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

/// How an engine fares, in one line for a service manager.
pub fn status(daemon: &Daemon) -> String {
    // Those that stand for servers yet to be found have no address.
    let rows = daemon.peers.iter().filter_map(|peer| peer.row.latest());
    let has_address =
        |row: &&Values| row.address(&peer::SOURCE).is_some_and(|address| !address.is_unspecified());
    let is_reached = |row: &&Values| row.reach(&peer::REACH).is_some_and(Reach::is_reachable);
    let sources = rows.filter(has_address);
    let (all, reached) = (sources.clone().count(), sources.filter(is_reached).count());
    let sources = format!("{reached} of {all} sources answer");
    let followed = daemon
        .peers
        .iter()
        .find(|peer| matches!(peer.status.tally(), Tally::SystemPeer | Tally::PpsPeer));
    let Some(followed) = followed else { return format!("follows nobody; {sources}") };
    let row = followed.row.latest();
    let address = row.and_then(|row| row.address(&peer::SOURCE));
    let address = address.map_or_else(|| "a source".to_owned(), |address| address.to_string());
    let offset = daemon.system.latest().and_then(|values| values.duration(&system::OFFSET));
    let offset = offset
        .map_or_else(String::new, |offset| format!(", offset {:+.3} ms", offset.milliseconds()));
    format!("follows {address}{offset}; {sources}")
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
    use crate::config::ntp_conf::{Association, Kind, Options};

    #[test]
    fn a_line_begins_with_its_date() {
        let at = NtpTimestamp::from_unix(1_700_000_000, 250_000_001);
        assert_eq!(dated(at, "it began"), "2023-11-14T22:13:20.250Z it began\n");
    }

    #[test]
    fn addresses_to_listen_on_have_their_port_or_the_one_that_is_named() {
        let listen = ["192.0.2.7", "192.0.2.7:1123", "[2001:db8::7]", "[::]:5", "::1"];
        let arguments = MeasureArguments {
            listen: listen.map(|text| text.parse().unwrap()).to_vec(),
            port: Some(77),
            ..MeasureArguments::default()
        };
        let addresses =
            ["192.0.2.7:77", "192.0.2.7:1123", "[2001:db8::7]:77", "[::]:5", "[::1]:77"];
        let addresses = addresses.map(|text| text.parse().unwrap()).to_vec();
        assert_eq!(arguments.serve(Starts::Screen, &[]), Serve::At(addresses));
        for wrong in ["", "ntp.example", "192.0.2.7:", "192.0.2.7:0", "[::1", "::1:99999"] {
            assert!(wrong.parse::<ListenAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_service_serves_when_its_configuration_speaks_of_others() {
        let read = |conf| crate::config::ntp_conf::read("test", conf).unwrap();
        let (silent, speaking) = (read("server 192.0.2.1"), read("restrict default kod limited"));
        let arguments = MeasureArguments::default();
        assert_eq!(arguments.serve(Starts::Service, &silent), Serve::Nobody);
        assert_eq!(arguments.serve(Starts::Service, &speaking), Serve::Everywhere);
        assert_eq!(arguments.serve(Starts::Screen, &speaking), Serve::Nobody);
    }

    #[test]
    fn where_nothing_is_named_the_sources_of_this_host_are_measured() {
        let own = || {
            let offered = |host: &str| Offered {
                path: "/etc/chrony.conf".into(),
                association: Association {
                    kind: Kind::Pool,
                    host: HostSpec::new(host),
                    family: None,
                    options: Options::default(),
                },
            };
            let sources = vec![offered("a.example"), offered("b.example")];
            let unreadable = vec![("/etc/ntp.conf".into(), "it is broken".into())];
            Offer { sources, unreadable, ..Offer::default() }
        };
        let arguments = MeasureArguments::default();
        let (setup, notices) = arguments.setup_beside(Starts::Service, own).unwrap();
        let said: Vec<String> = setup.directives.iter().map(|p| p.directive.to_string()).collect();
        assert_eq!(said, ["pool a.example", "pool b.example"]);
        assert_eq!(
            notices,
            [
                "/etc/ntp.conf cannot be read: it is broken",
                "no source is named: those of /etc/chrony.conf are measured"
            ]
        );
        let named = MeasureArguments { source: vec![HostSpec::new("192.0.2.1")], ..arguments };
        let (setup, _) = named.setup_beside(Starts::Service, own).unwrap();
        assert_eq!(setup.directives.len(), 1);
    }

    #[test]
    fn nothing_to_measure_is_a_mistake() {
        let arguments = MeasureArguments {
            discipline_algorithm: Algorithm::Ntp,
            ..MeasureArguments::default()
        };
        let rejected = arguments.setup(Starts::Screen).unwrap_err().to_string();
        assert!(rejected.starts_with("sources: there is none to measure\nhint: "), "{rejected}");
        let source = vec![HostSpec::new("192.0.2.1")];
        let (setup, _) = MeasureArguments { source, ..arguments }.setup(Starts::Screen).unwrap();
        assert_eq!((setup.algorithm, setup.discipline), (Algorithm::Ntp, false));
        assert_eq!(setup.serve, Serve::Nobody);
    }
}
