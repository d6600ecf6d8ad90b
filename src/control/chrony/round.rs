//! One round of questions: what is wanted, what may be asked, what came of it.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use super::access::{Access, May, why};
use super::dialect::clients;
use super::dialect::source::Reports;
use super::picture::Picture;
use crate::model::clients::ClientRecord;
use crate::model::statistics::Section;
use crate::model::{Absent, Dated};
use crate::wire::cmdmon::{
    Address, Body, ClientAccesses, ClientRange, Command, Reply, Report, SelectData, SourceId,
    SourceStats, Status,
};

/// What a question is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    Count,
    Tracking,
    Null,
    Activity,
    Served,
    Smoothing,
    Rtc,
    Manual,
    Data(u32),
    Stats(u32),
    Select(u32),
    Ntp(Address),
    Auth(Address),
    Name(Address),
    /// A stretch of the table of clients, from one index up to another.
    Clients {
        first: u32,
        end: u32,
    },
}

impl Purpose {
    pub(super) const fn body(self) -> Body {
        match self {
            Self::Count => Body::SourceCount,
            Self::Tracking => Body::Tracking,
            Self::Null => Body::Null,
            Self::Activity => Body::Activity,
            Self::Served => Body::ServerStats,
            Self::Smoothing => Body::Smoothing,
            Self::Rtc => Body::Rtc,
            Self::Manual => Body::ManualList,
            Self::Data(index) => Body::SourceData(index),
            Self::Stats(index) => Body::SourceStats(index),
            Self::Select(index) => Body::SelectData(index),
            Self::Ntp(address) => Body::NtpData(address),
            Self::Auth(address) => Body::AuthData(address),
            Self::Name(address) => Body::SourceName(address),
            Self::Clients { first, .. } => Body::ClientAccesses(ClientRange::from_index(first)),
        }
    }

    pub(super) fn command(self) -> Command {
        self.body().command()
    }
}

/// One round of questions.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says something else of the round")]
pub(super) struct Round {
    asked: HashSet<Purpose>,
    /// Sources as far as is known: as before, then as told now.
    count: u32,
    counted: Option<Dated>,
    /// Sources that are asked for before those at the indices below have answered.
    reach: u32,
    is_visible: bool,
    is_slow: bool,
    with_clients: bool,
    /// Sources of this round whose data are not there yet.
    missing: HashSet<u32>,
    /// Reports that came before the data of their source.
    early: Vec<(SourceId, Early)>,
    walk: BTreeMap<IpAddr, ClientRecord>,
    walk_dated: Option<Dated>,
    /// Parts of the table of clients that came.
    walked: u32,
    /// Stretches of the table of clients that are still to be asked.
    stretches: Vec<Purpose>,
    refused: [bool; 2],
    /// Whether there may be more to ask than there was.
    is_open: bool,
}

impl Round {
    pub(super) fn new(count: u32, is_visible: bool, is_slow: bool, with_clients: bool) -> Self {
        Self {
            asked: HashSet::new(),
            count,
            counted: None,
            reach: count.saturating_add(AT_FIRST),
            is_visible,
            is_slow,
            with_clients,
            missing: HashSet::new(),
            early: Vec::new(),
            walk: BTreeMap::new(),
            walk_dated: None,
            walked: 0,
            stretches: if with_clients { vec![FIRST_CLIENTS] } else { Vec::new() },
            refused: [false; 2],
            is_open: true,
        }
    }

    /// Sources that there are.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// When that was told.
    pub(super) const fn counted(&self) -> Option<Dated> {
        self.counted
    }

    /// Whether clients are among what it asks.
    pub(super) const fn is_with_clients(&self) -> bool {
        self.with_clients
    }

    /// Somebody wants clients too.
    pub(super) fn want_clients(&mut self) {
        if !std::mem::replace(&mut self.with_clients, true) {
            self.stretches.push(FIRST_CLIENTS);
            self.is_open = true;
        }
    }

    /// Whether what changes seldom is among what it asks.
    pub(super) const fn is_slow(&self) -> bool {
        self.is_slow
    }

    /// Whether the data of every source have come.
    pub(super) fn knows_sources(&self) -> bool {
        self.counted.is_some() && self.missing.is_empty()
    }

