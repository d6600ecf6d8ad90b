//! ntpscope: watch, question and explain NTP daemons from a terminal.
//!
//! The layers, from the bottom; each imports only what stands above it in this list, which
//! `tests/layering.rs` holds them to:
//!
//! | layer | what |
//! |---|---|
//! | [`units`] | values with a unit or a range |
//! | [`wire`] | bytes on the wire and the values they stand for |
//! | [`config`] | what people write: hosts, settings |
//! | [`selection`] | who of several sources is right, and why |
//! | [`model`] | a daemon as an operator sees it |
//! | [`clock`] | clocks that can be steered |
//! | [`engine`] | RFC 5905 as a machine without sockets |
//! | [`control`] | the asking side of the control protocol, without sockets |
//! | [`line`](mod@line) | a line that is typed: editing, history, completion |
//! | [`ntpq`] | the ntpq command language: what is asked, what is printed |
//! | [`ntpdc`] | the ntpdc command language, in mode 7 |
//! | [`insight`] | what a daemon's variables mean, worked out |
//! | [`backend`] | what the upper layers see of the world |
//! | [`sim`] | simulated worlds, for statistics and to look at |
//! | [`net`] | sockets, names, the clock on the wall |
//! | [`cli`] | arguments, settings, commands without a screen |
//! | [`tui`] | the interactive screens |

pub mod backend;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod engine;
pub mod insight;
pub mod line;
pub mod model;
pub mod net;
pub mod ntpdc;
pub mod ntpq;
pub mod selection;
pub mod sim;
pub mod tui;
pub mod units;
pub mod wire;
