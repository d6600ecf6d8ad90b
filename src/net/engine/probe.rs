//! Probes on the real network: many hosts at once, each by a machine of its own, all by one task.
//!
//! Offsets are measured against the system's clock, by the kernel's stamps where it gives them.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use tokio::sync::mpsc::channel;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::host::HostSpec;
use crate::engine::input::{Input, Received, Stamp};
use crate::engine::output::{Output, Transmission};
pub use crate::engine::probe::Plan;
use crate::engine::probe::{Estimate as Measured, Finding, Probe};
use crate::model::probed::{Estimate, Found, Probed, Server};
use crate::net::client::wake_at;
use crate::net::clock::Clock;
use crate::net::engine::News;
use crate::net::engine::sockets::{self, Sockets};
use crate::net::random;
use crate::net::resolver::{self, Families};
use crate::net::stamp::{self, Bracket};
use crate::net::steered;
use crate::units::{Mono, NtpTimestamp, Precision};

/// The resolution of the system's clock.
pub fn precision() -> Precision {
    stamp::precision().unwrap_or(Precision::new(-20))
}

/// Probes all of `hosts` at the same time, as `plan` says; with `names` the names of their
/// addresses are looked up behind that. The result is in the order of the hosts.
///
/// # Errors
/// The system has no randomness to give.
pub async fn run(
    hosts: &[HostSpec],
    families: Families,
    plan: Plan,
    names: bool,
    clock: Clock,
) -> io::Result<Vec<Probed>> {
    let (news, mut news_read) = channel(NEWS);
    let mut prober = Prober { plan, clock, sockets: Sockets::new(news), probes: BTreeMap::new() };
    let mut located: JoinSet<(u32, Result<Vec<SocketAddr>, String>)> = JoinSet::new();
    for (place, host) in (0..).zip(hosts.iter().cloned()) {
        located.spawn(async move {
            let found = timeout(RESOLVER_PATIENCE, resolver::addresses(&host, families)).await;
            let late = |_| Err("the resolver gave no answer in time".to_owned());
            (place, found.unwrap_or_else(late))
        });
    }
    let mut troubles = BTreeMap::new();
    while !located.is_empty() || prober.next_wakeup().is_some() {
        tokio::select! {
            Some(found) = located.join_next() => match found {
                Ok((place, Ok(addresses))) => prober.begin(place, &addresses)?,
                Ok((place, Err(why))) => drop(troubles.insert(place, why)),
                // The task neither panics nor is it aborted; a host without a result says so.
                Err(_) => {}
            },
            Some(News::Socket(news)) = news_read.recv() => prober.take(news),
            () = wake_at(&clock, prober.next_wakeup()) => prober.handle(&Input::Wakeup),
        }
        prober.drain();
    }
    let now = clock.mono();
    let mut all: Vec<Probed> = Vec::new();
    for (place, host) in (0..).zip(hosts) {
        let unknown = || troubles.remove(&place).unwrap_or_else(|| "it has no address".to_owned());
        let probe = prober.probes.get(&place);
        let found = probe.map(|probe| found(&probe.finding(now))).ok_or_else(unknown);
        all.push(Probed { host: host.to_string(), found });
    }
    if names {
        name(&mut all).await;
    }
    Ok(all)
}

/// The machines with what they need.
struct Prober {
    plan: Plan,
    clock: Clock,
    sockets: Sockets,
    probes: BTreeMap<u32, Probe>,
}

impl Prober {
    fn begin(&mut self, place: u32, addresses: &[SocketAddr]) -> io::Result<()> {
        let Some((first, others)) = addresses.split_first() else { return Ok(()) };
        let (seed, now) = (random::seed()?, self.clock.now());
        let probe = Probe::new(self.plan, place, seed, (*first, others), &now);
        self.probes.insert(place, probe);
        Ok(())
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.probes.values().filter_map(Probe::next_wakeup).min()
    }