    /// Whether neither the clock nor the count of sources is told.
    pub(super) const fn is_refused(&self) -> bool {
        let [count, tracking] = self.refused;
        count && tracking
    }

    /// The clients, if they were asked for and told.
    pub(super) fn clients(&self) -> Option<(Vec<ClientRecord>, Dated)> {
        let dated = self.walk_dated.filter(|_| self.with_clients)?;
        Some((self.walk.values().cloned().collect(), dated))
    }

    /// What to ask now that was not asked in this round: the most telling first. While nobody has
    /// answered yet that is only whether anybody is there.
    pub(super) fn wanted(
        &mut self,
        is_talking: bool,
        access: &mut Access,
        picture: &Picture,
    ) -> Vec<Purpose> {
        let mut wanted = Vec::new();
        if !std::mem::take(&mut self.is_open) {
            return wanted;
        }
        for purpose in self.candidates(is_talking, access, picture) {
            if self.asked.contains(&purpose) {
                continue;
            }
            match access.may(purpose.command()) {
                May::Nothing => continue,
                May::One => access.tried(purpose.command()),
                May::All => {}
            }
            self.asked.insert(purpose);
            wanted.push(purpose);
        }
        self.missing.extend(wanted.iter().filter_map(|purpose| match purpose {
            Purpose::Data(index) => Some(*index),
            _ => None,
        }));
        wanted
    }

    /// All that the round is about, as far as is known by now.
    fn candidates(&mut self, is_talking: bool, access: &Access, picture: &Picture) -> Vec<Purpose> {
        let mut all = vec![Purpose::Count, Purpose::Tracking];
        if !is_talking {
            return all;
        }
        if self.missing.is_empty() && self.asked.contains(&Purpose::Data(self.reach - 1)) {
            self.reach = self.reach.saturating_mul(2);
        }
        let indices = 0..self.count.min(self.reach);
        all.extend(indices.clone().map(Purpose::Data));
        if !self.is_visible {
            return all;
        }
        all.extend(indices.clone().map(Purpose::Stats));
        all.extend(indices.map(Purpose::Select));
        if self.is_slow {
            all.extend(SLOW);
            // Whether these are told can be seen before there is an address to ask by.
            let nobody = Address::Unspecified;
            let unknown = [Purpose::Ntp(nobody), Purpose::Auth(nobody)];
            all.extend(unknown.iter().filter(|p| access.may(p.command()) == May::One));
        }
        for (address, is_named) in picture.addresses() {
            if !matches!(address, Address::Unresolved(_)) {
                all.push(Purpose::Ntp(address));
                if self.is_slow || !picture.knows_authentication(address) {
                    all.push(Purpose::Auth(address));
                }
            }
            if !is_named {
                all.push(Purpose::Name(address));
            }
        }
        all.append(&mut self.stretches);
        all
    }

    /// More can be asked than before: somebody answers, or a command is heeded after all.
    pub(super) const fn open(&mut self) {
        self.is_open = true;
    }

