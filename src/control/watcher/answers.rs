//! What a watcher learns from an answer, and when it will ask again.

use std::time::Duration;

use crate::control::conversation::Phase;
use crate::control::pipeline::Answer;
use crate::control::watcher::agenda::Purpose;
use crate::control::watcher::picture::ListNews;
use crate::control::watcher::{Asked, Quirks, Watcher, cadence};
use crate::model::daemon::Detail;
use crate::model::statistics::Section;
use crate::model::{Absent, Failure, Reply};
use crate::units::{AssocId, Mono, Now};
use crate::wire::mode6::ErrorCode;

impl Watcher {
    /// Takes in how a question ended.
    pub(super) fn take_answer(&mut self, now: Now, answer: Answer) {
        let Some(asked) = self.asked.remove(&answer.ticket) else { return };
        self.agenda.item(asked.purpose).ticket = None;
        self.changed = true;
        match answer.result {
            Ok(reply) => {
                let round_trip = reply.dated.answered.since(reply.dated.asked);
                let resume = self.pipeline.is_limited().then(|| self.pipeline.free_at());
                self.conversation.answered(now.mono, round_trip, resume);
                let item = self.agenda.item(asked.purpose);
                item.known = true;
                item.failures = 0;
                self.learn(now, &asked, &reply);
            }
            Err(failure @ (Failure::Refused(_) | Failure::TooLong)) => {
                self.take_refusal(now, &asked, failure);
            }
            // It was never sent: nothing shows from it but that, and only a key changes it.
            Err(Failure::NoKey) => {
                self.agenda.item(asked.purpose).leave(now.mono);
                self.statistics_failed(asked.purpose, Absent::Failed(Failure::NoKey));
            }
            Err(failure) => self.take_failure(now, &asked, failure),
        }
    }

    fn learn(&mut self, now: Now, asked: &Asked, reply: &Reply) {
        match asked.purpose {
            Purpose::List => {
                let news = self.picture.list(reply);
                self.follow_list(now, &news);
                self.plan(Purpose::List, asked.at, cadence::list_period(self.circumstances()));
            }
            Purpose::Version => self.identify(now.mono, reply),
            Purpose::System => {
                self.identify(now.mono, reply);
                if self.picture.system(reply) {
                    self.start_over(now.mono);
                }
                let period = cadence::system_period(self.circumstances());
                self.plan(Purpose::System, asked.at, period);
            }
            Purpose::Row(id) => {
                let is_new = self.picture.row(id, &asked.names, reply);
                self.plan_row(now.mono, id);
                if is_new && self.interest.details == Some(id) {
                    self.want_details(now.mono, id);
                }
            }
            Purpose::Detail(id, which) => {
                self.picture.detail(id, which, &asked.names, reply);
            }
            Purpose::Counted(section) => {
                self.picture.counted(section, &asked.names, reply);
                self.plan_statistics(asked);
            }
            Purpose::Interfaces => {
                self.picture.interfaces(reply);
                self.plan_statistics(asked);
            }
            Purpose::Restrictions => {
                self.picture.restrictions(reply);
                self.plan_statistics(asked);
            }
        }
    }

    fn plan_statistics(&mut self, asked: &Asked) {
        // Rates come with the second answer, and that soon.
        let is_soon = match asked.purpose {
            Purpose::Counted(Section::Packets) => true,
            Purpose::Counted(section) => !self.picture.has_rates(section),
            _ => false,
        };
        let period = cadence::statistics_period(self.circumstances(), is_soon);
        self.plan(asked.purpose, asked.at, period);
    }

    /// Takes in that statistics are not there, and why.
    fn statistics_failed(&mut self, purpose: Purpose, why: Absent) {
        match purpose {
            Purpose::Counted(section) => self.picture.counted_failed(section, why),
            Purpose::Interfaces => self.picture.interfaces_failed(why),
            Purpose::Restrictions => self.picture.restrictions_failed(why),
            _ => {}
        }
    }

    /// Goes after what a list of associations shows to have changed.
    fn follow_list(&mut self, now: Now, news: &ListNews) {
        for id in &news.removed {
            for ticket in self.agenda.remove_association(*id) {
                self.withdraw(now, ticket);
            }
        }
        if news.restarted {
            self.start_over(now.mono);
        }
        if news.system || news.restarted {
            self.agenda.want(now.mono, Purpose::System);
        }
        for id in &news.changed {
            self.agenda.want(now.mono, Purpose::Row(*id));
        }
        if let Some(id) = self.interest.details.filter(|id| news.changed.contains(id)) {
            self.want_details(now.mono, id);
        }
    }

    /// Asks a daemon that started anew who it is, and for every row.
    fn start_over(&mut self, now: Mono) {
        self.quirks = Quirks::default();
        self.pipeline.forget_daemon();
        self.agenda.want(now, Purpose::Version);
        self.want_rows(now);
        if self.interest.statistics {
            for purpose in Purpose::STATISTICS {
                self.agenda.want(now, purpose);
            }
        }
    }

    fn want_rows(&mut self, now: Mono) {
        let rows: Vec<_> = self.picture.peers().map(|peer| peer.id).collect();
        for id in rows {
            self.agenda.want(now, Purpose::Row(id));
        }
    }

    /// Takes in who answers.
    fn identify(&mut self, now: Mono, reply: &Reply) {
        if !self.picture.identify(reply) {
            return;
        }
        self.quirks = Quirks::default();
        let Some(dialect) = self.picture.dialect() else { return };
        self.pipeline.set_dialect(dialect);
        // What was read as another dialect's may have been read wrongly.
        self.want_rows(now);
        if self.picture.system_dated().is_some() {
            self.agenda.want(now, Purpose::System);
        }
    }

