//! Commands without a screen, on the real network: the only place of the command line that knows it.

pub mod service;
pub mod set;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::future::poll_fn;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::{Instant, timeout_at};

use crate::backend::{Backend as _, Request, TargetId, Update};
use crate::cli::args::{Arguments, LookUps};
use crate::cli::exit::{Exit, printed};
use crate::cli::ntpdc;
use crate::cli::ntpq;
use crate::cli::probe::{self, ProbeArguments};
use crate::config::target::TargetSpec;
use crate::model::vars::peer;
use crate::model::{Absent, Contact, Daemon, Interest, json};
use crate::net;
use crate::net::clock::Clock;
use crate::net::discipline::{self, Permit};
use crate::net::engine;
use crate::net::network::Network;
use crate::net::resolver::Families;
use crate::net::signals::{Hangup, Signals, end_by};
use crate::ntpq::Family;
use crate::units::{Mono, Now};

/// A runtime for one thread, with few threads for the resolver.
///
/// # Errors
/// The system gives no more files or threads.
pub fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(RESOLVER_THREADS)
        .build()
}

/// Which addresses of names will do.
pub const fn families(look_ups: LookUps) -> Families {
    match (look_ups.ipv4, look_ups.ipv6) {
        (true, _) => Families::V4,
        (_, true) => Families::V6,
        _ => Families::Any,
    }
}

/// The same for what commands are asked with.
pub const fn family(look_ups: LookUps) -> Family {
    match families(look_ups) {
        Families::Any => Family::Any,
        Families::V4 => Family::V4,
        Families::V6 => Family::V6,
    }
}

/// The permit to steer this host's clock, which is watched for some seconds whether somebody else
/// does; a signal meanwhile ends the program, which holds nothing but the lock then.
///
/// # Errors
/// Why it is to be left alone, in a sentence; nothing was touched.
pub fn permit() -> Result<Permit, String> {
    let claim = discipline::claim().map_err(|refused| refused.to_string())?;
    let watched = humantime::format_duration(discipline::WATCHED);
    let what = "whether anything else steers this host's clock";
    drop(writeln!(io::stderr(), "ntpscope: watching for {watched} {what}"));
    let runtime = runtime().map_err(|error| format!("cannot run: {error}"))?;
    runtime.block_on(claim.watched()).map_err(|refused| refused.to_string())
}

/// Prints what is known of `hosts` once: JSON, an object a line, or as `table` has it.
pub fn once(
    arguments: &Arguments,
    hosts: &[TargetSpec],
    patience: Duration,
    table: impl FnOnce(&[Arc<Daemon>], &Names, Now) -> String,
) -> Exit {
    let looked = runtime().and_then(|runtime| {
        let looked = runtime.block_on(async {
            // A socket that is bound to a path has to be removed, whatever ends us.
            let mut signals = Signals::catch(false, Hangup::End)?;
            tokio::select! {
                seen = look(arguments, hosts, patience, Clock::start()) => seen.map(Ok),
                signal = signals.end() => Ok(Err(signal)),
            }
        });
        // A resolver that hangs is not waited for.
        runtime.shutdown_background();
        looked
    });
    let (seen, now) = match looked {
        Ok(Ok(looked)) => looked,
        Ok(Err(signal)) => {
            end_by(signal);
            return Exit::Failed;
        }
        Err(error) => {
            drop(writeln!(io::stderr(), "ntpscope: cannot ask: {error}"));
            return Exit::Failed;
        }
    };
    let text = if arguments.json {
        let lines = hosts.iter().zip(&seen.daemons).map(|(host, daemon)| {
            let mut object = json::daemon(daemon, now.mono);
            if let Some(object) = object.as_object_mut() {
                object.insert("host".into(), host.to_string().into());
            }
            format!("{object}\n")
        });
        lines.collect()
    } else {
        table(&seen.daemons, &seen.names, now)
    };
    let printed = printed(io::stdout().write_all(text.as_bytes()));
    seen.daemons.iter().map(|daemon| outcome(daemon)).fold(printed, Exit::max)
}

/// How the conversation with a daemon counts.
fn outcome(daemon: &Daemon) -> Exit {
    match daemon.contact {
        Contact::Refusing { .. } => Exit::Refused,
        _ if daemon.associations.latest().is_some() => Exit::Success,
        _ => Exit::NoAnswer,
    }
}

/// Runs ntpq, started as `program`.
pub fn ntpq(program: &OsStr, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ntpq::start(program, arguments, |batch| {
        let runtime = runtime()?;
        let outcome = runtime.block_on(net::ntpq::run(batch, Clock::start()));
        // A resolver that hangs is not waited for.
        runtime.shutdown_background();
        outcome
    })
}

/// Runs ntpdc, started as `program`.
pub fn ntpdc(program: &OsStr, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ntpdc::start(program, arguments, |batch| {
        let runtime = runtime()?;
        let outcome = runtime.block_on(net::ntpq::run(batch, Clock::start()));
        // A resolver that hangs is not waited for.
        runtime.shutdown_background();
        outcome
    })
}

