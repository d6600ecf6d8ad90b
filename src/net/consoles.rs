//! A world whose daemons have consoles: the ntpq language on each, in a session of its own.
//!
//! A daemon is asked over the network as `ntpscope ntpq` would. One that does not speak the language
//! (chronyd), that is simulated, or that runs in this process is asked too: what is asked is answered
//! from its picture on screen, at a port of this host's that nobody else is told. There is nothing but
//! the picture, so nothing can be changed there.

mod outbox;
mod session;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;

use crate::backend::console::{Input, News};
use crate::backend::{Backend, Request, TargetId, Update};
use crate::config::target::TargetSpec;
use crate::model::Daemon;
use crate::model::identity::Dialect;
use crate::net::answered::Desk;
use crate::net::clock::Clock;
use crate::ntpq::Family;
use crate::units::Now;
use outbox::Outbox;

/// A world whose daemons have consoles. Dropping it ends them.
pub struct Consoles<B> {
    world: B,
    clock: Clock,
    /// Where daemons are, and which of their addresses will do; all others are simulated.
    hosts: Vec<TargetSpec>,
    family: Family,
    open: HashMap<TargetId, Sender<Input>>,
    tasks: JoinSet<()>,
    outbox: Outbox,
    pictures: HashMap<TargetId, Arc<Daemon>>,
    desks: Vec<Desk>,
}

impl<B: Backend> Consoles<B> {
    /// Gives the daemons of `world` consoles: the targets 0, 1, … are at `hosts`, all others are asked
    /// by their pictures. Must be used within the runtime.
    pub fn new(world: B, hosts: Vec<TargetSpec>, family: Family, clock: Clock) -> Self {
        Self {
            world,
            clock,
            hosts,
            family,
            open: HashMap::new(),
            tasks: JoinSet::new(),
            outbox: Outbox::default(),
            pictures: HashMap::new(),
            desks: Vec::new(),
        }
    }

    fn take(&mut self, target: TargetId, input: Input) {
        while self.tasks.try_join_next().is_some() {}
        self.open.retain(|_, console| !console.is_closed());
        if let Input::Open { numeric } = input {
            self.begin(target, numeric);
        } else if let Some(console) = self.open.get(&target) {
            // Whoever types more than is awaited is not waited for.
            drop(console.try_send(input));
        } else {
            self.outbox.leave(target, News::Ended);
        }
    }

    fn begin(&mut self, target: TargetId, numeric: bool) {
        if self.open.contains_key(&target) {
            return;
        }
        let (host, is_here) = match self.host(target) {
            Ok(host) => host,
            Err(error) => {
                let text = format!("this console cannot be opened: {error}\n");
                self.outbox.leave(target, News::Text { text, is_complaint: true });
                return self.outbox.leave(target, News::Ended);
            }
        };
        let (sender, inputs) = channel(WAITING);
        let session = session::Session {
            target,
            host,
            family: self.family,
            // Addresses that are made up are nobody's in the real world, which is not asked.
            numeric: numeric || is_here,
            clock: self.clock,
            outbox: self.outbox.clone(),
        };
        self.tasks.spawn(session.run(inputs));
        self.open.insert(target, sender);
    }

    /// Where the daemon is asked, and whether that is here.
    fn host(&mut self, target: TargetId) -> io::Result<(String, bool)> {
        let picture = self.pictures.get(&target).cloned().unwrap_or_default();
        let dialect = picture.identity.as_ref().and_then(|identity| identity.dialect);
        let spec = self.hosts.get(usize::from(target.place()));
        let asked = spec.and_then(TargetSpec::control_messages);
        if let Some(host) = asked.filter(|_| dialect != Some(Dialect::Chronyd)) {
            return Ok((host.to_string(), false));
        }
        if let Some(desk) = self.desks.iter().find(|desk| desk.target() == target) {
            return desk.address().map(|address| (address.to_string(), true));
        }
        let mut desk = Desk::open(target, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        desk.show(&picture);
        let address = desk.address()?;
        self.desks.push(desk);
        let text = "answered here, from what the screens know of this daemon\n".to_owned();
        self.outbox.leave(target, News::Text { text, is_complaint: true });
        Ok((address.to_string(), true))
    }
}

impl<B: Backend> Backend for Consoles<B> {
    fn request(&mut self, request: Request) {
        match request {
            Request::Console { target, input } => self.take(target, input),
            other => self.world.request(other),
        }
    }

    fn poll_update(&mut self, context: &mut Context<'_>) -> Poll<Update> {
        let now = self.time(self.clock.now());
        let mut is_more = false;
        for desk in &mut self.desks {
            is_more |= desk.answer(&now, context);
        }
        if is_more {
            context.waker().wake_by_ref();
        }
        if let Poll::Ready(update) = self.world.poll_update(context) {
            if let Update::Daemon { target, daemon } = &update {
                self.pictures.insert(*target, Arc::clone(daemon));
                for desk in self.desks.iter_mut().filter(|desk| desk.target() == *target) {
                    desk.show(daemon);
                }
            }
            return Poll::Ready(update);
        }
        self.outbox.poll(context)
    }

    fn time(&self, now: Now) -> Now {
        self.world.time(now)
    }
}

/// Inputs that wait for a console: an answer and an interrupt are all that anybody can have meant.
const WAITING: usize = 8;
