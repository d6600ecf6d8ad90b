//! Who may ask: rules for subnets, each kind of them a command of its own.

use crate::wire::cmdmon::{Address, Command};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// For time or for these commands.
    pub service: Service,
    /// Whether they may.
    pub allows: bool,
    /// Whether rules for parts of the subnet are overridden.
    pub all: bool,
    /// The subnet's address; unspecified for all of either family.
    pub address: Address,
    /// How many of its bits count.
    pub prefix: i32,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Time, by NTP.
    Time,
    /// These commands, over UDP.
    Commands,
}

impl AccessRule {
    /// The command that makes it.
    pub(super) const fn command(&self) -> Command {
        match (self.service, self.allows, self.all) {
            (Service::Time, true, false) => Command::ALLOW,
            (Service::Time, true, true) => Command::ALLOWALL,
            (Service::Time, false, false) => Command::DENY,
            (Service::Time, false, true) => Command::DENYALL,
            (Service::Commands, true, false) => Command::CMDALLOW,
            (Service::Commands, true, true) => Command::CMDALLOWALL,
            (Service::Commands, false, false) => Command::CMDDENY,
            (Service::Commands, false, true) => Command::CMDDENYALL,
        }
    }

    /// The rule of a command, for no subnet yet; `None` when it makes no rule.
    pub(super) const fn of(command: Command) -> Option<Self> {
        let (service, allows, all) = match command {
            Command::ALLOW => (Service::Time, true, false),
            Command::ALLOWALL => (Service::Time, true, true),
            Command::DENY => (Service::Time, false, false),
            Command::DENYALL => (Service::Time, false, true),
            Command::CMDALLOW => (Service::Commands, true, false),
            Command::CMDALLOWALL => (Service::Commands, true, true),
            Command::CMDDENY => (Service::Commands, false, false),
            Command::CMDDENYALL => (Service::Commands, false, true),
            _ => return None,
        };
        Some(Self { service, allows, all, address: Address::Unspecified, prefix: 0 })
    }
}