/// Probes hosts and prints what came of it.
pub fn probe(arguments: &ProbeArguments) -> Exit {
    let plan = engine::probe::Plan {
        samples: arguments.samples,
        interval: arguments.interval,
        timeout: arguments.timeout,
        precision: engine::probe::precision(),
    };
    let names = !arguments.look_ups.numeric && !arguments.json;
    let families = families(arguments.look_ups);
    let probed = runtime().and_then(|runtime| {
        let clock = Clock::start();
        let probing = engine::probe::run(&arguments.hosts, families, plan, names, clock);
        let probed = runtime.block_on(probing);
        // A resolver that hangs is not waited for.
        runtime.shutdown_background();
        probed
    });
    match probed {
        Ok(probed) => probe::tell(&probed, arguments.json, plan.precision),
        Err(error) => {
            drop(writeln!(io::stderr(), "ntpscope: cannot probe: {error}"));
            Exit::Failed
        }
    }
}

/// The names of addresses that came in time.
pub type Names = Vec<(IpAddr, Option<Arc<str>>)>;

/// What was seen.
#[derive(Debug)]
pub struct Seen {
    /// The daemons, in the order of the hosts.
    pub daemons: Vec<Arc<Daemon>>,
    /// The names of their sources that came in time.
    pub names: Names,
}

/// Looks at `hosts` until all of each that is printed is known or known not to come, at most for
/// `patience`; then at most a moment longer for names. With the time at which that was.
///
/// # Errors
/// The system has no randomness to give.
async fn look(
    arguments: &Arguments,
    hosts: &[TargetSpec],
    patience: Duration,
    clock: Clock,
) -> io::Result<(Seen, Now)> {
    let start = clock.now().mono;
    let mut network = Network::start(hosts, families(arguments.look_ups), clock)?;
    let mut seen =
        Seen { daemons: hosts.iter().map(|_| Arc::default()).collect(), names: Names::new() };
    for (place, _) in (0..).zip(hosts) {
        // A table has no room for clients.
        let clients = arguments.json;
        let interest = Interest { visible: true, clients, ..Interest::default() };
        network.request(Request::Interest { target: TargetId::new(place), interest });
    }
    let deadline = Instant::now() + patience;
    while !seen.is_settled(&network) {
        if !seen.take(&mut network, deadline).await {
            break;
        }
    }
    for daemon in &mut seen.daemons {
        if let Some(contact) = concluded(&daemon.contact, start, patience) {
            Arc::make_mut(daemon).contact = contact;
        }
    }
    if !arguments.look_ups.numeric && !arguments.json {
        let wanted = addresses(&seen.daemons);
        for address in &wanted {
            network.request(Request::Name(*address));
        }
        let deadline = Instant::now() + NAMES_PATIENCE;
        while seen.names.len() < wanted.len() && seen.take(&mut network, deadline).await {}
    }
    Ok((seen, clock.now()))
}

impl Seen {
    /// Whether there is nothing more to wait for of any.
    fn is_settled(&self, network: &Network) -> bool {
        (0..)
            .zip(&self.daemons)
            .all(|(place, daemon)| network.is_settled(TargetId::new(place)) && is_settled(daemon))
    }

    /// Takes in one update; `false` when none comes before `deadline`.
    async fn take(&mut self, network: &mut Network, deadline: Instant) -> bool {
        match timeout_at(deadline, poll_fn(|context| network.poll_update(context))).await {
            Err(_) => return false,
            Ok(Update::Daemon { target, daemon }) => {
                if let Some(slot) = self.daemons.get_mut(usize::from(target.place())) {
                    *slot = daemon;
                }
            }
            Ok(Update::Name { address, name }) => self.names.push((address, name)),
            Ok(
                Update::Programs(_)
                | Update::Offer(_)
                | Update::World(_)
                | Update::Console { .. }
                | Update::Change { .. }
                | Update::Keys { .. }
                | Update::Left { .. },
            ) => {}
        }
        true
    }
}

/// The addresses whose names a table shows.
fn addresses(daemons: &[Arc<Daemon>]) -> BTreeSet<IpAddr> {
    let peers = daemons.iter().flat_map(|daemon| daemon.peers.iter());
    let sources = peers.filter_map(|peer| peer.row.latest()?.address(&peer::SOURCE));
    sources.filter(|address| !address.is_unspecified()).collect()
}

/// Whether nothing more is to come of a daemon for a table.
fn is_settled(daemon: &Daemon) -> bool {
    match daemon.contact {
        Contact::NoAddress { .. } | Contact::Unreachable { .. } | Contact::Refusing { .. } => true,
        Contact::Answering { .. } | Contact::RateLimited { .. } => {
            let asked = |trouble: Option<&Absent>| trouble != Some(&Absent::NotAskedYet);
            daemon.associations.latest().is_some()
                && asked(daemon.system.trouble())
                && daemon.peers.iter().all(|peer| asked(peer.row.trouble()))
        }
        _ => false,
    }
}

/// What to say when `patience` has passed since `start`: who asks once does not ask on, so what has
/// not come is not coming, from none of a host's addresses. `None` when it stands as it is.
fn concluded(contact: &Contact, start: Mono, patience: Duration) -> Option<Contact> {
    match contact {
        Contact::Asking { .. } | Contact::Silent { last: None, .. } => {
            Some(Contact::Silent { since: start, last: None })
        }
        Contact::Resolving => {
            let patience = humantime::format_duration(patience);
            let why = format!("the resolver gave no answer in {patience}");
            Some(Contact::NoAddress { why: why.into() })
        }
        _ => None,
    }
}

/// How long names may take once everything else is there.
const NAMES_PATIENCE: Duration = Duration::from_secs(1);

/// Threads that may wait for the resolver at once.
const RESOLVER_THREADS: usize = 4;
