//! What an association has counted, and how long ago; most of it no default reply has.

use crate::model::vars::variables;

// The letters: see the head of the table in `peer.rs`.
variables! { COUNTER_ROWS, Peer, "counters";
    CONFIGURED = "config", "configured", Flag, "Daaaaaa", Raw;
        "whether the association was configured, and not made on its own from a packet or a pool";
    AUTHENTICATION_OFF = "authenable", "authentication_off", Flag, "Daaaaaa", Raw;
        "1 when the association has no key: the opposite of what the name says";
    AUTHENTIC = "authentic", "authentic", Flag, "Daaaaaa", Raw;
        "whether the last packet's authentication was right";
    TIME_RECEIVED = "timerec", "since_received", Seconds, "..aaaaa", Raw;
        "how long ago the last packet arrived";
    NEXT_POLL = "timer", "until_next_poll", Seconds, "aaaaaaa", Raw;
        "how long until the next poll";
    TIME_REACHABLE = "timereach", "since_reach_changed", Seconds, "..aaaaa", Raw;
        "how long ago the source became reachable or unreachable";
    SENT = "sent", "packets_sent", Unsigned, "aaaaaaa", Raw;
        "packets sent to the source";
    RECEIVED = "received", "packets_received", Unsigned, "aaaaaaa", Raw;
        "packets received from the source";
    BAD_AUTHENTICATION = "badauth", "bad_authentication", Unsigned, "..aaaaa", Raw;
        "packets whose authentication was missing or wrong";
    BOGUS_ORIGIN = "bogusorg", "bogus_origin", Unsigned, "..aaaaa", Raw;
        "packets that did not answer the request that was sent: late, doubled or forged";
    DUPLICATE = "oldpkt", "duplicates", Unsigned, "..aaaaa", Raw;
        "packets that repeated one received before";
    HEADERS_REJECTED = "seldisp", "headers_rejected", Unsigned, "..aaaaa", Raw;
        "packets discarded because a test of their header failed; NTPsec does not count them, and \
         the label of ntpq, bad dispersion, is not what it holds";
    KISSES_RECEIVED = "selbroken", "kiss_of_death_received", Unsigned, "..aaaaa", Raw;
        "kiss-of-death packets of the source: it asks for less or for none; the label of ntpq, bad \
         reference time, is not what it holds";
    CANDIDATE = "candidate", "selection_code", Unsigned, "..aaaaa", Raw;
        "what the selection made of the source, as the code of the status word: 6 is the system \
         peer, 0 rejected; the label of ntpq, candidate order, is not what it holds";
    VARIABLE_LIST = "peer_var_list", "variable_list", Text, "aaaaaaa", Raw;
        "names of the variables of an association";
}
