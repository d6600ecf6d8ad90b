//! Answering those who ask: between the sockets on the port, the server and the engine.
//!
//! What comes in one go is answered in one go, by the clock that is steered. What is not a client's
//! request goes to the engine.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use crate::clock::system::kernel::Kernel;
use crate::config::engine::Serve;
use crate::config::ntp_conf::{Directive, Placed};
use crate::config::restrict::{Restrict, Whom};
use crate::engine::input::{Input, Received};
use crate::engine::mobilize::Refused;
use crate::engine::output::Socket;
use crate::engine::server::{Arrived, Draft, Server, Verdict};
use crate::net::batch::Batch;
use crate::net::engine::control::Control;
use crate::net::engine::interfaces::Listening;
use crate::net::engine::{Driver, News, Notice, Sent, StartFailed};
use crate::net::own_addresses::Interface;
use crate::net::stamp::{self, Bracket};
use crate::net::{random, resolver};

/// What answers.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) server: Server,
    pub(super) control: Control,
    batch: Batch<Draft>,
    pub(super) listening: Listening,
    /// Lines with names of hosts that nobody has looked up yet.
    named: Vec<Named>,
    /// How often all lines were taken anew.
    round: u32,
    /// How often the steered clock had been stepped when departures were last remembered.
    steps: u64,
}

/// A line about others that names a host.
#[derive(Debug)]
pub(super) struct Named {
    directive: Directive,
    line: Option<usize>,
    /// Of which configuration it is: in the next one it may be gone.
    round: u32,
}

impl Serving {
    /// Nobody is answered yet.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(super) fn new() -> Result<Self, StartFailed> {
        let seed = || random::seed().map_err(StartFailed::NoRandomness);
        let mut server = Server::new(seed()?);
        server.is_serving = false;
        let control = Control::new(seed()?);
        let (batch, listening) = (Batch::new(), Listening::default());
        let named = Vec::new();
        Ok(Self { server, control, batch, listening, named, round: 0, steps: 0 })
    }

    /// Follows a directive about serving; `line` is where it stands.
    ///
    /// # Errors
    /// Why it is not followed.
    pub(super) fn apply(
        &mut self,
        directive: &Directive,
        line: Option<usize>,
    ) -> Result<(), Refused> {
        match directive {
            Directive::Interface(rule) => self.listening.apply(rule),
            Directive::Restrict(Restrict { whom: Whom::Named { .. }, .. })
            | Directive::Unrestrict(Restrict { whom: Whom::Named { .. }, .. }) => {
                self.named.push(Named { directive: directive.clone(), line, round: self.round });
            }
            _ => return self.server.apply(directive, line),
        }
        Ok(())
    }

    /// Follows a line about a host by its name, now that its addresses are known.
    ///
    /// # Errors
    /// Why it is not followed, with its line where it stands in a file.
    pub(super) fn apply_at(
        &mut self,
        named: &Named,
        at: &[SocketAddr],
    ) -> Result<(), (Option<usize>, Refused)> {
        if named.round != self.round {
            return Ok(());
        }
        let at = at.iter().map(|address| address.ip().to_canonical());
        for address in at.collect::<BTreeSet<_>>() {
            let at_address = |restrict: &Restrict| {
                Some(Restrict { whom: restrict.whom.at(address)?, ..restrict.clone() })
            };
            let directive = match &named.directive {
                Directive::Restrict(restrict) => at_address(restrict).map(Directive::Restrict),
                Directive::Unrestrict(restrict) => at_address(restrict).map(Directive::Unrestrict),
                _ => None,
            };
            if let Some(directive) = directive {
                self.server.apply(&directive, named.line).map_err(|why| (named.line, why))?;
            }
        }
        Ok(())
    }

    /// Follows these directives in place of those before. Who asked is still known. Returns those
    /// that are not followed, with why.
    pub(super) fn retake(&mut self, directives: &[Placed]) -> Vec<(Placed, Refused)> {
        self.server.forget_settings();
        self.listening.forget_rules();
        self.control.forget_settings();
        self.named.clear();
        self.round += 1;
        let mut refused = Vec::new();
        for placed in directives {
            if let Err(why) = self.apply(&placed.directive, Some(placed.line)) {
                refused.push((placed.clone(), why));
            }
            self.control.apply(&placed.directive);
        }
        refused
    }

    /// Takes over what interfaces there are.
    pub(super) fn know_interfaces(&mut self, interfaces: &[Interface]) {
        self.listening.know(interfaces);
    }
}

