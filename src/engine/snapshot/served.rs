//! What a server has counted, and its monitor list, as variables.

use crate::engine::Engine;
use crate::engine::mru::MonitorList;
use crate::engine::server::Server;
use crate::engine::statistics::System;
use crate::model::values::{Value, Values};
use crate::model::vars::{Variable, system};
use crate::units::{Now, NtpDuration};

/// The variables of `server`, which answers beside `engine`.
///
/// Counters of both are put together, each as it is since they were reset and since the start.
pub fn of_server(server: &Server, engine: &Engine, now: &Now) -> Values {
    let total = System::counted(server, engine, now);
    let recent = total.since(&server.before);
    let mut values = Values::default();
    for Count(variable, since_start, count) in COUNTS {
        values.insert(variable, Ok(Value::Unsigned(count(&recent))));
        values.insert(since_start, Ok(Value::Unsigned(count(&total))));
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

/// A count since it was reset, the same since the start, and where it is found.
struct Count(&'static Variable, &'static Variable, fn(&System) -> u64);

/// What is counted.
const COUNTS: [Count; 14] = [
    Count(&system::RECEIVED, &system::RECEIVED_TOTAL, |counted| counted.received),
    Count(&system::CURRENT_VERSION, &system::CURRENT_VERSION_TOTAL, |counted| {
        counted.current_version
    }),
    Count(&system::OLD_VERSION, &system::OLD_VERSION_TOTAL, |counted| counted.old_version),
    Count(&system::VERSION_1, &system::VERSION_1_TOTAL, |counted| counted.version_1.iter().sum()),
    Count(&system::VERSION_1_CLIENT, &system::VERSION_1_CLIENT_TOTAL, |counted| {
        counted.version_1[0]
    }),
    Count(&system::VERSION_1_ZERO, &system::VERSION_1_ZERO_TOTAL, |counted| counted.version_1[1]),
    Count(&system::VERSION_1_SYMMETRIC, &system::VERSION_1_SYMMETRIC_TOTAL, |counted| {
        counted.version_1[2]
    }),
    Count(&system::BAD_FORMAT, &system::BAD_FORMAT_TOTAL, |counted| counted.bad_length),
    Count(&system::BAD_AUTHENTICATION, &system::BAD_AUTHENTICATION_TOTAL, |counted| {
        counted.bad_auth
    }),
    Count(&system::DECLINED, &system::DECLINED_TOTAL, |counted| counted.declined),
    Count(&system::RESTRICTED, &system::RESTRICTED_TOTAL, |counted| counted.restricted),
    Count(&system::RATE_LIMITED, &system::RATE_LIMITED_TOTAL, |counted| counted.limited),
    Count(&system::KISSES_SENT, &system::KISSES_SENT_TOTAL, |counted| counted.kisses),
    Count(&system::PROCESSED, &system::PROCESSED_TOTAL, |counted| counted.processed),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::server::Arrived;
    use crate::engine::settings::Settings;
    use crate::units::NtpTimestamp;
    use crate::wire::packet::Header;

    #[test]
    fn what_was_counted_since_the_start_outlives_a_reset() {
        let now = Now::default();
        let engine = Engine::new(Settings::default(), [1; 32], &now);
        let mut server = Server::new([2; 32]);
        let request = Header::request(NtpTimestamp::from_bits(7)).emit();
        let ask = |server: &mut Server| {
            let from = ([192, 0, 2, 7], 123).into();
            let (at, mono) = (now.clock, now.mono);
            server.answer(
                &engine.served(&now),
                &Arrived { from, to: None, at, mono, datagram: &request },
            );
        };
        ask(&mut server);
        ask(&mut server);
        server.reset_counters(&engine, &now);
        ask(&mut server);
        let values = of_server(&server, &engine, &now);
        for (variable, expected) in [
            (&system::RECEIVED, 1),
            (&system::RECEIVED_TOTAL, 3),
            (&system::PROCESSED, 1),
            (&system::PROCESSED_TOTAL, 3),
        ] {
            assert_eq!(values.get(variable), Ok(&Value::Unsigned(expected)));
        }
    }
}
