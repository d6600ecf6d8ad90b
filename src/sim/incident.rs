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
            | Self::Becomes { server, .. }
            | Self::Reroute { server, .. }
            | Self::Loss { server, .. } => Some(server),
            Self::Step(_) | Self::Suspend { .. } | Self::Frequency(_) => None,
        }
    }

    /// Lets it befall `world`, as `client` sees it. Servers that are not there are left alone.
    pub fn befall(&self, world: &mut World, client: NodeId) {
        let server = self.server().and_then(|name| world.named(name));
        match (self, server) {
            (Self::Lost(_), Some(id)) => {
                if let Some(server) = world.server_mut(id) {
                    server.lose(true);
                }
            }
            (Self::Back(_), Some(id)) => {
                if let Some(server) = world.server_mut(id) {
                    server.lose(false);
                }
            }
            (Self::Wrong { by, .. }, Some(id)) => {
                if let Some(server) = world.server_mut(id) {
                    server.mislead(*by);
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
