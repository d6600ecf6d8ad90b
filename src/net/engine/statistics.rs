//! What of an engine goes to statistics files.

use std::time::Duration;

use crate::clock::system::kernel::Kernel;
use crate::config::ntp_conf::records::Statistics as Kind;
use crate::config::statistics::Archive;
use crate::engine::Counters;
use crate::engine::statistics::{Record, System};
use crate::net::engine::{Driver, Notice};
use crate::net::statistics::Writer;
use crate::units::{Mono, Now};

/// The writer, and what it takes to write an hour's counts.
#[derive(Debug, Default)]
pub(super) struct Office {
    writer: Option<Writer>,
    /// What was counted when it was last written, and when that was.
    counted: Option<(Counters, Mono)>,
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
    /// Keeps these statistics from now on.
    pub(super) fn configure_statistics(&mut self, now: &Now, archive: Archive) {
        let kinds = archive.kinds();
        self.engine.keep_statistics(kinds);
        self.office.counted =
            kinds.contains(Kind::System).then(|| (*self.engine.counters(), now.mono));
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
            writer.configure(archive);
        }
    }

    /// Hands a record to the writer.
    pub(super) fn keep_record(&mut self, record: Box<Record>) {
        let now = self.now();
        let age = now.mono.since(self.engine.system().since);
        let Some(writer) = &self.office.writer else { return };
        let is_taken = writer.write(record, now.clock, age);
        let was_told = std::mem::replace(&mut self.office.is_told, !is_taken);
        if !is_taken && !was_told {
            self.tell(Notice::StatisticsLost);
        }
    }

    /// Writes an hour's counts, when it is time.
    pub(super) fn count_statistics(&mut self, now: &Now) {
        let Some((before, since)) = self.office.counted else { return };
        let span = now.mono.since(since);
        if span < BETWEEN_COUNTS {
            return;
        }
        let counted = *self.engine.counters();
        self.office.counted = Some((counted, now.mono));
        self.keep_record(Box::new(Record::System(counts(&before, &counted, span))));
    }
}

/// What was counted between two looks.
const fn counts(before: &Counters, after: &Counters, span: Duration) -> System {
    System {
        seconds: span.as_secs(),
        received: after.received - before.received,
        processed: 0,
        current_version: 0,
        old_version: 0,
        restricted: 0,
        bad_length: after.malformed - before.malformed,
        bad_auth: after.bad_auth - before.bad_auth,
        declined: after.declined - before.declined,
        limited: 0,
        kisses: 0,
    }
}

/// ntpd writes them once an hour.
const BETWEEN_COUNTS: Duration = Duration::from_secs(3600);
