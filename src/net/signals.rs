//! The signals that end the program, caught so that it ends in order: a clock that is steered is
//! left at its base frequency, and a terminal is given back.

use std::fs;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that are caught, for as long as the process lives.
#[derive(Debug)]
pub struct Signals {
    ends: Vec<(SignalKind, Signal)>,
    stop: Option<Signal>,
    reload: Option<Signal>,
}

/// What a hangup (SIGHUP) is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// It ends the program, as it does when a terminal goes.
    End,
    /// It has the configuration read anew, even where whoever started us had it ignored.
    Reload,
}

/// What a signal wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The end.
    End,
    /// A stop, as Ctrl-Z does. It is told only where it is not followed.
    Stop,
    /// The configuration, as it stands now.
    Reload,
}

impl Signals {
    /// Catches what would end the program, and with `is_steering` also what would stop it: a clock
    /// must not run at the rate of a slew while whoever set that is stopped.
    ///
    /// What whoever started us had ignored stays so, SIGTERM excepted: that is what `nohup` and
    /// the shell's `&` are for. Must be called within a runtime.
    ///
    /// # Errors
    /// The system gives no handler.
    pub fn catch(is_steering: bool, hangup: Hangup) -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = ignored(&status);
        let reloads = hangup == Hangup::Reload;
        let ends = [SignalKind::interrupt(), SignalKind::quit()];
        let ends = ends.into_iter().chain((!reloads).then(SignalKind::hangup));
        let ends = ends.filter(|kind| {
            let number = u32::try_from(kind.as_raw_value()).unwrap_or_default();
            ignored & 1_u64.checked_shl(number.saturating_sub(1)).unwrap_or_default() == 0
        });
        let ends = std::iter::once(SignalKind::terminate()).chain(ends);
        let stop = || signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP));
        Ok(Self {
            ends: ends.map(|kind| Ok((kind, signal(kind)?))).collect::<io::Result<_>>()?,
            stop: is_steering.then(stop).transpose()?,
            reload: reloads.then(|| signal(SignalKind::hangup())).transpose()?,
        })
    }

    /// The same without the interrupt (SIGINT), for those who have a use of their own for it.
    #[must_use]
    pub fn but_interrupt(mut self) -> Self {
        self.ends.retain(|(kind, _)| *kind != SignalKind::interrupt());
        self
    }

    /// The next signal.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Wanted> {
        if self.poll_end(context).is_ready() {
            return Poll::Ready(Wanted::End);
        }
        let mut come = |signal: &mut Option<Signal>| {
            signal.as_mut().is_some_and(|signal| signal.poll_recv(context).is_ready())
        };
        if come(&mut self.reload) {
            Poll::Ready(Wanted::Reload)
        } else if come(&mut self.stop) {
            Poll::Ready(Wanted::Stop)
        } else {
            Poll::Pending
        }
    }

    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<SignalKind> {
        let mut ends = self.ends.iter_mut();
        match ends.find_map(|(kind, end)| end.poll_recv(context).is_ready().then_some(*kind)) {
            Some(kind) => Poll::Ready(kind),
            None => Poll::Pending,
        }
    }

    /// The next signal that wants the end.
    pub async fn end(&mut self) -> SignalKind {
        poll_fn(|context| self.poll_end(context)).await
    }

    /// The next signal.
    pub async fn next(&mut self) -> Wanted {
        poll_fn(|context| self.poll(context)).await
    }
}

/// Ends the process by `signal`, as if it had not been caught; whoever started it sees that.
pub fn end_by(signal: SignalKind) {
    // It returns only where the system has no default for such a signal.
    drop(signal_hook::low_level::emulate_default_handler(signal.as_raw_value()));
}

/// The signals that are ignored, one bit each from the lowest, as a process's status has them.
fn ignored(status: &str) -> u64 {
    let digits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    digits.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_from_a_status() {
        assert_eq!(ignored("Name:\tx\nSigIgn:\t0000000000001007\n"), 0x1007);
        assert_eq!(ignored("nothing of it"), 0);
    }
}
