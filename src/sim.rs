//! Simulated worlds: real engines among simulated oscillators, links and servers.
//!
//! A world runs as fast as it goes, for statistics, or against the clock on the wall, to be looked
//! at. True time is known only to the world; engines see packets and readings of their clocks, as
//! on a machine. The same seed gives the same run.

pub mod face;
pub mod host;
pub mod incident;
pub mod link;
pub mod live;
pub mod moment;
pub mod oscillator;
pub mod random;
pub mod run;
pub mod scenario;
pub mod server;
pub mod shipped;
pub mod sight;
pub mod site;
pub mod statistics;
pub mod truth;
pub mod verdict;
pub mod world;
