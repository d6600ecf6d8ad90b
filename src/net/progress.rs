//! How far asking has come, for whoever waits at a terminal.
//!
//! A daemon that has thousands of associations and then answers hardly any of the questions about
//! them is asked one question in two seconds: that is polite, and takes an hour.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use crate::net::clock::Clock;
use crate::units::Mono;

/// A line on standard error that says how many of many questions are done with, from some seconds
/// on; it is wiped when this is dropped. What is written elsewhere stays as it is.
pub(super) struct Progress {
    clock: Clock,
    all: usize,
    /// When the next word is due.
    next: Mono,
    /// Columns that were written.
    width: usize,
}

impl Progress {
    /// Of `all` questions that are asked now; `None` where nobody would see it, or where they are so
    /// few that they are soon done with.
    pub(super) fn at_terminal(clock: Clock, all: usize) -> Option<Self> {
        let is_wanted = all >= MANY && io::stderr().is_terminal();
        is_wanted.then(|| Self { clock, all, next: clock.mono() + PATIENCE, width: 0 })
    }

    /// So many are answered or given up.
    pub(super) fn tell(&mut self, done: usize) {
        let now = self.clock.mono();
        if now < self.next {
            return;
        }
        self.next = now + BETWEEN;
        let text = format!("{done} of {} questions answered or given up", self.all);
        self.width = text.len();
        write(&text);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.width > 0 {
            write(&" ".repeat(self.width));
            write("");
        }
    }
}

/// Writes over what stands on the line.
fn write(text: &str) {
    // Whom it does not reach misses nothing that matters.
    drop(write!(io::stderr(), "\r{text}"));
}

/// Questions of which it is told.
const MANY: usize = 8;

/// How long they may take without a word.
const PATIENCE: Duration = Duration::from_secs(3);

/// From one word to the next, at the least.
const BETWEEN: Duration = Duration::from_secs(1);
