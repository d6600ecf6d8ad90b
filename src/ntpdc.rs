//! The ntpdc command language: what its commands ask in mode 7, and what they print of the answers.
//!
//! Output is byte for byte that of ntpdc 4.2.8p15. It is laid out as its sister, [`crate::ntpq`],
//! and takes from there what is the same in both: settings, keys, hosts, addresses, dates. Nothing
//! here touches the network, the clock or a terminal: [`Batch`] says what it needs next ([`Need`](crate::ntpq::Need)) and
//! what to write where. [`command`] is the table of commands; most are a [`query::Query`], which asks
//! one question and falls back to what older daemons understand.
//!
//! One command wants permission first: `monlist` (see [`monitor`]).

pub mod batch;
pub mod change;
pub mod clocks;
pub mod command;
pub mod completion;
pub mod counters;
pub mod interfaces;
pub mod line;
pub mod monitor;
pub mod number;
pub mod peer;
pub mod peers;
pub mod query;
pub mod restrictions;
pub mod session;
pub mod settings;
pub mod system;
pub mod traps;
pub mod verbs;

pub use batch::{Batch, Options};
