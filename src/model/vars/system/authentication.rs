//! Symmetric keys: how many, and how often they were used.

use crate::model::vars::variables;

// The letters: see the head of the table in `system.rs`.
variables! { AUTHENTICATION_ROWS, System, "authentication";
    AUTH_DELAY = "authdelay", "authentication_delay", Milliseconds, "..aaaaa", Raw / Milliseconds;
        "time it takes to sign a packet";
    AUTH_RESET = "authreset", "since_authentication_reset", Seconds, "..aaaaa", Raw;
        "how long the counters of authentication have run";
    AUTH_KEYS = "authkeys", "keys", Unsigned, "..aaaaa", Raw;
        "keys in store";
    AUTH_FREE_KEYS = "authfreek", "key_places_free", Unsigned, "..aaaaa", Raw;
        "places set aside for more keys";
    AUTH_KEY_LOOKUPS = "authklookups", "key_lookups", Unsigned, "..aaaaa", Raw;
        "times that a key was looked up";
    AUTH_KEYS_NOT_FOUND = "authknotfound", "keys_not_found", Unsigned, "..aaaaa", Raw;
        "times that a key was looked up and is not there or not trusted";
    AUTH_KEYS_UNCACHED = "authkuncached", "keys_uncached", Unsigned, "..aa...", Raw;
        "times that another key was needed than the one before";
    AUTH_KEYS_EXPIRED = "authkexpired", "keys_expired", Unsigned, "..aa...", Raw;
        "keys whose lifetime has passed";
    AUTH_ENCRYPTIONS = "authencrypts", "signatures_made", Unsigned, "..aaaaa", Raw;
        "packets that were signed";
    AUTH_DIGEST_ENCRYPTIONS = "authdigestencrypts", "signatures_made_digest", Unsigned, "....baa",
        Raw;
        "packets that were signed with a digest";
    AUTH_CMAC_ENCRYPTIONS = "authcmacencrypts", "signatures_made_cmac", Unsigned, "....baa", Raw;
        "packets that were signed with a CMAC";
    AUTH_DECRYPTIONS = "authdecrypts", "signatures_checked", Unsigned, "..aaaaa", Raw;
        "packets whose signature was checked";
    AUTH_DIGEST_DECRYPTIONS = "authdigestdecrypts", "signatures_checked_digest", Unsigned,
        "....baa", Raw;
        "packets whose digest was checked";
    AUTH_DIGEST_FAILS = "authdigestfails", "signatures_wrong_digest", Unsigned, "....baa", Raw;
        "packets whose digest was wrong";
    AUTH_CMAC_DECRYPTIONS = "authcmacdecrypts", "signatures_checked_cmac", Unsigned, "....baa",
        Raw;
        "packets whose CMAC was checked";
    AUTH_CMAC_FAILS = "authcmacfails", "signatures_wrong_cmac", Unsigned, "....baa", Raw;
        "packets whose CMAC was wrong";
}
