//! The signals that end the program, caught so that it ends in order: a clock that is steered is
//! left at its base frequency, and a terminal is given back.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that are caught, for as long as the process lives.
#[derive(Debug)]
pub struct Signals {
    ends: [Signal; 4],
    stop: Option<Signal>,
}

/// What a signal wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The end.
    End,
    /// A stop, as Ctrl-Z does. It is told only where it is not followed.
    Stop,
}

impl Signals {
    /// Catches what would end the program, and with `is_steering` also what would stop it: a clock
    /// must not run at the rate of a slew while whoever set that is stopped.
    ///
    /// Must be called within a runtime.
    ///
    /// # Errors
    /// The system gives no handler.
    pub fn catch(is_steering: bool) -> io::Result<Self> {
        let stop = || signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP));
        Ok(Self {
            ends: [
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::quit())?,
            ],
            stop: is_steering.then(stop).transpose()?,
        })
    }

    /// The next signal.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Wanted> {
        if self.ends.iter_mut().any(|end| end.poll_recv(context).is_ready()) {
            return Poll::Ready(Wanted::End);
        }
        match &mut self.stop {
            Some(stop) => stop.poll_recv(context).map(|_| Wanted::Stop),
            None => Poll::Pending,
        }
    }

    /// The next signal.
    pub async fn next(&mut self) -> Wanted {
        poll_fn(|context| self.poll(context)).await
    }
}
