//! What is known of a daemon, put together from its reports.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::dialect;
use super::dialect::release::Releases;
use super::dialect::source::Reports;
use super::dialect::system::{System, Told};
use crate::model::clients::{ClientRecord, ManualEntry};
use crate::model::daemon::{Associations, Detail};
use crate::model::statistics::Section;
use crate::model::{Absent, Contact, Daemon, Dated, Dialect, Identity, Part, Peer};
use crate::units::{AssocId, Mono, Tally};
use crate::wire::cmdmon::{Address, ServerStats, SourceData, SourceId, Tracking};
use crate::wire::mode6::status::PeerStatus;

/// What is known of one daemon.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    daemon: Daemon,
    /// Its sources, by the names of ours.
    sources: BTreeMap<AssocId, Source>,
    /// Those names by what the daemon's reports call the sources.
    ids: HashMap<SourceId, AssocId>,
    /// Which of them stands at which index of its table, as far as this round has shown.
    places: BTreeMap<u32, AssocId>,
    /// The name of ours that was given last.
    last_id: u16,
    system: System,
    system_dated: Option<Dated>,
    releases: Releases,
}

/// A source.
#[derive(Clone, Debug)]
struct Source {
    reports: Reports,
    /// When its data came, and when its last packet was told of.
    dated: Dated,
    details_dated: Option<Dated>,
    /// Why nothing newer came.
    trouble: Option<Absent>,
    shown: Arc<Peer>,
}

impl Picture {
    /// A round of questions begins.
    pub(super) fn begin_round(&mut self) {
        self.places.clear();
    }

    /// The round is over: there are `count` sources, at the first indices.
    ///
    /// Whether the table of sources was the same throughout; if not it should be asked again.
    pub(super) fn end_round(&mut self, count: u32) -> bool {
        let order: Vec<AssocId> = self.places.range(..count).map(|(_, id)| *id).collect();
        let mut seen = order.clone();
        seen.sort_unstable();
        seen.dedup();
        let is_whole = seen.len() == usize::try_from(count).unwrap_or(usize::MAX);
        if is_whole {
            self.sources.retain(|id, _| seen.binary_search(id).is_ok());
            self.ids.retain(|_, id| seen.binary_search(id).is_ok());
        }
        self.show(&order);
        is_whole
    }

    /// Puts the peers in the daemon's order; those that this round did not meet stay behind them,
    /// until a whole one shows that they are gone.
    fn show(&mut self, order: &[AssocId]) {
        let mut peers = Vec::with_capacity(self.sources.len());
        let mut seen = HashSet::new();
        let mut ids: Vec<AssocId> = order.iter().chain(self.sources.keys()).copied().collect();
        ids.retain(|id| seen.insert(*id));
        for id in &ids {
            if let Some(source) = self.sources.get_mut(id) {
                source.renew(*id);
                peers.push(Arc::clone(&source.shown));
            }
        }
        let sources = ids.iter().filter_map(|id| Some((*id, &self.sources.get(id)?.reports)));
        let explained = dialect::selection::explained(&sources);
        self.daemon.selection = if explained.verdicts.is_empty() {
            None
        } else {
            match self.daemon.selection.take() {
                Some(same) if *same == explained => Some(same),
                _ => Some(Arc::new(explained)),
            }
        };
        self.daemon.peers = peers.into();
    }

    /// The list of sources is known as of `dated`.
    pub(super) fn listed(&mut self, dated: Dated) {
        let list = self.daemon.peers.iter().map(|peer| (peer.id, peer.status)).collect();
        let associations = Associations { system: self.system.status(), list };
        self.daemon.associations = self.daemon.associations.renewed(associations, dated);
    }

    /// The list of sources is not to be had.
    pub(super) fn unlisted(&mut self, why: Absent) {
        self.daemon.associations = self.daemon.associations.failed(why);
    }

    /// Whether any list was ever shown.
    pub(super) fn has_list(&self) -> bool {
        self.daemon.associations.latest().is_some()
    }

