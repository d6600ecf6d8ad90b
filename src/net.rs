//! The real world: sockets, names, the clock on the wall.
//!
//! The only users of tokio and of sockets. No policy is made here: the cores below decide what to
//! send and when, this layer moves datagrams and timers.

pub mod answered;
#[expect(unsafe_code, reason = "many datagrams with one call, which only system calls give")]
pub mod batch;
pub mod book;
pub mod change;
pub mod client;
pub mod clock;
pub mod consoles;
pub mod daemon;
pub mod discipline;
pub mod engine;
pub mod guard;
pub mod left;
pub mod mailbox;
pub mod network;
pub mod notify;
pub mod ntpq;
pub mod offer;
pub mod own_addresses;
mod private;
pub mod programs;
mod progress;
pub mod random;
pub mod reconfigure;
pub mod resolver;
pub mod signals;
#[expect(unsafe_code, reason = "readings and stamps that only system calls give")]
pub mod stamp;
pub mod statistics;
pub mod steered;
pub mod udp;
pub mod unix;
mod user;
