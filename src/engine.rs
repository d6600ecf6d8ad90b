//! The engine: RFC 5905 as a machine without sockets, clocks or chance of its own.
//!
//! Packets, readings of the clocks, names and the doings of the clock come in by
//! [`Engine::handle`]; packets, questions and commands go out by [`Engine::poll_output`], which is
//! to be drained after each input; [`Engine::next_wakeup`] says when to come back if nothing
//! happens before. Waking early changes nothing.

pub mod discipline;
pub mod input;
pub mod leap;
pub mod output;
pub mod settings;

use std::collections::VecDeque;

use crate::engine::input::Input;
use crate::engine::output::Output;
use crate::engine::settings::Settings;
use crate::units::{Mono, Now};

/// An engine.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    outputs: VecDeque<Output>,
}

impl Engine {
    /// An engine that knows no sources yet. `seed` feeds all that must not be guessed; in
    /// production it comes from the system.
    pub fn new(settings: Settings, _seed: [u8; 32], _now: &Now) -> Self {
        Self { settings, outputs: VecDeque::new() }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, _now: &Now, _input: Input<'_>) {}

    /// What to do next; `None` when that was all.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Wakeup`].
    pub fn next_wakeup(&self) -> Option<Mono> {
        None
    }

    /// How it was set up.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }
}
