//! What is known of the daemon, from which snapshots are made.
//!
//! Parts that did not change are shared between snapshots, down to the single association.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::daemon::{Associations, Detail};
use crate::model::lists;
use crate::model::statistics::{Section, Statistics};
use crate::model::vars::{Scope, peer, system};
use crate::model::{
    Absent, Contact, Daemon, Dated, Dialect, Failure, Identity, Peer, Reply, Values, Variable,
};
use crate::units::AssocId;
use crate::wire::mode6::association_list;
use crate::wire::mode6::status::{PeerStatus, SystemStatus};

/// The latest of everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    daemon: Daemon,
    peers: BTreeMap<AssocId, Arc<Peer>>,
    /// Whether `daemon.peers` is older than `peers`.
    peers_changed: bool,
    /// The ids of the last list that had any.
    last_ids: Vec<AssocId>,
}

/// What a list of associations brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ListNews {
    /// Those that are new or whose status word changed.
    pub(super) changed: Vec<AssocId>,
    /// Those that are no longer there.
    pub(super) removed: Vec<AssocId>,
    /// Whether the system's status word changed; the first is no change, for the variables are asked
    /// together with the first list.
    pub(super) system: bool,
    /// Whether the daemon started anew.
    pub(super) restarted: bool,
}

impl Picture {
    pub(super) const fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    pub(super) fn peer(&self, id: AssocId) -> Option<&Peer> {
        self.peers.get(&id).map(|peer| &**peer)
    }