    /// A source at an index of the table.
    pub(super) fn source(&mut self, index: u32, data: SourceData, dated: Dated) {
        let known = self.id_of(data.id());
        let id = known.unwrap_or_else(|| self.new_id());
        self.places.insert(index, id);
        if let Some(source) = self.sources.get_mut(&id) {
            source.reports.data = data;
            source.dated = dated;
            source.trouble = None;
        } else {
            let shown = Arc::new(Peer::new(id, PeerStatus::default()));
            let reports = Reports::new(data);
            let (details_dated, trouble) = (None, None);
            self.ids.insert(data.id(), id);
            self.sources.insert(id, Source { reports, dated, details_dated, trouble, shown });
        }
    }

    /// Nothing newer came of the source that stood at `index` when last seen.
    pub(super) fn source_failed(&mut self, index: u32, why: &Absent) {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(id) = self.daemon.peers.get(at).map(|peer| peer.id) else { return };
        if let Some(source) = self.sources.get_mut(&id) {
            source.trouble = Some(why.clone());
        }
    }

    /// Changes what is known of a source; whether there is such a source.
    pub(super) fn with(&mut self, id: SourceId, change: impl FnOnce(&mut Reports)) -> bool {
        let Some(id) = self.id_of(id) else { return false };
        if let Some(source) = self.sources.get_mut(&id) {
            change(&mut source.reports);
        }
        true
    }

    /// Changes what is known of every source.
    pub(super) fn with_all(&mut self, mut change: impl FnMut(&mut Reports)) {
        for source in self.sources.values_mut() {
            change(&mut source.reports);
        }
    }

    /// The details of a source came.
    pub(super) fn details(&mut self, address: Address, dated: Dated) {
        if let Some(source) =
            self.id_of(SourceId::Address(address)).and_then(|id| self.sources.get_mut(&id))
        {
            source.details_dated = Some(dated);
        }
    }

