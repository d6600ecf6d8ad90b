//! The monitor list: clients seen lately, most recent first (MRU).

use crate::model::vars::variables;

// The letters: see the head of the table in `system.rs`.
variables! { MONITOR_ROWS, System, "clients";
    MRU_ENABLED = "mru_enabled", "mru_enabled", Bits, "..aaaaa", Raw, [0.0 => "off"];
        "whether clients are listed: bit 0 by configuration, bit 1 for rate limits";
    MRU_HASH_SLOTS = "mru_hashslots", "mru_hash_slots", Unsigned, ".....aa", Raw;
        "hash slots in use";
    MRU_DEPTH = "mru_depth", "mru_clients", Unsigned, "..aaaaa", Raw;
        "clients in the list";
    MRU_DEEPEST = "mru_deepest", "mru_clients_peak", Unsigned, "..aaaaa", Raw;
        "most clients that were ever in the list";
    MRU_MINIMUM_DEPTH = "mru_mindepth", "mru_clients_kept", Unsigned, "..aaaaa", Raw;
        "clients that are kept however old they are";
    MRU_MAXIMUM_DEPTH = "mru_maxdepth", "mru_clients_limit", Unsigned, "..aaaaa", Raw;
        "most clients that the list may hold";
    MRU_MAXIMUM_AGE = "mru_maxage", "mru_maximum_age", Seconds, "..aaaaa", Raw;
        "age from which on a client's place may be given to another";
    MRU_MINIMUM_AGE = "mru_minage", "mru_minimum_age", Seconds, "....aaa", Raw;
        "age from which on a client's place may be given to another when the list is full";
    MRU_MEMORY = "mru_mem", "mru_memory", Kibibytes, "..aaaaa", Raw;
        "memory that the clients in the list take";
    MRU_MAXIMUM_MEMORY = "mru_maxmem", "mru_memory_limit", Kibibytes, "..aaaaa", Raw;
        "memory that a full list takes";
    MRU_EXISTS = "mru_exists", "mru_found", Unsigned, "....aaa", Raw;
        "packets from clients already in the list";
    MRU_NEW = "mru_new", "mru_added", Unsigned, "....aaa", Raw;
        "clients that got a new place";
    MRU_RECYCLED_OLD = "mru_recycleold", "mru_recycled_old", Unsigned, "....aaa", Raw;
        "clients that got the place of one too old";
    MRU_RECYCLED_FULL = "mru_recyclefull", "mru_recycled_full", Unsigned, "....aaa", Raw;
        "clients that got the place of another because the list was full";
    MRU_NONE = "mru_none", "mru_refused", Unsigned, "....aaa", Raw;
        "clients for whom there was no place";
    MRU_OLDEST_AGE = "mru_oldest_age", "mru_oldest_age", Seconds, "....aaa", Raw;
        "age of the oldest client in the list";
}