    /// Takes in what came.
    pub(super) fn take(
        &mut self,
        picture: &mut Picture,
        purpose: Purpose,
        reply: Reply,
        dated: Dated,
    ) {
        if reply.status != Status::Success {
            return self.declined(picture, purpose, reply.status, dated);
        }
        match (purpose, reply.report) {
            (Purpose::Count, Report::SourceCount(count)) => {
                self.count = count.min(MOST_SOURCES);
                self.counted = Some(dated);
                self.is_open = true;
                self.missing.retain(|index| *index < count);
            }
            (Purpose::Tracking, Report::Tracking(tracking)) => {
                picture.tracking(Ok(tracking), dated);
            }
            (Purpose::Data(index), Report::SourceData(data)) => {
                self.missing.remove(&index);
                picture.source(index, data, dated);
                for (_, early) in self.early.extract_if(.., |(id, _)| *id == data.id()) {
                    picture.with(data.id(), |source| early.tell(source));
                }
                // Looking through all of it for every answer would cost too much of many.
                self.is_open |= self.missing.len().is_multiple_of(16);
            }
            (Purpose::Stats(_), Report::SourceStats(stats)) => {
                self.take_early(picture, stats.id(), Early::Stats(stats));
            }
            (Purpose::Select(_), Report::SelectData(select)) => {
                self.take_early(picture, select.id(), Early::Select(select));
            }
            (Purpose::Ntp(address), Report::NtpData(ntp)) if ntp.remote == address => {
                picture.with(SourceId::Address(address), |source| source.ntp = Ok(*ntp));
                picture.details(address, dated);
            }
            (Purpose::Auth(address), Report::AuthData(auth)) => {
                picture.with(SourceId::Address(address), |source| source.auth = Ok(auth));
                picture.details(address, dated);
            }
            (Purpose::Name(address), Report::SourceName(name)) => {
                let name = name.text().unwrap_or_default().into();
                picture.with(SourceId::Address(address), |source| source.name = Some(name));
            }
            (Purpose::Clients { first, end }, Report::ClientAccesses(accesses)) => {
                self.walk_on(first, end, &accesses, dated);
            }
            (Purpose::Manual, Report::ManualList(list)) => {
                picture.manual(Ok(clients::manual(&list)), dated);
            }
            (Purpose::Served, Report::ServerStats(stats)) => {
                picture.served(Ok(stats), dated.answered);
                picture.counted(Section::Service, dated);
            }
            (Purpose::Activity, Report::Activity(activity)) => {
                picture.system_mut().activity = Ok(activity);
                picture.counted(Section::Activity, dated);
            }
            (Purpose::Smoothing, Report::Smoothing(smoothing)) => {
                picture.system_mut().smoothing = Ok(smoothing);
                picture.counted(Section::Smoothing, dated);
            }
            (Purpose::Rtc, Report::Rtc(rtc)) => {
                picture.system_mut().rtc = Ok(rtc);
                picture.counted(Section::RealTimeClock, dated);
            }
            (Purpose::Null, _) => {}
            // A layout of a version to come, or the report of another source.
            (purpose, _) => self.failed(picture, purpose, &Absent::NotGiven),
        }
    }

    /// A report that is by index, like the data of its source, which may come after it.
    fn take_early(&mut self, picture: &mut Picture, id: SourceId, report: Early) {
        if !picture.with(id, |source| report.tell(source)) {
            self.early.push((id, report));
        }
    }

    /// A reply without a report.
    fn declined(&mut self, picture: &mut Picture, purpose: Purpose, status: Status, dated: Dated) {
        if let (Purpose::Data(index), Status::NoSuchSource) = (purpose, status) {
            // There are fewer by now.
            self.count = self.count.min(index);
            self.missing.retain(|missing| *missing < index);
            self.is_open = true;
            return;
        }
        let why = why(purpose.command(), status);
        match purpose {
            // One of them shows what holds for all.
            Purpose::Select(_) if status != Status::NoSuchSource => {
                picture.with_all(|source| source.select = Err(why.clone()));
            }
            Purpose::Ntp(address) if is_general(address, status) => {
                picture.with_all(|source| source.ntp = Err(why.clone()));
            }
            Purpose::Auth(address) if is_general(address, status) => {
                picture.with_all(|source| source.auth = Err(why.clone()));
            }
            Purpose::Ntp(Address::Unspecified) | Purpose::Auth(Address::Unspecified) => {}
            Purpose::Manual => picture.manual(Err(why), dated),
            purpose => self.failed(picture, purpose, &why),
        }
    }

    /// Nothing came that can be read.
    pub(super) fn failed(&mut self, picture: &mut Picture, purpose: Purpose, why: &Absent) {
        let of = SourceId::Address;
        match purpose {
            Purpose::Data(index) => {
                self.missing.remove(&index);
                self.is_open = true;
                picture.source_failed(index, why);
            }
            // What was known stays; of whom it was is not known.
            Purpose::Count
            | Purpose::Tracking
            | Purpose::Stats(_)
            | Purpose::Select(_)
            | Purpose::Null
            | Purpose::Manual
            | Purpose::Name(_) => {}
            Purpose::Ntp(address) => {
                picture.with(of(address), |source| fail(&mut source.ntp, why));
            }
            Purpose::Auth(address) => {
                picture.with(of(address), |source| fail(&mut source.auth, why));
            }
            Purpose::Activity => {
                fail(&mut picture.system_mut().activity, why);
                picture.not_counted(Section::Activity, why);
            }
            Purpose::Served => {
                fail(&mut picture.system_mut().served, why);
                picture.not_counted(Section::Service, why);
            }
            Purpose::Smoothing => {
                picture.system_mut().smoothing = Err(why.clone());
                picture.not_counted(Section::Smoothing, why);
            }
            Purpose::Rtc => {
                picture.system_mut().rtc = Err(why.clone());
                picture.not_counted(Section::RealTimeClock, why);
            }
            Purpose::Clients { .. } => picture.clients_failed(why.clone()),
        }
    }