    /// Hands `input` to all: a machine knows its own.
    fn handle(&mut self, input: &Input<'_>) {
        let now = self.clock.now();
        for probe in self.probes.values_mut() {
            probe.handle(&now, input);
        }
    }

    fn take(&mut self, news: sockets::News) {
        match news {
            sockets::News::Arrived(arrival) => self.handle(&Input::Received(Received {
                socket: arrival.socket,
                from: arrival.from,
                to: arrival.to,
                stamp: stamped(arrival.stamp, &arrival.bracket),
                admitted: None,
                datagram: &arrival.datagram,
            })),
            sockets::News::Left(departure) => {
                if let Some(ticket) = self.sockets.ticket(&departure) {
                    let stamp = stamped(departure.stamp, &departure.bracket);
                    self.handle(&Input::Sent { ticket, stamp });
                }
            }
            sockets::News::Refused(source) => {
                if let Some(ticket) = self.sockets.refused(source) {
                    self.handle(&Input::Unsent { ticket });
                }
            }
        }
    }

    /// Carries out what the machines want, until they want no more.
    fn drain(&mut self) {
        while let Some(output) = self.probes.values_mut().find_map(Probe::poll_output) {
            match output {
                Output::Send(transmission) => self.send(&transmission),
                Output::Close(ticket) => self.sockets.close(ticket),
                // A probe wants nothing else.
                _ => {}
            }
        }
    }

    fn send(&mut self, transmission: &Transmission) {
        let ticket = transmission.ticket;
        let before = Bracket::read();
        match self.sockets.send(transmission) {
            Ok(kernel) => {
                let kernel = steered::left_after(kernel, &before);
                let after = if kernel.is_some() { Bracket::read() } else { before };
                self.handle(&Input::Sent { ticket, stamp: stamped(kernel, &after) });
            }
            // That there is no way there is what a probe is to find out.
            Err(_) => self.handle(&Input::Unsent { ticket }),
        }
    }
}

fn stamped(kernel: Option<NtpTimestamp>, bracket: &Bracket) -> Stamp {
    steered::stamp_by_system(kernel, bracket, crate::units::Ppm::default())
}

fn found(finding: &Finding) -> Found {
    Found {
        address: finding.address,
        name: None,
        asked: finding.asked,
        answered: finding.answered,
        refused: finding.refused,
        is_unreachable: finding.is_unreachable,
        kiss: finding.kiss,
        server: finding.heard.map(|heard| Server {
            is_synchronised: finding.is_synchronised,
            version: heard.version,
            leap: heard.leap,
            stratum: heard.stratum,
            reference_id: heard.reference_id,
            root_delay: heard.root_delay,
            root_dispersion: heard.root_dispersion,
        }),
        estimate: finding.estimate.map(|measured| {
            let Measured { offset, bound, measured, delay, jitter, samples } = measured;
            Estimate { offset, bound, measured, delay, jitter, samples }
        }),
    }
}

/// Looks up the names of all addresses that were not named, for a moment.
async fn name(all: &mut [Probed]) {
    let mut names = JoinSet::new();
    for (place, one) in all.iter().enumerate() {
        if let Ok(found) = &one.found
            && one.host.parse::<HostSpec>().is_ok_and(|host| host.address().is_some())
        {
            let address = found.address.ip();
            names.spawn(async move { (place, resolver::name(address).await) });
        }
    }
    let gathered = async {
        while let Some(named) = names.join_next().await {
            if let Ok((place, Some(name))) = named
                && let Some(Probed { found: Ok(found), .. }) = all.get_mut(place)
            {
                found.name = Some(name.as_ref().to_owned());
            }
        }
    };
    // Names that do not come in time are done without.
    drop(timeout(NAMES_PATIENCE, gathered).await);
}

/// How long the resolver may take for an address.
const RESOLVER_PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// How long names may take once everything else is there.
const NAMES_PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

/// Datagrams that may wait to be looked at.
const NEWS: usize = 256;
