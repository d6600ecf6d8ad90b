//! Commands without a screen, on the real network: the only file of the command line that knows it.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::{Instant, timeout_at};

use crate::backend::{Backend as _, Request, TargetId, Update};
use crate::config::host::HostSpec;
use crate::model::{Absent, Contact, Daemon, Interest};
use crate::net::clock::Clock;
use crate::net::network::Network;
use crate::net::resolver::Families;

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

/// Looks at `hosts` until all of each that a table shows is known or known not to come, at most
/// for `patience`; what is known then.
///
/// # Errors
/// The system has no randomness to give.
pub async fn look(
    hosts: &[HostSpec],
    families: Families,
    patience: Duration,
    clock: Clock,
) -> io::Result<Vec<Arc<Daemon>>> {
    let mut network = Network::start(hosts, families, clock)?;
    let mut daemons: Vec<Arc<Daemon>> = hosts.iter().map(|_| Arc::default()).collect();
    for (place, _) in (0..).zip(hosts) {
        let interest = Interest { visible: true, ..Interest::default() };
        network.request(Request::Interest { target: TargetId::new(place), interest });
    }
    let deadline = Instant::now() + patience;
    while !daemons.iter().all(|daemon| is_settled(daemon)) {
        let update = poll_fn(|context| network.poll_update(context));
        match timeout_at(deadline, update).await {
            Err(_) => break,
            Ok(Update::Daemon { target, daemon }) => {
                if let Some(slot) = daemons.get_mut(usize::from(target.place())) {
                    *slot = daemon;
                }
            }
            Ok(_) => {}
        }
    }
    Ok(daemons)
}

/// Whether there is nothing more to wait for.
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

/// Threads that may wait for the resolver at once.
const RESOLVER_THREADS: usize = 4;
