//! The ntpq command language: what its commands ask, and what they print of the answers.
//!
//! Output is byte for byte that of ntpq 4.2.8p15, which a generation of scripts takes apart, or as
//! [`Style`] says that of NTPsec's ntpq, for which see [`ntpsec`]. Nothing here touches the network, the clock or a terminal: [`Batch`] is a machine that a driver feeds.
//! It says what it needs next ([`Need`]), all questions of a stage together, and what to write
//! where; the time and the time zone are inputs. [`command`] is the table of commands, a [`vocabulary`]; each verb is
//! a small machine of its own, a [`job::Job`].

pub mod address;
pub mod associations;
pub mod batch;
pub mod changes;
pub mod command;
pub mod completion;
pub mod counters;
pub mod fixed;
pub mod interfaces;
pub mod interval;
pub mod job;
pub mod keys;
mod listing;
pub mod mrulist;
pub mod naming;
pub mod ntpsec;
pub mod ordered_list;
pub mod peers;
pub mod printer;
pub mod reading;
pub mod record;
pub mod restrictions;
pub mod session;
pub mod settings;
pub mod several;
pub mod style;
pub mod text;
pub mod variables;
pub mod verbs;
pub mod vocabulary;

pub use batch::{Batch, Options};
pub use job::{
    Answer, Family, Flight, HostName, Located, Machine, Need, NotOpened, Opened, Output, Stream,
};
pub use session::RefIds;
pub use style::Style;
