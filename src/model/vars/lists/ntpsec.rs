//! The detail commands of NTPsec's ntpq (1.2.2, and one of 1.2.5's). A variable that the daemon does not know is
//! printed as `?`.

use crate::model::vars::lists::listings;

listings! {
    /// What the daemon follows and how well.
    SYSINFO = "sysinfo", true, 18: {
        "system peer:" => system::PEER_ADDRESS, Socket;
        "system peer mode:" => system::PEER_MODE, Mode;
        "leap indicator:" => system::LEAP, Leap;
        "stratum:" => system::STRATUM, Number;
        "log2 precision:" => system::PRECISION, Number;
        "root delay:" => system::ROOT_DELAY, Number;
        "root dispersion:" => system::ROOT_DISPERSION, Number;
        "root distance" => system::ROOT_DISTANCE, Number;
        "reference ID:" => system::REFERENCE_ID, Text;
        "reference time:" => system::REFERENCE_TIME, Timestamp;
        "system jitter:" => system::SYSTEM_JITTER, Number;
        "clock jitter:" => system::CLOCK_JITTER, Number;
        "clock wander:" => system::CLOCK_WANDER, Number;
        "symm. auth. delay:" => system::AUTH_DELAY, Number;
    }

    /// Packets the daemon has counted.
    SYSSTATS = "sysstats", false, 22: {
        "uptime:" => system::UPTIME, Uptime;
        "control requests:" => system::CONTROL_REQUESTS, Number;
        "sysstats reset:" => system::STATISTICS_RESET, Uptime;
        "packets received:" => system::RECEIVED, Packets;
        "current version:" => system::CURRENT_VERSION, Packets;
        "older version:" => system::OLD_VERSION, Packets;
        "NTPv1 total:" => system::VERSION_1, Packets;
        "NTPv1 clients:" => system::VERSION_1_CLIENT, Packets;
        "NTPv1 mode0:" => system::VERSION_1_ZERO, Packets;
        "NTPv1 symm act:" => system::VERSION_1_SYMMETRIC, Packets;
        "bad length or format:" => system::BAD_FORMAT, Packets;
        "authentication failed:" => system::BAD_AUTHENTICATION, Packets;
        "declined:" => system::DECLINED, Packets;
        "restricted:" => system::RESTRICTED, Packets;
        "rate limited:" => system::RATE_LIMITED, Packets;
        "KoD responses:" => system::KISSES_SENT, Packets;
        "processed for time:" => system::PROCESSED, Packets;
    }

    /// The kernel's clock loop.
    KERNINFO = "kerninfo", true, 21: {
        "pll offset:" => system::KERNEL_OFFSET, Number;
        "pll frequency:" => system::KERNEL_FREQUENCY, Number;
        "maximum error:" => system::KERNEL_MAXIMUM_ERROR, Number;
        "estimated error:" => system::KERNEL_ESTIMATED_ERROR, Number;
        "kernel status:" => system::KERNEL_STATUS, Text;
        "pll time constant:" => system::KERNEL_TIME_CONSTANT, Number;
        "precision:" => system::KERNEL_PRECISION, Number;
        "frequency tolerance:" => system::KERNEL_FREQUENCY_TOLERANCE, Number;
        "pps frequency:" => system::PPS_FREQUENCY, Number;
        "pps stability:" => system::PPS_STABILITY, Number;
        "pps jitter:" => system::PPS_JITTER, Number;
        "calibration interval" => system::PPS_CALIBRATION_INTERVAL, Number;
        "calibration cycles:" => system::PPS_CALIBRATIONS, Number;
        "jitter exceeded:" => system::PPS_JITTER_EXCEEDED, Number;
        "stability exceeded:" => system::PPS_STABILITY_EXCEEDED, Number;
        "calibration errors:" => system::PPS_CALIBRATION_ERRORS, Number;
    }

    /// Sockets and buffers.
    IOSTATS = "iostats", false, 22: {
        "time since reset:" => system::IO_RESET, Uptime;
        "receive buffers:" => system::BUFFERS, Number;
        "free receive buffers:" => system::BUFFERS_FREE, Number;
        "used receive buffers:" => system::BUFFERS_USED, Number;
        "low water refills:" => system::BUFFERS_LOW, Number;
        "dropped packets:" => system::IO_DROPPED, Packets;
        "ignored packets:" => system::IO_IGNORED, Packets;
        "received packets:" => system::IO_RECEIVED, Packets;
        "packets sent:" => system::IO_SENT, Packets;
        "packet send failures:" => system::IO_SEND_FAILED, Packets;
        "input wakeups:" => system::IO_WAKEUPS, Number;
        "useful input wakeups:" => system::IO_USEFUL_WAKEUPS, Number;
    }

    /// The daemon's timer.
    TIMERSTATS = "timerstats", false, 19: {
        "time since reset:" => system::TIMER_RESET, Uptime;
        "timer overruns:" => system::TIMER_OVERRUNS, Number;
        "calls to transmit:" => system::TIMER_TRANSMITS, Number;
    }

    /// Keys and how often they were used.
    AUTHINFO = "authinfo", false, 21: {
        "time since reset:" => system::AUTH_RESET, Uptime;
        "stored keys:" => system::AUTH_KEYS, Number;
        "free keys:" => system::AUTH_FREE_KEYS, Number;
        "key lookups:" => system::AUTH_KEY_LOOKUPS, Number;
        "keys not found:" => system::AUTH_KEYS_NOT_FOUND, Number;
        "encryptions:" => system::AUTH_ENCRYPTIONS, Packets;
        "digest encryptions:" => system::AUTH_DIGEST_ENCRYPTIONS, Packets;
        "CMAC encryptions:" => system::AUTH_CMAC_ENCRYPTIONS, Packets;
        "decryptions:" => system::AUTH_DECRYPTIONS, Packets;
        "digest decryptions:" => system::AUTH_DIGEST_DECRYPTIONS, Packets;
        "digest failures:" => system::AUTH_DIGEST_FAILS, Packets;
        "CMAC decryptions:" => system::AUTH_CMAC_DECRYPTIONS, Packets;
        "CMAC failures:" => system::AUTH_CMAC_FAILS, Packets;
        "uncached keys:" => system::AUTH_KEYS_UNCACHED, Number;
        "expired keys:" => system::AUTH_KEYS_EXPIRED, Number;
    }

    /// The monitor list.
    MONSTATS = "monstats", false, 22: {
        "enabled:" => system::MRU_ENABLED, Number;
        "hash slots in use:" => system::MRU_HASH_SLOTS, Number;
        "addresses in use:" => system::MRU_DEPTH, Number;
        "peak addresses:" => system::MRU_DEEPEST, Number;
        "maximum addresses:" => system::MRU_MAXIMUM_DEPTH, Number;
        "reclaim above count:" => system::MRU_MINIMUM_DEPTH, Number;
        "reclaim maxage:" => system::MRU_MAXIMUM_AGE, Uptime;
        "reclaim minage:" => system::MRU_MINIMUM_AGE, Uptime;
        "kilobytes:" => system::MRU_MEMORY, Number;
        "maximum kilobytes:" => system::MRU_MAXIMUM_MEMORY, Number;
        "alloc: exists:" => system::MRU_EXISTS, Number;
        "alloc: new:" => system::MRU_NEW, Number;
        "alloc: recycle old:" => system::MRU_RECYCLED_OLD, Number;
        "alloc: recycle full:" => system::MRU_RECYCLED_FULL, Number;
        "alloc: none:" => system::MRU_NONE, Number;
        "age of oldest slot:" => system::MRU_OLDEST_AGE, Uptime;
    }

    /// What one association has counted.
    PSTATS = "pstats", true, 22: {
        "remote host:" => peer::SOURCE, Socket;
        "local address:" => peer::DESTINATION, Socket;
        "time last received:" => peer::TIME_RECEIVED, Uptime;
        "time until next send:" => peer::NEXT_POLL, Uptime;
        "reachability change:" => peer::TIME_REACHABLE, Number;
        "packets sent:" => peer::SENT, Number;
        "packets received:" => peer::RECEIVED, Number;
        "bad authentication:" => peer::BAD_AUTHENTICATION, Number;
        "bogus origin:" => peer::BOGUS_ORIGIN, Number;
        "duplicate:" => peer::DUPLICATE, Number;
        "bad dispersion:" => peer::HEADERS_REJECTED, Number;
        "bad reference time:" => peer::KISSES_RECEIVED, Number;
        "candidate order:" => peer::CANDIDATE, Number;
        "count of nts cookies:" => peer::NTS_COOKIES, Number;
    }

    /// Network time security.
    NTSINFO = "ntsinfo", false, 27: {
        "NTS client sends:" => system::NTS_CLIENT_SENT, Number;
        "NTS client recvs good:" => system::NTS_CLIENT_GOOD, Number;
        "NTS client recvs w error:" => system::NTS_CLIENT_BAD, Number;
        "NTS server recvs good:" => system::NTS_SERVER_GOOD, Number;
        "NTS server recvs w error:" => system::NTS_SERVER_BAD, Number;
        "NTS server sends:" => system::NTS_SERVER_SENT, Number;
        "NTS make cookies:" => system::NTS_COOKIES_MADE, Number;
        "NTS decode cookies:" => system::NTS_COOKIES_DECODED, Number;
        "NTS decode cookies old:" => system::NTS_COOKIES_OLD, Number;
        "NTS decode cookies old2:" => system::NTS_COOKIES_OLD2, Number;
        "NTS decode cookies older:" => system::NTS_COOKIES_OLDER, Number;
        "NTS decode cookies too old:" => system::NTS_COOKIES_TOO_OLD, Number;
        "NTS decode cookies error:" => system::NTS_COOKIES_BAD, Number;
        "NTS KE client probes good:" => system::NTS_KE_PROBES_GOOD, Number;
        "NTS KE client probes bad:" => system::NTS_KE_PROBES_BAD, Number;
        "NTS KE serves good:" => system::NTS_KE_SERVED, Number;
        "NTS KE serves bad:" => system::NTS_KE_FAILED, Number;
    }

    /// Signed time for members of a domain.
    MSSNTPINFO = "mssntpinfo", false, 31: {
        "MSSNTP requests processed:" => system::MSSNTP_SERVED, Number;
        "MSSNTP rejected by samba:" => system::MSSNTP_REFUSED, Number;
        "MSSNTP errors talking to samba:" => system::MSSNTP_ERRORS, Number;
        "MSSNTP requests good:" => system::MSSNTP_GOOD, Number;
        "MSSNTP requests good wall:" => system::MSSNTP_GOOD_WALL, Number;
        "MSSNTP requests good slowest:" => system::MSSNTP_GOOD_SLOWEST, Number;
        "MSSNTP requests bad:" => system::MSSNTP_BAD, Number;
        "MSSNTP requests bad wall:" => system::MSSNTP_BAD_WALL, Number;
        "MSSNTP requests bad slowest:" => system::MSSNTP_BAD_SLOWEST, Number;
    }
}
