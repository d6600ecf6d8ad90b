//! The style of NTPsec's ntpq, 1.2.2: what its commands print, byte for byte.
//!
//! That program is written in Python, and much of what it prints is how Python writes things; see
//! [`value`]. It asks one question after the other; what we ask, and how often, is as in the classic
//! style. What it prints when Python itself complains is not followed.

pub mod associations;
pub mod config;
pub mod cook;
pub mod counters;
pub mod failure;
pub mod help;
pub mod hosts;
pub mod keys;
pub mod line;
pub mod lists;
pub mod mrulist;
pub mod names;
pub mod peers;
pub mod reading;
pub mod scale;
pub mod settings;
pub mod state;
pub mod value;
pub mod verbs;

pub use state::State;
