//! Clocks that can be steered: what an engine may ask of one, and what came of it.
//!
//! Three of them stand behind one trait: one steers a virtual clock and never touches the system's,
//! one steers the system's, one is driven by an oscillator model.

pub mod command;
mod leap;
pub mod observe;
pub mod simulated;
#[expect(unsafe_code, reason = "the system call that reads and sets the kernel's clock")]
pub mod system;
pub mod timescale;

use crate::clock::command::{Command, Outcome};
use crate::units::{Now, NtpTimestamp, Raw};

/// A clock that can be steered.
pub trait Clock {
    /// What the clock showed, or shows, at a reading of the raw clock not long ago.
    fn at(&self, raw: Raw) -> NtpTimestamp;

    /// Carries `command` out; `now` holds readings just taken.
    fn command(&mut self, now: &Now, command: &Command) -> Outcome;
}