impl<K: Kernel> Driver<K> {
    /// Opens the port where that is wanted.
    ///
    /// # Errors
    /// An address that was named cannot be had. Where all were meant it is told, and no more: a
    /// configuration does not stop to measure because another program has the port.
    pub(super) fn begin_to_serve(&mut self) -> Result<(), StartFailed> {
        match &self.configured.serve.clone() {
            Serve::Nobody => return Ok(()),
            Serve::Everywhere => {
                for failed in self.port.open_all() {
                    self.not_listening(failed);
                }
            }
            Serve::At(addresses) => {
                self.port.open_only(addresses).map_err(StartFailed::Listen)?;
            }
        }
        self.may_listen = false;
        let addresses: Vec<_> = self.port.addresses().collect();
        if !addresses.is_empty() {
            self.serving.server.is_serving = true;
            self.tell(Notice::Serving(addresses));
        }
        Ok(())
    }

    /// Has the names looked up that lines about others name. One that has no address yet is looked
    /// up again, for until then its line says nothing.
    pub(super) fn look_up_restricted(&mut self) {
        for named in std::mem::take(&mut self.serving.named) {
            let (Directive::Restrict(restrict) | Directive::Unrestrict(restrict)) =
                &named.directive
            else {
                continue;
            };
            let Whom::Named { host, family, .. } = restrict.whom.clone() else { continue };
            let families = self.families_of(family);
            let news = self.news.clone();
            self.look_ups.spawn(async move {
                let mut addresses = resolver::addresses(&host, families).await.unwrap_or_default();
                while addresses.is_empty() {
                    tokio::time::sleep(BETWEEN_LOOK_UPS).await;
                    addresses = resolver::addresses(&host, families).await.unwrap_or_default();
                }
                // The engine is gone when nobody listens.
                drop(news.send(News::Restricted(named, addresses)).await);
            });
        }
    }

    /// Takes what has come to the socket at this place, and answers.
    pub(super) fn serve(&mut self, place: usize) {
        for _ in 0..MOST_BATCHES {
            // What left comes first: the request that asks for it may be waiting.
            while let Some(departure) = self.port.departure(place) {
                let stamp = self.steered.stamp(Some(departure.stamp), &departure.bracket);
                match departure.sent {
                    Sent::Reply(name) => self.serving.server.left(name, stamp.clock),
                    Sent::Ticket(ticket) => {
                        let now = self.now();
                        self.engine.handle(&now, Input::Sent { ticket, stamp });
                    }
                }
            }
            let count = self.port.receive(place, &mut self.serving.batch);
            self.traffic.wakeups += 1;
            if count == 0 {
                return;
            }
            self.traffic.useful_wakeups += 1;
            self.serving.server.is_quiet = count < CROWD;
            self.answer_batch();
            let Self { port, steered, serving, traffic, .. } = self;
            let Serving { server, batch, .. } = serving;
            let write =
                |draft: &Draft, reply: &mut Vec<u8>| server.finish(draft, steered.reading(), reply);
            port.reply(place, batch, write, |asked| traffic.not_replied(asked));
            self.answer_control(place);
            // What is sent at once should not wait for the next batch.
            self.drain();
        }
    }

    fn answer_batch(&mut self) {
        let bracket = Bracket::read();
        let now = self.steered.now(self.clock.mono(), stamp::boot(), &bracket);
        let served = self.engine.served(&now);
        let Self { engine, steered, serving, traffic, .. } = self;
        let Serving { server, control, batch, listening, steps, .. } = serving;
        if std::mem::replace(steps, engine.system().steps) != engine.system().steps {
            server.forget_departures();
        }
        batch.each(|arrived| {
            let stamp = steered.stamp(arrived.stamp, &bracket);
            if arrived.to.is_some_and(|to| !listening.heeds(to)) {
                traffic.ignored += 1;
                return None;
            }
            traffic.received(arrived.to);
            let asked = Arrived {
                from: arrived.from,
                to: arrived.to,
                at: stamp.clock,
                mono: now.mono,
                datagram: arrived.datagram,
            };
            match server.answer(&served, &asked) {
                Verdict::Reply(draft) => {
                    traffic.replied(arrived.to, true);
                    Some(draft)
                }
                Verdict::Drop => None,
                Verdict::Control(flags) => {
                    if server.is_serving {
                        control.hear(&arrived, flags, &server.access);
                    }
                    None
                }
                Verdict::Engine => {
                    let stranger = || {
                        let address = arrived.from.ip().to_canonical();
                        server.access.admission(address, arrived.from.port())
                    };
                    let received = Received {
                        socket: Socket::Ntp,
                        from: arrived.from,
                        to: arrived.to,
                        stamp,
                        admitted: server.is_serving.then(stranger),
                        datagram: arrived.datagram,
                    };
                    engine.handle(&now, Input::Received(received));
                    None
                }
            }
        });
    }
}

/// How soon a name without an address is looked up again.
const BETWEEN_LOOK_UPS: Duration = Duration::from_secs(64);

/// Batches that are answered before anything else has its turn.
const MOST_BATCHES: usize = 4;

/// When so many come at once, the kernel is not asked for each when its reply left.
const CROWD: usize = 4;
