//! Network time security, in NTPsec.
//!
//! Plain names count from the daemon's start; those with `_r` start anew whenever statistics are
//! written, usually each hour: the other way round than in `traffic`.

use crate::model::vars::variables;

// The letters: see the head of the table in `system.rs`. A daemon can be built without all of these.
variables! { NTS_ROWS, System, "network time security";
    NTS_CLIENT_SENT = "nts_client_send", "nts_client_sent", Unsigned, ".....aa", Raw;
        "requests sent that NTS protects";
    NTS_CLIENT_SENT_RECENT = "nts_client_send_r", "nts_client_sent_recent", Unsigned, "......a",
        Raw;
        "requests sent that NTS protects, since statistics were last written";
    NTS_CLIENT_GOOD = "nts_client_recv_good", "nts_client_good", Unsigned, ".....aa", Raw;
        "answers received whose protection was right";
    NTS_CLIENT_GOOD_RECENT = "nts_client_recv_good_r", "nts_client_good_recent", Unsigned,
        "......a", Raw;
        "answers received whose protection was right, since statistics were last written";
    NTS_CLIENT_BAD = "nts_client_recv_bad", "nts_client_bad", Unsigned, ".....aa", Raw;
        "answers received whose protection was wrong or missing";
    NTS_CLIENT_BAD_RECENT = "nts_client_recv_bad_r", "nts_client_bad_recent", Unsigned, "......a",
        Raw;
        "answers received whose protection was wrong or missing, since statistics were last \
         written";
    NTS_SERVER_SENT = "nts_server_send", "nts_server_sent", Unsigned, ".....aa", Raw;
        "answers to clients that NTS protects";
    NTS_SERVER_SENT_RECENT = "nts_server_send_r", "nts_server_sent_recent", Unsigned, "......a",
        Raw;
        "answers to clients that NTS protects, since statistics were last written";
    NTS_SERVER_GOOD = "nts_server_recv_good", "nts_server_good", Unsigned, ".....aa", Raw;
        "requests of clients whose protection was right";
    NTS_SERVER_GOOD_RECENT = "nts_server_recv_good_r", "nts_server_good_recent", Unsigned,
        "......a", Raw;
        "requests of clients whose protection was right, since statistics were last written";
    NTS_SERVER_BAD = "nts_server_recv_bad", "nts_server_bad", Unsigned, ".....aa", Raw;
        "requests of clients whose protection was wrong";
    NTS_SERVER_BAD_RECENT = "nts_server_recv_bad_r", "nts_server_bad_recent", Unsigned, "......a",
        Raw;
        "requests of clients whose protection was wrong, since statistics were last written";
    NTS_COOKIES_MADE = "nts_cookie_make", "nts_cookies_made", Unsigned, ".....aa", Raw;
        "cookies made for clients";
    NTS_COOKIES_MADE_RECENT = "nts_cookie_make_r", "nts_cookies_made_recent", Unsigned, "......a",
        Raw;
        "cookies made for clients, since statistics were last written";
    NTS_COOKIES_NOT_SERVER = "nts_cookie_not_server", "nts_cookies_not_server", Unsigned,
        "......a", Raw;
        "cookies received though it is no NTS server";
    NTS_COOKIES_NOT_SERVER_RECENT = "nts_cookie_not_server_r", "nts_cookies_not_server_recent",
        Unsigned, "......a", Raw;
        "cookies received though it is no NTS server, since statistics were last written";
    NTS_COOKIES_TOTAL = "nts_cookie_decode_total", "nts_cookies_received", Unsigned, "......a", Raw;
        "cookies received from clients";
    NTS_COOKIES_TOTAL_RECENT = "nts_cookie_decode_total_r", "nts_cookies_received_recent",
        Unsigned, "......a", Raw;
        "cookies received from clients, since statistics were last written";
    NTS_COOKIES_CURRENT_KEY = "nts_cookie_decode_current", "nts_cookies_current_key", Unsigned,
        "......a", Raw;
        "cookies made with the key in use";
    NTS_COOKIES_CURRENT_KEY_RECENT = "nts_cookie_decode_current_r",
        "nts_cookies_current_key_recent", Unsigned, "......a", Raw;
        "cookies made with the key in use, since statistics were last written";
    NTS_COOKIES_DECODED = "nts_cookie_decode", "nts_cookies_decoded", Unsigned, ".....aa", Raw;
        "cookies received; from 1.2.3 the older name of those made with the key in use";
    NTS_COOKIES_DECODED_RECENT = "nts_cookie_decode_r", "nts_cookies_decoded_recent", Unsigned,
        "......a", Raw;
        "cookies received, since statistics were last written";
    NTS_COOKIES_OLD = "nts_cookie_decode_old", "nts_cookies_old_key", Unsigned, ".....aa", Raw;
        "cookies made with the key before";
    NTS_COOKIES_OLD_RECENT = "nts_cookie_decode_old_r", "nts_cookies_old_key_recent", Unsigned,
        "......a", Raw;
        "cookies made with the key before, since statistics were last written";
    NTS_COOKIES_OLD2 = "nts_cookie_decode_old2", "nts_cookies_old2_key", Unsigned, ".....ba", Raw;
        "cookies made with the key before that";
    NTS_COOKIES_OLD2_RECENT = "nts_cookie_decode_old2_r", "nts_cookies_old2_key_recent", Unsigned,
        "......a", Raw;
        "cookies made with the key before that, since statistics were last written";
    NTS_COOKIES_OLDER = "nts_cookie_decode_older", "nts_cookies_older_key", Unsigned, ".....ba",
        Raw;
        "cookies made with a still older key";
    NTS_COOKIES_OLDER_RECENT = "nts_cookie_decode_older_r", "nts_cookies_older_key_recent",
        Unsigned, "......a", Raw;
        "cookies made with a still older key, since statistics were last written";
    NTS_COOKIES_TOO_OLD = "nts_cookie_decode_too_old", "nts_cookies_too_old", Unsigned, ".....aa",
        Raw;
        "cookies whose key is gone: their clients must start anew";
    NTS_COOKIES_TOO_OLD_RECENT = "nts_cookie_decode_too_old_r", "nts_cookies_too_old_recent",
        Unsigned, "......a", Raw;
        "cookies whose key is gone, since statistics were last written";
    NTS_COOKIES_BAD = "nts_cookie_decode_error", "nts_cookies_bad", Unsigned, ".....aa", Raw;
        "cookies that could not be read";
    NTS_COOKIES_BAD_RECENT = "nts_cookie_decode_error_r", "nts_cookies_bad_recent", Unsigned,
        "......a", Raw;
        "cookies that could not be read, since statistics were last written";
    NTS_KE_SERVED = "nts_ke_serves_good", "nts_ke_served", Unsigned, ".....aa", Raw;
        "key exchanges that clients completed";
    NTS_KE_SERVED_RECENT = "nts_ke_serves_good_r", "nts_ke_served_recent", Unsigned, "......a", Raw;
        "key exchanges that clients completed, since statistics were last written";
    NTS_KE_SERVED_WALL = "nts_ke_serves_good_wall", "nts_ke_served_elapsed", Seconds, "......a",
        Raw;
        "time that completed key exchanges took";
    NTS_KE_SERVED_WALL_RECENT = "nts_ke_serves_good_wall_r", "nts_ke_served_elapsed_recent",
        Seconds, "......a", Raw;
        "time that completed key exchanges took, since statistics were last written";
    NTS_KE_SERVED_CPU = "nts_ke_serves_good_cpu", "nts_ke_served_cpu", Seconds, "......a", Raw;
        "processor time that completed key exchanges took";
    NTS_KE_SERVED_CPU_RECENT = "nts_ke_serves_good_cpu_r", "nts_ke_served_cpu_recent", Seconds,
        "......a", Raw;
        "processor time that completed key exchanges took, since statistics were last written";
    NTS_KE_NO_TLS = "nts_ke_serves_nossl", "nts_ke_no_tls", Unsigned, "......a", Raw;
        "connections for a key exchange that never got as far as TLS";
    NTS_KE_NO_TLS_RECENT = "nts_ke_serves_nossl_r", "nts_ke_no_tls_recent", Unsigned, "......a",
        Raw;
        "connections for a key exchange that never got as far as TLS, since statistics were \
         last written";
    NTS_KE_NO_TLS_WALL = "nts_ke_serves_nossl_wall", "nts_ke_no_tls_elapsed", Seconds, "......a",
        Raw;
        "time that connections without TLS took";
    NTS_KE_NO_TLS_WALL_RECENT = "nts_ke_serves_nossl_wall_r", "nts_ke_no_tls_elapsed_recent",
        Seconds, "......a", Raw;
        "time that connections without TLS took, since statistics were last written";
    NTS_KE_NO_TLS_CPU = "nts_ke_serves_nossl_cpu", "nts_ke_no_tls_cpu", Seconds, "......a", Raw;
        "processor time that connections without TLS took";
    NTS_KE_NO_TLS_CPU_RECENT = "nts_ke_serves_nossl_cpu_r", "nts_ke_no_tls_cpu_recent", Seconds,
        "......a", Raw;
        "processor time that connections without TLS took, since statistics were last written";
    NTS_KE_FAILED = "nts_ke_serves_bad", "nts_ke_failed", Unsigned, ".....aa", Raw;
        "key exchanges that clients did not complete";
    NTS_KE_FAILED_RECENT = "nts_ke_serves_bad_r", "nts_ke_failed_recent", Unsigned, "......a", Raw;
        "key exchanges that clients did not complete, since statistics were last written";
    NTS_KE_FAILED_WALL = "nts_ke_serves_bad_wall", "nts_ke_failed_elapsed", Seconds, "......a", Raw;
        "time that failed key exchanges took";
    NTS_KE_FAILED_WALL_RECENT = "nts_ke_serves_bad_wall_r", "nts_ke_failed_elapsed_recent",
        Seconds, "......a", Raw;
        "time that failed key exchanges took, since statistics were last written";
    NTS_KE_FAILED_CPU = "nts_ke_serves_bad_cpu", "nts_ke_failed_cpu", Seconds, "......a", Raw;
        "processor time that failed key exchanges took";
    NTS_KE_FAILED_CPU_RECENT = "nts_ke_serves_bad_cpu_r", "nts_ke_failed_cpu_recent", Seconds,
        "......a", Raw;
        "processor time that failed key exchanges took, since statistics were last written";
    NTS_KE_PROBES_GOOD = "nts_ke_probes_good", "nts_ke_probes_good", Unsigned, ".....aa", Raw;
        "key exchanges of its own that a server completed";
    NTS_KE_PROBES_GOOD_RECENT = "nts_ke_probes_good_r", "nts_ke_probes_good_recent", Unsigned,
        "......a", Raw;
        "key exchanges of its own that a server completed, since statistics were last written";
    NTS_KE_PROBES_BAD = "nts_ke_probes_bad", "nts_ke_probes_bad", Unsigned, ".....aa", Raw;
        "key exchanges of its own that failed";
    NTS_KE_PROBES_BAD_RECENT = "nts_ke_probes_bad_r", "nts_ke_probes_bad_recent", Unsigned,
        "......a", Raw;
        "key exchanges of its own that failed, since statistics were last written";
}
