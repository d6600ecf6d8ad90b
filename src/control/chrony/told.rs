//! What a chronyd tells of the things that a change can alter.

use super::way::{OFFLINE, ONLINE, OPTIONS, SOURCES};
use crate::model::Daemon;
use crate::model::Value;
use crate::model::change::state::{Entry, Kind, State};
use crate::model::daemon::Peer;
use crate::model::vars::{peer, system};
use crate::units::{Mode, Mono, Tally};

/// `daemon`, as far as changes alter it.
pub(super) fn state(daemon: &Daemon, read: Mono) -> State {
    let mut entries: Vec<Entry> = daemon.peers.iter().filter_map(|there| source(there)).collect();
    entries.extend(sources(daemon));
    let followed = daemon.peers.iter().find(|there| there.status.tally() == Tally::SystemPeer);
    State {
        read,
        entries,
        followed: followed.and_then(|there| source(there)).map(|entry| entry.name),
        ..State::default()
    }
}

/// A source with what is told of it and stays as it is.
fn source(there: &Peer) -> Option<Entry> {
    let row = there.row.latest()?;
    let host = row.text(&peer::SOURCE_HOST).map(str::to_owned);
    let address = row.address(&peer::SOURCE).map(|address| address.to_string());
    let (name, host) = match address {
        Some(address) => (address, host),
        None => (host?, None),
    };
    let kind = match row.mode(&peer::HOST_MODE) {
        _ if row.get(&peer::IS_REFERENCE_CLOCK) == Ok(&Value::Flag(true)) => "clock",
        Some(Mode::SymmetricActive) => "peer",
        _ => "server",
    };
    let mut entry = Entry { host, ..Entry::new(Kind::Association, name) }.with("kind", kind);
    if let Some(options) = row.text(&peer::CONFIGURED_OPTIONS) {
        entry = entry.with(OPTIONS, if options.is_empty() { "none" } else { options });
    }
    if let Ok((Value::Key(key), _)) = there.value(&peer::KEY_ID) {
        let key = key.map_or_else(|| "none".to_owned(), |key| key.to_string());
        entry = entry.with("key", key);
    }
    Some(entry)
}

/// How many sources are on and off: which are is not told.
fn sources(daemon: &Daemon) -> Option<Entry> {
    let values = daemon.system.latest()?;
    let count = |variable| values.unsigned(variable);
    let online = count(&system::ONLINE)? + count(&system::BURST_ONLINE)?;
    let offline = count(&system::OFFLINE)? + count(&system::BURST_OFFLINE)?;
    let entry = Entry::new(Kind::Setting, SOURCES);
    Some(entry.with(ONLINE, online.to_string()).with(OFFLINE, offline.to_string()))
}
