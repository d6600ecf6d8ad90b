//! What a daemon counts and has in store, in the sections in which it is asked and shown.
//!
//! A section is one question, so its names must fit one datagram (a test counts).

use crate::model::vars::{Variable, system};

/// What a section holds.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Counters, which only grow until somebody resets them: rates can be told of these.
    pub counters: &'static [&'static Variable],
    /// States and settings.
    pub states: &'static [&'static Variable],
    /// How long the counters have run.
    pub since: Option<&'static Variable>,
}

impl Counts {
    /// All of it, in the order in which it is asked.
    pub fn variables(&self) -> impl Iterator<Item = &'static Variable> {
        self.since.into_iter().chain(self.counters.iter().chain(self.states).copied())
    }
}

/// Packets, and what became of them.
pub const PACKETS: Counts = Counts {
    counters: &[
        &system::RECEIVED,
        &system::PROCESSED,
        &system::RATE_LIMITED,
        &system::KISSES_SENT,
        &system::RESTRICTED,
        &system::DECLINED,
        &system::BAD_AUTHENTICATION,
        &system::BAD_FORMAT,
        &system::CURRENT_VERSION,
        &system::OLD_VERSION,
        &system::VERSION_1,
        &system::CONTROL_REQUESTS,
    ],
    states: &[&system::UPTIME],
    since: Some(&system::STATISTICS_RESET),
};

/// The sockets, their buffers, and the daemon's timer.
pub const NETWORK: Counts = Counts {
    counters: &[
        &system::IO_RECEIVED,
        &system::IO_SENT,
        &system::IO_SEND_FAILED,
        &system::IO_DROPPED,
        &system::IO_IGNORED,
        &system::BUFFERS_LOW,
        &system::TIMER_OVERRUNS,
        &system::TIMER_TRANSMITS,
        &system::IO_WAKEUPS,
        &system::IO_USEFUL_WAKEUPS,
    ],
    states: &[&system::BUFFERS, &system::BUFFERS_FREE, &system::BUFFERS_USED],
    since: Some(&system::IO_RESET),
};

/// The list of clients.
pub const CLIENTS: Counts = Counts {
    counters: &[
        &system::MRU_EXISTS,
        &system::MRU_NEW,
        &system::MRU_RECYCLED_OLD,
        &system::MRU_RECYCLED_FULL,
        &system::MRU_NONE,
    ],
    states: &[
        &system::MRU_ENABLED,
        &system::MRU_DEPTH,
        &system::MRU_DEEPEST,
        &system::MRU_MAXIMUM_DEPTH,
        &system::MRU_MINIMUM_DEPTH,
        &system::MRU_MAXIMUM_AGE,
        &system::MRU_MINIMUM_AGE,
        &system::MRU_OLDEST_AGE,
        &system::MRU_MEMORY,
        &system::MRU_MAXIMUM_MEMORY,
    ],
    since: None,
};

/// Keys and how often they were used.
pub const AUTHENTICATION: Counts = Counts {
    counters: &[
        &system::AUTH_KEY_LOOKUPS,
        &system::AUTH_KEYS_NOT_FOUND,
        &system::AUTH_KEYS_EXPIRED,
        &system::AUTH_KEYS_UNCACHED,
        &system::AUTH_DIGEST_FAILS,
        &system::AUTH_CMAC_FAILS,
        &system::AUTH_ENCRYPTIONS,
        &system::AUTH_DECRYPTIONS,
    ],
    states: &[&system::AUTH_KEYS, &system::AUTH_FREE_KEYS],
    since: Some(&system::AUTH_RESET),
};

/// The kernel's clock loop.
pub const KERNEL: Counts = Counts {
    counters: &[
        &system::PPS_CALIBRATIONS,
        &system::PPS_JITTER_EXCEEDED,
        &system::PPS_STABILITY_EXCEEDED,
        &system::PPS_CALIBRATION_ERRORS,
    ],
    states: &[
        &system::KERNEL_STATUS,
        &system::KERNEL_OFFSET,
        &system::KERNEL_FREQUENCY,
        &system::KERNEL_MAXIMUM_ERROR,
        &system::KERNEL_ESTIMATED_ERROR,
        &system::KERNEL_TIME_CONSTANT,
        &system::KERNEL_PRECISION,
        &system::KERNEL_FREQUENCY_TOLERANCE,
        &system::PPS_FREQUENCY,
        &system::PPS_STABILITY,
        &system::PPS_JITTER,
        &system::PPS_CALIBRATION_INTERVAL,
    ],
    since: None,
};

