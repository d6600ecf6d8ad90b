//! Pieces of screens that know nothing of NTP daemons.

pub mod chart;
pub mod plot;
pub mod reach;
pub mod sparkline;
pub mod table;
pub mod text;
