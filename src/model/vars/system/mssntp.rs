//! Signed time for members of a Windows domain, in NTPsec where it was built for that.
//!
//! Plain names count from the daemon's start; those with `_r` start anew whenever statistics are
//! written.

use crate::model::vars::variables;

// The letters: see the head of the table in `system.rs`.
variables! { MSSNTP_ROWS, System, "domain members";
    MSSNTP_SERVED = "mssntp_serves", "mssntp_requests", Unsigned, "......b", Raw;
        "requests of domain members that were processed";
    MSSNTP_SERVED_RECENT = "mssntp_serves_r", "mssntp_requests_recent", Unsigned, "......b", Raw;
        "requests of domain members that were processed, since statistics were last written";
    MSSNTP_REFUSED = "mssntp_serves_no", "mssntp_refused", Unsigned, "......b", Raw;
        "requests that samba refused to sign";
    MSSNTP_REFUSED_RECENT = "mssntp_serves_no_r", "mssntp_refused_recent", Unsigned, "......b", Raw;
        "requests that samba refused to sign, since statistics were last written";
    MSSNTP_ERRORS = "mssntp_serves_err", "mssntp_errors", Unsigned, "......b", Raw;
        "requests for which samba could not be reached";
    MSSNTP_ERRORS_RECENT = "mssntp_serves_err_r", "mssntp_errors_recent", Unsigned, "......b", Raw;
        "requests for which samba could not be reached, since statistics were last written";
    MSSNTP_GOOD = "mssntp_serves_good", "mssntp_good", Unsigned, "......b", Raw;
        "requests that samba signed";
    MSSNTP_GOOD_RECENT = "mssntp_serves_good_r", "mssntp_good_recent", Unsigned, "......b", Raw;
        "requests that samba signed, since statistics were last written";
    MSSNTP_GOOD_WALL = "mssntp_serves_good_wall", "mssntp_good_elapsed", Seconds, "......b", Raw;
        "time that signed requests took";
    MSSNTP_GOOD_WALL_RECENT = "mssntp_serves_good_wall_r", "mssntp_good_elapsed_recent", Seconds,
        "......b", Raw;
        "time that signed requests took, since statistics were last written";
    MSSNTP_GOOD_SLOWEST = "mssntp_serves_good_slowest", "mssntp_good_slowest", Seconds, "......b",
        Raw;
        "longest time that a signed request took";
    MSSNTP_GOOD_SLOWEST_RECENT = "mssntp_serves_good_slowest_r", "mssntp_good_slowest_recent",
        Seconds, "......b", Raw;
        "longest time that a signed request took, since statistics were last written";
    MSSNTP_BAD = "mssntp_serves_bad", "mssntp_bad", Unsigned, "......b", Raw;
        "requests that were not signed";
    MSSNTP_BAD_RECENT = "mssntp_serves_bad_r", "mssntp_bad_recent", Unsigned, "......b", Raw;
        "requests that were not signed, since statistics were last written";
    MSSNTP_BAD_WALL = "mssntp_serves_bad_wall", "mssntp_bad_elapsed", Seconds, "......b", Raw;
        "time that requests took that were not signed";
    MSSNTP_BAD_WALL_RECENT = "mssntp_serves_bad_wall_r", "mssntp_bad_elapsed_recent", Seconds,
        "......b", Raw;
        "time that requests took that were not signed, since statistics were last written";
    MSSNTP_BAD_SLOWEST = "mssntp_serves_bad_slowest", "mssntp_bad_slowest", Seconds, "......b", Raw;
        "longest time that a request took that was not signed";
    MSSNTP_BAD_SLOWEST_RECENT = "mssntp_serves_bad_slowest_r", "mssntp_bad_slowest_recent",
        Seconds, "......b", Raw;
        "longest time that a request took that was not signed, since statistics were last written";
}
