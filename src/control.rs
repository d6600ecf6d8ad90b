//! The control protocol, asking and answering, without any input or output of its own.
//!
//! [`session`] turns questions into datagrams and datagrams into answers; [`pipeline`] keeps
//! several questions in flight and holds back where the daemon limits its clients; [`watcher`]
//! decides what to ask next and puts the answers together into snapshots, and so does [`chrony`]
//! for the daemon that has a protocol of its own; [`finder`] finds out which of them is answered.
//! [`mru`] walks through a list that is longer than one answer, and [`clients`] does so for a screen. [`responder`] answers others about
//! any daemon that there is a picture of. [`private`] asks the questions of mode 7, one at a time,
//! which nothing but ntpdc's commands needs. [`change`] thinks a change of a running daemon through,
//! and [`reconfigure`] carries it out, proves it and takes it back; [`completion`] knows what may be
//! wanted of which daemon.
//!
//! Pipeline and watcher have one shape. A driver hands over what happened with the time at which
//! it did (`handle`), then takes outputs until there are none (`poll_output`), then waits for the
//! next datagram or until `next_wakeup`, whichever comes first. Waking early is harmless. They own
//! no socket, read no clock and draw their random numbers from a seed: given the same inputs they
//! do the same, which is how they are tested.

pub mod auth;
pub mod change;
pub mod chrony;
pub mod clients;
pub mod completion;
mod conversation;
pub mod finder;
pub mod mru;
pub mod pipeline;
pub mod private;
pub mod reconfigure;
pub mod responder;
mod sequence;
pub mod session;
pub mod timing;
pub mod watcher;
