//! The screens from inside: keys in, state, effects and cells out.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod asked;
mod cells;
mod change;
mod chronyd;
mod clients;
mod clock;
mod console;
mod daemon;
mod fixtures;
mod keys;
mod left;
mod screens;
mod selection;
