//! A dead man's handle: ends a slew of the system's clock when whoever asked for it hangs.
//!
//! The engine's thread says every second that it lives. A terminal that takes no more output, or a debugger, can
//! stop the one thread that everything runs on, and the clock would run away meanwhile. A thread of
//! its own waits for the renewals and does nothing else.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::clock::system::kernel::{Change, Kernel, Rate};

/// A guard over one kernel's clock. Dropping it ends the thread.
#[derive(Debug)]
pub struct Guard {
    renewals: SyncSender<Renewal>,
}

/// How the clock was left.
#[derive(Debug)]
struct Renewal {
    in_force: Rate,
    base: Rate,
}

impl Guard {
    /// Starts to guard; `None` when the system gives no thread.
    pub fn start(kernel: impl Kernel + Send + 'static) -> Option<Self> {
        Self::with_patience(kernel, patience)
    }

    fn with_patience(
        kernel: impl Kernel + Send + 'static,
        patience: impl Fn(&Renewal) -> Duration + Send + 'static,
    ) -> Option<Self> {
        let (renewals, renewed) = sync_channel(WAITING);
        let thread = thread::Builder::new().name("clock guard".into());
        thread.spawn(move || watch(kernel, &renewed, &patience)).ok()?;
        Some(Self { renewals })
    }

    /// The clock now runs at `in_force`, and is to be left at `base` when nothing more is heard.
    pub fn renew(&self, in_force: Rate, base: Rate) {
        // One that finds no room is worth no wait: the ones before it are as good.
        drop(self.renewals.try_send(Renewal { in_force, base }));
    }
}

fn watch(
    mut kernel: impl Kernel,
    renewed: &Receiver<Renewal>,
    patience: &impl Fn(&Renewal) -> Duration,
) {
    while let Ok(mut latest) = renewed.recv() {
        // Without a slew there is nothing to guard.
        while latest.in_force != latest.base {
            match renewed.recv_timeout(patience(&latest)) {
                Ok(renewal) => latest = renewal,
                Err(RecvTimeoutError::Timeout) => {
                    end(&mut kernel, &latest);
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// Ends the slew, unless somebody else has set another rate.
fn end(kernel: &mut impl Kernel, latest: &Renewal) {
    if kernel.read().is_ok_and(|state| state.rate == latest.in_force) {
        // There is nobody left to tell of a failure; the engine finds it out when it goes on.
        kernel.write(Change::Rate(latest.base)).ok();
    }
}

/// Renewals that may wait to be taken.
const WAITING: usize = 16;

/// How long to wait for the next word: a busy machine is late by a second or two, and what a slew does
/// meanwhile should be little.
fn patience(latest: &Renewal) -> Duration {
    let slew_ppm =
        latest.in_force.ppm().parts_per_million() - latest.base.ppm().parts_per_million();
    Duration::from_secs(if slew_ppm.abs() > GENTLE_PPM { 3 } else { 12 })
}

/// A slew up to this is gentle: it moves the clock by a few milliseconds before it is ended.
const GENTLE_PPM: f64 = 500.5;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::clock::system::kernel::{State, StatusBits};
    use crate::units::Ppm;

    /// A kernel's clock in memory, which tells of each change.
    struct Fake {
        rate: Arc<Mutex<Rate>>,
        tell: Sender<Change>,
    }

    impl Kernel for Fake {
        fn read(&mut self) -> Result<State, i32> {
            Ok(State { rate: *self.rate.lock().unwrap(), status: StatusBits::default() })
        }

        fn write(&mut self, change: Change) -> Result<State, i32> {
            if let Change::Rate(rate) = change {
                *self.rate.lock().unwrap() = rate;
            }
            self.tell.send(change).unwrap();
            self.read()
        }
    }

    fn ppm(rate: f64) -> Rate {
        Rate::from_ppm(Ppm::new(rate).unwrap())
    }

    #[test]
    fn a_fast_slew_is_ended_sooner() {
        let renewal = |slew| Renewal { in_force: ppm(3.0 + slew), base: ppm(3.0) };
        assert!(patience(&renewal(-80_000.0)) < patience(&renewal(500.0)));
    }

    #[test]
    fn a_slew_that_is_not_renewed_is_ended_and_a_strangers_rate_is_left() {
        let rate = Arc::new(Mutex::new(ppm(0.0)));
        let (tell, changed) = channel();
        let kernel = Fake { rate: Arc::clone(&rate), tell };
        let guard = Guard::with_patience(kernel, |_| Duration::from_millis(20)).unwrap();
        *rate.lock().unwrap() = ppm(500.0);
        guard.renew(ppm(500.0), ppm(7.0));
        let patience = Duration::from_secs(10);
        assert_eq!(changed.recv_timeout(patience).unwrap(), Change::Rate(ppm(7.0)));
        // Without a slew, and with a rate that we did not set, nothing is touched.
        guard.renew(ppm(7.0), ppm(7.0));
        guard.renew(ppm(400.0), ppm(7.0));
        assert!(changed.recv_timeout(Duration::from_millis(200)).is_err());
        *rate.lock().unwrap() = ppm(300.0);
        guard.renew(ppm(300.0), ppm(8.0));
        assert_eq!(changed.recv_timeout(patience).unwrap(), Change::Rate(ppm(8.0)));
        drop(guard);
        assert!(changed.recv_timeout(patience).is_err(), "the thread ends with the guard");
    }
}
