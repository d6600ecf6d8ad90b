//! Incidents: what befalls a world at a moment.

use serde::Deserialize;

use crate::sim::moment::Span;
use crate::sim::server::Character;
use crate::sim::world::{NodeId, World};
use crate::units::Ppm;

/// An incident and its moment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// How long after the beginning.
    pub at: Span,
    /// What happens.
    pub what: Incident,
}

/// What may happen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Incident {
    /// A server is cut off.
    Lost(String),
    /// It is there again.
    Back(String),
    /// A server is wrong by this much from now on.
    Wrong {
        /// Which.
        server: String,
        /// How far ahead of what it ought to show.
        by: Span,
    },
    /// A server drifts away from now on, or tells the truth again.
    Drifts {
        /// Which.
        server: String,
        /// How far in a second; nothing for the truth.
        per_second: Span,
    },
    /// A server behaves in another way from now on.
    Becomes {
        /// Which.
        server: String,
        /// How.
        character: Character,
    },
    /// The route to a server changes.
    Reroute {
        /// Which.
        server: String,
        /// How much longer the way there is than at first.
        there: Span,
        /// How much longer the way back is.
        back: Span,
    },
    /// Datagrams to and from a server are lost with another chance.
    Loss {
        /// Which.
        server: String,
        /// The chance, 0 to 1.
        chance: f64,
    },
    /// Somebody steps the client's clock forward.
    Step(Span),
    /// The client is suspended.
    Suspend {
        /// For how long.
        lasting: Span,
        /// How far ahead its clock is afterwards.
        error: Span,
    },
    /// The client's oscillator runs faster, by parts per million.
    Frequency(f64),
}

impl Incident {
    /// The server that it concerns.
    pub fn server(&self) -> Option<&str> {
        match self {
            Self::Lost(server)
            | Self::Back(server)
            | Self::Wrong { server, .. }
            | Self::Drifts { server, .. }
            | Self::Becomes { server, .. }
            | Self::Reroute { server, .. }
            | Self::Loss { server, .. } => Some(server),
            Self::Step(_) | Self::Suspend { .. } | Self::Frequency(_) => None,
        }
    }

    /// What it is, in a few words.
    pub fn title(&self) -> String {
        match self {
            Self::Lost(server) => format!("{server} is cut off"),
            Self::Back(server) => format!("{server} is back"),
            Self::Wrong { server, by } => format!("{server} is wrong by {by}"),
            Self::Drifts { server, per_second } => {
                format!("{server} drifts away by {per_second} a second")
            }
            Self::Becomes { server, .. } => format!("{server} changes its ways"),
            Self::Reroute { server, .. } => format!("the route to {server} changes"),
            Self::Loss { server, chance } => {
                format!("{:.0} % of the datagrams of {server} are lost", chance * 100.0)
            }
            Self::Step(by) => format!("somebody steps the clock by {by}"),
            Self::Suspend { lasting, .. } => format!("this host sleeps for {lasting}"),
            Self::Frequency(by) => format!("the crystal runs {by} ppm faster"),
        }
    }

    /// Lets it befall `world`, as `client` sees it. Servers that are not there are left alone.
    pub fn befall(&self, world: &mut World, client: NodeId) {
        let server = self.server().and_then(|name| world.named(name));
        match (self, server) {
            (Self::Lost(_), Some(id)) => world.cut(id, true),
            (Self::Back(_), Some(id)) => world.cut(id, false),
            (Self::Wrong { by, .. }, Some(id)) => {
                if let Some(server) = world.server_mut(id) {
                    server.mislead(*by);
                }
            }
            (Self::Drifts { per_second, .. }, Some(id)) => {
                let from = Span::new(world.at().seconds()).unwrap_or_default();
                let per_second = *per_second;
                let drifts = per_second.seconds().abs() > 0.0;
                if let Some(server) = world.server_mut(id) {
                    server.become_like(if drifts {
                        Character::SlowLiar { from, per_second }
                    } else {
                        Character::Truechimer
                    });
                }
            }
            (Self::Becomes { character, .. }, Some(id)) => {
                if let Some(server) = world.server_mut(id) {
                    server.become_like(character.clone());
                }
            }
            (Self::Reroute { there, back, .. }, Some(id)) => {
                for (from, to, longer) in [(client, id, *there), (id, client, *back)] {
                    if let Some(path) = world.path_mut(from, to) {
                        path.reroute(longer);
                    }
                }
            }
            (Self::Loss { chance, .. }, Some(id)) => {
                for (from, to) in [(client, id), (id, client)] {
                    if let Some(path) = world.path_mut(from, to) {
                        path.lose(*chance);
                    }
                }
            }
            (Self::Step(by), _) => world.step_clock(client, *by),
            (Self::Suspend { lasting, error }, _) => world.suspend(client, *lasting, *error),
            (Self::Frequency(by), _) => {
                world.jump_frequency(client, Ppm::new(*by).unwrap_or_default());
            }
            (_, None) => {}
        }
    }
}
