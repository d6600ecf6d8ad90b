//! The symmetric keys of an engine, and which of them are trusted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::config::keys::Entry;
use crate::units::KeyId;
use crate::wire::mac::Key;

/// Keys by their numbers.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Keyring {
    keys: BTreeMap<KeyId, Entry>,
    trusted: BTreeSet<KeyId>,
}

impl Keyring {
    /// Uses these keys in place of those before.
    pub(in crate::engine) fn replace(&mut self, entries: Vec<Entry>) {
        self.keys = entries.into_iter().map(|entry| (entry.key.id(), entry)).collect();
    }

    /// Trusts these as well, whether they are there yet or not.
    pub(in crate::engine) fn trust(&mut self, ids: &[KeyId]) {
        self.trusted.extend(ids);
    }

    /// The key with this number to be used with `address`, if it is trusted.
    pub(in crate::engine) fn trusted(&self, id: KeyId, address: IpAddr) -> Option<&Key> {
        let entry = self.keys.get(&id).filter(|_| self.trusted.contains(&id))?;
        entry.serves(address).then_some(&entry.key)
    }

    /// The key with this number, if it is trusted: for those who ask us, whoever they are.
    pub(in crate::engine) fn of_client(&self, id: KeyId) -> Option<&Key> {
        let entry = self.keys.get(&id).filter(|_| self.trusted.contains(&id))?;
        Some(&entry.key)
    }
}
