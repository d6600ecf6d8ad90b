//! The network as a backend: a task for each daemon that is watched.

use std::task::{Context, Poll};

use tokio::sync::watch::{Sender, channel};
use tokio::task::JoinSet;

use crate::backend::{Backend, Request, TargetId, Update};
use crate::config::host::HostSpec;
use crate::net::clock::Clock;
use crate::net::daemon::{Orders, Watched};
use crate::net::mailbox::Mailbox;
use crate::net::resolver::{self, Families};

/// The daemons that are watched. Dropping it ends its tasks; a resolver that hangs is left to
/// itself.
#[derive(Debug)]
pub struct Network {
    mailbox: Mailbox,
    orders: Vec<Sender<Orders>>,
    tasks: JoinSet<()>,
    names: resolver::Asked,
}

impl Network {
    /// Starts to watch `hosts`, which become the targets 0, 1, … in their order. Must be called
    /// within the runtime.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn start(hosts: &[HostSpec], families: Families, clock: Clock) -> std::io::Result<Self> {
        let mut network = Self {
            mailbox: Mailbox::default(),
            orders: Vec::with_capacity(hosts.len()),
            tasks: JoinSet::new(),
            names: resolver::Asked::default(),
        };
        for (place, host) in (0..).zip(hosts) {
            let watched = Watched {
                target: TargetId::new(place),
                host: host.clone(),
                families,
                clock,
                mailbox: network.mailbox.clone(),
                seed: crate::net::random::seed()?,
            };
            let (sender, receiver) = channel(Orders::default());
            network.orders.push(sender);
            network.tasks.spawn(watched.run(receiver));
        }
        Ok(network)
    }

    fn order(&self, target: TargetId, change: impl FnOnce(&mut Orders)) {
        if let Some(orders) = self.orders.get(usize::from(target.place())) {
            orders.send_modify(change);
        }
    }
}

impl Backend for Network {
    fn request(&mut self, request: Request) {
        match request {
            Request::Interest { target, interest } => {
                self.order(target, |orders| orders.interest = interest);
            }
            Request::Refresh { target } => self.order(target, |orders| orders.refreshes += 1),
            Request::Name(address) => {
                if self.names.first(address) {
                    let mailbox = self.mailbox.clone();
                    resolver::name_to(address, move |name| mailbox.name(address, name));
                }
            }
            // Nothing of this was offered.
            Request::Measure(_) | Request::Pace(_) | Request::Incident(_) => {}
        }
        while self.tasks.try_join_next().is_some() {}
    }

    fn poll_update(&mut self, context: &mut Context<'_>) -> Poll<Update> {
        self.mailbox.poll(context)
    }
}
