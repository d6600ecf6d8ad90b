//! A daemon as an operator sees it, whoever it is and however it was asked.
//!
//! [`vars`] is the one table of what daemons can tell; [`values`] holds what one of them told,
//! typed; [`daemon`] puts the pieces of one daemon together in snapshots that are cheap to keep.
//! A value that is not there says why ([`absent`]).

pub mod absent;
pub mod change;
pub mod clients;
pub mod clock_loop;
pub mod daemon;
pub mod decode;
pub mod encode;
pub mod happened;
pub mod identity;
pub mod interest;
pub mod json;
pub mod lists;
pub mod mru;
pub mod part;
pub mod probed;
pub mod programs;
pub mod question;
pub mod reply;
pub mod statistics;
pub mod status;
pub mod values;
pub mod vars;

pub use absent::Absent;
pub use daemon::{Contact, Daemon, Peer};
pub use identity::{Dialect, Identity};
pub use interest::Interest;
pub use part::{Dated, Part};
pub use question::{Failure, Question};
pub use reply::Reply;
pub use values::{Value, Values};
pub use vars::Variable;