    pub(super) fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.peers.values().map(|peer| &**peer)
    }

    pub(super) fn dialect(&self) -> Option<Dialect> {
        self.daemon.identity.as_ref().and_then(|identity| identity.dialect)
    }

    /// The snapshot of this moment.
    pub(super) fn snapshot(&mut self, contact: &Contact) -> Arc<Daemon> {
        if self.peers_changed {
            self.daemon.peers = self.peers.values().cloned().collect();
            self.peers_changed = false;
        }
        self.daemon.contact = contact.clone();
        Arc::new(self.daemon.clone())
    }

    /// Takes in a list of associations.
    pub(super) fn list(&mut self, reply: &Reply) -> ListNews {
        let system = SystemStatus::from_bits(reply.status);
        let list: BTreeMap<_, _> = association_list(reply.data())
            .filter(|(id, _)| *id != AssocId::SYSTEM)
            .map(|(id, word)| (id, PeerStatus::from_bits(word)))
            .collect();
        let before = self.daemon.associations.latest().map(|known| known.system);
        let is_other = before.is_some_and(|before| before != system);
        let mut news = ListNews { system: is_other, ..ListNews::default() };
        if !list.is_empty() {
            let ids: Vec<_> = list.keys().copied().collect();
            news.restarted = is_restart(&self.last_ids, &ids);
            self.last_ids = ids;
        }
        if news.restarted {
            self.daemon.restarts += 1;
            self.daemon.restarted = Some(reply.dated.answered);
        }
        news.removed = self.peers.keys().filter(|id| !list.contains_key(id)).copied().collect();
        for id in &news.removed {
            self.peers.remove(id);
        }
        for (id, status) in &list {
            match self.peers.get_mut(id) {
                Some(peer) if peer.status == *status => continue,
                Some(peer) => Arc::make_mut(peer).status = *status,
                None => {
                    self.peers.insert(*id, Arc::new(Peer::new(*id, *status)));
                }
            }
            news.changed.push(*id);
        }
        self.peers_changed |= !news.changed.is_empty() || !news.removed.is_empty();
        let list = Associations { system, list: list.into_iter().collect() };
        self.daemon.associations = self.daemon.associations.renewed(list, reply.dated);
        news
    }

    /// No list came.
    pub(super) fn list_failed(&mut self, why: Failure) {
        self.daemon.associations = self.daemon.associations.failed(Absent::Failed(why));
    }

    /// Takes in the system's variables, or only its version.
    pub(super) fn identify(&mut self, reply: &Reply) -> bool {
        let values = Values::decode(Scope::System, None, &[], reply);
        let Some(version) = values.text(&system::VERSION) else { return false };
        let identity = Identity::read(version);
        let is_new = self.daemon.identity.as_deref() != Some(&identity);
        if is_new {
            self.daemon.identity = Some(Arc::new(identity));
        }
        is_new
    }

    /// Takes in the system's variables; whether they show that the daemon started anew.
    ///
    /// A running daemon that loses its sources keeps the time of its last correction; only one that
    /// has just started has none. The list may show nothing: NTPsec gives the same ids again.
    pub(super) fn system(&mut self, reply: &Reply) -> bool {
        let values = Values::decode(Scope::System, self.dialect(), &[], reply);
        let was_set = |old: &Values| old.timestamp(&system::REFERENCE_TIME).is_some();
        let is_unset = values.get(&system::REFERENCE_TIME) == Err(Absent::NotGiven);
        let lost = self.daemon.system.latest().is_some_and(was_set) && is_unset;
        let now = reply.dated.answered;
        let told = self.daemon.restarted.is_some_and(|at| now.since(at) < TOLD);
        let restarted = lost && !told;
        if restarted {
            self.daemon.restarts += 1;
            self.daemon.restarted = Some(now);
        }
        self.daemon.system = self.daemon.system.renewed(values, reply.dated);
        restarted
    }

    pub(super) fn system_failed(&mut self, why: Failure) {
        self.daemon.system = self.daemon.system.failed(Absent::Failed(why));
    }

    /// Takes in a row that was asked with `names`; whether it says anything new.
    pub(super) fn row(&mut self, id: AssocId, names: &[&'static Variable], reply: &Reply) -> bool {
        let dialect = self.dialect();
        let Some(shared) = self.peers.get_mut(&id) else { return false };
        let values = Values::decode(Scope::Peer, dialect, names, reply);
        let is_new = shared.row.latest() != Some(&values);
        let is_another = shared.row.latest().is_some_and(|old| source(old) != source(&values));
        let peer = Arc::make_mut(shared);
        if is_another {
            // The id was given to another source: nothing that was known of it holds.
            *peer = Peer::new(id, peer.status);
        }
        peer.row = peer.row.renewed(values, reply.dated);
        self.peers_changed = true;
        is_new
    }

    pub(super) fn row_failed(&mut self, id: AssocId, why: Failure) {
        if let Some(peer) = self.peers.get_mut(&id) {
            let peer = Arc::make_mut(peer);
            peer.row = peer.row.failed(Absent::Failed(why));
            self.peers_changed = true;
        }
    }

    /// Takes in details that were asked with `names`.
    pub(super) fn detail(
        &mut self,
        id: AssocId,
        which: Detail,
        names: &[&'static Variable],
        reply: &Reply,
    ) {
        let dialect = self.dialect();
        let scope = if which == Detail::Clock { Scope::Clock } else { Scope::Peer };
        if let Some(peer) = self.peers.get_mut(&id) {
            let values = Values::decode(scope, dialect, names, reply);
            let part = Arc::make_mut(peer).detail_mut(which);
            *part = part.renewed(values, reply.dated);
            self.peers_changed = true;
        }
    }

    pub(super) fn detail_failed(&mut self, id: AssocId, which: Detail, why: Absent) {
        if let Some(peer) = self.peers.get_mut(&id) {
            let part = Arc::make_mut(peer).detail_mut(which);
            *part = part.failed(why);
            self.peers_changed = true;
        }
    }

    /// Takes in counters that were asked with `names`.
    pub(super) fn counted(&mut self, section: Section, names: &[&'static Variable], reply: &Reply) {
        let values = Values::decode(Scope::System, self.dialect(), names, reply);
        self.statistics_mut().section_mut(section).renew(values, reply.dated);
    }

    /// Whether counters of a section were told twice, so that there are rates.
    pub(super) fn has_rates(&self, section: Section) -> bool {
        self.daemon.statistics.section(section).span().is_some()
    }

    pub(super) fn counted_failed(&mut self, section: Section, why: Absent) {
        self.statistics_mut().section_mut(section).fail(why);
    }

    /// Takes in the addresses that are listened on.
    pub(super) fn interfaces(&mut self, reply: &Reply) {
        let statistics = self.statistics_mut();
        statistics.interfaces =
            statistics.interfaces.renewed(lists::interfaces(reply), reply.dated);
    }

    pub(super) fn interfaces_failed(&mut self, why: Absent) {
        let statistics = self.statistics_mut();
        statistics.interfaces = statistics.interfaces.failed(why);
    }

    /// Takes in whom it lets do what.
    pub(super) fn restrictions(&mut self, reply: &Reply) {
        let statistics = self.statistics_mut();
        statistics.restrictions =
            statistics.restrictions.renewed(lists::restrictions(reply), reply.dated);
    }

    pub(super) fn restrictions_failed(&mut self, why: Absent) {
        let statistics = self.statistics_mut();
        statistics.restrictions = statistics.restrictions.failed(why);
    }

    fn statistics_mut(&mut self) -> &mut Statistics {
        Arc::make_mut(&mut self.daemon.statistics)
    }

    /// Whether an association is a reference clock, as far as is known: those have addresses of
    /// their own network.
    pub(super) fn is_reference_clock(&self, id: AssocId) -> bool {
        let address = self.peer(id).and_then(|peer| peer.row.latest()?.address(&peer::SOURCE));
        matches!(address, Some(std::net::IpAddr::V4(v4)) if v4.octets().starts_with(&[127, 127]))
    }

    /// Whether the row of every association has come to something.
    pub(super) fn has_all_rows(&self) -> bool {
        self.peers().all(|peer| {
            peer.row.latest().is_some() || peer.row.trouble() != Some(&Absent::NotAskedYet)
        })
    }

    /// When the system's variables were last learned, if ever.
    pub(super) fn system_dated(&self) -> Option<Dated> {
        self.daemon.system.dated()
    }
}

/// A start that the list has shown is shown by the system's variables soon after; it is one.
const TOLD: Duration = Duration::from_secs(30);

/// What tells one source from another.
fn source(row: &Values) -> [Option<String>; 2] {
    let text = |variable| row.get(variable).ok().map(|value| format!("{value:?}"));
    [text(&peer::SOURCE), text(&peer::SOURCE_PORT)]
}

/// Whether a daemon that had associations `before` and has `after` started anew in between.
///
/// A daemon numbers its associations one after the other, from a random number at its start. So
/// when none is left it started anew, unless the new ones only continue the count: then all were
/// given up and made again.
fn is_restart(before: &[AssocId], after: &[AssocId]) -> bool {
    let Some(newest) = before.iter().max() else { return false };
    if after.iter().any(|id| before.contains(id)) {
        return false;
    }
    !after.iter().all(|id| (1..=CONTINUED).contains(&id.get().wrapping_sub(newest.get())))
}

/// How far a count is taken to be continued.
const CONTINUED: u16 = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Mono;

    fn list(pairs: &[(u16, u16)]) -> Reply {
        let pair = |(id, word): &(u16, u16)| [id.to_be_bytes(), word.to_be_bytes()].concat();
        let data: Vec<u8> = pairs.iter().flat_map(pair).collect();
        Reply::new(0x0615, data, 1, Dated::default())
    }

    fn id(number: u16) -> AssocId {
        AssocId::new(number)
    }

    #[test]
    fn a_start_that_gives_the_same_ids_again_shows_in_the_reference_time() {
        let mut picture = Picture::default();
        let reply = |text: &str, second: u64| {
            let at = Mono::from_nanos(second * 1_000_000_000);
            let dated = Dated { asked: at, answered: at, ..Dated::default() };
            Reply::new(0, text.as_bytes(), 1, dated)
        };
        let set = "version=\"ntpd ntpsec-1.2.2\", reftime=0xeeab5d7c.e4c877b8";
        let unset = "version=\"ntpd ntpsec-1.2.2\", reftime=0x00000000.00000000";
        assert!(!picture.system(&reply(unset, 1)), "nothing was known before");
        assert!(!picture.system(&reply(set, 2)));
        assert!(picture.system(&reply(unset, 90)));
        assert_eq!(picture.daemon().restarts, 1);
        assert!(!picture.system(&reply(set, 91)));
        assert!(!picture.system(&reply(unset, 100)), "still the same start");
        assert!(!picture.system(&reply("stratum=16", 200)), "the variable was left out");
    }

    #[test]
    fn a_list_tells_what_changed() {
        let mut picture = Picture::default();
        let first = picture.list(&list(&[(3, 0x9014), (1, 0x9014), (0, 1)]));
        assert_eq!(first.changed, [id(1), id(3)]);
        assert!(!first.system && !first.restarted);
        let same = picture.list(&list(&[(3, 0x9014), (1, 0x9014)]));
        assert_eq!(same, ListNews::default());
        let data = [0, 3, 0x90, 0x14, 0, 1, 0x90, 0x14];
        let other = picture.list(&Reply::new(0x0628, data, 1, Dated::default()));
        assert_eq!(other, ListNews { system: true, ..ListNews::default() });
        let next = picture.list(&list(&[(3, 0x9614), (4, 0x8011)]));
        assert_eq!(next.changed, [id(3), id(4)]);
        assert_eq!(next.removed, [id(1)]);
    }

    #[test]
    fn unchanged_associations_are_shared_between_snapshots() {
        let mut picture = Picture::default();
        picture.list(&list(&[(1, 0), (2, 0)]));
        let one = picture.snapshot(&Contact::default());
        picture.list(&list(&[(1, 0), (2, 0x9614)]));
        let other = picture.snapshot(&Contact::default());
        assert!(Arc::ptr_eq(one.peer(id(1)).unwrap(), other.peer(id(1)).unwrap()));
        assert_eq!(one.peer(id(2)).unwrap().status.bits(), 0);
        assert_eq!(other.peer(id(2)).unwrap().status.bits(), 0x9614);
    }

    #[test]
    fn a_new_start_is_told_from_associations_made_again() {
        let ids = |numbers: &[u16]| numbers.iter().copied().map(id).collect::<Vec<_>>();
        assert!(is_restart(&ids(&[100, 101]), &ids(&[7000, 7001])));
        assert!(is_restart(&ids(&[100, 101]), &ids(&[98])));
        assert!(!is_restart(&ids(&[100, 101]), &ids(&[101, 102])));
        assert!(!is_restart(&ids(&[100, 101]), &ids(&[102, 103])));
        assert!(!is_restart(&ids(&[65_535]), &ids(&[1])));
        assert!(!is_restart(&[], &ids(&[1])));
    }

    #[test]
    fn an_id_that_means_another_source_keeps_nothing() {
        let mut picture = Picture::default();
        picture.list(&list(&[(1, 0)]));
        let row = |text: &str| Reply::new(0, text.as_bytes(), 1, Dated::default());
        assert!(picture.row(id(1), &[], &row("srcadr=10.0.0.1, offset=1")));
        picture.detail(id(1), Detail::Scalars, &[], &row("headway=3"));
        assert!(!picture.row(id(1), &[], &row("srcadr=10.0.0.1, offset=1")));
        assert!(picture.peer(id(1)).unwrap().detail(Detail::Scalars).latest().is_some());
        assert!(picture.row(id(1), &[], &row("srcadr=10.0.0.2, offset=1")));
        assert!(picture.peer(id(1)).unwrap().detail(Detail::Scalars).latest().is_none());
    }

    #[test]
    fn clocks_are_known_by_their_network() {
        let mut picture = Picture::default();
        picture.list(&list(&[(1, 0), (2, 0)]));
        let row = |text: &str| Reply::new(0, text.as_bytes(), 1, Dated::default());
        picture.row(id(1), &[], &row("srcadr=127.127.1.0"));
        picture.row(id(2), &[], &row("srcadr=127.0.0.1"));
        assert!(picture.is_reference_clock(id(1)) && !picture.is_reference_clock(id(2)));
    }
}
