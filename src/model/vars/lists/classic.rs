//! The detail commands of classic ntpq. A line is printed only when the reply has its variable.

use crate::model::vars::lists::listings;

listings! {
    /// What the daemon follows and how well.
    SYSINFO = "sysinfo", true, 18: {
        "system peer:" => system::PEER_ADDRESS, Socket;
        "system peer mode:" => system::PEER_MODE, Mode;
        "leap indicator:" => system::LEAP, Leap;
        "stratum:" => system::STRATUM, Text;
        "log2 precision:" => system::PRECISION, Text;
        "root delay:" => system::ROOT_DELAY, Text;
        "root dispersion:" => system::ROOT_DISPERSION, Text;
        "reference ID:" => system::REFERENCE_ID, Text;
        "reference time:" => system::REFERENCE_TIME, Timestamp;
        "system jitter:" => system::SYSTEM_JITTER, Text;
        "clock jitter:" => system::CLOCK_JITTER, Text;
        "clock wander:" => system::CLOCK_WANDER, Text;
        "broadcast delay:" => system::BROADCAST_DELAY, Text;
        "symm. auth. delay:" => system::AUTH_DELAY, Text;
    }

    /// Packets the daemon has counted.
    SYSSTATS = "sysstats", false, 22: {
        "uptime:" => system::UPTIME, Text;
        "sysstats reset:" => system::STATISTICS_RESET, Text;
        "packets received:" => system::RECEIVED, Text;
        "current version:" => system::CURRENT_VERSION, Text;
        "older version:" => system::OLD_VERSION, Text;
        "bad length or format:" => system::BAD_FORMAT, Text;
        "authentication failed:" => system::BAD_AUTHENTICATION, Text;
        "declined:" => system::DECLINED, Text;
        "restricted:" => system::RESTRICTED, Text;
        "rate limited:" => system::RATE_LIMITED, Text;
        "KoD responses:" => system::KISSES_SENT, Text;
        "processed for time:" => system::PROCESSED, Text;
    }

    /// The kernel's clock loop.
    KERNINFO = "kerninfo", true, 21: {
        "pll offset:" => system::KERNEL_OFFSET, Text;
        "pll frequency:" => system::KERNEL_FREQUENCY, Text;
        "maximum error:" => system::KERNEL_MAXIMUM_ERROR, Text;
        "estimated error:" => system::KERNEL_ESTIMATED_ERROR, Text;
        "kernel status:" => system::KERNEL_STATUS, Text;
        "pll time constant:" => system::KERNEL_TIME_CONSTANT, Text;
        "precision:" => system::KERNEL_PRECISION, Text;
        "frequency tolerance:" => system::KERNEL_FREQUENCY_TOLERANCE, Text;
        "pps frequency:" => system::PPS_FREQUENCY, Text;
        "pps stability:" => system::PPS_STABILITY, Text;
        "pps jitter:" => system::PPS_JITTER, Text;
        "calibration interval" => system::PPS_CALIBRATION_INTERVAL, Text;
        "calibration cycles:" => system::PPS_CALIBRATIONS, Text;
        "jitter exceeded:" => system::PPS_JITTER_EXCEEDED, Text;
        "stability exceeded:" => system::PPS_STABILITY_EXCEEDED, Text;
        "calibration errors:" => system::PPS_CALIBRATION_ERRORS, Text;
    }

    /// Sockets and buffers.
    IOSTATS = "iostats", false, 22: {
        "time since reset:" => system::IO_RESET, Text;
        "receive buffers:" => system::BUFFERS, Text;
        "free receive buffers:" => system::BUFFERS_FREE, Text;
        "used receive buffers:" => system::BUFFERS_USED, Text;
        "low water refills:" => system::BUFFERS_LOW, Text;
        "dropped packets:" => system::IO_DROPPED, Text;
        "ignored packets:" => system::IO_IGNORED, Text;
        "received packets:" => system::IO_RECEIVED, Text;
        "packets sent:" => system::IO_SENT, Text;
        "packet send failures:" => system::IO_SEND_FAILED, Text;
        "input wakeups:" => system::IO_WAKEUPS, Text;
        "useful input wakeups:" => system::IO_USEFUL_WAKEUPS, Text;
    }

    /// The daemon's timer.
    TIMERSTATS = "timerstats", false, 19: {
        "time since reset:" => system::TIMER_RESET, Text;
        "timer overruns:" => system::TIMER_OVERRUNS, Text;
        "calls to transmit:" => system::TIMER_TRANSMITS, Text;
    }

    /// Keys and how often they were used.
    AUTHINFO = "authinfo", false, 17: {
        "time since reset:" => system::AUTH_RESET, Text;
        "stored keys:" => system::AUTH_KEYS, Text;
        "free keys:" => system::AUTH_FREE_KEYS, Text;
        "key lookups:" => system::AUTH_KEY_LOOKUPS, Text;
        "keys not found:" => system::AUTH_KEYS_NOT_FOUND, Text;
        "uncached keys:" => system::AUTH_KEYS_UNCACHED, Text;
        "expired keys:" => system::AUTH_KEYS_EXPIRED, Text;
        "encryptions:" => system::AUTH_ENCRYPTIONS, Text;
        "decryptions:" => system::AUTH_DECRYPTIONS, Text;
    }

    /// The monitor list.
    MONSTATS = "monstats", false, 20: {
        "enabled:" => system::MRU_ENABLED, Text;
        "addresses:" => system::MRU_DEPTH, Text;
        "peak addresses:" => system::MRU_DEEPEST, Text;
        "maximum addresses:" => system::MRU_MAXIMUM_DEPTH, Text;
        "reclaim above count:" => system::MRU_MINIMUM_DEPTH, Text;
        "reclaim older than:" => system::MRU_MAXIMUM_AGE, Text;
        "kilobytes:" => system::MRU_MEMORY, Text;
        "maximum kilobytes:" => system::MRU_MAXIMUM_MEMORY, Text;
    }

    /// What one association has counted.
    PSTATS = "pstats", true, 21: {
        "remote host:" => peer::SOURCE, Host;
        "local address:" => peer::DESTINATION, Host;
        "time last received:" => peer::TIME_RECEIVED, Text;
        "time until next send:" => peer::NEXT_POLL, Text;
        "reachability change:" => peer::TIME_REACHABLE, Text;
        "packets sent:" => peer::SENT, Text;
        "packets received:" => peer::RECEIVED, Text;
        "bad authentication:" => peer::BAD_AUTHENTICATION, Text;
        "bogus origin:" => peer::BOGUS_ORIGIN, Text;
        "duplicate:" => peer::DUPLICATE, Text;
        "bad dispersion:" => peer::HEADERS_REJECTED, Text;
        "bad reference time:" => peer::KISSES_RECEIVED, Text;
        "candidate order:" => peer::CANDIDATE, Text;
    }
}
