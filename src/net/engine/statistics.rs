//! What of an engine goes to statistics files.

use std::time::Duration;

use crate::clock::system::kernel::Kernel;
use crate::config::ntp_conf::Directive;
use crate::config::ntp_conf::records::Statistics as Kind;
use crate::config::statistics::Archive;
use crate::engine::statistics::{Record, System};
use crate::net::engine::{Driver, Notice};
use crate::net::statistics::Writer;
use crate::units::{Mono, Now};

/// The writer, and what it takes to write an hour's counts.
#[derive(Debug, Default)]
pub(super) struct Office {
    writer: Option<Writer>,
    archive: Archive,
    /// What was counted when it was last written, and when that was.
    counted: Option<(System, Mono)>,
    /// Whether the writer is to be told of the archive when it has room for that again.
    is_changed: bool,
    /// Whether it was told that the disk is too slow.
    is_told: bool,
}

impl Office {
    /// When an hour's counts are due; `None` when nobody wants them.
    pub(super) fn next_count(&self) -> Option<Mono> {
        self.counted.map(|(_, at)| at + BETWEEN_COUNTS)
    }
}

impl<K: Kernel> Driver<K> {
    /// Follows a directive about statistics; whether it is one.
    pub(super) fn follow_statistics(&mut self, directive: &Directive) -> bool {
        let mut archive = self.office.archive.clone();
        let is_one = archive.apply(directive);
        if is_one {
            let now = self.now();
            self.configure_statistics(&now, archive);
        }
        is_one
    }

    /// Keeps these statistics from now on.
    pub(super) fn configure_statistics(&mut self, now: &Now, archive: Archive) {
        self.office.archive = archive.clone();
        let kinds = archive.kinds();
        self.engine.keep_statistics(kinds);
        let counted = kinds.contains(Kind::System).then(|| (self.counted(now), now.mono));
        // Reading the configuration anew does not put the hour off.
        self.office.counted = self.office.counted.filter(|_| counted.is_some()).or(counted);
        let wants_nothing = archive.written().is_none();
        if self.office.writer.is_none() {
            if wants_nothing {
                return;
            }
            let notices = self.notices.clone();
            let started = Writer::start(move |unwritten| {
                // Nobody has fetched the ones before: this one is lost, as `Running` says.
                drop(notices.try_send(Notice::Statistics(unwritten)));
            });
            match started {
                Ok(writer) => self.office.writer = Some(writer),
                Err(source) => self.tell(Notice::NoStatistics(source)),
            }
        }
        if let Some(writer) = &self.office.writer {
            self.office.is_changed = !writer.configure(archive);
        }
    }

    /// Hands a record to the writer.
    pub(super) fn keep_record(&mut self, record: Box<Record>) {
        let now = self.now();
        let age = now.mono.since(self.engine.system().since);
        let Some(writer) = &self.office.writer else { return };
        // What comes before the change that was asked for is not written where it was before that.
        let is_changed = self.office.is_changed && !writer.configure(self.office.archive.clone());
        let is_taken = !is_changed && writer.write(record, now.clock, age);
        self.office.is_changed = is_changed;
        let was_told = std::mem::replace(&mut self.office.is_told, !is_taken);
        if !is_taken && !was_told {
            self.tell(Notice::StatisticsLost);
        }
    }

    /// Writes an hour's counts, when it is time.
    pub(super) fn count_statistics(&mut self, now: &Now) {
        let Some((before, since)) = self.office.counted else { return };
        if now.mono.since(since) < BETWEEN_COUNTS {
            return;
        }
        let counted = self.counted(now);
        self.office.counted = Some((counted, now.mono));
        self.keep_record(Box::new(Record::System(counted.since(&before))));
    }

    fn counted(&self, now: &Now) -> System {
        System::counted(&self.serving.server, &self.engine, now)
    }
}

/// ntpd writes them once an hour.
const BETWEEN_COUNTS: Duration = Duration::from_secs(3600);
