//! The addresses of one host, asked for until there are some.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Sleep;

use crate::config::host::HostSpec;
use crate::net::resolver::{self, Families};

/// Looks a host up, again and again until it has an address.
pub(super) struct Addresses {
    host: HostSpec,
    families: Families,
    pause: Duration,
    state: State,
}

enum State {
    /// There is nothing to find out any more.
    Known,
    LookUp(Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, String>> + Send>>),
    Pause(Pin<Box<Sleep>>),
}

impl Addresses {
    pub(super) fn of(host: HostSpec, families: Families) -> Self {
        let mut addresses = Self { host, families, pause: FIRST_PAUSE, state: State::Known };
        addresses.look_up();
        addresses
    }

    /// Does not wait any longer for the next attempt.
    pub(super) fn hurry(&mut self) {
        if matches!(self.state, State::Pause(_)) {
            self.look_up();
        }
    }

    /// The outcome of the next attempt: at least one address, or why there is none. Never when the
    /// addresses are known. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Vec<SocketAddr>, Box<str>> {
        loop {
            match &mut self.state {
                State::Known => std::future::pending::<()>().await,
                State::Pause(pause) => {
                    pause.await;
                    self.look_up();
                }
                State::LookUp(look_up) => {
                    let outcome = look_up.await;
                    let why = match outcome {
                        Ok(addresses) if !addresses.is_empty() => {
                            self.state = State::Known;
                            return Ok(addresses);
                        }
                        Ok(_) => "the name has no address".into(),
                        Err(why) => why.into(),
                    };
                    self.state = State::Pause(Box::pin(tokio::time::sleep(self.pause)));
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                    return Err(why);
                }
            }
        }
    }

    fn look_up(&mut self) {
        let (host, families) = (self.host.clone(), self.families);
        self.state =
            State::LookUp(Box::pin(async move { resolver::addresses(&host, families).await }));
    }
}

impl fmt::Debug for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Addresses").field("host", &self.host).finish_non_exhaustive()
    }
}

/// How long to wait before a name is looked up again, at first.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// How long at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
