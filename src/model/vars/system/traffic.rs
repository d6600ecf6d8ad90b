//! Packets that the daemon has counted.
//!
//! In classic ntpd the counters run from [`STATISTICS_RESET`]. In NTPsec from 1.2.1 they come in
//! pairs, and the plain name is the shorter one: it starts anew whenever statistics are written,
//! usually each hour, while its twin with `_r` counts from the daemon's start.

use crate::model::vars::variables;

// The letters: see the head of the table in `system.rs`.
variables! { TRAFFIC_ROWS, System, "packets";
    UPTIME = "ss_uptime", "uptime", Seconds, "..aaaaa", Raw;
        "how long the daemon has run";
    STATISTICS_RESET = "ss_reset", "since_statistics_reset", Seconds, "..aaaaa", Raw;
        "how long the packet counters have run";
    STATISTICS_RESET_TOTAL = "ss_reset_r", "since_total_reset", Seconds, ".....ba", Raw;
        "how long the total packet counters have run";
    CONTROL_REQUESTS = "ss_numctlreq", "control_requests", Unsigned, "....aaa", Raw;
        "control requests that were received, ours among them";
    RECEIVED = "ss_received", "packets_received", Unsigned, "..aaaaa", Raw;
        "packets of any kind that were received";
    RECEIVED_TOTAL = "ss_received_r", "packets_received_total", Unsigned, ".....ba", Raw;
        "packets of any kind that were received since the start";
    CURRENT_VERSION = "ss_thisver", "current_version", Unsigned, "..aaaaa", Raw;
        "packets of NTP version 4";
    CURRENT_VERSION_TOTAL = "ss_thisver_r", "current_version_total", Unsigned, ".....ba", Raw;
        "packets of NTP version 4 since the start";
    OLD_VERSION = "ss_oldver", "old_version", Unsigned, "..aaaaa", Raw;
        "packets of older versions of NTP";
    OLD_VERSION_TOTAL = "ss_oldver_r", "old_version_total", Unsigned, ".....ba", Raw;
        "packets of older versions of NTP since the start";
    VERSION_1 = "ss_ver1", "version_1", Unsigned, ".....ba", Raw;
        "packets of NTP version 1";
    VERSION_1_TOTAL = "ss_ver1_r", "version_1_total", Unsigned, ".....ba", Raw;
        "packets of NTP version 1 since the start";
    VERSION_1_CLIENT = "ss_ver1client", "version_1_clients", Unsigned, ".....ba", Raw;
        "client packets of NTP version 1";
    VERSION_1_CLIENT_TOTAL = "ss_ver1client_r", "version_1_clients_total", Unsigned, ".....ba", Raw;
        "client packets of NTP version 1 since the start";
    VERSION_1_ZERO = "ss_ver1zero", "version_1_mode_0", Unsigned, ".....ba", Raw;
        "packets of NTP version 1 without a mode";
    VERSION_1_ZERO_TOTAL = "ss_ver1zero_r", "version_1_mode_0_total", Unsigned, ".....ba", Raw;
        "packets of NTP version 1 without a mode since the start";
    VERSION_1_SYMMETRIC = "ss_ver1symm", "version_1_symmetric", Unsigned, ".....ba", Raw;
        "symmetric packets of NTP version 1";
    VERSION_1_SYMMETRIC_TOTAL = "ss_ver1symm_r", "version_1_symmetric_total", Unsigned, ".....ba",
        Raw;
        "symmetric packets of NTP version 1 since the start";
    BAD_FORMAT = "ss_badformat", "bad_format", Unsigned, "..aaaaa", Raw;
        "packets whose length or format was wrong";
    BAD_FORMAT_TOTAL = "ss_badformat_r", "bad_format_total", Unsigned, ".....ba", Raw;
        "packets whose length or format was wrong since the start";
    BAD_AUTHENTICATION = "ss_badauth", "bad_authentication", Unsigned, "..aaaaa", Raw;
        "packets whose authentication failed";
    BAD_AUTHENTICATION_TOTAL = "ss_badauth_r", "bad_authentication_total", Unsigned, ".....ba", Raw;
        "packets whose authentication failed since the start";
    DECLINED = "ss_declined", "declined", Unsigned, "..aaaaa", Raw;
        "packets that were allowed but of no use, such as offers of an unwanted association";
    DECLINED_TOTAL = "ss_declined_r", "declined_total", Unsigned, ".....ba", Raw;
        "packets that were allowed but of no use since the start";
    RESTRICTED = "ss_restricted", "restricted", Unsigned, "..aaaaa", Raw;
        "packets that the restrict list turned away";
    RESTRICTED_TOTAL = "ss_restricted_r", "restricted_total", Unsigned, ".....ba", Raw;
        "packets that the restrict list turned away since the start";
    RATE_LIMITED = "ss_limited", "rate_limited", Unsigned, "..aaaaa", Raw;
        "packets dropped because their sender sends too often";
    RATE_LIMITED_TOTAL = "ss_limited_r", "rate_limited_total", Unsigned, ".....ba", Raw;
        "packets dropped because their sender sends too often since the start";
    KISSES_SENT = "ss_kodsent", "kiss_of_death_sent", Unsigned, "..aaaaa", Raw;
        "kiss-of-death packets sent to clients that ask too often";
    KISSES_SENT_TOTAL = "ss_kodsent_r", "kiss_of_death_sent_total", Unsigned, ".....ba", Raw;
        "kiss-of-death packets sent since the start";
    PROCESSED = "ss_processed", "processed", Unsigned, "..aaaaa", Raw;
        "packets from sources that were used for the time; NTPsec counts all it let in";
    PROCESSED_TOTAL = "ss_processed_r", "processed_total", Unsigned, ".....ba", Raw;
        "packets that were let in since the start";
    LAMPORT = "ss_lamport", "lamport_violations", Unsigned, "..bb...", Raw;
        "packets that seem to arrive before they were sent: the clocks do not agree";
    TIMESTAMP_ROUNDING = "ss_tsrounding", "timestamp_rounding_errors", Unsigned, "..bb...", Raw;
        "timestamps that rounding had put before an earlier one";
}
