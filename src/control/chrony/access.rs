//! Which commands a daemon heeds, as far as its answers have shown.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Transport;
use super::dialect;
use super::picture::Picture;
use crate::model::{Absent, Failure};
use crate::units::Mono;
use crate::wire::cmdmon::{Command, Status};

/// Which commands are heeded, as far as that has shown.
#[derive(Clone, Debug)]
pub(super) struct Access {
    transport: Transport,
    shown: BTreeMap<Command, Shown>,
}

#[derive(Clone, Copy, Debug)]
enum Shown {
    Open,
    /// Refused when it was last tried; it is tried again once in a while.
    Closed {
        at: Mono,
        status: Status,
    },
    /// One question is out that will show it.
    Tried,
    /// Refused so long ago that one question is in order.
    Lapsed,
}

impl Access {
    pub(super) const fn over(transport: Transport) -> Self {
        Self { transport, shown: BTreeMap::new() }
    }

    /// A round begins: what was refused long ago is tried again.
    pub(super) fn renew(&mut self, now: Mono) {
        for shown in self.shown.values_mut() {
            match shown {
                Shown::Closed { at, .. } if now.since(*at) >= CLOSED_FOR => *shown = Shown::Lapsed,
                // It was not answered.
                Shown::Tried => *shown = Shown::Lapsed,
                _ => {}
            }
        }
    }

    /// What the status of a reply shows.
    ///
    /// Whether more can be asked than before.
    pub(super) fn learned(&mut self, command: Command, status: Status, now: Mono) -> bool {
        let shown = match status {
            Status::Unauthorised | Status::Invalid => Shown::Closed { at: now, status },
            _ => Shown::Open,
        };
        let was = self.shown.insert(command, shown);
        matches!(
            (was, shown),
            (Some(Shown::Tried | Shown::Lapsed | Shown::Closed { .. }), Shown::Open)
        )
    }

    pub(super) fn may(&self, command: Command) -> May {
        if matches!(command, Command::N_SOURCES | Command::TRACKING) {
            // Whether anybody is there shows from these.
            return May::All;
        }
        match self.shown.get(&command) {
            Some(Shown::Open) => May::All,
            Some(Shown::Closed { .. } | Shown::Tried) => May::Nothing,
            None if self.transport == Transport::Unix => May::All,
            None if command.row().is_some_and(|row| row.access.is_open_by_default()) => May::All,
            Some(Shown::Lapsed) | None => May::One,
        }
    }

    /// Why what a command tells is not there, where it was refused.
    fn closed(&self, command: Command) -> Option<Absent> {
        match self.shown.get(&command) {
            Some(Shown::Closed { status, .. }) => Some(why(command, *status)),
            _ => None,
        }
    }

    /// Of what is closed, sources that are new have the reason too.
    pub(super) fn explain(&self, picture: &mut Picture) {
        let unasked = Absent::NotAskedYet;
        for command in [Command::SELECT_DATA, Command::NTP_DATA, Command::AUTH_DATA] {
            let Some(why) = self.closed(command) else { continue };
            picture.with_all(|source| match command {
                Command::SELECT_DATA if source.select.as_ref().err() == Some(&unasked) => {
                    source.select = Err(why.clone());
                }
                Command::NTP_DATA if source.ntp.as_ref().err() == Some(&unasked) => {
                    source.ntp = Err(why.clone());
                }
                Command::AUTH_DATA if source.auth.as_ref().err() == Some(&unasked) => {
                    source.auth = Err(why.clone());
                }
                _ => {}
            });
        }
    }

    pub(super) fn tried(&mut self, command: Command) {
        self.shown.insert(command, Shown::Tried);
    }
}

/// What may be asked of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum May {
    All,
    /// One question, which shows whether others have any sense.
    One,
    Nothing,
}

/// Whether a status says nothing of the daemon but that it does not want to answer.
pub(super) const fn is_refusal(status: Status) -> bool {
    !matches!(
        status,
        Status::Success
            | Status::AccessAllowed
            | Status::AccessDenied
            | Status::NoSuchSource
            | Status::NotEnabled
            | Status::NoRtc
            | Status::Inactive
    )
}

/// What a status says of why a value is not there.
pub(super) const fn why(command: Command, status: Status) -> Absent {
    match status {
        Status::Unauthorised => dialect::closed(command),
        // A version that does not know the command.
        Status::Invalid => Absent::NotInFamily,
        // Not turned on, or there is none.
        Status::NotEnabled | Status::NoRtc | Status::Inactive | Status::NoSuchSource => {
            Absent::NotGiven
        }
        status => Absent::Failed(Failure::Declined(status)),
    }
}

/// How long a refused command is left alone.
const CLOSED_FOR: Duration = Duration::from_secs(60);
