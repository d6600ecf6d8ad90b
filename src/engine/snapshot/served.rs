//! What a server has counted, and its monitor list, as variables.

use crate::engine::Engine;
use crate::engine::mru::MonitorList;
use crate::engine::server::Server;
use crate::model::values::{Value, Values};
use crate::model::vars::{Variable, system};
use crate::units::{Now, NtpDuration};

/// The variables of `server`, which answers beside `engine`.
///
/// Counters of both are put together: what came to a socket of the engine's own is counted by the
/// engine alone, and what the server hands to the engine by both.
pub fn of_server(server: &Server, engine: &Engine, now: &Now) -> Values {
    let (counters, own) = (server.counters(), engine.counters());
    let received = (counters.received + own.received).saturating_sub(counters.handed_on);
    let [client_1, unspecified_1, symmetric_1] = counters.version_1;
    let mut values = Values::default();
    for (variable, since_start, count) in [
        (&system::RECEIVED, &system::RECEIVED_TOTAL, received),
        (&system::CURRENT_VERSION, &system::CURRENT_VERSION_TOTAL, counters.current_version),
        (&system::OLD_VERSION, &system::OLD_VERSION_TOTAL, counters.old_version),
        (&system::VERSION_1, &system::VERSION_1_TOTAL, client_1 + unspecified_1 + symmetric_1),
        (&system::VERSION_1_CLIENT, &system::VERSION_1_CLIENT_TOTAL, client_1),
        (&system::VERSION_1_ZERO, &system::VERSION_1_ZERO_TOTAL, unspecified_1),
        (&system::VERSION_1_SYMMETRIC, &system::VERSION_1_SYMMETRIC_TOTAL, symmetric_1),
        (&system::BAD_FORMAT, &system::BAD_FORMAT_TOTAL, counters.bad_length + own.malformed),
        (
            &system::BAD_AUTHENTICATION,
            &system::BAD_AUTHENTICATION_TOTAL,
            counters.bad_auth + own.bad_auth,
        ),
        (&system::DECLINED, &system::DECLINED_TOTAL, counters.declined + own.declined),
        (&system::RESTRICTED, &system::RESTRICTED_TOTAL, counters.restricted),
        (&system::RATE_LIMITED, &system::RATE_LIMITED_TOTAL, counters.limited),
        (&system::KISSES_SENT, &system::KISSES_SENT_TOTAL, counters.kisses),
        (&system::PROCESSED, &system::PROCESSED_TOTAL, counters.processed + own.processed),
    ] {
        values.insert(variable, Ok(Value::Unsigned(count)));
        values.insert(since_start, Ok(Value::Unsigned(count)));
    }
    values.merge(of_monitor(&server.monitor, now));
    let [all, limited] = server.monitored().map(u64::from);
    values.insert(&system::MRU_ENABLED, Ok(Value::Unsigned(all | limited << 1)));
    values
}

/// The variables of a monitor list.
fn of_monitor(list: &MonitorList, now: &Now) -> Values {
    let limits = list.limits();
    let count = |number: usize| Value::Unsigned(number as u64);
    let kibibytes = |records: usize| count(MonitorList::bytes_of(records).div_ceil(1024));
    let seconds = |number: u32| Value::Duration(NtpDuration::from_seconds(f64::from(number)));
    let oldest = list.oldest().map_or(0, |record| now.mono.since(record.seen).as_secs());
    let counters = list.counters();
    let rows: [(&'static Variable, Value); 15] = [
        (&system::MRU_HASH_SLOTS, count(list.len())),
        (&system::MRU_DEPTH, count(list.len())),
        (&system::MRU_DEEPEST, count(counters.peak)),
        (&system::MRU_MINIMUM_DEPTH, count(limits.least)),
        (&system::MRU_MAXIMUM_DEPTH, count(limits.most)),
        (&system::MRU_MAXIMUM_AGE, seconds(limits.most_age_s)),
        (&system::MRU_MINIMUM_AGE, seconds(limits.sure_age_s)),
        (&system::MRU_MEMORY, kibibytes(list.len())),
        (&system::MRU_MAXIMUM_MEMORY, kibibytes(limits.most)),
        (&system::MRU_NEW, Value::Unsigned(counters.added)),
        (&system::MRU_RECYCLED_OLD, Value::Unsigned(counters.replaced_old)),
        (&system::MRU_RECYCLED_FULL, Value::Unsigned(counters.replaced_full)),
        (&system::MRU_NONE, Value::Unsigned(counters.unrecorded)),
        (&system::MRU_EXISTS, Value::Unsigned(counters.renewed)),
        (&system::MRU_OLDEST_AGE, Value::Duration(std::time::Duration::from_secs(oldest).into())),
    ];
    Values::typed(rows)
}