    /// The clock, or the count of sources, is refused.
    pub(super) fn refused(
        &mut self,
        picture: &mut Picture,
        purpose: Purpose,
        why: Absent,
        dated: Dated,
    ) {
        let [count, tracking] = &mut self.refused;
        if purpose == Purpose::Tracking {
            *tracking = true;
            picture.tracking(Err(why), dated);
        } else {
            *count = true;
            self.count = 0;
            picture.unlisted(why);
        }
    }

    /// Part of the table of clients came. The first part shows how long the table is: the rest is
    /// asked in stretches side by side, for one by one a long table would take a minute.
    fn walk_on(&mut self, first: u32, end: u32, accesses: &ClientAccesses, dated: Dated) {
        self.walk_dated = Some(dated);
        self.is_open = true;
        let clients = accesses.clients.iter().filter_map(clients::client);
        self.walk.extend(clients.map(|client| (client.address, client)));
        self.walked += 1;
        if self.walk.len() >= MOST_CLIENTS || self.walked >= MOST_PARTS {
            return;
        }
        let Some(next) = accesses.goes_on_at(first).filter(|next| *next < end) else { return };
        if end < u32::MAX {
            return self.stretches.push(Purpose::Clients { first: next, end });
        }
        let size = accesses.table_size.min(MOST_SLOTS);
        let stretch = (size.saturating_sub(next) / STRETCHES).max(LEAST_STRETCH);
        let mut first = next;
        while first < size {
            let end = first.saturating_add(stretch).min(size);
            self.stretches.push(Purpose::Clients { first, end });
            first = end;
        }
    }
}

/// A report that may come before the data of its source.
#[derive(Clone, Debug)]
enum Early {
    Stats(SourceStats),
    Select(SelectData),
}

impl Early {
    fn tell(&self, source: &mut Reports) {
        match self {
            Self::Stats(stats) => source.stats = Ok(*stats),
            Self::Select(select) => source.select = Ok(*select),
        }
    }
}

/// What changes seldom.
const SLOW: [Purpose; 6] = [
    Purpose::Activity,
    Purpose::Served,
    Purpose::Null,
    Purpose::Smoothing,
    Purpose::Rtc,
    Purpose::Manual,
];

/// Whether a refusal holds for the command and not only for this source.
fn is_general(address: Address, status: Status) -> bool {
    matches!(status, Status::Unauthorised | Status::Invalid)
        || (address != Address::Unspecified && status != Status::NoSuchSource)
}

/// Keeps what is known over a failure; in place of another reason its own counts.
fn fail<T>(told: &mut Result<T, Absent>, why: &Absent) {
    if told.is_err() {
        *told = Err(why.clone());
    }
}

/// The most sources that are asked for; a count beyond is a lie. Few daemons have more than twenty.
const MOST_SOURCES: u32 = 1024;

/// How many more sources than there were are asked for at first: a count that is a lie shows from
/// the answers.
const AT_FIRST: u32 = 128;

/// The beginning of the table of clients.
const FIRST_CLIENTS: Purpose = Purpose::Clients { first: 0, end: u32::MAX };

/// The most clients that are kept, and the most slots that are looked at.
const MOST_CLIENTS: usize = 65_536;
const MOST_SLOTS: u32 = 1 << 20;

/// The most parts that are asked for. Every part is full but the last of a stretch, so more would
/// be of a table that leads in a circle.
const MOST_PARTS: u32 = 65_536 / 8 + STRETCHES;

/// Stretches of the table of clients that are asked side by side, and the shortest.
const STRETCHES: u32 = 64;
const LEAST_STRETCH: u32 = 32;