    /// The addresses that are asked by, with whether the source's name is known.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (Address, bool)> {
        self.sources.values().filter_map(|source| match source.reports.id() {
            SourceId::Address(address) => Some((address, source.reports.name.is_some())),
            SourceId::ReferenceClock(_) => None,
        })
    }

    /// Whether it was told how the packets of a source are authenticated, or refused.
    pub(super) fn knows_authentication(&self, address: Address) -> bool {
        let id = self.id_of(SourceId::Address(address));
        let source = id.and_then(|id| self.sources.get(&id));
        source.is_some_and(|source| source.reports.auth != Err(Absent::NotAskedYet))
    }

    fn id_of(&self, wanted: SourceId) -> Option<AssocId> {
        self.ids.get(&wanted).copied()
    }

    /// What the daemon's reports call its sources, by the names of ours.
    pub(super) fn sources(&self) -> HashMap<AssocId, SourceId> {
        self.ids.iter().map(|(name, id)| (*id, *name)).collect()
    }

    /// A name that no source of this daemon had for as long as can be.
    fn new_id(&mut self) -> AssocId {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let id = AssocId::new(self.last_id);
            if !self.sources.contains_key(&id) {
                return id;
            }
        }
    }

    /// The clock, which may show that the daemon started anew.
    pub(super) fn tracking(&mut self, told: Told<Tracking>, dated: Dated) {
        let never = |told: &Told<Tracking>| {
            told.as_ref().ok().map(|tracking| tracking.reference_time.is_never())
        };
        let is_restart = never(&self.system.tracking) == Some(false) && never(&told) == Some(true);
        if told.is_ok() || self.system.tracking.is_err() {
            self.system.tracking = told;
            self.system_dated = Some(dated);
        }
        if is_restart {
            self.restarted(dated.answered);
        }
    }

    /// What was served, which may show that the daemon started anew.
    pub(super) fn served(&mut self, told: Told<ServerStats>, now: Mono) {
        let is_restart = match (&self.system.served, &told) {
            (Ok(before), Ok(after)) => {
                after.ntp_hits < before.ntp_hits || after.command_hits < before.command_hits
            }
            _ => false,
        };
        self.system.served = told;
        if is_restart {
            self.restarted(now);
        }
    }

    /// The report that a section of counters is made from came.
    pub(super) fn counted(&mut self, section: Section, dated: Dated) {
        match self.system.section(section) {
            Ok(values) => {
                let statistics = Arc::make_mut(&mut self.daemon.statistics);
                statistics.section_mut(section).renew(values, dated);
            }
            Err(why) => self.not_counted(section, &why),
        }
    }

    /// That report did not come.
    pub(super) fn not_counted(&mut self, section: Section, why: &Absent) {
        Arc::make_mut(&mut self.daemon.statistics).section_mut(section).fail(why.clone());
    }

    /// The socket is another than before, so the daemon is.
    pub(super) fn restarted(&mut self, now: Mono) {
        if self.daemon.restarted.is_some_and(|last| now.since(last) < ONE_RESTART) {
            return;
        }
        self.daemon.restarts += 1;
        self.daemon.restarted = Some(now);
    }

    /// The other reports on the system.
    pub(super) const fn system_mut(&mut self) -> &mut System {
        &mut self.system
    }

    pub(super) const fn releases_mut(&mut self) -> &mut Releases {
        &mut self.releases
    }

    pub(super) fn clients(&mut self, clients: Vec<ClientRecord>, dated: Dated) {
        self.daemon.clients = self.daemon.clients.renewed(clients, dated);
    }

    pub(super) fn clients_failed(&mut self, why: Absent) {
        self.daemon.clients = self.daemon.clients.failed(why);
    }

    /// Times entered by hand.
    pub(super) fn manual(&mut self, entries: Result<Vec<ManualEntry>, Absent>, dated: Dated) {
        self.daemon.manual = match entries {
            Ok(entries) => self.daemon.manual.renewed(entries, dated),
            Err(why) => self.daemon.manual.failed(why),
        };
    }

    /// All of it.
    pub(super) fn snapshot(&mut self, contact: &Contact) -> Arc<Daemon> {
        self.daemon.contact = contact.clone();
        let version = self.releases.version();
        let is_known = self.system_dated.is_some() || self.has_list();
        let named = self.daemon.identity.as_ref().is_some_and(|known| *known.version == *version);
        if is_known && !named {
            let dialect = Some(Dialect::Chronyd);
            let identity = Identity { version: version.as_str().into(), dialect };
            self.daemon.identity = Some(Arc::new(identity));
        }
        if let Some(dated) = self.system_dated {
            let followed = self.daemon.peers.iter().find(|p| p.status.tally() == Tally::SystemPeer);
            let values = self.system.values(&version, followed.map(|peer| peer.id));
            self.daemon.system = match &self.system.tracking {
                Err(why) if self.daemon.system.latest().is_none() => {
                    Part::not_asked().failed(why.clone())
                }
                _ => self.daemon.system.renewed(values, dated),
            };
        }
        Arc::new(self.daemon.clone())
    }
}

impl Source {
    /// Brings what is shown of it up to what is known.
    fn renew(&mut self, id: AssocId) {
        let mut peer = Peer::new(id, self.reports.status());
        peer.row = self.shown.row.renewed(self.reports.row(), self.dated);
        if let Some(why) = &self.trouble {
            peer.row = peer.row.failed(why.clone());
        }
        let details = self.shown.detail(Detail::Scalars);
        *peer.detail_mut(Detail::Scalars) =
            details.renewed(self.reports.details(), self.details_dated.unwrap_or(self.dated));
        let none = || Part::not_asked().failed(Absent::NotInFamily);
        *peer.detail_mut(Detail::Counters) = none();
        *peer.detail_mut(Detail::Clock) = none();
        self.shown = Arc::new(peer);
    }
}

/// Several signs of one start come within this time.
const ONE_RESTART: Duration = Duration::from_secs(10);