/// Network time security, as far as one question reaches.
pub const TIME_SECURITY: Counts = Counts {
    counters: &[
        &system::NTS_SERVER_GOOD,
        &system::NTS_SERVER_BAD,
        &system::NTS_SERVER_SENT,
        &system::NTS_CLIENT_SENT,
        &system::NTS_CLIENT_GOOD,
        &system::NTS_CLIENT_BAD,
        &system::NTS_COOKIES_MADE,
        &system::NTS_COOKIES_BAD,
        &system::NTS_KE_SERVED,
        &system::NTS_KE_FAILED,
        &system::NTS_KE_PROBES_GOOD,
        &system::NTS_KE_PROBES_BAD,
    ],
    states: &[],
    since: None,
};

/// What a daemon with commands of its own tells of serving.
pub const SERVICE: Counts = Counts {
    counters: &[
        &system::NTP_HITS,
        &system::NTP_DROPS,
        &system::COMMAND_HITS,
        &system::COMMAND_DROPS,
        &system::LOG_DROPS,
        &system::KEY_ESTABLISHMENTS,
        &system::KEY_ESTABLISHMENT_DROPS,
        &system::AUTHENTICATED_HITS,
        &system::INTERLEAVED_HITS,
        &system::DAEMON_RECEIVE_STAMPS,
        &system::DAEMON_SEND_STAMPS,
        &system::KERNEL_RECEIVE_STAMPS,
        &system::KERNEL_SEND_STAMPS,
        &system::HARDWARE_RECEIVE_STAMPS,
        &system::HARDWARE_SEND_STAMPS,
    ],
    states: &[&system::STAMPS_HELD, &system::STAMP_SPAN],
    since: None,
};

/// How many of its sources it polls.
pub const ACTIVITY: Counts = Counts {
    counters: &[],
    states: &[
        &system::ONLINE,
        &system::OFFLINE,
        &system::BURST_ONLINE,
        &system::BURST_OFFLINE,
        &system::UNRESOLVED,
    ],
    since: None,
};

/// The real-time clock.
pub const REAL_TIME_CLOCK: Counts = Counts {
    counters: &[],
    states: &[
        &system::RTC_REFERENCE_TIME,
        &system::RTC_SAMPLES,
        &system::RTC_RUNS,
        &system::RTC_SPAN,
        &system::RTC_OFFSET,
        &system::RTC_FREQUENCY,
    ],
    since: None,
};

/// How served time is kept smooth.
pub const SMOOTHING: Counts = Counts {
    counters: &[],
    states: &[
        &system::SMOOTHING_ACTIVE,
        &system::SMOOTHING_LEAP_ONLY,
        &system::SMOOTHING_OFFSET,
        &system::SMOOTHING_FREQUENCY,
        &system::SMOOTHING_WANDER,
        &system::SMOOTHING_AGE,
        &system::SMOOTHING_REMAINING,
    ],
    since: None,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::identity::Dialect;
    use crate::model::vars;
    use crate::wire::mode6::MAX_DATA;

    #[test]
    fn each_question_fits_one_datagram() {
        for counts in [PACKETS, NETWORK, CLIENTS, AUTHENTICATION, KERNEL, TIME_SECURITY] {
            let all: Vec<_> = counts.variables().collect();
            for dialect in Dialect::ALL {
                let names = vars::names(&all, dialect).join(",");
                assert!(names.len() <= MAX_DATA, "{} of {dialect:?}: {names}", names.len());
            }
        }
    }

    #[test]
    fn no_variable_is_asked_twice() {
        let mut seen = Vec::new();
        for counts in [PACKETS, NETWORK, CLIENTS, AUTHENTICATION, KERNEL, TIME_SECURITY, SERVICE] {
            for variable in counts.variables() {
                assert!(!seen.contains(&variable.name), "{}", variable.name);
                seen.push(variable.name);
            }
        }
    }
}