    /// Takes in that the daemon is there, but this is not to be had of it.
    fn take_refusal(&mut self, now: Now, asked: &Asked, failure: Failure) {
        let item = self.agenda.item(asked.purpose);
        item.known = true;
        item.failures += 1;
        item.due = Some(now.mono + cadence::failure_gap(item.failures));
        let refused = |code| failure == Failure::Refused(code);
        if refused(ErrorCode::UnknownVariable) && self.ask_by_default(asked) {
            self.agenda.item(asked.purpose).due = Some(now.mono);
            return;
        }
        match asked.purpose {
            Purpose::List => {
                self.picture.list_failed(failure.clone());
                if self.conversation.refused(now.mono, failure) {
                    self.plan_probe(now.mono);
                }
            }
            // Its own choice of variables may tell who it is.
            Purpose::Version => self.agenda.item(Purpose::Version).due = None,
            Purpose::System => self.picture.system_failed(failure),
            // It has gone since it was listed.
            Purpose::Row(_) | Purpose::Detail(_, Detail::Scalars | Detail::Counters)
                if refused(ErrorCode::UnknownAssociation) =>
            {
                self.want_list(now.mono);
            }
            Purpose::Row(id) => self.picture.row_failed(id, failure),
            Purpose::Detail(id, which) => {
                self.agenda.item(asked.purpose).due = None;
                self.picture.detail_failed(id, which, Absent::Failed(failure));
            }
            // A daemon can be built without some of what its family counts.
            Purpose::Counted(_) if refused(ErrorCode::UnknownVariable) => {
                self.agenda.item(asked.purpose).leave(now.mono);
                self.statistics_failed(asked.purpose, Absent::NotInFamily);
            }
            Purpose::Counted(_) | Purpose::Interfaces | Purpose::Restrictions => {
                self.statistics_failed(asked.purpose, Absent::Failed(failure));
            }
        }
    }

    /// Turns to the daemon's own choice of variables where it does not know a name; whether that
    /// can help.
    fn ask_by_default(&mut self, asked: &Asked) -> bool {
        let quirk = match asked.purpose {
            Purpose::Row(_) => &mut self.quirks.rows_by_default,
            Purpose::Detail(_, Detail::Scalars) => &mut self.quirks.scalars_by_default,
            Purpose::Detail(_, Detail::Counters) => &mut self.quirks.counters_by_default,
            _ => return false,
        };
        *quirk |= !asked.names.is_empty();
        !asked.names.is_empty()
    }

    fn take_failure(&mut self, now: Now, asked: &Asked, failure: Failure) {
        let unreachable = matches!(failure, Failure::Unreachable(_));
        let phase = self.conversation.phase();
        let item = self.agenda.item(asked.purpose);
        let due = asked.at + cadence::failure_gap(item.failures);
        item.due = Some(due.max(now.mono));
        item.failures += 1;
        match asked.purpose {
            Purpose::List => self.picture.list_failed(failure),
            Purpose::Version => {}
            Purpose::System => self.picture.system_failed(failure),
            Purpose::Row(id) => self.picture.row_failed(id, failure),
            Purpose::Detail(id, which) => {
                self.picture.detail_failed(id, which, Absent::Failed(failure));
            }
            Purpose::Counted(_) | Purpose::Interfaces | Purpose::Restrictions => {
                self.statistics_failed(asked.purpose, Absent::Failed(failure));
            }
        }
        if unreachable {
            if asked.purpose == Purpose::List {
                self.conversation.count_failure();
            }
            self.withdraw_all(now);
            self.plan_probe(now.mono);
            return;
        }
        let tells = asked.purpose == Purpose::List || phase == Phase::Talking;
        if tells && !self.pipeline.is_limited() && self.conversation.unanswered(asked.at) {
            self.withdraw_all(now);
            self.plan_probe(now.mono);
        }
    }

    /// The list is to be asked soon, though not twice in a second.
    fn want_list(&mut self, now: Mono) {
        let list = self.agenda.item(Purpose::List);
        let soonest = list.asked.map_or(now, |asked| asked + Duration::from_secs(1));
        list.due = list.due.map(|due| due.min(soonest.max(now)));
    }

    fn plan(&mut self, purpose: Purpose, asked: Mono, period: Duration) {
        let item = self.agenda.item(purpose);
        // It may have become due again in the meantime.
        let due = asked + period;
        item.due = Some(item.due.map_or(due, |earlier| earlier.min(due)));
        item.period = period;
    }

    fn plan_row(&mut self, now: Mono, id: AssocId) {
        let on_screen = self.agenda.is_on_screen(id);
        let Some(peer) = self.picture.peer(id) else { return };
        let Some(row) = peer.row.latest() else { return };
        let age = self.picture.daemon().age(peer, now);
        let all = self.picture.peers().count();
        let alike = if on_screen { self.agenda.on_screen().unwrap_or(all).min(all) } else { all };
        let least = ROW_GAP * u32::try_from(alike).unwrap_or(u32::MAX);
        let period = cadence::row_period(row, age, on_screen).max(least);
        self.plan(Purpose::Row(id), now, period);
    }
}

/// From one row to the next on average, however many there are and however quickly they change.
const ROW_GAP: Duration = Duration::from_millis(125);
