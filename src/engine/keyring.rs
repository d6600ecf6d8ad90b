//! The symmetric keys of an engine, and which of them are trusted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::keys::Entry;
use crate::units::KeyId;
use crate::wire::mac::{Algorithm, Key, Mac};

/// Keys by their numbers.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Keyring {
    keys: BTreeMap<KeyId, Entry>,
    trusted: BTreeSet<KeyId>,
    /// Counted together by all copies: the engine's and the server's are one ring.
    uses: Arc<Uses>,
}

/// How often keys were used.
#[derive(Debug, Default)]
pub(in crate::engine) struct Uses {
    /// Keys that were looked up.
    pub lookups: AtomicU64,
    /// Those of them that are not there, or not trusted.
    pub not_found: AtomicU64,
    /// Packets that were signed with a digest, and with a CMAC.
    pub signed: [AtomicU64; 2],
    /// Packets whose code was checked.
    pub checked: [AtomicU64; 2],
    /// Those of them whose code was wrong.
    pub wrong: [AtomicU64; 2],
}

/// The place of a key among the counts of digests and CMACs.
fn place<'a>(counts: &'a [AtomicU64; 2], key: &Key) -> &'a AtomicU64 {
    let [digest, cmac] = counts;
    if key.algorithm() == Algorithm::Aes128Cmac { cmac } else { digest }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Keyring {
    /// Counts from zero again.
    pub(in crate::engine) fn reset(&self) {
        let Uses { lookups, not_found, signed, checked, wrong } = &*self.uses;
        let pairs = signed.iter().chain(checked).chain(wrong);
        for counter in [lookups, not_found].into_iter().chain(pairs) {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// How often keys were used.
    pub(in crate::engine) fn uses(&self) -> &Uses {
        &self.uses
    }

    /// Appends the code of `message` by `key` to it.
    pub(in crate::engine) fn seal(&self, key: &Key, message: &mut Vec<u8>) {
        count(place(&self.uses.signed, key));
        key.append_to(message);
    }

    /// Whether a code over `covered` is by `key`.
    pub(in crate::engine) fn is_by(&self, key: &Key, mac: &Mac<'_>, covered: &[u8]) -> bool {
        count(place(&self.uses.checked, key));
        let is_right = mac.is_by(key, covered);
        if !is_right {
            count(place(&self.uses.wrong, key));
        }
        is_right
    }

    /// Uses these keys in place of those before.
    pub(in crate::engine) fn replace(&mut self, entries: Vec<Entry>) {
        self.keys = entries.into_iter().map(|entry| (entry.key.id(), entry)).collect();
    }

    /// How many there are.
    pub(in crate::engine) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Trusts these as well, whether they are there yet or not.
    pub(in crate::engine) fn trust(&mut self, ids: &[KeyId]) {
        self.trusted.extend(ids);
    }

    /// Trusts these and no others.
    pub(in crate::engine) fn trust_only(&mut self, ids: &[KeyId]) {
        self.trusted = ids.iter().copied().collect();
    }

    /// The key with this number to be used with `address`, if it is trusted.
    pub(in crate::engine) fn trusted(&self, id: KeyId, address: IpAddr) -> Option<&Key> {
        let entry = self.look_up(id)?;
        entry.serves(address).then_some(&entry.key)
    }

    /// The key with this number, if it is trusted: for those who ask us, whoever they are.
    pub(in crate::engine) fn of_client(&self, id: KeyId) -> Option<&Key> {
        Some(&self.look_up(id)?.key)
    }

    fn look_up(&self, id: KeyId) -> Option<&Entry> {
        count(&self.uses.lookups);
        let found = self.keys.get(&id).filter(|_| self.trusted.contains(&id));
        if found.is_none() {
            count(&self.uses.not_found);
        }
        found
    }
}
